package migxml_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lifeboat/engine/migxml"
	"lifeboat/engine/migxml/migxmltest"
)

const anna = "S-1-5-21-1-2-3-1001"
const bob = "S-1-5-21-1-2-3-1002"

// contexts are the system and two users on Windows 10.
func contexts() []migxml.Context {
	machine := map[string]string{
		"WINDIR": `C:\Windows`, "SYSTEMDRIVE": "C:", "PROGRAMFILES": `C:\Program Files`, "PROGRAMDATA": `C:\ProgramData`,
		"PROFILESFOLDER": `C:\Users`, "CSIDL_COMMON_DOCUMENTS": `C:\Users\Public\Documents`,
	}
	list := []migxml.Context{{ID: "System", Name: "System", System: true, Vars: machine}}
	for name, sid := range map[string]string{"anna": anna, "bob": bob} {
		vars := map[string]string{
			"USERPROFILE": `C:\Users\` + name, "USERNAME": name, "USERDOMAIN": "CONTOSO", "USERSID": sid,
			"CSIDL_PERSONAL": `C:\Users\` + name + `\Documents`, "CSIDL_MYDOCUMENTS": `C:\Users\` + name + `\Documents`,
			"CSIDL_APPDATA": `C:\Users\` + name + `\AppData\Roaming`, "CSIDL_DESKTOP": `C:\Users\` + name + `\Desktop`,
		}
		for k, v := range machine {
			vars[k] = v
		}
		list = append(list, migxml.Context{ID: sid, Name: `CONTOSO\` + name, Vars: vars})
	}
	slices.SortFunc(list[1:], func(a, b migxml.Context) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// app is a component with one role.
func app(attrs, body string) string {
	return `<component type="Application" ` + attrs + `><displayName>App</displayName><role role="Settings">` + body + `</role></component>`
}

func include(kind string, patterns ...string) string { return items("include", kind, patterns...) }

func items(element, kind string, patterns ...string) string {
	s := "<" + element + "><objectSet>"
	for _, p := range patterns {
		s += `<pattern type="` + kind + `">` + p + `</pattern>`
	}
	return s + "</objectSet></" + strings.Fields(element)[0] + ">"
}

// compile reads components as one file and compiles it.
func compile(t *testing.T, pc *migxmltest.PC, bodies ...string) (*migxml.Program, []migxml.Diagnostic) {
	t.Helper()
	var list []*migxml.File
	for i, b := range bodies {
		name := fmt.Sprintf("%d.xml", i)
		f, diags, err := migxml.Parse(name, []byte(`<migration urlid="urn:`+name+`">`+b+`</migration>`))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range diags {
			if d.Severity >= migxml.Warning {
				t.Fatal(d)
			}
		}
		list = append(list, f)
	}
	p, diags, err := migxml.Compile(list, contexts(), pc)
	if err != nil {
		t.Fatal(err)
	}
	return p, diags
}

func expect(t *testing.T, name string, got []string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: taken\n\t%s\nwant\n\t%s", name, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// The matrix of spec 1.4.
func TestContexts(t *testing.T) {
	pc := migxmltest.New()
	pc.Dir(`C:\X`)
	for _, c := range []struct {
		component, rules string
		system, user     bool
	}{
		{"User", "User", false, true},
		{"User", "UserAndSystem", false, true},
		{"User", "", false, true},
		{"User", "System", false, false},
		{"System", "System", true, false},
		{"System", "UserAndSystem", true, false},
		{"System", "", true, false},
		{"System", "User", false, false},
		{"UserAndSystem", "User", false, true},
		{"", "User", false, true},
		{"", "System", true, false},
		{"", "UserAndSystem", true, true},
		{"", "", true, true},
		{"USER", "user", false, true},
	} {
		attr := func(v string) string {
			if v == "" {
				return ""
			}
			return `context="` + v + `"`
		}
		p, _ := compile(t, pc, app(attr(c.component), `<rules `+attr(c.rules)+`>`+include("File", `C:\X`)+`</rules>`))
		var system, user bool
		for _, u := range p.Units() {
			system = system || u.Context == 0
			user = user || u.Context > 0
		}
		if system != c.system || user != c.user {
			t.Errorf("component %q, rules %q: system %v, user %v", c.component, c.rules, system, user)
		}
	}
	for _, who := range []string{`CONTOSO\anna`, `contoso\ANNA`, anna} {
		p, _ := compile(t, pc, app(`context="`+who+`"`, `<rules>`+include("File", `C:\X`)+`</rules>`))
		if len(p.Units()) != 1 || p.Units()[0].Context != 1 {
			t.Errorf("%s: %+v", who, p.Units())
		}
	}
	p, diags := compile(t, pc, app(`context="CONTOSO\nobody"`, `<rules>`+include("File", `C:\X`)+`</rules>`))
	if len(p.Units()) != 0 || len(diags) != 1 || diags[0].Severity != migxml.Warning {
		t.Errorf("unknown account: %+v, %v", p.Units(), diags)
	}
	// Nested rules and components are cut by what is around them.
	p, _ = compile(t, pc,
		app(``, `<rules context="User"><rules><rules context="UserAndSystem">`+include("File", `C:\X`)+`</rules></rules></rules>`))
	if len(p.Units()) != 2 {
		t.Errorf("nested rules: %+v", p.Units())
	}
	p, _ = compile(t, pc, `<component type="Application" context="System"><displayName>Outer</displayName><role role="Container">`+
		app(``, `<rules>`+include("File", `C:\X`)+`</rules>`)+`</role></component>`)
	if u := p.Units(); len(u) != 1 || !slices.Equal(u[0].Path, []string{"Outer"}) {
		t.Errorf("nested components: %+v", u)
	}
}

// The example of spec 16.5 on a PC that has the program, and on one that has not.
func TestMinimalExample(t *testing.T) {
	ledger := `<component type="Application" context="UserAndSystem">
<displayName>Ledger 4</displayName>
<environment><variable name="Ledger.Dir"><script>MigXmlHelper.GetStringContent("Registry","HKLM\Software\Ledger [Dir]")</script></variable></environment>
<role role="Settings">
 <detection><conditions><condition>MigXmlHelper.DoesFileVersionMatch("%Ledger.Dir%\ledger.exe","ProductVersion","4.*")</condition></conditions></detection>
 <rules context="User">` + include("Registry", `HKCU\Software\Ledger\* [*]`) + include("File", `%CSIDL_APPDATA%\Ledger\* [*]`) +
		items("exclude", "File", `%CSIDL_APPDATA%\Ledger\Cache\* [*]`) +
		items(`merge script="MigXmlHelper.SourcePriority()"`, "File", `%CSIDL_APPDATA%\Ledger\* [*]`) + `</rules>
</role></component>`
	for version, want := range map[string][]string{
		"4.2": {`C:\Users\anna\AppData\Roaming\Ledger`, `C:\Users\anna\AppData\Roaming\Ledger [a.dat]`, `HKU\` + anna + `\Software\Ledger`, `HKU\` + anna + `\Software\Ledger [Port]`},
		"5.0": nil,
	} {
		pc := migxmltest.New()
		pc.Data(`C:\Apps\Ledger\ledger.exe`, program("ProductVersion", version))
		pc.SetValue(`HKLM\SOFTWARE\Ledger`, "Dir", `C:\Apps\Ledger`)
		pc.SetValue(`HKU\`+anna+`\Software\Ledger`, "Port", 1)
		pc.File(`C:\Users\anna\AppData\Roaming\Ledger\a.dat`, `C:\Users\anna\AppData\Roaming\Ledger\Cache\c`)
		p, _ := compile(t, pc, ledger)
		expect(t, version, pc.Taken(p, nil), want...)
		if rules := p.RestoreRules(); (len(rules) > 0) != (want != nil) {
			t.Errorf("%s: %d rules for the restore", version, len(rules))
		}
	}
}

// Spec 9.5: rules of the System and of users make lists of their own. The example
// of the documentation: each user's documents go with him, the others with the PC.
func TestContextsApart(t *testing.T) {
	pc := migxmltest.New()
	pc.File(`C:\d\pc.doc`, `C:\Users\anna\a.doc`, `C:\Users\bob\b.doc`)
	generate := func(element, call string) string {
		return `<` + element + `><objectSet><script>MigXmlHelper.` + call + `</script></objectSet></` + element + `>`
	}
	p, _ := compile(t, pc, app(``,
		`<rules context="System">`+generate("include", `GenerateDrivePatterns("* [*.doc]","Fixed")`)+items("exclude", "File", `%PROFILESFOLDER%\* [*]`)+`</rules>`+
			`<rules context="User">`+include("File", `%USERPROFILE%\* [*.doc]`)+generate("exclude", `GenerateUserPatterns("File","%USERPROFILE%\* [*.doc]","FALSE")`)+`</rules>`))
	for file, unit := range map[string]int{`C:\d|pc.doc`: 0, `C:\Users\anna|a.doc`: 1, `C:\Users\bob|b.doc`: 2} {
		node, leaf, _ := strings.Cut(file, "|")
		cursor := p.Files()
		for segment := range strings.SplitSeq(node, `\`) {
			cursor = cursor.Descend(segment)
		}
		if got := cursor.Leaf(leaf, migxml.Object{}).Takers; !slices.Equal(got, []int{unit}) {
			t.Errorf("%s is taken by %v, want %d", file, got, unit)
		}
	}
}

func TestHKCUIsTheUsers(t *testing.T) {
	pc := migxmltest.New()
	for _, sid := range []string{anna, bob} {
		pc.SetValue(`HKU\`+sid+`\Software\App`, "Port", 1)
		pc.SetValue(`HKU\`+sid+`\Software\Classes\.app`, "", "App")
	}
	pc.SetValue(`HKLM\SOFTWARE\Classes\.app`, "", "App")
	p, diags := compile(t, pc,
		app(``, `<rules>`+include("Registry", `HKCU\Software\App\* [*]`)+`</rules><rules context="User"><conditions><condition>MigXmlHelper.DoesStringContentEqual("File","%USERNAME%","bob")</condition></conditions>`+
			items("exclude", "Registry", `HKEY_CURRENT_USER\Software\App [port]`)+`</rules>`),
		app(`context="System"`, `<rules>`+include("Registry", `HKCR\.app\* [*]`)+`</rules>`))
	for _, d := range diags {
		if d.Severity > migxml.Debug {
			t.Error(d)
		}
	}
	expect(t, "HKCU", pc.Taken(p, nil),
		`HKU\`+anna+`\Software\App`, `HKU\`+anna+`\Software\App [Port]`, `HKU\`+bob+`\Software\App`,
		`HKLM\SOFTWARE\Classes\.app`, `HKLM\SOFTWARE\Classes\.app []`)
	for _, body := range []string{
		app(`context="System"`, `<rules>`+include("Registry", `HKCU\X`)+`</rules>`),
		app(``, `<rules context="System">`+include("Registry", `HKCU\X`)+`</rules>`),
	} {
		if _, diags := compile(t, pc, body); len(diags) != 1 || diags[0].Severity != migxml.Warning {
			t.Errorf("HKCU in the System context alone: %v", diags)
		}
	}
	p, _ = compile(t, pc, app(`context="`+anna+`"`, `<rules>`+include("Registry", `HKCR\.app []`)+`</rules>`))
	expect(t, "HKCR", pc.Taken(p, nil), `HKU\`+anna+`\Software\Classes\.app []`, `HKLM\SOFTWARE\Classes\.app []`)
}

// The vectors of spec 16.4 and the functions of 7.1.
func TestConditions(t *testing.T) {
	pc := migxmltest.New()
	pc.Data(`C:\App\app.exe`, program("ProductVersion", "7.2.10", "FileVersion", "7, 2, 10, 1"))
	pc.Data(`C:\App\a.txt`, []byte("same"))
	pc.Data(`C:\App\b.txt`, []byte("same"))
	pc.Data(`C:\App\c.txt`, []byte("diff"))
	pc.Data(`C:\App\set.ini`, []byte("[Main]\nColour=red\n; x\n[Other]\nColour=blue\n"))
	pc.File(`C:\App\Ver\1.5\x.dll`)
	pc.SetValue(`HKLM\SOFTWARE\App`, "Num", 1)
	pc.SetValue(`HKLM\SOFTWARE\App`, "Text", "Hello World")
	pc.SetValue(`HKLM\SOFTWARE\App`, "Text2", "Hello World")
	pc.SetValue(`HKLM\SOFTWARE\App`, "List", []string{"a", "b"})
	pc.SetValue(`HKLM\SOFTWARE\App`, "", "default")
	pc.SetValue(`HKU\`+anna+`\Software\App`, "Mine", "x")
	for call, want := range map[string]bool{
		`IsOSLaterThan("NT","6.0")`:                                                                         true,
		`IsOSLaterThan("NT","10.0")`:                                                                        true,
		`IsOSLaterThan("NT","10.0.19045")`:                                                                  true,
		`IsOSLaterThan("NT","10.0.19046")`:                                                                  false,
		`IsOSLaterThan("NT","5.2.*")`:                                                                       true,
		`IsOSEarlierThan("NT","6.0.0.0")`:                                                                   false,
		`IsOSEarlierThan("NT","11")`:                                                                        true,
		`DoesOSMatch("NT","10.0.*")`:                                                                        true,
		`DoesOSMatch("nt","10.0.19045")`:                                                                    true,
		`DoesOSMatch("NT","*")`:                                                                             true,
		`DoesOSMatch("NT","5.1.*")`:                                                                         false,
		`IsOSLaterThan("9x","4")`:                                                                           false,
		`IsOSEarlierThan("9x","4")`:                                                                         false,
		`IsNative64Bit()`:                                                                                   true,
		`IsUpgrade()`:                                                                                       false,
		`IsMigrationScope("Data")`:                                                                          true,
		`IsMigrationScope("Upgrade")`:                                                                       false,
		`DoesObjectExist("File","C:\App")`:                                                                  true,
		`DoesObjectExist("File","C:\App\app.exe")`:                                                          true,
		`DoesObjectExist("File","C:\App [APP.exe]")`:                                                        true,
		`DoesObjectExist("File","C:\App [*.txt]")`:                                                          true,
		`DoesObjectExist("File","C:\App [*.doc]")`:                                                          false,
		`DoesObjectExist("File","C:\App\Ver\1.*")`:                                                          true,
		`DoesObjectExist("File","C:\App\Ver\2.*")`:                                                          false,
		`DoesObjectExist("File","C:\*\1.5 [x.dll]")`:                                                        true,
		`DoesObjectExist("File","*[x.dll]")`:                                                                true,
		`DoesObjectExist("File","C:\")`:                                                                     true,
		`DoesObjectExist("File","D:\")`:                                                                     false,
		`DoesObjectExist("Registry","HKLM\Software\App")`:                                                   true,
		`DoesObjectExist("Registry","HKLM\Software\App []")`:                                                true,
		`DoesObjectExist("Registry","HKLM\Software\App [Nu*]")`:                                             true,
		`DoesObjectExist("Registry","HKLM\Software\App [No]")`:                                              false,
		`DoesObjectExist("Registry","HKCU\Software\App [Mine]")`:                                            true,
		`DoesObjectExist("Registry","HKLM\*\App")`:                                                          true,
		`DoesObjectExist("Ini","C:\App\set.ini|main[colour]")`:                                              true,
		`DoesObjectExist("Ini","C:\App\set.ini|Third[*]")`:                                                  false,
		`DoesObjectExist("File","%NOSUCH%\x")`:                                                              false,
		`DoesFileVersionMatch("C:\App\app.exe","ProductVersion","7.*")`:                                     true,
		`DoesFileVersionMatch("C:\App [app.exe]","productversion","8.*")`:                                   false,
		`DoesFileVersionMatch("C:\App\a.txt","ProductVersion","*")`:                                         false,
		`IsFileVersionAbove("C:\App\app.exe","FileVersion","7.2.9")`:                                        true,
		`IsFileVersionAbove("C:\App\app.exe","FileVersion","7.2.10.1")`:                                     false,
		`IsFileVersionBelow("C:\App\app.exe","FileVersion","7.2.10.2")`:                                     true,
		`DoesStringContentEqual("Registry","HKLM\Software\App [Num]","0x00000001")`:                         true,
		`DoesStringContentEqual("Registry","HKLM\Software\App [Text]","hello world")`:                       true,
		`DoesStringContentEqual("Registry","HKLM\Software\App []","default")`:                               true,
		`DoesStringContentEqual("Registry","HKLM\Software\App [No]","")`:                                    false,
		`DoesStringContentContain("Registry","HKLM\Software\App [Text]","LO W")`:                            true,
		`DoesStringContentContain("Registry","HKLM\Software\App [List]","a;b")`:                             true,
		`DoesStringContentEqual("Ini","C:\App\set.ini|Other[Colour]","blue")`:                               true,
		`DoesStringContentEqual("File","%USERNAME%","")`:                                                    false,
		`DoesStringContentEqual("File","%NOSUCH%","")`:                                                      true,
		`IsSameObject("File","C:\App\","c:\APP")`:                                                           true,
		`IsSameObject("File","%CSIDL_PERSONAL%","%CSIDL_COMMON_DOCUMENTS%")`:                                false,
		`IsSameContent("File","C:\App [a.txt]","File","C:\App\b.txt")`:                                      true,
		`IsSameContent("File","C:\App [a.txt]","File","C:\App\c.txt")`:                                      false,
		`IsSameContent("Registry","HKLM\Software\App [Text]","Registry","HKLM\Software\App [Text2]")`:       true,
		`IsSameStringContent("Registry","HKLM\Software\App [Text]","Registry","HKLM\Software\App [Text2]")`: true,
		`IsSameStringContent("Registry","HKLM\Software\App [Text]","Ini","C:\App\set.ini|Other[Colour]")`:   false,
		`IsSystemContext()`:                                                                                 false,
	} {
		call = "MigXmlHelper." + call
		for _, negate := range []bool{false, true} {
			neg := ""
			if negate {
				neg = ` negation="Yes"`
			}
			body := app(`context="`+anna+`"`, `<rules><conditions><condition`+neg+`>`+call+`</condition></conditions>`+include("File", `C:\X`)+`</rules>`)
			p, _ := compile(t, pc, body)
			if got := len(p.Units()) == 1; got != (want != negate) {
				t.Errorf("%s, negated %v: %v", call, negate, got)
			}
		}
	}
}

// A call that cannot be evaluated is false, negated or not.
func TestBrokenCondition(t *testing.T) {
	pc := migxmltest.New()
	for _, call := range []string{`Foo.Bar()`, `MigXmlHelper.DoesObjectExist("Thing","x")`, `MigXmlHelper.IsOSLaterThan("NT","new")`} {
		for _, neg := range []string{"", ` negation="Yes"`} {
			f, _, err := migxml.Parse("t", []byte(`<migration urlid="u">`+app(``, `<rules><conditions><condition`+neg+`>`+call+`</condition></conditions>`+include("File", `C:\X`)+`</rules>`)+`</migration>`))
			if err != nil {
				t.Fatal(err)
			}
			p, _, err := migxml.Compile([]*migxml.File{f}, contexts(), pc)
			if err != nil || len(p.Units()) != 0 {
				t.Errorf("%s%s holds (%v)", call, neg, err)
			}
		}
	}
}

const (
	isTrue  = `<condition negation="Yes">MigXmlHelper.IsUpgrade()</condition>`
	isFalse = `<condition>MigXmlHelper.IsUpgrade()</condition>`
)

// How conditions and detections combine: spec 4.8 and 4.9.
func TestCombining(t *testing.T) {
	pc := migxmltest.New()
	pc.Dir(`C:\Here`)
	set := func(path string) string {
		return `<objectSet><pattern type="File">` + path + `</pattern></objectSet>`
	}
	for body, want := range map[string]bool{
		``: true,
		`<detection><conditions>` + isTrue + isFalse + `</conditions></detection>`:                                                       false,
		`<detection><conditions operation="OR">` + isTrue + isFalse + `</conditions></detection>`:                                        true,
		`<detection><conditions operation="OR">` + isFalse + `<conditions>` + isTrue + isTrue + `</conditions></conditions></detection>`: true,
		`<detection><conditions/></detection>`:                                                                                           true,
		`<detection/>`:                                                                                                                   true,
		`<detection><conditions>` + isFalse + `</conditions></detection><detection><conditions>` + isTrue + `</conditions></detection>`:  true,
		`<detection><conditions>` + isFalse + `</conditions></detection><detects><detect>` + isTrue + `</detect></detects>`:              true,
		`<detects><detect>` + isTrue + isFalse + `</detect></detects>`:                                                                   true,
		`<detects><detect>` + isTrue + `</detect><detect>` + isFalse + `</detect></detects>`:                                             false,
		`<detects><detect>` + isFalse + `</detect></detects><detects><detect>` + isTrue + `</detect></detects>`:                          true,
		`<detects><detect><detect>` + isTrue + `</detect><detect>` + isFalse + `</detect></detect></detects>`:                            false,
		`<detects><detect>` + set(`C:\Here`) + `</detect></detects>`:                                                                     true,
		`<detects><detect>` + set(`C:\Gone`) + `</detect></detects>`:                                                                     false,
		`<detection context="System"><conditions>` + isFalse + `</conditions></detection>`:                                               true, // not asked for a user
		`<detection context="User"><conditions>` + isFalse + `</conditions></detection>`:                                                 false,
	} {
		p, _ := compile(t, pc, app(`context="`+anna+`"`, body+`<rules>`+include("File", `C:\X`)+`</rules>`))
		if got := len(p.Units()) == 1; got != want {
			t.Errorf("%s: detected %v", body, got)
		}
	}
	for body, want := range map[string]bool{
		`<conditions>` + isFalse + `</conditions>`:                                                              false,
		`<detects context="System"><detect>` + isTrue + `</detect></detects>`:                                   true,
		`<detects><detect>` + isFalse + `</detect></detects>`:                                                   false,
		`<detects><detect>` + isFalse + `</detect></detects><detects><detect>` + isTrue + `</detect></detects>`: true,
		`<conditions>` + isTrue + `</conditions><detects><detect>` + isFalse + `</detect></detects>`:            false,
	} {
		p, _ := compile(t, pc, app(`context="`+anna+`"`, `<rules>`+body+include("File", `C:\X`)+`<rules>`+include("File", `C:\Y`)+`</rules></rules>`))
		if got := len(p.Units()) == 1; got != want {
			t.Errorf("rules with %s: active %v", body, got)
		}
	}
	// An unconditional exclude is gated like anything else in rules.
	pc.File(`C:\X\f`)
	p, _ := compile(t, pc, app(``, `<rules>`+include("File", `C:\X\* [*]`)+`<rules><conditions>`+isFalse+`</conditions>`+items("unconditionalExclude", "File", `C:\* [*]`)+`</rules></rules>`))
	expect(t, "gated", pc.Taken(p, nil), `C:\X`, `C:\X [f]`)
}

// A lookup that makes no sense is told; one that has a meaning in another context
// is not (spec 7.4, 14.2).
func TestVariableDiagnostics(t *testing.T) {
	for call, want := range map[string]string{
		`GetStringContent("Registry","HK_USERS\X [y]")`: `"HK_USERS" is no registry root`,
		`GetStringContent("Registri","HKLM\X [y]")`:     `object type is "Registri"`,
		`GetStringContent("Registry","HKCU\X [y]")`:     "HKCU has no meaning in the System context",
		`GetStringContent("Registry","HKLM\X [y]")`:     "",
	} {
		_, diags := compile(t, migxmltest.New(), `<component type="Application" context="System"><displayName>App</displayName><environment><variable name="A"><script>MigXmlHelper.`+call+`</script></variable></environment></component>`)
		if got := fmt.Sprint(diags); (want == "") != (len(diags) == 0) || !strings.Contains(got, want) {
			t.Errorf("%s: %s", call, got)
		}
	}
}

func TestVariables(t *testing.T) {
	pc := migxmltest.New()
	pc.Bits = 64
	pc.SetValue(`HKLM\SOFTWARE\App`, "Dir", `C:\Apps\[App]\`)
	pc.SetValue(`HKLM\SOFTWARE\App`, "Exp", migxml.Value{Type: migxml.RegExpandSz, Data: migxmltest.UTF16(`%WinDir%\App` + "\x00")})
	pc.SetValue(`HKLM\SOFTWARE\App`, "Icon", `"C:\Apps\[App]\app.exe",0`)
	pc.SetValue(`HKLM\SOFTWARE\Quoted`, "", `"C:\Q\"`)
	pc.SetValue(`HKLM\SOFTWARE\Lun`, "", `C:\LUN`)
	pc.File(`C:\Apps\[App]\app.exe`)
	define := func(name, source string) string {
		return `<variable name="` + name + `">` + source + `</variable>`
	}
	text := func(s string) string { return `<text>` + s + `</text>` }
	script := func(s string) string { return `<script>MigXmlHelper.` + s + `</script>` }
	for _, c := range []struct {
		env, pattern string
		want         string // "" for a dropped pattern
	}{
		{define("A", text(`C:\a`)), `%A%\* [*]`, `C:\a\* [*]`},
		{define("My.Dir(x86)", text(`C:\a\ `)), `%my.dir(X86)%* [x]`, `C:\a\* [x]`},
		{define("A", text(`C:\a`)) + define("B", text(`%a%\b`)), `%B%\c [d]`, `C:\a\b\c [d]`},
		{define("B", text(`%a%\b`)) + define("A", text(`C:\a`)), `%B%\c [d]`, ``},
		{define("A", text(`C:\1`)) + define("A", text(`C:\2`)), `%A%`, `C:\2`},
		{define("A", text(`C:\1`)) + define("A", script(`GetStringContent("Registry","HKLM\SOFTWARE\No [x]")`)), `%A%`, `C:\1`},
		{define("A", script(`GetStringContent("Registry","HKLM\SOFTWARE\App [Dir]")`)), `%A%* [*]`, `C:\Apps\^[App^]\* [*]`},
		{define("A", script(`GetStringContent("Registry","HKLM\SOFTWARE\App [Exp]")`)), `%A%\* [*]`, `C:\Windows\App\* [*]`},
		{define("A", script(`GetStringContent("Registry","HKLM\SOFTWARE\Quoted []","0",'"','"\')`)), `%A%\* [*]`, `C:\Q\* [*]`},
		{define("A", `<objectSet><content filter='MigXmlHelper.ExtractDirectory(",","1")'><objectSet><pattern type="Registry">HKLM\SOFTWARE\App [Icon]</pattern></objectSet></content></objectSet>`), `%A%\* [*]`, `C:\Apps\^[App^]\* [*]`},
		{define("A", `<objectSet><content filter="MigXmlHelper.ExtractSingleFile(',',NULL)"><objectSet><pattern type="Registry">HKLM\SOFTWARE\App [Icon]</pattern></objectSet></content></objectSet>`), `%A%`, `C:\Apps\^[App^]\app.exe`},
		{define("A", script(`GetStringContent("Registry","HKLM\SOFTWARE\Lun []","TRUE",NULL,'NULL')`)), `%A%\* [*]`, `C:\LUN\* [*]`},
		{define("A", script(`GetStringContent("File","C:\Apps [x]")`)), `%A%\* [*]`, ``},
		{``, `%NOSUCH%\x`, ``},
		{``, `C:\100%\x`, `C:\100%\x`},
		{``, `C:\100%\%WINDIR%\x`, `C:\100%\C:\Windows\x`},
		{define("A", text(`C:\x\* [*.doc]`)), `%A%`, `C:\x\* [*.doc]`},
	} {
		p, _ := compile(t, pc, `<component type="Application" context="System"><displayName>App</displayName><environment>`+c.env+`</environment><role role="Settings"><rules>`+include("File", c.pattern)+`</rules></role></component>`)
		got := ""
		for _, r := range p.Rules() {
			got = r.Pattern.String()
		}
		if got != c.want {
			t.Errorf("%s with %s: %q, want %q", c.pattern, c.env, got, c.want)
		}
	}
}

// Named elements are used where they are referred to, with the variables there.
func TestNamedElements(t *testing.T) {
	pc := migxmltest.New()
	p, _ := compile(t, pc, `<namedElements>
		<environment name="env"><variable name="Root"><text>C:\Root</text></variable></environment>
		<rules name="common" context="System">`+include("File", `%Root%\%Which%\* [*]`)+`</rules>
	</namedElements>`+
		`<component type="Application"><displayName>One</displayName><environment name="ENV"/><environment><variable name="Which"><text>1</text></variable></environment><role role="Settings"><rules name="Common">`+include("File", `C:\ignored`)+`</rules></role></component>`+
		`<component type="Application"><displayName>Two</displayName><role role="Settings"><environment name="env"/><environment><variable name="Which"><text>2</text></variable></environment><rules name="Common"/></role></component>`)
	var got []string
	for _, r := range p.Rules() {
		got = append(got, p.Units()[r.Unit].Component+" "+r.Pattern.String())
	}
	if want := []string{`One C:\Root\1\* [*]`, `Two C:\Root\2\* [*]`}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

// What nothing defines is taken as empty, but detects nothing (spec 4.6).
func TestUnresolvedReferences(t *testing.T) {
	for body, want := range map[string]bool{
		`<environment name="x"/><rules>` + include("File", `C:\X`) + `</rules>`:               true,
		`<rules><conditions name="x"/>` + include("File", `C:\X`) + `</rules>`:                true,
		`<detection name="x"/><rules>` + include("File", `C:\X`) + `</rules>`:                 false,
		`<detects name="x"/><rules>` + include("File", `C:\X`) + `</rules>`:                   false,
		`<detects><detect name="x"/></detects><rules>` + include("File", `C:\X`) + `</rules>`: false,
		`<rules name="x"/>`: false,
	} {
		f, _, err := migxml.Parse("t", []byte(`<migration urlid="u">`+app(`context="System"`, body)+`</migration>`))
		if err != nil {
			t.Fatal(err)
		}
		p, _, err := migxml.Compile([]*migxml.File{f}, contexts(), migxmltest.New())
		if err != nil || len(p.Units()) == 1 != want {
			t.Errorf("%s: active %v, %v", body, !want, err)
		}
	}
}

func TestContent(t *testing.T) {
	pc := migxmltest.New()
	pc.File(`C:\Pics\wall.bmp`, `C:\Windows\note.exe`, `C:\Pics\b.bmp`, `C:\Mail\a.pst`)
	key := `HKU\` + anna + `\Control Panel`
	pc.SetValue(key, "Wallpaper", `C:\Pics\wall.bmp`)
	pc.SetValue(key, "Icon", `"C:\Pics\wall.bmp",-2`)
	pc.SetValue(key, "Bare", `note.exe,-2`)
	pc.SetValue(key, "Gone", `C:\Pics\gone.bmp`)
	pc.SetValue(key, "Two", `C:\Pics\wall.bmp;C:\Pics\b.bmp;C:\gone`)
	pc.SetValue(key, "Multi", []string{`C:\Pics\b.bmp`, `C:\Pics\wall.bmp`})
	pc.SetValue(key, "Expand", migxml.Value{Type: migxml.RegExpandSz, Data: migxmltest.UTF16(`%windir%\note.exe` + "\x00")})
	pc.SetValue(key, "Ansi", []byte("C:\\Mail\\a.pst\x00junk"))
	pc.SetValue(key, "Wide", migxmltest.UTF16("C:\\Mail\\a.pst\x00"))
	for _, c := range []struct {
		filter, value string
		want          []string
	}{
		{`MigXmlHelper.ExtractSingleFile(NULL, NULL)`, "Wallpaper", []string{`C:\Pics [wall.bmp]`}},
		{`MigXmlHelper.ExtractSingleFile(",", 'NULL')`, "Icon", []string{`C:\Pics [wall.bmp]`}},
		{`MigXmlHelper.ExtractSingleFile(",", "%WINDIR%;C:\No")`, "Bare", []string{`C:\Windows [note.exe]`}},
		{`MigXmlHelper.ExtractSingleFile(",")`, "Bare", nil},
		{`MigXmlHelper.ExtractSingleFile()`, "Gone", nil},
		{`MigXmlHelper.ExtractSingleFile()`, "Multi", []string{`C:\Pics [b.bmp]`}},
		{`MigXmlHelper.ExtractSingleFile()`, "Expand", []string{`C:\Windows [note.exe]`}},
		{`MigXmlHelper.ExtractMultipleFiles(";", NULL)`, "Two", []string{`C:\Pics [wall.bmp]`, `C:\Pics [b.bmp]`}},
		{`MigXmlHelper.ExtractMultipleFiles(NULL, NULL)`, "Multi", []string{`C:\Pics [b.bmp]`, `C:\Pics [wall.bmp]`}},
		{`MigXmlHelper.ExtractDirectory(NULL, "1", "\* [*]")`, "Wallpaper", []string{`C:\Pics\* [*]`}},
		{`MigXmlHelper.ExtractDirectory(NULL, "1", "* [*]")`, "Wallpaper", []string{`C:\Pics\* [*]`}},
		{`MigXmlHelper.ExtractDirectory(NULL, "1")`, "Wallpaper", []string{`C:\Pics`}},
		{`MigXmlHelper.ExtractDirectory(NULL, "1", " [*.bmp]")`, "Wallpaper", []string{`C:\Pics [*.bmp]`}},
		{`MigXmlHelper.ExtractDirectory(NULL, "0")`, "Wallpaper", nil},
		{`MigSysHelper.ExtractSingleFileAnsiBin()`, "Ansi", []string{`C:\Mail [a.pst]`}},
		{`MigSysHelper.ExtractSingleFileUnicodeBin()`, "Wide", []string{`C:\Mail [a.pst]`}},
	} {
		p, _ := compile(t, pc, app(`context="`+anna+`"`, `<rules><include><objectSet><content filter='`+strings.ReplaceAll(c.filter, "'", "&apos;")+`'><objectSet><pattern type="Registry">HKCU\Control Panel [`+c.value+`]</pattern></objectSet></content></objectSet></include></rules>`))
		var got []string
		for _, r := range p.Rules() {
			got = append(got, r.Pattern.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s of %s: %v, want %v", c.filter, c.value, got, c.want)
		}
	}
}

func TestGenerators(t *testing.T) {
	pc := migxmltest.New()
	pc.Drive("D:", migxml.Fixed)
	pc.Drive("E:", migxml.Removable)
	for _, c := range []struct {
		context, script string
		want            []string
	}{
		{"System", `GenerateDrivePatterns ("* [*.x]", "Fixed")`, []string{`C:\* [*.x]`, `D:\* [*.x]`}},
		{"System", `GenerateDrivePatterns ("\Dir\* [*] ")`, []string{`C:\Dir\* [*]`, `D:\Dir\* [*]`}},
		{"System", `GenerateDrivePatterns ("*\Dir\* [*]", "removable")`, []string{`E:\*\Dir\* [*]`}},
		{"System", `GenerateUserPatterns("File","%CSIDL_PERSONAL%\* [*.doc]","FALSE")`, []string{`C:\Users\anna\Documents\* [*.doc]`, `C:\Users\bob\Documents\* [*.doc]`}},
		{anna, `GenerateUserPatterns("File","%CSIDL_PERSONAL%\* [*.doc]","FALSE")`, []string{`C:\Users\bob\Documents\* [*.doc]`}},
		{anna, `GenerateUserPatterns("Registry","HKCU\X","TRUE")`, []string{`HKU\` + anna + `\X`, `HKU\` + bob + `\X`}},
	} {
		p, _ := compile(t, pc, app(`context="`+c.context+`"`, `<rules><include><objectSet><script>MigXmlHelper.`+c.script+`</script></objectSet></include></rules>`))
		var got []string
		for _, r := range p.Rules() {
			got = append(got, r.Pattern.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s in %s: %v, want %v", c.script, c.context, got, c.want)
		}
	}
}

func TestExtensions(t *testing.T) {
	pc := migxmltest.New()
	pc.Drive("E:", migxml.Removable)
	pc.File(`C:\x\a.doc`, `C:\x\a.txt`, `E:\a.doc`)
	p, _ := compile(t, pc, `<component type="Documents" context="System"><displayName>Docs</displayName><extensions><extension>DOC</extension></extensions></component>`)
	expect(t, "extension", pc.Taken(p, nil), `C:\x [a.doc]`)
	if u := p.Units()[0]; u.Role != "Data" {
		t.Errorf("%+v", u)
	}
	// It is an include of that component: its excludes are about it too (spec 4.20).
	pc.File(`C:\x\old\b.doc`)
	p, _ = compile(t, pc, `<component type="Documents" context="System"><displayName>Docs</displayName><extensions><extension>.doc</extension></extensions>`+
		`<role role="Data"><rules>`+items("exclude", "File", `C:\x\old\* [*]`)+`</rules></role></component>`)
	expect(t, "extension with an exclude", pc.Taken(p, nil), `C:\x [a.doc]`)
	if len(p.Units()) != 1 {
		t.Errorf("%+v", p.Units())
	}
}

// The document finder, spec 11.2, as MigDocs uses it.
func TestDocPatterns(t *testing.T) {
	pc := migxmltest.New()
	pc.File(
		`C:\root.txt`, `C:\pagefile.sys`, `C:\Windows\w.exe`, `C:\Program Files\App\a.exe`, `C:\Data\d.doc`,
		`C:\Tools\Editor\edit.exe`, `C:\Tools\Notes\n.txt`, `C:\Tools\t.txt`, `C:\$Recycle.Bin\x`,
		`C:\Users\anna\mail.pst`, `C:\Users\anna\NTUSER.DAT`, `C:\Users\anna\Documents\a.doc`, `C:\Users\anna\Documents\desktop.ini`,
		`C:\Users\anna\AppData\Roaming\x`, `C:\Users\anna\Projects\p.c`, `C:\Users\Public\Documents\shared.doc`, `C:\Users\bob\b.txt`)
	for _, hidden := range []string{`C:\pagefile.sys`, `C:\Users\anna\Documents\desktop.ini`} {
		pc.Mark(hidden, func(e *migxml.Entry) { e.Hidden, e.System = true, true })
	}
	pc.SetValue(`HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\Editor`, "InstallLocation", `"C:\Tools\Editor\"`)
	docs := func(context string) string {
		return app(`context="`+context+`"`, `<rules><include><objectSet><script>MigXmlHelper.GenerateDocPatterns("FALSE","TRUE","FALSE")</script></objectSet></include>`+
			`<exclude><objectSet><script>MigXmlHelper.GenerateDocPatterns("FALSE","FALSE","FALSE")</script></objectSet></exclude></rules>`)
	}
	files := func(p *migxml.Program) []string {
		return slices.DeleteFunc(pc.Taken(p, nil), func(s string) bool { return !strings.Contains(s, "[") })
	}
	p, diags := compile(t, pc, docs("System"))
	if len(diags) != 1 || diags[0].Severity != migxml.Info || diags[0].Text != `folder C:\Tools\Editor is left: an application is installed in it` {
		t.Errorf("what was passed over: %v", diags)
	}
	expect(t, "system", files(p), `C: [root.txt]`, `C:\Data [d.doc]`, `C:\Tools [t.txt]`, `C:\Tools\Notes [n.txt]`, `C:\Users\Public\Documents [shared.doc]`)
	// With the first argument, documents beside applications too.
	pc.File(`C:\Program Files\App\samples\s.app`, `C:\Program Files\App\s.txt`, `C:\Program Files\App\Plugin\p.app`)
	pc.SetValue(`HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\App`, "InstallLocation", `C:\Program Files\App`)
	pc.SetValue(`HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\App Paths\plugin.exe`, "", `C:\Program Files\App\Plugin\plugin.exe`)
	pc.SetValue(`HKLM\SOFTWARE\Classes\.app`, "", "AppFile")
	pc.SetValue(`HKLM\SOFTWARE\Classes\AppFile\shell\open\command`, "", `"C:\Program Files\App\a.exe" "%1"`)
	p, _ = compile(t, pc, strings.ReplaceAll(docs("System"), `Patterns("FALSE"`, `Patterns("TRUE"`))
	expect(t, "programs", slices.DeleteFunc(files(p), func(s string) bool { return !strings.HasPrefix(s, `C:\P`) && !strings.HasPrefix(s, `C:\PROGRAM`) }), `C:\Program Files\App\samples [s.app]`)
	p, _ = compile(t, pc, docs(anna))
	expect(t, "user", files(p), `C:\Users\anna [mail.pst]`, `C:\Users\anna\Documents [a.doc]`, `C:\Users\anna\Projects [p.c]`)
}

func TestFilters(t *testing.T) {
	pc := migxmltest.New()
	pc.Data(`C:\F\small`, make([]byte, 10))
	pc.Data(`C:\F\big`, make([]byte, 3000))
	pc.Mark(`C:\F\big`, func(e *migxml.Entry) { e.Modified = time.Date(2020, 5, 6, 23, 0, 0, 0, time.UTC) })
	pc.SetValue(`HKLM\F`, "a", "Yes")
	pc.SetValue(`HKLM\F`, "b", "No")
	for filter, want := range map[string][]string{
		`AnswerNo()`:                                                     nil,
		`NeverRestore()`:                                                 {"big", "small", "a", "b"},
		`IgnoreIrrelevantLinks()`:                                        {"big", "small", "a", "b"},
		`FileProperties("filesize","gt","1KB")`:                          {"big"},
		`FileProperties("filesize","lte","3000")`:                        {"big", "small", "a", "b"},
		`FileProperties("filesize","range","1B-1KB")`:                    {"small"},
		`FileProperties("dateModified","range","2021/01/01-2020/05/06")`: {"big"},
		`FileProperties("dateModified","lt","2019/1/1")`:                 {"small", "a", "b"},
		`CompareStringContent("yes","Equal")`:                            {"a"},
		`CompareStringContent("yes",NULL)`:                               {"big", "small", "b"},
	} {
		p, _ := compile(t, pc, app(`context="System"`, `<rules><include filter='MigXmlHelper.`+filter+`'><objectSet><pattern type="File">C:\F\* [*]</pattern><pattern type="Registry">HKLM\F [*]</pattern></objectSet></include></rules>`))
		var got []string
		for _, s := range pc.Taken(p, nil) {
			if _, leaf, ok := strings.Cut(s, " ["); ok && (leaf != "a]" && leaf != "b]" || !strings.Contains(filter, "range") && !strings.Contains(filter, "gt")) {
				got = append(got, strings.TrimSuffix(leaf, "]"))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s takes %v, want %v", filter, got, want)
		}
	}
}

func TestDuplicateURLID(t *testing.T) {
	pc := migxmltest.New()
	var list []*migxml.File
	for _, name := range []string{"a.xml", "b.xml"} {
		f, _, err := migxml.Parse(name, []byte(`<migration urlid="urn:`+strings.ToUpper("x")+`">`+app(``, `<rules>`+include("File", `C:\X`)+`</rules>`)+`</migration>`))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, f)
	}
	p, diags, err := migxml.Compile(list, contexts(), pc)
	if err != nil || len(p.Units()) != 3 || len(diags) != 1 || diags[0].Severity != migxml.Error || diags[0].File != "b.xml" {
		t.Errorf("%v %v %v", p.Units(), diags, err)
	}
}

func TestMigUserWithMigDocs(t *testing.T) {
	var list []*migxml.File
	for _, name := range []string{"MigDocs", "MigUser"} {
		f, _, err := migxml.Parse(name, []byte(`<migration urlid="http://www.microsoft.com/migration/1.0/migxmlext/`+name+`">`+app(``, ``)+`</migration>`))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, f)
	}
	_, diags, err := migxml.Compile(list, contexts(), migxmltest.New())
	if err != nil || len(diags) != 1 || diags[0].Severity != migxml.Warning || !strings.Contains(diags[0].Text, "given together") {
		t.Errorf("%v %v", diags, err)
	}
	if _, diags, err = migxml.Compile(list[:1], contexts(), migxmltest.New()); err != nil || len(diags) != 0 {
		t.Errorf("one alone: %v %v", diags, err)
	}
}

func TestCompileOnly(t *testing.T) {
	pc := migxmltest.New()
	pc.File(`C:\X\a`)
	f, _, _ := migxml.Parse("a.xml", []byte(`<migration urlid="u">`+
		strings.Replace(app(`context="System"`, `<rules>`+include("File", `C:\X\* [*]`)+`</rules>`), "App<", "Keep<", 1)+
		app(`context="System"`, `<rules>`+items("unconditionalExclude", "File", `C:\X\* [*]`)+`</rules>`)+`</migration>`))
	p, _, _ := migxml.CompileOnly([]*migxml.File{f}, contexts(), pc, func(u migxml.Unit) bool { return u.Component == "Keep" })
	expect(t, "kept", pc.Taken(p, nil), `C:\X`, `C:\X [a]`)
	if len(p.Units()) != 1 {
		t.Errorf("%+v", p.Units())
	}
}

// Rules that refer to each other many times over end in an error, not in hours.
func TestExpansionBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString(`<namedElements>`)
	for i := range 20 {
		fmt.Fprintf(&b, `<rules name="r%d">`, i)
		for range 10 {
			fmt.Fprintf(&b, `<rules name="r%d"/>`, i+1)
		}
		b.WriteString(`</rules>`)
	}
	b.WriteString(`<rules name="r20">` + include("File", `C:\X`) + `</rules></namedElements>`)
	f, _, err := migxml.Parse("bomb.xml", []byte(`<migration urlid="u">`+b.String()+app(`context="System"`, `<rules name="r0"/>`)+`</migration>`))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := migxml.Compile([]*migxml.File{f}, contexts(), migxmltest.New()); err == nil {
		t.Error("no error")
	}
}

// Rule files of others, in the folder LIFEBOAT_RULES: each must load or be
// refused with the place, and compile.
func TestForeignRuleFiles(t *testing.T) {
	dir := os.Getenv("LIFEBOAT_RULES")
	if dir == "" {
		t.Skip("LIFEBOAT_RULES names no folder with rule files")
	}
	list, err := filepath.Glob(filepath.Join(dir, "*.[xX][mM][lL]"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range list {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, diags, err := migxml.Parse(filepath.Base(name), data)
		if err != nil {
			t.Logf("refused: %v", err)
			continue
		}
		p, more, err := migxml.Compile([]*migxml.File{f}, contexts(), migxmltest.New())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		t.Logf("%s: %d components, %d units, %d rules", f.Name, len(f.Components), len(p.Units()), len(p.Rules()))
		for _, d := range append(diags, more...) {
			if d.Severity >= migxml.Warning {
				t.Log(d)
			}
		}
	}
}

// program is a 32-bit PE file whose only section holds a version resource.
func program(pairs ...string) []byte {
	block := func(key string, text bool, value []byte, children ...[]byte) []byte {
		b := append(make([]byte, 6), migxmltest.UTF16(key+"\x00")...)
		pad := func() {
			for len(b)%4 != 0 {
				b = append(b, 0)
			}
		}
		pad()
		b = append(b, value...)
		for _, c := range children {
			pad()
			b = append(b, c...)
		}
		b[0], b[1] = byte(len(b)), byte(len(b)>>8)
		n := len(value)
		if text {
			n /= 2
			b[4] = 1
		}
		b[2] = byte(n)
		return b
	}
	var strs [][]byte
	for i := 0; i < len(pairs); i += 2 {
		strs = append(strs, block(pairs[i], true, migxmltest.UTF16(pairs[i+1]+"\x00")))
	}
	version := block("VS_VERSION_INFO", false, make([]byte, 52),
		block("StringFileInfo", true, nil, block("040904B0", true, nil, strs...)))
	const base = 0x1000
	entry := func(id, to uint32) []byte {
		return []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, byte(id), byte(id >> 8), 0, 0, byte(to), byte(to >> 8), 0, byte(to >> 24)}
	}
	rsrc := slices.Concat(entry(16, 24|1<<31), entry(1, 48|1<<31), entry(0x409, 72),
		[]byte{88, base >> 8, 0, 0, byte(len(version)), byte(len(version) >> 8), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, version)
	head, err := hex.DecodeString("4D5A" + strings.Repeat("00", 58) + "40000000" + "50450000" +
		"4C010100" + strings.Repeat("00", 12) + "0000" + "0201")
	if err != nil {
		panic(err)
	}
	section := make([]byte, 40)
	copy(section, ".rsrc")
	section[8], section[9] = byte(len(rsrc)), byte(len(rsrc)>>8)
	section[13] = base >> 8
	section[16], section[17] = byte(len(rsrc)), byte(len(rsrc)>>8)
	section[20] = byte(len(head) + 40)
	return slices.Concat(head, section, rsrc)
}
