package restore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"

	"lifeboat/engine/job"
	"lifeboat/engine/store"
	"lifeboat/engine/winname"
)

// A file that EFS has encrypted is saved as it lies on the disk: its keys, each
// encrypted for one user, and its ciphertext. Windows takes both back as one raw
// stream (MS-EFSR 2.2.3): a head; of each stream of the file a head with its name
// and then segments, of 64 KiB ciphertext behind a head of 512 bytes. The keys are
// the first stream. docs/windows.md says what of that was never shown to Windows.

// RawSuffix ends the names of raw streams that are kept beside where the file
// itself would be.
const RawSuffix = ".efsraw"

const (
	rawSegment     = 64 << 10
	rawSegmentHead = 512 // with the part about the encryption
	rawUnit        = 512 // that EFS encrypts at once
	rawKeysName    = 0x1910
	maxEFSKeys     = 1 << 20
)

// rawPart is one stream of an encrypted file.
type rawPart struct {
	name string // "::$DATA", ":name:$DATA"
	size int64  // of the plain text
	open func() (store.File, error)
}

// rawFile is an encrypted file of the store.
type rawFile struct {
	keys  []byte
	parts []rawPart
}

// rawOf finds the parts of an encrypted file.
func (r *run) rawOf(ctx context.Context, o store.Object) (rawFile, error) {
	path := string(o.Path)
	open := func(name string) func() (store.File, error) {
		return func() (store.File, error) { return r.req.Tree.Open(ctx, store.StreamPath(path, false, name)) }
	}
	f, err := open(store.EFSKeys)()
	if err != nil {
		return rawFile{}, fmt.Errorf("its keys: %w", err)
	}
	defer f.Close()
	raw := rawFile{}
	if raw.keys, err = io.ReadAll(io.LimitReader(f, maxEFSKeys+1)); err != nil {
		return raw, fmt.Errorf("its keys: %w", err)
	}
	if len(raw.keys) > maxEFSKeys {
		return raw, errors.New("its keys are too large")
	}
	raw.parts = append(raw.parts, rawPart{"::$DATA", o.Size, open(store.EFSData)})
	for _, s := range o.Streams {
		if s.Missing == "" {
			raw.parts = append(raw.parts, rawPart{":" + string(s.Name) + ":$DATA", s.Size, open(store.EFSData + ":" + string(s.Name))})
		}
	}
	return raw, nil
}

// ciphered is how many bytes of ciphertext stand for so many of plain text.
func ciphered(size int64) int64 { return (size + rawUnit - 1) / rawUnit * rawUnit }

// size is that of the raw stream.
func (f rawFile) size() int64 {
	n := int64(20+len(rawStreamHead(0, nil))+2+16) + int64(len(f.keys))
	for _, p := range f.parts {
		segments := (ciphered(p.size) + rawSegment - 1) / rawSegment
		n += int64(len(rawStreamHead(0, nil))+len(text(p.name))) + segments*rawSegmentHead + ciphered(p.size)
	}
	return n
}

// writeTo writes the raw stream.
func (f rawFile) writeTo(w io.Writer) error {
	head := append([]byte{0, 1, 0, 0}, text("ROBS")...)
	head = append(head, make([]byte, 8)...)
	keys := rawSegmentOf(16 + len(f.keys))
	head = slices.Concat(head, rawStreamHead(2, le.AppendUint16(nil, rawKeysName)), keys, f.keys)
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, p := range f.parts {
		if err := p.writeTo(w); err != nil {
			return fmt.Errorf("stream %s: %w", winname.Show(p.name), err)
		}
	}
	return nil
}

// rawStreamHead begins a stream: length, "NTFS", flag 0 for one that is encrypted,
// 8 bytes 0, length of the name, name.
func rawStreamHead(n int, name []byte) []byte {
	b := le.AppendUint32(nil, uint32(28+len(name)))
	b = append(b, text("NTFS")...)
	b = append(b, make([]byte, 12)...)
	return append(le.AppendUint32(b, uint32(n)), name...)
}

// rawSegmentOf begins a segment of so many bytes, these 16 included.
func rawSegmentOf(size int) []byte {
	b := append(le.AppendUint32(nil, uint32(size)), text("GURE")...)
	return append(b, 0, 0, 0, 0)
}

func (p rawPart) writeTo(w io.Writer) error {
	name := text(p.name)
	if _, err := w.Write(rawStreamHead(len(name), name)); err != nil {
		return err
	}
	in, err := p.open()
	if err != nil {
		return err
	}
	defer in.Close()
	data := make([]byte, rawSegment)
	for at := int64(0); at < p.size; at += rawSegment {
		inside := min(p.size-at, rawSegment)
		n := int(ciphered(inside))
		if _, err := io.ReadFull(in, data[:n]); err != nil {
			return fmt.Errorf("the ciphertext ends at %d of %d bytes: %w", at, ciphered(p.size), err)
		}
		shift := byte(bits.Len(rawSegment) - 1)
		b := rawSegmentOf(rawSegmentHead + n)
		b = le.AppendUint64(b, uint64(at))
		b = le.AppendUint32(b, rawSegmentHead-16)       // of this part of the head
		b = le.AppendUint32(b, uint32(inside))          // within the stream
		b = le.AppendUint32(b, uint32(inside))          // and within what was ever written
		b = append(b, 0, 0, shift, shift, 12, 1)        // unit, chunk and cluster as powers of 2
		b = le.AppendUint32(append(b, 1, 0), uint32(n)) // one block and its size
		b = append(b, make([]byte, rawSegmentHead-len(b))...)
		if _, err := w.Write(append(b, data[:n]...)); err != nil {
			return err
		}
	}
	return nil
}

// reader reads the raw stream.
func (f rawFile) reader() (io.ReadCloser, error) {
	r, w := io.Pipe()
	go func() { w.CloseWithError(f.writeTo(w)) }()
	return r, nil
}

// encrypted puts a file back that EFS has encrypted: as itself in a Windows that
// runs, else as a raw stream beside where it would be.
func (r *run) encrypted(ctx context.Context, o store.Object, t target) error {
	d, at, path, err := r.onDrive(t.path)
	if err != nil {
		return err
	}
	if d.exists(at) {
		r.notice(path, "is encrypted (EFS) in the store and there already, left as it is")
		r.count(t.unit, func(c *Counts) { c.Kept++ })
		return nil
	}
	raw, err := r.rawOf(ctx, o)
	if err != nil {
		return err
	}
	meta, err := r.metadata(o, t)
	if err != nil {
		return err
	}
	meta.streams = nil // they are in the raw stream
	dir, _ := winname.Split(at)
	made, err := d.mkdirs(dir)
	if err != nil {
		return err
	}
	r.finishLater(path, made)
	why := "it can be opened in the running Windows only"
	if r.req.Live {
		err := d.importRaw(at, meta, raw.reader)
		if err == nil {
			r.count(t.unit, func(c *Counts) { c.Files++; c.Bytes += o.Size })
			r.ctl.Progress.AddFiles(1)
			return nil
		}
		why = fmt.Sprintf("Windows does not take it: %v", err)
	}
	beside := at + RawSuffix
	if native, _, err := d.find(beside); err == nil {
		same, err := d.same(native, raw.size(), raw.reader)
		if err != nil {
			return err
		}
		if !same {
			return fmt.Errorf("%s is there already with another content", winname.Show(path+RawSuffix))
		}
	} else if !d.exists(beside) {
		err := d.put(beside, false, meta, func(w io.Writer) error { return raw.writeTo(&counting{w, r}) })
		if err != nil {
			return err
		}
		r.ctl.Progress.AddFiles(1)
	}
	r.report(job.Problem{Kind: job.Encrypted, Path: string(o.Path), Size: o.Size, Text: fmt.Sprintf(
		"encrypted (EFS), kept as %s: %s. Sign in there as its user, so that the certificate is at hand, and run lifeboat import-efs on it", winname.Show(path+RawSuffix), why)})
	return nil
}

// counting tells the watcher how far the writing of a raw stream is.
type counting struct {
	w   io.Writer
	run *run
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.run.ctl.Progress.AddBytes(int64(n), c.run.ctl.Clock())
	return n, err
}

// importRaw makes an encrypted file of a raw stream, with the step in the journal.
func (d *disk) importRaw(p string, meta metadata, open func() (io.ReadCloser, error)) error {
	dir, name := winname.Split(p)
	if err := checkName(name); err != nil {
		return err
	}
	f, err := d.folder(dir)
	if err != nil {
		return err
	}
	d.changed("file", p, "encrypted")
	if d.dry() {
		d.added(f, name)
		return nil
	}
	native := f.native + "/" + name
	if err := d.touch(f); err != nil {
		return err
	}
	if err := d.journal.add(step{Op: opFile, Disk: d.index, Path: store.Text(native)}); err != nil {
		return err
	}
	in, err := open()
	if err != nil {
		return err
	}
	defer in.Close()
	if err := ImportRaw(d.full(native), in); err != nil {
		return err
	}
	d.added(f, name)
	return d.sys.apply(d.root, native, d.full(native), nil, meta)
}
