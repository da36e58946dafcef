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
