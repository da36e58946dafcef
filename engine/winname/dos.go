package winname

import "strings"

// IsDOS reports whether a name has the form of one for DOS: up to eight characters,
// and an extension of up to three.
func IsDOS(name string) bool {
	base, ext, dot := strings.Cut(name, ".")
	if len(name) > 3*12 || base == "" || dot && ext == "" || strings.ContainsAny(name, `\/:*?"<>|+,;=[] `) {
		return false
	}
	for _, r := range name {
		if r < ' ' || r == 0x7F || r == 0xFFFD {
			return false
		}
	}
	return len(ToUTF16(base)) <= 8 && len(ToUTF16(ext)) <= 3 && !strings.Contains(ext, ".")
}

// IsShort reports whether a name has the form of those that Windows makes for DOS
// of a long one: ANNAKE~1, PROGRA~2.TXT.
func IsShort(name string) bool {
	tilde := strings.IndexByte(name, '~')
	if tilde < 1 || !IsDOS(name) {
		return false
	}
	base, _, _ := strings.Cut(name, ".")
	number := base[min(strings.LastIndexByte(base, '~')+1, len(base)):]
	return tilde < len(base) && number != "" && strings.Trim(number, "0123456789") == ""
}

// Long spells a path without the short names in it. lookup returns the name that
// the object at a path has on the disk; it is asked for paths that end with a short
// name only, and those before it are replaced then. What lookup does not know, and
// all from the first wildcard on, stays as it is.
func Long(path string, lookup func(path string) (name string, ok bool)) string {
	if !strings.Contains(path, "~") {
		return path
	}
	segments := strings.Split(path, `\`)
	for i, s := range segments {
		if strings.ContainsAny(s, "*?") {
			break
		}
		if !IsShort(s) {
			continue
		}
		name, ok := lookup(strings.Join(segments[:i+1], `\`))
		if !ok {
			break
		}
		if !Equal(s, name) {
			segments[i] = name
		}
	}
	return strings.Join(segments, `\`)
}
