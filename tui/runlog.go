package tui

import (
	"errors"
	"io"
	"time"

	"lifeboat/engine/job"
	"lifeboat/engine/usmt"
)

// RunLog is the file in which a save or a putting back tells what it does: what
// ScanState and LoadState write when they are run as commands. A nil one is none.
type RunLog struct {
	path, tool string
	log        *usmt.Log
	file       io.Closer
}

// newRunLog begins a log at path.
func newRunLog(w io.WriteCloser, path, tool, version, commandLine string, clock func() time.Time) *RunLog {
	l := &RunLog{path: path, tool: tool, log: usmt.NewLog(w, usmt.Verbose|usmt.RecordObjects, clock), file: w}
	l.log.Begin(tool, version, commandLine)
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
	if m.err != nil {
		l.log.Failure(l.tool, m.err)
	}
	code, ignored := m.code()
	l.log.End(code, ignored)
	return errors.Join(l.log.Err(), l.file.Close())
}

// code is the return code of a run, and how many objects it ended without.
func (m runEnded) code() (code usmt.Code, ignored int64) {
	code = usmt.CodeOf(m.err)
	switch {
	case m.report != nil:
		code, ignored = usmt.Code(m.report.ReturnCode), m.report.ProblemCount
	case m.restored != nil:
		code, ignored = usmt.Code(m.restored.ReturnCode), m.restored.ProblemCount
	}
	return code, ignored
}
