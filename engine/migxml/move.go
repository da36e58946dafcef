package migxml

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"lifeboat/engine/winname"
)

// Move is what a locationModify needs to know about both sides.
type Move struct {
	Source, Destination *Context // Vars with the component's own variables added
	Known               []string // folders of the source that have a name (CSIDL), for the function Move
	Pattern             Pattern  // of the rule that is about the object, for an ExactMove to a place with a *
}

// Locate returns where a locationModify puts an object (spec 7.5); false if the
// rule does not concern it. The object is a location without wildcards, as
// found on the source; so is the result.
func (m Move) Locate(c *Call, object Pattern) (Pattern, bool, error) {
	name, f, err := c.lookup()
	switch {
	case err != nil:
		return object, false, err
	case f.class != locationClass || len(c.Args) < f.min:
		return object, false, fmt.Errorf("%s cannot be a locationModify", c.Name)
	}
	switch name {
	case "relativemove":
		from, err := m.place(object.Kind, c.arg(0), m.Source)
		if err != nil {
			return object, false, err
		}
		rest, ok := below(object.Node, from.Node)
		if !ok {
			return object, false, nil
		}
		to, err := m.place(object.Kind, c.arg(1), m.Destination)
		if err != nil {
			return object, false, err
		}
		object.Node = to.Node + rest
		return object, true, nil
	case "exactmove":
		to, err := m.place(object.Kind, c.arg(0), m.Destination)
		if err != nil {
			return object, false, err
		}
		texts := stars(m.Pattern.Node, object.Node)
		if texts == nil { // the `\*` at its end may stand for nothing at all
			texts = stars(m.Pattern.Node, object.Node+`\`)
		}
		if to.Node, err = fill(to.Node, texts); err != nil {
			return object, false, err
		}
		if !object.HasLeaf { // a folder that is moved flat is the destination itself
			to.HasLeaf, to.Leaf = false, ""
		} else if !to.HasLeaf {
			to.HasLeaf, to.Leaf = true, object.Leaf
		}
		return to, true, nil
	default: // Move
		to, err := m.place(object.Kind, c.arg(0), m.Destination)
		if err != nil {
			return object, false, err
		}
		object.Node = to.Node + m.belowKnown(object)
		return object, true, nil
	}
}

// stars returns what the stars of a glob stand for in a path that it matches, each
// for as little as it can.
func stars(glob, path string) []string {
	text, folded := []rune(path), []rune(winname.Fold(path))
	first, rest, star := strings.Cut(winname.Fold(glob), "*")
	at := utf8.RuneCountInString(first)
	if !star || len(text) != len(folded) || at > len(text) {
		return nil
	}
	var all []string
	for star {
		var part string
		part, rest, star = strings.Cut(rest, "*")
		after := string(folded[at:])
		i := strings.Index(after, part)
		if !star { // the last part is the end of the path
			i = len(after) - len(part)
		}
		if i < 0 {
			return nil
		}
		n := utf8.RuneCountInString(after[:i])
		all = append(all, string(text[at:at+n]))
		at += n + utf8.RuneCountInString(part)
	}
	return all
}

// fill puts texts in the place of the stars of a path.
func fill(path string, texts []string) (string, error) {
	if strings.Count(path, "*") > len(texts) {
		return "", fmt.Errorf("destination %s has more wildcards than the pattern", show(path))
	}
	for _, t := range texts {
		path = strings.Replace(path, "*", t, 1)
	}
	return cleanNode(path), nil
}

// place reads an argument that names a place on one side.
func (m Move) place(kind Kind, text string, ctx *Context) (Pattern, error) {
	patterns, err := ctx.Locate(kind, text)
	if err != nil {
		return Pattern{}, err
	}
	return patterns[0], nil
}

// below returns what follows a root in a path, with its leading backslash.
func below(path, root string) (string, bool) {
	p, r := strings.Split(path, `\`), strings.Split(root, `\`)
	if len(p) < len(r) {
		return "", false
	}
	for i := range r {
		if !winname.Equal(p[i], r[i]) {
			return "", false
		}
	}
	rest := strings.Join(p[len(r):], `\`)
	if rest != "" {
		rest = `\` + rest
	}
	return rest, true
}

// belowKnown returns the part of an object's path below the longest known
// folder, or below its drive or hive.
func (m Move) belowKnown(object Pattern) string {
	best, longest := "", -1
	for _, k := range m.Known {
		k = cleanNode(k)
		if rest, ok := below(object.Node, k); ok && len(k) > longest {
			best, longest = rest, len(k)
		}
	}
	if longest < 0 {
		if _, rest, ok := strings.Cut(object.Node, `\`); ok {
			best = `\` + rest
		}
	}
	return best
}

// Rebase moves a path from one folder to another if it lies in the first, as
// remap and the default for known folders do (spec 10.1).
func Rebase(path, from, to string) (string, bool) {
	rest, ok := below(path, cleanNode(from))
	if !ok {
		return path, false
	}
	return cleanNode(to) + rest, true
}
