package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/job"
	"lifeboat/engine/report"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
	"lifeboat/winpe"
)

// Live is the Backend of real life: the engine, and the machine it runs on.
// Close it when the wizard has ended.
type Live struct {
	Engine   *engine.Engine
	Options  engine.DetectOptions
	Places   []string // folders to look for Windows in; none means every volume
	Rules    []engine.RuleFile
	Recorded *winpe.Machine // a recorded machine instead of this one
	CrashDir string         // where details of a crash go; empty for the temporary folder

	mu         sync.Mutex
	detections []*engine.Detection // all that were made: a plan may still walk an old one
}

// Close lets go of the volumes.
func (l *Live) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, d := range l.detections {
		errs = append(errs, d.Close())
	}
	l.detections = nil
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

// found ties an installation on screen to the engine's.
type found struct {
	detection *engine.Detection
	inst      *engine.Installation
}

// Detect implements Backend.
func (l *Live) Detect(ctx context.Context) (*Detection, error) {
	volumes, err := l.Volumes(ctx)
	if err != nil {
		return nil, err
	}
	d, err := l.Engine.Detect(ctx, places(volumes, l.Places), l.Options)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.detections = append(l.detections, d)
	l.mu.Unlock()
	shown := &Detection{}
	for _, inst := range d.Installations {
		i := picture(inst)
		i.found = found{d, inst}
		shown.Installations = append(shown.Installations, i)
	}
	for _, at := range d.Looked {
		if at.Missing != "" {
			shown.Looked = append(shown.Looked, Looked{onDisk(at.Where, at.Folder), at.Missing})
		}
	}
	return shown, nil
}

// places are the folders to look into, with what is known of their volumes.
func places(volumes []winpe.Volume, only []string) []engine.Place {
	var all []engine.Place
	for _, v := range volumes {
		if v.Problem != "" || v.System && only == nil {
			continue
		}
		all = append(all, engine.Place{Path: v.Mount, Disk: diskID(v.Partition), Removable: v.Removable})
	}
	if only == nil {
		return all
	}
	var places []engine.Place
	for _, path := range only {
		p := engine.Place{Path: path}
		for _, known := range all {
			if filepath.Clean(known.Path) == filepath.Clean(path) {
				p = known
			}
		}
		places = append(places, p)
	}
	return places
}

func diskID(p winpe.Partition) windows.DiskID {
	id := windows.DiskID{Signature: p.Signature, Offset: uint64(p.Offset)}
	id.Partition, _ = windows.ParseGUID(p.GUID) // none is zero
	return id
}

// picture is what the wizard shows of an installation.
func picture(inst *engine.Installation) *Installation {
	i := &Installation{
		Product: inst.Product.Name, Display: inst.Product.Display, Arch: string(inst.Arch), ComputerName: inst.ComputerName,
		Where: inst.Where, WindowsDir: inst.WindowsDir, Damaged: strings.Join(inst.Damage, "; "),
		Notes: inst.Notes, LastUse: inst.LastShutdown,
	}
	for j := range inst.Users {
		u := &inst.Users[j]
		if u.LastUse.After(i.LastUse) {
			i.LastUse = u.LastUse
		}
		i.Users = append(i.Users, User{SID: u.ID, Name: u.Name, Account: engine.Account(u), Profile: u.Profile, LastUse: u.LastUse})
	}
	return i
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
		st := Store{Path: path}
		if info, err := os.Stat(path); err == nil {
			st.Saved = info.ModTime()
		}
		return st, true
	}
	return Store{
		Path: path, Computer: marker.Computer, Saved: marker.Created, Bytes: marker.Bytes,
		Protected: marker.Protected, Complete: true,
	}, true
}

// DefaultUsers implements Backend.
func (l *Live) DefaultUsers(inst *Installation) map[string]Choice {
	choices := map[string]Choice{}
	byID, _ := l.Engine.DefaultUsers(inst.found.inst, usmt.Selection{})
	for id, c := range byID {
		choices[id] = Choice{c.In, c.Why}
	}
	return choices
}

// Plan implements Backend.
func (l *Live) Plan(ctx context.Context, inst *Installation, ctl *job.Control) (*Plan, error) {
	p, err := inst.found.detection.Plan(ctx, inst.found.inst, l.Rules, ctl)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Components: p.Components, plan: p}
	for _, u := range p.Units {
		plan.Units = append(plan.Units, Unit{u.Component, u.Type, u.User, Totals(u.Totals)})
	}
	var all []report.Left
	for _, left := range p.Left {
		all = append(all, report.Left{Reason: left.Reason, Files: left.Files, Bytes: left.Bytes, Matters: left.Matters})
	}
	for _, left := range sumLeft(all) {
		plan.Left = append(plan.Left, Remains{left.Reason, left.Files, left.Bytes, left.Matters})
	}
	plan.Size = func(sel Selection) Totals { return Totals(p.Totals(engine.Selection(sel))) }
	return plan, nil
}

// CheckDestination implements Backend.
func (l *Live) CheckDestination(_ context.Context, path string, inst *Installation, need int64) Check {
	var sources []string
	if inst != nil {
		sources = inst.found.detection.Folders(inst.found.inst)
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
			if c.Included {
				why[id] = textNotChosen
			}
		}
	}
	return l.Engine.Capture(ctx, engine.CaptureRequest{
		Plan: req.Plan.plan, Select: engine.Selection(req.Select), Why: why, StorePath: req.StorePath,
		Password: req.Password, Overwrite: req.Overwrite, SkipVerify: req.SkipVerify, CommandLine: scanState(req).Args(),
	}, ctl)
}

// Verify implements Backend.
func (l *Live) Verify(ctx context.Context, storePath, password string, ctl *job.Control) (*report.Verdict, error) {
	return l.Engine.Verify(ctx, engine.StoreRef{Path: storePath, Password: password}, ctl)
}

// scanState is the command that does the same, without the key. Users are named
// by SID, which no two of them share; one without a SID by the name.
func scanState(req Request) *usmt.ScanState {
	c := usmt.NewScanState()
	c.StorePath, c.Overwrite, c.Continue = req.StorePath, req.Overwrite, true
	c.OfflineWinDir = onDisk(req.Installation.Where, req.Installation.WindowsDir)
	var in []string
	for _, u := range req.Installation.Users {
		if !req.Select.OmitUsers[u.SID] {
			in = append(in, u.pattern())
		}
	}
	if len(in) < len(req.Installation.Users) {
		c.Users.Exclude, c.Users.Include = []string{`*\*`}, in
	}
	return c
}

// pattern is how /ui means this user.
func (u User) pattern() string {
	if strings.HasPrefix(u.SID, "S-1-") {
		return u.SID
	}
	return u.Account
}

// CommandLine implements Backend.
func (l *Live) CommandLine(req Request) string {
	c := scanState(req)
	if req.Password != "" {
		c.Cipher, c.Key = usmt.AES256, req.Password // which is not printed
	}
	return c.CommandLine(usmt.System{SlashPaths: runtime.GOOS != "windows"})
}

// onDisk joins the folder of a mount and a path on its volume.
func onDisk(mount, path string) string {
	return filepath.Join(mount, filepath.FromSlash(strings.ReplaceAll(path, `\`, "/")))
}

// WriteCrash implements Backend.
func (l *Live) WriteCrash(text string) (string, error) {
	dir := l.CrashDir
	if dir == "" {
		dir = os.TempDir()
	}
	path := filepath.Join(dir, "lifeboat-crash-"+l.Engine.Clock().Format("20060102-150405")+".txt")
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
