package bitlocker

import (
	"encoding/binary"
	"fmt"
	"unicode/utf16"
)

// Roles of a datum (spec 3).
const (
	roleProperty    = 0x00
	roleProtector   = 0x02
	roleFVEK        = 0x03
	roleStartupKey  = 0x06
	roleDescription = 0x07
	roleHeader      = 0x0F
	roleRecoveryKey = 0x12
	roleStretched   = 0x13
)

// Types of a datum (spec 3).
const (
	typeKey      = 0x01
	typeString   = 0x02
	typeStretch  = 0x03
	typeUseKey   = 0x04
	typeSealed   = 0x05 // AES-CCM
	typeTPM      = 0x06
	typeVMK      = 0x08
	typeExternal = 0x09
	typeHeader   = 0x0F
	typeBackup   = 0x15
)

const datumHeader = 8

// datum is one entry of the metadata: a header of eight bytes and a payload
// that may hold further datums.
type datum struct {
	role, kind uint16
	body       []byte // a part of the metadata, not a copy
}

// parseDatums splits b, up to an entry of no size, which ends it. With an error it
// returns what comes before. There is no nesting here, so no depth to bound: who
// knows a type that holds datums calls again for its payload.
func parseDatums(b []byte) ([]datum, error) {
	var out []datum
	for at := 0; len(b)-at >= datumHeader; {
		size := int(binary.LittleEndian.Uint16(b[at:]))
		if size == 0 {
			break
		}
		if size < datumHeader || size > len(b)-at {
			return out, fmt.Errorf("entry at %#x claims %d of %d bytes", at, size, len(b)-at)
		}
		out = append(out, datum{
			role: binary.LittleEndian.Uint16(b[at+2:]),
			kind: binary.LittleEndian.Uint16(b[at+4:]),
			body: b[at+datumHeader : at+size],
		})
		at += size
	}
	return out, nil
}

// appendDatum is the inverse of parseDatums for one datum.
func appendDatum(b []byte, role, kind uint16, body ...[]byte) []byte {
	at := len(b)
	b = append(b, 0, 0, 0, 0, 0, 0, 1, 0)
	for _, part := range body {
		b = append(b, part...)
	}
	binary.LittleEndian.PutUint16(b[at:], uint16(len(b)-at))
	binary.LittleEndian.PutUint16(b[at+2:], role)
	binary.LittleEndian.PutUint16(b[at+4:], kind)
	return b
}

// keyOf reads the payload of a KEY datum.
func keyOf(body []byte) (algorithm uint16, key []byte, ok bool) {
	if len(body) < 4 {
		return 0, nil, false
	}
	return binary.LittleEndian.Uint16(body), body[4:], true
}

// text reads a UTF-16 string up to its terminator.
func text(b []byte) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		u := binary.LittleEndian.Uint16(b)
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}

// appendText appends s in UTF-16, without a terminator.
func appendText(b []byte, s string) []byte {
	for _, r := range s {
		if hi, lo := utf16.EncodeRune(r); hi != '\uFFFD' {
			b = binary.LittleEndian.AppendUint16(b, uint16(hi))
			b = binary.LittleEndian.AppendUint16(b, uint16(lo))
		} else {
			b = binary.LittleEndian.AppendUint16(b, uint16(r))
		}
	}
	return b
}
