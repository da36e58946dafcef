package bitlocker

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

// cbc is AES-CBC with the encrypted byte offset of the sector as IV (spec 5).
// The standard library's CBC copies the key schedule for every IV, to where it
// cannot be wiped.
type cbc struct {
	data   cipher.Block
	sector int
}

func newCBC(key []byte, sector int) (sectorCipher, error) {
	data, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return &cbc{data, sector}, nil
}

func (c *cbc) wipe() { wipeBlock(c.data) }

func (c *cbc) decrypt(b []byte, off int64) {
	s := scratches.Get().(*scratch)
	defer s.release()
	for n := c.sector; len(b) >= n; b = b[n:] {
		c.decryptSector(s, b[:n], off)
		off += int64(n)
	}
}

func (c *cbc) encrypt(b []byte, off int64) {
	s := scratches.Get().(*scratch)
	defer s.release()
	for n := c.sector; len(b) >= n; b = b[n:] {
		c.encryptSector(s, b[:n], off)
		off += int64(n)
	}
}

func (c *cbc) decryptSector(s *scratch, b []byte, off int64) {
	// What each block is combined with: the IV, then the encrypted blocks.
	mask := s.mask[:len(b)]
	c.iv(mask[:16], off)
	copy(mask[16:], b)
	decryptBlocks(c.data, b)
	subtle.XORBytes(b, b, mask)
}

func (c *cbc) encryptSector(s *scratch, b []byte, off int64) {
	prev := s.block[:16]
	c.iv(prev, off)
	for i := 0; i < len(b); i += 16 {
		subtle.XORBytes(b[i:], b[i:i+16], prev)
		c.data.Encrypt(b[i:i+16], b[i:i+16])
		prev = b[i : i+16]
	}
}

func (c *cbc) iv(iv []byte, off int64) {
	clear(iv)
	binary.LittleEndian.PutUint64(iv, uint64(off))
	c.data.Encrypt(iv, iv)
}
