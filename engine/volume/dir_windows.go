package volume

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/Microsoft/go-winio"
	"golang.org/x/sys/windows"

	"lifeboat/engine/winname"
)

// system has nothing to remember on Windows.
type system struct{}

// probe also asks for the privileges with which a backup reads what its user
// may not. They hold for the process; without them Windows answers as it would
// to anybody, so a refusal is no error here.
func probe(string) system {
	_ = winio.EnableProcessPrivileges([]string{winio.SeBackupPrivilege, winio.SeSecurityPrivilege})
	return system{}
}

// nativeRoot gives the form of a path that Windows does not cut at 260
// characters and in which it touches neither dots nor blanks.
func nativeRoot(abs string) string {
	switch {
	case strings.HasPrefix(abs, `\\?\`) || strings.HasPrefix(abs, `\\.\`):
		return abs
	case strings.HasPrefix(abs, `\\`):
		return `\\?\UNC\` + abs[2:]
	default:
		return `\\?\` + abs
	}
}

// open opens an object itself, not what a reparse point on it leads to.
func open(native string, access, flags uint32) (windows.Handle, error) {
	name, err := windows.UTF16PtrFromString(native)
	if err != nil {
		return windows.InvalidHandle, fs.ErrNotExist // a NUL in the name
	}
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	h, err := windows.CreateFile(name, access, share, nil, windows.OPEN_EXISTING,
		windows.FILE_FLAG_BACKUP_SEMANTICS|windows.FILE_FLAG_OPEN_REPARSE_POINT|flags, 0)
	if errors.Is(err, windows.ERROR_INVALID_NAME) {
		err = fs.ErrNotExist
	}
	return h, err
}

func (s system) stat(native string) (Info, error) {
	h, err := open(native, windows.FILE_READ_ATTRIBUTES, 0)
	if err != nil {
		return Info{}, err
	}
	defer windows.CloseHandle(h)
	var by windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(h, &by); err != nil {
		return Info{}, err
	}
	info := Info{
		Name:     filepath.Base(native),
		Size:     int64(by.FileSizeHigh)<<32 | int64(by.FileSizeLow),
		Attr:     Attr(by.FileAttributes),
		Created:  fileTime(by.CreationTime),
		Modified: fileTime(by.LastWriteTime),
		Accessed: fileTime(by.LastAccessTime),
		FileID:   uint64(by.FileIndexHigh)<<32 | uint64(by.FileIndexLow),
	}
	if info.IsDir() {
		info.Size = 0
	}
	if info.Attr&ReparsePoint != 0 {
		info.Reparse, err = reparseTag(h)
	}
	return info, err
}

func reparseTag(h windows.Handle) (uint32, error) {
	var tag [8]byte // FILE_ATTRIBUTE_TAG_INFO: attributes, tag
	err := windows.GetFileInformationByHandleEx(h, windows.FileAttributeTagInfo, &tag[0], uint32(len(tag)))
	return binary.LittleEndian.Uint32(tag[4:]), err
}

// list calls each for every entry of a folder. An error is that of the folder;
// the entries read before it have been handed out.
func (s system) list(native string, each func(name string, info Info, err error)) error {
	h, err := open(native, windows.FILE_LIST_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(h)
	var tag [8]byte
	err = windows.GetFileInformationByHandleEx(h, windows.FileAttributeTagInfo, &tag[0], uint32(len(tag)))
	if err == nil && Attr(binary.LittleEndian.Uint32(tag[:]))&ReparsePoint != 0 && IsLinkTag(binary.LittleEndian.Uint32(tag[4:])) {
		return ErrReparse
	}
	buf := make([]byte, 64<<10)
	for {
		err := windows.GetFileInformationByHandleEx(h, windows.FileIdBothDirectoryInfo, &buf[0], uint32(len(buf)))
		if errors.Is(err, windows.ERROR_NO_MORE_FILES) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range entries(buf, 104) {
			// FILE_ID_BOTH_DIR_INFO
			info := Info{
				Name:     utf16At(e, 60, 104),
				Created:  ticksTime(binary.LittleEndian.Uint64(e[8:])),
				Accessed: ticksTime(binary.LittleEndian.Uint64(e[16:])),
				Modified: ticksTime(binary.LittleEndian.Uint64(e[24:])),
				Size:     int64(binary.LittleEndian.Uint64(e[40:])),
				Attr:     Attr(binary.LittleEndian.Uint32(e[56:])),
				FileID:   binary.LittleEndian.Uint64(e[96:]),
			}
			if info.Attr&ReparsePoint != 0 {
				info.Reparse = binary.LittleEndian.Uint32(e[64:])
			}
			if info.IsDir() {
				info.Size = 0
			}
			if info.Name != "." && info.Name != ".." {
				each(info.Name, info, nil)
			}
		}
	}
}

// entries parts a buffer of records that each begin with the distance to the
// next; a record has at least head bytes.
func entries(buf []byte, head int) [][]byte {
	var out [][]byte
	for len(buf) >= head {
		out = append(out, buf)
		next := binary.LittleEndian.Uint32(buf)
		if next == 0 || int64(next) >= int64(len(buf)) {
			break
		}
		buf = buf[next:]
	}
	return out
}

// utf16At reads the name at offset at whose length in bytes is at lenAt.
func utf16At(e []byte, lenAt, at int) string {
	n := int(min(binary.LittleEndian.Uint32(e[lenAt:]), uint32(len(e)-at))) / 2
	units := make([]uint16, n)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(e[at+2*i:])
	}
	return winname.FromUTF16(units)
}

func (s system) extras(native string, info Info) (Extras, error) {
	var extras Extras
	var problems problemList
	descriptor, err := security(native)
	if err != nil {
		problems.add(fmt.Errorf("security descriptor: %w", err))
	}
	extras.Security = descriptor
	h, err := open(native, windows.FILE_READ_ATTRIBUTES, 0)
	if err != nil {
		problems.add(err)
		return extras, problems.err()
	}
	defer windows.CloseHandle(h)
	if extras.Streams, err = streams(h); err != nil {
		problems.add(fmt.Errorf("list streams: %w", err))
	}
	extras.Short = short(h)
	var by windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(h, &by); err == nil && !info.IsDir() {
		extras.Links = by.NumberOfLinks
	}
	if info.Attr&ReparsePoint != 0 {
		buf := make([]byte, windows.MAXIMUM_REPARSE_DATA_BUFFER_SIZE)
		var n uint32
		err := windows.DeviceIoControl(h, windows.FSCTL_GET_REPARSE_POINT, nil, 0, &buf[0], uint32(len(buf)), &n, nil)
		if err != nil {
			problems.add(fmt.Errorf("reparse data: %w", err))
		} else {
			extras.Reparse = buf[:n:n]
		}
	}
	return extras, problems.err()
}

// short returns the name that an object has for DOS, "" if it has none.
func short(h windows.Handle) string {
	const alternateName = 21 // FileAlternateNameInformation
	var buf [4 + 2*12]byte
	var status windows.IO_STATUS_BLOCK
	if err := windows.NtQueryInformationFile(h, &status, &buf[0], uint32(len(buf)), alternateName); err != nil {
		return ""
	}
	return utf16At(buf[:], 0, 4)
}

// long finds the name of which Windows made a short one. NTFS has no name in a
// folder that is another's short one.
func (d *Dir) long(folder, name string) (string, bool) {
	native, err := windows.UTF16PtrFromString(nativeJoin(folder, name))
	if err != nil {
		return "", false
	}
	var found windows.Win32finddata
	h, err := windows.FindFirstFile(native, &found)
	if err != nil {
		return "", false
	}
	windows.FindClose(h)
	units := found.FileName[:]
	if end := slices.Index(units, 0); end >= 0 {
		units = units[:end]
	}
	long := winname.FromUTF16(units)
	return long, long != "" && !winname.Equal(long, name)
}

// security returns the descriptor with its audit part, or without when Windows
// does not hand that out.
func security(native string) ([]byte, error) {
	const parts = windows.OWNER_SECURITY_INFORMATION | windows.GROUP_SECURITY_INFORMATION | windows.DACL_SECURITY_INFORMATION
	h, err := open(native, windows.READ_CONTROL|windows.ACCESS_SYSTEM_SECURITY, 0)
	wanted := windows.SECURITY_INFORMATION(parts | windows.SACL_SECURITY_INFORMATION)
	if err != nil {
		wanted = parts
		if h, err = open(native, windows.READ_CONTROL, 0); err != nil {
			return nil, err
		}
	}
	defer windows.CloseHandle(h)
	sd, err := windows.GetSecurityInfo(h, windows.SE_FILE_OBJECT, wanted)
	if err != nil {
		return nil, err
	}
	raw := unsafe.Slice((*byte)(unsafe.Pointer(sd)), sd.Length())
	return append([]byte(nil), raw...), nil
}

func streams(h windows.Handle) ([]Stream, error) {
	for size := 4 << 10; ; size *= 4 {
		buf := make([]byte, size)
		err := windows.GetFileInformationByHandleEx(h, windows.FileStreamInfo, &buf[0], uint32(len(buf)))
		switch {
		case errors.Is(err, windows.ERROR_MORE_DATA) && size < 16<<20:
			continue
		case errors.Is(err, windows.ERROR_HANDLE_EOF), // a folder without streams
			errors.Is(err, windows.ERROR_INVALID_PARAMETER), errors.Is(err, windows.ERROR_NOT_SUPPORTED),
			errors.Is(err, windows.ERROR_INVALID_FUNCTION): // FAT has none
			return nil, nil
		case err != nil:
			return nil, err
		}
		var out []Stream
		for _, e := range entries(buf, 24) {
			// FILE_STREAM_INFO; names are ":name:$DATA", the unnamed one "::$DATA"
			name, isData := strings.CutSuffix(strings.TrimPrefix(utf16At(e, 4, 24), ":"), ":$DATA")
			if isData && name != "" {
				out = append(out, Stream{Name: name, Size: int64(binary.LittleEndian.Uint64(e[8:]))})
			}
		}
		return out, nil
	}
}

func (s system) openStream(native, stream string) (File, error) {
	f, err := openFile(native + ":" + stream)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func openFile(native string) (*os.File, error) {
	h, err := open(native, windows.GENERIC_READ, windows.FILE_FLAG_SEQUENTIAL_SCAN)
	if err != nil {
		return nil, err
	}
	var info windows.ByHandleFileInformation
	if err = windows.GetFileInformationByHandle(h, &info); err == nil {
		switch attr := Attr(info.FileAttributes); {
		case attr&Directory != 0:
			err = windows.ERROR_DIRECTORY_NOT_SUPPORTED
		case attr&ReparsePoint != 0:
			// A filter of this Windows may know how to give the content; a link it is not.
			var tag uint32
			if tag, err = reparseTag(h); err == nil && IsLinkTag(tag) {
				err = ErrReparse
			}
			windows.CloseHandle(h)
			if err != nil {
				return nil, err
			}
			return reopen(native)
		}
	}
	if err != nil {
		windows.CloseHandle(h)
		return nil, err
	}
	return os.NewFile(uintptr(h), native), nil
}

// reopen opens a file whose content a filter gives. What that would have to fetch
// from a cloud stays where it is.
func reopen(native string) (*os.File, error) {
	name, err := windows.UTF16PtrFromString(native)
	if err != nil {
		return nil, fs.ErrNotExist
	}
	h, err := windows.CreateFile(name, windows.GENERIC_READ, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE,
		nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS|windows.FILE_FLAG_SEQUENTIAL_SCAN|windows.FILE_FLAG_OPEN_NO_RECALL, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(h), native), nil
}

func readNames(native string) ([]string, error) {
	var names []string
	err := system{}.list(native, func(name string, _ Info, _ error) { names = append(names, name) })
	return names, err
}

// realFolder returns nil for a folder that does not lead elsewhere.
func realFolder(native string) error {
	info, err := system{}.stat(native)
	switch {
	case err != nil:
		return err
	case info.Attr&ReparsePoint != 0 && IsLinkTag(info.Reparse):
		return ErrReparse
	case !info.IsDir():
		return fs.ErrNotExist
	}
	return nil
}

func fileTime(ft windows.Filetime) time.Time {
	return ticksTime(uint64(ft.HighDateTime)<<32 | uint64(ft.LowDateTime))
}
