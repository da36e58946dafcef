package regf

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// ParseSID makes the binary form of a SID, as descriptors and the SAM hold it, of
// S-1-….
func ParseSID(text string) ([]byte, error) {
	parts := strings.Split(text, "-")
	if len(parts) < 4 || len(parts) > 18 || !strings.EqualFold(parts[0], "S") || parts[1] != "1" {
		return nil, fmt.Errorf("%q is no SID", text)
	}
	authority, err := strconv.ParseUint(parts[2], 10, 48)
	if err != nil {
		return nil, fmt.Errorf("%q is no SID", text)
	}
	sid := make([]byte, 8, 8+4*(len(parts)-3))
	binary.BigEndian.PutUint64(sid, authority)
	sid[0], sid[1] = 1, byte(len(parts)-3)
	for _, part := range parts[3:] {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("%q is no SID", text)
		}
		sid = le.AppendUint32(sid, uint32(n))
	}
	return sid, nil
}

// System is S-1-5-18.
func System() []byte { return []byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0} }

// Administrators is S-1-5-32-544.
func Administrators() []byte { return []byte{1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0} }
