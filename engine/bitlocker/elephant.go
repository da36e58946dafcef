package bitlocker

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"math/bits"
)

// elephant is AES-CBC under two diffusers that spread every bit over the whole
// sector, with a sector key in between (spec 5).
type elephant struct {
	cbc
	tweak cipher.Block
}

// Rounds of the diffusers. A and B rotate by 9, 0, 13, 0 and by 0, 10, 0, 25.
const (
	roundsA = 5
	roundsB = 3
)

func newElephant(data, tweak []byte, sector int) (sectorCipher, error) {
	d, err := aes.NewCipher(data)
	if err != nil {
		return nil, err
	}
	t, err := aes.NewCipher(tweak)
	if err != nil {
		return nil, err
	}
	return &elephant{cbc{d, sector}, t}, nil
}

func (e *elephant) wipe() {
	e.cbc.wipe()
	wipeBlock(e.tweak)
}

func (e *elephant) decrypt(b []byte, off int64) {
	s := scratches.Get().(*scratch)
	defer s.release()
	words := s.words[:e.sector/4]
	for n := e.sector; len(b) >= n; b = b[n:] {
		e.decryptSector(s, b[:n], off)
		load(words, b)
		for range roundsB {
			diffuseB(words)
		}
		for range roundsA {
			diffuseA(words)
		}
		store(b, words)
		e.addSectorKey(s, b[:n], off)
		off += int64(n)
	}
}

func (e *elephant) encrypt(b []byte, off int64) {
	s := scratches.Get().(*scratch)
	defer s.release()
	words := s.words[:e.sector/4]
	for n := e.sector; len(b) >= n; b = b[n:] {
		e.addSectorKey(s, b[:n], off)
		load(words, b)
		for range roundsA {
			undiffuseA(words)
		}
		for range roundsB {
			undiffuseB(words)
		}
		store(b, words)
		e.encryptSector(s, b[:n], off)
		off += int64(n)
	}
}

// addSectorKey combines the sector with its key of 32 bytes, repeated.
func (e *elephant) addSectorKey(s *scratch, b []byte, off int64) {
	key := s.block[:]
	clear(key)
	binary.LittleEndian.PutUint64(key, uint64(off))
	binary.LittleEndian.PutUint64(key[16:], uint64(off))
	key[31] = 0x80
	e.tweak.Encrypt(key[:16], key[:16])
	e.tweak.Encrypt(key[16:], key[16:])
	for i := 0; i < len(b); i += len(key) {
		subtle.XORBytes(b[i:], b[i:i+len(key)], key)
	}
}

func load(words []uint32, b []byte) {
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
}

func store(b []byte, words []uint32) {
	for i, w := range words {
		binary.LittleEndian.PutUint32(b[4*i:], w)
	}
}

// diffuseB is one round of diffuser B, decrypting. Every word depends on two
// behind it, round the end; there are a power of two of them.
func diffuseB(d []uint32) {
	i := 0
	for ; i+9 <= len(d); i += 4 {
		w := d[i : i+9 : i+9]
		w[0] += w[2] ^ w[5]
		w[1] += w[3] ^ bits.RotateLeft32(w[6], 10)
		w[2] += w[4] ^ w[7]
		w[3] += w[5] ^ bits.RotateLeft32(w[8], 25)
	}
	for n := len(d) - 1; i < len(d); i++ {
		d[i] += d[(i+2)&n] ^ bits.RotateLeft32(d[(i+5)&n], rotateB(i))
	}
}

// diffuseA is one round of diffuser A, decrypting. Every word depends on two
// before it.
func diffuseA(d []uint32) {
	i := 0
	for n := len(d) - 1; i < 8; i++ {
		d[i] += d[(i-2)&n] ^ bits.RotateLeft32(d[(i-5)&n], rotateA(i))
	}
	for ; i+4 <= len(d); i += 4 {
		w := d[i-5 : i+4 : i+4]
		w[5] += w[3] ^ bits.RotateLeft32(w[0], 9)
		w[6] += w[4] ^ w[1]
		w[7] += w[5] ^ bits.RotateLeft32(w[2], 13)
		w[8] += w[6] ^ w[3]
	}
}

func undiffuseB(d []uint32) {
	for n, i := len(d)-1, len(d)-1; i >= 0; i-- {
		d[i] -= d[(i+2)&n] ^ bits.RotateLeft32(d[(i+5)&n], rotateB(i))
	}
}

func undiffuseA(d []uint32) {
	for n, i := len(d)-1, len(d)-1; i >= 0; i-- {
		d[i] -= d[(i-2)&n] ^ bits.RotateLeft32(d[(i-5)&n], rotateA(i))
	}
}

func rotateA(i int) int { return [4]int{9, 0, 13, 0}[i%4] }

func rotateB(i int) int { return [4]int{0, 10, 0, 25}[i%4] }
