package tui

import (
	"fmt"
	"slices"
	"strings"

	"lifeboat/engine"
	"lifeboat/engine/human"
)

// whatScreen asks what to save: kinds of data in groups.
type whatScreen struct {
	list
	shut map[string]bool // groups that are closed
}

// whatGroup is a group of components, in the order of saving.
type whatGroup struct {
	kind  string
	name  string
	parts []whatPart
	engine.Totals
}

type whatPart struct {
	name string
	engine.Totals
}

// whatRow is a line of the tree: a group, or one of its parts.
type whatRow struct {
	group *whatGroup
	part  *whatPart
}

// groups sums the plan up for the chosen users. Components that found nothing
// for anybody are left out.
func (sc *whatScreen) groups(s *session) []*whatGroup {
	p := s.plan()
	if p == nil {
		return nil
	}
	names := map[string]string{}
	for _, pair := range strings.Split(textWhatNames, ";") {
		kind, name, _ := strings.Cut(pair, "=")
		names[kind] = name
	}
	var groups []*whatGroup
	find := func(kind string) *whatGroup {
		for _, g := range groups {
			if g.kind == kind {
				return g
			}
		}
		g := &whatGroup{kind: kind, name: names[kind]}
		if g.name == "" {
			g.name = s.show(kind)
		}
		groups = append(groups, g)
		return g
	}
	for _, name := range p.Components {
		var part whatPart
		part.name = name
		kind := ""
		for _, u := range p.Units {
			if u.Component != name || u.Totals == (engine.Totals{}) {
				continue
			}
			kind = u.Type
			if s.users[u.User] {
				part.Files += u.Files
				part.Bytes += u.Bytes
				part.Keys += u.Keys
			}
		}
		if kind == "" {
			continue
		}
		g := find(kind)
		g.parts = append(g.parts, part)
		g.Files += part.Files
		g.Bytes += part.Bytes
		g.Keys += part.Keys
	}
	return groups
}

func (sc *whatScreen) rows(s *session) []whatRow {
	var rows []whatRow
	for _, g := range sc.groups(s) {
		rows = append(rows, whatRow{group: g})
		if sc.shut[g.kind] {
			continue
		}
		for i := range g.parts {
			rows = append(rows, whatRow{g, &g.parts[i]})
		}
	}
	return rows
}

// chosen counts the parts of a group that will be saved.
func (g *whatGroup) chosen(s *session) int {
	n := 0
	for _, p := range g.parts {
		if !s.omit[p.name] {
			n++
		}
	}
	return n
}

func (sc *whatScreen) title(*session) string { return fmt.Sprintf(textStep, 5, steps, textWhatTitle) }
func (sc *whatScreen) why() string           { return textWhatWhy }

func (sc *whatScreen) message(s *session) string {
	if s.plan() == nil {
		if s.counting != nil && s.counting.err != nil {
			return textWhatFailedMsg
		}
		return textWhatWaitMsg
	}
	rows := sc.rows(s)
	if len(rows) == 0 {
		return ""
	}
	sc.clamp(len(rows))
	r := rows[sc.at]
	switch {
	case r.part == nil:
		return fmt.Sprintf(textWhatGroup, r.group.name, r.group.chosen(s), len(r.group.parts))
	case s.omit[r.part.name]:
		return fmt.Sprintf(textWhatOut, human.End(s.show(r.part.name), 30))
	}
	return fmt.Sprintf(textWhatIn, human.End(s.show(r.part.name), 40))
}

func (sc *whatScreen) keys(s *session) []binding {
	return []binding{
		bindMove(func(k key) { sc.move(k, len(sc.rows(s))) }),
		bindSpace(textChoose, func() step { return sc.toggle(s) }),
		{
			keys: []key{keyRight, keyLeft}, name: "Left/Right", does: textWhatOpen,
			do: func(k key) step { return sc.open(s, k == keyRight) },
		},
		bindLetter("a", textWhatAll, "", func() step { return sc.set(s, false) }),
		bindLetter("n", textUsersNone, "", func() step { return sc.set(s, true) }),
		bindEnter(textGoOn, func() step {
			switch {
			case s.counting != nil && s.counting.err != nil:
				what, _ := words(s.counting.err)
				return note(textWhatFailed, s.show(what))
			case s.nothingChosen():
				return note(textWhatEmpty)
			}
			return step{move: goNext}
		}),
		bindBack(),
	}
}

// nothingChosen is true once it is known that nothing would be saved.
func (s *session) nothingChosen() bool {
	p := s.plan()
	return p != nil && !slices.ContainsFunc(p.Components, func(c string) bool { return !s.omit[c] })
}

func (sc *whatScreen) set(s *session, out bool) step {
	if p := s.plan(); p != nil {
		for _, name := range p.Components {
			s.omit[name] = out
		}
	}
	clear(s.checks)
	return step{}
}

func (sc *whatScreen) toggle(s *session) step {
	rows := sc.rows(s)
	if len(rows) == 0 {
		return step{}
	}
	sc.clamp(len(rows))
	r := rows[sc.at]
	if r.part != nil {
		s.omit[r.part.name] = !s.omit[r.part.name]
	} else {
		out := r.group.chosen(s) == len(r.group.parts)
		for _, p := range r.group.parts {
			s.omit[p.name] = out
		}
	}
	clear(s.checks)
	return step{}
}

func (sc *whatScreen) open(s *session, open bool) step {
	rows := sc.rows(s)
	if len(rows) == 0 {
		return step{}
	}
	sc.clamp(len(rows))
	r := rows[sc.at]
	if sc.shut == nil {
		sc.shut = map[string]bool{}
	}
	sc.shut[r.group.kind] = !open
	for i, row := range sc.rows(s) { // the cursor stays with its group
		if row.group.kind == r.group.kind && row.part == nil && r.part == nil || !open && row.group.kind == r.group.kind && row.part == nil {
			sc.at = i
		}
	}
	return step{}
}

func (sc *whatScreen) body(s *session, w, h int) []string {
	n, _ := s.chosenUsers()
	head := human.Plural(int64(n), textWhatUser, textWhatUsers)
	p := s.plan()
	if p == nil {
		return sc.waiting(s, head, w)
	}
	groups := sc.groups(s)
	var all engine.Totals
	for _, g := range groups {
		all.Files += g.Files
		all.Bytes += g.Bytes
	}
	lines := []string{sides(" "+textWhatAsk, fmt.Sprintf(textWhatFor, head, human.Bytes(all.Bytes))+" ", w-1), ""}
	rows := sc.rows(s)
	sc.clamp(len(rows))
	var blocks [][]string
	for i, r := range rows {
		blocks = append(blocks, []string{s.th.row(sc.line(s, r, i == sc.at), i == sc.at, 76)})
	}
	t := p.Size(s.selection())
	listed := 0
	for _, g := range groups {
		listed += len(g.parts)
	}
	foot := []string{"", "   " + fmt.Sprintf(textWhatChosen, human.Bytes(t.Bytes), filesText(t.Files), human.Bytes(max(all.Bytes-t.Bytes, 0)))}
	for i, l := range p.Left {
		if i == 2 {
			break
		}
		format, paint := textWhatLeftNo, s.th.dim
		if l.Matters {
			format, paint = textWhatLeftYes, s.th.warn
		}
		foot = append(foot, paint("   "+human.End(fmt.Sprintf(format, filesText(l.Files), human.Bytes(l.Bytes), s.show(l.Reason)), w-5)))
	}
	if n := len(p.Components) - listed; n > 0 {
		foot = append(foot, s.th.dim("   "+fmt.Sprintf(textWhatEmptyOnes, human.Plural(int64(n), textWhatKind, textWhatKinds))))
	}
	lines = append(lines, scroll(s.th, blocks, sc.at, h-len(lines)-len(foot))...)
	return append(lines, foot...)
}

func (sc *whatScreen) line(s *session, r whatRow, here bool) string {
	sizes := func(t engine.Totals) string {
		if t.Files == 0 && t.Keys == 0 {
			return padLeft(textWhatNothing, 28)
		}
		return padLeft(human.Bytes(t.Bytes), 11) + padLeft(amount(t), 17)
	}
	if r.part == nil {
		g := r.group
		n := g.chosen(s)
		sign := "-"
		if sc.shut[g.kind] {
			sign = "+"
		}
		return mark(here) + check(n > 0, n > 0 && n < len(g.parts)) + " " + sign + " " +
			pad(human.End(g.name, 36), 37) + sizes(g.Totals)
	}
	return mark(here) + "    " + check(!s.omit[r.part.name], false) + " " +
		pad(human.End(s.show(r.part.name), 34), 35) + sizes(r.part.Totals)
}

// amount counts files, or settings where there are none.
func amount(t engine.Totals) string {
	if t.Files == 0 && t.Keys > 0 {
		return human.Plural(t.Keys, textWhatKey, textWhatKeys)
	}
	return filesText(t.Files)
}

// waiting is the screen while the plan is being made.
func (sc *whatScreen) waiting(s *session, head string, w int) []string {
	lines := []string{sides(" "+textWhatAsk, head+" ", w-1), "", ""}
	c := s.counting
	if c == nil {
		return lines
	}
	if c.err != nil {
		what, remedy := words(c.err)
		lines = append(lines, painted(s.th.bad, wrap(fmt.Sprintf(textWhatFailed, s.show(what)), "   ", w-2))...)
		return append(lines, wrap(joinSentences(s.show(remedy)), "   ", w-2)...)
	}
	lines = append(lines, "   "+fmt.Sprintf(textWhatWait, filesText(c.snap.FilesDone), human.Bytes(c.snap.BytesDone))+" "+s.spinner(), "")
	return append(lines, "   "+s.th.dim(human.Middle(s.show(c.snap.Current), w-5)))
}

func (sc *whatScreen) outline(s *session) outline {
	o := outline{about: []string{textWhatAsk}}
	p := s.plan()
	if p == nil {
		o.about = sc.waiting(s, "", minWidth)
		return o
	}
	for i, r := range sc.rows(s) {
		t, name := r.group.Totals, r.group.name
		n := r.group.chosen(s)
		box := check(n > 0, n > 0 && n < len(r.group.parts))
		if r.part != nil {
			t, name, box = r.part.Totals, "  "+r.part.name, check(!s.omit[r.part.name], false)
		}
		o.items = append(o.items, item{
			text: box + " " + s.words(name, human.Bytes(t.Bytes), amount(t)),
			do:   func() step { sc.at = i; return sc.toggle(s) },
		})
	}
	t := p.Size(s.selection())
	o.about = append(o.about, fmt.Sprintf(textPlainChosen, human.Bytes(t.Bytes), filesText(t.Files)))
	for _, l := range p.Left {
		format := textWhatLeftNo
		if l.Matters {
			format = textWhatLeftYes
		}
		o.about = append(o.about, fmt.Sprintf(format, filesText(l.Files), human.Bytes(l.Bytes), s.show(l.Reason)))
	}
	return o
}
