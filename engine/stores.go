package engine

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"

	"lifeboat/engine/human"
	"lifeboat/engine/job"
	"lifeboat/engine/report"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
)

// StoreRef says which store a call means.
type StoreRef struct {
	Path     string // the folder that holds USMT
	Password string
}

// Stored describes what a store holds.
type Stored = store.CaptureInfo

// open opens a store for reading and finds its newest complete capture.
func (e *Engine) open(ctx context.Context, ref StoreRef) (*store.Store, Stored, error) {
	s, err := store.Open(ctx, ref.Path, store.Options{Password: ref.Password, TempDir: e.TempDir, Clock: e.Clock, ReadOnly: true})
	if err != nil {
		return nil, Stored{}, failStore(err, ref.Path)
	}
	captures, err := s.Captures(ctx)
	if err != nil {
		s.Close(ctx)
		return nil, Stored{}, failStore(err, ref.Path)
	}
	for i := len(captures) - 1; i >= 0; i-- {
		if !captures[i].Incomplete {
			return s, captures[i], nil
		}
	}
	s.Close(ctx)
	return nil, Stored{}, usmt.Fail(usmt.InvalidStore, store.ErrNotFound, "store %s holds no complete capture", ref.Path).
		WithRemedy("run the save again: it goes on where it stopped")
}

// Verify reads everything in the store's newest capture back from the medium.
// Damage is in the verdict and, as return code 42, in the error.
func (e *Engine) Verify(ctx context.Context, ref StoreRef, ctl *job.Control) (*report.Verdict, error) {
	s, newest, err := e.open(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer s.Close(context.WithoutCancel(ctx))
	return e.readBack(ctx, s, newest, ctl)
}

// ExtractRequest says what to take out of a store, and where to.
type ExtractRequest struct {
	StoreRef
	Dest      string   // the tree appears below it as C$\Users\…
	Include   []string // patterns of file names; none means all
	Exclude   []string // Include beats Exclude, as in USMT
	Overwrite bool
}

// Extracted tells what was written.
type Extracted = store.ExtractReport

// Extract writes files of the store's newest capture below a folder. Files that
// could not be written are in the report, and the error then has return code 42; or
// 41 if nothing is wrong with them but that they are there already.
func (e *Engine) Extract(ctx context.Context, req ExtractRequest, ctl *job.Control) (Extracted, error) {
	s, newest, err := e.open(ctx, req.StoreRef)
	if err != nil {
		return Extracted{}, err
	}
	defer s.Close(context.WithoutCancel(ctx))
	if err := makeFolder(req.Dest); err != nil {
		return Extracted{}, err
	}
	ctl.Phase(job.Applying, newest.Bytes, newest.Files)
	done, err := s.Extract(ctx, newest.ID, req.Dest, store.ExtractOptions{
		Overwrite: req.Overwrite,
		Progress:  count(ctl, e),
		Filter: func(inside string) bool {
			path, isFile := store.WindowsPath(inside)
			_, name := winname.Split(path)
			return isFile && wanted(name, req.Include, req.Exclude)
		},
	})
	return done, extracted(done, err, req.Path, "they were left as they were: name another folder, or give /o to replace them", ctl)
}

// makeFolder makes the folder that files are taken out to.
func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return usmt.Fail(usmt.MigrationFailed, err, "write to %s", dir).
			WithRemedy("name a folder on a drive that can be written")
	}
	return nil
}

// extracted tells of what an extract could not write. Remedy is for files that are
// there already.
func extracted(done Extracted, err error, storePath, remedy string, ctl *job.Control) error {
	if err != nil {
		return failStore(err, storePath)
	}
	there := 0
	for _, f := range done.Failed {
		if errors.Is(f.Err, fs.ErrExist) {
			ctl.Problem(job.Problem{Kind: job.Notice, Path: f.Path, Text: "there already, left as it is"})
			there++
			continue
		}
		ctl.Problem(job.Problem{Kind: job.Unreadable, Path: f.Path, Text: f.Err.Error()})
	}
	if len(done.Failed) == 0 {
		return nil
	}
	first := winname.Show(done.Failed[0].Path)
	if there == len(done.Failed) {
		return usmt.Fail(usmt.PreflightFile, fs.ErrExist, "%s there already, first %s", human.Plural(int64(there), "file was", "files were"), first).
			WithRemedy(remedy)
	}
	return usmt.Fail(usmt.CorruptedStore, done.Failed[0].Err, "%s could not be extracted, first %s",
		human.Plural(int64(len(done.Failed)), "file", "files"), first)
}

// count feeds the store's progress to the counters.
func count(ctl *job.Control, e *Engine) store.Progress {
	return func(files, bytes int64, current string) {
		ctl.Progress.AddFiles(files)
		ctl.Progress.AddBytes(bytes, e.Clock())
		ctl.Progress.SetCurrent(current)
	}
}

// wanted applies /i and /e to a file name (spec/usmt-cli-spec.md 8).
func wanted(name string, include, exclude []string) bool {
	matches := func(pattern string) bool { return usmt.MatchName(pattern, name) }
	if len(include) > 0 {
		return slices.ContainsFunc(include, matches)
	}
	return !slices.ContainsFunc(exclude, matches)
}
