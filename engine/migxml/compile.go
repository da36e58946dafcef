package migxml

import (
	"fmt"
	"slices"
	"strings"
)

// The urlids of Microsoft's two files for documents, which were not made to be
// used together (spec 14.2).
const (
	migUser = "http://www.microsoft.com/migration/1.0/migxmlext/miguser"
	migDocs = "http://www.microsoft.com/migration/1.0/migxmlext/migdocs"
)

// maxRules bounds the compiled patterns. MigApp.xml makes some 4,000 per user.
const maxRules = 1 << 20

// Compile works out which rules of the files are active in which contexts. The
// files count as given on one command line: a second one with the same urlid is
// left out with a Diagnostic of severity Error, where the original says nothing.
// The error is not nil only if the rules are too much to evaluate.
func Compile(files []*File, contexts []Context, p Platform) (*Program, []Diagnostic, error) {
	return CompileOnly(files, contexts, p, nil)
}

// CompileOnly is Compile for those units that keep approves; nil approves all.
// A unit that it drops counts for nothing, its unconditionalExcludes included,
// as if Config.xml had switched it off.
func CompileOnly(files []*File, contexts []Context, p Platform, keep func(Unit) bool) (*Program, []Diagnostic, error) {
	return newCompiler(contexts, p, keep).compile(files)
}

// CompileForRestore is Compile on the destination, where every component counts
// as detected (spec 1.3).
func CompileForRestore(files []*File, contexts []Context, p Platform) (*Program, []Diagnostic, error) {
	c := newCompiler(contexts, p, nil)
	c.restoring = true
	return c.compile(files)
}

// CompileForSource is Compile at a restore, of files that were not given to the
// capture as they are: what they say of the destination is to be resolved with the
// source, of which p shows what is known. Every component counts as detected;
// recorded gives the values that a unit's variables had on the source.
func CompileForSource(files []*File, contexts []Context, p Platform, recorded func(Unit) map[string]string) (*Program, []Diagnostic, error) {
	c := newCompiler(contexts, p, nil)
	c.restoring, c.recorded = true, recorded
	return c.compile(files)
}

func newCompiler(contexts []Context, p Platform, keep func(Unit) bool) *compiler {
	return &compiler{
		evaluator: evaluator{
			platform: p,
			contexts: contexts,
			steps:    maxSteps,
			seen:     map[Diagnostic]bool{},
			versions: map[string]map[string]string{},
		},
		program: &Program{},
		keep:    keep,
	}
}

func (c *compiler) compile(files []*File) (*Program, []Diagnostic, error) {
	urlids := map[string]*File{}
	for _, f := range files {
		key := strings.ToLower(f.URLID)
		if other := urlids[key]; other != nil {
			c.diags = append(c.diags, Diagnostic{File: f.Name, Line: 1, Element: "migration", Severity: Error,
				Text: fmt.Sprintf("urlid %s is that of %s, expected another; the file is not used", show(f.URLID), other.Name)})
			continue
		}
		urlids[key] = f
		for _, component := range f.Components {
			for i := range c.contexts {
				sc := &scope{file: f, ctx: &c.contexts[i]}
				c.component(component, sc, i, nil)
			}
		}
	}
	if f := urlids[migUser]; f != nil && urlids[migDocs] != nil {
		c.diags = append(c.diags, Diagnostic{File: f.Name, Line: 1, Element: "migration", Severity: Warning,
			Text: "MigUser.xml and MigDocs.xml are given together; both take documents, each by its own rules, expected one of them"})
	}
	c.recordFiltered()
	c.takeSettings()
	c.spareAdded()
	if c.steps < 0 {
		return nil, c.diags, errTooMuch
	}
	c.program.files = newTree(c.files)
	c.program.registry = newTree(c.registry)
	return c.program, c.diags, nil
}

type compiler struct {
	evaluator
	program         *Program
	keep            func(Unit) bool
	files, registry []*cand
	linted          int  // pairs of patterns that lint has compared
	restoring       bool // every component counts as detected
	recorded        func(Unit) map[string]string
}

// job is the unit that rules are being compiled for. It becomes a Unit of the
// Program with the first rules element that is active.
type job struct {
	unit  Unit
	asked bool // whether keep was asked
	kept  bool

	includes int   // include elements seen
	excludes []int // lines of the exclude elements seen
	first    int   // the first of its rules in the program
}

func (c *compiler) component(comp *Component, outer *scope, context int, path []string) {
	sc := outer.inner()
	sc.name = fmt.Sprintf("component %q", show(comp.DisplayName))
	if !c.admits(comp.Scope, comp.Line, sc) || !c.spend(1) {
		return
	}
	sc.alone = sc.alone || !comp.Scope.User
	c.environments(comp.Environments, sc)
	unit := Unit{
		File: sc.file.URLID, FileName: sc.file.Name, Component: comp.DisplayName, Path: path,
		Type: comp.Type, Context: context, Hidden: comp.Hidden, Conditional: !comp.DefaultSupported,
	}
	data := &job{unit: unit} // of the role Data, with or without rules
	data.unit.Role = "Data"
	if len(comp.Extensions) > 0 {
		c.extensions(comp.Extensions, data, sc)
	}
	for _, r := range comp.Roles {
		j := data
		if r.Kind != "Data" {
			j = &job{unit: unit}
			j.unit.Role = r.Kind
		}
		c.role(comp, r, j, sc, context, path)
	}
}

// admits tells whether a scope admits the context, and warns about an account
// that none of the contexts is.
func (c *compiler) admits(s Scope, line int, sc *scope) bool {
	if s.Account != "" && !slices.ContainsFunc(c.contexts, func(ctx Context) bool { return s.admits(&ctx) }) {
		c.say(Warning, sc, line, "context %s is no user that is migrated, the element does nothing", show(s.Account))
	}
	return s.admits(sc.ctx)
}

func (c *compiler) role(comp *Component, r *Role, j *job, outer *scope, context int, path []string) {
	sc := outer.inner()
	c.environments(r.Environments, sc)
	if c.recorded != nil {
		for name, value := range c.recorded(j.unit) {
			if b, ok := sc.lookup(name); !ok || b.plain != value {
				sc.set(name, binding{value, escapeLocation(value)})
			}
		}
	}
	if !c.restoring && !c.detected(r, sc) {
		return
	}
	for _, rules := range r.Rules {
		c.rules(rules, j, sc)
	}
	for _, inner := range r.Roles {
		c.role(comp, inner, j, sc, context, path)
	}
	c.lint(j, sc)
	if len(r.Components) > 0 {
		path = append(path[:len(path):len(path)], comp.DisplayName)
		for _, child := range r.Components {
			c.component(child, sc, context, path)
		}
	}
}

func (c *compiler) rules(r *Rules, j *job, sc *scope) {
	if !c.admits(r.Scope, r.Line, sc) || !c.spend(1) {
		return
	}
	r = resolve(sc.file.named.rules, r, r.Name, r.Ref)
	if r == nil || !c.admits(r.Scope, r.Line, sc) || !c.applies(r, sc) || !c.begin(j, sc) {
		return
	}
	if !r.Scope.User {
		sc = sc.inner()
		sc.alone = true
	}
	for _, item := range r.Items {
		c.item(item, j, sc)
	}
	for _, a := range r.Added {
		c.addObjects(a, j, sc)
	}
	for _, a := range r.Actions {
		c.deferAction(a, j, sc)
	}
	for _, inner := range r.Rules {
		c.rules(inner, j, sc)
	}
}

// begin makes the job's unit if that has not happened; false if it is not wanted.
func (c *compiler) begin(j *job, sc *scope) bool {
	if !j.asked {
		j.asked = true
		j.unit.Index, j.first = len(c.program.units), len(c.program.rules)
		j.unit.Vars = sc.values()
		if j.kept = c.keep == nil || c.keep(j.unit); j.kept {
			c.program.units = append(c.program.units, j.unit)
			for _, r := range sc.remaps() {
				r.Unit = j.unit.Index
				c.program.remaps = append(c.program.remaps, r)
			}
		}
	}
	return j.kept
}

func (c *compiler) item(item *Item, j *job, sc *scope) {
	switch item.Kind {
	case Include:
		j.includes++
	case Exclude:
		j.excludes = append(j.excludes, item.Line)
	case UnconditionalExclude:
	default:
		c.record(item, j, sc)
		return
	}
	call, f, ok := c.filter(item, sc)
	if !ok {
		return
	}
	for _, set := range item.Sets {
		for _, y := range c.objectSet(set, sc) {
			c.add(&Rule{
				File: sc.file.Name, Line: y.line, Unit: j.unit.Index, Kind: item.Kind,
				Pattern: y.pattern, Written: y.written, Filter: call,
			}, f)
		}
	}
}

// filter compiles an item's filter; false if the item cannot act at scan.
func (c *compiler) filter(item *Item, sc *scope) (*Call, filter, bool) {
	if item.Script == nil {
		return nil, nil, true
	}
	if item.Script.Err != nil {
		return nil, nil, false // Parse has said so
	}
	f, constant, err := scanFilter(&item.Script.Call)
	if err != nil {
		c.say(Warning, sc, item.Line, "filter %s: %v; the %s is not applied", show(item.Script.Text), err, item.Kind)
		return nil, nil, false
	}
	return &item.Script.Call, f, constant != never
}

func (c *compiler) add(r *Rule, f filter) {
	if len(c.program.rules) == maxRules {
		c.steps = -1
		return
	}
	c.program.rules = append(c.program.rules, r)
	switch r.Pattern.Kind {
	case FileKind:
		c.files = append(c.files, newCand(r, f))
	case RegistryKind:
		c.registry = append(c.registry, newCand(r, f))
	}
}

// extensions includes each file type on all fixed drives (spec 4.20).
func (c *compiler) extensions(list []Extension, j *job, sc *scope) {
	if !c.begin(j, sc) {
		return
	}
	j.includes++
	for _, e := range list {
		for _, d := range c.platform.Drives() {
			if d.Type != Fixed {
				continue
			}
			p, err := ParsePattern(FileKind, d.Letter+`\* [*.`+escapeLocation(e.Ext)+`]`)
			if err != nil {
				c.say(Warning, sc, e.Line, "extension %q: %v; ignored", show(e.Ext), err)
				break
			}
			c.add(&Rule{File: sc.file.Name, Line: e.Line, Unit: j.unit.Index, Kind: Include, Pattern: p, Written: e.Ext}, nil)
		}
	}
}
