package migxml

import (
	"bytes"
	"io"
	"strings"

	"lifeboat/engine/winname"
)

// found is an object that a pattern matched on the platform.
type found struct {
	node  string
	leaf  string
	part  bool // leaf names a file, value or INI key; else the node itself is meant
	value Value
}

// exists tells whether the pattern matches anything.
func (ev *evaluator) exists(p Pattern) bool {
	any := false
	ev.each(p, func(found) bool {
		any = true
		return false
	})
	return any
}

// each calls visit for every object that the pattern selects, until it returns
// false.
func (ev *evaluator) each(p Pattern, visit func(found) bool) {
	if p.Kind == IniKind {
		ev.eachSetting(p, visit)
		return
	}
	w := walker{ev: ev, kind: p.Kind, visit: visit}
	if !strings.Contains(p.Node, "*") {
		w.literal(p)
		return
	}
	rule := &Rule{Kind: Include, Pattern: p}
	cursor := newTree([]*cand{newCand(rule, nil)}).cursor()
	var prefix []string
	for seg := range strings.SplitSeq(p.Node, `\`) {
		if strings.Contains(seg, "*") {
			break
		}
		prefix = append(prefix, seg)
		cursor = cursor.Descend(seg)
	}
	switch {
	case len(prefix) > 0:
		if node := strings.Join(prefix, `\`); w.has(node) {
			w.node(node, cursor, 0)
		}
	case p.Kind == FileKind:
		for _, d := range ev.platform.Drives() {
			if d.Type != Remote && !w.node(d.Letter, cursor.Descend(d.Letter), 0) {
				return
			}
		}
	}
}

type walker struct {
	ev    *evaluator
	kind  Kind
	visit func(found) bool
}

// maxWalk bounds the depth of folders and keys.
const maxWalk = 1024

func (w *walker) has(node string) bool {
	if w.kind == RegistryKind {
		return w.ev.platform.KeyExists(node)
	}
	e, ok := w.ev.platform.Stat(root(node))
	return ok && e.Dir
}

// root writes a drive as a path.
func root(node string) string {
	if strings.HasSuffix(node, ":") {
		return node + `\`
	}
	return node
}

func (w *walker) literal(p Pattern) {
	if !w.has(p.Node) || !w.ev.spend(1) {
		return
	}
	if p.takesNodes() && !w.visit(found{node: p.Node}) || !p.HasLeaf {
		return
	}
	if !strings.Contains(p.Leaf, "*") {
		if w.kind == RegistryKind {
			if v, ok := w.ev.platform.Value(p.Node, p.Leaf); ok {
				w.visit(found{p.Node, p.Leaf, true, v})
			}
		} else if e, ok := w.ev.platform.Stat(winname.Join(p.Node, p.Leaf)); ok && !e.Dir {
			w.visit(found{node: p.Node, leaf: p.Leaf, part: true})
		}
		return
	}
	w.leaves(p.Node, func(name string) bool { return Match(p.Leaf, name) })
}

// leaves visits the files or values of a node that match.
func (w *walker) leaves(node string, match func(string) bool) bool {
	if w.kind == RegistryKind {
		for _, v := range w.ev.platform.Values(node) {
			if !w.ev.spend(1) || match(v.Name) && !w.visit(found{node, v.Name, true, v}) {
				return false
			}
		}
		return true
	}
	for _, e := range w.ev.platform.ReadDir(root(node)) {
		if !w.ev.spend(1) || !e.Dir && match(e.Name) && !w.visit(found{node: node, leaf: e.Name, part: true}) {
			return false
		}
	}
	return true
}

// node visits a node and what is below it; false ends the walk.
func (w *walker) node(node string, c Cursor, depth int) bool {
	if c.Dead() || depth > maxWalk {
		return true
	}
	if !w.ev.spend(1) || c.Node().Takers != nil && !w.visit(found{node: node}) {
		return false
	}
	match := func(name string) bool { return c.Leaf(name, Object{}).Takers != nil }
	if w.kind == RegistryKind {
		if !w.leaves(node, match) {
			return false
		}
		for _, key := range w.ev.platform.Subkeys(node) {
			if !w.node(node+`\`+key, c.Descend(key), depth+1) {
				return false
			}
		}
		return true
	}
	for _, e := range w.ev.platform.ReadDir(root(node)) {
		switch {
		case !w.ev.spend(1):
			return false
		case !e.Dir:
			if match(e.Name) && !w.visit(found{node: node, leaf: e.Name, part: true}) {
				return false
			}
		case e.Reparse:
			if c.Descend(e.Name).Node().Takers != nil && !w.visit(found{node: node + `\` + e.Name}) {
				return false
			}
		case !w.node(node+`\`+e.Name, c.Descend(e.Name), depth+1):
			return false
		}
	}
	return true
}

// file finds the file that a location names, in brackets or as a plain path.
func (ev *evaluator) file(text string, sc *scope) (path string, ok bool, err error) {
	patterns, err := sc.locate(FileKind, text)
	if err != nil {
		return "", false, err
	}
	p := patterns[0]
	if !p.HasLeaf {
		if !strings.Contains(p.Node, "*") {
			e, ok := ev.platform.Stat(root(p.Node))
			return p.Node, ok && !e.Dir, nil
		}
		dir, name := winname.Split(p.Node)
		p.Node, p.Leaf, p.HasLeaf = dir, name, true
	}
	ev.each(p, func(f found) bool {
		if f.part {
			path, ok = winname.Join(f.node, f.leaf), true
		}
		return !ok
	})
	return path, ok, nil
}

// value finds the registry value or INI setting that a location names.
func (ev *evaluator) value(kind Kind, text string, sc *scope) (v Value, ok bool, err error) {
	patterns, err := sc.locate(kind, text)
	if err != nil {
		return v, false, err
	}
	for _, p := range patterns {
		ev.each(p, func(f found) bool {
			if f.part {
				v, ok = f.value, true
			}
			return !ok
		})
		if ok {
			break
		}
	}
	return v, ok, nil
}

// maxContent bounds a file whose content is read whole.
const maxContent = 16 << 20

// read returns the content of a small file.
func (ev *evaluator) read(path string) ([]byte, bool) {
	e, ok := ev.platform.Stat(path)
	if !ok || e.Dir || e.Size > maxContent {
		return nil, false
	}
	c, err := ev.platform.Open(path)
	if err != nil {
		return nil, false
	}
	defer c.Close()
	data, err := io.ReadAll(io.NewSectionReader(c, 0, e.Size))
	return data, err == nil
}

// sameFiles compares two files block by block.
func (ev *evaluator) sameFiles(a, b string) bool {
	x, ok1 := ev.platform.Stat(a)
	y, ok2 := ev.platform.Stat(b)
	if !ok1 || !ok2 || x.Dir || y.Dir || x.Size != y.Size {
		return false
	}
	f, err := ev.platform.Open(a)
	if err != nil {
		return false
	}
	defer f.Close()
	g, err := ev.platform.Open(b)
	if err != nil {
		return false
	}
	defer g.Close()
	p, q := make([]byte, 64<<10), make([]byte, 64<<10)
	for at := int64(0); at < x.Size; {
		n := min(int64(len(p)), x.Size-at)
		if _, err := f.ReadAt(p[:n], at); err != nil && err != io.EOF {
			return false
		}
		if _, err := g.ReadAt(q[:n], at); err != nil && err != io.EOF {
			return false
		}
		if !bytes.Equal(p[:n], q[:n]) {
			return false
		}
		at += n
	}
	return true
}
