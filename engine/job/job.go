// Package job is the contract between a long-running part of the engine and
// whoever watches it: wizard, plain console, progress log or test.
//
// There are three channels and no more. Counters ([Progress]) are atomics that
// the worker bumps and a watcher samples with Snapshot; the worker never waits
// for a screen. Events ([Queue]) are rare and discrete, delivered in order and
// never dropped. Questions ([Decider]) are asked by the engine when it cannot
// go on without a policy. A [Gate] lets the watcher pause the worker; a context
// ends it.
package job

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Phase is a stage of the work. The names are those of USMT's progress log
// (spec/usmt-cli-spec.md 7.2), with Verifying added.
type Phase int32

// The phases of a capture in their order, and the one of a restore.
const (
	Initializing Phase = iota
	Scanning
	Collecting
	Saving
	Verifying
	Finishing
	Applying
)

var phaseNames = [...]string{"Initializing", "Scanning", "Collecting", "Saving", "Verifying", "Finishing", "Applying"}

func (p Phase) String() string {
	if p < 0 || int(p) >= len(phaseNames) {
		return "Unknown"
	}
	return phaseNames[p]
}

// Progress counts what a job has done. The zero value is ready to use; all
// methods may be called from any goroutine.
type Progress struct {
	phase                 atomic.Int32
	bytesDone, bytesTotal atomic.Int64
	filesDone, filesTotal atomic.Int64
	problems              atomic.Int64
	lastByte              atomic.Int64 // unix nanoseconds
	safeBytes             atomic.Int64
	putOff                atomic.Int64
	badAreas, badBytes    atomic.Int64
	mu                    sync.Mutex
	current               string
}

// Snapshot is the state of a Progress at one moment.
type Snapshot struct {
	Phase      Phase
	BytesDone  int64 // of the current phase
	BytesTotal int64
	FilesDone  int64
	FilesTotal int64
	Problems   int64
	SafeBytes  int64     // flushed to the medium: kept even if the plug is pulled now
	PutOff     int64     // files that are read when all others are
	BadAreas   int64     // of the disk that cannot be read, as far as it was met
	BadBytes   int64     // in them
	LastByte   time.Time // when data last moved, zero if it never did
	Current    string    // path being read, unescaped
}

// Begin enters a phase and sets its totals; the counters start at zero again.
func (p *Progress) Begin(phase Phase, bytes, files int64) {
	p.bytesDone.Store(0)
	p.filesDone.Store(0)
	p.bytesTotal.Store(bytes)
	p.filesTotal.Store(files)
	p.phase.Store(int32(phase))
	p.SetCurrent("")
}

// AddBytes counts n bytes moved at the given time.
func (p *Progress) AddBytes(n int64, now time.Time) {
	p.bytesDone.Add(n)
	p.lastByte.Store(now.UnixNano())
}

// AddFiles counts n files or other objects finished.
func (p *Progress) AddFiles(n int64) { p.filesDone.Add(n) }

// AddProblem counts one problem.
func (p *Progress) AddProblem() { p.problems.Add(1) }

// SetSafe records how many bytes of the source are flushed to the medium.
func (p *Progress) SetSafe(n int64) { p.safeBytes.Store(n) }

// AddPutOff counts files that will be read later; fewer when their turn comes.
func (p *Progress) AddPutOff(n int64) { p.putOff.Add(n) }

// SetDamage records how much of the disk cannot be read.
func (p *Progress) SetDamage(areas, bytes int64) {
	p.badAreas.Store(areas)
	p.badBytes.Store(bytes)
}

// SetCurrent names the object being worked on.
func (p *Progress) SetCurrent(path string) {
	p.mu.Lock()
	p.current = path
	p.mu.Unlock()
}

// Snapshot returns the counters as they are now.
func (p *Progress) Snapshot() Snapshot {
	s := Snapshot{
		Phase:      Phase(p.phase.Load()),
		BytesDone:  p.bytesDone.Load(),
		BytesTotal: p.bytesTotal.Load(),
		FilesDone:  p.filesDone.Load(),
		FilesTotal: p.filesTotal.Load(),
		Problems:   p.problems.Load(),
		SafeBytes:  p.safeBytes.Load(),
		PutOff:     p.putOff.Load(),
		BadAreas:   p.badAreas.Load(),
		BadBytes:   p.badBytes.Load(),
	}
	if n := p.lastByte.Load(); n != 0 {
		s.LastByte = time.Unix(0, n)
	}
	p.mu.Lock()
	s.Current = p.current
	p.mu.Unlock()
	return s
}

// Kind says what sort of trouble a Problem is, and so what it means for the user.
type Kind string

// The kinds of problem. Unreadable to Unsupported concern one object that is
// not, or not wholly, in the store; Notice concerns nothing lost.
const (
	Unreadable  Kind = "unreadable"  // the source gave an error
	Partial     Kind = "partial"     // saved, with a hole where the source gave an error
	CloudOnly   Kind = "cloud-only"  // content not on this disk
	Encrypted   Kind = "encrypted"   // EFS
	Damaged     Kind = "damaged"     // a hive or a profile that does not open
	Unsupported Kind = "unsupported" // cannot be done offline, or not on this system
	LeftOut     Kind = "left-out"    // there was no room for it, and it was chosen to go without
	Notice      Kind = "notice"
)

// Problem is one thing that did not go as asked.
type Problem struct {
	Kind Kind   `json:"kind"`
	Path string `json:"path"`           // Windows path or registry key, unescaped
	User string `json:"user,omitempty"` // name of the user concerned
	Text string `json:"text"`           // what happened, lower case
	Size int64  `json:"size,omitempty"` // bytes that are missing

	Code  uint32 `json:"code,omitempty"`  // the Win32 error code that says the same, 0 if there is none
	Abort bool   `json:"abort,omitempty"` // the job ended by it
}

// EventKind names what happened.
type EventKind string

// The events of a job.
const (
	PhaseBegan  EventKind = "phase"
	ProblemSeen EventKind = "problem"
	Message     EventKind = "message"
	MediumGone  EventKind = "medium-gone"
	MediumBack  EventKind = "medium-back"
	MediumMoved EventKind = "medium-moved" // the save goes on in the folder Text
	UserBegan   EventKind = "user"
	Done        EventKind = "done"
)

// Event is one discrete thing that happened.
type Event struct {
	Time    time.Time
	Kind    EventKind
	Phase   Phase   // with PhaseBegan
	Problem Problem // with ProblemSeen
	Text    string  // with Message, lower case; with UserBegan the account, empty for what belongs to no user
}

// Queue hands events from a worker to one watcher, in order. Put never blocks
// and nothing is dropped. The zero value is ready to use.
type Queue struct {
	mu     sync.Mutex
	events []Event
	ready  chan struct{}
}

// Put appends an event.
func (q *Queue) Put(e Event) {
	q.mu.Lock()
	q.events = append(q.events, e)
	ready := q.signal()
	q.mu.Unlock()
	select {
	case ready <- struct{}{}:
	default:
	}
}

// Take waits for events and returns all there are, oldest first. It returns
// the context's error when that ends first.
func (q *Queue) Take(ctx context.Context) ([]Event, error) {
	for {
		q.mu.Lock()
		events, ready := q.events, q.signal()
		q.events = nil
		q.mu.Unlock()
		if len(events) > 0 {
			return events, nil
		}
		select {
		case <-ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// signal returns the wake-up channel; q.mu is held.
func (q *Queue) signal() chan struct{} {
	if q.ready == nil {
		q.ready = make(chan struct{}, 1)
	}
	return q.ready
}

// Gate holds a worker while it is shut, and passes on the wish to put off what is
// being read. The zero value is open.
type Gate struct {
	mu      sync.Mutex
	shut    chan struct{}            // non-nil while shut, closed on opening
	round   atomic.Int64             // wishes to put off
	folders atomic.Pointer[[]string] // that are put off, each with its last backslash
}

// PutOff asks that the files being read now are read after all others, and with
// them all that are below a folder: a Windows path, or empty for none.
func (g *Gate) PutOff(folder string) {
	g.round.Add(1)
	if folder == "" {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []string
	if old := g.folders.Load(); old != nil {
		all = slices.Clone(*old) // who reads it keeps the old one
	}
	all = append(all, strings.TrimRight(folder, `\`)+`\`)
	g.folders.Store(&all)
}

// Round grows with each PutOff: a file that was opened in an earlier round is
// to be put off.
func (g *Gate) Round() int64 { return g.round.Load() }

// IsPutOff reports whether a path is below a folder that was put off.
func (g *Gate) IsPutOff(path string) bool {
	all := g.folders.Load()
	return all != nil && slices.ContainsFunc(*all, func(folder string) bool { return strings.HasPrefix(path, folder) })
}

// Pause shuts the gate.
func (g *Gate) Pause() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut == nil {
		g.shut = make(chan struct{})
	}
}

// Resume opens the gate.
func (g *Gate) Resume() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut != nil {
		close(g.shut)
		g.shut = nil
	}
}

// Paused reports whether the gate is shut.
func (g *Gate) Paused() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shut != nil
}

// Wait returns at once while the gate is open, else when it opens or ctx ends.
func (g *Gate) Wait(ctx context.Context) error {
	g.mu.Lock()
	shut := g.shut
	g.mu.Unlock()
	if shut == nil {
		return ctx.Err()
	}
	select {
	case <-shut:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Topic is what a Question is about.
type Topic string

// The topics.
const (
	UnreadableFile Topic = "unreadable-file"
	UnreadableKey  Topic = "unreadable-key" // a hive or a part of it
	MediumFullQ    Topic = "medium-full"
	MediumGoneQ    Topic = "medium-gone"
)

// Question is asked when the engine cannot go on by itself.
type Question struct {
	Topic   Topic
	Path    string // the object or the medium
	Text    string // what happened
	Code    uint32 // the Win32 error code that says the same, 0 if there is none
	Rest    []Rest // with MediumFullQ: what is still to be saved, by user, the most first
	Answers []Answer
}

// Rest is what is still to be saved of one user.
type Rest struct {
	User  string // SID
	Bytes int64
}

// Answer is what the watcher decided.
type Answer string

// The answers; a Question lists those that make sense for it, the harmless one first.
const (
	Skip  Answer = "skip"  // go on without this object
	Retry Answer = "retry" // try the same again
	Stop  Answer = "stop"  // end the job, keep what was saved

	// Elsewhere offers to go on in another folder. It is chosen with [GoOnIn].
	Elsewhere Answer = "elsewhere"

	// Without offers to go without what is still to be saved of a user of
	// [Question].Rest. It is chosen with [GoOnWithout].
	Without Answer = "without"
)

// GoOnWithout is the answer to go on without the rest of a user.
func GoOnWithout(user string) Answer { return Without + Answer(":"+user) }

// User is whose rest GoOnWithout named.
func (a Answer) User() (string, bool) {
	return strings.CutPrefix(string(a), string(Without)+":")
}

// GoOnIn is the answer to go on in another folder.
func GoOnIn(folder string) Answer { return Elsewhere + Answer(":"+folder) }

// Folder is the folder that GoOnIn named.
func (a Answer) Folder() (string, bool) {
	return strings.CutPrefix(string(a), string(Elsewhere)+":")
}

// Decider answers questions. It may take as long as it likes, but must return
// when ctx ends.
type Decider interface {
	Decide(ctx context.Context, q Question) (Answer, error)
}

// Always is the Decider of unattended runs: it gives one answer for unreadable
// files and keys, and stops for everything else.
type Always struct{ Unreadable Answer }

// Decide implements Decider.
func (a Always) Decide(ctx context.Context, q Question) (Answer, error) {
	if q.Topic == UnreadableFile || q.Topic == UnreadableKey {
		return a.Unreadable, ctx.Err()
	}
	return Stop, ctx.Err()
}

// Control bundles the channels of one job. Clock must be set; a nil Decider
// counts as Always{Skip}.
type Control struct {
	Progress *Progress
	Events   *Queue
	Gate     *Gate
	Decider  Decider
	Clock    func() time.Time
}

// NewControl returns a Control with fresh channels.
func NewControl(clock func() time.Time, decider Decider) *Control {
	return &Control{Progress: new(Progress), Events: new(Queue), Gate: new(Gate), Decider: decider, Clock: clock}
}

// Phase enters a phase: counters and event together.
func (c *Control) Phase(p Phase, bytes, files int64) {
	c.Progress.Begin(p, bytes, files)
	c.Events.Put(Event{Time: c.Clock(), Kind: PhaseBegan, Phase: p})
}

// Problem counts and reports a problem. A Notice is reported, not counted.
func (c *Control) Problem(p Problem) {
	if p.Kind != Notice {
		c.Progress.AddProblem()
	}
	c.Events.Put(Event{Time: c.Clock(), Kind: ProblemSeen, Problem: p})
}

// Say reports a line of text for the log.
func (c *Control) Say(text string) {
	c.Events.Put(Event{Time: c.Clock(), Kind: Message, Text: text})
}

// Ask asks the Decider.
func (c *Control) Ask(ctx context.Context, q Question) (Answer, error) {
	if c.Decider == nil {
		return Always{Skip}.Decide(ctx, q)
	}
	return c.Decider.Decide(ctx, q)
}
