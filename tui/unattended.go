package tui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"lifeboat/engine/answers"
	"lifeboat/engine/job"
	"lifeboat/engine/usmt"
)

// The questions of the walk, and the keys that answer them.
var questions = map[screenID]struct{ asks, key string }{
	screenUnlock:      {textUnlockTitle, "windows"},
	screenWindows:     {textWindowsAsk, "windows"},
	screenUsers:       {textUsersAsk, "users"},
	screenWhat:        {textWhatAsk, "what"},
	screenDestination: {textDestAsk, "destination"},
	screenOptions:     {textOptAsk, "protection"},
}

// runUnattended walks the same router as the wizard, with nobody at the
// keyboard: what the file does not answer ends it. Questions of the engine are
// answered by policy.
func runUnattended(ctx context.Context, o Options, signals <-chan os.Signal) Outcome {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := o.session(ctx, newTheme(true, o.ASCII))
	s.policy = job.Always{Unreadable: job.Skip}
	if o.Preset.Unreadable == answers.Stop {
		s.policy = job.Always{Unreadable: job.Stop}
	}
	p := &plain{r: newRouter(s), out: o.Out, w: minWidth}
	msgs := make(chan any)
	run := running(ctx, msgs)
	run(p.r.start())
	for {
		select {
		case msg := <-msgs:
			run(p.r.receive(msg))
		case <-signals:
			if s.run == nil || s.run.ended {
				return Outcome{Err: context.Canceled}
			}
			s.run.stop()
		case <-ctx.Done():
			return Outcome{Err: ctx.Err()}
		}
		cmds, done, err := p.attend()
		if err != nil {
			return Outcome{Err: err}
		}
		if done {
			return outcomeOf(s)
		}
		run(cmds)
	}
}

// attend does what a person would do now, if it is to wait or to press Enter.
func (p *plain) attend() (cmds []command, done bool, err error) {
	r, s := p.r, p.r.s
	if r.crash != nil {
		if r.crash.path == "" && r.crash.failed == nil {
			return nil, false, nil // being written down
		}
		return nil, false, usmt.Fail(usmt.MigrationFailed, errors.New(r.crash.what), "%s", textCrashLead).
			WithRemedy(fmt.Sprintf(textPlainPair, textCrashDetails, r.crash.path))
	}
	if r.leaving {
		return nil, true, nil
	}
	if s.preset.pending {
		return nil, false, nil
	}
	p.shown = r.screens[r.current]
	switch r.current {
	case screenStart:
	case screenSaving:
		p.report()
	case screenNoWindows, screenWelcome:
		if s.detection == nil {
			return nil, false, usmt.Fail(usmt.InitError, s.probes[probeWindows].err, "look for Windows")
		}
		return nil, false, s.detection.NoWindows()
	case screenReview:
		review := r.screens[screenReview].(*reviewScreen)
		if review.armed {
			break
		}
		cmds = r.act(func() step { return review.start(s) })
		switch {
		case r.current != screenReview || review.armed:
		case s.counting != nil && s.counting.err != nil:
			err = s.counting.err
		default:
			err = usmt.Fail(usmt.InvalidParameters, nil, "%s", r.note)
		}
	case screenResult:
		p.print("")
		p.print(p.outline().about...)
		return nil, true, nil
	default:
		q, why := questions[r.current], r.note
		if r.current == screenUnlock {
			var shut []string
			for _, l := range s.toUnlock() {
				shut = append(shut, s.show(l.Where))
			}
			why = strings.Join(shut, ", ")
		}
		f := s.unanswered(q.asks, q.key, why)
		if r.current == screenDestination {
			f.Code = cmp.Or(s.checks[s.place].Code, f.Code)
		}
		err = f
	}
	return cmds, false, err
}
