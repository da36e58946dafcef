package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"lifeboat/engine/store"
	"lifeboat/engine/winname"
)

// Contents is what a store's newest capture holds, for choosing among it.
type Contents struct {
	Units      []Unit   // counted; what several units took counts with the first
	Components []string // display names in the order of saving
}

// Totals is the size of a selection of it.
func (c *Contents) Totals(sel Selection) Totals {
	var t Totals
	for _, u := range c.Units {
		if !sel.OmitUsers[u.User] && !sel.OmitComponents[u.Component] {
			t.Files += u.Files
			t.Bytes += u.Bytes
			t.Values += u.Values
		}
	}
	return t
}

// maxCatalog bounds what is read of a catalog's head.
const maxCatalog = 64 << 20

// Contents counts what a store holds by component and user. It reads the
// catalog, not the files.
func (e *Engine) Contents(ctx context.Context, ref StoreRef) (*Contents, error) {
	s, newest, err := e.open(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer s.Close(context.WithoutCancel(ctx))
	tree, err := s.Tree(ctx, newest.ID)
	if err != nil {
		return nil, failStore(err, ref.Path)
	}
	f, err := tree.Open(ctx, store.CaptureJSON)
	if err != nil {
		return nil, failStore(err, ref.Path)
	}
	var catalog store.Catalog
	err = json.NewDecoder(io.LimitReader(f, maxCatalog)).Decode(&catalog)
	f.Close()
	if err != nil {
		return nil, failStore(fmt.Errorf("%s: %w: %w", store.CaptureJSON, store.ErrCorrupt, err), ref.Path)
	}
	winname.FromJSON(&catalog)
	c := &Contents{}
	seen := map[string]bool{}
	for _, u := range catalog.Units {
		c.Units = append(c.Units, Unit{Component: u.Component, Type: u.Type, User: u.Context})
		if !seen[u.Component] {
			seen[u.Component] = true
			c.Components = append(c.Components, u.Component)
		}
	}
	add := func(units []int, t Totals) {
		if len(units) > 0 && units[0] >= 0 && units[0] < len(c.Units) {
			u := &c.Units[units[0]]
			u.Files += t.Files
			u.Bytes += t.Bytes
			u.Values += t.Values
		}
	}
	for o, err := range store.LinesOf[store.Object](ctx, tree.Open, store.ObjectsJSONL) {
		if err != nil {
			return nil, failStore(err, ref.Path)
		}
		if !o.Dir && o.Missing == "" {
			add(o.Units, Totals{Files: 1, Bytes: o.Size})
		}
	}
	hives, err := tree.ReadDir(ctx, store.RegistryDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, failStore(err, ref.Path)
	}
	for _, hive := range hives {
		if !strings.HasSuffix(hive.Name, ".jsonl") {
			continue
		}
		for k, err := range store.LinesOf[store.RegistryKey](ctx, tree.Open, path.Join(store.RegistryDir, hive.Name)) {
			if err != nil {
				return nil, failStore(err, ref.Path)
			}
			add(k.Units, Totals{Values: 1})
		}
	}
	return c, nil
}
