//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/engine/sample"
)

// From an NTFS volume to a FAT32 stick and back: the main job.
func TestRescueFromNTFSToStick(t *testing.T) {
	disk, readOnly := ntfs(t, 200)
	brokenPC(t, disk)
	before := walk(t, disk)
	readOnly()
	stick := fat32(t, 300)
	store := filepath.Join(stick, "PC-0412")

	out, code := lifeboat(t, "detect", "--json", disk)
	want(t, 0, out, code)
	var found struct {
		Installations []struct {
			ComputerName string `json:"computerName"`
			Product      struct {
				Build string `json:"build"`
			} `json:"product"`
		} `json:"installations"`
	}
	if err := json.Unmarshal([]byte(out), &found); err != nil || len(found.Installations) != 1 ||
		found.Installations[0].ComputerName != sample.Computer || found.Installations[0].Product.Build != fmt.Sprintf("%d.%d", sample.Build, sample.UBR) {
		t.Fatalf("detect: %v\n%s", err, out)
	}

	out, code = lifeboat(t, "scanstate", store, "/offlineWinDir:"+filepath.Join(disk, "Windows"), "/c")
	want(t, 0, out, code)
	if _, err := os.Stat(filepath.Join(store, "USMT", "USMT.MIG")); err != nil {
		t.Error(err)
	}
	for _, paper := range []string{"REPORT.HTM", "REPORT.TXT"} {
		if _, err := os.Stat(filepath.Join(store, paper)); err != nil {
			t.Error(err)
		}
	}
	out, code = lifeboat(t, "usmtutils", "/verify", store)
	want(t, 0, out, code)

	back := t.TempDir()
	out, code = lifeboat(t, "usmtutils", "/extract", store, back)
	want(t, 0, out, code)
	files := sameTree(t, disk, filepath.Join(back, "C$"))
	for _, must := range []string{
		"Users/anna/Documents/Letters/letter 01.txt",
		"Users/anna/Documents/Ünïcödé – файл 文書 😀.txt",
		"Users/gone.CORP/Documents/thesis.txt", // a profile without an account is not forgotten
		"Users/Public/Documents/price list.txt",
	} {
		if _, err := os.Stat(filepath.Join(back, "C$", must)); err != nil {
			t.Error(err)
		}
	}
	if files < 100 {
		t.Errorf("only %d files came back", files)
	}
	if _, err := os.Stat(filepath.Join(back, "C$", "pagefile.sys")); err == nil {
		t.Error("the page file was saved")
	}
	after := walk(t, disk)
	if len(before) != len(after) {
		t.Errorf("the source had %d objects and has %d", len(before), len(after))
	}
}

// Nobody depends on this project to get data back.
func TestStockKopiaReadsTheStore(t *testing.T) {
	kopia := stockKopia(t)
	pc := brokenPC(t, t.TempDir())
	store := t.TempDir()
	out, code := lifeboat(t, "scanstate", store, "/offlineWinDir:"+filepath.Join(pc.Volume, "Windows"), "/c")
	want(t, 0, out, code)

	home := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(kopia, args...)
		cmd.Env = append(os.Environ(), "KOPIA_PASSWORD=lifeboat", "KOPIA_CHECK_FOR_UPDATES=false",
			"KOPIA_CONFIG_PATH="+filepath.Join(home, "c"), "KOPIA_CACHE_DIRECTORY="+filepath.Join(home, "k"), "KOPIA_LOG_DIR="+filepath.Join(home, "l"))
		text, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("kopia %s: %v\n%s", strings.Join(args, " "), err, text)
		}
		return string(text)
	}
	run("repository", "connect", "filesystem", "--path", filepath.Join(store, "USMT"))
	var captures []struct {
		ID        string `json:"id"`
		RootEntry struct {
			Object string `json:"obj"`
		} `json:"rootEntry"`
	}
	list := run("snapshot", "list", "--all", "--json")
	if err := json.Unmarshal([]byte(list[strings.IndexByte(list, '['):]), &captures); err != nil || len(captures) != 1 {
		t.Fatalf("snapshot list: %v\n%s", err, list)
	}
	back := t.TempDir()
	run("snapshot", "restore", captures[0].ID, back)
	if files := sameTree(t, pc.Volume, filepath.Join(back, "File", "C$")); files < 100 {
		t.Errorf("kopia restored only %d files", files)
	}
	if _, err := os.Stat(filepath.Join(back, "Catalog", "capture.json")); err != nil {
		t.Error(err)
	}
	run("snapshot", "verify", "--verify-files-percent=100")
}

// stockKopia returns the kopia command: the installed one, or one built from
// its module at the version Lifeboat uses.
func stockKopia(t testing.TB) string {
	t.Helper()
	if path, err := exec.LookPath("kopia"); err == nil {
		return path
	}
	dir := binaries.dir
	kopia := filepath.Join(dir, "kopia")
	if _, err := os.Stat(kopia); err == nil {
		return kopia
	}
	version := strings.TrimSpace(sh(t, "go", "list", "-m", "-f", "{{.Version}}", "github.com/kopia/kopia"))
	module := filepath.Join(dir, "kopia-module")
	if err := os.MkdirAll(module, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"mod", "init", "stock"},
		{"get", "github.com/kopia/kopia@" + version},
		{"build", "-o", kopia, "github.com/kopia/kopia"},
	} {
		cmd := exec.Command("go", args...)
		cmd.Dir = module
		if out, err := cmd.CombinedOutput(); err != nil {
			missing(t, "kopia is not installed and cannot be built: "+err.Error()+"\n"+string(out))
		}
	}
	return kopia
}

// kill -9 at any moment: the store opens, and the next run goes on.
func TestKilledRunGoesOn(t *testing.T) {
	pc := brokenPC(t, t.TempDir())
	bulk := filepath.Join(pc.Volume, "Users", "anna", "Documents", "bulk")
	if err := sample.Fill(bulk, 6000, 300<<20, 5); err != nil {
		t.Fatal(err)
	}
	store := t.TempDir()
	args := []string{"scanstate", store, "/offlineWinDir:" + filepath.Join(pc.Volume, "Windows"), "/c"}
	cmd := exec.Command(binaries.linux, args...)
	cmd.Dir = t.TempDir()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the first packs", func() bool {
		packs, _ := filepath.Glob(filepath.Join(store, "USMT", "p*"))
		return len(packs) > 0
	})
	cmd.Process.Kill()
	cmd.Wait()
	if _, err := os.Stat(filepath.Join(store, "USMT", "USMT.MIG")); err == nil {
		t.Fatal("a killed run left the mark of a complete one")
	}
	out, code := lifeboat(t, args...)
	want(t, 0, out, code)
	out, code = lifeboat(t, "usmtutils", "/verify", store)
	want(t, 0, out, code)
	back := t.TempDir()
	out, code = lifeboat(t, "usmtutils", "/extract", store, back)
	want(t, 0, out, code)
	if files := sameTree(t, pc.Volume, filepath.Join(back, "C$")); files < 6000 {
		t.Errorf("only %d files came back", files)
	}
}
