package restore

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lifeboat/engine/migxml"
	"lifeboat/engine/platform"
	"lifeboat/engine/store"
	"lifeboat/engine/winname"
)

// unit is a migration unit of the capture as it acts on the destination.
type unit struct {
	index        int
	catalog      store.CatalogUnit
	person       *Person // nil for the system
	source, dest migxml.Context
	restorer     *migxml.Restorer // nil if no rule acts
	remaps       []moved
	calls        map[string]*migxml.Call // parsed scripts; nil for those that are no call
	known        []string                // known folders of the source, for the function Move

	files, registry cursorAt
}

// cursorAt remembers where a restorer's cursor is: objects come folder by folder.
type cursorAt struct {
	at     string
	cursor migxml.Cursor
	valid  bool
}

func (c *cursorAt) move(top migxml.Cursor, path string) migxml.Cursor {
	if !c.valid || c.at != path {
		c.cursor = top
		for segment := range strings.SplitSeq(path, `\`) {
			c.cursor = c.cursor.Descend(segment)
		}
		c.at, c.valid = path, true
	}
	return c.cursor
}

// matching returns the rules that concern an object, as the Restorer counts them.
func (u *unit) matching(object migxml.Pattern) []int {
	if u.restorer == nil {
		return nil
	}
	at, top := &u.files, u.restorer.Files()
	if object.Kind == migxml.RegistryKind {
		at, top = &u.registry, u.restorer.Registry()
	}
	cursor := at.move(top, object.Node)
	if object.HasLeaf {
		return cursor.Leaf(object.Leaf, migxml.Object{}).Takers
	}
	return cursor.Node().Takers
}

// call parses the script of a rule once.
func (u *unit) call(rule *migxml.RestoreRule) *migxml.Call {
	if rule == nil || rule.Script == "" {
		return nil
	}
	c, ok := u.calls[rule.Script]
	if !ok {
		if parsed, err := migxml.ParseCall(rule.Script); err == nil {
			c = &parsed
		}
		u.calls[rule.Script] = c
	}
	return c
}

// prepareRules makes the units: which of them take part, on whose behalf, and
// which of their rules act. Those of a file that the restore was not given do not
// (spec/migxml-spec.md 1.3).
func (r *run) prepareRules(ctx context.Context) error {
	given, err := r.givenRules(ctx)
	if err != nil {
		return err
	}
	r.acting = given
	vars := r.machine.Vars()
	r.places = &places{users: map[string][]moved{}, homes: map[string]string{}}
	r.places.system = pair(r.recorded.contexts[systemID], vars)
	destVars := map[string]map[string]string{}
	for _, p := range r.result.People {
		if !p.restored() {
			continue
		}
		id := p.Source.SID
		source := maps.Clone(r.recorded.contexts[id])
		if source == nil {
			source = map[string]string{}
		}
		source["USERPROFILE"] = string(p.Source.Profile)
		destVars[id] = r.machine.UserVars(p.SID)
		if destVars[id] == nil {
			return fmt.Errorf("the folders of %s are not known", p.Account())
		}
		r.places.users[winname.Fold(id)] = pair(source, destVars[id])
		r.places.homes[winname.Fold(string(p.Source.Profile))] = id
	}
	r.units = make([]*unit, len(r.catalog.Units))
	byUnit := map[int][]migxml.RestoreRule{}
	for _, rule := range given {
		byUnit[rule.Unit] = append(byUnit[rule.Unit], rule)
	}
	programs, actions := r.destinationUnits(ctx, destVars)
	for i, c := range r.catalog.Units {
		var own store.RecordedUnit
		if i < len(r.recorded.units) {
			own = r.recorded.units[i]
		}
		if r.req.Omit != nil && r.req.Omit(c, own.Path) {
			continue
		}
		u := &unit{index: i, catalog: c, calls: map[string]*migxml.Call{}}
		sourceVars := maps.Clone(r.recorded.contexts[c.Context])
		if sourceVars == nil {
			sourceVars = map[string]string{}
		}
		maps.Copy(sourceVars, own.Vars)
		u.source = contextOf(c.Context, "", sourceVars)
		dest := maps.Clone(vars)
		id := systemID
		if c.Context != systemID && c.Context != "" {
			u.person = r.people[winname.Fold(c.Context)]
			if u.person == nil || !u.person.restored() {
				continue
			}
			dest, id = maps.Clone(destVars[u.person.Source.SID]), u.person.SID
		}
		// A component's own variables have their value on the destination where
		// its conditions hold there, else that of the source.
		for name, value := range u.source.Vars {
			if _, known := dest[name]; !known {
				dest[name] = value
			}
		}
		maps.Copy(dest, programs[unitKey(c)])
		u.dest = contextOf(id, "", dest)
		for _, m := range pair(sourceVars, sourceVars) {
			u.known = append(u.known, m.from)
		}
		if rules := byUnit[i]; len(rules) > 0 {
			u.restorer = migxml.NewRestorer(rules)
		}
		r.units[i] = u
	}
	for _, m := range r.recorded.remaps {
		if m.Unit < 0 || m.Unit >= len(r.units) || r.units[m.Unit] == nil {
			continue
		}
		u := r.units[m.Unit]
		if to := u.dest.Vars[strings.ToUpper(m.Variable)]; isPath(to) && isPath(m.Source) {
			u.remaps = append(u.remaps, moved{m.Source, to})
		}
	}
	r.actions = actions()
	return nil
}

func unitKey(c store.CatalogUnit) string {
	return strings.ToLower(c.File + "\x00" + c.Component + "\x00" + c.Role + "\x00" + c.Context)
}

// givenRules picks the recorded rules of the files that the restore was given.
// A file that was changed since the capture is evaluated anew.
func (r *run) givenRules(ctx context.Context) ([]migxml.RestoreRule, error) {
	if len(r.req.Rules) == 0 {
		if len(r.recorded.rules) > 0 {
			r.warn("no rule files were given: what they say about the destination does not apply")
		}
		return nil, nil
	}
	given := map[string]bool{}
	for _, f := range r.req.Rules {
		parsed, diagnostics, err := migxml.Parse(f.Name, f.Data)
		if err != nil {
			return nil, err
		}
		for _, d := range diagnostics {
			if d.Severity == migxml.Error {
				r.warn(d.String())
			}
		}
		id := strings.ToLower(parsed.URLID)
		if !slices.ContainsFunc(r.catalog.Units, func(u store.CatalogUnit) bool { return strings.EqualFold(u.File, id) }) {
			continue // nothing in the store came by it
		}
		given[id] = true
	}
	var rules []migxml.RestoreRule
	for _, rule := range r.recorded.rules {
		if rule.Unit >= 0 && rule.Unit < len(r.catalog.Units) && given[strings.ToLower(r.catalog.Units[rule.Unit].File)] {
			rules = append(rules, rule)
		}
	}
	return r.replaceChanged(ctx, rules)
}

// replaceChanged evaluates those given files anew whose text is not the one in
// the capture: people add rules for the destination between saving and restoring.
// The units keep what they took; only what the rules say of the destination is
// new, its patterns resolved with the variables of the source.
func (r *run) replaceChanged(ctx context.Context, rules []migxml.RestoreRule) ([]migxml.RestoreRule, error) {
	var changed []*migxml.File
	urlids := map[string]bool{}
	for _, f := range r.req.Rules {
		if r.isStored(ctx, f) {
			continue
		}
		parsed, _, err := migxml.Parse(f.Name, f.Data)
		if err != nil {
			return nil, err
		}
		changed = append(changed, parsed)
		urlids[strings.ToLower(parsed.URLID)] = true
	}
	if len(changed) == 0 {
		return rules, nil
	}
	rules = slices.DeleteFunc(rules, func(rule migxml.RestoreRule) bool {
		return urlids[strings.ToLower(r.catalog.Units[rule.Unit].File)]
	})
	var contexts []migxml.Context
	for id, vars := range r.recorded.contexts {
		contexts = append(contexts, contextOf(id, "", vars))
	}
	slices.SortFunc(contexts, func(a, b migxml.Context) int { return strings.Compare(a.ID, b.ID) })
	program, _, err := migxml.Compile(changed, contexts, platform.Described(r.source))
	if err != nil {
		return nil, err
	}
	units := map[string]int{}
	for i, c := range r.catalog.Units {
		units[unitKey(c)] = i
	}
	compiled := program.Units()
	for _, rule := range program.RestoreRules() {
		u := compiled[rule.Unit]
		key := unitKey(store.CatalogUnit{File: u.File, Component: u.Component, Role: u.Role, Context: contexts[u.Context].ID})
		if i, ok := units[key]; ok {
			rule.Unit = i
			rules = append(rules, rule)
		}
	}
	return rules, nil
}

// isStored reports whether a rule file is, byte for byte, in the capture.
func (r *run) isStored(ctx context.Context, f RuleFile) bool {
	for _, name := range r.catalog.Rules {
		file, err := r.req.Tree.Open(ctx, store.RulesDir+"/"+store.Name(name))
		if err != nil {
			continue
		}
		same := file.Length() == int64(len(f.Data)) && sameContent(file, bytes.NewReader(f.Data))
		file.Close()
		if same {
			return true
		}
	}
	return false
}

// destinationUnits evaluates the given files on the destination, for what their
// components' variables are there, and what they have run.
func (r *run) destinationUnits(ctx context.Context, users map[string]map[string]string) (vars map[string]map[string]string, actions func() []action) {
	contexts := []migxml.Context{contextOf(systemID, "", r.machine.Vars())}
	ids := []string{systemID}
	for id, vars := range users {
		p := r.people[winname.Fold(id)]
		contexts = append(contexts, contextOf(p.SID, p.Account(), vars))
		ids = append(ids, id)
	}
	var files []*migxml.File
	for _, f := range r.req.Rules {
		if parsed, _, err := migxml.Parse(f.Name, f.Data); err == nil {
			files = append(files, parsed)
			r.given = append(r.given, parsed.URLID)
		}
	}
	program, _, err := migxml.CompileForRestore(files, contexts, platform.Of(ctx, r.machine))
	if err != nil {
		r.warn(fmt.Sprintf("the rules cannot be evaluated on the destination: %v", err))
		return nil, func() []action { return nil }
	}
	vars = map[string]map[string]string{}
	for _, u := range program.Units() {
		vars[unitKey(store.CatalogUnit{File: u.File, Component: u.Component, Role: u.Role, Context: ids[u.Context]})] = u.Vars
	}
	return vars, func() []action { return r.actionsOf(program, contexts, ids) }
}

// dropped reports whether a filter of the unit's includes keeps an object from
// being put back.
func (u *unit) dropped(rules []int, object migxml.Pattern, o migxml.Object, linkWorks func() bool) (bool, error) {
	if u.restorer == nil {
		return false, nil
	}
	rule := u.restorer.Strongest(rules, migxml.Include, object)
	c := u.call(rule)
	if c == nil {
		return false, nil
	}
	ok, err := migxml.FilterAtApply(c, object.Leaf, o, linkWorks)
	return !ok, err
}

// locate returns where a locationModify of the unit puts an object; false if
// none does.
func (u *unit) locate(rules []int, object migxml.Pattern) (migxml.Pattern, bool, error) {
	if u.restorer == nil {
		return object, false, nil
	}
	c := u.call(u.restorer.Strongest(rules, migxml.LocationModify, object))
	if c == nil {
		return object, false, nil
	}
	move := migxml.Move{Source: &u.source, Destination: &u.dest, Known: u.known}
	return move.Locate(c, object)
}

// merge decides a collision by the unit's rules.
func (u *unit) merge(rules []int, object migxml.Pattern, x migxml.Collision) (migxml.Resolution, string, error) {
	var c *migxml.Call
	if u.restorer != nil {
		c = u.call(u.restorer.Strongest(rules, migxml.Merge, object))
	}
	return x.Resolve(c)
}

// modifiers are the unit's contentModify functions for an object.
func (u *unit) modifiers(rules []int) []*migxml.Call {
	if u.restorer == nil {
		return nil
	}
	var calls []*migxml.Call
	for _, rule := range u.restorer.All(rules, migxml.ContentModify) {
		if c := u.call(rule); c != nil {
			calls = append(calls, c)
		}
	}
	return calls
}

// active returns the units of an object that take part.
func (r *run) active(indexes []int) []*unit {
	var list []*unit
	for _, i := range indexes {
		if i >= 0 && i < len(r.units) && r.units[i] != nil {
			list = append(list, r.units[i])
		}
	}
	return list
}
