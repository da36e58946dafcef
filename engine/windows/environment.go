package windows

import (
	"maps"
	"strings"

	"lifeboat/engine/regf"
	"lifeboat/engine/winname"
)

// environment is what the variables of a machine come from.
type environment struct {
	live   map[string]string // as programs of that Windows saw them, for expanding
	vars   map[string]string // as USMT names and means them
	xp     bool
	modern bool // 8.1 and later
	wide   bool // 64 bits
}

// folder is a variable that names a folder (spec/migxml-spec.md 8.2, 8.3).
type folder struct {
	names     string // of the variables, parted by blanks
	value     string // in User Shell Folders, empty if it has none
	xp        string // where it is by default; empty means that it does not exist
	vista     string
	windows81 string // where 8.1 moved it, else empty
}

const shellFolders = `Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders`

// The tables are in order: a default may use variables of lines before it.

var commonFolders = []folder{
	{names: "CSIDL_COMMON_APPDATA ALLUSERSAPPDATA PROGRAMDATA", value: "Common AppData", xp: `%ALLUSERSPROFILE%\Application Data`, vista: `%PROGRAMDATA%`},
	{names: "CSIDL_COMMON_DESKTOPDIRECTORY", value: "Common Desktop", xp: `%ALLUSERSPROFILE%\Desktop`, vista: `%PUBLIC%\Desktop`},
	{names: "CSIDL_COMMON_DOCUMENTS", value: "Common Documents", xp: `%ALLUSERSPROFILE%\Documents`, vista: `%PUBLIC%\Documents`},
	{names: "CSIDL_COMMON_FAVORITES", value: "Common Favorites", xp: `%ALLUSERSPROFILE%\Favorites`, vista: `%PUBLIC%\Favorites`},
	{names: "CSIDL_COMMON_MUSIC", value: "CommonMusic", xp: `%CSIDL_COMMON_DOCUMENTS%\My Music`, vista: `%PUBLIC%\Music`},
	{names: "CSIDL_COMMON_PICTURES", value: "CommonPictures", xp: `%CSIDL_COMMON_DOCUMENTS%\My Pictures`, vista: `%PUBLIC%\Pictures`},
	{names: "CSIDL_COMMON_VIDEO", value: "CommonVideo", xp: `%CSIDL_COMMON_DOCUMENTS%\My Videos`, vista: `%PUBLIC%\Videos`},
	{names: "CSIDL_COMMON_STARTMENU", value: "Common Start Menu", xp: `%ALLUSERSPROFILE%\Start Menu`, vista: `%PROGRAMDATA%\Microsoft\Windows\Start Menu`},
	{names: "CSIDL_COMMON_PROGRAMS", value: "Common Programs", xp: `%CSIDL_COMMON_STARTMENU%\Programs`, vista: `%CSIDL_COMMON_STARTMENU%\Programs`},
	{names: "CSIDL_COMMON_STARTUP", value: "Common Startup", xp: `%CSIDL_COMMON_PROGRAMS%\Startup`, vista: `%CSIDL_COMMON_PROGRAMS%\Startup`},
	{names: "CSIDL_COMMON_ALTSTARTUP", value: "Common AltStartup", xp: `%CSIDL_COMMON_STARTUP%`, vista: `%CSIDL_COMMON_STARTUP%`},
	{names: "CSIDL_COMMON_ADMINTOOLS", value: "Common Administrative Tools", xp: `%CSIDL_COMMON_PROGRAMS%\Administrative Tools`, vista: `%CSIDL_COMMON_PROGRAMS%\Administrative Tools`},
	{names: "CSIDL_COMMON_TEMPLATES", value: "Common Templates", xp: `%ALLUSERSPROFILE%\Templates`, vista: `%PROGRAMDATA%\Microsoft\Windows\Templates`},
	{names: "FOLDERID_PUBLICDOWNLOADS", value: "{3D644C9B-1FB8-4F30-9B45-F670235F79C0}", vista: `%PUBLIC%\Downloads`},
	{names: "FOLDERID_RECORDEDTV", vista: `%PUBLIC%\Recorded TV`},
}

var userFolders = []folder{
	{names: "CSIDL_APPDATA APPDATA", value: "AppData", xp: `%USERPROFILE%\Application Data`, vista: `%USERPROFILE%\AppData\Roaming`},
	{names: "CSIDL_LOCAL_APPDATA LOCALAPPDATA", value: "Local AppData", xp: `%USERPROFILE%\Local Settings\Application Data`, vista: `%USERPROFILE%\AppData\Local`},
	{names: "CSIDL_DESKTOP CSIDL_DESKTOPDIRECTORY", value: "Desktop", xp: `%USERPROFILE%\Desktop`, vista: `%USERPROFILE%\Desktop`},
	{names: "CSIDL_PERSONAL CSIDL_MYDOCUMENTS", value: "Personal", xp: `%USERPROFILE%\My Documents`, vista: `%USERPROFILE%\Documents`},
	{names: "CSIDL_MYMUSIC", value: "My Music", xp: `%CSIDL_PERSONAL%\My Music`, vista: `%USERPROFILE%\Music`},
	{names: "CSIDL_MYPICTURES", value: "My Pictures", xp: `%CSIDL_PERSONAL%\My Pictures`, vista: `%USERPROFILE%\Pictures`},
	{names: "CSIDL_MYVIDEO", value: "My Video", xp: `%CSIDL_PERSONAL%\My Videos`, vista: `%USERPROFILE%\Videos`},
	{names: "CSIDL_PLAYLISTS", xp: `%CSIDL_MYMUSIC%\My Playlists`, vista: `%CSIDL_MYMUSIC%\Playlists`},
	{names: "CSIDL_FAVORITES", value: "Favorites", xp: `%USERPROFILE%\Favorites`, vista: `%USERPROFILE%\Favorites`},
	{names: "CSIDL_CONTACTS FOLDERID_CONTACTS", value: "{56784854-C6CB-462B-8169-88E350ACB882}", vista: `%USERPROFILE%\Contacts`},
	{names: "CSIDL_DOWNLOADS FOLDERID_DOWNLOADS", value: "{374DE290-123F-4565-9164-39C4925E467B}", vista: `%USERPROFILE%\Downloads`},
	{names: "FOLDERID_SAVEDGAMES", value: "{4C5C32FF-BB9D-43B0-B5B4-2D72E54EAAA4}", vista: `%USERPROFILE%\Saved Games`},
	{names: "FOLDERID_LINKS", value: "{BFB9D5E0-C6A9-404C-B2B2-AE6DB6AF4968}", vista: `%USERPROFILE%\Links`},
	{names: "FOLDERID_LIBRARIES", value: "{1B3EA5DC-B587-4786-B4EF-BD1DC332AEAE}", vista: `%APPDATA%\Microsoft\Windows\Libraries`},
	{names: "FOLDERID_ORIGINALIMAGES", value: "{2C36C0AA-5812-4B87-BFD0-4CD0DFB19B39}", vista: `%LOCALAPPDATA%\Microsoft\Windows Photo Gallery\Original Images`},
	{names: "FOLDERID_LOCALAPPDATALOW", value: "{A520A1A4-1780-4FF6-BD18-167343C5AF16}", vista: `%USERPROFILE%\AppData\LocalLow`},
	{names: "FOLDERID_APPCAPTURES", value: "{EDC0FE71-98D8-4F4A-B920-C8DC133CB165}", vista: `%CSIDL_MYVIDEO%\Captures`},
	{names: "FOLDERID_CAMERAROLL", value: "{AB5FB87B-7CE2-4F83-915D-550846C9537B}", vista: `%CSIDL_MYPICTURES%\Camera Roll`},
	{names: "FOLDERID_CDBURNING", value: "{9E52AB10-F80D-49DF-ACB8-4330F5687855}", vista: `%LOCALAPPDATA%\Microsoft\Windows\Burn\Burn`},
	{names: "FOLDERID_GAMETASKS", value: "{054FAE61-4DD8-4787-80B6-090220C4B700}", vista: `%LOCALAPPDATA%\Microsoft\Windows\GameExplorer`},
	{names: "FOLDERID_OBJECTS3D", value: "{31C0DD25-9439-4F12-BF41-7FF4EDA38722}", vista: `%USERPROFILE%\3D Objects`},
	{names: "FOLDERID_PHOTOALBUMS", value: "{69D2CF90-FC33-4FB7-9A0C-EBB0F0FCB43C}", vista: `%CSIDL_MYPICTURES%\Slide Shows`},
	{names: "FOLDERID_PLAYLISTS", value: "{DE92C1C7-837F-4F69-A3BB-86E631204A23}", vista: `%CSIDL_MYMUSIC%\Playlists`},
	{names: "FOLDERID_SAVEDPICTURES", value: "{3B193882-D3AD-4EAB-965A-69829D1FB59F}", vista: `%CSIDL_MYPICTURES%\Saved Pictures`},
	{names: "FOLDERID_SCREENSHOTS", value: "{B7BEDE81-DF94-4682-A7D8-57A52620B86F}", vista: `%CSIDL_MYPICTURES%\Screenshots`},
	{names: "FOLDERID_SIDEBARGADGETS", value: "{A75D362E-50FC-4FB7-AC2C-A8BEAA314493}", vista: `%LOCALAPPDATA%\Microsoft\Windows Sidebar\Gadgets`},
	{names: "FOLDERID_SKYDRIVE", value: "{A52BBA46-E9E1-435F-B3D9-28DAA648C0F6}", vista: `%USERPROFILE%\OneDrive`},
	{names: "FOLDERID_SKYDRIVEDOCUMENTS", value: "{24D89E24-2F19-4534-9DDE-6A6671FBB8FE}", vista: `%FOLDERID_SKYDRIVE%\Documents`},
	{names: "FOLDERID_SKYDRIVEPICTURES", value: "{339719B5-8C47-4894-94C2-D8F77ADD44A6}", vista: `%FOLDERID_SKYDRIVE%\Pictures`},
	{names: "FOLDERID_SKYDRIVECAMERAROLL", value: "{767E6811-49CB-4273-87C2-20F355E1085B}", vista: `%FOLDERID_SKYDRIVEPICTURES%\Camera Roll`},
	{names: "CSIDL_STARTMENU", value: "Start Menu", xp: `%USERPROFILE%\Start Menu`, vista: `%APPDATA%\Microsoft\Windows\Start Menu`},
	{names: "CSIDL_PROGRAMS", value: "Programs", xp: `%CSIDL_STARTMENU%\Programs`, vista: `%CSIDL_STARTMENU%\Programs`},
	{names: "CSIDL_STARTUP", value: "Startup", xp: `%CSIDL_PROGRAMS%\Startup`, vista: `%CSIDL_PROGRAMS%\Startup`},
	{names: "CSIDL_ALTSTARTUP", value: "AltStartup", xp: `%CSIDL_STARTUP%`, vista: `%CSIDL_STARTUP%`},
	{names: "CSIDL_ADMINTOOLS", value: "Administrative Tools", xp: `%CSIDL_PROGRAMS%\Administrative Tools`, vista: `%CSIDL_PROGRAMS%\Administrative Tools`},
	{names: "CSIDL_RECENT", value: "Recent", xp: `%USERPROFILE%\Recent`, vista: `%APPDATA%\Microsoft\Windows\Recent`},
	{names: "CSIDL_SENDTO", value: "SendTo", xp: `%USERPROFILE%\SendTo`, vista: `%APPDATA%\Microsoft\Windows\SendTo`},
	{names: "CSIDL_TEMPLATES", value: "Templates", xp: `%USERPROFILE%\Templates`, vista: `%APPDATA%\Microsoft\Windows\Templates`},
	{names: "CSIDL_NETHOOD", value: "NetHood", xp: `%USERPROFILE%\NetHood`, vista: `%APPDATA%\Microsoft\Windows\Network Shortcuts`},
	{names: "CSIDL_PRINTHOOD", value: "PrintHood", xp: `%USERPROFILE%\PrintHood`, vista: `%APPDATA%\Microsoft\Windows\Printer Shortcuts`},
	{names: "CSIDL_COOKIES", value: "Cookies", xp: `%USERPROFILE%\Cookies`, vista: `%APPDATA%\Microsoft\Windows\Cookies`, windows81: `%LOCALAPPDATA%\Microsoft\Windows\INetCookies`},
	{names: "CSIDL_HISTORY", value: "History", xp: `%USERPROFILE%\Local Settings\History`, vista: `%LOCALAPPDATA%\Microsoft\Windows\History`},
	{names: "CSIDL_INTERNET_CACHE", value: "Cache", xp: `%USERPROFILE%\Local Settings\Temporary Internet Files`, vista: `%LOCALAPPDATA%\Microsoft\Windows\Temporary Internet Files`, windows81: `%LOCALAPPDATA%\Microsoft\Windows\INetCache`},
	{names: "CSIDL_CDBURN_AREA", value: "CD Burning", xp: `%LOCALAPPDATA%\Microsoft\CD Burning`, vista: `%LOCALAPPDATA%\Microsoft\Windows\Burn\Burn`},
	{names: "CSIDL_QUICKLAUNCH", xp: `%APPDATA%\Microsoft\Internet Explorer\Quick Launch`, vista: `%APPDATA%\Microsoft\Internet Explorer\Quick Launch`},
	{names: "CSIDL_VIRTUALSTORE", vista: `%LOCALAPPDATA%\VirtualStore`},
	{names: "CSIDL_VIRTUALSTORE_PROGRAMFILES", vista: `%CSIDL_VIRTUALSTORE%\Program Files`},
	{names: "CSIDL_VIRTUALSTORE_PROGRAMFILES(X86)", vista: `%CSIDL_VIRTUALSTORE%\Program Files (x86)`},
	{names: "CSIDL_VIRTUALSTORE_COMMONPROGRAMFILES", vista: `%CSIDL_VIRTUALSTORE%\Program Files\Common Files`},
	{names: "CSIDL_VIRTUALSTORE_COMMONPROGRAMFILES(X86)", vista: `%CSIDL_VIRTUALSTORE%\Program Files (x86)\Common Files`},
	{names: "CSIDL_VIRTUALSTORE_PROGRAMDATA", vista: `%CSIDL_VIRTUALSTORE%\ProgramData`},
	{names: "CSIDL_VIRTUALSTORE_WINDOWS", vista: `%CSIDL_VIRTUALSTORE%\Windows`},
}

// ofDefault are the user folders that have a twin in the default profile.
var ofDefault = []string{
	"APPDATA", "LOCAL_APPDATA", "COOKIES", "CONTACTS", "DESKTOP", "DOWNLOADS", "FAVORITES", "HISTORY", "INTERNET_CACHE",
	"PERSONAL", "MYDOCUMENTS", "MYPICTURES", "MYMUSIC", "MYVIDEO", "RECENT", "SENDTO", "STARTMENU", "PROGRAMS",
	"STARTUP", "TEMPLATES", "QUICKLAUNCH",
}

// place fills in the variables of a table. settings is the key User Shell
// Folders; live is what its values and the defaults are expanded with, and gets
// the new variables too.
func (e *environment) place(table []folder, settings *regf.Key, live, vars map[string]string) {
	for _, f := range table {
		path, ok := "", false
		if f.value != "" {
			if text := settings.Str(f.value); text != "" {
				path, ok = expand(text, live)
			}
		}
		if !ok {
			text := f.vista
			switch {
			case e.xp:
				text = f.xp
			case e.modern && f.windows81 != "":
				text = f.windows81
			}
			if text == "" {
				continue
			}
			path, ok = expand(text, live)
		}
		if !ok {
			continue
		}
		for name := range strings.FieldsSeq(f.names) {
			vars[name], live[name] = path, path
		}
	}
}

// Vars returns the variables that are valid in every context, by their names in
// upper case: those USMT recognises, and behind them the system's environment.
// Values are paths and texts of the offline Windows, fully expanded; a path has long
// names where a program of that Windows may have seen short ones.
func (m *Machine) Vars() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.environment().vars)
}

func (m *Machine) environment() *environment {
	if m.env != nil {
		return m.env
	}
	// A hive that cannot be read leaves the defaults; that it could not be read
	// stands in the description.
	software, _ := m.hive("SOFTWARE")
	system, _ := m.hive("SYSTEM")
	var soft, set *regf.Key
	if software != nil {
		soft = software.Root()
	}
	if system != nil {
		set = controlSet(system)
	}
	m.env = m.machineEnvironment(soft, set)
	return m.env
}

func (m *Machine) machineEnvironment(software, controlSet *regf.Key) *environment {
	p := m.Product
	e := &environment{
		xp:     p.Major() == 5,
		modern: p.Major() >= 10 || p.Version == "6.3",
		wide:   m.Arch.Is64Bit(),
		live:   map[string]string{},
		vars:   map[string]string{},
	}
	drive := m.SystemDrive()
	current := software.Find(`Microsoft\Windows\CurrentVersion`)
	profileList := software.Find(currentVersionKey + `\ProfileList`)

	both := func(names, value string) {
		for name := range strings.FieldsSeq(names) {
			e.live[name], e.vars[name] = value, value
		}
	}
	// from takes a value of a key, or the default if it is absent or uses what is unknown.
	from := func(key *regf.Key, name, otherwise string) string {
		if text, ok := expand(key.Str(name), e.live); ok && text != "" {
			return text
		}
		text, _ := expand(otherwise, e.live)
		return text
	}

	both("SYSTEMDRIVE", drive)
	both("SYSTEMROOT WINDIR CSIDL_WINDOWS", m.SystemRoot)
	both("SYSTEM SYSTEM32 CSIDL_SYSTEM", winname.Join(m.SystemRoot, "System32"))
	both("SYSTEM16", winname.Join(m.SystemRoot, "System"))
	both("CSIDL_FONTS CSIDL_COMMON_FONTS", winname.Join(m.SystemRoot, "Fonts"))
	both("CSIDL_RESOURCES", winname.Join(m.SystemRoot, "Resources"))
	both("COMPUTERNAME", m.ComputerName)
	both("PROFILESFOLDER", m.Profiles)
	both("PROGRAMFILES CSIDL_PROGRAM_FILES", from(current, "ProgramFilesDir", `%SYSTEMDRIVE%\Program Files`))
	both("COMMONPROGRAMFILES CSIDL_PROGRAM_FILES_COMMON", from(current, "CommonFilesDir", `%PROGRAMFILES%\Common Files`))
	if e.wide {
		both("PROGRAMFILES(X86) CSIDL_PROGRAM_FILESX86", from(current, "ProgramFilesDir (x86)", `%SYSTEMDRIVE%\Program Files (x86)`))
		both("COMMONPROGRAMFILES(X86) CSIDL_PROGRAM_FILES_COMMONX86", from(current, "CommonFilesDir (x86)", `%PROGRAMFILES(X86)%\Common Files`))
		both("PROGRAMW6432", e.live["PROGRAMFILES"])
		both("COMMONPROGRAMW6432", e.live["COMMONPROGRAMFILES"])
	}
	both("SYSTEMPROFILE", from(profileList.Subkey("S-1-5-18"), "ProfileImagePath", `%SYSTEMROOT%\System32\config\systemprofile`))
	if e.xp {
		both("ALLUSERSPROFILE", winname.Join(m.Profiles, first(profileList.Str("AllUsersProfile"), "All Users")))
		both("DEFAULTUSERPROFILE", winname.Join(m.Profiles, first(profileList.Str("DefaultUserProfile"), "Default User")))
	} else {
		both("PUBLIC", from(profileList, "Public", `%PROFILESFOLDER%\Public`))
		both("PROGRAMDATA", from(profileList, "ProgramData", `%SYSTEMDRIVE%\ProgramData`))
		both("DEFAULTUSERPROFILE", from(profileList, "Default", `%PROFILESFOLDER%\Default`))
		// Programs see ProgramData under this name; USMT means Public (8.2).
		e.live["ALLUSERSPROFILE"], e.vars["ALLUSERSPROFILE"] = e.live["PROGRAMDATA"], e.live["PUBLIC"]
	}
	e.place(commonFolders, software.Find(shellFolders), e.live, e.vars)
	e.placeDefault(m)

	for name, value := range expandKey(controlSet.Find(`Control\Session Manager\Environment`), e.live) {
		if _, known := e.vars[name]; !known && name != "USERNAME" {
			e.vars[name] = value
		}
		if _, known := e.live[name]; !known && name != "USERNAME" {
			e.live[name] = value
		}
	}
	m.lengthen(e.vars)
	return e
}

// lengthen replaces the short names for DOS in variables that are paths: rules are
// compared with what the folders are called, as TEMP in a profile whose name is long
// or not plain ASCII is not.
func (m *Machine) lengthen(vars map[string]string) {
	for name, value := range vars {
		vars[name] = m.long(m.sources, value)
	}
}

// placeDefault adds the folders of the default profile.
func (e *environment) placeDefault(m *Machine) {
	live := maps.Clone(e.live)
	live["USERPROFILE"] = e.live["DEFAULTUSERPROFILE"]
	var settings *regf.Key
	if source, at, ok := m.locate(live["USERPROFILE"]); ok {
		if h, _ := readHive(m.ctx, m.sources[source].Volume, winname.Join(at, "NTUSER.DAT")); h != nil {
			settings = h.Find(winname.Join("Software", shellFolders))
		}
	}
	vars := map[string]string{}
	e.place(userFolders, settings, live, vars)
	for _, name := range ofDefault {
		if path := vars["CSIDL_"+name]; path != "" {
			e.vars["CSIDL_DEFAULT_"+name] = path
		}
	}
}

// UserVars returns the variables of a user's context: those of the machine, the
// user's folders and, behind all of them, the user's environment. A folder that
// was redirected to a share or another drive has that path. It is nil for an
// unknown user.
func (m *Machine) UserVars(id string) map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, ok := m.User(id)
	if !ok {
		return nil
	}
	if vars, ok := m.userEnv[u.ID]; ok {
		return maps.Clone(vars)
	}
	e := m.environment()
	vars, live := maps.Clone(e.vars), maps.Clone(e.live)
	// Without NTUSER.DAT the defaults are where things are.
	var root *regf.Key
	if key, _ := m.userRoot(id); key != nil {
		root = key.Key
	}

	both := func(names, value string) {
		for name := range strings.FieldsSeq(names) {
			live[name], vars[name] = value, value
		}
	}
	both("USERPROFILE CSIDL_PROFILE", u.Profile)
	if drive, path, ok := splitLetter(u.Profile); ok {
		both("HOMEDRIVE", drive)
		both("HOMEPATH", path)
	}
	both("USERNAME", u.Name)
	both("USERDOMAIN", u.Domain)
	vars["USERSID"] = u.SID

	// A folder may be told by a variable of the user's own (9.12), and such a one by
	// a folder.
	for name, value := range expandKey(root.Find("Environment"), live) {
		if _, known := live[name]; !known && !strings.Contains(value, "%") {
			live[name] = value
		}
	}
	e.place(userFolders, root.Find(winname.Join("Software", shellFolders)), live, vars)
	own := expandKey(root.Find("Environment"), live)
	temp := `%USERPROFILE%\AppData\Local\Temp`
	if e.xp {
		temp = `%USERPROFILE%\Local Settings\Temp`
	}
	temp, _ = expand(temp, live)
	vars["TEMP"] = first(own["TEMP"], temp)
	vars["TMP"] = first(own["TMP"], vars["TEMP"])
	for name, value := range own {
		if _, known := vars[name]; !known {
			vars[name] = value
		}
	}
	m.lengthen(vars)
	m.userEnv[u.ID] = vars
	return maps.Clone(vars)
}

// expandKey reads the variables of a key Environment: first those that are
// fixed, then those made of others, as Windows does.
func expandKey(key *regf.Key, live map[string]string) map[string]string {
	values := key.Values()
	known := maps.Clone(live)
	vars := map[string]string{}
	for _, pass := range []regf.Type{regf.Sz, regf.ExpandSz} {
		for _, v := range values {
			name := strings.ToUpper(v.Name)
			if v.Type != pass || name == "" {
				continue
			}
			text := v.String()
			if pass == regf.ExpandSz {
				text, _ = expand(text, known)
			}
			vars[name] = text
			if _, taken := known[name]; !taken {
				known[name] = text
			}
		}
	}
	return vars
}
