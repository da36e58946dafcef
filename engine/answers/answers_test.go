package answers

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func ptr(b bool) *bool { return &b }

// recipientKey is a public key, as in the documentation.
const recipientKey = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"

// whole answers everything there is.
var whole = File{
	Language: "en", Keyboard: "de-latin1", Logs: "logs", Unattended: true,
	Windows: "PC-0412", Users: []string{"anna.keller", `CORP\m.ostrowski`, "S-1-5-21-1-2-3-1107"},
	Rules: []string{"rules", "MigApp.xml"}, What: Documents, LeaveOut: []string{"Downloads", "yes", "1.5"},
	Destination: OnShare, Share: Share{Path: `\\nas\rescue`, User: `CORP\rescue`, PasswordFile: "nas.txt"},
	Name: "{computer}_{date}", Protection: TeamKey, Recipients: []string{recipientKey},
	Check: ptr(false), Unreadable: Stop, Afterwards: ShutDown,
}

func TestRoundTrip(t *testing.T) {
	for _, f := range []File{
		whole, {}, {Check: ptr(true)}, {Users: []string{AllUsers}},
		{Windows: "a\nb: [", LeaveOut: []string{"\x1b[2J", "# no comment", " led ", "null", "\xff"}},
	} {
		data, err := f.Marshal("Answers of 2026-11-23.\nNo secrets are in here.")
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse("x.yaml", data)
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if !reflect.DeepEqual(*back, f) {
			t.Errorf("got  %+v\nwant %+v\n%s", *back, f, data)
		}
	}
}

func TestWholeFileNamesEveryKey(t *testing.T) {
	data, err := whole.Marshal("")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range (&File{}).keys() {
		if k.name != "passphrase-file" && !strings.Contains(string(data), k.name+":") {
			t.Errorf("%s is not in\n%s", k.name, data)
		}
	}
}

// Every key is explained in the documentation, and what is explained exists.
func TestDocumentation(t *testing.T) {
	doc, err := os.ReadFile("../../docs/lifeboat-yaml.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range (&File{}).keys() {
		if !strings.Contains(string(doc), "`"+k.name+"`") {
			t.Errorf("docs/lifeboat-yaml.md does not explain %s", k.name)
		}
		for _, w := range k.words {
			if !strings.Contains(string(doc), "`"+w+"`") {
				t.Errorf("docs/lifeboat-yaml.md does not explain %s: %s", k.name, w)
			}
		}
	}
	examples := 0
	for i, part := range strings.Split(string(doc), "```") {
		if example, ok := strings.CutPrefix(part, "yaml\n"); ok && i%2 == 1 {
			examples++
			if _, err := Parse("docs/lifeboat-yaml.md", []byte(example)); err != nil {
				t.Errorf("%v\n%s", err, example)
			}
		}
	}
	if examples == 0 {
		t.Error("there is no example")
	}
}

func TestMistakes(t *testing.T) {
	for _, test := range []struct{ file, want string }{
		{"usres: all", `x.yaml:1: there is no key "usres", do you mean users? The keys are language, keyboard, `},
		{"language: en\n\nshare:\n  pasword-file: x", `x.yaml:4: share: there is no key "pasword-file", do you mean password-file? The keys are path, user, password-file`},
		{"leave_out: x", "do you mean leave-out?"},
		{"colour: red", `x.yaml:1: there is no key "colour". The keys are language, `},
		{"language: en\nlanguage: en", "x.yaml:2: language is there twice"},
		{"what: some", `x.yaml:1: what is "some", but can only be everything or documents`},
		{"afterwards: explode", "can only be stay, restart or shut down"},
		{"users:", "x.yaml:1: users wants one value on a line"},
		{"users: {a: b}", "x.yaml:1: users wants a list, as in [one, two]"},
		{"users: [[a]]", "users wants one value on a line"},
		{"windows: [a]", "windows wants one value on a line"},
		{"windows: ''", "windows is empty: leave the key out instead"},
		{"windows: &a b\nlogs: *a", "x.yaml:2: logs wants one value on a line"},
		{"<<: {windows: x}", "there is no key"},
		{"unattended: maybe", "x.yaml:1: unattended is yes or no"},
		{"check: [yes]", "check is yes or no"},
		{"- a", `keys and values are wanted here, as in "language: en"`},
		{"just text", "keys and values are wanted here"},
		{"a: b: c", "x.yaml:1: mapping values are not allowed in this context"},
		{"windows: \"a", "x.yaml"},
		{"language: en\n---\nlanguage: de", "holds more than one document"},
		{"language: de", `language is "de", but can only be en`},
		{"keyboard: ../x", "keyboard is made of letters"},
		{"name: ../x", "name is made of letters"},
		{"name: ..", "name is no name"},
		{"name: a b", "name is made of letters"},
		{"recipients: AGE-SECRET-KEY-1ABC", "holds a secret key"},
		{"recipients: [bob]", "recipients holds something that is no public key (age1..)"},
		{"recipients: " + recipientKey[:30], "is not complete"},
		{"users: [all, anna]", "users is all, or default, or a list"},
		{"destination: share", "no share has a path"},
		{"protection: team key", "there are no recipients"},
		{"protection: none\npassphrase-file: x", "there is a passphrase-file, but protection is none"},
		{strings.Repeat("#", maxSize+1), "too large"},
	} {
		f, err := Parse("x.yaml", []byte(test.file))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60q gives %v, %+v; want %s", test.file, err, f, test.want)
		}
	}
}

func TestForms(t *testing.T) {
	for _, test := range []struct {
		file string
		want File
	}{
		{"", File{}}, {"# nothing\n", File{}}, {"null", File{}}, {"---\n", File{}},
		{"users: all", File{Users: []string{"all"}}},
		{"users:\n- a\n- 12", File{Users: []string{"a", "12"}}},
		{"check: off\nunattended: true", File{Check: ptr(false), Unattended: true}},
		{"afterwards: Shut Down", File{Afterwards: ShutDown}},
		{"windows: C:\\", File{Windows: `C:\`}},
		{"\ufeffwindows: x\r\nwhat: documents\r\n", File{Windows: "x", What: Documents}},
	} {
		f, err := Parse("x.yaml", []byte(test.file))
		if err != nil || !reflect.DeepEqual(*f, test.want) {
			t.Errorf("%q gives %+v, %v", test.file, f, err)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, Name)
	absolute := filepath.Join(dir, "else", "MigApp.xml")
	text := "logs: my\\logs\nrules: ['" + absolute + "', a/b, 'E:\\rules']\npassphrase-file: key.txt\ndestination: ./stores"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	want := File{
		Logs:           filepath.Join(dir, "my", "logs"),
		Rules:          []string{absolute, filepath.Join(dir, "a", "b"), `E:\rules`},
		PassphraseFile: filepath.Join(dir, "key.txt"), Destination: filepath.Join(dir, "stores"),
	}
	if !reflect.DeepEqual(*f, want) {
		t.Errorf("got %+v, want %+v", *f, want)
	}
	if _, err := Load(filepath.Join(dir, "none.yaml")); err == nil {
		t.Error("a file that is not there was read")
	}
}

func TestReadSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	for text, want := range map[string]string{
		"s3cret words\r\nmore": "s3cret words", "\ufeffx": "x", " led ": " led ", "": "", "\nx": "",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadSecret(path)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q gives %q, %v", text, got, err)
		}
	}
}

// Whatever is in the file, it is read or refused; what was read is written and
// read again the same.
func FuzzParse(f *testing.F) {
	data, _ := whole.Marshal("head")
	f.Add(string(data))
	f.Add("users: [a, &x b, *x]\n")
	f.Add("share: {path: \\\\a\\b}\ncheck: no\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("x.yaml", []byte(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "x.yaml:") {
				t.Fatalf("%v does not name the file", err)
			}
			return
		}
		data, err := file.Marshal("again")
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse("y.yaml", data)
		if err != nil || !reflect.DeepEqual(back, file) {
			t.Fatalf("%+v became %+v, %v\n%s", file, back, err, data)
		}
	})
}
