package migxml

import "slices"

// newLeafTable sorts the candidates of a folder, which are ordered by rank, by
// what of a leaf they depend on, and drops those that can neither win nor be
// the include that an exclude is reported for.
func newLeafTable(cands []*cand) leafTable {
	var t leafTable
	var unit int     // whose strongest is known, plus one
	var top *cand    // the strongest of the unit that holds for every leaf
	var beaten bool  // an include of the unit that lost against top is kept
	var barred *cand // the unconditionalExclude of every leaf
	for _, c := range cands {
		if !c.leaves {
			continue
		}
		if unit != c.unit+1 {
			unit, top, beaten = c.unit+1, nil, false
		}
		uncond := c.rule.Kind == UnconditionalExclude
		include := c.rule.Kind == Include
		if c.kind != leafAny || c.filter != nil {
			if uncond || top == nil || include && top.rule.Kind == Exclude {
				t.put(c)
			}
			continue
		}
		switch {
		case uncond && barred == nil:
			barred = c
		case !uncond && top == nil:
			top = c
		case include && top != nil && top.rule.Kind == Exclude && !beaten:
			beaten = true
		default:
			continue
		}
		t.any = append(t.any, c)
	}
	var v verdict
	for _, c := range t.any {
		v.see(c)
	}
	t.always = v.result()
	return t
}

// put files a candidate that depends on the leaf.
func (t *leafTable) put(c *cand) {
	switch {
	case c.filter != nil || c.kind == leafGlob:
		t.globs = append(t.globs, c)
	case c.kind == leafExact:
		if t.exact == nil {
			t.exact = map[string][]*cand{}
		}
		t.exact[c.leaf] = append(t.exact[c.leaf], c)
	default:
		if t.suffix == nil {
			t.suffix = map[string][]*cand{}
		}
		t.suffix[c.leaf] = append(t.suffix[c.leaf], c)
	}
}

// matches tells whether c applies to a leaf with this folded name.
func (c *cand) matches(folded string, o Object) bool {
	switch c.kind {
	case leafExact:
		if c.leaf != folded {
			return false
		}
	case leafSuffix:
		if ext, ok := extension(folded); !ok || ext != c.leaf {
			return false
		}
	case leafGlob:
		if !matchFolded(c.leaf, folded) {
			return false
		}
	}
	return c.filter == nil || c.filter(o)
}

// extension returns what follows the last dot.
func extension[S string | []byte](name S) (S, bool) {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '.' {
			return name[i+1:], true
		}
	}
	return name[:0], false
}

func (t *leafTable) judge(name string, o Object) Verdict {
	if t.exact == nil && t.suffix == nil && t.globs == nil {
		return t.always
	}
	var nameRoom [256]byte
	folded := foldInto(nameRoom[:0], name)
	var room [16]*cand
	hits := append(room[:0], t.exact[string(folded)]...)
	if ext, ok := extension(folded); ok {
		hits = append(hits, t.suffix[string(ext)]...)
	}
	if len(t.globs) > 0 {
		text := string(folded)
		for _, c := range t.globs {
			if c.matches(text, o) {
				hits = append(hits, c)
			}
		}
	}
	if len(hits) == 0 {
		return t.always
	}
	hits = append(hits, t.any...)
	slices.SortFunc(hits, func(a, b *cand) int { return a.rank - b.rank })
	var v verdict
	for _, c := range hits {
		v.see(c)
	}
	return v.result()
}
