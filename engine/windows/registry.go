package windows

import (
	"fmt"
	"strings"

	"lifeboat/engine/regf"
	"lifeboat/engine/winname"
)

// Key is a key of the registry as the running Windows saw it: hives put
// together under HKLM and HKU, CurrentControlSet where it pointed, and every
// user's classes in Software\Classes. The embedded key is the one in its hive.
type Key struct {
	*regf.Key
	Path string // `HKLM\SYSTEM\CurrentControlSet\Control`

	graft *graft
}

// graft is a key that appears in a hive at a place where the hive itself has
// none.
type graft struct {
	at  []string // the names on the way there, from the key that has the graft
	key *regf.Key
}

// below returns what of the graft is left when one goes down to name.
func (g *graft) below(name string) *graft {
	if g == nil || len(g.at) < 2 || !winname.Equal(g.at[0], name) {
		return nil
	}
	return &graft{g.at[1:], g.key}
}

// here returns the grafted key if it is directly below.
func (g *graft) here() (name string, key *regf.Key) {
	if g == nil || len(g.at) != 1 {
		return "", nil
	}
	return g.at[0], g.key
}

// Name returns the key's name; that of a hive's root is the one it has in the
// registry.
func (k *Key) Name() string {
	_, name := winname.Split(k.Path)
	return name
}

func (k *Key) child(name string, key *regf.Key) *Key {
	return &Key{Key: key, Path: winname.Join(k.Path, name), graft: k.graft.below(name)}
}

// Subkeys returns the keys below, in the order of the hive.
func (k *Key) Subkeys() []*Key {
	name, grafted := k.graft.here()
	var keys []*Key
	for _, key := range k.Key.Subkeys() {
		if grafted == nil || !winname.Equal(key.Name(), name) {
			keys = append(keys, k.child(key.Name(), key))
		}
	}
	if grafted != nil {
		keys = append(keys, k.child(name, grafted))
	}
	return keys
}

// Subkey returns the key of that name directly below, in any case, nil if absent.
func (k *Key) Subkey(name string) *Key {
	if at, grafted := k.graft.here(); grafted != nil && winname.Equal(at, name) {
		return k.child(at, grafted)
	}
	key := k.Key.Subkey(name)
	if key == nil {
		return nil
	}
	return k.child(key.Name(), key)
}

// Find returns the key at a backslash path below this one, nil if absent. The
// empty path is the key itself.
func (k *Key) Find(path string) *Key {
	for path = strings.Trim(path, `\`); path != "" && k != nil; {
		var name string
		name, path, _ = strings.Cut(path, `\`)
		k = k.Subkey(name)
	}
	return k
}

// Roots returns the paths of everything that can be walked: `HKLM\SOFTWARE`,
// `HKU\.DEFAULT`, and `HKU\<ID>` for every user whose NTUSER.DAT can be read.
// HKLM\HARDWARE, HKCU and HKCR are not on a disk.
func (m *Machine) Roots() []string {
	var roots []string
	for _, h := range m.Hives {
		switch {
		case !h.Readable():
		case h.Name == "DEFAULT":
			roots = append(roots, `HKU\.DEFAULT`)
		default:
			roots = append(roots, `HKLM\`+h.Name)
		}
	}
	for _, u := range m.Users {
		if u.Hive("NTUSER.DAT").Readable() {
			roots = append(roots, `HKU\`+u.ID)
		}
	}
	return roots
}

// Key returns a key by its full path below HKLM, HKU or HKCR, long names too,
// nil if it is absent. HKCR is that of the machine. An error means that the
// hive cannot be read.
func (m *Machine) Key(path string) (*Key, error) {
	root, rest, _ := strings.Cut(path, `\`)
	switch strings.ToUpper(root) {
	case "HKLM", "HKEY_LOCAL_MACHINE":
		name, below, _ := strings.Cut(rest, `\`)
		return m.machineKey(strings.ToUpper(name), below)
	case "HKCR", "HKEY_CLASSES_ROOT":
		return m.machineKey("SOFTWARE", winname.Join("Classes", rest))
	case "HKU", "HKEY_USERS":
		id, below, _ := strings.Cut(rest, `\`)
		if winname.Equal(id, ".DEFAULT") {
			return m.machineKey("DEFAULT", below)
		}
		return m.UserKey(id, below)
	}
	return nil, fmt.Errorf("registry path %s begins with none of HKLM, HKU, HKCR", path)
}

func (m *Machine) machineKey(name, path string) (*Key, error) {
	m.mu.Lock()
	h, err := m.hive(name)
	m.mu.Unlock()
	if h == nil || err != nil {
		return nil, err
	}
	root := &Key{Key: h.Root(), Path: `HKLM\` + name}
	switch name {
	case "DEFAULT":
		root.Path = `HKU\.DEFAULT`
	case "SYSTEM":
		root.graft = &graft{[]string{"CurrentControlSet"}, controlSet(h)}
	}
	return root.Find(path), nil
}

// hive opens a hive of the machine, which stays open. It is nil if there is no
// such hive. The lock is held.
func (m *Machine) hive(name string) (*regf.Hive, error) {
	if h := m.hives[name]; h != nil {
		return h, nil
	}
	for _, about := range m.Hives {
		if about.Name != name || about.State == Missing {
			continue
		}
		h, now := readHive(m.ctx, m.sources[m.Source].Volume, about.Path)
		if h == nil {
			return nil, fmt.Errorf("hive %s is %s: %s", about.Path, now.State, now.Reason)
		}
		m.hives[name] = h
		return h, nil
	}
	return nil, nil
}

// openUser is the user whose hives are in memory. There is only ever one, so
// that many users need no more memory than the largest.
type openUser struct {
	id   string // folded, empty for nobody
	root *Key
	err  error
}

// UserKey returns a key of a user by its path below HKCU, nil if it is absent.
// Asking for another user lets go of the hives of the one before.
func (m *Machine) UserKey(id, path string) (*Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	root, err := m.userRoot(id)
	if root == nil || err != nil {
		return nil, err
	}
	return root.Find(path), nil
}

// userRoot opens the hives of a user. The lock is held.
func (m *Machine) userRoot(id string) (*Key, error) {
	if m.user.id == winname.Fold(id) {
		return m.user.root, m.user.err
	}
	u, ok := m.User(id)
	if !ok {
		return nil, nil
	}
	m.user = openUser{id: winname.Fold(id)}
	about := u.Hive("NTUSER.DAT")
	if about.State == Missing {
		return nil, nil
	}
	v := m.sources[u.Source].Volume
	h, now := readHive(m.ctx, v, about.Path)
	if h == nil {
		m.user.err = fmt.Errorf("hive %s of %s is %s: %s", about.Path, u.Profile, now.State, now.Reason)
		return nil, m.user.err
	}
	root := &Key{Key: h.Root(), Path: `HKU\` + u.ID}
	if classes := u.Hive("UsrClass.dat"); classes.Readable() {
		if h, _ := readHive(m.ctx, v, classes.Path); h != nil {
			root.graft = &graft{[]string{"Software", "Classes"}, h.Root()}
		}
	}
	m.user.root = root
	return root, nil
}
