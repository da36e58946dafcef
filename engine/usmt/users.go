package usmt

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"lifeboat/engine/human"
	"lifeboat/engine/winname"
)

// Selection is the choice of users on a command line
// (spec/usmt-cli-spec.md 2.5).
type Selection struct {
	All     bool     // /all, the default when nothing else is given
	Include []string // /ui
	Exclude []string // /ue
	Recent  Recent   // /uel
}

// Recent is the argument of /uel. The zero value means that it was not given.
type Recent struct {
	Days     int       // used within so many days
	Since    time.Time // used on or after this day; a date in UTC, meant in local time
	LoggedOn bool      // logged on at the time of the run (/uel:0)
}

// User is what the choice needs to know of one.
type User struct {
	SID       string
	Domain    string // "" if unknown
	Name      string // "" if unknown
	Guessed   bool   // Name is only what its profile folder is called
	Orphaned  bool   // Windows did not list its profile
	Local     bool   // an account of this computer
	Temporary bool   // a temporary or doubled profile
	LastUse   time.Time
	LoggedOn  bool
}

// Choice says of one user whether it is taken.
type Choice struct {
	In      bool
	Why     string // for people, lower case
	Warning string // "" if the choice needs no second look
}

// Choose decides for each user. Now gives the moment /uel counts from, and the
// time zone its dates are meant in. The second result lists patterns that
// matched nobody.
//
// System and Public are not users; they are always taken.
func (s Selection) Choose(users []User, computer string, now time.Time) ([]Choice, []Idle) {
	include, exclude := compile(s.Include, computer), compile(s.Exclude, computer)
	choices := make([]Choice, len(users))
	for i, u := range users {
		choices[i] = s.choose(u, computer, now, include, exclude)
	}
	var idle []Idle
	for _, side := range []struct {
		option   string
		patterns []*pattern
	}{{"/ui:", include}, {"/ue:", exclude}} {
		for _, p := range side.patterns {
			if !p.used {
				idle = append(idle, Idle{Option: side.option + p.text, Near: p.near(users)})
			}
		}
	}
	return choices, idle
}

// Idle is a pattern that matched nobody, which is often misspelt.
type Idle struct {
	Option string // /ui:bob
	Near   string // what was probably meant: CORP\bob, or ""
}

// Says tells it; among is what the users are of: this PC, the store.
func (i Idle) Says(among string) string {
	text := "matches no user of " + among
	if i.Near != "" {
		text += "; perhaps " + i.Near + " is meant"
	}
	return text
}

// near finds what was probably meant: a user of a domain whose name stands alone, an
// account or a domain that is written nearly so.
func (p *pattern) near(users []User) string {
	domain, name, _ := strings.Cut(p.text, `\`)
	var accounts, domains []string
	for _, u := range users {
		if u.Name == "" || u.Domain == "" {
			continue
		}
		account := u.Domain + `\` + u.Name
		if p.domain == "" && wild(p.name, winname.Fold(u.Name)) {
			return account
		}
		accounts, domains = append(accounts, account), append(domains, u.Domain)
	}
	if account := human.Nearest(p.text, accounts); account != "" {
		return account
	}
	if domain = human.Nearest(domain, domains); domain != "" && p.domain != "" {
		return domain + `\` + name
	}
	return ""
}

// choose applies the precedence of 2.5, with what nobody wants left out before
// the defaults: profiles of services, and temporary ones.
func (s Selection) choose(u User, computer string, now time.Time, include, exclude []*pattern) Choice {
	wanted := firstMatch(include, u, computer)
	unwanted := firstMatch(exclude, u, computer) // also marks the pattern as used
	builtIn := builtIn(u)
	switch {
	case wanted != nil && (builtIn == "" || wanted.particular()):
		return s.warn(u, Choice{In: true, Why: "included by /ui:" + wanted.text})
	case builtIn != "":
		return Choice{Why: builtIn}
	case s.Recent != (Recent{}):
		return s.recent(u, now)
	case unwanted != nil:
		return Choice{Why: "excluded by /ue:" + unwanted.text}
	}
	return s.warn(u, Choice{In: true, Why: "all users are included"})
}

func (s Selection) warn(u User, c Choice) Choice {
	switch {
	case u.Name == "":
		c.Warning = "the name of this account could not be found; it is taken under its SID"
	case u.Orphaned:
		c.Warning = "Windows did not list this profile any more; it is taken all the same"
	case u.Guessed:
		c.Warning = "the name of this account could not be found; it is taken under that of its folder"
	}
	return c
}

// recent is /uel, which makes /ue ineffective.
func (s Selection) recent(u User, now time.Time) Choice {
	var in bool
	var window string // the time that counts
	switch r := s.Recent; {
	case r.LoggedOn:
		if in = u.LoggedOn; in {
			return s.warn(u, Choice{In: true, Why: "logged on"})
		}
		return Choice{Why: "not logged on"}
	case u.LastUse.IsZero():
		return Choice{In: true, Why: "last use unknown", Warning: "/uel cannot tell when this account was last used; it is taken"}
	case r.Days > 0:
		in = !u.LastUse.Before(now.Add(-time.Duration(r.Days) * 24 * time.Hour))
		window = "the last " + human.Plural(int64(r.Days), "day", "days")
	default:
		y, m, d := r.Since.Date()
		in = !u.LastUse.Before(time.Date(y, m, d, 0, 0, 0, 0, now.Location()))
		window = "the time since " + r.Since.Format(time.DateOnly)
	}
	last := u.LastUse.In(now.Location()).Format(time.DateOnly)
	if in {
		return s.warn(u, Choice{In: true, Why: fmt.Sprintf("last used %s, within %s", last, window)})
	}
	return Choice{Why: fmt.Sprintf("last used %s, not within %s", last, window)}
}

// builtIn says why a profile belongs to nobody, or "".
func builtIn(u User) string {
	if u.Temporary {
		return "a temporary profile"
	}
	sid := strings.ToUpper(u.SID)
	for _, p := range []string{"S-1-5-18", "S-1-5-19", "S-1-5-20"} {
		if sid == p {
			return "an account of Windows itself"
		}
	}
	// S-1-5-80 services, -82 IIS pools, -83 virtual machines, -90 window manager, -96 font driver.
	for _, p := range []string{"S-1-5-80-", "S-1-5-82-", "S-1-5-83-", "S-1-5-90-", "S-1-5-96-"} {
		if strings.HasPrefix(sid, p) {
			return "an account of a service"
		}
	}
	if winname.Equal(u.Domain, "NT SERVICE") || winname.Equal(u.Domain, "NT AUTHORITY") {
		return "an account of a service"
	}
	if len(u.Name) == len("defaultuser0") && strings.EqualFold(u.Name[:len("defaultuser")], "defaultuser") {
		return "an account that Windows set-up left behind"
	}
	return ""
}

// pattern is one argument of /ui or /ue.
type pattern struct {
	text         string
	domain, name string // folded; domain "" if the pattern has no backslash
	used         bool
}

func compile(texts []string, computer string) []*pattern {
	var all []*pattern
	for _, t := range texts {
		p := &pattern{text: t}
		folded := winname.Fold(t)
		folded = strings.ReplaceAll(folded, "%COMPUTERNAME%", winname.Fold(computer))
		// Microsoft's own example misses the first hyphen of a SID.
		if strings.HasPrefix(folded, "S1-") {
			folded = "S-" + folded[1:]
		}
		if domain, name, ok := strings.Cut(folded, `\`); ok {
			p.domain, p.name = domain, name
		} else {
			p.name = folded
		}
		all = append(all, p)
	}
	return all
}

// particular reports whether the pattern means one account, or the accounts
// of Windows itself.
func (p *pattern) particular() bool {
	return !strings.Contains(p.name, "*") || strings.HasPrefix(p.domain, "NT ")
}

// everybody reports whether the pattern matches all accounts.
func (p *pattern) everybody() bool {
	return strings.Trim(p.domain, "*") == "" && strings.Trim(p.name, "*") == ""
}

// firstMatch finds the first pattern that matches, and marks all that do.
func firstMatch(patterns []*pattern, u User, computer string) *pattern {
	var first *pattern
	for _, p := range patterns {
		if p.matches(u, computer) {
			p.used = true
			if first == nil {
				first = p
			}
		}
	}
	return first
}

// matches: with a backslash, domain and name; without, the SID or the name of
// a local account.
func (p *pattern) matches(u User, computer string) bool {
	name := winname.Fold(u.Name)
	if p.domain == "" {
		return p.everybody() && p.name != "" || wild(p.name, winname.Fold(u.SID)) || u.Local && wild(p.name, name)
	}
	if p.everybody() {
		return true
	}
	if u.Name == "" {
		name = winname.Fold(u.SID)
	}
	domain := u.Domain
	if u.Local && (domain == "" || domain == ".") {
		domain = computer
	}
	return wild(p.name, name) && wild(p.domain, winname.Fold(domain))
}

// wild matches a pattern whose only wildcard is *.
func wild(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return strings.HasSuffix(s, parts[len(parts)-1])
}

func (s Selection) notes() []string {
	if s.Recent.LoggedOn {
		return []string{"/uel:0 takes users who are logged on; in a Windows that is not running nobody is"}
	}
	if s.Recent != (Recent{}) {
		notes := []string{"/uel counts from the last use that the registry recorded, which may be wrong by some days"}
		if len(s.Exclude) > 0 {
			notes = append(notes, "/ue has no effect beside /uel, as in USMT")
		}
		return notes
	}
	return nil
}

func (s *Selection) options() []option {
	return []option{
		{name: "all", value: flag{&s.All},
			help: "All users. This is the default."},
		{name: "ui", arity: required, many: true, form: "domain\\user", value: list{p: &s.Include, check: checkUser},
			help: "Includes users, also those that /ue or /uel would leave out. * stands for any letters; a SID may be given instead of a name."},
		{name: "ue", arity: required, many: true, form: "domain\\user", value: list{p: &s.Exclude, check: checkUser},
			help: "Leaves users out: /ue:*\\* /ui:corp\\ann saves one user only."},
		{name: "uel", arity: required, form: "days|yyyy/mm/dd|0", value: recent{&s.Recent},
			help: "Includes users by the time of their last use: within so many days, since a date, or (0) logged on now. /ue is ignored then."},
	}
}

// checkUser refuses patterns that cannot match anybody.
func checkUser(arg string) *Failure {
	domain, name, ok := strings.Cut(arg, `\`)
	if ok && (domain == "" || name == "") || strings.Contains(name, `\`) || strings.ContainsRune(arg, '?') || strings.TrimSpace(arg) == "" {
		return Fail(InvalidParameters, nil, "needs a user such as corp\\ann, not %q", winname.Show(arg)).
			WithRemedy("write domain\\user, user or a SID; * is the only wildcard")
	}
	return nil
}

type recent struct{ p *Recent }

func (v recent) set(arg string) *Failure {
	n, err := strconv.Atoi(arg)
	switch {
	case err == nil && n == 0:
		*v.p = Recent{LoggedOn: true}
		return nil
	case err == nil && n > 0 && n <= 36500:
		*v.p = Recent{Days: n}
		return nil
	}
	if day, err := time.Parse("2006/1/2", arg); err == nil && !day.IsZero() {
		*v.p = Recent{Since: day}
		return nil
	}
	return Fail(InvalidParameters, nil, "needs a number of days or a date such as 2026/11/23, not %q", winname.Show(arg))
}

func (v recent) args() []string {
	switch {
	case v.p.LoggedOn:
		return []string{"0"}
	case v.p.Days > 0:
		return []string{strconv.Itoa(v.p.Days)}
	case !v.p.Since.IsZero():
		return []string{v.p.Since.Format("2006/01/02")}
	}
	return nil
}
