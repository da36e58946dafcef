package regf

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"lifeboat/engine/winname"
)

// dice makes decisions for a random tree out of bytes, so that the fuzzer can
// steer them. When the bytes are used up every decision is 0.
type dice []byte

func (d *dice) roll(n int) int {
	if len(*d) == 0 {
		return 0
	}
	b := (*d)[0]
	*d = (*d)[1:]
	return int(b) % n
}

func pick[T any](d *dice, from ...T) T { return from[d.roll(len(from))] }

func (d *dice) bytes(n int) []byte {
	if n == 0 {
		return nil
	}
	return bytes.Repeat([]byte{byte(d.roll(256)), byte(d.roll(256)), 0, 0x41}, n/4+1)[:n]
}

func (d *dice) name() string {
	stem := pick(d, "key", "Key", "KEY", "a", "zz top", "Müller", "ÿ", "straße", "Привет", "日本", "😀",
		"\x00nul", "line\r\nbreak", "%SystemRoot%", "µ", "ı", strings.Repeat("long", 62),
		winname.FromUTF16([]uint16{0xD800, 'x'}), winname.FromUTF16([]uint16{'y', 0xDC00}))
	return fmt.Sprint(stem, d.roll(40))
}

func (d *dice) filetime() time.Time {
	return FileTime(pick[uint64](d, 0, 1, 131332437451516000, 1<<63, 1<<64-1))
}

func (d *dice) node(name string, depth int) *Node {
	n := &Node{
		Name:      name,
		Class:     pick(d, "", "", "", "class", "Класс"),
		Flags:     pick[uint16](d, 0, 0, FlagLink, 0x1000, FlagNoDelete),
		Access:    pick[uint8](d, 0, 2),
		Virt:      pick[uint16](d, 0, 1, 0xFF81),
		LastWrite: d.filetime(),
	}
	if d.roll(3) == 0 {
		n.Security = append(slices.Clone(DefaultDescriptor()), d.bytes(4*d.roll(3))...)
	}
	if depth == 0 {
		n.Flags |= FlagRoot | FlagNoDelete
	}
	seen := make(map[string]bool)
	if d.roll(20) == 19 {
		n.Flags |= FlagPredefined
		n.Handle = 0x80000002
	} else {
		for range d.roll(5) {
			v := Value{
				Name: pick(d, "", d.name(), strings.Repeat("v", 3*d.roll(256))),
				Type: pick(d, None, Sz, ExpandSz, Binary, Dword, Qword, MultiSz, Type(0xFFFF0012), Type(0x20001)),
				Data: d.bytes(pick(d, 0, 1, 2, 3, 4, 5, 8, 100, 4060, 4061, 16343, 16344, 16345, 32688, 32689, 50000)),
			}
			if pick(d, 0, 0, 0, 0, 0, 0, 1) == 1 {
				v.Type, v.Data, v.Flags = None, nil, FlagTombstone
			}
			if fold := winname.Fold(v.Name); !seen[fold] {
				seen[fold] = true
				n.Values = append(n.Values, v)
			}
		}
	}
	clear(seen)
	if depth == 6 {
		return n
	}
	names := make([]string, pick(d, 0, 1, 2, 3, 4))
	for i := range names {
		names[i] = d.name()
	}
	if d.roll(200) == 199 {
		for i := range pick(d, 507, 508, 1012, 1013, 2025) {
			names = append(names, fmt.Sprint("many", i))
		}
	}
	for _, name := range names {
		if fold := winname.Fold(name); !seen[fold] {
			seen[fold] = true
			n.Subkeys = append(n.Subkeys, d.node(name, depth+1))
		}
	}
	return n
}

// sorted puts the subkeys of a whole tree in the order of a hive.
func sorted(n *Node) *Node {
	slices.SortFunc(n.Subkeys, func(a, b *Node) int {
		return winname.Compare(winname.ToUTF16(a.Name), winname.ToUTF16(b.Name))
	})
	for _, sub := range n.Subkeys {
		sorted(sub)
	}
	return n
}

// roundTrip writes a tree, reads it back, and looks everything up by name.
func roundTrip(t *testing.T, root *Node, opt Options) {
	t.Helper()
	image := mustMarshal(t, root, opt)
	checkClean(t, image)
	h := mustOpen(t, bytes.Clone(image))
	if h.Recovery().State != Clean || !bytes.Equal(h.Image(), image) {
		t.Errorf("a written hive is %s or was changed by opening it", h.Recovery().State)
	}
	got := mustNode(t, h.Root())
	equal(t, sorted(root), got)
	if again := mustMarshal(t, got, h.Options()); !bytes.Equal(image[baseSize:], again[baseSize:]) {
		t.Error("written a second time, the bins differ")
	}
	find(t, h.Root(), root)
}

// find looks up all that a tree holds below a key by its upper-cased name.
func find(t *testing.T, k *Key, n *Node) {
	t.Helper()
	for _, v := range n.Values {
		if got, ok := k.Value(winname.Fold(v.Name)); !ok || !bytes.Equal(got.Data, v.Data) {
			t.Errorf("key %q: value %q is %v, %v", n.Name, v.Name, got, ok)
		}
	}
	if v, ok := k.Value("absent"); ok {
		t.Errorf("key %q: found %v, which is absent", n.Name, v)
	}
	for _, sub := range n.Subkeys {
		found := k.Find(winname.Fold(sub.Name))
		if found.Name() != sub.Name {
			t.Errorf("key %q: looked for %q, found %q", n.Name, sub.Name, found.Name())
			continue
		}
		find(t, found, sub)
	}
	if k.Subkey("absent") != nil {
		t.Errorf("key %q: found a key that is absent", n.Name)
	}
}

func TestRoundTrip(t *testing.T) {
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		rolls := make([]byte, 1<<rnd.IntN(15))
		for i := range rolls {
			rolls[i] = byte(rnd.Uint32())
		}
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			d := dice(rolls)
			roundTrip(t, d.node("root", 0), Options{
				Minor:       3 + int(seed%3),
				LastWritten: FileTime(132000000000000000),
				Sequence:    uint32(seed),
			})
		})
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("a tree"), byte(0))
	f.Add(bytes.Repeat([]byte{199, 3, 7, 15, 4, 2}, 200), byte(1))
	f.Fuzz(func(t *testing.T, rolls []byte, minor byte) {
		d := dice(rolls[:min(len(rolls), 4096)])
		roundTrip(t, d.node("root", 0), Options{Minor: 3 + int(minor%3)})
	})
}
