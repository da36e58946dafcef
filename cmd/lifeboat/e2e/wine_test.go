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

// winePrefix makes a Windows of wine's with the missing library, gives folders
// drive letters in it, has it run for the time of the test, and returns the
// environment to run programs in it.
//
// By itself wine's server would end a few seconds after each program, and the next
// program that comes just then is turned away ("Connection reset by peer"). It
// knows the drives that there were when it started.
func winePrefix(t testing.TB, drives map[string]string) []string {
	t.Helper()
	need(t, "wine", "wineserver", "x86_64-w64-mingw32-gcc")
	prefix := filepath.Join(binaries.dir, "wine")
	env := []string{"WINEPREFIX=" + prefix, "WINEARCH=win64", "WINEDEBUG=-all", "DISPLAY="}
	system32 := filepath.Join(prefix, "drive_c", "windows", "system32")
	if _, err := os.Stat(filepath.Join(system32, "bcryptprimitives.dll")); err != nil {
		if err := os.MkdirAll(prefix, 0o755); err != nil {
			t.Fatal(err)
		}
		end := wineServer(t, env)
		if out, code := runWine(t, env, "wineboot", "-i"); code != 0 {
			missing(t, "wine does not start: "+out)
		}
		end()
		source := filepath.Join(t.TempDir(), "prng.c")
		if err := os.WriteFile(source, []byte(processPrng), 0o644); err != nil {
			t.Fatal(err)
		}
		sh(t, "x86_64-w64-mingw32-gcc", "-shared", "-O2", "-s", "-o", filepath.Join(system32, "bcryptprimitives.dll"), source, "-ladvapi32")
	}
	for letter, folder := range drives {
		link := filepath.Join(prefix, "dosdevices", letter)
		if err := os.Symlink(folder, link); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(link) })
	}
	t.Cleanup(wineServer(t, env))
	return env
}

// wineServer starts a server of wine's that stays until it is ended.
func wineServer(t testing.TB, env []string) (end func()) {
	t.Helper()
	server := func(option string) error {
		cmd := exec.Command("wineserver", option)
		cmd.Env = append(os.Environ(), env...)
		return cmd.Run()
	}
	if err := server("-p"); err != nil {
		missing(t, "wine's server does not start: "+err.Error())
	}
	return func() {
		server("-k")
		server("-w")
	}
}

// wine runs the Windows build.
func wine(t testing.TB, env []string, args ...string) (string, int) {
	t.Helper()
	return runWine(t, env, append([]string{binaries.windows}, args...)...)
}

// runWine runs a program in wine. It writes to files, not to pipes: services of
// wine's that it starts keep what it writes to open and stay.
func runWine(t testing.TB, env []string, args ...string) (string, int) {
	t.Helper()
	var said [2]*os.File
	for i := range said {
		var err error
		if said[i], err = os.Create(filepath.Join(t.TempDir(), "said")); err != nil {
			t.Fatal(err)
		}
		defer said[i].Close()
	}
	cmd := exec.Command("wine", args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Dir = t.TempDir()
	cmd.Stdout, cmd.Stderr = said[0], said[1]
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	all := ""
	for _, f := range said {
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		all += string(text)
	}
	return all, cmd.ProcessState.ExitCode()
}

// windowsPath is how wine's Z: drive calls a path of this system.
func windowsPath(path string) string { return `Z:` + strings.ReplaceAll(path, "/", `\`) }

func TestWindowsBuildSavesUnderWine(t *testing.T) {
	env := winePrefix(t, nil)
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
	pc := brokenPC(t, t.TempDir())
	stick := t.TempDir()
	env := winePrefix(t, map[string]string{"n:": pc.Volume, "s:": stick})
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

// The script for a real PC runs as far as wine goes.
func TestCheckScriptUnderWine(t *testing.T) {
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
	env := winePrefix(t, map[string]string{"k:": dir})
	out, _ := runWine(t, append(env, "LIFEBOAT_CHECK=quiet"), "cmd", "/c", `K:\check.cmd`, `K:\room`)
	_, block, _ := strings.Cut(out, "---- lifeboat check ----")
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
