package ntfs

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// index holds what a listing tells of every file: some 80 bytes and its name
// for each, so that a million files stay near 100 MiB.
type index struct {
	pages      []*entryPage // by record number; pages without a file in use are nil
	links      []link       // by folder, and in it by name, ignoring case
	names      nameArena
	extensions []extensionRef // by base
}

// entry is one file in use.
type entry struct {
	created    uint64 // 100 ns since 1601
	modified   uint64
	accessed   uint64
	size       int64
	cluster    uint32 // first one on the volume, 0 if none; volumes have fewer than 2^32
	attributes uint32
	reparse    uint32 // tag
	firstLink  uint32 // number in links + 1, 0 if the file has no name
	sequence   uint16
	linkCount  uint16
	state      entryState
}

// entryState is a set of what the pass over the table found out.
type entryState uint8

const (
	inUse   entryState = 1 << iota
	folder             // by the record, not by the attributes
	torn               // only the first part of its record is sound
	hasSize            // the unnamed stream was found
	hasTag             // the reparse tag was found
)

// link is one name of a file.
type link struct {
	record   uint32
	parent   uint32
	next     uint32 // number of the file's next one + 1, 0 at the end
	name     uint32 // in the arena
	length   uint16 // of the name
	sequence uint16 // of the parent
}

// extensionRef tells that a record holds attributes of the file base.
type extensionRef struct{ base, record uint32 }

const entriesPerPage = 1 << 9

type entryPage [entriesPerPage]entry

// entry returns the file in record n, nil if there is none in use.
func (x *index) entry(n uint32) *entry {
	page := n / entriesPerPage
	if int(page) >= len(x.pages) || x.pages[page] == nil {
		return nil
	}
	if e := &x.pages[page][n%entriesPerPage]; e.state&inUse != 0 {
		return e
	}
	return nil
}

// add makes the entry of record n.
func (x *index) add(n uint32) *entry {
	page := int(n / entriesPerPage)
	if page >= len(x.pages) {
		x.pages = append(x.pages, make([]*entryPage, page+1-len(x.pages))...)
	}
	if x.pages[page] == nil {
		x.pages[page] = new(entryPage)
	}
	e := &x.pages[page][n%entriesPerPage]
	e.state |= inUse
	return e
}

// nameArena holds names, each within one block.
type nameArena struct{ blocks [][]byte }

const (
	arenaShift = 18
	arenaBlock = 1 << arenaShift
	maxArena   = 1 << 32 / arenaBlock // blocks, so that 32 bits address it
)

// add stores a name given in UTF-16; false if the arena is full.
func (a *nameArena) add(raw []byte) (at uint32, length uint16, ok bool) {
	// A code unit has at most three bytes; a name at most 255 units.
	if n := len(a.blocks); n == 0 || arenaBlock-len(a.blocks[n-1]) < 3*len(raw)/2 {
		if n == maxArena {
			return 0, 0, false
		}
		a.blocks = append(a.blocks, make([]byte, 0, arenaBlock))
	}
	last := len(a.blocks) - 1
	start := len(a.blocks[last])
	a.blocks[last] = appendName(a.blocks[last], raw)
	return uint32(last<<arenaShift | start), uint16(len(a.blocks[last]) - start), true
}

func (x *index) name(l *link) []byte {
	block, at := l.name>>arenaShift, l.name%arenaBlock
	return x.names.blocks[block][at : at+uint32(l.length)]
}

// children returns the numbers of a folder's links, from and up to.
func (x *index) children(folder uint32) (from, to int) {
	from = sort.Search(len(x.links), func(i int) bool { return x.links[i].parent >= folder })
	to = from + sort.Search(len(x.links)-from, func(i int) bool { return x.links[from+i].parent > folder })
	return from, to
}

// find looks for a name in a folder: as it is spelled, or else the first of
// those that Windows takes for the same.
func (x *index) find(folder uint32, name string) (*link, bool) {
	from, to := x.children(folder)
	from += sort.Search(to-from, func(i int) bool { return compareFold(x.name(&x.links[from+i]), name) >= 0 })
	if from == to || compareFold(x.name(&x.links[from]), name) != 0 {
		return nil, false
	}
	exact := from + sort.Search(to-from, func(i int) bool {
		n := x.name(&x.links[from+i])
		return compareFold(n, name) > 0 || string(n) >= name
	})
	if exact < to && string(x.name(&x.links[exact])) == name {
		return &x.links[exact], true
	}
	return &x.links[from], true
}

// order sorts the links, drops those that lead nowhere, and joins the names of
// each file. Every folder keeps one name and the root none, so that a walk from
// the root ends.
func (x *index) order(problems *problems) {
	slices.SortFunc(x.links, func(a, b link) int {
		if c := cmp.Compare(a.parent, b.parent); c != 0 {
			return c
		}
		na, nb := x.name(&a), x.name(&b)
		if c := compareFold(na, nb); c != 0 {
			return c
		}
		if c := strings.Compare(string(na), string(nb)); c != 0 {
			return c
		}
		return cmp.Compare(a.record, b.record)
	})
	lost := lostFolder{problems: problems}
	kept := x.links[:0]
	for _, l := range x.links {
		e := x.entry(l.record)
		if e == nil || l.record == Root {
			continue // stale, or the root's own name in itself
		}
		parent := x.entry(l.parent)
		if parent == nil || parent.state&folder == 0 || parent.sequence != l.sequence {
			lost.add(l.parent)
			continue
		}
		if n := len(kept); n > 0 && kept[n-1].parent == l.parent && kept[n-1].record == l.record && string(x.name(&kept[n-1])) == string(x.name(&l)) {
			continue
		}
		if e.state&folder != 0 && e.linkCount > 0 {
			problems.add(l.record, "the folder has more than one name")
			continue
		}
		if e.linkCount < 1<<16-1 {
			e.linkCount++
		}
		kept = append(kept, l)
	}
	lost.end()
	x.links = kept
	for i := len(kept) - 1; i >= 0; i-- {
		l := &kept[i]
		e := x.entry(l.record)
		l.next, e.firstLink = e.firstLink, uint32(i+1)
	}
	slices.SortFunc(x.extensions, func(a, b extensionRef) int {
		return cmp.Or(cmp.Compare(a.base, b.base), cmp.Compare(a.record, b.record))
	})
}

// lostFolder counts the links into each folder that is not there.
type lostFolder struct {
	problems *problems
	record   uint32
	count    int
}

func (l *lostFolder) add(record uint32) {
	if l.count > 0 && l.record != record {
		l.end()
	}
	l.record = record
	l.count++
}

func (l *lostFolder) end() {
	if l.count > 0 {
		l.problems.lose(l.record, fmt.Sprintf("the folder is lost and with it its %d entries", l.count))
	}
	l.count = 0
}
