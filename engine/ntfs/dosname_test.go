package ntfs

import (
	"bytes"
	"errors"
	"io/fs"
	"testing"

	"lifeboat/engine/ntfs/ntfstest"
)

// named adds a file or folder with a long and a short name.
func named(v *ntfstest.Volume, parent uint32, long, short string, folder bool) uint32 {
	return v.Add(ntfstest.File{Folder: folder, Names: []ntfstest.Name{{Parent: parent, Name: long, Space: 1}, {Parent: parent, Name: short, Space: 2}}})
}

func TestDOSNames(t *testing.T) {
	v := ntfstest.New(ntfstest.Options{})
	users := v.Folder(ntfstest.Root, "Users")
	anna := named(v, users, "Anna Keller", "ANNAKE~1", true)
	letter := named(v, anna, "a long letter.txt", "ALONGL~1.TXT", false)
	other := v.File(anna, "ALONGN~1.TXT", []byte("its own name"))
	shadowed := named(v, anna, "a long name.txt", "ALONGN~1.TXT", false)
	both := v.Add(ntfstest.File{Names: []ntfstest.Name{{Parent: anna, Name: "BOTH~1.TXT", Space: 3}}})
	linked := v.Add(ntfstest.File{Names: []ntfstest.Name{
		{Parent: anna, Name: "a second name", Space: 0}, {Parent: anna, Name: "the first name", Space: 1}, {Parent: anna, Name: "THEFIR~1", Space: 2},
	}})
	// The short name lies in an extension record, as it may with many names.
	far := v.Add(ntfstest.File{
		Names:      []ntfstest.Name{{Parent: anna, Name: "far away.txt", Space: 1}},
		Extensions: [][]ntfstest.Attribute{{ntfstest.Name{Parent: anna, Name: "FARAWA~1.TXT", Space: 2}.Attribute()}},
	})
	// A short name of another folder, as a damaged record may have it.
	v.Add(ntfstest.File{Names: []ntfstest.Name{{Parent: anna, Name: "astray.txt", Space: 1}, {Parent: users, Name: "ASTRAY~1.TXT", Space: 2}}})
	image := v.Image()
	f, err := Open(t.Context(), bytes.NewReader(image), int64(len(image)), nil)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct {
		record uint32
		name   string
	}{
		`\Users\ANNAKE~1`:                    {anna, "Anna Keller"},
		`\USERS\annake~1\alongl~1.txt`:       {letter, "a long letter.txt"},
		`\Users\Anna Keller\ALONGL~1.TXT`:    {letter, "a long letter.txt"},
		`\Users\Anna Keller\ALONGN~1.TXT`:    {other, "ALONGN~1.TXT"},
		`\Users\Anna Keller\a long name.txt`: {shadowed, "a long name.txt"},
		`\Users\Anna Keller\both~1.txt`:      {both, "BOTH~1.TXT"},
		`\Users\ANNAKE~1\THEFIR~1`:           {linked, "the first name"},
		`\Users\ANNAKE~1\FARAWA~1.TXT`:       {far, "far away.txt"},
	} {
		e, err := f.Lookup(path)
		if err != nil || e.Record != want.record || e.Name != want.name {
			t.Errorf("%s is record %d, %q, %v", path, e.Record, e.Name, err)
		}
	}
	for _, path := range []string{`\Users\ANNAKE~2`, `\ANNAKE~1`, `\Users\ANNAKE~1\ASTRAY~1.TXT`, `\Users\ASTRAY~1.TXT`} {
		if e, err := f.Lookup(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is record %d, %v", path, e.Record, err)
		}
	}
	for _, c := range []struct {
		folder, record uint32
		name, want     string
	}{
		{users, anna, "Anna Keller", "ANNAKE~1"},
		{anna, shadowed, "a long name.txt", "ALONGN~1.TXT"},
		{anna, linked, "the first name", "THEFIR~1"},
		{anna, linked, "a second name", ""},
		{anna, both, "BOTH~1.TXT", ""},
		{anna, other, "ALONGN~1.TXT", ""},
		{users, letter, "a long letter.txt", ""},
	} {
		if got, err := f.DOSName(Entry{Folder: c.folder, Record: c.record, Name: c.name}); err != nil || got != c.want {
			t.Errorf("%s has the short name %q, want %q, %v", c.name, got, c.want, err)
		}
	}
	// What cannot be a short name costs no reading.
	if len(f.dos.folders) == 0 {
		t.Error("nothing is kept of the folders that were searched")
	}
	clear(f.dos.folders)
	f.Lookup(`\Users\nobody.txt`)
	f.Lookup(`\Users\~$letter.doc`)
	if len(f.dos.folders) > 0 {
		t.Error("a name that is none for DOS was looked for among those")
	}
}
