package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"lifeboat/engine"
	"lifeboat/engine/human"
	"lifeboat/engine/job"
	"lifeboat/engine/report"
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
	run := &utilsRun{program: p, UsmtUtils: u, engine: p.engine()}
	if u.Log != "" {
		f, err := os.Create(p.path(u.Log))
		if err != nil {
			return p.fail("usmtutils", usmt.Fail(usmt.LogFileFailed, err, "open the log"))
		}
		defer f.Close()
		run.log = usmt.NewLog(f, u.Verbosity, p.clock)
		run.log.Begin("usmtutils", versionText(), u.CommandLine(p.system()))
	}
	err = run.do(ctx)
	code := usmt.CodeOf(err)
	if run.log != nil {
		if err != nil {
			run.log.Failure("usmtutils", err)
		}
		run.log.End(code, 0)
	}
	if err != nil {
		return p.fail("usmtutils", err)
	}
	return code
}

// utilsRun is one run of UsmtUtils.
type utilsRun struct {
	*program
	*usmt.UsmtUtils
	engine *engine.Engine
	log    *usmt.Log // nil for none
}

func (r *utilsRun) do(ctx context.Context) error {
	if r.Remove != "" {
		return r.remove()
	}
	storePath := folderOf(r.path(r.Store))
	password, err := r.password(storePath, r.Key, r.KeyFile, r.Identity)
	if err != nil {
		return err
	}
	ref := engine.StoreRef{Path: storePath, Password: password}
	ctl := job.NewControl(r.clock, nil)
	stop := (&watcher{ctl: ctl, console: r.stderr, log: r.log}).follow()
	if r.Extract {
		done, err := r.engine.Extract(ctx, engine.ExtractRequest{
			StoreRef: ref, Dest: r.path(r.Destination), Include: r.Include, Exclude: r.Exclude, Overwrite: r.Overwrite,
		}, ctl)
		stop()
		return r.extracted(done, err)
	}
	v, err := r.engine.Verify(ctx, ref, ctl)
	stop()
	if v == nil {
		return err
	}
	return errors.Join(err, r.verified(ctx, ref, v))
}

// remove deletes a store, after asking.
func (r *utilsRun) remove() error {
	dir := folderOf(r.path(r.Remove))
	if !r.Yes {
		fmt.Fprintf(r.stderr, "delete the store in %s? It cannot be brought back. [y/N] ", winname.Show(dir))
		answer, _ := bufio.NewReader(r.stdin).ReadString('\n')
		if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
			return usmt.Fail(usmt.Canceled, nil, "the store was not deleted").WithRemedy("answer y, or give /y")
		}
	}
	if err := r.engine.RemoveStore(dir); err != nil {
		return err
	}
	fmt.Fprintf(r.stdout, "deleted the store in %s\n", winname.Show(dir))
	return nil
}

// verified prints as much of a verification as was asked for.
func (r *utilsRun) verified(ctx context.Context, ref engine.StoreRef, v *report.Verdict) error {
	if r.JSON {
		return r.json(v)
	}
	corrupt := map[string]bool{}
	for _, name := range v.Corrupt {
		corrupt[name] = true
	}
	row := func(name string, ok bool) {
		state := "OK"
		if !ok {
			state = "CORRUPTED"
		}
		fmt.Fprintf(r.stdout, "%s\t%s\n", winname.Show(name), state)
	}
	switch r.Verify {
	case usmt.VerifyAll:
		err := r.engine.EachStored(ctx, ref, func(name string) error {
			row(name, !corrupt[name])
			delete(corrupt, name)
			return nil
		})
		for name := range corrupt { // folders that cannot be read, and what is in them
			row(name, false)
		}
		row("CATALOG", v.CatalogOK)
		if usmt.CodeOf(err) != usmt.CorruptedStore {
			return err // damage has been said
		}
	case usmt.VerifyFailures:
		for _, name := range v.Corrupt {
			row(name, false)
		}
		if !v.CatalogOK {
			row("CATALOG", false)
		}
	case usmt.VerifyCatalog:
		row("CATALOG", v.CatalogOK)
	default:
		bad := int64(len(v.Corrupt))
		catalog := "OK"
		if !v.CatalogOK {
			catalog = "CORRUPTED"
		}
		fmt.Fprintf(r.stdout, "%s intact, %s damaged, %s in %s; catalog %s\n", human.Plural(v.Files-bad, "file", "files"), human.Count(bad),
			human.Bytes(v.Bytes), human.Duration(v.Duration), catalog)
	}
	return nil
}

// extracted tells what was written to a folder.
func (r *utilsRun) extracted(done engine.Extracted, err error) error {
	switch {
	case r.JSON && (err == nil || len(done.Failed) > 0):
		return errors.Join(r.json(done), err)
	case err != nil:
		return err
	}
	fmt.Fprintf(r.stdout, "wrote %s, %s to %s\n", human.Plural(done.Files, "file", "files"), human.Bytes(done.Bytes), r.Destination)
	return nil
}
