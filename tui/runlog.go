package tui

import (
	"errors"
	"io"
	"strings"
	"time"

	"lifeboat/engine/job"
	"lifeboat/engine/usmt"
)

// RunLog is the file in which a run tells what it does: what ScanState and its
// siblings write when they are run as commands. A nil one is none.
type RunLog struct {
	path, tool string
	log        *usmt.Log
	file       io.Closer
}

// newRunLog begins a log at path.
func newRunLog(w io.WriteCloser, path, tool, version, commandLine string, clock func() time.Time) *RunLog {
	l := &RunLog{path: path, tool: tool, log: usmt.NewLog(w, usmt.Verbose|usmt.RecordObjects, clock), file: w}
	program, _, _ := strings.Cut(tool, " ")
	l.log.Begin(program, version, commandLine)
	return l
}

func (l *RunLog) events(events []job.Event) {
	if l == nil {
		return
	}
	for _, e := range events {
		l.log.Event(e)
	}
}

// end writes how the run ended and closes the file. The error is the first one
// of all that was written.
func (l *RunLog) end(m runEnded) error {
	if l == nil {
		return nil
	}
	if v := m.verdict; v != nil {
		for _, name := range v.Corrupt {
			l.problem(job.Partial, storedPath(name), "does not read back as it was written")
		}
	}
	if u := m.undone; u != nil {
		l.log.Landmark("%s removed, %s put back as they were", filesText(u.Removed), filesText(u.Restored))
		for _, f := range u.Failed {
			l.problem(job.Unreadable, f.Path, f.Text)
		}
	}
	if m.err != nil {
		l.log.Failure(l.tool, m.err)
	}
	code, ignored := m.code()
	l.log.End(code, ignored)
	return errors.Join(l.log.Err(), l.file.Close())
}

func (l *RunLog) problem(kind job.Kind, path, text string) {
	l.log.Event(job.Event{Kind: job.ProblemSeen, Problem: job.Problem{Kind: kind, Path: path, Text: text}})
}

// code is the return code of a run, and how many objects it ended without.
func (m runEnded) code() (code usmt.Code, ignored int64) {
	code = usmt.CodeOf(m.err)
	switch {
	case m.report != nil:
		code, ignored = usmt.Code(m.report.ReturnCode), m.report.ProblemCount
	case m.restored != nil:
		code, ignored = usmt.Code(m.restored.ReturnCode), m.restored.ProblemCount
	case m.undone != nil:
		ignored = int64(len(m.undone.Failed))
	}
	return code, ignored
}
