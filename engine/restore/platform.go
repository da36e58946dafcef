package restore

import (
	"fmt"
	"io/fs"

	"lifeboat/engine/migxml"
	"lifeboat/engine/volume"
	"lifeboat/engine/windows"
)

// sourcePlatform is what is still known of the source: its version and drives.
// Its files and keys are out of reach, so nothing exists there.
type sourcePlatform struct{ r *run }

func (p sourcePlatform) OSVersion() string                    { return osVersion(p.r.source) }
func (p sourcePlatform) Is64Bit() bool                        { return p.r.source.Arch.Is64Bit() }
func (p sourcePlatform) Drives() []migxml.Drive               { return drivesOf(p.r.source) }
func (sourcePlatform) Stat(string) (migxml.Entry, bool)       { return migxml.Entry{}, false }
func (sourcePlatform) ReadDir(string) []migxml.Entry          { return nil }
func (sourcePlatform) KeyExists(string) bool                  { return false }
func (sourcePlatform) Subkeys(string) []string                { return nil }
func (sourcePlatform) Values(string) []migxml.Value           { return nil }
func (sourcePlatform) Value(_, _ string) (migxml.Value, bool) { return migxml.Value{}, false }
func (sourcePlatform) Open(path string) (migxml.Content, error) {
	return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
}

// destinationPlatform is the Windows that is restored to.
type destinationPlatform struct{ r *run }

func (p destinationPlatform) OSVersion() string      { return osVersion(p.r.machine.Installation) }
func (p destinationPlatform) Is64Bit() bool          { return p.r.machine.Arch.Is64Bit() }
func (p destinationPlatform) Drives() []migxml.Drive { return drivesOf(p.r.machine.Installation) }

func (p destinationPlatform) Stat(path string) (migxml.Entry, bool) {
	v, at, ok := p.r.machine.Resolve(path)
	if !ok {
		return migxml.Entry{}, false
	}
	info, err := v.Stat(at)
	return entryOf(info), err == nil
}

func (p destinationPlatform) ReadDir(path string) []migxml.Entry {
	v, at, ok := p.r.machine.Resolve(path)
	if !ok {
		return nil
	}
	infos, _ := v.ReadDir(at) // what can be read counts
	entries := make([]migxml.Entry, len(infos))
	for i, info := range infos {
		entries[i] = entryOf(info)
	}
	return entries
}

func (p destinationPlatform) Open(path string) (migxml.Content, error) {
	v, at, ok := p.r.machine.Resolve(path)
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return v.Open(at)
}

func (p destinationPlatform) key(path string) *windows.Key {
	k, err := p.r.machine.Key(path)
	if err != nil {
		return nil
	}
	return k
}

func (p destinationPlatform) KeyExists(path string) bool { return p.key(path) != nil }

func (p destinationPlatform) Subkeys(path string) []string {
	k := p.key(path)
	if k == nil {
		return nil
	}
	var names []string
	for _, sub := range k.Subkeys() {
		names = append(names, sub.Name())
	}
	return names
}

func (p destinationPlatform) Values(path string) []migxml.Value {
	k := p.key(path)
	if k == nil {
		return nil
	}
	var values []migxml.Value
	for _, v := range k.Values() {
		values = append(values, migxml.Value{Name: v.Name, Type: uint32(v.Type), Data: v.Data})
	}
	return values
}

func (p destinationPlatform) Value(path, name string) (migxml.Value, bool) {
	k := p.key(path)
	if k == nil {
		return migxml.Value{}, false
	}
	v, ok := k.Value(name)
	return migxml.Value{Name: v.Name, Type: uint32(v.Type), Data: v.Data}, ok
}

func osVersion(inst *windows.Installation) string {
	return fmt.Sprintf("%s.%d.%s", inst.Product.Version, inst.Product.BuildNumber(), inst.Product.ServicePack)
}

func drivesOf(inst *windows.Installation) []migxml.Drive {
	var drives []migxml.Drive
	for _, d := range inst.Drives {
		if d.Mount == "" {
			drives = append(drives, migxml.Drive{Letter: d.Letter, Type: migxml.Fixed})
		}
	}
	return drives
}

func entryOf(i volume.Info) migxml.Entry {
	return migxml.Entry{
		Name: i.Name, Dir: i.IsDir(), Size: i.Size,
		Hidden: i.Attr&volume.Hidden != 0, System: i.Attr&volume.System != 0,
		Reparse: i.Reparse == volume.TagSymlink || i.Reparse == volume.TagMountPoint,
		Created: i.Created, Modified: i.Modified, Accessed: i.Accessed,
	}
}
