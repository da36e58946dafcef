package ntfs

import "encoding/binary"

// Sizes of XPRESS with Huffman codes ([MS-XCA] 2.2).
const (
	xpressSymbols = 512
	xpressTable   = xpressSymbols / 2 // a code length in four bits each
)

// xpress expands one chunk, which has one table of codes as chunks in WOF are
// smaller than 64 KiB. It is reused to save its allocations.
type xpress struct{ codes huffman }

func (x *xpress) expand(dst, src []byte) error {
	if len(src) < xpressTable {
		return errCompressed
	}
	var lengths [xpressSymbols]byte
	for i, b := range src[:xpressTable] {
		lengths[2*i], lengths[2*i+1] = b&15, b>>4
	}
	if !x.codes.build(lengths[:]) {
		return errCompressed
	}
	// At least 16 bits are always at the upper end of bits; the stream counts on it,
	// since whole bytes of it lie between the words. Behind its end are zeros.
	in := xpressInput{data: src[xpressTable:]}
	in.bits = uint32(in.word())<<16 | uint32(in.word())
	in.extra = 16
	for n := 0; n < len(dst); {
		symbol, length := x.codes.decode(in.bits >> 16)
		if length == 0 {
			return errCompressed
		}
		in.skip(length)
		if symbol < 256 {
			dst[n] = byte(symbol)
			n++
			continue
		}
		match, distanceBits := symbol&15, (symbol-256)>>4
		if match == 15 {
			if match = int(in.octet()); match == 255 {
				if match = int(in.word()); match < 15 {
					return errCompressed
				}
				match -= 15
			}
			match += 15
		}
		match += 3
		distance := int(1)<<distanceBits | int(uint64(in.bits)>>(32-distanceBits))
		in.skip(distanceBits)
		if distance > n || match > len(dst)-n {
			return errCompressed
		}
		copyMatch(dst[:n+match], n, distance)
		n += match
	}
	return nil
}

type xpressInput struct {
	data  []byte
	bits  uint32
	extra int // bits in bits beyond 16
}

func (in *xpressInput) word() uint16 {
	if len(in.data) < 2 {
		in.data = nil
		return 0
	}
	w := binary.LittleEndian.Uint16(in.data)
	in.data = in.data[2:]
	return w
}

func (in *xpressInput) octet() byte {
	if len(in.data) == 0 {
		return 0
	}
	b := in.data[0]
	in.data = in.data[1:]
	return b
}

// skip goes on by up to 16 bits.
func (in *xpressInput) skip(n int) {
	in.bits <<= n
	if in.extra -= n; in.extra < 0 {
		in.bits |= uint32(in.word()) << -in.extra
		in.extra += 16
	}
}
