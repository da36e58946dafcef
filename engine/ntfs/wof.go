package ntfs

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// openWOF opens the unnamed stream of a file that CompactOS compressed: its data
// is in another stream, its size that of the unnamed one, which is all holes.
func (f *FS) openWOF(attrs []attribute, size int64) (*Stream, error) {
	chunk, algorithm, err := f.wofFormat(attrs)
	if err != nil {
		return nil, err
	}
	data, err := f.openFrom(attrs, wofStream, 0)
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", wofStream, err)
	}
	w := &wof{size: size, chunk: chunk, lzx: algorithm == wofLZX, dataSize: data.size}
	w.entry = 4
	if size > 1<<32-1 {
		w.entry = 8
	}
	if size > 0 {
		w.table = (size - 1) / chunk * w.entry
	}
	if w.table > data.size {
		return nil, fmt.Errorf("stream %s: %w: %d bytes are too few", wofStream, ErrDamaged, data.size)
	}
	w.offsets = window{r: data, size: data.size, length: 4 << 10}
	w.data = window{r: data, size: data.size, length: 64 << 10}
	return &Stream{w, size}, nil
}

// Algorithms of WOF (spec/ntfs.md).
const (
	wofXpress4K  = 0
	wofLZX       = 1
	wofXpress8K  = 2
	wofXpress16K = 3
)

// wofFormat reads how a file was compressed from its reparse point: after the
// header the version and provider of WOF, which is 2 for single files, then the
// version of that provider and its algorithm.
func (f *FS) wofFormat(attrs []attribute) (chunk int64, algorithm uint32, err error) {
	for _, a := range attrs {
		if a.kind != typeReparsePoint {
			continue
		}
		value, err := f.value(a, maxReparse)
		if err != nil || len(value) < 24 {
			return 0, 0, fmt.Errorf("reparse point: %w", ErrDamaged)
		}
		if provider := binary.LittleEndian.Uint32(value[12:]); provider != 2 {
			return 0, 0, fmt.Errorf("WOF provider %d: %w", provider, ErrElsewhere)
		}
		switch algorithm := binary.LittleEndian.Uint32(value[20:]); algorithm {
		case wofXpress4K:
			return 4 << 10, algorithm, nil
		case wofXpress8K:
			return 8 << 10, algorithm, nil
		case wofXpress16K:
			return 16 << 10, algorithm, nil
		case wofLZX:
			return lzxChunk, algorithm, nil
		default:
			return 0, 0, fmt.Errorf("WOF algorithm %d: %w", algorithm, ErrElsewhere)
		}
	}
	return 0, 0, fmt.Errorf("reparse point: %w: it is missing", ErrDamaged)
}

// wof reads a stream of WOF: a table tells where each chunk but the first
// begins, counted from the table's end, then come the chunks.
type wof struct {
	size     int64
	chunk    int64 // bytes that each chunk but the last expands to
	lzx      bool
	entry    int64 // bytes of an entry of the table
	table    int64 // bytes of the table
	dataSize int64
	offsets  window
	data     window
	one      unitCache
}

func (w *wof) ReadAt(p []byte, off int64) (int, error) {
	return readUnits(p, off, w.size, w.chunk, &w.one, w.expand)
}

// Decoders hold tables that are costly to make.
var (
	xpressPool = sync.Pool{New: func() any { return new(xpress) }}
	lzxPool    = sync.Pool{New: func() any { return new(lzx) }}
)

func (w *wof) expand(dst []byte, off int64) error {
	i := off / w.chunk
	from, err := w.offset(i)
	if err != nil {
		return err
	}
	to, err := w.offset(i + 1)
	if err != nil {
		return err
	}
	if from < w.table || to <= from || to > w.dataSize || to-from > int64(len(dst)) {
		return fmt.Errorf("chunk %d: %w: bytes %d to %d", i, errCompressed, from, to)
	}
	if to-from == int64(len(dst)) {
		return w.data.read(dst, from) // it did not become smaller
	}
	src := make([]byte, to-from)
	if err := w.data.read(src, from); err != nil {
		return err
	}
	if w.lzx {
		d := lzxPool.Get().(*lzx)
		defer lzxPool.Put(d)
		err = d.expand(dst, src)
	} else {
		d := xpressPool.Get().(*xpress)
		defer xpressPool.Put(d)
		err = d.expand(dst, src)
	}
	if err != nil {
		return fmt.Errorf("chunk %d: %w", i, err)
	}
	return nil
}

// offset returns where in the stream chunk i begins.
func (w *wof) offset(i int64) (int64, error) {
	if i == 0 {
		return w.table, nil
	}
	at := (i - 1) * w.entry
	if at >= w.table {
		return w.dataSize, nil
	}
	var b [8]byte
	if err := w.offsets.read(b[:w.entry], at); err != nil {
		return 0, err
	}
	off := binary.LittleEndian.Uint64(b[:])
	if off > uint64(w.dataSize-w.table) {
		return 0, fmt.Errorf("chunk %d: %w: it begins at %d", i, errCompressed, off)
	}
	return w.table + int64(off), nil
}

// window keeps the part of a stream that was read last, for small reads that
// follow each other.
type window struct {
	r      io.ReaderAt
	size   int64
	length int64

	mu   sync.Mutex
	off  int64
	data []byte
}

func (w *window) read(p []byte, off int64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if off < w.off || off+int64(len(p)) > w.off+int64(len(w.data)) {
		data := make([]byte, min(max(w.length, int64(len(p))), w.size-off))
		if readFull(w.r, data, off) != nil {
			// What lies behind may be what cannot be read.
			return readFull(w.r, p, off)
		}
		w.off, w.data = off, data
	}
	if copy(p, w.data[off-w.off:]) < len(p) {
		return io.ErrUnexpectedEOF
	}
	return nil
}
