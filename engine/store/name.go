package store

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Name escapes one name for use as a path segment inside a capture, where names
// are UTF-8, part of a slash path, and written as JSON. Ordinary names stay as
// they are. An escape is %uXXXX for a code unit or %xXX for a byte:
//
//   - a lone surrogate (WTF-8, see winname), NUL, slash and backslash
//   - a byte that is not UTF-8
//   - the first character of "." and ".."
//   - a percent sign that would otherwise read as an escape
//
// [Unescape] reverses it for every input.
func Name(name string) string {
	if name == "." || name == ".." {
		return "%u002E" + name[1:]
	}
	return escape(name, func(c byte) bool { return c == 0 || c == '/' || c == '\\' })
}

// escape escapes what is not UTF-8 and the ASCII characters that special names.
func escape(s string, special func(byte) bool) string {
	if plain(s, special) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if special(c) || c == '%' && i+1 < len(s) && (s[i+1] == 'u' || s[i+1] == 'x') {
				fmt.Fprintf(&b, "%%u%04X", c)
			} else {
				b.WriteByte(c)
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r != utf8.RuneError || size > 1:
			b.WriteString(s[i : i+size])
			i += size
		case isSurrogate(s[i:]):
			fmt.Fprintf(&b, "%%u%04X", 0xD000|uint16(s[i+1]&0x3F)<<6|uint16(s[i+2]&0x3F))
			i += 3
		default:
			fmt.Fprintf(&b, "%%x%02X", c)
			i++
		}
	}
	return b.String()
}

func plain(s string, special func(byte) bool) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' || special(s[i]) {
			return false
		}
	}
	return utf8.ValidString(s)
}

// isSurrogate reports whether s begins with a surrogate in WTF-8.
func isSurrogate(s string) bool {
	return len(s) >= 3 && s[0] == 0xED && s[1] >= 0xA0 && s[1] <= 0xBF && s[2] >= 0x80 && s[2] <= 0xBF
}

// Unescape reverses [Name]. What is not an escape stays as it is.
func Unescape(name string) string {
	if !strings.Contains(name, "%") {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); {
		if u, ok := parseHex(name[i:], "%u", 4); ok {
			if u >= 0xD800 && u <= 0xDFFF {
				b.Write([]byte{0xED, 0x80 | byte(u>>6)&0x3F, 0x80 | byte(u)&0x3F})
			} else {
				b.WriteRune(rune(u))
			}
			i += 6
			continue
		}
		if u, ok := parseHex(name[i:], "%x", 2); ok {
			b.WriteByte(byte(u))
			i += 4
			continue
		}
		b.WriteByte(name[i])
		i++
	}
	return b.String()
}

// parseHex reads prefix and digits upper-case hexadecimal digits at the start of s.
func parseHex(s, prefix string, digits int) (uint16, bool) {
	if len(s) < len(prefix)+digits || s[:len(prefix)] != prefix {
		return 0, false
	}
	var u uint16
	for _, c := range []byte(s[len(prefix) : len(prefix)+digits]) {
		switch {
		case c >= '0' && c <= '9':
			u = u<<4 | uint16(c-'0')
		case c >= 'A' && c <= 'F':
			u = u<<4 | uint16(c-'A'+10)
		default:
			return 0, false
		}
	}
	return u, true
}

// FilePath is where the file or folder at a full Windows path (`C:\Users\a`)
// lies in a capture: File/C$/Users/a.
func FilePath(path string) string { return treePath("File", path) }

// StreamPath is where an alternate data stream of the file or folder at path
// lies in a capture: Streams/C$/Users/a/<stream>.
func StreamPath(path, stream string) string {
	return treePath("Streams", path) + "/" + Name(stream)
}

func treePath(top, path string) string {
	var b strings.Builder
	b.WriteString(top)
	for i, part := range strings.Split(path, `\`) {
		if part == "" {
			continue
		}
		if i == 0 && strings.HasSuffix(part, ":") {
			part = part[:len(part)-1] + "$"
		}
		b.WriteByte('/')
		b.WriteString(Name(part))
	}
	return b.String()
}

// WindowsPath reverses [FilePath]; ok is false if path is not below File/.
func WindowsPath(path string) (windows string, ok bool) {
	parts := strings.Split(path, "/")
	if len(parts) < 2 || parts[0] != "File" {
		return "", false
	}
	for i, part := range parts[1:] {
		part = Unescape(part)
		if i == 0 && strings.HasSuffix(part, "$") {
			part = part[:len(part)-1] + ":"
		}
		parts[i] = part
	}
	windows = strings.Join(parts[:len(parts)-1], `\`)
	if len(parts) == 2 {
		windows += `\`
	}
	return windows, true
}
