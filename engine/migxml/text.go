package migxml

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"lifeboat/engine/winname"
)

// decodeUTF16 reads UTF-16LE; an odd last byte is dropped.
func decodeUTF16(data []byte) string {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(data[2*i:])
	}
	return winname.FromUTF16(units)
}

// encodeSz returns a string as the registry stores it, with its terminator.
func encodeSz(s string) []byte {
	var data []byte
	for _, u := range append(winname.ToUTF16(s), 0) {
		data = binary.LittleEndian.AppendUint16(data, u)
	}
	return data
}

// Strings returns the strings of a REG_SZ, REG_EXPAND_SZ or REG_MULTI_SZ value;
// nil for other types.
func (v Value) Strings() []string {
	switch v.Type {
	case RegSz, RegExpandSz:
		s, _, _ := strings.Cut(decodeUTF16(v.Data), "\x00")
		return []string{s}
	case RegMultiSz:
		var list []string
		for s := range strings.SplitSeq(decodeUTF16(v.Data), "\x00") {
			if s == "" {
				break
			}
			list = append(list, s)
		}
		return list
	}
	return nil
}

// Number returns the value of a REG_DWORD, REG_DWORD_BIG_ENDIAN or REG_QWORD.
func (v Value) Number() (uint64, bool) {
	switch {
	case v.Type == RegDword && len(v.Data) >= 4:
		return uint64(binary.LittleEndian.Uint32(v.Data)), true
	case v.Type == RegDwordBE && len(v.Data) >= 4:
		return uint64(binary.BigEndian.Uint32(v.Data)), true
	case v.Type == RegQword && len(v.Data) >= 8:
		return binary.LittleEndian.Uint64(v.Data), true
	}
	return 0, false
}

// Text is the string form that conditions and filters compare (spec 7.1).
func (v Value) Text() string {
	if list := v.Strings(); list != nil {
		return strings.Join(list, ";")
	}
	if n, ok := v.Number(); ok {
		if v.Type == RegQword {
			return fmt.Sprintf("0x%016x", n)
		}
		return fmt.Sprintf("0x%08x", n)
	}
	return hex.EncodeToString(v.Data)
}
