package ntfs

import (
	"fmt"
	"io"
)

// extents reads a stream that lies in clusters, as it is on the disk.
type extents struct {
	r           io.ReaderAt
	shift       uint // of a cluster
	list        runList
	size        int64
	initialised int64 // beyond it zeros are read
}

func (e *extents) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errNegative
	}
	if off >= e.size {
		return 0, io.EOF
	}
	short := int64(len(p)) > e.size-off
	if short {
		p = p[:e.size-off]
	}
	n, err := e.read(p, off)
	if err == nil && short {
		err = io.EOF
	}
	return n, err
}

// read fills p, which lies within the stream.
func (e *extents) read(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		part := p[n:]
		if off >= e.initialised {
			clear(part)
			return n + len(part), nil
		}
		part = part[:min(int64(len(part)), e.initialised-off)]
		vcn := off >> e.shift
		lcn, count := e.list.at(vcn)
		within := off - vcn<<e.shift
		if left := count<<e.shift - within; count < maxStream>>e.shift && int64(len(part)) > left {
			part = part[:left]
		}
		switch lcn {
		case hole:
			clear(part)
		case missing:
			return n, fmt.Errorf("%w: where bytes from %d on are is not known", ErrDamaged, off)
		default:
			at := lcn<<e.shift + within
			if err := readFull(e.r, part, at); err != nil {
				return n, fmt.Errorf("read %d bytes at %d of the volume: %w", len(part), at, err)
			}
		}
		n += len(part)
		off += int64(len(part))
	}
	return n, nil
}

// physical returns where on the volume the byte at off lies, -1 if nowhere.
func (e *extents) physical(off int64) int64 {
	vcn := off >> e.shift
	lcn, _ := e.list.at(vcn)
	if lcn < 0 {
		return -1
	}
	return lcn<<e.shift + off - vcn<<e.shift
}
