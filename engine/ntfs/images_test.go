package ntfs

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"lifeboat/engine/sample/shareddata"
)

// sharedImage unpacks an image of shared/data/ntfs into a sparse file.
func sharedImage(t testing.TB, name string) (*os.File, int64) {
	t.Helper()
	packed, err := os.Open(filepath.Join(shareddata.Dir(t), "ntfs", name))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	var r io.Reader = bufio.NewReaderSize(packed, 1<<20)
	if strings.HasSuffix(name, ".xz") {
		r, err = xz.NewReader(r)
	} else {
		r, err = gzip.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.CreateTemp(t.TempDir(), "image")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	size := int64(0)
	zero, buf := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(r, buf)
		if n > 0 && !bytes.Equal(buf[:n], zero[:n]) {
			if _, err := f.WriteAt(buf[:n], size); err != nil {
				t.Fatal(err)
			}
		}
		size += int64(n)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			t.Fatalf("unpack %s: %v", name, err)
		}
	}
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	return f, size
}

func open(t testing.TB, r io.ReaderAt, size int64) *FS {
	t.Helper()
	f, err := Open(context.Background(), r, size, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func noProblems(t testing.TB, f *FS) {
	t.Helper()
	if p, n := f.Problems(); n > 0 {
		t.Errorf("%d problems: %v", n, p)
	}
}

// walk calls each for everything below the root, with slashes in its path.
func walk(t testing.TB, f *FS, each func(path string, e Entry)) {
	t.Helper()
	var in func(path string, record uint32)
	in = func(path string, record uint32) {
		entries, err := f.ReadDir(record)
		if err != nil {
			t.Errorf("list %s: %v", path, err)
		}
		for _, e := range entries {
			each(path+"/"+e.Name, e)
			if e.IsFolder() && e.Reparse&tagSurrogate == 0 {
				in(path+"/"+e.Name, e.Record)
			}
		}
	}
	in("", Root)
}

func hash(t testing.TB, path string, s *Stream) string {
	t.Helper()
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(s, 0, s.Size())); err != nil {
		t.Errorf("read %s: %v", path, err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// expected is one line of an expect.tsv, made by ntfs-3g.
type expected struct {
	kind     string
	size     int64
	hash     string
	streams  string
	attrib   uint64
	tag      uint64
	security string
}

func expectation(t testing.TB, name string) map[string]expected {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(shareddata.Dir(t), "ntfs", name+".expect.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]expected{}
	for line := range strings.Lines(string(data)) {
		c := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(c) < 9 {
			t.Fatalf("%s: line of %d columns", name, len(c))
		}
		e := expected{kind: c[1], hash: c[4], streams: c[5], security: c[8]}
		e.size, _ = strconv.ParseInt(c[2], 10, 64)
		e.attrib, _ = strconv.ParseUint(c[6], 0, 32)
		e.tag, _ = strconv.ParseUint(c[7], 0, 32)
		out[c[0]] = e
	}
	return out
}

// TestImages reads every file of the images and compares it with what ntfs-3g
// said about them.
func TestImages(t *testing.T) {
	for _, c := range []struct {
		file, expect string
		start        int64 // of the partition
	}{
		{"feature.img.xz", "feature", 0},
		{"lznt1-1.img.xz", "lznt1-1", 0},
		{"frag-1.img.xz", "frag-1", 0},
		{"stale-1.img.xz", "stale-1", 0},
		{"meta-1.img.xz", "meta-1", 0},
		{"geo-64k-1.img.xz", "geo-64k-1", 0},
		{"geo-2m-1.img.xz", "geo-2m-1", 0},
		{"geo-4kn-1.img.xz", "geo-4kn-1", 0},
		{"geo-512-1.img.xz", "geo-512-1", 0},
		{"ntfs_index.raw.gz", "ntfs_index", 128 * 512},
		{"ntfs3.raw.gz", "ntfs3", 0},
		{"ntfs3_attrlist.raw.gz", "ntfs3_attrlist", 0},
		{"colinfinck_testfs1.img.gz", "colinfinck_testfs1", 0},
		{"SampleTinyNtfsVolume.partition.dd.xz", "SampleTinyNtfsVolume", 0},
		{"vsstest.raw.xz", "vsstest", 0},
	} {
		t.Run(c.expect, func(t *testing.T) {
			t.Parallel()
			image, size := sharedImage(t, c.file)
			f := open(t, io.NewSectionReader(image, c.start, size-c.start), size-c.start)
			noProblems(t, f)
			want := expectation(t, c.expect)
			walk(t, f, func(path string, e Entry) {
				compareExpected(t, f, path, e, want)
			})
			for path := range want {
				if !strings.Contains(path, "rp/clouddir/") {
					t.Errorf("missing: %q", path)
				}
			}
			noProblems(t, f)
		})
	}
}

func compareExpected(t *testing.T, f *FS, path string, e Entry, want map[string]expected) {
	t.Helper()
	w, ok := want[path]
	delete(want, path)
	if !ok {
		// ntfs-3g shows a cloud folder as a link and nothing below it. The other is in
		// use by its record and has no entry in its folder's index; a check of the
		// volume would give it one.
		if !strings.Contains(path, "/clouddir/") && path != "/test/1.txt" {
			t.Errorf("%q is not expected", path)
		}
		return
	}
	if dir := w.kind == "d" || w.kind == "l" && w.attrib&attributeDirectory != 0; dir != e.IsFolder() {
		t.Errorf("%q: folder is %v", path, e.IsFolder())
	}
	if got := uint64(e.Attributes); got != w.attrib&attributeMask {
		t.Errorf("%q: attributes %#x, want %#x", path, got, w.attrib)
	}
	if uint64(e.Reparse) != w.tag {
		t.Errorf("%q: reparse tag %#x, want %#x", path, e.Reparse, w.tag)
	}
	if w.security != "-" {
		sd, err := f.Security(e.Record)
		if sum := sha256.Sum256(sd); err != nil || hex.EncodeToString(sum[:8]) != w.security {
			t.Errorf("%q: security descriptor %x, %v, want one of sum %s", path, sd, err, w.security)
		}
	}
	streams, err := f.Streams(e.Record)
	if err != nil {
		t.Errorf("%q: streams: %v", path, err)
	}
	var list []string
	for _, s := range streams {
		r, err := f.OpenStream(e.Record, s.Name)
		if err != nil {
			t.Errorf("%q: %v", path, err)
			continue
		}
		list = append(list, fmt.Sprintf("%s:%d:%s", s.Name, s.Size, hash(t, path, r)))
	}
	wantStreams := strings.FieldsFunc(w.streams, func(r rune) bool { return r == ';' })
	slices.Sort(list)
	slices.Sort(wantStreams)
	if !slices.Equal(list, wantStreams) {
		t.Errorf("%q: streams %q, want %q", path, list, wantStreams)
	}
	if w.kind != "f" {
		return
	}
	if e.Attributes&attributeEncrypted != 0 {
		compareEncrypted(t, f, path, e, w)
		return
	}
	r, err := f.OpenStream(e.Record, "")
	if err != nil {
		t.Errorf("%q: %v", path, err)
		return
	}
	if e.Size != w.size || r.Size() != w.size {
		t.Errorf("%q: size %d and %d, want %d", path, e.Size, r.Size(), w.size)
	}
	if w.size > 1<<30 && testing.Short() {
		return
	}
	if got := hash(t, path, r); got != w.hash {
		t.Errorf("%q: hash %s, want %s", path, got, w.hash)
	}
}

// With efs_raw ntfs-3g shows the ciphertext and after it, in two bytes, how much
// longer than the file it is.
func compareEncrypted(t *testing.T, f *FS, path string, e Entry, w expected) {
	if _, err := f.OpenStream(e.Record, ""); err == nil {
		t.Errorf("%q: an encrypted file can be opened", path)
	}
	if efs, err := f.EFS(e.Record); err != nil || len(efs) == 0 {
		t.Errorf("%q: $EFS has %d bytes, %v", path, len(efs), err)
	}
	r, err := f.OpenRaw(e.Record, "")
	if err != nil {
		t.Errorf("%q: %v", path, err)
		return
	}
	raw, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	if err != nil {
		t.Errorf("%q: %v", path, err)
	}
	pad := int64(len(raw)) - e.Size
	raw = append(raw, byte(pad), byte(pad>>8))
	if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != w.hash {
		t.Errorf("%q: %d bytes of ciphertext for %d, want %d", path, len(raw), e.Size, w.size)
	}
}

// TestWOF reads files that CompactOS compressed; what they held is known from
// where they came from.
func TestWOF(t *testing.T) {
	image, size := sharedImage(t, "wof-1.img.xz")
	f := open(t, image, size)
	noProblems(t, f)
	compareContent(t, f, "wof-1.expect.tsv", 1)
}

// TestCloud reads files under a cloud provider's tag whose data is on the disk.
func TestCloud(t *testing.T) {
	image, size := sharedImage(t, "meta-1.img.xz")
	compareContent(t, open(t, image, size), "meta-1.cloud.expect.tsv", 2)
}

func compareContent(t *testing.T, f *FS, expect string, sizeColumn int) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(shareddata.Dir(t), "ntfs", expect))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		c := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		e, err := f.Lookup(strings.ReplaceAll(c[0], "/", `\`))
		if err != nil {
			t.Error(err)
			continue
		}
		r, err := f.OpenStream(e.Record, "")
		if err != nil {
			t.Errorf("%s: %v", c[0], err)
			continue
		}
		if got := fmt.Sprint(e.Size, r.Size()); got != c[sizeColumn]+" "+c[sizeColumn] {
			t.Errorf("%s: sizes %s, want %s", c[0], got, c[sizeColumn])
		}
		if got := hash(t, c[0], r); got != c[sizeColumn+1] {
			t.Errorf("%s: hash %s", c[0], got)
		}
		if streams, err := f.Streams(e.Record); err != nil || len(streams) > 0 {
			t.Errorf("%s: streams %v, %v", c[0], streams, err)
		}
	}
}

// TestBootSectors reads the geometries of boot sectors of other makes.
func TestBootSectors(t *testing.T) {
	want := map[string][3]int{ // sector, cluster, record
		"512": {512, 512, 1024}, "4k": {512, 4096, 1024}, "64k": {512, 65536, 1024},
		"128k": {512, 131072, 1024}, "4kn": {4096, 4096, 4096},
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		b, err := os.ReadFile(filepath.Join(shareddata.Dir(t), "ntfs", name+".boot"))
		if err != nil {
			t.Fatal(err)
		}
		g, err := parseBoot(b[:bootSize])
		if got := [3]int{g.sector, 1 << g.clusterShift, g.record}; err != nil || got != want[name] {
			t.Errorf("%s: %v, %v, want %v", name, got, err, want[name])
		}
	}
}

// TestRealLZNT1 expands a unit that Windows compressed.
func TestRealLZNT1(t *testing.T) {
	dir := filepath.Join(shareddata.Dir(t), "ntfs")
	src, err := os.ReadFile(filepath.Join(dir, "lznt1_real.bin"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(dir, "lznt1_real.expected"))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if err := expandLZNT1(got, src); err != nil || !bytes.Equal(got, want) {
		t.Errorf("expanded to %d other bytes, %v", len(got), err)
	}
}
