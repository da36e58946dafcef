package windows

import (
	"strings"

	"lifeboat/engine/regf"
	"lifeboat/engine/winname"
)

// identity is what some place in the hives says about a SID.
type identity struct {
	name     string
	domain   string // NetBIOS
	fullName string
	signIn   string // user principal name or e-mail
	source   string // of the name
}

// nameBook gathers who is who. A profile does not hold its user's name (9.11),
// so every place that may know is asked, the surest first; what an earlier one
// said, a later does not change.
type nameBook struct {
	bySID   map[string]*identity
	loose   []identity        // names without a SID, as Windows 7 keeps the last logon
	domains map[string]string // SID of a domain → NetBIOS name
}

func newNameBook() *nameBook {
	return &nameBook{bySID: map[string]*identity{}, domains: map[string]string{}}
}

// note adds what is not yet known.
func (b *nameBook) note(sid string, id identity) {
	if !isPerson(sid) {
		return
	}
	known := b.bySID[sid]
	if known == nil {
		known = &identity{}
		b.bySID[sid] = known
	}
	if known.name == "" && id.name != "" {
		known.name, known.source = id.name, id.source
	}
	known.domain = first(known.domain, id.domain)
	known.fullName = first(known.fullName, id.fullName)
	known.signIn = first(known.signIn, id.signIn)
	if domain, _ := splitRID(sid); id.domain != "" && b.domains[domain] == "" && !isEntra(sid) {
		b.domains[domain] = id.domain
	}
}

// account notes a name as people log on with: DOMAIN\name, name, or an e-mail.
func (b *nameBook) account(sid, logon, source string) {
	id := logonName(logon)
	id.source = source
	b.note(sid, id)
}

func logonName(logon string) identity {
	domain, name, both := strings.Cut(logon, `\`)
	if !both {
		domain, name = "", logon
	}
	switch {
	case strings.Contains(name, "@"): // also MicrosoftAccount\anna@example.com
		return identity{signIn: name}
	case domain == ".":
		return identity{name: name}
	default:
		return identity{name: name, domain: domain}
	}
}

// readNames asks SOFTWARE, in the order of 9.11.
func (b *nameBook) readNames(h *regf.Hive) {
	windows := h.Find(`Microsoft\Windows\CurrentVersion`)

	store := h.Find(`Microsoft\IdentityStore`)
	for _, provider := range store.Find("LogonCache").Subkeys() {
		for _, key := range provider.Find("Sid2Name").Subkeys() {
			b.account(key.Name(), key.Str("SAMName"), "logon cache")
			b.account(key.Name(), key.Str("IdentityName"), "logon cache")
			b.note(key.Name(), identity{fullName: key.Str("DisplayName")})
		}
	}
	for _, key := range store.Find("Cache").Subkeys() {
		sid := key.Name()
		b.account(sid, key.Find(winname.Join("IdentityCache", sid)).Str("UserName"), "identity cache")
	}

	logon := windows.Find(`Authentication\LogonUI`)
	last := first(logon.Str("LastLoggedOnUserSID"), logon.Str("SelectedUserSID"))
	for _, name := range []string{"LastLoggedOnSAMUser", "LastLoggedOnUser"} {
		if text := logon.Str(name); isPerson(last) {
			b.account(last, text, "LogonUI")
		} else {
			b.addLoose(text, "LogonUI")
		}
	}
	for _, session := range logon.Find("SessionData").Subkeys() {
		sid := session.Str("LoggedOnUserSID")
		b.account(sid, session.Str("LoggedOnSAMUser"), "LogonUI")
		b.account(sid, session.Str("LoggedOnUser"), "LogonUI")
	}

	policy := windows.Find("Group Policy")
	for _, key := range policy.Find("DataStore").Subkeys() {
		b.account(key.Name(), key.Find("0").Str("szName"), "Group Policy")
	}
	for _, key := range policy.Find("State").Subkeys() {
		// The common name is one for people, as a rule not the one of the logon.
		b.note(key.Name(), identity{fullName: commonName(key.Str("Distinguished-Name"))})
	}

	winlogon := h.Find(currentVersionKey + `\Winlogon`)
	if name := winlogon.Str("DefaultUserName"); name != "" {
		b.addLoose(winname.Join(winlogon.Str("DefaultDomainName"), name), "Winlogon")
	}
}

func (b *nameBook) addLoose(logon, source string) {
	if id := logonName(strings.TrimPrefix(logon, `\`)); id.name != "" {
		id.source = source
		b.loose = append(b.loose, id)
	}
}

// commonName reads the CN at the start of a distinguished name.
func commonName(dn string) string {
	rest, ok := strings.CutPrefix(dn, "CN=")
	if !ok {
		return ""
	}
	var name strings.Builder
	for i := 0; i < len(rest) && rest[i] != ','; i++ {
		if rest[i] == '\\' && i+1 < len(rest) {
			i++
		}
		name.WriteByte(rest[i])
	}
	return name.String()
}

// lookup tells who a SID is; folder is the name of the profile folder, the last
// resort.
func (b *nameBook) lookup(sid, folder string) identity {
	id := identity{}
	if known := b.bySID[sid]; known != nil {
		id = *known
	}
	domain, _ := splitRID(sid)
	if !isEntra(sid) {
		id.domain = first(id.domain, b.domains[domain])
	}
	if id.name != "" {
		return id
	}
	guess := folderName(folder)
	for _, l := range b.loose {
		if winname.Equal(l.name, guess) && (id.domain == "" || l.domain == "" || winname.Equal(id.domain, l.domain)) {
			id.name, id.source, id.domain = l.name, l.source, first(id.domain, l.domain)
			return id
		}
	}
	if guess != "" {
		id.name, id.source = guess, NameFromFolder
	}
	return id
}

// folderName takes from the name of a profile folder what Windows appended to
// keep it apart: ".DOMAIN", ".000", or both. A name may have dots of its own, so
// only a tail in capitals or of three digits goes.
func folderName(folder string) string {
	for {
		i := strings.LastIndexByte(folder, '.')
		if i <= 0 {
			return folder
		}
		tail := folder[i+1:]
		number := len(tail) == 3 && strings.Trim(tail, "0123456789") == ""
		if !number && (len(tail) < 2 || tail != strings.ToUpper(tail) || tail == strings.ToLower(tail)) {
			return folder
		}
		folder = folder[:i]
	}
}
