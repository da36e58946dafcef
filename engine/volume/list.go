package volume

import (
	"io"

	"lifeboat/engine/ntfs"
)

// Lister is a Volume that can list a folder in parts: one of a million files need
// not be in memory as a whole.
type Lister interface {
	// List begins to list a folder. With an error there is nothing to close.
	List(path string) (Listing, error)
}

// List begins to list a folder of any volume; one that is no [Lister] lists it at once.
func List(v Volume, path string) (Listing, error) {
	if lister, ok := v.(Lister); ok {
		return lister.List(path)
	}
	entries, err := v.ReadDir(path)
	return &wholeListing{entries, err}, nil
}

// wholeListing is a folder that was listed at once.
type wholeListing struct {
	entries []Info
	err     error
}

func (l *wholeListing) Next() ([]Info, error) { return l.entries, io.EOF }
func (l *wholeListing) Close() error          { return l.err }

// Listing is a folder that is being listed.
type Listing interface {
	// Next returns entries that were not returned before, in name order, and io.EOF
	// with or after the last of them. What cannot be read is kept for Close.
	Next() ([]Info, error)
	// Close returns what could not be read.
	Close() error
}

// listPart is how many entries a Listing returns at once. A folder with fewer is in
// name order as a whole.
const listPart = 1 << 13

// ntfsListing lists from the file table, which is in memory.
type ntfsListing struct {
	volume   *NTFS
	path     string
	record   uint32
	at       int
	problems problemList
}

// List implements Lister.
func (n *NTFS) List(path string) (Listing, error) {
	l := &ntfsListing{volume: n, path: path}
	err := n.at("read folder", path, func(e ntfs.Entry) error {
		l.record = e.Record
		return listable(e, path)
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (l *ntfsListing) Next() ([]Info, error) {
	entries, next, err := l.volume.fs.ReadDirFrom(l.record, l.at, listPart)
	if err != nil {
		l.problems.add(pathError("read folder", l.path, err))
		return nil, io.EOF
	}
	l.at = next
	infos := l.volume.infos(l.path, entries, &l.problems)
	if len(entries) < listPart {
		return infos, io.EOF
	}
	return infos, nil
}

func (l *ntfsListing) Close() error { return l.problems.err() }
