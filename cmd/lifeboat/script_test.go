package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lifeboat/engine/bitlocker"
	"lifeboat/engine/sample"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lifeboat": main, "scanstate": main, "loadstate": main, "usmtutils": main})
}

// TestScripts runs testdata/script, which reads as a manual of the commands and
// their return codes. Beside testscript's own commands there are
//
//	rc 27 scanstate …    run a program and expect its return code
//	pc dir               build the small broken PC: dir/disk and dir/stick
//	json [name…]         the last output is one JSON value; it, or the first of it if it
//	                     is a list, has these members
//	image file kind dir  make a disk image with the volume of that PC: plain, locked
//	                     (with sample's keys) or suspended
//	same dir1 dir2       every file of dir1 is in dir2, with the same bytes and time
//	linked a b           two names of one file
//	damage file          turn around the bytes in the middle of a file
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("COLUMNS", "80")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"json": isJSON, "rc": rc, "pc": pc, "image": image, "same": same, "damage": damage, "linked": linked,
		},
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, errors.New("unknown condition")
		},
	})
}

func rc(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: rc code program [argument…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("return code %d, want %d", got, want)
	}
}

func isJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: json [name…]")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	for _, name := range args {
		if object, ok := v.(map[string]any); !ok || object[name] == nil {
			ts.Fatalf("there is no %s", name)
		}
	}
}

func pc(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: pc dir")
	}
	_, err := sample.Create(ts.MkAbs(args[0]), time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	ts.Check(err)
}

func image(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: image file kind dir")
	}
	volume, err := sample.NTFS(filepath.Join(ts.MkAbs(args[2]), "disk"), "Windows")
	ts.Check(err)
	var protectors []bitlocker.NewProtector
	switch args[1] {
	case "plain":
	case "locked":
		protectors = []bitlocker.NewProtector{
			{Kind: bitlocker.KindRecovery, Secret: sample.RecoveryPassword}, {Kind: bitlocker.KindPassword, Secret: sample.Passphrase}, {Kind: bitlocker.KindStartup},
		}
	case "suspended":
		protectors = []bitlocker.NewProtector{{Kind: bitlocker.KindClear}}
	default:
		ts.Fatalf("unknown kind %s", args[1])
	}
	if protectors != nil {
		var made bitlocker.Created
		volume, made, err = sample.Encrypt(volume, bitlocker.MethodXTS128, 1, protectors...)
		ts.Check(err)
		for _, key := range made.StartupKeys {
			ts.Check(os.WriteFile(ts.MkAbs("key.bek"), key, 0o644))
		}
	}
	disk, err := sample.Disk(sample.Partition{GUID: [16]byte{1}, Name: "Empty", Volume: make([]byte, 1<<20)}, sample.Partition{GUID: sample.PartitionGUID(), Name: "Windows", Volume: volume})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), disk, 0o644))
}

func same(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: same dir1 dir2")
	}
	a, b := ts.MkAbs(args[0]), ts.MkAbs(args[1])
	files := 0
	ts.Check(filepath.WalkDir(a, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		other := filepath.Join(b, strings.TrimPrefix(path, a))
		want, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		got, err := os.ReadFile(other)
		if err != nil {
			return err
		}
		was, err := os.Stat(path)
		if err != nil {
			return err
		}
		is, err := os.Stat(other)
		if err != nil {
			return err
		}
		if !bytes.Equal(want, got) || !was.ModTime().Equal(is.ModTime()) {
			ts.Fatalf("%s and %s differ", path, other)
		}
		return nil
	}))
	if files == 0 {
		ts.Fatalf("%s is empty", args[0])
	}
}

func linked(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: linked a b")
	}
	a, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	b, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if os.SameFile(a, b) == neg {
		ts.Fatalf("the same file: %v", !neg)
	}
}

func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: damage pattern")
	}
	names, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(names) == 0 {
		ts.Fatalf("%s: no such file", args[0])
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		ts.Check(err)
		for i := len(data) / 3; i < 2*len(data)/3; i++ {
			data[i] ^= 0x5A
		}
		ts.Check(os.Chmod(name, 0o600))
		ts.Check(os.WriteFile(name, data, 0o600))
	}
}
