package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
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

// Who saves by the command line hears of a dying disk before the start, as in the
// wizard, and once.
func TestFailingDiskIsTold(t *testing.T) {
	const says = "the disk itself says that it is failing (SMART)"
	var console, log bytes.Buffer
	r := quietRun(t, nil)
	r.stderr, r.log = &console, usmt.NewLog(&log, 0, r.clock)
	r.describe(&found{inst: &engine.Installation{Notes: []string{says, "another note"}}, health: says})
	for name, text := range map[string]string{"console": console.String(), "log": log.String()} {
		if strings.Count(text, says) != 1 || !strings.Contains(text, "no chkdsk") || !strings.Contains(text, "another note") {
			t.Errorf("%s: %s", name, text)
		}
	}
	if !strings.Contains(console.String(), "WARNING: "+says) {
		t.Error(console.String())
	}
}

// A key file is read as Notepad and PowerShell write it (spec/usmt-cli-spec.md 2.1).
func TestKeyFile(t *testing.T) {
	for data, want := range map[string]string{
		"a b c":                                  "a b c",
		"a b c\r\n":                              "a b c",
		"\xef\xbb\xbfclé\n":                      "clé",
		"\xff\xfea\x00 \x00\xe9\x00\r\x00\n\x00": "a é",
		"\xfe\xff\x00a\x00 \x00\xe9":             "a é",
		"two\nlines\n":                           "two\nlines",
		"":                                       "",
		"\r\n":                                   "",
		"\xff\xfe":                               "",
		strings.Repeat("x", 257):                 "",
	} {
		name := filepath.Join(t.TempDir(), "key.txt")
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := (&program{}).readKey("", name)
		if got != want || (want == "") != (usmt.CodeOf(err) == usmt.UnableReadKey) {
			t.Errorf("%q: %q, %v", data, got, err)
		}
	}
}

// Half an output is removed, but never what is no file: /p:/dev/stdout.
func TestRemoveFile(t *testing.T) {
	dir := t.TempDir()
	file, folder := filepath.Join(dir, "file"), filepath.Join(dir, "folder")
	if err := errors.Join(os.WriteFile(file, nil, 0o644), os.Mkdir(folder, 0o755)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, folder, filepath.Join(dir, "gone")} {
		removeFile(name)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || left[0].Name() != "folder" {
		t.Errorf("left are %v, %v", left, err)
	}
}
