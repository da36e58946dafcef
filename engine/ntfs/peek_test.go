package ntfs

import (
	"bytes"
	"errors"
	"testing"

	"lifeboat/engine/ntfs/ntfstest"
)

func TestPeek(t *testing.T) {
	for _, opt := range []ntfstest.Options{{Label: "Windows"}, {Label: "4Kn", Sector: 4096, Record: 4096, Dirty: true}} {
		image := ntfstest.New(opt).Image()
		whole, err := Open(t.Context(), bytes.NewReader(image), int64(len(image)), nil)
		if err != nil {
			t.Fatal(err)
		}
		want := whole.Info()
		want.Records, want.Files, want.Folders, want.LogPending = 0, 0, 0, false
		got, err := Peek(bytes.NewReader(image), int64(len(image)))
		if err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		clear(image[:512])
		if got, err := Peek(bytes.NewReader(image), int64(len(image))); err != nil || got.Label != opt.Label || !got.BackupBoot {
			t.Errorf("without the first sector: %+v, %v", got, err)
		}
	}
	if _, err := Peek(bytes.NewReader(make([]byte, 1<<20)), 1<<20); !errors.Is(err, ErrNotNTFS) {
		t.Error(err)
	}
}

func FuzzPeek(f *testing.F) {
	f.Add(ntfstest.New(ntfstest.Options{Label: "x"}).Image())
	f.Fuzz(func(t *testing.T, image []byte) { Peek(bytes.NewReader(image), int64(len(image))) })
}
