package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"lifeboat/engine/winname"
)

// ErrReparse means that the way to an object leads over a reparse point that
// is not followed, or that the content behind one is not to be had here.
var ErrReparse = errors.New("reparse point is not followed")

// errName is for names that no Windows path can spell.
var errName = errors.New("name holds a backslash, which is not a Windows name")

// Dir is a folder of this computer in which a Windows volume is mounted, or
// which holds a copy of one. What plain file calls do not tell (attributes,
// streams, descriptors) it asks from the file system where that answers:
// ntfs-3g and ntfs3 on Linux, everything on Windows.
//
// A symbolic link is never followed, neither at the end of a path nor on the
// way, so nothing outside the folder can be reached.
type Dir struct {
	root string
	sys  system

	mu       sync.Mutex
	folders  map[string]string // path as asked for → native path, known to be a real folder
	listings listings
	shorts   listings
}

// listings are what folders are searched for: native folder → folded name → name.
type listings map[string]map[string]string

// Both caches are emptied when they reach these bounds; a folder with more
// names than maxListing is searched afresh each time.
const (
	maxFolders  = 4096
	maxListings = 64
	maxListing  = 1 << 14
)

// OpenDir opens the volume mounted at root.
func OpenDir(root string) (*Dir, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("open volume %s: %w", root, err)
	}
	// The root itself may be a link: it is the caller's choice, not the disk's.
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	native := nativeRoot(abs)
	if fi, err := os.Stat(native); err != nil {
		return nil, fmt.Errorf("open volume: %w", err)
	} else if !fi.IsDir() {
		return nil, fmt.Errorf("open volume %s: not a folder", root)
	}
	return &Dir{
		root:     native,
		sys:      probe(native),
		folders:  map[string]string{},
		listings: listings{},
		shorts:   listings{},
	}, nil
}

// Close releases the caches; files that are still open stay usable.
func (d *Dir) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.folders)
	clear(d.listings)
	clear(d.shorts)
	return nil
}

// Stat describes one object. Its Name is spelled as on the disk on Linux, as it
// was asked for on Windows.
func (d *Dir) Stat(path string) (Info, error) {
	var info Info
	err := d.at("stat", path, func(native string) (err error) {
		info, err = d.sys.stat(native)
		return err
	})
	if path == `\` {
		info.Name = ""
	}
	return info, err
}

// Named is a Volume whose files this computer has names for, so that they can be
// linked. One that is read raw has none: linking writes to it.
type Named interface {
	// Native is the path of an object on this computer.
	Native(path string) (string, error)
}

// Native implements Named.
func (d *Dir) Native(path string) (native string, err error) {
	err = d.at("find", path, func(found string) error {
		native = found
		_, err := os.Lstat(found)
		return err
	})
	return native, err
}

func (d *Dir) ReadDir(path string) ([]Info, error) {
	var infos []Info
	var problems problemList
	err := d.at("read folder", path, func(native string) error {
		return d.sys.list(native, func(name string, info Info, err error) {
			if strings.Contains(name, `\`) {
				err = errName
			}
			if err != nil {
				problems.add(pathError("stat", winname.Join(path, name), err))
				return
			}
			infos = append(infos, info)
		})
	})
	problems.add(err)
	sortByName(infos)
	return infos, problems.err()
}

func (d *Dir) Open(path string) (File, error) {
	var file *os.File
	err := d.at("open", path, func(native string) (err error) {
		file, err = openFile(native)
		return err
	})
	if err != nil {
		return nil, err
	}
	return file, nil
}

func (d *Dir) Extras(path string, info Info) (Extras, error) {
	var extras Extras
	err := d.at("read metadata", path, func(native string) (err error) {
		extras, err = d.sys.extras(native, info)
		return err
	})
	return extras, err
}

func (d *Dir) OpenStream(path, stream string) (File, error) {
	var file File
	err := d.at("open stream "+stream, path, func(native string) (err error) {
		file, err = d.sys.openStream(native, stream)
		return err
	})
	return file, err
}

// at runs do on the native path of path: with the last segment as it is
// spelled, and if there is no such object, with the spelling the folder has
// for it. Errors name the operation and the path.
func (d *Dir) at(op, path string, do func(native string) error) error {
	if path == `\` {
		return pathError(op, path, do(d.root))
	}
	dir, name := winname.Split(path)
	folder, err := d.folder(dir)
	if err == nil {
		err = d.child(folder, name, do)
	}
	return pathError(op, path, err)
}

// folder returns the native path of a folder, reached over real folders only.
func (d *Dir) folder(path string) (string, error) {
	if path == `\` {
		return d.root, nil
	}
	d.mu.Lock()
	native, ok := d.folders[path]
	d.mu.Unlock()
	if ok {
		return native, nil
	}
	dir, name := winname.Split(path)
	if dir == "" { // no leading backslash: not a path of this volume
		return "", fs.ErrNotExist
	}
	parent, err := d.folder(dir)
	if err != nil {
		return "", err
	}
	err = d.child(parent, name, func(child string) error {
		native = child
		return realFolder(child)
	})
	if err != nil {
		return "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.folders) >= maxFolders {
		clear(d.folders)
	}
	d.folders[path] = native
	return native, nil
}

// child runs do on one entry of a folder.
func (d *Dir) child(folder, name string, do func(native string) error) error {
	if !plainName(name) {
		return fs.ErrNotExist
	}
	if winname.IsShort(name) {
		// The system may know it as well, but would not tell whose it is.
		if long, found := d.long(folder, name); found {
			name = long
		}
	}
	err := do(nativeJoin(folder, name))
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	spelled, found := d.spelling(folder, name)
	if !found {
		return err
	}
	return do(nativeJoin(folder, spelled))
}

// spelling looks for a name of the folder that Windows takes for the same.
func (d *Dir) spelling(folder, name string) (string, bool) {
	return d.search(d.listings, folder, name, func() (map[string]string, error) {
		names, err := readNames(folder)
		listing := make(map[string]string, len(names))
		slices.Sort(names) // of two spellings beside each other always the same one
		for _, n := range names {
			if fold := winname.Fold(n); listing[fold] == "" {
				listing[fold] = n
			}
		}
		return listing, err
	})
}

// search looks for a name in what is kept of a folder, or else read.
func (d *Dir) search(kept listings, folder, name string, read func() (map[string]string, error)) (string, bool) {
	d.mu.Lock()
	listing, ok := kept[folder]
	d.mu.Unlock()
	if !ok {
		var err error
		if listing, err = read(); err == nil && len(listing) <= maxListing {
			d.mu.Lock()
			if len(kept) >= maxListings {
				clear(kept)
			}
			kept[folder] = listing
			d.mu.Unlock()
		}
	}
	found, ok := listing[winname.Fold(name)]
	return found, ok
}

// plainName reports whether name can be one segment of a path here: no way up,
// and nothing that this system would take for more than one segment.
func plainName(name string) bool {
	return name != "" && name != "." && name != ".." &&
		!strings.ContainsAny(name, "/\x00"+`\`)
}

func nativeJoin(folder, name string) string {
	if strings.HasSuffix(folder, string(filepath.Separator)) {
		return folder + name
	}
	return folder + string(filepath.Separator) + name
}

func sortByName(infos []Info) {
	folds := make(map[string]string, len(infos))
	for _, i := range infos {
		folds[i.Name] = winname.Fold(i.Name)
	}
	slices.SortFunc(infos, func(a, b Info) int {
		if c := strings.Compare(folds[a.Name], folds[b.Name]); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
}

// pathError puts the Windows path in the place of the native one.
func pathError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	var native *fs.PathError
	if errors.As(err, &native) {
		err = native.Err
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// problemList joins errors; a folder in which all is unreadable must not fill
// the memory with them.
type problemList struct {
	kept []error
	more int
}

func (p *problemList) add(err error) {
	switch {
	case err == nil:
	case len(p.kept) < 64:
		p.kept = append(p.kept, err)
	default:
		p.more++
	}
}

func (p *problemList) err() error {
	if p.more > 0 {
		return errors.Join(append(p.kept, fmt.Errorf("and %d more", p.more))...)
	}
	return errors.Join(p.kept...)
}
