package regf

import (
	"fmt"

	"lifeboat/engine/winname"
)

const (
	maxDepth   = 512     // of keys, the limit of Windows
	maxDefects = 1000    // kept; further ones are counted
	maxLost    = 1 << 20 // references to cells in use elsewhere; beyond, it is no hive
)

// survey is the one walk over everything that Open does. Each cell may be
// reached once, from the first place that refers to it in the order of the
// tree; the places of all later references are put in Hive.lost. So whatever
// the hive holds, a walk by the user is a tree and its cost is bounded by the
// size of the file. Security cells, which keys share, are the exception.
//
// Functions that read cells take the survey to note in; it is nil when they
// read for the user, and nothing is noted twice.
type survey struct {
	h       *Hive
	used    bitmap
	path    []uint32 // the key cells from the root to where we are
	defects int
	tooMany bool
}

func (s *survey) run() error {
	h := s.h
	s.used = newBitmap(uint32(len(h.image) - baseSize))
	root := baseBlock(h.image).root()
	s.claim(root)
	s.key(root)
	if s.defects > len(h.defects) {
		h.defects = append(h.defects, Defect{What: fmt.Sprintf("%d more defects", s.defects-len(h.defects))})
	}
	if s.tooMany {
		return fmt.Errorf("hive refers to more than %d cells twice", maxLost)
	}
	return nil
}

func (s *survey) key(index uint32) {
	h := s.h
	s.path = append(s.path, index)
	defer func() { s.path = s.path[:len(s.path)-1] }()

	h.class(index, s)
	h.security(le.Uint32(h.nk(index)[44:]), s)
	h.eachValue(index, s, func(vk uint32, b []byte) bool {
		h.data(vk, b, s)
		return !s.tooMany
	})
	if len(s.path) == maxDepth {
		if le.Uint32(h.nk(index)[20:]) != 0 {
			s.cut(content(index) + 28)
			s.notef("keys are nested deeper than %d", maxDepth)
		}
		return
	}
	before := s.defects
	keys := h.subkeys(index, s)
	if n := le.Uint32(h.nk(index)[20:]); uint64(n) != uint64(len(keys)) && s.defects == before {
		s.notef("%d subkeys are counted, %d are listed", n, len(keys))
	}
	for i := 1; i < len(keys); i++ {
		if nkName(h.nk(keys[i-1])).compare(nkName(h.nk(keys[i]))) >= 0 {
			h.unsorted = true
			s.add("its subkeys are out of order")
			break
		}
	}
	for _, key := range keys {
		if s.tooMany {
			return
		}
		s.key(key)
	}
}

// claim reports whether this is the first reference to a cell.
func (s *survey) claim(index uint32) bool {
	if s.used.has(index) {
		return false
	}
	s.used.set(index)
	return true
}

// cut forbids to follow the reference at place.
func (s *survey) cut(place uint32) {
	if s.h.lost == nil {
		s.h.lost = make(map[uint32]struct{})
	}
	s.h.lost[place] = struct{}{}
	s.tooMany = len(s.h.lost) > maxLost
}

// notef records a defect that loses something.
func (s *survey) notef(format string, args ...any) {
	if s != nil {
		s.h.broken = true
		s.add(fmt.Sprintf(format, args...))
	}
}

func (s *survey) add(what string) {
	s.defects++
	if s.defects > maxDefects {
		return
	}
	s.h.defects = append(s.h.defects, Defect{s.h.path(s.path), what})
}

// path spells the path of a key for people, given the cells from the root to
// it. It has a limit, for a hostile hive has room for paths of any length.
func (h *Hive) path(keys []uint32) string {
	path := ""
	for i, key := range keys {
		switch {
		case i == 0:
			path = `\`
		case len(path) > maxShown:
			return path + `\...`
		default:
			path = winname.Join(path, nkName(h.nk(key)).brief().String())
		}
	}
	return path
}

// maxShown limits what of a path a defect tells.
const maxShown = 4096
