package bitlocker

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"lifeboat/engine/sample/shareddata"
)

// sharedImage unpacks an image of shared/data/bitlocker.
func sharedImage(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join(shareddata.Dir(t), "bitlocker", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader
	if strings.HasSuffix(name, ".xz") {
		r, err = xz.NewReader(f)
	} else {
		r, err = gzip.NewReader(f)
	}
	if err != nil {
		t.Fatal(err)
	}
	image, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("unpack %s: %v", name, err)
	}
	return image
}

func openImage(t testing.TB, image []byte) *Volume {
	t.Helper()
	v, err := Open(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// unlockWith opens v with a secret written as in the table: the kind, a colon,
// and the secret or the name of the file.
func unlockWith(t testing.TB, v *Volume, secret string) (*Reader, error) {
	t.Helper()
	kind, value, _ := strings.Cut(secret, ":")
	switch ctx := context.Background(); kind {
	case "recovery":
		return v.UnlockRecovery(ctx, value)
	case "password":
		return v.UnlockPassphrase(ctx, value)
	case "bek":
		bek, err := os.ReadFile(filepath.Join(shareddata.Dir(t), "bitlocker", value))
		if err != nil {
			t.Fatal(err)
		}
		return v.UnlockStartupKey(ctx, bek)
	case "clear":
		return v.UnlockClear(ctx)
	}
	t.Fatalf("no such secret: %s", kind)
	return nil, nil
}

// hashOf reads the volume in pieces of n bytes.
func hashOf(t testing.TB, r *Reader, n int) string {
	t.Helper()
	h := sha256.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{io.NewSectionReader(r, 0, r.Size())}, make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// sharedImages are the real volumes, with what MANIFEST.md says of them.
var sharedImages = []struct {
	name    string
	state   State
	method  Method
	volume  string
	secrets []string
	hash    string
}{
	{"bitlk-aes-cbc-128.img.xz", StateLocked, MethodAES128, "E9726FAB-7656-4BC5-BB9E-ADF115953328",
		[]string{"password:anaconda", "recovery:042647-302313-590458-071500-554323-116567-412181-516978"},
		"04500a8120ba355ed206284e03e26e59b7e1f1832868e1d69bb47023ebd3460f"},
	{"bitlk-aes-cbc-elephant-128.img.xz", StateLocked, MethodAES128Diff, "D1668FB9-2C16-40AA-8959-3493815234E6",
		[]string{"password:anaconda", "recovery:529573-278784-259347-197835-171457-264044-610280-313269"},
		"b18e4f956295bc0f327e551322261fb9c74ac0d3ce58bf3b806e98474e1619ea"},
	{"bitlk-aes-xts-128-4k.img.xz", StateLocked, MethodXTS128, "2A66874F-3F92-4160-AAB1-20EE31C1426C",
		[]string{"recovery:486552-140030-675719-163900-264671-413787-580239-152614"},
		"b4c0416ae643537207413ed78d4bcadae697bb86a6262864ac00afda01312277"},
	{"bitlk-aes-xts-128-clearkey-only.img.xz", StateSuspended, MethodXTS128, "DF73CB51-FF48-4033-8D56-A32CC2B1AB7A",
		[]string{"clear"},
		"f574a5254d31e9f27dc4ee440290875886c6c569cf02dc100e91a5c0cddaa4e1"},
	{"bitlk-aes-xts-128-crc.img.xz", StateLocked, MethodXTS128, "8F595209-F5B9-49A0-85D4-CB8F80258C27",
		[]string{"recovery:235818-357951-253979-013365-241120-245575-342914-591910"},
		"674e3a976927fd62f3fc26df2c695cac75b8d364e3b45393717efa971f16db0f"},
	{"bitlk-aes-xts-128-new-entry.img.xz", StateLocked, MethodXTS128, "2C2A8753-7C64-4B95-B4BB-FD13AC73069A",
		[]string{"password:anaconda", "recovery:199067-214280-266398-508123-023584-402875-562793-012067"},
		"794163062398ae43b796f85eafde8acf5dc7830a93ec2aa7ef0c6baaa14b2757"},
	{"bitlk-aes-xts-128-smart-card.img.xz", StateLocked, MethodXTS128, "E7D812DF-C38B-4149-95FE-85134D2E02F7",
		[]string{"recovery:538329-080597-399190-348700-323345-161062-279807-230978"},
		"007de1a342f49a15f97712f634aa1684e1d8c24e220652fc9796b22421413268"},
	{"bitlk-aes-xts-128-startup-key.img.xz", StateLocked, MethodXTS128, "5A95DB04-6EBC-4BA9-99A3-15A87A3D07B2",
		[]string{"bek:4381F759-C4F8-4DE0-BB61-FC33A831BDA5.BEK", "recovery:363770-230505-096371-652674-567006-579150-291038-408111"},
		"bbb68369d8f7badb2c2330349d9d0cf12e68f54eece25e718d2bb13feba23f7a"},
	{"bitlk-aes-xts-128.img.xz", StateLocked, MethodXTS128, "8F595209-F5B9-49A0-85D4-CB8F80258C27",
		[]string{"password:anaconda", "recovery:235818-357951-253979-013365-241120-245575-342914-591910"},
		"674e3a976927fd62f3fc26df2c695cac75b8d364e3b45393717efa971f16db0f"},
	{"bitlk-togo-aes-xts-128.img.xz", StateLocked, MethodXTS128, "DCA1850A-0EF6-4ECE-8ACB-9F42CA63BDD1",
		[]string{"password:anaconda", "recovery:243067-548680-059818-148852-287771-550088-628265-631653"},
		"5954795eb41764b59a10d86c26fd3b43fb6d89f433c8edc1e8fd48067d198591"},
	{"dissect-aes-xts_128.bin.gz", StateLocked, MethodXTS128, "",
		[]string{"password:password12!@"}, "2765001e256eb8ca9a38db007225706d9ec3228ba56bdace3642fd5280f2543d"},
	{"dissect-aes_128.bin.gz", StateLocked, MethodAES128, "",
		[]string{"password:password12!@"}, "d90b6e46f837d9b2f25c7ebca4cf42d6c17dbd08fc7f2ef1a8aed7d149becf75"},
	{"dissect-aes_256.bin.gz", StateLocked, MethodAES256, "",
		[]string{"password:password12!@"}, "c0b7b3e40e55b02e84432a93c95256a2a19438848fe65c66627b0c32056aff5a"},
	{"dissect-aes_256_diffuser.bin.gz", StateLocked, MethodAES256Diff, "",
		[]string{"password:password12!@"}, "bb5817a7f1a81b6840bbb8906d6ff833d0137f38cd95f99ea76ce7e49b5a5642"},
	{"dissect-decrypted.bin.gz", StateDecrypted, MethodNone, "",
		[]string{"clear"}, "b3f17a20397b06aa2030da90398cb5e02b5138e96bfe63316c0f863a66282b82"},
	{"dissect-eow_partial.bin.gz", StateEncrypting, MethodAES128, "",
		[]string{"password:password12!@"}, "05643efa277b704661177f2ecfaebf5943ad252064e3e743d165e18708031bde"},
	{"dissect-recovery_key.bin.gz", StateLocked, MethodXTS128, "",
		[]string{"bek:dissect-recovery_key.bek"}, "0db7f24a13553f4c6dc8afcdd98d7c0fa39b97f624aa3c4fbbbce6b84f4fac60"},
	{"dissect-recovery_password.bin.gz", StateLocked, MethodXTS128, "",
		[]string{"recovery:284867-596541-514998-422114-660297-261613-215424-199408"},
		"f97cc63acafc01b818a72240219fe8212ed249995c017c3d97334dde0fc59c65"},
	{"dissect-vista.bin.gz", StateLocked, MethodAES128Diff, "",
		[]string{"recovery:517506-503998-044583-576191-587004-635965-501270-087802"},
		"dbe79012159ecff65fb5fc3e2f0855ed56a0762c1b1dade6ab8cee31687852a7"},
}

func TestRealVolumes(t *testing.T) {
	if testing.Short() {
		t.Skip("unpacks a gigabyte and more")
	}
	for _, tt := range sharedImages {
		t.Run(tt.name, func(t *testing.T) {
			v := openImage(t, sharedImage(t, tt.name))
			info := v.Info()
			if info.State != tt.state || info.Method != tt.method {
				t.Errorf("%s, %s; want %s, %s", info.State, info.Method, tt.state, tt.method)
			}
			if tt.volume != "" && info.VolumeID.String() != tt.volume {
				t.Errorf("volume %s, want %s", info.VolumeID, tt.volume)
			}
			// Large reads at first, then some that are not whole sectors.
			for i, secret := range tt.secrets {
				r, err := unlockWith(t, v, secret)
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				if got := hashOf(t, r, []int{4 << 20, 1<<16 + 1}[i]); got != tt.hash {
					t.Errorf("with %s: decrypts to %s, want %s", secret, got, tt.hash)
				}
				if r.FileSystem() == "" || len(r.Notes()) > 0 {
					t.Errorf("with %s: file system %q, notes %q", secret, r.FileSystem(), r.Notes())
				}
			}
		})
	}
}

// A conversion whose map is lost must not be guessed at.
func TestConversionWithoutMapIsRefused(t *testing.T) {
	for name, secret := range map[string]string{
		"bitlk-aes-xts-128-eow.img.xz":                 "recovery:685839-373538-494868-036223-326590-515064-328416-685102",
		"bitlk-partially-encrypted-aes-cbc-128.img.xz": "password:anaconda",
	} {
		v := openImage(t, sharedImage(t, name))
		info := v.Info()
		if info.State != StateEncrypting || len(info.Protectors) < 2 || len(info.Notes) == 0 {
			t.Errorf("%s: %+v", name, info)
		}
		if _, err := unlockWith(t, v, secret); !errors.Is(err, ErrConverting) {
			t.Errorf("%s: %v, want ErrConverting", name, err)
		}
	}
}
