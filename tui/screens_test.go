package tui

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/job"
	"lifeboat/engine/report"
	"lifeboat/engine/restore"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
	"lifeboat/winpe"
)

// The frames of every screen and state, as a technician comes across them.

func frames(t *testing.T, name string, f *fake, test func(u *robot)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		sit(t, f, func(u *robot) {
			test(u)
			u.glyphs()
			u.message()
			u.letters()
			u.golden(name)
		})
	})
}

// everyWay names, for each screen, a frame that is also taken in a large window,
// in colour and in letters only.
var everyWay = map[string]bool{}

func init() {
	for _, name := range append(moreFrames, screenFrames[:]...) {
		everyWay[name] = true
	}
}

// moreFrames are states of screens that look like screens of their own.
var moreFrames = []string{
	"unlock-check", "unlock-wrong", "unlock-password", "unlock-keyfile", "options-team", "put-stores-team", "put-done", "result-saved", "saving-full", "saving-gone",
}

var screenFrames = [screenCount]string{
	screenStart: "start", screenWelcome: "welcome", screenUnlock: "unlock", screenWindows: "windows-many",
	screenUsers: "users", screenWhat: "what-partly", screenDestination: "destination-tried", screenOptions: "options-passphrase",
	screenReview: "review", screenSaving: "saving", screenResult: "result-missing", screenStores: "stores",
	screenTarget: "put-windows", screenPutUsers: "put-users", screenPutWhat: "put-what", screenPutReview: "put-review",
	screenBrowse: "browse", screenNoWindows: "no-windows",
}

// Every screen has a frame that is taken every way.
func TestEveryScreenIsTakenEveryWay(t *testing.T) {
	for i, name := range append(screenFrames[:], moreFrames...) {
		for _, way := range []string{"", "120x40", "colour", "ascii"} {
			if _, err := os.Stat(filepath.Join("testdata", "frames", way, name+".txt")); name == "" || err != nil {
				t.Errorf("frame %d, %q: %v", i, name, err)
			}
		}
	}
}

// bothFrames takes the frame in the smallest window and in a large one.
func bothFrames(t *testing.T, name string, f *fake, test func(u *robot)) {
	t.Helper()
	frames(t, name, f, func(u *robot) {
		test(u)
		u.r.resize(120, 40)
		u.golden(name + "-120x40")
		u.r.resize(80, 25)
	})
}

// toReview walks the quick path up to the review.
func (u *robot) toReview() {
	u.welcome()
	u.press("enter", "enter", "enter", "enter", "enter")
}

// twoLocked has two drives that BitLocker locks.
func twoLocked() *fake {
	f := office()
	more := f.volumes[5]
	more.Mount, more.Label = "/media/other", "OTHER"
	f.volumes = append(f.volumes, more)
	return f
}

func (u *robot) toDestination() {
	u.welcome()
	u.press("enter", "enter", "enter")
}

func (u *robot) toOptions() {
	u.welcome()
	u.press("enter", "enter", "enter", "enter")
}

func (u *robot) toSaving() {
	u.toReview()
	u.press("enter")
}

// halfway puts the engine into the middle of saving.
func (u *robot) halfway() {
	u.engine(func(ctl *job.Control) { ctl.Phase(job.Scanning, 0, 0) })
	u.wait(41 * time.Second)
	u.engine(func(ctl *job.Control) { ctl.Phase(job.Saving, 40*gib, 42897) })
	for i := range 60 {
		u.engine(func(ctl *job.Control) {
			ctl.Progress.AddBytes(gib/3, ctl.Clock())
			ctl.Progress.AddFiles(349)
			ctl.Progress.SetSafe(int64(i) * gib / 3)
			ctl.Progress.SetCurrent(`C:\Users\anna.keller\Pictures\2019\Holidays in the mountains, second week\IMG_4471.CR2`)
		})
		u.wait(10 * time.Second)
		u.engine(func(ctl *job.Control) { ctl.Progress.AddBytes(1<<20, ctl.Clock()) })
	}
}

func (u *robot) trouble() {
	u.engine(func(ctl *job.Control) {
		for _, p := range problems {
			ctl.Problem(p)
		}
	})
}

func TestFrames(t *testing.T) {
	frames(t, "start", office(), func(u *robot) { u.wait(tickEvery) })
	frames(t, "welcome", office(), func(u *robot) { u.welcome() })
	frames(t, "welcome-greyed", office(), func(u *robot) { u.welcome(); u.press("2") })
	frames(t, "welcome-unfinished", func() *fake {
		f := office()
		f.stores = []Store{{Path: "/media/backup/PC-0412_2026-11-20_0905", Computer: "PC-0412", Saved: date("2026-11-20 09:05"), Bytes: 12 * gib}}
		return f
	}(), func(u *robot) { u.welcome() })
	frames(t, "no-windows", func() *fake {
		f := office()
		f.detection = &engine.Detection{Looked: []engine.Looked{
			{Where: "/mnt/windows", Missing: `no folder Windows\System32\config`},
			{Where: "/media/backup", Missing: `no folder Windows`},
			{Where: "/mnt/data", Missing: `SOFTWARE: not a registry hive`},
		}}
		return f
	}(), func(u *robot) { u.welcome() })
	frames(t, "no-windows-error", func() *fake {
		f := office()
		f.detection = nil
		return f
	}(), func(u *robot) { u.welcome() })
	frames(t, "unlock", locked(), func(u *robot) { u.welcome(); u.press("enter") })
	frames(t, "unlock-check", locked(), func(u *robot) {
		u.welcome()
		u.press("enter")
		u.write("529309-061710-384741-71720")
	})
	frames(t, "unlock-hidden", locked(), func(u *robot) {
		u.welcome()
		u.press("enter", "f2")
		u.write(goodPassword[:16])
		u.press("enter")
	})
	frames(t, "unlock-ready", locked(), func(u *robot) {
		u.welcome()
		u.press("enter")
		u.write(goodPassword)
	})
	frames(t, "unlock-wrong", func() *fake {
		f := locked()
		other := f.locked[0]
		other.Where = "/dev/sda#4"
		f.locked = append(f.locked, other)
		f.opens = nil
		return f
	}(), func(u *robot) {
		u.welcome()
		u.press("enter")
		u.write(goodPassword)
		u.press("enter")
	})
	frames(t, "unlock-password", locked(), func(u *robot) {
		u.welcome()
		u.press("enter", "p")
		u.write("hunter2")
	})
	frames(t, "unlock-password-wrong", locked(), func(u *robot) {
		u.welcome()
		u.press("enter", "p")
		u.write("hunter2")
		u.press("enter")
	})
	frames(t, "unlock-keyfile", func() *fake {
		f := locked()
		f.keyFiles = []string{"/media/kingston/8A3B2C1A-04DE-4A17-9B0E-2C7D55AA0102.BEK"}
		return f
	}(), func(u *robot) { u.welcome(); u.press("enter", "k") })
	frames(t, "unlock-keyfile-none", locked(), func(u *robot) { u.welcome(); u.press("enter", "k", "enter") })
	frames(t, "unlock-open", locked(), func(u *robot) {
		u.welcome()
		u.press("enter")
		u.write(goodPassword)
		u.press("enter")
	})
	frames(t, "unlock-without", locked(), func(u *robot) { u.welcome(); u.press("enter", "n") })
	frames(t, "welcome-locked", locked(), func(u *robot) { u.welcome() })
	frames(t, "windows-one", office(), func(u *robot) { u.welcome(); u.press("enter", "esc") })
	frames(t, "windows-many", many(), func(u *robot) { u.welcome(); u.press("enter") })
	frames(t, "windows-damaged", many(), func(u *robot) { u.welcome(); u.press("enter", "down", "down", "enter") })
	frames(t, "users", office(), func(u *robot) { u.welcome(); u.press("enter") })
	frames(t, "users-other", office(), func(u *robot) { u.welcome(); u.press("enter", "s", "s", "down", "space", "down", "down") })
	frames(t, "users-nobody", office(), func(u *robot) { u.welcome(); u.press("enter", "n", "enter") })
	frames(t, "what", office(), func(u *robot) { u.welcome(); u.press("enter", "enter") })
	frames(t, "what-partly", office(), func(u *robot) {
		u.welcome()
		u.press("enter", "enter", "down", "down", "down", "down", "down", "down", "space", "home", "left")
	})
	frames(t, "what-empty", office(), func(u *robot) { u.welcome(); u.press("enter", "enter", "n", "enter") })
	frames(t, "what-search", office(), func(u *robot) {
		u.welcome()
		u.press("enter", "enter", "/")
		u.write("Brow")
	})
	frames(t, "what-searched", office(), func(u *robot) {
		u.welcome()
		u.press("enter", "enter", "/")
		u.write("caches")
		u.press("enter", "space")
	})
	frames(t, "what-search-none", office(), func(u *robot) {
		u.welcome()
		u.press("enter", "enter", "f")
		u.write("xyz")
	})
	frames(t, "what-documents", office(), func(u *robot) { u.welcome(); u.press("enter", "enter", "d") })
	frames(t, "what-rules-dialog", office(), func(u *robot) {
		u.welcome()
		u.press("enter", "enter", "r")
		u.write("/media/nothing")
		u.press("enter")
	})
	frames(t, "what-rules", office(), func(u *robot) {
		u.welcome()
		u.press("enter", "enter", "r")
		u.write("/media/rules")
		u.press("enter")
	})
	frames(t, "what-failed", func() *fake {
		f := office()
		f.planErr = usmt.Fail(usmt.InitError, errors.New("offset 0x1f3000: bad sector"), `open \Windows`)
		return f
	}(), func(u *robot) { u.welcome(); u.press("enter", "enter", "enter") })
	frames(t, "destination", office(), func(u *robot) { u.welcome(); u.press("enter", "enter", "enter") })
	frames(t, "destination-tried", office(), func(u *robot) {
		u.welcome()
		u.press("enter", "enter", "enter")
		u.wait(testAfter + 2*tickEvery)
	})
	frames(t, "destination-slow", func() *fake { f := office(); f.speed = 9 << 20; return f }(), func(u *robot) {
		u.welcome()
		u.press("enter", "down", "space", "down", "down", "space", "up", "up", "up", "space", "enter", "enter", "end", "up")
		u.wait(testAfter + 2*tickEvery)
	})
	frames(t, "destination-broken", func() *fake { f := office(); f.speed = 0; return f }(), func(u *robot) {
		u.welcome()
		u.press("enter", "enter", "enter")
		u.wait(testAfter + 2*tickEvery)
		u.press("enter")
	})
	frames(t, "destination-small", office(), func(u *robot) {
		u.welcome()
		u.press("enter", "enter", "enter", "end", "enter")
	})
	frames(t, "destination-tight", office(), func(u *robot) { u.welcome(); u.press("enter", "enter", "enter", "down") })
	frames(t, "destination-inside", office(), func(u *robot) {
		u.welcome()
		u.press("enter", "enter", "enter", "o", "down", "down")
	})
	frames(t, "destination-none", func() *fake {
		f := office()
		f.volumes = f.volumes[:1]
		return f
	}(), func(u *robot) { u.welcome(); u.press("enter", "enter", "enter", "enter") })
	frames(t, "destination-refused", func() *fake {
		f := office()
		f.checks = map[string]Check{"/media/backup": {State: Complete, Text: "the folder holds a complete store of PC-0412", Remedy: "choose another name"}}
		return f
	}(), func(u *robot) { u.welcome(); u.press("enter", "enter", "enter", "enter") })
	frames(t, "destination-folder", office(), func(u *robot) {
		u.welcome()
		u.press("enter", "enter", "enter", "f")
		u.write("/mnt/share")
	})
	frames(t, "options", office(), func(u *robot) { u.welcome(); u.press("enter", "enter", "enter", "enter") })
	frames(t, "options-passphrase", office(), func(u *robot) {
		u.welcome()
		u.press("enter", "enter", "enter", "enter", "space", "tab")
		u.write("correct horse")
		u.press("tab")
		u.write("correct hors!")
		u.press("enter")
	})
	bothFrames(t, "drivers", windowsPE(), func(u *robot) { u.welcome(); u.press("d"); u.write(`E:\vmd`) })
	frames(t, "drivers-none", windowsPE(), func(u *robot) { u.welcome(); u.press("d"); u.write(`E:\x`); u.press("enter") })
	frames(t, "drivers-loaded", windowsPE(), func(u *robot) { u.welcome(); u.press("d"); u.write(`E:\vmd`); u.press("enter") })
	bothFrames(t, "keyboard", windowsPE(), func(u *robot) {
		u.toOptions()
		u.press("f4", "down", "down", "enter")
		u.write("zy")
	})
	frames(t, "keyboard-failed", windowsPE(), func(u *robot) { u.toOptions(); u.press("f4", "down", "enter") })
	bothFrames(t, "log", office(), func(u *robot) { u.toSaving(); u.halfway(); u.trouble(); u.press("l") })
	bothFrames(t, "log-problems", office(), func(u *robot) { u.toSaving(); u.halfway(); u.trouble(); u.press("l", "p") })
	frames(t, "destination-unlock", twoLocked(), func(u *robot) { u.toDestination(); u.press("u") })
	frames(t, "destination-locked", func() *fake {
		f := office()
		f.volumes = f.volumes[:2]
		f.locked = []engine.Locked{{Where: "/dev/sdg#1", Removable: true, Size: 64 * gib}}
		return f
	}(), func(u *robot) { u.toDestination() })
	bothFrames(t, "share", office(), func(u *robot) {
		u.toDestination()
		u.press("n")
		u.write(`\\nas\rescue`)
		u.press("tab")
		u.write(`CORP\ann`)
		u.press("tab")
		u.write("hunter1")
	})
	bothFrames(t, "share-login", office(), func(u *robot) {
		u.toDestination()
		u.press("n")
		u.write(`\\nas\rescue`)
		u.press("tab")
		u.write(`CORP\ann`)
		u.press("tab")
		u.write("hunter1")
		u.press("enter")
	})
	for name, err := range map[string]error{
		"no-network": winpe.ErrNoNetwork, "state": winpe.ErrLoginState, "right": winpe.ErrNoRight,
		"connected": winpe.ErrConnected, "unsupported": winpe.ErrUnsupported, "other": errors.New("input/output error"),
	} {
		f := office()
		f.shareErr = err
		frames(t, "share-"+name, f, func(u *robot) {
			u.toDestination()
			u.press("n")
			u.write(`\\nas\rescue`)
			u.press("enter")
		})
	}
	frames(t, "options-weak", office(), func(u *robot) {
		u.toOptions()
		u.press("space", "tab")
		u.write("password123")
	})
	frames(t, "options-team", office(), func(u *robot) {
		u.toOptions()
		u.press("space", "space", "tab")
		u.write(teamKey)
	})
	frames(t, "options-team-typo", office(), func(u *robot) {
		u.toOptions()
		u.press("space", "space", "tab")
		u.write(teamKey[:30])
		u.press("enter")
	})
	frames(t, "options-team-found", withTeamStick(), func(u *robot) { u.toOptions() })
	frames(t, "review-team", withTeamStick(), func(u *robot) { u.toReview() })
	frames(t, "options-locked", teamStore(false), func(u *robot) {
		u.welcome()
		u.press("3", "enter")
	})
	frames(t, "options-locked-wrong", teamStore(false), func(u *robot) {
		u.welcome()
		u.press("3", "enter")
		u.write("x")
		u.press("enter")
	})
	frames(t, "put-stores-team", teamStore(true), func(u *robot) { u.welcome(); u.press("2") })
	frames(t, "put-stores-team-pass", teamStore(true), func(u *robot) {
		u.welcome()
		u.press("2", "enter")
		u.write("wrong horse")
		u.press("enter")
	})
	frames(t, "options-short", office(), func(u *robot) {
		u.welcome()
		u.press("enter", "enter", "enter", "enter", "space", "tab")
		u.write("short")
		u.press("f2", "enter")
	})
	frames(t, "options-no-check", office(), func(u *robot) {
		u.welcome()
		u.press("enter", "enter", "enter", "enter", "down", "space")
	})
	frames(t, "review", office(), func(u *robot) { u.toReview() })
	frames(t, "review-gone", office(), func(u *robot) {
		u.toReview()
		u.f.volumes = u.f.volumes[:1]
		u.wait(lookEvery + tickEvery)
		u.press("enter")
	})
	frames(t, "review-command", office(), func(u *robot) { u.toReview(); u.press("f8") })
	frames(t, "saving-start", office(), func(u *robot) { u.toSaving() })
	frames(t, "saving", office(), func(u *robot) { u.toSaving(); u.halfway(); u.trouble() })
	frames(t, "saving-paused", office(), func(u *robot) { u.toSaving(); u.halfway(); u.press("p"); u.wait(time.Minute) })
	frames(t, "saving-stuck", office(), func(u *robot) { u.toSaving(); u.halfway(); u.wait(48 * time.Second) })
	bothFrames(t, "saving-failing", office(), func(u *robot) {
		u.toSaving()
		u.halfway()
		u.trouble()
		u.engine(func(ctl *job.Control) {
			ctl.Progress.SetDamage(312, 3<<20)
			ctl.Progress.AddPutOff(143)
		})
		u.wait(30 * time.Second)
	})
	frames(t, "saving-check", office(), func(u *robot) {
		u.toSaving()
		u.halfway()
		u.engine(func(ctl *job.Control) {
			ctl.Progress.AddBytes(20*gib, ctl.Clock())
			ctl.Phase(job.Finishing, 0, 0)
			ctl.Phase(job.Verifying, 40*gib, 42897)
			ctl.Progress.AddBytes(10*gib, ctl.Clock())
			ctl.Progress.AddFiles(9000)
		})
	})
	frames(t, "saving-problems", office(), func(u *robot) { u.toSaving(); u.halfway(); u.trouble(); u.press("e") })
	frames(t, "saving-cancel", office(), func(u *robot) { u.toSaving(); u.halfway(); u.press("ctrl+c") })
	frames(t, "saving-gone", office(), func(u *robot) {
		u.toSaving()
		u.halfway()
		u.ask(job.Question{
			Topic: job.MediumGoneQ, Path: "/media/backup", Text: "the drive was unplugged or lost its connection",
			Answers: []job.Answer{job.Retry, job.Elsewhere, job.Stop},
		})
	})
	frames(t, "saving-full", office(), func(u *robot) {
		u.toSaving()
		u.halfway()
		u.ask(job.Question{
			Topic: job.MediumFullQ, Path: "/media/backup", Text: "no room is left on the drive",
			Answers: []job.Answer{job.Retry, job.Elsewhere, job.Without, job.Stop},
			Rest:    []job.Rest{{User: "S-1-5-21-1-1001", Bytes: 18 * gib}, {User: "S-1-5-21-1-1002", Bytes: 19 * gib / 10}},
		})
	})
	bothFrames(t, "saving-elsewhere", spare(), func(u *robot) {
		u.toSaving()
		u.halfway()
		u.ask(full)
		u.press("down", "enter")
	})
	bothFrames(t, "saving-elsewhere-anew", spare(), func(u *robot) {
		u.toSaving()
		u.halfway()
		u.ask(unplugged)
		u.press("down", "enter", "down", "enter") // which is too small
	})
	frames(t, "saving-copy", spare(), func(u *robot) {
		u.toSaving()
		u.halfway()
		u.engine(func(ctl *job.Control) {
			ctl.Phase(job.Collecting, 20*gib, 1200)
			ctl.Progress.AddBytes(8*gib, ctl.Clock())
			ctl.Progress.AddFiles(500)
			ctl.Progress.SetCurrent("p4/f2c1.f")
		})
	})
	frames(t, "result-saved", office(), func(u *robot) { u.toSaving(); u.halfway(); u.finish() })
	frames(t, "result-missing", func() *fake { f := office(); f.report = missing(); return f }(), func(u *robot) {
		u.toSaving()
		u.trouble()
		u.finish()
		u.press("right")
	})
	frames(t, "result-report", func() *fake { f := office(); f.report = missing(); return f }(), func(u *robot) {
		u.toSaving()
		u.finish()
		u.press("right", "enter")
	})
	frames(t, "saved-damaged", func() *fake {
		f := office()
		f.err = usmt.Fail(usmt.CorruptedStore, store.ErrCorrupt, "3 of 42897 files do not read back as they were written")
		f.report.Outcome, f.report.ReturnCode = report.Missing, int(usmt.CorruptedStore)
		f.report.Verified = &report.Verdict{Files: 42897, CatalogOK: true, Corrupt: []string{"File/C$/Users/anna/a.doc", "b", "c"}}
		f.report.Judge()
		return f
	}(), func(u *robot) { u.toSaving(); u.finish() })
	frames(t, "result-stopped", office(), func(u *robot) {
		u.toSaving()
		u.halfway()
		u.press("c", "down", "enter")
	})
	frames(t, "result-failed", func() *fake {
		f := office()
		f.report = nil
		f.err = usmt.Fail(usmt.InvalidStore, errors.New("read-only file system"), "make the store at /media/backup")
		return f
	}(), func(u *robot) { u.toSaving(); u.finish() })
	frames(t, "stores", withStores(), func(u *robot) { u.welcome(); u.press("4") })
	frames(t, "stores-passphrase", withStores(), func(u *robot) {
		u.welcome()
		u.press("4", "down")
		u.write("secret")
	})
	frames(t, "checking", withStores(), func(u *robot) {
		u.welcome()
		u.press("4", "enter")
		u.engine(func(ctl *job.Control) {
			ctl.Phase(job.Verifying, 12*gib, 9000)
			ctl.Progress.AddBytes(3*gib, ctl.Clock())
			ctl.Progress.AddFiles(1500)
		})
	})
	frames(t, "checked-sound", withStores(), func(u *robot) { u.welcome(); u.press("4", "enter"); u.finish() })
	frames(t, "checked-damaged", func() *fake {
		f := withStores()
		f.verdict = &report.Verdict{Files: 9000, Duration: time.Minute, CatalogOK: true, Corrupt: []string{"File/C$/Users/anna/a.doc"}}
		return f
	}(), func(u *robot) { u.welcome(); u.press("4", "enter"); u.finish() })
	put := func(keys ...string) func(u *robot) {
		return func(u *robot) {
			u.welcome()
			u.press(append([]string{"2"}, keys...)...)
		}
	}
	frames(t, "put-stores", withStores(), put())
	frames(t, "put-stores-part", func() *fake {
		f := withStores()
		f.stores[0].Complete = false
		return f
	}(), put("enter"))
	frames(t, "put-windows", func() *fake {
		f := many()
		f.stores = withStores().stores
		return f
	}(), put("enter"))
	frames(t, "put-users", withStores(), put("enter"))
	frames(t, "put-users-left", withStores(), put("enter", "down", "space", "m"))
	frames(t, "put-users-refused", func() *fake {
		f := withStores()
		failure := usmt.Fail(usmt.UnsupportedPlatform, restore.ErrInUse, "restore to /mnt/windows")
		failure.Remedy = `start that Windows and shut it down by "shutdown /s /t 0", then run again`
		f.trialErr = failure
		return f
	}(), put("enter", "enter"))
	frames(t, "put-account", withStores(), put("enter", "down", "t"))
	frames(t, "put-review", withStores(), put("enter", "enter", "enter"))
	frames(t, "put-review-yes", withStores(), put("enter", "enter", "enter", "right"))
	frames(t, "put-review-less", withStores(), put("enter", "down", "space", "enter", "n", "home", "space", "enter"))
	remarked := func() *fake {
		f := office()
		f.plan.Remarks = []string{
			"MigApp.xml:120: <detects>: the function MigXmlHelper.Frobnicate is not known; the condition does not hold",
			"Custom.xml:7: <pattern type=\"Registry\">: HKCC cannot be read from a Windows that does not run",
		}
		return f
	}
	frames(t, "what-remarked", remarked(), func(u *robot) { u.welcome(); u.press("enter", "enter") })
	frames(t, "what-remarks", remarked(), func(u *robot) { u.welcome(); u.press("enter", "enter", "i") })
	frames(t, "review-remarks", remarked(), func(u *robot) { u.welcome(); u.press("enter", "enter", "enter", "enter", "enter") })
	frames(t, "put-what", withStores(), put("enter", "enter"))
	frames(t, "put-what-less", withStores(), put("enter", "enter", "d", "end"))
	frames(t, "put-what-failed", func() *fake {
		f := withStores()
		f.contentsErr = usmt.Fail(usmt.CorruptedStore, nil, "the catalog is damaged")
		return f
	}(), put("enter", "enter"))
	frames(t, "put-users-nameless", func() *fake {
		f := withStores()
		f.restored.Users = append(f.restored.Users, engine.RestoredUser{ID: "S-1-5-21-3623811015-3361044348-30300820-1107", Profile: `C:\Users\oldboss`, How: restore.NewProfile})
		return f
	}(), put("enter", "end", "space", "t"))
	frames(t, "put-running", withStores(), func(u *robot) {
		put("enter", "enter", "enter", "right", "enter")(u)
		u.engine(putSome)
		u.wait(30 * time.Second)
	})
	frames(t, "put-cancel", withStores(), func(u *robot) {
		put("enter", "enter", "enter", "right", "enter")(u)
		u.engine(putSome)
		u.press("c")
	})
	frames(t, "put-done", withStores(), func(u *robot) {
		put("enter", "enter", "enter", "right", "enter")(u)
		u.engine(putSome)
		u.finish()
	})
	frames(t, "put-undo", withStores(), func(u *robot) {
		put("enter", "enter", "enter", "right", "enter")(u)
		u.finish()
		u.press("right", "enter")
	})
	frames(t, "put-undone", withStores(), func(u *robot) {
		put("enter", "enter", "enter", "right", "enter")(u)
		u.finish()
		u.press("right", "enter", "down", "enter")
	})
	look := func(keys ...string) func(u *robot) { return put(append([]string{"f3"}, keys...)...) }
	frames(t, "browse", withStores(), look())
	frames(t, "browse-files", withStores(), look("enter", "enter", "enter", "down"))
	frames(t, "browse-take", withStores(), look("enter", "enter", "enter", "t"))
	frames(t, "browse-taken", withStores(), func(u *robot) {
		look("enter", "enter", "enter", "t", "enter")(u)
		u.finish()
	})
	frames(t, "browse-wrong", withStores(), func(u *robot) {
		put("down")(u)
		u.write("wrong")
		u.press("f3")
	})
	frames(t, "leave", office(), func(u *robot) { u.welcome(); u.press("f10") })
	frames(t, "leave-after", office(), func(u *robot) { u.toSaving(); u.finish(); u.press("ctrl+c") })
	frames(t, "help-users", office(), func(u *robot) { u.welcome(); u.press("enter", "?") })
	frames(t, "help-start", office(), func(u *robot) { u.welcome(); u.press("?") })
	frames(t, "crash", office(), func(u *robot) {
		u.toSaving()
		u.halfway()
		u.run(u.r.receive(crashed{"index out of range [3] with length 3", "goroutine 1"}))
		u.settle()
	})
}

// These hold something back, so their channels are made inside the bubble.
func TestFramesWhileWaiting(t *testing.T) {
	frames(t, "start-slow", office(), func(u *robot) {
		u.f.hold.detect = make(chan struct{})
		u.run(u.r.follow(step{move: goTo, to: screenStart}))
		u.wait(14 * time.Second)
	})
	frames(t, "unlock-trying", locked(), func(u *robot) {
		u.f.hold.unlock = make(chan struct{})
		u.welcome()
		u.press("enter")
		u.write(goodPassword)
		u.press("enter")
		u.wait(tickEvery)
	})
	counting := func(keys ...string) func(u *robot) {
		return func(u *robot) {
			u.f.hold.plan = make(chan struct{})
			u.welcome()
			u.r.s.forgetWindows()
			u.run(u.r.s.settleWindows())
			u.wait(tickEvery)
			u.press(keys...)
		}
	}
	frames(t, "users-counting", office(), func(u *robot) {
		u.f.hold.measure = make(chan struct{})
		counting("enter")(u)
	})
	frames(t, "what-counting", office(), counting("enter", "enter"))
	frames(t, "destination-counting", office(), counting("enter", "enter", "enter"))
	frames(t, "review-counting", office(), counting("enter", "enter", "enter", "enter", "enter"))
	frames(t, "review-armed", office(), counting("enter", "enter", "enter", "enter", "enter", "enter"))
}

// ask has the engine ask, and lets the dialog's deaf time pass.
var (
	full      = job.Question{Topic: job.MediumFullQ, Path: "/media/backup/PC-0412_2026-11-23_1412", Text: "no room is left on the drive", Answers: []job.Answer{job.Retry, job.Elsewhere, job.Stop}}
	unplugged = job.Question{Topic: job.MediumGoneQ, Path: "/media/backup/PC-0412_2026-11-23_1412", Text: "the drive was unplugged", Answers: []job.Answer{job.Retry, job.Elsewhere, job.Stop}}
)

// spare has another drive that is large enough.
func spare() *fake {
	f := office()
	f.volumes[3].Free, f.volumes[3].Size = 60*gib, 64*gib
	return f
}

func (u *robot) ask(q job.Question) {
	u.f.work <- func(ctx context.Context, ctl *job.Control) { ctl.Ask(ctx, q) }
	u.settle()
	u.wait(time.Second)
}

// many is a machine with several installations.
func many() *fake {
	f := office()
	f.detection.Installations = append(f.detection.Installations,
		&engine.Installation{
			Product: windows.Product{Name: "Windows 10 Home", Display: "22H2"}, Arch: "amd64", ComputerName: "OLD-PC", Where: "/mnt/data",
			WindowsDir: `\Windows`, LastShutdown: date("2024-03-02 10:00"), Users: f.detection.Installations[0].Users[:2],
		},
		&engine.Installation{
			Product: windows.Product{Name: "Windows 7"}, Arch: "x86", Where: "/mnt/third", WindowsDir: `\Windows`,
			Damage: []string{"its SOFTWARE hive does not open: 4096 bytes unreadable at 0x1f3000"},
		})
	return f
}

func withStores() *fake {
	f := office()
	f.stores = []Store{
		{Path: "/media/backup/PC-0398_2026-11-20_0905", Computer: "PC-0398", Product: "Windows 10 Pro", Saved: date("2026-11-20 09:05"), Bytes: 12 * gib, Complete: true},
		{Path: "/media/backup/PC-0412_2026-11-21_1000", Computer: "PC-0412", Product: "Windows 11 Pro", Saved: date("2026-11-21 10:00"), Bytes: 39 * gib, Complete: true, Protected: true},
		{Path: "/media/kingston/PC-0101", Computer: "PC-0101", Saved: date("2026-10-01 10:00"), Damaged: "its marker file is empty"},
	}
	return f
}

// The quick path: one Windows, one good stick, six keys to a running save.
func TestQuickPath(t *testing.T) {
	sit(t, office(), func(u *robot) {
		u.welcome()
		for !strings.Contains(u.frame(), "Saving to") && u.presses < 20 {
			u.press("enter")
		}
		if u.presses > 6 {
			t.Errorf("it took %d keys to start a save", u.presses)
		}
		if len(u.f.requests) != 1 {
			t.Fatalf("the engine was started %d times", len(u.f.requests))
		}
		req := u.f.requests[0]
		if req.StorePath != "/media/backup/PC-0412_2026-11-23_1412" || req.Password != "" || req.SkipVerify {
			t.Errorf("the request is %+v", req)
		}
		if !req.Select.OmitUsers["S-1-5-21-1-500"] || req.Select.OmitUsers["S-1-5-21-1-1001"] {
			t.Errorf("the users left out are %v", req.Select.OmitUsers)
		}
		u.halfway()
		u.finish()
		u.sees("SAVED", "SAFE TO WIPE?  YES", "REPORT.HTM", "return code 0")
	})
}

func putSome(ctl *job.Control) {
	ctl.Phase(job.Applying, 38*gib, 40898)
	ctl.Progress.AddBytes(9*gib, ctl.Clock())
	ctl.Progress.AddFiles(9000)
	ctl.Progress.SetCurrent(`C:\Users\anna.keller\Documents\report.docx`)
}
