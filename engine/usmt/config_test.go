package usmt

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

// config parses a file without notes.
func config(t *testing.T, text string) *Config {
	t.Helper()
	c, notes, err := ParseConfig("Config.xml", []byte(text))
	if err != nil || len(notes) > 0 {
		t.Fatalf("%v, notes %q", err, notes)
	}
	return c
}

var fullConfig = Config{
	Applications: []ConfigComponent{{DisplayName: "Ledger & Söhne", ID: "http://x/ledger/settings", Migrate: true}},
	Documents:    []ConfigComponent{{DisplayName: "Documents", ID: "http://x/documents/data"}},
	WindowsComponents: []ConfigComponent{{DisplayName: "Hardware", ID: "hardware", Migrate: true, Components: []ConfigComponent{
		{DisplayName: "Printers", ID: `hardware\printers`, Components: []ConfigComponent{{DisplayName: "Spooler", ID: "x/spooler", Migrate: true}}},
	}}},
	FileErrors:     []ErrorRule{{Code: 32, Pattern: "* [*]"}, {Fatal: true, Pattern: `%CSIDL_PERSONAL%\* [*]`}, {Message: "in use", Pattern: `C:\* [*.pst]`}},
	RegistryErrors: []ErrorRule{{Fatal: true, Code: 5, Pattern: `HKCU\* [*]`}},
	Locked:         []LockRule{{true, `C:\Users\* [*]`}, {false, `C:\* [*]`}},
	Groups:         []ChangeGroup{{"*", "Users", MigratedUsers, []string{"*"}, []string{`CORP\svc-*`}}},
	Domains:        []Rename{{"OLD", "NEW"}},
	Users:          []Rename{{`OLD\ann`, `NEW\ann.keller`}},
}

func TestConfigRoundTrip(t *testing.T) {
	for name, c := range map[string]*Config{"empty": {}, "full": &fullConfig} {
		var b bytes.Buffer
		if err := c.WriteXML(&b); err != nil {
			t.Fatal(err)
		}
		if got := config(t, b.String()); !reflect.DeepEqual(got, c) {
			t.Errorf("%s: got\n%+v\nwant\n%+v\n%s", name, got, c, &b)
		}
		if !IsConfig(b.Bytes()) {
			t.Errorf("%s: not recognised", name)
		}
	}
}

// The samples in the comments of a generated file are valid.
func TestConfigSamples(t *testing.T) {
	c := config(t, "<Configuration><Policies>"+errorControlSample[strings.Index(errorControlSample, "<"):]+
		hardLinkSample[strings.Index(hardLinkSample, "<"):]+"</Policies><ProfileControl>"+
		profileControlSample[strings.Index(profileControlSample, "<"):]+"</ProfileControl></Configuration>")
	if len(c.FileErrors) != 2 || len(c.RegistryErrors) != 1 || len(c.Locked) != 2 || len(c.Groups) != 1 || len(c.Domains) != 1 || len(c.Users) != 1 {
		t.Errorf("%+v", c)
	}
}

// Slips of Microsoft's own pages and of older tools.
func TestConfigSlips(t *testing.T) {
	for name, text := range map[string]string{
		"Policy":               `<Configuration><Policy><ErrorControl><fileError><nonFatal errorCode="0x21">* [*]</nonFatal></fileError></ErrorControl></Policy></Configuration>`,
		"nonfatal":             `<configuration><policies><errorcontrol><fileerror><nonfatal errorcode="33">* [*]</nonfatal></fileerror></errorcontrol></policies></configuration>`,
		"directly below":       `<Configuration><ErrorControl><fileError><nonFatal errorCode=" 33 ">* [*]</nonFatal></fileError></ErrorControl></Configuration>`,
		"declared as UTF-16":   `<?xml version="1.0" encoding="UTF-16"?><Configuration><ErrorControl><fileError><nonFatal errorCode="33">* [*]</nonFatal></fileError></ErrorControl></Configuration>`,
		"comments and a blank": "<Configuration><!-- x --><ErrorControl><fileError><nonFatal errorCode='33'>\n * [*] \n</nonFatal></fileError></ErrorControl></Configuration>",
	} {
		if got := config(t, text).FileErrors; !reflect.DeepEqual(got, []ErrorRule{{Code: 33, Pattern: "* [*]"}}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	c := config(t, `<Configuration><ProfileMigration><localgroups><mappings><changeGroup From="Power Users" To="Users" appliesto="migratedusers">
		<include><pattern>*</pattern></include></changeGroup></mappings></localgroups></ProfileMigration></Configuration>`)
	if len(c.Groups) != 1 || c.Groups[0].AppliesTo != MigratedUsers || c.Groups[0].From != "Power Users" {
		t.Errorf("%+v", c.Groups)
	}
}

func TestConfigNotes(t *testing.T) {
	for text, want := range map[string]string{
		`<Extra/>`: "<Extra> is not known in <Configuration>",
		`<Applications><component displayname="a" migrate="maybe"/></Applications>`:                                                                                           `migrate is yes or no, not "maybe"`,
		`<Policies><ErrorControl><fileError><fatal/></fileError></ErrorControl></Policies>`:                                                                                   "<fatal> has no pattern",
		`<ProfileControl><localGroups><mappings><changeGroup from="a" to="b" appliesTo="AllUsers"/></mappings></localGroups></ProfileControl>`:                                "needs an <include> or <exclude>",
		`<ProfileControl><localGroups><mappings><changeGroup from="a" to="b"><include><pattern>*</pattern></include></changeGroup></mappings></localGroups></ProfileControl>`: "needs appliesTo",
		`<ProfileControl><localGroups><mappings><changeGroup to="b" appliesTo="AllUsers"><include/></changeGroup></mappings></localGroups></ProfileControl>`:                  "needs from and to",
		`<ProfileControl><users><user from="a"/></users></ProfileControl>`:                                                                                                    "<user> needs from and to",
		`<Policies><HardLinkStoreControl><fileLocked><linkHard>x</linkHard></fileLocked></HardLinkStoreControl></Policies>`:                                                   "<linkHard> is not known",
	} {
		_, notes, err := ParseConfig("Config.xml", []byte("<Configuration>"+text+"</Configuration>"))
		if err != nil || len(notes) != 1 || !strings.Contains(notes[0], want) {
			t.Errorf("%s: %q, %v; want %q", text, notes, err, want)
		}
	}
	for _, text := range []string{"", "text", "<migration/>", "<Configuration>", "<Configuration><a></Configuration>"} {
		if _, _, err := ParseConfig("Config.xml", []byte(text)); CodeOf(err) != ConfigFile {
			t.Errorf("%q: %v", text, err)
		}
		if text != "<Configuration>" && !strings.Contains(text, "<a>") && IsConfig([]byte(text)) {
			t.Errorf("%q is taken for a Config.xml", text)
		}
	}
}

func TestSwitches(t *testing.T) {
	c := config(t, `<Configuration>
		<Applications>
			<component displayname="Off" migrate="no" ID="http://x/Off/Settings"/>
			<component displayname="Twice" migrate="no" ID="http://x/twice/settings"/>
			<component displayname="Twice" migrate="yes" ID="http://x/twice/settings"/>
			<component displayname="Same name" migrate="no" ID="http://x/one/settings"/>
			<component displayname="Same name" migrate="yes" ID="http://x/two/settings"/>
			<component displayname="No ID" migrate="no"/>
		</Applications>
		<WindowsComponents>
			<component displayname="Group" migrate="no" ID="group">
				<component displayname="Child" migrate="yes" ID="group\child"><component displayname="Grandchild" migrate="yes" ID="leaf"/></component>
			</component>
			<component displayname="Not here" migrate="no" ID="cmi/nothere"/>
		</WindowsComponents></Configuration>`)
	s := c.Switches()
	name := func(display string, ids ...string) ConfigName { return ConfigName{ids, display} }
	for want, chains := range map[bool][][]ConfigName{
		false: {
			{name("x", "HTTP://X/off/SETTINGS")}, // by ID, in any case
			{name("off")},                        // by name, where no ID is known
			{name("Off", "http://other/off/settings")},
			{name("no id", "any")},
			{name("Same name", "http://x/one/settings")},
			{name("Grandchild", "leaf")}, {name("Child", `group\child`)}, {name("Group", "group")},
			{name("Group", "group"), name("Unlisted", "unlisted")}, // by what is around it
		},
		true: {
			{name("Twice", "http://x/twice/settings")},
			{name("Same name", "http://x/two/settings")}, {name("Same name")},
			{name("Unlisted", "unlisted")},
			{name("", "")},
		},
	} {
		for _, chain := range chains {
			if got := s.Migrates(chain...); got != want {
				t.Errorf("%+v: %v", chain, got)
			}
		}
	}
	if n := s.Idle(); n != 1 {
		t.Errorf("%d components are in no rule file", n)
	}
}

func FuzzConfig(f *testing.F) {
	var b bytes.Buffer
	fullConfig.WriteXML(&b)
	f.Add(b.Bytes())
	f.Add([]byte("\xff\xfe<\x00C\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		IsConfig(data)
		c, _, err := ParseConfig("Config.xml", data)
		if err != nil {
			return
		}
		c.Switches().Migrates(ConfigName{[]string{"a"}, "b"})
		if err := c.WriteXML(&bytes.Buffer{}); err != nil {
			t.Error(err)
		}
	})
}
