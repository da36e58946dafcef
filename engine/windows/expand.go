package windows

import "strings"

// maxExpanded is the longest value Windows gives a variable.
const maxExpanded = 32767

// expand replaces %NAME% by the variable's value; the names of vars are in upper
// case. ok is false if one is not known, which stays as it is written.
func expand(text string, vars map[string]string) (expanded string, ok bool) {
	var b strings.Builder
	ok = true
	for {
		before, rest, found := strings.Cut(text, "%")
		name, after, closed := strings.Cut(rest, "%")
		b.WriteString(before)
		if !found {
			return b.String(), ok
		}
		if !closed {
			b.WriteString("%" + rest)
			return b.String(), ok
		}
		value, known := vars[strings.ToUpper(name)]
		if !known || b.Len()+len(value) > maxExpanded {
			ok = false
			b.WriteString("%" + name)
			text = "%" + after // its closing sign may open the next
			continue
		}
		b.WriteString(value)
		text = after
	}
}
