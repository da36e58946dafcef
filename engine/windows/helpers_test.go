package windows

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"lifeboat/engine/regf"
	"lifeboat/engine/sample/shareddata"
	"lifeboat/engine/volume"
)

// hiveTree describes a hive: values by name, by the path of their key. The Go
// type gives the registry type: string, expand, uint32, uint64, []byte,
// []string, and typed for anything else.
type hiveTree map[string]map[string]any

type expandable string

type typed struct {
	t    regf.Type
	data []byte
}

func u16(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func valueOf(v any) (regf.Type, []byte) {
	switch v := v.(type) {
	case string:
		return regf.Sz, u16(v + "\x00")
	case expandable:
		return regf.ExpandSz, u16(string(v) + "\x00")
	case uint32:
		return regf.Dword, binary.LittleEndian.AppendUint32(nil, v)
	case int:
		return regf.Dword, binary.LittleEndian.AppendUint32(nil, uint32(v))
	case uint64:
		return regf.Qword, binary.LittleEndian.AppendUint64(nil, v)
	case []byte:
		return regf.Binary, v
	case []string:
		return regf.MultiSz, u16(strings.Join(v, "\x00") + "\x00\x00")
	case typed:
		return v.t, v.data
	}
	panic("no registry type for this value")
}

// hive writes a hive; owner, if not empty, is the first in its root's access list.
func hive(t testing.TB, rootName, owner string, tree hiveTree) []byte {
	t.Helper()
	root := &regf.Node{Name: rootName, Security: descriptor(t, owner)}
	for path, values := range tree {
		node := root
		for _, name := range strings.FieldsFunc(path, func(r rune) bool { return r == '\\' }) {
			var next *regf.Node
			for _, sub := range node.Subkeys {
				if strings.EqualFold(sub.Name, name) {
					next = sub
				}
			}
			if next == nil {
				next = &regf.Node{Name: name}
				node.Subkeys = append(node.Subkeys, next)
			}
			node = next
		}
		for name, v := range values {
			kind, data := valueOf(v)
			node.Values = append(node.Values, regf.Value{Name: name, Type: kind, Data: data})
		}
	}
	data, err := regf.Marshal(root, regf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// binarySID is the reverse of sidString.
func binarySID(t testing.TB, sid string) []byte {
	t.Helper()
	parts := strings.Split(sid, "-")
	authority, err := strconv.ParseUint(parts[2], 10, 48)
	if err != nil {
		t.Fatal(err)
	}
	b := []byte{1, byte(len(parts) - 3)}
	b = append(b, binary.BigEndian.AppendUint64(nil, authority)[2:]...)
	for _, part := range parts[3:] {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	return b
}

// descriptor is a self-relative one whose access list allows owner and the system.
func descriptor(t testing.TB, owner string) []byte {
	sids := []string{"S-1-5-18", "S-1-5-32-544"}
	if owner != "" {
		sids = append([]string{owner}, sids...)
	}
	var aces []byte
	for _, s := range sids {
		sid := binarySID(t, s)
		ace := []byte{0, 3}
		ace = binary.LittleEndian.AppendUint16(ace, uint16(8+len(sid)))
		ace = binary.LittleEndian.AppendUint32(ace, 0xF003F)
		aces = append(append(aces, ace...), sid...)
	}
	acl := []byte{2, 0}
	acl = binary.LittleEndian.AppendUint16(acl, uint16(8+len(aces)))
	acl = binary.LittleEndian.AppendUint16(acl, uint16(len(sids)))
	acl = append(append(acl, 0, 0), aces...)
	administrators := binarySID(t, "S-1-5-32-544")
	head := []byte{1, 0, 0x04, 0x80}
	for _, offset := range []int{20, 20 + len(administrators), 0, 20 + 2*len(administrators)} {
		head = binary.LittleEndian.AppendUint32(head, uint32(offset))
	}
	return append(append(append(head, administrators...), administrators...), acl...)
}

// kernelFile is the least of a PE file: a header, and a section of resources
// with a version if there is one.
func kernelFile(machine uint16, version ...uint16) []byte {
	const header, resources = 128, 512
	b := make([]byte, 1024)
	copy(b, "MZ")
	binary.LittleEndian.PutUint32(b[60:], header)
	copy(b[header:], "PE\x00\x00")
	binary.LittleEndian.PutUint16(b[header+4:], machine)
	if len(version) == 4 {
		binary.LittleEndian.PutUint16(b[header+6:], 2)
		copy(b[header+24:], ".text")
		copy(b[header+64:], ".rsrc")
		binary.LittleEndian.PutUint32(b[header+64+16:], 256)
		binary.LittleEndian.PutUint32(b[header+64+20:], resources)
		copy(b[resources+64:], []byte{0xBD, 0x04, 0xEF, 0xFE, 0, 0, 1, 0})
		for i, n := range []uint16{version[1], version[0], version[3], version[2]} {
			binary.LittleEndian.PutUint16(b[resources+72+2*i:], n)
		}
	}
	return b
}

// files are what a tree on a disk has; a path that ends in a slash is a folder.
type files map[string][]byte

// source writes files into a new folder and opens it as a volume.
func source(t testing.TB, trees ...files) Source {
	t.Helper()
	root := t.TempDir()
	for _, tree := range trees {
		for path, data := range tree {
			native := filepath.Join(root, filepath.FromSlash(path))
			dir := filepath.Dir(native)
			if strings.HasSuffix(path, "/") {
				dir = native
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if dir != native {
				if err := os.WriteFile(native, data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return mounted(t, root)
}

func mounted(t testing.TB, root string) Source {
	t.Helper()
	v, err := volume.OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	return Source{Volume: v, Where: root}
}

// findAll runs Find and then checks that nothing was written to the sources.
func findAll(t testing.TB, opt Options, sources ...Source) ([]*Installation, []Looked) {
	t.Helper()
	before := snapshot(t, sources)
	found, looked, err := Find(context.Background(), sources, opt)
	if err != nil {
		t.Fatal(err)
	}
	if after := snapshot(t, sources); after != before {
		t.Error("the source has changed")
	}
	return found, looked
}

func findOne(t testing.TB, sources ...Source) *Installation {
	t.Helper()
	found, looked := findAll(t, Options{}, sources...)
	if len(found) != 1 {
		t.Fatalf("found %d installations, looked at %+v", len(found), looked)
	}
	return found[0]
}

func snapshot(t testing.TB, sources []Source) string {
	t.Helper()
	var b strings.Builder
	for _, s := range sources {
		err := filepath.WalkDir(s.Where, func(path string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			fi, err := d.Info()
			if errors.Is(err, os.ErrNotExist) {
				return nil
			}
			b.WriteString(path + fi.ModTime().String() + strconv.FormatInt(fi.Size(), 10) + "\n")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// sharedHives puts real hives at paths of a tree: names as in shared/data/hives.
func sharedHives(t testing.TB, at map[string]string) files {
	t.Helper()
	tree := files{}
	for path, name := range at {
		tree[path] = shareddata.Hive(t, name)
	}
	return tree
}

func userNamed(t testing.TB, inst *Installation, name string) *User {
	t.Helper()
	for i := range inst.Users {
		if inst.Users[i].Name == name {
			return &inst.Users[i]
		}
	}
	t.Fatalf("no user %s among %+v", name, inst.Users)
	return nil
}

func utc(year int, month time.Month, day, hour, min, sec int) time.Time {
	return time.Date(year, month, day, hour, min, sec, 0, time.UTC)
}
