package windows

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lifeboat/engine/regf"
)

// states lists the users as "name state path", in order.
func states(inst *Installation) []string {
	var all []string
	for _, u := range inst.Users {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s", u.Name, u.State, u.Path)))
	}
	return all
}

func TestProfileStates(t *testing.T) {
	temporary := map[string]any{"State": 0x800}
	for _, c := range []struct {
		name string
		list hiveTree
		tree files
		want []string
	}{
		{
			name: "set aside, and a temporary one in use",
			list: merge(profile(annaSID, `C:\Users\TEMP`, temporary), profile(annaSID+".bak", `C:\Users\anna`)),
			tree: files{"Users/TEMP/Desktop/": nil},
			want: []string{`Anna present \Users\anna`, `Anna temporary \Users\TEMP`},
		},
		{
			name: "set aside only",
			list: merge(hiveTree{currentVersionKey + `\ProfileList\` + annaSID: nil}, profile(annaSID+".BAK", `C:\Users\anna`)),
			want: []string{`Anna present \Users\anna`},
		},
		{
			name: "temporary only",
			list: profile(annaSID, `C:\Users\TEMP.BENCH-7.000`),
			tree: files{"Users/TEMP.BENCH-7.000/Desktop/": nil},
			want: []string{`Anna temporary \Users\TEMP.BENCH-7.000`, `Anna orphaned \Users\anna`},
		},
		{
			name: "set aside beside a new one",
			list: merge(profile(annaSID, `C:\Users\anna.BENCH-7`), profile(annaSID+".bak", `C:\Users\anna`)),
			tree: files{"Users/anna.BENCH-7/NTUSER.DAT": nil},
			want: []string{`Anna present \Users\anna.BENCH-7`, `Anna orphaned \Users\anna`},
		},
		{
			name: "the folder is gone",
			list: profile(borisSID, `C:\Users\boris`),
			want: []string{`Anna present \Users\anna`, `boris missing`},
		},
		{
			name: "on a drive that is not here",
			list: profile(borisSID, `X:\Profiles\boris`),
			want: []string{`Anna present \Users\anna`, `boris missing`},
		},
		{
			name: "folders without an entry",
			tree: files{
				"Users/Old PC/NTUSER.DAT": ntuser(t, borisSID, nil), "Users/Drivers/setup.exe": nil, "Users/half/Documents/": nil,
				"Users/DefaultAppPool/NTUSER.DAT": nil, "Users/broken/NTUSER.DAT": []byte("no hive"), "Users/All Users/Desktop/": nil,
			},
			want: []string{`Anna present \Users\anna`, `broken orphaned \Users\broken`, `half orphaned \Users\half`, `Old PC orphaned \Users\Old PC`},
		},
		{
			name: "a path that is none",
			list: profile(borisSID, `%NOWHERE%\boris`),
			want: []string{`Anna present \Users\anna`, `boris missing`},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := windows11(t, c.list)
			if len(c.list[currentVersionKey+`\ProfileList\`+annaSID]) == 0 && c.list[currentVersionKey+`\ProfileList\`+annaSID+".BAK"] != nil {
				// Only the key that was put aside is left.
				lone := merge(c.list)
				delete(lone, currentVersionKey+`\ProfileList\`+annaSID)
				tree["Windows/System32/config/SOFTWARE"] = softwareHive(t, lone)
			}
			inst := findOne(t, source(t, tree, c.tree))
			got := states(inst)
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("users %q, want %q", got, c.want)
			}
			ids := map[string]bool{}
			for _, u := range inst.Users {
				if u.ID == "" || ids[u.ID] || strings.Contains(u.ID, `\`) {
					t.Errorf("user %s has the ID %q", u.Profile, u.ID)
				}
				ids[u.ID] = true
			}
		})
	}
}

func TestPersonalVaultIsNoted(t *testing.T) {
	inst := findOne(t, source(t, windows11(t, nil), files{"OneDriveTemp/" + annaSID + "/3f1c.VHDX": nil, "OneDriveTemp/other.vhdx": nil}))
	for _, u := range inst.Users {
		notes := strings.Join(u.Notes, "; ")
		if is := strings.Contains(notes, `Vault is not captured: only this PC opens C:\OneDriveTemp\`+annaSID+`\3f1c.VHDX`); is != (u.SID == annaSID) || strings.Contains(notes, "other") {
			t.Errorf("%s: %s", u.Name, notes)
		}
	}
}

func TestOrphanTellsOwner(t *testing.T) {
	inst := findOne(t, source(t, windows11(t, nil), files{
		"Users/Old PC/NTUSER.DAT": ntuser(t, borisSID, nil),
		"Users/broken/NTUSER.DAT": []byte("no hive"),
		"Users/copy/NTUSER.DAT":   ntuser(t, annaSID, nil),
		"Users/copy/Documents/":   nil,
	}))
	u := userNamed(t, inst, "Old PC")
	if u.SID != borisSID || u.ID != borisSID || u.Kind != UnknownKind {
		t.Errorf("%+v", u)
	}
	u = userNamed(t, inst, "broken")
	if u.SID != "" || u.ID != "broken" || u.Hive("NTUSER.DAT").State != Damaged || u.Hive("NTUSER.DAT").Reason == "" {
		t.Errorf("%+v", u)
	}
	for _, u := range inst.Users {
		if u.Path == `\Users\copy` && (u.SID != annaSID || u.ID != "copy" || u.Name != "Anna" || u.State != Orphaned) {
			t.Errorf("%+v", u)
		}
	}
	if len(inst.Users) != 4 {
		t.Errorf("users %q", states(inst))
	}
}

func TestNames(t *testing.T) {
	const (
		logonUI = `Microsoft\Windows\CurrentVersion\Authentication\LogonUI`
		policy  = `Microsoft\Windows\CurrentVersion\Group Policy`
		cache   = `Microsoft\IdentityStore\LogonCache\{B16898C6-A148-4967-9171-64D755DA8520}\Sid2Name\`
	)
	boris := profile(borisSID, `C:\Users\boris.CORP`)
	for _, c := range []struct {
		name     string
		software hiveTree
		want     User // Name, Domain, NameSource, FullName, SignIn, Kind
	}{
		{"folder name", nil, User{Name: "boris", Domain: "CORP", NameSource: "folder name", Kind: Domain}},
		{"Winlogon", hiveTree{currentVersionKey + `\Winlogon`: {"DefaultUserName": "Boris", "DefaultDomainName": "CORP"}},
			User{Name: "Boris", Domain: "CORP", NameSource: "Winlogon", Kind: Domain}},
		{"Winlogon names another", hiveTree{currentVersionKey + `\Winlogon`: {"DefaultUserName": "clara", "DefaultDomainName": "CORP"}},
			User{Name: "boris", Domain: "CORP", NameSource: "folder name", Kind: Domain}},
		{"Group Policy", hiveTree{
			policy + `\DataStore\` + borisSID + `\0`: {"szName": `CORP\bpetrov`},
			policy + `\State\` + borisSID:            {"Distinguished-Name": `CN=Petrov\, Boris,OU=Staff,DC=corp,DC=example`},
		}, User{Name: "bpetrov", Domain: "CORP", NameSource: "Group Policy", FullName: "Petrov, Boris", Kind: Domain}},
		{"LogonUI before Group Policy", hiveTree{
			policy + `\DataStore\` + borisSID + `\0`: {"szName": `CORP\other`},
			logonUI + `\SessionData\1`:               {"LoggedOnSAMUser": `CORP\bpetrov`, "LoggedOnUser": "boris@corp.example", "LoggedOnUserSID": borisSID},
		}, User{Name: "bpetrov", Domain: "CORP", NameSource: "LogonUI", SignIn: "boris@corp.example", Kind: Domain}},
		{"LogonUI without a SID", hiveTree{logonUI: {"LastLoggedOnSAMUser": `CORP\BORIS`}},
			User{Name: "BORIS", Domain: "CORP", NameSource: "LogonUI", Kind: Domain}},
		{"logon cache first", hiveTree{
			cache + borisSID: {"SAMName": `CORP\boris.p`, "IdentityName": "boris@corp.example", "DisplayName": "Boris Petrov"},
			logonUI:          {"LastLoggedOnSAMUser": `CORP\wrong`, "LastLoggedOnUserSID": borisSID},
		}, User{Name: "boris.p", Domain: "CORP", NameSource: "logon cache", FullName: "Boris Petrov", SignIn: "boris@corp.example", Kind: Domain}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := windows11(t, merge(boris, c.software))
			tree["Windows/System32/config/SECURITY"] = securityHive(t, "CORP", domainSID, "corp.example")
			tree["Users/boris.CORP/NTUSER.DAT"] = ntuser(t, borisSID, nil)
			inst := findOne(t, source(t, tree))
			if want := (Join{Domain: "CORP", DNSDomain: "corp.example", DomainSID: domainSID}); inst.Join != want {
				t.Errorf("join %+v, want %+v", inst.Join, want)
			}
			u := userNamed(t, inst, c.want.Name)
			got := User{Name: u.Name, Domain: u.Domain, NameSource: u.NameSource, FullName: u.FullName, SignIn: u.SignIn, Kind: u.Kind}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestEntra(t *testing.T) {
	const tenant = "11111111-2222-3333-4444-555555555555"
	tree := windows11(t, merge(profile(claraSID, `C:\Users\ClaraNguyen`), hiveTree{
		`Microsoft\IdentityStore\LogonCache\{X}\Sid2Name\` + claraSID: {"SAMName": "ClaraNguyen", "IdentityName": "clara@example.org", "DisplayName": "Clara Nguyen"},
	}))
	tree["Windows/System32/config/SYSTEM"] = systemHive(t, hiveTree{
		`ControlSet002\Control\CloudDomainJoin\JoinInfo\0123ABCD`:    {"TenantId": tenant, "UserEmail": "admin@example.org"},
		`ControlSet002\Control\CloudDomainJoin\TenantInfo\` + tenant: {"DisplayName": "Example Org"},
	})
	tree["Windows/System32/config/SECURITY"] = securityHive(t, "WORKGROUP", "", "")
	tree["Users/ClaraNguyen/NTUSER.DAT"] = ntuser(t, claraSID, nil)
	inst := findOne(t, source(t, tree))
	if inst.Join.Entra == nil || *inst.Join.Entra != (Entra{tenant, "Example Org", "admin@example.org"}) || inst.Join.Workgroup != "WORKGROUP" {
		t.Errorf("join %+v %+v", inst.Join, inst.Join.Entra)
	}
	u := userNamed(t, inst, "ClaraNguyen")
	if u.Kind != EntraID || u.Domain != "AzureAD" || u.SignIn != "clara@example.org" || u.FullName != "Clara Nguyen" || u.SID != claraSID {
		t.Errorf("user %+v", u)
	}
}

func TestLogonName(t *testing.T) {
	for logon, want := range map[string]identity{
		`CORP\boris`:                        {name: "boris", domain: "CORP"},
		`.\anna`:                            {name: "anna"},
		`anna`:                              {name: "anna"},
		`boris@corp.example`:                {signIn: "boris@corp.example"},
		`MicrosoftAccount\anna@example.com`: {signIn: "anna@example.com"},
		`AzureAD\ClaraNguyen`:               {name: "ClaraNguyen", domain: "AzureAD"},
		``:                                  {},
	} {
		if got := logonName(logon); got != want {
			t.Errorf("logonName(%q) = %+v, want %+v", logon, got, want)
		}
	}
}

func TestFolderName(t *testing.T) {
	for folder, want := range map[string]string{
		"anna": "anna", "anna.BENCH-7": "anna", "anna.BENCH-7.000": "anna", "anna.000": "anna", "anna.mueller": "anna.mueller",
		"j.D": "j.D", ".NET": ".NET", "anna.1": "anna.1", "": "", "anna.": "anna.",
	} {
		if got := folderName(folder); got != want {
			t.Errorf("folderName(%q) = %q, want %q", folder, got, want)
		}
	}
}

// Groups with members that cannot be read keep their names.
func TestGroupsSurviveDamage(t *testing.T) {
	value := func(members []byte, at, size uint32) []byte {
		name := u16("Ledger")
		c := make([]byte, groupTexts)
		le.PutUint32(c[20:], uint32(len(name)))
		c = append(append(c, name...), members...)
		le.PutUint32(c[40:], uint32(len(name))+at)
		le.PutUint32(c[44:], size)
		return c
	}
	anna, boris := binarySID(t, annaSID), binarySID(t, borisSID)
	both := append(append([]byte{}, anna...), boris...)
	for name, c := range map[string]struct {
		value []byte
		want  string
	}{
		"whole":            {value(both, 0, 56), "Ledger " + annaSID + " " + borisSID},
		"none":             {value(nil, 0, 0), "Ledger"},
		"cut":              {value(both[:40], 0, 40), "Ledger " + annaSID},
		"beyond the end":   {value(both, 8, 56), "Ledger"},
		"far beyond":       {value(both, 0, 0xFFFFFFFF), "Ledger"},
		"no SIDs":          {value(make([]byte, 56), 0, 56), "Ledger"},
		"too short to say": {make([]byte, 20), "no group"},
	} {
		h, err := regf.Open(hive(t, "SAM", annaSID, hiveTree{`SAM\Domains\Builtin\Aliases\00000220`: {"C": c.value}}))
		if err != nil {
			t.Fatal(err)
		}
		got := "no group"
		for _, g := range readSAM(h).groups {
			got = strings.Join(append([]string{g.Name}, g.Members...), " ")
			if g.SID != "S-1-5-32-544" {
				t.Errorf("%s: SID %s", name, g.SID)
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
