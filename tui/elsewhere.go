package tui

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"lifeboat/engine/human"
	"lifeboat/engine/job"
	"lifeboat/winpe"
)

// elsewhereDialog asks for the drive that the save goes on with. It lies on the
// question that it answers.
type elsewhereDialog struct {
	list
	of    *questionDialog
	going string // the store whose place is being looked at
}

// elsewhereChecked is what was found out about it.
type elsewhereChecked struct {
	of    *elsewhereDialog
	mount string
	path  string
	check Check
}

func (d *elsewhereDialog) modal() bool             { return true }
func (d *elsewhereDialog) title(s *session) string { return (&savingScreen{}).title(s) }
func (d *elsewhereDialog) why() string             { return textAskWhy }

func (d *elsewhereDialog) message(s *session) string {
	rows := d.rows(s)
	d.clamp(len(rows))
	switch {
	case d.going != "":
		return fmt.Sprintf(textDestChecking, human.Middle(s.show(d.going), 40)) + " " + s.spinner()
	case len(rows) == 0:
		return textDestNone
	}
	if text := (&destinationScreen{}).trouble(s, rows[d.at]); text != "" {
		return text
	}
	return textElseMsg
}

// rows are the drives there are besides the one the store is on.
func (d *elsewhereDialog) rows(s *session) (rows []destRow) {
	all, _ := (&destinationScreen{}).rows(s)
	for _, r := range all {
		if r.Mount != s.volumeOf(d.of.run.path) && r.Mount != s.place {
			rows = append(rows, r)
		}
	}
	return rows
}

func (d *elsewhereDialog) keys(s *session) []binding {
	return []binding{
		bindMove(func(k key) { d.move(k, len(d.rows(s))) }),
		bindEnter(textElseDo, func() step { return d.take(s, d.at) }),
		bindBack(),
	}
}

func (d *elsewhereDialog) take(s *session, at int) step {
	rows := d.rows(s)
	switch {
	case len(rows) == 0:
		return note(textDestNone)
	case at >= len(rows), d.going != "":
		return step{}
	}
	d.at = at
	r := rows[at]
	if r.verdict == textDestProtected || r.verdict == textDestSmall {
		return note("%s", (&destinationScreen{}).trouble(s, r))
	}
	path := filepath.Join(r.Mount, filepath.Base(d.of.run.path))
	d.going = path
	inst, need := s.inst, s.need()
	return step{cmds: []command{s.do(func(ctx context.Context) any {
		return elsewhereChecked{d, r.Mount, path, s.backend.CheckDestination(ctx, path, inst, need)}
	})}}
}

func (d *elsewhereDialog) see(s *session, msg any) step {
	if d.of.done {
		return step{move: goOut, over: d}
	}
	if m, ok := msg.(elsewhereChecked); ok && m.of == d {
		d.going = ""
		return note("%s", s.refusal(m.check))
	}
	return step{}
}

// text says what happens to what is saved so far.
func (d *elsewhereDialog) text(s *session) []string {
	words := textElseCopied
	if d.of.question.Topic == job.MediumGoneQ {
		words = textElseAnew
	}
	return wrap(fmt.Sprintf(words, human.Bytes(s.need())), "", 58)
}

func (d *elsewhereDialog) words(s *session, r destRow) string {
	return fmt.Sprintf(textElseRow, human.Middle(s.show(r.Mount), 15), human.End(s.show(cmp.Or(r.Label, r.Disk.Model, textDestLabel)), 12), human.Bytes(r.Free), r.verdict)
}

func (d *elsewhereDialog) body(s *session, w, h int) []string {
	rows := d.rows(s)
	d.clamp(len(rows))
	var menu []string
	for _, r := range clip(rows, 8) {
		menu = append(menu, d.words(s, r))
	}
	if len(rows) == 0 {
		menu = []string{textDestNone}
	}
	return dialog(s, textElseAsk, d.text(s), menu, min(d.at, 7), w, h)
}

func (d *elsewhereDialog) outline(s *session) outline {
	rows := d.rows(s)
	if len(rows) == 0 {
		return outline{about: append(d.text(s), textDestNone)}
	}
	var menu []string
	for _, r := range rows {
		menu = append(menu, d.words(s, r))
	}
	return menuOutline(textElseAsk, d.text(s), menu, d.at, func(i int) step { return d.take(s, i) })
}

// same reports whether two volumes are the same, whatever they are called now.
func same(a, b winpe.Volume) bool {
	return a.Disk.Serial != "" && a.Disk.Serial == b.Disk.Serial && a.Label == b.Label && a.FileSystem == b.FileSystem && a.Partition == b.Partition
}

// returned is where the store of a run is now, if its drive came back under
// another name.
func (r *run) returned(s *session) (mount, path string, ok bool) {
	below, inside := strings.CutPrefix(r.path, r.on.Mount)
	if !inside {
		return "", "", false
	}
	for _, v := range s.volumes {
		if v.Mount != r.on.Mount && v.Problem == "" && same(v, r.on) && !r.tried[v.Mount] {
			return v.Mount, filepath.Join(v.Mount, below), true
		}
	}
	return "", "", false
}
