package migxml

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// file wraps components into a migration file; the first line of body is line 2.
func file(body string) string {
	return `<migration urlid="http://test.example/` + fmt.Sprint(len(body)) + `">` + "\n" + body + "\n</migration>"
}

// settings wraps rule items into a component with one role.
func settings(items string) string {
	return `<component type="Application"><displayName>App</displayName><role role="Settings">` + items + `</role></component>`
}

func TestParseMinimal(t *testing.T) {
	// The example of spec 16.5, in our own shape.
	f, diags, err := Parse("ledger.xml", []byte(`<?xml version="1.0" encoding="UTF-8"?>
<migration urlid=" http://example.org/mig/ledger ">
  <component type="application" context="UserAndSystem">
    <displayName>Ledger 4</displayName>
    <environment><variable name="Ledger.Dir"><script>MigXmlHelper.GetStringContent("Registry","HKLM\Software\Ledger [Dir]")</script></variable></environment>
    <role role="settings">
      <detection><conditions><condition>MigXmlHelper.DoesFileVersionMatch("%Ledger.Dir%\ledger.exe","ProductVersion","4.*")</condition></conditions></detection>
      <rules context="User">
        <include><objectSet>
          <pattern type="Registry">HKCU\Software\Ledger\* [*]</pattern>
          <pattern type="File"> %CSIDL_APPDATA%\Ledger\* [*] </pattern>
        </objectSet></include>
        <exclude><objectSet><pattern type="File">%CSIDL_APPDATA%\Ledger\Cache\* [*]</pattern></objectSet></exclude>
        <merge script="MigXmlHelper.SourcePriority()"><objectSet><pattern type="File">%CSIDL_APPDATA%\Ledger\* [*]</pattern></objectSet></merge>
      </rules>
    </role>
  </component>
</migration>`))
	if err != nil || len(diags) != 0 {
		t.Fatalf("%v, %v", err, diags)
	}
	c := f.Components[0]
	if f.URLID != "http://example.org/mig/ledger" || c.DisplayName != "Ledger 4" || c.Type != "Application" || c.Line != 3 {
		t.Errorf("%+v", c)
	}
	r := c.Roles[0]
	if r.Kind != "Settings" || len(r.Detections) != 1 || len(r.Rules) != 1 || len(r.Rules[0].Items) != 3 {
		t.Fatalf("%+v", r)
	}
	if p := r.Rules[0].Items[0].Sets[0].Members[1].Pattern; p.Line != 11 || p.Text != `%CSIDL_APPDATA%\Ledger\* [*]` {
		t.Errorf("%+v", p)
	}
	if s := r.Rules[0].Scope; s.System || !s.User {
		t.Errorf("%+v", s)
	}
}

// Every element of the grammar is read without a remark.
func TestParseEverything(t *testing.T) {
	f, diags, err := Parse("all.xml", []byte(file(`<library prefix="MigSysHelper">MigSys.dll</library>
<_locDefinition><_locDefault _loc="x"/></_locDefinition>
<namedElements>
  <environment name="env" context="User"><conditions/><variable name="A"><text>x</text></variable></environment>
  <rules name="r" context="System"><rules name="inner"/></rules>
  <rules name="inner"/>
  <conditions name="c" operation="or"><conditions name="c2"/></conditions>
  <conditions name="c2"/>
  <detection name="d"><conditions name="c"/></detection>
  <detects name="ds"><detect name="de"/></detects>
  <detect name="de"><condition>MigXmlHelper.IsSystemContext()</condition></detect>
</namedElements>
<component type="Documents" context="CONTOSO\anna" hidden="TRUE" defaultSupported="No">
  <displayName _locID="x">All</displayName><manufacturer/><version/><description/><icon/><paths><path type="File">x</path></paths>
  <environment name="ENV"/>
  <environment><variable name="B" remap="Yes"><objectSet><content filter="MigXmlHelper.ExtractDirectory(NULL,'1')"><objectSet><pattern type="Registry">HKLM\X [Y]</pattern></objectSet></content></objectSet></variable></environment>
  <extensions><extension>doc</extension><extension>.xls</extension><extension>*.ppt</extension></extensions>
  <role role="Data"><detection name="d"/><detects name="ds"/><environment name="env"/>
    <rules name="r"/>
    <rules><conditions operation="AND"><condition negation="Yes">MigXmlHelper.IsSystemContext()</condition><conditions name="c"/></conditions>
      <include filter='MigXmlHelper.NeverRestore()'><objectSet><condition>MigXmlHelper.IsSystemContext()</condition><script>MigXmlHelper.GenerateDrivePatterns("* [*.x]")</script></objectSet></include>
      <exclude><objectSet><pattern type="Ini">C:\n.ini|S[K]</pattern></objectSet></exclude>
      <unconditionalExclude filter="MigXmlHelper.AnswerNo()"><objectSet><pattern type="File">C:\a</pattern></objectSet></unconditionalExclude>
      <includeAttributes attributes="Security"><objectSet><pattern type="File">C:\a</pattern></objectSet></includeAttributes>
      <excludeAttributes attributes="Owner, 'TimeFields'"><objectSet><pattern type="File">C:\a</pattern></objectSet></excludeAttributes>
      <merge script="MigXmlHelper.SourcePriority()"><objectSet><pattern type="File">C:\a</pattern></objectSet></merge>
      <locationModify script="MigXmlHelper.Move('C:\M')"><objectSet><pattern type="File">C:\a</pattern></objectSet></locationModify>
      <contentModify script="MigXmlHelper.ConvertToDWORD()"><objectSet><pattern type="Registry">HKLM\a</pattern></objectSet></contentModify>
      <destinationCleanup><objectSet><pattern type="File">C:\a</pattern></objectSet></destinationCleanup>
      <addObjects><conditions/><object><location type="Registry">HKLM\A [b]</location><attributes>DWORD</attributes><bytes string="No" expand="yes">01000000</bytes></object></addObjects>
      <externalProcess when="PRE-SCAN"><commandLine>x.exe</commandLine></externalProcess>
      <processing when="post-apply"><script>MigXmlHelper.KillExplorer()</script></processing>
      <rules/>
    </rules>
    <role role="Data"><rules/></role>
  </role>
  <role role="Container"><component type="Documents"><displayName>Inner</displayName></component></role>
</component>`)))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range diags {
		t.Error(d)
	}
	c := f.Components[0]
	if c.Scope.Account != `CONTOSO\anna` || !c.Hidden || c.DefaultSupported || len(c.Extensions) != 3 || c.Extensions[2].Ext != "ppt" {
		t.Errorf("%+v", c)
	}
	r := c.Roles[0].Rules[1]
	if len(r.Items) != 9 || len(r.Added) != 1 || len(r.Actions) != 2 || r.Actions[0].When != "pre-scan" {
		t.Errorf("%+v", r)
	}
	if r.Items[4].Attributes != Owner|TimeFields {
		t.Errorf("attributes %b", r.Items[4].Attributes)
	}
}

func TestParseDiagnostics(t *testing.T) {
	for _, c := range []struct {
		body     string
		severity Severity
		line     int
		want     string
	}{
		{settings(`<rules><Exclude/></rules>`), Warning, 2, `component "App" > role > rules > Exclude: <Exclude> is not known inside <rules>, ignored; did you mean <exclude>?`},
		{settings("\n<rules>\n<include/></rules>"), Warning, 4, "no objectSet"},
		{settings(`<rules context="Users"/>`), Error, 2, `attribute context is "Users", expected User, System, UserAndSystem or DOMAIN\user`},
		{settings(`<destinationCleanup/>`), Warning, 2, "not known directly inside <role>"},
		{settings(`<rules Context="User"/>`), Warning, 2, "attribute Context is not known, ignored; did you mean context?"},
		{settings(`<rules><include><objectSet/></include></rules>`), Warning, 2, "the objectSet is empty"},
		{settings(`<rules><include><merge script="MigXmlHelper.SourcePriority()"/></include></rules>`), Warning, 2, "<merge> is not known inside <include>"},
		{settings(`<rules><include><objectSet><pattern type="Ini">C:\n.ini|Sec [K]</pattern></objectSet></include></rules>`), Warning, 2, "blanks before [, expected none"},
		{settings(`<rules><addObjects><object><location type="File"><script>x</script></location></object></addObjects></rules>`), Warning, 2, "<script> is not known inside <location>"},
		{settings(`<rules><include filter="MigXmlHelper.Foo()"><objectSet/></include></rules>`), Warning, 2, "unknown function MigXmlHelper.Foo; the include is not applied"},
		{settings(`<rules><include><objectSet><pattern type="File">CSIDL_APPDATA\x [*]</pattern></objectSet></include></rules>`), Warning, 2, "no drive letter"},
		{settings(`<rules><include><objectSet><pattern type="Registry">HK_USERS\x [*]</pattern></objectSet></include></rules>`), Warning, 2, "no registry root"},
		{settings(`<rules><include><objectSet><pattern type="File">C:\a?b [*]</pattern></objectSet></include></rules>`), Warning, 2, "? is not a wildcard"},
		{settings(`<rules><include><objectSet><pattern>C:\a</pattern></objectSet></include></rules>`), Error, 2, "attribute type is missing"},
		{settings(`<rules><merge><objectSet/></merge></rules>`), Error, 2, "attribute script is missing"},
		{settings(`<rules name="nowhere"/>`), Warning, 2, `no rules is called "nowhere"`},
		{settings(`<registerSDF/>`), Warning, 2, "element of component manifests"},
		{settings(`<environment><variable name="x"/></environment>`), Warning, 2, "0 values"},
		{`<component type="User"><displayName>x</displayName></component>`, Warning, 2, `attribute type is "User"`},
		{`<component type="System"/>`, Warning, 2, "lacks a displayName"},
		{settings("") + settings(""), Warning, 2, "a second component has the displayName"},
		{`<component type="System"><displayName>x</displayName><role role="Config"/></component>`, Error, 2, `attribute role is "Config"`},
		{`<namedElements><rules name="a"><rules name="b"/></rules><rules name="b"><rules name="A"/></rules></namedElements>`, Error, 2, "contains itself"},
		{``, Warning, 1, "no component"},
	} {
		_, diags, err := Parse("t.xml", []byte(file(c.body)))
		if err != nil {
			t.Errorf("%s: %v", c.body, err)
			continue
		}
		hit := false
		for _, d := range diags {
			hit = hit || d.Severity == c.severity && d.Line == c.line && strings.Contains(d.String(), c.want)
		}
		if !hit {
			t.Errorf("%s\ngives %v\nwant %v at line %d: %s", c.body, diags, c.severity, c.line, c.want)
		}
	}
}

func TestParseLeavesOutBrokenComponents(t *testing.T) {
	f, _, err := Parse("t.xml", []byte(file(`<component type="System"><displayName>good</displayName></component>
<component type="System" context="nobody"><displayName>bad</displayName></component>
<component type="System"><displayName>outer</displayName><role role="Container">
<component type="System" context="nobody"><displayName>bad</displayName></component>
<component type="System"><displayName>inner</displayName></component></role></component>`)))
	if err != nil || len(f.Components) != 2 || len(f.Components[1].Roles[0].Components) != 1 {
		t.Errorf("%v, %+v", err, f)
	}
}

// Small files that grow to much, or say much about themselves, end early.
func TestHostileFiles(t *testing.T) {
	chain := `<namedElements>`
	for i := range 2 * maxDepth {
		chain += fmt.Sprintf(`<rules name="r%d"><rules name="r%d"/></rules>`, i, i+1)
	}
	if _, diags, err := Parse("t", []byte(file(chain+`<rules name="r512"/></namedElements>`))); err != nil ||
		!slices.ContainsFunc(diags, func(d Diagnostic) bool { return d.Severity == Error && strings.Contains(d.Text, "in a row") }) {
		t.Errorf("a chain of definitions: %v, %v", diags, err)
	}
	long := strings.Repeat("ü", 100_000)
	_, diags, err := Parse("t", []byte(file(`<component type="`+long+`"><displayName>`+long+`</displayName>`+strings.Repeat("<"+long[:2000]+"/>", 2*maxDiagnostics/100)+strings.Repeat("<x/>", 2*maxDiagnostics)+`</component>`)))
	if err != nil || len(diags) != maxDiagnostics {
		t.Errorf("%d remarks, %v", len(diags), err)
	}
	for _, d := range diags {
		if len(d.String()) > 2000 {
			t.Fatalf("a remark of %d bytes", len(d.String()))
		}
	}
	variables := ""
	for i := range 5000 {
		variables += fmt.Sprintf(`<variable name="v%d"><text>%%long%%</text></variable>`, i)
	}
	f, _, err := Parse("t", []byte(file(`<component type="System"><displayName>x</displayName><environment><variable name="long"><text>`+
		strings.Repeat("x", 60_000)+`</text></variable>`+variables+`</environment></component>`)))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Compile([]*File{f}, []Context{{ID: "System", System: true}}, nowhere{}); !errors.Is(err, errTooMuch) {
		t.Errorf("variables of 600 MB: %v", err)
	}
}

func TestParseErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                                     "no root element",
		"x":                                    "outside of the root element",
		`\<migration urlid="x"/>`:              "outside of the root element",
		"<migration urlid=\x93x\x94/>":         "typographic quotes",
		"<migration urlid=“x”/>":               "typographic quotes",
		"<migration urlid='x'>\n< component/>": "t.xml:2: not well-formed",
		"<migration urlid='x'><a></b></migration>": "not well-formed",
		"<migration urlid='x'>":                    "not well-formed",
		"<migration urlid='\xff'/>":                "not well-formed: invalid UTF-8 (the line is not UTF-8)",
		"<migration/>":                             "lacks the attribute urlid",
		"<migration urlid='  '/>":                  "lacks the attribute urlid",
		"<a/><b/>":                                 "second root element",
		"<foo/>":                                   "root element is <foo>, expected <migration>",
		"<!DOCTYPE a [<!ENTITY x 'y'>]><migration urlid='&x;'/>":                  "invalid character entity",
		"<?xml version=\"1.0\" encoding=\"klingon\"?><migration urlid=\"\xff\"/>": "\"klingon\" is not known, expected UTF-8",
		strings.Repeat("<a>", maxDepth+1):                                         "nested more than",
	} {
		_, _, err := Parse("t.xml", []byte(in))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.File != "t.xml" || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: error %v, want one with %q", in, err, want)
		}
	}
	_, _, err := Parse("c.xml", []byte(`<Configuration><Applications/></Configuration>`))
	if !errors.Is(err, ErrConfig) {
		t.Errorf("a Config.xml gives %v", err)
	}
	if _, _, err := Parse("big", make([]byte, maxFileSize+1)); err == nil {
		t.Error("a file without bounds is accepted")
	}
}

func TestParseEncodings(t *testing.T) {
	text := "<migration urlid='x'>\r\n<component type='System'><displayName>Grüße</displayName></component></migration>"
	units := utf16.Encode([]rune(text))
	encode := func(order binary.AppendByteOrder) []byte {
		data := order.AppendUint16(nil, 0xFEFF)
		for _, u := range units {
			data = order.AppendUint16(data, u)
		}
		return data
	}
	latin := strings.NewReplacer("ü", "\xfc", "ß", "\xdf").Replace(text)
	for name, data := range map[string][]byte{
		"plain":    []byte(text),
		"bom":      []byte("\xEF\xBB\xBF<?xml version='1.0' encoding='utf-8'?>" + text),
		"utf-16le": encode(binary.LittleEndian),
		"utf-16be": encode(binary.BigEndian),
		"no bom":   encode(binary.LittleEndian)[2:],
		"no bom 2": encode(binary.BigEndian)[2:],
		"latin":    []byte(`<?xml version="1.0" encoding="ISO-8859-1"?>` + latin),
		"ansi":     []byte(`<?xml version="1.0" encoding="windows-1252"?>` + latin),
		"belied":   []byte(`<?xml version="1.0" encoding="UTF-16"?>` + text),
	} {
		f, diags, err := Parse(name, data)
		if err != nil || f.Components[0].DisplayName != "Grüße" || f.Components[0].Line != 2 {
			t.Errorf("%s: %v, %+v", name, err, f)
		}
		if wide := name != "plain" && name != "bom"; wide != (len(diags) == 1) {
			t.Errorf("%s: %v", name, diags)
		}
	}
}
