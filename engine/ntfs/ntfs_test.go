package ntfs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"lifeboat/engine/ntfs/ntfstest"
	"lifeboat/engine/winname"
)

func openImage(t testing.TB, image []byte) *FS {
	t.Helper()
	return open(t, bytes.NewReader(image), int64(len(image)))
}

// read reads a stream in pieces of a size that fits nothing.
func read(t testing.TB, f *FS, record uint32, name string) []byte {
	t.Helper()
	s, err := f.OpenStream(record, name)
	if err != nil {
		t.Fatal(err)
	}
	whole := make([]byte, s.Size())
	if err := readFull(s, whole, 0); err != nil {
		t.Fatalf("record %d: %v", record, err)
	}
	pieces := make([]byte, 0, s.Size())
	for piece := make([]byte, 3333); ; {
		n, err := s.ReadAt(piece, int64(len(pieces)))
		pieces = append(pieces, piece[:n]...)
		if err == io.EOF {
			break
		}
		if err != nil || n == 0 {
			t.Fatalf("record %d at %d: %d, %v", record, len(pieces), n, err)
		}
	}
	if !bytes.Equal(whole, pieces) {
		t.Errorf("record %d reads otherwise in pieces", record)
	}
	return whole
}

// pattern is content of which every part is different.
func pattern(n int) []byte {
	b := make([]byte, n)
	rng := rand.New(rand.NewPCG(uint64(n), 7))
	for i := range b {
		b[i] = byte(rng.Uint32N(20)) // compresses a little
	}
	return b
}

var geometries = []ntfstest.Options{
	{},
	{Cluster: 512},
	{Sector: 4096, Record: 4096},
	{Cluster: 64 << 10, Records: 96},
	{Cluster: 2 << 20},
	{Cluster: 4096, MFTParts: 4, Records: 200},
}

func TestContent(t *testing.T) {
	for _, opt := range geometries {
		t.Run(fmt.Sprintf("sector %d cluster %d record %d parts %d", opt.Sector, opt.Cluster, opt.Record, opt.MFTParts), func(t *testing.T) {
			testContent(t, opt)
		})
	}
}

func testContent(t *testing.T, opt ntfstest.Options) {
	v := ntfstest.New(opt)
	cluster := cmp.Or(opt.Cluster, 4096)
	unit := 16 * cluster
	holes := pattern(9 * cluster)
	clear(holes[2*cluster : 6*cluster])
	want := map[uint32][]byte{}
	add := func(name string, content []byte, attrs ...ntfstest.Attribute) uint32 {
		n := v.Add(ntfstest.File{Names: []ntfstest.Name{{Parent: ntfstest.Root, Name: name, Space: 1}}, Attributes: attrs})
		want[n] = content
		return n
	}
	small := []byte("small")
	add("resident", small, ntfstest.Resident("", small))
	add("empty", nil, ntfstest.Resident("", nil))
	add("nothing", nil)
	one := pattern(cluster + 1)
	add("one run", one, v.Data("", one))
	add("sparse", holes, v.Sparse("", holes))
	if unit <= maxUnit {
		// A unit that compresses, zeros for two, one that does not, a part of one.
		packed := bytes.Join([][]byte{
			bytes.Repeat([]byte("compress me "), unit/12+1)[:unit], make([]byte, 2*unit), noise(unit), pattern(unit/2 + 13),
		}, nil)
		add("compressed", packed, v.Compressed("", packed))
	}
	text := bytes.Repeat([]byte("CompactOS makes files smaller. "), 4000)
	for _, algorithm := range []uint32{ntfstest.Xpress4K, ntfstest.Xpress8K, ntfstest.Xpress16K, ntfstest.LZX} {
		content := slices.Concat(text[:100_001], noise(50_000))
		if algorithm == ntfstest.LZX {
			content = content[:3*lzxChunk]
		}
		add(fmt.Sprintf("wof %d", algorithm), content, v.WOF(content, algorithm)...)
	}
	add("wof of one byte", []byte{1}, v.WOF([]byte{1}, ntfstest.LZX)...)

	pieces := pattern(10*cluster + 7)
	parts := v.Fragments("", pieces, 3)
	var groups [][]ntfstest.Attribute
	for _, p := range parts[1:] {
		groups = append(groups, []ntfstest.Attribute{p})
	}
	for _, outside := range []bool{false, true} {
		n := v.Add(ntfstest.File{
			Names:      []ntfstest.Name{{Parent: ntfstest.Root, Name: fmt.Sprint("in pieces ", outside), Space: 1}},
			Attributes: parts[:1], Extensions: groups, ListInClusters: outside,
		})
		want[n] = pieces
	}
	allOutside := v.Add(ntfstest.File{Extensions: [][]ntfstest.Attribute{
		{ntfstest.Name{Parent: ntfstest.Root, Name: "all in extensions", Space: 1}.Attribute(), parts[0]}, groups[0], groups[1], groups[2],
		{ntfstest.Resident("more", small)},
	}})
	want[allOutside] = pieces

	f := openImage(t, v.Image())
	noProblems(t, f)
	for n, content := range want {
		e, err := f.Stat(n)
		if err != nil {
			t.Fatal(err)
		}
		if e.Size != int64(len(content)) {
			t.Errorf("%s: size %d, want %d", e.Name, e.Size, len(content))
		}
		if got := read(t, f, n, ""); !bytes.Equal(got, content) {
			t.Errorf("%s: %d other bytes", e.Name, len(got))
		}
		if e.Cluster <= 0 {
			t.Errorf("%s begins at cluster %d", e.Name, e.Cluster)
		}
	}
	if got := read(t, f, allOutside, "more"); !bytes.Equal(got, small) {
		t.Errorf("the stream in an extension reads %q", got)
	}
	entries, err := f.ReadDir(Root)
	if err != nil || len(entries) != len(want) {
		t.Errorf("the root lists %d entries, %v, want %d", len(entries), err, len(want))
	}
	noProblems(t, f)
}

func noise(n int) []byte {
	b := make([]byte, n)
	rng := rand.New(rand.NewPCG(3, uint64(n)))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func TestNamesAndMetadata(t *testing.T) {
	sd := [][]byte{[]byte("descriptor of the root, 32 bytes"), bytes.Repeat([]byte("second.."), 9)}
	v := ntfstest.New(ntfstest.Options{Label: "Größe", Dirty: true, Descriptors: sd})
	users := v.Folder(ntfstest.Root, "Users")
	other := v.Folder(ntfstest.Root, "other")
	zone := []byte("[ZoneTransfer]")
	link := binary.LittleEndian.AppendUint32(nil, 7)
	file := v.Add(ntfstest.File{
		Names: []ntfstest.Name{
			{Parent: users, Name: "Über Lang.txt", Space: 1}, {Parent: users, Name: "BERLAN~1.TXT", Space: 2}, {Parent: other, Name: "zweiter", Space: 0},
		},
		FileAttr: 0x23, Security: ntfstest.FirstDescriptor + 1,
		Created: 131659200000000000, Modified: 131659200010000001, Accessed: 131659200020000000,
		Attributes: []ntfstest.Attribute{ntfstest.Resident("", []byte("x")), v.Data("Zone.Identifier", zone), ntfstest.Resident("empty", nil), ntfstest.Reparse(0xA000000C, link)},
	})
	v.Add(ntfstest.File{Attributes: []ntfstest.Attribute{ntfstest.Odd(users, []uint16{'x', 0xD800})}})
	v.Add(ntfstest.File{Attributes: []ntfstest.Attribute{ntfstest.Odd(users, []uint16{'x', 0xD801})}})
	v.File(users, "a", []byte("lower"))
	v.File(users, "A", []byte("upper"))
	f := openImage(t, v.Image())
	noProblems(t, f)

	info := f.Info()
	if info.Label != "Größe" || !info.Dirty || info.Major != 3 || info.Minor != 1 || info.LogPending || info.BackupBoot {
		t.Errorf("volume is %+v", info)
	}
	e, err := f.Lookup(`\USERS\über LANG.TXT`)
	if err != nil {
		t.Fatal(err)
	}
	const at = "2018-03-19 08:00:0"
	if e.Record != file || e.Name != "Über Lang.txt" || e.Size != 1 || e.Attributes != 0x423 || e.Reparse != 0xA000000C || e.Links != 2 ||
		e.Created.Format("2006-01-02 15:04:05") != at+"0" || e.Modified.Format("2006-01-02 15:04:05.9999999") != at+"1.0000001" || e.Accessed.Format("2006-01-02 15:04:05") != at+"2" {
		t.Errorf("file is %+v", e)
	}
	if got := f.Names(file); len(got) != 2 {
		t.Errorf("names %v", got)
	}
	if path, ok := f.Path(file); !ok || path != `\Users\Über Lang.txt` && path != `\other\zweiter` {
		t.Errorf("path %q", path)
	}
	if got, err := f.Security(file); err != nil || !bytes.Equal(got, sd[1]) {
		t.Errorf("descriptor %q, %v", got, err)
	}
	if got, err := f.Security(Root); err != nil || !bytes.Equal(got, sd[0]) {
		t.Errorf("descriptor of the root %q, %v", got, err)
	}
	if got, err := f.Security(users); err != nil || got != nil {
		t.Errorf("no descriptor is %q, %v", got, err)
	}
	streams, err := f.Streams(file)
	if want := []StreamInfo{{"Zone.Identifier", int64(len(zone))}, {"empty", 0}}; err != nil || !slices.Equal(streams, want) {
		t.Errorf("streams %v, %v, want %v", streams, err, want)
	}
	if got := read(t, f, file, "zone.identifier"); !bytes.Equal(got, zone) {
		t.Errorf("stream reads %q", got)
	}
	if _, err := f.OpenStream(file, ""); !errors.Is(err, ErrElsewhere) {
		t.Errorf("opening a link: %v", err)
	}
	if got, err := f.Reparse(file); err != nil || len(got) != 12 || !bytes.Equal(got[8:], link) {
		t.Errorf("reparse data %x, %v", got, err)
	}
	for path, want := range map[string]string{`\users\a`: "lower", `\users\A`: "upper"} {
		if e, err := f.Lookup(path); err != nil || string(read(t, f, e.Record, "")) != want {
			t.Errorf("%s opens another file, %v", path, err)
		}
	}
	for _, path := range []string{``, `Users`, `\Users\`, `\Users\nothing`, `\Users\a\b`, `\Users\\a`, `\berlan~1.txt`} {
		if _, err := f.Lookup(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Lookup(%q) = %v, want not exist", path, err)
		}
	}
	entries, err := f.ReadDir(users)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name)
	}
	want := []string{"A", "a", winname.FromUTF16([]uint16{'x', 0xD800}), winname.FromUTF16([]uint16{'x', 0xD801}), "Über Lang.txt"}
	if err != nil || !slices.Equal(names, want) {
		t.Errorf("names %q, %v, want %q", names, err, want)
	}
}

// Names are ordered and found as winname would.
func TestCompareFold(t *testing.T) {
	names := []string{"", "a", "A", "aB", "ä", "Ä", "ß", "ı", "日本", "😀", "x\xed\xa0\x80", "x\xed\xa0\x81", "b\xff", "Z", "_", "ÿ", "Ÿ"}
	for _, a := range names {
		raw := []byte{}
		for _, u := range winname.ToUTF16(a) {
			raw = binary.LittleEndian.AppendUint16(raw, u)
		}
		if got := nameOf(raw); got != winname.FromUTF16(winname.ToUTF16(a)) {
			t.Errorf("%q came back as %q", a, got)
		}
		for _, b := range names {
			want := strings.Compare(winname.Fold(a), winname.Fold(b))
			if got := compareFold(a, []byte(b)); (got < 0) != (want < 0) || (got > 0) != (want > 0) {
				t.Errorf("compareFold(%q, %q) = %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestEncrypted(t *testing.T) {
	v := ntfstest.New(ntfstest.Options{})
	cipher := noise(1536)
	data := v.Data("", cipher)
	data.Flags, data.Size, data.Initialised = flagEncrypted, 1320, 1320
	keys := []byte("the keys, encrypted")
	n := v.Add(ntfstest.File{Names: []ntfstest.Name{{Parent: ntfstest.Root, Name: "secret", Space: 1}}, FileAttr: 0x4020,
		Attributes: []ntfstest.Attribute{data, {Type: typeLoggedUtilityStream, Name: "$EFS", Value: keys}}})
	f := openImage(t, v.Image())
	if _, err := f.OpenStream(n, ""); !errors.Is(err, ErrEncrypted) {
		t.Errorf("opening: %v", err)
	}
	if got, err := f.EFS(n); err != nil || !bytes.Equal(got, keys) {
		t.Errorf("keys %q, %v", got, err)
	}
	raw, err := f.OpenRaw(n, "")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(io.NewSectionReader(raw, 0, raw.Size())); err != nil || !bytes.Equal(got, cipher) {
		t.Errorf("%d bytes of ciphertext, %v", len(got), err)
	}
	if e, _ := f.Stat(n); e.Size != 1320 {
		t.Errorf("size %d", e.Size)
	}
}

// A filter's placeholder must not be read as a file of zeros.
func TestPlaceholders(t *testing.T) {
	v := ntfstest.New(ntfstest.Options{})
	hole := v.Sparse("", make([]byte, 9000))
	for _, c := range []struct {
		attrs []ntfstest.Attribute
		attr  uint32
		want  error
	}{
		{[]ntfstest.Attribute{hole}, 0, nil},
		{[]ntfstest.Attribute{v.Data("", noise(9000)), ntfstest.Reparse(0x9000701A, make([]byte, 8))}, 0, nil}, // hydrated
		{[]ntfstest.Attribute{hole, ntfstest.Reparse(0x9000701A, make([]byte, 8))}, 0, ErrElsewhere},
		{[]ntfstest.Attribute{hole, ntfstest.Reparse(0x80000013, make([]byte, 8))}, 0, ErrElsewhere},           // deduplicated
		{[]ntfstest.Attribute{ntfstest.Resident("", nil), ntfstest.Reparse(0xA0000003, nil)}, 0, ErrElsewhere}, // junction
		{[]ntfstest.Attribute{hole}, attributeReparse, ErrElsewhere},                                           // its reparse point is lost
		{[]ntfstest.Attribute{hole, ntfstest.Reparse(tagWOF, make([]byte, 16))}, 0, ErrElsewhere},              // another provider
		{[]ntfstest.Attribute{hole, ntfstest.Reparse(tagWOF, make([]byte, 3))}, 0, ErrDamaged},
	} {
		n := v.Add(ntfstest.File{Names: []ntfstest.Name{{Parent: ntfstest.Root, Name: fmt.Sprintf("f%d", v.RecordOffset(0)), Space: 1}}, FileAttr: c.attr, Attributes: c.attrs})
		if _, err := openImage(t, v.Image()).OpenStream(n, ""); !errors.Is(err, c.want) {
			t.Errorf("record %d: %v, want %v", n, err, c.want)
		}
	}
}

func TestConcurrentReads(t *testing.T) {
	v := ntfstest.New(ntfstest.Options{})
	content := slices.Concat(pattern(100_000), make([]byte, 70_000), pattern(60_000))
	files := []uint32{
		v.Add(ntfstest.File{Names: []ntfstest.Name{{Parent: ntfstest.Root, Name: "lznt1", Space: 1}}, Attributes: []ntfstest.Attribute{v.Compressed("", content)}}),
		v.Add(ntfstest.File{Names: []ntfstest.Name{{Parent: ntfstest.Root, Name: "wof", Space: 1}}, Attributes: v.WOF(content, ntfstest.Xpress8K)}),
	}
	f := openImage(t, v.Image())
	for _, n := range files {
		s, err := f.OpenStream(n, "")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(i), 1))
				for range 100 {
					off := rng.IntN(len(content))
					got := make([]byte, rng.IntN(len(content)-off)/4)
					if err := readFull(s, got, int64(off)); err != nil || !bytes.Equal(got, content[off:off+len(got)]) {
						t.Errorf("%d bytes at %d: %v", len(got), off, err)
						return
					}
				}
				f.Security(n)
				f.Streams(n)
			})
		}
		wg.Wait()
	}
}

func TestCancel(t *testing.T) {
	image := ntfstest.New(ntfstest.Options{}).Image()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Open(ctx, bytes.NewReader(image), int64(len(image)), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Open = %v", err)
	}
	var done, total int64
	if _, err := Open(context.Background(), bytes.NewReader(image), int64(len(image)), func(d, n int64) { done, total = d, n }); err != nil || done != total || total != 64*1024 {
		t.Errorf("progress ended at %d of %d, %v", done, total, err)
	}
}
