package restore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"unsafe"

	"github.com/Microsoft/go-winio"
	"golang.org/x/sys/windows"
)

const fullErrno = windows.ERROR_DISK_FULL

// system is what the file system of the destination can keep.
type system struct{ ntfs bool }

func probe(root *os.Root) system {
	volume := filepath.VolumeName(root.Name()) + `\`
	name, err := windows.UTF16PtrFromString(volume)
	if err != nil {
		return system{}
	}
	var flags uint32
	if err := windows.GetVolumeInformation(name, nil, 0, nil, nil, &flags, nil, 0); err != nil {
		return system{}
	}
	// Without it Windows sets no names for DOS. It holds for the process.
	_ = winio.EnableProcessPrivileges([]string{winio.SeRestorePrivilege})
	return system{ntfs: flags&windows.FILE_PERSISTENT_ACLS != 0}
}

func (s system) keepsAll() bool { return s.ntfs }

// apply sets metadata. Times and attributes come last: a read-only file takes
// nothing more.
func (s system) apply(_ *os.Root, _, full string, _ *os.File, m metadata) error {
	var errs []error
	if s.ntfs {
		for _, stream := range m.streams {
			if err := writeStream(full, stream); err != nil {
				errs = append(errs, fmt.Errorf("stream %s: %w", stream.name, err))
			}
		}
		if m.security != nil {
			if err := setSecurity(full, m.security); err != nil {
				errs = append(errs, fmt.Errorf("set security: %w", err))
			}
		}
		if m.reparse != nil {
			if err := setReparse(full, m.reparse); err != nil {
				errs = append(errs, fmt.Errorf("make a link of it: %w", err))
			}
		}
	}
	return errors.Join(append(errs, setBasic(full, m))...)
}

// setReparse makes a link of an empty file or folder.
func setReparse(full string, data []byte) error {
	h, err := openFor(full, windows.GENERIC_WRITE)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(h)
	var n uint32
	return windows.DeviceIoControl(h, windows.FSCTL_SET_REPARSE_POINT, &data[0], uint32(len(data)), nil, 0, &n, nil)
}

// makeSparse lets a file have holes.
func (system) makeSparse(f *os.File) error {
	var n uint32
	return windows.DeviceIoControl(windows.Handle(f.Fd()), windows.FSCTL_SET_SPARSE, nil, 0, nil, 0, &n, nil)
}

// openFor opens a file or folder by backup semantics for its attributes.
func openFor(full string, access uint32) (windows.Handle, error) {
	name, err := windows.UTF16PtrFromString(long(full))
	if err != nil {
		return 0, err
	}
	return windows.CreateFile(name, access, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil,
		windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS|windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
}

// long lifts the limit of 260 characters.
func long(full string) string {
	if len(full) < 2 || full[:2] == `\\` {
		return full
	}
	return `\\?\` + full
}

// basicInfo is FILE_BASIC_INFO.
type basicInfo struct {
	created, accessed, written, changed uint64
	attributes                          uint32
	_                                   uint32
}

func setBasic(full string, m metadata) error {
	h, err := openFor(full, windows.FILE_WRITE_ATTRIBUTES|windows.FILE_READ_ATTRIBUTES|windows.SYNCHRONIZE)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(h)
	info := basicInfo{
		created: uint64(m.created), accessed: uint64(m.accessed), written: uint64(m.modified), attributes: uint32(m.attr),
	}
	return windows.SetFileInformationByHandle(h, windows.FileBasicInfo, (*byte)(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
}

func setSecurity(full string, sd []byte) error {
	descriptor := (*windows.SECURITY_DESCRIPTOR)(unsafe.Pointer(&sd[0]))
	control, _, err := descriptor.Control()
	if err != nil {
		return err
	}
	parts := windows.SECURITY_INFORMATION(windows.OWNER_SECURITY_INFORMATION | windows.GROUP_SECURITY_INFORMATION | windows.DACL_SECURITY_INFORMATION)
	protect := windows.SECURITY_INFORMATION(windows.UNPROTECTED_DACL_SECURITY_INFORMATION)
	if control&windows.SE_DACL_PROTECTED != 0 {
		protect = windows.PROTECTED_DACL_SECURITY_INFORMATION
	}
	h, err := openFor(full, windows.WRITE_DAC|windows.WRITE_OWNER|windows.READ_CONTROL)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(h)
	owner, _, err := descriptor.Owner()
	if err != nil {
		return err
	}
	group, _, err := descriptor.Group()
	if err != nil {
		return err
	}
	dacl, _, err := descriptor.DACL()
	if err != nil && !errors.Is(err, windows.ERROR_OBJECT_NOT_FOUND) {
		return err
	}
	return windows.SetSecurityInfo(h, windows.SE_FILE_OBJECT, parts|protect, owner, group, dacl, nil)
}

func writeStream(full string, stream streamData) error {
	r, err := stream.open()
	if err != nil {
		return err
	}
	defer r.Close()
	out, err := os.OpenFile(long(full)+":"+stream.name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, r)
	return errors.Join(err, out.Close())
}

// sync has nothing to do: Windows has no call for a volume but for those who own
// the whole of it, and its journal keeps the order.
func (system) sync(*os.Root) error { return nil }

func syncFolder(*os.Root, string) error { return nil }

// linkInto gives a file of this computer a second name.
func linkInto(_ *os.Root, from, _, full string) error { return os.Link(from, full) }

// rename replaces also a file that is read-only.
func rename(root *os.Root, from, to, full string) error {
	err := root.Rename(from, to)
	if errors.Is(err, os.ErrPermission) && makeWritable(root, to, full) {
		err = root.Rename(from, to)
	}
	return err
}

// remove removes also a file that is read-only.
func remove(root *os.Root, name, full string) error {
	err := root.Remove(name)
	if errors.Is(err, os.ErrPermission) && makeWritable(root, name, full) {
		err = root.Remove(name)
	}
	return err
}

func makeWritable(root *os.Root, name, full string) bool {
	info, err := root.Lstat(name)
	return err == nil && info.Mode().IsRegular() && setBasic(full, metadata{attr: windows.FILE_ATTRIBUTE_NORMAL}) == nil
}

var setFileShortName = windows.NewLazySystemDLL("kernel32.dll").NewProc("SetFileShortNameW")

// setShort gives an object its name for DOS, or takes it away if there is none
// (Windows 7 and later).
func (s system) setShort(_ *os.Root, _, full, short string) error {
	if !s.ntfs {
		return errors.ErrUnsupported
	}
	name, err := windows.UTF16PtrFromString(short)
	if err != nil {
		return err
	}
	h, err := openFor(full, windows.DELETE) // a right that also a read-only file gives
	if err != nil {
		return err
	}
	defer windows.CloseHandle(h)
	if ok, _, err := setFileShortName.Call(uintptr(h), uintptr(unsafe.Pointer(name))); ok == 0 {
		return err
	}
	return nil
}
