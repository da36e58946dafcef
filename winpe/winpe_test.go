package winpe

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func TestReadMachine(t *testing.T) {
	data, err := os.ReadFile("testdata/live-usb.json")
	if err != nil {
		t.Fatal(err)
	}
	m, err := ReadMachine(data)
	if err != nil || len(m.Volumes) == 0 {
		t.Fatal(m, err)
	}
	again, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if m2, err := ReadMachine(again); err != nil || !reflect.DeepEqual(m, m2) {
		t.Error(m2, err)
	}
	if _, err := ReadMachine([]byte("{")); err == nil {
		t.Error("half a file is no error")
	}
}

// This machine, whatever it is.
func TestLive(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("not known here")
	}
	m, err := Look(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if m.System.OS != runtime.GOOS || m.System.Name == "" {
		t.Errorf("%+v", m.System)
	}
	ids := map[string]bool{}
	for _, v := range m.Volumes {
		if v.Mount == "" || v.ID == "" || ids[v.ID] || v.Free > v.Size {
			t.Errorf("%+v", v)
		}
		ids[v.ID] = true
	}
	if len(m.Volumes) == 0 {
		t.Error("no volumes")
	}
}

func TestPaths(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("not known here")
	}
	dir := t.TempDir()
	deep := filepath.Join(dir, "not", "yet", "there")
	if same, err := SameVolume(dir, deep); err != nil || !same {
		t.Errorf("SameVolume: %v, %v", same, err)
	}
	if free, err := FreeSpace(deep); err != nil || free <= 0 {
		t.Errorf("FreeSpace: %d, %v", free, err)
	}
	if err := CheckWritable(deep); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	for path, want := range map[string]bool{dir: true, deep: true, dir + "-other": false, filepath.Dir(dir): false} {
		if got, err := LiesOn(path, dir); err != nil || got != want {
			t.Errorf("LiesOn(%s, %s) = %v, %v", path, dir, got, err)
		}
	}
	top := filepath.VolumeName(dir) + string(filepath.Separator)
	if got, err := LiesOn(filepath.Join(top, "x"), top); err != nil || !got {
		t.Errorf("LiesOn the root: %v, %v", got, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := CheckWritable(file); err == nil || !strings.Contains(err.Error(), "no folder") {
		t.Errorf("a file in the place of a folder: %v", err)
	}
	if runtime.GOOS == "linux" && os.Geteuid() != 0 {
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		if err := CheckWritable(dir); !errors.Is(err, fs.ErrPermission) {
			t.Error(err)
		}
	}
}

// gpt makes a disk with one partition at the given byte offset.
func gpt(sector int, offset int64) []byte {
	le := binary.LittleEndian
	disk := make([]byte, 8*sector)
	disk[446+4], disk[510], disk[511] = 0xEE, 0x55, 0xAA
	h := disk[sector:]
	copy(h, "EFI PART")
	le.PutUint64(h[72:], 2)
	le.PutUint32(h[80:], 4)
	le.PutUint32(h[84:], 128)
	le.PutUint32(h[16:], crc32.ChecksumIEEE(h[:92]))
	e := disk[2*sector+128:]
	copy(e[16:], []byte{0x78, 0x56, 0x34, 0x12, 0xBC, 0x9A, 0xF0, 0xDE, 1, 2, 3, 4, 5, 6, 7, 8})
	le.PutUint64(e[32:], uint64(offset)/uint64(sector))
	return disk
}

func TestPartitionTable(t *testing.T) {
	for _, sector := range []int{512, 4096} {
		got, err := readPartition(bytes.NewReader(gpt(sector, 1<<20)), 1<<20)
		if want := (Partition{GUID: "12345678-9abc-def0-0102-030405060708"}); err != nil || got != want {
			t.Errorf("GPT with sectors of %d: %+v, %v", sector, got, err)
		}
		if _, err := readPartition(bytes.NewReader(gpt(sector, 1<<20)), 2<<20); err == nil {
			t.Error("a partition where there is none")
		}
	}
	damaged := gpt(512, 1<<20)
	damaged[512+80]++
	if _, err := readPartition(bytes.NewReader(damaged), 1<<20); err == nil {
		t.Error("a damaged header is believed")
	}
	if _, err := readPartition(bytes.NewReader(make([]byte, 512)), 0); err == nil {
		t.Error("an empty disk has a partition")
	}
	if _, err := readPartition(bytes.NewReader(nil), 0); err == nil {
		t.Error("no disk has a partition")
	}
}

func FuzzPartitionTable(f *testing.F) {
	f.Add(gpt(512, 1<<20), int64(1<<20))
	f.Add(gpt(4096, 1<<20), int64(1<<20))
	f.Fuzz(func(t *testing.T, disk []byte, offset int64) {
		readPartition(bytes.NewReader(disk), offset)
	})
}
