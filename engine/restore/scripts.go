package restore

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/regf"
	"lifeboat/engine/winname"
)

// script does what a script of processing asks for (spec/migxml-spec.md 7.8).
func (r *run) script(ctx context.Context, a action) error {
	c, err := migxml.ParseCall(a.Script)
	if err != nil {
		return err
	}
	arg := func(i int) string {
		if i >= len(c.Args) || c.Args[i].Null {
			return ""
		}
		return c.Args[i].Text
	}
	switch name := strings.ToLower(c.Name); name {
	case "removeemptydirectories", "registerfonts":
		patterns, err := a.dest.Locate(migxml.FileKind, arg(0))
		if err != nil {
			return err
		}
		if name == "registerfonts" {
			return r.registerFonts(ctx, patterns[0])
		}
		return r.removeEmpty(ctx, patterns[0])
	case "askforlogoff":
		r.warn("sign out and in again: " + a.place() + " asks for it")
		return nil
	case "killexplorer":
		return r.command(ctx, a, "taskkill /f /im explorer.exe")
	case "startservice", "stopservice":
		line := "net stop " + quoted(arg(0))
		if name == "startservice" {
			line = "sc start " + quoted(arg(0))
			for i := 1; i < len(c.Args); i++ {
				line += " " + quoted(arg(i))
			}
		}
		return r.command(ctx, a, line)
	}
	r.notRun(a.Deferred, c.Name+" is not supported")
	return nil
}

// quoted is one argument of a command line.
func quoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, "") + `"` }

// removeEmpty removes the folders of a pattern that have nothing in them, from
// the innermost out. They are moved aside, so that Undo has them as they were.
func (r *run) removeEmpty(ctx context.Context, p migxml.Pattern) error {
	literal, wild := cutLiteral(p.Node)
	if !isPath(literal) || strings.Count(literal, `\`) < 1 {
		return fmt.Errorf("%s is about a whole drive", p)
	}
	d, at, shown, err := r.onDrive(literal)
	if err != nil {
		return nil // nothing there
	}
	p.Node = shown + p.Node[len(literal):]
	var walk func(at, shown string) error
	walk = func(at, shown string) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		f, err := d.folder(at)
		if err != nil {
			return nil // absent, a file, or a link
		}
		if wild {
			for name := range f.names.all() {
				if err := walk(winname.Join(at, name), winname.Join(shown, name)); err != nil {
					return err
				}
			}
		}
		if !f.names.empty() || !p.MatchNode(shown) {
			return nil
		}
		return r.try(ctx, job.UnreadableFile, shown, func() error { return d.removeFolder(at) })
	}
	return walk(at, shown)
}

// fontsKey lists the fonts of a Windows: what they are called, and their files.
const fontsKey = `Microsoft\Windows NT\CurrentVersion\Fonts`

// registerFonts lists a font, or all fonts of a folder, with Windows.
func (r *run) registerFonts(ctx context.Context, p migxml.Pattern) error {
	literal, wild := cutLiteral(p.Node)
	if !isPath(literal) || wild && p.Node != literal+`\*` {
		return fmt.Errorf("%s names no folder", p)
	}
	d, at, shown, err := r.onDrive(literal)
	if err != nil {
		return err
	}
	h, err := r.registry.machineHive("SOFTWARE")
	if err != nil {
		return err
	}
	f, err := d.folder(at)
	if err != nil && d.dry() {
		return nil // it may come by the restore
	}
	if err != nil {
		return err
	}
	_, inWindows := cutPath(shown, winname.Join(r.machine.SystemRoot, "Fonts"))
	var bad []error
	for name := range f.names.all() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if p.HasLeaf && !migxml.Match(p.Leaf, name) {
			continue
		}
		native := path.Join(f.native, name)
		if info, err := d.root.Lstat(native); err != nil || !info.Mode().IsRegular() {
			continue
		}
		in, err := d.root.Open(native)
		if err != nil {
			return err
		}
		title, err := fontName(in)
		in.Close()
		if errors.Is(err, errNoFont) {
			continue
		}
		if err != nil {
			bad = append(bad, fmt.Errorf("%s: %w", winname.Show(name), err))
			continue
		}
		file := name
		if !inWindows {
			file = winname.Join(shown, name)
		}
		changed, err := h.set(fontsKey, regf.Value{Name: title + " (TrueType)", Type: regf.Sz, Data: utf16Data(file)})
		if err != nil {
			return err
		}
		if changed {
			r.change("value", `HKLM\SOFTWARE\`+fontsKey+" ["+title+" (TrueType)]", file)
		}
	}
	return errors.Join(bad...)
}
