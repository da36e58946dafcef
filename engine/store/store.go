package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/manifest"
	"github.com/kopia/kopia/snapshot"

	"lifeboat/engine/lockfile"
)

// Options say how to open a store.
type Options struct {
	Password string           // empty for a store without protection
	Team     *TeamKey         // for Create: the password sealed for a team, to keep beside the store
	TempDir  string           // where working files may lie, removed by Close; empty for the system's
	Clock    func() time.Time // required
	ReadOnly bool             // write nothing to the store
	Kind     Kind             // for Create: of a new store; empty for Packed
	Replace  bool             // what is there may be replaced, see Keep
	Workers  int              // files read at the same time; 0 for a number that suits this computer

	wrap func(blob.Storage) blob.Storage // tests put faults here
}

func (o Options) password() string {
	if o.Password == "" {
		return NoPassword
	}
	return o.Password
}

// ID names a capture.
type ID string

// Store is an open store.
type Store struct {
	opt   Options
	dir   string
	kind  Kind
	repo  repository
	clock *clock
	lock  *lockfile.Lock // nil when read only
	work  workFiles
}

// Create makes a store at storePath, or opens the incomplete one that is there
// to continue it. What is there already, complete or of another kind, gives
// ErrExists unless it is to be replaced. Then the new capture goes into the same
// repository, or where that cannot be, beside the old store; [Store.Keep] ends that.
//
// One run at a time writes to a store: while one has it open, others get ErrBusy.
func Create(ctx context.Context, storePath string, opt Options) (*Store, error) {
	if opt.Kind == "" {
		opt.Kind = Packed
	}
	if opt.Kind != Packed && opt.Password != "" {
		return nil, fmt.Errorf("%s: a store of plain files cannot be protected", Dir(storePath))
	}
	return locked(storePath, func() (*Store, error) { return createAt(ctx, storePath, opt) })
}

// locked opens a store with the right to write to it.
func locked(storePath string, open func() (*Store, error)) (*Store, error) {
	l, err := lockStore(storePath)
	if err != nil {
		return nil, err
	}
	s, err := open()
	if err != nil {
		l.Release()
		return nil, err
	}
	s.lock = l
	return s, nil
}

func createAt(ctx context.Context, storePath string, opt Options) (*Store, error) {
	if err := finishSwap(storePath); err != nil {
		return nil, err
	}
	dir := Dir(storePath)
	state, kind, err := kindAt(dir)
	switch {
	case err != nil:
		return nil, err
	case state == None:
		return establish(ctx, dir, opt)
	case state == Incomplete && kind == opt.Kind:
		return openAt(ctx, dir, opt)
	case !opt.Replace && state == Incomplete:
		return nil, fmt.Errorf("%s: %w: one of another kind was begun there", dir, ErrExists)
	case !opt.Replace:
		return nil, fmt.Errorf("%s: %w", dir, ErrExists)
	case kind == Packed && opt.Kind == Packed:
		return openAt(ctx, dir, opt)
	}
	dir += newSuffix
	state, kind, err = kindAt(dir)
	if err == nil && state != None && kind == opt.Kind {
		return openAt(ctx, dir, opt)
	}
	if err := removeStore(dir); err != nil {
		return nil, mediumFault(dir, "remove", dir, err)
	}
	return establish(ctx, dir, opt)
}

// establish makes an empty store in a folder and opens it.
func establish(ctx context.Context, dir string, opt Options) (*Store, error) {
	var err error
	if opt.Kind == Packed {
		err = initialize(ctx, newBlobs(dir, false), opt)
	} else {
		err = initPlain(dir, opt.Kind)
	}
	if err != nil {
		return nil, fmt.Errorf("create store %s: %w", dir, err)
	}
	return openAt(ctx, dir, opt)
}

// Open opens the store at storePath, of whatever kind; with opt.Replace the one
// that is to replace it, if there is one.
func Open(ctx context.Context, storePath string, opt Options) (*Store, error) {
	dir := current(storePath)
	if opt.Replace {
		if state, _, err := kindAt(Dir(storePath) + newSuffix); err == nil && state != None {
			dir = Dir(storePath) + newSuffix
		}
	}
	if opt.ReadOnly {
		return openAt(ctx, dir, opt)
	}
	return locked(storePath, func() (*Store, error) { return openAt(ctx, dir, opt) })
}

// openAt opens the store in a folder.
func openAt(ctx context.Context, dir string, opt Options) (*Store, error) {
	state, kind, err := kindAt(dir)
	if err == nil && state == None {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, wrap(ErrNotStore, dir, err)
	}
	s := &Store{opt: opt, dir: dir, kind: kind, clock: &clock{now: opt.Clock}, work: workFiles{dir: opt.TempDir}}
	if err := s.connect(ctx); err != nil {
		return nil, openError(dir, err)
	}
	return s, nil
}

// connect opens the repository. After it all new records are newer than those
// that are there.
func (s *Store) connect(ctx context.Context) (err error) {
	if s.kind == Packed {
		s.repo, err = openKopia(ctx, s.dir, s.opt, s.clock)
		return err
	}
	p, err := openPlain(s.dir, s.opt)
	if err != nil {
		return err
	}
	s.repo = p
	list, err := p.list(ctx)
	if err != nil {
		return errors.Join(err, p.close(ctx))
	}
	for _, m := range list {
		s.clock.after(m.EndTime.ToTime())
	}
	return nil
}

func openError(dir string, err error) error {
	for _, known := range []error{ErrFull, ErrReadOnly, ErrGone, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return fmt.Errorf("open store %s: %w", dir, err)
		}
	}
	if errors.Is(err, repo.ErrInvalidPassword) {
		return fmt.Errorf("open store %s: %w", dir, ErrPassword)
	}
	return wrap(ErrCorrupt, "open store "+dir, err)
}

// Close releases the store and removes its working files.
func (s *Store) Close(ctx context.Context) error {
	defer s.lock.Release()
	s.work.close()
	return s.repo.close(ctx)
}

// UniqueID identifies the store; it is in its marker.
func (s *Store) UniqueID() string { return s.repo.uniqueID() }

// clock never stands still and never goes back behind what the store holds:
// kopia takes the newer of two records, and the clock of a PC that was started
// from a stick may be years off.
type clock struct {
	now  func() time.Time
	mu   sync.Mutex
	last time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.now()
	if !t.After(c.last) {
		t = c.last.Add(time.Microsecond)
	}
	c.last = t
	return t
}

func (c *clock) after(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.last) {
		c.last = t
	}
}

// CaptureInfo describes one capture.
type CaptureInfo struct {
	ID          ID
	Description string
	Computer    string
	Source      string
	Product     string
	Started     time.Time
	Finished    time.Time
	Files       int64
	Bytes       int64
	Incomplete  bool // a checkpoint
}

// Captures lists the captures, oldest first; checkpoints of interrupted ones too.
func (s *Store) Captures(ctx context.Context) ([]CaptureInfo, error) {
	manifests, err := s.manifests(ctx, nil)
	if err != nil {
		return nil, err
	}
	infos := make([]CaptureInfo, 0, len(manifests))
	for _, m := range manifests {
		infos = append(infos, infoOf(m))
	}
	return infos, nil
}

// Info tells of one capture.
func (s *Store) Info(ctx context.Context, id ID) (CaptureInfo, error) {
	m, err := s.manifest(ctx, id)
	if err != nil {
		return CaptureInfo{}, err
	}
	return infoOf(m), nil
}

func infoOf(m *snapshot.Manifest) CaptureInfo {
	info := CaptureInfo{
		ID:          ID(m.ID),
		Description: m.Description,
		Computer:    m.Source.Host,
		Source:      m.Source.Path,
		Product:     m.Tags[tagProduct],
		Started:     m.StartTime.ToTime(),
		Finished:    m.EndTime.ToTime(),
		Incomplete:  m.IncompleteReason != "",
	}
	if sum := m.RootEntry.DirSummary; sum != nil {
		info.Files, info.Bytes = sum.TotalFileCount, sum.TotalFileSize
	}
	return info
}

// manifests loads the snapshots of a source, or all, oldest first.
func (s *Store) manifests(ctx context.Context, source *snapshot.SourceInfo) ([]*snapshot.Manifest, error) {
	list, err := s.repo.list(ctx)
	if err != nil {
		return nil, wrap(ErrCorrupt, "list captures of "+s.dir, err)
	}
	list = slices.DeleteFunc(list, func(m *snapshot.Manifest) bool {
		return m.RootEntry == nil || source != nil && m.Source != *source
	})
	slices.SortFunc(list, func(a, b *snapshot.Manifest) int {
		return a.StartTime.ToTime().Compare(b.StartTime.ToTime())
	})
	return list, nil
}

// manifest loads one snapshot.
func (s *Store) manifest(ctx context.Context, id ID) (*snapshot.Manifest, error) {
	m, err := s.repo.load(ctx, manifest.ID(id))
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, fmt.Errorf("capture %s: %w", id, ErrNotFound)
	case err != nil:
		return nil, wrap(ErrCorrupt, "capture "+string(id), err)
	case m.RootEntry == nil:
		return nil, fmt.Errorf("capture %s: %w: it has no root", id, ErrCorrupt)
	}
	return m, nil
}

// Kind tells how the store keeps content.
func (s *Store) Kind() Kind { return s.kind }

// Keep makes a capture the only complete one at the store's path: what it replaces
// is removed.
func (s *Store) Keep(ctx context.Context, id ID) error {
	if s.opt.ReadOnly {
		return fmt.Errorf("keep only capture %s: %w", id, ErrReadOnly)
	}
	if _, err := s.manifest(ctx, id); err != nil {
		return err
	}
	all, err := s.manifests(ctx, nil)
	if err != nil {
		return err
	}
	var old []manifest.ID
	for _, m := range all {
		if m.IncompleteReason == "" && m.ID != manifest.ID(id) {
			old = append(old, m.ID)
		}
	}
	if len(old) > 0 {
		if err := s.repo.remove(ctx, old...); err != nil {
			return err
		}
	}
	return s.swap(ctx)
}

// recovered turns a panic into ErrCorrupt: kopia trusts what it decrypted, but
// whoever knows the password of a store can write anything into it.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", ErrCorrupt, r)
	}
}
