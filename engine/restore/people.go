package restore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"lifeboat/engine/regf"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
	"lifeboat/engine/winname"
)

// How says by what an account of the destination was found for a user.
type How string

// The ways.
const (
	SameAccount How = "same account"     // the same SID has a profile there
	SameName    How = "same name"        // an account of that name has a profile there
	NewProfile  How = "new profile"      // the account is known, or needs none; its profile is made
	NewAccount  How = "new account"      // the account is made too
	Left        How = "not put back"     // see Person.Why
	NotTaken    How = "not in the store" // nothing of him was saved
)

// Person is what becomes of one user of the source.
type Person struct {
	Source  store.CatalogUser
	How     How
	Why     string // why he is left out
	SID     string // on the destination
	Name    string
	Domain  string // the computer's name for a local account
	Local   bool
	Profile string // `C:\Users\anna`
	Counts

	isNew   bool // there was no profile
	account bool // the account is to be made
	hadHive bool // there is an NTUSER.DAT
}

// restored reports whether anything is put back for the person.
func (p *Person) restored() bool { return p.How != Left && p.How != NotTaken }

// Account is how people write the account on the destination.
func (p *Person) Account() string {
	switch {
	case p.Name == "":
		return p.SID
	case p.Domain == "":
		return p.Name
	}
	return winname.Join(p.Domain, p.Name)
}

// mapPeople decides for every user of the source who he is on the destination.
func (r *run) mapPeople(ctx context.Context) error {
	var err error
	if r.accounts, err = r.openAccounts(); err != nil {
		return err
	}
	m := &mapper{run: r, used: map[string]bool{}, sids: map[string]*Person{}, folders: map[string]bool{}}
	r.people = map[string]*Person{}
	if r.req.Choose != nil {
		r.omitted = r.req.Choose(r.catalog, r.source)
		r.result.Omitted = r.omitted
	}
	var missing []string
	for _, u := range r.catalog.Users {
		p := &Person{Source: u}
		why, omitted := r.omitted[u.SID]
		switch {
		case !u.Taken:
			p.How, p.Why = NotTaken, u.Reason
		case omitted:
			p.How, p.Why = Left, why
		default:
			m.place(p)
			if p.account && !r.req.CreateAccounts {
				p.How, p.Why = Left, fmt.Sprintf("there is no local account %s, and none was to be made", p.Name)
				missing = append(missing, p.Name)
			}
		}
		r.people[winname.Fold(u.SID)] = p
		r.result.People = append(r.result.People, p)
	}
	m.tellUnused()
	if len(missing) > 0 && !r.req.SkipUsers {
		return fmt.Errorf("%w: %s", ErrNoAccount, winname.Show(strings.Join(missing, ", ")))
	}
	for _, p := range r.result.People {
		if p.How == Left && p.Why != "" {
			if _, asked := r.omitted[p.Source.SID]; !asked {
				r.warn(fmt.Sprintf("%s is not put back: %s", winname.Show(string(p.Source.Name)), p.Why))
			}
		}
		if p.restored() && p.isNew {
			// From here on the machine has the user, so that his folders are known.
			r.machine.Users = append(r.machine.Users, windows.User{
				ID: p.SID, SID: p.SID, Name: p.Name, Domain: p.Domain, State: windows.Present, Profile: p.Profile,
			})
		}
	}
	return ctx.Err()
}

// mapper finds accounts for the users of the source.
type mapper struct {
	*run
	used    map[string]bool    // the options that matched somebody
	sids    map[string]*Person // who has an account already
	folders map[string]bool    // profile folders that are to be made, folded
}

// wish is the account that a user shall have.
type wish struct {
	sid, domain, name string
	local             bool
}

// wish applies /mu and /md (spec/usmt-cli-spec.md 3).
func (m *mapper) wish(u store.CatalogUser) wish {
	source, target := m.source.ComputerName, m.machine.ComputerName
	name, domain := string(u.Name), string(u.Domain)
	w := wish{sid: u.SID, domain: domain, name: name}
	w.local = domain == "" || winname.Equal(domain, source) || winname.Equal(domain, string(m.catalog.Computer))
	if su := m.sourceUser(u.SID); su != nil {
		w.sid, w.local = su.SID, su.Kind == windows.Local || su.Kind == windows.UnknownKind && domain == ""
	}
	isLocal := func(d string) bool {
		return d == "" || d == "." || winname.Equal(d, target) || winname.Equal(d, source)
	}
	for _, move := range m.req.MoveUsers {
		fromDomain, fromName, ok := strings.Cut(move.From, `\`)
		if !ok {
			fromDomain, fromName = "", move.From
		}
		if !winname.Equal(fromName, name) || !(winname.Equal(fromDomain, domain) || w.local && isLocal(fromDomain)) {
			continue
		}
		m.used["/mu:"+move.String()] = true
		if strings.HasPrefix(strings.ToUpper(move.To), "S-1-") {
			return wish{sid: strings.ToUpper(move.To), name: name}
		}
		toDomain, toName, ok := strings.Cut(move.To, `\`)
		if !ok {
			toDomain, toName = "", move.To
		}
		if isLocal(toDomain) {
			return wish{name: toName, local: true}
		}
		if !winname.Equal(toDomain, domain) || !winname.Equal(toName, name) {
			w.sid = ""
		}
		return wish{sid: w.sid, domain: toDomain, name: toName}
	}
	for _, move := range m.req.MoveDomains {
		if !usmt.MatchName(move.From, domain) && !(w.local && usmt.MatchName(move.From, source)) {
			continue
		}
		m.used["/md:"+move.String()] = true
		if isLocal(move.To) {
			return wish{name: name, local: true}
		}
		if !winname.Equal(move.To, domain) {
			w.sid = ""
		}
		return wish{sid: w.sid, domain: move.To, name: name}
	}
	if w.local {
		w.sid, w.domain = "", ""
		// A restore onto the computer itself finds the very accounts.
		if su := m.sourceUser(u.SID); su != nil && m.machine.MachineSID != "" && m.source.MachineSID == m.machine.MachineSID {
			w.sid = su.SID
		}
	}
	return w
}

func (m *mapper) sourceUser(id string) *windows.User {
	for i := range m.source.Users {
		if winname.Equal(m.source.Users[i].ID, id) {
			return &m.source.Users[i]
		}
	}
	return nil
}

// place finds the account and the profile for a person.
func (m *mapper) place(p *Person) {
	w := m.wish(p.Source)
	if w.local && w.name == "" {
		p.How, p.Why = Left, "its name is not known; say with /mu whose it becomes"
		return
	}
	p.Name, p.Domain, p.Local = w.name, w.domain, w.local
	if p.Local {
		p.Domain = m.machine.ComputerName
	}
	found := false
	if u := m.profileOf(w); u != nil {
		found = m.takeProfile(p, u)
	} else {
		found = m.makeProfile(p, w)
	}
	if !found {
		return
	}
	if other := m.sids[winname.Fold(p.SID)]; other != nil && p.SID != "" {
		p.How = Left
		p.Why = fmt.Sprintf("%s has the account %s already", winname.Show(string(other.Source.Name)), p.Account())
		p.account = false
		return
	}
	m.sids[winname.Fold(p.SID)] = p
}

// takeProfile gives a person a profile that is there; false if it must not be
// written to.
func (m *mapper) takeProfile(p *Person, u *windows.User) bool {
	p.SID, p.Profile = u.SID, u.Profile
	p.Name, p.Domain = u.Name, u.Domain
	p.How = SameName
	if winname.Equal(u.SID, p.Source.SID) {
		p.How = SameAccount
	}
	hive := u.Hive("NTUSER.DAT")
	if why := unfit(hive); why != "" && hive.State != windows.Missing {
		if !m.req.Force || !hive.Readable() {
			p.How, p.Why = Left, why
			return false
		}
	}
	p.hadHive = hive.Readable()
	return true
}

// makeProfile gives a person the SID and the folder of a profile that is to be
// made, of an account that is known here or made too; false if there can be none.
func (m *mapper) makeProfile(p *Person, w wish) bool {
	p.isNew, p.How = true, NewProfile
	switch {
	case w.local:
		sid, known := m.accounts.find(w.name)
		if !known {
			p.How, p.account = NewAccount, true
			if !m.req.CreateAccounts {
				return false
			}
			var err error
			if sid, err = m.accounts.next(w.name); err != nil {
				p.How, p.Why, p.account = Left, fmt.Sprintf("its account cannot be made here: %v; make it in the running Windows and run again", err), false
				return false
			}
		}
		p.SID = sid
	case w.sid == "":
		p.How = Left
		p.Why = fmt.Sprintf(`the SID of %s is not known here; sign in once as that user, or name the SID with /mu:%s:S-1-5-21-…`,
			p.Account(), p.Source.Name)
		return false
	default:
		if _, err := regf.ParseSID(w.sid); err != nil {
			p.How, p.Why = Left, err.Error()
			return false
		}
		p.SID = w.sid
	}
	p.Profile = m.newFolder(p)
	return true
}

// profileOf finds a profile on the destination: by SID, or by name.
func (m *mapper) profileOf(w wish) *windows.User {
	var named *windows.User
	for i := range m.machine.Users {
		u := &m.machine.Users[i]
		if u.SID == "" || u.State == windows.Temporary || u.State == windows.Orphaned {
			continue
		}
		if w.sid != "" && winname.Equal(u.SID, w.sid) {
			return u
		}
		if w.name == "" || !winname.Equal(u.Name, w.name) || named != nil {
			continue
		}
		if w.local && u.Kind == windows.Local || !w.local && w.domain != "" && winname.Equal(u.Domain, w.domain) {
			named = u
		}
	}
	return named
}

// newFolder finds a free name for a profile as Windows does: the name, with the
// domain, with a number.
func (m *mapper) newFolder(p *Person) string {
	name := strings.Map(func(c rune) rune {
		if c < ' ' || strings.ContainsRune(`<>:"/\|?*`, c) {
			return '_'
		}
		return c
	}, strings.TrimRight(p.Name, ". "))
	if name == "" {
		name = p.SID
	}
	for n := -1; ; n++ {
		try := name
		switch {
		case n == 0:
			try = name + "." + p.Domain
		case n > 0:
			try = fmt.Sprintf("%s.%s.%03d", name, p.Domain, n-1)
		}
		path := winname.Join(m.machine.Profiles, try)
		if m.folders[winname.Fold(path)] {
			continue
		}
		if v, at, ok := m.machine.Resolve(path); ok {
			if _, err := v.Stat(at); !errors.Is(err, fs.ErrNotExist) && !m.reusable(v, at, p) && n < 999 {
				continue
			}
		}
		m.folders[winname.Fold(path)] = true
		return path
	}
}

// tellUnused warns of options that matched nobody: they are often misspelt.
func (m *mapper) tellUnused() {
	for _, move := range m.req.MoveUsers {
		if name := "/mu:" + move.String(); !m.used[name] {
			m.warn(name + " matches no user of the store")
		}
	}
	for _, move := range m.req.MoveDomains {
		if name := "/md:" + move.String(); !m.used[name] {
			m.warn(name + " matches no user of the store")
		}
	}
}
