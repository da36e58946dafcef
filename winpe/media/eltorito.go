package media

import (
	"encoding/binary"
	"fmt"
	"io"
)

// bootEntry is an image that the firmware loads from a CD, as El Torito's
// catalog names it.
type bootEntry struct {
	efi  bool // else for a BIOS
	load int  // sectors of 512 bytes that a BIOS loads
	data []byte
}

const (
	isoSector   = 2048
	bootRecord  = 17 // the sector of El Torito's volume descriptor
	maxBootSize = 64 << 20
)

// readBootEntries reads the boot images without emulation from an ISO. One that
// is not in a form Windows PE uses is left out.
func readBootEntries(r io.ReaderAt, size int64) ([]bootEntry, error) {
	sector := make([]byte, isoSector)
	if _, err := r.ReadAt(sector, bootRecord*isoSector); err != nil {
		return nil, fmt.Errorf("is no ISO: %w", err)
	}
	le := binary.LittleEndian
	if string(sector[:6]) != "\x00CD001" || string(sector[7:30]) != "EL TORITO SPECIFICATION" {
		return nil, fmt.Errorf("does not boot: it has no boot catalog")
	}
	catalog := make([]byte, isoSector)
	if _, err := r.ReadAt(catalog, int64(le.Uint32(sector[71:]))*isoSector); err != nil {
		return nil, fmt.Errorf("is damaged: its boot catalog: %w", err)
	}
	if catalog[0] != 1 || catalog[30] != 0x55 || catalog[31] != 0xAA {
		return nil, fmt.Errorf("is damaged: its boot catalog begins wrongly")
	}
	const efi = 0xEF
	platform := catalog[1]
	var all []bootEntry
	for at := 32; at+32 <= len(catalog); at += 32 {
		e := catalog[at : at+32]
		switch e[0] {
		case 0x90, 0x91: // the head of a section
			platform = e[1]
			continue
		case 0x88: // bootable
		default:
			continue
		}
		if e[1]&0xF != 0 {
			continue // emulates a floppy or a hard disk
		}
		b := bootEntry{efi: platform == efi, load: int(le.Uint16(e[6:]))}
		start := int64(le.Uint32(e[8:])) * isoSector
		length := int64(b.load) * 512
		if b.efi {
			length = max(length, fatSize(r, start))
		}
		if length == 0 || length > maxBootSize || start > size-length {
			return nil, fmt.Errorf("is damaged: a boot image is not inside the file")
		}
		b.data = make([]byte, length)
		if _, err := r.ReadAt(b.data, start); err != nil {
			return nil, fmt.Errorf("is damaged: a boot image: %w", err)
		}
		all = append(all, b)
	}
	return all, nil
}

// fatSize is the size of the FAT volume that begins there, 0 if none does. The
// catalogs of Microsoft's ISOs give one sector for it.
func fatSize(r io.ReaderAt, at int64) int64 {
	var s [512]byte
	if _, err := r.ReadAt(s[:], at); err != nil || s[510] != 0x55 || s[511] != 0xAA {
		return 0
	}
	le := binary.LittleEndian
	sectors := int64(le.Uint16(s[19:]))
	if sectors == 0 {
		sectors = int64(le.Uint32(s[32:]))
	}
	return sectors * int64(le.Uint16(s[11:]))
}
