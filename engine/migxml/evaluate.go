package migxml

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"lifeboat/engine/winname"
)

// evaluator works out what the elements of files mean on one platform.
type evaluator struct {
	platform Platform
	contexts []Context
	steps    int // budget that is left
	seen     map[Diagnostic]bool
	diags    []Diagnostic
	versions map[string]map[string]string // version strings by folded path
	docs     *docFinder
}

// maxSteps bounds the work of one evaluation: elements evaluated, files and keys
// looked at, and each 16 bytes of expanded text. A whole disk of a million files is well within it.
const maxSteps = 1 << 23

var errTooMuch = errors.New("the rules are too much to evaluate: too many patterns, or too much that they refer to")

// spendText takes the steps for text that is kept: it bounds the memory of what
// expands to much more than was written.
func (ev *evaluator) spendText(s ...string) bool {
	n := 0
	for _, text := range s {
		n += len(text)
	}
	return ev.spend(n / 16)
}

// spend takes n steps from the budget and reports whether there were as many.
func (ev *evaluator) spend(n int) bool {
	if ev.steps < n {
		ev.steps = -1
		return false
	}
	ev.steps -= n
	return true
}

// say reports something once, however many contexts meet it.
func (ev *evaluator) say(s Severity, sc *scope, line int, format string, args ...any) {
	if len(ev.diags) >= maxDiagnostics && s < Error {
		return
	}
	d := Diagnostic{File: sc.file.Name, Line: line, Element: sc.name, Text: fmt.Sprintf(format, args...), Severity: s}
	if !ev.seen[d] {
		ev.seen[d] = true
		ev.diags = append(ev.diags, d)
	}
}

// environments adds variables to the scope, in document order: a later one may
// use an earlier one, and replaces one of the same name if it has a value.
func (ev *evaluator) environments(list []*Environment, sc *scope) {
	for _, e := range list {
		if !ev.spend(1) || !e.Scope.admits(sc.ctx) {
			continue
		}
		e = resolve(sc.file.named.environments, e, e.Name, e.Ref)
		if e == nil || !e.Scope.admits(sc.ctx) || !ev.all(e.Conditions, sc) {
			continue
		}
		for _, v := range e.Variables {
			if b, ok := ev.variable(v, sc); ok && ev.spendText(b.plain, b.encoded) {
				sc.set(v.Name, b)
				if v.Remap {
					sc.moved = append(sc.moved, v.Name)
				}
			}
		}
	}
}

func (ev *evaluator) variable(v *Variable, sc *scope) (binding, bool) {
	switch {
	case v.Text != nil:
		plain, err := sc.expand(*v.Text)
		if err != nil {
			ev.say(Debug, sc, v.Line, "variable %s: %v", show(v.Name), err)
			return binding{}, false
		}
		encoded, _ := sc.expandLocation(*v.Text)
		return binding{plain, encoded}, true
	case v.Script != nil:
		if v.Script.Err != nil {
			return binding{}, false
		}
		s, ok := ev.stringContent(&v.Script.Call, v.Script.Line, sc)
		return binding{s, escapeLocation(s)}, ok && s != ""
	case v.Set != nil:
		set := ev.objectSet(v.Set, sc)
		if len(set) == 0 {
			break
		}
		path := set[0].pattern.Node
		if set[0].pattern.HasLeaf {
			path = winname.Join(path, set[0].pattern.Leaf)
		}
		return binding{path, escapeLocation(path)}, true
	}
	return binding{}, false
}

// all is true if all conditions elements are.
func (ev *evaluator) all(list []*Conditions, sc *scope) bool {
	for _, c := range list {
		if !ev.conditions(c, sc) {
			return false
		}
	}
	return true
}

func (ev *evaluator) conditions(c *Conditions, sc *scope) bool {
	if c = resolve(sc.file.named.conditions, c, c.Name, c.Ref); c == nil {
		return true // taken as empty (spec 4.6)
	}
	if !ev.spend(1) {
		return false
	}
	for _, t := range c.Terms {
		var v bool
		if t.Condition != nil {
			v = ev.condition(t.Condition, sc)
		} else {
			v = ev.conditions(t.Conditions, sc)
		}
		if v == c.Or {
			return v
		}
	}
	return !c.Or || len(c.Terms) == 0
}

// condition evaluates one call. One that cannot be evaluated is false, negated
// or not; a variable without a value makes it a valid call about an object that
// does not exist (spec 4.8).
func (ev *evaluator) condition(c *Condition, sc *scope) bool {
	if c.Script.Err != nil || !ev.spend(1) {
		return false
	}
	v, err := ev.call(&c.Script.Call, sc)
	if undefined := undefinedError(""); errors.As(err, &undefined) {
		ev.say(Debug, sc, c.Line, "condition %s: %v", show(c.Script.Text), err)
		v = false
	} else if err != nil {
		ev.say(Warning, sc, c.Line, "condition %s: %v; taken as false", show(c.Script.Text), err)
		return false
	}
	return v != c.Negate
}

func (ev *evaluator) every(list []*Condition, sc *scope) bool {
	for _, c := range list {
		if !ev.condition(c, sc) {
			return false
		}
	}
	return true
}

// detected tells whether a role's detections find what it is about. Those that
// do not belong to the context say nothing.
func (ev *evaluator) detected(r *Role, sc *scope) bool {
	asked := false
	for _, d := range r.Detections {
		if !d.Scope.admits(sc.ctx) {
			continue
		}
		d = resolve(sc.file.named.detections, d, d.Name, d.Ref)
		if d != nil && !d.Scope.admits(sc.ctx) {
			continue
		}
		asked = true
		if d != nil && ev.all(d.Conditions, sc) {
			return true
		}
	}
	for _, d := range r.Detects {
		if !d.Scope.admits(sc.ctx) {
			continue
		}
		d = resolve(sc.file.named.detects, d, d.Name, d.Ref)
		if d != nil && !d.Scope.admits(sc.ctx) {
			continue
		}
		asked = true
		if d != nil && ev.detects(d, sc) {
			return true
		}
	}
	return !asked
}

func (ev *evaluator) detects(d *Detects, sc *scope) bool {
	for _, one := range d.Detect {
		if one.Scope.admits(sc.ctx) && !ev.detect(one, sc) {
			return false
		}
	}
	return true
}

func (ev *evaluator) detect(d *Detect, sc *scope) bool {
	d = resolve(sc.file.named.detect, d, d.Name, d.Ref)
	if d == nil || !ev.spend(1) {
		return false
	}
	for _, inner := range d.Detect {
		if !ev.detect(inner, sc) {
			return false
		}
	}
	if len(d.Conditions) == 0 && len(d.Sets) == 0 {
		return true
	}
	for _, c := range d.Conditions {
		if ev.condition(c, sc) {
			return true
		}
	}
	for _, s := range d.Sets {
		for _, y := range ev.objectSet(s, sc) {
			if ev.exists(y.pattern) {
				return true
			}
		}
	}
	return false
}

// applies tells whether the conditions of a rules element hold. The context of
// detects is not looked at here (spec 1.4).
func (ev *evaluator) applies(r *Rules, sc *scope) bool {
	if !ev.all(r.Conditions, sc) {
		return false
	}
	for _, d := range r.Detects {
		if d = resolve(sc.file.named.detects, d, d.Name, d.Ref); d != nil && ev.detects(d, sc) {
			return true
		}
	}
	return len(r.Detects) == 0
}

// yielded is a pattern that an objectSet gave.
type yielded struct {
	pattern Pattern
	line    int
	written string
}

func (ev *evaluator) objectSet(s *ObjectSet, sc *scope) []yielded {
	if !ev.spend(1) || !ev.every(s.Condition, sc) || !ev.all(s.Conditions, sc) {
		return nil
	}
	var all []yielded
	add := func(line int, written string, patterns []Pattern) {
		for _, p := range patterns {
			if ev.spend(1) && ev.spendText(p.Node, p.Section, p.Leaf) {
				all = append(all, yielded{ev.long(p), line, written})
			}
		}
	}
	for _, m := range s.Members {
		switch {
		case m.Pattern != nil:
			add(m.Pattern.Line, m.Pattern.Text, ev.pattern(m.Pattern.Kind, m.Pattern.Text, m.Pattern.Line, sc))
		case m.Script != nil && m.Script.Err == nil:
			add(m.Script.Line, m.Script.Text, ev.generate(m.Script, sc))
		case m.Content != nil && m.Content.Filter != nil && m.Content.Filter.Err == nil:
			add(m.Content.Line, m.Content.Filter.Text, ev.content(m.Content, sc))
		}
	}
	return all
}

// long spells the literal beginning of a file pattern with the names that a walk
// meets, where it was written with short ones for DOS.
func (ev *evaluator) long(p Pattern) Pattern {
	if p.Kind == RegistryKind {
		return p
	}
	p.Node = ev.longPath(p.Node)
	if p.HasLeaf && p.Kind == FileKind && winname.IsShort(p.Leaf) && !strings.Contains(p.Node, "*") {
		_, p.Leaf = winname.Split(ev.longPath(winname.Join(p.Node, p.Leaf)))
	}
	return p
}

func (ev *evaluator) longPath(path string) string {
	return winname.Long(path, func(path string) (string, bool) {
		if !ev.spend(1) {
			return "", false
		}
		e, ok := ev.platform.Stat(path)
		return e.Name, ok
	})
}

// notEverywhere are the recognised variables that Windows XP or a 32-bit
// Windows has not (spec 8). That one of them is undefined is no mistake.
var notEverywhere = []string{
	"PROGRAMDATA", "PUBLIC", "CSIDL_CONTACTS", "CSIDL_DOWNLOADS", "CSIDL_DEFAULT_CONTACTS", "CSIDL_DEFAULT_DOWNLOADS",
	"FOLDERID_CONTACTS", "FOLDERID_DOWNLOADS", "FOLDERID_LIBRARIES", "FOLDERID_LINKS", "FOLDERID_LOCALAPPDATALOW",
	"FOLDERID_ORIGINALIMAGES", "FOLDERID_PUBLICDOWNLOADS", "FOLDERID_RECORDEDTV", "FOLDERID_SAVEDGAMES",
	"FOLDERID_APPCAPTURES", "FOLDERID_CAMERAROLL", "FOLDERID_CDBURNING", "FOLDERID_GAMETASKS", "FOLDERID_OBJECTS3D",
	"FOLDERID_PHOTOALBUMS", "FOLDERID_PLAYLISTS", "FOLDERID_SAVEDPICTURES", "FOLDERID_SCREENSHOTS", "FOLDERID_SIDEBARGADGETS",
	"FOLDERID_SKYDRIVE", "FOLDERID_SKYDRIVECAMERAROLL", "FOLDERID_SKYDRIVEDOCUMENTS", "FOLDERID_SKYDRIVEPICTURES",
	"CSIDL_VIRTUALSTORE", "CSIDL_VIRTUALSTORE_PROGRAMFILES", "CSIDL_VIRTUALSTORE_PROGRAMFILES(X86)",
	"CSIDL_VIRTUALSTORE_COMMONPROGRAMFILES", "CSIDL_VIRTUALSTORE_COMMONPROGRAMFILES(X86)",
	"CSIDL_VIRTUALSTORE_PROGRAMDATA", "CSIDL_VIRTUALSTORE_WINDOWS",
	"PROGRAMFILES(X86)", "CSIDL_PROGRAM_FILESX86", "COMMONPROGRAMFILES(X86)", "CSIDL_PROGRAM_FILES_COMMONX86",
	"PROGRAMW6432", "COMMONPROGRAMW6432",
}

// known tells whether a variable is no mistake: it has a value in some context,
// the file defines it somewhere, or other versions of Windows have it. Where
// there is no user, every name may be a user's.
func (ev *evaluator) known(name string, sc *scope) bool {
	name = strings.ToUpper(name)
	users := false
	for _, c := range ev.contexts {
		if _, ok := c.Vars[name]; ok {
			return true
		}
		users = users || !c.System
	}
	return !users || sc.file.declared[name] || slices.Contains(notEverywhere, name)
}

// pattern expands and reads one pattern and reports what is wrong with it.
func (ev *evaluator) pattern(kind Kind, text string, line int, sc *scope) []Pattern {
	patterns, err := sc.locate(kind, text)
	if err == nil {
		return patterns
	}
	ev.say(ev.gravity(err, sc), sc, line, "pattern %.120s: %v; ignored", show(text), err)
	return nil
}

// gravity grades the reason why a location has no meaning: it may have one in
// another context.
func (ev *evaluator) gravity(err error, sc *scope) Severity {
	undefined := undefinedError("")
	switch {
	case errors.As(err, &undefined) && ev.known(string(undefined), sc):
		return Debug // its environment is not active, or it is a user's
	case errors.Is(err, errNoUser) && !sc.alone:
		return Debug // it has one in the users' instances
	}
	return Warning
}
