// Package winname handles names as Windows does: file names, registry keys and
// values are sequences of 16-bit code units that need not be valid UTF-16, and
// two names are the same if they are equal after a fixed upper-casing.
//
// Inside Lifeboat such a name is a Go string in WTF-8: UTF-8, except that a
// lone surrogate is kept as its own three bytes. The conversion is reversible
// for every possible name, so nothing that a disk holds is merged or lost.
// [Show] is the one gate a foreign name passes before it reaches a screen, a
// log or a report.
package winname

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// FromUTF16 converts code units to WTF-8.
func FromUTF16(units []uint16) string {
	var b strings.Builder
	b.Grow(len(units))
	for i := 0; i < len(units); i++ {
		u := rune(units[i])
		if utf16.IsSurrogate(u) {
			if i+1 < len(units) {
				if r := utf16.DecodeRune(u, rune(units[i+1])); r != utf8.RuneError {
					b.WriteRune(r)
					i++
					continue
				}
			}
			b.Write([]byte{0xE0 | byte(u>>12), 0x80 | byte(u>>6)&0x3F, 0x80 | byte(u)&0x3F})
			continue
		}
		b.WriteRune(u)
	}
	return b.String()
}

// ToUTF16 converts WTF-8 to code units. Bytes that are neither UTF-8 nor a
// surrogate in WTF-8 become U+FFFD, one per byte.
func ToUTF16(name string) []uint16 {
	units := make([]uint16, 0, len(name))
	for i := 0; i < len(name); {
		r, size := decode(name[i:])
		i += size
		if r >= 0x10000 {
			hi, lo := utf16.EncodeRune(r)
			units = append(units, uint16(hi), uint16(lo))
			continue
		}
		units = append(units, uint16(r))
	}
	return units
}

// decode is utf8.DecodeRuneInString that also understands a surrogate's three bytes.
func decode(s string) (rune, int) {
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size == 1 {
		if u, ok := surrogate(s); ok {
			return rune(u), 3
		}
	}
	return r, size
}

// surrogate reads the WTF-8 form of a surrogate at the start of s.
func surrogate(s string) (uint16, bool) {
	if len(s) >= 3 && s[0] == 0xED && s[1] >= 0xA0 && s[1] <= 0xBF && s[2] >= 0x80 && s[2] <= 0xBF {
		return 0xD000 | uint16(s[1]&0x3F)<<6 | uint16(s[2]&0x3F), true
	}
	return 0, false
}

// Fold returns the upper-cased name, for use as a map key: two names denote the
// same object exactly if their folds are equal.
func Fold(name string) string {
	ascii := true
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return strings.ToUpper(name)
	}
	units := ToUTF16(name)
	for i, u := range units {
		units[i] = Upcase(u)
	}
	return FromUTF16(units)
}

// Equal reports whether Windows takes both for the same name.
func Equal(a, b string) bool {
	return a == b || Fold(a) == Fold(b)
}

// Compare orders two names as registry and NTFS lists do: by upper-cased code
// unit, the shorter first on a tie.
func Compare(a, b []uint16) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if x, y := Upcase(a[i]), Upcase(b[i]); x != y {
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}

// Show makes a foreign name safe to print on one line: control characters,
// lone surrogates, and the marks that reorder or hide text are written as
// <U+XXXX>. Printable text of any script is left as it is.
func Show(name string) string {
	clean := true
	for i := 0; i < len(name); {
		r, size := decode(name[i:])
		if hidden(r) || r == utf8.RuneError && size == 1 {
			clean = false
			break
		}
		i += size
	}
	if clean {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); {
		r, size := decode(name[i:])
		i += size
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, "<%02X>", name[i-1])
		case hidden(r):
			fmt.Fprintf(&b, "<U+%04X>", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func hidden(r rune) bool {
	return r < 0x20 || r >= 0xD800 && r <= 0xDFFF || !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r)
}

// IsDevice reports whether Windows takes a name for a device (CON, COM1, LPT¹
// and so on), whatever its extension: a file of that name is not what is opened.
func IsDevice(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	port, ok := strings.CutPrefix(base, "COM")
	if !ok {
		if port, ok = strings.CutPrefix(base, "LPT"); !ok {
			return false
		}
	}
	return len(port) == 1 && port[0] >= '0' && port[0] <= '9' || port == "¹" || port == "²" || port == "³"
}

// Join appends one segment to a backslash path.
func Join(path, name string) string {
	if strings.HasSuffix(path, `\`) {
		return path + name
	}
	return path + `\` + name
}

// Split parts a backslash path into its folder and its last segment:
// `\Users\anna` into `\Users` and `anna`, `\a` into `\` and `a`.
func Split(path string) (dir, name string) {
	i := strings.LastIndexByte(path, '\\')
	switch {
	case i < 0:
		return "", path
	case i == 0:
		return `\`, path[1:]
	default:
		return path[:i], path[i+1:]
	}
}
