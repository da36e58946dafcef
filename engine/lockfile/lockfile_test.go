package lockfile

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// However many begin at once, one has the lock at a time.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "lock")
	var mu sync.Mutex
	holders, taken := 0, 0
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				l, err := Take(name)
				if errors.Is(err, ErrHeld) {
					continue
				}
				if err != nil || l == nil {
					t.Error(l, err)
					return
				}
				mu.Lock()
				holders++
				taken++
				if holders > 1 {
					t.Error("two hold the lock")
				}
				mu.Unlock()
				mu.Lock()
				holders--
				mu.Unlock()
				l.Release()
			}
		})
	}
	wg.Wait()
	if taken == 0 {
		t.Error("nobody got the lock")
	}
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file was left: %v", err)
	}
}

func TestNoFolder(t *testing.T) {
	if _, err := Take(filepath.Join(t.TempDir(), "gone", "lock")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
