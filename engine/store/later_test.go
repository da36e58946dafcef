package store

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
)

// Files that are put off are read after all others, and lie in their folders.
func TestLater(t *testing.T) { eachKind(t, testLater) }

func testLater(t *testing.T, kind Kind) {
	opt := kindOptions(t, kind)
	opt.Workers = 1
	s := create(t, t.TempDir(), opt)
	defer closeStore(t, s)
	c := begin(t, s)
	var mu sync.Mutex
	var order []string
	outcomes := map[string]error{}
	put := func(path string, hard bool, err error) {
		t.Helper()
		open := func(content string, err error) func() (io.ReadCloser, error) {
			return func() (io.ReadCloser, error) {
				mu.Lock()
				defer mu.Unlock()
				order = append(order, path)
				if err != nil {
					return nil, err
				}
				return io.NopCloser(strings.NewReader(content)), nil
			}
		}
		it := Item{Path: path, Size: 5, Open: open("first", nil)}
		if hard {
			it.Open = open("", fmt.Errorf("bad sectors: %w", ErrLater))
			it.Again = open("again", err)
		}
		if err := c.Add(t.Context(), it, func(o Outcome) {
			mu.Lock()
			defer mu.Unlock()
			outcomes[path] = o.Err
		}); err != nil {
			t.Fatal(err)
		}
	}
	failed := errors.New("still unreadable")
	put("File/a/1", true, nil)
	put("File/a/2", false, nil)
	put("File/b/3", true, failed)
	put("File/b/c/4", true, fmt.Errorf("again %w", ErrLater))
	put("File/d/5", false, nil)
	if n, err := c.Rest(t.Context()); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	id, err := c.Finish(t.Context(), Summary{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(order, " "), "File/a/1 File/a/2 File/b/3 File/b/c/4 File/d/5 File/a/1 File/b/3 File/b/c/4"; got != want {
		t.Errorf("read in the order %s", got)
	}
	if outcomes["File/a/1"] != nil || !errors.Is(outcomes["File/b/3"], failed) || !errors.Is(outcomes["File/b/c/4"], ErrLater) || len(outcomes) != 5 {
		t.Errorf("outcomes %v", outcomes)
	}
	tree, err := s.Tree(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"File/a/1": "again", "File/a/2": "first", "File/d/5": "first"} {
		f, err := tree.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(f); string(got) != want || err != nil {
			t.Errorf("%s is %q, %v", path, got, err)
		}
		f.Close()
	}
	for _, path := range []string{"File/b/3", "File/b/c/4"} {
		if _, err := tree.Stat(t.Context(), path); err == nil {
			t.Errorf("%s was stored", path)
		}
	}
}

// A capture that is aborted forgets them; Finish alone does them too.
func TestLaterEnds(t *testing.T) { eachKind(t, testLaterEnds) }

func testLaterEnds(t *testing.T, kind Kind) {
	s := create(t, t.TempDir(), kindOptions(t, kind))
	defer closeStore(t, s)
	hard := Item{
		Path: "File/a/1", Size: 5, Open: func() (io.ReadCloser, error) { return nil, ErrLater },
		Again: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("again")), nil },
	}
	c := begin(t, s)
	if err := c.Add(t.Context(), hard, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Abort(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	c = begin(t, s)
	if err := c.Add(t.Context(), hard, nil); err != nil {
		t.Fatal(err)
	}
	id, err := c.Finish(t.Context(), Summary{})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := s.Tree(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := tree.Stat(t.Context(), "File/a/1"); err != nil || e.Size != 5 {
		t.Errorf("%+v, %v", e, err)
	}
}
