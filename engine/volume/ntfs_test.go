package volume

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lifeboat/engine/ntfs/ntfstest"
	"lifeboat/engine/winname"
)

func openNTFS(t *testing.T, v *ntfstest.Volume) *NTFS {
	t.Helper()
	image := v.Image()
	n, err := OpenNTFS(context.Background(), bytes.NewReader(image), int64(len(image)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNTFSShortNames(t *testing.T) {
	v := ntfstest.New(ntfstest.Options{})
	users := v.Folder(ntfstest.Root, "Users")
	pair := func(parent uint32, folder bool, long, short string, content ...ntfstest.Attribute) uint32 {
		return v.Add(ntfstest.File{Folder: folder, Attributes: content, Names: []ntfstest.Name{
			{Parent: parent, Name: short, Space: 2}, {Parent: parent, Name: long, Space: 1},
		}})
	}
	anna := pair(users, true, "Anna Keller", "ANNAKE~1")
	pair(anna, false, "a long letter.txt", "ALONGL~1.TXT", v.Data("", []byte("a long letter.txt")))
	v.File(anna, "PLAIN~1.TXT", []byte("PLAIN~1.TXT"))
	v.File(anna, "a second one.txt", nil)
	checkShortNames(t, openNTFS(t, v))
}

// spelled is a path without the short names in it.
func spelled(v Volume, path string) string {
	return winname.Long(path, func(path string) (string, bool) {
		info, err := v.Stat(path)
		return info.Name, err == nil
	})
}

// checkShortNames looks at a profile with short names, which are no hard links.
func checkShortNames(t *testing.T, v Volume) {
	t.Helper()
	for asked, want := range map[string]struct{ path, short string }{
		`\Users\ANNAKE~1`:                  {`\Users\Anna Keller`, "ANNAKE~1"},
		`\users\annake~1\alongl~1.txt`:     {`\users\Anna Keller\a long letter.txt`, "ALONGL~1.TXT"},
		`\Users\ANNAKE~1\PLAIN~1.TXT`:      {`\Users\Anna Keller\PLAIN~1.TXT`, ""},
		`\Users\ANNAKE~1\plain~1.txt`:      {`\Users\Anna Keller\plain~1.txt`, ""},
		`\Users\ANNAKE~1\a second one.txt`: {`\Users\Anna Keller\a second one.txt`, ""},
	} {
		info, err := v.Stat(asked)
		_, name := winname.Split(want.path)
		if err != nil || !winname.Equal(info.Name, name) {
			t.Errorf("%s is %q, %v", asked, info.Name, err)
			continue
		}
		if long := spelled(v, asked); long != want.path {
			t.Errorf("%s is spelled %s, want %s", asked, long, want.path)
		}
		extras, err := v.Extras(asked, info)
		if err != nil || extras.Short != want.short {
			t.Errorf("%s has the short name %q, want %q, %v", asked, extras.Short, want.short, err)
		}
		if links := extras.Links; info.IsDir() && links != 0 || !info.IsDir() && links != 1 {
			t.Errorf("%s has %d names", asked, links)
		}
		if !info.IsDir() && info.Size > 0 {
			if got := read(t, v, asked); got != info.Name {
				t.Errorf("%s holds %q", asked, got)
			}
		}
	}
	for _, absent := range []string{`\Users\ANNAKE~2`, `\ANNAKE~1`, `\Users\ANNAKE~1\ASECON~1.TXT`, `\Users\ANNAKE~1\ALONGL~1.TXT\x`} {
		if info, err := v.Stat(absent); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is %+v, %v", absent, info, err)
		}
		if long := spelled(v, absent); !strings.HasSuffix(long, absent[strings.LastIndexByte(absent, '\\'):]) {
			t.Errorf("%s is spelled %s", absent, long)
		}
	}
}

func TestNTFSPaths(t *testing.T) {
	v := ntfstest.New(ntfstest.Options{})
	windows := v.Folder(ntfstest.Root, "WINDOWS")
	config := v.Folder(windows, "Config")
	v.File(config, "SYSTEM", []byte("hive"))
	v.File(windows, "Über Mich.txt", []byte("ich"))
	v.File(windows, "a.txt", []byte("lower"))
	v.File(windows, "A.TXT", []byte("upper"))
	n := openNTFS(t, v)
	for asked, want := range map[string]string{
		`\WINDOWS\Config\SYSTEM`:   "hive",
		`\windows\CONFIG\System`:   "hive",
		`\windows\ÜBER mich.TXT`:   "ich",
		`\Windows\a.txt`:           "lower",
		`\Windows\A.TXT`:           "upper",
		`\Windows\a.Txt`:           "upper",
		`\Windows\Config\SYSTEM\`:  "",
		`\Windows\Config\SYSTEM\x`: "",
		`\Windows\nothing\SYSTEM`:  "",
		`\Windows\..\WINDOWS`:      "",
		`\$MFT`:                    "",
		`\$Secure`:                 "",
		`Windows`:                  "",
		``:                         "",
		`\\`:                       "",
	} {
		info, err := n.Stat(asked)
		if want == "" {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Stat(%q) = %+v, %v, want not exist", asked, info, err)
			}
			continue
		}
		if err != nil || info.Size != int64(len(want)) || read(t, n, asked) != want {
			t.Errorf("%s is %+v, %v, want %q", asked, info, err, want)
		}
	}
	if info, err := n.Stat(`\`); err != nil || !info.IsDir() || info.Name != "" {
		t.Errorf("the root is %+v, %v", info, err)
	}
	infos, err := n.ReadDir(`\windows`)
	if got, want := names(infos), []string{"A.TXT", "a.txt", "Config", "Über Mich.txt"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("names %q, %v, want %q", got, err, want)
	}
	for _, path := range []string{`\windows\a.txt`, `\nowhere`} {
		if _, err := n.ReadDir(path); err == nil {
			t.Errorf("%s lists", path)
		}
	}
	var pe *fs.PathError
	if _, err := n.Open(`\Windows`); !errors.As(err, &pe) || pe.Path != `\Windows` {
		t.Errorf("opening a folder: %v", err)
	}
}

// What is not a file of bytes here.
func TestNTFSReparse(t *testing.T) {
	v := ntfstest.New(ntfstest.Options{})
	users := v.Folder(ntfstest.Root, "Users")
	v.File(users, "a.txt", []byte("a"))
	junction := v.Add(ntfstest.File{Folder: true, Names: []ntfstest.Name{{Parent: ntfstest.Root, Name: "Junction", Space: 1}}, FileAttr: 0x400,
		Attributes: []ntfstest.Attribute{ntfstest.Reparse(TagMountPoint, []byte("body"))}})
	v.File(junction, "behind", nil)
	cloud := v.Add(ntfstest.File{Folder: true, Names: []ntfstest.Name{{Parent: ntfstest.Root, Name: "OneDrive", Space: 1}}, FileAttr: 0x400,
		Attributes: []ntfstest.Attribute{ntfstest.Reparse(0x9000701A, nil)}})
	v.File(cloud, "here", []byte("kept on this disk"))
	v.Add(ntfstest.File{Names: []ntfstest.Name{{Parent: cloud, Name: "there", Space: 1}}, FileAttr: uint32(Offline | RecallOnDataAccess),
		Attributes: []ntfstest.Attribute{v.Sparse("", make([]byte, 5000)), ntfstest.Reparse(0x9000701A, nil)}})
	content := bytes.Repeat([]byte("made smaller by Windows "), 1000)
	v.Add(ntfstest.File{Names: []ntfstest.Name{{Parent: ntfstest.Root, Name: "compact.dll", Space: 1}}, Attributes: v.WOF(content, ntfstest.LZX)})
	v.Add(ntfstest.File{Names: []ntfstest.Name{{Parent: ntfstest.Root, Name: "secret", Space: 1}}, FileAttr: uint32(Encrypted),
		Attributes: []ntfstest.Attribute{encrypted(v.Data("", make([]byte, 512))), {Type: 0x100, Name: "$EFS", Value: []byte("keys")}}})
	n := openNTFS(t, v)

	if _, err := n.Stat(`\Junction\behind`); !errors.Is(err, ErrReparse) {
		t.Errorf("over the junction: %v", err)
	}
	if _, err := n.ReadDir(`\Junction`); !errors.Is(err, ErrReparse) {
		t.Errorf("listing the junction: %v", err)
	}
	info, err := n.Stat(`\junction`)
	if err != nil || !info.IsDir() || info.Reparse != TagMountPoint {
		t.Errorf("junction is %+v, %v", info, err)
	}
	if extras, err := n.Extras(`\Junction`, info); err != nil || string(extras.Reparse[8:]) != "body" {
		t.Errorf("%+v, %v", extras, err)
	}
	if got := read(t, n, `\OneDrive\here`); got != "kept on this disk" {
		t.Errorf("reads %q", got)
	}
	if info, err := n.Stat(`\OneDrive\there`); err != nil || !info.CloudOnly() {
		t.Errorf("placeholder is %+v, %v", info, err)
	}
	if _, err := n.Open(`\OneDrive\there`); !errors.Is(err, ErrReparse) {
		t.Errorf("opening a placeholder: %v", err)
	}
	if got := read(t, n, `\compact.dll`); got != string(content) {
		t.Errorf("reads %d bytes", len(got))
	}
	info, _ = n.Stat(`\compact.dll`)
	if extras, err := n.Extras(`\compact.dll`, info); err != nil || extras.Reparse != nil || extras.Streams != nil || info.Size != int64(len(content)) {
		t.Errorf("%+v, %+v, %v: what CompactOS left shows", info, extras, err)
	}
	if _, err := n.Open(`\secret`); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("opening an encrypted file: %v", err)
	}
	if keys, err := n.EFS(`\secret`); err != nil || string(keys) != "keys" {
		t.Errorf("keys %q, %v", keys, err)
	}
}

func encrypted(a ntfstest.Attribute) ntfstest.Attribute {
	a.Flags = 0x4000
	return a
}

// Names that would lead out of the folder they are written to.
func TestNTFSHostileNames(t *testing.T) {
	v := ntfstest.New(ntfstest.Options{})
	for _, name := range []string{"..", ".", `a\b`, "a/b", "nul\x00"} {
		v.File(ntfstest.Root, name, nil)
	}
	v.File(ntfstest.Root, "fine", nil)
	infos, err := openNTFS(t, v).ReadDir(`\`)
	if got := names(infos); !slices.Equal(got, []string{"fine"}) || !errors.Is(err, errNotWindowsName) {
		t.Errorf("names %q, %v", got, err)
	}
}

func TestNTFSProblemsHavePaths(t *testing.T) {
	v := ntfstest.New(ntfstest.Options{})
	folder := v.Folder(ntfstest.Root, "Users")
	torn := v.File(folder, "torn.txt", []byte("x"))
	image := v.Image()
	image[v.RecordOffset(torn)+1023]++
	n, err := OpenNTFS(context.Background(), bytes.NewReader(image), int64(len(image)), io.NopCloser(nil))
	if err != nil {
		t.Fatal(err)
	}
	if kept, all := n.Damage(); all != 1 || kept[0].Path != `\Users\torn.txt` || kept[0].Lost {
		t.Errorf("problems %+v", kept)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

var _ Volume = (*NTFS)(nil)

// FuzzNTFSPath asks for any path: what is found is a name of its folder.
func FuzzNTFSPath(f *testing.F) {
	v := ntfstest.New(ntfstest.Options{})
	a := v.Folder(ntfstest.Root, "Ä")
	v.File(a, "ß.txt", []byte("x"))
	image := v.Image()
	n, err := OpenNTFS(context.Background(), bytes.NewReader(image), int64(len(image)), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`\Ä\ß.txt`)
	f.Add(`\\..\` + "\xed\xa0\x80")
	f.Fuzz(func(t *testing.T, path string) {
		info, err := n.Stat(path)
		if _, name := winname.Split(path); err == nil && path != `\` && !winname.Equal(name, info.Name) {
			t.Errorf("%q finds %q", path, info.Name)
		}
	})
}

// A large folder is listed in parts, each name once.
func TestListing(t *testing.T) {
	const files = listPart*2 + 10
	v := ntfstest.New(ntfstest.Options{Records: files + 100})
	many := v.Folder(ntfstest.Root, "many")
	for i := range files {
		v.Add(ntfstest.File{Names: []ntfstest.Name{{Parent: many, Name: fmt.Sprintf("file %d", i), Space: 1}}})
	}
	v.Folder(ntfstest.Root, "empty")
	v.Add(ntfstest.File{Folder: true, Names: []ntfstest.Name{{Parent: ntfstest.Root, Name: "junction", Space: 1}},
		Attributes: []ntfstest.Attribute{ntfstest.Reparse(TagMountPoint, make([]byte, 8))}})
	image := v.Image()
	n, err := OpenNTFS(t.Context(), bytes.NewReader(image), int64(len(image)), nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for i := range files {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("file %d", i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for path, v := range map[string]Volume{`\many`: n, `\`: NewMounted(d), `\empty`: n} {
		_, parts := Volume(d).(Lister) // not on Windows
		parts = parts || path != `\`
		l, err := List(v, path)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for err == nil {
			var part []Info
			part, err = l.Next()
			if parts && len(part) > listPart {
				t.Errorf("%s: a part of %d", path, len(part))
			}
			for _, e := range part {
				if seen[e.Name] {
					t.Errorf("%s: %s is there twice", path, e.Name)
				}
				seen[e.Name] = true
			}
		}
		want := files
		if path == `\empty` {
			want = 0
		}
		if err := l.Close(); err != nil || len(seen) != want {
			t.Errorf("%s: %d names, %v", path, len(seen), err)
		}
	}
	if _, err := n.List(`\junction`); !errors.Is(err, ErrReparse) {
		t.Errorf("a junction is listed: %v", err)
	}
	if _, err := n.List(`\nowhere`); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there is listed: %v", err)
	}
}
