package migxml

import (
	"bytes"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/charmap"

	"lifeboat/engine/winname"
)

// content evaluates a content element: the locations that the content of the
// selected objects names and that exist (spec 7.2).
func (ev *evaluator) content(c *ContentSet, sc *scope) []Pattern {
	var all []Pattern
	for _, set := range c.Sets {
		for _, y := range ev.objectSet(set, sc) {
			if y.pattern.Kind == FileKind {
				continue // a file's content is no reference
			}
			ev.each(y.pattern, func(f found) bool {
				if f.part {
					all = append(all, ev.extract(&c.Filter.Call, f.value, sc)...)
				}
				return ev.spend(1)
			})
		}
	}
	return all
}

// extract calls a content function on one value.
func (ev *evaluator) extract(c *Call, v Value, sc *scope) []Pattern {
	name, _, err := c.lookup()
	if err != nil {
		return nil
	}
	texts := v.Strings()
	switch name {
	case "extractsinglefileansibin":
		ansi, _, _ := bytes.Cut(v.Data, []byte{0})
		text, _ := charmap.Windows1252.NewDecoder().Bytes(ansi)
		texts = []string{string(text)}
	case "extractsinglefileunicodebin":
		text, _, _ := strings.Cut(decodeUTF16(v.Data), "\x00")
		texts = []string{text}
	}
	if name != "extractmultiplefiles" && len(texts) > 1 {
		texts = texts[:1]
	}
	separators := ""
	if !c.null(0) {
		separators = c.arg(0)
	}
	if name == "extractmultiplefiles" && v.Type != RegMultiSz && separators != "" && len(texts) == 1 {
		texts = strings.FieldsFunc(texts[0], func(r rune) bool { return strings.ContainsRune(separators, r) })
		separators = ""
	}
	var all []Pattern
	for _, text := range texts {
		if v.Type == RegExpandSz {
			expanded, err := sc.expand(text)
			if err != nil {
				continue
			}
			text = expanded
		}
		if name == "extractdirectory" {
			all = append(all, ev.extractDirectory(c, cutSpec(text, separators))...)
		} else if p, ok := ev.extractFile(c, cutSpec(text, separators), sc); ok {
			all = append(all, p)
		}
	}
	return all
}

// cutSpec takes the file spec off the front of a text: what stands in quotes,
// or what precedes the first separator.
func cutSpec(text, separators string) string {
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, `"`); ok {
		inner, _, _ = strings.Cut(inner, `"`)
		return strings.TrimSpace(inner)
	}
	if i := strings.IndexAny(text, separators); i >= 0 {
		text = text[:i]
	}
	return strings.TrimSpace(text)
}

// extractFile finds an existing file; one named without folder is looked for in
// the path hints.
func (ev *evaluator) extractFile(c *Call, spec string, sc *scope) (Pattern, bool) {
	if spec == "" || strings.ContainsAny(spec, "*?\r\n") {
		return Pattern{}, false
	}
	candidates := []string{spec}
	if !strings.Contains(spec, `\`) {
		candidates = nil
		if !c.null(1) {
			for hint := range strings.SplitSeq(c.arg(1), ";") {
				if dir, err := sc.expand(strings.TrimSpace(hint)); err == nil && dir != "" {
					candidates = append(candidates, winname.Join(dir, spec))
				}
			}
		}
	}
	for _, path := range candidates {
		dir, name := winname.Split(cleanNode(path))
		if e, ok := ev.platform.Stat(winname.Join(dir, name)); ok && !e.Dir {
			return Pattern{Kind: FileKind, Node: dir, Leaf: name, HasLeaf: true}, true
		}
	}
	return Pattern{}, false
}

// extractDirectory trims levels off the end and wants an existing folder.
func (ev *evaluator) extractDirectory(c *Call, spec string) []Pattern {
	dir := cleanNode(spec)
	levels, _ := strconv.Atoi(strings.TrimSpace(c.arg(1)))
	for ; levels > 0 && dir != ""; levels-- {
		dir, _ = winname.Split(dir)
	}
	if dir == "" || strings.ContainsAny(dir, "*?\r\n") {
		return nil
	}
	if e, ok := ev.platform.Stat(root(dir)); !ok || !e.Dir {
		return nil
	}
	text := escapeLocation(dir)
	if suffix := c.arg(2); !c.null(2) {
		if !strings.HasPrefix(suffix, `\`) && !strings.HasPrefix(strings.TrimSpace(suffix), "[") {
			text += `\`
		}
		text += suffix
	}
	p, err := ParsePattern(FileKind, text)
	if err != nil {
		return nil
	}
	return []Pattern{p}
}

// stringContent is GetStringContent (spec 7.4): the text of a registry value or
// INI setting, trimmed of two sets of characters.
func (ev *evaluator) stringContent(c *Call, line int, sc *scope) (string, bool) {
	kind, err := kindArg(c.arg(0))
	if err == nil && kind == FileKind {
		return "", false
	}
	var v Value
	var ok bool
	if err == nil {
		v, ok, err = ev.value(kind, c.arg(1), sc)
	}
	if err != nil {
		ev.say(ev.gravity(err, sc), sc, line, "location %.120s: %v; the variable has no value", show(c.arg(1)), err)
	}
	if !ok {
		return "", false
	}
	text := v.Text()
	if c.flag(2, true) {
		if expanded, err := sc.expand(text); err == nil {
			text = expanded
		}
	}
	if !c.null(3) {
		text = strings.TrimLeft(text, c.arg(3))
	}
	if !c.null(4) {
		text = strings.TrimRight(text, c.arg(4))
	}
	return text, true
}
