package linuxstick

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"lifeboat/engine/disk"
	"lifeboat/winpe/media/fat32"
)

const (
	label      = "LIFEBOAT"
	firstByte  = 1 << 20  // of the partition
	roomToGrow = 64 << 20 // for logs, answers and rule files
)

// Image makes the image of a stick from the folder of one: a disk with a GPT and
// one partition that firmware boots from and every system shows. All is dated
// with the time.
func Image(file, stick string, when time.Time) (err error) {
	tree := os.DirFS(stick)
	sum, err := contentSum(tree)
	if err != nil {
		return err
	}
	volume, err := fat32.Room(tree, roomToGrow)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Sync(), f.Close()) }()
	size := firstByte + volume + 1<<20
	if err := f.Truncate(size); err != nil {
		return err
	}
	// Windows shows a partition of the type for EFI to nobody, and firmware starts
	// a stick from any FAT volume.
	first, last := disk.NewGPT(size, disk.GUID(sum[:16]), []disk.NewPartition{{
		Type: disk.BasicData, GUID: disk.GUID(sum[16:32]), Name: "Lifeboat", Offset: firstByte, Size: volume,
	}})
	if _, err := f.WriteAt(first, 0); err != nil {
		return err
	}
	if _, err := f.WriteAt(last, size-int64(len(last))); err != nil {
		return err
	}
	v := fat32.Volume{Label: label, Serial: binary.LittleEndian.Uint32(sum), Time: when, Hidden: firstByte / 512}
	return v.Write(io.NewOffsetWriter(f, firstByte), volume, tree)
}

// contentSum is a hash of all files, which the identifiers are made of.
func contentSum(tree fs.FS) ([]byte, error) {
	sum := sha256.New()
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := tree.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		fmt.Fprintf(sum, "%q\n", name)
		_, err = io.Copy(sum, f)
		return err
	})
	return sum.Sum(nil), err
}
