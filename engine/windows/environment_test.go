package windows

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"lifeboat/engine/regf"
)

func TestUserVars(t *testing.T) {
	shell := `Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders`
	tree := windows11(t, nil)
	tree["Users/anna/NTUSER.DAT"] = ntuser(t, annaSID, hiveTree{
		shell: {
			"Personal":   `\\server\home\anna`,
			"Desktop":    expandable(`%OneDrive%\Desktop`), // a program's variable, not yet known
			"My Music":   expandable(`D:\Music of %USERNAME%`),
			"Favorites":  expandable(`%USERPROFILE%\50% off`),
			"Start Menu": expandable(`%AppData%\Menu`),
			"My Video":   expandable(`%cloud%\Videos`),
		},
		`Environment`: {"Cloud": expandable(`%USERPROFILE%\Cloud`), "TEMP": expandable(`%LOCALAPPDATA%\Temp2`), "EDITOR": "vi", "windir": `C:\wrong`, "LOOP": expandable(`%LOOP%;x`)},
	})
	s := source(t, tree)
	m, err := Open(context.Background(), []Source{s}, findOne(t, s))
	if err != nil {
		t.Fatal(err)
	}
	vars := m.UserVars(annaSID)
	for name, want := range map[string]string{
		"CSIDL_PERSONAL":                       `\\server\home\anna`,
		"CSIDL_MYDOCUMENTS":                    `\\server\home\anna`,
		"CSIDL_DESKTOP":                        `C:\Users\anna\Desktop`, // the default
		"CSIDL_MYMUSIC":                        `D:\Music of Anna`,
		"CSIDL_FAVORITES":                      `C:\Users\anna\50% off`,
		"CSIDL_MYVIDEO":                        `C:\Users\anna\Cloud\Videos`, // by the user's own variable
		"CSIDL_STARTUP":                        `C:\Users\anna\AppData\Roaming\Menu\Programs\Startup`,
		"TEMP":                                 `C:\Users\anna\AppData\Local\Temp2`,
		"TMP":                                  `C:\Users\anna\AppData\Local\Temp2`,
		"EDITOR":                               "vi",
		"WINDIR":                               `C:\Windows`, // what USMT recognises comes first
		"TOOLSBIN":                             `D:\Tools\bin`,
		"USERDOMAIN":                           "BENCH-7",
		"LOOP":                                 "%LOOP%;x",
		"CSIDL_VIRTUALSTORE_PROGRAMFILES(X86)": `C:\Users\anna\AppData\Local\VirtualStore\Program Files (x86)`,
		"FOLDERID_SCREENSHOTS":                 `C:\Users\anna\Pictures\Screenshots`,
		"FOLDERID_PLAYLISTS":                   `D:\Music of Anna\Playlists`,
		"FOLDERID_SKYDRIVECAMERAROLL":          `C:\Users\anna\OneDrive\Pictures\Camera Roll`,
		"CSIDL_DEFAULT_DOWNLOADS":              `C:\Users\Default\Downloads`,
	} {
		if vars[name] != want {
			t.Errorf("%s = %q, want %q", name, vars[name], want)
		}
	}
	machine := m.Vars()
	if _, has := machine["USERPROFILE"]; has || machine["TEMP"] != `C:\Windows\TEMP` || machine["USERNAME"] != "" {
		t.Errorf("the machine has %q", machine)
	}
	if m.UserVars("nobody") != nil {
		t.Error("nobody has variables")
	}
	vars["WINDIR"] = "changed"
	if m.UserVars(annaSID)["WINDIR"] != `C:\Windows` {
		t.Error("a caller can change the machine")
	}
}

func TestExpandIsBounded(t *testing.T) {
	tree := map[string]any{"A00": strings.Repeat("x", 1000)}
	for i := 1; i < 40; i++ {
		tree[fmt.Sprintf("A%02d", i)] = expandable(fmt.Sprintf("%%A%02d%%%%A%02d%%", i-1, i-1))
	}
	h, err := regf.Open(hive(t, "ROOT", "", hiveTree{"Environment": tree}))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range expandKey(h.Find("Environment"), map[string]string{}) {
		if len(value) > 2*maxExpanded {
			t.Errorf("%s has %d bytes", name, len(value))
		}
	}
}

func TestExpand(t *testing.T) {
	vars := map[string]string{"A": "1", "B C": "2", "P%": "no"}
	for _, c := range []struct {
		in, want string
		ok       bool
	}{
		{"", "", true}, {"%a%", "1", true}, {"x%A%y%b c%", "x1y2", true}, {"100%", "100%", true},
		{"%", "%", true}, {"%%", "%%", false}, {"%no%", "%no%", false}, {"%no%a%", "%no1", false}, {"%A", "%A", true},
	} {
		if got, ok := expand(c.in, vars); got != c.want || ok != c.ok {
			t.Errorf("expand(%q) = %q, %v, want %q, %v", c.in, got, ok, c.want, c.ok)
		}
	}
}
