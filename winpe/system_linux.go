package winpe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func usage(path string) (space, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return space{}, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	block := int64(s.Frsize)
	if block == 0 {
		block = int64(s.Bsize)
	}
	return space{size: int64(s.Blocks) * block, free: int64(s.Bavail) * block, readOnly: s.Flags&unix.ST_RDONLY != 0}, nil
}

// usageApart asks for the usage in a process of its own. A call that a dead file
// system never answers cannot be killed, nor can the process that made it.
func usageApart(ctx context.Context, path string) (space, error) {
	out, err := exec.CommandContext(ctx, "stat", "-f", "-c", "%S %b %a", "--", path).Output()
	if errors.Is(err, exec.ErrNotFound) {
		return usage(path)
	}
	if err != nil {
		return space{}, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	var block, blocks, free int64
	if _, err := fmt.Sscan(string(out), &block, &blocks, &free); err != nil {
		return space{}, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	return space{size: blocks * block, free: free * block}, nil
}

// FreeSpace tells how many bytes can be written below a folder, which need not
// exist yet.
func FreeSpace(path string) (int64, error) {
	dir, err := existing(path)
	if err != nil {
		return 0, err
	}
	s, err := usage(dir)
	return s.free, err
}

// SameVolume reports whether two paths, which need not exist yet, lie on one
// volume.
func SameVolume(a, b string) (bool, error) {
	var devices [2]uint64
	for i, p := range []string{a, b} {
		dir, err := existing(p)
		if err != nil {
			return false, err
		}
		var s unix.Stat_t
		if err := unix.Stat(dir, &s); err != nil {
			return false, &os.PathError{Op: "stat", Path: dir, Err: err}
		}
		devices[i] = uint64(s.Dev)
	}
	return devices[0] == devices[1], nil
}

// isMount reports whether a volume is mounted at a folder.
func isMount(dir string) (bool, error) {
	here, err := filepath.Abs(dir)
	if err != nil {
		return false, err
	}
	if here, err = filepath.EvalSymlinks(here); err != nil {
		return false, err
	}
	if here == "/" {
		return true, nil
	}
	same, err := SameVolume(here, filepath.Dir(here))
	return !same, err
}

func isDevice(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode()&(os.ModeDevice|os.ModeCharDevice) == os.ModeDevice
}

// onDevice reports whether path lies on a device, or on one partition of it.
func onDevice(path, file string, number int) (bool, error) {
	h := host{root: "/"}
	var s unix.Stat_t
	if err := unix.Stat(file, &s); err != nil {
		return false, &os.PathError{Op: "stat", Path: file, Err: err}
	}
	device, err := filepath.EvalSymlinks(h.path(fmt.Sprintf("sys/dev/block/%d:%d", unix.Major(s.Rdev), unix.Minor(s.Rdev))))
	if err != nil {
		return false, err
	}
	dir, err := existing(path)
	if err != nil {
		return false, err
	}
	if err := unix.Stat(dir, &s); err != nil {
		return false, &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	mounts, err := os.ReadFile(h.path("proc/self/mountinfo"))
	if err != nil {
		return false, err
	}
	at := fmt.Sprintf("%d:%d", unix.Major(uint64(s.Dev)), unix.Minor(uint64(s.Dev)))
	for _, m := range parseMounts(string(mounts)) {
		if m.device != at {
			continue
		}
		if block, ok := h.block(m); ok && liesBelow(block, device, number) {
			return true, nil
		}
	}
	return false, nil
}

// liesBelow reports whether a block device, as its folder in sysfs, is the device
// or a part of it, or was made of one.
func liesBelow(block, device string, number int) bool {
	for _, slave := range glob(block, "slaves", "*") {
		if real, err := filepath.EvalSymlinks(slave); err == nil && liesBelow(real, device, number) {
			return true
		}
	}
	if block == device {
		return true // all of the device, or its one volume, is in use
	}
	if filepath.Dir(block) != device {
		return false
	}
	text, err := os.ReadFile(filepath.Join(block, "partition"))
	return err == nil && (number < 0 || strings.TrimSpace(string(text)) == strconv.Itoa(number))
}

// isFAT reports whether a folder is on FAT, of whatever size but not exFAT.
func isFAT(dir string) bool {
	var s unix.Statfs_t
	return unix.Statfs(dir, &s) == nil && s.Type == unix.MSDOS_SUPER_MAGIC
}

func isReadOnly(err error) bool { return errors.Is(err, unix.EROFS) }
func isFull(err error) bool     { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// EnablePrivileges makes files of all users readable. On Linux root reads
// everything already.
func EnablePrivileges() error { return nil }

// StayAwake does nothing here: rescue systems do not sleep unless told to.
func StayAwake() (release func()) { return func() {} }

// FillScreen does nothing here.
func FillScreen() {}

// Describe describes the running system.
func Describe() System {
	h := host{root: "/"}
	return System{OS: runtime.GOOS, Arch: runtime.GOARCH, Name: h.distribution(), Admin: os.Geteuid() == 0, Power: h.power()}
}

// distribution is the name in os-release.
func (h host) distribution() string {
	for line := range strings.Lines(h.text("etc/os-release")) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			return strings.Trim(name, `"'`)
		}
	}
	return "Linux"
}

func (h host) power() Power {
	supplies, _ := filepath.Glob(h.path("sys/class/power_supply/*"))
	power := PowerUnknown
	for _, dir := range supplies {
		rel := strings.TrimPrefix(dir, h.root)
		switch kind := h.text(rel + "/type"); {
		case kind == "Mains" && h.text(rel+"/online") == "1":
			return Mains
		case kind == "Battery" && h.text(rel+"/scope") != "Device" && h.text(rel+"/status") == "Discharging":
			power = Battery
		}
	}
	return power
}

// PowerOff turns the computer off.
func PowerOff() error { return end("poweroff", unix.LINUX_REBOOT_CMD_POWER_OFF) }

// Restart restarts the computer.
func Restart() error { return end("reboot", unix.LINUX_REBOOT_CMD_RESTART) }

// end asks systemd where it runs, and Lifeboat's own process 1 (package boot) on
// its stick, so that everything is unmounted in order.
func end(verb string, cmd int) error {
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		if err := exec.Command("systemctl", verb).Run(); err != nil {
			return fmt.Errorf("systemctl %s: %w", verb, err)
		}
		return nil
	}
	if OnStick() {
		signal := unix.SIGUSR2
		if cmd == unix.LINUX_REBOOT_CMD_RESTART {
			signal = unix.SIGTERM
		}
		if err := unix.Kill(1, signal); err != nil {
			return fmt.Errorf("%s: %w", verb, err)
		}
		time.Sleep(time.Minute) // it ends this process
		return fmt.Errorf("%s: the system goes on", verb)
	}
	unix.Sync()
	if err := unix.Reboot(cmd); err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	return nil
}

// OnStick reports whether the running system is Lifeboat's own stick.
func OnStick() bool {
	_, err := os.Stat("/etc/lifeboat-stick")
	return err == nil
}
