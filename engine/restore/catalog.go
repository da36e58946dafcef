package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"lifeboat/engine/migxml"
	"lifeboat/engine/store"
	"lifeboat/engine/windows"
)

// recorded is store.Recorded with what its raw parts hold.
type recorded struct {
	contexts map[string]map[string]string // variables on the source, by context
	units    []store.RecordedUnit         // in the order of Catalog.Units
	rules    []migxml.RestoreRule
	added    []migxml.Added
	deferred []migxml.Deferred
	remaps   []migxml.Remap
	settings []migxml.TakenSetting
}

func (r *run) readCatalog(ctx context.Context) error {
	c := &store.Catalog{}
	if err := r.readJSON(ctx, store.CaptureJSON, c); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %w", ErrCatalog, err)
		}
		return err
	}
	if c.Version > store.CatalogVersion {
		return fmt.Errorf("%w: its version is %d, newer than this program's %d", ErrCatalog, c.Version, store.CatalogVersion)
	}
	r.catalog, r.result.Catalog = c, c
	r.source = &windows.Installation{}
	if len(c.Machine) > 0 {
		if err := decode(c.Machine, r.source); err != nil {
			return fmt.Errorf("%w: %s: the description of the machine: %w", ErrCatalog, store.CaptureJSON, err)
		}
	}
	return r.readRecorded(ctx)
}

// readRecorded reads what the rules said about the destination. A capture
// without it is restored to where things were.
func (r *run) readRecorded(ctx context.Context) error {
	var raw store.Recorded
	err := r.readJSON(ctx, store.RestoreJSON, &raw)
	if errors.Is(err, fs.ErrNotExist) {
		r.warn("the capture does not hold what its rules say about the destination: nothing but profile folders is moved")
		return nil
	}
	if err != nil {
		return err
	}
	r.recorded.contexts = map[string]map[string]string{}
	for _, c := range raw.Contexts {
		r.recorded.contexts[c.ID] = c.Vars
	}
	r.recorded.units = raw.Units
	for _, part := range []struct {
		raw json.RawMessage
		to  any
	}{
		{raw.Rules, &r.recorded.rules}, {raw.Added, &r.recorded.added}, {raw.Deferred, &r.recorded.deferred},
		{raw.Remaps, &r.recorded.remaps}, {raw.Settings, &r.recorded.settings},
	} {
		if len(part.raw) == 0 {
			continue
		}
		if err := decode(part.raw, part.to); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrCatalog, store.RestoreJSON, err)
		}
	}
	return nil
}
