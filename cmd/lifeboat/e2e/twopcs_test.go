//go:build e2e

package e2e

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lifeboat/engine/sample"
	"lifeboat/engine/sample/shareddata"
)

// The proof of a migration: a broken PC goes into a store and out of it into
// another Windows, whose hives are those of a real machine. What arrived is
// read by others: ntfs-3g for files and their metadata, hivexml for the
// registry, the chntpw tools for accounts and groups.

// everything takes whole profiles and more of the registry than the shipped
// rules, so that there is something to compare.
const everything = `<?xml version="1.0" encoding="UTF-8"?>
<migration urlid="http://lifeboat.example/everything">
  <component type="Documents" context="User"><displayName>Profiles</displayName>
    <role role="Data"><rules>
      <include><objectSet>
        <pattern type="File">%CSIDL_PROFILE%\* [*]</pattern>
        <pattern type="Registry">HKCU\Software\* [*]</pattern>
        <pattern type="Registry">HKCU\Control Panel\* [*]</pattern>
        <pattern type="Registry">HKCU\Network\* [*]</pattern>
      </objectSet></include>
    </rules></role>
  </component>
  <component type="Application" context="System"><displayName>Ledger</displayName>
    <role role="Settings"><rules>
      <include><objectSet>
        <pattern type="File">C:\ProgramData\Ledger\* [*]</pattern>
        <pattern type="Registry">HKLM\SOFTWARE\Ledger\* [*]</pattern>
      </objectSet></include>
    </rules></role>
  </component>
</migration>
`

const config = "Windows/System32/config"

// realPC lays a Windows with the hives of a real Windows 10 in a folder. It has
// one user, AndrewRathbun, and a default profile.
func realPC(t testing.TB, dir string) {
	t.Helper()
	put := func(path, hive string) {
		t.Helper()
		full := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, shareddata.Hive(t, hive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"SYSTEM", "SYSTEM.LOG1", "SYSTEM.LOG2"} {
		put(filepath.Join(config, name), "win10-pm6c56d/"+name)
	}
	for _, name := range []string{"SAM", "SAM.LOG1", "SAM.LOG2", "SECURITY", "SECURITY.LOG1", "SOFTWARE", "DEFAULT", "DEFAULT.LOG1", "DEFAULT.LOG2"} {
		put(filepath.Join(config, name), "win10-rathbun/"+name)
	}
	const user = "win10-rathbun/AndrewRathbun/"
	for _, name := range []string{"NTUSER.DAT", "ntuser.dat.LOG1", "ntuser.dat.LOG2"} {
		put("Users/AndrewRathbun/"+name, user+name)
	}
	for _, name := range []string{"UsrClass.dat", "UsrClass.dat.LOG1", "UsrClass.dat.LOG2"} {
		put("Users/AndrewRathbun/AppData/Local/Microsoft/Windows/"+name, user+name)
	}
	put("Users/Default/NTUSER.DAT", "win10-rathbun/LocalService/NTUSER.DAT")
	kernel := filepath.Join(brokenPC(t, t.TempDir()).Volume, "Windows/System32/ntoskrnl.exe")
	data, err := os.ReadFile(kernel)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "Windows/System32/ntoskrnl.exe"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"ProgramData", "Program Files", "Users/Public"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// decorate gives the broken PC what only NTFS has.
func decorate(t testing.TB, pc sample.PC) {
	t.Helper()
	set := func(path, name string, value []byte) {
		t.Helper()
		if err := unix.Lsetxattr(filepath.Join(pc.Volume, path), name, value, 0); err != nil {
			t.Fatalf("%s of %s: %v", name, path, err)
		}
	}
	for _, u := range pc.Users {
		home := "Users/" + u.Profile + "/"
		for i, path := range []string{"Desktop/To do.txt", "Documents/Letters/letter 03.txt", "Documents/Letters", "Downloads/setup.exe"} {
			set(home+path, "system.ntfs_acl", rights(u.SID, uint32(i)))
		}
		set(home+"Downloads/setup.exe", "user.Zone.Identifier", []byte("[ZoneTransfer]\r\nZoneId=3\r\n"))
		set(home+"Documents/Letters", "user.note", []byte("a stream of a folder"))
		set(home+"Documents/Letters", "user.letter 05.txt", []byte("named like a file in it"))
		set(home+"Documents/Letters/letter 05.txt", "user.note", []byte("and that one has a stream too"))
		// Times before attributes: ntfs-3g touches a file when either is set.
		set(home+"Desktop/To do.txt", "system.ntfs_times_be", bigEndian(131_000_000_000_000_001, 132_000_000_000_000_002, 133_000_000_000_000_003))
		set(home+"Desktop/To do.txt", "system.ntfs_attrib_be", binary.BigEndian.AppendUint32(nil, 0x23)) // archive, hidden, read-only
		if err := os.Link(filepath.Join(pc.Volume, home, "Documents/empty.txt"), filepath.Join(pc.Volume, home, "Documents/Letters/same file.txt")); err != nil {
			t.Fatal(err)
		}
	}
}

func bigEndian(times ...uint64) (data []byte) {
	for _, n := range times {
		data = binary.BigEndian.AppendUint64(data, n)
	}
	return data
}

// rights is a protected descriptor: the owner may do everything, Users may
// read, and a further entry makes each one different.
func rights(owner string, n uint32) []byte {
	me, admins, users := sidBytes(owner), sidBytes("S-1-5-32-544"), sidBytes("S-1-5-32-545")
	ace := func(mask uint32, sid []byte) []byte {
		a := []byte{0, 0}
		a = binary.LittleEndian.AppendUint16(a, uint16(8+len(sid)))
		return append(binary.LittleEndian.AppendUint32(a, mask), sid...)
	}
	aces := slices.Concat(ace(0x1F01FF, me), ace(0x1200A9, users), ace(0x120089+n, admins))
	acl := []byte{2, 0}
	acl = binary.LittleEndian.AppendUint16(acl, uint16(8+len(aces)))
	acl = append(acl, 3, 0, 0, 0)
	acl = append(acl, aces...)
	sd := []byte{1, 0, 0x04, 0x90} // DACL present, protected, self-relative
	sd = binary.LittleEndian.AppendUint32(sd, 20)
	sd = binary.LittleEndian.AppendUint32(sd, uint32(20+len(me)))
	sd = binary.LittleEndian.AppendUint32(sd, 0)
	sd = binary.LittleEndian.AppendUint32(sd, uint32(20+len(me)+len(admins)))
	return slices.Concat(sd, me, admins, acl)
}

func sidBytes(sid string) []byte {
	parts := strings.Split(sid, "-")[2:]
	data := []byte{1, byte(len(parts) - 1), 0, 0, 0, 0, 0}
	var n uint32
	fmt.Sscan(parts[0], &n)
	data = append(data, byte(n))
	for _, part := range parts[1:] {
		fmt.Sscan(part, &n)
		data = binary.LittleEndian.AppendUint32(data, n)
	}
	return data
}

// object is what NTFS knows of a file or folder, as ntfs-3g tells it.
type object struct {
	folder           bool
	size             int64
	content          [32]byte
	attributes       uint32
	created, written uint64
	security         []byte // owner, group and entries, in one form
	streams          map[string]string
}

// inspect reads an object with everything.
func inspect(t testing.TB, path string) (o object) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if o.folder = info.IsDir(); !o.folder {
		o.size, o.content = info.Size(), sum(t, path)
	}
	// Folders carry the archive bit or not as the driver pleases.
	o.attributes = binary.BigEndian.Uint32(xattr(t, path, "system.ntfs_attrib_be")) &^ 0x30
	times := xattr(t, path, "system.ntfs_times_be")
	o.created, o.written = binary.BigEndian.Uint64(times), binary.BigEndian.Uint64(times[8:])
	o.security = descriptor(t, xattr(t, path, "system.ntfs_acl"))
	o.streams = map[string]string{}
	names := make([]byte, 64<<10)
	n, err := unix.Llistxattr(path, names)
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(string(names[:n]), "\x00") {
		if stream, ok := strings.CutPrefix(name, "user."); ok {
			o.streams[stream] = string(xattr(t, path, name))
		}
	}
	return o
}

func xattr(t testing.TB, path, name string) []byte {
	t.Helper()
	buf := make([]byte, 64<<10)
	n, err := unix.Lgetxattr(path, name, buf)
	if err != nil {
		t.Fatalf("%s of %s: %v", name, path, err)
	}
	return buf[:n]
}

// descriptor brings a security descriptor into one form: owner, group, control
// bits that matter, entries in their order.
func descriptor(t testing.TB, sd []byte) (flat []byte) {
	t.Helper()
	sid := func(at uint32) []byte { return sd[at : at+8+4*uint32(sd[at+1])] }
	offset := func(at int) uint32 { return binary.LittleEndian.Uint32(sd[at:]) }
	flat = slices.Concat(sid(offset(4)), sid(offset(8)), []byte{sd[3] & 0x10})
	if dacl := offset(16); dacl != 0 {
		at, count := dacl+8, binary.LittleEndian.Uint16(sd[dacl+4:])
		for range count {
			size := uint32(binary.LittleEndian.Uint16(sd[at+2:]))
			// The inherited mark depends on the folder it landed in.
			flat = append(flat, sd[at], sd[at+1]&^0x10)
			flat = append(flat, sd[at+4:at+size]...)
			at += size
		}
	}
	return flat
}

// registry reads a hive with hivexml: every value by its path.
func registry(t testing.TB, hive string) map[string]string {
	t.Helper()
	need(t, "hivexml")
	out, err := exec.Command("hivexml", hive).Output()
	if err != nil {
		t.Fatalf("hivexml %s: %v", hive, err)
	}
	values := map[string]string{}
	var path []string
	for d := xml.NewDecoder(bytes.NewReader(out)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return values
		}
		if err != nil {
			t.Fatalf("hivexml %s: %v", hive, err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			has := map[string]string{}
			for _, a := range x.Attr {
				has[a.Name.Local] = a.Value
			}
			switch x.Name.Local {
			case "node":
				if has["root"] == "" {
					path = append(path, has["name"])
				} else {
					path = append(path, "")
				}
			case "value":
				var list []string
				if has["type"] == "string-list" {
					list = stringList(t, d)
				}
				values[strings.ToLower(strings.Join(path, `\`)+` [`+has["key"]+`]`)] = strings.Join(append([]string{has["type"], has["encoding"], has["value"]}, list...), "|")
			}
		case xml.EndElement:
			if x.Name.Local == "node" {
				path = path[:len(path)-1]
			}
		}
	}
}

func stringList(t testing.TB, d *xml.Decoder) (list []string) {
	t.Helper()
	for {
		token, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.CharData:
			list = append(list, string(x))
		case xml.EndElement:
			if x.Name.Local == "value" {
				return list
			}
		}
	}
}

// accounts asks samusrgrp who is in which group, and with which SID.
func accounts(t testing.TB, volume string) (sids map[string]string, groups map[string][]string) {
	t.Helper()
	need(t, "samusrgrp")
	out, err := exec.Command("samusrgrp", "-L", filepath.Join(volume, config, "SAM")).Output()
	if len(out) == 0 {
		t.Fatalf("samusrgrp: %v", err)
	}
	sids, groups = map[string]string{}, map[string][]string{}
	for line := range strings.Lines(string(out)) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) == 6 {
			sids[f[4]] = f[5]
			groups[f[1]] = append(groups[f[1]], f[4])
		}
	}
	return sids, groups
}

func writeRules(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "everything.xml")
	if err := os.WriteFile(path, []byte(everything), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOnePCToAnother(t *testing.T) {
	a, b, rules := decoratedPC(t)
	store := t.TempDir()
	out, code := lifeboat(t, "scanstate", store, "/offlineWinDir:"+filepath.Join(a.Volume, "Windows"), "/i:"+rules)
	want(t, 0, out, code)
	andrew, fresh := registry(t, filepath.Join(b, "Users/AndrewRathbun/NTUSER.DAT")), registry(t, filepath.Join(b, "Users/Default/NTUSER.DAT"))
	software := registry(t, filepath.Join(b, config, "SOFTWARE"))

	out, code = lifeboat(t, "loadstate", store, "/offlineWinDir:"+filepath.Join(b, "Windows"), "/i:"+rules, "/lac", "/lae")
	want(t, 0, out, code)

	arrived(t, a, b, map[string]string{"anna": "anna", "localadmin": "localadmin"}, sample.DomainSID+"-1107", fresh)
	if now := registry(t, filepath.Join(b, "Users/AndrewRathbun/NTUSER.DAT")); !maps.Equal(andrew, now) {
		t.Error("the registry of a user nobody named has changed")
	}
	now := registry(t, filepath.Join(b, config, "SOFTWARE"))
	for path, value := range software {
		if now[path] != value {
			t.Errorf("SOFTWARE: %s was %.60q and is %.60q", path, value, now[path])
		}
	}
	if got := now[`\ledger [licence]`]; got != "string||12345" {
		t.Errorf("the licence of Ledger is %q", got)
	}
}

// The same with a local user renamed and a domain moved: what was made for the
// old names belongs to the new ones.
func TestOnePCToAnotherUnderOtherNames(t *testing.T) {
	a, b, rules := decoratedPC(t)
	store := t.TempDir()
	out, code := lifeboat(t, "scanstate", store, "/offlineWinDir:"+filepath.Join(a.Volume, "Windows"), "/i:"+rules)
	want(t, 0, out, code)
	fresh := registry(t, filepath.Join(b, "Users/Default/NTUSER.DAT"))
	out, code = lifeboat(t, "loadstate", store, "/offlineWinDir:"+filepath.Join(b, "Windows"), "/i:"+rules, "/lac", "/lae",
		`/mu:localadmin:office`, `/md:CORP:NEWCORP`)
	if want(t, 3, out, code); !strings.Contains(out, `the SID of NEWCORP\m.ostrowski is not known here`) {
		t.Errorf("an account of a domain nobody can ask:\n%s", out)
	}
	const moved = "S-1-5-21-1111111111-2222222222-3333333333-1204"
	out, code = lifeboat(t, "loadstate", store, "/offlineWinDir:"+filepath.Join(b, "Windows"), "/i:"+rules, "/lac", "/lae",
		`/mu:localadmin:office`, `/md:CORP:NEWCORP`, `/mu:CORP\m.ostrowski:`+moved, `/ue:CORP\gone`)
	want(t, 0, out, code)
	arrived(t, a, b, map[string]string{"anna": "anna", "localadmin": "office"}, moved, fresh)
}

// decoratedPC is a broken PC on an NTFS volume that can only be read, and
// another one to write to.
func decoratedPC(t testing.TB) (a sample.PC, b, rules string) {
	t.Helper()
	source, readOnly := ntfs(t, 200)
	a = brokenPC(t, source)
	realRegistry(t, a)
	decorate(t, a)
	readOnly()
	b, _ = ntfs(t, 200)
	realPC(t, b)
	return a, b, writeRules(t)
}

// arrived compares everything the rules took with what is on the other PC.
// names are the local accounts and what they are called there; the domain
// account keeps its SID.
func arrived(t testing.TB, a sample.PC, b string, names map[string]string, domainSID string, fresh map[string]string) {
	t.Helper()
	sids, groups := accounts(t, b)
	for old, name := range names {
		if !slices.Contains(groups["Users"], name) || slices.Contains(groups["Administrators"], name) {
			t.Errorf("%s, once %s, is in the wrong groups: %v", name, old, groups)
		}
	}
	for _, u := range a.Users {
		name, local := names[u.Profile]
		if !local {
			name = u.Profile
		}
		sid := domainSID
		if local {
			if sid = sids[name]; sid == "" {
				t.Fatalf("there is no account %s: %v", name, sids)
			}
		}
		from, to := filepath.Join(a.Volume, "Users", u.Profile), filepath.Join(b, "Users", name)
		compared := 0
		for path := range walk(t, from) {
			if base := strings.ToUpper(filepath.Base(path)); strings.HasPrefix(base, "NTUSER.") || strings.HasPrefix(base, "USRCLASS.") {
				continue
			}
			was, is := inspect(t, filepath.Join(from, path)), inspect(t, filepath.Join(to, path))
			was.security = bytes.ReplaceAll(was.security, sidBytes(u.SID), sidBytes(sid))
			switch {
			case was.folder != is.folder || was.size != is.size || was.content != is.content:
				t.Errorf("%s of %s differs", path, u.Name)
			case was.attributes != is.attributes:
				t.Errorf("%s of %s: attributes %x, want %x", path, u.Name, is.attributes, was.attributes)
			case was.created != is.created || was.written != is.written && !holdsHive(t, filepath.Join(from, path)):
				t.Errorf("%s of %s: times %d %d, want %d %d", path, u.Name, is.created, is.written, was.created, was.written)
			case !bytes.Equal(was.security, is.security):
				t.Errorf("%s of %s: rights\n%x, want\n%x", path, u.Name, is.security, was.security)
			case !maps.Equal(was.streams, is.streams):
				t.Errorf("%s of %s: streams %v, want %v", path, u.Name, is.streams, was.streams)
			}
			compared++
		}
		if compared < 50 {
			t.Errorf("only %d objects of %s were compared", compared, u.Name)
		}
		was, is := registry(t, filepath.Join(from, "NTUSER.DAT")), registry(t, filepath.Join(to, "NTUSER.DAT"))
		expected := maps.Clone(fresh)
		taken := 0
		for path, value := range was {
			if strings.HasPrefix(path, `\software\`) || strings.HasPrefix(path, `\control panel\`) || strings.HasPrefix(path, `\network\`) {
				expected[path] = value
				taken++
			}
		}
		if taken < 5 || u.Domain && taken < 2000 {
			t.Errorf("only %d values of %s to compare", taken, u.Name)
		}
		for path, value := range expected {
			if is[path] != value {
				t.Errorf("%s of %s is %.80q, want %.80q", path, u.Name, is[path], value)
			}
		}
		for path, value := range is {
			if _, ok := expected[path]; !ok {
				t.Errorf("%s of %s is %.80q and was not there", path, u.Name, value)
			}
		}
	}
}

// A restore killed at any moment can be taken back, or go on to the end.
func TestRestoreKilledAtAnyMoment(t *testing.T) {
	pc, rules := brokenPC(t, t.TempDir()), writeRules(t)
	realRegistry(t, pc)
	store := t.TempDir()
	out, code := lifeboat(t, "scanstate", store, "/offlineWinDir:"+filepath.Join(pc.Volume, "Windows"), "/i:"+rules)
	want(t, 0, out, code)
	original := t.TempDir()
	realPC(t, original)
	read := map[[32]byte]map[string]string{} // most hives are the same every time
	before := contents(t, original, read)

	// Each try has a store of its own: the journal lies in it.
	try := func(kill time.Duration) (dir, copied string, args []string, killed bool, took time.Duration) {
		dir, copied = t.TempDir(), filepath.Join(t.TempDir(), "store")
		copyTree(t, original, dir)
		copyTree(t, store, copied)
		args = []string{"loadstate", copied, "/offlineWinDir:" + filepath.Join(dir, "Windows"), "/i:" + rules, "/lac", "/lae"}
		cmd := exec.Command(binaries.linux, args...)
		cmd.Dir = t.TempDir()
		start := time.Now()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if kill > 0 {
			timer := time.AfterFunc(kill, func() { cmd.Process.Kill() })
			defer timer.Stop()
		}
		cmd.Wait()
		return dir, copied, args, !cmd.ProcessState.Exited(), time.Since(start)
	}
	whole, _, _, _, took := try(0)
	after := contents(t, whole, read)
	if len(after) < len(before)+100 {
		t.Fatalf("%d objects before, %d after", len(before), len(after))
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, a whole run takes %v", seed, took)
	random := rand.New(rand.NewPCG(seed, 0))
	kills := 0
	for i := range 50 {
		dir, copied, args, killed, lasted := try(time.Duration(random.Int64N(int64(took))))
		if killed {
			kills++
		} else {
			took = min(took, lasted) // the machine has more time for us now
		}
		how := "gone on"
		expected := after
		if i%2 == 0 {
			out, code = lifeboat(t, args...)
		} else {
			how, expected = "taken back", before
			if journals, _ := filepath.Glob(filepath.Join(copied, "RESTORE-*.jsonl")); len(journals) == 0 {
				out, code = "", 0 // killed before it wrote anything
			} else {
				out, code = lifeboat(t, "undo", copied, dir)
			}
		}
		if code != 0 {
			t.Fatalf("kill %d, %s: return code %d\n%s", i, how, code, out)
		}
		if _, err := os.Stat(filepath.Join(dir, "Lifeboat.undo")); err == nil && i%2 == 1 {
			t.Errorf("kill %d: taken back, and yet something is kept for it", i)
		}
		if got := contents(t, dir, read); !maps.Equal(got, expected) {
			t.Fatalf("kill %d, %s: %s", i, how, differences(got, expected))
		}
		os.RemoveAll(dir)
		os.RemoveAll(copied)
	}
	if kills < 10 {
		t.Errorf("only %d of 50 runs were still going when they were killed", kills)
	}
}

// realRegistry gives one user the registry of a real Windows 7.
func realRegistry(t testing.TB, pc sample.PC) {
	t.Helper()
	hive := filepath.Join(pc.Volume, "Users/m.ostrowski/NTUSER.DAT")
	if err := os.WriteFile(hive, shareddata.Hive(t, "win7-wks-win732bita/nfury/NTUSER.DAT"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func copyTree(t testing.TB, from, to string) {
	t.Helper()
	sh(t, "cp", "-a", from+"/.", to)
}

// contents is a tree as text: hives by their values, because two runs stamp
// them at different times, files by their bytes. What a restore keeps for its
// undoing is left out. read holds hives that were read already, by their hash.
func contents(t testing.TB, dir string, read map[[32]byte]map[string]string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for path, info := range walk(t, dir) {
		full := filepath.Join(dir, path)
		switch {
		case path == "Lifeboat.undo" || strings.HasPrefix(path, "Lifeboat.undo"+string(filepath.Separator)):
		case info.IsDir():
			all[path] = "folder"
		case isHive(t, full):
			hash := sum(t, full)
			if read[hash] == nil {
				read[hash] = registry(t, full)
			}
			for value, data := range read[hash] {
				all[path+": "+value] = data
			}
		case isLog(path): // emptied when its hive is written, at a time of its own
			all[path] = fmt.Sprintf("%x", sum(t, full))
		default:
			all[path] = fmt.Sprintf("%x %v", sum(t, full), info.ModTime().Unix())
		}
	}
	return all
}

// holdsHive tells folders that are written to after their own time was set.
func holdsHive(t testing.TB, path string) bool {
	t.Helper()
	_, err := os.Stat(filepath.Join(path, "UsrClass.dat"))
	return err == nil
}

func isHive(t testing.TB, path string) bool {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	magic := make([]byte, 4)
	io.ReadFull(f, magic)
	return string(magic) == "regf" && !isLog(path) // which starts like a hive
}

func isLog(path string) bool {
	return strings.HasPrefix(strings.ToUpper(filepath.Ext(path)), ".LOG")
}

func differences(got, want map[string]string) string {
	var list []string
	for path, value := range want {
		if got[path] != value {
			list = append(list, fmt.Sprintf("%s is %.60q, want %.60q", path, got[path], value))
		}
	}
	for path := range got {
		if _, ok := want[path]; !ok {
			list = append(list, path+" should not be there")
		}
	}
	slices.Sort(list)
	return fmt.Sprintf("%d differences\n%s", len(list), strings.Join(list[:min(len(list), 12)], "\n"))
}

// A full disk stops the restore, which says so and goes on after space was made.
func TestRestoreOntoAFullDisk(t *testing.T) {
	pc := brokenPC(t, t.TempDir())
	if err := sample.Fill(filepath.Join(pc.Volume, "Users/anna/Documents/bulk"), 300, 60<<20, 3); err != nil {
		t.Fatal(err)
	}
	rules, store := writeRules(t), t.TempDir()
	out, code := lifeboat(t, "scanstate", store, "/offlineWinDir:"+filepath.Join(pc.Volume, "Windows"), "/i:"+rules)
	want(t, 0, out, code)
	b, _ := ntfs(t, 150)
	realPC(t, b)
	filler := filepath.Join(b, "filler.bin")
	sh(t, "dd", "if=/dev/zero", "of="+filler, "bs=1M", "count=70", "status=none")

	load := []string{"loadstate", store, "/offlineWinDir:" + filepath.Join(b, "Windows"), "/i:" + rules, "/lac", "/lae"}
	out, code = lifeboat(t, load...)
	if code == 0 || !strings.Contains(out, "full") && !strings.Contains(out, "space") {
		t.Fatalf("return code %d\n%s", code, out)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	out, code = lifeboat(t, load...)
	want(t, 0, out, code)
	if files := sameTree(t, filepath.Join(pc.Volume, "Users/anna/Documents"), filepath.Join(b, "Users/anna/Documents")); files < 300 {
		t.Errorf("only %d documents came back", files)
	}
}
