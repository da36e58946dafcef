// Package media makes boot media: a stick, or the ISO of one, that starts a PC
// into Lifeboat's wizard. [WinPE] makes one from a Windows PE that somebody has,
// [Linux] one from Debian's packages.
//
// Whatever is made, it is made beside its place and moved there when it is
// whole, and what it is made from is only read. The package runs the tools that
// know the formats (wimlib or DISM, 7z, genisoimage) and leaves the look and the
// exit codes to its caller; what a person should know it tells through Say.
package media

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lifeboat/engine/answers"
	"lifeboat/engine/winname"
	"lifeboat/winpe/media/copyfile"
)

// Extras are what a person adds to any stick. They lie on the stick, where they
// can be looked at and changed, not in what is booted.
type Extras struct {
	// Config is the answers file. It becomes lifeboat.yaml on the root; the rule
	// files that it names by relative paths come along.
	Config string
	// Rules are MigXML files to use instead of Lifeboat's own. With a Config that
	// names rules itself there can be none.
	Rules []string
}

// Refusal says why no medium is made, before anything was changed.
type Refusal struct {
	What   string // lower case, the thing named
	Remedy string // what a person can do about it
}

func (r *Refusal) Error() string { return r.What }

func refuse(remedy, format string, args ...any) error {
	return &Refusal{fmt.Sprintf(format, args...), remedy}
}

// Where things lie on a stick.
const (
	markerName = "lifeboat/media.txt" // by which a started system knows its stick
	rulesDir   = "lifeboat/rules"
	logsDir    = "lifeboat/logs"
)

func (e Extras) files() []string { return append([]string{e.Config}, e.Rules...) }

// answers reads the answers file; without one, an empty one.
func (e Extras) answers() (*answers.File, error) {
	if e.Config == "" {
		return &answers.File{}, nil
	}
	data, err := os.ReadFile(e.Config)
	if err != nil {
		return nil, err
	}
	file, err := answers.Parse(e.Config, data)
	if err != nil {
		return nil, &Refusal{err.Error(), "correct it; docs/lifeboat-yaml.md describes the file"}
	}
	return file, nil
}

// check looks at everything that is to be added before anything is made.
func (e Extras) check() error {
	if err := areFiles(e.files()); err != nil {
		return err
	}
	file, err := e.answers()
	if err != nil {
		return err
	}
	if len(e.Rules) > 0 && len(file.Rules) > 0 {
		return refuse("name them all in it", "%s names rules of its own", winname.Show(e.Config))
	}
	_, err = e.named(file)
	return err
}

// named are the rule files that the answers name, and the files in the folders
// of them, by their paths below the folder of the answers.
func (e Extras) named(file *answers.File) ([]string, error) {
	var all []string
	for _, rule := range file.Rules {
		rule = filepath.FromSlash(strings.ReplaceAll(rule, `\`, "/"))
		if !filepath.IsLocal(rule) {
			return nil, refuse("put it into the folder of that file, and name it by a relative path", "%s names %s, which will not be on the stick", winname.Show(e.Config), winname.Show(rule))
		}
		home := filepath.Dir(e.Config)
		err := filepath.WalkDir(filepath.Join(home, rule), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			rel, err := filepath.Rel(home, path)
			all = append(all, rel)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// put lays the extras into the tree of a stick. about says what the stick is.
func (e Extras) put(stick, about string) error {
	if err := os.MkdirAll(filepath.Join(stick, logsDir), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(stick, markerName), []byte(about), 0o644); err != nil {
		return err
	}
	if err := copyFiles(filepath.Join(stick, rulesDir), e.Rules); err != nil {
		return err
	}
	config := filepath.Join(stick, answers.Name)
	file, err := e.answers()
	if err != nil {
		return err
	}
	if e.Config != "" && len(e.Rules) == 0 {
		named, err := e.named(file)
		if err != nil {
			return err
		}
		for _, rel := range named {
			if err := copyfile.Copy(filepath.Join(stick, rel), filepath.Join(filepath.Dir(e.Config), rel)); err != nil {
				return err
			}
		}
		return copyfile.Copy(config, e.Config)
	}
	if len(e.Rules) > 0 {
		file.Rules = []string{rulesDir}
	}
	if file.Logs == "" {
		file.Logs = logsDir
	}
	data, err := file.Marshal("Answers for the wizard, read from the root of this stick.")
	if err != nil {
		return err
	}
	return os.WriteFile(config, data, 0o644)
}

// areFiles makes sure that all of the files are there; "" stands for none.
func areFiles(names []string) error {
	for _, name := range names {
		if name == "" {
			continue
		}
		if err := isFile(name); err != nil {
			return err
		}
	}
	return nil
}

func isFile(name string) error {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file", name)
	}
	return err
}

// copyFiles copies files into a folder.
func copyFiles(dir string, files []string) error {
	for _, file := range files {
		if err := copyfile.Copy(filepath.Join(dir, filepath.Base(file)), file); err != nil {
			return err
		}
	}
	return nil
}

// copyTree copies the files below a folder, except those that leave picks by
// their slash-separated path. Links are not followed.
func copyTree(to, from string, leave func(path string) bool) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if leave != nil && rel != "." && leave(filepath.ToSlash(rel)) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		return copyfile.Copy(filepath.Join(to, rel), path)
	})
}

// sizes is what files, and the files below folders, hold, in bytes.
func sizes(tops ...string) (n int64) {
	for _, top := range tops {
		if top == "" {
			continue
		}
		filepath.WalkDir(top, func(_ string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				if info, err := d.Info(); err == nil {
					n += info.Size()
				}
			}
			return nil
		})
	}
	return n
}
