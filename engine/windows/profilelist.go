package windows

import (
	"strings"
	"time"

	"lifeboat/engine/regf"
	"lifeboat/engine/winname"
)

// profileList is the key ProfileList of SOFTWARE (9.9), its paths as they are
// written there.
type profileList struct {
	dir     string   // ProfilesDirectory
	shared  []string // profiles that are nobody's: Default, Public, All Users
	entries []profileEntry
}

type profileEntry struct {
	sid   string
	aside bool // the key was <SID>.bak: Windows had put the profile aside
	path  string
	state uint64
	used  time.Time // last loaded or unloaded, Windows 10 and later
}

// Bits of State.
const stateTemporary = 0x800

func readProfileList(h *regf.Hive) profileList {
	key := h.Find(currentVersionKey + `\ProfileList`)
	list := profileList{dir: key.Str("ProfilesDirectory")}
	for _, name := range []string{"Default", "Public"} {
		if path := key.Str(name); path != "" {
			list.shared = append(list.shared, path)
		}
	}
	for _, name := range []string{"DefaultUserProfile", "AllUsersProfile"} { // XP, below dir
		if path := key.Str(name); path != "" {
			list.shared = append(list.shared, winname.Join(list.dir, path))
		}
	}
	for _, sub := range key.Subkeys() {
		name := sub.Name()
		sid := name
		if i := len(name) - len(".bak"); i > 0 && winname.Equal(name[i:], ".bak") {
			sid = name[:i]
		}
		entry := profileEntry{sid: strings.ToUpper(sid), aside: sid != name, path: sub.Str("ProfileImagePath")}
		entry.state, _ = sub.Uint("State")
		for _, what := range []string{"LocalProfileLoadTime", "LocalProfileUnloadTime"} {
			low, _ := sub.Uint(what + "Low")
			high, _ := sub.Uint(what + "High")
			if t := regf.FileTime(high<<32 | low&0xFFFFFFFF); t.After(entry.used) {
				entry.used = t
			}
		}
		list.entries = append(list.entries, entry)
	}
	return list
}

// temporary reports whether Windows made the profile for one session because it
// could not load the real one.
func (e profileEntry) temporary() bool {
	_, folder := winname.Split(e.path)
	folder = winname.Fold(folder)
	return e.state&stateTemporary != 0 || folder == "TEMP" || strings.HasPrefix(folder, "TEMP.")
}
