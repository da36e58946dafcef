package migxml

import (
	"debug/pe"
	"encoding/binary"
	"io"
	"strings"
)

// Bounds of a version resource; real ones have about a kilobyte and lie behind
// three levels of directories with a handful of entries.
const (
	maxResource        = 1 << 20
	maxResourceEntries = 4096
	versionType        = 16 // RT_VERSION
)

// VersionStrings returns the strings of the first translation in the version
// resource of a program (the StringFileInfo of VS_VERSIONINFO; layout as in the
// Windows SDK): "ProductVersion" → "7.0.1". It is nil if there are none.
func VersionStrings(r io.ReaderAt) map[string]string {
	data := versionResource(r)
	root, ok := readBlock(data)
	if !ok {
		return nil
	}
	for _, info := range root.children() {
		if info.key != "StringFileInfo" {
			continue
		}
		for _, table := range info.children() {
			strs := map[string]string{}
			for _, s := range table.children() {
				text, _, _ := strings.Cut(decodeUTF16(s.value), "\x00")
				strs[s.key] = text
			}
			return strs
		}
	}
	return nil
}

// versionResource finds the bytes of the first RT_VERSION resource.
func versionResource(r io.ReaderAt) []byte {
	f, err := pe.NewFile(r)
	if err != nil {
		return nil
	}
	defer f.Close()
	section := f.Section(".rsrc")
	if section == nil {
		return nil
	}
	// Type, then name, then language; the first of the latter two will do.
	at, ok := resourceEntry(section, 0, func(id uint32) bool { return id == versionType })
	for range 2 {
		if ok && at&(1<<31) != 0 {
			at, ok = resourceEntry(section, at&^(1<<31), func(uint32) bool { return true })
		}
	}
	if !ok || at&(1<<31) != 0 {
		return nil
	}
	var leaf [8]byte // address and size
	if _, err := section.ReadAt(leaf[:], int64(at)); err != nil {
		return nil
	}
	address, size := binary.LittleEndian.Uint32(leaf[:]), binary.LittleEndian.Uint32(leaf[4:])
	if address < section.VirtualAddress || size > maxResource {
		return nil
	}
	data := make([]byte, size)
	n, _ := section.ReadAt(data, int64(address-section.VirtualAddress))
	return data[:n]
}

// resourceEntry looks for an entry of the resource directory at an offset.
func resourceEntry(r io.ReaderAt, offset uint32, want func(id uint32) bool) (uint32, bool) {
	var head [16]byte
	if _, err := r.ReadAt(head[:], int64(offset)); err != nil {
		return 0, false
	}
	n := int(binary.LittleEndian.Uint16(head[12:])) + int(binary.LittleEndian.Uint16(head[14:]))
	for i := range min(n, maxResourceEntries) {
		var e [8]byte
		if _, err := r.ReadAt(e[:], int64(offset)+16+int64(i)*8); err != nil {
			return 0, false
		}
		if want(binary.LittleEndian.Uint32(e[:])) {
			return binary.LittleEndian.Uint32(e[4:]), true
		}
	}
	return 0, false
}

// block is a node of VS_VERSIONINFO: a length, the value's length, a type, a
// key, the value and children, each aligned to four bytes.
type block struct {
	key   string
	value []byte
	rest  []byte
	size  int
}

func readBlock(data []byte) (block, bool) {
	if len(data) < 6 {
		return block{}, false
	}
	size := int(binary.LittleEndian.Uint16(data))
	valueLen := int(binary.LittleEndian.Uint16(data[2:]))
	if binary.LittleEndian.Uint16(data[4:]) == 1 { // text: counted in characters
		valueLen *= 2
	}
	if size < 6 || size > len(data) {
		return block{}, false
	}
	b := block{size: size}
	end := 6
	for end+1 < size && (data[end] != 0 || data[end+1] != 0) {
		end += 2
	}
	b.key = decodeUTF16(data[6:end])
	value := min(align(end+2), size)
	after := min(value+valueLen, size)
	b.value = data[value:after]
	b.rest = data[min(align(after), size):size]
	return b, true
}

func align(n int) int { return (n + 3) &^ 3 }

func (b block) children() []block {
	var list []block
	for rest := b.rest; len(list) < maxResourceEntries; {
		c, ok := readBlock(rest)
		if !ok {
			break
		}
		list = append(list, c)
		rest = rest[min(align(c.size), len(rest)):]
	}
	return list
}
