package capture

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/volume"
	"lifeboat/engine/windows"
	"lifeboat/engine/winname"
)

// ScanRequest says what to plan.
type ScanRequest struct {
	Machine *windows.Machine
	Rules   []RuleFile // in the order of the command line
	TempDir string     // for the plan's temporary file; empty for the system's
}

// Scan evaluates the rules against the machine and walks its drives once. What
// it cannot read is a problem on ctl; an error means that rules do not parse,
// the temporary file cannot be written, or ctx ended.
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
	program, diags, err := migxml.Compile(parsed, contexts, platform{ctx, req.Machine})
	if err != nil {
		return nil, err
	}
	p := newPlan(req.Machine, program, contexts, req.Rules)
	p.Diagnostics = append(diagnostics, diags...)
	if p.spool, err = newSpool(req.TempDir); err != nil {
		return nil, err
	}
	s := scanner{
		ctl: ctl, plan: p, contexts: contexts,
		groups: map[string]int{}, left: map[leftKey]*Left{},
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

type scanner struct {
	ctl      *job.Control
	plan     *Plan
	contexts []migxml.Context
	groups   map[string]int // index of the group, by its units
	left     map[leftKey]*Left
	volume   volume.Volume // the one being walked
}

type leftKey struct{ user, reason string }

func (s *scanner) scan(ctx context.Context) error {
	for _, d := range s.plan.machine.Drives {
		cur := s.plan.program.Files().Descend(d.Letter)
		if cur.Dead() {
			continue
		}
		var root string
		if s.volume, root, _ = s.plan.machine.Resolve(d.Letter + `\`); s.volume == nil {
			continue
		}
		if err := s.folder(ctx, root, d.Letter, cur); err != nil {
			return err
		}
	}
	err := walkRegistry(ctx, s.plan.machine, s.plan.program, s.ctl, func(k registryKey) error {
		s.plan.groups[s.group(k.takers)].Keys++
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

// folder walks one folder: path is the volume's, shown the Windows path.
func (s *scanner) folder(ctx context.Context, path, shown string, cur migxml.Cursor) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.ctl.Progress.SetCurrent(shown)
	entries, err := s.volume.ReadDir(path)
	if err != nil {
		s.ctl.Problem(job.Problem{Kind: job.Unreadable, Path: shown, Text: fmt.Sprintf("list folder: %v", err)})
	}
	for _, e := range entries {
		here := winname.Join(shown, e.Name)
		if !e.IsDir() {
			if err := s.leaf(here, e, cur.Leaf(e.Name, about(e))); err != nil {
				return err
			}
			continue
		}
		below := cur.Descend(e.Name)
		if below.Dead() {
			continue
		}
		if v := below.Node(); len(v.Takers) > 0 {
			if err := s.plan.spool.put(object{here, s.group(v.Takers), e}); err != nil {
				return err
			}
		}
		if e.Reparse != 0 && !volume.IsCloudTag(e.Reparse) {
			continue // a junction: what it points to is walked where it is
		}
		if err := s.folder(ctx, winname.Join(path, e.Name), here, below); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) leaf(path string, e volume.Info, v migxml.Verdict) error {
	if len(v.Takers) == 0 {
		if v.Excluder != nil {
			user := s.plan.Units[v.Excluder.Unit].User
			s.leave(user, "excluded by a rule of "+s.plan.Units[v.Excluder.Unit].Component, job.Notice, path, e, false)
		}
		return nil
	}
	user := s.plan.Units[v.Takers[0]].User
	switch {
	case e.CloudOnly():
		s.leave(user, "only in the cloud, not on this disk; it will sync again", job.CloudOnly, path, e, false)
		return nil
	case e.Attr&volume.Encrypted != 0:
		s.leave(user, "encrypted (EFS): its user's key is needed to read it", job.Encrypted, path, e, true)
		return nil
	}
	g := s.group(v.Takers)
	s.plan.groups[g].add(Totals{Files: 1, Bytes: e.Size})
	s.ctl.Progress.AddFiles(1)
	s.ctl.Progress.AddBytes(e.Size, s.ctl.Clock())
	return s.plan.spool.put(object{path, g, e})
}

// examples is how many paths are kept of what stays behind for one reason.
const examples = 5

func (s *scanner) leave(user, reason string, kind job.Kind, path string, e volume.Info, matters bool) {
	l := s.left[leftKey{user, reason}]
	if l == nil {
		l = &Left{User: user, Reason: reason, Kind: kind, Matters: matters}
		s.left[leftKey{user, reason}] = l
	}
	l.Files++
	l.Bytes += e.Size
	if len(l.Examples) < examples {
		l.Examples = append(l.Examples, path)
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

// about is what filters may ask about a file.
func about(e volume.Info) migxml.Object {
	return migxml.Object{Size: e.Size, Created: e.Created, Modified: e.Modified, Accessed: e.Accessed}
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
