package report

import (
	"bufio"
	_ "embed"
	"fmt"
	"html"
	"io"
	"strconv"

	"lifeboat/engine/human"
	"lifeboat/engine/winname"
)

//go:embed report.css
var style string

// WriteHTML writes the page. It loads nothing from anywhere, so it opens on a
// PC without a network and can be mailed as it is.
func WriteHTML(w io.Writer, r *Report) error {
	p := page{bufio.NewWriter(w)}
	p.head(r)
	p.saved(r)
	p.left(r)
	p.problems(r)
	p.tail(r)
	return p.w.Flush() // holds the first error
}

// page writes HTML by hand. html/template would do it too, but it calls methods
// by names that the linker cannot know, and with it the program is a third
// larger.
type page struct{ w *bufio.Writer }

// put writes pieces one after the other: a tag as it is, everything else escaped.
func (p page) put(pieces ...any) {
	for _, piece := range pieces {
		switch x := piece.(type) {
		case tag:
			p.w.WriteString(string(x))
		case string: // foreign, or not: nobody has to know
			p.w.WriteString(html.EscapeString(winname.Show(x)))
		case int64:
			p.w.WriteString(strconv.FormatInt(x, 10))
		default:
			panic(fmt.Sprintf("internal error: %T on a page", piece))
		}
	}
}

// tag is HTML.
type tag string

func (p page) head(r *Report) {
	p.put(tag("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>"),
		r.headline(), " - ", r.Computer, tag("</title>\n<style>\n"+style+"</style>\n</head>\n<body>\n<h1>"), r.headline(), tag("</h1>\n<p class=\"muted\">"), r.Computer, ", ", r.Product, tag("</p>\n"))
	class := tag("wipe")
	if r.SafeToWipe {
		class += " yes"
	}
	p.put(tag("<div class=\""), class, tag("\"><strong>"), r.wipeLine(), tag("</strong>"))
	if len(r.WipeReasons) > 0 {
		p.put(tag("<ul>"))
		for _, reason := range r.WipeReasons {
			p.put(tag("<li>"), reason, tag("</li>"))
		}
		p.put(tag("</ul>"))
	}
	p.put(tag("</div>\n\n<table>\n"))
	for _, f := range r.facts() {
		p.put(tag("<tr><th>"), f.name, tag("</th><td>"), f.value, tag("</td></tr>\n"))
	}
	p.put(tag("</table>\n\n"))
}

func (p page) saved(r *Report) {
	p.put(tag("<h2>What was saved</h2>\n<table>\n<tr><th>User</th><th>Profile</th><th class=\"n\">Files</th><th class=\"n\">Size</th><th class=\"n\">Settings</th></tr>\n"))
	for _, u := range r.Users {
		if !u.Included {
			continue
		}
		p.put(tag("<tr><td>"), u.show())
		if len(u.Components) > 0 {
			p.put(tag("<details><summary class=\"muted\">"), int64(len(u.Components)), tag(" kinds</summary>\n<table>"))
			for _, c := range u.Components {
				p.put(tag("<tr><td>"), c.Name)
				p.amounts(c.Files, c.Bytes, c.Values)
			}
			p.put(tag("</table></details>"))
		}
		p.put(tag("</td><td class=\"path\">"), u.Profile)
		p.amounts(u.Files, u.Bytes, u.Values)
		p.put(tag("\n"))
	}
	p.put(tag("</table>\n\n"))
}

// amounts ends a row with how much there is.
func (p page) amounts(files, bytes, keys int64) {
	for _, cell := range []any{files, human.Bytes(bytes), keys} {
		p.put(tag("</td><td class=\"n\">"), cell)
	}
	p.put(tag("</td></tr>"))
}

func (p page) left(r *Report) {
	p.put(tag("<h2>What was not saved, and why</h2>\n<table>\n"))
	for _, u := range r.Users {
		if !u.Included {
			p.put(tag("<tr><td>User "), u.show(), tag("</td><td>"), u.Why, tag("</td></tr>\n"))
		}
	}
	for _, l := range r.Left {
		p.put(tag("<tr><td>"), l.sentence(), tag("</td><td class=\"path\">"))
		for _, example := range l.Examples {
			p.put(example, tag("<br>"))
		}
		p.put(tag("</td></tr>\n"))
	}
	p.put(tag("</table>\n\n"))
}

func (p page) problems(r *Report) {
	if len(r.Problems) > 0 {
		p.put(tag("<h2>Problems</h2>\n<table>\n<tr><th>Kind</th><th>Object</th><th>What happened</th></tr>\n"))
		for _, x := range r.Problems {
			p.put(tag("<tr><td>"), string(x.Kind), tag("</td><td class=\"path\">"), x.Path, tag("</td><td>"), x.Text, tag("</td></tr>\n"))
		}
		p.put(tag("</table>\n"))
		if hidden := r.ProblemCount - int64(len(r.Problems)); hidden > 0 {
			p.put(tag("<p>And "), hidden, tag(" more; all of them are in Catalog/problems.jsonl in the store.</p>\n"))
		}
	}
	if len(r.Rules) > 0 {
		p.put(tag("<h2>Rules that were not followed to the letter</h2>\n<ul>"))
		for _, rule := range r.Rules {
			p.put(tag("<li>"), rule, tag("</li>"))
		}
		p.put(tag("</ul>\n"))
	}
}

func (p page) tail(r *Report) {
	without := tag("the folder <code>USMT</code> beside this page is a kopia repository; the text file in it says how to open it.")
	if r.Plain {
		without = "the files lie as they were in the folder <code>USMT\\File</code> beside this page."
	}
	p.put(tag("<h2>How to get the files back</h2>\n<p>With Lifeboat: <code>lifeboat usmtutils /extract \""), r.StorePath, tag("\" D:\\Recovered</code>.\nWithout it: "), without, tag("</p>\n</body>\n</html>\n"))
}
