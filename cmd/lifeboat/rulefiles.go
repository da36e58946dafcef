package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"lifeboat/engine"
	"lifeboat/engine/usmt"
)

// ruleSet is what the files of a command line say.
type ruleSet struct {
	rules  []engine.RuleFile // none means Lifeboat's own
	config *usmt.Config      // nil for none
}

// readRules reads the files of /i, /auto and /config.
func (l *logs) readRules(c *usmt.Common) (set ruleSet, err error) {
	names, err := ruleNames(c)
	if err != nil {
		return set, err
	}
	config := c.Config
	for i, name := range names {
		file, err := l.on.ruleFile(name)
		if err != nil && c.Auto && i < len(autoRules) {
			return set, usmt.At(usmt.Fail(usmt.ScriptFiles, err, "/auto").
				WithRemedy("name the folder that holds "+strings.Join(autoRules, " and ")+", /auto:folder; without /auto Lifeboat's own rules are used"), "auto", "")
		}
		if err != nil {
			return set, err
		}
		if !usmt.IsConfig(file.Data) {
			set.rules = append(set.rules, file)
			continue
		}
		if config != "" {
			return set, usmt.At(usmt.Fail(usmt.ScriptFiles, nil, "%s is a Config.xml, and %s is one already", name, config).
				WithRemedy("give one Config.xml, with /config"), "i", name)
		}
		config = name
		l.note(fmt.Sprintf("%s is a Config.xml; it is used as if given with /config", name))
	}
	if config == "" {
		return set, nil
	}
	data, err := os.ReadFile(l.on.path(config))
	if err != nil {
		return set, usmt.At(usmt.Fail(usmt.ConfigFile, err, "read Config.xml"), "config", "")
	}
	var notes []string
	if set.config, notes, err = usmt.ParseConfig(config, data); err != nil {
		if c.Config == "" {
			return set, usmt.At(err, "i", config)
		}
		return set, usmt.At(err, "config", "")
	}
	for _, n := range notes {
		l.note(n)
	}
	if !c.Continue && len(set.config.FileErrors)+len(set.config.RegistryErrors) > 0 {
		l.note("ErrorControl has no effect without /c: the first error ends the run")
	}
	return set, nil
}

// autoRules are the files that /auto stands for.
var autoRules = []string{"MigDocs.xml", "MigApp.xml"}

// ruleNames are the files of /i, after those that /auto stands for.
func ruleNames(c *usmt.Common) ([]string, error) {
	if !c.Auto {
		return c.Rules, nil
	}
	dir := c.AutoDir
	if dir == "" {
		exe, err := os.Executable()
		if err != nil {
			return nil, usmt.Fail(usmt.ScriptFiles, err, "find the folder of /auto")
		}
		dir = filepath.Dir(exe)
	}
	var names []string
	for _, name := range autoRules {
		names = append(names, filepath.Join(dir, name))
	}
	return append(names, c.Rules...), nil
}

func (p *program) ruleFile(name string) (engine.RuleFile, error) {
	data, err := os.ReadFile(p.path(name))
	if err != nil {
		return engine.RuleFile{}, usmt.At(usmt.Fail(usmt.ScriptFiles, err, "read a rule file"), "i", name)
	}
	return engine.RuleFile{Name: name, Data: data}, nil
}
