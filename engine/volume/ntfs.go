package volume

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"lifeboat/engine/ntfs"
	"lifeboat/engine/winname"
)

// NTFS is a volume read from its raw bytes. It shows what Windows would show:
// names in any case, compressed files expanded. The file system's own files are
// hidden, links are not followed, encrypted files do not open.
type NTFS struct {
	fs     *ntfs.FS
	closer io.Closer
}

// OpenNTFS reads the file table of the volume in r, which has size bytes. Close
// closes closer, if it is not nil.
func OpenNTFS(ctx context.Context, r io.ReaderAt, size int64, closer io.Closer) (*NTFS, error) {
	fs, err := ntfs.Open(ctx, r, size, nil)
	if err != nil {
		return nil, err
	}
	return NewNTFS(fs, closer), nil
}

// NewNTFS shows an open file system as a volume.
func NewNTFS(fs *ntfs.FS, closer io.Closer) *NTFS { return &NTFS{fs, closer} }

// Names that no Windows program could have made, and that would lead astray
// where a path is made of them.
var errNotWindowsName = errors.New("not a name that Windows can have")

// maxPath is the longest path that Windows has, in characters.
const maxPath = 32767

// FS returns the file system, for what only it tells: label, state, raw data.
func (n *NTFS) FS() *ntfs.FS { return n.fs }

// Damage is something of the file system that was found damaged.
type Damage struct {
	Path string // of the file or folder concerned; `\` where it is not known
	What string
	Lost bool // a file may be missing from its folder for it, and nothing else tells
}

// Damage tells what was found damaged so far, the first of it if there is much, and
// how much there was in all.
func (n *NTFS) Damage() ([]Damage, int) {
	kept, all := n.fs.Problems()
	out := make([]Damage, len(kept))
	for i, p := range kept {
		out[i] = Damage{Path: `\`, What: p.String(), Lost: p.Lost}
		if path, ok := n.fs.Path(p.Record); ok && p.Record != ntfs.NoRecord {
			out[i].Path, out[i].What = path, p.What
			out[i].Lost = p.Lost && p.Record < ntfs.FirstUser // what was found tells itself when it is read
		}
	}
	return out, all
}

func (n *NTFS) Close() error {
	if n.closer == nil {
		return nil
	}
	return n.closer.Close()
}

func (n *NTFS) Stat(path string) (Info, error) {
	var info Info
	err := n.at("stat", path, func(e ntfs.Entry) error {
		info = ntfsInfo(e)
		return nil
	})
	return info, err
}

func (n *NTFS) ReadDir(path string) ([]Info, error) {
	var infos []Info
	var problems problemList
	problems.add(n.at("read folder", path, func(e ntfs.Entry) error {
		if err := listable(e, path); err != nil {
			return err
		}
		entries, err := n.fs.ReadDir(e.Record)
		infos = n.infos(path, entries, &problems)
		return err
	}))
	return infos, problems.err()
}

// listable returns nil for a folder whose entries may be listed.
func listable(e ntfs.Entry, path string) error {
	if err := followable(e); err != nil {
		return err
	}
	if len(path) > maxPath {
		return errors.New("path is too long")
	}
	return nil
}

// infos are the entries that Windows could have made.
func (n *NTFS) infos(path string, entries []ntfs.Entry, problems *problemList) []Info {
	infos := make([]Info, 0, len(entries))
	for _, e := range entries {
		if !plainName(e.Name) {
			problems.add(pathError("stat", winname.Join(path, e.Name), errNotWindowsName))
			continue
		}
		infos = append(infos, ntfsInfo(e))
	}
	return infos
}

func (n *NTFS) Open(path string) (File, error) { return n.open("open", path, "") }

func (n *NTFS) OpenStream(path, stream string) (File, error) {
	return n.open("open stream "+stream, path, stream)
}

func (n *NTFS) open(op, path, stream string) (File, error) {
	var file File
	err := n.at(op, path, func(e ntfs.Entry) error {
		s, err := n.fs.OpenStream(e.Record, stream)
		switch {
		case errors.Is(err, ntfs.ErrElsewhere):
			return fmt.Errorf("%w: %w", ErrReparse, err)
		case errors.Is(err, ntfs.ErrEncrypted):
			return fmt.Errorf("%w: %w", fs.ErrPermission, err)
		case err != nil:
			return err
		}
		file = ntfsFile{io.NewSectionReader(s, 0, s.Size())}
		return nil
	})
	return file, err
}

// OpenRaw opens a stream as it lies on the disk: the ciphertext of an encrypted
// file.
func (n *NTFS) OpenRaw(path, stream string) (File, error) {
	var file File
	err := n.at("open raw", path, func(e ntfs.Entry) error {
		s, err := n.fs.OpenRaw(e.Record, stream)
		if err == nil {
			file = ntfsFile{io.NewSectionReader(s, 0, s.Size())}
		}
		return err
	})
	return file, err
}

// EFS reads the keys of an encrypted file, each encrypted for one user; nil if
// it has none.
func (n *NTFS) EFS(path string) ([]byte, error) {
	var keys []byte
	err := n.at("read keys", path, func(e ntfs.Entry) (err error) {
		keys, err = n.fs.EFS(e.Record)
		return err
	})
	return keys, err
}

func (n *NTFS) Extras(path string, info Info) (Extras, error) {
	var extras Extras
	err := n.at("read metadata", path, func(e ntfs.Entry) error {
		var problems problemList
		var err error
		extras.Security, err = n.fs.Security(e.Record)
		problems.add(err)
		// The reparse point of CompactOS tells how the bytes lie there, not what they
		// are; on a file with its bytes expanded it would be wrong.
		if e.Reparse != 0 && e.Reparse != TagWOF {
			extras.Reparse, err = n.fs.Reparse(e.Record)
			problems.add(err)
		}
		if !e.IsFolder() {
			extras.Links = e.Links
		}
		extras.Short, err = n.fs.DOSName(e)
		problems.add(err)
		streams, err := n.fs.Streams(e.Record)
		problems.add(err)
		for _, s := range streams {
			extras.Streams = append(extras.Streams, Stream{s.Name, s.Size})
		}
		return problems.err()
	})
	extras.Security = slices.Clone(extras.Security)
	return extras, err
}

// at runs do on the object at path. Errors name the operation and the path.
func (n *NTFS) at(op, path string, do func(ntfs.Entry) error) error {
	e, err := n.lookup(path)
	if err == nil {
		err = do(e)
	}
	return pathError(op, path, err)
}

func (n *NTFS) lookup(path string) (ntfs.Entry, error) {
	rest, ok := strings.CutPrefix(path, `\`)
	if !ok {
		return ntfs.Entry{}, fs.ErrNotExist
	}
	e, err := n.fs.Stat(ntfs.Root)
	e.Name = ""
	for more := rest != ""; more && err == nil; {
		if !e.IsFolder() {
			return ntfs.Entry{}, fs.ErrNotExist // as Windows answers for a path through a file
		}
		if err := followable(e); err != nil {
			return ntfs.Entry{}, err
		}
		var name string
		if name, rest, more = strings.Cut(rest, `\`); !plainName(name) {
			return ntfs.Entry{}, fs.ErrNotExist
		}
		if e, err = n.fs.Child(e.Record, name); err == nil && e.Record < ntfs.FirstUser {
			err = fs.ErrNotExist
		}
	}
	return e, err
}

// followable returns nil if a path may lead over the entry: it does not stand
// for another object, as junctions and symbolic links do.
func followable(e ntfs.Entry) error {
	if IsLinkTag(e.Reparse) {
		return ErrReparse
	}
	return nil
}

func ntfsInfo(e ntfs.Entry) Info {
	return Info{
		Name: e.Name, Size: e.Size, Attr: Attr(e.Attributes),
		Created: e.Created, Modified: e.Modified, Accessed: e.Accessed,
		Reparse: e.Reparse, FileID: uint64(e.Record), Cluster: e.Cluster,
	}
}

// ntfsFile is an open stream; there is nothing to close.
type ntfsFile struct{ *io.SectionReader }

func (ntfsFile) Close() error { return nil }
