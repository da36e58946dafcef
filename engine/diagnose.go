package engine

import (
	"context"
	"io"

	"lifeboat/engine/capture"
	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/usmt"
)

// EachObject calls f with everything that a selection takes and the unit it counts
// for: files, then settings. The report, nil if nothing was saved, tells which files
// could not be.
func EachObject(ctx context.Context, p *Plan, sel Selection, r *Report, f func(usmt.DiagUnit, usmt.Object)) error {
	if r == nil {
		return nil
	}
	units := diagUnits(p, sel)
	failed := map[string]bool{}
	for _, problem := range r.Problems {
		failed[problem.Path] = problem.Kind != job.Notice
	}
	err := p.EachFile(sel, func(o capture.PlannedFile) error {
		f(units[o.Unit], usmt.FileObject(o.Path, !failed[o.Path]))
		return nil
	})
	if err != nil {
		return err
	}
	return p.EachKey(ctx, sel, func(k capture.PlannedKey) error {
		if len(k.Values) == 0 {
			f(units[k.Unit], usmt.Object{Type: "Registry", Location: k.Path, Stored: true})
		}
		for _, v := range k.Values {
			f(units[k.Unit], usmt.Object{Type: "Registry", Location: k.Path + " [" + v + "]", Stored: true})
		}
		return nil
	})
}

func diagUnits(p *Plan, sel Selection) []usmt.DiagUnit {
	units := make([]usmt.DiagUnit, len(p.Units))
	for i, u := range p.Program().Units() {
		units[i] = diagUnit(p, u, !sel.OmitUsers[p.Units[i].User] && !sel.OmitComponents[u.Component])
	}
	return units
}

// Diagnose writes what MIG_ENABLE_DIAG asks for: how the rules were understood
// and what was done for each of their components, see [EachObject].
func Diagnose(ctx context.Context, w io.Writer, p *Plan, sel Selection, r *Report) error {
	d := usmt.NewDiagnostics(w)
	for _, c := range p.Contexts() {
		name := ""
		if !c.System {
			name = c.Name
		}
		d.Environment(name, c.Vars)
	}
	units := diagUnits(p, sel)
	for _, rule := range p.Program().Rules() {
		u := &units[rule.Unit]
		pattern := usmt.DiagPattern{Type: string(rule.Pattern.Kind), Path: rule.Pattern.String()}
		if rule.Kind == migxml.Include {
			u.Include = append(u.Include, pattern)
		} else {
			u.Exclude = append(u.Exclude, pattern)
		}
	}
	for _, u := range units {
		d.Unit(u)
	}
	for _, u := range p.Dropped {
		d.Unit(usmt.DiagUnit{Component: u.Component, Context: contextName(p, u.User), Group: groupOf(u.Type)})
	}
	if err := EachObject(ctx, p, sel, r, d.Stored); err != nil {
		return err
	}
	return d.End()
}

func diagUnit(p *Plan, u migxml.Unit, selected bool) usmt.DiagUnit {
	return usmt.DiagUnit{
		Component: u.Component, Context: contextName(p, p.Contexts()[u.Context].ID), Group: groupOf(u.Type), Role: u.Role, Selected: selected,
	}
}

func contextName(p *Plan, id string) string {
	for _, c := range p.Contexts() {
		if c.ID == id && c.Name != "" {
			return c.Name
		}
	}
	return id
}

// groupOf names the type of a component as USMT's diagnostics do.
func groupOf(unitType string) string {
	if unitType == "Application" {
		return "Applications"
	}
	return unitType
}
