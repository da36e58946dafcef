package migxml

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lifeboat/engine/winname"
)

// RestoreRule is a rule that acts on the destination, or an include or exclude of a
// unit some of whose filters are asked there too. It is recorded at scan, with its patterns
// resolved on the source, for the catalog of a capture.
type RestoreRule struct {
	Unit       int        `json:"unit"`
	File       string     `json:"file"`
	Line       int        `json:"line"`
	Kind       RuleKind   `json:"kind"`
	Script     string     `json:"script,omitempty"`     // call as written; variables of the destination are not known yet
	Attributes Attributes `json:"attributes,omitempty"` // of includeAttributes and excludeAttributes
	Patterns   []Pattern  `json:"patterns"`
}

// Added is an object that counts as existing on the source (addObjects).
type Added struct {
	Unit       int      `json:"unit"`
	Location   Pattern  `json:"location"` // without wildcards
	Attributes []string `json:"attributes,omitempty"`
	Type       uint32   `json:"type,omitempty"` // of a registry value
	Data       []byte   `json:"data,omitempty"`
}

// Deferred is something to run at a point of the migration: a command line
// (externalProcess) or a script call (processing).
type Deferred struct {
	Unit    int    `json:"unit"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	When    string `json:"when"`
	Command string `json:"command,omitempty"` // variables expanded with the values they had where it was compiled
	Script  string `json:"script,omitempty"`
}

// Scans reports whether the point belongs to the saving of a PC.
func (d Deferred) Scans() bool { return strings.Contains(d.When, "scan") }

// Remap is a variable whose folder moves as a whole: from Source to the value
// the variable has on the destination.
type Remap struct {
	Unit     int    `json:"unit"`
	Variable string `json:"variable"`
	Source   string `json:"source"`
}

// TakenSetting is an INI setting and the units that take it.
type TakenSetting struct {
	Setting
	Takers []int `json:"takers"`
}

// RestoreRules lists what must be known on the destination, in file order; includes
// and excludes come last.
func (p *Program) RestoreRules() []RestoreRule { return p.restore }

// Added lists the simulated objects. They are stored whether or not an include
// matches them, unless an unconditionalExclude does; a later one of the same
// location replaces an earlier one, and each the real object.
func (p *Program) Added() []Added { return p.added }

// Deferred lists what asks to be run, in file order.
func (p *Program) Deferred() []Deferred { return p.deferred }

// Remaps lists the variables that move their folder.
func (p *Program) Remaps() []Remap { return p.remaps }

// Settings lists the INI settings that are taken, as they were when the Program
// was compiled.
func (p *Program) Settings() []TakenSetting { return p.settings }

// record keeps an item for the destination.
func (c *compiler) record(item *Item, j *job, sc *scope) {
	r := RestoreRule{Unit: j.unit.Index, File: sc.file.Name, Line: item.Line, Kind: item.Kind, Attributes: item.Attributes}
	if item.Script != nil {
		if item.Script.Err != nil {
			return // Parse has said so
		}
		r.Script = item.Script.Text
	}
	for _, set := range item.Sets {
		for _, y := range c.objectSet(set, sc) {
			r.Patterns = append(r.Patterns, y.pattern)
		}
	}
	if len(r.Patterns) > 0 {
		c.program.restore = append(c.program.restore, r)
	}
}

// recordFiltered keeps the includes and excludes of the units that have filters: at
// the restore these are asked again, and what one of them then refuses may be taken
// by another include.
func (c *compiler) recordFiltered() {
	filtered := map[int]bool{}
	for _, r := range c.program.rules {
		if r.Filter != nil && r.Kind != UnconditionalExclude {
			filtered[r.Unit] = true
		}
	}
	var list []RestoreRule
	for _, r := range c.program.rules {
		if !filtered[r.Unit] || r.Kind == UnconditionalExclude {
			continue
		}
		one := RestoreRule{Unit: r.Unit, File: r.File, Line: r.Line, Kind: r.Kind}
		if r.Filter != nil {
			one.Script = r.Filter.String()
		}
		if n := len(list); n == 0 || !list[n-1].is(one) {
			list = append(list, one)
		}
		last := &list[len(list)-1]
		last.Patterns = append(last.Patterns, r.Pattern)
	}
	c.program.restore = append(c.program.restore, list...)
}

// is tells whether two rules differ in their patterns only.
func (r RestoreRule) is(o RestoreRule) bool {
	return r.Unit == o.Unit && r.File == o.File && r.Line == o.Line && r.Kind == o.Kind && r.Script == o.Script
}

func (c *compiler) addObjects(a *AddObjects, j *job, sc *scope) {
	if !c.spend(1) || !c.every(a.Condition, sc) || !c.all(a.Conditions, sc) {
		return
	}
	for _, o := range a.Objects {
		patterns := c.pattern(o.Kind, o.Location, o.Line, sc)
		if len(patterns) == 0 {
			continue
		}
		added, err := simulate(o, patterns[0], sc)
		if !c.spendText(added.Location.Node, string(added.Data)) {
			return
		}
		if err != nil {
			c.say(Warning, sc, o.Line, "object %.120s: %v; ignored", show(o.Location), err)
			continue
		}
		added.Unit = j.unit.Index
		c.program.added = append(c.program.added, added)
	}
}

// spareAdded drops the simulated objects that an unconditionalExclude selects.
func (c *compiler) spareAdded() {
	for _, r := range c.program.rules {
		if r.Kind != UnconditionalExclude || !c.spend(len(c.program.added)) {
			continue
		}
		c.program.added = slices.DeleteFunc(c.program.added, func(a Added) bool {
			return a.Location.Kind == r.Pattern.Kind && r.matches(a.Location, Object{Value: Value{Name: a.Location.Leaf, Type: a.Type, Data: a.Data}})
		})
	}
}

// registryTypes are the attributes that name a value's type.
var registryTypes = map[string]uint32{
	"NONE": RegNone, "STRING": RegSz, "REG_SZ": RegSz, "EXPANDSTRING": RegExpandSz, "REG_EXPAND_SZ": RegExpandSz,
	"BINARY": RegBinary, "REG_BINARY": RegBinary, "DWORD": RegDword, "REG_DWORD": RegDword,
}

// simulate works out the data of an object (spec 4.19). Bytes of a folder or a
// key mean nothing.
func simulate(o *SimObject, location Pattern, sc *scope) (Added, error) {
	a := Added{Location: location}
	if !location.Literal() {
		return a, errors.New("the location has a wildcard")
	}
	if location.Kind == FileKind {
		a.Attributes = o.Attributes
	} else if location.Kind == RegistryKind && location.HasLeaf {
		a.Type = RegSz
		for _, name := range o.Attributes {
			t, ok := registryTypes[name]
			if !ok {
				return a, fmt.Errorf("attribute %q is no registry type, expected NONE, STRING, EXPANDSTRING, BINARY or DWORD", show(name))
			}
			a.Type = t
		}
	}
	if o.Bytes == nil || !location.HasLeaf {
		return a, nil
	}
	text := *o.Bytes
	if o.Expand {
		expanded, err := sc.expand(text)
		if err != nil {
			return a, err
		}
		text = expanded
	}
	if !o.String {
		data, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
		if err != nil {
			return a, errors.New("bytes are no pairs of hexadecimal digits")
		}
		a.Data = data
		return a, nil
	}
	switch {
	case location.Kind != RegistryKind:
		a.Data = []byte(text)
	case a.Type == RegDword:
		n, ok := parseNumber(text)
		if !ok || n < 0 || n > 1<<32-1 {
			return a, fmt.Errorf("bytes are %q, expected a number for a DWORD", show(text))
		}
		a.Data = binary.LittleEndian.AppendUint32(nil, uint32(n))
	default:
		a.Data = encodeSz(text)
	}
	return a, nil
}

func (c *compiler) deferAction(a *Action, j *job, sc *scope) {
	d := Deferred{Unit: j.unit.Index, File: sc.file.Name, Line: a.Line, When: a.When}
	for _, line := range a.Commands {
		expanded, err := sc.expand(line)
		if err != nil {
			c.say(Warning, sc, a.Line, "command %.120s: %v; ignored", show(line), err)
			continue
		}
		if !c.spendText(expanded) {
			return
		}
		d.Command = expanded
		c.program.deferred = append(c.program.deferred, d)
		c.notRun(a, "command", line, sc)
	}
	d.Command = ""
	for _, s := range a.Scripts {
		if s.Err == nil {
			d.Script = s.Text
			c.program.deferred = append(c.program.deferred, d)
			c.notRun(a, "script", s.Text, sc)
		}
	}
}

// notRun says what becomes of an action: a scan looks at a Windows that does not
// run, so nothing of its phases can happen; those of the restore are kept.
func (c *compiler) notRun(a *Action, what, text string, sc *scope) {
	fate := "not run offline"
	if !(Deferred{When: a.When}).Scans() {
		fate = "not run now, kept for the restore"
	}
	c.say(Info, sc, a.Line, "%s %.120s of %s: %s", what, show(text), a.When, fate)
}

// takeSettings finds the INI settings that the rules take.
func (c *compiler) takeSettings() {
	ini := &Program{units: c.program.units}
	for _, r := range c.program.rules {
		if r.Pattern.Kind == IniKind && r.Pattern.HasLeaf {
			ini.rules = append(ini.rules, r)
		}
	}
	seen := map[[3]string]bool{}
	for _, r := range ini.rules {
		if r.Kind != Include {
			continue
		}
		c.evaluator.settings(r.Pattern, func(s Setting) bool {
			id := [3]string{winname.Fold(s.Path), winname.Fold(s.Section), winname.Fold(s.Key)}
			if seen[id] {
				return true
			}
			seen[id] = true
			if !c.spend(len(ini.rules)) {
				return false
			}
			object := Pattern{Kind: IniKind, Node: s.Path, Section: s.Section, Leaf: s.Key, HasLeaf: true}
			e := ini.Explain(object, Object{Value: Value{Type: RegSz, Data: encodeSz(s.Value)}})
			if e.Verdict.Takers != nil {
				c.program.settings = append(c.program.settings, TakenSetting{s, e.Verdict.Takers})
			}
			return true
		})
	}
}
