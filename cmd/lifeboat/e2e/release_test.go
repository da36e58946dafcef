//go:build e2e

package e2e

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The same source in two folders makes the same release, to the byte; and the
// checksums are right.
func TestReleaseIsReproducible(t *testing.T) {
	root := strings.TrimSpace(sh(t, "go", "list", "-m", "-f", "{{.Dir}}"))
	var all [2]map[string][]byte
	for i := range all {
		// The working tree as it is, without what git ignores.
		dir := filepath.Join(t.TempDir(), strings.Repeat("deep/", i)+"source")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		sh(t, "sh", "-c", fmt.Sprintf("cd '%s' && git ls-files -coz --exclude-standard | xargs -0 tar c | tar x -C '%s'", root, dir))
		cmd := exec.Command("go", "run", "./cmd/release", "-version", "v1.2.3", "-only", "linux/amd64,windows/amd64", "-out", "dist")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1795600000")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		all[i] = map[string][]byte{}
		for name, info := range walk(t, filepath.Join(dir, "dist")) {
			if info.IsDir() {
				t.Errorf("the folder %s was left", name)
				continue
			}
			data, err := os.ReadFile(filepath.Join(dir, "dist", name))
			if err != nil {
				t.Fatal(err)
			}
			all[i][name] = data
		}
	}
	if len(all[0]) != 5 || len(all[1]) != 5 {
		t.Errorf("%d and %d files", len(all[0]), len(all[1]))
	}
	sums := ""
	for _, name := range []string{"lifeboat-1.2.3-linux-amd64.cdx.json", "lifeboat-1.2.3-linux-amd64.zip", "lifeboat-1.2.3-windows-amd64.cdx.json", "lifeboat-1.2.3-windows-amd64.zip"} {
		if !bytes.Equal(all[0][name], all[1][name]) {
			t.Errorf("%s differs", name)
		}
		sums += fmt.Sprintf("%x  %s\n", sha256.Sum256(all[0][name]), name)
	}
	if string(all[0]["SHA256SUMS"]) != sums {
		t.Errorf("the checksums are\n%s, not\n%s", all[0]["SHA256SUMS"], sums)
	}

	// What is in the zip runs, and knows its version.
	archive := all[0]["lifeboat-1.2.3-linux-amd64.zip"]
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, z); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"LICENSE", "README.md", "docs/windows.md", "lifeboat.exe", "components.cdx.json"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	program := filepath.Join(dir, "lifeboat")
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	if out := sh(t, program, "version"); out != "lifeboat v1.2.3\n" {
		t.Errorf("it says %q", out)
	}
	if bom := string(all[0]["lifeboat-1.2.3-windows-amd64.cdx.json"]); !strings.Contains(bom, "pkg:golang/github.com/kopia/kopia@v0.22.3") {
		t.Error("the list of components does not name kopia")
	}
}
