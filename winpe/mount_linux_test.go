package winpe

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A foreign label makes a folder with a plain name, never one elsewhere, and two
// volumes of one name get two folders.
func TestMountPoint(t *testing.T) {
	root := filepath.Join(t.TempDir(), "media")
	for _, c := range []struct{ label, want string }{
		{"RESCUE", "RESCUE"}, {"RESCUE", "RESCUE_2"}, {"My Stick 1.0", "My_Stick_1_0"}, {"../../etc", "____etc"}, {"\x1b[31m", "31m"}, {"漢字", "sdb1"}, {"", "sdb1_2"},
	} {
		dir, err := mountPoint(root, Part{Path: "/dev/sdb1", Label: c.label})
		if err != nil || dir != filepath.Join(root, c.want) {
			t.Errorf("%q: %s, %v", c.label, dir, err)
		}
	}
}

func TestMountRefused(t *testing.T) {
	if CanMount("NTFS") || CanMount("") || !CanMount("FAT32") || !CanMount("exFAT") {
		t.Error("the wrong file systems are mounted")
	}
	if _, err := Mount(Part{Path: "/dev/none", FileSystem: "NTFS"}, true); err == nil || !strings.Contains(err.Error(), "not one to write") {
		t.Error(err)
	}
	if _, err := os.Stat(MountRoot + "/none"); err == nil {
		t.Error("a folder was left")
	}
}
