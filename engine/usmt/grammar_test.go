package usmt

import (
	"errors"
	"math/rand"
	"reflect"
	"strings"
	"testing"
	"testing/quick"
	"time"
)

var (
	windows = System{Dir: `C:\work`}
	unix    = System{SlashPaths: true, Dir: "/root"}
)

// scan parses a line written as it would be typed.
func scan(t *testing.T, sys System, line string) *ScanState {
	t.Helper()
	s, err := ParseScanState(Split(line), sys)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return s
}

func TestForms(t *testing.T) {
	want := NewScanState()
	want.StorePath = `E:\my store`
	want.Rules = []string{"migdocs.xml", `C:\my rules\app.xml`}
	want.Log = "scan.log"
	want.Verbosity = 13
	want.Continue = true
	want.Users.Include = []string{`dom\first last`}
	for _, line := range []string{
		`"E:\my store" /i:migdocs.xml /i:"C:\my rules\app.xml" /l:scan.log /v:13 /c /ui:"dom\first last"`,
		`/I:migdocs.xml "/i:C:\my rules\app.xml" /L scan.log /V 13 /C "/UI:dom\first last" "E:\my store"`,
		`-i migdocs.xml -i "C:\my rules\app.xml" "E:\my store" -l:scan.log -v:13 -c -ui "dom\first last"`,
		`--i=migdocs.xml "--i=C:\my rules\app.xml" --l scan.log --v=13 --c --ui="dom\first last" "E:\my store"`,
	} {
		for _, sys := range []System{windows, unix} {
			if got := scan(t, sys, line); !reflect.DeepEqual(got, want) {
				t.Errorf("%s:\n got %+v\nwant %+v", line, got, want)
			}
		}
	}
}

func TestStrayWords(t *testing.T) {
	s, err := ParseScanState([]string{`E:\store`, "\r\n", " ", "", "/c"}, windows)
	if err != nil || s.StorePath != `E:\store` || !s.Continue {
		t.Errorf("got %+v, %v", s, err)
	}
	s, err = ParseScanState([]string{`"E:\store"`, `/ue:"corp\ann b"`, `"/ui:corp\x"`}, windows)
	if err != nil || s.StorePath != `E:\store` || s.Users.Exclude[0] != `corp\ann b` || s.Users.Include[0] != `corp\x` {
		t.Errorf("quotation marks that reach the program: got %+v, %v", s, err)
	}
}

func TestSlashPaths(t *testing.T) {
	s := scan(t, unix, `/mnt/usb/store /offlineWinDir /mnt/win/Windows /i:/etc/rules.xml /l /var/log/scan.log /o`)
	if s.StorePath != "/mnt/usb/store" || s.OfflineWinDir != "/mnt/win/Windows" || s.Rules[0] != "/etc/rules.xml" ||
		s.Log != "/var/log/scan.log" || !s.Overwrite {
		t.Errorf("got %+v", s)
	}
	// A folder in the root that has the name of no option is a path ...
	if s := scan(t, unix, `/store`); s.StorePath != "/store" {
		t.Errorf("StorePath = %q", s.StorePath)
	}
	// ... below the name of an option too ...
	if s := scan(t, unix, `/i/store /o`); s.StorePath != "/i/store" {
		t.Errorf("StorePath = %q", s.StorePath)
	}
	// ... and on Windows a share may be written with slashes.
	if s := scan(t, windows, `//server/share/store /l://server/share/scan.log`); s.StorePath != "//server/share/store" {
		t.Errorf("StorePath = %q", s.StorePath)
	}
}

// An option whose argument may be left out takes it after a colon only.
func TestOptionalArgument(t *testing.T) {
	s := scan(t, windows, `/nocompress /p E:\store`)
	if !s.Estimate || s.EstimateFile != "" || s.StorePath != `E:\store` {
		t.Errorf("got %+v", s)
	}
	s = scan(t, windows, `/p:size.xml E:\store`)
	if !s.Estimate || s.EstimateFile != "size.xml" {
		t.Errorf("got %+v", s)
	}
	s = scan(t, windows, `/encrypt /key:secret E:\store`)
	if s.Cipher != TripleDES || s.Key != "secret" {
		t.Errorf("got %+v", s)
	}
	s = scan(t, windows, `/encrypt:aes_256 /keyfile key.txt E:\store`)
	if s.Cipher != AES256 || s.KeyFile != "key.txt" {
		t.Errorf("got %+v", s)
	}
}

func TestDefaults(t *testing.T) {
	s := scan(t, windows, `E:\store`)
	if s.Log != "ScanState.log" || s.Retries != 3 || s.Wait != 1 || s.EFS != EFSAbort || s.Level() != 0 || s.Cipher != "" {
		t.Errorf("got %+v", s)
	}
	if s := scan(t, windows, `E:\store /auto`); s.Level() != 5 {
		t.Errorf("level with /auto = %d", s.Level())
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"/?"}, {"-?"}, {"/help"}, {"--help"}, {"-h"}, {"/i", "a.xml", "/HELP"}} {
		for _, sys := range []System{windows, unix} {
			s, err := ParseScanState(args, sys)
			if err != nil || !s.Help {
				t.Errorf("%q: %+v, %v", args, s, err)
			}
		}
	}
	for name, text := range map[string]string{"scanstate": HelpScanState(), "loadstate": HelpLoadState(), "usmtutils": HelpUsmtUtils()} {
		for n, line := range strings.Split(text, "\n") {
			if len(line) > 79 && !strings.HasPrefix(line, "  /") {
				t.Errorf("%s: line %d of the help has %d columns", name, n+1, len(line))
			}
		}
		for _, o := range tableOf(name) {
			got := strings.Count(text, "\n  "+o.usage()+" ") + strings.Count(text, "\n  "+o.usage()+"\n")
			if o.help != "" && got != 1 {
				t.Errorf("%s: the help lists %s %d times", name, o.usage(), got)
			}
		}
	}
}

func TestFailures(t *testing.T) {
	long := strings.Repeat("x", 257)
	for _, c := range []struct {
		line string
		code Code
		what string // part of the words
		mark string // the word after ##ERROR##
	}{
		{``, InvalidParameters, "no options", ""},
		{`/c`, InvalidParameters, "store path is missing", ""},
		{`E:\store F:\store`, InvalidParameters, "two store paths", `F:\store`},
		{`C:\`, InvalidParameters, "drive C:", `C:\`},
		{`c: /c`, InvalidParameters, "drive C:", `c:`},
		{`E:\store /nosuch`, InvalidParameters, "no option /nosuch", `/nosuch`},
		{`E:\store /i`, InvalidParameters, "/i needs an argument", `/i`},
		{`E:\store /l /v:5`, InvalidParameters, "/l needs an argument", `/l`},
		{`E:\store /i:`, InvalidParameters, "argument of /i is empty", `/i:`},
		{`E:\store /c:yes`, InvalidParameters, "/c takes no argument", `/c:yes`},
		{`E:\store /c /c`, InvalidParameters, "more than once", `/c`},
		{`E:\store /l:a /L:b`, InvalidParameters, "more than once", `/L:b`},
		{`E:\store /v:abc`, InvalidParameters, "whole number", `/v:abc`},
		{`E:\store /v:16`, InvalidParameters, "from 0 to 15", `/v:16`},
		{`E:\store /r:-1`, InvalidParameters, "whole number", `/r:-1`},
		{`E:\store /w:1.5`, InvalidParameters, "whole number", `/w:1.5`},
		{`E:\store /efs:maybe`, InvalidParameters, `does not know "maybe"`, `/efs:maybe`},
		{`E:\store /encrypt:rot13 /key:k`, InvalidParameters, `does not know "rot13"`, `/encrypt:rot13`},
		{`E:\store /encrypt /key:""`, UnableReadKey, "key is empty", `/key:***`},
		{`E:\store /ue:corp\`, InvalidParameters, "needs a user", `/ue:corp\`},
		{`E:\store /uel:soon`, InvalidParameters, "number of days", `/uel:soon`},
		{`E:\store /uel:2026/13/01`, InvalidParameters, "number of days", `/uel:2026/13/01`},
		{`E:\store /i:` + long, ParamTooLarge, "257 characters", `/i:` + long},
		{`E:\` + long, ParamTooLarge, "260 characters", `E:\` + long},
		{strings.Repeat("x", 250), ParamTooLarge, "258 characters", strings.Repeat("x", 250)}, // C:\work in front
		{`"E:\my store\" /c`, InvalidParameters, "quotation mark", `"E:\my`},
		{`E:\store /l:E:\store\USMT\scan.log`, LogFileFailed, "inside the store", `/l:E:\store\USMT\scan.log`},
		{`store /l:C:\WORK\Store\x\..\usmt\scan.log`, LogFileFailed, "inside the store", `/l:C:\WORK\Store\x\..\usmt\scan.log`},
		{`E:\store\ /progress:e:/STORE/USMT/p.log`, ProgressLogFailed, "inside the store", `/progress:e:/STORE/USMT/p.log`},
		{`E:\store /listfiles:E:\store\USMT\files.txt`, InvalidParameters, "inside the store", `/listfiles`},
		{`E:\store /p:E:\store\USMT\size.xml`, PreflightFile, "inside the store", `/p`},
		{`E:\store /encrypt AES_256 /key:k`, InvalidParameters, "after a colon only", `AES_256`},
		{`/p size.xml E:\store`, InvalidParameters, "after a colon only", `size.xml`},
		{`E:\store /apps`, InvalidParameters, "running Windows", `/apps`},
		{`E:\store /ppkg x.ppkg`, InvalidParameters, "running Windows", `/ppkg`},
		{`E:\store /lac`, InvalidParameters, "an option of loadstate", `/lac`},
		{`E:\store /extract`, InvalidParameters, "an option of usmtutils", `/extract`},
	} {
		_, err := ParseScanState(Split(c.line), windows)
		checkFailure(t, c.line, err, c.code, c.what, c.mark)
	}
}

func checkFailure(t *testing.T, line string, err error, code Code, what, mark string) {
	t.Helper()
	var f *Failure
	if !errors.As(err, &f) {
		t.Errorf("%s: error %v, want rc %d", line, err, code)
		return
	}
	if f.Code != code || !strings.Contains(f.What, what) {
		t.Errorf("%s: rc %d %q, want rc %d with %q", line, f.Code, f.What, code, what)
	}
	if _, after, _ := strings.Cut(f.Line, errorMark+" "); mark != "" && !strings.HasPrefix(after, mark) {
		t.Errorf("%s: the pointer is wrong in %q, want it before %s", line, f.Line, mark)
	}
	if f.Remedy == "" && f.Code.Remedy() == "" {
		t.Errorf("%s: no remedy", line)
	}
}

func TestSuggestions(t *testing.T) {
	for line, want := range map[string]string{
		`E:\store /nocompres`:                  "/nocompress",
		`E:\store /offlineWindDir:D:\Windows`:  "/offlineWinDir",
		`E:\store /progres:x`:                  "/progress",
		`E:\store /` + strings.Repeat("a", 99): "/? lists",
	} {
		for _, sys := range []System{windows, unix} {
			_, err := ParseScanState(Split(line), sys)
			if err == nil || !strings.Contains(Explain("scanstate", err), want) && !sys.SlashPaths {
				t.Errorf("%s: %v, want a hint at %s", line, err, want)
			}
		}
	}
	_, err := ParseScanState([]string{"/mnt/usb", "/nocompres"}, unix)
	if text := Explain("scanstate", err); !strings.Contains(text, "perhaps /nocompress") {
		t.Errorf("an option misspelt where paths begin with a slash:\n%s", text)
	}
}

// Where paths begin with a slash, an option of another tool looks like one.
func TestOptionsOfOtherTools(t *testing.T) {
	for _, c := range []struct{ tool, line, what, mark string }{
		{"scanstate", "/mnt/usb /lac:pw", "/lac is an option of loadstate", "/lac"},
		{"scanstate", "/MD:a:b /mnt/usb", "/md is an option of loadstate", "/MD"},
		{"scanstate", "/mnt /media", "two store paths", "/media"},
		{"loadstate", "/mnt/usb /o", "/o is an option of scanstate", "/o"},
		{"loadstate", "/mnt/usb /efs:skip", "/efs is an option of scanstate", "/efs"},
		{"usmtutils", "/verify /mnt/usb /efs:skip", "/efs is an option of scanstate", "/efs"},
		{"usmtutils", "/verify /mnt/usb /bogus", "one path too many: /bogus", "/bogus"},
	} {
		var err error
		switch c.tool {
		case "scanstate":
			_, err = ParseScanState(Split(c.line), unix)
		case "loadstate":
			_, err = ParseLoadState(Split(c.line), unix)
		default:
			_, err = ParseUsmtUtils(Split(c.line), unix)
		}
		checkFailure(t, c.tool+" "+c.line, err, InvalidParameters, c.what, c.mark)
	}
}

func TestSecretsAreHidden(t *testing.T) {
	for _, line := range []string{
		`E:\store /encrypt /key:hush /nosuch`,
		`E:\store /encrypt /key hush /nosuch`,
		`E:\store /nosuch /encrypt -key=hush`,
		`E:\store /encrypt /key:hush /KEY:hush`,
		`E:\store /encrypt /key:hush` + strings.Repeat("h", 300),
	} {
		_, err := ParseScanState(Split(line), windows)
		if text := Explain("scanstate", err); err == nil || strings.Contains(text, "hush") {
			t.Errorf("%s:\n%s", line, text)
		}
	}
	s := scan(t, windows, `E:\store /encrypt:AES /key:hush`)
	if got := s.CommandLine(windows); got != `scanstate E:\store /encrypt:AES /key:***` {
		t.Error(got)
	}
	l, err := ParseLoadState(Split(`E:\store /lac:hush`), windows)
	if err != nil || strings.Contains(l.CommandLine(windows), "hush") {
		t.Error(l, err)
	}
	for _, line := range []string{`E:\store /lac hush`, `/lac hush E:\store`, `/lac hush E:\store /nosuch`, `/l load.log /lac:hush E:\store /nosuch`} {
		_, err := ParseLoadState(Split(line), windows)
		if text := Explain("loadstate", err); err == nil || strings.Contains(text, "hush") {
			t.Errorf("%s:\n%s", line, text)
		}
	}
	// A store path after /lac is no password.
	if _, err := ParseLoadState(Split(`/lac E:\store /nosuch`), windows); !strings.Contains(Explain("loadstate", err), `E:\store`) {
		t.Error(err)
	}
}

// A key may hold what no path can.
func TestKeyWithQuotes(t *testing.T) {
	s, err := ParseScanState([]string{`E:\store`, "/encrypt", `/key:a"b\`}, windows)
	if err != nil || s.Key != `a"b\` {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestEchoReadsWell(t *testing.T) {
	_, err := ParseScanState(Split(`"E:\my store" /i:"C:\a b.xml" /v:abc /o`), windows)
	want := `scanstate: /v needs a whole number from 0 to 15, not "abc"
  scanstate "E:\my store" /i:"C:\a b.xml" ##ERROR## /v:abc /o
  write /v:n
return code 11, USMT_INVALID_PARAMETERS
`
	if got := Explain("scanstate", err); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// Rules of interplay, one line each (spec/usmt-cli-spec.md 2.8).
func TestScanInterplay(t *testing.T) {
	for _, c := range []struct{ rule, broken, mark, kept string }{
		{"R1", `S /all /ui:a\b`, `/ui`, `S /ui:a\b`},
		{"R1", `S /ue:a\b /all`, `/all`, `S /all`},
		{"R1", `S /all /uel:30`, `/uel`, `S /uel:30`},
		{"R2", `S /encrypt /key:k /nocompress`, `/nocompress`, `S /encrypt /key:k`},
		{"R3", `S /encrypt`, `/encrypt`, `S /encrypt /keyfile:k.txt`},
		{"R4", `S /key:k`, `/key`, `S /key:k /encrypt`},
		{"R4", `S /keyfile:k`, `/keyfile`, `S /keyfile:k /encrypt`},
		{"R5", `S /encrypt /key:k /keyfile:k.txt`, `/keyfile`, `S /encrypt /key:k`},
		{"R6", `S /hardlink`, `/hardlink`, `S /hardlink /nocompress`},
		{"R7", `S /hardlink /nocompress /vsc`, `/vsc`, `S /vsc`},
		{"R8", `S /efs:hardlink`, `/efs`, `S /efs:hardlink /hardlink /nocompress`},
		{"R8", `S /efs:HardLink /nocompress`, `/efs`, `S /efs:skip`},
		{"R9", `S /listfiles:f /p:s.xml`, `/p`, `S /listfiles:f`},
		{"R10", `S /p`, `/p`, `S /p /nocompress`},
		{"R11", `/genconfig:c.xml /listfiles:f`, `/listfiles`, `/genconfig:c.xml /i:a.xml /v:5 /l:x.log /o /all /nocompress /targetwindows8`},
		{"R11", `/genconfig:c.xml /efs:skip /c`, `/efs`, `/genconfig:c.xml /offlineWinDir:D:\Windows`},
		{"R12", `/genmigxml:m.xml /ui:a\b`, `/ui`, `/genmigxml:m.xml /i:a.xml`},
		{"R12", `/genmigxml:m.xml /genconfig:c.xml`, `/genmigxml`, `/genmigxml:m.xml`},
		{"R13", `S /auto /all`, `/all`, `S /auto`},
		{"R13", `S /auto:D:\usmt /ui:a\b`, `/ui`, `S /auto:D:\usmt /i:more.xml`},
		{"R13", `S /auto /ue:a\b`, `/ue`, `S /auto /c`},
		{"R13", `S /auto /v:13`, `/v`, `S /auto /l:x.log`},
		{"R14", `S /offline:o.xml /offlineWinDir:D:\Windows`, `/offlineWinDir`, `S /offline:o.xml`},
		{"R14", `S /offlineWinOld:C:\Windows.old /offline:o.xml`, `/offline:`, `S /offlineWinOld:C:\Windows.old`},
		{"R14", `S /offlineWinDir:D:\Windows /offlineWinOld:D:\Windows.old`, `/offlineWinOld`, `S /offlineWinDir:D:\Windows`},
		{"R15", `/c`, ``, `S /c`},
		{"R15", `S T`, `T`, `S`},
		{"R18", `S /genconfig:c.xml`, `/genconfig`, `/genconfig:c.xml`},
		{"R18", `/genmigxml:m.xml S`, `S`, `/genmigxml:m.xml`},
	} {
		_, err := ParseScanState(Split(c.broken), windows)
		checkFailure(t, c.rule+" "+c.broken, err, InvalidParameters, "", c.mark)
		if _, err := ParseScanState(Split(c.kept), windows); err != nil {
			t.Errorf("%s: %s: %v", c.rule, c.kept, err)
		}
	}
}

// R17: files can be linked on their own volume only.
func TestHardLinkElsewhere(t *testing.T) {
	s := scan(t, windows, `E:\store /hardlink /nocompress`)
	if err := s.CheckHardLink(true); err != nil {
		t.Error(err)
	}
	if err := s.CheckHardLink(false); CodeOf(err) != InvalidParameters {
		t.Error(err)
	}
	if err := scan(t, windows, `E:\store /nocompress`).CheckHardLink(false); err != nil {
		t.Error(err)
	}
}

func TestLoadInterplay(t *testing.T) {
	for _, c := range []struct{ rule, broken, mark, kept string }{
		{"R1", `S /all /ue:a\b`, `/ue`, `S /ue:a\b`},
		{"R2", `S /decrypt /key:k /nocompress`, `/nocompress`, `S /decrypt /key:k`},
		{"R3", `S /decrypt`, `/decrypt`, `S /decrypt /keyfile:k`},
		{"R4", `S /key:k`, `/key`, `S /key:k /decrypt:AES_128`},
		{"R5", `S /decrypt /keyfile:f /key:k`, `/key`, `S /decrypt /key:k`},
		{"R6", `S /hardlink`, `/hardlink`, `S /hardlink /nocompress`},
		{"R13", `S /auto /all`, `/all`, `S /auto`},
		{"R15", `/c`, ``, `S /c`},
		{"R16", `S /lae`, `/lae`, `S /lae /lac:pw`},
		{"md", `S /md:corp`, `/md`, `S /md:corp:contoso /md:old*:new`},
		{"md", `S /md:corp:`, `/md`, `S /md oldpc:corp`},
		{"mu", `S /mu:a*:b`, `/mu`, `S /mu:corp\a:contoso\b /mu:local:corp\b`},
		{"mu", `S /mu:a`, `/mu`, `S /mu:a:AzureAD\name@tenant.example`},
		{"genconfig", `S /genconfig:x`, `/genconfig`, `S /q`},
	} {
		_, err := ParseLoadState(Split(c.broken), windows)
		checkFailure(t, c.rule+" "+c.broken, err, InvalidParameters, "", c.mark)
		if _, err := ParseLoadState(Split(c.kept), windows); err != nil {
			t.Errorf("%s: %s: %v", c.rule, c.kept, err)
		}
	}
	for _, name := range []string{"offline", "offlineWinOld"} {
		line := `S /` + name + `:D:\Windows`
		_, err := ParseLoadState(Split(line), windows)
		checkFailure(t, line, err, UnsupportedPlatform, "is for saving", "/"+name)
	}
}

func TestUsmtUtils(t *testing.T) {
	for line, want := range map[string]UsmtUtils{
		`/ec`:                       {ListCiphers: true},
		`/rd C:\store /y`:           {Remove: `C:\store`, Yes: true},
		`/verify E:\store`:          {Verify: VerifySummary, Store: `E:\store`},
		`/verify:ALL E:\s /l:v.log`: {Verify: VerifyAll, Store: `E:\s`, Log: "v.log"},
		`/Verify:FailureOnly E:\s`:  {Verify: VerifyFailures, Store: `E:\s`},
		`E:\s /verify:catalog`:      {Verify: VerifyCatalog, Store: `E:\s`},
		`/extract E:\s D:\out /o`:   {Extract: true, Store: `E:\s`, Destination: `D:\out`, Overwrite: true},
		`/extract /i:"*.txt; *.pdf" E:\s /e:*.exe,*.com D:\out`: {Extract: true, Store: `E:\s`, Destination: `D:\out`,
			Include: []string{"*.txt", "*.pdf"}, Exclude: []string{"*.exe", "*.com"}},
		`/verify:all E:\s /decrypt:AES_256 /keyfile:k.txt`: {Verify: VerifyAll, Store: `E:\s`, Cipher: AES256, KeyFile: "k.txt"},
		`/verify /decrypt /key:pw E:\s`:                    {Verify: VerifySummary, Store: `E:\s`, Cipher: TripleDES, Key: "pw"},
	} {
		got, err := ParseUsmtUtils(Split(line), windows)
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", line, got, err, want)
			continue
		}
		again, err := ParseUsmtUtils(got.Args(), windows)
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%s: printed and parsed again: %+v, %v", line, again, err)
		}
	}
	for line, mark := range map[string]string{
		``:                          ``,
		`E:\s`:                      ``,
		`/verify`:                   ``,
		`/verify:most E:\s`:         `/verify:most`,
		`/verify E:\s E:\t`:         `E:\t`,
		`/extract E:\s`:             ``,
		`/ec /verify E:\s`:          `/verify`,
		`/verify E:\s /extract`:     `/extract`,
		`/verify E:\s /i:*.txt`:     `/i`,
		`/ec /y`:                    `/y`,
		`/ec E:\s`:                  `E:\s`,
		`/extract E:\s D:\o /i:";"`: `/i`,
		`/verify E:\s /decrypt`:     `/decrypt`,
		`/verify E:\s /key:k`:       `/key`,
		`/extract E:\s D:\o /ui:a`:  `/ui`,

		`/extract E:\s e:\S\usmt\out`:           `e:\S\usmt\out`,
		`/extract E:\s\USMT E:\s\USMT\out`:      `E:\s\USMT\out`,
		`/extract E:\s\USMT\USMT.MIG E:\s\USMT`: `E:\s\USMT`,
	} {
		_, err := ParseUsmtUtils(Split(line), windows)
		checkFailure(t, line, err, InvalidParameters, "", mark)
	}
}

func TestNotes(t *testing.T) {
	s := scan(t, windows, `S /vsc /targetwindows7 /uel:30 /ue:a\*`)
	if notes := strings.Join(s.Notes(), "\n"); strings.Count(notes, "no effect") != 3 {
		t.Error(notes)
	}
	if notes := scan(t, windows, `S /c`).Notes(); notes != nil {
		t.Error(notes)
	}
}

// TestPrintAndParse makes up ScanState values and reads back what they print.
func TestPrintAndParse(t *testing.T) {
	check := func(seed int64) bool {
		r := rand.New(rand.NewSource(seed))
		s := randomScan(r)
		for _, sys := range []System{windows, unix} {
			if sys.SlashPaths {
				s.StorePath = "/mnt/usb/" + s.StorePath
			}
			got, err := ParseScanState(s.Args(), sys)
			if err != nil || !reflect.DeepEqual(got, s) {
				t.Logf("%q\n got %+v, %v\nwant %+v", s.Args(), got, err, s)
				return false
			}
		}
		return reflect.DeepEqual(Split(Join(windows, s.Args())), s.Args())
	}
	if err := quick.Check(check, &quick.Config{MaxCount: 2000}); err != nil {
		t.Error(err)
	}
}

func randomScan(r *rand.Rand) *ScanState {
	one := func(words ...string) string { return words[r.Intn(len(words))] }
	some := func(words ...string) []string {
		var all []string
		for range r.Intn(3) {
			all = append(all, one(words...))
		}
		return all
	}
	yes := func() bool { return r.Intn(2) == 0 }
	file := func() string {
		return one("", "a.xml", `C:\my files\b.xml`, `\\srv\share\c d`, "/mnt/x/y.xml", "ключ.txt")
	}
	s := NewScanState()
	s.StorePath = one(`E:\store`, `\\srv\mig store`, "//srv/st ore", "rel", `D:\trailing\`)
	s.Overwrite, s.VSC, s.LocalOnly, s.Continue, s.JSON = yes(), false, yes(), yes(), yes()
	s.Rules = some("a.xml", `C:\rules here\b.xml`, "/r/c.xml")
	s.Config, s.ListFiles = file(), file()
	s.Verbosity, s.Retries, s.Wait = r.Intn(16), r.Intn(5), r.Intn(5)
	s.EFS = EFS(one("abort", "skip", "copyraw", "decryptcopy"))
	switch r.Intn(4) {
	case 0:
		s.NoCompress, s.HardLink = true, yes()
	case 1:
		s.Cipher, s.Key = Ciphers()[r.Intn(6)], one("k", `with "quotes" \`, "a b", `trail\\`, "-dash", "50%&|")
	case 2:
		s.Cipher, s.KeyFile = Ciphers()[r.Intn(6)], "k.txt"
	}
	switch r.Intn(4) {
	case 0:
		s.OfflineWinDir = `D:\Windows`
	case 1:
		s.OfflineWinOld = `C:\Windows.old`
	case 2:
		s.Offline = `o x.xml`
	}
	switch r.Intn(3) {
	case 0:
		s.Users.All = true
	case 1:
		s.Users.Include, s.Users.Exclude = some(`corp\ann`, `*\*`, "S-1-5-21-*"), some(`a b\c d`, "*-500")
		s.Users.Recent = []Recent{{}, {Days: 30}, {LoggedOn: true}, {Since: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}}[r.Intn(4)]
	}
	if s.ListFiles == "" && yes() {
		s.Estimate, s.EstimateFile = true, "size.xml"
	}
	if yes() {
		s.TargetWindows = []string{"windows8", "windows7"}
	}
	return s
}

func FuzzParse(f *testing.F) {
	f.Add(`E:\store /i:a.xml /ui:"a b\c" /p /encrypt:AES /key:x`, false)
	f.Add(`/mnt/usb /offlineWinDir /mnt/w -v=5 --c`, true)
	f.Add(`/verify:all E:\s /decrypt /key "x`, false)
	f.Fuzz(func(t *testing.T, text string, slash bool) {
		sys := windows
		if slash {
			sys = unix
		}
		args := Split(text)
		if s, err := ParseScanState(args, sys); err != nil {
			Explain("scanstate", err)
			var f *Failure
			if !errors.As(err, &f) {
				t.Errorf("%T is no Failure", err)
			}
		} else if !s.Help {
			again, err := ParseScanState(s.Args(), sys)
			// Words that only look right in the place they had are the exception.
			if err == nil && !reflect.DeepEqual(s, again) {
				t.Errorf("%q\nprinted as %q\nread as %+v\nwas %+v", args, s.Args(), again, s)
			}
		}
		ParseLoadState(args, sys)
		ParseUsmtUtils(args, sys)
	})
}
