package tui

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"lifeboat/engine"
	"lifeboat/engine/answers"
)

// optionsScreen asks how to save. Nothing on it needs an answer.
type optionsScreen struct {
	at          int // field with the cursor
	name        *field
	protect     protection
	pass, again *field
	key         *field     // the team's key, or a file with it
	entry       *teamEntry // of a store that is gone on with
	reading     string     // the file that is being read
}

// minPassphrase is the shortest passphrase that is taken.
const minPassphrase = 8

// The fields of the screen.
const (
	optName = iota
	optEncrypt
	optPass
	optAgain
	optKey
	optIdentity
	optIdentityPass
	optVerify
	optAsk
	optAfter
)

func newOptionsScreen() *optionsScreen {
	sc := &optionsScreen{
		at: optEncrypt, name: newField("", 60), pass: newField("", 128), again: newField("", 128),
		key: newField("", 200), entry: newTeamEntry(),
	}
	sc.pass.hidden, sc.again.hidden = true, true
	return sc
}

func (sc *optionsScreen) enter(s *session) []command {
	sc.name.set(s.name)
	sc.reading = ""
	switch p := s.preset; {
	case s.password != "" && len(sc.pass.text) == 0 && !s.teamLocked(): // answered ahead of time
		sc.pass.set(s.password)
		sc.again.set(s.password)
		sc.protect = withPassphrase
	case p != nil && p.protection() == answers.Passphrase && !p.used[screenOptions]:
		p.used[screenOptions] = true
		sc.protect, sc.at = withPassphrase, optPass
	}
	if len(s.team) > 0 && len(sc.key.text) == 0 { // the answers name it
		sc.key.set(s.team[0].String())
		sc.protect = withTeamKey
	}
	sc.found(s, s.teamFiles) // before anybody can press Enter
	if !slices.Contains(sc.fields(s), sc.at) {
		sc.at = sc.fields(s)[1]
	}
	if s.teamLocked() {
		return sc.entry.look(s)
	}
	backend := s.backend
	return []command{s.do(func(ctx context.Context) any { return teamKeysFound{backend.TeamKeys(ctx)} })}
}

// teamLocked is true if a store is gone on with that only the team can open.
func (s *session) teamLocked() bool {
	return s.resume != "" && slices.ContainsFunc(s.stores, func(st Store) bool { return st.Path == s.resume && st.Team })
}

// found proposes a key that lies on a drive: whoever carries the team's key on the
// stick wants it used.
func (sc *optionsScreen) found(s *session, paths []string) {
	if len(paths) == 0 || len(sc.key.text) > 0 {
		return
	}
	sc.key.set(paths[0])
	if sc.protect == openStore && len(s.team) == 0 {
		sc.protect = withTeamKey
	}
}

// see hears of keys on the drives, and of what Enter had looked at.
func (sc *optionsScreen) see(s *session, msg any) step {
	switch m := msg.(type) {
	case teamKeysFound:
		sc.found(s, m.paths)
	case teamKeyRead:
		if m.path != sc.reading {
			return step{}
		}
		sc.reading = ""
		if m.err != nil {
			sc.at = optKey
			return note("%s", joinSentences(s.show(m.err.Error())))
		}
		return sc.leave(s, "", m.team)
	}
	return sc.entry.see(s, msg)
}

func (sc *optionsScreen) title(*session) string { return fmt.Sprintf(textStep, 7, steps, textOptTitle) }
func (sc *optionsScreen) why() string           { return textOptWhy }

func (sc *optionsScreen) message(s *session) string {
	switch sc.at {
	case optPass, optAgain:
		if at := sc.differ(); len(sc.again.text) > 0 && at > 0 {
			return fmt.Sprintf(textOptDiffer, at)
		}
		if len(sc.pass.text) >= minPassphrase && strength(sc.pass.text) == textOptWeak {
			return textOptWeakMsg
		}
	case optKey:
		return textOptKeyMsg
	case optAsk:
		return textOptAskMsg
	case optAfter:
		return textOptAfterMsg
	case optIdentity, optIdentityPass:
		if sc.entry.trying != "" {
			return textTeamTrying + " " + s.spinner()
		}
		return textOptLockedMsg
	}
	switch {
	case s.teamLocked():
		return textOptNeedFile
	case sc.protect == withPassphrase && (len(sc.pass.text) < minPassphrase || sc.differ() > 0):
		return fmt.Sprintf(textOptNeedPass, minPassphrase)
	case sc.protect == withTeamKey && len(sc.key.text) == 0:
		return textOptNoKey
	}
	return textOptMsg
}

// fields are those that can be reached now.
func (sc *optionsScreen) fields(s *session) []int {
	switch {
	case s.teamLocked() && sc.entry.locked():
		return []int{optName, optIdentity, optIdentityPass, optVerify, optAsk, optAfter}
	case s.teamLocked():
		return []int{optName, optIdentity, optVerify, optAsk, optAfter}
	case sc.protect == withPassphrase:
		return []int{optName, optEncrypt, optPass, optAgain, optVerify, optAsk, optAfter}
	case sc.protect == withTeamKey:
		return []int{optName, optEncrypt, optKey, optVerify, optAsk, optAfter}
	}
	return []int{optName, optEncrypt, optVerify, optAsk, optAfter}
}

func (sc *optionsScreen) hop(s *session, by int) {
	fields := sc.fields(s)
	for i, f := range fields {
		if f == sc.at {
			sc.at = fields[(i+by+len(fields))%len(fields)]
			return
		}
	}
	sc.at = fields[0]
}

// field is the text field with the cursor, or nil.
func (sc *optionsScreen) field() *field {
	switch sc.at {
	case optName:
		return sc.name
	case optPass:
		return sc.pass
	case optAgain:
		return sc.again
	case optKey:
		return sc.key
	case optIdentity:
		return sc.entry.file
	case optIdentityPass:
		return sc.entry.pass
	}
	return nil
}

func (sc *optionsScreen) typed(_ *session, e keyEvent) bool {
	f := sc.field()
	return f != nil && f.typed(e)
}

func (sc *optionsScreen) keys(s *session) []binding {
	keys := []binding{{
		keys: []key{keyTab, keyBackTab, keyDown, keyUp}, name: textOptTab, does: textOptNext, more: textOptNextHelp,
		do: func(k key) step {
			if k == keyUp || k == keyBackTab {
				sc.hop(s, -1)
			} else {
				sc.hop(s, 1)
			}
			return step{}
		},
	}}
	if sc.field() == nil {
		keys = append(keys, bindSpace(textChoose, func() step { return sc.choose(s, sc.at) }))
	}
	if hidden := sc.hidden(s); hidden != nil {
		does := textOptShow
		if !hidden[0].hidden {
			does = textOptHide
		}
		keys = append(keys, binding{
			keys: []key{keyF2, keyCtrlT}, name: "F2", does: does, more: textOptShowHelp,
			do: func(key) step {
				to := !hidden[0].hidden
				for _, f := range hidden {
					f.hidden = to
				}
				return step{}
			},
		})
	}
	keys = append(keys, bindLayout(s)...)
	return append(keys, bindEnter(textGoOn, func() step { return sc.take(s) }), bindEsc(textBack, func() step {
		sc.keep(s)
		return step{move: goBack}
	}))
}

// choose takes the next of the choices of a field.
func (sc *optionsScreen) choose(s *session, field int) step {
	switch field {
	case optEncrypt:
		sc.protect = (sc.protect + 1) % protection(len(protections))
	case optVerify:
		s.noVerify = !s.noVerify
	case optAsk:
		s.askEach = !s.askEach
	case optAfter:
		i := slices.IndexFunc(endings, func(e savedEnding) bool { return e.answer == s.after })
		s.after = endings[(max(i, 0)+1)%len(endings)].answer
	}
	return step{}
}

// savedEnding is something to do after a save that ended well.
type savedEnding struct{ answer, text string }

// endings are all of them; the first is meant when nothing is said.
var endings = []savedEnding{
	{answers.Stay, textOptStay}, {answers.Restart, textOptRestart}, {answers.ShutDown, textOptShutDown},
}

// asks are the choices of optAsk, and endsWith those of optAfter, with the chosen
// one marked.
func (s *session) asks() string {
	return radio(!s.askEach) + " " + textOptGoOn + "   " + radio(s.askEach) + " " + textOptAskEach
}

func (s *session) endsWith() string {
	parts := make([]string, len(endings))
	for i, e := range endings {
		parts[i] = radio(e.answer == cmp.Or(s.after, answers.Stay)) + " " + e.text
	}
	return strings.Join(parts, "   ")
}

// hidden are the fields with secrets that are on the screen.
func (sc *optionsScreen) hidden(s *session) []*field {
	switch {
	case s.teamLocked() && sc.entry.locked():
		return []*field{sc.entry.pass}
	case !s.teamLocked() && sc.protect == withPassphrase:
		return []*field{sc.pass, sc.again}
	}
	return nil
}

// differ is the first character, counted from 1, in which the two passphrases
// differ; 0 if they are the same.
func (sc *optionsScreen) differ() int {
	a, b := sc.pass.text, sc.again.text
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			return i + 1
		}
	}
	return 0
}

// keep writes down what can be kept of half an answer.
func (sc *optionsScreen) keep(s *session) {
	if name := strings.TrimSpace(sc.name.value()); name != "" && cleanName(name) == name && strings.Trim(name, ".") != "" && name != s.name {
		s.name = name
		s.resume = ""
		clear(s.checks)
	}
}

func (sc *optionsScreen) take(s *session) step {
	name := strings.TrimSpace(sc.name.value())
	switch {
	case name == "" || strings.Trim(name, ".") == "":
		sc.at = optName
		return note(textOptNoName)
	case cleanName(name) != name:
		sc.at = optName
		var bad []string
		for _, r := range name {
			if cleanName(string(r)) == "" {
				bad = append(bad, s.show(string(r)))
			}
		}
		return note(textOptBadName, strings.Join(bad[:min(len(bad), 8)], " "))
	}
	sc.keep(s) // another name is another store
	switch {
	case s.teamLocked():
		if sc.at != optIdentityPass {
			sc.at = optIdentity
		}
		return sc.entry.open(s, s.resume, func(password string) step { return sc.leave(s, password, nil) })
	case sc.protect == openStore:
		return sc.leave(s, "", nil)
	case sc.protect == withTeamKey:
		text := strings.TrimSpace(sc.key.value())
		if len(s.team) > 0 && text == s.team[0].String() { // as the answers, or an earlier visit, have it
			return sc.leave(s, "", s.team)
		}
		if text == "" {
			sc.at = optKey
			return note(textOptNoKey)
		}
		team, cmds, err := s.readTeamKey(text)
		switch {
		case err != nil:
			sc.at = optKey
			return note("%s", joinSentences(s.show(err.Error())))
		case cmds != nil:
			sc.reading = text
			return step{cmds: cmds}
		}
		return sc.leave(s, "", team)
	case len(sc.pass.text) < minPassphrase:
		sc.at = optPass
		return note(textOptShort, minPassphrase)
	case sc.differ() > 0:
		sc.at = optAgain
		return note(textOptDiffer, sc.differ())
	}
	return sc.leave(s, sc.pass.value(), nil)
}

// leave goes on with an answer.
func (sc *optionsScreen) leave(s *session, password string, team []engine.Recipient) step {
	s.password, s.team = password, team
	return step{move: goNext}
}

func (sc *optionsScreen) body(s *session, w, h int) []string {
	label := func(f int, text string) string { return s.label(sc.at == f, text) }
	choice := func(f int, text string) string {
		return s.th.row(" "+text+" ", sc.at == f, width(text)+2)
	}
	lines := []string{
		" " + textOptAsk, "",
		label(optName, textOptName) + "[" + sc.name.view(s, sc.at == optName, 48) + "]", "",
	}
	if s.teamLocked() {
		lines = append(lines, sc.entry.lines(s, sc.at-optIdentity)...)
	} else {
		lines = append(lines, label(optEncrypt, textOptEncrypt)+choice(optEncrypt, sc.choices()))
	}
	warning := textOptPlain
	switch {
	case s.teamLocked():
		warning = textOptLocked
	case sc.protect == withPassphrase:
		match := textOptNotSame
		switch {
		case len(sc.pass.text) == 0:
			match = ""
		case sc.differ() == 0:
			match = s.th.good(textOptSame)
		}
		lines = append(lines,
			label(optPass, textOptPass)+"["+sc.pass.view(s, sc.at == optPass, 30)+"] "+sc.judged(),
			label(optAgain, textOptAgain)+"["+sc.again.view(s, sc.at == optAgain, 30)+"] "+match,
		)
		warning = textOptLost
	case sc.protect == withTeamKey:
		lines = append(lines, label(optKey, textOptKey)+"["+sc.key.view(s, sc.at == optKey, 50)+"]")
		warning = textOptTeamIs
	}
	lines = append(lines, "",
		label(optVerify, textOptVerify)+choice(optVerify, check(!s.noVerify, false)+" "+textOptReadBack),
		label(optAsk, textOptUnreadable)+choice(optAsk, s.asks()),
		label(optAfter, textOptAfter)+choice(optAfter, s.endsWith()), "")
	lines = append(lines, wrap(warning, " ", w-2)...)
	if s.noVerify {
		lines = append(lines, "", " "+s.th.warn(textOptNoVerify))
	}
	return lines
}

// choices are the kinds of protection, with the chosen one marked.
func (sc *optionsScreen) choices() string {
	parts := make([]string, len(protections))
	for p, name := range protections {
		parts[p] = radio(sc.protect == protection(p)) + " " + name
	}
	return strings.Join(parts, "   ")
}

// judged says how good the passphrase is.
func (sc *optionsScreen) judged() string {
	text := fmt.Sprintf(textOptChars, len(sc.pass.text))
	if len(sc.pass.text) >= minPassphrase {
		text += ", " + strength(sc.pass.text)
	}
	return text
}

// label is the name of a field, with the mark if it has the cursor.
func (s *session) label(here bool, text string) string {
	text = mark(here) + pad(text, 18)
	if here {
		return s.th.strong(text)
	}
	return text
}

func (sc *optionsScreen) forget() {
	sc.pass.wipe()
	sc.again.wipe()
	sc.entry.forget()
}

func (sc *optionsScreen) outline(s *session) outline {
	o := outline{about: []string{textOptAsk, textOptMsg}}
	choice := func(f int, text string) item {
		return item{text: text, do: func() step { return sc.choose(s, f) }}
	}
	rest := []item{
		choice(optVerify, textOptVerify+": "+check(!s.noVerify, false)+" "+textOptReadBack),
		choice(optAsk, textOptUnreadable+": "+s.asks()),
		choice(optAfter, textOptAfter+": "+s.endsWith()),
	}
	o.items = []item{fieldItem(textOptName+": "+s.show(sc.name.value()), sc.name)}
	if s.teamLocked() {
		o.items = append(append(o.items, sc.entry.items(s)...), rest...)
		o.about = append(o.about, wrap(textOptLocked, "", minWidth)...)
		return o
	}
	o.items = append(o.items, choice(optEncrypt, textOptEncrypt+": "+protections[sc.protect]))
	warning := textOptPlain
	switch sc.protect {
	case withPassphrase:
		match := textOptNotSame
		if sc.differ() == 0 {
			match = textOptSame
		}
		o.items = append(o.items,
			fieldItem(textOptPass+": "+sc.judged(), sc.pass),
			fieldItem(textOptAgain+": "+match, sc.again))
		warning = textOptLost
	case withTeamKey:
		o.items = append(o.items, fieldItem(textOptKey+": "+s.show(sc.key.value()), sc.key))
		warning = textOptTeamIs
	}
	o.items = append(o.items, rest...)
	o.about = append(o.about, wrap(warning, "", minWidth)...)
	return o
}
