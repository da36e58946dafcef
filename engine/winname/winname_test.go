package winname

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"
)

// The sum is that of the $UpCase file which mkntfs writes (2022.10.3).
func TestUpcaseIsNTFS(t *testing.T) {
	sum := sha256.New()
	for u := range 1 << 16 {
		binary.Write(sum, binary.LittleEndian, Upcase(uint16(u)))
	}
	const want = "41c26bc7a12bdaeb26025c93118697c7e3ef81ee048b00fe5cce2a472e0e0742"
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		t.Errorf("table has sum %s, want that of $UpCase, %s", got, want)
	}
}

func FuzzUTF16RoundTrip(f *testing.F) {
	f.Add([]byte{'a', 0, 0x3D, 0xD8, 0x00, 0xDC})
	f.Add([]byte{0x3D, 0xD8, 'a', 0, 0x00, 0xDC, 0x3D, 0xD8})
	f.Fuzz(func(t *testing.T, raw []byte) {
		units := make([]uint16, len(raw)/2)
		for i := range units {
			units[i] = binary.LittleEndian.Uint16(raw[2*i:])
		}
		if back := ToUTF16(FromUTF16(units)); !slices.Equal(units, back) {
			t.Errorf("%04x came back as %04x", units, back)
		}
		Show(FromUTF16(units))
		Show(string(raw))
	})
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"WINDOWS", "windows", true},
		{"Müller", "MÜLLER", true},
		{"ß", "SS", false},
		{"ı", "I", false}, // Windows keeps the dotless i apart
		{"a", "ab", false},
		{FromUTF16([]uint16{0xD800}), FromUTF16([]uint16{0xD801}), false},
	} {
		if got := Equal(c.a, c.b); got != c.want {
			t.Errorf("Equal(%q, %q) = %v", c.a, c.b, got)
		}
	}
}

func TestShow(t *testing.T) {
	for in, want := range map[string]string{
		"plain.txt":                      "plain.txt",
		"Привет мир":                     "Привет мир",
		"a\x1b[2Jb":                      "a<U+001B>[2Jb",
		"line\nbreak":                    "line<U+000A>break",
		"\u202Egpj.exe":                  "<U+202E>gpj.exe",
		FromUTF16([]uint16{'x', 0xD800}): "x<U+D800>",
		"bad\xff":                        "bad<FF>",
	} {
		if got := Show(in); got != want {
			t.Errorf("Show(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSplitJoin(t *testing.T) {
	for _, path := range []string{`\Users\anna`, `\a`, `C:\Windows`} {
		if dir, name := Split(path); Join(dir, name) != path {
			t.Errorf("Split(%q) = %q, %q does not join again", path, dir, name)
		}
	}
}

func TestIsDevice(t *testing.T) {
	for name, want := range map[string]bool{
		"CON": true, "con.txt": true, "nul ": true, "CONIN$": true, "com1": true, "LPT9.x.y": true, "COM¹": true, "lpt0": true,
		"CONS": false, "COM": false, "COM10": false, "LPT": false, "LPTX": false, "a.con": false, "CONTOSO": false, "COM¹0": false,
	} {
		if got := IsDevice(name); got != want {
			t.Errorf("IsDevice(%q) = %v", name, got)
		}
	}
}
