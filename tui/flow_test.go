package tui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/exp/teatest"

	"lifeboat/engine"
	"lifeboat/engine/job"
	"lifeboat/engine/report"
	"lifeboat/engine/usmt"
)

// Esc loses no answer: every choice is still there on the way forwards again.
func TestBackLosesNothing(t *testing.T) {
	sit(t, office(), func(u *robot) {
		u.welcome()
		u.press("enter", "down", "space", "enter")                // without m.ostrowski
		u.press("down", "space", "enter")                         // without documents
		u.press("enter")                                          // the big stick
		u.press("space", "tab")                                   // encrypted
		u.write("correct horse")                                  //
		u.press("tab")                                            //
		u.write("correct horse")                                  //
		u.press("enter")                                          // review
		u.press("esc", "esc", "esc", "esc", "esc", "esc")         // back to the welcome screen
		u.sees("What do you want to do?")                         //
		u.press("enter", "enter", "enter", "enter", "enter")      // and forwards again
		u.sees("Ready to save", "encrypted", "not chosen: m.ost") //
		u.press("enter")
		req := u.f.requests[0]
		if req.Password != "correct horse" || !req.Select.OmitUsers["S-1-5-21-1-1002"] || !req.Select.OmitComponents["Desktop and documents"] {
			t.Errorf("an answer was lost: %+v", req.Select)
		}
	})
}

// The digits of the review visit a screen and come back, by Enter and by Esc.
func TestReviewJumps(t *testing.T) {
	titles := []string{"3 of 8", "4 of 8", "5 of 8", "6 of 8", "7 of 8"}
	sit(t, office(), func(u *robot) {
		u.toReview()
		for i, title := range titles {
			for _, way := range []string{"esc", "enter"} {
				u.press(string(rune('1' + i)))
				u.sees(title)
				u.press(way)
				u.sees("Ready to save")
			}
		}
	})
}

// Space only chooses and Enter only goes on: over every screen of the walk,
// Space never leaves it.
func TestSpaceStays(t *testing.T) {
	sit(t, office(), func(u *robot) {
		u.welcome()
		for range 7 {
			before := u.r.current
			u.press("space", "space")
			if u.r.current != before || len(u.f.requests) > 0 {
				t.Fatalf("Space left screen %d", before)
			}
			if before == screenReview {
				return
			}
			u.press("enter")
		}
	})
}

// Ctrl+C asks, whichever screen it is pressed on, and No is first.
func TestInterruptAsks(t *testing.T) {
	sit(t, office(), func(u *robot) {
		u.welcome()
		u.press("ctrl+c")
		u.sees("> Back to the wizard")
		u.press("ctrl+c", "enter")
		u.sees("What do you want to do?")
		u.toSaving()
		u.press("ctrl+c")
		u.sees("> No, go on")
		if !u.r.s.run.ctl.Gate.Paused() {
			t.Error("saving is not paused while the question is open")
		}
		u.press("ctrl+c", "enter")
		if u.r.s.run.ctl.Gate.Paused() || u.r.s.run.stopping {
			t.Error("saving does not go on after No")
		}
		if u.r.leaving {
			t.Error("Ctrl+C left the wizard")
		}
	})
}

// Cancel keeps what was saved, and the next start offers to go on with it.
func TestCancelAndGoOn(t *testing.T) {
	sit(t, office(), func(u *robot) {
		u.toSaving()
		u.halfway()
		u.press("c", "down", "enter")
		u.sees("STOPPED, CAN BE CONTINUED", "return code 2")
		u.f.stores = []Store{{Path: u.f.requests[0].StorePath}}
		u.press("enter")
		u.welcome()
		u.press("3")
		u.sees("Ready to save", u.f.requests[0].StorePath)
		u.press("enter")
		if len(u.f.requests) != 2 || u.f.requests[1].StorePath != u.f.requests[0].StorePath {
			t.Errorf("the second save went to %v", u.f.requests)
		}
	})
}

// While counting, Enter on the review arms the start; it then starts by itself.
func TestArmedStart(t *testing.T) {
	sit(t, office(), func(u *robot) {
		u.f.hold.plan = make(chan struct{})
		u.welcome()
		u.r.s.forgetWindows()
		u.run(u.r.s.settleWindows())
		u.wait(tickEvery)
		u.press("enter", "enter", "enter", "enter", "enter", "enter")
		if len(u.f.requests) != 0 {
			t.Fatal("it started before counting was done")
		}
		u.press("esc")
		u.sees("> Start saving")
		u.press("enter")
		close(u.f.hold.plan)
		u.settle()
		if len(u.f.requests) != 1 || u.f.requests[0].Plan == nil {
			t.Fatalf("it did not start by itself: %v", u.f.requests)
		}
	})
}

// A group that was misheard is mended by going back to it; everything typed
// after it stays. What was typed is overwritten when it has served.
func TestUnlock(t *testing.T) {
	sit(t, locked(), func(u *robot) {
		u.welcome()
		u.press("enter")
		u.write(strings.Replace(goodPassword, "384714", "384741", 1))
		u.sees("CHECK", "48 of 48 digits. 1 group to check.")
		u.press("enter") // leads to it
		u.sees("Group 3 cannot be right")
		u.write("384714")
		if p := u.r.screens[screenUnlock].(*unlockScreen).password(); p.bad() >= 0 || string(p.bytes()) != goodPassword {
			t.Fatalf("after mending: %s", u.frame())
		}
		u.press("home", "backspace", "9", "esc", "enter") // Esc loses nothing
		u.sees("All eight groups can be right")
		u.press("enter")
		u.sees("Step 4 of 8  Users")
		for _, secret := range u.f.secrets {
			if bytes.ContainsAny(secret, "123456789") {
				t.Errorf("the engine's copy was not overwritten: %s", secret)
			}
		}
		if sc := u.r.screens[screenUnlock].(*unlockScreen); bytes.ContainsAny(sc.typing["/dev/sda#3"].groups[0][:], "123456789") {
			t.Error("what was typed was not overwritten")
		}
	})
}

// Another password is typed over one that did not open the volume.
func TestUnlockAgain(t *testing.T) {
	f := locked()
	right := goodPassword[7:] + "-" + goodPassword[:6]
	f.opens = map[string]string{"/dev/sda#3": right}
	sit(t, f, func(u *robot) {
		u.welcome()
		u.press("enter")
		u.write(goodPassword)
		u.press("enter")
		u.sees("does not open this volume")
		u.write(right)
		u.press("enter")
		u.sees("Step 4 of 8  Users")
	})
}

// A pasted password needs no separators, and survives those it has.
func TestUnlockPaste(t *testing.T) {
	for _, text := range []string{
		goodPassword, strings.ReplaceAll(goodPassword, "-", ""), " " + strings.ReplaceAll(goodPassword, "-", " - ") + " ",
		"\r\n" + goodPassword[:28] + "\r\n" + goodPassword[28:] + "\r\n", strings.ReplaceAll(goodPassword, "-", "-\n"),
	} {
		sit(t, locked(), func(u *robot) {
			u.welcome()
			u.press("enter")
			for _, e := range keyEvents(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text), Paste: true}) {
				u.run(u.r.press(e))
			}
			u.settle()
			u.inspect()
			u.sees("All eight groups can be right")
		})
	}
}

// The attempt can be given up, the volume left, and the wizard left: no secret
// stays behind, and none is ever drawn when hidden.
func TestUnlockSecrets(t *testing.T) {
	sit(t, locked(), func(u *robot) {
		u.f.hold.unlock = make(chan struct{})
		u.welcome()
		u.press("enter", "f2")
		for _, r := range goodPassword {
			u.press(string(r))
			if strings.Contains(u.frame(), "529309") || strings.Contains(u.frame(), "384714") {
				t.Fatalf("a hidden digit is drawn:\n%s", u.frame())
			}
		}
		u.press("enter")
		u.sees("Trying to open")
		u.press("1", "enter", "esc")
		u.sees("All eight groups can be right")
		sc := u.r.screens[screenUnlock].(*unlockScreen)
		kept := sc.password()
		u.press("ctrl+c", "down", "down", "enter")
		if !u.r.leaving || *kept != (recoveryPassword{}) {
			t.Error("the digits stay behind")
		}
	})
	sit(t, locked(), func(u *robot) {
		u.welcome()
		u.press("enter", "p")
		d := u.r.top().(*passDialog)
		u.write("hunter2")
		u.press("enter")
		if strings.Contains(string(d.pass.text[:cap(d.pass.text)]), "h") || bytes.ContainsAny(u.f.secrets[0], "hunter2") {
			t.Error("the password stays behind")
		}
		u.press("n")
		u.sees("No Windows was found")
	})
}

// Every slip of one digit in a recovery password shows at once.
func TestUnlockSlips(t *testing.T) {
	for i := range goodPassword {
		for d := byte('0'); d <= '9'; d++ {
			if goodPassword[i] == '-' || goodPassword[i] == d {
				continue
			}
			var p recoveryPassword
			for _, c := range []byte(goodPassword[:i] + string(d) + goodPassword[i+1:]) {
				if c != '-' {
					p.digit(c)
				}
			}
			if _, check := p.count(); check != 1 || p.bad() != i/7 {
				t.Fatalf("%c at %d: group %d", d, i, p.bad())
			}
		}
	}
}

// Putting back writes nothing before the summary was said yes to, and No is
// first; it can be taken back afterwards.
func TestPutBack(t *testing.T) {
	sit(t, withStores(), func(u *robot) {
		written := func() int {
			n := 0
			for _, r := range u.f.restores {
				if !r.DryRun {
					n++
				}
			}
			return n
		}
		u.welcome()
		u.press("2", "enter", "down", "space") // j.doe stays away
		u.press("up", "t")
		u.write("chef")
		u.press("enter", "enter")
		u.sees("What should be put back?", "2 users")
		u.press("end", "space") // no settings of Windows
		u.press("enter")
		u.sees("This writes to the disk of this computer", "CORP\\anna.keller (exists, merge)", "2 of 3 kinds", "> No, go back")
		u.press("enter") // No
		u.sees("What should be put back?")
		u.press("esc")
		u.sees("Who is who?")
		u.press("enter", "enter", "1", "enter", "3", "esc", "4", "esc")
		u.sees("This writes")
		if written() > 0 {
			t.Fatal("it wrote before anybody said yes")
		}
		u.press("right", "enter")
		u.sees("is being written")
		req := u.f.restores[len(u.f.restores)-1]
		if written() != 1 || !req.Select.OmitUsers["S-1-5-21-7-1002"] || req.Select.OmitUsers["S-1-5-21-7-1001"] || !req.Select.OmitComponents["Windows settings"] || req.MoveUsers[0].To != "chef" || req.Path != u.f.stores[0].Path || !req.CreateAccounts {
			t.Errorf("the request is %+v", req)
		}
		u.finish()
		u.sees("PUT BACK", "Take it back")
		u.press("right", "enter")
		u.sees("> No, leave it")
		u.press("enter", "enter", "down", "enter")
		u.sees("TAKEN BACK")
		if len(u.f.undone) != 1 {
			t.Errorf("taken back: %v", u.f.undone)
		}
	})
}

// Looking into a store: down, up again with the cursor where it was, and a file
// taken out.
func TestBrowse(t *testing.T) {
	sit(t, withStores(), func(u *robot) {
		u.welcome()
		u.press("4", "f3", "enter", "enter", "down")
		u.sees(`> Public\`)
		u.press("enter")
		u.sees("Nothing is in this folder")
		u.press("u")
		u.sees(`> Public\`)
		u.press("up", "enter", "enter")
		u.sees("A file. T takes it out")
		u.press("t", "enter")
		u.finish()
		u.sees("TAKEN OUT")
		if !slices.Equal(u.f.taken, []string{"File/C$/Users/anna.keller/budget.xlsx to /media/backup/FROM_PC-0398"}) {
			t.Errorf("taken out: %v", u.f.taken)
		}
		u.press("esc")
		u.welcome()
		u.press("4", "f3", "esc")
		u.sees("Which store should be checked?")
	})
}

// The list of destinations follows what is plugged in, and the cursor stays
// with its drive.
func TestPlugging(t *testing.T) {
	machine := office()
	all := machine.volumes
	machine.volumes = all[:1]
	sit(t, machine, func(u *robot) {
		u.welcome()
		u.press("enter", "enter", "enter")
		u.sees("Plug in a USB drive")
		u.f.volumes = all[:2]
		u.wait(lookEvery + tickEvery)
		u.sees("KINGSTON", "SMALL")
		u.press("end")
		u.f.volumes = all
		u.wait(lookEvery + tickEvery)
		if rows, _ := u.r.screens[screenDestination].(*destinationScreen).rows(u.r.s); rows[0].Mount != "/media/backup" {
			t.Errorf("the best drive is %s", rows[0].Mount)
		}
		u.sees("> /media/kingston")
	})
}

// A dialog that comes by itself is deaf at first, and the drive coming back
// answers it.
func TestQuestions(t *testing.T) {
	gone := job.Question{Topic: job.MediumGoneQ, Path: "/media/backup", Text: "it was unplugged", Answers: []job.Answer{job.Retry, job.Stop}}
	answers := make(map[string]job.Answer)
	ask := func(u *robot, name string, q job.Question) {
		u.f.work <- func(ctx context.Context, ctl *job.Control) {
			answers[name], _ = ctl.Ask(ctx, q)
		}
		u.settle()
	}
	sit(t, office(), func(u *robot) {
		u.toSaving()
		ask(u, "deaf", gone)
		u.press("enter", "down", "enter")
		if _, ok := answers["deaf"]; ok {
			t.Fatal("the dialog took a key that was on its way")
		}
		u.wait(deafFor)
		u.press("down", "enter")
		if answers["deaf"] != job.Stop {
			t.Errorf("the answer is %q", answers["deaf"])
		}
		ask(u, "back", gone)
		u.sees("The drive is gone")
		u.r.s.run.ctl.Events.Put(job.Event{Kind: job.MediumBack})
		u.settle()
		if answers["back"] != job.Retry || len(u.r.overlays) != 0 {
			t.Errorf("after plugging in the answer is %q", answers["back"])
		}
	})
}

// What cannot be read never stops a save, unless it was asked to; and a question
// about one object can be the last of its kind.
func TestUnreadableIsPassedOver(t *testing.T) {
	one := job.Question{Topic: job.UnreadableFile, Path: `C:\Users\anna\a.txt`, Text: "bad sector", Answers: []job.Answer{job.Skip, job.Retry, job.Stop}}
	sit(t, office(), func(u *robot) {
		u.toSaving()
		u.halfway()
		if answer := u.answered(one); *answer != job.Skip || len(u.r.overlays) != 0 {
			t.Errorf("the save waits: %q\n%s", *answer, u.frame())
		}
		u.finish()
	})
	sit(t, office(), func(u *robot) {
		u.toOptions()
		u.press("down", "down", "space")
		u.sees("( ) go on, and list them   (o) ask each time")
		u.press("enter")
		u.sees("asks about each")
		u.press("enter")
		u.halfway()
		answer := u.answered(one)
		u.sees("This file cannot be read", "> Go on without it", "others like it", "Try again")
		if *answer != "" {
			t.Fatalf("answered %q by itself", *answer)
		}
		u.wait(deafFor)
		u.press("enter")
		if *answer != job.Skip {
			t.Errorf("the answer is %q", *answer)
		}
		answer = u.answered(one)
		u.wait(deafFor)
		u.press("down", "enter")
		if again := u.answered(one); *answer != job.Skip || *again != job.Skip || len(u.r.overlays) != 0 {
			t.Errorf("it asks on: %q, %q", *answer, *again)
		}
		if full := u.answered(full); *full != "" { // that is another question
			t.Errorf("a full drive is passed over: %q", *full)
		}
		u.sees("The drive is full")
	})
}

// What was chosen for the end is done when all is well, and only then.
func TestWhenAllIsSaved(t *testing.T) {
	for files, leaves := range map[string]bool{"saved": true, "missing": false} {
		f := office()
		if files == "missing" {
			f.report = missing()
		}
		sit(t, f, func(u *robot) {
			u.toOptions()
			u.press("up", "up", "space", "space") // from Encrypt over the name to the last
			u.sees("( ) stay here   ( ) restart   (o) shut down")
			u.press("enter")
			u.sees("then shuts down")
			u.press("f7", "enter")
			if file := u.f.written["/media/backup/PC-0412_2026-11-23_1412.yaml"]; !strings.Contains(file, "afterwards: shut down") {
				t.Errorf("kept are %s", file)
			}
			u.finish()
			if u.r.leaving != leaves || leaves && u.r.s.ending != PowerOff {
				t.Errorf("%s: leaving %v, ending %v", files, u.r.leaving, u.r.s.ending)
			}
		})
	}
}

// A name list that is cut off says how long it is.
func TestManyPeopleAreCounted(t *testing.T) {
	f := office()
	inst := f.detection.Installations[0]
	for i := range 40 {
		id := fmt.Sprintf("S-1-5-21-9-%d", i)
		inst.Users = append(inst.Users, user(id, "pupil"+id[len(id)-2:], "SCHOOL", `C:\Users\`+id, date("2026-11-01 10:00")))
	}
	sit(t, f, func(u *robot) {
		u.toReview()
		u.sees("Users         44 users: anna.keller, m.ostrowski", "not chosen: localadmin")
	})
}

// The upper bar goes on through all phases in their order, and is full at the end only.
func TestOverall(t *testing.T) {
	sit(t, office(), func(u *robot) {
		u.toSaving()
		for _, at := range []struct {
			percent string
			step    func(ctl *job.Control)
		}{
			{"0 %", func(ctl *job.Control) { ctl.Phase(job.Saving, 40*gib, 40) }},
			{"25 %", func(ctl *job.Control) { ctl.Progress.AddBytes(20*gib, ctl.Clock()) }},
			{"50 %", func(ctl *job.Control) { ctl.Progress.AddBytes(20*gib, ctl.Clock()) }},
			{"50 %", func(ctl *job.Control) { ctl.Phase(job.Finishing, 0, 0) }},
			{"50 %", func(ctl *job.Control) { ctl.Phase(job.Verifying, 40*gib, 40) }},
			{"75 %", func(ctl *job.Control) { ctl.Progress.AddBytes(20*gib, ctl.Clock()) }},
			{"100 %", func(ctl *job.Control) { ctl.Progress.AddBytes(20*gib, ctl.Clock()) }},
		} {
			u.engine(at.step)
			u.sees(" " + at.percent)
			if strings.Contains(u.frame(), "next  Save") || strings.Contains(u.frame(), "Look") {
				t.Errorf("a phase is behind the one after it:\n%s", u.frame())
			}
		}
		u.finish()
	})
}

// Nobody in the wizard typed a command: no advice is about one.
func TestRemediesAreForTheWizard(t *testing.T) {
	for _, code := range usmt.Codes() {
		_, remedy := words(usmt.Fail(code, nil, "x"))
		for _, word := range []string{" /", "usmtutils", "command"} {
			if strings.Contains(remedy, word) && code.Class() != usmt.CommandLine && code.Class() != usmt.OK {
				t.Errorf("%d: %s", code, remedy)
			}
		}
	}
}

// A panic anywhere ends in the crash screen, and the wizard can start again.
func TestPanic(t *testing.T) {
	for _, where := range []string{"draw", "key", "command"} {
		t.Run(where, func(t *testing.T) {
			sit(t, office(), func(u *robot) {
				u.welcome()
				s := u.r.s
				switch where {
				case "draw":
					u.press("enter")
					s.inst = nil // the users screen draws it
				case "key":
					u.press("enter", "enter", "enter")
					u.r.screens[screenDestination].(*destinationScreen).folder = nil
					s.checks = nil
				case "command":
					s.backend = nil
				}
				switch where {
				case "draw":
					u.r.frame()
				case "key":
					u.press("enter")
				case "command":
					u.wait(lookEvery + tickEvery)
				}
				u.sees("Something went wrong", "> Start the wizard again")
				u.wait(time.Second)
				s.backend = u.f
				u.press("enter")
				u.welcome()
				u.sees("What do you want to do?")
			})
		})
	}
}

// The windows people have: every size draws within itself.
func TestSizes(t *testing.T) {
	sit(t, office(), func(u *robot) {
		u.toReview()
		for _, size := range [][2]int{{80, 25}, {78, 24}, {79, 24}, {100, 30}, {120, 40}, {250, 100}} {
			u.r.resize(size[0], size[1])
			u.inspect()
			if u.r.w > size[0] || u.r.h > size[1] {
				t.Errorf("a frame of %dx%d in a window of %v", u.r.w, u.r.h, size)
			}
		}
		for _, size := range [][2]int{{77, 24}, {78, 23}, {60, 20}, {10, 3}, {1, 1}, {0, 0}} {
			u.r.resize(size[0], size[1])
			lines := strings.Split(u.r.frame(), "\n")
			if len(lines) > max(size[1], 1) || slices.ContainsFunc(lines, func(l string) bool { return width(l) > max(size[0], 1) }) {
				t.Errorf("%v: %q", size, lines)
			}
		}
		u.r.resize(60, 20)
		u.sees("60 x 20", "78 x 24")
		u.r.resize(120, 40)
		u.golden("review-120x40")
	})
}

// Names that attack the screen, on every screen.
func TestHostileNames(t *testing.T) {
	sit(t, hostile(), func(u *robot) {
		see := func(keys ...string) { // inspects after each key
			u.press(keys...)
			for range 12 {
				u.press("down")
			}
			u.press("f1", "esc")
			for _, size := range [][2]int{{80, 25}, {120, 40}} {
				u.r.resize(size[0], size[1])
				u.inspect()
			}
			u.r.resize(80, 25)
			u.press("home")
		}
		u.welcome()
		see()
		see("enter")
		see("esc", "enter", "enter")
		u.press("enter")
		see()
		u.press("enter")
		u.press("enter")
		see("f8", "esc")
		for range 3 {
			u.press("enter")
		}
		if len(u.f.requests) == 0 {
			t.Fatalf("not saving:\n%s", u.frame())
		}
		u.engine(func(ctl *job.Control) {
			ctl.Phase(job.Saving, 1<<62, 1<<62)
			for _, p := range u.f.report.Problems {
				ctl.Problem(p)
				ctl.Progress.SetCurrent(p.Path)
			}
			ctl.Events.Put(job.Event{Kind: job.MediumGone, Text: u.f.report.WipeReasons[0]})
		})
		see("e")
		u.press("esc")
		u.ask(job.Question{Topic: "x\x1b[2J", Path: u.f.report.Problems[4].Path, Text: u.f.report.WipeReasons[1], Answers: []job.Answer{"\x1b[31m", job.Stop}})
		u.press("down", "enter")
		u.finish()
		u.sees("FILES MISSING")
		see("e", "esc")
		u.press("esc")
		u.welcome()
		see("4")
		see("down", "down", "f3") // a store that is complete and open
		u.sees("In the store")
		see("t")
		u.press("esc", "esc", "esc")
		see("2")
		see("down", "down", "enter")
		u.sees("Who is who?")
		u.press("enter")
		see()
		see("t", "esc", "enter")
		u.sees("What should be put back?")
		see("enter")
		u.press("right", "enter")
		u.engine(func(ctl *job.Control) { ctl.Phase(job.Applying, 1<<62, 1<<62) })
		u.finish()
		see("esc")
		u.welcome()
		u.run(u.r.follow(step{move: goTo, to: screenUnlock}))
		see()
		see("tab", "k", "esc")
		u.write("123456")
		u.press("n")
	})
}

// FuzzKeys presses keys at random while the engine does things at random.
// Goroutines make coverage vary, so fuzz with -fuzzminimizetime 1x.
func FuzzKeys(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x00"), uint64(1))
	f.Add([]byte("abcdefghijklmnopqrstuvwxyz0123456789"), uint64(2))
	rng := rand.New(rand.NewPCG(7, 99))
	for i := range 60 {
		data := make([]byte, 300)
		for j := range data {
			data[j] = byte(rng.Uint32())
		}
		f.Add(data, uint64(i))
	}
	keys := []string{
		"enter", "enter", "enter", "enter", "esc", "space", "up", "down", "left", "right", "pgup", "pgdown", "home", "end", "tab",
		"shift+tab", "backspace", "delete", "f1", "f2", "f3", "f4", "f5", "f8", "f9", "f10", "ctrl+c", "ctrl+k", "ctrl+l", "ctrl+p", "ctrl+q", "ctrl+r", "ctrl+t",
		"1", "2", "3", "4", "5", "a", "b", "c", "d", "e", "f", "k", "l", "m", "n", "o", "p", "r", "s", "t", "u", "/", "?", "ü", "日",
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		if len(data) > 400 {
			data = data[:400]
		}
		synctest.Test(t, func(t *testing.T) {
			machine := office()
			if seed%3 == 1 {
				machine = hostile()
			}
			if seed%5 == 2 {
				machine = many()
			}
			if seed%7 == 3 {
				machine = locked()
				machine.locked = append(machine.locked, engine.Locked{Where: "\x1b[2J", Removable: true})
			}
			if seed%4 == 1 {
				machine.tools = tools
				machine.teamKeys, machine.identities = withTeamStick().teamKeys, teamStore(true).identities
				machine.stores = teamStore(seed%8 == 1).stores
			}
			if seed%2 == 0 {
				machine.stores = withStores().stores
			}
			u := newRobot(t, machine)
			defer u.getUp()
			for _, b := range data {
				reviewed := u.r.current == screenReview
				before := len(machine.requests)
				agreed := u.r.current == screenPutReview
				restores := len(machine.restores)
				switch {
				case int(b) < len(keys):
					u.press(keys[b])
				case b < 100:
					u.wait(tickEvery)
				case b < 110 && u.r.s.run != nil && !u.r.s.run.ended:
					ctl := u.r.s.run.ctl
					ctl.Phase(job.Phase(b%8), int64(b)*1000, 10)
					ctl.Progress.AddBytes(int64(b)*100, ctl.Clock())
					ctl.Problem(problems[int(b)%len(problems)])
					u.settle()
				case b < 115:
					u.r.resize(int(b)-40, int(b)-85)
				case b < 120:
					u.r.resize(80, 25)
				case b < 125:
					machine.volumes = machine.volumes[:max(len(machine.volumes)-1, 0)]
				case b < 128 && u.r.s.run != nil && !u.r.s.run.ended:
					select {
					case machine.work <- nil:
					default:
					}
					u.settle()
				default:
					u.press(keys[int(b)%len(keys)])
				}
				u.inspect()
				if u.r.crash != nil {
					t.Fatalf("panic: %s\n%s", u.r.crash.what, u.r.crash.stack)
				}
				if len(machine.requests) > before && !reviewed {
					t.Fatal("the engine was started without the review")
				}
				for _, req := range machine.restores[restores:] {
					if !req.DryRun && !agreed {
						t.Fatal("it writes to the computer without a yes")
					}
				}
				if u.r.leaving {
					return
				}
			}
			u.wait(time.Second)
			if run := u.r.s.run; run != nil && !run.ended { // a save is not left with Esc
				run.stop()
				u.settle()
			}
			for range 30 {
				u.press("esc")
				u.wait(2 * startAtLeast)
			}
			if u.r.current != screenWelcome && u.r.current != screenNoWindows || len(u.r.overlays) > 0 {
				t.Fatalf("Esc does not lead to the welcome screen but to:\n%s", u.frame())
			}
		})
	})
}

// The real program loop, with a pipe for a console.
func TestProgram(t *testing.T) {
	machine := office()
	machine.work = make(chan func(context.Context, *job.Control))
	clock := func() time.Time { return date("2026-11-23 14:12").Add(time.Since(started)) }
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	a := newApp(ctx, Options{Backend: machine, Clock: clock})
	tm := teatest.NewTestModel(t, a, teatest.WithInitialTermSize(80, 25))
	waitFor := func(text string) {
		t.Helper()
		teatest.WaitFor(t, tm.Output(), func(b []byte) bool { return bytes.Contains(b, []byte(text)) }, teatest.WithDuration(patience))
	}
	waitFor("What do you want to do?")
	tm.Send(tea.WindowSizeMsg{Width: 60, Height: 20})
	waitFor("60 x 20")
	tm.Send(tea.WindowSizeMsg{Width: 100, Height: 30})
	waitFor("What do you want to do?")
	for _, next := range []string{"Step 4 of 8", "Step 5 of 8", "Step 6 of 8", "Step 7 of 8", "Step 8 of 8"} {
		tm.Send(tea.KeyMsg{Type: tea.KeyEnter})
		waitFor(next)
	}
	tm.Send(tea.KeyMsg{Type: tea.KeyEnter})
	waitFor("Saving to")
	machine.work <- nil // the save ends
	waitFor("SAFE TO WIPE")
	tm.Send(os.Interrupt)
	waitFor("Leave the wizard")
	tm.Send(tea.KeyMsg{Type: tea.KeyDown})
	tm.Send(tea.KeyMsg{Type: tea.KeyEnter}) // a command prompt, which ends at once
	tm.Send(tea.KeyMsg{Type: tea.KeyDown})
	tm.Send(tea.KeyMsg{Type: tea.KeyEnter})
	final := tm.FinalModel(t, teatest.WithFinalTimeout(patience)).(*app)
	out := final.outcome()
	if out.Report == nil || out.Report.Outcome != report.Saved || out.Ending != ToPrompt {
		t.Errorf("the outcome is %+v", out)
	}
}

// An error of the wizard's own leaves the terminal as it was, and the details in
// a file beside the logs.
func TestCrashRestoresTheTerminal(t *testing.T) {
	logs := filepath.Join(t.TempDir(), "logs")
	clock := func() time.Time { return date("2026-11-23 14:12").Add(time.Since(started)) }
	machine := &writesCrashes{office(), &Live{Engine: &engine.Engine{Clock: clock, Version: "1.2.3"}, Logs: logs}}
	a := newApp(t.Context(), Options{Backend: machine, Clock: clock})
	a.router.screens[screenUsers] = panicking{a.router.screens[screenUsers]}
	in, keyboard := io.Pipe()
	defer keyboard.Close()
	out := &transcript{}
	p := tea.NewProgram(a, tea.WithAltScreen(), tea.WithoutSignalHandler(), tea.WithInput(in), tea.WithOutput(out))
	ended := make(chan error, 1)
	go func() {
		_, err := p.Run()
		ended <- err
	}()
	await := func(text string) {
		t.Helper()
		for deadline := time.Now().Add(patience); !strings.Contains(out.String(), text); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("it never said %q:\n%q", text, out.String())
			}
		}
	}
	p.Send(tea.WindowSizeMsg{Width: 80, Height: 25})
	await("What do you want to do?")
	keyboard.Write([]byte("\r"))
	await("Something went wrong")
	await("lifeboat-crash-")
	keyboard.Write([]byte("\x1b[B"))
	await("> Command prompt")
	keyboard.Write([]byte("\r"))
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	if on, off := strings.LastIndex(out.String(), "\x1b[?1049h"), strings.LastIndex(out.String(), "\x1b[?1049l"); on < 0 || off < on {
		t.Errorf("the screen of before is not back: %d, %d", on, off)
	}
	files, err := filepath.Glob(filepath.Join(logs, "lifeboat-crash-*.txt"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || !bytes.Contains(text, []byte("Lifeboat 1.2.3")) || !bytes.Contains(text, []byte("forced")) || !bytes.Contains(text, []byte("flow_test.go")) {
		t.Errorf("%v\n%s", err, text)
	}
}

// writesCrashes is a machine that keeps the details of errors in real files.
type writesCrashes struct {
	*fake
	live *Live
}

func (w *writesCrashes) WriteCrash(text string) (string, error) { return w.live.WriteCrash(text) }

// panicking is a screen that cannot be drawn.
type panicking struct{ screen }

func (panicking) body(*session, int, int) []string { panic("forced") }

var started = time.Now()

// Keys as consoles send them.
func TestKeys(t *testing.T) {
	for _, c := range []struct {
		msg  tea.KeyMsg
		want []keyEvent
	}{
		{tea.KeyMsg{Type: tea.KeyEnter}, []keyEvent{{key: keyEnter}}},
		{tea.KeyMsg{Type: tea.KeySpace, Runes: []rune{' '}}, []keyEvent{{keySpace, " "}}},
		{tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("A1")}, []keyEvent{{"a", "A"}, {"1", "1"}}}, // typed fast
		{tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("ab\ncd"), Paste: true}, []keyEvent{{text: "ab\ncd"}}},
		{tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{'x'}, Alt: true}, nil},
		{tea.KeyMsg{Type: tea.KeyF12}, nil},
	} {
		if got := keyEvents(c.msg); !slices.Equal(got, c.want) {
			t.Errorf("%v gives %v, want %v", c.msg, got, c.want)
		}
	}
	for _, c := range []struct{ in, want tea.Msg }{
		{tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{0}}, nil},
		{tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{'@'}, Alt: true}, "@"}, // AltGr
		{tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{'x'}, Alt: true}, "alt+x"},
		{tea.KeyMsg{Type: tea.KeyUp}, "up"},
	} {
		got := fixKey(c.in.(tea.KeyMsg))
		if k, ok := got.(tea.KeyMsg); ok && k.String() != c.want || !ok && got != c.want {
			t.Errorf("%v is repaired to %v, want %v", c.in, got, c.want)
		}
	}
}

// What is typed into a field stays in it.
func TestField(t *testing.T) {
	f := newField("", 5)
	for _, e := range []keyEvent{{"a", "a"}, {"b", "b"}, {key: keyLeft}, {"日", "日"}, {key: keyHome}, {key: keyDelete}, {key: keyEnd}, {text: "x\nsecond line"}, {text: "yzw"}, {key: keyBackspace}} {
		if !f.typed(e) {
			t.Errorf("the field does not take %v", e)
		}
	}
	if f.value() != "日bxy" {
		t.Errorf("the field holds %q", f.value())
	}
	if f.typed(keyEvent{key: keyEnter}) || f.typed(keyEvent{key: keyTab}) {
		t.Error("the field takes Enter or Tab")
	}
}

// Where the locale says that the console has no box drawing, letters do.
func TestLettersOnly(t *testing.T) {
	for locale, want := range map[string]bool{"": false, "C": true, "de_DE.ISO-8859-1": true, "de_DE.UTF-8": false, "C.utf8": false} {
		t.Setenv("LC_ALL", locale)
		t.Setenv("LC_CTYPE", "")
		t.Setenv("LANG", "")
		if got := lettersOnly(); runtime.GOOS != "windows" && got != want {
			t.Errorf("%q: %v", locale, got)
		}
	}
}

// A note about what is over leaves the line to the screen after a moment.
func TestUnlockedNotePasses(t *testing.T) {
	sit(t, locked(), func(u *robot) {
		u.welcome()
		u.press("enter")
		u.write(strings.ReplaceAll(goodPassword, "-", ""))
		u.press("enter")
		u.settle()
		u.sees("Whose files?", "It is open.")
		u.wait(noteFor + tickEvery)
		if strings.Contains(u.frame(), "It is open.") {
			t.Errorf("it still says so:\n%s", u.frame())
		}
	})
}
