package tui

import (
	"context"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/job"
	"lifeboat/engine/report"
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
	Detect(ctx context.Context) (*Detection, error)
	// Stores looks for stores on the volumes.
	Stores(ctx context.Context) ([]Store, error)
	// DefaultUsers says who is chosen before anybody was asked, and why.
	DefaultUsers(inst *Installation) map[string]Choice
	// Plan walks an installation once and counts.
	Plan(ctx context.Context, inst *Installation, ctl *job.Control) (*Plan, error)
	// CheckDestination tells whether a store of need bytes can go to path.
	CheckDestination(ctx context.Context, path string, inst *Installation, need int64) Check
	// Capture saves. A run that was stopped still has a report.
	Capture(ctx context.Context, req Request, ctl *job.Control) (*report.Report, error)
	// Verify reads a store back.
	Verify(ctx context.Context, storePath, password string, ctl *job.Control) (*report.Verdict, error)
	// CommandLine is the command that does the same as the request.
	CommandLine(req Request) string
	// WriteCrash keeps the details of an error of the wizard and says where.
	WriteCrash(text string) (path string, err error)
}

// What follows is the wizard's own picture of the engine's values: what a
// screen shows and nothing else, plain enough to be recorded. Names in it are
// as the disk has them.

// Detection is what looking for Windows gave.
type Detection struct {
	Installations []*Installation
	Looked        []Looked
}

// Installation is a Windows that was found.
type Installation struct {
	Product      string // Windows 11 Pro
	Display      string // 23H2
	Arch         string // amd64
	ComputerName string
	Where        string // where its volume is mounted
	WindowsDir   string // on the volume, as Windows writes it
	Damaged      string // why it cannot be used, empty if it can
	Notes        []string
	LastUse      time.Time
	Users        []User

	found found // by the live backend
}

// User is somebody with a profile in an installation.
type User struct {
	SID     string // or another key that is the user's own
	Name    string // empty if only the profile folder is left
	Account string // DOMAIN\name
	Profile string
	LastUse time.Time
}

// Looked is a place without a Windows, and why it is none.
type Looked struct{ Where, Missing string }

// Totals is an amount.
type Totals struct{ Files, Bytes, Keys int64 }

// Unit is what one component takes for one user, or for [SystemUser].
type Unit struct {
	Component string
	Type      string // Documents, Application, System
	User      string
	Totals
}

// Remains is what stays behind although somebody may look for it.
type Remains struct {
	Reason       string
	Files, Bytes int64
	Matters      bool // whether a user would miss it
}

// Selection is what was not chosen; the zero value takes everything.
type Selection struct{ OmitUsers, OmitComponents map[string]bool }

// SystemUser stands for everybody: what belongs to no user in particular.
const SystemUser = "System"

// Store is a store found on a volume.
type Store struct {
	Path      string
	Computer  string
	Product   string
	Saved     time.Time
	Bytes     int64
	Protected bool
	Complete  bool
	Damaged   string // why it cannot be read, empty if it can
}

// Choice is whether something is chosen, and the reason.
type Choice struct {
	Included bool
	Why      string
}

// Plan is what a save would take, counted.
type Plan struct {
	Units      []Unit
	Left       []Remains
	Components []string               // in the order of saving
	Size       func(Selection) Totals // exact for any selection

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
	Text   string // what is the matter, or worth knowing
	Remedy string
}

// Request is a save as the review shows it.
type Request struct {
	Installation *Installation
	Plan         *Plan
	Select       Selection
	StorePath    string
	Password     string
	Overwrite    bool
	SkipVerify   bool
}
