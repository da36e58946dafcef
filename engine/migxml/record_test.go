package migxml_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"lifeboat/engine/migxml"
	"lifeboat/engine/migxml/migxmltest"
)

func TestRecorded(t *testing.T) {
	pc := migxmltest.New()
	body := `<component type="Application" context="` + anna + `"><displayName>App</displayName>
<environment><variable name="Dir" remap="Yes"><text>%CSIDL_APPDATA%\App</text></variable></environment>
<role role="Settings"><rules>
` + items(`merge script="MigXmlHelper.SourcePriority()"`, "File", `%Dir%\* [*]`) + `
` + items(`locationModify script="MigXmlHelper.RelativeMove('%Dir%','%CSIDL_APPDATA%\New')"`, "File", `%Dir%\* [*]`, `%NOSUCH%\x`) + `
` + items(`excludeAttributes attributes="Security"`, "File", `%Dir%\* [*]`) + `
` + items(`include filter="MigXmlHelper.NeverRestore()"`, "File", `%Dir%\* [*]`) + `
` + items(`destinationCleanup`, "Registry", `HKCU\Software\App\* [*]`) + `
<addObjects><conditions>` + isTrue + `</conditions>
 <object><location type="Registry">HKCU\Software\App [Version]</location><attributes>dword</attributes><bytes>0B000000</bytes></object>
 <object><location type="Registry">HKCU\Software\App [Name]</location><attributes>ExpandString</attributes><bytes string="Yes" expand="Yes">%USERNAME%!</bytes></object>
 <object><location type="File">%Dir% [a.txt]</location><attributes>HIDDEN, READ-ONLY</attributes><bytes string="Yes">hello</bytes></object>
 <object><location type="Registry">HKCU\Software\App\Key</location><bytes>zz</bytes></object>
</addObjects>
<addObjects><object><location type="Registry">HKCU\Software\App [Home]</location><bytes string="Yes">%USERNAME%</bytes></object>
 <object><location type="Registry">HKCU\Software\App [Raw]</location><bytes string="Yes" expand="No">%USERNAME%</bytes></object></addObjects>
<addObjects><condition>MigXmlHelper.IsUpgrade()</condition><object><location type="File">C:\never [x]</location></object></addObjects>
<externalProcess when="pre-scan"><commandLine> %Dir%\tool.exe /x </commandLine></externalProcess>
<processing when="post-apply"><script>MigXmlHelper.KillExplorer()</script></processing>
</rules></role></component>`
	p, _ := compile(t, pc, body)
	rules := p.RestoreRules()
	if len(rules) != 5 || rules[4].Kind != migxml.Include || rules[4].Script != "MigXmlHelper.NeverRestore()" || rules[1].Script != `MigXmlHelper.RelativeMove('%Dir%','%CSIDL_APPDATA%\New')` || len(rules[1].Patterns) != 1 ||
		rules[1].Patterns[0].String() != `C:\Users\anna\AppData\Roaming\App\* [*]` || rules[2].Attributes != migxml.Security ||
		rules[3].Patterns[0].String() != `HKU\`+anna+`\Software\App\* [*]` {
		t.Errorf("restore rules: %+v", rules)
	}
	if m := p.Remaps(); len(m) != 1 || m[0].Variable != "DIR" || m[0].Source != `C:\Users\anna\AppData\Roaming\App` {
		t.Errorf("remaps: %+v", m)
	}
	a := p.Added()
	if len(a) != 6 || a[0].Type != migxml.RegDword || !bytes.Equal(a[0].Data, []byte{11, 0, 0, 0}) ||
		a[1].Type != migxml.RegExpandSz || !bytes.Equal(a[1].Data, migxmltest.UTF16("anna!\x00")) ||
		string(a[2].Data) != "hello" || len(a[2].Attributes) != 2 || a[3].Data != nil ||
		!bytes.Equal(a[4].Data, migxmltest.UTF16("anna\x00")) || !bytes.Equal(a[5].Data, migxmltest.UTF16("%USERNAME%\x00")) {
		t.Errorf("added: %+v", a)
	}
	d := p.Deferred()
	if len(d) != 2 || d[0].Command != `C:\Users\anna\AppData\Roaming\App\tool.exe /x` || d[1].Script != "MigXmlHelper.KillExplorer()" || d[1].When != "post-apply" {
		t.Errorf("deferred: %+v", d)
	}
	u := p.Units()[0]
	if u.ID() != "urn:0.xml/app/settings" || u.Vars["DIR"] != `C:\Users\anna\AppData\Roaming\App` {
		t.Errorf("unit %+v", u)
	}
	data, err := json.Marshal(rules)
	var back []migxml.RestoreRule
	if err == nil {
		err = json.Unmarshal(data, &back)
	}
	if err != nil || len(back) != 5 || back[1].Patterns[0] != rules[1].Patterns[0] {
		t.Errorf("rules came back from %s as %+v (%v)", data, back, err)
	}
}

// At a restore a file is evaluated with what its variables were on the source, and
// whatever it would detect (spec 1.3, 1.5).
func TestCompileForSource(t *testing.T) {
	f, _, err := migxml.Parse("t", []byte(`<migration urlid="u"><component type="Application" context="System"><displayName>App</displayName>
<environment><variable name="Dir"><script>MigXmlHelper.GetStringContent("Registry","HKLM\X [Dir]")</script></variable>
<variable name="All"><text>C:\Own\* [*.x]</text></variable></environment>
<role role="Data"><detection><conditions>`+isFalse+`</conditions></detection><rules>`+
		items(`merge script="MigXmlHelper.SourcePriority()"`, "File", `%Dir%\* [*]`, `%All%`)+`</rules></role></component></migration>`))
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := migxml.CompileForSource([]*migxml.File{f}, contexts(), migxmltest.New(), func(u migxml.Unit) map[string]string {
		return map[string]string{"DIR": `C:\[Dir]`, "ALL": `C:\Own\* [*.x]`}
	})
	if rules := p.RestoreRules(); err != nil || len(rules) != 1 || len(rules[0].Patterns) != 2 ||
		rules[0].Patterns[0].String() != `C:\^[Dir^]\* [*]` || rules[0].Patterns[1].String() != `C:\Own\* [*.x]` {
		t.Errorf("%+v, %v", rules, err)
	}
}

// Of a unit with a filter all includes and excludes are known at the restore: what
// the filter refuses another include may take (spec 7.3).
func TestTakesAtTheRestore(t *testing.T) {
	p, _ := compile(t, migxmltest.New(), app(`context="System"`, `<rules>`+
		items(`include filter="MigXmlHelper.NeverRestore()"`, "File", `C:\A\* [*]`, `C:\A\X\Y\* [*]`)+
		include("File", `C:\A\B\* [*]`, `C:\* [*.top]`)+items("exclude", "File", `C:\A\X\* [*]`)+`</rules>`))
	r := migxml.NewRestorer(p.RestoreRules())
	for file, want := range map[string]bool{
		`C:\A|f`: false, `C:\A\B|f`: true, `C:\A\X\Y|f`: false, `C:\A\X\Y|f.top`: false, `C:\A|f.top`: true, `C:\Q|f`: true,
	} {
		node, leaf, _ := strings.Cut(file, "|")
		object := migxml.Pattern{Kind: migxml.FileKind, Node: node, Leaf: leaf, HasLeaf: true}
		cursor := r.Files()
		for segment := range strings.SplitSeq(node, `\`) {
			cursor = cursor.Descend(segment)
		}
		got := r.Takes(cursor.Leaf(leaf, migxml.Object{}).Takers, object, func(rule *migxml.RestoreRule) bool { return rule.Script == "" })
		if got != want {
			t.Errorf("%s is put back: %v", file, got)
		}
	}
}

func TestBadObjects(t *testing.T) {
	for object, want := range map[string]string{
		`<location type="Registry">HKLM\A [b]</location><attributes>DWORD</attributes><bytes>0B0</bytes>`:          "hexadecimal",
		`<location type="Registry">HKLM\A [b]</location><attributes>QUAD</attributes>`:                             "no registry type",
		`<location type="Registry">HKLM\A [*]</location>`:                                                          "wildcard",
		`<location type="Registry">HKLM\A [b]</location><attributes>DWORD</attributes><bytes string="1">x</bytes>`: "expected a number",
	} {
		p, diags := compile(t, migxmltest.New(), app(`context="System"`, `<rules><addObjects><object>`+object+`</object></addObjects></rules>`))
		if len(p.Added()) != 0 || len(diags) != 1 || !strings.Contains(diags[0].Text, want) {
			t.Errorf("%s: %v", object, diags)
		}
	}
}

func TestAddedObjectsMeetUnconditionalExcludes(t *testing.T) {
	p, _ := compile(t, migxmltest.New(),
		app(`context="System"`, `<rules><addObjects><object><location type="File">C:\A [x.txt]</location></object>
<object><location type="File">C:\A [x.doc]</location></object></addObjects></rules>`),
		app(`context="System"`, `<rules>`+items("unconditionalExclude", "File", `C:\* [*.txt]`)+items("exclude", "File", `C:\* [*.doc]`)+`</rules>`))
	if a := p.Added(); len(a) != 1 || a[0].Location.Leaf != "x.doc" {
		t.Errorf("added %v", a)
	}
}

func TestSettings(t *testing.T) {
	pc := migxmltest.New()
	pc.Data(`C:\App\n.ini`, []byte("[Sec]\r\nKa=1\r\nKb = \"two\"\r\nX=3\r\n[Other]\r\nKa=4\r\n[sec]\r\nKc=5\r\n"))
	p, _ := compile(t, pc, app(`context="System"`, `<rules>`+include("Ini", `C:\App\n.ini|Sec[K*]`)+items("exclude", "Ini", `C:\App\n.ini|Sec[Kb]`)+`</rules>`))
	s := p.Settings()
	if len(s) != 1 || s[0].Setting != (migxml.Setting{Path: `C:\App\n.ini`, Section: "Sec", Key: "Ka", Value: "1"}) {
		t.Errorf("%+v", s)
	}
}

func TestParseINI(t *testing.T) {
	want := []migxml.Setting{{Section: "A", Key: "k", Value: "ü"}, {Section: "A", Key: "q", Value: " x "}}
	for name, data := range map[string][]byte{
		"utf8":  []byte("; c\n[A]\nk=ü\nq=\" x \"\nk=second\nnovalue\n=x"),
		"ansi":  []byte("[A]\nk=\xfc\nq=' x '\n"),
		"utf16": append([]byte("\xff\xfe"), migxmltest.UTF16("[A]\r\nk=ü\r\nq=\" x \"")...),
	} {
		got := migxml.ParseINI(data)
		if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestExplain(t *testing.T) {
	pc := migxmltest.New()
	p, _ := compile(t, pc,
		app(`context="System"`, `<rules>`+include("File", `C:\A\* [*]`)+items("exclude", "File", `C:\A\Cache\* [*]`, `C:\A\* [*.tmp]`)+`</rules>`),
		app(`context="System"`, `<rules>`+include("File", `D:\* [*]`)+items("exclude", "File", `C:\A\Cache\Deep\* [*]`)+`</rules>`),
		app(`context="System"`, `<rules>`+items("unconditionalExclude", "File", `*[*.bak]`)+`</rules>`))
	object := func(s string) migxml.Pattern {
		o, err := migxml.ParsePattern(migxml.FileKind, s)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	for s, want := range map[string]string{
		`C:\A [x.doc]`:       `take; include C:\A\* [*] wins`,
		`C:\A\Cache [x.doc]`: `leave; exclude C:\A\Cache\* [*] wins; include C:\A\* [*]`,
		`C:\A\Cache`:         `leave; exclude C:\A\Cache\* [*] wins; include C:\A\* [*]`,
		`C:\A [x.tmp]`:       `leave; exclude C:\A\* [*.tmp] wins; include C:\A\* [*]`,
		`C:\A [x.bak]`:       `leave; unconditionalExclude * [*.bak] wins; include C:\A\* [*]`,
		`C:\B [x]`:           `leave`,
		`C:\A\Cache\Deep`:    `leave; exclude C:\A\Cache\* [*] wins; include C:\A\* [*]; exclude C:\A\Cache\Deep\* [*] idle`,
	} {
		e := p.Explain(object(s), migxml.Object{})
		got := "leave"
		if e.Verdict.Takers != nil {
			got = "take"
		}
		for _, c := range e.Contenders {
			got += "; " + string(c.Rule.Kind) + " " + c.Rule.Pattern.String()
			if c.Wins {
				got += " wins"
			}
			if c.Idle {
				got += " idle"
			}
		}
		if got != want {
			t.Errorf("%s: %s\nwant %s", s, got, want)
		}
	}
}

func TestLint(t *testing.T) {
	pc := migxmltest.New()
	for rules, want := range map[string]string{
		include("File", `C:\A\* [*]`) + items("exclude", "File", `C:\* [*.txt]`):                   `exclude C:\* [*.txt] can never win against include C:\A\* [*]; expected an unconditionalExclude`,
		include("File", `C:\A\* [*]`, `C:\* [*.t*]`) + items("exclude", "File", `C:\* [*.txt]`):    ``,
		include("File", `C:\A\* [*]`) + items("exclude", "File", `C:\B\* [*]`):                     ``,
		include("File", `C:\A\B\* [*]`) + items("exclude", "File", `C:\A\C\* [*]`, `C:\A\B\* [x]`): ``,
		items("exclude", "File", `C:\B\* [*]`):                                                     `includes nothing`,
		include("Registry", `HKLM\A\* [*]`) + items("exclude", "File", `C:\* [*.txt]`):             ``,
		`<include><objectSet><script>MigXmlHelper.GenerateDrivePatterns("A\* [*]")</script></objectSet></include>` +
			`<exclude><objectSet><script>MigXmlHelper.GenerateDrivePatterns("* [*.t]")</script></objectSet></exclude>`: ``,
	} {
		_, diags := compile(t, pc, app(`context="System"`, `<rules>`+rules+`</rules>`))
		got := ""
		for _, d := range diags {
			got += d.Text
		}
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", rules, got, want)
		}
	}
}
