package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lifeboat/engine"
	"lifeboat/engine/human"
	"lifeboat/winpe"
)

// startScreen shows the probes as they end. It goes on by itself.
type startScreen struct{}

func (*startScreen) enter(s *session) []command { return s.look() }

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
	return []binding{bindLetter("s", textStartSkip, "", func() step { return step{move: goTo, to: screenWelcome} }), bindLog()}
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
	if len(s.installations()) == 0 && len(s.toUnlock()) == 0 {
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
	row(probeSystem, textStartMachine, s.systemName())
	volumes := fmt.Sprintf(textStartFound, len(s.volumes))
	if n := s.lockedVolumes(); n > 0 {
		volumes += fmt.Sprintf(textStartLocked, n)
	}
	row(probeVolumes, textStartVolumes, volumes)
	for _, v := range s.volumes {
		if !v.System && len(lines) < h-3 {
			lines = append(lines, "        "+s.volumeLine(v))
		}
	}
	windows := textStartNone
	if found := s.installations(); len(found) > 0 {
		windows = fmt.Sprintf(textStartFound, len(found)) + ": " + s.show(found[0].Product.Name)
	}
	row(probeWindows, textStartWindows, windows)
	stores := textStartNone
	if len(s.stores) > 0 {
		stores = fmt.Sprintf(textStartFound, len(s.stores))
	}
	row(probeStores, textStartStores, stores)
	return lines
}

// systemName is the system Lifeboat runs on.
func (s *session) systemName() string {
	name := cmp.Or(s.system.Name, s.system.OS)
	if s.system.WinPE {
		name = "Windows PE, " + name
	}
	return s.show(name + ", " + s.system.Arch)
}

// volumeLine describes a volume in one line of 66 cells at most.
func (s *session) volumeLine(v winpe.Volume) string {
	size := human.Bytes(v.Size)
	if v.Problem != "" {
		size = s.show(v.Problem)
	}
	return pad(human.Middle(s.show(v.Mount), 16), 17) + pad(human.End(s.show(cmp.Or(v.Label, v.Disk.Model)), 16), 17) +
		pad(human.End(s.show(v.Disk.Bus), 5), 6) + pad(human.End(s.show(v.FileSystem), 6), 7) + human.End(size, 19)
}

// lockedVolumes counts those that may hold a Windows nobody can see.
func (s *session) lockedVolumes() int {
	n := len(s.locked)
	for _, v := range s.volumes {
		if slices.ContainsFunc(s.locked, func(l engine.Locked) bool { return l.Where == v.Mount || l.Where == v.Device }) {
			continue
		}
		if strings.Contains(v.Problem, "BitLocker") {
			n++
		}
	}
	return n
}

// installations is what was found; nothing before detection is done.
func (s *session) installations() []*engine.Installation {
	if s.detection == nil {
		return nil
	}
	return s.detection.Installations
}

func (sc *startScreen) outline(*session) outline { return outline{about: []string{textStartWait}} }
