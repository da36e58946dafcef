package tui

import (
	"bytes"
	"strings"
	"testing"
)

func TestStrength(t *testing.T) {
	for text, want := range map[string]string{
		"12345678":                     textOptWeak,
		"aaaaaaaaaaaaaaaa":             textOptWeak,
		"password1":                    textOptWeak,
		"Passwort2026!":                textOptWeak,
		"hunter22":                     textOptWeak,
		"abcdefghijklmnop":             textOptWeak,
		"correct horse":                textOptFair,
		"Xk7#qP2m!":                    textOptFair,
		"correct horse battery staple": textOptStrong,
		"pq8Zr-4kWd!7nGvB2x":           textOptStrong,
	} {
		if got := strength([]rune(text)); got != want {
			t.Errorf("%q is %s (%.0f bits), want %s", text, got, guesses([]rune(text)), want)
		}
	}
}

// The team's key on the stick is used without a key more; what the review says is
// what the engine gets.
func TestTeamKeyOnTheStick(t *testing.T) {
	sit(t, withTeamStick(), func(u *robot) {
		u.toSaving()
		u.sees("Saving")
		if len(u.f.requests) != 1 {
			t.Fatalf("%d requests", len(u.f.requests))
		}
		req := u.f.requests[0]
		if len(req.Team) != 2 || req.Team[0].String() != teamKey || req.Password != "" {
			t.Errorf("request: team %v, password %v", req.Team, req.Password != "")
		}
		if u.presses > 6+1 { // and one for the welcome screen that toReview waits for
			t.Errorf("%d keys", u.presses)
		}
		u.finish()
	})
}

// A store that was begun with a team key is gone on with by its holder only; the
// passphrase of the identity file is overwritten and on no screen.
func TestTeamStoreGoesOn(t *testing.T) {
	sit(t, teamStore(false), func(u *robot) {
		u.welcome()
		u.press("3", "enter")
		u.sees("begun with a team key", "/media/kingston/ann.txt")
		u.press("enter")
		u.sees("has a passphrase")
		u.press("tab")
		u.write("correct horse")
		if strings.Contains(u.frame(), "correct") {
			t.Error("the passphrase is on the screen")
		}
		u.press("enter")
		u.sees("Review")
		u.press("enter")
		if len(u.f.requests) != 1 || u.f.requests[0].Password != "secret" || len(u.f.requests[0].Team) != 0 {
			t.Fatalf("requests: %+v", u.f.requests)
		}
		for _, s := range u.f.secrets {
			if bytes.ContainsAny(s, "corecthrs") {
				t.Errorf("a copy was not overwritten: %q", s)
			}
		}
		u.finish()
	})
}

func TestTeamStorePutBack(t *testing.T) {
	sit(t, teamStore(true), func(u *robot) {
		u.f.restored = restored()
		u.welcome()
		u.press("2", "enter")
		u.sees("Its passphrase")
		u.press("tab", "backspace") // another file may have none
		if strings.Contains(u.frame(), "Its passphrase") {
			t.Error("asks for the passphrase of another file")
		}
		u.write("t")
		u.press("tab")
		u.write("correct horse")
		u.press("enter")
		if got := u.r.s.put.password; got != "secret" {
			t.Errorf("put back with %q:\n%s", got, u.frame())
		}
		sc := u.r.screens[screenStores].(*storesScreen)
		u.press("esc", "esc", "f10", "end", "enter")
		u.r.forget()
		if strings.Trim(string(sc.entry.pass.text[:cap(sc.entry.pass.text)]), "\x00") != "" || u.r.s.put.password != "" {
			t.Error("the passphrase is still there")
		}
	})
}

// The key is known from the start: Enter may be pressed before the drives are
// looked at again.
func TestTeamKeyIsKnownEarly(t *testing.T) {
	sit(t, withTeamStick(), func(u *robot) {
		u.welcome()
		u.f.teamKeys = nil // the drive takes its time
		u.press("enter", "enter", "enter", "enter", "enter", "enter")
		if len(u.f.requests) != 1 || len(u.f.requests[0].Team) != 2 {
			t.Fatalf("requests: %+v", u.f.requests)
		}
		u.finish()
	})
}
