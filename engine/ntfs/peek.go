package ntfs

import (
	"encoding/binary"
	"io"
)

// Peek reads a few sectors of a volume and tells what they say about it: Info
// without what needs the whole file table or the log.
func Peek(r io.ReaderAt, size int64) (Info, error) {
	boot, backup, err := readBoot(r, size)
	if err != nil {
		return Info{}, err
	}
	info := boot.info(backup)
	// The first records lie together, and are mirrored; a volume whose label
	// cannot be read has none.
	for _, table := range []int64{boot.mft, boot.mirror} {
		raw := make([]byte, boot.record)
		if table <= 0 || table >= boot.clusters || readFull(r, raw, table<<boot.clusterShift+int64(recordVolume*boot.record)) != nil {
			continue
		}
		rec, err := parseRecord(raw)
		if err != nil {
			continue
		}
		for attrs := rec.attributes(); ; {
			a, ok := attrs.next()
			if !ok {
				return info, nil
			}
			switch {
			case a.kind == typeVolumeName && a.resident:
				info.Label = nameOf(a.value)
			case a.kind == typeVolumeInformation && len(a.value) >= 12:
				info.Major, info.Minor = a.value[8], a.value[9]
				info.Dirty = binary.LittleEndian.Uint16(a.value[10:])&1 != 0
			}
		}
	}
	return info, nil
}
