package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"lifeboat/engine/human"
	"lifeboat/engine/winname"
)

//go:embed report.html
var page string

// WriteHTML writes the page. It loads nothing from anywhere, so it opens on a
// PC without a network and can be mailed as it is.
func WriteHTML(w io.Writer, r *Report) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"show":  winname.Show,
		"bytes": human.Bytes,
	}).Parse(page)
	if err != nil {
		return fmt.Errorf("parse report template: %w", err)
	}
	return t.Execute(w, view{r})
}

// view adds the shared wordings of text.go to what the template sees.
type view struct{ *Report }

func (v view) Headline() string { return v.headline() }
func (v view) WipeLine() string { return v.wipeLine() }
func (v view) Hidden() int64    { return v.ProblemCount - int64(len(v.Problems)) }
func (v view) Facts() [][2]string {
	var rows [][2]string
	for _, f := range v.facts() {
		rows = append(rows, [2]string{f.name, f.value})
	}
	return rows
}

// Show is the name a person knows the user by.
func (u User) Show() string { return u.show() }

// Sentence says in one line what stays behind and why.
func (l Left) Sentence() string { return l.sentence() }
