package usmt

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 23, 14, 0, 0, 0, time.FixedZone("", 3600))

func days(n int) time.Time { return now.Add(-time.Duration(n) * 24 * time.Hour) }

// people of a computer PC01 in the domain CORP.
var people = []User{
	{SID: "S-1-5-21-1-2-3-1001", Domain: "PC01", Name: "ann", Local: true, LastUse: days(1)},
	{SID: "S-1-5-21-1-2-3-500", Domain: "PC01", Name: "Administrator", Local: true, LastUse: days(400)},
	{SID: "S-1-5-21-7-8-9-1107", Domain: "CORP", Name: "bob", LastUse: days(10)},
	{SID: "S-1-5-21-7-8-9-1108", Domain: "CORP", Name: "first last", LastUse: days(100)},
	{SID: "S-1-5-21-7-8-9-1200", LastUse: days(5)}, // name unknown
	{SID: "S-1-12-1-1-2-3-4", Domain: "AzureAD", Name: "Zoë", LastUse: days(0)},
	{SID: "S-1-5-80-1-2", Domain: "NT SERVICE", Name: "MSSQL"},
	{SID: "S-1-5-21-1-2-3-1000", Domain: "PC01", Name: "defaultuser0", Local: true},
	{SID: "S-1-5-21-7-8-9-1300", Domain: "CORP", Name: "temp", Temporary: true},
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		line string
		want string // names or last part of the SID
		idle string
	}{
		{`S`, "ann Administrator bob first 1200 Zoë", ""},
		{`S /all`, "ann Administrator bob first 1200 Zoë", ""},
		// /ui alone changes nothing; it goes with /ue:*\*.
		{`S /ui:corp\bob`, "ann Administrator bob first 1200 Zoë", ""},
		{`S /ue:*\* /ui:corp\bob`, "bob", ""},
		{`S /ue:* /ui:CORP\BOB`, "bob", ""},
		{`S /ue:*\* /ui:corp\*`, "bob first", ""},
		{`S /ue:*\* "/ui:corp\first last"`, "first", ""},
		{`S /ue:*\* /ui:ann`, "ann", ""},      // a bare name is a local user
		{`S /ue:*\* /ui:bob`, "", "/ui:bob"},  // so this is nobody
		{`S /ue:*\* /ui:pc01\ann`, "ann", ""}, //
		{`S /ue:*\* /ui:%ComputerName%\a*`, "ann Administrator", ""},
		{`S /ue:*-500`, "ann bob first 1200 Zoë", ""},
		{`S /ue:corp\*`, "ann Administrator 1200 Zoë", ""},
		{`S /ue:*\* /ui:S-1-5-21-7-8-9-*`, "bob first 1200", ""},
		{`S /ue:*\* /ui:s-1-5-21-7-8-9-1107`, "bob", ""},
		{`S /ue:*\* /ui:S1-5-21-7-8-9-1107`, "bob", ""}, // misprint in Microsoft's example
		{`S /ue:*\* /ui:azuread\zoË`, "Zoë", ""},
		{`S /ue:*\*`, "", ""},
		{`S /ui:*\*`, "ann Administrator bob first 1200 Zoë", ""},
		// What Windows keeps for itself is taken only by name.
		{`S /ue:*\* "/ui:NT SERVICE\*"`, "MSSQL", ""},
		{`S /ue:*\* /ui:corp\temp`, "temp", ""},
		{`S /ui:corp\nobody /ue:pc99\*`, "ann Administrator bob first 1200 Zoë", `/ui:corp\nobody /ue:pc99\*`},
		// /uel beats /ue, /ui beats both.
		{`S /uel:30`, "ann bob 1200 Zoë", ""},
		{`S /uel:30 /ue:*\*`, "ann bob 1200 Zoë", ""},
		{`S /uel:1`, "ann Zoë", ""},
		{`S /uel:30 /ui:pc01\admin*`, "ann Administrator bob 1200 Zoë", ""},
		{`S /uel:2026/11/18`, "ann 1200 Zoë", ""},
		{`S /uel:2026/9/1`, "ann bob 1200 Zoë", ""},
		{`S /uel:0`, "", ""},
	} {
		s := scan(t, windows, c.line)
		choices, idle := s.Users.Choose(people, "PC01", now)
		var in []string
		for i, choice := range choices {
			if choice.Why == "" {
				t.Errorf("%s: no reason for %s", c.line, people[i].SID)
			}
			if choice.In {
				name, _, _ := strings.Cut(people[i].Name, " ")
				if name == "" {
					name = people[i].SID[strings.LastIndex(people[i].SID, "-")+1:]
				}
				in = append(in, name)
			}
		}
		if got := strings.Join(in, " "); got != c.want {
			t.Errorf("%s takes %q, want %q", c.line, got, c.want)
		}
		var idleOptions []string
		for _, i := range idle {
			idleOptions = append(idleOptions, i.Option)
		}
		if got := strings.Join(idleOptions, " "); got != c.idle {
			t.Errorf("%s: patterns without effect %q, want %q", c.line, got, c.idle)
		}
	}
}

// Who is misspelt is told what was probably meant.
func TestIdlePatterns(t *testing.T) {
	for option, want := range map[string]string{
		`/ui:bob`:       `matches no user of this PC; perhaps CORP\bob is meant`, // of a domain, so its name is not enough
		`/ui:b*`:        `matches no user of this PC; perhaps CORP\bob is meant`,
		`/ue:crp\bob`:   `matches no user of this PC; perhaps CORP\bob is meant`,
		`/ui:pc01/ann`:  `matches no user of this PC; perhaps PC01\ann is meant`,
		`/ue:COPR\*`:    `matches no user of this PC; perhaps CORP\* is meant`,
		`/ui:elsewhere`: `matches no user of this PC`,
	} {
		_, idle := scan(t, windows, "S "+option).Users.Choose(people, "PC01", now)
		if len(idle) != 1 || idle[0].Option != option || idle[0].Says("this PC") != want {
			t.Errorf("%s: %+v, want %q", option, idle, want)
		}
	}
}

func TestChooseWarns(t *testing.T) {
	choices, _ := Selection{}.Choose(people, "PC01", now)
	i := slices.IndexFunc(people, func(u User) bool { return u.Name == "" })
	if choices[i].Warning == "" || choices[0].Warning != "" {
		t.Errorf("%+v", choices)
	}
	s := Selection{Recent: Recent{Days: 3}}
	choices, _ = s.Choose([]User{{SID: "S-1-5-21-1", Name: "x"}}, "PC", now)
	if !choices[0].In || choices[0].Warning == "" {
		t.Errorf("an account without a known last use: %+v", choices[0])
	}
}

// A date of /uel is a day in local time.
func TestRecentIsLocal(t *testing.T) {
	s := Selection{Recent: Recent{Since: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)}}
	midnight := time.Date(2026, 11, 20, 0, 0, 0, 0, now.Location())
	choices, _ := s.Choose([]User{{Name: "a", LastUse: midnight}, {Name: "b", LastUse: midnight.Add(-time.Second)}}, "PC", now)
	if !choices[0].In || choices[1].In {
		t.Errorf("%+v", choices)
	}
}

func TestWild(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"A", "A", true}, {"A", "AB", false}, {"*", "", true}, {"A*", "A", true},
		{"*B", "AB", true}, {"A*B", "AB", true}, {"A*A", "A", false}, {"A*B*C", "AXBXBXC", true},
		{"*B*", "ABC", true}, {"**", "X", true}, {"A*B*C", "AC", false},
	} {
		if got := wild(c.pattern, c.s); got != c.want {
			t.Errorf("wild(%q, %q) = %v", c.pattern, c.s, got)
		}
	}
	// No blow-up on many stars.
	if wild(strings.Repeat("*a", 100)+"b", strings.Repeat("a", 10000)) {
		t.Error("matched")
	}
}

// Whoever has no name is taken, and that is said.
func TestNameless(t *testing.T) {
	users := []User{{SID: "S-1-5-21-1-2-3-1001"}, {SID: "S-1-5-21-1-2-3-1002", Name: "b.lee", Guessed: true}, {SID: "S-1-5-21-1-2-3-1003", Name: "ann"},
		{SID: "S-1-5-21-1-2-3-1004", Name: "bob", Orphaned: true}}
	choices, _ := Selection{}.Choose(users, "PC", still())
	for i, want := range []string{"under its SID", "under that of its folder", "", "did not list this profile"} {
		if c := choices[i]; !c.In || !strings.Contains(c.Warning, want) || want == "" && c.Warning != "" {
			t.Errorf("%+v: %+v", users[i], c)
		}
	}
}
