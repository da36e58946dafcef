package store

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kopia/kopia/fs"
	"github.com/kopia/kopia/repo/object"
	"github.com/kopia/kopia/snapshot"
	"github.com/kopia/kopia/snapshot/snapshotfs"
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
	builder snapshotfs.DirManifestBuilder // has its own lock
	prev    []earlier                     // what earlier runs know of it; only the producer looks

	// Guarded by Capture.mu.
	mod     fs.UTCTimestamp
	pending int // reasons not to write it yet: being open, files in work, folders in live
	live    map[string]*folder
}

// earlier is a folder as an earlier run left it.
type earlier map[string]*snapshot.DirEntry

func index(entries []*snapshot.DirEntry) earlier {
	e := make(earlier, len(entries))
	for _, entry := range entries {
		e[entry.Name] = entry
	}
	return e
}

// earlier finds a file that an earlier run stored.
func (f *folder) earlier(name string) *snapshot.DirEntry {
	for _, e := range f.prev {
		if entry := e[name]; entry != nil && entry.Type == snapshot.EntryTypeFile {
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
	f := &folder{parent: parent, name: name, path: name, pending: 1}
	if parent != c.root {
		f.path = parent.path + "/" + name
	}
	c.w.claim(f.path, true)
	for _, e := range parent.prev {
		if entry := e[name]; entry != nil && entry.Type == snapshot.EntryTypeDirectory {
			// An earlier run that cannot be read is no loss but time.
			if entries, err := c.s.readDir(ctx, f.path, entry.ObjectID); err == nil {
				f.prev = append(f.prev, index(entries))
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
		if err != nil {
			c.fail(err)
			return
		}
		c.mu.Lock()
		f.parent.builder.AddEntry(entry)
		delete(f.parent.live, f.name)
		c.mu.Unlock()
		f = f.parent
	}
}

// write stores a folder. With a reason it is incomplete: its folders that are
// not written yet are written as they are now, and it may change afterwards.
func (c *Capture) write(f *folder, incomplete string) (*snapshot.DirEntry, error) {
	builder := &f.builder
	c.mu.Lock()
	mod := f.mod
	if incomplete != "" {
		builder = builder.Clone()
	}
	live := slices.Collect(maps.Values(f.live))
	c.mu.Unlock()
	for _, child := range live {
		entry, err := c.write(child, incomplete)
		if err != nil {
			return nil, err
		}
		builder.AddEntry(entry)
	}
	dir := builder.Build(mod, incomplete)
	if twice := duplicate(dir.Entries); twice != "" {
		return nil, fmt.Errorf("%s in folder %s: %w", twice, f.path, ErrOrder)
	}
	if mod == 0 {
		mod = dir.Summary.MaxModTime
	}
	id, err := c.writeDir(newObject{path: f.path, folder: true, final: incomplete == "", modTime: timeOf(mod)}, dir)
	if err != nil {
		return nil, err
	}
	return &snapshot.DirEntry{
		Name:        f.name,
		Type:        snapshot.EntryTypeDirectory,
		Permissions: dirMode,
		ModTime:     mod,
		ObjectID:    id,
		DirSummary:  dir.Summary,
	}, nil
}

// writeDir stores a directory as kopia does, but entry by entry: the JSON of a
// large folder is not in memory as a whole.
func (c *Capture) writeDir(o newObject, dir *snapshot.DirManifest) (object.ID, error) {
	w := c.w.create(c.ctx, o)
	defer w.Close()
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	fmt.Fprintf(out, `{"stream":%q,"entries":[`, dir.StreamType)
	for i, e := range dir.Entries {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := enc.Encode(e); err != nil {
			return object.EmptyID, err
		}
	}
	out.WriteString(`],"summary":`)
	if err := enc.Encode(dir.Summary); err != nil {
		return object.EmptyID, err
	}
	out.WriteString("}\n")
	if err := out.Flush(); err != nil {
		return object.EmptyID, err
	}
	return w.Result()
}

// duplicate finds a name that is there twice in entries sorted by kopia:
// folders first, each kind by name.
func duplicate(entries []*snapshot.DirEntry) string {
	split := 0
	for split < len(entries) && entries[split].Type == snapshot.EntryTypeDirectory {
		split++
	}
	dirs, files := entries[:split], entries[split:]
	for _, list := range [][]*snapshot.DirEntry{dirs, files} {
		for i := 1; i < len(list); i++ {
			if list[i-1].Name == list[i].Name {
				return list[i].Name
			}
		}
	}
	for len(dirs) > 0 && len(files) > 0 {
		switch d, f := dirs[0].Name, files[0].Name; {
		case d == f:
			return d
		case d < f:
			dirs = dirs[1:]
		default:
			files = files[1:]
		}
	}
	return ""
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
