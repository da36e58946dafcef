package migxml

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"lifeboat/engine/winname"
)

// Kind is the type of a pattern and of the objects it selects.
type Kind string

// The kinds.
const (
	FileKind     Kind = "File"
	RegistryKind Kind = "Registry"
	IniKind      Kind = "Ini"
)

// Pattern is an encoded location, node[leaf], in which * stands for any
// characters: in the node also for backslashes, and at its end, after a
// backslash, also for nothing, so that `C:\A\*` is C:\A and all below it
// (spec 5). A location is a Pattern without *.
type Pattern struct {
	Kind    Kind   `json:"kind"`
	Node    string `json:"node"`              // brackets unescaped, no backslash at the end: `C:`, `C:\A\*`
	Section string `json:"section,omitempty"` // of an Ini pattern
	Leaf    string `json:"leaf,omitempty"`    // name of the file, registry value or INI key
	HasLeaf bool   `json:"hasLeaf,omitempty"` // without one the pattern selects nodes only
}

// maxPattern bounds the length of a pattern; Windows paths end at 32767 units.
const maxPattern = 32 << 10

// ParsePattern reads an encoded location pattern whose variables are expanded.
func ParsePattern(kind Kind, text string) (Pattern, error) {
	text = strings.TrimSpace(text)
	p := Pattern{Kind: kind}
	if len(text) > maxPattern {
		return p, errors.New("pattern is too long")
	}
	if strings.ContainsAny(text, "\r\n") {
		return p, errors.New("pattern spans several lines, expected one location")
	}
	var node strings.Builder
	rest := ""
	open := false
	for i := 0; i < len(text); i++ {
		if escaped(text, i) {
			i++
		} else if text[i] == '[' {
			rest, open = text[i+1:], true
			break
		}
		node.WriteByte(text[i])
	}
	if open {
		leaf, after, closed := cutLeaf(rest)
		if !closed {
			return p, errors.New("pattern has [ without ]")
		}
		if after != "" {
			return p, fmt.Errorf("pattern has text %q after ]", after)
		}
		p.Leaf, p.HasLeaf = leaf, true
	}
	p.Node = node.String()
	if kind == IniKind {
		bar := strings.LastIndexByte(p.Node, '|')
		if bar < 0 {
			return p, errors.New("ini pattern lacks | between file and section")
		}
		p.Node, p.Section = p.Node[:bar], strings.TrimSpace(p.Node[bar+1:])
	}
	p.Node = cleanNode(p.Node)
	if p.Node == "" {
		return p, errors.New("pattern has no folder or key")
	}
	if kind == FileKind && p.HasLeaf && p.Leaf == "" {
		p.HasLeaf = false // a file without a name: the folder is meant
	}
	return p, nil
}

func escaped(s string, i int) bool {
	return s[i] == '^' && i+1 < len(s) && (s[i+1] == '[' || s[i+1] == ']')
}

// cutLeaf parts "leaf]after" at the bracket and unescapes the leaf.
func cutLeaf(s string) (leaf, after string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if escaped(s, i) {
			i++
		} else if s[i] == ']' {
			return b.String(), s[i+1:], true
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

// cleanNode trims blanks and backslashes from the end and collapses doubled
// backslashes, which variables with a trailing one leave behind, but for the
// two of a UNC path.
func cleanNode(node string) string {
	node = strings.TrimSpace(node)
	unc := strings.HasPrefix(node, `\\`)
	for strings.Contains(node, `\\`) {
		node = strings.ReplaceAll(node, `\\`, `\`)
	}
	node = strings.TrimRight(node, `\ `)
	if unc && node != "" {
		node = `\` + node
	}
	return node
}

// escapeLocation protects the brackets of a plain path that becomes part of an
// encoded location.
func escapeLocation(path string) string {
	if !strings.ContainsAny(path, "[]") {
		return path
	}
	return strings.NewReplacer("[", "^[", "]", "^]").Replace(path)
}

// String returns the pattern in its encoded form.
func (p Pattern) String() string {
	s := escapeLocation(p.Node)
	if strings.HasSuffix(s, ":") && p.Kind == FileKind {
		s += `\`
	}
	switch {
	case p.Kind == IniKind && p.HasLeaf:
		return s + "|" + escapeLocation(p.Section) + "[" + escapeLocation(p.Leaf) + "]"
	case p.Kind == IniKind:
		return s + "|" + escapeLocation(p.Section)
	case p.HasLeaf:
		return s + " [" + escapeLocation(p.Leaf) + "]"
	}
	return s
}

// Literal reports whether the pattern has no wildcard, that is, names one object.
func (p Pattern) Literal() bool {
	return !strings.Contains(p.Node, "*") && !strings.Contains(p.Section, "*") && !strings.Contains(p.Leaf, "*")
}

// takesNodes tells whether the pattern selects the nodes it matches: `[*]`
// does, `[*.doc]` does not (spec 5.4).
func (p Pattern) takesNodes() bool { return !p.HasLeaf || p.Leaf == "*" }

// MatchNode tells whether the pattern selects the folder or key at path.
func (p Pattern) MatchNode(path string) bool {
	return p.takesNodes() && p.matchPath(path)
}

// MatchLeaf tells whether the pattern selects the file or value called name in
// the folder or key at path.
func (p Pattern) MatchLeaf(path, name string) bool {
	return p.HasLeaf && Match(p.Leaf, name) && p.matchPath(path)
}

func (p Pattern) matchPath(path string) bool {
	body, tail := strings.CutSuffix(p.Node, `\*`)
	if p.Node == "*" || Match(p.Node, path) {
		return true
	}
	return tail && Match(body, path)
}

// Match tells whether name matches a glob in which only * is special. Case is
// ignored as Windows does.
func Match(glob, name string) bool {
	return matchFolded(winname.Fold(glob), winname.Fold(name))
}

// matchFolded matches greedily: between two stars the first occurrence of a
// literal is as good as any later one.
func matchFolded(glob, name string) bool {
	first, rest, star := strings.Cut(glob, "*")
	if !star {
		return glob == name
	}
	name, ok := strings.CutPrefix(name, first)
	if !ok {
		return false
	}
	for {
		part, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(name, part)
		}
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name, rest = name[i+len(part):], after
	}
}

// strength is how specific a pattern is: K1 to K5 of spec 9.2, the first that
// differs decides.
type strength [5]int

func (p Pattern) strength() strength {
	var k strength
	node := p.Node
	if p.Kind == IniKind {
		node += `\` + p.Section
	}
	for seg := range strings.SplitSeq(node, `\`) {
		if strings.Contains(seg, "*") {
			break
		}
		k[0]++
	}
	if !strings.Contains(node, "*") {
		k[1] = 1
	}
	k[2] = literals(node)
	if p.HasLeaf && p.Leaf != "*" {
		k[3] = 1
		if !strings.Contains(p.Leaf, "*") {
			k[3] = 2
		}
		k[4] = literals(p.Leaf)
	}
	return k
}

func literals(s string) int { return utf8.RuneCountInString(s) - strings.Count(s, "*") }

// compare is positive if k is the more specific.
func (k strength) compare(o strength) int {
	for i := range k {
		if k[i] != o[i] {
			return k[i] - o[i]
		}
	}
	return 0
}

// checkRoot tells why a pattern cannot match anything: where nodes begin is
// fixed (spec 5.5).
func checkRoot(p Pattern) error {
	root, _, _ := strings.Cut(p.Node, `\`)
	if p.Kind == RegistryKind {
		if rootKey(root) == "" {
			return fmt.Errorf("%q is no registry root, expected HKLM, HKCU, HKU or HKCR", show(root))
		}
		return nil
	}
	switch {
	case strings.HasPrefix(p.Node, "*"), strings.HasPrefix(p.Node, `\\`), strings.HasSuffix(root, ":"):
		return nil
	case strings.Contains(root, ":"):
		return fmt.Errorf("%q is no drive", show(root))
	}
	return errors.New("the path has no drive letter")
}

// rootKey returns the short name of a registry root, "" if it is none.
func rootKey(name string) string {
	switch strings.ToUpper(name) {
	case "HKLM", "HKEY_LOCAL_MACHINE":
		return "HKLM"
	case "HKCU", "HKEY_CURRENT_USER":
		return "HKCU"
	case "HKU", "HKEY_USERS":
		return "HKU"
	case "HKCR", "HKEY_CLASSES_ROOT":
		return "HKCR"
	}
	return ""
}
