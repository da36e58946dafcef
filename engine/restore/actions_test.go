package restore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
)

// actionRules have something run at every point of a restore.
const actionRules = `<migration urlid="http://lifeboat.example/actions">
  <component type="Documents" context="System"><displayName>Shared</displayName><role role="Data"><rules>
    <include><objectSet><pattern type="File">%PUBLIC%\* [*]</pattern></objectSet></include>
    <externalProcess when="pre-scan"><commandLine>scanned</commandLine></externalProcess>
    <externalProcess when="pre-apply"><commandLine> before "%PUBLIC%" </commandLine></externalProcess>
    <externalProcess when="apply-success"><commandLine>after</commandLine></externalProcess>
    <processing when="apply-success">
      <script>MigXmlHelper.RemoveEmptyDirectories("%PUBLIC%\Old\*")</script>
      <script>MigXmlHelper.RegisterFonts("%CSIDL_FONTS%\* [*.ttf]")</script>
      <script>MigXmlHelper.RegisterFonts("%PUBLIC%\Fonts")</script>
      <script>MigXmlHelper.SyncSCM("Spooler")</script>
      <script>MigXmlHelper.StopService("Spooler")</script>
      <script>MigXmlHelper.AskForLogoff()</script>
    </processing>
  </rules></role></component>
  <component type="Documents" context="User"><displayName>Mine</displayName><role role="Data"><rules>
    <include><objectSet><pattern type="File">%CSIDL_DESKTOP%\* [*]</pattern></objectSet></include>
    <externalProcess when="post-apply"><commandLine>for %USERNAME%</commandLine></externalProcess>
  </rules></role></component>
</migration>`

// font is a TrueType font with nothing but a name.
func font(name string) string {
	be := binary.BigEndian
	text := []byte{}
	for _, c := range name {
		text = be.AppendUint16(text, uint16(c))
	}
	b := []byte("\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00name\x00\x00\x00\x00\x00\x00\x00\x1C\x00\x00\x00\x00")
	for _, n := range []int{0, 1, 18, 3, 1, 0x409, 4, len(text), 0} {
		b = be.AppendUint16(b, uint16(n))
	}
	return string(append(b, text...))
}

func notices(result *Result) []string {
	var all []string
	for _, p := range result.Problems {
		if p.Kind == job.Notice {
			all = append(all, p.Path+": "+p.Text)
		}
	}
	return all
}

// In a Windows that is not running, what needs no program is done, and the rest is
// said once.
func TestActionsOffline(t *testing.T) {
	a, b := firstPC(t), secondPC(t)
	writeFile(t, a.path(`C:\Users\Public\Fonts\house.ttf`), font("House Serif"))
	writeFile(t, b.path(`C:\Windows\Fonts\corp.ttf`), font("Corp Sans Bold"))
	writeFile(t, b.path(`C:\Windows\Fonts\broken.ttf`), font("Corp")[:40])
	for _, dir := range []string{`a\b\c`, `d`} {
		if err := os.MkdirAll(b.path(`C:\Users\Public\Old\`+dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, b.path(`C:\Users\Public\Old\a\kept.txt`), "not empty")
	before := tree(t, b.dir)
	s := save(t, a.detect(t), actionRules)
	journal := t.TempDir() + "/journal"
	result, err := put(t, s, b.detect(t), func(r *Request) { r.Journal, r.CreateAccounts = journal, true })
	if err != nil {
		t.Fatal(err)
	}
	if result.Count != 1 || !slices.ContainsFunc(result.Problems, func(p job.Problem) bool { return strings.Contains(p.Text, "broken.ttf: the font is cut off") }) {
		t.Errorf("%d problems", result.Count)
	}
	got := strings.Join(notices(result), "\n")
	for _, want := range []string{
		`before "C:\Users\Public": pre-apply of a.xml line 5 was not run: the Windows is not running`,
		"after: apply-success of a.xml line 6 was not run: the Windows is not running",
		"for anna: post-apply of a.xml line 18 was not run: the Windows is not running",
		`MigXmlHelper.SyncSCM("Spooler"): apply-success of a.xml line 7 was not run: SyncSCM is not supported`,
		`MigXmlHelper.StopService("Spooler"): apply-success of a.xml line 7 was not run: the Windows is not running`,
	} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q is not said once in\n%s", want, got)
		}
	}
	if strings.Contains(got, "scanned") {
		t.Errorf("the scan's are none of the restore's:\n%s", got)
	}
	if !slices.ContainsFunc(result.Warnings, func(w string) bool { return strings.HasPrefix(w, "sign out and in again") }) {
		t.Errorf("%q", result.Warnings)
	}
	for dir, want := range map[string]bool{`a\b\c`: false, `a\b`: false, `d`: false, `a`: true, ``: true} {
		if _, err := os.Stat(b.path(`C:\Users\Public\Old\` + dir)); (err == nil) != want {
			t.Errorf(`%s: %v`, dir, err)
		}
	}
	fonts := loadHive(t, b.path(`C:\Windows\System32\config\SOFTWARE`)).Root().Find(fontsKey)
	for name, want := range map[string]string{
		"Corp Sans Bold (TrueType)": "corp.ttf", "House Serif (TrueType)": `C:\Users\Public\Fonts\house.ttf`,
	} {
		if fonts == nil || fonts.Str(name) != want {
			t.Errorf("font %s is not known as %s", name, want)
		}
	}
	if _, err := Undo(journal, nil); err != nil {
		t.Fatal(err)
	}
	sameTrees(t, before, tree(t, b.dir))
}

// What only the store knows is never run, and the person is told.
func TestActionsOfStoreAlone(t *testing.T) {
	s := save(t, firstPC(t), actionRules, testRules)
	s.rules = s.rules[1:]
	result, err := put(t, s, secondPC(t), func(r *Request) { r.CreateAccounts = true })
	if err != nil {
		t.Fatal(err)
	}
	got := notices(result)
	if n := len(got); n != 13 || !strings.Contains(got[0], "this rule file was not given") {
		t.Errorf("%d: %q", n, got)
	}
}

// recorder is a Runner that says what it was asked for.
type recorder struct {
	lines []string
	code  int
	err   error
}

func (r *recorder) Run(_ context.Context, line string) ([]byte, int, error) {
	r.lines = append(r.lines, line)
	return []byte("said\r\n\x1b[31mthis"), r.code, r.err
}

func TestActionsLive(t *testing.T) {
	system := migxml.Context{ID: systemID, System: true}
	at := func(command, script string) action {
		return action{Deferred: migxml.Deferred{File: "a.xml", Line: 7, When: applySuccess, Command: command, Script: script}, dest: system}
	}
	evil := at("for him", "")
	evil.person = &Person{Name: "x&calc", isNew: true, Profile: `C:\Users\x&calc`}
	there := at("for her", "")
	there.person = &Person{Name: "x&y", Profile: `C:\Users\x&y`}
	actions := []action{
		at("tool.exe /x", ""), at("", `MigXmlHelper.StopService("Print Spooler")`), at("", `MigXmlHelper.StartService("Spooler","a b")`), evil, there,
	}
	for _, c := range []struct {
		name   string
		runner recorder
		dry    bool
		lines  int
		count  int64
		text   string
	}{
		{"runs", recorder{}, false, 4, 0, ""},
		{"fails", recorder{code: 5}, false, 4, 4, "apply-success of a.xml line 7: ended with code 5"},
		{"does not start", recorder{err: errors.New("there is no program")}, false, 4, 4, "apply-success of a.xml line 7: there is no program"},
		{"dry run", recorder{}, true, 0, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctl := job.NewControl(clock, nil)
			r := &run{ctl: ctl, result: &Result{}, said: map[string]bool{}, actions: actions}
			r.req = Request{Live: true, Runner: &c.runner, DryRun: c.dry}
			for _, when := range []string{preApply, applySuccess} {
				if err := r.act(t.Context(), when); err != nil {
					t.Fatal(err)
				}
			}
			if len(c.runner.lines) != c.lines || c.lines > 0 && (c.runner.lines[1] != `net stop "Print Spooler"` || c.runner.lines[2] != `sc start "Spooler" "a b"`) {
				t.Errorf("ran %q", c.runner.lines)
			}
			if r.result.Count != c.count || c.count > 0 && r.result.Problems[0].Text != c.text {
				t.Errorf("%d problems: %+v", r.result.Count, r.result.Problems)
			}
			if got := notices(r.result); len(got) != 1 || !strings.Contains(got[0], "the user's name has characters") {
				t.Errorf("%q", got)
			}
			if c.dry && len(r.result.Changes) != 4 {
				t.Errorf("%+v", r.result.Changes)
			}
			events, _ := ctl.Events.Take(t.Context())
			var log bytes.Buffer
			for _, e := range events {
				log.WriteString(e.Text + "\n")
			}
			if !c.dry && (!strings.Contains(log.String(), "run tool.exe /x\n  said\n") || strings.Contains(log.String(), "\x1b")) {
				t.Errorf("log %q", log.String())
			}
		})
	}
}

func FuzzFontName(f *testing.F) {
	f.Add([]byte(font("A")))
	f.Add([]byte("ttcf\x00\x01\x00\x00\x00\x00\x00\x01\x00\x00\x00\x10" + font("A")))
	f.Fuzz(func(t *testing.T, data []byte) {
		name, err := fontName(bytes.NewReader(data))
		if err == nil && len(text(name)) > len(data) {
			t.Errorf("%d bytes of name from %d", len(name), len(data))
		}
	})
}
