package store

import (
	"errors"
	"slices"
	"syscall"

	"golang.org/x/sys/windows"
)

func isFull(err error) bool {
	return isAny(err, windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED)
}

func isReadOnly(err error) bool {
	return isAny(err, windows.ERROR_WRITE_PROTECT, windows.ERROR_ACCESS_DENIED)
}

func isGone(err error) bool {
	return isAny(err, windows.ERROR_NOT_READY, windows.ERROR_DEV_NOT_EXIST, windows.ERROR_NO_SUCH_DEVICE,
		windows.ERROR_DEVICE_NOT_CONNECTED, windows.ERROR_DEVICE_REMOVED, windows.ERROR_NO_MEDIA_IN_DRIVE, windows.ERROR_WRONG_DISK,
		windows.ERROR_FILE_INVALID, windows.ERROR_MEDIA_CHANGED, windows.ERROR_BAD_NETPATH, windows.ERROR_UNEXP_NET_ERR, windows.ERROR_NETNAME_DELETED,
		windows.ERROR_NETWORK_UNREACHABLE, windows.ERROR_HOST_UNREACHABLE, windows.ERROR_CONNECTION_UNAVAIL, windows.ERROR_SEM_TIMEOUT)
}

func isIO(err error) bool {
	return isAny(err, windows.ERROR_IO_DEVICE, windows.ERROR_WRITE_FAULT, windows.ERROR_GEN_FAILURE)
}

func isAny(err error, codes ...syscall.Errno) bool {
	var got syscall.Errno
	return errors.As(err, &got) && slices.Contains(codes, got)
}

func isUnsupported(error) bool { return false }

// Windows says the same of a file that FAT32 cannot hold as of a full disk.
func isTooLarge(err error) bool { return isAny(err, windows.ERROR_FILE_TOO_LARGE) }
