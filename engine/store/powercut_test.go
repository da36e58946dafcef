package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kopia/kopia/repo/blob"
)

// tape records what is done to the blobs of a store, in order.
type tape struct {
	mu    sync.Mutex
	steps []blobStep
}

type blobStep struct {
	id   blob.ID
	data []byte // nil if it was removed
}

// recorder puts a tape before a storage.
type recorder struct {
	blob.Storage
	tape *tape
}

func (r recorder) PutBlob(ctx context.Context, id blob.ID, data blob.Bytes, opt blob.PutOptions) error {
	var b strings.Builder
	if _, err := data.WriteTo(&b); err != nil {
		return err
	}
	r.tape.add(blobStep{id, []byte(b.String())})
	return r.Storage.PutBlob(ctx, id, data, opt)
}

func (r recorder) DeleteBlob(ctx context.Context, id blob.ID) error {
	r.tape.add(blobStep{id: id})
	return r.Storage.DeleteBlob(ctx, id)
}

func (t *tape) add(s blobStep) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.steps = append(t.steps, s)
}

// play makes the folder of a store as it is after some steps, those that lost names
// left out.
func (t *tape) play(tb testing.TB, dir string, steps int, lost map[int]bool) {
	tb.Helper()
	b := newBlobs(Dir(dir), false)
	if err := os.MkdirAll(Dir(dir), 0o777); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(Dir(dir), ".shards"), []byte(shards), 0o666); err != nil {
		tb.Fatal(err)
	}
	for i, s := range t.steps[:steps] {
		_, name, err := b.GetShardedPathAndFilePath(tb.Context(), s.id)
		switch {
		case err != nil:
			tb.Fatal(err)
		case lost[i]:
		case s.data == nil:
			os.Remove(name)
		default:
			os.Mkdir(filepath.Dir(name), 0o777)
			if err := os.WriteFile(name, s.data, 0o666); err != nil {
				tb.Fatal(err)
			}
		}
	}
	if steps > 0 && steps < len(t.steps) { // the next one is half written
		s := t.steps[steps]
		_, name, _ := b.GetShardedPathAndFilePath(tb.Context(), s.id)
		os.WriteFile(name+tempSuffix, s.data[:len(s.data)/2], 0o666)
	}
}

// record captures a tree with a checkpoint after every few files.
func record(t *testing.T, src source) *tape {
	tape := &tape{}
	opt := testOptions(t)
	opt.Workers = 1
	opt.wrap = func(st blob.Storage) blob.Storage { return recorder{st, tape} }
	dir := t.TempDir()
	// The blobs of an empty store are written before there is a wrapped one.
	if err := initialize(t.Context(), newBlobs(Dir(dir), false), opt); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, opt)
	c := begin(t, s)
	for i, path := range walkOrder(src) {
		source{path: src[path]}.add(t, c, nil)
		if i%4 == 3 {
			waitFor(t, c, int32(i+1))
			if err := c.checkpoint(); err != nil {
				t.Fatal(err)
			}
		}
	}
	writeCatalog(t, c)
	if _, err := c.Finish(t.Context(), Summary{}); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	return tape
}

// goOn opens what is left of a store, checks that all it lists is whole, unless it
// may be damaged, and captures the tree into it: that must be whole. It tells how
// many files were read.
func goOn(t *testing.T, dir string, src source, damaged bool) int64 {
	t.Helper()
	s, err := Create(t.Context(), dir, testOptions(t))
	if err != nil {
		t.Error(err)
		return 0
	}
	defer closeStore(t, s)
	list, err := s.Captures(t.Context())
	if err != nil {
		t.Error(err)
		return 0
	}
	for _, info := range list {
		if report, err := s.Verify(t.Context(), info.ID, nil); err != nil || len(report.Corrupt) > 0 && !damaged {
			t.Errorf("what it lists: %+v, %v", report, err)
		}
	}
	c := begin(t, s)
	var opened atomic.Int64
	src.add(t, c, &opened)
	writeCatalog(t, c)
	id, err := c.Finish(t.Context(), Summary{})
	if err != nil {
		t.Error(err)
		return 0
	}
	report, err := s.Verify(t.Context(), id, nil)
	if err != nil || !report.OK() || report.Files != int64(len(src))+1 {
		t.Errorf("gone on with: %+v, %v", report, err)
	}
	return opened.Load()
}

// The power fails after any write, or before what was written last is on the medium:
// packs may then be there or not, as they like. The store opens, holds what the last
// index tells of, and is gone on with.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	src := mixed(24)
	tape := record(t, src)
	rng := rand.New(rand.NewPCG(4, 4))
	stride := 1
	if testing.Short() {
		stride = 5
	}
	checkpoints := int64(0)
	for steps := 2; steps <= len(tape.steps); steps += stride {
		// What the last index or manifest waited for is durable; after it nothing is.
		lost := map[int]bool{}
		for i := steps - 1; i >= 0 && isPack(tape.steps[i].id); i-- {
			lost[i] = rng.IntN(2) == 0
		}
		dir := t.TempDir()
		tape.play(t, dir, steps, lost)
		read := goOn(t, dir, src, false)
		if t.Failed() {
			t.Fatalf("after %d of %d steps, without %v", steps, len(tape.steps), lost)
		}
		if read < int64(len(src)) {
			checkpoints++
		}
	}
	if checkpoints == 0 {
		t.Error("nothing was ever gone on with")
	}
}

// A medium loses what it said it had: any one file of a store is gone or short. What
// of an interrupted capture is left is gone on with, and what is not is read again.
func TestLostFile(t *testing.T) {
	t.Parallel()
	src := mixed(12)
	tape := record(t, src)
	steps := len(tape.steps) * 3 / 4
	there := map[blob.ID]bool{}
	for _, s := range tape.steps[:steps] {
		there[s.id] = s.data != nil
	}
	for i, s := range slices.Clone(tape.steps[:steps]) {
		if !there[s.id] || strings.HasPrefix(string(s.id), "kopia.") || testing.Short() && i%4 > 0 {
			continue // without the format there is no store
		}
		for _, how := range []string{"gone", "short"} {
			if how == "short" && !isPack(s.id) {
				continue // its end authenticates it, and it is one small write
			}
			dir := t.TempDir()
			tape.play(t, dir, steps, nil)
			_, name, err := newBlobs(Dir(dir), true).GetShardedPathAndFilePath(t.Context(), s.id)
			if err != nil {
				t.Fatal(err)
			}
			if how == "gone" {
				err = os.Remove(name)
			} else {
				err = os.Truncate(name, int64(len(s.data)/2))
			}
			if err != nil {
				t.Fatal(err)
			}
			goOn(t, dir, src, true)

			if t.Failed() {
				t.Fatalf("%s is %s", s.id, how)
			}
		}
	}
}

// mixed is a tree of small and middling files in some folders.
func mixed(n int) source {
	src := source{}
	for i := range n {
		content := make([]byte, 10+i%3*300_000)
		rand.NewChaCha8([32]byte{byte(i), 7}).Read(content)
		src[fmt.Sprintf("File/C$/Users/%d/%03d.bin", i/5, i)] = string(content)
	}
	return src
}
