// Package restore puts a capture back, into a Windows that is not running.
//
// [Run] reads the catalog of a capture, decides for every user of the source
// which account of the destination takes what was his ([Person]), and then
// applies files, registry and accounts. Where an object goes, what happens when
// its place is taken and what becomes of a value is decided by the rules that
// were recorded at the capture (spec/migxml-spec.md 10), for those rule files
// that the restore is given too.
//
// Promises: nothing is written outside the volumes of the destination, and no
// link on them is followed. Nothing that exists is destroyed: a file appears
// whole under its name or not at all, what it replaces is kept, and a [Journal]
// tells every step before it is taken, so that [Undo] can take all of it back.
// A hive is replaced by one that was read back and checked, or not at all. A
// restore that was interrupted is simply run again: what is there already with
// the same content is left alone.
//
// A Windows that is hibernated, and hives whose changes are not all on the disk,
// are refused unless forced: writing to them loses data.
package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
	"lifeboat/engine/winname"
)

// Tree is a capture that can be read.
type Tree interface {
	Open(ctx context.Context, path string) (store.File, error)
}

// RuleFile is a MigXML file as it was given.
type RuleFile struct {
	Name string
	Data []byte
}

// Request says what to put back, where, and how.
type Request struct {
	Tree         Tree
	Sources      []windows.Source // the volumes of the destination; Where is the folder each is mounted in
	Installation *windows.Installation

	// Linked gives the file on this computer that a hard-link store has for a file of
	// the capture, which is then linked. Nil copies everything.
	Linked func(ctx context.Context, path string) (name string, ok bool)

	Rules []RuleFile // whose rules act on the destination

	// Omit picks components to leave out; path are the components around the
	// unit's. Nil leaves out none.
	Omit func(u store.CatalogUnit, path []string) bool
	// Choose picks users to leave out, by ID in the catalog, and says why. Nil
	// leaves out none.
	Choose func(*store.Catalog, *windows.Installation) map[string]string

	MoveUsers   []usmt.Rename // /mu
	MoveDomains []usmt.Rename // /md
	Groups      []usmt.ChangeGroup

	CreateAccounts bool   // /lac
	EnableAccounts bool   // /lae
	Password       string // of accounts that are made; empty for none
	SkipUsers      bool   // go on without users for whom there is no account

	ErrorControl *usmt.Config  // whose rules decide on errors in place of the Decider; nil for none
	Retries      int           // /r: of what fails in a way that may pass
	Wait         time.Duration // /w: between them

	Live    bool   // the destination is the Windows that runs, as Live describes it
	Runner  Runner // with Live: runs the commands of Rules; nil runs none
	Force   bool   // write although the Windows may be in use
	DryRun  bool   // write nothing, say what would be
	Journal string // the file for the journal; not used in a dry run

	moment func(op, native string) // tests cut the power there
}

// Result is what was done, or in a dry run what would be.
type Result struct {
	Catalog  *store.Catalog
	People   []*Person         // the users of the capture
	Omitted  map[string]string // what Request.Choose said
	Done     Counts
	Warnings []string // what the caller should know beside problems
	Changes  []Change // with DryRun: the first of them
	Journal  bool     // there is one: something was written

	Problems []job.Problem // the first of them
	Count    int64         // of all that are no notices
}

// Counts says how much was put back.
type Counts struct {
	Files     int64 `json:"files"`
	Folders   int64 `json:"folders"`
	Links     int64 `json:"links,omitempty"` // junctions and symbolic links
	Bytes     int64 `json:"bytes"`
	Identical int64 `json:"identical"` // were there already
	Renamed   int64 `json:"renamed"`   // got another name because theirs was taken
	Replaced  int64 `json:"replaced"`
	Kept      int64 `json:"kept"` // not written, a rule prefers what was there
	Keys      int64 `json:"keys"`
	Values    int64 `json:"values"`
}

// Change is one thing that a dry run would have done.
type Change struct {
	What string `json:"what"` // "folder", "file", "replace", "remove", "key", "value", "hive", "account"
	Path string `json:"path"`
	Text string `json:"text,omitempty"`
}

// Bounds of what is held in memory for a report.
const (
	maxProblems = 10_000
	maxChanges  = 100_000
)

var (
	// ErrStopped means that the Decider ended the run.
	ErrStopped = errors.New("stopped at the first object that could not be put back")
	// ErrInUse means that the destination must not be written to now.
	ErrInUse = errors.New("the Windows may still be in use")
	// ErrNoAccount means that a local account is missing and must not be made.
	ErrNoAccount = errors.New("a local account is missing")
	// ErrCatalog means that the catalog of the capture cannot be used.
	ErrCatalog = errors.New("the catalog cannot be used")
)

// Run puts a capture back. The result tells what was done also with an error.
func Run(ctx context.Context, req Request, ctl *job.Control) (*Result, error) {
	r := &run{req: req, ctl: ctl, now: ctl.Clock(), result: &Result{}, said: map[string]bool{}}
	err := r.run(ctx)
	for _, d := range r.disks {
		err = errors.Join(err, d.close())
	}
	if r.journal != nil {
		r.result.Journal = r.journal.steps > 0
		err = errors.Join(err, r.journal.close(err == nil))
	}
	return r.result, err
}

// run is one restore.
type run struct {
	req    Request
	ctl    *job.Control
	now    time.Time
	result *Result

	catalog   *store.Catalog
	source    *windows.Installation // of the source; the zero one if the catalog has none
	recorded  recorded
	machine   *windows.Machine // the destination, with the profiles that are to be
	omitted   map[string]string
	people    map[string]*Person
	acting    []migxml.RestoreRule
	given     []string // urlids of Request.Rules
	actions   []action
	commands  int                         // that were run
	units     []*unit                     // by index of Catalog.Units, then those of files it does not know; nil for those that are left out
	moves     []migxml.RestoreRule        // locationModify of all units
	bars      []migxml.RestoreRule        // unconditionalExcludes of the files that the capture does not know
	cleanups  map[string][]migxml.Pattern // of destinationCleanup on the destination, by cleanupKey
	moving    *unit                       // finds moves
	barring   *unit                       // finds bars
	simulated map[string]bool             // locations of recorded.added, by locationKey
	zone      *time.Location              // of the source
	places    *places
	sds       map[int][]byte // security descriptors by ID, translated
	disks     []*disk        // by index of Sources
	journal   *journal
	policy    job.Decider // of Request.ErrorControl
	registry  *registry
	accounts  accounts

	folders []finishing // folders made, whose metadata is set last
	links   []laterLink // shortcuts that are restored only if what they point to is there
	reparse []laterLink // junctions and symbolic links
	named   map[fileKey]named
	said    map[string]bool

	accountMap map[string][]byte // binary SIDs of the source to those of the destination
	hives      int               // hive files among the files, which are not copied
}

func (r *run) run(ctx context.Context) error {
	r.ctl.Phase(job.Initializing, 0, 0)
	if err := r.readCatalog(ctx); err != nil {
		return err
	}
	if err := r.mayWrite(); err != nil {
		return err
	}
	if err := r.open(ctx); err != nil {
		return err
	}
	if err := r.mapPeople(ctx); err != nil {
		return err
	}
	r.openPolicy()
	if err := r.prepareRules(ctx); err != nil {
		return err
	}
	r.registry = &registry{run: r, open: map[string]keys{}}
	total := r.catalog.Totals
	r.ctl.Phase(job.Applying, total.Bytes, total.Files)
	r.tellForeign()
	err := r.apply(ctx)
	if ctx.Err() == nil {
		err = errors.Join(err, r.act(ctx, postApply))
	}
	if err == nil {
		err = r.commit(ctx) // what scripts have changed since
	}
	if r.commands > 0 {
		r.warn("lifeboat undo does not take back what the commands of rules did")
	}
	return err
}

// apply does everything between what the rules have run before it and after it in
// any case (spec/migxml-spec.md 10.3).
func (r *run) apply(ctx context.Context) error {
	before := func(ctx context.Context) error { return r.act(ctx, preApply) }
	after := func(ctx context.Context) error { return r.act(ctx, applySuccess) }
	for _, step := range []func(context.Context) error{
		before, r.makeProfiles, r.cleanFiles, r.applyFiles, r.applyAddedFiles, r.applySettings, r.applyLinks, r.applyReparse, r.finishFolders,
		r.applyRegistry, r.applyAccounts, r.commit, after,
	} {
		if err := step(ctx); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// maxCatalog bounds a part of the catalog that is read as a whole.
const maxCatalog = 256 << 20

// readJSON reads one file of the catalog. One that is absent wraps fs.ErrNotExist.
func (r *run) readJSON(ctx context.Context, path string, to any) error {
	f, err := r.req.Tree.Open(ctx, path)
	if err != nil {
		return err
	}
	defer f.Close()
	if f.Length() > maxCatalog {
		return fmt.Errorf("%w: %s has %d bytes", ErrCatalog, path, f.Length())
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	if err := decode(data, to); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrCatalog, path, err)
	}
	return nil
}

// decode reads JSON of the catalog.
func decode(data []byte, to any) error {
	if err := json.Unmarshal(data, to); err != nil {
		return err
	}
	winname.FromJSON(to)
	return nil
}

// mayWrite refuses a destination that somebody else may still write to.
func (r *run) mayWrite() error {
	inst := r.req.Installation
	if r.req.Live {
		return nil
	}
	var why string
	switch {
	case inst.IsOld():
		return fmt.Errorf("%s is a former Windows; put back into the one that is used", inst.WindowsDir)
	case inst.Power.Image == windows.ActiveImage:
		why = "it is hibernated, or was shut down with fast start-up: what is in its memory would overwrite what is written now"
	default:
		for _, h := range inst.Hives {
			if h.Name == "SYSTEM" || h.Name == "SOFTWARE" || h.Name == "SAM" {
				if why == "" {
					why = unfit(h)
				}
			}
		}
	}
	if why == "" {
		if inst.Power.Image == windows.UnknownImage {
			r.warn("hiberfil.sys cannot be read: whether this Windows is hibernated is not known")
		}
		return nil
	}
	if r.req.Force {
		r.warn(why + "; written to all the same, as asked for")
		return nil
	}
	return fmt.Errorf("%w: %s", ErrInUse, why)
}

// unfit says why a hive must not be written to, or "".
func unfit(h windows.Hive) string {
	switch {
	case !h.Readable():
		return fmt.Sprintf("the hive %s is %s", h.Name, h.State)
	case h.Defects > 0:
		return fmt.Sprintf("the hive %s is damaged: %s", h.Name, h.Reason)
	case h.State == "dirty":
		return fmt.Sprintf("the hive %s was not closed, and its logs do not tell what is missing", h.Name)
	}
	return ""
}

// open opens the volumes of the destination for writing.
func (r *run) open(ctx context.Context) error {
	inst := *r.req.Installation
	inst.Users = append([]windows.User(nil), inst.Users...)
	machine, err := windows.Open(ctx, r.req.Sources, &inst)
	if err != nil {
		return err
	}
	r.machine = machine
	if !r.req.DryRun {
		if r.journal, err = newJournal(r.req.Journal, r.now); err != nil {
			return err
		}
	}
	for i, s := range r.req.Sources {
		d, err := openDisk(i, s, r.journal)
		if err != nil {
			return err
		}
		d.changed = r.change
		if r.req.moment != nil {
			d.moment = r.req.moment
		}
		r.disks = append(r.disks, d)
		if r.journal != nil {
			r.journal.disks = append(r.journal.disks, s.Where)
		}
	}
	if r.journal == nil {
		return nil
	}
	r.sweep()
	stamp := r.journal.keep
	for n := 2; slices.ContainsFunc(r.disks, func(d *disk) bool { return d.has(r.journal.keep) }); n++ {
		r.journal.keep = fmt.Sprintf("%s-%d", stamp, n)
	}
	return r.journal.begin(inst.ComputerName)
}

// resolve finds the volume of a path of the destination.
func (r *run) resolve(path string) (*disk, string, bool) {
	v, at, ok := r.machine.Resolve(path)
	if !ok {
		return nil, "", false
	}
	for i, s := range r.req.Sources {
		if s.Volume == v {
			return r.disks[i], at, true
		}
	}
	return nil, "", false
}

// change notes what was done, for a dry run.
func (r *run) change(what, path, text string) {
	if r.req.DryRun && len(r.result.Changes) < maxChanges {
		r.result.Changes = append(r.result.Changes, Change{what, path, text})
	}
}

func (r *run) warn(text string) {
	if !r.said[text] {
		r.said[text] = true
		r.result.Warnings = append(r.result.Warnings, text)
		r.ctl.Say(text)
	}
}

// report counts a problem and tells the watcher.
func (r *run) report(p job.Problem) {
	r.ctl.Problem(p)
	if p.Kind != job.Notice {
		r.result.Count++
	}
	if len(r.result.Problems) < maxProblems {
		r.result.Problems = append(r.result.Problems, p)
	}
}

func (r *run) notice(path, format string, args ...any) {
	r.report(job.Problem{Kind: job.Notice, Path: path, Text: fmt.Sprintf(format, args...)})
}

// contextOf returns the migxml.Context of a unit's side.
func contextOf(id, name string, vars map[string]string) migxml.Context {
	return migxml.Context{ID: id, Name: name, System: id == systemID, Vars: vars}
}

const systemID = "System"
