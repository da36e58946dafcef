package tui

import (
	"context"
	"fmt"
	"path"
	"strings"

	"lifeboat/engine"
	"lifeboat/engine/human"
	"lifeboat/engine/job"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
)

// browsing is a look into a store.
type browsing struct {
	store   Store
	ref     engine.StoreRef
	folder  string // inside the store, File/C$/Users
	entries []engine.Item
	loading bool
	err     error
}

// folderListed is a folder of a store.
type folderListed struct {
	path    string
	folder  string
	entries []engine.Item
	err     error
}

// list reads a folder of the store that is looked into.
func (s *session) list(folder string) []command {
	b := &s.browse
	b.loading = true
	ref, backend := b.ref, s.backend
	return []command{s.do(func(ctx context.Context) any {
		entries, err := backend.Browse(ctx, ref, folder)
		return folderListed{ref.Path, folder, entries, err}
	})}
}

// browseScreen shows what is in a store, and takes out single files.
type browseScreen struct {
	list
	from string // the folder that was come out of, inside the store, to put the cursor on it
}

func (sc *browseScreen) enter(s *session) []command {
	sc.at, sc.from = 0, ""
	return s.list(engine.Top)
}

func (sc *browseScreen) title(*session) string { return textBrowseTitle }
func (sc *browseScreen) why() string           { return textBrowseWhy }

func (sc *browseScreen) message(s *session) string {
	b := s.browse
	switch {
	case b.loading:
		return textBrowseWait + " " + s.spinner()
	case b.err != nil:
		return textBrowseMsgFail
	case len(b.entries) == 0:
		return textBrowseEmpty
	}
	return textBrowseMsg
}

func (sc *browseScreen) see(s *session, msg any) step {
	m, ok := msg.(folderListed)
	b := &s.browse
	if !ok || m.path != b.ref.Path {
		return step{}
	}
	b.loading, b.err = false, m.err
	if m.err != nil {
		what, remedy := words(m.err)
		return note("%s", joinSentences(what, remedy))
	}
	b.folder, b.entries = m.folder, m.entries
	sc.at = 0
	for i, e := range b.entries {
		if e.Path == sc.from {
			sc.at = i
		}
	}
	sc.from = ""
	switch {
	case len(b.entries) == 0:
		return note(textBrowseEmpty)
	case b.folder == engine.Top:
		return note(textBrowseMsg)
	}
	return note(textBrowseIn)
}

// shown is the folder as Windows wrote it.
func (sc *browseScreen) shown(s *session) string {
	if p, ok := store.WindowsPath(s.browse.folder); ok {
		return s.show(p)
	}
	return textBrowseTop
}

func (sc *browseScreen) open(s *session, at int) step {
	b := s.browse
	if b.loading || at >= len(b.entries) {
		return step{}
	}
	sc.at = at
	if !b.entries[at].Dir {
		return note(textBrowseFile)
	}
	return step{cmds: s.list(b.entries[at].Path)}
}

func (sc *browseScreen) up(s *session) step {
	b := s.browse
	if b.loading || b.folder == engine.Top || b.folder == "" {
		return step{}
	}
	sc.from = b.folder
	return step{cmds: s.list(path.Dir(b.folder))}
}

func (sc *browseScreen) keys(s *session) []binding {
	return []binding{
		bindMove(func(k key) { sc.move(k, len(s.browse.entries)) }),
		bindEnter(textBrowseOpen, func() step { return sc.open(s, sc.at) }),
		{
			keys: []key{keyLeft, keyBackspace, "u"}, name: "U", does: textBrowseUp, more: textBrowseUpHelp,
			do: func(key) step { return sc.up(s) },
		},
		bindLetter("t", textBrowseTake, textBrowseTakeHelp, func() step {
			if b := s.browse; b.loading || sc.at >= len(b.entries) {
				return step{}
			}
			return step{move: goOver, over: newTakeOutDialog(s, sc)}
		}),
		bindBack(),
	}
}

func (sc *browseScreen) body(s *session, w, h int) []string {
	b := s.browse
	lines := []string{" " + s.th.strong(human.Middle(sc.shown(s), w-3)), ""}
	if b.err != nil {
		what, remedy := words(b.err)
		lines = append(lines, painted(s.th.bad, wrap(joinSentences(s.show(what)), "   ", w-2))...)
		return append(lines, wrap(joinSentences(s.show(remedy)), "   ", w-2)...)
	}
	sc.clamp(len(b.entries))
	// A folder may hold a hundred thousand files: only those near the cursor are drawn.
	from := max(min(sc.at-h, len(b.entries)-2*h), 0)
	to := min(from+3*h, len(b.entries))
	var blocks [][]string
	for i, e := range b.entries[from:to] {
		name := s.show(e.Name)
		if e.Dir {
			name += `\`
		}
		row := mark(from+i == sc.at) + pad(human.Middle(name, 42), 43) + padLeft(human.Bytes(e.Size), 11) + "  " + human.End(sc.detail(e), 17)
		blocks = append(blocks, []string{s.th.row(row, from+i == sc.at, 76)})
	}
	return append(lines, scroll(s.th, blocks, sc.at-from, h-len(lines))...)
}

// detail is what else there is to say of an entry.
func (sc *browseScreen) detail(e engine.Item) string {
	switch {
	case e.Dir:
		return filesText(e.Files)
	case e.State == engine.ItemPartial:
		return textBrowsePartial
	case e.State == engine.ItemEncrypted:
		return textBrowseEncrypted
	case e.Modified.IsZero():
		return ""
	}
	return human.Time(e.Modified)
}

func (sc *browseScreen) outline(s *session) outline {
	o := outline{about: []string{sc.shown(s)}}
	if s.browse.loading && len(s.browse.entries) == 0 {
		o.about = append(o.about, textBrowseWait)
	}
	for i, e := range s.browse.entries {
		name := e.Name
		if e.Dir {
			name += `\`
		}
		o.items = append(o.items, item{text: s.words(name, human.Bytes(e.Size), sc.detail(e)), do: func() step { return sc.open(s, i) }})
	}
	o.at = sc.at + 1
	return o
}

// takeOutDialog asks where what is under the cursor should be written.
type takeOutDialog struct {
	entry engine.Item
	to    *field
}

func newTakeOutDialog(s *session, sc *browseScreen) *takeOutDialog {
	b := s.browse
	e := b.entries[sc.at]
	d := &takeOutDialog{entry: e, to: newField("", 200)}
	if place := s.volumeOf(b.ref.Path); place != "" {
		d.to.set(strings.TrimRight(place, `/\`) + b.sep() + "FROM_" + cleanName(b.store.Computer))
	}
	return d
}

// sep is the separator of this system, as the store's path shows it.
func (b browsing) sep() string {
	if strings.Contains(b.ref.Path, `\`) {
		return `\`
	}
	return "/"
}

func (d *takeOutDialog) title(*session) string             { return textBrowseTitle }
func (d *takeOutDialog) why() string                       { return textBrowseWhy }
func (d *takeOutDialog) message(*session) string           { return textTakeMsg }
func (d *takeOutDialog) typed(_ *session, e keyEvent) bool { return d.to.typed(e) }

func (d *takeOutDialog) keys(s *session) []binding {
	return []binding{
		bindEnter(textBrowseTake, func() step {
			dest := strings.TrimSpace(d.to.value())
			if dest == "" {
				return step{move: goBack}
			}
			return step{move: goTo, to: screenSaving, cmds: s.takeOut(d.entry, dest)}
		}),
		bindBack(),
	}
}

func (d *takeOutDialog) text(s *session) []string {
	return []string{
		human.Middle(s.show(d.entry.Name), 58), human.Bytes(d.entry.Size), "", textTakeAsk,
	}
}

func (d *takeOutDialog) body(s *session, w, h int) []string {
	return dialog(s, textTakeTitle, append(d.text(s), "["+d.to.view(s, true, 54)+"]"), nil, 0, w, h)
}

func (d *takeOutDialog) outline(s *session) outline {
	return outline{about: d.text(s), items: []item{fieldItem(textDestFolderIs+":", d.to)}}
}

// takeOut starts writing a part of the store into a folder.
func (s *session) takeOut(it engine.Item, dest string) []command {
	ref, backend := s.browse.ref, s.backend
	r := &run{kind: takingOut, path: dest}
	s.keepLog(r, "lifeboat browse", usmt.Join(thisSystem(), []string{"lifeboat", "browse", ref.Path, "--take", storedPath(it.Path), "--to", dest}), nil)
	return s.begin(r, func(ctx context.Context, ctl *job.Control) runEnded {
		out, err := backend.TakeOut(ctx, ref, it, dest, ctl)
		return runEnded{taken: &out, err: err}
	})
}

// takenLines is the result of taking out.
func (sc *resultScreen) takenLines(s *session, w int) []string {
	r := s.run
	headline := s.th.good(textTakeDone)
	switch {
	case r.stopping:
		headline = s.th.warn(textCheckedStop)
	case r.err != nil:
		headline = s.th.bad(textTakeFailed)
	}
	lines := []string{" " + headline, "", resultRow(textDestFolderIs, human.Middle(s.show(r.path), w-18))}
	if r.err != nil && !r.stopping {
		what, remedy := words(r.err)
		lines = append(lines, named(s, textResultLWhy, what, w)...)
		lines = append(lines, named(s, textResultLDo, remedy, w)...)
	}
	if t := r.taken; t != nil {
		lines = append(lines, resultRow(textPutWritten, fmt.Sprintf(textPutCount, filesText(t.Files), human.Bytes(t.Bytes))))
		for _, f := range clip(t.Failed, 6) {
			text := ""
			if f.Err != nil {
				text = s.show(f.Err.Error())
			}
			lines = append(lines, "     "+pad(human.Middle(s.show(f.Path), 34), 36)+human.End(text, w-44))
		}
	}
	return lines
}
