package restore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/store"
	"lifeboat/engine/volume"
	"lifeboat/engine/winname"
)

// cleanup is a pattern of a destinationCleanup.
type cleanup struct {
	unit    *unit
	pattern migxml.Pattern
	moved   bool         // it was resolved on the source: what is literal in it goes where it would be put back
	filter  *migxml.Call // asked about the leaves of the destination; nil without one
}

// wants reports whether a leaf of the destination is to go.
func (c cleanup) wants(node, leaf string, o migxml.Object) (bool, error) {
	if !c.pattern.MatchLeaf(node, leaf) {
		return false, nil
	}
	return migxml.FilterAtApply(c.filter, leaf, o, func() bool { return true })
}

// cleanFiles takes away what destinationCleanup names on the destination (spec
// 10.3: after places are computed, before anything is written), and the folders it
// names that have nothing left, but for those that have a meaning to Windows. What
// goes is kept for Undo.
func (r *run) cleanFiles(ctx context.Context) error {
	return r.eachCleanup(func(c cleanup) error {
		if c.pattern.Kind != migxml.FileKind {
			return nil
		}
		return r.cleanPattern(ctx, c)
	})
}

// eachCleanup calls f with the patterns of destinationCleanup: as the rules name them
// on the destination, or, where their conditions do not hold there, as they did on the
// source (spec/migxml-spec.md 1.5).
func (r *run) eachCleanup(f func(cleanup) error) error {
	for i := range r.acting {
		rule := &r.acting[i]
		if rule.Kind != migxml.DestinationCleanup {
			continue
		}
		for _, u := range r.active([]int{rule.Unit}) {
			patterns, here := r.cleanups[cleanupKey(u.catalog, *rule)]
			if !here {
				patterns = rule.Patterns
			}
			for _, p := range patterns {
				if err := f(cleanup{u, p, !here, u.call(rule)}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// cutLiteral parts a node at its first segment with a wildcard.
func cutLiteral(node string) (literal string, wild bool) {
	var kept []string
	for segment := range strings.SplitSeq(node, `\`) {
		if strings.Contains(segment, "*") {
			return strings.Join(kept, `\`), true
		}
		kept = append(kept, segment)
	}
	return node, false
}

func (r *run) cleanPattern(ctx context.Context, c cleanup) error {
	p := &c.pattern
	literal, wild := cutLiteral(p.Node)
	if !isPath(literal) || strings.Count(literal, `\`) < 1 {
		r.warn(fmt.Sprintf("destinationCleanup %s is about a whole drive, not done", p))
		return nil
	}
	there := literal
	if c.moved {
		there = r.byDefault(c.unit, literal)
	}
	p.Node = there + p.Node[len(literal):]
	d, at, top, err := r.onDrive(there)
	if err != nil {
		return nil // nothing there
	}
	var walk func(at, shown string) error
	walk = func(at, shown string) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		f, err := d.folder(at)
		if err != nil {
			return nil // absent, or a link: nothing of ours
		}
		for name := range f.names.all() {
			child, childShown := winname.Join(at, name), winname.Join(shown, name)
			_, info, err := d.find(child)
			if err != nil {
				continue
			}
			if info.IsDir() {
				if wild {
					if err := walk(child, childShown); err != nil {
						return err
					}
				}
				continue
			}
			object := migxml.Object{Size: info.Size(), Modified: info.ModTime()}
			if full, err := d.view.Stat(child); err == nil {
				object.Created, object.Accessed = full.Created, full.Accessed
			}
			goes, err := c.wants(shown, name, object)
			if err != nil {
				r.warn(fmt.Sprintf("destinationCleanup of %s: %v; not done", c.unit.catalog.Component, err))
			}
			if !goes || err != nil || r.isHive(childShown) {
				continue
			}
			if err := r.try(ctx, job.UnreadableFile, childShown, func() error { return d.remove(child) }); err != nil {
				return err
			}
		}
		if !f.names.empty() || !p.MatchNode(shown) || r.places.isNamed(shown) {
			return nil
		}
		return r.try(ctx, job.UnreadableFile, shown, func() error { return d.removeFolder(at) })
	}
	return walk(at, top)
}

// applyAddedFiles writes the files that rules made up (addObjects): they are put
// back as if they were in the store.
func (r *run) applyAddedFiles(ctx context.Context) error {
	last := map[string]int{} // a later one of the same place counts
	for i, a := range r.recorded.added {
		last[locationKey(a.Location)] = i
	}
	for i, a := range r.recorded.added {
		if a.Location.Kind != migxml.FileKind || last[locationKey(a.Location)] != i || r.isBarred(a.Location, migxml.Object{Size: int64(len(a.Data))}) {
			continue
		}
		o := store.Object{
			Path: store.Text(joined(a.Location)), Dir: !a.Location.HasLeaf, Units: []int{a.Unit},
			Size: int64(len(a.Data)), Attr: uint32(addedAttributes(a)), Security: madeUp,
		}
		targets, err := r.targets(o)
		if err != nil {
			r.report(job.Problem{Kind: job.Damaged, Path: string(o.Path), Text: err.Error()})
			continue
		}
		for _, t := range targets {
			t.made = append([]byte{}, a.Data...)
			if err := r.applyObject(ctx, o, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// madeUp is the ID of no security descriptor in a capture.
const madeUp = -1

// addedAttributes reads the attributes of a file that rules made up (4.19).
func addedAttributes(a migxml.Added) volume.Attr {
	var attr volume.Attr
	for _, name := range a.Attributes {
		attr |= map[string]volume.Attr{
			"ARCHIVE": volume.Archive, "READ-ONLY": volume.ReadOnly, "SYSTEM": volume.System, "HIDDEN": volume.Hidden,
		}[name]
	}
	return attr
}

// applySettings puts INI settings into the files of the destination, where the
// source overwrites (10.2).
func (r *run) applySettings(ctx context.Context) error {
	for _, s := range r.recorded.settings {
		object := migxml.Pattern{Kind: migxml.IniKind, Node: s.Path, Section: s.Section, Leaf: s.Key, HasLeaf: true}
		source := migxml.Value{Name: s.Key, Type: migxml.RegSz, Data: utf16Data(s.Value)}
		var claims []claim
		for _, u := range r.active(s.Takers) {
			claims = append(claims, claim{u, u.matching(object)})
		}
		now, later := r.wanted(claims, object, migxml.Object{Value: source}, func() bool { return true })
		claims = append(now, later...)
		if len(claims) == 0 || r.isBarred(object, migxml.Object{Value: source}) {
			continue
		}
		c := deciding(claims)
		to := r.byDefault(c.unit, s.Path)
		if file, moved := r.moved(c, objectOf(store.Object{Path: store.Text(s.Path)})); moved {
			to = joined(file)
		}
		err := r.try(ctx, job.UnreadableFile, to, func() error { return r.setting(s, object, source, c, to) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) setting(s migxml.TakenSetting, object migxml.Pattern, source migxml.Value, c claim, to string) error {
	d, at, shown, err := r.onDrive(to)
	if err != nil {
		return err
	}
	var old []byte
	native, _, err := d.find(at)
	switch {
	case err == nil:
		f, err := d.root.Open(native)
		if err != nil {
			return err
		}
		old, err = io.ReadAll(io.LimitReader(f, maxModified+1))
		f.Close()
		if err != nil {
			return err
		}
		if len(old) > maxModified {
			return fmt.Errorf("is too large for an INI file")
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	var destination *migxml.Value
	for _, there := range migxml.ParseINI(old) {
		if winname.Equal(there.Section, s.Section) && winname.Equal(there.Key, s.Key) {
			destination = &migxml.Value{Name: there.Key, Type: migxml.RegSz, Data: utf16Data(there.Value)}
		}
	}
	value, write := r.decided(c, object, source, destination)
	if !write {
		return nil
	}
	text, err := setINI(old, s.Section, s.Key, value.Text())
	if err != nil {
		return err
	}
	if bytes.Equal(text, old) {
		return nil
	}
	dir, _ := winname.Split(at)
	made, err := d.mkdirs(dir)
	if err != nil {
		return err
	}
	r.finishLater(shown, made)
	meta := metadata{security: r.ownerRights(shown, false)}
	if old != nil {
		meta = cloned(d, at)
	}
	r.count(nil, func(c *Counts) { c.Values++ })
	return d.put(at, true, meta, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// setINI sets one key of an INI file, which keeps its encoding: UTF-16 or UTF-8, as
// some programs write, else the ANSI code page (taken as Windows-1252, which gives
// back every byte). Text that this does not have makes the file UTF-16.
func setINI(old []byte, section, key, value string) ([]byte, error) {
	if strings.ContainsAny(section+key+value, "\r\n") {
		return nil, errors.New("an INI setting of several lines")
	}
	if value != strings.TrimSpace(value) {
		value = `"` + value + `"`
	}
	const mark = "\xEF\xBB\xBF"
	text := string(old)
	wide, marked, ansi := bytes.HasPrefix(old, []byte{0xFF, 0xFE}), strings.HasPrefix(text, mark), false
	switch {
	case wide:
		var units []uint16
		for rest := old[2:]; len(rest) >= 2; rest = rest[2:] {
			units = append(units, le.Uint16(rest))
		}
		text = winname.FromUTF16(units)
	case marked:
		text = text[len(mark):]
	case !utf8.Valid(old) || isASCII(text):
		ansi = true
		decoded, err := charmap.Windows1252.NewDecoder().String(text)
		if err != nil {
			return nil, err
		}
		text = decoded
	}
	text = setLine(text, section, key, value)
	if ansi {
		encoded, err := charmap.Windows1252.NewEncoder().String(text)
		if err == nil {
			return []byte(encoded), nil
		}
		wide = true
	}
	switch {
	case marked:
		return []byte(mark + text), nil
	case !wide:
		return []byte(text), nil
	}
	out := []byte{0xFF, 0xFE}
	for _, u := range winname.ToUTF16(text) {
		out = le.AppendUint16(out, u)
	}
	return out, nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// setLine sets a key in the first section of its name, the only one that Windows
// looks at.
func setLine(text, section, key, value string) string {
	end := "\r\n"
	if strings.Contains(text, "\n") && !strings.Contains(text, "\r\n") {
		end = "\n"
	}
	var lines []string
	if text != "" {
		lines = strings.Split(strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
	}
	at := -1 // behind the last line of the section that says something
	inside := false
	for i, line := range lines {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "[") {
			if inside {
				break
			}
			name, _, _ := strings.Cut(trimmed[1:], "]")
			if inside = winname.Equal(strings.TrimSpace(name), section); inside {
				at = i + 1
			}
			continue
		}
		name, _, ok := strings.Cut(line, "=")
		if !inside || trimmed == "" {
			continue
		}
		at = i + 1
		if ok && winname.Equal(strings.TrimSpace(name), key) {
			lines[i] = name + "=" + value
			return strings.Join(lines, end) + end
		}
	}
	if at < 0 {
		lines = append(lines, "["+section+"]")
		at = len(lines)
	}
	lines = slices.Insert(lines, at, key+"="+value)
	return strings.Join(lines, end) + end
}
