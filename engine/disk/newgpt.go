package disk

import (
	"encoding/binary"
	"hash/crc32"
	"unicode/utf16"
)

// BasicData is the type of partitions with volumes that Windows shows.
var BasicData = GUID{0xA2, 0xA0, 0xD0, 0xEB, 0xE5, 0xB9, 0x33, 0x44, 0x87, 0xC0, 0x68, 0xB6, 0xB7, 0x26, 0x99, 0xC7}

// NewPartition is an entry of a table that is made.
type NewPartition struct {
	Type, GUID   GUID
	Name         string // cut after 36 units
	Offset, Size int64  // multiples of 512
}

const (
	newSector    = 512
	newEntries   = 128
	entriesBytes = newEntries * 128

	// GPTFirst and GPTLast are what a new table takes at either end of a disk.
	GPTFirst = 2*newSector + entriesBytes
	GPTLast  = entriesBytes + newSector
)

// NewGPT makes the partition table for a disk of size bytes, with sectors of 512:
// what goes at its beginning, GPTFirst bytes with the MBR that guards the table,
// and at its end, GPTLast bytes. No more than 128 partitions are noted.
func NewGPT(size int64, id GUID, partitions []NewPartition) (first, last []byte) {
	le := binary.LittleEndian
	entries := make([]byte, entriesBytes)
	for i, p := range partitions[:min(len(partitions), newEntries)] {
		e := entries[128*i:]
		copy(e, p.Type[:])
		copy(e[16:32], p.GUID[:])
		le.PutUint64(e[32:], uint64(p.Offset/newSector))
		le.PutUint64(e[40:], uint64((p.Offset+p.Size)/newSector-1))
		for j, u := range utf16.Encode([]rune(p.Name)) {
			if j < 36 {
				le.PutUint16(e[56+2*j:], u)
			}
		}
	}
	end := size/newSector - 1
	header := func(at, other, table int64) []byte {
		h := make([]byte, newSector)
		copy(h, "EFI PART\x00\x00\x01\x00")
		le.PutUint32(h[12:], gptHeaderSize)
		le.PutUint64(h[24:], uint64(at))
		le.PutUint64(h[32:], uint64(other))
		le.PutUint64(h[40:], GPTFirst/newSector)
		le.PutUint64(h[48:], uint64(end-GPTLast/newSector))
		copy(h[56:], id[:])
		le.PutUint64(h[72:], uint64(table))
		le.PutUint32(h[80:], newEntries)
		le.PutUint32(h[84:], 128)
		le.PutUint32(h[88:], crc32.ChecksumIEEE(entries))
		le.PutUint32(h[16:], crc32.ChecksumIEEE(h[:gptHeaderSize]))
		return h
	}
	mbr := make([]byte, newSector)
	mbr[447+1] = 2 // the first sector after this one, in cylinders and heads
	mbr[450], mbr[451], mbr[452], mbr[453] = 0xEE, 0xFF, 0xFF, 0xFF
	le.PutUint32(mbr[454:], 1)
	le.PutUint32(mbr[458:], uint32(min(end, 1<<32-1)))
	mbr[510], mbr[511] = 0x55, 0xAA
	first = append(append(mbr, header(1, end, 2)...), entries...)
	last = append(entries, header(end, 1, end-entriesBytes/newSector)...)
	return first, last
}
