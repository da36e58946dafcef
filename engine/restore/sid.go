package restore

import (
	"encoding/binary"
	"strconv"
	"strings"
)

var le = binary.LittleEndian

// splitSID parts the SID of an account into that of its domain and its number.
func splitSID(sid string) (domain string, rid uint32, ok bool) {
	i := strings.LastIndexByte(sid, '-')
	if i < 0 {
		return "", 0, false
	}
	n, err := strconv.ParseUint(sid[i+1:], 10, 32)
	return sid[:max(i, 0)], uint32(n), err == nil
}
