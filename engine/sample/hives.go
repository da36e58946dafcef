package sample

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"lifeboat/engine/regf"
	"lifeboat/engine/winname"
)

// tree grows a hive key by key.
type tree struct {
	root *regf.Node
	when time.Time
}

func newTree(rootName string, security []byte, when time.Time) tree {
	return tree{root: &regf.Node{Name: rootName, LastWrite: when, Security: security}, when: when}
}

// set puts a value under a backslash path, making the keys on the way. A Go
// string becomes REG_SZ, a uint32 REG_DWORD, a []byte REG_BINARY.
func (t tree) set(path, name string, value any) {
	v := regf.Value{Name: name}
	switch x := value.(type) {
	case string:
		v.Type, v.Data = regf.Sz, sz(x)
		if strings.HasPrefix(x, "%") {
			v.Type = regf.ExpandSz
		}
	case uint32:
		v.Type, v.Data = regf.Dword, binary.LittleEndian.AppendUint32(nil, x)
	case []byte:
		v.Type, v.Data = regf.Binary, x
	default:
		panic(fmt.Sprintf("internal error: value of type %T", value))
	}
	key := t.key(path)
	key.Values = append(key.Values, v)
}

// key finds or makes the key at a backslash path.
func (t tree) key(path string) *regf.Node {
	at := t.root
	for _, name := range strings.Split(path, `\`) {
		var next *regf.Node
		for _, k := range at.Subkeys {
			if winname.Equal(k.Name, name) {
				next = k
			}
		}
		if next == nil {
			next = &regf.Node{Name: name, LastWrite: t.when, Security: t.root.Security}
			at.Subkeys = append(at.Subkeys, next)
		}
		at = next
	}
	return at
}

// hive writes a tree as a hive file.
func (b *builder) hive(path string, t tree) {
	if b.err != nil {
		return
	}
	data, err := regf.Marshal(t.root, regf.Options{LastWritten: t.when})
	if err != nil {
		b.err = fmt.Errorf("write hive %s: %w", path, err)
		return
	}
	b.file(path, data)
}

const config = "Windows/System32/config/"

// machineHives writes SYSTEM, SOFTWARE, SAM, SECURITY and DEFAULT
// (spec/registry.md 9 says what a reader looks for).
func (b *builder) machineHives(users []User) {
	admins := descriptor("S-1-5-32-544")
	system := newTree("ROOT", admins, b.now)
	system.set("Select", "Current", uint32(1))
	system.set("Select", "Default", uint32(1))
	system.set("MountedDevices", `\DosDevices\C:`, append([]byte("DMIO:ID:"), seededGUID(7)...))
	const ccs = `ControlSet001\Control\`
	system.set(ccs+`ComputerName\ComputerName`, "ComputerName", Computer)
	system.set(ccs+"ProductOptions", "ProductType", "WinNT")
	system.set(ccs+`Session Manager\Environment`, "PROCESSOR_ARCHITECTURE", "AMD64")
	system.set(ccs+`Session Manager\Environment`, "TEMP", `%SystemRoot%\TEMP`)
	system.set(ccs+`Session Manager\Power`, "HiberbootEnabled", uint32(1))
	system.set(ccs+"Windows", "ShutdownTime", fileTime(b.now.AddDate(0, 0, -2)))
	system.set(ccs+"TimeZoneInformation", "TimeZoneKeyName", "W. Europe Standard Time")
	system.set(ccs+"TimeZoneInformation", "Bias", uint32(0xFFFFFFC4))
	system.set(ccs+"TimeZoneInformation", "ActiveTimeBias", uint32(0xFFFFFFC4))
	system.set(`ControlSet001\Services\Tcpip\Parameters`, "Hostname", Computer)
	system.set(`ControlSet001\Services\Tcpip\Parameters`, "Domain", "corp.example")
	system.set(ccs+"Lsa", "SecureBoot", uint32(1))
	for name, class := range lsaClasses() {
		system.key(ccs + `Lsa\` + name).Class = class
	}
	system.set("Setup", "SystemSetupInProgress", uint32(0))
	b.hive(config+"SYSTEM", system)

	software := newTree("ROOT", admins, b.now)
	const nt = `Microsoft\Windows NT\CurrentVersion`
	software.set(nt, "ProductName", "Windows 10 Pro") // as Windows 11 itself still says
	software.set(nt, "EditionID", "Professional")
	software.set(nt, "InstallationType", "Client")
	software.set(nt, "CurrentVersion", "6.3")
	software.set(nt, "CurrentMajorVersionNumber", uint32(10))
	software.set(nt, "CurrentMinorVersionNumber", uint32(0))
	software.set(nt, "CurrentBuildNumber", fmt.Sprint(Build))
	software.set(nt, "UBR", uint32(UBR))
	software.set(nt, "DisplayVersion", "23H2")
	software.set(nt, "SystemRoot", `C:\Windows`)
	software.set(nt, "InstallDate", uint32(b.now.AddDate(-2, 0, 0).Unix()))
	const cv = `Microsoft\Windows\CurrentVersion`
	software.set(cv, "ProgramFilesDir", `C:\Program Files`)
	software.set(cv, "ProgramFilesDir (x86)", `C:\Program Files (x86)`)
	software.set(cv, "CommonFilesDir", `C:\Program Files\Common Files`)
	software.set(`Microsoft\Windows\CurrentVersion\Authentication\LogonUI`, "LastLoggedOnSAMUser", Domain+`\m.ostrowski`)
	software.set(`Microsoft\Windows\CurrentVersion\Authentication\LogonUI`, "LastLoggedOnUserSID", DomainSID+"-1107")
	const list = nt + `\ProfileList`
	software.set(list, "ProfilesDirectory", `%SystemDrive%\Users`)
	software.set(list, "Default", `%SystemDrive%\Users\Default`)
	software.set(list, "Public", `%SystemDrive%\Users\Public`)
	software.set(list, "ProgramData", `%SystemDrive%\ProgramData`)
	for _, u := range users {
		software.set(list+`\`+u.SID, "ProfileImagePath", `C:\Users\`+u.Profile)
		software.set(list+`\`+u.SID, "State", uint32(0))
		used := fileTime(u.LastUse)
		software.set(list+`\`+u.SID, "LocalProfileLoadTimeLow", binary.LittleEndian.Uint32(used))
		software.set(list+`\`+u.SID, "LocalProfileLoadTimeHigh", binary.LittleEndian.Uint32(used[4:]))
	}
	software.set(`Ledger`, "Licence", "12345")
	b.hive(config+"SOFTWARE", software)

	security := newTree("ROOT", admins, b.now)
	security.set(`Policy\PolAcDmS`, "", sidBytes(MachineSID))
	security.set(`Policy\PolAcDmN`, "", unicodeString(Computer))
	security.set(`Policy\PolPrDmS`, "", sidBytes(DomainSID))
	security.set(`Policy\PolPrDmN`, "", unicodeString(Domain))
	security.set(`Policy\PolDnDDN`, "", unicodeString("corp.example"))
	b.hive(config+"SECURITY", security)

	b.hive(config+"SAM", samHive(users, b.now))
	b.hive(config+"DEFAULT", newTree("ROOT", admins, b.now))
}

// userHive is an NTUSER.DAT with the settings a person would miss.
func userHive(u User, now time.Time) tree {
	t := newTree("ROOT", descriptor(u.SID), now)
	home := `%USERPROFILE%\`
	const folders = `Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders`
	t.set(folders, "Desktop", home+"Desktop")
	t.set(folders, "Personal", home+"Documents")
	t.set(folders, "My Pictures", home+"Pictures")
	t.set(folders, "Favorites", home+"Favorites")
	t.set(folders, "AppData", home+`AppData\Roaming`)
	t.set(folders, "Local AppData", home+`AppData\Local`)
	t.set(folders, "{374DE290-123F-4565-9164-39C4925E467B}", home+"Downloads")
	t.set(`Control Panel\Desktop`, "WallPaper", `C:\Windows\Web\Wallpaper\Windows\img0.jpg`)
	t.set(`Control Panel\Mouse`, "SwapMouseButtons", "1")
	t.set(`Network\Z`, "RemotePath", `\\server\share`)
	t.set(`Network\Z`, "UserName", "")
	t.set(`Software\SimonTatham\PuTTY\Sessions\server`, "HostName", "server.example")
	t.set(`Software\Ledger`, "Привет", "мир")
	t.set(`Software\Ledger`, "Blob", noise(seeded(9), 20_000)) // big data: over 16344 bytes
	t.set("Environment", "TEMP", home+`AppData\Local\Temp`)
	return t
}

func classesHive(u User, now time.Time) tree {
	t := newTree(u.SID+"_Classes", descriptor(u.SID), now)
	t.set(`.ledger`, "", "Ledger.Document")
	return t
}

// sz is text as REG_SZ data.
func sz(s string) []byte {
	var data []byte
	for _, u := range winname.ToUTF16(s) {
		data = binary.LittleEndian.AppendUint16(data, u)
	}
	return append(data, 0, 0)
}

// unicodeString is the form of the names in SECURITY\Policy: u16 length, u16
// room, u32 offset 8, text.
func unicodeString(s string) []byte {
	text := sz(s)
	data := binary.LittleEndian.AppendUint16(nil, uint16(len(text)-2))
	data = binary.LittleEndian.AppendUint16(data, uint16(len(text)))
	data = binary.LittleEndian.AppendUint32(data, 8)
	return append(data, text...)
}

func fileTime(t time.Time) []byte {
	return binary.LittleEndian.AppendUint64(nil, regf.ToFileTime(t))
}

func seededGUID(seed int64) []byte { return noise(seeded(seed), 16) }
