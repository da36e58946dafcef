// Package engine is the one door to the machinery: wizard, command lines and
// tests call it and nothing below it.
//
// The nouns, in the order of the work: a [Place] is a folder where a volume is
// mounted, a disk, or the image of one. [Engine.Detect] looks at places and gives
// a [Detection], the Windows installations on them. [Detection.Plan] decides what
// one of them would give. [Engine.Capture] saves a [Selection] of that plan into a
// store, reads it back and writes the report. [Engine.Restore] puts a store back
// into a Windows, and [Engine.UndoRestore] takes that back. [Engine.Verify],
// [Engine.Extract] and [Engine.Browse] work on a store alone.
//
// Promises: the source is only read. Nothing is called saved before it was
// flushed, nothing verified before it was read back. Whatever ends a capture,
// what it stored stays readable and the next run goes on from there. Errors
// that end a call carry a return code, what went wrong and what to do about it
// ([usmt.Failure]). The engine never prints and never asks the time: a clock is
// passed in, and a [job.Control] carries everything a watcher can see or say.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"lifeboat/engine/capture"
	"lifeboat/engine/disk"
	"lifeboat/engine/human"
	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/report"
	"lifeboat/engine/rules"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
	"lifeboat/engine/winname"
)

// The types a caller sees, so that it need not know the rooms they live in.
type (
	Installation = windows.Installation
	User         = windows.User
	Looked       = windows.Looked
	Plan         = capture.Plan
	Unit         = capture.Unit
	Left         = capture.Left
	Totals       = capture.Totals
	Selection    = capture.Selection
	Report       = report.Report
	RuleFile     = capture.RuleFile
	Explanation  = capture.Explanation
)

// SystemUser is the user that stands for what belongs to no user.
const SystemUser = capture.SystemUser

// Engine holds what every call needs. The zero value lacks a clock.
type Engine struct {
	Clock   func() time.Time
	TempDir string // for working files; empty for the system's
	Version string // of this program, for catalogs and reports

	images func(path string) (*disk.Image, *disk.Careful, error) // of tests, for disks that die; nil for real ones
}

// DetectOptions are what a caller may know better than the disk.
type DetectOptions struct {
	Arch     string            // "32" or "64", as MIG_OFFLINE_PLATFORM_ARCH; empty to find out
	Mappings []windows.Mapping // drive letters that are known, as in Offline.xml
	Reader   Reader            // how volumes that are mounted are read
}

// Detection is what was found at some places. It keeps their volumes open.
type Detection struct {
	Installations []*Installation
	Looked        []Looked // where Windows was looked for, and what was missing

	engine   *Engine
	opt      DetectOptions
	held     *holdings
	sources  []windows.Source
	notes    [][]string // of each source, what to say of the installations on it
	locked   []locked
	unopened []Looked // places without a volume that can be read
}

// Detect looks for Windows installations at the places. A place that cannot be
// opened is in Looked, a volume that needs a secret in Locked; finding nothing
// is no error.
func (e *Engine) Detect(ctx context.Context, places []Place, opt DetectOptions) (*Detection, error) {
	d := &Detection{engine: e, opt: opt, held: &holdings{}}
	for _, place := range places {
		d.open(ctx, place)
	}
	if err := d.find(ctx); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// find looks for installations on the volumes that are open.
func (d *Detection) find(ctx context.Context) error {
	defer d.interrupt(ctx)()
	found, looked, err := windows.Find(ctx, d.sources, windows.Options{ArchOverride: d.opt.Arch, Mappings: d.opt.Mappings})
	if err != nil {
		return fmt.Errorf("look for Windows: %w", err)
	}
	for _, inst := range found {
		inst.Notes = append(inst.Notes, d.notes[inst.Source]...)
		told := []int{inst.Source}
		for _, drive := range inst.Drives {
			if slices.Contains(told, drive.Source) {
				continue
			}
			told = append(told, drive.Source)
			for _, n := range d.notes[drive.Source] {
				inst.Notes = append(inst.Notes, drive.Path()+" "+n)
			}
		}
	}
	d.Installations, d.Looked = found, append(d.unopened[:len(d.unopened):len(d.unopened)], looked...)
	return nil
}

// Close closes the volumes, and wipes the keys of those that were unlocked.
func (d *Detection) Close() error { return d.held.close() }

// Folders lists where the drives of an installation are mounted: nothing may
// be written there.
func (d *Detection) Folders(inst *Installation) []string {
	folders := []string{inst.Where}
	for _, drive := range inst.Drives {
		if where := d.sources[drive.Source].Where; !slices.Contains(folders, where) {
			folders = append(folders, where)
		}
	}
	return folders
}

// Measure counts what is in the profiles of an installation's users and sets
// their Files and Bytes, one user after the other; each is called when a user
// is done, and may be nil. A profile that cannot be walked keeps its zeros.
func (d *Detection) Measure(ctx context.Context, inst *Installation, each func(u *User)) error {
	defer d.interrupt(ctx)()
	m, err := windows.Open(ctx, d.sources, inst)
	if err != nil {
		return fmt.Errorf("measure profiles: %w", err)
	}
	for i := range inst.Users {
		u := &inst.Users[i]
		if u.Path == "" {
			continue
		}
		files, bytes, err := windows.ProfileSize(ctx, m, u, nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			u.Files, u.Bytes = files, bytes
		}
		if each != nil {
			each(u)
		}
	}
	return nil
}

// NoWindows is the failure for a detection that found none that can be used:
// it says where was looked and what was missing there.
func (d *Detection) NoWindows() *usmt.Failure {
	if len(d.locked) > 0 {
		return failLocked(d.locked)
	}
	what := "no Windows was found"
	for _, l := range d.Looked {
		what += fmt.Sprintf("; %s %s: %s", winname.Show(l.Where), winname.Show(l.Folder), winname.Show(l.Missing))
	}
	return usmt.Fail(usmt.InitError, nil, "%s", what).
		WithRemedy(`name the disk, the image file, or the folder where the Windows volume is mounted, which holds Windows\System32\config`)
}

// PlanRequest says what to plan.
type PlanRequest struct {
	Rules     []RuleFile   // none for Lifeboat's own
	Config    *usmt.Config // which components to leave out; nil for none
	LocalOnly bool         // nothing from drives that can be unplugged
	RulesOnly bool         // look at no file: for Explain and GenConfig
	StorePath string       // where the store will be: what lies there is not taken
}

// Plan evaluates rules against one of the installations and walks its drives once.
// Close the plan.
func (d *Detection) Plan(ctx context.Context, inst *Installation, req PlanRequest, ctl *job.Control) (*Plan, error) {
	defer d.interrupt(ctx)()
	ctl.Phase(job.Initializing, 0, 0)
	machine, err := windows.Open(ctx, d.sources, inst)
	if err != nil {
		return nil, orContext(err, usmt.Fail(usmt.InitError, err, "open %s", inst.WindowsDir))
	}
	files := req.Rules
	if len(files) == 0 {
		for _, f := range rules.Default() {
			files = append(files, RuleFile(f))
		}
	}
	scan := capture.ScanRequest{
		Machine: machine, Rules: files, TempDir: d.engine.TempDir, LocalOnly: req.LocalOnly, RulesOnly: req.RulesOnly, Except: req.StorePath,
	}
	if req.Config != nil {
		switches := req.Config.Switches()
		scan.Keep = func(u migxml.Unit) bool { return switches.Migrates(configNames(u)...) }
		defer func() {
			if n := switches.Idle(); n > 0 && ctx.Err() == nil {
				ctl.Say(fmt.Sprintf("Config.xml switches off %s that no rule file has here", human.Plural(int64(n), "component", "components")))
			}
		}()
	}
	plan, err := capture.Scan(ctx, scan, ctl)
	switch {
	case err == nil:
		return plan, nil
	case errors.Is(err, context.Canceled):
		return nil, err
	case errors.As(err, new(*migxml.SyntaxError)):
		return nil, usmt.Fail(usmt.ScriptFiles, err, "read rule files")
	default:
		return nil, usmt.Fail(usmt.StartupFailed, err, "plan")
	}
}

// orContext returns err itself if it only says that the context ended.
func orContext(err error, failure *usmt.Failure) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return failure
}

// firstOf is what the medium did first. Everything that was on its way to it failed
// with it, which is no news.
func firstOf(sentinel, err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return fmt.Errorf("%w: %w", sentinel, path)
	}
	return sentinel
}

// failStore gives a store's error its return code.
func failStore(err error, path string) error {
	code := usmt.MigrationFailed
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrFull): // before the system's words for it, and before what it stopped
		err = firstOf(store.ErrFull, err)
	case errors.Is(err, store.ErrGone):
		err = firstOf(store.ErrGone, err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, store.ErrExists), errors.Is(err, store.ErrNotStore), errors.Is(err, store.ErrReadOnly), errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		code = usmt.InvalidStore
	case errors.Is(err, store.ErrPassword):
		code = usmt.InvalidKey
	case errors.Is(err, store.ErrCorrupt):
		code = usmt.CorruptedStore
	case errors.Is(err, store.ErrBusy):
		code = usmt.StartupFailed
	}
	f := usmt.Fail(code, err, "store %s", path)
	switch {
	case errors.Is(err, store.ErrNotStore):
		f.Remedy = "name the folder that holds USMT"
	case errors.Is(err, store.ErrBusy):
		f.Remedy = "wait until that one has ended, or choose another folder"
	case code == usmt.InvalidKey && isOpen(path):
		f.Remedy = "it is not encrypted: leave out /decrypt and the key"
	case code == usmt.InvalidKey && TeamLocked(path):
		f.Remedy = "it is locked with a team key: give /identity with the identity file of one of the keys that README.txt in its folder USMT names"
	}
	return f
}

// isOpen reports whether a complete store needs no password.
func isOpen(path string) bool {
	state, marker, err := store.Inspect(path)
	return err == nil && state == store.Complete && !marker.Protected
}
