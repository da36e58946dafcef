package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/content"
	"github.com/kopia/kopia/repo/format"
	"github.com/kopia/kopia/repo/manifest"
	"github.com/kopia/kopia/snapshot"
)

// NoPassword protects a store that was made without one. It is no secret: it
// is there because every kopia repository has a password.
const NoPassword = "lifeboat"

// What a new repository uses. All of it is kopia's own, and stock kopia reads
// it back from the repository. With zstd-fastest, half the processor's time went
// into compressing; S2 takes a quarter of that for stores a fifth larger, and
// leaves an old laptop's processor to the disk. Hash and cipher together are
// below a tenth.
const (
	hashAlgorithm = "BLAKE3-256-128"
	cipher        = "AES256-GCM-HMAC-SHA256"
	splitter      = "FIXED-4M"
	packSize      = 20 << 20
	compressor    = "s2-default"
)

// userName is the user that kopia shows for captures.
const userName = "lifeboat"

// Options say how to open a store.
type Options struct {
	Password string           // empty for a store without protection
	TempDir  string           // where working files may lie, removed by Close; empty for the system's
	Clock    func() time.Time // required
	ReadOnly bool             // write nothing to the store
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
	temp  string
	files *blobs
	rep   repo.DirectRepository
	clock *clock
}

// Create makes a store at storePath, or opens the incomplete one that is there
// to continue it. A complete one gives ErrExists; [Open] opens it.
func Create(ctx context.Context, storePath string, opt Options) (*Store, error) {
	state, _, err := Inspect(storePath)
	switch {
	case err != nil:
		return nil, err
	case state == Complete:
		return nil, fmt.Errorf("%s: %w", Dir(storePath), ErrExists)
	case state == Incomplete:
		return Open(ctx, storePath, opt)
	}
	dir := Dir(storePath)
	st := newBlobs(dir, false)
	if err := initialize(ctx, st, opt); err != nil {
		return nil, fmt.Errorf("create store %s: %w", dir, err)
	}
	return Open(ctx, storePath, opt)
}

func initialize(ctx context.Context, st *blobs, opt Options) error {
	if err := os.MkdirAll(st.dir, 0o777); err != nil {
		return st.fault("create", st.dir, err)
	}
	// Without its format blob nothing of an earlier attempt can be read; the
	// other half of it would only be in the way.
	err := os.Remove(filepath.Join(st.dir, format.KopiaBlobCfgBlobID+".f"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return st.fault("create", st.dir, err)
	}
	for name, text := range map[string]string{".shards": shards, "README.txt": readme(opt.Password == "")} {
		if err := writeFile(st.dir, name, []byte(text)); err != nil {
			return st.fault("create", filepath.Join(st.dir, name), err)
		}
	}
	var storage blob.Storage = st
	if opt.wrap != nil {
		storage = opt.wrap(storage)
	}
	return repo.Initialize(ctx, storage, &repo.NewRepositoryOptions{
		BlockFormat: format.ContentFormat{
			Hash:                 hashAlgorithm,
			Encryption:           cipher,
			EnablePasswordChange: true,
			MutableParameters: format.MutableParameters{
				Version:      format.FormatVersion3,
				MaxPackSize:  packSize,
				IndexVersion: content.DefaultIndexVersion,
			},
		},
		ObjectFormat: format.ObjectFormat{Splitter: splitter},
	}, opt.password())
}

func readme(open bool) string {
	password := "It is protected: kopia asks for the password or key it was made with."
	if open {
		password = "It is not protected: the password is \"" + NoPassword + "\"."
	}
	return "This folder is a Lifeboat store: files and settings saved from a PC.\r\n\r\n" +
		"Lifeboat restores it, extracts files from it and verifies it. So does kopia\r\n" +
		"(https://kopia.io), of which it is an ordinary repository:\r\n\r\n" +
		"    kopia repository connect filesystem --readonly --path <this folder>\r\n" +
		"    kopia snapshot list --all\r\n" +
		"    kopia restore <id from the list> <target folder>\r\n\r\n" +
		password + "\r\n\r\n" +
		"USMT.MIG is there once the store is complete. Please do not change, rename or\r\n" +
		"remove any file here.\r\n"
}

// Open opens the store at storePath.
func Open(ctx context.Context, storePath string, opt Options) (*Store, error) {
	dir := Dir(storePath)
	if _, err := os.Stat(filepath.Join(dir, formatFile)); err != nil {
		return nil, wrap(ErrNotStore, dir, err)
	}
	st := newBlobs(dir, opt.ReadOnly)
	if !opt.ReadOnly {
		st.removeTemps()
	}
	s := &Store{opt: opt, dir: dir, files: st, clock: &clock{now: opt.Clock}}
	if err := s.open(ctx, st); err != nil {
		os.RemoveAll(s.temp)
		return nil, openError(dir, err)
	}
	return s, nil
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

// open connects kopia to the storage, without its user-wide configuration.
func (s *Store) open(ctx context.Context, st blob.Storage) (err error) {
	defer recovered(&err)
	if s.temp, err = os.MkdirTemp(s.opt.TempDir, "lifeboat-store-"); err != nil {
		return err
	}
	if s.temp, err = filepath.Abs(s.temp); err != nil {
		return err
	}
	if s.opt.wrap != nil {
		st = s.opt.wrap(st)
	}
	connection := st.ConnectionInfo()
	config, err := json.Marshal(repo.LocalConfig{
		Storage: &connection,
		// No cache: what is read is read once, and under WinPE the disk of the
		// working folder is memory.
		ClientOptions: repo.ClientOptions{
			Hostname:    userName,
			Username:    userName,
			Description: "Lifeboat store",
			ReadOnly:    s.opt.ReadOnly,
		},
	})
	if err != nil {
		return err
	}
	name := filepath.Join(s.temp, "repository.config")
	if err := os.WriteFile(name, config, 0o600); err != nil {
		return err
	}
	rep, err := repo.Open(withStorage(ctx, st), name, s.opt.password(), &repo.Options{
		TimeNowFunc:          s.clock.Now,
		DisableRepositoryLog: true,
		DoNotWaitForUpgrade:  true,
		OnFatalError:         func(error) {}, // the operation itself fails too
	})
	if err != nil {
		return err
	}
	direct, ok := rep.(repo.DirectRepository)
	if !ok {
		return errors.New("not a direct repository")
	}
	s.rep = direct
	entries, err := direct.FindManifests(ctx, nil)
	if err != nil {
		return errors.Join(err, direct.Close(ctx))
	}
	for _, e := range entries {
		s.clock.after(e.ModTime)
	}
	return nil
}

// Close releases the store and removes its working files.
func (s *Store) Close(ctx context.Context) error {
	return errors.Join(s.rep.Close(ctx), os.RemoveAll(s.temp))
}

// UniqueID identifies the store; it is in its marker.
func (s *Store) UniqueID() string { return hex.EncodeToString(s.rep.UniqueID()) }

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
	Labels      map[string]string
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
		info := CaptureInfo{
			ID:          ID(m.ID),
			Description: m.Description,
			Computer:    m.Source.Host,
			Source:      m.Source.Path,
			Labels:      map[string]string{},
			Started:     m.StartTime.ToTime(),
			Finished:    m.EndTime.ToTime(),
			Incomplete:  m.IncompleteReason != "",
		}
		for key, value := range m.Tags {
			if name, ok := cutTag(key); ok {
				info.Labels[name] = value
			}
		}
		if sum := m.RootEntry.DirSummary; sum != nil {
			info.Files, info.Bytes = sum.TotalFileCount, sum.TotalFileSize
		}
		infos = append(infos, info)
	}
	return infos, nil
}

// manifests loads the snapshots of a source, or all, oldest first.
func (s *Store) manifests(ctx context.Context, source *snapshot.SourceInfo) (list []*snapshot.Manifest, err error) {
	defer recovered(&err)
	ids, err := snapshot.ListSnapshotManifests(ctx, s.rep, source, nil)
	if err != nil {
		return nil, wrap(ErrCorrupt, "list captures of "+s.dir, err)
	}
	list, err = snapshot.LoadSnapshots(ctx, s.rep, ids)
	if err != nil {
		return nil, wrap(ErrCorrupt, "list captures of "+s.dir, err)
	}
	list = slices.DeleteFunc(list, func(m *snapshot.Manifest) bool { return m.RootEntry == nil })
	slices.SortFunc(list, func(a, b *snapshot.Manifest) int {
		return a.StartTime.ToTime().Compare(b.StartTime.ToTime())
	})
	return list, nil
}

// manifest loads one snapshot.
func (s *Store) manifest(ctx context.Context, id ID) (*snapshot.Manifest, error) {
	m, err := snapshot.LoadSnapshot(ctx, s.rep, manifest.ID(id))
	switch {
	case errors.Is(err, snapshot.ErrSnapshotNotFound):
		return nil, fmt.Errorf("capture %s: %w", id, ErrNotFound)
	case err != nil:
		return nil, wrap(ErrCorrupt, "capture "+string(id), err)
	case m.RootEntry == nil:
		return nil, fmt.Errorf("capture %s: %w: it has no root", id, ErrCorrupt)
	}
	return m, nil
}

// Delete removes a capture. The space it took is reclaimed by kopia's own
// maintenance.
func (s *Store) Delete(ctx context.Context, id ID) error {
	if s.opt.ReadOnly {
		return fmt.Errorf("delete capture %s: %w", id, ErrReadOnly)
	}
	if _, err := s.manifest(ctx, id); err != nil {
		return err
	}
	return s.session(ctx, func(ctx context.Context, w repo.DirectRepositoryWriter) error {
		return w.DeleteManifest(ctx, manifest.ID(id))
	})
}

// session runs f with a writer and flushes it.
func (s *Store) session(ctx context.Context, f func(context.Context, repo.DirectRepositoryWriter) error) error {
	return repo.DirectWriteSession(ctx, s.rep, repo.WriteSessionOptions{}, f)
}

// recovered turns a panic into ErrCorrupt: kopia trusts what it decrypted, but
// whoever knows the password of a store can write anything into it.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", ErrCorrupt, r)
	}
}
