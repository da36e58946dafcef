package capture

import (
	"context"
	"encoding/json"
	"fmt"

	"lifeboat/engine/store"
	"lifeboat/engine/winname"
)

// writeRecorded stores what a restore has to know, because neither the source nor
// its rules' verdicts are there any more then (spec/migxml-spec.md 1.5): the
// variables of every context and component, and the rules that act on the
// destination, their patterns resolved here.
func (g *gatherer) writeRecorded(ctx context.Context) error {
	p := g.plan.program
	var r store.Recorded
	for _, c := range g.plan.contexts {
		r.Contexts = append(r.Contexts, store.RecordedContext{ID: c.ID, Vars: c.Vars})
	}
	for _, u := range p.Units() {
		r.Units = append(r.Units, store.RecordedUnit{URLID: u.File, Path: u.Path, Vars: u.Vars, Conditional: u.Conditional})
	}
	for _, part := range []struct {
		to   *json.RawMessage
		from any
	}{
		{&r.Rules, p.RestoreRules()}, {&r.Added, p.Added()}, {&r.Deferred, p.Deferred()},
		{&r.Remaps, p.Remaps()}, {&r.Settings, p.Settings()},
	} {
		data, err := json.Marshal(winname.ForJSON(part.from))
		if err != nil {
			return fmt.Errorf("write catalog: %w", err)
		}
		*part.to = data
	}
	data, err := json.Marshal(winname.ForJSON(r))
	if err != nil {
		return fmt.Errorf("write catalog: %w", err)
	}
	return g.write(ctx, store.RestoreJSON, data)
}
