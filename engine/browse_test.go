package engine

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lifeboat/engine/job"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
)

// madeStore makes a store of files by their Windows paths: what reading each gives.
func madeStore(t *testing.T, e *Engine, kind store.Kind, password string, files map[string]func() (io.ReadCloser, error)) StoreRef {
	t.Helper()
	ref := StoreRef{Path: filepath.Join(t.TempDir(), "store"), Password: password}
	s, err := store.Create(t.Context(), ref.Path, store.Options{Clock: e.Clock, TempDir: e.TempDir, Kind: kind, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Begin(t.Context(), store.Meta{Computer: "PC-7", Source: `C:\Windows`})
	if err != nil {
		t.Fatal(err)
	}
	paths := slices.SortedFunc(maps.Keys(files), func(a, b string) int { return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/")) })
	for _, path := range paths {
		item := store.Item{Path: path, Size: int64(len(path)), ModTime: now, Open: files[path]}
		if err := c.Add(t.Context(), item, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.AddDir(t.Context(), store.FilePath(`D:\Empty`), now); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Finish(t.Context(), store.Summary{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return ref
}

func text(s string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil }
}

// holes is a file that can be read in part.
type holes struct{ io.Reader }

func (holes) Close() error { return store.ErrPartial }

// sampler is what the tests look into.
func sampler() map[string]func() (io.ReadCloser, error) {
	const docs = `C:\Users\Anna\Documents\`
	return map[string]func() (io.ReadCloser, error){
		store.FilePath(docs + "letter.txt"):                      text("Dear Bob"),
		store.FilePath(docs + "Zoo.txt"):                         text("lions"),
		store.FilePath(docs + `Old\letter 1.txt`):                text("Dear"),
		store.FilePath(docs + "torn.jpg"):                        func() (io.ReadCloser, error) { return holes{strings.NewReader("half")}, nil },
		"File/C$/Users/Anna/Evil/" + store.Name(`..\..\a`):       text("up"),
		"File/C$/Users/Anna/Evil/" + store.Name("\x1b[2J"):       text("clear"),
		"File/C$/Users/Anna/Evil/" + store.Name("\u202Exe"):      text("turned"),
		store.StreamPath(docs+"letter.txt", false, "Zone"):       text("3"),
		store.StreamPath(docs+"lost.txt", false, "Zone"):         text("3"), // its content could not be read
		store.StreamPath(docs+"diary.odt", false, store.EFSKeys): text("keys"),
		store.StreamPath(docs+"diary.odt", false, store.EFSData): text("cipher"),
		store.StreamPath(docs+`Safe\pin`, false, store.EFSKeys):  text("keys"),
		store.StreamPath(docs+`Safe\pin`, false, store.EFSData):  text("cipher"),
		"Catalog/capture.json":                                   text("{}"),
	}
}

func browse(t *testing.T, e *Engine, ref StoreRef) *Browser {
	t.Helper()
	b, err := e.Browse(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close(context.Background()) })
	return b
}

// said is how a test writes an item: name, a slash after a folder, its state.
func said(items []Item) string {
	var all []string
	for _, it := range items {
		s := it.Name
		if it.Dir {
			s += "/"
		}
		if it.State != "" {
			s += "(" + string(it.State) + ")"
		}
		all = append(all, s)
	}
	return strings.Join(all, " ")
}

func TestBrowse(t *testing.T) {
	e := newEngine(t)
	for _, kind := range []store.Kind{store.Packed, store.Plain} {
		b := browse(t, e, madeStore(t, e, kind, "", sampler()))
		for typed, want := range map[string]string{
			"":                                  "C:/ D:/",
			`c:`:                                "Users/",
			`C:\`:                               "Users/",
			`\\?\c:\USERS\anna\`:                "Documents/ Evil/",
			"C:/Users/Anna/Documents":           "Old/ Safe/ diary.odt(encrypted) letter.txt torn.jpg(partial) Zoo.txt",
			"File/C$/Users/Anna/Documents/Safe": "pin(encrypted)",
			`D:\Empty`:                          "",
		} {
			it, err := b.Find(t.Context(), typed)
			if err != nil || !it.Dir {
				t.Fatalf("%s: find %q: %+v, %v", kind, typed, it, err)
			}
			items, err := b.List(t.Context(), it.Path)
			if err != nil || said(items) != want {
				t.Errorf("%s: list %q: %q, %v, want %q", kind, typed, said(items), err, want)
			}
		}
		it, err := b.Find(t.Context(), `c:\users\anna\documents\LETTER.TXT`)
		want := Item{Name: "letter.txt", Path: "File/C$/Users/Anna/Documents/letter.txt", Windows: `C:\Users\Anna\Documents\letter.txt`, Size: 8, Modified: now}
		if !it.Modified.Equal(now) {
			t.Errorf("%s: written %v", kind, it.Modified)
		}
		if it.Modified = now; err != nil || it != want {
			t.Errorf("%s: %+v, %v", kind, it, err)
		}
		// A name is found as it is shown, with its escapes, and as it is.
		for _, typed := range []string{`Evil\..%u005C..%u005Ca`, "Evil\\<U+001B>[2J", "Evil\\\x1b[2J", "Evil\\<U+202E>xe"} {
			if it, err := b.Find(t.Context(), `C:\Users\Anna\`+typed); err != nil || it.Dir {
				t.Errorf("%s: find %q: %+v, %v", kind, typed, it, err)
			}
		}
	}
}

func TestBrowseFindsNothing(t *testing.T) {
	e := newEngine(t)
	b := browse(t, e, madeStore(t, e, store.Packed, "", sampler()))
	for typed, nearest := range map[string]string{
		`C:\Users\Anna\Pictures\2019`:          `the nearest folder in it is C:\Users\Anna`,
		`C:\Users\Anna\Documents\letter.txt\x`: `letter.txt is there, but is a file`,
		`C:\Users\Anna\Documents\lost.txt`:     `the nearest folder in it is C:\Users\Anna\Documents`,
		`C:\Users\..\Users`:                    `the nearest folder in it is C:\Users`,
		`E:\`:                                  `paths in it begin with C:\ or D:\`,
		"Catalog/capture.json":                 `paths in it begin with C:\`,
		"C:UsersAnna":                          `paths in it begin with C:\`,
	} {
		_, err := b.Find(t.Context(), typed)
		var f *usmt.Failure
		if !errors.As(err, &f) || f.Code != usmt.InvalidParameters || !strings.Contains(f.Remedy, nearest) {
			t.Errorf("find %q: %#v, want %q", typed, err, nearest)
		}
	}
	if _, err := b.List(t.Context(), "File/C$/Nowhere"); usmt.CodeOf(err) != usmt.InvalidStore {
		t.Errorf("list what is not there: %v", err)
	}
}

func TestBrowseSearch(t *testing.T) {
	e := newEngine(t)
	for _, kind := range []store.Kind{store.Packed, store.Plain} {
		b := browse(t, e, madeStore(t, e, kind, "", sampler()))
		for _, c := range []struct{ folder, pattern, want string }{
			{Top, "LETTER*", "letter 1.txt letter.txt"},
			{Top, "?o*", "Documents/ Zoo.txt torn.jpg(partial)"},
			{Top, "anna", "Anna/"},
			{Top, "p?n", "pin(encrypted)"},
			{"File/C$/Users/Anna/Documents/Old", "*", "letter 1.txt"},
			{Top, "nothing*", ""},
		} {
			var found []Item
			err := b.Search(t.Context(), c.folder, c.pattern, func(it Item) error { found = append(found, it); return nil })
			got := strings.Fields(said(found))
			want := strings.Fields(c.want)
			slices.Sort(got)
			slices.Sort(want)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: %q below %s: %q, %v", kind, c.pattern, c.folder, got, err)
			}
		}
		enough := errors.New("enough")
		if err := b.Search(t.Context(), Top, "*", func(Item) error { return enough }); err != enough {
			t.Errorf("%s: %v", kind, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.Search(ctx, Top, "*", func(Item) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// written lists the files below a folder with what is in them.
func written(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		all[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestBrowseTake(t *testing.T) {
	e := newEngine(t)
	for _, kind := range []store.Kind{store.Packed, store.Plain} {
		b := browse(t, e, madeStore(t, e, kind, "", sampler()))
		find := func(typed string) Item {
			t.Helper()
			it, err := b.Find(t.Context(), typed)
			if err != nil {
				t.Fatal(err)
			}
			return it
		}
		out := filepath.Join(t.TempDir(), "around", "out")
		done, err := b.Take(t.Context(), find(`C:\Users\Anna\Documents\letter.txt`), out, control())
		if err != nil || done.Files != 1 || done.Bytes != 8 {
			t.Fatalf("%s: %+v, %v", kind, done, err)
		}
		if got := written(t, out); !maps.Equal(got, map[string]string{"C$/Users/Anna/Documents/letter.txt": "Dear Bob"}) {
			t.Errorf("%s: one file: %q", kind, got)
		}

		// What is there stays; the rest of the folder comes, what is encrypted is told.
		file := filepath.Join(out, "C$", "Users", "Anna", "Documents", "letter.txt")
		if err := os.WriteFile(file, []byte("mine"), 0o644); err != nil {
			t.Fatal(err)
		}
		done, err = b.Take(t.Context(), find(`C:\Users\Anna\Documents`), out, control())
		var f *usmt.Failure
		if !errors.As(err, &f) || f.Code != usmt.PreflightFile || !strings.Contains(f.Remedy, "name another folder") || done.Files != 3 || len(done.Failed) != 1 {
			t.Errorf("%s: over a file: %+v, %v", kind, done, err)
		}
		if got := written(t, out)["C$/Users/Anna/Documents/letter.txt"]; got != "mine" {
			t.Errorf("%s: a file that was there is %q", kind, got)
		}
		ctl := control()
		fresh := t.TempDir()
		if done, err = b.Take(t.Context(), find(`C:\Users\Anna\Documents`), fresh, ctl); err != nil || done.Files != 4 {
			t.Errorf("%s: a folder: %+v, %v", kind, done, err)
		}
		events, err := ctl.Events.Take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		left := 0
		for _, ev := range events {
			if ev.Problem.Kind == job.Notice {
				left++
			}
		}
		if left != 2 {
			t.Errorf("%s: %d encrypted files were told of, of 2", kind, left)
		}
		if _, err = b.Take(t.Context(), find(`C:\Users\Anna\Documents\diary.odt`), fresh, control()); usmt.CodeOf(err) != usmt.UnsupportedPlatform {
			t.Errorf("%s: an encrypted file: %v", kind, err)
		}
		if done, err = b.Take(t.Context(), find(`D:\Empty`), fresh, control()); err != nil || done.Files != 0 {
			t.Errorf("%s: an empty folder: %+v, %v", kind, done, err)
		}
		if _, err := os.Stat(filepath.Join(fresh, "D$", "Empty")); err != nil {
			t.Errorf("%s: %v", kind, err)
		}

		// Hostile names land in the folder, or nowhere; so does what a link would lead out.
		around := filepath.Join(t.TempDir(), "around")
		if done, err = b.Take(t.Context(), find(`C:\Users\Anna\Evil`), filepath.Join(around, "x", "y"), control()); err != nil || done.Files != 3 {
			t.Errorf("%s: hostile names: %+v, %v", kind, done, err)
		}
		for name := range written(t, around) {
			if !strings.HasPrefix(name, "x/y/C$/Users/Anna/Evil/") {
				t.Errorf("%s: wrote %s", kind, name)
			}
		}
		trap, away := t.TempDir(), t.TempDir()
		if err := os.Symlink(away, filepath.Join(trap, "C$")); err != nil {
			t.Skip(err)
		}
		if done, err = b.Take(t.Context(), find(`C:\Users`), trap, control()); err == nil || len(written(t, away)) > 0 {
			t.Errorf("%s: through a link: %+v, %v", kind, done, err)
		}
	}
}

// All kinds of store of one PC show the same.
func TestBrowseEveryKind(t *testing.T) {
	e := newEngine(t)
	pc, plan := planned(t, e)
	var want []string
	for _, kind := range []store.Kind{store.Packed, store.Plain, store.Linked} {
		ref := StoreRef{Path: filepath.Join(t.TempDir(), "stick")}
		if kind == store.Linked {
			ref.Path = filepath.Join(pc.Volume, "MIG")
		}
		r, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: ref.Path, Kind: kind, SkipVerify: true}, control())
		if err != nil {
			t.Fatal(err)
		}
		b := browse(t, e, ref)
		var got []string
		var files int64
		err = b.Search(t.Context(), Top, "*", func(it Item) error {
			if !it.Dir {
				files++
				if name, ok := strings.CutPrefix(it.Windows, `C:\`); ok {
					info, err := os.Stat(filepath.Join(pc.Volume, filepath.FromSlash(strings.ReplaceAll(name, `\`, "/"))))
					if err != nil || info.Size() != it.Size || info.ModTime().Sub(it.Modified).Abs() > 100 {
						t.Errorf("%s: %+v, %v", kind, it, err)
					}
				}
			}
			got = append(got, it.Windows)
			return nil
		})
		if err != nil || files == 0 || files > r.Files {
			t.Errorf("%s: %d files of %d, %v", kind, files, r.Files, err)
		}
		if want == nil {
			want = got
		} else if !slices.Equal(got, want) {
			t.Errorf("%s shows %q, and another kind %q", kind, got, want)
		}
		docs, err := b.Find(t.Context(), `c:\users\anna\documents`)
		if err != nil {
			t.Fatal(err)
		}
		out := t.TempDir()
		if done, err := b.Take(t.Context(), docs, out, control()); err != nil || done.Files != docs.Files || done.Files == 0 {
			t.Errorf("%s: took %+v of %+v, %v", kind, done, docs, err)
		}
		if !maps.Equal(written(t, filepath.Join(out, "C$", "Users", "anna", "Documents")), written(t, filepath.Join(pc.Volume, "Users", "anna", "Documents"))) {
			t.Errorf("%s: what was taken out differs from the source", kind)
		}
	}
}

func TestBrowseRefuses(t *testing.T) {
	e := newEngine(t)
	ref := madeStore(t, e, store.Packed, "correct horse", sampler())
	for _, c := range []struct {
		ref  StoreRef
		want usmt.Code
	}{
		{StoreRef{Path: ref.Path, Password: "wrong"}, usmt.InvalidKey},
		{StoreRef{Path: ref.Path}, usmt.InvalidKey},
		{StoreRef{Path: t.TempDir()}, usmt.InvalidStore},
	} {
		if _, err := e.Browse(t.Context(), c.ref); usmt.CodeOf(err) != c.want {
			t.Errorf("%+v: %v", c.ref, err)
		}
	}

	// A folder that cannot be read does not keep the others from being found.
	ref = madeStore(t, e, store.Plain, "", sampler())
	index := filepath.Join(ref.Path, "USMT", "index.jsonl")
	data, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(data), "letter 1.txt")
	data[at] ^= 1
	if err := os.WriteFile(index, data, 0o644); err != nil {
		t.Fatal(err)
	}
	b := browse(t, e, ref)
	found := 0
	err = b.Search(t.Context(), Top, "*.txt", func(Item) error { found++; return nil })
	if usmt.CodeOf(err) != usmt.CorruptedStore || found != 2 {
		t.Errorf("%d found in a damaged store, %v", found, err)
	}
	if _, err := b.List(t.Context(), "File/C$/Users/Anna/Documents/Old"); usmt.CodeOf(err) != usmt.CorruptedStore {
		t.Errorf("list a damaged folder: %v", err)
	}
}
