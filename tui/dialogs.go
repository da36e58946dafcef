package tui

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/human"
	"lifeboat/engine/job"
)

// cancelDialog asks whether to stop the run, which is paused meanwhile.
type cancelDialog struct {
	list
	wasPaused bool
}

func newCancelDialog(s *session) *cancelDialog {
	d := &cancelDialog{wasPaused: !s.run.paused.IsZero()}
	s.run.pause(s.now)
	return d
}

func (d *cancelDialog) modal() bool { return true }

func (d *cancelDialog) title(s *session) string { return (&savingScreen{}).title(s) }
func (d *cancelDialog) why() string             { return textCancelWhy }
func (d *cancelDialog) message(*session) string { return textCancelMsg }

func (d *cancelDialog) goOn(s *session) step {
	if !d.wasPaused {
		s.run.resume()
	}
	return step{move: goBack}
}

func (d *cancelDialog) keys(s *session) []binding {
	return []binding{
		bindMove(func(k key) { d.move(k, 2) }),
		bindEnter(textDoIt, func() step {
			return d.take(s, d.at)
		}),
		bindEsc(textCancelEsc, func() step { return d.goOn(s) }),
	}
}

// take does what the menu says.
func (d *cancelDialog) take(s *session, at int) step {
	if at == 0 {
		return d.goOn(s)
	}
	s.run.stop()
	return step{move: goBack}
}

func (d *cancelDialog) body(s *session, w, h int) []string {
	title, text, menu := d.words(s)
	return dialog(s, title, text, menu, d.at, w, h)
}

func (d *cancelDialog) outline(s *session) outline {
	title, text, menu := d.words(s)
	return menuOutline(title, text, menu, d.at, func(i int) step { return d.take(s, i) })
}

func (d *cancelDialog) words(s *session) (title string, text, menu []string) {
	r := s.run
	if r.kind == takingOut {
		return textTakeCancel, wrap(textTakeCancelText, "", 58), []string{textCancelNo, textPutCancelYes}
	}
	if r.kind == puttingBack {
		return textPutCancel, wrap(textPutCancelText, "", 58), []string{textCancelNo, textPutCancelYes}
	}
	if r.kind == checking {
		return textCancelCheck, wrap(textCancelNothing, "", 58), []string{textCancelNo, textCancelYesChk}
	}
	text = wrap(fmt.Sprintf(textCancelSaved, human.Bytes(r.saved), human.Bytes(r.bytes)), "", 58)
	_, total := r.done()
	spent := fmt.Sprintf(textCancelSpent, human.Duration(s.now.Sub(r.began)))
	if left, ok := r.whole.Left(total); ok {
		spent = fmt.Sprintf(textCancelLeft, human.Duration(s.now.Sub(r.began)), human.Left(left))
	}
	text = append(text, wrap(spent, "", 58)...)
	return textCancelTitle, text, []string{textCancelNo, textCancelYes}
}

// menuOutline is a dialog as lines.
func menuOutline(title string, text, menu []string, at int, do func(i int) step) outline {
	o := outline{about: append([]string{title}, text...), at: at + 1}
	for i, entry := range menu {
		o.items = append(o.items, item{text: entry, do: func() step { return do(i) }})
	}
	return o
}

// questionDialog asks what the engine cannot decide. It comes by itself, so it
// is deaf for a moment, and its first choice does no harm.
type questionDialog struct {
	list
	asked
	since time.Time
	done  bool
}

func (d *questionDialog) modal() bool { return true }

func (d *questionDialog) title(s *session) string { return (&savingScreen{}).title(s) }
func (d *questionDialog) why() string             { return textAskWhy }
func (d *questionDialog) message(*session) string {
	if d.question.Topic == job.MediumGoneQ {
		return textAskMsgGone
	}
	return textAskMsg
}

// skipAll is offered where Skip is: the rest of the run asks no more of that kind.
const skipAll job.Answer = "skip-all"

func (d *questionDialog) answers() []job.Answer {
	all := d.question.Answers
	if len(all) == 0 {
		return []job.Answer{job.Retry, job.Stop}
	}
	if i := slices.Index(all, job.Skip); i >= 0 {
		return slices.Insert(slices.Clone(all), i+1, skipAll)
	}
	if i := slices.Index(all, job.Without); i >= 0 {
		var each []job.Answer
		for _, r := range clip(d.question.Rest, restsListed) {
			each = append(each, job.GoOnWithout(r.User))
		}
		return slices.Replace(slices.Clone(all), i, i+1, each...)
	}
	return all
}

// restsListed is how many users can be left out at a full drive: those of whom the
// most is missing.
const restsListed = 3

// without says whose rest an answer leaves out.
func (d *questionDialog) without(s *session, user string) string {
	name := user
	if user == engine.SystemUser {
		name = textShared
	} else if i := slices.IndexFunc(s.inst.Users, func(u engine.User) bool { return u.ID == user }); i >= 0 {
		name = s.userName(s.inst.Users[i])
	}
	var bytes int64
	for _, r := range d.question.Rest {
		if r.User == user {
			bytes = r.Bytes
		}
	}
	return fmt.Sprintf(textAskWithout, human.Middle(s.show(name), 24), human.Bytes(bytes))
}

func (d *questionDialog) give(a job.Answer) step {
	if !d.done {
		d.done = true
		d.reply <- a // buffered
	}
	return step{move: goBack}
}

// see answers for the person when the drive came back by itself, perhaps under
// another name, and when another one was chosen.
func (d *questionDialog) see(s *session, msg any) step {
	gone := d.question.Topic == job.MediumGoneQ
	switch m := msg.(type) {
	case eventsSeen:
		for _, ev := range m.events {
			if m.run == d.run && gone && ev.Kind == job.MediumBack {
				d.give(job.Retry)
				return step{move: goOut, over: d}
			}
		}
	case volumesSeen:
		if mount, path, ok := d.run.returned(s); gone && ok {
			d.run.tried[mount] = true
			return d.goOnIn(s, mount, path)
		}
	case elsewhereChecked:
		if m.of.of == d && m.check.usable() {
			return d.goOnIn(s, m.mount, m.path)
		}
	}
	return step{}
}

// goOnIn answers with another place.
func (d *questionDialog) goOnIn(s *session, mount, path string) step {
	s.place, s.name, s.resume = mount, filepath.Base(path), ""
	d.give(job.GoOnIn(path))
	return step{move: goOut, over: d}
}

// take gives the answer the menu says, or asks on.
func (d *questionDialog) take(at int) step {
	switch a := d.answers()[at]; a {
	case job.Elsewhere:
		return step{move: goOver, over: &elsewhereDialog{of: d}}
	case skipAll:
		d.run.pass = true
		return d.give(job.Skip)
	default:
		return d.give(a)
	}
}

func (d *questionDialog) keys(s *session) []binding {
	return []binding{
		bindMove(func(k key) { d.move(k, len(d.answers())) }),
		bindEnter(textDoIt, func() step { return d.take(d.at) }),
		{
			keys: []key{keyCtrlC}, name: "Ctrl+C", does: textSaveC,
			do: func(key) step { return step{move: goOver, over: newCancelDialog(s)} },
		},
		bindLog(),
	}
}

func (d *questionDialog) body(s *session, w, h int) []string {
	title, text, menu := d.words(s)
	if d.question.Topic == job.MediumGoneQ {
		text = append(text, fmt.Sprintf(textAskSince, d.since.Format("15:04:05"), human.Duration(s.now.Sub(d.since)))+" "+s.spinner())
	}
	return dialog(s, title, text, menu, d.at, w, h)
}

func (d *questionDialog) outline(s *session) outline {
	title, text, menu := d.words(s)
	return menuOutline(title, text, menu, d.at, d.take)
}

func (d *questionDialog) words(s *session) (title string, text, menu []string) {
	title = textAskOther
	retry := textAskRetry
	switch d.question.Topic {
	case job.UnreadableFile:
		title = textAskUnreadable
	case job.MediumFullQ:
		title, retry = textAskFull, textAskRetryFull
	case job.MediumGoneQ:
		title, retry = textAskGone, textAskRetryGone
	}
	about := s.show(d.question.Path)
	if on := d.run.on; d.question.Topic != job.UnreadableFile && on.Mount != "" { // what is printed on the drive
		about = s.words(on.Mount, on.Label, on.Disk.Model)
	}
	text = []string{human.Middle(about, 58), ""}
	text = append(text, clip(wrap(joinSentences(s.show(d.question.Text)), "", 58), 4)...)
	text = append(text, fmt.Sprintf(textAskSafe, human.Bytes(d.run.snap.SafeBytes)))
	if rest := d.run.bytes - d.run.snap.SafeBytes; d.question.Topic == job.MediumFullQ && rest > 0 {
		text = append(text, fmt.Sprintf(textAskRest, human.Bytes(rest)))
	}
	for _, a := range d.answers() {
		switch a {
		case job.Skip:
			menu = append(menu, textAskSkip)
		case skipAll:
			menu = append(menu, textAskSkipAll)
		case job.Retry:
			menu = append(menu, retry)
		case job.Elsewhere:
			menu = append(menu, textAskElse)
		case job.Stop:
			menu = append(menu, textAskStop)
		default:
			text := s.show(string(a))
			if user, ok := a.User(); ok {
				text = d.without(s, user)
			}
			menu = append(menu, text)
		}
	}
	return title, text, menu
}

// clip keeps the first n.
func clip[T any](all []T, n int) []T { return all[:min(len(all), n)] }

// leaveScreen asks what to do next; the first choice stays.
type leaveScreen struct{ list }

// Ending is what the person wants after the wizard.
type Ending int

// The endings.
const (
	ToPrompt Ending = iota // to the command prompt
	Restart                // restart the computer
	PowerOff
)

func (o *leaveScreen) title(*session) string   { return textLeaveTitle }
func (o *leaveScreen) why() string             { return textLeaveWhy }
func (o *leaveScreen) message(*session) string { return textLeaveWhy }

var leaveEntries = []string{textLeaveStay, textLeaveShell, textLeaveEnd, textLeaveRestart, textLeaveOff}

func (o *leaveScreen) keys(s *session) []binding {
	return []binding{
		bindMove(func(k key) { o.move(k, len(leaveEntries)) }),
		bindEnter(textDoIt, func() step { return o.take(s, o.at) }),
		bindBack(),
	}
}

func (o *leaveScreen) take(s *session, at int) step {
	switch at {
	case 0:
		return step{move: goBack}
	case 1:
		return s.shell()
	case 3:
		s.ending = Restart
	case 4:
		s.ending = PowerOff
	}
	return step{move: goLeave}
}

func (o *leaveScreen) outline(s *session) outline {
	return menuOutline(textLeaveAsk, o.about(s, minWidth), leaveEntries, o.at, func(i int) step { return o.take(s, i) })
}

func (o *leaveScreen) body(s *session, w, h int) []string {
	lines := []string{" " + textLeaveAsk, ""}
	lines = append(lines, buttons(s.th, leaveEntries, o.at, w)...)
	return append(append(lines, ""), o.about(s, w)...)
}

// about is what to know before leaving.
func (o *leaveScreen) about(s *session, w int) (lines []string) {
	switch r := s.run; {
	case r != nil && r.restored != nil:
		lines = append(lines, "   "+fmt.Sprintf(textPutLeave, human.Middle(s.show(r.restored.Journal), w-20)))
	case r != nil && r.kind == takingBack:
		lines = append(lines, "   "+textUndoMsg)
	case r == nil || r.kind != saving:
		lines = append(lines, "   "+textLeaveNothing)
	default:
		lines = append(lines, "   "+textLeaveClosed, "", "   "+fmt.Sprintf(textLeaveStore, human.Middle(s.show(r.path), w-20)))
		if r.report != nil && r.report.HTMLPath != "" {
			lines = append(lines, "   "+fmt.Sprintf(textLeaveReport, human.Middle(s.show(r.report.HTMLPath), w-20)))
		}
	}
	return append(lines, "", "   "+textLeaveMemory)
}

// helpScreen is built from the bindings that are live below it.
type helpScreen struct {
	pager
	name  string
	about string
	below []binding
	room  int
}

func newHelp(r *router) *helpScreen {
	top := r.top()
	name := top.title(r.s)
	if i := strings.LastIndex(name, "  "); i >= 0 {
		name = name[i+2:]
	}
	return &helpScreen{name: name, about: top.why(), below: r.bindings()}
}

func (o *helpScreen) title(*session) string   { return textHelpTitle + ": " + o.name }
func (o *helpScreen) why() string             { return o.about }
func (o *helpScreen) message(*session) string { return "" }

func (o *helpScreen) keys(s *session) []binding {
	return []binding{
		bindScroll(func(k key) { o.move(k, len(o.lines(s, minWidth)), max(o.room, 1)) }),
		{keys: []key{keyEsc, keyF1, "?"}, name: textEsc, does: textHelpBack, do: func(key) step { return step{move: goBack} }},
	}
}

func (o *helpScreen) lines(s *session, w int) []string {
	lines := []string{" " + s.th.strong(textHelpKeys)}
	for _, b := range o.below {
		name := b.name
		for _, line := range wrap(cmp.Or(b.more, b.does), "", w-20) {
			lines = append(lines, "   "+pad(name, 14)+line)
			name = ""
		}
	}
	lines = append(lines, "", " "+s.th.strong(textHelpAlways), "   "+textHelpAlways1, "   "+textHelpAlways2, "")
	return append(lines, wrap(s.th.strong(textHelpWhy)+" "+o.about, " ", w-2)...)
}

func (o *helpScreen) outline(s *session) outline {
	lines := []string{textHelpKeys}
	for _, b := range o.below {
		if name := plainName(b); name != "" || b.has(keyEnter) {
			lines = append(lines, "   "+pad(cmp.Or(name, b.name), 8)+cmp.Or(b.more, b.does))
		}
	}
	return outline{about: append(lines, wrap(textHelpWhy+" "+o.about, "", minWidth)...)}
}

func (o *helpScreen) body(s *session, w, h int) []string {
	o.room = h
	return o.view(o.lines(s, w), h)
}

// crashScreen is what an error of the wizard itself ends in.
type crashScreen struct {
	list
	what, stack string
	writing     bool // the details
	path        string
	failed      error
	saved       bool // something was written to a store
	put         bool // to the computer
}

// crashWritten tells where the details went.
type crashWritten struct {
	path string
	err  error
}

func newCrashScreen(s *session, what, stack string) *crashScreen {
	sc := &crashScreen{what: what, stack: stack}
	if r := s.run; r != nil && r.kind != checking && r.kind != takingOut {
		sc.saved = r.kind == saving
		sc.put = !sc.saved
		if !r.ended {
			r.stop()
		}
	}
	return sc
}

func (sc *crashScreen) enter(s *session) []command {
	sc.writing = true
	text := sc.what + "\n\n" + sc.stack
	return []command{s.do(func(context.Context) any {
		path, err := s.backend.WriteCrash(text)
		return crashWritten{path, err}
	})}
}

func (sc *crashScreen) modal() bool             { return true }
func (sc *crashScreen) title(*session) string   { return textCrashTitle }
func (sc *crashScreen) why() string             { return "" }
func (sc *crashScreen) message(*session) string { return textCrashMsg }

var crashEntries = []string{textCrashAgain, textCrashShell, textCrashRestart}

func (sc *crashScreen) see(_ *session, msg any) step {
	if m, ok := msg.(crashWritten); ok {
		sc.path, sc.failed = m.path, m.err
	}
	return step{}
}

func (sc *crashScreen) keys(s *session) []binding {
	return []binding{
		bindMove(func(k key) { sc.move(k, len(crashEntries)) }),
		bindEnter(textDoIt, func() step { return sc.take(s, sc.at) }),
	}
}

func (sc *crashScreen) take(s *session, at int) step {
	switch at {
	case 0:
		return step{move: goAnew}
	case 2:
		s.ending = Restart
	}
	return step{move: goLeave}
}

func (sc *crashScreen) outline(s *session) outline {
	return menuOutline(textCrashLead, sc.about(s, minWidth), crashEntries, sc.at, func(i int) step { return sc.take(s, i) })
}

func (sc *crashScreen) body(s *session, w, h int) []string {
	lines := append([]string{" " + s.th.bad(textCrashLead), ""}, sc.about(s, w)...)
	return append(append(lines, ""), buttons(s.th, crashEntries, sc.at, w)...)
}

// about is what happened and what it means.
func (sc *crashScreen) about(s *session, w int) (lines []string) {
	switch {
	case sc.saved:
		lines = append(lines, wrap(textCrashSafe, "   ", w-2)...)
	case sc.put:
		lines = append(lines, wrap(textCrashPut, "   ", w-2)...)
	default:
		lines = append(lines, "   "+textCrashNothing)
	}
	details := textCrashWriting
	switch {
	case sc.failed != nil:
		details = fmt.Sprintf(textCrashUnwrit, s.show(sc.failed.Error()))
	case sc.path != "":
		details = s.show(sc.path)
	}
	return append(lines, "",
		"   "+pad(textCrashError, 11)+human.End(s.show(sc.what), w-16),
		"   "+pad(textCrashDetails, 11)+human.Middle(details, w-16))
}
