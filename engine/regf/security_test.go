package regf

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// testSID is S-1-5-21-1-2-3-<rid>, or with fewer parts S-1-5-<rid>.
func testSID(rid uint32, parts ...uint32) []byte {
	parts = append(parts, rid)
	sid := []byte{1, byte(len(parts)), 0, 0, 0, 0, 0, 5}
	for _, p := range parts {
		sid = binary.LittleEndian.AppendUint32(sid, p)
	}
	return sid
}

func TestTranslateSIDs(t *testing.T) {
	anna, berta, system := testSID(1001, 21, 1, 2, 3), testSID(1105, 21, 7, 8, 9), testSID(18)
	short := testSID(19) // another length than anna's
	sd, err := Grant(DefaultDescriptor(), anna, 0xF003F, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range [][]byte{berta, short} {
		got, err := TranslateSIDs(sd, func(sid []byte) []byte {
			if bytes.Equal(sid, anna) {
				return to
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(got, anna) || !bytes.Contains(got, to) || !bytes.Contains(got, system) {
			t.Errorf("translated to %x", got)
		}
		back, err := TranslateSIDs(got, func(sid []byte) []byte {
			if bytes.Equal(sid, to) {
				return anna
			}
			return nil
		})
		if err != nil || !bytes.Equal(back, sd) {
			t.Errorf("translated back to %x, %v, want %x", back, err, sd)
		}
	}
	same, err := TranslateSIDs(sd, func([]byte) []byte { return nil })
	if err != nil || !bytes.Equal(same, sd) {
		t.Errorf("with nothing to translate: %x, %v", same, err)
	}
}

func TestGrantIsOneEntryInFront(t *testing.T) {
	anna := testSID(1001, 21, 1, 2, 3)
	once, err := Grant(DefaultDescriptor(), anna, 0x20019, 2)
	if err != nil {
		t.Fatal(err)
	}
	twice, err := Grant(once, anna, 0xF003F, 2)
	if err != nil || len(twice) != len(once) || bytes.Count(twice, anna) != 1 {
		t.Errorf("granted twice: %x, %v", twice, err)
	}
	d, err := parseDescriptor(twice)
	if err != nil {
		t.Fatal(err)
	}
	first := d.dacl[aclSize:]
	if mask := le.Uint32(first[4:]); mask != 0xF003F || !bytes.HasPrefix(first[aceSize:], anna) {
		t.Errorf("first entry %x", first)
	}
}

// Descriptors of real hives come through with nothing but the SIDs changed.
func TestTranslateRealDescriptors(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range samples(t) {
		if s.defects {
			continue
		}
		var walk func(k *Key)
		walk = func(k *Key) {
			if sd := k.Security(); len(sd) > 0 && !seen[string(sd)] {
				seen[string(sd)] = true
				flip := func(sid []byte) []byte {
					other := bytes.Clone(sid)
					other[len(other)-1] ^= 0x80
					return other
				}
				there, err := TranslateSIDs(sd, flip)
				if err != nil {
					t.Errorf("%s: %v", s.name, err)
					return
				}
				back, err := TranslateSIDs(there, flip)
				if err != nil || len(back) > len(sd) {
					t.Errorf("%s: %d bytes became %d, %v", s.name, len(sd), len(back), err)
				}
				again, _ := TranslateSIDs(back, flip)
				if !bytes.Equal(again, there) {
					t.Errorf("%s: translation is not stable", s.name)
				}
			}
			for _, sub := range k.Subkeys() {
				walk(sub)
			}
		}
		walk(openSample(t, s.name).Root())
	}
	if len(seen) < 100 {
		t.Errorf("only %d descriptors", len(seen))
	}
}

func FuzzTranslateSIDs(f *testing.F) {
	f.Add(DefaultDescriptor())
	f.Fuzz(func(t *testing.T, sd []byte) {
		anna := testSID(1001, 21, 1, 2, 3)
		out, err := TranslateSIDs(sd, func(sid []byte) []byte { return anna })
		if err != nil {
			return
		}
		if _, err := parseDescriptor(out); err != nil {
			t.Fatalf("%x became %x: %v", sd, out, err)
		}
		if _, err := Grant(out, anna, 1, 2); err != nil && len(out) < 60000 {
			t.Fatal(err)
		}
	})
}

// The default, byte for byte as Windows writes such a descriptor.
func TestDefaultDescriptor(t *testing.T) {
	want := []byte{
		1, 0, 0x04, 0x80, 72, 0, 0, 0, 88, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, // self-relative, with a DACL
		2, 0, 52, 0, 2, 0, 0, 0,
		0, 2, 20, 0, 0x3F, 0, 0x0F, 0, 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0, // allow S-1-5-18
		0, 2, 24, 0, 0x3F, 0, 0x0F, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0, // allow S-1-5-32-544
		1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0, // owner S-1-5-32-544
		1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0, // group S-1-5-18
	}
	if got := DefaultDescriptor(); !bytes.Equal(got, want) {
		t.Errorf("% x, want % x", got, want)
	}
	for text, want := range map[string][]byte{"S-1-5-18": System(), "S-1-5-32-544": Administrators()} {
		if got, err := ParseSID(text); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is % x, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "S-1", "S-1-5", "S-2-5-18", "S-1-5-x", "S-1-5-4294967296", "S-1-5-18-" + strings.Repeat("1-", 15) + "1"} {
		if sid, err := ParseSID(text); err == nil {
			t.Errorf("%q is % x", text, sid)
		}
	}
}
