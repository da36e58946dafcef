package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/human"
	"lifeboat/winpe"
)

// destinationScreen asks where the store goes. The list follows what is
// plugged in; the cursor stays with its drive.
type destinationScreen struct {
	on     string    // mount of the row under the cursor
	inside bool      // disks inside the computer are offered too
	going  string    // Enter was pressed on this place; its check is awaited
	under  string    // the row that was under the cursor last
	since  time.Time // since when it is
	folder *field    // of the folder dialog, so that what was typed is kept
	share  *shareDialog
}

// destRow is a place that is offered, with a verdict on it.
type destRow struct {
	winpe.Volume
	verdict string
}

// destNot is a place that is not offered.
type destNot struct {
	winpe.Volume
	reason string
}

// rows parts the volumes into those offered, the best first, and those not.
func (sc *destinationScreen) rows(s *session) (offered []destRow, not []destNot) {
	for _, v := range s.volumes {
		if reason := sc.refuse(s, v); reason != "" {
			not = append(not, destNot{v, reason})
			continue
		}
		offered = append(offered, destRow{v, sc.verdict(s, v)})
	}
	for _, l := range s.locked { // which this system shows no volume for
		if l.Removable && !slices.ContainsFunc(s.volumes, func(v winpe.Volume) bool { return v.Mount == l.Where || v.Device == l.Where }) {
			not = append(not, destNot{winpe.Volume{Mount: l.Where}, textDestLockedHere})
		}
	}
	if _, known := s.volume(s.place); s.place != "" && !known {
		v, _ := s.volume(s.volumeOf(s.place))
		v.Mount, v.Removable = s.place, true
		offered = append(offered, destRow{v, sc.verdict(s, v)})
	}
	rank := func(r destRow) int {
		switch {
		case r.verdict == textDestProtected:
			return 4
		case r.verdict == textDestSmall:
			return 3
		case r.Removable:
			return 0
		case r.Network:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(offered, func(a, b destRow) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Free, a.Free))
	})
	return offered, not
}

// here is the index of the row under the cursor: the first one that can hold
// the store until the cursor was moved.
func (sc *destinationScreen) here(rows []destRow) int {
	return max(slices.IndexFunc(rows, func(r destRow) bool { return r.Mount == sc.on }), 0)
}

// refuse says why a volume is not offered at all.
func (sc *destinationScreen) refuse(s *session, v winpe.Volume) string {
	switch {
	case s.inst != nil && v.Mount == s.inst.Where:
		return textDestSource
	case isLocked(v):
		return textDestLocked
	case v.Problem != "":
		return s.show(v.Problem)
	case v.System:
		return textDestSystem
	case !v.Removable && !v.Network && v.Disk.Name != "" && !sc.inside:
		return textDestInternal
	}
	return ""
}

// fit is how what was chosen goes into the room there is.
func (s *session) fit(free int64) engine.Fit { return engine.FitOf(s.need(), free) }

func (sc *destinationScreen) verdict(s *session, v winpe.Volume) string {
	switch {
	case v.ReadOnly:
		return textDestProtected
	case s.plan() == nil:
		return ""
	}
	switch s.fit(v.Free) {
	case engine.Small:
		return textDestSmall
	case engine.Tight:
		return textDestTight
	}
	return textDestFits
}

func (sc *destinationScreen) enter(s *session) []command {
	sc.going = ""
	if s.place != "" {
		sc.on = s.place
	}
	return nil
}

func (sc *destinationScreen) title(*session) string {
	return fmt.Sprintf(textStep, 6, steps, textDestTitle)
}
func (sc *destinationScreen) why() string { return textDestWhy }

func (sc *destinationScreen) message(s *session) string {
	if sc.going != "" {
		return fmt.Sprintf(textDestChecking, human.Middle(s.show(sc.going), 40)) + " " + s.spinner()
	}
	rows, _ := sc.rows(s)
	if len(rows) == 0 {
		return textDestNone
	}
	r := rows[sc.here(rows)]
	switch text := sc.trouble(s, r); {
	case text != "":
		return text
	case r.verdict == textDestTight:
		return textDestTightMsg
	}
	return textDestPlug
}

// trouble is why the store cannot go there, as far as it is known already.
func (sc *destinationScreen) trouble(s *session, r destRow) string {
	name := human.Middle(s.show(r.Mount), 18)
	switch r.verdict {
	case textDestProtected:
		return fmt.Sprintf(textDestReadOnly, name)
	case textDestSmall:
		return fmt.Sprintf(textDestTooSmall, name, human.Bytes(s.need()-r.Free))
	}
	if c, ok := s.checks[r.Mount]; ok && !c.usable() {
		return s.refusal(c)
	}
	if err := s.speeds[r.Mount].err; err != nil {
		return fmt.Sprintf(textDestFailed, name, s.show(err.Error()))
	}
	return ""
}

func (c Check) usable() bool { return c.State == Usable || c.State == Incomplete }

// refusal is a check's bad news, for the message line.
func (s *session) refusal(c Check) string { return joinSentences(s.show(c.Text), s.show(c.Remedy)) }

// joinSentences makes "Text. Remedy." of an engine's words, which are lower
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
	var unlock []binding
	if len(sc.locked(s)) > 0 {
		unlock = []binding{bindLetter("u", textWindowsUnlock, textDestUnlockHelp, func() step { return sc.unlock(s) })}
	}
	return slices.Concat([]binding{bindMove(func(k key) {
		rows, _ := sc.rows(s)
		l := list{sc.here(rows)}
		if l.move(k, len(rows)); len(rows) > 0 {
			sc.on = rows[l.at].Mount
		}
		sc.going = ""
	})}, unlock, []binding{
		bindEnter(textGoOn, func() step { return sc.take(s) }),
		bindLetter("o", textDestOther, textDestOtherHelp, func() step {
			sc.inside = !sc.inside
			if sc.inside {
				return note(textDestOtherMsg)
			}
			return note(textDestHideMsg)
		}),
		bindLetter("f", textDestFolder, textDestAnyHelp, func() step {
			if sc.folder == nil {
				sc.folder = newField("", 200)
			}
			return step{move: goOver, over: &folderDialog{sc: sc}}
		}),
		bindLetter("n", textDestShare, textDestShareHelp, func() step {
			share := sc.shareDialog()
			if p := s.preset; p != nil && len(share.fields[shareName].text) == 0 {
				share.fields[shareName].set(p.Share.Path)
				share.fields[shareUser].set(p.Share.User)
			}
			return step{move: goOver, over: share}
		}),
		bindAgain(func() step {
			clear(s.speeds)
			return step{cmds: []command{s.lookVolumes()}}
		}),
		bindBack(),
	})
}

func (sc *destinationScreen) take(s *session) step {
	rows, _ := sc.rows(s)
	if len(rows) == 0 {
		return note(textDestNone)
	}
	r := rows[sc.here(rows)]
	if c, ok := s.checks[r.Mount]; ok && !c.usable() {
		delete(s.checks, r.Mount) // Enter again looks again
		return note("%s", s.refusal(c))
	}
	if text := sc.trouble(s, r); text != "" {
		return note("%s", text)
	}
	return sc.goTo(s, r.Mount)
}

// goTo goes on with a place, at once if it was looked at, else when it was.
func (sc *destinationScreen) goTo(s *session, place string) step {
	if c, ok := s.checks[place]; ok && c.usable() {
		sc.going = ""
		sc.on, s.place = place, place
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
	if _, ok := msg.(tick); ok {
		return step{cmds: sc.linger(s)}
	}
	m, ok := msg.(destinationChecked)
	if !ok || m.path != sc.going {
		return step{}
	}
	sc.going = ""
	if !m.check.usable() {
		return note("%s", s.refusal(m.check))
	}
	return sc.goTo(s, m.path)
}

// linger tries the drive that the cursor rests on: a drive that is slow, dying
// or not what it says should show before the save.
func (sc *destinationScreen) linger(s *session) []command {
	rows, _ := sc.rows(s)
	if len(rows) == 0 {
		return nil
	}
	r := rows[sc.here(rows)]
	if r.Mount != sc.under {
		sc.under, sc.since = r.Mount, s.now
	}
	if s.now.Sub(sc.since) < testAfter || r.ReadOnly || r.Free < 4*testWrite || r.verdict == textDestSmall {
		return nil
	}
	return s.try(r.Mount)
}

func (sc *destinationScreen) body(s *session, w, h int) []string {
	needs := textDestCounting
	if n := s.need(); n > 0 {
		needs = fmt.Sprintf(textDestNeeds, human.Bytes(n))
	}
	lines := []string{sides(" "+textDestAsk, needs+" ", w-1), ""}
	rows, not := sc.rows(s)
	at := sc.here(rows)
	foot := sc.about(s, rows, at, w)
	if len(not) > 0 {
		part := []string{"", " " + s.th.dim(textDestNotHere)}
		room := max(h-len(lines)-len(foot)-len(part)-min(len(rows), 4), 1)
		for i, n := range not {
			if i == room-1 && len(not) > room {
				part = append(part, s.th.dim(fmt.Sprintf(textMoreBelow, len(not)-i)))
				break
			}
			part = append(part, s.th.dim("   "+pad(human.Middle(s.show(n.Mount), 18), 20)+
				pad(human.End(s.show(cmp.Or(n.Label, n.Disk.Model)), 18), 19)+human.End(n.reason, w-44)))
		}
		foot = append(part, foot...)
	}
	var blocks [][]string
	for i, r := range rows {
		blocks = append(blocks, []string{sc.line(s, r, i == at)})
	}
	if len(rows) == 0 {
		blocks = [][]string{{"   " + s.th.warn(textDestNone)}}
	}
	lines = append(lines, scroll(s.th, blocks, at, max(h-len(lines)-len(foot), 2))...)
	return append(lines, foot...)
}

func (sc *destinationScreen) line(s *session, r destRow, here bool) string {
	text := mark(here) + pad(human.Middle(s.show(r.Mount), 15), 16) +
		pad(human.End(s.show(cmp.Or(r.Label, textDestLabel)), 11), 12) +
		pad(human.End(s.show(r.Disk.Model), 13), 14) + pad(human.End(s.show(r.Disk.Bus), 5), 6) +
		pad(human.End(s.show(r.FileSystem), 6), 7) + padLeft(human.Bytes(r.Free), 9) + "  " + r.verdict
	switch {
	case here:
		return s.th.row(text, here, 78)
	case r.verdict == textDestFits || r.verdict == "":
		return text
	}
	return s.th.warn(text)
}

// about says more about the place under the cursor.
func (sc *destinationScreen) about(s *session, rows []destRow, at, w int) []string {
	if len(rows) == 0 {
		return nil
	}
	v := rows[at].Volume
	var parts []string
	for _, part := range []string{v.Mount, v.Label, v.Disk.Model} {
		if part != "" {
			parts = append(parts, human.Middle(s.show(part), 24))
		}
	}
	if v.Disk.Serial != "" {
		parts = append(parts, fmt.Sprintf(textDestSerial, human.Middle(s.show(v.Disk.Serial), 16)))
	}
	room := fmt.Sprintf(textDestAbout, human.Bytes(v.Free), human.Bytes(v.Size))
	if s.need() > 0 && v.Free > s.need() {
		room += fmt.Sprintf(textDestAfter, human.Bytes(v.Free-s.need()))
	}
	lines := []string{"", " " + human.End(strings.Join(parts, ", "), w-3), " " + room}
	if strings.HasPrefix(strings.ToUpper(v.FileSystem), "FAT") {
		lines = append(lines, wrap(textDestFAT, " ", w-2)...)
	}
	return append(lines, sc.tried(s, v, w)...)
}

// tried says how fast the place took the test write.
func (sc *destinationScreen) tried(s *session, v winpe.Volume, w int) []string {
	t, ok := s.speeds[v.Mount]
	switch {
	case !ok:
		return nil
	case t.err != nil:
		return painted(s.th.bad, clip(wrap(fmt.Sprintf(textDestFailed, s.show(v.Mount), s.show(t.err.Error())), " ", w-2), 2))
	case t.bytesPerSecond == 0:
		return []string{" " + textDestTrying + " " + s.spinner()}
	}
	text := fmt.Sprintf(textDestSpeed, human.Rate(t.bytesPerSecond))
	if n := s.need(); n > 0 {
		text += " " + fmt.Sprintf(textDestTime, human.Left(time.Duration(float64(n)/t.bytesPerSecond*float64(time.Second))))
	}
	if t.bytesPerSecond < slowDrive && strings.HasPrefix(strings.ToUpper(v.Disk.Bus), "USB") {
		text += " " + textDestSlow
	}
	return wrap(text, " ", w-2)
}

// slowDrive is what a drive in a USB 2 socket does at best.
const slowDrive = 40 << 20

// volumeOf is the mount of the volume that holds a path.
func (s *session) volumeOf(path string) string {
	best := ""
	for _, v := range s.volumes {
		if strings.HasPrefix(path, v.Mount) && len(v.Mount) > len(best) {
			best = v.Mount
		}
	}
	return best
}

// folderDialog asks for a folder that is not in the list.
type folderDialog struct{ sc *destinationScreen }

func (d *folderDialog) title(*session) string { return fmt.Sprintf(textStep, 6, steps, textDestTitle) }
func (d *folderDialog) why() string           { return textDestWhy }
func (d *folderDialog) message(s *session) string {
	if d.sc.going != "" {
		return d.sc.message(s)
	}
	return textDestFolderMsg
}

func (d *folderDialog) typed(_ *session, e keyEvent) bool { return d.sc.folder.typed(e) }

func (d *folderDialog) place() string { return strings.TrimSpace(d.sc.folder.value()) }

func (d *folderDialog) keys(s *session) []binding {
	return []binding{
		bindEnter(textGoOn, func() step {
			place := d.place()
			if place == "" {
				return step{move: goBack}
			}
			if _, err := winpe.ParseShare(place); err == nil {
				share := d.sc.shareDialog()
				share.fields[shareName].set(place)
				return step{move: goOver, over: share}
			}
			delete(s.checks, place) // what is typed is looked at
			d.sc.going = ""
			return d.sc.goTo(s, place)
		}),
		bindBack(),
	}
}

// shareDialog is kept, so that what was typed is.
func (sc *destinationScreen) shareDialog() *shareDialog {
	if sc.share == nil {
		sc.share = newShareDialog(sc)
	}
	return sc.share
}

// isLocked reports whether BitLocker locks a drive that could hold the store.
func isLocked(v winpe.Volume) bool {
	return v.Removable && strings.Contains(v.Problem, "BitLocker")
}

// locked are the drives that BitLocker locks and that could hold the store.
func (sc *destinationScreen) locked(s *session) []winpe.Volume {
	var locked []winpe.Volume
	for _, v := range s.volumes {
		if isLocked(v) {
			locked = append(locked, v)
		}
	}
	return locked
}

// unlock has the system ask for the password of a locked drive.
func (sc *destinationScreen) unlock(s *session) step {
	switch locked := sc.locked(s); len(locked) {
	case 1:
		return s.unlockDrive(locked[0].Mount)
	default:
		return step{move: goOver, over: &unlockDriveDialog{drives: locked}}
	}
}

// unlockDriveDialog asks which of several locked drives to open.
type unlockDriveDialog struct {
	list
	drives []winpe.Volume
}

func (d *unlockDriveDialog) title(*session) string {
	return fmt.Sprintf(textStep, 6, steps, textDestTitle)
}
func (d *unlockDriveDialog) why() string             { return textDestWhy }
func (d *unlockDriveDialog) message(*session) string { return textDestUnlockMsg }

func (d *unlockDriveDialog) keys(s *session) []binding {
	return []binding{
		bindMove(func(k key) { d.move(k, len(d.drives)) }),
		bindEnter(textWindowsUnlock, func() step { return d.take(s, d.at) }),
		bindBack(),
	}
}

func (d *unlockDriveDialog) take(s *session, at int) step {
	st := s.unlockDrive(d.drives[at].Mount)
	st.move, st.over = goOut, d
	return st
}

func (d *unlockDriveDialog) menu(s *session) (menu []string) {
	for _, v := range clip(d.drives, 8) {
		menu = append(menu, human.Middle(s.words(v.Mount, v.Label, v.Disk.Model), 54))
	}
	return menu
}

func (d *unlockDriveDialog) body(s *session, w, h int) []string {
	return dialog(s, textDestUnlockAsk, nil, d.menu(s), min(d.at, 7), w, h)
}

func (d *unlockDriveDialog) outline(s *session) outline {
	return menuOutline(textDestUnlockAsk, nil, d.menu(s), d.at, func(i int) step { return d.take(s, i) })
}

// see leaves the dialog when the screen below got its answer.
func (d *folderDialog) see(_ *session, msg any) step {
	if m, ok := msg.(destinationChecked); ok && m.path == d.place() {
		return step{move: goOut, over: d}
	}
	return step{}
}

func (d *folderDialog) body(s *session, w, h int) []string {
	text := []string{textDestAskFolder1, textDestAskFolder2, "", "[" + d.sc.folder.view(s, true, 54) + "]"}
	return dialog(s, textDestAskFolder, text, nil, 0, w, h)
}

func (sc *destinationScreen) outline(s *session) outline {
	rows, not := sc.rows(s)
	o := outline{about: []string{textDestAsk}}
	if n := s.need(); n > 0 {
		o.about[0] += " " + fmt.Sprintf(textDestNeeds, human.Bytes(n))
	}
	for _, n := range not {
		o.about = append(o.about, textDestNotHere+": "+s.words(n.Mount, n.Label, n.Disk.Model, n.reason))
	}
	if len(rows) == 0 {
		o.about = append(o.about, textDestNone)
		return o
	}
	o.at = sc.here(rows) + 1
	for _, r := range rows {
		o.items = append(o.items, item{
			text: s.words(r.Mount, r.Label, r.Disk.Model, r.Disk.Bus, r.FileSystem, fmt.Sprintf(textDestAbout, human.Bytes(r.Free), human.Bytes(r.Size)), r.verdict),
			do:   func() step { sc.on = r.Mount; return sc.take(s) },
		})
	}
	return o
}

func (d *folderDialog) outline(*session) outline {
	return outline{
		about: []string{textDestAskFolder1 + " " + textDestAskFolder2},
		items: []item{fieldItem(textDestFolderIs+":", d.sc.folder)},
	}
}
