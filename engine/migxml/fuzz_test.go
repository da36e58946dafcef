package migxml

import (
	"math/rand/v2"
	"testing"
)

func FuzzParse(f *testing.F) {
	f.Add([]byte(`<migration urlid="u"><namedElements><rules name="a"><rules name="b"/></rules></namedElements><component type="System" context="User"><displayName>x</displayName><role role="Data"><rules name="a"/><rules><include filter="MigXmlHelper.AnswerNo()"><objectSet><pattern type="File">%A%\* [*]</pattern></objectSet></include></rules></role></component></migration>`))
	f.Add([]byte("\xFF\xFE<\x00a\x00/\x00>\x00"))
	f.Add([]byte(`<?xml version="1.0" encoding="windows-1252"?><migration urlid="x"/>`))
	f.Add([]byte(`<Configuration/>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, diags, err := Parse("fuzz", data)
		if (file == nil) != (err != nil) {
			t.Fatalf("file %v, error %v", file, err)
		}
		for _, d := range diags {
			_ = d.String()
		}
		if file == nil {
			return
		}
		ctx := []Context{{ID: "System", System: true}, {ID: "S-1-5-21-1", Name: "u", Vars: map[string]string{"A": `C:\A`}}}
		if p, _, err := Compile([]*File{file}, ctx, nowhere{}); err == nil {
			p.Files().Descend("C:").Leaf("x", Object{})
		}
	})
}

// nowhere is a Platform with nothing on it.
type nowhere struct{}

func (nowhere) OSVersion() string                  { return "10.0.1." }
func (nowhere) Is64Bit() bool                      { return true }
func (nowhere) Drives() []Drive                    { return []Drive{{"C:", Fixed}} }
func (nowhere) Stat(string) (Entry, bool)          { return Entry{}, false }
func (nowhere) ReadDir(string) []Entry             { return nil }
func (nowhere) Open(string) (Content, error)       { panic("nothing to open") }
func (nowhere) KeyExists(string) bool              { return false }
func (nowhere) Subkeys(string) []string            { return nil }
func (nowhere) Values(string) []Value              { return nil }
func (nowhere) Value(string, string) (Value, bool) { return Value{}, false }

// Whatever parses as a pattern comes back from its encoded form, and matches
// the same compiled and uncompiled.
func FuzzPattern(f *testing.F) {
	for _, s := range []string{`C:\A\* [*]`, `*[*.x]`, `C:\d [f^].t]`, `\\server\x\**`, `C:\a*b*ab [*a*]`} {
		f.Add(s, `C:\A\b`, "x.x")
	}
	f.Fuzz(func(t *testing.T, text, path, leaf string) {
		p, err := ParsePattern(FileKind, text)
		if err != nil {
			return
		}
		q, err := ParsePattern(FileKind, p.String())
		if err != nil || q != p {
			t.Fatalf("%q came back as %q: %v", p, q, err)
		}
		rule := &Rule{Kind: Include, Pattern: p}
		c := Cursor{}
		tree := newTree([]*cand{newCand(rule, nil)})
		c = tree.cursor()
		for rest := path; ; {
			seg, after, more := cut(rest)
			c = c.Descend(seg)
			if rest = after; !more {
				break
			}
		}
		if got, want := c.Node().Takers != nil, p.MatchNode(path); got != want {
			t.Fatalf("%q on %q: compiled %v, plain %v", p, path, got, want)
		}
		if got, want := c.Leaf(leaf, Object{}).Takers != nil, p.MatchLeaf(path, leaf); got != want {
			t.Fatalf("%q on %q [%q]: compiled %v, plain %v", p, path, leaf, got, want)
		}
	})
}

func cut(path string) (first, rest string, more bool) {
	for i := range len(path) {
		if path[i] == '\\' {
			return path[:i], path[i+1:], true
		}
	}
	return path, "", false
}

func FuzzCall(f *testing.F) {
	f.Add(`MigXmlHelper.GetStringContent("Registry","HKLM\S\X []","0",'"','"\')`)
	f.Add(`MigXmlHelper.Move ('C:\M'`)
	f.Add(`A.b(NULL, -2, 'x')`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCall(text)
		if err != nil {
			return
		}
		c.check(conditionClass)
		scanFilter(&c)
	})
}

func FuzzParseINI(f *testing.F) {
	f.Add([]byte("[a]\nb=c\n[a]\nd=e"))
	f.Add([]byte("\xFF\xFE[\x00a\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, s := range ParseINI(data) {
			if s.Key == "" {
				t.Fatalf("setting without a key: %+v", s)
			}
		}
	})
}

// The property test over seeds that the fuzzer thinks up.
func FuzzCompiledIsNaive(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		checkRandom(t, rand.New(rand.NewPCG(a, b)), "fuzz")
	})
}

func FuzzVersionStrings(f *testing.F) {
	f.Add([]byte("MZ"))
	f.Fuzz(func(t *testing.T, data []byte) {
		readBlock(data)
		if b, ok := readBlock(data); ok {
			b.children()
		}
	})
}
