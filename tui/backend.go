package tui

import (
	"context"
	"os/exec"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/bitlocker"
	"lifeboat/engine/job"
	"lifeboat/engine/report"
	"lifeboat/engine/usmt"
	"lifeboat/winpe"
)

// Backend is everything the wizard knows and does: the engine and the machine
// it runs on. Its methods are called from commands, never while drawing, and
// return when ctx ends.
type Backend interface {
	// System describes the system that was booted.
	System(ctx context.Context) (winpe.System, error)
	// Volumes lists what is plugged in and mounted now.
	Volumes(ctx context.Context) ([]winpe.Volume, error)
	// Detect looks for Windows installations.
	Detect(ctx context.Context) (*engine.Detection, error)
	// Locked lists the volumes of a detection that BitLocker keeps shut.
	Locked(d *engine.Detection) []engine.Locked
	// Unlock opens one of them and looks for Windows on it too. A secret that is
	// another volume's gives bitlocker.ErrWrongKey.
	Unlock(ctx context.Context, d *engine.Detection, where string, secret Secret) (*engine.Detection, error)
	// KeyFiles lists the startup keys (.BEK) on drives that are plugged in.
	KeyFiles(ctx context.Context) []string
	// Stores looks for stores on the volumes.
	Stores(ctx context.Context) ([]Store, error)
	// DefaultUsers says who is chosen before anybody was asked, and why.
	DefaultUsers(inst *engine.Installation) map[string]usmt.Choice
	// Measure counts what is in the profiles, one after the other.
	Measure(ctx context.Context, inst *engine.Installation, each func(id string, bytes int64)) error
	// ReadRules reads a rule file, or those in a folder.
	ReadRules(ctx context.Context, path string) ([]engine.RuleFile, error)
	// Plan walks an installation once and counts. No rules are Lifeboat's own.
	Plan(ctx context.Context, inst *engine.Installation, rules []engine.RuleFile, ctl *job.Control) (*Plan, error)
	// CheckDestination tells whether a store of need bytes can go to path.
	CheckDestination(ctx context.Context, path string, inst *engine.Installation, need int64) Check
	// TestWrite finds out how fast a folder takes data: it writes a file there,
	// and removes it.
	TestWrite(ctx context.Context, path string, inst *engine.Installation) (bytesPerSecond float64, err error)
	// Capture saves. A run that was stopped still has a report.
	Capture(ctx context.Context, req Request, ctl *job.Control) (*report.Report, error)
	// Verify reads a store back.
	Verify(ctx context.Context, storePath, password string, ctl *job.Control) (*report.Verdict, error)
	// Contents counts what a store holds. The users of its plan are as
	// engine.RestoredUser.ID.
	Contents(ctx context.Context, ref engine.StoreRef) (*Plan, error)
	// Restore puts a store back into a Windows, or says what that would do.
	Restore(ctx context.Context, req engine.RestoreRequest, ctl *job.Control) (*engine.RestoreReport, error)
	// Browse lists a folder of a store, by its path inside.
	Browse(ctx context.Context, ref engine.StoreRef, folder string) ([]engine.Item, error)
	// TakeOut writes a file of a store, or all below a folder, below dest.
	TakeOut(ctx context.Context, ref engine.StoreRef, it engine.Item, dest string, ctl *job.Control) (engine.Extracted, error)
	// Undo takes a restore back by its journal.
	Undo(ctx context.Context, journal string) (engine.UndoReport, error)
	// TeamKeys lists files with a team's public keys on drives that are plugged in,
	// Identities files with the secret half.
	TeamKeys(ctx context.Context) []string
	Identities(ctx context.Context) []string
	// ReadTeamKey reads a file with public keys.
	ReadTeamKey(ctx context.Context, path string) ([]engine.Recipient, error)
	// OpenTeamKey is the password of a store that is locked with a team key. Its
	// errors are those of engine.TeamPassword.
	OpenTeamKey(ctx context.Context, storePath, identity string, passphrase []byte) (string, error)
	// Tools tells what this system can do besides.
	Tools() Tools
	// Shell is a command prompt, UnlockDrive the system's own program that asks for the
	// password of a drive that BitLocker locks. They get the console while they run.
	Shell() *exec.Cmd
	UnlockDrive(mount string) (*exec.Cmd, error)
	// LoadDrivers loads the drivers in a folder.
	LoadDrivers(ctx context.Context, folder string) (winpe.Loaded, error)
	// SetLayout sets a keyboard layout, by its ID.
	SetLayout(ctx context.Context, id string) error
	// ConnectShare connects a network share and gives the folder it is at then. Its
	// errors wrap those of winpe. The share is let go of when the wizard has ended.
	ConnectShare(ctx context.Context, share winpe.Share, user string, password []byte) (folder string, err error)
	// CommandLine is the command that does the same as the request.
	CommandLine(req Request) string
	// WriteFile writes a small file beside a store-to-be, never onto a volume
	// that is being saved.
	WriteFile(ctx context.Context, path string, inst *engine.Installation, data []byte) error
	// OpenLog begins the log of a run of a tool, such as "scanstate" or "lifeboat
	// undo". It is never on a volume of inst, which is being saved; nil is none.
	OpenLog(tool, commandLine string, inst *engine.Installation) (*RunLog, error)
	// WriteCrash keeps the details of an error of the wizard and says where.
	WriteCrash(text string) (path string, err error)
}

// Tools are what a system offers besides reading and writing.
type Tools struct {
	Drivers bool           // can be loaded by hand
	Layouts []winpe.Layout // of the keyboard; none if there is nothing to set
}

// Secret is what opens a volume. Text is overwritten when it has served.
type Secret struct {
	Kind bitlocker.Kind
	Text []byte // of a recovery password or a password
	File string // of a startup key
}

// Store is a store found on a volume.
type Store struct {
	Path      string
	Computer  string
	Product   string
	Saved     time.Time
	Bytes     int64
	Protected bool
	Team      bool // locked with a team key
	Complete  bool
	Damaged   string // why it cannot be read, empty if it can
}

// Plan is what a save would take, counted.
type Plan struct {
	Units      []engine.Unit
	Left       []report.Left                        // summed up by reason
	Components []string                             // in the order of saving
	Remarks    []string                             // what is odd about the rules, each once
	Size       func(engine.Selection) engine.Totals // exact for any selection

	plan *engine.Plan // of the live backend
}

// State of a destination.
type State string

// The states. Only Usable and Incomplete can be gone on with.
const (
	Usable     State = "usable"
	Incomplete State = "incomplete" // holds a save of this computer that can be continued
	Complete   State = "complete"   // holds a complete save of this computer
	Refused    State = "refused"
)

// Check is what was found out about a destination.
type Check struct {
	State  State
	Free   int64
	Code   usmt.Code
	Text   string // what is the matter, or worth knowing
	Remedy string
}

// Request is a save as the review shows it.
type Request struct {
	Installation *engine.Installation
	Plan         *Plan
	Rules        []engine.RuleFile // none for Lifeboat's own
	Select       engine.Selection
	StorePath    string
	Password     string
	Team         []engine.Recipient // the keys to lock a new store with; none for Password
	SkipVerify   bool
}
