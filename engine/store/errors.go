package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"lifeboat/engine/lockfile"
)

// The failures a caller decides on. Errors of this package wrap them and name
// the path and the cause.
var (
	ErrExists   = errors.New("a complete capture is already there")
	ErrBusy     = lockfile.ErrHeld
	ErrNotStore = errors.New("not a store")
	ErrPassword = errors.New("wrong password")
	ErrFull     = errors.New("medium is full")
	ErrReadOnly = errors.New("medium is read-only")
	ErrGone     = errors.New("medium is gone")
	ErrCorrupt  = errors.New("store is damaged")
	ErrNotFound = errors.New("no such capture")
	ErrTooLarge = errors.New("the medium holds no file this large")
	ErrInUse    = errors.New("in use, deleted when the computer starts again")
	ErrOrder    = errors.New("path handed in twice or after its folder was closed")
)

// ErrPartial marks a file that was stored with holes. A source returns it from
// Close to say that what Read delivered is not all the file held: the content
// is kept, the outcome carries the error, and the next run reads the file again.
var ErrPartial = errors.New("only partly readable")

// ErrLater is what a source returns from Open or Read to put a file off, see
// Item.Again.
var ErrLater = errors.New("put off")

// ErrEnded is the outcome of a file whose turn did not come, or did not end, before
// the capture did: nothing is wrong with it.
var ErrEnded = errors.New("the capture has ended")

// wrap gives err, if any, a sentinel and a subject.
func wrap(sentinel error, subject string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sentinel) {
		return fmt.Errorf("%s: %w", subject, err)
	}
	return fmt.Errorf("%s: %w: %w", subject, sentinel, err)
}

// mediumFault names the operation on a store in a folder and says what its
// failure means. It asks the medium itself where the error alone does not tell.
func mediumFault(dir, op, name string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, fs.ErrNotExist) {
		if _, serr := os.Stat(dir); serr != nil {
			return wrap(ErrGone, op+" "+name, err)
		}
	}
	for _, known := range []error{ErrFull, ErrReadOnly, ErrGone, ErrTooLarge} {
		if errors.Is(err, known) {
			return err
		}
	}
	switch {
	case isFull(err):
		return wrap(ErrFull, op+" "+name, err)
	case op != "read" && isReadOnly(err):
		return wrap(ErrReadOnly, op+" "+name, err)
	case op == "write" && isTooLarge(err):
		return wrap(ErrTooLarge, op+" "+name, err)
	case isGone(err) || op == "write" && isIO(err):
		return wrap(ErrGone, op+" "+name, err)
	}
	return fmt.Errorf("%s %s: %w", op, name, err)
}
