package store

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/kopia/kopia/repo/blob"
)

// Measure makes a store that exists only to be measured and calls save with
// it. What save captures goes the whole way, compressed and encrypted; the packs
// of content are then counted and thrown away. The rest, which kopia reads
// again, lies in the working folder until Measure returns.
func Measure(ctx context.Context, opt Options, save func(*Store) error) (Size, error) {
	dir, err := os.MkdirTemp(opt.TempDir, "lifeboat-measure-")
	if err != nil {
		return Size{}, fmt.Errorf("measure: %w", err)
	}
	defer os.RemoveAll(dir)
	packs := &counted{sizes: map[blob.ID]int64{}}
	opt.wrap = func(st blob.Storage) blob.Storage { return counter{st, packs} }
	s, err := Create(ctx, dir, opt)
	if err != nil {
		return Size{}, fmt.Errorf("measure: %w", err)
	}
	if err := save(s); err != nil {
		s.Close(ctx)
		return Size{}, err
	}
	if err := s.Close(ctx); err != nil {
		return Size{}, fmt.Errorf("measure: %w", err)
	}
	var size Size
	for _, n := range packs.sizes {
		size.files = append(size.files, n)
	}
	err = filepath.WalkDir(Dir(dir), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size.files = append(size.files, info.Size())
			size.Temporary += info.Size()
		}
		return err
	})
	if err != nil {
		return Size{}, fmt.Errorf("measure: %w", err)
	}
	return size, nil
}

// Size is what a store takes on a medium.
type Size struct {
	Temporary int64 // bytes that measuring needed for working files
	files     []int64
}

// Bytes is the size on a volume whose files take whole clusters of so many
// bytes; 0 is the plain sum.
func (s Size) Bytes(cluster int64) int64 {
	var sum int64
	for _, n := range s.files {
		if cluster > 0 {
			n = (n + cluster - 1) / cluster * cluster
		}
		sum += n
	}
	return sum
}

// counted is the packs that were thrown away.
type counted struct {
	mu    sync.Mutex
	sizes map[blob.ID]int64
}

// counter counts packs of content instead of storing them.
type counter struct {
	blob.Storage
	packs *counted
}

func isContent(id blob.ID) bool { return id[0] == 'p' }

// PutBlob implements blob.Storage.
func (c counter) PutBlob(ctx context.Context, id blob.ID, data blob.Bytes, opt blob.PutOptions) error {
	if !isContent(id) {
		return c.Storage.PutBlob(ctx, id, data, opt)
	}
	c.packs.mu.Lock()
	defer c.packs.mu.Unlock()
	c.packs.sizes[id] = int64(data.Length())
	if opt.GetModTime != nil {
		*opt.GetModTime = time.Unix(0, 0)
	}
	return nil
}

// GetMetadata implements blob.Storage.
func (c counter) GetMetadata(ctx context.Context, id blob.ID) (blob.Metadata, error) {
	c.packs.mu.Lock()
	n, ok := c.packs.sizes[id]
	c.packs.mu.Unlock()
	if ok {
		return blob.Metadata{BlobID: id, Length: n}, nil
	}
	return c.Storage.GetMetadata(ctx, id)
}
