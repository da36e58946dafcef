package ntfs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"lifeboat/engine/winname"
)

// Stream is the content of a file, or of one of its alternate streams. It may
// be read from several goroutines.
type Stream struct {
	io.ReaderAt
	size int64
}

// Size returns the length in bytes.
func (s *Stream) Size() int64 { return s.size }

// StreamInfo names an alternate stream.
type StreamInfo struct {
	Name string
	Size int64
}

// wofStream holds the compressed data of a file that CompactOS made smaller.
const wofStream = "WofCompressedData"

// OpenStream opens the unnamed stream of a file (name "") or an alternate one,
// as a program on Windows would read it: sparse and compressed data is expanded.
func (f *FS) OpenStream(record uint32, name string) (*Stream, error) {
	e := f.index.entry(record)
	if e == nil {
		return nil, fmt.Errorf("file record %d: %w", record, errNotThere)
	}
	if name == "" && e.state&folder != 0 {
		return nil, fmt.Errorf("file record %d: is a folder", record)
	}
	attrs, damage := f.gather(record)
	tag := uint32(0)
	if name == "" {
		tag = e.reparse
		if tag == 0 && e.attributes&attributeReparse != 0 {
			tag = tagUnknown
		}
	}
	s, err := f.openFrom(attrs, name, tag)
	if err != nil {
		if errors.Is(err, errNoStream) && damage != nil {
			err = damage
		} else if errors.Is(err, errNoStream) && name == "" && e.state&torn == 0 {
			return &Stream{bytes.NewReader(nil), 0}, nil
		}
		return nil, fmt.Errorf("file record %d: %w", record, err)
	}
	return s, nil
}

// OpenRaw opens a stream as it lies on the disk, neither decrypted nor expanded.
// Of an encrypted one this is the ciphertext, whole sectors of it.
func (f *FS) OpenRaw(record uint32, name string) (*Stream, error) {
	attrs, damage := f.gather(record)
	parts := streamParts(attrs, name)
	if len(parts) == 0 {
		return nil, fmt.Errorf("file record %d: %w", record, cmp.Or(damage, errNoStream))
	}
	if parts[0].resident {
		return &Stream{bytes.NewReader(parts[0].value), int64(len(parts[0].value))}, nil
	}
	e, err := f.extentsOf(parts)
	if err != nil {
		return nil, fmt.Errorf("file record %d: %w", record, err)
	}
	if parts[0].flags&flagEncrypted != 0 {
		whole := func(n int64) int64 {
			return min((n+fixupStride-1)/fixupStride*fixupStride, e.list.end<<e.shift)
		}
		e.size, e.initialised = whole(e.size), whole(e.initialised)
	}
	return &Stream{e, e.size}, nil
}

var errNoStream = fmt.Errorf("no such stream: %w", errNotThere)

// openFrom opens a stream. The tag is that of the file's reparse point if it
// tells about the stream.
func (f *FS) openFrom(attrs []attribute, name string, tag uint32) (*Stream, error) {
	parts := streamParts(attrs, name)
	if len(parts) == 0 {
		return nil, errNoStream
	}
	first := parts[0]
	if first.flags&flagEncrypted != 0 {
		return nil, ErrEncrypted
	}
	if tag == tagWOF {
		return f.openWOF(attrs, first.length())
	}
	if first.resident {
		if tag&tagSurrogate != 0 {
			return nil, fmt.Errorf("reparse tag %#x: %w", tag, ErrElsewhere)
		}
		return &Stream{bytes.NewReader(first.value), int64(len(first.value))}, nil
	}
	e, err := f.extentsOf(parts)
	if err != nil {
		return nil, err
	}
	// A filter may keep the content elsewhere and leave holes in its place; to read
	// them as zeros would make a file of nothing.
	if tag&tagSurrogate != 0 || tag != 0 && e.size > 0 && e.list.has(hole) {
		return nil, fmt.Errorf("reparse tag %#x: %w", tag, ErrElsewhere)
	}
	if first.flags&flagCompressedMask != 0 && first.unitShift != 0 {
		return f.openCompressed(e, first.unitShift)
	}
	return &Stream{e, e.size}, nil
}

// streamParts returns the attributes that make up a stream, in order.
func streamParts(attrs []attribute, name string) []attribute {
	var parts []attribute
	for _, exact := range []bool{true, false} {
		for _, a := range attrs {
			if a.kind != typeData {
				continue
			}
			if n := nameOf(a.name); n == name || !exact && winname.Equal(n, name) {
				parts = append(parts, a)
			}
		}
		if len(parts) > 0 || name == "" {
			break
		}
	}
	slices.SortStableFunc(parts, func(a, b attribute) int { return cmp.Compare(a.lowest, b.lowest) })
	return parts
}

// extentsOf joins the runs of the parts. Where a part is missing between others
// the rest can still be read.
func (f *FS) extentsOf(parts []attribute) (*extents, error) {
	first := parts[0]
	if first.lowest != 0 {
		return nil, fmt.Errorf("%w: the beginning of the stream is missing", ErrDamaged)
	}
	if first.size > maxStream || first.size < 0 {
		return nil, fmt.Errorf("%w: stream of %d bytes", ErrDamaged, first.size)
	}
	e := &extents{
		r: f.r, shift: f.boot.clusterShift, size: first.size,
		initialised: min(first.initialised, first.size),
	}
	for i, p := range parts {
		at := int64(min(p.lowest, maxStream>>e.shift))
		switch {
		case p.resident, at < e.list.end, i > 0 && at == 0:
			continue // twice
		case at > e.list.end:
			e.list.push(missing, at-e.list.end)
		}
		if err := e.list.add(p.runs, f.boot); err != nil {
			// The runs before the damage are sound; what follows is in other parts.
			f.problems.add(NoRecord, err.Error())
		}
	}
	return e, nil
}

// Streams lists the alternate streams of a file or folder. With an error it
// returns what could be read.
func (f *FS) Streams(record uint32) ([]StreamInfo, error) {
	attrs, err := f.gather(record)
	e := f.index.entry(record)
	var out []StreamInfo
	for _, a := range attrs {
		if a.kind != typeData || len(a.name) == 0 || !a.resident && a.lowest != 0 {
			continue
		}
		if e.reparse == tagWOF && a.nameIs(wofStream) {
			continue // how the unnamed stream is kept, as Windows hides it
		}
		out = append(out, StreamInfo{nameOf(a.name), a.length()})
	}
	return out, err
}

// EFS returns the $EFS attribute of an encrypted file: the keys, each encrypted
// for one user. With the ciphertext of OpenRaw it is all that can be saved
// without a user's certificate. It is nil if the file has none.
func (f *FS) EFS(record uint32) ([]byte, error) {
	attrs, damage := f.gather(record)
	for _, a := range attrs {
		if a.kind == typeLoggedUtilityStream && a.nameIs("$EFS") && (a.resident || a.lowest == 0) {
			value, err := f.value(a, maxList)
			if err != nil {
				err = fmt.Errorf("file record %d: $EFS: %w", record, err)
			}
			return value, err
		}
	}
	return nil, damage
}
