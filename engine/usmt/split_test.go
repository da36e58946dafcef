package usmt

import "strings"

// Split takes a line apart as Windows does for a program it starts: blanks
// part words unless quoted, a backslash matters only before a quotation mark.
func Split(s string) []string {
	var words []string
	var b strings.Builder
	word, quoted := false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case (c == ' ' || c == '\t') && !quoted:
			if word {
				words = append(words, b.String())
				b.Reset()
				word = false
			}
		case c == '\\':
			n := 1
			for i+n < len(s) && s[i+n] == '\\' {
				n++
			}
			word = true
			if i+n < len(s) && s[i+n] == '"' {
				b.WriteString(strings.Repeat(`\`, n/2))
				if n%2 == 1 {
					b.WriteByte('"')
					n++
				}
			} else {
				b.WriteString(strings.Repeat(`\`, n))
			}
			i += n - 1
		case c == '"':
			word = true
			if quoted && i+1 < len(s) && s[i+1] == '"' {
				b.WriteByte('"')
				i++
			} else {
				quoted = !quoted
			}
		default:
			word = true
			b.WriteByte(c)
		}
	}
	if word {
		words = append(words, b.String())
	}
	return words
}
