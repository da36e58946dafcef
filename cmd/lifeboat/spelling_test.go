package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSpelled(t *testing.T) {
	top := t.TempDir()
	real := filepath.Join(top, "WINDOWS", "System32")
	if err := os.MkdirAll(real, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, asked := range []string{"WINDOWS/System32", "Windows/System32", "windows/SYSTEM32"} {
		if got := spelled(filepath.Join(top, asked)); !sameFile(t, got, real) {
			t.Errorf("%s is %s", asked, got)
		}
	}
	gone := filepath.Join(top, "windows", "gone")
	if got := spelled(gone); got != gone {
		t.Errorf("what is not there became %s", got)
	}
}

func sameFile(t *testing.T, a, b string) bool {
	t.Helper()
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
