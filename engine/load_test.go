package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/engine/restore"
	"lifeboat/engine/sample"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
)

// destinationPC is the sample without two of its users.
func destinationPC(t *testing.T, e *Engine) (string, *Detection) {
	t.Helper()
	pc, err := sample.Create(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"m.ostrowski", "localadmin", "gone.CORP"} {
		if err := os.RemoveAll(filepath.Join(pc.Volume, "Users", gone)); err != nil {
			t.Fatal(err)
		}
	}
	d, err := e.Detect(t.Context(), []Place{{Path: pc.Volume}}, DetectOptions{})
	if err != nil || len(d.Installations) != 1 {
		t.Fatalf("%d installations, %v", len(d.Installations), err)
	}
	t.Cleanup(func() { d.Close() })
	return pc.Volume, d
}

func TestRestore(t *testing.T) {
	e := newEngine(t)
	_, plan := planned(t, e)
	path := filepath.Join(t.TempDir(), "store")
	if _, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: path, Password: "correct horse"}, control()); err != nil {
		t.Fatal(err)
	}
	dir, d := destinationPC(t, e)
	ask := func(change func(*RestoreRequest)) (*RestoreReport, error) {
		req := RestoreRequest{
			StoreRef: StoreRef{Path: path, Password: "correct horse"}, Detection: d, Installation: d.Installations[0],
		}
		change(&req)
		return e.Restore(t.Context(), req, control())
	}
	r, err := ask(func(q *RestoreRequest) { q.Password = "wrong" })
	if usmt.CodeOf(err) != usmt.InvalidKey || r.ReturnCode != int(usmt.InvalidKey) {
		t.Errorf("wrong password: %v, code %d", err, r.ReturnCode)
	}
	held, err := claim(d.Installations[0].Where)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ask(func(*RestoreRequest) {}); usmt.CodeOf(err) != usmt.StartupFailed {
		t.Errorf("another run writes to that Windows: %v", err)
	}
	held.Release()
	r, err = ask(func(q *RestoreRequest) {
		q.Users = usmt.Selection{Exclude: []string{`*\*`}, Include: []string{sample.Domain + `\m.ostrowski`}}
	})
	if err != nil || r.ReturnCode != 0 || r.Source != sample.Computer {
		t.Fatalf("%v, %+v", err, r)
	}
	for _, u := range r.Users {
		if chosen := u.From == sample.Domain+`\m.ostrowski`; chosen != (u.How != restore.Left) || chosen && u.Done.Files == 0 {
			t.Errorf("%+v", u)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "Users", "m.ostrowski", "Documents", "empty.txt")); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(r.Journal, path) {
		t.Errorf("the journal is %s", r.Journal)
	}
	if u, err := e.UndoRestore(r.Journal, nil); err != nil || u.Removed == 0 {
		t.Errorf("undo: %+v, %v", u, err)
	}
	if _, err := e.UndoRestore(r.Journal, nil); usmt.CodeOf(err) != usmt.MigrationFailed {
		t.Errorf("undo twice: %v", err)
	}
}

func TestRemoveStore(t *testing.T) {
	e := newEngine(t)
	_, plan := planned(t, e)
	path := filepath.Join(t.TempDir(), "store")
	if _, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: path}, control()); err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := e.EachStored(t.Context(), StoreRef{Path: path}, func(string) error { n++; return nil }); err != nil || n < 100 {
		t.Errorf("%d names, %v", n, err)
	}
	s, err := store.Open(t.Context(), path, store.Options{Clock: clock, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.RemoveStore(path); usmt.CodeOf(err) != usmt.UnableDeleteStore {
		t.Errorf("another run writes to it: %v", err)
	}
	if _, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: path, Overwrite: true}, control()); usmt.CodeOf(err) != usmt.StartupFailed {
		t.Errorf("save where another run writes: %v", err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	if err := e.RemoveStore(other); usmt.CodeOf(err) != usmt.InvalidStore {
		t.Errorf("no store: %v", err)
	}
	if err := e.RemoveStore(path); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the store is still there")
	}
}
