// Package media makes boot media: a stick, or the ISO of one, that starts a PC
// into Lifeboat's wizard. [WinPE] makes one from a Windows PE that somebody has.
//
// Whatever is made, it is made beside its place and moved there when it is
// whole, and what it is made from is only read. The package runs the tools that
// know the formats (wimlib or DISM, 7z, genisoimage) and leaves the look and the
// exit codes to its caller; what a person should know it tells through Say.
package media

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Extras are what a person adds to any stick. They lie on the stick, where they
// can be looked at and changed, not in what is booted.
type Extras struct {
	Config string   // the answers file, becomes lifeboat.yaml on the root
	Rules  []string // MigXML files
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
	configName = "lifeboat.yaml"
	markerName = "lifeboat/media.txt" // by which a started system knows its stick
	rulesDir   = "lifeboat/rules"
	logsDir    = "lifeboat/logs"
)

func (e Extras) files() []string { return append([]string{e.Config}, e.Rules...) }

// check looks at everything that is to be added before anything is made.
func (e Extras) check() error { return areFiles(e.files()) }

// put lays the extras into the tree of a stick. about says what the stick is.
func (e Extras) put(stick, about string) error {
	if err := os.MkdirAll(filepath.Join(stick, logsDir), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(stick, markerName), []byte(about), 0o644); err != nil {
		return err
	}
	if e.Config != "" {
		if err := copyFile(filepath.Join(stick, configName), e.Config); err != nil {
			return err
		}
	}
	return copyFiles(filepath.Join(stick, rulesDir), e.Rules)
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
		if err := copyFile(filepath.Join(dir, filepath.Base(file)), file); err != nil {
			return err
		}
	}
	return nil
}

// copyFile copies a file to a name that must not exist yet, making its folder.
func copyFile(to, from string) (err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err = io.Copy(out, in); err != nil {
		return err
	}
	return out.Sync()
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
		return copyFile(filepath.Join(to, rel), path)
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
