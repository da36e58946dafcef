package usmt

import (
	"fmt"
	"strings"

	"lifeboat/engine/winname"
)

// Cipher is an encryption algorithm by its USMT name; "" means none.
type Cipher string

// The algorithms. AES leaves the strength open and counts as AES_256.
const (
	AES           Cipher = "AES"
	AES128        Cipher = "AES_128"
	AES192        Cipher = "AES_192"
	AES256        Cipher = "AES_256"
	TripleDES     Cipher = "3DES" // USMT's default
	TripleDES112  Cipher = "3DES_112"
	defaultCipher        = TripleDES
)

// Ciphers lists the algorithms in the order of the documentation.
func Ciphers() []Cipher {
	return []Cipher{AES, AES128, AES192, AES256, TripleDES, TripleDES112}
}

// EFS says what to do with files that Windows encrypted.
type EFS string

// The choices of /efs.
const (
	EFSAbort       EFS = "abort"
	EFSSkip        EFS = "skip"
	EFSDecryptCopy EFS = "decryptcopy"
	EFSCopyRaw     EFS = "copyraw"
	EFSHardLink    EFS = "hardlink"
)

// Common is what the command lines of ScanState and LoadState share.
type Common struct {
	Help      bool   // /? was given; nothing else counts
	StorePath string // the folder that holds USMT

	NoCompress bool
	HardLink   bool
	Cipher     Cipher // /encrypt or /decrypt
	Key        string
	KeyFile    string
	Identity   string // Lifeboat's own: an identity file of age, for a store locked with a team key

	Rules   []string // /i
	Config  string
	Auto    bool
	AutoDir string // "" is the folder of the program

	Log       string
	Verbosity int // bits of /v; see Level
	Progress  string
	Continue  bool // /c
	Retries   int  // /r
	Wait      int  // /w, seconds
	JSON      bool // Lifeboat's own: the result as JSON on standard output

	Users Selection
}

// Bits of the log level.
const (
	Verbose = 1 << iota
	_
	RecordObjects
	EchoToDebugger
)

// Level is the log level in effect: /auto stands for /v:5 among others.
func (c *Common) Level() int {
	if c.Auto {
		return Verbose | RecordObjects
	}
	return c.Verbosity
}

func newCommon(log string) Common {
	return Common{Log: log, Retries: 3, Wait: 1}
}

// ScanState is a parsed ScanState command line.
type ScanState struct {
	Common

	Overwrite bool // /o
	VSC       bool
	EFS       EFS

	Offline       string // an Offline.xml
	OfflineWinDir string
	OfflineWinOld string

	// Lifeboat's own: what opens a volume that BitLocker locks. The first two are
	// the secret itself, @file to read it from, or - to ask for it.
	RecoveryPassword string
	Passphrase       string
	StartupKey       string // a .BEK file
	Reader           string // how a mounted volume is read: auto, raw, mounted

	Recipients []string // Lifeboat's own: the team's keys to lock the store with, age1… or @file

	GenConfig     string
	GenMigXML     string
	LocalOnly     bool
	TargetWindows []string // older targets, without effect: "windows7"

	Estimate     bool // /p
	EstimateFile string
	ListFiles    string
}

// NewScanState is a command line with nothing on it but defaults.
func NewScanState() *ScanState {
	return &ScanState{Common: newCommon("ScanState.log"), EFS: EFSAbort, Reader: "auto"}
}

// ParseScanState reads a ScanState command line, program name not included.
func ParseScanState(args []string, sys System) (*ScanState, error) {
	s := NewScanState()
	l, help, err := parse("scanstate", sys, s.options(), args)
	if err != nil {
		return nil, err
	}
	if help {
		s = NewScanState()
		s.Help = true
		return s, nil
	}
	_, genConfig := l.given["genconfig"]
	_, genMigXML := l.given["genmigxml"]
	if s.StorePath, err = l.store(!genConfig && !genMigXML); err != nil {
		return nil, err
	}
	if err := l.check(scanRules); err != nil {
		return nil, err
	}
	if err := l.outsideStore(s.StorePath); err != nil {
		return nil, err
	}
	return s, nil
}

// Args lists the words that ParseScanState would read as s.
func (s *ScanState) Args() []string { return withStore(s.StorePath, render(s.options())) }

// CommandLine is the command line equal to s, for people to read: keys are
// hidden, so it cannot be run as it is when there is one.
func (s *ScanState) CommandLine(sys System) string {
	return commandLine("scanstate", sys, s.options(), s.Args())
}

// Notes lists what was accepted and has no effect, in words.
func (s *ScanState) Notes() []string {
	notes := s.Users.notes()
	if s.VSC {
		notes = append(notes, "/vsc has no effect: nothing locks the files of a Windows that is not running")
	}
	for _, t := range s.TargetWindows {
		notes = append(notes, "/target"+t+" has no effect: a store fits every later Windows")
	}
	return notes
}

func (s *ScanState) options() []option {
	return append([]option{
		{name: "o", value: flag{&s.Overwrite},
			help: "Replaces a store or an output file that exists. Without it such a thing is left alone and the run ends."},
		{name: "nocompress", value: flag{&s.NoCompress},
			help: "Writes plain files that can be opened in Explorer instead of one compressed store."},
		{name: "hardlink", value: flag{&s.HardLink},
			help: "Links the files instead of copying them. Only on the volume they are on, and with /nocompress."},
		{name: "encrypt", arity: optional, form: "AES|AES_128|AES_192|AES_256|3DES|3DES_112", value: cipher(&s.Cipher),
			help: "Encrypts the store with a key given by /key or /keyfile. Alone it stands for 3DES, as in USMT; Lifeboat's store always uses a modern cipher."},
		{name: "key", arity: required, form: "string", value: text{p: &s.Key},
			help: "The key, up to 256 characters."},
		{name: "keyfile", arity: required, form: "file", value: text{p: &s.KeyFile},
			help: "A text file that holds the key."},
		{name: "recipient", arity: required, many: true, form: "age1...|@file", value: list{p: &s.Recipients},
			help: "Locks the store with the public key of a team, or those in a file: only who holds the secret half can open it. May be given more than once. (Lifeboat only)"},
		{name: "identity", arity: required, form: "file", value: text{p: &s.Identity},
			help: "The identity file of age that opens a store locked with a team key; if the file has a passphrase, it is asked for. (Lifeboat only)"},
		{name: "vsc", value: flag{&s.VSC},
			help: "Accepted for old scripts. Files of a Windows that is not running are never locked."},
		{name: "efs", arity: required, form: "abort|skip|decryptcopy|copyraw|hardlink",
			value: choice[EFS]{p: &s.EFS, words: []EFS{EFSAbort, EFSSkip, EFSDecryptCopy, EFSCopyRaw, EFSHardLink}, fallback: EFSAbort},
			help:  "What to do with files that Windows encrypted. abort, the default, saves nothing if there are any; skip leaves them behind with a list; copyraw takes them as they are, with their keys; decryptcopy needs a running Windows."},

		{name: "offlineWinDir", alias: "offlineDir", arity: required, form: "folder", value: text{p: &s.OfflineWinDir},
			help: "The Windows folder to save from, for instance D:\\Windows. A disk or an image of one will do too."},
		{name: "offlineWinOld", arity: required, form: "folder", value: text{p: &s.OfflineWinOld},
			help: "A Windows.old folder to save from."},
		{name: "offline", arity: required, form: "file.xml", value: text{p: &s.Offline},
			help: "A file that lists Windows folders to try and the drive letters they had."},

		{name: "recoveryPassword", alias: "recovery-password", arity: required, form: "digits|@file|-", value: text{p: &s.RecoveryPassword},
			help: "Opens a volume that BitLocker locks with the 48 digits of its recovery password, or those in a file; - asks for them. (Lifeboat only)"},
		{name: "passphrase", arity: required, form: "text|@file|-", value: text{p: &s.Passphrase},
			help: "Opens a volume that BitLocker locks with the password its user chose. (Lifeboat only)"},
		{name: "bek", arity: required, form: "file", value: text{p: &s.StartupKey},
			help: "Opens a volume that BitLocker locks with a startup key. (Lifeboat only)"},
		{name: "reader", arity: required, form: "auto|raw|mounted", value: choice[string]{p: &s.Reader, words: []string{"auto", "raw", "mounted"}, fallback: "auto"},
			help: "How a mounted volume is read: from its device, or as the system shows it. Default: auto. (Lifeboat only)"},

		{name: "genconfig", arity: required, form: "file.xml", value: text{p: &s.GenConfig},
			help: "Writes a Config.xml that lists what could be saved, and saves nothing."},
		{name: "genmigxml", arity: required, form: "file.xml", value: text{p: &s.GenMigXML},
			help: "Looks for documents and writes a rule file that names them, and saves nothing."},
		{name: "localonly", value: flag{&s.LocalOnly},
			help: "Takes nothing from drives that can be unplugged, whatever the rules say."},
		{name: "targetwindows8", value: member{&s.TargetWindows, "windows8"},
			help: "Accepted for old scripts. A store fits every later Windows."},
		{name: "targetwindows7", value: member{&s.TargetWindows, "windows7"},
			help: "Accepted for old scripts, as are /targetvista and /targetxp."},
		{name: "targetvista", value: member{&s.TargetWindows, "vista"}},
		{name: "targetxp", value: member{&s.TargetWindows, "xp"}},

		{name: "p", arity: optional, form: "file.xml", value: switchText{&s.Estimate, &s.EstimateFile},
			help: "Finds out how large the store will be, and saves nothing. It reads and compresses all files, and takes as long as a save."},
		{name: "listfiles", arity: required, form: "file", value: text{p: &s.ListFiles},
			help: "Writes the path of every file that is saved."},
	}, s.Common.options("ScanState.log")...)
}

// options are those that both tools have.
func (c *Common) options(log string) []option {
	return append([]option{
		{name: "i", arity: required, many: true, form: "file.xml", value: list{p: &c.Rules},
			help: "A rule file. May be given more than once; the order does not matter."},
		{name: "config", arity: required, form: "file.xml", value: text{p: &c.Config},
			help: "A Config.xml, to leave out components and to set policies."},
		{name: "auto", arity: optional, form: "folder", value: switchText{&c.Auto, &c.AutoDir},
			help: "Stands for /i:MigDocs.xml /i:MigApp.xml /v:5 with the files of that folder."},
		{name: "l", arity: required, form: "file", value: text{&c.Log, log},
			help: "The log file. Default: " + log + " in the current folder. Not inside the folder USMT of the store."},
		{name: "v", arity: required, form: "n", value: number{&c.Verbosity, 0, 15},
			help: "The log's level, a sum: 1 more words, 4 every object (in MigLog.xml beside the log), 8 debugger. Default: 0."},
		{name: "progress", arity: required, form: "file", value: text{p: &c.Progress},
			help: "A file that other programs can follow the run by. Not inside the folder USMT of the store."},
		{name: "c", value: flag{&c.Continue},
			help: "Goes on past files that cannot be read or written, unless ErrorControl in Config.xml says otherwise. The return code is 3 if there were any."},
		{name: "r", arity: required, form: "n", value: number{&c.Retries, 3, 1 << 20},
			help: "How often to go on after the medium or server of the store was gone. Default: 3."},
		{name: "w", arity: required, form: "seconds", value: number{&c.Wait, 1, 1 << 20},
			help: "How long to wait before that. Default: 1."},
		{name: "json", value: flag{&c.JSON},
			help: "Writes the result as JSON. (Lifeboat only)"},
	}, c.Users.options()...)
}

func cipher(p *Cipher) value {
	return choice[Cipher]{p: p, words: Ciphers(), bare: defaultCipher}
}

// member is a flag that puts its name into a list, kept in table order.
type member struct {
	p    *[]string
	name string
}

func (v member) set(string) *Failure { *v.p = append(*v.p, v.name); return nil }
func (v member) args() []string {
	for _, name := range *v.p {
		if name == v.name {
			return []string{""}
		}
	}
	return nil
}

// refused names options of USMT that have no place here, and why.
var refused = map[string]string{
	"apps":    "makes provisioning packages of installed programs, which needs a running Windows",
	"ppkg":    "makes provisioning packages of installed programs, which needs a running Windows",
	"diff":    "makes provisioning packages of installed programs, which needs a running Windows",
	"drivers": "makes provisioning packages of drivers, which needs a running Windows",
	"sf":      "damages the shell folders of the computer",
}

// store takes the one positional word of ScanState and LoadState.
func (l *line) store(needed bool) (string, error) {
	switch {
	case len(l.plain) == 0 && needed:
		return "", l.fail(InvalidParameters, len(l.words), "the store path is missing", "name the folder for the store, for instance E:\\store")
	case len(l.plain) == 0:
		return "", nil
	case len(l.plain) > 1:
		return "", l.surplus(1, fmt.Sprintf("there are two store paths: %s and %s",
			winname.Show(l.words[l.plain[0]]), winname.Show(l.words[l.plain[1]])), "name one folder, in quotation marks if it has blanks")
	}
	i := l.plain[0]
	store := l.words[i]
	l.given[StorePath] = occurrence{at: i, arg: store}
	if isC := strings.TrimRight(store, `\/`); strings.EqualFold(isC, "c:") {
		return "", l.fail(InvalidParameters, i, "the store cannot be all of drive C:", "name a folder on another drive")
	}
	if f := l.checkLength(i, l.sys.abs(store), "the full store path"); f != nil {
		return "", f
	}
	return store, nil
}

// outsideStore refuses output files inside the store, which is replaced as a whole.
// It is the folder USMT in the store path: scripts keep their logs beside that.
func (l *line) outsideStore(store string) error {
	if store == "" {
		return nil
	}
	for _, c := range []struct {
		name string
		code Code
	}{{"l", LogFileFailed}, {"progress", ProgressLogFailed}, {"listfiles", InvalidParameters}, {"p", PreflightFile}} {
		if o, ok := l.given[c.name]; ok && o.arg != "" && l.sys.inside(store+"/USMT", o.arg) {
			return l.fail(c.code, o.at, fmt.Sprintf("the file of /%s is inside the store", c.name), "name a file outside the folder USMT in "+store)
		}
	}
	return nil
}

// withStore puts the store path before the options.
func withStore(store string, words []string) []string {
	if store == "" {
		return words
	}
	return append([]string{store}, words...)
}

func commandLine(program string, sys System, options []option, args []string) string {
	return winname.Show(Join(sys, append([]string{program}, mask(sys, options, args)...)))
}

// tableOf is the option table of a command, for looking up names.
func tableOf(program string) []option {
	switch program {
	case "scanstate":
		return new(ScanState).options()
	case "loadstate":
		return new(LoadState).options()
	}
	return new(UsmtUtils).options()
}
