package engine

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"lifeboat/engine/job"
	"lifeboat/engine/report"
	"lifeboat/engine/store"
	"lifeboat/engine/teamkey"
	"lifeboat/engine/usmt"
)

func teamOf(t *testing.T) ([]Recipient, []byte) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	to, err := teamkey.ParseRecipients(id.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	return to, []byte(id.String())
}

func TestTeamKey(t *testing.T) {
	e := newEngine(t)
	_, plan := planned(t, e)
	team, identity := teamOf(t)
	_, stranger := teamOf(t)
	dest := t.TempDir()
	r, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: dest, Team: team}, control())
	if err != nil || r.Outcome != report.Saved || !r.Protected {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, m, err := store.Inspect(dest); err != nil || !m.Protected {
		t.Errorf("marker %+v, %v", m, err)
	}
	for _, guess := range []string{"", store.NoPassword, team[0].String()} {
		_, err := e.Verify(t.Context(), StoreRef{Path: dest, Password: guess}, control())
		f := (*usmt.Failure)(nil)
		if !errors.As(err, &f) || f.Code != usmt.InvalidKey || !strings.Contains(f.Remedy, "/identity") {
			t.Errorf("opened with %q: %v", guess, err)
		}
	}
	if _, err := TeamPassword(dest, stranger, ""); usmt.CodeOf(err) != usmt.InvalidKey || !errors.Is(err, teamkey.ErrWrongIdentity) {
		t.Errorf("a stranger's identity: %v", err)
	}
	password, err := TeamPassword(dest, identity, "")
	if err != nil {
		t.Fatal(err)
	}
	if v, err := e.Verify(t.Context(), StoreRef{Path: dest, Password: password}, control()); err != nil || !v.OK() {
		t.Errorf("verify: %+v, %v", v, err)
	}
	// The secret is nowhere in the clear, the public key is in README.txt.
	readme, err := os.ReadFile(filepath.Join(store.Dir(dest), "README.txt"))
	if err != nil || !strings.Contains(string(readme), team[0].String()) {
		t.Errorf("README.txt: %v\n%s", err, readme)
	}
	for _, name := range []string{r.HTMLPath, r.TextPath, filepath.Join(store.Dir(dest), "USMT.MIG"), filepath.Join(store.Dir(dest), "README.txt"), filepath.Join(store.Dir(dest), "KEY.AGE")} {
		if text, err := os.ReadFile(name); err != nil || strings.Contains(string(text), password) {
			t.Errorf("%s holds the password, or cannot be read: %v", name, err)
		}
	}

	t.Run("stock kopia", func(t *testing.T) {
		program, err := exec.LookPath("kopia")
		if err != nil {
			t.Skip("no kopia on PATH")
		}
		home := t.TempDir()
		for _, args := range [][]string{
			{"repository", "connect", "filesystem", "--readonly", "--path", store.Dir(dest)},
			{"snapshot", "verify", "--verify-files-percent=100"},
		} {
			cmd := exec.CommandContext(t.Context(), program, args...)
			cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME="+home, "XDG_CONFIG_HOME="+home,
				"KOPIA_CONFIG_PATH="+filepath.Join(home, "repository.config"), "KOPIA_CHECK_FOR_UPDATES=false", "KOPIA_PASSWORD="+password)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("kopia %v: %v\n%s", args, err, out)
			}
		}
	})

	// A plain store has no team key.
	plain := t.TempDir()
	if _, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: plain}, control()); err != nil {
		t.Fatal(err)
	}
	if TeamLocked(plain) {
		t.Error("a plain store is locked with a team key")
	}
	if _, err := TeamPassword(plain, identity, ""); usmt.CodeOf(err) != usmt.InvalidKey {
		t.Errorf("a plain store: %v", err)
	}
}

// A save that was stopped is gone on with by who holds the identity, and by nobody else.
func TestTeamKeyGoesOn(t *testing.T) {
	e := newEngine(t)
	_, plan := planned(t, e)
	team, identity := teamOf(t)
	dest := t.TempDir()
	stopping := CaptureRequest{Plan: plan, StorePath: dest, Team: team}
	ctx, cancel := context.WithCancel(t.Context())
	ctl := control()
	ctl.Gate.Pause() // nothing is read before the end
	go func() {
		for {
			events, err := ctl.Events.Take(ctx)
			for _, ev := range events {
				if ev.Kind == job.PhaseBegan && ev.Phase == job.Saving {
					cancel()
				}
			}
			if err != nil {
				return
			}
		}
	}()
	if _, err := e.Capture(ctx, stopping, ctl); !errors.Is(err, context.Canceled) {
		t.Fatalf("the save was not stopped: %v", err)
	}
	if state, _, _ := store.Inspect(dest); state != store.Incomplete {
		t.Fatalf("the store is %s", state)
	}
	_, err := e.Capture(t.Context(), stopping, control())
	if usmt.CodeOf(err) != usmt.InvalidKey {
		t.Errorf("going on without the identity: %v", err)
	}
	password, err := TeamPassword(dest, identity, "")
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: dest, Password: password}, control())
	if err != nil || r.Outcome != report.Saved || !r.Protected {
		t.Errorf("going on: %+v, %v", r, err)
	}
}
