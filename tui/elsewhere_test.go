package tui

import (
	"context"
	"strings"
	"testing"

	"lifeboat/engine"
	"lifeboat/engine/job"
)

// answered asks and tells what was answered.
func (u *robot) answered(q job.Question) *job.Answer {
	answer := new(job.Answer)
	u.f.work <- func(ctx context.Context, ctl *job.Control) { *answer, _ = ctl.Ask(ctx, q) }
	u.settle()
	u.wait(deafFor)
	return answer
}

func TestFullStick(t *testing.T) {
	sit(t, spare(), func(u *robot) {
		u.toSaving()
		u.halfway()
		answer := u.answered(full)
		u.sees("The drive is full", "Still to save: about", "> I made room, try again", "Go on with another drive")
		u.press("down", "enter")
		u.sees("copied to it", "> /media/photos", "fits", "SMALL")
		u.press("esc")
		u.sees("The drive is full")
		u.press("enter", "enter")
		if want := job.GoOnIn("/media/photos/PC-0412_2026-11-23_1412"); *answer != want {
			t.Fatalf("answer %q, want %q\n%s", *answer, want, u.frame())
		}
		if len(u.r.overlays) != 0 {
			t.Errorf("%d dialogs are left", len(u.r.overlays))
		}
		u.engine(func(ctl *job.Control) {
			ctl.Events.Put(job.Event{Kind: job.MediumMoved, Text: "/media/photos/PC-0412_2026-11-23_1412"})
		})
		u.sees("Saving to /media/photos PHOTOS")
		if u.r.s.run.path != "/media/photos/PC-0412_2026-11-23_1412" {
			t.Errorf("the run is in %s", u.r.s.run.path)
		}
	})
}

// At a full drive the rest of a user can be left out: of those it matters for the most.
func TestLeaveOutARest(t *testing.T) {
	many := full
	many.Answers = []job.Answer{job.Retry, job.Elsewhere, job.Without, job.Stop}
	many.Rest = []job.Rest{{User: "S-1-5-21-1-1002", Bytes: 2 * gib}, {User: engine.SystemUser, Bytes: gib}, {User: "S-1-5-21-3623811015-3361044348-30300820-1107", Bytes: 1 << 20}, {User: "S-1-5-21-1-1001", Bytes: 1}}
	sit(t, spare(), func(u *robot) {
		u.toSaving()
		u.halfway()
		answer := u.answered(many)
		u.sees("Leave out the rest of m.ostrowski (2.0 GiB)", "Leave out the rest of Shared by all users (1.0 GiB)", "Leave out the rest of (name not known) (1.0 MiB)")
		if strings.Contains(u.frame(), "anna.keller (") {
			t.Errorf("all are listed:\n%s", u.frame())
		}
		u.press("down", "down", "enter")
		if want := job.GoOnWithout("S-1-5-21-1-1002"); *answer != want {
			t.Errorf("answer %q, want %q", *answer, want)
		}
		u.finish()
	})
}

// S asks that what is being read comes last, while there is something to read.
func TestPutOff(t *testing.T) {
	sit(t, office(), func(u *robot) {
		u.toSaving()
		u.press("s") // too early
		gate := u.r.s.run.ctl.Gate
		if gate.Round() != 0 {
			t.Error("put off before anything is read")
		}
		u.halfway()
		u.press("s")
		u.sees("Put off:")
		u.message()
		u.engine(func(ctl *job.Control) { ctl.Progress.AddPutOff(1) })
		u.sees("1 put off")
		if gate.Round() != 1 {
			t.Errorf("%d wishes", gate.Round())
		}
		u.press("b")
		u.sees("Put off with all that is in it: anna.keller", "the mountains, second week")
		u.message()
		if !gate.IsPutOff(`C:\Users\anna.keller\Pictures\2019\Holidays in the mountains, second week\more\a.jpg`) || gate.IsPutOff(`C:\Users\anna.keller\Pictures\2019\a.jpg`) {
			t.Error("another folder was put off")
		}
		u.engine(func(ctl *job.Control) { ctl.Progress.SetCurrent(`C:\pagefile.txt`) })
		u.press("b")
		u.sees("lies in no folder")
		if gate.Round() != 2 || gate.IsPutOff(`C:\x\y`) {
			t.Error("the whole drive was put off")
		}
		u.finish()
	})
}

// The drive is found under whatever name it comes back, once; or under its own
// while another one is being looked for.
func TestDriveComesBack(t *testing.T) {
	sit(t, spare(), func(u *robot) {
		u.toSaving()
		u.halfway()
		old := u.f.volumes[2]
		u.f.volumes = append(u.f.volumes[:2:2], u.f.volumes[3:]...)
		answer := u.answered(unplugged)
		u.sees("The drive is gone")
		other := old
		other.Mount, other.Disk.Serial = "/media/usb1", "BB"
		u.f.volumes = append(u.f.volumes, other)
		u.wait(2 * lookEvery)
		if *answer != "" {
			t.Fatalf("another drive was taken: %s", *answer)
		}
		old.Mount = "/media/usb2"
		u.f.volumes = append(u.f.volumes, old)
		u.wait(2 * lookEvery)
		if want := job.GoOnIn("/media/usb2/PC-0412_2026-11-23_1412"); *answer != want {
			t.Fatalf("answer %q, want %q\n%s", *answer, want, u.frame())
		}
		// The engine says no and asks again: this drive is not it.
		again := u.answered(unplugged)
		u.wait(3 * lookEvery)
		if *again != "" {
			t.Errorf("answered again: %s", *again)
		}
		u.press("down", "enter")
		u.sees("Go on with which drive?")
		u.r.s.run.ctl.Events.Put(job.Event{Kind: job.MediumBack})
		u.settle()
		if *again != job.Retry || len(u.r.overlays) != 0 {
			t.Errorf("after plugging in the answer is %q, with %d dialogs", *again, len(u.r.overlays))
		}
	})
}
