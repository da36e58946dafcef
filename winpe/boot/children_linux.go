package boot

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// children are the processes that this one has started, and those that were left
// to it: process 1 has to bury both.
type children struct {
	mu      sync.Mutex
	waiting map[int]chan unix.WaitStatus
}

func newChildren() *children { return &children{waiting: map[int]chan unix.WaitStatus{}} }

// run starts a program on a terminal and waits for its end. errors is where it
// writes errors to.
func (c *children) run(path string, args, env []string, terminal, errors *os.File) (unix.WaitStatus, error) {
	c.mu.Lock() // until it is noted, nobody reaps it
	pid, err := syscall.ForkExec(path, args, &syscall.ProcAttr{
		Dir: "/root", Env: env, Files: []uintptr{terminal.Fd(), terminal.Fd(), errors.Fd()},
		Sys: &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0},
	})
	if err != nil {
		c.mu.Unlock()
		return 0, fmt.Errorf("start %s: %w", path, err)
	}
	done := make(chan unix.WaitStatus, 1)
	c.waiting[pid] = done
	c.mu.Unlock()
	return <-done, nil
}

// reap buries all who have died.
func (c *children) reap() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if done := c.waiting[pid]; done != nil {
			delete(c.waiting, pid)
			done <- status
		}
	}
}

// any reports whether a process that was started here still runs.
func (c *children) any() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waiting) > 0
}
