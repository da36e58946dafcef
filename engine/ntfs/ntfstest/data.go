package ntfstest

import (
	"bytes"
	"encoding/binary"
)

// Run is a stretch of clusters; at Hole they are not on the volume.
type Run struct{ Cluster, Count int64 }

// Hole is the place of a run that reads as zeros.
const Hole int64 = -1

// EncodeRuns writes mapping pairs.
func EncodeRuns(runs []Run) []byte {
	var b []byte
	at := int64(0)
	for _, r := range runs {
		length := shortest(r.Count)
		var delta []byte
		if r.Cluster != Hole {
			delta = shortest(r.Cluster - at)
			at = r.Cluster
		}
		b = append(b, byte(len(delta)<<4|len(length)))
		b = append(append(b, length...), delta...)
	}
	return append(b, 0)
}

// shortest writes a signed number in as few bytes as it needs.
func shortest(n int64) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(n))
	for len(b) > 1 && (b[len(b)-1] == 0 && b[len(b)-2] < 0x80 || b[len(b)-1] == 0xFF && b[len(b)-2] >= 0x80) {
		b = b[:len(b)-1]
	}
	return b
}

// store writes content into new clusters.
func (v *Volume) store(content []byte) Run {
	n := v.clusters(int64(len(content)))
	at := v.allocate(n)
	copy(v.Bytes(at), content)
	return Run{at, n}
}

// Resident is a stream inside the record.
func Resident(name string, content []byte) Attribute {
	return Attribute{Type: 0x80, Name: name, Value: content}
}

// Reparse is a reparse point.
func Reparse(tag uint32, body []byte) Attribute {
	b := binary.LittleEndian.AppendUint32(nil, tag)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(body)))
	return Attribute{Type: 0xC0, Value: append(append(b, 0, 0), body...)}
}

// Data is a stream in one run.
func (v *Volume) Data(name string, content []byte) Attribute {
	if len(content) == 0 {
		return Resident(name, nil)
	}
	return v.fromRuns(name, []Run{v.store(content)}, int64(len(content)))
}

func (v *Volume) fromRuns(name string, runs []Run, size int64) Attribute {
	a := Attribute{Type: 0x80, Name: name, NonResident: true, Runs: EncodeRuns(runs), Size: size, Initialised: size}
	for _, r := range runs {
		a.Clusters += r.Count
	}
	a.Allocated = a.Clusters * int64(v.opt.Cluster)
	return a
}

// Fragments is a stream whose parts hold a run of so many clusters each.
func (v *Volume) Fragments(name string, content []byte, clusters int) []Attribute {
	var parts []Attribute
	whole := v.fromRuns(name, []Run{{Hole, v.clusters(int64(len(content)))}}, int64(len(content)))
	step := clusters * v.opt.Cluster
	for at := 0; at < len(content); at += step {
		r := v.store(content[at:min(at+step, len(content))])
		v.allocate(1) // a gap
		p := whole
		p.Lowest, p.Clusters, p.Runs = uint64(at/v.opt.Cluster), r.Count, EncodeRuns([]Run{r})
		parts = append(parts, p)
	}
	return parts
}

// Sparse is a stream that leaves out clusters of zeros.
func (v *Volume) Sparse(name string, content []byte) Attribute {
	var runs []Run
	for at := 0; at < len(content); at += v.opt.Cluster {
		c := content[at:min(at+v.opt.Cluster, len(content))]
		if n := len(runs); isZero(c) && n > 0 && runs[n-1].Cluster == Hole {
			runs[n-1].Count++
		} else if isZero(c) {
			runs = append(runs, Run{Hole, 1})
		} else {
			runs = append(runs, v.store(c))
		}
	}
	a := v.fromRuns(name, runs, int64(len(content)))
	a.Flags = 0x8000
	return a
}

// Compressed is a stream in units of 16 clusters, each compressed by LZNT1 if
// that makes it smaller.
func (v *Volume) Compressed(name string, content []byte) Attribute {
	var runs []Run
	unit := 16 * v.opt.Cluster
	for at := 0; at < len(content); at += unit {
		c := content[at:min(at+unit, len(content))]
		if isZero(c) {
			runs = append(runs, Run{Hole, 16})
			continue
		}
		packed := LZNT1(c)
		if n := v.clusters(int64(len(packed))); n < 16 {
			runs = append(runs, v.store(packed), Run{Hole, 16 - n})
		} else {
			runs = append(runs, v.store(append(bytes.Clone(c), make([]byte, unit-len(c))...)))
		}
	}
	a := v.fromRuns(name, runs, int64(len(content)))
	a.Flags, a.UnitShift = 1, 4
	return a
}

func isZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// Algorithms of WOF.
const (
	Xpress4K  = 0
	LZX       = 1
	Xpress8K  = 2
	Xpress16K = 3
)

// WOF is the set of attributes of a file that CompactOS compressed.
func (v *Volume) WOF(content []byte, algorithm uint32) []Attribute {
	chunk := map[uint32]int{Xpress4K: 4 << 10, Xpress8K: 8 << 10, Xpress16K: 16 << 10, LZX: 32 << 10}[algorithm]
	var table, chunks []byte
	for at := 0; at < len(content); at += chunk {
		if at > 0 {
			table = binary.LittleEndian.AppendUint32(table, uint32(len(chunks)))
		}
		c := content[at:min(at+chunk, len(content))]
		packed := XpressHuffman(c)
		if algorithm == LZX {
			packed = EncodeLZX(c, LZXVerbatim)
		}
		if len(packed) >= len(c) {
			packed = c
		}
		chunks = append(chunks, packed...)
	}
	body := []byte{1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, byte(algorithm), 0, 0, 0}
	hole := v.fromRuns("", []Run{{Hole, max(v.clusters(int64(len(content))), 1)}}, int64(len(content)))
	hole.Flags, hole.Initialised = 0x8000, 0
	return []Attribute{hole, v.Data("WofCompressedData", append(table, chunks...)), Reparse(0x80000017, body)}
}
