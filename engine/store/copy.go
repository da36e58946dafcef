package store

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// partName is the folder that a copy of a store is made in.
const partName = folderName + ".part"

// Copy copies the store at from, complete or not, to the folder to, which must
// have none. It appears there whole or not at all, and on the medium. begin is told
// how much there is to copy, before progress of it. The store at from is only read.
// Nothing may write to it meanwhile.
func Copy(ctx context.Context, from, to string, begin func(files, bytes int64), progress Progress) error {
	src := Dir(from)
	old := newBlobs(src, true)
	var names []string
	var bytes int64
	err := filepath.WalkDir(src, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, tempSuffix) {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		names = append(names, name)
		bytes += info.Size()
		return ctx.Err()
	})
	if err != nil {
		return old.fault("read", src, err)
	}
	begin(int64(len(names)), bytes)

	part := filepath.Join(to, partName)
	if err := os.RemoveAll(part); err != nil { // of a copy that was interrupted
		return err
	}
	st := newBlobs(part, false)
	if err := os.MkdirAll(part, 0o777); err != nil {
		return st.fault("create", part, err)
	}
	dirs := map[string]bool{part: true}
	buffer := make([]byte, writeSize)
	for _, name := range names {
		rel, err := filepath.Rel(src, name)
		if err != nil {
			return err
		}
		dest := filepath.Join(part, rel)
		if dir := filepath.Dir(dest); !dirs[dir] {
			if err := os.MkdirAll(dir, 0o777); err != nil {
				return st.fault("create", dir, err)
			}
			dirs[dir] = true
		}
		n, err := copyFile(ctx, old, st, name, dest, buffer)
		if err != nil {
			os.RemoveAll(part)
			return err
		}
		progress(1, n, rel)
	}
	for dir := range dirs {
		if err := syncDir(dir); err != nil {
			return st.fault("write", dir, err)
		}
	}
	if err := os.Rename(part, Dir(to)); err != nil {
		return st.fault("write", Dir(to), err)
	}
	return st.fault("write", to, syncDir(to))
}

// copyFile copies one file to the medium.
func copyFile(ctx context.Context, from, to *blobs, name, dest string, buffer []byte) (int64, error) {
	in, err := os.Open(name)
	if err != nil {
		return 0, from.fault("read", name, err)
	}
	defer in.Close()
	out, err := os.OpenFile(dest, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return 0, to.fault("write", dest, err)
	}
	n := int64(0)
	for err == nil {
		var got int
		got, err = in.Read(buffer)
		if err != nil && err != io.EOF {
			err = from.fault("read", name, err)
			break
		}
		if _, werr := (contextWriter{ctx, out}).Write(buffer[:got]); werr != nil {
			err = to.fault("write", dest, werr)
			break
		}
		n += int64(got)
	}
	if err == io.EOF {
		err = nil
	}
	return n, errors.Join(err, to.fault("write", dest, errors.Join(out.Sync(), out.Close())))
}
