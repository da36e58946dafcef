package migxml

import (
	"fmt"
	"strings"
)

// scope is where variables are looked up: those of a component, then those of
// the components around it, then the recognised ones of the context.
type scope struct {
	file  *File
	ctx   *Context
	outer *scope
	vars  map[string]binding // by upper-case name
	moved []string           // names of variables with remap
	name  string             // what diagnostics call the component
	alone bool               // the elements act in the System instance only
}

// binding is the value of a variable: as a plain path or text, and as part of
// an encoded location, where a path's brackets are escaped. Only what the author
// wrote himself may hold the brackets of a location.
type binding struct{ plain, encoded string }

func (s *scope) inner() *scope {
	return &scope{file: s.file, ctx: s.ctx, outer: s, name: s.name, alone: s.alone}
}

func (s *scope) lookup(name string) (binding, bool) {
	name = strings.ToUpper(name)
	for i := s; i != nil; i = i.outer {
		if b, ok := i.vars[name]; ok {
			return b, true
		}
	}
	if v, ok := s.ctx.Vars[name]; ok {
		return binding{v, escapeLocation(v)}, true
	}
	return binding{}, false
}

func (s *scope) set(name string, b binding) {
	if s.vars == nil {
		s.vars = map[string]binding{}
	}
	s.vars[strings.ToUpper(name)] = b
}

// values are the component's variables in the scope.
func (s *scope) values() map[string]string {
	var all map[string]string
	for i := s; i != nil; i = i.outer {
		for name, b := range i.vars {
			if all == nil {
				all = map[string]string{}
			}
			if _, ok := all[name]; !ok {
				all[name] = b.plain
			}
		}
	}
	return all
}

// remaps are the variables in the scope that move their folder.
func (s *scope) remaps() []Remap {
	var all []Remap
	for i := s; i != nil; i = i.outer {
		for _, name := range i.moved {
			b, _ := i.lookup(name)
			all = append(all, Remap{Variable: strings.ToUpper(name), Source: cleanNode(b.plain)})
		}
	}
	return all
}

// undefinedError names a variable without a value, the usual state of a user's
// variable in the System instance.
type undefinedError string

func (e undefinedError) Error() string {
	return fmt.Sprintf("variable %%%s%% is not defined", string(e))
}

// maxExpansion bounds what a text may grow to.
const maxExpansion = 64 << 10

// expand replaces %NAME% in text that is not a location.
func (s *scope) expand(text string) (string, error) {
	return expand(text, func(name string) (string, bool) {
		b, ok := s.lookup(name)
		return b.plain, ok
	})
}

// expandLocation replaces %NAME% in an encoded location.
func (s *scope) expandLocation(text string) (string, error) {
	return expand(text, func(name string) (string, bool) {
		b, ok := s.lookup(name)
		return b.encoded, ok
	})
}

func expand(text string, lookup func(string) (string, bool)) (string, error) {
	if !strings.Contains(text, "%") {
		return text, nil
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "%")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, rest, closed := strings.Cut(after, "%")
		if !closed || !variableName(name) {
			b.WriteByte('%') // a lone percent sign stands for itself
			text = after
			continue
		}
		value, ok := lookup(name)
		if !ok {
			return "", undefinedError(name)
		}
		b.WriteString(value)
		if b.Len() > maxExpansion {
			return "", fmt.Errorf("text expands to more than %d bytes", maxExpansion)
		}
		text = rest
	}
}

func variableName(s string) bool {
	return s != "" && !strings.ContainsAny(s, `\/[]:|,*?"`)
}
