package migxml_test

import (
	"slices"
	"strings"
	"testing"

	"lifeboat/engine/migxml"
	"lifeboat/engine/migxml/migxmltest"
)

// What is said of rules that cannot all be applied: each thing once, by name.
func TestDiagnosticsNameWhatIsLost(t *testing.T) {
	body := app(``, `<rules context="User">
<frobnicate/>
<include><objectSet>
 <pattern type="File">%CSIDL_DOCUMNETS%\* [*]</pattern>
 <pattern type="File">%CSIDL_APPDATA%\App\* [*]</pattern>
 <pattern type="File">%FOLDERID_Links%\* [*]</pattern>
 <pattern type="File">%LATER%\* [*]</pattern>
</objectSet></include>
<contentModify script="MigSysHelper.SetPstPathInMapiStruct()"><objectSet><pattern type="Registry">HKCU\A [*]</pattern></objectSet></contentModify>
<contentModify script="MigSysHelper.SetPstPathInMapiStruct()"><objectSet><pattern type="Registry">HKCU\B [*]</pattern></objectSet></contentModify>
<contentModify script="MigXmlHelper.MigrateTaskbarSS()"><objectSet><pattern type="Registry">HKCU\C [*]</pattern></objectSet></contentModify>
<externalProcess when="pre-scan"><commandLine>net stop "%USERNAME%"</commandLine></externalProcess>
<externalProcess when="pre-scan"><commandLine>net stop "%USERNAME%"</commandLine></externalProcess>
<processing when="scan-success"><script>MigXmlHelper.KillExplorer()</script></processing>
<processing when="apply-success"><script>MigXmlHelper.RestartExplorer()</script></processing>
</rules>`) + `<namedElements><environment name="e" context="User"><variable name="Later"><text>x</text></variable></environment></namedElements>`
	f, diags, err := migxml.Parse("odd.xml", []byte(`<migration urlid="urn:odd">`+body+`</migration>`))
	if err != nil {
		t.Fatal(err)
	}
	_, more, err := migxml.Compile([]*migxml.File{f}, contexts(), migxmltest.New())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range migxml.Condense(append(diags, more...)) {
		got = append(got, d.String())
	}
	want := []string{
		"<frobnicate> is not known inside <rules>, ignored",
		"SetPstPathInMapiStruct is known by name only; the data is migrated without it (and 1 more of these in the file)",
		"internal function MigrateTaskbarSS is ignored",
		`pattern %CSIDL_DOCUMNETS%\* [*]: variable %CSIDL_DOCUMNETS% is not defined; ignored`,
		`command net stop "%USERNAME%" of pre-scan: not run offline (and 1 more of these in the file)`,
		"script MigXmlHelper.KillExplorer() of scan-success: not run offline",
		"script MigXmlHelper.RestartExplorer() of apply-success: not run now, kept for the restore",
	}
	if !slices.EqualFunc(got, want, strings.HasSuffix) {
		t.Errorf("diagnostics:\n%s\nwant endings:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
