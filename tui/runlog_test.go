package tui

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/answers"
	"lifeboat/engine/job"
	"lifeboat/engine/report"
)

// A save has a log like ScanState's: how it was begun, what went wrong, how it
// ended. It is whole when the result is on the screen.
func TestSaveKeepsALog(t *testing.T) {
	sit(t, office(), func(u *robot) {
		u.toSaving()
		u.engine(func(ctl *job.Control) {
			ctl.Phase(job.Saving, 1, 1)
			ctl.Problem(job.Problem{Kind: job.Unreadable, Path: `C:\Users\anna\a.txt`, Text: "bad sector"})
		})
		u.finish()
		u.sees("SAFE TO WIPE?")
		if len(u.f.logs) != 1 || !u.f.logs[0].closed {
			t.Fatalf("the logs are %v", u.f.logs)
		}
		text := u.f.logs[0].String()
		for _, say := range []string{"SCANSTATE.EXE Version 1.2.3", "Command line: ", "Activity: 'SAVING'", `C:\Users\anna\a.txt: bad sector`, "Leaving with return code"} {
			if !strings.Contains(text, say) {
				t.Errorf("the log does not say %q:\n%s", say, text)
			}
		}
		u.press("l")
		u.sees("the log of this run is /tmp/scanstate.log")
	})
}

// A log that cannot be kept is a line in the one on the screen, and no reason to
// stop.
func TestSaveGoesOnWithoutALog(t *testing.T) {
	f := office()
	f.noLog = errors.New("the stick is full")
	sit(t, f, func(u *robot) {
		u.toSaving()
		u.finish()
		u.sees("SAVED", "SAFE TO WIPE?")
		u.press("l")
		u.sees("the stick is full")
	})
}

// Logs and crash files go to the folder that was asked for, made if it is not
// there, and to the temporary folder where it cannot be.
func TestLogsGoTogether(t *testing.T) {
	temp := t.TempDir()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return date("2026-11-23 14:12") }
	asked := filepath.Join(t.TempDir(), "deep", "logs")
	for logs, want := range map[string]string{asked: asked, "": temp, filepath.Join(file, "logs"): temp} {
		l := &Live{Engine: &engine.Engine{Clock: clock, Version: "1.2.3", TempDir: temp}, Logs: logs}
		log, err := l.OpenLog("loadstate", "loadstate x", nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := log.end(runEnded{err: errors.New("the stick is full")}); err != nil {
			t.Error(err)
		}
		crash, err := l.WriteCrash("why")
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Dir(crash) != want || log.path != filepath.Join(want, "lifeboat-loadstate-20261123-141200.log") {
			t.Errorf("%q: %s and %s", logs, log.path, crash)
		}
		data, err := os.ReadFile(log.path)
		if err != nil || !strings.Contains(string(data), "LOADSTATE.EXE Version 1.2.3") || !strings.Contains(string(data), "the stick is full") {
			t.Errorf("%v: %s", err, data)
		}
		os.Remove(log.path)
	}
}

// The layout of the keyboard is set from the file, once: by the name that is the
// same on every system, or as this one calls it.
func TestAnswersSetTheKeyboard(t *testing.T) {
	for keyboard, want := range map[string]string{"de": "layout de-latin1", "fr": "layout fr", "de-latin1": "layout de-latin1"} {
		f := office()
		f.tools = tools
		f.preset = &Preset{File: answers.File{Keyboard: keyboard}}
		sit(t, f, func(u *robot) {
			u.welcome()
			u.press("f5") // looking again does not set it again
			u.welcome()
			u.sees("What do you want to do?")
			if got := strings.Join(u.f.logins, ", "); got != want {
				t.Errorf("%s: %s", keyboard, got)
			}
		})
	}
}

// One that cannot be set is one note, and nothing asks about it.
func TestAnswersNameNoKeyboard(t *testing.T) {
	f := office()
	f.tools = tools
	f.preset = &Preset{File: answers.File{Keyboard: "gb"}}
	sit(t, f, func(u *robot) {
		u.welcome()
		u.sees("What do you want to do?", "The keyboard layout gb of the answers could not be set: L says why.")
		u.press("l")
		u.sees("cannot open file uk")
		u.press("esc", "enter")
		u.sees("Whose files?")
	})
}

// Whatever runs keeps a log: of a damaged store it names the files that are, of
// taking back what could not be.
func TestEveryRunKeepsALog(t *testing.T) {
	kept := func(u *robot, says ...string) {
		u.t.Helper()
		last := u.f.logs[len(u.f.logs)-1]
		for _, say := range says {
			if !last.closed || !strings.Contains(last.String(), say) {
				u.t.Errorf("the log does not say %q:\n%s", say, last.String())
			}
		}
	}
	damaged := withStores()
	damaged.verdict = &report.Verdict{Files: 9000, CatalogOK: true, Corrupt: []string{"File/C$/Users/anna/a.doc"}}
	sit(t, damaged, func(u *robot) {
		u.welcome()
		u.press("4", "enter")
		u.finish()
		u.sees("THE STORE IS DAMAGED", `C:\Users\anna\a.doc`, "Do not rely on this store.")
		kept(u, "USMTUTILS.EXE", "/verify:failureonly", `C:\Users\anna\a.doc: does not read back`, "Leaving with return code 42")
	})
	sit(t, withStores(), func(u *robot) {
		u.welcome()
		u.press("4", "f3", "enter", "enter", "enter", "t", "enter")
		u.engine(func(ctl *job.Control) {
			ctl.Problem(job.Problem{Kind: job.Unreadable, Path: `C:\Users\anna.keller\old.pst`, Text: "file exists"})
		})
		u.finish()
		u.sees("TAKEN OUT")
		kept(u, "LIFEBOAT.EXE Version", "lifeboat browse /media/backup/PC-0398_2026-11-20_0905 --take ", `C:\Users\anna.keller\budget.xlsx`, "old.pst: file exists", "Leaving with return code 0")
	})
	sit(t, withStores(), func(u *robot) {
		u.welcome()
		u.press("2", "enter", "enter", "enter", "right", "enter")
		u.finish()
		u.f.err = errors.New("read-only file system")
		u.press("right", "enter", "down", "enter")
		u.sees("NOT ALL TAKEN BACK")
		kept(u, "LIFEBOAT.EXE Version", "lifeboat undo /media/backup/", "removed", "read-only file system")
	})
}
