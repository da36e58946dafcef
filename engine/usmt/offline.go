package usmt

import (
	"fmt"
	"strings"

	"github.com/beevik/etree"
)

// Offline is a parsed Offline.xml (spec/usmt-cli-spec.md 4).
type Offline struct {
	WinDirs        []string  // candidates; the first that holds a Windows is used
	Mappings       []Mapping // drive letters that are known
	FailOnMultiple bool      // more than one Windows is an error
}

// Mapping says which letter a volume had in the Windows that is saved.
type Mapping struct {
	Now  string // where it is now, a drive or a folder
	Then string // what it was then
}

const offlineForm = "its first element is <offline>, with <winDir> and <path> in it"

// ParseOffline reads an Offline.xml. The strings tell what was passed over in
// it; the error is a *Failure.
func ParseOffline(name string, data []byte) (*Offline, []string, error) {
	root, err := readXML(name, data)
	if err != nil {
		return nil, nil, Fail(InitError, err, "read Offline.xml").WithRemedy(offlineForm)
	}
	if !is(root, "offline") {
		return nil, nil, Fail(InitError, nil, "%s is no Offline.xml: it begins with <%s>", name, root.Tag).
			WithRemedy(offlineForm)
	}
	o := new(Offline)
	var notes []string
	for _, e := range root.ChildElements() {
		switch {
		case is(e, "winDir"):
			o.WinDirs = append(o.WinDirs, paths(e)...)
		case is(e, "mappings"):
			for _, p := range paths(e) {
				now, then, ok := strings.Cut(p, ",")
				now, then = strings.TrimSpace(now), strings.TrimSpace(then)
				if !ok || now == "" || then == "" || strings.Contains(then, ",") {
					return nil, nil, Fail(InitError, nil, "%s: the mapping %q is no pair", name, p).
						WithRemedy(`write where the volume is now, a comma, and the letter it had: <path>F:\, C:\</path>`)
				}
				o.Mappings = append(o.Mappings, Mapping{now, then})
			}
		case is(e, "failOnMultipleWinDir"):
			switch t := strings.TrimSpace(e.Text()); t {
			case "1":
				o.FailOnMultiple = true
			case "0", "":
			default:
				notes = append(notes, fmt.Sprintf("%s: <failOnMultipleWinDir> is 0 or 1, not %q; 0 is assumed", name, t))
			}
		default:
			notes = append(notes, fmt.Sprintf("%s: <%s> is not known here and has no effect", name, e.Tag))
		}
	}
	if len(o.WinDirs) == 0 {
		return nil, nil, Fail(InitError, nil, "%s names no Windows folder", name).
			WithRemedy(`put one into it: <winDir><path>D:\Windows</path></winDir>`)
	}
	return o, notes, nil
}

func paths(e *etree.Element) []string {
	var all []string
	for _, p := range e.ChildElements() {
		if t := strings.TrimSpace(p.Text()); is(p, "path") && t != "" {
			all = append(all, t)
		}
	}
	return all
}
