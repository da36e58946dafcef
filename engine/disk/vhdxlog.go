package disk

import (
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// The log of a VHDX holds changes of its structures that were not yet made when
// the program that wrote it ended (2.3). They are made in memory.
const (
	vhdxPage     = 4096
	vhdxMaxLog   = 64 << 20
	vhdxMaxTries = 4 // how often every byte of the log may be summed, in all
)

// vhdxEntry is an entry of the log, checked.
type vhdxEntry struct {
	at, length int64 // in the log
	tail       int64
	sequence   uint64
	data       []byte
}

// patched is a file with pages that are to be read from memory.
type patched struct {
	r     io.ReaderAt
	pages map[int64]*[vhdxPage]byte // by number
	last  int64                     // number of the last page
}

func (p *patched) end() int64 { return (p.last + 1) * vhdxPage }

func (p *patched) put(at int64, page [vhdxPage]byte) {
	p.pages[at/vhdxPage] = &page
	p.last = max(p.last, at/vhdxPage)
}

func (p *patched) ReadAt(b []byte, off int64) (int, error) {
	n, err := p.r.ReadAt(b, off)
	if n == len(b) {
		err = nil
	}
	for page := off / vhdxPage; page*vhdxPage < off+int64(len(b)) && page <= p.last; page++ {
		data := p.pages[page]
		if data == nil {
			continue
		}
		from := max(page*vhdxPage, off)
		if from > off+int64(n) {
			break // there is a hole before it
		}
		copied := copy(b[from-off:], data[from-page*vhdxPage:])
		n = max(n, int(from-off)+copied)
	}
	if n == len(b) {
		return n, nil
	}
	return n, err
}

var errVHDXLog = errors.New("it holds no whole sequence of entries")

// replayVHDX makes the changes of the log in memory and returns how many
// entries it had.
func replayVHDX(r io.ReaderAt, size int64, h vhdxHeader) (*patched, int, error) {
	if h.logLength == 0 {
		return nil, 0, nil
	}
	if h.logLength > vhdxMaxLog || h.logLength%vhdxPage != 0 || h.logOffset > size-h.logLength {
		return nil, 0, errors.New("its place makes no sense")
	}
	log := make([]byte, h.logLength)
	if err := readFull(r, log, h.logOffset); err != nil {
		return nil, 0, err
	}
	entries := vhdxEntries(log, h.logGUID)
	newest := slices.Clone(entries)
	slices.SortFunc(newest, func(a, b vhdxEntry) int { return cmp.Compare(b.sequence, a.sequence) })
	for i := 0; i < len(newest) && i < 8; i++ {
		sequence := vhdxSequence(entries, newest[i], h.logLength)
		if sequence == nil {
			continue
		}
		p := &patched{r: r, pages: map[int64]*[vhdxPage]byte{}}
		for _, e := range sequence {
			if err := p.apply(e); err != nil {
				return nil, 0, err
			}
		}
		return p, len(sequence), nil
	}
	return nil, 0, errVHDXLog
}

// vhdxEntries finds the entries of the log: each begins a page, and may go on at
// the log's start.
func vhdxEntries(log []byte, id GUID) []vhdxEntry {
	le := binary.LittleEndian
	var entries []vhdxEntry
	budget := vhdxMaxTries * int64(len(log))
	for at := 0; at < len(log); at += vhdxPage {
		b := log[at:]
		length := int64(le.Uint32(b[8:]))
		if string(b[:4]) != "loge" || GUID(b[32:48]) != id || length < vhdxPage || length%vhdxPage != 0 || length > int64(len(log)) {
			continue
		}
		if budget -= length; budget < 0 {
			break
		}
		data := b[:min(length, int64(len(b)))]
		if rest := length - int64(len(data)); rest > 0 {
			data = slices.Concat(data, log[:rest])
		}
		if vhdxSum(data) {
			entries = append(entries, vhdxEntry{int64(at), length, int64(le.Uint32(b[12:])), le.Uint64(b[16:]), data})
		}
	}
	return entries
}

// vhdxSequence collects the entries from last's tail to last, which must follow
// one another.
func vhdxSequence(entries []vhdxEntry, last vhdxEntry, length int64) []vhdxEntry {
	byPlace := map[int64]vhdxEntry{}
	for _, e := range entries {
		byPlace[e.at] = e
	}
	var sequence []vhdxEntry
	at := last.tail % length
	for range entries {
		e, ok := byPlace[at]
		if !ok || len(sequence) > 0 && e.sequence != sequence[len(sequence)-1].sequence+1 {
			return nil
		}
		sequence = append(sequence, e)
		if e.at == last.at {
			return sequence
		}
		at = (at + e.length) % length
	}
	return nil
}

// apply makes the changes of one entry (2.3.1.1 to 2.3.1.4).
func (p *patched) apply(e vhdxEntry) error {
	le := binary.LittleEndian
	count := int64(le.Uint32(e.data[24:]))
	if 64+32*count > e.length {
		return errors.New("an entry has more descriptors than room")
	}
	data := (64 + 32*count + vhdxPage - 1) / vhdxPage * vhdxPage
	for i := range count {
		d := e.data[64+32*i:]
		at := le.Uint64(d[16:])
		if at%vhdxPage != 0 || at > vhdxMaxSize {
			return errors.New("an entry points at no page")
		}
		switch string(d[:4]) {
		case "zero":
			length := le.Uint64(d[8:])
			if length%vhdxPage != 0 || length > vhdxMaxLog {
				return errors.New("an entry zeroes too much")
			}
			for n := uint64(0); n < length; n += vhdxPage {
				p.put(int64(at+n), [vhdxPage]byte{})
			}
		case "desc":
			if data+vhdxPage > e.length {
				return errors.New("an entry lacks its data")
			}
			var page [vhdxPage]byte
			copy(page[:], d[8:16])
			copy(page[8:], e.data[data+8:data+vhdxPage-4])
			copy(page[vhdxPage-4:], d[4:8])
			p.put(int64(at), page)
			data += vhdxPage
		default:
			return errors.New("an entry has an unknown descriptor")
		}
		if len(p.pages) > vhdxMaxLog/vhdxPage {
			return errors.New("it changes too much")
		}
	}
	return nil
}
