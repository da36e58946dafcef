// Package ntfs reads an NTFS volume from its raw bytes, without help from the
// system and without writing a byte. It is made for volumes that Windows no
// longer mounts: everything the disk says is checked before it is used, what
// is damaged becomes a [Problem] in a bounded list, and the rest is read.
//
// A volume is described by file records, numbered from 0, in one file of its
// own, the master file table ($MFT). A record holds attributes: names, times,
// streams of data. What does not fit into a record goes into extension records,
// found through an attribute list. Clusters are the units of allocation; a run
// is a stretch of clusters that belong to an attribute.
//
// [Open] reads the whole table once, in order, into a compact index, so that
// names, sizes, times and attributes of all files cost no further reads. Content,
// streams, security descriptors and reparse data are read when asked for. An
// [FS] may be used from several goroutines.
//
// Deleted files, the names of DOS and the transaction log are left aside. What
// a path looks like to Windows is the business of package volume. Sources are
// spec/ntfs.md and the documentation of the formats there.
package ntfs

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Record numbers with a fixed meaning.
const (
	recordMFT    = 0
	recordLog    = 2
	recordVolume = 3
	recordRoot   = 5
	recordSecure = 9
)

const (
	// Root is the record of the root folder.
	Root uint32 = recordRoot
	// FirstUser is the first record that is not one of the file system's own files,
	// which are not listed.
	FirstUser uint32 = 16
)

// Errors that Open and OpenStream wrap.
var (
	// ErrEncrypted means that the stream is encrypted by EFS; OpenRaw reads its ciphertext.
	ErrEncrypted = errors.New("encrypted by EFS")
	// ErrElsewhere means that the record's reparse point stands for content that this
	// volume does not hold in the stream, such as a link's or a cloud file's.
	ErrElsewhere = errors.New("content is not in this file")
	// ErrDamaged means that structures of the file system contradict themselves.
	ErrDamaged = errors.New("damaged file system")
)

// FS is an open volume.
type FS struct {
	r     io.ReaderAt
	size  int64 // of r
	boot  geometry
	mft   *extents
	index index
	info  Info

	problems problems
	blocks   blockCache
	security securityCache
	dos      dosNames
}

// Info describes the volume as a whole.
type Info struct {
	Label          string
	Serial         uint64
	Major, Minor   uint8 // version of NTFS: 3.1 since Windows XP
	Size           int64 // bytes, as the boot sector tells
	SectorSize     int
	ClusterSize    int
	RecordSize     int
	Records        int  // file records, used or not
	Files, Folders int  // in use, the file system's own included
	Dirty          bool // Windows wants to check the volume
	LogPending     bool // the log holds changes that were not yet made: the newest may be missing
	BackupBoot     bool // the first sector is damaged; the backup at the end was used
}

// Info tells about the volume.
func (f *FS) Info() Info { return f.info }

// Open reads the boot sector and the file table. Progress, if not nil, is
// called from time to time with the bytes of the table that were read. The
// reader must serve any offset and length below size, and may be slow: ctx ends
// the reading.
func Open(ctx context.Context, r io.ReaderAt, size int64, progress func(done, total int64)) (*FS, error) {
	f := &FS{r: r, size: size}
	boot, backup, err := readBoot(r, size)
	if err != nil {
		return nil, err
	}
	f.boot = boot
	if err := f.openMFT(); err != nil {
		// What the first sector says may make sense and be wrong.
		copied, ok := readBackup(r, size)
		if backup || !ok || copied == boot {
			return nil, err
		}
		if f.boot, backup = copied, true; f.openMFT() != nil {
			return nil, err
		}
	}
	f.info = f.boot.info(backup)
	f.info.Records = int(min(f.mft.size/int64(f.boot.record), int64(NoRecord)))
	if backup {
		f.problems.add(NoRecord, "the boot sector is damaged, its backup is used")
	}
	if missing := f.info.Size - size; missing > 0 {
		f.problems.lose(NoRecord, fmt.Sprintf("the volume is cut short: %d of its %d bytes are missing", missing, f.info.Size))
	}
	if err := f.scan(ctx, progress); err != nil {
		return nil, err
	}
	f.describe()
	return f, nil
}

// readFull fills p from r at off.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	switch {
	case n == len(p):
		return nil
	case err == nil || err == io.EOF:
		return io.ErrUnexpectedEOF
	}
	return err
}
