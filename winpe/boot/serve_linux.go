package boot

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// serve runs the wizard and asks what comes after it.
func (s *system) serve() {
	for {
		began := time.Now()
		status, said, err := s.wizard()
		if len(s.endings) > 0 {
			select {} // shutDown ends all
		}
		s.console.restore()
		s.console.write("\n" + s.ended(status, said, err))
		s.menu()
		if time.Since(began) < time.Second {
			time.Sleep(time.Second)
		}
	}
}

// wizard runs the wizard once, and returns what it has said of errors.
func (s *system) wizard() (unix.WaitStatus, string, error) {
	args := []string{"lifeboat"}
	if s.settings.plain {
		args = append(args, "--plain")
	}
	if stick := s.media.stick(); stick != "" {
		if file := filepath.Join(stick, answers); isFile(file) {
			args = append(args, "--answers", file)
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		return 0, "", err
	}
	defer r.Close()
	var said tail
	read := make(chan struct{})
	go s.guarded("the wizard's errors", func() {
		defer close(read)
		io.Copy(&said, r)
	})
	s.log.say("start %s", strings.Join(args, " "))
	status, err := s.children.run(program, args, s.environment(), s.console.file, w)
	w.Close()
	select {
	case <-read:
	case <-time.After(2 * time.Second): // a child of the wizard holds the pipe
	}
	return status, said.String(), err
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

func (s *system) environment() []string {
	return []string{"PATH=/bin:/sbin", "HOME=/root", "TERM=" + s.console.term(s.settings.plain), "LANG=C.UTF-8", "TMPDIR=/tmp", "GOTRACEBACK=all"}
}

// ended says how the wizard has ended. A crash is kept on the stick.
func (s *system) ended(status unix.WaitStatus, said string, err error) string {
	var words string
	switch {
	case err != nil:
		words = fmt.Sprintf("The wizard could not be started: %v.", err)
	case status.Signaled():
		words = fmt.Sprintf("The wizard was ended by a signal: %v.", status.Signal())
		if status.Signal() == unix.SIGKILL {
			words += " The memory may have run out."
		}
	case status.ExitStatus() == crashed && strings.Contains(said, "goroutine "):
		words = "The wizard has met an error of its own. What was saved stays valid; the save can be continued."
	default:
		words = fmt.Sprintf("The wizard has ended, return code %d.", status.ExitStatus())
	}
	s.log.say("%s\n%s", words, said)
	if status.Signaled() || strings.Contains(said, "goroutine ") {
		s.log.kernel()
	}
	s.keepLogs()
	if lines := strings.Split(strings.TrimSpace(said), "\n"); lines[0] != "" {
		words += "\n\n" + strings.Join(lines[:min(len(lines), 12)], "\n")
	}
	if stick := s.media.stick(); stick != "" {
		words += "\n\nThe log is in " + filepath.Join(stick, logsFolder) + "."
	}
	return words + "\n"
}

// crashed is how a Go program ends that panics.
const crashed = 2

// keepLogs moves what the wizard wrote of its runs and of a crash from memory to
// the stick.
func (s *system) keepLogs() {
	stick := s.media.stick()
	if stick == "" {
		return
	}
	files, _ := filepath.Glob("/tmp/lifeboat-*-*-*.*") // the pattern is good
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(filepath.Join(stick, logsFolder, filepath.Base(file)), data, 0o644)
		}
		if err == nil {
			err = os.Remove(file)
		}
		if err != nil {
			s.log.say("%v", err)
		}
	}
}

// menu asks what to do until it is to start the wizard again.
func (s *system) menu() {
	for {
		answer, err := s.console.ask(`
  1  Start the wizard again
  2  Command prompt
  3  Restart the computer
  4  Switch it off
Number [1]: `)
		if err != nil {
			s.log.say("ask at %s: %v", s.console.name, err)
			time.Sleep(5 * time.Second)
			return
		}
		switch answer {
		case "", "1":
			return
		case "2":
			s.prompt()
		case "3":
			s.end(unix.LINUX_REBOOT_CMD_RESTART)
			select {}
		case "4":
			s.end(unix.LINUX_REBOOT_CMD_POWER_OFF)
			select {}
		}
	}
}

func (s *system) prompt() {
	const shell = "/bin/sh"
	if !isFile(shell) {
		s.console.write("This stick has no command prompt: it was made without the package busybox-static.\n")
		return
	}
	s.console.write("\nType exit to come back.\n")
	if _, err := s.children.run(shell, []string{"-sh"}, s.environment(), s.console.file, s.console.file); err != nil {
		s.console.write(err.Error() + "\n")
	}
	s.console.restore()
}

// tail keeps the beginning and the end of what is written to it.
type tail struct {
	mu         sync.Mutex
	head, last []byte
}

const tailSize = 16 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(p)
	if room := tailSize - len(t.head); room > 0 {
		k := min(room, len(p))
		t.head, p = append(t.head, p[:k]...), p[k:]
	}
	if t.last = append(t.last, p...); len(t.last) > tailSize {
		t.last = append([]byte(nil), t.last[len(t.last)-tailSize:]...)
	}
	return n, nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.head) + string(t.last)
}
