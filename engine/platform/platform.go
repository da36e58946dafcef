// Package platform shows an offline Windows to the rules: it is what a
// windows.Machine looks like as a migxml.Platform, for saving and for putting
// back alike.
package platform

import (
	"context"
	"fmt"
	"io/fs"

	"lifeboat/engine/migxml"
	"lifeboat/engine/volume"
	"lifeboat/engine/windows"
)

// Of shows a machine with its files and its registry. When ctx ends it answers
// that there is nothing, so that an evaluation does not outlast a cancel.
func Of(ctx context.Context, m *windows.Machine) migxml.Platform {
	return machine{described{m.Installation}, ctx, m}
}

// Described shows an installation of which nothing but its description is at
// hand: it has a version and drives, and on them there is nothing.
func Described(inst *windows.Installation) migxml.Platform { return described{inst} }

type described struct{ inst *windows.Installation }

type machine struct {
	described
	ctx context.Context
	m   *windows.Machine
}

func (p described) OSVersion() string {
	product := p.inst.Product
	return fmt.Sprintf("%s.%d.%s", product.Version, product.BuildNumber(), product.ServicePack)
}

func (p described) Is64Bit() bool { return p.inst.Arch.Is64Bit() }

// Drives calls all of them fixed: a letter that was found belongs to a disk of
// the PC, not to the stick in this computer.
func (p described) Drives() []migxml.Drive {
	var drives []migxml.Drive
	for _, d := range p.inst.Drives {
		if d.Mount != "" {
			continue // part of another
		}
		drives = append(drives, migxml.Drive{Letter: d.Letter, Type: migxml.Fixed})
	}
	return drives
}

func (described) Stat(string) (migxml.Entry, bool)       { return migxml.Entry{}, false }
func (described) ReadDir(string) []migxml.Entry          { return nil }
func (described) KeyExists(string) bool                  { return false }
func (described) Subkeys(string) []string                { return nil }
func (described) Values(string) []migxml.Value           { return nil }
func (described) Value(_, _ string) (migxml.Value, bool) { return migxml.Value{}, false }
func (described) Open(path string) (migxml.Content, error) {
	return nil, notThere(path)
}

func notThere(path string) error {
	return &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
}

// resolve finds the volume of a path, unless ctx is over.
func (p machine) resolve(path string) (volume.Volume, string, bool) {
	if p.ctx.Err() != nil {
		return nil, "", false
	}
	return p.m.Resolve(path)
}

func (p machine) Stat(path string) (migxml.Entry, bool) {
	v, at, ok := p.resolve(path)
	if !ok {
		return migxml.Entry{}, false
	}
	info, err := v.Stat(at)
	return entry(info), err == nil
}

func (p machine) ReadDir(path string) []migxml.Entry {
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

func (p machine) Open(path string) (migxml.Content, error) {
	v, at, ok := p.resolve(path)
	if !ok {
		return nil, notThere(path)
	}
	return v.Open(at)
}

func (p machine) KeyExists(key string) bool { return p.key(key) != nil }

func (p machine) Subkeys(key string) []string {
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

func (p machine) Values(key string) []migxml.Value {
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

func (p machine) Value(key, name string) (migxml.Value, bool) {
	k := p.key(key)
	if k == nil {
		return migxml.Value{}, false
	}
	v, ok := k.Value(name)
	return migxml.Value{Name: v.Name, Type: uint32(v.Type), Data: v.Data}, ok
}

// key finds a key; a hive that cannot be read has none (the walk reports it).
func (p machine) key(path string) *windows.Key {
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
		Hidden: i.Attr&volume.Hidden != 0, System: i.Attr&volume.System != 0, Reparse: i.IsLink(),
		Created: i.Created, Modified: i.Modified, Accessed: i.Accessed,
	}
}
