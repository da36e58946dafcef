// Package report turns the outcome of a save into the papers a technician hands
// over: one HTML page that needs nothing else, and a short text. Both answer
// the same three questions in the same order: is this disk safe to wipe, what
// was saved for whom, and what was not and why.
//
// [Report] is plain data, filled by the engine and also what --json prints.
// Every foreign name in it is unescaped; the writers here pass them through
// winname.Show (and HTML escaping) themselves.
package report

import (
	"time"

	"lifeboat/engine/human"
	"lifeboat/engine/job"
)

// Report is the outcome of one capture.
type Report struct {
	Computer string    `json:"computer"`
	Product  string    `json:"product"`         // "Windows 11 Pro 23H2, build 22631.4460, x64"
	Source   string    `json:"source"`          // where the Windows was found, for people
	Notes    []string  `json:"notes,omitempty"` // what is to be known of the Windows and its disk, lower case
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`

	StorePath   string `json:"storePath"`
	StoreID     string `json:"storeId"`
	CaptureID   string `json:"captureId,omitempty"`
	Protected   bool   `json:"protected"`
	Plain       bool   `json:"plain,omitempty"`  // the store holds plain files
	Linked      bool   `json:"linked,omitempty"` // which are hard links to those of the source
	ReusedFiles int64  `json:"reusedFiles"`      // already in the store from an interrupted run

	Files  int64 `json:"files"` // saved
	Bytes  int64 `json:"bytes"`
	Values int64 `json:"values"`

	Users []User `json:"users"`
	Left  []Left `json:"left"` // what stays behind on purpose

	Rules []string `json:"rules,omitempty"` // what of the rules was not understood, or does not work offline

	Problems     []job.Problem `json:"problems"` // the first of them, see ProblemCount
	ProblemCount int64         `json:"problemCount"`

	Outcome     Outcome  `json:"outcome"`
	ReturnCode  int      `json:"returnCode"`
	Failure     string   `json:"failure,omitempty"` // what went wrong, with Stopped or Failed
	Remedy      string   `json:"remedy,omitempty"`
	Verified    *Verdict `json:"verified,omitempty"` // nil if nothing was read back
	SafeToWipe  bool     `json:"safeToWipe"`
	WipeReasons []string `json:"wipeReasons,omitempty"` // why not

	HTMLPath string `json:"htmlPath,omitempty"`
	TextPath string `json:"textPath,omitempty"`
}

// Outcome is how the run ended.
type Outcome string

// The outcomes.
const (
	Saved   Outcome = "saved"
	Missing Outcome = "saved with files missing"
	Stopped Outcome = "stopped, can be continued"
	Failed  Outcome = "not saved"
)

// User is what was saved for one user, or for all users together.
type User struct {
	ID         string      `json:"id"` // the SID; "System" for what belongs to no user
	Name       string      `json:"name"`
	Account    string      `json:"account,omitempty"` // DOMAIN\user
	Profile    string      `json:"profile,omitempty"`
	Included   bool        `json:"included"`
	Why        string      `json:"why"`
	Files      int64       `json:"files"`
	Bytes      int64       `json:"bytes"`
	Values     int64       `json:"values"`
	Components []Component `json:"components,omitempty"`
}

// Component is what one rule component took for one user.
type Component struct {
	Name   string `json:"name"`
	Files  int64  `json:"files"`
	Bytes  int64  `json:"bytes"`
	Values int64  `json:"values"`
}

// Left is a kind of thing that stays behind, with a few examples.
type Left struct {
	User     string   `json:"user,omitempty"`
	Reason   string   `json:"reason"` // "only in the cloud", "encrypted (EFS)", …
	Files    int64    `json:"files"`
	Bytes    int64    `json:"bytes"`
	Examples []string `json:"examples,omitempty"` // Windows paths
	Matters  bool     `json:"matters"`            // whether it speaks against wiping the disk
}

// Verdict is the result of reading the store back.
type Verdict struct {
	Files     int64         `json:"files"`
	Bytes     int64         `json:"bytes"`
	Duration  time.Duration `json:"duration"`
	Corrupt   []string      `json:"corrupt,omitempty"`
	CatalogOK bool          `json:"catalogOk"`
}

// OK reports whether everything read back was as written.
func (v *Verdict) OK() bool { return v != nil && v.CatalogOK && len(v.Corrupt) == 0 }

// Duration is the time the whole run took.
func (r *Report) Duration() time.Duration { return r.Finished.Sub(r.Started) }

// Judge fills SafeToWipe and WipeReasons from the rest: a disk is safe to wipe
// only if everything chosen was saved and read back, and nobody was left out or
// came away with nothing.
func (r *Report) Judge() {
	var why []string
	switch r.Outcome {
	case Stopped:
		why = append(why, "the save was stopped before it was complete")
	case Failed:
		why = append(why, "nothing usable was saved")
	}
	if r.ProblemCount > 0 {
		why = append(why, human.Plural(r.ProblemCount, "file or setting could not be saved whole", "files or settings could not be saved whole"))
	}
	if r.Outcome == Saved || r.Outcome == Missing {
		switch {
		case r.Verified == nil:
			why = append(why, "the store was not read back")
		case !r.Verified.OK():
			why = append(why, "reading the store back found damage")
		}
	}
	if r.Files == 0 && r.Outcome != Failed {
		why = append(why, "the rules took no file at all")
	}
	for _, u := range r.Users {
		switch {
		case !u.Included:
			why = append(why, "user "+u.show()+" was left out")
		case u.Profile != "" && u.Files == 0 && r.Files > 0:
			why = append(why, "nothing was found to save for user "+u.show())
		}
	}
	if r.Linked {
		why = append(why, "the store is on this disk and holds its very files: who formats the disk loses both")
	}
	for _, l := range r.Left {
		if l.Matters {
			why = append(why, l.sentence())
		}
	}
	r.WipeReasons, r.SafeToWipe = why, len(why) == 0
}
