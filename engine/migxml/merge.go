package migxml

import (
	"fmt"
	"strconv"
	"strings"
)

// Resolution is what happens to an object whose place is taken.
type Resolution int

// The resolutions.
const (
	Overwrite Resolution = iota // the source's object replaces the destination's
	Keep                        // the destination's object stays
	Rename                      // the source's file gets a free name
)

// Collision describes two objects that want one place. Version is asked for the
// version string of the file on either side ("" if it has none).
type Collision struct {
	Kind                Kind
	Source, Destination Value // of registry values
	Version             func(destination bool, tag string) string
}

// defaultName is the template of the name that a file gets without merge rule.
const defaultName = "<F>(<N>).<E>"

// Resolve decides a collision by a merge function, or by the default if c is
// nil (spec 7.7, 10.2). With Rename it returns the template for [FreeName].
func (x Collision) Resolve(c *Call) (r Resolution, template string, err error) {
	r, template = Overwrite, ""
	if x.Kind == FileKind {
		r, template = Rename, defaultName
	}
	if c == nil {
		return r, template, nil
	}
	name, f, err := c.lookup()
	switch {
	case err != nil:
		return r, template, err
	case f.class != mergeClass || len(c.Args) < f.min:
		return r, template, fmt.Errorf("%s cannot be a merge", c.Name)
	}
	switch name {
	case "sourcepriority":
		return Overwrite, "", nil
	case "destinationpriority":
		return Keep, "", nil
	case "findfileplacebypattern":
		if err := checkTemplate(c.arg(0)); err != nil {
			return r, template, err
		}
		return Rename, c.arg(0), nil
	case "newestversion":
		d, ok := compareDotted(x.Version(false, c.arg(0)), x.Version(true, c.arg(0)))
		if !ok { // whoever has no version is the lower
			_, d1 := dotted(x.Version(true, c.arg(0)))
			if d1 {
				return Keep, "", nil
			}
			_, s1 := dotted(x.Version(false, c.arg(0)))
			if s1 {
				return Overwrite, "", nil
			}
			return Keep, "", nil
		}
		if d > 0 {
			return Overwrite, "", nil
		}
		return Keep, "", nil
	default: // HigherValue, LowerValue
		s, ok1 := x.Source.Number()
		d, ok2 := x.Destination.Number()
		if ok1 && ok2 && (name == "highervalue") == (d > s) && d != s {
			return Keep, "", nil
		}
		return Overwrite, "", nil
	}
}

func checkTemplate(t string) error {
	for _, part := range []string{"<F>", "<E>", "<N>"} {
		if strings.Count(t, part) != 1 {
			return fmt.Errorf("file name template is %q, expected <F>, <E> and <N> once each", t)
		}
	}
	if strings.ContainsAny(t, `\/:*?"|`) {
		return fmt.Errorf("file name template %q has a character that no file name may have", t)
	}
	return nil
}

// maxNames bounds the search for a free name.
const maxNames = 1 << 16

// FreeName fills a template with <F> name, <E> extension and <N> a number from
// 1 on until taken says the name is free; false if none is. A file without
// extension loses the dot before <E>.
func FreeName(template, name string, taken func(string) bool) (string, bool) {
	stem, ext := name, ""
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		stem, ext = name[:i], name[i+1:]
	} else {
		template = strings.Replace(template, ".<E>", "<E>", 1)
	}
	for n := 1; n <= maxNames; n++ {
		free := strings.NewReplacer("<F>", stem, "<E>", ext, "<N>", strconv.Itoa(n)).Replace(template)
		if !taken(free) {
			return free, true
		}
	}
	return "", false
}
