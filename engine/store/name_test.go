package store

import (
	"strings"
	"testing"
	"unicode/utf8"

	"lifeboat/engine/winname"
)

func TestName(t *testing.T) {
	for name, want := range map[string]string{
		"report.docx":  "report.docx",
		"100% done":    "100% done",
		"Übung 日本 😀":   "Übung 日本 😀",
		".":            "%u002E",
		"..":           "%u002E.",
		"...":          "...",
		"a/b":          "a%u002Fb",
		`a\b`:          "a%u005Cb",
		"a\x00b":       "a%u0000b",
		"%u0041":       "%u0025u0041",
		"%x41%":        "%u0025x41%",
		"bad\xffbyte":  "bad%xFFbyte",
		"cut \xe2\x82": "cut %xE2%x82",
		winname.FromUTF16([]uint16{'x', 0xD83D, 'y'}):      "x%uD83Dy",
		winname.FromUTF16([]uint16{0xDE00, 0xD83D}):        "%uDE00%uD83D",
		winname.FromUTF16([]uint16{0xD83D, 0xDE00}) + "\n": "😀\n",
	} {
		got := Name(name)
		if got != want {
			t.Errorf("Name(%q) = %q, want %q", name, got, want)
		}
		if back := Unescape(got); back != name {
			t.Errorf("Unescape(%q) = %q, want %q", got, back, name)
		}
	}
	for _, plain := range []string{"%", "%u", "%u12", "%u12g4", "%uabcd", "%x", "%x1", "%xzz", "a%"} {
		if got := Unescape(plain); got != plain {
			t.Errorf("Unescape(%q) = %q", plain, got)
		}
	}
}

func FuzzName(f *testing.F) {
	for _, seed := range []string{"a", "..", "%u0041", "\xed\xa0\xbd\xed\xb8\x80", "a/b\\c\x00", "%%u%x", "CON.txt", "a. "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		escaped := Name(name)
		if Unescape(escaped) != name {
			t.Errorf("%q became %q and came back as %q", name, escaped, Unescape(escaped))
		}
		if name != "" {
			if err := checkName(escaped); err != nil {
				t.Error(err)
			}
		}
		if !utf8.ValidString(escaped) || strings.ContainsAny(escaped, "\\") {
			t.Errorf("%q is not safe", escaped)
		}
		for _, goos := range []string{"linux", "windows"} {
			// The stored name may be anything that is valid as such, escaped or not.
			for _, stored := range []string{escaped, name} {
				if checkName(stored) != nil {
					continue
				}
				host := hostName(stored, goos)
				if host == "" || host == "." || host == ".." || strings.ContainsAny(host, "/\x00") {
					t.Errorf("%s: %q would be written as %q", goos, stored, host)
				}
				if goos != "windows" {
					continue
				}
				if strings.ContainsAny(host, `<>:"|?*\`) || strings.TrimRight(host, ". ") != host || winname.IsDevice(host) {
					t.Errorf("%s: %q would be written as %q", goos, stored, host)
				}
			}
		}
		text, err := Text(name).MarshalText()
		var back Text
		if err != nil || back.UnmarshalText(text) != nil || string(back) != name || !utf8.Valid(text) {
			t.Errorf("text %q became %q and came back as %q", name, text, back)
		}
	})
}

func TestHostName(t *testing.T) {
	for _, c := range []struct{ stored, linux, windows string }{
		{"a.txt", "a.txt", "a.txt"},
		{"a:b", "a:b", "a%u003Ab"},
		{"a%u002Fb", "a%u002Fb", "a%u002Fb"},
		{"a%u005Cb", `a\b`, "a%u005Cb"},
		{"%u002E.", "%u002E.", ".%u002E"},
		{"dot.", "dot.", "dot%u002E"},
		{"blank ", "blank ", "blank%u0020"},
		{"con", "con", "%u0063on"},
		{"NUL .tar.gz", "NUL .tar.gz", "%u004EUL .tar.gz"},
		{"com1.txt", "com1.txt", "%u0063om1.txt"},
		{"COM10", "COM10", "COM10"},
		{"console", "console", "console"},
		{"LPT¹", "LPT¹", "%u004CPT¹"},
		{"bell\a", "bell\a", "bell%u0007"},
		{"%uD83D", "\xed\xa0\xbd", "%uD83D"},
	} {
		if got := hostName(c.stored, "linux"); got != c.linux {
			t.Errorf("linux: %q is written as %q, want %q", c.stored, got, c.linux)
		}
		if got := hostName(c.stored, "windows"); got != c.windows {
			t.Errorf("windows: %q is written as %q, want %q", c.stored, got, c.windows)
		}
	}
}

func TestPaths(t *testing.T) {
	for windows, path := range map[string]string{
		`C:\Users\anna\a.txt`: "File/C$/Users/anna/a.txt",
		`C:\`:                 "File/C$",
		`D:\a$\..b`:           "File/D$/a$/..b",
	} {
		if got := FilePath(windows); got != path {
			t.Errorf("FilePath(%q) = %q, want %q", windows, got, path)
		}
		if got, ok := WindowsPath(path); got != windows || !ok {
			t.Errorf("WindowsPath(%q) = %q, %v, want %q", path, got, ok, windows)
		}
	}
	for _, path := range []string{"", "File", "Registry/x", "Filet/C$"} {
		if got, ok := WindowsPath(path); ok {
			t.Errorf("WindowsPath(%q) = %q", path, got)
		}
	}
	if got := StreamPath(`C:\a\b`, true, "note"); got != "Streams/C$/a/b/:note" {
		t.Errorf("StreamPath = %q", got)
	}
	if got := StreamPath(`C:\a\b.txt`, false, "Zone.Identifier"); got != "Streams/C$/a/b.txt/Zone.Identifier" {
		t.Errorf("StreamPath = %q", got)
	}
}
