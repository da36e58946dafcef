package restore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"lifeboat/engine/winname"
)

var errNoFont = errors.New("no TrueType or OpenType font")

// maxFonts bounds the fonts of a collection, maxNames the names of one.
const (
	maxFonts = 64
	maxNames = 4096
)

// fontName is what Windows calls a font: its full name, in English where there
// is one; of a collection those of all its fonts, with " & " between (OpenType
// specification: font file, table name).
func fontName(r io.ReaderAt) (string, error) {
	var head [16]byte
	if _, err := r.ReadAt(head[:12], 0); err != nil {
		return "", errNoFont
	}
	be := binary.BigEndian
	var at []uint32
	switch string(head[:4]) {
	case "\x00\x01\x00\x00", "OTTO", "true":
		at = []uint32{0}
	case "ttcf":
		n := be.Uint32(head[8:])
		if n == 0 || n > maxFonts {
			return "", fmt.Errorf("a collection of %d fonts", n)
		}
		offsets := make([]byte, 4*n)
		if _, err := r.ReadAt(offsets, 12); err != nil {
			return "", fmt.Errorf("the list of fonts: %w", err)
		}
		for ; len(offsets) > 0; offsets = offsets[4:] {
			at = append(at, be.Uint32(offsets))
		}
	default:
		return "", errNoFont
	}
	var names []string
	for _, offset := range at {
		name, err := fullName(r, int64(offset))
		if err != nil {
			return "", err
		}
		names = append(names, name)
	}
	return strings.Join(names, " & "), nil
}

// fullName reads name 4 of the font whose tables are listed at an offset.
func fullName(r io.ReaderAt, offset int64) (string, error) {
	be := binary.BigEndian
	read := func(n int, at int64) ([]byte, error) {
		b := make([]byte, n)
		if _, err := r.ReadAt(b, at); err != nil {
			return nil, fmt.Errorf("the font is cut off: %w", err)
		}
		return b, nil
	}
	head, err := read(12, offset)
	if err != nil {
		return "", err
	}
	tables, err := read(16*int(be.Uint16(head[4:])), offset+12)
	if err != nil {
		return "", err
	}
	for ; len(tables) > 0; tables = tables[16:] {
		if string(tables[:4]) != "name" {
			continue
		}
		table := int64(be.Uint32(tables[8:]))
		head, err := read(6, table)
		if err != nil {
			return "", err
		}
		texts := table + int64(be.Uint16(head[4:]))
		list, err := read(12*min(int(be.Uint16(head[2:])), maxNames), table+6)
		if err != nil {
			return "", err
		}
		found := ""
		for ; len(list) > 0; list = list[12:] {
			const windows, english, full = 3, 0x409, 4
			language := be.Uint16(list[4:])
			if be.Uint16(list) != windows || be.Uint16(list[6:]) != full || found != "" && language != english {
				continue
			}
			text, err := read(int(be.Uint16(list[8:])), texts+int64(be.Uint16(list[10:])))
			if err != nil {
				return "", err
			}
			var units []uint16
			for ; len(text) >= 2; text = text[2:] {
				units = append(units, be.Uint16(text))
			}
			if found = winname.FromUTF16(units); language == english {
				break
			}
		}
		if found != "" && winname.Show(found) == found {
			return found, nil
		}
		break
	}
	return "", errors.New("the font has no name")
}
