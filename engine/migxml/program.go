package migxml

import "strings"

// Program is what a set of files takes from one Windows. It is immutable and
// may be used from several goroutines.
type Program struct {
	units    []Unit
	rules    []*Rule
	files    *tree
	registry *tree

	restore  []RestoreRule
	added    []Added
	deferred []Deferred
	remaps   []Remap
	settings []TakenSetting
}

// Unit is a migration unit that is active: its component was detected and acts
// in the context.
type Unit struct {
	Index     int
	File      string   // urlid of the file
	FileName  string   // name given to Parse
	Component string   // displayName
	Path      []string // display names of the containers around it, outermost first
	Type      string   // System, Application, Device or Documents
	Role      string   // Settings, Data or Binaries
	Context   int      // index into the contexts given to Compile
	Hidden    bool     // not to be listed in Config.xml

	// Conditional units (defaultSupported="No") are put back only if the component
	// is in a file that the restore is given.
	Conditional bool

	// Vars are the component's own variables, by upper-case name, with their
	// values on the source.
	Vars map[string]string
}

// ID is how Config.xml names the unit (spec 12), in lower case.
func (u Unit) ID() string {
	return strings.ToLower(u.File + "/" + u.Component + "/" + u.Role)
}

// Rule is one pattern of one rule of one unit, as it was compiled.
type Rule struct {
	File    string // name given to Parse
	Line    int    // of the pattern or of the script that made it
	Unit    int    // index of the unit
	Kind    RuleKind
	Pattern Pattern // variables expanded, HKCU resolved
	Written string  // as it stands in the file
	Filter  *Call   // nil without filter
}

// Units lists the active migration units in the order of their files.
func (p *Program) Units() []Unit { return p.units }

// Files returns a cursor above the drives: Descend to "C:" first.
func (p *Program) Files() Cursor { return p.files.cursor() }

// Registry returns a cursor above the hives: Descend to "HKLM", or to "HKU" and
// then a SID.
func (p *Program) Registry() Cursor { return p.registry.cursor() }

// Rules lists the compiled patterns in the order of their files.
func (p *Program) Rules() []*Rule { return p.rules }
