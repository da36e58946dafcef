package restore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"lifeboat/engine/store"
	"lifeboat/engine/volume"
	"lifeboat/engine/windows"
	"lifeboat/engine/winname"
)

// disk is a volume of the destination. Paths are those of package volume,
// `\Users\anna`; names are found in any case, as Windows does. Whatever a link on
// the volume says, nothing is written outside, and no link is gone through.
type disk struct {
	index   int
	where   string
	view    volume.Volume
	root    *os.Root
	journal *journal // nil in a dry run: then nothing is written
	changed func(what, path, text string)
	sys     system
	dirs    map[string]*folder // by folded path
	inDirs  int                // about how many spelled names are in them

	near   *os.Root                // the folder written to last, so that its path is walked once
	nearAt string                  // its native path
	kept   int                     // files in the folder for what was replaced
	moment func(op, native string) // called between steps, where tests cut the power
}

// folder is a folder of a disk with the names in it.
type folder struct {
	native  string // slash-separated below the root, "." for the root
	names   *names
	touched bool // it is new, or its time is in the journal
}

// What is remembered of folders ends with either bound.
const (
	maxDirs   = 1 << 12
	maxInDirs = 1 << 17 // names as they are spelled
)

// errLink is for paths that lead through a link.
var errLink = errors.New("a link is in the way")

func openDisk(index int, s windows.Source, j *journal) (*disk, error) {
	root, err := os.OpenRoot(s.Where)
	if err != nil {
		return nil, fmt.Errorf("open the destination: %w", err)
	}
	d := &disk{index: index, where: s.Where, view: s.Volume, root: root, journal: j, dirs: map[string]*folder{}, moment: func(string, string) {}}
	d.sys = probe(root)
	return d, nil
}

func (d *disk) close() error {
	var err error
	if d.journal != nil {
		err = d.sys.sync(d.root)
	}
	if d.near != nil {
		err = errors.Join(err, d.near.Close())
	}
	return errors.Join(err, d.root.Close())
}

// enter opens a folder to write many files into it.
func (d *disk) enter(f *folder) (*os.Root, error) {
	if d.near != nil && d.nearAt == f.native {
		return d.near, nil
	}
	near, err := d.root.OpenRoot(f.native)
	if err != nil {
		return nil, err
	}
	if d.near != nil {
		d.near.Close()
	}
	d.near, d.nearAt = near, f.native
	return near, nil
}

// full is the path of something on this computer.
func (d *disk) full(native string) string { return filepath.Join(d.where, filepath.FromSlash(native)) }

// has reports whether there is something under a native path.
func (d *disk) has(native string) bool {
	_, err := d.root.Lstat(native)
	return err == nil
}

func (d *disk) dry() bool { return d.journal == nil }

// checkName says why a name from a store cannot be one here.
func checkName(name string) error {
	switch {
	case name == "" || name == "." || name == "..":
		return fmt.Errorf("%q is no name", name)
	case strings.ContainsAny(name, "/\\:\x00"):
		return fmt.Errorf("the name %q is not possible", winname.Show(name))
	case winname.IsDevice(name):
		return fmt.Errorf("the name %q is that of a device", winname.Show(name))
	}
	return nil
}

// folder finds a folder, which must be real.
func (d *disk) folder(p string) (*folder, error) {
	key := winname.Fold(p)
	if f := d.dirs[key]; f != nil {
		return f, nil
	}
	native := "."
	if p != `\` {
		dir, name := winname.Split(p)
		if dir == "" {
			return nil, &fs.PathError{Op: "find", Path: p, Err: fs.ErrNotExist}
		}
		parent, err := d.folder(dir)
		if err != nil {
			return nil, err
		}
		spelled, ok := parent.names.find(name)
		if !ok {
			return nil, &fs.PathError{Op: "find", Path: p, Err: fs.ErrNotExist}
		}
		native = path.Join(parent.native, spelled)
		info, err := d.root.Lstat(native)
		switch {
		case err != nil:
			return nil, err
		case !info.IsDir() && info.Mode().IsRegular():
			return nil, &fs.PathError{Op: "find", Path: p, Err: syscall.ENOTDIR}
		case !info.IsDir() || info.Mode()&(fs.ModeSymlink|fs.ModeIrregular) != 0:
			return nil, &fs.PathError{Op: "find", Path: p, Err: errLink}
		}
	}
	names, err := readNames(d.root, native)
	if err != nil {
		return nil, err
	}
	f := &folder{native: native, names: names}
	d.remember(key, f)
	return f, nil
}

func (d *disk) remember(key string, f *folder) {
	if d.inDirs += len(f.names.spelled); (len(d.dirs) >= maxDirs || d.inDirs > maxInDirs) && !d.dry() {
		clear(d.dirs)
		d.inDirs = len(f.names.spelled)
	}
	d.dirs[key] = f
}

// added notes that something has been put into a folder.
func (d *disk) added(f *folder, name string) {
	before := len(f.names.spelled)
	f.names.add(name)
	d.inDirs += len(f.names.spelled) - before
}

// find looks for something; the info is that of the thing itself, a link too.
func (d *disk) find(p string) (native string, info fs.FileInfo, err error) {
	if p == `\` {
		info, err = d.root.Lstat(".")
		return ".", info, err
	}
	dir, name := winname.Split(p)
	f, err := d.folder(dir)
	if err != nil {
		return "", nil, err
	}
	spelled, ok := f.names.find(name)
	if !ok {
		return "", nil, &fs.PathError{Op: "find", Path: p, Err: fs.ErrNotExist}
	}
	native = path.Join(f.native, spelled)
	info, err = d.root.Lstat(native)
	return native, info, err
}

// exists reports whether a name is taken, in a dry run also by what would have
// been written.
func (d *disk) exists(p string) bool {
	dir, name := winname.Split(p)
	f, err := d.folder(dir)
	if err != nil {
		return false
	}
	return f.names.has(name)
}

// mkdirs makes a folder and those above it. made lists what was not there, the
// outermost first.
func (d *disk) mkdirs(p string) (made []string, err error) {
	if _, err := d.folder(p); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	dir, name := winname.Split(p)
	if err := checkName(name); err != nil {
		return nil, err
	}
	made, err = d.mkdirs(dir)
	if err != nil {
		return made, err
	}
	parent, err := d.folder(dir)
	if err != nil {
		return made, err
	}
	native := path.Join(parent.native, name)
	if !d.dry() {
		if err := d.touch(parent); err != nil {
			return made, err
		}
		if err := d.journal.add(step{Op: opFolder, Disk: d.index, Path: store.Text(native)}); err != nil {
			return made, err
		}
		d.moment("folder noted", native)
		if err := d.root.Mkdir(native, 0o777); err != nil {
			return made, err
		}
		d.moment("folder made", native)
	}
	d.changed("folder", p, "")
	d.added(parent, name)
	d.remember(winname.Fold(p), &folder{native: native, names: newNames(d.root, native), touched: true})
	return append(made, p), nil
}

// touch keeps the time of a folder that was there before something in it changes.
func (d *disk) touch(f *folder) error {
	if f.touched {
		return nil
	}
	info, err := d.root.Lstat(f.native)
	if err != nil {
		return err
	}
	f.touched = true
	return d.journal.add(step{Op: opTouch, Disk: d.index, Path: store.Text(f.native), Time: info.ModTime()})
}

// put writes a file, so that at no moment there is a part of it under its name.
// If the name is taken and replace is set, what is there is kept; else the error
// wraps fs.ErrExist. The folder must be there.
func (d *disk) put(p string, replace bool, meta metadata, write func(w io.Writer) error) error {
	err := d.place(p, replace, func(near *os.Root, temp, full string) error { return d.writeTemp(near, temp, full, meta, write) })
	if err == nil && meta.short != "" && meta.reparse == nil && !d.dry() {
		d.setShort(p, meta.short)
	}
	return err
}

// setShort gives an object its name for DOS, which it gets last: renaming loses it.
// That it cannot be had (another has it, or the volume makes none) costs nobody
// anything but old paths in the registry, and is not told.
func (d *disk) setShort(p, short string) {
	dir, name := winname.Split(p)
	f, err := d.folder(dir)
	if err != nil {
		return
	}
	if f.names.has(short) {
		return
	}
	if near, err := d.enter(f); err == nil {
		if spelled, ok := f.names.find(name); ok {
			name = spelled
		}
		_ = d.sys.setShort(near, name, d.full(path.Join(f.native, name)), short)
	}
}

// freeName takes a file's name away from what has it for DOS only: to write under it
// would replace that.
func (d *disk) freeName(f *folder, name string) error {
	if f.names.has(name) || !winname.IsShort(name) {
		return nil
	}
	near, err := d.enter(f)
	if err != nil {
		return err
	}
	short := winname.Fold(name) // they are in upper case, and ntfs-3g looks for nothing else
	if _, err := near.Lstat(short); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := d.sys.setShort(near, short, d.full(path.Join(f.native, short)), ""); err != nil {
		return fmt.Errorf("the name is that for DOS of another file: %w", err)
	}
	return nil
}

// place is put for a file that fill makes under a temporary name.
func (d *disk) place(p string, replace bool, fill func(near *os.Root, temp, full string) error) error {
	dir, name := winname.Split(p)
	if err := checkName(name); err != nil {
		return err
	}
	f, err := d.folder(dir)
	if err != nil {
		return err
	}
	spelled, taken := f.names.find(name)
	what := "file"
	if taken {
		if !replace {
			return &fs.PathError{Op: "write", Path: p, Err: fs.ErrExist}
		}
		name, what = spelled, "replace"
	}
	if d.dry() {
		d.changed(what, p, "")
		d.added(f, name)
		return nil
	}
	native := path.Join(f.native, name)
	if err := d.touch(f); err != nil {
		return err
	}
	if err := d.freeName(f, name); err != nil {
		return err
	}
	if taken {
		if err := d.keep(native); err != nil {
			return err
		}
	}
	if err := d.journal.add(step{Op: opFile, Disk: d.index, Path: store.Text(native)}); err != nil {
		return err
	}
	d.moment("file noted", native)
	near, err := d.enter(f)
	if err != nil {
		return err
	}
	temp := d.journal.temp
	if err := fill(near, temp, d.full(path.Join(f.native, temp))); err != nil {
		near.Remove(temp)
		return err
	}
	d.moment("file written", native)
	if err := rename(near, temp, name, d.full(native)); err != nil {
		near.Remove(temp)
		return err
	}
	d.moment("file in place", native)
	d.added(f, name)
	return nil
}

func (d *disk) writeTemp(near *os.Root, temp, full string, meta metadata, write func(w io.Writer) error) error {
	open := func() (*os.File, error) { return near.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o666) }
	if meta.folder {
		if err := near.Mkdir(temp, 0o777); err != nil {
			return err
		}
		open = func() (*os.File, error) { return near.Open(temp) }
	}
	f, err := open()
	if err != nil {
		return err
	}
	if meta.sparse && d.sys.makeSparse(f) == nil {
		s := &sparseWriter{file: f}
		if err = write(s); err == nil {
			err = s.end()
		}
	} else {
		err = write(f)
	}
	if err == nil && meta.sync {
		err = f.Sync()
	}
	if err == nil {
		err = d.sys.apply(near, temp, full, f, meta)
	}
	err = errors.Join(err, f.Close())
	if meta.reparse != nil {
		near.Lstat(temp) // FUSE answers with an error once when a folder has become a link
	}
	return err
}

// keepName notes that something is put aside, and says where.
func (d *disk) keepName(native string) (string, error) {
	dir := `\` + strings.ReplaceAll(d.journal.keep, "/", `\`)
	if _, err := d.mkdirs(dir); err != nil {
		return "", fmt.Errorf("make the folder for what is replaced: %w", err)
	}
	d.kept++
	kept := path.Join(d.journal.keep, fmt.Sprintf("%06d", d.kept))
	if err := d.journal.add(step{Op: opKeep, Disk: d.index, Path: store.Text(native), Kept: kept}); err != nil {
		return "", err
	}
	d.moment("keep noted", native)
	return kept, nil
}

// keep puts what is under a name aside, without taking it away.
func (d *disk) keep(native string) error {
	kept, err := d.keepName(native)
	if err != nil {
		return err
	}
	if d.root.Link(native, kept) == nil {
		d.moment("kept", native)
		return nil
	}
	return d.copy(native, kept) // file systems without links
}

func (d *disk) copy(from, to string) error {
	in, err := d.root.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := d.root.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	err = errors.Join(err, out.Sync(), out.Close())
	if err == nil {
		err = d.root.Chtimes(to, info.ModTime(), info.ModTime())
	}
	return err
}

// remove takes a file away; it is kept for Undo.
func (d *disk) remove(p string) error {
	native, info, err := d.find(p)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return &fs.PathError{Op: "remove", Path: p, Err: syscall.EISDIR}
	}
	dir, name := winname.Split(p)
	f, err := d.folder(dir)
	if err != nil {
		return err
	}
	d.changed("remove", p, "")
	if !d.dry() {
		if err := d.touch(f); err != nil {
			return err
		}
		if err := d.keep(native); err != nil {
			return err
		}
		if err := remove(d.root, native, d.full(native)); err != nil {
			return err
		}
	}
	f.names.remove(name)
	return nil
}

// removeFolder takes an empty folder away, into the folder for what is kept.
func (d *disk) removeFolder(p string) error {
	dir, name := winname.Split(p)
	parent, err := d.folder(dir)
	if err != nil {
		return err
	}
	f, err := d.folder(p)
	if err != nil {
		return err
	}
	d.changed("remove", p, "")
	if !d.dry() {
		if err := d.touch(parent); err != nil {
			return err
		}
		kept, err := d.keepName(f.native)
		if err != nil {
			return err
		}
		if d.near != nil && d.nearAt == f.native {
			d.near.Close() // Windows moves no folder that is open
			d.near, d.nearAt = nil, ""
		}
		if err := d.root.Rename(f.native, kept); err != nil {
			return err
		}
		d.moment("folder moved", f.native)
	}
	delete(d.dirs, winname.Fold(p))
	parent.names.remove(name)
	return nil
}

// setFolder gives a folder that was made its metadata.
func (d *disk) setFolder(p string, meta metadata) error {
	if d.dry() {
		return nil
	}
	f, err := d.folder(p)
	if err != nil {
		return err
	}
	if meta.short != "" {
		d.setShort(p, meta.short)
	}
	in, err := d.root.Open(f.native)
	if err != nil {
		return err
	}
	defer in.Close()
	return d.sys.apply(d.root, f.native, d.full(f.native), in, meta)
}

// same reports whether a file has the content that open gives.
func (d *disk) same(native string, size int64, open func() (io.ReadCloser, error)) (bool, error) {
	info, err := d.root.Lstat(native)
	if err != nil || !info.Mode().IsRegular() || info.Size() != size {
		return false, nil
	}
	have, err := d.root.Open(native)
	if err != nil {
		return false, nil
	}
	defer have.Close()
	want, err := open()
	if err != nil {
		return false, err
	}
	defer want.Close()
	return sameContent(have, want), nil
}

// sameContent compares two readers to their ends.
func sameContent(a, b io.Reader) bool {
	x, y := make([]byte, 128<<10), make([]byte, 128<<10)
	for {
		n, errA := io.ReadFull(a, x)
		m, errB := io.ReadFull(b, y)
		if n != m || !bytes.Equal(x[:n], y[:m]) {
			return false
		}
		if errA != nil || errB != nil {
			end := func(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }
			return end(errA) && end(errB)
		}
	}
}

// isFull reports that a volume has no room left.
func isFull(err error) bool {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return false
	}
	return errno == syscall.ENOSPC || errno == fullErrno || errno == syscall.EDQUOT
}
