package bitlocker

import "fmt"

// Method is how sectors are encrypted, in the words of manage-bde.
type Method string

// The methods of spec 3.
const (
	MethodNone        Method = "None" // decrypted
	MethodAES128Diff  Method = "AES 128 with Diffuser"
	MethodAES256Diff  Method = "AES 256 with Diffuser"
	MethodAES128      Method = "AES 128"
	MethodAES256      Method = "AES 256"
	MethodXTS128      Method = "XTS-AES 128"
	MethodXTS256      Method = "XTS-AES 256"
	methodUnsupported        = "unknown (0x%04x)"
)

// methods holds what each method's code stands for. A key with the diffuser
// always takes 64 bytes: AES at 0, tweak at 32 (spec 4).
var methods = []struct {
	code   uint16
	method Method
	keyLen int
	make   func(key []byte, sector int) (sectorCipher, error)
}{
	{0x8000, MethodAES128Diff, 64, func(k []byte, s int) (sectorCipher, error) { return newElephant(k[:16], k[32:48], s) }},
	{0x8001, MethodAES256Diff, 64, func(k []byte, s int) (sectorCipher, error) { return newElephant(k[:32], k[32:], s) }},
	{0x8002, MethodAES128, 16, newCBC},
	{0x8003, MethodAES256, 32, newCBC},
	{0x8004, MethodXTS128, 32, newXTS},
	{0x8005, MethodXTS256, 64, newXTS},
}

// methodOf names a code.
func methodOf(code uint16) Method {
	if code == 0 {
		return MethodNone
	}
	for _, m := range methods {
		if m.code == code {
			return m.method
		}
	}
	return Method(fmt.Sprintf(methodUnsupported, code))
}

// newCipher makes the cipher of a method's code from a key, which it does not
// keep.
func newCipher(code uint16, key []byte, sector int) (sectorCipher, error) {
	for _, m := range methods {
		if m.code != code {
			continue
		}
		if len(key) != m.keyLen {
			return nil, fmt.Errorf("a key of %d bytes does not fit %s", len(key), m.method)
		}
		return m.make(key, sector)
	}
	return nil, fmt.Errorf("encryption method %#04x is not supported", code)
}
