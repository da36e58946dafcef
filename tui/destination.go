package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lifeboat/engine/human"
)

// destinationScreen asks where the store goes. The list follows what is
// plugged in.
type destinationScreen struct {
	list
	inside bool   // disks inside the computer are offered too
	going  string // Enter was pressed on this place; its check is awaited
	folder *field // of the folder dialog, so that what was typed is kept
}

// destRow is a place that is offered.
type destRow struct {
	Volume
	verdict string // fits, SMALL, ...
}

// destNo is a place that is not offered.
type destNo struct {
	Volume
	reason string
}

// sort parts the volumes into those offered, removable ones first, and those not.
func (sc *destinationScreen) sort(s *session) (offered []destRow, not []destNo) {
	for _, v := range s.volumes {
		switch reason := sc.refuse(s, v); reason {
		case "":
			offered = append(offered, destRow{v, sc.verdict(s, v)})
		default:
			not = append(not, destNo{v, reason})
		}
	}
	if s.place != "" {
		if _, known := s.volume(s.place); !known { // a folder typed by hand
			if c, ok := s.checks[s.place]; ok && c.Free > 0 {
				v := Volume{Path: s.place, Network: true, Free: c.Free, Size: c.Free}
				offered = append(offered, destRow{v, sc.verdict(s, v)})
			}
		}
	}
	rank := func(r destRow) int {
		switch {
		case r.verdict == textDestLocked || r.verdict == textDestProtected:
			return 3
		case r.Removable:
			return 0
		case r.Network:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(offered, func(a, b destRow) int { return cmp.Compare(rank(a), rank(b)) })
	return offered, not
}

// refuse says why a volume is not offered at all.
func (sc *destinationScreen) refuse(s *session, v Volume) string {
	switch {
	case s.inst != nil && v.Path == s.inst.Where:
		return textDestSource
	case v.Memory:
		return textDestMemory
	case !v.Removable && !v.Network && v.Locked:
		return textDestIsLocked
	case !v.Removable && !v.Network && !sc.inside:
		return textDestInternal
	}
	return ""
}

func (sc *destinationScreen) verdict(s *session, v Volume) string {
	need := s.need()
	switch {
	case v.Locked:
		return textDestLocked
	case v.ReadOnly:
		return textDestProtected
	case need == 0:
		return ""
	case v.Free < need:
		return textDestSmall
	}
	return textDestFits
}

func (sc *destinationScreen) enter(s *session) []command {
	sc.going = ""
	rows, _ := sc.sort(s)
	for i, r := range rows {
		if r.Path == s.place {
			sc.at = i
			return nil
		}
	}
	for i, r := range rows { // the first that can hold it
		if r.verdict == textDestFits || r.verdict == "" {
			sc.at = i
			break
		}
	}
	return nil
}

func (sc *destinationScreen) title(*session) string {
	return fmt.Sprintf(textStep, 5, steps, textDestTitle)
}
func (sc *destinationScreen) why() string { return textDestWhy }

func (sc *destinationScreen) message(s *session) string {
	if sc.going != "" {
		return fmt.Sprintf(textDestChecking, human.Middle(s.show(sc.going), 40)) + " " + s.spinner()
	}
	rows, _ := sc.sort(s)
	if len(rows) == 0 {
		return textDestNone
	}
	sc.clamp(len(rows))
	if text := sc.trouble(s, rows[sc.at]); text != "" {
		return text
	}
	return textDestPlug
}

// trouble is why the store cannot go there, as far as it is known already.
func (sc *destinationScreen) trouble(s *session, r destRow) string {
	name := human.Middle(s.show(r.Path), 24)
	switch r.verdict {
	case textDestLocked:
		return fmt.Sprintf(textDestLockedNo, name)
	case textDestProtected:
		return fmt.Sprintf(textDestReadOnly, name)
	case textDestSmall:
		return fmt.Sprintf(textDestTooSmall, name, human.Bytes(s.need()-r.Free))
	}
	if c, ok := s.checks[r.Path]; ok && c.State != Usable && c.State != Incomplete {
		return joinSentences(s.show(c.Text), s.show(c.Remedy))
	}
	return ""
}

// joinSentences makes "text. Remedy." of an engine's words, which are lower
// case and without a full stop.
func joinSentences(texts ...string) string {
	var parts []string
	for _, t := range texts {
		if t = strings.TrimRight(t, ". "); t != "" {
			parts = append(parts, strings.ToUpper(t[:1])+t[1:]+".")
		}
	}
	return strings.Join(parts, " ")
}

func (sc *destinationScreen) keys(s *session) []binding {
	return []binding{
		bindMove(func(k key) {
			rows, _ := sc.sort(s)
			sc.move(k, len(rows))
			sc.going = ""
		}),
		bindEnter(textGoOn, func() step { return sc.take(s) }),
		bindLetter("o", textDestOther, "", func() step {
			sc.inside = !sc.inside
			if sc.inside {
				return note(textDestOtherMsg)
			}
			return note(textDestHideMsg)
		}),
		bindLetter("b", textDestFolder, "", func() step {
			if sc.folder == nil {
				sc.folder = newField("", 200)
			}
			return step{move: goOver, over: &folderDialog{sc: sc}}
		}),
		bindAgain(func() step { return step{cmds: []command{s.lookVolumes()}} }),
		bindBack(),
	}
}

func (sc *destinationScreen) take(s *session) step {
	rows, _ := sc.sort(s)
	if len(rows) == 0 {
		return note(textDestNone)
	}
	sc.clamp(len(rows))
	r := rows[sc.at]
	if c, ok := s.checks[r.Path]; ok && c.State != Usable && c.State != Incomplete {
		delete(s.checks, r.Path) // Enter again looks again
		return note("%s", joinSentences(s.show(c.Text), s.show(c.Remedy)))
	}
	if text := sc.trouble(s, r); text != "" {
		return note("%s", text)
	}
	return sc.goTo(s, r.Path)
}

// goTo goes on with a place, at once if it was looked at, else when it was.
func (sc *destinationScreen) goTo(s *session, place string) step {
	if c, ok := s.checks[place]; ok && (c.State == Usable || c.State == Incomplete) {
		sc.going = ""
		s.place = place
		st := step{move: goNext}
		if c.State == Incomplete {
			st.note = textDestResume
		}
		return st
	}
	if sc.going == place {
		return step{}
	}
	sc.going = place
	if s.resume != "" && s.volumeOf(s.resume) != place {
		s.resume = ""
	}
	return step{cmds: []command{s.checkPlace(place)}}
}

func (sc *destinationScreen) see(s *session, msg any) step {
	m, ok := msg.(destinationChecked)
	if !ok || m.path != sc.going {
		return step{}
	}
	place := sc.going
	sc.going = ""
	if m.check.State != Usable && m.check.State != Incomplete {
		return note("%s", joinSentences(s.show(m.check.Text), s.show(m.check.Remedy)))
	}
	return sc.goTo(s, place)
}

func (sc *destinationScreen) body(s *session, w, h int) []string {
	needs := textDestCounting
	if n := s.need(); n > 0 {
		needs = fmt.Sprintf(textDestNeeds, human.Bytes(n))
	}
	lines := []string{sides(" "+textDestAsk, needs+" ", w-1), ""}
	rows, not := sc.sort(s)
	sc.clamp(len(rows))
	foot := sc.about(s, rows, w)
	if len(not) > 0 {
		part := []string{"", " " + s.th.dim(textDestNotHere)}
		for i, n := range not {
			if i == 4 && len(not) > 5 {
				part = append(part, fmt.Sprintf(textMoreBelow, len(not)-i))
				break
			}
			part = append(part, s.th.dim("   "+pad(human.Middle(s.show(n.Path), 20), 22)+
				pad(human.End(s.show(cmp.Or(n.Label, n.Model)), 18), 19)+human.End(n.reason, w-46)))
		}
		foot = append(part, foot...)
	}
	var blocks [][]string
	for i, r := range rows {
		blocks = append(blocks, []string{sc.line(s, r, i == sc.at)})
	}
	if len(rows) == 0 {
		blocks = [][]string{{"   " + s.th.warn(textDestNone)}}
	}
	lines = append(lines, scroll(s.th, blocks, sc.at, max(h-len(lines)-len(foot), 2))...)
	return append(lines, foot...)
}

func (sc *destinationScreen) line(s *session, r destRow, here bool) string {
	text := mark(here) + pad(human.Middle(s.show(r.Path), 15), 16) +
		pad(human.End(s.show(cmp.Or(r.Label, textDestLabel)), 11), 12) +
		pad(human.End(s.show(r.Model), 13), 14) + pad(fit(s.show(r.Bus), 5), 6) + pad(fit(s.show(r.FS), 6), 7)
	if !r.Locked {
		text += padLeft(human.Bytes(r.Free), 9)
	} else {
		text += padLeft("", 9)
	}
	text += "  " + r.verdict
	if !here && r.verdict != textDestFits && r.verdict != "" {
		return s.th.warn(text)
	}
	return s.th.row(text, here, 78)
}

// about says more about the place under the cursor.
func (sc *destinationScreen) about(s *session, rows []destRow, w int) []string {
	if len(rows) == 0 {
		return nil
	}
	v := rows[sc.at].Volume
	if v.Locked {
		return nil
	}
	lines := []string{""}
	name := human.Middle(s.show(v.Path), 20)
	disk := human.End(s.show(cmp.Or(v.Model, v.Label, v.FS)), 24)
	serial := human.End(s.show(cmp.Or(v.Serial, "-")), 14)
	text := fmt.Sprintf(textDestAboutNo, name, disk, serial, human.Bytes(v.Free), human.Bytes(v.Size))
	if t, ok := s.totals(); ok && v.Free > s.need() {
		text = fmt.Sprintf(textDestAbout, name, disk, serial, human.Bytes(v.Free), human.Bytes(v.Size), human.Bytes(v.Free-t.Bytes))
	}
	lines = append(lines, wrap(text, " ", w-2)...)
	if strings.EqualFold(v.FS, "vfat") || strings.EqualFold(v.FS, "fat32") {
		lines = append(lines, wrap(textDestFAT, " ", w-2)...)
	}
	if v.Note != "" {
		lines = append(lines, wrap(s.th.warn("! "+s.show(v.Note)), " ", w-2)...)
	}
	return lines
}

// volumeOf is the volume that holds a path: the one with the longest mount path.
func (s *session) volumeOf(path string) string {
	best := ""
	for _, v := range s.volumes {
		if strings.HasPrefix(path, v.Path) && len(v.Path) > len(best) {
			best = v.Path
		}
	}
	return best
}

// folderDialog asks for a folder that is not in the list.
type folderDialog struct{ sc *destinationScreen }

func (d *folderDialog) title(*session) string   { return fmt.Sprintf(textStep, 5, steps, textDestTitle) }
func (d *folderDialog) why() string             { return textDestWhy }
func (d *folderDialog) message(*session) string { return "" }

func (d *folderDialog) typed(_ *session, e keyEvent) bool { return d.sc.folder.typed(e) }

func (d *folderDialog) keys(s *session) []binding {
	return []binding{
		bindEnter(textGoOn, func() step {
			place := strings.TrimSpace(d.sc.folder.value())
			if place == "" {
				return step{move: goBack}
			}
			st := d.sc.goTo(s, place)
			if st.move == goNext {
				st.move = goBack // out of the dialog; Enter on the row goes on
			}
			return st
		}),
		bindBack(),
	}
}

// see leaves the dialog when the screen below got its answer.
func (d *folderDialog) see(s *session, msg any) step {
	if m, ok := msg.(destinationChecked); ok && m.path == strings.TrimSpace(d.sc.folder.value()) {
		return step{move: goOut, over: d}
	}
	return step{}
}

func (d *folderDialog) body(s *session, w, h int) []string {
	text := []string{textDestAskFolder1, textDestAskFolder2, "", "[" + d.sc.folder.view(s, true, 54) + "]"}
	return dialog(s, textDestAskFolder, text, nil, 0, w, h)
}
