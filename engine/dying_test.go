package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lifeboat/engine/disk"
	"lifeboat/engine/job"
	"lifeboat/engine/report"
	"lifeboat/engine/sample"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
)

// dyingDisk fails, stalls or vanishes. It knows in which order its blocks were
// asked for.
type dyingDisk struct {
	r     io.ReaderAt
	mu    sync.Mutex
	bad   map[int64]bool
	stall map[int64]bool
	asked []int64       // first blocks of the reads
	left  atomic.Int64  // reads until it vanishes, if vanish is set
	gone  bool          // it may vanish
	takes time.Duration // a stall
	waits int           // for a stall so far
}

func (d *dyingDisk) ReadAt(p []byte, off int64) (int, error) {
	if d.gone && d.left.Add(-1) < 0 {
		return 0, syscall.ENODEV
	}
	d.mu.Lock()
	failed, stalled := false, false
	d.asked = append(d.asked, off/disk.Block)
	for b := off / disk.Block; b*disk.Block < off+int64(len(p)); b++ {
		failed = failed || d.bad[b]
		stalled = stalled || d.stall[b]
	}
	if stalled {
		d.waits++
	}
	d.mu.Unlock()
	if stalled {
		time.Sleep(d.takes)
	}
	if failed || stalled {
		return 0, syscall.EIO
	}
	return d.r.ReadAt(p, off)
}

// dyingPC is the sample PC on such a disk, with more documents.
type dyingPC struct {
	*dyingDisk
	engine *Engine
	path   string
	folder string           // with the original files
	blocks map[string]int64 // of each document: its first block
}

func newDyingPC(t *testing.T, timeout time.Duration) *dyingPC {
	t.Helper()
	pc := samplePC(t)
	documents := filepath.Join(pc.Volume, "Users", "anna", "Documents")
	if err := sample.Fill(filepath.Join(documents, "More"), 200, 6<<20, 1); err != nil {
		t.Fatal(err)
	}
	p := &dyingPC{
		dyingDisk: &dyingDisk{bad: map[int64]bool{}, stall: map[int64]bool{}},
		engine:    newEngine(t), path: file(t, "c.img", ntfsOf(t, pc)), folder: pc.Volume, blocks: map[string]int64{},
	}
	p.engine.images = func(path string) (*disk.Image, *disk.Careful, error) {
		image, err := disk.Open(path)
		if err != nil {
			return nil, nil, err
		}
		p.r = image.ReaderAt
		image.ReaderAt = p.dyingDisk
		return image, disk.NewCareful(image, disk.CarefulOptions{Timeout: timeout}), nil
	}
	d := detect(t, Place{Path: p.path})
	if len(d.Installations) != 1 {
		t.Fatalf("looked %+v", d.Looked)
	}
	err := filepath.WalkDir(documents, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		at := p.inside(name)
		info, err := d.sources[0].Volume.Stat(at)
		if err == nil && info.Size > 0 && info.Cluster > 0 {
			p.blocks[at] = info.Cluster // of 4096 bytes, as blocks are
		}
		return err
	})
	if err != nil || len(p.blocks) < 100 {
		t.Fatalf("%d documents, %v", len(p.blocks), err)
	}
	return p
}

// inside is the path on the volume.
func (p *dyingPC) inside(name string) string {
	return strings.ReplaceAll(strings.TrimPrefix(name, p.folder), string(filepath.Separator), `\`)
}

func (p *dyingPC) original(t *testing.T, at string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(p.folder, filepath.FromSlash(strings.ReplaceAll(at, `\`, "/"))))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (p *dyingPC) plan(t *testing.T) *Plan {
	t.Helper()
	d, err := p.engine.Detect(t.Context(), []Place{{Path: p.path}}, DetectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if len(d.Installations) != 1 {
		t.Fatalf("looked %+v", d.Looked)
	}
	plan, err := d.Plan(t.Context(), d.Installations[0], PlanRequest{}, control())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { plan.Close() })
	return plan
}

// messages are what the watcher was told in words.
func messages(t *testing.T, ctl *job.Control) string {
	t.Helper()
	events, err := ctl.Events.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range events {
		if e.Kind == job.Message {
			all = append(all, e.Text)
		}
	}
	return strings.Join(all, "; ")
}

// One block of a hundred cannot be read: all healthy files are saved whole, and
// before the others, which have zeros where the bad blocks are.
func TestDyingDisk(t *testing.T) {
	p := newDyingPC(t, time.Minute)
	hurt := map[string]map[int64]bool{}
	n := int64(0)
	for at, first := range p.blocks {
		data := p.original(t, at)
		for b := range int64((len(data) + disk.Block - 1) / disk.Block) {
			if n++; n%100 == 7 && len(data) > disk.Block {
				p.bad[first+b] = true
				if hurt[at] == nil {
					hurt[at] = map[int64]bool{}
				}
				hurt[at][b] = true
			}
		}
	}
	if len(hurt) < 5 {
		t.Fatalf("only %d files are hurt", len(hurt))
	}
	plan := p.plan(t)
	p.mu.Lock()
	p.asked = nil
	p.mu.Unlock()
	dest := t.TempDir()
	ctl := control()
	r, err := p.engine.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: dest}, ctl)
	if err != nil || r.Outcome != report.Missing || r.ProblemCount != int64(len(hurt)) {
		t.Fatalf("%v, outcome %s, %d problems for %d files: %+v", err, r.Outcome, r.ProblemCount, len(hurt), r.Problems)
	}
	for _, problem := range r.Problems {
		if problem.Kind != job.Partial || hurt[strings.TrimPrefix(problem.Path, "C:")] == nil {
			t.Errorf("%+v", problem)
		}
	}
	if got := ctl.Progress.Snapshot(); got.BadAreas != int64(countAreas(p.bad)) || got.BadBytes != int64(len(p.bad))*disk.Block || got.PutOff != 0 {
		t.Errorf("counted %d areas with %d bytes, %d files put off", got.BadAreas, got.BadBytes, got.PutOff)
	}
	if text := messages(t, ctl); !strings.Contains(text, fmt.Sprintf("the disk is failing: %d areas unreadable", countAreas(p.bad))) {
		t.Errorf("the watcher was told %q", text)
	}
	// Healthy files come first: what is read last lies in files that are hurt.
	lastHealthy, firstAgain := 0, len(p.asked)
	seen := map[string]int{}
	for i, block := range p.asked {
		at := p.fileOf(t, block)
		if at == "" {
			continue
		}
		if hurt[at] == nil {
			lastHealthy = i
		} else if seen[at]++; p.beyond(hurt[at], block-p.blocks[at]) && seen[at] > 1 {
			firstAgain = min(firstAgain, i)
		}
	}
	if firstAgain < lastHealthy {
		t.Errorf("read %d went behind a bad block, and read %d was of a healthy file", firstAgain, lastHealthy)
	}
	out := t.TempDir()
	if _, err := p.engine.Extract(t.Context(), ExtractRequest{StoreRef: StoreRef{Path: dest}, Dest: out}, control()); err != nil {
		t.Fatal(err)
	}
	for at := range p.blocks {
		want := p.original(t, at)
		for b := range hurt[at] {
			clear(want[b*disk.Block : min((b+1)*disk.Block, int64(len(want)))])
		}
		got, err := os.ReadFile(filepath.Join(out, "C$", filepath.FromSlash(strings.ReplaceAll(at, `\`, "/"))))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs: %v", winname.Show(at), err)
		}
	}
}

// fileOf is the document in a block.
func (p *dyingPC) fileOf(t *testing.T, block int64) string {
	for at, first := range p.blocks {
		if block >= first && block < first+int64(len(p.original(t, at))+disk.Block-1)/disk.Block {
			return at
		}
	}
	return ""
}

// beyond reports whether a block lies behind a bad one.
func (p *dyingPC) beyond(bad map[int64]bool, block int64) bool {
	for b := range bad {
		if block > b {
			return true
		}
	}
	return false
}

func countAreas(bad map[int64]bool) int {
	n := 0
	for b := range bad {
		if !bad[b-1] {
			n++
		}
	}
	return n
}

// A disk that vanishes ends the run with what is safe, and the next one goes on.
func TestDiskVanishes(t *testing.T) {
	p := newDyingPC(t, time.Minute)
	plan := p.plan(t)
	p.left.Store(100)
	p.gone = true
	dest := t.TempDir()
	r, err := p.engine.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: dest}, control())
	if !errors.Is(err, disk.ErrGone) || usmt.CodeOf(err) != usmt.StoppedNonFatal || r.Outcome != report.Stopped {
		t.Fatalf("%v, outcome %s", err, r.Outcome)
	}
	if r.ProblemCount > 20 {
		t.Errorf("%d problems for one disk", r.ProblemCount)
	}
	p.gone = false
	r, err = p.engine.Capture(t.Context(), CaptureRequest{Plan: p.plan(t), StorePath: dest}, control())
	if err != nil || r.Outcome != report.Saved || r.ReusedFiles == 0 {
		t.Errorf("%v, outcome %s, %d files were there", err, r.Outcome, r.ReusedFiles)
	}
}

// A block that stalls costs its timeouts once.
func TestDiskStalls(t *testing.T) {
	if testing.Short() {
		t.Skip("waits out real timeouts")
	}
	p := newDyingPC(t, 2*time.Second) // more than a healthy read takes on a busy machine
	p.takes = 2500 * time.Millisecond
	var stalls int64
	for at, first := range p.blocks {
		if len(p.original(t, at)) > 2*disk.Block {
			stalls = first + 1
			break
		}
	}
	p.stall[stalls] = true
	plan := p.plan(t)
	r, err := p.engine.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: t.TempDir()}, control())
	if err != nil || r.Outcome != report.Missing || r.ProblemCount != 1 {
		t.Errorf("%v, outcome %s, %d problems", err, r.Outcome, r.ProblemCount)
	}
	if p.waits != 2 { // a large read, and the small one that finds the place
		t.Errorf("the block was waited for %d times", p.waits)
	}
}

// A read that never comes back holds up neither the end of a run nor that of the
// process.
func TestDiskHangs(t *testing.T) {
	p := newDyingPC(t, time.Hour)
	plan := p.plan(t)
	hang, hung := make(chan struct{}), make(chan struct{})
	defer close(hang)
	var once sync.Once
	whole := p.dyingDisk.r
	p.dyingDisk.r = readerFunc(func(b []byte, off int64) (int, error) {
		if p.left.Add(-1) < 0 {
			once.Do(func() { close(hung) })
			<-hang
			return 0, syscall.EIO
		}
		return whole.ReadAt(b, off)
	})
	p.left.Store(60)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	dest := t.TempDir()
	go func() {
		_, err := p.engine.Capture(ctx, CaptureRequest{Plan: plan, StorePath: dest}, control())
		ended <- err
	}()
	<-hung
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(time.Minute): // the read takes an hour
		t.Fatal("it does not end")
	}
}

type readerFunc func(p []byte, off int64) (int, error)

func (f readerFunc) ReadAt(p []byte, off int64) (int, error) { return f(p, off) }
