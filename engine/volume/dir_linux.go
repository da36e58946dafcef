package volume

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"lifeboat/engine/winname"
)

// The extended attributes with which ntfs-3g shows what NTFS knows; the kernel's
// ntfs3 driver has the first and the last of them.
const (
	xattrAttrib   = "system.ntfs_attrib"       // FILE_ATTRIBUTE_ bits, u32
	xattrTimes    = "system.ntfs_times"        // created, modified, accessed, changed: FILETIMEs
	xattrACL      = "system.ntfs_acl"          // self-relative security descriptor
	xattrReparse  = "system.ntfs_reparse_data" // REPARSE_DATA_BUFFER
	xattrShort    = "system.ntfs_dos_name"     // name for DOS
	xattrStreams  = "ntfs.streams.list"        // names parted by NUL, with streams_interface=windows
	xattrSecurity = "system.ntfs_security"     // as xattrACL, by ntfs3
)

// streamPrefix comes before a stream's name with streams_interface=xattr.
const streamPrefix = "user."

// Linux hands out no extended attribute above this size.
const maxXattr = 64 << 10

// errSpecial is for the pipes and devices that a Linux mount can show.
var errSpecial = errors.New("neither a file nor a folder")

// system is what the mounted file system tells beyond stat.
type system struct {
	attrib bool // xattrAttrib
	ntfs3g bool // xattrTimes, and so all the others that ntfs-3g has
}

func probe(root string) system {
	_, attribErr := getxattr(root, xattrAttrib)
	_, timesErr := getxattr(root, xattrTimes)
	return system{attrib: attribErr == nil, ntfs3g: timesErr == nil}
}

func nativeRoot(abs string) string { return abs }

func (s system) stat(native string) (Info, error) {
	var st unix.Statx_t
	const want = unix.STATX_BASIC_STATS | unix.STATX_BTIME
	if err := unix.Statx(unix.AT_FDCWD, native, unix.AT_SYMLINK_NOFOLLOW, want, &st); err != nil {
		return Info{}, err
	}
	info := Info{
		Name:     filepath.Base(native),
		Modified: statTime(st.Mtime),
		Accessed: statTime(st.Atime),
		FileID:   st.Ino,
	}
	if st.Mask&unix.STATX_BTIME != 0 {
		info.Created = statTime(st.Btime)
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		info.Size = int64(st.Size)
	case unix.S_IFDIR:
		info.Attr = Directory
	case unix.S_IFLNK:
		// A link on ntfs-3g and ntfs3 is their picture of some reparse point, and its
		// length the length of the picture.
		info.Attr = ReparsePoint
		info.Reparse = TagSymlink
	default:
		return Info{}, errSpecial
	}
	if s.attrib {
		if b, err := getxattr(native, xattrAttrib); err == nil && len(b) == 4 {
			info.Attr |= Attr(binary.NativeEndian.Uint32(b))
		}
	}
	if s.ntfs3g {
		if b, err := getxattr(native, xattrTimes); err == nil && len(b) >= 24 {
			info.Created = ticksTime(binary.NativeEndian.Uint64(b))
			info.Modified = ticksTime(binary.NativeEndian.Uint64(b[8:]))
			info.Accessed = ticksTime(binary.NativeEndian.Uint64(b[16:]))
		}
		if info.Attr&ReparsePoint != 0 {
			if b, err := getxattr(native, xattrReparse); err == nil && len(b) >= 4 {
				info.Reparse = binary.LittleEndian.Uint32(b)
			}
		}
	}
	return info, nil
}

// list calls each for every entry of a folder. An error is that of the folder;
// the entries read before it have been handed out.
func (s system) list(native string, each func(name string, info Info, err error)) error {
	names, err := readNames(native)
	for _, name := range names {
		info, err := s.stat(nativeJoin(native, name))
		each(name, info, err)
	}
	return err
}

func (s system) extras(native string, info Info) (Extras, error) {
	var extras Extras
	var problems problemList
	var err error
	if extras.Links, extras.Short, err = s.names(native, info); err != nil {
		problems.add(err)
	}
	if !s.attrib {
		return extras, problems.err()
	}
	get := func(name string) []byte {
		b, err := getxattr(native, name)
		if err != nil && !absent(err) {
			problems.add(fmt.Errorf("%s: %w", name, err))
		}
		return b
	}
	if !s.ntfs3g {
		// ntfs3 has the descriptor; its user attributes are EAs, not streams.
		extras.Security = get(xattrSecurity)
		return extras, problems.err()
	}
	extras.Security = get(xattrACL)
	if info.Attr&ReparsePoint != 0 {
		extras.Reparse = get(xattrReparse)
	}
	names, err := streamNames(native)
	problems.add(err)
	for _, name := range names {
		size, err := s.streamSize(native, name)
		if err != nil {
			problems.add(fmt.Errorf("stream %s: %w", name, err))
			continue
		}
		extras.Streams = append(extras.Streams, Stream{Name: name, Size: size})
	}
	return extras, problems.err()
}

// long finds the name of which Windows made a short one. What is a name itself is
// nobody's short one.
func (d *Dir) long(folder, name string) (string, bool) {
	if !d.sys.ntfs3g {
		return "", false
	}
	if _, itself := d.spelling(folder, name); itself {
		return "", false
	}
	return d.search(d.shorts, folder, name, func() (map[string]string, error) {
		names, err := readNames(folder)
		slices.Sort(names)
		shorts := map[string]string{}
		for _, n := range names {
			if fold := winname.Fold(d.sys.short(nativeJoin(folder, n))); fold != "" && shorts[fold] == "" {
				shorts[fold] = n
			}
		}
		return shorts, err
	})
}

// names counts the names of a file and finds the one for DOS. ntfs-3g counts that
// among the others, so that a file of two names may be one without a hard link; it
// is asked for, 25 µs, only there and for folders. Of a file with hard links it does
// not tell, and the count stays one too high.
func (s system) names(native string, info Info) (links uint32, short string, err error) {
	if !info.IsDir() {
		var st unix.Stat_t
		if err := unix.Lstat(native, &st); err != nil {
			return 0, "", err
		}
		links = uint32(st.Nlink)
	}
	if s.ntfs3g && (info.IsDir() || links == 2) {
		if short = s.short(native); short != "" && links == 2 {
			links = 1
		}
	}
	return links, short, nil
}

// short returns the name that an object has for DOS, "" if it has none.
func (s system) short(native string) string {
	b, err := getxattr(native, xattrShort)
	if name := string(b); err == nil && !winname.Equal(name, filepath.Base(native)) {
		return name
	}
	return ""
}

func streamNames(native string) ([]string, error) {
	if b, err := getxattr(native, xattrStreams); err == nil {
		return splitNames(b, ""), nil
	}
	b, err := readXattr(func(buf []byte) (int, error) { return unix.Llistxattr(native, buf) })
	if err != nil && !absent(err) {
		return nil, fmt.Errorf("list streams: %w", err)
	}
	return splitNames(b, streamPrefix), nil
}

// splitNames takes the names with the prefix out of a NUL-parted list.
func splitNames(list []byte, prefix string) []string {
	var names []string
	for _, b := range bytes.Split(list, []byte{0}) {
		if name, ok := strings.CutPrefix(string(b), prefix); ok && name != "" {
			names = append(names, name)
		}
	}
	return names
}

func (s system) streamSize(native, stream string) (int64, error) {
	n, err := unix.Lgetxattr(native, streamPrefix+stream, nil)
	if err == nil {
		return int64(n), nil
	}
	fi, errFile := os.Lstat(native + ":" + stream) // streams_interface=windows
	if errFile != nil {
		return 0, err
	}
	return fi.Size(), nil
}

func (s system) openStream(native, stream string) (File, error) {
	if !s.ntfs3g {
		return nil, fs.ErrNotExist
	}
	b, err := getxattr(native, streamPrefix+stream)
	if err == nil {
		return memoryFile{bytes.NewReader(b)}, nil
	}
	if f, err := openFile(native + ":" + stream); err == nil {
		return f, nil
	}
	if absent(err) {
		err = fs.ErrNotExist
	}
	return nil, err
}

// memoryFile is a stream that came as an extended attribute.
type memoryFile struct{ *bytes.Reader }

func (memoryFile) Close() error { return nil }

func openFile(native string) (*os.File, error) {
	// Without O_NONBLOCK a pipe would wait for its other end.
	f, err := openUntouched(native, unix.O_NOFOLLOW|unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = errSpecial
		if fi.IsDir() {
			err = unix.EISDIR
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	// Only a hint for read-ahead; not every file system takes it.
	_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_SEQUENTIAL)
	return f, nil
}

// openUntouched opens for reading and leaves the access time alone where the
// system lets it: O_NOATIME is for the owner and root only.
func openUntouched(native string, flags int) (*os.File, error) {
	f, err := os.OpenFile(native, os.O_RDONLY|unix.O_NOATIME|flags, 0)
	if errors.Is(err, unix.EPERM) {
		f, err = os.OpenFile(native, os.O_RDONLY|flags, 0)
	}
	if errors.Is(err, unix.ELOOP) {
		err = ErrReparse
	}
	return f, err
}

// readNames lists a folder. With an error it returns what it read before.
func readNames(native string) ([]string, error) {
	f, err := openFolder(native)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

func openFolder(native string) (*os.File, error) {
	f, err := openUntouched(native, unix.O_NOFOLLOW|unix.O_DIRECTORY)
	if err != nil {
		if fi, statErr := os.Lstat(native); statErr == nil && fi.Mode()&fs.ModeSymlink != 0 {
			err = ErrReparse
		}
		return nil, err
	}
	return f, nil
}

// realFolder returns nil for a folder that is not a link.
func realFolder(native string) error {
	fi, err := os.Lstat(native)
	switch {
	case err != nil:
		return err
	case fi.Mode()&fs.ModeSymlink != 0:
		return ErrReparse
	case !fi.IsDir():
		return fs.ErrNotExist // as Windows answers for a path through a file
	}
	return nil
}

func getxattr(native, name string) ([]byte, error) {
	return readXattr(func(buf []byte) (int, error) { return unix.Lgetxattr(native, name, buf) })
}

func readXattr(get func(buf []byte) (int, error)) ([]byte, error) {
	var small [512]byte
	n, err := get(small[:])
	if err == nil {
		return bytes.Clone(small[:n]), nil
	}
	if !errors.Is(err, unix.ERANGE) {
		return nil, err
	}
	buf := make([]byte, maxXattr)
	if n, err = get(buf); err != nil {
		return nil, err
	}
	return bytes.Clone(buf[:n]), nil
}

// absent reports that an extended attribute is not there, or cannot be there.
func absent(err error) bool {
	return errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EPERM)
}

func statTime(t unix.StatxTimestamp) time.Time {
	return time.Unix(t.Sec, int64(t.Nsec)).UTC()
}
