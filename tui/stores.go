package tui

import (
	"fmt"

	"lifeboat/engine"
	"lifeboat/engine/human"
)

// storesScreen asks which store to check.
type storesScreen struct {
	list
	pass  *field
	entry *teamEntry // of a store locked with a team key
	onIt  bool       // its passphrase has the keyboard
}

func newStoresScreen() *storesScreen {
	sc := &storesScreen{pass: newField("", 128), entry: newTeamEntry()}
	sc.pass.hidden = true
	return sc
}

func (sc *storesScreen) enter(s *session) []command { return sc.entry.look(s) }

// see hears whether a team key fits.
func (sc *storesScreen) see(s *session, msg any) step {
	was := sc.entry.locked()
	st := sc.entry.see(s, msg)
	if sc.entry.locked() && !was {
		sc.onIt = true
	}
	return st
}

func (sc *storesScreen) title(s *session) string {
	if s.purpose == toPutBack {
		return fmt.Sprintf(textStep, 1, putSteps, textStoresPutTitle)
	}
	return textStoresTitle
}
func (sc *storesScreen) why() string { return textStoresWhy }

// chosen is the store under the cursor.
func (sc *storesScreen) chosen(s *session) (Store, bool) {
	sc.clamp(len(s.stores))
	if len(s.stores) == 0 {
		return Store{}, false
	}
	return s.stores[sc.at], true
}

func (sc *storesScreen) message(s *session) string {
	st, ok := sc.chosen(s)
	switch {
	case !ok:
		return textStoresNone
	case st.Damaged != "":
		return fmt.Sprintf(textStoresDamaged, s.show(st.Damaged))
	case sc.entry.trying != "":
		return textTeamTrying + " " + s.spinner()
	case st.Team:
		return textStoresNeedTeam
	case st.Protected:
		return textStoresNeedPass
	}
	if s.purpose == toPutBack {
		return textStoresPutMsg
	}
	return textStoresMsg
}

// typed gives letters to the passphrase where one is needed; the cursor keys
// stay with the list.
func (sc *storesScreen) typed(s *session, e keyEvent) bool {
	st, ok := sc.chosen(s)
	if !ok || !st.Protected || e.text == "" && e.key != keyBackspace {
		return false
	}
	return sc.field(st).typed(e)
}

// field is what is typed into for a store that is protected.
func (sc *storesScreen) field(st Store) *field {
	switch {
	case st.Team && sc.onIt && sc.entry.locked():
		return sc.entry.pass
	case st.Team:
		return sc.entry.file
	}
	return sc.pass
}

func (sc *storesScreen) keys(s *session) []binding {
	does := textStoresCheck
	if s.purpose == toPutBack {
		does = textGoOn
	}
	var hop []binding
	if st, ok := sc.chosen(s); ok && st.Team && sc.entry.locked() {
		hop = []binding{{
			keys: []key{keyTab, keyBackTab}, name: textOptTab, does: textOptNext,
			do: func(key) step { sc.onIt = !sc.onIt; return step{} },
		}}
	}
	return append(hop, []binding{
		bindMove(func(k key) { sc.move(k, len(s.stores)); sc.pass.set("") }),
		bindEnter(does, func() step { return sc.take(s) }),
		{
			keys: []key{keyF3, keyCtrlF}, name: "F3", does: textBrowseDo, more: textBrowseDoHelp,
			do: func(key) step { return sc.look(s) },
		},
		bindAgain(func() step { return step{cmds: []command{s.lookStores()}} }),
		bindBack(),
	}...)
}

func (sc *storesScreen) take(s *session) step {
	st, ok := sc.chosen(s)
	switch {
	case !ok || st.Damaged != "":
		return note("%s", sc.message(s))
	case s.purpose == toPutBack && !st.Complete:
		return note(textStoresPartMsg)
	}
	return sc.unlock(s, st, func(password string) step {
		if s.purpose == toPutBack {
			return sc.putBack(s, st, password)
		}
		sc.pass.set("")
		return step{move: goTo, to: screenSaving, cmds: s.check(st, password)}
	})
}

// unlock goes on with the password of a store, as soon as it is known.
func (sc *storesScreen) unlock(s *session, st Store, then func(password string) step) step {
	switch {
	case st.Team:
		return sc.entry.open(s, st.Path, then)
	case !st.Protected:
		return then("")
	case len(sc.pass.text) == 0:
		return note(textStoresNeedPass)
	}
	return then(sc.pass.value())
}

// look shows what is in the store under the cursor.
func (sc *storesScreen) look(s *session) step {
	st, ok := sc.chosen(s)
	switch {
	case !ok || st.Damaged != "":
		return note("%s", sc.message(s))
	case !st.Complete:
		return note(textStoresPartMsg)
	}
	return sc.unlock(s, st, func(password string) step {
		s.browse = browsing{store: st, ref: engine.StoreRef{Path: st.Path, Password: password}}
		return step{move: goAside, to: screenBrowse}
	})
}

// putBack goes on to the Windows the store is for.
func (sc *storesScreen) putBack(s *session, st Store, password string) step {
	usable := s.usable()
	var cmds []command
	switch {
	case len(usable) == 0:
		return note(textStoresNoTarget)
	case s.put.store != st || s.put.password != password || s.run != nil:
		s.put.store, s.put.password, s.put.trial = st, password, nil
		cmds = s.countStore()
	}
	if len(usable) == 1 {
		cmds = append(cmds, s.putInto(usable[0])...)
	}
	return step{move: goNext, cmds: cmds}
}

// ask is the question.
func (sc *storesScreen) ask(s *session) string {
	if s.purpose == toPutBack {
		return textStoresPutAsk
	}
	return textStoresAsk
}

func (sc *storesScreen) body(s *session, w, h int) []string {
	lines := []string{" " + sc.ask(s), ""}
	if len(s.stores) == 0 {
		return append(lines, "   "+s.th.warn(textStoresNone))
	}
	sc.clamp(len(s.stores))
	var blocks [][]string
	for i, st := range s.stores {
		here := i == sc.at
		block := []string{s.th.row(mark(here)+human.Middle(s.show(st.Path), 70), here, 76)}
		if st.Computer != "" {
			from := fmt.Sprintf(textStoresFrom, human.End(s.show(st.Computer), 16), human.Time(st.Saved))
			if st.Product != "" {
				from += ", " + s.show(st.Product)
			}
			block = append(block, "     "+human.End(from, w-8))
		}
		if st.Damaged != "" {
			block = append(block, "     "+s.th.bad(human.End(fmt.Sprintf(textStoresDamaged, s.show(st.Damaged)), w-8)))
		} else {
			state, secret := s.th.good(textStoresComplete), textStoresPlain
			if !st.Complete {
				state = s.th.warn(textStoresPartly)
			}
			if st.Protected {
				secret = textStoresSecret
			}
			if st.Team {
				secret = textStoresTeam
			}
			block = append(block, "     "+human.Bytes(st.Bytes)+", "+secret+", "+state)
		}
		blocks = append(blocks, append(block, ""))
	}
	var foot []string
	switch st, ok := sc.chosen(s); {
	case ok && st.Team:
		at := 0
		if sc.onIt {
			at = 1
		}
		foot = append([]string{""}, sc.entry.lines(s, at)...)
	case ok && st.Protected:
		foot = []string{"", "   " + pad(textStoresPass, 13) + "[" + sc.pass.view(s, true, 40) + "]"}
	}
	lines = append(lines, scroll(s.th, blocks, sc.at, h-len(lines)-len(foot))...)
	return append(lines, foot...)
}

func (sc *storesScreen) forget() {
	sc.pass.wipe()
	sc.entry.forget()
}

func (sc *storesScreen) outline(s *session) outline {
	o := outline{about: []string{sc.ask(s)}, at: sc.at + 1}
	if len(s.stores) == 0 {
		return outline{about: []string{textStoresNone}}
	}
	for i, st := range s.stores {
		o.items = append(o.items, item{text: s.storeWords(st), do: func() step {
			sc.at = i
			return sc.take(s)
		}})
	}
	switch st, ok := sc.chosen(s); {
	case ok && st.Team:
		o.items = append(o.items, sc.entry.items(s)...)
	case ok && st.Protected:
		o.items = append(o.items, fieldItem(textStoresPass+": "+fmt.Sprintf(textOptChars, len(sc.pass.text)), sc.pass))
	}
	return o
}

// storeWords describes a store in words.
func (s *session) storeWords(st Store) string {
	state, secret, from, bad := textStoresComplete, textStoresPlain, "", ""
	if !st.Complete {
		state = textStoresPartly
	}
	if st.Protected {
		secret = textStoresSecret
	}
	if st.Team {
		secret = textStoresTeam
	}
	if st.Computer != "" {
		from = fmt.Sprintf(textStoresFrom, st.Computer, human.Time(st.Saved))
	}
	if st.Damaged != "" {
		state, secret, bad = "", "", fmt.Sprintf(textStoresDamaged, st.Damaged)
	}
	return s.words(st.Path, from, secret, state, bad)
}
