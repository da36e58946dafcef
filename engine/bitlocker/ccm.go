package bitlocker

import (
	"crypto/aes"
	"crypto/subtle"
	"encoding/binary"
)

// BitLocker wraps keys with AES-CCM: nonces of 12 bytes, a length field of 3,
// tags of 16, no associated data (spec 4).
const (
	nonceSize = 12
	tagSize   = 16
)

// sealed is an AES-CCM datum.
type sealed struct {
	nonce, tag, text []byte
}

// parseSealed returns nil if b is too short to hold one.
func parseSealed(b []byte) *sealed {
	if len(b) < nonceSize+tagSize {
		return nil
	}
	return &sealed{b[:nonceSize], b[nonceSize : nonceSize+tagSize], b[nonceSize+tagSize:]}
}

// open decrypts s into a new slice, for the caller to wipe. It reports false if
// key, of 16 or 32 bytes, is not the right one.
func (s *sealed) open(key []byte) ([]byte, bool) {
	out := make([]byte, len(s.text))
	tag, ok := ccm(key, s.nonce, out, s.text, true)
	if !ok || subtle.ConstantTimeCompare(tag[:], s.tag) != 1 {
		wipe(out)
		return nil, false
	}
	return out, true
}

// appendSealed appends the body of an AES-CCM datum that holds text.
func appendSealed(b, key, nonce, text []byte) []byte {
	out := make([]byte, len(text))
	tag, ok := ccm(key, nonce, out, text, false)
	if !ok {
		panic("internal error: AES-CCM key of a wrong size")
	}
	b = append(b, nonce...)
	b = append(b, tag[:]...)
	return append(b, out...)
}

// ccm en- or decrypts src into dst and returns the tag of the plain side.
func ccm(key, nonce, dst, src []byte, decrypt bool) (tag [tagSize]byte, ok bool) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return tag, false
	}
	defer wipeBlock(block)

	plainText := src
	if decrypt {
		plainText = dst
	}
	var counter, mac, pad [aes.BlockSize]byte
	counter[0] = 2
	copy(counter[1:], nonce)
	for i := 0; i < len(src); i += aes.BlockSize {
		binary.BigEndian.PutUint32(counter[12:], uint32(nonce[11])<<24|uint32(i/aes.BlockSize+1))
		block.Encrypt(pad[:], counter[:])
		subtle.XORBytes(dst[i:], src[i:], pad[:min(aes.BlockSize, len(src)-i)])
	}

	mac[0] = 8*((tagSize-2)/2) + 2
	copy(mac[1:], nonce)
	binary.BigEndian.PutUint32(mac[12:], uint32(nonce[11])<<24|uint32(len(plainText)))
	block.Encrypt(mac[:], mac[:])
	for i := 0; i < len(plainText); i += aes.BlockSize {
		n := min(aes.BlockSize, len(plainText)-i)
		subtle.XORBytes(mac[:n], mac[:n], plainText[i:i+n])
		block.Encrypt(mac[:], mac[:])
	}

	binary.BigEndian.PutUint32(counter[12:], uint32(nonce[11])<<24)
	block.Encrypt(pad[:], counter[:])
	subtle.XORBytes(tag[:], mac[:], pad[:])
	wipe(pad[:])
	return tag, true
}
