package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kopia/kopia/snapshot"
)

var kinds = []Kind{Packed, Plain, Linked}

// eachKind runs a test of what all kinds of store promise. A store that links
// keeps what it cannot link as Plain does.
func eachKind(t *testing.T, test func(t *testing.T, kind Kind)) {
	for _, kind := range kinds[:2] {
		t.Run(string(kind), func(t *testing.T) { test(t, kind) })
	}
}

func kindOptions(t testing.TB, kind Kind) Options {
	opt := testOptions(t)
	opt.Kind = kind
	return opt
}

// native writes a tree to a folder and makes the items that a volume mounted
// there would give: a store that links need not open them.
func native(t testing.TB, dir string, src source, opened *atomic.Int64) []Item {
	t.Helper()
	var items []Item
	for i, path := range walkOrder(src) {
		name := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(name, []byte(src[path]), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, testTime, testTime); err != nil {
			t.Fatal(err)
		}
		items = append(items, Item{
			Path: path, Size: int64(len(src[path])), ModTime: testTime, Native: func() string { return name },
			Open: func() (io.ReadCloser, error) {
				opened.Add(1)
				return os.Open(name)
			},
		})
	}
	return items
}

func addItems(t testing.TB, c *Capture, items []Item) {
	t.Helper()
	for _, it := range items {
		if err := c.Add(t.Context(), it, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// What the system shows of a plain store is what the PC had, under names that
// every system can have.
func TestPlainOnDisk(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir, kindOptions(t, Plain))
	src := source{
		"File/C$/Users/anna/a.txt":                    "hello",
		"File/C$/Users/anna/A.TXT":                    "another file to those who tell case apart",
		"File/C$/Users/anna/CON":                      "a device",
		"File/C$/Users/anna/dot.":                     "dot",
		"File/C$/Users/anna/x%u003Ay":                 "colon",
		"File/C$/Users/anna/x:y":                      "also a colon",
		"File/C$/Users/ANNA/b.txt":                    "in another folder of that name",
		"File/C$/" + strings.Repeat("ü", 200):         "a name too long for most file systems here",
		"Streams/C$/Users/anna/a.txt/Zone.Identifier": "[ZoneTransfer]",
		"Registry/HKLM.jsonl":                         "{}\n",
	}
	delete(src, "File/C$/Users/anna/x:y") // the same name: Name keeps a colon
	id := capture(t, s, src)
	if left, err := os.ReadDir(filepath.Join(Dir(dir), tempDir)); err == nil {
		t.Errorf("temporary files are left: %v", left)
	}
	for name, want := range map[string]string{
		"File/C$/Users/ANNA/b.txt": "in another folder of that name",
		"Registry/HKLM.jsonl":      "{}\n",
		"Catalog/capture.json":     `{"version":1}`,
	} {
		if got, err := os.ReadFile(filepath.Join(Dir(dir), name)); string(got) != want || err != nil {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	// Upper case sorts first, so ANNA took the name and what is in anna lies apart.
	sum := sha256.Sum256([]byte("hello"))
	other := hex.EncodeToString(sum[:])
	if got, err := os.ReadFile(filepath.Join(Dir(dir), "Other", other[:2], other)); string(got) != "hello" || err != nil {
		t.Errorf("file in a folder whose name is taken: %q, %v", got, err)
	}
	report, err := s.Verify(t.Context(), id, nil)
	if err != nil || !report.OK() || report.Files != int64(len(src))+1 {
		t.Errorf("%+v, %v", report, err)
	}
	tree, err := s.Tree(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range src {
		f, err := tree.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(f); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v", path, got, err)
		}
		f.Close()
	}
	closeStore(t, s)

	dir = t.TempDir()
	s = create(t, dir, kindOptions(t, Plain))
	defer closeStore(t, s)
	delete(src, "File/C$/Users/ANNA/b.txt")
	capture(t, s, src)
	for name, want := range map[string]string{
		"A.TXT": "another file to those who tell case apart", "%u0043ON": "a device", "dot%u002E": "dot", "x%u003Ay": "colon",
	} {
		full := filepath.Join(Dir(dir), "File", "C$", "Users", "anna", name)
		got, err := os.ReadFile(full)
		if string(got) != want || err != nil {
			t.Errorf("%s is %q, %v", name, got, err)
		}
		if info, err := os.Stat(full); err != nil || !info.ModTime().Equal(testTime) {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// A store that links holds the very files of the source, and reads none of them.
func TestLinks(t *testing.T) {
	base := t.TempDir()
	dir, from := filepath.Join(base, "MIG"), filepath.Join(base, "disk")
	os.Mkdir(from, 0o777)
	src := source{"File/C$/a.txt": "a", "File/C$/d/b.txt": "b", "File/C$/d/c.txt": ""}
	var opened atomic.Int64
	items := native(t, from, src, &opened)
	items = append(items, Item{Path: "File/C$/e.txt", Size: 1, ModTime: testTime, Native: func() string { return filepath.Join(from, "gone") }, Open: func() (io.ReadCloser, error) {
		opened.Add(1)
		return io.NopCloser(strings.NewReader("e")), nil
	}})
	s := create(t, dir, kindOptions(t, Linked))
	c := begin(t, s)
	addItems(t, c, items)
	waitFor(t, c, 4)
	if err := c.Abort(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	c = begin(t, s)
	outcomes := make(chan Outcome, len(items))
	for _, it := range items {
		if err := c.Add(t.Context(), it, func(o Outcome) { outcomes <- o }); err != nil {
			t.Fatal(err)
		}
	}
	writeCatalog(t, c)
	id, err := c.Finish(t.Context(), Summary{})
	if err != nil {
		t.Fatal(err)
	}
	if opened.Load() != 1 {
		t.Errorf("%d files were read", opened.Load())
	}
	linked := 0
	for range items {
		o := <-outcomes
		if !o.Reused {
			t.Errorf("read again: %+v", o)
		}
		if o.Linked {
			linked++
		}
	}
	if linked != 3 {
		t.Errorf("%d linked", linked)
	}
	tree, err := s.Tree(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range items[:3] {
		name, ok := tree.Linked(t.Context(), it.Path)
		a, aerr := os.Stat(name)
		b, berr := os.Stat(it.Native())
		if !ok || aerr != nil || berr != nil || !os.SameFile(a, b) {
			t.Errorf("%s: %s, %v, %v, %v", it.Path, name, ok, aerr, berr)
		}
	}
	if name, ok := tree.Linked(t.Context(), "File/C$/e.txt"); ok {
		t.Errorf("the copy counts as a link: %s", name)
	}
	if report, err := s.Verify(t.Context(), id, nil); err != nil || !report.OK() || report.Files != 5 {
		t.Errorf("%+v, %v", report, err)
	}
	// Who changes the file of the PC changes that of the store; this is found.
	os.WriteFile(items[0].Native(), []byte("A"), 0o644)
	report, err := s.Verify(t.Context(), id, nil)
	if err != nil || len(report.Corrupt) != 1 || report.Corrupt[0].Path != "File/C$/a.txt" {
		t.Errorf("%+v, %v", report, err)
	}
	closeStore(t, s)
	os.Chmod(items[1].Native(), 0o444)
	if err := Remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(Dir(dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the store is still there")
	}
	if got, err := os.ReadFile(items[1].Native()); string(got) != "b" || err != nil {
		t.Errorf("removing the store took the file of the PC: %q, %v", got, err)
	}
	if info, err := os.Stat(items[1].Native()); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o444 {
		t.Errorf("%v, %v", info, err)
	}
}

// A store of another kind, or of plain files, is replaced when the new one is
// complete and not before; a crash in between loses neither.
func TestReplaceOther(t *testing.T) {
	t.Parallel()
	for _, from := range kinds {
		for _, to := range kinds {
			if from == Packed && to == Packed {
				continue // TestReplace
			}
			t.Run(string(from)+" by "+string(to), func(t *testing.T) {
				dir := t.TempDir()
				s := create(t, dir, kindOptions(t, from))
				old := capture(t, s, source{"File/C$/a.txt": "old"})
				closeStore(t, s)
				opt := kindOptions(t, to)
				if _, err := Create(t.Context(), dir, opt); !errors.Is(err, ErrExists) {
					t.Fatalf("not asked to replace: %v", err)
				}
				opt.Replace = true
				s = create(t, dir, opt)
				c := begin(t, s)
				source{"File/C$/a.txt": "new"}.add(t, c, nil)
				waitFor(t, c, 1)
				if err := c.Abort(t.Context(), true); err != nil {
					t.Fatal(err)
				}
				closeStore(t, s)
				s = create(t, dir, opt)
				c = begin(t, s)
				if !c.Resumed() {
					t.Error("not resumed")
				}
				source{"File/C$/a.txt": "new"}.add(t, c, nil)
				writeCatalog(t, c)
				id, err := c.Finish(t.Context(), Summary{})
				if err != nil {
					t.Fatal(err)
				}
				if state, m, err := Inspect(dir); state != Complete || m.Capture != old || m.Kind != from || err != nil {
					t.Errorf("before it is kept: %v, %+v, %v", state, m, err)
				}
				if err := s.Keep(t.Context(), id); err != nil {
					t.Fatal(err)
				}
				if report, err := s.Verify(t.Context(), id, nil); err != nil || !report.OK() {
					t.Errorf("%+v, %v", report, err)
				}
				closeStore(t, s)
				if list, _ := os.ReadDir(dir); len(list) != 1 {
					t.Errorf("left: %v", list)
				}
				if state, m, err := Inspect(dir); state != Complete || m.Kind != to || err != nil {
					t.Errorf("%v, %+v, %v", state, m, err)
				}
				read := func(want string) {
					t.Helper()
					s := open(t, dir, testOptions(t))
					defer closeStore(t, s)
					list, err := s.Captures(t.Context())
					if err != nil || len(list) != 1 {
						t.Fatal(list, err)
					}
					tree, err := s.Tree(t.Context(), list[0].ID)
					if err != nil {
						t.Fatal(err)
					}
					f, err := tree.Open(t.Context(), "File/C$/a.txt")
					if err != nil {
						t.Fatal(err)
					}
					defer f.Close()
					if got, err := io.ReadAll(f); string(got) != want || err != nil {
						t.Errorf("%q, %v", got, err)
					}
				}
				read("new")
				// The power goes between the two renames.
				os.Rename(Dir(dir), Dir(dir)+newSuffix)
				read("new")
				os.Rename(Dir(dir)+newSuffix, Dir(dir)+oldSuffix)
				read("new")
				if _, err := Create(t.Context(), dir, kindOptions(t, to)); !errors.Is(err, ErrExists) {
					t.Errorf("%v", err)
				}
				if list, _ := os.ReadDir(dir); len(list) != 1 || list[0].Name() != folderName {
					t.Errorf("not put right: %v", list)
				}
			})
		}
	}
}

// An interrupted capture of another kind is not thrown away unasked.
func TestOtherKindBegun(t *testing.T) {
	dir := t.TempDir()
	closeStore(t, create(t, dir, kindOptions(t, Packed)))
	opt := kindOptions(t, Plain)
	if _, err := Create(t.Context(), dir, opt); !errors.Is(err, ErrExists) {
		t.Errorf("%v", err)
	}
	opt.Replace = true
	closeStore(t, create(t, dir, opt))
	opt.Password = "secret"
	if _, err := Create(t.Context(), t.TempDir(), opt); err == nil {
		t.Error("a protected store of plain files")
	}
}

// Damage to any file of a store is found, or does no harm to what it holds.
func TestEveryFileDamaged(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) { testEveryFileDamaged(t, kind) })
	}
}

func testEveryFileDamaged(t *testing.T, kind Kind) {
	base := t.TempDir()
	dir, from := filepath.Join(base, "MIG"), filepath.Join(base, "disk")
	os.Mkdir(from, 0o777)
	src := source{
		"File/C$/a.txt": strings.Repeat("some content of a file ", 10), "File/C$/d/b.txt": "b",
		"Streams/C$/a.txt/s": "a stream", "Registry/HKLM.jsonl": "{}\n", ObjectsJSONL: "{}\n",
	}
	var opened atomic.Int64
	s := create(t, dir, kindOptions(t, kind))
	c := begin(t, s)
	addItems(t, c, native(t, from, src, &opened))
	writeCatalog(t, c)
	id, err := c.Finish(t.Context(), Summary{})
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	var names []string
	filepath.WalkDir(Dir(dir), func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			names = append(names, name)
		}
		return err
	})
	// check tells whether the store says that it is damaged.
	check := func() bool {
		if state, m, err := Inspect(dir); err != nil || state != Complete || m.Capture != id {
			return true
		}
		s, err := Open(context.WithoutCancel(t.Context()), dir, testOptions(t))
		if err != nil {
			return true
		}
		defer s.Close(t.Context())
		report, err := s.Verify(t.Context(), id, nil)
		return err != nil || !report.OK()
	}
	if check() {
		t.Fatal("damaged before anything was done")
	}
	// intact tells whether all content is there in spite of it: kopia's packs hold
	// copies of their indexes and random bytes that nobody needs.
	intact := func() bool {
		s := open(t, dir, testOptions(t))
		defer closeStore(t, s)
		dest := t.TempDir()
		_, err := s.Extract(t.Context(), id, dest, ExtractOptions{Filter: func(string) bool { return true }})
		got := extracted(t, dest)
		for path, want := range src {
			if got[strings.TrimPrefix(path, "File/")] != want {
				return false
			}
		}
		return err == nil && len(got) == len(src)+1
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		info, _ := os.Stat(name)
		rel, _ := filepath.Rel(Dir(dir), name)
		for what, do := range map[string]func(){
			"flipped": func() { b := bytes.Clone(data); b[len(b)/2] ^= 0x20; os.WriteFile(name, b, 0o644) },
			"cut":     func() { os.WriteFile(name, data[:len(data)/2], 0o644) },
			"removed": func() { os.Remove(name) },
		} {
			if len(data) == 0 && what != "removed" || kind == Packed && what != "flipped" { // TestVerifyFindsDamage has those
				continue
			}
			do()
			if !check() && !intact() {
				t.Errorf("%s %s: not found", rel, what)
			}
			os.WriteFile(name, data, 0o644)
			os.Chtimes(name, info.ModTime(), info.ModTime())
		}
	}
	if kind != Linked && check() { // links were cut by removing
		t.Error("not whole again")
	}
}

// A plain store that somebody else made, or changed: nothing outside is read or
// written, whatever its index, its links and its names say.
func TestForeignPlain(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "store")
	secret := filepath.Join(base, "secret.txt")
	os.WriteFile(secret, []byte("hello"), 0o600) // same content, so that no hash helps
	s := create(t, dir, kindOptions(t, Plain))
	id := capture(t, s, source{"File/C$/d/a.txt": "hello", "File/C$/e/b.txt": "b"})
	closeStore(t, s)
	at := filepath.Join(Dir(dir), "File", "C$", "d", "a.txt")
	folder := filepath.Dir(at)
	verify := func() VerifyReport {
		t.Helper()
		s := open(t, dir, testOptions(t))
		defer closeStore(t, s)
		report, err := s.Verify(t.Context(), id, nil)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	plant := func(what, name string, target string) {
		t.Helper()
		os.RemoveAll(name)
		if err := os.Symlink(target, name); err != nil {
			t.Skip(err)
		}
		if report := verify(); report.OK() {
			t.Errorf("%s: taken", what)
		}
		os.Remove(name)
	}
	plant("link to a file", at, secret)
	os.Rename(secret, filepath.Join(base, "a.txt"))
	plant("link to a folder", folder, base)
	plant("link to the folder above", folder, "..")
	os.Mkdir(folder, 0o777)
	os.WriteFile(at, []byte("hello"), 0o666)
	if report := verify(); !report.OK() {
		t.Errorf("%+v", report)
	}
	if runtime.GOOS == "linux" {
		os.Remove(at)
		mkfifo(t, at) // must not be waited for
		if report := verify(); report.OK() {
			t.Error("a pipe is taken for a file")
		}
		os.Remove(at)
	}
	// A capture that goes on in such a store writes nothing outside.
	outside := filepath.Join(base, "outside")
	os.Mkdir(outside, 0o777)
	other := filepath.Join(base, "other")
	s = create(t, other, kindOptions(t, Plain))
	closeStore(t, s)
	for _, name := range []string{"File", tempDir, capturesDir, otherDir} {
		os.RemoveAll(filepath.Join(Dir(other), name))
		os.Symlink(outside, filepath.Join(Dir(other), name))
	}
	if s, err := Create(t.Context(), other, kindOptions(t, Plain)); err == nil {
		if c, err := s.Begin(t.Context(), testMeta); err == nil {
			addAll(t.Context(), c, source{"File/C$/x.txt": "x"}, &atomic.Int64{})
			c.Abort(t.Context(), true)
		}
		s.Close(t.Context())
	}
	if list, _ := os.ReadDir(outside); len(list) > 0 {
		t.Errorf("written outside: %v", list)
	}
}

// FuzzPlainIndex reads an index that anybody may have written.
func FuzzPlainIndex(f *testing.F) {
	f.Add([]byte(`{"stream":"kopia:directory","entries":[{"name":"..","type":"d","obj":"k00"}],"summary":null}`), "File")
	f.Add([]byte(`{"stream":"kopia:directory","entries":[{"name":"C:","type":"f","obj":"l0000000000000000"},{"name":"%u002E%u002E","type":"f","obj":"o`+strings.Repeat("0", 64)+`"}],"summary":null}`), "")
	f.Add([]byte(`{"stream":"kopia:directory","entries":[{"name":"a\\..\\..\\secret","type":"f","size":6,"obj":"l0000000000000000"},{"name":"NUL","type":"f","obj":"Ik`+strings.Repeat("0", 64)+`"}],"summary":null}`), "File/C$")
	base := f.TempDir()
	dir := filepath.Join(base, "store")
	os.WriteFile(filepath.Join(base, "secret"), []byte("secret"), 0o666)
	if err := initPlain(dir, Linked); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, record []byte, at string) {
		os.WriteFile(filepath.Join(dir, indexFile), record, 0o666)
		p, err := openPlain(dir, Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer p.close(t.Context())
		h := recordHash("")
		h.Write(record)
		id, err := makeID(folderLetter, h.Sum(nil)[:16], uint64Bytes(0), uint64Bytes(int64(len(record))))
		if err != nil {
			t.Fatal(err)
		}
		s := &Store{repo: p, dir: dir}
		w := walker{s: s, damaged: func(string, error) {}, file: func(ctx context.Context, path string, e *snapshot.DirEntry, buf []byte) error {
			p.glance(path, e)
			if name, ok := p.linked(path, e); ok && !strings.HasPrefix(name, dir+string(filepath.Separator)) {
				t.Errorf("%q leads to %s", path, name)
			}
			f, err := s.openFile(ctx, path, e)
			if err != nil {
				return err
			}
			defer f.Close()
			if data, _ := io.ReadAll(f); string(data) == "secret" {
				t.Errorf("%q reads what lies outside", path)
			}
			return nil
		}}
		w.walk(t.Context(), &snapshot.DirEntry{Type: snapshot.EntryTypeDirectory, ObjectID: id})
		if name := plainPath(at); checkPath(at) && !filepath.IsLocal(filepath.FromSlash(name)) {
			t.Errorf("%q lies at %q", at, name)
		}
	})
}

// checkPath reports whether all names in a path pass checkName.
func checkPath(p string) bool {
	return !slices.ContainsFunc(strings.Split(p, "/"), func(name string) bool { return checkName(name) != nil })
}

// A file with holes has holes in the store.
func TestSparse(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("asks Linux how much room a file takes")
	}
	dir := t.TempDir()
	s := create(t, dir, kindOptions(t, Plain))
	defer closeStore(t, s)
	c := begin(t, s)
	const size = 64 << 20
	content := make([]byte, size)
	copy(content[10<<20:], "island")
	err := c.Add(t.Context(), Item{Path: "File/C$/disk.vhd", Size: size, Sparse: true, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	writeCatalog(t, c)
	id, err := c.Finish(t.Context(), Summary{})
	if err != nil {
		t.Fatal(err)
	}
	if used := blocks(t, filepath.Join(Dir(dir), "File", "C$", "disk.vhd")); used > 1<<20 {
		t.Errorf("takes %d bytes", used)
	}
	if report, err := s.Verify(t.Context(), id, nil); err != nil || !report.OK() || report.Bytes < size {
		t.Errorf("%+v, %v", report, err)
	}
}

// A medium that holds no large files, as FAT32, loses those and no others.
func TestTooLarge(t *testing.T) {
	for _, err := range []error{errTooLarge()} {
		if f := mediumFault(t.TempDir(), "write", "big.vhd", err); !errors.Is(f, ErrTooLarge) {
			t.Errorf("%v", f)
		}
	}
}
