package restore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
	if object.Kind == migxml.IniKind {
		return u.restorer.Settings(object)
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
	r.acting, r.bars = given.rules, given.bars
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
	all := append(slices.Clone(r.catalog.Units), given.units...)
	r.units = make([]*unit, len(all))
	byUnit := map[int][]migxml.RestoreRule{}
	for _, rule := range given.rules {
		byUnit[rule.Unit] = append(byUnit[rule.Unit], rule)
	}
	programs, actions := r.destinationUnits(ctx, destVars)
	for i, c := range all {
		var own store.RecordedUnit
		switch {
		case i >= len(r.catalog.Units):
			own = given.recorded[i-len(r.catalog.Units)]
		case i < len(r.recorded.units):
			own = r.recorded.units[i]
		}
		if own.Conditional && !given.components[componentKey(c.File, c.Component)] {
			r.notice(c.Component, "is put back only with a rule file that has this component (defaultSupported), and none was given")
			continue
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
	r.indexRules()
	r.actions = actions()
	return nil
}

// indexRules makes what is asked for every object quick to find.
func (r *run) indexRules() {
	r.zone = r.source.TimeZone.Location()
	for _, rule := range r.acting {
		if rule.Kind == migxml.LocationModify && r.units[rule.Unit] != nil {
			r.moves = append(r.moves, rule)
		}
	}
	r.moving, r.barring = ruleIndex(r.moves), ruleIndex(r.bars)
	r.simulated = map[string]bool{}
	for _, a := range r.recorded.added {
		if len(r.active([]int{a.Unit})) > 0 {
			r.simulated[locationKey(a.Location)] = true
		}
	}
}

func componentKey(urlid, component string) string { return strings.ToLower(urlid + "\x00" + component) }

func unitKey(c store.CatalogUnit) string {
	return strings.ToLower(c.File + "\x00" + c.Component + "\x00" + c.Role + "\x00" + c.Context)
}

// given is what the rule files say that the restore was given.
type given struct {
	rules      []migxml.RestoreRule // those that act
	bars       []migxml.RestoreRule // unconditionalExcludes that the capture does not know
	components map[string]bool      // by componentKey

	// Units of files that the capture does not know; their indexes follow those of
	// the catalog's.
	units    []store.CatalogUnit
	recorded []store.RecordedUnit
}

// givenRules picks the recorded rules of the files that the restore was given. A
// file that was changed since the capture, or that it does not know, is evaluated
// anew: people add rules for the destination between saving and restoring.
func (r *run) givenRules(ctx context.Context) (given, error) {
	g := given{components: map[string]bool{}}
	if len(r.req.Rules) == 0 {
		if len(r.recorded.rules) > 0 {
			r.warn("no rule files were given: what they say about the destination does not apply")
		}
		return g, nil
	}
	stored := map[string]bool{} // urlids
	var anew []*migxml.File
	for _, f := range r.req.Rules {
		parsed, diagnostics, err := migxml.Parse(f.Name, f.Data)
		if err != nil {
			return g, err
		}
		for _, d := range diagnostics {
			if d.Severity == migxml.Error {
				r.warn(d.String())
			}
		}
		g.components = addComponents(g.components, parsed.URLID, parsed.Components)
		if r.isStored(ctx, f) {
			stored[strings.ToLower(parsed.URLID)] = true
		} else {
			anew = append(anew, parsed)
		}
	}
	for _, rule := range r.recorded.rules {
		if rule.Unit >= 0 && rule.Unit < len(r.catalog.Units) && stored[strings.ToLower(r.catalog.Units[rule.Unit].File)] {
			g.rules = append(g.rules, rule)
		}
	}
	if len(anew) == 0 {
		return g, nil
	}
	err := r.evaluate(ctx, anew, &g)
	return g, err
}

func addComponents(to map[string]bool, urlid string, list []*migxml.Component) map[string]bool {
	for _, c := range list {
		to[componentKey(urlid, c.DisplayName)] = true
		for _, role := range c.Roles {
			to = addComponents(to, urlid, role.Components)
		}
	}
	return to
}

// evaluate works out what files say that are not, byte for byte, in the capture,
// their patterns resolved with the variables of the source. Units of the capture
// keep what they took; only what the rules say of the destination is new. Those of
// a file that the capture knows in another form, but not them, were not detected;
// those of a file that it does not know at all take part as well.
func (r *run) evaluate(ctx context.Context, files []*migxml.File, g *given) error {
	var contexts []migxml.Context
	for id, vars := range r.recorded.contexts {
		contexts = append(contexts, contextOf(id, "", vars))
	}
	slices.SortFunc(contexts, func(a, b migxml.Context) int { return strings.Compare(a.ID, b.ID) })
	known := r.knownFiles(ctx)
	units := map[string]int{}
	for i, c := range r.catalog.Units {
		units[unitKey(c)] = i
	}
	keyOf := func(u migxml.Unit) store.CatalogUnit {
		return store.CatalogUnit{File: u.File, Component: u.Component, Role: u.Role, Type: u.Type, Context: contexts[u.Context].ID}
	}
	program, diagnostics, err := migxml.CompileForSource(files, contexts, platform.Described(r.source), func(u migxml.Unit) map[string]string {
		if i, ok := units[unitKey(keyOf(u))]; ok && i < len(r.recorded.units) {
			return r.recorded.units[i].Vars
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, d := range migxml.Condense(diagnostics) {
		if d.Severity >= migxml.Warning {
			r.warn(d.String())
		}
	}
	index := make([]int, len(program.Units())) // of the program's units among ours, -1 for none
	for i, u := range program.Units() {
		c := keyOf(u)
		at, ok := units[unitKey(c)]
		switch {
		case ok:
			index[i] = at
		case known[strings.ToLower(u.File)]:
			index[i] = -1
		default:
			index[i] = len(r.catalog.Units) + len(g.units)
			g.units = append(g.units, c)
			g.recorded = append(g.recorded, store.RecordedUnit{URLID: u.File, Path: u.Path, Vars: u.Vars})
		}
	}
	for _, rule := range program.RestoreRules() {
		if rule.Unit = index[rule.Unit]; rule.Unit >= 0 {
			g.rules = append(g.rules, rule)
		}
	}
	for _, rule := range program.Rules() {
		if rule.Kind != migxml.UnconditionalExclude || index[rule.Unit] < 0 {
			continue
		}
		bar := migxml.RestoreRule{Kind: rule.Kind, File: rule.File, Line: rule.Line, Patterns: []migxml.Pattern{rule.Pattern}}
		if rule.Filter != nil {
			bar.Script = rule.Filter.String()
		}
		g.bars = append(g.bars, bar)
	}
	return nil
}

// knownFiles are the urlids of the rule files that the capture was made with.
func (r *run) knownFiles(ctx context.Context) map[string]bool {
	known := map[string]bool{}
	for _, u := range r.catalog.Units {
		known[strings.ToLower(u.File)] = true
	}
	for _, name := range r.catalog.Rules {
		f, err := r.req.Tree.Open(ctx, store.RulesDir+"/"+store.Name(name))
		if err != nil {
			continue
		}
		data, err := io.ReadAll(io.LimitReader(f, maxRuleFile))
		f.Close()
		if err != nil {
			continue
		}
		if parsed, _, err := migxml.Parse(name, data); err == nil {
			known[strings.ToLower(parsed.URLID)] = true
		}
	}
	return known
}

// maxRuleFile bounds what is read of a rule file; Parse takes no more.
const maxRuleFile = 16<<20 + 1

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

// cleanupKey names a destinationCleanup of a unit.
func cleanupKey(c store.CatalogUnit, rule migxml.RestoreRule) string {
	return fmt.Sprintf("%s\x00%s\x00%d", unitKey(c), rule.File, rule.Line)
}

// destinationUnits evaluates the given files on the destination, for what their
// components' variables are there, what their cleanups name, and what they have run.
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
	keyOf := func(u migxml.Unit) store.CatalogUnit {
		return store.CatalogUnit{File: u.File, Component: u.Component, Role: u.Role, Context: ids[u.Context]}
	}
	for _, u := range program.Units() {
		vars[unitKey(keyOf(u))] = u.Vars
	}
	r.cleanups = map[string][]migxml.Pattern{}
	for _, rule := range program.RestoreRules() {
		if rule.Kind == migxml.DestinationCleanup {
			r.cleanups[cleanupKey(keyOf(program.Units()[rule.Unit]), rule)] = rule.Patterns
		}
	}
	return vars, func() []action { return r.actionsOf(program, contexts, ids) }
}

// dropped reports whether the filters of the unit keep an object from being put back.
func (u *unit) dropped(rules []int, object migxml.Pattern, o migxml.Object, linkWorks func() bool) (dropped bool, err error) {
	if u.restorer == nil {
		return false, nil
	}
	takes := u.restorer.Takes(rules, object, func(rule *migxml.RestoreRule) bool {
		ok, bad := migxml.FilterAtApply(u.call(rule), object.Leaf, o, linkWorks)
		err = errors.Join(err, bad)
		return ok
	})
	return !takes, err
}

// moved returns where a locationModify puts an object; false if none does.
func (r *run) moved(c claim, object migxml.Pattern) (migxml.Pattern, bool) {
	to, moved, err := c.unit.locate(c.rules, object)
	if err != nil {
		r.warn(fmt.Sprintf("locationModify of %s: %v; what it is about goes where it was", c.unit.catalog.Component, err))
		return object, false
	}
	return to, moved
}

// movers are the units that did not take an object and have a locationModify about it.
func (r *run) movers(object migxml.Pattern, taken []int) []*unit {
	var list []int
	for _, i := range r.moving.matching(object) {
		if u := r.moves[i].Unit; !slices.Contains(taken, u) && !slices.Contains(list, u) {
			list = append(list, u)
		}
	}
	return r.active(list)
}

// isBarred reports whether an unconditionalExclude of a file that only the restore
// was given is about an object (spec/migxml-spec.md 4.13).
func (r *run) isBarred(object migxml.Pattern, o migxml.Object) bool {
	for _, i := range r.barring.matching(object) {
		rule := &r.bars[i]
		if ok, err := migxml.FilterAtApply(r.barring.call(rule), object.Leaf, o, func() bool { return true }); ok && err == nil {
			return true
		}
	}
	return false
}

// ruleIndex finds those of a list of rules that are about an object, of whatever
// unit they are.
func ruleIndex(rules []migxml.RestoreRule) *unit {
	u := &unit{calls: map[string]*migxml.Call{}}
	if len(rules) > 0 {
		u.restorer = migxml.NewRestorer(rules)
	}
	return u
}

// isSimulated reports whether rules made up an object, which then stands for the
// real one.
func (r *run) isSimulated(object migxml.Pattern) bool {
	return len(r.simulated) > 0 && r.simulated[locationKey(object)]
}

// locationKey is what objects of the same place have in common.
func locationKey(object migxml.Pattern) string { return winname.Fold(object.String()) }

// locate returns where a locationModify of the unit puts an object; false if
// none does.
func (u *unit) locate(rules []int, object migxml.Pattern) (migxml.Pattern, bool, error) {
	if u.restorer == nil {
		return object, false, nil
	}
	rule := u.restorer.Strongest(rules, migxml.LocationModify, object)
	c := u.call(rule)
	if c == nil {
		return object, false, nil
	}
	move := migxml.Move{Source: &u.source, Destination: &u.dest, Known: u.known}
	move.Pattern, _ = rule.Matching(object)
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
