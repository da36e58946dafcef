// Package bitlocker reads volumes encrypted with BitLocker, on any system and
// without help from Windows: Vista, 7 to 11, BitLocker To Go, finished or half
// converted.
//
// A [Volume] is what can be told without a key: [Open] finds the metadata and
// [Volume.Info] says how the volume is encrypted, which protectors open it and
// what the help desk must look up. The key that encrypts the sectors (FVEK) is
// wrapped in a volume master key (VMK), and that once more in every protector: a
// recovery password, a password, a startup key file, or, while protection is
// suspended, a key in the clear. One of the Unlock methods turns the right
// secret into a [Reader], the decrypted volume as an io.ReaderAt.
//
// The source is only ever read. Metadata may be hostile: it costs bounded time
// and memory and ends in an error that names the place. Secrets and keys appear
// in no error and no string; keys are overwritten when they have served, the
// Reader's at Close.
//
// [Create] is the inverse, for tests and samples: it writes a plain image as a
// BitLocker volume.
//
// Partitions, drives that Windows itself has unlocked, and what lies inside the
// volume are left to others. The facts come from spec/bitlocker.md; section
// numbers in comments mean it.
package bitlocker

import (
	"errors"
	"fmt"
	"io"
)

var (
	// ErrNotBitLocker says that a volume does not begin as BitLocker's do.
	ErrNotBitLocker = errors.New("not a BitLocker volume")

	// ErrMetadata says that a volume is BitLocker's and none of the copies of
	// its metadata can be used.
	ErrMetadata = errors.New("no usable copy of the BitLocker metadata")

	// ErrWrongKey says that a key is well formed and opens none of the
	// volume's protectors.
	ErrWrongKey = errors.New("the key does not belong to this volume")

	// ErrConverting says that Windows was in the middle of encrypting or
	// decrypting the volume, and that the map of what it had done is damaged.
	// Nothing can tell plain sectors from encrypted ones then, except Windows.
	ErrConverting = errors.New("conversion is in progress and its map cannot be read: let Windows finish or pause it")
)

// Volume is a BitLocker volume that has not been unlocked. It does not change
// and may be used from several goroutines.
type Volume struct {
	src  io.ReaderAt
	size int64
	boot boot
	meta *metadata
	conv *conversion // of a volume that encrypts on write, else nil
	note []string

	convErr error // why there is no conv although there should be
}

// Open reads the metadata of the volume of the given size. The error wraps
// ErrNotBitLocker where none is, and ErrMetadata where it cannot be used.
func Open(r io.ReaderAt, size int64) (*Volume, error) {
	sector, err := readUpTo(r, 0, min(size, maxSector))
	if len(sector) < minSector {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read boot sector: %w", err)
		}
		return nil, ErrNotBitLocker
	}
	b, err := parseBoot(sector)
	if err != nil {
		return nil, err
	}
	return openAt(r, size, b)
}

// openAt reads what a boot sector names.
func openAt(r io.ReaderAt, size int64, b boot) (*Volume, error) {
	v := &Volume{src: r, size: size - size%int64(b.sector), boot: b}
	var err error
	if v.meta, err = readMetadata(r, size, b); err != nil {
		return nil, err
	}
	if !v.meta.sound {
		v.note = append(v.note, "every copy of the metadata fails its checksum; used all the same")
	}
	if b.layout == LayoutEOW {
		if v.conv, v.convErr = readConversion(r, size, b); v.convErr != nil {
			v.note = append(v.note, v.convErr.Error())
		}
	}
	return v, nil
}

// readUpTo reads up to n bytes at off. What was read is returned even if there
// is an error.
func readUpTo(r io.ReaderAt, off, n int64) ([]byte, error) {
	buf := make([]byte, max(n, 0))
	got, err := r.ReadAt(buf, off)
	if got == len(buf) {
		err = nil
	}
	return buf[:got], err
}
