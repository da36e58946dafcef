package tui

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// A command does what Update may not: wait, read, call the engine. It runs on a
// goroutine of its own and returns a message, or nil.
type command func() any

// screen asks one question, or shows one thing. It keeps cursor and scroll
// position; everything else is in the session.
type screen interface {
	title(*session) string // the right half of the title bar
	body(s *session, w, h int) []string
	keys(*session) []binding
	message(*session) string // the message line
	why() string             // "Why this screen", for the help screen
}

// The optional sides of a screen.
type (
	// enterer is told that the screen comes up.
	enterer interface{ enter(*session) []command }
	// skipper passes itself over on the way forwards when it has nothing to ask.
	// If it still has something to show, Esc leads to it.
	skipper interface {
		skip(*session) (pass, show bool)
	}
	// listener gets messages after the session has taken them in.
	listener interface{ see(*session, any) step }
	// typist has a field that takes what is typed before any binding does.
	typist interface{ typed(*session, keyEvent) bool }
	// modal overlays came by themselves or guard something: no help over them,
	// no leaving past them.
	modal interface{ modal() bool }
	// warner has its own words for the last line, which else says what is read only.
	warner interface{ warn(*session) string }
	// keeper holds secrets and overwrites them when the wizard is left.
	keeper interface{ forget() }
)

// screenID names a screen of the walk.
type screenID int

// The screens, those of saving and those of putting back in the order of their
// walks.
const (
	screenStart screenID = iota
	screenWelcome
	screenUnlock
	screenWindows
	screenUsers
	screenWhat
	screenDestination
	screenOptions
	screenReview
	screenSaving
	screenResult
	screenStores
	screenTarget
	screenPutUsers
	screenPutWhat
	screenPutReview
	screenBrowse
	screenNoWindows
	screenCount
)

// move is where a step leads.
type move int

const (
	stay    move = iota
	goNext       // the next screen of the walk that does not skip itself
	goBack       // the screen before, or out of an overlay
	goTo         // step.to, for good: history starts at the welcome screen again
	goAside      // step.to, and back here with Enter or Esc
	goOver       // lay step.over on top
	goOut        // take step.over away, wherever it lies
	goAnew       // start from the beginning, with nothing known
	goLeave      // end the program
)

// step is what a key or a message leads to.
type step struct {
	move move
	to   screenID
	over screen
	note string // for the message line, until the next key
	soon bool   // the note is about what is over: it passes by itself
	cmds []command
	run  *outside // a program that gets the console for a while
}

func note(format string, args ...any) step { return step{note: fmt.Sprintf(format, args...)} }

// router walks the screens. It owns title bar, message line, key line, status
// line, overlays and the way back.
type router struct {
	s        *session
	screens  [screenCount]screen
	current  screenID
	history  []screenID // below current, the welcome screen first
	aside    []screenID // where to return to from screens visited out of order
	overlays []screen
	note     string
	noteTo   time.Time // when it passes by itself, zero for never
	deafTo   time.Time // keys before it are dropped
	window   [2]int    // 0 before the first size
	w, h     int       // of the frame; 0 while the window is too small for one
	crash    *crashScreen
	outside  *outside // to be run by who has the console
	leaving  bool
}

func newRouter(s *session) *router {
	r := &router{s: s}
	r.screens = [screenCount]screen{
		screenStart:       &startScreen{},
		screenWelcome:     &welcomeScreen{},
		screenUnlock:      &unlockScreen{},
		screenWindows:     &windowsScreen{},
		screenUsers:       &usersScreen{},
		screenWhat:        newWhatScreen(false),
		screenDestination: &destinationScreen{},
		screenOptions:     newOptionsScreen(),
		screenReview:      &reviewScreen{},
		screenSaving:      &savingScreen{},
		screenResult:      &resultScreen{},
		screenStores:      newStoresScreen(),
		screenTarget:      &windowsScreen{target: true},
		screenPutUsers:    &putUsersScreen{},
		screenPutWhat:     newWhatScreen(true),
		screenPutReview:   &putReviewScreen{},
		screenBrowse:      &browseScreen{},
		screenNoWindows:   &noWindowsScreen{},
	}
	return r
}

// start returns the commands the wizard begins with.
func (r *router) start() []command {
	r.s.now = r.s.clock()
	return append(r.enter(screenStart), r.s.tick())
}

// resize takes the size of the window and tells whether it is the first one.
func (r *router) resize(w, h int) (first bool) {
	w, h = max(w, 1), max(h, 1)
	first = r.window == [2]int{}
	r.window = [2]int{w, h}
	r.w, r.h = 0, 0
	if w < minWidth || h < minHeight {
		return first
	}
	r.w = min(max(w-2, minWidth), maxWidth)
	r.h = min(max(h-1, minHeight), maxHeight)
	return first
}

// top is the screen that has the keyboard.
func (r *router) top() screen {
	switch {
	case r.crash != nil:
		return r.crash
	case len(r.overlays) > 0:
		return r.overlays[len(r.overlays)-1]
	}
	return r.screens[r.current]
}

// receive takes a message in. A panic anywhere below becomes the crash screen.
func (r *router) receive(msg any) (cmds []command) {
	defer func() {
		if v := recover(); v != nil {
			cmds = r.crashed(fmt.Sprint(v), string(debug.Stack()))
		}
	}()
	r.s.now = r.s.clock()
	if c, ok := msg.(crashed); ok {
		return r.crashed(c.what, c.stack)
	}
	if r.crash != nil { // nothing is touched any more
		r.crash.see(r.s, msg)
		if !r.crash.writing { // it happened while drawing, when no command can be given
			cmds = r.crash.enter(r.s)
		}
		if _, ok := msg.(tick); ok {
			cmds = append(cmds, r.s.tick())
		}
		return cmds
	}
	if !r.noteTo.IsZero() && r.s.now.After(r.noteTo) {
		r.say("")
	}
	r.s.record(msg)
	cmds = r.s.take(msg)
	if m, ok := msg.(outsideEnded); ok && m.err != nil {
		r.say(joinSentences(r.s.show(r.s.outsideWords(m.err))))
	}
	if m, ok := msg.(layoutSet); ok && m.err != nil {
		r.say(fmt.Sprintf(textPresetKeyboard, cut(r.s, r.s.preset.Keyboard)))
	}
	seers := append([]screen{r.screens[r.current]}, r.overlays...)
	for _, seer := range seers {
		if l, ok := seer.(listener); ok {
			cmds = append(cmds, r.follow(l.see(r.s, msg))...)
		}
	}
	return append(cmds, r.resume()...)
}

// press takes a key press, or pasted text.
func (r *router) press(e keyEvent) (cmds []command) {
	defer func() {
		if v := recover(); v != nil {
			cmds = r.crashed(fmt.Sprint(v), string(debug.Stack()))
		}
	}()
	r.s.now = r.s.clock()
	if r.s.now.Before(r.deafTo) {
		return nil
	}
	top := r.top()
	if t, ok := top.(typist); ok && e.key != keyEnter && e.key != keyEsc && t.typed(r.s, e) {
		r.say("")
		return nil
	}
	for _, b := range r.bindings() {
		if b.has(e.key) {
			r.say("")
			return r.follow(b.do(e.key))
		}
	}
	return nil
}

// say puts a note into the message line, "" for none.
func (r *router) say(note string) { r.note, r.noteTo = note, time.Time{} }

// act does something that was asked for in words instead of with a key.
func (r *router) act(do func() step) (cmds []command) {
	defer func() {
		if v := recover(); v != nil {
			cmds = r.crashed(fmt.Sprint(v), string(debug.Stack()))
		}
	}()
	r.s.now = r.s.clock()
	if r.s.now.Before(r.deafTo) {
		return nil
	}
	r.say("")
	return r.follow(do())
}

// interrupt is Ctrl+C, whichever way it came: it only asks.
func (r *router) interrupt() step {
	switch {
	case r.s.run != nil && !r.s.run.ended && r.s.run.kind == takingBack:
		return note(textUndoNoStop)
	case r.s.run != nil && !r.s.run.ended:
		if r.has(func(o screen) bool { _, ok := o.(*cancelDialog); return ok }) {
			return step{}
		}
		return step{move: goOver, over: newCancelDialog(r.s)}
	case r.has(func(o screen) bool { _, ok := o.(*leaveScreen); return ok }):
		return step{}
	}
	return step{move: goOver, over: &leaveScreen{}}
}

func (r *router) has(is func(screen) bool) bool { return slices.ContainsFunc(r.overlays, is) }

// bindings are the keys that work now: those of the screen on top and, unless
// it is modal, those that work everywhere.
func (r *router) bindings() []binding {
	top := r.top()
	keys := top.keys(r.s)
	m, ok := top.(modal)
	if ok && m.modal() {
		return keys
	}
	if _, ok := top.(*helpScreen); !ok {
		keys = append(keys, binding{
			keys: []key{keyF1, "?"}, name: "F1", does: textHelp, more: textHelpHelp,
			do: func(key) step { return step{move: goOver, over: newHelp(r)} },
		})
	}
	return append(keys,
		binding{
			keys: []key{keyF10, keyCtrlQ, keyCtrlC}, name: "F10", does: textLeave, more: textLeaveHelp,
			do: func(key) step { return r.interrupt() },
		})
}

// follow carries a step out.
func (r *router) follow(st step) []command {
	cmds := st.cmds
	if st.note != "" {
		r.say(st.note)
		if st.soon {
			r.noteTo = r.s.now.Add(noteFor)
		}
	}
	if st.run != nil {
		r.outside = st.run
	}
	switch st.move {
	case goNext:
		if p := r.s.preset; p != nil && p.pending && len(r.aside) == 0 {
			r.say(fmt.Sprintf(textPresetPending, cut(r.s, p.At)))
			break
		}
		cmds = append(cmds, r.forward()...)
	case goBack:
		cmds = append(cmds, r.back()...)
	case goTo:
		r.overlays = nil
		r.aside = nil
		r.history = nil
		if st.to != screenWelcome && st.to != screenStart {
			r.history = []screenID{screenWelcome}
		}
		if r.s.preset != nil {
			r.s.preset.pending = false
		}
		cmds = append(cmds, r.enter(st.to)...)
		if st.to == screenWelcome && r.s.goesStraight() {
			r.s.preset.straight = true
			cmds = append(cmds, r.forward()...)
		}
	case goAside:
		r.aside = append(r.aside, r.current)
		cmds = append(cmds, r.enter(st.to)...)
	case goOver:
		r.overlays = append(r.overlays, st.over)
		if e, ok := st.over.(enterer); ok {
			cmds = append(cmds, e.enter(r.s)...)
		}
		if _, ok := st.over.(*questionDialog); ok { // it came by itself
			r.deafTo = r.s.now.Add(deafFor)
		}
	case goOut:
		r.overlays = slices.DeleteFunc(r.overlays, func(o screen) bool { return o == st.over })
	case goAnew:
		r.forget()
		old := *r
		*r = *newRouter(newSession(old.s.ctx, old.s.backend, old.s.clock, old.s.th))
		if p := old.s.preset; p != nil {
			r.s.prepare(p.Preset)
		}
		r.window, r.w, r.h = old.window, old.w, old.h
		cmds = append(cmds, r.enter(screenStart)...) // the tick goes on
	case goLeave:
		r.forget()
		r.leaving = true
	}
	return cmds
}

// forget overwrites what was typed in secret.
func (r *router) forget() {
	for _, sc := range append(r.screens[:], r.overlays...) {
		if k, ok := sc.(keeper); ok {
			k.forget()
		}
	}
	r.s.password, r.s.put.password, r.s.browse.ref.Password = "", "", ""
}

// forward goes on from the current screen.
func (r *router) forward() []command {
	if n := len(r.aside); n > 0 {
		to := r.aside[n-1]
		r.aside = r.aside[:n-1]
		return r.enter(to)
	}
	r.history = append(r.history, r.current)
	next := r.current + 1
	for {
		pass, show := false, false
		if k, ok := r.screens[next].(skipper); ok {
			pass, show = k.skip(r.s)
		}
		switch state, reason := r.s.answered(next); {
		case state == settled && !pass:
			pass, show = true, true
			r.s.preset.used[next] = true
		case state == waiting:
			return r.await(next)
		case reason != "":
			pass = false
			r.say(reason)
			r.s.preset.used[next] = true
		}
		if !pass {
			return r.enter(next)
		}
		if show {
			r.history = append(r.history, next)
		}
		next++
	}
}

// await shows a screen whose answer cannot be judged yet.
func (r *router) await(id screenID) []command {
	r.s.preset.pending = true
	cmds := r.enter(id)
	if id == screenDestination {
		r.s.preset.asked = ""
		cmds = append(cmds, r.s.inquire()...)
	}
	return cmds
}

// resume goes on by itself once the answer that was waited for can be judged.
func (r *router) resume() []command {
	p := r.s.preset
	if p == nil || !p.pending || len(r.overlays) > 0 || len(r.aside) > 0 {
		return nil
	}
	state, reason := r.s.answered(r.current)
	if state == waiting {
		if r.current == screenDestination {
			return r.s.inquire()
		}
		return nil
	}
	p.pending = false
	if state == settled {
		p.used[r.current] = true
		return r.forward()
	}
	p.used[r.current] = true
	r.say(reason)
	return nil
}

// back leaves the top overlay, or returns to the screen before.
func (r *router) back() []command {
	if n := len(r.overlays); n > 0 {
		r.overlays = r.overlays[:n-1]
		return nil
	}
	if n := len(r.aside); n > 0 {
		to := r.aside[n-1]
		r.aside = r.aside[:n-1]
		return r.enter(to)
	}
	if r.s.preset != nil {
		r.s.preset.pending = false
	}
	if n := len(r.history); n > 0 {
		to := r.history[n-1]
		r.history = r.history[:n-1]
		return r.enter(to)
	}
	return nil
}

func (r *router) enter(to screenID) []command {
	r.current = to
	if e, ok := r.screens[to].(enterer); ok {
		return e.enter(r.s)
	}
	return nil
}

// frame draws everything: exactly r.h lines of at most r.w cells, or nothing
// before the first size is known.
func (r *router) frame() (frame string) {
	switch {
	case r.window == [2]int{}:
		return ""
	case r.w == 0:
		return r.smallFrame()
	}
	defer func() {
		if v := recover(); v != nil {
			r.crash = newCrashScreen(r.s, fmt.Sprint(v), string(debug.Stack()))
			frame = r.draw()
		}
	}()
	return r.draw()
}

func (r *router) draw() string {
	s, th, top := r.s, r.s.th, r.top()
	room := r.h - 6
	body := top.body(s, r.w, room)
	lines := make([]string, 0, r.h)
	lines = append(lines, th.title(sides(" "+s.heading(), top.title(s)+" ", r.w)), "")
	for i := range room {
		line := ""
		if i < len(body) {
			line = body[i]
		}
		lines = append(lines, fit(line, r.w))
	}
	message := r.note
	paint := th.strong
	if message == "" {
		message, paint = top.message(s), func(text string) string { return text }
		if p := s.preset; p != nil && p.pending && len(r.overlays) == 0 && r.crash == nil {
			message = fmt.Sprintf(textPresetPending, cut(s, p.At)) + " " + s.spinner()
		}
	}
	status := th.dim(sides(" "+s.status(), s.corner()+" ", r.w))
	if w, ok := top.(warner); ok {
		status = th.warn(sides(" "+w.warn(s), s.corner()+" ", r.w))
	}
	lines = append(lines,
		th.dim(rule(th, r.w)),
		paint(fit(" "+s.show(message), r.w)), // a note may name something foreign
		r.helpLine(),
		status,
	)
	return strings.Join(lines, "\n")
}

// helpLine names the live keys. When they do not all fit with what they do, the
// words that everybody knows go first, then the keys that everybody tries: those are
// only in the help screen then. Last go words that the screen itself can tell.
func (r *router) helpLine() string {
	bindings := r.bindings()
	known := []string{"F10", "F1", textUpDown, textEsc, textLeftRight, textSpace}
	tried := []string{textUpDown, "F10", textLeftRight}
	told := []string{textOptTab}
	for _, b := range bindings {
		if len(b.name) == 1 {
			told = append(told, b.name)
		}
	}
	told = append(told, textEnter)
	for drop := 0; ; drop++ {
		bare, gone := clip(known, drop), clip(tried, max(drop-len(known), 0))
		bare = append(slices.Clone(bare), clip(told, max(drop-len(known)-len(tried), 0))...)
		line := " " + r.helpParts(bindings, bare, gone, drop)
		if width(line) <= r.w || drop > len(known)+len(tried)+len(told) {
			return fit(line, r.w)
		}
	}
}

func (r *router) helpParts(bindings []binding, bare, gone []string, drop int) string {
	gap := "   "
	if drop > 0 {
		gap = "  "
	}
	parts := make([]string, 0, len(bindings))
	for _, b := range bindings {
		if slices.Contains(gone, b.name) {
			continue
		}
		part := r.s.th.strong(b.name)
		if !slices.Contains(bare, b.name) {
			part += " " + b.does
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, gap)
}

// smallFrame is all that is drawn when the window is too small.
func (r *router) smallFrame() string {
	text := fmt.Sprintf(textTooSmall, r.window[0], r.window[1], minWidth, minHeight)
	if r.s.run != nil && !r.s.run.ended {
		text += " " + textTooSmallRunning
	}
	lines := wrap(text, "", max(r.window[0]-1, 1))
	return strings.Join(lines[:min(len(lines), max(r.window[1]-1, 1))], "\n")
}

// crashed shows the crash screen and has the details written down.
func (r *router) crashed(what, stack string) []command {
	if r.crash != nil {
		return nil
	}
	r.overlays = nil
	r.crash = newCrashScreen(r.s, what, stack)
	return r.crash.enter(r.s)
}
