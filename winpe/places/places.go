// Package places says where on this machine the engine should look for a Windows:
// it makes a [engine.Place] of each [winpe.Volume] that is mounted and of each
// [winpe.Part] that is not. The wizard and the command lines look in the same
// places because both ask here.
package places

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/engine"
	"lifeboat/engine/disk"
	"lifeboat/engine/windows"
	"lifeboat/engine/winname"
	"lifeboat/winpe"
)

// Mounted are the mounted volumes where a Windows may be: those of this machine's
// disks that answer. Drives say how those disks are.
func Mounted(volumes []winpe.Volume, drives []winpe.Drive) []engine.Place {
	var all []engine.Place
	for _, v := range volumes {
		if v.Problem != "" || v.Network {
			continue
		}
		all = append(all, place(v, drives))
	}
	return all
}

// Unmounted are the partitions that may hold a Windows and that the system neither
// shows nor has made anything else of.
func Unmounted(drives []winpe.Drive) []engine.Place {
	var all []engine.Place
	for _, d := range drives {
		for _, part := range d.Parts {
			if !part.IsOpen() && part.InUse == "" && (part.FileSystem == disk.NTFS || part.FileSystem == disk.BitLocker) {
				all = append(all, engine.Place{Path: part.Path, Removable: d.Removable, Health: d.Health, Disk: diskID(part.Partition)})
			}
		}
	}
	return all
}

// Named are the folders, disks and images that somebody named, with what is known
// of the volumes they show.
func Named(paths []string, volumes []winpe.Volume, drives []winpe.Drive) []engine.Place {
	var all []engine.Place
	for _, path := range paths {
		p := engine.Place{Path: path}
		for _, v := range volumes {
			if Same(v.Mount, path) {
				p = place(v, drives)
				p.Path = path
			}
		}
		device, _ := engine.Partition(path)
		for _, d := range drives {
			is := func(part winpe.Part) bool { return Same(part.Path, path) }
			if Same(d.Device, device) || slices.ContainsFunc(d.Parts, is) {
				p.Health = d.Health
			}
		}
		all = append(all, p)
	}
	return all
}

// Further are the volumes that may have been other drives of the PC whose Windows
// is at first. Only what its MountedDevices can recognise is looked at: a volume of
// the rescue system must not be taken for a drive of the PC.
func Further(volumes []winpe.Volume, drives []winpe.Drive, first string) []engine.Place {
	var all []engine.Place
	for _, v := range volumes {
		if v.Problem == "" && !v.Network && !v.Removable && !v.System && v.Partition != (winpe.Partition{}) && !Same(v.Mount, first) {
			all = append(all, place(v, drives))
		}
	}
	return all
}

// Same reports whether two paths are spelled the same for this system.
func Same(a, b string) bool {
	a, b = filepath.Clean(a), filepath.Clean(b)
	return a == b || os.PathSeparator == '\\' && winname.Equal(a, b)
}

// place is a volume as the engine wants it, with what its disk says of itself. Windows
// reads a volume raw through its letter, and always mounts for writing. What is on a
// disk that fails nobody changes, unless the system runs from it: that is read raw,
// with care for bad sectors, since a system may hang over each of them.
func place(v winpe.Volume, drives []winpe.Drive) engine.Place {
	p := engine.Place{Path: v.Mount, Device: v.Device, Writable: !v.ReadOnly, Removable: v.Removable, Disk: diskID(v.Partition)}
	if letter, ok := strings.CutSuffix(v.Mount, `:\`); ok && len(letter) == 1 {
		p.Device, p.Writable = `\\.\`+letter+":", true
	}
	for _, d := range drives {
		if d.Name != "" && d.Name == v.Disk.Name {
			p.Health = d.Health
		}
	}
	p.Writable = p.Writable && (p.Health == "" || v.System)
	return p
}

func diskID(p winpe.Partition) windows.DiskID {
	id := windows.DiskID{Signature: p.Signature, Offset: uint64(p.Offset)}
	id.Partition, _ = windows.ParseGUID(p.GUID) // none is zero
	return id
}
