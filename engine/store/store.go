package store

import (
	"context"
	"errors"
	"io"
	"time"
)

// NoPassword protects a store that was made without one. It is no secret: it
// is there because every kopia repository has a password.
const NoPassword = "lifeboat"

// Options say how to open a store.
type Options struct {
	Password string           // empty for a store without protection
	TempDir  string           // where working files may lie, removed by Close; empty for the system's
	Clock    func() time.Time // required
	ReadOnly bool             // write nothing to the store
}

// ID names a capture.
type ID string

// Store is an open store.
type Store struct{}

var errStub = errors.New("not built yet")

// Create makes a store at storePath, or opens the incomplete one that is there
// to continue it. A complete one gives ErrExists; [Open] opens it.
func Create(ctx context.Context, storePath string, opt Options) (*Store, error) { return nil, errStub }

// Open opens the store at storePath.
func Open(ctx context.Context, storePath string, opt Options) (*Store, error) { return nil, errStub }

// Close releases the store and removes its working files.
func (s *Store) Close(ctx context.Context) error { return errStub }

// UniqueID identifies the store; it is in its marker.
func (s *Store) UniqueID() string { return "" }

// CaptureInfo describes one capture.
type CaptureInfo struct {
	ID         ID
	Computer   string
	Source     string
	Labels     map[string]string
	Started    time.Time
	Finished   time.Time
	Files      int64
	Bytes      int64
	Incomplete bool // a checkpoint
}

// Captures lists the captures, oldest first; checkpoints of interrupted ones too.
func (s *Store) Captures(ctx context.Context) ([]CaptureInfo, error) { return nil, errStub }

// Delete removes a capture. The space it took is reclaimed by kopia's own
// maintenance.
func (s *Store) Delete(ctx context.Context, id ID) error { return errStub }

// Meta says what is captured. Captures of the same Computer and Source continue
// one another.
type Meta struct {
	Computer string
	Source   string // the Windows folder or volume, `C:\Windows`
	Labels   map[string]string
	// Safe is called after each checkpoint with the number of source bytes
	// that are flushed to the medium.
	Safe func(bytes int64)
}

// Item is one file to store.
type Item struct {
	Path    string // inside the capture, see FilePath and StreamPath
	Size    int64
	ModTime time.Time
	Open    func() (io.ReadCloser, error)
}

// Outcome tells how it went with one Item.
type Outcome struct {
	Read   int64 // bytes read from the source
	Reused bool  // not read: an earlier run stored it
	Err    error // from Open, Read or Close of the source; the file is not stored unless it is ErrPartial
}

// Summary closes a capture.
type Summary struct {
	Description string
	Errors      int // objects left out, for kopia's list
}

// Capture is a tree being written. One goroutine adds to it.
type Capture struct{}

// Begin starts a capture. If earlier runs for the same source were
// interrupted, files they stored are not read again unless size or time
// changed.
func (s *Store) Begin(ctx context.Context, m Meta) (*Capture, error) { return nil, errStub }

// Resumed reports whether the capture goes on where an earlier run stopped.
func (c *Capture) Resumed() bool { return false }

// Add hands a file to the workers and waits while they are all busy. Items
// arrive folder by folder: below each of File, Streams and so on, a folder is
// closed when the next path lies outside it, and nothing can be added to it
// any more. done, if not nil, is called once, from any goroutine.
//
// An error means that the store failed, or ctx ended, and so did the capture.
// Errors of the source are only in the Outcome.
func (c *Capture) Add(ctx context.Context, it Item, done func(Outcome)) error { return errStub }

// AddDir enters a folder, so that it is there even if it stays empty, and sets
// its time.
func (c *Capture) AddDir(ctx context.Context, path string, modTime time.Time) error { return errStub }

// Create opens a file of unknown size for writing. Any number may be open at
// once and written from any goroutine; all must be closed before Finish.
func (c *Capture) Create(ctx context.Context, path string) (io.WriteCloser, error) {
	return nil, errStub
}

// Finish waits for all items, writes the tree and flushes it to the medium,
// then the marker USMT.MIG, then removes the checkpoints of this source.
func (c *Capture) Finish(ctx context.Context, sum Summary) (ID, error) { return "", errStub }

// Abort ends the capture without finishing it. With keep, a last checkpoint is
// written, so that the next run goes on here. It does nothing after Finish.
func (c *Capture) Abort(ctx context.Context, keep bool) error { return errStub }

// Entry is a file or folder inside a capture.
type Entry struct {
	Name    string // escaped, see Unescape
	Dir     bool
	Size    int64 // of all files below, for a folder
	Files   int64 // below a folder
	ModTime time.Time
	Partial bool // stored with holes, see ErrPartial
}

// Tree reads one capture.
type Tree struct{}

// Tree opens a capture for reading.
func (s *Store) Tree(ctx context.Context, id ID) (*Tree, error) { return nil, errStub }

// ReadDir lists a folder, folders first, each in name order. The root is "".
func (t *Tree) ReadDir(ctx context.Context, path string) ([]Entry, error) { return nil, errStub }

// File is an open file of a capture.
type File interface {
	io.ReadSeekCloser
	Length() int64
}

// Open opens a file.
func (t *Tree) Open(ctx context.Context, path string) (File, error) { return nil, errStub }

// VerifyReport is the result of Verify.
type VerifyReport struct {
	Files     int64
	Bytes     int64
	Corrupt   []Corrupt
	CatalogOK bool
}

// Corrupt names a file or folder that cannot be read back.
type Corrupt struct {
	Path string
	Err  error
}

// Progress is called while Verify and Extract work, from any goroutine, with
// what was done since the last call.
type Progress func(files, bytes int64, current string)

// Verify reads everything a capture holds back from the medium.
func (s *Store) Verify(ctx context.Context, id ID, progress Progress) (VerifyReport, error) {
	return VerifyReport{}, errStub
}

// ExtractOptions say what Extract writes.
type ExtractOptions struct {
	// Filter picks files by their path inside the capture; nil for all below File/.
	Filter    func(path string) bool
	Overwrite bool
	Progress  Progress
}

// ExtractReport is the result of Extract.
type ExtractReport struct {
	Files   int64
	Bytes   int64
	Failed  []Corrupt
	Skipped []string // were there already
}

// Extract writes files of a capture below the folder dest.
func (s *Store) Extract(ctx context.Context, id ID, dest string, opt ExtractOptions) (ExtractReport, error) {
	return ExtractReport{}, errStub
}
