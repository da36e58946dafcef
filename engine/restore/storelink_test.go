package restore

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/engine/store"
)

// Files that the store holds as links are linked: nothing is copied, and what they
// are links to stays as it is, whenever the power goes.
func TestLinksFromTheStore(t *testing.T) {
	a := firstPC(t)
	s := save(t, a, strings.ReplaceAll(testRules, `%CSIDL_PROFILE%\* [*]`, `%CSIDL_PERSONAL%\* [*]`))
	source := tree(t, a.dir)
	links := func(_ context.Context, path string) (string, bool) {
		shown, ok := store.WindowsPath(path)
		return a.path(shown), ok
	}
	// run restores with the power going at a moment, -1 for never; it counts them.
	run := func(b *pc, journal string, at int) (n int, result *Result) {
		defer func() {
			if r := recover(); r != nil {
				if _, ours := r.(cut); !ours {
					panic(r)
				}
			}
		}()
		result, err := put(t, s, b, func(r *Request) {
			r.CreateAccounts, r.Linked = true, links
			if journal != "" {
				r.Journal = journal
			}
			r.moment = func(string, string) {
				if n == at {
					panic(cut{})
				}
				n++
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return n, result
	}
	linked := func(b *pc) (files int) {
		t.Helper()
		docs := a.path(`C:\Users\anna\Documents`)
		err := filepath.Walk(docs, func(name string, info os.FileInfo, err error) error {
			if err != nil || !info.Mode().IsRegular() {
				return err
			}
			other, err := os.Lstat(filepath.Join(b.path(`C:\Users\anna\Documents`), strings.TrimPrefix(name, docs)))
			if err == nil && os.SameFile(info, other) {
				files++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	fresh := func() *pc {
		b := secondPC(t)
		if err := os.RemoveAll(b.path(`C:\Users\anna\Documents`)); err != nil {
			t.Fatal(err)
		}
		return b.detect(t)
	}
	whole := fresh()
	n, result := run(whole, "", -1)
	all := linked(whole)
	if result.Done.Files == 0 || all < 10 {
		t.Fatalf("%+v, %d linked", result.Done, all)
	}
	if _, again := run(whole.detect(t), "", -1); again.Done.Files != 0 || again.Done.Renamed != 0 {
		t.Errorf("run again: %+v", again.Done)
	}
	for at := n / 9; at < n; at += n / 9 {
		b := fresh()
		before := tree(t, b.dir)
		journals := t.TempDir()
		journal := filepath.Join(journals, "journal.jsonl")
		run(b, journal, at)
		if at%2 == 0 {
			if _, err := Undo(journal, nil); err != nil {
				t.Errorf("cut at %d: %v", at, err)
			}
			sameTrees(t, before, tree(t, b.dir))
		} else if run(b.detect(t), filepath.Join(journals, "again.jsonl"), -1); linked(b) != all {
			t.Errorf("cut at %d and run again: %d of %d linked", at, linked(b), all)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	sameTrees(t, source, tree(t, a.dir))
}

// What cannot be linked is copied, and what was changed since is said to be.
func TestLinksThatFail(t *testing.T) {
	a, b := firstPC(t), secondPC(t)
	s := save(t, a)
	const shown = `C:\Users\anna\Documents\Letters\letter 03.txt`
	want, err := os.ReadFile(a.path(shown))
	if err != nil {
		t.Fatal(err)
	}
	os.RemoveAll(b.path(`C:\Users\anna\Documents`))
	b = b.detect(t)
	gone := filepath.Join(t.TempDir(), "gone")
	result, err := put(t, s, b, func(r *Request) {
		r.CreateAccounts = true
		r.Linked = func(_ context.Context, path string) (string, bool) { return gone, path == store.FilePath(shown) }
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(b.path(shown)); string(got) != string(want) || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if !strings.Contains(strings.Join(result.Warnings, "\n"), "cannot be linked and is copied") {
		t.Errorf("warnings %q", result.Warnings)
	}
}
