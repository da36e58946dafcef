package winpe

import "errors"

// Layout is a keyboard layout that can be set.
type Layout struct {
	ID   string // as the system calls it
	Name string
	Code string // the name that is the same on every system, X's: "de"
}

// ErrNoDrivers means that a folder holds no driver.
var ErrNoDrivers = errors.New("no driver (.inf) is in this folder")

// Loaded tells what became of the drivers in a folder.
type Loaded struct {
	Loaded int
	Failed []string // files that the system did not take
}
