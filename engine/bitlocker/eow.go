package bitlocker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
)

// A volume that encrypts on write (EOW) keeps its conversion map in structures
// of its own: an index of regions, and for each region a bitmap in two records,
// written by turns, with a bit for each chunk (spec 5, step 4).
const (
	eowHeader    = 56
	indexPlaces  = 40 // in an index: the offsets of both
	bitmapHeader = 60
	recordHeader = 36

	// maxBitmap is the room of a bitmap that is looked at. Windows takes
	// 1.5 KiB for a region of 256 MiB.
	maxBitmap = 64 << 10

	maxChunk = 1 << 30

	// maxBits bounds all bitmaps together, in bytes: eight million chunks, as
	// many as 64 TiB have.
	maxBits = 1 << 20
)

var (
	magicEOW    = []byte("FVE-EOW\x00")
	magicBitmap = []byte("FVE-EOWBM\x00")
	magicRecord = []byte("FVE-EOWBR\x00")
)

// conversion tells which chunks of the disk are encrypted.
type conversion struct {
	size    int64 // of the index
	chunk   int64
	regions []region // ascending, without overlap
	places  []span   // of the structures themselves
	total   int64    // bytes of bits
}

type region struct {
	span
	bits []byte // one for each chunk, lowest first; set means encrypted
}

// readConversion reads the map from whichever index is sound. A map with a
// single region missing is no map: what lies there would be a guess.
func readConversion(r io.ReaderAt, size int64, b boot) (*conversion, error) {
	var failed []string
	for _, at := range b.eow {
		c, err := readIndex(r, size, at, int64(b.sector))
		if err == nil {
			for _, index := range b.eow {
				if index > 0 {
					c.places = append(c.places, span{index, index + c.size})
				}
			}
			return c, nil
		}
		failed = append(failed, fmt.Sprintf("index at %#x: %v", at, err))
	}
	return nil, fmt.Errorf("conversion map: %s", strings.Join(failed, "; "))
}

func readIndex(r io.ReaderAt, size, at, sector int64) (*conversion, error) {
	b, err := readStructure(r, size, at, 64<<10)
	if err != nil {
		return nil, err
	}
	if len(b) < eowHeader || !bytes.Equal(b[:8], magicEOW) {
		return nil, errors.New("has no signature")
	}
	header := int(binary.LittleEndian.Uint16(b[8:]))
	total := int(binary.LittleEndian.Uint16(b[10:]))
	count := int64(binary.LittleEndian.Uint32(b[32:]))
	if header < eowHeader || total > len(b) || total < header || count > int64(total-header)/8 {
		return nil, fmt.Errorf("claims %d regions in %d bytes", count, total)
	}
	if !checksum(b[:total], 36) {
		return nil, errors.New("fails its checksum")
	}
	c := &conversion{size: int64(total), chunk: int64(binary.LittleEndian.Uint32(b[20:]))}
	if c.chunk < sector || c.chunk > maxChunk || c.chunk%sector != 0 {
		return nil, fmt.Errorf("claims chunks of %d bytes", c.chunk)
	}
	logSize := int64(binary.LittleEndian.Uint32(b[24:]))
	seen := map[int64]bool{}
	for _, at := range offsets(b[header:], int(count)) {
		if seen[at] {
			return nil, fmt.Errorf("names the bitmap at %#x twice", at)
		}
		seen[at] = true
		if err := c.readBitmap(r, size, at, sector, logSize); err != nil {
			return nil, fmt.Errorf("bitmap at %#x: %w", at, err)
		}
	}
	if len(c.regions) == 0 {
		return nil, errors.New("names no region")
	}
	slices.SortFunc(c.regions, func(a, b region) int { return compare(a.start, b.start) })
	for i := 1; i < len(c.regions); i++ {
		if c.regions[i].start < c.regions[i-1].end {
			return nil, fmt.Errorf("regions overlap at %#x", c.regions[i].start)
		}
	}
	return c, nil
}

func (c *conversion) readBitmap(r io.ReaderAt, size, at, sector, logSize int64) error {
	b, err := readStructure(r, size, at, maxSector)
	if err != nil {
		return err
	}
	if len(b) < bitmapHeader || !bytes.Equal(b[:10], magicBitmap) {
		return errors.New("has no signature")
	}
	total := int64(binary.LittleEndian.Uint32(b[12:]))
	if total < bitmapHeader || total > maxBitmap {
		return fmt.Errorf("claims %d bytes", total)
	}
	if total > int64(len(b)) {
		if b, err = readStructure(r, size, at, (total+maxSector-1)&^(maxSector-1)); err != nil {
			return err
		}
	}
	b = b[:min(total, int64(len(b)))]
	start, length := offset(binary.LittleEndian.Uint64(b[20:])), offset(binary.LittleEndian.Uint64(b[28:]))
	if start < 0 || length <= 0 || start+length < start || (start|length)%sector != 0 {
		return fmt.Errorf("claims %d bytes at %#x", length, start)
	}

	chunks := (length-1)/c.chunk + 1
	if c.total += (chunks-1)/8 + 1; c.total > maxBits {
		return errors.New("makes the map too large")
	}
	var bits []byte
	var newest uint64
	for _, field := range []int{44, 48} {
		got, sequence, err := readRecord(b, int64(binary.LittleEndian.Uint32(b[field:])), chunks)
		if err == nil && (bits == nil || sequence > newest) {
			bits, newest = got, sequence
		}
	}
	if bits == nil {
		return errors.New("has no sound record")
	}
	// A copy, so that the whole structure need not be kept.
	c.regions = append(c.regions, region{span{start, start + length}, bytes.Clone(bits)})
	c.places = append(c.places, span{at, at + total})
	if log := offset(binary.LittleEndian.Uint64(b[36:])); log > 0 {
		c.places = append(c.places, span{log, log + logSize})
	}
	return nil
}

// readRecord returns the bits of the record at the given place of a bitmap.
func readRecord(b []byte, at, chunks int64) (bits []byte, sequence uint64, err error) {
	if at < bitmapHeader || at+recordHeader > int64(len(b)) {
		return nil, 0, errors.New("record lies outside")
	}
	b = b[at:]
	header := int64(binary.LittleEndian.Uint16(b[10:]))
	total := int64(binary.LittleEndian.Uint32(b[12:]))
	count := int64(binary.LittleEndian.Uint32(b[16:]))
	need := (chunks-1)/8 + 1
	if !bytes.Equal(b[:10], magicRecord) || header < recordHeader || total > int64(len(b)) ||
		count < chunks || need > total-header {
		return nil, 0, errors.New("record does not hold what it should")
	}
	if !checksum(b[:total], 32) {
		return nil, 0, errors.New("record fails its checksum")
	}
	return b[header : header+need], binary.LittleEndian.Uint64(b[20:]), nil
}

// readStructure reads at most n bytes at an offset of the volume.
func readStructure(r io.ReaderAt, size, at, n int64) ([]byte, error) {
	if at <= 0 || at >= size {
		return nil, errors.New("lies outside the volume")
	}
	b, err := readUpTo(r, at, min(n, size-at))
	if errors.Is(err, io.EOF) {
		err = nil // shorter than reserved, which its own size will tell
	}
	return b, err
}

// checksum says whether the CRC at the given place of b is that of b with the
// place set to zero.
func checksum(b []byte, at int) bool {
	return sum(b, at) == binary.LittleEndian.Uint32(b[at:])
}

func sum(b []byte, at int) uint32 {
	crc := crc32.ChecksumIEEE(b[:at])
	crc = crc32.Update(crc, crc32.IEEETable, []byte{0, 0, 0, 0})
	return crc32.Update(crc, crc32.IEEETable, b[at+4:])
}

// complete says that everything is encrypted.
func (c *conversion) complete() bool {
	for _, g := range c.regions {
		for off := g.start; off < g.end; {
			set, end := c.at(g, off)
			if !set {
				return false
			}
			off = end
		}
	}
	return true
}

// encrypted says whether the byte of the disk is encrypted and up to where that
// holds at least. Outside of all regions nothing was converted.
func (c *conversion) encrypted(disk int64) (set bool, end int64) {
	i, _ := slices.BinarySearchFunc(c.regions, disk, func(g region, off int64) int { return compare(g.end-1, off) })
	if i == len(c.regions) {
		return false, endless
	}
	g := c.regions[i]
	if disk < g.start {
		return false, g.start
	}
	return c.at(g, disk)
}

// at is encrypted within a region.
func (c *conversion) at(g region, disk int64) (set bool, end int64) {
	bit := func(i int64) bool { return g.bits[i/8]>>(i%8)&1 == 1 }
	i := (disk - g.start) / c.chunk
	set = bit(i)
	for end = g.start + (i+1)*c.chunk; end < g.end; end += c.chunk {
		if i++; bit(i) != set {
			break
		}
	}
	return set, min(end, g.end)
}
