package tui

import (
	"context"
	"errors"

	"lifeboat/engine"
	"lifeboat/engine/job"
	"lifeboat/winpe"
)

// Browse implements Backend.
func (l *Live) Browse(ctx context.Context, ref engine.StoreRef, folder string) ([]engine.Item, error) {
	b, err := l.Engine.Browse(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer b.Close(ctx)
	return b.List(ctx, folder)
}

// TakeOut implements Backend.
func (l *Live) TakeOut(ctx context.Context, ref engine.StoreRef, it engine.Item, dest string, ctl *job.Control) (engine.Extracted, error) {
	for _, source := range l.sources() {
		if on, err := winpe.LiesOn(dest, source); err == nil && on {
			return engine.Extracted{}, errors.New("the folder is on the volume of a Windows here; only putting a store back writes there")
		}
	}
	b, err := l.Engine.Browse(ctx, ref)
	if err != nil {
		return engine.Extracted{}, err
	}
	defer b.Close(ctx)
	return b.Take(ctx, it, dest, ctl)
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
