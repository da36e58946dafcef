package winpe

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// sharesDir is where shares are mounted, in memory.
const sharesDir = "/run/lifeboat"

// connect mounts the share with the kernel's own client: the password goes from
// memory to memory, never through a file or a command line.
func (s Share) connect(address string, login Login) (string, error) {
	if os.Geteuid() != 0 {
		return "", fmt.Errorf("%w: only root may", ErrUnsupported)
	}
	// Where modules are loaded by hand, this one may not be yet. If it cannot be,
	// mount says so.
	_ = exec.Command("modprobe", "cifs").Run()
	dir := filepath.Join(sharesDir, mountName(s.Server)+"-"+mountName(s.Name))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	err := unix.Mount("//"+s.Server+"/"+s.Name, dir, "cifs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, s.options(address, login))
	if errors.Is(err, unix.EBUSY) {
		return "", ErrConnected
	}
	if err != nil {
		os.Remove(dir)
		return "", mountError(err)
	}
	return dir, nil
}

// options are those of the kernel's cifs. A comma in a value is written twice.
func (s Share) options(address string, login Login) string {
	domain, user := login.domain()
	escape := func(v string) string { return strings.ReplaceAll(v, ",", ",,") }
	all := []string{"ip=" + address, `unc=\\` + s.Server + `\` + s.Name, "iocharset=utf8", "soft", "noperm", "serverino"}
	if user == "" {
		all = append(all, "sec=none")
	} else {
		all = append(all, "user="+escape(user), "pass="+escape(login.Password))
	}
	if domain != "" {
		all = append(all, "domain="+escape(domain))
	}
	return strings.Join(all, ",")
}

// mountName keeps what can be in the name of a folder.
func mountName(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || r < ' ' {
			return '_'
		}
		return r
	}, strings.Trim(s, "."))
}

// mountError says what an error of mount means for a share.
func mountError(err error) error {
	meaning := ErrNoServer
	switch {
	case errors.Is(err, unix.EACCES):
		meaning = ErrBadLogin
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.ENODEV), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ELIBACC):
		meaning = ErrUnsupported
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENOTDIR):
		meaning = ErrNoShare
	case errors.Is(err, unix.EKEYEXPIRED), errors.Is(err, unix.EKEYREVOKED), errors.Is(err, unix.ENOKEY):
		meaning = ErrLoginState
	case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.ENETDOWN):
		meaning = ErrNoNetwork
	}
	return fmt.Errorf("%w: %w", meaning, err)
}

// Disconnect lets go of a share that Connect connected.
func Disconnect(folder string) error {
	rel, err := filepath.Rel(sharesDir, folder)
	if err != nil || rel == "." || strings.HasPrefix(rel, "..") {
		return nil // none of ours
	}
	name, _, _ := strings.Cut(rel, "/")
	dir := filepath.Join(sharesDir, name)
	if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("disconnect %s: %w", dir, err)
	}
	return os.Remove(dir)
}
