package restore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"lifeboat/engine/job"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
)

func TestTry(t *testing.T) {
	for _, c := range []struct {
		name     string
		errs     []error // one after another; then it works
		calls    int
		problems int64
		want     error
	}{
		{"works", nil, 1, 0, nil},
		{"passes", []error{syscall.EIO, fmt.Errorf("open: %w", syscall.EBUSY)}, 3, 0, nil},
		{"stays", []error{syscall.EIO, syscall.EIO, syscall.EIO, syscall.EIO, syscall.EIO}, 4, 1, nil},
		{"will not pass", []error{fs.ErrPermission}, 1, 1, nil},
		{"the store is gone", []error{store.ErrGone, store.ErrGone, store.ErrGone, store.ErrGone}, 4, 0, store.ErrGone},
		{"the store is back", []error{store.ErrGone}, 2, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &run{ctl: job.NewControl(clock, job.Always{Unreadable: job.Skip}), result: &Result{}, req: Request{Retries: 3, Wait: time.Millisecond}}
			calls := 0
			err := r.try(t.Context(), job.UnreadableFile, `C:\a`, func() error {
				calls++
				if calls <= len(c.errs) {
					return c.errs[calls-1]
				}
				return nil
			})
			if !errors.Is(err, c.want) || calls != c.calls || r.result.Count != c.problems {
				t.Errorf("%d calls, %d problems, %v", calls, r.result.Count, err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &run{ctl: job.NewControl(clock, nil), result: &Result{}, req: Request{Retries: 1, Wait: time.Hour}}
	err := r.try(ctx, job.UnreadableFile, `C:\a`, func() error { time.AfterFunc(10*time.Millisecond, cancel); return syscall.EIO })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// ErrorControl decides which errors end a restore, by patterns of either side.
func TestErrorControl(t *testing.T) {
	a, b := firstPC(t), secondPC(t)
	s := save(t, a)
	outside := t.TempDir()
	if err := os.RemoveAll(b.path(`C:\Users\anna\Documents\Letters`)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, b.path(`C:\Users\anna\Documents\Letters`)); err != nil {
		t.Fatal(err)
	}
	b.detect(t)
	rule := func(fatal bool, pattern string) usmt.ErrorRule { return usmt.ErrorRule{Fatal: fatal, Pattern: pattern} }
	for name, c := range map[string]struct {
		rules []usmt.ErrorRule
		stops bool
	}{
		"passed over":  {[]usmt.ErrorRule{rule(false, `%CSIDL_PERSONAL%\Letters\* [*]`), rule(true, `* [*]`)}, false},
		"fatal":        {[]usmt.ErrorRule{rule(false, `%CSIDL_DESKTOP%\* [*]`), rule(true, `C:\Users\anna\Documents\* [*]`)}, true},
		"not about it": {[]usmt.ErrorRule{rule(true, `D:\* [*]`)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := put(t, s, b, func(r *Request) {
				r.CreateAccounts, r.DryRun = true, true
				r.ErrorControl = &usmt.Config{FileErrors: append(c.rules, rule(false, `%NOWHERE%\* [*]`))}
			})
			if errors.Is(err, ErrStopped) != c.stops || !c.stops && (err != nil || result.Count == 0) {
				t.Errorf("%d problems, %v", result.Count, err)
			}
			if !strings.Contains(strings.Join(result.Warnings, "\n"), `%NOWHERE%\* [*] of ErrorControl cannot be used`) {
				t.Errorf("%q", result.Warnings)
			}
		})
	}
}
