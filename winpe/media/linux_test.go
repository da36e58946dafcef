package media

import (
	"errors"
	"os"
	"strings"
	"testing"

	"lifeboat/winpe/media/linuxstick"
)

// What is missing of Debian is refused with the way to get it; other errors stay
// what they are.
func TestMissingPackage(t *testing.T) {
	err := missing(&linuxstick.Missing{What: "the signed shim", Package: "shim-signed"})
	r := (*Refusal)(nil)
	if !errors.As(err, &r) || r.What != "the signed shim was not found; it is in the package shim-signed" || !strings.Contains(r.Remedy, "apt-get download shim-signed") {
		t.Errorf("%+v", err)
	}
	if err := missing(os.ErrNotExist); err != os.ErrNotExist {
		t.Error(err)
	}
}
