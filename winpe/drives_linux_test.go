package winpe

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"lifeboat/engine/bitlocker"
	"lifeboat/engine/ntfs/ntfstest"
	"lifeboat/engine/sample"
)

// putFiles makes small files below a folder.
func putFiles(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func sampleDisk(t *testing.T) []byte {
	t.Helper()
	plain := ntfstest.New(ntfstest.Options{Label: "Data"}).Image()
	shut, _, err := sample.Encrypt(plain, bitlocker.MethodXTS256, 1,
		bitlocker.NewProtector{Kind: bitlocker.KindTPM}, bitlocker.NewProtector{Kind: bitlocker.KindRecovery, Secret: sample.RecoveryPassword})
	if err != nil {
		t.Fatal(err)
	}
	image, err := sample.Disk(
		sample.Partition{GUID: [16]byte{1}, Name: "Data", Volume: plain},
		sample.Partition{GUID: [16]byte{2}, Name: "Basic data partition", Volume: shut},
		sample.Partition{GUID: [16]byte{3}, Name: "Nothing", Volume: make([]byte, 1<<20)},
	)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func TestDrives(t *testing.T) {
	h := host{root: t.TempDir()}
	putFiles(t, h.root, map[string]string{
		"sys/block/sda/size": "26624", "sys/block/sda/dev": "8:0", "sys/block/sda/queue/rotational": "1",
		"sys/block/sda/queue/logical_block_size": "512", "sys/block/sda/device/model": "ST1000LM035", "sys/block/sda/device/iotmo_cnt": "0x3",
		"sys/block/sda/sda1/partition": "1", "sys/block/sda/sda1/start": "2048", "sys/block/sda/sda1/size": "2048",
		"sys/block/sda/sda2/partition": "2", "sys/block/sda/sda2/start": "4096", "sys/block/sda/sda2/size": "2048",
		"sys/block/sda/sda2/holders/dm-0/x": "",
		// A disk that cannot be opened: what the kernel and udev know is shown.
		"sys/block/sdb/size": "1000", "sys/block/sdb/removable": "1", "sys/block/sdb/sdb1/partition": "1", "sys/block/sdb/sdb1/start": "64",
		"sys/block/sdb/sdb1/size": "900", "sys/block/sdb/sdb1/dev": "8:17",
		"run/udev/data/b8:17":  "E:ID_FS_TYPE=ntfs\nE:ID_FS_LABEL_ENC=My\\x20Stick\nE:ID_PART_ENTRY_SCHEME=dos\nE:ID_PART_TABLE_UUID=cafe0001\n",
		"sys/block/loop0/size": "8", "sys/block/sdc/size": "0", "sys/block/dm-0/size": "8",
		"dev/sda": string(sampleDisk(t)),
	})
	drives, err := h.drives(context.Background(), []Volume{
		{Mount: "/mnt/data", Device: "/dev/sda1", Free: 77, Disk: Disk{Name: "sda"}},
	})
	if err != nil || len(drives) != 2 {
		t.Fatalf("%+v, %v", drives, err)
	}
	a, b := drives[0], drives[1]
	if a.Device != "/dev/sda" || !a.Rotational || a.Scheme != "GPT" || a.Health == "" || a.Problem != "" || len(a.Parts) != 3 {
		t.Fatalf("%+v", a)
	}
	data, shut, nothing := a.Parts[0], a.Parts[1], a.Parts[2]
	if data.Path != "/dev/sda1" || data.FileSystem != "NTFS" || data.Label != "Data" || data.Mount != "/mnt/data" || data.Free != 77 || !data.IsOpen() ||
		data.Partition.GUID != "00000001-0000-0000-0000-000000000000" || data.Offset != 1<<20 {
		t.Errorf("%+v", data)
	}
	if shut.InUse != "dm-0" || shut.FileSystem != "BitLocker" || shut.BitLocker == nil || shut.BitLocker.State != bitlocker.StateLocked ||
		len(shut.BitLocker.RecoveryKeyIDs) != 1 || shut.BitLocker.Method != bitlocker.MethodXTS256 || shut.IsOpen() {
		t.Errorf("%+v", shut)
	}
	if nothing.Path != "/dev/sda#3" || nothing.FileSystem != "" { // the kernel does not know it
		t.Errorf("%+v", nothing)
	}
	if b.Problem == "" || len(b.Parts) != 1 || b.Parts[0].Label != "My Stick" || b.Parts[0].Partition != (Partition{Signature: 0xCAFE0001, Offset: 64 * 512}) {
		t.Errorf("%+v", b)
	}
	text, err := json.Marshal(Machine{Drives: drives})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := ReadMachine(text); err != nil || !reflect.DeepEqual(m.Drives, drives) {
		t.Errorf("read back as %+v, %v", m.Drives, err)
	}
}

func TestDriveOfAnImage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pc.img")
	if err := os.WriteFile(path, sampleDisk(t), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := DriveOf(context.Background(), path)
	if err != nil || d.Name != "pc.img" || d.Bus != "raw image" || len(d.Parts) != 3 || d.Parts[1].Path != path+"#2" {
		t.Errorf("%+v, %v", d, err)
	}
	if d, err := DriveOf(context.Background(), path+".none"); err == nil || d.Problem == "" {
		t.Errorf("%+v, %v", d, err)
	}
	empty := filepath.Join(t.TempDir(), "empty.img")
	if err := os.WriteFile(empty, make([]byte, 1<<16), 0o644); err != nil {
		t.Fatal(err)
	}
	if d, err := DriveOf(context.Background(), empty); err != nil || len(d.Parts) != 0 || !strings.Contains(strings.Join(d.Notes, ""), "no partition table") {
		t.Errorf("%+v, %v", d, err)
	}
}

// A BitLocker volume whose first sector is lost is listed as one.
func TestDriveWithALostBootSector(t *testing.T) {
	image := sampleDisk(t)
	path := filepath.Join(t.TempDir(), "pc.img")
	put := func(b []byte) Drive {
		t.Helper()
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		d, err := DriveOf(context.Background(), path)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	p := put(image).Parts[1]
	shut := image[p.Offset : p.Offset+p.Size]
	clear(shut[:512])
	d := put(image)
	if got := d.Parts[1]; got.FileSystem != "BitLocker" || got.BitLocker == nil || got.BitLocker.VolumeID != p.BitLocker.VolumeID {
		t.Errorf("%+v", got)
	}
	if got := d.Parts[2]; got.FileSystem != "" || got.BitLocker != nil || got.Problem != "" {
		t.Errorf("%+v", got)
	}
	d = put(shut)
	if len(d.Parts) != 1 || d.Parts[0].Path != path || d.Parts[0].BitLocker == nil || d.Scheme != "none" || len(d.Notes) != 0 {
		t.Errorf("%+v", d)
	}
}

func TestIsDrive(t *testing.T) {
	for name, want := range map[string]bool{
		"sda": true, "nvme0n1": true, "mmcblk0": true, "vda": true, "mmcblk0boot0": false,
		"loop0": false, "dm-3": false, "md127": false, "sr0": false, "zram0": false, "ram1": false,
	} {
		if isDrive(name) != want {
			t.Errorf("%s", name)
		}
	}
}

func TestLiesBelow(t *testing.T) {
	sys := t.TempDir()
	putFiles(t, sys, map[string]string{
		"sda/sda1/partition": "1\n", "sda/sda2/partition": "2\n", "sdb/sdb1/partition": "1\n", "dm-0/slaves/x": "",
	})
	if err := os.Remove(filepath.Join(sys, "dm-0/slaves/x")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(sys, "sda/sda2"), filepath.Join(sys, "dm-0/slaves/sda2")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		block, device string
		number        int
		want          bool
	}{
		{"sda/sda1", "sda", -1, true}, {"sda/sda1", "sda", 1, true}, {"sda/sda1", "sda", 2, false}, {"sda/sda1", "sda/sda1", -1, true},
		{"sda/sda2", "sda/sda1", -1, false}, {"sdb/sdb1", "sda", -1, false}, {"dm-0", "sda", -1, true}, {"dm-0", "sda/sda2", -1, true},
		{"dm-0", "sda", 2, true}, {"dm-0", "sda", 1, false}, {"sda", "sda", -1, true}, {"sda", "sda/sda1", -1, false},
	} {
		if got := liesBelow(filepath.Join(sys, c.block), filepath.Join(sys, c.device), c.number); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	image := filepath.Join(sys, "pc.img")
	putFiles(t, sys, map[string]string{"pc.img": "x"})
	for _, place := range []string{image, image + "#3"} {
		if on, err := LiesOn(sys, place); on {
			t.Errorf("%s: %v, %v", place, on, err)
		}
	}
}
