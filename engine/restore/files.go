package restore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/store"
	"lifeboat/engine/volume"
	"lifeboat/engine/winname"
)

// finishing is a folder whose metadata is set when all that it holds is there.
type finishing struct {
	path string
	meta metadata
}

// laterLink is a link that is put back when everything else is there: a shortcut that
// is wanted only if its target is there, a junction, or a symbolic link.
type laterLink struct {
	object store.Object
	to     target
}

// claim is a unit that has to do with an object, with those of its rules that do.
type claim struct {
	unit  *unit
	rules []int
}

// target is where an object goes, and the unit whose rules decide what happens
// there.
type target struct {
	path string
	claim
	claims []claim // of all units that put it there; the first decides until filters are asked
	made   []byte  // content that rules made up, nil for what is in the store
}

// objectOf is an object of the source as a location.
func objectOf(o store.Object) migxml.Pattern {
	path := strings.TrimRight(string(o.Path), `\`)
	if o.Dir {
		return migxml.Pattern{Kind: migxml.FileKind, Node: path}
	}
	dir, name := winname.Split(path)
	return migxml.Pattern{Kind: migxml.FileKind, Node: dir, Leaf: name, HasLeaf: true}
}

func joined(p migxml.Pattern) string {
	if !p.HasLeaf {
		return p.Node
	}
	return winname.Join(p.Node, p.Leaf)
}

// applyFiles puts back files and folders, in the order of the capture.
func (r *run) applyFiles(ctx context.Context) error {
	if err := r.loadSecurity(ctx); err != nil {
		return err
	}
	for o, err := range store.LinesOf[store.Object](ctx, r.req.Tree.Open, store.ObjectsJSONL) {
		if err != nil {
			return fmt.Errorf("%w: %w", ErrCatalog, err)
		}
		if err := r.ctl.Gate.Wait(ctx); err != nil {
			return err
		}
		if object := objectOf(o); r.isSimulated(object) || r.isBarred(object, r.filterObject(o)) {
			r.passed(o.Size)
			continue
		}
		targets, err := r.targets(o)
		if err != nil {
			r.report(job.Problem{Kind: job.Damaged, Path: string(o.Path), Text: err.Error()})
			continue
		}
		for _, t := range targets {
			if err := r.applyObject(ctx, o, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// targets works out where an object goes. What several units took goes once to
// where it was, and to every other place that their rules name, or those of a unit
// that moves what others took (spec/migxml-spec.md 4.17).
func (r *run) targets(o store.Object) ([]target, error) {
	path := strings.TrimRight(string(o.Path), `\`)
	if !isPath(path) || len(path) == 2 && !o.Dir {
		return nil, fmt.Errorf("the path is none of a drive")
	}
	for _, name := range strings.Split(path, `\`)[1:] {
		if err := checkName(name); err != nil {
			return nil, err
		}
	}
	object := objectOf(o)
	var list []target
	add := func(path string, c claim) {
		for i := range list {
			if winname.Equal(list[i].path, path) {
				list[i].claims = append(list[i].claims, c)
				return
			}
		}
		list = append(list, target{path: path, claim: c, claims: []claim{c}})
	}
	plain := ""
	for _, u := range r.active(o.Units) {
		c := claim{u, u.matching(object)}
		if to, moved := r.moved(c, object); moved {
			add(joined(to), c)
			continue
		}
		to, remapped := r.remapped(u, path)
		if !remapped {
			plain = cmp.Or(plain, r.byDefault(u, path))
			to = plain
		}
		add(to, c)
	}
	for _, u := range r.movers(object, o.Units) {
		c := claim{u, u.matching(object)}
		if to, moved := r.moved(c, object); moved {
			add(joined(to), c)
		}
	}
	return list, nil
}

// wanted returns the claims of the units whose filters let an object be put back.
// What waits for a target of its own comes last, as linkWorks is asked then.
func (r *run) wanted(claims []claim, object migxml.Pattern, o migxml.Object, linkWorks func() bool) (now, later []claim) {
	for _, c := range claims {
		asked := false
		dropped, err := c.unit.dropped(c.rules, object, o, func() bool { asked = true; return linkWorks() })
		if err != nil {
			r.warn(fmt.Sprintf("filter of %s: %v", c.unit.catalog.Component, err))
		}
		switch {
		case dropped && err == nil:
		case asked:
			later = append(later, c)
		default:
			now = append(now, c)
		}
	}
	return now, later
}

// deciding is the claim whose rules say most: the first with any about what becomes
// of the object.
func deciding(claims []claim) claim {
	for _, c := range claims {
		if c.unit.restorer != nil && c.unit.restorer.Acts(c.rules) {
			return c
		}
	}
	return claims[0]
}

// byDefault is where something goes that no rule moves.
func (r *run) byDefault(u *unit, path string) string {
	if to, ok := r.remapped(u, path); ok {
		return to
	}
	return r.places.of(path, u.catalog.Context)
}

// remapped is where a variable of the unit's component moves a path.
func (r *run) remapped(u *unit, path string) (string, bool) {
	for _, m := range u.remaps {
		if to, ok := migxml.Rebase(path, m.from, m.to); ok {
			return to, true
		}
	}
	return path, false
}

// onDrive is the path itself, or the same path on the system's drive if the
// destination has no such drive (10.1).
func (r *run) onDrive(path string) (*disk, string, string, error) {
	if !isPath(path) {
		return nil, "", path, fmt.Errorf("%s is no path of a drive", winname.Show(path))
	}
	if d, at, ok := r.resolve(path); ok {
		return d, at, path, nil
	}
	there := r.machine.SystemDrive() + path[2:]
	d, at, ok := r.resolve(there)
	if !ok {
		return nil, "", path, fmt.Errorf("drive %s is not there", path[:2])
	}
	r.warn(fmt.Sprintf("there is no drive %s; what was there goes to %s", strings.ToUpper(path[:2]), r.machine.SystemDrive()))
	return d, at, there, nil
}

// applyObject puts one object back to one place.
func (r *run) applyObject(ctx context.Context, o store.Object, t target) error {
	r.ctl.Progress.SetCurrent(t.path)
	shown := string(o.Path)
	switch {
	case r.isHive(t.path):
		r.hives++
		return nil
	case o.Missing != "":
		r.notice(shown, "is not in the store: %s", o.Missing)
		return nil
	case o.Linked && volume.Attr(o.Attr)&volume.Encrypted != 0 && r.linked(ctx, o) == "":
		r.report(job.Problem{Kind: job.Encrypted, Path: shown, Size: o.Size,
			Text: "encrypted (EFS): it can be put back only as a link, from a hard-link store with /hardlink"})
		return nil
	}
	if volume.IsLinkTag(o.Tag) {
		r.reparse = append(r.reparse, laterLink{o, t})
		return nil
	}
	if o.Dir {
		return r.try(ctx, job.UnreadableFile, shown, func() error { return r.folder(o, t) })
	}
	if !r.filtered(o, &t, false) {
		return nil
	}
	if o.Raw {
		return r.try(ctx, job.UnreadableFile, shown, func() error { return r.encrypted(ctx, o, t) })
	}
	return r.try(ctx, job.UnreadableFile, shown, func() error { return r.file(ctx, o, t) })
}

// filtered asks the filters of the units that put the object there; true if it is
// put back now, by the one that decides. Shortcuts wait until everything else is there.
func (r *run) filtered(o store.Object, t *target, last bool) bool {
	works := func() bool { return !last || r.linkWorks(o) }
	now, later := r.wanted(t.claims, objectOf(o), r.filterObject(o), works)
	if last {
		now = append(now, later...)
	}
	switch {
	case len(now) > 0:
		t.claim = deciding(now)
		return true
	case len(later) > 0:
		r.links = append(r.links, laterLink{o, *t})
	}
	return false
}

// filterObject is what filters may ask about a file: dates are those of the source's
// days.
func (r *run) filterObject(o store.Object) migxml.Object {
	return migxml.Object{Size: o.Size, Created: o.Created.Time().In(r.zone), Modified: o.Modified.Time().In(r.zone), Accessed: o.Accessed.Time().In(r.zone)}
}

// applyLinks puts back the shortcuts whose targets are there now.
func (r *run) applyLinks(ctx context.Context) error {
	for _, l := range r.links {
		if !r.filtered(l.object, &l.to, true) {
			r.notice(string(l.object.Path), "the shortcut leads nowhere here, left out")
			continue
		}
		if err := r.try(ctx, job.UnreadableFile, string(l.object.Path), func() error { return r.file(ctx, l.object, l.to) }); err != nil {
			return err
		}
	}
	return nil
}

// count adds to the totals and to those of the person.
func (r *run) count(u *unit, add func(*Counts)) {
	add(&r.result.Done)
	if u != nil && u.person != nil {
		add(&u.person.Counts)
	}
}

func (r *run) folder(o store.Object, t target) error {
	d, at, path, err := r.onDrive(t.path)
	if err != nil {
		return err
	}
	made, err := d.mkdirs(at)
	if err != nil {
		return err
	}
	r.finishLater(path, made)
	if len(made) == 0 {
		return nil // the folder that is there stays as it is
	}
	r.count(t.unit, func(c *Counts) { c.Folders++ })
	meta, err := r.metadata(o, t)
	if err != nil {
		return err
	}
	r.folders[len(r.folders)-1] = finishing{path, meta}
	return nil
}

// finishLater notes folders that were made. Those of a profile that is new get
// its owner's rights, until something better is known of them.
func (r *run) finishLater(path string, made []string) {
	drive := path[:2]
	for _, at := range made {
		r.folders = append(r.folders, finishing{drive + at, metadata{security: r.ownerRights(drive+at, true)}})
	}
}

// finishFolders sets what folders have: their times change with every file in
// them, so they come last, the innermost first.
func (r *run) finishFolders(ctx context.Context) error {
	for _, f := range slices.Backward(r.folders) {
		err := r.try(ctx, job.UnreadableFile, f.path, func() error {
			d, at, _, err := r.onDrive(f.path)
			if err != nil {
				return err
			}
			return d.setFolder(at, f.meta)
		})
		if err != nil {
			return err
		}
	}
	if r.hives > 0 {
		r.notice("NTUSER.DAT", "%d hive files of profiles were not copied: their keys are put back one by one", r.hives)
	}
	return nil
}

// metadata is what an object shall have on the destination.
func (r *run) metadata(o store.Object, t target) (metadata, error) {
	m := metadataOf(o)
	m.security = r.sds[o.Security]
	if m.security == nil {
		m.security = r.ownerRights(t.path, o.Dir)
	}
	if t.unit.restorer != nil {
		dropped := t.unit.restorer.Dropped(t.rules, objectOf(o))
		if dropped&(migxml.DACL|migxml.Owner) != 0 {
			m.security = nil
		}
		if dropped&migxml.CreationTime != 0 {
			m.created = 0
		}
		if dropped&migxml.LastAccessTime != 0 {
			m.accessed = 0
		}
		if dropped&migxml.LastWrittenTime != 0 {
			m.modified = 0
		}
	}
	if _, from := winname.Split(string(o.Path)); winname.IsShort(string(o.Short)) {
		if _, to := winname.Split(t.path); winname.Equal(from, to) {
			m.short = string(o.Short)
		}
	}
	for _, s := range o.Streams {
		if s.Missing != "" {
			continue
		}
		if name := string(s.Name); checkName(name) != nil {
			return m, fmt.Errorf("stream name %q is not possible", winname.Show(name))
		}
		m.streams = append(m.streams, streamData{name: string(s.Name), size: s.Size, open: func() (io.ReadCloser, error) {
			return r.req.Tree.Open(context.Background(), store.StreamPath(string(o.Path), o.Dir, string(s.Name)))
		}})
	}
	if len(m.streams)+len(m.security) > 0 && !r.keepsAll(t.path) {
		r.warn("this file system, or the way it is mounted, keeps no streams, rights and attributes of Windows: they are lost")
	}
	return m, nil
}

func (r *run) keepsAll(path string) bool {
	d, _, _, err := r.onDrive(path)
	return err == nil && d.sys.keepsAll()
}

// file puts one file back.
func (r *run) file(ctx context.Context, o store.Object, t target) error {
	d, at, path, err := r.onDrive(t.path)
	if err != nil {
		return err
	}
	meta, err := r.metadata(o, t)
	if err != nil {
		return err
	}
	open := func() (io.ReadCloser, error) {
		if t.made != nil {
			return io.NopCloser(bytes.NewReader(t.made)), nil
		}
		return r.req.Tree.Open(ctx, store.FilePath(string(o.Path)))
	}
	size := o.Size
	content, err := r.modified(t, d, at, open)
	if err != nil {
		r.warn(fmt.Sprintf("contentModify of %s: %v", t.unit.catalog.Component, err))
	} else if content != nil {
		size = int64(len(content))
		open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	}
	from := ""
	if content == nil && t.made == nil {
		from = r.linked(ctx, o)
	}
	replace := false
	native, info, err := d.find(at)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !d.exists(at):
		dir, _ := winname.Split(at)
		made, err := d.mkdirs(dir)
		if err != nil {
			return err
		}
		r.finishLater(path, made)
	case err != nil && !d.dry():
		return err
	default:
		if err == nil && !info.IsDir() {
			same, err := d.isSame(native, from, size, open)
			if err != nil {
				return err
			}
			if same {
				r.count(t.unit, func(c *Counts) { c.Identical++ })
				r.passed(o.Size)
				if from != "" { // a run that was interrupted may have come this far
					return r.secure(d, at, meta.security)
				}
				return nil
			}
		}
		isDir := err == nil && info.IsDir()
		resolution, template, err := t.unit.merge(t.rules, objectOf(o), migxml.Collision{
			Kind: migxml.FileKind, Version: func(destination bool, tag string) string { return r.version(d, native, open, destination, tag) },
		})
		if err != nil {
			r.warn(fmt.Sprintf("merge of %s: %v", t.unit.catalog.Component, err))
		}
		dir, name := winname.Split(at)
		switch {
		case resolution == migxml.Keep && !isDir:
			r.count(t.unit, func(c *Counts) { c.Kept++ })
			r.passed(o.Size)
			return nil
		case resolution == migxml.Overwrite && !isDir:
			replace = true
		default:
			if template == "" {
				template = "<F>(<N>).<E>"
			}
			// A run that goes on after an interruption finds the copy it made.
			already := false
			free, ok := migxml.FreeName(template, name, func(name string) bool {
				p := winname.Join(dir, name)
				if !d.exists(p) {
					return false
				}
				if native, _, err := d.find(p); err == nil {
					already, _ = d.isSame(native, from, size, open)
				}
				return !already
			})
			switch {
			case !ok:
				return fmt.Errorf("there is no free name for %s", winname.Show(name))
			case already:
				r.count(t.unit, func(c *Counts) { c.Identical++ })
				r.passed(o.Size)
				return nil
			}
			at = winname.Join(dir, free)
			r.count(t.unit, func(c *Counts) { c.Renamed++ })
			r.ctl.Say(fmt.Sprintf("%s: the name is taken, written as %s", winname.Show(path), winname.Show(free)))
		}
	}
	if replace {
		if kept := t.kept(); kept != (migxml.Kept{}) {
			r.keepExisting(d, at, kept, &meta)
		}
	}
	if done, err := r.putLink(o, d, at, replace, from, meta.security); err != nil {
		return err
	} else if done {
		// All is as it was.
	} else if !replace && content == nil && r.nameAgain(o, d, at, size, open) {
		r.ctl.Progress.AddBytes(size, r.ctl.Clock())
	} else {
		err = d.put(at, replace, meta, func(w io.Writer) error {
			in, err := open()
			if err != nil {
				return err
			}
			defer in.Close()
			n, err := io.Copy(w, &counted{in, r})
			if err == nil && n != size && o.Partial == "" {
				err = fmt.Errorf("%d bytes are in the store, there should be %d", n, size)
			}
			return err
		})
		if err != nil {
			return err
		}
		if content == nil {
			r.remember(o, d, at)
		}
	}
	if o.Partial != "" {
		r.notice(string(o.Path), "was saved with holes: %s", o.Partial)
	}
	r.ctl.Progress.AddFiles(1)
	r.count(t.unit, func(c *Counts) {
		c.Files++
		c.Bytes += size
		if replace {
			c.Replaced++
		}
	})
	return nil
}

// counted tells the watcher how far a file is.
type counted struct {
	r   io.Reader
	run *run
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.run.ctl.Progress.AddBytes(int64(n), c.run.ctl.Clock())
	return n, err
}

// passed counts a file for the watcher that needs no writing.
func (r *run) passed(size int64) {
	r.ctl.Progress.AddFiles(1)
	r.ctl.Progress.AddBytes(size, r.ctl.Clock())
}

// kept is what KeepExisting says for the object.
func (t target) kept() migxml.Kept {
	for _, c := range t.unit.modifiers(t.rules) {
		if strings.EqualFold(c.Name, "KeepExisting") {
			return migxml.KeepExisting(c)
		}
	}
	return migxml.Kept{}
}

// attributeLetters are those of KeepExisting that can be kept.
var attributeLetters = map[rune]volume.Attr{
	'A': volume.Archive, 'H': volume.Hidden, 'I': notIndexed, 'R': volume.ReadOnly, 'S': volume.System, 'T': volume.Temporary,
}

// keepExisting takes metadata of the file that is replaced.
func (r *run) keepExisting(d *disk, at string, kept migxml.Kept, meta *metadata) {
	info, err := d.view.Stat(at)
	if err != nil {
		return
	}
	for _, letter := range kept.File {
		meta.attr = meta.attr&^attributeLetters[letter] | info.Attr&attributeLetters[letter]
	}
	if kept.Attributes&migxml.TimeFields != 0 {
		meta.created, meta.modified, meta.accessed = store.FileTimeOf(info.Created), store.FileTimeOf(info.Modified), store.FileTimeOf(info.Accessed)
	}
	if kept.Attributes&migxml.Security != 0 {
		if extras, err := d.view.Extras(at, info); err == nil {
			meta.security = extras.Security
		}
	}
}

// maxModified bounds a file whose content a function changes.
const maxModified = 1 << 20

// modified applies the contentModify functions that are about files; nil if the
// content stays as it is.
func (r *run) modified(t target, d *disk, at string, open func() (io.ReadCloser, error)) ([]byte, error) {
	for _, c := range t.unit.modifiers(t.rules) {
		if !strings.EqualFold(c.Name, "MergeShellLibraries") {
			continue
		}
		in, err := open()
		if err != nil {
			return nil, err
		}
		source, err := io.ReadAll(io.LimitReader(in, maxModified))
		in.Close()
		if err != nil {
			return nil, err
		}
		var destination []byte
		if native, _, err := d.find(at); err == nil {
			if f, err := d.root.Open(native); err == nil {
				destination, _ = io.ReadAll(io.LimitReader(f, maxModified))
				f.Close()
			}
		}
		return migxml.MergeLibraries(source, destination, func(path string) string {
			return r.places.of(path, t.unit.catalog.Context)
		})
	}
	return nil, nil
}

// version reads the version resource of a file on either side for NewestVersion.
func (r *run) version(d *disk, native string, open func() (io.ReadCloser, error), destination bool, tag string) string {
	var in io.ReadCloser
	var err error
	if destination {
		in, err = d.root.Open(native)
	} else {
		in, err = open()
	}
	if err != nil {
		return ""
	}
	defer in.Close()
	return fileVersion(in, tag)
}

// linkWorks reports whether the target of a shortcut is there. One that names no
// file is taken to work.
func (r *run) linkWorks(o store.Object) bool {
	f, err := r.req.Tree.Open(context.Background(), store.FilePath(string(o.Path)))
	if err != nil {
		return true
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxModified))
	if err != nil {
		return true
	}
	path, ok := shortcutTarget(data)
	if !ok || !isPath(path) {
		return true
	}
	for _, p := range []string{path, r.places.of(path, o.User)} {
		if d, at, _, err := r.onDrive(p); err == nil && d.exists(at) {
			return true
		}
	}
	return false
}
