package tui

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/job"
	"lifeboat/engine/rate"
	"lifeboat/engine/report"
	"lifeboat/engine/usmt"
	"lifeboat/winpe"
)

// run is a job of the engine in progress, as the screen follows it: counters
// are sampled, events and questions are waited for by commands. The engine
// never waits for the screen, except with a question.
type run struct {
	kind    runKind
	ctl     *job.Control
	cancel  context.CancelFunc // of the job
	watch   context.Context    // of those who follow it
	unwatch context.CancelFunc
	ask     asker
	began   time.Time
	bytes   int64        // to be saved, as planned
	twice   bool         // everything will be read back
	path    string       // of the store
	on      winpe.Volume // the volume it is on

	openLog func() (*RunLog, error)
	log     *RunLog         // set before the first event
	taking  sync.Mutex      // held by who takes events and writes them to the log
	tried   map[string]bool // mounts on which it was looked for when it was gone
	pass    bool            // what cannot be read or written is passed over unasked

	snap       job.Snapshot
	phase      job.Phase
	phases     map[job.Phase]phaseTime
	speed      rate.Estimator // of this phase
	whole      rate.Estimator // of all phases
	overall    int64          // bytes of all phases, never falls
	saved      int64          // bytes and files when saving ended
	savedFiles int64
	paused     time.Time // since when it is, zero if it is not
	resumed    time.Time
	problems   []problemSeen // the first of them
	said       string        // last message of the engine
	gone       bool          // the medium is away
	stopping   bool

	ended    bool
	endedAt  time.Time
	report   *report.Report
	verdict  *report.Verdict
	restored *engine.RestoreReport
	undone   *engine.UndoReport
	taken    *engine.Extracted
	err      error
}

type runKind int

const (
	saving runKind = iota
	checking
	puttingBack
	takingBack
	takingOut
)

type phaseTime struct{ began, ended time.Time }

type problemSeen struct {
	at    time.Time
	phase job.Phase // it was seen in
	job.Problem
}

// The messages of a run.
type (
	runMessage interface{ of() *run }
	eventsSeen struct {
		run    *run
		events []job.Event
	}
	asked struct {
		run      *run
		question job.Question
		reply    chan<- job.Answer
	}
	runEnded struct {
		run      *run
		report   *report.Report
		verdict  *report.Verdict
		restored *engine.RestoreReport
		undone   *engine.UndoReport
		taken    *engine.Extracted
		rest     []job.Event // that nobody took
		log      string      // where the log of the run is
		logErr   error
		err      error
	}
)

// passed answers a question about a single object of a run that passes over what
// does not go. Each is a problem of the run all the same.
func (m asked) passed() bool {
	if !m.run.pass || !m.single() {
		return false
	}
	m.reply <- job.Skip // buffered
	return true
}

// single is true of a question that can be answered by going on without one object.
func (m asked) single() bool { return slices.Contains(m.question.Answers, job.Skip) }

func (m eventsSeen) of() *run { return m.run }
func (m asked) of() *run      { return m.run }
func (m runEnded) of() *run   { return m.run }

// asker is the Decider that asks the person at the keyboard.
type asker chan asking

type asking struct {
	question job.Question
	reply    chan job.Answer
}

// Decide implements job.Decider.
func (a asker) Decide(ctx context.Context, q job.Question) (job.Answer, error) {
	reply := make(chan job.Answer, 1)
	select {
	case a <- asking{q, reply}:
	case <-ctx.Done():
		return job.Stop, ctx.Err()
	}
	select {
	case answer := <-reply:
		return answer, nil
	case <-ctx.Done():
		return job.Stop, ctx.Err()
	}
}

// begin starts a run: work runs on a goroutine of its own until it is done or
// the run is cancelled.
func (s *session) begin(r *run, work func(ctx context.Context, ctl *job.Control) runEnded) []command {
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(s.ctx)
	r.watch, r.unwatch = context.WithCancel(s.ctx)
	r.ask = make(asker)
	var decider job.Decider = r.ask
	if s.policy != nil {
		decider = s.policy
	}
	r.ctl = job.NewControl(s.clock, decider)
	r.began = s.now
	r.phases = map[job.Phase]phaseTime{}
	s.run = r
	return []command{
		s.do(func(context.Context) any {
			var logErr error
			r.log, logErr = r.openLog()
			end := work(ctx, r.ctl)
			end.run, end.logErr = r, logErr
			r.finishLog(&end)
			return end
		}),
		r.waitEvents(),
		r.waitQuestion(),
	}
}

// keepLog has a run keep a log, named after the tool that does the same as a command.
func (s *session) keepLog(r *run, tool, commandLine string, inst *engine.Installation) {
	backend := s.backend
	r.openLog = func() (*RunLog, error) { return backend.OpenLog(tool, commandLine, inst) }
}

// save starts the save that the review showed.
func (s *session) save() []command {
	req := s.request()
	r := &run{kind: saving, path: req.StorePath, twice: !req.SkipVerify, tried: map[string]bool{}, pass: !s.askEach}
	r.on, _ = s.volume(s.volumeOf(req.StorePath))
	t, _ := s.totals()
	r.bytes = t.Bytes
	backend := s.backend
	s.keepLog(r, "scanstate", backend.CommandLine(req), req.Installation)
	return s.begin(r, func(ctx context.Context, ctl *job.Control) runEnded {
		rep, err := backend.Capture(ctx, req, ctl)
		return runEnded{report: rep, err: err}
	})
}

// check starts reading a store back.
func (s *session) check(st Store, password string) []command {
	backend := s.backend
	r := &run{kind: checking, path: st.Path}
	command := usmt.UsmtUtils{Verify: usmt.VerifyFailures, Store: st.Path}
	s.keepLog(r, "usmtutils", command.CommandLine(thisSystem()), nil)
	return s.begin(r, func(ctx context.Context, ctl *job.Control) runEnded {
		v, err := backend.Verify(ctx, st.Path, password, ctl)
		return runEnded{verdict: v, err: err}
	})
}

func (r *run) waitEvents() command {
	return func() any {
		r.taking.Lock()
		defer r.taking.Unlock()
		events, err := r.ctl.Events.Take(r.watch)
		if err != nil {
			return nil
		}
		r.log.events(events)
		return eventsSeen{r, events}
	}
}

// finishLog takes the last events and closes the log.
func (r *run) finishLog(end *runEnded) {
	r.unwatch() // who waits for events lets go
	r.taking.Lock()
	defer r.taking.Unlock()
	end.rest, _ = r.ctl.Events.Take(r.watch) // does not wait: the watch is over
	r.log.events(end.rest)
	if r.log != nil {
		end.log = r.log.path
	}
	end.logErr = errors.Join(end.logErr, r.log.end(*end))
}

func (r *run) waitQuestion() command {
	return func() any {
		select {
		case a := <-r.ask:
			return asked{r, a.question, a.reply}
		case <-r.watch.Done():
			return nil
		}
	}
}

// take takes a message of the run in.
func (r *run) take(msg runMessage) []command {
	switch msg := msg.(type) {
	case eventsSeen:
		for _, e := range msg.events {
			r.event(e)
		}
		return []command{r.waitEvents()}
	case asked:
		return []command{r.waitQuestion()}
	case runEnded:
		now := r.ctl.Clock()
		r.sample(now)
		r.cancel()
		for _, e := range msg.rest {
			r.event(e)
		}
		r.enter(noPhase, now)
		r.ended, r.endedAt = true, now
		r.report, r.verdict, r.err = msg.report, msg.verdict, msg.err
		r.restored, r.undone, r.taken = msg.restored, msg.undone, msg.taken
	}
	return nil
}

func (r *run) event(e job.Event) {
	switch e.Kind {
	case job.PhaseBegan:
		r.enter(e.Phase, e.Time)
	case job.ProblemSeen:
		if len(r.problems) < problemsListed {
			r.problems = append(r.problems, problemSeen{e.Time, r.phase, e.Problem})
		}
	case job.Message:
		r.said = e.Text
	case job.MediumGone:
		r.gone = true
		r.said = e.Text
	case job.MediumBack:
		r.gone = false
		r.said = ""
	case job.MediumMoved:
		r.gone = false
		r.said = ""
		r.path = e.Text
	}
}

// noPhase comes after the last one.
const noPhase job.Phase = -1

// enter notes the times of the phases.
func (r *run) enter(p job.Phase, at time.Time) {
	for q, t := range r.phases {
		if t.ended.IsZero() {
			t.ended = at
			r.phases[q] = t
		}
	}
	if p == noPhase {
		return
	}
	r.phases[p] = phaseTime{began: at}
	r.phase = p
	r.speed = rate.Estimator{}
}

// sample looks at the counters.
func (r *run) sample(now time.Time) {
	if r.ended {
		return
	}
	r.snap = r.ctl.Progress.Snapshot()
	if r.snap.Phase == job.Saving {
		r.saved = max(r.saved, r.snap.BytesDone)
		r.savedFiles = max(r.savedFiles, r.snap.FilesDone)
		r.bytes = max(r.bytes, r.snap.BytesTotal)
	}
	if done, _ := r.done(); done > r.overall {
		r.overall = done
	}
	if r.paused.IsZero() {
		r.speed.Observe(now, r.snap.BytesDone)
		r.whole.Observe(now, r.overall)
	}
}

// done is how far all phases together are, in bytes.
func (r *run) done() (done, total int64) {
	s := r.snap
	if r.kind != saving {
		return s.BytesDone, s.BytesTotal
	}
	total = r.bytes
	if r.twice {
		total *= 2
	}
	switch s.Phase {
	case job.Saving:
		done = s.BytesDone
	case job.Verifying:
		done = r.bytes
		if s.BytesTotal > 0 {
			done += int64(float64(s.BytesDone) / float64(s.BytesTotal) * float64(r.bytes))
		}
	case job.Finishing: // of writing; reading back comes after it
		done = r.bytes
	}
	return min(done, total), total
}

func (r *run) pause(now time.Time) {
	if r.paused.IsZero() {
		r.paused = now
		r.ctl.Gate.Pause()
	}
}

func (r *run) resume() {
	if !r.paused.IsZero() {
		r.resumed = r.ctl.Clock()
		r.paused = time.Time{}
		r.speed, r.whole = rate.Estimator{}, rate.Estimator{}
		r.ctl.Gate.Resume()
	}
}

// lastByte is since when nothing comes from the source.
func (r *run) lastByte() time.Time {
	if r.resumed.After(r.snap.LastByte) {
		return r.resumed
	}
	return r.snap.LastByte
}

// stop ends the run; what was saved stays.
func (r *run) stop() {
	r.stopping = true
	r.cancel()
	r.ctl.Gate.Resume()
}
