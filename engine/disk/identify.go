package disk

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
)

// Content is what a volume begins with.
type Content struct {
	FileSystem string // as people know it: NTFS, FAT32, exFAT, ReFS, ext4, BitLocker; "" if unknown
	Label      string // where the first sectors tell
}

// The contents that matter to those above.
const (
	NTFS      = "NTFS"
	BitLocker = "BitLocker"
)

// toGo marks a BitLocker To Go volume, whose first sector looks like a FAT's
// (spec/bitlocker.md 1).
const toGo = "\x3b\xd6\x67\x49\x29\x2e\xd8\x4a\x83\x99\xf6\xa3\x39\xe3\xd0\x01"

// Identify tells what a volume begins with. It reads a few sectors, and gives
// nothing where they cannot be read. An NTFS volume whose first sector is lost
// is recognised by the copy in its last one.
func Identify(r io.ReaderAt, size int64) Content {
	head := make([]byte, 4096)
	n, err := r.ReadAt(head, 0)
	if n < 512 {
		if err != nil && size > 512 && hasNTFSCopy(r, size) {
			return Content{FileSystem: NTFS}
		}
		return Content{}
	}
	at := func(off int, magic string) bool { return bytes.HasPrefix(head[off:], []byte(magic)) }
	fatLabel := func(off int) string {
		label := strings.TrimRight(string(head[off:off+11]), " \x00")
		if label == "NO NAME" {
			return ""
		}
		return label
	}
	switch {
	case at(3, "-FVE-FS-"), at(424, toGo):
		return Content{FileSystem: BitLocker}
	case at(3, "NTFS    "):
		return Content{FileSystem: NTFS}
	case at(3, "ReFS\x00"):
		return Content{FileSystem: "ReFS"}
	case at(3, "EXFAT   "):
		return Content{FileSystem: "exFAT"}
	case at(82, "FAT32   "):
		return Content{"FAT32", fatLabel(71)}
	case at(54, "FAT16   "):
		return Content{"FAT16", fatLabel(43)}
	case at(54, "FAT12   "):
		return Content{"FAT12", fatLabel(43)}
	case at(0, "LUKS\xba\xbe"):
		return Content{FileSystem: "LUKS"}
	case at(512, "LABELONE"):
		return Content{FileSystem: "LVM"}
	case at(0, "XFSB"):
		return Content{FileSystem: "XFS"}
	case at(32, "NXSB"):
		return Content{FileSystem: "APFS"}
	case at(4086, "SWAPSPACE2"):
		return Content{FileSystem: "swap"}
	case at(1024, "H+\x00\x04"), at(1024, "HX\x00\x05"):
		return Content{FileSystem: "HFS+"}
	case at(1024+56, "\x53\xef") && n >= 2048:
		label, _, _ := strings.Cut(string(head[1024+120:1024+136]), "\x00")
		return Content{ext(head[1024:]), label}
	}
	var magic [8]byte
	if readFull(r, magic[:], 64<<10+64) == nil && string(magic[:]) == "_BHRfS_M" {
		return Content{FileSystem: "btrfs"}
	}
	if !isBlank(head[:512]) && head[510] == 0x55 && head[511] == 0xAA {
		return Content{} // a partition table, or a boot sector of another kind
	}
	if hasNTFSCopy(r, size) {
		return Content{FileSystem: NTFS}
	}
	return Content{}
}

// ext tells the generations apart by what they brought.
func ext(super []byte) string {
	const extents, journal = 0x40, 0x4
	switch {
	case super[96]&extents != 0:
		return "ext4"
	case super[92]&journal != 0:
		return "ext3"
	}
	return "ext2"
}

// hasNTFSCopy looks for the copy of the boot sector of an NTFS volume: it lies
// right behind the sectors that it counts.
func hasNTFSCopy(r io.ReaderAt, size int64) bool {
	for _, sector := range []int64{512, 4096} {
		b := make([]byte, 512)
		at := size/sector*sector - sector
		if at > 0 && readFull(r, b, at) == nil && string(b[3:11]) == "NTFS    " &&
			binary.LittleEndian.Uint64(b[40:]) == uint64(at/sector) {
			return true
		}
	}
	return false
}

func isBlank(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
