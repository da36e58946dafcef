package store

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
)

// workFiles are the working files of a store that is open. They lie in the folder
// for temporary files; what is not dropped by then is when the store is closed.
type workFiles struct {
	dir  string
	mu   sync.Mutex
	open map[*os.File]bool
}

func (w *workFiles) create() (*os.File, error) {
	f, err := os.CreateTemp(w.dir, "lifeboat-folder-*")
	if err != nil {
		return nil, fmt.Errorf("create a working file: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil {
		w.open = map[*os.File]bool{}
	}
	w.open[f] = true
	return f, nil
}

// drop closes and removes a file; nil is none. One that cannot be removed is no loss.
func (w *workFiles) drop(f *os.File) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open[f] {
		delete(w.open, f)
		f.Close()
		os.Remove(f.Name())
	}
}

// close drops what is left.
func (w *workFiles) close() {
	w.mu.Lock()
	left := slices.Collect(maps.Keys(w.open))
	w.mu.Unlock()
	for _, f := range left {
		w.drop(f)
	}
}
