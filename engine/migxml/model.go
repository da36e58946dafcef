package migxml

import "strings"

// File is one parsed migration file. It is not changed after Parse and may be
// compiled any number of times.
type File struct {
	Name       string // as given to Parse
	URLID      string
	Components []*Component
	named      named
	declared   map[string]bool // variables that some environment of the file defines, in upper case
}

// named holds the definitions under namedElements by folded name.
type named struct {
	environments map[string]*Environment
	rules        map[string]*Rules
	conditions   map[string]*Conditions
	detections   map[string]*Detection
	detects      map[string]*Detects
	detect       map[string]*Detect
}

// Scope is a context attribute: in which instances an element acts.
type Scope struct {
	System, User bool
	Account      string // context="DOMAIN\user" or a SID: User, only for that account (spec 1.4)
}

var userAndSystem = Scope{System: true, User: true}

// admits tells whether an element with this scope acts in ctx.
func (s Scope) admits(ctx *Context) bool {
	switch {
	case ctx.System:
		return s.System
	case s.Account != "":
		full := ctx.Vars["USERDOMAIN"] + `\` + ctx.Vars["USERNAME"]
		return strings.EqualFold(s.Account, ctx.ID) || strings.EqualFold(s.Account, ctx.Name) || strings.EqualFold(s.Account, full)
	}
	return s.User
}

// Component is a component element. Nested ones hang below the roles.
type Component struct {
	Line             int
	Type             string // System, Application, Device or Documents
	Scope            Scope
	DisplayName      string
	Hidden           bool
	DefaultSupported bool
	Environments     []*Environment
	Roles            []*Role
	Extensions       []Extension
}

// Extension is a file type that its component takes from every fixed drive.
type Extension struct {
	Line int
	Ext  string // "doc"
}

// Role is a role element; Kind is Container, Binaries, Settings or Data.
type Role struct {
	Line         int
	Kind         string
	Environments []*Environment
	Detections   []*Detection
	Detects      []*Detects
	Rules        []*Rules
	Components   []*Component
	Roles        []*Role // the documentation allows a role inside a role
}

// Environment defines variables. In the six types from here on, Ref marks a
// reference: Name tells which named element to use instead (spec 4.6).
type Environment struct {
	Line       int
	Name       string
	Ref        bool
	Scope      Scope
	Conditions []*Conditions
	Variables  []*Variable
}

// Variable has exactly one of Text, Script and Set.
type Variable struct {
	Line   int
	Name   string
	Remap  bool
	Text   *string
	Script *Script
	Set    *ObjectSet
}

// Rules is a rules element. Its condition is Conditions and, as a whole, Detects.
type Rules struct {
	Line       int
	Name       string
	Ref        bool
	Scope      Scope
	Conditions []*Conditions
	Detects    []*Detects
	Items      []*Item
	Added      []*AddObjects
	Actions    []*Action
	Rules      []*Rules
}

// Conditions combines conditions with AND, or with OR.
type Conditions struct {
	Line  int
	Name  string
	Ref   bool
	Or    bool
	Terms []Term
}

// Term is a condition or a nested conditions element.
type Term struct {
	Condition  *Condition
	Conditions *Conditions
}

// Condition is one script call that is true or false.
type Condition struct {
	Line   int
	Negate bool
	Script *Script
}

// Detection is a detection element.
type Detection struct {
	Line       int
	Name       string
	Ref        bool
	Scope      Scope
	Conditions []*Conditions
}

// Detects is true if all its Detect are.
type Detects struct {
	Line   int
	Name   string
	Ref    bool
	Scope  Scope
	Detect []*Detect
}

// Detect is true if any of its conditions or object sets is, and all nested
// Detect are.
type Detect struct {
	Line       int
	Name       string
	Ref        bool
	Scope      Scope
	Conditions []*Condition
	Sets       []*ObjectSet
	Detect     []*Detect
}

// RuleKind names the element a rule was written as.
type RuleKind string

// The elements that select objects and say what becomes of them.
const (
	Include              RuleKind = "include"
	Exclude              RuleKind = "exclude"
	UnconditionalExclude RuleKind = "unconditionalExclude"
	IncludeAttributes    RuleKind = "includeAttributes"
	ExcludeAttributes    RuleKind = "excludeAttributes"
	Merge                RuleKind = "merge"
	LocationModify       RuleKind = "locationModify"
	ContentModify        RuleKind = "contentModify"
	DestinationCleanup   RuleKind = "destinationCleanup"
)

// Item is one such element. Script is its filter or script, nil if absent;
// Attributes is what includeAttributes and excludeAttributes name.
type Item struct {
	Line       int
	Kind       RuleKind
	Script     *Script
	Attributes Attributes
	Sets       []*ObjectSet
}

// Attributes is a set of metadata (spec 4.15).
type Attributes uint8

// The parts of an object's metadata.
const (
	Owner Attributes = 1 << iota
	Group
	DACL
	SACL
	CreationTime
	LastAccessTime
	LastWrittenTime

	Security   = Owner | Group | DACL | SACL
	TimeFields = CreationTime | LastAccessTime | LastWrittenTime
)

// ObjectSet yields patterns when its conditions hold.
type ObjectSet struct {
	Line       int
	Conditions []*Conditions
	Condition  []*Condition
	Members    []Member
}

// Member is one of the three kinds of child an objectSet has.
type Member struct {
	Pattern *PatternText
	Script  *Script
	Content *ContentSet
}

// PatternText is a pattern as written.
type PatternText struct {
	Line int
	Kind Kind
	Text string
}

// ContentSet follows the references that the objects of its sets contain.
type ContentSet struct {
	Line   int
	Filter *Script
	Sets   []*ObjectSet
}

// Script is a script call as written. Err tells why Call is not usable.
type Script struct {
	Line int
	Text string
	Call Call
	Err  error
}

// AddObjects is an addObjects element.
type AddObjects struct {
	Line       int
	Conditions []*Conditions
	Condition  []*Condition
	Objects    []*SimObject
}

// SimObject is an object that is stored as if it existed on the source.
type SimObject struct {
	Line       int
	Kind       Kind
	Location   string // as written
	Attributes []string
	Bytes      *string
	String     bool // Bytes is text, not hex digits
	Expand     bool
}

// Action is an externalProcess (Commands) or a processing element (Scripts).
type Action struct {
	Line     int
	When     string // pre-scan, scan-success, post-scan, pre-apply, apply-success, post-apply
	Commands []string
	Scripts  []*Script
}
