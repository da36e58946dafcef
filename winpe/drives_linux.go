package winpe

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Drives lists the physical disks. Volumes are those that are mounted, from
// [Volumes]. A disk that cannot be opened is listed with the Problem.
func Drives(ctx context.Context, volumes []Volume) ([]Drive, error) {
	return host{root: "/"}.drives(ctx, volumes)
}

func (h host) drives(ctx context.Context, volumes []Volume) ([]Drive, error) {
	entries, err := os.ReadDir(h.path("sys/block"))
	if err != nil {
		return nil, fmt.Errorf("list disks: %w", err)
	}
	var all []Drive
	for _, e := range entries {
		dir, err := filepath.EvalSymlinks(h.path("sys/block/" + e.Name()))
		if err != nil || !isDrive(e.Name()) {
			continue
		}
		d := h.drive(dir)
		if d.Size == 0 { // a card reader without a card
			continue
		}
		if d.Health == "" {
			d.Health, _ = within(ctx, func() (string, error) { return smart(h.path(d.Device), d.Bus), nil }) // who does not answer, shows that when it is read
		}
		d.look(ctx, h.path(d.Device))
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("list disks: %w", err)
		}
		h.parts(&d, dir)
		d.mounted(volumes)
		all = append(all, d)
	}
	return all, nil
}

// isDrive passes over what the kernel makes of files, memory and other disks,
// and optical drives.
func isDrive(name string) bool {
	kind := strings.TrimRight(name, "0123456789")
	if strings.HasPrefix(name, "mmcblk") && strings.Contains(name, "boot") {
		return false // a part of the chip that is not for files
	}
	return !slices.Contains([]string{"loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd", "drbd"}, kind)
}

// drive describes a disk from its folder in sysfs.
func (h host) drive(dir string) Drive {
	read := func(parts ...string) string {
		data, err := os.ReadFile(filepath.Join(append([]string{dir}, parts...)...))
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(data))
	}
	sectors, _ := strconv.ParseInt(read("size"), 10, 64)
	udev := h.udev(read("dev"))
	d := Drive{
		Device: "/dev/" + strings.ReplaceAll(filepath.Base(dir), "!", "/"),
		Disk: Disk{
			Name:   filepath.Base(dir),
			Model:  model(read("device", "vendor"), read("device", "model")),
			Serial: first(udev["ID_SERIAL_SHORT"], read("device", "serial")),
			Bus:    bus(dir),
			Size:   sectors * 512,
		},
		Rotational: read("queue", "rotational") == "1",
		ReadOnly:   read("ro") == "1",
		Health:     health(read),
	}
	d.Removable = read("removable") == "1" || d.Bus == "USB" || d.Bus == "MMC"
	d.Sector, _ = strconv.Atoi(read("queue", "logical_block_size"))
	return d
}

// health is what sysfs says against a disk. It has the errors that the kernel met
// since the disk was plugged in, the state of an NVMe controller, and the wear that
// eMMC reports.
func health(read func(...string) string) string {
	if state := read("device", "state"); state == "dead" || state == "offline" {
		return "the disk does not answer"
	}
	switch read("device", "pre_eol_info") {
	case "0x02":
		return "worn: 80% of its spare blocks are used"
	case "0x03":
		return "worn out: 90% of its spare blocks are used"
	}
	if n, err := strconv.ParseInt(read("device", "iotmo_cnt"), 0, 64); err == nil && n > 0 {
		return fmt.Sprintf("%d commands timed out since it was plugged in", n)
	}
	return ""
}

// parts adds what the kernel knows of the partitions: their devices, and what
// was made of them. Where the disk itself could not be read it is all there is.
func (h host) parts(d *Drive, dir string) {
	known := d.Problem == ""
	for _, sub := range glob(dir, "*", "partition") {
		sub = filepath.Dir(sub)
		text := func(name string) string {
			data, err := os.ReadFile(filepath.Join(sub, name))
			if err != nil {
				return ""
			}
			return strings.TrimSpace(string(data))
		}
		start, _ := strconv.ParseInt(text("start"), 10, 64)
		sectors, _ := strconv.ParseInt(text("size"), 10, 64)
		i := slices.IndexFunc(d.Parts, func(p Part) bool { return p.Offset == start*512 })
		if i < 0 {
			if known {
				continue // the table was changed since the kernel read it
			}
			number, _ := strconv.Atoi(text("partition"))
			udev := h.udev(text("dev"))
			d.Parts = append(d.Parts, Part{
				Number: number, Offset: start * 512, Size: sectors * 512, Name: udevText(udev["ID_PART_ENTRY_NAME"]),
				FileSystem: udev["ID_FS_TYPE"], Label: udevText(udev["ID_FS_LABEL_ENC"]),
				Partition: h.partition(udev, d.Name, start*512),
			})
			i = len(d.Parts) - 1
		}
		p := &d.Parts[i]
		p.Path = "/dev/" + filepath.Base(sub)
		for _, holder := range glob(sub, "holders", "*") {
			p.InUse = filepath.Base(holder)
		}
	}
	slices.SortFunc(d.Parts, func(a, b Part) int { return a.Number - b.Number })
}

func glob(parts ...string) []string {
	found, _ := filepath.Glob(filepath.Join(parts...)) // the pattern is good
	return found
}
