package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kopia/kopia/fs"
	"github.com/kopia/kopia/repo/object"
	"github.com/kopia/kopia/snapshot"
)

// randomEntry makes an entry as a capture does, with any name.
func randomEntry(t testing.TB, rng *rand.Rand, name string) *snapshot.DirEntry {
	id, err := object.ParseID(fmt.Sprintf("%s%032x", []string{"", "k", "Ix"}[rng.IntN(3)], rng.Uint64()))
	if err != nil {
		t.Fatal(err)
	}
	e := &snapshot.DirEntry{Name: name, Type: snapshot.EntryTypeFile, ObjectID: id}
	if rng.IntN(4) > 0 {
		e.Permissions, e.FileSize, e.ModTime = fileMode, rng.Int64N(1<<40), fs.UTCTimestamp(rng.Int64())
	}
	if rng.IntN(8) == 0 {
		e.Type, e.Permissions, e.DirSummary = snapshot.EntryTypeDirectory, dirMode, &fs.DirectorySummary{TotalFileCount: 3, TotalFileSize: 70, TotalDirCount: 2}
	}
	return e
}

func randomName(rng *rand.Rand) string {
	const letters = "abcABC012 .-_~<>&\"'\\%$\x01\x7fäß€\u2028漢🙂"
	all := []rune(letters)
	name := make([]rune, 1+rng.IntN(12))
	for i := range name {
		name[i] = all[rng.IntN(len(all))]
	}
	return string(name)
}

// The JSON of an entry is what kopia would have written.
func TestEntryJSON(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20000 {
		e := randomEntry(t, rng, randomName(rng))
		got, err := entryJSON(e)
		want, werr := json.Marshal(e)
		if err != nil || werr != nil || !bytes.Equal(got, want) {
			t.Fatalf("%s, %v\nwant %s, %v", got, err, want, werr)
		}
	}
}

// A list gives what was put into it, sorted, wherever it keeps it, and a view of it
// does not change when more comes.
func TestEntryList(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 30 {
		work := &workFiles{dir: t.TempDir()}
		list := &entryList{work: work}
		var want []string
		var then []string
		var early *view
		seen := map[string]bool{}
		for i := range 400 {
			name := randomName(rng)
			if seen[name] {
				continue
			}
			seen[name] = true
			want = append(want, name)
			if err := list.add(randomEntry(t, rng, name)); err != nil {
				t.Fatal(err)
			}
			if rng.IntN(60) == 0 {
				if err := list.spill(); err != nil {
					t.Fatal(err)
				}
			}
			if early == nil && i >= 200 {
				early, then = list.view(), slices.Clone(want)
			}
		}
		checkView(t, early, then)
		checkView(t, list.view(), want)
		list.drop()
		checkEmpty(t, work.dir)
	}
}

func checkView(t *testing.T, v *view, want []string) {
	t.Helper()
	slices.Sort(want)
	each := v.all()
	for range 2 {
		var got []string
		err := each(func(l line) error {
			var e snapshot.DirEntry
			if err := json.Unmarshal(l.json, &e); err != nil || e.Name != string(l.name) || l.dir != (e.Type == snapshot.EntryTypeDirectory) {
				return fmt.Errorf("%s of %s, %v", l.json, l.name, err)
			}
			got = append(got, e.Name)
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
}

func checkEmpty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A folder of any size takes no more memory than the bounds say, whether it is
// written, gone on with, verified, listed or read from file by file.
func TestLargeFolder(t *testing.T) { eachKind(t, testLargeFolder) }

func testLargeFolder(t *testing.T, kind Kind) {
	files := 30000
	switch {
	case kind != Packed:
		files = pageEntries + 500 // what else is bounded is so for all kinds
	case testing.Short():
		files = 15000 // still more than a tail
	}
	dir, opt := t.TempDir(), kindOptions(t, kind)
	s := create(t, dir, opt)
	c := begin(t, s)
	name := func(i int) string {
		return fmt.Sprintf("File/C$/cache/%x %s %d.dat", uint32(i)*2654435761, strings.Repeat("a long name ", 8), i)
	}
	var opened atomic.Int64
	add := func(c *Capture, from, to int) {
		for i := from; i < to; i++ {
			err := c.Add(t.Context(), Item{
				Path: name(i), Size: 1, ModTime: time.Unix(1.5e9, int64(i)*100),
				Open: func() (io.ReadCloser, error) {
					opened.Add(1)
					return io.NopCloser(strings.NewReader(string(rune('a' + i%26)))), nil
				},
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if f := c.chain["File"]; i%1000 == 0 && len(f) > 0 {
				list := &f[len(f)-1].entries
				list.mu.Lock()
				if len(list.tail) > maxTail {
					t.Errorf("%d bytes of entries in memory", len(list.tail))
				}
				list.mu.Unlock()
			}
		}
	}
	add(c, 0, files/2)
	waitFor(t, c, int32(files/2))
	if err := c.Abort(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)

	s = open(t, dir, opt)
	defer closeStore(t, s)
	c = begin(t, s)
	opened.Store(0)
	add(c, 0, files)
	for _, d := range c.chain["File"][1].prev {
		if len(d.entries) > pageEntries || d.held > maxHeld {
			t.Errorf("%d entries of an earlier run in memory", len(d.entries))
		}
	}
	writeCatalog(t, c)
	id, err := c.Finish(t.Context(), Summary{})
	if err != nil {
		t.Fatal(err)
	}
	if got := opened.Load(); got != int64(files-files/2) {
		t.Errorf("%d files were read again", got-int64(files-files/2))
	}
	report, err := s.Verify(t.Context(), id, nil)
	if err != nil || !report.OK() || report.Files != int64(files)+1 {
		t.Fatalf("%+v, %v", report, err)
	}
	tree, err := s.Tree(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	err = tree.EachIn(t.Context(), "File/C$/cache", func(Entry) error { count++; return nil })
	if err != nil || count != files {
		t.Errorf("listed %d files, %v", count, err)
	}
	for i := 0; i < files; i += 97 {
		e, err := tree.Stat(t.Context(), name(i))
		if err != nil || e.Size != 1 || !e.ModTime.Equal(time.Unix(1.5e9, int64(i)*100)) {
			t.Fatalf("%s: %+v, %v", name(i), e, err)
		}
	}
	if _, err := tree.Stat(t.Context(), "File/C$/cache/none"); err == nil {
		t.Error("found what is not there")
	}
	for _, d := range tree.recent {
		if len(d.entries) > pageEntries {
			t.Errorf("%d entries in memory", len(d.entries))
		}
	}
	if tree.held > maxHeld {
		t.Errorf("%d bytes of entries in memory", tree.held)
	}
	folder, err := tree.find(t.Context(), "File/C$/cache")
	if err != nil {
		t.Fatal(err)
	}
	pages := 0
	err = s.eachPage(t.Context(), "File/C$/cache", folder.ObjectID, func(p []*snapshot.DirEntry) error {
		if pages++; len(p) > pageEntries {
			t.Errorf("a page of %d entries", len(p))
		}
		return nil
	})
	if want := (files + pageEntries - 1) / pageEntries; err != nil || pages < want {
		t.Errorf("%d pages, %v, want %d", pages, err, want)
	}
}

// What is there twice is refused wherever its first half is kept.
func TestTwiceInLargeFolder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, kinds := range []string{"ff", "fd", "df", "dd"} {
		list := &entryList{work: &workFiles{dir: t.TempDir()}}
		for i, kind := range kinds {
			for _, name := range []string{"b", fmt.Sprint("a", i), fmt.Sprint("c", i)} {
				e := randomEntry(t, rng, name)
				e.Type = snapshot.EntryType(kind)
				if err := list.add(e); err != nil {
					t.Fatal(err)
				}
			}
			if err := list.spill(); err != nil {
				t.Fatal(err)
			}
		}
		if err := writeDirectory(io.Discard, list.view(), &fs.DirectorySummary{}); !errors.Is(err, ErrOrder) {
			t.Errorf("%s: %v", kinds, err)
		}
		list.drop()
	}
}
