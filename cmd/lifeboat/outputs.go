package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"lifeboat/engine"
	"lifeboat/engine/capture"
	"lifeboat/engine/human"
	"lifeboat/engine/usmt"
)

// create makes an output file that nobody would lose: one that exists is
// replaced only with /o.
func (r *scanRun) create(option, name string) (*os.File, error) {
	f, err := r.tryCreate(option, name)
	return f, usmt.At(err, option, "")
}

func (r *scanRun) tryCreate(option, name string) (*os.File, error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if r.Overwrite {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(r.path(name), flags, 0o666)
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, fs.ErrExist):
		return nil, usmt.Fail(usmt.PreflightFile, nil, "%s exists", name).
			WithRemedy("give another name to /" + option + ", or /o to replace the file")
	case errors.Is(err, fs.ErrNotExist):
		return nil, usmt.Fail(usmt.InvalidParameters, err, "/%s", option).
			WithRemedy("name a file in a folder that exists")
	}
	return nil, usmt.Fail(usmt.PreflightFile, err, "write the file of /%s", option)
}

// generate writes the file of /genconfig or /genmigxml.
func (r *scanRun) generate(ctx context.Context, source *found) error {
	option, name := "genconfig", r.GenConfig
	req := engine.PlanRequest{Rules: r.rules, RulesOnly: true}
	if r.GenMigXML != "" {
		option, name = "genmigxml", r.GenMigXML
		req.Rules = []engine.RuleFile{capture.DocumentFinder()}
	}
	f, err := r.create(option, name)
	if err != nil {
		return err
	}
	err = r.generateTo(ctx, f, source, req)
	if cerr := f.Close(); err == nil && cerr != nil {
		err = usmt.Fail(usmt.PreflightFile, cerr, "write %s", name)
	}
	if err != nil {
		removeFile(f.Name())
		return err
	}
	if !r.JSON {
		fmt.Fprintf(r.stdout, "wrote %s\n", name)
	}
	return nil
}

func (r *scanRun) generateTo(ctx context.Context, w io.Writer, source *found, req engine.PlanRequest) error {
	watcher := r.watch()
	stop := watcher.follow()
	plan, err := source.Plan(ctx, source.inst, req, watcher.ctl)
	stop()
	if err != nil {
		return err
	}
	defer plan.Close()
	r.remark(plan.Diagnostics)
	if r.GenMigXML != "" {
		r.result = struct {
			File string `json:"file"`
		}{r.GenMigXML}
		err = plan.WriteDocuments(w)
	} else {
		config := engine.GenConfig(plan)
		r.result = config
		err = config.WriteXML(w)
	}
	if err != nil {
		return usmt.Fail(usmt.PreflightFile, err, "write the file")
	}
	return nil
}

// outputs are the files that a run writes beside the store and the logs. They
// are made before anything is read, so that a wrong name costs no time.
type outputs struct {
	files *os.File // of /listfiles, nil for none
	diags []string // names of the diagnostics
}

func (r *scanRun) outputs() (*outputs, error) {
	o := &outputs{}
	if r.Estimate && r.EstimateFile != "" {
		f, err := r.create("p", r.EstimateFile)
		if usmt.CodeOf(err) == usmt.InvalidParameters {
			err = usmt.At(usmt.Fail(usmt.PreflightFile, err, "write the estimate"), "p", "")
		}
		if err != nil {
			return nil, err
		}
		f.Close()
	}
	if r.ListFiles != "" {
		f, err := os.Create(r.path(r.ListFiles))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, usmt.At(usmt.Fail(usmt.InvalidParameters, err, "/listfiles"), "listfiles", "")
		case err != nil:
			return nil, failList(err)
		}
		r.files = append(r.files, f)
		o.files = f
	}
	if name := r.getenv("MIG_ENABLE_DIAG"); name != "" {
		o.diags = append(o.diags, r.path(name))
	}
	if r.Level()&usmt.RecordObjects != 0 {
		o.diags = append(o.diags, filepath.Join(filepath.Dir(r.path(r.Log)), "MigLog.xml"))
	}
	for _, name := range o.diags {
		f, err := os.Create(name)
		if err != nil {
			return nil, usmt.Fail(usmt.EnvironmentFailed, err, "write diagnostics").
				WithRemedy("give MIG_ENABLE_DIAG a file that can be written, or clear it")
		}
		f.Close()
	}
	return o, nil
}

// discard removes what a failed run would leave half written.
func (r *scanRun) discard() {
	if r.Estimate && r.EstimateFile != "" {
		removeFile(r.path(r.EstimateFile))
	}
}

// removeFile removes an output that did not get whole: half a file would be taken for
// a whole one. What is no file, such as /dev/stdout, stays.
func removeFile(name string) {
	if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() {
		os.Remove(name)
	}
}

// list writes the list of /listfiles.
func (o *outputs) list(plan *engine.Plan, sel engine.Selection) error {
	if o.files == nil {
		return nil
	}
	w := bufio.NewWriter(o.files)
	list := usmt.NewFileList(w)
	err := plan.EachFile(sel, func(f capture.PlannedFile) error { return list.Add(f.Path) })
	if err == nil {
		err = w.Flush()
	}
	return failList(err)
}

// failList is the failure for a list of files that cannot be written, or nil.
func failList(err error) error {
	if err == nil {
		return nil
	}
	return usmt.At(usmt.Fail(usmt.InitError, err, "write the list of files").
		WithRemedy("give /listfiles a file that can be written, on a drive with room"), "listfiles", "")
}

// diagnose writes MigLog.xml and the file of MIG_ENABLE_DIAG, and at /v:4 what became
// of every object into the log. A run that was ended is told of too.
func (o *outputs) diagnose(ctx context.Context, log *usmt.Log, plan *engine.Plan, sel engine.Selection, report *engine.Report) error {
	ctx = context.WithoutCancel(ctx)
	if log.Records() {
		if err := engine.EachObject(ctx, plan, sel, report, log.Object); err != nil {
			return fmt.Errorf("write the log: %w", err)
		}
	}
	for _, name := range o.diags {
		f, err := os.Create(name)
		if err != nil {
			return fmt.Errorf("write diagnostics: %w", err)
		}
		w := bufio.NewWriter(f)
		if err := errors.Join(engine.Diagnose(ctx, w, plan, sel, report), w.Flush(), f.Close()); err != nil {
			return fmt.Errorf("write diagnostics: %w", err)
		}
	}
	return nil
}

// checkEnvironment refuses variables that say what cannot be
// (spec/usmt-cli-spec.md 4.1).
func (p *program) checkEnvironment() error {
	if dir := p.getenv("USMT_WORKING_DIR"); dir != "" {
		if info, err := os.Stat(p.path(dir)); err != nil || !info.IsDir() {
			return usmt.Fail(usmt.StartupFailed, nil, "USMT_WORKING_DIR names %s, where no folder is", dir).
				WithRemedy("make that folder, or set USMT_WORKING_DIR to one that is there")
		}
	}
	switch arch := p.getenv("MIG_OFFLINE_PLATFORM_ARCH"); arch {
	case "", "32", "64":
		return nil
	default:
		return usmt.Fail(usmt.EnvironmentFailed, nil, "MIG_OFFLINE_PLATFORM_ARCH is %q", arch).
			WithRemedy("set it to 32 or 64, or clear it: the architecture is found out")
	}
}

// workingRoom is what must be free for working files; USMT's limit.
const workingRoom = 250 << 20

// checkWorkingRoom refuses to begin where working files have no room.
func (r *scanRun) checkWorkingRoom() error {
	dir := r.engine.TempDir
	if dir == "" {
		dir = os.TempDir()
	}
	free, err := r.freeSpace(dir)
	if err != nil {
		return usmt.Fail(usmt.StartupFailed, err, "look at the folder for working files")
	}
	if free >= workingRoom {
		return nil
	}
	return usmt.Fail(usmt.StartupFailed, nil, "%s has %s free for working files; %s are needed", dir, human.Bytes(free), human.Bytes(workingRoom)).
		WithRemedy("set USMT_WORKING_DIR to a folder on a drive with more room")
}
