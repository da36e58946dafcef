package migxml

import (
	"errors"
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
