package main

import (
	"os"
	"path/filepath"

	"lifeboat/engine/winname"
)

// spelled returns a path as the disk spells it: where a file system tells
// WINDOWS from Windows, the person who typed it need not. A path that is there
// as it is, or not at all, comes back unchanged.
func spelled(path string) string {
	if _, err := os.Lstat(path); err == nil {
		return path
	}
	dir, name := filepath.Dir(path), filepath.Base(path)
	if dir == path {
		return path
	}
	dir = spelled(dir)
	entries, _ := os.ReadDir(dir) // a folder that cannot be read has no other spelling
	for _, e := range entries {
		if winname.Equal(e.Name(), name) {
			return filepath.Join(dir, e.Name())
		}
	}
	return path
}
