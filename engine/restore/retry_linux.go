package restore

import "golang.org/x/sys/unix"

// passing are errors that are often gone a moment later.
var passing = []unix.Errno{
	unix.EAGAIN, unix.EBUSY, unix.EINTR, unix.EIO, unix.ETXTBSY, unix.ETIMEDOUT, unix.ESTALE, unix.ENOTCONN, unix.ECONNRESET,
	unix.ECONNABORTED, unix.ENETDOWN, unix.ENETUNREACH, unix.ENETRESET, unix.EHOSTDOWN, unix.EHOSTUNREACH, unix.EREMOTEIO,
}
