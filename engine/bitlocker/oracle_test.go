package bitlocker

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"lifeboat/engine/sample/tools"
)

// What other programs make of the volumes Create writes (Debian: dislocker,
// libbde-utils). None was found for encrypt on write: dislocker stops at the real
// volume, too.

// oracle decrypts a volume and returns the first n bytes.
type oracle func(t *testing.T, image string, kind Kind, secret string, n int) []byte

func TestDislocker(t *testing.T) {
	tools.Need(t, "dislocker-file")
	flags := map[Kind]string{KindRecovery: "-p", KindPassword: "-u", KindStartup: "-f"}
	compare := func(t *testing.T, image string, kind Kind, secret string, n int) []byte {
		out := filepath.Join(t.TempDir(), "plain")
		if text, err := exec.Command("dislocker-file", "-V", image, flags[kind]+secret, "--", out).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		got, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return got[:min(n, len(got))]
	}
	for _, layout := range []Layout{LayoutVista, LayoutWin7, LayoutToGo} {
		for _, m := range methods {
			askOracle(t, compare, layout, m.method)
		}
	}
}

// The libbde of Debian 12 takes Vista's metadata for that of Windows 7, and
// knows no XTS with 256 bits.
func TestLibbde(t *testing.T) {
	tools.Need(t, "bdemount", "fusermount")
	tools.NeedFUSE(t)
	flags := map[Kind]string{KindRecovery: "-r", KindPassword: "-p", KindStartup: "-s"}
	compare := func(t *testing.T, image string, kind Kind, secret string, n int) []byte {
		at := t.TempDir()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		if text, err := exec.CommandContext(ctx, "bdemount", flags[kind]+secret, image, at).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		defer exec.Command("fusermount", "-u", at).Run()
		f, err := os.Open(filepath.Join(at, "bde1"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		return readFrom(t, f, n)
	}
	for _, layout := range []Layout{LayoutWin7, LayoutToGo} {
		for _, m := range methods {
			if m.method != MethodXTS256 {
				askOracle(t, compare, layout, m.method)
			}
		}
	}
}

// askOracle compares a volume with what an oracle makes of it. Passwords are
// tried with one method: they take long, and how a key is kept does not depend
// on what it is for.
func askOracle(t *testing.T, decrypt oracle, layout Layout, method Method) {
	t.Run(fmt.Sprintf("%s/%s", layout, method), func(t *testing.T) {
		plain := plainVolume(1<<20, 512)
		protectors := []NewProtector{{Kind: KindStartup}}
		if method == MethodXTS128 {
			protectors = append(protectors, NewProtector{KindRecovery, testRecovery}, NewProtector{KindPassword, "anaconda"})
		}
		b, made := create(t, plain, CreateOptions{Layout: layout, Method: method,
			Protectors: protectors, Description: "PC-0412 C: 2/3/2025"})
		if layout == LayoutVista {
			stateSize(b, made.Size)
		}
		dir := t.TempDir()
		image := filepath.Join(dir, "volume.img")
		if err := os.WriteFile(image, b, 0o600); err != nil {
			t.Fatal(err)
		}
		for i, p := range protectors {
			secret := p.Secret
			if p.Kind == KindStartup {
				id := made.Protectors[i].ID
				secret = filepath.Join(dir, id.String()+".BEK")
				if err := os.WriteFile(secret, made.StartupKeys[id], 0o600); err != nil {
					t.Fatal(err)
				}
			}
			// The file system does not count its last sector.
			n := len(plain) - 512
			got := decrypt(t, image, p.Kind, secret, n)
			if layout == LayoutVista {
				copy(got[0x38:0x40], plain[0x38:0x40]) // dislocker 0.7.2 leaves it empty
			}
			sameContent(t, got, plain[:n])
		}
	})
}

// stateSize notes the size of the volume in the metadata of a Vista volume,
// where Vista has 0 and the dislocker of Debian 12 wants it.
func stateSize(image []byte, size int64) {
	b, err := parseBoot(image[:512])
	if err != nil {
		panic(err)
	}
	first := image[b.info[0]:]
	for _, at := range offsets(first[32:], 3) {
		m := image[at:]
		binary.LittleEndian.PutUint64(m[16:], uint64(size))
		end := binary.LittleEndian.Uint16(m[8:])
		binary.LittleEndian.PutUint32(m[end+4:], crc32.ChecksumIEEE(m[:end]))
	}
}
