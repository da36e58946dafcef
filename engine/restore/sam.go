package restore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lifeboat/engine/job"
	"lifeboat/engine/regf"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
	"lifeboat/engine/winname"
)

// Local accounts are keys of the hive SAM (spec/registry.md 9.10). A new one is
// made after the pattern of one that is there, because versions of Windows differ
// in what surrounds the parts that are known: its descriptor with the new SID in
// it, its logon hours, and the form in which an absent password is kept.
// Passwords that are there are never read.

const (
	accountDomain = `SAM\Domains\Account`
	builtinDomain = `SAM\Domains\Builtin`
	usersGroup    = 545
	ordinaryUsers = 513 // the global group that every local account is in
	firstRID      = 1000
)

// accounts are the local accounts of the destination.
type accounts interface {
	find(name string) (sid string, known bool)
	// next gives a new account its SID. In a Windows that runs this makes it.
	next(name string) (sid string, err error)
	make(sid string, a account) error
	join(group, sid string) error
}

// roster is the accounts in the hive SAM.
type roster struct {
	run        *run
	machineSID string
	rids       map[string]uint32 // by folded name
	free       uint32            // the next number
	taken      map[string]uint32 // names that were given a number in this run
	err        error             // why no account can be made
}

func (r *run) readRoster() (*roster, error) {
	ro := &roster{run: r, machineSID: r.machine.MachineSID, rids: map[string]uint32{}, taken: map[string]uint32{}, free: firstRID}
	file := winname.Join(r.machine.SystemRoot, `System32\config\SAM`)
	d, at, ok := r.resolve(file)
	if !ok {
		return nil, fmt.Errorf("%s is out of reach", file)
	}
	h, err := openHive(d, at, file, r.req.Force, r.now)
	if err != nil {
		ro.err = fmt.Errorf("open %s: %w", file, err)
		return ro, nil
	}
	ro.read(h)
	return ro, nil
}

func (ro *roster) read(h *hive) {
	names := h.find(accountDomain + `\Users\Names`)
	domain := h.find(accountDomain)
	if names == nil || ro.machineSID == "" {
		ro.err = errors.New("the hive SAM lacks what every Windows has in it")
		return
	}
	for _, k := range names.Subkeys {
		if v := value(k, ""); v != nil {
			ro.rids[winname.Fold(k.Name)] = uint32(v.Type)
			ro.free = max(ro.free, uint32(v.Type)+1)
		}
	}
	if f := value(domain, "F"); f != nil && len(f.Data) >= nextRID+4 {
		ro.free = max(ro.free, le.Uint32(f.Data[nextRID:]))
	}
	_, ro.err = findPattern(h)
}

// nextRID is where the value F of the domain has the number of the next account.
const nextRID = 72

func (ro *roster) find(name string) (sid string, known bool) {
	rid, known := ro.rids[winname.Fold(name)]
	return fmt.Sprintf("%s-%d", ro.machineSID, rid), known
}

// next gives a new account its SID.
func (ro *roster) next(name string) (string, error) {
	if ro.err != nil {
		return "", ro.err
	}
	if err := checkAccount(name); err != nil {
		return "", err
	}
	rid, again := ro.taken[winname.Fold(name)]
	if !again {
		rid = ro.free
		ro.free++
		ro.taken[winname.Fold(name)] = rid
	}
	return fmt.Sprintf("%s-%d", ro.machineSID, rid), nil
}

// checkAccount says why Windows would not have an account of that name.
func checkAccount(name string) error {
	units := winname.ToUTF16(name)
	switch {
	case len(units) == 0 || len(units) > 20:
		return fmt.Errorf("the name %q has %d characters, 1 to 20 are allowed", winname.Show(name), len(units))
	case strings.ContainsAny(name, `"/\[]:;|=,+*?<>@`), strings.Trim(name, ". ") == "", winname.Show(name) != name:
		return fmt.Errorf("the name %q has characters that no account may have", winname.Show(name))
	}
	return nil
}

// The parts of the value V of a user, by their place in its table.
const (
	vSecurity = 0
	vName     = 1
	vFullName = 2
	vComment  = 3
	vHours    = 11
	vGroups   = 12
	vHashes   = 13 // four: LM, NT and what they were before
	vParts    = 17
	vData     = vParts * 12
)

// samV is the value V of a user in parts.
type samV struct {
	data  [vParts][]byte
	extra [vParts]uint32
}

func parseV(b []byte) (v samV, err error) {
	if len(b) < vData {
		return v, errors.New("an account's data is cut off")
	}
	for i := range v.data {
		at, size := le.Uint32(b[12*i:]), le.Uint32(b[12*i+4:])
		v.extra[i] = le.Uint32(b[12*i+8:])
		if size == 0 {
			continue
		}
		if uint64(at)+uint64(size) > uint64(len(b)-vData) {
			return v, errors.New("an account's data is cut off")
		}
		v.data[i] = b[vData+at:][:size]
	}
	return v, nil
}

func (v samV) bytes() []byte {
	out := make([]byte, vData)
	for i, d := range v.data {
		le.PutUint32(out[12*i:], uint32(len(out)-vData))
		le.PutUint32(out[12*i+4:], uint32(len(d)))
		le.PutUint32(out[12*i+8:], v.extra[i])
		out = append(out, d...)
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
	}
	return out
}

// pattern is the account after which others are made.
type pattern struct {
	rid    uint32
	v      samV
	f      []byte
	hashes [4][]byte // of an account without password
	keyID  uint16    // what hashes begin with
}

// findPattern chooses an account: one that a person has, else the built-in
// administrator, whose descriptor names its own SID as an ordinary one does.
func findPattern(h *hive) (pattern, error) {
	var best pattern
	users := h.find(accountDomain + `\Users`)
	if users == nil {
		return best, errors.New("the hive SAM lacks what every Windows has in it")
	}
	var hashes [4][]byte
	var keyID uint16
	found := false
	for _, k := range users.Subkeys {
		rid, err := strconv.ParseUint(k.Name, 16, 32)
		v, f := value(k, "V"), value(k, "F")
		if err != nil || v == nil || f == nil || len(f.Data) < 80 {
			continue
		}
		parsed, err := parseV(v.Data)
		if err != nil {
			continue
		}
		for i := range hashes {
			d := parsed.data[vHashes+i]
			if hashes[i] == nil && isNoHash(d) {
				hashes[i] = d
			}
			if len(d) >= 4 {
				keyID = le.Uint16(d)
			}
		}
		ordinary := rid >= firstRID
		if rid == 500 && !found || ordinary && best.rid < firstRID {
			best, found = pattern{rid: uint32(rid), v: parsed, f: f.Data}, true
		}
	}
	if !found {
		return best, errors.New("the hive SAM has no account to make others after")
	}
	best.hashes, best.keyID = hashes, keyID
	return best, nil
}

// isNoHash reports the form of a password that is not there: a header alone, of
// 4 bytes before Windows 10 1607 and of 24 since.
func isNoHash(d []byte) bool { return len(d) == 4 || len(d) == 24 && le.Uint32(d[4:]) == 0 }

// account is a local account to be made.
type account struct {
	rid      uint32
	name     string
	fullName string
	comment  string
	enabled  bool
	password string // empty for none
}

// Flags of an account.
const (
	flagDisabled     = 0x0001
	flagNoPassword   = 0x0004
	flagNormal       = 0x0010
	flagNeverExpires = 0x0200
	memberAttributes = 7 // mandatory, enabled by default, enabled
	neverExpires     = 0x7FFFFFFFFFFFFFFF
	samFSize         = 80
)

// addAccount puts an account into SAM, as a member of no group but the one for
// all. key is that of the SAM, for an account with a password.
func addAccount(h *hive, machineSID string, a account, key samKey) error {
	p, err := findPattern(h)
	if err != nil {
		return err
	}
	users, names := h.find(accountDomain+`\Users`), h.find(accountDomain+`\Users\Names`)
	number := fmt.Sprintf("%08X", a.rid)
	if names == nil || h.child(users, number) != nil || h.child(names, a.name) != nil {
		return fmt.Errorf("the account %s is there already", a.name)
	}
	v := samV{extra: p.v.extra}
	v.data[vHours], v.data[vGroups] = p.v.data[vHours], nil
	if sd := p.v.data[vSecurity]; sd != nil {
		from, err1 := regf.ParseSID(fmt.Sprintf("%s-%d", machineSID, p.rid))
		to, err2 := regf.ParseSID(fmt.Sprintf("%s-%d", machineSID, a.rid))
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		v.data[vSecurity], err = regf.TranslateSIDs(sd, func(sid []byte) []byte {
			if bytes.Equal(sid, from) {
				return to
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("descriptor of the account: %w", err)
		}
	}
	v.data[vName], v.data[vFullName], v.data[vComment] = text(a.name), text(a.fullName), text(a.comment)
	v.data[vGroups] = le.AppendUint32(le.AppendUint32(nil, ordinaryUsers), memberAttributes)
	v.extra[vGroups] = 1
	for i, hash := range p.hashes {
		v.data[vHashes+i] = hash
	}
	f := make([]byte, samFSize)
	copy(f, p.f[:4]) // version
	le.PutUint64(f[32:], neverExpires)
	le.PutUint32(f[48:], a.rid)
	le.PutUint32(f[52:], ordinaryUsers)
	flags := uint16(flagNormal | flagNoPassword | flagNeverExpires)
	if !a.enabled {
		flags |= flagDisabled
	}
	if a.password != "" {
		if v.data[vHashes+1], err = key.seal(p.keyID, a.rid, ntHash(a.password)); err != nil {
			return err
		}
		flags &^= flagNoPassword
		le.PutUint64(f[24:], uint64(store.FileTimeOf(h.now))) // else it has to be changed at once
	}
	le.PutUint16(f[56:], flags)

	user := h.key(accountDomain + `\Users\` + number)
	h.put(user, regf.Value{Name: "F", Type: regf.Binary, Data: f})
	h.put(user, regf.Value{Name: "V", Type: regf.Binary, Data: v.bytes()})
	name := h.key(accountDomain + `\Users\Names\` + a.name)
	h.put(name, regf.Value{Type: regf.Type(a.rid)}) // the type is the number
	if count := value(users, ""); count != nil {
		count.Type++
	}
	if domain := value(h.find(accountDomain), "F"); domain != nil && len(domain.Data) >= nextRID+4 {
		data := bytes.Clone(domain.Data)
		le.PutUint32(data[nextRID:], max(le.Uint32(data[nextRID:]), a.rid+1))
		domain.Data = data
	}
	return addOrdinary(h, a.rid)
}

// text is UTF-16 without an end.
func text(s string) []byte {
	d := utf16Data(s)
	return d[:len(d)-2]
}

// addOrdinary lists an account in the global group that all local ones are in.
// Its value C has a table of four parts at 20, whose data begin at 68; the last
// are the members' numbers, and their count is in the table.
func addOrdinary(h *hive, rid uint32) error {
	const data, members = 68, 20 + 3*12
	v := value(h.find(fmt.Sprintf(accountDomain+`\Groups\%08X`, ordinaryUsers)), "C")
	if v == nil {
		return nil // hives of very small systems have no such group
	}
	if len(v.Data) < data {
		return errors.New("the group of all users is cut off")
	}
	c := bytes.Clone(v.Data)
	at, size, count := le.Uint32(c[members:]), le.Uint32(c[members+4:]), le.Uint32(c[members+8:])
	if uint64(data)+uint64(at)+uint64(size) > uint64(len(c)) || uint64(count)*4 > uint64(size) {
		return errors.New("the group of all users is cut off")
	}
	list := c[data+at:][:4*count]
	for rest := list; len(rest) > 0; rest = rest[4:] {
		if le.Uint32(rest) == rid {
			return nil
		}
	}
	if 4*(count+1) <= size { // Windows leaves room
		le.PutUint32(c[data+at+4*count:], rid)
	} else {
		list = le.AppendUint32(bytes.Clone(list), rid)
		c = append(c[:data+at], list...)
		size = uint32(len(list))
	}
	le.PutUint32(c[members+4:], size)
	le.PutUint32(c[members+8:], count+1)
	v.Data, h.changed = c, true
	return nil
}

// addMember puts an account into a local group: into the group's list, and into
// that of the account's groups, which Windows keeps beside it.
func addMember(h *hive, domain string, alias uint32, sid string) error {
	binary, err := regf.ParseSID(sid)
	if err != nil {
		return err
	}
	owner, rid, ok := splitSID(sid)
	if !ok {
		return fmt.Errorf("%s is no account", sid)
	}
	v := value(h.find(fmt.Sprintf(`%s\Aliases\%08X`, domain, alias)), "C")
	if v == nil || len(v.Data) < aliasData {
		return fmt.Errorf("there is no group %d", alias)
	}
	c := bytes.Clone(v.Data)
	at, size, count := le.Uint32(c[40:]), le.Uint32(c[44:]), le.Uint32(c[48:])
	if uint64(aliasData)+uint64(at)+uint64(size) > uint64(len(c)) {
		return fmt.Errorf("the list of group %d is cut off", alias)
	}
	members := c[aliasData+at:][:size]
	for rest := members; len(rest) >= 8; rest = rest[min(len(rest), 8+4*int(rest[1])):] {
		if bytes.HasPrefix(rest, binary) {
			return nil
		}
	}
	// The list is the last part; where something follows, a longer one goes
	// behind all.
	list := slices.Concat(members, binary)
	if int(aliasData+at+size) == len(c) {
		c = append(c[:aliasData+at], list...)
	} else {
		for (len(c)-aliasData)%4 != 0 {
			c = append(c, 0)
		}
		le.PutUint32(c[40:], uint32(len(c)-aliasData))
		c = append(c, list...)
	}
	le.PutUint32(c[44:], uint32(len(list)))
	le.PutUint32(c[48:], count+1)
	v.Data, h.changed = c, true

	top := h.find(domain + `\Aliases\Members`)
	if top == nil {
		return nil // as in hives that were made for a test
	}
	isNew := h.child(top, owner) == nil
	group := h.key(domain + `\Aliases\Members\` + owner)
	if isNew {
		h.put(group, regf.Value{})
		bump(top)
	}
	key := fmt.Sprintf("%08X", rid)
	if h.child(group, key) == nil {
		bump(group)
	}
	member := h.key(domain + `\Aliases\Members\` + owner + `\` + key)
	var data []byte
	if old := value(member, ""); old != nil {
		data = old.Data
	}
	data = le.AppendUint32(bytes.Clone(data), alias)
	h.put(member, regf.Value{Type: regf.Type(len(data) / 4), Data: data})
	return nil
}

// aliasData is where the parts of the value C of a local group begin.
const aliasData = 52

// bump counts one more in the type of a key's default value.
func bump(k *regf.Node) {
	if v := value(k, ""); v != nil {
		v.Type++
	}
}

// wellKnown are the local groups that every language of Windows has, by their
// English names.
var wellKnown = map[string]uint32{
	"ADMINISTRATORS": 544, "USERS": 545, "GUESTS": 546, "POWER USERS": 547, "BACKUP OPERATORS": 551, "REPLICATOR": 552,
	"REMOTE DESKTOP USERS": 555, "NETWORK CONFIGURATION OPERATORS": 556, "PERFORMANCE MONITOR USERS": 558,
	"PERFORMANCE LOG USERS": 559, "DISTRIBUTED COM USERS": 562, "CRYPTOGRAPHIC OPERATORS": 569, "EVENT LOG READERS": 573,
	"HYPER-V ADMINISTRATORS": 578, "REMOTE MANAGEMENT USERS": 580,
}

// findGroup finds a local group of an installation by its name, in English too.
func findGroup(inst *windows.Installation, name string) (windows.Group, bool) {
	for _, g := range inst.Groups {
		if winname.Equal(g.Name, name) {
			return g, true
		}
	}
	rid, ok := wellKnown[winname.Fold(name)]
	for _, g := range inst.Groups {
		if ok && g.SID == fmt.Sprintf("S-1-5-32-%d", rid) {
			return g, true
		}
	}
	return windows.Group{}, false
}

// groupsFor lists the groups that a person shall be in: those of ProfileControl,
// and Users for an account that is made (spec/usmt-cli-spec.md 5.5).
func (r *run) groupsFor(p *Person) []string {
	var sids []string
	if p.account {
		sids = append(sids, fmt.Sprintf("S-1-5-32-%d", usersGroup))
	}
	domain := string(p.Source.Domain)
	if domain == "" {
		domain = string(r.catalog.Computer)
	}
	full := domain + `\` + string(p.Source.Name)
	matches := func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool { return usmt.MatchName(pattern, full) })
	}
	for _, g := range r.req.Groups {
		if g.AppliesTo == usmt.NonmigratedUsers || matches(g.Exclude) || len(g.Include) > 0 && !matches(g.Include) {
			continue
		}
		if g.From != "*" {
			from, ok := findGroup(r.source, g.From)
			if !ok || !slices.Contains(from.Members, r.sidOf(p.Source.SID)) {
				continue
			}
		}
		to, ok := findGroup(r.machine.Installation, g.To)
		if !ok {
			r.warn(fmt.Sprintf("there is no local group %s here", g.To))
			continue
		}
		if !slices.Contains(sids, to.SID) {
			sids = append(sids, to.SID)
		}
	}
	return sids
}

// writeAccounts makes the accounts and memberships.
func (r *run) writeAccounts(ctx context.Context) error {
	for _, p := range r.result.People {
		if !p.restored() {
			continue
		}
		groups := r.groupsFor(p)
		if !p.account && len(groups) == 0 {
			continue
		}
		err := r.try(ctx, job.UnreadableKey, p.Account(), func() error {
			if p.account {
				a := account{name: p.Name, enabled: r.req.EnableAccounts, password: r.req.Password}
				for _, u := range r.source.Users {
					if winname.Equal(u.ID, p.Source.SID) {
						a.fullName, a.comment = u.FullName, u.Comment
					}
				}
				if err := r.accounts.make(p.SID, a); err != nil {
					return err
				}
				r.change("account", p.Account(), "")
			}
			for _, group := range groups {
				if err := r.accounts.join(group, p.SID); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// hive is SAM while it is edited.
func (ro *roster) hive() (*hive, error) {
	k, err := ro.run.registry.machineHive("SAM")
	if err != nil {
		return nil, err
	}
	h, ok := k.(*hive)
	if !ok {
		return nil, errors.New("the hive SAM is in use")
	}
	return h, nil
}

func (ro *roster) make(sid string, a account) error {
	h, err := ro.hive()
	if err != nil {
		return err
	}
	_, a.rid, _ = splitSID(sid)
	var key samKey
	if a.password != "" {
		if key, err = ro.samKey(h); err != nil {
			ro.run.warn(fmt.Sprintf("accounts are made without a password, which Windows lets sign in at this computer only: %v; set one with net user", err))
			a.password = ""
		}
	}
	return addAccount(h, ro.machineSID, a, key)
}

// samKey finds the key by which the destination encrypts what it keeps of
// passwords.
func (ro *roster) samKey(sam *hive) (samKey, error) {
	k, err := ro.run.registry.machineHive("SYSTEM")
	if err != nil {
		return samKey{}, err
	}
	system, ok := k.(*hive)
	if !ok {
		return samKey{}, errors.New("the hive SYSTEM is in use")
	}
	set, err := ro.run.registry.controlSet(system)
	if err != nil {
		return samKey{}, err
	}
	boot, err := bootKey(system, set+`\Control`)
	if err != nil {
		return samKey{}, err
	}
	f := value(sam.find(accountDomain), "F")
	if f == nil {
		return samKey{}, errors.New("the hive SAM has no key")
	}
	return openSAMKey(f.Data, boot)
}

func (ro *roster) join(group, sid string) error {
	h, err := ro.hive()
	if err != nil {
		return err
	}
	domain, rid, _ := splitSID(group)
	where := accountDomain
	if domain == "S-1-5-32" {
		where = builtinDomain
	}
	return addMember(h, where, rid, sid)
}
