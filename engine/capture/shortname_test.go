package capture

import (
	"bytes"
	"testing"

	"lifeboat/engine/job"
	"lifeboat/engine/ntfs/ntfstest"
	"lifeboat/engine/store"
	"lifeboat/engine/volume"
	"lifeboat/engine/windows"
)

// Rules that are written with short names, by their author or by the Windows that set
// TEMP, select what they would select there, and the catalog has the short names.
func TestShortNamesInRules(t *testing.T) {
	files := map[string][]byte{
		`Windows\System32\ntoskrnl.exe`: []byte(kernelOf(64)),
		`Windows\System32\config\SYSTEM`: []byte(keys{
			`Select`: {"Current": "#1"},
			`ControlSet001\Control\ComputerName\ComputerName`: {"ComputerName": "PC"},
		}.hive(t)),
		`Windows\System32\config\SOFTWARE`: []byte(keys{
			nt:                             {"ProductName": "Windows 11 Pro", "CurrentVersion": "6.3", "CurrentBuildNumber": "22631", "SystemRoot": `C:\Windows`},
			nt + `\ProfileList`:            {"ProfilesDirectory": `%SystemDrive%\Users`},
			nt + `\ProfileList\` + annaSID: {"ProfileImagePath": `C:\Users\ANNAKE~1`},
		}.hive(t)),
		`Users\Anna Keller\NTUSER.DAT`:                  []byte(keys{"Environment": {"TEMP": `C:\Users\ANNAKE~1\AppData\Local\Temp`}}.hive(t)),
		`Users\Anna Keller\AppData\Local\Temp\kept.txt`: []byte("kept"),
		`Users\Anna Keller\AppData\Local\other.txt`:     []byte("other"),
		`Program Files\Tool\settings of tool.ini`:       []byte("[a]\r\nb=c\r\n"),
		`Program Files\Tool\tool.exe`:                   []byte("exe"),
		`Program Files\Tool\deep\one.cfg`:               []byte("one"),
		`Program Files\Tool\deep\not this.cfg`:          []byte("not"),
		`PROGRA~2\plain.cfg`:                            []byte("its own name"),
		`Program Files (x86)\Tool\other settings.cfg`:   []byte("of another folder"),
	}
	image := ntfstest.New(ntfstest.Options{Records: 256})
	image.Tree(files, map[string]string{
		`Program Files`: "PROGRA~1", `Program Files (x86)`: "PROGRA~2", `Users\Anna Keller`: "ANNAKE~1",
		`Program Files\Tool\settings of tool.ini`: "SETTIN~1.INI", `Program Files\Tool\deep\not this.cfg`: "NOTTHI~1.CFG",
	})
	data := image.Image()
	v, err := volume.OpenNTFS(t.Context(), bytes.NewReader(data), int64(len(data)), nil)
	if err != nil {
		t.Fatal(err)
	}
	sources := []windows.Source{{Volume: v, Where: "image"}}
	found, _, err := windows.Find(t.Context(), sources, windows.Options{})
	if err != nil || len(found) != 1 {
		t.Fatalf("found %d installations, %v", len(found), err)
	}
	m, err := windows.Open(t.Context(), sources, found[0])
	if err != nil {
		t.Fatal(err)
	}
	rules := RuleFile{"short.xml", []byte(`<migration urlid="urn:short">
<component type="Documents" context="User"><displayName>Temp</displayName><role role="Data"><rules>
<include><objectSet><pattern type="File">%TEMP%\* [*]</pattern></objectSet></include>
</rules></role></component>
<component type="Application" context="System"><displayName>Tool</displayName><role role="Settings">
<detects><detect><condition>MigXmlHelper.DoesObjectExist("File","C:\PROGRA~1\Tool [tool.exe]")</condition></detect></detects><rules>
<include><objectSet>
<pattern type="File">C:\PROGRA~1\Tool [SETTIN~1.INI]</pattern>
<pattern type="File">c:\progra~1\Tool\deep\* [*.cfg]</pattern>
<pattern type="File">C:\PROGRA~2\* [*.cfg]</pattern>
</objectSet></include>
<exclude><objectSet><pattern type="File">C:\PROGRA~1\Tool\deep [NOTTHI~1.CFG]</pattern></objectSet></exclude>
</rules></role></component></migration>`)}
	checkTaken(t, m, []RuleFile{rules}, map[string]string{
		`C:\Users\Anna Keller\AppData\Local\Temp\kept.txt`: "Anna Keller: Temp",
		`C:\Users\Anna Keller\AppData\Local\other.txt`:     "",
		`C:\Program Files\Tool\settings of tool.ini`:       "the computer: Tool",
		`C:\Program Files\Tool\tool.exe`:                   "",
		`C:\Program Files\Tool\deep\one.cfg`:               "the computer: Tool",
		`C:\Program Files\Tool\deep\not this.cfg`:          "",
		`C:\PROGRA~2\plain.cfg`:                            "the computer: Tool", // a long name wins
		`C:\Program Files (x86)\Tool\other settings.cfg`:   "",
	})

	s := newStore(t)
	result, err := Gather(t.Context(), GatherRequest{Plan: scanRequest(t, ScanRequest{Machine: m, Rules: []RuleFile{rules}}), Store: s}, job.NewControl(clock, nil))
	if err != nil || result.Count > 0 {
		t.Fatalf("%d problems, %v", result.Count, err)
	}
	short := map[string]string{}
	tree, err := s.Tree(t.Context(), result.ID)
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := tree.Open(t.Context(), store.ObjectsJSONL)
	if err != nil {
		t.Fatal(err)
	}
	defer catalog.Close()
	for o, err := range store.Lines[store.Object](catalog) {
		if err != nil {
			t.Fatal(err)
		}
		short[string(o.Path)] = string(o.Short)
	}
	want := map[string]string{
		`C:\Program Files\Tool\settings of tool.ini`:       "SETTIN~1.INI",
		`C:\Program Files\Tool\deep\one.cfg`:               "",
		`C:\PROGRA~2\plain.cfg`:                            "",
		`C:\Users\Anna Keller\AppData\Local\Temp\kept.txt`: "",
	}
	for path, name := range want {
		if got, there := short[path]; !there || got != name {
			t.Errorf("%s has the short name %q, want %q; in the catalog: %v", path, got, name, there)
		}
	}
}
