package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"lifeboat/engine/lockfile"
)

// lockName is the lock of whoever writes to a store. It lies beside the folder USMT,
// which may be renamed or removed meanwhile.
const lockName = "USMT.LCK"

// lockStore takes the right to write to the store at a path, and makes the folder if
// it is not there. That another run has it gives ErrBusy.
func lockStore(storePath string) (*lockfile.Lock, error) {
	if err := os.MkdirAll(storePath, 0o777); err != nil {
		return nil, mediumFault(storePath, "create", storePath, err)
	}
	l, err := lockfile.Take(filepath.Join(storePath, lockName))
	if errors.Is(err, lockfile.ErrHeld) {
		return nil, fmt.Errorf("%s: %w", Dir(storePath), ErrBusy)
	}
	return l, mediumFault(storePath, "create", filepath.Join(storePath, lockName), err)
}
