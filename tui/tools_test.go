package tui

import (
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"lifeboat/engine/job"
	"lifeboat/winpe"
)

// outside runs what the wizard stepped aside for, as the console would.
func (u *robot) outside() *exec.Cmd {
	u.t.Helper()
	o := u.r.takeOutside()
	if o == nil {
		u.t.Fatalf("the wizard did not step aside:\n%s", u.frame())
	}
	cmd, err := o.command()
	if err == nil {
		err = ended(cmd.Run()).err
	}
	u.run(u.r.receive(outsideEnded{err}))
	u.settle()
	return cmd
}

// A command prompt leads back to where it was called from; a job goes on meanwhile.
func TestShell(t *testing.T) {
	sit(t, office(), func(u *robot) {
		u.welcome()
		u.press("enter", "down", "f10", "down", "enter")
		if cmd := u.outside(); cmd.Args[0] != "sh" {
			t.Errorf("ran %v", cmd.Args)
		}
		u.sees("> Command prompt")
		u.press("esc")
		u.sees("Whose files?")
		u.press("enter", "enter", "enter", "enter", "enter")
		u.halfway()
		u.press("f9")
		u.outside()
		u.sees("Saving to", "Safe so far")
		u.engine(func(ctl *job.Control) { ctl.Progress.AddBytes(1<<20, ctl.Clock()) })
		u.finish()
		u.sees("SAVED")
		u.press("f10", "down", "down", "enter")
		if !u.r.leaving || u.r.s.ending != ToPrompt {
			t.Error("Lifeboat does not end")
		}
	})
}

func TestPlainShell(t *testing.T) {
	heard := talk(t, "shell", office(), "q", "2", "b", io.EOF)
	if !strings.Contains(heard, "in the shell") {
		t.Errorf("no shell ran:\n%s", heard)
	}
}

// The system asks for the password of a drive, and the drive is offered then.
func TestUnlockDrive(t *testing.T) {
	sit(t, office(), func(u *robot) {
		u.toDestination()
		u.sees("locked by BitLocker: U unlocks it")
		u.press("u")
		i := slices.IndexFunc(u.f.volumes, func(v winpe.Volume) bool { return v.Mount == "/media/passport" })
		v := &u.f.volumes[i]
		v.Problem, v.FileSystem, v.Size, v.Free, v.Label = "", "NTFS", 900*gib, 800*gib, "PASSPORT"
		u.outside()
		u.sees("/media/passport PASSPORT", "fits")
		if !slices.Contains(u.f.logins, "unlock /media/passport") {
			t.Errorf("asked for %v", u.f.logins)
		}
	})
	f := twoLocked()
	f.shareErr = winpe.ErrUnsupported
	sit(t, f, func(u *robot) {
		u.toDestination()
		u.press("u", "down", "enter")
		u.wait(0)
		o := u.r.takeOutside()
		_, err := o.command()
		u.run(u.r.receive(outsideEnded{err}))
		u.settle()
		u.sees("This system cannot unlock drives")
		if !slices.Contains(u.f.logins, "unlock /media/other") {
			t.Errorf("asked for %v", u.f.logins)
		}
	})
}

func TestDriversAndKeyboard(t *testing.T) {
	sit(t, windowsPE(), func(u *robot) {
		u.welcome()
		u.press("d")
		u.write(`E:\bad`)
		u.press("enter")
		u.sees("0 drivers loaded. 1 not:")
		for range 3 {
			u.press("backspace")
		}
		u.write("vmd")
		u.press("enter")
		u.sees("Looking at this computer", "2 drivers loaded")
		u.welcome()
		u.press("enter", "enter", "enter", "enter", "ctrl+k")
		u.sees("Which keyboard is this?")
		u.press("down", "down", "enter")
		u.write("zy@")
		u.sees("German  (set)", "zy@")
		u.press("esc", "space", "tab")
		u.write("l") // is typed, and no log
		u.sees("1 characters")
		if !slices.Contains(u.f.logins, "layout de-latin1") {
			t.Errorf("set %v", u.f.logins)
		}
	})
	sit(t, office(), func(u *robot) { // which has neither
		u.welcome()
		u.press("d")
		u.sees("What do you want to do?")
		u.toOptions()
		u.press("f4")
		u.sees("How should it be saved?")
	})
}

// The log has what happened, follows what happens, and holds no secret.
func TestLog(t *testing.T) {
	sit(t, office(), func(u *robot) {
		u.toOptions()
		u.press("space", "tab")
		u.write("correct horse")
		u.press("tab")
		u.write("correct horse")
		u.press("enter", "enter")
		u.halfway()
		u.trouble()
		u.press("l")
		u.sees("begins: Save", "budget.xlsx")
		u.engine(func(ctl *job.Control) {
			for range 30 {
				ctl.Say("more of it")
			}
		})
		u.press("home")
		u.sees("system: Windows", "drive /media/backup, BACKUP_01")
		u.engine(func(ctl *job.Control) { ctl.Say("a line of news") })
		if strings.Contains(u.frame(), "a line of news") {
			t.Error("the view jumped")
		}
		u.press("end")
		u.sees("a line of news")
		u.press("p")
		u.sees("budget.xlsx")
		if strings.Contains(u.frame(), "a line of news") {
			t.Error("that is no problem")
		}
		for _, l := range u.r.s.logged {
			if strings.Contains(l.text, "horse") {
				t.Errorf("the log holds the passphrase: %s", l.text)
			}
		}
		u.press("esc")
		u.finish()
		for range logLines {
			u.r.s.log(false, "line")
		}
		if len(u.r.s.logged) > logLines {
			t.Errorf("the log has %d lines", len(u.r.s.logged))
		}
	})
}
