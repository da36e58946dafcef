package engine

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"lifeboat/engine/job"
	"lifeboat/engine/sample"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
)

const nestedRules = `<migration urlid="http://lifeboat.example/nested">
  <component type="Application" context="User"><displayName>Ledger</displayName><role role="Settings"><rules>
    <include><objectSet><pattern type="Registry">HKCU\Software\Ledger\* [*]</pattern></objectSet></include>
  </rules>
    <component type="Application" context="User"><displayName>Archive</displayName><role role="Data"><rules>
      <include><objectSet><pattern type="File">%CSIDL_PERSONAL%\* [*]</pattern></objectSet></include>
    </rules></role></component>
  </role></component>
  <component type="Application" context="User"><displayName>Absent</displayName><role role="Settings">
    <detection><conditions><condition>MigXmlHelper.DoesObjectExist("File","C:\nowhere")</condition></conditions></detection>
    <rules><include><objectSet><pattern type="File">C:\* [*]</pattern></objectSet></include></rules></role></component>
  <component type="System" context="System"><displayName>Pictures of all</displayName><role role="Data"><rules>
    <include><objectSet><pattern type="File">%PROFILESFOLDER%\* [*.jpg]</pattern></objectSet></include>
  </rules></role></component>
</migration>`

// detected builds a sample and detects it.
func detected(t *testing.T, e *Engine) *Detection {
	t.Helper()
	pc, err := sample.Create(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	d, err := e.Detect(t.Context(), []Place{{Path: pc.Volume}}, DetectOptions{})
	if err != nil || len(d.Installations) != 1 {
		t.Fatalf("%d installations, %v", len(d.Installations), err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func planWith(t *testing.T, d *Detection, req PlanRequest, ctl *job.Control) *Plan {
	t.Helper()
	plan, err := d.Plan(t.Context(), d.Installations[0], req, ctl)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { plan.Close() })
	return plan
}

// What GenConfig writes, read again and given to the same rules, changes
// nothing; each of its components can be switched off by it.
func TestGenConfig(t *testing.T) {
	d := detected(t, newEngine(t))
	rules := []RuleFile{{Name: "nested.xml", Data: []byte(nestedRules)}}
	whole := planWith(t, d, PlanRequest{Rules: rules}, control())
	var b bytes.Buffer
	if err := GenConfig(planWith(t, d, PlanRequest{Rules: rules, RulesOnly: true}, control())).WriteXML(&b); err != nil {
		t.Fatal(err)
	}
	for text, present := range map[string]bool{"Ledger": true, "Archive": true, "Pictures of all": true, "Absent": false} {
		if strings.Contains(b.String(), text) != present {
			t.Errorf("%s: listed %v\n%s", text, !present, &b)
		}
	}
	c, notes, err := usmt.ParseConfig("Config.xml", b.Bytes())
	if err != nil || len(notes) > 0 {
		t.Fatal(notes, err)
	}
	if got := planWith(t, d, PlanRequest{Rules: rules, Config: c}, control()); got.Totals(Selection{}) != whole.Totals(Selection{}) || len(got.Dropped) > 0 {
		t.Errorf("%+v, want %+v", got.Totals(Selection{}), whole.Totals(Selection{}))
	}
	for name, want := range map[string]string{"Ledger": "Pictures of all", "Archive": "Ledger, Pictures of all", "Pictures of all": "Ledger, Archive"} {
		off, _, err := usmt.ParseConfig("Config.xml", []byte(strings.Replace(b.String(), `displayname="`+name+`" migrate="yes"`, `displayname="`+name+`" migrate="no"`, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(planWith(t, d, PlanRequest{Rules: rules, Config: off}, control()).Components, ", "); got != want {
			t.Errorf("without %s there is %s, want %s", name, got, want)
		}
	}
}

func TestConfigOfOtherRulesIsSaid(t *testing.T) {
	d := detected(t, newEngine(t))
	c := &usmt.Config{WindowsComponents: []usmt.ConfigComponent{{DisplayName: "Microsoft-Windows-stobject", ID: "cmi/stobject"}}}
	ctl := control()
	planWith(t, d, PlanRequest{Rules: []RuleFile{{Name: "n", Data: []byte(nestedRules)}}, Config: c, RulesOnly: true}, ctl)
	said, err := ctl.Events.Take(t.Context())
	if err != nil || !slices.ContainsFunc(said, func(e job.Event) bool { return strings.Contains(e.Text, "1 component that no rule file has") }) {
		t.Errorf("%+v, %v", said, err)
	}
}

// The catalog keeps what a restore needs of the Config.xml and of the accounts.
func TestCatalogKeepsPolicies(t *testing.T) {
	e := newEngine(t)
	pc, plan := planned(t, e)
	config := &usmt.Config{Groups: []usmt.ChangeGroup{{From: "*", To: "Users", AppliesTo: usmt.MigratedUsers, Include: []string{"*"}}}}
	r, err := e.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: t.TempDir(), Config: config, SkipVerify: true}, control())
	if err != nil {
		t.Fatal(err)
	}
	catalog := readCatalog(t, e, r.StorePath, r.CaptureID)
	var got usmt.Config
	if err := json.Unmarshal(catalog.Config, &got); err != nil || len(got.Groups) != 1 || got.Groups[0].To != "Users" {
		t.Errorf("%s, %v", catalog.Config, err)
	}
	var inst Installation
	if err := json.Unmarshal(catalog.Machine, &inst); err != nil || len(inst.Groups) != 2 {
		t.Fatalf("%+v, %v", inst.Groups, err)
	}
	if u := inst.Users[0]; u.SID != pc.Users[0].SID || u.FullName != "Anna Example" || strings.Join(u.Groups, " ") == "" {
		t.Errorf("%+v", u)
	}
}

func readCatalog(t *testing.T, e *Engine, path, id string) store.Catalog {
	t.Helper()
	s, err := store.Open(t.Context(), path, store.Options{TempDir: e.TempDir, Clock: clock, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	tree, err := s.Tree(t.Context(), store.ID(id))
	if err != nil {
		t.Fatal(err)
	}
	f, err := tree.Open(t.Context(), store.CaptureJSON)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var c store.Catalog
	if err := json.NewDecoder(f).Decode(&c); err != nil {
		t.Fatal(err)
	}
	return c
}
