package sample

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"lifeboat/engine/bitlocker"
	"lifeboat/engine/ntfs/ntfstest"
	"lifeboat/engine/winname"
)

// The secrets of sample volumes that are encrypted.
const (
	RecoveryPassword = "104291-221771-331661-441551-551441-661331-210221-111111"
	Passphrase       = "correct horse battery staple"
)

// PartitionGUID is the partition that the sample PC knows as C:.
func PartitionGUID() (g [16]byte) {
	copy(g[:], seededGUID(7))
	return g
}

// NTFS makes an NTFS volume with the files below dir. It is good for readers:
// it lacks the indexes and the bitmap that Windows would want.
func NTFS(dir, label string) ([]byte, error) {
	records := int(ntfstest.FirstFree)
	err := filepath.WalkDir(dir, func(string, fs.DirEntry, error) error { records++; return nil })
	if err != nil {
		return nil, err
	}
	v := ntfstest.New(ntfstest.Options{Label: label, Records: records})
	folders := map[string]uint32{dir: ntfstest.Root}
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		const win32 = 1
		when := ntfsTime(info.ModTime())
		f := ntfstest.File{
			Names:  []ntfstest.Name{{Parent: folders[filepath.Dir(path)], Name: e.Name(), Space: win32}},
			Folder: e.IsDir(), Created: when, Modified: when, Accessed: when,
		}
		switch {
		case e.IsDir():
			folders[path] = v.Add(f)
		case e.Type().IsRegular():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			data := ntfstest.Resident("", content)
			if len(content) > 200 {
				data = v.Data("", content)
			}
			f.Attributes = []ntfstest.Attribute{data}
			v.Add(f)
		default:
			return fmt.Errorf("%s is neither file nor folder", winname.Show(path))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("make NTFS volume: %w", err)
	}
	return v.Image(), nil
}

// ntfsTime is a time in steps of 100 ns since 1601.
func ntfsTime(t time.Time) uint64 {
	const from1601 = 11644473600
	return uint64(t.Unix()+from1601)*1e7 + uint64(t.Nanosecond()/100)
}

// Encrypt makes a BitLocker volume of a plain one. Its keys come from seed.
func Encrypt(plain []byte, method bitlocker.Method, seed uint64, protectors ...bitlocker.NewProtector) ([]byte, bitlocker.Created, error) {
	var out buffer
	made, err := bitlocker.Create(&out, bytes.NewReader(plain), int64(len(plain)), bitlocker.CreateOptions{
		Method: method, Protectors: protectors, Description: Computer + " C: 11/24/2026",
		Random: rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}),
	})
	return out.data, made, err
}

// buffer is a file in memory.
type buffer struct{ data []byte }

func (b *buffer) WriteAt(p []byte, off int64) (int, error) {
	if need := int(off) + len(p); need > len(b.data) {
		b.data = append(b.data, make([]byte, need-len(b.data))...)
	}
	return copy(b.data[off:], p), nil
}

const (
	sector     = 512
	alignment  = 1 << 20 // of partitions
	gptEntries = 128
)

// Partition is a volume on a disk that is made.
type Partition struct {
	GUID   [16]byte
	Name   string
	Volume []byte
}

// Disk makes a disk with a GPT and a partition for each volume.
func Disk(partitions ...Partition) ([]byte, error) {
	if len(partitions) > gptEntries {
		return nil, errors.New("too many partitions")
	}
	le := binary.LittleEndian
	disk := make([]byte, alignment)
	entries := make([]byte, gptEntries*128)
	for i, p := range partitions {
		e := entries[128*i:]
		copy(e, basicData[:])
		copy(e[16:32], p.GUID[:])
		size := (len(p.Volume) + alignment - 1) / alignment * alignment
		le.PutUint64(e[32:], uint64(len(disk)/sector))
		le.PutUint64(e[40:], uint64((len(disk)+len(p.Volume)+sector-1)/sector-1))
		for j, u := range winname.ToUTF16(p.Name) {
			if j < 36 {
				le.PutUint16(e[56+2*j:], u)
			}
		}
		disk = append(append(disk, p.Volume...), make([]byte, size-len(p.Volume))...)
	}
	disk = append(disk, make([]byte, alignment)...)
	last := len(disk)/sector - 1
	const entrySectors = gptEntries * 128 / sector
	header := func(at, other, table int) {
		copy(disk[table*sector:], entries)
		h := disk[at*sector:][:92]
		copy(h, "EFI PART\x00\x00\x01\x00")
		le.PutUint32(h[12:], 92)
		le.PutUint64(h[24:], uint64(at))
		le.PutUint64(h[32:], uint64(other))
		le.PutUint64(h[40:], alignment/sector)
		le.PutUint64(h[48:], uint64(last-entrySectors-1))
		copy(h[56:], seededGUID(8))
		le.PutUint64(h[72:], uint64(table))
		le.PutUint32(h[80:], gptEntries)
		le.PutUint32(h[84:], 128)
		le.PutUint32(h[88:], crc32.ChecksumIEEE(entries))
		le.PutUint32(h[16:], crc32.ChecksumIEEE(h))
	}
	header(1, last, 2)
	header(last, 1, last-entrySectors)
	mbr := disk[:sector]
	mbr[450] = 0xEE
	le.PutUint32(mbr[454:], 1)
	le.PutUint32(mbr[458:], uint32(last))
	mbr[510], mbr[511] = 0x55, 0xAA
	return disk, nil
}

// basicData is the type of partitions with Windows volumes.
var basicData = [16]byte{0xA2, 0xA0, 0xD0, 0xEB, 0xE5, 0xB9, 0x33, 0x44, 0x87, 0xC0, 0x68, 0xB6, 0xB7, 0x26, 0x99, 0xC7}
