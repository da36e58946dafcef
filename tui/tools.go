package tui

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"lifeboat/engine/human"
	"lifeboat/winpe"
)

// outside is a program that gets the console for a while: the wizard steps
// aside, and stands where it stood when the program has ended. A job goes on
// meanwhile, but its questions wait.
type outside struct {
	make func() (*exec.Cmd, error)
}

// outsideEnded tells that the program has ended, or why it did not begin.
type outsideEnded struct{ err error }

// command is the program to run; one that cannot be made is an error.
func (o *outside) command() (*exec.Cmd, error) {
	cmd, err := o.make()
	if err != nil {
		return nil, err
	}
	return cmd, nil
}

// ended is the message for how a program ended. What it returned is its own affair.
func ended(err error) outsideEnded {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = nil
	}
	return outsideEnded{err}
}

// outsideWords are why a program could not be run.
func (s *session) outsideWords(err error) string {
	if errors.Is(err, winpe.ErrUnsupported) {
		return textDestNoUnlock
	}
	return fmt.Sprintf(textOutsideFailed, err)
}

// takeOutside is the program that is to run now, or nil.
func (r *router) takeOutside() *outside {
	o := r.outside
	r.outside = nil
	return o
}

// shell is a step to a command prompt.
func (s *session) shell() step {
	backend := s.backend
	return step{run: &outside{make: func() (*exec.Cmd, error) { return backend.Shell(), nil }}}
}

// unlockDrive is a step to the system's own question for the password of a drive.
func (s *session) unlockDrive(mount string) step {
	backend := s.backend
	return step{run: &outside{make: func() (*exec.Cmd, error) { return backend.UnlockDrive(mount) }}}
}

// toolDone is how a tool ended that needs no console.
type toolDone struct {
	of   screen
	note string
	err  error
	ok   bool
}

// driversDialog asks for the folder of drivers to load.
type driversDialog struct {
	folder *field
	busy   bool
}

func newDriversDialog() *driversDialog { return &driversDialog{folder: newField("", 200)} }

func (d *driversDialog) title(*session) string             { return textDriversTitle }
func (d *driversDialog) why() string                       { return textDriversWhy }
func (d *driversDialog) typed(_ *session, e keyEvent) bool { return !d.busy && d.folder.typed(e) }

func (d *driversDialog) message(s *session) string {
	if d.busy {
		return textDriversBusy + " " + s.spinner()
	}
	return textDriversMsg
}

func (d *driversDialog) keys(s *session) []binding {
	return []binding{bindEnter(textDriversDo, func() step { return d.take(s) }), bindBack()}
}

func (d *driversDialog) take(s *session) step {
	folder := strings.TrimSpace(d.folder.value())
	if folder == "" || d.busy {
		return note(textDriversMsg)
	}
	d.busy = true
	backend := s.backend
	return step{cmds: []command{s.do(func(ctx context.Context) any {
		got, err := backend.LoadDrivers(ctx, folder)
		done := toolDone{of: d, err: err, ok: got.Loaded > 0}
		done.note = fmt.Sprintf(textDriversLoaded, human.Plural(int64(got.Loaded), textDriver, textDrivers))
		if n := len(got.Failed); n > 0 {
			done.note += " " + fmt.Sprintf(textDriversFailed, n)
		}
		return done
	})}}
}

// see looks at the computer again when there are more drivers.
func (d *driversDialog) see(s *session, msg any) step {
	m, ok := msg.(toolDone)
	if !ok || m.of != d {
		return step{}
	}
	d.busy = false
	switch {
	case m.err != nil:
		return note("%s", joinSentences(s.show(m.err.Error())))
	case !m.ok:
		return note("%s", m.note)
	}
	return step{move: goTo, to: screenStart, note: m.note}
}

func (d *driversDialog) lines(s *session) []string {
	return append(wrap(textDriversLead, "", 58), "", "["+d.folder.view(s, true, 54)+"]")
}

func (d *driversDialog) body(s *session, w, h int) []string {
	return dialog(s, textDriversTitle, d.lines(s), nil, 0, w, h)
}

func (d *driversDialog) outline(s *session) outline {
	return outline{about: wrap(textDriversLead, "", minWidth), items: []item{fieldItem(textDestFolderIs+":", d.folder)}}
}

// bindDrivers loads drivers, on systems that do not find them by themselves.
func bindDrivers(s *session) []binding {
	if !s.hasDrivers {
		return nil
	}
	return []binding{bindLetter("d", textDrivers, textDriversHelp, func() step { return step{move: goOver, over: newDriversDialog()} })}
}

// layoutDialog sets the keyboard layout, with a field to try it.
type layoutDialog struct {
	list
	try *field
}

func newLayoutDialog(s *session) *layoutDialog {
	d := &layoutDialog{try: newField("", 40)}
	for i, l := range s.layouts {
		if l.ID == s.layout {
			d.at = i
		}
	}
	return d
}

func (d *layoutDialog) title(*session) string   { return textLayoutTitle }
func (d *layoutDialog) why() string             { return textLayoutWhy }
func (d *layoutDialog) message(*session) string { return textLayoutMsg }

// typed gives what is typed to the field for trying.
func (d *layoutDialog) typed(_ *session, e keyEvent) bool {
	return (e.text != "" || e.key == keyBackspace) && d.try.typed(e)
}

func (d *layoutDialog) keys(s *session) []binding {
	return []binding{
		bindMove(func(k key) { d.move(k, len(s.layouts)) }),
		bindEnter(textLayoutDo, func() step { return d.take(s, d.at) }),
		bindBack(),
	}
}

func (d *layoutDialog) take(s *session, at int) step {
	d.at = at
	l, backend := s.layouts[at], s.backend
	return step{cmds: []command{s.do(func(ctx context.Context) any {
		err := backend.SetLayout(ctx, l.ID)
		return toolDone{of: d, note: l.ID, err: err, ok: err == nil}
	})}}
}

func (d *layoutDialog) see(s *session, msg any) step {
	m, ok := msg.(toolDone)
	switch {
	case !ok || m.of != d:
		return step{}
	case m.err != nil:
		return note("%s", joinSentences(s.show(m.err.Error())))
	}
	s.layout = m.note
	d.try.set("")
	return note(textLayoutSet, s.layoutName())
}

// layoutSet tells what became of the keyboard layout that the file names.
type layoutSet struct {
	id  string
	err error
}

// presetLayout sets the keyboard layout that the file names, by its code or as
// this system calls it. Where no layout can be set there is nothing to do: the
// keys come from a terminal elsewhere, or the stick has set it at its start.
func (s *session) presetLayout() []command {
	if s.preset == nil || s.preset.Keyboard == "" || s.preset.keyboard || len(s.layouts) == 0 {
		return nil
	}
	s.preset.keyboard = true // the layout is the person's from now on
	id := s.preset.Keyboard
	for _, l := range s.layouts {
		if strings.EqualFold(l.Code, id) {
			id = l.ID
			break
		}
	}
	backend := s.backend
	return []command{s.do(func(ctx context.Context) any { return layoutSet{id, backend.SetLayout(ctx, id)} })}
}

// layoutName is the layout that was set here; nobody knows the one before.
func (s *session) layoutName() string {
	for _, l := range s.layouts {
		if l.ID == s.layout {
			return l.Name
		}
	}
	return ""
}

// layoutRows is how many layouts are on the screen.
const layoutRows = 8

func (d *layoutDialog) body(s *session, w, h int) []string {
	from := max(min(d.at-layoutRows/2, len(s.layouts)-layoutRows), 0)
	var menu []string
	for _, l := range clip(s.layouts[from:], layoutRows) {
		name := l.Name
		if l.ID == s.layout {
			name += "  " + textLayoutNow
		}
		menu = append(menu, name)
	}
	return dialog(s, textLayoutAsk, []string{textLayoutTry + " [" + d.try.view(s, true, 28) + "]"}, menu, d.at-from, w, h)
}

func (d *layoutDialog) outline(s *session) outline {
	var menu []string
	for _, l := range s.layouts {
		menu = append(menu, l.Name)
	}
	return menuOutline(textLayoutAsk, nil, menu, d.at, func(i int) step { return d.take(s, i) })
}

// bindLayout sets the keyboard layout, where there is one to set.
func bindLayout(s *session) []binding {
	if len(s.layouts) == 0 {
		return nil
	}
	return []binding{{
		keys: []key{keyF4, keyCtrlK}, name: "F4", does: textLayout, more: textLayoutHelp,
		do: func(key) step { return step{move: goOver, over: newLayoutDialog(s)} },
	}}
}

// Shell implements Backend.
func (l *Live) Shell() *exec.Cmd { return winpe.Shell() }

// UnlockDrive implements Backend.
func (l *Live) UnlockDrive(mount string) (*exec.Cmd, error) {
	if l.Recorded != nil {
		return nil, winpe.ErrUnsupported
	}
	return winpe.UnlockDrive(mount)
}

// LoadDrivers implements Backend.
func (l *Live) LoadDrivers(ctx context.Context, folder string) (winpe.Loaded, error) {
	if l.Recorded != nil {
		return winpe.Loaded{}, winpe.ErrUnsupported
	}
	return winpe.LoadDrivers(ctx, folder)
}

// Tools implements Backend.
func (l *Live) Tools() Tools {
	if l.Recorded != nil {
		return Tools{}
	}
	return Tools{Drivers: winpe.HasDrivers(), Layouts: winpe.Layouts()}
}

// SetLayout implements Backend.
func (l *Live) SetLayout(ctx context.Context, id string) error { return winpe.SetLayout(ctx, id) }
