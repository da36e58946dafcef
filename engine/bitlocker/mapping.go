package bitlocker

import (
	"cmp"
	"math"
	"slices"
)

const endless = math.MaxInt64

// vistaPlain is how much of the start of a Vista volume is never encrypted.
const vistaPlain = 0x2000

func compare(a, b int64) int { return cmp.Compare(a, b) }

// span is a range of bytes, end exclusive.
type span struct{ start, end int64 }

// content is what a stretch of the decrypted volume is made of.
type content int

const (
	zeros     content = iota // metadata lies there
	plain                    // as on disk
	encrypted                // decrypt what is on disk
	vistaBoot                // plain, a boot sector to be mended
	vistaLast                // as vistaBoot if it is one, else as encrypted
)

// extent is a stretch of the decrypted volume of one content.
type extent struct {
	content content
	disk    int64 // where it is on disk
	size    int64
}

// mapping leads from the decrypted volume to the disk (spec 5).
type mapping struct {
	size    int64
	vista   bool
	sector  int64
	head    int64 // size of the moved header; 0 if none
	headAt  int64
	holes   []span // ascending, without overlap: read as zeros
	limit   int64  // disk offset where encryption ends, if conv is nil
	conv    *conversion
	nothing bool // is encrypted
}

func newMapping(b boot, m *metadata, conv *conversion, size int64) *mapping {
	s := int64(b.sector)
	p := &mapping{
		size:    size,
		vista:   m.version == 1,
		sector:  s,
		limit:   endless,
		conv:    conv,
		nothing: m.current == stateDecrypted,
	}
	reserve := int64(infoReserve)
	if p.vista {
		reserve = infoReserveVista
		if b.cluster > 0 {
			reserve = (reserve + b.cluster - 1) / b.cluster * b.cluster
		}
	} else {
		p.head = int64(m.headSectors) * s
		if p.head == 0 {
			p.head = max(m.headSize-m.headSize%s, 0)
		}
		p.head = min(p.head, size)
		p.headAt = m.headAt
		if p.headAt <= 0 || p.headAt > size || p.headAt%s != 0 {
			p.headAt = size // reading the header fails then
		}
		p.hole(span{p.headAt, p.headAt + p.head})
	}
	for _, at := range m.copies {
		if at > 0 {
			p.hole(span{at, at + reserve})
		}
	}
	if m.current == stateSwitching {
		p.hole(span{m.limit, m.limit + m.logSize})
	}
	if conv != nil {
		for _, place := range conv.places {
			p.hole(place)
		}
	} else if m.current != stateEncrypted {
		p.limit = m.limit - m.limit%s
	}
	p.merge()
	return p
}

// hole notes a stretch that reads as zeros, widened to sectors.
func (p *mapping) hole(h span) {
	h.start -= h.start % p.sector
	h.end = min(h.end, p.size)
	h.end += (p.sector - h.end%p.sector) % p.sector
	if h.start >= 0 && h.start < h.end {
		p.holes = append(p.holes, h)
	}
}

func (p *mapping) merge() {
	slices.SortFunc(p.holes, func(a, b span) int { return compare(a.start, b.start) })
	var out []span
	for _, h := range p.holes {
		if n := len(out); n > 0 && h.start <= out[n-1].end {
			out[n-1].end = max(out[n-1].end, h.end)
		} else {
			out = append(out, h)
		}
	}
	p.holes = out
}

// at returns the extent that begins at a sector of the decrypted volume.
func (p *mapping) at(off int64) extent {
	if off < p.head {
		return p.stored(p.headAt+off, p.head-off)
	}
	rest := p.size - off
	if p.vista && off < vistaPlain {
		if off == 0 {
			return extent{vistaBoot, 0, p.sector}
		}
		return extent{plain, off, min(vistaPlain-off, rest)}
	}
	i, _ := slices.BinarySearchFunc(p.holes, off, func(h span, off int64) int { return compare(h.end-1, off) })
	if i < len(p.holes) {
		h := p.holes[i]
		if off >= h.start {
			return extent{zeros, off, min(h.end-off, rest)}
		}
		rest = min(rest, h.start-off)
	}
	if last := p.size - p.sector; p.vista && !p.nothing {
		if off == last {
			return extent{vistaLast, off, p.sector}
		}
		rest = min(rest, last-off)
	}
	return p.stored(off, rest)
}

// stored returns the extent at a place of the disk, at most n bytes of it.
func (p *mapping) stored(disk, n int64) extent {
	if p.nothing {
		return extent{plain, disk, n}
	}
	set, end := disk < p.limit, p.limit
	if p.conv != nil {
		set, end = p.conv.encrypted(disk)
	}
	if end > disk {
		n = min(n, end-disk)
	}
	if set {
		return extent{encrypted, disk, n}
	}
	return extent{plain, disk, n}
}

// encryptedSize is how much of the volume is encrypted.
func (p *mapping) encryptedSize() int64 {
	switch {
	case p.nothing:
		return 0
	case p.conv == nil:
		return max(min(p.limit, p.size), 0)
	}
	var total int64
	for _, g := range p.conv.regions {
		for off := g.start; off < min(g.end, p.size); {
			set, end := p.conv.at(g, off)
			if set {
				total += min(end, p.size) - off
			}
			off = end
		}
	}
	return total
}
