package store

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"time"

	"lifeboat/engine/winname"
)

// CatalogVersion is the version of the files under Catalog/ and Registry/ that
// this package writes.
const CatalogVersion = 1

// Where the parts of the catalog lie in a capture. Those ending in .jsonl hold
// one JSON value a line; Registry/ holds files of RegistryKey lines, one for
// each hive or user.
const (
	CaptureJSON   = "Catalog/capture.json"   // Catalog
	ObjectsJSONL  = "Catalog/objects.jsonl"  // Object lines
	SecurityJSONL = "Catalog/security.jsonl" // Security lines
	ProblemsJSONL = "Catalog/problems.jsonl" // job.Problem lines
	RulesDir      = "Catalog/Rules"          // the rule files used, as they were
	RegistryDir   = "Registry"
)

// MaxLine bounds one line of a .jsonl file, for writer and reader alike.
const MaxLine = 32 << 20

// Text is a name or path of the source in WTF-8. In JSON it is escaped as by
// [winname.Escape].
type Text string

// MarshalText implements encoding.TextMarshaler.
func (t Text) MarshalText() ([]byte, error) {
	return []byte(winname.Escape(string(t), nil)), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Text) UnmarshalText(b []byte) error {
	*t = Text(winname.Unescape(string(b)))
	return nil
}

// FileTime is a time as Windows keeps it: 100 ns steps since 1601, 0 if unknown.
type FileTime uint64

// epochOffset is 1970-01-01 as a FileTime.
const epochOffset = 116444736000000000

// FileTimeOf converts t; a zero t or one before 1601 gives 0.
func FileTimeOf(t time.Time) FileTime {
	if t.IsZero() {
		return 0
	}
	steps := t.Unix()*1e7 + int64(t.Nanosecond()/100) + epochOffset
	return FileTime(max(steps, 0))
}

// Time converts to a time in UTC, zero if unknown.
func (f FileTime) Time() time.Time {
	if f == 0 {
		return time.Time{}
	}
	steps := int64(f) - epochOffset
	return time.Unix(steps/1e7, steps%1e7*100).UTC()
}

// Object is one file or folder of the source with all that its content under
// File/ does not tell. The line of a folder comes before those of what it holds.
type Object struct {
	Path     Text           `json:"path"`            // full Windows path, `C:\Users\a`
	Short    Text           `json:"short,omitempty"` // its name for DOS, `ANNAKE~1`, if that is another and known
	Dir      bool           `json:"dir,omitempty"`
	Size     int64          `json:"size,omitempty"`
	Attr     uint32         `json:"attr"`
	Created  FileTime       `json:"created,omitempty"`
	Modified FileTime       `json:"modified,omitempty"`
	Accessed FileTime       `json:"accessed,omitempty"`
	Links    uint32         `json:"links,omitempty"`   // number of hard links, if more than 1
	FileID   uint64         `json:"fileID,omitempty"`  // equal for all hard links of a file
	Tag      uint32         `json:"tag,omitempty"`     // reparse tag
	Reparse  []byte         `json:"reparse,omitempty"` // REPARSE_DATA_BUFFER
	Security int            `json:"sd,omitempty"`      // ID of a Security line, 0 if unknown
	Streams  []ObjectStream `json:"streams,omitempty"`
	Linked   bool           `json:"linked,omitempty"` // its content is a hard link to the file of the source
	Raw      bool           `json:"raw,omitempty"`    // encrypted with EFS, see EFSKeys
	User     string         `json:"user,omitempty"`   // SID whose context took it; empty for the system's
	Units    []int          `json:"units,omitempty"`  // indexes into Catalog.Units
	Missing  string         `json:"missing,omitempty"`
	Partial  string         `json:"partial,omitempty"`
}

// Of a file that was taken as EFS had encrypted it, the keys lie at
// StreamPath(path, EFSKeys) and the ciphertext at StreamPath(path, EFSData), that
// of an alternate stream at EFSData, a colon and its name. Size in the Object is
// that of the plain text.
const (
	EFSKeys = "$EFS"
	EFSData = "$EFS_DATA"
)

// ObjectStream is an alternate data stream; its content lies at [StreamPath].
type ObjectStream struct {
	Name    Text   `json:"name"`
	Size    int64  `json:"size"`
	Missing string `json:"missing,omitempty"` // why the content is not in the store
}

// Security is one security descriptor, shared by all objects that name its ID.
type Security struct {
	ID   int    `json:"id"` // from 1
	Data []byte `json:"sd"` // self-relative
}

// RegistryKey is one key with its values. A key whose values would make its
// line too long goes on in the lines after it, which repeat its path.
type RegistryKey struct {
	Path      Text            `json:"path"` // `HKLM\SOFTWARE\…` or `HKU\<SID>\…`
	LastWrite FileTime        `json:"written,omitempty"`
	Class     Text            `json:"class,omitempty"`
	Link      bool            `json:"link,omitempty"` // a symbolic link key
	Security  []byte          `json:"sd,omitempty"`
	Units     []int           `json:"units,omitempty"`
	Values    []RegistryValue `json:"values,omitempty"`
}

// RegistryValue is one value; the unnamed (default) one has an empty name.
type RegistryValue struct {
	Name Text   `json:"name"`
	Type uint32 `json:"type"`
	Data []byte `json:"data"`
}

// Catalog is the content of Catalog/capture.json.
type Catalog struct {
	Version  int             `json:"version"` // CatalogVersion
	Tool     string          `json:"tool"`
	Computer Text            `json:"computer"`
	Machine  json.RawMessage `json:"machine,omitempty"` // windows.Installation
	Started  time.Time       `json:"started"`
	Finished time.Time       `json:"finished"`
	Command  []string        `json:"command,omitempty"` // options of the run, without keys
	Config   json.RawMessage `json:"config,omitempty"`  // usmt.Config: what the Config.xml said
	Users    []CatalogUser   `json:"users"`
	Units    []CatalogUnit   `json:"units,omitempty"`
	Rules    []string        `json:"rules,omitempty"` // names of the files under Catalog/Rules
	Totals   Totals          `json:"totals"`
}

// CatalogUser is one user of the source.
type CatalogUser struct {
	SID     string `json:"sid"`
	Name    Text   `json:"name"`
	Domain  Text   `json:"domain,omitempty"`
	Profile Text   `json:"profile"` // Windows path of the profile folder
	Taken   bool   `json:"taken"`
	Reason  string `json:"reason,omitempty"` // why not taken
	Totals  Totals `json:"totals"`
}

// CatalogUnit is a migration unit: a component in a context.
type CatalogUnit struct {
	Component string `json:"component"` // display name
	File      string `json:"file"`      // rule file it came from
	Context   string `json:"context"`   // "System" or a SID
	Role      string `json:"role,omitempty"`
	Type      string `json:"type,omitempty"`
}

// Totals counts what a capture or a part of it holds.
type Totals struct {
	Files    int64 `json:"files"`
	Bytes    int64 `json:"bytes"`
	Values   int64 `json:"values,omitempty"`
	Problems int64 `json:"problems,omitempty"`
}

// LineWriter writes values of one type as JSON lines.
type LineWriter[T any] struct {
	w   *bufio.Writer
	buf bytes.Buffer
}

// NewLineWriter returns a writer of lines to w. Call Flush at the end.
func NewLineWriter[T any](w io.Writer) *LineWriter[T] {
	return &LineWriter[T]{w: bufio.NewWriterSize(w, 64<<10)}
}

// Write writes one line. A value too long for MaxLine is refused.
func (l *LineWriter[T]) Write(v T) error {
	l.buf.Reset()
	if err := json.NewEncoder(&l.buf).Encode(winname.ForJSON(v)); err != nil {
		return err
	}
	if l.buf.Len() > MaxLine {
		return fmt.Errorf("catalog line of %d bytes is too long", l.buf.Len())
	}
	_, err := l.w.Write(l.buf.Bytes())
	return err
}

// Flush writes what is buffered.
func (l *LineWriter[T]) Flush() error { return l.w.Flush() }

// Lines reads JSON lines. It stops after the first error, which names the line.
// Memory is bounded by MaxLine.
func Lines[T any](r io.Reader) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		in := bufio.NewReaderSize(r, 64<<10)
		var buf []byte
		for n := 1; ; n++ {
			line, err := readLine(in, &buf)
			if err != nil && err != io.EOF {
				yield(zero, fmt.Errorf("line %d: %w", n, err))
				return
			}
			if len(bytes.TrimSpace(line)) > 0 {
				var v T
				if err := json.Unmarshal(line, &v); err != nil {
					yield(zero, fmt.Errorf("line %d: %w", n, err))
					return
				}
				winname.FromJSON(&v)
				if !yield(v, nil) {
					return
				}
			}
			if err == io.EOF {
				return
			}
		}
	}
}

// LinesOf reads a file of JSON lines that open opens, such as [Tree.Open]. One that is
// absent has none. Errors name the file and the line; the end of ctx is one.
func LinesOf[T any](ctx context.Context, open func(ctx context.Context, path string) (File, error), path string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		f, err := open(ctx, path)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(zero, err)
			return
		}
		defer f.Close()
		for v, err := range Lines[T](f) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(zero, fmt.Errorf("%s: %w", path, err))
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}

// readLine reads up to and with the next newline. A line longer than the
// reader's buffer is gathered in buf.
func readLine(in *bufio.Reader, buf *[]byte) ([]byte, error) {
	*buf = (*buf)[:0]
	for {
		part, err := in.ReadSlice('\n')
		if err != bufio.ErrBufferFull && len(*buf) == 0 {
			return part, err
		}
		if len(*buf)+len(part) > MaxLine {
			return nil, fmt.Errorf("longer than %d bytes", MaxLine)
		}
		*buf = append(*buf, part...)
		if err != bufio.ErrBufferFull {
			return *buf, err
		}
	}
}

// SplitKey cuts a key whose values hold more than limit bytes into several
// that repeat its path. A single value is never cut.
func SplitKey(k RegistryKey, limit int) []RegistryKey {
	var parts []RegistryKey
	rest := k.Values
	for {
		n, size := 0, 0
		for n < len(rest) && (n == 0 || size+len(rest[n].Data) <= limit) {
			size += len(rest[n].Data)
			n++
		}
		k.Values, rest = rest[:n], rest[n:]
		parts = append(parts, k)
		if len(rest) == 0 {
			return parts
		}
		k = RegistryKey{Path: k.Path}
	}
}
