package windows

import (
	"bytes"
	"strings"
	"testing"

	"lifeboat/engine/regf"
)

func TestSID(t *testing.T) {
	for _, sid := range []string{"S-1-5-18", annaSID, claraSID, "S-1-5-80-1-2-3-4-5", "S-1-281474976710655-4294967295"} {
		b := binarySID(t, sid)
		if got := sidString(append(b, 0xFF)); got != sid {
			t.Errorf("%s came back as %s", sid, got)
		}
		if got := sidString(b[:len(b)-1]); got != "" {
			t.Errorf("a cut %s is %s", sid, got)
		}
	}
	for sid, want := range map[string]bool{
		annaSID: true, claraSID: true, "S-1-5-18": false, "S-1-5-82-1-2-3": false, machineSID: false, "": false,
		"S-1-5-21-1-2-3-x": false, "s-1-5-21-1-2-3-1000": false, "S-1-5-21-1-2-3-1000.bak": false,
	} {
		if isPerson(sid) != want {
			t.Errorf("isPerson(%q) = %v", sid, !want)
		}
	}
}

func TestOwnerOfHive(t *testing.T) {
	if got := ownerOfHive(descriptor(t, annaSID)); got != annaSID {
		t.Errorf("owner %q", got)
	}
	if got := ownerOfHive(descriptor(t, "")); got != "" {
		t.Errorf("owner %q of a hive of the system", got)
	}
}

func TestKernel(t *testing.T) {
	for _, c := range []struct {
		file []byte
		want kernel
		err  string
	}{
		{file: kernelFile(0x8664, 10, 0, 22621, 3155), want: kernel{X64, [4]uint16{10, 0, 22621, 3155}}},
		{file: kernelFile(0x14C), want: kernel{arch: X86}},
		{file: kernelFile(0x1234), want: kernel{}},
		{file: kernelFile(0x8664)[:140], err: "no PE header"},
		{file: []byte("MZ"), err: "not a program"},
		{err: "not a program"},
	} {
		got, err := parseKernel(bytes.NewReader(c.file))
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%+v, %v; want %+v, %s", got, err, c.want, c.err)
		}
	}
}

func TestGUID(t *testing.T) {
	const text = "09931f21-7faf-44a9-81d8-1e73c14b9eaf"
	for _, s := range []string{text, "{" + text + "}", strings.ToUpper(text)} {
		if g, err := ParseGUID(s); err != nil || g.String() != text {
			t.Errorf("%s became %s, %v", s, g, err)
		}
	}
	for _, s := range []string{"", "{}", text[1:], text + "00", strings.ReplaceAll(text, "-", ""), "0993-1f21-7faf-44a9-81d81e73c14b9eaf"} {
		if g, err := ParseGUID(s); err == nil {
			t.Errorf("%q became %s", s, g)
		}
	}
}

func FuzzKernel(f *testing.F) {
	f.Add(kernelFile(0x8664, 10, 0, 22621, 3155))
	f.Fuzz(func(t *testing.T, data []byte) { parseKernel(bytes.NewReader(data)) })
}

func FuzzDescriptor(f *testing.F) {
	f.Add(descriptor(f, annaSID))
	f.Fuzz(func(t *testing.T, data []byte) {
		if sid := ownerOfHive(data); sid != "" && !isPerson(sid) {
			t.Errorf("owner %q", sid)
		}
	})
}

// FuzzHives reads hives whose bytes have been changed, as detection does.
func FuzzHives(f *testing.F) {
	tree := windows11(f, hiveTree{currentVersionKey + `\Winlogon`: {"DefaultUserName": "x"}})
	f.Add(tree["Windows/System32/config/SYSTEM"], uint32(4200), byte(1))
	f.Add(tree["Windows/System32/config/SOFTWARE"], uint32(4300), byte(0xFF))
	f.Add(tree["Windows/System32/config/SAM"], uint32(5000), byte(0x80))
	f.Add(securityHive(f, "CORP", domainSID, "corp.example"), uint32(4500), byte(4))
	f.Fuzz(func(t *testing.T, data []byte, at uint32, change byte) {
		data = bytes.Clone(data)
		if len(data) > 0 {
			data[int(at)%len(data)] ^= change
		}
		h, err := regf.Open(data)
		if err != nil {
			return
		}
		readSystem(h)
		readSAM(h)
		readSecurity(h)
		productOf(h)
		readProfileList(h)
		newNameBook().readNames(h)
	})
}
