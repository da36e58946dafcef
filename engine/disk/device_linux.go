package disk

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

func openable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a folder", path)
	case !info.Mode().IsRegular() && info.Mode()&(os.ModeDevice|os.ModeCharDevice) != os.ModeDevice:
		return fmt.Errorf("%s is neither a disk nor a file", path)
	}
	return nil
}

func isDevice(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeDevice != 0
}

// device tells how a block device is read.
func device(f *os.File) (io.ReaderAt, int64, int, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, 0, err
	}
	sector, err := unix.IoctlGetInt(int(f.Fd()), unix.BLKSSZGET)
	if err != nil {
		sector = 0
	}
	return f, size, sector, nil
}
