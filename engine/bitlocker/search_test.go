package bitlocker

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A volume whose first sector is gone is found by its metadata, whatever its
// layout and sectors, and reads as before.
func TestRecover(t *testing.T) {
	for _, layout := range []Layout{LayoutVista, LayoutWin7, LayoutToGo, LayoutEOW} {
		for _, sector := range []int{512, 4096} {
			for name, damage := range map[string]func(b []byte){
				"zero":  func(b []byte) { clear(b[:sector]) },
				"noise": func(b []byte) { noise(7).Read(b[:sector]) },
				"names": func(b []byte) { // the identifiers are there, where they lead is not
					for _, at := range []int{0x38, 176, 184, 192, 440, 448, 456} {
						binary.LittleEndian.PutUint64(b[at:], 0x11000)
					}
				},
			} {
				t.Run(fmt.Sprintf("%s/%d/%s", layout, sector, name), func(t *testing.T) {
					plain := plainVolume(1<<20, sector)
					copy(plain[len(plain)-sector:], plain[:512])
					opt := CreateOptions{Layout: layout, Method: MethodXTS128, ChunkSize: 64 << 10, EncryptedSize: 400 << 10,
						Protectors: []NewProtector{{Kind: KindClear}}}
					image, _ := create(t, plain, opt)
					if layout == LayoutVista {
						// The end of the volume is that of the image: the copy has to go there.
						copy(image[len(image)-sector:], image[:sector])
					}
					want, err := openImage(t, image).UnlockClear(context.Background())
					if err != nil {
						t.Fatal(err)
					}
					damage(image)
					v, err := Recover(context.Background(), bytes.NewReader(image), int64(len(image)))
					if err != nil {
						t.Fatal(err)
					}
					if info := v.Info(); info.SectorSize != sector || len(info.Notes) != 1 || !strings.Contains(info.Notes[0], "searching") {
						t.Errorf("%+v", info)
					}
					got, err := v.UnlockClear(context.Background())
					if err != nil {
						t.Fatal(err)
					}
					from := 0
					if layout == LayoutVista {
						from = sector // is not kept elsewhere
					}
					sameContent(t, readFrom(t, got, len(plain))[from:], readFrom(t, want, len(plain))[from:])
				})
			}
		}
	}
}

// Where a conversion was going on and its map cannot be found, nothing is guessed.
func TestRecoverWithoutConversionMap(t *testing.T) {
	image, _ := create(t, plainVolume(1<<20, 512), CreateOptions{Layout: LayoutEOW, Method: MethodXTS128,
		ChunkSize: 64 << 10, Protectors: []NewProtector{{Kind: KindClear}}})
	for _, at := range openImage(t, image).boot.eow {
		clear(image[at : at+512])
	}
	clear(image[:512])
	v, err := Recover(context.Background(), bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.UnlockClear(context.Background()); !errors.Is(err, ErrConverting) {
		t.Errorf("%v, want ErrConverting", err)
	}
}

// What is no BitLocker volume is said to be none, and a disk that cannot be read
// holds nobody up.
func TestRecoverFindsNothing(t *testing.T) {
	image, _ := create(t, plainVolume(1<<20, 512), CreateOptions{Method: MethodXTS128})
	meta := openImage(t, image).meta
	stray := bytes.Clone(image) // a copy of the metadata in another place, as in a file
	clear(stray[:512])
	copy(stray[1<<16:], stray[meta.at:meta.at+infoReserve])
	for _, at := range meta.copies {
		clear(stray[at : at+infoReserve])
	}
	for name, b := range map[string][]byte{"zeros": make([]byte, 3<<20), "empty": nil, "short": image[:100], "stray": stray} {
		if _, err := Recover(context.Background(), bytes.NewReader(b), int64(len(b))); !errors.Is(err, ErrNotBitLocker) {
			t.Errorf("%s: %v", name, err)
		}
	}
	all := &badDisk{b: make([]byte, 2<<20), bad: 1}
	if _, err := Recover(context.Background(), all, int64(len(all.b))); !errors.Is(err, errBad) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	clear(image[:512])
	if _, err := Recover(ctx, bytes.NewReader(image), int64(len(image))); !errors.Is(err, ErrNotBitLocker) {
		t.Errorf("cancelled: %v", err)
	}
}

// A real volume of each layout opens without its first sector. What reads as zeros
// for the boot sector's sake is the same, too.
func TestRecoverRealVolumes(t *testing.T) {
	if testing.Short() {
		t.Skip("unpacks some 100 MB")
	}
	for _, tt := range sharedImages {
		switch tt.name {
		case "bitlk-aes-xts-128-4k.img.xz", "bitlk-togo-aes-xts-128.img.xz", "dissect-decrypted.bin.gz":
		default:
			continue
		}
		image := sharedImage(t, tt.name)
		clear(image[:4096])
		v, err := Recover(context.Background(), bytes.NewReader(image), int64(len(image)))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		r, err := unlockWith(t, v, tt.secrets[0])
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := hashOf(t, r, 4<<20); tt.state != StateDecrypted && got != tt.hash {
			t.Errorf("%s: decrypts to %s, want %s", tt.name, got, tt.hash)
		}
		if r.FileSystem() == "" {
			t.Errorf("%s: no file system", tt.name)
		}
		r.Close()
	}
}

// The first sector of the decrypted volume may be lost without the volume.
func TestMovedHeaderIsBad(t *testing.T) {
	plain := plainVolume(1<<20, 512)
	for _, withCopy := range []bool{true, false} {
		if withCopy {
			copy(plain[len(plain)-512:], plain[:512])
		} else {
			clear(plain[len(plain)-512:])
		}
		image, _ := create(t, plain, CreateOptions{Method: MethodXTS128, Protectors: []NewProtector{{Kind: KindClear}},
			Metadata: [3]int64{128 << 10, 320 << 10, 768 << 10}, Header: 512 << 10})
		v := openImage(t, image)
		v.src = &badDisk{b: image, bad: 512 << 10}
		r, err := v.UnlockClear(context.Background())
		if !withCopy {
			if !errors.Is(err, errBad) {
				t.Errorf("without a copy: %v", err)
			}
			continue
		}
		if err != nil || r.FileSystem() != "NTFS" || len(r.Notes()) != 1 {
			t.Fatalf("%v, %+v", err, r)
		}
	}
}
