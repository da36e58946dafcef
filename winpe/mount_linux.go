package winpe

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// MountRoot is where a stick on Linux mounts volumes.
const MountRoot = "/media"

// kernelFS is how the kernel calls a file system and what it is told about it:
// names in UTF-8, no writing after the first error.
var kernelFS = map[string]struct{ name, options string }{
	"FAT12": {"vfat", fatOptions}, "FAT16": {"vfat", fatOptions}, "FAT32": {"vfat", fatOptions},
	"exFAT": {"exfat", "iocharset=utf8,errors=remount-ro"},
}

const fatOptions = "utf8=1,codepage=437,iocharset=iso8859-1,shortname=mixed,errors=remount-ro"

// CanMount reports whether Mount is for a file system.
func CanMount(fileSystem string) bool { return kernelFS[fileSystem].name != "" }

// Mount mounts a FAT or exFAT volume so that a store can be written to it, in a
// folder below MountRoot that is named after its label, and returns the folder. It needs root.
func Mount(p Part, readOnly bool) (string, error) {
	fs, ok := kernelFS[p.FileSystem]
	if !ok {
		return "", fmt.Errorf("mount %s: its file system is not one to write a store to", p.Path)
	}
	dir, err := mountPoint(MountRoot, p)
	if err != nil {
		return "", err
	}
	flags := uintptr(unix.MS_NOATIME | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
	if readOnly {
		flags |= unix.MS_RDONLY
	}
	if err := unix.Mount(p.Path, dir, fs.name, flags, fs.options); err != nil {
		os.Remove(dir)
		return "", fmt.Errorf("mount %s: %w", p.Path, err)
	}
	return dir, nil
}

// mountPoint makes a folder for a volume. Its name is the volume's label, as far
// as it is safe on a screen and in a path, else the device.
func mountPoint(root string, p Part) (string, error) {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		case r == ' ', r == '.':
			return '_'
		}
		return -1
	}, p.Label)
	if name == "" {
		name = filepath.Base(p.Path)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", err
	}
	for i := 1; i < 100; i++ {
		dir := filepath.Join(root, name)
		if i > 1 {
			dir = fmt.Sprintf("%s_%d", dir, i)
		}
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			return dir, nil
		}
		if !os.IsExist(err) {
			return "", err
		}
	}
	return "", fmt.Errorf("too many volumes are called %s", name)
}
