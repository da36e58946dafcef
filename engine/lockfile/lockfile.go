// Package lockfile lets one run at a time work on a thing: a store, a Windows that is
// restored to. The thing is stood for by a file that the run holds locked. The system
// lets go of it when a run dies, so that a file which is left holds nobody up.
package lockfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/gofrs/flock"
)

// ErrHeld says that another run has the lock.
var ErrHeld = errors.New("another run is writing to it")

// Lock is a lock that is held; nil where the file system knows none, as some
// servers' shares do not.
type Lock struct{ file *flock.Flock }

// Take takes the lock of a name and makes its file. That another run has it gives
// ErrHeld, that the file cannot be made an *fs.PathError.
func Take(name string) (*Lock, error) {
	for {
		file := flock.New(name)
		locked, err := file.TryLock()
		switch {
		case errors.As(err, new(*fs.PathError)):
			return nil, err
		case err != nil:
			return nil, nil
		case !locked:
			return nil, fmt.Errorf("lock %s: %w", name, ErrHeld)
		}
		held, err := file.Stat()
		there, terr := os.Stat(name)
		if err == nil && terr == nil && os.SameFile(held, there) {
			return &Lock{file}, nil
		}
		// The run that had it removed the file between our opening and our locking it.
		file.Close()
		if terr != nil && !errors.Is(terr, fs.ErrNotExist) {
			return nil, terr
		}
	}
}

// Release gives the lock back and removes the file: while the lock is still held,
// where the system allows that, for afterwards it may be another run's.
func (l *Lock) Release() {
	if l == nil {
		return
	}
	err := os.Remove(l.file.Path())
	l.file.Close()
	if err != nil {
		os.Remove(l.file.Path()) // Windows does not remove what is open, whoever opened it
	}
}
