package disk

import (
	"errors"
	"fmt"
	"io"
)

// readBlocks reads from a disk of size bytes that is kept in blocks.
func readBlocks(p []byte, off, size, block int64, read func(p []byte, block, in int64) (int, error)) (int, error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	done := 0
	for done < len(p) {
		at := off + int64(done)
		if at >= size {
			return done, io.EOF
		}
		in := at % block
		part := p[done:]
		part = part[:min(int64(len(part)), block-in, size-at)]
		n, err := read(part, at/block, in)
		done += n
		if err != nil {
			return done, err
		}
		if n < len(part) {
			return done, io.ErrUnexpectedEOF
		}
	}
	return done, nil
}

// readRuns reads a part of a block whose sectors are in one of two places, as
// few reads as there are changes between them.
func readRuns(p []byte, in, sector int64, isHere func(sector int64) bool, read func(p []byte, in int64, here bool) (int, error)) (int, error) {
	done := 0
	for done < len(p) {
		at := in + int64(done)
		s := at / sector
		here := isHere(s)
		end := (s + 1) * sector
		for end < in+int64(len(p)) && isHere(end/sector) == here {
			end += sector
		}
		part := p[done:]
		part = part[:min(int64(len(part)), end-at)]
		n, err := read(part, at, here)
		done += n
		if err != nil {
			return done, err
		}
		if n < len(part) {
			return done, io.ErrUnexpectedEOF
		}
	}
	return done, nil
}

// readInside reads from the file of an image, where what lies behind its end is
// missing.
func readInside(r io.ReaderAt, p []byte, at, end int64) (int, error) {
	if at < 0 || at > end-int64(len(p)) {
		return 0, fmt.Errorf("the image is cut short: it has no bytes at %d", at)
	}
	n, err := r.ReadAt(p, at)
	if n == len(p) {
		err = nil
	} else if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// readParent reads what a differencing image leaves to its parent; without one,
// and behind its end, there are zeros.
func readParent(parent io.ReaderAt, p []byte, off int64) (int, error) {
	n := 0
	if parent != nil {
		var err error
		if n, err = parent.ReadAt(p, off); err != nil && !errors.Is(err, io.EOF) {
			return n, err
		}
	}
	clear(p[n:])
	return len(p), nil
}
