package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lifeboat/engine"
	"lifeboat/engine/human"
	"lifeboat/engine/winname"
)

// whatScreen asks what to save, or what of a store to put back: kinds of data in
// groups.
type whatScreen struct {
	list
	put     bool            // of a store
	shut    map[string]bool // groups that are closed
	find    *field          // what is looked for
	finding bool            // it is being typed
}

func newWhatScreen(put bool) *whatScreen {
	return &whatScreen{put: put, shut: map[string]bool{}, find: newField("", 40)}
}

// stock is what is chosen among: what a save would take, or what a store holds.
type stock struct {
	plan *Plan           // nil until it is counted
	err  error           // of counting
	omit map[string]bool // components
	in   func(user string) bool
	sel  engine.Selection
}

func (sc *whatScreen) stock(s *session) stock {
	if sc.put {
		return s.put.stock()
	}
	st := stock{plan: s.plan(), omit: s.omit, in: func(id string) bool { return s.users[id] }, sel: s.selection()}
	if s.counting != nil {
		st.err = s.counting.err
	}
	return st
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
	st := sc.stock(s)
	p := st.plan
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
			if st.in(u.User) {
				part.Files += u.Files
				part.Bytes += u.Bytes
				part.Values += u.Values
			}
		}
		if kind == "" {
			continue
		}
		g := find(kind)
		g.parts = append(g.parts, part)
		g.Files += part.Files
		g.Bytes += part.Bytes
		g.Values += part.Values
	}
	return groups
}

func (sc *whatScreen) rows(s *session) []whatRow {
	var rows []whatRow
	wanted := winname.Fold(sc.find.value())
	for _, g := range sc.groups(s) {
		if wanted == "" {
			rows = append(rows, whatRow{group: g})
		}
		for i := range g.parts {
			if wanted == "" && !sc.shut[g.kind] || wanted != "" && strings.Contains(winname.Fold(g.parts[i].name), wanted) {
				rows = append(rows, whatRow{g, &g.parts[i]})
			}
		}
	}
	return rows
}

// chosen counts the parts of a group that will be saved.
func (g *whatGroup) chosen(omit map[string]bool) int {
	n := 0
	for _, p := range g.parts {
		if !omit[p.name] {
			n++
		}
	}
	return n
}

func (sc *whatScreen) title(*session) string {
	if sc.put {
		return fmt.Sprintf(textStep, 4, putSteps, textPutWhatTitle)
	}
	return fmt.Sprintf(textStep, 5, steps, textWhatTitle)
}

func (sc *whatScreen) why() string {
	if sc.put {
		return textPutWhatWhy
	}
	return textWhatWhy
}

func (sc *whatScreen) ask() string {
	if sc.put {
		return textPutWhatAsk
	}
	return textWhatAsk
}

func (sc *whatScreen) message(s *session) string {
	st := sc.stock(s)
	switch {
	case st.plan != nil:
	case st.err != nil && sc.put:
		return textPutWhatAll
	case st.err != nil:
		return textWhatFailedMsg
	default:
		return textWhatWaitMsg
	}
	rows := sc.rows(s)
	if len(rows) == 0 {
		return textWhatNoFind
	}
	sc.clamp(len(rows))
	r := rows[sc.at]
	in, out := textWhatIn, textWhatOut
	if sc.put {
		in, out = textPutWhatIn, textPutWhatOut
	}
	switch {
	case r.part == nil:
		return fmt.Sprintf(textWhatGroup, r.group.name, r.group.chosen(st.omit), len(r.group.parts))
	case st.omit[r.part.name]:
		return fmt.Sprintf(out, human.End(s.show(r.part.name), 30))
	}
	return fmt.Sprintf(in, human.End(s.show(r.part.name), 40))
}

// typed gives what is typed to the search, while it is open.
func (sc *whatScreen) typed(_ *session, e keyEvent) bool {
	return sc.finding && (e.text != "" || e.key == keyBackspace) && sc.find.typed(e)
}

func (sc *whatScreen) keys(s *session) []binding {
	if sc.finding {
		return []binding{
			bindMove(func(k key) { sc.move(k, len(sc.rows(s))) }),
			bindEnter(textWhatFound, func() step { sc.finding = false; return step{} }),
			bindEsc(textWhatEndFind, func() step { return sc.endFind() }),
		}
	}
	back := bindBack()
	if len(sc.find.text) > 0 {
		back = bindEsc(textWhatEndFind, sc.endFind)
	}
	keys := []binding{
		bindMove(func(k key) { sc.move(k, len(sc.rows(s))) }),
		bindSpace(textChoose, func() step { return sc.toggle(s) }),
		{
			keys: []key{keyRight, keyLeft}, name: textLeftRight, does: textWhatOpen,
			do: func(k key) step { return sc.open(s, k == keyRight) },
		},
		bindLetter("a", textWhatAll, textWhatAllHelp, func() step { return sc.set(s, func(string) bool { return true }) }),
		bindLetter("n", textUsersNone, "", func() step { return sc.set(s, func(string) bool { return false }) }),
		bindLetter("d", textWhatDocs, textWhatDocsHelp, func() step {
			docs := documents(sc.stock(s).plan)
			st := sc.set(s, func(name string) bool { return docs[name] })
			st.note = textWhatOnlyDocs
			return st
		}),
	}
	if !sc.put {
		keys = append(keys, bindLetter("r", textWhatRules, textWhatRulesHelp, func() step { return step{move: goOver, over: newRulesDialog(s)} }))
	}
	if len(sc.remarks(s)) > 0 {
		keys = append(keys, bindLetter("i", textWhatRemarks, textWhatRemarksHelp, func() step { return step{move: goOver, over: &remarksOverlay{}} }))
	}
	return append(keys,
		binding{keys: []key{"/", "f"}, name: "/", does: textWhatFind, more: textWhatFindHelp, do: func(key) step { sc.finding = true; return step{} }},
		bindEnter(textGoOn, func() step {
			st := sc.stock(s)
			switch {
			case st.err != nil && !sc.put:
				what, _ := words(st.err)
				return note(textWhatFailed, s.show(what))
			case st.nothing():
				return note(textWhatEmpty)
			case sc.put:
				return step{move: goNext, cmds: s.rehearseChanged()}
			}
			return step{move: goNext}
		}),
		back,
	)
}

// endFind shows everything again.
func (sc *whatScreen) endFind() step {
	sc.finding = false
	sc.find.set("")
	return step{}
}

// documents are the components of people's files.
func documents(p *Plan) map[string]bool {
	docs := map[string]bool{}
	if p != nil {
		for _, u := range p.Units {
			if u.Type == typeDocuments {
				docs[u.Component] = true
			}
		}
	}
	return docs
}

// typeDocuments is the type of components for people's files (migxml).
const typeDocuments = "Documents"

// nothingChosen is true once it is known that nothing would be saved.
func (s *session) nothingChosen() bool { return stock{plan: s.plan(), omit: s.omit}.nothing() }

func (st stock) nothing() bool {
	return st.plan != nil && len(st.plan.Components) > 0 && !slices.ContainsFunc(st.plan.Components, func(c string) bool { return !st.omit[c] })
}

// set chooses the components that in says.
func (sc *whatScreen) set(s *session, in func(name string) bool) step {
	st := sc.stock(s)
	if st.plan != nil {
		for _, name := range st.plan.Components {
			st.omit[name] = !in(name)
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
	r, omit := rows[sc.at], sc.stock(s).omit
	if r.part != nil {
		omit[r.part.name] = !omit[r.part.name]
	} else {
		out := r.group.chosen(omit) == len(r.group.parts)
		for _, p := range r.group.parts {
			omit[p.name] = out
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
	if sc.put {
		n = s.put.takers()
	}
	head := human.Plural(int64(n), textWhatUser, textWhatUsers)
	st := sc.stock(s)
	p := st.plan
	if p == nil {
		return sc.waiting(s, head, w)
	}
	groups := sc.groups(s)
	var all engine.Totals
	for _, g := range groups {
		all.Files += g.Files
		all.Bytes += g.Bytes
	}
	lines := []string{sides(" "+sc.ask(), fmt.Sprintf(textWhatFor, head, human.Bytes(all.Bytes))+" ", w-1), ""}
	rows := sc.rows(s)
	sc.clamp(len(rows))
	var blocks [][]string
	for i, r := range rows {
		blocks = append(blocks, []string{s.th.row(sc.line(s, r, i == sc.at), i == sc.at, 76)})
	}
	t := p.Size(st.sel)
	listed := 0
	for _, g := range groups {
		listed += len(g.parts)
	}
	if sc.finding || len(sc.find.text) > 0 {
		lines[1] = "   " + textWhatFind + ": [" + sc.find.view(s, sc.finding, 40) + "]"
		lines = append(lines, "")
	}
	if s.rulesAt != "" && !sc.put {
		lines = append(lines, "   "+human.Middle(fmt.Sprintf(textWhatRulesAt, s.show(s.rulesAt)), w-5), "")
	}
	foot := []string{"", "   " + fmt.Sprintf(textWhatChosen, human.Bytes(t.Bytes), filesText(t.Files), human.Bytes(max(all.Bytes-t.Bytes, 0)))}
	for _, l := range clip(p.Left, 2) {
		format, paint := textWhatLeftNo, s.th.dim
		if l.Matters {
			format, paint = textWhatLeftYes, s.th.warn
		}
		text := fmt.Sprintf(format, filesText(l.Files), human.Bytes(l.Bytes), s.show(l.Reason))
		for i, part := range wrapTwo(text, w-8) {
			foot = append(foot, paint(strings.Repeat(" ", 3+2*min(i, 1))+part))
		}
	}
	if n := len(sc.remarks(s)); n > 0 {
		foot = append(foot, s.th.warn("   "+fmt.Sprintf(textWhatRemarked, human.Plural(int64(n), textWhatRemark, textWhatRemarks))))
	}
	if n := len(p.Components) - listed; n > 0 {
		foot = append(foot, s.th.dim("   "+fmt.Sprintf(textWhatEmptyOnes, human.Plural(int64(n), textWhatKind, textWhatKinds))))
	}
	lines = append(lines, scroll(s.th, blocks, sc.at, h-len(lines)-len(foot))...)
	return append(lines, foot...)
}

func (sc *whatScreen) line(s *session, r whatRow, here bool) string {
	sizes := func(t engine.Totals) string {
		if t.Files == 0 && t.Values == 0 {
			return padLeft(textWhatNothing, 28)
		}
		return padLeft(human.Bytes(t.Bytes), 11) + padLeft(amount(t), 17)
	}
	if r.part == nil {
		g := r.group
		n := g.chosen(sc.stock(s).omit)
		sign := "-"
		if sc.shut[g.kind] {
			sign = "+"
		}
		return mark(here) + check(n > 0, n > 0 && n < len(g.parts)) + " " + sign + " " +
			pad(human.End(g.name, 36), 37) + sizes(g.Totals)
	}
	return mark(here) + "    " + check(!sc.stock(s).omit[r.part.name], false) + " " +
		pad(human.End(s.show(r.part.name), 34), 35) + sizes(r.part.Totals)
}

// amount counts files, or settings where there are none.
func amount(t engine.Totals) string {
	if t.Files == 0 && t.Values > 0 {
		return human.Plural(t.Values, textWhatKey, textWhatKeys)
	}
	return filesText(t.Files)
}

// waiting is the screen while the plan is being made.
func (sc *whatScreen) waiting(s *session, head string, w int) []string {
	lines := []string{sides(" "+sc.ask(), head+" ", w-1), "", ""}
	if err := sc.stock(s).err; err != nil {
		what, remedy := words(err)
		text := textWhatFailed
		if sc.put {
			text = textPutWhatFailed
		}
		lines = append(lines, painted(s.th.bad, wrap(fmt.Sprintf(text, s.show(what)), "   ", w-2))...)
		return append(lines, wrap(joinSentences(s.show(remedy)), "   ", w-2)...)
	}
	c := s.counting
	switch {
	case sc.put:
		return append(lines, "   "+textPutWhatWait+" "+s.spinner())
	case c == nil:
		return lines
	}
	lines = append(lines, "   "+fmt.Sprintf(textWhatWait, filesText(c.snap.FilesDone), human.Bytes(c.snap.BytesDone))+" "+s.spinner(), "")
	return append(lines, "   "+s.th.dim(human.Middle(s.show(c.snap.Current), w-5)))
}

func (sc *whatScreen) outline(s *session) outline {
	o := outline{about: []string{sc.ask()}}
	st := sc.stock(s)
	p := st.plan
	if p == nil {
		o.about = sc.waiting(s, "", minWidth)
		return o
	}
	for i, r := range sc.rows(s) {
		t, name := r.group.Totals, r.group.name
		n := r.group.chosen(st.omit)
		box := check(n > 0, n > 0 && n < len(r.group.parts))
		if r.part != nil {
			t, name, box = r.part.Totals, "  "+r.part.name, check(!st.omit[r.part.name], false)
		}
		o.items = append(o.items, item{
			text: box + " " + s.words(name, human.Bytes(t.Bytes), amount(t)),
			do:   func() step { sc.at = i; return sc.toggle(s) },
		})
	}
	t := p.Size(st.sel)
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

// remarks are what is odd about the rules.
func (sc *whatScreen) remarks(s *session) []string {
	if p := s.plan(); p != nil && !sc.put {
		return p.Remarks
	}
	return nil
}

// remarksOverlay lists what is odd about the rules.
type remarksOverlay struct {
	pager
	room int
}

func (o *remarksOverlay) title(*session) string   { return textRemarksTitle }
func (o *remarksOverlay) why() string             { return textRemarksWhy }
func (o *remarksOverlay) message(*session) string { return textRemarksMsg }

func (o *remarksOverlay) keys(s *session) []binding {
	return []binding{
		bindScroll(func(k key) { o.move(k, len(o.lines(s, minWidth)), max(o.room, 1)) }),
		{keys: []key{keyEsc, "i"}, name: textEsc, does: textClose, do: func(key) step { return step{move: goBack} }},
	}
}

func (o *remarksOverlay) lines(s *session, w int) (lines []string) {
	for _, text := range (&whatScreen{}).remarks(s) {
		part := wrap(s.show(text), "   ", w-2)
		if len(part) > 0 {
			part[0] = " * " + strings.TrimLeft(part[0], " ")
		}
		lines = append(lines, clip(part, 6)...)
	}
	return lines
}

func (o *remarksOverlay) body(s *session, w, h int) []string {
	o.room = h
	return o.view(o.lines(s, w), h)
}

func (o *remarksOverlay) outline(s *session) outline { return outline{about: o.lines(s, minWidth)} }

// rulesDialog asks for rule files to use instead of Lifeboat's own.
type rulesDialog struct {
	path *field
	wait bool
}

func newRulesDialog(s *session) *rulesDialog { return &rulesDialog{path: newField(s.rulesAt, 200)} }

func (d *rulesDialog) title(s *session) string           { return (&whatScreen{}).title(s) }
func (d *rulesDialog) why() string                       { return textWhatRulesWhy }
func (d *rulesDialog) message(*session) string           { return textWhatRulesMsg }
func (d *rulesDialog) typed(_ *session, e keyEvent) bool { return d.path.typed(e) }

func (d *rulesDialog) keys(s *session) []binding {
	return []binding{
		bindEnter(textWhatRulesDo, func() step {
			path := strings.TrimSpace(d.path.value())
			if path == "" { // back to Lifeboat's own
				return step{move: goBack, cmds: s.take(rulesRead{})}
			}
			d.wait = true
			return step{cmds: []command{s.do(func(ctx context.Context) any {
				files, err := s.backend.ReadRules(ctx, path)
				return rulesRead{path, files, err}
			})}}
		}),
		bindBack(),
	}
}

// see leaves the dialog when the rules were read.
func (d *rulesDialog) see(s *session, msg any) step {
	m, ok := msg.(rulesRead)
	switch {
	case !ok || !d.wait:
		return step{}
	case m.err != nil:
		d.wait = false
		return note("%s", joinSentences(m.err.Error()))
	}
	return step{move: goOut, over: d, note: fmt.Sprintf(textWhatRulesNow, human.Plural(int64(len(m.files)), textWhatRuleFile, textWhatRuleFiles))}
}

func (d *rulesDialog) text() []string { return wrap(textWhatRulesAsk, "", 58) }

func (d *rulesDialog) body(s *session, w, h int) []string {
	return dialog(s, textWhatRulesTitle, append(d.text(), "", "["+d.path.view(s, true, 54)+"]"), nil, 0, w, h)
}

func (d *rulesDialog) outline(*session) outline {
	return outline{about: d.text(), items: []item{fieldItem(textDestFolderIs+":", d.path)}}
}
