package winpe

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	mpr                 = windows.NewLazySystemDLL("mpr.dll")
	wNetAddConnection   = mpr.NewProc("WNetAddConnection2W")
	wNetCancel          = mpr.NewProc("WNetCancelConnection2W")
	errLogonFailure     = windows.Errno(1326)
	errBadUserName      = windows.Errno(2202)
	errConflict         = windows.Errno(1219)
	errNoSuchServer     = windows.Errno(53)   // ERROR_BAD_NETPATH
	errNoSuchShare      = windows.Errno(67)   // ERROR_BAD_NET_NAME
	errNoNetOrBadPath   = windows.Errno(1203) // ERROR_NO_NET_OR_BAD_PATH
	errNoNetwork        = windows.Errno(1222)
	errUnreachable      = windows.Errno(1231)
	errAccountLocked    = windows.Errno(1909)
	errAccountDisabled  = windows.Errno(1331)
	errPasswordExpired  = windows.Errno(1330)
	errMustChange       = windows.Errno(1907)
	errAccountRestrict  = windows.Errno(1327)
	errLogonTypeRefused = windows.Errno(1385)
)

// netResource is NETRESOURCEW of winnetwk.h.
type netResource struct {
	scope, kind, display, usage uint32
	local, remote               *uint16
	comment, provider           *uint16
}

// connect gives the share the last free drive letter, until the next restart.
// The password is given to the system and kept by nobody else.
func (s Share) connect(_ string, login Login) (string, error) {
	const disk, temporary = 1, 4 // RESOURCETYPE_DISK, CONNECT_TEMPORARY
	if wNetAddConnection.Find() != nil {
		return "", ErrUnsupported
	}
	letter, err := freeLetter()
	if err != nil {
		return "", err
	}
	texts := make([]*uint16, 0, 4)
	for _, text := range []string{letter, `\\` + s.Server + `\` + s.Name, login.User, login.Password} {
		p, err := windows.UTF16PtrFromString(text)
		if err != nil {
			return "", ErrBadLogin
		}
		texts = append(texts, p)
	}
	resource := netResource{kind: disk, local: texts[0], remote: texts[1]}
	user, password := texts[2], texts[3]
	if login.User == "" {
		user = nil // who runs this
	}
	code, _, _ := wNetAddConnection.Call(uintptr(unsafe.Pointer(&resource)), uintptr(unsafe.Pointer(password)), uintptr(unsafe.Pointer(user)), temporary)
	if code != 0 {
		return "", connectError(windows.Errno(code))
	}
	return letter + `\`, nil
}

// freeLetter is the last drive letter that nothing has.
func freeLetter() (string, error) {
	bits, err := windows.GetLogicalDrives()
	if err != nil {
		return "", err
	}
	for i := 25; i > 3; i-- {
		if bits&(1<<i) == 0 {
			return string(rune('A'+i)) + ":", nil
		}
	}
	return "", fmt.Errorf("%w: no drive letter is free", ErrUnsupported)
}

// connectError says what a code of WNetAddConnection2 means.
func connectError(code windows.Errno) error {
	meaning := ErrNoServer
	switch code {
	case errLogonFailure, windows.ERROR_INVALID_PASSWORD, errBadUserName:
		meaning = ErrBadLogin
	case windows.ERROR_ACCESS_DENIED, errLogonTypeRefused, errAccountRestrict:
		meaning = ErrNoRight
	case errAccountLocked, errAccountDisabled, errPasswordExpired, errMustChange:
		meaning = ErrLoginState
	case errNoSuchShare:
		meaning = ErrNoShare
	case errNoSuchServer, errNoNetOrBadPath:
		meaning = ErrNoServer
	case errNoNetwork, errUnreachable:
		meaning = ErrNoNetwork
	case errConflict, windows.ERROR_ALREADY_ASSIGNED:
		meaning = ErrConnected
	}
	return fmt.Errorf("%w: %w", meaning, error(code))
}

// Disconnect lets go of a share that Connect connected.
func Disconnect(folder string) error {
	if len(folder) < 2 || folder[1] != ':' {
		return nil
	}
	letter, err := windows.UTF16PtrFromString(folder[:2])
	if err != nil {
		return err
	}
	const force = 0
	if code, _, _ := wNetCancel.Call(uintptr(unsafe.Pointer(letter)), 0, force); code != 0 && !errors.Is(windows.Errno(code), windows.Errno(2250)) { // ERROR_NOT_CONNECTED
		return fmt.Errorf("disconnect %s: %w", folder[:2], windows.Errno(code))
	}
	return nil
}
