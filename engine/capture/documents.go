package capture

import (
	"io"

	"github.com/beevik/etree"

	"lifeboat/engine/migxml"
)

// DocumentFinder is a rule file that has the document finder look where the PC
// keeps documents (spec/migxml-spec.md 11.2).
func DocumentFinder() RuleFile {
	return RuleFile{Name: "document finder", Data: []byte(`<migration urlid="http://lifeboat.example/rules/finder">
  <component type="Documents" context="UserAndSystem"><displayName>Documents</displayName><role role="Data"><rules>
    <include><objectSet><script>MigXmlHelper.GenerateDocPatterns("FALSE","TRUE","FALSE")</script></objectSet></include>
    <exclude><objectSet><script>MigXmlHelper.GenerateDocPatterns("FALSE","FALSE","FALSE")</script></objectSet></exclude>
  </rules></role></component>
</migration>`)}
}

// WriteDocuments writes what a plan of the [DocumentFinder] found as a rule file
// that names each place, for people to edit: a component for the system and one
// for each user, as ScanState's /genmigxml has them.
func (p *Plan) WriteDocuments(w io.Writer) error {
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	root := doc.CreateElement("migration")
	root.CreateAttr("urlid", "http://www.microsoft.com/migration/1.0/migxmlext/ExtFiles")
	for _, u := range p.program.Units() {
		context, name := "System", "External_SystemDocs"
		if c := p.contexts[u.Context]; !c.System {
			context, name = c.Name, "External_UserDocs - "+c.Name
		}
		component := root.CreateElement("component")
		component.CreateAttr("type", "Documents")
		component.CreateAttr("context", context)
		component.CreateElement("displayName").SetText(name)
		role := component.CreateElement("role")
		role.CreateAttr("role", "Data")
		rules := role.CreateElement("rules")
		for _, kind := range []migxml.RuleKind{migxml.Include, migxml.Exclude} {
			var set *etree.Element
			for _, r := range p.program.Rules() {
				if r.Unit != u.Index || r.Kind != kind {
					continue
				}
				if set == nil {
					set = rules.CreateElement(string(kind)).CreateElement("objectSet")
				}
				pattern := set.CreateElement("pattern")
				pattern.CreateAttr("type", string(r.Pattern.Kind))
				pattern.SetText(r.Pattern.String())
			}
		}
	}
	doc.IndentWithSettings(&etree.IndentSettings{Spaces: 2, UseCRLF: true})
	_, err := doc.WriteTo(w)
	return err
}
