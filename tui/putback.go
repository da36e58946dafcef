package tui

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lifeboat/engine"
	"lifeboat/engine/human"
	"lifeboat/engine/job"
	"lifeboat/engine/restore"
	"lifeboat/engine/usmt"
)

// putBack is what was answered about putting a store back.
type putBack struct {
	store      Store
	password   string
	inst       *engine.Installation
	omit       map[string]bool   // users by their ID in the store
	move       map[string]string // account in the store to account on the target
	noAccounts bool              // make no accounts
	parts      map[string]bool   // components to leave out
	contents   *contents
	trial      *trial
}

// contents is what the store holds, while and after it is counted.
type contents struct {
	cancel context.CancelFunc
	plan   *Plan
	err    error
}

// contentsCounted is how counting a store ended.
type contentsCounted struct {
	of   *contents
	plan *Plan
	err  error
}

// countStore counts what the store holds.
func (s *session) countStore() []command {
	if s.put.contents != nil {
		s.put.contents.cancel()
	}
	ctx, cancel := context.WithCancel(s.ctx)
	c := &contents{cancel: cancel}
	s.put.contents, s.put.parts = c, map[string]bool{}
	ref, backend := engine.StoreRef{Path: s.put.store.Path, Password: s.put.password}, s.backend
	return []command{s.do(func(context.Context) any {
		defer cancel()
		plan, err := backend.Contents(ctx, ref)
		return contentsCounted{c, plan, err}
	})}
}

// stock is what of the store can be chosen.
func (p *putBack) stock() stock {
	st := stock{omit: p.parts, sel: engine.Selection{OmitUsers: map[string]bool{}, OmitComponents: p.parts}}
	if p.contents != nil {
		st.plan, st.err = p.contents.plan, p.contents.err
	}
	if p.trial != nil && p.trial.report != nil {
		for _, u := range p.trial.report.Users {
			if !taken(u) || p.omit[u.ID] {
				st.sel.OmitUsers[u.ID] = true
			}
		}
	}
	st.in = func(id string) bool { return !st.sel.OmitUsers[id] }
	return st
}

// takers counts the users who get something.
func (p *putBack) takers() (n int) {
	if p.trial != nil && p.trial.report != nil {
		for _, u := range p.trial.report.Users {
			if taken(u) {
				n++
			}
		}
	}
	return n
}

// rehearseChanged finds out anew what putting back would do, if other kinds are
// chosen than at the last time.
func (s *session) rehearseChanged() []command {
	if t := s.put.trial; t != nil && maps.EqualFunc(t.parts, s.put.parts, func(a, b bool) bool { return a == b }) {
		return nil
	}
	return s.rehearse()
}

// trial is a restore that writes nothing: it tells who becomes whom, and what
// would be written.
type trial struct {
	parts  map[string]bool // as they were left out
	ctl    *job.Control
	cancel context.CancelFunc
	done   bool
	report *engine.RestoreReport
	err    error
}

// trialMade is how a trial ended.
type trialMade struct {
	of     *trial
	report *engine.RestoreReport
	err    error
}

// putSteps is the number of questions of putting back.
const putSteps = 5

// restoreRequest is the restore that the answers amount to.
func (s *session) restoreRequest(dry bool) engine.RestoreRequest {
	p := s.put
	req := engine.RestoreRequest{
		StoreRef:     engine.StoreRef{Path: p.store.Path, Password: p.password},
		Installation: p.inst, CreateAccounts: !p.noAccounts, EnableAccounts: !p.noAccounts,
		Continue: true, DryRun: dry, Select: engine.Selection{OmitUsers: maps.Clone(p.omit), OmitComponents: maps.Clone(p.parts)},
	}
	for from, to := range p.move {
		req.MoveUsers = append(req.MoveUsers, usmt.Rename{From: from, To: to})
	}
	slices.SortFunc(req.MoveUsers, func(a, b usmt.Rename) int { return strings.Compare(a.From, b.From) })
	return req
}

// rehearse finds out what putting back would do.
func (s *session) rehearse() []command {
	p := s.put
	ctx, cancel := context.WithCancel(s.ctx)
	t := &trial{parts: maps.Clone(p.parts), ctl: job.NewControl(s.clock, nil), cancel: cancel}
	if p.trial != nil {
		p.trial.cancel()
		t.report = p.trial.report // to look at until there is another
	}
	s.put.trial = t
	req, backend := s.restoreRequest(true), s.backend
	return []command{s.do(func(context.Context) any {
		defer cancel()
		report, err := backend.Restore(ctx, req, t.ctl)
		return trialMade{t, report, err}
	})}
}

// putInto takes the Windows to put the store into.
func (s *session) putInto(inst *engine.Installation) []command {
	if s.put.inst == inst && s.put.trial != nil {
		return nil
	}
	s.put.inst = inst
	s.put.omit, s.put.move = map[string]bool{}, map[string]string{}
	return s.rehearse()
}

// putUsersScreen shows who of the store becomes whom on the target.
type putUsersScreen struct{ list }

// people are the users of the store, as the trial found accounts for them. Those
// the trial left out because they were not chosen stay in the list.
func (sc *putUsersScreen) people(s *session) []engine.RestoredUser {
	if s.put.trial == nil || s.put.trial.report == nil {
		return nil
	}
	return s.put.trial.report.Users
}

func (sc *putUsersScreen) title(*session) string {
	return fmt.Sprintf(textStep, 3, putSteps, textPutUsersTitle)
}
func (sc *putUsersScreen) why() string { return textPutUsersWhy }

// rehearsed tells whether the trial of the present answers is done.
func (s *session) rehearsed() bool { return s.put.trial != nil && s.put.trial.done }

func (sc *putUsersScreen) message(s *session) string {
	people := sc.people(s)
	sc.clamp(len(people))
	switch {
	case !s.rehearsed():
		return textPutWait + " " + s.spinner()
	case s.put.trial.err != nil:
		return textPutRefused
	case len(people) == 0:
		return textPutNobody
	}
	u := people[sc.at]
	name := human.End(s.personName(u), 30)
	switch {
	case u.How == restore.NotTaken:
		return fmt.Sprintf(textPutNotIn, name)
	case s.put.omit[u.ID]:
		return fmt.Sprintf(textPutLeft, name, textUsersByHand)
	case u.How == restore.Left:
		return fmt.Sprintf(textPutLeft, name, human.End(s.show(u.Why), 38))
	}
	return fmt.Sprintf(textPutGoes, name, human.Middle(s.show(u.Profile), 36))
}

func (sc *putUsersScreen) keys(s *session) []binding {
	accounts := textPutAccountsNo
	if s.put.noAccounts {
		accounts = textPutAccountsYes
	}
	return []binding{
		bindMove(func(k key) { sc.move(k, len(sc.people(s))) }),
		bindSpace(textChoose, func() step { return sc.toggle(s, sc.at) }),
		bindLetter("t", textPutOther, textPutOtherHelp, func() step { return sc.other(s) }),
		bindLetter("m", accounts, textPutAccountsHelp, func() step {
			s.put.noAccounts = !s.put.noAccounts
			return step{cmds: s.rehearse()}
		}),
		bindEnter(textGoOn, func() step {
			switch {
			case !s.rehearsed():
				return note(textPutWait)
			case s.put.trial.err != nil:
				return note(textPutRefused)
			}
			return step{move: goNext}
		}),
		bindBack(),
	}
}

func (sc *putUsersScreen) toggle(s *session, at int) step {
	people := sc.people(s)
	if at >= len(people) || people[at].How == restore.NotTaken {
		return step{}
	}
	sc.at = at
	id := people[at].ID
	s.put.omit[id] = !s.put.omit[id]
	return step{cmds: s.rehearse()}
}

// other asks for another account to take what was a user's.
func (sc *putUsersScreen) other(s *session) step {
	people := sc.people(s)
	if sc.at >= len(people) || people[sc.at].How == restore.NotTaken {
		return step{}
	}
	u := people[sc.at]
	if u.From == "" { // /mu finds people by their names
		return note(textPutNoName)
	}
	return step{move: goOver, over: &accountDialog{from: u.From, to: newField(s.put.move[u.From], 64), put: sc}}
}

// personName is what a user of the store is called.
func (s *session) personName(u engine.RestoredUser) string {
	if strings.Trim(u.From, `\`) == "" {
		return fmt.Sprintf(textPutNameless, human.Middle(s.show(u.ID), 15))
	}
	return s.show(u.From)
}

// taken tells whether something of a user would be put back.
func taken(u engine.RestoredUser) bool { return u.How != restore.Left && u.How != restore.NotTaken }

// putCount is what is written.
func putCount(d restore.Counts) string {
	if d.Files == 0 && d.Identical > 0 {
		return textPutNothing
	}
	return fmt.Sprintf(textPutCount, filesText(d.Files), human.Bytes(d.Bytes))
}

// howText says by what an account was found.
func howText(how restore.How) string {
	switch how {
	case restore.SameAccount, restore.SameName:
		return textPutMerge
	case restore.NewProfile:
		return textPutNew
	case restore.NewAccount:
		return textPutMade
	case restore.NotTaken:
		return textPutNotStored
	}
	return textPutNotBack
}

func (sc *putUsersScreen) body(s *session, w, h int) []string {
	lines := []string{
		sides(" "+textPutUsersAsk, human.Middle(fmt.Sprintf(textPutFromTo, s.show(s.put.store.Computer), s.show(s.put.inst.ComputerName)), 44)+" ", w-1), "",
		s.th.dim("       " + pad(textPutFrom, 26) + pad(textPutTo, 28) + textPutState),
	}
	t := s.put.trial
	if t == nil || t.report == nil || t.err != nil {
		return append(lines, sc.waiting(s, w)...)
	}
	people := sc.people(s)
	sc.clamp(len(people))
	var blocks [][]string
	for i, u := range people {
		to := s.show(u.To)
		if !taken(u) {
			to = "-"
		}
		line := mark(i == sc.at) + check(taken(u), false) + " " + pad(human.Middle(s.personName(u), 25), 26) +
			pad(human.Middle(to, 27), 28) + human.End(howText(u.How), 16)
		blocks = append(blocks, []string{s.th.row(line, i == sc.at, 76)})
	}
	foot := []string{""}
	if !s.rehearsed() {
		foot = append(foot, "   "+textPutWait+" "+s.spinner())
	} else {
		foot = append(foot, "   "+putCount(t.report.Done))
	}
	accounts := textPutAccounts
	if s.put.noAccounts {
		accounts = textPutNoAccounts
	}
	foot = append(foot, "")
	foot = append(foot, wrap(accounts, " ", w-2)...)
	foot = append(foot, wrap(textPutExisting, " ", w-2)...)
	lines = append(lines, scroll(s.th, blocks, sc.at, h-len(lines)-len(foot))...)
	return append(lines, foot...)
}

// waiting is the screen before the first trial is done, or when it failed.
func (sc *putUsersScreen) waiting(s *session, w int) []string {
	t := s.put.trial
	if t == nil || t.err == nil {
		text := textPutWait
		if t != nil {
			if snap := t.ctl.Progress.Snapshot(); snap.FilesDone > 0 {
				text += " " + filesText(snap.FilesDone)
			}
		}
		return []string{"", "   " + text + " " + s.spinner()}
	}
	what, remedy := words(t.err)
	lines := append([]string{""}, painted(s.th.bad, wrap(joinSentences(s.show(what)), "   ", w-2))...)
	return append(lines, wrap(joinSentences(s.show(remedy)), "   ", w-2)...)
}

func (sc *putUsersScreen) outline(s *session) outline {
	o := outline{about: []string{textPutUsersAsk}}
	t := s.put.trial
	if t == nil || t.report == nil || t.err != nil {
		o.about = append(o.about, sc.waiting(s, minWidth)...)
		return o
	}
	if s.rehearsed() {
		o.about = append(o.about, putCount(t.report.Done))
	}
	for i, u := range sc.people(s) {
		o.items = append(o.items, item{
			text: check(taken(u), false) + " " + s.words(s.personName(u), u.To, howText(u.How)),
			do:   func() step { return sc.toggle(s, i) },
		})
	}
	return o
}

// see tells those who hear lines that the list is there.
func (sc *putUsersScreen) see(_ *session, msg any) step {
	if m, ok := msg.(trialMade); ok && m.err == nil {
		return note(textPutReady)
	}
	return step{}
}

// accountDialog asks for the account on the target.
type accountDialog struct {
	put  *putUsersScreen
	from string
	to   *field
}

func (d *accountDialog) title(s *session) string           { return d.put.title(s) }
func (d *accountDialog) why() string                       { return textPutUsersWhy }
func (d *accountDialog) message(*session) string           { return textPutAccountMsg }
func (d *accountDialog) typed(_ *session, e keyEvent) bool { return d.to.typed(e) }

func (d *accountDialog) keys(s *session) []binding {
	return []binding{
		bindEnter(textGoOn, func() step {
			to := strings.TrimSpace(d.to.value())
			if strings.ContainsAny(to, `:*?"<>|/`) {
				return note(textPutAccountBad)
			}
			s.put.move[d.from] = to
			if to == "" {
				delete(s.put.move, d.from)
			}
			return step{move: goBack, cmds: s.rehearse()}
		}),
		bindBack(),
	}
}

// known names the accounts of the target.
func (d *accountDialog) known(s *session) []string {
	names := []string{textPutKnown}
	for i := range clip(s.put.inst.Users, 5) {
		names = append(names, "  "+human.Middle(s.show(engine.Account(&s.put.inst.Users[i])), 54))
	}
	return names
}

func (d *accountDialog) body(s *session, w, h int) []string {
	text := append(d.known(s), "", "["+d.to.view(s, true, 54)+"]")
	return dialog(s, fmt.Sprintf(textPutAccountAsk, s.show(d.from)), text, nil, 0, w, h)
}

func (d *accountDialog) outline(s *session) outline {
	return outline{about: append([]string{fmt.Sprintf(textPutAccountAsk, s.show(d.from))}, d.known(s)...), items: []item{fieldItem(textUsersAccount+":", d.to)}}
}

// putReviewScreen is the only place that starts writing to the computer: No is
// first.
type putReviewScreen struct{ list }

func (sc *putReviewScreen) enter(*session) []command {
	sc.at = 0
	return nil
}

func (sc *putReviewScreen) title(*session) string {
	return fmt.Sprintf(textStep, 5, putSteps, textReviewTitle)
}
func (sc *putReviewScreen) why() string { return textPutReviewWhy }

func (sc *putReviewScreen) warn(s *session) string {
	return fmt.Sprintf(textPutWillWrite, human.Middle(s.show(s.put.inst.Where), 40))
}

func (sc *putReviewScreen) message(s *session) string {
	switch {
	case !s.rehearsed():
		return textPutWait + " " + s.spinner()
	case s.put.trial.err != nil:
		return textPutRefused
	}
	return textPutReviewMsg
}

func (sc *putReviewScreen) menu(s *session) []string {
	return []string{textPutNo, fmt.Sprintf(textPutYes, human.Middle(s.show(s.put.inst.Where), 24))}
}

func (sc *putReviewScreen) take(s *session, at int) step {
	if at == 0 {
		return step{move: goBack}
	}
	switch {
	case !s.rehearsed():
		return note(textPutWait)
	case s.put.trial.err != nil:
		what, _ := words(s.put.trial.err)
		return note("%s", joinSentences(s.show(what)))
	}
	return step{move: goTo, to: screenSaving, cmds: s.startPutBack()}
}

func (sc *putReviewScreen) keys(s *session) []binding {
	targets := []screenID{screenStores, screenTarget, screenPutUsers, screenPutWhat}
	return []binding{
		{
			keys: []key{keyLeft, keyRight, keyUp, keyDown}, name: textLeftRight, does: textChoose,
			do: func(k key) step {
				sc.at = 0
				if k == keyRight || k == keyDown {
					sc.at = 1
				}
				return step{}
			},
		},
		bindEnter(textDoIt, func() step { return sc.take(s, sc.at) }),
		bindDigits(len(targets), textReviewChange, func(i int) step { return step{move: goAside, to: targets[i]} }),
		bindBack(),
	}
}

// rows are what will be done.
func (sc *putReviewScreen) rows(s *session, room int) []reviewRow {
	p := s.put
	var people []string
	report := p.trial.report
	if report == nil {
		report = &engine.RestoreReport{}
	}
	for _, u := range report.Users {
		if taken(u) {
			people = append(people, fmt.Sprintf("%s (%s)", s.personName(u), howText(u.How)))
		}
	}
	d := report.Done
	rows := []reviewRow{
		{textPutStoreRow, []string{human.Middle(s.show(p.store.Path), room)}},
		{textPutOnto, []string{human.End(fmt.Sprintf(textWelcomeOne, s.productLine(p.inst), s.show(p.inst.ComputerName)), room), human.Middle(s.where(p.inst), room)}},
		{textReviewUsers, wrapTwo(strings.Join(people, ", "), room)},
		{textReviewWhat, []string{sc.what(s, d)}},
		{textPutExistingRow, []string{fmt.Sprintf(textPutExistingIs, human.Count(d.Identical), human.Count(d.Renamed), human.Count(d.Replaced))}},
	}
	if v, ok := s.volume(p.inst.Where); ok {
		rows = append(rows, reviewRow{textPutAfter, []string{fmt.Sprintf(textPutAfterIs, human.Bytes(max(v.Free-d.Bytes, 0)))}})
	}
	return append(rows, reviewRow{textPutUndoRow, wrapTwo(textPutUndoIs, room)})
}

// what is what is written, and of how many kinds.
func (sc *putReviewScreen) what(s *session, d restore.Counts) string {
	switch st := s.put.stock(); {
	case !s.rehearsed():
		return textPutCounting + " " + s.spinner()
	case st.plan != nil:
		in := 0
		for _, c := range st.plan.Components {
			if !st.omit[c] {
				in++
			}
		}
		return fmt.Sprintf(textPutKinds, in, len(st.plan.Components), putCount(d))
	}
	return putCount(d)
}

func (sc *putReviewScreen) body(s *session, w, h int) []string {
	lines := []string{" " + s.th.warn(textPutReviewLead), ""}
	for n, r := range sc.rows(s, w-24) {
		digit := " "
		if n < 4 {
			digit = string(rune('1' + n))
		}
		if n == 5 {
			lines = append(lines, "")
		}
		for i, text := range r.texts {
			if i > 0 {
				digit, r.name = " ", ""
			}
			lines = append(lines, fmt.Sprintf("   %s  %s%s", digit, pad(r.name, 14), fit(text, w-22)))
		}
	}
	if t := s.put.trial; t.report != nil {
		for i, text := range t.report.Warnings {
			if i == 2 {
				break
			}
			lines = append(lines, "   "+s.th.warn("!  "+human.End(s.show(text), w-8)))
		}
	}
	for len(lines) < h-2 {
		lines = append(lines, "")
	}
	menu := "       "
	for i, text := range sc.menu(s) {
		if i == sc.at {
			menu += s.th.selected(" > "+text+" ") + "   "
		} else {
			menu += "   " + text + "    "
		}
	}
	return append(lines, strings.TrimRight(menu, " "))
}

func (sc *putReviewScreen) outline(s *session) outline {
	o := outline{about: []string{textPutReviewLead}, at: 1}
	for _, r := range sc.rows(s, 200) {
		o.about = append(o.about, r.name+": "+strings.Join(r.texts, ", "))
	}
	for i, text := range sc.menu(s) {
		o.items = append(o.items, item{text: text, do: func() step { return sc.take(s, i) }})
	}
	return o
}

// startPutBack starts what the review showed.
func (s *session) startPutBack() []command {
	req, backend := s.restoreRequest(false), s.backend
	r := &run{kind: puttingBack, path: req.Path}
	if t := s.put.trial.report; t != nil {
		r.bytes = t.Done.Bytes
	}
	s.keepLog(r, "loadstate", loadState(req).CommandLine(thisSystem()), nil)
	return s.begin(r, func(ctx context.Context, ctl *job.Control) runEnded {
		report, err := backend.Restore(ctx, req, ctl)
		return runEnded{restored: report, err: err}
	})
}

// undo takes the last restore back.
func (s *session) undo(journal string) []command {
	backend := s.backend
	r := &run{kind: takingBack, path: journal}
	s.keepLog(r, "lifeboat undo", usmt.Join(thisSystem(), []string{"lifeboat", "undo", journal}), nil)
	return s.begin(r, func(ctx context.Context, ctl *job.Control) runEnded {
		report, err := backend.Undo(ctx, journal)
		return runEnded{undone: &report, err: err}
	})
}

// undoDialog asks before a restore is taken back.
type undoDialog struct {
	list
	journal string
}

func (d *undoDialog) modal() bool { return true }

func (d *undoDialog) title(*session) string   { return textResultTitle }
func (d *undoDialog) why() string             { return textUndoText }
func (d *undoDialog) warn(s *session) string  { return (&putReviewScreen{}).warn(s) }
func (d *undoDialog) message(*session) string { return textPutReviewMsg }

func (d *undoDialog) take(s *session, at int) step {
	if at == 0 {
		return step{move: goBack}
	}
	return step{move: goTo, to: screenSaving, cmds: s.undo(d.journal)}
}

func (d *undoDialog) keys(s *session) []binding {
	return []binding{
		bindMove(func(k key) { d.move(k, 2) }),
		bindEnter(textDoIt, func() step { return d.take(s, d.at) }),
		bindEsc(textBack, func() step { return step{move: goBack} }),
	}
}

var undoMenu = []string{textUndoNo, textUndoYes}

func (d *undoDialog) body(s *session, w, h int) []string {
	return dialog(s, textUndoAsk, wrap(textUndoText, "", 58), undoMenu, d.at, w, h)
}

func (d *undoDialog) outline(s *session) outline {
	return menuOutline(textUndoAsk, wrap(textUndoText, "", 58), undoMenu, d.at, func(i int) step { return d.take(s, i) })
}

// restoredLines is the result of putting back.
func (sc *resultScreen) restoredLines(s *session, w int) []string {
	r, th := s.run, s.th
	rep := r.restored
	if rep == nil {
		rep = &engine.RestoreReport{ReturnCode: int(usmt.CodeOf(r.err))}
	}
	headline := th.good(textPutDone)
	switch {
	case r.stopping:
		headline = th.warn(textPutStopped)
	case r.err != nil:
		headline = th.bad(textPutFailed)
	case rep.ProblemCount > 0:
		headline = th.warn(fmt.Sprintf(textPutProblems, human.Plural(rep.ProblemCount, textPutProblem1, textPutProblem2)))
	}
	lines := []string{sides(" "+headline, fmt.Sprintf(textResultCode, rep.ReturnCode)+" ", w-1), ""}
	if r.err != nil && !r.stopping {
		what, remedy := words(r.err)
		lines = append(lines, named(s, textResultLWhy, what, w)...)
		lines = append(lines, named(s, textResultLDo, remedy, w)...)
	}
	d := rep.Done
	lines = append(lines,
		resultRow(textPutWritten, putCount(d)),
		resultRow("", fmt.Sprintf(textPutExistingIs, human.Count(d.Identical), human.Count(d.Renamed), human.Count(d.Replaced))),
		resultRow(textPutSettings, human.Plural(d.Values, textWhatKey, textWhatKeys)),
		resultRow(textResultLTime, human.Duration(r.endedAt.Sub(r.began))),
	)
	if rep.Journal != "" {
		lines = append(lines, resultRow(textPutJournal, human.Middle(s.show(rep.Journal), w-18)))
	}
	lines = append(lines, "")
	for i, u := range rep.Users {
		if i == 6 {
			lines = append(lines, fmt.Sprintf(textMoreBelow, len(rep.Users)-i))
			break
		}
		to := howText(u.How)
		if taken(u) {
			to = s.show(u.Profile) + ", " + to
		} else if u.Why != "" && !s.put.omit[u.ID] {
			to += ": " + s.show(u.Why)
		}
		lines = append(lines, "     "+pad(human.Middle(s.personName(u), 27), 28)+human.End(to, w-36))
	}
	for i, text := range rep.Warnings {
		if i == 2 {
			break
		}
		lines = append(lines, "   "+th.warn("!  "+human.End(s.show(text), w-8)))
	}
	return lines
}

// undoneLines is the result of taking back.
func (sc *resultScreen) undoneLines(s *session, w int) []string {
	r := s.run
	headline := s.th.good(textUndoDone)
	if r.err != nil {
		headline = s.th.bad(textUndoFailed)
	}
	lines := []string{" " + headline, ""}
	if r.err != nil {
		what, remedy := words(r.err)
		lines = append(lines, named(s, textResultLWhy, what, w)...)
		lines = append(lines, named(s, textResultLDo, remedy, w)...)
	}
	if u := r.undone; u != nil {
		lines = append(lines,
			resultRow(textUndoRemoved, filesText(u.Removed)),
			resultRow(textUndoRestored, filesText(u.Restored)))
		for _, f := range clip(u.Failed, 6) {
			lines = append(lines, "     "+pad(human.Middle(s.show(f.Path), 40), 42)+human.End(s.show(f.Text), w-50))
		}
	}
	return lines
}
