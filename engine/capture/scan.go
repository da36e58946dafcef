package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/platform"
	"lifeboat/engine/usmt"
	"lifeboat/engine/volume"
	"lifeboat/engine/windows"
	"lifeboat/engine/winname"
)

// ScanRequest says what to plan.
type ScanRequest struct {
	Machine *windows.Machine
	Rules   []RuleFile // in the order of the command line
	TempDir string     // for the plan's temporary file; empty for the system's

	Keep      func(migxml.Unit) bool // approves the units to take; nil approves all
	LocalOnly bool                   // nothing from drives that can be unplugged
	RulesOnly bool                   // look at no file: the plan is for questions about the rules
	Except    string                 // a folder of this computer that is not looked into: the store may lie on the volume
}

// Scan evaluates the rules against the machine and walks its drives once. What
// it cannot read is a problem of the plan; an error means that rules do not parse
// or are refused, the temporary file cannot be written, or ctx ended.
func Scan(ctx context.Context, req ScanRequest, ctl *job.Control) (*Plan, error) {
	ctl.Phase(job.Scanning, 0, 0)
	var parsed []*migxml.File
	var diagnostics []migxml.Diagnostic
	for _, f := range req.Rules {
		file, diags, err := migxml.Parse(f.Name, f.Data)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, file)
		diagnostics = append(diagnostics, diags...)
	}
	contexts := contextsOf(req.Machine)
	var dropped []Unit
	var detected []migxml.Unit
	program, diags, err := migxml.CompileOnly(parsed, contexts, platform.Of(ctx, req.Machine), func(u migxml.Unit) bool {
		detected = append(detected, u)
		if req.Keep == nil || req.Keep(u) {
			return true
		}
		dropped = append(dropped, unitOf(u, contexts))
		return false
	})
	if err != nil {
		return nil, err
	}
	diagnostics = migxml.Condense(append(diagnostics, diags...))
	if err := refused(diagnostics); err != nil {
		return nil, err
	}
	p := newPlan(req.Machine, program, contexts, req.Rules)
	p.Dropped, p.detected = dropped, detected
	p.Diagnostics = diagnostics
	if p.spool, err = newSpool(req.TempDir); err != nil {
		return nil, err
	}
	if req.RulesOnly {
		return p, p.spool.seal()
	}
	s := scanner{ctl: ctl, plan: p, localOnly: req.LocalOnly, except: req.Except, profiles: map[string]string{}, groups: map[string]int{}, left: map[leftKey]*Left{}}
	for _, u := range req.Machine.Users {
		s.profiles[winname.Fold(u.Profile)] = u.ID
	}
	if err := s.scan(ctx); err != nil {
		p.Close()
		return nil, err
	}
	for _, l := range s.left {
		p.Left = append(p.Left, *l)
	}
	slices.SortFunc(p.Left, func(a, b Left) int {
		return cmp.Or(cmp.Compare(place(contexts, a.User), place(contexts, b.User)), -cmp.Compare(a.Bytes, b.Bytes), cmp.Compare(a.Reason, b.Reason))
	})
	return p, nil
}

// refused is an error for rule files of which something had to be left out whole:
// a component that ScanState would stop at, or a file with the urlid of another,
// which it would drop without a word.
func refused(list []migxml.Diagnostic) error {
	var first *migxml.SyntaxError
	more := 0
	for _, d := range list {
		switch {
		case d.Severity != migxml.Error:
		case first == nil:
			first = &migxml.SyntaxError{File: d.File, Line: d.Line, Text: d.Element + ": " + d.Text}
			more += d.More
		default:
			more += d.More + 1
		}
	}
	if first == nil {
		return nil
	}
	if more > 0 {
		first.Text += fmt.Sprintf(" (%d more such mistakes in the files)", more)
	}
	return first
}

type scanner struct {
	ctl       *job.Control
	plan      *Plan
	localOnly bool
	except    string
	skip      string            // that folder on the volume, folded; empty if it is not there
	profiles  map[string]string // ID of the user, by the folded path of the profile
	groups    map[string]int    // index of the group, by its units
	left      map[leftKey]*Left
	volume    volume.Volume // the one being walked
}

type leftKey struct{ user, reason string }

func (s *scanner) scan(ctx context.Context) error {
	for _, d := range s.plan.machine.Drives {
		if s.localOnly && d.Removable {
			s.ctl.Say("drive " + d.Path() + " is left out: it can be unplugged (/localonly)")
			continue
		}
		cur := s.plan.program.Files()
		for _, segment := range segments(d.Path()) {
			cur = cur.Descend(segment)
		}
		if cur.Dead() {
			continue
		}
		var root string
		if s.volume, root, _ = s.plan.machine.Resolve(d.Path() + `\`); s.volume == nil {
			continue
		}
		s.skip = winname.Fold(folderOn(s.volume, s.except))
		if err := s.folder(ctx, root, d.Path(), "", cur); err != nil {
			return err
		}
	}
	later := func(string, error) error { return nil } // Gather meets it again, and reports it
	err := walkRegistry(ctx, s.plan.machine, s.plan.program, s.ctl, later, func(k registryKey) error {
		s.plan.groups[s.group(k.takers)].Values += int64(len(k.values))
		return nil
	})
	if err != nil {
		return err
	}
	for _, g := range s.plan.groups {
		s.plan.Units[g.units[0]].add(g.Totals)
	}
	return s.plan.spool.seal()
}

// folder walks one folder: path is the volume's, shown the Windows path, owner
// the user in whose profile it lies, if any.
func (s *scanner) folder(ctx context.Context, path, shown, owner string, cur migxml.Cursor) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.ctl.Progress.SetCurrent(shown)
	return s.list(ctx, path, shown, owner, func(e volume.Info) error {
		here := winname.Join(shown, e.Name)
		if !e.IsDir() {
			return s.leaf(here, owner, e, cur.Leaf(e.Name, s.plan.filterObject(e)))
		}
		if s.isSkipped(winname.Join(path, e.Name)) {
			return nil
		}
		whose := owner
		if id, ok := s.profiles[winname.Fold(here)]; ok {
			whose = id
		}
		below, within := cur.Descend(e.Name), winname.Join(path, e.Name)
		if below.Dead() {
			if whose == "" {
				return nil
			}
			return s.ignored(ctx, within, here, whose, e)
		}
		if v := below.Node(); len(v.Takers) > 0 {
			if err := s.plan.spool.put(object{here, s.group(v.Takers), e}); err != nil {
				return err
			}
		}
		if e.IsLink() { // what it points to is walked where it is
			return nil
		}
		if e.CloudOnly() {
			s.leave(cmp.Or(whose, SystemUser), cloudFolder, job.CloudOnly, here, Totals{}, false)
		}
		return s.folder(ctx, within, here, whose, below)
	})
}

// list calls f with what is in a folder until f returns an error. That a part of it
// cannot be listed is a problem of the plan.
func (s *scanner) list(ctx context.Context, path, shown, owner string, f func(volume.Info) error) error {
	err, failed := eachEntry(s.volume, path, f)
	if failed != nil || ctx.Err() != nil {
		return cmp.Or(failed, ctx.Err())
	}
	if err != nil {
		text := fmt.Sprintf("list folder: %v", err)
		if errors.Is(err, volume.ErrReparse) { // links are not listed, so it is one that this mount does not know
			text = "the way the volume is mounted hides what is in this folder; read the volume raw"
		}
		s.plan.ProblemCount++
		if len(s.plan.Problems) < maxProblems {
			s.plan.Problems = append(s.plan.Problems, job.Problem{
				Kind: job.Unreadable, Path: shown, User: cmp.Or(owner, SystemUser), Text: text, Code: usmt.Win32(err),
			})
		}
	}
	return nil
}

// eachEntry calls f with what is in a folder until f returns an error, which is
// failed; err is what could not be listed. Of a large folder only a part is in memory
// where the volume can list it so.
func eachEntry(v volume.Volume, path string, f func(volume.Info) error) (err, failed error) {
	listing, err := volume.List(v, path)
	if err != nil {
		return err, nil
	}
	for last := false; !last; {
		entries, end := listing.Next()
		if last = end != nil; last { // before what is below is walked: no folder stays open on the way
			err = listing.Close()
		}
		for _, e := range entries {
			if failed := f(e); failed != nil {
				if !last {
					err = listing.Close()
				}
				return err, failed
			}
		}
	}
	return err, nil
}

// ignored counts what is in a part of a profile that no rule reaches. Nobody
// is told that everything was saved when gigabytes were never looked at.
func (s *scanner) ignored(ctx context.Context, path, shown, owner string, e volume.Info) error {
	var sum Totals
	var count func(dir string)
	count = func(dir string) {
		if ctx.Err() != nil {
			return
		}
		eachEntry(s.volume, dir, func(e volume.Info) error { // it is not wanted, so it is no problem
			switch {
			case !e.IsDir():
				sum.add(Totals{Files: 1, Bytes: e.Size})
			case !e.IsLink() && !s.isSkipped(winname.Join(dir, e.Name)):
				count(winname.Join(dir, e.Name))
			}
			return nil
		})
	}
	if !e.IsLink() {
		count(path)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if sum.Files > 0 {
		s.leave(owner, noRule, job.Notice, shown, sum, false)
	}
	return nil
}

func (s *scanner) isSkipped(path string) bool { return s.skip != "" && winname.Fold(path) == s.skip }

// folderOn is the path of a folder of this computer on a volume, empty if it does
// not lie there.
func folderOn(v volume.Volume, folder string) string {
	mounted, ok := v.(volume.Named)
	if !ok || folder == "" {
		return ""
	}
	root, err := mounted.Native(`\`)
	if err != nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(folder); err == nil {
		folder = real
	}
	rel, err := filepath.Rel(strings.TrimPrefix(root, `\\?\`), folder)
	if err != nil || !filepath.IsLocal(rel) || rel == "." {
		return ""
	}
	return `\` + strings.ReplaceAll(rel, string(filepath.Separator), `\`)
}

// cloudFolder is the reason for what a folder may hold beyond what is on the disk.
const cloudFolder = "a folder kept in the cloud: there may be more in it than this disk knows"

// noRule is the reason for what lies in a profile and is not asked for.
const noRule = "no rule asks for it (caches, temporary files, programs' own data)"

func (s *scanner) leaf(path, owner string, e volume.Info, v migxml.Verdict) error {
	one := Totals{Files: 1, Bytes: e.Size}
	if len(v.Takers) == 0 {
		switch {
		case v.Excluder != nil:
			unit := s.plan.Units[v.Excluder.Unit]
			s.leave(unit.User, "excluded by a rule of "+unit.Component, job.Notice, path, one, false)
		case owner != "":
			s.leave(owner, noRule, job.Notice, path, one, false)
		}
		return nil
	}
	user := s.plan.Units[v.Takers[0]].User
	switch {
	case e.CloudOnly():
		s.leave(user, "only in the cloud, not on this disk; it will sync again", job.CloudOnly, path, one, false)
		return nil
	case e.Attr&volume.Encrypted != 0:
		s.leave(user, "encrypted (EFS): its user's key is needed to read it", job.Encrypted, path, one, true)
		g := s.group(v.Takers)
		s.plan.groups[g].encrypted.add(one)
		return s.plan.spool.put(object{path, g, e})
	}
	g := s.group(v.Takers)
	s.plan.groups[g].add(one)
	s.ctl.Progress.AddFiles(1)
	s.ctl.Progress.AddBytes(e.Size, s.ctl.Clock())
	return s.plan.spool.put(object{path, g, e})
}

// examples is how many paths are kept of what stays behind for one reason: the
// largest, since they are what somebody will ask about.
const examples = 5

func (s *scanner) leave(user, reason string, kind job.Kind, path string, size Totals, matters bool) {
	l := s.left[leftKey{user, reason}]
	if l == nil {
		l = &Left{User: user, Reason: reason, Kind: kind, Matters: matters}
		s.left[leftKey{user, reason}] = l
	}
	l.Files += size.Files
	l.Bytes += size.Bytes
	at, _ := slices.BinarySearchFunc(l.sizes, size.Bytes, func(a, b int64) int { return cmp.Compare(b, a) })
	if at == examples {
		return
	}
	l.sizes = slices.Insert(l.sizes, at, size.Bytes)
	l.Examples = slices.Insert(l.Examples, at, path)
	if len(l.sizes) > examples {
		l.sizes, l.Examples = l.sizes[:examples], l.Examples[:examples]
	}
}

// group returns the index of the group with exactly these units.
func (s *scanner) group(units []int) int {
	key := fmt.Sprint(units)
	if g, ok := s.groups[key]; ok {
		return g
	}
	s.groups[key] = len(s.plan.groups)
	s.plan.groups = append(s.plan.groups, group{units: slices.Clone(units)})
	return len(s.plan.groups) - 1
}

// place is where a user stands among the contexts.
func place(contexts []migxml.Context, id string) int {
	return slices.IndexFunc(contexts, func(c migxml.Context) bool { return c.ID == id })
}

// filterObject is what filters may ask about a file: dates are those of the PC's days.
func (p *Plan) filterObject(e volume.Info) migxml.Object {
	return migxml.Object{Size: e.Size, Created: e.Created.In(p.zone), Modified: e.Modified.In(p.zone), Accessed: e.Accessed.In(p.zone)}
}

// contextsOf lists the instances rules run in: the system, then each user whose
// profile is there.
func contextsOf(m *windows.Machine) []migxml.Context {
	contexts := []migxml.Context{{ID: SystemUser, Name: SystemUser, System: true, Vars: m.Vars()}}
	for _, u := range m.Installation.Users {
		if u.Path != "" {
			contexts = append(contexts, migxml.Context{ID: u.ID, Name: fullName(u), Vars: m.UserVars(u.ID)})
		}
	}
	return contexts
}

// fullName is DOMAIN\user where both are known.
func fullName(u windows.User) string {
	if u.Domain == "" {
		return u.Name
	}
	return winname.Join(u.Domain, u.Name)
}
