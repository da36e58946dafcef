package migxml

import (
	"slices"
	"strings"
)

// A gramTable finds the leaf globs that may match a name without asking each:
// every glob is filed under one gram, some letters that a name must have in a row
// to match it. So thousands of globs cost a name a few lookups a letter.
type gramTable struct {
	size  []int // of the grams there are
	grams map[string][]*gramGlob
}

// gramGlob is a leaf glob with the patterns that have it.
type gramGlob struct {
	leaf  string
	cands []*cand
}

// maxGram is how long grams are, where the glob has so many letters in a row.
const maxGram = 3

// chooseGrams gives each leaf glob that of its grams which the fewest others have
// so far.
func chooseGrams(cands []*cand) {
	used := map[string]int{}
	of := map[string]string{} // by glob
	for _, c := range cands {
		if c.kind != leafGlob {
			continue
		}
		if _, ok := of[c.leaf]; !ok {
			gram := rarestGram(c.leaf, used)
			used[gram]++
			of[c.leaf] = gram
		}
		c.gram = of[c.leaf]
	}
}

func rarestGram(glob string, used map[string]int) string {
	best := ""
	for chunk := range strings.SplitSeq(glob, "*") {
		n := min(len(chunk), maxGram)
		for i := 0; i+n <= len(chunk) && i < 64 && n > 0; i++ {
			gram := chunk[i : i+n]
			if n > len(best) || n == len(best) && used[gram] < used[best] {
				best = gram
			}
		}
	}
	return best // "" for a glob of stars alone, which every name has
}

func (t *gramTable) put(c *cand) {
	if t.grams == nil {
		t.grams = map[string][]*gramGlob{}
	}
	list := t.grams[c.gram]
	if n := len(list); n > 0 && list[n-1].leaf == c.leaf {
		list[n-1].cands = append(list[n-1].cands, c)
		return
	}
	t.grams[c.gram] = append(list, &gramGlob{c.leaf, []*cand{c}})
	if !slices.Contains(t.size, len(c.gram)) {
		t.size = append(t.size, len(c.gram))
	}
}

// each calls f with the globs whose gram the folded name has.
func (t *gramTable) each(name string, f func(*gramGlob)) {
	for _, n := range t.size {
		for i := 0; i+n <= len(name); i++ {
			gram := name[i : i+n]
			list := t.grams[gram]
			if list != nil && strings.Index(name, gram) < i {
				continue // they were called when it came first
			}
			for _, g := range list {
				f(g)
			}
		}
	}
}
