package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"lifeboat/engine"
	"lifeboat/engine/human"
	"lifeboat/engine/job"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
)

// browseCommand shows what is in a store and takes files out of it.
func (p *program) browseCommand(code *usmt.Code) *cobra.Command {
	var b browsing
	cmd := &cobra.Command{
		Use:   "browse store [path]",
		Short: "List and search what is in a store, and take single files or folders out",
		Long: `Lists a folder of a store, searches it for names, or takes a file or folder out.
Paths are those of the PC that was saved, in any case; without one the drives are
meant. In the shells of Linux they go in quotes. The store is only read.

  lifeboat browse E:\store
  lifeboat browse E:\store C:\Users\anna\Documents
  lifeboat browse E:\store C:\Users --search *.docx
  lifeboat browse E:\store --take C:\Users\anna\Documents\letter.docx --to D:\rescued

In a pattern * stands for any letters and ? for one. What is taken out goes below
the folder under the path it had, D:\rescued\C$\Users\anna\…; files that are there
already stay as they are.

A file marked partial has holes where the disk could not be read. One marked
encrypted is as EFS had encrypted it: only loadstate, in Windows, puts it back.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			b.store = args[0]
			switch {
			case b.take == "" && len(args) == 2:
				b.path = args[1]
			case len(args) == 2:
				return errors.New("--take and a path to list are given; one is enough")
			}
			*code = interruptible(cmd.Context(), func(ctx context.Context, _ []string) usmt.Code {
				err := p.browse(ctx, b)
				if err == nil {
					return usmt.Success
				}
				return p.fail("lifeboat browse", err)
			}, nil)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&b.search, "search", "", "show all files and folders below whose name matches this pattern")
	flags.StringVar(&b.take, "take", "", "take this file or folder out")
	flags.StringVar(&b.to, "to", "", "the folder that --take writes to")
	flags.StringVar(&b.key, "key", "", "the key of an encrypted store")
	flags.StringVar(&b.keyFile, "keyfile", "", "a file that holds the key")
	flags.StringVar(&b.identity, "identity", "", "the identity file of age that opens a store locked with a team key")
	flags.BoolVar(&b.json, "json", false, "print JSON")
	cmd.MarkFlagsRequiredTogether("take", "to")
	cmd.MarkFlagsMutuallyExclusive("take", "search")
	cmd.MarkFlagsMutuallyExclusive("key", "keyfile", "identity")
	return cmd
}

// browsing is what a browse command line asks for.
type browsing struct {
	store, path, search, take, to string
	key, keyFile, identity        string
	json                          bool
}

func (p *program) browse(ctx context.Context, opt browsing) error {
	told, err := p.lookInto(ctx, opt)
	if err != nil && opt.json && !told {
		return errors.Join(err, p.jsonFailure(err))
	}
	return err
}

// lookInto lists, searches or takes out. With an error, told says whether there
// was something to print all the same.
func (p *program) lookInto(ctx context.Context, opt browsing) (told bool, err error) {
	storePath := folderOf(p.path(opt.store))
	password, err := p.password(storePath, opt.key, opt.keyFile, opt.identity)
	if err != nil {
		return false, err
	}
	b, err := p.engine().Browse(ctx, engine.StoreRef{Path: storePath, Password: password})
	if err != nil {
		return false, err
	}
	defer b.Close(ctx)
	it, err := b.Find(ctx, cmp.Or(opt.take, opt.path))
	if err != nil {
		return false, err
	}
	if opt.take != "" {
		return p.takeOut(ctx, b, it, opt)
	}
	out := bufio.NewWriter(p.stdout)
	rows := &itemRows{w: out, json: opt.json}
	defer func() {
		if err == nil || rows.n > 0 {
			err = errors.Join(err, rows.end(), out.Flush())
		}
		told = rows.n > 0
	}()
	if opt.search != "" {
		err := b.Search(ctx, it.Path, opt.search, func(found engine.Item) error { return rows.add(found, found.Windows) })
		if rows.n == 0 && err == nil {
			fmt.Fprintf(p.stderr, "nothing there is called %s\n", winname.Show(opt.search))
		}
		return false, err
	}
	items := []engine.Item{it}
	if it.Dir {
		if items, err = b.List(ctx, it.Path); err != nil {
			return false, err
		}
	}
	if !opt.json {
		of := cmp.Or(it.Windows, "drives")
		fmt.Fprintf(out, "%s of %s, saved %s\n", winname.Show(of), winname.Show(b.Stored.Computer), human.Time(b.Stored.Finished))
	}
	for _, it := range items {
		if err := rows.add(it, it.Name); err != nil {
			return false, err
		}
	}
	return false, nil
}

// takeOut writes a file or folder of the store to where opt says.
func (p *program) takeOut(ctx context.Context, b *engine.Browser, it engine.Item, opt browsing) (told bool, err error) {
	ctl := job.NewControl(p.clock, nil)
	stop := (&watcher{ctl: ctl, console: p.stderr}).follow()
	done, err := b.Take(ctx, it, p.path(opt.to), ctl)
	stop()
	switch {
	case opt.json && (err == nil || len(done.Failed) > 0):
		return true, errors.Join(err, p.json(done))
	case err == nil:
		fmt.Fprintf(p.stdout, "wrote %s, %s to %s\n", human.Plural(done.Files, "file", "files"), human.Bytes(done.Bytes), winname.Show(opt.to))
	}
	return false, err
}

// itemRows prints what is in a store as it comes: lines for people, or one JSON list.
type itemRows struct {
	w    io.Writer
	json bool
	n    int
}

func (r *itemRows) add(it engine.Item, name string) error {
	r.n++
	if r.json {
		data, err := json.Marshal(winname.ForJSON(it))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(r.w, "%s\n  %s", map[bool]string{true: "[", false: ","}[r.n == 1], data)
		return err
	}
	when, about := "", string(it.State)
	if !it.Modified.IsZero() {
		when = human.Time(it.Modified)
	}
	name = winname.Show(name)
	if it.Dir {
		about = human.Plural(it.Files, "file", "files")
		name = strings.TrimSuffix(name, `\`) + `\`
	}
	_, err := fmt.Fprintf(r.w, "%-16s %11s  %-13s %s\n", when, human.Bytes(it.Size), about, name)
	return err
}

func (r *itemRows) end() error {
	if !r.json {
		return nil
	}
	last := "\n]\n"
	if r.n == 0 {
		last = "[]\n"
	}
	_, err := io.WriteString(r.w, last)
	return err
}
