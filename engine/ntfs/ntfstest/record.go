package ntfstest

import (
	"encoding/binary"
	"slices"
)

// File is what a record and its extensions hold.
type File struct {
	Names      []Name
	Folder     bool
	FileAttr   uint32
	Created    uint64 // 100 ns since 1601
	Modified   uint64
	Accessed   uint64
	Security   uint32 // number of the descriptor, 0 for none
	Attributes []Attribute
	// Extensions go into records of their own, one each, through an attribute list.
	Extensions [][]Attribute
	// ListInClusters keeps the attribute list outside the record.
	ListInClusters bool
}

// Name is one name of a file. Space is 0 for POSIX, 1 Win32, 2 DOS, 3 both.
type Name struct {
	Parent uint32
	Name   string
	Space  byte
}

// Odd is a name of any code units, as an attribute.
func Odd(parent uint32, units []uint16) Attribute {
	a := Name{parent, "", 0}.Attribute()
	a.Value[64] = byte(len(units))
	a.Value = append(a.Value, littleEndian(units)...)
	return a
}

// Attribute is one attribute, or one part of it.
type Attribute struct {
	Type  uint32
	Name  string
	Flags uint16
	Value []byte // if resident

	NonResident bool
	Lowest      uint64
	Clusters    int64 // of this part
	Runs        []byte
	UnitShift   byte
	Allocated   int64
	Size        int64
	Initialised int64
}

// Reference is the reference to a record that this package wrote.
func Reference(n uint32) uint64 { return uint64(n) | uint64(sequence(n))<<48 }

func sequence(n uint32) uint16 {
	switch {
	case n == 0:
		return 1
	case n < FirstFree:
		return uint16(n)
	}
	return 1
}

// Encode returns the attribute with the number id.
func (a Attribute) Encode(id uint16) []byte {
	name := utf16le(a.Name)
	head := 24
	if a.NonResident {
		head = 64
		if a.UnitShift > 0 {
			head = 72
		}
	}
	b := make([]byte, head, head+len(name)+len(a.Value)+len(a.Runs)+16)
	binary.LittleEndian.PutUint32(b, a.Type)
	b[9] = byte(len(name) / 2)
	binary.LittleEndian.PutUint16(b[10:], uint16(head))
	binary.LittleEndian.PutUint16(b[12:], a.Flags)
	binary.LittleEndian.PutUint16(b[14:], id)
	b = pad(append(b, name...))
	if a.NonResident {
		b[8] = 1
		binary.LittleEndian.PutUint64(b[16:], a.Lowest)
		binary.LittleEndian.PutUint64(b[24:], a.Lowest+uint64(a.Clusters)-1)
		binary.LittleEndian.PutUint16(b[32:], uint16(len(b)))
		b[34] = a.UnitShift
		binary.LittleEndian.PutUint64(b[40:], uint64(a.Allocated))
		binary.LittleEndian.PutUint64(b[48:], uint64(a.Size))
		binary.LittleEndian.PutUint64(b[56:], uint64(a.Initialised))
		b = append(b, a.Runs...)
	} else {
		binary.LittleEndian.PutUint32(b[16:], uint32(len(a.Value)))
		binary.LittleEndian.PutUint16(b[20:], uint16(len(b)))
		b = append(b, a.Value...)
	}
	b = pad(b)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)))
	return b
}

func pad(b []byte) []byte {
	return append(b, make([]byte, -len(b)&7)...)
}

// put writes a file into the record n.
func (v *Volume) put(n uint32, seq uint16, f File) {
	attrs := []Attribute{f.standardInformation()}
	for _, name := range f.Names {
		attrs = append(attrs, name.Attribute())
	}
	attrs = append(attrs, f.Attributes...)
	slices.SortStableFunc(attrs, func(a, b Attribute) int { return int(a.Type) - int(b.Type) })
	if len(f.Extensions) > 0 {
		list := v.extensions(n, seq, attrs, f.Extensions)
		a := Attribute{Type: 0x20, Value: list}
		if f.ListInClusters {
			a = v.Data("", list)
			a.Type = 0x20
		}
		// Its place in the order is after the standard information; it keeps a number
		// that no other attribute has.
		attrs = slices.Insert(attrs, 1, a)
	}
	flags := uint16(1)
	if f.Folder {
		flags |= 2
	}
	v.writeRecord(n, v.header(n, seq, flags, 0), encodeAll(attrs, len(f.Extensions) > 0))
}

// encodeAll numbers the attributes; the list, second if there is one, comes last
// in the numbers so that it does not move the others.
func encodeAll(attrs []Attribute, list bool) []byte {
	var b []byte
	id := uint16(0)
	for i, a := range attrs {
		if list && i == 1 {
			b = append(b, a.Encode(uint16(len(attrs)))...)
			continue
		}
		b = append(b, a.Encode(id)...)
		id++
	}
	return b
}

// extensions writes extension records and returns the attribute list.
func (v *Volume) extensions(base uint32, seq uint16, attrs []Attribute, groups [][]Attribute) []byte {
	type item struct {
		a   Attribute
		ref uint64
		id  uint16
	}
	var items []item
	for i, a := range attrs {
		items = append(items, item{a, uint64(base) | uint64(seq)<<48, uint16(i)})
	}
	for _, g := range groups {
		n := v.extensionRecord(base)
		v.writeRecord(n, v.header(n, sequence(n), 1, uint64(base)|uint64(seq)<<48), encodeAll(g, false))
		for i, a := range g {
			items = append(items, item{a, Reference(n), uint16(i)})
		}
	}
	slices.SortStableFunc(items, func(a, b item) int {
		if a.a.Type != b.a.Type {
			return int(a.a.Type) - int(b.a.Type)
		}
		return int(a.a.Lowest) - int(b.a.Lowest)
	})
	var list []byte
	for _, i := range items {
		name := utf16le(i.a.Name)
		e := make([]byte, 26, 26+len(name)+8)
		binary.LittleEndian.PutUint32(e, i.a.Type)
		e[6], e[7] = byte(len(name)/2), 26
		binary.LittleEndian.PutUint64(e[8:], i.a.Lowest)
		binary.LittleEndian.PutUint64(e[16:], i.ref)
		binary.LittleEndian.PutUint16(e[24:], i.id)
		e = pad(append(e, name...))
		binary.LittleEndian.PutUint16(e[4:], uint16(len(e)))
		list = append(list, e...)
	}
	return list
}

// extensionRecord returns a free record; those of the table itself must lie in
// its first part.
func (v *Volume) extensionRecord(base uint32) uint32 {
	if base == 0 {
		v.extNext++
		return v.extNext - 1
	}
	v.next++
	return v.next - 1
}

// header returns a record's header with room for the update sequence.
func (v *Volume) header(n uint32, seq, flags uint16, base uint64) []byte {
	count := v.opt.Record/512 + 1
	b := make([]byte, (48+2*count+7)&^7)
	copy(b, "FILE")
	binary.LittleEndian.PutUint16(b[4:], 48)
	binary.LittleEndian.PutUint16(b[6:], uint16(count))
	binary.LittleEndian.PutUint16(b[16:], seq)
	binary.LittleEndian.PutUint16(b[18:], 1)
	binary.LittleEndian.PutUint16(b[20:], uint16(len(b)))
	binary.LittleEndian.PutUint16(b[22:], flags)
	binary.LittleEndian.PutUint32(b[28:], uint32(v.opt.Record))
	binary.LittleEndian.PutUint64(b[32:], base)
	binary.LittleEndian.PutUint32(b[44:], n)
	return b
}

// writeRecord finishes a record and writes it, into the mirror too.
func (v *Volume) writeRecord(n uint32, header, attrs []byte) {
	b := slices.Concat(header, attrs, []byte{0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0})
	if len(b) > v.opt.Record {
		panic("the attributes do not fit into the record")
	}
	binary.LittleEndian.PutUint32(b[24:], uint32(len(b)))
	b = append(b, make([]byte, v.opt.Record-len(b))...)
	Protect(b)
	copy(v.data[v.RecordOffset(n):], b)
	if n < 4 {
		copy(v.data[v.MirrorOffset(n):], b)
	}
}

// Protect applies the update sequence to a record.
func Protect(b []byte) {
	const number = 0x4C42
	usa := binary.LittleEndian.Uint16(b[4:])
	binary.LittleEndian.PutUint16(b[usa:], number)
	for i := 1; i <= len(b)/512; i++ {
		end := b[512*i-2:]
		copy(b[int(usa)+2*i:], end[:2])
		binary.LittleEndian.PutUint16(end, number)
	}
}

func (f File) standardInformation() Attribute {
	b := make([]byte, 72)
	for i, t := range []uint64{f.Created, f.Modified, f.Modified, f.Accessed} {
		binary.LittleEndian.PutUint64(b[8*i:], t)
	}
	binary.LittleEndian.PutUint32(b[32:], f.FileAttr)
	binary.LittleEndian.PutUint32(b[52:], f.Security)
	return Attribute{Type: 0x10, Value: b}
}

// Attribute is the name as it lies in a record.
func (n Name) Attribute() Attribute {
	name := utf16le(n.Name)
	b := make([]byte, 66, 66+len(name))
	binary.LittleEndian.PutUint64(b, Reference(n.Parent))
	b[64], b[65] = byte(len(name)/2), n.Space
	return Attribute{Type: 0x30, Value: append(b, name...)}
}
