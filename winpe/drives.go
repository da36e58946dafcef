package winpe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"lifeboat/engine/bitlocker"
	"lifeboat/engine/disk"
	"lifeboat/engine/ntfs"
)

// Drive is a physical disk, or the image of one in a file.
type Drive struct {
	Disk
	Device     string      `json:"device"`           // /dev/sda, \\.\PhysicalDrive0, or the file
	Sector     int         `json:"sector,omitempty"` // bytes
	Removable  bool        `json:"removable,omitempty"`
	Rotational bool        `json:"rotational,omitempty"` // slow to seek
	ReadOnly   bool        `json:"readOnly,omitempty"`
	Health     string      `json:"health,omitempty"` // what the system says against it, empty if nothing
	Scheme     disk.Scheme `json:"scheme,omitempty"`
	Parts      []Part      `json:"partitions"`
	Notes      []string    `json:"notes,omitempty"`
	Problem    string      `json:"problem,omitempty"` // why it cannot be looked into
}

// Part is a partition of a drive, or the volume that fills it, and what is in it.
type Part struct {
	Number     int             `json:"number"`
	Path       string          `json:"path"` // to open it by: /dev/sda3, \\.\PhysicalDrive0#3, pc.vhd#3
	Offset     int64           `json:"offset"`
	Size       int64           `json:"size"`
	Type       string          `json:"type,omitempty"` // what the table says
	Name       string          `json:"name,omitempty"` // in a GPT
	Partition  Partition       `json:"partition"`
	FileSystem string          `json:"fileSystem,omitempty"` // what is really there
	Label      string          `json:"label,omitempty"`      // as it is on the disk; show it through winname.Show
	BitLocker  *bitlocker.Info `json:"bitLocker,omitempty"`
	Mount      string          `json:"mount,omitempty"` // where the system shows it, or what was unlocked of it
	Free       int64           `json:"free,omitempty"`  // where it is mounted
	InUse      string          `json:"inUse,omitempty"` // the device that was made of it: dm-0, md1
	Problem    string          `json:"problem,omitempty"`
}

// IsOpen reports whether the system has the partition in use, so that what is on
// it is to be had through a mount.
func (p Part) IsOpen() bool { return p.Mount != "" }

// DriveOf describes a disk image, or a device, by its path.
func DriveOf(ctx context.Context, path string) (Drive, error) {
	d := Drive{Device: path, Disk: Disk{Name: filepath.Base(path)}}
	err := d.look(ctx, path)
	return d, err
}

// look opens the drive and fills in what its bytes tell.
func (d *Drive) look(ctx context.Context, path string) error {
	type found struct {
		drive Drive
		err   error
	}
	// A dying disk may hold the calls for minutes: what they find is theirs until
	// they are back.
	mine := *d
	f, err := within(ctx, func() (found, error) {
		image, err := disk.Open(path)
		if err != nil {
			return found{mine, err}, nil
		}
		defer image.Close()
		err = mine.read(ctx, image)
		return found{mine, err}, nil
	})
	if err == nil {
		*d, err = f.drive, f.err
	}
	if err != nil {
		d.Problem = err.Error()
	}
	return err
}

// searchWithin is how long may be looked for BitLocker volumes whose beginning is
// lost: the disk has to answer in time all the same.
const searchWithin = answerWithin / 2

func (d *Drive) read(ctx context.Context, image *disk.Image) error {
	ctx, cancel := context.WithTimeout(ctx, searchWithin)
	defer cancel()
	d.Size, d.Sector = image.Size, image.Sector
	if image.Format != disk.Device {
		d.Bus = string(image.Format) + " image"
	}
	d.Notes = append(d.Notes, image.Notes...)
	table, err := disk.Partitions(image, image.Size, image.Sector)
	if errors.Is(err, disk.ErrNoTable) {
		whole := Part{Path: d.Device, Size: image.Size}
		if whole.recover(ctx, image) {
			d.Scheme, d.Parts = disk.Whole, append(d.Parts, whole)
			return nil
		}
		d.Notes = append(d.Notes, err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	d.Scheme, d.Notes = table.Scheme, append(d.Notes, table.Notes...)
	if d.Sector == 0 {
		d.Sector = table.Sector
	}
	for _, p := range table.Partitions {
		part := Part{Number: p.Number, Path: d.Device, Offset: p.Offset, Size: p.Size, Type: p.Type, Name: p.Name}
		switch table.Scheme {
		case disk.GPT:
			part.Partition.GUID = p.GUID.String()
		case disk.MBR:
			part.Partition = Partition{Signature: table.Signature, Offset: p.Offset}
		}
		if table.Scheme != disk.Whole {
			part.Path = fmt.Sprintf("%s#%d", d.Device, p.Number)
		}
		part.read(ctx, p, image)
		d.Parts = append(d.Parts, part)
	}
	return nil
}

// read tells what is in the partition.
func (p *Part) read(ctx context.Context, at disk.Partition, image *disk.Image) {
	r := at.Open(image)
	what := disk.Identify(r, p.Size)
	p.FileSystem, p.Label = what.FileSystem, what.Label
	switch p.FileSystem {
	case disk.NTFS:
		info, err := ntfs.Peek(r, p.Size)
		if err != nil {
			p.Problem = err.Error()
		}
		p.Label = info.Label
	case disk.BitLocker:
		p.recover(ctx, r)
	case "":
		if at.IsData() {
			p.recover(ctx, r)
		}
	}
}

// recover looks for BitLocker, whose beginning may be lost, and reports whether it
// is there.
func (p *Part) recover(ctx context.Context, r io.ReaderAt) bool {
	v, err := bitlocker.Recover(ctx, r, p.Size)
	if err != nil {
		if p.FileSystem != "" {
			p.Problem = err.Error()
		}
		return false
	}
	info := v.Info()
	p.FileSystem, p.BitLocker = disk.BitLocker, &info
	return true
}

// mounted notes where the partitions of a drive are mounted.
func (d *Drive) mounted(volumes []Volume) {
	for i := range d.Parts {
		p := &d.Parts[i]
		for _, v := range volumes {
			same := v.Device == p.Path || p.Partition != (Partition{}) && v.Partition == p.Partition && v.Disk.Name == d.Name
			if !same || v.Problem != "" {
				continue
			}
			p.Mount, p.Free = v.Mount, v.Free
			if p.Label == "" {
				p.Label = v.Label
			}
			break
		}
	}
}
