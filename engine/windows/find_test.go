package windows

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lifeboat/engine/regf"
)

func TestXP(t *testing.T) {
	const sid = machineSID + "-1004"
	inst := findOne(t, source(t, xpTree(t, sid), files{
		"Documents and Settings/joe/NTUSER.DAT": ntuser(t, sid, hiveTree{
			`Software\Microsoft\Windows\CurrentVersion\Explorer`: {"Logon User Name": "Joe"},
		}),
		"Documents and Settings/joe/Local Settings/Application Data/Microsoft/Windows/UsrClass.dat": hive(t, sid+"_Classes", sid, nil),
	}))
	want := Product{
		Name: "Microsoft Windows XP", Edition: "Core", Version: "5.1", Build: "2600",
		ServicePack: "Service Pack 3", InstallationType: "Client", Source: "SOFTWARE",
	}
	if inst.Product != want {
		t.Errorf("product %+v, want %+v", inst.Product, want)
	}
	if inst.ComputerName != "FINN" || inst.Arch != X86 || inst.TimeZone.Standard != "GMT Standard Time" {
		t.Errorf("%+v", inst)
	}
	if len(inst.Users) != 1 {
		t.Fatalf("users %+v", inst.Users)
	}
	u := inst.Users[0]
	if u.Name != "Joe" || u.NameSource != "NTUSER.DAT" || u.SID != sid || u.State != Present || !u.Hive("UsrClass.dat").Readable() {
		t.Errorf("user %+v", u)
	}
	if u.UseSource != "NTUSER.DAT" || u.LastUse.IsZero() {
		t.Errorf("last use %v by %q", u.LastUse, u.UseSource)
	}
}

func TestWindows11(t *testing.T) {
	inst := findOne(t, source(t, windows11(t, nil)))
	want := Product{
		Name: "Windows 11 Pro", Edition: "Professional", Version: "10.0", Build: "22631.3155",
		Display: "23H2", InstallationType: "Client", Source: "SOFTWARE",
	}
	if inst.Product != want {
		t.Errorf("product %+v, want %+v", inst.Product, want)
	}
	// The kernel is right where the registry is of another machine.
	if inst.Arch != ARM64 || inst.ArchSource != "ntoskrnl.exe" {
		t.Errorf("architecture %s by %s", inst.Arch, inst.ArchSource)
	}
	if inst.ComputerName != "BENCH-7" {
		t.Errorf("computer %q is of the wrong control set", inst.ComputerName)
	}
	if want := (TimeZone{Key: "W. Europe Standard Time", Bias: -60, Active: -120}); inst.TimeZone != want {
		t.Errorf("time zone %+v, want %+v", inst.TimeZone, want)
	}
	if !inst.LastShutdown.Equal(utc(2024, 5, 6, 7, 8, 9)) || !inst.Installed.Equal(time.Unix(1700000000, 0)) {
		t.Errorf("shut down %v, installed %v", inst.LastShutdown, inst.Installed)
	}
	if want := (Power{HibernateEnabled: true, FastStartup: true, Image: NoImage}); inst.Power != want {
		t.Errorf("power %+v, want %+v", inst.Power, want)
	}
	if len(inst.Users) != 1 {
		t.Fatalf("users %+v", inst.Users)
	}
	u := inst.Users[0]
	if u.Name != "Anna" || u.FullName != "Anna Müller" || u.NameSource != "SAM" || u.Kind != Local || u.Domain != "BENCH-7" {
		t.Errorf("user %+v", u)
	}
	if u.UseSource != "SAM" || !u.LastUse.Equal(utc(2024, 5, 1, 0, 0, 0)) {
		t.Errorf("last use %v by %s", u.LastUse, u.UseSource)
	}
	// The description is plain data.
	data, err := json.Marshal(inst)
	if err != nil {
		t.Fatal(err)
	}
	var back Installation
	if err := json.Unmarshal(data, &back); err != nil || !reflect.DeepEqual(*inst, back) {
		t.Errorf("through JSON: %v\n%+v\n%+v", err, *inst, back)
	}
}

func TestWindowsOld(t *testing.T) {
	tree := windows11(t, nil)
	old := files{}
	for path, data := range windows11(t, hiveTree{currentVersionKey: {
		"ProductName": "Windows 7 Professional", "CurrentVersion": "6.1", "CurrentBuildNumber": "7601", "SystemRoot": `C:\Windows`,
	}}) {
		old["windows.OLD/"+path] = data
	}
	old["windows.OLD/Users/anna/Documents/old.txt"] = []byte("old")
	old["hiberfil.sys"] = []byte("wake")
	s := source(t, tree, old)
	found, looked := findAll(t, Options{}, s)
	if len(found) != 2 {
		t.Fatalf("found %d, looked at %+v", len(found), looked)
	}
	now, former := found[0], found[1]
	if now.IsOld() || now.Power.Image != ResumedImage {
		t.Errorf("the present one: %+v", now)
	}
	if !former.IsOld() || former.WindowsDir != `\windows.OLD\Windows` || former.Root != `\windows.OLD` || former.SystemRoot != `C:\Windows` ||
		former.Product.Name != "Windows 7 Professional" || former.Power.Image != NoImage {
		t.Errorf("the former one: %+v", former)
	}
	if u := former.Users[0]; u.Path != `\windows.OLD\Users\anna` || u.Profile != `C:\Users\anna` || u.State != Present {
		t.Errorf("its user %+v", u)
	}
	m, err := Open(context.Background(), []Source{s}, former)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		`C:\`: `\windows.OLD`, `c:\Users\anna\a.txt`: `\windows.OLD\Users\anna\a.txt`, `C:`: `\windows.OLD`, `C:\Users\`: `\windows.OLD\Users`,
	} {
		if _, at, ok := m.Resolve(path); !ok || at != want {
			t.Errorf("Resolve(%s) = %s, %v, want %s", path, at, ok, want)
		}
	}
	for _, path := range []string{`D:\x`, `\Users`, `C:Users`, `\\server\share`, ``, `Z`} {
		if _, at, ok := m.Resolve(path); ok {
			t.Errorf("Resolve(%s) = %s", path, at)
		}
	}
	if v, at, _ := m.Resolve(`C:\users\ANNA\documents\OLD.TXT`); v == nil {
		t.Error("no volume")
	} else if _, err := v.Stat(at); err != nil {
		t.Error(err)
	}
}

func TestDamagedSoftware(t *testing.T) {
	for name, tree := range map[string]files{
		"missing": {},
		"damaged": {"Windows/System32/config/SOFTWARE": []byte("regf and then nothing of use")},
		"empty":   {"Windows/System32/config/SOFTWARE": nil},
	} {
		t.Run(name, func(t *testing.T) {
			all := windows11(t, nil)
			delete(all, "Windows/System32/config/SOFTWARE")
			all["Users/boris/NTUSER.DAT"] = ntuser(t, borisSID, nil)
			all["Users/boris/AppData/Local/Microsoft/Windows/UsrClass.dat"] = hive(t, borisSID+"_Classes", "", nil)
			inst := findOne(t, source(t, all, tree))
			if len(inst.Damage) != 1 || !strings.HasPrefix(inst.Damage[0], "SOFTWARE is ") {
				t.Errorf("damage %q", inst.Damage)
			}
			want := Product{Name: "Windows 11", Version: "10.0", Build: "22621.3155", Display: "22H2", InstallationType: "Client", Source: "ntoskrnl.exe"}
			if inst.Product != want {
				t.Errorf("product %+v, want %+v", inst.Product, want)
			}
			// Nothing says that these folders are no profiles.
			if got, want := states(inst), []string{`Anna present \Users\anna`, `boris present \Users\boris`}; !slices.Equal(got, want) {
				t.Errorf("users %q, want %q", got, want)
			}
			if u := userNamed(t, inst, "boris"); u.SID != borisSID {
				t.Errorf("boris is %+v", u)
			}
			if inst.SystemRoot != `C:\Windows` || inst.ComputerName != "BENCH-7" {
				t.Errorf("%q %q", inst.SystemRoot, inst.ComputerName)
			}
		})
	}
}

// Without SOFTWARE the letter is that of the partition, as MountedDevices has it.
func TestLetterWithoutSoftware(t *testing.T) {
	tree := windows11(t, nil)
	delete(tree, "Windows/System32/config/SOFTWARE")
	s := source(t, tree)
	s.Disk = DiskID{Signature: 0xAABBCCDD, Offset: 1 << 20}
	if inst := findOne(t, s); inst.SystemRoot != `D:\Windows` || len(inst.Drives) != 1 || inst.Drives[0].Letter != "D:" {
		t.Errorf("%s, %+v", inst.SystemRoot, inst.Drives)
	}
}

// A hibernated Windows is read, and whoever sees it is told (spec/ntfs.md).
func TestHibernatedIsNoted(t *testing.T) {
	for magic, noted := range map[string]bool{"hibr": true, "HIBR": true, "wake": false, "\x00\x00\x00\x00": false, "": false} {
		inst := findOne(t, source(t, windows11(t, nil), files{"hiberfil.sys": []byte(magic)}))
		if got := strings.Contains(strings.Join(inst.Notes, "; "), "hibernated"); got != noted {
			t.Errorf("%q: notes %q", magic, inst.Notes)
		}
	}
}

func TestUnfinishedSetup(t *testing.T) {
	for name, want := range map[string]string{
		"SetupType": "setup was not finished", "SystemSetupInProgress": "setup was not finished",
		"OOBEInProgress": "the first start after setup was not finished", "RollbackActive": "an upgrade was being rolled back",
	} {
		for n, want := range map[int][]string{0: nil, 2: {want}} {
			h, err := regf.Open(hive(t, "ROOT", "", hiveTree{"Setup": {name: n}}))
			if err != nil {
				t.Fatal(err)
			}
			if got := readSystem(h).notes; !slices.Equal(got, want) {
				t.Errorf("%s %d: %q, want %q", name, n, got, want)
			}
		}
	}
}

func TestRegBackStandsIn(t *testing.T) {
	tree := windows11(t, nil)
	tree["Windows/System32/config/RegBack/SOFTWARE"] = tree["Windows/System32/config/SOFTWARE"]
	tree["Windows/System32/config/SOFTWARE"] = bytes.Repeat([]byte{0xFF}, 8192)
	s := source(t, tree)
	inst := findOne(t, s)
	if inst.Product.Name != "Windows 11 Pro" || len(inst.Damage) != 1 || !strings.Contains(inst.Damage[0], "older copy") {
		t.Errorf("product %q, damage %q", inst.Product.Name, inst.Damage)
	}
	m, err := Open(context.Background(), []Source{s}, inst)
	if err != nil {
		t.Fatal(err)
	}
	if k, err := m.Key(`HKLM\SOFTWARE\Microsoft`); k == nil || err != nil {
		t.Errorf("key %v, %v", k, err)
	}
}

func TestNothingFound(t *testing.T) {
	for _, c := range []struct {
		tree files
		want []Looked
	}{
		{files{"photos/": nil}, []Looked{{Folder: `\`, Missing: `no folder in it has System32\config`}}},
		{files{"Windows/Temp/": nil}, []Looked{
			{Folder: `\Windows`, Missing: `System32\config is missing`}, {Folder: `\`, Missing: `no folder in it has System32\config`}}},
		{files{"Windows/System32/config/": nil}, []Looked{{Folder: `\Windows`, Missing: `System32\config has neither SYSTEM nor SOFTWARE`}}},
		{files{"System32/config/SYSTEM": nil}, []Looked{{Folder: `\`, Missing: "it is the folder of a Windows, not the volume it is on"}}},
		{files{"Windows/System32/config/SYSTEM": systemHive(t, hiveTree{`ControlSet002\Control\MiniNT`: {}, `Setup`: {"CmdLine": "winpeshl.exe"}})},
			[]Looked{{Folder: `\Windows`, Missing: "it is a Windows PE"}}},
		{files{"Windows.old/x": nil}, []Looked{{Folder: `\`, Missing: `no folder in it has System32\config`}, {Folder: `\Windows.old`, Missing: `no folder in it has System32\config`}}},
	} {
		s := source(t, c.tree)
		found, looked := findAll(t, Options{}, s)
		for i := range c.want {
			c.want[i].Where = s.Where
		}
		if len(found) != 0 || !slices.Equal(looked, c.want) {
			t.Errorf("found %d, looked at %+v, want %+v", len(found), looked, c.want)
		}
	}
}

func TestArchitecture(t *testing.T) {
	for _, c := range []struct {
		kernel, registry Arch
		wow64            bool
		override         string
		want             Arch
		by               string
	}{
		{kernel: ARM64, registry: X86, want: ARM64, by: "ntoskrnl.exe"},
		{registry: X86, want: X86, by: "registry"},
		{wow64: true, want: X64, by: "WOW6432Node"},
		{},
		{kernel: X64, override: "32", want: X86, by: "override"},
		{kernel: ARM64, override: "64", want: ARM64, by: "ntoskrnl.exe"},
		{kernel: X86, override: "64", want: X64, by: "override"},
		{override: "32", want: X86, by: "override"},
	} {
		if got, by := architecture(c.kernel, c.registry, c.wow64, c.override); got != c.want || by != c.by {
			t.Errorf("%+v: %s by %s", c, got, by)
		}
	}
	if _, _, err := Find(context.Background(), nil, Options{ArchOverride: "16"}); err == nil {
		t.Error("an architecture of 16 bits was taken")
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := source(t, windows11(t, nil))
	if _, _, err := Find(ctx, []Source{s}, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Find = %v", err)
	}
}
