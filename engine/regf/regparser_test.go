package regf

import (
	"bytes"
	"testing"

	"www.velocidex.com/golang/regparser"
)

// An independent reader sees the same over Image: keys and values by their raw
// names, data where it is exact. It is not for values of up to four bytes, for
// data that begin like big data, and for segments (1).
func TestSharedRegparser(t *testing.T) {
	for _, s := range samples(t) {
		if s.defects {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			h := openSample(t, s.name)
			registry, err := regparser.NewRegistry(bytes.NewReader(h.Image()))
			if err != nil {
				t.Fatal(err)
			}
			bad := 0
			errorf := func(format string, args ...any) {
				if bad++; bad <= 10 {
					t.Errorf(format, args...)
				}
			}
			var walk func(path string, k *Key, theirs *regparser.CM_KEY_NODE)
			walk = func(path string, k *Key, theirs *regparser.CM_KEY_NODE) {
				if raw := nkName(k.nk()); string(raw.b) != theirs.Name() {
					errorf("%s: regparser names it %q", path, theirs.Name())
				}
				// It knows times to the second only.
				if d := theirs.LastWriteTime().Time.Sub(k.LastWrite()).Abs(); d.Seconds() >= 1 && !k.LastWrite().IsZero() {
					errorf("%s: written %v, %v", path, k.LastWrite(), theirs.LastWriteTime())
				}
				ours, values := k.Values(), theirs.Values()
				if len(ours) != len(values) && k.Flags()&FlagPredefined == 0 {
					errorf("%s: %d values, %d", path, len(ours), len(values))
				} else {
					for i, v := range ours {
						if ascii(v.Name) && v.Name != values[i].ValueName() {
							errorf("%s: value %q is %q", path, v.Name, values[i].ValueName())
						}
						if uint32(v.Type) != values[i].Type() || int64(len(v.Data)) != min(values[i].DataSize(), int64(len(v.Data))) {
							errorf("%s: value %q is %v of %d bytes, %d of %d", path, v.Name, v.Type, len(v.Data), values[i].Type(), values[i].DataSize())
						}
						if len(v.Data) > 4 && len(v.Data) <= segmentSize && !bytes.HasPrefix(v.Data, []byte("db")) &&
							!bytes.Equal(v.Data, values[i].ValueData().Data[:len(v.Data)]) {
							errorf("%s: value %q has other data", path, v.Name)
						}
					}
				}
				subs, keys := k.Subkeys(), theirs.Subkeys()
				if len(subs) != len(keys) {
					errorf("%s: %d subkeys, %d", path, len(subs), len(keys))
					return
				}
				for i, sub := range subs {
					walk(path+`\`+sub.Name(), sub, keys[i])
				}
			}
			walk("", h.Root(), registry.OpenKey(""))
		})
	}
}

// ascii tells names that are the same in every encoding with one byte each.
func ascii(s string) bool {
	for _, c := range []byte(s) {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
