package winpe

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"lifeboat/engine/volume"
)

// answerWithin is how long a volume may take to tell its size.
const answerWithin = 4 * time.Second

// within calls f and gives up on it after answerWithin.
func within[T any](ctx context.Context, f func() (T, error)) (T, error) {
	short, cancel := context.WithTimeoutCause(ctx, answerWithin, errors.New("does not answer"))
	defer cancel()
	v, err := volume.Await(short, f)
	if errors.Is(err, context.DeadlineExceeded) {
		err = context.Cause(short)
	}
	return v, err
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
