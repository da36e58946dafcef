package migxml

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// naive decides as spec 5.4 and 9.2 say, rule by rule, with regular expressions
// and no sharing of anything with the compiled tree but the pattern's parser.
func naive(globs map[string]*regexp.Regexp, rules []*Rule, node, leaf string, isLeaf bool) (takers []int, excluded bool) {
	type key struct{ k [5]int }
	less := func(a, b key) bool {
		for i := range a.k {
			if a.k[i] != b.k[i] {
				return a.k[i] < b.k[i]
			}
		}
		return false
	}
	glob := func(g, s string) bool {
		re := globs[g]
		if re == nil {
			quoted := strings.ReplaceAll(regexp.QuoteMeta(strings.ToUpper(g)), `\*`, `.*`)
			re = regexp.MustCompile(`^(?s:` + quoted + `)$`)
			globs[g] = re
		}
		return re.MatchString(strings.ToUpper(s))
	}
	matches := func(p Pattern) bool {
		n := glob(p.Node, node) || strings.HasSuffix(p.Node, `\*`) && glob(p.Node[:len(p.Node)-2], node)
		if isLeaf {
			return n && p.HasLeaf && glob(p.Leaf, leaf)
		}
		return n && (!p.HasLeaf || p.Leaf == "*")
	}
	strength := func(p Pattern) key {
		var k key
		for _, s := range strings.Split(p.Node, `\`) {
			if strings.Contains(s, "*") {
				break
			}
			k.k[0]++
		}
		if !strings.Contains(p.Node, "*") {
			k.k[1] = 1
		}
		k.k[2] = len(strings.ReplaceAll(p.Node, "*", ""))
		if p.HasLeaf && p.Leaf != "*" {
			k.k[3] = 2
			if strings.Contains(p.Leaf, "*") {
				k.k[3] = 1
			}
			k.k[4] = len(strings.ReplaceAll(p.Leaf, "*", ""))
		}
		return k
	}
	type best struct{ in, out *key }
	units := map[int]*best{}
	unconditional, included := false, false
	for _, r := range rules {
		if !matches(r.Pattern) {
			continue
		}
		u := units[r.Unit]
		if u == nil {
			u = &best{}
			units[r.Unit] = u
		}
		k := strength(r.Pattern)
		switch r.Kind {
		case UnconditionalExclude:
			unconditional = true
		case Include:
			included = true
			if u.in == nil || less(*u.in, k) {
				u.in = &k
			}
		case Exclude:
			if u.out == nil || less(*u.out, k) {
				u.out = &k
			}
		}
	}
	for i, u := range units {
		if u.in != nil && (u.out == nil || less(*u.out, *u.in)) {
			takers = append(takers, i)
		}
	}
	slices.Sort(takers)
	if unconditional {
		return nil, included
	}
	return takers, included && len(takers) == 0
}

var (
	randomSegments = []string{"a", "b", "ab", "aab", "Cache", "b.c"}
	randomGlobs    = []string{"*", "a*", "*b", "a*b", "*a*b", "*ab", "C*e", "**", "aa*ab"}
	randomLeaves   = []string{"*", "*", "*.c", "*.b*", "a*", "f.c", "", "*.*", "*b.c", "Cache"}
)

func randomPattern(r *rand.Rand) string {
	pick := func(s []string) string { return s[r.IntN(len(s))] }
	var segments []string
	if r.IntN(10) > 0 {
		segments = append(segments, "C:")
	}
	for range r.IntN(4) {
		if r.IntN(4) == 0 {
			segments = append(segments, pick(randomGlobs))
		} else {
			segments = append(segments, pick(randomSegments))
		}
	}
	if r.IntN(2) == 0 || len(segments) == 0 {
		segments = append(segments, "*")
	}
	p := strings.Join(segments, `\`)
	if r.IntN(8) > 0 {
		p += " [" + pick(randomLeaves) + "]"
	}
	return p
}

// Random rules against random trees: the compiled program must decide as the
// literal reading of the spec does, and must not prune what that takes.
func TestCompiledIsNaive(t *testing.T) {
	rounds := 500
	if testing.Short() {
		rounds = 50
	}
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		checkRandom(t, r, fmt.Sprintf("seed %d", seed))
		if t.Failed() {
			return
		}
	}
}

func checkRandom(t *testing.T, r *rand.Rand, name string) {
	kinds := []RuleKind{Include, Include, Include, Exclude, Exclude, UnconditionalExclude}
	var rules []testRule
	for range 1 + r.IntN(8) {
		kind := kinds[r.IntN(len(kinds))]
		if kind == UnconditionalExclude && r.IntN(3) > 0 {
			kind = Include
		}
		rules = append(rules, testRule{r.IntN(3), kind, randomPattern(r)})
	}
	p := programFor(FileKind, rules)
	globs := map[string]*regexp.Regexp{}
	check := func(node, leaf string, isLeaf bool, v Verdict, pruned bool) {
		takers, excluded := naive(globs, p.rules, node, leaf, isLeaf)
		if pruned && takers == nil {
			return // nobody asks about what lies below a dead folder
		}
		if !slices.Equal(takers, v.Takers) || pruned || excluded != (v.Excluder != nil) {
			t.Errorf("%s: %s [%s] (leaf %v, pruned %v): compiled %v (excluder %v), naive %v (excluded %v)\nrules %v",
				name, node, leaf, isLeaf, pruned, v.Takers, v.Excluder != nil, takers, excluded, rules)
		}
	}
	var walk func(c Cursor, path string, depth int, pruned bool)
	walk = func(c Cursor, path string, depth int, pruned bool) {
		check(path, "", false, c.Node(), pruned)
		pruned = pruned || c.Dead()
		for _, leaf := range []string{"f.c", "a.b", "x", "Cache", "ab.c", "b"} {
			check(path, leaf, true, c.Leaf(leaf, Object{}), pruned)
		}
		if depth == 0 {
			return
		}
		for _, s := range randomSegments {
			if r.IntN(3) > 0 {
				walk(c.Descend(s), path+`\`+s, depth-1, pruned)
			}
		}
	}
	for _, drive := range []string{"C:", "D:"} {
		walk(p.Files().Descend(drive), drive, 3, false)
	}
}
