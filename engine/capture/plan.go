// Package capture decides what to take from an offline Windows and takes it.
//
// [Scan] walks every drive once, asks the compiled rules about each object they
// can reach, and hands back a [Plan]: who gets what from which component, how
// large it is, and what stays behind and why. The plan is data; a [Selection]
// narrows it without another walk, because a component never changes what
// another one takes. [Gather] then reads what the selection takes, in the order
// of the walk, into a store.
//
// Promises: the source is only read. Memory does not grow with the number of
// files: the plan's objects lie in a compressed temporary file. An object that
// cannot be read is one problem, never the end, unless the Decider says so.
package capture

import (
	"context"
	"slices"
	"time"

	"lifeboat/engine/errorcontrol"
	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
)

// SystemUser is the key of what belongs to no user.
const SystemUser = "System"

// Plan is what a capture of one installation would take.
type Plan struct {
	Installation *windows.Installation
	Units        []Unit              // in order of saving
	Components   []string            // display names, in order of saving
	Left         []Left              // what stays behind, of profiles and of what rules reach
	Dropped      []Unit              // what ScanRequest.Keep switched off
	Diagnostics  []migxml.Diagnostic // what of the rules is odd or cannot be applied here, each once
	Problems     []job.Problem       // the first of the folders that could not be listed: what is in them is lost
	ProblemCount int64               // of all of them

	groups   []group
	machine  *windows.Machine
	contexts []migxml.Context
	program  *migxml.Program
	detected []migxml.Unit
	rules    []RuleFile
	zone     *time.Location // of the PC
	spool    *spool
}

// RuleFile is a MigXML file as it was given.
type RuleFile struct {
	Name string
	Data []byte
}

// Unit is one component for one user (or the system) with what it takes. An
// object that several units take counts for the first of them.
type Unit struct {
	Component string
	Type      string // Documents, Application, System or Device
	User      string // SID or SystemUser
	Totals
}

// Totals counts objects.
type Totals struct{ Files, Bytes, Values int64 }

func (t *Totals) add(o Totals) {
	t.Files += o.Files
	t.Bytes += o.Bytes
	t.Values += o.Values
}

// Left is what stays behind for one reason.
type Left struct {
	User     string // SID or SystemUser
	Reason   string
	Kind     job.Kind
	Files    int64
	Bytes    int64
	Examples []string // Windows paths of the largest
	Matters  bool     // whether a user would miss it

	sizes []int64 // of the Examples
}

// group is a set of units that take exactly the same objects. Sizes are kept by
// group, so that the size of any selection is exact without a walk.
type group struct {
	units []int // ascending
	Totals
	encrypted Totals // what is encrypted with EFS; not in Totals
}

// Selection says what to leave out of a plan. The zero value takes everything.
type Selection struct {
	OmitUsers      map[string]bool // by SID, or SystemUser
	OmitComponents map[string]bool // by display name
}

func (s Selection) takes(u Unit) bool {
	return !s.OmitUsers[u.User] && !s.OmitComponents[u.Component]
}

// chosen returns, for each group, the first of its units that the selection
// takes, or -1.
func (p *Plan) chosen(sel Selection) []int {
	first := make([]int, len(p.groups))
	for i, g := range p.groups {
		first[i] = -1
		for _, u := range g.units {
			if sel.takes(p.Units[u]) {
				first[i] = u
				break
			}
		}
	}
	return first
}

// Totals returns what the selection takes in all.
func (p *Plan) Totals(sel Selection) Totals {
	var sum Totals
	for i, unit := range p.chosen(sel) {
		if unit >= 0 {
			sum.add(p.groups[i].Totals)
		}
	}
	return sum
}

// PlannedFile is a file that a selection takes.
type PlannedFile struct {
	Path string // Windows path
	Size int64
	Unit int // index of the unit it counts for
}

// EachFile calls f with every file that the selection takes, in the order of
// saving, until f returns an error. Files encrypted with EFS are not among them.
func (p *Plan) EachFile(sel Selection, f func(PlannedFile) error) error {
	chosen := p.chosen(sel)
	return p.spool.each(func(o object) error {
		if chosen[o.Group] < 0 || o.Info.IsDir() || isEncrypted(o.Info) {
			return nil
		}
		return f(PlannedFile{o.Path, o.Info.Size, chosen[o.Group]})
	})
}

// PlannedKey is a registry key of which a selection takes values, or the key.
type PlannedKey struct {
	Path   string
	Values []string // names of those that are taken
	Unit   int      // index of the unit it counts for
}

// EachKey calls f with every key that the selection takes, in the order of saving,
// until f returns an error. It reads the hives again; one that cannot be read has no
// keys, as for [Gather], which reports it.
func (p *Plan) EachKey(ctx context.Context, sel Selection, f func(PlannedKey) error) error {
	none := func(string, error) error { return nil }
	return walkRegistry(ctx, p.machine, p.program, job.NewControl(nil, nil), none, func(k registryKey) error {
		unit := slices.IndexFunc(k.takers, func(u int) bool { return sel.takes(p.Units[u]) })
		if unit < 0 {
			return nil
		}
		key := PlannedKey{Path: k.key.Path, Unit: k.takers[unit]}
		for _, v := range k.values {
			key.Values = append(key.Values, v.Name)
		}
		return f(key)
	})
}

// TempSize is how much the plan's temporary file holds.
func (p *Plan) TempSize() int64 { return p.spool.size() }

// Contexts lists the instances the rules were evaluated in, with their variables.
func (p *Plan) Contexts() []migxml.Context { return p.contexts }

// Program is the compiled rules.
func (p *Plan) Program() *migxml.Program { return p.program }

// Detected lists the units whose components were detected, dropped ones too.
func (p *Plan) Detected() []migxml.Unit { return p.detected }

// Close releases the plan's temporary file.
func (p *Plan) Close() error { return p.spool.remove() }

// newPlan makes an empty plan whose units are those of the program.
func newPlan(m *windows.Machine, program *migxml.Program, contexts []migxml.Context, files []RuleFile) *Plan {
	p := &Plan{Installation: m.Installation, machine: m, contexts: contexts, program: program, rules: files, zone: m.Installation.TimeZone.Location()}
	for _, u := range program.Units() {
		p.Units = append(p.Units, unitOf(u, contexts))
		if !slices.Contains(p.Components, u.Component) {
			p.Components = append(p.Components, u.Component)
		}
	}
	return p
}

func unitOf(u migxml.Unit, contexts []migxml.Context) Unit {
	return Unit{Component: u.Component, Type: u.Type, User: contexts[u.Context].ID}
}

// ErrorControl makes the policy of a Config.xml for this plan, with the variables
// of the PC that is saved.
func (p *Plan) ErrorControl(c *usmt.Config) (job.Decider, []string) {
	return errorcontrol.New(c, p.contexts)
}
