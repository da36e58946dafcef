package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A store that replaces one of another kind, or one of plain files, is made
// beside it, in USMT.NEW. When it is complete and read back, the old one is moved
// to USMT.OLD, the new one to its place, and then the old one is removed. So
// there is a complete store at every moment, and [current] finds it.
const (
	newSuffix = ".NEW"
	oldSuffix = ".OLD"
)

// current is the folder of the store at storePath: USMT, or after an interrupted
// swap the one that is complete.
func current(storePath string) string {
	dir := Dir(storePath)
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		for _, other := range []string{dir + newSuffix, dir + oldSuffix} {
			if state, _, err := kindAt(other); err == nil && state == Complete {
				return other
			}
		}
	}
	return dir
}

// finishSwap ends an interrupted swap.
func finishSwap(storePath string) error {
	dir := Dir(storePath)
	if from := current(storePath); from != dir {
		if err := os.Rename(from, dir); err != nil {
			return mediumFault(storePath, "write", dir, err)
		}
	}
	return mediumFault(storePath, "remove", dir+oldSuffix, removeStore(dir+oldSuffix))
}

// swap puts a store that was made beside another in its place.
func (s *Store) swap(ctx context.Context) error {
	dir, isNew := cutSuffix(s.dir)
	if !isNew {
		return nil
	}
	if err := s.repo.close(ctx); err != nil {
		return err
	}
	err := removeStore(dir + oldSuffix)
	if err == nil {
		err = os.Rename(dir, dir+oldSuffix)
	}
	if err == nil {
		err = os.Rename(s.dir, dir)
	}
	if err == nil {
		s.dir = dir
		err = syncDir(filepath.Dir(dir))
	}
	err = errors.Join(err, s.connect(ctx))
	if err == nil {
		err = removeStore(dir + oldSuffix)
	}
	if err != nil {
		return fmt.Errorf("put the new store in the place of the old one: %w", err)
	}
	return nil
}

func cutSuffix(dir string) (string, bool) {
	if filepath.Ext(dir) != newSuffix {
		return dir, false
	}
	return dir[:len(dir)-len(newSuffix)], true
}

// Remove deletes the store at storePath, and what an interrupted replacement left
// beside it. Of hard links only the store's names go: the files of the source
// stay as they are, with their attributes.
// What another run is writing to stays: ErrBusy.
func Remove(storePath string) error {
	l, err := lockStore(storePath)
	if err != nil {
		return err
	}
	defer l.Release()
	dir := Dir(storePath)
	return errors.Join(removeStore(dir), removeStore(dir+newSuffix), removeStore(dir+oldSuffix))
}

// removeStore deletes a folder with a store, the marker first: what is half
// deleted must not look complete. No link in it is followed.
func removeStore(dir string) error {
	// If this fails, so does what follows.
	os.Remove(filepath.Join(dir, markerName))
	return removeAll(dir)
}
