package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"lifeboat/engine/usmt"
)

// logs are where a run of ScanState or LoadState tells what it does: the log,
// the progress file, and the console for what a person should know.
type logs struct {
	on       *program
	tool     string // "scanstate"
	log      *usmt.Log
	progress *usmt.ProgressLog // nil if nobody asked for one
	files    []io.Closer
}

// close closes the files, and tells the person of one that ends too early, as on
// a drive that is full.
func (l *logs) close() {
	var err error
	if l.log != nil {
		err = l.log.Err()
	}
	if l.progress != nil {
		err = errors.Join(err, l.progress.Err())
	}
	for _, f := range l.files {
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		fmt.Fprintf(l.on.stderr, "note: the logs are not complete: %v\n", err)
	}
}

// open opens the log and the progress file and begins both with the command
// line. unasked is the name of the log where the line gives none, exe what the
// progress file calls the program.
func (l *logs) open(c *usmt.Common, unasked, exe, line string, notes []string) error {
	log, err := l.create(c.Log, unasked)
	if err != nil {
		return usmt.At(usmt.Fail(usmt.LogFileFailed, err, "open the log"), "l", "")
	}
	l.files = append(l.files, log)
	l.log = usmt.NewLog(log, c.Level(), l.on.clock)
	l.log.Begin(l.tool, versionText(), line)
	if c.Progress != "" {
		f, err := os.Create(l.on.path(c.Progress))
		if err != nil {
			err := usmt.At(usmt.Fail(usmt.ProgressLogFailed, err, "open the progress log"), "progress", "")
			l.log.Failure(l.tool, err)
			return err
		}
		l.files = append(l.files, f)
		l.progress = usmt.NewProgressLog(f, l.on.clock)
		computer, _ := os.Hostname()
		l.progress.Begin(exe, versionText(), computer, line)
	}
	for _, n := range notes {
		l.note(n)
	}
	return nil
}

// create makes the log. One that nobody asked for goes to the working folder
// where the current one cannot be written, as when started from a CD.
func (l *logs) create(name, unasked string) (*os.File, error) {
	f, err := os.Create(l.on.path(name))
	if work := l.on.getenv("USMT_WORKING_DIR"); err != nil && work != "" && name == unasked {
		return os.Create(filepath.Join(work, name))
	}
	return f, err
}

// note tells the log and the person something worth knowing.
func (l *logs) note(text string) {
	l.log.Warning("%s", text)
	fmt.Fprintf(l.on.stderr, "note: %s\n", text)
}

// alarm is a note that must not be missed.
func (l *logs) alarm(text string) {
	l.log.Warning("%s", text)
	format := "WARNING: %s\n"
	if l.on.terminal {
		format = "\x1b[1;31mWARNING: %s\x1b[0m\n"
	}
	fmt.Fprintf(l.on.stderr, format, text)
}
