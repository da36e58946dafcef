package regf

import "fmt"

// Check lists what is not as Windows would have it in the image of a hive (6.6):
// cells that are lost or used twice, lists out of order, wrong counts, hashes,
// parents, maxima. It is stricter than Open, which only cares for what can be
// read. On hives that Windows wrote it finds leftovers of volatile keys and a
// maximum that is too small here and there, nothing else.
func Check(image []byte) []Defect {
	c := &checker{h: &Hive{image: image}}
	c.run()
	if c.count > maxDefects {
		c.defects = append(c.defects, Defect{What: fmt.Sprintf("%d more defects", c.count-maxDefects)})
	}
	return c.defects
}

type checker struct {
	h       *Hive
	used    bitmap
	path    []uint32          // the key cells from the root to where we are
	sks     map[uint32]uint32 // security cells that keys name, and how many do
	defects []Defect
	count   int
}

func (c *checker) notef(format string, args ...any) {
	if c.count++; c.count <= maxDefects {
		c.defects = append(c.defects, Defect{c.h.path(c.path), fmt.Sprintf(format, args...)})
	}
}

func (c *checker) run() {
	h := c.h
	if len(h.image) < baseSize+pageSize {
		c.notef("%d bytes are too short for a hive", len(h.image))
		return
	}
	base := baseBlock(h.image[:baseSize])
	if err := base.supported(); err != nil {
		c.notef("%v", err)
		return
	}
	if !base.settled() {
		c.notef("hive is dirty: sequence numbers %d and %d, checksum right: %v",
			base.sequence1(), base.sequence2(), base.intact())
	}
	size := base.binsSize()
	if int64(size) != int64(len(h.image)-baseSize) || size%pageSize != 0 {
		c.notef("base block says %d bytes of bins, there are %d", size, len(h.image)-baseSize)
		return
	}
	h.minor = int(base.minor())
	h.starts = newBitmap(size)
	c.used = newBitmap(size)
	c.sks = make(map[uint32]uint32)
	walkBins(h.image, func(cell, _ uint32, allocated bool) {
		if allocated {
			h.starts.set(cell)
		}
	}, c.notef)

	root := base.root()
	if nk := c.key(root); nk != nil {
		c.tree(root, nk, 0)
	}
	c.path = nil
	c.ring()
	walkBins(h.image, func(cell, size uint32, allocated bool) {
		if allocated && !c.used.has(cell) {
			c.notef("cell 0x%x of %d bytes is lost: nothing refers to it", cell, size)
		}
	}, func(string, ...any) {})
}

// take returns the content of a cell that may be referred to only once.
func (c *checker) take(index uint32, what string) []byte {
	b := c.h.cell(index)
	switch {
	case b == nil:
		c.notef("%s 0x%x is no allocated cell", what, index)
		return nil
	case c.used.has(index):
		c.notef("%s 0x%x is used twice", what, index)
		return nil
	}
	c.used.set(index)
	return b
}

func (c *checker) key(index uint32) []byte {
	if c.take(index, "key") == nil {
		return nil
	}
	nk := c.h.nk(index)
	if nk == nil {
		c.notef("key 0x%x is none", index)
	}
	return nk
}

// tree checks a key and all below. Its name and where it is listed are the
// business of the caller.
func (c *checker) tree(index uint32, nk []byte, depth int) {
	c.path = append(c.path, index)
	defer func() { c.path = c.path[:len(c.path)-1] }()
	if depth >= maxDepth {
		c.notef("nested deeper than %d", maxDepth)
		return
	}
	flags := le.Uint16(nk[2:])
	if root := depth == 0; flags&FlagRoot != 0 != root {
		c.notef("flags 0x%x are wrong about which key is the root", flags)
	}
	if flags&FlagVolatile != 0 {
		c.notef("volatile key")
	}
	if n, list := le.Uint32(nk[24:]), le.Uint32(nk[32:]); n != 0 || list != none {
		c.notef("leftover of %d volatile subkeys", n)
	}
	c.sks[le.Uint32(nk[44:])]++
	class, length := le.Uint32(nk[48:]), int(le.Uint16(nk[74:]))
	if length > 0 {
		if b := c.take(class, "class name"); b != nil && len(b) < length {
			c.notef("class name of %d bytes is in a cell of %d", length, len(b))
		}
	} else if class != none {
		c.notef("class name 0x%x is empty", class)
	}
	if flags&FlagPredefined == 0 {
		c.values(nk)
	}
	keys := c.subkeys(nk)
	var longest, longestClass int
	for i, key := range keys {
		sub := c.h.nk(key)
		name := nkName(sub)
		if i > 0 && nkName(c.h.nk(keys[i-1])).compare(name) >= 0 {
			c.notef("subkey %s is out of order", name.brief())
		}
		if parent := le.Uint32(sub[16:]); parent != index {
			c.notef("subkey %s names 0x%x as its parent, not 0x%x", name.brief(), parent, index)
		}
		longest = max(longest, 2*name.len())
		longestClass = max(longestClass, int(le.Uint16(sub[74:])))
		c.tree(key, sub, depth+1)
	}
	c.maximum("subkey name", uint32(le.Uint16(nk[52:])), longest)
	c.maximum("subkey's class name", le.Uint32(nk[56:]), longestClass)
}

func (c *checker) maximum(what string, have uint32, want int) {
	if int64(have) < int64(want) {
		c.notef("maximum for the longest %s is %d, should be %d", what, have, want)
	}
}

// subkeys checks the lists of a key and returns the keys in them.
func (c *checker) subkeys(nk []byte) []uint32 {
	count, list := le.Uint32(nk[20:]), le.Uint32(nk[28:])
	if count == 0 {
		if list != none {
			c.notef("subkey list 0x%x is for no subkeys", list)
		}
		return nil
	}
	b := c.take(list, "subkey list")
	if len(b) < 4 {
		return nil
	}
	var keys []uint32
	if string(b[:2]) == "ri" {
		for i := range c.entries(list, b, 4) {
			leaf := le.Uint32(b[4+4*i:])
			if b := c.take(leaf, "subkey list"); b != nil {
				keys = c.leaf(keys, leaf, b)
			}
		}
	} else {
		keys = c.leaf(nil, list, b)
	}
	if uint64(count) != uint64(len(keys)) {
		c.notef("%d subkeys are counted, %d are listed", count, len(keys))
	}
	return keys
}

func (c *checker) entries(list uint32, b []byte, width int) int {
	n := int(le.Uint16(b[2:]))
	if room := (len(b) - 4) / width; n > room {
		c.notef("subkey list 0x%x counts %d entries and has room for %d", list, n, room)
		return room
	}
	if n == 0 {
		c.notef("subkey list 0x%x is empty", list)
	}
	return n
}

func (c *checker) leaf(keys []uint32, list uint32, b []byte) []uint32 {
	if len(b) < 4 {
		c.notef("subkey list 0x%x is too short", list)
		return keys
	}
	kind, width := string(b[:2]), 8
	switch {
	case kind == "li":
		width = 4
	case kind != "lf" && kind != "lh":
		c.notef("subkey list 0x%x is none", list)
		return keys
	case kind == "lh" && c.h.minor < 5:
		c.notef("subkey list 0x%x has hashes, which version 1.%d does not know", list, c.h.minor)
	}
	for i := range c.entries(list, b, width) {
		entry := b[4+width*i:]
		nk := c.key(le.Uint32(entry))
		if nk == nil {
			continue
		}
		keys = append(keys, le.Uint32(entry))
		name := nkName(nk)
		units := make([]uint16, name.len())
		for i := range units {
			units[i] = name.at(i)
		}
		switch kind {
		case "lh":
			if have, want := le.Uint32(entry[4:]), nameHash(units); have != want {
				c.notef("hash of subkey %s is 0x%x, should be 0x%x", name.brief(), have, want)
			}
		case "lf":
			if have, want := [4]byte(entry[4:]), nameHint(units); have != want {
				c.notef("hint of subkey %s is %q, should be %q", name.brief(), have, want)
			}
		}
	}
	return keys
}

func (c *checker) values(nk []byte) {
	count, list := int64(le.Uint32(nk[36:])), le.Uint32(nk[40:])
	if count == 0 {
		if list != none {
			c.notef("value list 0x%x is for no values", list)
		}
		return
	}
	b := c.take(list, "value list")
	if b == nil {
		return
	}
	if room := int64(len(b) / 4); count > room {
		c.notef("%d values are in a list with room for %d", count, room)
		count = room
	}
	var longest, largest int
	for i := range count {
		index := le.Uint32(b[4*i:])
		vk := c.take(index, "value")
		if vk == nil {
			continue
		}
		if !isValue(vk) {
			c.notef("value 0x%x is none", index)
			continue
		}
		longest = max(longest, 2*vkName(vk).len())
		largest = max(largest, c.data(vk))
	}
	c.maximum("value name", le.Uint32(nk[60:]), longest)
	c.maximum("value data", le.Uint32(nk[64:]), largest)
}

// data checks the data of a value and returns their size.
func (c *checker) data(vk []byte) int {
	name, size, at := vkName(vk).brief(), le.Uint32(vk[4:]), le.Uint32(vk[8:])
	n := int(size &^ inlineData)
	switch {
	case le.Uint16(vk[16:])&FlagTombstone != 0:
		if size != 0 || at != none || le.Uint32(vk[12:]) != 0 {
			c.notef("tombstone %q has a type or data", name)
		}
		return 0
	case size&inlineData != 0:
		if n > 4 {
			c.notef("value %q has %d bytes in a field of four", name, n)
		}
		return n
	case n <= 4:
		c.notef("value %q has %d bytes outside its cell", name, n)
	}
	b := c.take(at, "value data")
	switch {
	case b == nil:
	case n <= segmentSize || c.h.minor <= 3:
		if len(b) < n {
			c.notef("value %q has %d bytes in a cell of %d", name, n, len(b))
		}
	default:
		c.bigData(name, n, b)
	}
	return n
}

func (c *checker) bigData(name rawName, size int, db []byte) {
	if len(db) < 8 || string(db[:2]) != "db" {
		c.notef("value %q has %d bytes and no segments", name, size)
		return
	}
	count := int(le.Uint16(db[2:]))
	if want := (size + segmentSize - 1) / segmentSize; count != want {
		c.notef("value %q has %d bytes in %d segments, should be %d", name, size, count, want)
	}
	list := c.take(le.Uint32(db[4:]), "segment list")
	if list == nil {
		return
	}
	if len(list)/4 < count {
		c.notef("value %q has %d segments in a list with room for %d", name, count, len(list)/4)
		count = len(list) / 4
	}
	for i := range count {
		if b := c.take(le.Uint32(list[4*i:]), "segment"); b != nil && len(b) != segmentSize+4 {
			c.notef("value %q has a segment of %d bytes, not %d", name, len(b), segmentSize+4)
		}
	}
}

// ring checks that the security cells of all keys form one ring with right
// counts and neighbours (3.8).
func (c *checker) ring() {
	seen := 0
	for start := range c.sks {
		for at := start; ; {
			b := c.take(at, "security")
			if b == nil {
				return
			}
			if c.h.security(at, nil) == nil {
				c.notef("security 0x%x is none", at)
				return
			}
			if have, want := le.Uint32(b[12:]), c.sks[at]; have != want {
				c.notef("security 0x%x counts %d keys, should be %d", at, have, want)
			}
			if c.sks[at] > 0 {
				seen++
			}
			next := le.Uint32(b[4:])
			if n := c.h.cell(next); len(n) < skSize || le.Uint32(n[8:]) != at {
				c.notef("security 0x%x and 0x%x do not agree to be neighbours", at, next)
				return
			}
			if next == start {
				break
			}
			at = next
		}
		break
	}
	if seen < len(c.sks) {
		c.notef("the ring of security cells has %d, keys name %d", seen, len(c.sks))
	}
}
