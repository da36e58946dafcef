package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kopia/kopia/snapshot"
)

func TestFileTime(t *testing.T) {
	for _, c := range []struct {
		ft   FileTime
		time string
	}{
		{1, "1601-01-01T00:00:00.0000001Z"},
		{116444736000000000, "1970-01-01T00:00:00Z"},
		{132000000000000000, "2019-04-17T18:40:00Z"},
		{116444735999999999, "1969-12-31T23:59:59.9999999Z"},
		{0x7FFFFFFFFFFFFFFF, "30828-09-14T02:48:05.4775807Z"},
	} {
		if got := c.ft.Time().Format(time.RFC3339Nano); got != c.time {
			t.Errorf("%d is %s, want %s", c.ft, got, c.time)
		}
		if back := FileTimeOf(c.ft.Time()); back != c.ft {
			t.Errorf("%d came back as %d", c.ft, back)
		}
	}
	if !FileTime(0).Time().IsZero() || FileTimeOf(time.Time{}) != 0 {
		t.Error("unknown is not zero")
	}
}

func TestLines(t *testing.T) {
	want := []Object{
		{Path: `C:\Users`, Dir: true, Attr: 0x10},
		{
			Path: Text(`C:\Users\a` + "\xed\xa0\x80" + `\b%u0041.txt`), Size: 5, Attr: 0x20, Created: 1, Modified: 2, Accessed: 3,
			Links: 2, FileID: 77, Tag: 0xA000000C, Reparse: []byte{1, 2}, Security: 4,
			Streams: []ObjectStream{{Name: "Zone.Identifier", Size: 9}}, User: "S-1-5-21-1-2-3-1001", Units: []int{0, 3},
		},
	}
	var buf bytes.Buffer
	w := NewLineWriter[Object](&buf)
	for _, o := range want {
		if err := w.Write(o); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	// A missing last newline and blank lines do no harm.
	text := "\n" + strings.TrimSuffix(buf.String(), "\n")
	var got []Object
	for o, err := range Lines[Object](strings.NewReader(text)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, o)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, bad := range []string{"{", "[]", "{}\n{\"size\":\"x\"}\n", strings.Repeat(" ", MaxLine+1)} {
		var last error
		for _, err := range Lines[Object](strings.NewReader(bad)) {
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), "line ") {
			t.Errorf("%.20q: error %v", bad, last)
		}
	}
	if err := NewLineWriter[Object](&buf).Write(Object{Reparse: make([]byte, MaxLine)}); err == nil {
		t.Error("a line that cannot be read back is written")
	}
}

func TestSplitKey(t *testing.T) {
	key := RegistryKey{Path: `HKLM\SOFTWARE\x`, LastWrite: 7, Security: []byte{1}}
	if got := SplitKey(key, 10); len(got) != 1 || !reflect.DeepEqual(got[0], key) {
		t.Errorf("empty key: %+v", got)
	}
	for _, size := range []int{4, 4, 4, 30, 0, 10} {
		key.Values = append(key.Values, RegistryValue{Data: make([]byte, size)})
	}
	var values []RegistryValue
	var sizes []int
	for i, part := range SplitKey(key, 10) {
		if part.Path != key.Path || (i == 0) != (part.LastWrite == 7) {
			t.Errorf("part %d: %+v", i, part)
		}
		sizes = append(sizes, len(part.Values))
		values = append(values, part.Values...)
	}
	if !reflect.DeepEqual(values, key.Values) || !reflect.DeepEqual(sizes, []int{2, 1, 1, 2}) {
		t.Errorf("parts of %v values", sizes)
	}
}

func FuzzCatalog(f *testing.F) {
	f.Add([]byte(`{"path":"C:\\a%uD800","attr":32,"streams":[{"name":"s","size":1}]}`))
	f.Add([]byte(`{"path":"HKLM\\x","values":[{"name":"","type":1,"data":"AAA="}]}` + "\n{}"))
	f.Add([]byte(`{"version":1,"users":[{"sid":"S-1","name":"x"}],"machine":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		again(t, data, Object{})
		again(t, data, RegistryKey{})
		again(t, data, Security{})
		again(t, data, Catalog{})
		parseMarker(data)
	})
}

// again checks that whatever parses is written and read back the same.
func again[T any](t *testing.T, data []byte, _ T) {
	t.Helper()
	for v, err := range Lines[T](bytes.NewReader(data)) {
		if err != nil {
			return
		}
		first, err := json.Marshal(v)
		if err != nil {
			continue // a raw message or a year that Go does not write
		}
		for back, err := range Lines[T](bytes.NewReader(first)) {
			second, merr := json.Marshal(back)
			if err != nil || merr != nil || !bytes.Equal(first, second) {
				t.Errorf("%s became %s: %v, %v", first, second, err, merr)
			}
		}
	}
}

func FuzzDir(f *testing.F) {
	f.Add([]byte(`{"stream":"kopia:directory","entries":[{"name":"a","type":"f","mode":"0644","size":5,"mtime":"2019-05-04T03:02:01Z","obj":"c2fe5e3f"}],"summary":{"size":5}}`))
	f.Add([]byte(`{"stream":"kopia:directory","entries":null,"summary":null}`))
	f.Add([]byte(`{"stream":"kopia:directory","entries":[{"name":"..","type":"d","obj":"k00"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		parseDirectory(bytes.NewReader(data), func(e *snapshot.DirEntry, start int64) error {
			if checkName(e.Name) != nil {
				t.Errorf("took the name %q", e.Name)
			}
			return nil
		})
	})
}

// One entry may not eat the memory.
func TestParseDirLimit(t *testing.T) {
	count := func(text string) (n int, err error) {
		err = parseDirectory(strings.NewReader(text), func(*snapshot.DirEntry, int64) error { n++; return nil })
		return n, err
	}
	if _, err := count(`{"stream":"kopia:directory","entries":[{"name":"` + strings.Repeat("a", 2*maxEntry) + `"}]}`); err == nil {
		t.Error("taken")
	}
	var b strings.Builder
	b.WriteString(`{"entries":[{"name":"z","type":"d","obj":"k00"}`)
	for i := range 100000 {
		fmt.Fprintf(&b, `,{"name":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%06d","type":"f","obj":"c2fe5e3f"}`, i)
	}
	b.WriteString(`],"stream":"kopia:directory"}`)
	if n, err := count(b.String()); err != nil || n != 100001 {
		t.Errorf("%d entries, %v", n, err)
	}
}
