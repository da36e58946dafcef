package copyfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A copy has the content, in a folder that is made for it, and takes the place of
// nothing.
func TestCopy(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "a", "b", "to")
	if err := os.WriteFile(from, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(from, []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Copy(to, from); !errors.Is(err, fs.ErrExist) {
		t.Errorf("copied again: %v", err)
	}
	if got, err := os.ReadFile(to); err != nil || string(got) != "content" {
		t.Errorf("%q, %v", got, err)
	}
	if err := Copy(filepath.Join(dir, "c"), filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("copied nothing: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "c")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("left an empty file")
	}
}
