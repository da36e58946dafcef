package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lifeboat/engine/capture"
	"lifeboat/engine/disk"
	"lifeboat/engine/human"
	"lifeboat/engine/job"
	"lifeboat/engine/report"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
)

// CaptureRequest says what to save where.
type CaptureRequest struct {
	Plan        *Plan
	Select      Selection
	Why         map[string]string // why a user is left out, by SID, for the report
	StorePath   string            // the folder that will hold USMT and the report
	Password    string            // empty for a store without protection
	Team        []Recipient       // with a new store and no Password: the team that can open it
	Kind        store.Kind        // of a new store; empty for a compressed one
	Overwrite   bool              // replace a complete store, once the new one is complete
	CommandLine []string          // the options of the run, without keys, for the catalog
	SkipVerify  bool              // do not read the store back

	MaxFile int64         // the largest file that the medium holds, 0 for no bound; see Destination
	EFS     usmt.EFS      // what to do with files encrypted with EFS; empty leaves them behind, as EFSSkip
	Config  *usmt.Config  // for the catalog: restore needs what it says of groups and names; nil for none
	Retries int           // how often to go on after the medium was gone
	Wait    time.Duration // before each of these

	leftOut map[string]bool  // users whose rest there is no room for
	safe    map[string]int64 // bytes of each user that no full drive takes away any more
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
// The report is there whatever happened, unless nothing was tried because
// files are encrypted and req.EFS forbids that; the error says why the run did not
// reach its end, or is nil, also with files missing: then the report's
// ReturnCode is 3.
func (e *Engine) Capture(ctx context.Context, req CaptureRequest, ctl *job.Control) (*Report, error) {
	if err := checkEFS(req); err != nil {
		return nil, err
	}
	if err := checkKind(req); err != nil {
		return nil, err
	}
	team, err := seal(&req)
	if err != nil {
		return nil, err
	}
	r := &Report{
		Computer: req.Plan.Installation.ComputerName,
		Product:  Title(req.Plan.Installation),
		Source:   req.Plan.Installation.Where,
		Notes:    req.Plan.Installation.Notes,
		Started:  e.Clock(), StorePath: req.StorePath, Protected: req.Password != "",
		Plain: !req.Kind.Compresses(), Linked: req.Kind.Links(),
	}
	err = e.capture(ctx, &req, team, ctl, r)
	for n := 0; err != nil; n++ {
		again := false
		if again, err = e.mend(ctx, &req, n, err, ctl, r); !again {
			break
		}
		err = e.capture(ctx, &req, team, ctl, r)
	}
	r.Finished = e.Clock()
	r.Left = leftOf(req)
	for _, d := range req.Plan.Diagnostics {
		r.Rules = append(r.Rules, d.String())
	}
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

func (e *Engine) capture(ctx context.Context, req *CaptureRequest, team *store.TeamKey, ctl *job.Control, r *Report) error {
	opt := store.Options{Password: req.Password, Team: team, TempDir: e.TempDir, Clock: e.Clock, Kind: req.Kind, Replace: req.Overwrite}
	open := store.Create
	if r.CaptureID != "" { // the medium was lost while reading back
		open = store.Open
	}
	s, err := open(ctx, req.StorePath, opt)
	if err != nil {
		return failStore(err, req.StorePath)
	}
	defer s.Close(context.WithoutCancel(ctx))
	if r.StoreID != "" && r.StoreID != s.UniqueID() {
		return failStore(fmt.Errorf("another store is there now: %w", store.ErrExists), req.StorePath)
	}
	r.StoreID = s.UniqueID()
	if r.CaptureID == "" {
		if err := e.gatherInto(ctx, req, s, ctl, r); err != nil {
			return err
		}
	}
	id := store.ID(r.CaptureID)
	if !req.SkipVerify {
		saved, err := s.Info(ctx, id)
		if err != nil {
			return failStore(err, req.StorePath)
		}
		if r.Verified, err = e.readBack(ctx, s, saved, ctl); err != nil {
			return err // what it was to replace stays
		}
	}
	if err := s.Keep(ctx, id); err != nil {
		ctl.Problem(job.Problem{Kind: job.Notice, Path: req.StorePath, Text: fmt.Sprintf("remove the replaced capture: %v", err)})
	}
	return nil
}

// gatherInto takes what the request asks for into a store and notes in the
// report what it was.
func (e *Engine) gatherInto(ctx context.Context, req *CaptureRequest, s *store.Store, ctl *job.Control, r *Report) error {
	result, err := e.gather(ctx, *req, s, ctl)
	r.CaptureID = string(result.ID)
	r.Files, r.Bytes, r.Values = result.Totals.Files, result.Totals.Bytes, result.Totals.Values
	r.ReusedFiles, r.Problems, r.ProblemCount = result.Reused, result.Problems, result.Count
	r.Users = usersOf(*req, result)
	req.safe = safeOf(*req, result)
	switch {
	case errors.Is(err, disk.ErrGone):
		return usmt.Fail(usmt.StoppedNonFatal, err, "save to %s", req.StorePath).
			WithRemedy("what was read is safe; connect the disk again, let it cool down, and save to the same store: it goes on where it stopped")
	case errors.Is(err, capture.ErrStopped):
		return usmt.Fail(usmt.StoppedNonFatal, err, "save to %s", req.StorePath)
	case err != nil:
		return failStore(err, req.StorePath)
	}
	return nil
}

// gather takes what the request asks for into a store.
func (e *Engine) gather(ctx context.Context, req CaptureRequest, s *store.Store, ctl *job.Control) (capture.Result, error) {
	gather := capture.GatherRequest{
		Plan: req.Plan, Select: req.Select, Store: s, Why: req.Why,
		LeftOut: req.leftOut, Tool: "Lifeboat " + e.Version, Command: req.CommandLine, RawEFS: req.EFS == usmt.EFSCopyRaw, LinkEFS: req.EFS == usmt.EFSHardLink,
	}
	if req.Config != nil {
		gather.Locked = req.Config.Locked
		gather.Config, _ = json.Marshal(winname.ForJSON(req.Config)) // plain data: it always can
	}
	return capture.Gather(ctx, gather, ctl)
}

// Estimate finds out how large the store of a request would be, and writes
// none. It reads and compresses everything, as a save does: how well files
// compress, and how many are equal, cannot be told from outside.
func (e *Engine) Estimate(ctx context.Context, req CaptureRequest, ctl *job.Control) (usmt.Estimate, error) {
	if err := checkEFS(req); err != nil {
		return usmt.Estimate{}, err
	}
	opt := store.Options{Password: req.Password, TempDir: e.TempDir, Clock: e.Clock}
	size, err := store.Measure(ctx, opt, func(s *store.Store) error {
		_, err := e.gather(ctx, req, s, ctl)
		return err
	})
	switch {
	case errors.Is(err, capture.ErrStopped):
		return usmt.Estimate{}, usmt.Fail(usmt.StoppedNonFatal, err, "estimate")
	case err != nil:
		return usmt.Estimate{}, orContext(err, usmt.Fail(usmt.MigrationFailed, err, "estimate"))
	}
	return usmt.Estimate{Temporary: size.Temporary + req.Plan.TempSize(), Sizes: []usmt.StoreSize{
		{Cluster: ntfsCluster, Bytes: size.Bytes(ntfsCluster)}, {Cluster: fatCluster, Bytes: size.Bytes(fatCluster)},
	}}, nil
}

// Clusters of NTFS and of large FAT32 volumes, as they are formatted by default.
const (
	ntfsCluster = 4 << 10
	fatCluster  = 32 << 10
)

// EstimatePlain is how large a store of plain files would be. Links take no room.
func EstimatePlain(req CaptureRequest) (usmt.Estimate, error) {
	p := req.Plan
	ntfs, fat := usmt.StoreSize{Cluster: ntfsCluster}, usmt.StoreSize{Cluster: fatCluster}
	each := p.EachFile
	if req.Kind.Links() {
		each = p.EachElsewhere
	}
	err := each(req.Select, func(f capture.PlannedFile) error {
		ntfs.Bytes += usmt.Clusters(f.Size, ntfs.Cluster)
		fat.Bytes += usmt.Clusters(f.Size, fat.Cluster)
		return nil
	})
	if err != nil {
		return usmt.Estimate{}, usmt.Fail(usmt.StartupFailed, err, "estimate")
	}
	return usmt.Estimate{Temporary: p.TempSize(), Sizes: []usmt.StoreSize{ntfs, fat}}, nil
}

// checkKind says, before anything is written, why a store of the kind that is
// asked for cannot hold what is to be saved.
func checkKind(req CaptureRequest) error {
	if req.Kind.Links() && !req.Plan.CanLink() {
		return usmt.Fail(usmt.InvalidParameters, nil, "the volume of this Windows is read raw: a hard link would write to it").
			WithRemedy("mount the volume for writing and name its folder, or leave out /hardlink")
	}
	if req.Kind.Compresses() || req.MaxFile == 0 {
		return nil
	}
	var first string
	var size int64
	err := req.Plan.EachFile(req.Select, func(f capture.PlannedFile) error {
		if f.Size > max(req.MaxFile, size) {
			first, size = f.Path, f.Size
		}
		return nil
	})
	switch {
	case err != nil:
		return usmt.Fail(usmt.StartupFailed, err, "look for large files")
	case first == "":
		return nil
	}
	return usmt.Fail(usmt.InvalidStore, nil, "%s holds no file above %s, as FAT32 does not; %s has %s",
		req.StorePath, human.Bytes(req.MaxFile), winname.Show(first), human.Bytes(size)).
		WithRemedy("leave out /nocompress, or choose a drive with NTFS or exFAT")
}

// checkEFS says, before anything is written, why files encrypted with EFS stand
// against a request.
func checkEFS(req CaptureRequest) error {
	if req.EFS != usmt.EFSAbort && req.EFS != usmt.EFSCopyRaw {
		return nil
	}
	raw := req.EFS == usmt.EFSCopyRaw
	first, err := req.Plan.FirstEncrypted(req.Select, raw)
	switch {
	case err != nil:
		return usmt.Fail(usmt.StartupFailed, err, "look for encrypted files")
	case first == "":
		return nil
	case raw:
		return usmt.Fail(usmt.UnsupportedPlatform, nil, "%s is encrypted (EFS), and its volume is read in a way that gives no raw data", winname.Show(first)).
			WithRemedy("choose /efs:skip; the report then lists the encrypted files")
	}
	n := req.Plan.Encrypted(req.Select).Files
	return usmt.Fail(usmt.Canceled, nil, "%s encrypted (EFS), the first is %s", human.Plural(n, "file is", "files are"), winname.Show(first)).
		WithRemedy("choose /efs:skip to leave them behind with a list, or /efs:copyraw to take them as they are")
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
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
		r.Failure, r.Remedy = err.Error(), usmt.RemedyOf(err)
	}
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
			u.Values += got.Values
			u.Components = append(u.Components, report.Component{Name: unit.Component, Files: got.Files, Bytes: got.Bytes, Values: got.Values})
		}
	}
	return users
}

// safeOf is how much of each user is in the store for good: what this run flushed,
// or one before it.
func safeOf(req CaptureRequest, result capture.Result) map[string]int64 {
	safe := map[string]int64{}
	for i, unit := range req.Plan.Units {
		safe[unit.User] += result.Safe[i]
	}
	for user, bytes := range req.safe {
		safe[user] = max(safe[user], bytes)
	}
	return safe
}

// leftOf is the report's list of what stays behind. Of encrypted files it says
// whether what opens them was saved.
func leftOf(req CaptureRequest) []report.Left {
	var all []report.Left
	p := req.Plan
	keys := p.KeysTaken(req.Select)
	for _, l := range p.Left {
		if l.Kind == job.Encrypted {
			if req.EFS == usmt.EFSCopyRaw || req.EFS == usmt.EFSHardLink {
				continue
			}
			if taken, known := keys[l.User]; taken {
				l.Reason += "; certificate and keys are saved"
			} else if known {
				l.Reason += "; certificate and keys are not saved"
			}
		}
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
