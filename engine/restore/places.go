package restore

import (
	"maps"
	"slices"
	"strings"

	"lifeboat/engine/migxml"
	"lifeboat/engine/winname"
)

// places knows where folders of the source are on the destination when no rule
// says so (spec/migxml-spec.md 10.1).
type places struct {
	system []moved
	users  map[string][]moved // by folded context ID; the machine's folders are in it too
	homes  map[string]string  // folded profile folder on the source → context ID
}

// moved is a folder that has a name on both sides. Longer ones come first.
type moved struct{ from, to string }

// knownPrefixes and knownNames are variables that name folders with a meaning;
// others may hold anything.
var (
	knownPrefixes = []string{"CSIDL_", "FOLDERID_"}
	knownNames    = strings.Fields("USERPROFILE APPDATA LOCALAPPDATA PUBLIC ALLUSERSPROFILE ALLUSERSAPPDATA PROGRAMDATA " +
		"PROGRAMFILES PROGRAMFILES(X86) COMMONPROGRAMFILES COMMONPROGRAMFILES(X86) WINDIR SYSTEMROOT PROFILESFOLDER DEFAULTUSERPROFILE")
)

func isKnown(name string) bool {
	for _, p := range knownPrefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return slices.Contains(knownNames, name)
}

// pair lists the folders that both sides have a variable for.
func pair(source, destination map[string]string) []moved {
	var list []moved
	for name, from := range source {
		to := destination[name]
		from, to = strings.TrimRight(from, `\`), strings.TrimRight(to, `\`)
		// The root of a drive is no known folder, whatever the variable says.
		if !isKnown(name) || !isPath(from) || !isPath(to) || strings.Count(from, `\`) < 1 {
			continue
		}
		list = append(list, moved{from, to})
	}
	slices.SortFunc(list, func(a, b moved) int {
		if len(a.from) != len(b.from) {
			return len(b.from) - len(a.from)
		}
		if c := strings.Compare(winname.Fold(a.from), winname.Fold(b.from)); c != 0 {
			return c
		}
		return strings.Compare(a.to, b.to)
	})
	return list
}

// isPath reports whether s is a path with a drive letter.
func isPath(s string) bool {
	return len(s) >= 2 && s[1] == ':' && (s[0]|0x20) >= 'a' && (s[0]|0x20) <= 'z' && (len(s) == 2 || s[2] == '\\')
}

// of returns where something of the source goes by default; user is the context
// it was taken for. What lies in the profile of another user follows that one.
func (p *places) of(path, user string) string {
	tables := [][]moved{p.users[winname.Fold(user)], p.users[winname.Fold(p.homeOf(path))], p.system}
	if user == "" || user == systemID {
		tables = tables[1:]
	}
	for _, table := range tables {
		for _, m := range table {
			if to, ok := migxml.Rebase(path, m.from, m.to); ok {
				return to
			}
		}
	}
	return path
}

// isNamed reports whether a folder of the destination has a meaning of its own.
func (p *places) isNamed(path string) bool {
	for _, table := range append(slices.Collect(maps.Values(p.users)), p.system) {
		if slices.ContainsFunc(table, func(m moved) bool { return winname.Equal(m.to, path) }) {
			return true
		}
	}
	return false
}

// homeOf finds whose profile a path lies in.
func (p *places) homeOf(path string) string {
	for at := winname.Fold(path); strings.Contains(at, `\`); at, _ = winname.Split(at) {
		if id, ok := p.homes[at]; ok {
			return id
		}
	}
	return ""
}
