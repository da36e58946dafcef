package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/human"
	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
	"lifeboat/winpe"
)

// scanState is the ScanState command line.
func (p *program) scanState(ctx context.Context, args []string) usmt.Code {
	s, err := usmt.ParseScanState(args, p.system())
	if err != nil {
		return p.fail("scanstate", err)
	}
	if s.Help {
		fmt.Fprint(p.stdout, usmt.HelpScanState())
		return usmt.DisplayHelp
	}
	if s.EFS == usmt.EFSDecryptCopy {
		err := usmt.Fail(usmt.UnsupportedPlatform, nil, "/efs:decryptcopy needs the user's key, which only a Windows that runs, with the user logged on, can unlock").
			WithRemedy("choose /efs:copyraw to take encrypted files as they are, or /efs:skip to leave them behind with a list")
		return p.fail("scanstate", usmt.Pointed(usmt.At(err, "efs", ""), "scanstate", p.system(), args))
	}
	run := &scanRun{program: p, ScanState: s, logs: logs{on: p, tool: "scanstate"}, engine: p.engine()}
	defer run.close()
	if err := run.open(&s.Common, usmt.NewScanState().Log, "ScanState.exe", s.CommandLine(p.system()), s.Notes()); err != nil {
		return p.fail("scanstate", usmt.Pointed(err, "scanstate", p.system(), args))
	}
	if run.progress != nil {
		run.progress.Estimating = s.Estimate
	}
	return run.end(usmt.Pointed(run.do(ctx), "scanstate", p.system(), args))
}

// scanRun is one run of ScanState.
type scanRun struct {
	*program
	*usmt.ScanState
	logs
	engine *engine.Engine

	ruleSet
	result any            // what --json prints
	report *engine.Report // nil if nothing was saved
}

// do does the work.
func (r *scanRun) do(ctx context.Context) (err error) {
	if err := r.checkEnvironment(); err != nil {
		return err
	}
	password, err := r.readKey(r.Key, r.KeyFile)
	if err != nil {
		return usmt.At(err, "keyfile", "")
	}
	team, err := r.recipients(r.Recipients)
	if err != nil {
		return err
	}
	if r.ruleSet, err = r.readRules(&r.Common); err != nil {
		return err
	}
	if err := winpe.EnablePrivileges(); err != nil {
		return usmt.Fail(usmt.EnvironmentFailed, err, "read files of all users")
	}
	defer winpe.StayAwake()()
	source, err := r.source(ctx, r.engine, r.ScanState, r.note)
	if err != nil {
		return usmt.At(err, r.sourceOption(), "")
	}
	defer source.Close()
	inst := source.inst
	r.describe(source)
	if err := r.profileErrors(inst); err != nil {
		return err
	}
	if r.GenConfig != "" || r.GenMigXML != "" {
		return r.generate(ctx, source)
	}
	outputs, err := r.outputs()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			r.discard()
		}
	}()
	target := expand(r.path(r.StorePath), inst.ComputerName)
	if r.Identity != "" {
		if password, err = r.teamPassword(target, r.Identity); err != nil {
			return err
		}
	}
	sources := source.places
	if r.HardLink {
		// It is the one kind of store that lies on the source.
		on, err := winpe.LiesOn(target, inst.Where)
		if err := r.CheckHardLink(err == nil && on); err != nil {
			return err
		}
		sources = nil
	}
	where := engine.Destination(winpe.Examine(target, sources))
	if !r.Estimate {
		if err := r.checkWorkingRoom(); err != nil {
			return err
		}
		if err := engine.CheckDestination(where, 0, r.Overwrite); err != nil {
			return usmt.At(err, usmt.StorePath, "")
		}
	}
	selection, why := r.users(inst)

	// Logs are written by one goroutine at a time: the watcher's, or this one.
	w := r.watch()
	stop := w.follow()
	plan, err := source.Plan(ctx, inst, engine.PlanRequest{Rules: r.rules, Config: r.config, LocalOnly: r.LocalOnly, StorePath: target}, w.ctl)
	stop()
	if err != nil {
		return atRule(err)
	}
	defer plan.Close()
	r.remark(plan.Diagnostics)
	if r.Continue && r.config != nil && len(r.config.FileErrors)+len(r.config.RegistryErrors) > 0 {
		decider, notes := plan.ErrorControl(r.config)
		for _, n := range notes {
			r.note(n)
		}
		w.ctl.Decider = decider
	}
	r.components(plan, selection)
	total := plan.Totals(selection)
	if r.progress != nil {
		r.progress.Total(total.Bytes)
	}
	if err := outputs.list(plan, selection); err != nil {
		return err
	}
	defer func() {
		if err := outputs.diagnose(ctx, r.log, plan, selection, r.report); err != nil {
			r.note(err.Error())
		}
	}()
	req := engine.CaptureRequest{
		Plan: plan, Select: selection, Why: why, StorePath: target, Password: password, Team: team,
		Kind: r.kind(), MaxFile: where.MaxFile,
		Overwrite: r.Overwrite, CommandLine: []string{r.CommandLine(r.system())}, EFS: r.EFS, Config: r.config,
		Retries: r.Retries, Wait: time.Duration(r.Wait) * time.Second,
	}
	if !r.Estimate {
		notes, err := engine.CheckRoom(where, req)
		if err != nil {
			return err
		}
		for _, n := range notes {
			r.note(n)
		}
	}
	stop = w.follow()
	defer stop()
	if r.Estimate {
		return r.estimate(ctx, req, w.ctl)
	}
	r.report, err = r.engine.Capture(ctx, req, w.ctl)
	if r.report != nil {
		r.result = r.report
	}
	return err
}

// kind is the kind of store that the options ask for.
func (r *scanRun) kind() store.Kind {
	switch {
	case r.HardLink:
		return store.Linked
	case r.NoCompress:
		return store.Plain
	}
	return store.Packed
}

// sourceOption is the option that named the Windows, "" for none.
func (r *scanRun) sourceOption() string {
	switch {
	case r.OfflineWinDir != "":
		return "offlineWinDir"
	case r.OfflineWinOld != "":
		return "offlineWinOld"
	case r.Offline != "":
		return "offline"
	}
	return ""
}

// atRule points at the rule file that an error is about.
func atRule(err error) error {
	var syntax *migxml.SyntaxError
	if errors.As(err, &syntax) {
		return usmt.At(err, "i", syntax.File)
	}
	return err
}

// watch makes the watcher of a job, and the job's channels.
func (r *scanRun) watch() *watcher {
	answer := job.Stop
	if r.Continue {
		answer = job.Skip
	}
	ctl := job.NewControl(r.clock, job.Always{Unreadable: answer})
	return &watcher{ctl: ctl, console: r.stderr, log: r.log, progress: r.progress}
}

// describe says which Windows it is, and which drive is what.
func (r *scanRun) describe(source *found) {
	inst := source.inst
	r.log.Landmark("source: %s in %s on %s", engine.Title(inst), winname.Show(inst.WindowsDir), inst.Where)
	for _, d := range inst.Drives {
		r.log.Landmark("drive %s is volume %d, folder %s (%s)", winname.Show(d.Path()), d.Source, winname.Show(d.Root), d.How)
	}
	fmt.Fprintf(r.stderr, "%s: %s\n", winname.Show(inst.ComputerName), engine.Title(inst))
	if source.health != "" {
		r.alarm(winname.Show(source.health) + ": save before anything else is tried, no chkdsk, no start of this Windows; /c goes on past what cannot be read")
	}
	for _, n := range inst.Notes {
		if n != source.health { // the report has it too
			r.note(winname.Show(n))
		}
	}
}

// remark tells the log what of the rules was not followed, and the person that
// there is something to read.
func (r *scanRun) remark(list []migxml.Diagnostic) {
	warnings := int64(0)
	for _, d := range list {
		if d.Severity < migxml.Warning {
			r.log.Landmark("%s", d.String())
			continue
		}
		r.log.Warning("%s", d.String())
		warnings++
	}
	if warnings > 0 {
		fmt.Fprintf(r.stderr, "note: the rule files have %s; see %s\n", human.Plural(warnings, "mistake", "mistakes"), r.Log)
	}
}

// components tells the progress file which components there are for whom.
func (r *scanRun) components(plan *engine.Plan, sel engine.Selection) {
	tell := func(units []engine.Unit, on bool) {
		for _, u := range units {
			taken := on && !sel.OmitUsers[u.User]
			account := ""
			if user, ok := userOf(plan.Installation, u.User); ok {
				account = engine.Account(user)
			}
			r.log.Info("component %s for %s: included %v", winname.Show(u.Component), winname.Show(u.User), taken)
			if r.progress != nil {
				r.progress.Component(account, u.Component, taken)
			}
		}
	}
	tell(plan.Units, true)
	tell(plan.Dropped, false)
}

func userOf(inst *engine.Installation, id string) (*engine.User, bool) {
	for i := range inst.Users {
		if inst.Users[i].ID == id {
			return &inst.Users[i], true
		}
	}
	return nil, false
}

// users applies /ui, /ue and /uel, and tells what came of it.
func (r *scanRun) users(inst *engine.Installation) (engine.Selection, map[string]string) {
	choices, idle := r.engine.DefaultUsers(inst, r.Users)
	selection := engine.Selection{OmitUsers: map[string]bool{}}
	why := map[string]string{}
	for i := range inst.Users {
		u := &inst.Users[i]
		c := choices[u.ID]
		account := engine.Account(u)
		if !c.In {
			selection.OmitUsers[u.ID] = true
			why[u.ID] = c.Why
		}
		r.log.Info("user %s (%s): included %v, %s", winname.Show(account), winname.Show(u.ID), c.In, c.Why)
		if c.Warning != "" {
			r.alarm(fmt.Sprintf("%s (%s): %s", winname.Show(account), winname.Show(u.ID), c.Warning))
		}
		if r.progress != nil {
			r.progress.User(account, c.In)
		}
	}
	for _, i := range idle {
		r.note(winname.Show(i.Option + " " + i.Says("this PC")))
	}
	if len(inst.Users) > 0 && len(selection.OmitUsers) == len(inst.Users) {
		r.alarm("no user is taken, only what all users share: see /ui, /ue and /uel")
	}
	return selection, why
}

// estimate writes the file of /p.
func (r *scanRun) estimate(ctx context.Context, req engine.CaptureRequest, ctl *job.Control) error {
	var e usmt.Estimate
	var err error
	if r.NoCompress {
		for _, p := range req.Plan.Problems { // nothing is read that would meet them again
			r.log.Event(job.Event{Kind: job.ProblemSeen, Problem: p})
		}
		e, err = engine.EstimatePlain(req)
	} else {
		e, err = r.engine.Estimate(ctx, req, ctl)
	}
	if err != nil {
		return err
	}
	name, write := r.path(r.EstimateFile), e.WriteXML
	if r.EstimateFile == "" {
		name, write = filepath.Join(req.StorePath, "Usmtsize.txt"), e.WriteText
		if err := os.MkdirAll(req.StorePath, 0o777); err != nil {
			return usmt.Fail(usmt.PreflightFile, err, "write the estimate")
		}
	}
	f, err := os.Create(name)
	if err != nil {
		return usmt.Fail(usmt.PreflightFile, err, "write the estimate")
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return usmt.Fail(usmt.PreflightFile, err, "write the estimate")
	}
	r.result = e
	if !r.JSON {
		total := req.Plan.Totals(req.Select)
		fmt.Fprintf(r.stdout, "%s in %s, a store of %s; estimate in %s\n", human.Bytes(total.Bytes),
			human.Plural(total.Files, "file", "files"), human.Bytes(e.Sizes[0].Bytes), name)
	}
	return nil
}

// end writes the results and returns the code.
func (r *scanRun) end(err error) usmt.Code {
	code, ignored := usmt.CodeOf(err), int64(0)
	report := r.report
	if report != nil {
		ignored = report.ProblemCount
		if err == nil {
			code = usmt.Code(report.ReturnCode)
		}
	}
	if err != nil {
		r.log.Failure("scanstate", err)
	}
	r.log.End(code, ignored)
	if r.progress != nil {
		if kind := mediumError(err); kind != "" {
			r.progress.Error(kind, r.StorePath, true)
		}
		r.progress.End(code, ignored, code.Words())
	}
	if r.JSON && r.result != nil {
		if err := r.json(r.result); err != nil {
			fmt.Fprintln(r.stderr, "scanstate:", err)
		}
	} else if r.JSON && err != nil {
		if err := r.jsonFailure(err); err != nil {
			fmt.Fprintln(r.stderr, "scanstate:", err)
		}
	} else if report != nil && err == nil {
		r.summary(report)
	}
	switch {
	case err != nil:
		r.fail("scanstate", err)
	case code != usmt.Success:
		fmt.Fprintf(r.stderr, "%s\n  %s\nreturn code %d, %v\n", code.Words(), code.Remedy(), int(code), code)
	}
	return code
}

// mediumError is the progress file's word for what a medium did.
func mediumError(err error) string {
	switch {
	case errors.Is(err, store.ErrFull):
		return usmt.UnableToCopy
	case errors.Is(err, store.ErrGone):
		return usmt.UnableToAccessDevice
	case errors.Is(err, store.ErrCorrupt):
		return usmt.UnableToCopyCatalog
	}
	return ""
}

// summary tells in a few lines what was saved, and where it is.
func (p *program) summary(r *engine.Report) {
	fmt.Fprintf(p.stdout, "saved %s, %s and %s in %s\n", human.Plural(r.Files, "file", "files"), human.Bytes(r.Bytes),
		human.Plural(r.Values, "setting", "settings"), human.Duration(r.Duration()))
	if r.Verified.OK() {
		fmt.Fprintf(p.stdout, "read back and compared: %s\n", human.Plural(r.Verified.Files, "file", "files"))
	}
	fmt.Fprintf(p.stdout, "store   %s\n", filepath.Join(r.StorePath, "USMT"))
	if r.HTMLPath != "" {
		fmt.Fprintf(p.stdout, "report  %s\n", r.HTMLPath)
	}
	if r.SafeToWipe {
		fmt.Fprintln(p.stdout, "the disk may be wiped")
		return
	}
	fmt.Fprintln(p.stdout, "do not wipe the disk yet:")
	for _, why := range r.WipeReasons {
		fmt.Fprintf(p.stdout, "  %s\n", winname.Show(why))
	}
}
