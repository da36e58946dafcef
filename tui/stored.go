package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lifeboat/engine"
	"lifeboat/engine/job"
	"lifeboat/engine/store"
	"lifeboat/winpe"
)

// newest opens a store and finds its newest complete capture.
func (l *Live) newest(ctx context.Context, ref engine.StoreRef) (*store.Store, engine.Stored, error) {
	s, err := store.Open(ctx, ref.Path, store.Options{
		Password: ref.Password, TempDir: l.Engine.TempDir, Clock: l.Engine.Clock, ReadOnly: true,
	})
	if err != nil {
		return nil, engine.Stored{}, err
	}
	captures, err := s.Captures(ctx)
	for i := len(captures) - 1; i >= 0; i-- {
		if !captures[i].Incomplete {
			return s, captures[i], nil
		}
	}
	s.Close(ctx)
	if err == nil {
		err = fmt.Errorf("store %s: %w", ref.Path, store.ErrNotFound)
	}
	return nil, engine.Stored{}, err
}

// Browse implements Backend.
func (l *Live) Browse(ctx context.Context, ref engine.StoreRef, folder string) ([]store.Entry, error) {
	s, newest, err := l.newest(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer s.Close(context.WithoutCancel(ctx))
	tree, err := s.Tree(ctx, newest.ID)
	if err != nil {
		return nil, err
	}
	return tree.ReadDir(ctx, folder)
}

// TakeOut implements Backend.
func (l *Live) TakeOut(ctx context.Context, ref engine.StoreRef, inside, dest string, ctl *job.Control) (engine.Extracted, error) {
	for _, source := range l.sources() {
		if on, err := winpe.LiesOn(dest, source); err == nil && on {
			return engine.Extracted{}, errors.New("the folder is on the volume of a Windows here; only putting a store back writes there")
		}
	}
	s, newest, err := l.newest(ctx, ref)
	if err != nil {
		return engine.Extracted{}, err
	}
	defer s.Close(context.WithoutCancel(ctx))
	tree, err := s.Tree(ctx, newest.ID)
	if err != nil {
		return engine.Extracted{}, err
	}
	entry, err := tree.Stat(ctx, inside)
	if err != nil {
		return engine.Extracted{}, err
	}
	files := entry.Files
	if !entry.Dir {
		files = 1
	}
	ctl.Phase(job.Applying, entry.Size, files)
	return s.Extract(ctx, newest.ID, dest, store.ExtractOptions{
		Filter: func(path string) bool { return path == inside || strings.HasPrefix(path, inside+"/") },
		Progress: func(files, bytes int64, current string) {
			ctl.Progress.AddFiles(files)
			ctl.Progress.AddBytes(bytes, l.Engine.Clock())
			ctl.Progress.SetCurrent(current)
		},
	})
}

// sources are the folders of all installations that were found.
func (l *Live) sources() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, d := range l.detections {
		for _, inst := range d.Installations {
			all = append(all, d.Folders(inst)...)
		}
	}
	return all
}
