package winpe

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

func TestParseShare(t *testing.T) {
	for text, want := range map[string]Share{
		`\\nas\rescue`:                  {"nas", "rescue", ""},
		` //nas.example.org/rescue/ `:   {"nas.example.org", "rescue", ""},
		`smb://10.0.0.7/Rescue/2026/pc`: {"10.0.0.7", "Rescue", "2026/pc"},
		`\\fe80::1\c$`:                  {"fe80::1", "c$", ""},
		`\\nas\my files\a b`:            {"nas", "my files", "a b"},
	} {
		got, err := ParseShare(text)
		if err != nil || got != want {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
		if again, err := ParseShare(got.String()); err != nil || again != got {
			t.Errorf("%q again is %+v, %v", got, again, err)
		}
	}
	for _, text := range []string{"", `\\`, `\\nas`, `\\nas\`, `nas\rescue`, `C:\rescue`, `/mnt/x`, `\\n as\x`, `\\nas\x,y`, `\\nas\x\..\y`, `\\user@nas\x`, "\\\\nas\\x\x00"} {
		if got, err := ParseShare(text); !errors.Is(err, ErrNotShare) {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
	}
}

// Where nothing answers, the answer is there at once and says what it is.
func TestConnectNowhere(t *testing.T) {
	began := time.Now()
	for _, server := range []string{"127.0.0.1", "no-such-server.invalid"} {
		if l, err := net.DialTimeout("tcp", server+":445", time.Second); err == nil {
			l.Close()
			t.Skip("a file server runs here")
		}
		_, err := Share{Server: server, Name: "x"}.Connect(context.Background(), Login{User: "ann", Password: "hush"})
		if !errors.Is(err, ErrNoServer) && !errors.Is(err, ErrNoNetwork) {
			t.Errorf("%s: %v", server, err)
		}
	}
	if took := time.Since(began); took > 4*serverAnswers { // each has so long to answer, and a look-up
		t.Errorf("it took %v", took)
	}
	if _, err := (Share{Server: "127.0.0.1", Name: "x"}).Connect(context.Background(), Login{User: "a\x00b"}); !errors.Is(err, ErrBadLogin) {
		t.Errorf("a name that is none: %v", err)
	}
}
