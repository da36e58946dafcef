package bitlocker

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

// xts is AES-XTS as of IEEE 1619. The tweak is the number of the sector on
// disk, in units of the volume's sectors (spec 5).
type xts struct {
	data, tweak cipher.Block
	sector      int
}

// newXTS takes both keys in one, the one for data first.
func newXTS(key []byte, sector int) (sectorCipher, error) {
	half := len(key) / 2
	data, err := aes.NewCipher(key[:half])
	if err != nil {
		return nil, err
	}
	tweak, err := aes.NewCipher(key[half:])
	if err != nil {
		return nil, err
	}
	return &xts{data, tweak, sector}, nil
}

func (x *xts) wipe() {
	wipeBlock(x.data)
	wipeBlock(x.tweak)
}

func (x *xts) decrypt(b []byte, off int64) {
	s := scratches.Get().(*scratch)
	defer s.release()
	for n := x.sector; len(b) >= n; b = b[n:] {
		mask := x.masks(s, off)
		subtle.XORBytes(b, b[:n], mask)
		decryptBlocks(x.data, b[:n])
		subtle.XORBytes(b, b[:n], mask)
		off += int64(n)
	}
}

func (x *xts) encrypt(b []byte, off int64) {
	s := scratches.Get().(*scratch)
	defer s.release()
	for n := x.sector; len(b) >= n; b = b[n:] {
		mask := x.masks(s, off)
		subtle.XORBytes(b, b[:n], mask)
		for i := 0; i < n; i += 16 {
			x.data.Encrypt(b[i:i+16], b[i:i+16])
		}
		subtle.XORBytes(b, b[:n], mask)
		off += int64(n)
	}
}

// masks returns the tweaks of all blocks of the sector at off: each is the one
// before, times the generator of GF(2^128). Two passes over a sector with all
// tweaks at hand are faster than one block after the other, because a wide load
// right behind two narrow stores makes the processor wait.
func (x *xts) masks(s *scratch, off int64) []byte {
	first := s.block[:16]
	clear(first)
	binary.LittleEndian.PutUint64(first, uint64(off)/uint64(x.sector))
	x.tweak.Encrypt(first, first)
	lo := binary.LittleEndian.Uint64(first)
	hi := binary.LittleEndian.Uint64(first[8:])

	mask := s.mask[:x.sector]
	for m := mask; len(m) >= 16; m = m[16:] {
		binary.LittleEndian.PutUint64(m, lo)
		binary.LittleEndian.PutUint64(m[8:], hi)
		lo, hi = lo<<1^hi>>63*0x87, hi<<1|lo>>63
	}
	return mask
}
