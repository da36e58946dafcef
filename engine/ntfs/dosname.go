package ntfs

import (
	"sync"

	"lifeboat/engine/winname"
)

// dosNames are the short names of folders that were asked for. The index holds
// none: they would make it a third larger, and hardly anybody asks.
type dosNames struct {
	mu      sync.Mutex
	folders map[uint32]map[string]uint32 // folder → folded name for DOS → number of the link
}

// maxDOSFolders bounds the memory; a path leads through few folders.
const maxDOSFolders = 16

// DOSName returns the short name that Windows made for DOS of a name, "" if it has
// none. Where a part of the file's record is damaged it may be there all the same.
func (f *FS) DOSName(e Entry) (string, error) {
	attrs, err := f.gather(e.Record)
	return dosName(attrs, e.Folder, e.Name), err
}

// dosName finds the name for DOS that goes with a name: a file has at most one
// pair of them, and hard links beside it have no short name.
func dosName(attrs []attribute, folder uint32, name string) string {
	var pair, short *fileName
	for _, a := range attrs {
		n, ok := parseFileName(a)
		switch {
		case !ok:
		case n.space == nameSpaceDOS:
			short = &n
		case n.space == nameSpaceWin32 && nameOf(n.raw) == name:
			pair = &n
		}
	}
	if pair == nil || short == nil || pair.parent != short.parent {
		return ""
	}
	if parent, ok := pair.parent.number(); !ok || parent != folder {
		return ""
	}
	return nameOf(short.raw)
}

// findDOS looks for a short name in a folder. What cannot be read has none.
func (f *FS) findDOS(folder uint32, name string) (*link, bool) {
	f.dos.mu.Lock()
	defer f.dos.mu.Unlock()
	names, ok := f.dos.folders[folder]
	if !ok {
		names = map[string]uint32{}
		from, to := f.index.children(folder)
		for i := from; i < to; i++ {
			l := &f.index.links[i]
			if l.record < FirstUser {
				continue
			}
			attrs, _ := f.gather(l.record)
			if short := winname.Fold(dosName(attrs, folder, string(f.index.name(l)))); short != "" {
				if _, taken := names[short]; !taken {
					names[short] = uint32(i)
				}
			}
		}
		if f.dos.folders == nil || len(f.dos.folders) >= maxDOSFolders {
			f.dos.folders = map[uint32]map[string]uint32{}
		}
		f.dos.folders[folder] = names
	}
	i, ok := names[winname.Fold(name)]
	if !ok {
		return nil, false
	}
	return &f.index.links[i], true
}
