package migxml

import (
	"cmp"
	"slices"
)

// Explanation answers why an object is taken or left.
type Explanation struct {
	Object  Pattern
	Verdict Verdict
	// Contenders are all rules that match the object, unit by unit, within a unit
	// the one that decides first. An unconditionalExclude stands before all, idle
	// ones behind all.
	Contenders []Contender
}

// Contender is a rule that matches an object.
type Contender struct {
	Rule *Rule
	Unit Unit
	Wins bool // it decides for its unit, or, as an unconditionalExclude, for all
	Idle bool // an exclude of a unit that does not include the object: it decides nothing
}

// Explain tells which rules concern an object and which of them decide. The
// object is a location without wildcards: a folder or key has no leaf. It looks
// at every rule, so it is for questions about single objects.
func (p *Program) Explain(object Pattern, o Object) Explanation {
	e := Explanation{Object: object}
	strengths := map[*Rule]strength{}
	for _, r := range p.rules {
		if r.Pattern.Kind == object.Kind && r.matches(object, o) {
			strengths[r] = r.Pattern.strength()
			e.Contenders = append(e.Contenders, Contender{Rule: r, Unit: p.units[r.Unit]})
		}
	}
	includes := map[int]bool{} // units that include the object
	for _, m := range e.Contenders {
		if m.Rule.Kind == Include {
			includes[m.Rule.Unit] = true
		}
	}
	group := func(m Contender) int {
		if m.Rule.Kind == UnconditionalExclude {
			return -1
		}
		return m.Rule.Unit
	}
	idle := func(m Contender) bool { return m.Rule.Kind == Exclude && !includes[m.Rule.Unit] }
	slices.SortStableFunc(e.Contenders, func(a, b Contender) int {
		return cmp.Or(
			cmp.Compare(bit(idle(a)), bit(idle(b))),
			cmp.Compare(group(a), group(b)),
			strengths[b.Rule].compare(strengths[a.Rule]),
			// An exclude comes before an include of the same strength.
			cmp.Compare(bit(a.Rule.Kind == Include), bit(b.Rule.Kind == Include)),
		)
	})
	var v verdict
	for i := range e.Contenders {
		m := &e.Contenders[i]
		m.Idle = idle(*m)
		m.Wins = !m.Idle && (i == 0 || group(e.Contenders[i-1]) != group(*m))
		v.see(&cand{rule: m.Rule, unit: m.Rule.Unit})
	}
	if v.uncond != nil {
		for i := range e.Contenders {
			m := &e.Contenders[i]
			m.Wins = m.Wins && m.Rule.Kind == UnconditionalExclude
		}
	}
	e.Verdict = v.result()
	return e
}

// matches tells whether the rule concerns the object. As in the walk, filters
// look at leaves: an include with one takes a folder, an exclude spares it.
func (r *Rule) matches(object Pattern, o Object) bool {
	f, _, err := scanFilter(r.Filter)
	if err != nil {
		return false
	}
	if !object.HasLeaf {
		return r.Pattern.MatchNode(object.Node) && (f == nil || r.Kind == Include)
	}
	if object.Kind == IniKind {
		return r.Pattern.matchSetting(object) && (f == nil || f(o))
	}
	return r.Pattern.MatchLeaf(object.Node, object.Leaf) && (f == nil || f(o))
}

// matchSetting tells whether an Ini pattern selects a setting.
func (p Pattern) matchSetting(s Pattern) bool {
	return p.HasLeaf && Match(p.Node, s.Node) && Match(p.Section, s.Section) && Match(p.Leaf, s.Leaf)
}
