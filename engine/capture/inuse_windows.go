package capture

import (
	"errors"

	"golang.org/x/sys/windows"
)

// inUse reports that a program keeps others from a file: opening it for oneself
// alone fails while anybody else has it open.
func inUse(native string) bool {
	name, err := windows.UTF16PtrFromString(native)
	if err != nil {
		return false
	}
	h, err := windows.CreateFile(name, windows.GENERIC_READ, 0, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS|windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	if err != nil {
		return errors.Is(err, windows.ERROR_SHARING_VIOLATION)
	}
	windows.CloseHandle(h)
	return false
}
