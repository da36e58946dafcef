package winpe

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"lifeboat/engine/disk"
)

// Volumes lists the mounted volumes that hold or could hold files of people.
// A volume that does not answer is listed with the Problem.
func Volumes(ctx context.Context) ([]Volume, error) {
	return host{root: "/", usage: usage, apart: usageApart}.volumes(ctx)
}

// host is a Linux system seen through its files below root, so that recorded
// ones can be looked at too.
type host struct {
	root  string
	usage func(mount string) (space, error)
	// apart is usage in a process of its own, for mounts behind which a program or
	// another computer may be dead; nil does without.
	apart func(ctx context.Context, mount string) (space, error)
}

// space is what statfs tells of a mount.
type space struct {
	size, free int64
	readOnly   bool
}

// mount is a line of mountinfo.
type mount struct {
	device  string // major:minor
	root    string // what of the file system is mounted
	point   string
	options []string // of the mount, and of the file system
	fstype  string
	source  string
}

func (h host) path(p string) string { return filepath.Join(h.root, p) }

// text reads a small file of sysfs or the like; missing ones are empty.
func (h host) text(p string) string {
	data, err := os.ReadFile(h.path(p))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

func (h host) volumes(ctx context.Context) ([]Volume, error) {
	data, err := os.ReadFile(h.path("proc/self/mountinfo"))
	if err != nil {
		return nil, fmt.Errorf("list volumes: %w", err)
	}
	var all []Volume
	seen := map[string]bool{}
	for _, m := range visible(parseMounts(string(data))) {
		v, ok := h.volume(m)
		if !ok || seen[v.ID] {
			continue
		}
		seen[v.ID] = true
		s, err := within(ctx, func() (space, error) {
			if h.apart != nil && (isNetwork(m.fstype) || isFUSE(m.fstype)) {
				return h.apart(ctx, h.path(m.point))
			}
			return h.usage(h.path(m.point))
		})
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("list volumes: %w", ctx.Err())
		case err != nil:
			v.Problem = err.Error()
		}
		v.Size, v.Free = s.size, s.free
		v.ReadOnly = s.readOnly || slices.Contains(m.options, "ro")
		all = append(all, v)
	}
	sortVolumes(all)
	return all, nil
}

// parseMounts reads /proc/self/mountinfo. Lines that make no sense are passed over.
func parseMounts(text string) []mount {
	var all []mount
	for line := range strings.Lines(text) {
		before, after, ok := strings.Cut(strings.TrimSpace(line), " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if !ok || len(left) < 6 || len(right) < 2 {
			continue
		}
		m := mount{
			device: left[2], root: octal(left[3]), point: octal(left[4]), options: strings.Split(left[5], ","),
			fstype: right[0], source: octal(right[1]),
		}
		if len(right) > 2 {
			m.options = append(m.options, strings.Split(right[2], ",")...)
		}
		all = append(all, m)
	}
	return all
}

// octal undoes the kernel's \040 for blanks and the like.
func octal(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// visible drops mounts that a later one hides.
func visible(all []mount) []mount {
	last := map[string]int{}
	for i, m := range all {
		last[m.point] = i
	}
	var out []mount
	for i, m := range all {
		if last[m.point] == i {
			out = append(out, m)
		}
	}
	return out
}

// volume describes a mount; false means that it is none a person would call a
// volume: a pseudo file system, a part of another one mounted elsewhere, a
// memory disk.
func (h host) volume(m mount) (Volume, bool) {
	v := Volume{
		Mount: m.point, Device: m.source, ID: m.device, FileSystem: fileSystem(m.fstype),
		Network: isNetwork(m.fstype), System: isSystem(m.point),
	}
	switch {
	case m.root != "/" && m.fstype != "btrfs":
		return v, false
	case m.fstype == "squashfs" || m.fstype == "iso9660" && !isLive(m.point):
		return v, false
	case v.Network:
		v.ID = m.fstype + ":" + m.source
		return v, true
	}
	if block, ok := h.block(m); ok {
		if m.fstype == "btrfs" { // each subvolume has a device number of its own
			v.ID = filepath.Base(block) + m.root
		}
		h.describe(&v, block)
		if !strings.HasPrefix(v.Device, "/dev/") || v.Device == "/dev/root" {
			v.Device = "/dev/" + filepath.Base(block)
		}
		return v, true
	}
	// An image mounted through FUSE has no device but holds files all the same;
	// the root of a live system has none either.
	return v, isFUSE(m.fstype) || m.point == "/"
}

// isFUSE reports whether a program serves the file system, and files of people.
func isFUSE(fstype string) bool {
	return fstype == "fuseblk" || fstype == "fuse" || strings.HasPrefix(fstype, "fuse.") && !slices.Contains(pseudoFUSE, fstype)
}

var pseudoFUSE = []string{"fuse.gvfsd-fuse", "fuse.portal", "fuse.lxcfs", "fuse.snapfuse", "fuse.xdg-document-portal"}

// fileSystem names a file system as people know it.
func fileSystem(fstype string) string {
	switch fstype {
	case "ntfs", "ntfs3", "fuseblk", "fuse.ntfs", "fuse.ntfs-3g":
		return "NTFS" // fuseblk may be exFAT on old systems; see describe
	case "vfat", "msdos":
		return "FAT"
	case "exfat", "fuse.exfat":
		return "exFAT"
	}
	return fstype
}

func isNetwork(fstype string) bool {
	return slices.Contains([]string{"cifs", "smb3", "smbfs", "nfs", "nfs4", "9p", "virtiofs", "fuse.sshfs", "fuse.rclone", "ceph", "afs"}, fstype)
}

// isSystem reports whether the running system lives at a mount point.
func isSystem(point string) bool {
	switch point {
	case "/", "/usr", "/var", "/etc", "/home", "/tmp", "/nix", "/boot":
		return true
	}
	return strings.HasPrefix(point, "/boot/") || isLive(point)
}

// isLive reports whether a live system keeps its medium at a mount point.
func isLive(point string) bool {
	for _, p := range []string{"/run/live", "/run/initramfs", "/run/archiso", "/cdrom", "/lib/live", "/usr/lib/live"} {
		if point == p || strings.HasPrefix(point, p+"/") {
			return true
		}
	}
	return false
}

// block finds the sysfs folder of the block device a mount lies on.
func (h host) block(m mount) (string, bool) {
	if !strings.HasPrefix(m.device, "0:") {
		if dir, err := filepath.EvalSymlinks(h.path("sys/dev/block/" + m.device)); err == nil {
			return dir, true
		}
	}
	if !strings.HasPrefix(m.source, "/dev/") {
		return "", false
	}
	name := path.Base(m.source)
	if dev, err := filepath.EvalSymlinks(h.path(m.source)); err == nil {
		name = filepath.Base(dev) // /dev/mapper/x is a link to /dev/dm-0
	}
	dir, err := filepath.EvalSymlinks(h.path("sys/class/block/" + name))
	return dir, err == nil
}

// describe fills in what the block device tells: what it is, whether it can be
// unplugged, where the partition lies.
func (h host) describe(v *Volume, block string) {
	// A decrypted or mapped volume lies on the first device below it.
	for range 8 {
		below, err := filepath.Glob(filepath.Join(block, "slaves", "*"))
		if err != nil || len(below) == 0 {
			break
		}
		next, err := filepath.EvalSymlinks(below[0])
		if err != nil {
			break
		}
		block = next
	}
	read := func(parts ...string) string {
		data, err := os.ReadFile(filepath.Join(parts...))
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(data))
	}
	whole := block
	start, isPartition := int64(0), false
	if text := read(block, "start"); text != "" {
		whole, isPartition = filepath.Dir(block), true
		start, _ = strconv.ParseInt(text, 10, 64)
	}
	sectors, _ := strconv.ParseInt(read(whole, "size"), 10, 64)
	udev, diskUdev := h.udev(read(block, "dev")), h.udev(read(whole, "dev"))
	v.Disk = Disk{
		Name:   filepath.Base(whole),
		Model:  model(read(whole, "device", "vendor"), read(whole, "device", "model")),
		Serial: first(diskUdev["ID_SERIAL_SHORT"], read(whole, "device", "serial")),
		Bus:    bus(whole),
		Size:   sectors * 512,
	}
	v.Removable = read(whole, "removable") == "1" || v.Disk.Bus == "USB" || v.Disk.Bus == "MMC"
	v.Label = udevText(udev["ID_FS_LABEL_ENC"])
	if len(udev) == 0 { // nobody noted anything: a system without udev
		h.identify(v, "dev/"+filepath.Base(block))
	}
	if v.FileSystem == "NTFS" && udev["ID_FS_TYPE"] == "exfat" {
		v.FileSystem = "exFAT"
	}
	if version := udev["ID_FS_VERSION"]; v.FileSystem == "FAT" && strings.HasPrefix(version, "FAT") {
		v.FileSystem = version
	}
	if isPartition {
		v.Partition = h.partition(udev, filepath.Base(whole), start*512)
	}
}

// identify fills in what the volume itself tells.
func (h host) identify(v *Volume, device string) {
	image, err := disk.Open(h.path(device))
	if err != nil {
		return // not root
	}
	defer image.Close()
	what := disk.Identify(image, image.Size)
	v.Label = what.Label
	if strings.HasPrefix(what.FileSystem, "FAT") && v.FileSystem == "FAT" {
		v.FileSystem = what.FileSystem
	}
}

// model joins vendor and model, where the vendor is one: SATA disks have the
// protocol in its place, virtual ones a number.
func model(vendor, name string) string {
	if vendor == "ATA" || strings.HasPrefix(vendor, "0x") {
		vendor = ""
	}
	return strings.TrimSpace(vendor + " " + name)
}

// partition identifies a partition from what udev noted, else from the table.
func (h host) partition(udev map[string]string, name string, offset int64) Partition {
	switch id := udev["ID_PART_ENTRY_UUID"]; udev["ID_PART_ENTRY_SCHEME"] {
	case "gpt":
		return Partition{GUID: strings.ToLower(id)}
	case "dos":
		if n, err := strconv.ParseUint(udev["ID_PART_TABLE_UUID"], 16, 32); err == nil {
			return Partition{Signature: uint32(n), Offset: offset}
		}
	}
	image, err := disk.Open(h.path("dev/" + name))
	if err != nil {
		return Partition{} // not root
	}
	defer image.Close()
	table, err := disk.Partitions(image, image.Size, image.Sector)
	if err != nil {
		return Partition{}
	}
	for _, p := range table.Partitions {
		switch {
		case p.Offset != offset:
		case table.Scheme == disk.GPT:
			return Partition{GUID: p.GUID.String()}
		case table.Scheme == disk.MBR:
			return Partition{Signature: table.Signature, Offset: offset}
		}
	}
	return Partition{}
}

// udev reads what udev noted about a device. It may be absent.
func (h host) udev(device string) map[string]string {
	notes := map[string]string{}
	if device == "" {
		return notes
	}
	for line := range strings.Lines(h.text("run/udev/data/b" + device)) {
		if entry, ok := strings.CutPrefix(strings.TrimSpace(line), "E:"); ok {
			name, value, _ := strings.Cut(entry, "=")
			notes[name] = value
		}
	}
	return notes
}

// udevText undoes udev's \x20.
func udevText(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.HasPrefix(s[i:], `\x`) && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// bus tells from the place of a disk in the device tree how it is connected.
func bus(dir string) string {
	name := filepath.Base(dir)
	switch {
	case strings.Contains(dir, "/usb"):
		return "USB"
	case strings.HasPrefix(name, "nvme"):
		return "NVMe"
	case strings.HasPrefix(name, "mmcblk"):
		return "MMC"
	case strings.Contains(dir, "/ata"):
		return "SATA"
	case strings.Contains(dir, "/virtio"):
		return "virtio"
	case strings.HasPrefix(name, "loop"):
		return "image file"
	}
	return ""
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
