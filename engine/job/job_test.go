package job

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

func TestQueueKeepsOrderAndAll(t *testing.T) {
	const events = 10_000
	var q Queue
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range events {
			q.Put(Event{Text: fmt.Sprint(i)})
		}
	})
	next := 0
	for next < events {
		batch, err := q.Take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range batch {
			if e.Text != fmt.Sprint(next) {
				t.Fatalf("event %s where %d was due", e.Text, next)
			}
			next++
		}
	}
	wg.Wait()
}

func TestTakeEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var q Queue
	if _, err := q.Take(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestGateHoldsAndOpens(t *testing.T) {
	var g Gate
	if err := g.Wait(t.Context()); err != nil {
		t.Fatalf("open gate: %v", err)
	}
	g.Pause()
	g.Pause() // a second press of the key changes nothing
	passed := make(chan error)
	go func() { passed <- g.Wait(context.Background()) }()
	select {
	case <-passed:
		t.Fatal("a shut gate let the worker pass")
	default:
	}
	g.Resume()
	if err := <-passed; err != nil {
		t.Fatal(err)
	}
	if g.Paused() {
		t.Error("still paused")
	}
}

func TestGatePutsOffFolders(t *testing.T) {
	var g Gate
	g.PutOff("")
	if g.Round() != 1 || g.IsPutOff(`C:\Users\anna\a.txt`) {
		t.Error("a wish about what is being read is one about a folder too")
	}
	g.PutOff(`C:\Users\anna\Videos`)
	g.PutOff(`D:\`)
	for path, want := range map[string]bool{
		`C:\Users\anna\Videos\a.mp4`: true, `C:\Users\anna\Videos\2019\b.mp4:stream`: true, `D:\x`: true,
		`C:\Users\anna\Videos`: false, `C:\Users\anna\Videos2\a.mp4`: false, `C:\Users\anna\a.txt`: false,
	} {
		if g.IsPutOff(path) != want {
			t.Errorf("%s: %v", path, !want)
		}
	}
	if g.Round() != 3 {
		t.Errorf("%d wishes", g.Round())
	}
}

func TestGateEndsWithContext(t *testing.T) {
	var g Gate
	g.Pause()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestControlCountsProblemsButNotNotices(t *testing.T) {
	now := time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)
	c := NewControl(func() time.Time { return now }, nil)
	c.Phase(Saving, 100, 2)
	c.Problem(Problem{Kind: Unreadable, Path: `C:\a`})
	c.Problem(Problem{Kind: Notice})
	s := c.Progress.Snapshot()
	if s.Problems != 1 || s.Phase != Saving || s.BytesTotal != 100 || s.FilesTotal != 2 {
		t.Errorf("snapshot %+v", s)
	}
	events, err := c.Events.Take(t.Context())
	if err != nil || len(events) != 3 || !events[0].Time.Equal(now) {
		t.Errorf("events %v, %v", events, err)
	}
}

func TestAlwaysStopsForTheMedium(t *testing.T) {
	for topic, want := range map[Topic]Answer{UnreadableFile: Skip, MediumFullQ: Stop, MediumGoneQ: Stop} {
		if got, err := (Always{Skip}).Decide(t.Context(), Question{Topic: topic}); got != want || err != nil {
			t.Errorf("%s: %s, %v", topic, got, err)
		}
	}
}

func TestPhaseNames(t *testing.T) {
	if Saving.String() != "Saving" || Phase(99).String() != "Unknown" {
		t.Error(Saving, Phase(99))
	}
}
