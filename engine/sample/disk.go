package sample

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"lifeboat/engine/bitlocker"
	"lifeboat/engine/disk"
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
	v, _, err := NTFSVolume(dir, ntfstest.Options{Label: label})
	if err != nil {
		return nil, err
	}
	return v.Image(), nil
}

// NTFSVolume is NTFS with the volume still in the making; opt.Records is the room
// for more files. The folders on it are by their paths on this computer.
func NTFSVolume(dir string, opt ntfstest.Options) (*ntfstest.Volume, map[string]uint32, error) {
	opt.Records += int(ntfstest.FirstFree)
	err := filepath.WalkDir(dir, func(string, fs.DirEntry, error) error { opt.Records++; return nil })
	if err != nil {
		return nil, nil, err
	}
	v := ntfstest.New(opt)
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
		return nil, nil, fmt.Errorf("make NTFS volume: %w", err)
	}
	return v, folders, nil
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
	image := make([]byte, alignment)
	var table []disk.NewPartition
	for _, p := range partitions {
		size := (len(p.Volume) + 511) / 512 * 512
		table = append(table, disk.NewPartition{
			Type: disk.BasicData, GUID: p.GUID, Name: p.Name, Offset: int64(len(image)), Size: int64(size),
		})
		room := (size + alignment - 1) / alignment * alignment
		image = append(append(image, p.Volume...), make([]byte, room-len(p.Volume))...)
	}
	image = append(image, make([]byte, alignment)...)
	first, last := disk.NewGPT(int64(len(image)), disk.GUID(seededGUID(8)), table)
	copy(image, first)
	copy(image[len(image)-len(last):], last)
	return image, nil
}
