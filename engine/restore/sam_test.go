package restore

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lifeboat/engine/regf"
	"lifeboat/engine/sample/shareddata"
	"lifeboat/engine/winname"
)

// realSAMs are hives of real machines, from XP to Windows 10.
var realSAMs = []string{"win10-rathbun/SAM", "win7-sam/SAM", "xp/SAM"}

// openReal opens a real hive for editing.
func openReal(t *testing.T, name string) *hive {
	t.Helper()
	h, err := regf.Open(shareddata.Hive(t, name))
	if err != nil {
		t.Fatal(err)
	}
	root, err := h.Root().Node()
	if err != nil {
		t.Fatal(err)
	}
	return &hive{root: root, opt: h.Options(), now: now, subs: map[*regf.Node]map[string]*regf.Node{}}
}

func machineSIDOf(t *testing.T, h *hive) string {
	t.Helper()
	v := value(h.find(accountDomain), "V").Data
	b := v[len(v)-24:]
	sid := "S-1-5"
	for b = b[8:]; len(b) > 0; b = b[4:] {
		sid += "-" + strconv.Itoa(int(le.Uint32(b)))
	}
	return sid
}

// consistent checks what Windows keeps in two places of SAM; it holds in every
// real hive, and has to after an account was added.
func consistent(t *testing.T, h *hive) {
	t.Helper()
	users, names := h.find(accountDomain+`\Users`), h.find(accountDomain+`\Users\Names`)
	next := le.Uint32(value(h.find(accountDomain), "F").Data[nextRID:])
	rids := map[uint32]bool{}
	for _, k := range names.Subkeys {
		rid := uint32(value(k, "").Type)
		user := h.child(users, fmt.Sprintf("%08X", rid))
		if user == nil {
			t.Errorf("%s has no account", k.Name)
			continue
		}
		v, err := parseV(value(user, "V").Data)
		if err != nil || !bytes.Equal(v.data[vName], text(k.Name)) {
			t.Errorf("%s is called %q in its account, %v", k.Name, v.data[vName], err)
		}
		if rid >= next {
			t.Errorf("%s has number %d, the next would be %d", k.Name, rid, next)
		}
		if f := value(user, "F").Data; le.Uint32(f[48:]) != rid || len(f) != samFSize {
			t.Errorf("%s: fixed part of %d bytes has number %d", k.Name, len(f), le.Uint32(f[48:]))
		}
		rids[rid] = true
	}
	if len(users.Subkeys)-1 != len(names.Subkeys) {
		t.Errorf("%d accounts, %d names", len(users.Subkeys)-1, len(names.Subkeys))
	}
	if group := h.find(accountDomain + `\Groups\00000201`); group != nil {
		c := value(group, "C").Data
		at, count := le.Uint32(c[56:]), le.Uint32(c[64:])
		listed := map[uint32]bool{}
		for i := range count {
			listed[le.Uint32(c[68+at+4*i:])] = true
		}
		for rid := range rids {
			if !listed[rid] {
				t.Errorf("account %d is not in the group of all", rid)
			}
		}
	}
	// Every member of a local group has the group in its own list, and back.
	for _, domain := range []string{accountDomain, builtinDomain} {
		want := map[string]bool{}
		for _, alias := range h.find(domain + `\Aliases`).Subkeys {
			rid, err := strconv.ParseUint(alias.Name, 16, 32)
			if err != nil {
				continue
			}
			c := value(alias, "C").Data
			at, size, count := le.Uint32(c[40:]), le.Uint32(c[44:]), le.Uint32(c[48:])
			rest := c[aliasData+at:][:size]
			for range count {
				n := 8 + 4*int(rest[1])
				want[fmt.Sprintf("%x in %d", rest[:n], rid)] = true
				rest = rest[n:]
			}
			if len(rest) > 0 {
				t.Errorf("group %d has %d bytes behind its members", rid, len(rest))
			}
		}
		got := map[string]bool{}
		for _, owner := range h.find(domain + `\Aliases\Members`).Subkeys {
			if n := int(value(owner, "").Type); n != len(owner.Subkeys) {
				t.Errorf("%s counts %d members, there are %d", owner.Name, n, len(owner.Subkeys))
			}
			for _, member := range owner.Subkeys {
				rid, _ := strconv.ParseUint(member.Name, 16, 32)
				sid := binarySID(t, fmt.Sprintf("%s-%d", owner.Name, rid))
				v := value(member, "")
				if int(v.Type)*4 != len(v.Data) {
					t.Errorf("%s-%d counts %d groups in %d bytes", owner.Name, rid, v.Type, len(v.Data))
				}
				for d := v.Data; len(d) >= 4; d = d[4:] {
					got[fmt.Sprintf("%x in %d", sid, le.Uint32(d))] = true
				}
			}
		}
		for m := range want {
			if !got[m] {
				t.Errorf("%s: %s is in the group only", domain, m)
			}
		}
		for m := range got {
			if !want[m] {
				t.Errorf("%s: %s is not in the group", domain, m)
			}
		}
	}
}

func TestRealSAMsAreConsistent(t *testing.T) {
	for _, name := range realSAMs {
		t.Run(name, func(t *testing.T) { consistent(t, openReal(t, name)) })
	}
}

func TestAddAccountToRealSAM(t *testing.T) {
	for _, name := range realSAMs {
		t.Run(name, func(t *testing.T) {
			h := openReal(t, name)
			before := flatten(h.root)
			machine := machineSIDOf(t, h)
			ro := &roster{machineSID: machine, rids: map[string]uint32{}, taken: map[string]uint32{}, free: firstRID}
			ro.read(h)
			for i, account := range []string{"berta", "Zoë Müller", "Лев"} {
				sid, err := ro.next(account)
				if err != nil {
					t.Fatal(err)
				}
				_, rid, _ := splitSID(sid)
				a := accountFor(rid, account, i == 0)
				if err := addAccount(h, machine, a, samKey{}); err != nil {
					t.Fatal(err)
				}
				if err := addMember(h, builtinDomain, usersGroup, sid); err != nil {
					t.Fatal(err)
				}
				if err := addMember(h, builtinDomain, usersGroup, sid); err != nil { // once is enough
					t.Fatal(err)
				}
			}
			// A domain that no group knew.
			if err := addMember(h, builtinDomain, 544, "S-1-5-21-1-2-3-1107"); err != nil {
				t.Fatal(err)
			}
			consistent(t, h)
			image, err := regf.Marshal(h.root, h.opt)
			if err != nil {
				t.Fatal(err)
			}
			if err := proof(h.root, image); err != nil {
				t.Fatal(err)
			}
			for path, want := range before {
				if got := flatten(h.root)[path]; got != want && !mayChange(path) {
					t.Errorf("%s changed", path)
				}
			}
			file := filepath.Join(t.TempDir(), "SAM")
			if err := os.WriteFile(file, image, 0o644); err != nil {
				t.Fatal(err)
			}
			readByOthers(t, file)
			chntpw(t, file, "berta")
		})
	}
}

func accountFor(rid uint32, name string, enabled bool) account {
	return account{rid: rid, name: name, fullName: name + " Example", comment: "made by a test", enabled: enabled}
}

// flatten lists the values of a tree by their folded paths.
func flatten(root *regf.Node) map[string]string {
	all := map[string]string{}
	var walk func(path string, k *regf.Node)
	walk = func(path string, k *regf.Node) {
		for _, v := range k.Values {
			all[winname.Fold(path+" ["+v.Name+"]")] = fmt.Sprintf("%d %x", v.Type, v.Data)
		}
		for _, sub := range k.Subkeys {
			walk(path+`\`+sub.Name, sub)
		}
	}
	walk("", root)
	return all
}

// mayChange names the values that adding accounts is about.
func mayChange(path string) bool {
	for _, p := range []string{
		accountDomain + ` [F]`, accountDomain + `\Users []`, accountDomain + `\Groups\00000201 [C]`,
		builtinDomain + `\Aliases\00000221 [C]`, builtinDomain + `\Aliases\00000220 [C]`, builtinDomain + `\Aliases\Members`,
	} {
		if strings.HasPrefix(path, winname.Fold(`\`+p)) {
			return true
		}
	}
	return false
}

// chntpw has the new accounts listed by a program that knows SAM.
func chntpw(t *testing.T, file, enabled string) {
	t.Helper()
	if _, err := exec.LookPath("chntpw"); err != nil {
		t.Log("chntpw is not there")
		return
	}
	out, err := exec.Command("chntpw", "-l", file).CombinedOutput()
	if err != nil && len(out) == 0 {
		t.Fatal(err)
	}
	list := string(out)
	line := func(name string) string {
		lines := strings.Split(list, "\n")
		if i := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "| "+name+" ") }); i >= 0 {
			return lines[i]
		}
		return ""
	}
	if l := line(enabled); l == "" || strings.Contains(l, "dis/lock") {
		t.Errorf("%s: %q in\n%s", enabled, l, list)
	}
	if strings.Count(list, "dis/lock") == 0 {
		t.Errorf("no account is disabled:\n%s", list)
	}
	if _, err := exec.LookPath("samusrgrp"); err != nil {
		return
	}
	out, _ = exec.Command("samusrgrp", "-L", file).CombinedOutput()
	if !strings.Contains(string(out), enabled) {
		t.Errorf("samusrgrp does not find %s in a group:\n%s", enabled, out)
	}
}
