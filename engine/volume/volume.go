// Package volume shows a Windows volume to everyone above: folders and files
// with the case-insensitive names, attributes, streams, security descriptors
// and reparse points that Windows gave them, whatever this computer runs.
//
// A path is volume-relative, its segments parted by backslashes: `\` is the
// root, `\Users\anna\a.txt` a file. Names are WTF-8 (see winname). A lookup
// ignores case, and takes for a name that is not there the short one that Windows
// made of another for DOS, `\Users\ANNAKE~1`; what ReadDir returns is spelled as on
// the disk.
//
// A Volume never writes. It may be used from several goroutines. Which drive
// letter it had, and what a Windows on it looks like, is the business of
// package windows.
package volume

import (
	"io"
	"time"
)

// Volume is a read-only view of one NTFS or FAT volume. Errors wrap
// fs.ErrNotExist, fs.ErrPermission or the system's I/O error.
type Volume interface {
	// Stat describes one file or folder without following a reparse point. What was
	// asked for by its short name has the long one.
	Stat(path string) (Info, error)
	// ReadDir lists a folder in name order. With an error it still returns
	// the entries it could read.
	ReadDir(path string) ([]Info, error)
	// Open opens the unnamed stream of a file.
	Open(path string) (File, error)
	// Extras reads what a copy of the plain bytes would lose. Parts that cannot
	// be read are left out and reported in the error; what could be read is
	// returned with it.
	Extras(path string, info Info) (Extras, error)
	// OpenStream opens an alternate data stream by its name (without colon).
	OpenStream(path, stream string) (File, error)
	Close() error
}

// File is an open stream.
type File interface {
	io.Reader
	io.ReaderAt
	io.Closer
}

// Info describes a file or folder.
type Info struct {
	Name     string
	Size     int64 // bytes of the unnamed stream, 0 for folders
	Attr     Attr
	Created  time.Time // zero where the system does not tell
	Modified time.Time
	Accessed time.Time
	Reparse  uint32 // reparse tag, 0 if none
	FileID   uint64 // the same for all hard links of a file, 0 if unknown
	Cluster  int64  // where its data begins on the disk, for reading in order; 0 if unknown
}

// Extras is the part of a file or folder that its plain bytes do not hold.
type Extras struct {
	Security []byte   // self-relative security descriptor, nil if unknown
	Streams  []Stream // alternate data streams
	Reparse  []byte   // REPARSE_DATA_BUFFER, tag and length included
	Short    string   // its name for DOS, if that is another one
	Links    uint32   // names of a file, the only one's that for DOS not counted; 0 if unknown
}

// Stream names an alternate data stream.
type Stream struct {
	Name string
	Size int64
}

// Attr is a set of FILE_ATTRIBUTE_ bits as Windows defines them.
type Attr uint32

// The attributes that a migration looks at.
const (
	ReadOnly           Attr = 0x1
	Hidden             Attr = 0x2
	System             Attr = 0x4
	Directory          Attr = 0x10
	Archive            Attr = 0x20
	Temporary          Attr = 0x100
	Sparse             Attr = 0x200
	ReparsePoint       Attr = 0x400
	Compressed         Attr = 0x800
	Offline            Attr = 0x1000
	Encrypted          Attr = 0x4000
	RecallOnOpen       Attr = 0x40000
	RecallOnDataAccess Attr = 0x400000
)

// IsDir reports whether the entry is a folder (a junction is one too).
func (i Info) IsDir() bool { return i.Attr&Directory != 0 }

// IsLink reports a junction, a symbolic link or another reparse point that stands
// for an object elsewhere: it has no content of its own.
func (i Info) IsLink() bool { return IsLinkTag(i.Reparse) }

// IsLinkTag is Windows' IsReparseTagNameSurrogate. Any other tag leaves a folder a
// folder, to be walked: those that OneDrive keeps have one.
func IsLinkTag(tag uint32) bool { return tag&0x20000000 != 0 }

// Reparse tags that change what a migration does (spec/ntfs.md).
const (
	TagMountPoint uint32 = 0xA0000003 // junction or volume mount point
	TagSymlink    uint32 = 0xA000000C
	TagWOF        uint32 = 0x80000017 // CompactOS: the data is there, compressed
)

// IsCloudTag reports whether tag is one of the cloud files filter's,
// 0x9000x01A: the content may not be on this disk.
func IsCloudTag(tag uint32) bool { return tag&0xFFFF0FFF == 0x9000001A }

// CloudOnly reports whether the content of the file is not on this disk and
// cannot be had offline. The bit of RecallOnOpen says so of a reparse point only:
// of other files it tells on the disk that they have extended attributes, as those
// have that were made in a Linux on Windows.
func (i Info) CloudOnly() bool {
	return i.Attr&RecallOnDataAccess != 0 || i.Attr&RecallOnOpen != 0 && i.Reparse != 0 || i.Attr&Offline != 0 && IsCloudTag(i.Reparse)
}
