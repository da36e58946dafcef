package windows

import (
	"bytes"
	"strings"
	"testing"

	"lifeboat/engine/ntfs/ntfstest"
	"lifeboat/engine/volume"
)

// A profile whose name is too long for DOS has short names in the registry. People
// and rules meet the long ones.
func TestShortNamesInRegistry(t *testing.T) {
	software := softwareHive(t, hiveTree{
		currentVersionKey + `\ProfileList\` + annaSID: {"ProfileImagePath": `%SystemDrive%\Users\ANNAKE~1`},
		currentVersionKey + `\ProfileList`:            {"ProfilesDirectory": `%SystemDrive%\Users`, "Public": `%SystemDrive%\Users\Public`},
	})
	tree := windows11(t, nil)
	tree["Windows/System32/config/SOFTWARE"] = software
	tree["Windows/System32/config/SYSTEM"] = systemHive(t, hiveTree{
		`ControlSet002\Control\Session Manager\Environment`: {"TOOLS": `C:\PROGRA~1\Tools`, "NOTES": `C:\PROGRA~9\x`},
	})
	tree["Program Files/Tools/x.exe"] = nil
	tree["Users/Anna Keller/AppData/Local/Temp/a"] = nil
	tree["Users/Anna Keller/NTUSER.DAT"] = ntuser(t, annaSID, hiveTree{
		`Environment`: {"TEMP": `C:\Users\ANNAKE~1\AppData\Local\Temp`, "TMP": `c:\users\annake~1\AppData\Local\Temp`},
		`Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders`: {"Personal": `C:\Users\ANNAKE~1\MYDOCU~1`},
	})
	tree["Users/Anna Keller/My Documents/a.txt"] = nil
	files := map[string][]byte{}
	for path, data := range tree {
		if !strings.HasPrefix(path, "Users/anna/") {
			files[strings.ReplaceAll(path, "/", `\`)] = data
		}
	}
	image := ntfstest.New(ntfstest.Options{Records: 512})
	image.Tree(files, map[string]string{
		`Program Files`: "PROGRA~1", `Users\Anna Keller`: "ANNAKE~1", `Users\Anna Keller\My Documents`: "MYDOCU~1",
	})
	data := image.Image()
	v, err := volume.OpenNTFS(t.Context(), bytes.NewReader(data), int64(len(data)), nil)
	if err != nil {
		t.Fatal(err)
	}
	sources := []Source{{Volume: v, Where: "image"}}
	found, _, err := Find(t.Context(), sources, Options{})
	if err != nil || len(found) != 1 {
		t.Fatalf("found %d installations, %v", len(found), err)
	}
	m, err := Open(t.Context(), sources, found[0])
	if err != nil {
		t.Fatal(err)
	}
	u, ok := m.User(annaSID)
	if !ok || u.Profile != `C:\Users\Anna Keller` || u.Path != `\Users\Anna Keller` || u.State != Present {
		t.Errorf("the user is %+v", u)
	}
	for _, u := range m.Users {
		if u.ID != annaSID && strings.HasPrefix(strings.ToUpper(u.Profile), `C:\USERS\ANNA`) {
			t.Errorf("the profile is also that of %s: %+v", u.ID, u)
		}
	}
	vars := m.UserVars(annaSID)
	for name, want := range map[string]string{
		"USERPROFILE":    `C:\Users\Anna Keller`,
		"HOMEPATH":       `\Users\Anna Keller`,
		"TEMP":           `C:\Users\Anna Keller\AppData\Local\Temp`,
		"TMP":            `c:\users\Anna Keller\AppData\Local\Temp`,
		"CSIDL_PERSONAL": `C:\Users\Anna Keller\My Documents`,
		"APPDATA":        `C:\Users\Anna Keller\AppData\Roaming`,
		"TOOLS":          `C:\Program Files\Tools`,
		"NOTES":          `C:\PROGRA~9\x`, // nobody's
	} {
		if vars[name] != want {
			t.Errorf("%s = %q, want %q", name, vars[name], want)
		}
	}
	if got := m.Vars()["TOOLS"]; got != `C:\Program Files\Tools` {
		t.Errorf("TOOLS = %q for the machine", got)
	}
}
