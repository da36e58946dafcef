// Package winpe is this machine, the one Lifeboat runs on: Windows PE, a Linux
// live system, or any computer a disk was plugged into. It finds the mounted
// volumes and the disks they lie on, tells free space and write protection, and
// has the system do what a technician would else type: connect a share, load a
// driver, set the keyboard layout, turn the power off.
//
// What it found is plain data: a [Machine] holds the [Volume]s that are mounted,
// each with the [Disk] and [Partition] it lies on, and the [Drive]s with all their
// [Part]s, mounted or not. A Machine can be written as JSON and read again,
// so everything above can be run without the hardware. There is no watcher; to
// see what was plugged in, look again.
//
// It reads no file of a volume, and of a disk only what tells what is on it. It
// writes nothing but the short-lived file of [CheckWritable].
package winpe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"lifeboat/engine/winname"
)

// Machine is what was found at one moment.
type Machine struct {
	System  System   `json:"system"`
	Volumes []Volume `json:"volumes"`
	Drives  []Drive  `json:"drives,omitempty"`
}

// System describes the running system.
type System struct {
	OS    string `json:"os"`              // "linux", "windows"
	Arch  string `json:"arch"`            // "amd64", "arm64"
	Name  string `json:"name,omitempty"`  // "Debian GNU/Linux 12", "Windows 10.0.22621"
	WinPE bool   `json:"winpe,omitempty"` // restarts by itself after 72 hours
	Admin bool   `json:"admin,omitempty"` // may read everything
	Power Power  `json:"power"`
}

// Power says where the current comes from.
type Power string

// The sources of power.
const (
	PowerUnknown Power = ""
	Mains        Power = "mains"
	Battery      Power = "battery"
)

// Volume is a mounted volume.
type Volume struct {
	Mount      string `json:"mount"`           // `E:\`, "/mnt/usb"
	Device     string `json:"device"`          // /dev/sdb1, \\?\Volume{…}\
	ID         string `json:"id"`              // equal for two mounts of one volume, else different
	Label      string `json:"label,omitempty"` // as it is on the disk; show it through winname.Show
	FileSystem string `json:"fileSystem"`      // NTFS, FAT32, exFAT, ext4, …
	Size       int64  `json:"size"`
	Free       int64  `json:"free"`
	ReadOnly   bool   `json:"readOnly,omitempty"`
	Removable  bool   `json:"removable,omitempty"` // can be unplugged
	Network    bool   `json:"network,omitempty"`
	System     bool   `json:"system,omitempty"`  // holds the running system
	Problem    string `json:"problem,omitempty"` // why it cannot be used: locked, does not answer

	Disk      Disk      `json:"disk"`
	Partition Partition `json:"partition"`
}

// Disk is the device a volume lies on, as far as it tells.
type Disk struct {
	Name   string `json:"name,omitempty"` // sdb, Disk 1
	Model  string `json:"model,omitempty"`
	Serial string `json:"serial,omitempty"`
	Bus    string `json:"bus,omitempty"` // USB, SATA, NVMe, …
	Size   int64  `json:"size,omitempty"`
}

// Partition identifies a partition in the way Windows' MountedDevices does:
// either the disk's signature and the offset, or the GUID.
type Partition struct {
	Signature uint32 `json:"signature,omitempty"`
	Offset    int64  `json:"offset,omitempty"` // bytes from the start of the disk
	GUID      string `json:"guid,omitempty"`   // GPT partition GUID in its usual form, lower case
}

// Look describes this machine.
func Look(ctx context.Context) (Machine, error) {
	m := Machine{System: Describe()}
	var err error
	if m.Volumes, err = Volumes(ctx); err != nil {
		return m, err
	}
	m.Drives, err = Drives(ctx, m.Volumes)
	return m, err
}

// ReadMachine reads a recorded Machine.
func ReadMachine(data []byte) (Machine, error) {
	var m Machine
	if err := json.Unmarshal(data, &m); err != nil {
		return Machine{}, fmt.Errorf("read machine: %w", err)
	}
	winname.FromJSON(&m)
	return m, nil
}

// ErrReadOnly and ErrFull say why nothing can be written.
var (
	ErrReadOnly = errors.New("write protected")
	ErrFull     = errors.New("no space left")
)

// CheckWritable finds out whether files can be made in a folder, by making one
// and removing it. If the folder does not exist yet, the nearest one above it
// counts. The error wraps [ErrReadOnly], [ErrFull] or fs.ErrPermission where one
// of them is the cause.
func CheckWritable(path string) (err error) {
	dir, err := existing(path)
	if err != nil {
		return fmt.Errorf("check %s: %w", path, err)
	}
	f, err := os.CreateTemp(dir, ".lifeboat-*.tmp")
	if err != nil {
		return fmt.Errorf("check %s: %w", path, cause(err))
	}
	defer func() {
		// A full volume often fails only here.
		if err = errors.Join(err, f.Close(), os.Remove(f.Name())); err != nil {
			err = fmt.Errorf("check %s: %w", path, cause(err))
		}
	}()
	if _, err := f.Write(make([]byte, 4096)); err != nil {
		return err
	}
	return f.Sync()
}

// cause adds the sentinel that belongs to a system error.
func cause(err error) error {
	switch {
	case isReadOnly(err):
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	case isFull(err):
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// Target is what was found out about a folder to write to.
type Target struct {
	Path     string
	Free     int64  // bytes free on its volume, -1 if not known
	OnSource string // which of the sources it lies on, "" if on none
	MaxFile  int64  // the largest file that its volume holds, 0 for no bound
	Err      error  // why nothing can be written there
}

// maxFAT is the largest file that FAT32 holds: 4 GiB less a byte.
const maxFAT = 1<<32 - 1

// Examine finds out whether something can be written to path, which need not
// exist yet. On one of the sources nothing is even tried.
func Examine(path string, sources []string) Target {
	t := Target{Path: path, Free: -1}
	for _, source := range sources {
		if on, err := LiesOn(path, source); err == nil && on {
			t.OnSource = source
			return t
		}
	}
	if t.Err = CheckWritable(path); t.Err != nil {
		return t
	}
	if free, err := FreeSpace(path); err == nil {
		t.Free = free
	}
	if dir, err := existing(path); err == nil && isFAT(dir) {
		t.MaxFile = maxFAT
	}
	return t
}

// LiesOn reports whether path, which need not exist yet, lies on what place
// shows: if a volume is mounted at place, anywhere on that volume, by whatever
// way; if place is an ordinary folder, below it; if it is a device, or one
// partition of it as in [Part.Path], on a volume there. On an image file lies
// nothing.
func LiesOn(path, place string) (bool, error) {
	if file, number, ok := deviceOf(place); ok {
		return onDevice(path, file, number)
	}
	if info, err := os.Stat(place); err == nil && info.Mode().IsRegular() {
		return false, nil
	}
	mounted, err := isMount(place)
	if err != nil {
		return false, err
	}
	if mounted {
		return SameVolume(path, place)
	}
	return below(path, place)
}

// IsDevice reports whether a path names a disk or a partition of this computer.
func IsDevice(path string) bool {
	_, _, ok := deviceOf(path)
	return ok
}

// deviceOf splits the path of a device into its file and the number of a
// partition, -1 for none; ok is false for what is no device.
func deviceOf(place string) (file string, number int, ok bool) {
	file, number = place, -1
	if i := strings.LastIndexByte(place, '#'); i > 0 {
		if n, err := strconv.Atoi(place[i+1:]); err == nil && n >= 0 {
			file, number = place[:i], n
		}
	}
	return file, number, isDevice(file)
}

// below reports whether path is place or lies below it, links resolved.
func below(path, place string) (bool, error) {
	top, err := os.Stat(place)
	if err != nil {
		return false, err
	}
	p, err := existing(path)
	if err != nil {
		return false, err
	}
	if p, err = filepath.EvalSymlinks(p); err != nil {
		return false, err
	}
	for {
		if info, err := os.Stat(p); err == nil && os.SameFile(info, top) {
			return true, nil
		}
		up := filepath.Dir(p)
		if up == p {
			return false, nil
		}
		p = up
	}
}

// existing returns path, or the nearest folder above it that exists.
func existing(path string) (string, error) {
	p, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	for {
		info, err := os.Stat(p)
		switch {
		case err == nil && info.IsDir():
			return p, nil
		case err == nil:
			return "", fmt.Errorf("%s is no folder", p)
		case !errors.Is(err, os.ErrNotExist):
			return "", err
		}
		up := filepath.Dir(p)
		if up == p {
			return "", err
		}
		p = up
	}
}
