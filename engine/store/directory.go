package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kopia/kopia/repo/object"
	"github.com/kopia/kopia/snapshot"
)

// page is what is read of a directory at once: most folders have one.
type page struct {
	entries []*snapshot.DirEntry
	bytes   int // about what they take
}

// A page ends with either bound.
const (
	pageEntries = 1 << 13
	pageBytes   = 4 << 20
)

func (p *page) add(e *snapshot.DirEntry) {
	p.entries = append(p.entries, e)
	p.bytes += len(e.Name) + 320 // with a summary
}

func (p *page) full() bool { return len(p.entries) >= pageEntries || p.bytes >= pageBytes }

// eachPage calls f with the entries of a directory until f fails. It does not begin
// before the directory was read to its end and so proved. Of one with more pages
// nothing but a page is in memory while f runs.
func (s *Store) eachPage(ctx context.Context, path string, id object.ID, f func([]*snapshot.DirEntry) error) error {
	var p page
	var at int64
	first := true // still on the first page
	err := s.readDirectory(ctx, path, id, func(e *snapshot.DirEntry, start int64) error {
		switch {
		case first && p.full():
			p, first = page{}, false
		case first && len(p.entries) == 0:
			at = start
		}
		if first {
			p.add(e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if first {
		return f(p.entries)
	}
	for before := "["; err == nil && before != ""; {
		if p, at, before, err = s.readPage(ctx, path, id, at, before); err == nil {
			err = f(p.entries)
		}
	}
	return err
}

// readPage reads a page of a directory from an offset in its list of entries.
// before is JSON that ends where what is read begins, and then that of the next page,
// empty if there is none.
func (s *Store) readPage(ctx context.Context, path string, id object.ID, at int64, before string) (p page, next int64, then string, err error) {
	defer recovered(&err)
	r, err := s.repo.open(ctx, path, id)
	if err != nil {
		return p, 0, "", damage(err)
	}
	defer r.Close()
	if _, err := r.Seek(at, io.SeekStart); err != nil {
		return p, 0, "", damage(err)
	}
	limit := &limitedReader{r: io.MultiReader(strings.NewReader(before), r), left: maxEntry}
	dec := json.NewDecoder(limit)
	if _, err = dec.Token(); err == nil && before != "[" {
		err = dec.Decode(&struct{}{}) // what stands for the entries before
	}
	for err == nil && dec.More() {
		if p.full() {
			then = "[{}"
			break
		}
		var e *snapshot.DirEntry
		if e, err = parseEntry(dec, limit); err == nil {
			p.add(e)
		}
	}
	return p, at + dec.InputOffset() - int64(len(before)), then, damage(err)
}

// directory is a folder of a capture in which names are looked for.
type directory struct {
	entries []*snapshot.DirEntry // in order, if they are one page
	held    int                  // about how many bytes it takes in memory
	work    *workFiles
	rest    run // of more, all entries by their sortName
}

// openDirectory reads a directory for looking for names. Drop it.
func (s *Store) openDirectory(ctx context.Context, path string, id object.ID) (*directory, error) {
	var p page
	var out runWriter
	spill := func(list ...*snapshot.DirEntry) error {
		for _, e := range list {
			l, err := lineOf(e)
			if err != nil {
				return err
			}
			l.name = []byte(sortName(e))
			if err := out.put(l); err != nil {
				return err
			}
		}
		return nil
	}
	err := s.readDirectory(ctx, path, id, func(e *snapshot.DirEntry, _ int64) (err error) {
		switch {
		case out.file != nil:
			return spill(e)
		case !p.full():
			p.add(e)
			return nil
		}
		if out.file, err = s.work.create(); err != nil {
			return err
		}
		err = spill(append(p.entries, e)...)
		p = page{}
		return err
	})
	if err == nil {
		err = out.flush()
	}
	d := &directory{entries: p.entries, held: p.bytes, work: &s.work, rest: out.run}
	if out.file != nil {
		d.held = maxHeld / 4 // so that few such files are open
	}
	if err != nil {
		d.drop()
		return nil, err
	}
	return d, nil
}

// drop releases the working file.
func (d *directory) drop() { d.work.drop(d.rest.file) }

// find looks for a name; nil if it is not there.
func (d *directory) find(name string) (*snapshot.DirEntry, error) {
	for _, kind := range []snapshot.EntryType{snapshot.EntryTypeDirectory, snapshot.EntryTypeFile} {
		wanted := &snapshot.DirEntry{Name: name, Type: kind}
		if i, ok := slices.BinarySearchFunc(d.entries, wanted, compareEntries); ok {
			return d.entries[i], nil
		}
		if e, err := d.rest.find(sortName(wanted)); e != nil || err != nil {
			return e, err
		}
	}
	return nil, nil
}

// compareEntries compares as kopia sorts: folders first, each kind by name.
func compareEntries(a, b *snapshot.DirEntry) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
}

// sortName sorts as compareEntries does.
func sortName(e *snapshot.DirEntry) string { return string(e.Type) + e.Name }

// readDirectory calls f with the entries of a directory, and where in it what is
// before each ends, until f fails. Only when it returns without an error the
// directory is proved. Entries that cannot have come from this package make it
// corrupt: their names are used in paths.
func (s *Store) readDirectory(ctx context.Context, path string, id object.ID, f func(e *snapshot.DirEntry, start int64) error) (err error) {
	defer recovered(&err)
	r, err := s.repo.open(ctx, path, id)
	if err != nil {
		return damage(err)
	}
	defer r.Close()
	var failed error
	err = parseDirectory(r, func(e *snapshot.DirEntry, start int64) error {
		failed = f(e, start)
		return failed
	})
	if failed != nil {
		return failed
	}
	if err == nil {
		_, err = io.Copy(io.Discard, r) // to its end, where it is proved
	}
	return damage(err)
}

// maxEntry bounds the JSON of one directory entry, maxName its name: 255 characters
// on the source, each escaped, and what is put before them.
const (
	maxEntry = 4 << 20
	maxName  = 4 << 10
)

// parseDirectory decodes {"stream":"kopia:directory","entries":[…],"summary":{…}}
// entry by entry, so that none can be larger than maxEntry.
func parseDirectory(r io.Reader, f func(e *snapshot.DirEntry, start int64) error) error {
	limit := &limitedReader{r: r}
	dec := json.NewDecoder(limit)
	token := func() (json.Token, error) {
		limit.left = maxEntry
		return dec.Token()
	}
	if t, err := token(); err != nil || t != json.Delim('{') {
		return errors.Join(errors.New("not a directory"), err)
	}
	stream, listed := "", false
	for dec.More() {
		key, err := token()
		if err != nil {
			return err
		}
		limit.left = maxEntry
		switch {
		case key == "stream":
			err = dec.Decode(&stream)
		case key == "entries" && listed:
			err = errors.New("entries are listed twice")
		case key == "entries":
			listed = true
			err = parseEntries(dec, limit, f)
		default:
			var skip json.RawMessage
			err = dec.Decode(&skip)
		}
		if err != nil {
			return err
		}
	}
	if _, err := token(); err != nil {
		return err
	}
	if stream != directoryStream {
		return fmt.Errorf("not a directory but %q", stream)
	}
	return nil
}

func parseEntries(dec *json.Decoder, limit *limitedReader, f func(e *snapshot.DirEntry, start int64) error) error {
	t, err := dec.Token()
	if err != nil || t == nil {
		return err // null: no entries
	}
	if t != json.Delim('[') {
		return errors.New("entries are not a list")
	}
	last := &snapshot.DirEntry{}
	for start := dec.InputOffset(); dec.More(); start = dec.InputOffset() {
		e, err := parseEntry(dec, limit)
		if err != nil {
			return err
		}
		if compareEntries(last, e) >= 0 {
			return fmt.Errorf("%q is not in its order", e.Name)
		}
		if err := f(e, start); err != nil {
			return err
		}
		last = e
	}
	_, err = dec.Token()
	return err
}

func parseEntry(dec *json.Decoder, limit *limitedReader) (*snapshot.DirEntry, error) {
	limit.left = maxEntry
	e := new(snapshot.DirEntry)
	if err := dec.Decode(e); err != nil {
		return nil, err
	}
	if err := checkName(e.Name); err != nil {
		return nil, err
	}
	if e.Type != snapshot.EntryTypeFile && e.Type != snapshot.EntryTypeDirectory {
		return nil, fmt.Errorf("%q is of type %q", e.Name, e.Type)
	}
	if e.DirSummary != nil {
		e.DirSummary.FailedEntries = nil // any number, and nobody asks for them
	}
	return e, nil
}

// limitedReader fails when more than left bytes are read before left is set anew.
type limitedReader struct {
	r    io.Reader
	left int
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errors.New("directory entry is too long")
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
