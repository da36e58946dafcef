package tui

import (
	"bytes"
	"strings"
	"testing"
)

// A share is connected, goes on as a drive does, and its password is gone.
func TestShare(t *testing.T) {
	sit(t, office(), func(u *robot) {
		u.toDestination()
		u.press("f")
		u.write(`\\nas\recsue`)
		u.press("enter") // which is a share, and needs a login
		u.sees("Network share", `[\\nas\recsue`)
		u.press("enter")
		u.sees("has no share")
		u.press("home", "delete") // still a name
		u.press("esc", "esc", "n")
		u.sees(`\nas\recsue`)
		for range 20 {
			u.press("backspace")
		}
		u.press("enter")
		u.sees("looks like")
		u.press("end")
		for range 20 {
			u.press("backspace")
		}
		u.write(`//nas/rescue`)
		u.press("down")
		u.write(`CORP\ann`)
		u.press("down")
		u.write("hunter1")
		u.press("enter")
		u.sees("Not taken")
		u.press("backspace")
		u.write("2")
		if strings.Contains(u.frame(), "hunter") {
			t.Error("the password is on the screen")
		}
		u.press("enter")
		u.sees("Options")
		if u.r.s.place != "/run/lifeboat/nas-rescue" {
			t.Errorf("the place is %s", u.r.s.place)
		}
		u.wait(lookEvery)
		u.press("enter")
		u.sees("Review", "/run/lifeboat/nas-rescue/PC-0412")
		u.press("esc", "esc")
		u.sees("/run/lifebo", "cifs", "fits")
		for _, secret := range u.f.secrets {
			if bytes.ContainsAny(secret, "hunter12") {
				t.Errorf("a copy of the password was not overwritten: %q", secret)
			}
		}
		d := u.r.screens[screenDestination].(*destinationScreen).share
		if pass := d.fields[sharePass].text; strings.Trim(string(pass[:cap(pass)]), "\x00") != "" {
			t.Errorf("the field still holds %q", string(pass[:cap(pass)]))
		}
	})
}
