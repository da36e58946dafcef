package migxml

import (
	"errors"
	"fmt"
	"strings"
)

// Call is a parsed script call: MigXmlHelper.Name(arguments).
type Call struct {
	Library string // as written
	Name    string // as written
	Args    []Arg
}

// Arg is one argument. All parameters of the language are strings; Null is the
// bare word NULL, which stands for a missing one.
type Arg struct {
	Text string
	Null bool
}

// maxArgs bounds the arguments of a call; the longest list in real files has five.
const maxArgs = 4096

// ParseCall reads a script call after spec 6. A backslash escapes nothing; a
// quote inside an argument is had by quoting with the other kind.
func ParseCall(text string) (Call, error) {
	s := callScanner{text: text}
	library := s.word()
	if library == "" {
		return Call{}, errors.New("expected Library.Function(arguments)")
	}
	if !s.accept('.') {
		return Call{}, fmt.Errorf("expected a dot after %q", library)
	}
	c := Call{Library: library, Name: s.word()}
	if c.Name == "" {
		return Call{}, fmt.Errorf("expected a function name after %q", library+".")
	}
	if s.accept('(') {
		if err := s.args(&c); err != nil {
			return Call{}, err
		}
	}
	if rest := s.rest(); rest != "" {
		return Call{}, fmt.Errorf("unexpected %q after the call of %s", rest, c.Name)
	}
	return c, nil
}

func (c Call) String() string {
	var b strings.Builder
	b.WriteString(c.Library + "." + c.Name + "(")
	for i, a := range c.Args {
		if i > 0 {
			b.WriteString(",")
		}
		switch {
		case a.Null:
			b.WriteString("NULL")
		case strings.Contains(a.Text, `"`):
			b.WriteString("'" + a.Text + "'")
		default:
			b.WriteString(`"` + a.Text + `"`)
		}
	}
	b.WriteString(")")
	return b.String()
}

// arg returns argument i, "" if it is NULL or missing.
func (c *Call) arg(i int) string {
	if i >= len(c.Args) || c.Args[i].Null {
		return ""
	}
	return c.Args[i].Text
}

// null tells whether argument i is missing. MigApp writes 'NULL' in quotes
// where it means NULL, so that counts too.
func (c *Call) null(i int) bool {
	return i >= len(c.Args) || c.Args[i].Null || strings.EqualFold(c.Args[i].Text, "NULL")
}

// flag reads argument i as a boolean.
func (c *Call) flag(i int, missing bool) bool {
	if c.null(i) {
		return missing
	}
	if v, ok := parseBool(c.Args[i].Text); ok {
		return v
	}
	return missing
}

type callScanner struct {
	text string
	pos  int
}

func (s *callScanner) blanks() {
	for s.pos < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.pos]) >= 0 {
		s.pos++
	}
}

func (s *callScanner) rest() string {
	s.blanks()
	return s.text[s.pos:]
}

func (s *callScanner) accept(c byte) bool {
	s.blanks()
	if s.pos < len(s.text) && s.text[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

func (s *callScanner) word() string {
	s.blanks()
	start := s.pos
	for s.pos < len(s.text) && wordByte(s.text[s.pos]) {
		s.pos++
	}
	return s.text[start:s.pos]
}

func wordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// args reads up to and with the closing parenthesis.
func (s *callScanner) args(c *Call) error {
	if s.accept(')') {
		return nil
	}
	for {
		if len(c.Args) == maxArgs {
			return fmt.Errorf("%s has too many arguments", c.Name)
		}
		a, err := s.arg()
		if err != nil {
			return fmt.Errorf("argument %d of %s: %w", len(c.Args)+1, c.Name, err)
		}
		c.Args = append(c.Args, a)
		switch {
		case s.accept(','):
		case s.accept(')'):
			return nil
		default:
			return fmt.Errorf("missing ) after argument %d of %s", len(c.Args), c.Name)
		}
	}
}

func (s *callScanner) arg() (Arg, error) {
	s.blanks()
	if s.pos == len(s.text) {
		return Arg{}, errors.New("missing )")
	}
	if q := s.text[s.pos]; q == '\'' || q == '"' {
		end := strings.IndexByte(s.text[s.pos+1:], q)
		if end < 0 {
			return Arg{}, fmt.Errorf("missing closing %c", q)
		}
		a := Arg{Text: s.text[s.pos+1 : s.pos+1+end]}
		s.pos += end + 2
		return a, nil
	}
	end := strings.IndexAny(s.text[s.pos:], ",)")
	if end < 0 {
		return Arg{}, errors.New("missing )")
	}
	text := strings.TrimSpace(s.text[s.pos : s.pos+end])
	s.pos += end
	if text == "" || strings.EqualFold(text, "NULL") {
		return Arg{Null: true}, nil
	}
	return Arg{Text: text}, nil
}

// parseBool reads a boolean of spec 3.
func parseBool(s string) (value, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "yes", "true", "1":
		return true, true
	case "no", "false", "0":
		return false, true
	}
	return false, false
}
