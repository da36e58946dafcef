package store

import (
	"context"
	"io"

	"github.com/kopia/kopia/repo/manifest"
	"github.com/kopia/kopia/repo/object"
	"github.com/kopia/kopia/snapshot"
)

// Kind is a way to keep content. Whoever opened a store need not know it.
type Kind string

// The kinds of store.
const (
	Packed Kind = "kopia" // a kopia repository
)

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
	create(ctx context.Context, o newObject) writer
	save(ctx context.Context, m *snapshot.Manifest) (manifest.ID, error)
	remove(ctx context.Context, id manifest.ID) error
	flush(ctx context.Context) error
	close(ctx context.Context) error
}

// newObject says what a new object is, from which a kind chooses how to keep it.
type newObject struct {
	path   string // inside the capture
	folder bool   // the record of a folder
	packed bool   // compressing it is not worth the time
	big    bool   // parts of it may be worked on at the same time
}

// writer takes the content of one object. Close without Result gives it up.
type writer interface {
	io.WriteCloser
	Result() (object.ID, error)
}
