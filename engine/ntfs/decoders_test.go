package ntfs

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"lifeboat/engine/ntfs/ntfstest"
)

// contents are what decoders are tried on, from nothing to what does not
// compress.
func contents() map[string][]byte {
	noise := make([]byte, 40000)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	text := []byte(strings.Repeat("The quick brown fox jumps over the lazy dog. ", 3000))
	calls := make([]byte, 30000)
	for i := 0; i+5 < len(calls); i += 7 {
		calls[i] = 0xE8
		calls[i+1] = byte(i)
		calls[i+4] = []byte{0, 0xFF}[i/7%2]
	}
	return map[string][]byte{
		"one":   {'x'},
		"short": []byte("abcabcabc"),
		"text":  text,
		"noise": noise,
		"zero":  make([]byte, 70000),
		"long":  bytes.Repeat([]byte{'a'}, 32768),
		"calls": calls,
		"mixed": bytes.Join([][]byte{text[:5000], noise[:9000], make([]byte, 20000), text[:300]}, nil),
	}
}

func TestLZNT1(t *testing.T) {
	for name, plain := range contents() {
		got := bytes.Repeat([]byte{0xEE}, len(plain))
		if err := expandLZNT1(got, ntfstest.LZNT1(plain)); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: expanded to other bytes, %v", name, err)
		}
	}
}

func TestLZNT1ShortChunk(t *testing.T) {
	got := bytes.Repeat([]byte{0xEE}, 5000)
	twoLiterals := []byte{0x02, 0xB0, 0x00, 'a', 'b'}
	if err := expandLZNT1(got, twoLiterals); err != nil || string(got[:2]) != "ab" || len(bytes.Trim(got[2:], "\x00")) > 0 {
		t.Errorf("%q, %v: what a chunk leaves is zero", got[:4], err)
	}
}

func TestXpress(t *testing.T) {
	var x xpress
	for name, plain := range contents() {
		for _, size := range []int{4 << 10, 8 << 10, 16 << 10} {
			for at := 0; at < len(plain); at += size {
				c := plain[at:min(at+size, len(plain))]
				got := make([]byte, len(c))
				if err := x.expand(got, ntfstest.XpressHuffman(c)); err != nil || !bytes.Equal(got, c) {
					t.Fatalf("%s at %d: expanded to other bytes, %v", name, at, err)
				}
			}
		}
	}
}

// What another compressor (wimlib 1.13.6) made of vectorText.
const (
	xpressVector = "B4AAgAiIAIAIgACAAIAAgAWAAIAICAgIVkVmZWYIAAgICAAICAgACAgIgACIAIAAaABQB2cAd4iHeAUABwAAAAgAAAAIAAAABgAA" +
		"AAgAAAAIAAAACAAAAAgAAAAIAAAACAAAAAgAAAAIAAAACAAAAAgAAAAHAAAACAAAAAgAAAAHAAAAAAAAAAAAAAAAAAAAAAQAAAAA" +
		"AAAAAAAAAAAAAAAAAAAAAAAAiAAAAGAAAFAAAAAAAHgIAAAAAAAAhwhwAAAAAABWCEAAAAAAAGAIUAgAAAgAcAAAAAAAAAAAAAAA" +
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAC+vjCK58ZpqLUPWVtZlZpFV50iVRrt2lV6Vn65XsIUtx1rur7HjnccOY8id" +
		"nw7HwDtHDsCfMykPBr4QPfRODuGx9PAONDh53w8eEwaaDmNjoeIO5dh3pg+qm8haEb0QnWzw+w8FjkFdEMsROn4QjiAtXDriEBJc" +
		"Eb0QonKoLw/OhWkID240UzsQLmDbpw+C1H3qD9H7hzv4FRAuiBGoDzJBqgtoCA9BiCV1SL0PpC7E/A9QXcT9D6guCX8P051AbBBU" +
		"F+ptD+oCko4PO2D1qBDwKlV3YuoQ7kDpsRCBup92sPcPZAmHsBBdYAznD/AkhxcA8g/C0jzxD+sfyiVml+WaQcxx/O5HH8gkr5x+" +
		"7LEP5prBvj76cOM5aOXrDz+koJ4I/rUf9SOPaqzRbT33gUd2bItuc40PP7z4plz+9yMP8SDZKPNye8ePfWBqriaV6JoAAA=="
	lzxVector = "hiAAogAAJAJQVUAA0lxAQUBUQECoeCIIdyb33c59AfVRAQERKgICAoMMWJj9GfpcrdpOOy2328q6rbTVbmsAIAAAQAIFBTACwgM+" +
		"fmbEaWtgZNzqf7fAZAAAAADRAAwISYJd51+Bfr9+/xocVTatdvUrql422+yt3uettjRbvey1bjtYYRb1vzvvaHCtWcPnEOAZGE0F" +
		"oRFglPDYUshhRhqLWrFiGmrK4Ax5aGFV7nbgMABJVUKTCBRQwahEITGQgkmdsmMCUBQ0oZ4MxVYJORBUYJYkhSkECFZyTHgTmPjQ" +
		"qqsQIZhCTUMlVKJdbIWKXNREYuj8UAoEkxKJx0DB6EVZE6hVJRQKHZL7fGveN5d5d/32rh2lx/bsTz7/tedee08+/OpPv/nRVz76" +
		"ys/Gj8PPfvfDD/7vc1/7+Oc//7+sfP2HvOUfc5rjvP655/p9P3CDNmryFj//u4B7"
)

func vectorText() []byte {
	var b []byte
	for i := range 40 {
		b = fmt.Appendf(b, "line %d of a text that repeats itself, %d times\n", i, i*i)
	}
	for i := range 30 {
		b = append(b, 0xE8, byte(i*1000), byte(i*1000>>8), 0, 0, 0x90, 0x90)
	}
	return b
}

func TestVectors(t *testing.T) {
	plain := vectorText()
	for name, c := range map[string]struct {
		packed string
		expand func(dst, src []byte) error
	}{
		"xpress": {xpressVector, new(xpress).expand},
		"lzx":    {lzxVector, new(lzx).expand},
	} {
		packed, err := base64.StdEncoding.DecodeString(c.packed)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(plain))
		if err := c.expand(got, packed); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: expanded to other bytes, %v", name, err)
		}
	}
}

func TestLZX(t *testing.T) {
	var x lzx
	for name, plain := range contents() {
		for _, kind := range []ntfstest.LZXKind{ntfstest.LZXVerbatim, ntfstest.LZXAligned, ntfstest.LZXUncompressed} {
			for at := 0; at < len(plain); at += lzxChunk {
				c := plain[at:min(at+lzxChunk, len(plain))]
				got := make([]byte, len(c))
				if err := x.expand(got, ntfstest.EncodeLZX(c, kind)); err != nil || !bytes.Equal(got, c) {
					t.Fatalf("%s at %d, blocks of kind %d: expanded to other bytes, %v", name, at, kind, err)
				}
			}
		}
	}
}

func TestHuffman(t *testing.T) {
	var h huffman
	for _, c := range []struct {
		lengths string
		ok      bool
	}{
		{"\x01\x01", true},
		{"\x01\x02\x02", true},
		{"\x01\x01\x01", false},
		{"\x00\x00", true},                  // no codes, as of a tree that is not used
		{"\x01", true},                      // one code of two
		{"\x02\x01\x03\x03", true},          // codes follow length, then symbol
		{strings.Repeat("\x10", 8), true},   // longer than the fast table
		{"\x01\x02\x03\x03\x03", false},     // one too many
		{"\x0F\x0F" + "\x01\x01", false},    // no room for the long ones
		{"\x0F\x0F" + "\x01\x02\x03", true}, // room
	} {
		if got := h.build([]byte(c.lengths)); got != c.ok {
			t.Errorf("codes of lengths %x: %v", c.lengths, got)
			continue
		}
		if !c.ok {
			continue
		}
		// Every symbol's code must decode to it, whatever follows.
		code, last := uint32(0), 0
		for n := 1; n <= maxCode; n++ {
			for s := range c.lengths {
				if int(c.lengths[s]) != n {
					continue
				}
				code <<= n - last
				last = n
				for _, tail := range []uint32{0, 1<<(16-n) - 1} {
					if got, length := h.decode(code<<(16-n) | tail); got != s || length != n {
						t.Errorf("codes of lengths %x: symbol %d came back as %d of %d bits", c.lengths, s, got, length)
					}
				}
				code++
			}
		}
		if last > 0 && code < 1<<last {
			if _, length := h.decode(code << (16 - last)); length != 0 {
				t.Errorf("codes of lengths %x: a code that is not one decodes", c.lengths)
			}
		}
	}
}

// seeds adds packed contents and their size.
func seeds(f *testing.F, pack func([]byte) []byte) {
	for _, plain := range contents() {
		c := plain[:min(len(plain), 4096)]
		f.Add(pack(c), uint16(len(c)))
	}
}

func FuzzLZNT1(f *testing.F) {
	seeds(f, ntfstest.LZNT1)
	f.Fuzz(func(t *testing.T, src []byte, size uint16) {
		expandLZNT1(make([]byte, size), src)
		// What the encoder makes of the same bytes must come back.
		plain := src[:min(len(src), 2000)]
		got := make([]byte, len(plain))
		if err := expandLZNT1(got, ntfstest.LZNT1(plain)); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%x does not come back: %v", plain, err)
		}
	})
}

func FuzzXpress(f *testing.F) {
	seeds(f, ntfstest.XpressHuffman)
	f.Fuzz(func(t *testing.T, src []byte, size uint16) {
		var x xpress
		x.expand(make([]byte, size), src)
		plain := src[:min(len(src), 2000)]
		got := make([]byte, len(plain))
		if err := x.expand(got, ntfstest.XpressHuffman(plain)); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%x does not come back: %v", plain, err)
		}
	})
}

func FuzzLZX(f *testing.F) {
	for _, kind := range []ntfstest.LZXKind{ntfstest.LZXVerbatim, ntfstest.LZXAligned, ntfstest.LZXUncompressed} {
		seeds(f, func(b []byte) []byte { return ntfstest.EncodeLZX(b, kind) })
	}
	f.Fuzz(func(t *testing.T, src []byte, size uint16) {
		var x lzx
		x.expand(make([]byte, min(size, lzxChunk)), src)
		plain := src[:min(len(src), 2000)]
		for _, kind := range []ntfstest.LZXKind{ntfstest.LZXVerbatim, ntfstest.LZXAligned, ntfstest.LZXUncompressed} {
			got := make([]byte, len(plain))
			if err := x.expand(got, ntfstest.EncodeLZX(plain, kind)); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%x does not come back from kind %d: %v", plain, kind, err)
			}
		}
	})
}

func BenchmarkExpand(b *testing.B) {
	text := contents()["mixed"][:4096]
	got := make([]byte, len(text))
	var x xpress
	var l lzx
	for _, c := range []struct {
		name   string
		packed []byte
		expand func(dst, src []byte) error
	}{
		{"lznt1", ntfstest.LZNT1(text), expandLZNT1},
		{"xpress", ntfstest.XpressHuffman(text), x.expand},
		{"lzx", ntfstest.EncodeLZX(text, ntfstest.LZXAligned), l.expand},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if err := c.expand(got, c.packed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
