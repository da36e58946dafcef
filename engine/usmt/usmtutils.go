package usmt

import (
	"strings"

	"lifeboat/engine/winname"
)

// VerifyKind says how much /verify tells.
type VerifyKind string

// The kinds of verification report; "" is none.
const (
	VerifySummary  VerifyKind = "summary"     // counts
	VerifyAll      VerifyKind = "all"         // every file
	VerifyFailures VerifyKind = "failureonly" // damaged files
	VerifyCatalog  VerifyKind = "catalog"     // the catalog alone
)

// UsmtUtils is a parsed UsmtUtils command line. Exactly one of ListCiphers,
// Remove, Verify and Extract is set.
type UsmtUtils struct {
	Help bool

	ListCiphers bool       // /ec
	Remove      string     // /rd: the store to delete
	Verify      VerifyKind // with Store
	Extract     bool       // from Store to Destination

	Store       string
	Destination string

	Yes       bool     // /y, do not ask
	Include   []string // file name patterns of /i; they beat Exclude
	Exclude   []string // and of /e
	Overwrite bool
	Cipher    Cipher // /decrypt
	Key       string
	KeyFile   string
	Identity  string // an identity file of age, for a store locked with a team key
	Log       string
	Verbosity int
	JSON      bool
}

// ParseUsmtUtils reads a UsmtUtils command line, program name not included.
func ParseUsmtUtils(args []string, sys System) (*UsmtUtils, error) {
	u := new(UsmtUtils)
	l, help, err := parse("usmtutils", sys, u.options(), args)
	if err != nil {
		return nil, err
	}
	if help {
		return &UsmtUtils{Help: true}, nil
	}
	if err := l.check(utilsRules); err != nil {
		return nil, err
	}
	if err := l.utilsPaths(u); err != nil {
		return nil, err
	}
	return u, nil
}

// utilsPaths assigns the positional words, as many as the command takes.
func (l *line) utilsPaths(u *UsmtUtils) error {
	var fields []*string
	var what string
	switch {
	case u.Verify != "":
		fields, what = []*string{&u.Store}, "/verify needs the store"
	case u.Extract:
		fields, what = []*string{&u.Store, &u.Destination}, "/extract needs the store and a folder to write to"
	case u.ListCiphers, u.Remove != "":
	default:
		return l.fail(InvalidParameters, 0, "none of /ec, /rd, /verify and /extract was given", "say with one of them what to do")
	}
	if len(l.plain) < len(fields) {
		return l.fail(InvalidParameters, len(l.words), what, "name the folder that holds USMT, or the USMT.MIG in it")
	}
	if n := len(fields); len(l.plain) > n {
		return l.surplus(n, "there is one path too many: "+winname.Show(l.words[l.plain[n]]), "put paths that have blanks in quotation marks")
	}
	for n, p := range fields {
		*p = l.words[l.plain[n]]
		if f := l.checkLength(l.plain[n], l.sys.abs(*p), "the full path"); f != nil {
			return f
		}
	}
	if u.Extract && l.sys.inside(storeFolder(u.Store), u.Destination) {
		return l.fail(InvalidParameters, l.plain[1], "the folder to write to is inside the store", "name a folder outside the folder USMT")
	}
	return nil
}

// storeFolder is the folder USMT of a store that is named by it, by the folder it is
// in, or by the USMT.MIG in it.
func storeFolder(path string) string {
	path = strings.TrimRight(path, `/\`)
	name := path[strings.LastIndexAny(path, `/\`)+1:]
	switch {
	case strings.EqualFold(name, "USMT.MIG"):
		return path[:len(path)-len(name)] + "."
	case strings.EqualFold(name, "USMT"):
		return path
	}
	return path + "/USMT"
}

// Args lists the words that ParseUsmtUtils would read as u.
func (u *UsmtUtils) Args() []string {
	words := render(u.options())
	for _, p := range []string{u.Store, u.Destination} {
		if p != "" {
			words = append(words, p)
		}
	}
	return words
}

// CommandLine is the command line equal to u, for people to read; keys are hidden.
func (u *UsmtUtils) CommandLine(sys System) string {
	return commandLine("usmtutils", sys, u.options(), u.Args())
}

func (u *UsmtUtils) options() []option {
	return []option{
		{name: "ec", value: flag{&u.ListCiphers},
			help: "Lists the encryption algorithms that can be used."},
		{name: "rd", arity: required, form: "folder", value: text{p: &u.Remove},
			help: "Deletes a store, hard-link stores with their parts on other volumes."},
		{name: "verify", arity: optional, form: "summary|all|failureonly|catalog",
			value: choice[VerifyKind]{p: &u.Verify, words: []VerifyKind{VerifySummary, VerifyAll, VerifyFailures, VerifyCatalog}, bare: VerifySummary},
			help:  "Reads a store back and tells whether it is intact. The return code is 42 if not."},
		{name: "extract", value: flag{&u.Extract},
			help: "Writes the files of a store to a folder."},
		{name: "y", value: flag{&u.Yes},
			help: "With /rd: does not ask."},
		{name: "i", arity: required, many: true, form: "pattern[;pattern]", value: patterns{&u.Include},
			help: "With /extract: only files whose names match. Beats /e."},
		{name: "e", arity: required, many: true, form: "pattern[;pattern]", value: patterns{&u.Exclude},
			help: "With /extract: not files whose names match."},
		{name: "o", value: flag{&u.Overwrite},
			help: "With /extract: replaces files that exist."},
		{name: "decrypt", arity: optional, form: "AES|AES_128|AES_192|AES_256|3DES|3DES_112", value: cipher(&u.Cipher),
			help: "Opens an encrypted store with a key given by /key or /keyfile."},
		{name: "key", arity: required, form: "string", value: text{p: &u.Key},
			help: "The key the store was saved with."},
		{name: "keyfile", arity: required, form: "file", value: text{p: &u.KeyFile},
			help: "A text file that holds the key."},
		{name: "identity", arity: required, form: "file", value: text{p: &u.Identity},
			help: "The identity file of age that opens a store locked with a team key; if the file has a passphrase, it is asked for. (Lifeboat only)"},
		{name: "l", arity: required, form: "file", value: text{p: &u.Log},
			help: "A log file."},
		{name: "v", arity: required, form: "n", value: number{&u.Verbosity, 0, 15},
			help: "The log's level, a sum: 1 more words, 4 every object, 8 debugger. Default: 0."},
		{name: "json", value: flag{&u.JSON},
			help: "Writes the result as JSON. (Lifeboat only)"},
	}
}

// patterns is a repeatable list of file name patterns, parted by ; or comma.
type patterns struct{ p *[]string }

func (v patterns) set(arg string) *Failure {
	for _, s := range strings.FieldsFunc(arg, func(r rune) bool { return r == ';' || r == ',' }) {
		if s = strings.TrimSpace(s); s != "" {
			*v.p = append(*v.p, s)
		}
	}
	if len(*v.p) == 0 {
		return Fail(InvalidParameters, nil, "has no pattern in %q", arg)
	}
	return nil
}

func (v patterns) args() []string {
	if len(*v.p) == 0 {
		return nil
	}
	return []string{strings.Join(*v.p, ";")}
}

// MatchName reports whether a file name matches a pattern of usmtutils
// /extract, in any case. * stands for any letters, ? for one.
func MatchName(pattern, name string) bool {
	p, s := []rune(winname.Fold(pattern)), []rune(winname.Fold(name))
	star, mark := -1, 0 // where the last * stood, and what it has eaten
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == s[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}
