//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/engine/bitlocker"
	"lifeboat/engine/sample"
)

// The whole journey of a technician in a real terminal, from a disk that nobody
// mounted to files on another folder, and what came of it looked at from outside.

// diskOf makes the image of a disk with the volume of a broken PC, locked with
// BitLocker if there are protectors.
func diskOf(t testing.TB, protectors ...bitlocker.NewProtector) (image string, pc sample.PC) {
	t.Helper()
	pc, err := sample.Create(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	volume, err := sample.NTFS(pc.Volume, "Windows")
	if err != nil {
		t.Fatal(err)
	}
	if protectors != nil {
		if volume, _, err = sample.Encrypt(volume, bitlocker.MethodXTS128, 1, protectors...); err != nil {
			t.Fatal(err)
		}
	}
	disk, err := sample.Disk(
		sample.Partition{GUID: [16]byte{1}, Name: "Empty", Volume: make([]byte, 1<<20)},
		sample.Partition{GUID: sample.PartitionGUID(), Name: "Windows", Volume: volume})
	if err != nil {
		t.Fatal(err)
	}
	image = filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(image, disk, 0o444); err != nil {
		t.Fatal(err)
	}
	return image, pc
}

// saved checks the one store below a folder: stock commands find it whole, and
// what is in it is what is on the disk.
func saved(t testing.TB, folder string, pc sample.PC) (store string) {
	t.Helper()
	stores, err := filepath.Glob(filepath.Join(folder, "*", "USMT", "USMT.MIG"))
	if err != nil || len(stores) != 1 {
		t.Fatalf("stores %v, %v", stores, err)
	}
	store = filepath.Dir(filepath.Dir(stores[0]))
	out, code := lifeboat(t, "usmtutils", "/verify", store)
	want(t, 0, out, code)
	got := t.TempDir()
	out, code = lifeboat(t, "usmtutils", "/extract", store, got)
	want(t, 0, out, code)
	if n := sameTree(t, filepath.Join(pc.Volume, "Users", "anna", "Documents"), filepath.Join(got, "C$", "Users", "anna", "Documents")); n == 0 {
		t.Error("no document was compared")
	}
	return store
}

// chooseFolder answers where to with a folder.
func chooseFolder(term *terminal, folder string) {
	term.t.Helper()
	term.await("Where should the store go?")
	term.press("f")
	term.await("[")
	term.press("-l", folder)
	term.press("Enter")
	term.await("How should it be saved?")
}

// Locked with BitLocker: the recovery password is typed as it is read out, with
// one slip that shows at once, on a terminal that is resized in the middle.
func TestJourneyFromBitLocker(t *testing.T) {
	image, pc := diskOf(t, bitlocker.NewProtector{Kind: bitlocker.KindRecovery, Secret: sample.RecoveryPassword})
	before := sum(t, image)
	to := t.TempDir()
	term := openTerminal(t, "80", "25", nil, binaries.linux, "--at", image)
	term.await("What do you want to do?")
	term.press("Enter")
	frame(term, "Recovery password. Type the digits")
	digits := strings.ReplaceAll(sample.RecoveryPassword, "-", "")
	slip := digits[:5] + "9" + digits[6:18]
	term.press("-l", slip)
	frame(term, "Group 1 cannot be right")
	sh(t, "tmux", "-L", term.server, "resize-window", "-t", "t", "-x", "120", "-y", "40")
	term.await("18 of 48 digits")
	sh(t, "tmux", "-L", term.server, "resize-window", "-t", "t", "-x", "80", "-y", "25")
	frame(term, "Group 1 cannot be right") // nothing was lost
	term.press("-l", digits[18:])
	term.press("Enter") // leads to the group that is wrong
	term.press("-l", digits[:6])
	term.await("All eight groups can be right")
	term.press("Enter")
	frame(term, "Whose files?") // it goes on by itself
	term.press("Enter")
	term.await("What should be saved?")
	term.press("Enter")
	chooseFolder(term, to)
	term.press("Enter")
	term.await("Ready to save.")
	term.press("Enter")
	if done := frame(term, "SAFE TO WIPE?", "return code 0"); strings.Contains(done, digits[:6]) {
		t.Errorf("the end is\n%s", done)
	}
	saved(t, to, pc)
	if sum(t, image) != before {
		t.Error("the disk was written to")
	}
}

// The answers that F7 kept do the same again with nobody at the keyboard.
func TestJourneyAgainFromItsAnswers(t *testing.T) {
	image, pc := diskOf(t)
	to := t.TempDir()
	term := openTerminal(t, "80", "25", nil, binaries.linux, "--at", image)
	for _, title := range []string{"What do you want to do?", "Whose files?", "What should be saved?"} {
		frame(term, title)
		term.press("Enter")
	}
	chooseFolder(term, to)
	term.press("Enter")
	term.await("Ready to save.")
	term.press("F7")
	term.await("Kept in")
	files, err := filepath.Glob(filepath.Join(to, "*.yaml"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	out, code := lifeboat(t, "--at", image, "--answers", files[0], "--unattended")
	want(t, 0, out, code)
	saved(t, to, pc)
}

// The same by lines, for a screen reader or a serial line.
func TestJourneyByLines(t *testing.T) {
	image, pc := diskOf(t, bitlocker.NewProtector{Kind: bitlocker.KindRecovery, Secret: sample.RecoveryPassword})
	to := t.TempDir()
	for name, env := range map[string][]string{"plain": nil, "dumb": {"TERM=dumb"}} {
		t.Run(name, func(t *testing.T) {
			to := filepath.Join(to, name)
			if err := os.Mkdir(to, 0o755); err != nil {
				t.Fatal(err)
			}
			command := []string{binaries.linux, "--at", image}
			if env == nil {
				command = append(command, "--plain")
			}
			term := openTerminal(t, "132", "200", env, command...)
			say := func(hear, line string) {
				t.Helper()
				term.await(hear)
				if line != "" {
					term.press("-l", line)
				}
				term.press("Enter")
			}
			say("Step 1 of 8  Start", "")
			say("Step 2 of 8  Unlock", "1")
			say("Group 1:", sample.RecoveryPassword)
			say("Group 8: ok", "")
			say("Step 4 of 8  Users", "")
			say("Step 5 of 8  What to save", "")
			say("Step 6 of 8  Destination", "f")
			say("or b for back", to)
			say("Step 7 of 8  Options", "")
			say("Ready to save.", "")
			end := term.await("SAFE TO WIPE?")
			if strings.ContainsAny(end, "\x1b─│") {
				t.Errorf("it draws\n%s", end)
			}
			saved(t, to, pc)
		})
	}
}

// Terminals that people have: the screen is there, with colours or without.
func TestTerminals(t *testing.T) {
	for name, env := range map[string][]string{
		"linux": {"TERM=linux"}, "vt100": {"TERM=vt100"}, "xterm": {"TERM=xterm-256color"}, "no colour": {"NO_COLOR=1"},
	} {
		t.Run(name, func(t *testing.T) {
			term := openTerminal(t, "80", "25", env, binaries.linux, "demo", t.TempDir())
			frame(term, "What do you want to do?")
			raw := sh(t, "tmux", "-L", term.server, "capture-pane", "-pe", "-t", "t")
			if coloured := strings.Contains(raw, "\x1b[30m") || strings.Contains(raw, ";30") || strings.Contains(raw, "\x1b[97") || strings.Contains(raw, ";97"); coloured == (name == "no colour") {
				t.Errorf("coloured: %v\n%q", coloured, raw)
			}
			term.press("Enter")
			frame(term, "Whose files?")
		})
	}
}
