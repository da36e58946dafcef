package regf

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"lifeboat/engine/winname"
)

// Options are the parts of a hive that are not in its tree.
type Options struct {
	Minor       int       // minor version 3, 4 or 5; 0 is 5
	LastWritten time.Time // of the file
	Sequence    uint32    // of the write; 0 is 1
	Base        []byte    // base block to take everything else from; nil for a fresh hive
}

// Options returns the options with which [Marshal] writes the next state of
// this hive: its version and base block, and a sequence number that no log
// beside it has.
func (h *Hive) Options() Options {
	return Options{
		Minor:       h.minor,
		LastWritten: h.LastWritten(),
		Sequence:    h.sequence + 1,
		Base:        slices.Clone(h.image[:baseSize]),
	}
}

// Limits of Windows on what is written (6.3).
const (
	maxKeyName   = 255   // code units
	maxValueName = 16383 // code units
	maxSegments  = math.MaxUint16
)

// Marshal writes a tree as a compact hive. It refuses what Windows would not
// accept: names that are too long, doubled or hold a backslash, keys nested too
// deep, and hives over 2 GiB.
func Marshal(root *Node, opt Options) ([]byte, error) {
	if opt.Minor == 0 {
		opt.Minor = 5
	}
	if opt.Minor < 3 || opt.Minor > 5 {
		return nil, fmt.Errorf("hives of version 1.%d are not written", opt.Minor)
	}
	if opt.Base != nil && len(opt.Base) < logBase {
		return nil, fmt.Errorf("base block of %d bytes is too short", len(opt.Base))
	}
	if opt.Sequence == 0 {
		opt.Sequence = 1
	}
	w := &writer{
		out:      make([]byte, baseSize, baseSize+estimate(root)),
		minor:    opt.Minor,
		security: make(map[string]int),
	}
	written := ToFileTime(opt.LastWritten)
	name := winname.ToUTF16(root.Name)
	at, err := w.key(root, name, none, DefaultDescriptor(), 1)
	if err != nil {
		return nil, fmt.Errorf("write hive: key %w", err)
	}
	w.closeBin()
	w.closeRing()

	base := baseBlock(w.out[:baseSize])
	copy(base, opt.Base)
	copy(base, "regf")
	le.PutUint64(base[12:], written)
	le.PutUint32(base[20:], 1)
	le.PutUint32(base[24:], uint32(opt.Minor))
	le.PutUint32(base[32:], 1)
	le.PutUint32(base[36:], at)
	le.PutUint32(base[44:], 1)
	le.PutUint32(base[144:], base.flags()&^1)
	clear(base[4088:])
	base.seal(opt.Sequence, uint32(len(w.out)-baseSize))
	le.PutUint64(w.out[baseSize+20:], written)
	return w.out, nil
}

// estimate guesses the size of the bins, so that the output is not moved often.
func estimate(n *Node) int {
	size := 96 + len(n.Name)
	for _, v := range n.Values {
		size += 48 + len(v.Name) + len(v.Data)
	}
	for _, sub := range n.Subkeys {
		if sub != nil {
			size += 8 + estimate(sub)
		}
	}
	return size
}

// writer lays cells one after the other into bins (6.2).
type writer struct {
	out      []byte
	minor    int
	next     int // where the next cell goes
	binEnd   int
	security map[string]int // descriptor to its place in ring
	ring     []skCell
}

type skCell struct{ index, count uint32 }

// alloc adds a cell for n bytes and returns its index.
func (w *writer) alloc(n int) (uint32, error) {
	size := (4 + n + 7) &^ 7
	if w.next+size > w.binEnd || w.binEnd == 0 {
		w.closeBin()
		bin := (binHeader + size + pageSize - 1) &^ (pageSize - 1)
		at := len(w.out)
		if bin > maxSize-at {
			return 0, fmt.Errorf("hive becomes larger than 2 GiB")
		}
		w.out = slices.Grow(w.out, bin)[:at+bin]
		b := w.out[at:]
		clear(b)
		copy(b, "hbin")
		le.PutUint32(b[4:], uint32(at-baseSize))
		le.PutUint32(b[8:], uint32(bin))
		w.next, w.binEnd = at+binHeader, at+bin
	}
	at := w.next
	le.PutUint32(w.out[at:], uint32(-size))
	w.next += size
	return uint32(at - baseSize), nil
}

// closeBin makes the rest of the current bin one free cell.
func (w *writer) closeBin() {
	if rest := w.binEnd - w.next; rest > 0 {
		le.PutUint32(w.out[w.next:], uint32(rest))
	}
}

// cell returns the content of a cell. It is good until the next alloc.
func (w *writer) cell(index uint32) []byte { return w.out[baseSize+int(index)+4:] }

// add allocates a cell with the given content.
func (w *writer) add(content []byte) (uint32, error) {
	index, err := w.alloc(len(content))
	if err == nil {
		copy(w.cell(index), content)
	}
	return index, err
}

// child is a subkey on its way to a list.
type child struct {
	node  *Node
	name  []uint16
	index uint32
}

// key writes a key and all below. An error begins with the path of the key.
func (w *writer) key(n *Node, name []uint16, parent uint32, security []byte, depth int) (uint32, error) {
	fail := func(err error) (uint32, error) {
		return 0, fmt.Errorf("%s: %w", winname.Show(n.Name), err)
	}
	switch {
	case depth > maxDepth:
		return fail(fmt.Errorf("nested deeper than %d", maxDepth))
	case len(name) > maxKeyName:
		return fail(fmt.Errorf("name is longer than %d characters", maxKeyName))
	case len(name) == 0 && parent != none:
		return fail(fmt.Errorf("name is empty"))
	case strings.Contains(n.Name, `\`):
		return fail(fmt.Errorf("name holds a backslash"))
	case n.Flags&FlagPredefined != 0 && len(n.Values) > 0:
		return fail(fmt.Errorf("stands for a predefined handle and has values"))
	}
	if n.Security != nil {
		security = n.Security
	}
	text, narrow := encode(name)
	index, err := w.alloc(nkSize + len(text))
	if err != nil {
		return fail(err)
	}
	flags := n.Flags &^ (FlagVolatile | FlagHiveExit | FlagRoot | flagNarrow)
	if parent == none {
		flags |= FlagRoot | FlagNoDelete
	}
	if narrow {
		flags |= flagNarrow
	}
	nk := w.cell(index)
	copy(nk, "nk")
	le.PutUint16(nk[2:], flags)
	le.PutUint64(nk[4:], ToFileTime(n.LastWrite))
	nk[12] = n.Access
	le.PutUint32(nk[16:], parent)
	for _, reference := range []int{28, 32, 40, 44, 48} {
		le.PutUint32(nk[reference:], none)
	}
	le.PutUint16(nk[54:], n.Virt)
	le.PutUint16(nk[72:], uint16(len(text)))
	copy(nk[nkSize:], text)

	if err := w.keySecurity(index, security); err != nil {
		return fail(err)
	}
	if err := w.class(index, n.Class); err != nil {
		return fail(err)
	}
	if n.Flags&FlagPredefined != 0 {
		le.PutUint32(w.cell(index)[36:], n.Handle)
	} else if err := w.values(index, n.Values); err != nil {
		return fail(err)
	}

	children := make([]child, len(n.Subkeys))
	for i, sub := range n.Subkeys {
		if sub == nil {
			return fail(fmt.Errorf("subkey %d is nil", i))
		}
		children[i] = child{node: sub, name: winname.ToUTF16(sub.Name)}
	}
	slices.SortStableFunc(children, func(a, b child) int { return winname.Compare(a.name, b.name) })
	var longest, longestClass int
	for i := range children {
		c := &children[i]
		if i > 0 && winname.Compare(children[i-1].name, c.name) == 0 {
			return fail(fmt.Errorf("two subkeys are named %s", winname.Show(c.node.Name)))
		}
		if c.index, err = w.key(c.node, c.name, index, security, depth+1); err != nil {
			return 0, fmt.Errorf(`%s\%w`, winname.Show(n.Name), err)
		}
		longest = max(longest, 2*len(c.name))
		longestClass = max(longestClass, int(le.Uint16(w.cell(c.index)[74:])))
	}
	list, err := w.list(children)
	if err != nil {
		return fail(err)
	}
	nk = w.cell(index)
	le.PutUint32(nk[20:], uint32(len(children)))
	le.PutUint32(nk[28:], list)
	le.PutUint16(nk[52:], uint16(longest))
	le.PutUint32(nk[56:], uint32(longestClass))
	return index, nil
}

// encode returns a name as a cell holds it: one byte a character if they fit.
func encode(name []uint16) (text []byte, narrow bool) {
	narrow = !slices.ContainsFunc(name, func(u uint16) bool { return u > 0xFF })
	if narrow {
		text = make([]byte, len(name))
		for i, u := range name {
			text[i] = byte(u)
		}
		return text, true
	}
	return encodeWide(name), false
}

func encodeWide(name []uint16) []byte {
	text := make([]byte, 2*len(name))
	for i, u := range name {
		le.PutUint16(text[2*i:], u)
	}
	return text
}

// keySecurity gives a key its descriptor, of which each is written once (3.8).
func (w *writer) keySecurity(key uint32, descriptor []byte) error {
	i, ok := w.security[string(descriptor)]
	if !ok {
		index, err := w.alloc(skSize + len(descriptor))
		if err != nil {
			return err
		}
		b := w.cell(index)
		copy(b, "sk")
		le.PutUint32(b[16:], uint32(len(descriptor)))
		copy(b[skSize:], descriptor)
		i = len(w.ring)
		w.security[string(descriptor)] = i
		w.ring = append(w.ring, skCell{index: index})
	}
	w.ring[i].count++
	le.PutUint32(w.cell(key)[44:], w.ring[i].index)
	return nil
}

// closeRing links the security cells and sets their counts.
func (w *writer) closeRing() {
	for i, sk := range w.ring {
		b := w.cell(sk.index)
		le.PutUint32(b[4:], w.ring[(i+1)%len(w.ring)].index)
		le.PutUint32(b[8:], w.ring[(i+len(w.ring)-1)%len(w.ring)].index)
		le.PutUint32(b[12:], sk.count)
	}
}

func (w *writer) class(key uint32, class string) error {
	if class == "" {
		return nil
	}
	text := encodeWide(winname.ToUTF16(class))
	if len(text) > math.MaxUint16 {
		return fmt.Errorf("class name is longer than %d characters", math.MaxUint16/2)
	}
	index, err := w.add(text)
	if err != nil {
		return err
	}
	nk := w.cell(key)
	le.PutUint32(nk[48:], index)
	le.PutUint16(nk[74:], uint16(len(text)))
	return nil
}

func (w *writer) values(key uint32, values []Value) error {
	if len(values) == 0 {
		return nil
	}
	list, err := w.alloc(4 * len(values))
	if err != nil {
		return err
	}
	var longest, largest int
	seen := make(map[string]bool, len(values))
	for i, v := range values {
		name := winname.ToUTF16(v.Name)
		fold := winname.Fold(v.Name)
		if seen[fold] {
			return fmt.Errorf("two values are named %q", winname.Show(v.Name))
		}
		seen[fold] = true
		index, err := w.value(v, name)
		if err != nil {
			return fmt.Errorf("value %q: %w", winname.Show(v.Name), err)
		}
		le.PutUint32(w.cell(list)[4*i:], index)
		longest, largest = max(longest, 2*len(name)), max(largest, len(v.Data))
	}
	nk := w.cell(key)
	le.PutUint32(nk[36:], uint32(len(values)))
	le.PutUint32(nk[40:], list)
	le.PutUint32(nk[60:], uint32(longest))
	le.PutUint32(nk[64:], uint32(largest))
	return nil
}

// value writes a value and its data (3.5, 3.6).
func (w *writer) value(v Value, name []uint16) (uint32, error) {
	if len(name) > maxValueName {
		return 0, fmt.Errorf("name is longer than %d characters", maxValueName)
	}
	text, narrow := encode(name)
	index, err := w.alloc(vkSize + len(text))
	if err != nil {
		return 0, err
	}
	flags := v.Flags &^ flagNarrowName
	if narrow && len(text) > 0 {
		flags |= flagNarrowName
	}
	vk := w.cell(index)
	copy(vk, "vk")
	le.PutUint16(vk[2:], uint16(len(text)))
	le.PutUint32(vk[12:], uint32(v.Type))
	le.PutUint16(vk[16:], flags)
	copy(vk[vkSize:], text)
	switch {
	case flags&FlagTombstone != 0:
		if v.Type != None || len(v.Data) > 0 {
			return 0, fmt.Errorf("tombstone has a type or data")
		}
		le.PutUint32(vk[8:], none)
	case len(v.Data) <= 4:
		le.PutUint32(vk[4:], inlineData|uint32(len(v.Data)))
		copy(vk[8:12], v.Data)
	default:
		data, err := w.data(v.Data)
		if err != nil {
			return 0, err
		}
		vk = w.cell(index)
		le.PutUint32(vk[4:], uint32(len(v.Data)))
		le.PutUint32(vk[8:], data)
	}
	return index, nil
}

// data writes the bytes of a value into one cell, or where the version allows
// it into segments, whose cells are all full size.
func (w *writer) data(data []byte) (uint32, error) {
	if len(data) <= segmentSize || w.minor <= 3 {
		return w.add(data)
	}
	count := (len(data) + segmentSize - 1) / segmentSize
	if count > maxSegments {
		return 0, fmt.Errorf("%d bytes are too many", len(data))
	}
	db, err := w.alloc(8)
	if err != nil {
		return 0, err
	}
	list, err := w.alloc(4 * count)
	if err != nil {
		return 0, err
	}
	b := w.cell(db)
	copy(b, "db")
	le.PutUint16(b[2:], uint16(count))
	le.PutUint32(b[4:], list)
	for i := range count {
		segment, err := w.alloc(segmentSize)
		if err != nil {
			return 0, err
		}
		copy(w.cell(segment)[:segmentSize], data)
		le.PutUint32(w.cell(list)[4*i:], segment)
		data = data[min(segmentSize, len(data)):]
	}
	return db, nil
}

// Sizes of subkey lists (3.7, 6.3).
const (
	maxHashed = 507  // entries of an lf or lh list
	maxPlain  = 1012 // entries of an li list
	maxLists  = math.MaxUint16
)

// list writes the list of a key's subkeys in the kind that Windows uses.
func (w *writer) list(children []child) (uint32, error) {
	kind, most := "lh", maxHashed
	if w.minor < 5 {
		kind = "lf"
		if len(children) > maxHashed {
			kind, most = "li", maxPlain
		}
	}
	switch {
	case len(children) == 0:
		return none, nil
	case len(children) <= most:
		return w.leaf(kind, children)
	case len(children) > most*maxLists:
		return 0, fmt.Errorf("%d subkeys are too many", len(children))
	}
	count := (len(children) + most - 1) / most
	ri := make([]byte, 4+4*count)
	copy(ri, "ri")
	le.PutUint16(ri[2:], uint16(count))
	for i := range count {
		leaf, err := w.leaf(kind, children[i*most:min((i+1)*most, len(children))])
		if err != nil {
			return 0, err
		}
		le.PutUint32(ri[4+4*i:], leaf)
	}
	return w.add(ri)
}

func (w *writer) leaf(kind string, children []child) (uint32, error) {
	b := append([]byte(kind), 0, 0)
	le.PutUint16(b[2:], uint16(len(children)))
	for _, c := range children {
		b = le.AppendUint32(b, c.index)
		switch kind {
		case "lh":
			b = le.AppendUint32(b, nameHash(c.name))
		case "lf":
			hint := nameHint(c.name)
			b = append(b, hint[:]...)
		}
	}
	return w.add(b)
}

// nameHash is what an lh list holds beside a key.
func nameHash(name []uint16) (hash uint32) {
	for _, u := range name {
		hash = hash*37 + uint32(winname.Upcase(u))
	}
	return hash
}

// nameHint is what an lf list holds beside a key.
func nameHint(name []uint16) (hint [4]byte) {
	for i, u := range name[:min(4, len(name))] {
		if u > 0xFF {
			return [4]byte{}
		}
		hint[i] = byte(u)
	}
	return hint
}
