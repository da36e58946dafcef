package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/engine"
	"lifeboat/engine/job"
	"lifeboat/engine/report"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
	"lifeboat/tui"
	"lifeboat/winpe"
)

// backend gives the wizard (a tui.Backend) the engine and this machine. It
// translates values and decides nothing.
type backend struct {
	*program
	engine *engine.Engine
	// look finds the volumes; the demo and --at put their own in its place.
	look func(context.Context) ([]winpe.Volume, error)

	detection *engine.Detection
	installed map[*tui.Installation]*engine.Installation
	places    []engine.Place
}

func (b *backend) System(context.Context) (winpe.System, error) { return winpe.Describe(), nil }

func (b *backend) Volumes(ctx context.Context) ([]winpe.Volume, error) { return b.look(ctx) }

func (b *backend) Detect(ctx context.Context) (*tui.Detection, error) {
	volumes, err := b.look(ctx)
	if err != nil {
		return nil, err
	}
	b.places = mounted(volumes)
	d, err := b.engine.Detect(ctx, b.places, engine.DetectOptions{Arch: b.getenv("MIG_OFFLINE_PLATFORM_ARCH")})
	if err != nil {
		return nil, err
	}
	if b.detection != nil {
		b.detection.Close()
	}
	b.detection, b.installed = d, map[*tui.Installation]*engine.Installation{}
	seen := new(tui.Detection)
	for _, inst := range d.Installations {
		shown := shownInstallation(inst)
		b.installed[shown] = inst
		seen.Installations = append(seen.Installations, shown)
	}
	for _, l := range d.Looked {
		if l.Missing != "" {
			seen.Looked = append(seen.Looked, tui.Looked{Where: filepath.Join(l.Where, l.Folder), Missing: l.Missing})
		}
	}
	return seen, nil
}

func shownInstallation(inst *engine.Installation) *tui.Installation {
	shown := &tui.Installation{
		Product: inst.Product.Name, Display: inst.Product.Display, Arch: string(inst.Arch), ComputerName: inst.ComputerName,
		Where: inst.Where, WindowsDir: inst.WindowsDir, Notes: inst.Notes, LastUse: inst.LastShutdown,
	}
	if len(inst.Damage) > 0 {
		shown.Damaged = inst.Damage[0]
	}
	for i := range inst.Users {
		u := &inst.Users[i]
		shown.Users = append(shown.Users, tui.User{SID: u.ID, Name: u.Name, Account: engine.Account(u), Profile: u.Profile, LastUse: u.LastUse})
		if u.LastUse.After(shown.LastUse) {
			shown.LastUse = u.LastUse
		}
	}
	return shown
}

// Stores looks for stores in the roots of the volumes and the folders there.
func (b *backend) Stores(ctx context.Context) ([]tui.Store, error) {
	volumes, err := b.look(ctx)
	if err != nil {
		return nil, err
	}
	var all []tui.Store
	for _, v := range volumes {
		if v.Problem != "" || v.System {
			continue
		}
		folders := []string{v.Mount}
		entries, _ := os.ReadDir(v.Mount) // one that cannot be read holds none that can be shown
		for _, e := range entries {
			if e.IsDir() {
				folders = append(folders, filepath.Join(v.Mount, e.Name()))
			}
		}
		for _, folder := range folders {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			state, marker, err := store.Inspect(folder)
			if err != nil || state == store.None {
				continue
			}
			all = append(all, tui.Store{
				Path: folder, Computer: marker.Computer, Saved: marker.Created, Bytes: marker.Bytes, Complete: state == store.Complete,
			})
		}
	}
	return all, nil
}

func (b *backend) DefaultUsers(inst *tui.Installation) map[string]tui.Choice {
	choices, _ := b.engine.DefaultUsers(b.installed[inst], usmt.Selection{})
	shown := map[string]tui.Choice{}
	for id, c := range choices {
		shown[id] = tui.Choice{Included: c.In, Why: c.Why}
	}
	return shown
}

func (b *backend) Plan(ctx context.Context, inst *tui.Installation, ctl *job.Control) (*tui.Plan, error) {
	plan, err := b.detection.Plan(ctx, b.installed[inst], nil, ctl)
	if err != nil {
		return nil, err
	}
	shown := &tui.Plan{Components: plan.Components, Engine: plan}
	for _, u := range plan.Units {
		shown.Units = append(shown.Units, tui.Unit{Component: u.Component, Type: u.Type, User: u.User, Totals: tui.Totals(u.Totals)})
	}
	for _, l := range plan.Left {
		shown.Left = append(shown.Left, tui.Remains{Reason: l.Reason, Files: l.Files, Bytes: l.Bytes, Matters: l.Matters})
	}
	for _, d := range plan.Diagnostics {
		shown.Diagnostics = append(shown.Diagnostics, d.String())
	}
	shown.Size = func(s tui.Selection) tui.Totals { return tui.Totals(plan.Totals(engine.Selection(s))) }
	return shown, nil
}

func (b *backend) CheckDestination(_ context.Context, path string, inst *tui.Installation, need int64) tui.Check {
	d := destination(path, drivesOf(b.detection, b.installed[inst], b.places))
	c := tui.Check{State: tui.Usable, Free: d.Free}
	state, marker, err := store.Inspect(path)
	if err == nil {
		switch {
		case state == store.Incomplete:
			c.State, c.Text = tui.Incomplete, "a save that was not finished is there and will be continued"
		case state == store.Complete && marker.Computer == inst.ComputerName:
			c.State, c.Text = tui.Complete, "a complete save of this PC is there"
		}
	}
	if err := engine.CheckDestination(d, need, c.State == tui.Complete); err != nil {
		c.State, c.Text, c.Remedy = tui.Refused, err.Error(), usmt.CodeOf(err).Remedy()
		if f := (*usmt.Failure)(nil); errors.As(err, &f) && f.Remedy != "" {
			c.Remedy = f.Remedy
		}
	}
	return c
}

func (b *backend) Capture(ctx context.Context, req tui.Request, ctl *job.Control) (*report.Report, error) {
	return b.engine.Capture(ctx, engine.CaptureRequest{
		Plan: req.Plan.Engine.(*engine.Plan), Select: engine.Selection(req.Select), StorePath: req.StorePath, Password: req.Password,
		Overwrite: req.Overwrite, CommandLine: []string{b.CommandLine(req)}, SkipVerify: req.SkipVerify,
	}, ctl)
}

func (b *backend) Verify(ctx context.Context, storePath, password string, ctl *job.Control) (*report.Verdict, error) {
	return b.engine.Verify(ctx, engine.StoreRef{Path: storePath, Password: password}, ctl)
}

// CommandLine is the ScanState command line for a request: its users are named
// by SID, as the spec recommends for offline use.
func (b *backend) CommandLine(req tui.Request) string {
	s := usmt.NewScanState()
	inst := req.Installation
	s.StorePath, s.Overwrite, s.Continue = req.StorePath, req.Overwrite, true
	s.OfflineWinDir = onDisk(inst.Where, inst.WindowsDir)
	if req.Password != "" {
		s.Cipher, s.Key = usmt.AES256, req.Password
	}
	if omitted := req.Select.OmitUsers; slices.ContainsFunc(inst.Users, func(u tui.User) bool { return omitted[u.SID] }) {
		s.Users.Exclude = []string{`*\*`}
		for _, u := range inst.Users {
			if !omitted[u.SID] {
				s.Users.Include = append(s.Users.Include, u.SID)
			}
		}
	}
	return s.CommandLine(b.system())
}

func (b *backend) WriteCrash(text string) (string, error) {
	name := filepath.Join(os.TempDir(), "lifeboat-crash-"+b.clock().Format("20060102-150405")+".txt")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("keep the details: %w", err)
	}
	return name, nil
}

// onDisk joins the folder of a mount and a path on the volume.
func onDisk(mount, path string) string {
	return filepath.Join(mount, filepath.FromSlash(strings.ReplaceAll(path, `\`, "/")))
}

// wizardLook is how the wizard is to look, and where.
type wizardLook struct {
	ascii, mono bool
	places      []string
}

// wizard runs the wizard and does what the person wants after it.
func (p *program) wizard(ctx context.Context, look wizardLook) usmt.Code {
	b := &backend{program: p, engine: p.engine(), look: winpe.Volumes}
	if len(look.places) > 0 {
		b.look = func(context.Context) ([]winpe.Volume, error) { return foldersAsVolumes(look.places), nil }
	}
	return p.runWizard(ctx, b, look)
}

func (p *program) runWizard(ctx context.Context, b *backend, look wizardLook) usmt.Code {
	if err := winpe.EnablePrivileges(); err != nil {
		return p.fail("lifeboat", usmt.Fail(usmt.EnvironmentFailed, err, "read files of all users"))
	}
	out, err := tui.Run(ctx, tui.Options{Backend: b, In: p.stdin, Out: p.stdout, Clock: p.clock, ASCII: look.ascii, Mono: look.mono})
	if b.detection != nil {
		b.detection.Close()
	}
	switch {
	case err != nil:
		return p.fail("lifeboat", err)
	case out.Ending == tui.PowerOff:
		err = winpe.PowerOff()
	case out.Ending == tui.Restart:
		err = winpe.Restart()
	}
	switch {
	case err != nil:
		return p.fail("lifeboat", err)
	case out.Err != nil:
		return usmt.CodeOf(out.Err)
	case out.Report != nil:
		return usmt.Code(out.Report.ReturnCode)
	case out.None:
		return usmt.InitError
	}
	return usmt.Success
}

// foldersAsVolumes shows plain folders as volumes.
func foldersAsVolumes(folders []string) []winpe.Volume {
	var all []winpe.Volume
	for i, f := range folders {
		v := winpe.Volume{Mount: f, Device: f, ID: fmt.Sprint("folder ", i), Label: filepath.Base(f), FileSystem: "folder"}
		if free, err := winpe.FreeSpace(f); err != nil {
			v.Problem = err.Error()
		} else {
			v.Free, v.Size = free, free
		}
		all = append(all, v)
	}
	return all
}
