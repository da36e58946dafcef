package restore

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"lifeboat/engine/ntfs/ntfstest"
	"lifeboat/engine/volume"
	"lifeboat/engine/windows"
)

// asImage makes a raw volume of a PC in a folder.
func asImage(t *testing.T, p *pc, short map[string]string) *pc {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == p.dir || !d.IsDir() && !d.Type().IsRegular() {
			return err
		}
		name := strings.ReplaceAll(strings.TrimPrefix(path, p.dir+"/"), "/", `\`)
		if d.IsDir() {
			files[name+`\`] = nil
			return nil
		}
		files[name], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	image := ntfstest.New(ntfstest.Options{Records: 2*len(files) + 64})
	image.Tree(files, short)
	data := image.Image()
	v, err := volume.OpenNTFS(t.Context(), bytes.NewReader(data), int64(len(data)), nil)
	if err != nil {
		t.Fatal(err)
	}
	raw := &pc{dir: p.dir, sources: []windows.Source{{Volume: v, Where: "image"}}}
	found, _, err := windows.Find(t.Context(), raw.sources, windows.Options{})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d installations, %v", len(found), err)
	}
	raw.inst = found[0]
	return raw
}

// Files and folders get their short names back, but where another has it; and a file
// whose own name is the short one of another does not take that one's place.
func TestShortNamesOnNTFS(t *testing.T) {
	b := onNTFS(t, secondPC(t))
	first := firstPC(t)
	const letters = `Users\anna\Documents\Letters`
	at := func(name string) string { return `C:\` + letters + `\` + name }
	for name, content := range map[string]string{
		"long name of a letter.txt": "a letter", "taken by somebody.txt": "taken", "PLAIN~1.TXT": "its own name", "LONGNA~2.TXT": "also its own",
		`A long folder\x.txt`: "x",
	} {
		writeFile(t, first.path(at(name)), content)
	}
	// At the destination, others have two of these names.
	writeFile(t, b.path(at("here before.txt")), "here before")
	setxattr(t, b.path(at("here before.txt")), xattrShort, []byte("TAKENB~1.TXT"))
	writeFile(t, b.path(at("plain is not mine.txt")), "must not be lost")
	setxattr(t, b.path(at("plain is not mine.txt")), xattrShort, []byte("PLAIN~1.TXT"))

	a := asImage(t, first, map[string]string{
		letters + `\long name of a letter.txt`: "LONGNA~1.TXT",
		letters + `\taken by somebody.txt`:     "TAKENB~1.TXT",
		letters + `\A long folder`:             "ALONGF~1",
	})
	result, err := put(t, save(t, a), b.detect(t), func(r *Request) { r.CreateAccounts = true })
	if err != nil || result.Count > 0 {
		t.Fatalf("%d problems, %v: %+v", result.Count, err, result.Problems)
	}
	for name, want := range map[string]struct{ content, short string }{
		"long name of a letter.txt": {"a letter", "LONGNA~1.TXT"},
		"taken by somebody.txt":     {"taken", ""},
		"here before.txt":           {"here before", "TAKENB~1.TXT"},
		"PLAIN~1.TXT":               {"its own name", ""},
		"LONGNA~2.TXT":              {"also its own", ""},
		"plain is not mine.txt":     {"must not be lost", ""},
		`A long folder\x.txt`:       {"x", ""},
		`A long folder`:             {"", "ALONGF~1"},
	} {
		path := b.path(at(name))
		if want.content != "" {
			if data, err := os.ReadFile(path); err != nil || string(data) != want.content {
				t.Errorf("%s holds %q, %v", name, data, err)
			}
		}
		var buf [64]byte
		n, err := unix.Lgetxattr(path, xattrShort, buf[:])
		if short := string(buf[:max(n, 0)]); short != want.short || err != nil && err != unix.ENODATA {
			t.Errorf("%s has the short name %q, want %q, %v", name, short, want.short, err)
		}
	}
	v := b.detect(t).sources[0].Volume
	if info, err := v.Stat(`\` + letters + `\ALONGF~1\X.TXT`); err != nil || info.Name != "x.txt" {
		t.Errorf("by the short name of the folder: %q, %v", info.Name, err)
	}
}
