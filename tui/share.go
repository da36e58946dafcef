package tui

import (
	"context"
	"errors"
	"strings"

	"lifeboat/winpe"
)

// shareDialog asks for a network share, and for the name and password it wants.
type shareDialog struct {
	sc      *destinationScreen
	at      int
	fields  [3]*field
	trying  bool
	trouble error
}

// The fields.
const (
	shareName = iota
	shareUser
	sharePass
)

var shareLabels = [3]string{textShareName, textShareUser, textSharePass}

// shareConnected tells how it went.
type shareConnected struct {
	of     *shareDialog
	folder string
	err    error
}

func newShareDialog(sc *destinationScreen) *shareDialog {
	d := &shareDialog{sc: sc, fields: [3]*field{newField("", 200), newField("", 100), newField("", 128)}}
	d.fields[sharePass].hidden = true
	return d
}

func (d *shareDialog) title(s *session) string { return d.sc.title(s) }
func (d *shareDialog) why() string             { return textShareWhy }

func (d *shareDialog) message(s *session) string {
	switch {
	case d.trying:
		return textShareTrying + " " + s.spinner()
	case d.sc.going != "":
		return d.sc.message(s)
	}
	return textShareMsg
}

func (d *shareDialog) typed(_ *session, e keyEvent) bool { return d.fields[d.at].typed(e) }
func (d *shareDialog) forget()                           { d.fields[sharePass].wipe() }

func (d *shareDialog) keys(s *session) []binding {
	does := textOptShow
	if !d.fields[sharePass].hidden {
		does = textOptHide
	}
	return append(bindLayout(s), []binding{
		{
			keys: []key{keyTab, keyBackTab, keyDown, keyUp}, name: textOptTab, does: textOptNext, more: textOptNextHelp,
			do: func(k key) step {
				by := 1
				if k == keyUp || k == keyBackTab {
					by = len(d.fields) - 1
				}
				d.at = (d.at + by) % len(d.fields)
				return step{}
			},
		},
		{
			keys: []key{keyF2, keyCtrlT}, name: "F2", does: does, more: textOptShowHelp,
			do: func(key) step {
				d.fields[sharePass].hidden = !d.fields[sharePass].hidden
				return step{}
			},
		},
		bindEnter(textShareDo, func() step { return d.take(s) }),
		bindEsc(textBack, func() step {
			d.fields[sharePass].wipe()
			d.trying = false
			return step{move: goBack}
		}),
	}...)
}

func (d *shareDialog) take(s *session) step {
	if d.trying || d.sc.going != "" {
		return step{}
	}
	share, err := winpe.ParseShare(d.fields[shareName].value())
	if err != nil {
		d.at, d.trouble = shareName, err
		return step{}
	}
	d.trying, d.trouble = true, nil
	user, pass := strings.TrimSpace(d.fields[shareUser].value()), d.fields[sharePass].bytes()
	backend := s.backend
	return step{cmds: []command{s.do(func(ctx context.Context) any {
		defer clear(pass)
		folder, err := backend.ConnectShare(ctx, share, user, pass)
		return shareConnected{d, folder, err}
	})}}
}

// see goes on with the share once it is connected and was looked at.
func (d *shareDialog) see(s *session, msg any) step {
	switch m := msg.(type) {
	case shareConnected:
		if m.of != d || !d.trying {
			return step{}
		}
		d.trying, d.trouble = false, m.err
		if m.err != nil {
			if errors.Is(m.err, winpe.ErrBadLogin) {
				d.at = sharePass
			}
			return step{}
		}
		d.fields[sharePass].wipe()
		s.shares = append(s.shares, m.folder)
		delete(s.checks, m.folder)
		d.sc.going = ""
		st := d.sc.goTo(s, m.folder)
		if st.move != goNext {
			st.cmds = append(st.cmds, s.lookVolumes()) // it is a volume like others now
		}
		return st
	case destinationChecked:
		if len(s.shares) > 0 && m.path == s.shares[len(s.shares)-1] {
			return step{move: goOut, over: d}
		}
	}
	return step{}
}

// words are what is wrong, and what helps.
func (d *shareDialog) words(s *session) []string {
	if d.trouble == nil {
		return nil
	}
	remedy := textShareOther
	for _, known := range []struct {
		err  error
		text string
	}{
		{winpe.ErrNotShare, textShareNotShare}, {winpe.ErrNoNetwork, textShareNoNetwork}, {winpe.ErrNoServer, textShareNoServer},
		{winpe.ErrNoShare, textShareNoShare}, {winpe.ErrBadLogin, textShareBadLogin}, {winpe.ErrLoginState, textShareLoginState},
		{winpe.ErrNoRight, textShareNoRight}, {winpe.ErrConnected, textShareConnected}, {winpe.ErrUnsupported, textShareUnsupported},
	} {
		if errors.Is(d.trouble, known.err) {
			return wrap(known.text, "", 58)
		}
	}
	return wrap(joinSentences(s.show(d.trouble.Error()))+" "+remedy, "", 58)
}

func (d *shareDialog) body(s *session, w, h int) []string {
	text := append(wrap(textShareLead, "", 58), "")
	for i, f := range d.fields {
		label := "  "
		if i == d.at {
			label = "> "
		}
		label += pad(shareLabels[i], 11)
		if i == d.at {
			label = s.th.strong(label)
		}
		text = append(text, label+"["+f.view(s, i == d.at, 40)+"]")
	}
	if trouble := d.words(s); trouble != nil {
		text = append(append(text, ""), painted(s.th.warn, clip(trouble, 4))...)
	}
	return dialog(s, textShareTitle, text, nil, 0, w, h)
}

func (d *shareDialog) outline(s *session) outline {
	o := outline{about: append(wrap(textShareLead, "", minWidth), d.words(s)...)}
	for i, f := range d.fields {
		text := shareLabels[i] + ": "
		if !f.hidden {
			text += s.show(f.value())
		}
		o.items = append(o.items, fieldItem(text, f))
	}
	return o
}
