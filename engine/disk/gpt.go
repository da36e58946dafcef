package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// The layout of the UEFI specification, 5.3.
const (
	gptHeaderSize = 92
	gptMaxEntries = 1024
	gptMaxEntry   = 4096
	gptMaxSector  = 1 << 50
)

// gptHeader is a header, of the table or of its copy.
type gptHeader struct {
	guid        GUID
	alternate   int64 // sector of the other header
	entries     int64 // sector of the entries
	count, size int64
	sum         uint32 // of the entries
}

func readGPTHeader(r io.ReaderAt, at int64) (h gptHeader, err error) {
	le := binary.LittleEndian
	b := make([]byte, 512)
	if err := readFull(r, b, at); err != nil {
		return h, fmt.Errorf("read GPT header: %w", err)
	}
	length := le.Uint32(b[12:])
	if string(b[:8]) != "EFI PART" {
		return h, errors.New("there is no GPT header")
	}
	if length < gptHeaderSize || int(length) > len(b) {
		return h, fmt.Errorf("GPT header of %d bytes", length)
	}
	sum := le.Uint32(b[16:])
	clear(b[16:20])
	if crc32.ChecksumIEEE(b[:length]) != sum {
		return h, errors.New("the GPT header is damaged")
	}
	alternate, entries := le.Uint64(b[32:]), le.Uint64(b[72:])
	h = gptHeader{guid: GUID(b[56:72]), count: int64(le.Uint32(b[80:])), size: int64(le.Uint32(b[84:])), sum: le.Uint32(b[88:])}
	if h.size < 128 || h.size > gptMaxEntry || h.count > gptMaxEntries || entries > gptMaxSector || alternate > gptMaxSector {
		return h, errors.New("the GPT header makes no sense")
	}
	h.entries, h.alternate = int64(entries), int64(alternate)
	return h, nil
}

// readGPT reads the table, or the copy of it at the end of the disk.
func readGPT(r io.ReaderAt, size int64, sector int) (Table, error) {
	units := []int64{512, 4096}
	if sector >= 512 && sector <= 4096 {
		units = []int64{int64(sector)}
	}
	var firstErr error
	for _, unit := range units {
		h, err := readGPTHeader(r, unit)
		if err == nil {
			b, err := h.read(r, unit)
			if err == nil {
				return h.table(b, size, unit), nil
			}
			// The copy may be whole.
			if other, b, otherErr := readGPTCopy(r, size, unit, h.alternate); otherErr == nil {
				t := other.table(b, size, unit)
				t.note("the partition table is damaged, its copy was used: %v", err)
				return t, nil
			}
			if b == nil {
				return Table{}, err
			}
			t := h.table(b, size, unit)
			t.note("the partition table is damaged, and so is its copy: %v", err)
			return t, nil
		}
		if other, b, otherErr := readGPTCopy(r, size, unit, size/unit-1); otherErr == nil {
			t := other.table(b, size, unit)
			t.note("the partition table is damaged, its copy was used: %v", err)
			return t, nil
		}
		if firstErr == nil {
			firstErr = err
		}
	}
	return Table{}, firstErr
}

func readGPTCopy(r io.ReaderAt, size, unit, at int64) (gptHeader, []byte, error) {
	if at <= 1 || at >= size/unit {
		return gptHeader{}, nil, errors.New("the copy is behind the end of the disk")
	}
	h, err := readGPTHeader(r, at*unit)
	if err != nil {
		return h, nil, err
	}
	b, err := h.read(r, unit)
	return h, b, err
}

// read returns the entries. With an error they may be there all the same, and
// their checksum is wrong.
func (h gptHeader) read(r io.ReaderAt, unit int64) ([]byte, error) {
	b := make([]byte, h.count*h.size)
	if err := readFull(r, b, h.entries*unit); err != nil {
		return nil, fmt.Errorf("read GPT entries: %w", err)
	}
	if crc32.ChecksumIEEE(b) != h.sum {
		return b, errors.New("the checksum of its entries is wrong")
	}
	return b, nil
}

func (h gptHeader) table(b []byte, size, unit int64) Table {
	le := binary.LittleEndian
	t := Table{Scheme: GPT, GUID: h.guid, Sector: int(unit)}
	for i := range h.count {
		e := b[i*h.size:][:128]
		kind := GUID(e[:16])
		first, last := le.Uint64(e[32:]), le.Uint64(e[40:])
		if kind == (GUID{}) {
			continue
		}
		number := int(i) + 1
		if first == 0 || last < first || last > gptMaxSector {
			t.note("partition %d goes from sector %d to %d", number, first, last)
			continue
		}
		name := gptTypes[kind]
		if name == "" {
			name = "type " + kind.String()
		}
		if kind == gptDynamic {
			t.note("partition %d belongs to a dynamic disk, whose volumes are not looked for", number)
		}
		t.add(Partition{
			Number: number, Offset: int64(first) * unit, Size: int64(last-first+1) * unit,
			Type: name, Name: utf16Text(e[56:128], le), GUID: GUID(e[16:32]),
		}, size)
	}
	return t
}

var gptDynamic = mustGUID("af9b60a0-1431-4f62-bc68-3311714a69ad")

// gptTypes names types of partitions.
var gptTypes = map[GUID]string{
	mustGUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"): gptBasicData,
	mustGUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"): "EFI system",
	mustGUID("e3c9e316-0b5c-4db8-817d-f92df00215ae"): "Microsoft reserved",
	mustGUID("de94bba4-06d1-4d40-a16a-bfd50179d6ac"): "Windows recovery",
	mustGUID("e75caf8f-f680-4cee-afa3-b001e56efc2d"): "Storage Spaces",
	gptDynamic: "dynamic disk",
	mustGUID("5808c8aa-7e8f-42e0-85d2-e1e90434cfb3"): "dynamic disk metadata",
	mustGUID("21686148-6449-6e6f-744e-656564454649"): "BIOS boot",
	mustGUID("0fc63daf-8483-4772-8e79-3d69d8477de4"): "Linux",
	mustGUID("0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"): "Linux swap",
	mustGUID("e6d6d379-f507-44c2-a23c-238f2a3df928"): "Linux LVM",
	mustGUID("48465300-0000-11aa-aa11-00306543ecac"): "Apple HFS+",
	mustGUID("7c3457ef-0000-11aa-aa11-00306543ecac"): "Apple APFS",
}
