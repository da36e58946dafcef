package usmt

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"lifeboat/engine/job"
	"lifeboat/engine/winname"
)

// ProgressLog writes the file that task sequences follow a run by
// (spec/usmt-cli-spec.md 7.2): date, time with offset, elapsed time, then a key
// and its value, and perhaps more of them. Readers split at commas and look at
// the fourth and fifth column, so percentages and sizes have a line each.
type ProgressLog struct {
	Estimating bool // what others call Saving only measures

	w     io.Writer
	clock func() time.Time
	began time.Time
	err   error
	last  string // percentage written last
	phase string // written last
}

// NewProgressLog begins a progress log; elapsed time counts from now.
func NewProgressLog(w io.Writer, clock func() time.Time) *ProgressLog {
	return &ProgressLog{w: w, clock: clock, began: clock()}
}

// Err returns the first error of writing.
func (p *ProgressLog) Err() error { return p.err }

// Begin writes the lines about the run itself.
func (p *ProgressLog) Begin(program, version, computer, commandLine string) {
	p.line("program", program, "productVersion", version, "computerName", computer, "commandLine", commandLine)
}

// Phase says that a phase begins. What USMT has no word for goes under Saving.
func (p *ProgressLog) Phase(phase job.Phase) {
	name := phase.String()
	switch phase {
	case job.Saving, job.Verifying, job.Finishing:
		name = job.Saving.String()
		if p.Estimating {
			name = "Estimating"
		}
	}
	if name == p.phase {
		return
	}
	p.phase = name
	p.line("PHASE", name)
}

// User names a user that was found.
func (p *ProgressLog) User(account string, included bool) {
	p.line("detectedUser", account, "includedInMigration", yesNo(included))
}

// Component names a component that was found for a user; the account "" is the
// computer.
func (p *ProgressLog) Component(account, component string, included bool) {
	p.line("forUser", orThisComputer(account), "detectedComponent", component, "includedInMigration", yesNo(included))
}

// Total tells how much there is to save.
func (p *ProgressLog) Total(bytes int64) {
	p.line("totalSizeInMBToTransfer", strconv.FormatFloat(float64(bytes)/(1<<20), 'f', 2, 64))
}

// Collecting names the user whose data is being read.
func (p *ProgressLog) Collecting(account string) {
	p.line("collectingUser", orThisComputer(account))
}

// Done tells how much of the whole is done, if that is more than was told
// before. 100 is written by End alone: scripts take it for success.
func (p *ProgressLog) Done(done, total int64) {
	if total <= 0 {
		return
	}
	percent := min(float64(done)/float64(total)*100, 99.99)
	p.percent(strconv.FormatFloat(percent, 'f', 2, 64))
}

func (p *ProgressLog) percent(text string) {
	if text != p.last {
		p.last = text
		p.line("totalPercentageCompleted", text)
	}
}

// Remaining forecasts the rest.
func (p *ProgressLog) Remaining(d time.Duration) {
	p.line("totalMinutesRemaining", strconv.FormatInt(int64((d+time.Minute-1)/time.Minute), 10))
}

// Kinds of error lines.
const (
	UnableToCopy         = "UnableToCopy"
	UnableToOpen         = "UnableToOpen"
	UnableToCopyCatalog  = "UnableToCopyCatalog"
	UnableToAccessDevice = "UnableToAccessDevice"
	UnableToApply        = "UnableToApply"
)

// Error tells of an object that could not be processed.
func (p *ProgressLog) Error(kind, object string, abort bool) {
	action := "Ignore"
	if abort {
		action = "Abort"
	}
	p.line("error", kind, "objectName", object, "action", action)
}

// Event writes what a job reported, as far as the file has a word for it.
func (p *ProgressLog) Event(e job.Event) {
	switch {
	case e.Kind == job.PhaseBegan:
		p.Phase(e.Phase)
	case e.Kind == job.UserBegan:
		p.Collecting(e.Text)
	case e.Kind == job.ProblemSeen && e.Problem.Kind != job.Notice:
		p.Error(UnableToOpen, e.Problem.Path, e.Problem.Abort)
	case e.Kind == job.MediumGone:
		p.Error(UnableToAccessDevice, "", false)
	}
}

// End writes the result.
func (p *ProgressLog) End(code Code, ignored int64, message string) {
	if code == Success || code == WouldHaveFailed {
		p.percent("100")
	}
	p.line("errorCode", strconv.Itoa(int(code)), "numberOfIgnoredErrors", strconv.FormatInt(ignored, 10), "message", message)
}

// line writes one line of keys and values.
func (p *ProgressLog) line(columns ...string) {
	if p.err != nil {
		return
	}
	now := p.clock()
	elapsed := max(now.Sub(p.began), 0)
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, %02d:%02d:%02d", now.Format("02 Jan 2006"), now.Format("15:04:05 -07:00"),
		int(elapsed.Hours()), int(elapsed.Minutes())%60, int(elapsed.Seconds())%60)
	for _, c := range columns {
		b.WriteString(", " + winname.Show(c))
	}
	_, p.err = io.WriteString(p.w, b.String()+"\r\n")
}

func yesNo(yes bool) string {
	if yes {
		return "Yes"
	}
	return "No"
}

func orThisComputer(account string) string {
	if account == "" {
		return "This Computer"
	}
	return account
}

// FileList writes the list of /listfiles: one source path a line
// (spec/usmt-cli-spec.md 7.4).
type FileList struct{ w io.Writer }

// NewFileList returns a list that writes to w.
func NewFileList(w io.Writer) FileList { return FileList{w} }

// Add writes one path.
func (f FileList) Add(path string) error {
	_, err := io.WriteString(f.w, winname.Show(path)+"\r\n")
	return err
}
