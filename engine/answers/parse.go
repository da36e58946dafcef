package answers

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"lifeboat/engine/human"
	"lifeboat/engine/teamkey"
)

// Error is a mistake in a file.
type Error struct {
	File string
	Line int // from 1; 0 if it has none
	Text string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Text)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text)
}

// value is what a key holds, with how it is read and written.
type value struct {
	text  *string
	list  *[]string
	yes   *bool
	maybe **bool
	group []key
	words []string              // the only values there are, if any
	check func(v string) string // says what is wrong with one
}

type key struct {
	name string
	value
}

// keys are those of a file, in the order in which they are written.
func (f *File) keys() []key {
	return []key{
		{"language", value{text: &f.Language, words: languages}},
		{"keyboard", value{text: &f.Keyboard, check: plainWord}},
		{"logs", value{text: &f.Logs}},
		{"unattended", value{yes: &f.Unattended}},
		{"windows", value{text: &f.Windows}},
		{"users", value{list: &f.Users}},
		{"rules", value{list: &f.Rules}},
		{"what", value{text: &f.What, words: []string{Everything, Documents}}},
		{"leave-out", value{list: &f.LeaveOut}},
		{"destination", value{text: &f.Destination}},
		{"share", value{group: []key{
			{"path", value{text: &f.Share.Path}},
			{"user", value{text: &f.Share.User}},
			{"password-file", value{text: &f.Share.PasswordFile}},
		}}},
		{"name", value{text: &f.Name, check: storeName}},
		{"protection", value{text: &f.Protection, words: []string{None, Passphrase, TeamKey}}},
		{"passphrase-file", value{text: &f.PassphraseFile}},
		{"recipients", value{list: &f.Recipients, check: recipient}},
		{"check", value{maybe: &f.Check}},
		{"unreadable", value{text: &f.Unreadable, words: []string{Skip, Stop}}},
		{"afterwards", value{text: &f.Afterwards, words: []string{Stay, Restart, ShutDown}}},
	}
}

// languages are those that there are texts in.
var languages = []string{"en"}

// plainWord is a name of a layout.
func plainWord(v string) string {
	for _, r := range v {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_:.,()", r)) {
			return "is made of letters, digits and - only"
		}
	}
	return ""
}

// storeName keeps what every file system takes in a name.
func storeName(v string) string {
	rest := strings.NewReplacer("{computer}", "x", "{date}", "x").Replace(v)
	for _, r := range rest {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r)) {
			return "is made of letters, digits, - _ . and the words {computer} and {date} only"
		}
	}
	if strings.Trim(rest, ".") == "" {
		return "is no name"
	}
	return ""
}

func recipient(v string) string {
	switch team, err := teamkey.ParseRecipients(v); {
	case errors.Is(err, teamkey.ErrSecret):
		return "holds a secret key: it must never be on a stick; take the public one, which begins with age1"
	case err != nil || len(team) != 1:
		return "holds something that is no public key (age1..), or is not complete"
	}
	return ""
}

// Parse reads a file; name is for messages.
func Parse(name string, data []byte) (*File, error) {
	fail := func(line int, format string, args ...any) (*File, error) {
		return nil, &Error{name, line, fmt.Sprintf(format, args...)}
	}
	if len(data) > maxSize {
		return fail(0, "is too large for a file of answers")
	}
	var doc yaml.Node
	decoder := yaml.NewDecoder(strings.NewReader(string(data)))
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF): // nothing, or comments only
		return &File{}, nil
	case err != nil:
		line := 1 // the first one is not named
		text := strings.TrimPrefix(err.Error(), "yaml: ")
		if where, rest, ok := strings.Cut(text, ": "); ok {
			if n, _ := fmt.Sscanf(where, "line %d", &line); n == 1 {
				text = rest
			}
		}
		return fail(line, "%s", text)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fail(0, "holds more than one document: only the first could be used")
	}
	f := &File{}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
		return f, nil
	}
	if e := take(f.keys(), root, ""); e != nil {
		e.File = name
		return nil, e
	}
	if e := f.agree(); e != "" {
		return fail(0, "%s", e)
	}
	return f, nil
}

// agree finds answers that contradict each other.
func (f *File) agree() string {
	words := []string{AllUsers, DefaultUsers}
	switch {
	case len(f.Users) > 1 && slices.ContainsFunc(f.Users, func(u string) bool { return slices.Contains(words, u) }):
		return "users is all, or default, or a list of accounts; not both"
	case f.Destination == OnShare && f.Share.Path == "":
		return "destination is the share, but no share has a path"
	case f.Protection == TeamKey && len(f.Recipients) == 0:
		return "protection is the team key, but there are no recipients"
	case f.PassphraseFile != "" && f.Protection != "" && f.Protection != Passphrase:
		return "there is a passphrase-file, but protection is " + f.Protection
	}
	return ""
}

// take reads a mapping.
func take(keys []key, n *yaml.Node, in string) *Error {
	if n.Kind != yaml.MappingNode {
		return &Error{Line: n.Line, Text: in + "keys and values are wanted here, as in \"language: en\""}
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, v := n.Content[i], n.Content[i+1]
		at := slices.IndexFunc(keys, func(k key) bool { return k.name == name.Value })
		switch {
		case name.Kind != yaml.ScalarNode || at < 0:
			return &Error{Line: name.Line, Text: unknown(keys, name.Value, in)}
		case seen[name.Value]:
			return &Error{Line: name.Line, Text: in + name.Value + " is there twice"}
		}
		seen[name.Value] = true
		if text := set(keys[at], v, in); text != nil {
			return text
		}
	}
	return nil
}

// unknown names the keys there are, the likely one first.
func unknown(keys []key, name, in string) string {
	names := make([]string, 0, len(keys))
	for _, k := range keys {
		names = append(names, k.name)
	}
	text := fmt.Sprintf("%sthere is no key %q", in, short(name))
	if near := human.Nearest(strings.ReplaceAll(name, "_", "-"), names); near != "" {
		text += fmt.Sprintf(", do you mean %s?", near)
	} else {
		text += "."
	}
	return text + " The keys are " + strings.Join(names, ", ")
}

func short(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + ".."
	}
	return s
}

// set reads the value of a key.
func set(k key, n *yaml.Node, in string) *Error {
	wrong := func(at *yaml.Node, format string, args ...any) *Error {
		return &Error{Line: at.Line, Text: in + k.name + " " + fmt.Sprintf(format, args...)}
	}
	scalar := func(at *yaml.Node) (string, *Error) {
		var text string
		if at.Kind != yaml.ScalarNode || at.ShortTag() == "!!null" || at.Decode(&text) != nil {
			return "", wrong(at, "wants one value on a line")
		}
		if text == "" {
			return "", wrong(at, "is empty: leave the key out instead")
		}
		if i := slices.IndexFunc(k.words, func(w string) bool { return strings.EqualFold(w, text) }); i >= 0 {
			text = k.words[i]
		} else if k.words != nil {
			return "", wrong(at, "is %q, but can only be %s", short(text), either(k.words))
		}
		if k.check != nil {
			if bad := k.check(text); bad != "" {
				return "", wrong(at, "%s", bad)
			}
		}
		return text, nil
	}
	var err *Error
	switch {
	case k.group != nil:
		return take(k.group, n, in+k.name+": ")
	case k.text != nil:
		*k.text, err = scalar(n)
	case k.list != nil:
		items := n.Content
		if n.Kind == yaml.ScalarNode { // a list of one
			items = []*yaml.Node{n}
		} else if n.Kind != yaml.SequenceNode {
			return wrong(n, "wants a list, as in [one, two]")
		}
		for _, item := range items {
			text, err := scalar(item)
			if err != nil {
				return err
			}
			*k.list = append(*k.list, text)
		}
	default:
		var yes bool
		if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" || n.Decode(&yes) != nil {
			return wrong(n, "is yes or no")
		}
		if k.maybe != nil {
			*k.maybe = &yes
		} else {
			*k.yes = yes
		}
	}
	return err
}

// either lists words: a, b or c.
func either(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// readFull fills data, or reads to the end.
func readFull(r io.Reader, data []byte) (int, error) {
	n, err := io.ReadFull(r, data)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}

// Keys are the names of all keys of a file.
func Keys() []string {
	var names []string
	for _, k := range (&File{}).keys() {
		names = append(names, k.name)
	}
	return names
}
