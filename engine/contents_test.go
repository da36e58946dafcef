package engine

import (
	"path/filepath"
	"testing"

	"lifeboat/engine/restore"
	"lifeboat/engine/usmt"
)

// What a store holds adds up to what was saved, and what of it is left out is not
// put back.
func TestContents(t *testing.T) {
	e := newEngine(t)
	_, plan := planned(t, e)
	ref := StoreRef{Path: filepath.Join(t.TempDir(), "store"), Password: "correct horse"}
	saved, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: ref.Path, Password: ref.Password, SkipVerify: true}, control())
	if err != nil {
		t.Fatal(err)
	}
	c, err := e.Contents(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	all := c.Totals(Selection{})
	if all.Files != saved.Files || all.Bytes != saved.Bytes || all.Values == 0 {
		t.Errorf("it holds %+v; saved were %d files, %d bytes", all, saved.Files, saved.Bytes)
	}
	part, user := "", ""
	for _, u := range c.Units {
		if u.Files > 0 && u.User != SystemUser {
			part, user = u.Component, u.User
		}
	}
	if part == "" {
		t.Fatalf("nobody has files: %+v", c.Units)
	}
	if _, err := e.Contents(t.Context(), StoreRef{Path: ref.Path, Password: "wrong"}); usmt.CodeOf(err) != usmt.InvalidKey {
		t.Errorf("wrong password: %v", err)
	}

	_, d := destinationPC(t, e)
	try := func(sel Selection) *RestoreReport {
		t.Helper()
		r, err := e.Restore(t.Context(), RestoreRequest{
			StoreRef: ref, Detection: d, Installation: d.Installations[0],
			Continue: true, CreateAccounts: true, DryRun: true, Select: sel,
		}, control())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	seen := func(r *RestoreReport) int64 { return r.Done.Files + r.Done.Identical }
	whole := try(Selection{})
	less := try(Selection{OmitComponents: map[string]bool{part: true}})
	if seen(less) >= seen(whole) {
		t.Errorf("without %s %+v, with it %+v", part, less.Done, whole.Done)
	}
	for _, u := range try(Selection{OmitUsers: map[string]bool{user: true}}).Users {
		if u.ID == user && u.How != restore.Left {
			t.Errorf("%+v was left out", u)
		}
		if u.ID != user && u.How == restore.Left {
			t.Errorf("%+v was not left out", u)
		}
	}
	nothing := Selection{OmitComponents: map[string]bool{}}
	for _, name := range c.Components {
		nothing.OmitComponents[name] = true
	}
	if r := try(nothing); seen(r) != 0 {
		t.Errorf("with everything left out: %+v", r.Done)
	}
}
