package ntfs

import "encoding/binary"

// LZX as WIM files and WOF have it: chunks of 32 KiB, each on its own, with the
// targets of x86 calls translated ([MS-PATCH] 2, and the WIM variant of it that
// leaves out the header bit and shortens block sizes to 16 bits).
const (
	lzxChunk        = 32 << 10
	lzxSlots        = 30 // of match distances, for a window of 32 KiB
	lzxMain         = 256 + 8*lzxSlots
	lzxLengths      = 249
	lzxAligned      = 8
	lzxPre          = 20
	lzxDefaultBlock = 32 << 10
	lzxCallSize     = 12_000_000 // the size of file that call targets are relative to
)

// Kinds of blocks.
const (
	lzxVerbatim     = 1
	lzxAlignedBlock = 2
	lzxUncompressed = 3
)

// lzx expands one chunk at a time. It is reused to save its allocations.
type lzx struct {
	in                         lzxInput
	mainLengths                [lzxMain]byte // codes are told as differences to the block before
	lengthLengths              [lzxLengths]byte
	main, length, aligned, pre huffman
	recent                     [3]int // distances of the last matches
}

func (x *lzx) expand(dst, src []byte) error {
	x.in = lzxInput{data: src}
	x.mainLengths, x.lengthLengths = [lzxMain]byte{}, [lzxLengths]byte{}
	x.recent = [3]int{1, 1, 1}
	for n := 0; n < len(dst); {
		kind := x.in.take(3)
		size := lzxDefaultBlock
		if x.in.take(1) == 0 {
			size = int(x.in.take(16))
		}
		if size == 0 || size > len(dst)-n {
			return errCompressed
		}
		ok := false
		switch kind {
		case lzxVerbatim, lzxAlignedBlock:
			ok = x.readCodes(kind == lzxAlignedBlock) && x.block(dst[:n+size], n, kind == lzxAlignedBlock)
		case lzxUncompressed:
			ok = x.plain(dst[n : n+size])
		}
		if !ok {
			return errCompressed
		}
		n += size
	}
	restoreCalls(dst)
	return nil
}

// plain copies an uncompressed block.
func (x *lzx) plain(dst []byte) bool {
	in := &x.in
	in.align()
	if len(in.data)-in.pos < 12+len(dst) {
		return false
	}
	for i := range x.recent {
		r := binary.LittleEndian.Uint32(in.data[in.pos:])
		if r == 0 || r > lzxChunk {
			return false
		}
		x.recent[i] = int(r)
		in.pos += 4
	}
	in.pos += copy(dst, in.data[in.pos:])
	in.pos += len(dst) & 1
	return true
}

func (x *lzx) readCodes(aligned bool) bool {
	if aligned {
		var lengths [lzxAligned]byte
		for i := range lengths {
			lengths[i] = byte(x.in.take(3))
		}
		if !x.aligned.build(lengths[:]) {
			return false
		}
	}
	return x.readLengths(x.mainLengths[:256]) && x.readLengths(x.mainLengths[256:]) &&
		x.main.build(x.mainLengths[:]) &&
		x.readLengths(x.lengthLengths[:]) && x.length.build(x.lengthLengths[:])
}

// readLengths reads code lengths, which are coded themselves.
func (x *lzx) readLengths(lengths []byte) bool {
	var pre [lzxPre]byte
	for i := range pre {
		pre[i] = byte(x.in.take(4))
	}
	if !x.pre.build(pre[:]) {
		return false
	}
	for i := 0; i < len(lengths); {
		symbol, ok := x.in.symbol(&x.pre)
		if !ok {
			return false
		}
		run, value := 1, byte(0)
		switch symbol {
		case 17:
			run = 4 + int(x.in.take(4))
		case 18:
			run = 20 + int(x.in.take(5))
		case 19:
			run = 4 + int(x.in.take(1))
			if symbol, ok = x.in.symbol(&x.pre); !ok || symbol > 16 {
				return false
			}
			fallthrough
		default:
			value = byte((int(lengths[i]) + 17 - symbol) % 17)
		}
		for end := min(i+run, len(lengths)); i < end; i++ {
			lengths[i] = value
		}
	}
	return true
}

// block expands a compressed block: dst is to be filled from n on.
func (x *lzx) block(dst []byte, n int, aligned bool) bool {
	for n < len(dst) {
		symbol, ok := x.in.symbol(&x.main)
		if !ok {
			return false
		}
		if symbol < 256 {
			dst[n] = byte(symbol)
			n++
			continue
		}
		match := symbol & 7
		if match == 7 {
			more, ok := x.in.symbol(&x.length)
			if !ok {
				return false
			}
			match += more
		}
		match += 2
		distance, ok := x.distance((symbol-256)>>3, aligned)
		if !ok || distance > n || match > len(dst)-n {
			return false
		}
		copyMatch(dst[:n+match], n, distance)
		n += match
	}
	return true
}

// distance reads how far back a match lies.
func (x *lzx) distance(slot int, aligned bool) (int, bool) {
	if slot < len(x.recent) {
		x.recent[0], x.recent[slot] = x.recent[slot], x.recent[0]
		return x.recent[0], true
	}
	base, extra := slot, uint(0)
	if slot >= 4 {
		extra = uint(slot)/2 - 1
		base = (2 + slot&1) << extra
	}
	if aligned && extra >= 3 {
		base += int(x.in.take(extra-3)) << 3
		low, ok := x.in.symbol(&x.aligned)
		if !ok {
			return 0, false
		}
		base += low
	} else {
		base += int(x.in.take(extra))
	}
	x.recent = [3]int{base - 2, x.recent[0], x.recent[1]}
	return base - 2, true
}

// restoreCalls turns the targets of x86 calls back into relative ones.
func restoreCalls(b []byte) {
	for i := 0; i < len(b)-10; i++ {
		if b[i] != 0xE8 {
			continue
		}
		target := int32(binary.LittleEndian.Uint32(b[i+1:]))
		if at := int32(i); target >= -at && target < lzxCallSize {
			if target >= 0 {
				target -= at
			} else {
				target += lzxCallSize
			}
			binary.LittleEndian.PutUint32(b[i+1:], uint32(target))
		}
		i += 4
	}
}

// lzxInput reads bits from words of 16, most significant bit first. Behind the
// end are zeros.
type lzxInput struct {
	data []byte
	pos  int
	bits uint64 // the next ones, at the lower end
	left uint   // how many
}

func (in *lzxInput) need(n uint) {
	for in.left < n {
		w := uint16(0)
		if in.pos+2 <= len(in.data) {
			w = binary.LittleEndian.Uint16(in.data[in.pos:])
		}
		in.pos += 2
		in.bits = in.bits<<16 | uint64(w)
		in.left += 16
	}
}

// take reads up to 16 bits.
func (in *lzxInput) take(n uint) uint32 {
	in.need(n)
	in.left -= n
	return uint32(in.bits>>in.left) & (1<<n - 1)
}

func (in *lzxInput) symbol(h *huffman) (int, bool) {
	in.need(16)
	symbol, n := h.decode(uint32(in.bits>>(in.left-16)) & 0xFFFF)
	in.left -= uint(n)
	return symbol, n > 0
}

// align goes on to the next word; where it stands at one already a whole word is
// left out, which the format wants so.
func (in *lzxInput) align() {
	skip := in.left % 16
	if skip == 0 {
		in.need(16)
		skip = 16
	}
	in.left -= skip
	in.pos -= int(in.left / 8) // words that were read ahead
	in.pos = max(0, min(in.pos, len(in.data)))
	in.left = 0
}
