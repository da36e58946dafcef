package tui

import (
	"fmt"
	"slices"
	"time"

	"lifeboat/engine/human"
	"lifeboat/engine/job"
	"lifeboat/engine/usmt"
	"lifeboat/winpe"
)

// logLine is one thing that happened.
type logLine struct {
	at      time.Time
	problem bool
	text    string // foreign names in it are shown through session.show
}

// logLines is how much of the log is kept. The files of the engine's log have all.
const logLines = 5000

// log notes something for the log overlay. Nothing typed in secret comes here.
func (s *session) log(problem bool, format string, args ...any) {
	if len(s.logged) >= logLines {
		s.logged = slices.Delete(s.logged, 0, logLines/10)
	}
	s.logged = append(s.logged, logLine{s.now, problem, fmt.Sprintf(format, args...)})
}

// record notes what a message tells, before it is taken in.
func (s *session) record(msg any) {
	switch m := msg.(type) {
	case systemSeen:
		s.log(false, textLogSystem, m.system.Name, m.system.Arch)
	case volumesSeen:
		s.recordVolumes(m.volumes)
	case windowsFound:
		for _, inst := range m.detection.Installations {
			s.log(false, textLogWindows, s.productLine(inst), inst.ComputerName, inst.Where)
		}
		for _, l := range m.locked {
			s.log(false, textLogLocked, l.Where)
		}
	case unlocked:
		if m.err != nil {
			s.log(true, textLogFailed, m.err)
		}
	case probeFailed:
		s.log(true, textLogFailed, m.err)
	case planMade:
		if m.err != nil && m.of == s.counting {
			s.log(true, textLogFailed, m.err)
		}
	case shareConnected:
		if m.err != nil {
			s.log(true, textLogFailed, m.err)
		} else {
			s.log(false, textLogShare, m.folder)
		}
	case toolDone:
		if m.err != nil {
			s.log(true, textLogFailed, m.err)
		}
	case layoutSet:
		if m.err != nil {
			s.log(true, textLogFailed, m.err)
		}
	case outsideEnded:
		if m.err != nil {
			s.log(true, textLogFailed, m.err)
		}
	case eventsSeen:
		for _, e := range m.events {
			s.recordEvent(e)
		}
	case asked:
		if !m.run.pass || !m.single() {
			s.log(true, textLogAsked, m.question.Path, m.question.Text)
		}
	case runEnded:
		if m.err != nil {
			s.log(true, textLogFailed, m.err)
		}
		for _, e := range m.rest {
			s.recordEvent(e)
		}
		if m.logErr != nil {
			s.log(true, textLogFailed, m.logErr)
		}
		code, _ := m.code()
		if m.log != "" {
			s.log(false, textLogFile, m.log)
		}
		s.log(code != usmt.Success, textLogEnded, code.Words(), int(code))
	}
}

func (s *session) recordEvent(e job.Event) {
	switch e.Kind {
	case job.PhaseBegan:
		s.log(false, textLogPhase, phaseName(e.Phase))
	case job.ProblemSeen:
		s.log(e.Problem.Kind != job.Notice, "%s: %s", e.Problem.Path, e.Problem.Text)
	case job.Message:
		s.log(false, "%s", e.Text)
	case job.MediumGone:
		s.log(true, textLogGone)
	case job.MediumBack:
		s.log(false, textLogBack)
	case job.MediumMoved:
		s.log(false, textLogMoved, e.Text)
	}
}

// recordVolumes notes drives that came and went.
func (s *session) recordVolumes(now []winpe.Volume) {
	has := func(list []winpe.Volume, v winpe.Volume) bool {
		return slices.ContainsFunc(list, func(o winpe.Volume) bool { return o.Mount == v.Mount })
	}
	for _, v := range now {
		if !has(s.volumes, v) && !v.System {
			s.log(false, textLogDrive, s.volumeWords(v))
		}
	}
	for _, v := range s.volumes {
		if !has(now, v) {
			s.log(true, textLogUnplugged, s.words(v.Mount, v.Label))
		}
	}
}

// logOverlay shows the log, its end first.
type logOverlay struct {
	pager
	problems bool // only these
	room     int
	w        int
	follow   bool // what is new is in view
}

func newLogOverlay() *logOverlay { return &logOverlay{follow: true} }

func (o *logOverlay) title(*session) string { return textLogTitle }
func (o *logOverlay) why() string           { return textLogWhy }

func (o *logOverlay) message(s *session) string {
	n := len(s.logged)
	if o.problems {
		n = len(o.chosen(s))
		return fmt.Sprintf(textLogOnly, n, len(s.logged))
	}
	return fmt.Sprintf(textLogMsg, human.Plural(int64(n), textLogLine, textLogLines))
}

func (o *logOverlay) keys(s *session) []binding {
	does := textLogProblems
	if o.problems {
		does = textLogAll
	}
	return []binding{
		bindScroll(func(k key) {
			lines, room := len(o.lines(s, max(o.w, minWidth))), max(o.room, 1)
			o.move(k, lines, room)
			o.follow = o.top >= lines-room
		}),
		bindLetter("p", does, textLogFilter, func() step {
			o.problems, o.follow = !o.problems, true
			return step{}
		}),
		{keys: []key{keyEsc, "l"}, name: textEsc, does: textClose, do: func(key) step { return step{move: goBack} }},
	}
}

func (o *logOverlay) chosen(s *session) []logLine {
	if !o.problems {
		return s.logged
	}
	var chosen []logLine
	for _, l := range s.logged {
		if l.problem {
			chosen = append(chosen, l)
		}
	}
	return chosen
}

// lines breaks the log into lines of the screen.
func (o *logOverlay) lines(s *session, w int) []string {
	var lines []string
	for _, l := range o.chosen(s) {
		paint := func(text string) string { return text }
		if l.problem {
			paint = s.th.warn
		}
		for i, part := range wrap(s.show(l.text), "", w-12) {
			head := l.at.Format("15:04:05")
			if i > 0 {
				head = ""
			}
			lines = append(lines, " "+pad(head, 10)+paint(part))
		}
	}
	return lines
}

func (o *logOverlay) body(s *session, w, h int) []string {
	o.room, o.w = h, w
	lines := o.lines(s, w)
	if len(lines) == 0 {
		return []string{" " + textLogEmpty}
	}
	if o.follow {
		o.top = len(lines)
	}
	return o.view(lines, h)
}

func (o *logOverlay) outline(s *session) outline {
	lines := o.lines(s, minWidth)
	return outline{about: append(lines[max(len(lines)-40, 0):], o.message(s))}
}

// bindLog shows the log, on screens where L is not typed.
func bindLog() binding {
	return bindLetter("l", textLog, textLogHelp, func() step { return step{move: goOver, over: newLogOverlay()} })
}
