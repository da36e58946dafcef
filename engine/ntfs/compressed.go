package ntfs

import (
	"fmt"
	"io"
	"sync"
)

// compressed reads a stream of LZNT1 units. A unit that has all its clusters is
// stored as it is, one that has none is zero, any other is compressed.
type compressed struct {
	e    *extents
	unit int64 // bytes
	one  unitCache
}

// maxUnit bounds a compression unit; Windows makes them of 16 clusters of at
// most 4 KiB.
const maxUnit = 1 << 20

func (f *FS) openCompressed(e *extents, unitShift uint8) (*Stream, error) {
	if unitShift > 8 || int64(1)<<unitShift<<e.shift > maxUnit {
		return nil, fmt.Errorf("%w: compression unit of 2^%d clusters", ErrDamaged, unitShift)
	}
	return &Stream{&compressed{e: e, unit: 1 << unitShift << e.shift}, e.size}, nil
}

func (c *compressed) ReadAt(p []byte, off int64) (int, error) {
	return readUnits(p, off, c.e.size, c.unit, &c.one, c.expand)
}

// expand fills dst with the beginning of the unit at off.
func (c *compressed) expand(dst []byte, off int64) error {
	if off >= c.e.initialised {
		clear(dst)
		return nil
	}
	shift := c.e.shift
	var pieces []run // lcn, and in vcn the count of clusters
	clusters := int64(0)
	for vcn, end := off>>shift, (off+c.unit)>>shift; vcn < end; {
		lcn, count := c.e.list.at(vcn)
		if lcn == missing {
			if vcn >= c.e.list.end && clusters == 0 {
				return fmt.Errorf("%w: run list ends before the data", ErrDamaged)
			}
			if vcn < c.e.list.end {
				return fmt.Errorf("%w: where bytes from %d on are is not known", ErrDamaged, off)
			}
			break // the last unit may be cut
		}
		count = min(count, end-vcn)
		if lcn >= 0 {
			pieces = append(pieces, run{count, lcn})
			clusters += count
		}
		vcn += count
	}
	if clusters == 0 {
		clear(dst)
		return nil
	}
	raw := make([]byte, clusters<<shift)
	at := int64(0)
	for _, p := range pieces {
		part := raw[at : at+p.vcn<<shift]
		if err := readFull(c.e.r, part, p.lcn<<shift); err != nil {
			return fmt.Errorf("read %d bytes at %d of the volume: %w", len(part), p.lcn<<shift, err)
		}
		at += p.vcn << shift
	}
	if at == c.unit {
		copy(dst, raw)
	} else if err := expandLZNT1(dst, raw); err != nil {
		return fmt.Errorf("unit at %d: %w", off, err)
	}
	if left := c.e.initialised - off; left < int64(len(dst)) {
		clear(dst[left:])
	}
	return nil
}

// unitCache keeps the unit that was expanded last, for reads of a part of it.
type unitCache struct {
	mu   sync.Mutex
	off  int64
	data []byte // nil if none
}

// readUnits reads p from a stream of size bytes that can only be had in units.
// Whole units are expanded straight into p.
func readUnits(p []byte, off, size, unit int64, one *unitCache, expand func(dst []byte, off int64) error) (int, error) {
	if off < 0 {
		return 0, errNegative
	}
	n := 0
	for n < len(p) {
		if off >= size {
			return n, io.EOF
		}
		start := off / unit * unit
		length := min(unit, size-start)
		if off == start && int64(len(p)-n) >= length {
			if err := expand(p[n:n+int(length)], start); err != nil {
				return n, err
			}
			n, off = n+int(length), off+length
			continue
		}
		got, err := one.read(p[n:], off, start, length, expand)
		if err != nil {
			return n, err
		}
		n, off = n+got, off+int64(got)
	}
	return n, nil
}

func (c *unitCache) read(p []byte, off, start, length int64, expand func([]byte, int64) error) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.data == nil || c.off != start {
		data := make([]byte, length)
		if err := expand(data, start); err != nil {
			return 0, err
		}
		c.data, c.off = data, start
	}
	return copy(p, c.data[off-start:]), nil
}
