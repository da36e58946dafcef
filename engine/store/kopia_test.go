package store

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Stock kopia opens, lists, verifies and restores a store. Needs its program
// on PATH: go build github.com/kopia/kopia.
func TestStockKopia(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("kopia")
	if err != nil {
		t.Skip("no kopia on PATH")
	}
	dir := t.TempDir()
	s := create(t, dir, testOptions(t))
	src := noise(30) // more than one pack
	src["File/C$/Users/anna/Übung 100%.txt"] = strings.Repeat("text ", 3<<20)
	src["File/C$/Users/anna/empty"] = ""
	id := capture(t, s, src)

	// An interrupted second capture must not be in the way.
	c := begin(t, s)
	source{"File/C$/x": "x"}.add(t, c, nil)
	if err := c.Abort(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)

	home := t.TempDir()
	kopia := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME="+home, "XDG_CONFIG_HOME="+home,
			"KOPIA_CONFIG_PATH="+filepath.Join(home, "repository.config"), "KOPIA_CHECK_FOR_UPDATES=false", "KOPIA_PASSWORD="+NoPassword)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("kopia %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	kopia("repository", "connect", "filesystem", "--path", Dir(dir))
	list := kopia("snapshot", "list", "--all", "--tags", "product:Windows 10")
	if !strings.Contains(list, `lifeboat@PC-7:C:\Windows`) {
		t.Errorf("list:\n%s", list)
	}
	kopia("snapshot", "verify", "--verify-files-percent=100")
	dest := filepath.Join(home, "restored")
	kopia("restore", string(id), dest)
	want := maps.Clone(src)
	want[CaptureJSON] = `{"version":1}`
	got := extracted(t, dest)
	if !maps.Equal(got, want) {
		t.Errorf("restored %d files, want %d", len(got), len(want))
	}
	// kopia's own clean-up leaves a store that Lifeboat reads.
	kopia("maintenance", "set", "--owner", "me")
	kopia("maintenance", "run", "--full", "--safety", "none")
	opt := testOptions(t)
	opt.ReadOnly = true
	s = open(t, dir, opt)
	defer closeStore(t, s)
	if report, err := s.Verify(t.Context(), id, nil); err != nil || !report.OK() {
		t.Errorf("after maintenance: %+v, %v", report, err)
	}
}
