package restore

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lifeboat/engine/job"
	"lifeboat/engine/regf"
	"lifeboat/engine/sample"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
)

// The round trip: everything of one PC into another, on which one user is known
// by name, one comes with the domain, and one has no account.
func TestRoundTrip(t *testing.T) {
	a, b := firstPC(t), secondPC(t)
	s := save(t, a)
	result, err := put(t, s, b, func(r *Request) { r.CreateAccounts = true })
	if err != nil {
		t.Fatal(err)
	}
	if result.Count != 0 {
		t.Errorf("%d problems", result.Count)
	}
	want := map[string]struct {
		how How
		sid string
	}{
		"anna": {SameName, otherSID + "-1001"}, "m.ostrowski": {NewProfile, sample.DomainSID + "-1107"},
		"localadmin": {NewAccount, otherSID + "-1002"}, "gone": {NewProfile, sample.DomainSID + "-1555"},
	}
	for _, p := range result.People {
		w := want[string(p.Source.Name)]
		if p.How != w.how || p.SID != w.sid || p.Files+p.Identical == 0 || p.Values == 0 {
			t.Errorf("%s: %s as %s in %s, %d files, %d values, want %+v", p.Source.Name, p.How, p.SID, p.Profile, p.Files, p.Values, w)
		}
	}

	b.detect(t)
	for name, w := range want {
		u := b.user(name)
		if u == nil || u.SID != w.sid || u.State != windows.Present || u.Hive("NTUSER.DAT").State != "clean" {
			t.Errorf("%s: Windows would know %+v", name, u)
			continue
		}
		from := a.user(name)
		got := tree(t, b.path(u.Profile))
		for file, line := range tree(t, a.path(from.Profile)) {
			isDir := !strings.Contains(line, " ")
			if isProfileHive(file) || strings.Contains(strings.ToUpper(file), "USRCLASS") || strings.Contains(file, "Temp") || isDir {
				continue
			}
			if got[file] != line {
				t.Errorf("%s: %s is %.50q, want %.50q", name, file, got[file], line)
			}
		}
		h := loadHive(t, b.path(u.Profile+`\NTUSER.DAT`))
		source := loadHive(t, a.path(from.Profile+`\NTUSER.DAT`))
		for _, key := range []string{`Software\Ledger`, `Network\Z`, `Software\SimonTatham\PuTTY\Sessions\server`} {
			for _, v := range source.Find(key).Values() {
				if g, ok := h.Find(key).Value(v.Name); !ok || g.Type != v.Type || !bytes.Equal(g.Data, v.Data) {
					t.Errorf("%s: %s [%s] is %v %v", name, key, v.Name, g.Type, ok)
				}
			}
		}
		if !bytes.Contains(h.Root().Security(), binarySID(t, w.sid)) {
			t.Errorf("%s does not own the hive", name)
		}
		if from.Hive("UsrClass.dat").State == windows.Missing {
			continue
		}
		classes := loadHive(t, b.path(u.Profile+`\AppData\Local\Microsoft\Windows\UsrClass.dat`))
		if classes.Root().Name() != w.sid+"_Classes" || classes.Find(".ledger").Str("") != "Ledger.Document" {
			t.Errorf("%s: classes %s: %q", name, classes.Root().Name(), classes.Find(".ledger").Str(""))
		}
	}
	if got, _ := os.ReadFile(b.path(`C:\Users\anna\Documents\hers.txt`)); string(got) != "written on the new PC" {
		t.Errorf("anna's own document is %q", got)
	}
	fresh := loadHive(t, b.path(b.user("localadmin").Profile+`\NTUSER.DAT`))
	if n, _ := fresh.Find("Console").Uint("QuickEdit"); n != 1 {
		t.Error("the new profile does not begin with the settings of the default one")
	}
	if _, err := os.Stat(b.path(b.user("localadmin").Profile + `\Documents\desktop.ini`)); err != nil {
		t.Errorf("the default profile's files: %v", err)
	}
	if !b.user("localadmin").Disabled {
		t.Error("the new account is enabled")
	}
	checkHives(t, b)
}

func TestMissingAccountStopsBeforeAnythingIsWritten(t *testing.T) {
	a, b := firstPC(t), secondPC(t)
	s := save(t, a)
	before := tree(t, b.dir)
	if _, err := put(t, s, b, nil); !errors.Is(err, ErrNoAccount) {
		t.Fatalf("error %v", err)
	}
	sameTrees(t, before, tree(t, b.dir))
	result, err := put(t, s, b, func(r *Request) { r.SkipUsers = true })
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range result.People {
		if left := p.How == Left; left != (p.Source.Name == "localadmin") {
			t.Errorf("%s: %s, %s", p.Source.Name, p.How, p.Why)
		}
	}
	if b.detect(t).user("localadmin") != nil {
		t.Error("localadmin has a profile")
	}
}

func TestRunningAgainChangesNothing(t *testing.T) {
	a, b := firstPC(t), secondPC(t)
	s := save(t, a)
	lac := func(r *Request) { r.CreateAccounts = true }
	if _, err := put(t, s, b, lac); err != nil {
		t.Fatal(err)
	}
	before := tree(t, b.dir)
	result, err := put(t, s, b.detect(t), lac)
	if err != nil {
		t.Fatal(err)
	}
	if d := result.Done; d.Files != 0 || d.Renamed != 0 || d.Identical == 0 {
		t.Errorf("the second run: %+v", d)
	}
	sameTrees(t, before, tree(t, b.dir))
}

func TestUndoTakesAllOfItBack(t *testing.T) {
	a, b := firstPC(t), secondPC(t)
	writeFile(t, b.path(`C:\Users\anna\Desktop\To do.txt`), "another list")
	s := save(t, a)
	before := tree(t, b.dir)
	journal := ""
	if _, err := put(t, s, b, func(r *Request) { r.CreateAccounts = true; journal = r.Journal }); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.path(`C:\Users\anna\Desktop\To do(1).txt`)); err != nil {
		t.Error(err)
	}
	report, err := Undo(journal, nil)
	if err != nil {
		t.Fatal(err)
	}
	if report.Removed == 0 || report.Restored == 0 || report.Folders == 0 {
		t.Errorf("undo: %+v", report)
	}
	left := tree(t, b.dir)
	for name := range left {
		if strings.HasPrefix(name, keepTop) {
			t.Errorf("%s is left", name)
		}
	}
	sameTrees(t, before, left)
	if _, err := Undo(journal, nil); err == nil {
		t.Error("undone twice")
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	a, b := firstPC(t), secondPC(t)
	s := save(t, a)
	before := tree(t, b.dir)
	result, err := put(t, s, b, func(r *Request) { r.CreateAccounts, r.DryRun, r.Journal = true, true, "" })
	if err != nil {
		t.Fatal(err)
	}
	sameTrees(t, before, tree(t, b.dir))
	kinds := map[string]int{}
	for _, c := range result.Changes {
		kinds[c.What]++
	}
	for _, kind := range []string{"folder", "file", "value", "hive", "account", "replace"} {
		if kinds[kind] == 0 {
			t.Errorf("no change of kind %s in %v", kind, kinds)
		}
	}
	real, err := put(t, s, b, func(r *Request) { r.CreateAccounts = true })
	if err != nil || real.Done != result.Done {
		t.Errorf("announced %+v, done %+v, %v", result.Done, real.Done, err)
	}
}

func TestRenames(t *testing.T) {
	a := firstPC(t)
	s := save(t, a)
	b := secondPC(t)
	result, err := put(t, s, b, func(r *Request) {
		r.CreateAccounts = true
		r.MoveUsers = []usmt.Rename{{From: sample.Computer + `\localadmin`, To: `anna2`}, {From: "nobody", To: "somebody"}}
		r.MoveDomains = []usmt.Rename{{From: sample.Domain, To: otherComputer}}
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, p := range result.People {
		got[string(p.Source.Name)] = p.Account()
	}
	want := map[string]string{
		"anna": otherComputer + `\anna`, "localadmin": otherComputer + `\anna2`,
		"m.ostrowski": otherComputer + `\m.ostrowski`, "gone": otherComputer + `\gone`,
	}
	for name, account := range want {
		if got[name] != account {
			t.Errorf("%s became %s, want %s", name, got[name], account)
		}
	}
	if !strings.Contains(strings.Join(result.Warnings, "\n"), "/mu:nobody:somebody matches no user") {
		t.Errorf("warnings: %q", result.Warnings)
	}
	checkHives(t, b.detect(t))
}

// A rule file that was changed between saving and restoring counts as it is now.
func TestRulesOfTheDestination(t *testing.T) {
	a, b := firstPC(t), secondPC(t)
	s := save(t, a)
	const more = `
    <merge script="MigXmlHelper.SourcePriority()"><objectSet><pattern type="File">%CSIDL_DESKTOP%\* [*]</pattern></objectSet></merge>
    <merge script="MigXmlHelper.DestinationPriority()"><objectSet>
      <pattern type="File">%CSIDL_FAVORITES%\* [*]</pattern>
      <pattern type="Registry">HKCU\Network\* [*]</pattern>
    </objectSet></merge>
    <locationModify script="MigXmlHelper.RelativeMove('%CSIDL_MYPICTURES%','%CSIDL_PERSONAL%\Old pictures')"><objectSet>
      <pattern type="File">%CSIDL_MYPICTURES%\* [*]</pattern></objectSet></locationModify>
    <contentModify script="MigXmlHelper.ConvertToDWORD('7')"><objectSet>
      <pattern type="Registry">HKCU\Software\SimonTatham\* [HostName]</pattern></objectSet></contentModify>
    <destinationCleanup><objectSet><pattern type="File">%CSIDL_DOWNLOADS%\* [*.part]</pattern></objectSet></destinationCleanup>
  </rules></role></component>
  <component type="System"`
	changed := strings.Replace(testRules, "\n  </rules></role></component>\n  <component type=\"System\"", more, 1)
	// What it detects is the capture's business (spec/migxml-spec.md 1.3).
	changed = strings.Replace(changed, `<role role="Data"><rules>`, `<role role="Data"><detection><conditions><condition>`+
		`MigXmlHelper.DoesObjectExist("File","C:\nowhere")</condition></conditions></detection><rules>`, 1)
	if changed == testRules {
		t.Fatal("the rules were not changed")
	}
	for file, content := range map[string]string{
		`Desktop\To do.txt`: "another list", `Favorites\Intranet.url`: "mine", `Downloads\x.part`: "half", `Downloads\y.txt`: "whole",
	} {
		writeFile(t, b.path(`C:\Users\anna\`+file), content)
	}
	editHive(t, b.path(`C:\Users\anna\NTUSER.DAT`), func(root *regf.Node) {
		h := &hive{root: root, subs: map[*regf.Node]map[string]*regf.Node{}}
		h.put(h.key(`Network\Z`), regf.Value{Name: "RemotePath", Type: regf.Sz, Data: utf16Data(`\\new\share`)})
	})
	result, err := put(t, s, b.detect(t), func(r *Request) {
		r.SkipUsers = true
		r.Rules = []RuleFile{{"a.xml", []byte(changed)}}
	})
	if err != nil {
		t.Fatal(err)
	}
	read := func(file string) string {
		data, err := os.ReadFile(b.path(`C:\Users\anna\` + file))
		if err != nil {
			return err.Error()
		}
		return string(data)
	}
	original, _ := os.ReadFile(a.path(`C:\Users\anna\Desktop\To do.txt`))
	if read(`Desktop\To do.txt`) != string(original) {
		t.Error("the source's list did not win")
	}
	if read(`Favorites\Intranet.url`) != "mine" {
		t.Error("the destination's link did not win")
	}
	if read(`Downloads\y.txt`) != "whole" || !strings.Contains(read(`Downloads\x.part`), "no such file") {
		t.Errorf("cleaned: %.40q", read(`Downloads\x.part`))
	}
	if _, err := os.Stat(b.path(`C:\Users\anna\Documents\Old pictures\2026\IMG_4400.jpg`)); err != nil {
		t.Error(err)
	}
	h := loadHive(t, b.path(`C:\Users\anna\NTUSER.DAT`))
	if got := h.Find(`Network\Z`).Str("RemotePath"); got != `\\new\share` {
		t.Errorf("RemotePath is %s", got)
	}
	if n, ok := h.Find(`Software\SimonTatham\PuTTY\Sessions\server`).Uint("HostName"); !ok || n != 7 {
		t.Errorf("HostName is %d, %v", n, ok)
	}
	if result.Done.Replaced == 0 || result.Done.Kept == 0 {
		t.Errorf("%+v", result.Done)
	}
}

// Without rule files things go where they were.
func TestWithoutRules(t *testing.T) {
	a, b := firstPC(t), secondPC(t)
	s := save(t, a)
	result, err := put(t, s, b, func(r *Request) { r.SkipUsers, r.Rules = true, nil })
	if err != nil || result.Done.Files == 0 {
		t.Fatalf("%+v, %v", result.Done, err)
	}
}

func TestHibernatedIsRefused(t *testing.T) {
	a, b := firstPC(t), secondPC(t)
	s := save(t, a)
	writeFile(t, b.path(`C:\hiberfil.sys`), "HIBR"+strings.Repeat("\x00", 4096))
	before := tree(t, b.detect(t).dir)
	if _, err := put(t, s, b, func(r *Request) { r.SkipUsers = true }); !errors.Is(err, ErrInUse) {
		t.Errorf("error %v", err)
	}
	sameTrees(t, before, tree(t, b.dir))
	if _, err := put(t, s, b, func(r *Request) { r.SkipUsers, r.Force = true, true }); err != nil {
		t.Error(err)
	}
}

// ProfileControl decides about groups; a new account is in Users in any case.
func TestGroups(t *testing.T) {
	a, b := firstPC(t), secondPC(t)
	s := save(t, a)
	_, err := put(t, s, b, func(r *Request) {
		r.CreateAccounts = true
		r.Groups = []usmt.ChangeGroup{
			{From: "Administrators", To: "Administrators", AppliesTo: usmt.MigratedUsers, Include: []string{"*"}},
			{From: "*", To: "Administrators", AppliesTo: usmt.AllUsers, Include: []string{`CORP\*`}, Exclude: []string{`CORP\gone`}},
			{From: "*", To: "Guests", AppliesTo: usmt.AllUsers, Include: []string{"*"}},                     // not there
			{From: "*", To: "Users", AppliesTo: usmt.NonmigratedUsers, Include: []string{"*"}},              // nobody
			{From: "Nobodies", To: "Administrators", AppliesTo: usmt.MigratedUsers, Include: []string{"*"}}, // nobody
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	members := map[string][]string{}
	for _, g := range b.detect(t).inst.Groups {
		members[g.Name] = g.Members
	}
	has := func(group, sid string) bool { return slices.Contains(members[group], sid) }
	for _, c := range []struct {
		group, sid string
		want       bool
	}{
		{"Administrators", otherSID + "-1002", true}, {"Administrators", otherSID + "-1001", false},
		{"Administrators", sample.DomainSID + "-1107", true}, {"Administrators", sample.DomainSID + "-1555", false},
		{"Users", otherSID + "-1002", true}, {"Users", sample.DomainSID + "-1107", false},
	} {
		if has(c.group, c.sid) != c.want {
			t.Errorf("%s in %s: %v, want %v: %v", c.sid, c.group, !c.want, c.want, members[c.group])
		}
	}
}

// Users and components can be left out.
func TestLeaveOut(t *testing.T) {
	a, b := firstPC(t), secondPC(t)
	s := save(t, a)
	result, err := put(t, s, b, func(r *Request) {
		r.Choose = func(c *store.Catalog, _ *windows.Installation) map[string]string {
			out := map[string]string{}
			for _, u := range c.Users {
				if u.Name != "m.ostrowski" {
					out[u.SID] = "not chosen"
				}
			}
			return out
		}
		r.Omit = func(u store.CatalogUnit, _ []string) bool { return u.Component == "Shared" }
	})
	if err != nil || result.Count > 0 {
		t.Fatalf("%d problems, %v", result.Count, err)
	}
	b.detect(t)
	if b.user("localadmin") != nil || b.user("gone") != nil || b.user("m.ostrowski") == nil {
		t.Error("the wrong users are there")
	}
	if got, _ := os.ReadFile(b.path(`C:\Users\anna\Documents\hers.txt`)); len(got) == 0 {
		t.Error("anna's document is gone")
	}
	if result.Done.Files == 0 || result.Done.Identical > 0 {
		t.Errorf("%+v", result.Done)
	}
}

// A full volume ends the run, says so, and is gone on from.
func TestStoppedRunGoesOn(t *testing.T) {
	a, b := firstPC(t), secondPC(t)
	s := save(t, a)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	req := Request{
		Tree: s.tree, Sources: b.sources, Installation: b.inst, Rules: s.rules, CreateAccounts: true,
		Journal: filepath.Join(t.TempDir(), "journal.jsonl"),
		moment: func(string, string) {
			if n++; n == 40 {
				cancel()
			}
		},
	}
	if _, err := Run(ctx, req, job.NewControl(clock, nil)); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	result, err := put(t, s, b.detect(t), func(r *Request) { r.CreateAccounts = true })
	if err != nil || result.Done.Renamed > 0 {
		t.Fatalf("%+v, %v", result.Done, err)
	}
	if u := b.detect(t).user("localadmin"); u == nil || u.Profile != `C:\Users\localadmin` {
		t.Errorf("localadmin is %+v", u)
	}
}

// BenchmarkRestore puts many files back.
func BenchmarkRestore(b *testing.B) {
	p := firstPC(b)
	if err := sample.Fill(p.path(`C:\Users\anna\Documents\many`), 8000, 120<<20, 1); err != nil {
		b.Fatal(err)
	}
	s := save(b, p.detect(b))
	b.SetBytes(120 << 20)
	for b.Loop() {
		b.StopTimer()
		to := secondPC(b)
		b.StartTimer()
		if _, err := put(b, s, to, func(r *Request) { r.SkipUsers = true }); err != nil {
			b.Fatal(err)
		}
	}
}
