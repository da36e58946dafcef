package migxml

import (
	"slices"
	"strings"
	"testing"
)

// The vectors of spec 16.1: `node|leaf` is a leaf, no bar a node.
func TestPatternVectors(t *testing.T) {
	for _, c := range []struct {
		pattern string
		kind    Kind
		yes, no []string
	}{
		{`C:\A\* [*]`, FileKind, []string{`C:\A`, `C:\A|f`, `C:\A\b\c|f`, `c:\a|F`}, []string{`C:\AB|f`, `C:|f`}},
		{`C:\A\ [*]`, FileKind, []string{`C:\A`, `C:\A|f`}, []string{`C:\A\b`, `C:\A\b|f`}},
		{`C:\A [*]`, FileKind, []string{`C:\A`, `C:\A|f`}, []string{`C:\A\b`, `C:\A\b|f`}},
		{`C:\A[*]`, FileKind, []string{`C:\A`, `C:\A|f`}, []string{`C:\A\b`, `C:\A\b|f`}},
		{`C:\*\L\* [*]`, FileKind, []string{`C:\x\L|f`, `C:\x\y\L\z|f`}, []string{`C:\L|f`}},
		{`C:\ [*.txt]`, FileKind, []string{`C:|a.txt`}, []string{`C:\d|a.txt`, `C:|a.txt2`, `C:`}},
		{`C:\* [S.doc]`, FileKind, []string{`C:|S.doc`, `C:\d\e|s.DOC`}, []string{`C:\d|S.docx`}},
		{`C:\A*\* [*]`, FileKind, []string{`C:\A|f`, `C:\AB\c|f`}, []string{`C:\BA|f`}},
		{`*[*.library-ms]`, FileKind, []string{`D:\u|x.library-ms`}, []string{`D:\u|x.lib`}},
		{`C:\d [file^].txt]`, FileKind, []string{`C:\d|file].txt`}, []string{`C:\d|file.txt`}},
		{`C:\A`, FileKind, []string{`C:\A`}, []string{`C:\A|f`}},
		{`C:\A\*`, FileKind, []string{`C:\A`, `C:\A\b`}, []string{`C:\A|f`}},
		{`HKLM\S\X\* [*]`, RegistryKind, []string{`HKLM\S\X`, `HKLM\S\X|v`, `HKLM\S\X\Y|`}, []string{`HKLM\S\XY|v`}},
		{`HKLM\S\X []`, RegistryKind, []string{`HKLM\S\X|`}, []string{`HKLM\S\X|v`, `HKLM\S\X`}},
		{`HKLM\S\*\Z [v]`, RegistryKind, []string{`HKLM\S\a\Z|v`, `HKLM\S\a\b\Z|v`}, []string{`HKLM\S\Z|v`}},
		// Spec 5.3 and 5.4.
		{`C:\Data* [*]`, FileKind, []string{`C:\Data`, `C:\Data2`, `C:\Data\sub|f`, `C:\Data2\sub`}, []string{`C:\Dat`}},
		{`C:\A\\* [*]`, FileKind, []string{`C:\A`, `C:\A\b|f`}, []string{`C:\AB`}},
		{`* [*.iso]`, FileKind, []string{`C:|a.iso`, `D:\x|b.ISO`}, []string{`C:\a`, `C:|iso`}},
		{`C:\A\* [*.*]`, FileKind, []string{`C:\A|a.b`}, []string{`C:\A|ab`}},
		{`C:\A\* [*.doc]`, FileKind, []string{`C:\A|a.doc`}, []string{`C:\A`, `C:\A|a.docx`}},
		{`C:\A []`, FileKind, []string{`C:\A`}, []string{`C:\A|f`}},
		{`HKLM\A [a\b]`, RegistryKind, []string{`HKLM\A|a\b`}, []string{`HKLM\A\a|b`}},
	} {
		p, err := ParsePattern(c.kind, c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		program := programOf(c.kind, Include, c.pattern)
		for i, objects := range [][]string{c.yes, c.no} {
			for _, o := range objects {
				node, leaf, isLeaf := strings.Cut(o, "|")
				got := p.MatchNode(node)
				if isLeaf {
					got = p.MatchLeaf(node, leaf)
				}
				if want := i == 0; got != want {
					t.Errorf("%s against %s: %v, want %v", c.pattern, o, got, want)
				}
				if compiled := taken(program, c.kind, o) != nil; compiled != got {
					t.Errorf("%s against %s: compiled says %v, the pattern %v", c.pattern, o, compiled, got)
				}
			}
		}
	}
}

func TestPatternErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "no folder",
		"[x]":                             "no folder",
		`C:\a [x`:                         "[ without ]",
		`C:\a [x] y`:                      "after ]",
		"C:\\a\\* [*]\nC:\\b ":            "several lines",
		strings.Repeat("x", maxPattern+1): "too long",
	} {
		if _, err := ParsePattern(FileKind, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: error %v, want one with %q", text, err, want)
		}
	}
	if _, err := ParsePattern(IniKind, `C:\n.ini[k]`); err == nil {
		t.Error("ini pattern without a bar is accepted")
	}
}

func TestPatternString(t *testing.T) {
	for _, text := range []string{`C:\ [*]`, `C:\A\* [*.doc]`, `C:\A`, `C:\a^[1^]\* [x^]]`, `C:\`} {
		p, err := ParsePattern(FileKind, text)
		if err != nil || p.String() != text {
			t.Errorf("%s came back as %s (%v)", text, p, err)
		}
	}
	p, _ := ParsePattern(IniKind, `C:\n.ini|Sec[K*]`)
	if p.String() != `C:\n.ini|Sec[K*]` || p.Section != "Sec" {
		t.Errorf("ini pattern came back as %s", p)
	}
}

// programOf compiles one rule of one unit.
func programOf(kind Kind, rule RuleKind, patterns ...string) *Program {
	var rules []testRule
	for _, p := range patterns {
		rules = append(rules, testRule{0, rule, p})
	}
	return programFor(kind, rules)
}

type testRule struct {
	unit    int
	kind    RuleKind
	pattern string
}

func programFor(kind Kind, rules []testRule) *Program {
	p := &Program{}
	var cands []*cand
	for _, r := range rules {
		pattern, err := ParsePattern(kind, r.pattern)
		if err != nil {
			panic(err)
		}
		rule := &Rule{Unit: r.unit, Kind: r.kind, Pattern: pattern, Written: r.pattern}
		p.rules = append(p.rules, rule)
		cands = append(cands, newCand(rule, nil))
	}
	p.files, p.registry = newTree(cands), newTree(slices.Clone(cands))
	return p
}

// taken returns the units that take an object, going down to it as a walk does.
func taken(p *Program, kind Kind, object string) []int {
	return judge(p, kind, object).Takers
}

func judge(p *Program, kind Kind, object string) Verdict {
	node, leaf, isLeaf := strings.Cut(object, "|")
	c := p.Files()
	if kind == RegistryKind {
		c = p.Registry()
	}
	for seg := range strings.SplitSeq(node, `\`) {
		if c.Dead() {
			return Verdict{}
		}
		c = c.Descend(seg)
	}
	if isLeaf {
		if c.Dead() {
			return Verdict{}
		}
		return c.Leaf(leaf, Object{})
	}
	return c.Node()
}

// The tables of spec 9.3. Component 1 is unit 0, component 2 unit 1.
func TestPrecedence(t *testing.T) {
	inc := func(unit int, p string) testRule { return testRule{unit, Include, p} }
	exc := func(unit int, p string) testRule { return testRule{unit, Exclude, p} }
	for _, c := range []struct {
		name    string
		kind    Kind
		rules   []testRule
		yes, no []string
	}{
		{"1", FileKind, []testRule{inc(0, `C:\Dir1\* [*]`), exc(0, `C:\* [*.txt]`)},
			[]string{`C:\Dir1|a.txt`, `C:\Dir1\x|b.txt`, `C:\Dir1|c`}, []string{`C:|a.txt`}},
		{"2", FileKind, []testRule{inc(0, `C:\Dir1\* [*]`), exc(0, `C:\Dir1\Dir2\* [*.txt]`)},
			[]string{`C:\Dir1|a.txt`, `C:\Dir1\Dir2|a.doc`}, []string{`C:\Dir1\Dir2|a.txt`, `C:\Dir1\Dir2\x|a.txt`}},
		{"3", FileKind, []testRule{inc(0, `C:\Dir1\* [*]`), exc(0, `C:\Dir1\* [*.txt]`)},
			[]string{`C:\Dir1|a.doc`}, []string{`C:\Dir1|a.txt`, `C:\Dir1\x|a.txt`}},
		{"4", FileKind, []testRule{inc(0, `C:\Dir1\Dir2\* [*.txt]`), exc(0, `C:\Dir1\Dir2\* [*.txt]`)},
			nil, []string{`C:\Dir1\Dir2|a.txt`}},
		{"5", FileKind, []testRule{inc(0, `C:\Dir1\* [*.txt]`), exc(0, `C:\Dir1\Dir2\* [*]`)},
			[]string{`C:\Dir1|a.txt`, `C:\Dir1\x|a.txt`}, []string{`C:\Dir1\Dir2|a.txt`}},
		{"6, path first", FileKind, []testRule{inc(0, `C:\Dir1\Dir2\* [*]`), exc(0, `C:\Dir1\* [*.txt]`)},
			[]string{`C:\Dir1\Dir2|a.txt`}, []string{`C:\Dir1|a.txt`}},
		{"7", FileKind, []testRule{inc(0, `C:\E\* [*]`), exc(0, `C:\E\ [*]`)},
			[]string{`C:\E\s`, `C:\E\s|f`}, []string{`C:\E`, `C:\E|f`}},
		{"8", FileKind, []testRule{inc(0, `C:\E\* [*]`), exc(0, `C:\E\ [S.doc]`)},
			[]string{`C:\E|T.doc`, `C:\E\x|S.doc`}, []string{`C:\E|S.doc`}},
		{"9", FileKind, []testRule{inc(0, `C:\Data\* [*]`), exc(0, `C:\* [*.mp3]`)},
			[]string{`C:\Data|a.mp3`}, []string{`C:|a.mp3`}},
		{"10", RegistryKind, []testRule{inc(0, `HKLM\S\CP\* [*]`), exc(0, `HKLM\S\CP [DefaultColor]`)},
			[]string{`HKLM\S\CP|Other`, `HKLM\S\CP\x|DefaultColor`, `HKLM\S\CP`}, []string{`HKLM\S\CP|DefaultColor`}},
		{"11", RegistryKind, []testRule{inc(0, `HKLM\S\CP [DefaultColor]`), exc(0, `HKLM\S\CP\* [*]`)},
			[]string{`HKLM\S\CP|DefaultColor`}, []string{`HKLM\S\CP|Other`, `HKLM\S\CP`}},
		{"12", RegistryKind, []testRule{inc(0, `HKLM\S\CP [DefaultColor]`), exc(0, `HKLM\S\CP [DefaultColor]`)},
			nil, []string{`HKLM\S\CP|DefaultColor`}},
		{"13", FileKind, []testRule{inc(0, `C:\Docs\* [*]`), exc(0, `C:\* [*.txt]`), exc(0, `D:\* [*.txt]`)},
			[]string{`C:\Docs|a.txt`}, nil},
		{"13, unconditional", FileKind, []testRule{inc(0, `C:\Docs\* [*]`), {1, UnconditionalExclude, `C:\* [*.txt]`}},
			[]string{`C:\Docs|a.doc`}, []string{`C:\Docs|a.txt`}},
		{"14", FileKind, []testRule{inc(0, `C:\* [*.doc*]`), exc(0, `C:\Users\* [*]`)},
			[]string{`C:\x|a.docx`}, []string{`C:\Users\u|a.doc`}},
		{"15", FileKind, []testRule{inc(0, `C:\My Documents\* [*]`), exc(0, `C:\My Documents\My Music\* [*]`)},
			[]string{`C:\My Documents|a`}, []string{`C:\My Documents\My Music|a`}},
		{"16", FileKind, []testRule{inc(0, `C:\Dir1\* [*]`), exc(0, `C:\Dir1\Dir2\* [*.txt]`), inc(1, `C:\Dir1\Dir2\* [*.txt]`), exc(1, `C:\Dir1\* [*]`)},
			[]string{`C:\Dir1|a`, `C:\Dir1\Dir2|a.txt`, `C:\Dir1\Dir2|a.doc`}, nil},
		{"17, components apart", FileKind, []testRule{inc(0, `C:\Dir1\Dir2\* [*]`), exc(1, `C:\Dir1\* [*.txt]`)},
			[]string{`C:\Dir1\Dir2|a.txt`}, nil},
		{"18", FileKind, []testRule{exc(0, `C:\Dir1\Dir2\* [*]`), inc(1, `C:\Dir1\* [*.txt]`)},
			[]string{`C:\Dir1\Dir2|a.txt`, `C:\Dir1|a.txt`}, []string{`C:\Dir1|a.doc`}},
		{"19", RegistryKind, []testRule{inc(0, `HKLM\CP [DefaultColor]`), exc(0, `HKLM\CP\* [*]`), inc(1, `HKLM\CP\* [*]`), exc(1, `HKLM\CP [DefaultColor]`)},
			[]string{`HKLM\CP|DefaultColor`, `HKLM\CP|Other`, `HKLM\CP\x|y`}, nil},
		{"20", FileKind, []testRule{exc(0, `C:\U\* [*.mp3]`), inc(1, `C:\U\ [*]`)},
			[]string{`C:\U|a.mp3`}, []string{`C:\U\x|a.mp3`}},
		{"K3", FileKind, []testRule{inc(0, `C:\User Data\* [*]`), exc(0, `C:\User Data\*\Cache\* [*]`)},
			[]string{`C:\User Data|a`, `C:\User Data\Default|a`}, []string{`C:\User Data\Default\Cache|a`, `C:\User Data\Default\Cache\x|a`}},
	} {
		p := programFor(c.kind, c.rules)
		for i, objects := range [][]string{c.yes, c.no} {
			for _, o := range objects {
				if got, want := taken(p, c.kind, o) != nil, i == 0; got != want {
					t.Errorf("example %s: %s taken: %v, want %v", c.name, o, got, want)
				}
			}
		}
	}
}

func TestVerdict(t *testing.T) {
	p := programFor(FileKind, []testRule{
		{0, Include, `C:\A\* [*]`},
		{0, Exclude, `C:\A\Cache\* [*]`},
		{0, Exclude, `C:\A\* [*.tmp]`},
		{1, Include, `C:\A\* [*.doc]`},
		{2, Include, `C:\A\* [*]`},
		{2, Exclude, `C:\A\ [*]`},
		{3, UnconditionalExclude, `C:\A\Secret\* [*]`},
	})
	if got := taken(p, FileKind, `C:\A\x|a.doc`); !slices.Equal(got, []int{0, 1, 2}) {
		t.Errorf("takers are %v", got)
	}
	if got := taken(p, FileKind, `C:\A|a.doc`); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("takers are %v", got)
	}
	cache := p.Files().Descend("c:").Descend("a").Descend("CACHE")
	if v := cache.Node(); !slices.Equal(v.Takers, []int{2}) {
		t.Errorf("cache is taken by %v", v.Takers)
	}
	secret := p.Files().Descend("C:").Descend("A").Descend("Secret")
	if v := secret.Node(); v.Takers != nil || v.Excluder == nil || v.Excluder.Kind != UnconditionalExclude {
		t.Errorf("secret: %+v", v)
	}
	if !secret.Dead() {
		t.Error("the walk would enter a folder that is excluded unconditionally")
	}
	if v := secret.Leaf("x", Object{}); v.Excluder == nil {
		t.Error("no excluder for a leaf of an excluded folder")
	}
	p = programFor(FileKind, []testRule{{0, Include, `C:\A\* [*]`}, {0, Exclude, `C:\A\*\Cache\* [*]`}})
	if v := judge(p, FileKind, `C:\A\b\Cache`); v.Excluder == nil || v.Excluder.Written != `C:\A\*\Cache\* [*]` {
		t.Errorf("excluder is %+v", v.Excluder)
	}
	if c := p.Files().Descend("C:").Descend("A").Descend("b").Descend("cache"); !c.Dead() {
		t.Error("the walk would enter an excluded cache")
	}
	for _, path := range [][]string{{"D:"}, {"C:", "B"}, {"C:", "AB"}} {
		c := p.Files()
		for _, s := range path {
			c = c.Descend(s)
		}
		if !c.Dead() {
			t.Errorf("the walk would enter %v", path)
		}
	}
	if (Cursor{}).Node().Takers != nil || !(Cursor{}).Dead() {
		t.Error("the zero cursor is not dead")
	}
}
