package winpe

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Shell is a command prompt, from which exit leads back.
func Shell() *exec.Cmd {
	return exec.Command("sh", "-c", `echo "Type exit to go back to Lifeboat."; exec "${SHELL:-/bin/sh}"`)
}

// UnlockDrive is the system's own program that asks for the password of a drive that
// BitLocker locks. Linux can read such a drive, but nothing may be written to it.
func UnlockDrive(string) (*exec.Cmd, error) { return nil, ErrUnsupported }

// LoadDrivers loads the drivers in a folder. Linux finds its own by itself.
func LoadDrivers(context.Context, string) (Loaded, error) { return Loaded{}, ErrUnsupported }

// HasDrivers reports whether drivers can be loaded by hand.
func HasDrivers() bool { return false }

// Layouts lists the keyboard layouts that can be set. There are none where the keys come
// from a terminal elsewhere: only a console has a layout of its own.
func Layouts() []Layout {
	if _, err := exec.LookPath("loadkeys"); err != nil || os.Getenv("TERM") != "linux" || os.Geteuid() != 0 {
		return nil
	}
	return []Layout{
		{"us", "English (US)", "us"}, {"uk", "English (UK)", "gb"}, {"de", "German", "de"}, {"fr", "French", "fr"}, {"es", "Spanish", "es"}, {"it", "Italian", "it"},
		{"pt-latin1", "Portuguese", "pt"}, {"br-abnt2", "Portuguese (Brazil)", "br"}, {"nl", "Dutch", "nl"}, {"be-latin1", "Belgian", "be"}, {"sg", "Swiss (German)", "ch"}, {"fr_CH", "Swiss (French)", "ch-fr"},
		{"dk", "Danish", "dk"}, {"no", "Norwegian", "no"}, {"sv-latin1", "Swedish", "se"}, {"fi", "Finnish", "fi"}, {"pl", "Polish", "pl"}, {"cz", "Czech", "cz"}, {"hu", "Hungarian", "hu"}, {"trq", "Turkish", "tr"}, {"dvorak", "Dvorak", "dvorak"},
	}
}

// SetLayout sets a keyboard layout for the console.
func SetLayout(ctx context.Context, id string) error {
	for _, r := range id {
		if r == '/' || r <= ' ' || r == '.' {
			return fmt.Errorf("set keyboard layout %q: there is no such one", id)
		}
	}
	if id == "" || id[0] == '-' {
		return fmt.Errorf("set keyboard layout %q: there is no such one", id)
	}
	out, err := exec.CommandContext(ctx, "loadkeys", "--quiet", id).CombinedOutput()
	if err != nil {
		return fmt.Errorf("set keyboard layout %s: %w: %s", id, err, strings.TrimSpace(string(out)))
	}
	return nil
}
