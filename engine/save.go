package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"lifeboat/engine/capture"
	"lifeboat/engine/job"
	"lifeboat/engine/report"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
)

// CaptureRequest says what to save where.
type CaptureRequest struct {
	Plan        *Plan
	Select      Selection
	Why         map[string]string // why a user is left out, by SID, for the report
	StorePath   string            // the folder that will hold USMT and the report
	Password    string            // empty for a store without protection
	Overwrite   bool              // replace a complete store, once the new one is complete
	CommandLine []string          // the options of the run, without keys, for the catalog
	SkipVerify  bool              // do not read the store back
}

// Names of the report's files, beside the folder USMT.
const (
	ReportHTML = "REPORT.HTM"
	ReportText = "REPORT.TXT"
)

// Capture saves what the selection takes into the store, reads it back, and
// writes the report beside it. The caller has checked the destination with
// [CheckDestination].
//
// The report is there whatever happened; the error says why the run did not
// reach its end, or is nil, also with files missing: then the report's
// ReturnCode is 3.
func (e *Engine) Capture(ctx context.Context, req CaptureRequest, ctl *job.Control) (*Report, error) {
	r := &Report{
		Computer: req.Plan.Installation.ComputerName,
		Product:  Title(req.Plan.Installation),
		Source:   req.Plan.Installation.Where,
		Started:  e.Clock(), StorePath: req.StorePath, Protected: req.Password != "",
	}
	err := e.capture(ctx, req, ctl, r)
	r.Finished = e.Clock()
	r.Left = leftOf(req.Plan)
	conclude(r, err)
	r.Judge()
	if r.StoreID != "" { // there is a place for it
		if werr := writeReport(r); werr != nil {
			ctl.Problem(job.Problem{Kind: job.Notice, Path: req.StorePath, Text: fmt.Sprintf("write report: %v", werr)})
		}
	}
	ctl.Events.Put(job.Event{Time: e.Clock(), Kind: job.Done})
	return r, err
}

func (e *Engine) capture(ctx context.Context, req CaptureRequest, ctl *job.Control, r *Report) error {
	opt := store.Options{Password: req.Password, TempDir: e.TempDir, Clock: e.Clock}
	open := store.Create
	if state, _, err := store.Inspect(req.StorePath); err == nil && state == store.Complete && req.Overwrite {
		open = store.Open
	}
	s, err := open(ctx, req.StorePath, opt)
	if err != nil {
		return failStore(err, req.StorePath)
	}
	defer s.Close(context.WithoutCancel(ctx))
	r.StoreID = s.UniqueID()
	old, err := s.Captures(ctx)
	if err != nil {
		return failStore(err, req.StorePath)
	}
	result, err := capture.Gather(ctx, capture.GatherRequest{
		Plan: req.Plan, Select: req.Select, Store: s, Why: req.Why,
		Tool: "Lifeboat " + e.Version, Command: req.CommandLine,
	}, ctl)
	r.CaptureID = string(result.ID)
	r.Files, r.Bytes, r.Keys = result.Totals.Files, result.Totals.Bytes, result.Totals.Keys
	r.ReusedFiles, r.Problems, r.ProblemCount = result.Reused, result.Problems, result.Count
	r.Users = usersOf(req, result)
	switch {
	case errors.Is(err, capture.ErrStopped):
		return usmt.Fail(usmt.StoppedNonFatal, err, "save to %s", req.StorePath)
	case err != nil:
		return failStore(err, req.StorePath)
	}
	for _, c := range old {
		if !c.Incomplete {
			if err := s.Delete(ctx, c.ID); err != nil {
				ctl.Problem(job.Problem{Kind: job.Notice, Path: req.StorePath, Text: fmt.Sprintf("remove the replaced capture: %v", err)})
			}
		}
	}
	if req.SkipVerify {
		return nil
	}
	r.Verified, err = e.readBack(ctx, s, Stored{ID: result.ID, Files: result.Totals.Files, Bytes: result.Totals.Bytes}, ctl)
	return err
}

// readBack verifies a capture and turns damage into a failure.
func (e *Engine) readBack(ctx context.Context, s *store.Store, c Stored, ctl *job.Control) (*report.Verdict, error) {
	ctl.Phase(job.Verifying, c.Bytes, c.Files)
	began := e.Clock()
	v, err := s.Verify(ctx, c.ID, count(ctl, e))
	if err != nil {
		return nil, failStore(err, string(c.ID))
	}
	verdict := &report.Verdict{Files: v.Files, Bytes: v.Bytes, Duration: e.Clock().Sub(began), CatalogOK: v.CatalogOK}
	for _, bad := range v.Corrupt {
		verdict.Corrupt = append(verdict.Corrupt, bad.Path)
	}
	if !verdict.OK() {
		return verdict, usmt.Fail(usmt.CorruptedStore, store.ErrCorrupt, "%d of %d files do not read back as they were written", len(v.Corrupt), v.Files)
	}
	return verdict, nil
}

// conclude fills the outcome from the error.
func conclude(r *Report, err error) {
	code := usmt.CodeOf(err)
	switch {
	case err == nil && r.ProblemCount == 0:
		r.Outcome = report.Saved
	case err == nil:
		r.Outcome, code = report.Missing, usmt.WouldHaveFailed
	case code == usmt.CorruptedStore && r.CaptureID != "":
		r.Outcome = report.Missing
	case r.Files > 0:
		r.Outcome = report.Stopped
	default:
		r.Outcome = report.Failed
	}
	r.ReturnCode = int(code)
	if err != nil {
		r.Failure, r.Remedy = err.Error(), remedyOf(err)
	}
}

func remedyOf(err error) string {
	var f *usmt.Failure
	if errors.As(err, &f) && f.Remedy != "" {
		return f.Remedy
	}
	return usmt.CodeOf(err).Remedy()
}

// usersOf is the report's table: what was saved for whom.
func usersOf(req CaptureRequest, result capture.Result) []report.User {
	inst := req.Plan.Installation
	users := []report.User{{ID: SystemUser, Name: "Shared by all users"}}
	for i := range inst.Users {
		u := &inst.Users[i]
		users = append(users, report.User{ID: u.ID, Name: u.Name, Account: Account(u), Profile: u.Profile})
	}
	for i := range users {
		u := &users[i]
		u.Included = !req.Select.OmitUsers[u.ID]
		if !u.Included {
			u.Why = or(req.Why[u.ID], "not chosen")
		}
		for j, unit := range req.Plan.Units {
			got := result.ByUnit[j]
			if unit.User != u.ID || got == (Totals{}) {
				continue
			}
			u.Files += got.Files
			u.Bytes += got.Bytes
			u.Keys += got.Keys
			u.Components = append(u.Components, report.Component{Name: unit.Component, Files: got.Files, Bytes: got.Bytes, Keys: got.Keys})
		}
	}
	return users
}

// leftOf is the report's list of what stays behind.
func leftOf(p *Plan) []report.Left {
	var all []report.Left
	for _, l := range p.Left {
		all = append(all, report.Left{
			User: displayName(p.Installation, l.User), Reason: l.Reason, Files: l.Files, Bytes: l.Bytes,
			Examples: l.Examples, Matters: l.Matters,
		})
	}
	return all
}

func displayName(inst *Installation, id string) string {
	for i := range inst.Users {
		if inst.Users[i].ID == id {
			return Account(&inst.Users[i])
		}
	}
	return ""
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// writeReport writes both papers beside the store.
func writeReport(r *Report) error {
	r.HTMLPath = filepath.Join(r.StorePath, ReportHTML)
	r.TextPath = filepath.Join(r.StorePath, ReportText)
	var page, text strings.Builder
	return errors.Join(
		report.WriteHTML(&page, r), os.WriteFile(r.HTMLPath, []byte(page.String()), 0o644),
		report.WriteText(&text, r), os.WriteFile(r.TextPath, []byte(text.String()), 0o644),
	)
}
