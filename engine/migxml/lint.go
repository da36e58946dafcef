package migxml

import (
	"strings"

	"lifeboat/engine/winname"
)

// maxLint bounds the pairs of patterns that are compared.
const maxLint = 1 << 22

// lint warns about excludes that cannot have an effect: a common mistake, for
// which unconditionalExclude is the remedy (spec 9.4).
func (c *compiler) lint(j *job, sc *scope) {
	if !j.kept {
		return
	}
	if j.includes == 0 {
		for _, line := range j.excludes {
			c.say(Warning, sc, line, "the component includes nothing, so the exclude has no effect; expected an unconditionalExclude")
		}
		return
	}
	var includes, excludes []*Rule
	for _, r := range c.program.rules[j.first:] {
		switch {
		case r.Unit != j.unit.Index:
		case r.Kind == Include:
			includes = append(includes, r)
		case r.Kind == Exclude && !r.generated():
			excludes = append(excludes, r)
		}
	}
	if c.linted += len(includes) * len(excludes); c.linted > maxLint {
		return
	}
	for _, x := range excludes {
		k := x.Pattern.strength()
		var stronger *Rule
		for _, i := range includes {
			if !overlap(x.Pattern, i.Pattern) {
				continue
			}
			if k.compare(i.Pattern.strength()) >= 0 {
				stronger = nil
				break
			}
			stronger = i
		}
		if stronger != nil {
			// As written: it is the same for every user then, and said once.
			c.say(Warning, sc, x.Line, "exclude %.120s can never win against include %.120s; expected an unconditionalExclude",
				show(x.Written), show(stronger.Written))
		}
	}
}

// overlap tells whether two patterns may select an object in common. It looks
// at the literal segments that both begin with, and at literal leaves.
func overlap(a, b Pattern) bool {
	if a.Kind != b.Kind {
		return false
	}
	p, q := strings.Split(a.Node, `\`), strings.Split(b.Node, `\`)
	for i := range min(len(p), len(q)) {
		if strings.Contains(p[i], "*") || strings.Contains(q[i], "*") {
			break
		}
		if !winname.Equal(p[i], q[i]) {
			return false
		}
	}
	if !strings.Contains(a.Leaf, "*") || !strings.Contains(b.Leaf, "*") {
		return Match(a.Leaf, b.Leaf) || Match(b.Leaf, a.Leaf) || !a.HasLeaf || !b.HasLeaf
	}
	return true
}

// generated tells whether a script made the pattern.
func (r *Rule) generated() bool {
	_, err := ParseCall(r.Written)
	return err == nil
}
