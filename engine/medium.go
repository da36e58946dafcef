package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"lifeboat/engine/job"
	"lifeboat/engine/store"
	"lifeboat/engine/winname"
)

// lookFor is how often a medium that is gone is looked for.
const lookFor = time.Second

// mend does something about an error of the medium that a save ended with, the
// n-th of the run counted from 0. It tells whether to try again, perhaps elsewhere,
// or gives the error that remains.
func (e *Engine) mend(ctx context.Context, req *CaptureRequest, n int, cause error, ctl *job.Control, r *Report) (again bool, err error) {
	gone, full := errors.Is(cause, store.ErrGone) && r.StoreID != "", errors.Is(cause, store.ErrFull)
	switch {
	case ctx.Err() != nil, !gone && !full:
		return false, cause
	case gone:
		ctl.Events.Put(job.Event{Time: e.Clock(), Kind: job.MediumGone})
		for ; n < req.Retries; n++ {
			if !pause(ctx, req.Wait) {
				return false, cause
			}
			if isBack(req.StorePath) {
				ctl.Events.Put(job.Event{Time: e.Clock(), Kind: job.MediumBack})
				return true, nil
			}
		}
	}
	for {
		back := sync.OnceFunc(func() { ctl.Events.Put(job.Event{Time: e.Clock(), Kind: job.MediumBack}) })
		answer, err := askMedium(ctx, req, gone, back, ctl)
		if err != nil {
			return false, cause
		}
		folder, moved := answer.Folder()
		user, without := answer.User()
		switch {
		case without:
			left := map[string]bool{user: true}
			maps.Copy(left, req.leftOut)
			req.leftOut = left
			return true, nil
		case moved:
			err = e.moveTo(ctx, req, folder, gone, ctl, r)
		case answer == job.Retry && gone && !isBack(req.StorePath):
			err = fmt.Errorf("%s: %w", req.StorePath, store.ErrGone)
		case answer == job.Retry:
			if gone {
				back()
			}
			return true, nil
		default:
			return false, cause
		}
		switch {
		case err == nil:
			return true, nil
		case ctx.Err() != nil:
			return false, cause
		}
		ctl.Problem(job.Problem{Kind: job.Notice, Path: folder, Text: err.Error()})
	}
}

// isBack reports whether the store that was begun is there. Where a stick was
// mounted there may be an empty folder now.
func isBack(storePath string) bool {
	state, _, err := store.Inspect(storePath)
	return err == nil && state != store.None
}

// askMedium asks what to do about a medium that is full or gone. While
// it is gone it is looked for, and back is called when it is found.
func askMedium(ctx context.Context, req *CaptureRequest, gone bool, back func(), ctl *job.Control) (job.Answer, error) {
	storePath := req.StorePath
	q := job.Question{
		Topic: job.MediumFullQ, Path: storePath, Text: "no room is left on the drive",
		Answers: []job.Answer{job.Retry, job.Elsewhere, job.Stop},
	}
	if q.Rest = rests(req); !gone && len(q.Rest) > 0 {
		q.Answers = slices.Insert(q.Answers, 2, job.Without)
	}
	if gone {
		q.Topic, q.Text = job.MediumGoneQ, "the drive was unplugged or lost its connection"
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			for pause(ctx, lookFor) {
				if isBack(storePath) {
					back()
					return
				}
			}
		}()
	}
	return ctl.Ask(ctx, q)
}

// rests are what is still to be saved of those who are not left out already.
func rests(req *CaptureRequest) (all []job.Rest) {
	rest := map[string]int64{}
	for _, u := range req.Plan.Units {
		if !req.Select.OmitUsers[u.User] && !req.Select.OmitComponents[u.Component] && !req.leftOut[u.User] {
			rest[u.User] += u.Bytes
		}
	}
	for user, bytes := range rest {
		if bytes -= req.safe[user]; bytes > 0 {
			all = append(all, job.Rest{User: user, Bytes: bytes})
		}
	}
	slices.SortFunc(all, func(a, b job.Rest) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.User, b.User))
	})
	return all
}

// moveTo goes on with the save in another folder. The store that was begun there
// is gone on with if it is the same: the drive came back under another name.
// Else what was saved so far is copied there, for the source may not live to be
// read again; it also stays where it is. What cannot be copied, because its
// drive is gone, will be read again.
func (e *Engine) moveTo(ctx context.Context, req *CaptureRequest, storePath string, gone bool, ctl *job.Control, r *Report) error {
	from := req.StorePath
	if filepath.Clean(storePath) == filepath.Clean(from) {
		return nil
	}
	state, _, err := store.Inspect(storePath)
	begun, _, ferr := store.Inspect(from)
	switch {
	case err != nil:
		return failStore(err, storePath)
	case state != store.None:
		if err := e.isStore(ctx, storePath, req.Password, r.StoreID); err != nil {
			return err
		}
	case !gone && ferr == nil && begun != store.None:
		err := store.Copy(ctx, from, storePath, func(files, bytes int64) {
			ctl.Phase(job.Collecting, bytes, files)
		}, count(ctl, e))
		if err != nil && (ctx.Err() != nil || errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrReadOnly)) {
			return failStore(err, storePath)
		}
		if err != nil { // the old drive does not give it back: all is read again
			ctl.Problem(job.Problem{Kind: job.Notice, Path: from, Text: fmt.Sprintf("could not be copied, so the save begins anew: %v", err)})
			r.StoreID, r.CaptureID = "", ""
		}
	default:
		r.StoreID, r.CaptureID = "", ""
	}
	if r.StoreID == "" {
		ctl.Progress.SetSafe(0)
	}
	req.StorePath, r.StorePath = storePath, storePath
	ctl.Events.Put(job.Event{Time: e.Clock(), Kind: job.MediumMoved, Text: storePath})
	ctl.Problem(job.Problem{Kind: job.Notice, Path: from, Text: "the save goes on in " + winname.Show(storePath) + "; what is here stays, and is needed no more once that store was read back"})
	return nil
}

// isStore reports as an error that the store at a path is not the one with the ID.
func (e *Engine) isStore(ctx context.Context, storePath, password, id string) error {
	s, err := store.Open(ctx, storePath, store.Options{Password: password, TempDir: e.TempDir, Clock: e.Clock, ReadOnly: true})
	if err != nil && !errors.Is(err, store.ErrPassword) {
		return failStore(err, storePath)
	}
	if err == nil {
		defer s.Close(context.WithoutCancel(ctx))
		if s.UniqueID() == id {
			return nil
		}
	}
	return failStore(fmt.Errorf("another store is there: %w", store.ErrExists), storePath)
}
