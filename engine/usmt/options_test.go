package usmt

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// What becomes of an option of spec/usmt-cli-spec.md 2.
type fate string

const (
	isActing  fate = "acts"    // and the test named beside it shows how
	isNoted   fate = "noted"   // is accepted, and the log says why it has no effect
	isRefused fate = "refused" // with the reason
)

const scripts = "cmd/lifeboat/testdata/script/"

// Every option of ScanState, as the specification lists them.
var optionFates = []struct {
	section string
	line    string // with the option
	fate    fate
	proof   string // of one that acts: a test where it makes a difference
}{
	{"2.1", "S /o", isActing, scripts + "save.txtar"},
	{"2.1", "S /nocompress", isActing, scripts + "outputs.txtar"},
	{"2.1", "S /hardlink /nocompress", isActing, scripts + "options.txtar"},
	{"2.1", "S /encrypt:AES_256 /key:k", isActing, scripts + "save.txtar"},
	{"2.1", "S /key:k /encrypt", isActing, scripts + "restore-refused.txtar"},
	{"2.1", "S /keyfile:k.txt /encrypt", isActing, scripts + "save.txtar"},
	{"2.1", "S /vsc", isNoted, ""},
	{"2.1", "S /apps", isRefused, ""},
	{"2.1", "S /apps:-sysdrive", isRefused, ""},
	{"2.1", "S /ppkg x.ppkg", isRefused, ""},
	{"2.1", "S /diff:base.spp", isRefused, ""},
	{"2.1", "S /drivers:+n:*", isRefused, ""},
	{"2.2", "S /offline:o.xml", isActing, scripts + "offline.txtar"},
	{"2.2", `S /offlineWinDir:D:\Windows`, isActing, scripts + "offline.txtar"},
	{"2.2", `S /offlineWinOld:D:\Windows.old`, isActing, scripts + "offline.txtar"},
	{"2.3", "S /i:a.xml", isActing, scripts + "rules.txtar"},
	{"2.3", "S /config:c.xml", isActing, scripts + "config.txtar"},
	{"2.3", "/genconfig:c.xml", isActing, scripts + "config.txtar"},
	{"2.3", "/genmigxml:m.xml", isActing, scripts + "outputs.txtar"},
	{"2.3", "S /auto:dir", isActing, scripts + "rules.txtar"},
	{"2.3", "S /localonly", isActing, "engine/capture/question_test.go"},
	{"2.3", "S /targetwindows8", isNoted, ""},
	{"2.3", "S /targetwindows7", isNoted, ""},
	{"2.3", "S /targetvista", isNoted, ""},
	{"2.3", "S /targetxp", isNoted, ""},
	{"2.4", "S /l:x.log", isActing, scripts + "save.txtar"},
	{"2.4", "S /v:13", isActing, scripts + "outputs.txtar"},
	{"2.4", "S /progress:p.log", isActing, scripts + "outputs.txtar"},
	{"2.4", "S /listfiles:f.txt", isActing, scripts + "outputs.txtar"},
	{"2.4", "S /c", isActing, scripts + "unreadable.txtar"},
	{"2.4", "S /r:5", isActing, "engine/engine_test.go"},
	{"2.4", "S /w:5", isActing, "engine/engine_test.go"},
	{"2.4", "S /p:size.xml", isActing, scripts + "outputs.txtar"},
	{"2.5", "S /all", isActing, scripts + "users.txtar"},
	{"2.5", `S /ui:corp\ann`, isActing, scripts + "users.txtar"},
	{"2.5", `S /ue:*\*`, isActing, scripts + "users.txtar"},
	{"2.5", "S /uel:30", isActing, scripts + "users.txtar"},
	{"2.7", "S /efs:skip", isActing, "engine/capture/efs_test.go"},
	// Lifeboat's own.
	{"-", "S /recoveryPassword:@f", isActing, scripts + "disks.txtar"},
	{"-", "S /passphrase:-", isActing, scripts + "disks.txtar"},
	{"-", "S /bek:k.bek", isActing, scripts + "disks.txtar"},
	{"-", "S /reader:raw", isActing, scripts + "disks.txtar"},
	{"-", "S /recipient:age1x", isActing, scripts + "teamkey.txtar"},
	{"-", "S /identity:f", isActing, scripts + "teamkey.txtar"},
	{"-", "S /json", isActing, scripts + "outputs.txtar"},
}

func TestEveryOption(t *testing.T) {
	missing := map[string]bool{}
	for _, o := range NewScanState().options() {
		missing[strings.ToLower(o.name)] = true
	}
	for _, c := range optionFates {
		words := Split(c.line)
		word := words[0]
		if word == "S" {
			word = words[1]
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(word, "/"), ":")
		delete(missing, strings.ToLower(name))
		s, err := ParseScanState(words, windows)
		if c.fate == isRefused {
			checkFailure(t, c.line, err, InvalidParameters, "needs a running Windows", word)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		plain := NewScanState()
		plain.StorePath = s.StorePath
		if reflect.DeepEqual(s, plain) {
			t.Errorf("%s changes nothing", c.line)
		}
		if told := strings.Contains(strings.ToLower(strings.Join(s.Notes(), "\n")), "/"+strings.ToLower(name)+" has no effect"); told != (c.fate == isNoted) {
			t.Errorf("%s: the notes are %q", c.line, s.Notes())
		}
		if c.fate != isActing {
			continue
		}
		text, err := os.ReadFile(filepath.Join("../..", filepath.FromSlash(c.proof)))
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		if strings.HasSuffix(c.proof, ".txtar") && !regexp.MustCompile(`(?im)^(\[.*\] )?rc \d+ scanstate .*[/-]`+name+`\b`).Match(text) {
			t.Errorf("%s: %s does not use it", c.line, c.proof)
		}
	}
	for name := range missing {
		t.Errorf("nothing is said of /%s", name)
	}
}

// A failure that is found later points at the word too.
func TestPointed(t *testing.T) {
	args := Split(`E:\store /i:a.xml /I b.xml /offlineDir:"D:\my Windows" /encrypt /key:hush /c`)
	for _, c := range []struct{ option, arg, mark string }{
		{"i", "b.xml", `##ERROR## /I b.xml`},
		{"i", "a.xml", `##ERROR## /i:a.xml`},
		{"offlineWinDir", "", `##ERROR## /offlineDir:"D:\my Windows"`},
		{StorePath, "", `##ERROR## E:\store`},
		{"key", "", `##ERROR## /key:***`},
		{"p", "", ""},
		{"i", "c.xml", ""},
	} {
		err := Pointed(At(Fail(InitError, nil, "wrong"), c.option, c.arg), "scanstate", windows, args)
		line := err.(*Failure).Line
		if !strings.Contains(line, c.mark) || c.mark == "" && line != "" || strings.Contains(line, "hush") {
			t.Errorf("%s %s: %s", c.option, c.arg, line)
		}
	}
	if err := Pointed(At(os.ErrNotExist, "i", ""), "scanstate", windows, args); err != os.ErrNotExist {
		t.Error(err)
	}
	if At(nil, "i", "") != nil || Pointed(nil, "scanstate", windows, args) != nil {
		t.Error("a failure out of nothing")
	}
}
