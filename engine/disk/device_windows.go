package disk

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/windows"
)

// Control codes from the Windows SDK, winioctl.h.
const (
	ioctlDiskGetLengthInfo     = 0x0007405C
	ioctlDiskGetDriveGeometry  = 0x00070000
	fsctlAllowExtendedDASDIO   = 0x00090083
	defaultAlignment           = 4096
	devicePrefix, filePrefixed = `\\.\`, `\\?\`
)

func isDevicePath(path string) bool {
	return strings.HasPrefix(path, devicePrefix) || strings.HasPrefix(path, filePrefixed+"Volume{") && !strings.Contains(path[len(filePrefixed):], `}\`)
}

func openable(path string) error {
	if isDevicePath(path) {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a folder", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is neither a disk nor a file", path)
	}
	return nil
}

func isDevice(f *os.File) bool { return isDevicePath(f.Name()) }

// device tells how a disk or volume is read: Windows wants whole sectors.
func device(f *os.File) (io.ReaderAt, int64, int, error) {
	h := windows.Handle(f.Fd())
	var n uint32
	// Without this the last sectors of a volume cannot be read; disks refuse it.
	_ = windows.DeviceIoControl(h, fsctlAllowExtendedDASDIO, nil, 0, nil, 0, &n, nil)
	var length [8]byte
	if err := windows.DeviceIoControl(h, ioctlDiskGetLengthInfo, nil, 0, &length[0], uint32(len(length)), &n, nil); err != nil {
		return nil, 0, 0, fmt.Errorf("ask for its length: %w", err)
	}
	size := int64(binary.LittleEndian.Uint64(length[:]))
	var geometry [24]byte // DISK_GEOMETRY; the bytes of a sector come last
	sector := 0
	if err := windows.DeviceIoControl(h, ioctlDiskGetDriveGeometry, nil, 0, &geometry[0], uint32(len(geometry)), &n, nil); err == nil {
		sector = int(binary.LittleEndian.Uint32(geometry[20:]))
	}
	alignment := int64(defaultAlignment)
	if sector > 0 && size%alignment != 0 {
		alignment = int64(sector)
	}
	return aligned{f, alignment}, size, sector, nil
}
