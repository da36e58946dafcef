//go:build e2e

package e2e

import (
	"fmt"
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
	rescue(term)
	term.press("Right", "Right") // over the report
	term.await("> Leave")
	term.press("Enter")
	term.await("PROGRAM ENDED 0")
}

// rescue presses the six keys and looks at every frame on the way.
func rescue(term *terminal) {
	term.t.Helper()
	for _, title := range []string{"What do you want to do?", "Whose files?", "What should be saved?", "Where should the store go?", "How should it be saved?", "Ready to save."} {
		frame(term, title)
		term.press("Enter")
	}
	frame(term, "SAFE TO WIPE?  YES", "return code 0")
}

// frame waits until the screen shows the texts and what must hold of every
// screen: it fits, and it says which keys there are and that the source is safe.
func frame(term *terminal, texts ...string) string {
	term.t.Helper()
	return term.settle(func(screen string) string {
		lines := strings.Split(strings.TrimRight(screen, "\n"), "\n")
		if len(lines) > 25 {
			return fmt.Sprintf("has %d lines", len(lines))
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > 79 {
				return fmt.Sprintf("has a line that is too long: %q", line)
			}
		}
		for _, part := range append([]string{"Enter", "Esc", "F1", "source disks are read-only"}, texts...) {
			if !strings.Contains(screen, part) && !(part == "Esc" && strings.Contains(screen, "What do you want to do?")) {
				return fmt.Sprintf("does not say %q", part)
			}
		}
		return ""
	})
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
	term.await("No Windows", filepath.Base(empty)) // where was looked
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
	t.Cleanup(func() {
		if text, _ := os.ReadFile(errors); t.Failed() {
			t.Logf("%s", text)
		}
	})
	term.await("SAFE TO WIPE?  YES")
	stores, err := filepath.Glob(filepath.Join(pc, "stick", "*", "USMT", "USMT.MIG"))
	if err != nil || len(stores) != 1 {
		t.Errorf("stores %v, %v", stores, err)
	}
}
