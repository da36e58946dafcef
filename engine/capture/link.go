package capture

import (
	"slices"

	"lifeboat/engine/migxml"
	"lifeboat/engine/volume"
	"lifeboat/engine/winname"
)

// lockRule says whether a file that is in use may be linked.
type lockRule struct {
	link     bool
	patterns []migxml.Pattern
}

// native is the file to link, "" if the file must be read. What somebody holds
// open is copied, unless Config.xml says otherwise: linked, it could not be
// removed from the store while that lasts (spec/usmt-cli-spec.md 5.3).
func (g *gatherer) native(p prepared) string {
	v, ok := p.volume.(volume.Named)
	if !ok {
		return ""
	}
	name, err := v.Native(p.path)
	if err != nil || inUse(name) && !g.linksLocked(p.Path) {
		return ""
	}
	return name
}

// linksLocked finds the first rule that is about a file.
func (g *gatherer) linksLocked(path string) bool {
	node, leaf := winname.Split(path)
	for _, r := range g.locked {
		if slices.ContainsFunc(r.patterns, func(p migxml.Pattern) bool { return p.MatchLeaf(node, leaf) }) {
			return r.link
		}
	}
	return false
}

// CanLink reports whether every file that the selection takes from the Windows'
// own drive can be linked: the drive is mounted, not read raw.
func (p *Plan) CanLink() bool {
	v, at, ok := p.machine.Resolve(p.machine.SystemDrive() + `\`)
	named, mounted := v.(volume.Named)
	if !ok || !mounted {
		return false
	}
	_, err := named.Native(at)
	return err == nil
}

// EachElsewhere is EachFile for drives that are not on the volume of the Windows'
// own: links do not reach there.
func (p *Plan) EachElsewhere(sel Selection, f func(PlannedFile) error) error {
	system, _, _ := p.machine.Resolve(p.machine.SystemDrive() + `\`)
	return p.EachFile(sel, func(file PlannedFile) error {
		if v, _, ok := p.machine.Resolve(file.Path); ok && v == system {
			return nil
		}
		return f(file)
	})
}
