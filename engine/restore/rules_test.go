package restore

import (
	"os"
	"strings"
	"testing"

	"lifeboat/engine/migxml"
	"lifeboat/engine/regf"
	"lifeboat/engine/sample"
	"lifeboat/engine/volume"
)

// filteredRules take one folder by rules that are asked again at the restore.
const filteredRules = `<migration urlid="http://lifeboat.example/filtered">
  <component type="Documents" context="System"><displayName>First</displayName><role role="Data"><rules>
    <include filter="MigXmlHelper.NeverRestore()"><objectSet><pattern type="File">C:\Src\* [*]</pattern></objectSet></include>
    <include><objectSet>
      <pattern type="File">C:\Src\Docs\* [*]</pattern>
      <pattern type="Ini">C:\ProgramData\Ledger\ledger.ini|Ledger[*]</pattern>
    </objectSet></include>
    <merge script="MigXmlHelper.DestinationPriority()"><objectSet><pattern type="Ini">C:\ProgramData\Ledger\ledger.ini|Ledger[Year]</pattern></objectSet></merge>
    <addObjects>
      <object><location type="File">C:\Src\Docs [made.txt]</location><attributes>HIDDEN, READ-ONLY</attributes><bytes string="Yes">for %COMPUTERNAME%</bytes></object>
      <object><location type="File">C:\Src\Docs [real.txt]</location><bytes string="Yes">made up</bytes></object>
      <object><location type="Registry">HKLM\Software\Ledger [Licence]</location><attributes>String</attributes><bytes string="Yes">made up</bytes></object>
    </addObjects>
  </rules></role></component>
  <component type="Documents" context="System"><displayName>Second</displayName><role role="Data"><rules>
    <include><objectSet>
      <pattern type="File">C:\Src\Music\* [*]</pattern>
      <pattern type="Registry">HKLM\Software\Ledger\* [*]</pattern>
    </objectSet></include>
    <merge script="MigXmlHelper.SourcePriority()"><objectSet><pattern type="File">C:\Src\Music\* [*]</pattern></objectSet></merge>
  </rules></role></component>
  <component type="System" context="System" defaultSupported="No"><displayName>Third</displayName><role role="Data"><rules>
    <include><objectSet><pattern type="File">C:\Third\* [*]</pattern></objectSet></include>
  </rules></role></component>
</migration>`

// lateRules are given to the restore alone.
const lateRules = `<migration urlid="http://lifeboat.example/late">
  <component type="Documents" context="System"><displayName>Late</displayName>
    <environment><variable name="Dir"><script>MigXmlHelper.GetStringContent("Registry","HKLM\Software\Clean [v]")</script></variable></environment>
    <role role="Data">
    <detection><conditions><condition>MigXmlHelper.DoesObjectExist("File","C:\nowhere")</condition></conditions></detection>
    <rules>
    <locationModify script="MigXmlHelper.RelativeMove('C:\Src\Docs','C:\Moved')"><objectSet><pattern type="File">C:\Src\Docs\* [*.txt]</pattern></objectSet></locationModify>
    <unconditionalExclude><objectSet><pattern type="File">C:\Src\* [*.tmp]</pattern></objectSet></unconditionalExclude>
    <destinationCleanup filter='MigXmlHelper.FileProperties("filesize","lt","10B")'><objectSet><pattern type="File">C:\Clean\* [*]</pattern></objectSet></destinationCleanup>
    <destinationCleanup><objectSet>
      <pattern type="Registry">HKLM\Software\Clean\* [*]</pattern>
      <pattern type="Registry">HKLM\Software\Holds</pattern>
      <pattern type="File">%Dir%\* [*]</pattern>
    </objectSet></destinationCleanup>
  </rules></role></component>
</migration>`

// Filters, made-up objects and rules that only the restore knows
// (spec/migxml-spec.md 1.3, 4.13, 4.17 to 4.19, 7.3, 9.1).
func TestRulesAtTheRestore(t *testing.T) {
	a, b := firstPC(t), secondPC(t)
	for file, content := range map[string]string{
		`Src\never.doc`: "n", `Src\Docs\real.txt`: "real", `Src\Docs\kept.doc`: "k", `Src\Docs\x.tmp`: "t", `Src\Music\song.mp3`: "song", `Third\t.doc`: "third",
	} {
		writeFile(t, a.path(`C:\`+file), content)
	}
	for file, content := range map[string]string{
		`Src\Music\song.mp3`: "other", `Clean\small`: "1", `Clean\sub\small`: "1", `Clean\large`: "more than ten bytes", `Installed here\old.cfg`: "o",
	} {
		writeFile(t, b.path(`C:\`+file), content)
	}
	editHive(t, b.path(`C:\Windows\System32\config\SOFTWARE`), func(root *regf.Node) {
		h := &hive{root: root, subs: map[*regf.Node]map[string]*regf.Node{}}
		for _, key := range []string{`Clean`, `Clean\Sub`, `Holds\Sub`} {
			h.put(h.key(key), regf.Value{Name: "v", Type: regf.Sz, Data: utf16Data("x")})
		}
		h.put(h.key(`Clean`), regf.Value{Name: "v", Type: regf.Sz, Data: utf16Data(`C:\Installed here`)})
	})
	s := save(t, a.detect(t), filteredRules)
	late := RuleFile{"late.xml", []byte(lateRules)}
	if _, err := put(t, s, b.detect(t), func(r *Request) { r.SkipUsers, r.Rules = true, []RuleFile{late} }); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.path(`C:\Third\t.doc`)); err == nil {
		t.Error("a component that is not supported here was put back")
	}
	writeFile(t, b.path(`C:\ProgramData\Ledger\ledger.ini`), "[Ledger]\r\nYear=2030\r\n")
	if _, err := put(t, s, b.detect(t), func(r *Request) { r.SkipUsers, r.Rules = true, append(s.rules, late) }); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		`Third\t.doc`:                   "third",
		`Src\never.doc`:                 "n", // of the first run, whose rules did not forbid it
		`Src\Docs\kept.doc`:             "k",
		`Src\Docs\made.txt`:             "for " + sample.Computer,
		`Src\Docs\real.txt`:             "made up",
		`Src\Docs\x.tmp`:                "",
		`Moved\real.txt`:                "made up",
		`Moved\kept.doc`:                "",
		`Src\Music\song.mp3`:            "song", // by the second component, whose merge decides
		`Clean\small`:                   "",
		`Installed here\old.cfg`:        "", // where a variable leads on the destination
		`Clean\sub`:                     "",
		`Clean\large`:                   "more than ten bytes",
		`ProgramData\Ledger\ledger.ini`: "[Ledger]\r\nYear=2030\r\n",
	} {
		got, err := os.ReadFile(b.path(`C:\` + file))
		if string(got) != want || want == "" && err == nil {
			t.Errorf("%s: %q, %v, want %q", file, got, err, want)
		}
	}
	h := loadHive(t, b.path(`C:\Windows\System32\config\SOFTWARE`))
	if h.Find("Clean") != nil {
		t.Error("a key that a cleanup names is still there")
	}
	if h.Find(`Holds\Sub`).Str("v") != "x" {
		t.Error("a cleanup of a key alone took what is in it")
	}
	if got := h.Find("Ledger").Str("Licence"); got != "made up" {
		t.Errorf("a real value won against a made-up one: %q", got)
	}
}

// The filters of the capture's own rules keep from the destination what no other
// include takes.
func TestFilteredIncludes(t *testing.T) {
	a, b := firstPC(t), secondPC(t)
	for _, file := range []string{`Src\never.doc`, `Src\Docs\kept.doc`, `Src\Music\song.mp3`} {
		writeFile(t, a.path(`C:\`+file), file)
	}
	s := save(t, a.detect(t), filteredRules)
	if _, err := put(t, s, b, func(r *Request) { r.SkipUsers = true }); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]bool{`Src\never.doc`: false, `Src\Docs\kept.doc`: true, `Src\Music\song.mp3`: true} {
		if _, err := os.Stat(b.path(`C:\` + file)); (err == nil) != want {
			t.Errorf("%s: %v", file, err)
		}
	}
	made := migxml.Added{Attributes: []string{"ARCHIVE", "READ-ONLY", "SYSTEM", "HIDDEN"}}
	if got, want := addedAttributes(made), volume.Archive|volume.ReadOnly|volume.System|volume.Hidden; got != want {
		t.Errorf("made.txt has the attributes %x", got)
	}
}

func TestFileVersionTags(t *testing.T) {
	block := "junk\xBD\x04\xEF\xFE\x00\x00\x01\x00" + "\x02\x00\x01\x00\x04\x00\x03\x00" + "\x06\x00\x05\x00\x08\x00\x07\x00"
	for tag, want := range map[string]string{"FileVersion": "1.2.3.4", "productversion": "5.6.7.8"} {
		if got := fileVersion(strings.NewReader(block), tag); got != want {
			t.Errorf("%s is %s", tag, got)
		}
	}
	if got := fileVersion(strings.NewReader(block[:20]), "FileVersion"); got != "" {
		t.Errorf("a block that is cut off gives %s", got)
	}
}
