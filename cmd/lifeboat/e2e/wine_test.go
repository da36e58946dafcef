//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// processPrng is all that Go's runtime wants from bcryptprimitives.dll, which
// wine 8 does not have.
const processPrng = `
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL ProcessPrng(PBYTE data, SIZE_T size) { return SystemFunction036(data, (ULONG)size); }
`

// winePrefix makes a Windows of wine's with the missing library, and returns
// the environment to run in it.
func winePrefix(t testing.TB) []string {
	t.Helper()
	need(t, "wine", "x86_64-w64-mingw32-gcc")
	prefix := filepath.Join(binaries.dir, "wine")
	env := []string{"WINEPREFIX=" + prefix, "WINEARCH=win64", "WINEDEBUG=-all", "DISPLAY="}
	system32 := filepath.Join(prefix, "drive_c", "windows", "system32")
	if _, err := os.Stat(filepath.Join(system32, "bcryptprimitives.dll")); err == nil {
		return env
	}
	boot := exec.Command("wine", "wineboot", "-i")
	boot.Env = append(os.Environ(), env...)
	if out, err := boot.CombinedOutput(); err != nil {
		missing(t, "wine does not start: "+err.Error()+"\n"+string(out))
	}
	source := filepath.Join(t.TempDir(), "prng.c")
	if err := os.WriteFile(source, []byte(processPrng), 0o644); err != nil {
		t.Fatal(err)
	}
	sh(t, "x86_64-w64-mingw32-gcc", "-shared", "-O2", "-s", "-o", filepath.Join(system32, "bcryptprimitives.dll"), source, "-ladvapi32")
	return env
}

// wine runs the Windows build.
func wine(t testing.TB, env []string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command("wine", append([]string{binaries.windows}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Dir = t.TempDir()
	var errs strings.Builder
	cmd.Stderr = &errs
	out, _ := cmd.Output()
	return string(out) + errs.String(), cmd.ProcessState.ExitCode()
}

// windowsPath is how wine's Z: drive calls a path of this system.
func windowsPath(path string) string { return `Z:` + strings.ReplaceAll(path, "/", `\`) }

func TestWindowsBuildSavesUnderWine(t *testing.T) {
	env := winePrefix(t)
	pc := brokenPC(t, t.TempDir())
	store, back := t.TempDir(), t.TempDir()

	out, code := wine(t, env, "detect", windowsPath(pc.Volume))
	if want(t, 0, out, code); !strings.Contains(out, "PC-0412") {
		t.Errorf("detect does not name the computer:\n%s", out)
	}
	out, code = wine(t, env, "scanstate", windowsPath(store), `/offlineWinDir:`+windowsPath(pc.Volume)+`\Windows`, "/c")
	want(t, 0, out, code)
	out, code = wine(t, env, "usmtutils", "/verify", windowsPath(store))
	want(t, 0, out, code)
	out, code = wine(t, env, "usmtutils", "/extract", windowsPath(store), windowsPath(back))
	want(t, 0, out, code)
	if files := sameTree(t, pc.Volume, filepath.Join(back, "C$")); files < 100 {
		t.Errorf("only %d files came back", files)
	}
	// One format on both systems.
	out, code = lifeboat(t, "usmtutils", "/verify", store)
	want(t, 0, out, code)
}

// Drives that are mapped, as a person has them: the volume to save from and the
// place for the store each have a letter.
func TestMappedDrivesUnderWine(t *testing.T) {
	env := winePrefix(t)
	pc := brokenPC(t, t.TempDir())
	stick := t.TempDir()
	mapDrives(t, map[string]string{"n:": pc.Volume, "s:": stick})
	out, code := wine(t, env, "detect", `N:\`)
	if want(t, 0, out, code); !strings.Contains(out, `on N:\`) {
		t.Errorf("detect does not name the drive:\n%s", out)
	}
	out, code = wine(t, env, "scanstate", `S:\stores\PC-0412`, `/offlineWinDir:N:\Windows`, "/c")
	want(t, 0, out, code)
	out, code = wine(t, env, "usmtutils", "/verify", `S:\stores\PC-0412`)
	want(t, 0, out, code)
	out, code = wine(t, env, "usmtutils", "/extract", `S:\stores\PC-0412`, `S:\back`)
	want(t, 0, out, code)
	if files := sameTree(t, pc.Volume, filepath.Join(stick, "back", "C$")); files < 100 {
		t.Errorf("only %d files came back", files)
	}
	// The store may not lie on the volume that is saved.
	out, code = wine(t, env, "scanstate", `N:\store`, `/offlineWinDir:N:\Windows`, "/c")
	if code == 0 {
		t.Errorf("a store on the source:\n%s", out)
	}
	if _, err := os.Stat(filepath.Join(pc.Volume, "store")); err == nil {
		t.Error("the source was written to")
	}
}

// mapDrives gives folders drive letters of wine's for the time of the test.
func mapDrives(t *testing.T, letters map[string]string) {
	t.Helper()
	for letter, folder := range letters {
		link := filepath.Join(binaries.dir, "wine", "dosdevices", letter)
		if err := os.Symlink(folder, link); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(link) })
	}
}

// The script for a real PC runs as far as wine goes.
func TestCheckScriptUnderWine(t *testing.T) {
	env := winePrefix(t)
	root := strings.TrimSpace(sh(t, "go", "list", "-m", "-f", "{{.Dir}}"))
	script, err := os.ReadFile(filepath.Join(root, "docs", "check-on-a-pc.cmd"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(script), "\n") != strings.Count(string(script), "\r\n") {
		t.Error("a batch file needs the line ends of Windows, or its jumps may miss")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "check.cmd"), script, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(binaries.windows, filepath.Join(dir, "lifeboat.exe")); err != nil {
		t.Fatal(err)
	}
	mapDrives(t, map[string]string{"k:": dir})
	cmd := exec.Command("wine", "cmd", "/c", `K:\check.cmd`, `K:\room`)
	cmd.Env = append(append(os.Environ(), env...), "LIFEBOAT_CHECK=quiet")
	out, _ := cmd.Output()
	_, block, _ := strings.Cut(string(out), "---- lifeboat check ----")
	block, _, whole := strings.Cut(block, "---- end ----")
	if !whole {
		t.Fatalf("there is no block:\n%s", out)
	}
	for _, line := range []string{"lifeboat v0.0.1", "disks ok, code 0", "machine ok, code 0", "detect ok, code 26", "demo ok, code 0", "scanstate ok, code 0", "verify ok, code 0", "extract ok, code 0", "loadstate ok, code 0", "plan 0"} {
		if !strings.Contains(block, line) {
			t.Errorf("the block has no line %q", line)
		}
	}
	if t.Failed() {
		t.Log(block)
	}
}
