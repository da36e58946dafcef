//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// refreshed moves what is on a volume to Windows.old, as setting Windows up anew
// does.
func refreshed(t testing.TB, volume string) {
	t.Helper()
	entries, err := os.ReadDir(volume)
	if err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(volume, "Windows.old")
	if err := os.Mkdir(old, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Rename(filepath.Join(volume, e.Name()), filepath.Join(old, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
}

// used is how many bytes of a volume are taken.
func used(t testing.TB, volume string) int64 {
	t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(volume, &s); err != nil {
		t.Fatal(err)
	}
	return int64(s.Blocks-s.Bfree) * int64(s.Bsize)
}

// sameFiles counts the files of a folder that another has under the same names,
// by links.
func sameFiles(t testing.TB, a, b string) (files int) {
	t.Helper()
	for path, info := range walk(t, a) {
		if info.IsDir() || strings.HasPrefix(strings.ToUpper(filepath.Base(path)), "NTUSER.") || strings.HasPrefix(strings.ToUpper(filepath.Base(path)), "USRCLASS.") {
			continue
		}
		other, err := os.Lstat(filepath.Join(b, path))
		if err != nil {
			t.Errorf("%v", err)
		} else if !os.SameFile(info, other) {
			t.Errorf("%s was copied", path)
		}
		files++
	}
	return files
}

const film = 40 << 20

// From Windows.old to the new Windows on the same volume: the store and the new
// profiles hold the very files, nothing is copied, and when the store is deleted
// all of them are still there.
func TestWindowsOldByHardLinks(t *testing.T) {
	volume, _ := ntfs(t, 300)
	pc := brokenPC(t, volume)
	decorate(t, pc)
	movie := filepath.Join(volume, "Users/anna/Documents/film.bin")
	if err := os.WriteFile(movie, bytes.Repeat([]byte("film"), film/4), 0o644); err != nil {
		t.Fatal(err)
	}
	refreshed(t, volume)
	brokenPC(t, volume)
	for _, u := range pc.Users {
		os.RemoveAll(filepath.Join(volume, "Users", u.Profile, "Documents"))
		os.RemoveAll(filepath.Join(volume, "Users", u.Profile, "Desktop"))
		os.RemoveAll(filepath.Join(volume, "Users", u.Profile, "Downloads"))
	}
	store, rules := filepath.Join(volume, "MIG"), writeRules(t)
	old := filepath.Join(volume, "Windows.old", "Users")
	before := used(t, volume)

	// The same volume twice more, as it is not: on another one, and read raw.
	out, code := lifeboat(t, "scanstate", t.TempDir(), "/offlineWinOld:"+filepath.Join(volume, "Windows.old"), "/i:"+rules, "/hardlink", "/nocompress")
	want(t, 11, out, code)
	out, code = lifeboat(t, "scanstate", store, "/offlineWinOld:"+filepath.Join(volume, "Windows.old"), "/i:"+rules, "/hardlink", "/nocompress", "/reader:raw")
	want(t, 11, out, code)

	out, code = lifeboat(t, "scanstate", store, "/offlineWinOld:"+filepath.Join(volume, "Windows.old"), "/i:"+rules, "/hardlink", "/nocompress")
	want(t, 0, out, code)
	if strings.Contains(out, "may be wiped") {
		t.Errorf("the disk with the store on it may be wiped:\n%s", out)
	}
	out, code = lifeboat(t, "usmtutils", "/verify", store)
	want(t, 0, out, code)
	if files := sameFiles(t, filepath.Join(old, "anna/Documents"), filepath.Join(store, "USMT/File/C$/Users/anna/Documents")); files < 15 {
		t.Errorf("only %d files in the store", files)
	}

	out, code = lifeboat(t, "loadstate", store, "/hardlink", "/nocompress", "/offlineWinDir:"+filepath.Join(volume, "Windows"), "/i:"+rules)
	want(t, 0, out, code)
	for _, u := range pc.Users {
		for _, folder := range []string{"Documents", "Downloads"} {
			if files := sameFiles(t, filepath.Join(old, u.Profile, folder), filepath.Join(volume, "Users", u.Profile, folder)); files == 0 {
				t.Errorf("no file in %s of %s", folder, u.Name)
			}
		}
	}
	// ntfs-3g gives back what it took in advance for a file some time after it is closed.
	waitFor(t, "no more room to be taken than for a catalog", func() bool { return used(t, volume)-before < film/8 })
	stream := xattr(t, filepath.Join(volume, "Users/anna/Downloads/setup.exe"), "user.Zone.Identifier")
	if !bytes.HasPrefix(stream, []byte("[ZoneTransfer]")) {
		t.Errorf("stream %q", stream)
	}

	// Once more there is nothing to do; and the read-only file loses nothing when
	// the store goes.
	out, code = lifeboat(t, "loadstate", store, "/hardlink", "/nocompress", "/offlineWinDir:"+filepath.Join(volume, "Windows"), "/i:"+rules, "/json")
	if want(t, 0, out, code); !strings.Contains(out, `"files": 0`) {
		t.Errorf("written again:\n%s", out)
	}
	readOnly := filepath.Join(volume, "Users/anna/Desktop/To do.txt")
	was := inspect(t, readOnly)
	out, code = lifeboat(t, "usmtutils", "/rd", store, "/y")
	want(t, 0, out, code)
	if _, err := os.Lstat(filepath.Join(store, "USMT")); err == nil {
		t.Error("the store is still there")
	}
	if is := inspect(t, readOnly); is.attributes != was.attributes || is.attributes&1 == 0 || is.content != was.content {
		t.Errorf("it was %+v and is %+v", was, is)
	}
	if data, err := os.ReadFile(filepath.Join(volume, "Users/anna/Documents/film.bin")); err != nil || len(data) != film {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

// The new Windows has other accounts. What it is given belongs to them, under all
// the names it has; undo gives the rights back that were there.
func TestHardLinksToOtherAccounts(t *testing.T) {
	volume, _ := ntfs(t, 300)
	pc := brokenPC(t, volume)
	realRegistry(t, pc)
	decorate(t, pc)
	refreshed(t, volume)
	realPC(t, volume)
	store, rules := filepath.Join(volume, "MIG"), writeRules(t)
	file := filepath.Join(volume, "Windows.old/Users/anna/Documents/Letters/letter 03.txt")
	was := inspect(t, file)
	out, code := lifeboat(t, "scanstate", store, "/offlineWinOld:"+filepath.Join(volume, "Windows.old"), "/i:"+rules, "/hardlink", "/nocompress")
	want(t, 0, out, code)
	if is := inspect(t, file); !bytes.Equal(is.security, was.security) {
		t.Error("saving changed its rights")
	}
	out, code = lifeboat(t, "loadstate", store, "/hardlink", "/nocompress", "/offlineWinDir:"+filepath.Join(volume, "Windows"), "/i:"+rules, "/lac", "/lae")
	want(t, 0, out, code)
	sids, _ := accounts(t, volume)
	var annas string
	for _, u := range pc.Users {
		if u.Profile == "anna" {
			annas = u.SID
		}
	}
	if annas == "" || sids["anna"] == "" || sids["anna"] == annas {
		t.Fatalf("anna was %s and is %s", annas, sids["anna"])
	}
	is := inspect(t, filepath.Join(volume, "Users/anna/Documents/Letters/letter 03.txt"))
	if expect := bytes.ReplaceAll(was.security, sidBytes(annas), sidBytes(sids["anna"])); !bytes.Equal(is.security, expect) {
		t.Errorf("rights %x, want %x", is.security, expect)
	}
	if also := inspect(t, file); !bytes.Equal(also.security, is.security) {
		t.Error("it is not the same file")
	}
	out, code = lifeboat(t, "undo", store)
	want(t, 0, out, code)
	if _, err := os.Lstat(filepath.Join(volume, "Users/anna")); err == nil {
		t.Error("the new profile is still there")
	}
	if back := inspect(t, file); !bytes.Equal(back.security, was.security) || back.content != was.content || back.written != was.written {
		t.Errorf("it was %+v and is %+v", was, back)
	}
}

// letters takes what fusefat can have: it loses files with names beyond UCS-2.
const letters = `<?xml version="1.0" encoding="UTF-8"?>
<migration urlid="http://lifeboat.example/letters">
  <component type="Documents" context="User"><displayName>Letters</displayName>
    <role role="Data"><rules>
      <include><objectSet><pattern type="File">%CSIDL_PROFILE%\Documents\Letters\* [*]</pattern></objectSet></include>
    </rules></role>
  </component>
</migration>
`

// Plain files on a stick with FAT32.
func TestPlainFilesOnFAT32(t *testing.T) {
	volume, readOnly := ntfs(t, 200)
	brokenPC(t, volume)
	readOnly()
	stick := fat32(t, 300)
	store, rules := filepath.Join(stick, "store"), filepath.Join(t.TempDir(), "letters.xml")
	if err := os.WriteFile(rules, []byte(letters), 0o644); err != nil {
		t.Fatal(err)
	}
	out, code := lifeboat(t, "scanstate", store, "/offlineWinDir:"+filepath.Join(volume, "Windows"), "/i:"+rules, "/nocompress")
	want(t, 0, out, code)
	const folder = "Users/m.ostrowski/Documents/Letters"
	files := 0
	for path, info := range walk(t, filepath.Join(volume, folder)) { // fusefat sets no times
		if info.IsDir() {
			continue
		}
		if files++; sum(t, filepath.Join(volume, folder, path)) != sum(t, filepath.Join(store, "USMT/File/C$", folder, path)) {
			t.Errorf("%s differs", path)
		}
	}
	if files < 5 {
		t.Errorf("only %d files", files)
	}
	out, code = lifeboat(t, "usmtutils", "/verify", store)
	want(t, 0, out, code)
}

// The Windows build links too, puts back by links, and removes the store without
// taking anything from the files.
func TestWindowsBuildLinksUnderWine(t *testing.T) {
	env := winePrefix(t, nil)
	volume := t.TempDir()
	pc := brokenPC(t, volume)
	refreshed(t, volume)
	brokenPC(t, volume)
	for _, u := range pc.Users {
		os.RemoveAll(filepath.Join(volume, "Users", u.Profile, "Documents"))
	}
	store, rules := filepath.Join(volume, "MIG"), writeRules(t)
	old := filepath.Join(volume, "Windows.old", "Users")
	out, code := wine(t, env, "scanstate", windowsPath(store), "/offlineWinOld:"+windowsPath(filepath.Join(volume, "Windows.old")), "/i:"+windowsPath(rules), "/hardlink", "/nocompress", "/c")
	want(t, 0, out, code)
	if files := sameFiles(t, filepath.Join(old, "anna/Documents"), filepath.Join(store, "USMT/File/C$/Users/anna/Documents")); files < 15 {
		t.Errorf("only %d files in the store", files)
	}
	out, code = wine(t, env, "usmtutils", "/verify", windowsPath(store))
	want(t, 0, out, code)
	out, code = wine(t, env, "loadstate", windowsPath(store), "/hardlink", "/nocompress", "/offlineWinDir:"+windowsPath(filepath.Join(volume, "Windows")), "/i:"+windowsPath(rules), "/c")
	want(t, 0, out, code)
	if files := sameFiles(t, filepath.Join(old, "anna/Documents"), filepath.Join(volume, "Users/anna/Documents")); files < 15 {
		t.Errorf("only %d files put back", files)
	}
	letter := filepath.Join(volume, "Users/anna/Documents/Letters/letter 01.txt")
	if err := os.Chmod(letter, 0o444); err != nil { // read-only, as wine sees it
		t.Fatal(err)
	}
	out, code = wine(t, env, "usmtutils", "/rd", windowsPath(store), "/y")
	want(t, 0, out, code)
	if _, err := os.Lstat(filepath.Join(store, "USMT")); err == nil {
		t.Error("the store is still there")
	}
	if info, err := os.Stat(letter); err != nil || info.Mode().Perm() != 0o444 || info.Size() == 0 {
		t.Errorf("%v, %v", info, err)
	}
}
