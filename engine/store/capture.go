package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kopia/kopia/fs"
	"github.com/kopia/kopia/repo/manifest"
	"github.com/kopia/kopia/snapshot"
)

// Meta says what is captured. Captures of the same Computer and Source continue
// one another.
type Meta struct {
	Computer string
	Source   string // the Windows folder or volume, `C:\Windows`
	Product  string // `Windows 11 Pro 23H2`, empty if it is not known
	// Safe is called after each checkpoint with the number of source bytes
	// that are flushed to the medium.
	Safe func(bytes int64)
}

// Item is one file to store.
type Item struct {
	Path    string // inside the capture, see FilePath and StreamPath
	Size    int64
	ModTime time.Time
	Open    func() (io.ReadCloser, error)
	// Place is where the file begins on its disk, in any unit, 0 if that is not known:
	// of the files that wait, those that follow one another there are read so.
	Place  int64
	Sparse bool // long runs of zeros in it take no room on the source
	// Native gives the file on this computer to a store that links; it is nil, or
	// gives nothing, if the file must not be linked.
	Native func() string
	// Again, if not nil, makes a failure with ErrLater no failure: the file is put
	// off, and opened by Again when everything else has been read, see Rest.
	Again func() (io.ReadCloser, error)
}

// Outcome tells how it went with one Item.
type Outcome struct {
	Read   int64 // bytes read from the source
	Reused bool  // not read: an earlier run stored it
	Linked bool  // not read: the store holds a hard link to it
	Err    error // from Open, Read or Close of the source, or ErrEnded; the file is not stored unless it is ErrPartial
}

// Summary closes a capture.
type Summary struct {
	Description string
	Errors      int // objects left out, for kopia's list
}

// Capture is a tree being written. One goroutine adds to it.
type Capture struct {
	s      *Store
	meta   Meta
	source snapshot.SourceInfo
	start  time.Time
	w      session

	ctx    context.Context // ends with the capture
	cancel context.CancelFunc
	jobs   *sweep
	work   sync.WaitGroup
	busy   sync.WaitGroup // jobs that were handed out and are not done or put off
	closed bool           // jobs is closed
	over   bool           // it was finished or aborted

	old     []manifest.ID // checkpoints of the source
	resumed bool
	root    *folder
	chain   map[string][]*folder // the open folders below each name in the root

	mu    sync.Mutex // guards the links between folders and the rest
	err   error      // what ended the capture
	later []job      // put off

	bytes     atomic.Int64 // of finished items and of those being read
	reused    atomic.Int32
	read      atomic.Int32
	safepoint checkpoint
}

type job struct {
	item Item
	in   *folder
	done func(Outcome)

	seq, round int64 // see sweep
}

// Begin starts a capture. If earlier runs for the same source were
// interrupted, files they stored are not read again unless size or time
// changed. End it with Finish or Abort.
func (s *Store) Begin(ctx context.Context, m Meta) (*Capture, error) {
	if s.opt.ReadOnly {
		return nil, fmt.Errorf("begin capture in %s: %w", s.dir, ErrReadOnly)
	}
	c := &Capture{
		s:     s,
		meta:  m,
		start: s.clock.Now(),
		source: snapshot.SourceInfo{
			Host:     orElse(m.Computer, "unknown"),
			UserName: userName,
			Path:     orElse(m.Source, "C:"),
		},
		root:  &folder{entries: entryList{work: &s.work}},
		chain: map[string][]*folder{},
	}
	manifests, err := s.manifests(ctx, &c.source)
	if err != nil {
		return nil, err
	}
	for _, m := range manifests {
		if m.IncompleteReason == "" {
			c.root.prev = nil // what came before led to this and is done with
			continue
		}
		c.old = append(c.old, m.ID)
		// The newest comes first: if several hold a file, it wins.
		if dir, err := s.openDirectory(ctx, "", m.RootEntry.ObjectID); err == nil {
			c.root.prev = append([]*directory{dir}, c.root.prev...)
		}
	}
	c.resumed = len(c.root.prev) > 0
	// What the caller's context carries must not end the capture halfway
	// through a checkpoint; the methods take one each.
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if c.w, err = s.repo.begin(c.ctx); err != nil {
		c.cancel()
		return nil, fmt.Errorf("begin capture in %s: %w", s.dir, err)
	}
	c.safepoint.last = c.start
	workers := s.opt.Workers
	if workers <= 0 {
		workers = min(runtime.GOMAXPROCS(0)+1, 9)
	}
	c.jobs = newSweep()
	for range workers {
		c.work.Add(1)
		go c.worker()
	}
	return c, nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// Resumed reports whether the capture goes on where an earlier run stopped.
func (c *Capture) Resumed() bool { return c.resumed }

// Add hands a file to the workers and waits while too many wait for them. Items
// arrive folder by folder: below each of File, Streams and so on, a folder is
// closed when the next path lies outside it, and nothing can be added to it
// any more. done, if not nil, is called once, from any goroutine,
// unless Add returns an error, or the capture is aborted before it was the turn of
// a file that was put off.
//
// An error means that the store failed, or ctx ended, and so did the capture.
// Errors of the source are only in the Outcome.
func (c *Capture) Add(ctx context.Context, it Item, done func(Outcome)) error {
	if done == nil {
		done = func(Outcome) {}
	}
	dir, name := splitPath(it.Path)
	if err := checkName(name); err != nil {
		return fmt.Errorf("add %s: %w", it.Path, err)
	}
	in, err := c.enter(ctx, dir)
	if err != nil {
		return fmt.Errorf("add %s: %w", it.Path, err)
	}
	c.w.claim(it.Path, false)
	if old := in.earlier(name); old != nil && old.FileSize == it.Size && old.ModTime == entryTime(it.ModTime) && old.Permissions == fileMode && c.w.reuse(it.Path, old) {
		if err := in.entries.add(old); err != nil {
			return c.fail(err)
		}
		c.bytes.Add(it.Size)
		c.reused.Add(1)
		_, linked := c.s.repo.linked(it.Path, old)
		done(Outcome{Reused: true, Linked: linked})
		return c.maybeCheckpoint()
	}
	c.mu.Lock()
	in.pending++
	c.mu.Unlock()
	if err := c.hand(ctx, job{item: it, in: in, done: done}); err != nil {
		c.release(in)
		return err
	}
	return nil
}

// hand gives a job to the workers.
func (c *Capture) hand(ctx context.Context, j job) error {
	c.busy.Add(1)
	var err error
	select {
	case c.jobs.room <- struct{}{}:
		c.jobs.put(j)
		return nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-c.ctx.Done():
		err = c.failure()
	}
	c.busy.Done()
	return err
}

// maxLater bounds the files that are put off, each of which keeps its folder
// open; of more the hard parts are read at once.
const maxLater = 4096

// putOff keeps a job for Rest, if there is room.
func (c *Capture) putOff(j job) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.later) >= maxLater {
		return false
	}
	c.later = append(c.later, j)
	return true
}

// Rest waits until everything else has been read and hands the files that were
// put off to the workers again. It tells how many there were.
func (c *Capture) Rest(ctx context.Context) (int, error) {
	if err := within(ctx, func() error { c.busy.Wait(); return nil }); err != nil {
		return 0, err
	}
	c.mu.Lock()
	later := c.later
	c.later = nil
	c.mu.Unlock()
	for _, j := range later {
		if err := c.hand(ctx, j); err != nil {
			return len(later), err
		}
	}
	return len(later), nil
}

// AddDir enters a folder, so that it is there even if it stays empty, and sets
// its time.
func (c *Capture) AddDir(ctx context.Context, path string, modTime time.Time) error {
	f, err := c.enter(ctx, path)
	if err != nil {
		return fmt.Errorf("add %s: %w", path, err)
	}
	c.mu.Lock()
	f.mod = entryTime(modTime)
	c.mu.Unlock()
	return nil
}

// Create opens a file of unknown size for writing. Any number may be open at
// once, each written by a goroutine of its own; all must be closed before
// Finish.
func (c *Capture) Create(ctx context.Context, path string) (io.WriteCloser, error) {
	dir, name := splitPath(path)
	if err := checkName(name); err != nil {
		return nil, fmt.Errorf("create %s: %w", path, err)
	}
	in, err := c.enter(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", path, err)
	}
	c.mu.Lock()
	in.pending++
	c.mu.Unlock()
	c.w.claim(path, false)
	return &stream{c: c, in: in, name: name, w: c.w.create(c.ctx, newObject{path: path})}, nil
}

// stream is a file being written by the caller.
type stream struct {
	c    *Capture
	in   *folder
	name string
	w    writer
	size int64
}

func (s *stream) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.size += int64(n)
	return n, s.c.fail(err)
}

func (s *stream) Close() error {
	if s.w == nil {
		return nil
	}
	id, err := s.w.Result()
	s.w.Close()
	s.w = nil
	if err == nil {
		err = s.in.entries.add(&snapshot.DirEntry{
			Name:        s.name,
			Type:        snapshot.EntryTypeFile,
			Permissions: fileMode,
			FileSize:    s.size,
			ModTime:     fs.UTCTimestampFromTime(s.c.s.clock.Now()),
			ObjectID:    id,
		})
	}
	s.c.release(s.in)
	return s.c.fail(err)
}

// worker reads and stores files until there are no more.
func (c *Capture) worker() {
	defer c.work.Done()
	buf := make([]byte, bigRead)
	for {
		j, more := c.jobs.take()
		if !more {
			return
		}
		c.do(j, buf)
		c.busy.Done()
		c.maybeCheckpoint()
	}
}

// do stores a file or puts it off.
func (c *Capture) do(j job, buf []byte) {
	out := c.store(j, buf)
	if errors.Is(out.Err, ErrLater) && j.item.Again != nil {
		c.bytes.Add(-out.Read)
		j.item.Open, j.item.Again = j.item.Again, nil
		if c.putOff(j) {
			return
		}
		out = c.store(j, buf)
	}
	c.release(j.in)
	j.done(out)
}

// fail records what ended the capture and passes err on.
func (c *Capture) fail(err error) error {
	if err == nil {
		return nil
	}
	c.mu.Lock()
	if c.err == nil && c.ctx.Err() == nil {
		c.err = err
	}
	c.mu.Unlock()
	c.cancel()
	return err
}

// failure is why the capture ended.
func (c *Capture) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	return context.Canceled
}

// ended is the outcome of a file that the end of the capture came upon.
func (c *Capture) ended() error { return fmt.Errorf("%w: %w", ErrEnded, c.failure()) }

// Finish waits for all items, writes the tree and flushes it to the medium,
// then the marker USMT.MIG, then removes the checkpoints of this source.
func (c *Capture) Finish(ctx context.Context, sum Summary) (ID, error) {
	id, err := c.finish(ctx, sum)
	if err != nil {
		return "", fmt.Errorf("finish capture in %s: %w", c.s.dir, err)
	}
	return id, nil
}

func (c *Capture) finish(ctx context.Context, sum Summary) (ID, error) {
	if _, err := c.Rest(ctx); err != nil && c.ctx.Err() == nil {
		return "", err
	}
	if err := c.drain(ctx); err != nil {
		return "", err
	}
	for _, open := range c.chain {
		c.leave(open)
	}
	clear(c.chain)
	c.mu.Lock()
	open := len(c.root.live)
	c.mu.Unlock()
	if err := c.ctx.Err(); err != nil {
		return "", c.failure()
	}
	if open > 0 {
		return "", errors.New("a file opened by Create is not closed")
	}
	var id ID
	c.work.Add(1) // so that Abort waits for it, should ctx end before it
	err := within(ctx, func() error {
		defer c.work.Done()
		c.safepoint.mu.Lock()
		defer c.safepoint.mu.Unlock()
		root, err := c.write(c.root, "")
		if err != nil {
			return err
		}
		m := c.manifest(root, "")
		m.Description = sum.Description
		m.Stats.IgnoredErrorCount = int32(sum.Errors)
		saved, err := c.w.save(c.ctx, m)
		if err != nil {
			return err
		}
		if err := c.w.flush(c.ctx); err != nil {
			return err
		}
		id = ID(saved)
		total := root.DirSummary
		if err := writeMarker(c.s.dir, Marker{
			Format:    markerFormat,
			Version:   FormatVersion,
			Kind:      c.s.kind,
			Store:     c.s.UniqueID(),
			Capture:   id,
			Computer:  short(c.meta.Computer),
			Product:   short(c.meta.Product),
			Created:   m.EndTime.ToTime().UTC(),
			Protected: c.s.opt.Password != "",
			Files:     total.TotalFileCount,
			Bytes:     total.TotalFileSize,
		}); err != nil {
			return c.s.repo.fault("write", filepath.Join(c.s.dir, markerName), err)
		}
		if c.meta.Safe != nil {
			c.meta.Safe(c.bytes.Load())
		}
		// From here on the capture is complete. Checkpoints that stay because
		// the medium fails now do no harm: Begin passes over them.
		for _, old := range append(c.old, c.safepoint.id) {
			if err := c.w.remove(c.ctx, old); err != nil {
				return nil
			}
		}
		c.w.flush(c.ctx)
		return nil
	})
	if err != nil {
		return "", c.fail(err)
	}
	return id, c.close(ctx)
}

// Abort ends the capture without finishing it. With keep, a last checkpoint is
// written, so that the next run goes on here. It does nothing after Finish.
func (c *Capture) Abort(ctx context.Context, keep bool) error {
	if c.over {
		return nil
	}
	lost := c.ctx.Err() != nil
	if !c.closed {
		c.jobs.close()
		c.closed = true
	}
	// Files that are being read are given up; those that wait were not begun.
	c.cancel()
	c.mu.Lock()
	c.later = nil
	c.mu.Unlock()
	err := within(ctx, func() error { c.work.Wait(); return nil })
	if keep && !lost && err == nil {
		c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
		err = within(ctx, c.checkpoint)
		c.cancel()
	}
	return errors.Join(err, c.close(ctx))
}

// drain waits until all items are stored.
func (c *Capture) drain(ctx context.Context) error {
	if !c.closed {
		c.jobs.close()
		c.closed = true
	}
	if err := within(ctx, func() error { c.work.Wait(); return nil }); err != nil {
		return err
	}
	if c.ctx.Err() != nil {
		return c.failure()
	}
	return nil
}

func (c *Capture) close(ctx context.Context) error {
	c.cancel()
	if c.over {
		return nil
	}
	c.over = true
	return c.w.close(context.WithoutCancel(ctx))
}

// within runs f and stops waiting for it when ctx ends.
func within(ctx context.Context, f func() error) error {
	result := make(chan error, 1)
	go func() { result <- f() }()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// manifest describes the capture to kopia.
func (c *Capture) manifest(root *snapshot.DirEntry, incomplete string) *snapshot.Manifest {
	sum := root.DirSummary
	m := &snapshot.Manifest{
		Source:           c.source,
		StartTime:        fs.UTCTimestampFromTime(c.start),
		EndTime:          fs.UTCTimestampFromTime(c.s.clock.Now()),
		IncompleteReason: incomplete,
		RootEntry:        root,
		Tags:             map[string]string{tagPrefix + "format": fmt.Sprint(FormatVersion)},
		Stats: snapshot.Stats{
			TotalFileSize:       sum.TotalFileSize,
			TotalFileCount:      int32(sum.TotalFileCount),
			TotalDirectoryCount: int32(sum.TotalDirCount),
			CachedFiles:         c.reused.Load(),
			NonCachedFiles:      c.read.Load(),
		},
	}
	if c.meta.Product != "" {
		m.Tags[tagProduct] = c.meta.Product
	}
	return m
}

// tagPrefix is how kopia marks its users' own labels.
const (
	tagPrefix  = "tag:"
	tagProduct = tagPrefix + "product"
)

// checkpoint is when and what was made safe last.
type checkpoint struct {
	mu    sync.Mutex
	id    manifest.ID   // this run's checkpoint
	last  time.Time     // when it ended
	cost  time.Duration // how long it took
	bytes int64         // how much it holds
	files int32         // how many files were stored by then, or by the last flush
}

// A checkpoint is due after 64 MiB or ten seconds, but not so often that
// checkpoints take more than a twentieth of the time, or that a long capture
// collects thousands of small indexes.
const (
	checkpointBytes = 64 << 20
	checkpointEvery = 10 * time.Second
	checkpointPause = 2 * time.Second
)

func (p *checkpoint) due(now, start time.Time, bytes int64) bool {
	gap := now.Sub(p.last)
	if gap < max(20*p.cost, now.Sub(start)/100) {
		return false
	}
	return gap >= checkpointEvery || gap >= checkpointPause && bytes-p.bytes >= checkpointBytes
}

// flushFiles are so many files that a flush is due: what kopia knows of them is in
// memory until then. It is no checkpoint, which costs what the open folders hold.
const flushFiles = 50000

// maybeCheckpoint makes a checkpoint, or a flush, if it is time. An error ends the
// capture.
func (c *Capture) maybeCheckpoint() error {
	p := &c.safepoint
	if !p.mu.TryLock() {
		return nil
	}
	defer p.mu.Unlock()
	if c.ctx.Err() != nil {
		return nil
	}
	files := c.read.Load()
	switch {
	case p.due(c.s.clock.Now(), c.start, c.bytes.Load()):
		return c.fail(c.makeCheckpoint())
	case files-p.files >= flushFiles:
		p.files = files
		return c.fail(c.w.flush(c.ctx))
	}
	return nil
}

// checkpoint flushes all that is finished and leaves a snapshot marked
// incomplete that refers to it, so that nothing of it is lost or read again.
func (c *Capture) checkpoint() error {
	c.safepoint.mu.Lock()
	defer c.safepoint.mu.Unlock()
	return c.makeCheckpoint()
}

// makeCheckpoint is checkpoint for one who holds the lock.
func (c *Capture) makeCheckpoint() error {
	p := &c.safepoint
	began := c.s.clock.Now()
	bytes, files := c.bytes.Load(), c.read.Load()
	root, err := c.write(c.root, "checkpoint")
	if err != nil {
		return err
	}
	id, err := c.w.save(c.ctx, c.manifest(root, "checkpoint"))
	if err != nil {
		return err
	}
	if p.id != "" {
		if err := c.w.remove(c.ctx, p.id); err != nil {
			return err
		}
	}
	if err := c.w.flush(c.ctx); err != nil {
		return err
	}
	p.id, p.bytes, p.files, p.last = id, bytes, files, c.s.clock.Now()
	p.cost = p.last.Sub(began)
	if c.meta.Safe != nil {
		c.meta.Safe(bytes)
	}
	return nil
}
