//go:build !windows

package disk

import (
	"errors"

	"golang.org/x/sys/unix"
)

// isGone reports an error by which a system says that a device was taken away.
func isGone(err error) bool {
	return errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.ENOTCONN)
}
