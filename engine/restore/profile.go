package restore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"lifeboat/engine/job"
	"lifeboat/engine/regf"
	"lifeboat/engine/store"
	"lifeboat/engine/volume"
	"lifeboat/engine/winname"
)

// makeProfiles makes the folders of profiles that are not there, with what
// Windows puts into every new one.
func (r *run) makeProfiles(ctx context.Context) error {
	for _, p := range r.result.People {
		if !p.restored() || !p.isNew {
			continue
		}
		err := r.try(ctx, job.UnreadableFile, p.Profile, func() error {
			d, at, shown, err := r.onDrive(p.Profile)
			if err != nil {
				return err
			}
			p.Profile = shown
			made, err := d.mkdirs(at)
			r.finishLater(shown, made)
			return err
		})
		if err != nil {
			return err
		}
		if from := r.machine.Vars()["DEFAULTUSERPROFILE"]; isPath(from) {
			if v, at, ok := r.machine.Resolve(from); ok {
				if err := r.copyDefault(ctx, v, at, p.Profile, 0); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// copyDefault copies the default profile. Its links are those of old names to
// new ones, which Windows makes again; its hive is not copied but made the user's.
func (r *run) copyDefault(ctx context.Context, v volume.Volume, from, to string, depth int) error {
	infos, _ := v.ReadDir(from) // what can be read; a profile works without
	for _, info := range infos {
		if err := ctx.Err(); err != nil {
			return err
		}
		source, target := winname.Join(from, info.Name), winname.Join(to, info.Name)
		if info.Attr&volume.ReparsePoint != 0 || depth > 32 || depth == 0 && isProfileHive(info.Name) {
			continue
		}
		d, at, shown, err := r.onDrive(target)
		if err != nil {
			return err
		}
		meta := metadata{
			attr: info.Attr & settable, created: store.FileTimeOf(info.Created),
			modified: store.FileTimeOf(info.Modified), accessed: store.FileTimeOf(info.Accessed),
			security: r.ownerRights(shown, info.IsDir()),
		}
		if info.IsDir() {
			made, err := d.mkdirs(at)
			if err != nil {
				return err
			}
			for range made {
				r.folders = append(r.folders, finishing{shown, meta})
			}
			if err := r.copyDefault(ctx, v, source, target, depth+1); err != nil {
				return err
			}
			continue
		}
		if d.exists(at) {
			continue
		}
		err = r.try(ctx, job.UnreadableFile, shown, func() error {
			return d.put(at, false, meta, func(w io.Writer) error {
				in, err := v.Open(source)
				if err != nil {
					return err
				}
				defer in.Close()
				_, err = io.Copy(w, in)
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// isProfileHive reports whether a name in a profile folder is that of the hive or
// of what belongs to it.
func isProfileHive(name string) bool {
	return strings.HasPrefix(winname.Fold(name), "NTUSER.DAT")
}

// isHive reports whether a path of the destination is that of a hive, which no
// file of a capture replaces: its keys are merged instead.
func (r *run) isHive(path string) bool {
	dir, name := winname.Split(path)
	fold := winname.Fold(name)
	if parent, _ := winname.Split(dir); isProfileHive(name) && winname.Equal(parent, r.machine.Profiles) {
		return true
	}
	if strings.HasPrefix(fold, "USRCLASS.DAT") && strings.HasSuffix(winname.Fold(dir), `\APPDATA\LOCAL\MICROSOFT\WINDOWS`) {
		return true
	}
	if _, in := cutPath(path, winname.Join(r.machine.SystemRoot, `System32\config`)); in {
		return true
	}
	for _, p := range r.result.People {
		if p.restored() && winname.Equal(dir, p.Profile) && isProfileHive(name) {
			return true
		}
	}
	return false
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
		sid, err := parseSID(p.SID)
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

var (
	systemSID = []byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0}
	adminsSID = []byte{1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0}
)

// fileDescriptor is a self-relative descriptor owned by the account.
func fileDescriptor(owner []byte, flags byte, protected bool) []byte {
	control := uint16(0x8404) // self-relative, a DACL that inherits
	if protected {
		control |= 0x1000
	}
	sd := make([]byte, 20)
	sd[0] = 1
	le.PutUint16(sd[2:], control)
	acl := []byte{2, 0, 0, 0, 3, 0, 0, 0}
	for _, who := range [][]byte{systemSID, adminsSID, owner} {
		acl = append(acl, 0, flags)
		acl = le.AppendUint16(acl, uint16(8+len(who)))
		acl = le.AppendUint32(acl, fileAll)
		acl = append(acl, who...)
	}
	le.PutUint16(acl[2:], uint16(len(acl)))
	le.PutUint32(sd[16:], uint32(len(sd)))
	sd = append(sd, acl...)
	le.PutUint32(sd[4:], uint32(len(sd)))
	sd = append(sd, owner...)
	le.PutUint32(sd[8:], uint32(len(sd)))
	return append(sd, owner...)
}

// freshHive makes NTUSER.DAT for a profile that has none, from that of the
// default profile with the owner in every descriptor (spec/registry.md 6.5), or
// an empty UsrClass.dat.
func (g *registry) freshHive(p *Person, d *disk, at, shown string, classes bool) (*hive, error) {
	sid, err := parseSID(p.SID)
	if err != nil {
		return nil, err
	}
	h := &hive{
		disk: d, at: at, shown: shown, fresh: true, changed: true, now: g.now,
		opt:  regf.Options{LastWritten: g.now},
		subs: map[*regf.Node]map[string]*regf.Node{},
		meta: metadata{security: g.ownerRights(shown, false)},
	}
	switch {
	case classes:
		h.root = &regf.Node{Name: p.SID + "_Classes", LastWrite: g.now}
		h.opt.Minor = 3
	default:
		h.root, err = g.defaultHive()
		if err != nil {
			g.warn(fmt.Sprintf("the default profile's NTUSER.DAT cannot be used (%v): new profiles begin with empty settings", err))
			h.root = &regf.Node{Name: "ROOT", LastWrite: g.now}
		}
	}
	if h.root.Security == nil {
		h.root.Security = plainKeyDescriptor()
	}
	if err := own(h.root, sid, "", nil); err != nil {
		return nil, err
	}
	g.change("hive", shown, "made from the default profile")
	return h, nil
}

// defaultHive reads the hive of the default profile.
func (g *registry) defaultHive() (*regf.Node, error) {
	file := winname.Join(g.machine.Vars()["DEFAULTUSERPROFILE"], "NTUSER.DAT")
	d, at, ok := g.resolve(file)
	if !ok {
		return nil, fmt.Errorf("%s is out of reach", file)
	}
	h, err := openHive(d, at, file, true, g.now)
	if err != nil {
		return nil, err
	}
	return h.root, nil
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
			sd = plainKeyDescriptor()
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

// plainKeyDescriptor allows SYSTEM and the administrators everything.
func plainKeyDescriptor() []byte {
	sd := make([]byte, 20)
	sd[0] = 1
	le.PutUint16(sd[2:], 0x8004)
	acl := []byte{2, 0, 0, 0, 2, 0, 0, 0}
	for _, who := range [][]byte{systemSID, adminsSID} {
		acl = append(acl, 0, toDirs)
		acl = le.AppendUint16(acl, uint16(8+len(who)))
		acl = le.AppendUint32(acl, keyAll)
		acl = append(acl, who...)
	}
	le.PutUint16(acl[2:], uint16(len(acl)))
	le.PutUint32(sd[16:], uint32(len(sd)))
	sd = append(sd, acl...)
	le.PutUint32(sd[4:], uint32(len(sd)))
	sd = append(sd, adminsSID...)
	le.PutUint32(sd[8:], uint32(len(sd)))
	return append(sd, systemSID...)
}

const profileListKey = `Microsoft\Windows NT\CurrentVersion\ProfileList`

// applyAccounts makes accounts, puts people into groups, and tells Windows of the
// profiles (9.9, 9.10).
func (r *run) applyAccounts(ctx context.Context) error {
	if err := r.writeAccounts(ctx); err != nil {
		return err
	}
	for _, p := range r.result.People {
		if !p.restored() || !p.isNew {
			continue
		}
		h, err := r.registry.machineHive("SOFTWARE")
		if err != nil {
			return err
		}
		sid, err := parseSID(p.SID)
		if err != nil {
			return err
		}
		zero := make([]byte, 4)
		for _, v := range []regf.Value{
			{Name: "ProfileImagePath", Type: regf.ExpandSz, Data: utf16Data(p.Profile)},
			{Name: "Sid", Type: regf.Binary, Data: sid},
			{Name: "Flags", Type: regf.Dword, Data: zero},
			{Name: "State", Type: regf.Dword, Data: zero},
			{Name: "FullProfile", Type: regf.Dword, Data: []byte{1, 0, 0, 0}},
		} {
			if _, err := h.set(profileListKey+`\`+p.SID, v); err != nil {
				return err
			}
		}
		r.change("key", `HKLM\SOFTWARE\`+profileListKey+`\`+p.SID, p.Profile)
	}
	return nil
}

// utf16Data is text as REG_SZ data.
func utf16Data(s string) []byte {
	var data []byte
	for _, u := range winname.ToUTF16(s) {
		data = le.AppendUint16(data, u)
	}
	return append(data, 0, 0)
}

// reusable reports whether a folder that Windows does not know as a profile can
// become the person's: an earlier run that was interrupted made it.
func (r *run) reusable(v volume.Volume, at string, p *Person) bool {
	_, name := winname.Split(at)
	switch winname.Fold(name) {
	case "PUBLIC", "DEFAULT", "DEFAULT USER", "ALL USERS":
		return false
	}
	_, err := v.Stat(winname.Join(at, "NTUSER.DAT"))
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	for _, u := range r.machine.Users {
		if winname.Equal(u.SID, p.SID) && winname.Equal(u.Path, at) {
			p.hadHive = u.Hive("NTUSER.DAT").Readable()
			return true
		}
	}
	return false
}
