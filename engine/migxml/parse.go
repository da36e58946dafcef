package migxml

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"lifeboat/engine/winname"
)

// Parse reads one migration file; name is what diagnostics call it. The error
// is a *SyntaxError and means that nothing of the file can be used (return code
// 28); it wraps ErrConfig for a Config.xml. A component that breaks a rule the
// original stops at, such as an unknown context, is left out with a Diagnostic
// of severity Error: it is up to the caller to go on without it.
func Parse(name string, data []byte) (*File, []Diagnostic, error) {
	if len(data) > maxFileSize {
		return nil, nil, &SyntaxError{File: name, Text: fmt.Sprintf("larger than %d MB", maxFileSize>>20)}
	}
	text, remark, err := toUTF8(data)
	if err != nil {
		return nil, nil, &SyntaxError{File: name, Line: 1, Text: err.Error(), Err: err}
	}
	lines, doctype, err := scan(text)
	if err != nil {
		if s, ok := err.(*SyntaxError); ok {
			s.File = name
		}
		return nil, nil, err
	}
	doc := etree.NewDocument()
	doc.ReadSettings.CharsetReader = passThrough
	if err := doc.ReadFromBytes(text); err != nil {
		return nil, nil, &SyntaxError{File: name, Text: err.Error(), Err: err}
	}
	p := &parser{file: &File{Name: name, declared: map[string]bool{}}, lines: make(map[*etree.Element]int, len(lines))}
	p.number(doc.Root(), lines)
	if remark != "" {
		p.say(Warning, nil, "%s", remark)
	}
	if doctype {
		p.say(Warning, nil, "the document type declaration is ignored")
	}
	if err := p.migration(doc.Root()); err != nil {
		return nil, p.diags, err
	}
	return p.file, p.diags, nil
}

type parser struct {
	file   *File
	diags  []Diagnostic
	lines  map[*etree.Element]int
	broken bool // the component or definition being read must be left out

	definition *etree.Element // child of namedElements being read: its name defines
	within     string         // the same, as refersTo names it
	refs       []refersTo
}

// number gives each element its line; elements come in document order.
func (p *parser) number(e *etree.Element, lines []int) []int {
	p.lines[e] = lines[0]
	lines = lines[1:]
	for _, child := range e.ChildElements() {
		lines = p.number(child, lines)
	}
	return lines
}

func (p *parser) say(s Severity, e *etree.Element, format string, args ...any) {
	if len(p.diags) >= maxDiagnostics && s < Error {
		return
	}
	d := Diagnostic{File: p.file.Name, Text: fmt.Sprintf(format, args...), Severity: s}
	if e != nil {
		d.Line, d.Element = p.lines[e], place(e)
	}
	p.diags = append(p.diags, d)
}

// fail reports what makes the component unusable.
func (p *parser) fail(e *etree.Element, format string, args ...any) {
	p.say(Error, e, format, args...)
	p.broken = true
}

// place names an element by its ancestors from the innermost component on.
func place(e *etree.Element) string {
	var parts []string
	for ; e != nil && e.Tag != ""; e = e.Parent() {
		if e.Tag == "component" {
			name := ""
			if d := e.SelectElement("displayName"); d != nil {
				name = show(strings.TrimSpace(d.Text()))
			}
			parts = append(parts, fmt.Sprintf("component %q", name))
			break
		}
		if e.Tag == "migration" && len(parts) > 0 {
			break
		}
		parts = append(parts, show(e.Tag))
	}
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return strings.Join(parts, " > ")
}

func (p *parser) migration(root *etree.Element) error {
	fail := func(err error, format string, args ...any) error {
		return &SyntaxError{File: p.file.Name, Line: p.lines[root], Text: fmt.Sprintf(format, args...), Err: err}
	}
	switch {
	case root.Tag == "Configuration":
		return fail(ErrConfig, "%v", ErrConfig)
	case root.Tag != "migration":
		return fail(nil, "root element is <%s>, expected <migration>", show(root.Tag))
	}
	p.file.URLID = strings.TrimSpace(root.SelectAttrValue("urlid", ""))
	if p.file.URLID == "" {
		return fail(nil, "<migration> lacks the attribute urlid")
	}
	p.attrs(root, "urlid")
	seen := map[string]bool{}
	p.children(root, handlers{
		"component": func(e *etree.Element) {
			c := p.component(e)
			if c == nil {
				return
			}
			key := winname.Fold(c.DisplayName)
			if seen[key] {
				p.say(Warning, e, "a second component has the displayName %q", show(c.DisplayName))
			}
			seen[key] = true
			p.file.Components = append(p.file.Components, c)
		},
		"namedElements":  p.namedElements,
		"library":        ignore,
		"_locDefinition": ignore,
	})
	if len(p.file.Components) == 0 {
		p.say(Warning, root, "no component, the file does nothing")
	}
	p.checkReferences()
	return nil
}

// handlers maps a child's tag to what reads it.
type handlers map[string]func(*etree.Element)

func ignore(*etree.Element) {}

// foreign elements belong to component manifests or are internal (spec 4.20).
var foreign = map[string]string{
	"windowsObjects":         "internal element",
	"plugin":                 "internal element",
	"supportedComponents":    "element of component manifests",
	"migXml":                 "element of component manifests",
	"machineSpecific":        "element of component manifests",
	"registerSDF":            "element of component manifests",
	"migrationDisplayID":     "element of component manifests",
	"migrationDisplayString": "element of component manifests",
}

func (p *parser) children(e *etree.Element, h handlers) {
	for _, child := range e.ChildElements() {
		if read := h[child.Tag]; read != nil && child.Space == "" {
			read(child)
			continue
		}
		if what := foreign[child.Tag]; what != "" {
			s := Warning
			if child.Tag == "windowsObjects" {
				s = Info
			}
			p.say(s, child, "%s, ignored", what)
			continue
		}
		p.say(Warning, child, "<%s> is not known inside <%s>, ignored%s", show(child.Tag), e.Tag, suggest(child.Tag, h))
	}
}

func suggest[T any](name string, known map[string]T) string {
	for k := range known {
		if k != name && strings.EqualFold(k, name) {
			return fmt.Sprintf("; did you mean <%s>?", k)
		}
	}
	return ""
}

// attrs warns about attributes other than those named.
func (p *parser) attrs(e *etree.Element, known ...string) {
	for _, a := range e.Attr {
		if a.Space != "" || a.Key == "xmlns" || strings.HasPrefix(a.Key, "_loc") || slices.Contains(known, a.Key) {
			continue
		}
		hint := ""
		if k, ok := choice(a.Key, known...); ok {
			hint = "; did you mean " + k + "?"
		}
		p.say(Warning, e, "attribute %s is not known, ignored%s", show(a.Key), hint)
	}
}

// required returns an attribute that must be there.
func (p *parser) required(e *etree.Element, name string) string {
	v := strings.TrimSpace(e.SelectAttrValue(name, ""))
	if v == "" {
		p.fail(e, "attribute %s is missing", name)
	}
	return v
}

// choice returns the canonical spelling of an enumerated value.
func choice(value string, of ...string) (string, bool) {
	for _, c := range of {
		if strings.EqualFold(strings.TrimSpace(value), c) {
			return c, true
		}
	}
	return "", false
}

func (p *parser) boolean(e *etree.Element, name string, missing bool) bool {
	a := e.SelectAttr(name)
	if a == nil {
		return missing
	}
	v, ok := parseBool(a.Value)
	if !ok {
		p.say(Warning, e, "attribute %s is %q, expected Yes or No", name, show(a.Value))
		return missing
	}
	return v
}

func (p *parser) scope(e *etree.Element) Scope {
	a := e.SelectAttr("context")
	if a == nil {
		return userAndSystem
	}
	v := strings.TrimSpace(a.Value)
	switch c, _ := choice(v, "User", "System", "UserAndSystem"); {
	case c == "User":
		return Scope{User: true}
	case c == "System":
		return Scope{System: true}
	case c == "UserAndSystem":
		return userAndSystem
	case strings.Contains(v, `\`) || strings.HasPrefix(strings.ToUpper(v), "S-1-"):
		return Scope{User: true, Account: v}
	}
	p.fail(e, `attribute context is %q, expected User, System, UserAndSystem or DOMAIN\user`, show(v))
	return Scope{}
}

// kind reads a type attribute of patterns and locations.
func (p *parser) kind(e *etree.Element) (Kind, bool) {
	v := p.required(e, "type")
	c, ok := choice(v, string(FileKind), string(RegistryKind), string(IniKind))
	if v != "" && !ok {
		p.fail(e, "attribute type is %q, expected File, Registry or Ini", show(v))
	}
	return Kind(c), ok
}

// text returns the trimmed character data of an element, comments left out.
func text(e *etree.Element) string {
	var b strings.Builder
	for _, t := range e.Child {
		if c, ok := t.(*etree.CharData); ok {
			b.WriteString(c.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

// script reads a call that must be a function of class want.
func (p *parser) script(e *etree.Element, call string, want class) *Script {
	s := &Script{Line: p.lines[e], Text: strings.TrimSpace(call)}
	s.Call, s.Err = ParseCall(s.Text)
	remark := ""
	if s.Err == nil {
		remark, s.Err = s.Call.check(want)
	}
	switch {
	case s.Err != nil && strings.HasPrefix(s.Err.Error(), "internal function"):
		p.say(Info, e, "%v", s.Err)
	case s.Err != nil:
		lost := ""
		if want == filterClass {
			lost = fmt.Sprintf("; the %s is not applied", e.Tag)
		}
		p.say(Warning, e, "script \"%.80s\": %v%s", show(s.Text), s.Err, lost)
	case remark != "":
		p.say(Warning, e, "%s", remark)
	}
	if s.Err == nil && unsupported[strings.ToLower(s.Call.Name)] {
		p.say(Info, e, "%s is known by name only; the data is migrated without it", s.Call.Name)
	}
	return s
}

// filter reads an optional attribute that holds a call.
func (p *parser) filter(e *etree.Element, attr string, want class) *Script {
	v := strings.TrimSpace(e.SelectAttrValue(attr, ""))
	if v == "" {
		return nil
	}
	return p.script(e, v, want)
}

// reference reads the name of an element that may be a reference to a named one.
func (p *parser) reference(e *etree.Element) (name string, ref bool) {
	name = strings.TrimSpace(e.SelectAttrValue("name", ""))
	if name == "" || e == p.definition {
		return name, false
	}
	p.refs = append(p.refs, refersTo{element: e, tag: e.Tag, name: name, within: p.within})
	return name, true
}

func (p *parser) component(e *etree.Element) *Component {
	outer := p.broken
	p.broken = false
	defer func() { p.broken = outer }()
	p.attrs(e, "type", "context", "defaultSupported", "hidden", "id")
	c := &Component{
		Line:             p.lines[e],
		Scope:            p.scope(e),
		Hidden:           p.boolean(e, "hidden", false),
		DefaultSupported: p.boolean(e, "defaultSupported", true),
	}
	if v := p.required(e, "type"); v != "" {
		ok := false
		if c.Type, ok = choice(v, "System", "Application", "Device", "Documents"); !ok {
			// The type only says where the component is listed.
			p.say(Warning, e, "attribute type is %q, expected System, Application, Device or Documents; taken for Application", show(v))
			c.Type = "Application"
		}
	}
	named := false
	p.children(e, handlers{
		"displayName": func(e *etree.Element) {
			p.attrs(e)
			if named {
				p.say(Warning, e, "second displayName, ignored")
				return
			}
			c.DisplayName, named = text(e), true
		},
		"environment": func(e *etree.Element) { c.Environments = append(c.Environments, p.environment(e)) },
		"role":        func(e *etree.Element) { c.Roles = append(c.Roles, p.role(e)) },
		"extensions": func(e *etree.Element) {
			p.attrs(e)
			p.children(e, handlers{"extension": func(e *etree.Element) {
				if ext := strings.TrimPrefix(strings.TrimPrefix(text(e), "*"), "."); ext != "" {
					c.Extensions = append(c.Extensions, Extension{Line: p.lines[e], Ext: ext})
				} else {
					p.say(Warning, e, "empty extension, ignored")
				}
			}})
		},
		"manufacturer": ignore, "version": ignore, "description": ignore, "icon": ignore, "paths": ignore,
		"_locDefinition": ignore,
	})
	if c.DisplayName == "" {
		p.say(Warning, e, "component lacks a displayName and cannot be listed in Config.xml")
	}
	if p.broken {
		return nil
	}
	return c
}

func (p *parser) role(e *etree.Element) *Role {
	p.attrs(e, "role")
	r := &Role{Line: p.lines[e]}
	if v := p.required(e, "role"); v != "" {
		ok := false
		if r.Kind, ok = choice(v, "Container", "Binaries", "Settings", "Data"); !ok {
			p.fail(e, "attribute role is %q, expected Container, Binaries, Settings or Data", show(v))
		}
	}
	p.children(e, handlers{
		"environment": func(e *etree.Element) { r.Environments = append(r.Environments, p.environment(e)) },
		"detection":   func(e *etree.Element) { r.Detections = append(r.Detections, p.detection(e)) },
		"detects":     func(e *etree.Element) { r.Detects = append(r.Detects, p.detects(e)) },
		"rules":       func(e *etree.Element) { r.Rules = append(r.Rules, p.rules(e)) },
		"role":        func(e *etree.Element) { r.Roles = append(r.Roles, p.role(e)) },
		"component": func(e *etree.Element) {
			if c := p.component(e); c != nil {
				r.Components = append(r.Components, c)
			}
		},
		"destinationCleanup": func(e *etree.Element) {
			p.say(Warning, e, "<destinationCleanup> is not known directly inside <role>, ignored; expected it inside <rules>")
		},
	})
	if r.Kind == "Container" && len(r.Rules) > 0 {
		p.say(Warning, e, "a Container has no rules of its own, ignored")
		r.Rules = nil
	}
	return r
}

func (p *parser) environment(e *etree.Element) *Environment {
	p.attrs(e, "name", "context")
	v := &Environment{Line: p.lines[e], Scope: p.scope(e)}
	if v.Name, v.Ref = p.reference(e); v.Ref {
		return v
	}
	p.children(e, handlers{
		"conditions": func(e *etree.Element) { v.Conditions = append(v.Conditions, p.conditions(e)) },
		"variable": func(e *etree.Element) {
			if x := p.variable(e); x != nil {
				v.Variables = append(v.Variables, x)
			}
		},
	})
	return v
}

func (p *parser) variable(e *etree.Element) *Variable {
	p.attrs(e, "name", "remap")
	v := &Variable{Line: p.lines[e], Name: strings.TrimSpace(e.SelectAttrValue("name", "")), Remap: p.boolean(e, "remap", false)}
	if v.Name == "" {
		p.say(Warning, e, "variable lacks the attribute name, ignored")
		return nil
	}
	p.file.declared[strings.ToUpper(v.Name)] = true
	sources := 0
	p.children(e, handlers{
		"text": func(e *etree.Element) {
			t := text(e)
			v.Text = &t
			sources++
		},
		"script":    func(e *etree.Element) { v.Script = p.script(e, text(e), stringClass); sources++ },
		"objectSet": func(e *etree.Element) { v.Set = p.objectSet(e); sources++ },
	})
	if sources != 1 {
		p.say(Warning, e, "variable %s has %d values, expected exactly one text, script or objectSet", show(v.Name), sources)
	}
	return v
}

func (p *parser) detection(e *etree.Element) *Detection {
	p.attrs(e, "name", "context")
	d := &Detection{Line: p.lines[e], Scope: p.scope(e)}
	if d.Name, d.Ref = p.reference(e); d.Ref {
		return d
	}
	p.children(e, handlers{
		"conditions": func(e *etree.Element) { d.Conditions = append(d.Conditions, p.conditions(e)) },
		// The grammar wants conditions around it; the meaning is plain all the same.
		"condition": func(e *etree.Element) {
			d.Conditions = append(d.Conditions, &Conditions{Line: p.lines[e], Terms: []Term{{Condition: p.condition(e)}}})
		},
	})
	return d
}

func (p *parser) conditions(e *etree.Element) *Conditions {
	p.attrs(e, "name", "operation")
	c := &Conditions{Line: p.lines[e]}
	if v := e.SelectAttrValue("operation", "AND"); !strings.EqualFold(strings.TrimSpace(v), "AND") {
		_, c.Or = choice(v, "OR")
		if !c.Or {
			p.fail(e, "attribute operation is %q, expected AND or OR", show(v))
		}
	}
	if c.Name, c.Ref = p.reference(e); c.Ref {
		return c
	}
	p.children(e, handlers{
		"condition":  func(e *etree.Element) { c.Terms = append(c.Terms, Term{Condition: p.condition(e)}) },
		"conditions": func(e *etree.Element) { c.Terms = append(c.Terms, Term{Conditions: p.conditions(e)}) },
	})
	return c
}

func (p *parser) condition(e *etree.Element) *Condition {
	p.attrs(e, "negation")
	p.children(e, nil)
	return &Condition{Line: p.lines[e], Negate: p.boolean(e, "negation", false), Script: p.script(e, text(e), conditionClass)}
}

func (p *parser) detects(e *etree.Element) *Detects {
	p.attrs(e, "name", "context")
	d := &Detects{Line: p.lines[e], Scope: p.scope(e)}
	if d.Name, d.Ref = p.reference(e); d.Ref {
		return d
	}
	p.children(e, handlers{
		"detect": func(e *etree.Element) { d.Detect = append(d.Detect, p.detect(e)) },
	})
	return d
}

func (p *parser) detect(e *etree.Element) *Detect {
	p.attrs(e, "name", "context")
	d := &Detect{Line: p.lines[e], Scope: p.scope(e)}
	if d.Name, d.Ref = p.reference(e); d.Ref {
		return d
	}
	p.children(e, handlers{
		"condition": func(e *etree.Element) { d.Conditions = append(d.Conditions, p.condition(e)) },
		"objectSet": func(e *etree.Element) { d.Sets = append(d.Sets, p.objectSet(e)) },
		"detect":    func(e *etree.Element) { d.Detect = append(d.Detect, p.detect(e)) },
	})
	return d
}

func (p *parser) namedElements(e *etree.Element) {
	p.attrs(e, "name")
	n := &p.file.named
	p.children(e, handlers{
		"environment": func(e *etree.Element) { define(p, e, &n.environments, p.environment) },
		"rules":       func(e *etree.Element) { define(p, e, &n.rules, p.rules) },
		"conditions":  func(e *etree.Element) { define(p, e, &n.conditions, p.conditions) },
		"detection":   func(e *etree.Element) { define(p, e, &n.detections, p.detection) },
		"detects":     func(e *etree.Element) { define(p, e, &n.detects, p.detects) },
		"detect":      func(e *etree.Element) { define(p, e, &n.detect, p.detect) },
	})
}

// define reads a definition; what stands inside it refers again.
func define[T any](p *parser, e *etree.Element, to *map[string]*T, read func(*etree.Element) *T) {
	name := winname.Fold(strings.TrimSpace(e.SelectAttrValue("name", "")))
	if name == "" {
		p.say(Warning, e, "named element lacks the attribute name, ignored")
		return
	}
	if _, ok := (*to)[name]; ok {
		p.say(Warning, e, "a second %s is called %q, ignored", e.Tag, show(name))
		return
	}
	outer := p.broken
	p.broken, p.definition, p.within = false, e, e.Tag+" "+name
	v := read(e)
	p.definition, p.within = nil, ""
	if !p.broken {
		if *to == nil {
			*to = map[string]*T{}
		}
		(*to)[name] = v
	}
	p.broken = outer
}
