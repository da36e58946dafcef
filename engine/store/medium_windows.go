package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"unsafe"

	"golang.org/x/sys/windows"
)

// dropCache and forgetFile have no counterpart here.
func dropCache(string)    {}
func forgetFile(*os.File) {}

// eachFile: only the owner of a whole volume can flush it, so files are flushed
// one by one.
const eachFile = true

func syncAll(*os.Root) error             { return nil }
func syncRootDir(*os.Root, string) error { return nil }

// makeSparse lets a file have holes, where the file system can.
func makeSparse(f *os.File) {
	var n uint32
	windows.DeviceIoControl(windows.Handle(f.Fd()), windows.FSCTL_SET_SPARSE, nil, 0, nil, 0, &n, nil)
}

// linkInto gives a file of this computer a second name below root.
func linkInto(root *os.Root, native, name string) error {
	// That the folder is no way out is checked by going it.
	dir, err := root.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	return os.Link(native, filepath.Join(root.Name(), filepath.FromSlash(name)))
}

// removeAll deletes a folder and all in it. A file that is read-only stays so
// under the other names it has: the attribute belongs to the file, which the
// source still has. What is in use goes when the computer starts again.
func removeAll(dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var errs []error
	var dirs []string
	filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
		case d.IsDir():
			dirs = append(dirs, name)
		case d.Type().IsRegular():
			err = removeFile(name)
		default: // a link
			err = os.Remove(name)
		}
		if err != nil && len(errs) < 10 {
			errs = append(errs, fmt.Errorf("remove %s: %w", name, err))
		}
		return nil
	})
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	for _, name := range slices.Backward(dirs) {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// What SetFileInformationByHandle takes of FILE_DISPOSITION_INFO_EX and
// FILE_BASIC_INFO.
const (
	dispositionEx           = 21
	deleteNowEvenIfReadOnly = 0x1 | 0x2 | 0x10
	accessToRemove          = windows.DELETE | windows.FILE_READ_ATTRIBUTES | windows.FILE_WRITE_ATTRIBUTES
	shareAll                = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	flagsToRemove           = windows.FILE_FLAG_BACKUP_SEMANTICS | windows.FILE_FLAG_OPEN_REPARSE_POINT
)

type basicInfo struct {
	created, accessed, written, changed uint64
	attributes                          uint32
	_                                   uint32
}

func removeFile(name string) error {
	long := name
	if filepath.IsAbs(name) && name[0] != '\\' {
		long = `\\?\` + name
	}
	wide, err := windows.UTF16PtrFromString(long)
	if err != nil {
		return err
	}
	h, err := windows.CreateFile(wide, accessToRemove, shareAll, nil, windows.OPEN_EXISTING, flagsToRemove, 0)
	if errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
		if windows.MoveFileEx(wide, nil, windows.MOVEFILE_DELAY_UNTIL_REBOOT) == nil {
			return ErrInUse
		}
	}
	if err != nil {
		return err
	}
	defer windows.CloseHandle(h)
	how := uint32(deleteNowEvenIfReadOnly)
	if windows.SetFileInformationByHandle(h, dispositionEx, (*byte)(unsafe.Pointer(&how)), 4) == nil {
		return nil
	}
	// Windows before 10 1809: the attribute stands against deleting only at the
	// moment when that is asked for.
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(h, &info); err != nil {
		return err
	}
	readOnly := info.FileAttributes&windows.FILE_ATTRIBUTE_READONLY != 0
	set := func(attributes uint32) error {
		b := basicInfo{attributes: attributes}
		return windows.SetFileInformationByHandle(h, windows.FileBasicInfo, (*byte)(unsafe.Pointer(&b)), uint32(unsafe.Sizeof(b)))
	}
	if readOnly {
		if err := set(info.FileAttributes&^windows.FILE_ATTRIBUTE_READONLY | windows.FILE_ATTRIBUTE_NORMAL); err != nil {
			return err
		}
	}
	del := uint32(1)
	err = windows.SetFileInformationByHandle(h, windows.FileDispositionInfo, (*byte)(unsafe.Pointer(&del)), 4)
	if readOnly {
		err = errors.Join(err, set(info.FileAttributes))
	}
	return err
}
