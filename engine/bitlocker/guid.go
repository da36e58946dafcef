package bitlocker

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// GUID identifies a volume or a protector, as it is stored: the first three
// fields are little endian.
type GUID [16]byte

// String is the form of the recovery screen, Active Directory and file names of
// startup keys: upper case, without braces.
func (g GUID) String() string {
	return fmt.Sprintf("%08X-%04X-%04X-%X-%X", binary.LittleEndian.Uint32(g[:]),
		binary.LittleEndian.Uint16(g[4:]), binary.LittleEndian.Uint16(g[6:]), g[8:10], g[10:])
}

// ParseGUID reads the form of String, any case, with braces or without.
func ParseGUID(s string) (GUID, error) {
	bare, braced := strings.CutPrefix(s, "{")
	if braced {
		if bare, braced = strings.CutSuffix(bare, "}"); !braced {
			return GUID{}, fmt.Errorf("%q is not a GUID", s)
		}
	}
	fields := strings.Split(bare, "-")
	if len(bare) != 36 || len(fields) != 5 || len(fields[0]) != 8 || len(fields[1]) != 4 ||
		len(fields[2]) != 4 || len(fields[3]) != 4 {
		return GUID{}, fmt.Errorf("%q is not a GUID", s)
	}
	var big, g GUID
	if _, err := hex.Decode(big[:], []byte(strings.Join(fields, ""))); err != nil {
		return GUID{}, fmt.Errorf("%q is not a GUID", s)
	}
	binary.LittleEndian.PutUint32(g[:], binary.BigEndian.Uint32(big[:]))
	binary.LittleEndian.PutUint16(g[4:], binary.BigEndian.Uint16(big[4:]))
	binary.LittleEndian.PutUint16(g[6:], binary.BigEndian.Uint16(big[6:]))
	copy(g[8:], big[8:])
	return g, nil
}

// MarshalText is String.
func (g GUID) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// UnmarshalText is ParseGUID.
func (g *GUID) UnmarshalText(text []byte) error {
	parsed, err := ParseGUID(string(text))
	if err == nil {
		*g = parsed
	}
	return err
}
