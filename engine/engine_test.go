package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lifeboat/engine/job"
	"lifeboat/engine/report"
	"lifeboat/engine/sample"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
	"lifeboat/engine/volume"
	"lifeboat/engine/windows"
)

var now = time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

func newEngine(t *testing.T) *Engine {
	return &Engine{Clock: clock, TempDir: t.TempDir(), Version: "test"}
}

func control() *job.Control { return job.NewControl(clock, job.Always{Unreadable: job.Skip}) }

// planned builds a sample PC and plans its capture.
func planned(t *testing.T, e *Engine) (sample.PC, *Plan) {
	t.Helper()
	pc, err := sample.Create(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	return pc, planOf(t, e, pc)
}

func planOf(t *testing.T, e *Engine, pc sample.PC) *Plan {
	t.Helper()
	d, err := e.Detect(t.Context(), []Place{{Path: pc.Volume}}, DetectOptions{})
	if err != nil || len(d.Installations) != 1 {
		t.Fatalf("%d installations, %v", len(d.Installations), err)
	}
	t.Cleanup(func() { d.Close() })
	plan, err := d.Plan(t.Context(), d.Installations[0], PlanRequest{}, control())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { plan.Close() })
	return plan
}

func TestTheMainJob(t *testing.T) {
	e := newEngine(t)
	pc, plan := planned(t, e)
	dest := filepath.Join(t.TempDir(), "PC-0412")
	if err := os.Mkdir(dest, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := CheckDestination(Destination{Path: dest, Free: 1 << 40}, plan.Totals(Selection{}).Bytes, false); err != nil {
		t.Fatal(err)
	}
	ctl := control()
	r, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: dest, Password: "correct horse"}, ctl)
	if err != nil {
		t.Fatal(err)
	}
	// What is read back, the catalog with it, is what was said to be.
	if s := ctl.Progress.Snapshot(); s.Phase != job.Verifying || s.BytesDone != s.BytesTotal || s.FilesDone != s.FilesTotal {
		t.Errorf("read back: %+v", s)
	}
	if r.Outcome != report.Saved || r.ReturnCode != 0 || !r.Verified.OK() || !r.SafeToWipe {
		t.Errorf("outcome %s, code %d, verified %+v, not safe because %v", r.Outcome, r.ReturnCode, r.Verified, r.WipeReasons)
	}
	if r.Files != plan.Totals(Selection{}).Files || r.Values == 0 {
		t.Errorf("saved %d files and %d keys of %+v", r.Files, r.Values, plan.Totals(Selection{}))
	}
	for _, u := range r.Users {
		if u.Included && u.Files == 0 {
			t.Errorf("nothing was saved for %s", u.Name)
		}
	}
	text, err := os.ReadFile(r.TextPath)
	if err != nil || !strings.Contains(string(text), "YES: everything chosen") {
		t.Errorf("report: %v\n%s", err, text)
	}

	ref := StoreRef{Path: dest, Password: "correct horse"}
	if v, err := e.Verify(t.Context(), ref, control()); err != nil || !v.OK() {
		t.Errorf("verify: %+v, %v", v, err)
	}
	if _, err := e.Verify(t.Context(), StoreRef{Path: dest, Password: "wrong"}, control()); usmt.CodeOf(err) != usmt.InvalidKey {
		t.Errorf("a wrong password gives %v", err)
	}
	back := t.TempDir()
	done, err := e.Extract(t.Context(), ExtractRequest{StoreRef: ref, Dest: back}, control())
	if err != nil || done.Files != r.Files {
		t.Fatalf("extracted %d of %d files: %v", done.Files, r.Files, err)
	}
	compare(t, pc.Volume, filepath.Join(back, "C$"))

	// /i and /e, as UsmtUtils has them.
	some := t.TempDir()
	done, err = e.Extract(t.Context(), ExtractRequest{StoreRef: ref, Dest: some, Include: []string{"LETTER 0*.txt"}, Exclude: []string{"*"}}, control())
	if err != nil || done.Files != int64(9*len(pc.Users)) {
		t.Errorf("extracted %d files by name: %v", done.Files, err)
	}
}

// compare checks that every file below got is its original, with its time.
func compare(t *testing.T, original, got string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(got, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		rel, _ := filepath.Rel(got, path)
		want, err := os.ReadFile(filepath.Join(original, rel))
		if err != nil {
			return err
		}
		have, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if string(want) != string(have) {
			t.Errorf("%s differs", rel)
		}
		a, _ := os.Stat(filepath.Join(original, rel))
		b, err := d.Info()
		if err == nil && !a.ModTime().Equal(b.ModTime()) {
			t.Errorf("%s: time %v became %v", rel, a.ModTime(), b.ModTime())
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("compared %d files: %v", files, err)
	}
}

func TestUserLeftOutIsSaidAloud(t *testing.T) {
	e := newEngine(t)
	pc, plan := planned(t, e)
	admin := pc.Users[2].SID
	r, err := e.Capture(t.Context(), CaptureRequest{
		Plan: plan, StorePath: t.TempDir(), Select: Selection{OmitUsers: map[string]bool{admin: true}},
		Why: map[string]string{admin: "excluded by /ue:localadmin"},
	}, control())
	if err != nil {
		t.Fatal(err)
	}
	if r.SafeToWipe || !strings.Contains(strings.Join(r.WipeReasons, "\n"), "localadmin") {
		t.Errorf("safe %v, reasons %v", r.SafeToWipe, r.WipeReasons)
	}
	for _, u := range r.Users {
		if u.ID == admin && (u.Included || u.Files != 0 || u.Why != "excluded by /ue:localadmin") {
			t.Errorf("%+v", u)
		}
	}
}

func TestDamageIsFoundOnReadingBack(t *testing.T) {
	e := newEngine(t)
	_, plan := planned(t, e)
	dest := t.TempDir()
	if _, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: dest}, control()); err != nil {
		t.Fatal(err)
	}
	damage(t, largest(t, store.Dir(dest)))
	v, err := e.Verify(t.Context(), StoreRef{Path: dest}, control())
	if usmt.CodeOf(err) != usmt.CorruptedStore {
		t.Errorf("verdict %+v, error %v", v, err)
	}
}

// largest returns the largest file below a folder.
func largest(t *testing.T, dir string) string {
	t.Helper()
	var best string
	var size int64
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, err := d.Info(); err == nil && info.Size() > size {
				best, size = path, info.Size()
			}
		}
		return nil
	})
	if best == "" {
		t.Fatal("no files in ", dir)
	}
	return best
}

// damage flips a byte in every 4096 of a file.
func damage(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 100; i < len(data); i += 4096 {
		data[i] ^= 0xFF
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestOverwriteRemovesTheOldOneLast(t *testing.T) {
	e := newEngine(t)
	_, plan := planned(t, e)
	dest := t.TempDir()
	first, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: dest}, control())
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckDestination(Destination{Path: dest, Free: -1}, 1, false); usmt.CodeOf(err) != usmt.InvalidStore {
		t.Errorf("a complete store is taken for a free place: %v", err)
	}
	if err := CheckDestination(Destination{Path: dest, Free: -1}, 1, true); err != nil {
		t.Errorf("with /o: %v", err)
	}
	for _, inside := range []string{store.Dir(dest), filepath.Join(store.Dir(dest), "a", "b")} {
		if err := CheckDestination(Destination{Path: inside, Free: -1}, 1, true); usmt.CodeOf(err) != usmt.InvalidStore {
			t.Errorf("a store in a store: %v", err)
		}
	}
	second, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: dest, Overwrite: true}, control())
	if err != nil || second.CaptureID == first.CaptureID {
		t.Fatalf("second capture %v, %v", second.CaptureID, err)
	}
	if v, err := e.Verify(t.Context(), StoreRef{Path: dest}, control()); err != nil || v.Files < second.Files {
		t.Errorf("after /o: %+v, %v", v, err)
	}
}

func TestCheckDestination(t *testing.T) {
	free := t.TempDir()
	other := t.TempDir()
	if err := os.MkdirAll(store.Dir(other), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(store.Dir(other), "USMT.MIG"), []byte("MIG by somebody else"), 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	const need = 10 << 30
	for name, c := range map[string]struct {
		dest Destination
		want usmt.Code
	}{
		"room enough":     {Destination{Path: free, Free: 20 << 30}, usmt.Success},
		"room not known":  {Destination{Path: free, Free: -1}, usmt.Success},
		"may fit":         {Destination{Path: free, Free: 7 << 30}, usmt.Success},
		"too small":       {Destination{Path: free, Free: 4 << 30}, usmt.MigrationFailed},
		"on the source":   {Destination{Path: free, Free: 20 << 30, OnSource: "C:"}, usmt.InvalidStore},
		"read-only":       {Destination{Path: free, Free: 20 << 30, Err: fs.ErrPermission}, usmt.InvalidStore},
		"a file":          {Destination{Path: file, Free: 20 << 30, Err: errors.New("no folder")}, usmt.InvalidStore},
		"in no store":     {Destination{Path: store.Dir(free), Free: 20 << 30}, usmt.Success},
		"somebody's USMT": {Destination{Path: other, Free: 20 << 30}, usmt.InvalidStore},
	} {
		err := CheckDestination(c.dest, need, false)
		if usmt.CodeOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
		var f *usmt.Failure
		if errors.As(err, &f) && f.Remedy == "" {
			t.Errorf("%s: no remedy", name)
		}
	}
}

// Before anything is known of the size, what a store needs in any case is told.
func TestTooSmallForAnything(t *testing.T) {
	err := CheckDestination(Destination{Path: t.TempDir(), Free: 1 << 20}, 0, false)
	if usmt.CodeOf(err) != usmt.MigrationFailed || !strings.Contains(err.Error(), "1.0 MiB free; about 32.0 MiB are needed") {
		t.Error(err)
	}
}

func TestNoWindowsSaysWhereItLooked(t *testing.T) {
	e := newEngine(t)
	empty := t.TempDir()
	gone := filepath.Join(empty, "gone")
	d, err := e.Detect(t.Context(), []Place{{Path: empty}, {Path: gone}}, DetectOptions{})
	if err != nil || len(d.Installations) != 0 {
		t.Fatal(d, err)
	}
	f := d.NoWindows()
	if f.Code != usmt.InitError || !strings.Contains(f.What, empty) || !strings.Contains(f.What, gone) {
		t.Errorf("code %d: %s", f.Code, f.What)
	}
}

func TestBadRulesAreRefusedByName(t *testing.T) {
	e := newEngine(t)
	pc, err := sample.Create(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	d, err := e.Detect(t.Context(), []Place{{Path: pc.Volume}}, DetectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	_, err = d.Plan(t.Context(), d.Installations[0], PlanRequest{Rules: []RuleFile{{Name: "mine.xml", Data: []byte("<migration><component>")}}}, control())
	if usmt.CodeOf(err) != usmt.ScriptFiles || !strings.Contains(err.Error(), "mine.xml") {
		t.Errorf("got %v", err)
	}
}

// dirSize is the sum of the files below a folder, each rounded up to clusters.
func dirSize(t *testing.T, dir string, cluster int64) (sum int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += usmt.Clusters(info.Size(), cluster)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// /p agrees with what a run then stores (issue: within 2 %), and leaves nothing.
func TestEstimateAgreesWithTheStore(t *testing.T) {
	e := newEngine(t)
	pc, err := sample.Create(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	// What compresses well, badly, and not at all, and what is there twice.
	noise := make([]byte, 3<<20)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	text := bytes.Repeat([]byte("the same again and again, nearly the same; "), 1<<16)
	for name, data := range map[string][]byte{
		"photo.jpg": noise, "the same photo.jpg": noise, "log.txt": text, "half of each.bin": slices.Concat(noise[:1<<20], text[:1<<20]),
		"hex.txt": fmt.Appendf(nil, "%x", noise[1<<20:2<<20]), "empty.txt": nil,
	} {
		if err := os.WriteFile(filepath.Join(pc.Volume, "Users", "anna", "Documents", name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	plan := planOf(t, e, pc)
	for name, req := range map[string]CaptureRequest{
		"plain":     {Plan: plan},
		"encrypted": {Plan: plan, Password: "correct horse"},
		"one user":  {Plan: plan, Select: Selection{OmitUsers: map[string]bool{pc.Users[0].SID: true, pc.Users[1].SID: true}}},
	} {
		estimate, err := e.Estimate(t.Context(), req, control())
		if err != nil {
			t.Fatal(err)
		}
		req.StorePath = t.TempDir()
		if _, err := e.Capture(t.Context(), req, control()); err != nil {
			t.Fatal(err)
		}
		for _, s := range estimate.Sizes {
			got := dirSize(t, filepath.Join(req.StorePath, "USMT"), s.Cluster)
			t.Logf("%s, clusters of %d: estimate %d, store %d, %.2f %%", name, s.Cluster, s.Bytes, got, 100*float64(s.Bytes-got)/float64(got))
			if d := s.Bytes - got; d*50 > got || -d*50 > got {
				t.Errorf("%s: estimate %d, store %d", name, s.Bytes, got)
			}
		}
	}
	left, err := filepath.Glob(filepath.Join(e.TempDir, "lifeboat-*"))
	if err != nil || len(left) != 1 { // the plan's own
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// secret shows the letters 02 as encrypted with EFS.
type secret struct{ volume.Volume }

func (s secret) ReadDir(path string) ([]volume.Info, error) {
	list, err := s.Volume.ReadDir(path)
	for i := range list {
		if list[i].Name == "letter 02.txt" {
			list[i].Attr |= volume.Encrypted
		}
	}
	return list, err
}

func TestEncryptedFilesAndEFS(t *testing.T) {
	e := newEngine(t)
	pc, err := sample.Create(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	v, err := volume.OpenDir(pc.Volume)
	if err != nil {
		t.Fatal(err)
	}
	d := &Detection{engine: e, sources: []windows.Source{{Volume: secret{v}, Where: pc.Volume}}}
	if d.Installations, _, err = windows.Find(t.Context(), d.sources, windows.Options{}); err != nil {
		t.Fatal(err)
	}
	plan := planWith(t, d, PlanRequest{}, control())
	for efs, want := range map[usmt.EFS]usmt.Code{
		usmt.EFSAbort:   usmt.Canceled,
		usmt.EFSCopyRaw: usmt.UnsupportedPlatform, // a mounted folder gives no raw data
		usmt.EFSSkip:    usmt.Success,
		"":              usmt.Success,
	} {
		dest := filepath.Join(t.TempDir(), "store")
		r, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: dest, EFS: efs, SkipVerify: true}, control())
		if usmt.CodeOf(err) != want {
			t.Errorf("/efs:%s: %v", efs, err)
		}
		if want == usmt.Success {
			named := 0
			for _, p := range r.Problems {
				if strings.HasSuffix(p.Path, "letter 02.txt") && p.Kind == job.Notice {
					named++
				}
			}
			if named != len(pc.Users) || r.ReturnCode != 0 || r.SafeToWipe {
				t.Errorf("/efs:%s: %d files named, code %d, safe to wipe %v", efs, named, r.ReturnCode, r.SafeToWipe)
			}
			continue
		}
		if _, serr := os.Stat(dest); serr == nil || !strings.Contains(err.Error(), `C:\Users\anna\Documents\Letters\letter 02.txt`) {
			t.Errorf("/efs:%s: %v, written: %v", efs, err, serr == nil)
		}
	}
	all := map[string]bool{}
	for _, u := range pc.Users {
		all[u.SID] = true
	}
	if _, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: t.TempDir(), EFS: usmt.EFSAbort, Select: Selection{OmitUsers: all}, SkipVerify: true}, control()); err != nil {
		t.Errorf("encrypted files of users who are left out: %v", err)
	}
}

// unplugged takes the store away when the first file is opened after it was armed.
type unplugged struct {
	volume.Volume
	armed *atomic.Bool
	pull  func()
}

func (u unplugged) Open(path string) (volume.File, error) {
	if u.armed.CompareAndSwap(true, false) {
		u.pull()
	}
	return u.Volume.Open(path)
}

// With /r a run goes on when the medium is back, and with the same store only.
func TestMediumComesBack(t *testing.T) {
	for name, c := range map[string]struct {
		empty   bool // an empty folder stays where the stick was, and the stick does not come back
		retries int
		want    usmt.Code
	}{"back": {false, 10_000, usmt.Success}, "another place": {true, 20, usmt.MigrationFailed}} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t)
			pc, err := sample.Create(t.TempDir(), now)
			if err != nil {
				t.Fatal(err)
			}
			v, err := volume.OpenDir(pc.Volume)
			if err != nil {
				t.Fatal(err)
			}
			dest := filepath.Join(t.TempDir(), "stick")
			pull := func() {
				if err := os.Rename(dest, dest+".away"); err != nil {
					t.Error(err)
				}
				if c.empty {
					if err := os.Mkdir(dest, 0o755); err != nil {
						t.Error(err)
					}
					return
				}
				time.AfterFunc(300*time.Millisecond, func() {
					if err := os.Rename(dest+".away", dest); err != nil {
						t.Error(err)
					}
				})
			}
			var armed atomic.Bool
			d := &Detection{engine: e, sources: []windows.Source{{Volume: unplugged{v, &armed, pull}, Where: pc.Volume}}}
			if d.Installations, _, err = windows.Find(t.Context(), d.sources, windows.Options{}); err != nil {
				t.Fatal(err)
			}
			plan := planWith(t, d, PlanRequest{Rules: []RuleFile{{Name: "x", Data: []byte(nestedRules)}}}, control())
			if err := os.Mkdir(dest, 0o755); err != nil {
				t.Fatal(err)
			}
			armed.Store(true)
			r, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: dest, Retries: c.retries, Wait: 50 * time.Millisecond}, control())
			if usmt.CodeOf(err) != c.want {
				t.Errorf("%v", err)
			}
			if err == nil && (!r.Verified.OK() || r.Files != plan.Totals(Selection{}).Files) {
				t.Errorf("%d files, verified %+v", r.Files, r.Verified)
			}
			if state, _, _ := store.Inspect(dest); c.empty && state != store.None {
				t.Error("a store was made where the stick had been")
			}
		})
	}
}
