package sample

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// sidBytes is the binary form of S-1-…; the sample's SIDs are all well formed.
func sidBytes(sid string) []byte {
	parts := strings.Split(sid, "-")
	data := []byte{1, byte(len(parts) - 3), 0, 0, 0, 0, 0, 0}
	authority, _ := strconv.ParseUint(parts[2], 10, 32)
	binary.BigEndian.PutUint32(data[4:], uint32(authority))
	for _, part := range parts[3:] {
		n, _ := strconv.ParseUint(part, 10, 32)
		data = binary.LittleEndian.AppendUint32(data, uint32(n))
	}
	return data
}

// descriptor is a self-relative security descriptor: owned by the SID, full
// access first for the SID, then for the system.
func descriptor(owner string) []byte {
	sid, system := sidBytes(owner), sidBytes("S-1-5-18")
	var aces []byte
	for _, who := range [][]byte{sid, system} {
		aces = append(aces, 0, 2) // ACCESS_ALLOWED, inherited by subkeys
		aces = binary.LittleEndian.AppendUint16(aces, uint16(8+len(who)))
		aces = binary.LittleEndian.AppendUint32(aces, 0xF003F) // KEY_ALL_ACCESS
		aces = append(aces, who...)
	}
	acl := []byte{2, 0}
	acl = binary.LittleEndian.AppendUint16(acl, uint16(8+len(aces)))
	acl = append(acl, 2, 0, 0, 0)
	acl = append(acl, aces...)

	const header = 20
	sd := []byte{1, 0, 0x04, 0x80} // revision 1; DACL present, self-relative
	ownerAt := uint32(header + len(acl))
	sd = binary.LittleEndian.AppendUint32(sd, ownerAt)
	sd = binary.LittleEndian.AppendUint32(sd, ownerAt+uint32(len(sid)))
	sd = binary.LittleEndian.AppendUint32(sd, 0) // no SACL
	sd = binary.LittleEndian.AppendUint32(sd, header)
	sd = append(sd, acl...)
	sd = append(sd, sid...)
	return append(sd, system...)
}
