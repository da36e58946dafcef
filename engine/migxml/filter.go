package migxml

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"lifeboat/engine/winname"
)

// verdict of a filter that does not depend on the object.
type constant int

const (
	depends constant = iota
	always
	never
)

// scanFilter turns the filter of an include or exclude into what it means at
// scan (spec 7.3). A nil filter with always is no filter at all.
func scanFilter(c *Call) (filter, constant, error) {
	if c == nil {
		return nil, always, nil
	}
	name, _, err := c.lookup()
	if err != nil {
		return nil, never, err
	}
	switch name {
	case "ignoreirrelevantlinks", "neverrestore": // all are stored, the choice is made at apply
		return nil, always, nil
	case "answerno":
		return nil, never, nil
	case "comparestringcontent":
		want, equal := c.arg(0), strings.EqualFold(c.arg(1), "Equal")
		return func(o Object) bool { return winname.Equal(o.Value.Text(), want) == equal }, depends, nil
	case "fileproperties":
		f, err := fileProperties(c.arg(0), c.arg(1), c.arg(2))
		return f, depends, err
	}
	return nil, never, fmt.Errorf("%s is no filter", c.Name)
}

// FilterAtApply asks a filter about an object that is to be restored. For a
// link (.lnk) under IgnoreIrrelevantLinks, linkWorks must tell whether its target
// exists on the destination; it is called only then.
func FilterAtApply(c *Call, name string, o Object, linkWorks func() bool) (bool, error) {
	if c == nil {
		return true, nil
	}
	function, _, err := c.lookup()
	if err != nil {
		return true, err
	}
	switch function {
	case "neverrestore":
		return false, nil
	case "ignoreirrelevantlinks":
		return !strings.HasSuffix(strings.ToLower(name), ".lnk") || linkWorks(), nil
	}
	f, constant, err := scanFilter(c)
	if err != nil || f == nil {
		return constant != never, err
	}
	return f(o), nil
}

// fileProperties compares a file's size or one of its dates, the latter by the
// day in the file time's own location.
func fileProperties(property, operator, value string) (filter, error) {
	low, high, err := propertyRange(property, value)
	if err != nil {
		return nil, err
	}
	var get func(Object) float64
	switch strings.ToLower(property) {
	case "filesize":
		get = func(o Object) float64 { return float64(o.Size) }
	case "datecreated":
		get = func(o Object) float64 { return day(o.Created) }
	case "datemodified":
		get = func(o Object) float64 { return day(o.Modified) }
	case "dateaccessed":
		get = func(o Object) float64 { return day(o.Accessed) }
	}
	switch strings.ToLower(operator) {
	case "range":
		return func(o Object) bool { return low <= get(o) && get(o) <= high }, nil
	case "eq":
		return func(o Object) bool { return get(o) == low }, nil
	case "neq":
		return func(o Object) bool { return get(o) != low }, nil
	case "lt":
		return func(o Object) bool { return get(o) < low }, nil
	case "lte":
		return func(o Object) bool { return get(o) <= low }, nil
	case "gt":
		return func(o Object) bool { return get(o) > low }, nil
	case "gte":
		return func(o Object) bool { return get(o) >= low }, nil
	}
	return nil, fmt.Errorf("operator is %q, expected range, eq, neq, lt, lte, gt or gte", show(operator))
}

func propertyRange(property, value string) (low, high float64, err error) {
	var parse func(string) (float64, error)
	switch strings.ToLower(property) {
	case "filesize":
		parse = parseSize
	case "datecreated", "datemodified", "dateaccessed":
		parse = parseDate
	default:
		return 0, 0, fmt.Errorf("property is %q, expected filesize, dateCreated, dateModified or dateAccessed", show(property))
	}
	first, second, isRange := strings.Cut(value, "-")
	if low, err = parse(first); err != nil {
		return 0, 0, err
	}
	high = low
	if isRange {
		if high, err = parse(second); err != nil {
			return 0, 0, err
		}
	}
	return min(low, high), max(low, high), nil
}

func parseSize(s string) (float64, error) {
	text := strings.ToUpper(strings.TrimSpace(s))
	unit := 1.0
	for _, u := range []struct {
		suffix string
		factor float64
	}{{"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"B", 1}} {
		if t, ok := strings.CutSuffix(text, u.suffix); ok {
			text, unit = strings.TrimSpace(t), u.factor
			break
		}
	}
	n, err := strconv.ParseUint(text, 10, 53)
	if err != nil {
		return 0, fmt.Errorf("size is %q, expected a number with B, KB, MB or GB", show(s))
	}
	return float64(n) * unit, nil
}

func parseDate(s string) (float64, error) {
	t, err := time.Parse("2006/1/2", strings.TrimSpace(s))
	if err != nil {
		return 0, fmt.Errorf("date is %q, expected YYYY/MM/DD", show(s))
	}
	return day(t), nil
}

// day numbers the calendar day of a time in its location.
func day(t time.Time) float64 {
	y, m, d := t.Date()
	return float64(y*10000 + int(m)*100 + d)
}
