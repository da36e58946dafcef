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
// behind it, round the end; there are a power of two of them. The words at hand
// stay in variables: to load what was just stored takes far longer than all the
// arithmetic.
func diffuseB(d []uint32) {
	a, b, c, e, f := d[0], d[1], d[2], d[3], d[4]
	i := 0
	for ; i+9 <= len(d); i += 4 {
		next, out := d[i+5:i+9:i+9], d[i:i+4:i+4]
		g, h, k, l := next[0], next[1], next[2], next[3]
		out[0] = a + (c ^ g)
		out[1] = b + (e ^ bits.RotateLeft32(h, 10))
		out[2] = c + (f ^ k)
		out[3] = e + (g ^ bits.RotateLeft32(l, 25))
		a, b, c, e, f = f, g, h, k, l
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
	a, b, c, e, f := d[3], d[4], d[5], d[6], d[7]
	for ; i+4 <= len(d); i += 4 {
		w := d[i : i+4 : i+4]
		g := w[0] + (e ^ bits.RotateLeft32(a, 9))
		h := w[1] + (f ^ b)
		k := w[2] + (g ^ bits.RotateLeft32(c, 13))
		l := w[3] + (h ^ e)
		w[0], w[1], w[2], w[3] = g, h, k, l
		a, b, c, e, f = f, g, h, k, l
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
