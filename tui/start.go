package tui

import (
	"fmt"

	"lifeboat/engine/human"
)

// startScreen shows the probes as they end. It goes on by itself.
type startScreen struct{ skipped bool }

func (sc *startScreen) enter(s *session) []command {
	sc.skipped = false
	return s.look()
}

func (sc *startScreen) title(*session) string { return textStartTitle }
func (sc *startScreen) why() string           { return textStartWhy }

func (sc *startScreen) message(s *session) string {
	if sc.slow(s) {
		return textStartSkipMsg
	}
	return textStartWait
}

func (sc *startScreen) slow(s *session) bool { return s.now.Sub(s.began) >= timesAfter }

func (sc *startScreen) keys(s *session) []binding {
	if !sc.slow(s) {
		return nil
	}
	return []binding{bindLetter("s", textStartSkip, "", func() step { return step{move: goTo, to: screenWelcome} })}
}

func (sc *startScreen) see(s *session, _ any) step {
	for p := range s.probes {
		if !s.probed(p) {
			return step{}
		}
	}
	if s.now.Sub(s.began) < startAtLeast {
		return step{}
	}
	if len(s.detection.installations()) == 0 {
		return step{move: goTo, to: screenNoWindows}
	}
	return step{move: goTo, to: screenWelcome}
}

func (sc *startScreen) body(s *session, w, h int) []string {
	lines := []string{" " + textStartLead, "", ""}
	row := func(p int, name, found string) {
		state, text := s.th.good(textStartOK), found
		switch pr := s.probes[p]; {
		case pr.done.IsZero():
			state, text = s.spinner(), textStartLooking
			if d := s.now.Sub(pr.began); d >= timesAfter {
				text += "  " + human.Duration(d)
			}
		case pr.err != nil:
			state, text = s.th.bad(textStartFailed), s.show(pr.err.Error())
		}
		lines = append(lines, fmt.Sprintf("   %s %s %s", pad(state, 3), pad(name, 14), human.End(text, w-24)))
	}
	row(probeMachine, textStartMachine, s.show(s.machine.System))
	volumes := fmt.Sprintf(textStartFound, len(s.volumes))
	if n := s.lockedVolumes(); n > 0 {
		volumes += fmt.Sprintf(textStartLocked, n)
	}
	row(probeVolumes, textStartVolumes, volumes)
	for _, v := range s.volumes {
		if len(lines) < h-3 {
			lines = append(lines, "       "+s.th.dim(pad("", 15))+s.volumeLine(v, w-24))
		}
	}
	windows := textStartNone
	if found := s.detection.installations(); len(found) > 0 {
		windows = fmt.Sprintf(textStartFound, len(found)) + ": " + s.show(found[0].Product)
	}
	row(probeWindows, textStartWindows, windows)
	stores := textStartNone
	if len(s.stores) > 0 {
		stores = fmt.Sprintf(textStartFound, len(s.stores))
	}
	row(probeStores, textStartStores, stores)
	return lines
}

// volumeLine describes a volume in one line.
func (s *session) volumeLine(v Volume, w int) string {
	what := s.show(v.Label)
	if what == "" {
		what = s.show(v.Model)
	}
	size := human.Bytes(v.Size)
	if v.Locked {
		size = textDestIsLocked
	}
	return pad(human.Middle(s.show(v.Path), 16), 17) + pad(human.End(what, 20), 21) +
		pad(human.End(s.show(v.FS), 6), 7) + padLeft(fit(size, w-45), 10)
}

func (s *session) lockedVolumes() int {
	n := 0
	for _, v := range s.volumes {
		if v.Locked {
			n++
		}
	}
	return n
}

// installations is what was found; nothing before detection is done.
func (d *Detection) installations() []*Installation {
	if d == nil {
		return nil
	}
	return d.Installations
}
