//go:build !windows

package tui

import (
	"io"
	"os"
)

// canDraw tells whether a picture can be drawn there.
func canDraw(io.Writer) bool { return os.Getenv("TERM") != "dumb" }
