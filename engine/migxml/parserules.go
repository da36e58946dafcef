package migxml

import (
	"strings"

	"github.com/beevik/etree"
)

func (p *parser) rules(e *etree.Element) *Rules {
	p.attrs(e, "name", "context")
	r := &Rules{Line: p.lines[e], Scope: p.scope(e)}
	if r.Name, r.Ref = p.reference(e); r.Ref {
		return r
	}
	h := handlers{
		"conditions": func(e *etree.Element) { r.Conditions = append(r.Conditions, p.conditions(e)) },
		"detects":    func(e *etree.Element) { r.Detects = append(r.Detects, p.detects(e)) },
		"rules":      func(e *etree.Element) { r.Rules = append(r.Rules, p.rules(e)) },
		"addObjects": func(e *etree.Element) { r.Added = append(r.Added, p.addObjects(e)) },
		"externalProcess": func(e *etree.Element) {
			a := p.action(e)
			p.children(e, handlers{"commandLine": func(e *etree.Element) { a.Commands = append(a.Commands, text(e)) }})
			r.Actions = append(r.Actions, a)
		},
		"processing": func(e *etree.Element) {
			a := p.action(e)
			p.children(e, handlers{"script": func(e *etree.Element) { a.Scripts = append(a.Scripts, p.script(e, text(e), actionClass)) }})
			r.Actions = append(r.Actions, a)
		},
	}
	item := func(kind RuleKind, read func(*etree.Element, *Item)) {
		h[string(kind)] = func(e *etree.Element) {
			i := &Item{Line: p.lines[e], Kind: kind}
			read(e, i)
			i.Sets = p.objectSets(e)
			r.Items = append(r.Items, i)
		}
	}
	filtered := func(e *etree.Element, i *Item) {
		p.attrs(e, "filter")
		i.Script = p.filter(e, "filter", filterClass)
	}
	for _, kind := range []RuleKind{Include, Exclude, UnconditionalExclude, DestinationCleanup} {
		item(kind, filtered)
	}
	for _, kind := range []RuleKind{IncludeAttributes, ExcludeAttributes} {
		item(kind, func(e *etree.Element, i *Item) {
			p.attrs(e, "attributes")
			i.Attributes = p.attributes(e)
		})
	}
	for kind, class := range map[RuleKind]class{Merge: mergeClass, LocationModify: locationClass, ContentModify: modifyClass} {
		item(kind, func(e *etree.Element, i *Item) {
			p.attrs(e, "script")
			if p.required(e, "script") != "" {
				i.Script = p.filter(e, "script", class)
			}
		})
	}
	p.children(e, h)
	return r
}

func (p *parser) action(e *etree.Element) *Action {
	p.attrs(e, "when")
	a := &Action{Line: p.lines[e]}
	if v := p.required(e, "when"); v != "" {
		ok := false
		if a.When, ok = choice(v, "pre-scan", "scan-success", "post-scan", "pre-apply", "apply-success", "post-apply"); !ok {
			p.fail(e, "attribute when is %q, expected pre-scan, scan-success, post-scan, pre-apply, apply-success or post-apply", show(v))
		}
	}
	return a
}

var attributeNames = map[string]Attributes{
	"security": Security, "timefields": TimeFields,
	"owner": Owner, "group": Group, "dacl": DACL, "sacl": SACL,
	"creationtime": CreationTime, "lastaccesstime": LastAccessTime, "lastwrittentime": LastWrittenTime,
}

// attributes accepts the groups and the single names, in a list, quoted or not.
func (p *parser) attributes(e *etree.Element) Attributes {
	var set Attributes
	for name := range strings.SplitSeq(p.required(e, "attributes"), ",") {
		name = strings.Trim(name, ` "'`)
		a, ok := attributeNames[strings.ToLower(name)]
		if !ok && name != "" {
			p.say(Warning, e, "attribute attributes names %q, expected Security or TimeFields", show(name))
		}
		set |= a
	}
	return set
}

func (p *parser) objectSets(e *etree.Element) []*ObjectSet {
	var sets []*ObjectSet
	p.children(e, handlers{"objectSet": func(e *etree.Element) { sets = append(sets, p.objectSet(e)) }})
	if len(sets) == 0 {
		p.say(Warning, e, "no objectSet, the element has no effect")
	}
	return sets
}

func (p *parser) objectSet(e *etree.Element) *ObjectSet {
	p.attrs(e)
	s := &ObjectSet{Line: p.lines[e]}
	p.children(e, handlers{
		"conditions": func(e *etree.Element) { s.Conditions = append(s.Conditions, p.conditions(e)) },
		"condition":  func(e *etree.Element) { s.Condition = append(s.Condition, p.condition(e)) },
		"pattern": func(e *etree.Element) {
			if t := p.pattern(e); t != nil {
				s.Members = append(s.Members, Member{Pattern: t})
			}
		},
		"script": func(e *etree.Element) {
			s.Members = append(s.Members, Member{Script: p.script(e, text(e), patternClass)})
		},
		"content": func(e *etree.Element) { s.Members = append(s.Members, Member{Content: p.content(e)}) },
	})
	if len(s.Members) == 0 {
		p.say(Warning, e, "the objectSet is empty, it selects nothing")
	}
	return s
}

func (p *parser) content(e *etree.Element) *ContentSet {
	p.attrs(e, "filter")
	c := &ContentSet{Line: p.lines[e]}
	if p.required(e, "filter") != "" {
		c.Filter = p.filter(e, "filter", contentClass)
	}
	p.children(e, handlers{"objectSet": func(e *etree.Element) { c.Sets = append(c.Sets, p.objectSet(e)) }})
	return c
}

func (p *parser) pattern(e *etree.Element) *PatternText {
	p.attrs(e, "type")
	p.children(e, nil)
	kind, ok := p.kind(e)
	t := &PatternText{Line: p.lines[e], Kind: kind, Text: text(e)}
	if !ok {
		return nil
	}
	if t.Text == "" {
		p.say(Warning, e, "the pattern is empty, ignored")
		return nil
	}
	// Patterns with variables are checked when these are known.
	if !strings.Contains(t.Text, "%") {
		parsed, err := ParsePattern(kind, t.Text)
		if err == nil {
			err = checkRoot(parsed)
		}
		if err != nil {
			p.say(Warning, e, "pattern \"%.80s\": %v; ignored", show(t.Text), err)
			return nil
		}
	}
	if node, _, _ := strings.Cut(t.Text, "["); kind == IniKind && strings.HasSuffix(node, " ") {
		p.say(Warning, e, "pattern \"%.80s\": blanks before [, expected none in an Ini pattern", show(t.Text))
	}
	if kind == FileKind && strings.Contains(t.Text, "?") {
		p.say(Warning, e, "pattern \"%.80s\": ? is not a wildcard, the pattern matches nothing", show(t.Text))
	}
	return t
}

func (p *parser) addObjects(e *etree.Element) *AddObjects {
	p.attrs(e)
	a := &AddObjects{Line: p.lines[e]}
	p.children(e, handlers{
		"conditions": func(e *etree.Element) { a.Conditions = append(a.Conditions, p.conditions(e)) },
		"condition":  func(e *etree.Element) { a.Condition = append(a.Condition, p.condition(e)) },
		"object": func(e *etree.Element) {
			if o := p.object(e); o != nil {
				a.Objects = append(a.Objects, o)
			}
		},
		"script": func(e *etree.Element) {
			p.say(Warning, e, "no known function returns objects, the script is ignored")
		},
	})
	return a
}

func (p *parser) object(e *etree.Element) *SimObject {
	p.attrs(e)
	o := &SimObject{Line: p.lines[e]}
	p.children(e, handlers{
		"location": func(e *etree.Element) {
			p.attrs(e, "type")
			p.children(e, nil)
			o.Kind, _ = p.kind(e)
			o.Location = text(e)
		},
		"attributes": func(e *etree.Element) {
			for a := range strings.SplitSeq(text(e), ",") {
				if a = strings.TrimSpace(a); a != "" {
					o.Attributes = append(o.Attributes, strings.ToUpper(a))
				}
			}
		},
		"bytes": func(e *etree.Element) {
			p.attrs(e, "string", "expand")
			o.String, o.Expand = p.boolean(e, "string", false), p.boolean(e, "expand", true)
			t := text(e)
			o.Bytes = &t
		},
	})
	if o.Location == "" {
		p.say(Warning, e, "object lacks a location, ignored")
		return nil
	}
	return o
}
