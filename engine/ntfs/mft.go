package ntfs

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// openMFT finds the file table: the runs in its own record and, where the table
// is in many pieces, those in extension records, each of which lies in a piece
// that was known before (that is how the file system makes it).
func (f *FS) openMFT() error {
	rec, err := f.firstMFTRecord()
	if err != nil {
		return fmt.Errorf("$MFT: %w", err)
	}
	f.mft = &extents{r: f.r, shift: f.boot.clusterShift}
	var list []byte
	walk := rec.attributes()
	for a, ok := walk.next(); ok; a, ok = walk.next() {
		switch {
		case a.kind == typeData && len(a.name) == 0 && !a.resident && a.lowest == 0 && len(f.mft.list.runs) == 0:
			if err := f.mft.list.add(a.runs, f.boot); err != nil {
				f.problems.add(recordMFT, err.Error())
			}
			f.mft.size, f.mft.initialised = a.size, a.initialised
		case a.kind == typeAttributeList && list == nil:
			if list, err = f.listValue(a); err != nil {
				f.problems.add(recordMFT, err.Error())
			}
		}
	}
	if walk.err != nil {
		f.problems.add(recordMFT, walk.err.Error())
	}
	if f.mft.size < int64(f.boot.record) || len(f.mft.list.runs) == 0 || f.mft.list.has(hole) {
		return fmt.Errorf("$MFT: %w: its record does not tell where it is", ErrDamaged)
	}
	f.extendMFT(list)
	// No more records than fit on the disk, and none beyond what is known.
	f.mft.size = min(f.mft.size, f.mft.initialised, f.mft.list.end<<f.boot.clusterShift, f.size)
	f.mft.initialised = f.mft.size
	return nil
}

// firstMFTRecord reads the table's own record, or its twin in the mirror.
func (f *FS) firstMFTRecord() (record, error) {
	raw := make([]byte, f.boot.record)
	err := readFull(f.r, raw, f.boot.mft<<f.boot.clusterShift)
	if err == nil {
		var rec record
		if rec, err = parseRecord(raw); err == nil && !rec.torn && rec.inUse() {
			return rec, nil
		}
	}
	if err == nil {
		err = errors.New("torn or unused")
	}
	rec, mirrorErr := f.mirrorRecord(recordMFT)
	if mirrorErr != nil {
		return record{}, fmt.Errorf("its record: %w, and that in the mirror: %w", err, mirrorErr)
	}
	f.problems.add(recordMFT, "the record is damaged, its mirror is used")
	return rec, nil
}

// mirrorRecord reads one of the first four records from $MFTMirr.
func (f *FS) mirrorRecord(n uint32) (record, error) {
	if f.boot.mirror <= 0 || f.boot.mirror >= f.boot.clusters {
		return record{}, errors.New("no place is known")
	}
	raw := make([]byte, f.boot.record)
	at := f.boot.mirror<<f.boot.clusterShift + int64(n)*int64(f.boot.record)
	if err := readFull(f.r, raw, at); err != nil {
		return record{}, err
	}
	rec, err := parseRecord(raw)
	if err == nil && (rec.torn || !rec.inUse()) {
		err = errors.New("torn or unused")
	}
	return rec, err
}

// extendMFT appends the runs of the table that extension records hold.
func (f *FS) extendMFT(list []byte) {
	items, err := parseList(list)
	if err != nil {
		f.problems.lose(recordMFT, err.Error())
	}
	items = slices.DeleteFunc(items, func(i listItem) bool {
		return i.kind != typeData || i.lowest == 0 || len(i.name) > 0
	})
	slices.SortStableFunc(items, func(a, b listItem) int { return cmp.Compare(a.lowest, b.lowest) })
	for _, item := range items {
		n, ok := item.record.number()
		if !ok || item.lowest != uint64(f.mft.list.end) {
			f.problems.lose(recordMFT, fmt.Sprintf("%v: part at cluster %d does not continue the table", ErrDamaged, item.lowest))
			return
		}
		// Readable are those that the runs up to here reach.
		readable := *f.mft
		readable.size = min(readable.size, readable.list.end<<f.boot.clusterShift)
		raw := make([]byte, f.boot.record)
		err := readFull(&readable, raw, int64(n)*int64(f.boot.record))
		if err == nil {
			err = f.extendFrom(raw, item)
		}
		if err != nil {
			f.problems.lose(n, fmt.Sprintf("part of $MFT: %v", err))
			return
		}
	}
}

func (f *FS) extendFrom(raw []byte, item listItem) error {
	rec, err := parseRecord(raw)
	if err != nil {
		return err
	}
	if base, _ := rec.base().number(); !rec.isExtension() || base != recordMFT || rec.sequence() != item.record.sequence() {
		return errors.New("record belongs to another file")
	}
	walk := rec.attributes()
	for a, ok := walk.next(); ok; a, ok = walk.next() {
		if a.kind == typeData && len(a.name) == 0 && !a.resident && a.lowest == item.lowest && a.id == item.id {
			before := f.mft.list.end
			err := f.mft.list.add(a.runs, f.boot)
			if err == nil && (f.mft.list.end == before || f.mft.list.has(hole)) {
				err = ErrDamaged
			}
			return err
		}
	}
	return errors.New("record does not hold it")
}

// readRecord reads a file record through the cache.
func (f *FS) readRecord(n uint32) (record, error) {
	size := int64(f.boot.record)
	off := int64(n) * size
	if off >= f.mft.size {
		return record{}, fmt.Errorf("file record %d: %w: beyond the table", n, ErrDamaged)
	}
	raw := make([]byte, size)
	err := f.blocks.read(f.mft, raw, off)
	var rec record
	if err == nil {
		rec, err = parseRecord(raw)
	}
	if (err != nil || rec.torn) && n < 4 {
		if twin, mirrorErr := f.mirrorRecord(n); mirrorErr == nil {
			return twin, nil
		}
	}
	if err != nil {
		return record{}, fmt.Errorf("file record %d: %w", n, err)
	}
	return rec, nil
}

// blockCache keeps the parts of the file table that were read last. Records
// that are asked for one after the other mostly lie together.
type blockCache struct {
	mu     sync.Mutex
	blocks map[int64][]byte
	order  []int64 // oldest first
}

const (
	blockSize = 64 << 10 // a multiple of every record size
	maxBlocks = 32
)

func (c *blockCache) read(r *extents, p []byte, off int64) error {
	start := off / blockSize * blockSize
	c.mu.Lock()
	block, ok := c.blocks[start]
	c.mu.Unlock()
	if !ok {
		block = make([]byte, min(blockSize, r.size-start))
		if readFull(r, block, start) != nil {
			// Something else in the block may be what cannot be read.
			return readFull(r, p, off)
		}
		c.keep(start, block)
	}
	if n := copy(p, block[off-start:]); n < len(p) {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func (c *blockCache) keep(start int64, block []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.blocks == nil {
		c.blocks = map[int64][]byte{}
	}
	if _, ok := c.blocks[start]; ok {
		return
	}
	if len(c.order) >= maxBlocks {
		delete(c.blocks, c.order[0])
		c.order = append(c.order[:0], c.order[1:]...)
	}
	c.blocks[start] = block
	c.order = append(c.order, start)
}
