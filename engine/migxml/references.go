package migxml

import (
	"github.com/beevik/etree"

	"lifeboat/engine/winname"
)

// resolve returns an element that stands for itself, or the definition that it
// refers to; nil if there is none.
func resolve[T any](definitions map[string]*T, here *T, name string, ref bool) *T {
	if !ref {
		return here
	}
	return definitions[winname.Fold(name)]
}

// refersTo records where a reference stands, for checkReferences.
type refersTo struct {
	element *etree.Element
	tag     string
	name    string // as written
	within  string // tag and name of the definition it is part of, "" if none
}

func (r refersTo) target() string { return r.tag + " " + winname.Fold(r.name) }

// checkReferences warns about names that nothing defines, and removes
// definitions that contain themselves or a chain of too many others.
func (p *parser) checkReferences() {
	n := &p.file.named
	defined := func(tag, name string) bool {
		name, ok := winname.Fold(name), false
		switch tag {
		case "environment":
			_, ok = n.environments[name]
		case "rules":
			_, ok = n.rules[name]
		case "conditions":
			_, ok = n.conditions[name]
		case "detection":
			_, ok = n.detections[name]
		case "detects":
			_, ok = n.detects[name]
		case "detect":
			_, ok = n.detect[name]
		}
		return ok
	}
	uses := map[string][]refersTo{}
	for _, r := range p.refs {
		if !defined(r.tag, r.name) {
			p.say(Warning, r.element, "no %s is called %q in namedElements, taken as empty", r.tag, show(r.name))
		}
		if r.within != "" {
			uses[r.within] = append(uses[r.within], r)
		}
	}
	const visiting = -1
	height := map[string]int{} // of the chains of definitions below one that was visited
	var visit func(string) int
	visit = func(name string) int {
		height[name] = visiting
		most := 1
		for _, r := range uses[name] {
			below := height[r.target()]
			if below == 0 {
				below = visit(r.target())
			}
			switch {
			case below == visiting:
				p.say(Error, r.element, "%s %q contains itself, the definition is left out", r.tag, show(r.name))
				p.undefine(r.tag, r.name)
			case below >= maxDepth:
				p.say(Error, r.element, "%s %q refers to more than %d definitions in a row, it is left out", r.tag, show(r.name), maxDepth)
				p.undefine(r.tag, r.name)
			default:
				most = max(most, below+1)
			}
		}
		height[name] = most
		return most
	}
	for _, r := range p.refs {
		if r.within != "" && height[r.within] == 0 {
			visit(r.within)
		}
	}
}

func (p *parser) undefine(tag, name string) {
	n := &p.file.named
	name = winname.Fold(name)
	switch tag {
	case "environment":
		delete(n.environments, name)
	case "rules":
		delete(n.rules, name)
	case "conditions":
		delete(n.conditions, name)
	case "detection":
		delete(n.detections, name)
	case "detects":
		delete(n.detects, name)
	case "detect":
		delete(n.detect, name)
	}
}
