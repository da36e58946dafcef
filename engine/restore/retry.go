package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"lifeboat/engine/errorcontrol"
	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
)

// try does something about one object. What may pass is tried again; then the
// Decider is asked. The error ends the run; that the object was passed over is
// none.
func (r *run) try(ctx context.Context, topic job.Topic, path string, do func() error) error {
	for tries := 0; ; {
		err := do()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if tries < r.req.Retries && mayPass(err) {
			tries++
			r.ctl.Say(fmt.Sprintf("%s: %v; try %d of %d in %v", winname.Show(path), err, tries, r.req.Retries, r.req.Wait))
			if err := pause(ctx, r.req.Wait); err != nil {
				return err
			}
			continue
		}
		if errors.Is(err, store.ErrGone) {
			return err // so is everything else in the store
		}
		answers := []job.Answer{job.Skip, job.Retry, job.Stop}
		if isFull(err) {
			topic, answers = job.MediumFullQ, []job.Answer{job.Stop, job.Retry}
		}
		answer, askErr := r.ask(ctx, job.Question{Topic: topic, Path: path, Text: err.Error(), Code: usmt.Win32(err), Answers: answers})
		switch {
		case askErr != nil:
			return askErr
		case answer == job.Retry:
			continue
		}
		stop := answer == job.Stop
		r.report(job.Problem{Kind: job.Unreadable, Path: path, Text: err.Error(), Code: usmt.Win32(err), Abort: stop})
		switch {
		case stop && isFull(err):
			return err
		case stop:
			return fmt.Errorf("%w: %s: %w", ErrStopped, winname.Show(path), err)
		}
		return nil
	}
}

// mayPass reports an error that is gone a moment later, as those of networks and of
// files that somebody has open often are.
func mayPass(err error) bool {
	var errno syscall.Errno
	return errors.Is(err, store.ErrGone) || errors.As(err, &errno) && slices.Contains(passing, errno)
}

// pause waits, or says that ctx has ended.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask asks the ErrorControl of the request, or without one the Decider.
func (r *run) ask(ctx context.Context, q job.Question) (job.Answer, error) {
	if r.policy != nil && (q.Topic == job.UnreadableFile || q.Topic == job.UnreadableKey) {
		return r.policy.Decide(ctx, q)
	}
	return r.ctl.Ask(ctx, q)
}

// openPolicy makes the policy of ErrorControl. Objects are called as they were on
// the source, but what the restore makes up as here: patterns mean both.
func (r *run) openPolicy() {
	if r.req.ErrorControl == nil {
		return
	}
	var contexts []migxml.Context
	for id, vars := range r.recorded.contexts {
		contexts = append(contexts, contextOf(id, "", vars))
	}
	contexts = append(contexts, contextOf(systemID, "", r.machine.Vars()))
	for _, p := range r.result.People {
		if p.restored() {
			contexts = append(contexts, contextOf(p.SID, "", r.machine.UserVars(p.SID)))
		}
	}
	policy, notes := errorcontrol.New(r.req.ErrorControl, contexts)
	for _, n := range notes {
		r.warn(n)
	}
	r.policy = policy
}
