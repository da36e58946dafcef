package migxml

import (
	"bytes"
	"slices"
)

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
	t.special = true
	switch c.kind {
	case leafAny:
		t.asked = append(t.asked, c)
	case leafGlob:
		t.globs.put(c)
	case leafExact:
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

// passed adds the candidates whose filter, if they have one, approves the object.
func passed(hits, cands []*cand, o Object) []*cand {
	for _, c := range cands {
		if c.filter == nil || c.filter(o) {
			hits = append(hits, c)
		}
	}
	return hits
}

func (t *leafTable) judge(name string, o Object) Verdict {
	if !t.special {
		return t.always
	}
	var nameRoom [256]byte
	folded := foldInto(nameRoom[:0], name)
	var room [16]*cand
	hits := passed(room[:0], t.asked, o)
	hits = passed(hits, t.exact[string(folded)], o)
	if dot := bytes.LastIndexByte(folded, '.'); dot >= 0 {
		hits = passed(hits, t.suffix[string(folded[dot+1:])], o)
	}
	if t.globs.size != nil {
		text := string(folded)
		t.globs.each(text, func(g *gramGlob) {
			if matchFolded(g.leaf, text) {
				hits = passed(hits, g.cands, o)
			}
		})
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
