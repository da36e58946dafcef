package regf

import "fmt"

// none is the cell index that refers to nothing.
const none = 0xFFFFFFFF

// binHeader is the part of a bin before its first cell.
const binHeader = 32

// bitmap holds one bit for every eight bytes of the bins, where a cell can begin.
type bitmap []uint64

func newBitmap(binsSize uint32) bitmap { return make(bitmap, (binsSize/8+63)/64) }

func (m bitmap) set(cell uint32) { m[cell>>9] |= 1 << (cell >> 3 & 63) }

func (m bitmap) has(cell uint32) bool {
	i := int(cell >> 9)
	return cell&7 == 0 && i < len(m) && m[i]>>(cell>>3&63)&1 != 0
}

// walkBins calls visit for every cell of an image in file order (3.2, 3.3). The
// cells it reports lie within their bin, so reading them is safe. After a bad
// bin it goes on at the next page that is a bin by its own account, after a bad
// cell with the next bin; both are noted.
func walkBins(image []byte, visit func(cell, size uint32, allocated bool), notef func(string, ...any)) {
	bins := image[baseSize:]
	end := uint32(len(bins))
	lostSince := uint32(none)
	for at := uint32(0); at < end; {
		size, err := binAt(bins, at)
		if err != nil {
			if lostSince == none {
				lostSince = at
				notef("%v", err)
			}
			at += pageSize
			continue
		}
		lostSince = none
		for cell, stop := at+binHeader, at+size; cell < stop; {
			n := int32(le.Uint32(bins[cell:]))
			allocated := n < 0
			if allocated {
				n = -n
			}
			// The most negative number stays negative and is caught here too.
			if n < 8 || n%8 != 0 || uint32(n) > stop-cell {
				notef("cell 0x%x has the impossible size %d", cell, int32(le.Uint32(bins[cell:])))
				break
			}
			visit(cell, uint32(n), allocated)
			cell += uint32(n)
		}
		at += size
	}
}

// binAt returns the size of the bin at a page.
func binAt(bins []byte, at uint32) (uint32, error) {
	b := bins[at:]
	switch size := le.Uint32(b[8:]); {
	case string(b[:4]) != "hbin":
		return 0, fmt.Errorf("bin 0x%x has no signature", at)
	case le.Uint32(b[4:]) != at:
		return 0, fmt.Errorf("bin 0x%x says it is bin 0x%x", at, le.Uint32(b[4:]))
	case size == 0 || size%pageSize != 0 || size > uint32(len(b)):
		return 0, fmt.Errorf("bin 0x%x has the impossible size %d", at, size)
	default:
		return size, nil
	}
}

// cell returns the content of an allocated cell, nil if index names none. All
// reading of the bins goes through here, which is what makes it safe (5.3).
func (h *Hive) cell(index uint32) []byte {
	if !h.starts.has(index) {
		return nil
	}
	at := baseSize + int(index)
	end := at - int(int32(le.Uint32(h.image[at:])))
	return h.image[at+4 : end : end]
}

// follow reads the reference at place, a position in the bins inside a cell
// that was already read. It notes why it cannot be followed.
func (h *Hive) follow(place uint32, what string, s *survey) (index uint32, content []byte) {
	index = le.Uint32(h.image[baseSize+int(place):])
	content = h.cell(index)
	switch {
	case content == nil:
		s.notef("%s 0x%x is no allocated cell", what, index)
	case s != nil && !s.claim(index):
		s.cut(place)
		s.notef("%s 0x%x is used twice", what, index)
		return none, nil
	case s == nil:
		if _, lost := h.lost[place]; lost {
			return none, nil
		}
	}
	return index, content
}

// content is the position in the bins of what a cell holds.
func content(index uint32) uint32 { return index + 4 }
