package migxml

import (
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"lifeboat/engine/winname"
)

// A tree holds the compiled patterns of one name space, files or registry. Its
// trie follows the literal segments from the root; at the trie node where a
// pattern's literal part ends hangs the pattern. During a walk a cursor stands
// in a state: the deepest trie node on the path, whether the path ends exactly
// there, and the positions of the globs that are still alive. A state knows
// which patterns match at its folder, sorted into what holds for every leaf and
// what depends on the leaf's name. States are made on demand and shared, so
// walking into yet another ordinary folder costs a map lookup at most.
type tree struct {
	root  *trie
	tries int // number of trie nodes, for ids

	mu     sync.RWMutex
	states map[string]*state
	kept   int // patterns and globs that the states hold, plus one for each state
}

// maxKept bounds what the kept states hold; hostile patterns could otherwise
// make a large one for each folder. Further states are made and dropped.
const maxKept = 1 << 21

type trie struct {
	id       int
	parent   *trie
	kids     map[string]*trie // by folded segment
	exact    []*cand          // the pattern's node is this one
	tails    []*cand          // …this one, then `\*`
	globs    []*nodeGlob      // begin below this node
	includes bool             // an include is attached here
	below    bool             // an include is attached to a descendant
}

// cand is one include, exclude or unconditionalExclude pattern.
type cand struct {
	rule   *Rule
	unit   int
	rank   int // within a unit, the lower rank wins; see sortCands
	leaf   string
	kind   leafKind
	gram   string // of a leafGlob, see gramTable
	nodes  bool   // selects nodes
	leaves bool   // selects leaves
	filter filter
}

// leafKind says how the leaf glob is looked up.
type leafKind uint8

const (
	leafAny    leafKind = iota // *
	leafExact                  // no star
	leafSuffix                 // *.ext with nothing special in ext
	leafGlob                   // anything else
)

// filter decides about one leaf; nil stands for always.
type filter func(Object) bool

func newCand(rule *Rule, f filter) *cand {
	p := rule.Pattern
	c := &cand{rule: rule, unit: rule.Unit, leaf: winname.Fold(p.Leaf), nodes: p.takesNodes(), leaves: p.HasLeaf, filter: f}
	switch ext, dot := strings.CutPrefix(c.leaf, "*."); {
	case c.leaf == "*" || !p.HasLeaf:
		c.kind = leafAny
	case !strings.Contains(c.leaf, "*"):
		c.kind = leafExact
	case dot && !strings.ContainsAny(ext, "*."):
		c.kind, c.leaf = leafSuffix, ext
	default:
		c.kind = leafGlob
	}
	return c
}

// covers tells whether c decides about everything its node pattern matches.
func (c *cand) covers() bool { return c.nodes && c.leaves && c.filter == nil }

// newTree builds the tree of all rules that select objects of one kind.
func newTree(cands []*cand) *tree {
	sortCands(cands)
	chooseGrams(cands)
	t := &tree{states: map[string]*state{}}
	t.root = t.node(nil)
	globs := map[globKey]*nodeGlob{}
	for _, c := range cands {
		t.add(c, globs)
	}
	t.root.note()
	return t
}

type globKey struct {
	at   *trie
	text string
	tail bool
}

// sortCands ranks: unit by unit, the most specific first, excludes before
// includes of the same strength (spec 9.2).
func sortCands(cands []*cand) {
	strengths := make(map[*cand]strength, len(cands))
	for _, c := range cands {
		strengths[c] = c.rule.Pattern.strength()
	}
	slices.SortStableFunc(cands, func(a, b *cand) int {
		if a.unit != b.unit {
			return a.unit - b.unit
		}
		if d := strengths[b].compare(strengths[a]); d != 0 {
			return d
		}
		return precedence(a) - precedence(b)
	})
	for i, c := range cands {
		c.rank = i
	}
}

func precedence(c *cand) int {
	if c.rule.Kind == Include {
		return 1
	}
	return 0
}

func (t *tree) node(parent *trie) *trie {
	t.tries++
	return &trie{id: t.tries, parent: parent}
}

func (t *tree) add(c *cand, globs map[globKey]*nodeGlob) {
	node := winname.Fold(c.rule.Pattern.Node)
	body, tail := strings.CutSuffix(node, `\*`)
	at := t.root
	if node == "*" {
		at.tails = append(at.tails, c)
		at.includes = at.includes || c.rule.Kind == Include
		return
	}
	for body != "" {
		segment, rest, _ := strings.Cut(body, `\`)
		if strings.Contains(segment, "*") {
			break
		}
		kid := at.kids[segment]
		if kid == nil {
			if at.kids == nil {
				at.kids = map[string]*trie{}
			}
			kid = t.node(at)
			at.kids[segment] = kid
		}
		at, body = kid, rest
	}
	at.includes = at.includes || c.rule.Kind == Include
	switch {
	case body != "":
		key := globKey{at, body, tail}
		g := globs[key]
		if g == nil {
			g = newNodeGlob(`\`+body, tail)
			g.id = len(globs)
			globs[key] = g
			at.globs = append(at.globs, g)
		}
		g.cands = append(g.cands, c)
		g.incl = g.incl || c.rule.Kind == Include
	case tail:
		at.tails = append(at.tails, c)
	default:
		at.exact = append(at.exact, c)
	}
}

// note fills below.
func (n *trie) note() {
	for _, kid := range n.kids {
		kid.note()
		n.below = n.below || kid.includes || kid.below
	}
}

// item is a glob that may still match at or below the folder.
type item struct {
	glob  *nodeGlob
	pos   globPos
	under bool // below a match of a glob with a tail
}

// state is what a cursor knows about a folder.
type state struct {
	tree  *tree
	at    *trie
	exact bool // the path ends at the trie node
	items []item
	dead  bool

	weight int // number of patterns that match here
	node   Verdict
	leaf   leafTable
	simple bool // no child can be in another state than below
	below  *state
}

// leafTable decides about the leaves of a folder.
type leafTable struct {
	any     []*cand            // that hold for every leaf, those that matter, by rank
	always  Verdict            // verdict of any alone
	exact   map[string][]*cand // by folded name
	suffix  map[string][]*cand // by folded extension
	globs   gramTable
	asked   []*cand // that hold for every leaf that their filter approves
	special bool    // some of the last four are not empty
}

// Cursor stands at a folder or key during a walk. It is a small value; copies
// are independent. The zero Cursor is dead.
type Cursor struct{ s *state }

// Verdict is what the rules say about one object. The slice is shared and must
// not be changed.
type Verdict struct {
	// Takers are the indexes of the units that take the object, ascending; nil
	// if none does.
	Takers []int
	// Excluder is set if an include matched and no unit takes the object: the
	// exclude that won.
	Excluder *Rule
}

func (t *tree) cursor() Cursor {
	return Cursor{t.state(t.root, true, startItems(nil, t.root))}
}

// Descend moves to the child with the given name, in any case.
func (c Cursor) Descend(segment string) Cursor {
	s := c.s
	if s == nil || s.dead {
		return Cursor{}
	}
	if s.simple && s.below != nil {
		return Cursor{s.below}
	}
	return Cursor{s.descend(segment)}
}

// Dead reports that no rule can take this folder or anything in it, so that the
// walk need not enter it. Node still tells about the folder itself.
func (c Cursor) Dead() bool { return c.s == nil || c.s.dead }

// Node judges the folder or key itself: its security, times and existence.
func (c Cursor) Node() Verdict {
	if c.s == nil {
		return Verdict{}
	}
	return c.s.node
}

// Leaf judges the file or registry value called name in the folder or key; the
// default value is called "". o is looked at by filters only.
func (c Cursor) Leaf(name string, o Object) Verdict {
	if c.s == nil {
		return Verdict{}
	}
	return c.s.leaf.judge(name, o)
}

func (s *state) descend(segment string) *state {
	var buf [256]byte
	folded := foldInto(buf[:0], segment)
	at, exact := s.at, false
	if s.exact {
		if kid := s.at.kids[string(folded)]; kid != nil {
			at, exact = kid, true
		}
	}
	var room [8]item
	items := room[:0]
	same := true // so far, and the copy is not begun
	for i, it := range s.items {
		was := it
		if !it.under {
			it.pos = it.glob.feed(it.pos, folded)
			it.under = it.pos != deadPos && it.glob.tail && it.glob.accepts(it.pos)
		}
		if same && it != was {
			same, items = false, append(items, s.items[:i]...)
		}
		if !same && it.pos != deadPos {
			items = append(items, it)
		}
	}
	switch {
	case same && !exact && at == s.at && !s.exact:
		return s
	case same:
		items = append(items, s.items...)
	}
	if exact {
		items = startItems(items, at)
	}
	return s.tree.state(at, exact, items)
}

func startItems(items []item, at *trie) []item {
	for _, g := range at.globs {
		items = append(items, item{glob: g, pos: g.start()})
	}
	return items
}

// foldInto is winname.Fold without an allocation for names in ASCII.
func foldInto(buf []byte, name string) []byte {
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c >= utf8.RuneSelf {
			return append(buf[:0], winname.Fold(name)...)
		}
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		buf = append(buf, c)
	}
	return buf
}

// state returns the shared state for a place, making it if it is new. The items
// are copied.
func (t *tree) state(at *trie, exact bool, items []item) *state {
	var buf [128]byte
	key := binary.AppendUvarint(buf[:0], uint64(at.id)<<1|bit(exact))
	for _, it := range items {
		key = binary.AppendUvarint(key, uint64(it.glob.id)<<1|bit(it.under))
		if !it.under {
			key = binary.AppendUvarint(key, uint64(it.pos.k))
			key = binary.AppendUvarint(key, uint64(it.pos.j))
		}
	}
	t.mu.RLock()
	s := t.states[string(key)]
	t.mu.RUnlock()
	if s != nil {
		return s
	}
	s = t.build(at, exact, slices.Clone(items))
	t.mu.Lock()
	defer t.mu.Unlock()
	if old := t.states[string(key)]; old != nil {
		return old
	}
	if t.kept += 1 + s.weight + len(s.items); t.kept < maxKept {
		t.states[string(key)] = s
	}
	return s
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// build makes the state of a folder from the patterns that match there.
func (t *tree) build(at *trie, exact bool, items []item) *state {
	s := &state{tree: t, at: at, exact: exact, items: items}
	var here, lasting []*cand // matching here only; here and everywhere below
	for n := at; n != nil; n = n.parent {
		lasting = append(lasting, n.tails...)
	}
	if exact {
		here = append(here, at.exact...)
	}
	alive := exact && at.below
	var hopeful []*cand // includes of globs that may match further down
	moving := false     // some glob still depends on the names to come
	for _, it := range items {
		switch {
		case it.under || it.glob.forever(it.pos):
			lasting = append(lasting, it.glob.cands...)
			continue
		case it.glob.accepts(it.pos):
			here = append(here, it.glob.cands...)
		}
		moving = true
		if it.glob.incl {
			hopeful = append(hopeful, it.glob.cands...)
		}
	}
	if at.parent == nil && exact { // above the drives there is no object
		s.dead = !alive && !anyInclude(lasting) && !anyInclude(hopeful)
	} else {
		s.dead = !alive && !reachable(here, lasting, hopeful) || barred(lasting)
		cands := append(here, lasting...)
		s.weight = len(cands)
		slices.SortFunc(cands, func(a, b *cand) int { return a.rank - b.rank })
		s.node = judgeNode(cands)
		s.leaf = newLeafTable(cands)
	}
	s.simple = !moving && (!exact || len(at.kids) == 0)
	if s.simple && !s.dead {
		s.below = s
		if exact {
			s.below = t.state(at, false, items)
		}
	}
	return s
}

func anyInclude(cands []*cand) bool {
	return slices.ContainsFunc(cands, func(c *cand) bool { return c.rule.Kind == Include })
}

// barred tells whether an unconditionalExclude takes everything from here on.
func barred(lasting []*cand) bool {
	return slices.ContainsFunc(lasting, func(c *cand) bool { return c.rule.Kind == UnconditionalExclude && c.covers() })
}

// reachable tells whether an include wins against the excludes of its unit for
// some object here or below.
func reachable(here, lasting, hopeful []*cand) bool {
	cover := map[int]int{} // unit to rank of the strongest exclude of everything
	lower := func(c *cand) {
		if c.rule.Kind == Exclude && c.covers() {
			if r, ok := cover[c.unit]; !ok || c.rank < r {
				cover[c.unit] = c.rank
			}
		}
	}
	wins := func(c *cand) bool {
		r, ok := cover[c.unit]
		return c.rule.Kind == Include && (!ok || c.rank < r)
	}
	for _, c := range lasting {
		lower(c)
	}
	if slices.ContainsFunc(lasting, wins) || slices.ContainsFunc(hopeful, wins) {
		return true
	}
	for _, c := range here {
		lower(c)
	}
	return slices.ContainsFunc(here, wins)
}

// judgeNode decides about the folder itself; cands are sorted by rank. Filters
// look at leaves: an include with one takes the folder, an exclude spares it.
func judgeNode(cands []*cand) Verdict {
	var v verdict
	for _, c := range cands {
		if !c.nodes || c.filter != nil && c.rule.Kind != Include {
			continue
		}
		v.see(c)
	}
	return v.result()
}

// verdict collects candidates in the order of their ranks.
type verdict struct {
	takers   []int
	unit     int   // unit whose winner is known, plus one
	winner   *cand // that winner
	excluder *cand // first exclude that won against an include
	uncond   *cand // unconditionalExclude that matched
	included bool  // some include matched
}

func (v *verdict) see(c *cand) {
	if c.rule.Kind == UnconditionalExclude {
		if v.uncond == nil {
			v.uncond = c
		}
		return
	}
	first := v.unit != c.unit+1
	if first {
		v.unit, v.winner = c.unit+1, c
	}
	if c.rule.Kind != Include {
		return
	}
	v.included = true
	switch {
	case first:
		v.takers = append(v.takers, c.unit)
	case v.winner.rule.Kind == Exclude && v.excluder == nil:
		v.excluder = v.winner
	}
}

func (v *verdict) result() Verdict {
	switch {
	case v.uncond != nil && v.included:
		return Verdict{Excluder: v.uncond.rule}
	case v.uncond != nil:
		return Verdict{}
	case len(v.takers) > 0:
		return Verdict{Takers: v.takers}
	case v.excluder != nil:
		return Verdict{Excluder: v.excluder.rule}
	}
	return Verdict{}
}
