package usmt

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"lifeboat/engine/job"
	"lifeboat/engine/winname"
)

// Severity of a log line, as the log spells it.
type Severity string

// The severities.
const (
	Info    Severity = "Info"
	Status  Severity = "Status"
	Warning Severity = "Warning"
	Error   Severity = "Error"
)

// Log writes ScanState.log and its siblings (spec/usmt-cli-spec.md 7.1). Lines
// that the level leaves out are not written; warnings, errors and the landmarks
// at both ends always are. A Log is for one goroutine.
type Log struct {
	w     io.Writer
	clock func() time.Time
	level int
	err   error
	seen  []errorCount
}

// errorCount is one row of the summary at the end.
type errorCount struct {
	code   uint32
	abort  bool
	count  int
	first  time.Time
	object string
}

// NewLog returns a Log that writes lines of the given level, the bits of /v.
func NewLog(w io.Writer, level int, clock func() time.Time) *Log {
	return &Log{w: w, clock: clock, level: level}
}

// Err returns the first error of writing.
func (l *Log) Err() error { return l.err }

// Begin writes what every log begins with.
func (l *Log) Begin(program, version, commandLine string) {
	l.line(Info, 0, fmt.Sprintf("%s Version %s", strings.ToUpper(program)+".EXE", version))
	l.line(Info, 0, "Started at "+l.clock().Format("2006/01/02:15:04:05.000"))
	l.line(Info, 0, "Command line: "+commandLine)
}

// Info writes a line of /v:1.
func (l *Log) Info(format string, args ...any) {
	if l.level&Verbose != 0 {
		l.line(Info, 0, fmt.Sprintf(format, args...))
	}
}

// Landmark writes a line of information at any level.
func (l *Log) Landmark(format string, args ...any) { l.line(Info, 0, fmt.Sprintf(format, args...)) }

// Status writes a line of /v:4.
func (l *Log) Status(format string, args ...any) {
	if l.Records() {
		l.line(Status, 0, fmt.Sprintf(format, args...))
	}
}

// Warning writes a warning.
func (l *Log) Warning(format string, args ...any) {
	l.line(Warning, 0, fmt.Sprintf(format, args...))
}

// Error writes that an object could not be processed and counts it for the
// summary. Code is a Win32 error code, abort tells whether the run ended by it.
func (l *Log) Error(code uint32, abort bool, object, text string) {
	outcome := "ignored"
	if abort {
		outcome = "aborting"
	}
	l.line(Error, code, fmt.Sprintf("%s: %s (%s)", winname.Show(object), text, outcome))
	i := slices.IndexFunc(l.seen, func(c errorCount) bool { return c.code == code })
	if i < 0 {
		i = len(l.seen)
		l.seen = append(l.seen, errorCount{code: code, first: l.clock(), object: object})
	}
	l.seen[i].count++
	l.seen[i].abort = l.seen[i].abort || abort
}

// Records reports whether the log has lines of /v:4.
func (l *Log) Records() bool { return l.level&RecordObjects != 0 }

// Object writes, at /v:4, what became of an object for a unit.
func (l *Log) Object(u DiagUnit, o Object) {
	outcome := "stored"
	if !o.Stored {
		outcome = "not stored"
	}
	l.Status("%s %s: %s for %s", o.Type, winname.Show(o.Location), outcome, winname.Show(u.Name()))
}

// Damaged writes that a file of a store does not read back, and counts it.
func (l *Log) Damaged(name string) {
	l.Error(win32CRC, false, name, "does not read back as it was written")
}

// Failure writes the error that ends a run.
func (l *Log) Failure(program string, err error) {
	for _, s := range strings.Split(strings.TrimSuffix(Explain(program, err), "\n"), "\n") {
		l.line(Error, 0, s)
	}
}

// Event writes what a job reported. The object-level lines of a capture come
// this way.
func (l *Log) Event(e job.Event) {
	switch e.Kind {
	case job.PhaseBegan:
		l.Status("Activity: '%s'", strings.ToUpper(e.Phase.String()))
	case job.ProblemSeen:
		p := e.Problem
		if p.Kind == job.Notice {
			l.Warning("%s: %s", winname.Show(p.Path), p.Text)
			return
		}
		code := p.Code
		if code == 0 {
			code = codeOfKind(p.Kind)
		}
		l.Error(code, p.Abort, p.Path, p.Text)
	case job.Message:
		l.Info("%s", e.Text)
	case job.MediumGone, job.MediumBack:
		l.Warning("%s", strings.ReplaceAll(string(e.Kind), "-", " "))
	case job.MediumMoved:
		l.Warning("medium moved: the store goes on in %s", winname.Show(e.Text))
	}
}

// End writes the result, the summary of errors, and the last lines.
func (l *Log) End(code Code, ignored int64) {
	switch {
	case code == Success:
		l.line(Info, 0, "Success.")
	case code == WouldHaveFailed:
		l.line(Info, 0, fmt.Sprintf("Success, %d errors ignored.", ignored))
	default:
		l.line(Error, 0, fmt.Sprintf("Return code %d, %v: %s", int(code), code, code.Words()))
	}
	l.line(Info, 0, "Completed at "+l.clock().Format("2006/01/02:15:04:05.000"))
	if len(l.seen) > 0 {
		l.line(Info, 0, l.summary())
	}
	l.line(Info, 0, fmt.Sprintf("Leaving with return code %d", int(code)))
}

// summary is the box that tells a help desk at a glance what went wrong.
func (l *Log) summary() string {
	const rule = "------------------------------------------------------------------------"
	var b strings.Builder
	b.WriteString("Error summary\n" + rule + "\n")
	fmt.Fprintf(&b, "| %-10s | %-12s | %-10s | %s\n%s\n", "Error Code", "Caused Abort", "Recurrence", "First Occurrence", rule)
	for _, c := range l.seen {
		abort := "No"
		if c.abort {
			abort = "Yes"
		}
		fmt.Fprintf(&b, "| %-10d | %-12s | %-10d | %s %s\n", c.code, abort, c.count, c.first.Format(time.DateTime), winname.Show(c.object))
	}
	b.WriteString(rule)
	return b.String()
}

// line writes one entry; more lines of its text follow without a prefix.
func (l *Log) line(s Severity, gle uint32, text string) {
	if l.err != nil {
		return
	}
	suffix := ""
	if gle != 0 {
		suffix = fmt.Sprintf("[gle=0x%08x]", gle)
	}
	parts := strings.Split(text, "\n")
	for i, p := range parts {
		parts[i] = winname.Show(p)
	}
	_, l.err = fmt.Fprintf(l.w, "%s, %-22s[0x000000] %s%s\r\n",
		l.clock().Format(time.DateTime), s, strings.Join(parts, "\r\n"), suffix)
}

// Win32 error codes that stand for what happens to objects.
const (
	win32FileNotFound = 2
	win32AccessDenied = 5
	win32CRC          = 23
	win32ReadFault    = 30
	win32HandleEOF    = 38
	win32NotSupported = 50
	win32FileExists   = 80
	win32DiskFull     = 112
	win32Cloud        = 395 // access to a cloud file denied
	win32BadDatabase  = 1009
	win32IODevice     = 1117

	// FileEncrypted is the code for a file that is encrypted with EFS.
	FileEncrypted uint32 = 6002
)

// codeOfKind is the code for a job's problem, which carries no system error.
func codeOfKind(k job.Kind) uint32 {
	switch k {
	case job.Unreadable:
		return win32ReadFault
	case job.Partial:
		return win32CRC
	case job.CloudOnly:
		return win32Cloud
	case job.Encrypted:
		return FileEncrypted
	case job.Damaged:
		return win32BadDatabase
	case job.LeftOut:
		return win32DiskFull
	}
	return win32NotSupported
}

// Win32 finds the Win32 error code that says the same as err, for the log and
// for ErrorControl. 0 means that there is none.
func Win32(err error) uint32 {
	var errno syscall.Errno
	isErrno := errors.As(err, &errno)
	if isErrno && runtime.GOOS == "windows" && errno < 1<<29 { // above that Go's own numbers begin
		return uint32(errno)
	}
	switch {
	case err == nil:
		return 0
	case isErrno && errno == syscall.ENOSPC:
		return win32DiskFull
	case isErrno && errno == syscall.EIO:
		return win32IODevice
	case errors.Is(err, fs.ErrNotExist):
		return win32FileNotFound
	case errors.Is(err, fs.ErrPermission):
		return win32AccessDenied
	case errors.Is(err, fs.ErrExist):
		return win32FileExists
	case errors.Is(err, io.ErrUnexpectedEOF):
		return win32HandleEOF
	}
	return 0
}
