package regf

import (
	"bytes"
	"testing"

	"lifeboat/engine/winname"
)

func mustNode(t testing.TB, k *Key) *Node {
	t.Helper()
	n, err := k.Node()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func mustMarshal(t testing.TB, root *Node, opt Options) []byte {
	t.Helper()
	image, err := Marshal(root, opt)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func mustOpen(t testing.TB, data []byte, logs ...Log) *Hive {
	t.Helper()
	h, err := Open(data, logs...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// checkClean fails for every defect of an image, be it for Check or for Open.
func checkClean(t testing.TB, image []byte) {
	t.Helper()
	for _, d := range Check(image) {
		t.Errorf("check: %v", d)
	}
	for _, d := range mustOpen(t, bytes.Clone(image)).Defects() {
		t.Errorf("open: %v", d)
	}
}

// equal fails at the first differences of two trees, which are compared in
// everything that Marshal does not choose itself.
func equal(t testing.TB, want, got *Node) {
	t.Helper()
	differences := 0
	var walk func(path string, want, got *Node)
	walk = func(path string, want, got *Node) {
		if differences > 10 {
			return
		}
		differ := func(what string, want, got any) {
			t.Helper()
			differences++
			t.Errorf("%s: %s is %v, want %v", winname.Show(path), what, got, want)
		}
		const chosen = FlagVolatile | FlagHiveExit | FlagRoot | FlagNoDelete
		switch {
		case want.Name != got.Name:
			differ("name", want.Name, got.Name)
		case want.Class != got.Class:
			differ("class", want.Class, got.Class)
		case want.Flags&^chosen != got.Flags&^chosen:
			differ("flags", want.Flags, got.Flags)
		case want.Access != got.Access || want.Virt != got.Virt || want.Handle != got.Handle:
			differ("access, virt, handle",
				[]any{want.Access, want.Virt, want.Handle}, []any{got.Access, got.Virt, got.Handle})
		case !want.LastWrite.Equal(got.LastWrite):
			differ("last write", want.LastWrite, got.LastWrite)
		case want.Security != nil && !bytes.Equal(want.Security, got.Security):
			differ("security", want.Security, got.Security)
		case len(want.Values) != len(got.Values):
			differ("number of values", len(want.Values), len(got.Values))
		case len(want.Subkeys) != len(got.Subkeys):
			differ("number of subkeys", len(want.Subkeys), len(got.Subkeys))
		default:
			for i, v := range want.Values {
				if g := got.Values[i]; v.Name != g.Name || v.Type != g.Type || v.Flags != g.Flags || !bytes.Equal(v.Data, g.Data) {
					differ("value", v, g)
				}
			}
			for i, sub := range want.Subkeys {
				walk(winname.Join(path, sub.Name), sub, got.Subkeys[i])
			}
		}
	}
	walk("", want, got)
}
