package restore

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

var le = binary.LittleEndian

// parseSID makes the binary form of S-1-….
func parseSID(text string) ([]byte, error) {
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

// splitSID parts the SID of an account into that of its domain and its number.
func splitSID(sid string) (domain string, rid uint32, ok bool) {
	i := strings.LastIndexByte(sid, '-')
	if i < 0 {
		return "", 0, false
	}
	n, err := strconv.ParseUint(sid[i+1:], 10, 32)
	return sid[:max(i, 0)], uint32(n), err == nil
}
