package ntfs

// huffman decodes canonical codes of up to 16 bits, most significant bit first.
type huffman struct {
	// fast gives symbol<<4|length for every start of a code that has at most
	// fastBits bits, 0 where the code is longer or there is none.
	fast [1 << fastBits]uint16
	// Longer codes of one length are numbers that follow each other.
	first   [maxCode + 1]uint32 // first code of each length
	count   [maxCode + 1]uint16 // codes of each length
	index   [maxCode + 1]uint16 // place of the first one in symbols
	symbols []uint16            // by length, then by symbol
}

const (
	maxCode  = 16
	fastBits = 10
)

// build takes the length of every symbol's code, 0 for a symbol that does not
// occur. It is false if there are more codes than the lengths leave room for.
func (h *huffman) build(lengths []byte) bool {
	h.count = [maxCode + 1]uint16{}
	for _, n := range lengths {
		h.count[n]++
	}
	h.count[0] = 0
	code, place := uint32(0), uint16(0)
	for n := 1; n <= maxCode; n++ {
		code <<= 1
		h.first[n], h.index[n] = code, place
		code += uint32(h.count[n])
		place += h.count[n]
		if code > 1<<n {
			return false
		}
	}
	if cap(h.symbols) < int(place) {
		h.symbols = make([]uint16, len(lengths))
	}
	h.symbols = h.symbols[:place]
	next := h.index
	for s, n := range lengths {
		if n > 0 {
			h.symbols[next[n]] = uint16(s)
			next[n]++
		}
	}
	clear(h.fast[:])
	for n := 1; n <= fastBits; n++ {
		span := 1 << (fastBits - n)
		for i := range int(h.count[n]) {
			value := h.symbols[int(h.index[n])+i]<<4 | uint16(n)
			start := (int(h.first[n]) + i) * span
			for j := start; j < start+span; j++ {
				h.fast[j] = value
			}
		}
	}
	return true
}

// decode looks at the next 16 bits and returns the symbol that they begin with
// and the length of its code, 0 if it is none.
func (h *huffman) decode(bits uint32) (symbol, length int) {
	if v := h.fast[bits>>(16-fastBits)]; v != 0 {
		return int(v >> 4), int(v & 15)
	}
	for n := fastBits + 1; n <= maxCode; n++ {
		if i := bits>>(16-n) - h.first[n]; bits>>(16-n) >= h.first[n] && i < uint32(h.count[n]) {
			return int(h.symbols[uint32(h.index[n])+i]), n
		}
	}
	return 0, 0
}
