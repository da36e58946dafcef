package capture

import (
	"errors"

	"lifeboat/engine/migxml"
	"lifeboat/engine/volume"
	"lifeboat/engine/winname"
)

// RawEFS is a [volume.Volume] that can hand out a file encrypted with EFS as it
// lies on the disk, for which no key is needed. From both parts a running
// Windows can make the file again (WriteEncryptedFileRaw). A mounted folder
// cannot give them.
type RawEFS interface {
	// OpenRaw opens the ciphertext of a stream; the file's own has the name "".
	OpenRaw(path, stream string) (volume.File, error)
	// EFS reads the keys of the file, each encrypted for one user.
	EFS(path string) ([]byte, error)
}

func isEncrypted(i volume.Info) bool { return i.Attr&volume.Encrypted != 0 && !i.IsDir() }

// Encrypted returns how much of what the selection takes is encrypted with EFS.
// It is not in Totals.
func (p *Plan) Encrypted(sel Selection) Totals {
	var sum Totals
	for i, unit := range p.chosen(sel) {
		if unit >= 0 {
			sum.add(p.groups[i].encrypted)
		}
	}
	return sum
}

// errFound ends a walk that has its answer.
var errFound = errors.New("found")

// FirstEncrypted returns the path of the first file that the selection takes
// and that is encrypted with EFS; with raw, only if its volume is no [RawEFS].
// It is empty if there is none.
func (p *Plan) FirstEncrypted(sel Selection, raw bool) (string, error) {
	if p.Encrypted(sel).Files == 0 {
		return "", nil
	}
	first, chosen := "", p.chosen(sel)
	err := p.spool.each(func(o object) error {
		if chosen[o.Group] < 0 || !isEncrypted(o.Info) {
			return nil
		}
		if raw {
			if v, _, ok := p.machine.Resolve(o.Path); ok {
				if _, can := v.(RawEFS); can {
					return nil
				}
			}
		}
		first = o.Path
		return errFound
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return first, err
}

// KeysTaken tells, for each user who has encrypted files in the selection,
// whether the rules take what opens them: the certificate, its private key, and
// the master keys that protect that. The result is by the user's ID.
func (p *Plan) KeysTaken(sel Selection) map[string]bool {
	taken := map[string]bool{}
	for i, unit := range p.chosen(sel) {
		if unit < 0 || p.groups[i].encrypted.Files == 0 {
			continue
		}
		user := p.Units[unit].User
		at := place(p.contexts, user)
		if _, known := taken[user]; known || at < 0 || p.contexts[at].System {
			continue
		}
		roaming := p.contexts[at].Vars["CSIDL_APPDATA"]
		taken[user] = true
		for _, folder := range []string{`SystemCertificates\My\Certificates`, `Crypto\RSA\` + user, `Protect\` + user} {
			taken[user] = taken[user] && p.takesFile(sel, winname.Join(roaming, `Microsoft\`+folder), "key")
		}
	}
	return taken
}

// takesFile tells whether the selection would take a file of that name.
func (p *Plan) takesFile(sel Selection, folder, name string) bool {
	cur := p.program.Files()
	for _, segment := range segments(folder) {
		cur = cur.Descend(segment)
	}
	for _, u := range cur.Leaf(name, migxml.Object{}).Takers {
		if sel.takes(p.Units[u]) {
			return true
		}
	}
	return false
}
