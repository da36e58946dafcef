package restore

import (
	"context"
	"fmt"
	"strings"

	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/store"
	"lifeboat/engine/winname"
)

// The points of a restore at which rules have something run
// (spec/migxml-spec.md 4.20, 10.3).
const (
	preApply     = "pre-apply"
	applySuccess = "apply-success"
	postApply    = "post-apply"
)

// action is a command (externalProcess) or a script (processing) of a rule file
// that the restore was given, for the system or one user of the destination.
//
// What a store says of actions is never run: it may be anybody's. Commands come
// from the files that were given, with the variables of the destination.
type action struct {
	migxml.Deferred
	dest   migxml.Context
	person *Person // nil for the system
}

// actionsOf picks the actions of a program that was compiled on the destination.
// ids are those of its contexts in the catalog. A unit of a file that the capture
// knows acts if it takes part; one of another file acts in any case.
func (r *run) actionsOf(program *migxml.Program, contexts []migxml.Context, ids []string) []action {
	known, files := map[string]bool{}, map[string]bool{}
	for i, c := range r.catalog.Units {
		files[strings.ToLower(c.File)] = true
		known[unitKey(c)] = r.units[i] != nil
	}
	var list []action
	for _, d := range program.Deferred() {
		if d.Scans() {
			continue
		}
		u := program.Units()[d.Unit]
		c := store.CatalogUnit{Component: u.Component, File: u.File, Context: ids[u.Context], Role: u.Role, Type: u.Type}
		if r.req.Omit != nil && r.req.Omit(c, u.Path) || files[strings.ToLower(u.File)] && !known[unitKey(c)] {
			continue
		}
		list = append(list, action{Deferred: d, dest: contexts[u.Context], person: r.people[winname.Fold(c.Context)]})
	}
	return list
}

// act does what the rules want at a point of the restore. That something did not
// work is a problem and no end: the data are what matters.
func (r *run) act(ctx context.Context, when string) error {
	for _, a := range r.actions {
		if a.When != when {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		switch {
		case a.Command != "":
			err = r.command(ctx, a, a.Command)
		case a.Script != "":
			err = r.script(ctx, a)
		}
		if err != nil && ctx.Err() == nil {
			r.report(job.Problem{Kind: job.Unsupported, Path: a.Command + a.Script, Text: fmt.Sprintf("%s: %v", a.place(), err)})
		}
	}
	return ctx.Err()
}

func (a action) place() string { return fmt.Sprintf("%s of %s line %d", a.When, a.File, a.Line) }

// command runs a command line of an action, in a Windows that runs.
func (r *run) command(ctx context.Context, a action, line string) error {
	switch {
	case !r.req.Live:
		r.notRun(a.Deferred, "the Windows is not running")
		return nil
	case r.req.Runner == nil:
		r.notRun(a.Deferred, "commands are run by loadstate only, for rule files given with /i")
		return nil
	case a.person != nil && a.person.isNew && !plainName(a.person.Account()+a.person.Profile):
		// His name comes from the store and may stand in the line.
		r.notRun(a.Deferred, "the user's name has characters that mean something in a command line")
		return nil
	}
	r.change("command", line, a.place())
	if r.req.DryRun {
		return nil
	}
	r.ctl.Say(fmt.Sprintf("%s: run %s", a.place(), winname.Show(line)))
	r.commands++
	out, code, err := r.req.Runner.Run(ctx, line)
	for text := range strings.Lines(string(out)) {
		r.ctl.Say("  " + winname.Show(strings.TrimRight(text, "\r\n")))
	}
	if err == nil && code != 0 {
		err = fmt.Errorf("ended with code %d", code)
	}
	return err
}

// plainName reports whether a name is only itself in a command line.
func plainName(name string) bool {
	return !strings.ContainsAny(name, "\"'`&|<>^%!$;\r\n") && winname.Show(name) == name
}

// notRun says once that something was not run, and why.
func (r *run) notRun(d migxml.Deferred, why string) {
	text := fmt.Sprintf("%s of %s line %d was not run: %s", d.When, d.File, d.Line, why)
	if what := d.Command + d.Script; !r.said[what+text] {
		r.said[what+text] = true
		r.notice(what, "%s", text)
	}
}

// tellForeign says what the rules of the capture have run that the restore was
// not given.
func (r *run) tellForeign() {
	given := map[string]bool{}
	for _, id := range r.given {
		given[strings.ToLower(id)] = true
	}
	for _, d := range r.recorded.deferred {
		if d.Scans() || d.Unit < 0 || d.Unit >= len(r.units) || r.units[d.Unit] == nil {
			continue
		}
		if !given[strings.ToLower(r.units[d.Unit].catalog.File)] {
			r.notRun(d, "this rule file was not given")
		}
	}
}
