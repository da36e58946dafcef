package human

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	names := []string{"nocompress", "hardlink", "key", "keyfile", "what"}
	for typed, want := range map[string]string{
		"nocompres": "nocompress", "NoCompress": "nocompress", "hradlink": "hardlink", "hardlnik": "hardlink",
		"keyfil": "keyfile", "ke": "", "hard": "", "whta": "what", "": "", strings.Repeat("x", 1000): "",
	} {
		if got := Nearest(typed, names); got != want {
			t.Errorf("%.20q: %q, want %q", typed, got, want)
		}
	}
}
