package migxml

import "slices"

// Restorer finds the recorded rules that concern an object. Walk it like a
// Program; what its cursors call Takers are indexes into the rules it was made
// from.
type Restorer struct {
	rules    []RestoreRule
	files    *tree
	registry *tree
}

// NewRestorer indexes rules, usually those of one unit. It works on what the
// objects were called on the source.
func NewRestorer(rules []RestoreRule) *Restorer {
	var files, registry []*cand
	for i, r := range rules {
		for _, p := range r.Patterns {
			c := newCand(&Rule{Unit: i, Kind: Include, Pattern: p}, nil)
			switch p.Kind {
			case FileKind:
				files = append(files, c)
			case RegistryKind:
				registry = append(registry, c)
			}
		}
	}
	return &Restorer{rules: rules, files: newTree(files), registry: newTree(registry)}
}

// Files returns a cursor above the drives.
func (r *Restorer) Files() Cursor { return r.files.cursor() }

// Registry returns a cursor above the hives.
func (r *Restorer) Registry() Cursor { return r.registry.cursor() }

// Strongest returns, of the rules with the given indexes, the one of a kind
// whose pattern matches the object most specifically, the first on a tie; nil
// if there is none (spec 4.16 and 9.1).
func (r *Restorer) Strongest(indexes []int, kind RuleKind, object Pattern) *RestoreRule {
	var best *RestoreRule
	var most strength
	for _, i := range indexes {
		if r.rules[i].Kind != kind {
			continue
		}
		if k, ok := r.rules[i].strength(object); ok && (best == nil || k.compare(most) > 0) {
			best, most = &r.rules[i], k
		}
	}
	return best
}

// All returns the rules of a kind, in file order: every contentModify that
// matches is applied.
func (r *Restorer) All(indexes []int, kind RuleKind) []*RestoreRule {
	var list []*RestoreRule
	for _, i := range indexes {
		if r.rules[i].Kind == kind {
			list = append(list, &r.rules[i])
		}
	}
	return list
}

// Settings returns the indexes of the rules that concern an INI setting.
func (r *Restorer) Settings(object Pattern) []int {
	var list []int
	for i := range r.rules {
		if _, ok := r.rules[i].strength(object); ok {
			list = append(list, i)
		}
	}
	return list
}

// Acts tells whether one of the rules with the given indexes says what becomes of an
// object, not only whether it is taken.
func (r *Restorer) Acts(indexes []int) bool {
	return slices.ContainsFunc(indexes, func(i int) bool {
		return r.rules[i].Kind != Include && r.rules[i].Kind != Exclude
	})
}

// Takes tells whether the includes and excludes among the rules with the given
// indexes take the object at the restore too, pass being asked about those with a
// filter. Without an include among them no filter has a say.
func (r *Restorer) Takes(indexes []int, object Pattern, pass func(*RestoreRule) bool) bool {
	var include, exclude strength
	var included, excluded, asked bool
	for _, i := range indexes {
		rule := &r.rules[i]
		if rule.Kind != Include && rule.Kind != Exclude {
			continue
		}
		asked = asked || rule.Kind == Include
		k, ok := rule.strength(object)
		if !ok || rule.Script != "" && !pass(rule) {
			continue
		}
		switch {
		case rule.Kind == Include && (!included || k.compare(include) > 0):
			include, included = k, true
		case rule.Kind == Exclude && (!excluded || k.compare(exclude) > 0):
			exclude, excluded = k, true
		}
	}
	return !asked || included && (!excluded || include.compare(exclude) > 0)
}

// Dropped returns the metadata of an object that is not restored: for each part
// the most specific of includeAttributes and excludeAttributes decides, the
// latter on a tie (spec 4.15).
func (r *Restorer) Dropped(indexes []int, object Pattern) Attributes {
	var dropped Attributes
	for part := Owner; part <= LastWrittenTime; part <<= 1 {
		var most strength
		found := false
		for _, i := range indexes {
			rule := &r.rules[i]
			exclude := rule.Kind == ExcludeAttributes
			if rule.Attributes&part == 0 || !exclude && rule.Kind != IncludeAttributes {
				continue
			}
			k, ok := rule.strength(object)
			d := k.compare(most)
			if !ok || found && (d < 0 || d == 0 && !exclude) {
				continue
			}
			found, most = true, k
			if dropped &^= part; exclude {
				dropped |= part
			}
		}
	}
	return dropped
}

// Matching is the rule's most specific pattern that is about an object.
func (r *RestoreRule) Matching(object Pattern) (Pattern, bool) {
	p, _, ok := r.matching(object)
	return p, ok
}

func (r *RestoreRule) strength(object Pattern) (strength, bool) {
	_, most, ok := r.matching(object)
	return most, ok
}

func (r *RestoreRule) matching(object Pattern) (best Pattern, most strength, ok bool) {
	for _, p := range r.Patterns {
		match := false
		switch {
		case p.Kind != object.Kind:
		case p.Kind == IniKind:
			match = p.matchSetting(object)
		case object.HasLeaf:
			match = p.MatchLeaf(object.Node, object.Leaf)
		default:
			match = p.MatchNode(object.Node)
		}
		if !match {
			continue
		}
		if k := p.strength(); !ok || k.compare(most) > 0 {
			best, most, ok = p, k, true
		}
	}
	return best, most, ok
}
