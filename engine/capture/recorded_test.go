package capture

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"lifeboat/engine/job"
	"lifeboat/engine/store"
)

const restoreRules = `<migration urlid="http://lifeboat.example/restore">
<component type="Documents" context="S-1-5-21-1004336348-1177238915-682003330-1001"><displayName>Anna</displayName>
<environment><variable name="Docs" remap="yes"><text>%CSIDL_PERSONAL%</text></variable></environment>
<role role="Data"><rules>
<include filter="MigXmlHelper.NeverRestore()"><objectSet><pattern type="File">%Docs%\Letters\* [*]</pattern></objectSet></include>
<include><objectSet><pattern type="Ini">%CSIDL_COMMON_APPDATA%\Ledger\ledger.ini|Ledger[*]</pattern></objectSet></include>
<merge script="MigXmlHelper.SourcePriority()"><objectSet><pattern type="File">%Docs%\* [*]</pattern></objectSet></merge>
<locationModify script="MigXmlHelper.RelativeMove('%Docs%','%CSIDL_PERSONAL%\Old')"><objectSet><pattern type="File">%Docs%\* [*]</pattern></objectSet></locationModify>
<excludeAttributes attributes="Security"><objectSet><pattern type="File">%Docs% [a.txt]</pattern></objectSet></excludeAttributes>
<contentModify script="MigXmlHelper.ConvertToDWORD()"><objectSet><pattern type="Registry">HKCU\Software\Ledger [*]</pattern></objectSet></contentModify>
<destinationCleanup><objectSet><pattern type="Registry">HKCU\Software\Old\* [*]</pattern></objectSet></destinationCleanup>
<externalProcess when="post-apply"><commandLine>cmd /c echo %USERNAME%</commandLine></externalProcess>
<processing when="post-apply"><script>MigXmlHelper.RestartExplorer()</script></processing>
<addObjects>
<object><location type="Registry">HKCU\Software\Ledger [Added]</location><attributes>DWORD</attributes><bytes>01000000</bytes></object>
<object><location type="File">%Docs% [added.txt]</location><attributes>READ-ONLY</attributes><bytes string="yes">hello</bytes></object>
</addObjects>
</rules></role></component></migration>`

// Everything that acts on the destination is in the catalog, in the form that
// docs/store-format.md describes.
func TestRestoreRulesAreInTheCatalog(t *testing.T) {
	_, m := pc(t, nil)
	s := newStore(t)
	result, err := Gather(t.Context(), GatherRequest{Plan: scanWith(t, m, restoreRules), Store: s}, job.NewControl(clock, nil))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := s.Tree(t.Context(), result.ID)
	if err != nil {
		t.Fatal(err)
	}
	f, err := tree.Open(t.Context(), store.RestoreJSON)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"unit":0,"file":"test.xml","line":5,"kind":"include","script":"MigXmlHelper.NeverRestore()","patterns":[{"kind":"File","node":"C:\\Users\\anna\\Documents\\Letters\\*","leaf":"*","hasLeaf":true}]}`,
		`"line":7,"kind":"merge","script":"MigXmlHelper.SourcePriority()"`,
		`"line":8,"kind":"locationModify","script":"MigXmlHelper.RelativeMove('%Docs%','%CSIDL_PERSONAL%\\Old')"`,
		`"line":9,"kind":"excludeAttributes","attributes":15,"patterns":[{"kind":"File","node":"C:\\Users\\anna\\Documents","leaf":"a.txt","hasLeaf":true}]`,
		`"line":10,"kind":"contentModify","script":"MigXmlHelper.ConvertToDWORD()","patterns":[{"kind":"Registry","node":"HKU\\S-1-5-21-1004336348-1177238915-682003330-1001\\Software\\Ledger","leaf":"*","hasLeaf":true}]`,
		`"line":11,"kind":"destinationCleanup"`,
		`"added":[{"unit":0,"location":{"kind":"Registry","node":"HKU\\S-1-5-21-1004336348-1177238915-682003330-1001\\Software\\Ledger","leaf":"Added","hasLeaf":true},"type":4,"data":"AQAAAA=="},` +
			`{"unit":0,"location":{"kind":"File","node":"C:\\Users\\anna\\Documents","leaf":"added.txt","hasLeaf":true},"attributes":["READ-ONLY"],"data":"aGVsbG8="}]`,
		`"settings":[{"path":"C:\\ProgramData\\Ledger\\ledger.ini","section":"Ledger","key":"Year","value":"2026","takers":[0]}]`,
		`"remaps":[{"unit":0,"variable":"DOCS","source":"C:\\Users\\anna\\Documents"}]`,
		`"when":"post-apply","command":"cmd /c echo anna"}`,
		`"when":"post-apply","script":"MigXmlHelper.RestartExplorer()"}`,
		`"vars":{"DOCS":"C:\\Users\\anna\\Documents"}`,
	} {
		if !strings.Contains(string(data), want) {
			t.Errorf("restore.json lacks %s", want)
		}
	}
	var r store.Recorded
	if err := json.Unmarshal(data, &r); err != nil || len(r.Contexts) != 5 || r.Contexts[0].Vars["WINDIR"] != `C:\Windows` {
		t.Errorf("contexts %+v, %v", r.Contexts, err)
	}
	if t.Failed() {
		t.Logf("%s", data)
	}
}
