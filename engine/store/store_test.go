package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// source is a made-up tree: capture path to content.
type source map[string]string

var testTime = time.Date(2019, 5, 4, 3, 2, 1, 123456700, time.UTC)

// add hands the tree to a capture in the order of a walk and counts what is read.
func (src source) add(t testing.TB, c *Capture, opened *atomic.Int64) {
	t.Helper()
	for _, path := range walkOrder(src) {
		content := src[path]
		err := c.Add(t.Context(), Item{
			Path:    path,
			Size:    int64(len(content)),
			ModTime: testTime,
			Open: func() (io.ReadCloser, error) {
				if opened != nil {
					opened.Add(1)
				}
				return io.NopCloser(strings.NewReader(content)), nil
			},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// walkOrder sorts paths as a depth-first walk visits them.
func walkOrder(src source) []string {
	paths := slices.Collect(maps.Keys(src))
	slices.SortFunc(paths, func(a, b string) int {
		return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
	})
	return paths
}

func testOptions(t testing.TB) Options {
	return Options{Clock: time.Now, TempDir: t.TempDir()}
}

func create(t testing.TB, dir string, opt Options) *Store {
	t.Helper()
	s, err := Create(t.Context(), dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t testing.TB, dir string, opt Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeStore(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

var testMeta = Meta{Computer: "PC-7", Source: `C:\Windows`, Product: "Windows 10"}

func begin(t testing.TB, s *Store) *Capture {
	t.Helper()
	c, err := s.Begin(t.Context(), testMeta)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// capture puts a whole tree, with a small catalog, into a store.
func capture(t testing.TB, s *Store, src source) ID {
	t.Helper()
	c := begin(t, s)
	src.add(t, c, nil)
	writeCatalog(t, c)
	id, err := c.Finish(t.Context(), Summary{Description: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func writeCatalog(t testing.TB, c *Capture) {
	t.Helper()
	w, err := c.Create(t.Context(), CaptureJSON)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(w, `{"version":%d}`, CatalogVersion)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// extracted reads back what Extract wrote.
func extracted(t testing.TB, dir string) source {
	t.Helper()
	got := source{}
	err := filepath.Walk(dir, func(name string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		got[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// What a disk calls its computer must not make the marker of a store too long to
// be read: the store would count as none.
func TestMarkerOfALongName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := create(t, dir, testOptions(t))
	long := strings.Repeat("<\u65e5>", 100_000)
	c, err := s.Begin(t.Context(), Meta{Computer: long, Product: long, Source: `C:\Windows`})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Finish(t.Context(), Summary{Description: "test"}); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	state, m, err := Inspect(dir)
	if err != nil || state != Complete || m.Computer == "" || !strings.HasPrefix(long, m.Computer) || m.Product != m.Computer {
		t.Errorf("%v, %v, %+v", state, err, m)
	}
}

func randomTree(rng *rand.Rand) source {
	names := []string{"a", "B", "Übung", "日本", "100%", "50%u0041", "x%xFF", "a b ", "dot.", "CON", "ed\xED\xA0\x80st", "q\xffr", "..", ".", "new\nline", `back\slash`, "\U0001F600"}
	src := source{}
	dirs := []string{"File/C$", "Streams/C$"}
	for range 20 {
		dirs = append(dirs, dirs[rng.IntN(len(dirs))]+"/"+Name(names[rng.IntN(len(names))])+fmt.Sprint(rng.IntN(3)))
	}
	for range 100 {
		size := rng.IntN(2000)
		switch rng.IntN(20) {
		case 0:
			size = 0
		case 1:
			size = rng.IntN(11 << 20)
		}
		content := make([]byte, size)
		if rng.IntN(2) == 0 {
			rand.NewChaCha8([32]byte{byte(size)}).Read(content)
		}
		path := dirs[rng.IntN(len(dirs))] + "/" + Name(names[rng.IntN(len(names))]) + []string{"", ".txt", ".jpg"}[rng.IntN(3)]
		src[path] = string(content)
	}
	// A name cannot be both a file and a folder.
	for path := range src {
		for other := range src {
			if other != path && liesIn(other, path) {
				delete(src, path)
			}
		}
	}
	return src
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	eachKind(t, testRoundTrip)
}

func testRoundTrip(t *testing.T, kind Kind) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			src := randomTree(rand.New(rand.NewPCG(seed, 0)))
			dir := t.TempDir()
			s := create(t, dir, kindOptions(t, kind))
			id := capture(t, s, src)
			closeStore(t, s)

			opt := kindOptions(t, kind)
			opt.ReadOnly = true
			s = open(t, dir, opt)
			defer closeStore(t, s)
			report, err := s.Verify(t.Context(), id, nil)
			if err != nil || !report.OK() || report.Files != int64(len(src))+1 {
				t.Fatalf("verify: %+v, %v; want %d files", report, err, len(src)+1)
			}
			dest := t.TempDir()
			all, err := s.Extract(t.Context(), id, dest, ExtractOptions{Filter: func(p string) bool { return !liesIn(p, "Catalog") }})
			if err != nil || len(all.Failed) > 0 {
				t.Fatalf("extract: %+v, %v", all, err)
			}
			want := source{}
			for path, content := range src {
				parts := strings.Split(strings.TrimPrefix(path, "File/"), "/")
				for i, part := range parts {
					parts[i] = hostName(part, "linux")
				}
				want[strings.Join(parts, "/")] = content
			}
			if got := extracted(t, dest); !maps.Equal(got, want) {
				t.Errorf("extracted %d files, want %d", len(got), len(want))
				for path := range want {
					if got[path] != want[path] {
						t.Errorf("%q: %d bytes, want %d", path, len(got[path]), len(want[path]))
					}
				}
			}
			for path := range want {
				if info, err := os.Lstat(filepath.Join(dest, path)); err != nil || !info.ModTime().Equal(testTime) {
					t.Errorf("%q: time %v, %v", path, info.ModTime(), err)
				}
			}
			tree, err := s.Tree(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			for path, content := range src {
				f, err := tree.Open(t.Context(), path)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(f)
				if string(got) != content || err != nil {
					t.Errorf("read %q: %d bytes, %v", path, len(got), err)
				}
				f.Close()
			}
		})
	}
}

func TestStates(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not yet there")
	inspect := func(want State) Marker {
		t.Helper()
		state, m, err := Inspect(dir)
		if state != want || err != nil {
			t.Fatalf("state %v, %v; want %v", state, err, want)
		}
		return m
	}
	inspect(None)
	opt := testOptions(t)
	if _, err := Open(t.Context(), dir, opt); !errors.Is(err, ErrNotStore) {
		t.Errorf("open nothing: %v", err)
	}
	opt.Password = "secret"
	s := create(t, dir, opt)
	inspect(Incomplete)
	id := capture(t, s, source{"File/C$/a.txt": "hello"})
	m := inspect(Complete)
	if m.Capture != id || m.Store != s.UniqueID() || !m.Protected || m.Files != 2 || m.Computer != "PC-7" || m.Product != "Windows 10" || m.Version != FormatVersion {
		t.Errorf("marker %+v", m)
	}
	closeStore(t, s)
	if left, _ := os.ReadDir(opt.TempDir); len(left) > 0 {
		t.Errorf("working files are left: %v", left)
	}
	if _, err := Create(t.Context(), dir, opt); !errors.Is(err, ErrExists) {
		t.Errorf("create over a complete store: %v", err)
	}
	for _, wrong := range []string{"", "Secret"} {
		opt.Password = wrong
		if _, err := Open(t.Context(), dir, opt); !errors.Is(err, ErrPassword) {
			t.Errorf("password %q: %v", wrong, err)
		}
	}
	os.WriteFile(filepath.Join(Dir(dir), markerName), []byte("\x00\x01binary"), 0o666)
	if _, _, err := Inspect(dir); !errors.Is(err, ErrNotStore) {
		t.Errorf("foreign marker: %v", err)
	}
}

// An old complete capture stays until the new one is to be kept alone.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir, testOptions(t))
	old := capture(t, s, source{"File/C$/a.txt": "old"})
	closeStore(t, s)
	s = open(t, dir, testOptions(t))
	defer closeStore(t, s)
	c := begin(t, s)
	if c.Resumed() {
		t.Error("a complete capture is continued")
	}
	var opened atomic.Int64
	source{"File/C$/a.txt": "new"}.add(t, c, &opened)
	if _, m, err := Inspect(dir); m.Capture != old || err != nil {
		t.Errorf("marker before the end: %+v, %v", m, err)
	}
	id, err := c.Finish(t.Context(), Summary{})
	if err != nil || opened.Load() != 1 {
		t.Fatalf("%d read, %v", opened.Load(), err)
	}
	if err := s.Keep(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	list, err := s.Captures(t.Context())
	if err != nil || len(list) != 1 || list[0].ID != id || list[0].Product != "Windows 10" {
		t.Errorf("captures %+v, %v", list, err)
	}
	if _, err := s.Tree(t.Context(), old); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleted capture: %v", err)
	}
}

func bigTree(n int) source {
	src := source{}
	for i := range n {
		src[fmt.Sprintf("File/C$/d%02d/e%d/%04d.txt", i/100, i/20%5, i)] = fmt.Sprintf("content of file %d", i)
	}
	return src
}

// Whatever a run stored before it ended is not read again by the next.
func TestResume(t *testing.T) {
	t.Parallel()
	eachKind(t, testResume)
}

func testResume(t *testing.T, kind Kind) {
	src := bigTree(1000)
	half := source{}
	for i, path := range walkOrder(src) {
		if i < 600 {
			half[path] = src[path]
		}
	}
	for name, end := range map[string]func(*testing.T, *Capture){
		"abort": func(t *testing.T, c *Capture) {
			waitFor(t, c, 600)
			if err := c.Abort(t.Context(), true); err != nil {
				t.Fatal(err)
			}
		},
		"killed": func(t *testing.T, c *Capture) {
			waitFor(t, c, 600)
			if err := c.checkpoint(); err != nil {
				t.Fatal(err)
			}
			// The process is gone: no Abort, no Close.
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := create(t, dir, kindOptions(t, kind))
			c := begin(t, s)
			half.add(t, c, nil)
			end(t, c)
			s.lock.Release() // as the system does when a process ends
			if state, _, err := Inspect(dir); state != Incomplete || err != nil {
				t.Fatalf("state %v, %v", state, err)
			}
			s = create(t, dir, kindOptions(t, kind)) // continues
			defer closeStore(t, s)
			c = begin(t, s)
			if !c.Resumed() {
				t.Error("not resumed")
			}
			// A third run, cut short before it gets far, loses nothing of the first.
			source{"File/C$/d00/e0/0000.txt": src["File/C$/d00/e0/0000.txt"]}.add(t, c, nil)
			if err := c.Abort(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			c = begin(t, s)
			src["File/C$/d01/e0/0100.txt"] = "this one has changed"
			var opened atomic.Int64
			src.add(t, c, &opened)
			writeCatalog(t, c)
			id, err := c.Finish(t.Context(), Summary{})
			if err != nil {
				t.Fatal(err)
			}
			if got := opened.Load(); got != 401 {
				t.Errorf("%d files read, want the 400 new and the changed one", got)
			}
			report, err := s.Verify(t.Context(), id, nil)
			if err != nil || !report.OK() || report.Files != 1001 {
				t.Errorf("verify: %+v, %v", report, err)
			}
			list, err := s.Captures(t.Context())
			if err != nil || len(list) != 1 || list[0].Incomplete {
				t.Errorf("captures %+v, %v", list, err)
			}
		})
	}
}

// waitFor waits until n items are stored.
func waitFor(t *testing.T, c *Capture, n int32) {
	t.Helper()
	for range 30_000 { // five minutes, should the machine be that busy
		if c.read.Load() >= n {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("only %d of %d items stored", c.read.Load(), n)
}

type brokenReader struct {
	data []byte
	err  error
}

func (r *brokenReader) Read(p []byte) (int, error) {
	n := copy(p, r.data)
	r.data = r.data[n:]
	if n == 0 {
		return 0, r.err
	}
	return n, nil
}
func (r *brokenReader) Close() error {
	if r.err == io.EOF {
		return ErrPartial
	}
	return nil
}

// Errors of the source concern one file each; a partial one is kept and read again.
func TestSourceErrors(t *testing.T) { eachKind(t, testSourceErrors) }

func testSourceErrors(t *testing.T, kind Kind) {
	dir := t.TempDir()
	s := create(t, dir, kindOptions(t, kind))
	defer closeStore(t, s)
	bad := errors.New("bad sector")
	run := func() (map[string]Outcome, *Capture) {
		c := begin(t, s)
		outs := map[string]Outcome{}
		var mu sync.Mutex
		for _, item := range []struct {
			name string
			open func() (io.ReadCloser, error)
		}{
			{"good", func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("good")), nil }},
			{"holes", func() (io.ReadCloser, error) { return &brokenReader{[]byte("hole"), io.EOF}, nil }},
			{"lazy", func() (io.ReadCloser, error) { return io.NopCloser(lazyReader{}), nil }},
			{"locked", func() (io.ReadCloser, error) { return nil, bad }},
			{"torn", func() (io.ReadCloser, error) { return &brokenReader{make([]byte, 9<<20), bad}, nil }},
		} {
			err := c.Add(t.Context(), Item{Path: "File/C$/" + item.name, Size: 4, ModTime: testTime, Open: item.open}, func(o Outcome) {
				mu.Lock()
				defer mu.Unlock()
				outs[item.name] = o
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := c.drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		return outs, c
	}
	outs, c := run()
	if o := outs["good"]; o != (Outcome{Read: 4}) {
		t.Errorf("good: %+v", o)
	}
	if o := outs["holes"]; !errors.Is(o.Err, ErrPartial) || o.Read != 4 {
		t.Errorf("holes: %+v", o)
	}
	if !errors.Is(outs["locked"].Err, bad) || !errors.Is(outs["torn"].Err, bad) || outs["torn"].Read != 9<<20 {
		t.Errorf("locked %+v, torn %+v", outs["locked"], outs["torn"])
	}
	if !errors.Is(outs["lazy"].Err, io.ErrNoProgress) {
		t.Errorf("lazy: %+v", outs["lazy"])
	}
	if err := c.Abort(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	outs, c = run()
	if !outs["good"].Reused || outs["holes"].Reused || outs["holes"].Read != 4 {
		t.Errorf("next run: good %+v, holes %+v", outs["good"], outs["holes"])
	}
	id, err := c.Finish(t.Context(), Summary{Errors: 3})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := s.Tree(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	list, err := tree.ReadDir(t.Context(), "File/C$")
	if err != nil || len(list) != 2 || !list[1].Partial || list[0].Partial {
		t.Errorf("stored: %+v, %v", list, err)
	}
}

type lazyReader struct{}

func (lazyReader) Read([]byte) (int, error) { return 0, nil }

func TestOrder(t *testing.T) { eachKind(t, testOrder) }

func testOrder(t *testing.T, kind Kind) {
	s := create(t, t.TempDir(), kindOptions(t, kind))
	defer closeStore(t, s)
	for name, paths := range map[string][]string{
		"file twice":       {"File/C$/a", "File/C$/a"},
		"folder re-opened": {"File/C$/a/x", "File/C$/b/x", "File/C$/a/y"},
		"file as folder":   {"File/C$/a", "File/C$/a/x"},
	} {
		t.Run(name, func(t *testing.T) {
			c := begin(t, s)
			var err error
			for _, path := range paths {
				err = c.Add(t.Context(), Item{Path: path, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("")), nil }}, nil)
				if err != nil {
					break
				}
			}
			if err == nil {
				_, err = c.Finish(t.Context(), Summary{})
			}
			if !errors.Is(err, ErrOrder) {
				t.Errorf("got %v", err)
			}
			c.Abort(t.Context(), false)
		})
	}
	c := begin(t, s)
	defer c.Abort(t.Context(), false)
	for _, path := range []string{"", "a", "File//a", "File/../a", "File/a/", "File/a\x00b", "File/\xff"} {
		if err := c.Add(t.Context(), Item{Path: path}, nil); err == nil {
			t.Errorf("path %q is taken", path)
		}
	}
	// Trees may be filled in turns.
	for _, path := range []string{"File/C$/a/1", "Streams/C$/a/1/s", "File/C$/a/2", "Streams/C$/a/2/s"} {
		if err := c.Add(t.Context(), Item{Path: path, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(path)), nil }}, nil); err != nil {
			t.Error(err)
		}
	}
}

// Catalog streams of unknown size, several open at once, written together.
func TestStreams(t *testing.T) { eachKind(t, testStreams) }

func testStreams(t *testing.T, kind Kind) {
	s := create(t, t.TempDir(), kindOptions(t, kind))
	defer closeStore(t, s)
	c := begin(t, s)
	objects, err := c.Create(t.Context(), ObjectsJSONL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Create(t.Context(), RegistryDir+"/HKLM.jsonl"); err != nil {
		t.Fatal(err)
	}
	w := NewLineWriter[Object](objects)
	const n = 200000 // more than a splitter's piece
	for i := range n {
		if err := w.Write(Object{Path: Text(fmt.Sprintf(`C:\Users\anna\file %d`, i)), Size: int64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Flush(), objects.Close(), objects.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Finish(t.Context(), Summary{}); err == nil {
		t.Fatal("finished with an open stream")
	}
	c.Abort(t.Context(), false)

	c = begin(t, s)
	keys, err := c.Create(t.Context(), RegistryDir+"/HKLM.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(keys, "{}\n")
	keys.Close()
	if objects, err = c.Create(t.Context(), ObjectsJSONL); err != nil {
		t.Fatal(err)
	}
	w = NewLineWriter[Object](objects)
	for i := range n {
		w.Write(Object{Size: int64(i)})
	}
	w.Flush()
	objects.Close()
	id, err := c.Finish(t.Context(), Summary{})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := s.Tree(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	f, err := tree.Open(t.Context(), ObjectsJSONL)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	i := int64(0)
	for o, err := range Lines[Object](f) {
		if err != nil || o.Size != i {
			t.Fatalf("line %d: %+v, %v", i, o, err)
		}
		i++
	}
	if i != n {
		t.Errorf("%d lines", i)
	}
}

// A full pipeline, a stuck source: the caller is back when its context ends.
func TestCancel(t *testing.T) { eachKind(t, testCancel) }

func testCancel(t *testing.T, kind Kind) {
	s := create(t, t.TempDir(), kindOptions(t, kind))
	defer closeStore(t, s)
	c := begin(t, s)
	stuck := make(chan struct{})
	defer close(stuck)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var err error
	for i := 0; err == nil && i < maxWaiting+1000; i++ {
		err = c.Add(ctx, Item{Path: fmt.Sprintf("File/C$/%04d", i), Open: func() (io.ReadCloser, error) { <-stuck; return nil, io.EOF }}, nil)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("add: %v", err)
	}
	ctx2, cancel2 := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel2()
	c.Abort(ctx2, true) // the source is stuck until the test ends
}

func TestExtractKeepsInside(t *testing.T) { eachKind(t, testExtractKeepsInside) }

func testExtractKeepsInside(t *testing.T, kind Kind) {
	s := create(t, t.TempDir(), kindOptions(t, kind))
	defer closeStore(t, s)
	src := source{
		"File/C$/link/evil.txt":            "x",
		"File/C$/Users/a.txt":              "new",
		"File/C$/%u002E./up.txt":           "y",
		"File/C$/a%u002F..%u002F..%u002Fb": "z",
	}
	id := capture(t, s, src)
	base := t.TempDir()
	dest := filepath.Join(base, "dest")
	outside := filepath.Join(base, "outside")
	os.MkdirAll(filepath.Join(dest, "C$", "Users"), 0o777)
	os.Mkdir(outside, 0o777)
	if err := os.Symlink(outside, filepath.Join(dest, "C$", "link")); err != nil {
		t.Skip(err)
	}
	os.WriteFile(filepath.Join(dest, "C$", "Users", "a.txt"), []byte("old"), 0o666)
	report, err := s.Extract(t.Context(), id, dest, ExtractOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if list, _ := os.ReadDir(outside); len(list) > 0 {
		t.Errorf("written outside: %v", list)
	}
	if list, _ := os.ReadDir(base); len(list) != 2 {
		t.Errorf("written beside dest: %v", list)
	}
	if len(report.Failed) != 2 || !errors.Is(report.Failed[0].Err, os.ErrExist) || !errors.Is(report.Failed[1].Err, os.ErrExist) {
		t.Errorf("failed: %v", report.Failed)
	}
	if len(report.Renamed) != 2 {
		t.Errorf("renamed: %v", report.Renamed)
	}
	old, _ := os.ReadFile(filepath.Join(dest, "C$", "Users", "a.txt"))
	if string(old) != "old" {
		t.Errorf("overwritten with %q", old)
	}
	if _, err = s.Extract(t.Context(), id, dest, ExtractOptions{Overwrite: true}); err != nil {
		t.Fatal(err)
	}
	now, _ := os.ReadFile(filepath.Join(dest, "C$", "Users", "a.txt"))
	if string(now) != "new" {
		t.Errorf("not overwritten: %q", now)
	}
}

// Folders have their times, and empty ones are there.
func TestFolders(t *testing.T) { eachKind(t, testFolders) }

func testFolders(t *testing.T, kind Kind) {
	s := create(t, t.TempDir(), kindOptions(t, kind))
	defer closeStore(t, s)
	c := begin(t, s)
	for _, dir := range []string{"File/C$/Users", "File/C$/Users/empty", "File/C$/Users/full"} {
		if err := c.AddDir(t.Context(), dir, testTime); err != nil {
			t.Fatal(err)
		}
	}
	source{"File/C$/Users/full/a": "a"}.add(t, c, nil)
	id, err := c.Finish(t.Context(), Summary{})
	if err != nil {
		t.Fatal(err)
	}
	dest := t.TempDir()
	if _, err := s.Extract(t.Context(), id, dest, ExtractOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"Users", "Users/empty", "Users/full"} {
		info, err := os.Stat(filepath.Join(dest, "C$", dir))
		if err != nil || !info.ModTime().Equal(testTime) {
			t.Errorf("%s: %v, %v", dir, info, err)
		}
	}
}

// A flipped byte in a pack is found, and only the files it hits are named.
func TestVerifyFindsDamage(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir, testOptions(t))
	src := source{}
	for i := range 8 {
		content := make([]byte, 1<<20)
		rand.NewChaCha8([32]byte{byte(i)}).Read(content)
		src[fmt.Sprintf("File/C$/%d.bin", i)] = string(content)
	}
	id := capture(t, s, src)
	closeStore(t, s)
	packs, err := filepath.Glob(filepath.Join(Dir(dir), "p*", "*.f"))
	if err != nil || len(packs) != 1 {
		t.Fatalf("packs %v, %v", packs, err)
	}
	data, err := os.ReadFile(packs[0])
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(packs[0], data, 0o666); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, testOptions(t))
	defer closeStore(t, s)
	report, err := s.Verify(t.Context(), id, nil)
	if err != nil || len(report.Corrupt) != 1 || !errors.Is(report.Corrupt[0].Err, ErrCorrupt) || report.Files != 8 || !report.CatalogOK {
		t.Errorf("%+v, %v", report, err)
	}
	// The rest can still be had.
	x, err := s.Extract(t.Context(), id, t.TempDir(), ExtractOptions{})
	if err != nil || x.Files != 7 || len(x.Failed) != 1 {
		t.Errorf("extract %+v, %v", x, err)
	}
	// Without the pack there is nothing, but still no error: the medium is there.
	os.Remove(packs[0])
	report, err = s.Verify(t.Context(), id, nil)
	if err != nil || len(report.Corrupt) != 9 || report.CatalogOK {
		t.Errorf("without pack: %+v, %v", report, err)
	}
	// Truncated.
	os.WriteFile(packs[0], data[:len(data)/2], 0o666)
	report, err = s.Verify(t.Context(), id, nil)
	if err != nil || len(report.Corrupt) < 3 {
		t.Errorf("truncated: %+v, %v", report, err)
	}
}

func TestReadme(t *testing.T) {
	dir := t.TempDir()
	closeStore(t, create(t, dir, testOptions(t)))
	text, err := os.ReadFile(filepath.Join(Dir(dir), "README.txt"))
	if err != nil || !bytes.Contains(text, []byte(NoPassword)) {
		t.Errorf("%q, %v", text, err)
	}
}
