package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/kopia/kopia/snapshot"
)

// VerifyReport is the result of Verify.
type VerifyReport struct {
	Files     int64
	Bytes     int64
	Corrupt   []Damaged // in path order
	CatalogOK bool      // Catalog/capture.json makes sense and nothing beside it is corrupt
}

// OK reports whether everything was read back.
func (r VerifyReport) OK() bool { return len(r.Corrupt) == 0 && r.CatalogOK }

// Damaged names a file, or a folder with all it holds, and what is wrong with it.
type Damaged struct {
	Path string
	Err  error
}

// MarshalJSON tells the error in words.
func (d Damaged) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Path  string `json:"path"`
		Error string `json:"error"`
	}{d.Path, d.Err.Error()})
}

// Progress is called while Verify and Extract work, from any goroutine, with
// what was done since the last call and the path inside the capture.
type Progress func(files, bytes int64, current string)

// Verify reads everything a capture holds back from the medium, not from this
// computer's memory where that can be avoided. Every piece is authenticated as
// it is decrypted, or compared with a hash, and every file must be as long as the
// capture says; of a hard link, whose content was never read, size and time must
// be what they were. Damage is in the report; the error is for a medium that is
// gone and a ctx that ended.
func (s *Store) Verify(ctx context.Context, id ID, progress Progress) (VerifyReport, error) {
	m, err := s.manifest(ctx, id)
	if err != nil {
		return VerifyReport{}, err
	}
	if err := s.repo.forget(ctx); err != nil {
		return VerifyReport{}, fmt.Errorf("verify %s: %w", s.dir, err)
	}
	v := verifier{s: s, progress: progress}
	if progress == nil {
		v.progress = func(int64, int64, string) {}
	}
	w := walker{s: s, file: v.file, damaged: v.damaged}
	err = w.walk(ctx, m.RootEntry)
	if _, serr := os.Stat(s.dir); err == nil && serr != nil {
		err = wrap(ErrGone, "read "+s.dir, serr) // what was read came from memory
	}
	slices.SortFunc(v.report.Corrupt, func(a, b Damaged) int { return strings.Compare(a.Path, b.Path) })
	v.report.CatalogOK = err == nil && v.catalog(ctx, m.RootEntry)
	if err != nil {
		return v.report, fmt.Errorf("verify %s: %w", s.dir, err)
	}
	return v.report, nil
}

type verifier struct {
	s        *Store
	progress Progress
	mu       sync.Mutex
	report   VerifyReport
}

func (v *verifier) file(ctx context.Context, path string, e *snapshot.DirEntry, buf []byte) error {
	sure, err := v.s.repo.glance(path, e)
	if err != nil {
		return damage(err)
	}
	if sure {
		v.progress(0, e.FileSize, path)
		v.good(path, e.FileSize)
		return nil
	}
	f, err := v.s.openFile(ctx, path, e)
	if err != nil {
		return err
	}
	defer f.Close()
	var total int64
	for err == nil {
		var n int
		n, err = f.Read(buf)
		total += int64(n)
		v.progress(0, int64(n), path)
		if err == nil {
			err = ctx.Err()
		}
	}
	if err != io.EOF {
		return err
	}
	if total != e.FileSize {
		return fmt.Errorf("%w: %d bytes where there should be %d", ErrCorrupt, total, e.FileSize)
	}
	v.good(path, total)
	return nil
}

func (v *verifier) good(path string, bytes int64) {
	v.mu.Lock()
	v.report.Files++
	v.report.Bytes += bytes
	v.mu.Unlock()
	v.progress(1, 0, path)
}

func (v *verifier) damaged(path string, err error) {
	v.mu.Lock()
	v.report.Corrupt = append(v.report.Corrupt, Damaged{path, err})
	v.mu.Unlock()
}

// catalog reports whether the catalog is whole and of a version that is known.
func (v *verifier) catalog(ctx context.Context, root *snapshot.DirEntry) bool {
	for _, d := range v.report.Corrupt {
		if d.Path == "" || liesIn(d.Path, "Catalog") {
			return false
		}
	}
	t := Tree{s: v.s, root: root}
	f, err := t.Open(ctx, CaptureJSON)
	if err != nil {
		return false
	}
	defer f.Close()
	var c Catalog
	err = json.NewDecoder(io.LimitReader(f, MaxLine)).Decode(&c)
	return err == nil && c.Version >= 1 && c.Version <= CatalogVersion
}

// walker visits every file of a tree, several at a time. In memory are the
// folders on the path to where it is.
type walker struct {
	s *Store
	// file handles one file; buf is its own while it does.
	file func(ctx context.Context, path string, e *snapshot.DirEntry, buf []byte) error
	// damaged is told of each file and folder that failed.
	damaged func(path string, err error)
	// enter and leave, if not nil, are called around a folder. Not entering is
	// no error. All files of a folder are done when it is left.
	enter func(path string, e *snapshot.DirEntry) (bool, error)
	leave func(path string, e *snapshot.DirEntry)
}

type visit struct {
	path string
	e    *snapshot.DirEntry
	done *sync.WaitGroup
}

// walk visits the tree below root. It fails if ctx ends or the medium is gone.
func (w *walker) walk(ctx context.Context, root *snapshot.DirEntry) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	visits := make(chan visit, 16)
	var workers sync.WaitGroup
	for range max(2, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			buf := make([]byte, readSize)
			for v := range visits {
				if ctx.Err() == nil {
					w.check(v.path, w.safely(ctx, v, buf), cancel)
				}
				v.done.Done()
			}
		})
	}
	w.folder(ctx, "", root, visits, cancel)
	close(visits)
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func (w *walker) safely(ctx context.Context, v visit, buf []byte) (err error) {
	defer recovered(&err)
	return w.file(ctx, v.path, v.e, buf)
}

// check sorts out what an error means.
func (w *walker) check(path string, err error, cancel context.CancelCauseFunc) {
	switch {
	case err == nil:
	case errors.Is(err, ErrGone), errors.Is(err, ErrFull), errors.Is(err, ErrReadOnly):
		cancel(err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	default:
		w.damaged(path, err)
	}
}

// maxDepth is more than Windows can make in a path of 32,767 characters.
const maxDepth = 16384

func (w *walker) folder(ctx context.Context, path string, e *snapshot.DirEntry, visits chan<- visit, cancel context.CancelCauseFunc) {
	if strings.Count(path, "/") > maxDepth {
		w.damaged(path, fmt.Errorf("%w: folders too deep", ErrCorrupt))
		return
	}
	if w.enter != nil {
		in, err := w.enter(path, e)
		w.check(path, err, cancel)
		if err != nil || !in {
			return
		}
	}
	var done sync.WaitGroup
	err := w.s.eachPage(ctx, path, e.ObjectID, func(page []*snapshot.DirEntry) error {
		for _, e := range page {
			if e.Type == snapshot.EntryTypeFile && ctx.Err() == nil {
				done.Add(1)
				select {
				case visits <- visit{childPath(path, e), e, &done}:
				case <-ctx.Done():
					done.Done()
				}
			}
		}
		for _, e := range page {
			if e.Type == snapshot.EntryTypeDirectory && ctx.Err() == nil {
				w.folder(ctx, childPath(path, e), e, visits, cancel)
			}
		}
		return ctx.Err()
	})
	done.Wait()
	if err != nil {
		w.check(path, err, cancel)
		return
	}
	if w.leave != nil {
		w.leave(path, e)
	}
}

func childPath(path string, e *snapshot.DirEntry) string {
	if path == "" {
		return e.Name
	}
	return path + "/" + e.Name
}
