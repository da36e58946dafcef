package windows

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

var le = binary.LittleEndian

// sidString reads the binary SID at the start of b, "" if there is none.
func sidString(b []byte) string {
	if len(b) < 8 || b[0] != 1 || b[1] > 15 || len(b) < 8+4*int(b[1]) {
		return ""
	}
	authority := uint64(binary.BigEndian.Uint16(b[2:]))<<32 | uint64(binary.BigEndian.Uint32(b[4:]))
	var s strings.Builder
	fmt.Fprintf(&s, "S-1-%d", authority)
	for i := range int(b[1]) {
		fmt.Fprintf(&s, "-%d", le.Uint32(b[8+4*i:]))
	}
	return s.String()
}

// isSID reports whether s is spelled as a SID.
func isSID(s string) bool {
	rest, ok := strings.CutPrefix(s, "S-1-")
	if !ok {
		return false
	}
	for part := range strings.SplitSeq(rest, "-") {
		if _, err := strconv.ParseUint(part, 10, 48); err != nil {
			return false
		}
	}
	return true
}

// isPerson reports whether a SID can be that of a user, local, of a domain or of
// Entra, and not of a service (9.9).
func isPerson(sid string) bool {
	return isSID(sid) && (strings.HasPrefix(sid, "S-1-5-21-") && strings.Count(sid, "-") == 7 || isEntra(sid))
}

func isEntra(sid string) bool { return strings.HasPrefix(sid, "S-1-12-1-") }

// splitRID parts the SID of an account into that of its domain and its number there.
func splitRID(sid string) (domain string, rid uint32) {
	i := strings.LastIndexByte(sid, '-')
	if i < 0 {
		return "", 0
	}
	n, err := strconv.ParseUint(sid[i+1:], 10, 32)
	if err != nil {
		return "", 0
	}
	return sid[:i], uint32(n)
}

// ownerOfHive finds whose NTUSER.DAT it is from the descriptor of its root key:
// the first entry of the access list is the user's (9.9). Should an
// administrator have put another before it, the first person in the list is
// taken.
func ownerOfHive(descriptor []byte) string {
	if len(descriptor) < 20 {
		return ""
	}
	at := int64(le.Uint32(descriptor[16:]))
	if at < 20 || at+8 > int64(len(descriptor)) {
		return ""
	}
	acl := descriptor[at:]
	if size := int(le.Uint16(acl[2:])); size < len(acl) {
		acl = acl[:max(size, 8)]
	}
	count := int(le.Uint16(acl[4:]))
	for acl = acl[8:]; count > 0 && len(acl) >= 8; count-- {
		size := int(le.Uint16(acl[2:]))
		if size < 8 || size > len(acl) {
			return ""
		}
		const allowed = 0
		if acl[0] == allowed {
			if sid := sidString(acl[8:size]); isPerson(sid) {
				return sid
			}
		}
		acl = acl[size:]
	}
	return ""
}
