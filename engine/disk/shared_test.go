package disk

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"lifeboat/engine/sample/shareddata"
)

// shared unpacks a file of shared/data/ntfs.
func shared(t testing.TB, name string) []byte {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join(shareddata.Dir(t), "ntfs", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	var r io.Reader = bytes.NewReader(packed)
	switch {
	case strings.HasSuffix(name, ".gz"):
		r, err = gzip.NewReader(r)
	case strings.HasSuffix(name, ".xz"):
		r, err = xz.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// write puts data into a file of a folder.
func write(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// open opens an image for the length of a test.
func open(t testing.TB, path string) *Image {
	t.Helper()
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// content reads an image as a whole.
func content(t testing.TB, m *Image) []byte {
	t.Helper()
	data, err := io.ReadAll(io.NewSectionReader(m, 0, m.Size))
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(data)) != m.Size {
		t.Fatalf("%d bytes of %d", len(data), m.Size)
	}
	return data
}
