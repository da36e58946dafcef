package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// What Measure finds is what the same capture then takes on a medium; nothing
// of it stays.
func TestMeasure(t *testing.T) {
	src := bigTree(3)
	opt := testOptions(t)
	opt.TempDir = t.TempDir()
	size, err := Measure(t.Context(), opt, func(s *Store) error {
		capture(t, s, src)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(opt.TempDir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	dir := t.TempDir()
	s := create(t, dir, opt)
	capture(t, s, src)
	closeStore(t, s)
	var want, clustered int64
	err = filepath.WalkDir(Dir(dir), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			want += info.Size()
			clustered += (info.Size() + 4095) / 4096 * 4096
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := size.Bytes(0); (got-want)*50 > want || (want-got)*50 > want {
		t.Errorf("measured %d bytes, stored %d", got, want)
	}
	if got := size.Bytes(4096); (got-clustered)*50 > clustered || (clustered-got)*50 > clustered {
		t.Errorf("measured %d bytes in clusters, stored %d", got, clustered)
	}
	if size.Temporary <= 0 || size.Temporary > 64<<10 {
		t.Errorf("%d bytes of working files for a store of %d", size.Temporary, want)
	}
}

func TestMeasurePassesErrorsOn(t *testing.T) {
	opt := testOptions(t)
	opt.TempDir = t.TempDir()
	broken := errors.New("broken")
	if _, err := Measure(context.Background(), opt, func(*Store) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	opt.TempDir = filepath.Join(opt.TempDir, "none")
	if _, err := Measure(context.Background(), opt, func(*Store) error { return nil }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
