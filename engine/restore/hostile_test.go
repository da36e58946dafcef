package restore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/engine/job"
	"lifeboat/engine/regf"
	"lifeboat/engine/sample"
	"lifeboat/engine/store"
)

// fakeTree is a capture made by hand: content by path.
type fakeTree map[string]string

func (f fakeTree) Open(_ context.Context, path string) (store.File, error) {
	data, ok := f[path]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return fakeFile{bytes.NewReader([]byte(data))}, nil
}

type fakeFile struct{ *bytes.Reader }

func (fakeFile) Close() error    { return nil }
func (f fakeFile) Length() int64 { return f.Size() }

// fake makes a capture in which anna took objects with the content "planted".
func fake(t *testing.T, objects ...store.Object) fakeTree {
	t.Helper()
	c := store.Catalog{
		Version: store.CatalogVersion, Computer: sample.Computer,
		Users: []store.CatalogUser{{SID: sample.MachineSID + "-1001", Name: "anna", Domain: sample.Computer, Profile: `C:\Users\anna`, Taken: true}},
		Units: []store.CatalogUnit{{Component: "All", File: "urn:fake", Context: sample.MachineSID + "-1001", Role: "Data"}},
	}
	f := fakeTree{store.CaptureJSON: mustJSON(t, c), store.RestoreJSON: mustJSON(t, store.Recorded{})}
	var lines strings.Builder
	for _, o := range objects {
		o.Units = []int{0}
		if !o.Dir {
			o.Size = int64(len("planted"))
			f[store.FilePath(string(o.Path))] = "planted"
		}
		lines.WriteString(mustJSON(t, o) + "\n")
	}
	f[store.ObjectsJSONL] = lines.String()
	return f
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Whatever a store says, nothing is written outside the volume, to a device, into
// a stream, or over a hive.
func TestImpossiblePathsAreRefused(t *testing.T) {
	for _, path := range []string{
		`C:\Users\anna\..\..\..\outside.txt`, `C:\..\outside.txt`, `..\outside.txt`, `\outside.txt`, `/etc/outside.txt`,
		`C:\Users\anna\a/../../../../outside.txt`, `\\server\share\outside.txt`, `C:\Users\anna\NUL`, `C:\Users\anna\com1.txt`,
		`C:\Users\anna\LPT³`, `C:\Users\anna\x:stream`, "C:\\Users\\anna\\x\x00y", `C:`, `C:\Users\\anna\outside.txt`, ``, `CC:\outside.txt`,
		`C:\Users\anna\.\outside.txt`,
	} {
		b := secondPC(t)
		before := tree(t, b.dir)
		s := saved{tree: nil}
		result, err := putTree(t, fake(t, store.Object{Path: store.Text(path)}), b, s)
		if err != nil {
			t.Errorf("%q: %v", path, err)
		}
		if result.Done.Files != 0 || result.Count == 0 {
			t.Errorf("%q: %+v, %d problems", path, result.Done, result.Count)
		}
		sameTrees(t, before, tree(t, b.dir))
		if _, err := os.Stat(filepath.Join(filepath.Dir(b.dir), "outside.txt")); err == nil {
			t.Fatalf("%q: written outside", path)
		}
	}
}

func putTree(t *testing.T, f Tree, p *pc, s saved) (*Result, error) {
	t.Helper()
	req := Request{Tree: f, Sources: p.sources, Installation: p.inst, Rules: s.rules, Journal: filepath.Join(t.TempDir(), "journal.jsonl")}
	return Run(t.Context(), req, job.NewControl(clock, job.Always{Unreadable: job.Skip}))
}

func TestHiveFilesAreNotOverwritten(t *testing.T) {
	b := secondPC(t)
	before := tree(t, b.dir)
	result, err := putTree(t, fake(t,
		store.Object{Path: `C:\Users\anna\NTUSER.DAT`}, store.Object{Path: `C:\Users\anna\ntuser.dat.LOG1`},
		store.Object{Path: `C:\Users\anna\AppData\Local\Microsoft\Windows\UsrClass.dat`},
		store.Object{Path: `C:\Windows\System32\config\SOFTWARE`}, store.Object{Path: `C:\Users\Default\NTUSER.DAT`},
	), b, saved{})
	if err != nil || result.Done.Files != 0 {
		t.Errorf("%+v, %v", result.Done, err)
	}
	sameTrees(t, before, tree(t, b.dir))
}

// Links that somebody planted in the destination lead nowhere.
func TestPlantedLinks(t *testing.T) {
	b := secondPC(t)
	outside := t.TempDir()
	if err := os.Symlink(outside, b.path(`C:\Users\anna\Desktop\link`)); err != nil {
		t.Skip(err)
	}
	writeFile(t, filepath.Join(outside, "victim.txt"), "untouched")
	if err := os.Symlink(filepath.Join(outside, "victim.txt"), b.path(`C:\Users\anna\Desktop\file.txt`)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("..", b.path(`C:\Users\anna\Desktop\up`)); err != nil {
		t.Fatal(err)
	}
	result, err := putTree(t, fake(t,
		store.Object{Path: `C:\Users\anna\Desktop\link\planted.txt`}, store.Object{Path: `C:\Users\anna\Desktop\up\planted.txt`},
		store.Object{Path: `C:\Users\anna\Desktop\file.txt`}, store.Object{Path: `C:\Users\anna\Desktop\link`, Dir: true},
	), b, saved{})
	if err != nil {
		t.Fatal(err)
	}
	entries, _ := os.ReadDir(outside)
	if got, _ := os.ReadFile(filepath.Join(outside, "victim.txt")); string(got) != "untouched" || len(entries) != 1 {
		t.Errorf("written through a link: %q, %d entries", got, len(entries))
	}
	if _, err := os.Stat(b.path(`C:\Users\anna\planted.txt`)); err == nil {
		t.Error("written through a link inside the volume")
	}
	if result.Count < 3 {
		t.Errorf("%d problems", result.Count)
	}
	if got, _ := os.ReadFile(b.path(`C:\Users\anna\Desktop\file(1).txt`)); string(got) != "planted" {
		t.Errorf("beside the link: %q", got)
	}
}

func TestDamagedCatalogs(t *testing.T) {
	b := secondPC(t)
	before := tree(t, b.dir)
	for name, change := range map[string]func(fakeTree){
		"none":        func(f fakeTree) { delete(f, store.CaptureJSON) },
		"no JSON":     func(f fakeTree) { f[store.CaptureJSON] = "{" },
		"newer":       func(f fakeTree) { f[store.CaptureJSON] = `{"version": 99}` },
		"rules":       func(f fakeTree) { f[store.RestoreJSON] = `{"rules": 7}` },
		"descriptors": func(f fakeTree) { f[store.SecurityJSONL] = "x\n" },
		"objects":     func(f fakeTree) { f[store.ObjectsJSONL] = "{\"path\": 1}\n" },
	} {
		f := fake(t)
		change(f)
		if _, err := putTree(t, f, b, saved{}); !errors.Is(err, ErrCatalog) {
			t.Errorf("%s: %v", name, err)
		}
	}
	sameTrees(t, before, tree(t, b.dir))
	// What names units or users that there are not is passed over.
	f := fake(t, store.Object{Path: `C:\x.txt`})
	f[store.ObjectsJSONL] = `{"path":"C:\\x.txt","units":[-1,7,99999]}` + "\n"
	f[store.RestoreJSON] = `{"rules":[{"unit":-3,"kind":"merge","script":"MigXmlHelper.SourcePriority()","patterns":[]}],"remaps":[{"unit":99}],"added":[{"unit":50}]}`
	f["Registry/HKLM.jsonl"] = `{"path":"HKLM\\SAM\\SAM","units":[0],"values":[{"name":"x","type":1,"data":""}]}` + "\n" +
		`{"path":"HKCC\\x","units":[0]}` + "\n" + `{"path":"HKU\\S-1-5-21-9-9-9-500\\x","units":[0]}` + "\n"
	result, err := putTree(t, f, b, saved{})
	if err != nil || result.Done.Files+result.Done.Values != 0 {
		t.Errorf("%+v, %v", result.Done, err)
	}
	sameTrees(t, before, tree(t, b.dir))
}

// A file whose content is damaged in the store leaves nothing behind.
func TestShortFile(t *testing.T) {
	b := secondPC(t)
	f := fake(t, store.Object{Path: `C:\Users\anna\Documents\short.txt`})
	f[store.FilePath(`C:\Users\anna\Documents\short.txt`)] = "half"
	result, err := putTree(t, f, b, saved{})
	if err != nil || result.Count != 1 {
		t.Errorf("%d problems, %v", result.Count, err)
	}
	entries, _ := os.ReadDir(b.path(`C:\Users\anna\Documents`))
	for _, e := range entries {
		if strings.Contains(e.Name(), "short") || strings.Contains(e.Name(), "lifeboat") {
			t.Errorf("%s is left", e.Name())
		}
	}
}

// A drive that is not there becomes the system's; a profile elsewhere follows its
// user.
func TestPlacesOnTheDestination(t *testing.T) {
	b := secondPC(t)
	f := fake(t, store.Object{Path: `E:\data\x.txt`}, store.Object{Path: `D:\Home\anna\Documents\y.txt`}, store.Object{Path: `C:\Tools\z.txt`})
	f[store.CaptureJSON] = strings.Replace(f[store.CaptureJSON], `C:\\Users\\anna`, `D:\\Home\\anna`, 1)
	result, err := putTree(t, f, b, saved{})
	if err != nil || result.Done.Files != 3 {
		t.Fatalf("%+v, %v", result.Done, err)
	}
	for _, path := range []string{`C:\data\x.txt`, `C:\Users\anna\Documents\y.txt`, `C:\Tools\z.txt`} {
		if got, err := os.ReadFile(b.path(path)); string(got) != "planted" {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
}

func TestSetINI(t *testing.T) {
	for _, c := range []struct{ old, section, key, value, want string }{
		{"", "A", "k", "1", "[A]\r\nk=1\r\n"},
		{"[A]\r\nk=0\r\nl=2\r\n", "a", "K", "1", "[A]\r\nk=1\r\nl=2\r\n"},
		{"[A]\nl=2\n\n[B]\nk=0\n", "A", "k", "1", "[A]\nl=2\nk=1\n\n[B]\nk=0\n"},
		{"; top\r\n[B]\r\nk=0", "A", "k", "1", "; top\r\n[B]\r\nk=0\r\n[A]\r\nk=1\r\n"},
		{"\xFF\xFE[\x00A\x00]\x00\r\x00\n\x00", "A", "k", "ü", "\xFF\xFE[\x00A\x00]\x00\r\x00\n\x00k\x00=\x00\xFC\x00\r\x00\n\x00"},
		// The encoding stays, and the first section of a name is the one that counts (5.6).
		{"[A]\r\nl=\xE4\r\n", "A", "k", "ü", "[A]\r\nl=\xE4\r\nk=\xFC\r\n"},
		{"[A]\r\n", "A", "k", "ü", "[A]\r\nk=\xFC\r\n"},
		{"[A]\r\nl=ä\r\n", "A", "k", "ü", "[A]\r\nl=ä\r\nk=ü\r\n"},
		{"\xEF\xBB\xBF[A]\r\n", "A", "k", "ü", "\xEF\xBB\xBF[A]\r\nk=ü\r\n"},
		{"[A]\r\n", "A", "k", "я", "\xFF\xFE[\x00A\x00]\x00\r\x00\n\x00k\x00=\x00\x4F\x04\r\x00\n\x00"},
		{"[A]\r\nl=1\r\n[B]\r\n[A]\r\nk=0\r\n", "A", "k", "2", "[A]\r\nl=1\r\nk=2\r\n[B]\r\n[A]\r\nk=0\r\n"},
		{"[A]\r\n", "A", "k", " x ", "[A]\r\nk=\" x \"\r\n"},
	} {
		got, err := setINI([]byte(c.old), c.section, c.key, c.value)
		if err != nil || string(got) != c.want {
			t.Errorf("%q [%s] %s=%s: %q, %v, want %q", c.old, c.section, c.key, c.value, got, err, c.want)
		}
	}
	if _, err := setINI(nil, "A", "k", "1\r\n[B]"); err == nil {
		t.Error("a value of two lines")
	}
}

func FuzzShortcutTarget(f *testing.F) {
	f.Add(append(append([]byte{0x4C, 0, 0, 0}, make([]byte, 16)...), 2, 0, 0, 0))
	f.Fuzz(func(t *testing.T, data []byte) { shortcutTarget(data) })
}

func FuzzSAM(f *testing.F) {
	f.Add(make([]byte, 204), make([]byte, 80), make([]byte, 60))
	f.Fuzz(func(t *testing.T, v, fixed, c []byte) {
		h := &hive{root: &regf.Node{Name: "SAM"}, now: now, subs: map[*regf.Node]map[string]*regf.Node{}}
		user := h.key(accountDomain + `\Users\000001F4`)
		h.put(user, regf.Value{Name: "V", Type: regf.Binary, Data: v})
		h.put(user, regf.Value{Name: "F", Type: regf.Binary, Data: fixed})
		h.key(accountDomain + `\Users\Names`)
		h.put(h.key(accountDomain+`\Groups\00000201`), regf.Value{Name: "C", Type: regf.Binary, Data: c})
		h.put(h.key(builtinDomain+`\Aliases\00000221`), regf.Value{Name: "C", Type: regf.Binary, Data: c})
		h.key(builtinDomain + `\Aliases\Members`)
		machine := "S-1-5-21-1-2-3"
		_ = addAccount(h, machine, account{rid: 1001, name: "anna", password: "x"}, samKey{key: make([]byte, 16), aes: len(v)%2 == 0})
		_, _ = openSAMKey(fixed, make([]byte, 16))
		_ = addMember(h, builtinDomain, usersGroup, machine+"-1001")
	})
}
