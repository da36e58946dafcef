package ntfs

import (
	"encoding/binary"
	"fmt"
)

var errCompressed = fmt.Errorf("%w: compressed data", ErrDamaged)

// lznt1Chunk is how many bytes each chunk of LZNT1 expands to.
const lznt1Chunk = 4096

// expandLZNT1 expands src into dst, and fills up with zeros: a chunk that is
// short, and chunks that are not there ([MS-XCA] 2.5).
func expandLZNT1(dst, src []byte) error {
	for len(dst) > 0 && len(src) >= 2 {
		header := binary.LittleEndian.Uint16(src)
		if header == 0 {
			break
		}
		size := int(header&0x0FFF) + 1
		src = src[2:]
		if size > len(src) {
			return errCompressed
		}
		out := dst[:min(lznt1Chunk, len(dst))]
		var n int
		ok := true
		switch {
		case header&0x8000 == 0:
			n = copy(out, src[:size])
		case len(out) == lznt1Chunk:
			n, ok = expandLZNT1Chunk(out, src[:size])
		default:
			// The last chunk goes on behind the end of the file.
			var whole [lznt1Chunk]byte
			n, ok = expandLZNT1Chunk(whole[:], src[:size])
			n = copy(out, whole[:n])
		}
		if !ok {
			return errCompressed
		}
		clear(out[n:])
		dst, src = dst[len(out):], src[size:]
	}
	clear(dst)
	return nil
}

// expandLZNT1Chunk returns how much of dst it filled.
func expandLZNT1Chunk(dst, src []byte) (int, bool) {
	n := 0
	for i := 0; i < len(src); {
		flags := src[i]
		i++
		for range 8 {
			if i >= len(src) {
				return n, true
			}
			if flags&1 == 0 {
				if n >= len(dst) {
					return n, false
				}
				dst[n] = src[i]
				n, i = n+1, i+1
			} else {
				if i+2 > len(src) || n == 0 {
					return n, false
				}
				token := binary.LittleEndian.Uint16(src[i:])
				i += 2
				// The farther into the chunk, the more bits the distance has.
				lengthBits := uint(12)
				for d := n - 1; d >= 0x10; d >>= 1 {
					lengthBits--
				}
				distance := int(token>>lengthBits) + 1
				length := int(token&(1<<lengthBits-1)) + 3
				if distance > n || length > len(dst)-n {
					return n, false
				}
				copyMatch(dst[:n+length], n, distance)
				n += length
			}
			flags >>= 1
		}
	}
	return n, true
}

// copyMatch fills dst from n on with the bytes that lie distance before; source
// and destination may overlap, which repeats them.
func copyMatch(dst []byte, n, distance int) {
	for n < len(dst) {
		n += copy(dst[n:], dst[n-distance:n])
	}
}
