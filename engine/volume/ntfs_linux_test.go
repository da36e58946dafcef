package volume

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"lifeboat/engine/winname"
)

// rawOf opens the image behind a mount.
func rawOf(t *testing.T, d *Dir) *NTFS {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if c := strings.Fields(line); len(c) > 1 && c[1] == d.root {
			f, err := os.Open(c[0])
			if err != nil {
				t.Fatal(err)
			}
			fi, err := f.Stat()
			if err != nil {
				t.Fatal(err)
			}
			n, err := OpenNTFS(context.Background(), f, fi.Size(), f)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { n.Close() })
			return n
		}
	}
	t.Fatalf("%s is not mounted", d.root)
	return nil
}

// Both readers find what a short name stands for, and tell whose it is.
func TestShortNames(t *testing.T) {
	linked := map[string]int{"single file": 1, "double file": 2, "triple file": 3}
	d := mountNTFS(t, "streams_interface=windows", func(root string) {
		short := func(path, name string) {
			if err := unix.Lsetxattr(filepath.Join(root, path), xattrShort, []byte(name), 0); err != nil {
				t.Fatal(err)
			}
		}
		mkdir(t, filepath.Join(root, "Users/Anna Keller"))
		for _, name := range []string{"a long letter.txt", "PLAIN~1.TXT", "a second one.txt"} {
			if err := os.WriteFile(filepath.Join(root, "Users/Anna Keller", name), []byte(name), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		short("Users/Anna Keller", "ANNAKE~1")
		short("Users/Anna Keller/a long letter.txt", "ALONGL~1.TXT")
		for path, links := range linked {
			name := filepath.Join(root, path)
			if err := os.WriteFile(name, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			short(path, strings.ToUpper(path[:6])+"~1")
			for i := range links - 1 {
				if err := os.Link(name, fmt.Sprintf("%s %d", name, i)); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	for path, links := range linked {
		for reader, v := range map[string]Volume{"mounted": d, "raw": rawOf(t, d)} {
			want := uint32(links)
			if reader == "mounted" && links > 1 {
				want++ // ntfs-3g counts the short name and does not tell it
			}
			if extras, err := v.Extras(`\`+path, Info{}); err != nil || extras.Links != want {
				t.Errorf("%s, %s: %d names and not %d, %v", reader, path, extras.Links, want, err)
			}
		}
	}
	checkShortNames(t, d)
	checkShortNames(t, rawOf(t, d))
}

// TestNTFSEqualsMounted fills a volume through ntfs-3g and compares both readers
// object for object.
func TestNTFSEqualsMounted(t *testing.T) {
	var random [200_000]byte
	for i := range random {
		random[i] = byte(i * i >> 3)
	}
	d := mountNTFS(t, "streams_interface=windows", func(root string) { fillNTFS(t, root, random[:]) })
	n := rawOf(t, d)
	seen := map[string]bool{}
	compareFolders(t, d, n, `\`, seen)
	if len(seen) < 300 {
		t.Errorf("only %d objects were compared", len(seen))
	}
	for _, must := range []string{`\Users\Anna\Zwölf.txt`, `\packed\text`, `\sparse`, `\many\file 199`, `\Junction`, `\cloud`} {
		if !seen[must] {
			t.Errorf("%s was not compared", must)
		}
	}
	if kept, all := n.Damage(); all > 0 {
		t.Errorf("%d problems: %+v", all, kept)
	}
}

func fillNTFS(t *testing.T, root string, random []byte) {
	at := func(p string) string { return filepath.Join(root, filepath.FromSlash(p)) }
	write := func(p string, b []byte) {
		mkdir(t, filepath.Dir(at(p)))
		if err := os.WriteFile(at(p), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("Users/Anna/Zwölf.txt", []byte("zwölf"))
	write("Users/Anna/empty", nil)
	write("Users/Anna/big", random)
	write("Users/Anna/"+winname.FromUTF16([]uint16{'x', 0xD800}), []byte("lone"))
	write("Users/Anna/"+strings.Repeat("Ü", 120), []byte("long"))
	write("Users/Anna/😀", []byte("emoji"))
	write("case/a", []byte("lower"))
	write("case/A", []byte("upper"))
	for i := range 200 {
		write(fmt.Sprintf("many/file %d", i), random[:i*37])
	}
	deep := "deep"
	for i := range 30 {
		deep += fmt.Sprintf("/level %d", i)
	}
	write(deep+"/bottom", []byte("found"))
	for i := range 40 {
		if err := os.Link(at("Users/Anna/big"), at(fmt.Sprintf("many/link %d of a file with several names", i))); err != nil {
			t.Fatal(err)
		}
		setxattr(t, at("Users/Anna/Zwölf.txt"), fmt.Sprintf("user.stream %d", i), random[:i*50])
	}
	setxattr(t, at("Users"), "user.of a folder", []byte("x"))

	mkdir(t, at("packed"))
	setxattr(t, at("packed"), xattrAttrib, binary.NativeEndian.AppendUint32(nil, uint32(Compressed)))
	write("packed/text", bytes.Repeat([]byte("the same again and again. "), 9000))
	write("packed/noise", random)
	f, err := os.Create(at("sparse"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("end"), 3<<20); err != nil {
		t.Fatal(err)
	}
	f.WriteAt([]byte("middle"), 1<<20)
	f.Close()

	mkdir(t, at("Junction"))
	setxattr(t, at("Junction"), xattrReparse, junction(`C:\Users`))
	write("cloud", []byte("on the disk"))
	setxattr(t, at("cloud"), xattrReparse, reparse(0x9000601A, make([]byte, 8)))
	write("attributes", nil)
	setxattr(t, at("attributes"), xattrAttrib, binary.NativeEndian.AppendUint32(nil, uint32(Hidden|System|ReadOnly)))
	write("no attributes", nil)
	setxattr(t, at("no attributes"), xattrAttrib, binary.NativeEndian.AppendUint32(nil, 0))
	for i := range 12 {
		p := fmt.Sprintf("owned/by %d", i)
		write(p, nil)
		if err := os.Chown(at(p), 1000+i, 100); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(at(p), os.FileMode(0o600+i)); err != nil {
			t.Fatal(err)
		}
		var times []byte
		for j := range uint64(4) {
			times = binary.NativeEndian.AppendUint64(times, 131659200000000000+uint64(i)*1234567+j)
		}
		setxattr(t, at(p), xattrTimes, times)
	}
}

func compareFolders(t *testing.T, d *Dir, n *NTFS, path string, seen map[string]bool) {
	mounted, err := d.ReadDir(path)
	if err != nil {
		t.Errorf("mounted: %v", err)
	}
	raw, err := n.ReadDir(path)
	if err != nil {
		t.Errorf("raw: %v", err)
	}
	if a, b := names(mounted), names(raw); !slices.Equal(a, b) {
		t.Errorf("%s: mounted %q, raw %q", path, a, b)
		return
	}
	for i, m := range mounted {
		r, at := raw[i], winname.Join(path, m.Name)
		seen[at] = true
		if r.Cluster <= 0 && r.Size > 0 {
			t.Errorf("%s: no cluster is told", at)
		}
		if stat, err := n.Stat(at); err != nil || stat != r {
			t.Errorf("%s: listed as %+v, Stat says %+v, %v", at, r, stat, err)
		}
		want := m
		want.Cluster = r.Cluster
		if m.Reparse != 0 {
			want.Size = r.Size // the mount shows a link
		}
		if r != want {
			t.Errorf("%s:\nmounted %+v\nraw     %+v", at, m, r)
		}
		compareExtras(t, d, n, at, m)
		if r.IsDir() {
			if r.Reparse == 0 {
				compareFolders(t, d, n, at, seen)
			}
			continue
		}
		if r.Reparse != 0 {
			continue // the mount does not open it
		}
		a, errA := sum(d.Open(at))
		b, errB := sum(n.Open(at))
		if a != b || errA != nil || errB != nil {
			t.Errorf("%s: the bytes differ: %v, %v", at, errA, errB)
		}
	}
}

func compareExtras(t *testing.T, d *Dir, n *NTFS, at string, info Info) {
	a, errA := d.Extras(at, info)
	b, errB := n.Extras(at, info)
	if errA != nil || errB != nil {
		t.Errorf("%s: %v, %v", at, errA, errB)
	}
	if a.Links != b.Links || a.Short != b.Short {
		t.Errorf("%s: %d names and %q for DOS, raw %d and %q", at, a.Links, a.Short, b.Links, b.Short)
	}
	if !bytes.Equal(a.Security, b.Security) {
		t.Errorf("%s: descriptors\n%x\n%x", at, a.Security, b.Security)
	}
	if !bytes.Equal(a.Reparse, b.Reparse) {
		t.Errorf("%s: reparse data\n%x\n%x", at, a.Reparse, b.Reparse)
	}
	for _, s := range [][]Stream{a.Streams, b.Streams} {
		slices.SortFunc(s, func(a, b Stream) int { return strings.Compare(a.Name, b.Name) })
	}
	if !slices.Equal(a.Streams, b.Streams) {
		t.Errorf("%s: streams\n%v\n%v", at, a.Streams, b.Streams)
	}
	for _, s := range a.Streams {
		x, errX := sum(d.OpenStream(at, s.Name))
		y, errY := sum(n.OpenStream(at, s.Name))
		if x != y || errX != nil || errY != nil {
			t.Errorf("%s:%s: the bytes differ: %v, %v", at, s.Name, errX, errY)
		}
	}
}

func sum(f File, err error) (out [32]byte, _ error) {
	if err != nil {
		return out, err
	}
	h := sha256.New()
	_, err = io.Copy(h, f)
	h.Sum(out[:0])
	return out, errors.Join(err, f.Close())
}
