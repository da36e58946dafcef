package capture

import (
	"context"
	"fmt"
	"io/fs"

	"lifeboat/engine/migxml"
	"lifeboat/engine/volume"
	"lifeboat/engine/windows"
	"lifeboat/engine/winname"
)

// platform shows the machine to the rules. When ctx ends it answers that there
// is nothing, so that an evaluation does not outlast a cancel.
type platform struct {
	ctx context.Context
	m   *windows.Machine
}

func (p platform) OSVersion() string {
	product := p.m.Product
	return fmt.Sprintf("%s.%d.%s", product.Version, product.BuildNumber(), product.ServicePack)
}

func (p platform) Is64Bit() bool {
	switch p.m.Arch {
	case windows.X64, windows.ARM64, windows.IA64:
		return true
	}
	return false
}

// Drives calls all of them fixed: a letter that was found belongs to a disk of
// the PC, not to the stick in this computer.
func (p platform) Drives() []migxml.Drive {
	var drives []migxml.Drive
	for _, d := range p.m.Drives {
		if d.Mount != "" {
			continue // part of another
		}
		drives = append(drives, migxml.Drive{Letter: d.Letter, Type: migxml.Fixed})
	}
	return drives
}

// resolve finds the volume of a path, unless ctx is over.
func (p platform) resolve(path string) (volume.Volume, string, bool) {
	if p.ctx.Err() != nil {
		return nil, "", false
	}
	return p.m.Resolve(path)
}

func (p platform) Stat(path string) (migxml.Entry, bool) {
	v, at, ok := p.resolve(path)
	if !ok {
		return migxml.Entry{}, false
	}
	info, err := v.Stat(at)
	return entry(info), err == nil
}

func (p platform) ReadDir(path string) []migxml.Entry {
	v, at, ok := p.resolve(path)
	if !ok {
		return nil
	}
	infos, _ := v.ReadDir(at) // what can be read counts; the walk reports the rest
	entries := make([]migxml.Entry, len(infos))
	for i, info := range infos {
		entries[i] = entry(info)
	}
	return entries
}

func (p platform) Open(path string) (migxml.Content, error) {
	v, at, ok := p.resolve(path)
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return v.Open(at)
}

func (p platform) KeyExists(key string) bool { return p.key(key) != nil }

func (p platform) Subkeys(key string) []string {
	k := p.key(key)
	if k == nil {
		return nil
	}
	var names []string
	for _, sub := range k.Subkeys() {
		names = append(names, sub.Name())
	}
	return names
}

func (p platform) Values(key string) []migxml.Value {
	k := p.key(key)
	if k == nil {
		return nil
	}
	var values []migxml.Value
	for _, v := range k.Values() {
		values = append(values, migxml.Value{Name: v.Name, Type: uint32(v.Type), Data: v.Data})
	}
	return values
}

func (p platform) Value(key, name string) (migxml.Value, bool) {
	k := p.key(key)
	if k == nil {
		return migxml.Value{}, false
	}
	v, ok := k.Value(name)
	return migxml.Value{Name: v.Name, Type: uint32(v.Type), Data: v.Data}, ok
}

// key finds a key; a hive that cannot be read has none (the walk reports it).
func (p platform) key(path string) *windows.Key {
	if p.ctx.Err() != nil {
		return nil
	}
	k, err := p.m.Key(path)
	if err != nil {
		return nil
	}
	return k
}

func entry(i volume.Info) migxml.Entry {
	return migxml.Entry{
		Name: i.Name, Dir: i.IsDir(), Size: i.Size,
		Hidden: i.Attr&volume.Hidden != 0, System: i.Attr&volume.System != 0, Reparse: isLink(i),
		Created: i.Created, Modified: i.Modified, Accessed: i.Accessed,
	}
}

// fullName is DOMAIN\user where both are known.
func fullName(u windows.User) string {
	if u.Domain == "" {
		return u.Name
	}
	return winname.Join(u.Domain, u.Name)
}
