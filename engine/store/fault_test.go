package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/kopia/kopia/repo/blob"
)

// faulty fails writes of blobs once fail says so.
type faulty struct {
	blob.Storage
	fail func(id blob.ID) error
}

func (f *faulty) PutBlob(ctx context.Context, id blob.ID, data blob.Bytes, opt blob.PutOptions) error {
	if err := f.fail(id); err != nil {
		return err
	}
	return f.Storage.PutBlob(ctx, id, data, opt)
}

// noise is a tree that does not compress: n files of a mebibyte.
func noise(n int) source {
	src := source{}
	content := make([]byte, 1<<20)
	for i := range n {
		rand.NewChaCha8([32]byte{byte(i), byte(i >> 8)}).Read(content)
		src[fmt.Sprintf("File/C$/%d/%03d.bin", i/10, i)] = string(content)
	}
	return src
}

// addAll adds until the first error.
func addAll(ctx context.Context, c *Capture, src source, opened *atomic.Int64) error {
	for _, path := range walkOrder(src) {
		content := src[path]
		err := c.Add(ctx, Item{Path: path, Size: int64(len(content)), ModTime: testTime, Open: func() (io.ReadCloser, error) {
			opened.Add(1)
			return io.NopCloser(strings.NewReader(content)), nil
		}}, nil)
		if err != nil {
			return err
		}
	}
	_, err := c.Finish(ctx, Summary{})
	return err
}

// However a write fails, the run ends and says why, the old capture is
// whole, and once the medium is well again the run goes on where it was.
func TestWriteFails(t *testing.T) {
	for _, want := range []error{ErrFull, ErrGone} {
		for _, kind := range []string{"p", "q", "x"} { // packs, packs of folders, indexes
			t.Run(fmt.Sprint(want, " at ", kind), func(t *testing.T) {
				dir := t.TempDir()
				s := create(t, dir, testOptions(t))
				old := capture(t, s, source{"File/C$/old.txt": "old"})
				closeStore(t, s)

				src := noise(60)
				var armed atomic.Bool
				opt := testOptions(t)
				opt.wrap = func(st blob.Storage) blob.Storage {
					return &faulty{st, func(id blob.ID) error {
						if armed.Load() && strings.HasPrefix(string(id), kind) {
							return wrap(want, "write "+string(id), errors.New("made up"))
						}
						return nil
					}}
				}
				s = open(t, dir, opt)
				c := begin(t, s)
				half := source{}
				for i, path := range walkOrder(src) {
					if i < 30 {
						half[path] = src[path]
					}
				}
				half.add(t, c, nil)
				waitFor(t, c, 30)
				if err := c.checkpoint(); err != nil {
					t.Fatal(err)
				}
				armed.Store(true)
				rest := source{}
				for path := range src {
					if half[path] == "" {
						rest[path] = src[path]
					}
				}
				var opened atomic.Int64
				err := addAll(t.Context(), c, rest, &opened)
				if !errors.Is(err, want) {
					t.Errorf("got %v", err)
				}
				if err := c.Abort(t.Context(), true); err != nil && !errors.Is(err, want) {
					t.Errorf("abort: %v", err)
				}
				if _, m, err := Inspect(dir); m.Capture != old || err != nil {
					t.Errorf("marker %+v, %v", m, err)
				}
				s.Close(t.Context())

				s = open(t, dir, testOptions(t))
				defer closeStore(t, s)
				if report, err := s.Verify(t.Context(), old, nil); err != nil || !report.OK() {
					t.Errorf("old capture: %+v, %v", report, err)
				}
				c = begin(t, s)
				opened.Store(0)
				if err := addAll(t.Context(), c, src, &opened); err != nil {
					t.Fatal(err)
				}
				if n := opened.Load(); n > 30 {
					t.Errorf("%d files read again", n)
				}
			})
		}
	}
}

// A real small medium runs full, and is emptied.
func TestMediumFull(t *testing.T) { eachKind(t, testMediumFull) }

func testMediumFull(t *testing.T, kind Kind) {
	dir := t.TempDir()
	if runtime.GOOS != "linux" || exec.Command("mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", dir).Run() != nil {
		t.Skip("needs the right to mount a small tmpfs")
	}
	defer exec.Command("umount", "-l", dir).Run()
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 24<<20), 0o666); err != nil {
		t.Fatal(err)
	}
	s := create(t, dir, kindOptions(t, kind))
	c := begin(t, s)
	var opened atomic.Int64
	err := addAll(t.Context(), c, noise(40), &opened)
	if !errors.Is(err, ErrFull) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
	c.Abort(t.Context(), true)
	s.Close(t.Context())
	os.Remove(ballast)
	s = create(t, dir, kindOptions(t, kind))
	defer closeStore(t, s)
	if temps, _ := filepath.Glob(filepath.Join(Dir(dir), "*", "*"+tempSuffix)); len(temps) > 0 {
		t.Errorf("left half written: %v", temps)
	}
	c = begin(t, s)
	if err := addAll(t.Context(), c, noise(20), &opened); err != nil {
		t.Error(err)
	}
}

// The folder of the store vanishes, as a pulled stick does.
func TestMediumGone(t *testing.T) { eachKind(t, testMediumGone) }

func testMediumGone(t *testing.T, kind Kind) {
	if runtime.GOOS == "windows" {
		t.Skip("open files cannot be moved")
	}
	dir := t.TempDir()
	s := create(t, dir, kindOptions(t, kind))
	c := begin(t, s)
	if err := os.Rename(Dir(dir), filepath.Join(dir, "away")); err != nil {
		t.Fatal(err)
	}
	var opened atomic.Int64
	if err := addAll(t.Context(), c, noise(40), &opened); !errors.Is(err, ErrGone) {
		t.Errorf("got %v", err)
	}
	if err := c.Abort(t.Context(), true); err != nil && !errors.Is(err, ErrGone) {
		t.Errorf("abort: %v", err)
	}
	if _, err := os.Stat(Dir(dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the folder was made again")
	}
	s.Close(t.Context())
}

func TestVerifyMediumGone(t *testing.T) { eachKind(t, testVerifyMediumGone) }

func testVerifyMediumGone(t *testing.T, kind Kind) {
	if runtime.GOOS == "windows" {
		t.Skip("open files cannot be moved")
	}
	dir := t.TempDir()
	s := create(t, dir, kindOptions(t, kind))
	id := capture(t, s, noise(3))
	os.Rename(Dir(dir), filepath.Join(dir, "away"))
	if report, err := s.Verify(t.Context(), id, nil); !errors.Is(err, ErrGone) || report.CatalogOK {
		t.Errorf("%+v, %v", report, err)
	}
	s.Close(t.Context())
}

func TestReadOnly(t *testing.T) { eachKind(t, testReadOnly) }

func testReadOnly(t *testing.T, kind Kind) {
	dir := t.TempDir()
	s := create(t, dir, kindOptions(t, kind))
	capture(t, s, source{"File/C$/a": "a"})
	closeStore(t, s)
	opt := kindOptions(t, kind)
	opt.ReadOnly = true
	s = open(t, dir, opt)
	defer closeStore(t, s)
	if _, err := s.Begin(t.Context(), testMeta); !errors.Is(err, ErrReadOnly) {
		t.Errorf("begin: %v", err)
	}
	if err := s.Keep(t.Context(), "x"); !errors.Is(err, ErrReadOnly) {
		t.Errorf("delete: %v", err)
	}
}

// The process is killed at any moment: the store opens, what it lists is
// whole, and the next run finishes.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("LIFEBOAT_TEST_VICTIM"); dir != "" {
		victim(t, dir, Kind(os.Getenv("LIFEBOAT_TEST_KIND")))
		return
	}
	t.Parallel()
	eachKind(t, testKilled)
}

func testKilled(t *testing.T, kind Kind) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir := t.TempDir()
	src := noise(200)
	for i := range 3 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestKilled$")
		cmd.Env = append(os.Environ(), "LIFEBOAT_TEST_VICTIM="+dir, "LIFEBOAT_TEST_KIND="+string(kind))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(700+i*431) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		state, _, err := Inspect(dir)
		if err != nil || state == Complete {
			t.Fatalf("state %v, %v", state, err)
		}
		if state == None {
			continue
		}
		s := open(t, dir, kindOptions(t, kind))
		list, err := s.Captures(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, info := range list {
			report, err := s.Verify(t.Context(), info.ID, nil)
			if err != nil || len(report.Corrupt) > 0 {
				t.Errorf("checkpoint: %+v, %v", report, err)
			}
		}
		closeStore(t, s)
	}
	s := create(t, dir, kindOptions(t, kind))
	defer closeStore(t, s)
	c := begin(t, s)
	var opened atomic.Int64
	if err := addAll(t.Context(), c, src, &opened); err != nil {
		t.Fatal(err)
	}
	if state, _, err := Inspect(dir); state != Complete || err != nil {
		t.Errorf("state %v, %v", state, err)
	}
	t.Logf("%d of %d files read in the last run", opened.Load(), len(src))
}

// victim captures slowly, with many checkpoints, and never finishes.
func victim(t *testing.T, dir string, kind Kind) {
	src := noise(200)
	c := begin(t, create(t, dir, kindOptions(t, kind)))
	for i, path := range walkOrder(src) {
		err := c.Add(t.Context(), Item{Path: path, Size: 1 << 20, ModTime: testTime, Open: func() (io.ReadCloser, error) {
			time.Sleep(20 * time.Millisecond)
			return io.NopCloser(strings.NewReader(src[path])), nil
		}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if i%10 == 9 {
			c.checkpoint()
		}
	}
	time.Sleep(time.Hour)
}
