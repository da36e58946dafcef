//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// otherPC is a second PC that lacks two of the first one's users.
func otherPC(t testing.TB) string {
	t.Helper()
	pc := brokenPC(t, t.TempDir())
	for _, gone := range []string{"m.ostrowski", "localadmin", "gone.CORP"} {
		if err := os.RemoveAll(filepath.Join(pc.Volume, "Users", gone)); err != nil {
			t.Fatal(err)
		}
	}
	return pc.Volume
}

// The Windows build puts a store back into an offline Windows and takes it back.
func TestWindowsBuildRestoresUnderWine(t *testing.T) {
	env := winePrefix(t, nil)
	pc, other := brokenPC(t, t.TempDir()), otherPC(t)
	store := t.TempDir()
	out, code := wine(t, env, "scanstate", windowsPath(store), `/offlineWinDir:`+windowsPath(pc.Volume)+`\Windows`, "/c")
	want(t, 0, out, code)

	load := []string{"loadstate", windowsPath(store), `/offlineWinDir:` + windowsPath(other) + `\Windows`, "/c", "/lac"}
	out, code = wine(t, env, append(load, "/plan")...)
	if want(t, 0, out, code); !strings.Contains(out, "would put back") {
		t.Errorf("no plan:\n%s", out)
	}
	out, code = wine(t, env, load...)
	want(t, 0, out, code)
	if files := sameTree(t, filepath.Join(pc.Volume, "Users", "localadmin", "Documents"), filepath.Join(other, "Users", "localadmin", "Documents")); files < 5 {
		t.Errorf("only %d documents came back:\n%s", files, out)
	}
	// What one system wrote, the other detects and takes back.
	out, code = lifeboat(t, "detect", other)
	if want(t, 0, out, code); !strings.Contains(out, "localadmin") {
		t.Errorf("localadmin is not there:\n%s", out)
	}
	out, code = lifeboat(t, "undo", store, other)
	want(t, 0, out, code)
	if _, err := os.Stat(filepath.Join(other, "Users", "localadmin")); err == nil {
		t.Error("localadmin's profile is still there")
	}
}

// The password of a new account is found by a program that reads SAM.
func TestPasswordOfNewAccountIsReadByOthers(t *testing.T) {
	const python, dump = "/usr/bin/python3", "/usr/share/doc/python3-impacket/examples/secretsdump.py"
	need(t, python)
	if _, err := os.Stat(dump); err != nil {
		missing(t, "python3-impacket is not installed")
	}
	pc, other, store := brokenPC(t, t.TempDir()), otherPC(t), t.TempDir()
	out, code := lifeboat(t, "scanstate", store, "/offlineWinDir:"+pc.Volume+"/Windows", "/c")
	want(t, 0, out, code)
	out, code = lifeboat(t, "loadstate", store, "/offlineWinDir:"+other+"/Windows", "/c", "/lac:password", "/lae", "/mu:localadmin:otto")
	want(t, 0, out, code)
	config := filepath.Join(other, "Windows", "System32", "config")
	out = sh(t, python, dump, "-sam", filepath.Join(config, "SAM"), "-system", filepath.Join(config, "SYSTEM"), "LOCAL")
	if !strings.Contains(out, "otto:1003:aad3b435b51404eeaad3b435b51404ee:8846f7eaee8fb117ad06bdd830b7586c:::") {
		t.Errorf("the password is not there:\n%s", out)
	}
}
