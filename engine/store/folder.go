package store

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kopia/kopia/fs"
	"github.com/kopia/kopia/snapshot"
)

// The modes of what kopia restores. A file stored with holes is read-only, by
// which the next run knows that it must be read again.
const (
	dirMode     snapshot.Permissions = 0o755
	fileMode    snapshot.Permissions = 0o644
	partialMode snapshot.Permissions = 0o444
)

// folder is a folder that is not written yet: it is open, or some of what it
// holds is still being stored. So the folders in memory are those on the path
// to where the walk is, and a few that it has just left.
type folder struct {
	parent  *folder
	name    string
	path    string
	entries entryList    // has its own lock
	prev    []*directory // as earlier runs left it; only the producer looks

	// Guarded by Capture.mu.
	mod     fs.UTCTimestamp
	pending int // reasons not to write it yet: being open, files in work, folders in live
	live    map[string]*folder
}

// earlier finds a file that an earlier run stored.
func (f *folder) earlier(name string) *snapshot.DirEntry {
	for _, d := range f.prev {
		// An earlier run that cannot be read is no loss but time.
		if entry, err := d.find(name); err == nil && entry != nil && entry.Type == snapshot.EntryTypeFile {
			return entry
		}
	}
	return nil
}

// splitPath splits off the last segment of a slash path.
func splitPath(path string) (dir, name string) {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return "", path
}

func checkName(name string) error {
	switch {
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00"):
		return fmt.Errorf("bad name %q", name)
	case len(name) > maxName:
		return fmt.Errorf("a name of %d bytes, %.40q…", len(name), name)
	case !utf8.ValidString(name):
		return fmt.Errorf("name %q is not escaped", name)
	}
	return nil
}

// enter makes path the open folder of its tree: it leaves those that path does
// not lie in and opens those on the way to it.
func (c *Capture) enter(ctx context.Context, path string) (*folder, error) {
	if c.closed {
		return nil, errors.New("capture has ended")
	}
	if err := c.ctx.Err(); err != nil {
		return nil, c.failure()
	}
	if path == "" {
		return nil, errors.New("no file lies in the root")
	}
	top, _, _ := strings.Cut(path, "/")
	chain := c.chain[top]
	if n := len(chain); n > 0 && chain[n-1].path == path {
		return chain[n-1], nil
	}
	keep := 0
	for keep < len(chain) && liesIn(path, chain[keep].path) {
		keep++
	}
	c.leave(chain[keep:])
	chain = chain[:keep]
	defer func() { c.chain[top] = chain }()
	parent, rest := c.root, path
	if keep > 0 {
		parent = chain[keep-1]
		rest = strings.TrimPrefix(path[len(parent.path):], "/")
	}
	for more := rest != ""; more; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var name string
		name, rest, more = strings.Cut(rest, "/")
		f, err := c.open(ctx, parent, name)
		if err != nil {
			return nil, err
		}
		chain = append(chain, f)
		parent = f
	}
	return parent, nil
}

// liesIn reports whether path is dir or lies in it.
func liesIn(path, dir string) bool {
	return strings.HasPrefix(path, dir) && (len(path) == len(dir) || path[len(dir)] == '/')
}

// open opens one folder in its parent.
func (c *Capture) open(ctx context.Context, parent *folder, name string) (*folder, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	f := &folder{parent: parent, name: name, path: name, pending: 1, entries: entryList{work: &c.s.work}}
	if parent != c.root {
		f.path = parent.path + "/" + name
	}
	c.w.claim(f.path, true)
	for _, d := range parent.prev {
		if entry, err := d.find(name); err == nil && entry != nil && entry.Type == snapshot.EntryTypeDirectory {
			if before, err := c.s.openDirectory(ctx, f.path, entry.ObjectID); err == nil {
				f.prev = append(f.prev, before)
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if parent.live[name] != nil {
		return nil, fmt.Errorf("folder %s: %w", f.path, ErrOrder)
	}
	if parent.live == nil {
		parent.live = map[string]*folder{}
	}
	parent.live[name] = f
	parent.pending++
	return f, nil
}

// leave closes folders, the deepest first.
func (c *Capture) leave(chain []*folder) {
	for _, f := range slices.Backward(chain) {
		for _, d := range f.prev {
			d.drop()
		}
		f.prev = nil
		c.release(f)
	}
}

// release takes away one reason not to write f. With the last one it is
// written, and then it may be its parent's turn.
func (c *Capture) release(f *folder) {
	for f != nil && f.parent != nil {
		c.mu.Lock()
		f.pending--
		ready := f.pending == 0
		c.mu.Unlock()
		if !ready {
			return
		}
		if c.ctx.Err() != nil {
			return // the capture has ended; the last checkpoint stands
		}
		entry, err := c.write(f, "")
		if err == nil {
			c.mu.Lock()
			err = f.parent.entries.add(entry)
			delete(f.parent.live, f.name)
			c.mu.Unlock()
		}
		if err != nil {
			c.fail(err)
			return
		}
		if f.entries.file != nil { // a checkpoint may be reading it; none that begins now will
			c.safepoint.mu.Lock()
			f.entries.drop()
			c.safepoint.mu.Unlock()
		}
		f = f.parent
	}
}

// write stores a folder. With a reason it is incomplete: its folders that are
// not written yet are written as they are now, and it may change afterwards.
func (c *Capture) write(f *folder, incomplete string) (*snapshot.DirEntry, error) {
	c.mu.Lock()
	mod := f.mod
	entries := f.entries.view()
	live := slices.Collect(maps.Values(f.live))
	c.mu.Unlock()
	for _, child := range live {
		entry, err := c.write(child, incomplete)
		if err == nil {
			err = entries.add(entry)
		}
		if err != nil {
			return nil, err
		}
	}
	sum := entries.sum
	sum.TotalDirCount++
	sum.IncompleteReason = incomplete
	if entries.empty() {
		sum.MaxModTime = mod
	}
	if mod == 0 {
		mod = sum.MaxModTime
	}
	w := c.w.create(c.ctx, newObject{path: f.path, folder: true, final: incomplete == "", modTime: timeOf(mod)})
	defer w.Close()
	err := writeDirectory(w, entries, &sum)
	if err != nil {
		return nil, fmt.Errorf("folder %s: %w", f.path, err)
	}
	id, err := w.Result()
	if err != nil {
		return nil, err
	}
	return &snapshot.DirEntry{
		Name:        f.name,
		Type:        snapshot.EntryTypeDirectory,
		Permissions: dirMode,
		ModTime:     mod,
		ObjectID:    id,
		DirSummary:  &sum,
	}, nil
}

// directoryStream is what kopia calls a directory.
const directoryStream = "kopia:directory"

// writeDirectory writes a directory as kopia does, folders first, each kind by name,
// but line by line: the JSON of a large folder is not in memory as a whole.
func writeDirectory(w io.Writer, entries *view, sum *fs.DirectorySummary) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, `{"stream":%q,"entries":[`, directoryStream)
	each, between := entries.all(), ""
	write := func(l line) {
		out.WriteString(between)
		out.Write(l.json)
		between = ","
	}
	if entries.dirs {
		err := each(func(l line) error {
			if l.dir {
				write(l)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	var last []byte
	err := each(func(l line) error {
		if last != nil && bytes.Equal(last, l.name) {
			return fmt.Errorf("%s: %w", last, ErrOrder)
		}
		last = append(last[:0], l.name...)
		if !l.dir {
			write(l)
		}
		return nil
	})
	if err != nil {
		return err
	}
	text, err := json.Marshal(sum)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, `],"summary":%s}`, text)
	return out.Flush()
}

// entryTime is a time as kopia keeps it: nanoseconds since 1970 in 64 bits. One
// that does not fit counts as unknown; the catalog has it exactly.
func entryTime(t time.Time) fs.UTCTimestamp {
	if t.Year() < 1678 || t.Year() > 2261 {
		return 0
	}
	return fs.UTCTimestampFromTime(t)
}

// timeOf reverses entryTime.
func timeOf(t fs.UTCTimestamp) time.Time {
	if t == 0 {
		return time.Time{}
	}
	return t.ToTime()
}
