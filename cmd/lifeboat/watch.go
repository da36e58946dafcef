package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"lifeboat/engine/human"
	"lifeboat/engine/job"
	"lifeboat/engine/rate"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
)

// watcher follows a job for people and for other programs: lines on the
// console, the log, the progress file. It is the plain counterpart of the
// wizard's progress screen and reads the same counters and events.
type watcher struct {
	ctl      *job.Control
	console  io.Writer         // nil for none
	log      *usmt.Log         // nil for none
	progress *usmt.ProgressLog // nil for none

	begun bool // a phase has
	phase job.Phase
	speed rate.Estimator
	told  time.Time // when the console last heard something
	shown int       // problems on the console
}

// How often the console hears something, and how many problems it is told one
// by one; the rest is in the report.
const (
	consoleEvery  = 10 * time.Second
	consoleShows  = 20
	watchInterval = 500 * time.Millisecond
)

// follow watches until the returned function is called, which waits for the
// last events.
func (w *watcher) follow() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	events := make(chan []job.Event)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(events)
		for {
			batch, err := w.ctl.Events.Take(ctx)
			if err != nil {
				return
			}
			events <- batch
		}
	})
	wg.Go(func() {
		tick := time.NewTicker(watchInterval)
		defer tick.Stop()
		for {
			select {
			case batch, ok := <-events:
				if !ok {
					return
				}
				for _, e := range batch {
					w.event(e)
				}
			case <-tick.C:
				w.tick(w.ctl.Clock())
			}
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

func (w *watcher) event(e job.Event) {
	if w.log != nil {
		w.log.Event(e)
	}
	if w.progress != nil {
		w.progress.Event(e)
	}
	switch e.Kind {
	case job.PhaseBegan:
		w.begun, w.phase, w.speed = true, e.Phase, rate.Estimator{}
		w.say(e.Time, "%s", words[e.Phase])
	case job.ProblemSeen:
		w.shown++
		switch p := e.Problem; {
		case w.shown <= consoleShows:
			w.say(e.Time, "%s: %s: %s", p.Kind, winname.Show(p.Path), winname.Show(p.Text))
		case w.shown == consoleShows+1:
			w.say(e.Time, "more problems; the report or the log lists them")
		}
	case job.Message:
		w.say(e.Time, "%s", winname.Show(e.Text))
	case job.MediumGone:
		w.say(e.Time, "the medium of the store is gone")
	case job.MediumBack:
		w.say(e.Time, "the medium of the store is back")
	case job.MediumMoved:
		w.say(e.Time, "going on in %s", winname.Show(e.Text))
	}
}

// words names the phases for people.
var words = map[job.Phase]string{
	job.Initializing: "opening the registry",
	job.Scanning:     "looking what there is",
	job.Collecting:   "copying what is saved",
	job.Saving:       "saving",
	job.Verifying:    "reading back",
	job.Finishing:    "finishing",
	job.Applying:     "writing",
}

// tick tells how far the job is.
func (w *watcher) tick(now time.Time) {
	s := w.ctl.Progress.Snapshot()
	w.speed.Observe(now, s.BytesDone)
	left, known := w.speed.Left(s.BytesTotal)
	if w.progress != nil && (s.Phase == job.Saving || s.Phase == job.Applying) {
		w.progress.Done(s.BytesDone, s.BytesTotal)
		if known {
			w.progress.Remaining(left)
		}
	}
	if now.Sub(w.told) < consoleEvery {
		return
	}
	if s.Phase == job.Initializing && !w.begun {
		w.say(now, "opening") // the store, before the first phase
		return
	}
	w.say(now, "%s", progressLine(s, w.speed.Rate(), left, known))
}

// progressLine is how far a job is, in one line.
func progressLine(s job.Snapshot, speed float64, left time.Duration, known bool) string {
	line := words[s.Phase]
	if s.BytesTotal > 0 {
		line += fmt.Sprintf("  %d %%  %s of %s", human.Percent(s.BytesDone, s.BytesTotal), human.Bytes(s.BytesDone), human.Bytes(s.BytesTotal))
	} else if s.FilesDone > 0 {
		line += "  " + human.Plural(s.FilesDone, "file", "files")
	}
	if speed >= 1 {
		line += "  " + human.Rate(speed)
	}
	if known {
		line += "  " + human.Left(left) + " left"
	}
	if s.Problems > 0 {
		line += "  " + human.Plural(s.Problems, "problem", "problems")
	}
	return line
}

func (w *watcher) say(now time.Time, format string, args ...any) {
	w.told = now
	if w.console != nil {
		fmt.Fprintf(w.console, "%s  %s\n", now.Format(time.TimeOnly), fmt.Sprintf(format, args...))
	}
}
