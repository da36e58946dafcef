package bitlocker

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
)

const (
	// searchEnd is how far the search for metadata goes. Windows puts the first
	// copy near the start of the volume, whatever its size.
	searchEnd = 64 << 20

	// searchFirst and searchNext part it: in all volumes seen of Windows 7 and
	// later the first copy lies between 33 and 34 MiB.
	searchFirst, searchNext = 32 << 20, 36 << 20

	searchStep  = 1 << 20
	searchGap   = 4096 // what is passed over where the disk cannot be read
	maxBadReads = 64   // of the search
)

// Recover is [Open] for a volume whose beginning may be lost: where its first
// sector, or what that names, cannot be used, the metadata is looked for (spec 2).
// It costs the reading of 64 MiB at most. The error is that of Open.
func Recover(ctx context.Context, r io.ReaderAt, size int64) (*Volume, error) {
	v, err := Open(r, size)
	if err == nil {
		return v, nil
	}
	b, found := backupBoot(r, size)
	if !found {
		b, found = search(ctx, r, size)
	}
	if !found {
		return nil, err
	}
	v, searchErr := openAt(r, size, b)
	if searchErr != nil {
		return nil, err
	}
	v.note = append(v.note, "the start of the volume is damaged; the BitLocker metadata was found by searching")
	return v, nil
}

// backupBoot reads the copy of the boot sector at the end of a Vista volume. The
// last sector of later ones is encrypted.
func backupBoot(r io.ReaderAt, size int64) (boot, bool) {
	for _, sector := range []int64{minSector, maxSector} {
		at := size - size%sector - sector
		if at <= 0 {
			continue
		}
		s, err := readUpTo(r, at, minSector)
		if err != nil {
			continue
		}
		if b, err := parseBoot(s); err == nil && b.layout == LayoutVista && int64(b.sector) == sector {
			return b, true
		}
	}
	return boot{}, false
}

// search looks for a sound copy of the metadata, and makes of it what the boot
// sector would have told.
func search(ctx context.Context, r io.ReaderAt, size int64) (boot, bool) {
	s := searcher{ctx: ctx, r: r, size: size}
	for _, part := range []span{{searchFirst, searchNext}, {0, searchFirst}, {searchNext, searchEnd}} {
		s.scan(part)
		if s.found != nil && (!s.found.mayConvert || len(s.indexes) > 0) {
			break
		}
	}
	m := s.found
	if m == nil {
		return boot{}, false
	}
	b := boot{layout: LayoutWin7, sector: minSector, info: m.copies}
	if n := int64(m.headSectors); n > 0 && m.headSize%n == 0 {
		if sector := m.headSize / n; sector >= minSector && sector <= maxSector && sector&(sector-1) == 0 {
			b.sector = int(sector)
		}
	}
	if m.mayConvert {
		// Without its map nothing tells what is encrypted, and it is refused.
		b.layout, b.eow = LayoutEOW, s.indexes
	}
	return b, true
}

type searcher struct {
	ctx     context.Context
	r       io.ReaderAt
	size    int64
	bad     int
	found   *metadata
	indexes []int64 // of conversion maps
}

// scan looks at the start of every sector in a part of the volume.
func (s *searcher) scan(part span) {
	end := min(part.end, s.size)
	for at := part.start; at < end && s.ctx.Err() == nil && s.bad < maxBadReads; {
		b, err := readUpTo(s.r, at, min(searchStep, end-at))
		whole := len(b) &^ (minSector - 1)
		for off := 0; off < whole; off += minSector {
			s.look(b[off:whole], at+int64(off))
		}
		at += int64(whole)
		if err != nil {
			s.bad++
			at += searchGap - at%searchGap
		}
		if err == nil && whole == 0 {
			return
		}
	}
}

// look examines what begins at a sector.
func (s *searcher) look(b []byte, at int64) {
	switch {
	case s.indexes == nil && bytes.HasPrefix(b, magicEOW):
		if _, err := readIndex(s.r, s.size, at, minSector); err == nil {
			s.indexes = []int64{at}
			if both := offsets(b[indexPlaces:], 2); contains(both, at) {
				s.indexes = both
			}
		}
	case s.found == nil && bytes.HasPrefix(b, signature) && binary.LittleEndian.Uint16(b[10:]) == 2:
		// Not Vista's: its boot sector is the volume's own, changed, and with it the
		// file system would be lost.
		if m, err := readCopy(s.r, s.size, at); err == nil && m.sound && contains(m.copies, at) {
			s.found = m
		}
	}
}
