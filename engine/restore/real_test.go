package restore

import (
	"testing"

	"lifeboat/engine/regf"
	"lifeboat/engine/sample/shareddata"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
	"lifeboat/engine/winname"
)

// The second PC with hives of a real Windows 10: its SAM, and the NTUSER.DAT of
// its user, which was not closed, with the logs that tell what is missing.
func TestRoundTripIntoRealHives(t *testing.T) {
	const real = "win10-rathbun/"
	a, b := firstPC(t), secondPC(t)
	config := `C:\Windows\System32\config\`
	writeFile(t, b.path(config+"SAM"), string(shareddata.Hive(t, real+"SAM")))
	h, err := regf.Open(shareddata.Hive(t, real+"SAM"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := h.Root().Node()
	if err != nil {
		t.Fatal(err)
	}
	machine := machineSIDOf(t, &hive{root: root, subs: map[*regf.Node]map[string]*regf.Node{}})
	editHive(t, b.path(config+"SOFTWARE"), func(root *regf.Node) {
		h := &hive{root: root, now: now, subs: map[*regf.Node]map[string]*regf.Node{}}
		h.drop(profileListKey + `\` + otherSID + "-1001")
		key := h.key(profileListKey + `\` + machine + "-1001")
		h.put(key, regf.Value{Name: "ProfileImagePath", Type: regf.ExpandSz, Data: utf16Data(`C:\Users\anna`)})
	})
	for _, file := range [][2]string{{"NTUSER.DAT", "NTUSER.DAT"}, {"ntuser.dat.LOG1", "ntuser.dat.LOG1"}, {"ntuser.dat.LOG2", "ntuser.dat.LOG2"}} {
		writeFile(t, b.path(`C:\Users\anna\`+file[0]), string(shareddata.Hive(t, real+"AndrewRathbun/"+file[1])))
	}
	b.detect(t)
	before := flattenFile(t, b, `\Users\anna\NTUSER.DAT`)

	s := save(t, a)
	result, err := put(t, s, b, func(r *Request) {
		r.CreateAccounts, r.EnableAccounts = true, true
		r.MoveUsers = []usmt.Rename{{From: "anna", To: "AndrewRathbun"}}
	})
	if err != nil || result.Count > 0 {
		t.Fatalf("%d problems, %v", result.Count, err)
	}
	b.detect(t)
	u := b.user("localadmin")
	if u == nil || u.Disabled || u.SID != machine+"-1002" || u.Kind != windows.Local {
		t.Errorf("localadmin is %+v", u)
	}
	after := flattenFile(t, b, `\Users\anna\NTUSER.DAT`)
	if len(before) < 3000 || len(after) <= len(before) {
		t.Errorf("%d values before, %d after", len(before), len(after))
	}
	for path, v := range before {
		if _, ok := after[path]; !ok {
			t.Errorf("%s is lost", path)
		} else if _, written := sourceValues(t, a)[path]; !written && after[path] != v {
			t.Errorf("%s changed", path)
		}
	}
	for path, v := range sourceValues(t, a) {
		if after[path] != v {
			t.Errorf("%s is %.40s, want %.40s", path, after[path], v)
		}
	}
	chntpw(t, b.path(config+"SAM"), "localadmin")
	checkHives(t, b)
}

// sourceValues are those that testRules take of anna's hive.
func sourceValues(t *testing.T, a *pc) map[string]string {
	t.Helper()
	h := loadHive(t, a.path(`C:\Users\anna\NTUSER.DAT`))
	want := map[string]string{}
	for _, key := range []string{`Network`, `Software\Ledger`, `Software\SimonTatham`} {
		node, err := h.Find(key).Node()
		if err != nil {
			t.Fatal(err)
		}
		for path, v := range flatten(node) {
			want[winname.Fold(`\`+key)+path] = v
		}
	}
	return want
}

func flattenFile(t *testing.T, p *pc, at string) map[string]string {
	t.Helper()
	h, err := readHive(p.sources[0].Volume, at)
	if err != nil {
		t.Fatal(err)
	}
	root, err := h.Root().Node()
	if err != nil {
		t.Fatal(err)
	}
	return flatten(root)
}
