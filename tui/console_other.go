//go:build !windows

package tui

import (
	"cmp"
	"io"
	"os"
	"strings"
)

// canDraw tells whether a picture can be drawn there.
func canDraw(io.Writer) bool { return os.Getenv("TERM") != "dumb" }

// lettersOnly tells whether anything but ASCII may come out wrong: the locale,
// where one is set, says so.
func lettersOnly() bool {
	locale := strings.ToLower(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG")))
	return locale != "" && !strings.Contains(locale, "utf-8") && !strings.Contains(locale, "utf8")
}
