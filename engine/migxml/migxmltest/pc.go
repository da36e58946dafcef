// Package migxmltest provides a Windows that exists only in memory, for testing
// rule files: a list of paths and registry values that is a migxml.Platform, and
// a walk over it that tells what a Program takes.
package migxmltest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"lifeboat/engine/migxml"
	"lifeboat/engine/winname"
)

// PC is a Windows in memory. The zero value is a 64-bit Windows 10 without
// drives.
type PC struct {
	Version string // default "10.0.19045."
	Bits    int    // default 64
	Letters []migxml.Drive

	files map[string]*node // by folded path
	keys  map[string]*node // by folded path
}

type node struct {
	path  string
	entry migxml.Entry
	data  []byte
	kids  []string // names of folders, files or subkeys
	vals  []migxml.Value
}

// New returns a PC with one fixed drive, C:.
func New() *PC {
	pc := &PC{files: map[string]*node{}, keys: map[string]*node{}}
	pc.Drive("C:", migxml.Fixed)
	return pc
}

// Drive adds a drive.
func (pc *PC) Drive(letter string, t migxml.DriveType) {
	pc.Letters = append(pc.Letters, migxml.Drive{Letter: letter, Type: t})
	pc.dir(letter)
}

func (pc *PC) dir(path string) *node {
	path = strings.TrimRight(path, `\`)
	n := pc.files[winname.Fold(path)]
	if n == nil {
		parent, name := winname.Split(path)
		n = &node{path: path, entry: migxml.Entry{Name: name, Dir: true}}
		pc.files[winname.Fold(path)] = n
		if parent != "" {
			p := pc.dir(parent)
			p.kids = append(p.kids, name)
		}
	}
	return n
}

// Dir adds folders.
func (pc *PC) Dir(paths ...string) {
	for _, p := range paths {
		pc.dir(p)
	}
}

// File adds files with their own path as content.
func (pc *PC) File(paths ...string) {
	for _, p := range paths {
		pc.Data(p, []byte(p))
	}
}

// Data adds a file with a content.
func (pc *PC) Data(path string, data []byte) {
	dir, name := winname.Split(path)
	if old := pc.files[winname.Fold(path)]; old != nil {
		old.data, old.entry.Size = data, int64(len(data))
		return
	}
	d := pc.dir(dir)
	d.kids = append(d.kids, name)
	pc.files[winname.Fold(path)] = &node{path: path, data: data, entry: migxml.Entry{Name: name, Size: int64(len(data))}}
}

// Mark changes what Stat tells about a path that was added.
func (pc *PC) Mark(path string, change func(*migxml.Entry)) {
	change(&pc.files[winname.Fold(strings.TrimRight(path, `\`))].entry)
}

// Key adds registry keys.
func (pc *PC) Key(paths ...string) {
	for _, p := range paths {
		pc.key(p)
	}
}

func (pc *PC) key(path string) *node {
	n := pc.keys[winname.Fold(path)]
	if n == nil {
		parent, name := winname.Split(path)
		n = &node{path: path}
		pc.keys[winname.Fold(path)] = n
		if parent != "" {
			p := pc.key(parent)
			p.kids = append(p.kids, name)
		}
	}
	return n
}

// SetValue adds a registry value: a string becomes a REG_SZ, a []string a
// REG_MULTI_SZ, an int a REG_DWORD, a []byte a REG_BINARY, and a migxml.Value is
// taken as it is.
func (pc *PC) SetValue(key, name string, data any) {
	v := migxml.Value{Name: name}
	switch d := data.(type) {
	case string:
		v.Type, v.Data = migxml.RegSz, UTF16(d+"\x00")
	case []string:
		v.Type, v.Data = migxml.RegMultiSz, UTF16(strings.Join(append(d, "", ""), "\x00"))
	case int:
		v.Type, v.Data = migxml.RegDword, binary.LittleEndian.AppendUint32(nil, uint32(d))
	case []byte:
		v.Type, v.Data = migxml.RegBinary, d
	case migxml.Value:
		v = d
		v.Name = name
	default:
		panic(fmt.Sprintf("migxmltest: value of type %T", data))
	}
	k := pc.key(key)
	k.vals = append(k.vals, v)
}

// UTF16 encodes text as the registry stores it.
func UTF16(s string) []byte {
	var data []byte
	for _, u := range winname.ToUTF16(s) {
		data = binary.LittleEndian.AppendUint16(data, u)
	}
	return data
}

// OSVersion implements migxml.Platform.
func (pc *PC) OSVersion() string {
	if pc.Version == "" {
		return "10.0.19045."
	}
	return pc.Version
}

// Is64Bit implements migxml.Platform.
func (pc *PC) Is64Bit() bool { return pc.Bits != 32 }

// Drives implements migxml.Platform.
func (pc *PC) Drives() []migxml.Drive { return pc.Letters }

func (pc *PC) find(path string) *node { return pc.files[winname.Fold(strings.TrimRight(path, `\`))] }

// Stat implements migxml.Platform.
func (pc *PC) Stat(path string) (migxml.Entry, bool) {
	if n := pc.find(path); n != nil {
		return n.entry, true
	}
	return migxml.Entry{}, false
}

// ReadDir implements migxml.Platform.
func (pc *PC) ReadDir(path string) []migxml.Entry {
	n := pc.find(path)
	if n == nil {
		return nil
	}
	var list []migxml.Entry
	for _, name := range n.kids {
		list = append(list, pc.find(winname.Join(n.path, name)).entry)
	}
	return list
}

type content struct{ *bytes.Reader }

func (content) Close() error { return nil }

// Open implements migxml.Platform.
func (pc *PC) Open(path string) (migxml.Content, error) {
	n := pc.find(path)
	if n == nil || n.entry.Dir {
		return nil, fmt.Errorf("open %s: %w", path, fs.ErrNotExist)
	}
	return content{bytes.NewReader(n.data)}, nil
}

var _ io.ReaderAt = content{}

// KeyExists implements migxml.Platform.
func (pc *PC) KeyExists(key string) bool { return pc.keys[winname.Fold(key)] != nil }

// Subkeys implements migxml.Platform.
func (pc *PC) Subkeys(key string) []string {
	if n := pc.keys[winname.Fold(key)]; n != nil {
		return n.kids
	}
	return nil
}

// Values implements migxml.Platform.
func (pc *PC) Values(key string) []migxml.Value {
	if n := pc.keys[winname.Fold(key)]; n != nil {
		return n.vals
	}
	return nil
}

// Value implements migxml.Platform.
func (pc *PC) Value(key, name string) (migxml.Value, bool) {
	for _, v := range pc.Values(key) {
		if winname.Equal(v.Name, name) {
			return v, true
		}
	}
	return migxml.Value{}, false
}

// Taken walks the PC with a program and lists what it takes, sorted: files and
// values as `node [leaf]`, folders and keys as `node`. keep tells which units
// count; nil counts all.
func (pc *PC) Taken(p *migxml.Program, keep func(migxml.Unit) bool) []string {
	var list []string
	counts := func(v migxml.Verdict) bool {
		for _, i := range v.Takers {
			if keep == nil || keep(p.Units()[i]) {
				return true
			}
		}
		return false
	}
	var walk func(c migxml.Cursor, path string)
	walk = func(c migxml.Cursor, path string) {
		if c.Dead() {
			return
		}
		if counts(c.Node()) {
			list = append(list, path)
		}
		for _, e := range pc.ReadDir(path) {
			full := winname.Join(path, e.Name)
			if e.Dir {
				walk(c.Descend(e.Name), full)
			} else if counts(c.Leaf(e.Name, migxml.Object{Size: e.Size, Created: e.Created, Modified: e.Modified, Accessed: e.Accessed})) {
				list = append(list, path+` [`+e.Name+`]`)
			}
		}
	}
	for _, d := range pc.Letters {
		walk(p.Files().Descend(d.Letter), d.Letter)
	}
	var keys func(c migxml.Cursor, path string)
	keys = func(c migxml.Cursor, path string) {
		if c.Dead() {
			return
		}
		if counts(c.Node()) {
			list = append(list, path)
		}
		for _, v := range pc.Values(path) {
			if counts(c.Leaf(v.Name, migxml.Object{Value: v})) {
				list = append(list, path+` [`+v.Name+`]`)
			}
		}
		for _, k := range pc.Subkeys(path) {
			keys(c.Descend(k), path+`\`+k)
		}
	}
	for _, r := range []string{"HKLM", "HKU"} {
		keys(p.Registry().Descend(r), r)
	}
	slices.Sort(list)
	return list
}
