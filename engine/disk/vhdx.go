package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
	"os"
)

// The layout of [MS-VHDX]; section numbers in comments mean it.
const (
	vhdxMiB         = 1 << 20
	vhdxTable       = 64 << 10 // size of region and metadata tables
	vhdxMaxEntries  = 2047     // of either
	vhdxMaxSize     = 64 << 40
	vhdxPayloadMask = 1<<44 - 1 // of an offset in MiB
)

// Identifiers of regions (2.2.3.2), metadata items (2.6.2) and the only type of
// parent locator (2.6.2.6.1).
var (
	vhdxBAT          = mustGUID("2dc27766-f623-4200-9d64-115e9bfd4a08")
	vhdxMetadata     = mustGUID("8b7ca206-4790-4b9a-b8fe-575f050f886e")
	vhdxParameters   = mustGUID("caa16737-fa36-4d43-b3b6-33f0aa44e76b")
	vhdxDiskSize     = mustGUID("2fa54224-cd1b-4876-b211-5dbed83bf4b8")
	vhdxSectorSize   = mustGUID("8141bf1d-a96f-4709-ba47-f233a8faab5f")
	vhdxParentInfo   = mustGUID("a8d35f2d-b30b-454d-abf7-d3d84834ab0c")
	vhdxLocatorIsVHD = mustGUID("b04aefb7-d19e-4a81-b789-25b8e9445913")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// vhdxSum checks the CRC-32C at offset 4 of a structure.
func vhdxSum(b []byte) bool {
	want := binary.LittleEndian.Uint32(b[4:])
	sum := crc32.Update(0, castagnoli, b[:4])
	sum = crc32.Update(sum, castagnoli, make([]byte, 4))
	return crc32.Update(sum, castagnoli, b[8:]) == want
}

func isVHDX(head []byte) bool { return bytes.HasPrefix(head, []byte("vhdxfile")) }

// vhdxHeader is the current one of two (2.2.2).
type vhdxHeader struct {
	sequence  uint64
	dataGUID  GUID // what a child knows its parent by
	logGUID   GUID
	logLength int64
	logOffset int64
}

func readVHDXHeader(r io.ReaderAt) (h vhdxHeader, err error) {
	le := binary.LittleEndian
	found := false
	for _, at := range []int64{64 << 10, 128 << 10} {
		b := make([]byte, 4096)
		if readFull(r, b, at) != nil || string(b[:4]) != "head" || !vhdxSum(b) {
			continue
		}
		if version := le.Uint16(b[66:]); version != 1 {
			return h, fmt.Errorf("%w: VHDX of version %d", ErrFormat, version)
		}
		if s := le.Uint64(b[8:]); !found || s > h.sequence {
			found = true
			h = vhdxHeader{sequence: s, dataGUID: GUID(b[32:48]), logGUID: GUID(b[48:64]),
				logLength: int64(le.Uint32(b[68:])), logOffset: int64(le.Uint64(b[72:]) & (1<<62 - 1))}
		}
	}
	if !found {
		return h, errors.New("both its VHDX headers are damaged")
	}
	return h, nil
}

// region is a stretch of the file.
type region struct{ at, length int64 }

// readVHDXRegions reads the region table, or its copy (2.2.3).
func readVHDXRegions(r io.ReaderAt) (map[GUID]region, error) {
	le := binary.LittleEndian
	for _, at := range []int64{192 << 10, 256 << 10} {
		b := make([]byte, vhdxTable)
		if readFull(r, b, at) != nil || string(b[:4]) != "regi" || !vhdxSum(b) {
			continue
		}
		n := le.Uint32(b[8:])
		if n > vhdxMaxEntries {
			continue
		}
		regions := map[GUID]region{}
		for i := range n {
			e := b[16+32*i:]
			at := le.Uint64(e[16:])
			if at > vhdxMaxSize {
				return nil, fmt.Errorf("VHDX region at %d", at)
			}
			id := GUID(e[:16])
			regions[id] = region{int64(at), int64(le.Uint32(e[24:]))}
			if required := le.Uint32(e[28:])&1 != 0; required && id != vhdxBAT && id != vhdxMetadata {
				return nil, fmt.Errorf("%w: VHDX with the unknown region %v", ErrFormat, id)
			}
		}
		return regions, nil
	}
	return nil, errors.New("both its VHDX region tables are damaged")
}

// readVHDXItems reads the metadata items; each is small (2.6).
func readVHDXItems(r io.ReaderAt, in region) (map[GUID][]byte, error) {
	le := binary.LittleEndian
	b := make([]byte, vhdxTable)
	if err := readFull(r, b, in.at); err != nil {
		return nil, fmt.Errorf("read VHDX metadata: %w", err)
	}
	n := int(le.Uint16(b[10:]))
	if string(b[:8]) != "metadata" || n > vhdxMaxEntries {
		return nil, errors.New("its VHDX metadata is damaged")
	}
	items := map[GUID][]byte{}
	for i := range n {
		e := b[32+32*i:]
		id, at, length := GUID(e[:16]), int64(le.Uint32(e[16:])), int64(le.Uint32(e[20:]))
		switch id {
		case vhdxParameters, vhdxDiskSize, vhdxSectorSize, vhdxParentInfo:
		default:
			continue
		}
		if length > 1<<16 || at+length > in.length {
			return nil, fmt.Errorf("VHDX metadata item of %d bytes at %d", length, at)
		}
		item := make([]byte, length)
		if err := readFull(r, item, in.at+at); err != nil {
			return nil, fmt.Errorf("read VHDX metadata: %w", err)
		}
		items[id] = item
	}
	for id, length := range map[GUID]int{vhdxParameters: 8, vhdxDiskSize: 8, vhdxSectorSize: 4} {
		if len(items[id]) < length {
			return nil, fmt.Errorf("its VHDX metadata lacks %v", id)
		}
	}
	return items, nil
}

func (m *Image) openVHDX(f *os.File, size int64, depth int) error {
	var r io.ReaderAt = f
	header, err := readVHDXHeader(r)
	if err != nil {
		return err
	}
	if header.logGUID != (GUID{}) {
		replayed, n, err := replayVHDX(r, size, header)
		switch {
		case err != nil:
			m.Notes = append(m.Notes, fmt.Sprintf("%s was not closed, and its log cannot be used: the newest changes may be missing: %v", f.Name(), err))
		case n > 0:
			m.Notes = append(m.Notes, fmt.Sprintf("%s was not closed: %d entries of its log were replayed in memory", f.Name(), n))
			r, size = replayed, max(size, replayed.end())
		}
	}
	regions, err := readVHDXRegions(r)
	if err != nil {
		return err
	}
	items, err := readVHDXItems(r, regions[vhdxMetadata])
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	v := &vhdx{r: r, end: size, block: int64(le.Uint32(items[vhdxParameters])), sector: int64(le.Uint32(items[vhdxSectorSize])), bat: regions[vhdxBAT]}
	disk := le.Uint64(items[vhdxDiskSize])
	switch {
	case v.block < vhdxMiB || v.block > 256*vhdxMiB || bits.OnesCount64(uint64(v.block)) != 1:
		return fmt.Errorf("VHDX blocks of %d bytes", v.block)
	case v.sector != 512 && v.sector != 4096:
		return fmt.Errorf("VHDX sectors of %d bytes", v.sector)
	case disk == 0 || disk > vhdxMaxSize:
		return fmt.Errorf("a VHDX of %d bytes", disk)
	}
	v.size = int64(disk)
	v.chunk = (1 << 23) * v.sector / v.block
	last := (v.size - 1) / v.block
	if v.entry(last)+8 > v.bat.length {
		return fmt.Errorf("its block table has %d bytes for %d blocks", v.bat.length, last+1)
	}
	m.ReaderAt, m.Size, m.Format, m.Sector = v, v.size, VHDX, int(v.sector)
	m.vhdxID = header.dataGUID
	if hasParent := le.Uint32(items[vhdxParameters][4:])&2 != 0; !hasParent {
		return nil
	}
	names, linkage, err := vhdxParents(items[vhdxParentInfo])
	if err != nil {
		return err
	}
	parent, path, err := m.besides(f.Name(), names, depth)
	if err != nil {
		return err
	}
	if !containsGUID(linkage, parent.vhdxID) {
		return fmt.Errorf("%s is not the image it builds on, or was changed since", path)
	}
	v.parent = parent
	return nil
}

// vhdxParents reads the parent locator (2.6.2.6): names of the parent, and what
// it is known by.
func vhdxParents(b []byte) (names []string, linkage []GUID, err error) {
	le := binary.LittleEndian
	if len(b) < 20 || GUID(b[:16]) != vhdxLocatorIsVHD {
		return nil, nil, errors.New("its parent locator is damaged")
	}
	text := func(at uint32, length uint16) string {
		if int64(at)+int64(length) > int64(len(b)) {
			return ""
		}
		return utf16Text(b[at:int64(at)+int64(length)], le)
	}
	known := map[string]string{}
	for i := range int(le.Uint16(b[18:])) {
		if 20+12*(i+1) > len(b) {
			break
		}
		e := b[20+12*i:]
		known[text(le.Uint32(e), le.Uint16(e[8:]))] = text(le.Uint32(e[4:]), le.Uint16(e[10:]))
	}
	for _, key := range []string{"relative_path", "absolute_win32_path", "volume_path"} {
		if name := known[key]; name != "" {
			names = append(names, name)
		}
	}
	for _, key := range []string{"parent_linkage", "parent_linkage2"} {
		if id, err := ParseGUID(known[key]); err == nil {
			linkage = append(linkage, id)
		}
	}
	return names, linkage, nil
}

func containsGUID(all []GUID, id GUID) bool {
	for _, g := range all {
		if g == id {
			return true
		}
	}
	return false
}

// vhdx is an image in blocks. Its table has an entry for each, and after every
// chunk of them one for the bitmap of their sectors (2.5).
type vhdx struct {
	r      io.ReaderAt
	end    int64 // of the file
	size   int64 // of the disk
	bat    region
	block  int64 // bytes
	sector int64 // bytes
	chunk  int64 // blocks
	parent io.ReaderAt
}

// The states of a payload block (2.5.1.1).
const (
	vhdxNotPresent = 0
	vhdxFully      = 6
	vhdxPartially  = 7
)

// entry is where in the table a block's entry is.
func (v *vhdx) entry(block int64) int64 { return 8 * (block + block/v.chunk) }

func (v *vhdx) read(entry int64) (state uint64, at int64, err error) {
	var b [8]byte
	if err := readFull(v.r, b[:], v.bat.at+entry); err != nil {
		return 0, 0, fmt.Errorf("read VHDX block table: %w", err)
	}
	e := binary.LittleEndian.Uint64(b[:])
	mib := e >> 20 & vhdxPayloadMask
	if mib > vhdxMaxSize/vhdxMiB {
		return 0, 0, fmt.Errorf("VHDX block at %d MiB", mib)
	}
	return e & 7, int64(mib) * vhdxMiB, nil
}

func (v *vhdx) ReadAt(p []byte, off int64) (int, error) {
	return readBlocks(p, off, v.size, v.block, v.readBlock)
}

func (v *vhdx) readBlock(p []byte, block, in int64) (int, error) {
	state, at, err := v.read(v.entry(block))
	if err != nil {
		return 0, err
	}
	switch state {
	case vhdxFully:
		return readInside(v.r, p, at+in, v.end)
	case vhdxNotPresent:
		return readParent(v.parent, p, block*v.block+in)
	case vhdxPartially:
		if v.parent != nil {
			return v.readMixed(p, block, in, at)
		}
		return 0, errors.New("VHDX block that is partly in a parent, and there is none")
	}
	clear(p) // undefined, zero or unmapped
	return len(p), nil
}

// readMixed reads a block of which the parent has a part.
func (v *vhdx) readMixed(p []byte, block, in, at int64) (int, error) {
	_, bitmap, err := v.read(8 * (block/v.chunk*(v.chunk+1) + v.chunk))
	if err != nil {
		return 0, err
	}
	// The bitmap covers the chunk; a block's part of it is read.
	first := block % v.chunk * v.block / v.sector
	from, to := (first+in/v.sector)/8, (first+(in+int64(len(p))-1)/v.sector)/8+1
	bits := make([]byte, to-from)
	if _, err := readInside(v.r, bits, bitmap+from, v.end); err != nil {
		return 0, fmt.Errorf("read VHDX sector bitmap: %w", err)
	}
	here := func(s int64) bool { s += first; return bits[s/8-from]&(1<<(s%8)) != 0 }
	return readRuns(p, in, v.sector, here, func(p []byte, in int64, here bool) (int, error) {
		if here {
			return readInside(v.r, p, at+in, v.end)
		}
		return readParent(v.parent, p, block*v.block+in)
	})
}

func mustGUID(s string) GUID {
	g, err := ParseGUID(s)
	if err != nil {
		panic(err) // a constant of this file
	}
	return g
}
