package tui

import (
	"strings"
	"unicode"

	tea "github.com/charmbracelet/bubbletea"
)

// key names a key of the keyboard. Letters are lower case; what was typed, with
// its case, is in the event.
type key string

// The keys the wizard knows. Nothing here is out of reach of a console of 1993.
const (
	keyUp        key = "up"
	keyDown      key = "down"
	keyLeft      key = "left"
	keyRight     key = "right"
	keyPgUp      key = "pgup"
	keyPgDown    key = "pgdown"
	keyHome      key = "home"
	keyEnd       key = "end"
	keyEnter     key = "enter"
	keyEsc       key = "esc"
	keySpace     key = "space"
	keyTab       key = "tab"
	keyBackTab   key = "shift+tab"
	keyBackspace key = "backspace"
	keyDelete    key = "delete"
	keyF1        key = "f1"
	keyF2        key = "f2"
	keyF3        key = "f3"
	keyF4        key = "f4"
	keyF5        key = "f5"
	keyF7        key = "f7"
	keyF8        key = "f8"
	keyF9        key = "f9"
	keyF10       key = "f10"
	keyCtrlC     key = "ctrl+c"
	keyCtrlF     key = "ctrl+f"
	keyCtrlK     key = "ctrl+k"
	keyCtrlL     key = "ctrl+l"
	keyCtrlP     key = "ctrl+p"
	keyCtrlQ     key = "ctrl+q"
	keyCtrlR     key = "ctrl+r"
	keyCtrlT     key = "ctrl+t"
)

// keyEvent is one key press, or pasted text (then key is empty).
type keyEvent struct {
	key  key
	text string // what it types, empty for a key that types nothing; pasted, it may have lines
}

var teaKeys = map[tea.KeyType]key{
	tea.KeyUp: keyUp, tea.KeyDown: keyDown, tea.KeyLeft: keyLeft, tea.KeyRight: keyRight,
	tea.KeyPgUp: keyPgUp, tea.KeyPgDown: keyPgDown, tea.KeyHome: keyHome, tea.KeyEnd: keyEnd,
	tea.KeyEnter: keyEnter, tea.KeyEsc: keyEsc, tea.KeyTab: keyTab, tea.KeyShiftTab: keyBackTab,
	tea.KeyBackspace: keyBackspace, tea.KeyDelete: keyDelete, tea.KeyCtrlH: keyBackspace,
	tea.KeyF1: keyF1, tea.KeyF2: keyF2, tea.KeyF3: keyF3, tea.KeyF4: keyF4, tea.KeyF5: keyF5, tea.KeyF7: keyF7, tea.KeyF8: keyF8, tea.KeyF9: keyF9, tea.KeyF10: keyF10,
	tea.KeyCtrlC: keyCtrlC, tea.KeyCtrlF: keyCtrlF, tea.KeyCtrlK: keyCtrlK, tea.KeyCtrlL: keyCtrlL, tea.KeyCtrlP: keyCtrlP, tea.KeyCtrlQ: keyCtrlQ, tea.KeyCtrlR: keyCtrlR, tea.KeyCtrlT: keyCtrlT,
}

// keyEvents translates a key message. Keys typed faster than the console is
// read arrive as one message of several runes.
func keyEvents(msg tea.KeyMsg) []keyEvent {
	switch {
	case msg.Paste:
		return []keyEvent{{text: pasted(msg.Runes)}}
	case msg.Type == tea.KeySpace:
		return []keyEvent{{keySpace, " "}}
	case msg.Type != tea.KeyRunes:
		if k, ok := teaKeys[msg.Type]; ok && !msg.Alt {
			return []keyEvent{{key: k}}
		}
		return nil
	case msg.Alt:
		return nil
	}
	var events []keyEvent
	for _, r := range msg.Runes {
		if e, ok := typedKey(r); ok {
			events = append(events, e)
		}
	}
	return events
}

// typedKey is the event of typing one character.
func typedKey(r rune) (keyEvent, bool) {
	if r == ' ' {
		return keyEvent{keySpace, " "}, true
	}
	if !unicode.IsPrint(r) {
		return keyEvent{}, false
	}
	return keyEvent{key(unicode.ToLower(r)), string(r)}, true
}

// pasted keeps what can be typed, and line breaks between it: a recovery password
// from a mail is broken into lines, and a field takes the first of them.
func pasted(runes []rune) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r':
			return '\n'
		case unicode.IsPrint(r):
			return r
		}
		return -1
	}, string(runes)), "\n")
}

// binding ties keys to what they do. Help line, help screen and dispatch all
// read it, so that none can name a key the others do not know.
type binding struct {
	keys []key
	name string // as the help line calls it
	does string // what it does, in a word or two
	more string // the same for the help screen, if there is more to say
	do   func(key) step
}

func (b binding) has(k key) bool {
	for _, have := range b.keys {
		if have == k {
			return true
		}
	}
	return false
}

// The bindings that several screens share, with their second keys.

func bindMove(do func(key)) binding {
	return binding{
		keys: []key{keyUp, keyDown, keyPgUp, keyPgDown, keyHome, keyEnd},
		name: textUpDown, does: textChoose, more: textMoveHelp,
		do: func(k key) step { do(k); return step{} },
	}
}

func bindScroll(do func(key)) binding {
	b := bindMove(do)
	b.does = textScroll
	return b
}

func bindSpace(does string, do func() step) binding {
	return binding{keys: []key{keySpace}, name: textSpace, does: does, do: func(key) step { return do() }}
}

func bindEnter(does string, do func() step) binding {
	return binding{keys: []key{keyEnter}, name: textEnter, does: does, do: func(key) step { return do() }}
}

func bindEsc(does string, do func() step) binding {
	return binding{keys: []key{keyEsc}, name: textEsc, does: does, do: func(key) step { return do() }}
}

func bindBack() binding {
	b := bindEsc(textBack, func() step { return step{move: goBack} })
	b.more = textBackHelp
	return b
}

func bindAgain(do func() step) binding {
	return binding{
		keys: []key{keyF5, keyCtrlR}, name: "F5", does: textLookAgain, more: textLookAgainHelp,
		do: func(key) step { return do() },
	}
}

func bindLetter(k key, does, more string, do func() step) binding {
	return binding{keys: []key{k}, name: strings.ToUpper(string(k)), does: does, more: more, do: func(key) step { return do() }}
}

// bindDigits binds 1 to n.
func bindDigits(n int, does string, do func(i int) step) binding {
	b := binding{name: "1-" + string(rune('0'+n)), does: does}
	for i := range n {
		b.keys = append(b.keys, key(rune('1'+i)))
	}
	b.do = func(k key) step { return do(int(k[0] - '1')) }
	return b
}
