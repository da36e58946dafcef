package ntfs

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
)

// listItem is one line of an attribute list: where a part of an attribute is.
type listItem struct {
	kind   uint32
	id     uint16
	name   []byte // UTF-16
	lowest uint64
	record reference
}

// Windows makes no attribute list longer than this.
const maxList = 256 << 10

// A list that names more records than this which are not the file's is not
// followed further.
const maxLostExtensions = 64

// parseList parts an attribute list. With an error it returns the lines before
// the damage.
func parseList(b []byte) ([]listItem, error) {
	var items []listItem
	for len(b) > 0 {
		if len(b) < 26 {
			break // padding
		}
		length := int(binary.LittleEndian.Uint16(b[4:]))
		name, ok := within(b[:min(length, len(b))], int(b[7]), 2*int(b[6]))
		if length < 26 || length > len(b) || !ok {
			return items, fmt.Errorf("attribute list: %w: line %d", ErrDamaged, len(items)+1)
		}
		items = append(items, listItem{
			kind:   binary.LittleEndian.Uint32(b),
			name:   name,
			lowest: binary.LittleEndian.Uint64(b[8:]),
			record: reference(binary.LittleEndian.Uint64(b[16:])),
			id:     binary.LittleEndian.Uint16(b[24:]),
		})
		b = b[length:]
	}
	return items, nil
}

// listValue reads an attribute list, which may be in clusters of its own.
func (f *FS) listValue(a attribute) ([]byte, error) {
	value, err := f.value(a, maxList)
	if err != nil {
		return nil, fmt.Errorf("attribute list: %w", err)
	}
	return value, nil
}

// value reads a whole attribute that is described in one piece.
func (f *FS) value(a attribute, limit int64) ([]byte, error) {
	if a.resident {
		return a.value, nil
	}
	if a.lowest != 0 || a.size > limit || a.size > f.size {
		return nil, fmt.Errorf("%w: value of %d bytes", ErrDamaged, a.size)
	}
	e := &extents{r: f.r, shift: f.boot.clusterShift, size: a.size, initialised: a.initialised}
	if err := e.list.add(a.runs, f.boot); err != nil {
		return nil, err
	}
	value := make([]byte, a.size)
	if err := readFull(e, value, 0); err != nil {
		return nil, err
	}
	return value, nil
}

// gather returns all attributes of a file, those in extension records too. Parts
// that are damaged are left out; the error tells about them.
func (f *FS) gather(n uint32) ([]attribute, error) {
	e := f.index.entry(n)
	if e == nil {
		return nil, fmt.Errorf("file record %d: %w", n, errNotThere)
	}
	rec, err := f.readRecord(n)
	if err != nil {
		return nil, err
	}
	if !rec.inUse() || rec.isExtension() || rec.sequence() != e.sequence {
		return nil, fmt.Errorf("file record %d: %w: changed since the table was read", n, ErrDamaged)
	}
	var attrs []attribute
	var list *attribute
	walk := rec.attributes()
	for a, ok := walk.next(); ok; a, ok = walk.next() {
		if a.kind == typeAttributeList {
			if list == nil {
				list = &a
			}
			continue
		}
		attrs = append(attrs, a)
	}
	if walk.err != nil {
		err = fmt.Errorf("file record %d: %w", n, walk.err)
	}
	if list == nil {
		return attrs, err
	}
	value, listErr := f.listValue(*list)
	items, parseErr := parseList(value)
	if listErr != nil || parseErr != nil {
		// The extension records still know whose they are.
		more, moreErr := f.gatherByBase(n, e.sequence)
		return append(attrs, more...), cmp.Or(err, listErr, parseErr, moreErr)
	}
	more, moreErr := f.gatherListed(n, e.sequence, items)
	return append(attrs, more...), cmp.Or(err, moreErr)
}

// gatherListed reads each extension record once and takes what the list names.
func (f *FS) gatherListed(n uint32, sequence uint16, items []listItem) ([]attribute, error) {
	type key struct {
		record reference
		kind   uint32
		id     uint16
	}
	wanted := make(map[key]bool, len(items))
	var records []reference
	for _, i := range items {
		if num, _ := i.record.number(); num != n {
			records = append(records, i.record)
			wanted[key{i.record, i.kind, i.id}] = true
		}
	}
	slices.Sort(records)
	var attrs []attribute
	var failed error
	failures := 0
	for _, r := range slices.Compact(records) {
		more, err := f.extension(r, n, sequence)
		if err != nil {
			failed = cmp.Or(failed, err)
			if failures++; failures > maxLostExtensions {
				break
			}
		}
		for _, a := range more {
			if wanted[key{r, a.kind, a.id}] {
				attrs = append(attrs, a)
			}
		}
	}
	return attrs, failed
}

// gatherByBase takes the attributes of all records that name the file as theirs.
func (f *FS) gatherByBase(n uint32, sequence uint16) ([]attribute, error) {
	var attrs []attribute
	var failed error
	all := f.index.extensions
	for i := sort.Search(len(all), func(i int) bool { return all[i].base >= n }); i < len(all) && all[i].base == n; i++ {
		rec, err := f.readRecord(all[i].record)
		if err == nil {
			var more []attribute
			more, err = f.extension(makeReference(all[i].record, rec.sequence()), n, sequence)
			attrs = append(attrs, more...)
		}
		failed = cmp.Or(failed, err)
	}
	return attrs, failed
}

// extension reads a record that holds attributes of the file n. What the record
// was used for before or after belongs to another file and is an error.
func (f *FS) extension(r reference, n uint32, sequence uint16) ([]attribute, error) {
	num, ok := r.number()
	if !ok {
		return nil, fmt.Errorf("file record %d: %w: attribute list", n, ErrDamaged)
	}
	rec, err := f.readRecord(num)
	if err != nil {
		return nil, err
	}
	if !rec.inUse() || rec.sequence() != r.sequence() || rec.base() != makeReference(n, sequence) {
		return nil, fmt.Errorf("file record %d: %w: extension record %d belongs to another file", n, ErrDamaged, num)
	}
	var attrs []attribute
	walk := rec.attributes()
	for a, ok := walk.next(); ok; a, ok = walk.next() {
		attrs = append(attrs, a)
	}
	if walk.err != nil {
		return attrs, fmt.Errorf("file record %d: %w", num, walk.err)
	}
	return attrs, nil
}

func makeReference(n uint32, sequence uint16) reference {
	return reference(n) | reference(sequence)<<48
}
