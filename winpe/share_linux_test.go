package winpe

import (
	"errors"
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
