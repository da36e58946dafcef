package main

import (
	"fmt"
	"os"
	"path/filepath"

	"lifeboat/engine"
	"lifeboat/engine/usmt"
)

// readRules reads the files of /i, /auto and /config. No rule file means
// Lifeboat's own.
func (r *scanRun) readRules() error {
	names, err := ruleNames(&r.Common)
	if err != nil {
		return err
	}
	config := r.Config
	for _, name := range names {
		file, err := r.ruleFile(name)
		if err != nil {
			return err
		}
		if !usmt.IsConfig(file.Data) {
			r.rules = append(r.rules, file)
			continue
		}
		if config != "" {
			return usmt.At(usmt.Fail(usmt.ScriptFiles, nil, "%s is a Config.xml, and %s is one already", name, config).
				WithRemedy("give one Config.xml, with /config"), "i", name)
		}
		config = name
		r.note(fmt.Sprintf("%s is a Config.xml; it is used as if given with /config", name))
	}
	if config == "" {
		return nil
	}
	data, err := os.ReadFile(r.path(config))
	if err != nil {
		return usmt.At(usmt.Fail(usmt.ConfigFile, err, "read Config.xml"), "config", "")
	}
	var notes []string
	if r.config, notes, err = usmt.ParseConfig(config, data); err != nil {
		if r.Config == "" {
			return usmt.At(err, "i", config)
		}
		return usmt.At(err, "config", "")
	}
	for _, n := range notes {
		r.note(n)
	}
	r.noteErrorControl(r.config, r.Continue)
	return nil
}

// noteErrorControl says when ErrorControl is not asked.
func (l *logs) noteErrorControl(c *usmt.Config, goOn bool) {
	if len(c.FileErrors)+len(c.RegistryErrors) > 0 && !goOn {
		l.note("ErrorControl has no effect without /c: the first error ends the run")
	}
}

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
	return append([]string{filepath.Join(dir, "MigDocs.xml"), filepath.Join(dir, "MigApp.xml")}, c.Rules...), nil
}

func (p *program) ruleFile(name string) (engine.RuleFile, error) {
	data, err := os.ReadFile(p.path(name))
	if err != nil {
		return engine.RuleFile{}, usmt.At(usmt.Fail(usmt.ScriptFiles, err, "read a rule file"), "i", name)
	}
	return engine.RuleFile{Name: name, Data: data}, nil
}
