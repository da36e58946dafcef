package tui

import (
	"fmt"
	"strings"
)

// optionsScreen asks how to save. Nothing on it needs an answer.
type optionsScreen struct {
	at          int // field with the cursor
	name        *field
	secret      bool
	pass, again *field
}

// minPassphrase is the shortest passphrase that is taken.
const minPassphrase = 8

// The fields of the screen.
const (
	optName = iota
	optEncrypt
	optPass
	optAgain
	optVerify
)

func newOptionsScreen() *optionsScreen {
	sc := &optionsScreen{at: optEncrypt, name: newField("", 60), pass: newField("", 128), again: newField("", 128)}
	sc.pass.hidden, sc.again.hidden = true, true
	return sc
}

func (sc *optionsScreen) enter(s *session) []command {
	sc.name.set(s.name)
	return nil
}

func (sc *optionsScreen) title(*session) string { return fmt.Sprintf(textStep, 7, steps, textOptTitle) }
func (sc *optionsScreen) why() string           { return textOptWhy }

func (sc *optionsScreen) message(*session) string {
	switch sc.at {
	case optPass, optAgain:
		if at := sc.differ(); len(sc.again.text) > 0 && at > 0 {
			return fmt.Sprintf(textOptDiffer, at)
		}
	}
	return textOptMsg
}

// fields are those that can be reached now.
func (sc *optionsScreen) fields() []int {
	if sc.secret {
		return []int{optName, optEncrypt, optPass, optAgain, optVerify}
	}
	return []int{optName, optEncrypt, optVerify}
}

func (sc *optionsScreen) hop(by int) {
	fields := sc.fields()
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
				sc.hop(-1)
			} else {
				sc.hop(1)
			}
			return step{}
		},
	}}
	if sc.field() == nil {
		keys = append(keys, bindSpace(textChoose, func() step {
			if sc.at == optEncrypt {
				sc.secret = !sc.secret
			} else {
				s.noVerify = !s.noVerify
			}
			return step{}
		}))
	}
	if sc.secret {
		does := textOptShow
		if !sc.pass.hidden {
			does = textOptHide
		}
		keys = append(keys, binding{
			keys: []key{keyF2, keyCtrlT}, name: "F2", does: does, more: textOptShowHelp,
			do: func(key) step {
				sc.pass.hidden = !sc.pass.hidden
				sc.again.hidden = sc.pass.hidden
				return step{}
			},
		})
	}
	return append(keys, bindEnter(textGoOn, func() step { return sc.take(s) }), bindEsc(textBack, func() step {
		sc.keep(s)
		return step{move: goBack}
	}))
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
	case !sc.secret:
		s.password = ""
	case len(sc.pass.text) < minPassphrase:
		sc.at = optPass
		return note(textOptShort, minPassphrase)
	case sc.differ() > 0:
		sc.at = optAgain
		return note(textOptDiffer, sc.differ())
	default:
		s.password = sc.pass.value()
	}
	sc.keep(s)
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
		label(optEncrypt, textOptEncrypt) + choice(optEncrypt, radio(!sc.secret)+" "+textOptNo+"    "+radio(sc.secret)+" "+textOptYes),
	}
	if sc.secret {
		match := textOptNotSame
		if sc.differ() == 0 {
			match = s.th.good(textOptSame)
		}
		lines = append(lines,
			label(optPass, textOptPass)+"["+sc.pass.view(s, sc.at == optPass, 34)+"] "+fmt.Sprintf(textOptChars, len(sc.pass.text)),
			label(optAgain, textOptAgain)+"["+sc.again.view(s, sc.at == optAgain, 34)+"] "+match,
		)
	}
	lines = append(lines, "", label(optVerify, textOptVerify)+choice(optVerify, check(!s.noVerify, false)+" "+textOptReadBack), "", "")
	warning := textOptPlain
	if sc.secret {
		warning = textOptLost
	}
	lines = append(lines, wrap(warning, " ", w-2)...)
	if s.noVerify {
		lines = append(lines, "", " "+s.th.warn(textOptNoVerify))
	}
	return lines
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
}

func (sc *optionsScreen) outline(s *session) outline {
	o := outline{about: []string{textOptAsk, textOptMsg}}
	flip := func(on *bool) func() step {
		return func() step {
			*on = !*on
			return step{}
		}
	}
	secret := textOptNo
	if sc.secret {
		secret = textOptYes
	}
	o.items = []item{
		fieldItem(textOptName+": "+s.show(sc.name.value()), sc.name),
		{text: textOptEncrypt + ": " + secret, do: flip(&sc.secret)},
		{text: textOptVerify + ": " + check(!s.noVerify, false) + " " + textOptReadBack, do: flip(&s.noVerify)},
	}
	warning := textOptPlain
	if sc.secret {
		match := textOptNotSame
		if sc.differ() == 0 {
			match = textOptSame
		}
		o.items = append(o.items,
			fieldItem(textOptPass+": "+fmt.Sprintf(textOptChars, len(sc.pass.text)), sc.pass),
			fieldItem(textOptAgain+": "+match, sc.again))
		warning = textOptLost
	}
	o.about = append(o.about, wrap(warning, "", minWidth)...)
	return o
}
