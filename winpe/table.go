package winpe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// readPartition finds the partition that begins at offset in a disk's
// partition table, which is an MBR or a GPT. It reads a few sectors only.
func readPartition(disk io.ReaderAt, offset int64) (Partition, error) {
	mbr := make([]byte, 512)
	if _, err := disk.ReadAt(mbr, 0); err != nil {
		return Partition{}, fmt.Errorf("read partition table: %w", err)
	}
	if mbr[510] != 0x55 || mbr[511] != 0xAA {
		return Partition{}, errors.New("read partition table: no signature")
	}
	const protective = 0xEE // the one entry of a GPT disk's MBR
	if mbr[446+4] != protective {
		return Partition{Signature: binary.LittleEndian.Uint32(mbr[0x1B8:]), Offset: offset}, nil
	}
	for _, sector := range []int64{512, 4096} {
		guid, err := findGPT(disk, sector, offset)
		if errors.Is(err, errNoGPT) {
			continue
		}
		return Partition{GUID: guid}, err
	}
	return Partition{}, errNoGPT
}

var errNoGPT = errors.New("read partition table: no GPT header")

// findGPT reads the GPT of a disk with the given sector size.
func findGPT(disk io.ReaderAt, sector, offset int64) (string, error) {
	le := binary.LittleEndian
	header := make([]byte, 92)
	if _, err := disk.ReadAt(header, sector); err != nil || !bytes.HasPrefix(header, []byte("EFI PART")) {
		return "", errNoGPT
	}
	sum := le.Uint32(header[16:])
	le.PutUint32(header[16:], 0)
	if crc32.ChecksumIEEE(header) != sum {
		return "", errors.New("read partition table: the GPT header is damaged")
	}
	first, count, size := le.Uint64(header[72:]), le.Uint32(header[80:]), le.Uint32(header[84:])
	if size < 128 || size > 4096 || count > 1024 || first > 1<<40 {
		return "", errors.New("read partition table: the GPT header makes no sense")
	}
	entry := make([]byte, 48)
	for i := range int64(count) {
		if _, err := disk.ReadAt(entry, int64(first)*sector+i*int64(size)); err != nil {
			return "", fmt.Errorf("read partition table: %w", err)
		}
		if start := le.Uint64(entry[32:]); start != 0 && start <= 1<<50 && int64(start)*sector == offset {
			return guidString(entry[16:32]), nil
		}
	}
	return "", fmt.Errorf("read partition table: no partition at %d", offset)
}

// guidString writes a GUID as it lies on a disk in its usual form.
func guidString(g []byte) string {
	le := binary.LittleEndian
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", le.Uint32(g), le.Uint16(g[4:]), le.Uint16(g[6:]), g[8:10], g[10:16])
}
