package migxml

import "strings"

// nodeGlob is the part of a node pattern from its first segment with a * on,
// as an automaton that is fed a path segment by segment: `\*\Logs`. The text is
// folded. Because literals between stars are matched at their first occurrence,
// which loses nothing, the automaton is deterministic and its state is one
// position; a mismatch falls back as in the algorithm of Knuth, Morris and Pratt.
type nodeGlob struct {
	id     int
	chunks []string
	fail   [][]int32 // per chunk, for j matched bytes the longest proper border
	tail   bool      // the pattern went on with `\*`: what is below a match matches too
	cands  []*cand   // patterns with this node
	incl   bool      // one of them is an include
}

// globPos is a position: j bytes of chunk k are matched.
type globPos struct{ k, j int32 }

var deadPos = globPos{-1, 0}

func newNodeGlob(text string, tail bool) *nodeGlob {
	g := &nodeGlob{chunks: strings.Split(text, "*"), tail: tail}
	g.fail = make([][]int32, len(g.chunks))
	for k, c := range g.chunks {
		if k > 0 {
			g.fail[k] = borders(c)
		}
	}
	return g
}

// borders returns for each prefix of s the length of its longest proper border.
func borders(s string) []int32 {
	f := make([]int32, len(s)+1)
	var b int32
	for i := 1; i < len(s); i++ {
		for b > 0 && s[i] != s[b] {
			b = f[b]
		}
		if s[i] == s[b] {
			b++
		}
		f[i+1] = b
	}
	return f
}

// start is the position before the backslash that precedes the glob's first segment.
func (g *nodeGlob) start() globPos { return g.settle(globPos{}) }

// settle moves past a complete chunk that a star follows.
func (g *nodeGlob) settle(p globPos) globPos {
	for int(p.k) < len(g.chunks)-1 && int(p.j) == len(g.chunks[p.k]) {
		p = globPos{p.k + 1, 0}
	}
	return p
}

func (g *nodeGlob) step(p globPos, c byte) globPos {
	chunk := g.chunks[p.k]
	if p.k == 0 {
		if int(p.j) < len(chunk) && chunk[p.j] == c {
			return g.settle(globPos{0, p.j + 1})
		}
		return deadPos
	}
	if chunk == "" { // after the last star nothing more is asked for
		return p
	}
	j := p.j
	for {
		if int(j) < len(chunk) && chunk[j] == c {
			return g.settle(globPos{p.k, j + 1})
		}
		if j == 0 {
			return globPos{p.k, 0}
		}
		j = g.fail[p.k][j]
	}
}

// feed consumes a backslash and a folded segment.
func (g *nodeGlob) feed(p globPos, segment []byte) globPos {
	if chunk := g.chunks[p.k]; p.k > 0 && p.j == 0 && strings.HasPrefix(chunk, `\`) {
		if n := min(len(segment), len(chunk)-1); string(segment[:n]) != chunk[1:1+n] {
			return p // the chunk can begin at the backslash only, and does not
		}
	}
	p = g.step(p, '\\')
	for i := 0; i < len(segment) && p != deadPos; i++ {
		p = g.step(p, segment[i])
	}
	return p
}

// accepts tells whether the path fed so far matches.
func (g *nodeGlob) accepts(p globPos) bool {
	return int(p.k) == len(g.chunks)-1 && int(p.j) == len(g.chunks[p.k])
}

// forever tells whether whatever follows matches as well.
func (g *nodeGlob) forever(p globPos) bool {
	return p.k > 0 && int(p.k) == len(g.chunks)-1 && g.chunks[p.k] == ""
}
