package usmt

import (
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"lifeboat/engine/winname"
)

// Diagnostics writes USMTDiag.xml and MigLog.xml (spec/usmt-cli-spec.md 7.5):
// the environment rules were evaluated in, the migration units with their
// patterns, and what was done for each. Call its methods in this order and End
// at last; the first error of writing is kept for it.
type Diagnostics struct {
	w      io.Writer
	err    error
	listed bool   // the list of units is open
	user   string // of the Perform that is open
	unit   string // of the MigUnit in it
}

// DiagUnit is a migration unit.
type DiagUnit struct {
	Component string
	Context   string // System, or the account
	Group     string // Applications, Documents, System
	Role      string
	Selected  bool
	Include   []DiagPattern
	Exclude   []DiagPattern
}

// Name is the unit's name: \<System>\Ledger (CMXEAgent).
func (u DiagUnit) Name() string { return fmt.Sprintf(`\<%s>\%s (CMXEAgent)`, u.Context, u.Component) }

// DiagPattern is a pattern of a unit.
type DiagPattern struct {
	Type string // File, Registry
	Path string
}

// Object is a file or a setting and what became of it.
type Object struct {
	Type     string // File, Registry
	Location string // in MigXML's form: C:\Ledger [a.dat], HKLM\Software\Ledger [Version]
	Stored   bool
}

// FileObject is the Object of a file.
func FileObject(path string, stored bool) Object {
	folder, name := winname.Split(path)
	return Object{"File", folder + " [" + name + "]", stored}
}

// NewDiagnostics begins a file.
func NewDiagnostics(w io.Writer) *Diagnostics {
	d := &Diagnostics{w: w, user: nothing, unit: nothing}
	d.write("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<MigDiag>\r\n")
	return d
}

const nothing = "\x00" // no user and no unit

// Environment writes the variables of the system or a user, sorted by name.
func (d *Diagnostics) Environment(user string, vars map[string]string) {
	tag := "SystemEnvironment"
	if user == "" {
		d.write("  <SystemEnvironment>\r\n")
	} else {
		tag = "UserEnvironment"
		d.write("  <UserEnvironment User=%s>\r\n", quoted(user))
	}
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		d.write("    <Variable Name=%s Value=%s/>\r\n", quoted(name), quoted(vars[name]))
	}
	d.write("  </%s>\r\n", tag)
}

// Unit writes a unit and its patterns.
func (d *Diagnostics) Unit(u DiagUnit) {
	if !d.listed {
		d.listed = true
		d.write("  <MigUnitList>\r\n")
	}
	d.write("    <MigUnit Name=%s Context=%s ConfidenceLevel=\"100\" Group=%s Role=%s Agent=\"CMXEAgent\" Selected=\"%t\" Supported=\"true\">\r\n",
		quoted(u.Name()), quoted(u.Context), quoted(u.Group), quoted(u.Role), u.Selected)
	for _, side := range []struct {
		name string
		list []DiagPattern
	}{{"Include", u.Include}, {"Exclude", u.Exclude}} {
		if len(side.list) == 0 {
			continue
		}
		d.write("      <Patterns Type=\"%s\">\r\n", side.name)
		for _, p := range side.list {
			d.write("        <Pattern Type=%s Path=%s/>\r\n", quoted(p.Type), quoted(p.Path))
		}
		d.write("      </Patterns>\r\n")
	}
	d.write("    </MigUnit>\r\n")
}

// Stored writes that an object was stored for a unit, or could not be.
func (d *Diagnostics) Stored(u DiagUnit, o Object) {
	d.endList()
	if u.Context != d.user {
		d.endPerform()
		d.user = u.Context
		d.write("  <Perform Name=\"Gather\" User=%s>\r\n", quoted(u.Context))
	}
	if name := u.Name(); name != d.unit {
		d.endUnit()
		d.unit = name
		d.write("    <MigUnit Name=%s>\r\n", quoted(name))
	}
	d.write("      <Operation Name=\"Store\" Type=\"%s\" Path=%s SimObj=\"false\" Success=\"%t\"/>\r\n", o.Type, quoted(o.Location), o.Stored)
}

// End closes the file and returns the first error.
func (d *Diagnostics) End() error {
	d.endList()
	d.endPerform()
	d.write("</MigDiag>\r\n")
	return d.err
}

func (d *Diagnostics) endList() {
	if d.listed {
		d.listed = false
		d.write("  </MigUnitList>\r\n")
	}
}

func (d *Diagnostics) endUnit() {
	if d.unit != nothing {
		d.unit = nothing
		d.write("    </MigUnit>\r\n")
	}
}

func (d *Diagnostics) endPerform() {
	d.endUnit()
	if d.user != nothing {
		d.user = nothing
		d.write("  </Perform>\r\n")
	}
}

func (d *Diagnostics) write(format string, args ...any) {
	if d.err == nil {
		_, d.err = fmt.Fprintf(d.w, format, args...)
	}
}

// quoted is an attribute's value; what is no text is shown as winname does.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	if xml.EscapeText(&b, []byte(winname.Show(s))) != nil {
		return `""` // a strings.Builder does not fail
	}
	b.WriteByte('"')
	return b.String()
}
