package disk

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// GUID identifies a partition, a type of partitions, or a disk, as it is stored:
// the first three fields are little-endian.
type GUID [16]byte

// String is the usual form, lower case, without braces.
func (g GUID) String() string {
	le := binary.LittleEndian
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", le.Uint32(g[:]), le.Uint16(g[4:]), le.Uint16(g[6:]), g[8:10], g[10:])
}

// ParseGUID reads the form of String, any case, with braces or without.
func ParseGUID(s string) (g GUID, err error) {
	plain := strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}")
	b, err := hex.DecodeString(strings.ReplaceAll(plain, "-", ""))
	if err != nil || len(b) != 16 || len(plain) != 36 {
		return GUID{}, fmt.Errorf("%q is no GUID", s)
	}
	for i, from := range []int{3, 2, 1, 0, 5, 4, 7, 6} {
		g[i] = b[from]
	}
	copy(g[8:], b[8:])
	return g, nil
}

// MarshalText is String.
func (g GUID) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// UnmarshalText is ParseGUID.
func (g *GUID) UnmarshalText(text []byte) (err error) {
	*g, err = ParseGUID(string(text))
	return err
}
