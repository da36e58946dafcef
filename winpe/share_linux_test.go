package winpe

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestShareOptions(t *testing.T) {
	s := Share{Server: "nas", Name: "rescue", Folder: "x"}
	for login, want := range map[Login]string{
		{}:                          `ip=10.0.0.7,unc=\\nas\rescue,iocharset=utf8,soft,noperm,serverino,sec=none`,
		{User: "ann"}:               `ip=10.0.0.7,unc=\\nas\rescue,iocharset=utf8,soft,noperm,serverino,user=ann,pass=`,
		{`CORP\ann`, "a,b=c,"}:      `ip=10.0.0.7,unc=\\nas\rescue,iocharset=utf8,soft,noperm,serverino,user=ann,pass=a,,b=c,,,domain=CORP`,
		{"ann@corp.example", "hüx"}: `ip=10.0.0.7,unc=\\nas\rescue,iocharset=utf8,soft,noperm,serverino,user=ann@corp.example,pass=hüx`,
	} {
		if got := s.options("10.0.0.7", login); got != want {
			t.Errorf("%+v:\n got %s\nwant %s", login, got, want)
		}
	}
}

func TestMountError(t *testing.T) {
	for errno, want := range map[unix.Errno]error{
		unix.EACCES: ErrBadLogin, unix.ENODEV: ErrUnsupported, unix.EPERM: ErrUnsupported, unix.ENOENT: ErrNoShare,
		unix.EKEYEXPIRED: ErrLoginState, unix.EHOSTDOWN: ErrNoServer, unix.ETIMEDOUT: ErrNoServer, unix.ENETUNREACH: ErrNoNetwork,
	} {
		if err := mountError(errno); !errors.Is(err, want) || !errors.Is(err, errno) {
			t.Errorf("%v means %v", errno, err)
		}
	}
}

func TestDisconnectOnlyOurs(t *testing.T) {
	for _, folder := range []string{"/", "/mnt", "/run", "/run/lifeboat", "/run/lifeboat/../.."} {
		if err := Disconnect(folder); err != nil {
			t.Errorf("%s: %v", folder, err)
		}
	}
}

// A real server, where one is named: LIFEBOAT_SHARE=\\server\share with the login in
// LIFEBOAT_SHARE_USER and LIFEBOAT_SHARE_PASSWORD. Needs root and the kernel's cifs.
func TestRealShare(t *testing.T) {
	name := os.Getenv("LIFEBOAT_SHARE")
	if name == "" {
		t.Skip("LIFEBOAT_SHARE names no share")
	}
	share, err := ParseShare(name)
	if err != nil {
		t.Fatal(err)
	}
	login := Login{os.Getenv("LIFEBOAT_SHARE_USER"), os.Getenv("LIFEBOAT_SHARE_PASSWORD")}
	for _, c := range []struct {
		share Share
		login Login
		want  error
	}{
		{share, Login{login.User, "not " + login.Password}, ErrBadLogin},
		{Share{Server: share.Server, Name: "no-such-share"}, login, ErrNoShare},
		{Share{Server: share.Server, Name: share.Name, Folder: "no such folder"}, login, ErrNoShare},
	} {
		if folder, err := c.share.Connect(t.Context(), c.login); !errors.Is(err, c.want) || folder != "" {
			t.Errorf("%s at %q: %v, want %v", c.share, folder, err, c.want)
		}
	}
	folder, err := share.Connect(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckWritable(folder); err != nil {
		t.Error(err)
	}
	if free, err := FreeSpace(folder); free <= 0 || err != nil {
		t.Errorf("%d bytes free, %v", free, err)
	}
	volumes, err := Volumes(t.Context())
	if !slices.ContainsFunc(volumes, func(v Volume) bool { return v.Mount == folder && v.Network && v.Free > 0 && v.Problem == "" }) {
		t.Errorf("not among the volumes: %+v, %v", volumes, err)
	}
	if mounts, err := os.ReadFile("/proc/mounts"); err != nil || strings.Contains(string(mounts), login.Password) {
		t.Errorf("the password can be seen in the list of mounts, or it cannot be read: %v", err)
	}
	if _, err := share.Connect(t.Context(), login); !errors.Is(err, ErrConnected) {
		t.Errorf("connected twice: %v", err)
	}
	if err := Disconnect(folder); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", folder, err)
	}
}
