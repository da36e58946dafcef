package rules_test

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"lifeboat/engine/migxml"
	"lifeboat/engine/migxml/migxmltest"
	"lifeboat/engine/rules"
)

const (
	sid     = "S-1-5-21-1-2-3-1001"
	profile = `C:\Users\anna`
	roaming = profile + `\AppData\Roaming`
	local   = profile + `\AppData\Local`
	hkcu    = `HKU\` + sid
)

// samples has, for each component, objects that it takes (+) and such that no
// component of the shipped rules may take (-). A registry value is written with
// its name in brackets, everything else is a file.
var samples = map[string][]string{
	"Documents":       {`+D:\Docs\letter.doc`, `+D:\Docs\a\b\c.txt`, `+~\Documents\left behind.doc`, `-D:\other.txt`},
	"Desktop":         {`+~\Desktop\note.txt`, `+~\Desktop\App.lnk`},
	"Pictures":        {`+~\Pictures\2020\p.jpg`},
	"Downloads":       {`+~\Downloads\setup.exe`},
	"OneDrive folder": {`+~\OneDrive\a.doc`, `+~\OneDrive - Contoso\b.doc`},
	"Videos":          {`+~\Videos\v.mp4`},
	"Music":           {`+~\Music\m.mp3`},
	"Favorites":       {`+~\Favorites\Links\x.url`},
	"Contacts":        {`+~\Contacts\x.contact`},
	"Links":           {`+~\Links\Desktop.lnk`},
	"Saved Games":     {`+~\Saved Games\g\1.sav`},
	"Searches":        {`+~\Searches\x.search-ms`},
	"Public folders": {`+C:\Users\Public\Documents\d.doc`, `+C:\Users\Public\Desktop\a.lnk`, `+C:\Users\Public\Downloads\z.zip`,
		`-C:\Users\Public\AccountPictures\x.png`, `-C:\root.txt`, `-C:\Users\bob\Documents\b.doc`, `-~\NTUSER.DAT`, `-~\AppData\Local\Temp\t.tmp`},

	"Mail: Outlook data files": {`+%LOCAL%\Microsoft\Outlook\anna.pst`, `+%LOCAL%\Microsoft\Outlook\RoamCache\Stream_Autocomplete_0_A.dat`, `+E:\Archive\old.pst`,
		`-%LOCAL%\Microsoft\Outlook\anna.ost`, `-E:\Archive\other.pst`},
	"Mail: Outlook accounts, rules and signatures": {`+%ROAMING%\Microsoft\Signatures\mine.htm`, `+%ROAMING%\Microsoft\Outlook\Outlook.xml`,
		`+HKCU\Software\Microsoft\Office\16.0\Outlook\Profiles\Outlook\9375 [001f6700]`, `-HKCU\Software\Microsoft\Office\16.0\Outlook\Resiliency\x [y]`},
	"Mail: Thunderbird":                        {`+%ROAMING%\Thunderbird\profiles.ini`, `+%ROAMING%\Thunderbird\Profiles\x.default\Mail\Inbox`, `-%ROAMING%\Thunderbird\Profiles\x.default\cache2\e`},
	"Mail: Windows Mail and Windows Live Mail": {`+%LOCAL%\Microsoft\Windows Live Mail\m.eml`},
	"Mail: Outlook Express":                    {`+%LOCAL%\Identities\{1}\Microsoft\Outlook Express\Inbox.dbx`, `+HKCU\Identities\{1} [Username]`},

	"Browsers: Google Chrome": {`+%LOCAL%\Google\Chrome\User Data\Local State`, `+%LOCAL%\Google\Chrome\User Data\Default\Bookmarks`, `+%LOCAL%\Google\Chrome\User Data\Profile 1\History`,
		`-%LOCAL%\Google\Chrome\User Data\Default\Cache\Cache_Data\f_1`, `-%LOCAL%\Google\Chrome\User Data\Default\Service Worker\CacheStorage\x\y`, `-%LOCAL%\Google\Chrome\User Data\ShaderCache\data_0`},
	"Browsers: Microsoft Edge":             {`+%LOCAL%\Microsoft\Edge\User Data\Default\Bookmarks`, `-%LOCAL%\Microsoft\Edge\User Data\Default\Code Cache\js\x`},
	"Browsers: Mozilla Firefox":            {`+%ROAMING%\Mozilla\Firefox\profiles.ini`, `+%ROAMING%\Mozilla\Firefox\Profiles\x.default\places.sqlite`, `-%ROAMING%\Mozilla\Firefox\Profiles\x.default\startupCache\s`, `-%LOCAL%\Mozilla\Firefox\Profiles\x.default\cache2\e`},
	"Browsers: Brave":                      {`+%LOCAL%\BraveSoftware\Brave-Browser\User Data\Default\Bookmarks`, `-%LOCAL%\BraveSoftware\Brave-Browser\User Data\Default\Cache\x`, `-%LOCAL%\BraveSoftware\Brave-Browser\User Data\Default\GPUCache\x`},
	"Browsers: Vivaldi":                    {`+%LOCAL%\Vivaldi\User Data\Default\Bookmarks`, `-%LOCAL%\Vivaldi\User Data\Default\Code Cache\js\x`},
	"Browsers: Opera":                      {`+%ROAMING%\Opera Software\Opera Stable\Bookmarks`, `-%ROAMING%\Opera Software\Opera Stable\GPUCache\x`},
	"Browsers: Chromium":                   {`+%LOCAL%\Chromium\User Data\Default\Bookmarks`, `-%LOCAL%\Chromium\User Data\Default\Cache\x`},
	"Browsers: Internet Explorer settings": {`+HKCU\Software\Microsoft\Internet Explorer\Main [Start Page]`, `+HKCU\Software\Microsoft\Windows\CurrentVersion\Internet Settings [ProxyServer]`},

	"Office: templates, dictionaries and building blocks": {`+%ROAMING%\Microsoft\Templates\Normal.dotm`, `+%ROAMING%\Microsoft\UProof\CUSTOM.DIC`, `+%ROAMING%\Microsoft\Word\rescued.asd`},
	"Office: unsaved documents":                           {`+%LOCAL%\Microsoft\Office\UnsavedFiles\Document1.asd`},
	"Office: options and toolbars": {`+HKCU\Software\Microsoft\Office\16.0\Word\Options [DOC-PATH]`, `+%LOCAL%\Microsoft\Office\Word.officeUI`,
		`-HKCU\Software\Microsoft\Office\16.0\Common\Identity\x [y]`, `-%LOCAL%\Microsoft\Office\16.0\OfficeFileCache\f`},
	"Office: OneNote settings and backups": {`+%ROAMING%\Microsoft\OneNote\16.0\Preferences.dat`, `+%LOCAL%\Microsoft\OneNote\16.0\Backup\b.one`, `-%LOCAL%\Microsoft\OneNote\16.0\cache\c.bin`},
	"Office: LibreOffice":                  {`+%ROAMING%\LibreOffice\4\user\registrymodifications.xcu`, `-%ROAMING%\LibreOffice\4\cache\x`},
	"Office: Adobe Acrobat and Reader":     {`+%ROAMING%\Adobe\Acrobat\DC\Security\me.pfx`, `+HKCU\Software\Adobe\Acrobat Reader\DC\Originals [x]`, `-%ROAMING%\Adobe\Acrobat\DC\SharedDataEvents`},

	"Notes: Sticky Notes":                                {`+%LOCAL%\Packages\Microsoft.MicrosoftStickyNotes_8wekyb3d8bbwe\LocalState\plum.sqlite`, `+%ROAMING%\Microsoft\Sticky Notes\StickyNotes.snt`, `-%LOCAL%\Packages\Microsoft.MicrosoftStickyNotes_8wekyb3d8bbwe\AC\x`},
	"Notes: Notepad, tabs not yet saved":                 {`+%LOCAL%\Packages\Microsoft.WindowsNotepad_8wekyb3d8bbwe\LocalState\TabState\1.bin`},
	"Editors: Notepad++":                                 {`+%ROAMING%\Notepad++\backup\new 1@2020`},
	"Editors: Visual Studio Code":                        {`+%ROAMING%\Code\User\settings.json`, `+%ROAMING%\Code\Backups\x`, `-%ROAMING%\Code\User\workspaceStorage\1\s`, `-%ROAMING%\Code\CachedData\x`, `-~\.vscode\extensions\big\x.js`},
	"Developer: Git and SSH keys":                        {`+~\.gitconfig`, `+~\.ssh\id_ed25519`, `-~\.bash_history`},
	"Developer: Windows Terminal and PowerShell history": {`+%LOCAL%\Packages\Microsoft.WindowsTerminal_8wekyb3d8bbwe\LocalState\settings.json`, `+%ROAMING%\Microsoft\Windows\PowerShell\PSReadLine\ConsoleHost_history.txt`},
	"Remote access: PuTTY":                               {`+HKCU\Software\SimonTatham\PuTTY\Sessions\host [HostName]`},
	"Remote access: WinSCP":                              {`+HKCU\Software\Martin Prikryl\WinSCP 2\Sessions\host [HostName]`, `+%ROAMING%\WinSCP.ini`, `-HKCU\Software\Martin Prikryl\WinSCP 2\Configuration\CDCache [x]`},
	"Remote access: FileZilla":                           {`+%ROAMING%\FileZilla\sitemanager.xml`},
	"Remote access: Remote Desktop":                      {`+HKCU\Software\Microsoft\Terminal Server Client\Servers\srv [UsernameHint]`},
	"Passwords: KeePass settings":                        {`+%ROAMING%\KeePass\KeePass.config.xml`},
	"Meetings: Teams backgrounds":                        {`+%ROAMING%\Microsoft\Teams\Backgrounds\Uploads\b.png`, `+%LOCAL%\Packages\MSTeams_8wekyb3d8bbwe\LocalCache\Microsoft\MSTeams\Backgrounds\Uploads\c.png`, `-%LOCAL%\Packages\MSTeams_8wekyb3d8bbwe\LocalCache\Microsoft\MSTeams\EBWebView\x`, `-%ROAMING%\Microsoft\Teams\Cache\x`},
	"Meetings: Zoom settings and backgrounds":            {`+%ROAMING%\Zoom\data\zoomus.db`, `-%ROAMING%\Zoom\data\x\cache\y`},
	"Phones: iPhone and iPad backups":                    {`+%ROAMING%\Apple Computer\MobileSync\Backup\0\Manifest.db`},
	"Media: VLC":                                         {`+%ROAMING%\vlc\vlcrc`, `-%ROAMING%\vlc\art\a.jpg`},
	"Tools: 7-Zip":                                       {`+HKCU\Software\7-Zip\Options [x]`},

	"Windows: mapped network drives":                     {`+HKCU\Network\Z [RemotePath]`},
	"Windows: network printers":                          {`+HKCU\Printers\Connections\,,srv,p1 [Server]`, `-HKLM\SYSTEM\CurrentControlSet\Control\Print\Printers\p [x]`},
	"Windows: network shortcuts":                         {`+%ROAMING%\Microsoft\Windows\Network Shortcuts\srv\target.lnk`},
	"Windows: fonts installed by the user":               {`+%LOCAL%\Microsoft\Windows\Fonts\f.ttf`, `+HKCU\Software\Microsoft\Windows NT\CurrentVersion\Fonts [F]`},
	"Windows: wallpaper, colours and screen saver":       {`+HKCU\Control Panel\Desktop [Wallpaper]`, `+E:\wall.jpg`, `-E:\other.jpg`, `-HKCU\Control Panel\Desktop\WindowMetrics [x]`},
	"Windows: mouse, keyboard and cursors":               {`+HKCU\Control Panel\Mouse [SwapMouseButtons]`, `+HKCU\Keyboard Layout\Preload [1]`},
	"Windows: accessibility":                             {`+HKCU\Control Panel\Accessibility\StickyKeys [Flags]`},
	"Windows: region and language":                       {`+HKCU\Control Panel\International [LocaleName]`},
	"Windows: Explorer and folder options":               {`+HKCU\Software\Microsoft\Windows\CurrentVersion\Explorer\Advanced [Hidden]`, `+%ROAMING%\Microsoft\Windows\Recent\AutomaticDestinations\f01b4d95cf55d32a.automaticDestinations-ms`, `-%ROAMING%\Microsoft\Windows\Recent\x.lnk`, `-HKCU\Software\Microsoft\Windows\CurrentVersion\Explorer\RunMRU [a]`},
	"Windows: taskbar and Start menu":                    {`+%ROAMING%\Microsoft\Windows\Start Menu\Programs\x.lnk`, `+%ROAMING%\Microsoft\Internet Explorer\Quick Launch\User Pinned\TaskBar\y.lnk`},
	"Windows: environment variables of the user":         {`+HKCU\Environment [GOPATH]`, `-HKCU\Environment [TEMP]`},
	"Windows: console windows":                           {`+HKCU\Console [FaceName]`},
	"Windows: spelling dictionaries":                     {`+%ROAMING%\Microsoft\Spelling\de-DE\default.dic`},
	"Windows: VPN and dial-up connections":               {`+%ROAMING%\Microsoft\Network\Connections\Pbk\rasphone.pbk`},
	"Windows: VPN and dial-up connections for all users": {`+C:\ProgramData\Microsoft\Network\Connections\Pbk\rasphone.pbk`},
	"Windows: Wi-Fi networks":                            {`+C:\ProgramData\Microsoft\Wlansvc\Profiles\Interfaces\{1}\{2}.xml`},
	"Windows: personal certificates":                     {`+%ROAMING%\Microsoft\SystemCertificates\My\Certificates\AB`, `+%ROAMING%\Microsoft\Crypto\RSA\S\k`, `-%ROAMING%\Microsoft\Credentials\c`},
	"Windows: data sources (ODBC)":                       {`+HKCU\Software\ODBC\ODBC.INI\db [Driver]`},
	"Windows: data sources (ODBC) of the machine":        {`+HKLM\SOFTWARE\ODBC\ODBC.INI\db [Driver]`, `-HKLM\SOFTWARE\ODBC\ODBCINST.INI\x [y]`},

	"Older: Lotus Notes":         {`+%LOCAL%\Lotus\Notes\Data\names.nsf`, `+%LOCAL%\Lotus\Notes\Data\user.id`, `-%LOCAL%\Lotus\Notes\Data\cache.ndk`},
	"Older: Eudora":              {`+%ROAMING%\Qualcomm\Eudora\In.mbx`},
	"Older: SeaMonkey":           {`+%ROAMING%\Mozilla\SeaMonkey\Profiles\x.default\bookmarks.html`, `-%ROAMING%\Mozilla\SeaMonkey\Profiles\x.default\Cache\1`},
	"Older: Opera with its mail": {`+%LOCAL%\Opera\Opera\mail\store\1.mbs`, `+%ROAMING%\Opera\Opera\bookmarks.adr`},
	"Older: Safari":              {`+%ROAMING%\Apple Computer\Safari\Bookmarks.plist`, `-%ROAMING%\Apple Computer\Safari\Icons.db`},
	"Older: Skype":               {`+%ROAMING%\Skype\anna\main.db`, `-%ROAMING%\Skype\anna\media_messaging\cache`},
	"Older: Pidgin":              {`+%ROAMING%\.purple\logs\icq\1.html`},
	"Older: Winamp":              {`+%ROAMING%\Winamp\winamp.ini`},
}

var places = strings.NewReplacer(`~\`, profile+`\`, "%ROAMING%", roaming, "%LOCAL%", local, `HKCU\`, hkcu+`\`)

// object parts a sample into what the PC needs and how Taken lists it.
func object(sample string) (node, leaf string, value bool) {
	s := places.Replace(sample[1:])
	if strings.HasPrefix(s, "HK") {
		node, leaf, _ = strings.Cut(s, " [")
		return node, strings.TrimSuffix(leaf, "]"), true
	}
	i := strings.LastIndexByte(s, '\\')
	return s[:i], s[i+1:], false
}

func samplePC(t *testing.T) *migxmltest.PC {
	t.Helper()
	pc := migxmltest.New()
	pc.Drive("D:", migxml.Fixed)
	pc.Drive("E:", migxml.Fixed)
	for component, list := range samples {
		for _, s := range list {
			switch node, leaf, value := object(s); {
			case !value:
				pc.File(node + `\` + leaf)
			case leaf == "Wallpaper":
				pc.SetValue(node, leaf, `E:\wall.jpg`)
			case leaf == "001f6700":
				pc.SetValue(node, leaf, migxmltest.UTF16("E:\\Archive\\old.pst\x00"))
			default:
				pc.SetValue(node, leaf, component)
			}
		}
	}
	return pc
}

func sampleContexts() []migxml.Context {
	machine := map[string]string{
		"WINDIR": `C:\Windows`, "PROFILESFOLDER": `C:\Users`, "CSIDL_COMMON_APPDATA": `C:\ProgramData`,
		"CSIDL_COMMON_DOCUMENTS": `C:\Users\Public\Documents`, "CSIDL_COMMON_DESKTOPDIRECTORY": `C:\Users\Public\Desktop`,
		"CSIDL_COMMON_FAVORITES": `C:\Users\Public\Favorites`, "CSIDL_COMMON_PICTURES": `C:\Users\Public\Pictures`, "CSIDL_COMMON_MUSIC": `C:\Users\Public\Music`,
		"CSIDL_COMMON_VIDEO": `C:\Users\Public\Videos`, "FOLDERID_PUBLICDOWNLOADS": `C:\Users\Public\Downloads`,
	}
	user := map[string]string{
		"USERPROFILE": profile, "CSIDL_PERSONAL": `D:\Docs`, "CSIDL_DESKTOPDIRECTORY": profile + `\Desktop`,
		"CSIDL_MYPICTURES": profile + `\Pictures`, "CSIDL_MYVIDEO": profile + `\Videos`, "CSIDL_MYMUSIC": profile + `\Music`,
		"CSIDL_FAVORITES": profile + `\Favorites`, "CSIDL_CONTACTS": profile + `\Contacts`, "CSIDL_DOWNLOADS": profile + `\Downloads`,
		"FOLDERID_LINKS": profile + `\Links`, "FOLDERID_SAVEDGAMES": profile + `\Saved Games`,
		"CSIDL_APPDATA": roaming, "CSIDL_LOCAL_APPDATA": local,
		"CSIDL_NETHOOD": roaming + `\Microsoft\Windows\Network Shortcuts`, "CSIDL_SENDTO": roaming + `\Microsoft\Windows\SendTo`,
		"CSIDL_STARTMENU": roaming + `\Microsoft\Windows\Start Menu`,
	}
	for k, v := range machine {
		user[k] = v
	}
	return []migxml.Context{{ID: "System", System: true, Vars: machine}, {ID: sid, Name: `PC\anna`, Vars: user}}
}

func parseAll(t *testing.T) []*migxml.File {
	t.Helper()
	var files []*migxml.File
	for _, f := range rules.Default() {
		parsed, diags, err := migxml.Parse(f.Name, f.Data)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range diags {
			t.Error(d)
		}
		files = append(files, parsed)
	}
	return files
}

func TestEveryComponentTakesItsSamples(t *testing.T) {
	pc := samplePC(t)
	program, diags, err := migxml.Compile(parseAll(t), sampleContexts(), pc)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range diags {
		if d.Severity > migxml.Debug {
			t.Error(d)
		}
	}
	all := pc.Taken(program, nil)
	tested := map[string]bool{}
	for _, u := range program.Units() {
		list, ok := samples[u.Component]
		if !ok {
			t.Errorf("component %q has no sample", u.Component)
			continue
		}
		tested[u.Component] = true
		taken := pc.Taken(program, func(o migxml.Unit) bool { return o.Index == u.Index })
		for _, s := range list {
			node, leaf, _ := object(s)
			listed := node + " [" + leaf + "]"
			if s[0] == '+' && !slices.Contains(taken, listed) {
				t.Errorf("%s does not take %s", u.Component, s[1:])
			}
			if s[0] == '-' && slices.Contains(all, listed) {
				t.Errorf("%s is taken, beside %s", s[1:], u.Component)
			}
		}
	}
	for name := range samples {
		if !tested[name] {
			t.Errorf("sample %q belongs to no component", name)
		}
	}
}

// Each sample is taken where it is all there is of an application: a detection
// that asks for more than what it guards leaves things behind.
func TestEverySampleIsEnough(t *testing.T) {
	files := parseAll(t)
	for component, list := range samples {
		for _, s := range list {
			node, leaf, value := object(s)
			switch {
			case s[0] != '+', leaf == "Wallpaper", strings.HasPrefix(node, "E:"): // needs what names it
				continue
			case component == "Windows: fonts installed by the user" && value, component == "Mail: Outlook Express" && value:
				continue // means nothing without the files
			}
			pc := migxmltest.New()
			pc.Drive("D:", migxml.Fixed)
			if value {
				pc.SetValue(node, leaf, component)
			} else {
				pc.File(node + `\` + leaf)
			}
			program, _, err := migxml.Compile(files, sampleContexts(), pc)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(pc.Taken(program, nil), node+" ["+leaf+"]") {
				t.Errorf("%s is not detected by %s alone", component, s[1:])
			}
		}
	}
}

// Applications that are not there are no units, so the checklist stays short.
func TestEmptyProfile(t *testing.T) {
	pc := migxmltest.New()
	pc.Dir(profile)
	program, _, err := migxml.Compile(parseAll(t), sampleContexts(), pc)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range program.Units() {
		if u.Type != "Documents" {
			t.Errorf("%s is detected in an empty profile", u.Component)
		}
	}
	if taken := pc.Taken(program, nil); len(taken) != 0 {
		t.Errorf("taken: %v", taken)
	}
}

// A user whose Documents are his whole profile, which happens, must not hand
// over his caches with them.
func TestDocumentsAreTheProfile(t *testing.T) {
	pc := migxmltest.New()
	pc.File(profile+`\letter.doc`, local+`\Temp\t.tmp`)
	ctx := sampleContexts()
	ctx[1].Vars["CSIDL_PERSONAL"] = profile
	program, _, err := migxml.Compile(parseAll(t), ctx, pc)
	if err != nil {
		t.Fatal(err)
	}
	taken := pc.Taken(program, nil)
	if !slices.Contains(taken, profile+` [letter.doc]`) || slices.Contains(taken, local+`\Temp [t.tmp]`) {
		t.Errorf("taken: %v", taken)
	}
}

func TestDefaultIsComplete(t *testing.T) {
	files := rules.Default()
	onDisk, err := fs.Glob(os.DirFS("."), "*.xml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range onDisk {
		if !slices.ContainsFunc(files, func(f rules.File) bool { return f.Name == name }) {
			t.Errorf("%s is not among the default files", name)
		}
	}
	if files[0].Name != "lifeboat-documents.xml" {
		t.Errorf("%s is saved before the documents", files[0].Name)
	}
}
