package migxml

import (
	"fmt"
	"strconv"
	"strings"

	"lifeboat/engine/winname"
)

// osMatches compares a glob with major.minor.build.CSD; without a service pack
// the dot before it may be missing.
func osMatches(version, glob string) bool {
	return Match(glob, version) || Match(glob, strings.TrimSuffix(version, "."))
}

// compareOS compares an OS version with a partial one, field by field: three
// numbers, then the service pack as text. Only the fields given count, and a
// glob ends them.
func compareOS(version, given string) (int, error) {
	have := strings.SplitN(version, ".", 4)
	for i, want := range strings.SplitN(strings.TrimSpace(given), ".", 4) {
		if strings.Contains(want, "*") || i >= len(have) {
			return 0, nil
		}
		if i == 3 {
			return strings.Compare(strings.ToUpper(have[i]), strings.ToUpper(want)), nil
		}
		w, err := strconv.ParseUint(strings.TrimSpace(want), 10, 32)
		if err != nil {
			return 0, fmt.Errorf("OS version is %q, expected major.minor.build", show(given))
		}
		h, err := strconv.ParseUint(have[i], 10, 32)
		if err != nil {
			return 0, nil // the source does not tell
		}
		if h != w {
			if h < w {
				return -1, nil
			}
			return 1, nil
		}
	}
	return 0, nil
}

// compareDotted compares two versions number by number. Anything after the
// leading numbers ("1.2.3 (build 7)") and missing fields count as zero; false
// if one has no number at all.
func compareDotted(a, b string) (int, bool) {
	x, ok1 := dotted(a)
	y, ok2 := dotted(b)
	if !ok1 || !ok2 {
		return 0, false
	}
	for i := range max(len(x), len(y)) {
		var p, q uint64
		if i < len(x) {
			p = x[i]
		}
		if i < len(y) {
			q = y[i]
		}
		if p != q {
			if p < q {
				return -1, true
			}
			return 1, true
		}
	}
	return 0, true
}

// dotted reads leading numbers parted by dots or, as some resources write
// them, by commas and blanks.
func dotted(s string) ([]uint64, bool) {
	var list []uint64
	s = strings.TrimSpace(s)
	for len(list) < 16 {
		end := 0
		for end < len(s) && '0' <= s[end] && s[end] <= '9' {
			end++
		}
		n, err := strconv.ParseUint(s[:end], 10, 64)
		if err != nil {
			break
		}
		list = append(list, n)
		s = s[end:]
		if s == "" || s[0] != '.' && s[0] != ',' {
			break
		}
		s = strings.TrimLeft(s[1:], " ")
	}
	return list, len(list) > 0
}

// versionString returns one string of a file's version resource.
func (ev *evaluator) versionString(path, tag string) (string, bool) {
	key := winname.Fold(path)
	table, ok := ev.versions[key]
	if !ok {
		if c, err := ev.platform.Open(path); err == nil {
			table = VersionStrings(c)
			c.Close()
		}
		ev.versions[key] = table
	}
	for name, s := range table {
		if strings.EqualFold(name, tag) {
			return s, true
		}
	}
	return "", false
}
