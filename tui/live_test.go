package tui

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
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
