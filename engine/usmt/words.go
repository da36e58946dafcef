package usmt

import (
	"path"
	"strings"

	"lifeboat/engine/winname"
)

// Join writes words as a line that the system's shell reads as these words.
func Join(sys System, words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		if sys.SlashPaths {
			quoted[i] = quoteShell(w)
		} else {
			quoted[i] = quoteWindows(w)
		}
	}
	return strings.Join(quoted, " ")
}

func quoteShell(w string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_@%+=:,./-#", r)
	}
	if w != "" && strings.IndexFunc(w, func(r rune) bool { return !plain(r) }) < 0 && w[0] != '#' || w == errorMark {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

// quoteWindows encloses the argument rather than the option, as the USMT
// documentation does: /ue:"corp\first last".
func quoteWindows(w string) string {
	if w != "" && !strings.ContainsAny(w, " \t\"&|<>^") {
		return w
	}
	option := ""
	if i := strings.IndexByte(w, ':'); i > 0 && w[0] == '/' && !strings.ContainsAny(w[:i], " \t\"&|<>^") {
		option, w = w[:i+1], w[i+1:]
	}
	var b strings.Builder
	b.WriteString(option + `"`)
	slashes := 0
	for i := range len(w) {
		switch w[i] {
		case '\\':
			slashes++
			continue
		case '"': // backslashes before a quotation mark count double
			b.WriteString(strings.Repeat(`\`, 2*slashes+1))
		default:
			b.WriteString(strings.Repeat(`\`, slashes))
		}
		slashes = 0
		b.WriteByte(w[i])
	}
	b.WriteString(strings.Repeat(`\`, 2*slashes) + `"`)
	return b.String()
}

// abs is the full form of a path, by its letters alone, with slashes.
func (sys System) abs(p string) string {
	clean := func(s string) string { return path.Clean(s) }
	dir := sys.Dir
	if !sys.SlashPaths {
		p, dir = strings.ReplaceAll(p, `\`, "/"), strings.ReplaceAll(dir, `\`, "/")
		switch {
		case strings.HasPrefix(p, "//"):
			return "/" + clean(p)
		case len(p) >= 2 && p[1] == ':':
			return p[:2] + clean("/"+p[2:])
		case strings.HasPrefix(p, "/") && len(dir) >= 2:
			return dir[:2] + clean(p)
		}
	} else if strings.HasPrefix(p, "/") {
		return clean(p)
	}
	return strings.TrimSuffix(clean(dir), "/") + "/" + clean(p)
}

// inside reports whether a path lies in a folder, by its letters alone.
func (sys System) inside(dir, p string) bool {
	d, p := sys.abs(dir), sys.abs(p)
	if !sys.SlashPaths {
		d, p = winname.Fold(d), winname.Fold(p)
	}
	return p == d || strings.HasPrefix(p, strings.TrimSuffix(d, "/")+"/")
}
