package boot

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Is reports whether this process is process 1 of a stick.
func Is(name string) bool {
	_, err := os.Stat(stickFile)
	return os.Getpid() == 1 && name == "init" && err == nil
}

const (
	stickFile  = "/etc/lifeboat-stick" // which stick the system was started from
	markerFile = "lifeboat/media.txt"  // on the stick
	logsFolder = "lifeboat/logs"
	answers    = "lifeboat.yaml"
	program    = "/init"

	// Devices are waited for until nothing has come for so long: USB storage takes
	// a second before it looks at a stick, and slow hubs take longer.
	quietFor  = 2 * time.Second
	quietMost = 20 * time.Second
)

// system is the running stick.
type system struct {
	settings settings
	log      *journal
	modules  *modules
	children *children
	console  *console
	media    *media
	endings  chan int // a command for reboot(2)
}

// Run is all that process 1 does. It does not return.
func Run() {
	s := &system{log: &journal{clock: time.Now}, children: newChildren(), endings: make(chan int, 1)}
	s.guarded("start", s.start)
	for {
		s.guarded("the wizard's loop", s.serve)
		time.Sleep(time.Second) // a fault that comes back at once must not burn the processor
	}
}

// guarded runs a part of process 1: the kernel panics if that ends, so a fault is
// told and survived.
func (s *system) guarded(what string, f func()) {
	defer func() {
		if fault := recover(); fault != nil {
			s.log.say("%s: %v\n%s", what, fault, debug.Stack())
			fmt.Fprintf(os.Stderr, "\r\nLifeboat met an error of its own in %s: %v\r\n", what, fault)
		}
	}()
	f()
}

// start makes a system of what the kernel has left.
func (s *system) start() {
	for _, m := range []struct{ kind, at string }{
		{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"devpts", "/dev/pts"}, {"tmpfs", "/run"},
	} {
		os.MkdirAll(m.at, 0o755)
		if err := unix.Mount(m.kind, m.at, m.kind, unix.MS_NOSUID, ""); err != nil && !errors.Is(err, unix.EBUSY) {
			s.log.say("mount %s: %v", m.at, err)
		}
	}
	text, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		s.log.say("%v", err)
	}
	s.settings = parseSettings(string(text))
	if !s.settings.messages {
		// Even what is urgent must not be written over the wizard; it is in the log.
		os.WriteFile("/proc/sys/kernel/printk", []byte("1"), 0)
	}
	unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF) // Ctrl+Alt+Del becomes SIGINT
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGCHLD, unix.SIGINT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2)
	go s.guarded("signals", func() { s.hear(signals) })

	s.console = openConsole(s.settings.console, s.log)
	s.console.write("Lifeboat is looking for disks, sticks and keyboards ...\n")
	if s.settings.messages {
		s.log.show(s.console.write)
	}
	s.modules, err = openModules()
	if err != nil {
		s.log.say("%v", err)
	}
	s.media = newMedia(s.log)
	s.plug()
	if s.settings.keyboard == "" {
		s.settings.keyboard = keyboardOf(filepath.Join(s.media.stick(), answers))
	}
	if s.settings.keyboard != "" {
		if err := s.console.layout(s.settings.keyboard); err != nil {
			s.log.say("keyboard layout %s: %v", s.settings.keyboard, err)
			s.console.write(fmt.Sprintf("The keyboard layout %q is not on this stick.\n", s.settings.keyboard))
		} else {
			s.log.say("the keyboard layout is %s", s.settings.keyboard)
		}
	}
}

// hear acts on signals: BusyBox's poweroff and reboot send the same ones.
func (s *system) hear(signals <-chan os.Signal) {
	for sig := range signals {
		switch sig {
		case unix.SIGCHLD:
			s.children.reap()
		case unix.SIGUSR1, unix.SIGUSR2:
			s.end(unix.LINUX_REBOOT_CMD_POWER_OFF)
		default:
			s.end(unix.LINUX_REBOOT_CMD_RESTART)
		}
	}
}

// end asks for the end of the system, once.
func (s *system) end(command int) {
	select {
	case s.endings <- command:
		go s.guarded("the end", func() { s.shutDown(command) })
	default:
	}
}

// plug loads what the devices that are there need, and goes on with those that
// come, until it has become quiet.
func (s *system) plug() {
	events, err := openEvents()
	if err != nil {
		s.log.say("watch for devices: %v", err)
	}
	heard := make(chan struct{}, 1)
	if events != nil {
		go s.guarded("devices", func() {
			for {
				e, err := events.next()
				if err != nil {
					s.log.say("watch for devices: %v", err)
					time.Sleep(time.Second)
					continue
				}
				s.plugged(e)
				select {
				case heard <- struct{}{}:
				default:
				}
			}
		})
	}
	s.modules.loadFirst(s.log)
	s.coldplug()
	s.log.say("the modules for what is there are loaded")
	for began := time.Now(); time.Since(began) < quietMost; {
		select {
		case <-heard:
			continue
		case <-time.After(quietFor):
		}
		break
	}
	s.log.say("the devices are quiet")
	s.media.look()
	go s.guarded("media", s.media.follow)
}

// coldplug loads the modules for what was there before anybody listened.
func (s *system) coldplug() {
	filepath.WalkDir("/sys/devices", func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == "modalias" {
			if text, err := os.ReadFile(path); err == nil {
				s.modules.loadFor(strings.TrimSpace(string(text)), s.log)
			}
		}
		return nil
	})
}

func (s *system) plugged(e event) {
	if s.settings.messages {
		s.log.say("%s %s %s", e["ACTION"], e["SUBSYSTEM"], e["DEVPATH"])
	}
	if alias := e["MODALIAS"]; alias != "" && e["ACTION"] == "add" {
		s.modules.loadFor(alias, s.log)
	}
	if e["SUBSYSTEM"] == "block" {
		s.media.stir()
	}
}

// shutDown ends everything in order. What hangs on a dying disk is left behind.
func (s *system) shutDown(command int) {
	words := "Switching off ..."
	if command == unix.LINUX_REBOOT_CMD_RESTART {
		words = "Restarting ..."
	}
	s.log.say("%s", words)
	unix.Kill(-1, unix.SIGTERM)
	for range 50 {
		time.Sleep(100 * time.Millisecond)
		if !s.children.any() {
			break
		}
	}
	unix.Kill(-1, unix.SIGKILL)
	s.console.restore()
	s.console.write("\n" + words + "\n")
	s.log.kernel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.log.close()
		unix.Sync()
		s.media.unmountAll()
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		s.console.write("A drive does not answer; it is left as it is.\n")
	}
	if err := unix.Reboot(command); err != nil {
		s.console.write(fmt.Sprintf("%v. Everything is written; the computer can be switched off.\n", err))
	}
}
