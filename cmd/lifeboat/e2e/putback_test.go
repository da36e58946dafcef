//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/engine/sample"
	"lifeboat/winpe"
)

// The way back by the keyboard: the store on the stick goes into another
// Windows, after its review said No first. The files are looked at from outside,
// and the log lies where lifeboat.yaml wants it.
func TestJourneyBack(t *testing.T) {
	old := t.TempDir()
	out, code := lifeboat(t, "demo", old, "--yes")
	want(t, 0, out, code)
	pc, err := sample.Create(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	documents := filepath.Join(pc.Volume, "Users", "anna", "Documents")
	if err := os.RemoveAll(documents); err != nil {
		t.Fatal(err)
	}
	const gib = 1 << 30
	machine, err := json.Marshal(winpe.Machine{
		System: winpe.System{OS: "linux", Arch: "amd64"},
		Volumes: []winpe.Volume{
			{Mount: filepath.Join(old, "stick"), Label: "STICK", FileSystem: "exFAT", Size: 64 * gib, Free: 60 * gib, Removable: true},
			{Mount: pc.Volume, Label: "Windows", FileSystem: "NTFS", Size: 476 * gib, Free: 200 * gib},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	recorded, answers := filepath.Join(dir, "machine.json"), filepath.Join(dir, "lifeboat.yaml")
	for path, data := range map[string][]byte{recorded: machine, answers: []byte("logs: logs\n")} {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}

	term := openTerminal(t, "80", "25", nil, binaries.linux, "--machine", recorded, "--answers", answers)
	term.await("What do you want to do?")
	term.press("2")
	frame(term, "Which store should be put back?")
	term.press("Enter")
	frame(term, "This is what would happen.") // on "Who is who?", when it is known
	term.press("Enter")
	frame(term, "What should be put back?")
	term.press("Enter")
	term.await("> No, go back")
	term.press("Enter") // No is first, and loses nothing
	term.await("What should be put back?")
	term.press("Enter")
	term.await("> No, go back")
	if _, err := os.Stat(documents); !os.IsNotExist(err) {
		t.Fatalf("something was written before Yes was said: %v", err)
	}
	term.press("Right")
	term.await("> Yes, write to")
	term.press("Enter")
	term.await("PUT BACK", "return code 0")

	saved := filepath.Join(old, "disk", "Users", "anna", "Documents")
	if n := sameTree(t, saved, documents); n == 0 {
		t.Error("no document came back")
	}
	for rel := range walk(t, saved) {
		if _, err := os.Stat(filepath.Join(documents, rel)); err != nil {
			t.Errorf("it did not come back: %v", err)
		}
	}
	logs, err := filepath.Glob(filepath.Join(dir, "logs", "lifeboat-loadstate-*.log"))
	if err != nil || len(logs) != 1 {
		t.Fatalf("logs %v, %v", logs, err)
	}
	if data, err := os.ReadFile(logs[0]); err != nil || !strings.Contains(string(data), "Leaving with return code 0") {
		t.Errorf("%v: %s", err, data)
	}
}
