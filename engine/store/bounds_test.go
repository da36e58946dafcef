package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/kopia/kopia/repo/compression"
	"github.com/kopia/kopia/repo/object"
	"github.com/kopia/kopia/snapshot"
)

// A few bytes do not become more in memory than any piece of content has.
func TestBomb(t *testing.T) {
	for _, name := range []compression.Name{compressor, "zstd", "gzip"} {
		c := compression.ByHeaderID[compression.ByName[name].HeaderID()]
		for size, want := range map[int]error{maxContent: nil, maxContent + 1: ErrCorrupt} {
			var packed bytes.Buffer
			if err := c.Compress(&packed, bytes.NewReader(make([]byte, size))); err != nil {
				t.Fatal(err)
			}
			var out counting
			err := c.Decompress(&out, &packed, true)
			if out > maxContent || !errors.Is(err, want) || want == nil && int(out) != size {
				t.Errorf("%s: %d bytes became %d, %v", name, size, out, err)
			}
		}
	}
}

// counting counts what is written to it.
type counting int64

func (c *counting) Write(p []byte) (int, error) {
	*c += counting(len(p))
	return len(p), nil
}

// A list of pieces that somebody made up is damage, whatever sizes it tells.
func TestForeignPieces(t *testing.T) {
	s := create(t, t.TempDir(), testOptions(t))
	defer closeStore(t, s)
	w, err := s.repo.begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	put := func(content string) string {
		o := w.(kopiaSession).w.NewObjectWriter(t.Context(), object.WriterOptions{Prefix: "x"})
		defer o.Close()
		if _, err := io.WriteString(o, content); err != nil {
			t.Fatal(err)
		}
		id, err := o.Result()
		if err != nil {
			t.Fatal(err)
		}
		return id.String()
	}
	piece := put("hello")
	list := func(entries ...string) string {
		return "I" + put(`{"stream":"kopia:indirect","entries":[`+strings.Join(entries, ",")+`]}`)
	}
	entry := func(start, length int64, id string) string {
		return fmt.Sprintf(`{"s":%d,"l":%d,"o":%q}`, start, length, id)
	}
	good := list(entry(0, 5, piece), entry(5, 5, piece))
	ids := map[string]string{
		"good":       good,
		"none":       list(),
		"negative":   list(entry(0, -5, piece)),
		"empty":      list(entry(0, 0, piece), entry(0, 5, piece)),
		"huge":       list(entry(0, 1<<40, piece)),
		"too large":  list(entry(0, 1<<62, piece), entry(1<<62, 1<<62, piece)),
		"gap":        list(entry(0, 5, piece), entry(7, 5, piece)),
		"overlap":    list(entry(0, 5, piece), entry(3, 5, piece)),
		"nested":     list(entry(0, 10, good)),
		"no list":    "I" + put("{"),
		"list twice": "I" + good,
	}
	if err := w.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for what, text := range ids {
		id, err := object.ParseID(text)
		if err != nil {
			t.Fatal(err)
		}
		f, err := s.openFile(t.Context(), "a", &snapshot.DirEntry{Name: "a", FileSize: 10, ObjectID: id})
		var content []byte
		if err == nil {
			content, err = io.ReadAll(f)
			f.Close()
		}
		if what == "good" {
			if err != nil || string(content) != "hellohello" {
				t.Errorf("%s: %q, %v", what, content, err)
			}
		} else if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %q, %v", what, content, err)
		}
	}
}
