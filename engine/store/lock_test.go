package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Two runs that wrote to one store would each make it their own, and both be lost
// (spec/usmt-cli-spec.md 9, return code 29).
func TestOneRunWrites(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, kind Kind) {
		dir := t.TempDir()
		opt := kindOptions(t, kind)
		// What a run that was killed left behind holds nobody up.
		if err := os.WriteFile(filepath.Join(dir, lockName), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		first := create(t, dir, opt)
		again := func() error { _, err := Create(t.Context(), dir, opt); return err }
		write := func() error { _, err := Open(t.Context(), dir, opt); return err }
		remove := func() error { return Remove(dir) }
		for name, f := range map[string]func() error{"create": again, "open": write, "remove": remove} {
			if err := f(); !errors.Is(err, ErrBusy) {
				t.Errorf("%s beside another run: %v", name, err)
			}
		}
		reader := opt
		reader.ReadOnly = true
		closeStore(t, open(t, dir, reader))
		closeStore(t, first)
		if _, err := os.Stat(filepath.Join(dir, lockName)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the lock was left: %v", err)
		}
		closeStore(t, open(t, dir, opt))
		if err := remove(); err != nil {
			t.Error(err)
		}
	})
}
