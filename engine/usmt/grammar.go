package usmt

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"lifeboat/engine/human"
	"lifeboat/engine/winname"
)

// maxArgument is the longest argument in characters (spec/usmt-cli-spec.md 1.1).
const maxArgument = 256

// System is what the grammar has to know about the system a line was typed on.
type System struct {
	// SlashPaths: paths begin with /, so a word that begins with one is an
	// option only if it names one.
	SlashPaths bool
	// Dir is the current directory; relative paths count from there.
	Dir string
}

// arity says how an option takes an argument.
type arity int

const (
	none     arity = iota
	required       // after a colon, or the next word
	optional       // only after a colon: the next word would be ambiguous
)

// option is one row of a command's option table. The table drives parsing,
// printing and the help text, so that they cannot disagree.
type option struct {
	name  string // as printed; compared in any case
	alias string
	arity arity
	many  bool   // may be given more than once
	form  string // the argument's name in the help
	value value
	help  string // empty: not listed
}

// value ties an option to a field of the result.
type value interface {
	// set takes an argument ("" if there is none) and says what is wrong with it.
	set(arg string) *Failure
	// args lists the arguments that would set the field as it is; "" stands
	// for the bare option.
	args() []string
}

// occurrence is where and how an option was given.
type occurrence struct {
	at  int // index of its first word
	arg string
}

// given maps the names of the options on a line, and [StorePath], to their
// occurrences.
type given map[string]occurrence

// StorePath stands for the store path among the options, see [At].
const StorePath = "StorePath"

// line is a command line being parsed.
type line struct {
	program string
	sys     System
	words   []string
	options []option
	given   given
	plain   []int // indexes of the positional words
}

// parse reads args into the fields of options. It does not look at what the
// options mean to each other. Help ends it early and is reported.
func parse(program string, sys System, options []option, args []string) (*line, bool, error) {
	l := &line{program: program, sys: sys, options: options, given: given{}}
	for _, a := range args {
		// Wrappers build lines from pieces and leave stray line breaks behind.
		if strings.TrimSpace(a) != "" {
			l.words = append(l.words, unquote(a))
		}
	}
	if len(l.words) == 0 {
		return nil, false, &Failure{Code: InvalidParameters, What: "no options were given", Remedy: program + " /? lists the options"}
	}
	for i := 0; i < len(l.words); i++ {
		at := i
		word, ok := l.split(l.words[i])
		if !ok {
			if f := l.checkLength(i, l.words[i], "the path"); f != nil {
				return nil, false, f
			}
			if f := l.checkQuotes(i, l.words[i], "the path"); f != nil {
				return nil, false, f
			}
			l.plain = append(l.plain, i)
			continue
		}
		if isHelp(word.name) {
			return l, true, nil
		}
		o := l.find(word.name)
		if o == nil {
			return nil, false, l.unknown(at, word.name)
		}
		if _, again := l.given[o.name]; again && !o.many {
			return nil, false, l.fail(InvalidParameters, at, fmt.Sprintf("/%s is given more than once", o.name), "keep the one that is meant")
		}
		arg := word.arg
		switch {
		case o.arity == none && word.hasArg:
			return nil, false, l.fail(InvalidParameters, at, fmt.Sprintf("/%s takes no argument", o.name), "write /"+o.name+" alone")
		case o.arity == required && !word.hasArg:
			if i+1 == len(l.words) || l.isOption(l.words[i+1]) {
				return nil, false, l.fail(InvalidParameters, at, fmt.Sprintf("/%s needs an argument", o.name), "write "+o.usage())
			}
			i++
			arg = l.words[i]
		}
		if err := l.checkValue(at, i, o, arg, word.hasArg); err != nil {
			return nil, false, err
		}
		if _, again := l.given[o.name]; !again {
			l.given[o.name] = occurrence{at, arg}
		}
	}
	return l, false, nil
}

// checkValue checks an argument and stores it. The argument stands in word j
// of the option that begins in word i.
func (l *line) checkValue(i, j int, o *option, arg string, hasArg bool) error {
	if o.arity == required && arg == "" || o.arity == optional && hasArg && arg == "" {
		if o.name == "key" {
			return l.fail(UnableReadKey, i, "the key is empty", "give a key of one character or more, better eight")
		}
		return l.fail(InvalidParameters, i, fmt.Sprintf("the argument of /%s is empty", o.name), "write "+o.usage())
	}
	what := "the argument of /" + o.name
	if f := l.checkLength(j, arg, what); f != nil {
		return f
	}
	if !o.secret() { // which may hold any character
		if f := l.checkQuotes(j, arg, what); f != nil {
			return f
		}
	}
	if f := o.value.set(arg); f != nil {
		if f.Remedy == "" {
			f.Remedy = "write " + o.usage()
		}
		return l.fail(f.Code, i, "/"+o.name+" "+f.What, f.Remedy)
	}
	return nil
}

// checkLength refuses what is too long for an argument.
func (l *line) checkLength(i int, arg, what string) *Failure {
	if n := len(utf16.Encode([]rune(arg))); n > maxArgument {
		return l.fail(ParamTooLarge, i, fmt.Sprintf("%s has %d characters, more than %d", what, n, maxArgument), "")
	}
	return nil
}

// checkQuotes refuses a quotation mark, which no path or name can hold:
// "E:\store\" /o arrives as the one word E:\store" /o, because the backslash
// took the mark's meaning away.
func (l *line) checkQuotes(i int, arg, what string) *Failure {
	if strings.Contains(arg, `"`) {
		return l.fail(InvalidParameters, i, fmt.Sprintf("%s has a quotation mark in it: %s", what, winname.Show(arg)),
			"leave out the backslash before the closing quotation mark")
	}
	return nil
}

// word is an option word taken apart.
type word struct {
	name, arg string
	hasArg    bool
}

// split takes an option word apart; false means that it is not an option.
func (l *line) split(s string) (word, bool) {
	body, marks := "", ":"
	switch {
	case strings.HasPrefix(s, "//"): // a server's share
		return word{}, false
	case strings.HasPrefix(s, "/"):
		body = s[1:]
	case strings.HasPrefix(s, "--"):
		body, marks = s[2:], ":="
	case strings.HasPrefix(s, "-"):
		body, marks = s[1:], ":="
	default:
		return word{}, false
	}
	w := word{name: body}
	if i := strings.IndexAny(body, marks); i >= 0 {
		w = word{name: body[:i], arg: unquote(body[i+1:]), hasArg: true}
	}
	if _, known := refused[strings.ToLower(w.name)]; l.sys.SlashPaths && s[0] == '/' && l.find(w.name) == nil && !known && !isHelp(w.name) {
		return word{}, false
	}
	return w, true
}

// isOption reports whether a word that could be an argument is an option
// instead. One that begins with - may be either; it is an option if it names one.
func (l *line) isOption(s string) bool {
	w, ok := l.split(s)
	if !ok {
		return false
	}
	return s[0] == '/' || l.find(w.name) != nil || isHelp(w.name)
}

func isHelp(name string) bool {
	return name == "?" || strings.EqualFold(name, "help") || strings.EqualFold(name, "h")
}

func (l *line) find(name string) *option {
	for i := range l.options {
		if o := &l.options[i]; strings.EqualFold(o.name, name) || o.alias != "" && strings.EqualFold(o.alias, name) {
			return o
		}
	}
	return nil
}

// unknown words the failure for an option that the command does not have.
func (l *line) unknown(at int, name string) *Failure {
	shown := winname.Show(name)
	if text, ok := refused[strings.ToLower(name)]; ok {
		return l.fail(InvalidParameters, at, fmt.Sprintf("/%s %s", shown, text), "leave it out")
	}
	if other := l.elsewhere(name); other != nil {
		return l.fail(InvalidParameters, at, fmt.Sprintf("/%s is an option of %s, not of %s", other.find(name).name, other.program, l.program), "leave it out")
	}
	remedy := l.program + " /? lists the options"
	if near := l.nearest(name); near != "" {
		remedy = "perhaps /" + near + " is meant; " + remedy
	}
	return l.fail(InvalidParameters, at, fmt.Sprintf("there is no option /%s", shown), remedy)
}

// surplus words the failure for more paths than a command takes. What is one too
// many is often an option of another tool, which a system whose paths begin with /
// takes for a path, or belongs to an option before it that wants a colon.
func (l *line) surplus(takes int, what, remedy string) *Failure {
	for _, i := range l.plain {
		if name := optionName(l.words[i]); name != "" && l.elsewhere(name) != nil {
			return l.unknown(i, name)
		}
	}
	for _, i := range l.plain {
		if o := l.bare(i - 1); o != nil {
			remedy := "write /" + o.name + ":" + winname.Show(l.words[i])
			if o.secret() {
				remedy = "write " + o.usage()
			}
			return l.fail(InvalidParameters, i, fmt.Sprintf("/%s takes an argument after a colon only", o.name), remedy)
		}
	}
	i := l.plain[takes]
	if name := optionName(l.words[i]); name != "" {
		remedy = fmt.Sprintf("if %s is meant as an option: there is none of that name", winname.Show(l.words[i]))
		if near := l.nearest(name); near != "" {
			remedy += ", perhaps /" + near + " is meant"
		}
	}
	return l.fail(InvalidParameters, i, what, remedy)
}

// optionName is the name in what looks like an option, "" for what does not.
func optionName(word string) string {
	name, ok := strings.CutPrefix(word, "/")
	if name, _, _ = strings.Cut(name, ":"); !ok || strings.Contains(name, "/") {
		return ""
	}
	return name
}

// bare is the option in word i if it could have had an argument and has none. After
// /verify stands the store.
func (l *line) bare(i int) *option {
	if i < 0 {
		return nil
	}
	w, ok := l.split(l.words[i])
	if o := l.find(w.name); ok && o != nil && o.arity == optional && !w.hasArg && o.name != "verify" {
		return o
	}
	return nil
}

// elsewhere finds an option of another tool; its program is the line's.
func (l *line) elsewhere(name string) *line {
	for _, program := range []string{"scanstate", "loadstate", "usmtutils"} {
		other := &line{program: program, options: tableOf(program)}
		if program != l.program && other.find(name) != nil {
			return other
		}
	}
	return nil
}

// nearest finds the option that was probably meant.
func (l *line) nearest(name string) string {
	var names []string
	for _, o := range l.options {
		names = append(names, o.name)
	}
	return human.Nearest(name, names)
}

// fail makes the failure for word i.
func (l *line) fail(code Code, i int, what, remedy string) *Failure {
	words := mask(l.sys, l.options, l.words)
	words = slices.Insert(words, min(max(i, 0), len(words)), errorMark)
	return &Failure{Code: code, What: what, Remedy: remedy, Line: winname.Show(Join(l.sys, append([]string{l.program}, words...)))}
}

const errorMark = "##ERROR##"

// mask returns the words with the keys and passwords in them hidden.
func mask(sys System, options []option, words []string) []string {
	l := line{sys: sys, options: options}
	words = slices.Clone(words)
	plain, maybe := 0, -1 // paths, and the word that is one or a password where a colon was meant
	for i := 0; i < len(words); i++ {
		w, ok := l.split(words[i])
		if !ok {
			plain++
			continue
		}
		o := l.find(w.name)
		switch {
		case o == nil || !o.secret():
			if o != nil && o.arity == required && !w.hasArg && i+1 < len(words) && !l.isOption(words[i+1]) {
				i++ // its argument is no path
			}
		case w.hasArg:
			words[i] = "/" + o.name + ":***"
		case i+1 == len(words) || l.isOption(words[i+1]):
		case o.arity == required:
			i++
			words[i] = "***"
		default:
			maybe = i + 1
		}
	}
	if plain > 1 && maybe >= 0 {
		words[maybe] = "***"
	}
	return words
}

// unquote removes quotation marks that enclose all of s.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// secret reports whether the argument must not be shown.
func (o *option) secret() bool {
	switch o.name {
	case "key", "lac", "recoveryPassword", "passphrase":
		return true
	}
	return false
}

// usage is the option as the help shows it: /i:file.xml.
func (o *option) usage() string {
	switch o.arity {
	case none:
		return "/" + o.name
	case optional:
		return "/" + o.name + "[:" + o.form + "]"
	}
	return "/" + o.name + ":" + o.form
}

// render lists the words that set the options as their fields stand.
func render(options []option) []string {
	var words []string
	for _, o := range options {
		for _, arg := range o.value.args() {
			if arg == "" {
				words = append(words, "/"+o.name)
			} else {
				words = append(words, "/"+o.name+":"+arg)
			}
		}
	}
	return words
}

// The values that options set.

type flag struct{ p *bool }

func (v flag) set(string) *Failure { *v.p = true; return nil }
func (v flag) args() []string {
	if *v.p {
		return []string{""}
	}
	return nil
}

type text struct {
	p        *string
	fallback string
}

func (v text) set(arg string) *Failure { *v.p = arg; return nil }
func (v text) args() []string {
	if *v.p == v.fallback {
		return nil
	}
	return []string{*v.p}
}

type list struct {
	p     *[]string
	check func(string) *Failure // may be nil
}

func (v list) set(arg string) *Failure {
	if v.check != nil {
		if f := v.check(arg); f != nil {
			return f
		}
	}
	*v.p = append(*v.p, arg)
	return nil
}
func (v list) args() []string { return *v.p }

type number struct {
	p             *int
	fallback, max int
}

func (v number) set(arg string) *Failure {
	n, err := strconv.Atoi(arg)
	if err != nil || n < 0 || n > v.max {
		return Fail(InvalidParameters, nil, "needs a whole number from 0 to %d, not %q", v.max, arg)
	}
	*v.p = n
	return nil
}
func (v number) args() []string {
	if *v.p == v.fallback {
		return nil
	}
	return []string{strconv.Itoa(*v.p)}
}

// switchText is an option that may be given alone or with a text.
type switchText struct {
	on *bool
	p  *string
}

func (v switchText) set(arg string) *Failure { *v.on, *v.p = true, arg; return nil }
func (v switchText) args() []string {
	if !*v.on {
		return nil
	}
	return []string{*v.p}
}

// choice is one word out of a list; bare is what the option alone means.
type choice[T ~string] struct {
	p        *T
	words    []T
	bare     T // "" if the word is required
	fallback T // the field when the option is not given
}

func (v choice[T]) set(arg string) *Failure {
	if arg == "" {
		*v.p = v.bare
		return nil
	}
	for _, w := range v.words {
		if strings.EqualFold(string(w), arg) {
			*v.p = w
			return nil
		}
	}
	var names []string
	for _, w := range v.words {
		names = append(names, string(w))
	}
	return Fail(InvalidParameters, nil, "does not know %q", arg).
		WithRemedy("choose one of " + strings.Join(names, ", "))
}
func (v choice[T]) args() []string {
	switch *v.p {
	case v.fallback:
		return nil
	case v.bare:
		return []string{""}
	}
	return []string{string(*v.p)}
}
