package bitlocker

import (
	"crypto/cipher"
	"sync"
)

// sectorCipher en- and decrypts whole sectors in place. off is where b lies on
// disk, which every sector's encryption depends on. It may be used from several
// goroutines, and not after wipe.
type sectorCipher interface {
	decrypt(b []byte, off int64)
	encrypt(b []byte, off int64)
	wipe()
}

// scratch is what the work on a sector needs beside it. It lives on the heap,
// as everything that is handed to crypto/aes, so it is pooled.
type scratch struct {
	block [32]byte
	mask  [maxSector]byte
	words [maxSector / 4]uint32
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// release wipes what may tell of keys or plain text.
func (s *scratch) release() {
	clear(s.block[:])
	scratches.Put(s)
}

// decryptBlocks decrypts every block of b on its own.
func decryptBlocks(c cipher.Block, b []byte) {
	for len(b) >= 16 {
		c.Decrypt(b[:16], b[:16])
		b = b[16:]
	}
}
