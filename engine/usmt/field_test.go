package usmt

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// Lines as task sequences and scripts in public repositories write them: the
// options are theirs, names of firms and people are not. What a shell would have
// put in for its variables is put in.
var fieldLines = []struct {
	line  string
	store string
	rules int
	users Selection
	has   []string // words of the line as it is printed again
}{
	// Microsoft's documentation.
	{`\\server\migration\mystore /i:miguser.xml /i:migapp.xml /o`, `\\server\migration\mystore`, 2, Selection{}, []string{"/o"}},
	{`\\server\share\migration\mystore /i:MigApp.xml /i:MigDocs.xml /o /config:Config.xml /v:5 /encrypt /key:"mykey"`,
		`\\server\share\migration\mystore`, 2, Selection{}, []string{"/config:Config.xml", "/encrypt"}},
	{`/i:MigApp.xml /i:MigDocs.xml /genconfig:Config.xml /v:13`, "", 2, Selection{}, []string{"/genconfig:Config.xml"}},
	// ConfigMgr: the store and the logs come from variables of the task sequence.
	{`C:\UserState /o /localonly /c /efs:hardlink /v:5 /l:C:\_SMSTaskSequence\Logs\scanstate.log /progress:C:\_SMSTaskSequence\Logs\scanstateprogress.log /i:.\amd64\migdocs.xml /i:.\amd64\migapp.xml /hardlink /nocompress`,
		`C:\UserState`, 2, Selection{}, []string{"/efs:hardlink", "/hardlink", "/nocompress", "/localonly"}},
	{`\\smp\store$\1A2B /o /localonly /efs:copyraw /c /v:5 /l:X:\Logs\scan.log /progress:X:\Logs\prog.log /i:migdocs.xml /i:migapp.xml /encrypt /key:abcd /offlinewindir:c:\windows`,
		`\\smp\store$\1A2B`, 2, Selection{}, []string{"/efs:copyraw", `/offlineWinDir:c:\windows`}},
	{`D:\OSDStore /o /localonly /v:5 /c /ue:PC01\* /offlineWinDir:D:\WINDOWS /l:D:\OSDStore\ScanState.log /progress:D:\OSDStore\ScanStateProgress.log /i:D:\Packages\P1\wnb.xml /i:D:\Packages\P1\migdocs.xml /i:D:\Packages\P1\migapp.xml`,
		`D:\OSDStore`, 3, Selection{Exclude: []string{`PC01\*`}}, []string{`/l:D:\OSDStore\ScanState.log`}},
	// WinPE.
	{`\\Server\USMTshare\PC01 /uel:30 /offlineWinDir:E:\Windows /i:X:\x64\MigUser.xml /i:X:\x64\MigDocs.xml /i:X:\x64\migapp.xml /i:X:\ExcludeDrive.xml /l:\\Server\USMTshare\Stores\PC01\Scanstate.log /progress:\\Server\USMTshare\Stores\PC01\Progress.log /v:13 /localonly`,
		`\\Server\USMTshare\PC01`, 4, Selection{Recent: Recent{Days: 30}}, []string{`/offlineWinDir:E:\Windows`, "/v:13"}},
	{`"\\srv\mig\PC 01" /offlineWinDir:"E:\Windows" /i:"X:\usmt\migdocs.xml" /c /vsc`, `\\srv\mig\PC 01`, 1, Selection{}, []string{"/vsc"}},
	// Wrappers that keep their logs in the folder of the store.
	{`C:\TEMP\MigrationStore\PC01 /i:Config.xml /o /vsc /ue:PC01\default* /uel:90 /listfiles:C:\TEMP\MigrationStore\PC01\FilesMigrated.log /l:C:\TEMP\MigrationStore\PC01\scan.log /progress:C:\TEMP\MigrationStore\PC01\scan_progress.log /efs:abort /c`,
		`C:\TEMP\MigrationStore\PC01`, 1, Selection{Exclude: []string{`PC01\default*`}, Recent: Recent{Days: 90}}, nil},
	{`"\\10.3.32.69\C$\TEMP\MigrationStore\OldName" /i:".\USMT\amd64\ConfigSettings.xml"  /o /vsc /ue:* /ue:"OldName\*" /ue:"NT Service\*"  "/ui:Domain\account"   "/listfiles:\\10.3.32.69\C$\TEMP\MigrationStore\OldName\FilesMigrated.log" "/l:\\10.3.32.69\C$\TEMP\MigrationStore\OldName\scan.log" "/progress:\\10.3.32.69\C$\TEMP\MigrationStore\OldName\scan_progress.log" /efs:skip /c `,
		`\\10.3.32.69\C$\TEMP\MigrationStore\OldName`, 1, Selection{Include: []string{`Domain\account`}, Exclude: []string{`*`, `OldName\*`, `NT Service\*`}}, []string{"/efs:skip"}},
	{`TARGETPATH /i:MigApp.xml /i:MigDocs.xml /localonly /ue:PC01\* /uel:7 /l:TARGETPATH\scanstate.log /listfiles:TARGETPATH\filelist.log /o`,
		`TARGETPATH`, 2, Selection{Exclude: []string{`PC01\*`}, Recent: Recent{Days: 7}}, nil},
	// Batch files of help desks.
	{`/i:\USMT10\amd64\settings_5.xml /i:\USMT10\amd64\settings_6.xml /i:\USMT10\amd64\settings_8.xml /i:\USMT10\amd64\MappedDrivesAndPrinters.xml /uel:60 /ue:* /ui:CORP\* /localonly /efs:copyraw /o /c /v:5 C:\UserState\PC01 /l:C:\UserState\PC01\PC01_Scan.log`,
		`C:\UserState\PC01`, 4, Selection{Include: []string{`CORP\*`}, Exclude: []string{`*`}, Recent: Recent{Days: 60}}, []string{"/efs:copyraw"}},
	{`C:\mig /ue:*\* /ui:corp\ann /i:"C:\Program Files (x86)\USMT\Binaries\v4\amd64\migapp.xml" /i:MigDomCustom7.xml /o /c /r:1`,
		`C:\mig`, 2, Selection{Include: []string{`corp\ann`}, Exclude: []string{`*\*`}}, []string{"/r:1"}},
	{`"\\srv\mig" /i:MigUser.xml /i:MigApp.xml /i:MigAppData.xml /v:13 /progress:"\\srv\logs\PC01_ann_prog.log" /l:"\\srv\logs\PC01_ann_scan.log" /o /localonly /c /targetWindows7 /uel:100`,
		`\\srv\mig`, 3, Selection{Recent: Recent{Days: 100}}, []string{"/targetwindows7"}},
	{`D:\Store /i:a.xml /o /v:5 /l:D:\Logs\ScanState_PC01.log /progress:D:\Logs\ScanStateProgress_PC01.log /c /uel:30 /ue:"PC01/*" /ue:"CORP\tech" /efs:copyraw /vsc`,
		`D:\Store`, 1, Selection{Exclude: []string{`PC01/*`, `CORP\tech`}, Recent: Recent{Days: 30}}, nil},
	{`D:\Store\ /i:a.xml /c /v:5 /l:D:\Logs\s.log /uel:30 /ue:"PC01\*" /efs:copyraw /vsc /o`, `D:\Store\`, 1, Selection{Exclude: []string{`PC01\*`}, Recent: Recent{Days: 30}}, nil},
	{`D:\users\ann /ui:*\ann /ue:*\* /i:D:\amd64\MigApp.xml /i:D:\amd64\MigUser.xml /i:D:\amd64\MigDocs.xml /o /c`,
		`D:\users\ann`, 3, Selection{Include: []string{`*\ann`}, Exclude: []string{`*\*`}}, nil},
	{`C:\USMT /ue:"PC01\*" /ue:"corp\*" /ui:"PC01\ann" /i:C:\u\MigDocs.xml /i:C:\u\MigApp.xml /i:C:\u\MigUser.xml /i:C:\u\only_c.xml /v:13 /l:C:\u\ScanState.log /localonly /efs:copyraw /o`,
		`C:\USMT`, 4, Selection{Include: []string{`PC01\ann`}, Exclude: []string{`PC01\*`, `corp\*`}}, nil},
	{`\\srv\2016\11\PC01 /i:\\srv\amd64\ed4newtest.xml /i:\\srv\amd64\eddocs.xml /i:\\srv\amd64\migapp.xml /uel:360 /v:13 /l:\\srv\2016\11\PC01\scan.log /c`,
		`\\srv\2016\11\PC01`, 3, Selection{Recent: Recent{Days: 360}}, nil},
	{`/i:migdocs.xml /i:migapp.xml /o /c /v:13 /l:scan.log D:\Migration\User1`, `D:\Migration\User1`, 2, Selection{}, nil},
	{`"C:\ProgramData\profiles" /i:migdocs.xml /i:migapp.xml /o /c /localonly /efs:copyraw /v:5`, `C:\ProgramData\profiles`, 2, Selection{}, nil},
	{`E:\s "/ui:S-1-5-21-1111-2222-3333-1001*" "/ue:*\*" /nocompress /o /c`, `E:\s`, 0, Selection{Include: []string{"S-1-5-21-1111-2222-3333-1001*"}, Exclude: []string{`*\*`}}, []string{"/nocompress"}},
	{`X:\store /i:migdocs.xml /uel:2026/2/1 /r:5 /w:10 /v:7`, `X:\store`, 1, Selection{Recent: since(2026, 2, 1)}, []string{"/w:10", "/v:7"}},
	{`"D:\USMT Store" /offline:"D:\my config\offline.xml" /encrypt:AES_256 /key:"a long key" /listfiles:"D:\list.txt"`, `D:\USMT Store`, 0, Selection{}, []string{"/encrypt:AES_256"}},
}

func TestFieldLines(t *testing.T) {
	for _, c := range fieldLines {
		for _, sys := range []System{windows, unix} {
			s := scan(t, sys, c.line)
			if s.StorePath != c.store || len(s.Rules) != c.rules || !reflect.DeepEqual(s.Users, c.users) {
				t.Errorf("%s\nstore %s, %d rule files, users %+v", c.line, s.StorePath, len(s.Rules), s.Users)
			}
			for _, word := range c.has {
				if !slices.Contains(s.Args(), word) {
					t.Errorf("%s\nprinted as %q, without %s", c.line, s.Args(), word)
				}
			}
			again, err := ParseScanState(s.Args(), sys)
			if err != nil || !reflect.DeepEqual(s, again) {
				t.Errorf("%s\nprinted as %q\nparsed as %+v, %v", c.line, s.Args(), again, err)
			}
		}
	}
}

// Images of OEMs are made with options that ask for a running Windows.
func TestFieldLinesRefused(t *testing.T) {
	for _, line := range []string{
		`/apps /config:C:\Recovery\OEM\ScanState\amd64\Config_AppsAndSettings.xml /ppkg C:\Recovery\Customizations\Recovery.ppkg /o /c /v:13`,
		`/config:E:\ADKTools\amd64\Config_SettingsOnly.xml /o /v:13 /ppkg e:\SPPs\Fabrikam-ID.spp /l:C:\ScanState.log`,
		`/apps:-sysdrive /o /v:13 /config:Config_AppsOnly.xml /ppkg e:\repository\office16_base.spp`,
	} {
		_, err := ParseScanState(Split(line), windows)
		if CodeOf(err) != InvalidParameters || !strings.Contains(Explain("scanstate", err), "needs a running Windows") {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func since(y, m, d int) Recent {
	return Recent{Since: time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)}
}
