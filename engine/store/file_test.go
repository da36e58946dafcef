package store

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
	"time"
)

// reads counts the reads of a source.
type reads struct {
	io.Reader
	n int
}

func (r *reads) Read(p []byte) (int, error) {
	r.n++
	return r.Reader.Read(p)
}

func (*reads) Close() error { return nil }

// A large file is read in few big reads; one that comes in small parts is not waited
// for until a big one is full. Both come out as they are.
func TestBigReads(t *testing.T) { eachKind(t, testBigReads) }

func testBigReads(t *testing.T, kind Kind) {
	data := make([]byte, 2*bigRead+100)
	rand.NewChaCha8([32]byte{1}).Read(data)
	s := create(t, t.TempDir(), kindOptions(t, kind))
	defer closeStore(t, s)
	c := begin(t, s)
	whole := &reads{Reader: bytes.NewReader(data)}
	parts := &reads{Reader: iotest.HalfReader(iotest.DataErrReader(bytes.NewReader(data)))}
	for name, r := range map[string]*reads{"parts": parts, "whole": whole} {
		err := c.Add(t.Context(), Item{
			Path: "File/C$/" + name, Size: int64(len(data)), ModTime: time.Unix(1.7e9, 0),
			Open: func() (io.ReadCloser, error) { return r, nil },
		}, func(o Outcome) {
			if o.Err != nil || o.Read != int64(len(data)) {
				t.Errorf("%s: %d bytes, %v", name, o.Read, o.Err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	writeCatalog(t, c)
	id, err := c.Finish(t.Context(), Summary{})
	if err != nil {
		t.Fatal(err)
	}
	if whole.n > 4 {
		t.Errorf("%d reads", whole.n)
	}
	tree, err := s.Tree(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"parts", "whole"} {
		f, err := tree.Open(t.Context(), "File/C$/"+name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(f); !bytes.Equal(got, data) || err != nil {
			t.Errorf("%s: %d bytes that differ, %v", name, len(got), err)
		}
		f.Close()
	}
}

// Around bad sectors a source delivers little at a time.
func TestFillReturnsSoon(t *testing.T) {
	r := &reads{Reader: iotest.OneByteReader(bytes.NewReader(make([]byte, 2*readSize)))}
	buf := make([]byte, bigRead)
	for _, want := range []struct {
		n   int
		err error
	}{{readSize, nil}, {readSize, nil}, {0, io.EOF}} {
		if n, err := fill(r, buf); n != want.n || err != want.err {
			t.Errorf("%d bytes, %v; want %d, %v", n, err, want.n, want.err)
		}
	}
}
