package engine

import (
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
)

// Account is how a person writes a user: DOMAIN\name, the name alone, or the
// SID where no hive tells a name.
func Account(u *User) string {
	switch {
	case u.Name == "":
		return u.ID
	case u.Domain == "":
		return u.Name
	default:
		return u.Domain + `\` + u.Name
	}
}

// account is how a person writes a user of a store.
func account(u store.CatalogUser) string {
	if u.Domain == "" {
		return string(u.Name)
	}
	return string(u.Domain) + `\` + string(u.Name)
}

// Title is an installation in one line: "Windows 11 Pro 23H2, build
// 22631.4460, x64".
func Title(inst *Installation) string {
	p := inst.Product
	title := or(p.Name, "Windows")
	if p.Display != "" {
		title += " " + p.Display
	}
	if p.Build != "" {
		title += ", build " + p.Build
	}
	if inst.Arch != "" {
		title += ", " + string(inst.Arch)
	}
	return title
}

// DefaultUsers decides by ScanState's rules who is saved: the result by user ID,
// and patterns of the selection that matched nobody.
func (e *Engine) DefaultUsers(inst *Installation, choose usmt.Selection) (map[string]usmt.Choice, []usmt.Idle) {
	asked := make([]usmt.User, len(inst.Users))
	for i, u := range inst.Users {
		asked[i] = usmt.User{
			SID: u.SID, Domain: u.Domain, Name: u.Name, LastUse: u.LastUse,
			Local: u.Kind == windows.Local, Temporary: u.State == windows.Temporary,
			Guessed: u.NameSource == windows.NameFromFolder, Orphaned: u.State == windows.Orphaned,
		}
	}
	choices, idle := choose.Choose(asked, inst.ComputerName, e.Clock())
	byID := map[string]usmt.Choice{}
	for i, c := range choices {
		if u := &inst.Users[i]; u.Path == "" {
			c = usmt.Choice{Why: "its profile folder is not there"}
		}
		byID[inst.Users[i].ID] = c
	}
	return byID, idle
}
