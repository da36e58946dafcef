package ntfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// geometry is what the boot sector tells.
type geometry struct {
	sector       int   // bytes
	clusterShift uint  // a cluster is 1<<clusterShift bytes
	record       int   // bytes of a file record
	clusters     int64 // of the volume
	sectors      int64 // of the volume, without the backup boot sector
	mft, mirror  int64 // first clusters of $MFT and $MFTMirr
	serial       uint64
}

func (g geometry) volumeSize() int64 { return g.sectors * int64(g.sector) }

// info is what the boot sector, or its backup, says of the volume.
func (g geometry) info(backup bool) Info {
	return Info{
		Serial: g.serial, Size: g.volumeSize(), SectorSize: g.sector,
		ClusterSize: 1 << g.clusterShift, RecordSize: g.record, BackupBoot: backup,
	}
}

// ErrNotNTFS means that the bytes are not those of an NTFS volume.
var ErrNotNTFS = errors.New("not an NTFS volume")

const (
	minCluster = 512
	maxCluster = 2 << 20
	bootSize   = 512
	// A volume has no more bytes than this, so that offsets never overflow.
	maxVolume = 1 << 62
)

// readBoot reads the boot sector, or the backup in the last sector of the
// partition if the first is damaged.
func readBoot(r io.ReaderAt, size int64) (g geometry, backup bool, err error) {
	first := make([]byte, bootSize)
	if err = readFull(r, first, 0); err == nil {
		if g, err = parseBoot(first); err == nil {
			return g, false, nil
		}
	} else {
		err = fmt.Errorf("read boot sector: %w", err)
	}
	if g, ok := readBackup(r, size); ok {
		return g, true, nil
	}
	if errors.Is(err, ErrNotNTFS) {
		if what := looksLike(first); what != "" {
			err = fmt.Errorf("%w: this looks like %s", ErrNotNTFS, what)
		}
	}
	return geometry{}, false, err
}

// readBackup reads the copy of the boot sector in the last sector of the partition.
func readBackup(r io.ReaderAt, size int64) (geometry, bool) {
	// The size of a sector is not known yet; where it has 4096 bytes the backup
	// begins that far from the end.
	for _, sector := range []int64{512, 4096, 1024, 2048} {
		at := size/sector*sector - sector
		if at <= 0 {
			continue
		}
		copied := make([]byte, bootSize)
		if readFull(r, copied, at) != nil {
			continue
		}
		if g, err := parseBoot(copied); err == nil && g.volumeSize() <= at {
			return g, true
		}
	}
	return geometry{}, false
}

func parseBoot(b []byte) (geometry, error) {
	if string(b[3:11]) != "NTFS    " {
		return geometry{}, ErrNotNTFS
	}
	bad := func(what string, v any) (geometry, error) {
		return geometry{}, fmt.Errorf("boot sector: %w: %s %v", ErrDamaged, what, v)
	}
	g := geometry{
		sector: int(binary.LittleEndian.Uint16(b[11:])),
		mft:    int64(binary.LittleEndian.Uint64(b[48:])),
		mirror: int64(binary.LittleEndian.Uint64(b[56:])),
		serial: binary.LittleEndian.Uint64(b[72:]),
	}
	if g.sector < 512 || g.sector > 4096 || bits.OnesCount(uint(g.sector)) != 1 {
		return bad("sector size", g.sector)
	}
	// Up to 128 it is the count of sectors, above a negative power of two.
	perCluster := int64(b[13])
	if perCluster > 0x80 {
		perCluster = 1 << min(256-perCluster, 32)
	}
	cluster := perCluster * int64(g.sector)
	if cluster < minCluster || cluster > maxCluster || bits.OnesCount64(uint64(cluster)) != 1 {
		return bad("cluster size", cluster)
	}
	g.clusterShift = uint(bits.TrailingZeros64(uint64(cluster)))
	// Positive it is a count of clusters, negative the exponent of a count of bytes.
	record := int64(int8(b[64]))
	if record > 0 {
		record *= cluster
	} else {
		record = 1 << min(-record, 32)
	}
	if record < 1024 || record > 4096 || bits.OnesCount64(uint64(record)) != 1 {
		return bad("file record size", record)
	}
	g.record = int(record)
	sectors := binary.LittleEndian.Uint64(b[40:])
	if sectors == 0 || sectors > maxVolume/uint64(g.sector) {
		return bad("count of sectors", sectors)
	}
	g.sectors = int64(sectors)
	g.clusters = g.volumeSize() >> g.clusterShift
	if g.mft <= 0 || g.mft >= g.clusters {
		return bad("first cluster of $MFT", g.mft)
	}
	return g, nil
}

// looksLike names what begins with the boot sector b, if it is known.
func looksLike(b []byte) string {
	at := func(off int, magic string) bool { return string(b[off:off+len(magic)]) == magic }
	switch {
	case at(3, "-FVE-FS-"), at(3, "MSWIN4.1") && at(424, "\x3b\xd6\x67\x49\x29\x2e\xd8\x4a"):
		return "a BitLocker volume"
	case at(3, "EXFAT   "):
		return "an exFAT volume"
	case at(82, "FAT32"), at(54, "FAT16"), at(54, "FAT12"):
		return "a FAT volume"
	case at(3, "ReFS"):
		return "a ReFS volume"
	case at(0, "conectix"), at(0, "vhdxfile"), at(0, "EVF\x09"), at(0, "QFI\xfb"), at(0, "KDMV"):
		return "a disk image in a container"
	case at(0, "PK\x03\x04"), at(0, "\x1f\x8b"), at(0, "\xfd7zXZ\x00"), at(0, "7z\xbc\xaf"):
		return "a packed file"
	case b[510] == 0x55 && b[511] == 0xAA && b[450] == 0xEE:
		return "a whole disk with a GUID partition table"
	case b[510] == 0x55 && b[511] == 0xAA && b[446]&0x7F == 0 && b[450] != 0:
		return "a whole disk with a partition table"
	}
	for _, c := range b {
		if c != 0 {
			return ""
		}
	}
	return "an empty disk: its first sector is all zero"
}
