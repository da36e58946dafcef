package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// journal is the log of process 1. It lives in memory until the stick is there.
type journal struct {
	clock func() time.Time

	mu   sync.Mutex
	echo func(text string) // shows it too
	text strings.Builder   // what is in no file yet
	file *os.File
}

// mostText is how much of it is kept in memory.
const mostText = 1 << 20

// say notes a line. A nil journal hears nothing.
func (j *journal) say(format string, args ...any) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.write(j.clock().UTC().Format("2006-01-02 15:04:05 ") + fmt.Sprintf(format, args...) + "\n")
}

func (j *journal) write(line string) {
	if j.echo != nil {
		j.echo(line)
	}
	if j.file != nil {
		if _, err := j.file.WriteString(line); err == nil {
			return
		}
		j.file.Close()
		j.file = nil
	}
	if j.text.Len()+len(line) <= mostText {
		j.text.WriteString(line)
	}
}

// attach goes on in a new file in a folder.
func (j *journal) attach(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, "start_"+j.clock().UTC().Format("20060102-150405")+".txt"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file != nil {
		j.file.Close()
	}
	j.file = f
	if _, err := f.WriteString(j.text.String()); err != nil {
		return err
	}
	j.text.Reset()
	return f.Sync()
}

// show has all that is noted from now on shown too.
func (j *journal) show(echo func(text string)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.echo = echo
}

// detach lets go of the file: its stick is gone.
func (j *journal) detach() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file != nil {
		j.file.Close()
		j.file = nil
	}
}

// kernel notes what the kernel has said.
func (j *journal) kernel() {
	b := make([]byte, 1<<20)
	n, err := unix.Klogctl(unix.SYSLOG_ACTION_READ_ALL, b)
	if err != nil {
		j.say("read the kernel's messages: %v", err)
		return
	}
	j.say("the kernel's messages:\n%s", b[:n])
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file != nil {
		j.file.Sync()
	}
}

// close closes the file.
func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	err := errors.Join(j.file.Sync(), j.file.Close())
	j.file = nil
	return err
}
