package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"reflect"
	"strings"
	"testing"
)

// listing is a table in a few words: number, first sector, sectors, type, name.
func listing(t Table) []string {
	out := []string{string(t.Scheme)}
	for _, p := range t.Partitions {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d: %d+%d %s %s", p.Number, p.Offset/512, p.Size/512, p.Type, p.Name)))
	}
	return out
}

func TestSharedTables(t *testing.T) {
	for name, want := range map[string][]string{
		"gpt-512-0p.raw.gz": {"GPT"},
		"gpt-512-3p.raw.gz": {"GPT", "1: 34+31 Linux Linux filesystem", "2: 65+64 Linux Linux filesystem", "3: 129+1886 EFI system EFI System"},
		// An extended partition with a chain of two logical ones, and a primary one behind it.
		"mbr-512-p1e2.bin.gz":       {"MBR", "2: 1025+1023 Linux", "5: 2+511 Linux", "6: 514+511 Linux"},
		"ntfs_index.raw.gz":         {"MBR", "1: 128+59392 NTFS or exFAT"},
		"colinfinck_testfs1.img.gz": {"none", "0: 0+4096 NTFS"},
	} {
		t.Run(name, func(t *testing.T) {
			data := shared(t, name)
			table, err := Partitions(bytes.NewReader(data), int64(len(data)), 0)
			if err != nil {
				t.Fatal(err)
			}
			if got := listing(table); !reflect.DeepEqual(got, want) || len(table.Notes) > 0 {
				t.Errorf("got %q, notes %q, want %q", got, table.Notes, want)
			}
		})
	}
}

func TestSharedGUIDs(t *testing.T) {
	data := shared(t, "gpt-512-3p.raw.gz")
	table, err := Partitions(bytes.NewReader(data), int64(len(data)), 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := table.GUID.String(); got != "4a57f82f-3b54-45b7-9135-c1d4a9addf69" {
		t.Errorf("disk GUID %s", got)
	}
	if got := table.Partitions[0].GUID.String(); got != "0c4a2a68-c2c3-441a-8757-1f888ed2715d" {
		t.Errorf("partition GUID %s", got)
	}
}

// gptDisk makes a disk of 256 sectors with two partitions: at sectors 64 to 95
// and 96 to 127.
func gptDisk(sector int) []byte {
	le := binary.LittleEndian
	const sectors = 256
	b := make([]byte, sectors*sector)
	b[446+4], b[446+8], b[446+12], b[510], b[511] = mbrProtective, 1, 255, 0x55, 0xAA
	entries := make([]byte, 4*128)
	for i := range 2 {
		e := entries[128*i:]
		kind := mustGUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7")
		copy(e, kind[:])
		e[16] = byte(i + 1)
		le.PutUint64(e[32:], uint64(64+32*i))
		le.PutUint64(e[40:], uint64(95+32*i))
		copy(e[56:], "D\x00a\x00t\x00a\x00")
	}
	header := func(at, other, table int) {
		copy(b[table*sector:], entries)
		h := b[at*sector:][:gptHeaderSize]
		copy(h, "EFI PART\x00\x00\x01\x00")
		le.PutUint32(h[12:], gptHeaderSize)
		le.PutUint64(h[24:], uint64(at))
		le.PutUint64(h[32:], uint64(other))
		h[56] = 0xDD
		le.PutUint64(h[72:], uint64(table))
		le.PutUint32(h[80:], 4)
		le.PutUint32(h[84:], 128)
		le.PutUint32(h[88:], crc32.ChecksumIEEE(entries))
		le.PutUint32(h[16:], crc32.ChecksumIEEE(h))
	}
	header(1, sectors-1, 2)
	header(sectors-1, 1, sectors-2)
	return b
}

func TestGPT(t *testing.T) {
	for _, sector := range []int{512, 4096} {
		for name, c := range map[string]struct {
			damage func(b []byte)
			note   string
			size   int // sectors, 0 for all
		}{
			"whole":              {func([]byte) {}, "", 0},
			"header lost":        {func(b []byte) { clear(b[sector : 2*sector]) }, "its copy was used", 0},
			"header damaged":     {func(b []byte) { b[sector+80]++ }, "its copy was used", 0},
			"entries damaged":    {func(b []byte) { b[2*sector+400]++ }, "its copy was used", 0},
			"both damaged":       {func(b []byte) { b[2*sector+400]++; b[254*sector+400]++ }, "so is its copy", 0},
			"no protective MBR":  {func(b []byte) { clear(b[:512]) }, "protective MBR is missing", 0},
			"last sectors lost":  {func([]byte) {}, "", 200},
			"cut in a partition": {func([]byte) {}, "partition 2 ends behind the end", 100},
		} {
			b := gptDisk(sector)
			c.damage(b)
			if c.size > 0 {
				b = b[:c.size*sector]
			}
			for _, known := range []int{0, sector} {
				table, err := Partitions(bytes.NewReader(b), int64(len(b)), known)
				if err != nil {
					t.Errorf("%s, sectors of %d: %v", name, sector, err)
					continue
				}
				notes := strings.Join(table.Notes, "; ")
				if len(table.Partitions) != 2 || table.Partitions[1].Offset != int64(96*sector) || table.Partitions[0].Name != "Data" ||
					table.Sector != sector || !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
					t.Errorf("%s, sectors of %d: %+v", name, sector, table)
				}
			}
		}
	}
}

func TestTablesThatPointOutside(t *testing.T) {
	b := gptDisk(512)
	b = b[:96*512]
	table, err := Partitions(bytes.NewReader(b), int64(len(b)), 0)
	if err != nil || len(table.Partitions) != 1 || len(table.Notes) != 1 {
		t.Errorf("%+v, %v", table, err)
	}
}

// A chain of logical partitions that leads back into itself.
func TestLogicalPartitionsInACircle(t *testing.T) {
	b := make([]byte, 64*512)
	put := func(sector, entry int, kind byte, start, count uint32) {
		e := b[sector*512+446+16*entry:]
		e[4] = kind
		binary.LittleEndian.PutUint32(e[8:], start)
		binary.LittleEndian.PutUint32(e[12:], count)
		b[sector*512+510], b[sector*512+511] = 0x55, 0xAA
	}
	put(0, 0, 0x0F, 8, 56)
	put(8, 0, 7, 1, 7)
	put(8, 1, 5, 8, 8)
	put(16, 0, 7, 1, 7)
	put(16, 1, 5, 0, 8) // back to the first
	table, err := Partitions(bytes.NewReader(b), int64(len(b)), 0)
	if err != nil || len(table.Partitions) != 2 || len(table.Notes) != 1 {
		t.Errorf("%+v, %v", table, err)
	}
	if p, ok := table.Find(6); !ok || p.Offset != 17*512 {
		t.Errorf("partition 6: %+v", p)
	}
}

func TestNoTable(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty":        nil,
		"short":        make([]byte, 100),
		"zeros":        make([]byte, 1<<20),
		"text":         bytes.Repeat([]byte("no disk "), 1<<10),
		"promised GPT": gptDisk(512)[:512],
	} {
		if table, err := Partitions(bytes.NewReader(b), int64(len(b)), 0); !errors.Is(err, ErrNoTable) {
			t.Errorf("%s: %+v, %v", name, table, err)
		}
	}
}

// A table that cannot be read is found through its copy.
func TestFirstSectorUnreadable(t *testing.T) {
	b := gptDisk(512)
	r := faulty{bytes.NewReader(b), func(off, end int64) bool { return off < 512 }}
	table, err := Partitions(r, int64(len(b)), 0)
	if err != nil || len(table.Partitions) != 2 || len(table.Notes) != 1 {
		t.Errorf("%+v, %v", table, err)
	}
}

// faulty fails where bad says so.
type faulty struct {
	r   io.ReaderAt
	bad func(off, end int64) bool
}

var errMedium = errors.New("medium error")

func (f faulty) ReadAt(p []byte, off int64) (int, error) {
	if f.bad(off, off+int64(len(p))) {
		return 0, errMedium
	}
	return f.r.ReadAt(p, off)
}

func FuzzPartitions(f *testing.F) {
	f.Add(gptDisk(512), 0)
	f.Add(gptDisk(4096)[:4096*40], 4096)
	b := make([]byte, 4096)
	b[446+4], b[446+8], b[446+12], b[510], b[511] = 5, 1, 7, 0x55, 0xAA
	b[512+446+4], b[512+446+8], b[512+446+12], b[512+510], b[512+511] = 7, 1, 2, 0x55, 0xAA
	f.Add(b, 512)
	f.Fuzz(func(t *testing.T, data []byte, sector int) {
		size := int64(len(data))
		table, err := Partitions(bytes.NewReader(data), size, sector)
		if err != nil {
			return
		}
		for _, p := range table.Partitions {
			if p.Offset < 0 || p.Size < 0 || p.Offset+p.Size > size {
				t.Fatalf("%+v in %d bytes", p, size)
			}
			Identify(p.Open(bytes.NewReader(data)), p.Size)
		}
	})
}

func TestIsData(t *testing.T) {
	for kind, want := range map[byte]bool{0x07: true, 0x0C: true, 0x27: false, 0x83: false, 0xEF: false} {
		if got := (Partition{Type: mbrType(kind)}).IsData(); got != want {
			t.Errorf("%02X: %v", kind, got)
		}
	}
	for guid, name := range gptTypes {
		if got := (Partition{Type: name}).IsData(); got != (guid.String() == "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7") {
			t.Errorf("%s: %v", name, got)
		}
	}
}
