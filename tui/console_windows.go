package tui

import (
	"io"
	"os"

	"golang.org/x/sys/windows"
)

// canDraw tells whether a picture can be drawn there: bubbletea does not start
// on a console that refuses escape sequences (spec/tui.md, B2).
func canDraw(out io.Writer) bool {
	if os.Getenv("TERM") == "dumb" {
		return false
	}
	f, ok := out.(interface{ Fd() uintptr })
	if !ok {
		return true
	}
	var mode uint32
	h := windows.Handle(f.Fd())
	if windows.GetConsoleMode(h, &mode) != nil {
		return true // no console of Windows: a terminal that speaks for itself
	}
	if windows.SetConsoleMode(h, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) != nil {
		return false
	}
	windows.SetConsoleMode(h, mode) // bubbletea sets it again
	return true
}

// lettersOnly tells whether box drawing may come out two cells wide: on consoles
// of Japan, China, Korea and Taiwan (spec/tui.md, B4).
func lettersOnly() bool {
	cp, err := windows.GetConsoleOutputCP()
	if err != nil {
		return false
	}
	switch cp {
	case 932, 936, 949, 950, 1361, 20936, 54936:
		return true
	}
	return false
}
