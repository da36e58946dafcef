package engine

import (
	"io"

	"lifeboat/engine/capture"
	"lifeboat/engine/migxml"
	"lifeboat/engine/usmt"
)

// Diagnose writes what MIG_ENABLE_DIAG asks for: how the rules were understood
// and what was done for each of their components. The report, nil if nothing
// was saved, tells which files could not be.
func Diagnose(w io.Writer, p *Plan, sel Selection, r *Report) error {
	d := usmt.NewDiagnostics(w)
	for _, c := range p.Contexts() {
		name := ""
		if !c.System {
			name = c.Name
		}
		d.Environment(name, c.Vars)
	}
	units := make([]usmt.DiagUnit, len(p.Units))
	for i, u := range p.Program().Units() {
		units[i] = diagUnit(p, u, !sel.OmitUsers[p.Units[i].User] && !sel.OmitComponents[u.Component])
	}
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
	if r != nil {
		failed := map[string]bool{}
		for _, problem := range r.Problems {
			failed[problem.Path] = true
		}
		err := p.EachFile(sel, func(f capture.PlannedFile) error {
			d.Stored(units[f.Unit], f.Path, !failed[f.Path])
			return nil
		})
		if err != nil {
			return err
		}
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
