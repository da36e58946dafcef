package disk

import (
	"errors"

	"golang.org/x/sys/windows"
)

// isGone reports an error by which Windows says that a device was taken away.
func isGone(err error) bool {
	for _, gone := range []windows.Errno{
		windows.ERROR_DEVICE_NOT_CONNECTED, windows.ERROR_NO_SUCH_DEVICE, windows.ERROR_DEV_NOT_EXIST, windows.ERROR_DEVICE_REMOVED,
		windows.ERROR_NOT_READY, windows.ERROR_NO_MEDIA_IN_DRIVE, windows.ERROR_MEDIA_CHANGED, windows.ERROR_FILE_INVALID,
	} {
		if errors.Is(err, gone) {
			return true
		}
	}
	return false
}
