package winpe

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"
)

func TestATAVerdict(t *testing.T) {
	sense := func(middle, high byte) []byte {
		s := make([]byte, 64)
		s[0], s[1], s[7], s[8], s[9] = 0x72, 0x01, 14, 0x09, 0x0C // recovered error, ATA status return
		s[17], s[19], s[21] = middle, high, 0x50
		return s
	}
	fixed := make([]byte, 64)
	fixed[0] = 0x70
	for name, c := range map[string]struct {
		sense []byte
		want  string
	}{
		"passed": {sense(0x4F, 0xC2), ""}, "failing": {sense(0xF4, 0x2C), saysFailing},
		"no registers": {make([]byte, 64), ""}, "fixed format": {fixed, ""}, "short": {sense(0xF4, 0x2C)[:20], ""}, "none": {nil, ""},
	} {
		if got := ataVerdict(c.sense); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestNVMeVerdict(t *testing.T) {
	log := func(warning byte, errors byte) []byte {
		l := make([]byte, 512)
		l[0], l[160] = warning, errors
		return l
	}
	for name, c := range map[string]struct {
		log  []byte
		want string
	}{
		"healthy": {log(0, 0), ""}, "only hot": {log(2, 0), ""}, "worn": {log(1, 0), "spare blocks"},
		"unreliable and read only": {log(12, 3), "unreliable, it can only be read"}, "errors": {log(0, 7), "7 errors"}, "short": {make([]byte, 10), ""},
	} {
		got := nvmeVerdict(c.log)
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// What is no disk, or does not understand, is no failing disk. The structures are
// those of the kernel.
func TestSMARTOfWhatHasNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bus := range []string{"SATA", "NVMe", "USB", ""} {
		for _, device := range []string{path, "/dev/null", path + ".none"} {
			if got := smart(device, bus); got != "" {
				t.Errorf("%s on %s: %q", device, bus, got)
			}
		}
	}
	if n := unsafe.Sizeof(nvmeCommand{}); n != 72 {
		t.Errorf("nvme_admin_cmd has 72 bytes, this one %d", n)
	}
	if n := unsafe.Sizeof(sgHeader{}); unsafe.Sizeof(uintptr(0)) == 8 && n != 88 {
		t.Errorf("sg_io_hdr has 88 bytes, this one %d", n)
	}
}
