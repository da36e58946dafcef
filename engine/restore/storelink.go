package restore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"lifeboat/engine/store"
)

// What a hard-link store holds is put back by giving the same file another name:
// nothing is copied. All names of a file share its attributes, times, streams and
// rights. The first three are what they were; the rights are those of the
// destination's accounts from then on, also under the names in the store and in
// the former Windows, as with USMT. Undo gives the old ones back.

// linked is the file of the store to link for an object, "" if it is to be copied.
func (r *run) linked(ctx context.Context, o store.Object) string {
	if r.req.Linked == nil {
		return ""
	}
	from, _ := r.req.Linked(ctx, store.FilePath(string(o.Path)))
	return from
}

// isSame reports whether what is under a native path is the file of the store, or
// else has its content.
func (d *disk) isSame(native, from string, size int64, open func() (io.ReadCloser, error)) (bool, error) {
	if from != "" {
		there, err := d.root.Lstat(native)
		if err != nil {
			return false, err
		}
		if info, err := os.Lstat(from); err == nil && os.SameFile(there, info) {
			return true, nil
		}
	}
	return d.same(native, size, open)
}

// putLink is put for a file of the store that gets another name. It is false
// where that cannot be: then the file must be copied.
func (r *run) putLink(o store.Object, d *disk, at string, replace bool, from string, security []byte) (bool, error) {
	if from == "" {
		return false, nil
	}
	err := d.place(at, replace, func(near *os.Root, temp, full string) error {
		near.Remove(temp) // of an earlier attempt
		return linkInto(near, from, temp, full)
	})
	var link *os.LinkError
	if errors.As(err, &link) && link.Op == "link" {
		r.warn(fmt.Sprintf("%s cannot be linked and is copied: %v", o.Path, link.Err))
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if info, err := os.Lstat(from); err == nil && info.Size() != o.Size {
		r.notice(string(o.Path), "was changed after it was saved: it is as it is now")
	}
	r.ctl.Progress.AddBytes(o.Size, r.ctl.Clock())
	return true, r.secure(d, at, security)
}

// secure gives a linked file the rights it shall have, if it does not have them.
func (r *run) secure(d *disk, at string, security []byte) error {
	if security == nil || d.dry() || !d.sys.keepsAll() {
		return nil
	}
	info, err := d.view.Stat(at)
	if err != nil {
		return err
	}
	extras, err := d.view.Extras(at, info)
	if err != nil || extras.Security == nil || bytes.Equal(extras.Security, security) {
		return nil // what it has cannot be known, so it could not be given back
	}
	native, _, err := d.find(at)
	if err != nil {
		return err
	}
	if err := d.journal.add(step{Op: opSecure, Disk: d.index, Path: store.Text(native), Security: extras.Security}); err != nil {
		return err
	}
	d.moment("rights noted", native)
	if err := setRights(d.root, native, d.full(native), d.sys, security); err != nil {
		r.notice(at, "its rights could not be set: %v", err)
	}
	return nil
}

// setRights changes nothing but the rights of a file.
func setRights(root *os.Root, native, full string, sys system, security []byte) error {
	info, err := root.Lstat(native)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return &fs.PathError{Op: "set rights", Path: native, Err: errLink}
	}
	f, err := root.Open(native)
	if err != nil {
		return err
	}
	defer f.Close()
	return sys.apply(root, native, full, f, metadata{security: security})
}
