package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/kopia/kopia/repo/manifest"
	"github.com/kopia/kopia/repo/object"
	"github.com/kopia/kopia/snapshot"
)

// Names in the folder of a plain store, beside the trees of the capture.
const (
	storeJSON   = "store.json"  // which kind it is; written first
	indexFile   = "index.jsonl" // the records of folders
	capturesDir = "Captures"    // manifests
	otherDir    = "Other"       // content that cannot lie where its path says
	tempDir     = "Temp"        // what is being written
)

// plainHead is the content of store.json.
type plainHead struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Kind    Kind   `json:"kind"`
	Store   string `json:"store"`
}

// plainStore is a store in which every file lies as it is, under a name that all
// systems can have (see plainPath), so that people can open it in Explorer. What
// is where, and what it must contain, is in the records of the folders, each a
// line of index.jsonl.
//
// An object's ID is the SHA-256 of its content if it lies under its path; otherLetter
// and that if it lies in Other/; linkLetter and a time if it is a hard link to a
// file of the source, whose content was never read; folderLetter, a hash and a
// place in the index if it is a folder.
type plainStore struct {
	opt  Options
	dir  string
	head plainHead
	root *os.Root    // of dir: nothing outside is touched, whatever links lie there
	cold atomic.Bool // read from the medium
}

// The letters before IDs.
const (
	otherLetter  = "o"
	linkLetter   = "l"
	folderLetter = "k"
)

// initPlain makes the folder of an empty store.
func initPlain(dir string, kind Kind) error {
	var id [16]byte
	rand.Read(id[:]) // never fails
	head, err := json.Marshal(plainHead{markerFormat, FormatVersion, kind, hex.EncodeToString(id[:])})
	if err != nil {
		return err
	}
	err = os.MkdirAll(dir, 0o777)
	for _, f := range []struct {
		name string
		data []byte
	}{{indexFile, nil}, {"README.txt", []byte(plainReadme(kind))}, {storeJSON, append(head, '\n')}} {
		if err == nil {
			err = writeFile(dir, f.name, f.data)
		}
	}
	return mediumFault(dir, "create", dir, err)
}

func plainReadme(kind Kind) string {
	links := ""
	if kind == Linked {
		links = "Files in it may be hard links: the same file as on the PC, under a second name.\r\n" +
			"To change one changes both. \"usmtutils /rd\" removes the store and leaves the\r\nPC's files as they are.\r\n\r\n"
	}
	return "This folder is a Lifeboat store: files and settings saved from a PC. Files lie\r\n" +
		"in the folder File as they were. Lifeboat restores the store and verifies it.\r\n\r\n" + links +
		"USMT.MIG is there once the store is complete. Please do not change, rename or\r\n" +
		"remove any file here.\r\n"
}

// readHead reads store.json; the error wraps fs.ErrNotExist if there is none.
func readHead(dir string) (plainHead, error) {
	var head plainHead
	f, err := os.Open(filepath.Join(dir, storeJSON))
	if err != nil {
		return head, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxMarker))
	if err != nil {
		return head, err
	}
	err = json.Unmarshal(data, &head)
	switch {
	case err != nil || head.Format != markerFormat:
		return head, errors.New("store.json was not written by Lifeboat")
	case head.Version > FormatVersion || head.Kind != Plain && head.Kind != Linked:
		return head, fmt.Errorf("a store of kind %q, format version %d, is newer than this program", head.Kind, head.Version)
	}
	return head, nil
}

// openPlain opens the plain store in a folder.
func openPlain(dir string, opt Options) (*plainStore, error) {
	if opt.Password != "" {
		return nil, fmt.Errorf("%w: it is not protected, there is no key to it", ErrPassword)
	}
	head, err := readHead(dir)
	if err != nil {
		return nil, mediumFault(dir, "read", filepath.Join(dir, storeJSON), err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, mediumFault(dir, "open", dir, err)
	}
	p := &plainStore{opt: opt, dir: dir, head: head, root: root}
	if !opt.ReadOnly {
		if err := p.removeTemps(); err != nil {
			return nil, errors.Join(p.fault("remove", tempDir, err), root.Close())
		}
	}
	return p, nil
}

// removeTemps removes what an interrupted run left half written. A link in its
// place is removed, not followed.
func (p *plainStore) removeTemps() error { return os.RemoveAll(filepath.Join(p.dir, tempDir)) }

// openFile opens a regular file; a link or a device in its place is refused.
func (p *plainStore) openFile(name string, flags int) (*os.File, error) {
	info, err := p.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	}
	return p.root.OpenFile(name, flags, 0o666)
}

func (p *plainStore) close(context.Context) error {
	return p.root.Close()
}

func (p *plainStore) uniqueID() string { return p.head.Store }

func (p *plainStore) fault(op, name string, err error) error {
	return mediumFault(p.dir, op, name, err)
}

// plainPath is where the object at a path of a capture lies in the store's
// folder: under its own name with what not every system can have escaped, as
// Extract does on Windows.
func plainPath(p string) string {
	names := strings.Split(p, "/")
	for i, name := range names {
		names[i] = hostName(name, "windows")
	}
	return path.Join(names...)
}

func otherPath(hash []byte) string {
	name := hex.EncodeToString(hash)
	return path.Join(otherDir, name[:2], name)
}

// place is what an ID says about where the object is.
type place struct {
	letter string
	name   string // in the store's folder; empty for a folder
	hash   []byte // of a file
	folder recordID
	nanos  int64 // of a link: when the file was last written
}

// recordID tells a folder's record: a hash of its path and content, and where it
// is in the index.
type recordID struct {
	sum            [16]byte
	offset, length int64
}

func (p *plainStore) place(at string, id object.ID) (place, error) {
	cid, compressed, ok := id.ContentID()
	if !ok || compressed {
		return place{}, fmt.Errorf("%w: %v is no ID of a plain store", ErrCorrupt, id)
	}
	pl := place{letter: string(cid.Prefix()), name: plainPath(at), hash: cid.Hash()}
	switch {
	case pl.letter == "" && len(pl.hash) == sha256.Size:
	case pl.letter == otherLetter && len(pl.hash) == sha256.Size:
		pl.name = otherPath(pl.hash)
	case pl.letter == linkLetter && len(pl.hash) == 8:
		pl.nanos = int64(binary.BigEndian.Uint64(pl.hash))
	case pl.letter == folderLetter && len(pl.hash) == 32:
		pl.name = ""
		copy(pl.folder.sum[:], pl.hash)
		pl.folder.offset = int64(binary.BigEndian.Uint64(pl.hash[16:]))
		pl.folder.length = int64(binary.BigEndian.Uint64(pl.hash[24:]))
	default:
		return place{}, fmt.Errorf("%w: %v is no ID of a plain store", ErrCorrupt, id)
	}
	return pl, nil
}

// makeID puts an ID together.
func makeID(letter string, parts ...[]byte) (object.ID, error) {
	return object.ParseID(letter + hex.EncodeToString(slices.Concat(parts...)))
}

func uint64Bytes(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// linkTime is a file's time as the ID of a link has it: NTFS keeps 100 ns.
func linkTime(info fs.FileInfo) int64 { return info.ModTime().UnixNano() / 100 * 100 }

func (p *plainStore) open(_ context.Context, at string, id object.ID) (object.Reader, error) {
	pl, err := p.place(at, id)
	if err != nil {
		return nil, err
	}
	if pl.letter == folderLetter {
		return p.record(at, pl.folder)
	}
	f, err := p.openFile(pl.name, os.O_RDONLY)
	if err != nil {
		return nil, p.missing(pl.name, err)
	}
	if p.cold.Load() {
		forgetFile(f)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(p.fault("read", pl.name, err), f.Close())
	}
	r := &proved{in: f, closer: f, size: info.Size()}
	if pl.letter != linkLetter {
		r.hash, r.want = sha256.New(), pl.hash
	}
	return r, nil
}

// missing is the fault of reading a file that should be there. That it is not is
// damage, and not for anybody to take for a capture without it.
func (p *plainStore) missing(name string, err error) error {
	if err = p.fault("read", name, err); errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrGone) {
		return fmt.Errorf("%w: %s is missing", ErrCorrupt, name)
	}
	return err
}

// record opens the record of a folder. It proves itself for one path only, so
// that no index can lead a walk over one record twice.
func (p *plainStore) record(at string, id recordID) (object.Reader, error) {
	f, err := p.openFile(indexFile, os.O_RDONLY)
	if err != nil {
		return nil, p.missing(indexFile, err)
	}
	info, err := f.Stat()
	if err == nil && (id.offset < 0 || id.length < 0 || id.offset > info.Size() || id.length > info.Size()-id.offset) {
		err = fmt.Errorf("%w: the record of folder %s lies outside %s", ErrCorrupt, at, indexFile)
	}
	if err != nil {
		return nil, errors.Join(p.fault("read", indexFile, err), f.Close())
	}
	return &proved{
		in: io.NewSectionReader(f, id.offset, id.length), closer: f, size: id.length,
		hash: recordHash(at), want: id.sum[:],
	}, nil
}

// recordHash begins the hash of a folder's record.
func recordHash(at string) hash.Hash {
	h := sha256.New()
	io.WriteString(h, at+"\n")
	return h
}

// proved is an open object. At its end it fails if it was read from the start and
// is not what was stored.
type proved struct {
	in     io.ReadSeeker
	closer io.Closer
	size   int64
	hash   hash.Hash // nil if there is nothing to compare, or no more
	want   []byte    // the first bytes of the sum
}

func (r *proved) Read(b []byte) (int, error) {
	n, err := r.in.Read(b)
	if r.hash == nil {
		return n, err
	}
	r.hash.Write(b[:n])
	if err == io.EOF && !bytes.HasPrefix(r.hash.Sum(nil), r.want) {
		return n, fmt.Errorf("%w: its content is not what was stored", ErrCorrupt)
	}
	return n, err
}

func (r *proved) Seek(offset int64, whence int) (int64, error) {
	r.hash = nil
	return r.in.Seek(offset, whence)
}

func (r *proved) Length() int64 { return r.size }

func (r *proved) Close() error { return r.closer.Close() }

func (p *plainStore) glance(at string, e *snapshot.DirEntry) (sure bool, err error) {
	pl, err := p.place(at, e.ObjectID)
	if err != nil {
		return false, err
	}
	if pl.name == "" {
		return false, fmt.Errorf("%w: a folder where a file should be", ErrCorrupt)
	}
	info, err := p.root.Lstat(pl.name)
	switch {
	case err != nil:
		return false, p.missing(pl.name, err)
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("%w: it is not a regular file", ErrCorrupt)
	case info.Size() != e.FileSize:
		return false, fmt.Errorf("%w: %d bytes where there should be %d", ErrCorrupt, info.Size(), e.FileSize)
	case pl.letter == linkLetter && linkTime(info) != pl.nanos:
		return false, fmt.Errorf("%w: it was changed after the capture", ErrCorrupt)
	}
	return pl.letter == linkLetter, nil
}

func (p *plainStore) linked(at string, e *snapshot.DirEntry) (string, bool) {
	pl, err := p.place(at, e.ObjectID)
	if err != nil || pl.letter != linkLetter {
		return "", false
	}
	if info, err := p.root.Lstat(pl.name); err != nil || !info.Mode().IsRegular() {
		return "", false
	}
	return filepath.Join(p.dir, filepath.FromSlash(pl.name)), true
}

func (p *plainStore) forget(context.Context) error {
	p.cold.Store(true)
	if f, err := p.openFile(indexFile, os.O_RDONLY); err == nil {
		forgetFile(f)
		f.Close()
	}
	return nil
}

// maxManifest bounds the JSON of a manifest.
const maxManifest = 1 << 20

func (p *plainStore) list(ctx context.Context) ([]*snapshot.Manifest, error) {
	names, err := p.manifestNames()
	if err != nil {
		return nil, p.fault("read", capturesDir, err)
	}
	var list []*snapshot.Manifest
	for _, name := range names {
		m, err := p.load(ctx, manifest.ID(name))
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// manifestNames lists the IDs of the manifests that are there.
func (p *plainStore) manifestNames() ([]string, error) {
	entries, err := fs.ReadDir(p.root.FS(), capturesDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".json"); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

func manifestName(id manifest.ID) string { return path.Join(capturesDir, string(id)+".json") }

func (p *plainStore) load(_ context.Context, id manifest.ID) (*snapshot.Manifest, error) {
	if checkName(string(id)) != nil || strings.ContainsAny(string(id), `\:`) {
		return nil, ErrNotFound
	}
	f, err := p.openFile(manifestName(id), os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, p.fault("read", manifestName(id), err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return nil, p.fault("read", manifestName(id), err)
	}
	text, sum, _ := bytes.Cut(data, []byte("\n"))
	if string(bytes.TrimSpace(sum)) != sumLine(text) {
		return nil, fmt.Errorf("%s: %w: it does not have its hash", manifestName(id), ErrCorrupt)
	}
	m := new(snapshot.Manifest)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", manifestName(id), ErrCorrupt, err)
	}
	m.ID = id
	return m, nil
}

// sumLine is the line after the text of a manifest.
func sumLine(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func (p *plainStore) remove(_ context.Context, ids ...manifest.ID) error {
	for _, id := range ids {
		if err := p.root.Remove(manifestName(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return p.fault("remove", manifestName(id), err)
		}
	}
	return nil
}
