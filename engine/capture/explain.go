package capture

import (
	"fmt"
	"strings"

	"lifeboat/engine/migxml"
	"lifeboat/engine/winname"
)

// Explanation answers why one object is saved, or why not.
type Explanation struct {
	Object string          `json:"object"` // Windows path, or registry key with its value in brackets
	Taken  bool            `json:"taken"`
	Why    string          `json:"why"`   // in words, lower case
	Rules  []ExplainedRule `json:"rules"` // that match the object, unit by unit, the one that decides first
}

// ExplainedRule is a rule that matches an object.
type ExplainedRule struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Kind      string `json:"kind"` // include, exclude or unconditionalExclude
	Pattern   string `json:"pattern"`
	Written   string `json:"written"` // as it stands in the file
	Component string `json:"component"`
	User      string `json:"user"`           // SID or SystemUser
	Wins      bool   `json:"wins"`           // it decides for its component
	Idle      bool   `json:"idle,omitempty"` // an exclude of a component that does not include the object
}

// Explain tells which rules concern an object and which of them decide. The
// object is a path as the PC had it, `C:\Users\anna\a.txt`, or a key,
// `HKLM\Software\Ledger`, with a value in brackets after it. HKCU stands for
// each user in turn; everything else has one explanation.
func (p *Plan) Explain(object string) ([]Explanation, error) {
	kind := migxml.FileKind
	root, _, _ := strings.Cut(object, `\`)
	if strings.HasPrefix(strings.ToUpper(root), "HK") {
		kind = migxml.RegistryKind
	} else if len(root) != 2 || root[1] != ':' {
		return nil, fmt.Errorf(`%q is neither a path such as C:\Users nor a key such as HKCU\Software`, winname.Show(object))
	}
	var all []Explanation
	seen := map[string]bool{}
	for _, c := range p.contexts {
		text, ok := c.Expand(kind, object)
		if !ok || seen[text] {
			continue
		}
		seen[text] = true
		e, err := p.explain(kind, text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", winname.Show(object), err)
		}
		all = append(all, e)
	}
	return all, nil
}

func (p *Plan) explain(kind migxml.Kind, text string) (Explanation, error) {
	var about string // what speaks for itself, whatever the rules say
	var object migxml.Pattern
	var o migxml.Object
	var err error
	if kind == migxml.FileKind {
		object, o, about = p.fileObject(text)
	} else {
		object, err = migxml.ParsePattern(kind, text)
		if err != nil {
			return Explanation{}, err
		}
		about = p.keyObject(object, &o)
	}
	if !object.Literal() {
		return Explanation{}, fmt.Errorf("ask about one object, without *")
	}
	x := p.program.Explain(object, o)
	e := Explanation{Object: object.String(), Taken: len(x.Verdict.Takers) > 0, Rules: []ExplainedRule{}}
	for _, m := range x.Contenders {
		e.Rules = append(e.Rules, ExplainedRule{
			File: m.Rule.File, Line: m.Rule.Line, Kind: string(m.Rule.Kind), Pattern: m.Rule.Pattern.String(), Written: m.Rule.Written,
			Component: m.Unit.Component, User: p.Units[m.Rule.Unit].User, Wins: m.Wins, Idle: m.Idle,
		})
	}
	switch made := p.made(object, e.Taken); {
	case made != "":
		e.Taken, e.Why = true, made
	case e.Taken && about == "":
		unit := p.Units[x.Verdict.Takers[0]]
		e.Why = "saved by " + unit.Component + " for " + p.account(unit.User)
	case e.Taken:
		e.Taken, e.Why = false, "the rules ask for it, but "+about
	case x.Verdict.Excluder != nil:
		r := x.Verdict.Excluder
		e.Why = fmt.Sprintf("left behind by the %s at %s:%d", r.Kind, r.File, r.Line)
	case len(e.Rules) > 0:
		e.Why = "left behind: no rule includes it"
	default:
		e.Why = "left behind: no rule is about it"
	}
	return e, nil
}

// made says whether rules save an object without an include that is about it:
// one that they make up, or an INI file of which they take settings.
func (p *Plan) made(object migxml.Pattern, taken bool) string {
	by := func(unit int) string {
		return p.Units[unit].Component + " for " + p.account(p.Units[unit].User)
	}
	for _, a := range p.program.Added() {
		if winname.Equal(a.Location.String(), object.String()) {
			return "made up by addObjects of " + by(a.Unit)
		}
	}
	for _, s := range p.program.Settings() {
		if !taken && object.Kind == migxml.FileKind && winname.Equal(s.Path, winname.Join(object.Node, object.Leaf)) {
			return "settings in it are saved, not the file, by " + by(s.Takers[0])
		}
	}
	return ""
}

// fileObject looks at a file or folder, and says what keeps it from being saved
// whatever the rules say.
func (p *Plan) fileObject(path string) (object migxml.Pattern, o migxml.Object, about string) {
	path = strings.TrimRight(path, `\`)
	dir, name := winname.Split(path)
	object = migxml.Pattern{Kind: migxml.FileKind, Node: dir, Leaf: name, HasLeaf: true}
	if dir == "" {
		object = migxml.Pattern{Kind: migxml.FileKind, Node: path}
	}
	v, at, ok := p.machine.Resolve(path)
	if !ok {
		return object, o, "no volume at hand was that drive"
	}
	info, err := v.Stat(at)
	switch {
	case err != nil:
		return object, o, fmt.Sprintf("it cannot be found: %v", err)
	case info.IsDir():
		object = migxml.Pattern{Kind: migxml.FileKind, Node: path}
	default:
		o = p.filterObject(info)
	}
	for up := dir; strings.Contains(up, `\`); up, _ = winname.Split(up) {
		if v, at, ok := p.machine.Resolve(up); ok {
			if above, err := v.Stat(at); err == nil && above.IsLink() {
				return object, o, up + " is a link to another place, and things are saved where they are"
			}
		}
	}
	switch {
	case info.CloudOnly():
		about = "it is only in the cloud"
	case isEncrypted(info):
		about = "it is encrypted (EFS)"
	}
	return object, o, about
}

// keyObject looks at a key or value.
func (p *Plan) keyObject(object migxml.Pattern, o *migxml.Object) (about string) {
	key, err := p.machine.Key(object.Node)
	switch {
	case err != nil:
		return err.Error()
	case key == nil:
		return "there is no such key"
	case !object.HasLeaf:
		return ""
	}
	v, ok := key.Value(object.Leaf)
	if !ok {
		return "the key has no such value"
	}
	o.Value = migxml.Value{Name: v.Name, Type: uint32(v.Type), Data: v.Data}
	return ""
}

// account names a user for people.
func (p *Plan) account(id string) string {
	if u, ok := p.machine.User(id); ok && u.Name != "" {
		return winname.Show(fullName(*u))
	}
	if id == SystemUser {
		return "the computer"
	}
	return winname.Show(id)
}
