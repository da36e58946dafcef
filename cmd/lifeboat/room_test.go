package main

import (
	"io"
	"testing"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/sample"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
)

func TestWorkingRoom(t *testing.T) {
	for free, want := range map[int64]usmt.Code{250<<20 - 1: usmt.StartupFailed, 250 << 20: usmt.Success} {
		asked := ""
		p := &program{freeSpace: func(dir string) (int64, error) { asked = dir; return free, nil }}
		r := &scanRun{program: p, engine: &engine.Engine{TempDir: "/work.dir"}}
		if err := r.checkWorkingRoom(); usmt.CodeOf(err) != want || asked != "/work.dir" {
			t.Errorf("%d bytes free in %s: %v", free, asked, err)
		}
	}
}

func TestProfileErrors(t *testing.T) {
	users := []engine.User{
		{SID: sample.MachineSID + "-1001", Profile: `C:\Users\anna`, State: windows.Present},
		{SID: sample.MachineSID + "-1002", Profile: `C:\Users\TEMP`, State: windows.Temporary},
		{SID: sample.MachineSID + "-1003", Profile: `C:\Users\gone`, State: windows.NoFolder},
		{SID: sample.MachineSID + "-1001", Profile: `C:\Users\anna.old`, State: windows.Orphaned},
		{Profile: `C:\Users\x`, State: windows.Orphaned}, {Profile: `C:\Users\y`, State: windows.Orphaned}, // nobody's SID is known: not doubled
	}
	for _, c := range []struct {
		env   map[string]string
		users []engine.User
		want  usmt.Code
		left  int
	}{
		{nil, users, usmt.Success, 6},
		{map[string]string{"MIG_FAIL_ON_PROFILE_ERROR": "0"}, users, usmt.Success, 6},
		{map[string]string{"MIG_FAIL_ON_PROFILE_ERROR": "1"}, users, usmt.InitError, 6},
		{map[string]string{"MIG_FAIL_ON_PROFILE_ERROR": "1"}, users[2:3], usmt.Success, 1},
		{map[string]string{"MIG_IGNORE_PROFILE_MISSING": "1"}, users, usmt.Success, 5},
	} {
		inst := &engine.Installation{Users: append([]engine.User{}, c.users...)}
		if err := quietRun(t, c.env).profileErrors(inst); usmt.CodeOf(err) != c.want || len(inst.Users) != c.left {
			t.Errorf("%v: %d users left, %v", c.env, len(inst.Users), err)
		}
	}
}

// quietRun is a run whose words nobody hears.
func quietRun(t *testing.T, env map[string]string) *scanRun {
	t.Helper()
	clock := func() time.Time { return time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC) }
	p := &program{stderr: io.Discard, getenv: func(name string) string { return env[name] }, clock: clock}
	return &scanRun{program: p, logs: logs{on: p, log: usmt.NewLog(io.Discard, 0, clock)}}
}
