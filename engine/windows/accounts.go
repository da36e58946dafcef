package windows

import (
	"fmt"
	"strconv"
	"time"

	"lifeboat/engine/regf"
)

// account is a local account in SAM (9.10).
type account struct {
	name      string
	fullName  string
	comment   string
	signIn    string // e-mail of a Microsoft account
	lastLogon time.Time
	flags     AccountFlags
}

// AccountFlags are the account control bits of a local account (9.10).
type AccountFlags uint16

// The flags that matter for making an account again.
const (
	AccountDisabled      AccountFlags = 0x1
	PasswordNotRequired  AccountFlags = 0x4
	NormalAccount        AccountFlags = 0x10
	PasswordNeverExpires AccountFlags = 0x200
	AccountLocked        AccountFlags = 0x400
)

// Group is a local group.
type Group struct {
	SID     string   `json:"sid"` // S-1-5-32-544 is Administrators, whatever its name
	Name    string   `json:"name"`
	Comment string   `json:"comment,omitempty"`
	Members []string `json:"members"` // SIDs, in the order of the group
}

// samFacts is what SAM tells.
type samFacts struct {
	machineSID string
	accounts   map[string]account // by SID
	groups     []Group
}

func readSAM(h *regf.Hive) samFacts {
	f := samFacts{accounts: map[string]account{}}
	f.groups = readGroups(h.Find(`SAM\Domains\Builtin\Aliases`), "S-1-5-32")
	key := h.Find(`SAM\Domains\Account`)
	v, _ := key.Value("V")
	if n := len(v.Data); n >= 24 {
		f.machineSID = sidString(v.Data[n-24:])
	}
	if f.machineSID == "" {
		return f
	}
	f.groups = append(f.groups, readGroups(key.Find("Aliases"), f.machineSID)...)
	for _, user := range key.Find("Users").Subkeys() {
		rid, err := strconv.ParseUint(user.Name(), 16, 32)
		if err != nil {
			continue // the key Names
		}
		a := account{}
		if v, ok := user.Value("V"); ok {
			a.name, a.fullName, a.comment = samText(v.Data, 1), samText(v.Data, 2), samText(v.Data, 3)
		}
		if v, ok := user.Value("F"); ok && len(v.Data) >= 58 {
			a.lastLogon = regf.FileTime(le.Uint64(v.Data[8:]))
			a.flags = AccountFlags(le.Uint16(v.Data[56:]))
		}
		if v, ok := user.Value("InternetUserName"); ok {
			a.signIn = utf16Text(v.Data, 0, uint32(len(v.Data)))
		}
		if a.name != "" {
			f.accounts[fmt.Sprintf("%s-%d", f.machineSID, rid)] = a
		}
	}
	return f
}

// readGroups reads the groups of one of the domains of SAM.
func readGroups(aliases *regf.Key, domain string) []Group {
	var groups []Group
	for _, alias := range aliases.Subkeys() {
		rid, err := strconv.ParseUint(alias.Name(), 16, 32)
		v, ok := alias.Value("C")
		if err != nil || !ok || len(v.Data) < groupTexts {
			continue // the keys Members and Names
		}
		at, size := le.Uint32(v.Data[40:]), le.Uint32(v.Data[44:])
		texts := v.Data[groupTexts:]
		g := Group{
			SID:     fmt.Sprintf("%s-%d", domain, rid),
			Name:    utf16Text(texts, le.Uint32(v.Data[16:]), le.Uint32(v.Data[20:])),
			Comment: utf16Text(texts, le.Uint32(v.Data[28:]), le.Uint32(v.Data[32:])),
			Members: []string{},
		}
		if uint64(at)+uint64(size) <= uint64(len(texts)) {
			for sids := texts[at:][:size]; len(sids) >= 8; sids = sids[8+4*int(sids[1]):] {
				sid := sidString(sids)
				if sid == "" {
					break
				}
				g.Members = append(g.Members, sid)
			}
		}
		groups = append(groups, g)
	}
	return groups
}

// groupTexts is where the texts and SIDs of the value C of a group begin.
const groupTexts = 52

// samText reads text number i of the value V.
func samText(v []byte, i int) string {
	const texts = 0xCC
	if len(v) < texts {
		return ""
	}
	at, size := le.Uint32(v[12*i:]), le.Uint32(v[12*i+4:])
	return utf16Text(v[texts:], at, size)
}
