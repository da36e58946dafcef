package store

import (
	"os"
	"syscall"
	"testing"
)

func mkfifo(t *testing.T, name string) {
	if err := syscall.Mkfifo(name, 0o666); err != nil {
		t.Fatal(err)
	}
}

// blocks is how many bytes a file takes on its medium.
func blocks(t *testing.T, name string) int64 {
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Blocks * 512
}

func errTooLarge() error { return &os.PathError{Op: "write", Err: syscall.EFBIG} }
