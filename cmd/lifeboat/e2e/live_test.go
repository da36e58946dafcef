//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The Windows build puts a store back into the Windows that runs: wine's. What
// wine does not have is in docs/windows.md.
func TestLiveRestoreUnderWine(t *testing.T) {
	env := winePrefix(t, nil)
	pc, store := brokenPC(t, t.TempDir()), t.TempDir()
	rules := filepath.Join(t.TempDir(), "rules.xml")
	if err := os.WriteFile(rules, []byte(liveRules), 0o644); err != nil {
		t.Fatal(err)
	}
	out, code := wine(t, env, "scanstate", windowsPath(store), `/offlineWinDir:`+windowsPath(pc.Volume)+`\Windows`, "/c", "/i:"+windowsPath(rules))
	want(t, 0, out, code)

	// The domain's users need no account here. Nothing happens in a dry run.
	load := []string{"loadstate", windowsPath(store), `/ue:PC-0412\*`, "/i:" + windowsPath(rules)}
	out, code = wine(t, env, append(load, "/plan")...)
	want(t, 0, out, code)
	prefix := ""
	for _, e := range env {
		if rest, ok := strings.CutPrefix(e, "WINEPREFIX="); ok {
			prefix = rest
		}
	}
	home := filepath.Join(prefix, "drive_c", "users", "m.ostrowski")
	if _, err := os.Stat(home); err == nil {
		t.Fatal("the dry run made a profile")
	}
	ran := filepath.Join(prefix, "drive_c", "ran.txt")
	if _, err := os.Stat(ran); err == nil {
		t.Fatal("the dry run ran a command")
	}
	out, code = wine(t, env, load...)
	want(t, 0, out, code)
	if said, err := os.ReadFile(ran); err != nil || !strings.Contains(string(said), `C:\users`) {
		t.Errorf("the command of the rules said %q, %v\n%s", said, err, out)
	}
	if files := sameTree(t, filepath.Join(pc.Volume, "Users", "m.ostrowski", "Documents"), filepath.Join(home, "Documents")); files < 5 {
		t.Errorf("only %d documents came back:\n%s", files, out)
	}
	if _, err := os.Stat(filepath.Join(home, "NTUSER.DAT")); err != nil {
		t.Error(err)
	}
	out, code = regQuery(t, env, `HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\`+pc.Users[1].SID)
	if want(t, 0, out, code); !strings.Contains(out, "m.ostrowski") {
		t.Errorf("the profile is not known:\n%s", out)
	}
	out, code = regQuery(t, env, `HKLM\SOFTWARE\Ledger`)
	if want(t, 0, out, code); !strings.Contains(out, "12345") {
		t.Errorf("the program's setting is not there:\n%s", out)
	}

	// The registry as before. Of files wine cannot remove any in this way, which is
	// all that may fail.
	out, _ = wine(t, env, "undo", windowsPath(store), "--json")
	if strings.Contains(out, `"path": "HK`) || strings.Contains(out, "HKLM") {
		t.Errorf("undo: %s", out)
	}
	for _, key := range []string{`HKLM\SOFTWARE\Ledger`, `HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\` + pc.Users[1].SID} {
		if out, code := regQuery(t, env, key); code == 0 {
			t.Errorf("%s is still there:\n%s", key, out)
		}
	}
}

// liveRules take documents, and the settings of a program, and have a command run.
const liveRules = `<migration urlid="http://lifeboat.example/live">
  <component type="Documents" context="User"><displayName>Documents</displayName><role role="Data"><rules>
    <include><objectSet><pattern type="File">%CSIDL_PERSONAL%\* [*]</pattern></objectSet></include>
  </rules></role></component>
  <component type="Application" context="System"><displayName>Ledger</displayName><role role="Settings"><rules>
    <include><objectSet><pattern type="Registry">HKLM\SOFTWARE\Ledger\* [*]</pattern></objectSet></include>
    <externalProcess when="apply-success"><commandLine>cmd /c echo %PUBLIC%&gt;C:\ran.txt</commandLine></externalProcess>
  </rules></role></component>
</migration>`

// regQuery asks wine's registry.
func regQuery(t testing.TB, env []string, key string) (string, int) {
	t.Helper()
	return runWine(t, env, "reg", "query", key)
}
