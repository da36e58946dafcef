package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lifeboat/engine"
	"lifeboat/engine/human"
	"lifeboat/engine/winname"
)

// usersScreen asks whose files to save.
type usersScreen struct {
	list
	sort int // 0 as found, then by name, size, last use
}

// userRow is one line: a user, or everybody.
type userRow struct {
	engine.User
	bytes int64
}

func (sc *usersScreen) rows(s *session) []userRow {
	if s.inst == nil {
		return nil
	}
	sizes := map[string]int64{}
	if p := s.plan(); p != nil {
		for _, u := range p.Units {
			sizes[u.User] += u.Bytes
		}
	}
	var rows []userRow
	for _, u := range s.inst.Users {
		rows = append(rows, userRow{u, sizes[u.ID]})
	}
	switch sc.sort {
	case 1:
		slices.SortStableFunc(rows, func(a, b userRow) int {
			return strings.Compare(winname.Fold(a.Name), winname.Fold(b.Name))
		})
	case 2:
		slices.SortStableFunc(rows, func(a, b userRow) int { return cmp.Compare(b.bytes, a.bytes) })
	case 3:
		slices.SortStableFunc(rows, func(a, b userRow) int { return b.LastUse.Compare(a.LastUse) })
	}
	if _, ok := s.users[engine.SystemUser]; ok {
		rows = append(rows, userRow{engine.User{ID: engine.SystemUser}, sizes[engine.SystemUser]})
	}
	return rows
}

func (sc *usersScreen) enter(s *session) []command { return s.measure() }

func (sc *usersScreen) title(*session) string { return fmt.Sprintf(textStep, 4, steps, textUsersTitle) }
func (sc *usersScreen) why() string           { return textUsersWhy }

func (sc *usersScreen) message(s *session) string {
	rows := sc.rows(s)
	if len(rows) == 0 {
		return ""
	}
	sc.clamp(len(rows))
	u := rows[sc.at].User
	reason := sc.reason(s, u.ID)
	name := human.End(s.userName(u), 24)
	if s.users[u.ID] {
		return fmt.Sprintf(textUsersIn, name, s.show(reason))
	}
	return fmt.Sprintf(textUsersOut, name, s.show(reason))
}

func (sc *usersScreen) keys(s *session) []binding {
	set := func(on bool) func() step {
		return func() step {
			for sid := range s.users {
				s.users[sid] = on
			}
			return sc.changed(s)
		}
	}
	return []binding{
		bindMove(func(k key) { sc.move(k, len(sc.rows(s))) }),
		bindSpace(textChoose, func() step { return sc.toggle(s) }),
		bindLetter("a", textUsersAll, "", set(true)),
		bindLetter("n", textUsersNone, "", set(false)),
		bindLetter("s", textUsersSort, "", func() step {
			sc.sort = (sc.sort + 1) % 4
			if sc.sort == 0 {
				return step{}
			}
			return note(textUsersSorted, [...]string{textUsersByName, textUsersBySize, textUsersByUse}[sc.sort-1])
		}),
		bindEnter(textGoOn, func() step {
			if n, _ := s.chosenUsers(); n == 0 {
				return note(textUsersNobody)
			}
			return step{move: goNext}
		}),
		bindBack(),
	}
}

// size is what would be saved of a user; while that is being counted, what is
// in the whole profile, if it is known.
func (sc *usersScreen) size(s *session, u userRow) string {
	if s.plan() != nil {
		return human.Bytes(u.bytes)
	}
	if bytes, ok := s.measured[u.ID]; ok {
		return human.Bytes(bytes)
	}
	return ""
}

// reason is why somebody is chosen or not.
func (sc *usersScreen) reason(s *session, id string) string {
	c := s.choices[id]
	if s.users[id] != c.In || c.Why == "" {
		return textUsersByHand
	}
	return c.Why
}

func (sc *usersScreen) toggle(s *session) step {
	rows := sc.rows(s)
	sc.clamp(len(rows))
	if len(rows) > 0 {
		id := rows[sc.at].ID
		s.users[id] = !s.users[id]
	}
	return sc.changed(s)
}

// changed forgets what depended on the choice.
func (sc *usersScreen) changed(s *session) step {
	clear(s.checks)
	return step{}
}

func (sc *usersScreen) body(s *session, w, h int) []string {
	const nameW, accountW, dateW, sizeW = 22, 24, 10, 10
	lines := []string{
		sides(" "+textUsersAsk, fmt.Sprintf(textUsersFrom, s.productLine(s.inst))+" ", w-1), "",
		s.th.dim("       " + pad(textUsersName, nameW) + pad(textUsersAccount, accountW) + " " + pad(textUsersLast, dateW) + padLeft(textUsersSize, sizeW)),
	}
	rows := sc.rows(s)
	sc.clamp(len(rows))
	var blocks [][]string
	orphans := false
	for i, u := range rows {
		size := sc.size(s, u)
		if size == "" {
			size = s.spinner()
		}
		account, date := "", ""
		if u.ID != engine.SystemUser {
			account = sc.account(s, u.User)
			date = human.Date(u.LastUse)
			if u.LastUse.IsZero() {
				date = "-"
			}
		}
		orphans = orphans || u.Name == "" && u.ID != engine.SystemUser
		line := mark(i == sc.at) + check(s.users[u.ID], false) + " " +
			pad(human.End(s.userName(u.User), nameW-1), nameW) +
			pad(human.Middle(account, accountW-1), accountW) + " " + pad(date, dateW) + padLeft(size, sizeW)
		blocks = append(blocks, []string{s.th.row(line, i == sc.at, 76)})
	}
	foot := []string{"", "   " + sc.sum(s)}
	if c := s.counting; c != nil && c.err != nil {
		what, _ := words(c.err)
		foot = append(foot, "")
		foot = append(foot, painted(s.th.bad, wrap(fmt.Sprintf(textUsersFailed, s.show(what)), " ", w-2))...)
	} else if len(s.measured) > 0 && s.plan() == nil {
		foot = append(foot, "")
		foot = append(foot, wrap(textUsersWhole, " ", w-2)...)
	} else if orphans {
		foot = append(foot, "")
		foot = append(foot, wrap(textUsersOrphan, " ", w-2)...)
	}
	lines = append(lines, scroll(s.th, blocks, sc.at, h-len(lines)-len(foot))...)
	return append(lines, foot...)
}

// account is what Windows calls the user, or the SID when nothing else is left.
func (sc *usersScreen) account(s *session, u engine.User) string {
	switch {
	case u.Name == "":
		return s.show(u.ID)
	case u.Domain == "" && u.Profile != "":
		return s.show(u.Profile)
	}
	return s.show(engine.Account(&u))
}

func (sc *usersScreen) sum(s *session) string {
	n, of := s.chosenUsers()
	if t, ok := s.totals(); ok {
		return fmt.Sprintf(textUsersChosen, n, of, human.Bytes(t.Bytes))
	}
	if s.counting == nil || s.counting.err != nil {
		return fmt.Sprintf(textUsersChosen, n, of, textUnknown)
	}
	return fmt.Sprintf(textUsersSoFar, n, of, filesText(s.counting.snap.FilesDone), human.Bytes(s.counting.snap.BytesDone)) + " " + s.spinner()
}

func filesText(n int64) string { return human.Plural(n, textWhatFile, textWhatFiles) }

func (sc *usersScreen) outline(s *session) outline {
	o := outline{about: []string{textUsersAsk, sc.sum(s)}}
	for i, u := range sc.rows(s) {
		account, date := "", ""
		if u.ID != engine.SystemUser {
			account = sc.account(s, u.User)
		}
		if !u.LastUse.IsZero() {
			date = fmt.Sprintf(textWindowsLast, human.Date(u.LastUse))
		}
		o.items = append(o.items, item{
			text: check(s.users[u.ID], false) + " " + s.words(s.userName(u.User), account, date, sc.size(s, u), sc.reason(s, u.ID)),
			do:   func() step { sc.at = i; return sc.toggle(s) },
		})
	}
	return o
}
