package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// noise is n bytes that repeat nowhere.
func noise(n int, seed uint64) []byte {
	rnd := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

func TestRaw(t *testing.T) {
	data := noise(10_000, 1)
	m := open(t, write(t, t.TempDir(), "pc.img", data))
	if m.Format != Raw || !bytes.Equal(content(t, m), data) {
		t.Errorf("%+v", m)
	}
}

func TestSplitRaw(t *testing.T) {
	data := noise(10_000, 1)
	for _, first := range []int{0, 1} {
		dir := t.TempDir()
		for i, at := 0, 0; at < len(data); i++ {
			end := min(at+3000, len(data))
			write(t, dir, fmt.Sprintf("pc.img.%03d", first+i), data[at:end])
			at = end
		}
		for i := range 4 { // whichever part is named
			m := open(t, filepath.Join(dir, fmt.Sprintf("pc.img.%03d", first+i)))
			if m.Format != SplitRaw || len(m.Files) != 4 || !bytes.Equal(content(t, m), data) {
				t.Errorf("%+v", m)
			}
			p := make([]byte, 4000)
			if n, err := m.ReadAt(p, 2500); n != len(p) || err != nil || !bytes.Equal(p, data[2500:6500]) {
				t.Errorf("%d, %v", n, err)
			}
		}
		if err := os.Remove(filepath.Join(dir, fmt.Sprintf("pc.img.%03d", first+2))); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(filepath.Join(dir, fmt.Sprintf("pc.img.%03d", first))); err == nil || !strings.Contains(err.Error(), "is missing") {
			t.Errorf("a part is missing: %v", err)
		}
	}
}

func TestWhatIsNoImage(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]string{
		"EVF\x09\x0d\x0a\xff\x00": "EnCase", "QFI\xfb": "qcow2", "KDMV": "VMDK", "\x1f\x8b\x08": "gzip", "PK\x03\x04": "ZIP",
	} {
		_, err := Open(write(t, dir, "x.img", append([]byte(name), make([]byte, 1000)...)))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "x.img") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Error(err)
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := Open(os.DevNull); err == nil {
		t.Error("a character device is a disk")
	}
}

func TestSharedVHD(t *testing.T) {
	vhd := shared(t, "containers/plaso_image.vhd")
	m := open(t, write(t, t.TempDir(), "a.vhd", vhd))
	if m.Format != VHD || len(m.Notes) > 0 {
		t.Errorf("%+v", m)
	}
	if got := Identify(m, m.Size).FileSystem; got != "ext2" {
		t.Errorf("it holds %q", got)
	}
}

// The shared differencing image lacks its parent; one with the identifier that
// it asks for is made.
func TestSharedDifferencingVHD(t *testing.T) {
	child := shared(t, "containers/dfvfs_image-differential.vhd.gz")
	dir := t.TempDir()
	path := write(t, dir, "child.vhd", child)
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "parent") || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without its parent: %v", err)
	}
	data := noise(0x19800, 2)
	other := fixedVHD(data, [16]byte{1})
	write(t, dir, "image.vhd", other)
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "not the image it builds on") {
		t.Errorf("with another parent: %v", err)
	}
	var id [16]byte
	copy(id[:], child[512+40:])
	write(t, dir, "image.vhd", fixedVHD(data, id))
	m := open(t, path) // all its sectors were written
	if Identify(m, m.Size).FileSystem != "ext2" || m.Size != int64(len(data)) || len(m.Files) != 2 {
		t.Errorf("%+v", m)
	}
}

// footer makes a VHD footer.
func footer(size int64, kind uint32, header uint64, id [16]byte) []byte {
	be := binary.BigEndian
	b := make([]byte, vhdFooterSize)
	copy(b, vhdCookie)
	be.PutUint32(b[12:], 0x10000)
	be.PutUint64(b[16:], header)
	be.PutUint64(b[40:], uint64(size))
	be.PutUint64(b[48:], uint64(size))
	be.PutUint32(b[60:], kind)
	copy(b[68:], id[:])
	putVHDSum(b, 64)
	return b
}

func putVHDSum(b []byte, at int) {
	clear(b[at : at+4])
	sum := uint32(0)
	for _, c := range b {
		sum += uint32(c)
	}
	binary.BigEndian.PutUint32(b[at:], ^sum)
}

func fixedVHD(data []byte, id [16]byte) []byte {
	return append(bytes.Clone(data), footer(int64(len(data)), vhdFixedType, 1<<64-1, id)...)
}

// sparseVHD makes a dynamic VHD, or one that builds on parent, with the blocks
// whose sectors differ from base.
func sparseVHD(data, base []byte, block int, id, parentID [16]byte, parent string) []byte {
	be := binary.BigEndian
	kind := uint32(vhdDynamicType)
	if parent != "" {
		kind = vhdDifferencingType
	}
	f := footer(int64(len(data)), kind, 512, id)
	header := make([]byte, 1024)
	copy(header, vhdDynamic)
	be.PutUint64(header[8:], 1<<64-1)
	const table = 2048
	blocks := (len(data) + block - 1) / block
	be.PutUint64(header[16:], table)
	be.PutUint32(header[28:], uint32(blocks))
	be.PutUint32(header[32:], uint32(block))
	locator := make([]byte, 512)
	if parent != "" {
		copy(header[40:], parentID[:])
		for i, u := range utf16.Encode([]rune("wrong name.vhd")) {
			be.PutUint16(header[64+2*i:], u)
		}
		text := utf16.Encode([]rune(`.\` + parent))
		for i, u := range text {
			binary.LittleEndian.PutUint16(locator[2*i:], u)
		}
		copy(header[576:], "W2ru")
		be.PutUint32(header[584:], uint32(2*len(text)))
		be.PutUint64(header[592:], 1536)
	}
	putVHDSum(header, 36)
	bat := bytes.Repeat([]byte{0xFF}, (4*blocks+511)/512*512)
	out := append(append(append(append([]byte{}, f...), header...), locator...), bat...)
	bitmap := (block/512/8 + 511) / 512 * 512
	for i := range blocks {
		bits, body := make([]byte, bitmap), make([]byte, block)
		used := false
		for s := 0; s < block/512; s++ {
			at := i*block + s*512
			if at >= len(data) {
				break
			}
			was := make([]byte, 512)
			if at < len(base) {
				copy(was, base[at:])
			}
			is := make([]byte, 512)
			copy(is, data[at:])
			if !bytes.Equal(is, was) {
				used = true
				bits[s/8] |= 0x80 >> (s % 8)
				copy(body[s*512:], is)
			}
		}
		if used {
			be.PutUint32(out[table+4*i:], uint32(len(out)/512))
			out = append(append(out, bits...), body...)
		}
	}
	return append(out, f...)
}

// changed is a copy of data with every so many sectors new.
func changed(data []byte, every int, seed uint64) []byte {
	out := bytes.Clone(data)
	fresh := noise(len(data), seed)
	for at := 0; at+512 <= len(data); at += 512 * every {
		copy(out[at:at+512], fresh[at:])
	}
	return out
}

func TestVHDChain(t *testing.T) {
	dir := t.TempDir()
	base := noise(300_000/512*512, 3)
	clear(base[20_000:200_000])
	middle := changed(base, 3, 4)
	top := changed(middle, 7, 5)
	write(t, dir, "Base.vhd", sparseVHD(base, nil, 4096, [16]byte{1}, [16]byte{}, ""))
	write(t, dir, "middle.vhd", sparseVHD(middle, base, 8192, [16]byte{2}, [16]byte{1}, "Base.vhd"))
	last := sparseVHD(top, middle, 4096, [16]byte{3}, [16]byte{2}, "middle.vhd")
	for name, want := range map[string][]byte{"Base.vhd": base, "middle.vhd": middle} {
		if m := open(t, filepath.Join(dir, name)); m.Format != VHD || !bytes.Equal(content(t, m), want) {
			t.Errorf("%s differs", name)
		}
	}
	m := open(t, write(t, dir, "top.vhd", last))
	if !bytes.Equal(content(t, m), top) || len(m.Files) != 3 || len(m.Notes) > 0 {
		t.Errorf("the last differs: %v, %q", m.Files, m.Notes)
	}
	m = open(t, write(t, dir, "cut.vhd", last[:len(last)-512]))
	if !bytes.Equal(content(t, m), top) || len(m.Notes) != 1 {
		t.Errorf("without its footer: %q", m.Notes)
	}
	// One that builds on itself.
	write(t, dir, "loop.vhd", sparseVHD(top, middle, 4096, [16]byte{9}, [16]byte{9}, "loop.vhd"))
	if _, err := Open(filepath.Join(dir, "loop.vhd")); !errors.Is(err, errParents) {
		t.Error(err)
	}
}

func TestParentPathsStayHere(t *testing.T) {
	for name, want := range map[string][]string{
		`.\a.vhd`:              {"d/a.vhd"},
		`..\base\a.vhd`:        {"d/a.vhd", "base/a.vhd"},
		`C:\images\a.vhd`:      {"d/a.vhd"},
		`\\server\share\a.vhd`: {"d/a.vhd"},
		`/etc/passwd`:          {"d/passwd"},
		``:                     nil,
		`..`:                   nil,
		`a.vhd:stream`:         nil,
	} {
		var got []string
		for _, p := range parentPaths("d", name) {
			got = append(got, filepath.ToSlash(p))
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// vhdxWriter makes VHDX files with blocks of 1 MiB.
type vhdxWriter struct {
	sector   int
	data     []byte
	base     []byte // of the parent
	parent   string
	id       GUID
	parentID GUID
}

func putCRC(b []byte) {
	clear(b[4:8])
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(b, castagnoli))
}

func (w vhdxWriter) image() []byte {
	le := binary.LittleEndian
	const batAt, metaAt, bodyAt, logAt = 3 * vhdxMiB, 2 * vhdxMiB, 4 * vhdxMiB, 1 * vhdxMiB
	out := make([]byte, bodyAt)
	copy(out, "vhdxfile")
	for i, at := range []int{64 << 10, 128 << 10} {
		h := out[at : at+4096]
		copy(h, "head")
		le.PutUint64(h[8:], uint64(i+1))
		copy(h[32:], w.id[:])
		le.PutUint16(h[66:], 1)
		le.PutUint32(h[68:], vhdxMiB)
		le.PutUint64(h[72:], logAt)
		putCRC(h)
	}
	for _, at := range []int{192 << 10, 256 << 10} {
		b := out[at : at+vhdxTable]
		copy(b, "regi")
		le.PutUint32(b[8:], 2)
		for i, r := range []struct {
			id GUID
			at uint64
		}{{vhdxBAT, batAt}, {vhdxMetadata, metaAt}} {
			e := b[16+32*i:]
			copy(e, r.id[:])
			le.PutUint64(e[16:], r.at)
			le.PutUint32(e[24:], vhdxMiB)
			le.PutUint32(e[28:], 1)
		}
		putCRC(b)
	}
	meta := out[metaAt:]
	copy(meta, "metadata")
	at := vhdxTable
	n := 0
	item := func(id GUID, body []byte) {
		e := meta[32+32*n:]
		copy(e, id[:])
		le.PutUint32(e[16:], uint32(at))
		le.PutUint32(e[20:], uint32(len(body)))
		copy(meta[at:], body)
		at += len(body)
		n++
		le.PutUint16(meta[10:], uint16(n))
	}
	flags := uint32(0)
	if w.parent != "" {
		flags = 2
		item(vhdxParentInfo, w.locator())
	}
	item(vhdxParameters, le.AppendUint32(le.AppendUint32(nil, vhdxMiB), flags))
	item(vhdxDiskSize, le.AppendUint64(nil, uint64(len(w.data))))
	item(vhdxSectorSize, le.AppendUint32(nil, uint32(w.sector)))

	chunk := (1 << 23) * w.sector / vhdxMiB
	entry := func(i int, state, mib uint64) { le.PutUint64(out[batAt+8*i:], state|mib<<20) }
	bitmapOf := map[int]int{} // chunk → offset
	for block := range (len(w.data) + vhdxMiB - 1) / vhdxMiB {
		data := padded(w.data, block*vhdxMiB)
		base := padded(w.base, block*vhdxMiB)
		if bytes.Equal(data, base) {
			continue
		}
		state := uint64(vhdxFully)
		if w.parent != "" {
			state = vhdxPartially
			c := block / chunk
			if bitmapOf[c] == 0 {
				bitmapOf[c] = len(out)
				entry(c*(chunk+1)+chunk, 6, uint64(len(out)/vhdxMiB))
				out = append(out, make([]byte, vhdxMiB)...)
			}
			for s := range vhdxMiB / w.sector {
				if a := s * w.sector; !bytes.Equal(data[a:a+w.sector], base[a:a+w.sector]) {
					bit := block%chunk*(vhdxMiB/w.sector) + s
					out[bitmapOf[c]+bit/8] |= 1 << (bit % 8)
				} else {
					copy(data[a:a+w.sector], bytes.Repeat([]byte{0xEE}, w.sector)) // not to be seen
				}
			}
		}
		entry(block+block/chunk, state, uint64(len(out)/vhdxMiB))
		out = append(out, data...)
	}
	return out
}

// padded is the block at an offset, with zeros behind the end.
func padded(b []byte, at int) []byte {
	out := make([]byte, vhdxMiB)
	if at < len(b) {
		copy(out, b[at:])
	}
	return out
}

func (w vhdxWriter) locator() []byte {
	le := binary.LittleEndian
	b := append(append([]byte{}, vhdxLocatorIsVHD[:]...), 0, 0, 2, 0)
	body := []byte{}
	for _, pair := range [][2]string{{"parent_linkage", "{" + w.parentID.String() + "}"}, {"relative_path", `.\` + w.parent}} {
		var at [2]int
		var length [2]int
		for i, text := range pair {
			at[i] = 20 + 24 + len(body)
			for _, u := range utf16.Encode([]rune(text)) {
				body = le.AppendUint16(body, u)
			}
			length[i] = 20 + 24 + len(body) - at[i]
		}
		b = le.AppendUint32(le.AppendUint32(b, uint32(at[0])), uint32(at[1]))
		b = le.AppendUint16(le.AppendUint16(b, uint16(length[0])), uint16(length[1]))
	}
	return append(b, body...)
}

func TestVHDX(t *testing.T) {
	for _, sector := range []int{512, 4096} {
		dir := t.TempDir()
		base := noise(3*vhdxMiB+8192, 6)
		clear(base[vhdxMiB : 2*vhdxMiB])
		w := vhdxWriter{sector: sector, data: base, id: GUID{1}}
		m := open(t, write(t, dir, "base.vhdx", w.image()))
		if m.Format != VHDX || m.Sector != sector || len(m.Notes) > 0 || !bytes.Equal(content(t, m), base) {
			t.Errorf("%+v", m)
		}
		top := changed(base, 16, 7)
		copy(top[2*vhdxMiB:], base[2*vhdxMiB:3*vhdxMiB])
		child := vhdxWriter{sector: sector, data: top, base: base, id: GUID{2}, parent: "base.vhdx", parentID: GUID{1}}
		m = open(t, write(t, dir, "child.vhdx", child.image()))
		if !bytes.Equal(content(t, m), top) || len(m.Files) != 2 {
			t.Errorf("the child differs, sectors of %d", sector)
		}
		child.parentID = GUID{3}
		if _, err := Open(write(t, dir, "child.vhdx", child.image())); err == nil || !strings.Contains(err.Error(), "changed since") {
			t.Error(err)
		}
	}
}

// The log of an image that was not closed places a block.
func TestVHDXLog(t *testing.T) {
	le := binary.LittleEndian
	data := noise(2*vhdxMiB, 8)
	w := vhdxWriter{sector: 512, data: data, id: GUID{1}}
	whole := w.image()
	const batAt, logAt = 3 * vhdxMiB, 1 * vhdxMiB
	logID := GUID{7}
	build := func(tail int) []byte {
		b := bytes.Clone(whole)
		for _, at := range []int{64 << 10, 128 << 10} {
			copy(b[at+48:], logID[:])
			putCRC(b[at : at+4096])
		}
		good := bytes.Clone(b[batAt : batAt+4096])
		// The first entry clears the page, the second one writes it as it should be.
		first := make([]byte, 4096)
		copy(first[64:], "zero")
		le.PutUint64(first[64+8:], 4096)
		le.PutUint64(first[64+16:], batAt)
		second := make([]byte, 8192)
		copy(second[64:], "desc")
		copy(second[64+4:], good[4092:])
		copy(second[64+8:], good[:8])
		le.PutUint64(second[64+16:], batAt)
		copy(second[4096:], "data")
		copy(second[4096+8:], good[8:4092])
		log := b[logAt : logAt+vhdxMiB]
		at := tail
		for i, e := range [][]byte{first, second} {
			copy(e, "loge")
			le.PutUint32(e[8:], uint32(len(e)))
			le.PutUint32(e[12:], uint32(tail))
			le.PutUint64(e[16:], uint64(10+i))
			le.PutUint32(e[24:], 1)
			copy(e[32:], logID[:])
			putCRC(e)
			for len(e) > 0 { // around the end
				n := copy(log[at:], e)
				at, e = (at+n)%len(log), e[n:]
			}
		}
		clear(b[batAt : batAt+4096])
		return b
	}
	for _, tail := range []int{0, 40960, vhdxMiB - 8192} {
		m := open(t, write(t, t.TempDir(), "a.vhdx", build(tail)))
		if !bytes.Equal(content(t, m), data) || len(m.Notes) != 1 || !strings.Contains(m.Notes[0], "2 entries") {
			t.Errorf("tail %d: %q", tail, m.Notes)
		}
	}
	b := build(0)
	b[logAt+4096+100]++ // the second entry is torn
	m := open(t, write(t, t.TempDir(), "a.vhdx", b))
	if len(m.Notes) != 1 || strings.Contains(m.Notes[0], "2 entries") {
		t.Errorf("%q", m.Notes)
	}
}

func TestAligned(t *testing.T) {
	data := noise(3<<20, 9)
	strict := faulty{bytes.NewReader(data), func(off, end int64) bool { return off%4096 != 0 || end%4096 != 0 }}
	a := aligned{strict, 4096}
	for _, c := range []struct{ off, n int }{{0, 10}, {4090, 12}, {1, 2<<20 + 5}, {4096, 8192}, {3<<20 - 1, 1}} {
		p := make([]byte, c.n)
		if n, err := a.ReadAt(p, int64(c.off)); n != c.n || err != nil || !bytes.Equal(p, data[c.off:c.off+c.n]) {
			t.Errorf("%+v: %d, %v", c, n, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	data := noise(20_000/512*512, 3)
	clear(data[4096:12288])
	f.Add(fixedVHD(data, [16]byte{1}))
	f.Add(sparseVHD(data, nil, 4096, [16]byte{1}, [16]byte{}, ""))
	f.Add(sparseVHD(data, nil, 4096, [16]byte{1}, [16]byte{1}, "x.vhd"))
	f.Fuzz(func(t *testing.T, image []byte) { fuzzImage(t, image) })
}

// FuzzVHDX changes pages of an image, and makes their checksums right again.
func FuzzVHDX(f *testing.F) {
	image := vhdxWriter{sector: 512, data: noise(8192, 3), id: GUID{1}}.image()
	for _, at := range []int{64 << 10, 192 << 10, 1 << 20, 2 << 20, 2<<20 + 64<<10, 3 << 20} {
		f.Add(uint32(at), image[at:at+256])
	}
	f.Fuzz(func(t *testing.T, at uint32, change []byte) {
		b := bytes.Clone(image)
		copy(b[int(at)%len(b):], change)
		putCRC(b[64<<10 : 68<<10])
		putCRC(b[192<<10 : 256<<10])
		if entry := b[1<<20:]; len(change) > 8 {
			putCRC(entry[:4096])
		}
		fuzzImage(t, b)
	})
}

func fuzzImage(t *testing.T, image []byte) {
	m, err := Open(write(t, t.TempDir(), "x.vhd", image))
	if err != nil {
		return
	}
	defer m.Close()
	if m.Size < 0 {
		t.Fatal(m.Size)
	}
	p := make([]byte, 70_000)
	for _, off := range []int64{0, 4000, m.Size / 2, m.Size - 100} {
		if n, err := m.ReadAt(p, max(off, 0)); n < len(p) && err == nil {
			t.Fatal("short without an error")
		}
	}
	Partitions(m, m.Size, m.Sector)
}
