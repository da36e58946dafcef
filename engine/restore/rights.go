package restore

import (
	"context"
	"fmt"
	"strings"

	"lifeboat/engine/regf"
	"lifeboat/engine/store"
	"lifeboat/engine/winname"
)

// loadSecurity reads the descriptors, with the accounts of the destination in
// the place of those of the source.
func (r *run) loadSecurity(ctx context.Context) error {
	r.sds = map[int][]byte{}
	bad := 0
	for s, err := range store.LinesOf[store.Security](ctx, r.req.Tree.Open, store.SecurityJSONL) {
		if err != nil {
			return fmt.Errorf("%w: %w", ErrCatalog, err)
		}
		sd, err := r.translate(s.Data)
		if err != nil {
			bad++
			continue
		}
		r.sds[s.ID] = sd
	}
	if bad > 0 {
		r.warn(fmt.Sprintf("%d security descriptors of the capture are damaged; what had them gets those of its folder", bad))
	}
	return nil
}

// translate puts the accounts of the destination into a descriptor.
func (r *run) translate(sd []byte) ([]byte, error) {
	if r.accountMap == nil {
		r.accountMap = map[string][]byte{}
		for _, p := range r.result.People {
			if !p.restored() {
				continue
			}
			from, err := regf.ParseSID(r.sidOf(p.Source.SID))
			if err != nil {
				continue
			}
			to, err := regf.ParseSID(p.SID)
			if err != nil {
				return nil, err
			}
			r.accountMap[string(from)] = to
		}
	}
	return regf.TranslateSIDs(sd, func(sid []byte) []byte { return r.accountMap[string(sid)] })
}

// sidOf is the SID of a user of the source by its ID in the catalog.
func (r *run) sidOf(id string) string {
	for _, u := range r.source.Users {
		if winname.Equal(u.ID, id) && u.SID != "" {
			return u.SID
		}
	}
	return id
}

// Rights in access entries (9.10 and the headers of Windows).
const (
	fileAll  = 0x001F01FF
	keyAll   = 0x000F003F
	keyRead  = 0x00020019
	toFiles  = 0x01 // inherited by files
	toDirs   = 0x02 // by folders, or by keys
	fromFlag = 0x10 // is inherited itself
)

// ownerRights is the descriptor of something in a profile that is new: full
// access for the owner, SYSTEM and the administrators, as Windows gives it.
// Outside of new profiles it is nil: there a folder's own rights are inherited.
func (r *run) ownerRights(path string, dir bool) []byte {
	for _, p := range r.result.People {
		if !p.restored() || !p.isNew {
			continue
		}
		rest, in := cutPath(path, p.Profile)
		if !in {
			continue
		}
		sid, err := regf.ParseSID(p.SID)
		if err != nil {
			return nil
		}
		flags := byte(0)
		if dir {
			flags = toFiles | toDirs
		}
		if rest != "" {
			flags |= fromFlag
		}
		return fileDescriptor(sid, flags, rest == "")
	}
	return nil
}

// fileDescriptor is the descriptor of something that is an account's.
func fileDescriptor(owner []byte, flags byte, protected bool) []byte {
	const inherits, isProtected = 0x0400, 0x1000 // SE_DACL_AUTO_INHERITED, SE_DACL_PROTECTED
	control := uint16(inherits)
	if protected {
		control |= isProtected
	}
	var allowed []regf.Allowed
	for _, who := range [][]byte{regf.System(), regf.Administrators(), owner} {
		allowed = append(allowed, regf.Allowed{SID: who, Mask: fileAll, Flags: flags})
	}
	return regf.NewDescriptor(control, owner, owner, allowed...)
}

// readOnlyKeys are those that a user may only read, so that policies hold.
var readOnlyKeys = []string{`Software\Policies`, `Software\Microsoft\Windows\CurrentVersion\Policies`}

// own gives an account the rights that a user has in the own hive.
func own(k *regf.Node, sid []byte, path string, cache map[string][]byte) error {
	if cache == nil {
		cache = map[string][]byte{}
	}
	mask := uint32(keyAll)
	for _, p := range readOnlyKeys {
		if _, in := cutPath(path, p); in {
			mask = keyRead
		}
	}
	if k.Security != nil || mask == keyRead {
		sd := k.Security
		if sd == nil {
			sd = regf.DefaultDescriptor()
		}
		key := fmt.Sprintf("%d:%s", mask, sd)
		granted, ok := cache[key]
		if !ok {
			var err error
			if granted, err = regf.Grant(sd, sid, mask, toDirs); err != nil {
				return fmt.Errorf("key %s: %w", winname.Show(path), err)
			}
			cache[key] = granted
		}
		k.Security = granted
	}
	for _, sub := range k.Subkeys {
		if err := own(sub, sid, strings.TrimPrefix(path+`\`+sub.Name, `\`), cache); err != nil {
			return err
		}
	}
	return nil
}
