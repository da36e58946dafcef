package tui

import (
	"fmt"
	"path/filepath"
	"strings"

	"lifeboat/engine"
	"lifeboat/engine/human"
	"lifeboat/winpe"
)

// welcomeScreen is the menu of what the wizard can do.
type welcomeScreen struct {
	list
	offered string // the interrupted save that the cursor was put on
}

const welcomeEntries = 5

// welcomeGoOn is the entry that goes on with an interrupted save.
const welcomeGoOn = 2

// welcomeEntry is a line of the menu; a reason makes it grey.
type welcomeEntry struct {
	text, reason, message string
	do                    func() step
}

func (sc *welcomeScreen) entries(s *session) [welcomeEntries]welcomeEntry {
	save := welcomeEntry{text: textWelcomeSave, message: textWelcomeMsgSave, do: func() step {
		if s.inst != nil || len(s.usable()) > 0 || len(s.toUnlock()) > 0 {
			s.resume = ""
			return step{move: goNext}
		}
		return step{move: goTo, to: screenNoWindows}
	}}
	switch {
	case !s.probed(probeWindows):
		save.reason = textWelcomeWait
	case len(s.toUnlock()) > 0:
		save.message = textWelcomeUnlock
	case len(s.installations()) == 0:
		save.message = textWelcomeNoWindows // Enter explains
	case len(s.usable()) == 0:
		save.do = func() step { return step{move: goNext} } // the list says why not
	}

	goOn := welcomeEntry{text: textWelcomeGoOn, reason: textWelcomeNoGoOn, message: textWelcomeMsgGoOn}
	if st, inst, ok := s.unfinished(); ok {
		goOn.text = fmt.Sprintf(textWelcomeGoOnWith, human.End(s.show(st.Computer), 15), human.Middle(s.show(st.Path), 24))
		goOn.reason = ""
		goOn.do = func() step {
			cmds := s.choose(inst)
			s.resume, s.name = st.Path, filepath.Base(st.Path)
			s.place = s.volumeOf(st.Path)
			return step{move: goTo, to: screenReview, cmds: cmds}
		}
	}

	check := welcomeEntry{text: textWelcomeCheck, message: textWelcomeMsgCheck, do: func() step {
		s.purpose = toCheck
		return step{move: goTo, to: screenStores}
	}}
	back := welcomeEntry{text: textWelcomePutBack, message: textWelcomeMsgBack, do: func() step {
		s.purpose = toPutBack
		return step{move: goTo, to: screenStores}
	}}
	if len(s.stores) == 0 {
		check.reason, back.reason = textWelcomeNoStore, textWelcomeNoPutBack
	}
	return [welcomeEntries]welcomeEntry{
		save,
		back,
		goOn,
		check,
		{text: textWelcomeLeave, message: textWelcomeMsgLeave, do: func() step { return step{move: goOver, over: &leaveScreen{}} }},
	}
}

func (sc *welcomeScreen) enter(s *session) []command {
	s.purpose = toSave
	if st, _, ok := s.unfinished(); ok && st.Path != sc.offered {
		sc.at, sc.offered = welcomeGoOn, st.Path
	}
	return nil
}

func (sc *welcomeScreen) title(*session) string {
	return fmt.Sprintf(textStep, 1, steps, textWelcomeTitle)
}
func (sc *welcomeScreen) why() string { return textWelcomeWhy }

func (sc *welcomeScreen) message(s *session) string {
	e := sc.entries(s)[sc.at]
	if e.reason != "" {
		return e.reason
	}
	return e.message
}

func (sc *welcomeScreen) pick(s *session, i int) step {
	sc.at = i
	e := sc.entries(s)[i]
	if e.reason != "" {
		return note("%s", e.reason)
	}
	return e.do()
}

func (sc *welcomeScreen) keys(s *session) []binding {
	return append([]binding{
		bindMove(func(k key) { sc.move(k, welcomeEntries) }),
		bindDigits(welcomeEntries, textPick, func(i int) step { return sc.pick(s, i) }),
		bindEnter(textGoOn, func() step { return sc.pick(s, sc.at) }),
		bindAgain(func() step { return step{move: goTo, to: screenStart} }),
		bindLog(),
	}, bindDrivers(s)...)
}

func (sc *welcomeScreen) body(s *session, w, h int) []string {
	lines := []string{" " + textWelcomeAsk, ""}
	for i, e := range sc.entries(s) {
		text := fmt.Sprintf("%s%d  %s ", mark(i == sc.at), i+1, e.text)
		if e.reason != "" {
			text += textNotNow + " "
			if i != sc.at {
				text = s.th.dim(text)
			}
		}
		lines = append(lines, s.th.row(text, i == sc.at, 76))
	}
	lines = append(lines, "", " "+s.th.dim(rule(s.th, 76)))
	if s.probed(probeSystem) {
		lines = append(lines, fmt.Sprintf(" %s %s", pad(textWelcomeSystem, 10), human.End(s.systemName(), w-14)))
	}
	lines = append(lines, fmt.Sprintf(" %s %s", pad(textWelcomeWindows, 10), sc.windows(s, w-14)))
	for _, v := range s.volumes {
		if !v.System {
			lines = append(lines, fmt.Sprintf(" %s %s", pad(textWelcomeVolume, 10), s.volumeLine(v)))
		}
	}
	if len(lines) > h {
		lines = append(lines[:h-1], fmt.Sprintf(textMoreBelow, len(lines)-h+1))
	}
	return lines
}

// windows sums up what was found; a single one is named.
func (sc *welcomeScreen) windows(s *session, w int) string {
	if !s.probed(probeWindows) {
		return textWelcomeLooking + " " + s.spinner()
	}
	usable := s.usable()
	rest := ""
	if bad := len(s.installations()) - len(usable); bad > 0 {
		rest += fmt.Sprintf(textWelcomeDamaged, bad)
	}
	if n := s.lockedVolumes(); n > 0 {
		rest += fmt.Sprintf(textWelcomeLocked, n)
	}
	text := fmt.Sprintf(textWelcomeReady, len(usable))
	switch len(usable) {
	case 0:
		text = s.th.warn(textStartNone)
	case 1:
		text = human.End(fmt.Sprintf(textWelcomeOne, s.productLine(usable[0]), s.show(usable[0].ComputerName)), w-width(rest))
	}
	return text + s.th.warn(rest)
}

// unfinished is a store of a save that was interrupted, with its Windows.
func (s *session) unfinished() (Store, *engine.Installation, bool) {
	for _, st := range s.stores {
		if st.Complete || st.Damaged != "" || st.Protected && !st.Team {
			continue
		}
		for _, inst := range s.usable() {
			computer := cleanName(inst.ComputerName)
			if computer == "" {
				continue
			}
			// A store that is not complete says only in its name whose it is.
			if st.Computer == inst.ComputerName || st.Computer == "" && strings.HasPrefix(filepath.Base(st.Path), computer+"_") {
				st.Computer = inst.ComputerName
				return st, inst, true
			}
		}
	}
	return Store{}, nil, false
}

func (sc *welcomeScreen) outline(s *session) outline {
	o := outline{about: []string{
		fmt.Sprintf(textPlainPair, textWelcomeSystem, s.systemName()),
		fmt.Sprintf(textPlainPair, textWelcomeWindows, sc.windows(s, 1000)),
	}, at: sc.at + 1}
	for _, v := range s.volumes {
		if !v.System {
			o.about = append(o.about, fmt.Sprintf(textPlainPair, textWelcomeVolume, s.volumeWords(v)))
		}
	}
	o.about = append(o.about, textWelcomeAsk)
	for i, e := range sc.entries(s) {
		text := e.text
		if e.reason != "" {
			text += " " + textNotNow
		}
		o.items = append(o.items, item{text: text, do: func() step { return sc.pick(s, i) }})
	}
	return o
}

// volumeWords describes a volume in words.
func (s *session) volumeWords(v winpe.Volume) string {
	size := ""
	if v.Size > 0 {
		size = fmt.Sprintf(textDestAbout, human.Bytes(v.Free), human.Bytes(v.Size))
	}
	return s.words(v.Mount, v.Label, v.Disk.Model, v.Disk.Bus, v.FileSystem, size, v.Problem)
}

// words joins what is there with commas.
func (s *session) words(parts ...string) string {
	var there []string
	for _, part := range parts {
		if part != "" {
			there = append(there, s.show(part))
		}
	}
	return strings.Join(there, ", ")
}
