package windows

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"lifeboat/engine/regf"
	"lifeboat/engine/volume"
	"lifeboat/engine/winname"
)

// User is somebody who has, or had, a profile.
type User struct {
	// ID tells the users of an installation apart: the SID, or the name of the
	// profile folder where the SID is not known or another profile has it. It
	// is the user's name below HKU.
	ID         string       `json:"id"`
	SID        string       `json:"sid,omitempty"`
	Name       string       `json:"name"`
	Domain     string       `json:"domain,omitempty"` // of a local account the computer's name
	NameSource string       `json:"nameSource,omitempty"`
	FullName   string       `json:"fullName,omitempty"`
	SignIn     string       `json:"signIn,omitempty"` // e-mail or user principal name
	Kind       Kind         `json:"kind"`
	State      State        `json:"state"`
	Disabled   bool         `json:"disabled,omitempty"`
	Comment    string       `json:"comment,omitempty"` // this and the next of local accounts only
	Flags      AccountFlags `json:"flags,omitempty"`
	Groups     []string     `json:"groups,omitempty"` // SIDs of the local groups it is in
	Profile    string       `json:"profile"`          // as Windows called it: `C:\Users\anna`
	Source     int          `json:"source"`           // where that is now; see Path
	Path       string       `json:"path,omitempty"`   // on the volume of Source, empty if the folder is missing
	LastUse    time.Time    `json:"lastUse,omitzero"`
	UseSource  string       `json:"lastUseSource,omitempty"`
	Files      int64        `json:"files,omitempty"` // in the profile; 0 until somebody counted, see ProfileSize
	Bytes      int64        `json:"bytes,omitempty"`
	Hives      []Hive       `json:"hives,omitempty"` // NTUSER.DAT and UsrClass.dat
	Notes      []string     `json:"notes,omitempty"`
}

// Kind says where an account lives.
type Kind string

// The kinds of accounts.
const (
	Local       Kind = "local"
	Domain      Kind = "domain"
	EntraID     Kind = "entra"
	UnknownKind Kind = "unknown"
)

// NameFromFolder is the NameSource of a user whose name no hive tells: it is a
// guess.
const NameFromFolder = "folder name"

// State says what is left of a profile.
type State string

// The states of a profile.
const (
	Present   State = "present"
	Temporary State = "temporary" // made for one session, the real one could not be loaded
	Orphaned  State = "orphaned"  // a folder that Windows did not know as a profile
	NoFolder  State = "missing"   // Windows knew it, its folder is not there
)

// Hive returns what is known of a hive of the user, by its name.
func (u *User) Hive(name string) Hive {
	for _, h := range u.Hives {
		if winname.Equal(h.Name, name) {
			return h
		}
	}
	return Hive{Name: name, State: Missing}
}

func (u *User) note(format string, args ...any) {
	u.Notes = append(u.Notes, fmt.Sprintf(format, args...))
}

// userFinder brings together what is known about users.
type userFinder struct {
	ctx       context.Context
	sources   []Source
	inst      *Installation
	list      profileList // paths expanded
	listKnown bool
	sam       samFacts
	names     *nameBook
	claimed   map[string]bool // folders that are somebody's, by place
	users     []User
}

func (f *userFinder) find() []User {
	f.claimed = map[string]bool{}
	for _, path := range f.list.shared {
		f.claim(path)
	}
	for _, e := range f.list.entries {
		f.claim(e.path)
	}
	aside := map[string]profileEntry{}
	plain := map[string]bool{}
	for _, e := range f.list.entries {
		if e.aside {
			aside[e.sid] = e
		} else {
			plain[e.sid] = true
		}
	}
	for _, e := range f.list.entries {
		if !isPerson(e.sid) || f.ctx.Err() != nil {
			continue
		}
		put, both := aside[e.sid]
		switch {
		case e.aside && plain[e.sid]: // came with the plain entry
		case e.aside:
			f.add(e, Present, "Windows had put the profile aside (.bak)")
		case both && e.temporary():
			f.add(put, Present, "Windows had put the profile aside (.bak) and used a temporary one")
			f.add(e, Temporary, "")
		case both:
			f.add(e, Present, "an older profile of the same user was put aside in "+put.path)
			f.add(put, Orphaned, "Windows had put the profile aside (.bak)")
		case e.temporary():
			f.add(e, Temporary, "")
		default:
			f.add(e, Present, "")
		}
	}
	f.addFolders()
	f.giveIDs()
	return f.users
}

// place names a folder for claimed.
func place(source int, path string) string { return fmt.Sprintf("%d%s", source, winname.Fold(path)) }

func (f *userFinder) claim(path string) {
	if source, at, ok := f.inst.locate(path); ok {
		f.claimed[place(source, at)] = true
	}
}

// add makes a user of an entry of ProfileList.
func (f *userFinder) add(e profileEntry, state State, note string) {
	u := User{SID: e.sid, Profile: e.path, State: state}
	if note != "" {
		u.note("%s", note)
	}
	source, at, ok := f.inst.locate(e.path)
	switch letter, _, isPath := splitLetter(e.path); {
	case !isPath:
		u.State = NoFolder
		u.note("the profile's path is %q", e.path)
	case !ok:
		u.State = NoFolder
		u.note("no volume at hand was drive %s", letter)
	default:
		info, err := f.sources[source].Volume.Stat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			u.State = NoFolder
		case err != nil:
			u.State = NoFolder
			u.note("its folder cannot be read: %v", err)
		case !info.IsDir():
			u.State = NoFolder
			u.note("there is no folder at its path")
		default:
			u.Source, u.Path = source, at
		}
	}
	logonName := f.examine(&u)
	f.identify(&u, logonName)
	f.lastUse(&u, e.used)
	f.vault(&u)
	f.users = append(f.users, u)
}

// vault notes what only the PC itself can open: OneDrive keeps the Personal Vault in
// an image that is encrypted with BitLocker (spec/bitlocker.md 5).
func (f *userFinder) vault(u *User) {
	path := winname.Join(f.inst.SystemDrive()+`\OneDriveTemp`, u.SID)
	source, at, ok := f.inst.locate(path)
	if !ok {
		return
	}
	entries, _ := f.sources[source].Volume.ReadDir(at)
	for _, e := range entries {
		if _, is := cutSuffixFold(e.Name, ".vhdx"); is {
			u.note(`the OneDrive Personal Vault is not captured: only this PC opens %s`, winname.Join(path, e.Name))
		}
	}
}

// notProfiles are folders beside the profiles that are nobody's.
var notProfiles = map[string]bool{
	"ALL USERS": true, "DEFAULT": true, "DEFAULT USER": true, "PUBLIC": true,
	"LOCALSERVICE": true, "NETWORKSERVICE": true, "SYSTEMPROFILE": true,
}

// addFolders makes users of the folders that ProfileList does not know. Without
// ProfileList these are all there are.
func (f *userFinder) addFolders() {
	source, dir, ok := f.inst.locate(f.inst.Profiles)
	if !ok {
		return
	}
	v := f.sources[source].Volume
	entries, err := v.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.inst.Notes = append(f.inst.Notes, fmt.Sprintf("the folder of the profiles cannot be read in full: %v", err))
	}
	for _, entry := range entries {
		path := winname.Join(dir, entry.Name)
		if f.ctx.Err() != nil || !entry.IsDir() || entry.IsLink() ||
			notProfiles[winname.Fold(entry.Name)] || f.claimed[place(source, path)] || !looksLikeProfile(v, path) {
			continue
		}
		u := User{State: Present, Source: source, Path: path, Profile: winname.Join(f.inst.Profiles, entry.Name)}
		if f.listKnown {
			u.State = Orphaned
		}
		logonName := f.examine(&u)
		f.identify(&u, logonName)
		f.lastUse(&u, time.Time{})
		f.users = append(f.users, u)
	}
}

// looksLikeProfile keeps folders out that only lie beside the profiles.
func looksLikeProfile(v volume.Volume, path string) bool {
	if _, err := v.Stat(winname.Join(path, "NTUSER.DAT")); !errors.Is(err, fs.ErrNotExist) {
		return true
	}
	for _, name := range []string{"AppData", "Application Data", "Desktop", "Documents", "My Documents"} {
		if isFolder(v, winname.Join(path, name)) {
			return true
		}
	}
	return false
}

// examine opens the hives of a profile, one after the other, to see whether
// they can be read and whose they are. It returns the logon name in NTUSER.DAT,
// which only XP has there.
func (f *userFinder) examine(u *User) (logonName string) {
	if u.Path == "" {
		return ""
	}
	v := f.sources[u.Source].Volume
	var owner string
	h, about := readHive(f.ctx, v, winname.Join(u.Path, "NTUSER.DAT"))
	u.Hives = append(u.Hives, about)
	if h != nil {
		owner = ownerOfHive(h.Root().Security())
		logonName = h.Find(`Software\Microsoft\Windows\CurrentVersion\Explorer`).Str("Logon User Name")
	}
	h, about = readHive(f.ctx, v, classesPath(v, u.Path))
	u.Hives = append(u.Hives, about)
	if sid, ok := cutSuffixFold(rootName(h), "_Classes"); ok && owner == "" && isPerson(sid) {
		owner = sid
	}
	switch {
	case u.SID == "":
		u.SID = owner
	case owner != "" && owner != u.SID:
		u.note("its NTUSER.DAT belongs to %s", owner)
	}
	return logonName
}

// classesPath is where UsrClass.dat lies: since Vista, or on XP.
func classesPath(v volume.Volume, profile string) string {
	const xp = `Local Settings\Application Data\Microsoft\Windows\UsrClass.dat`
	path := winname.Join(profile, `AppData\Local\Microsoft\Windows\UsrClass.dat`)
	if _, err := v.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if _, err := v.Stat(winname.Join(profile, xp)); err == nil {
			return winname.Join(profile, xp)
		}
	}
	return path
}

// identify finds out who the user is.
func (f *userFinder) identify(u *User, logonName string) {
	_, folder := winname.Split(u.Profile)
	domain, _ := splitRID(u.SID)
	if a, ok := f.sam.accounts[u.SID]; ok {
		u.Name, u.NameSource, u.FullName, u.SignIn = a.name, "SAM", a.fullName, a.signIn
		u.Comment, u.Flags, u.Disabled = a.comment, a.flags, a.flags&AccountDisabled != 0
	} else {
		id := f.names.lookup(u.SID, folder)
		if id.source == NameFromFolder && logonName != "" {
			id.name, id.source = logonName, "NTUSER.DAT"
		}
		u.Name, u.NameSource, u.Domain, u.FullName, u.SignIn = id.name, id.source, id.domain, id.fullName, id.signIn
	}
	for _, g := range f.sam.groups {
		if u.SID != "" && slices.Contains(g.Members, u.SID) {
			u.Groups = append(u.Groups, g.SID)
		}
	}
	switch {
	case isEntra(u.SID):
		u.Kind, u.Domain = EntraID, first(u.Domain, "AzureAD")
	case u.SID == "":
		u.Kind = UnknownKind
	case domain == f.inst.MachineSID, u.Domain != "" && winname.Equal(u.Domain, f.inst.ComputerName):
		u.Kind, u.Domain = Local, f.inst.ComputerName
	case u.Domain != "", domain == f.inst.Join.DomainSID, f.inst.MachineSID != "" && u.State != Orphaned:
		u.Kind = Domain
	default:
		u.Kind = UnknownKind
	}
}

// lastUse takes the best of what tells when somebody was last at work. The time
// of NTUSER.DAT comes last: since Windows 10 1809 it is not reliable.
func (f *userFinder) lastUse(u *User, profileUsed time.Time) {
	if !profileUsed.IsZero() {
		u.LastUse, u.UseSource = profileUsed, "ProfileList"
		return
	}
	if t := f.sam.accounts[u.SID].lastLogon; !t.IsZero() && u.State != Orphaned && u.State != Temporary {
		u.LastUse, u.UseSource = t, "SAM"
		return
	}
	if u.Path == "" {
		return
	}
	if info, err := f.sources[u.Source].Volume.Stat(winname.Join(u.Path, "NTUSER.DAT")); err == nil {
		u.LastUse, u.UseSource = info.Modified, "NTUSER.DAT"
	}
}

func (f *userFinder) giveIDs() {
	taken := map[string]bool{}
	for i := range f.users {
		u := &f.users[i]
		_, folder := winname.Split(u.Profile)
		u.ID = u.SID
		for n := 1; u.ID == "" || taken[winname.Fold(u.ID)]; n++ {
			u.ID = folder
			if n > 1 {
				u.ID = fmt.Sprintf("%s (%d)", folder, n)
			}
		}
		taken[winname.Fold(u.ID)] = true
	}
}

func cutSuffixFold(s, suffix string) (string, bool) {
	i := len(s) - len(suffix)
	if i < 0 || !strings.EqualFold(s[i:], suffix) {
		return s, false
	}
	return s[:i], true
}

func rootName(h *regf.Hive) string {
	if h == nil {
		return ""
	}
	return h.Root().Name()
}
