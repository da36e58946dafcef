package store

import (
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// dropCache asks the system to forget what it holds of a file in memory, so
// that the next read comes from the medium. If it cannot, so be it.
func dropCache(name string) {
	f, err := os.Open(name)
	if err != nil {
		return
	}
	defer f.Close()
	forgetFile(f)
}

// forgetFile is dropCache of an open file.
func forgetFile(f *os.File) { unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) }

// eachFile: files are not flushed one by one, which on a stick takes longer than
// writing them, but all together by syncAll.
const eachFile = false

// syncAll makes everything on the volume durable.
func syncAll(root *os.Root) error {
	f, err := root.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}

// syncRootDir makes renames in a folder durable.
func syncRootDir(root *os.Root, name string) error {
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !isUnsupported(err) {
		return err
	}
	return nil
}

// makeSparse does nothing: what is not written is a hole.
func makeSparse(*os.File) {}

// linkInto gives a file of this computer a second name below root. A link on the
// way to that is not left root by, one in the place of the file not followed.
func linkInto(root *os.Root, native, name string) error {
	dir, err := root.Open(path.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := unix.Linkat(unix.AT_FDCWD, native, int(dir.Fd()), path.Base(name), 0); err != nil {
		return &os.LinkError{Op: "link", Old: native, New: name, Err: err}
	}
	return nil
}

// removeAll deletes a folder and all in it.
func removeAll(dir string) error { return os.RemoveAll(dir) }
