package usmt

import "strings"

// Rename maps an account or a domain of the source to one of the destination.
type Rename struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func (r Rename) String() string { return r.From + ":" + r.To }

// LoadState is a parsed LoadState command line.
type LoadState struct {
	Common

	MoveDomains []Rename // /md; From may hold *
	MoveUsers   []Rename // /mu; beats /md

	CreateAccounts bool   // /lac
	Password       string // of created accounts, may be empty
	EnableAccounts bool   // /lae
	Quiet          bool   // /q, without effect

	OfflineWinDir string // the Windows to put the store back into; empty for the one that runs
	Force         bool   // /force: also into one that may be in use
	Plan          bool   // /plan: say what would be done, do nothing
	Journal       string // /journal: where the journal goes
}

// NewLoadState is a command line with nothing on it but defaults.
func NewLoadState() *LoadState {
	return &LoadState{Common: newCommon("LoadState.log")}
}

// ParseLoadState reads a LoadState command line, program name not included.
func ParseLoadState(args []string, sys System) (*LoadState, error) {
	s := NewLoadState()
	l, help, err := parse("loadstate", sys, s.options(), args)
	if err != nil {
		return nil, err
	}
	if help {
		s = NewLoadState()
		s.Help = true
		return s, nil
	}
	if s.StorePath, err = l.store(true); err != nil {
		return nil, err
	}
	if err := l.check(loadRules); err != nil {
		return nil, err
	}
	if err := l.outsideStore(s.StorePath); err != nil {
		return nil, err
	}
	return s, nil
}

// Args lists the words that ParseLoadState would read as s.
func (s *LoadState) Args() []string { return withStore(s.StorePath, render(s.options())) }

// CommandLine is the command line equal to s, for people to read; secrets are hidden.
func (s *LoadState) CommandLine(sys System) string {
	return commandLine("loadstate", sys, s.options(), s.Args())
}

// Notes lists what was accepted and has no effect, in words.
func (s *LoadState) Notes() []string {
	if s.Quiet {
		return []string{"/q has no effect"}
	}
	return nil
}

func (s *LoadState) options() []option {
	return append([]option{
		{name: "decrypt", arity: optional, form: "AES|AES_128|AES_192|AES_256|3DES|3DES_112", value: cipher(&s.Cipher),
			help: "Opens an encrypted store with a key given by /key or /keyfile."},
		{name: "key", arity: required, form: "string", value: text{p: &s.Key},
			help: "The key the store was saved with."},
		{name: "keyfile", arity: required, form: "file", value: text{p: &s.KeyFile},
			help: "A text file that holds the key."},
		{name: "identity", arity: required, form: "file", value: text{p: &s.Identity},
			help: "The identity file of age that opens a store locked with a team key; if the file has a passphrase, it is asked for. (Lifeboat only)"},
		{name: "hardlink", value: flag{&s.HardLink},
			help: "Puts files of a hard-link store back by links, without copying. Needs /nocompress."},
		{name: "nocompress", value: flag{&s.NoCompress},
			help: "The store is not compressed."},
		{name: "md", arity: required, many: true, form: "old:new", value: renames{&s.MoveDomains, domainRename},
			help: "Moves the accounts of a domain to another. The old name may hold *."},
		{name: "mu", arity: required, many: true, form: "[old\\]user:[new\\]user", value: renames{&s.MoveUsers, userRename},
			help: "Gives a user another name or domain."},
		{name: "lac", arity: optional, form: "password", value: switchText{&s.CreateAccounts, &s.Password},
			help: "Creates local accounts that are missing, disabled, with this password or none."},
		{name: "lae", value: flag{&s.EnableAccounts},
			help: "Enables the accounts that /lac creates."},
		{name: "q", value: flag{&s.Quiet}},
		{name: "offlineWinDir", alias: "offlineDir", arity: required, form: "folder", value: text{p: &s.OfflineWinDir},
			help: "The Windows folder to put the store back into, for instance D:\\Windows; without it the Windows that runs. (Lifeboat only)"},
		{name: "plan", value: flag{&s.Plan},
			help: "Lists what would be done and does nothing. (Lifeboat only)"},
		{name: "journal", arity: required, form: "folder", value: text{p: &s.Journal},
			help: "Where the journal goes, by which lifeboat undo takes all of it back. Default: beside the store. (Lifeboat only)"},
		{name: "force", value: flag{&s.Force},
			help: "Writes also to a Windows that is hibernated or whose registry was not closed, which may lose data. (Lifeboat only)"},
		// Recognised to say why not, with the return code that USMT gives.
		{name: "offline", arity: required, form: "file.xml", value: offlineApply{}},
		{name: "offlineWinOld", arity: required, form: "folder", value: offlineApply{}},
	}, s.Common.options("LoadState.log")...)
}

type offlineApply struct{}

func (offlineApply) args() []string { return nil }
func (offlineApply) set(string) *Failure {
	return Fail(UnsupportedPlatform, nil, "is for saving").
		WithRemedy("to put a store back into a Windows that is not running, name it with /offlineWinDir")
}

// renames is a repeatable old:new pair.
type renames struct {
	p    *[]Rename
	read func(string) (Rename, *Failure)
}

func (v renames) set(arg string) *Failure {
	r, f := v.read(arg)
	if f == nil {
		*v.p = append(*v.p, r)
	}
	return f
}

func (v renames) args() []string {
	var all []string
	for _, r := range *v.p {
		all = append(all, r.String())
	}
	return all
}

func domainRename(arg string) (Rename, *Failure) {
	from, to, ok := strings.Cut(arg, ":")
	if !ok || from == "" || to == "" || strings.ContainsAny(to, `:*?\`) || strings.ContainsAny(from, `?\`) {
		return Rename{}, Fail(InvalidParameters, nil, "needs two domains with a colon between, not %q", arg)
	}
	return Rename{from, to}, nil
}

func userRename(arg string) (Rename, *Failure) {
	from, to, ok := strings.Cut(arg, ":")
	if !ok || !isAccount(from) || !isAccount(to) {
		return Rename{}, Fail(InvalidParameters, nil, "needs two users with a colon between and no wildcards, not %q", arg)
	}
	return Rename{from, to}, nil
}

// isAccount reports whether s is user or domain\user, without wildcards.
func isAccount(s string) bool {
	domain, user, ok := strings.Cut(s, `\`)
	if !ok {
		domain, user = "-", domain
	}
	return domain != "" && user != "" && !strings.ContainsAny(s, "*?:") && !strings.Contains(user, `\`)
}
