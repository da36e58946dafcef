// Package tools asks for the other programs that tests compare with or work
// through. A test is skipped where one is absent; with LIFEBOAT_E2E=all that is a
// failure, so that CI cannot pass by skipping.
package tools

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// Need ends the test unless all the programs are installed.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			Missing(t, p+" is not installed")
		}
	}
}

// NeedFUSE ends the test unless a program may mount a file system.
func NeedFUSE(t testing.TB) {
	t.Helper()
	if _, err := os.Stat("/dev/fuse"); err != nil || os.Getuid() != 0 {
		Missing(t, "mounting needs root and /dev/fuse")
	}
}

// Unmount takes away what was mounted on a folder. It is busy for moments after the
// last file was closed: a program that another test just starts holds what was open
// here until it runs.
func Unmount(t testing.TB, dir string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		out, err := exec.Command("umount", dir).CombinedOutput()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Errorf("unmount: %v: %s", err, out)
			return
		}
	}
}

// Missing ends a test that cannot be done here.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("LIFEBOAT_E2E") == "all" {
		t.Fatal(what)
	}
	t.Skip(what)
}
