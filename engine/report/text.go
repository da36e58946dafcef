package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"lifeboat/engine/human"
	"lifeboat/engine/winname"
)

// WriteText writes the short text: for a ticket, a printout, a console.
func WriteText(w io.Writer, r *Report) error {
	var b strings.Builder
	line := func(format string, a ...any) { fmt.Fprintf(&b, format+"\r\n", a...) }
	line("%s", r.headline())
	line("%s", r.wipeLine())
	for _, why := range r.WipeReasons {
		line("  - %s", winname.Show(why))
	}
	line("")
	for _, f := range r.facts() {
		line("%-12s %s", f.name, f.value)
	}
	line("")
	line("SAVED")
	for _, u := range r.Users {
		if u.Included {
			line("  %-28s %10s  %9d files  %7d settings", u.show(), human.Bytes(u.Bytes), u.Files, u.Values)
		}
	}
	line("")
	line("NOT SAVED")
	nothing := true
	for _, u := range r.Users {
		if !u.Included {
			line("  %-28s %s", u.show(), u.Why)
			nothing = false
		}
	}
	for _, l := range r.Left {
		line("  %s", l.sentence())
		for _, example := range l.Examples {
			line("      %s", winname.Show(example))
		}
		nothing = false
	}
	for _, p := range r.Problems {
		line("  %-12s %s: %s", p.Kind, winname.Show(p.Path), winname.Show(p.Text))
		nothing = false
	}
	if hidden := r.ProblemCount - int64(len(r.Problems)); hidden > 0 {
		line("  and %s, see Catalog/problems.jsonl in the store", human.Plural(hidden, "more problem", "more problems"))
	}
	if nothing {
		line("  nothing was left out")
	}
	if len(r.Rules) > 0 {
		line("")
		line("RULES THAT WERE NOT FOLLOWED TO THE LETTER")
		for _, remark := range r.Rules {
			line("  %s", winname.Show(remark))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) headline() string {
	switch r.Outcome {
	case Saved:
		return "SAVED"
	case Missing:
		return "SAVED, " + strings.ToUpper(human.Plural(r.ProblemCount, "problem", "problems"))
	case Stopped:
		return "STOPPED, CAN BE CONTINUED"
	default:
		return "NOT SAVED"
	}
}

func (r *Report) wipeLine() string {
	if r.SafeToWipe {
		return "Safe to wipe this disk? YES: everything chosen was saved and read back."
	}
	return "Safe to wipe this disk? NOT YET:"
}

type fact struct{ name, value string }

// facts are the lines under the headline, the same in text and HTML.
func (r *Report) facts() []fact {
	facts := []fact{
		{"Computer", winname.Show(r.Computer)},
		{"Windows", winname.Show(r.Product)},
		{"Found at", winname.Show(r.Source)},
	}
	for _, note := range r.Notes {
		facts = append(facts, fact{"Note", winname.Show(note)})
	}
	facts = append(facts, []fact{
		{"Saved", fmt.Sprintf("%d files, %s, %d settings", r.Files, human.Bytes(r.Bytes), r.Values)},
		{"Started", stamp(r.Started)},
		{"Finished", stamp(r.Finished) + ", after " + human.Duration(r.Duration())},
		{"Store", winname.Show(r.StorePath) + protection(r)},
		{"Store id", r.StoreID},
	}...)
	if r.CaptureID != "" {
		facts = append(facts, fact{"Capture id", r.CaptureID})
	}
	if r.ReusedFiles > 0 {
		facts = append(facts, fact{"Continued", fmt.Sprintf("%d files were already there from an interrupted save", r.ReusedFiles)})
	}
	facts = append(facts, fact{"Read back", r.Verified.sentence()})
	if r.Failure != "" {
		facts = append(facts, fact{"Reason", winname.Show(r.Failure)}, fact{"Remedy", winname.Show(r.Remedy)})
	}
	return append(facts, fact{"Return code", fmt.Sprint(r.ReturnCode)})
}

func (v *Verdict) sentence() string {
	switch {
	case v == nil:
		return "no"
	case v.OK():
		return fmt.Sprintf("all of it, %d files and %s in %s: no difference", v.Files, human.Bytes(v.Bytes), human.Duration(v.Duration))
	case !v.CatalogOK:
		return "DAMAGED: the catalog cannot be read"
	default:
		return fmt.Sprintf("DAMAGED: %d of %d files, first %s", len(v.Corrupt), v.Files, winname.Show(v.Corrupt[0]))
	}
}

func (u User) show() string {
	if u.Account != "" {
		return winname.Show(u.Account)
	}
	return winname.Show(u.Name)
}

func (l Left) sentence() string {
	s := human.Plural(l.Files, "file", "files")
	if l.Files == 0 {
		s = "something"
	}
	if l.Bytes > 0 {
		s += " (" + human.Bytes(l.Bytes) + ")"
	}
	if l.User != "" {
		s += " of " + winname.Show(l.User)
	}
	return s + " left behind: " + l.Reason
}

func protection(r *Report) string {
	switch {
	case r.Linked:
		return "  (hard links)"
	case r.Plain:
		return "  (plain files)"
	case r.Protected:
		return "  (protected by a password)"
	}
	return "  (not protected)"
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "not known"
	}
	return t.Format("2006-01-02 15:04:05 -07:00")
}
