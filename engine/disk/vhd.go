package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf16"
)

// The layout of Virtual Hard Disk Image Format Specification 1.0. Numbers are
// big-endian.
const (
	vhdCookie     = "conectix"
	vhdDynamic    = "cxsparse"
	vhdFooterSize = 512
	vhdSector     = 512
	vhdUnused     = 0xFFFFFFFF

	vhdFixedType        = 2
	vhdDynamicType      = 3
	vhdDifferencingType = 4

	// Offsets are sectors in 32 bits, so that no image can be larger.
	vhdMaxSize = 1 << 41
)

// isVHD looks for the footer, or for its copy, which all but fixed images begin
// with.
func isVHD(r io.ReaderAt, size int64, head []byte) bool {
	if bytes.HasPrefix(head, []byte(vhdCookie)) {
		return true
	}
	_, err := vhdFooterAtEnd(r, size)
	return err == nil
}

// vhdFooter is what the footer tells.
type vhdFooter struct {
	kind   uint32
	size   int64 // of the disk
	header int64 // where the header of a dynamic image is
	id     [16]byte
	sum    bool // its checksum is right
}

// parseVHDFooter reads a footer. A wrong checksum is told and no error: there
// are programs that edit images and leave the old one.
func parseVHDFooter(b []byte) (f vhdFooter, err error) {
	be := binary.BigEndian
	if !bytes.HasPrefix(b, []byte(vhdCookie)) {
		return f, errors.New("it has no VHD footer")
	}
	if version := be.Uint32(b[12:]); version != 0x10000 {
		return f, fmt.Errorf("%w: VHD of version %x", ErrFormat, version)
	}
	f.sum = vhdSum(b, 64)
	size, header := be.Uint64(b[48:]), be.Uint64(b[16:])
	f.kind = be.Uint32(b[60:])
	copy(f.id[:], b[68:])
	if size > vhdMaxSize {
		return f, fmt.Errorf("a VHD of %d bytes", size)
	}
	f.size = int64(size)
	if f.kind != vhdFixedType {
		if header > vhdMaxSize {
			return f, fmt.Errorf("VHD header at %d", header)
		}
		f.header = int64(header)
	}
	return f, nil
}

// vhdSum checks the checksum at an offset of b: the complement of the sum of
// all bytes but its own.
func vhdSum(b []byte, at int) bool {
	sum := uint32(0)
	for i, c := range b {
		if i < at || i >= at+4 {
			sum += uint32(c)
		}
	}
	return ^sum == binary.BigEndian.Uint32(b[at:])
}

// vhdFooterAtEnd reads the footer. Old programs wrote one of 511 bytes.
func vhdFooterAtEnd(r io.ReaderAt, size int64) (vhdFooter, error) {
	b := make([]byte, vhdFooterSize)
	err := errors.New("it is too short for a VHD")
	for _, length := range []int64{512, 511} {
		if size < length {
			continue
		}
		clear(b)
		if err = readFull(r, b[:length], size-length); err != nil {
			return vhdFooter{}, err
		}
		var f vhdFooter
		if f, err = parseVHDFooter(b); err == nil {
			return f, nil
		}
	}
	return vhdFooter{}, err
}

func (m *Image) openVHD(f *os.File, size int64, head []byte, depth int) error {
	footer, err := vhdFooterAtEnd(f, size)
	if err != nil {
		if len(head) < vhdFooterSize {
			return err
		}
		copied, copyErr := parseVHDFooter(head[:vhdFooterSize])
		if copyErr != nil {
			return errors.Join(err, copyErr)
		}
		footer = copied
		m.Notes = append(m.Notes, fmt.Sprintf("%s: its end is damaged or missing: %v", f.Name(), err))
	}
	m.Format, m.Size, m.Sector = VHD, footer.size, vhdSector
	m.vhdID = footer.id
	if !footer.sum {
		m.Notes = append(m.Notes, f.Name()+": the checksum of its VHD footer is wrong")
	}
	if footer.kind == vhdFixedType {
		if m.Size > size-vhdFooterSize+1 {
			m.Notes = append(m.Notes, fmt.Sprintf("%s is cut short: the disk has %d bytes", f.Name(), m.Size))
		}
		m.ReaderAt = io.NewSectionReader(f, 0, min(m.Size, size))
		return nil
	}
	header := make([]byte, 1024)
	if err := readFull(f, header, footer.header); err != nil {
		return fmt.Errorf("read VHD header: %w", err)
	}
	if !bytes.HasPrefix(header, []byte(vhdDynamic)) {
		return errors.New("its VHD header is damaged")
	}
	if !vhdSum(header, 36) {
		m.Notes = append(m.Notes, f.Name()+": the checksum of its VHD header is wrong")
	}
	be := binary.BigEndian
	v := &vhd{r: f, end: size, size: footer.size, block: int64(be.Uint32(header[32:])), entries: int64(be.Uint32(header[28:]))}
	if v.block < vhdSector || v.block&(v.block-1) != 0 || v.block > 1<<31 {
		return fmt.Errorf("VHD blocks of %d bytes", v.block)
	}
	table := be.Uint64(header[16:])
	if table > vhdMaxSize {
		return fmt.Errorf("VHD block table at %d", table)
	}
	v.table = int64(table)
	v.bitmap = (v.block/vhdSector/8 + vhdSector - 1) / vhdSector * vhdSector
	if need := (v.size + v.block - 1) / v.block; v.entries < need || v.table+4*v.entries > size {
		return fmt.Errorf("its block table has %d entries for %d blocks in %d bytes", v.entries, need, size-v.table)
	}
	m.ReaderAt = v
	if footer.kind == vhdDynamicType {
		return nil
	}
	if footer.kind != vhdDifferencingType {
		return fmt.Errorf("%w: VHD of type %d", ErrFormat, footer.kind)
	}
	names := vhdParents(f, header)
	parent, path, err := m.besides(f.Name(), names, depth)
	if err != nil {
		return err
	}
	if want := [16]byte(header[40:56]); parent.vhdID != want {
		return fmt.Errorf("%s is not the image it builds on", path)
	}
	if parent.Size < v.size {
		v.parent = io.NewSectionReader(parent, 0, parent.Size)
	} else {
		v.parent = parent
	}
	return nil
}

// vhdParents lists the names that a differencing image knows its parent by.
func vhdParents(r io.ReaderAt, header []byte) []string {
	const relative = "W2ru" // UTF-16, little-endian, as the absolute one
	const absolute = "W2ku"
	be := binary.BigEndian
	var names []string
	for _, code := range []string{relative, absolute} {
		for i := range 8 {
			e := header[576+24*i:]
			length, at := be.Uint32(e[8:]), be.Uint64(e[16:])
			if string(e[:4]) != code || length > 4096 || at > vhdMaxSize {
				continue
			}
			b := make([]byte, length&^1)
			if readFull(r, b, int64(at)) == nil {
				names = append(names, utf16Text(b, binary.LittleEndian))
			}
		}
	}
	return append(names, utf16Text(header[64:576], be))
}

// utf16Text is text up to the first zero.
func utf16Text(b []byte, order binary.ByteOrder) string {
	units := make([]uint16, 0, len(b)/2)
	for i := 0; i+1 < len(b); i += 2 {
		u := order.Uint16(b[i:])
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return strings.TrimSpace(string(utf16.Decode(units)))
}

// vhd is a dynamic or differencing image: blocks that are there or not, each
// behind a bitmap of the sectors that were written.
type vhd struct {
	r       io.ReaderAt
	end     int64 // of the file
	size    int64 // of the disk
	table   int64 // where the places of the blocks are
	entries int64
	block   int64 // bytes
	bitmap  int64 // bytes
	parent  io.ReaderAt
}

func (v *vhd) ReadAt(p []byte, off int64) (int, error) {
	return readBlocks(p, off, v.size, v.block, v.readBlock)
}

// readBlock reads a part of a block, beginning at offset in of it.
func (v *vhd) readBlock(p []byte, block, in int64) (int, error) {
	var entry [4]byte
	if err := readFull(v.r, entry[:], v.table+4*block); err != nil {
		return 0, fmt.Errorf("read VHD block table: %w", err)
	}
	sector := binary.BigEndian.Uint32(entry[:])
	if sector == vhdUnused {
		return readParent(v.parent, p, block*v.block+in)
	}
	at := int64(sector) * vhdSector
	if v.parent == nil {
		return readInside(v.r, p, at+v.bitmap+in, v.end)
	}
	bits := make([]byte, v.bitmap)
	if err := readFull(v.r, bits, at); err != nil {
		return 0, fmt.Errorf("read VHD sector bitmap: %w", err)
	}
	written := func(s int64) bool { return bits[s/8]&(0x80>>(s%8)) != 0 }
	return readRuns(p, in, vhdSector, written, func(p []byte, in int64, here bool) (int, error) {
		if here {
			return readInside(v.r, p, at+v.bitmap+in, v.end)
		}
		return readParent(v.parent, p, block*v.block+in)
	})
}
