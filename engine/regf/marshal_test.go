package regf

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// manyKeys is a tree of one level.
func manyKeys(n int) *Node {
	root := &Node{Name: "root"}
	for i := range n {
		root.Subkeys = append(root.Subkeys, &Node{Name: fmt.Sprintf("key %05d", i)})
	}
	return root
}

// The kinds and sizes of lists that Windows uses (3.7, 6.3).
func TestListKinds(t *testing.T) {
	for _, c := range []struct {
		minor, keys int
		want        string // kind of the list, and of those it lists
	}{
		{5, 1, "lh 1"},
		{5, 507, "lh 507"},
		{5, 508, "ri lh 507 lh 1"},
		{5, 1200, "ri lh 507 lh 507 lh 186"},
		{3, 507, "lf 507"},
		{3, 508, "li 508"},
		{3, 1012, "li 1012"},
		{3, 1013, "ri li 1012 li 1"},
		{4, 508, "li 508"},
	} {
		t.Run(fmt.Sprintf("1.%d with %d", c.minor, c.keys), func(t *testing.T) {
			root := manyKeys(c.keys)
			roundTrip(t, root, Options{Minor: c.minor})
			h := mustOpen(t, mustMarshal(t, root, Options{Minor: c.minor}))
			list := h.cell(le.Uint32(h.Root().nk()[28:]))
			got := fmt.Sprintf("%s %d", list[:2], le.Uint16(list[2:]))
			if string(list[:2]) == "ri" {
				got = "ri"
				for i := range le.Uint16(list[2:]) {
					leaf := h.cell(le.Uint32(list[4+4*i:]))
					got += fmt.Sprintf(" %s %d", leaf[:2], le.Uint16(leaf[2:]))
				}
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// Where data of a size go (3.6).
func TestDataCells(t *testing.T) {
	for _, c := range []struct {
		minor, size int
		want        string
	}{
		{5, 0, "inline"}, {5, 4, "inline"}, {5, 5, "cell"}, {5, 16344, "cell"},
		{5, 16345, "2 segments"}, {5, 32688, "2 segments"}, {5, 81725, "6 segments"},
		{4, 16345, "2 segments"}, {3, 16344, "cell"}, {3, 16345, "cell"}, {3, 100000, "cell"},
	} {
		t.Run(fmt.Sprintf("%d bytes in 1.%d", c.size, c.minor), func(t *testing.T) {
			data := bytes.Repeat([]byte("db"), c.size/2+1)[:c.size]
			root := &Node{Name: "root", Values: []Value{{Name: "v", Type: Binary, Data: data}}}
			roundTrip(t, root, Options{Minor: c.minor})
			h := mustOpen(t, mustMarshal(t, root, Options{Minor: c.minor}))
			h.eachValue(h.Root().index, nil, func(_ uint32, vk []byte) bool {
				got := "inline"
				if le.Uint32(vk[4:])&inlineData == 0 {
					got = "cell"
					if b := h.cell(le.Uint32(vk[8:])); len(b) < c.size {
						got = fmt.Sprint(le.Uint16(b[2:]), " segments")
					}
				}
				if got != c.want {
					t.Errorf("is in %s, want %s", got, c.want)
				}
				return true
			})
		})
	}
}

func TestMarshalRefuses(t *testing.T) {
	deep := &Node{Name: "deep"}
	for range maxDepth {
		deep = &Node{Name: "deep", Subkeys: []*Node{deep}}
	}
	with := func(subs ...*Node) *Node { return &Node{Name: "root", Subkeys: subs} }
	value := func(v ...Value) *Node { return &Node{Name: "root", Values: v} }
	for _, c := range []struct {
		name string
		root *Node
		opt  Options
		want string
	}{
		{"depth", deep, Options{}, `deep\deep: nested deeper than 512`},
		{"long key name", with(&Node{Name: strings.Repeat("ж", 256)}), Options{}, "longer than 255"},
		{"empty key name", with(&Node{}), Options{}, `key root\: name is empty`},
		{"backslash", with(&Node{Name: `a\b`}), Options{}, "backslash"},
		{"twins", with(&Node{Name: "Ä"}, &Node{Name: "ä"}), Options{}, "two subkeys are named"},
		{"nil", with(nil), Options{}, "subkey 0 is nil"},
		{"long class", &Node{Class: strings.Repeat("c", 32768)}, Options{}, "class name is longer"},
		{"long value name", value(Value{Name: strings.Repeat("v", 16384)}), Options{}, "longer than 16383"},
		{"twin values", value(Value{Name: "v"}, Value{Name: "V"}), Options{}, `two values are named "V"`},
		{"tombstone", value(Value{Flags: FlagTombstone, Type: Sz}), Options{}, "tombstone"},
		{"handle", &Node{Flags: FlagPredefined, Values: []Value{{}}}, Options{}, "predefined"},
		{"differencing", with(), Options{Minor: 6}, "version 1.6"},
		{"NT 3", with(), Options{Minor: 1}, "version 1.1"},
		{"short base", with(), Options{Base: make([]byte, 100)}, "too short"},
		{"control characters in an error", with(&Node{Name: "\x1b\\"}), Options{}, `<U+001B>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Marshal(c.root, c.opt)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
		})
	}
	if _, err := Marshal(deep.Subkeys[0], Options{}); err != nil {
		t.Errorf("the deepest that is allowed: %v", err)
	}
}

// A key without a descriptor has that of the key above, and each is kept once.
func TestMarshalSecurity(t *testing.T) {
	own := append(bytes.Clone(DefaultDescriptor()), 1, 2, 3, 4)
	h := mustOpen(t, mustMarshal(t, &Node{Name: "root", Subkeys: []*Node{
		{Name: "a", Security: own, Subkeys: []*Node{{Name: "below"}}},
		{Name: "b"},
		{Name: "c", Security: own},
	}}, Options{}))
	for path, want := range map[string][]byte{
		``: DefaultDescriptor(), `a`: own, `a\below`: own, `b`: DefaultDescriptor(), `c`: own,
	} {
		if got := h.Find(path).Security(); !bytes.Equal(got, want) {
			t.Errorf("%q has descriptor %x, want %x", path, got, want)
		}
	}
	for path, want := range map[string]uint32{``: 2, `a`: 3} {
		if got := le.Uint32(h.cell(h.Find(path).sk())[12:]); got != want {
			t.Errorf("descriptor of %q counts %d keys, want %d", path, got, want)
		}
	}
}

// Writing a hive again keeps its base block and moves its sequence on.
func TestMarshalOptions(t *testing.T) {
	written := time.Date(2020, 2, 29, 12, 0, 0, 100, time.UTC)
	image := mustMarshal(t, manyKeys(3), Options{Minor: 3, LastWritten: written, Sequence: 41})
	copy(image[48:], "n\x00a\x00m\x00e\x00")
	image[144] = 3
	image[4088] = 9
	base := baseBlock(image[:baseSize])
	base.seal(41, base.binsSize())

	h := mustOpen(t, image)
	if !h.Recovery().Transactions {
		t.Error("pending transactions were overlooked")
	}
	again := mustOpen(t, mustMarshal(t, mustNode(t, h.Root()), h.Options()))
	base = again.Image()
	if base.sequence1() != 42 || base.flags() != 2 || !bytes.HasPrefix(base[48:], []byte("n\x00a\x00m\x00e\x00")) || base[4088] != 0 {
		t.Errorf("base block is %x", base[:160])
	}
	if again.Minor() != 3 || !again.LastWritten().Equal(written) {
		t.Errorf("version 1.%d of %v", again.Minor(), again.LastWritten())
	}
}
