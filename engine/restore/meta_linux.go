package restore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

const fullErrno = unix.ENOSPC

// The extended attributes by which ntfs-3g and ntfs3 take what NTFS knows
// (see package volume, which reads them).
const (
	xattrAttrib   = "system.ntfs_attrib"
	xattrTimes    = "system.ntfs_times"
	xattrACL      = "system.ntfs_acl"
	xattrReparse  = "system.ntfs_reparse_data"
	xattrSecurity = "system.ntfs_security"
	xattrShort    = "system.ntfs_dos_name"
	streamPrefix  = "user."
	maxStream     = 64 << 10 // as an extended attribute
)

// system is what the file system of the destination can keep.
type system struct {
	attrib bool // attributes
	ntfs3g bool // everything
}

func probe(root *os.Root) system {
	f, err := root.Open(".")
	if err != nil {
		return system{}
	}
	defer f.Close()
	var buf [64]byte
	_, attribErr := unix.Fgetxattr(int(f.Fd()), xattrAttrib, buf[:])
	_, timesErr := unix.Fgetxattr(int(f.Fd()), xattrTimes, buf[:])
	return system{attrib: attribErr == nil, ntfs3g: timesErr == nil}
}

// keepsAll reports whether nothing of the metadata is lost here.
func (s system) keepsAll() bool { return s.ntfs3g }

// apply sets metadata. Times come last, because everything else changes them but
// what makes a link.
func (s system) apply(root *os.Root, native, _ string, f *os.File, m metadata) error {
	var errs []error
	set := func(name string, data []byte) {
		if err := unix.Fsetxattr(int(f.Fd()), name, data, 0); err != nil {
			errs = append(errs, fmt.Errorf("set %s: %w", name, err))
		}
	}
	if s.ntfs3g {
		for _, stream := range m.streams {
			if err := s.stream(root, native, f, stream); err != nil {
				errs = append(errs, fmt.Errorf("stream %s: %w", stream.name, err))
			}
		}
	}
	switch {
	case m.security == nil:
	case s.ntfs3g:
		set(xattrACL, m.security)
	case s.attrib:
		set(xattrSecurity, m.security)
	}
	if s.attrib && m.attr != 0 {
		set(xattrAttrib, binary.NativeEndian.AppendUint32(nil, uint32(m.attr)))
	}
	if s.ntfs3g && m.created != 0 && m.modified != 0 && m.accessed != 0 {
		var times []byte
		for _, t := range []uint64{uint64(m.created), uint64(m.modified), uint64(m.accessed)} {
			times = binary.NativeEndian.AppendUint64(times, t)
		}
		set(xattrTimes, times)
	} else if m.modified != 0 || m.accessed != 0 {
		errs = append(errs, root.Chtimes(native, m.accessed.Time(), m.modified.Time()))
	}
	if s.ntfs3g && m.reparse != nil { // then nothing more can be done with the file as it is open
		set(xattrReparse, m.reparse)
	}
	return errors.Join(errs...)
}

// makeSparse has nothing to do: what is not written is a hole.
func (system) makeSparse(*os.File) error { return nil }

// stream writes an alternate data stream: as the attribute that ntfs-3g makes of
// it, or where that is too small as name:stream, which takes a mount with
// streams_interface=windows.
func (s system) stream(root *os.Root, native string, f *os.File, stream streamData) error {
	r, err := stream.open()
	if err != nil {
		return err
	}
	defer r.Close()
	if stream.size <= maxStream {
		data, err := io.ReadAll(io.LimitReader(r, maxStream+1))
		if err != nil {
			return err
		}
		if err := unix.Fsetxattr(int(f.Fd()), streamPrefix+stream.name, data, 0); err == nil {
			return nil
		}
		out, err := root.OpenFile(native+":"+stream.name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o666)
		if err != nil {
			return err
		}
		_, err = out.Write(data)
		return errors.Join(err, out.Close())
	}
	const list = "ntfs.streams.list" // there with streams_interface=windows only
	if _, err := unix.Fgetxattr(int(f.Fd()), list, nil); err != nil {
		return fmt.Errorf("%d bytes are too many for this mount; mount the volume with streams_interface=windows", stream.size)
	}
	out, err := root.OpenFile(native+":"+stream.name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, r)
	return errors.Join(err, out.Close())
}

// sync makes everything on the volume durable.
func (system) sync(root *os.Root) error {
	f, err := root.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}

// linkInto gives a file of this computer a second name in a folder.
func linkInto(near *os.Root, from, name, _ string) error {
	dir, err := near.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := unix.Linkat(unix.AT_FDCWD, from, int(dir.Fd()), name, 0); err != nil {
		return &os.LinkError{Op: "link", Old: from, New: name, Err: err}
	}
	return nil
}

func rename(root *os.Root, from, to, _ string) error { return root.Rename(from, to) }
func remove(root *os.Root, name, _ string) error     { return root.Remove(name) }

// syncFolder makes a rename in a folder durable.
func syncFolder(root *os.Root, native string) error {
	f, err := root.Open(native)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTSUP) {
		return err
	}
	return nil
}

// setShort gives an object its name for DOS, or takes it away if there is none.
func (s system) setShort(near *os.Root, name, _, short string) error {
	if !s.ntfs3g {
		return errors.ErrUnsupported
	}
	f, err := near.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if short == "" {
		return unix.Fremovexattr(int(f.Fd()), xattrShort)
	}
	return unix.Fsetxattr(int(f.Fd()), xattrShort, []byte(short), 0)
}
