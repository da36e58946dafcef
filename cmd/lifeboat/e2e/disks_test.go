//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"lifeboat/engine/disk"
	"lifeboat/engine/sample"
	"lifeboat/engine/volume"
)

// partitionedPC is the image of a disk with the broken PC on it.
func partitionedPC(t testing.TB) (path string, pc sample.PC) {
	t.Helper()
	pc, err := sample.Create(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	volume, err := sample.NTFS(pc.Volume, "Windows")
	if err != nil {
		t.Fatal(err)
	}
	image, err := sample.Disk(sample.Partition{GUID: sample.PartitionGUID(), Name: "Basic data partition", Volume: volume})
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "pc.img")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, pc
}

// parts are what lifeboat disks says of the partitions of an image, without what
// belongs to the file itself.
func parts(t testing.TB, image string) []map[string]any {
	t.Helper()
	out, code := lifeboat(t, "disks", "--json", image)
	want(t, 0, out, code)
	var drives []struct {
		Partitions []map[string]any `json:"partitions"`
	}
	if err := json.Unmarshal([]byte(out), &drives); err != nil || len(drives) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	for _, p := range drives[0].Partitions {
		delete(p, "path")
	}
	return drives[0].Partitions
}

// Images that qemu-img writes show the same disk, byte for byte, as the raw one.
func TestImagesOfQEMU(t *testing.T) {
	need(t, "qemu-img")
	raw, _ := partitionedPC(t)
	original := sum(t, raw)
	wantParts := parts(t, raw)
	if len(wantParts) != 1 || wantParts[0]["fileSystem"] != "NTFS" {
		t.Fatalf("%v", wantParts)
	}
	for name, options := range map[string][]string{
		"fixed.vhd":    {"-O", "vpc", "-o", "subformat=fixed,force_size=on"},
		"dynamic.vhd":  {"-O", "vpc", "-o", "subformat=dynamic,force_size=on"},
		"fixed.vhdx":   {"-O", "vhdx", "-o", "subformat=fixed"},
		"dynamic.vhdx": {"-O", "vhdx", "-o", "subformat=dynamic"},
		"blocks.vhdx":  {"-O", "vhdx", "-o", "subformat=dynamic,block_size=8M"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			sh(t, "qemu-img", append(append([]string{"convert", "-f", "raw"}, options...), raw, path)...)
			image, err := disk.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer image.Close()
			info, err := os.Stat(raw)
			if err != nil || image.Size < info.Size() || image.Size > info.Size()+1<<20 {
				t.Fatalf("%d bytes, %v", image.Size, err)
			}
			h := sha256.New()
			if _, err := io.Copy(h, io.NewSectionReader(image, 0, info.Size())); err != nil || !bytes.Equal(h.Sum(nil), original[:]) {
				t.Errorf("the content differs, %v", err)
			}
			if got := parts(t, path); !reflect.DeepEqual(got, wantParts) {
				t.Errorf("%v, want %v", got, wantParts)
			}
			if out, code := lifeboat(t, "detect", "--no-sizes", path); code != 0 || !strings.Contains(out, sample.Computer) {
				t.Errorf("return code %d: %s", code, out)
			}
		})
	}
	for name, format := range map[string]string{"qcow2": "qcow2", "VMDK": "vmdk", "VDI": "vdi"} {
		path := filepath.Join(t.TempDir(), "pc."+format)
		sh(t, "qemu-img", "convert", "-f", "raw", "-O", format, raw, path)
		if out, code := lifeboat(t, "disks", path); code == 0 || !strings.Contains(strings.ToLower(out), strings.ToLower(name)) || !strings.Contains(out, "qemu-img") {
			t.Errorf("%s: return code %d: %s", name, code, out)
		}
	}
	huge := filepath.Join(t.TempDir(), "huge.vhdx")
	sh(t, "qemu-img", "create", "-f", "vhdx", huge, "8T")
	if out, code := lifeboat(t, "disks", huge); code != 0 || !strings.Contains(out, "8.0 TiB") {
		t.Errorf("return code %d: %s", code, out)
	}
}

// ntfscat and ntfsinfo read the same as the raw reader from a volume that ntfs-3g
// filled: compressed, sparse, in many pieces, with streams, and many files.
func TestNTFSProgsReadTheSame(t *testing.T) {
	need(t, "ntfscat", "ntfsinfo", "setfattr")
	const megabytes = 32
	mount, _ := ntfs(t, megabytes)
	image := filepath.Join(filepath.Dir(mount), "disk.img")
	rnd := rand.New(rand.NewPCG(1, 2))
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		return b
	}
	put := func(name string, data []byte) {
		t.Helper()
		path := filepath.Join(mount, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 600 {
		put(fmt.Sprintf("many/file %d.bin", i), noise(rnd.IntN(3000)))
	}
	put("packed/a", nil)
	sh(t, "setfattr", "-h", "-v", "0x00080000", "-n", "system.ntfs_attrib", filepath.Join(mount, "packed"))
	put("packed/text.txt", bytes.Repeat([]byte("again and again. "), 40_000))
	put("packed/noise.bin", noise(300_000))
	put("packed/both.bin", append(noise(100_000), make([]byte, 500_000)...))
	sparse, err := os.Create(filepath.Join(mount, "sparse.bin"))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{0, 5 << 20, 40 << 20} {
		if _, err := sparse.WriteAt(noise(5000), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := sparse.Close(); err != nil {
		t.Fatal(err)
	}
	put("streams.txt", []byte("content"))
	sh(t, "setfattr", "-n", "user.Zone.Identifier", "-v", "[ZoneTransfer]", filepath.Join(mount, "streams.txt"))
	sh(t, "setfattr", "-n", "user.large", "-v", strings.Repeat("x", 20_000), filepath.Join(mount, "streams.txt"))
	put("Ünï/файл 文書.txt", noise(5000))
	// Where only small gaps are left, a large file lies in many pieces.
	put("full/large", make([]byte, 12<<20))
	small := 0
	for ; small < 10_000; small++ {
		if os.WriteFile(filepath.Join(mount, "full", fmt.Sprint(small)), noise(8192), 0o644) != nil {
			break
		}
	}
	for i := 0; i < small; i += 2 {
		if err := os.Remove(filepath.Join(mount, "full", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	put("pieces.bin", noise(small/2*8192*3/4))
	unmount(mount)

	f, err := os.Open(image)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v, err := volume.OpenNTFS(t.Context(), f, megabytes<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	read := func(f volume.File, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		data, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	cat := func(args ...string) []byte {
		t.Helper()
		out, err := exec.Command("ntfscat", append([]string{"-f", image}, args...)...).Output()
		if err != nil {
			t.Fatalf("ntfscat %v: %v", args, err)
		}
		return out
	}
	files := []string{"packed/text.txt", "packed/noise.bin", "packed/both.bin", "sparse.bin", "pieces.bin", "streams.txt", "Ünï/файл 文書.txt"}
	for i := 0; i < 600; i += 23 {
		files = append(files, fmt.Sprintf("many/file %d.bin", i))
	}
	seen := map[int64]bool{}
	for _, name := range files {
		at := `\` + strings.ReplaceAll(name, "/", `\`)
		ours := read(v.Open(at))
		if !bytes.Equal(ours, cat(name)) {
			t.Errorf("%s differs", name)
		}
		info, err := v.Stat(at)
		if err != nil {
			t.Fatal(err)
		}
		if seen[info.Cluster] && info.Size > 4096 {
			t.Errorf("%s: two files begin at cluster %d", name, info.Cluster)
		}
		seen[info.Cluster] = true
		about := sh(t, "ntfsinfo", "-f", "-F", name, image)
		if n := number(t, about, `Dumping Inode (\d+)`); n != int64(info.FileID) {
			t.Errorf("%s: file record %d, ntfsinfo says %d", name, info.FileID, n)
		}
	}
	for _, stream := range []string{"Zone.Identifier", "large"} {
		if !bytes.Equal(read(v.OpenStream(`\streams.txt`, stream)), cat("-n", stream, "streams.txt")) {
			t.Errorf("stream %s differs", stream)
		}
	}
	about := sh(t, "ntfsinfo", "-f", "-v", "-F", "pieces.bin", image)
	if n := number(t, about, `Total runs: (\d+)`); n < 20 {
		t.Errorf("the file in pieces has %d only:\n%s", n, about)
	}
	about = sh(t, "ntfsinfo", "-f", "-m", image)
	ours := v.FS().Info()
	if !strings.Contains(about, "Volume Name: "+ours.Label) || number(t, about, `Cluster Size: (\d+)`) != int64(ours.ClusterSize) ||
		number(t, about, `MFT Record Size: (\d+)`) != int64(ours.RecordSize) {
		t.Errorf("%+v, ntfsinfo says\n%s", ours, about)
	}
}

// number finds a number in the output of a tool.
func number(t testing.TB, text, pattern string) (n int64) {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no %s in\n%s", pattern, text)
	}
	fmt.Sscan(m[1], &n)
	return n
}

// A mount behind which the program is dead holds up nobody for long, and keeps no
// process from ending.
func TestDeadMount(t *testing.T) {
	mount, _ := ntfs(t, 16)
	image := filepath.Join(filepath.Dir(mount), "disk.img")
	pid := serving(t, image)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Kill(pid, syscall.SIGCONT) }) // before the mount is taken away
	for _, args := range [][]string{{"disks"}, {"disks", "--json"}, {"detect", "--no-sizes"}} {
		ctx, cancel := context.WithTimeout(t.Context(), patience) // the mount is dead until the test ends
		defer cancel()
		cmd := exec.CommandContext(ctx, binaries.linux, args...)
		cmd.Dir = t.TempDir()
		if out, err := cmd.CombinedOutput(); ctx.Err() != nil {
			t.Errorf("%v does not end: %v, %s", args, err, out)
		}
	}
}

// serving is the process that serves a mount of an image.
func serving(t testing.TB, image string) int {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		data, err := os.ReadFile(path)
		if args := strings.Split(string(data), "\x00"); err == nil && filepath.Base(args[0]) == "ntfs-3g" && slices.Contains(args, image) {
			var pid int
			fmt.Sscan(filepath.Base(filepath.Dir(path)), &pid)
			return pid
		}
	}
	t.Fatalf("nobody serves %s", image)
	return 0
}

// An EnCase image is refused with its name, and the way the refusal shows leads on.
func TestEnCaseImage(t *testing.T) {
	need(t, "ewfacquire", "ewfmount", "fusermount")
	raw, _ := partitionedPC(t)
	target := filepath.Join(t.TempDir(), "pc")
	sh(t, "ewfacquire", "-u", "-q", "-t", target, "-f", "encase6", "-c", "deflate:fast", raw)
	out, code := lifeboat(t, "disks", target+".E01")
	if want(t, 11, out, code); !strings.Contains(out, "EnCase image (E01)") || !strings.Contains(out, "ewfmount") {
		t.Errorf("%s", out)
	}
	mount := t.TempDir()
	sh(t, "ewfmount", target+".E01", mount)
	t.Cleanup(func() { unmount(mount) })
	if got := parts(t, filepath.Join(mount, "ewf1")); !reflect.DeepEqual(got, parts(t, raw)) {
		t.Errorf("%v", got)
	}
	if out, code := lifeboat(t, "detect", "--no-sizes", filepath.Join(mount, "ewf1")); code != 0 || !strings.Contains(out, sample.Computer) {
		t.Errorf("return code %d: %s", code, out)
	}
}

// The Windows build reads images as the Linux build does. Under wine a physical disk
// opens but does not tell its length: it is listed with that.
func TestDisksUnderWine(t *testing.T) {
	need(t, "qemu-img")
	env := winePrefix(t, nil)
	raw, _ := partitionedPC(t)
	vhdx := filepath.Join(t.TempDir(), "pc.vhdx")
	sh(t, "qemu-img", "convert", "-f", "raw", "-O", "vhdx", raw, vhdx)
	for _, image := range []string{raw, vhdx} {
		out, code := wine(t, env, "disks", windowsPath(image))
		if want(t, 0, out, code); !strings.Contains(out, "GPT") || !strings.Contains(out, "NTFS") {
			t.Errorf("%s", out)
		}
		out, code = wine(t, env, "detect", "--no-sizes", windowsPath(image))
		if want(t, 0, out, code); !strings.Contains(out, sample.Computer) {
			t.Errorf("%s", out)
		}
	}
	physical := filepath.Join(binaries.dir, "wine", "dosdevices", "physicaldrive0")
	if err := os.Symlink(raw, physical); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(physical)
	out, code := wine(t, env, "disks")
	if want(t, 0, out, code); !strings.Contains(out, `\\.\PhysicalDrive0`) || !strings.Contains(out, "length") {
		t.Errorf("%s", out)
	}
}
