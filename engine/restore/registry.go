package restore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/regf"
	"lifeboat/engine/store"
	"lifeboat/engine/winname"
)

// keys is a part of the registry that can be edited: a hive, or in a Windows that
// runs what its API shows. Paths are those below its root.
type keys interface {
	has(path string) bool
	value(path, name string) (regf.Value, bool)
	create(path, class string) error
	set(path string, v regf.Value) (changed bool, err error)
	unset(path, name string) error
	drop(path string) error // a key with all below
	values(path string) []string
	subkeys(path string) []string
	commit() error
}

// registry is the registry of the destination while it is edited. Hives are
// opened when something goes into them; those of a user are written and let go
// when all that is his is in them.
type registry struct {
	*run
	open map[string]keys // by folded root, `HKLM\SOFTWARE`, `HKU\S-1-5-…`, `HKU\S-1-5-…_CLASSES`
	sets string          // the current control set, `ControlSet001`
}

// errNotHere is for keys that no restore writes.
var errNotHere = errors.New("is never written to")

// at finds the hive of a key and the key's path in it.
func (g *registry) at(key string) (keys, string, error) {
	root, rest, _ := strings.Cut(key, `\`)
	name, below, _ := strings.Cut(rest, `\`)
	switch strings.ToUpper(root) {
	case "HKLM":
		switch name = strings.ToUpper(name); name {
		case "SOFTWARE", "SYSTEM":
		default:
			return nil, "", fmt.Errorf(`HKLM\%s %w`, name, errNotHere)
		}
		h, err := g.machineHive(name)
		if err != nil {
			return nil, "", err
		}
		first, deeper, _ := strings.Cut(below, `\`)
		if name == "SYSTEM" && winname.Equal(first, "CurrentControlSet") {
			set, err := g.controlSet(h)
			return h, set + `\` + deeper, err
		}
		return h, below, nil
	case "HKU":
		if winname.Equal(name, ".DEFAULT") {
			h, err := g.machineHive("DEFAULT")
			return h, below, err
		}
		p := g.personOf(name)
		if p == nil {
			return nil, "", fmt.Errorf(`HKU\%s is nobody's who is put back`, name)
		}
		if rest, ok := cutPath(below, `Software\Classes`); ok {
			h, err := g.userHive(p, true)
			return h, rest, err
		}
		h, err := g.userHive(p, false)
		return h, below, err
	}
	return nil, "", fmt.Errorf("%s begins with neither HKLM nor HKU", winname.Show(key))
}

// cutPath takes a folder or key off the front of a path.
func cutPath(p, folder string) (string, bool) {
	if len(p) < len(folder) || !winname.Equal(p[:len(folder)], folder) || len(p) > len(folder) && p[len(folder)] != '\\' {
		return "", false
	}
	return strings.TrimPrefix(p[len(folder):], `\`), true
}

func (r *run) personOf(sid string) *Person {
	for _, p := range r.result.People {
		if p.restored() && winname.Equal(p.SID, sid) {
			return p
		}
	}
	return nil
}

func (g *registry) machineHive(name string) (keys, error) {
	root := `HKLM\` + name
	if h := g.open[root]; h != nil {
		return h, nil
	}
	shown := winname.Join(g.machine.SystemRoot, `System32\config\`+name)
	d, at, ok := g.resolve(shown)
	if !ok {
		return nil, fmt.Errorf("%s is out of reach", shown)
	}
	if g.req.Live {
		k, err := liveMachineKeys(name, g.journal)
		if err == nil {
			g.open[root] = k
		}
		return k, err
	}
	h, err := openHive(d, at, shown, g.req.Force, g.now)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", shown, err)
	}
	g.open[root] = h
	return h, nil
}

// controlSet is the key that is CurrentControlSet when Windows runs (9.1).
func (g *registry) controlSet(h keys) (string, error) {
	if g.sets == "" {
		v, found := h.value("Select", "Current")
		if !found {
			return "", errors.New("SYSTEM does not tell which control set is in use")
		}
		n, ok := v.Uint64()
		set := fmt.Sprintf("ControlSet%03d", n)
		if !ok || !h.has(set) {
			return "", fmt.Errorf("SYSTEM says that %s is in use, which is not there", set)
		}
		g.sets = set
	}
	return g.sets, nil
}

// userHive opens NTUSER.DAT or UsrClass.dat of a person, or makes it.
func (g *registry) userHive(p *Person, classes bool) (keys, error) {
	root, file := `HKU\`+winname.Fold(p.SID), winname.Join(p.Profile, "NTUSER.DAT")
	if classes {
		root, file = root+"_CLASSES", winname.Join(p.Profile, `AppData\Local\Microsoft\Windows\UsrClass.dat`)
	}
	if h := g.open[root]; h != nil {
		return h, nil
	}
	if g.req.Live {
		if k := liveUserKeys(p.SID, classes, g.journal); k != nil {
			g.open[root] = k
			return k, nil // the user is signed in
		}
	}
	d, at, ok := g.resolve(file)
	if !ok {
		return nil, fmt.Errorf("%s is out of reach", file)
	}
	h, err := openHive(d, at, file, g.req.Force, g.now)
	if errors.Is(err, fs.ErrNotExist) {
		h, err = g.freshHive(p, d, at, file, classes)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	g.open[root] = h
	return h, nil
}

// close writes a user's hives and lets go of them.
func (g *registry) close(p *Person) error {
	for _, root := range []string{`HKU\` + winname.Fold(p.SID), `HKU\` + winname.Fold(p.SID) + "_CLASSES"} {
		if h := g.open[root]; h != nil {
			if err := g.write(h); err != nil {
				return err
			}
			delete(g.open, root)
		}
	}
	return nil
}

func (g *registry) write(k keys) error {
	if h, ok := k.(*hive); ok && h.fresh { // the folder of UsrClass.dat may not be there yet
		dir, _ := winname.Split(h.at)
		made, err := h.disk.mkdirs(dir)
		if err != nil {
			return err
		}
		for _, at := range slices.Backward(made) {
			if err := h.disk.setFolder(at, metadata{security: g.ownerRights(h.shown[:2]+at, true)}); err != nil {
				return err
			}
		}
	}
	return k.commit()
}

// applyRegistry puts back keys and values: those of the machine first, whose
// rules may move some to users, then user by user.
func (r *run) applyRegistry(ctx context.Context) error {
	g := r.registry
	if err := g.clean(ctx); err != nil {
		return err
	}
	if err := g.added(ctx); err != nil {
		return err
	}
	if err := g.file(ctx, "HKLM"); err != nil {
		return err
	}
	if err := g.file(ctx, ".DEFAULT"); err != nil {
		return err
	}
	for _, p := range r.result.People {
		if !p.restored() {
			continue
		}
		if err := g.file(ctx, p.Source.SID); err != nil {
			return err
		}
		if p.isNew || !p.hadHive {
			// A profile without settings still needs its hive.
			if err := r.try(ctx, job.UnreadableKey, p.Profile, func() error {
				_, err := g.userHive(p, false)
				return err
			}); err != nil {
				return err
			}
		}
		if err := r.try(ctx, job.UnreadableKey, p.Profile, func() error { return g.close(p) }); err != nil {
			return err
		}
	}
	return nil
}

// file puts back the keys of one file of the capture.
func (g *registry) file(ctx context.Context, name string) error {
	file := path.Join(store.RegistryDir, store.Name(name)+".jsonl")
	for k, err := range store.LinesOf[store.RegistryKey](ctx, g.req.Tree.Open, file) {
		if err != nil {
			return fmt.Errorf("%w: %w", ErrCatalog, err)
		}
		units := g.active(k.Units)
		if len(units) == 0 {
			continue
		}
		if k.Link {
			g.notice(string(k.Path), "is a symbolic link in the registry, left out")
			continue
		}
		g.ctl.Progress.SetCurrent(string(k.Path))
		err := g.try(ctx, job.UnreadableKey, string(k.Path), func() error { return g.key(k, units) })
		if err != nil {
			return err
		}
	}
	return nil
}

// key puts back one key with its values.
func (g *registry) key(k store.RegistryKey, units []*unit) error {
	object := migxml.Pattern{Kind: migxml.RegistryKind, Node: string(k.Path)}
	if len(k.Values) == 0 {
		if g.isBarred(object, migxml.Object{}) {
			return nil
		}
		for _, to := range g.targets(units, object) {
			h, below, err := g.at(to.path)
			if errors.Is(err, errNotHere) {
				g.notice(string(k.Path), "%v", err)
				continue
			}
			if err != nil {
				return err
			}
			if !h.has(below) {
				if err := h.create(below, string(k.Class)); err != nil {
					return err
				}
				g.change("key", to.path, "")
			}
			g.count(to.unit, func(c *Counts) { c.Keys++ })
		}
		return nil
	}
	touched := map[string]bool{}
	for _, v := range k.Values {
		object.Leaf, object.HasLeaf = string(v.Name), true
		if g.isSimulated(object) || g.isBarred(object, migxml.Object{Value: migxml.Value{Name: string(v.Name), Type: v.Type, Data: v.Data}}) {
			continue // rules made it up, or do not want it
		}
		for _, to := range g.targets(units, object) {
			err := g.value(regf.Value{Name: to.leaf, Type: regf.Type(v.Type), Data: v.Data}, object, to)
			if errors.Is(err, errNotHere) {
				g.notice(string(k.Path), "%v", err)
				return nil
			}
			if err != nil {
				return err
			}
			if key := winname.Fold(to.path); !touched[key] {
				touched[key] = true
				g.count(to.unit, func(c *Counts) { c.Keys++ })
			}
		}
	}
	return nil
}

// keyTarget is where a key or value goes; the claim decides what happens there.
type keyTarget struct {
	path string
	leaf string
	claim
	claims []claim
}

// targets works out where a key or value goes, as targets of files does.
func (g *registry) targets(units []*unit, object migxml.Pattern) []keyTarget {
	var list []keyTarget
	add := func(path, leaf string, c claim) {
		for i := range list {
			if winname.Equal(list[i].path, path) && winname.Equal(list[i].leaf, leaf) {
				list[i].claims = append(list[i].claims, c)
				return
			}
		}
		list = append(list, keyTarget{path, leaf, c, []claim{c}})
	}
	var taken []int
	for _, u := range units {
		taken = append(taken, u.index)
		c := claim{u, u.matching(object)}
		if to, moved := g.moved(c, object); moved {
			add(to.Node, to.Leaf, c)
		} else {
			add(g.sameKey(object.Node), object.Leaf, c)
		}
	}
	for _, u := range g.movers(object, taken) {
		c := claim{u, u.matching(object)}
		if to, moved := g.moved(c, object); moved {
			add(to.Node, to.Leaf, c)
		}
	}
	return list
}

// sameKey is a key's path with the user of the destination in it.
func (r *run) sameKey(key string) string {
	rest, ok := cutPath(key, "HKU")
	if !ok {
		return key
	}
	id, below, _ := strings.Cut(rest, `\`)
	p := r.people[winname.Fold(id)]
	if p == nil {
		return key
	}
	return strings.TrimSuffix(`HKU\`+p.SID+`\`+below, `\`)
}

// value puts back one value.
func (g *registry) value(v regf.Value, object migxml.Pattern, to keyTarget) error {
	h, below, err := g.at(to.path)
	if err != nil {
		return err
	}
	old, there := h.value(below, v.Name)
	source := migxml.Value{Name: v.Name, Type: uint32(v.Type), Data: v.Data}
	var destination *migxml.Value
	if there {
		destination = &migxml.Value{Name: old.Name, Type: uint32(old.Type), Data: old.Data}
	}
	now, later := g.wanted(to.claims, object, migxml.Object{Value: source}, func() bool { return true })
	if now = append(now, later...); len(now) == 0 {
		return nil
	}
	to.claim = deciding(now)
	source, write := g.decided(to.claim, object, source, destination)
	if !write {
		return nil
	}
	v.Type, v.Data = regf.Type(source.Type), source.Data
	changed, err := h.set(below, v)
	if err != nil {
		return err
	}
	if changed {
		g.change("value", to.path+" ["+v.Name+"]", "")
	}
	g.count(to.unit, func(c *Counts) { c.Values++ })
	return nil
}

// decided is what becomes of a value or an INI setting by the rules of a unit;
// false if the destination stays as it is.
func (r *run) decided(c claim, object migxml.Pattern, source migxml.Value, destination *migxml.Value) (migxml.Value, bool) {
	for _, call := range c.unit.modifiers(c.rules) {
		changed, write, err := migxml.Modify(call, source, destination)
		if err != nil {
			r.warn(fmt.Sprintf("contentModify of %s: %v", c.unit.catalog.Component, err))
			continue
		}
		if !write {
			return source, false
		}
		source = changed
	}
	if destination == nil {
		return source, true
	}
	resolution, _, err := c.unit.merge(c.rules, object, migxml.Collision{Kind: object.Kind, Source: source, Destination: *destination})
	if err != nil {
		r.warn(fmt.Sprintf("merge of %s: %v", c.unit.catalog.Component, err))
	}
	if resolution == migxml.Keep {
		r.count(c.unit, func(c *Counts) { c.Kept++ })
		return source, false
	}
	return source, true
}

// added writes the values that rules made up.
func (g *registry) added(ctx context.Context) error {
	for _, a := range g.recorded.added {
		units := g.active([]int{a.Unit})
		value := migxml.Value{Name: a.Location.Leaf, Type: a.Type, Data: a.Data}
		if a.Location.Kind != migxml.RegistryKind || len(units) == 0 || g.isBarred(a.Location, migxml.Object{Value: value}) {
			continue
		}
		for _, to := range g.targets(units, a.Location) {
			err := g.try(ctx, job.UnreadableKey, to.path, func() error {
				if a.Location.HasLeaf {
					return g.value(regf.Value{Name: to.leaf, Type: regf.Type(a.Type), Data: a.Data}, a.Location, to)
				}
				h, below, err := g.at(to.path)
				if err != nil {
					return err
				}
				return h.create(below, "")
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// clean takes away what destinationCleanup names in the registry.
func (g *registry) clean(ctx context.Context) error {
	return g.eachCleanup(func(c cleanup) error {
		p := &c.pattern
		if p.Kind != migxml.RegistryKind {
			return nil
		}
		literal, wild := cutLiteral(p.Node)
		there := literal
		if c.moved {
			there = g.sameKey(literal)
		}
		if strings.Count(there, `\`) < 2 {
			g.warn(fmt.Sprintf("destinationCleanup %s is about a whole hive, not done", p))
			return nil
		}
		p.Node = there + p.Node[len(literal):]
		return g.try(ctx, job.UnreadableKey, there, func() error {
			h, below, err := g.at(there)
			if err != nil {
				return err
			}
			if !h.has(below) {
				return nil
			}
			return g.cleanKey(h, below, there, c, wild)
		})
	})
}

// cleanKey removes the values that a pattern names, and the keys it names that have
// nothing left.
func (g *registry) cleanKey(h keys, key, shown string, c cleanup, deep bool) error {
	for _, name := range h.values(key) {
		v, _ := h.value(key, name)
		goes, err := c.wants(shown, name, migxml.Object{Value: migxml.Value{Name: name, Type: uint32(v.Type), Data: v.Data}})
		if err != nil {
			g.warn(fmt.Sprintf("destinationCleanup of %s: %v; not done", c.unit.catalog.Component, err))
			return nil
		}
		if goes {
			if err := h.unset(key, name); err != nil {
				return err
			}
			g.change("remove", shown+" ["+name+"]", "")
		}
	}
	if deep {
		for _, name := range h.subkeys(key) {
			if err := g.cleanKey(h, winname.Join(key, name), winname.Join(shown, name), c, deep); err != nil {
				return err
			}
		}
	}
	if c.pattern.MatchNode(shown) && len(h.values(key))+len(h.subkeys(key)) == 0 {
		g.change("remove", shown, "")
		return h.drop(key)
	}
	return nil
}

// commit writes the hives of the machine. ProfileList comes last: it must not
// name a profile that is not there.
func (r *run) commit(ctx context.Context) error {
	for _, name := range []string{"SAM", "DEFAULT", "SYSTEM", "SOFTWARE"} {
		if h := r.registry.open[`HKLM\`+name]; h != nil {
			if err := r.registry.write(h); err != nil {
				return err
			}
		}
	}
	return nil
}
