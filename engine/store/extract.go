package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/kopia/kopia/snapshot"

	"lifeboat/engine/winname"
)

// ExtractOptions say what Extract writes.
type ExtractOptions struct {
	// Filter picks files by their path inside the capture, and so the folders
	// they lie in. Nil takes all below File/, empty folders too.
	Filter    func(path string) bool
	Below     string // only the file or folder at this path inside the capture, and what it holds; empty for all
	Overwrite bool   // replace files that are there
	Progress  Progress
}

// ExtractReport is the result of Extract.
type ExtractReport struct {
	Files   int64     `json:"files"`
	Bytes   int64     `json:"bytes"`
	Failed  []Damaged `json:"failed,omitempty"`  // in path order; an existing file wraps fs.ErrExist
	Renamed []Renamed `json:"renamed,omitempty"` // names this system cannot have
}

// Renamed is a file or folder that got another name than it had.
type Renamed struct {
	Path string `json:"path"` // inside the capture
	Name string `json:"name"` // its last segment as written
}

// Extract writes files of a capture below the folder dest, which it makes:
// File/C$/Users/… as C$\Users\…, Streams/, Registry/ and Catalog/ under their
// own names. Times of files and folders are set. Nothing is written outside
// dest, and no link inside it is followed. Files that exist stay as they are
// unless Overwrite is set. The error is for a dest that cannot be written to, a
// store that is gone, and a ctx that ended; all else is in the report.
func (s *Store) Extract(ctx context.Context, id ID, dest string, opt ExtractOptions) (ExtractReport, error) {
	m, err := s.manifest(ctx, id)
	if err != nil {
		return ExtractReport{}, err
	}
	if err := os.MkdirAll(dest, 0o777); err != nil {
		return ExtractReport{}, err
	}
	root, err := os.OpenRoot(dest)
	if err != nil {
		return ExtractReport{}, err
	}
	defer root.Close()
	x := extractor{s: s, root: root, opt: opt, names: map[string]string{"": "."}}
	if opt.Progress == nil {
		x.opt.Progress = func(int64, int64, string) {}
	}
	w := walker{s: s, file: x.file, damaged: x.damaged, enter: x.enter, leave: x.leave}
	err = w.walk(ctx, m.RootEntry)
	byPath := func(a, b Damaged) int { return strings.Compare(a.Path, b.Path) }
	slices.SortFunc(x.report.Failed, byPath)
	if err != nil {
		return x.report, fmt.Errorf("extract to %s: %w", dest, err)
	}
	return x.report, nil
}

type extractor struct {
	s    *Store
	root *os.Root
	opt  ExtractOptions

	mu     sync.Mutex
	names  map[string]string // capture path of each open folder → its path below dest
	made   map[string]bool   // folders known to be there
	report ExtractReport
}

// filesTop is the tree whose content goes straight into the destination.
const filesTop = "File"

// target gives the path below dest of something in an open folder.
func (x *extractor) target(p string) string {
	dir, name := splitPath(p)
	host := hostName(name, runtime.GOOS)
	x.mu.Lock()
	defer x.mu.Unlock()
	if host != Unescape(name) {
		x.report.Renamed = append(x.report.Renamed, Renamed{p, host})
	}
	return path.Join(x.names[dir], host)
}

func (x *extractor) enter(p string, e *snapshot.DirEntry) (bool, error) {
	if x.opt.Filter == nil && p != "" && !liesIn(p, filesTop) || !x.leadsBelow(p) {
		return false, nil
	}
	target := "."
	if p != "" && p != filesTop {
		target = x.target(p)
	}
	x.mu.Lock()
	x.names[p] = target
	x.mu.Unlock()
	if x.opt.Filter != nil {
		return true, nil // made when a file in it is wanted
	}
	return true, x.mkdir(target)
}

// leadsBelow reports whether a folder is on the way to what is wanted, or in it.
func (x *extractor) leadsBelow(p string) bool {
	return x.opt.Below == "" || p == "" || liesIn(x.opt.Below, p) || liesIn(p, x.opt.Below)
}

func (x *extractor) leave(p string, e *snapshot.DirEntry) {
	x.mu.Lock()
	target := x.names[p]
	delete(x.names, p)
	made := x.made[target]
	delete(x.made, target)
	x.mu.Unlock()
	if made && target != "." && e.ModTime != 0 {
		t := e.ModTime.ToTime()
		if err := x.root.Chtimes(target, t, t); err != nil {
			x.damaged(p, err)
		}
	}
}

// mkdir makes a folder and those above it. A link in place of one is refused.
func (x *extractor) mkdir(target string) error {
	if target == "." {
		return nil
	}
	x.mu.Lock()
	made := x.made[target]
	x.mu.Unlock()
	if made {
		return nil
	}
	if err := x.mkdir(path.Dir(target)); err != nil {
		return err
	}
	err := x.root.Mkdir(target, 0o777)
	if errors.Is(err, fs.ErrExist) {
		info, serr := x.root.Lstat(target)
		if serr != nil {
			return serr
		}
		if !info.IsDir() {
			return fmt.Errorf("%s is in the way: %w", target, err)
		}
		err = nil
	}
	if err != nil {
		return writeFault(target, err)
	}
	x.mu.Lock()
	if x.made == nil {
		x.made = map[string]bool{}
	}
	x.made[target] = true
	x.mu.Unlock()
	return nil
}

func (x *extractor) file(ctx context.Context, p string, e *snapshot.DirEntry, buf []byte) error {
	if x.opt.Filter != nil && !x.opt.Filter(p) || x.opt.Filter == nil && !liesIn(p, filesTop) || x.opt.Below != "" && !liesIn(p, x.opt.Below) {
		return nil
	}
	target := x.target(p)
	if err := x.mkdir(path.Dir(target)); err != nil {
		return err
	}
	r, err := x.s.openFile(ctx, p, e)
	if err != nil {
		return err
	}
	defer r.Close()
	if x.opt.Overwrite {
		if info, err := x.root.Lstat(target); err == nil && info.IsDir() {
			return fmt.Errorf("%s is a folder: %w", target, fs.ErrExist)
		}
		if err := x.root.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f, err := x.root.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return writeFault(target, err)
	}
	total, err := x.copy(ctx, p, f, r, buf)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil && total != e.FileSize {
		err = fmt.Errorf("%w: %d bytes where there should be %d", ErrCorrupt, total, e.FileSize)
	}
	if err != nil {
		x.root.Remove(target)
		return err
	}
	if e.ModTime != 0 {
		t := e.ModTime.ToTime()
		err = x.root.Chtimes(target, t, t)
	}
	x.mu.Lock()
	x.report.Files++
	x.report.Bytes += total
	x.mu.Unlock()
	x.opt.Progress(1, 0, p)
	return err
}

func (x *extractor) copy(ctx context.Context, p string, w io.Writer, r io.Reader, buf []byte) (total int64, err error) {
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if _, werr := w.Write(buf[:n]); werr != nil {
				return total, writeFault(p, werr)
			}
			total += int64(n)
			x.opt.Progress(0, int64(n), p)
		}
		if err == io.EOF {
			return total, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return total, err
		}
	}
}

// writeFault says what an error of the destination means for the whole job.
func writeFault(name string, err error) error {
	switch {
	case isFull(err):
		return wrap(ErrFull, "write "+name, err)
	case isGone(err) || isIO(err):
		return wrap(ErrGone, "write "+name, err)
	}
	return err
}

func (x *extractor) damaged(p string, err error) {
	x.mu.Lock()
	x.report.Failed = append(x.report.Failed, Damaged{p, err})
	x.mu.Unlock()
}

// hostName is the name that an escaped one gets on a system: the one it had on
// the source if the system can have it, else one escaped as far as needed, from
// which Unescape still gives the original.
func hostName(name, goos string) string {
	plain := Unescape(name)
	if goos != "windows" {
		if plain == "" || plain == "." || plain == ".." || strings.ContainsAny(plain, "/\x00") {
			return name
		}
		return plain
	}
	host := winname.Escape(plain, func(c byte) bool { return c < 0x20 || strings.IndexByte(`<>:"/\|?*`, c) >= 0 })
	if host == "" {
		return name
	}
	if last := host[len(host)-1]; last == '.' || last == ' ' {
		host = fmt.Sprintf("%s%%u%04X", host[:len(host)-1], last)
	}
	if winname.IsDevice(host) {
		host = fmt.Sprintf("%%u%04X%s", host[0], host[1:])
	}
	return host
}
