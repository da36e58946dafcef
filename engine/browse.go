package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"lifeboat/engine/job"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
)

// Item is a file or folder in a store.
type Item struct {
	Name     string    `json:"name"` // as on the source; of a drive C:
	Path     string    `json:"-"`    // inside the store: File/C$/Users
	Windows  string    `json:"path"` // the full path it had
	Dir      bool      `json:"dir,omitempty"`
	Size     int64     `json:"size"`            // of all files below, for a folder
	Files    int64     `json:"files,omitempty"` // below a folder
	Modified time.Time `json:"modified,omitzero"`
	State    ItemState `json:"state,omitempty"`
}

// ItemState is what is special about a file in a store.
type ItemState string

const (
	ItemPartial   ItemState = "partial"   // stored with holes
	ItemEncrypted ItemState = "encrypted" // as EFS had encrypted it; Size is that of the ciphertext
)

// Top is the folder inside a store that holds the drives.
const Top = "File"

// Browser looks into the newest capture of a store. Its methods take paths inside
// the store, as an Item has them; Find takes those that people write.
type Browser struct {
	Stored Stored // the capture

	e       *Engine
	s       *store.Store
	tree    *store.Tree
	place   string // of the store
	streams bool   // the capture has any
}

// Browse opens a store to look into it. Close it.
func (e *Engine) Browse(ctx context.Context, ref StoreRef) (*Browser, error) {
	s, newest, err := e.open(ctx, ref)
	if err != nil {
		return nil, err
	}
	b := &Browser{Stored: newest, e: e, s: s, place: ref.Path}
	if b.tree, err = s.Tree(ctx, newest.ID); err == nil {
		b.streams, err = there(b.tree.Stat(ctx, "Streams"))
	}
	if err != nil {
		b.Close(ctx)
		return nil, failStore(err, ref.Path)
	}
	return b, nil
}

// there tells what is absent from what could not be looked for.
func there(_ store.Entry, err error) (bool, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Close releases the store.
func (b *Browser) Close(ctx context.Context) error { return b.s.Close(context.WithoutCancel(ctx)) }

// List gives what a folder holds, folders first, each in the order in which people
// look for names.
func (b *Browser) List(ctx context.Context, folder string) ([]Item, error) {
	items, err := b.list(ctx, folder)
	return items, failStore(err, b.place)
}

func (b *Browser) list(ctx context.Context, folder string) ([]Item, error) {
	entries, err := b.tree.ReadDir(ctx, folder)
	absent := errors.Is(err, fs.ErrNotExist)
	if err != nil && !absent {
		return nil, err
	}
	items := make([]Item, 0, len(entries))
	for _, e := range entries {
		items = append(items, itemOf(path.Join(folder, e.Name), e))
	}
	only, err := b.onlyStreams(ctx, folder, entries)
	if err != nil {
		return nil, err
	}
	if absent && only == nil && folder != Top {
		return nil, fmt.Errorf("list %s: %w", folder, fs.ErrNotExist)
	}
	items = append(items, only...)
	slices.SortStableFunc(items, func(x, y Item) int {
		if x.Dir != y.Dir {
			return map[bool]int{true: -1, false: 1}[x.Dir]
		}
		return strings.Compare(winname.Fold(x.Name), winname.Fold(y.Name))
	})
	return items, nil
}

// onlyStreams gives what a folder holds of which only streams are in the store:
// encrypted files, and folders that have nothing else in them.
func (b *Browser) onlyStreams(ctx context.Context, folder string, others []store.Entry) ([]Item, error) {
	if !b.streams {
		return nil, nil
	}
	beside := "Streams" + strings.TrimPrefix(folder, Top)
	entries, err := b.tree.ReadDir(ctx, beside)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return nil, err
	}
	known := make(map[string]bool, len(others))
	for _, e := range others {
		known[e.Name] = true
	}
	var items []Item
	for _, e := range entries {
		if !e.Dir || known[e.Name] {
			continue
		}
		parts, err := b.tree.ReadDir(ctx, path.Join(beside, e.Name))
		if err != nil {
			return nil, err
		}
		item := itemOf(path.Join(folder, e.Name), store.Entry{Name: e.Name})
		for _, part := range parts {
			switch {
			case part.Dir: // of files in a folder
				item.Dir = true
			case part.Name == store.EFSKeys:
				item.State = ItemEncrypted
			case part.Name == store.EFSData:
				item.Size, item.Modified = part.Size, part.ModTime
			}
		}
		if item.State == ItemEncrypted && !item.Dir || item.State == "" && item.Dir {
			items = append(items, item)
		}
	}
	return items, nil
}

func itemOf(inside string, e store.Entry) Item {
	item := Item{Name: store.Unescape(e.Name), Path: inside, Dir: e.Dir, Size: e.Size, Files: e.Files, Modified: e.ModTime}
	if e.Partial {
		item.State = ItemPartial
	}
	item.Windows, _ = store.WindowsPath(inside)
	if path.Dir(inside) == Top {
		item.Name = strings.TrimSuffix(item.Windows, `\`)
	}
	return item
}

// Find looks for a file or folder by its path as people write it: C:\Users\anna in
// any case, with either slash; also as Verify names it, File/C$/Users/anna. A name
// may be written as it is shown or with its escapes. Nothing means Top. For an
// absent one the failure names the nearest folder that is there.
func (b *Browser) Find(ctx context.Context, typed string) (Item, error) {
	at := Item{Path: Top, Dir: true, Size: b.Stored.Bytes, Files: b.Stored.Files}
	parts := strings.FieldsFunc(strings.TrimPrefix(typed, `\\?\`), func(r rune) bool { return r == '\\' || r == '/' })
	if len(parts) > 0 && winname.Equal(parts[0], Top) {
		parts = parts[1:]
	}
	for i, part := range parts {
		if drive, ok := strings.CutSuffix(part, "$"); ok && i == 0 {
			part = drive + ":"
		}
		if !at.Dir {
			return Item{}, b.absent(ctx, typed, at)
		}
		items, err := b.list(ctx, at.Path)
		if err != nil {
			return Item{}, failStore(err, b.place)
		}
		next := slices.IndexFunc(items, func(it Item) bool { return it.Name == part })
		if next < 0 {
			next = slices.IndexFunc(items, func(it Item) bool {
				return winname.Equal(it.Name, part) || winname.Equal(winname.Show(it.Name), part) || winname.Equal(path.Base(it.Path), part)
			})
		}
		if next < 0 {
			return Item{}, b.absent(ctx, typed, at)
		}
		at = items[next]
	}
	return at, nil
}

// absent is the failure for a path that is not there, though nearest is.
func (b *Browser) absent(ctx context.Context, typed string, nearest Item) error {
	f := usmt.Fail(usmt.InvalidParameters, nil, "the store holds no %s", winname.Show(typed))
	switch {
	case nearest.Path != Top && !nearest.Dir:
		return f.WithRemedy(winname.Show(nearest.Windows) + " is there, but is a file")
	case nearest.Path != Top:
		return f.WithRemedy("the nearest folder in it is " + winname.Show(nearest.Windows))
	}
	drives, err := b.list(ctx, Top)
	switch {
	case err != nil:
		return failStore(err, b.place)
	case len(drives) == 0:
		return f.WithRemedy("it holds no files")
	}
	var names []string
	for _, d := range drives {
		names = append(names, winname.Show(d.Windows))
	}
	return f.WithRemedy("paths in it begin with " + strings.Join(names, " or "))
}

// Search calls each for every file and folder below a folder whose name matches a
// pattern, * for any letters and ? for one, until each fails. A folder that cannot
// be read does not end it; there is an error in the end.
func (b *Browser) Search(ctx context.Context, folder, pattern string, each func(Item) error) error {
	return b.walk(ctx, folder, func(it Item) error {
		if usmt.MatchName(pattern, it.Name) {
			return each(it)
		}
		return nil
	})
}

// maxDepth is more folders than a path of Windows can have.
const maxDepth = 16384

// walk visits what lies below a folder.
func (b *Browser) walk(ctx context.Context, folder string, each func(Item) error) error {
	var unread error // the first folder that could not be read
	var visit func(folder string, depth int) error
	visit = func(folder string, depth int) error {
		items, err := b.list(ctx, folder)
		if err == nil && depth > maxDepth {
			err = fmt.Errorf("list %s: %w: folders too deep", folder, store.ErrCorrupt)
		}
		if errors.Is(err, store.ErrCorrupt) {
			if unread == nil {
				unread = err
			}
			return nil
		}
		if err != nil {
			return failStore(err, b.place)
		}
		for _, it := range items {
			if err := each(it); err != nil {
				return err
			}
			if it.Dir {
				if err := visit(it.Path, depth+1); err != nil {
					return err
				}
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		return nil
	}
	if err := visit(folder, 0); err != nil {
		return err
	}
	return failStore(unread, b.place)
}

// Take writes a file, or a folder with all it holds, below dest, at the path that
// Extract gives it there and as safely: nothing lands outside dest, and nothing
// that exists is changed. Encrypted files stay behind, and are told as problems.
func (b *Browser) Take(ctx context.Context, it Item, dest string, ctl *job.Control) (Extracted, error) {
	if it.State == ItemEncrypted {
		return Extracted{}, usmt.Fail(usmt.UnsupportedPlatform, nil, "%s is encrypted (EFS)", winname.Show(it.Windows)).
			WithRemedy("only Windows can decrypt it: put it back with loadstate, and open it with its user's certificate")
	}
	files := it.Files
	if !it.Dir {
		files = 1
		if _, err := b.tree.Stat(ctx, it.Path); err != nil {
			return Extracted{}, failStore(err, b.place)
		}
	}
	if err := makeFolder(dest); err != nil {
		return Extracted{}, err
	}
	ctl.Phase(job.Applying, it.Size, files)
	done, err := b.s.Extract(ctx, b.Stored.ID, dest, store.ExtractOptions{Below: it.Path, Progress: count(ctl, b.e)})
	err = extracted(done, err, b.place, "they were left as they were: name another folder", ctl)
	if err != nil || !it.Dir || !b.streams {
		return done, err
	}
	return done, b.walk(ctx, it.Path, func(it Item) error {
		if it.State == ItemEncrypted {
			ctl.Problem(job.Problem{Kind: job.Notice, Path: it.Windows, Text: "encrypted (EFS), left in the store: only loadstate puts it back", Size: it.Size, Code: usmt.FileEncrypted})
		}
		return nil
	})
}
