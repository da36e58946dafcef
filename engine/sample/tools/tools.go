// Package tools asks for the other programs that tests compare with or work
// through. A test is skipped where one is absent; with LIFEBOAT_E2E=all that is a
// failure, so that CI cannot pass by skipping.
package tools

import (
	"os"
	"os/exec"
	"testing"
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

// Missing ends a test that cannot be done here.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("LIFEBOAT_E2E") == "all" {
		t.Fatal(what)
	}
	t.Skip(what)
}
