package migxml

import (
	"slices"
	"strings"

	"lifeboat/engine/winname"
)

// docFinder knows the folders that hold installed applications, which the
// document finder leaves alone.
type docFinder struct {
	installed []string // folded
}

// docPatterns is GenerateDocPatterns (spec 11.2): where people keep documents,
// or, with include false, what of that is none.
func (ev *evaluator) docPatterns(s *Script, sc *scope) []Pattern {
	programs, include, systemDrive := s.Call.flag(0, false), s.Call.flag(1, true), s.Call.flag(2, false)
	if ev.docs == nil {
		ev.docs = &docFinder{installed: ev.installedFolders("HKLM", sc)}
	}
	list := &docList{ev: ev, include: include, line: s.Line, sc: sc}
	if sc.ctx.System {
		list.system(systemDrive, sc)
		if programs {
			list.programs(sc)
		}
	} else {
		list.user(sc)
	}
	return list.patterns
}

type docList struct {
	ev       *evaluator
	include  bool
	line     int // of the script
	sc       *scope
	extra    []string // folders of applications installed for the user alone
	patterns []Pattern
}

// take adds an include; leaf "" stands for the folder alone.
func (l *docList) take(node, leaf string)  { l.add(true, node, leaf) }
func (l *docList) leave(node, leaf string) { l.add(false, node, leaf) }

// skip tells why the finder passes a folder over, which is the first thing that
// people ask who miss something of it.
func (l *docList) skip(path, why string) {
	if l.include {
		l.ev.say(Info, l.sc, l.line, "folder %s is left: %s", show(path), why)
	}
}

// apart tells whether a folder is none of people's own: a link, or hidden and of the
// system.
func (l *docList) apart(e Entry, path string) bool {
	switch {
	case e.Reparse:
		l.skip(path, "it is a link")
	case e.Hidden && e.System:
		l.skip(path, "it is hidden and of the system")
	default:
		return false
	}
	return true
}

func (l *docList) add(include bool, node, leaf string) {
	if include == l.include {
		l.patterns = append(l.patterns, Pattern{Kind: FileKind, Node: cleanNode(node), Leaf: leaf, HasLeaf: leaf != ""})
	}
}

// folders that are no place for documents at the root of a drive.
var systemFolders = []string{
	"$recycle.bin", "recycler", "recycled", "system volume information", "recovery", "boot", "efi",
	"perflogs", "config.msi", "msocache", "$winreagent", "documents and settings", "onedrivetemp",
}

func (l *docList) system(systemDriveOnly bool, sc *scope) {
	for _, name := range []string{
		"CSIDL_COMMON_DESKTOPDIRECTORY", "CSIDL_COMMON_FAVORITES", "CSIDL_COMMON_DOCUMENTS",
		"CSIDL_COMMON_MUSIC", "CSIDL_COMMON_PICTURES", "CSIDL_COMMON_VIDEO", "FOLDERID_PublicDownloads",
	} {
		l.known(name, sc)
	}
	var reserved []string
	for _, name := range []string{"WINDIR", "PROGRAMFILES", "PROGRAMFILES(X86)", "PROGRAMDATA", "CSIDL_COMMON_APPDATA", "PROFILESFOLDER"} {
		if b, ok := sc.lookup(name); ok {
			reserved = append(reserved, winname.Fold(cleanNode(b.plain)))
		}
	}
	drive, _ := sc.lookup("SYSTEMDRIVE")
	for _, d := range l.ev.platform.Drives() {
		if d.Type != Fixed || systemDriveOnly && !winname.Equal(d.Letter, drive.plain) {
			continue
		}
		l.take(d.Letter, "*")
		l.hiddenFiles(d.Letter)
		for _, e := range l.ev.platform.ReadDir(d.Letter + `\`) {
			path := d.Letter + `\` + e.Name
			lower := strings.ToLower(e.Name)
			switch {
			case !e.Dir:
			case slices.Contains(systemFolders, lower), strings.HasPrefix(lower, "$"), strings.HasPrefix(lower, "windows.old"):
			case slices.Contains(reserved, winname.Fold(path)):
			case l.apart(e, path):
			default:
				l.folder(path, true)
			}
		}
	}
}

// profileFolders are those of a profile that hold settings, not documents.
var profileFolders = []string{
	"appdata", "application data", "local settings", "nethood", "printhood", "recent",
	"sendto", "templates", "cookies", "start menu",
}

func (l *docList) user(sc *scope) {
	l.extra = l.ev.installedFolders(`HKU\`+sc.ctx.ID, sc)
	for _, name := range []string{
		"CSIDL_MYDOCUMENTS", "CSIDL_MYPICTURES", "FOLDERID_OriginalImages", "CSIDL_MYMUSIC", "CSIDL_MYVIDEO",
		"CSIDL_FAVORITES", "CSIDL_DESKTOP", "CSIDL_QUICKLAUNCH", "FOLDERID_Contacts", "FOLDERID_Libraries",
		"FOLDERID_Downloads", "FOLDERID_SavedGames", "FOLDERID_RecordedTV",
	} {
		l.known(name, sc)
	}
	b, ok := sc.lookup("USERPROFILE")
	if !ok {
		return
	}
	profile := cleanNode(b.plain)
	l.take(profile, "*")
	for _, leaf := range []string{"ntuser.*", "usrclass.*"} {
		l.leave(profile, leaf)
	}
	l.hiddenFiles(profile)
	for _, e := range l.ev.platform.ReadDir(profile) {
		path := profile + `\` + e.Name
		switch {
		case !e.Dir:
		case slices.Contains(profileFolders, strings.ToLower(e.Name)):
			if !e.Reparse && !(e.Hidden && e.System) {
				l.leave(path+`\*`, "*")
			}
		case l.apart(e, path):
		default:
			l.folder(path, true)
		}
	}
}

// known takes a folder that a variable names.
func (l *docList) known(name string, sc *scope) {
	if b, ok := sc.lookup(name); ok && b.plain != "" {
		l.take(b.plain+`\*`, "*")
		l.hiddenFiles(cleanNode(b.plain))
	}
}

// folder takes a tree unless an application lies in it; of one around an
// application it takes the files and, at the first level, the other folders.
func (l *docList) folder(path string, deeper bool) {
	folded := winname.Fold(path)
	inside := false
	for _, dirs := range [][]string{l.ev.docs.installed, l.extra} {
		for _, dir := range dirs {
			if dir == folded {
				l.leave(path+`\*`, "*")
				l.skip(path, "an application is installed in it")
				return
			}
			inside = inside || strings.HasPrefix(dir, folded+`\`)
		}
	}
	switch {
	case !inside:
		l.take(path+`\*`, "*")
		l.hiddenFiles(path)
	case deeper:
		l.take(path, "*")
		l.hiddenFiles(path)
		for _, e := range l.ev.platform.ReadDir(path) {
			if within := path + `\` + e.Name; e.Dir && !l.apart(e, within) {
				l.folder(within, false)
			}
		}
	default:
		l.leave(path+`\*`, "*")
		l.skip(path, "an application is installed further down in it")
	}
}

// programs takes documents that lie beside applications: below the folder of an
// application in Program Files, the file types it is registered to open. What
// belongs to another application further down is left.
func (l *docList) programs(sc *scope) {
	var roots []string
	for _, name := range []string{"PROGRAMFILES", "PROGRAMFILES(X86)"} {
		if b, ok := sc.lookup(name); ok {
			roots = append(roots, winname.Fold(cleanNode(b.plain))+`\`)
		}
	}
	const classes = `HKLM\SOFTWARE\Classes`
	for _, ext := range l.ev.platform.Subkeys(classes) {
		if !strings.HasPrefix(ext, ".") || !l.ev.spend(1) {
			continue
		}
		v, _ := l.ev.platform.Value(classes+`\`+ext, "")
		v, _ = l.ev.platform.Value(classes+`\`+firstString(v)+`\shell\open\command`, "")
		command := firstString(v)
		if expanded, err := sc.expand(command); err == nil {
			command = expanded
		}
		exe := winname.Fold(executable(command))
		home := ""
		for _, dir := range l.ev.docs.installed {
			if strings.HasPrefix(exe, dir+`\`) && len(dir) > len(home) {
				home = dir
			}
		}
		if slices.ContainsFunc(roots, func(r string) bool { return strings.HasPrefix(home, r) }) {
			l.take(home+`\*`, "*"+ext)
			for _, dir := range l.ev.docs.installed {
				if strings.HasPrefix(dir, home+`\`) {
					l.leave(dir+`\*`, "*"+ext)
				}
			}
		}
	}
}

// hiddenFiles leaves the files of a folder that are both hidden and system.
func (l *docList) hiddenFiles(path string) {
	if l.include {
		return
	}
	for _, e := range l.ev.platform.ReadDir(root(path)) {
		if !l.ev.spend(1) {
			return
		}
		if !e.Dir && e.Hidden && e.System {
			l.leave(path, e.Name)
		}
	}
}

// installedFolders collects the folders that the registry names as those of
// applications and services, below a hive's root. Drive roots, the Windows
// folder and the profiles' own folders are none.
func (ev *evaluator) installedFolders(hive string, sc *scope) []string {
	var list []string
	seen := map[string]bool{}
	add := func(text string) {
		if expanded, err := sc.expand(text); err == nil {
			text = expanded
		}
		dir := winname.Fold(ev.longPath(cleanNode(strings.Trim(text, `" `))))
		if len(dir) > 3 && dir[1] == ':' && ev.spend(1) && !seen[dir] {
			seen[dir] = true
			list = append(list, dir)
		}
	}
	for _, software := range []string{`\SOFTWARE`, `\SOFTWARE\Wow6432Node`} {
		current := hive + software + `\Microsoft\Windows\CurrentVersion`
		for _, key := range ev.platform.Subkeys(current + `\Uninstall`) {
			if v, ok := ev.platform.Value(current+`\Uninstall\`+key, "InstallLocation"); ok {
				add(firstString(v))
			}
		}
		for _, key := range ev.platform.Subkeys(current + `\App Paths`) {
			if v, ok := ev.platform.Value(current+`\App Paths\`+key, ""); ok {
				dir, _ := winname.Split(cutSpec(firstString(v), ""))
				add(dir)
			}
		}
	}
	services := hive + `\SYSTEM\CurrentControlSet\Services`
	for _, key := range ev.platform.Subkeys(services) {
		v, ok := ev.platform.Value(services+`\`+key, "ImagePath")
		if !ok {
			continue
		}
		dir, _ := winname.Split(executable(firstString(v)))
		add(dir)
	}
	return list
}

func firstString(v Value) string {
	if s := v.Strings(); len(s) > 0 {
		return s[0]
	}
	return ""
}

// executable takes the program off the front of a command line.
func executable(command string) string {
	if i := strings.Index(strings.ToLower(command), ".exe"); i >= 0 && !strings.HasPrefix(command, `"`) {
		command = command[:i+4]
	}
	return cutSpec(command, "")
}
