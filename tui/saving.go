package tui

import (
	"fmt"
	"slices"
	"strings"

	"lifeboat/engine/human"
	"lifeboat/engine/job"
	"lifeboat/engine/winname"
)

// savingScreen follows a run: a save, or the check of a store.
type savingScreen struct{}

func (sc *savingScreen) title(s *session) string {
	if s.run == nil {
		return ""
	}
	switch s.run.kind {
	case checking:
		return textCheckTitle
	case puttingBack:
		return textPutTitle
	case takingBack:
		return textUndoTitle
	case takingOut:
		return textTakeTitle
	}
	v, _ := s.volume(s.place)
	to := human.Middle(s.show(s.place), 24)
	if v.Label != "" {
		to += " " + human.End(s.show(v.Label), 16)
	}
	return fmt.Sprintf(textSaveTitle, to)
}

func (sc *savingScreen) why() string { return textSaveWhy }

// see shows questions as they come and the result at the end.
func (sc *savingScreen) see(s *session, msg any) step {
	switch m := msg.(type) {
	case asked:
		if m.run == s.run && !m.passed() {
			return step{move: goOver, over: &questionDialog{asked: m, since: s.now}}
		}
	case runEnded:
		if e, ok := s.afterwards(m.run); ok && m.run == s.run {
			s.ending = e
			return step{move: goLeave}
		}
		if m.run == s.run {
			return step{move: goTo, to: screenResult}
		}
	}
	return step{}
}

// message answers what everybody asks: what is lost if I pull it now.
func (sc *savingScreen) message(s *session) string {
	r := s.run
	if r == nil {
		return ""
	}
	safe := human.Bytes(r.snap.SafeBytes)
	switch {
	case r.stopping:
		return textSaveStopping + " " + s.spinner()
	case !r.paused.IsZero():
		return fmt.Sprintf(textSavePausedAt, r.paused.Format("15:04"), safe)
	case r.gone:
		return joinSentences(s.show(r.said), fmt.Sprintf(textAskSafe, safe))
	case r.kind == checking:
		return textSaveReadBack
	case r.kind == puttingBack:
		return textPutRunning
	case r.kind == takingBack:
		return textUndoRunning
	case r.kind == takingOut:
		return textTakeRunning
	case r.phase == job.Verifying:
		return textSaveChecking
	case r.phase == job.Collecting:
		return textSaveCopying
	case r.phase == job.Finishing:
		return textSaveFinishing
	case sc.stalled(s):
		return fmt.Sprintf(textSaveStall, human.Duration(s.now.Sub(r.lastByte())), safe)
	case r.snap.SafeBytes == 0:
		return textSaveSafeNone
	}
	return fmt.Sprintf(textSaveSafe, safe)
}

// stalled is true when the source gave nothing for a while.
func (sc *savingScreen) stalled(s *session) bool {
	r := s.run
	return (r.phase == job.Saving || r.phase == job.Verifying) && r.paused.IsZero() &&
		!r.snap.LastByte.IsZero() && s.now.Sub(r.lastByte()) >= stallShown
}

func (sc *savingScreen) keys(s *session) []binding {
	r := s.run
	switch {
	case r == nil:
		return nil
	case r.kind == takingBack: // nothing to stop: half taken back is nowhere
		return nil
	}
	does := textSaveP
	if !r.paused.IsZero() {
		does = textSaveResume
	}
	keys := []binding{
		bindLetter("p", does, textSavePauseH, func() step {
			if r.paused.IsZero() {
				r.pause(s.now)
			} else {
				r.resume()
			}
			return step{}
		}),
		bindLetter("e", textSaveE, "", func() step { return step{move: goOver, over: &problemsOverlay{}} }),
		bindLog(),
	}
	if r.kind == saving && r.phase == job.Saving {
		keys = slices.Insert(keys, 1,
			bindLetter("s", textSavePutOff, textSavePutOffH, func() step {
				r.ctl.Gate.PutOff("")
				return note(textSavePutOffMsg)
			}),
			bindLetter("b", textSaveFolder, textSaveFolderH, func() step { return putOffFolder(s) }))
	}
	return append(keys, []binding{
		{
			keys: []key{keyF9, keyCtrlP}, name: "F9", does: textPrompt, more: textPromptHelp,
			do: func(key) step { return s.shell() },
		},
		bindLetter("c", textSaveC, textSaveCancelH, func() step { return step{move: goOver, over: newCancelDialog(s)} }),
	}...)
}

// putOffFolder puts off the folder of the file that is being read, with all in it.
func putOffFolder(s *session) step {
	r := s.run
	folder, name := winname.Split(r.snap.Current)
	if name == "" || strings.Count(folder, `\`) == 0 {
		return note(textSaveFolderNo)
	}
	r.ctl.Gate.PutOff(folder)
	s.log(false, textLogPutOff, folder)
	return note(textSaveFolderMsg, human.Middle(s.show(userPath(folder)), 40))
}

func (sc *savingScreen) body(s *session, w, h int) []string {
	r := s.run
	if r == nil {
		return nil
	}
	th := s.th
	who := human.Middle(s.show(r.path), 36)
	if r.kind == saving && s.inst != nil {
		n, _ := s.chosenUsers()
		who = fmt.Sprintf(textSaveWho, human.End(s.show(s.inst.ComputerName), 20), human.Plural(int64(n), textWhatUser, textWhatUsers))
	}
	running := fmt.Sprintf(textSaveRunning, r.began.Format("15:04"), human.Duration(s.now.Sub(r.began)))
	_, total := r.done()
	lines := []string{
		sides(" "+who, running+" ", w-1), "",
		"   " + pad(textSaveAll, 6) + th.bar(r.overall, total, w-20) + padLeft(fmt.Sprintf("%d %%", human.Percent(r.overall, total)), 7), "",
	}
	lines = append(lines, sc.phases(s, w)...)
	lines = append(lines, "")

	snap := r.snap
	amount := fmt.Sprintf(textSaveOf, human.Bytes(snap.BytesDone), human.Bytes(snap.BytesTotal))
	files := fmt.Sprintf(textSaveOf, human.Count(snap.FilesDone), filesText(snap.FilesTotal))
	label := textSaveSaved
	if r.kind == checking || r.phase == job.Verifying {
		label = textSaveCheck
	}
	if r.kind == puttingBack || r.kind == takingOut {
		label = textPutWritten
	}
	if r.phase == job.Collecting {
		label = textSaveCopied
	}
	left := sc.left(s)
	lines = append(lines,
		"   "+pad(label, 10)+pad(amount, 28)+pad(textSaveRead, 8)+padLeft(human.Rate(r.speed.Now()), 13)+"  "+textSaveRateNow,
		"   "+pad("", 10)+pad(files, 36)+padLeft(human.Rate(r.speed.Rate()), 13)+"  "+textSaveRate2,
		"   "+pad(textSaveLeft, 10)+left,
		"   "+pad(textSaveFile, 10)+human.Middle(s.show(userPath(snap.Current)), w-15),
		"",
	)
	problems := textSaveNone
	if n := snap.Problems; n > 0 {
		problems = th.warn(fmt.Sprintf(textSaveSome, human.Plural(n, textSaveProblem, textSaveProblemsN)))
	}
	lines = append(lines, "   "+pad(textSaveProblems, 10)+problems+sc.trouble(s))
	for i := len(r.problems) - 1; i >= 0 && len(lines) < h; i-- {
		lines = append(lines, "     "+problemLine(s, r.problems[i], w-6))
	}
	return lines
}

// trouble is what the disk itself shows, and what waits for its turn because of it.
func (sc *savingScreen) trouble(s *session) (text string) {
	snap := s.run.snap
	if snap.BadAreas > 0 {
		text += ", " + s.th.warn(fmt.Sprintf(textSaveBad, human.Plural(snap.BadAreas, textSaveArea, textSaveAreas), human.Bytes(snap.BadBytes)))
	}
	if snap.PutOff > 0 {
		text += ", " + fmt.Sprintf(textSaveLater, human.Count(snap.PutOff))
	}
	return text
}

// left is the time left, as far as it can honestly be said.
func (sc *savingScreen) left(s *session) string {
	r := s.run
	_, total := r.done()
	left, ok := r.whole.Left(total)
	switch {
	case !r.paused.IsZero():
		return textSavePaused
	case sc.stalled(s):
		return s.th.warn(textSaveStuck)
	case !ok:
		return textSaveLeftNo
	}
	return human.Left(left)
}

// phases draws one line for each phase of the run.
func (sc *savingScreen) phases(s *session, w int) []string {
	r := s.run
	type phaseRow struct {
		phase job.Phase
		name  string
	}
	var rows []phaseRow
	for _, row := range []phaseRow{{job.Scanning, textSaveLook}, {job.Collecting, textSaveCopy}} {
		if _, begun := r.phases[row.phase]; begun { // else there is no need: it was counted before
			rows = append(rows, row)
		}
	}
	rows = append(rows, phaseRow{job.Saving, textSaveSave}, phaseRow{job.Finishing, textSaveFinish})
	if r.twice {
		rows = append(rows, phaseRow{job.Verifying, textSaveCheck})
	}
	switch r.kind {
	case checking:
		rows = []phaseRow{{job.Verifying, textSaveCheck}}
	case puttingBack, takingBack, takingOut:
		rows = []phaseRow{{job.Applying, textSaveApply}}
	}
	var lines []string
	for _, row := range rows {
		t, begun := r.phases[row.phase]
		state, name, rest := s.th.dim(textSaveNext), row.name, ""
		switch {
		case begun && !t.ended.IsZero():
			state = s.th.good(textSaveDone)
			rest = sides("", human.Duration(t.ended.Sub(t.began))+" ", w-24)
		case begun:
			state, name = s.th.strong(textSaveNow), s.th.strong(row.name)
			snap := r.snap
			if snap.Phase == row.phase && (snap.BytesTotal > 0 || snap.FilesTotal > 0) {
				done, total := snap.BytesDone, snap.BytesTotal
				if total == 0 {
					done, total = snap.FilesDone, snap.FilesTotal
				}
				rest = s.th.bar(done, total, w-42) + "  " + filesText(snap.FilesDone)
			} else {
				rest = s.spinner()
			}
		default:
			name = s.th.dim(row.name)
		}
		lines = append(lines, "   "+pad(state, 6)+pad(name, 12)+rest)
	}
	return lines
}

// userPath drops the part of a path that is the same for everybody.
func userPath(path string) string {
	const users = `\Users\`
	if i := strings.Index(path, users); i >= 0 && i <= 2 {
		return path[i+len(users):]
	}
	return path
}

func problemLine(s *session, p problemSeen, w int) string {
	text := human.End(s.show(p.Text), w/2-2)
	path := human.Middle(s.show(userPath(p.Path)), w-12-width(text))
	return p.at.Format("15:04:05") + "  " + pad(path, w-12-width(text)) + "  " + text
}

// problemsOverlay lists the problems of the run.
type problemsOverlay struct {
	pager
	room int
}

func (o *problemsOverlay) title(*session) string { return textProblemsTitle }
func (o *problemsOverlay) why() string           { return textProblemsWhy }

func (o *problemsOverlay) message(s *session) string {
	if s.run == nil || len(s.run.problems) == 0 {
		return textProblemsNone
	}
	n := max(s.run.snap.Problems, int64(len(s.run.problems)))
	if len(s.run.problems) >= problemsListed {
		return fmt.Sprintf(textProblemsMore, problemsListed, n)
	}
	return fmt.Sprintf(textProblemsMsg, n)
}

func (o *problemsOverlay) keys(s *session) []binding {
	return []binding{
		bindScroll(func(k key) { o.move(k, len(o.lines(s, minWidth)), max(o.room, 1)) }),
		{keys: []key{keyEsc, "e"}, name: textEsc, does: textClose, do: func(key) step { return step{move: goBack} }},
	}
}

// lines gives each problem two lines: where and why.
func (o *problemsOverlay) lines(s *session, w int) []string {
	if s.run == nil {
		return nil
	}
	var lines []string
	for _, p := range s.run.problems {
		lines = append(lines,
			" "+p.at.Format("15:04:05")+"  "+human.Middle(s.show(p.Path), w-13),
			"           "+s.th.warn(human.End(s.show(p.Text), w-13)))
	}
	return lines
}

func (o *problemsOverlay) body(s *session, w, h int) []string {
	o.room = h
	lines := o.lines(s, w)
	if len(lines) == 0 {
		return []string{" " + textProblemsNone}
	}
	return o.view(lines, h)
}

func (sc *savingScreen) outline(s *session) outline {
	if s.run == nil {
		return outline{}
	}
	return outline{about: []string{s.show(s.run.path), strings.TrimRight(sc.message(s), `|/-\ `)}}
}

// phaseName is what a phase is called on screen.
func phaseName(p job.Phase) string {
	switch p {
	case job.Collecting:
		return textSaveCopy
	case job.Saving:
		return textSaveSave
	case job.Verifying:
		return textSaveCheck
	case job.Finishing:
		return textSaveFinish
	case job.Applying:
		return textSaveApply
	}
	return textSaveLook
}

// sentence is how far the run is, in one line.
func (sc *savingScreen) sentence(s *session) string {
	r, snap := s.run, s.run.snap
	parts := []string{phaseName(r.phase)}
	if snap.BytesTotal > 0 {
		parts = append(parts, fmt.Sprintf("%d %%", human.Percent(snap.BytesDone, snap.BytesTotal)),
			fmt.Sprintf(textSaveOf, human.Bytes(snap.BytesDone), human.Bytes(snap.BytesTotal)), human.Rate(r.speed.Rate()))
		parts = append(parts, textSaveLeft+": "+sc.left(s))
	} else if snap.FilesDone > 0 {
		parts = append(parts, filesText(snap.FilesDone))
	}
	if snap.Problems > 0 {
		parts = append(parts, human.Plural(snap.Problems, textSaveProblem, textSaveProblemsN))
	}
	if text := strings.TrimPrefix(sc.trouble(s), ", "); text != "" {
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ") + ". " + sc.message(s)
}

func (o *problemsOverlay) outline(s *session) outline {
	return outline{about: append(o.lines(s, minWidth), o.message(s))}
}
