package tui

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/sample"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
	"lifeboat/winpe"
)

// Who is chosen before anybody was asked (spec/tui.md E4).
func TestOnlyRecent(t *testing.T) {
	now := date("2026-11-23 14:12")
	inst := &engine.Installation{Users: []engine.User{
		{ID: "recent", Name: "anna", LastUse: date("2026-11-22 09:00")},
		{ID: "edge", Name: "ben", LastUse: now.AddDate(-2, 0, 0)},
		{ID: "old", Name: "carl", LastUse: date("2024-03-01 09:00")},
		{ID: "nameless", LastUse: date("2019-01-01 09:00")},
		{ID: "guessed", Name: "dora", NameSource: windows.NameFromFolder, LastUse: date("2019-01-01 09:00")},
		{ID: "orphan", Name: "emil", State: windows.Orphaned, LastUse: date("2019-01-01 09:00")},
		{ID: "undated", Name: "fred"},
		{ID: "service", Name: "svc", LastUse: date("2026-11-22 09:00")},
	}}
	choices := map[string]usmt.Choice{"service": {Why: "an account of Windows itself"}}
	for _, u := range inst.Users[:7] {
		choices[u.ID] = usmt.Choice{In: true}
	}
	onlyRecent(choices, inst, now)
	for id, in := range map[string]bool{
		"recent": true, "edge": true, "old": false, "nameless": true, "guessed": true, "orphan": true, "undated": true, "service": false,
	} {
		if c := choices[id]; c.In != in || c.Why == "" {
			t.Errorf("%s: %+v", id, c)
		}
	}
}

// The test write tells a speed and leaves nothing behind.
func TestTestWrite(t *testing.T) {
	dir := t.TempDir()
	l := &Live{Engine: &engine.Engine{Clock: time.Now}}
	rate, err := l.TestWrite(context.Background(), dir, nil)
	if err != nil || rate <= 0 {
		t.Errorf("%v, %v", rate, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := l.TestWrite(ctx, dir, nil); err == nil {
		t.Error("it goes on after its context has ended")
	}
	if _, err := l.TestWrite(context.Background(), filepath.Join(dir, "none"), nil); err == nil {
		t.Error("a folder that is not there took it")
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
}

// A folder of rule files may hold a Config.xml, which is none.
func TestReadRules(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"MigApp.xml": `<migration urlid="a"/>`, "Config.XML": `<Configuration/>`, "notes.txt": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l := &Live{}
	files, err := l.ReadRules(context.Background(), dir)
	if err != nil || len(files) != 1 || filepath.Base(files[0].Name) != "MigApp.xml" {
		t.Errorf("%v, %v", files, err)
	}
	for _, none := range []string{t.TempDir(), filepath.Join(dir, "missing.xml")} {
		if files, err := l.ReadRules(context.Background(), none); err == nil {
			t.Errorf("%s: %v", none, files)
		}
	}
}

// The whole journey on the real engine, over a line: save, check, put back and
// take it back.
func TestJourney(t *testing.T) {
	pc, err := sample.Create(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	l := &Live{
		Engine: &engine.Engine{Clock: time.Now, TempDir: t.TempDir()},
		Recorded: &winpe.Machine{Volumes: []winpe.Volume{
			{Mount: pc.Stick, FileSystem: "exFAT", Size: 64 * gib, Free: 60 * gib, Removable: true, Disk: winpe.Disk{Name: "Disk 1"}},
			{Mount: pc.Volume, FileSystem: "NTFS", Size: 476 * gib, Free: 200 * gib, Disk: winpe.Disk{Name: "Disk 0"}},
		}},
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	in, keyboard := io.Pipe()
	out := &transcript{}
	p := &plain{r: newRouter(newSession(ctx, l, time.Now, newTheme(true, true))), in: in, out: out, w: minWidth}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.loop(ctx, make(chan any), nil)
	}()
	from := 0
	await := func(text string) {
		t.Helper()
		for {
			said := out.String()
			if i := strings.Index(said[from:], text); i >= 0 {
				from += i + len(text)
				return
			}
			select {
			case <-ctx.Done():
				t.Fatalf("it never said %q:\n%s", text, said[from:])
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	for _, turn := range []struct{ hear, say string }{
		{"Step 1 of 8", ""}, {"Step 4 of 8", ""}, {"Step 5 of 8", ""}, {"Step 6 of 8", ""}, {"Step 7 of 8", ""}, {"Step 8 of 8", ""},
		{"SAFE TO WIPE", "1"},
		{"Step 1 of 8", "4"}, {"Which store", "1"}, {"THE STORE IS SOUND", "b"},
		{"Step 1 of 8", "4"}, {"Which store", "i"}, {"C:", "1"}, {"Users", "1"}, {"anna", "1"}, {"C:\\Users\\anna\n", "t"}, {"or b for back", ""},
		{"TAKEN OUT", "b"},
		{"Step 1 of 8", "2"}, {"Step 1 of 5", "1"}, {"This is what would happen", ""}, {"What should be put back?", ""}, {"Step 5 of 5", "2"},
		{"PUT BACK", "2"}, {"Take it back?", "2"}, {"TAKEN BACK", "2"},
	} {
		await(turn.hear)
		if turn.hear != "or b for back" {
			await(":\n") // the prompt
		}
		keyboard.Write([]byte(turn.say + "\n"))
	}
	<-done
	if out, err := filepath.Glob(filepath.Join(pc.Stick, "FROM_*", "C$", "Users", "anna", "*", "*")); err != nil || len(out) == 0 {
		t.Errorf("nothing was taken out: %v", err)
	}
	if said := out.String(); strings.Contains(said, "damaged:") || strings.Contains(said, "context canceled") {
		t.Error(said)
	}
}
