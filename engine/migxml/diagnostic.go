package migxml

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"lifeboat/engine/winname"
)

// Severity grades a Diagnostic.
type Severity int

// The severities. An Error means that the component it names was left out.
const (
	Debug Severity = iota
	Info
	Warning
	Error
)

func (s Severity) String() string {
	switch s {
	case Debug:
		return "debug"
	case Info:
		return "info"
	case Warning:
		return "warning"
	default:
		return "error"
	}
}

// Diagnostic is one remark about a migration file.
type Diagnostic struct {
	File     string
	Line     int    // 1-based; 0 when the remark is about the whole file
	Element  string // where, from the component down: component "Ledger" > role > rules > include
	Text     string // what is wrong and what was expected, lower case
	Severity Severity
	More     int // further places of the file where the same is said, see Condense
}

func (d Diagnostic) String() string {
	s := d.File
	if d.Line > 0 {
		s += fmt.Sprintf(":%d", d.Line)
	}
	s += ": " + d.Severity.String() + ": "
	if d.Element != "" {
		s += d.Element + ": "
	}
	s += d.Text
	if d.More > 0 {
		s += fmt.Sprintf(" (and %d more of these in the file)", d.More)
	}
	return s
}

// Condense keeps the first of the diagnostics that say the same of a file and
// counts the others, and drops those of severity Debug: what is left is worth a
// person's time.
func Condense(list []Diagnostic) []Diagnostic {
	type remark struct{ file, text string }
	at := map[remark]int{}
	var kept []Diagnostic
	for _, d := range list {
		key := remark{d.File, d.Text}
		if i, ok := at[key]; ok {
			kept[i].More++
		} else if d.Severity > Debug {
			at[key] = len(kept)
			kept = append(kept, d)
		}
	}
	return kept
}

// maxDiagnostics bounds the remarks about one file, and those of one evaluation:
// nobody reads more. Errors are not bounded by it.
const maxDiagnostics = 10_000

// show makes text of a file fit for a message: escaped, and cut if it is long.
func show(s string) string {
	if most := 200; len(s) > most {
		for most > 0 && !utf8.RuneStart(s[most]) {
			most--
		}
		s = s[:most] + "…"
	}
	return winname.Show(s)
}

// ErrConfig is wrapped by the error of [Parse] for a Config.xml (root element
// Configuration), which is no migration file and belongs to option /config.
var ErrConfig = errors.New("this is a Config.xml, not a migration file")

// SyntaxError says why a file cannot be loaded at all.
type SyntaxError struct {
	File string
	Line int // 0 if unknown
	Text string
	Err  error // cause, or nil
}

func (e *SyntaxError) Error() string {
	switch {
	case e.File == "":
		return e.Text
	case e.Line > 0:
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text)
	}
	return e.File + ": " + e.Text
}

// Unwrap returns the cause.
func (e *SyntaxError) Unwrap() error { return e.Err }
