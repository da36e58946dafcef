package windows

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/engine/regf"
	"lifeboat/engine/sample/shareddata"
	"lifeboat/engine/sample/tools"
)

// rathbun is a Windows 10 with a local user, put together from the hives of one
// machine and the SYSTEM of another.
func rathbun(t testing.TB) Source {
	return source(t, sharedHives(t, map[string]string{
		"WINDOWS/system32/config/SYSTEM":                                        "win10-1903/SYSTEM",
		"WINDOWS/system32/config/SOFTWARE":                                      "win10-rathbun/SOFTWARE",
		"WINDOWS/system32/config/SAM":                                           "win10-rathbun/SAM",
		"WINDOWS/system32/config/SAM.LOG1":                                      "win10-rathbun/SAM.LOG1",
		"WINDOWS/system32/config/SAM.LOG2":                                      "win10-rathbun/SAM.LOG2",
		"WINDOWS/system32/config/SECURITY":                                      "win10-rathbun/SECURITY",
		"WINDOWS/system32/config/SECURITY.LOG1":                                 "win10-rathbun/SECURITY.LOG1",
		"WINDOWS/system32/config/DEFAULT":                                       "win10-rathbun/DEFAULT",
		"WINDOWS/system32/config/DEFAULT.LOG1":                                  "win10-rathbun/DEFAULT.LOG1",
		"WINDOWS/system32/config/DEFAULT.LOG2":                                  "win10-rathbun/DEFAULT.LOG2",
		"Users/AndrewRathbun/NTUSER.DAT":                                        "win10-rathbun/AndrewRathbun/NTUSER.DAT",
		"Users/AndrewRathbun/ntuser.dat.LOG1":                                   "win10-rathbun/AndrewRathbun/ntuser.dat.LOG1",
		"Users/AndrewRathbun/ntuser.dat.LOG2":                                   "win10-rathbun/AndrewRathbun/ntuser.dat.LOG2",
		"Users/AndrewRathbun/AppData/Local/Microsoft/Windows/UsrClass.dat":      "win10-rathbun/AndrewRathbun/UsrClass.dat",
		"Users/AndrewRathbun/AppData/Local/Microsoft/Windows/UsrClass.dat.LOG1": "win10-rathbun/AndrewRathbun/UsrClass.dat.LOG1",
		"Users/AndrewRathbun/AppData/Local/Microsoft/Windows/UsrClass.dat.LOG2": "win10-rathbun/AndrewRathbun/UsrClass.dat.LOG2",
	}), files{
		"WINDOWS/system32/ntoskrnl.exe": kernelFile(0x8664, 10, 0, 19041, 1466),
		"Users/Public/Documents/":       nil,
		"Users/Default/NTUSER.DAT":      []byte("x"),
		"ProgramData/":                  nil,
		"hiberfil.sys":                  []byte("hibr and more"),
	})
}

const rathbunSID = "S-1-5-21-2290304894-658537038-505560459-1001"

func TestWindows10(t *testing.T) {
	s := rathbun(t)
	inst := findOne(t, s)
	want := Product{
		Name: "Windows 10 Pro", Edition: "Professional", Version: "10.0", Build: "19044.1466",
		Display: "21H2", InstallationType: "Client", Source: "SOFTWARE",
	}
	if inst.Product != want {
		t.Errorf("product %+v, want %+v", inst.Product, want)
	}
	if inst.Arch != X64 || inst.ArchSource != "ntoskrnl.exe" {
		t.Errorf("architecture %s by %s", inst.Arch, inst.ArchSource)
	}
	if inst.ComputerName != "DESKTOP-2KGM189" { // that of the SYSTEM
		t.Errorf("computer %q", inst.ComputerName)
	}
	if inst.WindowsDir != `\WINDOWS` || inst.Root != `\` || inst.SystemRoot != `C:\Windows` || inst.IsOld() {
		t.Errorf("folders %q %q %q", inst.WindowsDir, inst.Root, inst.SystemRoot)
	}
	if inst.Join != (Join{Workgroup: "WORKGROUP"}) {
		t.Errorf("join %+v", inst.Join)
	}
	if want := (TimeZone{Key: "Pacific Standard Time", Standard: "@tzres.dll,-212", Bias: 480, Active: 420}); inst.TimeZone != want {
		t.Errorf("time zone %+v, want %+v", inst.TimeZone, want)
	}
	if !inst.Installed.Equal(utc(2022, 2, 5, 22, 17, 47)) {
		t.Errorf("installed %v", inst.Installed)
	}
	if got := inst.LastShutdown.Format("2006-01-02 15:04"); got != "2020-04-19 09:08" {
		t.Errorf("last shutdown %v", inst.LastShutdown)
	}
	// HiberbootEnabled is 1 but HibernateEnabled 0: no fast start.
	if want := (Power{Image: ActiveImage}); inst.Power != want {
		t.Errorf("power %+v, want %+v", inst.Power, want)
	}
	if inst.MachineSID != "S-1-5-21-2290304894-658537038-505560459" {
		t.Errorf("machine SID %s", inst.MachineSID)
	}

	states := map[string]regf.State{}
	for _, h := range inst.Hives {
		states[h.Name] = h.State
	}
	for name, want := range map[string]regf.State{
		"SYSTEM": regf.Dirty, "SOFTWARE": regf.Clean, "SAM": regf.Clean, "SECURITY": regf.Replayed, "DEFAULT": regf.Replayed,
	} {
		if states[name] != want {
			t.Errorf("%s is %s, want %s", name, states[name], want)
		}
	}
	if h := inst.Hives[4]; h.Entries != 5 || h.Pages != 45 || len(h.Logs) != 2 {
		t.Errorf("DEFAULT: %+v, want 5 entries and 45 pages of 2 logs", h)
	}

	if len(inst.Users) != 1 {
		t.Fatalf("users %+v", inst.Users)
	}
	u := inst.Users[0]
	if u.SID != rathbunSID || u.ID != u.SID || u.Name != "AndrewRathbun" || u.NameSource != "SAM" || u.Kind != Local ||
		u.State != Present || u.Domain != "DESKTOP-2KGM189" || u.Profile != `C:\Users\AndrewRathbun` || u.Path != `\Users\AndrewRathbun` {
		t.Errorf("user %+v", u)
	}
	if u.UseSource != "ProfileList" || !u.LastUse.Equal(regf.FileTime(30940460<<32|2626803840)) {
		t.Errorf("last use %v by %s", u.LastUse, u.UseSource)
	}
	if h := u.Hive("ntuser.dat"); h.State != regf.Replayed || h.Pages != 67 {
		t.Errorf("NTUSER.DAT %+v", h)
	}
	if h := u.Hive("UsrClass.dat"); h.State != regf.Replayed || h.Pages != 104 {
		t.Errorf("UsrClass.dat %+v", h)
	}

	letters := map[string]DiskID{"C:": {Signature: 0xDF4546AE, Offset: 0x1F500000}, "E:": {Signature: 0xDF4546AE, Offset: 0x100000}, "F:": {Signature: 0x002B1BE5, Offset: 0x100000}}
	for _, l := range inst.Letters {
		if want, fixed := letters[l.Letter]; fixed && l.Disk != want {
			t.Errorf("%s is %+v, want %+v", l.Letter, l.Disk, want)
		}
	}
	if len(inst.Letters) != 4 || !strings.Contains(inst.Letters[1].Device, "NECVMWar") {
		t.Errorf("letters %+v", inst.Letters)
	}
	if len(inst.Damage) > 0 {
		t.Errorf("damage %q", inst.Damage)
	}
}

func TestWindows10Registry(t *testing.T) {
	s := rathbun(t)
	m, err := Open(context.Background(), []Source{s}, findOne(t, s))
	if err != nil {
		t.Fatal(err)
	}
	key := func(path string) *Key {
		t.Helper()
		k, err := m.Key(path)
		if err != nil {
			t.Fatal(err)
		}
		if k == nil {
			t.Fatalf("no key %s", path)
		}
		return k
	}
	if got := key(`HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName`).Str("ComputerName"); got != "DESKTOP-2KGM189" {
		t.Errorf("through CurrentControlSet: %q", got)
	}
	if k := key(`HKEY_LOCAL_MACHINE\system\currentcontrolset\control`); k.Path != `HKLM\SYSTEM\CurrentControlSet\Control` || k.Name() != "Control" {
		t.Errorf("path %s, name %s", k.Path, k.Name())
	}
	if got := key(`HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion`).Str("EditionID"); got != "Professional" {
		t.Errorf("edition %q", got)
	}
	// The hive names its root <SID>_Classes; in the registry it is Classes.
	classes := key(`HKU\` + rathbunSID + `\Software\Classes`)
	if classes.Name() != "Classes" || len(classes.Subkeys()) < 100 {
		t.Errorf("classes %s with %d keys", classes.Path, len(classes.Subkeys()))
	}
	software := key(`HKU\` + rathbunSID + `\Software`)
	found := 0
	for _, k := range software.Subkeys() {
		if k.Name() == "Classes" {
			found++
			if len(k.Subkeys()) != len(classes.Subkeys()) {
				t.Error("a walk sees other classes than a lookup")
			}
		}
	}
	if found != 1 {
		t.Errorf("Classes is listed %d times", found)
	}
	if k, err := m.Key(`HKLM\HARDWARE\DESCRIPTION`); k != nil || err != nil {
		t.Errorf("HARDWARE: %v, %v", k, err)
	}
	if k, err := m.UserKey("S-1-5-21-1-2-3-4", "Software"); k != nil || err != nil {
		t.Errorf("an unknown user: %v, %v", k, err)
	}
	if _, err := m.Key(`C:\Windows`); err == nil {
		t.Error("a path is no key")
	}
	for _, root := range m.Roots() {
		key(root)
	}
	if got := len(m.Roots()); got != 6 {
		t.Errorf("roots %q", m.Roots())
	}

	vars := m.UserVars(rathbunSID)
	for name, want := range map[string]string{
		"USERPROFILE":          `C:\Users\AndrewRathbun`,
		"APPDATA":              `C:\Users\AndrewRathbun\AppData\Roaming`,
		"CSIDL_LOCAL_APPDATA":  `C:\Users\AndrewRathbun\AppData\Local`,
		"CSIDL_PERSONAL":       `C:\Users\AndrewRathbun\Documents`,
		"CSIDL_COOKIES":        `C:\Users\AndrewRathbun\AppData\Local\Microsoft\Windows\INetCookies`,
		"FOLDERID_DOWNLOADS":   `C:\Users\AndrewRathbun\Downloads`,
		"TEMP":                 `C:\Users\AndrewRathbun\AppData\Local\Temp`,
		"ONEDRIVE":             `C:\Users\AndrewRathbun\OneDrive`,
		"USERSID":              rathbunSID,
		"USERNAME":             "AndrewRathbun",
		"HOMEPATH":             `\Users\AndrewRathbun`,
		"PROGRAMFILES(X86)":    `C:\Program Files (x86)`,
		"CSIDL_COMMON_APPDATA": `C:\ProgramData`,
		"ALLUSERSPROFILE":      `C:\Users\Public`,
		"WINDIR":               `C:\Windows`,
		"COMSPEC":              `C:\Windows\system32\cmd.exe`,
		"CHOCOLATEYINSTALL":    `C:\ProgramData\chocolatey`,
		"COMPUTERNAME":         "DESKTOP-2KGM189",
	} {
		if vars[name] != want {
			t.Errorf("%s = %q, want %q", name, vars[name], want)
		}
	}
	for name, value := range vars {
		if name != strings.ToUpper(name) || strings.HasPrefix(value, "%") {
			t.Errorf("variable %s = %q", name, value)
		}
	}
}

func TestWindows10DirtySystem(t *testing.T) {
	s := source(t, sharedHives(t, map[string]string{
		"Windows/System32/config/SYSTEM":                                  "win10-pm6c56d/SYSTEM",
		"Windows/System32/config/SYSTEM.LOG1":                             "win10-pm6c56d/SYSTEM.LOG1",
		"Windows/System32/config/SYSTEM.LOG2":                             "win10-pm6c56d/SYSTEM.LOG2",
		"Users/Someone/AppData/Local/Microsoft/Windows/UsrClass.dat":      "win10-pm6c56d/UsrClass.dat",
		"Users/Someone/AppData/Local/Microsoft/Windows/UsrClass.dat.LOG1": "win10-pm6c56d/UsrClass.dat.LOG1",
		"Users/Someone/AppData/Local/Microsoft/Windows/UsrClass.dat.LOG2": "win10-pm6c56d/UsrClass.dat.LOG2",
	}), files{"Windows/System32/config/SOFTWARE": []byte("destroyed")})
	inst := findOne(t, s)
	if h := inst.Hives[0]; h.State != regf.Replayed || h.Entries != 24 || h.Pages != 315 {
		t.Errorf("SYSTEM %+v, want 24 entries and 315 pages replayed", h)
	}
	if len(inst.Damage) != 1 || !strings.HasPrefix(inst.Damage[0], "SOFTWARE is damaged: ") {
		t.Errorf("damage %q", inst.Damage)
	}
	// SYSTEM alone knows the build of the last shutdown and the edition.
	want := Product{
		Name: "Windows 10", Edition: "Education", Version: "10.0", Build: "16299", Display: "1709",
		InstallationType: "Client", Source: "SYSTEM",
	}
	if inst.Product != want {
		t.Errorf("product %+v, want %+v", inst.Product, want)
	}
	if inst.ComputerName != "DESKTOP-PM6C56D" || inst.Arch != X64 || inst.ArchSource != "registry" {
		t.Errorf("computer %q, architecture %s by %s", inst.ComputerName, inst.Arch, inst.ArchSource)
	}
	if !inst.Power.FastStartup || !inst.Power.HibernateEnabled {
		t.Errorf("power %+v", inst.Power)
	}
	if l := inst.Letters[0]; l.Letter != "C:" || l.Disk.Partition.String() != "09931f21-7faf-44a9-81d8-1e73c14b9eaf" {
		t.Errorf("letter %+v", l)
	}
	if len(inst.Users) != 1 {
		t.Fatalf("users %+v", inst.Users)
	}
	// No NTUSER.DAT: the root of UsrClass.dat has the SID in its name.
	u := inst.Users[0]
	if !strings.HasPrefix(u.SID, "S-1-5-21-") || u.Name != "Someone" || u.NameSource != "folder name" || u.State != Present {
		t.Errorf("user %+v", u)
	}
	if u.Hive("NTUSER.DAT").State != Missing || u.Hive("UsrClass.dat").Pages != 158 {
		t.Errorf("hives %+v", u.Hives)
	}
}

func TestWindows7Domain(t *testing.T) {
	s := source(t, sharedHives(t, map[string]string{
		"windows/system32/config/system":   "win7-wks-win732bita/SYSTEM",
		"windows/system32/config/software": "win7-wks-win732bita/SOFTWARE",
		"users/vibranium/ntuser.dat":       "win7-wks-win732bita/vibranium/NTUSER.DAT",
		"users/nfury/ntuser.dat":           "win7-wks-win732bita/nfury/NTUSER.DAT",
	}), files{
		"windows/system32/ntoskrnl.exe": kernelFile(0x14C),
		"users/rsydow/":                 nil,
		"users/public/":                 nil,
		"users/new folder/":             nil,
	})
	inst := findOne(t, s)
	want := Product{
		Name: "Windows 7 Ultimate", Edition: "Ultimate", Version: "6.1", Build: "7601",
		ServicePack: "Service Pack 1", InstallationType: "Client", Source: "SOFTWARE",
	}
	if inst.Product != want {
		t.Errorf("product %+v, want %+v", inst.Product, want)
	}
	if inst.ComputerName != "WKS-WIN732BITA" || inst.Arch != X86 {
		t.Errorf("computer %q, architecture %s", inst.ComputerName, inst.Arch)
	}
	const domain = "S-1-5-21-2036804247-3058324640-2116585241"
	if want := (Join{Domain: "SHIELDBASE", DNSDomain: "shieldbase.local", DomainSID: domain}); inst.Join != want {
		t.Errorf("join %+v, want %+v", inst.Join, want)
	}
	if inst.TimeZone.Key != "Eastern Standard Time" || inst.TimeZone.Bias != 300 {
		t.Errorf("time zone %+v", inst.TimeZone)
	}
	if !inst.Installed.Equal(utc(2010, 11, 10, 16, 28, 55)) {
		t.Errorf("installed %v", inst.Installed)
	}
	if len(inst.Users) != 8 {
		t.Errorf("%d users, want the 8 of ProfileList", len(inst.Users))
	}
	for name, want := range map[string]User{
		"rsydow":       {SID: domain + "-1114", Domain: "SHIELDBASE", NameSource: "Group Policy", Kind: Domain, State: Present},
		"nfury":        {SID: domain + "-1105", Domain: "SHIELDBASE", NameSource: "folder name", Kind: Domain, State: Present},
		"vibranium":    {SID: domain + "-1673", Domain: "SHIELDBASE", NameSource: "folder name", Kind: Domain, State: Present},
		"mhill":        {SID: domain + "-1106", Domain: "SHIELDBASE", NameSource: "folder name", Kind: Domain, State: NoFolder},
		"SRL-Helpdesk": {SID: "S-1-5-21-100689374-1717798114-2601648136-1001", NameSource: "folder name", Kind: UnknownKind, State: NoFolder},
	} {
		u := userNamed(t, inst, name)
		if u.SID != want.SID || u.Domain != want.Domain || u.NameSource != want.NameSource || u.Kind != want.Kind || u.State != want.State {
			t.Errorf("%s is %+v, want %+v", name, u, want)
		}
		if len(u.Notes) > 0 {
			t.Errorf("%s: %q", name, u.Notes) // above all that the NTUSER.DAT is another's
		}
	}
	if u := userNamed(t, inst, "rsydow"); u.Hive("NTUSER.DAT").State != Missing {
		t.Errorf("rsydow's hives %+v", u.Hives)
	}
}

func TestSharedSAM(t *testing.T) {
	open := func(name string) *regf.Hive {
		h, err := regf.Open(shareddata.Hive(t, name))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	f := readSAM(open("win7-sam/SAM"))
	if f.machineSID != "S-1-5-21-1760460187-1592185332-161725925" {
		t.Errorf("machine SID %s", f.machineSID)
	}
	var names []string
	for _, rid := range []string{"-500", "-501", "-1000"} {
		names = append(names, f.accounts[f.machineSID+rid].name)
	}
	if got := strings.Join(names, " "); len(f.accounts) != 3 || got != "Administrator Guest Preston" {
		t.Errorf("accounts %+v", f.accounts)
	}
	if a := f.accounts[f.machineSID+"-1000"]; a.lastLogon.IsZero() || a.flags&AccountDisabled != 0 {
		t.Errorf("Preston %+v", a)
	}
	if a := f.accounts[f.machineSID+"-501"]; a.flags&AccountDisabled == 0 || a.comment == "" || !a.lastLogon.IsZero() {
		t.Errorf("Guest %+v", a)
	}
	groups := map[string]Group{}
	for _, g := range f.groups {
		groups[g.SID] = g
	}
	if g := groups["S-1-5-32-544"]; g.Name != "Administrators" || g.Comment == "" ||
		strings.Join(g.Members, " ") != f.machineSID+"-500 "+f.machineSID+"-1000" {
		t.Errorf("administrators %+v", g)
	}
	if g := groups["S-1-5-32-546"]; g.Name != "Guests" || strings.Join(g.Members, " ") != f.machineSID+"-501" {
		t.Errorf("guests %+v", g)
	}
	xp := readSAM(open("xp/SAM"))
	byName := map[string]bool{}
	for _, a := range xp.accounts {
		byName[a.name] = true
	}
	for _, name := range []string{"aitch", "emily", "HelpAssistant", "SUPPORT_388945a0", "thegaffer"} {
		if !byName[name] {
			t.Errorf("XP's SAM lacks %s", name)
		}
	}
}

func TestXPUser(t *testing.T) {
	ntuser := shareddata.Hive(t, "xp/joe-NTUSER.DAT")
	h, err := regf.Open(append([]byte(nil), ntuser...))
	if err != nil {
		t.Fatal(err)
	}
	sid := ownerOfHive(h.Root().Security())
	if !isPerson(sid) {
		t.Fatalf("owner of NTUSER.DAT %q", sid)
	}
	s := source(t, xpTree(t, sid), files{
		"Documents and Settings/joe/NTUSER.DAT": ntuser,
		"WINDOWS/system32/config/sam":           shareddata.Hive(t, "xp/SAM"),
	})
	inst := findOne(t, s)
	u := userNamed(t, inst, "joe")
	if u.SID != sid || u.NameSource != "NTUSER.DAT" || u.Profile != `C:\Documents and Settings\joe` || u.State != Present {
		t.Errorf("joe is %+v", u)
	}
	m, err := Open(context.Background(), []Source{s}, inst)
	if err != nil {
		t.Fatal(err)
	}
	vars := m.UserVars(u.ID)
	for name, want := range map[string]string{
		"CSIDL_LOCAL_APPDATA":           `C:\Documents and Settings\joe\Local Settings\Application Data`,
		"CSIDL_MYPICTURES":              `C:\Documents and Settings\joe\My Documents\My Pictures`,
		"CSIDL_COMMON_DESKTOPDIRECTORY": `C:\Documents and Settings\All Users\Desktop`,
		"CSIDL_DEFAULT_PERSONAL":        `C:\Documents and Settings\Default User\My Documents`,
		"PROGRAMFILES(X86)":             "",
		"CSIDL_VIRTUALSTORE":            "",
		"CSIDL_DOWNLOADS":               "",
	} {
		if vars[name] != want {
			t.Errorf("%s = %q, want %q", name, vars[name], want)
		}
	}
}

// What is read by the one reader must be what the other reads.
func TestReadersAgreeOnProduct(t *testing.T) {
	for _, name := range []string{"win10-rathbun/SOFTWARE", "win7-wks-win732bita/SOFTWARE"} {
		h, err := regf.Open(shareddata.Hive(t, name))
		if err != nil {
			t.Fatal(err)
		}
		byParser, ok := plain(h, currentVersionKey).(parsed)
		if !ok {
			t.Fatalf("%s: regparser was not used", name)
		}
		own := h.Find(currentVersionKey)
		for _, v := range own.Values() {
			if got, want := byParser.Str(v.Name), own.Str(v.Name); got != want {
				t.Errorf("%s %s: %q, want %q", name, v.Name, got, want)
			}
			got, gotOK := byParser.Uint(v.Name)
			if want, ok := own.Uint(v.Name); got != want || gotOK != ok {
				t.Errorf("%s %s: %d, want %d", name, v.Name, got, want)
			}
		}
	}
}

// hivexsh knows nothing of logs, but the hives asked here are clean.
func TestAgainstHivex(t *testing.T) {
	tools.Need(t, "hivexsh")
	s := source(t, files{"Windows/System32/config/SYSTEM": shareddata.Hive(t, "win7-wks-win732bita/SYSTEM")})
	path := filepath.Join(s.Where, "Windows/System32/config/SYSTEM")
	ask := func(key, value string) string {
		cmd := exec.Command("hivexsh", path)
		cmd.Stdin = strings.NewReader("cd " + key + "\nlsval " + value + "\n")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	inst := findOne(t, s)
	if want := ask(`\ControlSet001\Control\ComputerName\ComputerName`, "ComputerName"); inst.ComputerName != want {
		t.Errorf("computer %q, hivexsh says %q", inst.ComputerName, want)
	}
	if want := ask(`\ControlSet001\Services\Tcpip\Parameters`, "Domain"); inst.Join.DNSDomain != want {
		t.Errorf("domain %q, hivexsh says %q", inst.Join.DNSDomain, want)
	}
}
