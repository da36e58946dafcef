//go:build !linux && !windows

package winpe

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
)

// On other systems Lifeboat can be built and its stores looked at; the machine
// is not known.

func Volumes(context.Context) ([]Volume, error) { return nil, errors.ErrUnsupported }
func Drives(context.Context, []Volume) ([]Drive, error) {
	return nil, errors.ErrUnsupported
}
func FreeSpace(string) (int64, error)            { return 0, errors.ErrUnsupported }
func SameVolume(string, string) (bool, error)    { return false, errors.ErrUnsupported }
func EnablePrivileges() error                    { return nil }
func StayAwake() (release func())                { return func() {} }
func FillScreen()                                {}
func PowerOff() error                            { return errors.ErrUnsupported }
func Restart() error                             { return errors.ErrUnsupported }
func isMount(string) (bool, error)               { return false, errors.ErrUnsupported }
func isDevice(string) bool                       { return false }
func onDevice(string, string, int) (bool, error) { return false, errors.ErrUnsupported }
func isReadOnly(error) bool                      { return false }
func isFull(error) bool                          { return false }
func Describe() System {
	return System{OS: runtime.GOOS, Arch: runtime.GOARCH, Admin: os.Geteuid() == 0}
}

func (s Share) connect(string, Login) (string, error) { return "", ErrUnsupported }

// Disconnect lets go of a share that Connect connected.
func Disconnect(string) error { return nil }

// What a system that is neither has no tools for.

func Shell() *exec.Cmd                                    { return exec.Command("sh") }
func UnlockDrive(string) (*exec.Cmd, error)               { return nil, ErrUnsupported }
func LoadDrivers(context.Context, string) (Loaded, error) { return Loaded{}, ErrUnsupported }
func HasDrivers() bool                                    { return false }
func Layouts() []Layout                                   { return nil }
func SetLayout(context.Context, string) error             { return ErrUnsupported }
