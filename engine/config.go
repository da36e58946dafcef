package engine

import (
	"slices"
	"strings"

	"lifeboat/engine/migxml"
	"lifeboat/engine/usmt"
)

// configNames is how a Config.xml may name a unit and the components around it.
// A component inside others may be named by its own name alone or by all.
func configNames(u migxml.Unit) []usmt.ConfigName {
	var chain []usmt.ConfigName
	for i, name := range u.Path {
		chain = append(chain, usmt.ConfigName{IDs: []string{groupID(u, i)}, DisplayName: name})
	}
	return append(chain, usmt.ConfigName{IDs: []string{unitID(u), u.ID()}, DisplayName: u.Component})
}

func unitID(u migxml.Unit) string {
	return strings.ToLower(strings.Join(slices.Concat([]string{u.File}, u.Path, []string{u.Component, u.Role}), "/"))
}

func groupID(u migxml.Unit, i int) string {
	return strings.ToLower(u.File + "/" + strings.Join(u.Path[:i+1], "/"))
}

// GenConfig makes the Config.xml of a plan: every component that was detected
// and may be listed, switched on.
func GenConfig(p *Plan) *usmt.Config {
	c := &usmt.Config{}
	for _, u := range p.Detected() {
		if u.Hidden || u.Component == "" {
			continue
		}
		list := &c.WindowsComponents
		switch u.Type {
		case "Application":
			list = &c.Applications
		case "Documents":
			list = &c.Documents
		}
		for i, name := range u.Path {
			list = &container(list, groupID(u, i), name).Components
		}
		component(list, unitID(u), u.Component)
	}
	return c
}

// container finds the component around others in a list: the unit it is itself,
// if it has rules of its own, else a group.
func container(list *[]usmt.ConfigComponent, id, name string) *usmt.ConfigComponent {
	for i := range *list {
		if c := &(*list)[i]; c.DisplayName == name && strings.HasPrefix(c.ID, id+"/") {
			return c
		}
	}
	return component(list, id, name)
}

// component finds a component in a list, or puts it there.
func component(list *[]usmt.ConfigComponent, id, name string) *usmt.ConfigComponent {
	for i := range *list {
		if (*list)[i].ID == id {
			return &(*list)[i]
		}
	}
	*list = append(*list, usmt.ConfigComponent{DisplayName: name, ID: id, Migrate: true})
	return &(*list)[len(*list)-1]
}
