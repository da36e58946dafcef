package tui

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/engine"
	"lifeboat/engine/bitlocker"
	"lifeboat/engine/human"
)

// unlockScreen asks for the recovery password of a volume that BitLocker keeps
// shut. What is typed stays until it served or the wizard is left, and is then
// overwritten; it is in no message but the one to the engine.
type unlockScreen struct {
	where  string // the volume that is asked for
	typing map[string]*recoveryPassword
	hidden bool
	try    *unlockTry // that is being made, or failed
}

// unlockTry is one attempt to open a volume.
type unlockTry struct {
	where  string
	kind   bitlocker.Kind
	cancel context.CancelFunc
	done   bool
	err    error
}

// unlocked is how an attempt ended.
type unlocked struct {
	try       *unlockTry
	detection *engine.Detection
	locked    []engine.Locked
	err       error
}

// recoveryPassword is one being typed: eight groups of six digits.
type recoveryPassword struct {
	groups [recoveryGroups][recoveryDigits]byte
	n      [recoveryGroups]int // digits in each
	at     int                 // group with the cursor
}

const recoveryGroups, recoveryDigits = 8, 6

// digit types a digit. In a group that is full it begins the group anew: so one
// that was misheard is mended, and a whole password typed over another.
func (p *recoveryPassword) digit(d byte) {
	if p.n[p.at] == recoveryDigits {
		p.n[p.at] = 0
	}
	p.groups[p.at][p.n[p.at]] = d
	p.n[p.at]++
	if p.n[p.at] == recoveryDigits && p.at < recoveryGroups-1 {
		p.at++
	}
}

func (p *recoveryPassword) backspace() {
	if p.n[p.at] == 0 && p.at > 0 {
		p.at--
	}
	p.n[p.at] = max(p.n[p.at]-1, 0)
}

// ok tells whether a group is whole and can be right.
func (p *recoveryPassword) ok(i int) bool {
	complete, err := bitlocker.CheckRecoveryPassword(string(p.groups[i][:p.n[i]]))
	return complete == 1 && err == nil
}

// wrong tells whether a group is whole and cannot be right.
func (p *recoveryPassword) wrong(i int) bool { return p.n[i] == recoveryDigits && !p.ok(i) }

// bad is the first group that is not ok, -1 if all are.
func (p *recoveryPassword) bad() int {
	for i := range recoveryGroups {
		if !p.ok(i) {
			return i
		}
	}
	return -1
}

func (p *recoveryPassword) count() (digits, check int) {
	for i := range recoveryGroups {
		digits += p.n[i]
		if p.wrong(i) {
			check++
		}
	}
	return digits, check
}

// bytes is the password as the engine takes it.
func (p *recoveryPassword) bytes() []byte {
	text := make([]byte, 0, recoveryGroups*(recoveryDigits+1))
	for i := range recoveryGroups {
		if i > 0 {
			text = append(text, '-')
		}
		text = append(text, p.groups[i][:p.n[i]]...)
	}
	return text
}

// wipe overwrites it.
func (p *recoveryPassword) wipe() { *p = recoveryPassword{} }

// forget overwrites all that was typed.
func (sc *unlockScreen) forget() {
	for _, p := range sc.typing {
		p.wipe()
	}
	sc.typing = nil
}

// toUnlock are the volumes to ask for: those inside the computer that nobody
// chose to leave shut.
func (s *session) toUnlock() []engine.Locked {
	var ask []engine.Locked
	for _, l := range s.locked {
		if !l.Removable && !s.leftShut[l.Where] {
			ask = append(ask, l)
		}
	}
	return ask
}

func (sc *unlockScreen) skip(s *session) (pass, show bool) {
	return len(s.toUnlock()) == 0, len(s.locked) > 0
}

func (sc *unlockScreen) enter(s *session) []command {
	if _, ok := sc.volume(s); !ok {
		sc.where = ""
	}
	if ask := s.toUnlock(); sc.where == "" && len(ask) > 0 {
		sc.where = ask[0].Where
	} else if sc.where == "" && len(s.locked) > 0 {
		sc.where = s.locked[0].Where
	}
	return nil
}

// volume is the one that is asked for.
func (sc *unlockScreen) volume(s *session) (engine.Locked, bool) {
	i := slices.IndexFunc(s.locked, func(l engine.Locked) bool { return l.Where == sc.where })
	if i < 0 {
		return engine.Locked{}, false
	}
	return s.locked[i], true
}

// password is the one being typed for the volume.
func (sc *unlockScreen) password() *recoveryPassword {
	if sc.typing == nil {
		sc.typing = map[string]*recoveryPassword{}
	}
	p, ok := sc.typing[sc.where]
	if !ok {
		p = &recoveryPassword{}
		sc.typing[sc.where] = p
	}
	return p
}

func (sc *unlockScreen) trying() bool { return sc.try != nil && !sc.try.done }

func (sc *unlockScreen) title(*session) string {
	return fmt.Sprintf(textStep, 2, steps, textUnlockTitle)
}
func (sc *unlockScreen) why() string { return textUnlockWhy }

func (sc *unlockScreen) message(s *session) string {
	l, ok := sc.volume(s)
	if !ok {
		return textUnlockNone
	}
	name := human.Middle(s.lockedName(l), 30)
	switch {
	case sc.trying():
		return fmt.Sprintf(textUnlockTrying, name) + " " + s.spinner()
	case sc.try != nil && sc.try.where == sc.where && sc.try.err != nil:
		return fmt.Sprintf(textUnlockNotOpen, name)
	case !hasKind(l, bitlocker.KindRecovery):
		return textUnlockNoRecovery
	}
	digits, check := sc.password().count()
	switch {
	case digits == 0:
		return textUnlockMsg
	case check > 0:
		return fmt.Sprintf(textUnlockDigits, digits) + " " + fmt.Sprintf(textUnlockToCheck, human.Plural(int64(check), textUnlockGroup, textUnlockGroups))
	case sc.password().bad() < 0:
		return textUnlockReady
	}
	return fmt.Sprintf(textUnlockDigits, digits)
}

func hasKind(l engine.Locked, kind bitlocker.Kind) bool {
	return slices.ContainsFunc(l.Info.Protectors, func(p bitlocker.Protector) bool { return p.Kind == kind })
}

// typed takes digits as they come, and pasted text for the digits in it.
func (sc *unlockScreen) typed(s *session, e keyEvent) bool {
	l, ok := sc.volume(s)
	if !ok || sc.trying() || !hasKind(l, bitlocker.KindRecovery) {
		return false
	}
	p := sc.password()
	if e.key == keyBackspace {
		p.backspace()
		sc.try = nil
		return true
	}
	if len(e.text) >= recoveryGroups*recoveryDigits { // pasted, as a whole
		p.at = 0
	}
	taken := false
	for _, r := range e.text {
		if r >= '0' && r <= '9' {
			p.digit(byte(r))
			taken = true
		}
	}
	if taken {
		sc.try = nil
	}
	return taken || e.key == "" || e.text == "-" || e.text == " " // which come by themselves
}

func (sc *unlockScreen) keys(s *session) []binding {
	l, ok := sc.volume(s)
	if !ok {
		return []binding{bindEnter(textGoOn, func() step { return step{move: goNext} }), bindBack()}
	}
	if sc.trying() {
		return []binding{bindEsc(textUnlockCancel, func() step {
			sc.try.cancel()
			return step{}
		})}
	}
	var keys []binding
	p := sc.password()
	if hasKind(l, bitlocker.KindRecovery) {
		does := textOptHide
		if sc.hidden {
			does = textOptShow
		}
		keys = append(keys,
			binding{
				keys: []key{keyLeft, keyRight, keyHome, keyEnd}, name: textLeftRight, does: textUnlockGroup, more: textUnlockGroupHelp,
				do: func(k key) step {
					switch k {
					case keyLeft:
						p.at--
					case keyRight:
						p.at++
					case keyHome:
						p.at = 0
					case keyEnd:
						p.at = recoveryGroups - 1
					}
					p.at = max(min(p.at, recoveryGroups-1), 0)
					return step{}
				},
			},
			binding{
				keys: []key{keyF2, keyCtrlT}, name: "F2", does: does, more: textUnlockHideHelp,
				do: func(key) step { sc.hidden = !sc.hidden; return step{} },
			},
			bindEnter(textUnlockDo, func() step { return sc.take(s, l) }),
		)
	}
	if len(s.locked) > 1 {
		keys = append(keys, binding{
			keys: []key{keyTab, keyBackTab}, name: textOptTab, does: textUnlockOther,
			do: func(key) step {
				i := slices.IndexFunc(s.locked, func(l engine.Locked) bool { return l.Where == sc.where })
				sc.where = s.locked[(i+1)%len(s.locked)].Where
				return step{}
			},
		})
	}
	if hasKind(l, bitlocker.KindStartup) {
		keys = append(keys, bindLetter("k", textUnlockFile, textUnlockFileHelp, func() step { return step{move: goOver, over: &keyFileDialog{sc: sc}} }))
	}
	if hasKind(l, bitlocker.KindPassword) {
		keys = append(keys, bindLetter("p", textUnlockPass, textUnlockPassHelp, func() step { return step{move: goOver, over: newPassDialog(sc)} }))
	}
	return append(keys,
		bindLetter("n", textUnlockWithout, textUnlockLeaveHelp, func() step { return sc.leave(s, l) }),
		bindBack())
}

// take unlocks with what was typed, or shows what is not right yet.
func (sc *unlockScreen) take(s *session, l engine.Locked) step {
	p := sc.password()
	if i := p.bad(); i >= 0 {
		p.at = i
		if p.wrong(i) {
			return note(textUnlockWrongGroup, i+1)
		}
		return note(textUnlockShortGroup, i+1)
	}
	return sc.unlock(s, l, Secret{Kind: bitlocker.KindRecovery, Text: p.bytes()})
}

// unlock tries a secret, which is overwritten afterwards.
func (sc *unlockScreen) unlock(s *session, l engine.Locked, secret Secret) step {
	ctx, cancel := context.WithCancel(s.ctx)
	try := &unlockTry{where: l.Where, kind: secret.Kind, cancel: cancel}
	sc.try = try
	backend, d := s.backend, s.detection
	return step{cmds: []command{s.do(func(context.Context) any {
		defer cancel()
		defer clear(secret.Text)
		found, err := backend.Unlock(ctx, d, l.Where, secret)
		if err != nil {
			return unlocked{try: try, err: err}
		}
		return unlocked{try: try, detection: found, locked: backend.Locked(found)}
	})}}
}

// leave goes on without a volume.
func (sc *unlockScreen) leave(s *session, l engine.Locked) step {
	s.leftShut[l.Where] = true
	sc.password().wipe()
	sc.try = nil
	if ask := s.toUnlock(); len(ask) > 0 {
		sc.where = ask[0].Where
		return step{}
	}
	return sc.onward(s)
}

// onward leads from the last volume to the next screen.
func (sc *unlockScreen) onward(s *session) step {
	if len(s.installations()) == 0 {
		return step{move: goTo, to: screenNoWindows}
	}
	return step{move: goNext}
}

// see goes on when a volume is open.
func (sc *unlockScreen) see(s *session, msg any) step {
	m, ok := msg.(unlocked)
	if !ok || m.try != sc.try {
		return step{}
	}
	sc.try.done, sc.try.err = true, m.err
	switch {
	case errors.Is(m.err, context.Canceled):
		sc.try = nil
		return step{}
	case m.err != nil:
		sc.password().at = 0 // where typing another one begins
		lead, _ := unlockFailure(m.try)
		return note("%s", lead)
	}
	if p, ok := sc.typing[m.try.where]; ok {
		p.wipe()
	}
	sc.try = nil
	if ask := s.toUnlock(); len(ask) > 0 {
		sc.where = ask[0].Where
		return note(textUnlockOpenMore, len(ask))
	}
	sc.where = ""
	st := sc.onward(s)
	st.note, st.soon = textUnlockOpen, true
	return st
}

func (sc *unlockScreen) body(s *session, w, h int) []string {
	l, ok := sc.volume(s)
	if !ok {
		return []string{" " + textUnlockNone}
	}
	th := s.th
	lines := append([]string{" " + th.strong(sc.head(s, l))}, sc.keyID(s, l)...)
	if hasKind(l, bitlocker.KindRecovery) {
		lines = append(lines, " "+textUnlockAsk, "")
		lines = append(lines, sc.groups(s)...)
		lines = append(lines, "")
	}
	lines = append(lines, sc.trouble(s, l, w)...)
	return append(lines, sc.otherWays(l, h-len(lines))...)
}

// lockedName is what people call a volume: its letter or label if it has one,
// else where it lies.
func (s *session) lockedName(l engine.Locked) string {
	for _, v := range s.volumes {
		if v.Device == l.Where || v.Mount == l.Where {
			return s.words(v.Mount, v.Label)
		}
	}
	if disk, part, ok := strings.Cut(l.Where, "#"); ok {
		return s.show(disk) + fmt.Sprintf(textUnlockPart, s.show(part))
	}
	return s.show(l.Where)
}

// head says which volume it is about.
func (sc *unlockScreen) head(s *session, l engine.Locked) string {
	about := []string{human.Middle(s.lockedName(l), 40)}
	if l.Info.Computer != "" {
		about = append(about, fmt.Sprintf(textUnlockOf, human.End(s.show(l.Info.Computer), 16)))
	}
	if l.Size > 0 {
		about = append(about, human.Bytes(l.Size))
	}
	return fmt.Sprintf(textUnlockIs, strings.Join(about, ", "))
}

// keyID marks the first eight characters: they are what the help desk asks for.
func (sc *unlockScreen) keyID(s *session, l engine.Locked) []string {
	lines := []string{""}
	for i, id := range l.Info.RecoveryKeyIDs {
		if i == 2 {
			break
		}
		text := strings.ToUpper(strings.Trim(id.String(), "{}"))
		if i == 0 {
			lines = append(lines, " "+textUnlockRead+s.th.strong(fit(text, 8))+text[min(8, len(text)):])
			continue
		}
		lines = append(lines, strings.Repeat(" ", width(textUnlockRead)+1)+s.th.strong(fit(text, 8))+text[min(8, len(text)):])
	}
	if len(lines) > 1 {
		lines = append(lines, strings.Repeat(" ", width(textUnlockRead)+1)+"^^^^^^^^")
	}
	return lines
}

// groups draws the eight groups and a verdict on each.
func (sc *unlockScreen) groups(s *session) []string {
	p := sc.password()
	numbers, digits, verdicts := " ", " ", " "
	for i := range recoveryGroups {
		group := string(p.groups[i][:p.n[i]])
		if sc.hidden {
			group = strings.Repeat("*", p.n[i])
		}
		group += strings.Repeat("_", recoveryDigits-p.n[i])
		verdict, paint := "", s.th.dim
		switch {
		case p.ok(i):
			verdict, paint = textUnlockOK, s.th.good
		case p.wrong(i):
			verdict, paint = textUnlockCheck, s.th.bad
		case p.n[i] > 0:
			verdict = fmt.Sprintf(textUnlockOfSix, p.n[i])
		}
		if i == p.at && !sc.trying() {
			group = s.th.selected(group)
		}
		sep := "- "
		if i == 0 {
			sep = "  "
		}
		numbers += pad(fmt.Sprintf("     %d", i+1), 9)
		digits += sep + group + " "
		verdicts += paint(pad("  "+centre(verdict, 6), 9))
	}
	here := " " + strings.Repeat(" ", p.at*9) + "  ======"
	return []string{s.th.dim(numbers), digits, here, verdicts}
}

// centre puts text into the middle of w cells.
func centre(text string, w int) string {
	return pad(strings.Repeat(" ", max((w-width(text))/2, 0))+text, w)
}

// trouble explains a group that cannot be right, or why the volume stays shut.
func (sc *unlockScreen) trouble(s *session, l engine.Locked, w int) []string {
	if t := sc.try; t != nil && t.where == sc.where && t.err != nil {
		return sc.failed(s, t, w)
	}
	p := sc.password()
	for i := range recoveryGroups {
		if !p.wrong(i) {
			continue
		}
		group := string(p.groups[i][:])
		if sc.hidden {
			group = strings.Repeat("*", recoveryDigits)
		}
		return append(painted(s.th.warn, wrap(fmt.Sprintf(textUnlockCannot, i+1, group), " ", w-2)), "")
	}
	for _, n := range l.Info.Notes {
		return append(painted(s.th.warn, wrap("! "+joinSentences(s.show(n)), " ", w-2)), "")
	}
	return nil
}

// failed says why an attempt did not open the volume, and what helps.
func (sc *unlockScreen) failed(s *session, t *unlockTry, w int) []string {
	lead, advice := unlockFailure(t)
	if advice == nil {
		return append(painted(s.th.bad, clip(wrap(s.show(lead), " ", w-2), 5)), "")
	}
	if n := len(s.locked); n > 1 && t.kind == bitlocker.KindRecovery {
		advice = slices.Insert(advice, 1, fmt.Sprintf(textUnlockAdviceMany, n))
	}
	lines := append([]string{" " + s.th.bad(lead)}, "")
	for _, a := range advice {
		for i, line := range wrap(a, "      ", w-2) {
			if i == 0 {
				line = "   *  " + strings.TrimLeft(line, " ")
			}
			lines = append(lines, line)
		}
	}
	return append(lines, "")
}

// unlockFailure says why an attempt failed, and what to do about a wrong key.
func unlockFailure(t *unlockTry) (lead string, advice []string) {
	switch {
	case !errors.Is(t.err, bitlocker.ErrWrongKey):
		what, remedy := words(t.err)
		return joinSentences(what, remedy), nil
	case t.kind == bitlocker.KindPassword:
		return textUnlockFailedPass, []string{textUnlockAdviceLayout, textUnlockAdviceTry}
	case t.kind == bitlocker.KindStartup:
		return textUnlockFailedFile, []string{textUnlockAdviceTry}
	}
	return textUnlockFailed, []string{textUnlockAdviceID, textUnlockAdviceTry}
}

// otherWays lists what opens the volume beside its recovery password.
func (sc *unlockScreen) otherWays(l engine.Locked, room int) []string {
	var ways []string
	add := func(letter, text string) { ways = append(ways, "   "+letter+"  "+text) }
	if hasKind(l, bitlocker.KindStartup) {
		add("K", textUnlockWayK)
	}
	if hasKind(l, bitlocker.KindPassword) {
		add("P", textUnlockWayP)
	}
	add("N", textUnlockWayN)
	if room < len(ways)+1 {
		return nil
	}
	return append([]string{" " + textUnlockWays}, ways...)
}

func (sc *unlockScreen) outline(s *session) outline {
	l, ok := sc.volume(s)
	if !ok {
		return outline{about: []string{textUnlockNone}}
	}
	o := outline{about: []string{sc.head(s, l)}}
	for _, line := range sc.keyID(s, l) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "^") {
			o.about = append(o.about, line)
		}
	}
	o.about = append(o.about, sc.trouble(s, l, minWidth)...)
	if hasKind(l, bitlocker.KindRecovery) {
		p := sc.password()
		for i := range recoveryGroups {
			state := fmt.Sprintf(textUnlockOfSix, p.n[i])
			if p.ok(i) {
				state = textUnlockOK
			} else if p.wrong(i) {
				state = textUnlockCheck
			}
			o.items = append(o.items, item{text: fmt.Sprintf(textUnlockGroupIs, i+1, state), fill: func(text string) {
				p.at, p.n[i] = i, 0
				sc.try = nil
				for _, r := range text {
					if r >= '0' && r <= '9' {
						p.digit(byte(r))
					}
				}
			}})
		}
		o.about = append(o.about, textUnlockPlain)
	}
	return o
}

// passDialog asks for an ordinary password of a volume.
type passDialog struct {
	sc   *unlockScreen
	pass *field
}

func newPassDialog(sc *unlockScreen) *passDialog {
	d := &passDialog{sc: sc, pass: newField("", 256)}
	d.pass.hidden = true
	return d
}

func (d *passDialog) title(s *session) string           { return d.sc.title(s) }
func (d *passDialog) why() string                       { return textUnlockWhy }
func (d *passDialog) message(*session) string           { return textUnlockPassMsg }
func (d *passDialog) typed(_ *session, e keyEvent) bool { return d.pass.typed(e) }
func (d *passDialog) forget()                           { d.pass.wipe() }
func (d *passDialog) body(s *session, w, h int) []string {
	return dialog(s, textUnlockPassAsk, d.lines(s), nil, 0, w, h)
}
func (d *passDialog) lines(s *session) []string {
	return []string{"[" + d.pass.view(s, true, 54) + "]"}
}

func (d *passDialog) keys(s *session) []binding {
	does := textOptShow
	if !d.pass.hidden {
		does = textOptHide
	}
	return []binding{
		bindEnter(textUnlockDo, func() step {
			l, ok := d.sc.volume(s)
			if !ok || len(d.pass.text) == 0 {
				return step{move: goBack}
			}
			st := d.sc.unlock(s, l, Secret{Kind: bitlocker.KindPassword, Text: d.pass.bytes()})
			d.pass.wipe()
			st.move = goBack
			return st
		}),
		{
			keys: []key{keyF2, keyCtrlT}, name: "F2", does: does, more: textOptShowHelp,
			do: func(key) step { d.pass.hidden = !d.pass.hidden; return step{} },
		},
		bindEsc(textBack, func() step { d.pass.wipe(); return step{move: goBack} }),
	}
}

func (d *passDialog) outline(*session) outline {
	return outline{items: []item{fieldItem(textUnlockPassAsk+":", d.pass)}}
}

// keyFileDialog lists the startup keys on the drives that are plugged in.
type keyFileDialog struct {
	list
	sc    *unlockScreen
	files []string
}

// keyFilesFound tells of the files.
type keyFilesFound struct {
	of    *keyFileDialog
	files []string
}

func (d *keyFileDialog) enter(s *session) []command {
	return []command{s.do(func(ctx context.Context) any { return keyFilesFound{d, s.backend.KeyFiles(ctx)} })}
}

func (d *keyFileDialog) see(s *session, msg any) step {
	switch m := msg.(type) {
	case keyFilesFound:
		if m.of == d {
			d.files = m.files
		}
	case volumesSeen: // a stick may have come
		return step{cmds: d.enter(s)}
	}
	return step{}
}

func (d *keyFileDialog) title(s *session) string { return d.sc.title(s) }
func (d *keyFileDialog) why() string             { return textUnlockWhy }

func (d *keyFileDialog) message(*session) string { return textUnlockFileMsg }

func (d *keyFileDialog) keys(s *session) []binding {
	return []binding{
		bindMove(func(k key) { d.move(k, len(d.files)) }),
		bindEnter(textUnlockDo, func() step { return d.take(s, d.at) }),
		bindBack(),
	}
}

func (d *keyFileDialog) take(s *session, at int) step {
	l, ok := d.sc.volume(s)
	if !ok || at >= len(d.files) {
		return note(textUnlockFileMsg)
	}
	st := d.sc.unlock(s, l, Secret{Kind: bitlocker.KindStartup, File: d.files[at]})
	st.move = goBack
	return st
}

func (d *keyFileDialog) menu(s *session) (text, menu []string) {
	d.clamp(len(d.files))
	if len(d.files) == 0 {
		text = wrap(textUnlockFileNone, "", 58)
	}
	for _, f := range clip(d.files, 8) {
		menu = append(menu, human.Middle(s.show(filepath.Base(f)), 52))
	}
	return text, menu
}

func (d *keyFileDialog) body(s *session, w, h int) []string {
	text, menu := d.menu(s)
	return dialog(s, textUnlockFileAsk, text, menu, min(d.at, 7), w, h)
}

func (d *keyFileDialog) outline(s *session) outline {
	text, menu := d.menu(s)
	return menuOutline(textUnlockFileAsk, text, menu, d.at, func(i int) step { return d.take(s, i) })
}
