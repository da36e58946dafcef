package engine

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lifeboat/engine/job"
	"lifeboat/engine/report"
	"lifeboat/engine/sample"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
)

// stick is a small drive that can be full, and be unplugged.
func stick(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if os.Geteuid() != 0 {
		t.Skip("a drive that is full needs root")
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("no drive can be mounted here: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// largePC is a plan of more than fits on the small stick.
func largePC(t *testing.T, e *Engine) (sample.PC, *Plan) {
	t.Helper()
	pc := samplePC(t)
	if err := sample.Fill(filepath.Join(pc.Volume, "Users", "anna", "Pictures", "More"), 40, 60<<20, 1); err != nil {
		t.Fatal(err)
	}
	d, err := e.Detect(t.Context(), []Place{{Path: pc.Volume}}, DetectOptions{})
	if err != nil || len(d.Installations) != 1 {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { d.Close() })
	plan, err := d.Plan(t.Context(), d.Installations[0], PlanRequest{}, control())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { plan.Close() })
	return pc, plan
}

// asked is a Decider that answers from a list and keeps the questions.
type asked struct {
	questions []job.Question
	answers   []func() job.Answer
}

func (a *asked) Decide(ctx context.Context, q job.Question) (job.Answer, error) {
	n := len(a.questions)
	a.questions = append(a.questions, q)
	if n >= len(a.answers) {
		return job.Stop, ctx.Err()
	}
	return a.answers[n](), ctx.Err()
}

func events(t *testing.T, ctl *job.Control) (kinds []job.EventKind, notices []string) {
	t.Helper()
	list, err := ctl.Events.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		kinds = append(kinds, e.Kind)
		if e.Kind == job.ProblemSeen && e.Problem.Kind == job.Notice {
			notices = append(notices, e.Problem.Text)
		}
	}
	return kinds, notices
}

// check proves that the store holds everything.
func checkStore(t *testing.T, e *Engine, pc sample.PC, path, password string, r *Report) {
	t.Helper()
	if r.Outcome != report.Saved || r.StorePath != path || !r.Verified.OK() {
		t.Fatalf("outcome %s in %s, verified %+v: %s", r.Outcome, r.StorePath, r.Verified, r.Failure)
	}
	back := t.TempDir()
	done, err := e.Extract(t.Context(), ExtractRequest{StoreRef: StoreRef{Path: path, Password: password}, Dest: back}, control())
	if err != nil || done.Files != r.Files {
		t.Fatalf("extracted %d of %d files: %v", done.Files, r.Files, err)
	}
	compare(t, pc.Volume, filepath.Join(back, "C$"))
}

// A drive that is full: what it holds is copied to another one, and is not
// read from the PC again.
func TestFullGoesOnElsewhere(t *testing.T) {
	e := newEngine(t)
	small := filepath.Join(stick(t, "45m"), "PC-0412")
	pc, plan := largePC(t, e)
	// Checkpoints are due by the clock, which must go.
	var now atomic.Int64
	e.Clock = func() time.Time { return clock().Add(time.Duration(now.Add(1)) * time.Second) }
	second := filepath.Join(t.TempDir(), "PC-0412")
	other := filepath.Join(t.TempDir(), "PC-0412") // with a store of its own
	if _, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: other, Select: Selection{OmitUsers: map[string]bool{}}}, control()); err != nil {
		t.Fatal(err)
	}
	var at int64
	who := &asked{answers: []func() job.Answer{
		func() job.Answer { return job.Retry },         // there is no more room than before
		func() job.Answer { return job.GoOnIn(other) }, // where something else is
		func() job.Answer {
			at = files(t, store.Dir(small))
			return job.GoOnIn(second)
		},
	}}
	ctl := job.NewControl(e.Clock, who)
	r, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: small, Password: "correct horse"}, ctl)
	if err != nil {
		t.Fatalf("%v after %d questions", err, len(who.questions))
	}
	if len(who.questions) != 3 {
		t.Errorf("%d questions", len(who.questions))
	}
	for _, q := range who.questions {
		if q.Topic != job.MediumFullQ || q.Path != small || !slices.Equal(q.Answers, []job.Answer{job.Retry, job.Elsewhere, job.Without, job.Stop}) {
			t.Errorf("question %+v", q)
		}
	}
	kinds, notices := events(t, ctl)
	if !slices.Contains(kinds, job.MediumMoved) || !strings.Contains(strings.Join(notices, "\n"), "another store is there") {
		t.Errorf("events %v, notices %q", kinds, notices)
	}
	checkStore(t, e, pc, second, "correct horse", r)
	if r.ReusedFiles == 0 {
		t.Error("everything was read again")
	}
	if state, _, err := store.Inspect(small); state != store.Incomplete || files(t, store.Dir(small)) != at {
		t.Errorf("the full drive holds another store now: %s, %v", state, err)
	}
}

// files counts the files below a folder that are no temporary ones.
func files(t *testing.T, dir string) (n int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasSuffix(name, ".tmp") {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A drive that is full: what is left of one user is left out, and the rest is saved.
func TestFullGoesOnWithout(t *testing.T) {
	e := newEngine(t)
	dir := stick(t, "45m")
	path := filepath.Join(dir, "PC-0412")
	pc, plan := largePC(t, e)
	who := &asked{}
	ctl := job.NewControl(nil, who)
	var far atomic.Int64
	e.Clock = func() time.Time { // checkpoints are due by the clock, which goes as the bytes do
		for {
			was, now := far.Load(), ctl.Progress.Snapshot().BytesDone
			if now <= was || far.CompareAndSwap(was, now) {
				return clock().Add(time.Duration(max(was, now)>>20) * time.Second)
			}
		}
	}
	ctl.Clock = e.Clock
	who.answers = []func() job.Answer{func() job.Answer {
		// What is left of the others has room, whatever sizes the packs came to have.
		if err := unix.Mount("", dir, "", unix.MS_REMOUNT, "size=55m"); err != nil {
			t.Error(err)
		}
		return job.GoOnWithout(who.questions[0].Rest[0].User)
	}}
	r, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: path}, ctl)
	if err != nil || len(who.questions) != 1 {
		t.Fatalf("%v after %d questions", err, len(who.questions))
	}
	if r.Outcome != report.Missing || r.ReturnCode != int(usmt.WouldHaveFailed) || r.SafeToWipe || !r.Verified.OK() {
		t.Errorf("outcome %s, code %d, %+v", r.Outcome, r.ReturnCode, r.Verified)
	}
	whole := plan.Totals(Selection{})
	if r.ProblemCount == 0 || r.Files+r.ProblemCount != whole.Files || r.ReusedFiles == 0 {
		t.Errorf("%d files and %d problems of %d files, %d reused", r.Files, r.ProblemCount, whole.Files, r.ReusedFiles)
	}
	for _, p := range r.Problems {
		if p.Kind != job.LeftOut || !strings.HasPrefix(p.Path, `C:\Users\anna\`) {
			t.Errorf("%+v", p)
		}
	}
	back := t.TempDir()
	if done, err := e.Extract(t.Context(), ExtractRequest{StoreRef: StoreRef{Path: path}, Dest: back}, control()); err != nil || done.Files != r.Files {
		t.Errorf("extracted %d of %d files: %v", done.Files, r.Files, err)
	}
	compare(t, filepath.Join(pc.Volume, "Users", "m.ostrowski"), filepath.Join(back, "C$", "Users", "m.ostrowski"))
}

func TestFullMakesRoom(t *testing.T) {
	e := newEngine(t)
	dir := stick(t, "30m")
	pc, plan := largePC(t, e)
	who := &asked{answers: []func() job.Answer{func() job.Answer {
		if err := unix.Mount("", dir, "", unix.MS_REMOUNT, "size=300m"); err != nil {
			t.Error(err)
		}
		return job.Retry
	}}}
	r, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: filepath.Join(dir, "s")}, job.NewControl(clock, who))
	if err != nil || len(who.questions) != 1 {
		t.Fatalf("%v after %d questions", err, len(who.questions))
	}
	checkStore(t, e, pc, filepath.Join(dir, "s"), "", r)
}

// Nobody to ask: what is saved stays, and the run says what to do.
func TestFullUnattended(t *testing.T) {
	e := newEngine(t)
	dir := stick(t, "30m")
	_, plan := largePC(t, e)
	path := filepath.Join(dir, "s")
	r, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: path}, control())
	if usmt.CodeOf(err) != usmt.MigrationFailed || r.Outcome != report.Stopped {
		t.Errorf("outcome %s, %v", r.Outcome, err)
	}
	if len(r.Failure) > 300 || !strings.Contains(r.Failure, "medium is full") {
		t.Errorf("failure %q", r.Failure)
	}
	if state, _, err := store.Inspect(path); state != store.Incomplete {
		t.Errorf("%s, %v", state, err)
	}
}

// A drive that was unplugged comes back under another name.
func TestGoneComesBackElsewhere(t *testing.T) {
	e := newEngine(t)
	dir, again := stick(t, "300m"), t.TempDir()
	pc, plan := largePC(t, e)
	who := &asked{answers: []func() job.Answer{
		func() job.Answer { return job.Retry }, // it is not back yet
		func() job.Answer {
			if err := exec.Command("mount", "--move", dir+".away", again).Run(); err != nil {
				t.Error(err)
			}
			t.Cleanup(func() { unix.Unmount(again, unix.MNT_DETACH) })
			return job.GoOnIn(filepath.Join(again, "s"))
		},
	}}
	pull := sync.OnceFunc(func() {
		if err := os.Mkdir(dir+".away", 0o755); err != nil {
			t.Error(err)
		}
		if out, err := exec.Command("sh", "-c", `mount --bind "$1" "$1.away" && umount -l "$1"`, "sh", dir).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	ctl := job.NewControl(clock, who)
	ctl.Clock = func() time.Time { // who reads the source looks at it
		if ctl.Progress.Snapshot().BytesDone >= 20<<20 {
			pull()
		}
		return clock()
	}
	r, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: filepath.Join(dir, "s")}, ctl)
	if err != nil {
		t.Fatalf("%v after %d questions", err, len(who.questions))
	}
	if len(who.questions) != 2 || who.questions[0].Topic != job.MediumGoneQ {
		t.Errorf("questions %+v", who.questions)
	}
	checkStore(t, e, pc, filepath.Join(again, "s"), "", r)
}

// Whatever is put off by hand, all of it is saved in the end.
func TestPutOffByHand(t *testing.T) {
	e := newEngine(t)
	pc, plan := largePC(t, e)
	path := filepath.Join(t.TempDir(), "s")
	ctl := control()
	var putOff atomic.Bool
	ctl.Clock = func() time.Time { // who reads the source looks at it
		ctl.Gate.PutOff("")
		if ctl.Progress.Snapshot().PutOff > 0 {
			putOff.Store(true)
		}
		return clock()
	}
	r, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: path}, ctl)
	if err != nil {
		t.Fatal(err)
	}
	if left := ctl.Progress.Snapshot().PutOff; !putOff.Load() || left != 0 {
		t.Errorf("put off: %v, %d files still are", putOff.Load(), left)
	}
	checkStore(t, e, pc, path, "", r)
}
