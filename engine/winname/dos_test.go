package winname

import (
	"slices"
	"testing"
)

func TestIsShort(t *testing.T) {
	for name, want := range map[string]struct{ dos, short bool }{
		"ANNAKE~1": {true, true}, "annake~1": {true, true}, "PROGRA~12.TXT": {false, false}, "PROGR~12.TXT": {true, true},
		"A~1.B": {true, true}, "ÄÖ12AB~1.TXT": {true, true}, "SHORT.TXT": {true, false}, "~1": {true, false},
		"~WRL0001.tmp": {true, false}, "~$letter.doc": {true, false}, "A~1B.TXT": {true, false}, "AB.T~1": {true, false},
		"": {}, ".": {}, "..": {}, "A~1.": {}, ".A~1": {}, "A~1.X.Y": {}, "A B~1": {}, `A\B~1`: {}, "A~1:s": {}, "A~*": {}, "LONGNAME~1": {},
		"A~1.HTML": {}, "A\x00~1": {},
	} {
		if dos, short := IsDOS(name), IsShort(name); dos != want.dos || short != want.short {
			t.Errorf("%q: for DOS %v, short %v", name, dos, short)
		}
	}
}

func TestLong(t *testing.T) {
	disk := map[string]string{`C:\USERS\ANNAKE~1`: "Anna Keller", `C:\USERS\ANNA KELLER\LONGFI~1.TXT`: "long file.txt", `C:\SAME~1`: "Same~1"}
	for path, want := range map[string]string{
		`C:\Users\ANNAKE~1\AppData`:        `C:\Users\Anna Keller\AppData`,
		`C:\Users\annake~1\LONGFI~1.TXT`:   `C:\Users\Anna Keller\long file.txt`,
		`C:\Users\ANNAKE~1\*\LONGFI~1.TXT`: `C:\Users\Anna Keller\*\LONGFI~1.TXT`,
		`C:\Users\NOBODY~1\LONGFI~1.TXT`:   `C:\Users\NOBODY~1\LONGFI~1.TXT`,
		`C:\SAME~1\x`:                      `C:\SAME~1\x`,
		`C:\Users\~\x`:                     `C:\Users\~\x`,
		`ANNAKE~1`:                         `ANNAKE~1`,
		``:                                 ``,
	} {
		var asked []string
		got := Long(path, func(p string) (string, bool) {
			asked = append(asked, p)
			name, ok := disk[Fold(p)]
			return name, ok
		})
		if got != want {
			t.Errorf("%s: %s", path, got)
		}
		if slices.ContainsFunc(asked, func(p string) bool { _, name := Split(p); return !IsShort(name) }) {
			t.Errorf("%s: asked for %q", path, asked)
		}
	}
}
