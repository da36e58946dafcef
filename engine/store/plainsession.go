package store

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
	"sync/atomic"

	"github.com/kopia/kopia/repo/manifest"
	"github.com/kopia/kopia/repo/object"
	"github.com/kopia/kopia/snapshot"

	"lifeboat/engine/winname"
)

func (p *plainStore) begin(context.Context) (session, error) {
	s := &plainSession{p: p, seed: maphash.MakeSeed(), dirs: map[string]*placed{}}
	names, err := p.manifestNames()
	for _, name := range names {
		var n int
		if _, err := fmt.Sscanf(name, "%d", &n); err == nil {
			s.last = max(s.last, n)
		}
	}
	if err == nil {
		err = p.root.MkdirAll(tempDir, 0o777)
	}
	if err == nil {
		err = p.root.MkdirAll(capturesDir, 0o777)
	}
	if err == nil {
		s.index, err = p.openFile(indexFile, os.O_RDWR)
	}
	if err != nil {
		return nil, p.fault("write", p.dir, err)
	}
	s.end, err = s.index.Seek(0, io.SeekEnd)
	if err == nil && s.end > 0 {
		// What an interrupted run left half written becomes a line of its own.
		var last [1]byte
		if _, err = s.index.ReadAt(last[:], s.end-1); err == nil && last[0] != '\n' {
			_, err = s.index.WriteAt([]byte("\n"), s.end)
			s.end++
		}
	}
	if err != nil {
		return nil, errors.Join(p.fault("write", indexFile, err), s.index.Close())
	}
	return s, nil
}

// plainSession writes to a plain store.
type plainSession struct {
	p    *plainStore
	seed maphash.Seed
	temp atomic.Int64 // names of temporary files

	record sync.Mutex // one record is written at a time
	index  *os.File
	end    int64 // of the index

	mu      sync.Mutex         // guards the rest
	dirs    map[string]*placed // open folders by their path in the capture
	last    int                // number of the last manifest
	saved   []*snapshot.Manifest
	removed []manifest.ID
}

// placed is where an open folder and what it holds lie.
type placed struct {
	name  string // in the store's folder
	apart bool   // not there: what it holds lies in Other

	// What is in it, by the hash of its folded name in the store: that of its name. A
	// million names would be too much for the memory, and of two that have one hash
	// the second lies in Other as if they were the same, where it is as well.
	names map[uint64]uint64
}

// locate finds the place of an object, making the folders above it. ok is false
// if it cannot lie under its path, because another object does whose name Windows
// takes for the same, or because the medium cannot have the name.
func (s *plainSession) locate(at string) (name string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dir, own := splitPath(at)
	return s.take(s.folder(dir), own, own)
}

// take gives a name in a folder to what lies there, if it is free or already its own.
func (s *plainSession) take(d *placed, own, what string) (name string, ok bool) {
	if d.apart {
		return "", false
	}
	host := hostName(own, "windows")
	fold, object := maphash.String(s.seed, winname.Fold(host)), maphash.String(s.seed, what)
	if d.names == nil {
		d.names = map[uint64]uint64{}
	}
	if other, taken := d.names[fold]; taken && other != object {
		return "", false
	}
	d.names[fold] = object
	return path.Join(d.name, host), true
}

// folder opens a folder. The caller holds s.mu.
func (s *plainSession) folder(at string) *placed {
	if d := s.dirs[at]; d != nil {
		return d
	}
	d := &placed{}
	if at != "" {
		dir, own := splitPath(at)
		var ok bool
		d.name, ok = s.take(s.folder(dir), own, own+"/")
		// A medium that is in trouble says so again when something is written.
		d.apart = !ok || s.mkdir(d.name) != nil
	}
	s.dirs[at] = d
	return d
}

// mkdir makes a folder in one that is there.
func (s *plainSession) mkdir(name string) error {
	err := s.p.root.Mkdir(name, 0o777)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := s.p.root.Lstat(name)
	if err == nil && !info.IsDir() {
		// Left by an earlier run, before the source changed; or planted.
		if err = s.p.root.Remove(name); err == nil {
			err = s.p.root.Mkdir(name, 0o777)
		}
	}
	return err
}

// claim keeps the place.
func (s *plainSession) claim(at string, folder bool) {
	if folder {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.folder(at)
		return
	}
	s.locate(at)
}

// reuse takes over an object that an earlier run stored.
func (s *plainSession) reuse(at string, e *snapshot.DirEntry) bool {
	if _, err := s.p.glance(at, e); err != nil {
		return false
	}
	name, ok := s.locate(at)
	pl, err := s.p.place(at, e.ObjectID)
	return err == nil && (pl.letter == otherLetter || ok && name == pl.name)
}

// link makes a file of the source a part of the store without copying it. ok is
// false where that cannot be done.
func (s *plainSession) link(it Item) (id object.ID, size int64, ok bool) {
	if s.p.head.Kind != Linked || it.Native == nil {
		return id, 0, false
	}
	native := it.Native()
	if native == "" {
		return id, 0, false
	}
	name, ok := s.locate(it.Path)
	if !ok {
		return id, 0, false
	}
	err := linkInto(s.p.root, native, name)
	if errors.Is(err, fs.ErrExist) {
		// From an earlier run.
		if err = s.p.root.RemoveAll(name); err == nil {
			err = linkInto(s.p.root, native, name)
		}
	}
	if err != nil {
		return id, 0, false
	}
	info, err := s.p.root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		s.p.root.Remove(name)
		return id, 0, false
	}
	id, err = makeID(linkLetter, uint64Bytes(linkTime(info)))
	return id, info.Size(), err == nil
}

func (s *plainSession) create(_ context.Context, o newObject) writer {
	if o.folder {
		s.record.Lock()
		return &recordWriter{s: s, o: o, start: s.end, hash: recordHash(o.path), out: bufio.NewWriter(io.NewOffsetWriter(s.index, s.end))}
	}
	return &plainWriter{s: s, o: o, hash: sha256.New()}
}

// recordWriter appends the record of a folder to the index.
type recordWriter struct {
	s      *plainSession
	o      newObject
	start  int64
	length int64
	hash   hash.Hash
	out    *bufio.Writer
}

func (w *recordWriter) Write(b []byte) (int, error) {
	w.hash.Write(b)
	w.length += int64(len(b))
	n, err := w.out.Write(b)
	return n, w.s.p.fault("write", indexFile, err)
}

func (w *recordWriter) Result() (object.ID, error) {
	w.out.WriteByte('\n')
	if err := w.out.Flush(); err != nil {
		return object.EmptyID, w.s.p.fault("write", indexFile, err)
	}
	w.s.finishFolder(w.o)
	return makeID(folderLetter, w.hash.Sum(nil)[:16], uint64Bytes(w.start), uint64Bytes(w.length))
}

func (w *recordWriter) Close() error {
	if w.s != nil {
		if w.length > 0 {
			w.s.end = w.start + w.length + 1
		}
		w.s.record.Unlock()
		w.s = nil
	}
	return nil
}

// finishFolder makes a folder, which may be empty, and sets its time when nothing
// more comes into it.
func (s *plainSession) finishFolder(o newObject) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.folder(o.path)
	if !o.final {
		return
	}
	delete(s.dirs, o.path)
	if !d.apart && o.path != "" && !o.modTime.IsZero() {
		// A time that the medium cannot have is no loss: the record has it.
		s.p.root.Chtimes(d.name, o.modTime, o.modTime)
	}
}

// plainWriter writes a file under a temporary name.
type plainWriter struct {
	s    *plainSession
	o    newObject
	hash hash.Hash
	file *os.File
	temp string
	size int64
	err  error
}

func (w *plainWriter) open() error {
	if w.file == nil && w.err == nil {
		w.temp = path.Join(tempDir, fmt.Sprint(w.s.temp.Add(1)))
		w.file, w.err = w.s.p.root.OpenFile(w.temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
		if w.err == nil && w.o.sparse {
			makeSparse(w.file)
		}
	}
	return w.err
}

func (w *plainWriter) Write(b []byte) (int, error) {
	if w.open() == nil {
		w.hash.Write(b)
		w.err = w.put(b)
	}
	if w.err != nil {
		return 0, w.s.p.fault("write", w.o.path, w.err)
	}
	return len(b), nil
}

// holeSize is what of a sparse file is looked at for being all zeros.
const holeSize = 64 << 10

var zeros [holeSize]byte

func (w *plainWriter) put(b []byte) error {
	for len(b) > 0 {
		part := b
		if w.o.sparse {
			part = b[:min(int64(len(b)), holeSize-w.size%holeSize)]
		}
		if !w.o.sparse || !bytes.Equal(part, zeros[:len(part)]) {
			if _, err := w.file.WriteAt(part, w.size); err != nil {
				return err
			}
		}
		w.size += int64(len(part))
		b = b[len(part):]
	}
	return nil
}

func (w *plainWriter) Result() (object.ID, error) {
	id, err := w.finish()
	if err != nil {
		w.Close()
		return object.EmptyID, w.s.p.fault("write", w.o.path, err)
	}
	return id, nil
}

func (w *plainWriter) finish() (object.ID, error) {
	if err := w.open(); err != nil {
		return object.EmptyID, err
	}
	if w.o.sparse {
		if err := w.file.Truncate(w.size); err != nil {
			return object.EmptyID, err
		}
	}
	if eachFile {
		if err := w.file.Sync(); err != nil {
			return object.EmptyID, err
		}
	}
	err := w.file.Close()
	w.file = nil
	if err != nil {
		return object.EmptyID, err
	}
	if !w.o.modTime.IsZero() {
		w.s.p.root.Chtimes(w.temp, w.o.modTime, w.o.modTime)
	}
	name, ok := w.s.locate(w.o.path)
	sum := w.hash.Sum(nil)
	if ok {
		// Why a name cannot be is said in many ways; what then goes elsewhere was it.
		if w.s.rename(w.temp, name) == nil {
			w.temp = ""
			return makeID("", sum)
		}
	}
	name = otherPath(sum)
	if err := w.s.p.root.MkdirAll(path.Dir(name), 0o777); err != nil {
		return object.EmptyID, err
	}
	if err := w.s.rename(w.temp, name); err != nil {
		return object.EmptyID, err
	}
	w.temp = ""
	return makeID(otherLetter, sum)
}

// rename puts a file in its place. A folder there is one of an earlier run,
// before the source changed.
func (s *plainSession) rename(temp, name string) error {
	err := s.p.root.Rename(temp, name)
	if err == nil {
		return nil
	}
	if info, serr := s.p.root.Lstat(name); serr == nil && info.IsDir() {
		if rerr := s.p.root.RemoveAll(name); rerr != nil {
			return rerr
		}
		return s.p.root.Rename(temp, name)
	}
	return err
}

// Close gives up what has no result.
func (w *plainWriter) Close() error {
	if w.file != nil {
		w.file.Close()
		w.file = nil
	}
	if w.temp != "" {
		w.s.p.root.Remove(w.temp)
		w.temp = ""
	}
	return nil
}

func (s *plainSession) save(_ context.Context, m *snapshot.Manifest) (manifest.ID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	m.ID = manifest.ID(fmt.Sprintf("%08d", s.last))
	s.saved = append(s.saved, m)
	return m.ID, nil
}

func (s *plainSession) remove(_ context.Context, id manifest.ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id != "" {
		s.removed = append(s.removed, id)
	}
	return nil
}

// flush brings content to the medium, then the records that lead to it, then the
// manifests that lead to those.
func (s *plainSession) flush(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := syncAll(s.p.root); err != nil {
		return s.p.fault("write", s.p.dir, err)
	}
	if err := s.index.Sync(); err != nil {
		return s.p.fault("write", indexFile, err)
	}
	for _, m := range s.saved {
		if err := s.write(m); err != nil {
			return s.p.fault("write", manifestName(m.ID), err)
		}
	}
	s.saved = nil
	if err := s.p.remove(ctx, s.removed...); err != nil {
		return err
	}
	s.removed = nil
	return nil
}

// write writes a manifest, so that after a power cut it is there whole or not at
// all.
func (s *plainSession) write(m *snapshot.Manifest) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	name := manifestName(m.ID)
	temp := path.Join(tempDir, path.Base(name))
	f, err := s.p.root.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s\n%s\n", data, sumLine(data))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = s.p.root.Rename(temp, name)
	}
	if err == nil {
		err = syncRootDir(s.p.root, capturesDir)
	}
	return err
}

func (s *plainSession) close(ctx context.Context) error {
	return errors.Join(s.index.Close(), s.p.fault("remove", tempDir, s.p.removeTemps()))
}
