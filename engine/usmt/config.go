package usmt

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"lifeboat/engine/winname"
)

// Config is a Config.xml (spec/usmt-cli-spec.md 5): a list of components, each
// with yes or no, and policies.
type Config struct {
	Applications      []ConfigComponent `json:"applications,omitempty"`
	Documents         []ConfigComponent `json:"documents,omitempty"`
	WindowsComponents []ConfigComponent `json:"windowsComponents,omitempty"`

	FileErrors     []ErrorRule `json:"fileErrors,omitempty"` // of ErrorControl; the first that matches decides
	RegistryErrors []ErrorRule `json:"registryErrors,omitempty"`
	Locked         []LockRule  `json:"locked,omitempty"` // of HardLinkStoreControl

	Groups  []ChangeGroup `json:"groups,omitempty"` // of ProfileControl, as are the rest
	Domains []Rename      `json:"domains,omitempty"`
	Users   []Rename      `json:"users,omitempty"`
}

// ConfigComponent is a component, or a group of them.
type ConfigComponent struct {
	DisplayName string            `json:"displayName,omitempty"`
	ID          string            `json:"id,omitempty"`
	Migrate     bool              `json:"migrate"`
	Components  []ConfigComponent `json:"components,omitempty"`
}

// ErrorRule says whether an error at an object ends the run.
type ErrorRule struct {
	Fatal   bool   `json:"fatal"`
	Code    uint32 `json:"code,omitempty"`    // a Win32 error code; 0 is any
	Message string `json:"message,omitempty"` // part of the error's text, where that stands in place of a code
	Pattern string `json:"pattern"`           // a MigXML pattern, its variables not expanded
}

// LockRule says whether a file that somebody holds open is linked.
type LockRule struct {
	Link    bool   `json:"link"`
	Pattern string `json:"pattern"`
}

// ChangeGroup says which local group users get into on the destination.
type ChangeGroup struct {
	From      string    `json:"from"` // the group on the source; * is any
	To        string    `json:"to"`
	AppliesTo AppliesTo `json:"appliesTo"`
	Include   []string  `json:"include,omitempty"` // patterns of domain\user
	Exclude   []string  `json:"exclude,omitempty"` // beat Include
}

// AppliesTo says which users a ChangeGroup is about.
type AppliesTo string

// The words for AppliesTo.
const (
	MigratedUsers    AppliesTo = "MigratedUsers"
	NonmigratedUsers AppliesTo = "NonmigratedUsers"
	AllUsers         AppliesTo = "AllUsers"
)

// IsConfig reports whether a file is a Config.xml: people give it with /i.
func IsConfig(data []byte) bool {
	d := xml.NewDecoder(bytes.NewReader(decode(data)))
	d.CharsetReader = anyCharset
	for {
		t, err := d.RawToken()
		if err != nil {
			return false
		}
		if e, ok := t.(xml.StartElement); ok {
			return strings.EqualFold(e.Name.Local, "Configuration")
		}
	}
}

// ParseConfig reads a Config.xml. Microsoft's own samples spell elements in
// several ways, and files outlive the versions they were made for: what is not
// known is passed over, and the strings tell so. The error is a *Failure.
func ParseConfig(name string, data []byte) (*Config, []string, error) {
	root, err := readXML(name, data)
	if err != nil {
		return nil, nil, Fail(ConfigFile, err, "read Config.xml")
	}
	if !is(root, "Configuration") {
		return nil, nil, Fail(ConfigFile, nil, "%s is no Config.xml: it begins with <%s>", name, root.Tag).
			WithRemedy("its first element is <Configuration>; a rule file goes with /i")
	}
	p := configParser{name: name, config: new(Config)}
	p.root(root)
	return p.config, p.notes, nil
}

type configParser struct {
	name   string
	config *Config
	notes  []string
}

func (p *configParser) note(format string, args ...any) {
	p.notes = append(p.notes, p.name+": "+fmt.Sprintf(format, args...))
}

func (p *configParser) unknown(e *etree.Element) {
	p.note("<%s> is not known in <%s> and has no effect", e.Tag, e.Parent().Tag)
}

func (p *configParser) root(root *etree.Element) {
	c := p.config
	for _, e := range root.ChildElements() {
		switch {
		case is(e, "Applications"):
			c.Applications = append(c.Applications, p.components(e)...)
		case is(e, "Documents"):
			c.Documents = append(c.Documents, p.components(e)...)
		case is(e, "WindowsComponents"):
			c.WindowsComponents = append(c.WindowsComponents, p.components(e)...)
		case is(e, "Policies"), is(e, "Policy"):
			for _, e := range e.ChildElements() {
				p.policy(e)
			}
		case is(e, "ErrorControl"), is(e, "HardLinkStoreControl"): // as older tools write it
			p.policy(e)
		case is(e, "ProfileControl"), is(e, "ProfileMigration"):
			p.profileControl(e)
		default:
			p.unknown(e)
		}
	}
}

// components reads the components below an element. readXML bounds the depth.
func (p *configParser) components(in *etree.Element) []ConfigComponent {
	var all []ConfigComponent
	for _, e := range in.ChildElements() {
		if !is(e, "component") {
			p.unknown(e)
			continue
		}
		c := ConfigComponent{DisplayName: attr(e, "displayname"), ID: attr(e, "ID"), Migrate: true}
		switch m := attr(e, "migrate"); {
		case strings.EqualFold(m, "no"):
			c.Migrate = false
		case strings.EqualFold(m, "yes"), m == "":
		default:
			p.note("component %q: migrate is yes or no, not %q; yes is assumed", c.DisplayName, m)
		}
		c.Components = p.components(e)
		all = append(all, c)
	}
	return all
}

func (p *configParser) policy(e *etree.Element) {
	c := p.config
	switch {
	case is(e, "ErrorControl"):
		for _, e := range e.ChildElements() {
			switch {
			case is(e, "fileError"):
				c.FileErrors = append(c.FileErrors, p.errorRules(e)...)
			case is(e, "registryError"):
				c.RegistryErrors = append(c.RegistryErrors, p.errorRules(e)...)
			default:
				p.unknown(e)
			}
		}
	case is(e, "HardLinkStoreControl"):
		for _, e := range e.ChildElements() {
			if !is(e, "fileLocked") {
				p.unknown(e)
				continue
			}
			for _, e := range e.ChildElements() {
				rule := LockRule{Link: is(e, "createHardLink"), Pattern: content(e)}
				if !rule.Link && !is(e, "errorHardLink") || rule.Pattern == "" {
					p.unknown(e)
					continue
				}
				c.Locked = append(c.Locked, rule)
			}
		}
	default:
		p.unknown(e)
	}
}

func (p *configParser) errorRules(in *etree.Element) []ErrorRule {
	var all []ErrorRule
	for _, e := range in.ChildElements() {
		rule := ErrorRule{Fatal: is(e, "fatal"), Pattern: content(e)}
		if !rule.Fatal && !is(e, "nonFatal") {
			p.unknown(e)
			continue
		}
		if rule.Pattern == "" {
			p.note("<%s> has no pattern and no effect", e.Tag)
			continue
		}
		if code := attr(e, "errorCode"); code != "" && !strings.EqualFold(code, "any") {
			n, err := strconv.ParseUint(code, 0, 32)
			if err != nil {
				rule.Message = code
			}
			rule.Code = uint32(n)
		}
		all = append(all, rule)
	}
	return all
}

func (p *configParser) profileControl(in *etree.Element) {
	for _, e := range in.ChildElements() {
		switch {
		case is(e, "localGroups"):
			for _, e := range e.ChildElements() {
				if !is(e, "mappings") {
					p.unknown(e)
					continue
				}
				for _, e := range e.ChildElements() {
					p.changeGroup(e)
				}
			}
		case is(e, "domains"):
			p.config.Domains = append(p.config.Domains, p.renames(e, "domain")...)
		case is(e, "users"):
			p.config.Users = append(p.config.Users, p.renames(e, "user")...)
		default:
			p.unknown(e)
		}
	}
}

func (p *configParser) changeGroup(e *etree.Element) {
	if !is(e, "changeGroup") {
		p.unknown(e)
		return
	}
	g := ChangeGroup{From: attr(e, "from"), To: attr(e, "to")}
	for _, word := range []AppliesTo{MigratedUsers, NonmigratedUsers, AllUsers} {
		if strings.EqualFold(attr(e, "appliesTo"), string(word)) {
			g.AppliesTo = word
		}
	}
	for _, e := range e.ChildElements() {
		switch {
		case is(e, "include"):
			g.Include = append(g.Include, p.patterns(e)...)
		case is(e, "exclude"):
			g.Exclude = append(g.Exclude, p.patterns(e)...)
		default:
			p.unknown(e)
		}
	}
	what := ""
	switch {
	case g.From == "" || g.To == "":
		what = "from and to"
	case g.AppliesTo == "":
		what = "appliesTo, one of MigratedUsers, NonmigratedUsers and AllUsers"
	case len(g.Include)+len(g.Exclude) == 0:
		what = "an <include> or <exclude>"
	}
	if what != "" {
		p.note("<changeGroup> from %q to %q needs %s; it has no effect", g.From, g.To, what)
		return
	}
	p.config.Groups = append(p.config.Groups, g)
}

func (p *configParser) patterns(in *etree.Element) []string {
	var all []string
	for _, e := range in.ChildElements() {
		switch {
		case !is(e, "pattern"):
			p.unknown(e)
		case content(e) != "":
			all = append(all, content(e))
		}
	}
	return all
}

func (p *configParser) renames(in *etree.Element, tag string) []Rename {
	var all []Rename
	for _, e := range in.ChildElements() {
		r := Rename{attr(e, "from"), attr(e, "to")}
		switch {
		case !is(e, tag):
			p.unknown(e)
		case r.From == "" || r.To == "":
			p.note("<%s> needs from and to; it has no effect", tag)
		default:
			all = append(all, r)
		}
	}
	return all
}

// attr reads an attribute by its name in any case.
func attr(e *etree.Element, name string) string {
	for _, a := range e.Attr {
		if strings.EqualFold(a.Key, name) {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

func content(e *etree.Element) string { return strings.TrimSpace(e.Text()) }

// WriteXML writes a Config.xml that ParseConfig reads as c. Policies that are
// not set are there as comments, for people who want to set them.
func (c *Config) WriteXML(w io.Writer) error {
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	root := doc.CreateElement("Configuration")
	for _, s := range []struct {
		tag  string
		list []ConfigComponent
	}{{"Applications", c.Applications}, {"Documents", c.Documents}, {"WindowsComponents", c.WindowsComponents}} {
		writeComponents(root.CreateElement(s.tag), s.list)
	}
	policies := root.CreateElement("Policies")
	if len(c.FileErrors)+len(c.RegistryErrors) == 0 {
		policies.CreateComment(crlf(errorControlSample))
	} else {
		control := policies.CreateElement("ErrorControl")
		writeErrors(control, "fileError", c.FileErrors)
		writeErrors(control, "registryError", c.RegistryErrors)
	}
	if len(c.Locked) == 0 {
		policies.CreateComment(crlf(hardLinkSample))
	} else {
		locked := policies.CreateElement("HardLinkStoreControl").CreateElement("fileLocked")
		for _, r := range c.Locked {
			tag := "errorHardLink"
			if r.Link {
				tag = "createHardLink"
			}
			locked.CreateElement(tag).SetText(r.Pattern)
		}
	}
	c.writeProfileControl(root.CreateElement("ProfileControl"))
	doc.IndentWithSettings(&etree.IndentSettings{Spaces: 2, UseCRLF: true})
	_, err := doc.WriteTo(w)
	return err
}

func writeComponents(in *etree.Element, list []ConfigComponent) {
	for _, c := range list {
		e := in.CreateElement("component")
		e.CreateAttr("displayname", c.DisplayName)
		e.CreateAttr("migrate", strings.ToLower(yesNo(c.Migrate)))
		e.CreateAttr("ID", c.ID)
		writeComponents(e, c.Components)
	}
}

func writeErrors(in *etree.Element, tag string, rules []ErrorRule) {
	if len(rules) == 0 {
		return
	}
	list := in.CreateElement(tag)
	for _, r := range rules {
		tag, code := "nonFatal", "any"
		if r.Fatal {
			tag = "fatal"
		}
		switch {
		case r.Message != "":
			code = r.Message
		case r.Code != 0:
			code = strconv.FormatUint(uint64(r.Code), 10)
		}
		e := list.CreateElement(tag)
		e.CreateAttr("errorCode", code)
		e.SetText(r.Pattern)
	}
}

func (c *Config) writeProfileControl(in *etree.Element) {
	if len(c.Groups)+len(c.Domains)+len(c.Users) == 0 {
		in.CreateComment(crlf(profileControlSample))
		return
	}
	if len(c.Groups) > 0 {
		mappings := in.CreateElement("localGroups").CreateElement("mappings")
		for _, g := range c.Groups {
			e := mappings.CreateElement("changeGroup")
			e.CreateAttr("from", g.From)
			e.CreateAttr("to", g.To)
			e.CreateAttr("appliesTo", string(g.AppliesTo))
			for _, side := range []struct {
				tag      string
				patterns []string
			}{{"include", g.Include}, {"exclude", g.Exclude}} {
				if len(side.patterns) == 0 {
					continue
				}
				list := e.CreateElement(side.tag)
				for _, p := range side.patterns {
					list.CreateElement("pattern").SetText(p)
				}
			}
		}
	}
	for _, s := range []struct {
		list, tag string
		renames   []Rename
	}{{"domains", "domain", c.Domains}, {"users", "user", c.Users}} {
		if len(s.renames) == 0 {
			continue
		}
		list := in.CreateElement(s.list)
		for _, r := range s.renames {
			e := list.CreateElement(s.tag)
			e.CreateAttr("from", r.From)
			e.CreateAttr("to", r.To)
		}
	}
}

func crlf(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }

const errorControlSample = ` Which errors end a run with /c. The first line that matches decides.
    <ErrorControl>
      <fileError>
        <nonFatal errorCode="32">* [*]</nonFatal>
        <fatal errorCode="any">%CSIDL_PERSONAL%\* [*]</fatal>
      </fileError>
      <registryError>
        <nonFatal errorCode="any">HKCU\* [*]</nonFatal>
      </registryError>
    </ErrorControl> `

const hardLinkSample = ` What happens to files that are in use, with /hardlink.
    <HardLinkStoreControl>
      <fileLocked>
        <createHardLink>C:\Users\* [*]</createHardLink>
        <errorHardLink>C:\* [*]</errorHardLink>
      </fileLocked>
    </HardLinkStoreControl> `

const profileControlSample = ` Which groups users get into, and what domains and users are called afterwards.
    <localGroups>
      <mappings>
        <changeGroup from="*" to="Users" appliesTo="MigratedUsers">
          <include><pattern>*</pattern></include>
        </changeGroup>
      </mappings>
    </localGroups>
    <domains><domain from="OLD" to="NEW"/></domains>
    <users><user from="OLD\ann" to="NEW\ann"/></users> `

// ConfigName is how a Config.xml may name a component.
type ConfigName struct {
	IDs         []string // compared in any case
	DisplayName string   // counts if the file has none of the IDs
}

// Switches answers which components a Config.xml leaves out.
type Switches struct {
	byID, byName map[string]*setting
}

// setting is what a file says of one name. Given yes and no, it is yes.
type setting struct{ yes, used bool }

// Switches indexes the components. A group that is switched off takes all below
// it with it, whatever they say.
func (c *Config) Switches() *Switches {
	s := &Switches{map[string]*setting{}, map[string]*setting{}}
	for _, list := range [][]ConfigComponent{c.Applications, c.Documents, c.WindowsComponents} {
		s.add(list, true)
	}
	return s
}

func (s *Switches) add(list []ConfigComponent, on bool) {
	for _, c := range list {
		here := on && c.Migrate
		one := &setting{yes: here}
		if id := winname.Fold(c.ID); c.ID != "" {
			if s.byID[id] == nil {
				s.byID[id] = one
			}
			one = s.byID[id]
			one.yes = one.yes || here
		}
		if name := winname.Fold(c.DisplayName); c.DisplayName != "" {
			switch known := s.byName[name]; {
			case known == nil:
				s.byName[name] = one
			case known != one: // two IDs of one display name
				s.byName[name] = &setting{yes: known.yes || here}
			}
		}
		s.add(c.Components, here)
	}
}

// Migrates tells whether a component is taken. chain is the component, last, and
// those around it. What the file does not name is taken.
func (s *Switches) Migrates(chain ...ConfigName) bool {
	on := true
	for _, name := range chain {
		if found := s.find(name); found != nil {
			found.used = true
			on = on && found.yes
		}
	}
	return on
}

func (s *Switches) find(name ConfigName) *setting {
	for _, id := range name.IDs {
		if found := s.byID[winname.Fold(id)]; found != nil {
			return found
		}
	}
	return s.byName[winname.Fold(name.DisplayName)]
}

// Idle counts the components that are switched off and that Migrates was never
// asked about: no rule file has them.
func (s *Switches) Idle() int {
	seen := map[*setting]bool{}
	for _, m := range []map[string]*setting{s.byID, s.byName} {
		for _, one := range m {
			if !one.yes && !one.used {
				seen[one] = true
			}
		}
	}
	return len(seen)
}
