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

// freshHive makes NTUSER.DAT for a profile that has none, from that of the
// default profile with the owner in every descriptor (spec/registry.md 6.5), or
// an empty UsrClass.dat.
func (g *registry) freshHive(p *Person, d *disk, at, shown string, classes bool) (*hive, error) {
	sid, err := regf.ParseSID(p.SID)
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
		h.root.Security = regf.DefaultDescriptor()
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
		sid, err := regf.ParseSID(p.SID)
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
