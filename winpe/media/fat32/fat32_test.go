package fat32

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"lifeboat/engine/disk"
	"lifeboat/engine/sample/tools"
)

var when = time.Date(2026, 11, 24, 14, 0, 2, 0, time.UTC)

// write makes a volume in a sparse file.
func write(t *testing.T, v Volume, size int64, tree fs.FS) (string, error) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "volume.img"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	return f.Name(), v.Write(f, size, tree)
}

func sampleTree() fstest.MapFS {
	random := rand.New(rand.NewPCG(1, 2))
	content := func(n int) *fstest.MapFile {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return &fstest.MapFile{Data: b}
	}
	tree := fstest.MapFS{
		"EFI/BOOT/BOOTX64.EFI": content(70000), "EFI/BOOT/grubx64.efi": content(512), "EFI/debian/grub.cfg": content(513),
		"lifeboat.yaml": content(11), "Überraschung für 漢字 😀.xml": content(3), "empty": content(0), "A.B.C": content(1),
		"lifeboat/rules/Own rules.xml": content(5000), "lifeboat/rules/Own rules 2.xml": content(1), ".hidden": content(2),
	}
	for i := range 40 { // more than one cluster of entries
		tree["many/a rather long name of a file, x"+strings.Repeat("x", i*4)] = content(i)
	}
	return tree
}

// The file system's own check finds nothing, and what is copied out is what
// went in.
func TestAgainstOtherPrograms(t *testing.T) {
	tools.Need(t, "fsck.vfat", "mcopy")
	tree := sampleTree()
	small, err := Room(tree, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{small, 260 << 20, 300 << 20} {
		path, err := write(t, Volume{Label: "LIFEBOAT", Serial: 0xCAFE0001, Time: when}, size, tree)
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("fsck.vfat", "-n", "-v", path).CombinedOutput()
		if err != nil || strings.Contains(string(out), "uninitialized") || strings.Contains(string(out), "Fixing") {
			t.Fatalf("%v\n%s", err, out)
		}
		into := t.TempDir()
		cmd := exec.Command("mcopy", "-s", "-m", "-i", path, "::*", into)
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		files := 0
		for name, file := range tree {
			files++
			got, err := os.ReadFile(filepath.Join(into, name))
			if strings.Contains(name, "😀") {
				continue // mtools does not know these; fsck does
			}
			if err != nil || !bytes.Equal(got, file.Data) {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
				continue
			}
			if info, err := os.Stat(filepath.Join(into, name)); err != nil || !info.ModTime().Equal(when) {
				t.Errorf("%s: %v, %v", name, info.ModTime(), err)
			}
		}
		if files < 50 {
			t.Errorf("%d files", files)
		}
	}
}

func TestSameBytes(t *testing.T) {
	var sums [2][]byte
	for i := range sums {
		path, err := write(t, Volume{Label: "LIFEBOAT", Time: when}, 64<<20, sampleTree())
		if err != nil {
			t.Fatal(err)
		}
		if sums[i], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(sums[0], sums[1]) {
		t.Error("they differ")
	}
	if what := disk.Identify(bytes.NewReader(sums[0]), 64<<20); what.FileSystem != "FAT32" || what.Label != "LIFEBOAT" {
		t.Errorf("%+v", what)
	}
}

func TestRoom(t *testing.T) {
	big := fstest.MapFS{"big": {Data: make([]byte, 40<<20)}}
	for _, tree := range []fstest.MapFS{{}, sampleTree(), big} {
		for _, free := range []int64{0, 10 << 20, 300 << 20} {
			size, err := Room(tree, free)
			if err != nil {
				t.Fatal(err)
			}
			g, err := newGeometry(size)
			if err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			top, _ := read(tree)
			used, err := g.place(top)
			if left := (g.clusters - used) * g.cluster; err != nil || left < free {
				t.Errorf("%d bytes leave %d of %d free, %v", size, left, free, err)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	file := &fstest.MapFile{Data: []byte("x")}
	for what, c := range map[string]struct {
		v    Volume
		size int64
		tree fstest.MapFS
	}{
		"too small for FAT32":  {Volume{}, 16 << 20, fstest.MapFS{}},
		"too small for a file": {Volume{}, 40 << 20, fstest.MapFS{"big": {Data: make([]byte, 41<<20)}}},
		"a colon":              {Volume{}, 64 << 20, fstest.MapFS{"a:b": file}},
		"a dot at the end":     {Volume{}, 64 << 20, fstest.MapFS{"a.": file}},
		"a long name":          {Volume{}, 64 << 20, fstest.MapFS{strings.Repeat("a", 256): file}},
		"a link":               {Volume{}, 64 << 20, fstest.MapFS{"a": {Mode: fs.ModeSymlink}}},
		"a long label":         {Volume{Label: "ABCDEFGHIJKL"}, 64 << 20, fstest.MapFS{}},
		"a small label":        {Volume{Label: "lifeboat"}, 64 << 20, fstest.MapFS{}},
	} {
		path, err := write(t, c.v, c.size, c.tree)
		if err == nil {
			t.Errorf("%s: no error", what)
		}
		if data, _ := os.ReadFile(path); len(bytes.Trim(data, "\x00")) > 0 {
			t.Errorf("%s: something was written", what)
		}
	}
}

func TestShortNames(t *testing.T) {
	n := &node{children: []*node{
		{name: "GRUB.CFG"}, {name: "grub.cfg"}, {name: "lifeboat.yaml"}, {name: "lifeboat.yml"}, {name: "LIFEBO~1.YML"},
		{name: ".x"}, {name: "漢字"}, {name: "A.B.C"},
	}}
	n.nameChildren()
	seen := map[[11]byte]bool{}
	for i, want := range []string{"GRUB    CFG", "GRUB~1  CFG", "LIFEBO~1YAM", "LIFEBO~2YML", "LIFEBO~1YML", "X~1        ", "__~1       ", "AB~1    C  "} {
		c := n.children[i]
		if string(c.short[:]) != want || seen[c.short] {
			t.Errorf("%s: %q, want %q", c.name, c.short, want)
		}
		seen[c.short] = true
	}
}
