package store

import (
	"context"
	"encoding/json"
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
	recent map[object.ID]map[string]*snapshot.DirEntry
	held   int // entries in recent
}

// maxHeld bounds the entries that a Tree remembers.
const maxHeld = 1 << 17

// entry finds a name in a folder, nil if it is not there.
func (t *Tree) entry(ctx context.Context, path string, folder object.ID, name string) (*snapshot.DirEntry, error) {
	t.mu.Lock()
	entries, ok := t.recent[folder]
	t.mu.Unlock()
	if ok {
		return entries[name], nil
	}
	list, err := t.s.readDir(ctx, path, folder)
	if err != nil {
		return nil, err
	}
	entries = make(map[string]*snapshot.DirEntry, len(list))
	for _, e := range list {
		entries[e.Name] = e
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.recent == nil || t.held+len(list) > maxHeld {
		t.recent, t.held = map[object.ID]map[string]*snapshot.DirEntry{}, 0
	}
	if _, raced := t.recent[folder]; !raced {
		t.recent[folder] = entries
		t.held += len(list)
	}
	return entries[name], nil
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
func (t *Tree) ReadDir(ctx context.Context, path string) ([]Entry, error) {
	e, err := t.find(ctx, path)
	if err != nil {
		return nil, err
	}
	if e.Type != snapshot.EntryTypeDirectory {
		return nil, fmt.Errorf("list %s: not a folder", path)
	}
	list, err := t.s.readDir(ctx, path, e.ObjectID)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", path, err)
	}
	entries := make([]Entry, len(list))
	for i, e := range list {
		entries[i] = entryOf(e)
	}
	return entries, nil
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

// maxEntry bounds the JSON of one directory entry.
const maxEntry = 4 << 20

// readDir reads a directory object. Entries that cannot have come from this
// package make it corrupt: their names are used in paths.
func (s *Store) readDir(ctx context.Context, path string, id object.ID) (entries []*snapshot.DirEntry, err error) {
	defer recovered(&err)
	r, err := s.repo.open(ctx, path, id)
	if err != nil {
		return nil, damage(err)
	}
	defer r.Close()
	if entries, err = parseDir(r); err == nil {
		_, err = io.Copy(io.Discard, r) // to its end, where it is proved
	}
	if err != nil {
		return nil, damage(err)
	}
	return entries, nil
}

// parseDir decodes {"stream":"kopia:directory","entries":[…],"summary":{…}}
// entry by entry, so that none can be larger than maxEntry.
func parseDir(r io.Reader) ([]*snapshot.DirEntry, error) {
	limit := &limitedReader{r: r}
	dec := json.NewDecoder(limit)
	token := func() (json.Token, error) {
		limit.left = maxEntry
		return dec.Token()
	}
	if t, err := token(); err != nil || t != json.Delim('{') {
		return nil, errors.Join(errors.New("not a directory"), err)
	}
	var entries []*snapshot.DirEntry
	stream := ""
	for dec.More() {
		key, err := token()
		if err != nil {
			return nil, err
		}
		limit.left = maxEntry
		switch key {
		case "stream":
			err = dec.Decode(&stream)
		case "entries":
			entries, err = parseEntries(dec, limit)
		default:
			var skip json.RawMessage
			err = dec.Decode(&skip)
		}
		if err != nil {
			return nil, err
		}
	}
	if _, err := token(); err != nil {
		return nil, err
	}
	if stream != "kopia:directory" {
		return nil, fmt.Errorf("not a directory but %q", stream)
	}
	return entries, nil
}

func parseEntries(dec *json.Decoder, limit *limitedReader) ([]*snapshot.DirEntry, error) {
	t, err := dec.Token()
	if err != nil || t == nil {
		return nil, err // null: no entries
	}
	if t != json.Delim('[') {
		return nil, errors.New("entries are not a list")
	}
	var entries []*snapshot.DirEntry
	for dec.More() {
		limit.left = maxEntry
		e := new(snapshot.DirEntry)
		if err := dec.Decode(e); err != nil {
			return nil, err
		}
		if err := checkName(e.Name); err != nil {
			return nil, err
		}
		if e.Type != snapshot.EntryTypeFile && e.Type != snapshot.EntryTypeDirectory {
			return nil, fmt.Errorf("%q is of type %q", e.Name, e.Type)
		}
		entries = append(entries, e)
	}
	_, err = dec.Token()
	return entries, err
}

// limitedReader fails when more than left bytes are read before left is set anew.
type limitedReader struct {
	r    io.Reader
	left int
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errors.New("directory entry is too long")
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
