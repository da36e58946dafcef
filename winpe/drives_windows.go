package winpe

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/sys/windows"
)

// maxDrives is how far physical disks are counted; their numbers may have gaps.
const maxDrives = 64

// More control codes from the Windows SDK, winioctl.h and ntddstor.h.
const (
	ioctlStoragePredictFailure = 0x002D1100
	ioctlDiskIsWritable        = 0x00070024
	storageSeekPenalty         = 7 // a property
)

// Drives lists the physical disks. Volumes are those that have a letter, from
// [Volumes]. A disk that cannot be opened is listed with the Problem.
func Drives(ctx context.Context, volumes []Volume) ([]Drive, error) {
	var all []Drive
	for n := range maxDrives {
		path := fmt.Sprintf(`\\.\PhysicalDrive%d`, n)
		h, err := openDevice(path)
		if err != nil {
			continue
		}
		d, err := within(ctx, func() (Drive, error) { return driveAt(h, path, n), nil })
		if ctx.Err() != nil {
			return nil, fmt.Errorf("list disks: %w", ctx.Err())
		}
		if err != nil {
			all = append(all, Drive{Device: path, Disk: Disk{Name: fmt.Sprintf("Disk %d", n)}, Problem: err.Error()})
			continue
		}
		d.look(ctx, path)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("list disks: %w", ctx.Err())
		}
		d.mounted(volumes)
		all = append(all, d)
	}
	return all, nil
}

// driveAt asks a disk about itself, and closes it.
func driveAt(h windows.Handle, path string, n int) Drive {
	defer windows.CloseHandle(h)
	le := binary.LittleEndian
	d := Drive{Device: path, Disk: Disk{Name: fmt.Sprintf("Disk %d", n)}}
	d.Model, d.Serial, d.Bus = identity(h)
	switch d.Bus {
	case "USB", "SD", "MMC", "1394":
		d.Removable = true
	}
	if g := control(h, ioctlDiskGetDriveGeometryEx, nil, 256); len(g) >= 32 {
		d.Sector, d.Size = int(le.Uint32(g[20:])), int64(le.Uint64(g[24:]))
	}
	query := make([]byte, 12)
	query[0] = storageSeekPenalty
	if p := control(h, ioctlStorageQueryProperty, query, 12); len(p) >= 9 {
		d.Rotational = p[8] != 0
	}
	if p := control(h, ioctlStoragePredictFailure, nil, 4+512); len(p) >= 4 && le.Uint32(p) != 0 {
		d.Health = "the disk itself says that it is failing (SMART)"
	}
	var returned uint32
	err := windows.DeviceIoControl(h, ioctlDiskIsWritable, nil, 0, nil, 0, &returned, nil)
	d.ReadOnly = err == windows.ERROR_WRITE_PROTECT
	return d
}

// identity asks a device for its model, serial number and bus.
func identity(h windows.Handle) (model, serial, bus string) {
	le := binary.LittleEndian
	query := make([]byte, 12) // STORAGE_PROPERTY_QUERY: device property, standard query
	d := control(h, ioctlStorageQueryProperty, query, 1024)
	if len(d) < 32 {
		return "", "", ""
	}
	text := func(at int) string {
		o := int(le.Uint32(d[at:]))
		if o == 0 || o >= len(d) {
			return ""
		}
		s, _, _ := strings.Cut(string(d[o:]), "\x00")
		return strings.TrimSpace(s)
	}
	return strings.TrimSpace(text(12) + " " + text(16)), text(24), busNames[le.Uint32(d[28:])]
}
