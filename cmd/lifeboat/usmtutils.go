package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
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
	if u.Help {
		fmt.Fprint(p.stdout, usmt.HelpUsmtUtils())
		return usmt.DisplayHelp
	}
	run := &utilsRun{program: p, UsmtUtils: u, engine: p.engine()}
	out := io.Discard
	if u.Log != "" {
		f, err := os.Create(p.path(u.Log))
		if err != nil {
			err := usmt.At(usmt.Fail(usmt.LogFileFailed, err, "open the log"), "l", "")
			return p.fail("usmtutils", usmt.Pointed(err, "usmtutils", p.system(), args))
		}
		defer f.Close()
		out = f
	}
	run.log = usmt.NewLog(out, u.Verbosity, p.clock)
	run.log.Begin("usmtutils", versionText(), u.CommandLine(p.system()))
	err = usmt.Pointed(run.do(ctx), "usmtutils", p.system(), args)
	code := usmt.CodeOf(err)
	if err != nil {
		run.log.Failure("usmtutils", err)
		p.fail("usmtutils", err)
	}
	run.log.End(code, 0)
	if err := run.log.Err(); err != nil {
		fmt.Fprintf(p.stderr, "note: the log is not complete: %v\n", err)
	}
	return code
}

// utilsRun is one run of UsmtUtils.
type utilsRun struct {
	*program
	*usmt.UsmtUtils
	engine *engine.Engine
	log    *usmt.Log
}

func (r *utilsRun) do(ctx context.Context) error {
	switch {
	case r.ListCiphers:
		return r.ciphers()
	case r.Remove != "":
		return r.remove()
	}
	storePath := folderOf(r.path(r.Store))
	password, err := r.password(storePath, r.Key, r.KeyFile, r.Identity)
	if err != nil {
		return usmt.At(err, "keyfile", "")
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

// ciphers lists the encryption algorithms.
func (r *utilsRun) ciphers() error {
	if r.JSON {
		return r.json(usmt.Ciphers())
	}
	for _, c := range usmt.Ciphers() {
		fmt.Fprintln(r.stdout, c)
	}
	return nil
}

// remove deletes a store, after asking.
func (r *utilsRun) remove() error {
	dir := folderOf(r.path(r.Remove))
	if !r.Yes {
		fmt.Fprintf(r.stderr, "delete the store in %s? It cannot be brought back. [y/N] ", winname.Show(dir))
		answer, err := bufio.NewReader(r.stdin).ReadString('\n')
		if err != nil {
			fmt.Fprintln(r.stderr) // nobody ended the line
		}
		if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
			return usmt.Fail(usmt.Canceled, nil, "the store was not deleted").WithRemedy("answer y, or give /y")
		}
	}
	if err := r.engine.RemoveStore(dir); err != nil {
		return err
	}
	r.tell("deleted the store in %s", winname.Show(dir))
	return nil
}

// tell says the result on the console and in the log.
func (r *utilsRun) tell(format string, args ...any) {
	r.log.Landmark(format, args...)
	fmt.Fprintf(r.stdout, format+"\n", args...)
}

// verified prints as much of a verification as was asked for. The log has what is
// damaged in any case.
func (r *utilsRun) verified(ctx context.Context, ref engine.StoreRef, v *report.Verdict) error {
	bad := int64(len(v.Corrupt))
	catalog := "OK"
	if !v.CatalogOK {
		catalog = "CORRUPTED"
	}
	for _, name := range v.Corrupt {
		r.log.Damaged(name)
	}
	summary := fmt.Sprintf("%s intact, %s damaged, %s in %s; catalog %s", human.Plural(v.Files-bad, "file", "files"), human.Count(bad),
		human.Bytes(v.Bytes), human.Duration(v.Duration), catalog)
	r.log.Landmark("%s", summary)
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
		fmt.Fprintln(r.stdout, summary)
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
	r.tell("wrote %s, %s to %s", human.Plural(done.Files, "file", "files"), human.Bytes(done.Bytes), r.Destination)
	return nil
}
