package rate

import (
	"testing"
	"time"
)

const mib = 1 << 20

// feed observes speed bytes per second for the given time and returns where
// clock and counter stand afterwards.
func feed(e *Estimator, now time.Time, done int64, speed int64, d, every time.Duration) (time.Time, int64) {
	for end := now.Add(d); now.Before(end); {
		now = now.Add(every)
		done += int64(float64(speed) * every.Seconds())
		e.Observe(now, done)
	}
	return now, done
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestSteady(t *testing.T) {
	for _, every := range []time.Duration{100 * time.Millisecond, 250 * time.Millisecond, time.Second, 10 * time.Second} {
		var e Estimator
		e.Observe(noon, 0)
		feed(&e, noon, 0, 10*mib, 5*time.Minute, every)
		for name, got := range map[string]float64{"Rate": e.Rate(), "Now": e.Now()} {
			if got < 9.9*mib || got > 10.1*mib {
				t.Errorf("every %v: %s = %.0f, want about %d", every, name, got, 10*mib)
			}
		}
		left, ok := e.Left(5*60*10*mib + 600*mib)
		if !ok || left < 59*time.Second || left > 61*time.Second {
			t.Errorf("every %v: Left = %v, %v, want about a minute", every, left, ok)
		}
		if len(e.samples) > 150 {
			t.Errorf("every %v: %d samples kept", every, len(e.samples))
		}
	}
}

func TestNoForecastInTheFirstSeconds(t *testing.T) {
	var e Estimator
	e.Observe(noon, 0)
	now, done := feed(&e, noon, 0, mib, 19*time.Second, 250*time.Millisecond)
	if left, ok := e.Left(100 * mib); ok {
		t.Fatalf("Left = %v after 19 s", left)
	}
	feed(&e, now, done, mib, time.Second, 250*time.Millisecond)
	if _, ok := e.Left(100 * mib); !ok {
		t.Fatal("no forecast after 20 s")
	}
}

func TestStandstill(t *testing.T) {
	var e Estimator
	e.Observe(noon, 0)
	now, done := feed(&e, noon, 0, 50*mib, time.Minute, 250*time.Millisecond)
	now, done = feed(&e, now, done, 0, 10*time.Second, 250*time.Millisecond)
	if e.Now() != 0 {
		t.Errorf("Now = %.0f while nothing moves", e.Now())
	}
	if e.Rate() == 0 {
		t.Error("Rate forgot everything after ten seconds")
	}
	feed(&e, now, done, 0, 3*time.Minute, 250*time.Millisecond)
	if e.Rate() != 0 {
		t.Errorf("Rate = %.0f after three minutes of nothing", e.Rate())
	}
	if left, ok := e.Left(done * 2); ok {
		t.Errorf("Left = %v while nothing moves", left)
	}
}

func TestRateFollowsChange(t *testing.T) {
	var e Estimator
	e.Observe(noon, 0)
	now, done := feed(&e, noon, 0, 100*mib, 10*time.Minute, time.Second)
	feed(&e, now, done, mib, 125*time.Second, time.Second)
	if got := e.Rate(); got > 2*mib {
		t.Errorf("Rate = %.0f two minutes after slowing to %d", got, mib)
	}
}

func TestNewPhaseForgets(t *testing.T) {
	var e Estimator
	e.Observe(noon, 0)
	now, _ := feed(&e, noon, 0, 100*mib, time.Minute, time.Second)
	e.Observe(now.Add(time.Second), 0)
	if e.Rate() != 0 {
		t.Errorf("Rate = %.0f at the start of a phase", e.Rate())
	}
	if _, ok := e.Left(mib); ok {
		t.Error("forecast at the start of a phase")
	}
}

func TestEdges(t *testing.T) {
	var e Estimator
	if e.Rate() != 0 || e.Now() != 0 {
		t.Error("rate without an observation")
	}
	if _, ok := e.Left(10); ok {
		t.Error("forecast without an observation")
	}
	e.Observe(noon, 0)
	e.Observe(noon, 10*mib) // same instant: no division by zero
	if e.Rate() != 0 {
		t.Errorf("Rate = %v within an instant", e.Rate())
	}
	_, done := feed(&e, noon, 10*mib, mib, time.Minute, time.Second)
	if left, ok := e.Left(done - mib); !ok || left != 0 {
		t.Errorf("Left = %v, %v when more is done than there is", left, ok)
	}
	if left, ok := e.Left(1 << 62); ok {
		t.Errorf("Left = %v, beyond reason", left)
	}
}
