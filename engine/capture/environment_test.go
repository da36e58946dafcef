package capture

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/engine/migxml"
	"lifeboat/engine/regf"
	"lifeboat/engine/rules"
	"lifeboat/engine/volume"
	"lifeboat/engine/windows"
	"lifeboat/engine/winname"
)

const (
	annaSID = "S-1-5-21-1-2-3-1001"
	bobSID  = "S-1-5-21-1-2-3-1002"
	nt      = `Microsoft\Windows NT\CurrentVersion`
	folders = `Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders`
)

// keys are the values of a hive by name, by the path of their key.
type keys map[string]map[string]string

func (k keys) hive(t *testing.T) string {
	t.Helper()
	root := &regf.Node{Name: "ROOT"}
	for path, values := range k {
		at := root
		for name := range strings.SplitSeq(path, `\`) {
			var next *regf.Node
			for _, sub := range at.Subkeys {
				if sub.Name == name {
					next = sub
				}
			}
			if next == nil {
				next = &regf.Node{Name: name}
				at.Subkeys = append(at.Subkeys, next)
			}
			at = next
		}
		for name, text := range values {
			v := regf.Value{Name: name, Type: regf.ExpandSz}
			if number, ok := strings.CutPrefix(text, "#"); ok {
				v.Type, v.Data = regf.Dword, []byte{number[0] - '0', 0, 0, 0}
			} else {
				for _, u := range append(winname.ToUTF16(text), 0) {
					v.Data = binary.LittleEndian.AppendUint16(v.Data, u)
				}
			}
			at.Values = append(at.Values, v)
		}
	}
	data, err := regf.Marshal(root, regf.Options{LastWritten: clock()})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// machineOf opens a Windows that is made of files, by their Windows paths.
func machineOf(t *testing.T, files map[string]string) *windows.Machine {
	t.Helper()
	drives := map[string]string{}
	var sources []windows.Source
	var opt windows.Options
	for _, letter := range []string{"C:", "D:"} {
		dir := t.TempDir()
		drives[letter] = dir
		v, err := volume.OpenDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, windows.Source{Volume: v, Where: dir})
		opt.Mappings = append(opt.Mappings, windows.Mapping{From: dir, To: letter})
	}
	for path, data := range files {
		native := filepath.Join(drives[path[:2]], filepath.FromSlash(strings.ReplaceAll(path[3:], `\`, "/")))
		if err := os.MkdirAll(filepath.Dir(native), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(native, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found, _, err := windows.Find(t.Context(), sources, opt)
	if err != nil || len(found) != 1 {
		t.Fatalf("found %d installations, %v", len(found), err)
	}
	m, err := windows.Open(t.Context(), sources, found[0])
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func kernelOf(machine byte) string {
	pe := make([]byte, 0x200)
	copy(pe, "MZ")
	pe[0x3C] = 0x80
	copy(pe[0x80:], "PE\x00\x00")
	binary.LittleEndian.PutUint16(pe[0x84:], map[byte]uint16{32: 0x14C, 64: 0x8664}[machine])
	return string(pe)
}

// wanted are objects by their path, with whom and what they are saved for:
// "user component", or nothing for what stays behind.
func checkTaken(t *testing.T, m *windows.Machine, files []RuleFile, wanted map[string]string) {
	t.Helper()
	plan := scanRequest(t, ScanRequest{Machine: m, Rules: files})
	for _, d := range plan.Diagnostics {
		if d.Severity >= migxml.Warning {
			t.Error(d)
		}
	}
	taken := map[string]string{}
	err := plan.EachFile(Selection{}, func(f PlannedFile) error {
		u := plan.Units[f.Unit]
		taken[winname.Fold(f.Path)] = plan.account(u.User) + ": " + u.Component
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range wanted {
		got := taken[winname.Fold(path)]
		if strings.HasPrefix(path, "HK") {
			all, err := plan.Explain(path)
			if err != nil || len(all) != 1 {
				t.Fatalf("%s: %v, %v", path, all, err)
			}
			if all[0].Taken {
				got = strings.TrimPrefix(all[0].Why, "saved by ")
			}
		}
		if got != want {
			t.Errorf("%s is saved for %q, want %q", path, got, want)
		}
	}
}

func shipped() []RuleFile {
	var files []RuleFile
	for _, f := range rules.Default() {
		files = append(files, RuleFile(f))
	}
	return files
}

// programs is what an organisation's own rules say of 32-bit and 64-bit programs.
var programs = RuleFile{"programs.xml", []byte(`<migration urlid="urn:programs">
<component type="Application" context="System"><displayName>Tool</displayName><role role="Settings">
<detects><detect><condition>MigXmlHelper.DoesObjectExist("File","%CSIDL_PROGRAM_FILES%\Tool [tool.exe]")</condition>
<condition>MigXmlHelper.DoesObjectExist("File","%CSIDL_PROGRAM_FILESX86%\Tool [tool.exe]")</condition></detect></detects>
<rules>
<include><objectSet>
<condition>MigXmlHelper.IsNative64Bit()</condition>
<pattern type="File">%CSIDL_PROGRAM_FILESX86%\Tool\* [*.ini]</pattern><pattern type="Registry">HKLM\SOFTWARE\Wow6432Node\Tool\* [*]</pattern>
</objectSet></include>
<include><objectSet>
<condition negation="Yes">MigXmlHelper.IsNative64Bit()</condition>
<pattern type="File">%CSIDL_PROGRAM_FILES%\Tool\* [*.ini]</pattern><pattern type="Registry">HKLM\SOFTWARE\Tool\* [*]</pattern>
</objectSet></include>
</rules></role></component></migration>`)}

// Windows 11: anna's documents were moved to D:, bob's folders to OneDrive (Known
// Folder Move).
func TestRedirectedFolders(t *testing.T) {
	m := machineOf(t, map[string]string{
		`C:\Windows\System32\ntoskrnl.exe`: kernelOf(64),
		`C:\Windows\System32\config\SYSTEM`: keys{
			`Select`: {"Current": "#1"},
			`ControlSet001\Control\ComputerName\ComputerName`: {"ComputerName": "PC"},
		}.hive(t),
		`C:\Windows\System32\config\SOFTWARE`: keys{
			nt:                             {"ProductName": "Windows 11 Pro", "CurrentVersion": "6.3", "CurrentBuildNumber": "22631", "SystemRoot": `C:\Windows`},
			nt + `\ProfileList`:            {"ProfilesDirectory": `%SystemDrive%\Users`, "Public": `%SystemDrive%\Users\Public`, "ProgramData": `%SystemDrive%\ProgramData`},
			nt + `\ProfileList\` + annaSID: {"ProfileImagePath": `C:\Users\anna`},
			nt + `\ProfileList\` + bobSID:  {"ProfileImagePath": `C:\Users\bob`},
			`Wow6432Node\Tool`:             {"Key": "1"},
			`Tool`:                         {"Key": "1"},
		}.hive(t),
		`C:\Users\anna\NTUSER.DAT`: keys{folders: {"Personal": `D:\Anna\Papers`, "Desktop": `%USERPROFILE%\Desktop`}}.hive(t),
		`C:\Users\bob\NTUSER.DAT`: keys{folders: {
			"Personal": `C:\Users\bob\OneDrive - Contoso\Documents`, "Desktop": `%USERPROFILE%\OneDrive - Contoso\Desktop`,
			"My Pictures": `C:\Users\bob\OneDrive - Contoso\Pictures`,
		}}.hive(t),
		`D:\Anna\Papers\letter.docx`:                                "x",
		`D:\Anna\other.docx`:                                        "x",
		`C:\Users\anna\Documents\left here.docx`:                    "x",
		`C:\Users\anna\Desktop\note.txt`:                            "x",
		`C:\Users\anna\AppData\Roaming\Microsoft\Signatures\me.htm`: "x",
		`C:\Users\bob\OneDrive - Contoso\Documents\plan.docx`:       "x",
		`C:\Users\bob\OneDrive - Contoso\Desktop\todo.txt`:          "x",
		`C:\Users\bob\OneDrive - Contoso\Pictures\p.jpg`:            "x",
		`C:\Users\bob\OneDrive - Contoso\Projects\q.docx`:           "x",
		`C:\Program Files (x86)\Tool\tool.exe`:                      "x",
		`C:\Program Files (x86)\Tool\tool.ini`:                      "x",
	})
	const mail = ": Mail: Outlook accounts, rules and signatures"
	checkTaken(t, m, append(shipped(), programs), map[string]string{
		`D:\Anna\Papers\letter.docx`:                                "anna: Documents",
		`D:\Anna\other.docx`:                                        "",
		`C:\Users\anna\Documents\left here.docx`:                    "anna: Documents",
		`C:\Users\anna\Desktop\note.txt`:                            "anna: Desktop",
		`C:\Users\anna\AppData\Roaming\Microsoft\Signatures\me.htm`: "anna" + mail,
		`C:\Users\bob\OneDrive - Contoso\Documents\plan.docx`:       "bob: Documents",
		`C:\Users\bob\OneDrive - Contoso\Desktop\todo.txt`:          "bob: Desktop",
		`C:\Users\bob\OneDrive - Contoso\Pictures\p.jpg`:            "bob: Pictures",
		`C:\Users\bob\OneDrive - Contoso\Projects\q.docx`:           "bob: OneDrive folder",
		`C:\Program Files (x86)\Tool\tool.ini`:                      "the computer: Tool",
		`C:\Program Files (x86)\Tool\tool.exe`:                      "",
		`HKLM\SOFTWARE\Wow6432Node\Tool [Key]`:                      "Tool for the computer",
		`HKLM\SOFTWARE\Tool [Key]`:                                  "",
	})
}

// Windows XP, 32 bits: other folders under other names.
func TestXPLayout(t *testing.T) {
	const home = `C:\Documents and Settings\anna\`
	m := machineOf(t, map[string]string{
		`C:\WINDOWS\system32\ntoskrnl.exe`: kernelOf(32),
		`C:\WINDOWS\system32\config\system`: keys{
			`Select`: {"Current": "#1"},
			`ControlSet001\Control\ComputerName\ComputerName`: {"ComputerName": "OLD"},
		}.hive(t),
		`C:\WINDOWS\system32\config\software`: keys{
			nt:                             {"ProductName": "Microsoft Windows XP", "CurrentVersion": "5.1", "CurrentBuildNumber": "2600", "SystemRoot": `C:\WINDOWS`},
			nt + `\ProfileList`:            {"ProfilesDirectory": `%SystemDrive%\Documents and Settings`, "DefaultUserProfile": "Default User", "AllUsersProfile": "All Users"},
			nt + `\ProfileList\` + annaSID: {"ProfileImagePath": `%SystemDrive%\Documents and Settings\anna`},
			`Tool`:                         {"Key": "1"},
		}.hive(t),
		home + `NTUSER.DAT`: keys{
			folders:                 {"Personal": `%USERPROFILE%\My Documents`, "AppData": `%USERPROFILE%\Application Data`},
			`Control Panel\Mouse`:   {"SwapMouseButtons": "1"},
			`Network\Z`:             {"RemotePath": `\\srv\share`},
			`Software\Microsoft\Ab`: {"x": "1"},
		}.hive(t),
		home + `My Documents\letter.doc`:                                       "x",
		home + `My Documents\My Pictures\p.jpg`:                                "x",
		home + `Desktop\a.txt`:                                                 "x",
		home + `Favorites\a.url`:                                               "x",
		home + `Local Settings\Application Data\Microsoft\Outlook\Outlook.pst`: "x",
		home + `Local Settings\Application Data\Identities\{1}\Microsoft\Outlook Express\Inbox.dbx`: "x",
		home + `Application Data\Mozilla\Firefox\Profiles\x.default\places.sqlite`:                  "x",
		home + `Application Data\Mozilla\Firefox\profiles.ini`:                                      "x",
		home + `Local Settings\Temp\t.tmp`:                                                          "x",
		`C:\Documents and Settings\All Users\Documents\shared.doc`:                                  "x",
		`C:\Documents and Settings\All Users\Desktop\App.lnk`:                                       "x",
		`C:\Program Files\Tool\tool.exe`:                                                            "x",
		`C:\Program Files\Tool\tool.ini`:                                                            "x",
	})
	checkTaken(t, m, append(shipped(), programs), map[string]string{
		home + `My Documents\letter.doc`:                                       "anna: Documents",
		home + `My Documents\My Pictures\p.jpg`:                                "anna: Documents",
		home + `Desktop\a.txt`:                                                 "anna: Desktop",
		home + `Favorites\a.url`:                                               "anna: Favorites",
		home + `Local Settings\Application Data\Microsoft\Outlook\Outlook.pst`: "anna: Mail: Outlook data files",
		home + `Local Settings\Application Data\Identities\{1}\Microsoft\Outlook Express\Inbox.dbx`: "anna: Mail: Outlook Express",
		home + `Application Data\Mozilla\Firefox\Profiles\x.default\places.sqlite`:                  "anna: Browsers: Mozilla Firefox",
		home + `Local Settings\Temp\t.tmp`:                                                          "",
		`C:\Documents and Settings\All Users\Documents\shared.doc`:                                  "the computer: Public folders",
		`C:\Documents and Settings\All Users\Desktop\App.lnk`:                                       "the computer: Public folders",
		`C:\Program Files\Tool\tool.ini`:                                                            "the computer: Tool",
		`HKLM\SOFTWARE\Tool [Key]`:                                                                  "Tool for the computer",
		`HKU\` + annaSID + `\Control Panel\Mouse [SwapMouseButtons]`:                                "Windows: mouse, keyboard and cursors for anna",
		`HKU\` + annaSID + `\Network\Z [RemotePath]`:                                                "Windows: mapped network drives for anna",
		`HKU\` + annaSID + `\Software\Microsoft\Ab [x]`:                                             "",
	})
}
