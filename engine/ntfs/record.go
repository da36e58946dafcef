package ntfs

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Types of attributes.
const (
	typeStandardInformation = 0x10
	typeAttributeList       = 0x20
	typeFileName            = 0x30
	typeSecurityDescriptor  = 0x50
	typeVolumeName          = 0x60
	typeVolumeInformation   = 0x70
	typeData                = 0x80
	typeReparsePoint        = 0xC0
	typeLoggedUtilityStream = 0x100
	typeEnd                 = 0xFFFFFFFF
)

// Flags of an attribute.
const (
	flagCompressedMask = 0x00FF
	flagEncrypted      = 0x4000
	flagSparse         = 0x8000
)

// The sectors that update sequences guard are of 512 bytes on every disk.
const fixupStride = 512

// record is one file record, its update sequence applied.
type record struct {
	data []byte // up to the end of what is in use and not torn
	torn bool   // a later sector does not belong to the same write as the first
}

var errNotRecord = errors.New("not a file record")

// parseRecord checks a record in place. The data of a torn one ends before the
// first sector that was not written with it.
func parseRecord(raw []byte) (record, error) {
	if string(raw[:4]) != "FILE" {
		return record{}, errNotRecord
	}
	usa, count := int(binary.LittleEndian.Uint16(raw[4:])), int(binary.LittleEndian.Uint16(raw[6:]))
	if count != len(raw)/fixupStride+1 || usa < 40 || usa+2*count > fixupStride-2 {
		return record{}, fmt.Errorf("update sequence of %d at %d", count, usa)
	}
	used := len(raw)
	rec := record{}
	for i := 1; i < count; i++ {
		end := i*fixupStride - 2
		if raw[end] != raw[usa] || raw[end+1] != raw[usa+1] {
			if i == 1 {
				return record{}, errors.New("torn in its first sector")
			}
			used, rec.torn = end+2-fixupStride, true
			break
		}
		copy(raw[end:end+2], raw[usa+2*i:])
	}
	inUse := binary.LittleEndian.Uint32(raw[24:])
	if inUse < 48 {
		return record{}, fmt.Errorf("length of %d bytes", inUse)
	}
	rec.data = raw[:min(used, int(min(inUse, uint32(len(raw)))))]
	return rec, nil
}

func (r record) sequence() uint16  { return binary.LittleEndian.Uint16(r.data[16:]) }
func (r record) inUse() bool       { return r.data[22]&1 != 0 }
func (r record) isFolder() bool    { return r.data[22]&2 != 0 }
func (r record) base() reference   { return reference(binary.LittleEndian.Uint64(r.data[32:])) }
func (r record) isExtension() bool { return r.base() != 0 }

// reference names a file record and how often it had been used.
type reference uint64

// number is false for a record that no volume can have.
func (r reference) number() (uint32, bool) {
	n := uint64(r) & (1<<48 - 1)
	return uint32(n), n < uint64(NoRecord)
}

func (r reference) sequence() uint16 { return uint16(r >> 48) }

// attribute is a view of one attribute in a record.
type attribute struct {
	kind     uint32
	flags    uint16
	id       uint16
	name     []byte // UTF-16
	resident bool
	value    []byte // if resident

	// If not resident.
	lowest      uint64 // first virtual cluster that the runs here describe
	runs        []byte // mapping pairs
	unitShift   uint8  // a compression unit has 1<<unitShift clusters
	allocated   int64  // bytes; these three only where lowest is 0
	size        int64
	initialised int64
}

// attributes goes through the attributes of a record.
type attributes struct {
	data []byte
	off  int
	err  error // why it ended, nil at the regular end
}

func (r record) attributes() attributes {
	off := int(binary.LittleEndian.Uint16(r.data[20:]))
	a := attributes{data: r.data, off: off}
	if off < 42 || off%8 != 0 {
		a.err, a.off = fmt.Errorf("attributes begin at %d", off), len(a.data)
	}
	return a
}

// next returns the next attribute, false at the end or where they are damaged.
func (a *attributes) next() (attribute, bool) {
	rest := a.data[min(a.off, len(a.data)):]
	if a.err != nil || len(rest) < 4 {
		if a.err == nil {
			a.err = errors.New("attributes have no end")
		}
		return attribute{}, false
	}
	kind := binary.LittleEndian.Uint32(rest)
	if kind == typeEnd {
		return attribute{}, false
	}
	attr, length, ok := parseAttribute(kind, rest)
	if !ok {
		a.err = fmt.Errorf("attribute of type %#x at %d is damaged", kind, a.off)
		return attribute{}, false
	}
	a.off += length
	return attr, true
}

func parseAttribute(kind uint32, b []byte) (attr attribute, length int, ok bool) {
	if len(b) < 24 {
		return attribute{}, 0, false
	}
	n := binary.LittleEndian.Uint32(b[4:])
	if n < 24 || n%8 != 0 || uint64(n) > uint64(len(b)) {
		return attribute{}, 0, false
	}
	b = b[:n]
	attr = attribute{
		kind:     kind,
		resident: b[8] == 0,
		flags:    binary.LittleEndian.Uint16(b[12:]),
		id:       binary.LittleEndian.Uint16(b[14:]),
	}
	if attr.name, ok = within(b, int(binary.LittleEndian.Uint16(b[10:])), 2*int(b[9])); !ok {
		return attribute{}, 0, false
	}
	if attr.resident {
		valueLength := binary.LittleEndian.Uint32(b[16:])
		if valueLength > n {
			return attribute{}, 0, false
		}
		attr.value, ok = within(b, int(binary.LittleEndian.Uint16(b[20:])), int(valueLength))
		return attr, int(n), ok
	}
	if n < 64 {
		return attribute{}, 0, false
	}
	attr.lowest = binary.LittleEndian.Uint64(b[16:])
	attr.unitShift = b[34]
	attr.allocated = int64(binary.LittleEndian.Uint64(b[40:]))
	attr.size = int64(binary.LittleEndian.Uint64(b[48:]))
	attr.initialised = int64(binary.LittleEndian.Uint64(b[56:]))
	runs := int(binary.LittleEndian.Uint16(b[32:]))
	if runs < 64 || runs > len(b) || attr.lowest == 0 && (attr.size < 0 || attr.initialised < 0 || attr.allocated < 0) {
		return attribute{}, 0, false
	}
	attr.runs = b[runs:]
	return attr, int(n), true
}

// within returns length bytes of b at off; an empty part may lie anywhere.
func within(b []byte, off, length int) ([]byte, bool) {
	if length == 0 {
		return nil, true
	}
	if off < 0 || off > len(b) || length > len(b)-off {
		return nil, false
	}
	return b[off : off+length], true
}

// isUnnamedStart reports whether the attribute is the beginning of the unnamed
// stream, which is where its size is told.
func (a *attribute) isUnnamedStart() bool {
	return a.kind == typeData && len(a.name) == 0 && (a.resident || a.lowest == 0)
}

// length returns the size of the stream that begins here.
func (a *attribute) length() int64 {
	if a.resident {
		return int64(len(a.value))
	}
	return a.size
}

// nameIs compares the attribute's name with one of ASCII letters.
func (a *attribute) nameIs(ascii string) bool {
	if len(a.name) != 2*len(ascii) {
		return false
	}
	for i := range len(ascii) {
		if a.name[2*i] != ascii[i] || a.name[2*i+1] != 0 {
			return false
		}
	}
	return true
}
