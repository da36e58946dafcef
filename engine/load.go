package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lifeboat/engine/job"
	"lifeboat/engine/lockfile"
	"lifeboat/engine/migxml"
	"lifeboat/engine/restore"
	"lifeboat/engine/rules"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
	"lifeboat/engine/winname"
)

// RestoreRequest says what to put back, and into which Windows.
type RestoreRequest struct {
	StoreRef
	Detection    *Detection // of the destination
	Installation *Installation

	Rules  []RuleFile   // none for Lifeboat's own
	Config *usmt.Config // which components to leave out, groups, renames; nil for none

	Select         Selection      // what is left out: users by RestoredUser.ID, components by name
	Users          usmt.Selection // of the source
	MoveUsers      []usmt.Rename
	MoveDomains    []usmt.Rename
	CreateAccounts bool
	EnableAccounts bool
	NewPassword    string // of accounts that are made; empty for none

	Plain bool // the store is said to be one of plain files
	Link  bool // and to hold hard links, which are linked, not copied

	Live       bool          // the destination is what LiveDestination gave
	Runner     Runner        // with Live: runs the commands of Rules; nil runs none
	Retries    int           // how often what may pass is tried again
	Wait       time.Duration // between two tries
	Continue   bool          // go on without users for whom there is no account
	Force      bool          // write although the Windows may be in use
	DryRun     bool          // write nothing, say what would be
	JournalDir string        // where the journal goes; empty for beside the store
}

// Runner runs the commands of rules.
type Runner = restore.Runner

// RestoreReport is the outcome of a restore.
type RestoreReport struct {
	Source   string    `json:"source"` // name of the computer that was saved
	Computer string    `json:"computer"`
	Product  string    `json:"product"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	DryRun   bool      `json:"dryRun,omitempty"`
	Journal  string    `json:"journal,omitempty"` // lifeboat undo takes the restore back by it

	Rules   []string         `json:"rules"` // the rule files, by name; what they say of the destination held
	Users   []RestoredUser   `json:"users"`
	Done    restore.Counts   `json:"done"`
	Changes []restore.Change `json:"changes,omitempty"` // with DryRun

	Warnings     []string      `json:"warnings,omitempty"`
	Problems     []job.Problem `json:"problems,omitempty"`
	ProblemCount int64         `json:"problemCount"`

	ReturnCode int    `json:"returnCode"`
	Failure    string `json:"failure,omitempty"`
	Remedy     string `json:"remedy,omitempty"`
}

// RestoredUser tells what became of one user.
type RestoredUser struct {
	ID      string         `json:"id"`   // SID on the source
	From    string         `json:"from"` // DOMAIN\user
	To      string         `json:"to,omitempty"`
	SID     string         `json:"sid,omitempty"`
	Profile string         `json:"profile,omitempty"`
	How     restore.How    `json:"how"`
	Why     string         `json:"why,omitempty"` // why nothing was put back
	Done    restore.Counts `json:"done"`
}

// LiveDestination is the Windows that runs on this computer, to restore to.
func (e *Engine) LiveDestination(ctx context.Context) (*Detection, *Installation, error) {
	sources, inst, err := restore.Live(ctx)
	switch {
	case errors.Is(err, restore.ErrNotWindows):
		return nil, nil, usmt.Fail(usmt.UnsupportedPlatform, nil, "it was not said which Windows to put the store back into").
			WithRemedy("say where it is with /offlineWinDir; it must not be running")
	case err != nil:
		return nil, nil, orContext(err, usmt.Fail(usmt.EnvironmentFailed, err, "look at this computer"))
	}
	return &Detection{engine: e, sources: sources, Installations: []*Installation{inst}}, inst, nil
}

// Restore puts the newest capture of a store back into a Windows. The
// report is there whatever happened; the error says why the run did not reach its
// end. With problems that were passed over, the report's return code is 3.
func (e *Engine) Restore(ctx context.Context, req RestoreRequest, ctl *job.Control) (*RestoreReport, error) {
	r := &RestoreReport{
		Computer: req.Installation.ComputerName, Product: Title(req.Installation), Started: e.Clock(), DryRun: req.DryRun,
	}
	err := e.restore(ctx, req, ctl, r)
	r.Finished = e.Clock()
	switch {
	case err != nil:
		r.ReturnCode, r.Failure, r.Remedy = int(usmt.CodeOf(err)), err.Error(), usmt.RemedyOf(err)
	case r.ProblemCount > 0:
		r.ReturnCode = int(usmt.WouldHaveFailed)
	}
	ctl.Events.Put(job.Event{Time: e.Clock(), Kind: job.Done})
	return r, err
}

func (e *Engine) restore(ctx context.Context, req RestoreRequest, ctl *job.Control, r *RestoreReport) error {
	s, newest, err := e.open(ctx, req.StoreRef)
	if err != nil {
		return err
	}
	defer s.Close(context.WithoutCancel(ctx))
	notes, err := checkWord(s.Kind(), req)
	if err != nil {
		return err
	}
	tree, err := s.Tree(ctx, newest.ID)
	if err != nil {
		return failStore(err, req.Path)
	}
	ask := restore.Request{
		Tree: tree, Sources: req.Detection.sources, Installation: req.Installation,
		MoveUsers: req.MoveUsers, MoveDomains: req.MoveDomains,
		CreateAccounts: req.CreateAccounts, EnableAccounts: req.EnableAccounts, Password: req.NewPassword, SkipUsers: req.Continue,
		Live: req.Live, Runner: req.Runner, Retries: req.Retries, Wait: req.Wait, Force: req.Force, DryRun: req.DryRun,
		Choose: func(c *store.Catalog, source *windows.Installation) map[string]string {
			r.Source = string(c.Computer)
			omit := chooseUsers(req.Users, c, source, ctl)
			for _, u := range c.Users {
				if u.Taken && req.Select.OmitUsers[u.SID] {
					omit[u.SID] = "not chosen"
				}
			}
			return omit
		},
	}
	if req.Link {
		ask.Linked = tree.Linked
	}
	for _, f := range req.Rules {
		ask.Rules = append(ask.Rules, restore.RuleFile(f))
	}
	if len(ask.Rules) == 0 {
		for _, f := range rules.Default() {
			ask.Rules = append(ask.Rules, restore.RuleFile(f))
		}
	}
	for _, f := range ask.Rules {
		r.Rules = append(r.Rules, f.Name)
	}
	if req.Config != nil {
		if req.Continue && len(req.Config.FileErrors)+len(req.Config.RegistryErrors) > 0 {
			ask.ErrorControl = req.Config
		}
		ask.Groups = req.Config.Groups
		ask.MoveUsers = append(ask.MoveUsers, req.Config.Users...) // the command line wins
		ask.MoveDomains = append(ask.MoveDomains, req.Config.Domains...)
		switches := req.Config.Switches()
		ask.Omit = func(u store.CatalogUnit, path []string) bool {
			return !switches.Migrates(configNames(migxml.Unit{File: u.File, Path: path, Component: u.Component, Role: u.Role})...)
		}
	}
	if len(req.Select.OmitComponents) > 0 {
		config := ask.Omit
		ask.Omit = func(u store.CatalogUnit, path []string) bool {
			return req.Select.OmitComponents[u.Component] || config != nil && config(u, path)
		}
	}
	if !req.DryRun {
		dir := req.JournalDir
		if dir == "" {
			dir = req.Path
		}
		ask.Journal = newJournal(dir, e.Clock())
		held, err := claim(req.Installation.Where)
		if err != nil {
			return err
		}
		defer held.Release()
	}
	result, err := restore.Run(ctx, ask, ctl)
	if result.Journal {
		r.Journal = ask.Journal
	}
	r.Done, r.Changes = result.Done, result.Changes
	r.Warnings, r.Problems, r.ProblemCount = append(notes, result.Warnings...), result.Problems, result.Count
	for _, p := range result.People {
		u := RestoredUser{ID: p.Source.SID, From: account(p.Source), How: p.How, Why: p.Why, Done: p.Counts}
		if p.How != restore.Left && p.How != restore.NotTaken {
			u.To, u.SID, u.Profile = p.Account(), p.SID, p.Profile
		}
		if p.How == restore.Left && p.Why != "" {
			if _, chosen := result.Omitted[p.Source.SID]; !chosen {
				r.ProblemCount++
			}
		}
		r.Users = append(r.Users, u)
	}
	return failRestore(err, req)
}

// claim keeps a second run of this computer from writing to a Windows. The lock lies
// among the working files: into that Windows nothing goes but what is put back.
func claim(where string) (*lockfile.Lock, error) {
	if real, err := filepath.EvalSymlinks(where); err == nil {
		where = real
	}
	name := fmt.Sprintf("lifeboat-%x.lck", sha256.Sum256([]byte(winname.Fold(where))))
	held, err := lockfile.Take(filepath.Join(os.TempDir(), name))
	if errors.Is(err, lockfile.ErrHeld) {
		return nil, usmt.Fail(usmt.StartupFailed, lockfile.ErrHeld, "restore to %s", where).
			WithRemedy("wait until that one has ended")
	}
	return held, nil // a lock that cannot be had is no reason not to restore
}

// checkWord compares what /nocompress and /hardlink say of a store with what it is.
// That it is plain may be left unsaid (spec/usmt-cli-spec.md 6.2); then files are
// copied from it.
func checkWord(kind store.Kind, req RestoreRequest) (notes []string, err error) {
	switch {
	case req.Plain && kind.Compresses():
		return nil, usmt.Fail(usmt.InvalidStore, nil, "the store in %s is compressed", req.Path).WithRemedy("leave out /nocompress")
	case req.Link && !kind.Links():
		return nil, usmt.Fail(usmt.InvalidStore, nil, "the store in %s is no hard-link store", req.Path).WithRemedy("leave out /hardlink")
	case !req.Plain && !kind.Compresses():
		notes = append(notes, "the store is not compressed: /nocompress is taken as given")
	}
	return notes, nil
}

// chooseUsers applies /ui, /ue and /uel to the users of the source. Days count
// back from the day of the save.
func chooseUsers(choose usmt.Selection, c *store.Catalog, source *windows.Installation, ctl *job.Control) map[string]string {
	asked := make([]usmt.User, len(c.Users))
	for i, u := range c.Users {
		asked[i] = usmt.User{SID: u.SID, Domain: string(u.Domain), Name: string(u.Name)}
		for _, su := range source.Users {
			if su.ID == u.SID {
				asked[i].SID, asked[i].LastUse = su.SID, su.LastUse
				asked[i].Local, asked[i].Temporary = su.Kind == windows.Local, su.State == windows.Temporary
			}
		}
	}
	choices, idle := choose.Choose(asked, string(c.Computer), c.Started)
	for _, i := range idle {
		ctl.Problem(job.Problem{Kind: job.Notice, Path: i.Option, Text: i.Says("the store")})
	}
	omit := map[string]string{}
	for i, choice := range choices {
		if c.Users[i].Taken && !choice.In {
			omit[c.Users[i].SID] = choice.Why
		}
	}
	return omit
}

// failRestore gives the error of a restore its return code.
func failRestore(err error, req RestoreRequest) error {
	into := func(code usmt.Code) *usmt.Failure {
		return usmt.Fail(code, err, "restore to %s", req.Installation.Where)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, restore.ErrNoAccount):
		return into(usmt.UseLac).WithRemedy("add /lac to have it made, /mu to give it another name, /ue to leave the user out, or /c to go on without")
	case errors.Is(err, restore.ErrInUse):
		return into(usmt.UnsupportedPlatform).WithRemedy(`start that Windows and shut it down by "shutdown /s /t 0", then run again; /force writes all the same`)
	case errors.Is(err, store.ErrGone):
		return failStore(err, req.Path)
	case errors.Is(err, restore.ErrStopped) && req.Continue:
		return into(usmt.StoppedNonFatal).WithRemedy("a rule of ErrorControl says so; change it in the file of /config to go on past such files")
	case errors.Is(err, restore.ErrStopped):
		return into(usmt.StoppedNonFatal)
	case errors.Is(err, restore.ErrCatalog):
		return usmt.Fail(usmt.CorruptedStore, err, "store %s", req.Path).WithRemedy("take the files out with usmtutils /extract")
	case errors.As(err, new(*migxml.SyntaxError)):
		return usmt.Fail(usmt.ScriptFiles, err, "read rule files")
	case errors.Is(err, store.ErrCorrupt), errors.Is(err, store.ErrPassword):
		return failStore(err, req.Path)
	case errors.Is(err, fs.ErrPermission):
		return into(usmt.InsufficientRights).WithRemedy("run as administrator or root, and mount the volume for writing")
	}
	return into(usmt.MigrationFailed).WithRemedy("run the same command again to go on")
}
