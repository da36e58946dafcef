package store

import (
	"bytes"
	"container/heap"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/kopia/kopia/fs"
	"github.com/kopia/kopia/snapshot"
)

// line is an entry of a folder as it is kept in little memory: its name, and the
// JSON that is stored of it.
type line struct {
	name []byte
	dir  bool
	json []byte
}

func lineOf(e *snapshot.DirEntry) (line, error) {
	text, err := entryJSON(e)
	return line{[]byte(e.Name), e.Type == snapshot.EntryTypeDirectory, text}, err
}

// entryJSON is json.Marshal for entries, some times as fast: there is one for each
// file of a disk.
func entryJSON(e *snapshot.DirEntry) ([]byte, error) {
	plain := e.Type == snapshot.EntryTypeFile && e.UserID == 0 && e.GroupID == 0 && e.DirSummary == nil
	for i := 0; plain && i < len(e.Name); i++ {
		c := e.Name[i]
		plain = c >= ' ' && c <= '~' && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
	}
	if !plain {
		return json.Marshal(e)
	}
	b := append(make([]byte, 0, len(e.Name)+160), '{')
	if e.Name != "" {
		b = append(append(append(b, `"name":"`...), e.Name...), `",`...)
	}
	b = append(b, `"type":"f",`...)
	if e.Permissions != 0 {
		b = append(fmt.Appendf(b, `"mode":"0%o`, int(e.Permissions)), `",`...)
	}
	if e.FileSize != 0 {
		b = append(fmt.Appendf(b, `"size":%d`, e.FileSize), ',')
	}
	if e.ModTime != 0 {
		b = append(e.ModTime.ToTime().UTC().AppendFormat(append(b, `"mtime":"`...), time.RFC3339Nano), `",`...)
	}
	return append(e.ObjectID.Append(append(b, `"obj":"`...)), `"}`...), nil
}

func (l line) append(b []byte) []byte {
	n := uint64(len(l.name)) << 1
	if l.dir {
		n |= 1
	}
	b = append(binary.AppendUvarint(b, n), l.name...)
	return append(binary.AppendUvarint(b, uint64(len(l.json))), l.json...)
}

// cutLine takes the first line off b, which is made of whole lines.
func cutLine(b []byte) (l line, rest []byte) {
	n, size := binary.Uvarint(b)
	l.dir = n&1 != 0
	n >>= 1
	l.name, b = b[size:][:n], b[size:][n:]
	n, size = binary.Uvarint(b)
	return line{l.name, l.dir, b[size:][:n]}, b[size:][n:]
}

// sorted parts lines and sorts them by name.
func sorted(lines []byte) []line {
	var list []line
	for len(lines) > 0 {
		var l line
		l, lines = cutLine(lines)
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b line) int { return bytes.Compare(a.name, b.name) })
	return list
}

// run is a part of a working file: lines sorted by name, compressed in blocks.
type run struct {
	file   *os.File
	blocks []block
}

type block struct {
	first  string // name of its first line
	offset int64
	length int
}

// blockSize is about how many bytes of lines are in a block.
const blockSize = 32 << 10

// runWriter appends a run to a working file.
type runWriter struct {
	run
	end    int64 // of the file
	lines  []byte
	packed []byte
}

func (w *runWriter) put(l line) error {
	if len(w.lines) == 0 {
		w.blocks = append(w.blocks, block{first: string(l.name), offset: w.end})
	}
	if w.lines = l.append(w.lines); len(w.lines) < blockSize {
		return nil
	}
	return w.flush()
}

func (w *runWriter) flush() error {
	if len(w.lines) == 0 {
		return nil
	}
	w.packed = s2.Encode(w.packed[:cap(w.packed)], w.lines)
	if _, err := w.file.WriteAt(w.packed, w.end); err != nil {
		return fmt.Errorf("write working file: %w", err)
	}
	w.blocks[len(w.blocks)-1].length = len(w.packed)
	w.end += int64(len(w.packed))
	w.lines = w.lines[:0]
	return nil
}

// read returns the lines of a block, in buf if they fit.
func (r run) read(b block, buf []byte) ([]byte, error) {
	packed := make([]byte, b.length)
	_, err := r.file.ReadAt(packed, b.offset)
	if err == nil {
		buf, err = s2.Decode(buf[:cap(buf)], packed)
	}
	if err != nil {
		return nil, fmt.Errorf("read working file: %w", err)
	}
	return buf, nil
}

// find looks for a name; nil if it is not there.
func (r run) find(name string) (*snapshot.DirEntry, error) {
	after := sort.Search(len(r.blocks), func(i int) bool { return r.blocks[i].first > name })
	if after == 0 {
		return nil, nil
	}
	lines, err := r.read(r.blocks[after-1], nil)
	for err == nil && len(lines) > 0 {
		var l line
		if l, lines = cutLine(lines); string(l.name) == name {
			e := new(snapshot.DirEntry)
			return e, json.Unmarshal(l.json, e)
		}
	}
	return nil, err
}

// entryList is what a folder holds that is being written, in the order in which it
// came. Lines beyond maxTail bytes lie in a working file, so that a folder of a
// million files takes no more memory than one of some thousand.
type entryList struct {
	work *workFiles

	mu   sync.Mutex
	sum  fs.DirectorySummary
	dirs bool   // whether any are folders
	tail []byte // lines that are not in the working file; only ever added to
	file *os.File
	end  int64 // of the file
	runs []run
}

// maxTail bounds the lines of one list in memory.
const maxTail = 4 << 20

// add adds an entry. An error is of the working file.
func (l *entryList) add(e *snapshot.DirEntry) error {
	entry, err := lineOf(e)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	summarize(&l.sum, e)
	l.dirs = l.dirs || entry.dir
	l.tail = entry.append(l.tail)
	if len(l.tail) < maxTail {
		return nil
	}
	return l.spill()
}

// summarize adds an entry to the summary of its folder, as kopia does.
func summarize(sum *fs.DirectorySummary, e *snapshot.DirEntry) {
	sum.MaxModTime = max(sum.MaxModTime, e.ModTime)
	if e.Type == snapshot.EntryTypeFile {
		sum.TotalFileCount++
		sum.TotalFileSize += e.FileSize
	} else if below := e.DirSummary; below != nil {
		sum.TotalFileCount += below.TotalFileCount
		sum.TotalFileSize += below.TotalFileSize
		sum.TotalDirCount += below.TotalDirCount
		sum.MaxModTime = max(sum.MaxModTime, below.MaxModTime)
	}
}

// spill moves the tail to the working file. The caller holds l.mu.
func (l *entryList) spill() (err error) {
	if l.file == nil {
		if l.file, err = l.work.create(); err != nil {
			return err
		}
	}
	w := runWriter{run: run{file: l.file}, end: l.end}
	for _, line := range sorted(l.tail) {
		if err := w.put(line); err != nil {
			return err
		}
	}
	if err := w.flush(); err != nil {
		return err
	}
	l.runs, l.end = append(l.runs, w.run), w.end
	l.tail = nil // a view may have it
	return nil
}

// drop releases the working file, from which views may not be read any more.
func (l *entryList) drop() { l.work.drop(l.file) }

// view is an entryList as it was at one time, and what was added to the view since.
type view struct {
	sum  fs.DirectorySummary
	dirs bool
	runs []run
	tail []byte
}

func (l *entryList) view() *view {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &view{l.sum, l.dirs, slices.Clip(l.runs), slices.Clip(l.tail)}
}

func (v *view) add(e *snapshot.DirEntry) error {
	entry, err := lineOf(e)
	summarize(&v.sum, e)
	v.dirs = v.dirs || entry.dir
	v.tail = entry.append(v.tail)
	return err
}

func (v *view) empty() bool { return len(v.runs)+len(v.tail) == 0 }

// all makes a function that calls another with every line, sorted by name, until
// that fails.
func (v *view) all() func(f func(line) error) error {
	tail := sorted(v.tail)
	return func(f func(line) error) error {
		var m merge
		add := func(c *cursor) error {
			more, err := c.next()
			if more {
				m = append(m, c)
			}
			return err
		}
		err := add(&cursor{lines: tail})
		for _, r := range v.runs {
			if err == nil {
				err = add(&cursor{run: r})
			}
		}
		heap.Init(&m)
		for err == nil && len(m) > 0 {
			if err = f(m[0].at); err != nil {
				break
			}
			var more bool
			if more, err = m[0].next(); more {
				heap.Fix(&m, 0)
			} else {
				heap.Pop(&m)
			}
		}
		return err
	}
}

// cursor goes through the lines of a tail, or through a run.
type cursor struct {
	at    line // valid until next
	lines []line
	run   run
	buf   []byte
	rest  []byte // of buf
}

func (c *cursor) next() (more bool, err error) {
	if len(c.lines) > 0 {
		c.at, c.lines = c.lines[0], c.lines[1:]
		return true, nil
	}
	if len(c.rest) == 0 {
		if len(c.run.blocks) == 0 {
			return false, nil
		}
		if c.buf, err = c.run.read(c.run.blocks[0], c.buf); err != nil {
			return false, err
		}
		c.rest, c.run.blocks = c.buf, c.run.blocks[1:]
	}
	c.at, c.rest = cutLine(c.rest)
	return true, nil
}

// merge is a heap of cursors, the one with the first name on top.
type merge []*cursor

func (m merge) Len() int           { return len(m) }
func (m merge) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }
func (m merge) Less(i, j int) bool { return bytes.Compare(m[i].at.name, m[j].at.name) < 0 }
func (m *merge) Push(x any)        { *m = append(*m, x.(*cursor)) }
func (m *merge) Pop() any {
	last := len(*m) - 1
	c := (*m)[last]
	*m = (*m)[:last]
	return c
}
