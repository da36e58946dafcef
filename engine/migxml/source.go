package migxml

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Bounds of a migration file. The largest known is 656 KB, 7 levels of
// components deep and has 8,000 elements.
const (
	maxFileSize = 16 << 20
	maxDepth    = 256 // of elements, and of definitions that refer to each other
	maxElements = 1 << 18
)

var declaration = regexp.MustCompile(`^<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']`)

// toUTF8 converts a file to UTF-8 without byte order mark; remark says what was
// found instead.
func toUTF8(data []byte) (text []byte, remark string, err error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xEF\xBB\xBF")):
		data = data[3:]
	case bytes.HasPrefix(data, []byte("\xFF\xFE")):
		return fromUTF16(data[2:], binary.LittleEndian), "the file is UTF-16, expected UTF-8", nil
	case bytes.HasPrefix(data, []byte("\xFE\xFF")):
		return fromUTF16(data[2:], binary.BigEndian), "the file is UTF-16, expected UTF-8", nil
	case bytes.HasPrefix(data, []byte("<\x00")):
		return fromUTF16(data, binary.LittleEndian), "the file is UTF-16 without a byte order mark, expected UTF-8", nil
	case bytes.HasPrefix(data, []byte("\x00<")):
		return fromUTF16(data, binary.BigEndian), "the file is UTF-16 without a byte order mark, expected UTF-8", nil
	}
	m := declaration.FindSubmatch(data[:min(len(data), 256)])
	if m == nil {
		return data, "", nil
	}
	switch name := strings.ToLower(string(m[1])); {
	case name == "utf-8" || name == "utf8":
	case codePages[name] != nil:
		data, err = codePages[name].NewDecoder().Bytes(data)
		remark = fmt.Sprintf("the file is %s, expected UTF-8", name)
	case !utf8.Valid(data):
		return nil, "", fmt.Errorf("the encoding %q is not known, expected UTF-8", name)
	default: // what a declaration in 8-bit letters says of UTF-16 cannot be true
		remark = fmt.Sprintf("the file says it is %s and is UTF-8", name)
	}
	return data, remark, err
}

// codePages are the encodings in which editors of Windows have saved XML, by the
// names a declaration gives them; browsers and Windows read ISO-8859-1 as
// Windows-1252.
var codePages = map[string]*charmap.Charmap{
	"us-ascii": charmap.Windows1252, "ascii": charmap.Windows1252, "latin1": charmap.Windows1252,
	"iso-8859-1": charmap.Windows1252, "iso8859-1": charmap.Windows1252,
	"iso-8859-2": charmap.ISO8859_2, "iso-8859-5": charmap.ISO8859_5, "iso-8859-7": charmap.ISO8859_7,
	"iso-8859-9": charmap.Windows1254, "iso-8859-15": charmap.ISO8859_15,
	"windows-874": charmap.Windows874, "windows-1250": charmap.Windows1250, "windows-1251": charmap.Windows1251,
	"windows-1252": charmap.Windows1252, "windows-1253": charmap.Windows1253, "windows-1254": charmap.Windows1254,
	"windows-1255": charmap.Windows1255, "windows-1256": charmap.Windows1256, "windows-1257": charmap.Windows1257,
	"windows-1258": charmap.Windows1258, "ibm866": charmap.CodePage866, "cp866": charmap.CodePage866,
	"koi8-r": charmap.KOI8R, "koi8-u": charmap.KOI8U,
}

func fromUTF16(data []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

// passThrough keeps the decoder from objecting to a declaration: the text is
// UTF-8 by now whatever it says.
func passThrough(_ string, r io.Reader) (io.Reader, error) { return r, nil }

// scan checks that text is well-formed XML within the bounds and returns the
// line of each element in document order. etree reads the same text afterwards;
// it knows no positions.
func scan(text []byte) (lines []int, doctype bool, err error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = passThrough
	fail := func(format string, args ...any) error {
		line, _ := d.InputPos()
		return &SyntaxError{Line: line, Text: fmt.Sprintf(format, args...)}
	}
	depth, roots := 0, 0
	for {
		line, _ := d.InputPos()
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			line, _ = d.InputPos()
			return nil, false, &SyntaxError{Line: line, Text: "not well-formed: " + cause(err) + hint(text, line), Err: err}
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return nil, false, fail("elements are nested more than %d deep", maxDepth)
			}
			if depth == 1 {
				if roots++; roots > 1 {
					return nil, false, fail("second root element <%s>, expected exactly one <migration>", t.Name.Local)
				}
			}
			if len(lines) == maxElements {
				return nil, false, fail("more than %d elements", maxElements)
			}
			lines = append(lines, line)
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				return nil, false, fail("text %.20q outside of the root element", bytes.TrimSpace(t))
			}
		case xml.Directive:
			doctype = true
		}
	}
	if roots == 0 {
		return nil, false, fail("no root element, expected <migration>")
	}
	return lines, doctype, nil
}

// cause strips what encoding/xml puts before the reason.
func cause(err error) string {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return syntax.Msg
	}
	return err.Error()
}

var curly = regexp.MustCompile(`=\s*[^\x00-\x7F]`) // an attribute's value begins with no ASCII quote

var blankAfter = regexp.MustCompile(`</?\s+[A-Za-z]`)

// hint names the usual reason for bad XML on a line (spec 14.2).
func hint(text []byte, line int) string {
	lines := bytes.SplitN(text, []byte("\n"), line+1)
	if line < 1 || line > len(lines) {
		return ""
	}
	bad := lines[line-1]
	switch {
	case bytes.ContainsAny(bad, "“”„‘’") || !utf8.Valid(bad) && curly.Match(bad):
		return " (the line has typographic quotes, expected \" or ')"
	case !utf8.Valid(bad):
		return " (the line is not UTF-8)"
	case blankAfter.Match(bad):
		return " (the line has a blank after <)"
	case line == 1 && len(bad) > 0 && bad[0] != '<':
		return " (the file must begin with <)"
	}
	return ""
}
