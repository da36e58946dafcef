// Package ntfstest writes small NTFS volumes for tests: records, attribute lists,
// extension records, sparse and compressed runs, WOF, security descriptors, as
// much of them as a reader looks at. There are no indexes, no bitmap and no log,
// so Windows would not mount such a volume. The caller builds it up file by
// file; mistakes panic, for only tests call it.
package ntfstest

import (
	"encoding/binary"
	"slices"
	"unicode/utf16"
)

// Options is the geometry; zero fields take a common value.
type Options struct {
	Sector   int // 512
	Cluster  int // 4096
	Record   int // 1024
	Records  int // 64, how many the file table has room for
	Label    string
	Dirty    bool
	MFTParts int // 1, in how many pieces the file table lies
	// Descriptors are numbered from 0x100, in $Secure.
	Descriptors [][]byte
}

// Root is the record of the root folder.
const Root uint32 = 5

// FirstFree is the record of the first file that Add makes.
const FirstFree uint32 = 32

// FirstDescriptor is the number of the first of Options.Descriptors.
const FirstDescriptor = 0x100

// Volume is a volume in the making.
type Volume struct {
	opt     Options
	data    []byte  // clusters
	mft     []int64 // first clusters of the table's parts
	part    int64   // clusters of each
	mirror  int64
	next    uint32 // record
	extNext uint32 // record for the table's own extensions
}

// New begins a volume that has a root folder.
func New(opt Options) *Volume {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&opt.Sector, 512)
	def(&opt.Cluster, 4096)
	def(&opt.Record, 1024)
	def(&opt.Records, 64)
	def(&opt.MFTParts, 1)
	v := &Volume{opt: opt, next: FirstFree, extNext: 16}
	v.allocate(int64(max(8192, opt.Cluster) / opt.Cluster)) // boot sector
	perPart := (opt.Records + opt.MFTParts - 1) / opt.MFTParts
	v.part = v.clusters(int64(perPart * opt.Record))
	for range opt.MFTParts {
		v.mft = append(v.mft, v.allocate(v.part))
		v.allocate(1) // a gap
	}
	v.mirror = v.allocate(v.clusters(int64(4 * opt.Record)))
	v.systemFiles()
	return v
}

func (v *Volume) clusters(bytes int64) int64 {
	return (bytes + int64(v.opt.Cluster) - 1) / int64(v.opt.Cluster)
}

// allocate returns the first of n new clusters.
func (v *Volume) allocate(n int64) int64 {
	at := int64(len(v.data)) / int64(v.opt.Cluster)
	v.data = append(v.data, make([]byte, n*int64(v.opt.Cluster))...)
	return at
}

func (v *Volume) systemFiles() {
	v.put(1, 1, File{Names: []Name{{Root, "$MFTMirr", 3}}})
	info := make([]byte, 12)
	info[8], info[9] = 3, 1
	if v.opt.Dirty {
		info[10] = 1
	}
	v.put(3, 3, File{Names: []Name{{Root, "$Volume", 3}}, Attributes: []Attribute{
		{Type: 0x60, Value: utf16le(v.opt.Label)}, {Type: 0x70, Value: info},
	}})
	v.put(Root, 5, File{Folder: true, Names: []Name{{Root, ".", 3}}, Security: FirstDescriptor})
	v.put(9, 9, File{Names: []Name{{Root, "$Secure", 3}}, Attributes: []Attribute{v.Data("$SDS", sds(v.opt.Descriptors))}})
	for n := range FirstFree {
		if n != 0 && n != 1 && n != 3 && n != Root && n != 9 {
			v.writeRecord(n, v.header(n, uint16(n), 0, 0), nil)
		}
	}
	v.putMFT()
}

// putMFT writes the table's own record and those that extend it.
func (v *Volume) putMFT() {
	size := v.part * int64(v.opt.Cluster) * int64(len(v.mft))
	parts := make([]Attribute, len(v.mft))
	for i, lcn := range v.mft {
		parts[i] = Attribute{Type: 0x80, NonResident: true, Lowest: uint64(i) * uint64(v.part), Clusters: v.part,
			Runs: EncodeRuns([]Run{{lcn, v.part}}), Allocated: size, Size: size, Initialised: size}
	}
	f := File{Names: []Name{{Root, "$MFT", 3}}, Attributes: parts[:1]}
	for _, p := range parts[1:] {
		f.Extensions = append(f.Extensions, []Attribute{p})
	}
	v.put(0, 1, f)
}

// Add writes a file and returns its record.
func (v *Volume) Add(f File) uint32 {
	n := v.next
	v.next++
	v.put(n, 1, f)
	return n
}

// Put writes one of the file system's own files, below FirstFree.
func (v *Volume) Put(n uint32, f File) { v.put(n, sequence(n), f) }

// Folder adds an empty folder.
func (v *Volume) Folder(parent uint32, name string) uint32 {
	return v.Add(File{Folder: true, Names: []Name{{parent, name, 1}}})
}

// File adds a file whose content lies in clusters.
func (v *Volume) File(parent uint32, name string, content []byte) uint32 {
	return v.Add(File{Names: []Name{{parent, name, 1}}, Attributes: []Attribute{v.Data("", content)}})
}

// Image returns the volume's bytes, the backup boot sector at the end.
func (v *Volume) Image() []byte {
	sectors := len(v.data) / v.opt.Sector
	boot := make([]byte, v.opt.Sector)
	copy(boot, "\xEB\x52\x90NTFS    ")
	binary.LittleEndian.PutUint16(boot[11:], uint16(v.opt.Sector))
	boot[13] = sectorsPerCluster(v.opt.Cluster / v.opt.Sector)
	binary.LittleEndian.PutUint64(boot[40:], uint64(sectors))
	binary.LittleEndian.PutUint64(boot[48:], uint64(v.mft[0]))
	binary.LittleEndian.PutUint64(boot[56:], uint64(v.mirror))
	boot[64] = recordSize(v.opt.Record, v.opt.Cluster)
	binary.LittleEndian.PutUint64(boot[72:], 0x0123456789ABCDEF)
	boot[510], boot[511] = 0x55, 0xAA
	image := slices.Concat(v.data, boot)
	copy(image, boot)
	return image
}

func sectorsPerCluster(n int) byte {
	if n <= 0x80 {
		return byte(n)
	}
	return byte(-log2(n))
}

func recordSize(record, cluster int) byte {
	if record >= cluster {
		return byte(record / cluster)
	}
	return byte(-log2(record))
}

func log2(n int) (exp int) {
	for n > 1 {
		n >>= 1
		exp++
	}
	return exp
}

// Bytes gives access to clusters, to damage them. It is valid until more is
// added.
func (v *Volume) Bytes(cluster int64) []byte { return v.data[cluster*int64(v.opt.Cluster):] }

// RecordOffset returns where in the image record n lies.
func (v *Volume) RecordOffset(n uint32) int64 {
	off := int64(n) * int64(v.opt.Record)
	part := v.part * int64(v.opt.Cluster)
	return v.mft[off/part]*int64(v.opt.Cluster) + off%part
}

// MirrorOffset returns where in the image the copy of record n lies.
func (v *Volume) MirrorOffset(n uint32) int64 {
	return v.mirror*int64(v.opt.Cluster) + int64(n)*int64(v.opt.Record)
}

func utf16le(s string) []byte { return littleEndian(utf16.Encode([]rune(s))) }

func littleEndian(units []uint16) []byte {
	var b []byte
	for _, u := range units {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// sds lays descriptors out as the stream $SDS does: with number, checksum and
// place, in blocks that are each followed by a copy.
func sds(descriptors [][]byte) []byte {
	const block = 256 << 10
	out := make([]byte, 2*block)
	at := 0
	for i, sd := range descriptors {
		size := 20 + len(sd)
		if at%block+size > block {
			at = at/block*block + 2*block
			out = append(out, make([]byte, 2*block)...)
		}
		hash := uint32(0)
		for j := 0; j+4 <= len(sd); j += 4 {
			hash = binary.LittleEndian.Uint32(sd[j:]) + (hash<<3 | hash>>29)
		}
		e := binary.LittleEndian.AppendUint32(nil, hash)
		e = binary.LittleEndian.AppendUint32(e, uint32(FirstDescriptor+i))
		e = binary.LittleEndian.AppendUint64(e, uint64(at))
		e = binary.LittleEndian.AppendUint32(e, uint32(size))
		e = append(e, sd...)
		copy(out[at:], e)
		copy(out[at+block:], e)
		at += (size + 15) &^ 15
	}
	return out
}
