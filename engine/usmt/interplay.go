package usmt

import (
	"fmt"
	"slices"
	"strings"
)

// rule is one rule of interplay between options (spec/usmt-cli-spec.md 2.8).
// broken returns the option to point at and what is wrong, or "" if the rule
// is kept.
type rule struct {
	id     string
	broken func(given) (at, what string)
	remedy string
}

// check applies rules in order; the first broken one is reported.
func (l *line) check(rules []rule) error {
	for _, r := range rules {
		if at, what := r.broken(l.given); what != "" {
			return l.fail(InvalidParameters, l.given[at].at, what, r.remedy)
		}
	}
	return nil
}

func title(name string) string {
	if name == StorePath {
		return "a store path"
	}
	return "/" + name
}

// apart: a may not stand beside any of the others.
func apart(a string, others ...string) func(given) (string, string) {
	return func(g given) (string, string) {
		first, ok := g[a]
		if !ok {
			return "", ""
		}
		for _, b := range others {
			if second, ok := g[b]; ok {
				at := a
				if second.at > first.at {
					at = b
				}
				return at, fmt.Sprintf("%s and %s cannot be used together", title(a), title(b))
			}
		}
		return "", ""
	}
}

// needs: a requires one of the others.
func needs(a string, others ...string) func(given) (string, string) {
	return func(g given) (string, string) {
		if _, ok := g[a]; !ok {
			return "", ""
		}
		for _, b := range others {
			if _, ok := g[b]; ok {
				return "", ""
			}
		}
		return a, fmt.Sprintf("/%s needs /%s", a, strings.Join(others, " or /"))
	}
}

// alone: a stands beside nothing but the allowed.
func alone(a string, allowed ...string) func(given) (string, string) {
	return func(g given) (string, string) {
		if _, ok := g[a]; !ok {
			return "", ""
		}
		worst := ""
		for b, o := range g {
			if b != a && b != StorePath && !slices.Contains(allowed, b) && (worst == "" || o.at < g[worst].at) {
				worst = b
			}
		}
		if worst == "" {
			return "", ""
		}
		return worst, fmt.Sprintf("/%s cannot be used with /%s", worst, a)
	}
}

// besideGen is what may stand beside /genconfig and /genmigxml. The options
// that name the source are not in Microsoft's table, but without them neither
// could run offline.
var besideGen = []string{"i", "v", "l", "o", "all", "nocompress", "json",
	"targetwindows8", "targetwindows7", "targetvista", "targetxp",
	"offline", "offlineWinDir", "offlineWinOld"}

const noUsersWithAll = "leave out /all; without it all users are taken that /ue and /uel do not exclude"

// scanRules are R1 to R14 and R18. R15 (one store path) is checked while
// parsing, R16 belongs to LoadState, R17 needs the disks: [CheckHardLink].
var scanRules = []rule{
	{"R1", apart("all", "ui", "ue", "uel"), noUsersWithAll},
	{"R2", apart("encrypt", "nocompress"), "only a compressed store can be encrypted"},
	{"R3", needs("encrypt", "key", "keyfile"), "add /key:string or /keyfile:file"},
	{"R4", needs("key", "encrypt"), "add /encrypt"},
	{"R4", needs("keyfile", "encrypt"), "add /encrypt"},
	{"R5", apart("key", "keyfile"), "give the key in one way"},
	{"team key", apart("recipient", "encrypt", "identity"), "lock the store in one way"},
	{"team key", apart("recipient", "nocompress"), "only a compressed store can be locked"},
	{"team key", apart("identity", "encrypt", "nocompress"), "open the store in one way"},
	{"R6", needs("hardlink", "nocompress"), "add /nocompress"},
	{"R7", apart("hardlink", "vsc"), "leave out /vsc"},
	{"R8", efsHardLink, "add /hardlink /nocompress, or choose another word for /efs"},
	{"R9", apart("listfiles", "p"), "leave out one of them"},
	{"R10", barePNeedsNoCompress, "name a file, /p:file.xml, or add /nocompress"},
	{"R11", alone("genconfig", besideGen...), "leave it out; /genconfig only writes a file"},
	{"R12", alone("genmigxml", besideGen...), "leave it out; /genmigxml only writes a file"},
	{"R13", apart("auto", "all", "ui", "ue", "uel", "v"), "leave out /auto and name the rule files with /i"},
	{"R14", apart("offline", "offlineWinDir", "offlineWinOld"), "say in one way which Windows to save from"},
	{"R14", apart("offlineWinDir", "offlineWinOld"), "say in one way which Windows to save from"},
	{"R18", apart("genconfig", StorePath), "leave out the store path; /genconfig writes no store"},
	{"R18", apart("genmigxml", StorePath), "leave out the store path; /genmigxml writes no store"},
}

var loadRules = []rule{
	{"R1", apart("all", "ui", "ue", "uel"), noUsersWithAll},
	{"R2", apart("decrypt", "nocompress"), "an encrypted store is always compressed"},
	{"R3", needs("decrypt", "key", "keyfile"), "add /key:string or /keyfile:file"},
	{"R4", needs("key", "decrypt"), "add /decrypt"},
	{"R4", needs("keyfile", "decrypt"), "add /decrypt"},
	{"R5", apart("key", "keyfile"), "give the key in one way"},
	{"team key", apart("identity", "decrypt", "nocompress"), "open the store in one way"},
	{"R6", needs("hardlink", "nocompress"), "add /nocompress"},
	{"R13", apart("auto", "all", "ui", "ue", "uel", "v"), "leave out /auto and name the rule files with /i"},
	{"R16", needs("lae", "lac"), "add /lac"},
}

var utilsRules = []rule{
	{"one command", apart("ec", "rd", "verify", "extract"), oneCommand},
	{"one command", apart("rd", "verify", "extract"), oneCommand},
	{"one command", apart("verify", "extract"), oneCommand},
	{"y", needs("y", "rd"), "leave it out"},
	{"i", needs("i", "extract"), "leave it out"},
	{"e", needs("e", "extract"), "leave it out"},
	{"o", needs("o", "extract"), "leave it out"},
	{"team key", apart("identity", "decrypt"), "open the store in one way"},
	{"team key", needs("identity", "verify", "extract"), "leave it out"},
	{"decrypt", needs("decrypt", "verify", "extract"), "leave it out"},
	{"R3", needs("decrypt", "key", "keyfile"), "add /key:string or /keyfile:file"},
	{"R4", needs("key", "decrypt"), "add /decrypt"},
	{"R4", needs("keyfile", "decrypt"), "add /decrypt"},
	{"R5", apart("key", "keyfile"), "give the key in one way"},
}

const oneCommand = "run usmtutils once for each"

func efsHardLink(g given) (string, string) {
	_, linked := g["hardlink"]
	if efs, ok := g["efs"]; ok && strings.EqualFold(efs.arg, string(EFSHardLink)) && !linked {
		return "efs", "/efs:hardlink needs /hardlink"
	}
	return "", ""
}

func barePNeedsNoCompress(g given) (string, string) {
	_, plain := g["nocompress"]
	if p, ok := g["p"]; ok && p.arg == "" && !plain {
		return "p", "/p without a file needs /nocompress"
	}
	return "", ""
}

// CheckHardLink is rule R17: links cannot reach across volumes, so a hard-link
// store belongs on a volume that holds data. sameVolume tells whether the
// store and the source are on one.
func (s *ScanState) CheckHardLink(sameVolume bool) error {
	if !s.HardLink || sameVolume {
		return nil
	}
	return Fail(InvalidParameters, nil, "a hard-link store on %s is of no use: files can be linked on their own volume only", s.StorePath).
		WithRemedy("leave out /hardlink, or put the store on the volume of the Windows that is saved")
}
