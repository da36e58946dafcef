package ntfs

import (
	"bytes"
	"context"
	"io"
	"slices"
	"testing"

	"lifeboat/engine/ntfs/ntfstest"
)

// tinyVolume has one of everything and few bytes.
func tinyVolume() *ntfstest.Volume {
	v := ntfstest.New(ntfstest.Options{Cluster: 512, Records: 48, Label: "tiny", MFTParts: 2, Descriptors: [][]byte{bytes.Repeat([]byte("sd"), 20)}})
	folder := v.Folder(ntfstest.Root, "folder")
	v.File(folder, "plain", pattern(2000))
	packed := bytes.Repeat([]byte("pack me "), 1500)
	v.Add(ntfstest.File{Names: name(folder, "lznt1"), Attributes: []ntfstest.Attribute{v.Compressed("", packed), v.Sparse("holes", make([]byte, 3000))}})
	v.Add(ntfstest.File{Names: name(folder, "lzx"), Attributes: v.WOF(packed, ntfstest.LZX)})
	v.Add(ntfstest.File{Names: name(folder, "xpress"), Attributes: v.WOF(packed, ntfstest.Xpress4K)})
	parts := v.Fragments("", pattern(3000), 2)
	v.Add(ntfstest.File{Names: name(ntfstest.Root, "parts"), Attributes: parts[:1], ListInClusters: true,
		Extensions: [][]ntfstest.Attribute{{parts[1]}, {parts[2], ntfstest.Name{Parent: folder, Name: "link"}.Attribute()}}})
	return v
}

// readAll uses everything that a volume offers, within bounds.
func readAll(t testing.TB, image []byte) {
	f, err := Open(context.Background(), bytes.NewReader(image), int64(len(image)), nil)
	if err != nil {
		return
	}
	seen, budget := 0, int64(4<<20)
	var in func(record uint32)
	in = func(record uint32) {
		entries, _ := f.ReadDir(record)
		for _, e := range entries {
			if seen++; seen > 10_000 {
				t.Fatal("the walk does not end")
			}
			f.Security(e.Record)
			f.Reparse(e.Record)
			f.EFS(e.Record)
			f.Path(e.Record)
			f.Names(e.Record)
			if _, err := f.Child(record, e.Name); err != nil {
				t.Errorf("%q is listed and not found: %v", e.Name, err)
			}
			streams, _ := f.Streams(e.Record)
			for _, s := range append(streams, StreamInfo{}) {
				for _, open := range []func(uint32, string) (*Stream, error){f.OpenStream, f.OpenRaw} {
					r, err := open(e.Record, s.Name)
					if err != nil {
						continue
					}
					n, _ := io.Copy(io.Discard, io.NewSectionReader(r, 0, min(r.Size(), 100_000, budget)))
					budget -= n
					r.ReadAt(make([]byte, 10), r.Size()-5)
				}
			}
			if e.IsFolder() {
				in(e.Record)
			}
		}
	}
	in(Root)
}

// FuzzOpen changes bytes of a whole volume. Records among them get their update
// sequence again, so that more is reached than its check.
func FuzzOpen(f *testing.F) {
	image := tinyVolume().Image()
	readAll(f, image)
	f.Add([]byte{}, false)
	f.Add([]byte{0, 0, 13, 0x81}, false)
	f.Add([]byte{0x80, 0, 56, 0xFF, 0x80, 1, 0, 0}, true)
	f.Fuzz(func(t *testing.T, changes []byte, protect bool) {
		b := slices.Clone(image)
		for ; len(changes) >= 4; changes = changes[4:] {
			// Most of what is worth changing lies in the first half.
			at := (int(changes[0])<<16 | int(changes[1])<<8 | int(changes[2])) % min(len(b), 1<<17)
			b[at] = changes[3]
			if protect {
				start := at / 512 * 512
				for _, s := range []int{start - 512, start} {
					if s >= 0 && s+1024 <= len(b) && string(b[s:s+4]) == "FILE" {
						if _, err := parseRecord(b[s : s+1024]); err == nil {
							ntfstest.Protect(b[s : s+1024])
						}
					}
				}
			}
		}
		readAll(t, b)
	})
}

// FuzzRecord takes bytes for a record: its walk ends, and what it finds lies
// within it.
func FuzzRecord(f *testing.F) {
	v := tinyVolume()
	image := v.Image()
	for n := range uint32(44) {
		f.Add(bytes.Clone(image[v.RecordOffset(n):][:1024]))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) < 1024 {
			return
		}
		raw = raw[:len(raw)/1024*1024]
		if string(raw[:4]) == "FILE" && len(raw) == 1024 && raw[4] == 48 && raw[5] == 0 {
			ntfstest.Protect(raw)
		}
		rec, err := parseRecord(raw)
		if err != nil {
			return
		}
		walk, n := rec.attributes(), 0
		for a, ok := walk.next(); ok; a, ok = walk.next() {
			if n++; n > len(raw)/24 {
				t.Fatal("the walk does not end")
			}
			var l runList
			l.add(a.runs, geometry{clusterShift: 12, clusters: 1 << 30})
			firstCluster(a.runs, geometry{clusters: 1 << 30})
			nameOf(a.name)
			if len(a.value)+len(a.name)+len(a.runs) > len(raw) {
				t.Fatal("an attribute is larger than its record")
			}
			for i := 1; i < len(l.runs); i++ {
				if l.runs[i].vcn <= l.runs[i-1].vcn {
					t.Fatal("runs do not advance")
				}
			}
		}
	})
}

func FuzzAttributeList(f *testing.F) {
	v := tinyVolume()
	fs := openImage(f, v.Image())
	for n := range uint32(44) {
		if a, err := fs.gatherList(n); err == nil {
			list, err := fs.listValue(a)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(list)
		}
	}
	var target uint32
	walk(f, fs, func(path string, e Entry) {
		if path == "/parts" {
			target = e.Record
		}
	})
	f.Fuzz(func(t *testing.T, list []byte) {
		items, _ := parseList(list)
		if len(items) > len(list)/26 {
			t.Fatal("more lines than bytes")
		}
		attrs, _ := fs.gatherListed(target, 1, items)
		if len(attrs) > 10 {
			t.Fatalf("%d attributes of 5: some are taken twice", len(attrs))
		}
	})
}
