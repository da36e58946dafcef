package regf

import (
	"bytes"
	"fmt"
	"testing"

	"lifeboat/engine/sample/shareddata"
)

// synthetic is a hive of the size of a SOFTWARE hive: 60000 keys, 180000 values.
func synthetic(t testing.TB) []byte {
	root := &Node{Name: "root"}
	for i := range 60 {
		top := &Node{Name: fmt.Sprint("vendor ", i)}
		for j := range 1000 {
			top.Subkeys = append(top.Subkeys, &Node{Name: fmt.Sprintf("{%08x}", i*1000+j), Values: []Value{
				{Type: Sz, Data: utf16le(fmt.Sprintf(`C:\Program Files\Vendor %d\component %d.dll`, i, j))},
				{Name: "Version", Type: Dword, Data: []byte{1, 2, 3, 4}},
				{Name: "Blob", Type: Binary, Data: bytes.Repeat([]byte{byte(j)}, 40)},
			}})
		}
		root.Subkeys = append(root.Subkeys, top)
	}
	return mustMarshal(t, root, Options{})
}

func benchmarkOpen(b *testing.B, image []byte, logs ...Log) {
	b.SetBytes(int64(len(image)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Open(bytes.Clone(image), logs...); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkWalk(b *testing.B, h *Hive) {
	b.SetBytes(int64(len(h.Image())))
	b.ReportAllocs()
	for b.Loop() {
		count(h.Root())
	}
}

func BenchmarkOpen(b *testing.B) { benchmarkOpen(b, synthetic(b)) }
func BenchmarkWalk(b *testing.B) { benchmarkWalk(b, mustOpen(b, synthetic(b))) }

func BenchmarkMarshal(b *testing.B) {
	root := mustNode(b, mustOpen(b, synthetic(b)).Root())
	b.ReportAllocs()
	for b.Loop() {
		image := mustMarshal(b, root, Options{})
		b.SetBytes(int64(len(image)))
	}
}

func BenchmarkCheck(b *testing.B) {
	image := synthetic(b)
	b.SetBytes(int64(len(image)))
	for b.Loop() {
		if d := Check(image); len(d) > 0 {
			b.Fatal(d)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	h := mustOpen(b, synthetic(b))
	b.ReportAllocs()
	for b.Loop() {
		if h.Find(`VENDOR 30\{00007788}`) == nil || h.Find(`vendor 30\{absent}`) != nil {
			b.Fatal("found what is not there, or not what is")
		}
	}
}

func BenchmarkSharedOpen(b *testing.B) {
	h := openSample(b, "win10-1903/SYSTEM")
	benchmarkOpen(b, h.Image())
}

func BenchmarkSharedReplay(b *testing.B) {
	hive := shareddata.Hive(b, "win10-pm6c56d/SYSTEM")
	benchmarkOpen(b, hive, logsOf(b, "win10-pm6c56d/SYSTEM")...)
}

func BenchmarkSharedWalk(b *testing.B) { benchmarkWalk(b, openSample(b, "win10-1903/SYSTEM")) }
