package migxml

import (
	"bytes"
	"strings"

	"golang.org/x/text/encoding/charmap"

	"lifeboat/engine/winname"
)

// Setting is one key of an INI file.
type Setting struct {
	Path    string `json:"path"`
	Section string `json:"section"`
	Key     string `json:"key"`
	Value   string `json:"value"`
}

// ParseINI reads the settings of an INI file as Windows does: UTF-16 with a
// byte order mark, else the ANSI code page (taken as Windows-1252 when the text
// is not UTF-8). The first of several sections or keys of one name counts.
func ParseINI(data []byte) []Setting {
	var list []Setting
	seen := map[[2]string]bool{}
	closed := map[string]bool{} // sections that have ended
	section, live := "", false
	for line := range strings.SplitSeq(iniText(data), "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == ';':
		case line[0] == '[':
			name, _, _ := strings.Cut(line[1:], "]")
			closed[winname.Fold(section)] = true
			section = strings.TrimSpace(name)
			live = !closed[winname.Fold(section)]
		case live:
			key, value, ok := strings.Cut(line, "=")
			key = strings.TrimSpace(key)
			id := [2]string{winname.Fold(section), winname.Fold(key)}
			if ok && key != "" && !seen[id] {
				seen[id] = true
				list = append(list, Setting{Section: section, Key: key, Value: unquote(strings.TrimSpace(value))})
			}
		}
	}
	return list
}

func iniText(data []byte) string {
	if bytes.HasPrefix(data, []byte("\xFF\xFE")) {
		return decodeUTF16(data[2:])
	}
	data = bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))
	if text := string(data); strings.ToValidUTF8(text, "") == text {
		return text
	}
	text, _ := charmap.Windows1252.NewDecoder().Bytes(data)
	return string(text)
}

// unquote strips one pair of quotes, as GetPrivateProfileString does.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// eachSetting visits the INI settings that a pattern selects.
func (ev *evaluator) eachSetting(p Pattern, visit func(found) bool) {
	ev.settings(p, func(s Setting) bool {
		if !p.HasLeaf {
			return visit(found{node: s.Path + "|" + s.Section})
		}
		return visit(found{node: s.Path + "|" + s.Section, leaf: s.Key, part: true, value: Value{Name: s.Key, Type: RegSz, Data: encodeSz(s.Value)}})
	})
}

func (ev *evaluator) settings(p Pattern, visit func(Setting) bool) {
	file := Pattern{Kind: FileKind, HasLeaf: true}
	file.Node, file.Leaf = winname.Split(p.Node)
	ev.each(file, func(f found) bool {
		if !f.part {
			return true
		}
		path := winname.Join(f.node, f.leaf)
		data, _ := ev.read(path)
		for _, s := range ParseINI(data) {
			if Match(p.Section, s.Section) && (!p.HasLeaf || Match(p.Leaf, s.Key)) {
				s.Path = path
				if !ev.spend(1) || !visit(s) {
					return false
				}
			}
		}
		return true
	})
}
