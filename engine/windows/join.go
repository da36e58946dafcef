package windows

import (
	"strings"

	"lifeboat/engine/regf"
	"lifeboat/engine/winname"
)

// Join says what the computer was a member of. Workgroup and Domain exclude
// each other; a computer can be in a domain and in Entra at once.
type Join struct {
	Workgroup string `json:"workgroup,omitempty"`
	Domain    string `json:"domain,omitempty"` // NetBIOS name
	DNSDomain string `json:"dnsDomain,omitempty"`
	DomainSID string `json:"domainSid,omitempty"`
	Entra     *Entra `json:"entra,omitempty"`
}

// Entra is a join to Entra ID, formerly Azure AD.
type Entra struct {
	TenantID string `json:"tenantId"`
	Tenant   string `json:"tenant,omitempty"` // its display name
	User     string `json:"user,omitempty"`   // e-mail of who joined
}

// readEntra reads the key CloudDomainJoin, which exists on unjoined computers
// too, without subkeys (9.4).
func readEntra(key *regf.Key) *Entra {
	for _, join := range key.Find("JoinInfo").Subkeys() {
		tenant := join.Str("TenantId")
		if tenant == "" {
			continue
		}
		return &Entra{
			TenantID: tenant,
			Tenant:   key.Find(winname.Join("TenantInfo", tenant)).Str("DisplayName"),
			User:     join.Str("UserEmail"),
		}
	}
	return nil
}

// securityFacts is what SECURITY tells (9.4).
type securityFacts struct {
	known      bool
	primary    string // workgroup, or NetBIOS name of the domain
	primarySID string // of the domain, empty for a workgroup
	dns        string
	machine    string // name and SID of the machine's own accounts
	machineSID string
}

func readSecurity(h *regf.Hive) securityFacts {
	policy := h.Find("Policy")
	data := func(name string) []byte {
		v, _ := policy.Find(name).Value("")
		return v.Data
	}
	f := securityFacts{
		primary:    unicodeString(data("PolPrDmN")),
		primarySID: sidString(data("PolPrDmS")),
		dns:        unicodeString(data("PolDnDDN")),
		machine:    unicodeString(data("PolAcDmN")),
		machineSID: sidString(data("PolAcDmS")),
	}
	f.known = f.primary != ""
	return f
}

// unicodeString reads a UNICODE_STRING whose text lies behind its header.
func unicodeString(b []byte) string {
	if len(b) < 8 {
		return ""
	}
	return utf16Text(b, le.Uint32(b[4:]), uint32(le.Uint16(b)))
}

// utf16Text reads size bytes of text at an offset, "" if they are not all there.
func utf16Text(b []byte, at, size uint32) string {
	if uint64(at)+uint64(size) > uint64(len(b)) {
		return ""
	}
	b = b[at : at+size]
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = le.Uint16(b[2*i:])
	}
	text, _, _ := strings.Cut(winname.FromUTF16(units), "\x00")
	return text
}

// joinOf brings together what SYSTEM and SECURITY know. Without SECURITY a DNS
// domain in the network settings is the best sign of a domain.
func joinOf(sys systemFacts, sec securityFacts) Join {
	j := Join{Entra: sys.entra, DNSDomain: first(sec.dns, sys.dnsDomain), DomainSID: sec.primarySID}
	switch {
	case !sec.known:
	case sec.primarySID != "":
		j.Domain = sec.primary
	default:
		// What is left is a DNS suffix that somebody has set.
		j.Workgroup, j.DNSDomain = sec.primary, ""
	}
	return j
}
