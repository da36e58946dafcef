package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/content"
	"github.com/kopia/kopia/repo/format"
	"github.com/kopia/kopia/repo/manifest"
	"github.com/kopia/kopia/repo/object"
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

// kopia is a store that is a kopia repository.
type kopia struct {
	opt   Options
	temp  string
	files *blobs
	rep   repo.DirectRepository
	lost  map[blob.ID]bool // packs that indexes name and that are not there, see findLost
}

// openKopia opens the repository in a folder.
func openKopia(ctx context.Context, dir string, opt Options, clock *clock) (*kopia, error) {
	st := newBlobs(dir, opt.ReadOnly)
	if !opt.ReadOnly {
		st.removeTemps()
	}
	k := &kopia{opt: opt, files: st}
	err := k.connect(ctx, st, clock)
	if err != nil {
		os.RemoveAll(k.temp)
		return nil, err
	}
	return k, nil
}

// connect opens the repository in a storage, without its user-wide configuration.
func (k *kopia) connect(ctx context.Context, st blob.Storage, clock *clock) (err error) {
	defer recovered(&err)
	if k.temp, err = os.MkdirTemp(k.opt.TempDir, "lifeboat-store-"); err != nil {
		return err
	}
	if k.temp, err = filepath.Abs(k.temp); err != nil {
		return err
	}
	if k.opt.wrap != nil {
		st = k.opt.wrap(st)
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
			ReadOnly:    k.opt.ReadOnly,
		},
	})
	if err != nil {
		return err
	}
	name := filepath.Join(k.temp, "repository.config")
	if err := os.WriteFile(name, config, 0o600); err != nil {
		return err
	}
	rep, err := repo.Open(withStorage(ctx, st), name, k.opt.password(), &repo.Options{
		TimeNowFunc:          clock.Now,
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
	k.rep = direct
	entries, err := direct.FindManifests(ctx, nil)
	if err != nil && !k.opt.ReadOnly {
		// Perhaps their pack is lost, and what is left can be gone on with.
		if serr := k.session(ctx, func(_ context.Context, w repo.DirectRepositoryWriter) error { return k.findLost(ctx, w) }); serr == nil && len(k.lost) > 0 {
			entries, err = direct.FindManifests(ctx, nil)
		}
	}
	if err != nil {
		return errors.Join(err, direct.Close(ctx))
	}
	for _, e := range entries {
		clock.after(e.ModTime)
	}
	return nil
}

func (k *kopia) close(ctx context.Context) error {
	return errors.Join(k.rep.Close(ctx), os.RemoveAll(k.temp))
}

func (k *kopia) uniqueID() string { return hex.EncodeToString(k.rep.UniqueID()) }

func (k *kopia) fault(op, name string, err error) error { return k.files.fault(op, name, err) }

func (k *kopia) list(ctx context.Context) (list []*snapshot.Manifest, err error) {
	defer recovered(&err)
	ids, err := snapshot.ListSnapshotManifests(ctx, k.rep, nil, nil)
	if err != nil {
		return nil, err
	}
	return snapshot.LoadSnapshots(ctx, k.rep, ids)
}

func (k *kopia) load(ctx context.Context, id manifest.ID) (*snapshot.Manifest, error) {
	m, err := snapshot.LoadSnapshot(ctx, k.rep, id)
	if errors.Is(err, snapshot.ErrSnapshotNotFound) {
		return nil, ErrNotFound
	}
	return m, err
}

// remove deletes manifests. The space of what only they led to is reclaimed by
// kopia's own maintenance.
func (k *kopia) remove(ctx context.Context, ids ...manifest.ID) error {
	return k.session(ctx, func(ctx context.Context, w repo.DirectRepositoryWriter) error {
		for _, id := range ids {
			if err := w.DeleteManifest(ctx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

func (k *kopia) session(ctx context.Context, f func(context.Context, repo.DirectRepositoryWriter) error) error {
	return repo.DirectWriteSession(ctx, k.rep, repo.WriteSessionOptions{}, f)
}

// findLost looks for packs that are gone, or shorter than they were: a medium may
// lose what it said it had written. What was in them is marked as deleted, since
// kopia does not write again what an index says is there; it stays readable, should
// the pack come back.
func (k *kopia) findLost(ctx context.Context, w repo.DirectRepositoryWriter) error {
	ends := map[blob.ID]int64{} // of the packs by the indexes
	contents := w.ContentManager()
	// What an earlier run marked counts too: a checkpoint may still lead to it.
	err := contents.IterateContents(ctx, content.IterateOptions{IncludeDeleted: true}, func(c content.Info) error {
		ends[c.PackBlobID] = max(ends[c.PackBlobID], int64(c.PackOffset)+int64(c.PackedLength))
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	for _, kind := range []blob.ID{content.PackBlobIDPrefixRegular, content.PackBlobIDPrefixSpecial} {
		err := w.BlobReader().ListBlobs(ctx, kind, func(m blob.Metadata) error {
			if m.Length >= ends[m.BlobID] {
				delete(ends, m.BlobID)
			}
			return ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	if len(ends) == 0 {
		return nil
	}
	k.lost = map[blob.ID]bool{}
	for id := range ends {
		k.lost[id] = true
	}
	var gone []content.ID
	err = contents.IterateContents(ctx, content.IterateOptions{}, func(c content.Info) error {
		if k.lost[c.PackBlobID] {
			gone = append(gone, c.ContentID)
		}
		return ctx.Err()
	})
	for _, id := range gone {
		if err == nil {
			err = contents.DeleteContent(ctx, id)
		}
	}
	return err
}

func (k *kopia) open(ctx context.Context, _ string, id object.ID) (r object.Reader, err error) {
	defer recovered(&err)
	if err := checkPieces(ctx, contents{k.rep.ContentReader(), k.rep}, id); err != nil {
		return nil, err
	}
	return k.rep.OpenObject(ctx, id)
}

func (*kopia) glance(string, *snapshot.DirEntry) (bool, error)  { return false, nil }
func (*kopia) linked(string, *snapshot.DirEntry) (string, bool) { return "", false }

// forget asks the system to drop the blobs from its memory.
func (k *kopia) forget(ctx context.Context) error {
	return k.rep.BlobReader().ListBlobs(ctx, "", func(m blob.Metadata) error {
		_, name, err := k.files.GetShardedPathAndFilePath(ctx, m.BlobID)
		if err == nil {
			dropCache(name)
		}
		return ctx.Err()
	})
}

func (k *kopia) begin(ctx context.Context) (session, error) {
	_, w, err := k.rep.NewDirectWriter(ctx, repo.WriteSessionOptions{Purpose: "capture"})
	if err != nil {
		return nil, err
	}
	if err := k.findLost(ctx, w); err != nil {
		return nil, errors.Join(err, w.Close(ctx))
	}
	return kopiaSession{k, w}, nil
}

// kopiaSession writes to the repository.
type kopiaSession struct {
	k *kopia
	w repo.DirectRepositoryWriter
}

func (kopiaSession) claim(string, bool) {}

// reuse takes an object over all of which the indexes know, and in no lost pack: an
// index may be lost as well as a pack.
func (s kopiaSession) reuse(_ string, e *snapshot.DirEntry) bool {
	parts, err := s.w.VerifyObject(context.Background(), e.ObjectID)
	for _, id := range parts {
		if err == nil {
			var c content.Info
			if c, err = s.w.ContentInfo(context.Background(), id); s.k.lost[c.PackBlobID] {
				return false
			}
		}
	}
	return err == nil
}

func (kopiaSession) link(Item) (object.ID, int64, bool) { return object.EmptyID, 0, false }

func (s kopiaSession) create(ctx context.Context, o newObject) writer {
	opt := object.WriterOptions{Description: o.path, MetadataCompressor: compressor}
	if !o.packed {
		opt.Compressor = compressor
	}
	if o.big {
		opt.AsyncWrites = 1
	}
	if o.folder {
		opt.Description, opt.Prefix = "DIR:"+o.path, "k"
	}
	return s.w.NewObjectWriter(ctx, opt)
}

func (s kopiaSession) save(ctx context.Context, m *snapshot.Manifest) (manifest.ID, error) {
	return snapshot.SaveSnapshot(ctx, s.w, m)
}

func (s kopiaSession) remove(ctx context.Context, id manifest.ID) error {
	return s.w.DeleteManifest(ctx, id)
}

func (s kopiaSession) flush(ctx context.Context) error { return s.w.Flush(ctx) }
func (s kopiaSession) close(ctx context.Context) error { return s.w.Close(ctx) }

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
	files := map[string][]byte{".shards": []byte(shards), "README.txt": []byte(readme(opt))}
	if opt.Team != nil {
		files[sealedName] = opt.Team.Sealed
	} else if err := os.Remove(filepath.Join(st.dir, sealedName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return st.fault("create", st.dir, err)
	}
	for name, data := range files {
		if err := writeFile(st.dir, name, data); err != nil {
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

func readme(opt Options) string {
	password := "It is protected: kopia asks for the password or key it was made with."
	switch {
	case opt.Team != nil:
		password = "It is locked with a team key. KEY.AGE holds its password, for those who have the\r\n" +
			"identity file of one of the keys below; age (https://age-encryption.org) shows it,\r\n" +
			"and so does lifeboat password:\r\n\r\n" +
			"    age -d -i <identity file> KEY.AGE\r\n\r\n    " + strings.Join(opt.Team.Recipients, "\r\n    ")
	case opt.Password == "":
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
