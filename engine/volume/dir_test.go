package volume

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"lifeboat/engine/winname"
)

// tree makes the files in a new folder and opens it; a path that ends in a
// slash is a folder, a file holds its own path.
func tree(t *testing.T, paths ...string) (*Dir, string) {
	t.Helper()
	root := t.TempDir()
	for _, p := range paths {
		native := filepath.Join(root, filepath.FromSlash(p))
		if strings.HasSuffix(p, "/") {
			mkdir(t, native)
			continue
		}
		mkdir(t, filepath.Dir(native))
		if err := os.WriteFile(native, []byte(p), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d, err := OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, root
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, v Volume, path string) string {
	t.Helper()
	f, err := v.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func names(infos []Info) []string {
	var out []string
	for _, i := range infos {
		out = append(out, i.Name)
	}
	return out
}

// sameName compares the name that Stat tells: Windows echoes how it was asked.
func sameName(got, want string) bool {
	return got == want || runtime.GOOS == "windows" && winname.Equal(got, want)
}

func TestLookupIgnoresCase(t *testing.T) {
	d, _ := tree(t, "WINDOWS/system32/Config/SYSTEM", "Dokumente/Über Mich.txt")
	for asked, want := range map[string]string{
		`\WINDOWS\system32\Config\SYSTEM`:  "WINDOWS/system32/Config/SYSTEM",
		`\Windows\System32\config\system`:  "WINDOWS/system32/Config/SYSTEM",
		`\windows\SYSTEM32\CONFIG\System`:  "WINDOWS/system32/Config/SYSTEM",
		`\dokumente\ÜBER mich.TXT`:         "Dokumente/Über Mich.txt",
		`\DOKUMENTE\über mich.txt`:         "Dokumente/Über Mich.txt",
		`\Windows\system32\config\SYSTEM `: "",
		`\Windows\system32`:                "folder",
		`\Windows\nothing\SYSTEM`:          "",
		`\Windows\System32\config\SYSTEM\`: "",
		`\Dokumente\Über Mich.txt\more`:    "",
		`Windows`:                          "",
		``:                                 "",
	} {
		info, err := d.Stat(asked)
		switch {
		case want == "":
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Stat(%q): %v, want not exist", asked, err)
			}
		case err != nil:
			t.Errorf("Stat(%q): %v", asked, err)
		case want == "folder":
			if !info.IsDir() || !sameName(info.Name, "system32") {
				t.Errorf("Stat(%q) = %+v", asked, info)
			}
		case !sameName(info.Name, filepath.Base(want)) || info.Size != int64(len(want)):
			t.Errorf("Stat(%q) = %+v, want the name as on the disk and size %d", asked, info, len(want))
		case read(t, d, asked) != want:
			t.Errorf("Open(%q) opens another file", asked)
		}
	}
	if _, err := d.ReadDir(`\windows\system32`); err != nil {
		t.Errorf("ReadDir in another case: %v", err)
	}
}

func TestNoWayOut(t *testing.T) {
	d, root := tree(t, "Users/a.txt", "outside/secret.txt")
	inner, err := OpenDir(filepath.Join(root, "Users"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		`\..\outside\secret.txt`, `\..`, `\.\a.txt`, `\a.txt\..\a.txt`, `\../outside/secret.txt`, "\\a.txt\x00", `\` + filepath.Join(root, "outside"),
	} {
		if _, err := inner.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Stat(%q) = %v, want not exist", path, err)
		}
		if f, err := inner.Open(path); err == nil {
			f.Close()
			t.Errorf("Open(%q) opened", path)
		}
	}
	if got := read(t, d, `\outside\secret.txt`); got != "outside/secret.txt" {
		t.Errorf("the file itself reads %q", got)
	}
}

func TestErrorNamesWindowsPath(t *testing.T) {
	d, root := tree(t, "Users/")
	_, err := d.Open(`\Users\anna\a.txt`)
	var pe *fs.PathError
	if !errors.As(err, &pe) || pe.Path != `\Users\anna\a.txt` || strings.Contains(err.Error(), root) {
		t.Errorf("error is %v, want it to name the volume's path only", err)
	}
	if _, err := d.Open(`\Users`); err == nil {
		t.Error("a folder opened as a file")
	}
	if _, err := d.ReadDir(`\nowhere`); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadDir of nothing: %v", err)
	}
	if _, err := OpenDir(filepath.Join(root, "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("OpenDir of nothing: %v", err)
	}
}

func TestReadDirOrderAndInfo(t *testing.T) {
	d, root := tree(t, "b.txt", "A/", "c/", "Z.txt", "ä.txt")
	when := time.Date(2019, 3, 4, 5, 6, 7, 123456700, time.UTC)
	if err := os.Chtimes(filepath.Join(root, "b.txt"), when, when); err != nil {
		t.Fatal(err)
	}
	infos, err := d.ReadDir(`\`)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(infos), []string{"A", "b.txt", "c", "Z.txt", "ä.txt"}; !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
	for _, i := range infos {
		one, err := d.Stat(`\` + i.Name)
		if err != nil {
			t.Fatal(err)
		}
		// What a listing and a look at one file tell may differ in the time of access.
		one.Accessed, i.Accessed = time.Time{}, time.Time{}
		if one != i {
			t.Errorf("Stat %+v differs from ReadDir %+v", one, i)
		}
		if i.Name == "b.txt" && (!i.Modified.Equal(when) || i.Size != 5 || i.IsDir() || i.FileID == 0) {
			t.Errorf("b.txt is %+v", i)
		}
	}
}

func TestCachesStayBounded(t *testing.T) {
	d, root := tree(t)
	for i := range maxListings + 10 {
		mkdir(t, filepath.Join(root, fmt.Sprint("Folder", i), "sub"))
	}
	for i := range maxListings + 10 {
		if _, err := d.Stat(fmt.Sprintf(`\FOLDER%d\SUB`, i)); err != nil && runtime.GOOS != "windows" {
			t.Fatal(err)
		}
	}
	if len(d.listings) > maxListings || len(d.folders) > maxFolders {
		t.Errorf("%d listings and %d folders kept", len(d.listings), len(d.folders))
	}
}
