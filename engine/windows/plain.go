package windows

import (
	"bytes"
	"strings"

	"www.velocidex.com/golang/regparser"

	"lifeboat/engine/regf"
)

// values is what detection needs of a key with plain ASCII names.
type values interface {
	Str(name string) string
	Uint(name string) (uint64, bool)
}

// plain reads a key of SOFTWARE by regparser, over the image that regf has
// recovered, so that what a screen says about the product does not rest on one
// reader alone. regparser follows whatever a hive holds and a crafted one ends
// the process (spec/registry.md 1), so it is given only hives in which regf, which
// has examined every reference, found no defect; all others are read by regf.
// Nothing that is captured comes from here.
func plain(h *regf.Hive, path string) (v values) {
	v = h.Find(path)
	if len(h.Defects()) > 0 {
		return v
	}
	defer func() {
		if recover() != nil {
			v = h.Find(path)
		}
	}()
	registry, err := regparser.NewRegistry(bytes.NewReader(h.Image()))
	if err != nil {
		return v
	}
	key := registry.OpenKey(path)
	if key == nil {
		return v
	}
	read := parsed{}
	for _, value := range key.Values() {
		read[strings.ToUpper(value.ValueName())] = value.ValueData()
	}
	return read
}

// parsed holds a key's values by their upper-cased names.
type parsed map[string]*regparser.ValueData

func (p parsed) Str(name string) string {
	data := p[strings.ToUpper(name)]
	if data == nil || data.Error != nil || data.Type != uint32(regf.Sz) && data.Type != uint32(regf.ExpandSz) {
		return ""
	}
	text, _, _ := strings.Cut(data.String, "\x00")
	return text
}

func (p parsed) Uint(name string) (uint64, bool) {
	data := p[strings.ToUpper(name)]
	if data == nil || data.Error != nil || data.Type != uint32(regf.Dword) && data.Type != uint32(regf.Qword) {
		return 0, false
	}
	return data.Uint64, true
}
