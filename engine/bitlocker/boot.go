package bitlocker

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// Sizes of sectors BitLocker is found on (spec 1).
const (
	minSector = 512
	maxSector = 4096
)

// Layout is a generation of the on-disk format.
type Layout string

// The layouts of spec 1.
const (
	LayoutVista Layout = "Vista"
	LayoutWin7  Layout = "Windows 7 and later"
	LayoutToGo  Layout = "To Go"
	LayoutEOW   Layout = "encrypt on write" // Windows 8.1 and later, until the conversion is done
)

var (
	signature = []byte("-FVE-FS-")
	oemToGo   = []byte("MSWIN4.1")
	jumpVista = []byte{0xEB, 0x52, 0x90}
	jumpWin7  = []byte{0xEB, 0x58, 0x90}

	// Followed by the offsets of the metadata (spec 1).
	guidInfo = GUID{0x3B, 0xD6, 0x67, 0x49, 0x29, 0x2E, 0xD8, 0x4A, 0x83, 0x99, 0xF6, 0xA3, 0x39, 0xE3, 0xD0, 0x01}
	guidEOW  = GUID{0x3B, 0x4D, 0xA8, 0x92, 0x80, 0xDD, 0x0E, 0x4D, 0x9E, 0x4E, 0xB1, 0xE3, 0x28, 0x4E, 0xAE, 0xD8}
)

// boot is what the first sector of the volume tells.
type boot struct {
	layout  Layout
	sector  int     // bytes
	cluster int64   // bytes, 0 if the sector does not say
	info    []int64 // offsets of the copies of the metadata
	eow     []int64 // offsets of the copies of the conversion map
}

// parseBoot reads a boot sector of at least minSector bytes. The identifier is
// looked for anywhere in the sector: the OEM name alone is also that of plain
// FAT, and the offset differs between To Go and the others.
func parseBoot(s []byte) (boot, error) {
	b := boot{sector: int(binary.LittleEndian.Uint16(s[11:]))}
	if b.sector == 0 {
		b.sector = minSector
	}
	b.cluster = int64(b.sector) * int64(s[13])

	fve := bytes.Equal(s[3:11], signature)
	infoAt := bytes.Index(s, guidInfo[:])
	eowAt := bytes.Index(s, guidEOW[:])
	switch {
	case infoAt >= 0 && infoAt+16+3*8 <= len(s):
		b.layout = LayoutWin7
		if !fve && bytes.Equal(s[3:11], oemToGo) {
			b.layout = LayoutToGo
		}
		b.info = offsets(s[infoAt+16:], 3)
	case eowAt >= 0 && eowAt+16+5*8 <= len(s):
		b.layout = LayoutEOW
		b.info = offsets(s[eowAt+16:], 3)
		b.eow = offsets(s[eowAt+40:], 2)
	case fve && bytes.Equal(s[:3], jumpVista):
		b.layout = LayoutVista
		lcn := binary.LittleEndian.Uint64(s[0x38:])
		if b.cluster == 0 || lcn > math.MaxInt64/uint64(b.cluster) {
			return boot{}, fmt.Errorf("%w: the boot sector places it at cluster %#x", ErrMetadata, lcn)
		}
		b.info = []int64{int64(lcn) * b.cluster}
	case fve:
		return boot{}, fmt.Errorf("%w: the boot sector is of a version this program does not know", ErrMetadata)
	default:
		return boot{}, ErrNotBitLocker
	}
	if b.sector < minSector || b.sector > maxSector || b.sector&(b.sector-1) != 0 {
		return boot{}, fmt.Errorf("%w: the boot sector claims sectors of %d bytes", ErrMetadata, b.sector)
	}
	return b, nil
}

// offsets reads n byte offsets. What does not fit an int64 becomes -1, an
// offset nothing can be read at.
func offsets(b []byte, n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = offset(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return out
}

func offset(u uint64) int64 {
	if u > math.MaxInt64 {
		return -1
	}
	return int64(u)
}
