package bitlocker

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"
	"time"
)

func TestOpenRefuses(t *testing.T) {
	image, _ := create(t, plainVolume(1<<20, 512), CreateOptions{Method: MethodXTS128})
	v := openImage(t, image)
	for name, tt := range map[string]struct {
		change func(b []byte) []byte
		want   error
		say    string
	}{
		"empty":        {func(b []byte) []byte { return nil }, ErrNotBitLocker, ""},
		"short":        {func(b []byte) []byte { return b[:511] }, ErrNotBitLocker, ""},
		"boot only":    {func(b []byte) []byte { return b[:512] }, ErrMetadata, "outside the volume"},
		"zeros":        {func(b []byte) []byte { return make([]byte, 1<<20) }, ErrNotBitLocker, ""},
		"plain NTFS":   {func(b []byte) []byte { return plainVolume(1<<20, 512) }, ErrNotBitLocker, ""},
		"plain FAT":    {func(b []byte) []byte { copy(b[3:], oemToGo); clear(b[160:200]); return b }, ErrNotBitLocker, ""},
		"unknown boot": {func(b []byte) []byte { clear(b[160:176]); return b }, ErrMetadata, "version"},
		"sector size":  {func(b []byte) []byte { b[11] = 1; return b }, ErrMetadata, "sectors of 513 bytes"},
		"no metadata": {func(b []byte) []byte {
			for _, at := range v.meta.copies {
				clear(b[at : at+512])
			}
			return b
		}, ErrMetadata, "no signature"},
		"version 3": {func(b []byte) []byte {
			for _, at := range v.meta.copies {
				b[at+10] = 3
			}
			return b
		}, ErrMetadata, "version 3 is not supported"},
		"cut": {func(b []byte) []byte { return b[:v.meta.copies[0]+100] }, ErrMetadata, "unexpected EOF"},
		"negative": {func(b []byte) []byte {
			for i := range 3 {
				binary.LittleEndian.PutUint64(b[176+8*i:], 1<<63+uint64(i))
			}
			return b
		}, ErrMetadata, "outside the volume"},
	} {
		b := tt.change(bytes.Clone(image))
		_, err := Open(bytes.NewReader(b), int64(len(b)))
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.say) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(&badDisk{b: image, bad: 1}, int64(len(image))); !errors.Is(err, errBad) || errors.Is(err, ErrNotBitLocker) {
		t.Errorf("bad boot sector: %v", err)
	}
}

// An image cut short opens as far as it goes.
func TestTruncatedImage(t *testing.T) {
	plain := plainVolume(1<<20, 512)
	image, _ := create(t, plain, CreateOptions{Method: MethodXTS128, Protectors: []NewProtector{{Kind: KindClear}},
		Metadata: [3]int64{128 << 10, 320 << 10, 768 << 10}, Header: 512 << 10})
	cut := image[:600<<10+100]
	r, err := openImage(t, cut).UnlockClear(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if r.Size() != 600<<10 {
		t.Errorf("%d bytes", r.Size())
	}
	sameContent(t, readFrom(t, r, 128<<10), plain[:128<<10])

	cut = image[:400<<10] // without the moved header
	_, err = openImage(t, cut).UnlockClear(context.Background())
	if err == nil || !strings.Contains(err.Error(), "read BitLocker volume at 0x0 (disk 0x") {
		t.Errorf("without header: %v", err)
	}
}

// resum corrects the checksum of the metadata copy at the start of b.
func resum(b []byte) {
	size := int(binary.LittleEndian.Uint16(b[8:])) * 16
	if size+8 <= len(b) {
		binary.LittleEndian.PutUint32(b[size+4:], crc32.ChecksumIEEE(b[:size]))
	}
}

// The copy that was written last wins, if it is sound; if none is, the first
// that makes sense.
func TestBestCopy(t *testing.T) {
	image, _ := create(t, plainVolume(1<<20, 512), CreateOptions{Method: MethodXTS128, Protectors: []NewProtector{{Kind: KindClear}}})
	copies := openImage(t, image).meta.copies
	newest := func(b []byte, i int) {
		binary.LittleEndian.PutUint32(b[copies[i]+infoHeader+32:], 1000)
		resum(b[copies[i]:])
	}
	damage := func(b []byte, i int) { b[copies[i]+infoHeader+20] ^= 1 }
	for name, tt := range map[string]struct {
		change func(b []byte)
		want   int
	}{
		"all alike":        {func(b []byte) {}, 0},
		"last is newest":   {func(b []byte) { newest(b, 2) }, 2},
		"newest damaged":   {func(b []byte) { newest(b, 2); damage(b, 2) }, 0},
		"first damaged":    {func(b []byte) { damage(b, 0) }, 1},
		"two damaged":      {func(b []byte) { damage(b, 0); damage(b, 1) }, 2},
		"all damaged":      {func(b []byte) { damage(b, 0); damage(b, 1); damage(b, 2) }, 0},
		"boot knows one":   {func(b []byte) { clear(b[176:192]); clear(b[copies[0] : copies[0]+64]) }, 2},
		"found by another": {func(b []byte) { clear(b[184:200]); damage(b, 0) }, 1},
	} {
		b := bytes.Clone(image)
		tt.change(b)
		v := openImage(t, b)
		if v.meta.at != copies[tt.want] {
			t.Errorf("%s: copy at %#x of %#x", name, v.meta.at, copies)
		}
		if _, err := v.UnlockClear(context.Background()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if damaged := name == "all damaged"; (len(v.Info().Notes) > 0) != damaged {
			t.Errorf("%s: notes %q", name, v.Info().Notes)
		}
	}
}

// The hash in the metadata tells what the checksum cannot: a change on purpose.
func TestTamperedMetadata(t *testing.T) {
	image, _ := create(t, plainVolume(1<<20, 512), CreateOptions{Method: MethodXTS128, Protectors: []NewProtector{{Kind: KindClear}}})
	for _, at := range openImage(t, image).meta.copies {
		image[at+infoHeader+20] ^= 1
		resum(image[at:])
	}
	r, err := openImage(t, image).UnlockClear(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Notes()) != 1 || !strings.Contains(r.Notes()[0], "tampered") {
		t.Errorf("notes %q", r.Notes())
	}
}

// A method or a protector of the future does not hide the rest.
func TestUnknownKinds(t *testing.T) {
	image, made := create(t, plainVolume(1<<20, 512), CreateOptions{Method: MethodXTS128,
		Protectors: []NewProtector{{Kind: KindTPM}, {Kind: KindClear}}})
	for _, at := range openImage(t, image).meta.copies {
		b := image[at : at+infoReserve]
		i := bytes.Index(b, made.Protectors[0].ID[:])
		b[i+26], b[i+27] = 0x01, 0x40
		binary.LittleEndian.PutUint16(b[infoHeader+36:], 0x8009)
		resum(b)
	}
	info := openImage(t, image).Info()
	if info.Protectors[0].Kind != "0x4001" || info.Protectors[1].Kind != KindClear || info.Method != "unknown (0x8009)" {
		t.Errorf("%+v", info)
	}
}

func TestNoFileSystemInside(t *testing.T) {
	plain := plainVolume(1<<20, 512)
	copy(plain[3:], "LINUX   ")
	_, r := suspended(t, plain, CreateOptions{})
	if r.FileSystem() != "" || len(r.Notes()) != 1 {
		t.Errorf("%q, %q", r.FileSystem(), r.Notes())
	}
}

// A conversion map is used whole or not at all.
func TestDamagedConversionMap(t *testing.T) {
	plain := plainVolume(1<<20, 512)
	image, _ := create(t, plain, CreateOptions{Layout: LayoutEOW, Method: MethodXTS128,
		Protectors: []NewProtector{{Kind: KindClear}}, EncryptedSize: 300 << 10, ChunkSize: 64 << 10})
	v := openImage(t, image)
	first, second := v.boot.eow[0], v.boot.eow[1]
	var bitmaps []int64
	for i := range v.conv.regions {
		bitmaps = append(bitmaps, int64(binary.LittleEndian.Uint64(image[first+eowHeader+8*int64(i):])))
	}
	index := func(b []byte, change func(b []byte)) {
		for _, at := range []int64{first, second} {
			change(b[at:])
			binary.LittleEndian.PutUint32(b[at+36:], sum(b[at:at+eowIndexSize], 36))
		}
	}
	for name, tt := range map[string]struct {
		change func(b []byte)
		say    string // nothing if it opens
	}{
		"one index":         {func(b []byte) { b[first] ^= 1 }, ""},
		"both indexes":      {func(b []byte) { b[first] ^= 1; b[second+20] ^= 1 }, "fails its checksum"},
		"bitmap":            {func(b []byte) { b[bitmaps[1]] ^= 1 }, "has no signature"},
		"both records":      {func(b []byte) { b[bitmaps[2]+512+40] ^= 1; b[bitmaps[2]+1024+40] ^= 1 }, "no sound record"},
		"no regions":        {func(b []byte) { index(b, func(b []byte) { b[32] = 0 }) }, "names no region"},
		"too many regions":  {func(b []byte) { index(b, func(b []byte) { b[35] = 0x7F }) }, "claims 2130706435 regions"},
		"no chunk":          {func(b []byte) { index(b, func(b []byte) { clear(b[20:24]) }) }, "chunks of 0 bytes"},
		"bitmap twice":      {func(b []byte) { index(b, func(b []byte) { copy(b[56:64], b[64:72]) }) }, "twice"},
		"bitmap outside":    {func(b []byte) { index(b, func(b []byte) { b[63] = 0x7F }) }, "outside the volume"},
		"endless region":    {func(b []byte) { b[bitmaps[0]+35] = 0x70 }, "makes the map too large"},
		"negative region":   {func(b []byte) { b[bitmaps[0]+35] = 0xF0 }, "claims"},
		"regions overlap":   {func(b []byte) { clear(b[bitmaps[2]+20 : bitmaps[2]+28]) }, "overlap"},
		"region of bytes":   {func(b []byte) { b[bitmaps[0]+20] ^= 1 }, "claims"},
		"bitmap of 4 GiB":   {func(b []byte) { b[bitmaps[0]+15] = 0xFF }, "claims"},
		"records elsewhere": {func(b []byte) { b[bitmaps[0]+47] = 0xFF; b[bitmaps[0]+51] = 0xFF }, "no sound record"},
	} {
		b := bytes.Clone(image)
		tt.change(b)
		v := openImage(t, b)
		r, err := v.UnlockClear(context.Background())
		switch {
		case tt.say == "" && err == nil:
			sameContent(t, readFrom(t, r, len(plain)), plain)
		case tt.say == "":
			t.Errorf("%s: %v", name, err)
		case !errors.Is(err, ErrConverting) || !strings.Contains(strings.Join(v.Info().Notes, ""), tt.say):
			t.Errorf("%s: %v; notes %q", name, err, v.Info().Notes)
		}
	}
}

// pieces is a volume of zeros with something here and there.
type pieces struct {
	size int64
	at   map[int64][]byte
}

func (p pieces) ReadAt(b []byte, off int64) (int, error) {
	n := int(max(min(int64(len(b)), p.size-off), 0))
	clear(b[:n])
	for at, piece := range p.at {
		if at < off {
			piece, at = piece[min(off-at, int64(len(piece))):], off
		}
		if at < off+int64(n) {
			copy(b[at-off:n], piece)
		}
	}
	if n < len(b) {
		return n, errBad
	}
	return n, nil
}

// Where fuzzed structures lie.
const (
	fuzzInfo   = 1 << 20
	fuzzIndex  = 2 << 20
	fuzzBitmap = 3 << 20
)

func FuzzMetadata(f *testing.F) {
	for _, layout := range []Layout{LayoutVista, LayoutWin7, LayoutToGo, LayoutEOW} {
		image, _ := create(f, plainVolume(1<<20, 512), CreateOptions{Layout: layout, Method: MethodXTS128,
			Description: "PC C: 1", Protectors: []NewProtector{{Kind: KindTPM}, {Kind: KindStartup}, {Kind: KindClear}},
			EncryptedSize: 300 << 10, ChunkSize: 64 << 10})
		v := openImage(f, image)
		boot := bytes.Clone(image[:512])
		info := bytes.Clone(image[v.meta.at : int(v.meta.at)+len(v.meta.raw)+96])
		var index, bitmap []byte
		if layout == LayoutVista {
			binary.LittleEndian.PutUint64(boot[0x38:], fuzzInfo/4096)
		} else {
			at := bytes.Index(boot, guidInfo[:])
			if layout == LayoutEOW {
				at = bytes.Index(boot, guidEOW[:])
				index = bytes.Clone(image[v.boot.eow[0] : v.boot.eow[0]+64])
				place := binary.LittleEndian.Uint64(index[56:])
				bitmap = bytes.Clone(image[place : place+1536])
				index[32] = 1 // region
				index[10] = 64
				binary.LittleEndian.PutUint64(index[56:], fuzzBitmap)
				binary.LittleEndian.PutUint64(boot[at+40:], fuzzIndex)
			}
			binary.LittleEndian.PutUint64(boot[at+16:], fuzzInfo)
		}
		f.Add(boot, info, index, bitmap)
	}
	f.Fuzz(func(t *testing.T, boot, info, index, bitmap []byte) {
		// Checksums would keep most changes out.
		if len(index) >= 40 {
			if n := int(binary.LittleEndian.Uint16(index[10:])); n >= 40 && n <= len(index) {
				binary.LittleEndian.PutUint32(index[36:], sum(index[:n], 36))
			}
		}
		if len(bitmap) >= 1024 {
			binary.LittleEndian.PutUint32(bitmap[512+32:], sum(bitmap[512:1024], 32))
		}
		src := pieces{size: 8 << 20, at: map[int64][]byte{0: boot, fuzzInfo: info, fuzzIndex: index, fuzzBitmap: bitmap}}
		start := time.Now()
		v, err := Open(src, src.size)
		if err != nil {
			return
		}
		v.Info()
		m := newMapping(v.boot, v.meta, v.conv, v.size)
		for off, i := int64(0), 0; off < m.size && i < 1000; i++ {
			x := m.at(off)
			if x.size <= 0 || x.size%m.sector != 0 || off+x.size > m.size {
				t.Fatalf("at %#x of %#x: %+v", off, m.size, x)
			}
			off += x.size
		}
		if r, err := v.UnlockClear(context.Background()); err == nil {
			r.ReadAt(make([]byte, 100<<10), 1000)
			r.Close()
		}
		if d := time.Since(start); d > time.Minute {
			t.Fatalf("took %v", d)
		}
	})
}
