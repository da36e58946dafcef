package linuxstick

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// wanted are the folders of a package that the stick has a use for.
var wanted = []string{
	"boot/", "lib/modules/", "usr/lib/modules/", "usr/lib/shim/", "usr/lib/grub/", "bin/busybox", "usr/bin/busybox", "usr/share/doc/",
}

// unpack unpacks what is wanted of a Debian package: an ar archive whose member
// data.tar holds the files (deb(5)). Links and devices in it are passed over.
func unpack(ctx context.Context, deb, into string) error {
	f, err := os.Open(deb)
	if err != nil {
		return err
	}
	defer f.Close()
	name, member, err := dataMember(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return err
	}
	plain, err := decompressed(path.Ext(name), member)
	if err != nil {
		return err
	}
	defer plain.Close()
	for archive := tar.NewReader(plain); ; {
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		name := strings.TrimPrefix(h.Name, "./")
		if h.Typeflag != tar.TypeReg || !isWanted(name) {
			continue
		}
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return fmt.Errorf("%q is no path of a package", h.Name)
		}
		if err := put(filepath.Join(into, filepath.FromSlash(name)), archive); err != nil {
			return err
		}
		if err := os.Chtimes(filepath.Join(into, filepath.FromSlash(name)), h.ModTime, h.ModTime); err != nil {
			return err
		}
	}
}

func isWanted(name string) bool {
	for _, w := range wanted {
		if strings.HasPrefix(name, w) {
			return true
		}
	}
	return false
}

// dataMember finds data.tar in the archive.
func dataMember(r *bufio.Reader) (string, io.Reader, error) {
	const magic = "!<arch>\n"
	head := make([]byte, 60)
	if _, err := io.ReadFull(r, head[:len(magic)]); err != nil || string(head[:len(magic)]) != magic {
		return "", nil, errors.New("it is no Debian package")
	}
	for {
		if _, err := io.ReadFull(r, head); err != nil {
			return "", nil, errors.New("it holds no data.tar")
		}
		name := strings.TrimRight(string(head[:16]), " /")
		size, err := strconv.ParseInt(strings.TrimSpace(string(head[48:58])), 10, 64)
		if err != nil || size < 0 {
			return "", nil, errors.New("it is damaged")
		}
		if strings.HasPrefix(name, "data.tar") {
			return name, io.LimitReader(r, size), nil
		}
		if _, err := io.CopyN(io.Discard, r, size+size%2); err != nil {
			return "", nil, fmt.Errorf("it is damaged: %w", err)
		}
	}
}

// decompressed reads what was packed in the way that a file's extension tells.
func decompressed(ext string, r io.Reader) (io.ReadCloser, error) {
	switch ext {
	case ".xz":
		x, err := xz.NewReader(bufio.NewReader(r))
		return io.NopCloser(x), err
	case ".zst":
		z, err := zstd.NewReader(r)
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	case ".gz":
		return gzip.NewReader(r)
	}
	return io.NopCloser(r), nil
}

func put(file string, r io.Reader) (err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(f, r)
	return err
}
