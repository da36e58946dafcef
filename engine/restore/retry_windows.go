package restore

import "golang.org/x/sys/windows"

// passing are errors that are often gone a moment later.
var passing = []windows.Errno{
	windows.ERROR_NOT_READY, windows.ERROR_CRC, windows.ERROR_SHARING_VIOLATION, windows.ERROR_LOCK_VIOLATION,
	windows.ERROR_BAD_NETPATH, windows.ERROR_NETWORK_BUSY, windows.ERROR_DEV_NOT_EXIST, windows.ERROR_UNEXP_NET_ERR,
	windows.ERROR_NETNAME_DELETED, windows.ERROR_SEM_TIMEOUT, windows.ERROR_IO_DEVICE, windows.ERROR_NETWORK_UNREACHABLE,
	windows.ERROR_HOST_UNREACHABLE, windows.ERROR_CONNECTION_ABORTED,
}
