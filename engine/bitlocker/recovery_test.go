package bitlocker

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func TestCheckRecoveryPassword(t *testing.T) {
	for _, tt := range []struct {
		typed    string
		complete int
		wrong    int // group, 0 if none
	}{
		{"", 0, 0},
		{"0000", 0, 0},
		{"000000", 1, 0},
		{"000000-", 1, 0},
		{"000000-0000", 1, 0},
		{"000000-000012", 1, 2},
		{"000000-00001-", 1, 2},
		{"000000-0000113", 2, 0}, // the dash may come later
		{"000000-0000113-", 2, 3},
		{"720885", 1, 0},
		{"720896", 0, 1},
		{"999999", 0, 1},
		{"235819", 0, 1},
		{"00000O", 0, 1},
		{"000000-\U0001F6DF", 1, 2},
		{testRecovery, 8, 0},
		{testRecovery + "\r\n", 8, 0},
		{strings.ReplaceAll(testRecovery, "-", ""), 8, 0},
		{strings.ReplaceAll(testRecovery, "-", " "), 8, 0},
		{strings.ReplaceAll(testRecovery, "-", "\u2013"), 8, 0},
		{strings.ReplaceAll(testRecovery, "-", "\u00A0\u2212\t"), 8, 0},
		{"\uFEFF" + strings.ReplaceAll(testRecovery, "-", "\u200B\n"), 8, 0},
		{"000-000-000-011-720-885-000-022-123-453-654-324-000-000-111-111", 8, 0},
		{testRecovery[:48], 7, 0},
		{testRecovery + "0", 8, 8},
		{testRecovery + "-000000", 8, 8},
		{strings.Repeat("0", 1<<16), 8, 8},
	} {
		complete, err := CheckRecoveryPassword(tt.typed)
		var group *GroupError
		wrong := 0
		if errors.As(err, &group) {
			wrong = group.Group
		}
		if complete != tt.complete || wrong != tt.wrong || (err == nil) != (wrong == 0) {
			t.Errorf("%.60q: %d groups, %v; want %d, group %d wrong", tt.typed, complete, err, tt.complete, tt.wrong)
		}
	}
}

// One wrong digit shows, and so do two that changed places.
func TestRecoveryPasswordTypingErrors(t *testing.T) {
	for i := range testRecovery {
		if testRecovery[i] == '-' {
			continue
		}
		for d := byte('0'); d <= '9'; d++ {
			typed := testRecovery[:i] + string(d) + testRecovery[i+1:]
			if _, err := CheckRecoveryPassword(typed); (err == nil) != (d == testRecovery[i]) {
				t.Errorf("%s: %v", typed, err)
			}
		}
		if j := i + 1; j < len(testRecovery) && testRecovery[j] != '-' && testRecovery[i] != testRecovery[j] {
			typed := testRecovery[:i] + testRecovery[j:j+1] + testRecovery[i:i+1] + testRecovery[j+1:]
			if _, err := CheckRecoveryPassword(typed); err == nil {
				t.Errorf("%s: no error", typed)
			}
		}
	}
}

func TestParseRecovery(t *testing.T) {
	for _, tt := range []struct{ password, key string }{
		{"235818-357951-253979-013365-241120-245575-342914-591910", "be531d7f315abf04a0553557c67932d2"},
		{"000000-000011-720885-000022-000000-000000-000000-000000", "00000100ffff02000000000000000000"},
	} {
		key, err := parseRecovery(tt.password)
		if err != nil || hex.EncodeToString(key[:]) != tt.key {
			t.Errorf("%s: %x, %v", tt.password, key, err)
		}
		if got := formatRecovery(key); got != tt.password {
			t.Errorf("%s: written as %s", tt.password, got)
		}
	}
	var group *GroupError
	if _, err := parseRecovery(testRecovery[:len(testRecovery)-8]); !errors.As(err, &group) || group.Group != 7 {
		t.Errorf("seven groups: %v", err)
	}
	password, err := NewRecoveryPassword(noise(3))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := CheckRecoveryPassword(password); n != 8 || err != nil {
		t.Errorf("new password: %d groups, %v", n, err)
	}
	if _, err := NewRecoveryPassword(strings.NewReader("short")); err == nil {
		t.Error("new password from too little: no error")
	}
}

func TestStretch(t *testing.T) {
	salt, _ := hex.DecodeString("2ba080989af9b50c203aaebd0b40d498")
	initial, _ := hex.DecodeString("be531d7f315abf04a0553557c67932d2")
	key, err := stretch(context.Background(), hash(initial), salt)
	if got := hex.EncodeToString(key[:]); err != nil || got != "1a39f926dab83e947fa85125b91e556e9ecc2bc5968924e03de234878d1fd4bd" {
		t.Errorf("recovery password: %s, %v", got, err)
	}
	salt, _ = hex.DecodeString("273cdf169a58c8b0d0960dd12b56e743")
	once := hash(appendText(nil, "anaconda"))
	key, err = stretch(context.Background(), hash(once[:]), salt)
	if got := hex.EncodeToString(key[:]); err != nil || got != "812b72270b2790301c567c6097edd14643272cca691c14218da7850becceed7a" {
		t.Errorf("password: %s, %v", got, err)
	}
}

func FuzzRecoveryPassword(f *testing.F) {
	f.Add(testRecovery)
	f.Add("000000-00001-")
	f.Add(strings.ReplaceAll(testRecovery, "-", "\u2013"))
	f.Fuzz(func(t *testing.T, s string) {
		complete, err := CheckRecoveryPassword(s)
		if complete < 0 || complete > 8 {
			t.Fatalf("%d groups", complete)
		}
		key, perr := parseRecovery(s)
		if (perr == nil) != (err == nil && complete == 8) {
			t.Fatalf("check: %d, %v; parse: %v", complete, err, perr)
		}
		if perr != nil {
			return
		}
		// What parses is the same digits as its standard form.
		digits := strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, s)
		if form := formatRecovery(key); strings.ReplaceAll(form, "-", "") != digits {
			t.Fatalf("%q is written as %s", s, form)
		}
	})
}
