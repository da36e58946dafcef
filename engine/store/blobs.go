package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/blob/sharded"
)

// blobs keeps kopia's blobs as files, in the layout of its "filesystem" storage,
// which therefore reads them. It differs in three ways. It is durable: a blob
// that refers to packs (an index) is only written when those packs are on the
// medium, so a power cut never leaves an index without its packs. It fails at
// once, where kopia's sleeps and tries ten times. And its errors say whether
// the medium is full, read-only or gone.
type blobs struct {
	sharded.Storage
	blob.DefaultProviderImplementation

	dir      string
	readOnly bool

	writing sync.Mutex // one file is written at a time: sticks want long sequential writes
	buffer  *bufio.Writer

	readBuffers sync.Pool

	syncing chan struct{} // slots for packs on their way to the medium
	mu      sync.Mutex
	idle    *sync.Cond
	pending int
	dirs    map[string]bool // folders with new names, not yet durable
	failed  error           // a pack was lost: nothing may refer to it any more
}

const (
	tempSuffix  = ".tmp"
	writeSize   = 1 << 20
	readSize    = 256 << 10
	packsToSync = 2
)

func newBlobs(dir string, readOnly bool) *blobs {
	b := &blobs{
		dir:      dir,
		readOnly: readOnly,
		syncing:  make(chan struct{}, packsToSync),
		dirs:     map[string]bool{},
		buffer:   bufio.NewWriterSize(nil, writeSize),
	}
	b.readBuffers.New = func() any { buf := make([]byte, readSize); return &buf }
	b.idle = sync.NewCond(&b.mu)
	b.Storage = sharded.New(blobFiles{b}, filepath.ToSlash(dir), sharded.Options{DirectoryShards: []int{}}, true)
	return b
}

// shards spreads packs over sixteen folders a kind. A folder on FAT32 ends at
// 65,536 slots, six of which each of these long names takes: one folder would
// be full at 200 GB.
const shards = `{"default":[],"maxNonShardedLength":20,"overrides":[{"prefix":"p","shards":[2]},{"prefix":"q","shards":[2]}]}` + "\n"

// isPack reports whether a blob is only found through an index.
func isPack(id blob.ID) bool { return id[0] == 'p' || id[0] == 'q' }

// PutBlob implements blob.Storage.
func (b *blobs) PutBlob(ctx context.Context, id blob.ID, data blob.Bytes, opt blob.PutOptions) error {
	_, name, err := b.GetShardedPathAndFilePath(ctx, id)
	if err != nil {
		return err
	}
	// A session marker protects running writers from a concurrent clean-up; it
	// need not survive a power cut.
	session := strings.HasPrefix(string(id), "s")
	if !isPack(id) && !session {
		if err := b.settle(); err != nil {
			return err
		}
	}
	err = b.put(ctx, name, data, isPack(id), !session)
	if err == nil && opt.GetModTime != nil {
		info, serr := os.Stat(name)
		if serr != nil {
			return b.fault("write", name, serr)
		}
		*opt.GetModTime = info.ModTime()
	}
	return err
}

// put writes one file under a temporary name. A late one becomes durable, and
// gets its name, some time before settle returns.
func (b *blobs) put(ctx context.Context, name string, data blob.Bytes, late, durable bool) error {
	if b.readOnly {
		return fmt.Errorf("write %s: %w", name, ErrReadOnly)
	}
	if late {
		select {
		case b.syncing <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f, err := b.write(ctx, name+tempSuffix, data)
	if err != nil {
		if late {
			<-b.syncing
		}
		return b.fault("write", name, err)
	}
	if !late {
		return b.fault("write", name, b.complete(f, name, durable))
	}
	b.mu.Lock()
	b.pending++
	b.mu.Unlock()
	go func() {
		err := b.fault("write", name, b.complete(f, name, false))
		b.mu.Lock()
		b.pending--
		if err != nil && b.failed == nil {
			b.failed = err
		}
		b.idle.Broadcast()
		b.mu.Unlock()
		<-b.syncing
	}()
	return nil
}

// write fills a new file and leaves it open.
func (b *blobs) write(ctx context.Context, name string, data blob.Bytes) (*os.File, error) {
	b.mu.Lock()
	err := b.failed
	b.mu.Unlock()
	if err != nil {
		return nil, err
	}
	b.writing.Lock()
	defer b.writing.Unlock()
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o666)
	if dir := filepath.Dir(name); errors.Is(err, fs.ErrNotExist) && dir != b.dir {
		// A folder of packs is made when first needed; the store's own is not:
		// if that is missing, the medium is.
		if err = os.Mkdir(dir, 0o777); err == nil || errors.Is(err, fs.ErrExist) {
			b.mu.Lock()
			b.dirs[b.dir] = true
			b.mu.Unlock()
			f, err = os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o666)
		}
	}
	if err != nil {
		return nil, err
	}
	b.buffer.Reset(contextWriter{ctx, f})
	_, err = data.WriteTo(b.buffer)
	if err == nil {
		err = b.buffer.Flush()
	}
	if err != nil {
		f.Close()
		os.Remove(name)
		return nil, err
	}
	return f, nil
}

// complete brings a written file to the medium and gives it its name.
func (b *blobs) complete(f *os.File, name string, durableName bool) error {
	err := errors.Join(f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(name+tempSuffix, name)
	}
	if err != nil {
		os.Remove(name + tempSuffix)
		return err
	}
	if durableName {
		return syncDir(filepath.Dir(name))
	}
	b.mu.Lock()
	b.dirs[filepath.Dir(name)] = true
	b.mu.Unlock()
	return nil
}

// settle returns when all packs written so far are on the medium.
func (b *blobs) settle() error {
	b.mu.Lock()
	for b.pending > 0 {
		b.idle.Wait()
	}
	dirs := b.dirs
	b.dirs = map[string]bool{}
	err := b.failed
	b.mu.Unlock()
	for dir := range dirs {
		if err == nil {
			err = b.fault("write", dir, syncDir(dir))
		}
	}
	if err != nil {
		b.mu.Lock()
		b.failed = err
		b.mu.Unlock()
	}
	return err
}

// GetBlob implements blob.Storage.
func (b *blobs) GetBlob(ctx context.Context, id blob.ID, offset, length int64, out blob.OutputBuffer) error {
	_, name, err := b.GetShardedPathAndFilePath(ctx, id)
	if err != nil {
		return err
	}
	if isPack(id) && length > 2*maxContent {
		return fmt.Errorf("read %s: %w: a piece of %d bytes", name, ErrCorrupt, length)
	}
	err = b.get(ctx, name, offset, length, out)
	if errors.Is(err, blob.ErrBlobNotFound) && isPack(id) {
		// It may still be on its way.
		if err := b.settle(); err != nil {
			return err
		}
		err = b.get(ctx, name, offset, length, out)
	}
	return err
}

func (b *blobs) get(ctx context.Context, name string, offset, length int64, out blob.OutputBuffer) error {
	out.Reset()
	f, err := os.Open(name)
	if err != nil {
		return b.fault("read", name, err)
	}
	defer f.Close()
	if length < 0 {
		info, err := f.Stat()
		if err != nil {
			return b.fault("read", name, err)
		}
		offset, length = 0, info.Size()
	}
	buf := b.readBuffers.Get().(*[]byte)
	defer b.readBuffers.Put(buf)
	for rest := length; rest > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := f.ReadAt((*buf)[:min(rest, int64(len(*buf)))], offset)
		out.Write((*buf)[:n])
		offset += int64(n)
		rest -= int64(n)
		if rest > 0 && err == io.EOF {
			return fmt.Errorf("read %s: %w: file is too short", name, blob.ErrInvalidRange)
		}
		if err != nil && err != io.EOF {
			return b.fault("read", name, err)
		}
	}
	return nil
}

// fault names the operation and says what the failure means. That a blob is not
// there is for kopia to judge.
func (b *blobs) fault(op, name string, err error) error {
	if op == "read" && errors.Is(err, fs.ErrNotExist) {
		if _, serr := os.Stat(b.dir); serr == nil {
			return fmt.Errorf("read %s: %w", name, blob.ErrBlobNotFound)
		}
	}
	return mediumFault(b.dir, op, name, err)
}

// Close waits for what is being written.
func (b *blobs) Close(context.Context) error { return b.settle() }

// ConnectionInfo implements blob.Storage.
func (b *blobs) ConnectionInfo() blob.ConnectionInfo {
	return blob.ConnectionInfo{Type: storageType, Config: &struct{}{}}
}

// DisplayName implements blob.Storage.
func (b *blobs) DisplayName() string { return b.dir }

// IsReadOnly implements blob.Storage.
func (b *blobs) IsReadOnly() bool { return b.readOnly }

// removeTemps removes what an interrupted run left half written.
func (b *blobs) removeTemps() {
	for _, pattern := range []string{"*" + tempSuffix, filepath.Join("[pq]?", "*"+tempSuffix)} {
		names, _ := fs.Glob(os.DirFS(b.dir), filepath.ToSlash(pattern))
		for _, name := range names {
			os.Remove(filepath.Join(b.dir, filepath.FromSlash(name)))
		}
	}
}

// blobFiles is the part of blobs that sharded.Storage calls with file names.
type blobFiles struct{ b *blobs }

func (i blobFiles) GetBlobFromPath(ctx context.Context, _, name string, offset, length int64, out blob.OutputBuffer) error {
	return i.b.get(ctx, name, offset, length, out)
}

func (i blobFiles) PutBlobInPath(ctx context.Context, _, name string, data blob.Bytes, _ blob.PutOptions) error {
	return i.b.put(ctx, name, data, false, true)
}

func (i blobFiles) GetMetadataFromPath(_ context.Context, _, name string) (blob.Metadata, error) {
	info, err := os.Stat(name)
	if err != nil {
		return blob.Metadata{}, i.b.fault("read", name, err)
	}
	return blob.Metadata{Length: info.Size(), Timestamp: info.ModTime()}, nil
}

func (i blobFiles) DeleteBlobInPath(_ context.Context, _, name string) error {
	if i.b.readOnly {
		return fmt.Errorf("remove %s: %w", name, ErrReadOnly)
	}
	err := os.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return i.b.fault("remove", name, err)
}

func (i blobFiles) ReadDir(_ context.Context, name string) ([]os.FileInfo, error) {
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, i.b.fault("read", name, err)
	}
	infos := make([]os.FileInfo, 0, len(entries))
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			infos = append(infos, info)
		}
	}
	return infos, nil
}

// contextWriter stops writing when ctx ends.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
}

func (w contextWriter) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.w.Write(p)
}

// storageType is the name under which kopia finds a storage that the context
// of the call carries.
const storageType = "lifeboat"

type storageKey struct{}

func withStorage(ctx context.Context, st blob.Storage) context.Context {
	return context.WithValue(ctx, storageKey{}, st)
}

func init() {
	blob.AddSupportedStorage(storageType, struct{}{}, func(ctx context.Context, _ *struct{}, _ bool) (blob.Storage, error) {
		st, ok := ctx.Value(storageKey{}).(blob.Storage)
		if !ok {
			return nil, errors.New("no storage in context")
		}
		return st, nil
	})
}
