package usmt

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"github.com/beevik/etree"
)

// Limits for the XML files that this package reads, all written by hand or
// generated: far above any real one.
const (
	maxXML   = 16 << 20
	maxDepth = 100
)

// readXML parses a small XML file. Element names are compared in any case, as
// Microsoft's own samples mix them. UTF-16 with a byte order mark is what
// Notepad makes of a file, so it is read too.
func readXML(name string, data []byte) (*etree.Element, error) {
	if len(data) > maxXML {
		return nil, fmt.Errorf("%s: more than %d MiB", name, maxXML>>20)
	}
	data = decode(data)
	if err := checkDepth(data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	doc := etree.NewDocument()
	doc.ReadSettings.CharsetReader = anyCharset
	if err := doc.ReadFromBytes(data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if doc.Root() == nil {
		return nil, fmt.Errorf("%s: no XML element in it", name)
	}
	return doc.Root(), nil
}

// decode makes UTF-8 of what a byte order mark says is UTF-16, and drops the mark.
func decode(data []byte) []byte {
	switch {
	case bytes.HasPrefix(data, []byte{0xEF, 0xBB, 0xBF}):
		return data[3:]
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		return fromUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return fromUTF16(data[2:], binary.BigEndian)
	}
	return data
}

// anyCharset takes the text for what it is after readXML: UTF-8, whatever the
// declaration says. A file in another encoding fails on its first odd letter.
func anyCharset(_ string, in io.Reader) (io.Reader, error) { return in, nil }

// checkDepth refuses nesting that no real file has, before a tree is built.
func checkDepth(data []byte) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = anyCharset
	for depth := 0; ; {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t.(type) {
		case xml.StartElement:
			if depth++; depth > maxDepth {
				line, _ := d.InputPos()
				return fmt.Errorf("line %d: elements are nested more than %d deep", line, maxDepth)
			}
		case xml.EndElement:
			depth--
		}
	}
}

func fromUTF16(data []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

// is compares an element's name in any case.
func is(e *etree.Element, name string) bool { return strings.EqualFold(e.Tag, name) }
