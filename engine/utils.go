package engine

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
)

// EachStored calls f with the name of every file of a store's newest capture, as
// Verify names them, in order, until f returns an error.
func (e *Engine) EachStored(ctx context.Context, ref StoreRef, f func(name string) error) error {
	s, newest, err := e.open(ctx, ref)
	if err != nil {
		return err
	}
	defer s.Close(context.WithoutCancel(ctx))
	tree, err := s.Tree(ctx, newest.ID)
	if err != nil {
		return failStore(err, ref.Path)
	}
	var failed error // of f
	var walk func(dir string) error
	walk = func(dir string) error {
		return tree.EachIn(ctx, dir, func(entry store.Entry) error {
			name := path.Join(dir, entry.Name)
			if entry.Dir {
				return walk(name)
			}
			failed = f(name)
			return failed
		})
	}
	err = walk("")
	if failed != nil {
		return failed
	}
	return failStore(err, ref.Path)
}

// RemoveStore deletes a store with the report beside it, and the folder it is in
// if nothing else is there. What is no store is left alone.
func (e *Engine) RemoveStore(storePath string) error {
	state, _, err := store.Inspect(storePath)
	if err != nil || state == store.None {
		return usmt.Fail(usmt.InvalidStore, err, "%s holds no store of Lifeboat", storePath).
			WithRemedy("name the folder that holds USMT; nothing was removed")
	}
	if err = store.Remove(storePath); errors.Is(err, store.ErrBusy) {
		return usmt.Fail(usmt.UnableDeleteStore, err, "remove the store").
			WithRemedy("wait until that run has ended, or end it; nothing was removed")
	}
	for _, name := range []string{ReportHTML, ReportText} {
		if rerr := os.Remove(filepath.Join(storePath, name)); !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}
	switch {
	case errors.Is(err, store.ErrInUse):
		return usmt.Fail(usmt.UnableDeleteStore, err, "remove the store")
	case errors.Is(err, fs.ErrPermission):
		return usmt.Fail(usmt.InsufficientRights, err, "remove the store")
	case err != nil:
		return usmt.Fail(usmt.UnableDeleteStore, err, "remove the store")
	}
	// A folder that is not empty holds what is not ours.
	_ = os.Remove(storePath)
	return nil
}
