package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/engine/job"
	"lifeboat/engine/usmt"
)

func TestProgressLine(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		s     job.Snapshot
		speed float64
		left  time.Duration
		want  string
	}{
		{job.Snapshot{Phase: job.Scanning}, 0, 0, "looking what there is"},
		{job.Snapshot{Phase: job.Scanning, FilesDone: 42897}, 0, 0, "looking what there is  42 897 files"},
		{job.Snapshot{Phase: job.Saving, BytesDone: 19 * gib, BytesTotal: 38 * gib, Problems: 7}, 28 << 20, 12 * time.Minute,
			"saving  50 %  19.0 GiB of 38.0 GiB  28.0 MiB/s  about 12 min left  7 problems"},
	} {
		if got := progressLine(c.s, c.speed, c.left, c.left > 0); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// The console hears of every phase and of the first problems, then only that
// there are more; log and progress file get everything.
func TestWatcher(t *testing.T) { synctest.Test(t, testWatcher) } // no tick comes between

func testWatcher(t *testing.T) {
	clock := func() time.Time { return time.Date(2026, 11, 23, 14, 27, 10, 0, time.UTC) }
	ctl := job.NewControl(clock, nil)
	var console, log, progress bytes.Buffer
	w := &watcher{ctl: ctl, console: &console, log: usmt.NewLog(&log, usmt.RecordObjects, clock), progress: usmt.NewProgressLog(&progress, clock)}
	stop := w.follow()
	ctl.Phase(job.Saving, 100, 1)
	for range 50 {
		ctl.Problem(job.Problem{Kind: job.Unreadable, Path: `C:\a`, Text: "bad sector"})
	}
	ctl.Phase(job.Verifying, 100, 1)
	stop()
	if got := console.String(); strings.Count(got, "bad sector") != consoleShows || !strings.Contains(got, "the report or the log lists them") ||
		!strings.HasPrefix(got, "14:27:10  saving\n") || !strings.HasSuffix(got, "14:27:10  reading back\n") {
		t.Error(got)
	}
	if got := strings.Count(log.String(), "bad sector"); got != 50 {
		t.Errorf("the log has %d problems", got)
	}
	if got := strings.Count(progress.String(), "UnableToOpen"); got != 50 {
		t.Errorf("the progress log has %d problems", got)
	}
}

func TestWatcherTells(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	ctl := job.NewControl(func() time.Time { return now }, nil)
	var console bytes.Buffer
	w := &watcher{ctl: ctl, console: &console}
	w.tick(now)
	if got := console.String(); got != "14:00:00  opening\n" {
		t.Errorf("before the first phase: %q", got)
	}
	console.Reset()
	ctl.Progress.Begin(job.Saving, 100<<20, 10)
	for range 60 {
		now = now.Add(time.Second)
		ctl.Progress.AddBytes(1<<20, now)
		w.tick(now)
	}
	lines := strings.Split(strings.TrimSpace(console.String()), "\n")
	if len(lines) != 6 || !strings.HasPrefix(lines[5], "14:01:00  saving  60 %  60.0 MiB of 100.0 MiB  1.0 MiB/s  less than a minute left") {
		t.Errorf("%q", lines)
	}
}
