package tui

import (
	"fmt"
	"slices"
	"strings"

	"lifeboat/engine/human"
	"lifeboat/engine/report"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
)

// resultScreen says how it ended, and whether the disk may be wiped.
type resultScreen struct{ list }

type resultEntry struct {
	text string
	do   func() step
}

func (sc *resultScreen) enter(*session) []command {
	sc.at = 0
	return nil
}

func (sc *resultScreen) title(*session) string { return textResultTitle }
func (sc *resultScreen) why() string           { return textResultWhy }

// outcome is how the run ended; a run without a report failed.
func (r *run) outcome() report.Outcome {
	if r.report == nil {
		return report.Failed
	}
	return r.report.Outcome
}

func (sc *resultScreen) message(s *session) string {
	r := s.run
	if r == nil {
		return ""
	}
	switch r.kind {
	case puttingBack:
		if r.err != nil {
			return textPutMsgFail
		}
		return textPutMsgDone
	case takingBack:
		return textUndoMsg
	case takingOut:
		return textTakeResult
	case checking:
		switch {
		case damaged(r.verdict):
			return textCheckedMsgNo
		case r.err != nil:
			return textCheckedMsg
		}
		return textCheckedMsgOK
	}
	if r.report != nil && damaged(r.report.Verified) {
		return textCheckedMsgNo
	}
	switch r.outcome() {
	case report.Saved:
		return textResultMsgOK
	case report.Missing:
		return textResultMsgMiss
	case report.Stopped:
		return textResultMsgStop
	}
	return textResultMsgFail
}

func (sc *resultScreen) entries(s *session) []resultEntry {
	ending := func(e Ending) func() step {
		return func() step {
			s.ending = e
			return step{move: goLeave}
		}
	}
	entries := []resultEntry{{textResultAgain, func() step { return step{move: goTo, to: screenStart} }}}
	if s.run != nil && len(s.run.problems) > 0 {
		entries = append(entries, resultEntry{textResultList, func() step { return step{move: goOver, over: &problemsOverlay{}} }})
	}
	if s.run != nil && s.run.report != nil {
		entries = append(entries, resultEntry{textResultPaper, func() step { return step{move: goOver, over: newReportOverlay(s.run.report)} }})
	}
	if r := s.run; r != nil && r.restored != nil && r.restored.Journal != "" {
		entries = append(entries, resultEntry{textUndoEntry, func() step { return step{move: goOver, over: &undoDialog{journal: r.restored.Journal}} }})
	}
	return append(entries,
		resultEntry{textResultLeave, ending(ToPrompt)},
		resultEntry{textResultRestart, ending(Restart)},
		resultEntry{textResultOff, ending(PowerOff)},
	)
}

func (sc *resultScreen) keys(s *session) []binding {
	n := len(sc.entries(s))
	return []binding{
		{
			keys: []key{keyLeft, keyRight, keyUp, keyDown, keyHome, keyEnd}, name: textLeftRight, does: textChoose,
			do: func(k key) step {
				switch k {
				case keyLeft:
					k = keyUp
				case keyRight:
					k = keyDown
				}
				sc.move(k, n)
				return step{}
			},
		},
		bindEnter(textDoIt, func() step { return sc.entries(s)[sc.at].do() }),
		bindLetter("e", textSaveE, "", func() step { return step{move: goOver, over: &problemsOverlay{}} }),
		bindLog(),
		bindEsc(textResultEsc, func() step { return step{move: goTo, to: screenStart} }),
	}
}

func (sc *resultScreen) body(s *session, w, h int) []string {
	r := s.run
	if r == nil {
		return nil
	}
	lines := clip(sc.told(s, w, h-2), h-2)
	for len(lines) < h-2 {
		lines = append(lines, "")
	}
	menu := "  "
	for i, e := range sc.entries(s) {
		if i == sc.at {
			menu += s.th.selected("> " + e.text + " ")
		} else {
			menu += "  " + e.text + " "
		}
		menu += " "
	}
	return append(lines, "", strings.TrimRight(menu, " "))
}

// told is what there is to say, in about h lines.
func (sc *resultScreen) told(s *session, w, h int) []string {
	switch s.run.kind {
	case checking:
		return sc.checked(s, w, h)
	case puttingBack:
		return sc.restoredLines(s, w)
	case takingBack:
		return sc.undoneLines(s, w)
	case takingOut:
		return sc.takenLines(s, w)
	}
	return sc.saved(s, w, h)
}

func resultRow(name, text string) string { return "   " + pad(name, 13) + text }

func (sc *resultScreen) saved(s *session, w, h int) []string {
	r, th := s.run, s.th
	rep := r.report
	if rep == nil {
		rep = &report.Report{Outcome: report.Failed, StorePath: r.path, ReturnCode: int(usmt.CodeOf(r.err))}
	}
	headline := map[report.Outcome]string{
		report.Saved:   th.good(textResultSaved),
		report.Missing: th.warn(fmt.Sprintf(textResultMissing, human.Plural(rep.ProblemCount, textResultFile, textResultFiles))),
		report.Stopped: th.warn(textResultStopped),
		report.Failed:  th.bad(textResultFailed),
	}[rep.Outcome]
	if damaged(rep.Verified) {
		headline = th.bad(textResultDamaged)
	}
	lines := []string{
		sides(" "+headline, fmt.Sprintf(textResultCode, rep.ReturnCode)+" ", w-1),
	}
	verdict := th.bad(textResultNotYet)
	switch {
	case rep.SafeToWipe:
		verdict = th.good(textResultYes) + ": " + textResultAllSafe
	case rep.Outcome == report.Failed:
		verdict = th.bad(textResultNo)
	}
	lines = append(lines, " "+th.strong(textResultWipe)+"  "+verdict)
	lines = append(lines, sc.reasons(s, w)...)
	lines = append(lines, "")

	if r.err != nil && rep.Outcome != report.Saved && !r.stopping {
		what, remedy := words(r.err)
		lines = append(lines, named(s, textResultLWhy, what, w)...)
		lines = append(lines, named(s, textResultLDo, remedy, w)...)
	} else if rep.Failure != "" {
		lines = append(lines, named(s, textResultLWhy, rep.Failure, w)...)
		lines = append(lines, named(s, textResultLDo, rep.Remedy, w)...)
	}
	if rep.Outcome == report.Failed && rep.Files == 0 {
		return append(lines, resultRow(textResultLStore, human.Middle(s.show(rep.StorePath), w-18)))
	}

	n, _ := s.chosenUsers()
	saved := fmt.Sprintf(textResultFilesIs, filesText(rep.Files), human.Bytes(rep.Bytes), human.Plural(int64(n), textWhatUser, textWhatUsers))
	if rep.ReusedFiles > 0 {
		saved += fmt.Sprintf(textResultReused, filesText(rep.ReusedFiles))
	}
	checked := th.warn(textResultUnread)
	if rep.Verified != nil {
		checked = verdictText(th, rep.Verified)
	}
	reportPath := textResultNoReport
	if rep.HTMLPath != "" {
		reportPath = human.Middle(s.show(rep.HTMLPath), w-18)
	}
	lines = append(lines,
		resultRow(textResultLSaved, saved),
		resultRow(textResultLChecked, checked),
		resultRow(textResultLTime, fmt.Sprintf(textResultTimeIs, rep.Started.Format("15:04"), rep.Finished.Format("15:04"), human.Duration(rep.Duration()))),
		resultRow(textResultLStore, human.Middle(s.show(rep.StorePath), w-18)),
		resultRow(textResultLReport, reportPath),
	)
	var left []string
	for _, l := range sumLeft(rep.Left) {
		left = append(left, wrapTwo(fmt.Sprintf(textResultOfThem, s.show(l.Reason), filesText(l.Files)), w-18)...)
	}
	for i, text := range clip(left, 3) { // the report has all
		name := ""
		if i == 0 {
			name = textResultLLeft
		}
		lines = append(lines, resultRow(name, text))
	}
	if len(rep.Problems) > 0 {
		lines = append(lines, "")
	}
	for i, p := range rep.Problems {
		if len(lines) >= h-1 && i < len(rep.Problems)-1 {
			return append(lines, fmt.Sprintf(textResultMore, rep.ProblemCount-int64(i)))
		}
		text := human.End(s.show(p.Text), w/2-4)
		lines = append(lines, "     "+pad(human.Middle(s.show(userPath(p.Path)), w-9-width(text)), w-9-width(text))+"  "+text)
	}
	return lines
}

// damaged tells whether a store was read back, and not as it was written.
func damaged(v *report.Verdict) bool { return v != nil && !v.OK() }

// verdictText says how reading a store back ended.
func verdictText(th *theme, v *report.Verdict) string {
	switch {
	case v.OK():
		return textResultRead
	case len(v.Corrupt) == 0:
		return th.bad(textResultBadList)
	}
	return th.bad(fmt.Sprintf(textResultBadRead, filesText(int64(len(v.Corrupt)))))
}

// reasons are why the disk must not be wiped yet, each on its line.
func (sc *resultScreen) reasons(s *session, w int) []string {
	if s.run.report == nil {
		return nil
	}
	all := s.run.report.WipeReasons
	var lines []string
	for i, reason := range all {
		if i == reasonsListed-1 && len(all) > reasonsListed {
			return append(lines, resultRow("", fmt.Sprintf(textResultMoreWhy, len(all)-i)))
		}
		name := ""
		if i == 0 {
			name = textResultLBecause
		}
		lines = append(lines, resultRow(name, human.End(s.show(reason), w-17)))
	}
	return lines
}

// reasonsListed is how many reasons are on the screen; the report has all.
const reasonsListed = 4

// sumLeft adds up what stays behind for the same reason, what matters first.
func sumLeft(all []report.Left) []report.Left {
	var sums []report.Left
	for _, l := range all {
		i := slices.IndexFunc(sums, func(s report.Left) bool { return s.Reason == l.Reason })
		if i < 0 {
			sums = append(sums, report.Left{Reason: l.Reason})
			i = len(sums) - 1
		}
		sums[i].Files += l.Files
		sums[i].Bytes += l.Bytes
		sums[i].Matters = sums[i].Matters || l.Matters
	}
	slices.SortStableFunc(sums, func(a, b report.Left) int {
		switch {
		case a.Matters == b.Matters:
			return 0
		case a.Matters:
			return -1
		}
		return 1
	})
	return sums
}

// named is a named text over as many lines as it needs.
func named(s *session, name, text string, w int) []string {
	var lines []string
	for i, line := range clip(wrap(joinSentences(s.show(text)), "", w-18), 3) {
		if i > 0 {
			name = ""
		}
		lines = append(lines, resultRow(name, line))
	}
	return lines
}

// storedPath is a path inside a store as Windows wrote it, where it is one.
func storedPath(inside string) string {
	if path, ok := store.WindowsPath(inside); ok {
		return path
	}
	return inside
}

func (sc *resultScreen) checked(s *session, w, h int) []string {
	r, th := s.run, s.th
	headline := th.good(textCheckedOK)
	switch {
	case r.stopping:
		headline = th.warn(textCheckedStop)
	case damaged(r.verdict):
		headline = th.bad(textCheckedBad)
	case r.err != nil:
		headline = th.bad(textCheckedNot)
	}
	lines := []string{" " + headline, "", resultRow(textResultLStore, human.Middle(s.show(r.path), w-18))}
	if r.err != nil && r.verdict == nil && !r.stopping {
		what, remedy := words(r.err)
		lines = append(lines, named(s, textResultLWhy, what, w)...)
		return append(lines, named(s, textResultLDo, remedy, w)...)
	}
	if v := r.verdict; v != nil {
		lines = append(lines, resultRow(textResultLChecked, verdictText(th, v)), resultRow(textResultLTime, human.Duration(v.Duration)), "")
		for i, c := range v.Corrupt {
			if len(lines) >= h-1 && i < len(v.Corrupt)-1 {
				return append(lines, fmt.Sprintf(textResultMoreBad, len(v.Corrupt)-i))
			}
			lines = append(lines, "     "+human.Middle(s.show(storedPath(c)), w-7))
		}
	}
	return lines
}

func (sc *resultScreen) outline(s *session) outline {
	if s.run == nil {
		return outline{}
	}
	var o outline
	for _, line := range sc.told(s, minWidth, 1000) {
		if strings.TrimSpace(line) != "" {
			o.about = append(o.about, line)
		}
	}
	o.about = append(o.about, sc.message(s))
	for i, e := range sc.entries(s) {
		o.items = append(o.items, item{text: e.text, do: func() step { sc.at = i; return e.do() }})
	}
	o.at = sc.at + 1
	return o
}
