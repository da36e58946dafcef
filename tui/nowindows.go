package tui

import (
	"fmt"
	"slices"

	"lifeboat/engine/human"
)

// noWindowsScreen says where was looked and what was missing.
type noWindowsScreen struct{ pager }

func (sc *noWindowsScreen) title(*session) string     { return textNoWindowsTitle }
func (sc *noWindowsScreen) why() string               { return textNoWindowsWhy }
func (sc *noWindowsScreen) message(s *session) string { return textNoWindowsMsg }

// see goes on when a Windows turned up after all.
func (sc *noWindowsScreen) see(s *session, msg any) step {
	if _, ok := msg.(windowsFound); ok && len(s.installations()) > 0 {
		return step{move: goTo, to: screenWelcome}
	}
	return step{}
}

func (sc *noWindowsScreen) keys(s *session) []binding {
	keys := []binding{
		bindScroll(func(k key) { sc.move(k, len(sc.looked(s, minWidth)), noWindowsRows) }),
		bindAgain(func() step { return step{move: goTo, to: screenStart} }),
		bindLog(),
		bindBack(),
	}
	keys = append(keys, bindDrivers(s)...)
	if len(s.locked) > 0 {
		keys = slices.Insert(keys, 1, bindLetter("u", textWindowsUnlock, "", func() step {
			clear(s.leftShut)
			return step{move: goTo, to: screenUnlock}
		}))
	}
	return keys
}

const noWindowsRows = 9

func (sc *noWindowsScreen) looked(s *session, w int) []string {
	if err := s.probes[probeWindows].err; err != nil {
		return wrap(fmt.Sprintf(textNoWindowsFailed, s.show(err.Error())), "   ", w-2)
	}
	if s.detection == nil || len(s.detection.Looked) == 0 {
		return []string{"   " + textNoWindowsNowhere}
	}
	var lines []string
	for _, l := range s.detection.Looked {
		lines = append(lines, "   "+pad(human.Middle(s.show(onDisk(l.Where, l.Folder)), 30), 32)+human.End(s.show(l.Missing), w-36))
	}
	for i := range s.volumes {
		if v := s.volumes[i]; v.Problem != "" {
			lines = append(lines, "   "+pad(human.Middle(s.show(v.Mount), 30), 32)+human.End(s.show(v.Problem), w-36))
		}
	}
	return lines
}

func (sc *noWindowsScreen) body(s *session, w, h int) []string {
	lines := []string{" " + s.th.warn(textNoWindowsLead), ""}
	shown := sc.view(sc.looked(s, w), noWindowsRows)
	lines = append(lines, shown...)
	return append(lines, "", " "+textNoWindowsDo, "   "+textNoWindowsDo1, "   "+textNoWindowsDo2, "   "+textNoWindowsDo3)
}

func (sc *noWindowsScreen) outline(s *session) outline {
	return outline{about: sc.body(s, minWidth, 1000)}
}
