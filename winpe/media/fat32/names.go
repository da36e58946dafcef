package fat32

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// shortChars may stand in a short name. A label has the first 37 of them.
const shortChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_!#$%&'()-@^`{}~"

const unitsInEntry = 13 // of a long name

// nameChildren finds a short name for each child: its own where it is one, else
// one that is made, with a number where another child has it.
func (n *node) nameChildren() {
	taken := map[[11]byte]bool{}
	for _, c := range n.children {
		if short, ok := shortName(c.name); ok {
			c.short = short
			taken[short] = true
		}
	}
	for _, c := range n.children {
		if _, ok := shortName(c.name); ok {
			continue
		}
		stem, ext := madeName(c.name)
		for i := 1; ; i++ {
			tail := fmt.Sprintf("~%d", i)
			short := pack(stem[:min(len(stem), 8-len(tail))]+tail, ext)
			if !taken[short] {
				c.short = short
				taken[short] = true
				break
			}
		}
	}
}

// shortName is a name in its packed form, if it is a short one.
func shortName(name string) (short [11]byte, ok bool) {
	stem, ext, dotted := strings.Cut(name, ".")
	if stem == "" || len(stem) > 8 || len(ext) > 3 || dotted && ext == "" || !only(stem+ext, shortChars) {
		return short, false
	}
	return pack(stem, ext), true
}

// only reports whether s has no other characters than those.
func only(s, chars string) bool { return strings.Trim(s, chars) == "" }

func pack(stem, ext string) (short [11]byte) {
	copy(short[:], fmt.Sprintf("%-8s%-3s", stem, ext))
	return short
}

// madeName is the base of a short name for one that is none.
func madeName(name string) (stem, ext string) {
	keep := func(s string, most int) string {
		s = strings.Map(func(r rune) rune {
			switch {
			case r == ' ' || r == '.':
				return -1
			case strings.ContainsRune(shortChars, r):
				return r
			}
			return '_'
		}, strings.ToUpper(s))
		return s[:min(len(s), most)]
	}
	stem = name
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		stem, ext = name[:dot], name[dot+1:]
	}
	if stem = keep(stem, 6); stem == "" {
		stem = "_"
	}
	return stem, keep(ext, 3)
}

// slots is how many entries a node takes in its folder.
func (n *node) slots() int {
	if _, ok := shortName(n.name); ok {
		return 1
	}
	return 1 + (len(utf16.Encode([]rune(n.name)))+unitsInEntry-1)/unitsInEntry
}

// longEntries are the entries that hold a long name, its end first.
func (n *node) longEntries(out []byte) []byte {
	pieces := n.slots() - 1
	if pieces == 0 {
		return out
	}
	var sum byte
	for _, b := range n.short {
		sum = sum>>1 | sum<<7
		sum += b
	}
	units := utf16.Encode([]rune(n.name))
	if len(units) < pieces*unitsInEntry {
		units = append(units, 0)
	}
	for len(units) < pieces*unitsInEntry {
		units = append(units, 0xFFFF)
	}
	for i := pieces; i > 0; i-- {
		e := make([]byte, entry)
		e[0] = byte(i)
		if i == pieces {
			e[0] |= 0x40
		}
		e[11] = attrLong
		e[13] = sum
		places := []int{1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30}
		for j, unit := range units[(i-1)*unitsInEntry : i*unitsInEntry] {
			binary.LittleEndian.PutUint16(e[places[j]:], unit)
		}
		out = append(out, e...)
	}
	return out
}
