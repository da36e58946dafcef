package restore

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/engine/regf"
	"lifeboat/engine/store"
	"lifeboat/engine/winname"
)

// lone is half of a surrogate pair, as programs leave it behind that cut names.
var lone = winname.FromUTF16([]uint16{0xD83D})

// Names that are no valid UTF-16 come through: of a profile folder, and so in the
// variables and patterns of the rules; of files and folders; of registry keys and
// values.
func TestLoneSurrogates(t *testing.T) {
	a, b := firstPC(t), secondPC(t)
	home := `C:\Users\anna` + lone
	if err := os.Rename(a.path(`C:\Users\anna`), a.path(home)); err != nil {
		t.Skipf("this file system has no such names: %v", err)
	}
	editHive(t, a.path(`C:\Windows\System32\config\SOFTWARE`), func(root *regf.Node) {
		h := &hive{root: root, subs: map[*regf.Node]map[string]*regf.Node{}}
		key := h.find(profileListKey + `\` + a.user("anna").SID)
		h.put(key, regf.Value{Name: "ProfileImagePath", Type: regf.ExpandSz, Data: utf16Data(home)})
	})
	folder := `\Documents\Half ` + lone
	writeFile(t, a.path(home+folder+`\a `+lone+`.txt`), "in a folder of its kind")
	writeFile(t, a.path(home+`\Moved `+lone+`\b.txt`), "moved by a rule")
	key := `Software\Half ` + lone
	editHive(t, a.path(home+`\NTUSER.DAT`), func(root *regf.Node) {
		h := &hive{root: root, subs: map[*regf.Node]map[string]*regf.Node{}}
		h.put(h.key(key), regf.Value{Name: "v " + lone, Type: regf.Sz, Data: utf16Data("text " + lone)})
	})
	rules := strings.Replace(testRules, "</include>", `</include>
    <locationModify script="MigXmlHelper.RelativeMove('%CSIDL_PROFILE%','%CSIDL_PERSONAL%\Here')"><objectSet>
      <pattern type="File">%CSIDL_PROFILE%\Moved*\* [*]</pattern></objectSet></locationModify>`, 1)
	s := save(t, a.detect(t), rules)
	for _, name := range []string{store.CaptureJSON, store.RestoreJSON} {
		f, err := s.tree.Open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(f)
		f.Close()
		if !json.Valid(data) || err != nil || !strings.Contains(string(data), `anna%uD83D`) || strings.Contains(string(data), `\ufffd`) {
			t.Errorf("%s has lost the name, %v", name, err)
		}
	}
	result, err := put(t, s, b, func(r *Request) { r.CreateAccounts = true })
	if err != nil || result.Count > 0 {
		t.Fatalf("%d problems, %v", result.Count, err)
	}
	for path, want := range map[string]string{
		`C:\Users\anna` + folder + `\a ` + lone + `.txt`:        "in a folder of its kind",
		`C:\Users\anna\Documents\Here\Moved ` + lone + `\b.txt`: "moved by a rule",
		`C:\Users\anna\Desktop\To do.txt`:                       "",
	} {
		got, err := os.ReadFile(b.path(path))
		if err != nil || want != "" && string(got) != want {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if odd, _ := filepath.Glob(b.path(`C:\Users\`) + "/anna?*"); len(odd) > 0 {
		t.Errorf("the old folder came too: %q", odd)
	}
	k := loadHive(t, b.path(`C:\Users\anna\NTUSER.DAT`)).Root().Find(key)
	if k == nil {
		t.Fatal("the key is lost")
	}
	if v, ok := k.Value("v " + lone); !ok || string(v.Data) != string(utf16Data("text "+lone)) {
		t.Errorf("the value is %+v", v)
	}
}
