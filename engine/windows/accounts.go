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
	signIn    string // e-mail of a Microsoft account
	lastLogon time.Time
	disabled  bool
}

// samFacts is what SAM tells.
type samFacts struct {
	machineSID string
	accounts   map[string]account // by SID
}

func readSAM(h *regf.Hive) samFacts {
	f := samFacts{accounts: map[string]account{}}
	key := h.Find(`SAM\Domains\Account`)
	v, _ := key.Value("V")
	if n := len(v.Data); n >= 24 {
		f.machineSID = sidString(v.Data[n-24:])
	}
	if f.machineSID == "" {
		return f
	}
	for _, user := range key.Find("Users").Subkeys() {
		rid, err := strconv.ParseUint(user.Name(), 16, 32)
		if err != nil {
			continue // the key Names
		}
		a := account{}
		if v, ok := user.Value("V"); ok {
			a.name, a.fullName = samText(v.Data, 1), samText(v.Data, 2)
		}
		if v, ok := user.Value("F"); ok && len(v.Data) >= 58 {
			a.lastLogon = regf.FileTime(le.Uint64(v.Data[8:]))
			a.disabled = le.Uint16(v.Data[56:])&1 != 0
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

// samText reads text number i of the value V.
func samText(v []byte, i int) string {
	const texts = 0xCC
	if len(v) < texts {
		return ""
	}
	at, size := le.Uint32(v[12*i:]), le.Uint32(v[12*i+4:])
	return utf16Text(v[texts:], at, size)
}
