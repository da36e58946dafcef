package disk

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Scheme is how a disk is divided.
type Scheme string

// The schemes.
const (
	GPT   Scheme = "GPT"
	MBR   Scheme = "MBR"
	Whole Scheme = "none" // one volume fills it
)

// Table is what is on a disk.
type Table struct {
	Scheme     Scheme      `json:"scheme"`
	Signature  uint32      `json:"signature,omitempty"` // of an MBR
	GUID       GUID        `json:"guid,omitzero"`       // of a GPT
	Sector     int         `json:"sector,omitempty"`    // bytes, as the table counts
	Partitions []Partition `json:"partitions"`
	Notes      []string    `json:"notes,omitempty"` // what is not as it should be
}

// Partition is a stretch of a disk.
type Partition struct {
	Number int    `json:"number"` // as Linux counts: logical ones from 5; 0 for the whole disk
	Offset int64  `json:"offset"` // bytes
	Size   int64  `json:"size"`
	Type   string `json:"type"`           // what the table says it is for
	Name   string `json:"name,omitempty"` // in a GPT
	GUID   GUID   `json:"guid,omitzero"`  // in a GPT
}

// Open returns the bytes of the partition.
func (p Partition) Open(r io.ReaderAt) *io.SectionReader {
	return io.NewSectionReader(r, p.Offset, p.Size)
}

// IsData reports whether the table says that a volume of Windows with files may be
// in the partition.
func (p Partition) IsData() bool {
	return p.Type == gptBasicData || p.Type == mbrNTFS || p.Type == mbrFAT
}

// Find returns the partition of a number.
func (t *Table) Find(number int) (Partition, bool) {
	for _, p := range t.Partitions {
		if p.Number == number {
			return p, true
		}
	}
	return Partition{}, false
}

// ErrNoTable says that a disk has neither partitions nor a known volume.
var ErrNoTable = errors.New("no partition table and no known volume")

// Partitions reads the partition table of a disk of size bytes. sector is the
// size of its sectors, 0 if that is unknown. A disk that a volume fills has the
// one partition 0.
//
// A table that is damaged in part gives what is left of it, with notes. The
// error wraps ErrNoTable where nothing is found.
func Partitions(r io.ReaderAt, size int64, sector int) (Table, error) {
	first := make([]byte, 512)
	firstErr := readFull(r, first, 0)
	if firstErr != nil {
		clear(first)
	}
	what := Identify(r, size)
	if what.FileSystem != "" {
		return Table{Scheme: Whole, Partitions: []Partition{{Size: size, Type: what.FileSystem}}}, nil
	}
	mbr, mbrErr := parseMBR(first)
	if mbrErr == nil && !mbr.protective() {
		return mbr.table(r, size, sector), nil
	}
	t, gptErr := readGPT(r, size, sector)
	if gptErr == nil {
		switch {
		case firstErr != nil:
			t.note("the first sector cannot be read: %v", firstErr)
		case mbrErr != nil:
			t.note("the protective MBR is missing")
		}
		return t, nil
	}
	if firstErr != nil {
		return Table{}, fmt.Errorf("%w: read first sector: %w", ErrNoTable, firstErr)
	}
	if mbrErr == nil { // it promised a GPT
		return Table{}, fmt.Errorf("%w: %w", ErrNoTable, gptErr)
	}
	return Table{}, fmt.Errorf("%w: %w", ErrNoTable, mbrErr)
}

func (t *Table) note(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}

// add puts a partition into the table unless it lies outside the disk.
func (t *Table) add(p Partition, size int64) {
	switch {
	case p.Offset >= size:
		t.note("partition %d begins behind the end of the disk", p.Number)
		return
	case p.Size > size-p.Offset:
		t.note("partition %d ends behind the end of the disk: %d bytes are missing", p.Number, p.Size-(size-p.Offset))
		p.Size = size - p.Offset
	}
	t.Partitions = append(t.Partitions, p)
}

// mbr is a master boot record, or the like at the start of a logical partition.
type mbr struct {
	signature uint32
	entries   [4]mbrEntry
}

// mbrEntry counts sectors.
type mbrEntry struct {
	kind         byte
	start, count int64
}

const (
	mbrProtective = 0xEE // the one entry of a GPT disk
	mbrDynamic    = 0x42 // the Logical Disk Manager's
	maxLogical    = 256
)

func (e mbrEntry) extended() bool { return e.kind == 0x05 || e.kind == 0x0F || e.kind == 0x85 }
func (e mbrEntry) used() bool     { return e.kind != 0 && e.count != 0 }

func parseMBR(b []byte) (mbr, error) {
	le := binary.LittleEndian
	if b[510] != 0x55 || b[511] != 0xAA {
		return mbr{}, errors.New("the first sector has no boot signature")
	}
	m := mbr{signature: le.Uint32(b[0x1B8:])}
	for i := range m.entries {
		e := b[446+16*i:]
		if e[0]&0x7F != 0 {
			return mbr{}, errors.New("the first sector is no partition table")
		}
		m.entries[i] = mbrEntry{e[4], int64(le.Uint32(e[8:])), int64(le.Uint32(e[12:]))}
	}
	return m, nil
}

func (m mbr) protective() bool {
	for _, e := range m.entries {
		if e.kind == mbrProtective {
			return true
		}
	}
	return false
}

// table lists the partitions, the logical ones too.
func (m mbr) table(r io.ReaderAt, size int64, sector int) Table {
	t := Table{Scheme: MBR, Signature: m.signature, Sector: m.sector(r, size, sector)}
	unit := int64(t.Sector)
	for i, e := range m.entries {
		switch {
		case !e.used():
		case e.extended():
			t.logical(r, size, e)
		case e.start == 0:
			t.note("partition %d begins at the table itself", i+1)
		default:
			if e.kind == mbrDynamic {
				t.note("partition %d belongs to a dynamic disk, whose volumes are not looked for", i+1)
			}
			t.add(Partition{Number: i + 1, Offset: e.start * unit, Size: e.count * unit, Type: mbrType(e.kind)}, size)
		}
	}
	slices.SortFunc(t.Partitions, func(a, b Partition) int { return cmp.Compare(a.Number, b.Number) })
	return t
}

// sector finds out what the table counts in, where nobody knows: the size with
// which a known volume begins where a partition does.
func (m mbr) sector(r io.ReaderAt, size int64, known int) int {
	if known == 512 || known == 4096 {
		return known
	}
	for _, unit := range []int64{512, 4096} {
		for _, e := range m.entries {
			if at := e.start * unit; e.used() && !e.extended() && at < size && Identify(io.NewSectionReader(r, at, size-at), size-at).FileSystem != "" {
				return int(unit)
			}
		}
	}
	return 512
}

// logical follows the chain of logical partitions in an extended one. Each link
// holds one, from the link on, and the next link, from the chain's start on.
func (t *Table) logical(r io.ReaderAt, size int64, extended mbrEntry) {
	unit := int64(t.Sector)
	seen := map[int64]bool{}
	number := 5
	for _, p := range t.Partitions { // there should be one extended partition only
		number = max(number, p.Number+1)
	}
	b := make([]byte, 512)
	for link := extended.start; ; number++ {
		if seen[link] || len(seen) >= maxLogical {
			t.note("the chain of logical partitions has no end")
			return
		}
		seen[link] = true
		if err := readFull(r, b, link*unit); err != nil {
			t.note("logical partition %d and those behind it are lost: %v", number, err)
			return
		}
		m, err := parseMBR(b)
		if err != nil {
			t.note("logical partition %d and those behind it are lost: %v", number, err)
			return
		}
		if e := m.entries[0]; e.used() && !e.extended() {
			t.add(Partition{Number: number, Offset: (link + e.start) * unit, Size: e.count * unit, Type: mbrType(e.kind)}, size)
		} else {
			number--
		}
		next := m.entries[1]
		if !next.used() || !next.extended() {
			return
		}
		link = extended.start + next.start
	}
}

// The types of partitions for data.
const (
	mbrFAT       = "FAT"
	mbrNTFS      = "NTFS or exFAT"
	gptBasicData = "basic data"
)

// mbrType names a type of partitions.
func mbrType(kind byte) string {
	switch kind {
	case 0x01, 0x04, 0x06, 0x0B, 0x0C, 0x0E:
		return mbrFAT
	case 0x07:
		return mbrNTFS
	case 0x11, 0x14, 0x16, 0x17, 0x1B, 0x1C, 0x1E:
		return "hidden"
	case 0x27:
		return "Windows recovery"
	case mbrDynamic:
		return "dynamic disk"
	case 0x82:
		return "Linux swap"
	case 0x83:
		return "Linux"
	case 0x8E:
		return "Linux LVM"
	case 0xEF:
		return "EFI system"
	}
	return fmt.Sprintf("type %02X", kind)
}
