package tui

import (
	"strings"

	"lifeboat/engine/report"
)

// reportOverlay is the report of a save as text, for who has no other PC at hand to
// read it on.
type reportOverlay struct {
	pager
	text []string
	room int
}

func newReportOverlay(r *report.Report) *reportOverlay {
	var b strings.Builder
	if err := report.WriteText(&b, r); err != nil {
		return &reportOverlay{text: []string{err.Error()}}
	}
	return &reportOverlay{text: strings.Split(strings.ReplaceAll(b.String(), "\r", ""), "\n")}
}

func (o *reportOverlay) title(*session) string   { return textResultLReport }
func (o *reportOverlay) why() string             { return textReportWhy }
func (o *reportOverlay) message(*session) string { return textReportMsg }

func (o *reportOverlay) keys(s *session) []binding {
	return []binding{
		bindScroll(func(k key) { o.move(k, len(o.lines(s, minWidth)), max(o.room, 1)) }),
		{keys: []key{keyEsc}, name: textEsc, does: textClose, do: func(key) step { return step{move: goBack} }},
	}
}

func (o *reportOverlay) lines(s *session, w int) (lines []string) {
	for _, text := range o.text {
		blank := len(text) - len(strings.TrimLeft(text, " "))
		part := wrap(s.show(strings.TrimSpace(text)), strings.Repeat(" ", blank+1), w-2)
		if len(part) == 0 {
			part = []string{""}
		}
		lines = append(lines, part...)
	}
	return lines
}

func (o *reportOverlay) body(s *session, w, h int) []string {
	o.room = h
	return o.view(o.lines(s, w), h)
}

func (o *reportOverlay) outline(s *session) outline { return outline{about: o.lines(s, minWidth)} }
