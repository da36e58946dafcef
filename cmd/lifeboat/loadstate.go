package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"lifeboat/engine"
	"lifeboat/engine/human"
	"lifeboat/engine/job"
	"lifeboat/engine/restore"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
	"lifeboat/winpe"
)

// loadState is the LoadState command line.
func (p *program) loadState(ctx context.Context, args []string) usmt.Code {
	s, err := usmt.ParseLoadState(args, p.system())
	if err != nil {
		return p.fail("loadstate", err)
	}
	if s.Help {
		fmt.Fprint(p.stdout, usmt.HelpLoadState())
		return usmt.DisplayHelp
	}
	run := &loadRun{program: p, LoadState: s, logs: logs{on: p, tool: "loadstate"}, engine: p.engine()}
	defer run.close()
	if err := run.open(&s.Common, usmt.NewLoadState().Log, "LoadState.exe", s.CommandLine(p.system()), s.Notes()); err != nil {
		return p.fail("loadstate", usmt.Pointed(err, "loadstate", p.system(), args))
	}
	return run.end(usmt.Pointed(run.do(ctx), "loadstate", p.system(), args))
}

// loadRun is one run of LoadState.
type loadRun struct {
	*program
	*usmt.LoadState
	logs
	engine *engine.Engine

	ruleSet
	report *engine.RestoreReport // nil if nothing was tried
}

// commandLimit is how long a command of a rule file may take.
const commandLimit = 10 * time.Minute

// do does the work.
func (r *loadRun) do(ctx context.Context) error {
	if err := r.checkEnvironment(); err != nil {
		return err
	}
	storePath := folderOf(r.path(r.StorePath))
	password, err := r.password(storePath, r.Key, r.KeyFile, r.Identity)
	if err != nil {
		return usmt.At(err, "keyfile", "")
	}
	if r.ruleSet, err = r.readRules(&r.Common); err != nil {
		return err
	}
	if err := winpe.EnablePrivileges(); err != nil {
		return usmt.Fail(usmt.EnvironmentFailed, err, "write files of all users")
	}
	defer winpe.StayAwake()()
	target, err := r.target(ctx)
	if err != nil {
		return usmt.At(err, "offlineWinDir", "")
	}
	defer target.Close()
	r.log.Info("destination: %s in %s on %s", engine.Title(target.inst), winname.Show(target.inst.WindowsDir), target.inst.Where)
	fmt.Fprintf(r.stderr, "%s: %s\n", winname.Show(target.inst.ComputerName), engine.Title(target.inst))

	answer := job.Stop
	if r.Continue {
		answer = job.Skip
	}
	w := &watcher{
		ctl: job.NewControl(r.clock, job.Always{Unreadable: answer}), console: r.stderr, log: r.log, progress: r.progress,
	}
	stop := w.follow()
	r.report, err = r.engine.Restore(ctx, engine.RestoreRequest{
		StoreRef:  engine.StoreRef{Path: storePath, Password: password},
		Detection: target.Detection, Installation: target.inst,
		Rules: r.rules, Config: r.config, Users: r.Users, MoveUsers: r.MoveUsers, MoveDomains: r.MoveDomains,
		Plain: r.NoCompress, Link: r.HardLink,
		CreateAccounts: r.CreateAccounts, EnableAccounts: r.EnableAccounts, NewPassword: r.Password,
		Live: r.OfflineWinDir == "", Runner: restore.Programs{Dir: r.path("."), Limit: commandLimit}, Retries: r.Retries, Wait: time.Duration(r.Wait) * time.Second, Continue: r.Continue, Force: r.Force, DryRun: r.Plan, JournalDir: r.path(r.Journal),
	}, w.ctl)
	stop()
	for _, name := range r.report.Rules {
		r.log.Info("rules: %s", winname.Show(name))
	}
	for _, text := range r.report.Warnings {
		r.note(winname.Show(text))
	}
	taken := 0
	for _, u := range r.report.Users {
		in := u.How != restore.Left && u.How != restore.NotTaken
		if in {
			taken++
		}
		r.log.Info("user %s (%s)", userLine(u), winname.Show(u.ID))
		if r.progress != nil {
			r.progress.User(u.From, in)
		}
	}
	if err == nil && taken == 0 && len(r.report.Users) > 0 {
		r.alarm("no user is put back, only what all users share: see /ui, /ue and /uel")
	}
	return err
}

// userLine tells what became of a user.
func userLine(u engine.RestoredUser) string {
	line := fmt.Sprintf("%s: %s", winname.Show(u.From), u.How)
	switch {
	case u.To != "":
		line += fmt.Sprintf(", %s in %s", winname.Show(u.To), winname.Show(u.Profile))
	case u.Why != "":
		line += ": " + winname.Show(u.Why)
	}
	return line
}

// target finds the Windows that the store is put back into.
func (r *loadRun) target(ctx context.Context) (*found, error) {
	if r.OfflineWinDir == "" {
		d, inst, err := r.engine.LiveDestination(ctx)
		if err != nil {
			return nil, err
		}
		return &found{Detection: d, inst: inst}, nil
	}
	here, err := thisMachine(ctx)
	if err != nil {
		return nil, err
	}
	if image, _, ok := imageOf(r.path(r.OfflineWinDir)); ok {
		return nil, usmt.Fail(usmt.InvalidParameters, nil, "%s is no folder: disks and images are only read", winname.Show(image)).
			WithRemedy("mount the volume for writing and name its Windows folder")
	}
	// It will be written to through its mount, so it is read there too.
	opt := engine.DetectOptions{Arch: r.getenv("MIG_OFFLINE_PLATFORM_ARCH"), Reader: engine.ReadMounted}
	return r.sourceAt(ctx, r.engine, r.OfflineWinDir, here, opt, nil)
}

// end writes the results and returns the code.
func (r *loadRun) end(err error) usmt.Code {
	code, ignored := usmt.CodeOf(err), int64(0)
	if r.report != nil {
		ignored = r.report.ProblemCount
		if err == nil {
			code = usmt.Code(r.report.ReturnCode)
		}
	}
	if err != nil {
		r.log.Failure("loadstate", err)
	}
	r.log.End(code, ignored)
	if r.progress != nil {
		r.progress.End(code, ignored, code.Words())
	}
	switch {
	case r.JSON && r.report != nil:
		if err := r.json(r.report); err != nil {
			fmt.Fprintln(r.stderr, "loadstate:", err)
		}
	case r.JSON && err != nil:
		if err := r.jsonFailure(err); err != nil {
			fmt.Fprintln(r.stderr, "loadstate:", err)
		}
	case r.report != nil && err == nil:
		r.loaded(r.report)
	}
	switch {
	case err != nil:
		r.fail("loadstate", err)
		if r.report != nil && r.report.Journal != "" && r.report.Done != (restore.Counts{}) {
			fmt.Fprintf(r.stderr, "to take back what was done: lifeboat undo %s\n", r.report.Journal)
		}
	case code != usmt.Success:
		fmt.Fprintf(r.stderr, "%s\n  %s\nreturn code %d, %v\n", code.Words(), code.Remedy(), int(code), code)
	}
	return code
}

// loaded tells in a few lines what was put back, or would be.
func (p *program) loaded(r *engine.RestoreReport) {
	if r.DryRun {
		for _, c := range r.Changes {
			fmt.Fprintf(p.stdout, "%-8s %s", c.What, winname.Show(c.Path))
			if c.Text != "" {
				fmt.Fprintf(p.stdout, "  (%s)", winname.Show(c.Text))
			}
			fmt.Fprintln(p.stdout)
		}
	}
	for _, u := range r.Users {
		fmt.Fprintln(p.stdout, userLine(u))
	}
	verb := "put back"
	if r.DryRun {
		verb = "would put back"
	}
	d := r.Done
	fmt.Fprintf(p.stdout, "%s %s, %s and %s", verb, human.Plural(d.Files, "file", "files"), human.Bytes(d.Bytes), human.Plural(d.Values, "setting", "settings"))
	for _, more := range []struct {
		n    int64
		text string
	}{{d.Identical, "there already"}, {d.Renamed, "under another name"}, {d.Replaced, "in place of others"}, {d.Kept, "left for what was there"}, {d.Links, "links"}} {
		if more.n > 0 {
			fmt.Fprintf(p.stdout, "; %s %s", human.Count(more.n), more.text)
		}
	}
	fmt.Fprintln(p.stdout)
	if r.Journal != "" {
		fmt.Fprintf(p.stdout, "to take it back: lifeboat undo %s\n", r.Journal)
	}
}

// undoCommand takes a restore back.
func (p *program) undoCommand(code *usmt.Code) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "undo journal [volume…]",
		Short: "Take a loadstate back, by its journal",
		Long: `Takes a loadstate back: what it wrote goes, what it replaced comes back, hives
and times are as before. An offline Windows must not have run since; what went
into a running one is taken back in it. Of a folder, such as a store, the newest journal in it is meant.
Where the volumes are mounted elsewhere than then, name them in the order of the
journal.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			var folders []string
			for _, dir := range args[1:] {
				folders = append(folders, p.path(dir))
			}
			report, err := p.engine().UndoRestore(p.path(args[0]), folders)
			if asJSON {
				if jerr := p.json(report); jerr != nil {
					return jerr
				}
			}
			if err != nil {
				*code = p.fail("lifeboat undo", err)
				return nil
			}
			if !asJSON {
				fmt.Fprintf(p.stdout, "removed %s and %s, put back %s\n", human.Plural(report.Removed, "file", "files"),
					human.Plural(report.Folders, "folder", "folders"), human.Plural(report.Restored, "file", "files"))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
