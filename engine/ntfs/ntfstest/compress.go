package ntfstest

import "encoding/binary"

// match returns the longest earlier copy of what begins at n, looked for the
// plain way: tests compress little.
func match(b []byte, n, from, longest int) (distance, length int) {
	for at := from; at < n; at++ {
		l := 0
		for l < longest && n+l < len(b) && b[at+l] == b[n+l] {
			l++
		}
		if l > length {
			distance, length = n-at, l
		}
	}
	return distance, length
}

// window bounds how far back match looks.
const window = 300

// LZNT1 compresses in chunks of 4 KiB.
func LZNT1(b []byte) []byte {
	var out []byte
	for len(b) > 0 {
		chunk := b[:min(4096, len(b))]
		b = b[len(chunk):]
		packed := lznt1Chunk(chunk)
		header := uint16(0x3000)
		if len(packed) >= 4096 {
			packed = append(append([]byte(nil), chunk...), make([]byte, 4096-len(chunk))...)
		} else {
			header |= 0x8000
		}
		out = binary.LittleEndian.AppendUint16(out, header|uint16(len(packed)-1))
		out = append(out, packed...)
	}
	return append(out, 0, 0)
}

func lznt1Chunk(b []byte) []byte {
	var out []byte
	for n := 0; n < len(b); {
		flagsAt := len(out)
		out = append(out, 0)
		for bit := 0; bit < 8 && n < len(b); bit++ {
			lengthBits := 12
			for d := n - 1; d >= 16; d >>= 1 {
				lengthBits--
			}
			distance, length := match(b, n, max(0, n-window), 1<<lengthBits+2)
			if length < 3 {
				out = append(out, b[n])
				n++
				continue
			}
			out[flagsAt] |= 1 << bit
			out = binary.LittleEndian.AppendUint16(out, uint16((distance-1)<<lengthBits|(length-3)))
			n += length
		}
	}
	return out
}

// XpressHuffman compresses one chunk. All codes have 9 bits, which is a bad
// choice and a valid one.
func XpressHuffman(b []byte) []byte {
	out := make([]byte, 256)
	for i := range out {
		out[i] = 0x99
	}
	w := xpressWriter{out: append(out, 0, 0, 0, 0), first: 256, second: 258}
	for n := 0; n < len(b); {
		distance, length := match(b, n, max(0, n-window), 70000)
		if length < 3 {
			w.bits(uint32(b[n]), 9)
			n++
			continue
		}
		n += length
		exp := log2(distance)
		length -= 3
		w.bits(uint32(256+exp<<4+min(length, 15)), 9)
		switch {
		case length >= 270:
			w.out = append(w.out, 255, byte(length), byte(length>>8))
		case length >= 15:
			w.out = append(w.out, byte(length-15))
		}
		w.bits(uint32(distance-1<<exp), exp)
	}
	w.bits(256, 9) // end
	w.bits(0, 16)
	return w.out
}

// xpressWriter writes bits in words whose places are taken two words ahead, as
// the reader will have read them.
type xpressWriter struct {
	out           []byte
	first, second int
	pending       uint64
	count         int
}

func (w *xpressWriter) bits(v uint32, n int) {
	w.pending = w.pending<<n | uint64(v)
	w.count += n
	for w.count > 16 {
		w.count -= 16
		binary.LittleEndian.PutUint16(w.out[w.first:], uint16(w.pending>>w.count))
		w.first, w.second = w.second, len(w.out)
		w.out = append(w.out, 0, 0)
	}
}

// LZXKind is the kind of blocks that EncodeLZX makes.
type LZXKind int

// Kinds of blocks.
const (
	LZXVerbatim     LZXKind = 1
	LZXAligned      LZXKind = 2
	LZXUncompressed LZXKind = 3
)

// EncodeLZX compresses one chunk of at most 32 KiB in blocks of one kind. All
// codes of a tree have nearly the same length.
func EncodeLZX(b []byte, kind LZXKind) []byte {
	b = append([]byte(nil), b...)
	translateCalls(b)
	w := &lzxWriter{recent: [3]int{1, 1, 1}}
	const blockSize = 10001
	for n := 0; n < len(b); {
		size := min(blockSize, len(b)-n)
		w.bits(uint32(kind), 3)
		w.bits(0, 1)
		w.bits(uint32(size), 16)
		if kind == LZXUncompressed {
			w.plain(b[n : n+size])
		} else {
			w.block(b[:n+size], n, kind == LZXAligned, n == 0)
		}
		n += size
	}
	w.flush()
	return w.out
}

func translateCalls(b []byte) {
	const size = 12_000_000
	for i := 0; i < len(b)-10; i++ {
		if b[i] != 0xE8 {
			continue
		}
		rel := int32(binary.LittleEndian.Uint32(b[i+1:]))
		switch at := int32(i); {
		case rel >= -at && rel < size-at:
			binary.LittleEndian.PutUint32(b[i+1:], uint32(rel+at))
		case rel >= size-at && rel < size:
			binary.LittleEndian.PutUint32(b[i+1:], uint32(rel-size))
		}
		i += 4
	}
}

type lzxWriter struct {
	out     []byte
	pending uint64
	count   int
	recent  [3]int
}

func (w *lzxWriter) bits(v uint32, n int) {
	w.pending = w.pending<<n | uint64(v)
	for w.count += n; w.count >= 16; {
		w.count -= 16
		w.out = binary.LittleEndian.AppendUint16(w.out, uint16(w.pending>>w.count))
	}
}

func (w *lzxWriter) flush() {
	if w.count > 0 {
		w.bits(0, 16-w.count)
	}
}

func (w *lzxWriter) plain(b []byte) {
	w.bits(0, 16-w.count) // a whole word if it stands at one
	for _, r := range w.recent {
		w.out = binary.LittleEndian.AppendUint32(w.out, uint32(r))
	}
	w.out = append(w.out, b...)
	if len(b)&1 != 0 {
		w.out = append(w.out, 0)
	}
}

// Of n symbols the first so many have a code one bit shorter, so that the codes
// are complete.
func shortCodes(n int) (short, bits int) {
	bits = log2(n-1) + 1
	return 1<<bits - n, bits
}

func (w *lzxWriter) symbol(s, n int) {
	short, bits := shortCodes(n)
	if s < short {
		w.bits(uint32(s), bits-1)
	} else {
		w.bits(uint32(s+short), bits)
	}
}

// lengths writes the code lengths of symbols from to to of n; in the first block
// as differences to 0, then to themselves.
func (w *lzxWriter) lengths(from, to, n int, first bool) {
	const pre = 20
	preShort, preBits := shortCodes(pre)
	for i := range pre {
		if i < preShort {
			w.bits(uint32(preBits-1), 4)
		} else {
			w.bits(uint32(preBits), 4)
		}
	}
	short, bits := shortCodes(n)
	for i := from; i < to; i++ {
		length := bits
		if i < short {
			length--
		}
		switch {
		case !first && i >= short && to-i >= 5:
			w.symbol(19, pre) // five that are the same and do not change
			w.bits(1, 1)
			w.symbol(0, pre)
			i += 4
		case !first:
			w.symbol(0, pre)
		default:
			w.symbol(17-length, pre)
		}
	}
}

func (w *lzxWriter) block(b []byte, n int, aligned, first bool) {
	if aligned {
		for range 8 {
			w.bits(3, 3)
		}
	}
	const main, lengths = 496, 249
	w.lengths(0, 256, main, first)
	w.lengths(256, main, main, first)
	w.lengths(0, lengths, lengths, first)
	for n < len(b) {
		distance, length := match(b, n, max(0, n-window), 257)
		if length < 2 {
			w.symbol(int(b[n]), main)
			n++
			continue
		}
		n += length
		slot, extra, rest := w.slot(distance)
		w.symbol(256+slot<<3+min(length-2, 7), main)
		if length-2 >= 7 {
			w.symbol(length-9, lengths)
		}
		if aligned && extra >= 3 {
			w.bits(uint32(rest>>3), extra-3)
			w.bits(uint32(rest&7), 3)
		} else {
			w.bits(uint32(rest), extra)
		}
	}
}

// slot returns how a distance is written.
func (w *lzxWriter) slot(distance int) (slot, extra, rest int) {
	for i, r := range w.recent {
		if r == distance {
			w.recent[0], w.recent[i] = w.recent[i], w.recent[0]
			return i, 0, 0
		}
	}
	w.recent = [3]int{distance, w.recent[0], w.recent[1]}
	formatted := distance + 2
	if formatted < 4 {
		return formatted, 0, 0
	}
	extra = log2(formatted) - 1
	return 2*extra + 2 + formatted>>extra&1, extra, formatted & (1<<extra - 1)
}
