package bitlocker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

const (
	// readSize is the largest read of the source. What lies beyond is read
	// while this is being decrypted.
	readSize = 1 << 20

	// workSize is what one goroutine decrypts.
	workSize = 128 << 10
)

// Reader is an unlocked volume: an io.ReaderAt of what Windows would show. It
// may be used from several goroutines.
//
// Large reads are fastest: the source is read in pieces of 1 MiB, and each is
// decrypted on all processors while the next is being read. Reads of whole
// sectors are decrypted where they lie, without a copy. The source is always
// read in whole sectors.
type Reader struct {
	src     io.ReaderAt
	mapping *mapping
	mirror  uint64
	by      Protector
	notes   []string
	fs      string

	mu     sync.RWMutex // held for reading while the cipher is used
	cipher sectorCipher // nil if nothing is encrypted
	closed bool
}

func (v *Volume) newReader(c sectorCipher, by Protector) (*Reader, error) {
	r := &Reader{
		src:     v.src,
		mapping: newMapping(v.boot, v.meta, v.conv, v.size),
		mirror:  v.meta.mirror,
		by:      by,
		cipher:  c,
	}
	sector := make([]byte, v.boot.sector)
	_, err := r.ReadAt(sector, 0)
	if err == nil {
		r.fs = fileSystem(sector)
	}
	if r.fs == "" {
		// NTFS has a copy of its first sector in the last.
		if _, lastErr := r.ReadAt(sector, r.Size()-int64(len(sector))); lastErr == nil && fileSystem(sector) == "NTFS" {
			r.fs, err = "NTFS", nil
			r.notes = append(r.notes, "the first sector is damaged; the copy of it that NTFS keeps is used")
		}
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	if r.fs == "" {
		r.notes = append(r.notes, "decrypted, but no known file system begins here; "+
			"if the drive or the processor encrypts by itself, unlock it in its own PC")
	}
	return r, nil
}

// Size is the size of the decrypted volume.
func (r *Reader) Size() int64 { return r.mapping.size }

// Protector is the one that opened the volume; its ID may go to a log.
func (r *Reader) Protector() Protector { return r.by }

// FileSystem names what the volume begins with: "NTFS", "ReFS", "exFAT", "FAT",
// or nothing, which means that what was decrypted makes no sense.
func (r *Reader) FileSystem() string { return r.fs }

// Notes tells what is not as it should be.
func (r *Reader) Notes() []string { return r.notes }

// Close overwrites the keys. Reads fail from then on. The source stays open.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed && r.cipher != nil {
		r.cipher.wipe()
	}
	r.closed = true
	return nil
}

// ReadAt implements io.ReaderAt. What the source could read before an error is
// decrypted and returned with it.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read BitLocker volume: negative offset %d", off)
	}
	if r.isClosed() {
		return 0, errClosed
	}
	size := r.mapping.size
	if off >= size {
		return 0, io.EOF
	}
	short := int64(len(p)) > size-off
	if short {
		p = p[:size-off]
	}
	n, err := r.read(p, off)
	if err == nil && short {
		err = io.EOF
	}
	return n, err
}

// read splits off the parts that are not whole sectors.
func (r *Reader) read(p []byte, off int64) (n int, err error) {
	sector := int(r.mapping.sector)
	if in := int(off) & (sector - 1); in > 0 && len(p) > 0 {
		if n, err = r.readPart(p[:min(len(p), sector-in)], off, in); err != nil {
			return n, err
		}
	}
	if whole := (len(p) - n) &^ (sector - 1); whole > 0 {
		got, err := r.readSectors(p[n:n+whole], off+int64(n))
		n += got
		if err != nil {
			return n, err
		}
	}
	if n < len(p) {
		got, err := r.readPart(p[n:], off+int64(n), 0)
		return n + got, err
	}
	return n, nil
}

var errClosed = fmt.Errorf("read BitLocker volume: %w", os.ErrClosed)

func (r *Reader) isClosed() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.closed
}

var sectors = sync.Pool{New: func() any { return new([maxSector]byte) }}

// readPart reads a part of one sector, which begins at byte in of it.
func (r *Reader) readPart(p []byte, off int64, in int) (int, error) {
	buf := sectors.Get().(*[maxSector]byte)
	defer sectors.Put(buf)
	if _, err := r.readSectors(buf[:r.mapping.sector], off-int64(in)); err != nil {
		return 0, err
	}
	return copy(p, buf[in:r.mapping.sector]), nil
}

// crew decrypts the pieces of a large read beside the reading.
type crew struct {
	sync.WaitGroup
	once sync.Once
	err  error // the first
}

// readSectors fills p, of whole sectors, from a sector's start.
func (r *Reader) readSectors(p []byte, off int64) (n int, err error) {
	var helpers *crew
	if len(p) > workSize {
		helpers = new(crew)
		defer func() {
			if helpers.Wait(); helpers.err != nil {
				n, err = 0, helpers.err
			}
		}()
	}
	for n < len(p) {
		at := off + int64(n)
		x := r.mapping.at(at)
		part := p[n : n+int(min(x.size, int64(len(p)-n), readSize))]
		if x.content == zeros {
			clear(part)
			n += len(part)
			continue
		}
		got, err := r.src.ReadAt(part, x.disk)
		if got < len(part) {
			got -= got % int(r.mapping.sector)
			if err == nil || errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			err = fmt.Errorf("read BitLocker volume at %#x (disk %#x): %w", at+int64(got), x.disk+int64(got), err)
		} else {
			err = nil
		}
		part = part[:got]
		mended := (x.content == vistaBoot || x.content == vistaLast) && r.mend(part)
		if x.content == encrypted || x.content == vistaLast && !mended {
			if err := r.decryptAll(part, x.disk, helpers); err != nil {
				return n, err
			}
		}
		n += got
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// decryptAll decrypts b, or leaves it to the helpers piece by piece.
func (r *Reader) decryptAll(b []byte, disk int64, helpers *crew) error {
	if helpers == nil {
		return r.decrypt(b, disk)
	}
	for len(b) > 0 {
		piece, at := b[:min(len(b), workSize)], disk
		helpers.Go(func() {
			if err := r.decrypt(piece, at); err != nil {
				helpers.once.Do(func() { helpers.err = err })
			}
		})
		b = b[len(piece):]
		disk += int64(len(piece))
	}
	return nil
}

func (r *Reader) decrypt(b []byte, disk int64) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return errClosed
	}
	r.cipher.decrypt(b, disk)
	return nil
}

// mend gives the boot sector of a Vista volume back what BitLocker replaced
// (spec 5, step 1). It reports false if b is not one.
func (r *Reader) mend(b []byte) bool {
	if len(b) < minSector || !bytes.Equal(b[3:11], signature) {
		return false
	}
	copy(b[3:], "NTFS    ")
	binary.LittleEndian.PutUint64(b[0x38:], r.mirror)
	return true
}

// fileSystem names the file system whose boot sector b is.
func fileSystem(b []byte) string {
	switch {
	case bytes.Equal(b[3:11], []byte("NTFS    ")):
		return "NTFS"
	case bytes.Equal(b[3:11], []byte("ReFS\x00\x00\x00\x00")):
		return "ReFS"
	case bytes.Equal(b[3:11], []byte("EXFAT   ")):
		return "exFAT"
	case bytes.Equal(b[0x36:0x39], []byte("FAT")), bytes.Equal(b[0x52:0x55], []byte("FAT")):
		return "FAT"
	}
	return ""
}
