package restore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	win "golang.org/x/sys/windows"
	winreg "golang.org/x/sys/windows/registry"

	"lifeboat/engine/regf"
	"lifeboat/engine/store"
	"lifeboat/engine/volume"
	"lifeboat/engine/windows"
	"lifeboat/engine/winname"
)

// Live describes the Windows that runs: its fixed drives, and what its API tells
// of accounts and profiles. Its hives are open, so what only they know (folders
// that a user who is signed in has moved) is taken to be where Windows puts it.
func Live(ctx context.Context) ([]windows.Source, *windows.Installation, error) {
	root, err := win.GetSystemWindowsDirectory()
	if err != nil {
		return nil, nil, fmt.Errorf("find the Windows folder: %w", err)
	}
	computer, err := win.ComputerName()
	if err != nil {
		return nil, nil, fmt.Errorf("find the computer's name: %w", err)
	}
	v := win.RtlGetVersion()
	inst := &windows.Installation{
		Root: `\`, SystemRoot: root, WindowsDir: root[2:], ComputerName: computer,
		Product: windows.Product{
			Version: fmt.Sprintf("%d.%d", v.MajorVersion, v.MinorVersion), Build: fmt.Sprint(v.BuildNumber), Source: "the running Windows",
		},
		Arch: map[string]windows.Arch{"amd64": windows.X64, "arm64": windows.ARM64, "386": windows.X86}[runtime.GOARCH],
	}
	if os.Getenv("PROCESSOR_ARCHITEW6432") != "" {
		inst.Arch = windows.X64 // a program of 32 bits in a Windows of 64
	}
	if sid, _, _, err := win.LookupSID("", computer); err == nil {
		inst.MachineSID = sid.String()
	}
	var sources []windows.Source
	drives, err := win.GetLogicalDrives()
	if err != nil {
		return nil, nil, fmt.Errorf("list drives: %w", err)
	}
	for i := range 26 {
		letter := string(rune('A'+i)) + ":"
		name, _ := win.UTF16PtrFromString(letter + `\`)
		if drives&(1<<i) == 0 || win.GetDriveType(name) != win.DRIVE_FIXED || ctx.Err() != nil {
			continue
		}
		v, err := volume.OpenDir(letter + `\`)
		if err != nil {
			continue // a drive that cannot be opened is one that is not there
		}
		if strings.EqualFold(letter, root[:2]) {
			inst.Source, inst.Where = len(sources), letter+`\`
		}
		inst.Drives = append(inst.Drives, windows.Drive{Letter: letter, Source: len(sources), Root: `\`, How: "running"})
		sources = append(sources, windows.Source{Volume: v, Where: letter + `\`})
	}
	if inst.Where == "" {
		return nil, nil, fmt.Errorf("the drive of %s cannot be opened", root)
	}
	if err := liveUsers(inst); err != nil {
		return nil, nil, err
	}
	for _, rid := range wellKnown {
		sid := fmt.Sprintf("S-1-5-32-%d", rid)
		if s, err := win.StringToSid(sid); err == nil {
			if name, _, _, err := s.LookupAccount(""); err == nil {
				inst.Groups = append(inst.Groups, windows.Group{SID: sid, Name: name})
			}
		}
	}
	return sources, inst, ctx.Err()
}

// liveUsers reads the profiles that Windows knows.
func liveUsers(inst *windows.Installation) error {
	list, err := winreg.OpenKey(winreg.LOCAL_MACHINE, `SOFTWARE\`+profileListKey, winreg.READ)
	if err != nil {
		return fmt.Errorf("read the list of profiles: %w", err)
	}
	defer list.Close()
	inst.Profiles = expandedString(list, "ProfilesDirectory")
	if inst.Profiles == "" {
		inst.Profiles = inst.SystemRoot[:2] + `\Users`
	}
	sids, err := list.ReadSubKeyNames(-1)
	if err != nil {
		return fmt.Errorf("read the list of profiles: %w", err)
	}
	for _, sid := range sids {
		if !strings.HasPrefix(sid, "S-1-5-21-") && !strings.HasPrefix(sid, "S-1-12-1-") || strings.HasSuffix(strings.ToLower(sid), ".bak") {
			continue
		}
		key, err := winreg.OpenKey(list, sid, winreg.READ)
		if err != nil {
			continue
		}
		u := windows.User{ID: sid, SID: sid, Profile: expandedString(key, "ProfileImagePath"), State: windows.Present, Kind: windows.Domain}
		key.Close()
		if s, err := win.StringToSid(sid); err == nil {
			if name, domain, _, err := s.LookupAccount(""); err == nil {
				u.Name, u.Domain = name, domain
			}
		}
		if domain, _, ok := splitSID(sid); ok && domain == inst.MachineSID || winname.Equal(u.Domain, inst.ComputerName) {
			u.Kind, u.Domain = windows.Local, inst.ComputerName
		}
		hive := windows.Hive{Name: "NTUSER.DAT", Path: winname.Join(strings.TrimPrefix(u.Profile, u.Profile[:min(2, len(u.Profile))]), "NTUSER.DAT"), State: "clean"}
		if _, err := os.Stat(winname.Join(u.Profile, "NTUSER.DAT")); errors.Is(err, fs.ErrNotExist) {
			hive.State = windows.Missing
		}
		u.Hives = []windows.Hive{hive}
		inst.Users = append(inst.Users, u)
	}
	return nil
}

func expandedString(k winreg.Key, name string) string {
	text, _, err := k.GetStringValue(name)
	if err != nil {
		return ""
	}
	if expanded, err := winreg.ExpandString(text); err == nil {
		text = expanded
	}
	return strings.TrimRight(text, `\`)
}

// liveKeys is a part of the registry of the running Windows.
type liveKeys struct {
	root    winreg.Key
	base    string
	journal *journal // nil in a dry run
}

func liveMachineKeys(name string, j *journal) (keys, error) {
	if name == "DEFAULT" {
		return liveKeys{winreg.USERS, ".DEFAULT", j}, nil
	}
	return liveKeys{winreg.LOCAL_MACHINE, name, j}, nil
}

// liveUserKeys are the keys of a user who is signed in, nil of another.
func liveUserKeys(sid string, classes bool, j *journal) keys {
	if classes {
		sid += "_Classes"
	}
	k := liveKeys{winreg.USERS, sid, j}
	if !k.has("") {
		return nil
	}
	return k
}

func (l liveKeys) dry() bool { return l.journal == nil }

// named is the path of a key in a journal.
func (l liveKeys) named(path string) store.Text {
	if l.root == winreg.USERS {
		return store.Text(`HKU\` + l.full(path))
	}
	return store.Text(`HKLM\` + l.full(path))
}

// note writes into the journal what a value is before it changes.
func (l liveKeys) note(path, name string) error {
	s := step{Op: opValue, Path: l.named(path), Name: store.Text(name)}
	if v, ok := l.value(path, name); ok {
		s.Was = &wasValue{uint32(v.Type), v.Data}
	}
	return l.journal.add(s)
}

// undoLive takes back a step that went through the API.
func undoLive(s step) error {
	at := string(s.Path)
	name, err := win.UTF16PtrFromString(at)
	if err != nil {
		return err
	}
	switch s.Op {
	case opAccount:
		const notFound = 2221 // NERR_UserNotFound
		if code, _, _ := netUserDel.Call(0, uintptr(unsafe.Pointer(name))); code != 0 && code != notFound {
			return fmt.Errorf("remove the account %s: %w", at, syscall.Errno(code))
		}
		return nil
	case opMember:
		return changeMember(netGroupDel, at, string(s.Name))
	}
	root, rest, _ := strings.Cut(at, `\`)
	base, below, _ := strings.Cut(rest, `\`)
	l := liveKeys{root: map[string]winreg.Key{"HKLM": winreg.LOCAL_MACHINE, "HKU": winreg.USERS}[root], base: base}
	if l.root == 0 || below == "" {
		return fmt.Errorf("%s is no key of a journal", winname.Show(at))
	}
	if s.Op == opKey {
		if !l.has(below) || len(l.values(below))+len(l.subkeys(below)) > 0 {
			return nil // gone, or used by somebody else since
		}
		return l.delete(below)
	}
	if s.Was != nil {
		return l.write(below, regf.Value{Name: string(s.Name), Type: regf.Type(s.Was.Type), Data: s.Was.Data})
	}
	if _, there := l.value(below, string(s.Name)); !there {
		return nil
	}
	return l.remove(below, string(s.Name))
}

func (l liveKeys) full(path string) string {
	return strings.TrimRight(l.base+`\`+strings.Trim(path, `\`), `\`)
}

func (l liveKeys) open(path string, access uint32) (winreg.Key, error) {
	k, err := winreg.OpenKey(l.root, l.full(path), access|winreg.WOW64_64KEY)
	if err != nil {
		return 0, fmt.Errorf("open key %s: %w", winname.Show(l.full(path)), err)
	}
	return k, nil
}

func (l liveKeys) has(path string) bool {
	k, err := l.open(path, winreg.QUERY_VALUE)
	if err != nil {
		return false
	}
	k.Close()
	return true
}

func (l liveKeys) value(path, name string) (regf.Value, bool) {
	k, err := l.open(path, winreg.QUERY_VALUE)
	if err != nil {
		return regf.Value{}, false
	}
	defer k.Close()
	n, _, err := k.GetValue(name, nil)
	if err != nil {
		return regf.Value{}, false
	}
	data := make([]byte, n)
	n, kind, err := k.GetValue(name, data)
	if err != nil {
		return regf.Value{}, false
	}
	return regf.Value{Name: name, Type: regf.Type(kind), Data: data[:n]}, true
}

// noteKeys notes the keys of a path that are about to be made.
func (l liveKeys) noteKeys(path string) error {
	at := ""
	for name := range segments(path) {
		at = strings.TrimPrefix(at+`\`+name, `\`)
		if l.has(at) {
			continue
		}
		if err := l.journal.add(step{Op: opKey, Path: l.named(at)}); err != nil {
			return err
		}
	}
	return nil
}

func (l liveKeys) make(path string) (winreg.Key, error) {
	k, _, err := winreg.CreateKey(l.root, l.full(path), winreg.SET_VALUE|winreg.WOW64_64KEY)
	if err != nil {
		return 0, fmt.Errorf("make key %s: %w", winname.Show(l.full(path)), err)
	}
	return k, nil
}

func (l liveKeys) create(path, _ string) error {
	if l.dry() {
		return nil
	}
	if err := l.noteKeys(path); err != nil {
		return err
	}
	k, err := l.make(path)
	if err != nil {
		return err
	}
	return k.Close()
}

var (
	advapi32        = win.NewLazySystemDLL("advapi32.dll")
	regSetValueEx   = advapi32.NewProc("RegSetValueExW")
	regDeleteTree   = advapi32.NewProc("RegDeleteTreeW")
	netapi32        = win.NewLazySystemDLL("netapi32.dll")
	netUserAdd      = netapi32.NewProc("NetUserAdd")
	netUserSetInfo  = netapi32.NewProc("NetUserSetInfo")
	netUserDel      = netapi32.NewProc("NetUserDel")
	netGroupAdd     = netapi32.NewProc("NetLocalGroupAddMembers")
	netGroupDel     = netapi32.NewProc("NetLocalGroupDelMembers")
	errMemberInside = syscall.Errno(1378) // ERROR_MEMBER_IN_ALIAS
)

// set writes a value with whatever type it has, which package registry cannot.
func (l liveKeys) set(path string, v regf.Value) (bool, error) {
	if old, ok := l.value(path, v.Name); ok && old.Type == v.Type && string(old.Data) == string(v.Data) {
		return false, nil
	}
	if l.dry() {
		return true, nil
	}
	// The key first: it goes last, when it has no values any more.
	if err := errors.Join(l.noteKeys(path), l.note(path, v.Name)); err != nil {
		return false, err
	}
	return true, l.write(path, v)
}

func (l liveKeys) write(path string, v regf.Value) error {
	k, err := l.make(path)
	if err != nil {
		return err
	}
	defer k.Close()
	name, err := win.UTF16PtrFromString(v.Name)
	if err != nil {
		return err
	}
	var data *byte
	if len(v.Data) > 0 {
		data = &v.Data[0]
	}
	code, _, _ := regSetValueEx.Call(uintptr(k), uintptr(unsafe.Pointer(name)), 0, uintptr(v.Type), uintptr(unsafe.Pointer(data)), uintptr(len(v.Data)))
	if code != 0 {
		return fmt.Errorf("set value %s of %s: %w", winname.Show(v.Name), winname.Show(l.full(path)), syscall.Errno(code))
	}
	return nil
}

func (l liveKeys) unset(path, name string) error {
	if l.dry() {
		return nil
	}
	if err := l.note(path, name); err != nil {
		return err
	}
	return l.remove(path, name)
}

func (l liveKeys) remove(path, name string) error {
	k, err := l.open(path, winreg.SET_VALUE)
	if err != nil {
		return err
	}
	defer k.Close()
	return k.DeleteValue(name)
}

func (l liveKeys) drop(path string) error {
	if l.dry() {
		return nil
	}
	if err := l.noteAll(path); err != nil {
		return err
	}
	return l.delete(path)
}

// noteAll notes the values of a key and of all below. A key that has none is not
// made again.
func (l liveKeys) noteAll(path string) error {
	for _, name := range l.values(path) {
		if err := l.note(path, name); err != nil {
			return err
		}
	}
	for _, name := range l.subkeys(path) {
		if err := l.noteAll(winname.Join(path, name)); err != nil {
			return err
		}
	}
	return nil
}

func (l liveKeys) delete(path string) error {
	dir, name := winname.Split(strings.Trim(path, `\`))
	k, err := l.open(dir, winreg.ALL_ACCESS)
	if err != nil {
		return err
	}
	defer k.Close()
	text, err := win.UTF16PtrFromString(name)
	if err != nil {
		return err
	}
	if code, _, _ := regDeleteTree.Call(uintptr(k), uintptr(unsafe.Pointer(text))); code != 0 {
		return fmt.Errorf("remove key %s: %w", winname.Show(l.full(path)), syscall.Errno(code))
	}
	return nil
}

func (l liveKeys) values(path string) []string {
	k, err := l.open(path, winreg.QUERY_VALUE)
	if err != nil {
		return nil
	}
	defer k.Close()
	names, _ := k.ReadValueNames(-1) // what can be read
	return names
}

func (l liveKeys) subkeys(path string) []string {
	k, err := l.open(path, winreg.ENUMERATE_SUB_KEYS)
	if err != nil {
		return nil
	}
	defer k.Close()
	names, _ := k.ReadSubKeyNames(-1)
	return names
}

func (l liveKeys) commit() error { return nil }

// liveRoster is the accounts of the running Windows.
type liveRoster struct {
	machineSID string
	password   string // of new accounts
	journal    *journal
	dry        bool
	fresh      uint32 // numbers for accounts that a dry run does not make
}

func (r *run) liveAccounts() (accounts, error) {
	return &liveRoster{machineSID: r.machine.MachineSID, password: r.req.Password, journal: r.journal, dry: r.req.DryRun}, nil
}

func (l *liveRoster) find(name string) (string, bool) {
	sid, _, kind, err := win.LookupSID("", name)
	if err != nil || kind != win.SidTypeUser || !strings.HasPrefix(sid.String(), l.machineSID+"-") {
		return "", false
	}
	return sid.String(), true
}

// userInfo1 is USER_INFO_1.
type userInfo1 struct {
	name, password *uint16
	passwordAge    uint32
	privilege      uint32
	home, comment  *uint16
	flags          uint32
	script         *uint16
}

// next makes the account, disabled: only then has it a SID.
func (l *liveRoster) next(name string) (string, error) {
	if err := checkAccount(name); err != nil {
		return "", err
	}
	if l.dry {
		l.fresh++
		return fmt.Sprintf("%s-%d", l.machineSID, 0xFFFFFF00+l.fresh), nil
	}
	const user, disabled = 1, 0x2
	text, err := win.UTF16PtrFromString(name)
	if err != nil {
		return "", err
	}
	password, err := win.UTF16PtrFromString(l.password)
	if err != nil {
		return "", errors.New("the password has a character that none may have")
	}
	var empty uint16
	info := userInfo1{
		name: text, password: password, privilege: user, home: &empty, comment: &empty, script: &empty,
		flags: l.flags() | disabled,
	}
	if code, _, _ := netUserAdd.Call(0, 1, uintptr(unsafe.Pointer(&info)), 0); code != 0 {
		return "", fmt.Errorf("make the account %s: %w", name, syscall.Errno(code))
	}
	// Only now: an account that was there already must never be removed by Undo.
	if err := l.journal.add(step{Op: opAccount, Path: store.Text(name)}); err != nil {
		return "", err
	}
	sid, ok := l.find(name)
	if !ok {
		return "", fmt.Errorf("the account %s was made and is not found", name)
	}
	return sid, nil
}

// flags are those of a new account (UF_).
func (l *liveRoster) flags() uint32 {
	const script, noPassword, normal, neverExpires = 0x1, 0x20, 0x200, 0x10000
	if l.password != "" {
		return script | normal | neverExpires
	}
	return script | noPassword | normal | neverExpires
}

// make gives the account that next made the rest.
func (l *liveRoster) make(_ string, a account) error {
	if l.dry {
		return nil
	}
	name, err := win.UTF16PtrFromString(a.name)
	if err != nil {
		return err
	}
	set := func(level uintptr, info unsafe.Pointer) error {
		if code, _, _ := netUserSetInfo.Call(0, uintptr(unsafe.Pointer(name)), level, uintptr(info), 0); code != 0 {
			return fmt.Errorf("set up the account %s: %w", a.name, syscall.Errno(code))
		}
		return nil
	}
	var errs []error
	for level, text := range map[uintptr]string{1007: a.comment, 1011: a.fullName} {
		if text == "" {
			continue
		}
		p, err := win.UTF16PtrFromString(text)
		if err != nil {
			return err
		}
		errs = append(errs, set(level, unsafe.Pointer(&p)))
	}
	if a.enabled {
		flags := l.flags()
		errs = append(errs, set(1008, unsafe.Pointer(&flags)))
	}
	return errors.Join(errs...)
}

func (l *liveRoster) join(group, sid string) error {
	if l.dry {
		return nil
	}
	// A member already stays one, so nothing is noted that did not happen.
	err := changeMember(netGroupAdd, group, sid)
	switch {
	case errors.Is(err, errMemberInside):
		return nil
	case err != nil:
		return err
	}
	return l.journal.add(step{Op: opMember, Path: store.Text(group), Name: store.Text(sid)})
}

// changeMember puts an account into a local group or out of it.
func changeMember(call *win.LazyProc, group, sid string) error {
	groupSID, err := win.StringToSid(group)
	if err != nil {
		return fmt.Errorf("group %s: %w", group, err)
	}
	name, _, _, err := groupSID.LookupAccount("")
	if err != nil {
		return fmt.Errorf("group %s: %w", group, err)
	}
	member, err := win.StringToSid(sid)
	if err != nil {
		return fmt.Errorf("account %s: %w", sid, err)
	}
	text, err := win.UTF16PtrFromString(name)
	if err != nil {
		return err
	}
	if code, _, _ := call.Call(0, uintptr(unsafe.Pointer(text)), 0, uintptr(unsafe.Pointer(&member)), 1); code != 0 {
		return fmt.Errorf("member %s of %s: %w", sid, name, syscall.Errno(code))
	}
	return nil
}
