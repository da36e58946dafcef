package regf

import (
	"slices"
	"testing"
	"time"
)

func TestValueText(t *testing.T) {
	for _, c := range []struct {
		typ     Type
		data    string
		text    string
		strings []string
	}{
		{Sz, "", "", nil},
		{Sz, "a\x00b\x00\x00\x00", "ab", []string{"ab"}},
		{Sz, "a\x00b\x00", "ab", []string{"ab"}},                             // no NUL
		{Sz, "a\x00b\x00\x00\x00x\x00y\x00", "ab", []string{"ab"}},           // garbage behind it
		{ExpandSz, "a\x00b\x00\x00", "ab", []string{"ab"}},                   // odd length
		{Link, "\\\x00a\x00", `\a`, []string{`\a`}},                          //
		{Sz, "\x1F\x04\x00\xD8", "П\xED\xA0\x80", []string{"П\xED\xA0\x80"}}, // a lone surrogate
		{Binary, "a\x00b\x00", "", nil},
		{MultiSz, "", "", nil},
		{MultiSz, "\x00\x00", "", nil},
		{MultiSz, "a\x00\x00\x00b\x00\x00\x00\x00\x00", "a", []string{"a", "b"}},
		{MultiSz, "a\x00\x00\x00b\x00", "a", []string{"a", "b"}},                             // no terminator
		{MultiSz, "a\x00\x00\x00\x00\x00b\x00\x00\x00\x00\x00", "a", []string{"a", "", "b"}}, // as PendingFileRenameOperations
	} {
		v := Value{Type: c.typ, Data: []byte(c.data)}
		if got := v.String(); got != c.text {
			t.Errorf("%v %q is %q, want %q", c.typ, c.data, got, c.text)
		}
		if got := v.Strings(); !slices.Equal(got, c.strings) {
			t.Errorf("%v %q is %q, want %q", c.typ, c.data, got, c.strings)
		}
	}
}

func TestValueNumber(t *testing.T) {
	for _, c := range []struct {
		typ  Type
		data string
		want uint64
		ok   bool
	}{
		{Dword, "\x01\x02\x00\x00", 0x201, true},
		{Dword, "\x01\x02", 0, false},
		{DwordBigEndian, "\x01\x02\x00\x00", 0x1020000, true},
		{Qword, "\x01\x02\x00\x00\x00\x00\x00\x80", 0x8000000000000201, true},
		{Qword, "\x01\x02\x00\x00", 0, false},
		{Binary, "\x01\x02\x00\x00", 0, false},
	} {
		if got, ok := (Value{Type: c.typ, Data: []byte(c.data)}).Uint64(); got != c.want || ok != c.ok {
			t.Errorf("%v %q is %d, %v", c.typ, c.data, got, ok)
		}
	}
}

func TestType(t *testing.T) {
	for typ, want := range map[Type]string{None: "REG_NONE", Qword: "REG_QWORD", 12: "0x0000000c", 0xFFFF0012: "0xffff0012"} {
		if got := typ.String(); got != want {
			t.Errorf("type %d is %s, want %s", uint32(typ), got, want)
		}
	}
}

func TestFileTime(t *testing.T) {
	for ft, want := range map[uint64]time.Time{
		0:                  {},
		1:                  time.Date(1601, 1, 1, 0, 0, 0, 100, time.UTC),
		116444736000000000: time.Unix(0, 0),
		132000000000000000: time.Date(2019, 4, 17, 18, 40, 0, 0, time.UTC),
	} {
		if got := FileTime(ft); !got.Equal(want) {
			t.Errorf("%d is %v, want %v", ft, got, want)
		}
	}
	for _, ft := range []uint64{0, 1, 9999999, 10000000, 132000000000000001, 1 << 63, 1<<64 - 1} {
		if got := ToFileTime(FileTime(ft)); got != ft {
			t.Errorf("%d became %d", ft, got)
		}
	}
	if v, ok := (Value{Type: Binary, Data: []byte{0, 0x80, 0x3E, 0xD5, 0xDE, 0xB1, 0x9D, 1}}).Time(); !ok || !v.Equal(time.Unix(0, 0)) {
		t.Errorf("got %v, %v", v, ok)
	}
	if _, ok := (Value{Data: make([]byte, 7)}).Time(); ok {
		t.Error("seven bytes are no time")
	}
}

// A missing key has nothing, so lookups can be chained.
func TestNilKey(t *testing.T) {
	var k *Key
	if k.Name() != "" || k.Class() != "" || k.Flags() != 0 || k.IsLink() || k.Security() != nil ||
		!k.LastWrite().IsZero() || k.Subkeys() != nil || k.Values() != nil || k.Subkey("a").Find(`b\c`) != nil || k.Str("v") != "" {
		t.Error("a nil key has something")
	}
	if _, ok := k.Uint("v"); ok {
		t.Error("a nil key has a number")
	}
	if _, err := k.Node(); err == nil {
		t.Error("a nil key was copied")
	}
}
