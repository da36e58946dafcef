package regf

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// sound is a small hive with one of everything, to be damaged.
func sound(t testing.TB) []byte {
	many := manyKeys(600)
	many.Name = "many"
	return mustMarshal(t, &Node{Name: "root", Values: []Value{
		{Name: "short", Type: Dword, Data: []byte{1, 2, 3, 4}},
		{Name: "cell", Type: Binary, Data: bytes.Repeat([]byte{7}, 100)},
		{Name: "big", Type: Binary, Data: bytes.Repeat([]byte{8}, 20000)},
	}, Subkeys: []*Node{
		{Name: "a", Class: "class", Subkeys: []*Node{{Name: "below"}}},
		{Name: "b", Values: []Value{{Name: "v", Data: bytes.Repeat([]byte{9}, 9)}}},
		many,
	}}, Options{Sequence: 1})
}

const soundKeys, soundValues = 605, 4

// patient gives a damaging function the places of things in a hive.
type patient struct {
	*Hive
	image []byte // to be damaged
}

// in returns the content of a cell, to be changed.
func (p patient) in(index uint32) []byte { return p.image[baseSize+content(index):] }
func (p patient) key(path string) []byte { return p.in(p.Find(path).index) }

// ref returns the cell that b refers to at an offset.
func (p patient) ref(b []byte, at int) []byte { return p.in(le.Uint32(b[at:])) }

func (p patient) value(path string, i int) []byte {
	return p.ref(p.ref(p.key(path), 40), 4*i)
}

func put(b []byte, at int, v uint32) { le.PutUint32(b[at:], v) }

func TestDamage(t *testing.T) {
	for _, c := range []struct {
		name         string
		damage       func(p patient)
		keys, values int
		defect       string
	}{
		{"nothing", func(p patient) {}, soundKeys, soundValues, ""},
		{"value that is none", func(p patient) { p.value("", 0)[0] = 'x' }, soundKeys, soundValues - 1, `\: value 0x`},
		{"value name too long", func(p patient) { p.value("", 1)[3] = 1 }, soundKeys, soundValues - 1, "is none"},
		{"value outside", func(p patient) { put(p.ref(p.key(""), 40), 4, 0x7FFFFFF8) }, soundKeys, soundValues - 1, "value 0x7ffffff8 is no allocated cell"},
		{"value between cells", func(p patient) { p.ref(p.key(""), 40)[4] += 4 }, soundKeys, soundValues - 1, "is no allocated cell"},
		{"value twice", func(p patient) { copy(p.ref(p.key(""), 40)[4:8], p.ref(p.key(""), 40)[:4]) }, soundKeys, soundValues - 1, "is used twice"},
		{"value count too large", func(p patient) { put(p.key(""), 36, 1000000) }, soundKeys, soundValues, "1000000 values are in a list with room for 3"},
		{"value list shared", func(p patient) { copy(p.key("b")[40:44], p.key("")[40:44]) }, soundKeys, soundValues - 1, `\b: value list`},
		{"value list nil", func(p patient) { put(p.key("b"), 40, none) }, soundKeys, soundValues - 1, `\b: value list 0xffffffff is no`},
		{"data larger than its cell", func(p patient) { put(p.value("", 1), 4, 105) }, soundKeys, soundValues - 1, `value "cell" has 105 bytes in a cell of 100`},
		{"data shared", func(p patient) { copy(p.value("b", 0)[8:12], p.value("", 1)[8:12]) }, soundKeys, soundValues - 1, "value data"},
		{"inline data of five bytes", func(p patient) { put(p.value("", 0), 4, inlineData|5) }, soundKeys, soundValues, "five"},
		{"big data with a count too small", func(p patient) { p.ref(p.value("", 2), 8)[2] = 1 }, soundKeys, soundValues - 1, "20000 bytes in 1 segments"},
		{"big data larger than its segments", func(p patient) { put(p.value("", 2), 4, 0x7FFFFFFF) }, soundKeys, soundValues - 1, "2147483647 bytes in 2 segments"},
		{"big data without a list", func(p patient) { put(p.ref(p.value("", 2), 8), 4, 8) }, soundKeys, soundValues - 1, "segment list 0x8"},
		{"big data with one segment twice", func(p patient) {
			list := p.ref(p.ref(p.value("", 2), 8), 4)
			copy(list[4:8], list[:4])
		}, soundKeys, soundValues - 1, "segment 0x"},
		{"big data with a small segment", func(p patient) {
			list := p.ref(p.ref(p.value("", 2), 8), 4)
			put(list, 0, p.Find("b").index)
		}, soundKeys - 1, soundValues - 2, "segment of 16344 bytes in a cell of"}, // and key b is in use
		{"big data without signature", func(p patient) { p.ref(p.value("", 2), 8)[0] = 'x' }, soundKeys, soundValues - 1, "20000 bytes in a cell of"},
		{"class too long", func(p patient) { p.key("a")[75] = 1 }, soundKeys, soundValues, "class name of 266 bytes"},
		{"class nowhere", func(p patient) { put(p.key("a"), 48, none) }, soundKeys, soundValues, "class name 0xffffffff"},
		{"security nowhere", func(p patient) { put(p.key("a"), 44, 0) }, soundKeys, soundValues, `\a: security 0x0`},
		{"security too long", func(p patient) { put(p.ref(p.key(""), 44), 16, 1000) }, soundKeys, soundValues, "security descriptor of 1000 bytes"},
		{"key that is none", func(p patient) { p.key("a")[0] = 'x' }, soundKeys - 2, soundValues, "is no key"},
		{"key name too long", func(p patient) { p.key("b")[73] = 9 }, soundKeys - 1, soundValues - 1, "is no key"},
		{"key freed", func(p patient) {
			at := baseSize + p.Find("b").index
			put(p.image, int(at), -le.Uint32(p.image[at:]))
		}, soundKeys - 1, soundValues - 1, "is no allocated cell"},
		{"subkey list that is none", func(p patient) { p.ref(p.key("a"), 28)[0] = 'x' }, soundKeys - 1, soundValues, "subkey list"},
		{"subkey list counts too many", func(p patient) { p.ref(p.key("a"), 28)[3] = 0x80 }, soundKeys, soundValues, "counts 32769 entries and has room for 1"},
		{"fewer subkeys counted than listed", func(p patient) { put(p.key(""), 20, 2) }, soundKeys, soundValues, "2 subkeys are counted, 3 are listed"},
		{"key below itself", func(p patient) { put(p.ref(p.key("a"), 28), 4, p.Find("a").index) }, soundKeys - 1, soundValues, `\a: subkey`},
		{"root below", func(p patient) { put(p.ref(p.key("a"), 28), 4, p.Root().index) }, soundKeys - 1, soundValues, "is used twice"},
		{"key in two lists", func(p patient) { put(p.ref(p.key("a"), 28), 4, p.Find("b").index) }, soundKeys - 1, soundValues, "is used twice"},
		{"key twice in a list", func(p patient) { copy(p.ref(p.key(""), 28)[12:16], p.ref(p.key(""), 28)[4:8]) }, soundKeys - 1, soundValues - 1, "is used twice"},
		{"list of lists in itself", func(p patient) { copy(p.ref(p.key("many"), 28)[4:8], p.key("many")[28:32]) }, soundKeys - 507, soundValues, "is used twice"},
		{"list of lists of lists", func(p patient) {
			copy(p.ref(p.ref(p.key("many"), 28), 8), "ri")
		}, soundKeys - 93, soundValues, "is none"},
		{"list without order", func(p patient) {
			b := p.ref(p.key(""), 28)
			first := bytes.Clone(b[4:12])
			copy(b[4:], b[12:28])
			copy(b[20:], first)
		}, soundKeys, soundValues, "out of order"},
		{"bins size too large", func(p patient) { put(p.image, 40, 1<<30) }, soundKeys, soundValues, "1073741824 bytes of bins"},
		{"bins size zero", func(p patient) { put(p.image, 40, 0) }, soundKeys, soundValues, "0 bytes of bins"},
		{"cell of size zero", func(p patient) {
			put(p.image, int(baseSize+le.Uint32(p.ref(p.key("many"), 28)[8:])), 0)
		}, 1, 3, "impossible size 0"}, // all lists follow in that bin
		{"cell of the most negative size", func(p patient) {
			put(p.image, int(baseSize+le.Uint32(p.ref(p.key("many"), 28)[8:])), 0x80000000)
		}, 1, 3, "impossible size -2147483648"},
	} {
		t.Run(c.name, func(t *testing.T) {
			image := sound(t)
			p := patient{mustOpen(t, bytes.Clone(image)), image}
			c.damage(p)
			base := baseBlock(image[:baseSize])
			put(image, 508, base.checksum())
			h, err := Open(image)
			if err != nil {
				t.Fatal(err)
			}
			if keys, values := count(h.Root()); keys != c.keys || values != c.values {
				t.Errorf("%d keys, %d values, want %d, %d", keys, values, c.keys, c.values)
			}
			defects := h.Defects()
			if c.defect == "" {
				if len(defects) > 0 {
					t.Errorf("defects: %v", defects)
				}
			} else if text := fmt.Sprint(defects); !strings.Contains(text, strings.Replace(c.defect, "five", "5 bytes in a field of four", 1)) {
				t.Errorf("defects are %s, want %s", text, c.defect)
			}
			if len(Check(h.Image())) == 0 && c.defect != "" && !strings.Contains(c.name, "bins size") {
				t.Error("the check finds nothing")
			}
			// Whatever happened, what is listed can be found.
			for _, k := range h.Root().Subkeys() {
				if h.Find(k.Name()) == nil {
					t.Errorf("%s is listed and not found", k.Name())
				}
			}
		})
	}
}

// A destroyed bin costs what was in it, and nothing behind it.
func TestDamagedBin(t *testing.T) {
	var root Node
	for i := range 100 {
		root.Subkeys = append(root.Subkeys, &Node{Name: fmt.Sprintf("key %03d", i),
			Values: []Value{{Name: "v", Data: bytes.Repeat([]byte{1}, 200)}}})
	}
	image := mustMarshal(t, &root, Options{})
	clear(image[baseSize+2*pageSize:][:8])
	h := mustOpen(t, image)
	keys, values := count(h.Root())
	if keys < 80 || keys > 95 || values < 80 || values > 95 {
		t.Errorf("%d keys and %d values are left", keys, values)
	}
	if d := h.Defects(); len(d) == 0 || d[0].What != "bin 0x2000 has no signature" {
		t.Errorf("defects: %v", d)
	}
	if _, err := h.Root().Node(); err == nil || !strings.Contains(err.Error(), "could not be read") {
		t.Errorf("copying the damaged tree gave %v", err)
	}
}

func TestDepth(t *testing.T) {
	root := &Node{Name: "k"}
	for range maxDepth - 1 {
		root = &Node{Name: "k", Subkeys: []*Node{root}}
	}
	image := mustMarshal(t, root, Options{})
	h := mustOpen(t, bytes.Clone(image))
	if keys, _ := count(h.Root()); keys != maxDepth || len(h.Defects()) > 0 {
		t.Errorf("%d keys, defects %v", keys, h.Defects())
	}
	// Hang something below the deepest key: the value list's place will do.
	deepest := h.Root()
	for range maxDepth - 1 {
		deepest = deepest.Subkey("k")
	}
	nk := image[baseSize+content(deepest.index):]
	put(nk, 20, 1)
	put(nk, 28, deepest.index)
	h = mustOpen(t, image)
	if keys, _ := count(h.Root()); keys != maxDepth || len(h.Defects()) != 1 || !strings.Contains(h.Defects()[0].What, "nested deeper") {
		t.Errorf("%d keys, defects %d", keys, len(h.Defects()))
	}
}

func TestOpenRefuses(t *testing.T) {
	image := sound(t)
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "too short"},
		{"short", image[:4095], "too short"},
		{"no bins", image[:4096], "no bins"},
		{"zeros", make([]byte, 8192), "not a registry hive"},
		{"major 2", patch(image, 20, 2), "version 2.5"},
		{"NT 3.1", patch(image, 24, 1), "version 1.1"},
		{"minor 7", patch(image, 24, 7), "version 1.7"},
		{"a log", patch(image, 28, 6), "transaction log"},
		{"format 2", patch(image, 32, 2), "format 2"},
		{"no root", patch(image, 36, 0xFF, 0xFF, 0xFF, 0xFF), "no root key"},
		{"root is no key", patch(image, 36, 0x18), "no root key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Open(bytes.Clone(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
			if len(Check(c.data)) == 0 {
				t.Error("the check finds nothing")
			}
		})
	}
}

// A hive that refers to few cells very often must not be walked very long.
func TestSharedCellsAreCheap(t *testing.T) {
	// 500 levels of two keys that both list the same two keys: 2^500 paths.
	root := &Node{Name: "root"}
	for range 500 {
		root = &Node{Name: "x", Subkeys: []*Node{root, {Name: "y"}}}
	}
	image := mustMarshal(t, root, Options{})
	p := patient{mustOpen(t, bytes.Clone(image)), image}
	for k := p.Root(); ; {
		subs := k.Subkeys()
		if len(subs) < 2 {
			break
		}
		k = subs[0]
		copy(p.in(subs[1].index)[20:32], p.in(k.index)[20:32])
	}
	h := mustOpen(t, image)
	if keys, _ := count(h.Root()); keys > 1001 || len(h.Defects()) == 0 {
		t.Errorf("%d keys, %d defects", keys, len(h.Defects()))
	}
}

// FuzzOpen feeds hives and logs to everything that reads. With seal, checksums
// are put right first, so that changes get past them.
func FuzzOpen(f *testing.F) {
	one, two := state(f, 1), state(f, 2)
	small := mustMarshal(f, &Node{Name: "root", Class: "c", Values: []Value{
		{Name: "a", Data: []byte{1}}, {Name: "b", Data: make([]byte, 50)}, {Name: "ж", Data: make([]byte, 17000)},
	}, Subkeys: []*Node{{Name: "x", Subkeys: []*Node{{Name: "y"}}}, {Name: "z"}}}, Options{})
	f.Add(small, []byte{}, []byte{}, false)
	f.Add(small, []byte{}, []byte{}, true)
	f.Add(dirtied(one, 101, 100), newFormat(100, one, two), newFormat(101, two, one), true)
	f.Add(dirtied(one, 101, 100), oldFormat(one, two, 100), []byte{}, true)
	f.Fuzz(func(t *testing.T, hive, log1, log2 []byte, seal bool) {
		if len(hive)+len(log1)+len(log2) > 1<<18 {
			return
		}
		hive = bytes.Clone(hive)
		if seal {
			for _, b := range []*[]byte{&hive, &log1, &log2} {
				*b = resealed(*b)
			}
		}
		Check(hive)
		h, err := Open(hive, Log{"x.LOG1", log1}, Log{"x.LOG2", log2})
		if err != nil {
			return
		}
		if len(h.Image()) > 1<<18+maxGrowth {
			t.Fatalf("the image has %d bytes", len(h.Image()))
		}
		keys, values := count(h.Root())
		if limit := len(h.Image()) / 8; keys > limit || values > limit {
			t.Fatalf("%d keys and %d values in %d bytes", keys, values, len(h.Image()))
		}
		touch(h.Root())
		Check(h.Image())
		n, copyErr := h.Root().Node()
		if copyErr != nil && len(h.Defects()) == 0 {
			t.Fatalf("the copy is not whole and there are no defects: %v", copyErr)
		}
		image, err := Marshal(n, h.Options())
		if err != nil {
			return
		}
		checkClean(t, image)
		equal(t, sorted(n), mustNode(t, mustOpen(t, image).Root()))
	})
}

// touch calls whatever reads.
func touch(k *Key) {
	_, _, _, _ = k.Name(), k.Class(), k.Security(), k.LastWrite()
	for _, v := range k.Values() {
		k.Value(v.Name)
		_, _ = v.String(), v.Strings()
	}
	for _, sub := range k.Subkeys() {
		k.Subkey(sub.Name())
		touch(sub)
	}
}

// resealed puts right the checksums of a hive or log.
func resealed(b []byte) []byte {
	b = bytes.Clone(b)
	if len(b) < logBase {
		return b
	}
	put(b, 508, baseBlock(b).checksum())
	for rest := b[logBase:]; len(rest) >= entryHeader && string(rest[:4]) == "HvLE"; {
		size := le.Uint32(rest[4:])
		if size < entryHeader || size%512 != 0 || uint64(size) > uint64(len(rest)) {
			break
		}
		sealEntry(rest[:size])
		rest = rest[size:]
	}
	return b
}

// Defects of keys with very long names, very deep, still fit into memory.
func TestLongPaths(t *testing.T) {
	h := mustOpen(t, sound(t))
	keys := make([]uint32, maxDepth)
	for i := range keys {
		keys[i] = h.Find("many").Subkeys()[0].index
	}
	if path := h.path(keys); len(path) > 2*maxShown || !strings.HasSuffix(path, `\...`) {
		t.Errorf("path has %d bytes", len(path))
	}
	for _, wide := range []bool{false, true} {
		if got := (rawName{make([]byte, 60000), wide}).brief().len(); got != maxKeyName {
			t.Errorf("brief name has %d characters", got)
		}
	}
}
