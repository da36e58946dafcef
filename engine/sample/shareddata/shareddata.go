// Package shareddata finds the test data that is kept outside the module: real
// registry hives and disk images, too large or not ours to ship. A test that
// asks for it is skipped where it is absent.
package shareddata

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/ulikunitz/xz"
)

// Dir returns the folder shared/data. It is looked for beside the module and in
// every folder above; the environment variable LIFEBOAT_SHARED names the folder
// `shared` itself and wins. LIFEBOAT_SHARED=none does without.
func Dir(t testing.TB) string {
	t.Helper()
	switch shared := os.Getenv("LIFEBOAT_SHARED"); shared {
	case "":
	case "none":
		t.Skip("LIFEBOAT_SHARED=none")
	default:
		dir := filepath.Join(shared, "data")
		if !isDir(dir) {
			t.Fatalf("LIFEBOAT_SHARED: there is no folder %s", dir)
		}
		return dir
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if dir := filepath.Join(here, "shared", "data"); isDir(dir) {
			return dir
		}
		up := filepath.Dir(here)
		if up == here {
			t.Skip("needs the folder shared/data beside the module, or LIFEBOAT_SHARED")
		}
		here = up
	}
}

// Hive returns a hive or a transaction log of shared/data/hives, for example
// "win10-1903/SYSTEM".
func Hive(t testing.TB, name string) []byte {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join(Dir(t), "hives", filepath.FromSlash(name)+".xz"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := xz.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatalf("unpack %s: %v", name, err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("unpack %s: %v", name, err)
	}
	return data
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
