package store

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress"
	"github.com/kopia/kopia/repo/object"
	"github.com/kopia/kopia/snapshot"
)

// bigRead is how much of a file is asked for at once. Several are read at the same
// time, and the arm of a disk goes from one to the other for each read.
const bigRead = 4 << 20

// bigFile is the size from which the parts of one file are compressed and
// encrypted at the same time.
const bigFile = 8 << 20

// store reads one file into the repository. Only errors of the source are in
// the outcome; those of the store end the capture.
func (c *Capture) store(j job, buf []byte) (out Outcome) {
	if c.ctx.Err() != nil {
		return Outcome{Err: c.ended()}
	}
	if id, size, ok := c.w.link(j.item); ok {
		c.bytes.Add(size)
		return Outcome{Linked: true, Err: c.add(j, id, size, fileMode)}
	}
	r, err := j.item.Open()
	if err != nil {
		return Outcome{Err: err}
	}
	defer func() {
		if r != nil {
			r.Close()
		}
	}()
	n, err := fill(r, buf)
	if c.ctx.Err() != nil { // it hung, and nobody has waited for it
		return Outcome{Err: c.ended()}
	}
	w := c.w.create(c.ctx, newObject{
		path: j.item.Path, modTime: j.item.ModTime, sparse: j.item.Sparse, big: j.item.Size >= bigFile, packed: n == 0 || !compressible(j.item.Path, buf[:n]),
	})
	defer w.Close()
	for ; n > 0; n, err = fill(r, buf) {
		if c.ctx.Err() != nil {
			out.Err = c.ended()
			return out
		}
		out.Read += int64(n)
		c.bytes.Add(int64(n))
		if _, werr := w.Write(buf[:n]); errors.Is(werr, ErrTooLarge) {
			out.Err = werr // of this file only
			return out
		} else if werr != nil {
			c.fail(werr)
			out.Err = c.ended()
			return out
		}
		if err != nil {
			break
		}
		if c.maybeCheckpoint() != nil {
			out.Err = c.ended()
			return out
		}
		if c.ctx.Err() != nil {
			out.Err = c.ended()
			return out
		}
	}
	cerr := r.Close()
	r = nil
	switch {
	case err != nil && err != io.EOF:
		out.Err = err
	case cerr != nil:
		out.Err = cerr
	}
	partial := errors.Is(out.Err, ErrPartial)
	if out.Err != nil && !partial {
		return out
	}
	id, err := w.Result()
	if err != nil {
		c.fail(err)
		out.Err = c.ended()
		return out
	}
	mode := fileMode
	if partial {
		mode = partialMode
	}
	if err := c.add(j, id, out.Read, mode); err != nil {
		out.Err = err
	}
	return out
}

// add puts a stored file into its folder. Failing ends the capture.
func (c *Capture) add(j job, id object.ID, size int64, mode snapshot.Permissions) error {
	err := j.in.entries.add(&snapshot.DirEntry{
		Name:        path.Base(j.item.Path),
		Type:        snapshot.EntryTypeFile,
		Permissions: mode,
		FileSize:    size,
		ModTime:     entryTime(j.item.ModTime),
		ObjectID:    id,
	})
	if c.fail(err) != nil {
		return c.ended()
	}
	c.read.Add(1)
	return nil
}

// fill reads until there is readSize in buf, or more if one read delivers it: a
// checkpoint need not wait for a bigRead that comes sector by sector. It returns
// io.EOF with the last bytes, and gives up on a source that delivers nothing.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for empty := 0; n < min(len(buf), readSize) && err == nil; {
		var m int
		m, err = r.Read(buf[n:])
		if m < 0 || m > len(buf)-n {
			return n, fmt.Errorf("source returned an impossible count of %d bytes", m)
		}
		n += m
		if m > 0 {
			empty = 0
		} else if empty++; empty > 100 {
			return n, io.ErrNoProgress
		}
	}
	return n, err
}

// compressible guesses from a file's name, or else from its first bytes,
// whether compressing it is worth the time.
func compressible(path string, head []byte) bool {
	if i := strings.LastIndexByte(path, '.'); i > strings.LastIndexByte(path, '/') {
		if len(path)-i <= len(".numbers") && packed[strings.ToLower(path[i:])] {
			return false
		}
	}
	// With a small file the guess costs as much as it saves.
	return len(head) < 32<<10 || compress.Estimate(head[:8<<10]) > 0.05
}

// packed are the extensions of formats that compress their content themselves.
var packed = func() map[string]bool {
	const list = `.7z .aac .ace .apk .avi .avif .br .bz2 .cab .cbr .cbz .crx .docm .docx .dotx .epub .flac .flv
		.gif .gz .heic .heif .jar .jpe .jpeg .jpg .key .lz4 .lzh .m2ts .m4a .m4b .m4v .mkv .mov .mp2 .mp3 .mp4
		.mpeg .mpg .msix .mts .nupkg .numbers .odg .odp .ods .odt .ogg .ogv .opus .pages .png .potx .ppsx .pptm
		.pptx .rar .tgz .vob .vsdx .war .webm .webp .whl .wma .wmv .xlsb .xlsm .xlsx .xpi .xps .xz .zip .zipx .zst`
	set := map[string]bool{}
	for _, ext := range strings.Fields(list) {
		set[ext] = true
	}
	return set
}()
