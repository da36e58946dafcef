// Package disk opens disks, and image files of disks, as plain bytes, and finds
// the partitions on them.
//
// An [Image] is what was opened: a device of this computer, or a file in one of
// the formats that imaging tools and virtual machines write. A [Table] lists its
// [Partition]s, from a GPT, an MBR, or, where there is neither, the one volume
// that fills it. [Identify] tells what a volume begins with. [Careful] stands
// between a disk that is dying and everybody above.
//
// Everything is opened for reading only. What an image says is checked before it
// is used: it costs bounded time and memory and ends in an error, or in a note
// where the rest can still be read. What is inside a volume is left to others.
package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Format is how the bytes of a disk are kept.
type Format string

// The formats.
const (
	Device   Format = "device"
	Raw      Format = "raw"
	SplitRaw Format = "split raw"
	VHD      Format = "VHD"
	VHDX     Format = "VHDX"
)

// Image is an open disk, or volume, or the image of one. It may be read from
// several goroutines.
type Image struct {
	io.ReaderAt
	Size   int64
	Format Format
	Sector int      // bytes of a logical sector, 0 if unknown
	Files  []string // what it was put together from
	Notes  []string // what is not as it should be

	files  []*os.File
	vhdID  [16]byte // what a VHD is known by to those that build on it
	vhdxID GUID     // and a VHDX
}

// Careful reads the image with care. It knows when the device, or the disk that the
// file is on, is not there any more.
func (m *Image) Careful() *Careful {
	return NewCareful(m, CarefulOptions{Alive: func() error {
		for _, path := range m.Files {
			if err := openable(path); err != nil {
				return err
			}
		}
		return nil
	}})
}

// Close closes the files of the image.
func (m *Image) Close() error {
	var errs []error
	for _, f := range m.files {
		errs = append(errs, f.Close())
	}
	m.files = nil
	return errors.Join(errs...)
}

// ErrFormat says that a file is an image in a format that is not read here.
var ErrFormat = errors.New("image format is not supported")

// Open opens a device, or an image file in whatever format it has.
func Open(path string) (*Image, error) {
	m := &Image{}
	err := m.open(path, maxParents)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open disk %s: %w", path, err), m.Close())
	}
	return m, nil
}

// maxParents bounds the chain of differencing images: Windows makes no more
// than a few.
const maxParents = 32

// errParents says that a chain of images has no end.
var errParents = errors.New("too many images that build on one another")

// open opens path as the image m; depth is how many parents it may have.
func (m *Image) open(path string, depth int) error {
	if depth < 0 {
		return errParents
	}
	f, err := m.add(path)
	if err != nil {
		return err
	}
	if isDevice(f) {
		m.Format = Device
		m.ReaderAt, m.Size, m.Sector, err = device(f)
		return err
	}
	size, err := fileSize(f)
	if err != nil {
		return err
	}
	head := make([]byte, 4096)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	head = head[:n]
	switch {
	case isVHDX(head):
		return m.openVHDX(f, size, depth)
	case isVHD(f, size, head):
		return m.openVHD(f, size, head, depth)
	}
	if name, remedy := foreign(head); name != "" {
		return fmt.Errorf("%w: it looks like %s; %s", ErrFormat, name, remedy)
	}
	if first, ok := splitName(path); ok {
		return m.openSplit(first)
	}
	m.ReaderAt, m.Size, m.Format = f, size, Raw
	return nil
}

// add opens one more file of the image. Nothing but files and disks is opened:
// a pipe would wait for ever.
func (m *Image) add(path string) (*os.File, error) {
	if err := openable(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	m.files = append(m.files, f)
	m.Files = append(m.Files, path)
	return f, nil
}

func fileSize(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// besides opens the parent of a differencing image. The name comes from the
// image: only its own folder and those below and above by a relative path are
// looked into, never another computer.
func (m *Image) besides(child string, names []string, depth int) (*Image, string, error) {
	dir := filepath.Dir(child)
	var errs []error
	seen := map[string]bool{}
	for _, name := range names {
		for _, path := range parentPaths(dir, name) {
			if seen[path] {
				continue
			}
			seen[path] = true
			parent := &Image{}
			err := parent.open(path, depth-1)
			if err == nil {
				m.files = append(m.files, parent.files...)
				m.Files = append(m.Files, parent.Files...)
				m.Notes = append(m.Notes, parent.Notes...)
				return parent, path, nil
			}
			errs = append(errs, err, parent.Close())
			if errors.Is(err, errParents) {
				return nil, "", err
			}
		}
	}
	if len(errs) == 0 {
		return nil, "", errors.New("its parent image is not named")
	}
	return nil, "", fmt.Errorf("its parent image cannot be opened: %w", errors.Join(errs...))
}

// readFull reads all of p, or fails.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	switch {
	case n == len(p):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return fmt.Errorf("at %d: %w", off+int64(n), io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("at %d: %w", off+int64(n), err)
}
