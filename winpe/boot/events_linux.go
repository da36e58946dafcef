package boot

import (
	"bytes"
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// event is what the kernel tells of a device that came, changed or went:
// ACTION, SUBSYSTEM, DEVNAME, MODALIAS and more.
type event map[string]string

// events is the kernel's own line, which udev listens to elsewhere.
type events struct{ socket int }

func openEvents() (*events, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20) // the start brings many at once
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1}); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("bind", err)
	}
	return &events{fd}, nil
}

// next waits for an event. Where some were lost it makes one up that says so.
func (l *events) next() (event, error) {
	b := make([]byte, 16<<10)
	for {
		n, from, err := unix.Recvfrom(l.socket, b, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENOBUFS):
			return event{"ACTION": "change", "SUBSYSTEM": "block"}, nil
		case err != nil:
			return nil, os.NewSyscallError("recvfrom", err)
		}
		if k, ok := from.(*unix.SockaddrNetlink); !ok || k.Pid != 0 {
			continue // only the kernel is believed
		}
		if e := parseEvent(b[:n]); e != nil {
			return e, nil
		}
	}
}

// parseEvent reads "add@/devices/...", then KEY=value, each ended by a zero.
func parseEvent(b []byte) event {
	parts := bytes.Split(b, []byte{0})
	if !bytes.ContainsRune(parts[0], '@') {
		return nil
	}
	e := event{}
	for _, p := range parts[1:] {
		if key, value, ok := strings.Cut(string(p), "="); ok {
			e[key] = value
		}
	}
	return e
}
