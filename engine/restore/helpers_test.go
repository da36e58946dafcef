package restore

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lifeboat/engine/capture"
	"lifeboat/engine/job"
	"lifeboat/engine/regf"
	"lifeboat/engine/sample"
	"lifeboat/engine/store"
	"lifeboat/engine/volume"
	"lifeboat/engine/windows"
)

var now = time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// The second PC: the same parts, another computer.
const (
	otherSID      = "S-1-5-21-3004336348-2177238915-782003330"
	otherComputer = "PC-0999"
)

// pc is a PC in a folder.
type pc struct {
	dir     string
	sources []windows.Source
	inst    *windows.Installation
}

func (p *pc) path(windows string) string {
	return filepath.Join(p.dir, filepath.FromSlash(strings.ReplaceAll(strings.TrimPrefix(windows, `C:\`), `\`, "/")))
}

// detect looks at the PC afresh.
func (p *pc) detect(t testing.TB) *pc {
	t.Helper()
	v, err := volume.OpenDir(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	p.sources = []windows.Source{{Volume: v, Where: p.dir}}
	found, _, err := windows.Find(t.Context(), p.sources, windows.Options{})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d installations, %v", len(found), err)
	}
	p.inst = found[0]
	return p
}

func (p *pc) user(name string) *windows.User {
	for i := range p.inst.Users {
		if p.inst.Users[i].Name == name {
			return &p.inst.Users[i]
		}
	}
	return nil
}

func firstPC(t testing.TB) *pc {
	t.Helper()
	made, err := sample.Create(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	return (&pc{dir: made.Volume}).detect(t)
}

// secondPC is another PC: it has anna under another SID with a document of her
// own, and knows neither m.ostrowski nor localadmin.
func secondPC(t testing.TB) *pc {
	t.Helper()
	p := firstPC(t)
	old, other := binarySID(t, sample.MachineSID)[8:], binarySID(t, otherSID)[8:]
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || !bytes.HasPrefix(data, []byte("regf")) {
			return err
		}
		editHive(t, path, func(root *regf.Node) {
			var walk func(k *regf.Node)
			walk = func(k *regf.Node) {
				k.Name = strings.ReplaceAll(k.Name, sample.MachineSID, otherSID)
				k.Security = bytes.ReplaceAll(k.Security, old, other)
				for i := range k.Values {
					v := &k.Values[i]
					v.Data = bytes.ReplaceAll(v.Data, old, other)
					v.Data = bytes.ReplaceAll(v.Data, text(sample.Computer), text(otherComputer))
				}
				for _, sub := range k.Subkeys {
					walk(sub)
				}
			}
			walk(root)
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"m.ostrowski", "localadmin", "gone.CORP"} {
		if err := os.RemoveAll(p.path(`C:\Users\` + gone)); err != nil {
			t.Fatal(err)
		}
	}
	config := `C:\Windows\System32\config\`
	editHive(t, p.path(config+"SOFTWARE"), func(root *regf.Node) {
		h := &hive{root: root, subs: map[*regf.Node]map[string]*regf.Node{}}
		h.drop(profileListKey + `\` + sample.DomainSID + "-1107")
		h.drop(profileListKey + `\` + otherSID + "-1002")
	})
	editHive(t, p.path(config+"SAM"), func(root *regf.Node) {
		h := &hive{root: root, subs: map[*regf.Node]map[string]*regf.Node{}}
		h.drop(accountDomain + `\Users\000003EA`)
		h.drop(accountDomain + `\Users\Names\localadmin`)
	})
	// A default profile as every Windows has one.
	def := &regf.Node{Name: "ROOT", LastWrite: now, Security: regf.DefaultDescriptor(), Subkeys: []*regf.Node{
		{Name: "Console", LastWrite: now, Values: []regf.Value{{Name: "QuickEdit", Type: regf.Dword, Data: []byte{1, 0, 0, 0}}}},
		{Name: "Software", LastWrite: now, Subkeys: []*regf.Node{{Name: "Policies", LastWrite: now}}},
	}}
	writeHive(t, p.path(`C:\Users\Default\NTUSER.DAT`), def, regf.Options{LastWritten: now})
	writeFile(t, p.path(`C:\Users\Default\Documents\desktop.ini`), "[.ShellClassInfo]\r\n")
	writeFile(t, p.path(`C:\Users\anna\Documents\hers.txt`), "written on the new PC")
	return p.detect(t)
}

func binarySID(t testing.TB, sid string) []byte {
	t.Helper()
	b, err := regf.ParseSID(sid)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func writeHive(t testing.TB, path string, root *regf.Node, opt regf.Options) {
	t.Helper()
	image, err := regf.Marshal(root, opt)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, string(image))
}

func editHive(t testing.TB, path string, edit func(root *regf.Node)) {
	t.Helper()
	h := loadHive(t, path)
	root, err := h.Root().Node()
	if err != nil {
		t.Fatal(err)
	}
	edit(root)
	writeHive(t, path, root, h.Options())
}

func loadHive(t testing.TB, path string) *regf.Hive {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := regf.Open(data)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return h
}

// saved is a capture of a PC.
type saved struct {
	tree   *store.Tree
	rules  []RuleFile
	plan   *capture.Plan
	result capture.Result
}

// save captures a PC with rule files, by default testRules.
func save(t testing.TB, p *pc, rules ...string) saved {
	t.Helper()
	return saveWith(t, p, false, rules...)
}

// saveWith is save that takes files encrypted with EFS as they are, if rawEFS says so.
func saveWith(t testing.TB, p *pc, rawEFS bool, rules ...string) saved {
	t.Helper()
	if len(rules) == 0 {
		rules = []string{testRules}
	}
	m, err := windows.Open(t.Context(), p.sources, p.inst)
	if err != nil {
		t.Fatal(err)
	}
	ctl := job.NewControl(clock, nil)
	var s saved
	ask := capture.ScanRequest{Machine: m, TempDir: t.TempDir()}
	for i, text := range rules {
		name := string(rune('a'+i)) + ".xml"
		s.rules = append(s.rules, RuleFile{name, []byte(text)})
		ask.Rules = append(ask.Rules, capture.RuleFile{Name: name, Data: []byte(text)})
	}
	plan, err := capture.Scan(t.Context(), ask, ctl)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { plan.Close() })
	for _, d := range plan.Diagnostics {
		if d.Severity > 1 {
			t.Log(d)
		}
	}
	st, err := store.Create(t.Context(), t.TempDir(), store.Options{Clock: clock, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close(context.Background()) })
	result, err := capture.Gather(t.Context(), capture.GatherRequest{Plan: plan, Store: st, Tool: "test", RawEFS: rawEFS}, ctl)
	if err != nil {
		t.Fatal(err)
	}
	s.plan, s.result = plan, result
	if s.tree, err = st.Tree(t.Context(), result.ID); err != nil {
		t.Fatal(err)
	}
	return s
}

// put restores a capture with changes to the request.
func put(t testing.TB, s saved, p *pc, change func(*Request)) (*Result, error) {
	t.Helper()
	req := Request{
		Tree: s.tree, Sources: p.sources, Installation: p.inst, Rules: s.rules,
		Journal: filepath.Join(t.TempDir(), "journal.jsonl"),
	}
	if change != nil {
		change(&req)
	}
	result, err := Run(t.Context(), req, job.NewControl(clock, job.Always{Unreadable: job.Skip}))
	for _, problem := range result.Problems {
		t.Logf("%s: %s: %s", problem.Kind, problem.Path, problem.Text)
	}
	for _, w := range result.Warnings {
		t.Log("warning:", w)
	}
	return result, err
}

// testRules take everything of profiles, the shared documents, and two programs'
// settings.
const testRules = `<migration urlid="http://lifeboat.example/roundtrip">
  <component type="Documents" context="User"><displayName>Profiles</displayName><role role="Data"><rules>
    <include><objectSet>
      <pattern type="File">%CSIDL_PROFILE%\* [*]</pattern>
      <pattern type="Registry">HKCU\Software\* [*]</pattern>
      <pattern type="Registry">HKCU\Network\* [*]</pattern>
    </objectSet></include>
    <exclude><objectSet>
      <pattern type="Registry">HKCU\Software\Microsoft\* [*]</pattern>
      <pattern type="File">%CSIDL_LOCAL_APPDATA%\Temp\* [*]</pattern>
    </objectSet></exclude>
  </rules></role></component>
  <component type="System" context="System"><displayName>Shared</displayName><role role="Data"><rules>
    <include><objectSet>
      <pattern type="File">%PROFILESFOLDER%\Public\* [*]</pattern>
      <pattern type="Registry">HKLM\Software\Ledger\* [*]</pattern>
      <pattern type="Registry">HKLM\SYSTEM\CurrentControlSet\Control\TimeZoneInformation [Bias]</pattern>
    </objectSet></include>
  </rules></role></component>
</migration>`

// tree lists a folder: each file with its content and time, each folder with its
// time.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		line := info.ModTime().UTC().Format(time.RFC3339Nano)
		if !d.IsDir() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += " " + string(data)
		}
		all[rel] = line
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func sameTrees(t testing.TB, want, got map[string]string) {
	t.Helper()
	for name, w := range want {
		g, ok := got[name]
		switch {
		case !ok:
			t.Errorf("%s is missing", name)
		case g != w:
			t.Errorf("%s differs: %.60q, want %.60q", name, g, w)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is too much", name)
		}
	}
}
