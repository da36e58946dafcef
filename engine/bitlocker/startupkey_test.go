package bitlocker

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lifeboat/engine/sample/shareddata"
)

func TestStartupKeyID(t *testing.T) {
	dir := filepath.Join(shareddata.Dir(t), "bitlocker")
	for file, want := range map[string]string{
		"4381F759-C4F8-4DE0-BB61-FC33A831BDA5.BEK": "4381F759-C4F8-4DE0-BB61-FC33A831BDA5",
		"dissect-recovery_key.bek":                 "99B0081A-60B6-47E4-8482-DEA46EE1891D",
	} {
		bek, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		id, err := StartupKeyID(bek)
		if err != nil || id.String() != want {
			t.Errorf("%s: %s, %v", file, id, err)
		}
	}
}

func testStartupKey() []byte {
	p := Protector{ID: GUID{1, 2, 3}, Changed: time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)}
	return startupKey(p, bytes.Repeat([]byte{7}, 32))
}

// Windows 11 adds the identifier of the volume: role 0x19, type 0x17.
func TestStartupKeyOfWindows11(t *testing.T) {
	p := Protector{ID: GUID{9}}
	head := append(append([]byte(nil), p.ID[:]...), make([]byte, 8)...)
	external := appendDatum(nil, roleStartupKey, typeExternal, head,
		appendDatum(nil, 0x19, 0x17, make([]byte, 16)), appendKey(nil, keyExternal, make([]byte, 32)))
	id, _, err := parseStartupKey(dataset(p.ID, 1, 0, time.Time{}, external))
	if err != nil || id != p.ID {
		t.Errorf("%s, %v", id, err)
	}
}

func TestStartupKeyDamaged(t *testing.T) {
	whole := testStartupKey()
	if id, key, err := parseStartupKey(whole); err != nil || id != (GUID{1, 2, 3}) || key[31] != 7 {
		t.Fatalf("%s, %v", id, err)
	}
	for n := range whole {
		if _, _, err := parseStartupKey(whole[:n]); err == nil {
			t.Errorf("cut to %d bytes: no error", n)
		}
	}
	if _, _, err := parseStartupKey(make([]byte, 1<<20)); err == nil {
		t.Error("a megabyte of zeros: no error")
	}
}

// A startup key of another PC is a wrong key.
func TestStartupKeyOfAnotherVolume(t *testing.T) {
	image, _ := create(t, plainVolume(1<<20, 512), CreateOptions{Method: MethodXTS128, Protectors: []NewProtector{{Kind: KindStartup}}})
	_, err := openImage(t, image).UnlockStartupKey(context.Background(), testStartupKey())
	if !errors.Is(err, ErrWrongKey) {
		t.Errorf("%v, want ErrWrongKey", err)
	}
}

func FuzzBEK(f *testing.F) {
	f.Add(testStartupKey())
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, key, err := parseStartupKey(data); err == nil && len(key) != 32 {
			t.Fatalf("a key of %d bytes", len(key))
		}
	})
}
