package engine

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestNewJournal(t *testing.T) {
	when := time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		what  string
		there []string
		want  string
	}{
		{"the first", nil, "RESTORE-20261124-020000.jsonl"},
		{"after an older one", []string{"RESTORE-20261123-235959.jsonl"}, "RESTORE-20261124-020000.jsonl"},
		{"in the same second", []string{"RESTORE-20261124-020000.jsonl"}, "RESTORE-20261124-020001.jsonl"},
		{"with a clock that was set back", []string{"RESTORE-20270101-235959.jsonl"}, "RESTORE-20270102-000000.jsonl"},
		{"beside one taken back", []string{"RESTORE-20261124-020000.jsonl.undone"}, "RESTORE-20261124-020000.jsonl"},
		{"beside what is not ours", []string{"RESTORE-notes.jsonl"}, "RESTORE-20261124-020000.jsonl"},
	} {
		dir := filepath.Join(t.TempDir(), "[store]") // no pattern
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range c.there {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := newJournal(dir, when); got != filepath.Join(dir, c.want) {
			t.Errorf("%s: %s, want %s", c.what, filepath.Base(got), c.want)
		}
	}
}
