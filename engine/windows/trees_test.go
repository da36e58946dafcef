package windows

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"lifeboat/engine/regf"
)

const (
	machineSID = "S-1-5-21-1000000001-2000000002-3000000003"
	domainSID  = "S-1-5-21-111111111-222222222-333333333"
	annaSID    = machineSID + "-1001"
	borisSID   = domainSID + "-1107"
	claraSID   = "S-1-12-1-1111111111-1222222222-1333333333-1444444444"
)

// systemHive is a SYSTEM with more put over it.
func systemHive(t testing.TB, more hiveTree) []byte {
	tree := hiveTree{
		`Select`: {"Current": 2},
		`ControlSet001\Control\ComputerName\ComputerName`:   {"ComputerName": "WRONGSET"},
		`ControlSet002\Control\ComputerName\ComputerName`:   {"ComputerName": "BENCH-7"},
		`ControlSet002\Control\ProductOptions`:              {"ProductType": "WinNT"},
		`ControlSet002\Control\Session Manager\Environment`: {"PROCESSOR_ARCHITECTURE": "AMD64", "TEMP": expandable(`%SystemRoot%\TEMP`), "USERNAME": "SYSTEM", "Tools": `D:\Tools`, "ToolsBin": expandable(`%TOOLS%\bin`)},
		`ControlSet002\Control\TimeZoneInformation`:         {"TimeZoneKeyName": "W. Europe Standard Time\x00garbage", "Bias": uint32(0xFFFFFFC4), "ActiveTimeBias": uint32(0xFFFFFF88)},
		`ControlSet002\Control\Windows`:                     {"ShutdownTime": binary.LittleEndian.AppendUint64(nil, regf.ToFileTime(utc(2024, 5, 6, 7, 8, 9)))},
		`ControlSet002\Control\Power`:                       {"HibernateEnabled": 1},
		`ControlSet002\Control\Session Manager\Power`:       {"HiberbootEnabled": 1},
		`MountedDevices`: {
			`\DosDevices\C:`: append([]byte("DMIO:ID:"), systemGUID[:]...),
			`\DosDevices\D:`: mbr(0xAABBCCDD, 1<<20),
			`\DosDevices\E:`: u16(`\??\SCSI#CdRom&Ven_X`),
			`\DosDevices\G:`: mbr(0x01020304, 1<<30),
			`\??\Volume{2b8dca72-672e-11e7-bce1-806e6f6e6963}`: mbr(0xAABBCCDD, 1<<20),
		},
	}
	for path, values := range more {
		tree[path] = values
	}
	return hive(t, "SYSTEM", "", tree)
}

var systemGUID = GUID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

func mbr(signature uint32, offset uint64) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(nil, signature), offset)
}

// softwareHive is a SOFTWARE of Windows 11 with more put over it.
func softwareHive(t testing.TB, more hiveTree) []byte {
	tree := hiveTree{
		currentVersionKey: {
			"ProductName": "Windows 10 Pro", "EditionID": "Professional", "InstallationType": "Client",
			"CurrentVersion": "6.3", "CurrentMajorVersionNumber": 10, "CurrentMinorVersionNumber": 0,
			"CurrentBuildNumber": "22631", "UBR": 3155, "DisplayVersion": "23H2", "SystemRoot": `C:\Windows`,
			"InstallDate": uint32(1700000000),
		},
		currentVersionKey + `\ProfileList`: {
			"ProfilesDirectory": expandable(`%SystemDrive%\Users`), "Default": expandable(`%SystemDrive%\Users\Default`),
			"Public": expandable(`%SystemDrive%\Users\Public`), "ProgramData": expandable(`%SystemDrive%\ProgramData`),
		},
		currentVersionKey + `\ProfileList\S-1-5-18`:           {"ProfileImagePath": expandable(`%systemroot%\system32\config\systemprofile`)},
		currentVersionKey + `\ProfileList\S-1-5-20`:           {"ProfileImagePath": expandable(`%SystemRoot%\ServiceProfiles\NetworkService`)},
		currentVersionKey + `\ProfileList\S-1-5-82-1-2-3-4-5`: {"ProfileImagePath": expandable(`%SystemDrive%\Users\DefaultAppPool`)},
	}
	for path, values := range more {
		tree[path] = values
	}
	return hive(t, "ROOT", "", tree)
}

// profile is an entry of ProfileList.
func profile(key, path string, more ...map[string]any) hiveTree {
	values := map[string]any{"ProfileImagePath": expandable(path), "State": 0}
	for _, m := range more {
		for name, v := range m {
			values[name] = v
		}
	}
	return hiveTree{currentVersionKey + `\ProfileList\` + key: values}
}

func merge(trees ...hiveTree) hiveTree {
	all := hiveTree{}
	for _, tree := range trees {
		for path, values := range tree {
			all[path] = values
		}
	}
	return all
}

func ntuser(t testing.TB, owner string, more hiveTree) []byte {
	return hive(t, "ROOT", owner, merge(hiveTree{`Software\Microsoft`: {}}, more))
}

// samHive has one account.
func samHive(t testing.TB, rid int, name, fullName string, lastLogon time.Time) []byte {
	v := make([]byte, 0xCC)
	for i, text := range map[int]string{1: name, 2: fullName} {
		binary.LittleEndian.PutUint32(v[12*i:], uint32(len(v)-0xCC))
		binary.LittleEndian.PutUint32(v[12*i+4:], uint32(2*len([]rune(text))))
		v = append(v, u16(text)...)
	}
	f := make([]byte, 80)
	binary.LittleEndian.PutUint64(f[8:], regf.ToFileTime(lastLogon))
	return hive(t, "SAM", "", hiveTree{
		`SAM\Domains\Account`:                              {"V": append(make([]byte, 40), binarySID(t, machineSID)...)},
		fmt.Sprintf(`SAM\Domains\Account\Users\%08X`, rid): {"F": f, "V": v},
		`SAM\Domains\Account\Users\Names\` + name:          {"": typed{regf.Type(rid), nil}},
	})
}

// securityHive says which domain, or with an empty SID which workgroup.
func securityHive(t testing.TB, domain, sid, dns string) []byte {
	text := func(s string) typed {
		b := u16(s)
		head := binary.LittleEndian.AppendUint16(nil, uint16(len(b)))
		head = binary.LittleEndian.AppendUint16(head, uint16(len(b)+2))
		head = binary.LittleEndian.AppendUint32(head, 8)
		return typed{regf.None, append(append(head, b...), 0, 0)}
	}
	var raw []byte
	if sid != "" {
		raw = binarySID(t, sid)
	}
	return hive(t, "SECURITY", "", hiveTree{
		`Policy\PolPrDmN`: {"": text(domain)}, `Policy\PolPrDmS`: {"": typed{regf.None, raw}},
		`Policy\PolDnDDN`: {"": text(dns)},
		`Policy\PolAcDmN`: {"": text("BENCH-7")}, `Policy\PolAcDmS`: {"": typed{regf.None, binarySID(t, machineSID)}},
	})
}

// windows11 is a tree with the profiles of anna, a local account.
func windows11(t testing.TB, software hiveTree) files {
	return files{
		"Windows/System32/config/SYSTEM":   systemHive(t, nil),
		"Windows/System32/config/SOFTWARE": softwareHive(t, merge(profile(annaSID, `C:\Users\anna`), software)),
		"Windows/System32/config/SAM":      samHive(t, 1001, "Anna", "Anna Müller", utc(2024, 5, 1, 0, 0, 0)),
		"Windows/System32/ntoskrnl.exe":    kernelFile(0xAA64, 10, 0, 22621, 3155),
		"Users/anna/NTUSER.DAT":            ntuser(t, annaSID, nil),
		"Users/anna/Documents/a.txt":       []byte("twelve bytes"),
		"Users/Default/NTUSER.DAT":         ntuser(t, "", nil),
		"Users/Public/":                    nil,
	}
}

// xpTree is a Windows XP with a profile of sid.
func xpTree(t testing.TB, sid string) files {
	return files{
		"WINDOWS/system32/config/system": hive(t, "$$$PROTO.HIV", "", hiveTree{
			`Select`: {"Current": 1},
			`ControlSet001\Control\ComputerName\ComputerName`:   {"ComputerName": "FINN"},
			`ControlSet001\Control\ProductOptions`:              {"ProductType": "WinNT", "ProductSuite": []string{"Personal"}},
			`ControlSet001\Control\Session Manager\Environment`: {"PROCESSOR_ARCHITECTURE": "x86"},
			`ControlSet001\Control\TimeZoneInformation`:         {"StandardName": "GMT Standard Time", "Bias": 0},
			`MountedDevices`: {`\DosDevices\C:`: mbr(1, 0x7E00)},
		}),
		"WINDOWS/system32/config/software": hive(t, "$$$PROTO.HIV", "", hiveTree{
			currentVersionKey: {
				"ProductName": "Microsoft Windows XP", "CurrentVersion": "5.1", "CurrentBuildNumber": "2600", "CurrentBuild": "1.511.1 () (Obsolete data - do not use)",
				"CSDVersion": "Service Pack 3", "SystemRoot": `C:\WINDOWS`, "InstallDate": uint32(1100000000),
			},
			currentVersionKey + `\ProfileList`: {
				"ProfilesDirectory": expandable(`%SystemDrive%\Documents and Settings`), "DefaultUserProfile": "Default User", "AllUsersProfile": "All Users",
			},
			currentVersionKey + `\ProfileList\S-1-5-19`: {"ProfileImagePath": expandable(`%SystemDrive%\Documents and Settings\LocalService`)},
			currentVersionKey + `\ProfileList\` + sid:   {"ProfileImagePath": expandable(`%SystemDrive%\Documents and Settings\joe`)},
		}),
		"WINDOWS/system32/ntoskrnl.exe":                  kernelFile(0x14C),
		"Documents and Settings/joe/":                    nil,
		"Documents and Settings/All Users/Desktop/":      nil,
		"Documents and Settings/Default User/NTUSER.DAT": ntuser(t, "", nil),
		"Documents and Settings/LocalService/NTUSER.DAT": ntuser(t, "S-1-5-19", nil),
		"Documents and Settings/NetworkService/Desktop/": nil,
	}
}
