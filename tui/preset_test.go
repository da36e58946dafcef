package tui

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/answers"
	"lifeboat/engine/job"
	"lifeboat/engine/teamkey"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
)

// answered is the office with answers to everything.
func answered() *fake {
	f := office()
	f.preset = &Preset{At: "/media/photos/lifeboat.yaml", File: answers.File{
		Windows: "pc-0412", Users: []string{"anna.keller", `corp\m.ostrowski`, "System"},
		What: answers.Everything, Destination: "BACKUP_01", Name: "ticket-7_{computer}", Protection: answers.None,
	}}
	return f
}

// What the file answers is not asked; Esc leads back to every answer, and there
// it can be changed.
func TestAnswersLeadToTheReview(t *testing.T) {
	f := answered()
	sit(t, f, func(u *robot) {
		u.welcome()
		u.sees("Step 8 of 8", "anna.keller, m.ostrowski, Shared", "/media/backup/ticket-7_PC-0412", "not chosen: localadmin")
		u.glyphs()
		u.golden("review-answered")
		for _, title := range []string{"Step 7 of 8", "Step 6 of 8", "Step 5 of 8", "Step 4 of 8", "Step 3 of 8", "Step 1 of 8"} {
			u.press("esc")
			u.sees(title)
		}
		u.press("1", "end", "up", "space")
		for range 4 {
			u.press("enter")
		}
		u.sees("Step 8 of 8", "S-1-5-2..8-30300820-1107")
		u.press("enter")
		u.finish()
		u.sees("SAFE TO WIPE?")
	})
	if len(f.requests) != 1 || f.requests[0].StorePath != "/media/backup/ticket-7_PC-0412" || !f.requests[0].Select.OmitUsers["S-1-5-21-1-500"] {
		t.Errorf("the requests are %+v", f.requests)
	}
}

// The walk opens on the first question that is open.
func TestAnswersLeaveAQuestion(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(f *fake)
		sees []string
	}{
		{"users", func(f *fake) { f.preset.Users = nil }, []string{"Step 4 of 8"}},
		{"user is not there", func(f *fake) { f.preset.Users = []string{"nobody"} }, []string{"Step 4 of 8", "name nobody, who is not on this Windows"}},
		{"user is two", func(f *fake) {
			inst := f.detection.Installations[0]
			inst.Users = append(inst.Users, user("S-1-5-21-9-1001", "anna.keller", "OTHER", `C:\Users\anna`, date("2026-11-22 17:40")))
		}, []string{"Step 4 of 8", "more than one is called so"}},
		{"what", func(f *fake) { f.preset.What = "" }, []string{"Step 5 of 8"}},
		{"kind is not there", func(f *fake) { f.preset.LeaveOut = []string{"Games"} }, []string{"Step 5 of 8", "leave out Games"}},
		{"destination", func(f *fake) { f.preset.Destination = "" }, []string{"Step 6 of 8"}},
		{"drive is not there", func(f *fake) { f.preset.Destination = "STICK" }, []string{"Step 6 of 8", "name STICK, which is not plugged in"}},
		{"drive is refused", func(f *fake) {
			f.checks = map[string]Check{"/media/backup": {State: Refused, Text: "it is on fire"}}
		}, []string{"Step 6 of 8", "It is on fire."}},
		{"drives are two", func(f *fake) { f.preset.Destination = answers.Removable }, []string{"Step 6 of 8", "means more than one drive"}},
		{"protection", func(f *fake) { f.preset.Protection = "" }, []string{"Step 7 of 8"}},
		{"passphrase", func(f *fake) { f.preset.Protection = answers.Passphrase }, []string{"Step 7 of 8"}},
		{"windows is another", func(f *fake) { f.preset.Windows = "PC-9" }, []string{"Step 3 of 8", "name PC-9, which is not here"}},
		{"only settings", func(f *fake) { f.preset.Windows, f.preset.Users = "", nil }, []string{"Step 1 of 8", "What do you want to do?"}},
		{"interrupted", func(f *fake) {
			f.stores = []Store{{Path: "/media/backup/PC-0412_2026-11-22_1000", Saved: date("2026-11-22 10:00")}}
		}, []string{"Step 1 of 8", "> 3  Go on with the interrupted save of PC-0412"}},
		{"volume is locked, its Windows is not meant", func(f *fake) { f.locked = locked().locked }, []string{"Step 8 of 8"}},
		{"stick", func(f *fake) { f.preset.Destination = answers.OnStick }, []string{"Step 8 of 8", "/media/photos/ticket-7_PC-0412"}},
		{"folder", func(f *fake) { f.preset.Destination = "/srv/stores" }, []string{"Step 8 of 8", "/srv/stores/ticket-7_PC-0412"}},
		{"serial", func(f *fake) { f.preset.Destination = "AA0104E21" }, []string{"Step 8 of 8", "BACKUP_01"}},
		{"share", func(f *fake) {
			f.preset.Destination, f.preset.Share = answers.OnShare, answers.Share{Path: `\\nas\rescue`, User: `CORP\ann`}
			f.preset.SharePassword = "hunter2"
		}, []string{"Step 8 of 8", "/run/lifeboat/nas-rescue/ticket-7_PC-0412"}},
		{"share refuses", func(f *fake) {
			f.preset.Destination, f.preset.Share = answers.OnShare, answers.Share{Path: `\\nas\rescue`, User: `CORP\ann`}
		}, []string{"Step 6 of 8", "the server does not take this name and password"}},
		{"no share", func(f *fake) {
			f.preset.Destination, f.preset.Share = answers.OnShare, answers.Share{Path: `rescue`}
		}, []string{"Step 6 of 8", "."}},
		{"team key", func(f *fake) {
			f.preset.Protection, f.preset.Recipients = "", []string{teamKey}
			f.preset.Team = someTeam(t)
		}, []string{"Step 8 of 8", "locked"}},
		{"everybody", func(f *fake) { f.preset.Users = []string{answers.AllUsers} }, []string{"Step 8 of 8", "localadmin"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := answered()
			test.edit(f)
			sit(t, f, func(u *robot) {
				u.welcome()
				u.sees(test.sees...)
				u.message()
			})
		})
	}
}

func someTeam(t *testing.T) []engine.Recipient {
	team, err := teamkey.ParseRecipients(teamKey)
	if err != nil {
		t.Fatal(err)
	}
	return team
}

// A passphrase or a team key of the file survives going back and forth.
func TestAnswersKeepTheProtection(t *testing.T) {
	for _, set := range []func(f *fake){
		func(f *fake) { f.preset.Protection, f.preset.Passphrase = "", "correct horse" },
		func(f *fake) {
			f.preset.Protection, f.preset.Recipients, f.preset.Team = "", []string{teamKey}, someTeam(t)
		},
	} {
		f := answered()
		set(f)
		sit(t, f, func(u *robot) {
			u.welcome()
			u.press("esc")
			u.sees("Step 7 of 8")
			u.press("enter", "enter")
			u.finish()
		})
		if len(f.requests) != 1 || f.requests[0].Password != f.preset.Passphrase || len(f.requests[0].Team) != len(f.preset.Team) {
			t.Errorf("%+v", f.requests)
		}
	}
}

// Answers that depend on the count wait for it, and Enter does not lose them.
func TestAnswersWaitForTheCount(t *testing.T) {
	f := answered()
	f.preset.What, f.preset.LeaveOut = answers.Documents, []string{"pictures, music, video"}
	f.slow = true
	sit(t, f, func(u *robot) {
		u.welcome()
		u.sees("Step 5 of 8", "Answered in /media/", "it goes on by itself")
		u.golden("what-answered")
		u.press("enter")
		u.sees("Step 5 of 8", "Answered in")
		close(f.hold.plan)
		u.settle()
		u.sees("Step 8 of 8", "1 of 8 kinds")
	})
}

// With several Windows the one that is meant is taken.
func TestAnswersChooseAmongWindows(t *testing.T) {
	f := answered()
	f.preset.Windows = "/mnt/second/"
	other := *f.detection.Installations[0]
	other.ComputerName, other.Where = "OLD-PC", "/mnt/second"
	f.detection.Installations = append(f.detection.Installations, &other)
	sit(t, f, func(u *robot) {
		u.welcome()
		u.sees("Step 8 of 8", "OLD-PC")
	})
}

// F7 keeps the answers in a file that answers the same, without the passphrase.
func TestKeepAnswers(t *testing.T) {
	f := office()
	f.preset = &Preset{File: answers.File{Language: "en", Logs: "/media/photos/logs"}}
	sit(t, f, func(u *robot) {
		u.welcome()
		u.press("1", "home", "down", "space", "enter", "end", "up", "space", "enter", "enter")
		u.press("space", "tab")
		u.write("correct horse")
		u.press("tab")
		u.write("correct horse")
		u.press("enter")
		u.sees("Step 8 of 8")
		u.press("f7")
		u.sees("Kept in /media/backup/PC-0412_2026-11-23_1412.yaml")
		u.message()
	})
	kept := f.written["/media/backup/PC-0412_2026-11-23_1412.yaml"]
	if strings.Contains(kept, "correct") || !strings.HasPrefix(kept, "# Answers of Lifeboat, written 2026-11-23 14:12") {
		t.Errorf("kept:\n%s", kept)
	}
	file, err := answers.Parse("kept", []byte(kept))
	if err != nil {
		t.Fatal(err)
	}
	if file.Protection != answers.Passphrase || file.Language != "en" || file.Destination != "BACKUP_01" || file.Windows != "PC-0412" {
		t.Errorf("%+v", file)
	}

	g := office()
	g.preset = &Preset{File: *file, Passphrase: "correct horse"}
	sit(t, g, func(u *robot) {
		u.welcome()
		u.sees("Step 8 of 8", "BACKUP_01")
		u.press("enter")
		u.finish()
	})
	if len(g.requests) != 1 || g.requests[0].Password != "correct horse" {
		t.Fatalf("%+v", g.requests)
	}
	out := g.requests[0].Select
	if !out.OmitUsers["S-1-5-21-1-1002"] || out.OmitUsers["S-1-5-21-1-1001"] || !out.OmitUsers["S-1-5-21-1-500"] {
		t.Errorf("users left out: %v", out.OmitUsers)
	}
	if len(file.LeaveOut) != 1 || !out.OmitComponents[file.LeaveOut[0]] {
		t.Errorf("left out: %v and %v", file.LeaveOut, out.OmitComponents)
	}
}

func TestKeepAnswersFails(t *testing.T) {
	f := office()
	f.volumes[2].Mount = "/media/broken"
	sit(t, f, func(u *robot) {
		u.welcome()
		u.press("1", "enter", "enter", "enter", "enter", "k")
		u.sees("The answers could not be kept", "read-only")
	})
}

// unattended runs with nobody at the keyboard.
func unattended(t *testing.T, f *fake, work ...func(ctl *job.Control)) (Outcome, string) {
	t.Helper()
	var out Outcome
	var said bytes.Buffer
	f.preset.Unattended = true
	synctest.Test(t, func(t *testing.T) {
		f.work = make(chan func(context.Context, *job.Control))
		offset := time.Until(date("2026-11-23 14:12"))
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		go func() {
			for _, step := range work {
				select {
				case f.work <- func(_ context.Context, ctl *job.Control) { step(ctl) }:
				case <-ctx.Done():
				}
				time.Sleep(time.Minute)
			}
			select {
			case f.work <- nil:
			case <-ctx.Done():
			}
		}()
		out = runUnattended(ctx, Options{
			Backend: f, Out: &said, Preset: f.preset,
			Clock: func() time.Time { return time.Now().Add(offset).UTC() },
		}, nil)
		cancel()
		synctest.Wait()
	})
	return out, said.String()
}

func TestUnattended(t *testing.T) {
	f := answered()
	f.preset.Afterwards = answers.ShutDown
	out, said := unattended(t, f, saveSome)
	if out.Err != nil || out.Report == nil || out.Ending != PowerOff || len(f.requests) != 1 {
		t.Errorf("%+v, %+v", out, f.requests)
	}
	for _, text := range []string{"14:12:11  Save, 25 %, 10.0 GiB of 40.0 GiB", "problem: C:\\Users\\m.ostrowski\\Documents\\budget.xlsx: bad sector"} {
		if !strings.Contains(said, text) {
			t.Errorf("it does not say %q:\n%s", text, said)
		}
	}
}

// A save that misses something stays: somebody has to look at it.
func TestUnattendedStaysWithFilesMissing(t *testing.T) {
	f := answered()
	f.preset.Afterwards = answers.ShutDown
	f.report = missing()
	out, said := unattended(t, f)
	if out.Ending != ToPrompt || out.Report == nil || !strings.Contains(said, "3 FILES MISSING") {
		t.Errorf("%+v\n%s", out, said)
	}
}

// A save that was interrupted is gone on with.
func TestUnattendedGoesOn(t *testing.T) {
	f := answered()
	f.stores = []Store{{Path: "/media/backup/PC-0412_2026-11-22_1000", Saved: date("2026-11-22 10:00")}}
	out, said := unattended(t, f)
	if out.Err != nil || len(f.requests) != 1 || f.requests[0].StorePath != f.stores[0].Path {
		t.Errorf("%+v, %+v\n%s", out, f.requests, said)
	}
}

// What is not answered ends the run, by its name, before anything is written.
func TestUnattendedAsksNothing(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(f *fake)
		code usmt.Code
		says []string
	}{
		{"nothing", func(f *fake) { f.preset.File = answers.File{} }, usmt.InvalidParameters, []string{`nobody is there to answer "Whose files?"`, "users in lifeboat.yaml"}},
		{"user", func(f *fake) { f.preset.Users = []string{"nobody"} }, usmt.InvalidParameters, []string{"Whose files?", "name nobody"}},
		{"what", func(f *fake) { f.preset.What = "" }, usmt.InvalidParameters, []string{"What should be saved?", "what in lifeboat.yaml"}},
		{"destination", func(f *fake) { f.preset.Destination = "GONE" }, usmt.InvalidParameters, []string{"Where should the store go?", "GONE, which is not plugged in"}},
		{"refused", func(f *fake) {
			f.checks = map[string]Check{"/media/backup": {State: Refused, Code: usmt.StoreAccess, Text: "it is on fire"}}
		}, usmt.StoreAccess, []string{"Where should the store go?", "It is on fire"}},
		{"protection", func(f *fake) { f.preset.Protection = "" }, usmt.InvalidParameters, []string{"protection in lifeboat.yaml"}},
		{"two windows", func(f *fake) {
			f.preset.Windows = ""
			other := *f.detection.Installations[0]
			other.Where = "/mnt/second"
			f.detection.Installations = append(f.detection.Installations, &other)
		}, usmt.InvalidParameters, []string{"Which Windows", "windows in lifeboat.yaml"}},
		{"too small", func(f *fake) { f.preset.Destination = "KINGSTON" }, usmt.InvalidParameters, []string{"too small"}},
		{"locked", func(f *fake) { *f = *lockedWith(f.preset) }, usmt.InvalidParameters, []string{"Unlock", "/dev/sda#3"}},
		{"none", func(f *fake) {
			f.detection = &engine.Detection{Looked: []windows.Looked{{Where: "/mnt/a", Missing: "all"}}}
		}, usmt.InitError, []string{"no Windows was found", "/mnt/a"}},
		{"detection fails", func(f *fake) { f.detection = nil }, usmt.InitError, []string{"input/output error"}},
		{"plan fails", func(f *fake) { f.planErr = usmt.Fail(usmt.ScriptFiles, nil, "the rules are no rules") }, usmt.ScriptFiles, []string{"the rules are no rules"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := answered()
			test.edit(f)
			out, said := unattended(t, f)
			if out.Err == nil || len(f.requests) > 0 {
				t.Fatalf("%+v, %+v\n%s", out, f.requests, said)
			}
			text := usmt.Explain("lifeboat", out.Err)
			for _, part := range test.says {
				if !strings.Contains(text, part) {
					t.Errorf("it does not say %q:\n%s", part, text)
				}
			}
			if code := usmt.CodeOf(out.Err); code != test.code {
				t.Errorf("code %d\n%s", code, text)
			}
		})
	}
}

func lockedWith(p *Preset) *fake {
	f := locked()
	f.preset = p
	return f
}

// Every question of the walk can be answered by a key that exists.
func TestQuestionsHaveKeys(t *testing.T) {
	for id := screenUnlock; id < screenReview; id++ {
		q, ok := questions[id]
		if !ok || q.asks == "" || !slices.Contains(answers.Keys(), q.key) {
			t.Errorf("screen %d: %+v", id, q)
		}
	}
}
