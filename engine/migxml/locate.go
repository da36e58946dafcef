package migxml

import (
	"errors"
	"regexp"
	"strings"
)

// errNoUser is why HKCU cannot be resolved in the System instance.
var errNoUser = errors.New("HKCU has no meaning in the System context")

// locate expands an encoded location and resolves the registry root. HKCR is
// two places for a user, his own classes first.
func (s *scope) locate(kind Kind, text string) ([]Pattern, error) {
	expanded, err := s.expandLocation(text)
	if err != nil {
		return nil, err
	}
	p, err := ParsePattern(kind, expanded)
	if err != nil {
		return nil, err
	}
	if err := checkRoot(p); err != nil {
		return nil, err
	}
	if kind != RegistryKind {
		return []Pattern{p}, nil
	}
	nodes, err := resolveKey(p.Node, s.ctx)
	if err != nil {
		return nil, err
	}
	patterns := make([]Pattern, len(nodes))
	for i, n := range nodes {
		patterns[i] = p
		patterns[i].Node = n
	}
	return patterns, nil
}

// resolveKey replaces the root of a key path by what it stands for in a context.
func resolveKey(node string, ctx *Context) ([]string, error) {
	root, rest, deeper := strings.Cut(node, `\`)
	if deeper {
		rest = `\` + rest
	}
	switch rootKey(root) {
	case "HKCU":
		if ctx.System {
			return nil, errNoUser
		}
		return []string{`HKU\` + ctx.ID + rest}, nil
	case "HKCR":
		machine := `HKLM\SOFTWARE\Classes` + rest
		if ctx.System {
			return []string{machine}, nil
		}
		return []string{`HKU\` + ctx.ID + `\Software\Classes` + rest, machine}, nil
	case "HKU":
		return []string{"HKU" + rest}, nil
	}
	return []string{"HKLM" + rest}, nil
}

// Locate reads an encoded pattern with variables as an element of the context
// would: it is what Config.xml's patterns and a question for Explain go through.
// HKCR of a user is two places.
func (c *Context) Locate(kind Kind, text string) ([]Pattern, error) {
	s := scope{ctx: c}
	return s.locate(kind, text)
}

var variable = regexp.MustCompile(`%[^%\\]+%`)

// Expand replaces variables, and HKCU, in a path or key by what they are in the
// context; false if they are nothing there.
func (c *Context) Expand(kind Kind, text string) (string, bool) {
	ok := true
	text = variable.ReplaceAllStringFunc(text, func(name string) string {
		value, known := c.Vars[strings.ToUpper(strings.Trim(name, "%"))]
		ok = ok && known
		return value
	})
	if kind != RegistryKind {
		return text, ok
	}
	root, rest, _ := strings.Cut(text, `\`)
	switch strings.ToUpper(strings.TrimSpace(root)) {
	case "HKCU", "HKEY_CURRENT_USER":
		return `HKU\` + c.ID + `\` + rest, ok && !c.System
	case "HKEY_LOCAL_MACHINE":
		return `HKLM\` + rest, ok
	case "HKEY_USERS":
		return `HKU\` + rest, ok
	}
	return text, ok
}
