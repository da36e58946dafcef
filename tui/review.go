package tui

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/answers"
	"lifeboat/engine/human"
	"lifeboat/winpe"
)

// reviewScreen shows what will be done. It is the only place that starts the
// engine.
type reviewScreen struct {
	armed bool // start as soon as counting is done
}

func (sc *reviewScreen) enter(s *session) []command {
	sc.armed = false
	return nil
}

func (sc *reviewScreen) title(*session) string {
	return fmt.Sprintf(textStep, 8, steps, textReviewTitle)
}
func (sc *reviewScreen) why() string { return textReviewWhy }

func (sc *reviewScreen) message(s *session) string {
	if sc.armed {
		return textReviewArmedMsg
	}
	if text := sc.trouble(s); text != "" {
		return text
	}
	return textReviewMsg
}

// trouble is why the save cannot start as the answers stand.
func (sc *reviewScreen) trouble(s *session) string {
	v, there := s.volume(s.place)
	n, _ := s.chosenUsers()
	switch {
	case s.inst == nil:
		return textNoWindowsMsg
	case n == 0:
		return textReviewNobody
	case s.nothingChosen():
		return textReviewNothing
	case s.counting != nil && s.counting.err != nil:
		what, _ := words(s.counting.err)
		return fmt.Sprintf(textWhatFailed, s.show(what))
	case !there && s.volumeOf(s.place) == "":
		return textReviewNoPlace
	case there && s.fit(v.Free) == engine.Small:
		return textReviewTooSmall
	}
	return ""
}

func (sc *reviewScreen) start(s *session) step {
	if text := sc.trouble(s); text != "" {
		sc.armed = false
		return note("%s", text)
	}
	if s.plan() == nil {
		sc.armed = true
		return step{}
	}
	sc.armed = false
	if s.teamLocked() && s.password == "" {
		return step{move: goAside, to: screenOptions, note: textOptNeedFile}
	}
	return step{move: goTo, to: screenSaving, cmds: s.save()}
}

// keep writes the answers to a file.
func (sc *reviewScreen) keep(s *session) step {
	if text := sc.trouble(s); text != "" {
		return note("%s", text)
	}
	if s.plan() == nil {
		return note(textKeepWait)
	}
	return step{cmds: []command{s.keepAnswers()}}
}

// see starts an armed save when counting is done, and tells where the answers
// were kept.
func (sc *reviewScreen) see(s *session, msg any) step {
	if m, ok := msg.(answersKept); ok {
		if m.err != nil {
			return note(textKeepFailed, s.show(m.err.Error()))
		}
		return note(textKept, human.Middle(s.show(m.path), 50))
	}
	if m, ok := msg.(planMade); ok && sc.armed && m.of == s.counting {
		return sc.start(s)
	}
	return step{}
}

func (sc *reviewScreen) keys(s *session) []binding {
	back := bindBack()
	if sc.armed {
		back = bindEsc(textBack, func() step { sc.armed = false; return step{} })
	}
	return []binding{
		bindEnter(textReviewDoStart, func() step { return sc.start(s) }),
		bindDigits(reviewQuestions, textReviewChange, func(i int) step { return step{move: goAside, to: reviewTargets[i]} }),
		{
			keys: []key{keyF7, "k"}, name: "F7", does: textReviewKeep, more: textReviewKeepHelp,
			do: func(key) step { return sc.keep(s) },
		},
		{
			keys: []key{keyF8, keyCtrlL}, name: "F8", does: textReviewCommand, more: textReviewCommand + "; also Ctrl+L",
			do: func(key) step { return step{move: goOver, over: &commandOverlay{}} },
		},
		back,
	}
}

func (sc *reviewScreen) body(s *session, w, h int) []string {
	lines := sc.summary(s, w, h)
	button := textReviewStart
	if sc.armed {
		button = textReviewArmed + " " + s.spinner()
	}
	for len(lines) < h-2 {
		lines = append(lines, "")
	}
	return append(lines, s.th.row("           > "+button+" ", true, 76))
}

// summary is what will be done, in at most h-2 lines.
func (sc *reviewScreen) summary(s *session, w, h int) []string {
	lines := []string{" " + s.th.strong(sc.lead(s)), ""}
	for n, r := range sc.rows(s, w-24) {
		digit := " "
		switch {
		case n < reviewQuestions:
			digit = string(rune('1' + n))
		case n == reviewQuestions:
			lines = append(lines, "")
		}
		for i, text := range r.texts {
			if i > 0 {
				digit, r.name = " ", ""
			}
			lines = append(lines, fmt.Sprintf("   %s  %s%s", digit, pad(r.name, 14), fit(text, w-22)))
		}
	}
	warnings := sc.warnings(s)
	if len(warnings) > 0 {
		lines = append(lines, "")
	}
	for i, text := range warnings {
		if room := h - 2 - len(lines); room < 2 && i < len(warnings)-1 {
			lines = append(lines, "   "+s.th.warn(fmt.Sprintf(textReviewMore, len(warnings)-i)))
			break
		}
		lines = append(lines, "   "+s.th.warn("!  "+human.End(text, w-8)))
	}
	return lines
}

func (sc *reviewScreen) lead(s *session) string {
	if s.plan() == nil {
		return textReviewWait
	}
	return textReviewLead
}

// reviewRow is an answer, or what follows from the answers.
type reviewRow struct {
	name  string
	texts []string
}

// reviewQuestions is the number of answers, which come first.
const reviewQuestions = 5

// reviewTargets are the screens that ask them.
var reviewTargets = [reviewQuestions]screenID{screenWindows, screenUsers, screenWhat, screenDestination, screenOptions}

func (sc *reviewScreen) rows(s *session, room int) (rows []reviewRow) {
	row := func(name string, texts ...string) { rows = append(rows, reviewRow{name, texts}) }
	windows := textUnknown
	if s.inst != nil {
		what := human.End(fmt.Sprintf(textWelcomeOne, s.productLine(s.inst), s.show(s.inst.ComputerName)), room-12)
		windows = what + ", " + human.Middle(s.show(s.inst.Where), room-width(what)-2)
	}
	row(textReviewWindows, windows)
	users, _ := sc.users(s)
	row(textReviewUsers, wrapTwo(users, room)...)
	row(textReviewWhat, sc.what(s))
	v, _ := s.volume(s.place)
	var about []string
	for _, part := range []string{v.Label, v.Disk.Model, v.Disk.Serial} {
		if part != "" {
			about = append(about, human.End(s.show(part), 20))
		}
	}
	if len(about) == 0 {
		about = []string{human.Middle(s.show(s.place), room)}
	}
	row(textReviewDest, human.End(strings.Join(about, ", "), room), human.Middle(s.show(s.storePath()), room))
	row(textReviewOptions, wrapTwo(sc.options(s), room)...)
	if t, ok := s.totals(); ok {
		if v.Free > 0 {
			row(textReviewSpace, fmt.Sprintf(textReviewSpaceIs, human.Bytes(v.Free), human.Bytes(max(v.Free-t.Bytes, 0))))
		}
		if text := sc.time(s, t, v); text != "" {
			row(textReviewTime, text)
		}
	}
	return rows
}

// warnings are what speaks against starting, and what will not be in the store.
func (sc *reviewScreen) warnings(s *session) (warnings []string) {
	v, _ := s.volume(s.place)
	switch {
	case s.place != "" && s.volumeOf(s.place) == "":
		warnings = append(warnings, fmt.Sprintf(textReviewGone, s.show(s.place)))
	case s.plan() == nil || v.Mount == "":
	case s.fit(v.Free) == engine.Small:
		warnings = append(warnings, fmt.Sprintf(textReviewSmall, human.Bytes(s.need()-v.Free)))
	case s.fit(v.Free) == engine.Tight:
		warnings = append(warnings, textReviewTight)
	}
	_, out := sc.users(s)
	if out != "" {
		warnings = append(warnings, fmt.Sprintf(textReviewOmitted, out))
	}
	if p := s.plan(); p != nil {
		for _, l := range p.Left {
			if l.Matters {
				warnings = append(warnings, fmt.Sprintf(textReviewLeft, s.show(l.Reason), filesText(l.Files)))
			}
		}
		if n := len(p.Remarks); n > 0 {
			warnings = append(warnings, fmt.Sprintf(textReviewRemarks, human.Plural(int64(n), textWhatRemark, textWhatRemarks)))
		}
	}
	if c, ok := s.checks[s.place]; ok && c.State == Incomplete {
		warnings = append(warnings, textDestResume)
	}
	if s.inst != nil {
		for _, n := range s.inst.Notes {
			warnings = append(warnings, s.show(n))
		}
	}
	return warnings
}

// users names who is chosen, and who is not.
func (sc *reviewScreen) users(s *session) (in, out string) {
	var ins, outs []string
	all := []engine.User{}
	if s.inst != nil {
		all = append(all, s.inst.Users...)
	}
	if _, ok := s.users[engine.SystemUser]; ok {
		all = append(all, engine.User{ID: engine.SystemUser})
	}
	for _, u := range all {
		name := s.userName(u)
		if u.Name == "" && u.ID != engine.SystemUser {
			name = s.show(u.ID)
		}
		name = human.Middle(name, 24)
		if s.users[u.ID] {
			ins = append(ins, name)
		} else {
			outs = append(outs, name)
		}
	}
	return people(ins), people(outs)
}

// people lists names. Of many not all fit on the screen, so it says how many.
func people(names []string) string {
	text := strings.Join(names, ", ")
	if len(names) > fewPeople {
		text = human.Plural(int64(len(names)), textWhatUser, textWhatUsers) + ": " + text
	}
	return text
}

// fewPeople are seen to be so many without counting.
const fewPeople = 5

// wrapTwo breaks a list over two lines and cuts the rest.
func wrapTwo(text string, w int) []string {
	lines := wrap(text, "", w)
	switch {
	case len(lines) == 0:
		return []string{"-"}
	case len(lines) > 2:
		lines = []string{lines[0], human.End(strings.Join(lines[1:], " "), w)}
	}
	return lines
}

func (sc *reviewScreen) what(s *session) string {
	p := s.plan()
	if p == nil {
		c := s.counting
		if c == nil || c.err != nil {
			return textUnknown
		}
		return fmt.Sprintf(textReviewCounting, filesText(c.snap.FilesDone), human.Bytes(c.snap.BytesDone)) + " " + s.spinner()
	}
	n := 0
	for _, c := range p.Components {
		if !s.omit[c] {
			n++
		}
	}
	t := p.Size(s.selection())
	return fmt.Sprintf(textReviewKinds, n, len(p.Components), human.Bytes(t.Bytes), filesText(t.Files))
}

func (sc *reviewScreen) options(s *session) string {
	text := textReviewPlain
	switch {
	case len(s.team) > 0:
		text = fmt.Sprintf(textReviewTeam, teamWords(s.team))
	case s.password != "":
		text = textReviewSecret
	}
	check := textReviewChecked
	if s.noVerify {
		check = textReviewNoCheck
	}
	text += ", " + check
	if s.askEach {
		text += ", " + textReviewAsks
	}
	switch s.after {
	case answers.Restart:
		text += ", " + textReviewRestart
	case answers.ShutDown:
		text += ", " + textReviewShutDown
	}
	return text
}

// time guesses from the kind of drive; the run itself will know better.
func (sc *reviewScreen) time(s *session, t engine.Totals, v winpe.Volume) string {
	speed := int64(s.speeds[v.Mount].bytesPerSecond)
	switch bus := strings.ToUpper(v.Disk.Bus); {
	case speed > 0: // it was tried
	case strings.HasPrefix(bus, "USB 2"):
		speed = 20 << 20
	case strings.HasPrefix(bus, "USB"):
		speed = 80 << 20
	case bus != "":
		speed = 100 << 20
	default:
		return ""
	}
	bytes := t.Bytes
	if !s.noVerify {
		bytes *= 2
	}
	d := time.Duration(bytes/speed)*time.Second + time.Duration(t.Files/500)*time.Second
	return fmt.Sprintf(textReviewTimeIs, human.Left(d), human.Rate(float64(speed)))
}

// commandOverlay shows the command that does the same.
type commandOverlay struct{}

func (o *commandOverlay) title(*session) string   { return textCommandTitle }
func (o *commandOverlay) why() string             { return textReviewWhy }
func (o *commandOverlay) message(*session) string { return "" }
func (o *commandOverlay) keys(*session) []binding {
	return []binding{
		{keys: []key{keyEsc, keyF8, keyCtrlL}, name: textEsc, does: textClose, do: func(key) step { return step{move: goBack} }},
	}
}

func (o *commandOverlay) body(s *session, w, h int) []string {
	lines := append(wrap(textCommandLead, " ", w-2), "")
	line := s.show(s.backend.CommandLine(s.request()))
	lines = append(lines, wrap(cmp.Or(line, "-"), "   ", w-2)...)
	if s.password != "" {
		lines = append(lines, "")
		lines = append(lines, wrap(textCommandNote, " ", w-2)...)
	}
	if len(s.selection().OmitComponents) > 0 {
		lines = append(lines, "")
		lines = append(lines, wrap(textCommandKinds, " ", w-2)...)
	}
	return lines
}

func (sc *reviewScreen) outline(s *session) outline {
	o := outline{about: []string{sc.lead(s)}}
	for n, r := range sc.rows(s, 200) {
		text := r.name + ": " + strings.Join(r.texts, ", ")
		if n < reviewQuestions {
			o.items = append(o.items, item{text: text, do: func() step { return step{move: goAside, to: reviewTargets[n]} }})
			continue
		}
		o.about = append(o.about, text)
	}
	for _, text := range sc.warnings(s) {
		o.about = append(o.about, "!  "+text)
	}
	if sc.armed {
		o.about = append(o.about, textReviewArmedMsg)
	}
	return o
}

func (o *commandOverlay) outline(s *session) outline { return outline{about: o.body(s, minWidth, 0)} }
