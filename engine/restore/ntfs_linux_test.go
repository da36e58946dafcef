package restore

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"lifeboat/engine/regf"
	"lifeboat/engine/sample"
	"lifeboat/engine/sample/tools"
	"lifeboat/engine/store"
	"lifeboat/engine/volume"
)

// mountNTFS makes a small NTFS volume and mounts it; the test is skipped where
// that cannot be done.
func mountNTFS(t *testing.T) string {
	t.Helper()
	tools.Need(t, "mkntfs", "ntfs-3g", "umount")
	image, dir := filepath.Join(t.TempDir(), "ntfs.img"), t.TempDir()
	f, err := os.Create(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(96 << 20); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if out, err := exec.Command("mkntfs", "-q", "-F", "-Q", "-s", "512", "-p", "0", image).CombinedOutput(); err != nil {
		tools.Missing(t, "mkntfs: "+string(out))
	}
	if out, err := exec.Command("ntfs-3g", "-o", "streams_interface=xattr", image, dir).CombinedOutput(); err != nil {
		tools.Missing(t, "ntfs-3g cannot mount here: "+string(out))
	}
	t.Cleanup(func() { tools.Unmount(t, dir) })
	return dir
}

// onNTFS copies a PC to an NTFS volume.
func onNTFS(t *testing.T, p *pc) *pc {
	t.Helper()
	dir := mountNTFS(t)
	if out, err := exec.Command("cp", "-r", "--preserve=timestamps", p.dir+"/.", dir).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
	return (&pc{dir: dir}).detect(t)
}

func setxattr(t *testing.T, path, name string, data []byte) {
	t.Helper()
	if err := unix.Lsetxattr(path, name, data, 0); err != nil {
		t.Fatalf("%s of %s: %v", name, path, err)
	}
}

// What NTFS has beside the bytes comes along, and the rights are those of the
// accounts of the destination.
func TestMetadataOnNTFS(t *testing.T) {
	a, b := onNTFS(t, firstPC(t)), onNTFS(t, secondPC(t))
	owner := binarySID(t, sample.MachineSID+"-1001")
	rights := fileDescriptor(owner, 0, true)
	shown := `C:\Users\anna\Documents\Letters\letter 99.txt`
	file, folder := a.path(shown), a.path(`C:\Users\anna\Documents\Archive`)
	writeFile(t, file, "with everything")
	writeFile(t, filepath.Join(folder, "x.txt"), "x")
	streams := []string{"note", "half " + lone}
	for _, path := range []string{file, folder} {
		for _, name := range streams {
			setxattr(t, path, "user."+name, []byte("a stream"))
		}
		setxattr(t, path, xattrACL, rights)
	}
	setxattr(t, file, xattrAttrib, binary.NativeEndian.AppendUint32(nil, uint32(volume.Hidden|volume.ReadOnly|volume.Archive)))
	setxattr(t, folder, xattrAttrib, binary.NativeEndian.AppendUint32(nil, uint32(volume.Hidden)))
	var times []byte
	for _, n := range []uint64{131_000_000_000_000_001, 132_000_000_000_000_002, 133_000_000_000_000_003} {
		times = binary.NativeEndian.AppendUint64(times, n)
	}
	setxattr(t, file, xattrTimes, times)
	setxattr(t, folder, xattrTimes, times)

	s := save(t, a.detect(t))
	result, err := put(t, s, b, func(r *Request) { r.CreateAccounts = true })
	if err != nil || result.Count > 0 {
		t.Fatalf("%d problems, %v", result.Count, err)
	}
	b.detect(t)
	v := b.sources[0].Volume
	want, err := regf.TranslateSIDs(rights, func(sid []byte) []byte {
		if bytes.Equal(sid, owner) {
			return binarySID(t, otherSID+"-1001")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{`\Users\anna\Documents\Letters\letter 99.txt`, `\Users\anna\Documents\Archive`} {
		info, err := v.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if c, m, x := store.FileTimeOf(info.Created), store.FileTimeOf(info.Modified), store.FileTimeOf(info.Accessed); c != 131_000_000_000_000_001 ||
			m != 132_000_000_000_000_002 || x != 133_000_000_000_000_003 && !info.IsDir() {
			t.Errorf("%s: times %d %d %d", path, c, m, x)
		}
		if info.Attr&volume.Hidden == 0 || !info.IsDir() && info.Attr&volume.ReadOnly == 0 {
			t.Errorf("%s: attributes %x", path, info.Attr)
		}
		extras, err := v.Extras(path, info)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(extras.Security, binarySID(t, otherSID+"-1001")) || bytes.Contains(extras.Security, owner) {
			t.Errorf("%s: rights %x, want %x", path, extras.Security, want)
		}
		for _, name := range streams {
			stream, err := v.OpenStream(path, name)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			data, _ := io.ReadAll(stream)
			stream.Close()
			if string(data) != "a stream" {
				t.Errorf("%s: stream %s is %q", path, name, data)
			}
		}
	}
	// A new profile is its owner's, hive and all.
	home := b.user("localadmin")
	for _, path := range []string{home.Path, home.Path + `\NTUSER.DAT`, home.Path + `\Documents\desktop.ini`} {
		info, err := v.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		extras, err := v.Extras(path, info)
		if err != nil || !bytes.Contains(extras.Security, binarySID(t, home.SID)) {
			t.Errorf("%s: rights %x, %v", path, extras.Security, err)
		}
		if strings.HasSuffix(path, "DAT") && info.Attr&volume.Hidden == 0 {
			t.Errorf("%s: attributes %x", path, info.Attr)
		}
	}
	checkHives(t, b)
}
