package winpe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"github.com/Microsoft/go-winio"
	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"lifeboat/engine/disk"
)

// Volumes lists the volumes that have a drive letter. One that is locked or
// does not answer is listed with the Problem; an empty card reader is not.
func Volumes(ctx context.Context) ([]Volume, error) {
	bits, err := windows.GetLogicalDrives()
	if err != nil {
		return nil, fmt.Errorf("list volumes: %w", err)
	}
	var all []Volume
	for i := range 26 {
		if bits&(1<<i) == 0 {
			continue
		}
		letter := string(rune('A' + i))
		v, err := within(ctx, func() (Volume, error) { return lookAt(letter) })
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("list volumes: %w", ctx.Err())
		case errors.Is(err, errNoMedium):
			continue
		case err != nil:
			v = Volume{Mount: letter + `:\`, ID: letter, Problem: err.Error()}
		}
		all = append(all, v)
	}
	sortVolumes(all)
	return all, nil
}

var errNoMedium = errors.New("no medium")

const fveLocked = windows.Errno(0x80310000) // FVE_E_LOCKED_VOLUME

// lookAt describes the volume of a drive letter.
func lookAt(letter string) (Volume, error) {
	root := letter + `:\`
	rootPtr := windows.StringToUTF16Ptr(root)
	v := Volume{Mount: root, Device: root, ID: letter, System: isSystemLetter(letter)}
	switch windows.GetDriveType(rootPtr) {
	case windows.DRIVE_REMOVABLE:
		v.Removable = true
	case windows.DRIVE_REMOTE:
		v.Network = true
	case windows.DRIVE_CDROM:
		v.Removable, v.ReadOnly = true, true
	case windows.DRIVE_NO_ROOT_DIR:
		return v, errNoMedium
	}
	var name [50]uint16 // \\?\Volume{GUID}\
	if err := windows.GetVolumeNameForVolumeMountPoint(rootPtr, &name[0], uint32(len(name))); err == nil {
		v.Device = windows.UTF16ToString(name[:])
		v.ID = v.Device
	}
	if !v.Network {
		describe(&v, letter)
	}
	var label, system [windows.MAX_PATH + 1]uint16
	var flags uint32
	err := windows.GetVolumeInformation(rootPtr, &label[0], uint32(len(label)), nil, nil, &flags, &system[0], uint32(len(system)))
	switch {
	case errors.Is(err, windows.ERROR_NOT_READY):
		return v, errNoMedium
	case errors.Is(err, fveLocked):
		v.Problem = "locked by BitLocker"
		return v, nil
	case errors.Is(err, windows.ERROR_UNRECOGNIZED_VOLUME):
		v.Problem = "no file system that Windows knows, or locked by BitLocker"
		return v, nil
	case err != nil:
		v.Problem = err.Error()
		return v, nil
	}
	v.Label, v.FileSystem = windows.UTF16ToString(label[:]), windows.UTF16ToString(system[:])
	v.ReadOnly = v.ReadOnly || flags&windows.FILE_READ_ONLY_VOLUME != 0
	var free, size uint64
	if err := windows.GetDiskFreeSpaceEx(rootPtr, &free, &size, nil); err != nil {
		v.Problem = err.Error()
	}
	v.Size, v.Free = int64(size), int64(free)
	return v, nil
}

// isSystemLetter reports whether the running Windows is on that drive; under
// Windows PE this is the memory disk.
func isSystemLetter(letter string) bool {
	dir, err := windows.GetSystemWindowsDirectory()
	return err == nil && len(dir) > 1 && dir[1] == ':' && strings.EqualFold(dir[:1], letter)
}

// Control codes and layouts from the Windows SDK, winioctl.h.
const (
	ioctlStorageQueryProperty   = 0x002D1400
	ioctlStorageGetDeviceNumber = 0x002D1080
	ioctlDiskGetPartitionInfoEx = 0x00070048
	ioctlDiskGetDriveLayoutEx   = 0x00070050
	ioctlDiskGetDriveGeometryEx = 0x000700A0
)

var busNames = map[uint32]string{1: "SCSI", 2: "ATAPI", 3: "ATA", 4: "1394", 7: "USB", 8: "RAID", 9: "iSCSI", 10: "SAS",
	11: "SATA", 12: "SD", 13: "MMC", 14: "virtual", 15: "image file", 16: "Storage Spaces", 17: "NVMe", 19: "UFS"}

// describe asks the device about itself. Nothing of it needs rights, and none
// of it is essential, so errors only leave fields empty.
func describe(v *Volume, letter string) {
	volume, err := openDevice(`\\.\` + letter + `:`)
	if err != nil {
		return
	}
	defer windows.CloseHandle(volume)
	le := binary.LittleEndian

	v.Disk.Model, v.Disk.Serial, v.Disk.Bus = identity(volume)
	switch v.Disk.Bus {
	case "USB", "SD", "MMC", "1394":
		v.Removable = true
	}
	var physical windows.Handle
	if d := control(volume, ioctlStorageGetDeviceNumber, nil, 12); len(d) == 12 {
		n := le.Uint32(d[4:])
		v.Disk.Name = fmt.Sprintf("Disk %d", n)
		if physical, err = openDevice(fmt.Sprintf(`\\.\PhysicalDrive%d`, n)); err == nil {
			defer windows.CloseHandle(physical)
			if g := control(physical, ioctlDiskGetDriveGeometryEx, nil, 256); len(g) >= 32 {
				v.Disk.Size = int64(le.Uint64(g[24:]))
			}
		}
	}
	const mbr, gpt = 0, 1
	if p := control(volume, ioctlDiskGetPartitionInfoEx, nil, 144); len(p) >= 64 {
		switch le.Uint32(p) {
		case gpt: // PARTITION_INFORMATION_GPT begins at 32 with the type
			v.Partition.GUID = disk.GUID(p[48:64]).String()
		case mbr:
			if layout := control(physical, ioctlDiskGetDriveLayoutEx, nil, 64<<10); len(layout) >= 12 && le.Uint32(layout) == mbr {
				v.Partition = Partition{Signature: le.Uint32(layout[8:]), Offset: int64(le.Uint64(p[8:]))}
			}
		}
	}
}

// openDevice opens a device for questions only; that needs no rights.
func openDevice(path string) (windows.Handle, error) {
	return windows.CreateFile(windows.StringToUTF16Ptr(path), 0,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE, nil, windows.OPEN_EXISTING, 0, 0)
}

// control asks a device and returns the answer, nil if there is none.
func control(h windows.Handle, code uint32, in []byte, size int) []byte {
	if h == 0 || h == windows.InvalidHandle {
		return nil
	}
	out := make([]byte, size)
	var inPtr *byte
	if len(in) > 0 {
		inPtr = &in[0]
	}
	var n uint32
	err := windows.DeviceIoControl(h, code, inPtr, uint32(len(in)), &out[0], uint32(len(out)), &n, nil)
	if err != nil && !errors.Is(err, windows.ERROR_MORE_DATA) {
		return nil
	}
	return out[:n]
}

// FreeSpace tells how many bytes can be written below a folder, which need not
// exist yet.
func FreeSpace(path string) (int64, error) {
	dir, err := existing(path)
	if err != nil {
		return 0, err
	}
	p, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(p, &free, nil, nil); err != nil {
		return 0, &os.PathError{Op: "GetDiskFreeSpaceEx", Path: dir, Err: err}
	}
	return int64(free), nil
}

// SameVolume reports whether two paths, which need not exist yet, lie on one
// volume.
func SameVolume(a, b string) (bool, error) {
	var names [2]string
	for i, p := range []string{a, b} {
		dir, err := existing(p)
		if err != nil {
			return false, err
		}
		if names[i], err = volumeOf(dir); err != nil {
			return false, err
		}
	}
	return strings.EqualFold(names[0], names[1]), nil
}

// volumeRoot is the folder at which the volume of dir is mounted, with a
// backslash at its end.
func volumeRoot(dir string) ([]uint16, error) {
	p, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return nil, err
	}
	root := make([]uint16, len(dir)+windows.MAX_PATH)
	if err := windows.GetVolumePathName(p, &root[0], uint32(len(root))); err != nil {
		return nil, &os.PathError{Op: "GetVolumePathName", Path: dir, Err: err}
	}
	return root, nil
}

// volumeOf names the volume a folder lies on; a share is named by its root.
func volumeOf(dir string) (string, error) {
	root, err := volumeRoot(dir)
	if err != nil {
		return "", err
	}
	var name [50]uint16
	if err := windows.GetVolumeNameForVolumeMountPoint(&root[0], &name[0], uint32(len(name))); err != nil {
		return windows.UTF16ToString(root), nil
	}
	return windows.UTF16ToString(name[:]), nil
}

// isMount reports whether a volume is mounted at a folder.
func isMount(dir string) (bool, error) {
	here, err := filepath.Abs(dir)
	if err != nil {
		return false, err
	}
	root, err := volumeRoot(here)
	if err != nil {
		return false, err
	}
	return strings.EqualFold(strings.TrimRight(windows.UTF16ToString(root), `\`), strings.TrimRight(here, `\`)), nil
}

func isDevice(file string) bool { return strings.HasPrefix(file, `\\.\`) }

// onDevice reports whether path lies on a device, or on one partition of it.
func onDevice(path, file string, number int) (bool, error) {
	dir, err := existing(path)
	if err != nil {
		return false, err
	}
	volume, err := volumeOf(dir)
	if err != nil {
		return false, err
	}
	h, err := openDevice(strings.TrimRight(volume, `\`))
	if err != nil {
		return false, nil // a share
	}
	defer windows.CloseHandle(h)
	physical, err := openDevice(file)
	if err != nil {
		return false, err
	}
	defer windows.CloseHandle(physical)
	le := binary.LittleEndian
	here, there := control(h, ioctlStorageGetDeviceNumber, nil, 12), control(physical, ioctlStorageGetDeviceNumber, nil, 12)
	if len(here) != 12 || len(there) != 12 || le.Uint32(here[4:]) != le.Uint32(there[4:]) {
		return false, nil
	}
	if number < 0 {
		// The whole disk, or a volume by its device, which is numbered as here.
		whole := int32(le.Uint32(there[8:])) <= 0
		return whole || le.Uint32(here[8:]) == le.Uint32(there[8:]), nil
	}
	// Windows numbers partitions in its own way; where they begin is the same.
	image, err := disk.Open(file)
	if err != nil {
		return true, nil // better refused than written to
	}
	defer image.Close()
	table, err := disk.Partitions(image, image.Size, image.Sector)
	if err != nil {
		return true, nil
	}
	part, _ := table.Find(number)
	p := control(h, ioctlDiskGetPartitionInfoEx, nil, 144)
	return len(p) < 16 || int64(le.Uint64(p[8:])) == part.Offset, nil
}

// isFAT reports whether a folder is on FAT, of whatever size but not exFAT.
func isFAT(dir string) bool {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return false
	}
	var root, system [windows.MAX_PATH + 1]uint16
	if windows.GetVolumePathName(path, &root[0], uint32(len(root))) != nil ||
		windows.GetVolumeInformation(&root[0], nil, 0, nil, nil, nil, &system[0], uint32(len(system))) != nil {
		return false
	}
	name := windows.UTF16ToString(system[:])
	return name == "FAT" || name == "FAT32"
}

func isReadOnly(err error) bool { return errors.Is(err, windows.ERROR_WRITE_PROTECT) }
func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}

// EnablePrivileges switches on the rights that an administrator has but does
// not use by default: reading everybody's files and their descriptors, and
// writing them. Without administrator's rights the error wraps fs.ErrPermission.
func EnablePrivileges() error {
	token, err := openToken()
	if err != nil {
		return err
	}
	defer token.Close()
	if !token.IsElevated() && !isWinPE() { // in Windows PE everybody is the system
		return fmt.Errorf("enable privileges: not an administrator: %w", os.ErrPermission)
	}
	if err := winio.EnableProcessPrivileges([]string{winio.SeBackupPrivilege, winio.SeRestorePrivilege}); err != nil {
		return fmt.Errorf("enable privileges: %w: %w", err, os.ErrPermission)
	}
	// Only for the audit part of descriptors and for links, which can be missed.
	for _, name := range []string{winio.SeSecurityPrivilege, "SeCreateSymbolicLinkPrivilege"} {
		_ = winio.EnableProcessPrivileges([]string{name})
	}
	return nil
}

func openToken() (windows.Token, error) {
	var token windows.Token
	err := windows.OpenProcessToken(windows.CurrentProcess(), windows.TOKEN_QUERY, &token)
	if err != nil {
		return 0, fmt.Errorf("open process token: %w", err)
	}
	return token, nil
}

// Describe describes the running system.
func Describe() System {
	v := windows.RtlGetVersion()
	s := System{
		OS: runtime.GOOS, Arch: runtime.GOARCH, WinPE: isWinPE(), Power: power(),
		Name: fmt.Sprintf("Windows %d.%d.%d", v.MajorVersion, v.MinorVersion, v.BuildNumber),
	}
	if s.WinPE {
		s.Name = strings.Replace(s.Name, "Windows", "Windows PE", 1)
	}
	if token, err := openToken(); err == nil {
		s.Admin = token.IsElevated()
		token.Close()
	}
	return s
}

// isWinPE: the key MiniNT exists in Windows PE only.
func isWinPE() bool {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, `SYSTEM\CurrentControlSet\Control\MiniNT`, registry.QUERY_VALUE)
	if err != nil {
		return false
	}
	k.Close()
	return true
}

func power() Power {
	var status struct {
		acLine, battery, percent, saver byte
		left, full                      uint32
	}
	get := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetSystemPowerStatus")
	if ok, _, _ := get.Call(uintptr(unsafe.Pointer(&status))); ok == 0 {
		return PowerUnknown
	}
	switch status.acLine {
	case 0:
		return Battery
	case 1:
		return Mains
	}
	return PowerUnknown
}

// PowerOff turns the computer off.
func PowerOff() error { return end("shutdown", false) }

// Restart restarts the computer.
func Restart() error { return end("reboot", true) }

// end uses wpeutil in Windows PE, where the ordinary call is not answered.
func end(verb string, restart bool) error {
	if isWinPE() {
		if err := exec.Command("wpeutil.exe", verb).Run(); err != nil {
			return fmt.Errorf("wpeutil %s: %w", verb, err)
		}
		return nil
	}
	if err := winio.EnableProcessPrivileges([]string{"SeShutdownPrivilege"}); err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	const planned = 0x80000000 // SHTDN_REASON_FLAG_PLANNED
	if err := windows.InitiateSystemShutdownEx(nil, nil, 0, false, restart, planned); err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	return nil
}

// StayAwake keeps the computer from going to sleep until release is called.
func StayAwake() (release func()) {
	const continuous, systemRequired = 0x80000000, 0x00000001 // ES_ of winbase.h
	set := windows.NewLazySystemDLL("kernel32.dll").NewProc("SetThreadExecutionState")
	if set.Find() != nil {
		return func() {}
	}
	done := make(chan struct{})
	asked := make(chan struct{})
	go func() {
		runtime.LockOSThread() // the wish is that of a thread
		defer runtime.UnlockOSThread()
		set.Call(continuous | systemRequired)
		close(asked)
		<-done
		set.Call(continuous)
	}()
	<-asked
	return sync.OnceFunc(func() { close(done) })
}

// FillScreen has the console of Windows PE fill the screen: its window is small,
// and there is nothing else to see. Elsewhere it does nothing.
func FillScreen() {
	if !isWinPE() {
		return
	}
	set := windows.NewLazySystemDLL("kernel32.dll").NewProc("SetConsoleDisplayMode")
	out, err := windows.GetStdHandle(windows.STD_OUTPUT_HANDLE)
	if err != nil || set.Find() != nil {
		return
	}
	const fullScreen = 1
	var size windows.Coord
	set.Call(uintptr(out), fullScreen, uintptr(unsafe.Pointer(&size))) // an old console refuses; then it stays small
}
