package ntfs

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// scanSize is how much of the file table is read at once.
const scanSize = 1 << 20

// scan reads the file table once from its beginning to its end.
func (f *FS) scan(ctx context.Context, progress func(done, total int64)) error {
	s := scanner{f: f, x: &f.index}
	total := f.mft.size / int64(f.boot.record) * int64(f.boot.record)
	buf := make([]byte, min(scanSize, total))
	for off := int64(0); off < total; off += int64(len(buf)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := buf[:min(int64(len(buf)), total-off)]
		if err := s.read(ctx, part, off); err != nil {
			return err
		}
		if progress != nil {
			progress(off+int64(len(part)), total)
		}
	}
	s.join()
	f.index.links = slices.Concat(s.links...)
	if root := f.index.entry(recordRoot); root == nil || root.state&folder == 0 {
		f.problems.lose(recordRoot, "the root folder's record is damaged")
		e := f.index.add(recordRoot)
		e.state |= folder | torn
		e.sequence = recordRoot
	}
	f.index.order(&f.problems)
	return nil
}

type scanner struct {
	f     *FS
	x     *index
	links [][]link // in parts of linksPerPart, so that none is copied while they grow
	later []joined
}

const linksPerPart = 1 << 12

// joined is a fact that an extension record holds about its file.
type joined struct {
	base reference
	what joinedKind
	a    uint64
	b    uint32
}

type joinedKind uint8

const (
	joinedLink joinedKind = iota // a: number of the link
	joinedData                   // a: size, b: cluster
	joinedWOF                    // b: cluster
	joinedTag                    // b: reparse tag
)

// read takes the records of one part of the table. What cannot be read is
// halved until the records that are lost are known.
func (s *scanner) read(ctx context.Context, p []byte, off int64) error {
	size := s.f.boot.record
	err := readFull(s.f.mft, p, off)
	if err == nil {
		for i := 0; i < len(p); i += size {
			s.record(uint32((off+int64(i))/int64(size)), p[i:i+size])
		}
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	n := uint32(off / int64(size))
	if len(p) == size {
		if n < 4 && s.mirror(n) {
			return nil
		}
		s.f.problems.lose(n, err.Error())
		return nil
	}
	half := len(p) / size / 2 * size
	if err := s.read(ctx, p[:half], off); err != nil {
		return err
	}
	return s.read(ctx, p[half:], off+int64(half))
}

func (s *scanner) mirror(n uint32) bool {
	rec, err := s.f.mirrorRecord(n)
	if err != nil {
		return false
	}
	s.f.problems.add(n, "the record is damaged, its mirror is used")
	s.take(n, rec)
	return true
}

// record takes one record of the table.
func (s *scanner) record(n uint32, raw []byte) {
	rec, err := parseRecord(raw)
	switch {
	case errors.Is(err, errNotRecord) && binary.LittleEndian.Uint32(raw) == 0:
		return // never used
	case n < 4 && (err != nil || rec.torn) && s.mirror(n):
		return
	case err != nil:
		s.f.problems.lose(n, err.Error())
		return
	case !rec.inUse():
		return
	}
	s.take(n, rec)
}

func (s *scanner) take(n uint32, rec record) {
	if rec.isExtension() {
		s.extension(n, rec)
		return
	}
	e := s.x.add(n)
	e.sequence = rec.sequence()
	if rec.isFolder() {
		e.state |= folder
	}
	if rec.torn {
		e.state |= torn
		s.f.problems.lose(n, "the record is torn: only its first part is read")
	}
	var guess int64 // size as a name tells it
	walk := rec.attributes()
	for a, ok := walk.next(); ok; a, ok = walk.next() {
		switch a.kind {
		case typeStandardInformation:
			if v := a.value; len(v) >= 36 {
				e.created = binary.LittleEndian.Uint64(v)
				e.modified = binary.LittleEndian.Uint64(v[8:])
				e.accessed = binary.LittleEndian.Uint64(v[24:])
				e.attributes = binary.LittleEndian.Uint32(v[32:])
			}
		case typeFileName:
			if size, ok := s.link(n, a); ok {
				guess = size
			}
		case typeData:
			if a.isUnnamedStart() {
				s.data(e, a.length(), s.cluster(a))
			} else if a.nameIs(wofStream) && !a.resident && a.lowest == 0 {
				e.cluster = s.cluster(a)
			}
		case typeReparsePoint:
			s.tag(e, s.reparseTag(n, a))
		}
	}
	if walk.err != nil && !rec.torn {
		e.state |= torn
		s.f.problems.lose(n, walk.err.Error())
	}
	if e.state&torn != 0 && e.state&(hasSize|folder) == 0 && guess > 0 {
		e.size = guess
	}
	if e.state&folder != 0 {
		s.f.info.Folders++
	} else {
		s.f.info.Files++
	}
}

// extension notes what an extension record tells, to be joined when its file is
// known.
func (s *scanner) extension(n uint32, rec record) {
	base, ok := rec.base().number()
	if !ok {
		s.f.problems.lose(n, "the record extends one that cannot be")
		return
	}
	s.x.extensions = append(s.x.extensions, extensionRef{base, n})
	later := func(what joinedKind, a uint64, b uint32) {
		s.later = append(s.later, joined{rec.base(), what, a, b})
	}
	walk := rec.attributes()
	for a, ok := walk.next(); ok; a, ok = walk.next() {
		switch a.kind {
		case typeFileName:
			if _, ok := s.link(base, a); ok {
				later(joinedLink, uint64(s.linkCount()-1), 0)
			}
		case typeData:
			if a.isUnnamedStart() {
				later(joinedData, uint64(a.length()), s.cluster(a))
			} else if a.nameIs(wofStream) && !a.resident && a.lowest == 0 {
				later(joinedWOF, 0, s.cluster(a))
			}
		case typeReparsePoint:
			later(joinedTag, 0, s.reparseTag(n, a))
		}
	}
	if walk.err != nil {
		s.f.problems.lose(n, walk.err.Error())
	}
}

// join hands out what extension records told; what is stale is forgotten.
func (s *scanner) join() {
	for _, j := range s.later {
		n, _ := j.base.number()
		e := s.x.entry(n)
		if e == nil || e.sequence != j.base.sequence() {
			if j.what == joinedLink {
				s.links[j.a/linksPerPart][j.a%linksPerPart].record = NoRecord
			}
			continue
		}
		switch j.what {
		case joinedData:
			s.data(e, int64(j.a), j.b)
		case joinedWOF:
			e.cluster = j.b
		case joinedTag:
			s.tag(e, j.b)
		}
	}
	s.later = nil
}

func (s *scanner) data(e *entry, size int64, cluster uint32) {
	if e.state&(hasSize|folder) == 0 {
		e.size = size
		e.state |= hasSize
		if e.cluster == 0 {
			e.cluster = cluster
		}
	}
}

func (s *scanner) tag(e *entry, tag uint32) {
	if e.state&hasTag == 0 && tag != 0 {
		e.reparse = tag
		e.state |= hasTag
	}
}

func (s *scanner) cluster(a attribute) uint32 {
	if a.resident {
		return 0
	}
	if c := firstCluster(a.runs, s.f.boot); c < 1<<32 {
		return uint32(c)
	}
	return 0
}

// Name spaces of a file name; 0 is POSIX, 3 both Win32 and DOS in one.
const (
	nameSpaceWin32 = 1
	nameSpaceDOS   = 2
)

// fileName is the value of a $FILE_NAME attribute.
type fileName struct {
	parent reference
	size   int64 // as it was when the name was last changed
	space  byte
	raw    []byte // UTF-16
}

// parseFileName reads a name; false if the attribute is none, or damaged.
func parseFileName(a attribute) (fileName, bool) {
	v := a.value
	if a.kind != typeFileName || len(v) < 66 || len(v) < 66+2*int(v[64]) {
		return fileName{}, false
	}
	return fileName{
		parent: reference(binary.LittleEndian.Uint64(v)), size: int64(binary.LittleEndian.Uint64(v[48:])),
		space: v[65], raw: v[66 : 66+2*int(v[64])],
	}, true
}

// link notes one name of file n, unless it is its name for DOS. It returns the
// size that the name tells, which may be old.
func (s *scanner) link(n uint32, a attribute) (size int64, ok bool) {
	name, ok := parseFileName(a)
	if !ok {
		s.f.problems.lose(n, "a name is damaged")
		return 0, false
	}
	if name.space == nameSpaceDOS {
		return 0, false
	}
	number, ok := name.parent.number()
	if !ok {
		s.f.problems.lose(n, "its folder cannot be")
		return 0, false
	}
	at, length, ok := s.x.names.add(name.raw)
	if !ok || s.linkCount() >= int64(NoRecord)-1 {
		s.f.problems.lose(n, "too many names")
		return 0, false
	}
	last := len(s.links) - 1
	if last < 0 || len(s.links[last]) == linksPerPart {
		s.links = append(s.links, make([]link, 0, linksPerPart))
		last++
	}
	s.links[last] = append(s.links[last], link{record: n, parent: number, sequence: name.parent.sequence(), name: at, length: length})
	return name.size, true
}

func (s *scanner) linkCount() int64 {
	if len(s.links) == 0 {
		return 0
	}
	return int64(len(s.links)-1)*linksPerPart + int64(len(s.links[len(s.links)-1]))
}

// reparseTag returns the tag of a reparse point, 0 if it is damaged.
func (s *scanner) reparseTag(n uint32, a attribute) uint32 {
	value, err := s.f.value(a, maxReparse)
	if err == nil && len(value) < 8 {
		err = fmt.Errorf("%w: %d bytes", ErrDamaged, len(value))
	}
	if err != nil {
		s.f.problems.add(n, fmt.Sprintf("reparse point: %v", err))
		return 0
	}
	return binary.LittleEndian.Uint32(value)
}
