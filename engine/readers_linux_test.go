package engine

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"lifeboat/engine/sample"
	"lifeboat/engine/sample/tools"
	"lifeboat/engine/store"
)

// TestBothReadersGiveTheSame saves one volume twice, through its mount and from
// its raw bytes, and compares plans and stores object for object.
func TestBothReadersGiveTheSame(t *testing.T) {
	image, mount := mountedSample(t)
	var plans [2]*Plan
	var stores [2]map[string]string
	for i, reader := range []Reader{ReadMounted, ReadAuto} {
		e := newEngine(t)
		d, err := e.Detect(t.Context(), []Place{{Path: mount, Device: image}}, DetectOptions{Reader: reader})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if len(d.Installations) != 1 {
			t.Fatalf("reader %q: looked %+v", reader, d.Looked)
		}
		if inst := d.Installations[0]; inst.Where != mount {
			t.Errorf("reader %q: it is on %s", reader, inst.Where)
		}
		plan, err := d.Plan(t.Context(), d.Installations[0], PlanRequest{}, control())
		if err != nil {
			t.Fatal(err)
		}
		defer plan.Close()
		plans[i] = plan
		dest := filepath.Join(t.TempDir(), "store")
		if err := os.Mkdir(dest, 0o755); err != nil {
			t.Fatal(err)
		}
		r, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: dest}, control())
		if err != nil || r.ProblemCount > 0 {
			t.Fatalf("reader %q: %v, %+v", reader, err, r.Problems)
		}
		stores[i] = objectsOf(t, dest)
	}
	if !slices.ContainsFunc(plans[0].Left, func(l Left) bool {
		return slices.Contains(l.Examples, `C:\Users\anna\Documents\in the cloud.docx`) && strings.Contains(l.Reason, "only in the cloud")
	}) {
		t.Errorf("nothing is said of the file in the cloud: %+v", plans[0].Left)
	}
	asJSON := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for what, pair := range map[string][2]any{
		"units":         {plans[0].Units, plans[1].Units},
		"left":          {plans[0].Left, plans[1].Left},
		"installations": {plans[0].Installation, plans[1].Installation},
	} {
		if a, b := asJSON(pair[0]), asJSON(pair[1]); a != b {
			t.Errorf("%s:\nmounted %s\nraw     %s", what, a, b)
		}
	}
	for name, mounted := range stores[0] {
		if raw, ok := stores[1][name]; !ok || raw != mounted {
			t.Errorf("%s:\nmounted %s\nraw     %s", name, mounted, raw)
		}
		delete(stores[1], name)
	}
	for name := range stores[1] {
		t.Errorf("only raw: %s", name)
	}
	for name := range stores[0] {
		if strings.Contains(name, "My loop/") || strings.Contains(name, `My loop\`) {
			t.Errorf("%s was taken through a junction", name)
		}
	}
	if len(stores[0]) < 200 {
		t.Errorf("only %d objects were compared", len(stores[0]))
	}
	deep := `object C:\Users\anna\Documents\deep` + strings.Repeat(`\a folder with a name that is not short`, 8) + `\bottom.txt`
	for _, must := range []string{"File/C$/Users/anna/Documents/packed.txt", `object C:\Users\anna\Documents\linked.txt`, `object C:\Users\anna\Documents\My loop`, deep, "Registry/" + sample.MachineSID + "-1001.jsonl 0"} {
		if stores[0][must] == "" {
			t.Errorf("%s was not compared", must)
		}
	}
}

// mountedSample is the sample PC on an NTFS volume, mounted read-only.
func mountedSample(t *testing.T) (image, mount string) {
	t.Helper()
	tools.Need(t, "mkntfs", "ntfs-3g", "umount")
	tools.NeedFUSE(t)
	pc := samplePC(t)
	image, mount = filepath.Join(t.TempDir(), "c.img"), t.TempDir()
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
	}
	f, err := os.Create(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(48<<20), f.Close()); err != nil {
		t.Fatal(err)
	}
	run("mkntfs", "-F", "-Q", "-q", "-L", "Windows", image)
	if out, err := exec.Command("ntfs-3g", "-o", "streams_interface=xattr", image, mount).CombinedOutput(); err != nil {
		tools.Missing(t, "ntfs-3g cannot mount here: "+string(out))
	}
	fillOddities(t, mount, pc)
	tools.Unmount(t, mount)
	run("ntfs-3g", "-o", "ro,streams_interface=windows", image, mount)
	t.Cleanup(func() { tools.Unmount(t, mount) })
	return image, mount
}

// fillOddities copies the PC and adds what NTFS has and folders have not.
func fillOddities(t *testing.T, mount string, pc sample.PC) {
	t.Helper()
	if err := os.CopyFS(mount, os.DirFS(pc.Volume)); err != nil {
		t.Fatal(err)
	}
	documents := filepath.Join(mount, "Users/anna/Documents")
	at := func(name string) string { return filepath.Join(documents, name) }
	text := []byte(strings.Repeat("the same again and again; ", 9000))
	set := func(name, attr string, value []byte) {
		t.Helper()
		if err := unix.Setxattr(name, attr, value, 0); err != nil {
			t.Fatalf("%s: %s: %v", name, attr, err)
		}
	}
	put := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(at(name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const compressed, hidden = 0x800, 0x2
	attr := func(bits uint32) []byte { return binary.NativeEndian.AppendUint32(nil, bits) }
	put("packed.txt", nil)
	set(at("packed.txt"), "system.ntfs_attrib", attr(compressed))
	put("packed.txt", text)
	put("hidden.txt", text[:100])
	set(at("hidden.txt"), "system.ntfs_attrib", attr(hidden))
	put("streams.txt", text[:50])
	set(at("streams.txt"), "user.Zone.Identifier", []byte("[ZoneTransfer]\r\nZoneId=3\r\n"))
	set(at("streams.txt"), "user.empty", nil)
	set(documents, "user.of the folder", text[:5000])
	put("long "+strings.Repeat("Ü", 120)+".txt", text[:10])
	put("x\xed\xa0\x80.txt", []byte("a lone surrogate"))
	put("empty.txt", nil)
	if err := os.Link(at("streams.txt"), at("linked.txt")); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(at("streams.txt"), filepath.Join(documents, "Letters", "linked too.txt")); err != nil {
		t.Fatal(err)
	}
	deep := "deep"
	for range 8 {
		deep = filepath.Join(deep, "a folder with a name that is not short")
	}
	if err := os.MkdirAll(at(deep), 0o755); err != nil {
		t.Fatal(err)
	}
	put(filepath.Join(deep, "bottom.txt"), text[:10])
	reparse := func(name string, tag uint32, body []byte) {
		t.Helper()
		data := binary.LittleEndian.AppendUint32(nil, tag)
		data = binary.LittleEndian.AppendUint16(data, uint16(len(body)))
		set(at(name), "system.ntfs_reparse_data", append(append(data, 0, 0), body...))
	}
	junction := func(name, target string) {
		t.Helper()
		if err := os.Mkdir(at(name), 0o755); err != nil {
			t.Fatal(err)
		}
		var path []byte
		for _, c := range target {
			path = append(path, byte(c), byte(c>>8))
		}
		n := byte(len(path))
		reparse(name, 0xA0000003, append(append([]byte{0, 0, n, 0, n + 2, 0, 0, 0}, path...), 0, 0, 0, 0))
	}
	junction("My loop", `\??\C:\Users\anna\Documents`)
	junction("My Music", `\??\C:\Users\anna\Music`)
	put("in the cloud.docx", nil) // the mount does not tell the size
	const archive, offline = 0x20, 0x1000
	set(at("in the cloud.docx"), "system.ntfs_attrib", attr(archive|offline))
	reparse("in the cloud.docx", 0x9000601A, make([]byte, 16))
	if err := os.Chown(at("hidden.txt"), 1000, 100); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(at("sparse.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("end"), 3<<20); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// objectsOf lists what a store holds: every file by its place with size, time and
// hash, and every line of the catalog.
func objectsOf(t *testing.T, dest string) map[string]string {
	t.Helper()
	ctx := t.Context()
	s, err := store.Open(ctx, dest, store.Options{TempDir: t.TempDir(), Clock: clock, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(ctx)
	captures, err := s.Captures(ctx)
	if err != nil || len(captures) != 1 {
		t.Fatalf("%d captures, %v", len(captures), err)
	}
	tree, err := s.Tree(ctx, captures[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	lines := func(path string, each func(n int, line []byte)) {
		t.Helper()
		f, err := tree.Open(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		in := bufio.NewScanner(f)
		in.Buffer(nil, store.MaxLine)
		for n := 0; in.Scan(); n++ {
			each(n, in.Bytes())
		}
		if err := in.Err(); err != nil {
			t.Fatal(err)
		}
	}
	// Objects are listed in the order in which workers end, and descriptors are
	// numbered as they are met.
	descriptors := map[int]string{}
	lines(store.SecurityJSONL, func(_ int, line []byte) {
		var sd store.Security
		if err := json.Unmarshal(line, &sd); err != nil {
			t.Fatal(err)
		}
		descriptors[sd.ID] = fmt.Sprintf("%x", sd.Data)
	})
	lines(store.ObjectsJSONL, func(_ int, line []byte) {
		var o store.Object
		if err := json.Unmarshal(line, &o); err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(o.Streams, func(a, b store.ObjectStream) int { return strings.Compare(string(a.Name), string(b.Name)) })
		sd := descriptors[o.Security]
		o.Security = 0
		all["object "+string(o.Path)] = fmt.Sprintf("%+v %s", o, sd)
	})
	var walk func(path string)
	walk = func(path string) {
		entries, err := tree.ReadDir(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			at := strings.TrimPrefix(path+"/"+e.Name, "/")
			switch {
			case e.Dir:
				walk(at)
			case strings.HasPrefix(at, "Registry/"):
				lines(at, func(n int, line []byte) { all[fmt.Sprintf("%s %d", at, n)] = string(line) })
			case strings.HasPrefix(at, "Catalog/"):
			default:
				f, err := tree.Open(ctx, at)
				if err != nil {
					t.Fatal(err)
				}
				h := sha256.New()
				if _, err := io.Copy(h, f); err != nil {
					t.Fatal(err)
				}
				f.Close()
				all[at] = fmt.Sprintf("%d %v %x", e.Size, e.ModTime, h.Sum(nil))
			}
		}
	}
	walk("")
	return all
}
