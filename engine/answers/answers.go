// Package answers is the file lifeboat.yaml: what somebody answered ahead of
// time. It lies in the root of the stick, or is named with --answers; the wizard
// asks only what it leaves open, and an unattended run asks nothing.
//
// A [File] is plain data, one field for each key, its zero value a file that
// answers nothing. [Parse] is strict: a key that does not exist, or a value that
// no key of its name can have, is an error that names the file, the line and what
// would be possible. [File.Marshal] writes what Parse reads. The keys are
// described in docs/lifeboat-yaml.md.
//
// A file never holds a secret. It may name a file that does.
//
// Whether there is such a user, volume or rule file is for others to find out.
package answers

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Name is what the file is called in the root of a stick.
const Name = "lifeboat.yaml"

// maxSize is more than any such file needs.
const maxSize = 1 << 20

// File is what was answered. The zero value of a field leaves its question open,
// or means the default.
type File struct {
	// About the program.
	Language   string // of the texts: "en"
	Keyboard   string // layout, as winpe.Layout.Code or the running system calls it: "de"
	Logs       string // folder for logs and crash files
	Unattended bool   // never ask: what is not answered ends the run

	// What to save, in the order of the questions.
	Windows  string   // a computer name, or where the volume is mounted
	Users    []string // accounts (NAME or DOMAIN\NAME) or SIDs; or one of the words below
	Rules    []string // rule files, and folders of them; none for Lifeboat's own
	What     string   // Everything or Documents
	LeaveOut []string // components, by their names

	// Where to, and how.
	Destination    string // label, serial number or mount of a volume, a folder, or one of the words below
	Share          Share
	Name           string   // of the store, with {computer} and {date}
	Protection     string   // None, Passphrase or TeamKey
	PassphraseFile string   // its first line is the passphrase
	Recipients     []string // the team's public keys
	Check          *bool    // read the store back; nil for the default
	Unreadable     string   // Skip or Stop: what to do about a file that cannot be read
	Afterwards     string   // Stay, Restart or ShutDown
}

// Share is a network share to save to.
type Share struct {
	Path         string // \\server\share
	User         string // NAME or DOMAIN\NAME
	PasswordFile string // its first line is the password
}

// The words that stand for a choice.
const (
	// Users, alone in their list.
	AllUsers     = "all"     // everybody
	DefaultUsers = "default" // whom the wizard proposes

	// What.
	Everything = "everything"
	Documents  = "documents" // people's files only, no settings

	// Destination.
	OnStick   = "stick"     // the volume that the file lies on
	OnShare   = "share"     // what Share says
	Removable = "removable" // the one drive that can be unplugged

	// Protection.
	None       = "none"
	Passphrase = "passphrase"
	TeamKey    = "team key"

	// Unreadable.
	Skip = "skip" // go on without it; the report lists it
	Stop = "stop"

	// Afterwards.
	Stay     = "stay"
	Restart  = "restart"
	ShutDown = "shut down"
)

// Load reads a file and makes what it names relative to its own folder absolute.
func Load(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the answers: %w", err)
	}
	defer f.Close()
	data := make([]byte, maxSize+1)
	n, err := readFull(f, data)
	if err != nil {
		return nil, fmt.Errorf("read the answers: %w", err)
	}
	file, err := Parse(path, data[:n])
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("read the answers: %w", err)
	}
	file.resolve(dir)
	return file, nil
}

// resolve makes the paths absolute. Relative ones may be written with either
// slash: one stick serves both systems.
func (f *File) resolve(dir string) {
	for _, p := range f.paths() {
		if *p == "" || isAbs(*p) {
			continue
		}
		*p = filepath.Join(dir, filepath.FromSlash(strings.ReplaceAll(*p, `\`, "/")))
	}
}

func (f *File) paths() []*string {
	paths := []*string{&f.Logs, &f.PassphraseFile, &f.Share.PasswordFile}
	if d := f.Destination; strings.HasPrefix(d, "./") || strings.HasPrefix(d, `.\`) {
		paths = append(paths, &f.Destination) // a folder, not the name of a volume
	}
	for i := range f.Rules {
		paths = append(paths, &f.Rules[i])
	}
	return paths
}

// isAbs also knows the absolute paths of the other system: they are left as they
// are, to be missed under their own name.
func isAbs(path string) bool {
	drive := len(path) >= 3 && path[1] == ':' && (path[2] == '\\' || path[2] == '/')
	return filepath.IsAbs(path) || drive || strings.HasPrefix(path, `\\`) || runtime.GOOS == "windows" && strings.HasPrefix(path, "/")
}

// ReadSecret reads a secret from a file that an answer names: its first line.
func ReadSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read a secret: %w", err)
	}
	defer f.Close()
	data := make([]byte, 4096)
	defer clear(data)
	n, err := readFull(f, data)
	if err != nil {
		return "", fmt.Errorf("read a secret: %w", err)
	}
	line, _, _ := strings.Cut(strings.TrimPrefix(string(data[:n]), "\ufeff"), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", fmt.Errorf("read a secret: the first line of %s is empty", path)
	}
	return line, nil
}
