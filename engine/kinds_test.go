package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/engine/report"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
)

// What a kind of store cannot hold is said before anything is copied.
func TestKindsAreChecked(t *testing.T) {
	e := newEngine(t)
	_, plan := planned(t, e)
	dest := filepath.Join(t.TempDir(), "stick")
	req := CaptureRequest{Plan: plan, StorePath: dest, Kind: store.Plain, MaxFile: 1000}
	_, err := e.Capture(t.Context(), req, control())
	if usmt.CodeOf(err) != usmt.InvalidStore || !strings.Contains(err.Error(), "holds no file above 1000 B") {
		t.Errorf("a file too large: %v", err)
	}
	if _, err := os.Stat(dest); err == nil {
		t.Error("something was written")
	}
	req.Kind = store.Packed
	if err := checkKind(req); err != nil {
		t.Errorf("a compressed store holds files of any size: %v", err)
	}
	total := plan.Totals(Selection{}).Bytes
	tight := Destination{Path: dest, Free: total*3/4 + reserve}
	if notes, err := CheckRoom(tight, req); err != nil || len(notes) != 1 {
		t.Errorf("%v, %v", notes, err)
	}
	req.Kind = store.Plain
	if _, err := CheckRoom(tight, req); usmt.CodeOf(err) != usmt.MigrationFailed {
		t.Errorf("plain files do not shrink: %v", err)
	}
	req.Kind = store.Linked
	if notes, err := CheckRoom(Destination{Path: dest, Free: 2 * reserve}, req); err != nil || len(notes) != 0 {
		t.Errorf("links take no room: %v, %v", notes, err)
	}
	if size, err := EstimatePlain(req); err != nil || size.Sizes[0].Bytes != 0 {
		t.Errorf("%+v, %v", size, err)
	}
}

// Every kind is saved, read back and replaced in the same way, and a store that
// lies on the disk itself never makes it safe to wipe.
func TestEveryKindIsSaved(t *testing.T) {
	e := newEngine(t)
	pc, plan := planned(t, e)
	for _, kind := range []store.Kind{store.Plain, store.Linked} {
		dest := filepath.Join(t.TempDir(), "stick")
		if kind == store.Linked {
			dest = filepath.Join(pc.Volume, "MIG")
		}
		req := CaptureRequest{Plan: plan, StorePath: dest, Kind: kind}
		for _, again := range []bool{false, true} {
			req.Overwrite = again
			r, err := e.Capture(t.Context(), req, control())
			if err != nil || r.Outcome != report.Saved || !r.Verified.OK() || r.Files != plan.Totals(Selection{}).Files {
				t.Fatalf("%s: %+v, %v", kind, r, err)
			}
			if r.SafeToWipe && kind == store.Linked {
				t.Error("a disk with its own store on it is safe to wipe")
			}
		}
		if v, err := e.Verify(t.Context(), StoreRef{Path: dest}, control()); err != nil || !v.OK() {
			t.Errorf("%s: %+v, %v", kind, v, err)
		}
		done, err := e.Extract(t.Context(), ExtractRequest{StoreRef: StoreRef{Path: dest}, Dest: filepath.Join(t.TempDir(), "out")}, control())
		if err != nil || done.Files == 0 {
			t.Errorf("%s: %+v, %v", kind, done, err)
		}
		if _, err := e.Verify(t.Context(), StoreRef{Path: dest, Password: "secret"}, control()); usmt.CodeOf(err) != usmt.InvalidKey {
			t.Errorf("%s with a key: %v", kind, err)
		}
		for _, c := range []struct {
			plain, link bool
			want        usmt.Code
		}{
			{false, false, usmt.Success}, {true, false, usmt.Success}, {true, true, map[bool]usmt.Code{false: usmt.InvalidStore}[kind.Links()]},
		} {
			if _, err := checkWord(kind, RestoreRequest{Plain: c.plain, Link: c.link}); usmt.CodeOf(err) != c.want {
				t.Errorf("%s, %+v: %v", kind, c, err)
			}
		}
		if err := e.RemoveStore(dest); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(dest); err == nil {
			t.Errorf("%s is still there", dest)
		}
	}
	if _, err := checkWord(store.Packed, RestoreRequest{Plain: true}); usmt.CodeOf(err) != usmt.InvalidStore {
		t.Errorf("a compressed store is called plain: %v", err)
	}
}
