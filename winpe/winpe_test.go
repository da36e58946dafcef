package winpe

import (
	"context"
	"encoding/json"
	"errors"
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
		defer os.Chmod(dir, 0o755) // so that it can be removed
		if err := CheckWritable(dir); !errors.Is(err, fs.ErrPermission) {
			t.Error(err)
		}
	}
}
