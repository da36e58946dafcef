package migxml

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"lifeboat/engine/winname"
)

// ErrUnsupported says that a function of the original is known, but not what it
// does to the data; the value stays as it is.
var ErrUnsupported = errors.New("the function is not supported")

// Modify applies a contentModify function to a registry value or, as a REG_SZ,
// an INI setting (spec 7.6). destination is the value that is there already, or
// nil. With write false the destination stays as it is.
func Modify(c *Call, source Value, destination *Value) (v Value, write bool, err error) {
	name, f, err := c.lookup()
	switch {
	case err != nil:
		return source, true, err
	case f.class != modifyClass || len(c.Args) < f.min:
		return source, true, fmt.Errorf("%s cannot be a contentModify", c.Name)
	}
	v = source
	switch name {
	case "converttodword":
		n, ok := numeric(source)
		if !ok || n < 0 || n > 1<<32-1 {
			if n, ok = 0, true; !c.null(0) {
				n, ok = parseNumber(c.arg(0))
			}
			if !ok {
				return source, true, fmt.Errorf("default %q is no number", show(c.arg(0)))
			}
		}
		v.Type, v.Data = RegDword, binary.LittleEndian.AppendUint32(nil, uint32(n))
	case "converttostring":
		text := "0"
		if n, ok := source.Number(); ok {
			text = strconv.FormatUint(n, 10)
		} else if list := source.Strings(); len(list) > 0 {
			text = list[0]
		} else if !c.null(0) {
			text = c.arg(0)
		}
		v.Type, v.Data = RegSz, encodeSz(text)
	case "converttobinary":
		v.Type = RegBinary
	case "offsetvalue":
		offset, ok := parseNumber(c.arg(0))
		n, ok2 := numeric(source)
		if !ok || !ok2 {
			return source, true, fmt.Errorf("OffsetValue(%s) needs numbers", c.arg(0))
		}
		return withNumber(source, n+offset), true, nil
	case "setvaluebytable":
		return byTable(c, source)
	case "mergemultiszcontent":
		return mergeMultiSz(c, source, destination)
	case "mergedelimitedcontent":
		return mergeDelimited(c, source, destination)
	case "keepexisting", "mergeshelllibraries": // concern metadata and files, see KeepExisting and MergeLibraries
	default:
		return source, true, fmt.Errorf("%s: %w", c.Name, ErrUnsupported)
	}
	return v, true, nil
}

// numeric reads a number, or a string that is one.
func numeric(v Value) (int64, bool) {
	if n, ok := v.Number(); ok {
		return int64(n), true
	}
	if list := v.Strings(); len(list) > 0 {
		return parseNumber(list[0])
	}
	return 0, false
}

// parseNumber reads decimal digits, leading zeros or not, or hexadecimal ones after 0x.
func parseNumber(s string) (int64, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	base := 10
	if hex, ok := strings.CutPrefix(s, "0x"); ok {
		s, base = hex, 16
	}
	n, err := strconv.ParseInt(s, base, 64)
	return n, err == nil
}

// withNumber replaces the number of a value and keeps its type.
func withNumber(v Value, n int64) Value {
	switch v.Type {
	case RegDword:
		v.Data = binary.LittleEndian.AppendUint32(nil, uint32(n))
	case RegDwordBE:
		v.Data = binary.BigEndian.AppendUint32(nil, uint32(n))
	case RegQword:
		v.Data = binary.LittleEndian.AppendUint64(nil, uint64(n))
	default:
		v.Data = encodeSz(strconv.FormatInt(n, 10))
	}
	return v
}

// byTable replaces a value found in the first list by the entry at the same
// place of the second. Numbers are compared as numbers.
func byTable(c *Call, source Value) (Value, bool, error) {
	from, to := splitList(c.arg(0)), splitList(c.arg(1))
	text := ""
	if list := source.Strings(); len(list) > 0 {
		text = list[0]
	}
	n, isNumber := source.Number()
	for i, entry := range from {
		hit := winname.Equal(entry, text)
		if isNumber {
			e, ok := parseNumber(entry)
			hit = ok && uint64(e) == n
		}
		if hit && i < len(to) {
			return withText(source, to[i])
		}
	}
	if c.null(2) {
		return source, false, nil
	}
	return withText(source, c.arg(2))
}

func splitList(s string) []string {
	var list []string
	for e := range strings.SplitSeq(s, ",") {
		list = append(list, strings.TrimSpace(e))
	}
	return list
}

// withText gives a value new content and keeps its type.
func withText(v Value, text string) (Value, bool, error) {
	if _, ok := v.Number(); ok {
		n, ok := parseNumber(text)
		if !ok {
			return v, true, fmt.Errorf("table entry %q is no number", show(text))
		}
		return withNumber(v, n), true, nil
	}
	v.Data = encodeSz(text)
	return v, true, nil
}

// mergeLists joins lists without duplicates and carries out Add and Remove,
// which stand in pairs from argument first on.
func mergeLists(c *Call, first int, lists ...[]string) ([]string, error) {
	var all []string
	has := func(s string) int {
		return slices.IndexFunc(all, func(o string) bool { return winname.Equal(o, s) })
	}
	add := func(s string) {
		if s != "" && has(s) < 0 {
			all = append(all, s)
		}
	}
	for _, l := range lists {
		for _, s := range l {
			add(s)
		}
	}
	for i := first; i+1 < len(c.Args); i += 2 {
		switch what, _ := choice(c.arg(i), "Add", "Remove"); what {
		case "Add":
			add(c.arg(i + 1))
		case "Remove":
			if at := has(c.arg(i + 1)); at >= 0 {
				all = slices.Delete(all, at, at+1)
			}
		default:
			return nil, fmt.Errorf("instruction is %q, expected Add or Remove", show(c.arg(i)))
		}
	}
	return all, nil
}

func mergeMultiSz(c *Call, source Value, destination *Value) (Value, bool, error) {
	lists := [][]string{source.Strings()}
	if destination != nil { // what is there keeps its order
		lists = [][]string{destination.Strings(), source.Strings()}
	}
	all, err := mergeLists(c, 0, lists...)
	if err != nil {
		return source, true, err
	}
	source.Type, source.Data = RegMultiSz, nil
	for _, s := range all {
		source.Data = append(source.Data, encodeSz(s)...)
	}
	source.Data = append(source.Data, 0, 0)
	return source, true, nil
}

func mergeDelimited(c *Call, source Value, destination *Value) (Value, bool, error) {
	delimiters := c.arg(0)
	if delimiters == "" {
		return source, true, errors.New("MergeDelimitedContent has no delimiter")
	}
	split := func(v Value) []string {
		if list := v.Strings(); len(list) > 0 {
			return strings.FieldsFunc(list[0], func(r rune) bool { return strings.ContainsRune(delimiters, r) })
		}
		return nil
	}
	lists := [][]string{split(source)}
	if destination != nil {
		lists = [][]string{split(*destination), split(source)}
	}
	all, err := mergeLists(c, 1, lists...)
	if err != nil {
		return source, true, err
	}
	_, size := utf8.DecodeRuneInString(delimiters)
	source.Data = encodeSz(strings.Join(all, delimiters[:size]))
	if source.Type != RegExpandSz {
		source.Type = RegSz
	}
	return source, true, nil
}

// Kept is the metadata that KeepExisting leaves as it is on the destination.
type Kept struct {
	Attributes Attributes // Security and TimeFields
	File       string     // letters of file attributes out of ACEHIORST, in that order
}

// KeepExisting reads the options of the function of that name (spec 7.6): of a
// kind given twice the last counts, what is not valid is passed over.
func KeepExisting(c *Call) Kept {
	var k Kept
	for i := range c.Args {
		option := strings.ToLower(strings.TrimSpace(c.arg(i)))
		letters, isFile := strings.CutPrefix(option, "fileattrib:")
		switch {
		case option == "security":
			k.Attributes |= Security
		case option == "timefields":
			k.Attributes |= TimeFields
		case isFile && !strings.HasPrefix(letters, " "):
			k.File = ""
			for _, a := range "ACEHIORST" {
				if strings.ContainsRune(strings.ToUpper(letters), a) {
					k.File += string(a)
				}
			}
		}
	}
	return k
}
