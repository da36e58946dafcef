package bitlocker

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
)

var allProtectors = []NewProtector{
	{Kind: KindTPM},
	{KindRecovery, testRecovery},
	{KindPassword, testPassword},
	{Kind: KindStartup},
	{Kind: KindClear},
	{Kind: KindTPMPIN},
}

// Every method, in every layout, opens with every protector.
func TestRoundTrip(t *testing.T) {
	ctx := context.Background()
	for _, layout := range []Layout{LayoutVista, LayoutWin7, LayoutToGo, LayoutEOW} {
		for _, m := range methods {
			for _, sector := range []int{512, 4096} {
				if sector == 4096 && layout == LayoutVista {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%d", layout, m.method, sector), func(t *testing.T) {
					t.Parallel()
					plain := plainVolume(1<<20, sector)
					// Stretching a key takes long, and does not depend on sectors.
					protectors, typed := allProtectors, !testing.Short() && sector == 512
					if !typed {
						protectors = allProtectors[3:]
					}
					image, made := create(t, plain, CreateOptions{Layout: layout, Method: m.method,
						Protectors: protectors, Description: "PC-0412 C: 2/3/2025"})
					if bytes.Contains(image, plain[32<<10:33<<10]) {
						t.Error("the image holds plain text")
					}
					v := openImage(t, image)
					checkInfo(t, v.Info(), layout, m.method, made)

					unlocks := map[Kind]func() (*Reader, error){
						KindStartup: func() (*Reader, error) {
							return v.UnlockStartupKey(ctx, made.StartupKeys[made.Protectors[len(protectors)-3].ID])
						},
						KindClear: func() (*Reader, error) { return v.UnlockClear(ctx) },
					}
					if typed {
						unlocks[KindRecovery] = func() (*Reader, error) { return v.UnlockRecovery(ctx, testRecovery) }
						unlocks[KindPassword] = func() (*Reader, error) { return v.UnlockPassphrase(ctx, testPassword) }
					}
					for kind, unlock := range unlocks {
						r, err := unlock()
						if err != nil {
							t.Fatalf("%s: %v", kind, err)
						}
						sameContent(t, readFrom(t, r, len(plain)), plain)
						if r.Protector().Kind != kind || r.FileSystem() != "NTFS" || r.Notes() != nil || r.Size() != made.Size {
							t.Errorf("%s: opened by %v; %q, %q, %d bytes", kind, r.Protector(), r.FileSystem(), r.Notes(), r.Size())
						}
						r.Close()
					}
				})
			}
		}
	}
}

func checkInfo(t *testing.T, info Info, layout Layout, method Method, made Created) {
	t.Helper()
	if info.State != StateSuspended || !info.ClearKey || info.Layout != layout || info.Method != method ||
		info.VolumeID != made.VolumeID || info.Computer != "PC-0412" || info.Description != "PC-0412 C: 2/3/2025" ||
		info.Created.Format("2006-01-02 15:04:05.0000000") != "2025-02-03 04:05:06.0000007" || info.Size != made.Size {
		t.Errorf("%+v", info)
	}
	if !slices.Equal(info.Protectors, made.Protectors) {
		t.Errorf("protectors %v, want %v", info.Protectors, made.Protectors)
	}
	var recovery []GUID
	for _, p := range made.Protectors {
		if p.Kind == KindRecovery {
			recovery = append(recovery, p.ID)
		}
	}
	if !slices.Equal(info.RecoveryKeyIDs, recovery) {
		t.Errorf("recovery keys %v", info.RecoveryKeyIDs)
	}
}

// A volume in the middle of a conversion: what is not encrypted passes through.
func TestPartlyEncrypted(t *testing.T) {
	plain := plainVolume(1<<20, 512)
	for _, tt := range []struct {
		layout Layout
		back   bool
		want   State
	}{
		{LayoutWin7, false, StateEncrypting},
		{LayoutWin7, true, StateDecrypting},
		{LayoutEOW, false, StateEncrypting},
		{LayoutEOW, true, StateDecrypting},
	} {
		t.Run(fmt.Sprintf("%s/%s", tt.layout, tt.want), func(t *testing.T) {
			const part = 512<<10 + 4096
			image, r := suspended(t, plain, CreateOptions{Layout: tt.layout, EncryptedSize: part,
				Decrypting: tt.back, ChunkSize: 64 << 10})
			sameContent(t, readFrom(t, r, len(plain)), plain)
			info := openImage(t, image).Info()
			if info.State != tt.want || info.EncryptedSize < part-64<<10 || info.EncryptedSize > part+64<<10 {
				t.Errorf("%s, %d bytes encrypted", info.State, info.EncryptedSize)
			}
			if at := 800 << 10; !bytes.Equal(image[at:at+512], plain[at:at+512]) {
				t.Error("the end is encrypted")
			}
			if at := 200 << 10; bytes.Equal(image[at:at+512], plain[at:at+512]) {
				t.Error("the start is not encrypted")
			}
		})
	}
}

// Metadata within the file system reads as zeros, as Windows shows it.
func TestMetadataReadsAsZeros(t *testing.T) {
	plain := plainVolume(1<<20, 512)
	at := [4]int64{128 << 10, 320 << 10, 768 << 10, 512 << 10}
	for _, layout := range []Layout{LayoutVista, LayoutWin7, LayoutToGo} {
		image, r := suspended(t, plain, CreateOptions{Layout: layout, Metadata: [3]int64(at[:3]), Header: at[3]})
		if len(image) != len(plain) {
			t.Errorf("%s: the volume grew to %d bytes", layout, len(image))
		}
		want := bytes.Clone(plain)
		n := int64(64 << 10)
		switch layout {
		case LayoutVista:
			n = 16 << 10
		case LayoutWin7:
			clear(want[at[3] : at[3]+8<<10])
		case LayoutToGo:
			clear(want[at[3] : at[3]+64<<10])
		}
		for _, a := range at[:3] {
			clear(want[a : a+n])
		}
		sameContent(t, readFrom(t, r, len(want)), want)
	}
}

func TestDecryptedVolume(t *testing.T) {
	plain := plainVolume(1<<20, 512)
	for _, layout := range []Layout{LayoutWin7, LayoutEOW} {
		image, _ := create(t, plain, CreateOptions{Layout: layout, Method: MethodNone})
		v := openImage(t, image)
		if info := v.Info(); info.State != StateDecrypted || info.Method != MethodNone || info.EncryptedSize != 0 {
			t.Errorf("%+v", info)
		}
		r, err := v.UnlockClear(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		sameContent(t, readFrom(t, r, len(plain)), plain)
	}
}

// With used space only, free space is left alone and everything else counts.
func TestUsedSpaceOnly(t *testing.T) {
	plain := plainVolume(1<<20, 512)
	image, r := suspended(t, plain, CreateOptions{UsedOnly: true})
	free := image[300<<10 : 400<<10]
	if !bytes.Equal(free, make([]byte, len(free))) {
		t.Error("free space was written")
	}
	got := readFrom(t, r, len(plain))
	clear(got[len(plain)/4 : len(plain)/2])
	sameContent(t, got, plain)
}

func TestCreateRefuses(t *testing.T) {
	plain := plainVolume(1<<20, 512)
	for name, opt := range map[string]CreateOptions{
		"no random":     {Method: MethodXTS128},
		"no method":     {Random: noise(0)},
		"bad method":    {Method: "ROT13", Random: noise(0)},
		"bad kind":      {Method: MethodXTS128, Random: noise(0), Protectors: []NewProtector{{Kind: "charm"}}},
		"bad secret":    {Method: MethodXTS128, Random: noise(0), Protectors: []NewProtector{{KindRecovery, "1"}}},
		"no room":       {Method: MethodXTS128, Random: noise(0), Protectors: make([]NewProtector, 0)},
		"end of random": {Method: MethodXTS128, Random: bytes.NewReader(make([]byte, 40))},
	} {
		if name == "no room" {
			for range 500 {
				opt.Protectors = append(opt.Protectors, NewProtector{Kind: KindClear})
			}
		}
		if _, err := Create(new(disk), bytes.NewReader(plain), int64(len(plain)), opt); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
