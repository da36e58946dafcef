package capture

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/usmt"
	"lifeboat/engine/volume"
)

func TestErrorControl(t *testing.T) {
	p, m := pc(t, nil)
	anna := p.Users[0].SID
	plan := scanRequest(t, ScanRequest{Machine: m, Rules: []RuleFile{{"test.xml", []byte(testRules)}}, RulesOnly: true})
	decider, notes := plan.ErrorControl(&usmt.Config{
		FileErrors: []usmt.ErrorRule{
			{Code: 32, Pattern: "* [*]"},
			{Fatal: true, Pattern: `%CSIDL_PERSONAL%\Ledger\* [*]`},
			{Fatal: true, Code: 23, Pattern: `%CSIDL_PERSONAL%\* [*.odt]`},
			{Fatal: true, Message: "Cloud", Pattern: "* [*]"},
			{Fatal: true, Pattern: `%NO_SUCH_VARIABLE%\* [*]`},
		},
		RegistryErrors: []usmt.ErrorRule{{Code: 0, Pattern: `HKCU\* [*]`}, {Fatal: true, Pattern: `HKLM\* [*]`}},
	})
	if len(notes) != 1 || !strings.Contains(notes[0], "NO_SUCH_VARIABLE") {
		t.Errorf("notes %q", notes)
	}
	for _, c := range []struct {
		q    job.Question
		want job.Answer
	}{
		{job.Question{Topic: job.UnreadableFile, Path: `C:\Users\anna\Documents\Ledger\2026.dat`, Code: 32}, job.Skip}, // the first rule decides
		{job.Question{Topic: job.UnreadableFile, Path: `C:\Users\anna\Documents\Ledger\2026.dat`, Code: 5}, job.Stop},
		{job.Question{Topic: job.UnreadableFile, Path: `C:\Users\M.OSTROWSKI\documents\ledger\a`, Code: 5}, job.Stop}, // every user's folder, any case
		{job.Question{Topic: job.UnreadableFile, Path: `C:\Users\anna\Documents\a.odt`, Code: 23}, job.Stop},
		{job.Question{Topic: job.UnreadableFile, Path: `C:\Users\anna\Documents\a.odt`, Code: 5}, job.Skip},
		{job.Question{Topic: job.UnreadableFile, Path: `C:\Users\anna\Documents\a.doc`, Code: 23}, job.Skip},
		{job.Question{Topic: job.UnreadableFile, Path: `C:\x`, Text: "a cloud file"}, job.Stop},
		{job.Question{Topic: job.UnreadableKey, Path: `HKU\` + anna}, job.Skip},
		{job.Question{Topic: job.UnreadableKey, Path: `HKLM\SOFTWARE`}, job.Stop},
		{job.Question{Topic: job.MediumGoneQ, Path: `E:\`}, job.Stop},
	} {
		if got, err := decider.Decide(t.Context(), c.q); err != nil || got != c.want {
			t.Errorf("%+v: %s, %v", c.q, got, err)
		}
	}
}

// What ends a run is a problem that says so, with the code of the error.
func TestAbortIsAProblem(t *testing.T) {
	_, m := pc(t, func(v volume.Volume) volume.Volume {
		return strange{v, nil, map[string]error{`anna\Documents\Letters\letter 03.txt`: syscall.EIO}}
	})
	plan := scan(t, m)
	ctl := job.NewControl(clock, job.Always{Unreadable: job.Stop})
	if _, err := Gather(t.Context(), GatherRequest{Plan: plan, Store: newStore(t)}, ctl); !errors.Is(err, ErrStopped) {
		t.Fatal(err)
	}
	var aborts []job.Problem
	for _, e := range events(t, ctl) {
		if e.Kind == job.ProblemSeen && e.Problem.Abort {
			aborts = append(aborts, e.Problem)
		}
	}
	if len(aborts) != 1 || aborts[0].Code != usmt.Win32(syscall.EIO) || !strings.HasSuffix(aborts[0].Path, "letter 03.txt") {
		t.Errorf("%+v", aborts)
	}
}

func TestUsersAreAnnounced(t *testing.T) {
	_, m := pc(t, nil)
	ctl := job.NewControl(clock, nil)
	if _, err := Gather(t.Context(), GatherRequest{Plan: scan(t, m), Store: newStore(t)}, ctl); err != nil {
		t.Fatal(err)
	}
	var users []string
	for _, e := range events(t, ctl) {
		if e.Kind == job.UserBegan && !slices.Contains(users, e.Text) {
			users = append(users, e.Text)
		}
	}
	slices.Sort(users)
	if got := strings.Join(users, ", "); got != `, CORP\gone, CORP\m.ostrowski, PC-0412\anna, PC-0412\localadmin` {
		t.Errorf("users %s", got)
	}
}

// A hive that does not open, though rules reach it, is a problem of its user.
func TestDamagedHiveIsAProblem(t *testing.T) {
	p, _ := pc(t, nil)
	name := filepath.Join(p.Volume, "Users", "anna", "NTUSER.DAT")
	if err := os.WriteFile(name, bytes.Repeat([]byte("no hive "), 1024), 0o644); err != nil {
		t.Fatal(err)
	}
	anna := p.Users[0].SID
	m := open(t, p, nil)
	m.Users[0].ID = anna // its name is in SAM, its SID in ProfileList
	plan := scan(t, m)
	result, err := Gather(t.Context(), GatherRequest{Plan: plan, Store: newStore(t)}, job.NewControl(clock, nil))
	if err != nil || result.Count != 1 || result.Problems[0].Kind != job.Damaged || result.Problems[0].User != anna {
		t.Fatalf("%+v, %v", result.Problems, err)
	}
	omit := Selection{OmitUsers: map[string]bool{anna: true}}
	result, err = Gather(t.Context(), GatherRequest{Plan: plan, Store: newStore(t), Select: omit}, job.NewControl(clock, nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range result.Problems {
		if problem.User == anna {
			t.Errorf("a user left out has a problem: %+v", problem)
		}
	}
	_, err = Gather(t.Context(), GatherRequest{Plan: plan, Store: newStore(t)}, job.NewControl(clock, job.Always{Unreadable: job.Stop}))
	if !errors.Is(err, ErrStopped) {
		t.Errorf("without /c it ended with %v", err)
	}
}

func TestKeepDropsUnits(t *testing.T) {
	p, m := pc(t, nil)
	plan := scanRequest(t, ScanRequest{Machine: m, Rules: []RuleFile{{"test.xml", []byte(testRules)}},
		Keep: func(u migxml.Unit) bool { return u.Component != "Text files" }})
	if len(plan.Dropped) != len(p.Users)+1 { // and the orphaned profile
		t.Errorf("dropped %+v", plan.Dropped)
	}
	if slices.Contains(plan.Components, "Text files") || len(plan.Detected()) != len(plan.Units)+len(plan.Dropped) {
		t.Errorf("components %q, %d detected", plan.Components, len(plan.Detected()))
	}
}

func TestLocalOnly(t *testing.T) {
	_, m := pc(t, nil)
	m.Drives[0].Removable = true
	rules := []RuleFile{{"test.xml", []byte(testRules)}}
	if n := scanRequest(t, ScanRequest{Machine: m, Rules: rules}).Totals(Selection{}).Files; n == 0 {
		t.Error("nothing is taken from a removable drive")
	}
	if n := scanRequest(t, ScanRequest{Machine: m, Rules: rules, LocalOnly: true}).Totals(Selection{}).Files; n != 0 {
		t.Errorf("%d files are taken from a removable drive", n)
	}
}

func TestExplain(t *testing.T) {
	p, m := pc(t, func(v volume.Volume) volume.Volume {
		return stated{strange{v, map[string]func(*volume.Info){
			"letter 01.txt": func(i *volume.Info) { i.Attr |= volume.RecallOnDataAccess },
			"letter 02.txt": func(i *volume.Info) { i.Attr |= volume.Encrypted },
		}, nil}}
	})
	plan := scanRequest(t, ScanRequest{Machine: m, Rules: []RuleFile{{"test.xml", []byte(testRules)}}, RulesOnly: true})
	for object, want := range map[string]string{
		`C:\Users\anna\Documents\Letters\letter 04.txt`: `true saved by Documents for PC-0412\anna`,
		`c:\users\ANNA\documents`:                       `true saved by Documents for PC-0412\anna`,
		`C:\Users\anna\Documents\Private\diary.odt`:     `false left behind by the exclude at test.xml:4`,
		`C:\Users\anna\Documents\Letters\letter 01.txt`: `false the rules ask for it, but it is only in the cloud`,
		`C:\Users\anna\Documents\Letters\letter 02.txt`: `false the rules ask for it, but it is encrypted (EFS)`,
		`C:\Windows\explorer.exe`:                       `false left behind: no rule is about it`,
		`C:\`:                                           `false left behind: no rule is about it`,
		`X:\a`:                                          `false left behind: no rule is about it`,
		`HKLM\Software\Ledger [Licence]`:                `true saved by Shared for the computer`,
		`HKEY_LOCAL_MACHINE\Software\Ledger`:            `true saved by Shared for the computer`,
		`HKLM\Software\Ledger [None]`:                   `false the rules ask for it, but the key has no such value`,
		`HKU\` + p.Users[0].SID + `\Software\Ledger`:    `true saved by Ledger for PC-0412\anna`,
	} {
		all, err := plan.Explain(object)
		if err != nil || len(all) != 1 {
			t.Fatalf("%s: %+v, %v", object, all, err)
		}
		got := "false "
		if all[0].Taken {
			got = "true "
		}
		if got += all[0].Why; got != want {
			t.Errorf("%s: %s, want %s", object, got, want)
		}
	}
	all, err := plan.Explain(`HKCU\Software\Ledger [Blob]`)
	if err != nil || len(all) != len(p.Users)+1 {
		t.Fatalf("%+v, %v", all, err)
	}
	all, err = plan.Explain(`C:\Users\anna\Documents\Private\a.txt`)
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, r := range all[0].Rules {
		rules = append(rules, r.Component+" "+r.Kind)
	}
	if got := strings.Join(rules, ", "); got != "Documents exclude, Documents include, Text files include" {
		t.Errorf("rules %s", got)
	}
	for _, object := range []string{"", "Documents", `\\server\share`, `C:\*`, `HKLM\x [`} {
		if _, err := plan.Explain(object); err == nil {
			t.Errorf("%q has an explanation", object)
		}
	}
}

// stated shows files in Stat as strange does in ReadDir.
type stated struct{ strange }

func (s stated) Stat(path string) (volume.Info, error) {
	info, err := s.strange.Stat(path)
	if change := s.change[info.Name]; change != nil {
		change(&info)
	}
	return info, err
}

// The rule file that names what the document finder found takes the same files.
func TestDocumentFinderRoundTrip(t *testing.T) {
	_, m := pc(t, nil)
	found := scanRequest(t, ScanRequest{Machine: m, Rules: []RuleFile{DocumentFinder()}})
	var b bytes.Buffer
	if err := found.WriteDocuments(&b); err != nil {
		t.Fatal(err)
	}
	named := scanWith(t, m, b.String())
	if len(named.Diagnostics) > 0 {
		t.Errorf("%v", named.Diagnostics)
	}
	paths := func(p *Plan) []string {
		var all []string
		if err := p.EachFile(Selection{}, func(f PlannedFile) error { all = append(all, f.Path); return nil }); err != nil {
			t.Fatal(err)
		}
		return all
	}
	want, got := paths(found), paths(named)
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("%d files, want %d\n%s", len(got), len(want), &b)
	}
	if !strings.Contains(b.String(), `External_UserDocs - PC-0412\anna`) {
		t.Errorf("%s", &b)
	}
}
