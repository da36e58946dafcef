package regf

import (
	"bytes"
	"fmt"
	"slices"
)

// A self-relative security descriptor as Windows stores it with keys and files:
// a header of 20 bytes with the offsets of owner, group, SACL and DACL. SIDs
// here are binary, as in the descriptor.

const (
	sdHeader = 20
	aclSize  = 8
	aceSize  = 8 // of an entry before its SID or GUIDs

	aclRevision = 2 // of an access list without entries for objects

	// Control bits of a descriptor.
	sdDACLPresent = 0x0004
	sdSACLPresent = 0x0010
	sdRelative    = 0x8000
)

// descriptor is a security descriptor in parts; a part that is absent is nil.
type descriptor struct {
	control      uint16
	owner, group []byte
	sacl, dacl   []byte // with their headers
}

// parseDescriptor takes a descriptor apart. The parts share its memory.
func parseDescriptor(b []byte) (descriptor, error) {
	var d descriptor
	if len(b) < sdHeader || b[0] != 1 || le.Uint16(b[2:])&sdRelative == 0 {
		return d, fmt.Errorf("no self-relative security descriptor")
	}
	d.control = le.Uint16(b[2:])
	part := func(at int) ([]byte, error) {
		offset := le.Uint32(b[at:])
		if offset == 0 {
			return nil, nil
		}
		if offset < sdHeader || offset > uint32(len(b)) {
			return nil, fmt.Errorf("security descriptor of %d bytes has a part at %d", len(b), offset)
		}
		return b[offset:], nil
	}
	for i, sid := range []*[]byte{&d.owner, &d.group} {
		p, err := part(4 + 4*i)
		if err != nil {
			return d, err
		}
		if p != nil {
			n := sidLen(p)
			if n == 0 {
				return d, fmt.Errorf("owner or group of a security descriptor is no SID")
			}
			*sid = p[:n]
		}
	}
	for i, acl := range []*[]byte{&d.sacl, &d.dacl} {
		p, err := part(12 + 4*i)
		if err != nil {
			return d, err
		}
		if p != nil {
			if len(p) < aclSize || int(le.Uint16(p[2:])) < aclSize || int(le.Uint16(p[2:])) > len(p) {
				return d, fmt.Errorf("access list of a security descriptor is cut off")
			}
			*acl = p[:le.Uint16(p[2:])]
		}
	}
	return d, nil
}

// bytes puts the parts together in the order Windows writes them.
func (d descriptor) bytes() []byte {
	out := make([]byte, sdHeader)
	out[0] = 1
	le.PutUint16(out[2:], d.control|sdRelative)
	for _, p := range []struct {
		at   int
		data []byte
	}{{12, d.sacl}, {16, d.dacl}, {4, d.owner}, {8, d.group}} {
		if p.data != nil {
			le.PutUint32(out[p.at:], uint32(len(out)))
			out = append(out, p.data...)
			for len(out)%4 != 0 {
				out = append(out, 0)
			}
		}
	}
	return out
}

// sidLen is the length of the SID at the start of b, 0 if there is none.
func sidLen(b []byte) int {
	if len(b) < 8 || b[0] != 1 || b[1] > 15 || len(b) < 8+4*int(b[1]) {
		return 0
	}
	return 8 + 4*int(b[1])
}

// eachACE calls f with every entry of an access list.
func eachACE(acl []byte, f func(ace []byte)) error {
	rest := acl[aclSize:]
	for range le.Uint16(acl[4:]) {
		if len(rest) < aceSize || int(le.Uint16(rest[2:])) < aceSize || int(le.Uint16(rest[2:])) > len(rest) {
			return fmt.Errorf("access list of a security descriptor is cut off")
		}
		size := le.Uint16(rest[2:])
		f(rest[:size])
		rest = rest[size:]
	}
	return nil
}

// aceSID is where the SID of an entry begins, 0 if it has none that we know.
func aceSID(ace []byte) int {
	at := aceSize
	switch ace[0] {
	case 0, 1, 2, 3, 9, 10, 13, 14, 0x11, 0x12, 0x13: // allow, deny, audit, with conditions, labels
	case 5, 6, 7, 8, 11, 12, 15, 16: // the same for objects: flags and up to two GUIDs
		if len(ace) < 12 {
			return 0
		}
		at = 12
		for flags := le.Uint32(ace[8:]); flags&3 != 0; flags &= flags - 1 {
			at += 16
		}
	default:
		return 0
	}
	if at >= len(ace) || sidLen(ace[at:]) == 0 {
		return 0
	}
	return at
}

// buildACL makes an access list of entries, with the revision of an old one.
func buildACL(revision byte, aces [][]byte) ([]byte, error) {
	acl := make([]byte, aclSize)
	acl[0] = revision
	for _, a := range aces {
		acl = append(acl, a...)
	}
	if len(acl) > 1<<16-1 {
		return nil, fmt.Errorf("access list of %d bytes is too long", len(acl))
	}
	le.PutUint16(acl[2:], uint16(len(acl)))
	le.PutUint16(acl[4:], uint16(len(aces)))
	return acl, nil
}

// TranslateSIDs returns a security descriptor in which the accounts are others:
// owner, group, and whoever the entries of the access lists are about (6.5). to
// returns the SID that takes the place of one, or nil to leave it. A descriptor
// in which nothing changes is returned as it is.
func TranslateSIDs(sd []byte, to func(sid []byte) []byte) ([]byte, error) {
	d, err := parseDescriptor(sd)
	if err != nil {
		return nil, err
	}
	changed := false
	sid := func(old []byte) []byte {
		if old == nil {
			return nil
		}
		if s := to(old); s != nil && !bytes.Equal(s, old) {
			changed = true
			return s
		}
		return old
	}
	d.owner, d.group = sid(d.owner), sid(d.group)
	for _, acl := range []*[]byte{&d.sacl, &d.dacl} {
		if *acl == nil {
			continue
		}
		var aces [][]byte
		err := eachACE(*acl, func(ace []byte) {
			at := aceSID(ace)
			if at == 0 {
				aces = append(aces, ace)
				return
			}
			old := ace[at:][:sidLen(ace[at:])]
			ace = slices.Concat(ace[:at], sid(old), ace[at+len(old):])
			le.PutUint16(ace[2:], uint16(len(ace)))
			aces = append(aces, ace)
		})
		if err != nil {
			return nil, err
		}
		if *acl, err = buildACL((*acl)[0], aces); err != nil {
			return nil, err
		}
	}
	if !changed {
		return sd, nil
	}
	return d.bytes(), nil
}

// Grant returns a descriptor that allows an account something, by an entry
// before all others; what the entries said of the account before goes. Flags are
// those of an entry: 3 for files and folders below, 2 for keys below.
func Grant(sd, sid []byte, mask uint32, flags byte) ([]byte, error) {
	d, err := parseDescriptor(sd)
	if err != nil {
		return nil, err
	}
	aces := [][]byte{Allowed{sid, mask, flags}.ace()}
	revision := byte(aclRevision)
	if d.dacl != nil {
		revision = d.dacl[0]
		err := eachACE(d.dacl, func(ace []byte) {
			if at := aceSID(ace); at == 0 || !bytes.Equal(ace[at:][:sidLen(ace[at:])], sid) {
				aces = append(aces, ace)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	if d.dacl, err = buildACL(revision, aces); err != nil {
		return nil, err
	}
	d.control |= sdDACLPresent
	return d.bytes(), nil
}

// Allowed is an entry of an access list: what an account may do.
type Allowed struct {
	SID   []byte
	Mask  uint32 // ACCESS_MASK
	Flags byte   // of inheritance: 3 for files and folders below, 2 for keys below
}

func (a Allowed) ace() []byte {
	ace := make([]byte, aceSize, aceSize+len(a.SID))
	ace[1] = a.Flags
	le.PutUint16(ace[2:], uint16(aceSize+len(a.SID)))
	le.PutUint32(ace[4:], a.Mask)
	return append(ace, a.SID...)
}

// NewDescriptor makes a descriptor with an access list of a few entries. control
// holds further bits of SECURITY_DESCRIPTOR_CONTROL, such as those of inheritance.
func NewDescriptor(control uint16, owner, group []byte, allowed ...Allowed) []byte {
	var aces [][]byte
	for _, a := range allowed {
		aces = append(aces, a.ace())
	}
	dacl, _ := buildACL(aclRevision, aces) // a few entries always fit
	return descriptor{control: control | sdDACLPresent, owner: owner, group: group, dacl: dacl}.bytes()
}

// keyAll is KEY_ALL_ACCESS, keysBelow the flag of an entry that keys below inherit.
const (
	keyAll    = 0xF003F
	keysBelow = 2
)

// DefaultDescriptor is that of a key of which nothing else is known: it is
// Administrators', and they and SYSTEM may do everything, with keys below too.
func DefaultDescriptor() []byte {
	return NewDescriptor(0, Administrators(), System(),
		Allowed{System(), keyAll, keysBelow}, Allowed{Administrators(), keyAll, keysBelow})
}
