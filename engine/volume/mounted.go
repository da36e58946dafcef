package volume

import (
	"cmp"
	"context"
	"errors"
	"sync"
)

// Mounted is a volume that the system reads, and of which no call outlasts its
// context: a system may hold one to a dead disk or share for minutes. The call is
// left to end when it likes; a buffer that was given to it may be written to until
// then, so whoever gave one must not use it after the context.
type Mounted struct {
	volume Volume

	mu  sync.Mutex
	ctx context.Context // of the work that is being done, see Interrupt
}

// NewMounted guards a volume.
func NewMounted(v Volume) *Mounted { return &Mounted{volume: v, ctx: context.Background()} }

// Interrupt lets ctx end calls that are waiting, until release is called.
func (m *Mounted) Interrupt(ctx context.Context) (release func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.ctx
	m.ctx = ctx
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.ctx == ctx {
			m.ctx = before
		}
	}
}

// await calls f for as long as the work that is being done.
func await[T any](m *Mounted, f func() (T, error)) (T, error) {
	m.mu.Lock()
	ctx := m.ctx
	m.mu.Unlock()
	return Await(ctx, f)
}

// Await returns what f returns, or the context's error when that ends first: a
// dying disk or a dead share can hold a system call for minutes. The call is left
// to end when it likes.
func Await[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// Stat implements Volume.
func (m *Mounted) Stat(path string) (Info, error) {
	return await(m, func() (Info, error) { return m.volume.Stat(path) })
}

// ReadDir implements Volume.
func (m *Mounted) ReadDir(path string) ([]Info, error) {
	return await(m, func() ([]Info, error) { return m.volume.ReadDir(path) })
}

// List implements Lister.
func (m *Mounted) List(path string) (Listing, error) {
	l, err := await(m, func() (Listing, error) { return List(m.volume, path) })
	if err != nil {
		return nil, err
	}
	return mountedListing{l, m}, nil
}

type mountedListing struct {
	listing Listing
	m       *Mounted
}

func (l mountedListing) Next() ([]Info, error) {
	type part struct {
		entries []Info
		end     error
	}
	p, err := await(l.m, func() (part, error) {
		entries, end := l.listing.Next()
		return part{entries, end}, nil
	})
	return p.entries, cmp.Or(p.end, err)
}

func (l mountedListing) Close() error {
	_, err := await(l.m, func() (struct{}, error) { return struct{}{}, l.listing.Close() })
	return err
}

// Open implements Volume.
func (m *Mounted) Open(path string) (File, error) {
	return m.file(func() (File, error) { return m.volume.Open(path) })
}

// OpenStream implements Volume.
func (m *Mounted) OpenStream(path, stream string) (File, error) {
	return m.file(func() (File, error) { return m.volume.OpenStream(path, stream) })
}

func (m *Mounted) file(open func() (File, error)) (File, error) {
	f, err := await(m, open)
	if err != nil {
		return nil, err
	}
	return mountedFile{f, m}, nil
}

// Extras implements Volume.
func (m *Mounted) Extras(path string, info Info) (Extras, error) {
	return await(m, func() (Extras, error) { return m.volume.Extras(path, info) })
}

// Native implements Named.
func (m *Mounted) Native(path string) (string, error) {
	named, ok := m.volume.(Named)
	if !ok {
		return "", errors.ErrUnsupported
	}
	return await(m, func() (string, error) { return named.Native(path) })
}

// Close implements Volume.
func (m *Mounted) Close() error {
	_, err := await(m, func() (struct{}, error) { return struct{}{}, m.volume.Close() })
	return err
}

type mountedFile struct {
	file File
	m    *Mounted
}

func (f mountedFile) Read(p []byte) (int, error) {
	return await(f.m, func() (int, error) { return f.file.Read(p) })
}

func (f mountedFile) ReadAt(p []byte, off int64) (int, error) {
	return await(f.m, func() (int, error) { return f.file.ReadAt(p, off) })
}

func (f mountedFile) Close() error {
	_, err := await(f.m, func() (struct{}, error) { return struct{}{}, f.file.Close() })
	return err
}
