package regf

import "math/bits"

// marvin32 is the checksum of new log entries, with the seed Windows uses for
// them (4.4). The length of b is a multiple of four, as all hashed parts are.
func marvin32(b []byte) uint64 {
	lo, hi := uint32(0x7A4E55C5), uint32(0x82EF4D88)
	mix := func(v uint32) {
		lo += v
		hi ^= lo
		lo = bits.RotateLeft32(lo, 20) + hi
		hi = bits.RotateLeft32(hi, 9) ^ lo
		lo = bits.RotateLeft32(lo, 27) + hi
		hi = bits.RotateLeft32(hi, 19)
	}
	for ; len(b) >= 4; b = b[4:] {
		mix(le.Uint32(b))
	}
	mix(0x80)
	mix(0)
	return uint64(hi)<<32 | uint64(lo)
}
