package regf

import (
	"encoding/binary"
	"fmt"
	"time"

	"lifeboat/engine/winname"
)

// Type is the type of a value. Windows stores others than the named ones too
// (3.5); type and bytes are always kept as they are.
type Type uint32

// The types that have a name.
const (
	None                 Type = 0
	Sz                   Type = 1
	ExpandSz             Type = 2
	Binary               Type = 3
	Dword                Type = 4
	DwordBigEndian       Type = 5
	Link                 Type = 6
	MultiSz              Type = 7
	ResourceList         Type = 8
	FullResource         Type = 9
	ResourceRequirements Type = 10
	Qword                Type = 11
)

var typeNames = [...]string{"REG_NONE", "REG_SZ", "REG_EXPAND_SZ", "REG_BINARY", "REG_DWORD",
	"REG_DWORD_BIG_ENDIAN", "REG_LINK", "REG_MULTI_SZ", "REG_RESOURCE_LIST",
	"REG_FULL_RESOURCE_DESCRIPTOR", "REG_RESOURCE_REQUIREMENTS_LIST", "REG_QWORD"}

// String returns the name Windows gives the type, or its number in hexadecimal.
func (t Type) String() string {
	if int64(t) < int64(len(typeNames)) {
		return typeNames[t]
	}
	return fmt.Sprintf("0x%08x", uint32(t))
}

// FlagTombstone marks a value that a differencing hive deletes.
const FlagTombstone = 0x02

const (
	flagNarrowName = 0x01       // of a value: its name has one byte a character
	inlineData     = 0x80000000 // of a size: the data is in the offset field
	segmentSize    = 16344      // of big data; what is larger is in segments
	vkSize         = 20         // of a value cell before its name
)

// Value is a value of a key. Its Name is empty for the default value. Data are
// the raw bytes; they may share the hive's memory and must not be changed.
type Value struct {
	Name  string
	Type  Type
	Flags uint16 // without the one that tells how the name is encoded
	Data  []byte
}

// String returns the text of a REG_SZ, REG_EXPAND_SZ or REG_LINK, or the first
// of a REG_MULTI_SZ, up to the first NUL. For other types it is empty.
func (v Value) String() string {
	switch v.Type {
	case Sz, ExpandSz, MultiSz, Link:
	default:
		return ""
	}
	units := v.units()
	for i, u := range units {
		if u == 0 {
			units = units[:i]
			break
		}
	}
	return winname.FromUTF16(units)
}

// Strings returns the texts of a REG_MULTI_SZ, and the one of the other string
// types. Empty texts at the end are terminators and left out, others are kept.
func (v Value) Strings() []string {
	if v.Type != MultiSz {
		if s := v.String(); s != "" {
			return []string{s}
		}
		return nil
	}
	var list []string
	var filled int
	for units := v.units(); len(units) > 0; {
		n := 0
		for n < len(units) && units[n] != 0 {
			n++
		}
		list = append(list, winname.FromUTF16(units[:n]))
		if n > 0 {
			filled = len(list)
		}
		units = units[min(n+1, len(units)):]
	}
	return list[:filled]
}

func (v Value) units() []uint16 {
	units := make([]uint16, len(v.Data)/2)
	for i := range units {
		units[i] = le.Uint16(v.Data[2*i:])
	}
	return units
}

// Uint64 returns the number in a REG_DWORD, REG_DWORD_BIG_ENDIAN or REG_QWORD
// of the right size.
func (v Value) Uint64() (uint64, bool) {
	switch {
	case v.Type == Dword && len(v.Data) == 4:
		return uint64(le.Uint32(v.Data)), true
	case v.Type == DwordBigEndian && len(v.Data) == 4:
		return uint64(binary.BigEndian.Uint32(v.Data)), true
	case v.Type == Qword && len(v.Data) == 8:
		return le.Uint64(v.Data), true
	}
	return 0, false
}

// Time returns the FILETIME that a value of eight bytes holds, whatever its type.
func (v Value) Time() (time.Time, bool) {
	if len(v.Data) != 8 {
		return time.Time{}, false
	}
	return FileTime(le.Uint64(v.Data)), true
}

// Values returns the values of the key in the order of the hive.
func (k *Key) Values() []Value {
	if k == nil {
		return nil
	}
	var values []Value
	k.h.eachValue(k.index, nil, func(index uint32, vk []byte) bool {
		if v, ok := k.h.value(index, vk); ok {
			values = append(values, v)
		}
		return true
	})
	return values
}

// Value returns the value of that name, in any case.
func (k *Key) Value(name string) (v Value, ok bool) {
	if k == nil {
		return Value{}, false
	}
	want := newRawName(name)
	k.h.eachValue(k.index, nil, func(index uint32, vk []byte) bool {
		if vkName(vk).compare(want) == 0 {
			v, ok = k.h.value(index, vk)
		}
		return !ok
	})
	return v, ok
}

// Str returns the text of a value, empty if it is absent or no text.
func (k *Key) Str(name string) string {
	v, _ := k.Value(name)
	return v.String()
}

// Uint returns the number in a value.
func (k *Key) Uint(name string) (uint64, bool) {
	v, _ := k.Value(name)
	return v.Uint64()
}

// eachValue calls f for the value cells of a key until it returns false.
func (h *Hive) eachValue(index uint32, s *survey, f func(index uint32, vk []byte) bool) {
	nk := h.nk(index)
	count := le.Uint32(nk[36:])
	if count == 0 || le.Uint16(nk[2:])&FlagPredefined != 0 {
		return
	}
	list, b := h.follow(content(index)+40, "value list", s)
	if b == nil {
		return
	}
	if room := uint32(len(b)) / 4; count > room {
		s.notef("%d values are in a list with room for %d", count, room)
		count = room
	}
	for i := range count {
		vk, b := h.follow(content(list)+4*i, "value", s)
		if b == nil {
			continue
		}
		if !isValue(b) {
			s.notef("value 0x%x is none", vk)
			continue
		}
		if !f(vk, b) {
			return
		}
	}
}

func isValue(b []byte) bool {
	return len(b) >= vkSize && string(b[:2]) == "vk" && vkSize+int(le.Uint16(b[2:])) <= len(b)
}

func vkName(vk []byte) rawName {
	return rawName{vk[vkSize:][:le.Uint16(vk[2:])], le.Uint16(vk[16:])&flagNarrowName == 0}
}

// value reads a value cell. It is false if the data cannot be had in full.
func (h *Hive) value(index uint32, vk []byte) (Value, bool) {
	data, ok := h.data(index, vk, nil)
	return Value{
		Name:  vkName(vk).String(),
		Type:  Type(le.Uint32(vk[12:])),
		Flags: le.Uint16(vk[16:]) &^ flagNarrowName,
		Data:  data,
	}, ok
}

// data returns the bytes of a value (3.6). In a survey, big data is examined
// but not put together.
func (h *Hive) data(index uint32, vk []byte, s *survey) (data []byte, ok bool) {
	size := le.Uint32(vk[4:])
	if size&inlineData != 0 {
		if size &^= inlineData; size > 4 {
			s.notef("value %q has %d bytes in a field of four", vkName(vk).brief(), size)
			size = 4
		}
		return vk[8 : 8+size : 8+size], true
	}
	if size == 0 {
		return nil, true
	}
	cell, b := h.follow(content(index)+8, "value data", s)
	if b == nil {
		return nil, false
	}
	if size > segmentSize && h.minor > 3 && len(b) >= 8 && string(b[:2]) == "db" {
		return h.bigData(cell, b, size, vk, s)
	}
	if size > uint32(len(b)) {
		s.notef("value %q has %d bytes in a cell of %d", vkName(vk).brief(), size, len(b))
		return nil, false
	}
	return b[:size:size], true
}

func (h *Hive) bigData(cell uint32, db []byte, size uint32, vk []byte, s *survey) (data []byte, ok bool) {
	list, b := h.follow(content(cell)+4, "segment list", s)
	if b == nil {
		return nil, false
	}
	count := min(uint32(le.Uint16(db[2:])), uint32(len(b))/4)
	if uint64(size) > uint64(count)*segmentSize {
		s.notef("value %q has %d bytes in %d segments", vkName(vk).brief(), size, count)
		return nil, false
	}
	var segments [][]byte
	for i, rest := uint32(0), size; rest > 0; i++ {
		_, b := h.follow(content(list)+4*i, "segment", s)
		n := min(rest, segmentSize)
		if uint32(len(b)) < n {
			if b != nil {
				s.notef("value %q has a segment of %d bytes in a cell of %d", vkName(vk).brief(), n, len(b))
			}
			return nil, false
		}
		segments = append(segments, b[:n])
		rest -= n
	}
	if s != nil {
		return nil, true
	}
	data = make([]byte, 0, size)
	for _, b := range segments {
		data = append(data, b...)
	}
	return data, true
}
