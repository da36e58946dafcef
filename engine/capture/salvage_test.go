package capture

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"lifeboat/engine/job"
	"lifeboat/engine/store"
	"lifeboat/engine/volume"
)

var clock = func() time.Time { return time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC) }

// badDisk is a file with sectors that cannot be read. It counts reads.
type badDisk struct {
	data  []byte
	bad   map[int64]bool // by sector of 4096 bytes
	first map[int64]bool // fail once, then read well
	err   error
	reads int
}

func (d *badDisk) ReadAt(p []byte, at int64) (int, error) {
	d.reads++
	if at >= int64(len(d.data)) {
		return 0, io.EOF
	}
	for s := at / smallRead; s <= (at+int64(len(p))-1)/smallRead; s++ {
		if d.first[s] {
			delete(d.first, s)
			return 0, d.err
		}
		if d.bad[s] {
			return 0, d.err
		}
	}
	n := copy(p, d.data[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (d *badDisk) Read([]byte) (int, error) { return 0, errors.New("not used") }
func (d *badDisk) Close() error             { return nil }

func readAll(t *testing.T, d *badDisk) ([]byte, error, error) {
	t.Helper()
	s := &salvage{ctx: t.Context(), ctl: job.NewControl(clock, nil), file: d, size: int64(len(d.data))}
	data, err := io.ReadAll(s)
	return data, err, s.Close()
}

func pattern(n int) []byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(rnd.Uint32())
	}
	return data
}

func TestSalvageReadsAGoodFileWhole(t *testing.T) {
	for _, size := range []int{0, 1, smallRead, bigRead - 1, bigRead + 1, 3*bigRead + 17} {
		d := &badDisk{data: pattern(size)}
		got, err, closeErr := readAll(t, d)
		if err != nil || closeErr != nil || !bytes.Equal(got, d.data) {
			t.Errorf("%d bytes: %v, %v, equal %v", size, err, closeErr, bytes.Equal(got, d.data))
		}
	}
}

func TestSalvageLosesOnlyTheBadSectors(t *testing.T) {
	d := &badDisk{data: pattern(3*bigRead + 100), bad: map[int64]bool{0: true, 300: true, 301: true}, err: syscall.EIO}
	got, err, closeErr := readAll(t, d)
	if err != nil || !errors.Is(closeErr, store.ErrPartial) || !errors.Is(closeErr, syscall.EIO) {
		t.Fatalf("read %v, close %v", err, closeErr)
	}
	if len(got) != len(d.data) {
		t.Fatalf("%d bytes of %d", len(got), len(d.data))
	}
	for s := int64(0); s*smallRead < int64(len(got)); s++ {
		from, to := s*smallRead, min((s+1)*smallRead, int64(len(got)))
		want := d.data[from:to]
		if d.bad[s] {
			want = make([]byte, to-from)
		}
		if !bytes.Equal(got[from:to], want) {
			t.Errorf("sector %d is wrong", s)
		}
	}
}

func TestSalvageTriesAgain(t *testing.T) {
	d := &badDisk{data: pattern(2 * bigRead), first: map[int64]bool{7: true}, err: syscall.EIO}
	got, err, closeErr := readAll(t, d)
	if err != nil || closeErr != nil || !bytes.Equal(got, d.data) {
		t.Errorf("%v, %v", err, closeErr)
	}
}

// A dead stretch of a gigabyte must not cost a timeout for every 4096 bytes.
func TestSalvageSkipsAheadInADeadStretch(t *testing.T) {
	const size = 64 * bigRead
	d := &badDisk{data: make([]byte, size), bad: map[int64]bool{}, err: syscall.EIO}
	for s := int64(16); s < size/smallRead; s++ {
		d.bad[s] = true
	}
	_, err, closeErr := readAll(t, d)
	if err != nil || !errors.Is(closeErr, store.ErrPartial) {
		t.Fatalf("%v, %v", err, closeErr)
	}
	if sectors := size / smallRead; d.reads > sectors/10 {
		t.Errorf("%d reads for %d dead sectors", d.reads, sectors)
	}
}

func TestSalvageGivesUpOnWhatIsNoFile(t *testing.T) {
	for name, d := range map[string]*badDisk{
		"nothing readable": {data: pattern(smallRead), bad: map[int64]bool{0: true}, err: syscall.EIO},
		"access denied":    {data: pattern(9 * smallRead), bad: map[int64]bool{0: true}, err: fs.ErrPermission},
	} {
		if _, err, _ := readAll(t, d); !errors.Is(err, d.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSalvageStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ctl := job.NewControl(clock, nil)
	d := &badDisk{data: pattern(bigRead)}
	s := &salvage{ctx: ctx, ctl: ctl, file: d, size: int64(len(d.data))}
	ctl.Gate.Pause()
	cancel()
	if _, err := s.Read(make([]byte, 10)); !errors.Is(err, context.Canceled) {
		t.Errorf("a paused reader ended with %v", err)
	}
}

// A file is put off by hand at the first try only, and counted once.
func TestPutOffByHand(t *testing.T) {
	d := &badDisk{data: pattern(3 * bigRead)}
	ctl := job.NewControl(clock, nil)
	ctl.Gate.PutOff("") // of files before
	s := &salvage{ctx: t.Context(), ctl: ctl, file: d, size: int64(len(d.data)), first: true, round: ctl.Gate.Round()}
	p := make([]byte, bigRead)
	if n, err := s.Read(p); n == 0 || err != nil {
		t.Fatal(n, err)
	}
	ctl.Gate.PutOff("")
	if n, err := s.Read(p); n != 0 || !errors.Is(err, store.ErrLater) {
		t.Errorf("read %d, %v", n, err)
	}
	if got := ctl.Progress.Snapshot(); got.PutOff != 1 || got.BytesDone != 0 {
		t.Errorf("%+v", got)
	}
	s = &salvage{ctx: t.Context(), ctl: ctl, file: d, size: int64(len(d.data))}
	ctl.Gate.PutOff("")
	if data, err := io.ReadAll(s); err != nil || !bytes.Equal(data, d.data) {
		t.Errorf("the second try ends with %v after %d bytes", err, len(data))
	}
}

// Files of a folder that was put off are not touched at the first try; those beside
// it are.
func TestPutOffFolder(t *testing.T) {
	d := &badDisk{data: pattern(smallRead)}
	opened := 0
	open := func() (volume.File, error) { opened++; return d, nil }
	g := &gatherer{ctl: job.NewControl(clock, nil), plan: &Plan{Units: []Unit{{User: "anna"}}}}
	g.ctl.Gate.PutOff(`C:\Users\anna\Videos`)
	first, again := g.hard(t.Context(), 0, `C:\Users\anna\Videos\2019\a.mp4`, smallRead, open)
	if _, err := first(); !errors.Is(err, store.ErrLater) || opened != 0 {
		t.Errorf("opened %d times, %v", opened, err)
	}
	if got := g.ctl.Progress.Snapshot(); got.PutOff != 1 || got.Current != "" {
		t.Errorf("%+v", got)
	}
	f, err := again()
	if err != nil || opened != 1 {
		t.Fatalf("opened %d times, %v", opened, err)
	}
	if data, err := io.ReadAll(f); err != nil || !bytes.Equal(data, d.data) || g.ctl.Progress.Snapshot().PutOff != 0 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	first, _ = g.hard(t.Context(), 0, `C:\Users\anna\Videos.txt`, smallRead, open)
	if _, err := first(); err != nil || opened != 2 {
		t.Errorf("opened %d times, %v", opened, err)
	}
}
