package disk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// dying is a disk with bad blocks, blocks that fail once, and blocks that stall.
// What it makes wait waits on channels, so that time in a bubble of synctest goes on.
type dying struct {
	data    []byte
	mu      sync.Mutex
	bad     map[int64]bool // by number of the block
	weak    map[int64]bool // fail once
	stall   map[int64]bool // do not come back for a while, and hold up all others
	hang    chan struct{}
	takes   time.Duration // how long a stall is
	held    chan struct{} // while a stall holds up the disk; closed when it is over
	touched map[int64]int // how often a bad block was asked for
	reads   atomic.Int64
	dead    atomic.Bool
	err     error
}

func newDying(n int) *dying {
	return &dying{data: noise(n, 11), bad: map[int64]bool{}, weak: map[int64]bool{}, stall: map[int64]bool{}, hang: make(chan struct{}), touched: map[int64]int{}, takes: time.Hour, err: syscall.EIO}
}

func (d *dying) ReadAt(p []byte, off int64) (int, error) {
	d.reads.Add(1)
	if d.dead.Load() {
		return 0, d.err
	}
	d.mu.Lock()
	failed, stalled := false, false
	for b := off / Block; b*Block < off+int64(len(p)); b++ {
		if d.bad[b] {
			d.touched[b]++
			failed = true
		}
		if d.weak[b] {
			delete(d.weak, b)
			failed = true
		}
		stalled = stalled || d.stall[b]
	}
	d.mu.Unlock()
	switch {
	case stalled:
		over := d.take() // and hold up everybody behind
		select {
		case <-d.hang:
		case <-time.After(d.takes):
		}
		over()
		return 0, syscall.EIO
	case failed:
		return 0, d.err
	}
	d.wait()
	defer d.mu.Unlock()
	return bytes.NewReader(d.data).ReadAt(p, off)
}

// wait locks the disk when no stall holds it up.
func (d *dying) wait() {
	d.mu.Lock()
	for held := d.held; held != nil; held = d.held {
		d.mu.Unlock()
		<-held
		d.mu.Lock()
	}
}

// take holds up the disk until over is called.
func (d *dying) take() (over func()) {
	d.wait()
	defer d.mu.Unlock()
	held := make(chan struct{})
	d.held = held
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.held = nil
		close(held)
	}
}

// readAround reads all that can be read, and returns the blocks that cannot.
func readAround(t *testing.T, c *Careful, d *dying, chunk int) map[int64]bool {
	t.Helper()
	lost := map[int64]bool{}
	p := make([]byte, chunk)
	for at := int64(0); at < int64(len(d.data)); {
		n, err := c.ReadAt(p[:min(int64(chunk), int64(len(d.data))-at)], at)
		if !bytes.Equal(p[:n], d.data[at:at+int64(n)]) {
			t.Fatalf("wrong bytes at %d", at)
		}
		at += int64(n)
		switch {
		case err == nil:
		case errors.Is(err, ErrBad):
			lost[at/Block] = true
			at = (at/Block + 1) * Block
		default:
			t.Fatal(err)
		}
	}
	return lost
}

// One block of a hundred is bad: only those are lost, each is touched a few
// times and never again.
func TestCarefulLosesOnlyBadBlocks(t *testing.T) {
	d := newDying(16<<20 + 100)
	rnd := rand.New(rand.NewPCG(5, 5))
	for b := range int64(len(d.data) / Block) {
		switch rnd.IntN(100) {
		case 0:
			d.bad[b] = true
		case 1:
			d.weak[b] = true
		}
	}
	c := NewCareful(d, CarefulOptions{})
	for _, chunk := range []int{1 << 20, 5000} {
		lost := readAround(t, c, d, chunk)
		if len(lost) != len(d.bad) {
			t.Errorf("lost %d blocks of %d bad ones", len(lost), len(d.bad))
		}
		for b := range lost {
			if !d.bad[b] {
				t.Errorf("block %d was lost", b)
			}
		}
		if h := c.Health(); h.Bytes != int64(len(d.bad))*Block || h.Gone || h.Areas == 0 || h.Areas > len(d.bad) {
			t.Errorf("%+v", h)
		}
		for b, n := range d.touched {
			if n > 40 {
				t.Errorf("block %d was touched %d times", b, n)
			}
		}
		clear(d.touched)
		if chunk == 1<<20 {
			continue
		}
	}
	if len(d.touched) > 0 {
		t.Errorf("%d bad blocks were touched again", len(d.touched))
	}
}

// A bad block is asked for once in each size of step, and twice in its own.
func TestCarefulTouchesABadBlockFewTimes(t *testing.T) {
	d := newDying(4 << 20)
	d.bad[300] = true
	readAround(t, NewCareful(d, CarefulOptions{}), d, 1<<20)
	if n := d.touched[300]; n != 4 {
		t.Errorf("touched %d times", n)
	}
}

func TestCarefulStalls(t *testing.T) { synctest.Test(t, testCarefulStalls) }

func testCarefulStalls(t *testing.T) {
	d := newDying(4 << 20)
	defer close(d.hang)
	d.stall[300], d.takes = true, 30*time.Second
	c := NewCareful(d, CarefulOptions{})
	began := time.Now()
	p := make([]byte, 1<<20)
	n, err := c.ReadAt(p, 1<<20)
	if !errors.Is(err, ErrBad) || n != 300*Block/firstStep*firstStep-1<<20 || !bytes.Equal(p[:n], d.data[1<<20:][:n]) {
		t.Errorf("%d, %v", n, err)
	}
	if took := time.Since(began); took != d.takes+carefulTimeout { // the first stall has to pass
		t.Errorf("it took %v", took)
	}
	reads := d.reads.Load()
	if n, err := c.ReadAt(p[:Block], 300*Block); n != 0 || !errors.Is(err, ErrBad) || d.reads.Load() != reads {
		t.Errorf("touched again: %d, %v", n, err)
	}
	if n, err := c.ReadAt(p, 3<<20); n != len(p) || err != nil {
		t.Errorf("behind it: %d, %v", n, err)
	}
	if h := c.Health(); h.Timeouts != 2 || h.Bytes != firstStep || h.Areas != 1 || h.Gone {
		t.Errorf("%+v", h)
	}
}

// A disk that stalls everywhere is given up, and comes back by itself not at all.
func TestCarefulGivesUpADiskThatHangs(t *testing.T) {
	synctest.Test(t, testCarefulGivesUpADiskThatHangs)
}

func testCarefulGivesUpADiskThatHangs(t *testing.T) {
	d := newDying(64 << 20)
	defer close(d.hang)
	for b := range int64(len(d.data) / Block) {
		d.stall[b] = true
	}
	c := NewCareful(d, CarefulOptions{})
	var err error
	p := make([]byte, 1<<20)
	for at := int64(0); at < int64(len(d.data)) && !errors.Is(err, ErrGone); at += int64(len(p)) {
		_, err = c.ReadAt(p, at)
	}
	if !errors.Is(err, ErrGone) || !c.Health().Gone || d.reads.Load() > 2 {
		t.Errorf("%v after %d reads", err, d.reads.Load())
	}
}

func TestCarefulNoticesThatADiskVanished(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		alive func() error
	}{
		"the system says so": {syscall.ENODEV, nil},
		"I/O errors only":    {syscall.EIO, nil},
		"its device is gone": {syscall.EIO, func() error { return syscall.ENOENT }},
	} {
		d := newDying(64 << 20)
		careful := NewCareful(d, CarefulOptions{Alive: c.alive})
		p := make([]byte, 1<<20)
		if n, err := careful.ReadAt(p, 0); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
		d.err = c.err
		d.dead.Store(true)
		var err error
		tries := 0
		for at := int64(1 << 20); at < 40<<20 && !errors.Is(err, ErrGone); at += Block {
			_, err = careful.ReadAt(p[:Block], at)
			tries++
		}
		if !errors.Is(err, ErrGone) || tries > suspicious {
			t.Errorf("%s: %v after %d tries", name, err, tries)
		}
		if reads := d.reads.Load(); errors.Is(err, ErrGone) {
			if _, err := careful.ReadAt(p, 0); !errors.Is(err, ErrGone) || d.reads.Load() != reads {
				t.Errorf("%s: it is asked again: %v", name, err)
			}
		}
	}
}

// A stall holds up the reads of others, which must not be taken for bad.
func TestCarefulStallsHoldUpOthers(t *testing.T) { synctest.Test(t, testCarefulStallsHoldUpOthers) }

func testCarefulStallsHoldUpOthers(t *testing.T) {
	d := newDying(32 << 20)
	defer close(d.hang)
	d.stall[300], d.takes = true, 30*time.Second
	c := NewCareful(d, CarefulOptions{})
	var all sync.WaitGroup
	var lost atomic.Int64
	for i := range 8 {
		all.Go(func() {
			p := make([]byte, 1<<20)
			for at := int64(i) << 22; at < int64(i+1)<<22; {
				n, err := c.ReadAt(p, at)
				at += int64(n)
				if err != nil {
					if !errors.Is(err, ErrBad) {
						t.Error(err)
						return
					}
					lost.Add(1)
					at += Block
				}
			}
		})
	}
	all.Wait()
	if h := c.Health(); h.Areas != 1 || h.Bytes != firstStep || h.Gone || lost.Load() > firstStep/Block {
		t.Errorf("%+v, lost %d", h, lost.Load())
	}
}

// A long dead stretch on a disk that is there is no reason to give up.
func TestCarefulPassesADeadStretch(t *testing.T) {
	d := newDying(4 << 20)
	for b := int64(100); b < 400; b++ {
		d.bad[b] = true
	}
	c := NewCareful(d, CarefulOptions{})
	if lost := readAround(t, c, d, 1<<20); len(lost) != 300 {
		t.Errorf("lost %d blocks", len(lost))
	}
	if h := c.Health(); h.Areas != 1 || h.Bytes != 300*Block {
		t.Errorf("%+v", h)
	}
}

func TestCarefulEnds(t *testing.T) { synctest.Test(t, testCarefulEnds) }

func testCarefulEnds(t *testing.T) {
	d := newDying(1 << 20)
	defer close(d.hang)
	d.stall[10], d.takes = true, 10*time.Second
	c := NewCareful(d, CarefulOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	release := c.Interrupt(ctx)
	time.AfterFunc(time.Second, cancel)
	if _, err := c.ReadAt(make([]byte, 1<<20), 0); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	release()
	p := make([]byte, 8192)
	if n, err := c.ReadAt(p, int64(len(d.data))-4096); n != 4096 || !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %d, %v", n, err)
	}
	if h := c.Health(); h != (Health{}) {
		t.Errorf("%+v", h)
	}
}

func BenchmarkCareful(b *testing.B) {
	data := make([]byte, 64<<20)
	for name, r := range map[string]io.ReaderAt{"plain": bytes.NewReader(data), "careful": NewCareful(bytes.NewReader(data), CarefulOptions{})} {
		for size, p := range map[string][]byte{"1MiB": make([]byte, 1<<20), "4KiB": make([]byte, 4<<10)} {
			b.Run(name+"/"+size, func(b *testing.B) {
				b.SetBytes(int64(len(p)))
				for i := 0; b.Loop(); i++ {
					if _, err := r.ReadAt(p, int64(i*len(p)%(len(data)-len(p)))); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
