package main

import (
	"context"
	"fmt"

	"lifeboat/engine"
	"lifeboat/engine/human"
	"lifeboat/engine/job"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
)

// usmtUtils is the UsmtUtils command line.
func (p *program) usmtUtils(ctx context.Context, args []string) usmt.Code {
	u, err := usmt.ParseUsmtUtils(args, p.system())
	if err != nil {
		return p.fail("usmtutils", err)
	}
	switch {
	case u.Help:
		fmt.Fprint(p.stdout, usmt.HelpUsmtUtils())
		return usmt.DisplayHelp
	case u.ListCiphers && u.JSON:
		if err := p.json(usmt.Ciphers()); err != nil {
			return p.fail("usmtutils", err)
		}
		return usmt.Success
	case u.ListCiphers:
		for _, c := range usmt.Ciphers() {
			fmt.Fprintln(p.stdout, c)
		}
		return usmt.Success
	}
	type row = struct {
		option string
		given  bool
	}
	if err := notYet(row{"rd", u.Remove != ""}, row{"verify:all", u.Verify == usmt.VerifyAll}, row{"l", u.Log != ""}); err != nil {
		return p.fail("usmtutils", err)
	}
	password, err := p.readKey(u.Key, u.KeyFile)
	if err != nil {
		return p.fail("usmtutils", err)
	}
	ref := engine.StoreRef{Path: folderOf(p.path(u.Store)), Password: password}
	ctl := job.NewControl(p.clock, nil)
	stop := (&watcher{ctl: ctl, console: p.stderr}).follow()
	if u.Extract {
		err = p.extract(ctx, u, ref, ctl)
	} else {
		err = p.verify(ctx, u, ref, ctl)
	}
	stop()
	if err != nil {
		return p.fail("usmtutils", err)
	}
	return usmt.Success
}

// verify reads a store back and prints as much as was asked for.
func (p *program) verify(ctx context.Context, u *usmt.UsmtUtils, ref engine.StoreRef, ctl *job.Control) error {
	v, err := p.engine().Verify(ctx, ref, ctl)
	if v == nil {
		return err
	}
	if u.JSON {
		if jerr := p.json(v); jerr != nil {
			return jerr
		}
		return err
	}
	catalog := "OK"
	if !v.CatalogOK {
		catalog = "CORRUPTED"
	}
	switch u.Verify {
	case usmt.VerifyFailures:
		for _, name := range v.Corrupt {
			fmt.Fprintf(p.stdout, "%s\tCORRUPTED\n", winname.Show(name))
		}
		if !v.CatalogOK {
			fmt.Fprintf(p.stdout, "CATALOG\t%s\n", catalog)
		}
	case usmt.VerifyCatalog:
		fmt.Fprintf(p.stdout, "CATALOG\t%s\n", catalog)
	default:
		bad := int64(len(v.Corrupt))
		fmt.Fprintf(p.stdout, "%s intact, %s damaged, %s in %s; catalog %s\n", human.Plural(v.Files-bad, "file", "files"), human.Count(bad),
			human.Bytes(v.Bytes), human.Duration(v.Duration), catalog)
	}
	return err
}

// extract writes the files of a store to a folder.
func (p *program) extract(ctx context.Context, u *usmt.UsmtUtils, ref engine.StoreRef, ctl *job.Control) error {
	done, err := p.engine().Extract(ctx, engine.ExtractRequest{
		StoreRef: ref, Dest: p.path(u.Destination), Include: u.Include, Exclude: u.Exclude, Overwrite: u.Overwrite,
	}, ctl)
	if u.JSON && err == nil {
		return p.json(done)
	}
	if err == nil {
		fmt.Fprintf(p.stdout, "wrote %s, %s to %s\n", human.Plural(done.Files, "file", "files"), human.Bytes(done.Bytes), u.Destination)
	}
	return err
}
