package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// lockName is the file that whoever writes to a store holds locked. It lies beside
// the folder USMT, which may be renamed or removed meanwhile. The system lets go of
// it when a run dies, so that what is left then holds nobody up.
const lockName = "USMT.LCK"

// lock is the right to write to the store at a path; nil where the file system
// knows no locks.
type lock struct{ file *flock.Flock }

// lockStore takes the right to write, and makes the folder if it is not there. That
// another run has it gives ErrBusy.
func lockStore(storePath string) (*lock, error) {
	name := filepath.Join(storePath, lockName)
	if err := os.MkdirAll(storePath, 0o777); err != nil {
		return nil, mediumFault(storePath, "create", storePath, err)
	}
	for {
		file := flock.New(name)
		locked, err := file.TryLock()
		if errors.As(err, new(*fs.PathError)) {
			return nil, mediumFault(storePath, "create", name, err)
		}
		if err != nil {
			return nil, nil // some servers' shares
		}
		if !locked {
			return nil, fmt.Errorf("%s: %w", Dir(storePath), ErrBusy)
		}
		held, err := file.Stat()
		there, terr := os.Stat(name)
		if err == nil && terr == nil && os.SameFile(held, there) {
			return &lock{file}, nil
		}
		// The run that had it removed the file between our opening and our locking it.
		file.Close()
		if terr != nil && !errors.Is(terr, fs.ErrNotExist) {
			return nil, mediumFault(storePath, "read", name, terr)
		}
	}
}

// release gives the right back. The file goes while it is still held, where the
// system allows that: afterwards it may be another run's.
func (l *lock) release() {
	if l == nil {
		return
	}
	err := os.Remove(l.file.Path())
	l.file.Close()
	if err != nil {
		os.Remove(l.file.Path()) // Windows does not remove what is open, whoever opened it
	}
}
