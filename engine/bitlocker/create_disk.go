package bitlocker

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// metadataBlock returns a copy of the metadata as it lies on disk, with its
// validation.
func (w *creator) metadataBlock(m *metadata, fvek []byte) ([]byte, error) {
	var datums []byte
	if m.description != "" {
		datums = appendDatum(datums, roleDescription, typeString, appendText(nil, m.description+"\x00"))
	}
	var err error
	for i, p := range w.made.Protectors {
		if datums, err = w.protector(datums, p, w.opt.Protectors[i].Secret); err != nil {
			return nil, err
		}
	}
	datums = append(datums, fvek...)
	if m.version == 2 {
		place := binary.LittleEndian.AppendUint64(nil, uint64(m.headAt))
		place = binary.LittleEndian.AppendUint64(place, uint64(m.headSize))
		if w.opt.Layout == LayoutEOW {
			more := make([]byte, 76) // as Windows 8 and later append
			binary.LittleEndian.PutUint16(more, 5)
			binary.LittleEndian.PutUint16(more[2:], uint16(len(more)))
			binary.LittleEndian.PutUint32(more[8:], headConverting)
			place = append(place, more...)
		}
		datums = appendDatum(datums, roleHeader, typeHeader, place)
	}
	set := dataset(m.volumeID, w.counter+1, m.method, m.created, datums)

	size := infoHeader + len(set)
	size = (size + 15) &^ 15
	room := infoReserve
	if m.version == 1 {
		room = infoReserveVista
	}
	if size > room/2 {
		return nil, fmt.Errorf("%d protectors do not fit", len(w.made.Protectors))
	}
	b := make([]byte, size)
	copy(b, signature)
	binary.LittleEndian.PutUint16(b[8:], uint16(size))
	binary.LittleEndian.PutUint64(b[56:], m.mirror)
	if m.version == 2 {
		binary.LittleEndian.PutUint16(b[8:], uint16(size/16))
		binary.LittleEndian.PutUint64(b[56:], uint64(m.headAt))
	}
	binary.LittleEndian.PutUint16(b[10:], m.version)
	binary.LittleEndian.PutUint16(b[12:], m.current)
	binary.LittleEndian.PutUint16(b[14:], m.next)
	binary.LittleEndian.PutUint64(b[16:], uint64(m.limit))
	binary.LittleEndian.PutUint32(b[28:], m.headSectors)
	for i, at := range m.copies {
		binary.LittleEndian.PutUint64(b[32+8*i:], uint64(at))
	}
	copy(b[infoHeader:], set)

	hash := sha256.Sum256(b)
	crc := crc32.ChecksumIEEE(b)
	b = binary.LittleEndian.AppendUint16(b, uint16(room-size))
	b = binary.LittleEndian.AppendUint16(b, m.version)
	b = binary.LittleEndian.AppendUint32(b, crc)
	if fvek == nil {
		b = appendKey(b, keyHash, hash[:])
	} else {
		b = w.seal(b, roleProperty, w.vmk[:], keySealedHash, hash[:])
	}
	return append(b, make([]byte, room-len(b))...), nil
}

// bootSector returns the sector that replaces the first of the volume.
func bootSector(b boot, m *metadata, first []byte) []byte {
	s := make([]byte, b.sector)
	if b.layout == LayoutVista {
		copy(s, first)
		copy(s, jumpVista)
		copy(s[3:], signature)
		binary.LittleEndian.PutUint64(s[0x38:], uint64(m.copies[0]/b.cluster))
		return s
	}
	copy(s, jumpWin7)
	copy(s[3:], signature)
	copy(s[11:], first[11:14])                         // sizes of sector and cluster
	copy(s[21:], []byte{0xF8, 0, 0, 0x3F, 0, 0xFF, 0}) // media and geometry
	copy(s[71:], "NO NAME    FAT32   ")                // for those who know no better
	copy(s[minSector-2:], []byte{0x55, 0xAA})          // as every boot sector
	at, id := 160, guidInfo
	switch b.layout {
	case LayoutToGo:
		copy(s[3:], oemToGo)
		at = 424
	case LayoutEOW:
		id = guidEOW
	}
	copy(s[at:], id[:])
	for i, off := range append(append([]int64(nil), b.info...), b.eow...) {
		binary.LittleEndian.PutUint64(s[at+16+8*i:], uint64(off))
	}
	return s
}

// write puts the conversion map on disk. The places are those of both indexes,
// then bitmap and log of each region.
func (c *conversion) write(dst io.WriterAt, b boot) error {
	index := make([]byte, eowHeader)
	copy(index, magicEOW)
	binary.LittleEndian.PutUint16(index[8:], eowHeader)
	binary.LittleEndian.PutUint16(index[10:], eowIndexSize)
	binary.LittleEndian.PutUint32(index[12:], uint32(b.sector))
	binary.LittleEndian.PutUint32(index[16:], uint32(b.sector))
	binary.LittleEndian.PutUint32(index[20:], uint32(c.chunk))
	binary.LittleEndian.PutUint32(index[24:], eowLogSize)
	binary.LittleEndian.PutUint32(index[32:], uint32(len(c.regions)))
	for i, at := range b.eow {
		binary.LittleEndian.PutUint64(index[indexPlaces+8*i:], uint64(at))
	}
	bitmaps := c.places[len(b.eow):]
	for i, g := range c.regions {
		at, log := bitmaps[2*i].start, bitmaps[2*i+1].start
		index = binary.LittleEndian.AppendUint64(index, uint64(at))
		if _, err := dst.WriteAt(c.bitmap(g, log), at); err != nil {
			return err
		}
	}
	binary.LittleEndian.PutUint32(index[36:], sum(index, 36))
	for _, at := range b.eow {
		if _, err := dst.WriteAt(index, at); err != nil {
			return err
		}
	}
	return nil
}

// bitmap returns the structure of a region: the record that holds, and an older
// one of the time when nothing was encrypted.
func (c *conversion) bitmap(g region, log int64) []byte {
	room := (recordHeader + len(g.bits) + minSector - 1) / minSector * minSector
	b := make([]byte, minSector+2*room)
	copy(b, magicBitmap)
	binary.LittleEndian.PutUint16(b[10:], bitmapHeader)
	binary.LittleEndian.PutUint32(b[12:], uint32(len(b)))
	binary.LittleEndian.PutUint64(b[20:], uint64(g.start))
	binary.LittleEndian.PutUint64(b[28:], uint64(g.end-g.start))
	binary.LittleEndian.PutUint64(b[36:], uint64(log))
	for i, bits := range [][]byte{g.bits, make([]byte, len(g.bits))} {
		at := minSector + i*room
		binary.LittleEndian.PutUint32(b[44+4*i:], uint32(at))
		r := b[at : at+room]
		copy(r, magicRecord)
		binary.LittleEndian.PutUint16(r[10:], recordHeader)
		binary.LittleEndian.PutUint32(r[12:], uint32(room))
		binary.LittleEndian.PutUint32(r[16:], uint32((g.end-g.start-1)/c.chunk+1))
		binary.LittleEndian.PutUint64(r[20:], uint64(2-i))
		copy(r[recordHeader:], bits)
		binary.LittleEndian.PutUint32(r[32:], sum(r, 32))
	}
	return b
}

// writeContent writes the plain volume, and zeros up to the size of the
// encrypted one, to where each piece belongs.
func (w *creator) writeContent(dst io.WriterAt, src io.ReaderAt, size int64, p *mapping, c sectorCipher) error {
	buf := make([]byte, workSize)
	for off := int64(0); off < p.size; {
		x := p.at(off)
		b := buf[:min(x.size, workSize)]
		switch {
		case x.content == zeros:
			off += x.size
			continue
		case off >= size:
			clear(b)
		default:
			b = b[:min(int64(len(b)), size-off)]
			if n, err := src.ReadAt(b, off); n < len(b) {
				return fmt.Errorf("read plain volume at %#x: %w", off, err)
			}
		}
		off += int64(len(b))
		if x.content == plain || x.content == vistaBoot {
			if _, err := dst.WriteAt(b, x.disk); err != nil {
				return err
			}
			continue
		}
		if err := w.writeEncrypted(dst, b, x.disk, int(p.sector), c); err != nil {
			return err
		}
	}
	return nil
}

// writeEncrypted writes whole sectors, those of zeros only if they count.
func (w *creator) writeEncrypted(dst io.WriterAt, b []byte, disk int64, sector int, c sectorCipher) error {
	for len(b) > 0 {
		n := len(b)
		if w.opt.UsedOnly {
			n = run(b, sector)
		}
		if !w.opt.UsedOnly || !isZero(b[:sector]) {
			c.encrypt(b[:n], disk)
			if _, err := dst.WriteAt(b[:n], disk); err != nil {
				return err
			}
		}
		b = b[n:]
		disk += int64(n)
	}
	return nil
}

// run returns how much of b, in sectors, is like its first: zero or not.
func run(b []byte, sector int) int {
	n := sector
	for first := isZero(b[:sector]); n < len(b) && isZero(b[n:n+sector]) == first; {
		n += sector
	}
	return n
}

var zeroSector [maxSector]byte

func isZero(b []byte) bool { return bytes.Equal(b, zeroSector[:len(b)]) }
