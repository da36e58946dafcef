package ntfs

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"lifeboat/engine/ntfs/ntfstest"
)

// badReader fails where a part of the disk is bad.
type badReader struct {
	io.ReaderAt
	bad func(off, end int64) bool
}

var errBadSector = errors.New("bad sector")

func (b badReader) ReadAt(p []byte, off int64) (int, error) {
	if b.bad(off, off+int64(len(p))) {
		return 0, errBadSector
	}
	return b.ReaderAt.ReadAt(p, off)
}

func overlaps(at, n int64) func(off, end int64) bool {
	return func(off, end int64) bool { return off < at+n && at < end }
}

// saidOnce checks that the problems hold one about the record.
func saidOnce(t *testing.T, f *FS, record uint32, what string) {
	t.Helper()
	kept, _ := f.Problems()
	n := 0
	for _, p := range kept {
		if p.Record == record && strings.Contains(p.What, what) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d problems %q about record %d in %v", n, what, record, kept)
	}
}

func name(parent uint32, s string) []ntfstest.Name {
	return []ntfstest.Name{{Parent: parent, Name: s, Space: 1}}
}

func TestBackupBoot(t *testing.T) {
	for _, opt := range []ntfstest.Options{{}, {Sector: 4096, Record: 4096}} {
		v := ntfstest.New(opt)
		v.File(ntfstest.Root, "a", []byte("x"))
		image := v.Image()
		clear(image[:512])
		f := openImage(t, image)
		if !f.Info().BackupBoot {
			t.Error("the backup is not told")
		}
		if _, err := f.Lookup(`\a`); err != nil {
			t.Error(err)
		}
		saidOnce(t, f, NoRecord, "boot sector")

		bad := badReader{bytes.NewReader(v.Image()), overlaps(0, 512)}
		if _, err := Open(context.Background(), bad, int64(len(image)), nil); err != nil {
			t.Errorf("with an unreadable first sector: %v", err)
		}
	}
}

// A first sector that makes sense and is wrong leads to the backup, too.
func TestWrongBoot(t *testing.T) {
	v := ntfstest.New(ntfstest.Options{})
	v.File(ntfstest.Root, "a", []byte("x"))
	for name, change := range map[string]func(b []byte){
		"clusters": func(b []byte) { b[13] = 1 },
		"place of $MFT and its mirror": func(b []byte) {
			copy(b[48:64], []byte{3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0})
		},
		"size of records": func(b []byte) { b[64] = 0xF4 },
	} {
		image := v.Image()
		change(image[:512])
		f := openImage(t, image)
		if !f.Info().BackupBoot || f.Info().ClusterSize != 4096 || f.Info().Records == 0 {
			t.Errorf("%s: %+v", name, f.Info())
		}
		if _, err := f.Lookup(`\a`); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		saidOnce(t, f, NoRecord, "boot sector")

		clear(image[len(image)-512:])
		if _, err := Open(context.Background(), bytes.NewReader(image), int64(len(image)), nil); err == nil || !strings.Contains(err.Error(), "$MFT") {
			t.Errorf("%s, without a backup: %v", name, err)
		}
	}
}

func TestWrongKind(t *testing.T) {
	put := func(off int, magic string) []byte {
		b := make([]byte, 4096)
		b[510], b[511] = 0x55, 0xAA
		copy(b[off:], magic)
		return b
	}
	for _, c := range []struct {
		image []byte
		want  string
	}{
		{make([]byte, 8192), "all zero"},
		{put(3, "-FVE-FS-"), "BitLocker"},
		{put(3, "EXFAT   "), "exFAT"},
		{put(82, "FAT32   "), "FAT"},
		{put(450, "\xEE"), "GUID partition table"},
		{put(450, "\x07"), "partition table"},
		{put(0, "vhdxfile"), "container"},
	} {
		_, err := Open(context.Background(), bytes.NewReader(c.image), int64(len(c.image)), nil)
		if !errors.Is(err, ErrNotNTFS) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want one that tells of %s", err, c.want)
		}
	}
	for _, size := range []int{0, 1, 511} {
		if _, err := Open(context.Background(), bytes.NewReader(make([]byte, size)), int64(size), nil); err == nil {
			t.Errorf("%d bytes open", size)
		}
	}
}

func TestBootBounds(t *testing.T) {
	image := ntfstest.New(ntfstest.Options{}).Image()
	for _, c := range []struct {
		off  int
		with []byte
	}{
		{11, []byte{0, 1}}, {11, []byte{0, 0x20}}, {11, []byte{1, 2}}, // sector
		{13, []byte{0}}, {13, []byte{3}}, {13, []byte{0x81}}, {13, []byte{0xF0}}, // cluster
		{40, bytes.Repeat([]byte{0}, 8)}, {40, bytes.Repeat([]byte{0xFF}, 8)}, // sectors
		{48, bytes.Repeat([]byte{0xFF}, 8)}, {48, bytes.Repeat([]byte{0}, 8)}, // $MFT
		{64, []byte{0}}, {64, []byte{0x80}}, {64, []byte{0xF0}}, {64, []byte{127}}, // record
	} {
		b := append([]byte(nil), image[:512]...)
		copy(b[c.off:], c.with)
		if g, err := parseBoot(b); !errors.Is(err, ErrDamaged) {
			t.Errorf("%x at %d: %+v, %v", c.with, c.off, g, err)
		}
	}
}

func TestMirror(t *testing.T) {
	for _, n := range []uint32{0, 3} {
		v := ntfstest.New(ntfstest.Options{Label: "label"})
		v.File(ntfstest.Root, "a", []byte("x"))
		image := v.Image()
		at := v.RecordOffset(n)
		damage := map[string]func() io.ReaderAt{
			"torn": func() io.ReaderAt {
				b := bytes.Clone(image)
				b[at+1022]++
				return bytes.NewReader(b)
			},
			"gone": func() io.ReaderAt {
				b := bytes.Clone(image)
				clear(b[at : at+4])
				b[at]++
				return bytes.NewReader(b)
			},
			"unreadable": func() io.ReaderAt { return badReader{bytes.NewReader(image), overlaps(at, 1024)} },
		}
		for what, r := range damage {
			f, err := Open(context.Background(), r(), int64(len(image)), nil)
			if err != nil {
				t.Errorf("record %d %s: %v", n, what, err)
				continue
			}
			if f.Info().Label != "label" {
				t.Errorf("record %d %s: label %q", n, what, f.Info().Label)
			}
			if _, err := f.Lookup(`\a`); err != nil {
				t.Errorf("record %d %s: %v", n, what, err)
			}
			if _, count := f.Problems(); count == 0 {
				t.Errorf("record %d %s: not told", n, what)
			}
		}
		b := bytes.Clone(image)
		b[at+1022]++
		b[v.MirrorOffset(n)+1022]++
		if _, err := Open(context.Background(), bytes.NewReader(b), int64(len(b)), nil); n == 0 && err == nil {
			t.Error("a volume without its file table opens")
		} else if n == 3 && err != nil {
			t.Error(err)
		}
	}
}

// A record whose second half is of another write still tells names and times; its
// data, if that was in the second half, must not be taken for an empty file.
func TestTornRecord(t *testing.T) {
	v := ntfstest.New(ntfstest.Options{})
	folder := v.Folder(ntfstest.Root, "folder")
	v.File(folder, "inside", []byte("x"))
	long := v.Add(ntfstest.File{Names: name(ntfstest.Root, strings.Repeat("n", 100)), Attributes: []ntfstest.Attribute{ntfstest.Resident("", pattern(300))}})
	first := v.File(ntfstest.Root, "first sector", []byte("x"))
	image := v.Image()
	image[v.RecordOffset(folder)+1023]++
	image[v.RecordOffset(long)+1023]++
	image[v.RecordOffset(first)+511]++
	f := openImage(t, image)
	if _, err := f.Lookup(`\folder\inside`); err != nil {
		t.Errorf("a torn folder loses its files: %v", err)
	}
	e, err := f.Lookup(`\` + strings.Repeat("n", 100))
	if err != nil || !e.Torn {
		t.Errorf("%+v, %v", e, err)
	}
	if s, err := f.OpenStream(long, ""); err == nil {
		t.Errorf("lost data opens with %d bytes", s.Size())
	}
	if _, err := f.Lookup(`\first sector`); err == nil {
		t.Error("a record torn in its first sector is used")
	}
	saidOnce(t, f, folder, "torn")
	saidOnce(t, f, long, "torn")
	saidOnce(t, f, first, "torn")
}

func TestBadSectorInTable(t *testing.T) {
	v := ntfstest.New(ntfstest.Options{Records: 300})
	var files []uint32
	for i := range 200 {
		files = append(files, v.File(ntfstest.Root, fmt.Sprintf("file %d", i), []byte("x")))
	}
	lost := files[77]
	image := v.Image()
	f := open(t, badReader{bytes.NewReader(image), overlaps(v.RecordOffset(lost)+512, 512)}, int64(len(image)))
	entries, err := f.ReadDir(Root)
	if err != nil || len(entries) != 199 {
		t.Errorf("%d files are left, %v", len(entries), err)
	}
	if _, count := f.Problems(); count != 1 {
		t.Errorf("%d problems", count)
	}
	saidOnce(t, f, lost, "bad sector")
	for _, e := range entries {
		if got := read(t, f, e.Record, ""); string(got) != "x" {
			t.Errorf("%s reads %q", e.Name, got)
		}
	}
}

// What stands in for the record of another file, or another use of it, must not
// be joined.
func TestStaleExtension(t *testing.T) {
	v := ntfstest.New(ntfstest.Options{})
	parts := v.Fragments("", pattern(40_000), 2)
	n := v.Add(ntfstest.File{Names: name(ntfstest.Root, "file"), Attributes: parts[:1], Extensions: [][]ntfstest.Attribute{
		{ntfstest.Name{Parent: ntfstest.Root, Name: "second name"}.Attribute()}, {parts[1]}, {parts[2]}, {parts[3], parts[4]},
	}})
	ext := n + 2 // parts[1]
	image := v.Image()
	raw := image[v.RecordOffset(ext):][:1024]
	if _, err := parseRecord(raw); err != nil { // undoes the update sequence
		t.Fatal(err)
	}
	for what, change := range map[string]func([]byte){
		"base's sequence": func(b []byte) { b[38]++ },
		"own sequence":    func(b []byte) { b[16]++ },
		"other base":      func(b []byte) { b[32]++ },
		"deleted":         func(b []byte) { b[22] &^= 1 },
	} {
		b := bytes.Clone(raw)
		change(b)
		ntfstest.Protect(b)
		damaged := bytes.Clone(image)
		copy(damaged[v.RecordOffset(ext):], b)
		f := openImage(t, damaged)
		s, err := f.OpenStream(n, "")
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		got := make([]byte, 40_000)
		if err := readFull(s, got[:8192], 0); err != nil {
			t.Errorf("%s: before the gap: %v", what, err)
		}
		if err := readFull(s, got[8192:8193], 8192); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: in the gap: %v", what, err)
		}
		if err := readFull(s, got[16384:], 16384); err != nil || !bytes.Equal(got[16384:], pattern(40_000)[16384:]) {
			t.Errorf("%s: after the gap: %v", what, err)
		}
	}
	// A name in an extension of what the record was before.
	nameExt := image[v.RecordOffset(n+1):][:1024]
	if _, err := parseRecord(nameExt); err != nil {
		t.Fatal(err)
	}
	nameExt[38]++
	ntfstest.Protect(nameExt)
	ntfstest.Protect(raw)
	f := openImage(t, image)
	if entries, err := f.ReadDir(Root); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v: the stale name is listed", entries, err)
	}
}

// An attribute list that cannot be read is replaced by what the extension records
// know.
func TestLostAttributeList(t *testing.T) {
	v := ntfstest.New(ntfstest.Options{})
	content := pattern(40_000)
	parts := v.Fragments("", content, 4)
	n := v.Add(ntfstest.File{Names: name(ntfstest.Root, "file"), Attributes: parts[:1], ListInClusters: true,
		Extensions: [][]ntfstest.Attribute{{parts[1]}, {parts[2]}}})
	image := v.Image()
	e, err := openImage(t, image).gatherList(n)
	if err != nil {
		t.Fatal(err)
	}
	bad := badReader{bytes.NewReader(image), overlaps(firstCluster(e.runs, geometry{clusters: 1 << 20})*4096, 4096)}
	f := open(t, bad, int64(len(image)))
	if got := read(t, f, n, ""); !bytes.Equal(got, content) {
		t.Error("reads other bytes")
	}
}

// gatherList returns the attribute list's attribute.
func (f *FS) gatherList(n uint32) (attribute, error) {
	rec, err := f.readRecord(n)
	if err != nil {
		return attribute{}, err
	}
	walk := rec.attributes()
	for a, ok := walk.next(); ok; a, ok = walk.next() {
		if a.kind == typeAttributeList {
			return a, nil
		}
	}
	return attribute{}, errors.New("no list")
}

// No walk from the root may go in circles.
func TestCircles(t *testing.T) {
	v := ntfstest.New(ntfstest.Options{})
	a := v.Folder(ntfstest.Root, "a")
	b := v.Add(ntfstest.File{Folder: true, Names: []ntfstest.Name{{Parent: a, Name: "b"}, {Parent: ntfstest.Root, Name: "again"}}})
	c := v.Add(ntfstest.File{Folder: true, Names: []ntfstest.Name{{Parent: ntfstest.FirstFree + 3, Name: "c"}}})
	d := v.Folder(c, "d") // c and d lie in each other
	v.Add(ntfstest.File{Folder: true, Names: []ntfstest.Name{{Parent: b, Name: "self"}, {Parent: ntfstest.FirstFree + 4, Name: "self"}}})
	f := openImage(t, v.Image())
	seen := 0
	walk(t, f, func(path string, e Entry) {
		if seen++; seen > 100 {
			t.Fatalf("walk does not end: %s", path)
		}
	})
	if _, ok := f.Path(d); ok {
		t.Error("a folder in a circle has a path")
	}
	if _, count := f.Problems(); count == 0 {
		t.Error("nothing is told")
	}
}

func TestLostFolder(t *testing.T) {
	v := ntfstest.New(ntfstest.Options{})
	folder := v.Folder(ntfstest.Root, "folder")
	for i := range 5 {
		v.File(folder, fmt.Sprint(i), nil)
	}
	image := v.Image()
	image[v.RecordOffset(folder)+510]++
	f := openImage(t, image)
	saidOnce(t, f, folder, "its 5 entries")
}

// Compressed data, the table of chunks and descriptors that are damaged are an
// error where they are, not more.
func TestDamagedContent(t *testing.T) {
	v := ntfstest.New(ntfstest.Options{Descriptors: [][]byte{bytes.Repeat([]byte("sd00"), 10), bytes.Repeat([]byte("sd01"), 10)}})
	content := bytes.Repeat([]byte("some text that becomes smaller. "), 7000)
	lz := v.Add(ntfstest.File{Names: name(ntfstest.Root, "lznt1"), Attributes: []ntfstest.Attribute{v.Compressed("", content)}})
	attrs := v.WOF(content, ntfstest.Xpress4K)
	wof := v.Add(ntfstest.File{Names: name(ntfstest.Root, "wof"), Attributes: attrs})
	image := v.Image()
	f := openImage(t, image)
	at := func(n uint32, stream string) []byte {
		all, err := f.gather(n)
		if err != nil {
			t.Fatal(err)
		}
		e, err := f.extentsOf(streamParts(all, stream))
		if err != nil {
			t.Fatal(err)
		}
		return image[e.physical(0):]
	}
	copy(at(lz, "")[2:], bytes.Repeat([]byte{0xFF}, 40)) // matches before the beginning
	copy(at(wof, wofStream)[4*4:], "\xFF\xFF\xFF\x7F")   // where the sixth chunk begins
	copy(at(recordSecure, "$SDS")[30:], "damaged")
	got := make([]byte, len(content))
	for n, bad := range map[uint32][2]int64{lz: {0, 65536}, wof: {4 * 4096, 6 * 4096}} {
		s, err := f.OpenStream(n, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.ReadAt(got[:10], bad[0]+5); !errors.Is(err, ErrDamaged) {
			t.Errorf("record %d: %v", n, err)
		}
		if err := readFull(s, got[bad[1]:], bad[1]); err != nil || !bytes.Equal(got[bad[1]:], content[bad[1]:]) {
			t.Errorf("record %d after the damage: %v", n, err)
		}
	}
	if sd, err := f.Security(Root); err != nil || string(sd[:4]) != "sd00" {
		t.Errorf("the descriptor's copy: %q, %v", sd, err)
	}
	saidOnce(t, f, recordSecure, "damaged")
}

func TestCutShort(t *testing.T) {
	v := ntfstest.New(ntfstest.Options{Cluster: 512, Records: 40})
	v.File(ntfstest.Root, "early", []byte("early"))
	late := v.File(ntfstest.Root, "late", pattern(5000))
	image := v.Image()
	for cut := 0; cut < len(image); cut += 777 {
		f, err := Open(context.Background(), bytes.NewReader(image[:cut]), int64(cut), nil)
		if err != nil {
			continue
		}
		saidOnce(t, f, NoRecord, "cut short")
		walk(t, f, func(path string, e Entry) {
			if s, err := f.OpenStream(e.Record, ""); err == nil {
				io.Copy(io.Discard, io.NewSectionReader(s, 0, s.Size()))
			}
		})
	}
	f := openImage(t, image[:len(image)-3000])
	s, err := f.OpenStream(late, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadAt(make([]byte, 1), 4999); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("behind the end of the image: %v", err)
	}
}

func TestRunLists(t *testing.T) {
	g := geometry{clusterShift: 12, clusters: 1000}
	for _, c := range []struct {
		pairs string
		ok    bool
		end   int64
	}{
		{"", true, 0},
		{"\x00", true, 0},
		{"\x11\x05\x0A\x00", true, 5},
		{"\x11\x05\x0A\x01\x04\x11\x02\xFB", true, 11}, // run, hole, run before the first
		{"\x11\x05\x0A\x11\x05\x05", true, 10},         // joined
		{"\x11\x05", false, 0},
		{"\x10\x05", false, 0},                        // no length
		{"\x11\x00\x05", false, 0},                    // of nothing
		{"\x11\xFF\x05", false, 0},                    // negative
		{"\x11\x05\xFF", false, 0},                    // before the volume
		{"\x21\x05\xE7\x03", false, 0},                // over its end
		{"\x12\xE9\x03\x00", false, 0},                // longer than it
		{"\x12\xE8\x03\x00\x11\x01\x05", false, 1000}, // more than it in all
		{"\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", false, 0},
		{"\x98\x01", false, 0},
		{"\x81\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", false, 0},
		{"\x11\x01\x05\x81\x01\x00\x00\x00\x00\x00\x00\x00\x80", false, 1},
	} {
		var l runList
		if err := l.add([]byte(c.pairs), g); (err == nil) != c.ok || l.end != c.end {
			t.Errorf("%x: %d clusters, %v", c.pairs, l.end, err)
		}
	}
}

func TestLogPending(t *testing.T) {
	for _, c := range []struct {
		client, flags uint16
		want          bool
	}{{0xFFFF, 0, false}, {0, 2, false}, {0, 0, true}} {
		v := ntfstest.New(ntfstest.Options{})
		page := make([]byte, 8192)
		for i, lsn := range []uint64{5, 9} {
			p := page[4096*i:]
			copy(p, "RSTR")
			binary.LittleEndian.PutUint32(p[16:], 4096)
			binary.LittleEndian.PutUint16(p[24:], 48)
			binary.LittleEndian.PutUint64(p[48:], lsn)
			if i == 1 { // the newer one counts
				binary.LittleEndian.PutUint16(p[60:], c.client)
				binary.LittleEndian.PutUint16(p[62:], c.flags)
			}
		}
		v.Put(recordLog, ntfstest.File{Names: name(ntfstest.Root, "$LogFile"), Attributes: []ntfstest.Attribute{v.Data("", page)}})
		if got := openImage(t, v.Image()).Info().LogPending; got != c.want {
			t.Errorf("client %x, flags %x: %v", c.client, c.flags, got)
		}
	}
}
