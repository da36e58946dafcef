package bitlocker

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func lockedVolume(t testing.TB, protectors ...NewProtector) (*Volume, Created) {
	t.Helper()
	image, made := create(t, plainVolume(1<<20, 512), CreateOptions{Method: MethodXTS256, Protectors: protectors})
	return openImage(t, image), made
}

func TestWrongKey(t *testing.T) {
	v, made := lockedVolume(t, NewProtector{KindRecovery, testRecovery}, NewProtector{KindPassword, testPassword})
	ctx := context.Background()
	other := strings.Repeat("000011-", 7) + "000011"
	for name, unlock := range map[string]func() (*Reader, error){
		"recovery": func() (*Reader, error) { return v.UnlockRecovery(ctx, other) },
		"password": func() (*Reader, error) { return v.UnlockPassphrase(ctx, "hunter2") },
		"empty":    func() (*Reader, error) { return v.UnlockPassphrase(ctx, "") },
	} {
		_, err := unlock() // BenchmarkWrongKey tells how long it takes
		if !errors.Is(err, ErrWrongKey) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.Contains(err.Error(), "000011") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error tells the secret: %v", name, err)
		}
	}
	// And then the right one.
	r, err := v.UnlockRecovery(ctx, testRecovery)
	if err != nil {
		t.Fatal(err)
	}
	if r.Protector() != made.Protectors[0] {
		t.Errorf("opened by %v", r.Protector())
	}
}

func TestMistypedRecoveryPasswordIsNotTried(t *testing.T) {
	v, _ := lockedVolume(t, NewProtector{Kind: KindClear})
	var group *GroupError
	if _, err := v.UnlockRecovery(context.Background(), "000000-000012"); !errors.As(err, &group) || group.Group != 2 {
		t.Errorf("%v, want group 2", err)
	}
}

// Several recovery passwords are normal.
func TestTwoRecoveryPasswords(t *testing.T) {
	second, err := NewRecoveryPassword(noise(5))
	if err != nil {
		t.Fatal(err)
	}
	v, made := lockedVolume(t, NewProtector{KindRecovery, testRecovery}, NewProtector{KindRecovery, second})
	if ids := v.Info().RecoveryKeyIDs; len(ids) != 2 {
		t.Errorf("key IDs %v", ids)
	}
	for i, password := range []string{testRecovery, second} {
		r, err := v.UnlockRecovery(context.Background(), password)
		if err != nil {
			t.Fatal(err)
		}
		if r.Protector().ID != made.Protectors[i].ID {
			t.Errorf("password %d: opened by %v", i, r.Protector())
		}
	}
}

func TestUnlockIsCancelled(t *testing.T) {
	v, _ := lockedVolume(t, NewProtector{KindRecovery, testRecovery}, NewProtector{Kind: KindClear})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := v.UnlockRecovery(ctx, testRecovery); !errors.Is(err, context.Canceled) {
		t.Errorf("recovery password: %v", err)
	}
	if _, err := v.UnlockClear(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("clear key: %v", err)
	}
}

// What cannot be used here is named, with what would open the volume.
func TestNoProtector(t *testing.T) {
	ctx := context.Background()
	for _, tt := range []struct {
		protectors []NewProtector
		say        string
	}{
		{nil, "no protector at all"},
		{[]NewProtector{{Kind: KindTPM}, {Kind: KindTPMPIN}}, "only in its own PC or with its certificate: TPM, TPM and PIN"},
		{[]NewProtector{{Kind: KindTPM}, {KindRecovery, testRecovery}}, "the recovery password with key ID "},
		{[]NewProtector{{Kind: KindStartup}, {KindPassword, "x"}}, ".BEK, or its password"},
	} {
		v, made := lockedVolume(t, tt.protectors...)
		_, err := v.UnlockClear(ctx)
		var none *NoProtectorError
		if !errors.As(err, &none) || none.Wanted != KindClear || none.Volume != made.VolumeID || len(none.Have) != len(tt.protectors) {
			t.Errorf("%v", err)
			continue
		}
		if !strings.Contains(err.Error(), tt.say) {
			t.Errorf("%q does not say %q", err, tt.say)
		}
	}
}

func TestInfoJSON(t *testing.T) {
	v, _ := lockedVolume(t, NewProtector{Kind: KindTPM}, NewProtector{KindRecovery, testRecovery})
	b, err := json.Marshal(v.Info())
	if err != nil {
		t.Fatal(err)
	}
	var back Info
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(back)
	if string(again) != string(b) || back.State != StateLocked || !strings.Contains(string(b), back.RecoveryKeyIDs[0].String()) {
		t.Errorf("%s\n%s", b, again)
	}
}

func TestGUID(t *testing.T) {
	const s = "8F716353-9C42-4B1A-80AA-0123456789AB"
	g, err := ParseGUID("{" + strings.ToLower(s) + "}")
	if err != nil || g.String() != s || g[0] != 0x53 || g[8] != 0x80 {
		t.Errorf("%v %v", g, err)
	}
	for _, bad := range []string{"", "8F716353", "{" + s, s + "}", s[1:], "8F7163539-C42-4B1A-80AA-0123456789AB", strings.Replace(s, "8F", "XX", 1)} {
		if _, err := ParseGUID(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func TestFileTime(t *testing.T) {
	for _, want := range []time.Time{
		time.Date(2024, 3, 2, 1, 2, 3, 400, time.UTC), time.Date(1650, 1, 1, 0, 0, 0, 900, time.UTC), {},
	} {
		if got := fileTime(toFileTime(want)); !got.Equal(want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	if !fileTime(1 << 63).IsZero() {
		t.Error("a time nobody will see")
	}
}
