package boot

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// console is the terminal that the wizard is shown on.
type console struct {
	log    *journal
	file   *os.File
	name   string
	serial bool
	state  *unix.Termios // as it was at first
}

// openConsole opens a terminal by its name; if there is none of it, the one that
// the kernel has.
func openConsole(name string, log *journal) *console {
	c := &console{log: log, name: name}
	c.open()
	var err error
	if c.state, err = unix.IoctlGetTermios(int(c.file.Fd()), unix.TCGETS); err != nil {
		log.say("terminal %s: %v", c.name, err)
	}
	return c
}

func (c *console) open() {
	for _, try := range []string{c.name, "tty1", "console"} {
		// Not to be the terminal of this process, for it is the wizard's; and
		// blocking, which os.OpenFile would change for the wizard too.
		path := filepath.Join("/dev", try)
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
		if err == nil {
			c.file, c.name = os.NewFile(uintptr(fd), path), try
			break
		}
		c.log.say("open %s: %v", path, err)
	}
	if c.file == nil {
		c.file = os.Stdin // open, and a terminal if anything is
	}
	c.serial = !strings.HasPrefix(c.name, "tty1")
	// A serial line does not know the size of the screen at its other end.
	fd := int(c.file.Fd())
	if size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ); err == nil && size.Row == 0 {
		unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
}

func (c *console) write(text string) { c.file.WriteString(text) }

// restore makes the terminal usable again after a program that had it: opened
// anew, for the kernel hangs up on all who have it open when that program ends; out
// of the alternate screen, colours off, cursor on.
func (c *console) restore() {
	if c.file != os.Stdin {
		c.file.Close()
		c.file = nil
	}
	c.open()
	if c.state != nil {
		unix.IoctlSetTermios(int(c.file.Fd()), unix.TCSETS, c.state)
	}
	c.write("\x1b[?1049l\x1b[0m\x1b[?25h\r\n")
}

// term is what programs call the terminal. One at the end of a serial line may
// answer no question, and asks programs that know it as "screen" none.
func (c *console) term(plain bool) string {
	switch {
	case plain:
		return "dumb"
	case c.serial:
		return "screen"
	}
	return "linux"
}

// ask prints a question and reads a line. What was typed before it was asked does
// not count.
func (c *console) ask(question string) (string, error) {
	unix.IoctlSetInt(int(c.file.Fd()), unix.TCFLSH, unix.TCIFLUSH)
	c.write(question)
	line, err := bufio.NewReader(c.file).ReadString('\n')
	return strings.TrimSpace(line), err
}

// layoutsDir holds keyboard maps in the form that BusyBox's dumpkmap writes.
const layoutsDir = "/lib/keymaps"

// layout gives the keyboard another layout, by its name.
func (c *console) layout(name string) error {
	if name != filepath.Base(name) {
		return fmt.Errorf("%q is no name of a layout", name)
	}
	data, err := os.ReadFile(filepath.Join(layoutsDir, name+".bmap"))
	if err != nil {
		return err
	}
	tables, err := parseLayout(data)
	if err != nil {
		return err
	}
	screen, err := os.OpenFile("/dev/tty1", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer screen.Close()
	for table, keys := range tables {
		for key, value := range keys {
			// struct kbentry of linux/kd.h
			entry := struct {
				table, index uint8
				value        uint16
			}{uint8(table), uint8(key), value}
			const kdskbent = 0x4B47
			if _, _, errno := unix.Syscall(unix.SYS_IOCTL, screen.Fd(), kdskbent, uintptr(unsafe.Pointer(&entry))); errno != 0 {
				return os.NewSyscallError("KDSKBENT", errno)
			}
		}
	}
	return nil
}

const (
	mapMagic = "bkeymap"
	mapMost  = 256 // tables
	mapKeys  = 128 // keys in a table
)

// parseLayout reads a keyboard map: a magic word, which of 256 tables there are,
// and for each of them what 128 keys mean.
func parseLayout(data []byte) (map[int][]uint16, error) {
	rest, ok := strings.CutPrefix(string(data), mapMagic)
	if !ok || len(rest) < mapMost {
		return nil, fmt.Errorf("it is no keyboard map")
	}
	flags, rest := rest[:mapMost], rest[mapMost:]
	tables := map[int][]uint16{}
	for i := range mapMost {
		if flags[i] != 1 {
			continue
		}
		if len(rest) < 2*mapKeys {
			return nil, fmt.Errorf("the keyboard map is cut off")
		}
		keys := make([]uint16, mapKeys)
		for k := range keys {
			keys[k] = uint16(rest[2*k]) | uint16(rest[2*k+1])<<8
		}
		tables[i], rest = keys, rest[2*mapKeys:]
	}
	return tables, nil
}
