package ntfs

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
	"sync"
)

// Security descriptors are shared: a file has a number, and the stream $SDS of
// the file $Secure holds the descriptor of each number once, twice in truth:
// blocks of 256 KiB, each followed by its copy. The index $SII beside it tells
// where each one is, but every descriptor carries its own number and checksum,
// so that the stream itself is the better witness.
const (
	sdsBlock  = 256 << 10
	sdsHeader = 20
	// A descriptor has no more bytes than this, says Windows.
	maxDescriptor = 64 << 10
	// More of the stream is not searched, nor more numbers kept; both are far above
	// what disks hold.
	maxSDS         = 1 << 30
	maxDescriptors = 1 << 20
	// Descriptors in memory.
	maxDescriptorCache = 1024
)

// securityCache is the stream's table of contents, made when first needed.
type securityCache struct {
	once   sync.Once
	err    error
	stream *Stream
	places map[uint32]sdsPlace

	mu   sync.Mutex
	read map[uint32][]byte
}

type sdsPlace struct {
	off  int64
	size uint32 // header included
}

// Security returns the self-relative security descriptor of a file, nil if it
// has none. The caller must not change it.
func (f *FS) Security(record uint32) ([]byte, error) {
	attrs, damage := f.gather(record)
	id := uint32(0)
	var own *attribute // as before Windows 2000, and still for the file system's own files
	for _, a := range attrs {
		switch {
		case a.kind == typeStandardInformation && len(a.value) >= 56:
			id = binary.LittleEndian.Uint32(a.value[52:])
		case a.kind == typeSecurityDescriptor && (a.resident || a.lowest == 0):
			own = &a
		}
	}
	var sd []byte
	err := damage
	if id != 0 {
		sd, err = f.descriptor(id)
	}
	if sd == nil && own != nil {
		sd, err = f.value(*own, maxDescriptor)
	}
	if err != nil {
		return nil, fmt.Errorf("file record %d: security descriptor: %w", record, err)
	}
	return sd, nil
}

func (f *FS) descriptor(id uint32) ([]byte, error) {
	c := &f.security
	c.once.Do(func() { c.err = f.openSDS() })
	if c.err != nil {
		return nil, fmt.Errorf("$Secure: %w", c.err)
	}
	c.mu.Lock()
	sd, ok := c.read[id]
	c.mu.Unlock()
	if ok {
		return sd, nil
	}
	place, ok := c.places[id]
	if !ok {
		return nil, fmt.Errorf("number %d: %w: it is not in $Secure", id, ErrDamaged)
	}
	raw := make([]byte, place.size)
	if err := readFull(c.stream, raw, place.off); err != nil {
		return nil, fmt.Errorf("number %d: %w", id, err)
	}
	sd = raw[sdsHeader:]
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.read == nil || len(c.read) >= maxDescriptorCache {
		c.read = map[uint32][]byte{}
	}
	c.read[id] = sd
	return sd, nil
}

// openSDS reads $SDS once and notes where each descriptor is: in a block, or
// where that is damaged in its copy.
func (f *FS) openSDS() error {
	attrs, damage := f.gather(recordSecure)
	stream, err := f.openFrom(attrs, "$SDS", 0)
	if err != nil {
		return cmp.Or(damage, err)
	}
	c := &f.security
	c.stream, c.places = stream, map[uint32]sdsPlace{}
	size := stream.size
	if size > maxSDS || size > 2*f.size {
		f.problems.add(recordSecure, fmt.Sprintf("%d bytes of security descriptors: not all are searched", size))
		size = min(maxSDS, 2*f.size)
	}
	buf := make([]byte, min(sdsBlock, size))
	bad := 0
	for block := int64(0); block < size; block += 2 * sdsBlock {
		for _, at := range []int64{block, block + sdsBlock} {
			if at >= size {
				break
			}
			part := buf[:min(int64(len(buf)), size-at)]
			if readFull(stream, part, at) != nil || !c.takeBlock(part, block, at) {
				bad++
				continue
			}
			break // the copy tells nothing more
		}
	}
	if bad > 0 {
		f.problems.add(recordSecure, fmt.Sprintf("%d blocks of security descriptors are damaged, their copies are used", bad))
	}
	return nil
}

// takeBlock notes the descriptors in one block, which was read at a place of its
// own or of its copy. It is false if something in it is damaged.
func (c *securityCache) takeBlock(b []byte, block, at int64) bool {
	whole := true
	for off := 0; off+sdsHeader <= len(b); {
		h := b[off:]
		hash, id := binary.LittleEndian.Uint32(h), binary.LittleEndian.Uint32(h[4:])
		where, size := binary.LittleEndian.Uint64(h[8:]), binary.LittleEndian.Uint32(h[16:])
		if id == 0 && size == 0 && hash == 0 {
			break // the rest of the block is not used
		}
		if where != uint64(block+int64(off)) || size <= sdsHeader || size > maxDescriptor+sdsHeader || int64(size) > int64(len(h)) {
			// Nothing tells where the next one begins; look at every place it could.
			whole = false
			off += 16
			continue
		}
		if sdsHash(h[sdsHeader:size]) != hash {
			whole = false
		} else if _, ok := c.places[id]; !ok && len(c.places) < maxDescriptors {
			c.places[id] = sdsPlace{at + int64(off), size}
		}
		off += int(size+15) &^ 15
	}
	return whole
}

// sdsHash is the checksum of a descriptor.
func sdsHash(sd []byte) uint32 {
	h := uint32(0)
	for len(sd) >= 4 {
		h = binary.LittleEndian.Uint32(sd) + bits.RotateLeft32(h, 3)
		sd = sd[4:]
	}
	return h
}
