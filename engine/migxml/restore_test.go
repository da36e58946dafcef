package migxml

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func mustCall(t *testing.T, text string) *Call {
	t.Helper()
	c, err := ParseCall("MigXmlHelper." + text)
	if err != nil {
		t.Fatal(err)
	}
	return &c
}

// The vectors of spec 16.3.
func TestMoves(t *testing.T) {
	source := Context{ID: "S-1-5-21-1", Vars: map[string]string{"CSIDL_PERSONAL": `C:\Users\u\Documents`, "HKLMWOWSOFTWARE": `HKLM\Software`}}
	destination := Context{ID: "S-1-5-21-2", Vars: map[string]string{"CSIDL_PERSONAL": `D:\Users\v\Documents`, "HKLMWOWSOFTWARE": `HKLM\Software\Wow6432Node`}}
	m := Move{Source: &source, Destination: &destination, Known: []string{`C:\Users\u`, `C:\Users\u\Documents\`}}
	for _, c := range []struct {
		kind               Kind
		call, object, want string // want "" when the rule does not concern the object
	}{
		{FileKind, `RelativeMove('C:\A','D:\B')`, `C:\A\x [f]`, `D:\B\x [f]`},
		{FileKind, `RelativeMove('C:\A\','D:\B\')`, `C:\a [f]`, `D:\B [f]`},
		{FileKind, `RelativeMove('C:\A','D:\B')`, `C:\C\x [f]`, ``},
		{FileKind, `RelativeMove('C:\A','D:\B')`, `C:\AB [f]`, ``},
		{FileKind, `RelativeMove('%CSIDL_PERSONAL%','%CSIDL_PERSONAL%\Old')`, `C:\Users\u\Documents\x`, `D:\Users\v\Documents\Old\x`},
		{RegistryKind, `RelativeMove('%HklmWowSoftware%','%HklmWowSoftware%')`, `HKLM\SOFTWARE\App [v]`, `HKLM\Software\Wow6432Node\App [v]`},
		{RegistryKind, `RelativeMove('HKLM\Software\A','HKCU\Software\A')`, `HKLM\Software\A\b [v]`, `HKU\S-1-5-21-2\Software\A\b [v]`},
		{RegistryKind, `RelativeMove('HKCU\A','HKCU\B')`, `HKU\S-1-5-21-1\A [v]`, `HKU\S-1-5-21-2\B [v]`},
		{FileKind, `ExactMove('D:\B')`, `C:\A\x [f]`, `D:\B [f]`},
		{FileKind, `ExactMove('D:\B [g]')`, `C:\A [f]`, `D:\B [g]`},
		{FileKind, `ExactMove('D:\B')`, `C:\A\x`, `D:\B`},
		{RegistryKind, `ExactMove('HKLM\B [named]')`, `HKLM\A []`, `HKLM\B [named]`},
		{FileKind, `Move('C:\M')`, `C:\Users\u\Documents\x [f]`, `C:\M\x [f]`},
		{FileKind, `Move('C:\M')`, `C:\Users\u\Documents [f]`, `C:\M [f]`},
		{FileKind, `Move('C:\M')`, `D:\x [f]`, `C:\M\x [f]`},
		{FileKind, `Move('C:\M')`, `D:\ [f]`, `C:\M [f]`},
	} {
		object, err := ParsePattern(c.kind, c.object)
		if err != nil {
			t.Fatal(err)
		}
		got, ok, err := m.Locate(mustCall(t, c.call), object)
		if err != nil || ok != (c.want != "") || ok && got.String() != c.want {
			t.Errorf("%s of %s: %s, %v, %v, want %s", c.call, c.object, got, ok, err, c.want)
		}
	}
	for _, call := range []string{`ExactMove('D:\*\B')`, `RelativeMove('%NO%','C:\')`, `SourcePriority()`, `Move('nowhere')`} {
		if _, _, err := m.Locate(mustCall(t, call), Pattern{Kind: FileKind, Node: `C:\A`}); err == nil {
			t.Errorf("%s: no error", call)
		}
	}
	// What the pattern's stars stood for goes to those of the place (spec 7.5).
	for _, c := range []struct{ pattern, object, call, want string }{
		{`C:\App\*\Profiles\* [*]`, `C:\App\1.5\Profiles\Änne\x [f]`, `ExactMove('D:\New\*\User\*')`, `D:\New\1.5\User\Änne\x [f]`},
		{`C:\App\*\Profiles\* [*]`, `C:\App\1.5\Profiles [f]`, `ExactMove('D:\New\*\User\*')`, `D:\New\1.5\User [f]`},
		{`C:\App\V* [*]`, `C:\App\v7 [f]`, `ExactMove('D:\* [g]')`, `D:\7 [g]`},
		{`C:\App\* [*]`, `C:\App\x [f]`, `ExactMove('D:\*\*')`, ``},
		{`C:\App [*]`, `C:\App [f]`, `ExactMove('D:\*')`, ``},
	} {
		p, _ := ParsePattern(FileKind, c.pattern)
		object, _ := ParsePattern(FileKind, c.object)
		m := m
		m.Pattern = p
		got, _, err := m.Locate(mustCall(t, c.call), object)
		if (err == nil) != (c.want != "") || err == nil && got.String() != c.want {
			t.Errorf("%s of %s by %s: %s, %v, want %s", c.call, c.object, c.pattern, got, err, c.want)
		}
	}
	if got, ok := Rebase(`C:\a\B\c`, `C:\A\`, `D:\x\`); !ok || got != `D:\x\B\c` {
		t.Errorf("rebased to %s, %v", got, ok)
	}
}

func TestFreeName(t *testing.T) {
	for _, c := range []struct{ template, name, taken, want string }{
		{"<F> (<N>).<E>", "My.doc", "", "My (1).doc"},
		{"<F> (<N>).<E>", "My.doc", "My (1).doc|My (2).doc", "My (3).doc"},
		{"<N>-<F>.<E>", "noext", "", "1-noext"},
		{defaultName, "a.b.c", "", "a.b(1).c"},
		{defaultName, ".profile", "", ".profile(1)"},
	} {
		got, ok := FreeName(c.template, c.name, func(s string) bool { return slices.Contains(strings.Split(c.taken, "|"), s) })
		if !ok || got != c.want {
			t.Errorf("%s with %s: %s, %v", c.name, c.template, got, ok)
		}
	}
	if _, ok := FreeName("<F><E>", "x", func(string) bool { return true }); ok {
		t.Error("a free name where none is")
	}
}

func TestMerge(t *testing.T) {
	number := func(n byte) Value { return Value{Type: RegDword, Data: []byte{n, 0, 0, 0}} }
	version := func(s, d string) func(bool, string) string {
		return func(destination bool, _ string) string {
			if destination {
				return d
			}
			return s
		}
	}
	for _, c := range []struct {
		x        Collision
		call     string
		want     Resolution
		template string
	}{
		{Collision{Kind: FileKind}, "", Rename, "<F>(<N>).<E>"},
		{Collision{Kind: RegistryKind}, "", Overwrite, ""},
		{Collision{Kind: IniKind}, "", Overwrite, ""},
		{Collision{Kind: FileKind}, "SourcePriority()", Overwrite, ""},
		{Collision{Kind: FileKind}, "DestinationPriority()", Keep, ""},
		{Collision{Kind: FileKind}, "FindFilePlaceByPattern('<F> (<N>).<E>')", Rename, "<F> (<N>).<E>"},
		{Collision{Kind: RegistryKind, Source: number(2), Destination: number(1)}, "HigherValue()", Overwrite, ""},
		{Collision{Kind: RegistryKind, Source: number(1), Destination: number(2)}, "HigherValue()", Keep, ""},
		{Collision{Kind: RegistryKind, Source: number(1), Destination: number(2)}, "LowerValue()", Overwrite, ""},
		{Collision{Kind: RegistryKind, Source: number(2), Destination: number(1)}, "LowerValue()", Keep, ""},
		{Collision{Kind: RegistryKind, Source: Value{Type: RegSz}, Destination: number(1)}, "LowerValue()", Overwrite, ""},
		{Collision{Kind: FileKind, Version: version("1.2", "1.1.9")}, "NewestVersion('FileVersion')", Overwrite, ""},
		{Collision{Kind: FileKind, Version: version("1.2", "1.2.0")}, "NewestVersion('FileVersion')", Keep, ""},
		{Collision{Kind: FileKind, Version: version("1.2", "")}, "NewestVersion('FileVersion')", Overwrite, ""},
		{Collision{Kind: FileKind, Version: version("", "1.2")}, "NewestVersion('FileVersion')", Keep, ""},
		{Collision{Kind: FileKind, Version: version("", "")}, "NewestVersion('FileVersion')", Keep, ""},
	} {
		var call *Call
		if c.call != "" {
			call = mustCall(t, c.call)
		}
		got, template, err := c.x.Resolve(call)
		if err != nil || got != c.want || template != c.template {
			t.Errorf("%s: %v %q %v, want %v %q", c.call, got, template, err, c.want, c.template)
		}
	}
	for _, call := range []string{"LeafPattern()", "Move('C:\\')", "FindFilePlaceByPattern('<F>')", `FindFilePlaceByPattern('..\<F><N><E>')`} {
		r, template, err := Collision{Kind: FileKind}.Resolve(mustCall(t, call))
		if err == nil || r != Rename || template != defaultName {
			t.Errorf("%s: %v, %v", call, r, err)
		}
	}
}

// The functions of spec 7.6.
func TestModify(t *testing.T) {
	text := func(s string) Value { return Value{Type: RegSz, Data: encodeSz(s)} }
	number := func(n byte) Value { return Value{Type: RegDword, Data: []byte{n, 0, 0, 0}} }
	multi := func(list ...string) Value {
		v := Value{Type: RegMultiSz}
		for _, s := range list {
			v.Data = append(v.Data, encodeSz(s)...)
		}
		v.Data = append(v.Data, 0, 0)
		return v
	}
	for _, c := range []struct {
		call        string
		source      Value
		destination *Value
		kind        uint32
		want        string // "-" when the destination stays
	}{
		{"ConvertToDWORD()", text("1"), nil, RegDword, "0x00000001"},
		{"ConvertToDWORD()", text("010"), nil, RegDword, "0x0000000a"},
		{"ConvertToDWORD()", text("0x1F"), nil, RegDword, "0x0000001f"},
		{"ConvertToDWORD('7')", text("-1"), nil, RegDword, "0x00000007"},
		{"ConvertToDWORD('7')", text("x"), nil, RegDword, "0x00000007"},
		{"ConvertToDWORD(NULL)", text("x"), nil, RegDword, "0x00000000"},
		{"ConvertToString()", number(1), nil, RegSz, "1"},
		{"ConvertToString('d')", Value{Type: RegBinary}, nil, RegSz, "d"},
		{"ConvertToString(NULL)", Value{Type: RegBinary}, nil, RegSz, "0"},
		{"ConvertToBinary()", number(1), nil, RegBinary, "01000000"},
		{"OffsetValue('-2')", number(14), nil, RegDword, "0x0000000c"},
		{"OffsetValue(-2)", text("14"), nil, RegSz, "12"},
		{"SetValueByTable('1,2','a,b','z')", text("2"), nil, RegSz, "b"},
		{"SetValueByTable('1,2','a,b','z')", text("3"), nil, RegSz, "z"},
		{"SetValueByTable('1,2','a,b',NULL)", text("3"), nil, RegSz, "-"},
		{"SetValueByTable('1,2','8,9','0')", number(2), nil, RegDword, "0x00000009"},
		{"SetValueByTable('1,2','8','0')", number(2), nil, RegDword, "0x00000000"},
		{"MergeMultiSzContent()", multi("a", "b"), ptr(multi("B", "c")), RegMultiSz, "B;c;a"},
		{"MergeMultiSzContent('Add','d','Remove','A')", multi("a", "b"), nil, RegMultiSz, "b;d"},
		{"MergeDelimitedContent(';,')", text("a,b"), ptr(text("c;A")), RegSz, "c;A;b"},
		{"MergeDelimitedContent(';','Remove','b')", text("a;b"), nil, RegSz, "a"},
		{"KeepExisting('Security')", text("a"), nil, RegSz, "a"},
	} {
		got, write, err := Modify(mustCall(t, c.call), c.source, c.destination)
		if err != nil || write != (c.want != "-") || write && (got.Type != c.kind || got.Text() != c.want) {
			t.Errorf("%s of %s: type %d %s, %v, %v, want %s", c.call, c.source.Text(), got.Type, got.Text(), write, err, c.want)
		}
	}
	lang, err := ParseCall("MigSysHelper.ConvertToOfficeLangID('Registry','a','b')")
	if err != nil {
		t.Fatal(err)
	}
	if _, write, err := Modify(&lang, text("a"), nil); !errors.Is(err, ErrUnsupported) || !write {
		t.Errorf("ConvertToOfficeLangID: %v, %v", write, err)
	}
	for _, call := range []string{"OffsetValue('x')", "MergeMultiSzContent('Shuffle','a')", "SourcePriority()", "SetValueByTable('a','b','c')"} {
		if got, _, err := Modify(mustCall(t, call), number(1), nil); err == nil {
			t.Errorf("%s: no error, %s", call, got.Text())
		}
	}
}

func ptr(v Value) *Value { return &v }

func TestKeepExisting(t *testing.T) {
	for call, want := range map[string]Kept{
		`KeepExisting()`:                                          {},
		`KeepExisting("security","TimeFields")`:                   {Attributes: Security | TimeFields},
		`KeepExisting("FileAttrib:HRX","FileAttrib:asAz")`:        {File: "AS"},
		`KeepExisting("FileAttrib: H")`:                           {},
		`KeepExisting("nonsense", "FileAttrib:CEIOT","Security")`: {Attributes: Security, File: "CEIOT"},
	} {
		if got := KeepExisting(mustCall(t, call)); got != want {
			t.Errorf("%s: %+v, want %+v", call, got, want)
		}
	}
}

func TestFilterAtApply(t *testing.T) {
	works := func(v bool) func() bool { return func() bool { return v } }
	for _, c := range []struct {
		call, name string
		link, want bool
	}{
		{"NeverRestore()", "a.txt", true, false},
		{"AnswerNo()", "a.txt", true, false},
		{"IgnoreIrrelevantLinks()", "a.LNK", true, true},
		{"IgnoreIrrelevantLinks()", "a.lnk", false, false},
		{"IgnoreIrrelevantLinks()", "a.txt", false, true},
		{"FileProperties('filesize','eq','0')", "a.txt", false, true},
	} {
		if got, err := FilterAtApply(mustCall(t, c.call), c.name, Object{}, works(c.link)); err != nil || got != c.want {
			t.Errorf("%s on %s: %v, %v", c.call, c.name, got, err)
		}
	}
	if got, err := FilterAtApply(nil, "x", Object{}, nil); !got || err != nil {
		t.Error("no filter keeps nothing")
	}
	if got, err := FilterAtApply(mustCall(t, "SameRegContent()"), "x", Object{}, nil); !got || err == nil {
		t.Error("an unknown filter drops the object, or says nothing")
	}
}

func TestRestorer(t *testing.T) {
	pattern := func(s string) []Pattern {
		p, err := ParsePattern(FileKind, s)
		if err != nil {
			t.Fatal(err)
		}
		return []Pattern{p}
	}
	rules := []RestoreRule{
		{Kind: Merge, Script: "wide", Patterns: pattern(`C:\A\* [*]`)},
		{Kind: Merge, Script: "ini", Patterns: pattern(`C:\A\* [desktop.ini]`)},
		{Kind: LocationModify, Script: "first", Patterns: pattern(`C:\A\* [*]`)},
		{Kind: LocationModify, Script: "second", Patterns: pattern(`C:\A\* [*]`)},
		{Kind: ContentModify, Script: "1", Patterns: pattern(`C:\A\* [*]`)},
		{Kind: ContentModify, Script: "2", Patterns: pattern(`C:\* [*]`)},
		{Kind: ExcludeAttributes, Attributes: Security | TimeFields, Patterns: pattern(`C:\* [*]`)},
		{Kind: IncludeAttributes, Attributes: Security, Patterns: pattern(`C:\A\* [*]`)},
		{Kind: ExcludeAttributes, Attributes: Owner, Patterns: pattern(`C:\A\* [*]`)},
		{Kind: Merge, Script: "elsewhere", Patterns: pattern(`C:\B\* [*]`)},
	}
	r := NewRestorer(rules)
	folder := r.Files().Descend("C:").Descend("A")
	match := func(name string) ([]int, Pattern) {
		return folder.Leaf(name, Object{}).Takers, Pattern{Kind: FileKind, Node: `C:\A`, Leaf: name, HasLeaf: true}
	}
	at, object := match("desktop.ini")
	if got := r.Strongest(at, Merge, object); got == nil || got.Script != "ini" {
		t.Errorf("merge is %+v", got)
	}
	at, object = match("x.txt")
	if got := r.Strongest(at, Merge, object); got == nil || got.Script != "wide" {
		t.Errorf("merge is %+v", got)
	}
	if got := r.Strongest(at, LocationModify, object); got == nil || got.Script != "first" {
		t.Errorf("locationModify is %+v", got)
	}
	if got := r.All(at, ContentModify); len(got) != 2 || got[0].Script != "1" {
		t.Errorf("contentModify are %+v", got)
	}
	if got := r.Dropped(at, object); got != TimeFields|Owner {
		t.Errorf("dropped attributes %b", got)
	}
	if got := r.Strongest(nil, Merge, object); got != nil {
		t.Errorf("merge without rules: %+v", got)
	}
	if c := r.Files().Descend("D:"); !c.Dead() {
		t.Error("rules on another drive")
	}
}
