// Package rate estimates how fast a job moves and when it will be over, from
// nothing but observations of how much is done. It has no clock of its own, so
// wizard, plain console and tests see the same numbers.
package rate

import "time"

const (
	window     = 2 * time.Minute  // how far back the steady rate looks
	step       = time.Second      // observations closer than this become one sample
	minSamples = 20               // kept even when older than window
	recent     = 5 * time.Second  // how far back the momentary rate looks
	warmUp     = 20 * time.Second // no forecast before this
	standstill = 1024             // bytes per second below which there is no forecast
)

// Estimator watches one phase of a job. The zero value is ready to use; after
// a pause start again with a fresh one, or the pause counts as slowness.
type Estimator struct {
	began   time.Time
	samples []sample // oldest first, at least step apart but for the last
}

type sample struct {
	at   time.Time
	done int64
}

// Observe records that done bytes in all were finished at the given time.
// Feed it at regular intervals, also when nothing moved. When done or the time
// runs backwards a new phase has begun and the history is dropped.
func (e *Estimator) Observe(now time.Time, done int64) {
	n := len(e.samples)
	if n > 0 && (done < e.samples[n-1].done || now.Before(e.samples[n-1].at)) {
		*e = Estimator{samples: e.samples[:0]}
		n = 0
	}
	if n == 0 {
		e.began = now
	}
	if n >= 2 && e.samples[n-1].at.Sub(e.samples[n-2].at) < step {
		e.samples[n-1] = sample{now, done}
	} else {
		e.samples = append(e.samples, sample{now, done})
	}
	old := 0
	for len(e.samples)-old > minSamples && now.Sub(e.samples[old].at) > window {
		old++
	}
	if old > 0 {
		e.samples = append(e.samples[:0], e.samples[old:]...)
	}
}

// Rate is the steady rate in bytes per second, over about two minutes.
func (e *Estimator) Rate() float64 {
	if len(e.samples) == 0 {
		return 0
	}
	return e.since(e.samples[0])
}

// Now is the momentary rate in bytes per second, over about five seconds.
func (e *Estimator) Now() float64 {
	n := len(e.samples)
	if n == 0 {
		return 0
	}
	i := n - 1
	for i > 0 && e.samples[n-1].at.Sub(e.samples[i].at) < recent {
		i--
	}
	return e.since(e.samples[i])
}

// Left forecasts how long the rest will take. It reports false while nothing
// useful can be said: in the first seconds, without a known total, and when the
// job stands still.
func (e *Estimator) Left(total int64) (time.Duration, bool) {
	n := len(e.samples)
	if n == 0 || total <= 0 {
		return 0, false
	}
	last := e.samples[n-1]
	rate := e.Rate()
	if last.at.Sub(e.began) < warmUp || rate < standstill {
		return 0, false
	}
	left := max(float64(total-last.done), 0) / rate
	if left > float64(1000*time.Hour/time.Second) {
		return 0, false
	}
	return time.Duration(left * float64(time.Second)), true
}

// since is the mean rate from s to the last sample.
func (e *Estimator) since(s sample) float64 {
	last := e.samples[len(e.samples)-1]
	t := last.at.Sub(s.at).Seconds()
	if t <= 0 {
		return 0
	}
	return float64(last.done-s.done) / t
}
