// Package copyfile copies files to a stick that is being made.
package copyfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Copy copies a file to a name that must not exist yet, making its folder. It is on
// the medium when Copy returns: sticks are pulled early.
func Copy(to, from string) (err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err = io.Copy(out, in); err != nil {
		return err
	}
	return out.Sync()
}
