package volume

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"

	"golang.org/x/sys/unix"

	"lifeboat/engine/sample/tools"
	"lifeboat/engine/winname"
)

func TestTwoSpellingsBesideEachOther(t *testing.T) {
	d, _ := tree(t, "Users/x", "users/y", "Files/a.txt", "Files/A.TXT")
	for asked, want := range map[string]string{
		`\Users\x`: "Users/x", `\users\y`: "users/y",
		`\Files\a.txt`: "Files/a.txt", `\Files\A.TXT`: "Files/A.TXT",
		`\files\a.Txt`: "Files/A.TXT", // neither as it is spelled: always the same one
		`\USERS\X`:     "Users/x",
	} {
		if got := read(t, d, asked); got != want {
			t.Errorf("%s reads %s, want %s", asked, got, want)
		}
	}
	infos, err := d.ReadDir(`\Files`)
	if err != nil || len(infos) != 2 {
		t.Errorf("both files are listed: %v, %v", names(infos), err)
	}
}

func TestLinksAreNotFollowed(t *testing.T) {
	_, root := tree(t, "vol/Users/anna/a.txt", "secret/key.txt")
	for link, target := range map[string]string{
		"vol/out": "../secret", "vol/file": "../secret/key.txt", "vol/inside": "Users/anna", "vol/loop": "loop", "vol/gone": "nowhere",
	} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	d, err := OpenDir(filepath.Join(root, "vol"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{`\out\key.txt`, `\inside\a.txt`, `\loop\x`, `\OUT\key.txt`} {
		if _, err := d.Stat(path); !errors.Is(err, ErrReparse) {
			t.Errorf("Stat(%s) = %v, want ErrReparse", path, err)
		}
	}
	for _, path := range []string{`\out\key.txt`, `\file`, `\loop`, `\gone`} {
		if f, err := d.Open(path); !errors.Is(err, ErrReparse) {
			t.Errorf("Open(%s) = %v, %v, want ErrReparse", path, f, err)
		}
	}
	if _, err := d.ReadDir(`\out`); !errors.Is(err, ErrReparse) {
		t.Errorf("ReadDir of a link = %v, want ErrReparse", err)
	}
	info, err := d.Stat(`\out`)
	if err != nil || info.Reparse != TagSymlink || info.Attr != ReparsePoint || info.Size != 0 {
		t.Errorf("a link is %+v, %v", info, err)
	}
}

func TestOddEntries(t *testing.T) {
	d, root := tree(t, "a.txt", `back\slash`, "bell\a.txt", "Latin\xff1", ".hidden")
	if err := syscall.Mkfifo(filepath.Join(root, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	infos, err := d.ReadDir(`\`)
	if got, want := names(infos), []string{".hidden", "a.txt", "bell\a.txt", "Latin\xff1"}; !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
	if !errors.Is(err, errName) || !errors.Is(err, errSpecial) {
		t.Errorf("the other two are reported: %v", err)
	}
	for _, i := range infos {
		if got := read(t, d, `\`+i.Name); got != i.Name {
			t.Errorf("%q reads %q", i.Name, got)
		}
		if i.Attr != 0 {
			t.Errorf("%q has attributes %x", i.Name, i.Attr)
		}
	}
	done := make(chan error, 1)
	go func() { _, err := d.Open(`\pipe`); done <- err }()
	select {
	case err := <-done:
		if !errors.Is(err, errSpecial) {
			t.Errorf("Open(pipe) = %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("Open(pipe) waits")
	}
}

func TestUnreadable(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root reads everything")
	}
	d, root := tree(t, "a.txt", "closed/b.txt")
	if err := os.Chmod(filepath.Join(root, "a.txt"), 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(root, "closed"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(root, "closed"), 0o755) })
	if _, err := d.Open(`\a.txt`); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Open = %v", err)
	}
	if _, err := d.ReadDir(`\closed`); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("ReadDir = %v", err)
	}
	if infos, err := d.ReadDir(`\`); err != nil || len(infos) != 2 {
		t.Errorf("the folder above lists %v, %v", names(infos), err)
	}
}

func TestReadingLeavesAccessTime(t *testing.T) {
	d, root := tree(t, "a.txt")
	old := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(root, "a.txt"), old, old); err != nil {
		t.Fatal(err)
	}
	read(t, d, `\a.txt`)
	if info, err := d.Stat(`\a.txt`); err != nil || !info.Accessed.Equal(old) {
		t.Errorf("after reading it was accessed %v, %v", info.Accessed, err)
	}
}

// mountNTFS makes an NTFS volume, lets fill write into its mount and mounts it
// again read-only with the options.
func mountNTFS(t *testing.T, options string, fill func(root string)) *Dir {
	t.Helper()
	tools.Need(t, "mkntfs", "ntfs-3g", "umount")
	tools.NeedFUSE(t)
	image, root := filepath.Join(t.TempDir(), "ntfs.img"), t.TempDir()
	f, err := os.Create(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(16<<20), f.Close()); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) error {
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Logf("%s: %s", name, out)
		}
		return err
	}
	if err := run("mkntfs", "-F", "-Q", "-q", image); err != nil {
		t.Fatal(err)
	}
	if err := run("ntfs-3g", "-o", "streams_interface=xattr", image, root); err != nil {
		tools.Missing(t, "ntfs-3g cannot mount here")
	}
	fill(root)
	tools.Unmount(t, root)
	if err := run("ntfs-3g", "-o", "ro,"+options, image, root); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tools.Unmount(t, root) })
	d, err := OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func setxattr(t *testing.T, path, name string, data []byte) {
	t.Helper()
	if err := unix.Setxattr(path, name, data, 0); err != nil {
		t.Fatalf("%s of %s: %v", name, path, err)
	}
}

// junction is the REPARSE_DATA_BUFFER of a junction to target.
func junction(target string) []byte {
	u16 := func(s string) []byte {
		var b []byte
		for _, u := range utf16.Encode([]rune(s)) {
			b = binary.LittleEndian.AppendUint16(b, u)
		}
		return b
	}
	substitute, show := u16(`\??\`+target), u16(target)
	var body []byte
	for _, n := range []int{0, len(substitute), len(substitute) + 2, len(show)} {
		body = binary.LittleEndian.AppendUint16(body, uint16(n))
	}
	body = slices.Concat(body, substitute, []byte{0, 0}, show, []byte{0, 0})
	return reparse(TagMountPoint, body)
}

func reparse(tag uint32, body []byte) []byte {
	head := binary.LittleEndian.AppendUint32(nil, tag)
	head = binary.LittleEndian.AppendUint16(head, uint16(len(body)))
	return slices.Concat(head, []byte{0, 0}, body)
}

func TestNTFS3G(t *testing.T) {
	const created = 131659200000000000 // 2018-03-19 08:00 UTC
	zone := []byte("[ZoneTransfer]\r\nZoneId=3\r\n")
	toUsers := junction(`C:\Users`)
	lone := winname.FromUTF16([]uint16{'x', 0xD800, '.', 't'})
	var acl []byte
	fill := func(root string) {
		at := func(p string) string { return filepath.Join(root, p) }
		mkdir(t, at("Users/Anna"))
		for _, p := range []string{"Users/Anna/a.txt", "Users/Anna/" + lone, "cloud", "compact"} {
			if err := os.WriteFile(at(p), []byte(p), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Link(at("Users/Anna/a.txt"), at("second")); err != nil {
			t.Fatal(err)
		}
		mkdir(t, at("Junction"))
		setxattr(t, at("Junction"), xattrReparse, toUsers)
		setxattr(t, at("cloud"), xattrAttrib, binary.LittleEndian.AppendUint32(nil, uint32(Archive|Offline)))
		setxattr(t, at("cloud"), xattrReparse, reparse(0x9000601A, make([]byte, 8)))
		setxattr(t, at("compact"), xattrReparse, reparse(TagWOF, make([]byte, 16)))
		file := at("Users/Anna/a.txt")
		setxattr(t, file, "user.Zone.Identifier", zone)
		setxattr(t, file, "user.empty", nil)
		var times []byte
		for i := range uint64(4) {
			times = binary.LittleEndian.AppendUint64(times, created+i*1e7)
		}
		setxattr(t, file, xattrTimes, times)
		setxattr(t, file, xattrAttrib, binary.LittleEndian.AppendUint32(nil, uint32(Hidden|System|Archive)))
		var err error
		if acl, err = getxattr(file, xattrACL); err != nil || len(acl) < 20 {
			t.Fatalf("no descriptor: %v", err)
		}
	}
	for _, streams := range []string{"xattr", "windows"} {
		t.Run(streams, func(t *testing.T) {
			d := mountNTFS(t, "streams_interface="+streams, fill)
			const path = `\users\anna\A.TXT`
			info, err := d.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			first := time.Date(2018, 3, 19, 8, 0, 0, 0, time.UTC)
			if !info.Created.Equal(first) || !info.Modified.Equal(first.Add(time.Second)) || !info.Accessed.Equal(first.Add(2*time.Second)) {
				t.Errorf("times of %+v", info)
			}
			if info.Attr != Hidden|System|Archive || info.FileID == 0 {
				t.Errorf("a.txt is %+v", info)
			}
			if other, _ := d.Stat(`\second`); other.FileID != info.FileID {
				t.Errorf("the second name has id %d, not %d", other.FileID, info.FileID)
			}
			extras, err := d.Extras(path, info)
			if err != nil || extras.Links != 2 {
				t.Errorf("%d names, %v", extras.Links, err)
			}
			if !bytes.Equal(extras.Security, acl) {
				t.Errorf("descriptor %x, want %x", extras.Security, acl)
			}
			slices.SortFunc(extras.Streams, func(a, b Stream) int { return strings.Compare(a.Name, b.Name) })
			if want := []Stream{{"Zone.Identifier", int64(len(zone))}, {"empty", 0}}; !slices.Equal(extras.Streams, want) {
				t.Errorf("streams %v, want %v", extras.Streams, want)
			}
			f, err := d.OpenStream(path, "Zone.Identifier")
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(f); err != nil || !bytes.Equal(b, zone) {
				t.Errorf("stream reads %q, %v", b, err)
			}
			f.Close()
			if _, err := d.OpenStream(path, "nothing"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a stream that is not there: %v", err)
			}

			info, err = d.Stat(`\junction`)
			if err != nil || info.Reparse != TagMountPoint || !info.IsDir() || info.Size != 0 {
				t.Errorf("the junction is %+v, %v", info, err)
			}
			if extras, err := d.Extras(`\Junction`, info); err != nil || !bytes.Equal(extras.Reparse, toUsers) {
				t.Errorf("its reparse data %x, %v", extras.Reparse, err)
			}
			if _, err := d.Stat(`\Junction\Anna`); !errors.Is(err, ErrReparse) {
				t.Errorf("a path over the junction: %v", err)
			}
			if info, err := d.Stat(`\cloud`); err != nil || !info.CloudOnly() || info.IsDir() {
				t.Errorf("the placeholder is %+v, %v", info, err)
			}
			if info, err := d.Stat(`\compact`); err != nil || info.Reparse != TagWOF {
				t.Errorf("the compressed file is %+v, %v", info, err)
			}
			if _, err := d.Open(`\compact`); !errors.Is(err, ErrReparse) {
				t.Errorf("opening a file whose content the mount does not give: %v", err)
			}
			infos, err := d.ReadDir(`\Users\Anna`)
			if err != nil || !slices.Contains(names(infos), lone) {
				t.Errorf("names %q, %v, want the lone surrogate kept", names(infos), err)
			}
		})
	}
}
