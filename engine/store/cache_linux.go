package store

import (
	"os"

	"golang.org/x/sys/unix"
)

// dropCache asks the system to forget what it holds of a file in memory, so
// that the next read comes from the medium. If it cannot, so be it.
func dropCache(name string) {
	f, err := os.Open(name)
	if err != nil {
		return
	}
	defer f.Close()
	unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}
