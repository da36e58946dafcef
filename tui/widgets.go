package tui

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"lifeboat/engine/human"
)

// list is a cursor over n things.
type list struct{ at int }

const page = 8

func (l *list) move(k key, n int) {
	switch k {
	case keyUp:
		l.at--
	case keyDown:
		l.at++
	case keyPgUp:
		l.at -= page
	case keyPgDown:
		l.at += page
	case keyHome:
		l.at = 0
	case keyEnd:
		l.at = n - 1
	}
	l.clamp(n)
}

func (l *list) clamp(n int) { l.at = max(min(l.at, n-1), 0) }

// mark is the pointer in front of a list row.
func mark(here bool) string {
	if here {
		return " > "
	}
	return "   "
}

// box is a check box.
func check(on, partly bool) string {
	switch {
	case partly:
		return "[~]"
	case on:
		return "[x]"
	}
	return "[ ]"
}

// radio is one of several exclusive choices.
func radio(on bool) string {
	if on {
		return "(o)"
	}
	return "( )"
}

// scroll shows as many lines of the blocks as there is room for, with the
// block at the cursor among them, and says how much is hidden.
func scroll(th *theme, blocks [][]string, at, room int) []string {
	var lines []string
	from, to := 0, 0
	for i, b := range blocks {
		if i == at {
			from, to = len(lines), len(lines)+len(b)
		}
		lines = append(lines, b...)
	}
	if len(lines) <= room || room <= 0 {
		return lines[:min(len(lines), max(room, 0))]
	}
	top := min(max((from+to-room)/2, 0), len(lines)-room)
	shown := append([]string(nil), lines[top:top+room]...)
	if top > 0 && from > top {
		shown[0] = th.dim(fmt.Sprintf(textMoreAbove, top+1))
	}
	if below := len(lines) - top - room; below > 0 && to < top+room {
		shown[room-1] = th.dim(fmt.Sprintf(textMoreBelow, below+1))
	}
	return shown
}

// pager scrolls through lines.
type pager struct{ top int }

func (p *pager) move(k key, lines, room int) {
	switch k {
	case keyUp:
		p.top--
	case keyDown:
		p.top++
	case keyPgUp:
		p.top -= room - 1
	case keyPgDown:
		p.top += room - 1
	case keyHome:
		p.top = 0
	case keyEnd:
		p.top = lines
	}
	p.top = max(min(p.top, lines-room), 0)
}

func (p *pager) view(lines []string, room int) []string {
	p.top = max(min(p.top, len(lines)-room), 0)
	return lines[p.top:min(p.top+room, len(lines))]
}

// field is a line of text being typed.
type field struct {
	text   []rune
	at     int // cursor
	hidden bool
	max    int // runes
}

func newField(text string, max int) *field {
	f := &field{max: max, text: make([]rune, 0, max)} // never copied, so that it can be overwritten
	f.set(text)
	return f
}

func (f *field) set(text string) {
	f.wipe()
	f.text = append(f.text, []rune(text)...)
	f.at = len(f.text)
}

// wipe empties the field and overwrites what was in it.
func (f *field) wipe() {
	clear(f.text[:cap(f.text)])
	f.text, f.at = f.text[:0], 0
}

// bytes is the text in a form that can be overwritten.
func (f *field) bytes() []byte {
	var b []byte
	for _, r := range f.text {
		b = utf8.AppendRune(b, r)
	}
	return b
}

func (f *field) value() string { return string(f.text) }

// typed edits and reports whether the key was one for a field.
func (f *field) typed(e keyEvent) bool {
	switch e.key {
	case keyLeft:
		f.at = max(f.at-1, 0)
	case keyRight:
		f.at = min(f.at+1, len(f.text))
	case keyHome:
		f.at = 0
	case keyEnd:
		f.at = len(f.text)
	case keyBackspace:
		if f.at > 0 {
			f.text = append(f.text[:f.at-1], f.text[f.at:]...)
			f.at--
		}
	case keyDelete:
		if f.at < len(f.text) {
			f.text = append(f.text[:f.at], f.text[f.at+1:]...)
		}
	default:
		if e.text == "" {
			return false
		}
		for _, r := range e.text {
			if len(f.text) >= f.max || r == '\n' {
				break
			}
			f.text = slices.Insert(f.text, f.at, r)
			f.at++
		}
	}
	return true
}

// view draws the field w cells wide, the cursor in view when it has the keyboard.
func (f *field) view(s *session, focused bool, w int) string {
	text := s.show(f.value())
	before := s.show(string(f.text[:f.at]))
	if f.hidden {
		text = strings.Repeat("*", len(f.text))
		before = strings.Repeat("*", f.at)
	}
	if !focused {
		return pad(human.End(text, w), w)
	}
	after := strings.TrimPrefix(text, before)
	if over := width(before) - (w - 1); over > 0 {
		before = ansi.TruncateLeft(before, over, "")
	}
	under, rest := " ", ""
	if after != "" {
		first := ansi.Truncate(after, 2, "")
		under = ansi.Truncate(after, 1, "")
		if under == "" { // a wide character
			under = first
		}
		rest = strings.TrimPrefix(after, under)
	} else {
		under = "_"
	}
	return pad(before+s.th.selected(under)+fit(rest, max(w-width(before)-width(under), 0)), w)
}

// dialog draws a box around a title, a text and a menu, in the middle of the body.
func dialog(s *session, title string, text []string, menu []string, at, w, h int) []string {
	const inner = 60
	th := s.th
	lines := []string{""}
	lines = append(lines, text...)
	lines = append(lines, "")
	for i, entry := range menu {
		lines = append(lines, th.row(strings.TrimPrefix(mark(i == at), " ")+entry+" ", i == at, inner-2))
	}
	lines = append(lines, "")
	box := []string{th.box.TopLeft + th.box.Top + " " + th.strong(human.End(title, inner-4)) + " "}
	box[0] += strings.Repeat(th.box.Top, inner+1-width(box[0])) + th.box.TopRight
	for _, line := range lines {
		box = append(box, th.box.Left+" "+pad(line, inner-2)+" "+th.box.Right)
	}
	box = append(box, th.box.BottomLeft+strings.Repeat(th.box.Bottom, inner)+th.box.BottomRight)
	var out []string
	for range max((h-len(box))/2, 0) {
		out = append(out, "")
	}
	indent := strings.Repeat(" ", max((w-inner-2)/2, 0))
	for _, line := range box {
		out = append(out, indent+line)
	}
	return out
}

// buttons draws a vertical menu.
func buttons(th *theme, entries []string, at, w int) []string {
	lines := make([]string, len(entries))
	for i, e := range entries {
		lines[i] = "  " + th.row(mark(i == at)+e+" ", i == at, min(w-4, 56))
	}
	return lines
}
