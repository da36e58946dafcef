package tui

import (
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"
)

// paint colours a piece of one line.
type paint func(string) string

// theme is how things look. The colour profile is ours to say: a console that
// is asked answers wrongly, or prints the answer (spec/tui.md, part B).
type theme struct {
	title, selected          paint
	strong, dim              paint
	good, warn, bad, barDone paint
	ascii                    bool
	rule, barFull, barEmpty  string
	box                      lipgloss.Border
}

// newTheme has 16 colours, or bold and reverse only when mono, and box drawing
// unless ascii.
func newTheme(mono, ascii bool) *theme {
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(termenv.ANSI)
	style := func(s lipgloss.Style) paint {
		return func(text string) string {
			if text == "" {
				return ""
			}
			return s.Render(text)
		}
	}
	colour := func(fg string) lipgloss.Style { return r.NewStyle().Foreground(lipgloss.Color(fg)) }
	plain := func(text string) string { return text }

	t := &theme{
		strong:   style(r.NewStyle().Bold(true)),
		ascii:    ascii,
		rule:     "─",
		barFull:  "█",
		barEmpty: "░",
		box: lipgloss.Border{
			Top: "═", Bottom: "═", Left: "║", Right: "║",
			TopLeft: "╔", TopRight: "╗", BottomLeft: "╚", BottomRight: "╝",
		},
	}
	if ascii {
		t.rule, t.barFull, t.barEmpty = "-", "#", "."
		t.box = lipgloss.Border{
			Top: "=", Bottom: "=", Left: "|", Right: "|",
			TopLeft: "+", TopRight: "+", BottomLeft: "+", BottomRight: "+",
		}
	}
	if mono {
		t.title = style(r.NewStyle().Reverse(true).Bold(true))
		t.selected = style(r.NewStyle().Reverse(true))
		t.dim, t.good, t.barDone = plain, plain, plain
		t.warn, t.bad = t.strong, t.strong
		return t
	}
	t.title = style(colour("15").Background(lipgloss.Color("4")).Bold(true))
	t.selected = style(colour("0").Background(lipgloss.Color("6")))
	t.dim = style(colour("8"))
	t.good = style(colour("10"))
	t.warn = style(colour("11"))
	t.bad = style(colour("9").Bold(true))
	t.barDone = style(colour("14"))
	return t
}

// row draws a list row of exactly w cells if it is the one under the cursor.
func (t *theme) row(text string, selected bool, w int) string {
	if !selected {
		return text
	}
	return t.selected(pad(ansi.Strip(text), w))
}

// bar draws a progress bar of w cells.
func (t *theme) bar(done, total int64, w int) string {
	full := 0
	if total > 0 {
		full = int(float64(min(max(done, 0), total)) / float64(total) * float64(w))
	}
	return t.barDone(strings.Repeat(t.barFull, full)) + t.dim(strings.Repeat(t.barEmpty, w-full))
}

// width counts cells, passing over colour.
func width(s string) int { return ansi.StringWidth(s) }

// fit cuts s at w cells.
func fit(s string, w int) string {
	if width(s) <= w {
		return s
	}
	return ansi.Truncate(s, max(w, 0), "")
}

// pad makes s exactly w cells wide, cutting or filling at the right.
func pad(s string, w int) string {
	s = fit(s, w)
	return s + strings.Repeat(" ", max(w-width(s), 0))
}

// padLeft makes s at least w cells wide, filling at the left.
func padLeft(s string, w int) string {
	return strings.Repeat(" ", max(w-width(s), 0)) + s
}

// sides puts one text at the left edge and one at the right edge of w cells;
// the right one wins.
func sides(left, right string, w int) string {
	right = fit(right, w)
	return pad(left, w-width(right)) + right
}

// wrap breaks text into lines of at most w cells, each behind the indent.
func wrap(text, indent string, w int) []string {
	if text == "" {
		return nil
	}
	lines := strings.Split(ansi.Wrap(text, w-width(indent), ""), "\n")
	for i := range lines {
		lines[i] = indent + strings.TrimRight(lines[i], " ")
	}
	return lines
}

// painted colours lines one by one, so that none leaves its colour open.
func painted(p paint, lines []string) []string {
	for i := range lines {
		lines[i] = p(lines[i])
	}
	return lines
}

// rule is a horizontal line.
func rule(t *theme, w int) string { return strings.Repeat(t.rule, w) }
