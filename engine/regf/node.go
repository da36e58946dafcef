package regf

import (
	"bytes"
	"fmt"
	"time"
)

// Node is a key to be written, with all that is below: a plain value. The order
// of Subkeys does not matter, that of Values is kept.
type Node struct {
	Name      string
	Class     string
	Flags     uint16 // FlagLink, FlagNoDelete ...; those of a root and of a name's encoding are set by Marshal
	Access    uint8  // access bits (3.4)
	Virt      uint16 // user and virtualisation flags (3.4)
	Handle    uint32 // with FlagPredefined: the handle that the key stands for
	LastWrite time.Time
	Security  []byte // self-relative descriptor; nil is that of the key above
	Values    []Value
	Subkeys   []*Node
}

// Node returns a deep copy of the key and all that is below, which shares
// nothing with the hive but descriptors among its own nodes. If parts of the
// key could not be read, they are missing in the copy, and the error says so.
func (k *Key) Node() (*Node, error) {
	if k == nil {
		return nil, fmt.Errorf("no such key")
	}
	c := copier{h: k.h, descriptors: make(map[uint32][]byte)}
	n := c.node(k)
	if c.missing > 0 {
		return n, fmt.Errorf("%d parts of a key could not be read, first %s", c.missing, c.first)
	}
	return n, nil
}

type copier struct {
	h           *Hive
	descriptors map[uint32][]byte // by security cell
	path        []uint32          // the key cells from the one copied to where we are
	missing     int
	first       Defect
}

func (c *copier) node(k *Key) *Node {
	c.path = append(c.path, k.index)
	defer func() { c.path = c.path[:len(c.path)-1] }()
	nk := k.nk()
	n := &Node{
		Name:      k.Name(),
		Class:     k.Class(),
		Flags:     k.Flags(),
		Access:    nk[12],
		Virt:      le.Uint16(nk[54:]),
		LastWrite: k.LastWrite(),
		Security:  c.security(k.sk()),
		Values:    k.Values(),
	}
	values := le.Uint32(nk[36:])
	if n.Flags&FlagPredefined != 0 {
		n.Handle, values = values, 0
	}
	for i := range n.Values {
		n.Values[i].Data = bytes.Clone(n.Values[i].Data)
	}
	for _, sub := range k.Subkeys() {
		n.Subkeys = append(n.Subkeys, c.node(sub))
	}
	c.expect("values", len(n.Values), values)
	c.expect("subkeys", len(n.Subkeys), le.Uint32(nk[20:]))
	if n.Class == "" && le.Uint16(nk[74:]) != 0 {
		c.miss("class name")
	}
	if n.Security == nil {
		c.miss("security descriptor")
	}
	return n
}

// security copies a descriptor once, for all keys that share it.
func (c *copier) security(index uint32) []byte {
	d, ok := c.descriptors[index]
	if !ok {
		d = bytes.Clone(c.h.security(index, nil))
		c.descriptors[index] = d
	}
	return d
}

func (c *copier) expect(what string, got int, want uint32) {
	if uint64(got) != uint64(want) {
		c.miss(fmt.Sprintf("%d of %d %s", got, want, what))
	}
}

func (c *copier) miss(what string) {
	if c.missing++; c.missing == 1 {
		c.first = Defect{c.h.path(c.path), what}
	}
}
