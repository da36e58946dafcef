package winpe

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// answerWithin is how long a volume may take to tell its size.
const answerWithin = 4 * time.Second

// within calls f and gives up on it after answerWithin: a dying disk or a dead
// share can hold a system call for minutes. The call itself is left to end
// when it likes.
func within[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	timer := time.NewTimer(answerWithin)
	defer timer.Stop()
	var none T
	select {
	case r := <-done:
		return r.value, r.err
	case <-timer.C:
		return none, errors.New("does not answer")
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// sortVolumes puts volumes in the order people expect them: removable first,
// the running system last, by mount in between.
func sortVolumes(all []Volume) {
	rank := func(v Volume) int {
		switch {
		case v.System:
			return 3
		case v.Network:
			return 2
		case v.Removable:
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b Volume) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a.Mount, b.Mount)
	})
}
