package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/human"
	"lifeboat/winpe"
)

// steps is the number of questions of a save, the welcome screen included.
const steps = 8

// windowsScreen asks which installation to save from, or to put a store into.
type windowsScreen struct {
	list
	target bool // to put a store into
}

// windowsRow is an installation, or a closed volume that may hold one.
type windowsRow struct {
	inst   *engine.Installation
	closed *winpe.Volume // a volume nobody can look into
}

func (sc *windowsScreen) rows(s *session) []windowsRow {
	var rows []windowsRow
	for _, inst := range s.usable() {
		rows = append(rows, windowsRow{inst: inst})
	}
	for _, inst := range s.installations() {
		if len(inst.Damage) > 0 {
			rows = append(rows, windowsRow{inst: inst})
		}
	}
	for i := range s.volumes {
		if s.volumes[i].Problem != "" {
			rows = append(rows, windowsRow{closed: &s.volumes[i]})
		}
	}
	return rows
}

// skip passes the screen over when there is nothing to choose.
func (sc *windowsScreen) skip(s *session) (pass, show bool) {
	if sc.target {
		return len(s.usable()) == 1, true
	}
	return len(s.usable()) == 1 && s.inst != nil, true
}

func (sc *windowsScreen) enter(s *session) []command {
	for i, r := range sc.rows(s) {
		if r.inst != nil && (r.inst == s.inst && !sc.target || r.inst == s.put.inst && sc.target) {
			sc.at = i
		}
	}
	return nil
}

func (sc *windowsScreen) title(*session) string {
	if sc.target {
		return fmt.Sprintf(textStep, 2, putSteps, textWindowsTitle)
	}
	return fmt.Sprintf(textStep, 3, steps, textWindowsTitle)
}
func (sc *windowsScreen) why() string { return textWindowsWhy }

func (sc *windowsScreen) message(s *session) string {
	rows := sc.rows(s)
	sc.clamp(len(rows))
	if len(rows) == 0 {
		return textNoWindowsMsg
	}
	switch r := rows[sc.at]; {
	case r.closed != nil:
		return fmt.Sprintf(textWindowsNotOpen, human.Middle(s.show(r.closed.Mount), 16), human.End(s.show(r.closed.Problem), 20))
	case len(r.inst.Damage) > 0:
		return fmt.Sprintf(textWindowsNot, human.End(s.show(damage(r.inst)), 42))
	}
	if sc.target {
		return textTargetMsg
	}
	return textWindowsMsg
}

func (sc *windowsScreen) keys(s *session) []binding {
	keys := []binding{
		bindMove(func(k key) { sc.move(k, len(sc.rows(s))) }),
		bindEnter(textGoOn, func() step { return sc.take(s) }),
		bindAgain(func() step { return step{move: goTo, to: screenStart} }),
		bindBack(),
	}
	if len(s.locked) > 0 {
		keys = slices.Insert(keys, 2, bindLetter("u", textWindowsUnlock, "", func() step { return step{move: goAside, to: screenUnlock} }))
	}
	return keys
}

func (sc *windowsScreen) take(s *session) step {
	rows := sc.rows(s)
	if len(rows) == 0 {
		return step{}
	}
	r := rows[sc.at]
	if r.inst == nil || len(r.inst.Damage) > 0 {
		return note("%s", sc.message(s))
	}
	if sc.target {
		return step{move: goNext, cmds: s.putInto(r.inst)}
	}
	return step{move: goNext, cmds: s.choose(r.inst)}
}

func (sc *windowsScreen) body(s *session, w, h int) []string {
	lines := []string{" " + sc.ask(), ""}
	rows := sc.rows(s)
	sc.clamp(len(rows))
	var blocks [][]string
	for i, r := range rows {
		blocks = append(blocks, append(sc.block(s, r, i == sc.at, w), ""))
	}
	return append(lines, scroll(s.th, blocks, sc.at, h-len(lines))...)
}

func (sc *windowsScreen) ask() string {
	if sc.target {
		return textTargetAsk
	}
	return textWindowsAsk
}

func (sc *windowsScreen) block(s *session, r windowsRow, here bool, w int) []string {
	const indent = "      "
	if r.closed != nil {
		v := *r.closed
		about := "?  " + pad(human.Middle(s.show(v.Mount), 26), 28)
		if v.Size > 0 {
			about += human.Bytes(v.Size)
		}
		return []string{
			s.th.row(mark(here)+about, here, w),
			indent + s.th.warn(human.End(s.show(v.Problem), w-8)),
		}
	}
	i := r.inst
	first := mark(here) + pad(human.End(s.productLine(i), 30), 31) + pad(human.End(s.show(i.ComputerName), 18), 19)
	if last := lastUse(i); !last.IsZero() {
		first += fmt.Sprintf(textWindowsLast, human.Date(last))
	}
	block := []string{s.th.row(first, here, w)}
	if len(i.Damage) > 0 {
		for _, line := range wrap(fmt.Sprintf(textWindowsCannot, s.show(damage(i))), indent, w-2) {
			block = append(block, s.th.bad(line))
		}
		return append(block, indent+human.Middle(s.where(i), w-8))
	}
	users := human.Plural(int64(len(i.Users)), textWindowsUser, textWindowsUsers)
	block = append(block, indent+human.Middle(fmt.Sprintf(textWindowsDetail, s.where(i), users), w-8))
	for _, n := range i.Notes {
		for _, line := range wrap("! "+s.show(n), indent, w-2) {
			block = append(block, s.th.warn(line))
		}
	}
	return block
}

// productLine names an installation: Windows 11 Pro 23H2 amd64.
func (s *session) productLine(i *engine.Installation) string {
	text := s.show(i.Product.Name)
	if text == "" {
		text = "Windows"
	}
	for _, part := range []string{i.Product.Display, string(i.Arch)} {
		if part != "" {
			text += " " + s.show(part)
		}
	}
	return text
}

// where is the folder of an installation as this system sees it.
func (s *session) where(i *engine.Installation) string {
	return s.show(onDisk(i.Where, i.WindowsDir))
}

// damage is why an installation cannot be used.
func damage(i *engine.Installation) string { return strings.Join(i.Damage, "; ") }

// lastUse is when somebody last worked with an installation.
func lastUse(i *engine.Installation) time.Time {
	last := i.LastShutdown
	for _, u := range i.Users {
		if u.LastUse.After(last) {
			last = u.LastUse
		}
	}
	return last
}

func (sc *windowsScreen) outline(s *session) outline {
	o := outline{about: []string{sc.ask()}, at: sc.at + 1}
	for i, r := range sc.rows(s) {
		it := item{do: func() step { sc.at = i; return sc.take(s) }}
		if r.closed != nil {
			it.text = s.volumeWords(*r.closed)
		} else {
			last, bad := "", ""
			if t := lastUse(r.inst); !t.IsZero() {
				last = fmt.Sprintf(textWindowsLast, human.Date(t))
			}
			if len(r.inst.Damage) > 0 {
				bad = fmt.Sprintf(textWindowsCannot, damage(r.inst))
			}
			it.text = s.words(s.productLine(r.inst), r.inst.ComputerName, s.where(r.inst), last, bad, strings.Join(r.inst.Notes, "; "))
		}
		o.items = append(o.items, it)
	}
	return o
}
