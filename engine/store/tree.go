package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/kopia/kopia/repo/object"
	"github.com/kopia/kopia/snapshot"
)

// Entry is a file or folder inside a capture.
type Entry struct {
	Name    string // escaped, see Unescape
	Dir     bool
	Size    int64 // of all files below, for a folder
	Files   int64 // below a folder
	ModTime time.Time
	Partial bool // stored with holes, see ErrPartial
}

func entryOf(e *snapshot.DirEntry) Entry {
	entry := Entry{
		Name:    e.Name,
		Dir:     e.Type == snapshot.EntryTypeDirectory,
		Size:    e.FileSize,
		ModTime: timeOf(e.ModTime),
		Partial: e.Type == snapshot.EntryTypeFile && e.Permissions == partialMode,
	}
	if entry.Dir && e.DirSummary != nil {
		entry.Size, entry.Files = e.DirSummary.TotalFileSize, e.DirSummary.TotalFileCount
	}
	return entry
}

// Tree reads one capture. It may be used from several goroutines. It remembers
// the folders it looked into last, so that files of a folder can be opened one
// after the other without reading the folder for each.
type Tree struct {
	s    *Store
	root *snapshot.DirEntry

	mu     sync.Mutex
	recent map[object.ID]*directory
	held   int // bytes that recent takes
}

// maxHeld bounds the memory for the folders that a Tree remembers.
const maxHeld = 16 << 20

// entry finds a name in a folder, nil if it is not there.
func (t *Tree) entry(ctx context.Context, path string, folder object.ID, name string) (*snapshot.DirEntry, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.recent[folder]
	if d == nil {
		var err error
		if d, err = t.s.openDirectory(ctx, path, folder); err != nil {
			return nil, err
		}
		if t.recent == nil || t.held+d.held > maxHeld {
			for _, old := range t.recent {
				old.drop()
			}
			t.recent, t.held = map[object.ID]*directory{}, 0
		}
		t.recent[folder] = d
		t.held += d.held
	}
	return d.find(name)
}

// Tree opens a capture for reading.
func (s *Store) Tree(ctx context.Context, id ID) (*Tree, error) {
	m, err := s.manifest(ctx, id)
	if err != nil {
		return nil, err
	}
	return &Tree{s: s, root: m.RootEntry}, nil
}

// ReadDir lists a folder, folders first, each in name order. The root is "".
func (t *Tree) ReadDir(ctx context.Context, path string) (entries []Entry, err error) {
	err = t.EachIn(ctx, path, func(e Entry) error {
		entries = append(entries, e)
		return nil
	})
	return entries, err
}

// EachIn calls f with what ReadDir lists, until f returns an error. Only a part of a
// large folder is in memory.
func (t *Tree) EachIn(ctx context.Context, path string, f func(Entry) error) error {
	e, err := t.find(ctx, path)
	if err != nil {
		return err
	}
	if e.Type != snapshot.EntryTypeDirectory {
		return fmt.Errorf("list %s: not a folder", path)
	}
	var failed error
	err = t.s.eachPage(ctx, path, e.ObjectID, func(page []*snapshot.DirEntry) error {
		for _, e := range page {
			if failed = f(entryOf(e)); failed != nil {
				return failed
			}
		}
		return nil
	})
	if failed != nil {
		return failed
	}
	if err != nil {
		return fmt.Errorf("list %s: %w", path, err)
	}
	return nil
}

// Stat describes one file or folder.
func (t *Tree) Stat(ctx context.Context, path string) (Entry, error) {
	e, err := t.find(ctx, path)
	if err != nil {
		return Entry{}, err
	}
	return entryOf(e), nil
}

// Linked is the name on this computer of a file that the store holds as a hard
// link to the file of the source; ok is false for all others.
func (t *Tree) Linked(ctx context.Context, path string) (name string, ok bool) {
	e, err := t.find(ctx, path)
	if err != nil || e.Type != snapshot.EntryTypeFile {
		return "", false
	}
	return t.s.repo.linked(path, e)
}

// File is an open file of a capture.
type File interface {
	io.ReadSeekCloser
	Length() int64
}

// Open opens a file.
func (t *Tree) Open(ctx context.Context, path string) (File, error) {
	e, err := t.find(ctx, path)
	if err != nil {
		return nil, err
	}
	if e.Type != snapshot.EntryTypeFile {
		return nil, fmt.Errorf("open %s: not a file", path)
	}
	f, err := t.s.openFile(ctx, path, e)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return f, nil
}

// find walks down from the root. An absent name wraps fs.ErrNotExist.
func (t *Tree) find(ctx context.Context, path string) (*snapshot.DirEntry, error) {
	at, dir := t.root, ""
	for rest := path; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		if at.Type != snapshot.EntryTypeDirectory {
			return nil, fmt.Errorf("find %s: %w", path, fs.ErrNotExist)
		}
		next, err := t.entry(ctx, dir, at.ObjectID, name)
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", path, err)
		}
		if next == nil {
			return nil, fmt.Errorf("find %s: %w", path, fs.ErrNotExist)
		}
		at, dir = next, childPath(dir, next)
	}
	return at, nil
}

// openFile opens an object and checks that it is as long as its entry says.
func (s *Store) openFile(ctx context.Context, path string, e *snapshot.DirEntry) (f File, err error) {
	defer recovered(&err)
	r, err := s.repo.open(ctx, path, e.ObjectID)
	if err != nil {
		return nil, damage(err)
	}
	if r.Length() != e.FileSize {
		r.Close()
		return nil, fmt.Errorf("%w: %d bytes where there should be %d", ErrCorrupt, r.Length(), e.FileSize)
	}
	return checkedFile{r}, nil
}

// checkedFile names the errors of reading from a store.
type checkedFile struct{ object.Reader }

func (f checkedFile) Read(p []byte) (n int, err error) {
	defer recovered(&err)
	n, err = f.Reader.Read(p)
	if err != io.EOF {
		err = damage(err)
	}
	return n, err
}

// damage says that what could not be read from the store is damaged, unless
// the whole medium is gone or the caller gave up.
func damage(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrGone), errors.Is(err, ErrCorrupt), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}
