package regf

import (
	"strings"
	"time"

	"lifeboat/engine/winname"
)

// Flags of a key (3.4).
const (
	FlagVolatile   = 0x01
	FlagHiveExit   = 0x02
	FlagRoot       = 0x04
	FlagNoDelete   = 0x08
	FlagLink       = 0x10 // a symbolic link, see Key.IsLink
	FlagPredefined = 0x40 // stands for a predefined handle, has no values
	flagNarrow     = 0x20 // the name has one byte a character
)

const nkSize = 76 // of a key cell before its name

// Key is a key of an opened hive: a small handle, read when asked. All methods
// but Node may be called on nil, which is a key that has nothing, so a chain of
// lookups needs no checks between.
type Key struct {
	h     *Hive
	index uint32 // of the nk cell, which is known to be good
}

// nk returns the content of a key cell, nil if index names none.
func (h *Hive) nk(index uint32) []byte {
	b := h.cell(index)
	if len(b) < nkSize || string(b[:2]) != "nk" || nkSize+int(le.Uint16(b[72:])) > len(b) {
		return nil
	}
	return b
}

func nkName(nk []byte) rawName {
	return rawName{nk[nkSize:][:le.Uint16(nk[72:])], le.Uint16(nk[2:])&flagNarrow == 0}
}

func (k *Key) nk() []byte { return k.h.nk(k.index) }

// Name returns the key's name as it is spelled in the hive.
func (k *Key) Name() string {
	if k == nil {
		return ""
	}
	return nkName(k.nk()).String()
}

// LastWrite returns when the key or one of its values was last written.
func (k *Key) LastWrite() time.Time {
	if k == nil {
		return time.Time{}
	}
	return FileTime(le.Uint64(k.nk()[4:]))
}

// Flags returns the key's flags, without the one that tells how its name is
// encoded.
func (k *Key) Flags() uint16 {
	if k == nil {
		return 0
	}
	return le.Uint16(k.nk()[2:]) &^ flagNarrow
}

// IsLink reports whether the key is a symbolic link. Its target is the value
// SymbolicLinkValue.
func (k *Key) IsLink() bool { return k.Flags()&FlagLink != 0 }

// Class returns the key's class name, mostly empty.
func (k *Key) Class() string {
	if k == nil {
		return ""
	}
	return k.h.class(k.index, nil).String()
}

func (h *Hive) class(index uint32, s *survey) rawName {
	n := int(le.Uint16(h.nk(index)[74:]))
	if n == 0 {
		return rawName{}
	}
	_, b := h.follow(content(index)+48, "class name", s)
	if len(b) < n {
		if b != nil {
			s.notef("class name of %d bytes is in a cell of %d", n, len(b))
		}
		return rawName{}
	}
	return rawName{b[:n], true}
}

// Security returns the self-relative security descriptor, nil if it cannot be
// read. Keys share descriptors; the caller must not change it.
func (k *Key) Security() []byte {
	if k == nil {
		return nil
	}
	return k.h.security(k.sk(), nil)
}

// sk is the index of the key's security cell.
func (k *Key) sk() uint32 { return le.Uint32(k.nk()[44:]) }

func (h *Hive) security(index uint32, s *survey) []byte {
	b := h.cell(index)
	if len(b) < skSize || string(b[:2]) != "sk" {
		s.notef("security 0x%x is no such cell", index)
		return nil
	}
	n := le.Uint32(b[16:])
	if n > uint32(len(b)-skSize) {
		s.notef("security descriptor of %d bytes is in a cell of %d", n, len(b))
		return nil
	}
	return b[skSize:][:n:n]
}

const skSize = 20 // of a security cell before its descriptor

// Subkeys returns the keys below, in the order of the hive.
func (k *Key) Subkeys() []*Key {
	if k == nil {
		return nil
	}
	indexes := k.h.subkeys(k.index, nil)
	keys := make([]Key, len(indexes))
	list := make([]*Key, len(indexes))
	for i, index := range indexes {
		keys[i] = Key{k.h, index}
		list[i] = &keys[i]
	}
	return list
}

// Subkey returns the key of that name directly below, in any case, nil if absent.
func (k *Key) Subkey(name string) *Key {
	if k == nil {
		return nil
	}
	want := newRawName(name)
	indexes := k.h.subkeys(k.index, nil)
	if !k.h.unsorted {
		lo, hi := 0, len(indexes)
		for lo < hi {
			mid := (lo + hi) / 2
			switch c := nkName(k.h.nk(indexes[mid])).compare(want); {
			case c == 0:
				return &Key{k.h, indexes[mid]}
			case c < 0:
				lo = mid + 1
			default:
				hi = mid
			}
		}
		return nil
	}
	for _, index := range indexes {
		if nkName(k.h.nk(index)).compare(want) == 0 {
			return &Key{k.h, index}
		}
	}
	return nil
}

// Find returns the key at a backslash path below this one, in any case, nil if
// absent. The empty path is the key itself.
func (k *Key) Find(path string) *Key {
	for path = strings.Trim(path, `\`); path != "" && k != nil; {
		var name string
		name, path, _ = strings.Cut(path, `\`)
		k = k.Subkey(name)
	}
	return k
}

// rawName is a name as a cell holds it: Latin-1, or little-endian UTF-16.
type rawName struct {
	b    []byte
	wide bool
}

func newRawName(name string) rawName {
	units := winname.ToUTF16(name)
	b := make([]byte, 2*len(units))
	for i, u := range units {
		le.PutUint16(b[2*i:], u)
	}
	return rawName{b, true}
}

func (n rawName) len() int {
	if n.wide {
		return len(n.b) / 2
	}
	return len(n.b)
}

func (n rawName) at(i int) uint16 {
	if n.wide {
		return le.Uint16(n.b[2*i:])
	}
	return uint16(n.b[i])
}

// brief cuts a name that is longer than Windows allows a key's to be.
func (n rawName) brief() rawName {
	if n.len() > maxKeyName {
		n.b = n.b[:len(n.b)/n.len()*maxKeyName]
	}
	return n
}

// compare orders names as the lists of a hive are ordered (3.7), without
// decoding them.
func (n rawName) compare(m rawName) int {
	nl, ml := n.len(), m.len()
	for i := 0; i < nl && i < ml; i++ {
		if x, y := n.at(i), m.at(i); x != y {
			if x, y := winname.Upcase(x), winname.Upcase(y); x != y {
				return int(x) - int(y)
			}
		}
	}
	return nl - ml
}

func (n rawName) String() string {
	if !n.wide {
		ascii := true
		for _, c := range n.b {
			if c >= 0x80 {
				ascii = false
				break
			}
		}
		if ascii {
			return string(n.b)
		}
	}
	units := make([]uint16, n.len())
	for i := range units {
		units[i] = n.at(i)
	}
	return winname.FromUTF16(units)
}
