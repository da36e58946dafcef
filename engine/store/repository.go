package store

import (
	"context"
	"io"
	"time"

	"github.com/kopia/kopia/repo/manifest"
	"github.com/kopia/kopia/repo/object"
	"github.com/kopia/kopia/snapshot"
)

// Kind is a way to keep content. Whoever opened a store need not know it.
type Kind string

// The kinds of store.
const (
	Packed Kind = "kopia"    // a kopia repository
	Plain  Kind = "plain"    // plain files
	Linked Kind = "hardlink" // plain files, hard links to those of the source where possible
)

// Links reports whether a store of the kind links files where it can.
func (k Kind) Links() bool { return k == Linked }

// Compresses reports whether files are packed together and compressed; else each
// is a file of the store.
func (k Kind) Compresses() bool { return k == Packed || k == "" }

// repository is what the kinds of store differ in: where content lies, and how
// captures are listed. All else is written once above it: trees and their
// names, going on after an interruption, verifying, extracting. A folder is an
// object like a file; the ID of an object tells its content.
type repository interface {
	uniqueID() string
	// list gives the manifests of captures and checkpoints, in any order.
	list(ctx context.Context) ([]*snapshot.Manifest, error)
	// load gives one; the error wraps ErrNotFound if it is not there.
	load(ctx context.Context, id manifest.ID) (*snapshot.Manifest, error)
	remove(ctx context.Context, ids ...manifest.ID) error
	// open opens the object at a path of a capture. Its content is proved to be
	// what was stored by the time it was read to its end.
	open(ctx context.Context, path string, id object.ID) (object.Reader, error)
	// glance tells without reading it that a file cannot be what was stored, and
	// whether reading it would tell no more.
	glance(path string, e *snapshot.DirEntry) (sure bool, err error)
	// linked is the name on this computer of a file that is a hard link to one of
	// the source.
	linked(path string, e *snapshot.DirEntry) (name string, ok bool)
	// forget makes the system read what comes next from the medium.
	forget(ctx context.Context) error
	// begin starts writing; one session at a time.
	begin(ctx context.Context) (session, error)
	// fault says what an error of the medium means.
	fault(op, name string, err error) error
	close(ctx context.Context) error
}

// session writes objects and manifests. Before flush returns, nothing of it need
// be there after a power cut; afterwards all of it is.
type session interface {
	// claim comes before an object is stored, in the order of the walk: of two
	// whose names cannot lie beside each other the first gets its place.
	claim(path string, folder bool)
	// reuse takes over a file that an earlier session stored, if it is there.
	reuse(path string, e *snapshot.DirEntry) bool
	// link stores a file by linking it; ok is false if it must be read.
	link(it Item) (id object.ID, size int64, ok bool)
	create(ctx context.Context, o newObject) writer
	save(ctx context.Context, m *snapshot.Manifest) (manifest.ID, error)
	remove(ctx context.Context, id manifest.ID) error
	flush(ctx context.Context) error
	close(ctx context.Context) error
}

// newObject says what a new object is, from which a kind chooses how to keep it.
type newObject struct {
	path    string    // inside the capture
	modTime time.Time // zero if unknown
	folder  bool      // the record of a folder
	final   bool      // nothing more comes into the folder
	packed  bool      // compressing it is not worth the time
	big     bool      // parts of it may be worked on at the same time
	sparse  bool      // long runs of zeros need no room
}

// writer takes the content of one object. Close without Result gives it up.
type writer interface {
	io.WriteCloser
	Result() (object.ID, error)
}
