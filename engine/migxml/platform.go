package migxml

import (
	"io"
	"time"
)

// Context is one instance in which rules are evaluated: the system, or one user.
type Context struct {
	ID     string            // "System", or the user's SID
	Name   string            // for people, and for context="DOMAIN\user": DOMAIN\user where known
	System bool              // the System instance; exactly one context should be
	Vars   map[string]string // recognised variables (spec 8), keys in upper case, values as on the offline system
}

// Platform is the Windows that conditions, variables, content functions and
// generators look at. It is asked while Compile runs, never during a walk.
//
// File paths are absolute paths as that Windows saw them (`C:\Users\anna`),
// without a trailing backslash except for a root (`C:\`). Key paths are `HKLM`
// or `HKU` and what is below them, the users by SID; HKCU and HKCR never occur,
// HKLM\SYSTEM\CurrentControlSet and Software\Classes of a user must work. Both come in any case
// and must be looked up ignoring case. No lookup follows a reparse point at the
// end of its path. A file path may hold the short names that Windows made for DOS;
// an Entry has the long one. What is absent or cannot be read is simply absent; an
// implementation that wants to end a long evaluation answers so to everything.
type Platform interface {
	// OSVersion is major.minor.build.CSD, CSD being empty without a service
	// pack: "10.0.19045.", "6.1.7601.Service Pack 1".
	OSVersion() string
	// Is64Bit tells whether the Windows is a 64-bit one.
	Is64Bit() bool
	// Drives lists the drives that Windows had, by letter.
	Drives() []Drive

	// Stat describes a file or folder; false if there is none.
	Stat(path string) (Entry, bool)
	// ReadDir lists a folder, without "." and "..", in a stable order.
	ReadDir(path string) []Entry
	// Open opens the content of a file.
	Open(path string) (Content, error)

	// KeyExists tells whether a registry key exists.
	KeyExists(key string) bool
	// Subkeys returns the names of a key's subkeys in a stable order.
	Subkeys(key string) []string
	// Values returns a key's values in a stable order; the default value has
	// the name "".
	Values(key string) []Value
	// Value returns one value; the default value has the name "".
	Value(key, name string) (Value, bool)
}

// DriveType is a type as GenerateDrivePatterns names it.
type DriveType string

// The drive types.
const (
	Fixed     DriveType = "Fixed"
	CDROM     DriveType = "CDROM"
	Removable DriveType = "Removable"
	Remote    DriveType = "Remote"
)

// Drive is a drive letter of the offline Windows.
type Drive struct {
	Letter string // "C:"
	Type   DriveType
}

// Entry is a file or folder as Platform shows it.
type Entry struct {
	Name                        string
	Dir                         bool
	Hidden, System              bool
	Reparse                     bool // a link: junction, mount point or symlink; placeholders and compressed files are none
	Size                        int64
	Created, Modified, Accessed time.Time
}

// Content is the data of an open file.
type Content interface {
	io.ReaderAt
	io.Closer
}

// Registry value types, as Windows numbers them (spec/registry.md).
const (
	RegNone     uint32 = 0
	RegSz       uint32 = 1
	RegExpandSz uint32 = 2
	RegBinary   uint32 = 3
	RegDword    uint32 = 4
	RegDwordBE  uint32 = 5
	RegMultiSz  uint32 = 7
	RegQword    uint32 = 11
)

// Value is a registry value with its data as stored: strings in UTF-16LE.
type Value struct {
	Name string
	Type uint32
	Data []byte
}

// Object is what filters may ask about a leaf: the first four fields of a
// file, Value of a registry value.
type Object struct {
	Size                        int64
	Created, Modified, Accessed time.Time
	Value                       Value
}
