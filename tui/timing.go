package tui

import "time"

// What the wizard waits for, in one place (spec/tui.md, part F).
const (
	tickEvery      = 250 * time.Millisecond // counters are looked at this often
	lookEvery      = 2 * time.Second        // volumes are looked at this often
	startAtLeast   = time.Second            // the first screen stays that long, so that it can be read
	timesAfter     = 3 * time.Second        // a probe that takes longer shows its time
	deafFor        = 500 * time.Millisecond // a dialog nobody asked for ignores keys that long
	stallShown     = 5 * time.Second        // without data for longer, the message line says so
	noteFor        = 5 * time.Second        // a note about what is over stays that long
	framesASecond  = 15
	plainEvery     = 10 * time.Second // plain mode speaks of a run this often
	plainProblems  = 20               // and of so many problems one by one
	minWidth       = 78
	maxWidth       = 100
	minHeight      = 24
	maxHeight      = 40
	testAfter      = time.Second // a drive under the cursor for that long is tried
	testWrite      = 32 << 20    // bytes of that
	problemsListed = 1000        // of a run, in the list behind E; the report has all
)
