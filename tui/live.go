package tui

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/bitlocker"
	"lifeboat/engine/job"
	"lifeboat/engine/report"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
	"lifeboat/winpe"
	"lifeboat/winpe/places"
)

// Live is the Backend of real life: the engine, and the machine it runs on.
// Close it when the wizard has ended.
type Live struct {
	Engine   *engine.Engine
	Options  engine.DetectOptions
	Places   []string       // folders to look for Windows in; none means every volume
	Recorded *winpe.Machine // a recorded machine instead of this one
	Logs     string         // where logs and details of a crash go; empty for the temporary folder

	mu         sync.Mutex
	detections []*engine.Detection // all that were made
	shares     []string            // folders of the shares that were connected
}

// Close lets go of the volumes.
func (l *Live) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, d := range l.detections {
		errs = append(errs, d.Close())
	}
	for _, folder := range l.shares {
		errs = append(errs, winpe.Disconnect(folder))
	}
	l.detections, l.shares = nil, nil
	return errors.Join(errs...)
}

// System implements Backend.
func (l *Live) System(context.Context) (winpe.System, error) {
	if l.Recorded != nil {
		return l.Recorded.System, nil
	}
	return winpe.Describe(), nil
}

// Volumes implements Backend.
func (l *Live) Volumes(ctx context.Context) ([]winpe.Volume, error) {
	if l.Recorded != nil {
		return l.Recorded.Volumes, nil
	}
	return winpe.Volumes(ctx)
}

// Detect implements Backend.
func (l *Live) Detect(ctx context.Context) (*engine.Detection, error) {
	volumes, err := l.Volumes(ctx)
	if err != nil {
		return nil, err
	}
	var drives []winpe.Drive
	if l.Recorded == nil {
		if drives, err = winpe.Drives(ctx, volumes); err != nil && ctx.Err() != nil {
			return nil, err // else what could be looked at; the rest is no reason to stop
		}
	}
	where := places.Named(l.Places, volumes, drives)
	if l.Places == nil {
		others := slices.DeleteFunc(slices.Clone(volumes), func(v winpe.Volume) bool { return v.System })
		where = append(places.Mounted(others, drives), places.Unmounted(drives)...)
	}
	d, err := l.Engine.Detect(ctx, where, l.Options)
	if err != nil {
		return nil, err
	}
	return l.keep(d), nil
}

// Locked implements Backend.
func (l *Live) Locked(d *engine.Detection) []engine.Locked { return d.Locked() }

// Unlock implements Backend.
func (l *Live) Unlock(ctx context.Context, d *engine.Detection, where string, secret Secret) (*engine.Detection, error) {
	var key engine.Secret
	switch secret.Kind {
	case bitlocker.KindRecovery:
		key.RecoveryPassword = string(secret.Text)
	case bitlocker.KindPassword:
		key.Passphrase = string(secret.Text)
	default:
		var err error
		if key.StartupKey, err = os.ReadFile(secret.File); err != nil {
			return nil, err
		}
		defer clear(key.StartupKey)
	}
	next, err := d.Unlock(ctx, where, key)
	if err != nil {
		return nil, err
	}
	return l.keep(next), nil
}

// keep remembers a detection: a plan may still walk an old one, so all of them
// stay open.
func (l *Live) keep(d *engine.Detection) *engine.Detection {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.detections = append(l.detections, d)
	return d
}

// KeyFiles implements Backend: a startup key lies in the root of its drive.
func (l *Live) KeyFiles(ctx context.Context) []string {
	volumes, err := l.Volumes(ctx)
	if err != nil {
		return nil
	}
	var files []string
	for _, v := range volumes {
		if v.Problem != "" {
			continue // it may never answer
		}
		entries, _ := os.ReadDir(v.Mount) // a volume that cannot be read has none
		for _, e := range entries {
			if strings.EqualFold(filepath.Ext(e.Name()), ".bek") && e.Type().IsRegular() {
				files = append(files, filepath.Join(v.Mount, e.Name()))
			}
		}
	}
	return files
}

// detection is the one an installation was found by.
func (l *Live) detection(inst *engine.Installation) *engine.Detection {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.detections {
		if slices.Contains(d.Installations, inst) {
			return d
		}
	}
	return nil
}

// Stores implements Backend: a store is a folder in the root of a volume, or
// the root itself.
func (l *Live) Stores(ctx context.Context) ([]Store, error) {
	volumes, err := l.Volumes(ctx)
	if err != nil {
		return nil, err
	}
	var stores []Store
	for _, v := range volumes {
		if v.Problem != "" || v.System {
			continue
		}
		folders := []string{v.Mount}
		entries, _ := os.ReadDir(v.Mount) // a volume that cannot be read shows no stores
		for _, e := range entries {
			if e.IsDir() {
				folders = append(folders, filepath.Join(v.Mount, e.Name()))
			}
		}
		for _, folder := range folders {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if st, ok := inspect(folder); ok {
				stores = append(stores, st)
			}
		}
	}
	return stores, nil
}

func inspect(path string) (Store, bool) {
	state, marker, err := store.Inspect(path)
	switch {
	case err != nil:
		return Store{Path: path, Damaged: err.Error()}, true
	case state == store.None:
		return Store{}, false
	case state == store.Incomplete:
		st := Store{Path: path, Team: engine.TeamLocked(path)}
		if info, err := os.Stat(path); err == nil {
			st.Saved = info.ModTime()
		}
		return st, true
	}
	return Store{
		Path: path, Computer: marker.Computer, Product: marker.Product, Saved: marker.Created, Bytes: marker.Bytes,
		Protected: marker.Protected, Team: engine.TeamLocked(path), Complete: true,
	}, true
}

// DefaultUsers implements Backend.
func (l *Live) DefaultUsers(inst *engine.Installation) map[string]usmt.Choice {
	choices, _ := l.Engine.DefaultUsers(inst, usmt.Selection{})
	onlyRecent(choices, inst, l.Engine.Clock())
	return choices
}

// onlyRecent leaves out who has not used the computer for two years. A profile
// that nobody can name, or date, stays in: losing it unnoticed would be worst
// (spec/tui.md E4).
func onlyRecent(choices map[string]usmt.Choice, inst *engine.Installation, now time.Time) {
	limit := now.AddDate(-2, 0, 0)
	for i := range inst.Users {
		u := &inst.Users[i]
		c := choices[u.ID]
		switch {
		case !c.In:
			continue
		case u.Name == "" || u.NameSource == windows.NameFromFolder || u.State == windows.Orphaned:
			c.Why = textUsersUnknown
		case u.LastUse.IsZero():
			c.Why = textUsersUndated
		case u.LastUse.Before(limit):
			c = usmt.Choice{Why: textUsersLongAgo}
		default:
			c.Why = textUsersRecent
		}
		choices[u.ID] = c
	}
}

// Measure implements Backend.
func (l *Live) Measure(ctx context.Context, inst *engine.Installation, each func(id string, bytes int64)) error {
	own := *inst // the sizes are written into it
	own.Users = slices.Clone(inst.Users)
	return l.detection(inst).Measure(ctx, &own, func(u *engine.User) { each(u.ID, u.Bytes) })
}

// ReadRules implements Backend.
func (l *Live) ReadRules(_ context.Context, path string) ([]engine.RuleFile, error) {
	names := []string{path}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if names, err = filepath.Glob(filepath.Join(path, "*.[xX][mM][lL]")); err != nil {
			return nil, err
		}
	}
	var files []engine.RuleFile
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if usmt.IsConfig(data) {
			continue // says what to leave out of the rules, and is none
		}
		files = append(files, engine.RuleFile{Name: name, Data: data})
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no rule file", path)
	}
	return files, nil
}

// apart refuses paths on the volumes of an installation.
func (l *Live) apart(path string, inst *engine.Installation) error {
	if inst == nil {
		return nil
	}
	for _, source := range l.detection(inst).Folders(inst) {
		if on, err := winpe.LiesOn(path, source); err == nil && on {
			return fmt.Errorf("%s lies on the volume being saved", path)
		}
	}
	return nil
}

// WriteFile implements Backend.
func (l *Live) WriteFile(_ context.Context, path string, inst *engine.Installation, data []byte) error {
	if err := l.apart(path, inst); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// TestWrite implements Backend.
func (l *Live) TestWrite(ctx context.Context, path string, inst *engine.Installation) (bytesPerSecond float64, err error) {
	if err := l.apart(path, inst); err != nil {
		return 0, err
	}
	f, err := os.CreateTemp(path, ".lifeboat-*.tmp")
	if err != nil {
		return 0, err
	}
	defer func() {
		if rerr := errors.Join(f.Close(), os.Remove(f.Name())); err == nil {
			err = rerr
		}
	}()
	block := make([]byte, 1<<20)
	rand.Read(block) // some drives write zeros faster than anything else
	began := l.Engine.Clock()
	for n := 0; n < testWrite; n += len(block) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if _, err := f.Write(block); err != nil {
			return 0, err
		}
	}
	if err := f.Sync(); err != nil {
		return 0, err
	}
	return testWrite / max(l.Engine.Clock().Sub(began), time.Millisecond).Seconds(), nil
}

// Plan implements Backend.
func (l *Live) Plan(ctx context.Context, inst *engine.Installation, rules []engine.RuleFile, ctl *job.Control) (*Plan, error) {
	p, err := l.detection(inst).Plan(ctx, inst, engine.PlanRequest{Rules: rules}, ctl)
	if err != nil {
		return nil, err
	}
	var left []report.Left
	for _, l := range p.Left {
		left = append(left, report.Left{Reason: l.Reason, Files: l.Files, Bytes: l.Bytes, Matters: l.Matters})
	}
	plan := &Plan{Units: p.Units, Left: sumLeft(left), Components: p.Components, Size: p.Totals, plan: p}
	for _, d := range p.Diagnostics {
		plan.Remarks = append(plan.Remarks, d.String())
	}
	return plan, nil
}

// CheckDestination implements Backend.
func (l *Live) CheckDestination(_ context.Context, path string, inst *engine.Installation, need int64) Check {
	var sources []string
	if inst != nil {
		sources = l.detection(inst).Folders(inst)
	}
	d := engine.Destination(winpe.Examine(path, sources))
	check := Check{State: Usable, Free: d.Free}
	err := engine.CheckDestination(d, need, false)
	switch state, _, _ := store.Inspect(path); {
	case errors.Is(err, store.ErrExists):
		check.State = Complete
	case err != nil:
		check.State = Refused
	case state == store.Incomplete:
		check.State = Incomplete
	}
	if err != nil {
		check.Code = usmt.CodeOf(err)
		check.Text, check.Remedy = words(err)
	}
	return check
}

// Capture implements Backend.
func (l *Live) Capture(ctx context.Context, req Request, ctl *job.Control) (*report.Report, error) {
	why := map[string]string{}
	for id, c := range l.DefaultUsers(req.Installation) {
		if req.Select.OmitUsers[id] {
			why[id] = c.Why
			if c.In {
				why[id] = textNotChosen
			}
		}
	}
	return l.Engine.Capture(ctx, engine.CaptureRequest{
		Plan: req.Plan.plan, Select: req.Select, Why: why, StorePath: req.StorePath,
		Password: req.Password, Team: req.Team, SkipVerify: req.SkipVerify, CommandLine: scanState(req).Args(),
	}, ctl)
}

// Verify implements Backend.
func (l *Live) Verify(ctx context.Context, storePath, password string, ctl *job.Control) (*report.Verdict, error) {
	return l.Engine.Verify(ctx, engine.StoreRef{Path: storePath, Password: password}, ctl)
}

// Contents implements Backend.
func (l *Live) Contents(ctx context.Context, ref engine.StoreRef) (*Plan, error) {
	c, err := l.Engine.Contents(ctx, ref)
	if err != nil {
		return nil, err
	}
	return &Plan{Units: c.Units, Components: c.Components, Size: c.Totals}, nil
}

// Restore implements Backend.
func (l *Live) Restore(ctx context.Context, req engine.RestoreRequest, ctl *job.Control) (*engine.RestoreReport, error) {
	req.Detection = l.detection(req.Installation)
	return l.Engine.Restore(ctx, req, ctl)
}

// Undo implements Backend.
func (l *Live) Undo(_ context.Context, journal string) (engine.UndoReport, error) {
	return l.Engine.UndoRestore(journal, nil)
}

// scanState is the command that does the same, without the key. Users are named
// by SID, which no two of them share; one without a SID by the name.
func scanState(req Request) *usmt.ScanState {
	c := usmt.NewScanState()
	c.StorePath, c.Continue = req.StorePath, true
	for _, f := range req.Rules {
		c.Rules = append(c.Rules, f.Name)
	}
	for _, r := range req.Team {
		c.Recipients = append(c.Recipients, r.String())
	}
	c.OfflineWinDir = onDisk(req.Installation.Where, req.Installation.WindowsDir)
	var in []string
	for _, u := range req.Installation.Users {
		if !req.Select.OmitUsers[u.ID] {
			in = append(in, pattern(&u))
		}
	}
	if len(in) < len(req.Installation.Users) {
		c.Users.Exclude, c.Users.Include = []string{`*\*`}, in
	}
	return c
}

// pattern is how /ui means this user.
func pattern(u *engine.User) string {
	if strings.HasPrefix(u.SID, "S-1-") {
		return u.SID
	}
	return engine.Account(u)
}

// loadState is the command that puts back the same, without the key.
func loadState(req engine.RestoreRequest) *usmt.LoadState {
	c := usmt.NewLoadState()
	c.StorePath, c.Continue, c.MoveUsers = req.Path, req.Continue, req.MoveUsers
	c.CreateAccounts, c.EnableAccounts = req.CreateAccounts, req.EnableAccounts
	c.OfflineWinDir = onDisk(req.Installation.Where, req.Installation.WindowsDir)
	return c
}

// CommandLine implements Backend.
func (l *Live) CommandLine(req Request) string {
	c := scanState(req)
	if req.Password != "" {
		c.Cipher, c.Key = usmt.AES256, req.Password // which is not printed
	}
	return c.CommandLine(thisSystem())
}

// thisSystem is how paths are written here.
func thisSystem() usmt.System { return usmt.System{SlashPaths: runtime.GOOS != "windows"} }

// onDisk joins the folder of a mount and a path on its volume.
func onDisk(mount, path string) string {
	return filepath.Join(mount, filepath.FromSlash(strings.ReplaceAll(path, `\`, "/")))
}

// ConnectShare implements Backend.
func (l *Live) ConnectShare(ctx context.Context, share winpe.Share, user string, password []byte) (string, error) {
	if l.Recorded != nil {
		return "", fmt.Errorf("%s: %w", share, winpe.ErrNoNetwork) // a recorded machine has none
	}
	folder, err := share.Connect(ctx, winpe.Login{User: user, Password: string(password)})
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.shares = append(l.shares, folder)
	}
	return folder, err
}

// logFolder is where logs go: the folder that was asked for, if it can be made.
func (l *Live) logFolder() string {
	if l.Logs == "" || os.MkdirAll(l.Logs, 0o755) != nil {
		return cmp.Or(l.Engine.TempDir, os.TempDir())
	}
	return l.Logs
}

func (l *Live) logPath(folder, of, ext string) string {
	return filepath.Join(folder, "lifeboat-"+of+"-"+l.Engine.Clock().Format("20060102-150405")+ext)
}

// OpenLog implements Backend.
func (l *Live) OpenLog(tool, commandLine string, inst *engine.Installation) (*RunLog, error) {
	path := l.logPath(l.logFolder(), tool[strings.LastIndex(tool, " ")+1:], ".log")
	if err := l.apart(path, inst); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	return newRunLog(f, path, tool, l.Engine.Version, commandLine, l.Engine.Clock), nil
}

// WriteCrash implements Backend.
func (l *Live) WriteCrash(text string) (string, error) {
	path := l.logPath(l.logFolder(), "crash", ".txt")
	head := fmt.Sprintf("Lifeboat %s, %s\n\n", l.Engine.Version, l.Engine.Clock().Format(time.RFC3339))
	return path, os.WriteFile(path, []byte(head+text), 0o644)
}

// Do carries out what the person chose after the wizard.
func (e Ending) Do() error {
	switch e {
	case Restart:
		return winpe.Restart()
	case PowerOff:
		return winpe.PowerOff()
	}
	return nil
}
