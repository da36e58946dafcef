package ntfs

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"

	"lifeboat/engine/winname"
)

// appendName appends UTF-16 as WTF-8. It is winname.FromUTF16 without the
// allocations, for a table of a million names.
func appendName(dst, raw []byte) []byte {
	for len(raw) >= 2 {
		u := rune(binary.LittleEndian.Uint16(raw))
		raw = raw[2:]
		switch {
		case u < utf8.RuneSelf:
			dst = append(dst, byte(u))
		case !utf16.IsSurrogate(u):
			dst = utf8.AppendRune(dst, u)
		default:
			if len(raw) >= 2 {
				if r := utf16.DecodeRune(u, rune(binary.LittleEndian.Uint16(raw))); r != utf8.RuneError {
					dst = utf8.AppendRune(dst, r)
					raw = raw[2:]
					continue
				}
			}
			dst = append(dst, 0xE0|byte(u>>12), 0x80|byte(u>>6)&0x3F, 0x80|byte(u)&0x3F)
		}
	}
	return dst
}

// nameOf converts one name.
func nameOf(raw []byte) string { return string(appendName(nil, raw)) }

// compareFold orders two names as their winname.Fold would be ordered, without
// making it.
func compareFold[A, B []byte | string](a A, b B) int {
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		x, n := foldedAt(a, i)
		y, m := foldedAt(b, j)
		if x != y {
			return int(x) - int(y)
		}
		i, j = i+n, j+m
	}
	return (len(a) - i) - (len(b) - j)
}

// foldedAt returns the upper-cased character at i and its length in bytes. A
// character of two code units has no other case in Windows' table.
func foldedAt[S []byte | string](s S, i int) (rune, int) {
	c := s[i]
	if c < utf8.RuneSelf {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		return rune(c), 1
	}
	r, n := decodeAt(s, i)
	if r < 0x10000 {
		r = rune(winname.Upcase(uint16(r)))
	}
	return r, n
}

// decodeAt decodes WTF-8 that appendName made, or what a caller asks for.
func decodeAt[S []byte | string](s S, i int) (rune, int) {
	var buf [4]byte
	part := buf[:copy(buf[:], s[i:min(i+4, len(s))])]
	if r, n := utf8.DecodeRune(part); r != utf8.RuneError || n > 1 {
		return r, n
	}
	if len(part) >= 3 && part[0] == 0xED && part[1] >= 0xA0 && part[1] <= 0xBF && part[2]&0xC0 == 0x80 {
		return 0xD000 | rune(part[1]&0x3F)<<6 | rune(part[2]&0x3F), 3
	}
	return utf8.RuneError, 1
}
