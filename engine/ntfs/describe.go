package ntfs

import (
	"encoding/binary"
	"fmt"
)

// describe fills in what the file system's own files tell about the volume.
func (f *FS) describe() {
	attrs, err := f.gather(recordVolume)
	if err != nil {
		f.problems.add(recordVolume, fmt.Sprintf("$Volume: %v", err))
	}
	for _, a := range attrs {
		switch {
		case a.kind == typeVolumeName && a.resident:
			f.info.Label = nameOf(a.value)
		case a.kind == typeVolumeInformation && len(a.value) >= 12:
			f.info.Major, f.info.Minor = a.value[8], a.value[9]
			f.info.Dirty = binary.LittleEndian.Uint16(a.value[10:])&1 != 0
		}
	}
	f.info.LogPending = f.logPending()
}

// logPending reports whether the log holds changes that Windows would make when
// it mounts the volume. They are not made here: a reader that writes nothing
// shows what is on the disk.
func (f *FS) logPending() bool {
	attrs, _ := f.gather(recordLog)
	log, err := f.openFrom(attrs, "", 0)
	if err != nil {
		return false
	}
	// Two pages at the beginning tell the state; the one that was written last
	// counts.
	newest, pending := uint64(0), false
	at := int64(0)
	for range 2 {
		var page [512]byte
		if readFull(log, page[:], at) != nil || string(page[:4]) != "RSTR" {
			break
		}
		pageSize := int64(binary.LittleEndian.Uint32(page[16:]))
		area := int(binary.LittleEndian.Uint16(page[24:]))
		if area+16 <= fixupStride-2 {
			const noClient, clean = 0xFFFF, 2
			lsn := binary.LittleEndian.Uint64(page[area:])
			client, flags := binary.LittleEndian.Uint16(page[area+12:]), binary.LittleEndian.Uint16(page[area+14:])
			if lsn >= newest {
				newest, pending = lsn, client != noClient && flags&clean == 0
			}
		}
		if pageSize < 512 || pageSize > 64<<10 {
			break
		}
		at = pageSize
	}
	return pending
}
