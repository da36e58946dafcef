package restore

import (
	"io"
	"path"

	"lifeboat/engine/store"
	"lifeboat/engine/winname"
)

// fileKey is a file of the source that has several names. File IDs are those of
// one volume, and a drive may show several: what has the same key is taken for the
// same file only with the same content.
type fileKey struct {
	drive string
	id    uint64
}

// named is where a file with further names was put.
type named struct {
	disk *disk
	at   string
	left uint32 // names that may come yet
}

// maxNamed bounds the files with further names that are remembered; the names of
// any beyond become files of their own.
const maxNamed = 1 << 16

func keyOf(o store.Object) (fileKey, bool) {
	if o.Links < 2 || o.FileID == 0 || len(o.Path) < 2 {
		return fileKey{}, false
	}
	return fileKey{winname.Fold(string(o.Path[:2])), o.FileID}, true
}

// remember notes a file that was put back and has further names.
func (r *run) remember(o store.Object, d *disk, at string) {
	key, ok := keyOf(o)
	if !ok || d.dry() {
		return
	}
	if r.named == nil {
		r.named = map[fileKey]named{}
	}
	if _, known := r.named[key]; known || len(r.named) < maxNamed {
		r.named[key] = named{d, at, o.Links - 1}
	}
}

// nameAgain gives a file that was put back another name; false if it is to be
// written instead.
func (r *run) nameAgain(o store.Object, d *disk, at string, size int64, open func() (io.ReadCloser, error)) bool {
	key, ok := keyOf(o)
	first, known := r.named[key]
	if !ok || !known || first.disk != d {
		return false
	}
	native, _, err := d.find(first.at)
	if err != nil {
		return false
	}
	if same, err := d.same(native, size, open); err != nil || !same {
		return false
	}
	if first.left--; first.left == 0 {
		delete(r.named, key)
	} else {
		r.named[key] = first
	}
	return d.link(native, at) == nil
}

// link gives the file under a native path a name that is free, in a folder that is
// there. It fails where the file system has no links.
func (d *disk) link(native, p string) error {
	dir, name := winname.Split(p)
	if err := checkName(name); err != nil {
		return err
	}
	f, err := d.folder(dir)
	if err != nil {
		return err
	}
	to := path.Join(f.native, name)
	if err := d.touch(f); err != nil {
		return err
	}
	if err := d.journal.add(step{Op: opFile, Disk: d.index, Path: store.Text(to)}); err != nil {
		return err
	}
	d.moment("file noted", to)
	if err := d.root.Link(native, to); err != nil {
		return err
	}
	d.moment("file in place", to)
	d.added(f, name)
	return nil
}
