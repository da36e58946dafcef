package regf

import "testing"

// The sums are our own, pinned once the logs of real hives had been accepted:
// without them the tests would only see that writer and reader agree.
func TestMarvin32(t *testing.T) {
	for text, want := range map[string]uint64{
		"":         0xb39efca403966e08,
		"Lifeboat": 0x40f64a50c498778b,
	} {
		if got := marvin32([]byte(text)); got != want {
			t.Errorf("%q has %#x, want %#x", text, got, want)
		}
	}
}

// Names that the hashes and hints of lists were seen with (3.7).
func TestNameHash(t *testing.T) {
	units := func(s string) []uint16 {
		var u []uint16
		for _, r := range s {
			u = append(u, uint16(r))
		}
		return u
	}
	if a, b := nameHash(units("Straße")), nameHash(units("STRAßE")); a != b {
		t.Errorf("case changes the hash: %#x, %#x", a, b)
	}
	if got, want := nameHash(units("ab")), uint32('A'*37+'B'); got != want {
		t.Errorf("hash %#x, want %#x", got, want)
	}
	for name, want := range map[string]string{
		"a": "a\x00\x00\x00", "Select": "Sele", "Mül": "M\xfcl\x00", "txt\uF00D": "\x00\x00\x00\x00", "txt1\uF00D": "txt1",
	} {
		if got := nameHint(units(name)); string(got[:]) != want {
			t.Errorf("hint of %q is %q, want %q", name, got, want)
		}
	}
}
