package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"sync"
	"time"
)

// Careful reads a disk that may be dying, for everybody above. What cannot be
// read is read again in smaller steps, so that a bad sector spoils its own block
// only; a bad block is remembered and never touched again; a read that does not
// come back is given up; a disk that answers nothing any more is gone.
//
// A read across a bad block gives what lies before it, and an error that wraps
// ErrBad. It may be used from several goroutines; once there was trouble, they
// read one after the other, for a sector that stalls holds up all reads, and the
// innocent ones must not be taken for bad.
type Careful struct {
	r   io.ReaderAt
	opt CarefulOptions

	mu     sync.Mutex
	ctx    context.Context // of the work that is being done, see Interrupt
	bad    []extent        // sorted, none touches another
	health Health
	row    int   // blocks that failed since one was read
	good   int64 // where something was read last
	stuck  int   // reads that were given up and have not come back
	ill    bool  // there was trouble

	turn   chan struct{} // held by who reads, once there was trouble
	back   chan struct{} // a stuck read came back
	buffer sync.Pool
}

// CarefulOptions are wishes for a Careful; zero fields take a common value.
type CarefulOptions struct {
	Timeout time.Duration // of one read: 20 s, more than a healthy disk ever needs
	// Alive tells why the disk is not there any more, nil if it is.
	Alive func() error
}

// Health is what a Careful has met.
type Health struct {
	Areas    int   `json:"areas,omitempty"` // that cannot be read
	Bytes    int64 `json:"bytes,omitempty"` // in them
	Timeouts int64 `json:"timeouts,omitempty"`
	Gone     bool  `json:"gone,omitempty"`
}

// Errors of a Careful.
var (
	// ErrBad says that a part of the disk cannot be read.
	ErrBad = errors.New("bad sectors")
	// ErrGone says that the disk is not there any more, or has stopped to answer.
	ErrGone = errors.New("the disk does not answer any more")
	// errTimeout says that one read did not come back in time.
	errTimeout = errors.New("no answer in time")
)

const (
	// Block is what a bad sector spoils: the page of a system's cache, and the
	// physical sector of most disks.
	Block = 4096
	// A read that fails goes on in steps of the first size, and where one of them
	// fails in those of the second.
	firstStep, lastStep = 64 << 10, Block

	carefulTimeout = 20 * time.Second
	// How many timeouts long a read that does not come back is waited for before
	// the disk counts as gone: systems reset a disk that hangs.
	patience = 3
	// So many blocks in a row without one that can be read raise the question
	// whether the disk is there at all.
	suspicious = 8
)

// extent is a stretch of a disk.
type extent struct{ from, to int64 }

// NewCareful reads r carefully.
func NewCareful(r io.ReaderAt, opt CarefulOptions) *Careful {
	if opt.Timeout == 0 {
		opt.Timeout = carefulTimeout
	}
	return &Careful{r: r, opt: opt, ctx: context.Background(), good: -1, turn: make(chan struct{}, 1), back: make(chan struct{}, 1)}
}

// Health tells what was met so far.
func (c *Careful) Health() Health {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.health
}

// Interrupt lets ctx end reads that are waiting, until release is called.
func (c *Careful) Interrupt(ctx context.Context) (release func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.ctx
	c.ctx = ctx
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.ctx == ctx {
			c.ctx = before
		}
	}
}

// ReadAt implements io.ReaderAt.
func (c *Careful) ReadAt(p []byte, off int64) (int, error) {
	want := len(p)
	p, known := c.untilBad(p, off)
	n, err := c.read(p, off)
	if err != nil && !errors.Is(err, io.EOF) && !c.final(err) {
		var more int
		more, err = c.localise(p[n:], off+int64(n), err)
		n += more
	}
	if err == nil && n < want && known != nil {
		err = known
	}
	return n, err
}

// untilBad cuts p before the first block that is known to be bad.
func (c *Careful) untilBad(p []byte, off int64) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := sort.Search(len(c.bad), func(i int) bool { return c.bad[i].to > off })
	if i == len(c.bad) || c.bad[i].from >= off+int64(len(p)) {
		return p, nil
	}
	return p[:max(c.bad[i].from-off, 0)], fmt.Errorf("%w at %d", ErrBad, max(c.bad[i].from, off))
}

// localise reads what a big read could not, in smaller steps, up to the first
// block that cannot be read; that one is noted as bad.
func (c *Careful) localise(p []byte, off int64, cause error) (int, error) {
	done := 0
	for _, step := range []int64{firstStep, lastStep} {
		failed := false
		for done < len(p) && !failed {
			at := off + int64(done)
			part := p[done:]
			part = part[:min(int64(len(part)), step-at%step)]
			n, err := c.read(part, at)
			done += n
			switch {
			case err == nil:
			case errors.Is(err, io.EOF) || c.final(err):
				return done, err
			case errors.Is(err, errTimeout) && errors.Is(cause, errTimeout):
				// To look closer would cost one more timeout for each step.
				return done, c.note(extent{at + int64(n), (at/step + 1) * step}, err)
			default:
				failed, cause = true, err
			}
		}
		if !failed {
			return done, nil // it was a passing weakness
		}
	}
	at := off + int64(done)
	part := p[done:]
	part = part[:min(int64(len(part)), lastStep-at%lastStep)]
	n, err := c.read(part, at) // once more: a weak sector often comes at the second try
	if err == nil || errors.Is(err, io.EOF) || c.final(err) {
		return done + n, err // the rest is the next read's
	}
	return done + n, c.note(extent{at / Block * Block, (at/Block + 1) * Block}, err)
}

// note remembers a stretch as bad and finds out whether the disk is still there.
func (c *Careful) note(e extent, cause error) error {
	c.mu.Lock()
	i := sort.Search(len(c.bad), func(i int) bool { return c.bad[i].to >= e.from })
	j := i
	for j < len(c.bad) && c.bad[j].from <= e.to {
		e.from, e.to = min(e.from, c.bad[j].from), max(e.to, c.bad[j].to)
		c.health.Bytes -= c.bad[j].to - c.bad[j].from
		j++
	}
	c.bad = append(c.bad[:i], append([]extent{e}, c.bad[j:]...)...)
	c.health.Bytes += e.to - e.from
	c.health.Areas = len(c.bad)
	c.row++
	ask := c.row%suspicious == 0
	good := c.good
	c.mu.Unlock()
	if ask || isGone(cause) {
		if err := c.isThere(good, cause); err != nil {
			return c.gone(err)
		}
	}
	return fmt.Errorf("%w at %d: %w", ErrBad, e.from, cause)
}

// isThere asks the system, or else reads what could be read before.
func (c *Careful) isThere(good int64, cause error) error {
	if isGone(cause) {
		return cause
	}
	if c.opt.Alive != nil {
		return c.opt.Alive()
	}
	if good < 0 {
		return nil // nothing was ever read: nobody knows
	}
	_, err := c.read(make([]byte, Block), good)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (c *Careful) gone(cause error) error {
	c.mu.Lock()
	c.health.Gone = true
	c.mu.Unlock()
	return fmt.Errorf("%w: %w", ErrGone, cause)
}

// final reports an error that no smaller step can change.
func (c *Careful) final(err error) bool {
	return errors.Is(err, ErrGone) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// read makes one read of the disk that ends in time.
func (c *Careful) read(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c.mu.Lock()
	ctx, ill := c.ctx, c.ill
	c.mu.Unlock()
	if ill {
		select {
		case c.turn <- struct{}{}:
			defer func() { <-c.turn }()
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		if err := c.await(ctx); err != nil {
			return 0, err
		}
	}
	if c.Health().Gone {
		return 0, ErrGone
	}
	n, err := c.try(ctx, p, off)
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 {
		c.row, c.good = 0, off
	}
	switch {
	case errors.Is(err, errTimeout):
		c.health.Timeouts++
		c.ill = true
	case err != nil && !errors.Is(err, io.EOF) && ctx.Err() == nil:
		c.ill = true
	}
	return n, err
}

// await waits until reads that were given up have come back.
func (c *Careful) await(ctx context.Context) error {
	timer := time.NewTimer(patience * c.opt.Timeout)
	defer timer.Stop()
	for {
		c.mu.Lock()
		stuck, gone := c.stuck, c.health.Gone
		c.mu.Unlock()
		if stuck == 0 || gone {
			return nil
		}
		select {
		case <-c.back:
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return c.gone(errTimeout)
		}
	}
}

// try makes a read and waits for it. The disk reads into a buffer of its own,
// which it keeps if it does not come back.
func (c *Careful) try(ctx context.Context, p []byte, off int64) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	buf, _ := c.buffer.Get().(*[]byte)
	if buf == nil || cap(*buf) < len(p) {
		b := make([]byte, len(p))
		buf = &b
	}
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	go func() {
		n, err := c.r.ReadAt((*buf)[:len(p)], off)
		done <- result{n, err}
	}()
	timer := time.NewTimer(c.opt.Timeout)
	defer timer.Stop()
	var r result
	var late error
	select {
	case r = <-done:
	case <-ctx.Done():
		late = ctx.Err()
	case <-timer.C:
		late = errTimeout
	}
	if late != nil {
		select {
		case r = <-done: // this computer was late, not the disk
		default:
			c.abandon(func() { <-done })
			return 0, late
		}
	}
	copy(p, (*buf)[:r.n])
	c.buffer.Put(buf)
	if r.n == len(p) {
		r.err = nil
	}
	return r.n, r.err
}

// abandon counts a read as stuck until it comes back.
func (c *Careful) abandon(back func()) {
	c.mu.Lock()
	c.stuck++
	c.mu.Unlock()
	go func() {
		back()
		c.mu.Lock()
		c.stuck--
		c.mu.Unlock()
		select {
		case c.back <- struct{}{}:
		default: // one is enough to look again
		}
	}()
}
