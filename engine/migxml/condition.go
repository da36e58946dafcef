package migxml

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"lifeboat/engine/winname"
)

// call evaluates a condition function (spec 7.1). An undefinedError says that
// an argument uses a variable without a value; any other error that the call
// makes no sense.
func (ev *evaluator) call(c *Call, sc *scope) (bool, error) {
	name, f, err := c.lookup()
	if err != nil {
		return false, err
	}
	if f.class != conditionClass || len(c.Args) < f.min {
		return false, fmt.Errorf("%s cannot be a condition", c.Name)
	}
	switch name {
	case "doesosmatch":
		if !strings.EqualFold(c.arg(0), "NT") {
			return false, nil
		}
		return osMatches(ev.platform.OSVersion(), c.arg(1)), nil
	case "isoslaterthan", "isosearlierthan":
		if !strings.EqualFold(c.arg(0), "NT") {
			return false, nil
		}
		d, err := compareOS(ev.platform.OSVersion(), c.arg(1))
		if name == "isoslaterthan" {
			return d >= 0 && err == nil, err
		}
		return d < 0, err
	case "isnative64bit":
		return ev.platform.Is64Bit(), nil
	case "issystemcontext":
		return sc.ctx.System, nil
	case "isupgrade": // an upgrade in place; never what we do
		return false, nil
	case "ismigrationscope":
		_, ok := choice(c.arg(0), "USMT", "Data")
		return ok, nil
	case "doesobjectexist":
		return ev.objectExists(c, sc)
	case "doesfileversionmatch", "isfileversionabove", "isfileversionbelow":
		return ev.fileVersion(name, c, sc)
	case "doesstringcontentequal", "doesstringcontentcontain":
		return ev.stringCondition(name, c, sc)
	case "issameobject":
		return ev.sameObject(c, sc)
	case "issamecontent":
		return ev.sameContent(c, sc)
	case "issamestringcontent":
		a, ok, err := ev.text(c.arg(0), c.arg(1), sc)
		if err != nil || !ok {
			return false, err
		}
		b, ok, err := ev.text(c.arg(2), c.arg(3), sc)
		return ok && a == b, err
	}
	return false, fmt.Errorf("%s is not implemented", c.Name)
}

// kindArg reads an argument that names an object type.
func kindArg(s string) (Kind, error) {
	k, ok := choice(s, string(FileKind), string(RegistryKind), string(IniKind))
	if !ok {
		return "", fmt.Errorf("object type is %q, expected File, Registry or Ini", show(s))
	}
	return Kind(k), nil
}

func (ev *evaluator) objectExists(c *Call, sc *scope) (bool, error) {
	kind, err := kindArg(c.arg(0))
	if err != nil {
		return false, err
	}
	patterns, err := sc.locate(kind, c.arg(1))
	if errors.Is(err, errNoUser) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, p := range patterns {
		if ev.exists(p) {
			return true, nil
		}
	}
	if kind == FileKind && !patterns[0].HasLeaf { // MigApp names files without brackets
		_, ok, err := ev.file(c.arg(1), sc)
		return ok, err
	}
	return false, nil
}

func (ev *evaluator) fileVersion(name string, c *Call, sc *scope) (bool, error) {
	path, ok, err := ev.file(c.arg(0), sc)
	if err != nil || !ok {
		return false, err
	}
	have, ok := ev.versionString(path, c.arg(1))
	if !ok {
		return false, nil
	}
	want, err := sc.expand(c.arg(2))
	if err != nil {
		return false, err
	}
	switch name {
	case "isfileversionabove":
		d, ok := compareDotted(have, want)
		return ok && d > 0, nil
	case "isfileversionbelow":
		d, ok := compareDotted(have, want)
		return ok && d < 0, nil
	}
	return Match(want, have), nil
}

// text returns the string form of an object. For a file the documentation uses
// the location's own text, to ask whether a variable is empty (spec 7.1).
func (ev *evaluator) text(kind, location string, sc *scope) (string, bool, error) {
	k, err := kindArg(kind)
	if err != nil {
		return "", false, err
	}
	if k == FileKind {
		s, err := sc.expand(location)
		name := strings.TrimSpace(location)
		if err != nil && strings.HasPrefix(name, "%") && strings.HasSuffix(name, "%") {
			return "", true, nil
		}
		return strings.TrimSpace(s), err == nil, err
	}
	v, ok, err := ev.value(k, location, sc)
	if errors.Is(err, errNoUser) {
		err = nil
	}
	return v.Text(), ok, err
}

func (ev *evaluator) stringCondition(name string, c *Call, sc *scope) (bool, error) {
	have, ok, err := ev.text(c.arg(0), c.arg(1), sc)
	if err != nil || !ok {
		return false, err
	}
	want, err := sc.expand(c.arg(2))
	if err != nil {
		return false, err
	}
	if name == "doesstringcontentequal" {
		return winname.Equal(have, want), nil
	}
	return strings.Contains(winname.Fold(have), winname.Fold(want)), nil
}

func (ev *evaluator) sameObject(c *Call, sc *scope) (bool, error) {
	kind, err := kindArg(c.arg(0))
	if err != nil {
		return false, err
	}
	a, err := sc.locate(kind, c.arg(1))
	if err != nil {
		return false, err
	}
	b, err := sc.locate(kind, c.arg(2))
	if err != nil {
		return false, err
	}
	return winname.Equal(a[0].String(), b[0].String()), nil
}

func (ev *evaluator) sameContent(c *Call, sc *scope) (bool, error) {
	kinds, files := [2]Kind{}, [2]string{}
	values := [2][]byte{}
	for i := range 2 {
		kind, err := kindArg(c.arg(2 * i))
		if err != nil {
			return false, err
		}
		ok := false
		if kinds[i] = kind; kind == FileKind {
			files[i], ok, err = ev.file(c.arg(2*i+1), sc)
		} else {
			var v Value
			v, ok, err = ev.value(kind, c.arg(2*i+1), sc)
			values[i] = v.Data
		}
		if err != nil || !ok {
			return false, err
		}
	}
	if kinds[0] == FileKind && kinds[1] == FileKind {
		return ev.sameFiles(files[0], files[1]), nil
	}
	for i, kind := range kinds {
		if kind == FileKind {
			data, ok := ev.read(files[i])
			if !ok {
				return false, nil
			}
			values[i] = data
		}
	}
	return bytes.Equal(values[0], values[1]), nil
}
