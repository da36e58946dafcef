package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// TeamKey is a store's password sealed for the public keys of a team, see
// package teamkey.
type TeamKey struct {
	Sealed     []byte
	Recipients []string // the keys, for README.txt
}

// sealedName is the file that holds a sealed password.
const sealedName = "KEY.AGE"

// maxSealed bounds what is read of it.
const maxSealed = 64 << 10

// Sealed reads the sealed password of the store at storePath; nil if it has none.
func Sealed(storePath string) ([]byte, error) {
	name := filepath.Join(Dir(storePath), sealedName)
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSealed+1))
	if err == nil && len(data) > maxSealed {
		err = fmt.Errorf("%s is too large: %w", name, ErrCorrupt)
	}
	return data, err
}
