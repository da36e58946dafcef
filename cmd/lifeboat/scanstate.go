package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"lifeboat/engine"
	"lifeboat/engine/human"
	"lifeboat/engine/job"
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
	type row = struct {
		option string
		given  bool
	}
	if err := notYet(
		row{"genconfig", s.GenConfig != ""}, row{"genmigxml", s.GenMigXML != ""}, row{"config", s.Config != ""},
		row{"nocompress", s.NoCompress && !s.Estimate}, row{"hardlink", s.HardLink}, row{"localonly", s.LocalOnly},
		row{"listfiles", s.ListFiles != ""}, row{"efs:" + string(s.EFS), s.EFS != usmt.EFSAbort && s.EFS != usmt.EFSSkip},
	); err != nil {
		return p.fail("scanstate", err)
	}
	run := &scanRun{program: p, ScanState: s, engine: p.engine()}
	defer run.close()
	if err := run.open(); err != nil {
		return p.fail("scanstate", err)
	}
	report, err := run.save(ctx)
	return run.end(report, err)
}

// scanRun is one run of ScanState.
type scanRun struct {
	*program
	*usmt.ScanState
	engine   *engine.Engine
	log      *usmt.Log
	progress *usmt.ProgressLog
	files    []io.Closer
}

func (r *scanRun) close() {
	for _, f := range r.files {
		f.Close()
	}
}

// open opens the log and the progress file.
func (r *scanRun) open() error {
	log, err := os.Create(r.path(r.Log))
	if err != nil {
		return usmt.Fail(usmt.LogFileFailed, err, "open the log")
	}
	r.files = append(r.files, log)
	r.log = usmt.NewLog(log, r.Level(), r.clock)
	line := r.CommandLine(r.system())
	r.log.Begin("scanstate", versionText(), line)
	if r.Progress != "" {
		f, err := os.Create(r.path(r.Progress))
		if err != nil {
			err := usmt.Fail(usmt.ProgressLogFailed, err, "open the progress log")
			r.log.Failure("scanstate", err)
			return err
		}
		r.files = append(r.files, f)
		r.progress = usmt.NewProgressLog(f, r.clock)
		computer, _ := os.Hostname()
		r.progress.Begin("ScanState.exe", versionText(), computer, line)
	}
	for _, n := range r.Notes() {
		r.note(n)
	}
	return nil
}

// note tells the log and the person something worth knowing.
func (r *scanRun) note(text string) {
	r.log.Warning("%s", text)
	fmt.Fprintf(r.stderr, "note: %s\n", text)
}

// save does the work. The report is nil if nothing was tried.
func (r *scanRun) save(ctx context.Context) (*engine.Report, error) {
	password, err := r.readKey(r.Key, r.KeyFile)
	if err != nil {
		return nil, err
	}
	rules, err := r.ruleFiles()
	if err != nil {
		return nil, err
	}
	if err := winpe.EnablePrivileges(); err != nil {
		return nil, usmt.Fail(usmt.EnvironmentFailed, err, "read files of all users")
	}
	source, err := r.source(ctx, r.engine, r.ScanState, r.note)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	inst := source.inst
	r.log.Info("source: %s in %s on %s", engine.Title(inst), inst.WindowsDir, inst.Where)
	for _, d := range inst.Drives {
		r.log.Info("drive %s is source %d, folder %s (%s)", d.Letter, d.Source, d.Root, d.How)
	}
	fmt.Fprintf(r.stderr, "%s: %s\n", winname.Show(inst.ComputerName), engine.Title(inst))

	store := expand(r.path(r.StorePath), inst.ComputerName)
	where := destination(store, source.places)
	if !r.Estimate {
		if err := engine.CheckDestination(where, 0, r.Overwrite); err != nil {
			return nil, err
		}
	}
	selection, why := r.users(inst)

	answer := job.Stop
	if r.Continue {
		answer = job.Skip
	}
	ctl := job.NewControl(r.clock, job.Always{Unreadable: answer})
	stop := (&watcher{ctl: ctl, console: r.stderr, log: r.log, progress: r.progress}).follow()
	defer stop()
	plan, err := source.Plan(ctx, inst, rules, ctl)
	if err != nil {
		return nil, err
	}
	defer plan.Close()
	total := plan.Totals(selection)
	if r.progress != nil {
		r.progress.Total(total.Bytes)
	}
	if r.Estimate {
		return nil, r.estimate(store, total)
	}
	if err := engine.CheckDestination(where, total.Bytes, r.Overwrite); err != nil {
		return nil, err
	}
	return r.engine.Capture(ctx, engine.CaptureRequest{
		Plan: plan, Select: selection, Why: why, StorePath: store, Password: password,
		Overwrite: r.Overwrite, CommandLine: []string{r.CommandLine(r.system())},
	}, ctl)
}

// ruleFiles reads the files of /i and /auto; none means Lifeboat's own.
func (r *scanRun) ruleFiles() ([]engine.RuleFile, error) {
	names := r.Rules
	if r.Auto {
		dir := r.AutoDir
		if dir == "" {
			exe, err := os.Executable()
			if err != nil {
				return nil, usmt.Fail(usmt.ScriptFiles, err, "find the folder of /auto")
			}
			dir = filepath.Dir(exe)
		}
		names = append([]string{filepath.Join(dir, "MigDocs.xml"), filepath.Join(dir, "MigApp.xml")}, names...)
	}
	var files []engine.RuleFile
	for _, name := range names {
		data, err := os.ReadFile(r.path(name))
		if err != nil {
			return nil, usmt.Fail(usmt.ScriptFiles, err, "read a rule file")
		}
		files = append(files, engine.RuleFile{Name: name, Data: data})
	}
	return files, nil
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
		r.log.Info("user %s: included %v, %s", winname.Show(account), c.In, c.Why)
		if c.Warning != "" {
			r.note(fmt.Sprintf("%s: %s", winname.Show(account), c.Warning))
		}
		if r.progress != nil {
			r.progress.User(account, c.In)
		}
	}
	for _, pattern := range idle {
		r.note(fmt.Sprintf("%s matches no user of this PC", winname.Show(pattern)))
	}
	return selection, why
}

// estimate writes the file of /p.
func (r *scanRun) estimate(store string, total engine.Totals) error {
	e := usmt.Estimate{Temporary: 0}
	for _, cluster := range []int64{4096, 32768} {
		e.Sizes = append(e.Sizes, usmt.StoreSize{Cluster: cluster, Bytes: usmt.Clusters(total.Bytes, cluster)})
	}
	name, write := r.path(r.EstimateFile), e.WriteXML
	if r.EstimateFile == "" {
		name, write = filepath.Join(store, "Usmtsize.txt"), e.WriteText
	}
	if _, err := os.Stat(name); err == nil && !r.Overwrite {
		return usmt.Fail(usmt.PreflightFile, nil, "%s exists", name)
	}
	f, err := os.Create(name)
	if err != nil {
		return usmt.Fail(usmt.PreflightFile, err, "write the estimate")
	}
	err = write(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return usmt.Fail(usmt.PreflightFile, err, "write the estimate")
	}
	fmt.Fprintf(r.stdout, "%s in %s; estimate in %s\n", human.Bytes(total.Bytes), human.Plural(total.Files, "file", "files"), name)
	return nil
}

// end writes the results and returns the code.
func (r *scanRun) end(report *engine.Report, err error) usmt.Code {
	code, ignored := usmt.CodeOf(err), int64(0)
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
		r.progress.End(code, ignored, code.Words())
	}
	if r.JSON && report != nil {
		if err := r.json(report); err != nil {
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

// summary tells in a few lines what was saved, and where it is.
func (p *program) summary(r *engine.Report) {
	fmt.Fprintf(p.stdout, "saved %s, %s and %s in %s\n", human.Plural(r.Files, "file", "files"), human.Bytes(r.Bytes),
		human.Plural(r.Keys, "setting", "settings"), human.Duration(r.Duration()))
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
