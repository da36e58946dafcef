//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// A plain rescue: Enter on every screen, six times, and the store is there.
func TestWizardInATerminal(t *testing.T) {
	term := openTerminal(t, "80", "25", nil, binaries.linux, "demo", t.TempDir())
	rescue(t, term)
	term.press("Right")
	term.await("> Leave")
	term.press("Enter")
	term.await("PROGRAM ENDED 0")
}

// rescue presses the six keys, looks at every frame on the way, and returns the
// last one.
func rescue(t *testing.T, term *terminal) string {
	t.Helper()
	for _, title := range []string{"What do you want to do?", "Whose files?", "What should be saved?", "Where should the store go?", "How should it be saved?", "Ready to save."} {
		frame(t, term.await(title))
		term.press("Enter")
	}
	done := term.await("SAFE TO WIPE?")
	frame(t, done)
	if !strings.Contains(done, "YES") || !strings.Contains(done, "return code 0") {
		t.Errorf("the end is\n%s", done)
	}
	return done
}

// frame checks what must hold of every screen: it fits, and it says which keys
// there are and that the source is safe.
func frame(t *testing.T, screen string) {
	t.Helper()
	lines := strings.Split(strings.TrimRight(screen, "\n"), "\n")
	if len(lines) > 25 {
		t.Errorf("%d lines\n%s", len(lines), screen)
	}
	for _, line := range lines {
		if utf8.RuneCountInString(line) > 79 {
			t.Errorf("a line is too long: %q", line)
		}
	}
	for _, part := range []string{"Enter", "Esc", "F1", "source disks are read-only"} {
		if !strings.Contains(screen, part) && !(part == "Esc" && strings.Contains(screen, "What do you want to do?")) {
			t.Errorf("the screen does not say %q\n%s", part, screen)
		}
	}
}

// Esc goes back without losing an answer, Ctrl+C only asks, and a small window
// says what it needs.
func TestWizardGoesBack(t *testing.T) {
	term := openTerminal(t, "80", "25", nil, binaries.linux, "demo", t.TempDir())
	term.await("What do you want to do?")
	term.press("Enter")
	term.await("Whose files?")
	term.press("Down", "Space")
	term.await("[ ] localadmin")
	term.press("Enter")
	term.await("What should be saved?")
	term.press("Escape")
	term.await("[ ] localadmin")
	term.press("C-c")
	term.await("Leave the wizard")
	term.press("Escape")
	term.await("Whose files?")
	sh(t, "tmux", "-L", term.server, "resize-window", "-t", "t", "-x", "60", "-y", "20")
	term.await("60 x 20")
	sh(t, "tmux", "-L", term.server, "resize-window", "-t", "t", "-x", "80", "-y", "25")
	term.await("[ ] localadmin")
}

func TestWizardWithoutAWindows(t *testing.T) {
	empty := t.TempDir()
	term := openTerminal(t, "80", "25", nil, binaries.linux, "--at", empty)
	screen := term.await("No Windows")
	if !strings.Contains(screen, filepath.Base(empty)) {
		t.Errorf("the screen does not say where was looked\n%s", screen)
	}
}

func TestWizardInASCIIWithoutColours(t *testing.T) {
	term := openTerminal(t, "80", "25", nil, binaries.linux, "demo", "--ascii", "--mono", t.TempDir())
	term.await("What do you want to do?")
	raw := sh(t, "tmux", "-L", term.server, "capture-pane", "-pe", "-t", "t")
	for _, r := range raw {
		if r > 127 {
			t.Fatalf("%q is not ASCII\n%s", r, raw)
		}
	}
	// 39 and 49 are the terminal's own colours, which tmux puts back.
	if colour := regexp.MustCompile(`\x1b\[[0-9;]*\b(3[0-8]|4[0-8]|9[0-7]|10[0-7])\b`).FindString(raw); colour != "" {
		t.Errorf("there is a colour, %q, in\n%q", colour, raw)
	}
}

// The Windows build in a console of wine. Its console counts escape sequences
// as characters, so the pane is wide and the program caps its layout.
func TestWizardUnderWine(t *testing.T) {
	env := winePrefix(t, nil)
	errors := filepath.Join(t.TempDir(), "errors")
	pc := t.TempDir()
	term := openTerminal(t, "220", "40", env, "sh", "-c", "exec wine "+binaries.windows+" demo '"+windowsPath(pc)+"' 2>"+errors)
	term.await("What do you want to do?")
	term.press("C-c") // only asks
	term.await("Leave the wizard")
	term.press("Escape")
	for _, title := range []string{"What do you want to do?", "Whose files?", "What should be saved?", "Where should the store go?", "How should it be saved?", "Ready to save."} {
		term.await(title)
		term.press("Enter")
	}
	if done := term.await("SAFE TO WIPE?"); !strings.Contains(done, "YES") {
		text, _ := os.ReadFile(errors)
		t.Errorf("the end is\n%s\n%s", done, text)
	}
	stores, err := filepath.Glob(filepath.Join(pc, "stick", "*", "USMT", "USMT.MIG"))
	if err != nil || len(stores) != 1 {
		t.Errorf("stores %v, %v", stores, err)
	}
}
