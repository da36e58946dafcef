package ntfs

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"time"

	"lifeboat/engine/winname"
)

// Entry describes one name in a folder and the file it stands for.
type Entry struct {
	Name       string // WTF-8, as on the disk; the first of the file where none was asked for
	Record     uint32
	Folder     uint32 // record of the folder that has the name, 0 where there is none
	Size       int64  // bytes of the unnamed stream, 0 for folders
	Attributes uint32 // FILE_ATTRIBUTE_ bits
	Created    time.Time
	Modified   time.Time
	Accessed   time.Time
	Reparse    uint32 // tag, 0 if none
	Links      uint32 // names of the file, those for DOS not counted
	Cluster    int64  // where the data begins on the volume
	Torn       bool   // its record is damaged: what it tells may be incomplete
}

// FILE_ATTRIBUTE_ bits that the package itself looks at.
const (
	attributeDirectory = 0x10
	attributeNormal    = 0x80
	attributeReparse   = 0x400
	attributeEncrypted = 0x4000

	// Above are flags that only the disk knows.
	attributeMask = 0x00FFFFFF
)

// IsFolder reports whether the entry is a folder; a junction is one too.
func (e Entry) IsFolder() bool { return e.Attributes&attributeDirectory != 0 }

var (
	errNotThere  = fmt.Errorf("no such file: %w", fs.ErrNotExist)
	errNotFolder = errors.New("not a folder")
	errNegative  = errors.New("negative offset")
)

// Stat describes the file in a record.
func (f *FS) Stat(record uint32) (Entry, error) {
	e := f.index.entry(record)
	if e == nil {
		return Entry{}, fmt.Errorf("file record %d: %w", record, errNotThere)
	}
	if e.firstLink == 0 {
		return f.describeEntry(record, e), nil
	}
	return f.describeLink(&f.index.links[e.firstLink-1]), nil
}

func (f *FS) describeLink(l *link) Entry {
	out := f.describeEntry(l.record, f.index.entry(l.record))
	out.Name, out.Folder = string(f.index.name(l)), l.parent
	return out
}

func (f *FS) describeEntry(record uint32, e *entry) Entry {
	out := Entry{
		Record:     record,
		Size:       e.size,
		Attributes: e.attributes & attributeMask &^ attributeDirectory &^ attributeNormal,
		Created:    fileTime(e.created),
		Modified:   fileTime(e.modified),
		Accessed:   fileTime(e.accessed),
		Reparse:    e.reparse,
		Links:      uint32(e.linkCount),
		Cluster:    int64(e.cluster),
		Torn:       e.state&torn != 0,
	}
	if e.state&folder != 0 {
		out.Attributes |= attributeDirectory
	}
	if out.Reparse != 0 {
		out.Attributes |= attributeReparse
	}
	if out.Attributes == 0 {
		out.Attributes = attributeNormal // as Windows shows it
	}
	if out.Cluster == 0 {
		// What lies in the record is read with it.
		if at := f.mft.physical(int64(record) * int64(f.boot.record)); at > 0 {
			out.Cluster = at >> f.boot.clusterShift
		}
	}
	return out
}

// ReadDir lists a folder in the order of the names, ignoring case. The file
// system's own files in the root are left out.
func (f *FS) ReadDir(record uint32) ([]Entry, error) {
	entries, _, err := f.ReadDirFrom(record, 0, math.MaxInt)
	return entries, err
}

// ReadDirFrom is ReadDir for up to so many entries: those from at on, which is 0 or
// the next that another call returned. Fewer than most are the last.
func (f *FS) ReadDirFrom(record uint32, at, most int) (entries []Entry, next int, err error) {
	if err := f.checkFolder(record); err != nil {
		return nil, at, err
	}
	from, to := f.index.children(record)
	entries = make([]Entry, 0, max(min(to-from-at, most), 0))
	for i := from + max(at, 0); i < to && len(entries) < most; i++ {
		l := &f.index.links[i]
		if l.record >= FirstUser {
			entries = append(entries, f.describeLink(l))
		}
		at = i + 1 - from
	}
	return entries, at, nil
}

func (f *FS) checkFolder(record uint32) error {
	switch e := f.index.entry(record); {
	case e == nil:
		return fmt.Errorf("file record %d: %w", record, errNotThere)
	case e.state&folder == 0:
		return fmt.Errorf("file record %d: %w", record, errNotFolder)
	}
	return nil
}

// Child finds a name in a folder, ignoring case; of two that differ only in case
// the one that is spelled like name, or else the first. What is no name there may
// be a short one that Windows made for DOS; the entry has the long one.
func (f *FS) Child(folder uint32, name string) (Entry, error) {
	if err := f.checkFolder(folder); err != nil {
		return Entry{}, err
	}
	l, ok := f.index.find(folder, name)
	if !ok && winname.IsShort(name) {
		l, ok = f.findDOS(folder, name)
	}
	if !ok {
		return Entry{}, errNotThere
	}
	return f.describeLink(l), nil
}

// Lookup finds a path of backslashes, `\` for the root, ignoring case. Reparse
// points on the way are taken for the folders they are on the disk.
func (f *FS) Lookup(path string) (Entry, error) {
	rest, ok := strings.CutPrefix(path, `\`)
	if !ok {
		return Entry{}, fmt.Errorf("%s: %w", path, errNotThere)
	}
	e, err := f.Stat(Root)
	e.Name = ""
	for len(rest) > 0 && err == nil {
		name, after, more := strings.Cut(rest, `\`)
		if e, err = f.Child(e.Record, name); errors.Is(err, errNotFolder) {
			err = errNotThere // as Windows answers for a path through a file
		}
		rest = after
		if more && rest == "" {
			err = errNotThere
		}
	}
	if err != nil {
		return Entry{}, fmt.Errorf("%s: %w", path, err)
	}
	return e, nil
}

// Name is one name of a file.
type Name struct {
	Folder uint32
	Name   string
}

// Names returns the names of a file: more than one if it has hard links.
func (f *FS) Names(record uint32) []Name {
	e := f.index.entry(record)
	if e == nil {
		return nil
	}
	var out []Name
	for n := e.firstLink; n != 0; {
		l := &f.index.links[n-1]
		out = append(out, Name{l.parent, string(f.index.name(l))})
		n = l.next
	}
	return out
}

// maxDepth is more than a path of 32,767 characters can have.
const maxDepth = 1 << 14

// Path returns a path to a file: that of its first name. It is false if the
// file has none from the root.
func (f *FS) Path(record uint32) (string, bool) {
	var parts []string
	for n := 0; record != Root; n++ {
		e := f.index.entry(record)
		if n == maxDepth || e == nil || e.firstLink == 0 {
			return "", false
		}
		l := &f.index.links[e.firstLink-1]
		parts = append(parts, string(f.index.name(l)))
		record = l.parent
	}
	var b strings.Builder
	for i := len(parts) - 1; i >= 0; i-- {
		b.WriteByte('\\')
		b.WriteString(parts[i])
	}
	if len(parts) == 0 {
		b.WriteByte('\\')
	}
	return b.String(), true
}

// fileTime converts 100 ns since 1601; 0 is no time.
func fileTime(ticks uint64) time.Time {
	if ticks == 0 || ticks > 1<<63-1 {
		return time.Time{}
	}
	const to1970 = 11644473600
	return time.Unix(int64(ticks/1e7)-to1970, int64(ticks%1e7)*100).UTC()
}
