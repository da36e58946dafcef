package store

import "encoding/json"

// RestoreJSON holds what a restore has to know of the source and of the rules:
// a Recorded.
const RestoreJSON = "Catalog/restore.json"

// Recorded says what the rules of a capture want on the destination. Its raw
// parts are lists of values of package migxml, which this package does not know.
type Recorded struct {
	Contexts []RecordedContext `json:"contexts"`
	Units    []RecordedUnit    `json:"units"`              // in the order of Catalog.Units
	Rules    json.RawMessage   `json:"rules,omitempty"`    // migxml.RestoreRule
	Added    json.RawMessage   `json:"added,omitempty"`    // migxml.Added
	Deferred json.RawMessage   `json:"deferred,omitempty"` // migxml.Deferred
	Remaps   json.RawMessage   `json:"remaps,omitempty"`   // migxml.Remap
	Settings json.RawMessage   `json:"settings,omitempty"` // migxml.TakenSetting
}

// RecordedContext is the system or a user with the variables it had.
type RecordedContext struct {
	ID   string            `json:"id"` // "System" or a user's ID
	Vars map[string]string `json:"vars"`
}

// RecordedUnit holds the variables that a unit's component defines.
type RecordedUnit struct {
	URLID string            `json:"urlid"`          // of the rule file
	Path  []string          `json:"path,omitempty"` // the components around it, outermost first
	Vars  map[string]string `json:"vars,omitempty"`

	// Conditional: put back only if the restore is given a rule file with the component.
	Conditional bool `json:"conditional,omitempty"`
}
