package media

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/engine/human"
	"lifeboat/engine/winname"
	"lifeboat/winpe"
)

// output is where a stick goes: a folder, which may be a mounted stick, or one
// file with all of it.
type output struct {
	path   string
	packed bool
}

// The files that a stick can be packed into.
const (
	isoFile   = ".iso"
	imageFile = ".img"
)

// newOutput looks at the place. It is a file if it has the extension; that must
// not exist yet. A folder may, and may hold other things, but nothing under a name
// that the stick will use.
func newOutput(path, extension string) (output, error) {
	o := output{path: path, packed: strings.EqualFold(filepath.Ext(path), extension)}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return o, nil
	case err != nil:
		return o, err
	case o.packed:
		return o, refuse("remove it, or name another", "%s exists already", winname.Show(path))
	case !info.IsDir():
		return o, refuse("name a folder, or a file that ends in "+extension, "%s exists already and is no folder", winname.Show(path))
	}
	return o, nil
}

// room makes sure that the place can be written to and takes so many bytes. A
// packed stick needs the room twice: for its tree, and for itself.
func (o output) room(bytes int64) error {
	if o.packed {
		bytes *= 2
	}
	if err := winpe.CheckWritable(o.dir()); err != nil {
		return &Refusal{err.Error(), "name a place that can be written to"}
	}
	free, err := winpe.FreeSpace(o.dir())
	if err != nil {
		return err
	}
	if free < bytes {
		return refuse("make room, or name another place", "%s has %s free, and about %s are needed", winname.Show(o.dir()), human.Bytes(free), human.Bytes(bytes))
	}
	return nil
}

// dir is the folder that temporary files go to: on the volume of the result, so
// that it can be moved to its place.
func (o output) dir() string {
	if info, err := os.Stat(o.path); err == nil && info.IsDir() {
		return o.path
	}
	return filepath.Dir(o.path)
}

// publish has the tree of a stick made in one temporary folder, with another to
// work in, has it packed if it is to be, and moves the result to its place. What
// fails leaves nothing behind.
func (o output) publish(tree func(stick, work string) error, pack func(dir, file string) error) (err error) {
	if err := os.MkdirAll(o.dir(), 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(o.dir(), ".lifeboat-media-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	stick, work := filepath.Join(temp, "stick"), filepath.Join(temp, "work")
	if err := errors.Join(os.Mkdir(stick, 0o755), os.Mkdir(work, 0o755)); err != nil {
		return err
	}
	if err := tree(stick, work); err != nil {
		return err
	}
	if o.packed {
		file := filepath.Join(temp, "stick"+filepath.Ext(o.path))
		if err := pack(stick, file); err != nil {
			return err
		}
		return os.Rename(file, o.path)
	}
	if o.dir() != o.path {
		return os.Rename(stick, o.path)
	}
	return moveIn(stick, o.path)
}

// moveIn moves what is in a folder into another one on the same volume. If it
// cannot, or a name is taken, it moves nothing.
func moveIn(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, err := os.Lstat(filepath.Join(to, e.Name())); err == nil {
			return refuse("empty it, or name another folder", "%s holds %s already", winname.Show(to), winname.Show(e.Name()))
		}
	}
	// What starts a PC comes last: half a stick does not start.
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(startsPC(a.Name()), startsPC(b.Name())) })
	for i, e := range entries {
		if err := os.Rename(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			for _, moved := range entries[:i] {
				err = errors.Join(err, os.Rename(filepath.Join(to, moved.Name()), filepath.Join(from, moved.Name())))
			}
			return err
		}
	}
	return nil
}

// startsPC is 1 for what firmware looks for on a stick, else 0.
func startsPC(name string) int {
	if strings.EqualFold(name, "EFI") || strings.HasPrefix(strings.ToLower(name), "bootmgr") {
		return 1
	}
	return 0
}
