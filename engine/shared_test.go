package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"lifeboat/engine/bitlocker"
	"lifeboat/engine/sample/shareddata"
	"lifeboat/engine/volume"
)

// Every file on the encrypted volumes whose content is known reads as it should:
// through BitLocker, NTFS and the paths of Windows.
func TestSharedEncryptedFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("unpacks 100 MB for each volume")
	}
	dir := filepath.Join(shareddata.Dir(t), "bitlocker")
	for name, secret := range map[string]Secret{
		"e2e-clearkey":     {},
		"e2e-elephant128":  {RecoveryPassword: "529573-278784-259347-197835-171457-264044-610280-313269"},
		"e2e-xts128-pw-rp": {Passphrase: "anaconda"},
	} {
		t.Run(name, func(t *testing.T) {
			packed, err := os.Open(filepath.Join(dir, name+".img.xz"))
			if err != nil {
				t.Fatal(err)
			}
			defer packed.Close()
			r, err := xz.NewReader(packed)
			if err != nil {
				t.Fatal(err)
			}
			image, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			shut, err := bitlocker.Open(bytes.NewReader(image), int64(len(image)))
			if err != nil {
				t.Fatal(err)
			}
			unlock := secret.unlock
			if secret.Passphrase+secret.RecoveryPassword == "" {
				unlock = func(ctx context.Context, v *bitlocker.Volume) (*bitlocker.Reader, error) { return v.UnlockClear(ctx) }
			}
			plain, err := unlock(t.Context(), shut)
			if err != nil {
				t.Fatal(err)
			}
			v, err := volume.OpenNTFS(t.Context(), plain, plain.Size(), plain)
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			list, err := os.ReadFile(filepath.Join(dir, name+".files.sha256"))
			if err != nil {
				t.Fatal(err)
			}
			files := 0
			for line := range strings.Lines(string(list)) {
				want, path, ok := strings.Cut(strings.TrimSpace(line), "  ")
				if !ok {
					t.Fatalf("line %q", line)
				}
				path = `\` + strings.ReplaceAll(strings.TrimPrefix(path, "./"), "/", `\`)
				f, err := v.Open(path)
				if err != nil {
					t.Error(err)
					continue
				}
				h := sha256.New()
				if _, err := io.Copy(h, f); err != nil || fmt.Sprintf("%x", h.Sum(nil)) != want {
					t.Errorf("%s: %x, %v", path, h.Sum(nil), err)
				}
				f.Close()
				files++
			}
			if kept, all := v.Damage(); files != 42 || all > 0 {
				t.Errorf("%d files, damage %v", files, kept)
			}
		})
	}
}
