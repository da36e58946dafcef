package restore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/winname"
)

// cleanFiles takes away what destinationCleanup names on the destination (spec
// 10.3: after places are computed, before anything is written). What goes is
// kept for Undo. Folders stay; empty ones do no harm.
func (r *run) cleanFiles(ctx context.Context) error {
	return r.eachCleanup(func(u *unit, p migxml.Pattern) error {
		if p.Kind != migxml.FileKind {
			return nil
		}
		return r.cleanPattern(ctx, u, p)
	})
}

// eachCleanup calls f with the patterns of destinationCleanup. They were resolved
// on the source: what is literal in them goes where it would be put back.
func (r *run) eachCleanup(f func(u *unit, p migxml.Pattern) error) error {
	for _, rule := range r.acting {
		if rule.Kind != migxml.DestinationCleanup {
			continue
		}
		for _, u := range r.active([]int{rule.Unit}) {
			for _, p := range rule.Patterns {
				if err := f(u, p); err != nil {
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

func (r *run) cleanPattern(ctx context.Context, u *unit, p migxml.Pattern) error {
	literal, wild := cutLiteral(p.Node)
	if !isPath(literal) || strings.Count(literal, `\`) < 1 {
		r.warn(fmt.Sprintf("destinationCleanup %s is about a whole drive, not done", p))
		return nil
	}
	there := r.byDefault(u, literal)
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
		for _, name := range f.names {
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
			if !p.MatchLeaf(shown, name) || r.isHive(childShown) {
				continue
			}
			if err := r.try(ctx, job.UnreadableFile, childShown, func() error { return d.remove(child) }); err != nil {
				return err
			}
		}
		return nil
	}
	return walk(at, top)
}

// applyAddedFiles writes the files that rules made up (addObjects).
func (r *run) applyAddedFiles(ctx context.Context) error {
	for _, a := range r.recorded.added {
		if a.Location.Kind != migxml.FileKind {
			continue
		}
		for _, u := range r.active([]int{a.Unit}) {
			t := target{path: r.byDefault(u, joined(a.Location)), unit: u, rules: u.matching(a.Location)}
			if to, moved, err := u.locate(t.rules, a.Location); err == nil && moved {
				t.path = joined(to)
			}
			err := r.try(ctx, job.UnreadableFile, t.path, func() error { return r.addedFile(a, t) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) addedFile(a migxml.Added, t target) error {
	d, at, shown, err := r.onDrive(t.path)
	if err != nil {
		return err
	}
	if !a.Location.HasLeaf {
		made, err := d.mkdirs(at)
		r.finishLater(shown, made)
		return err
	}
	if d.exists(at) {
		r.count(t.unit, func(c *Counts) { c.Kept++ })
		return nil
	}
	dir, _ := winname.Split(at)
	made, err := d.mkdirs(dir)
	if err != nil {
		return err
	}
	r.finishLater(shown, made)
	err = d.put(at, false, metadata{security: r.ownerRights(shown, false)}, func(w io.Writer) error {
		_, err := w.Write(a.Data)
		return err
	})
	if err == nil {
		r.count(t.unit, func(c *Counts) { c.Files++; c.Bytes += int64(len(a.Data)) })
	}
	return err
}

// applySettings puts INI settings into the files of the destination, where the
// source overwrites (10.2).
func (r *run) applySettings(ctx context.Context) error {
	for _, s := range r.recorded.settings {
		units := r.active(s.Takers)
		if len(units) == 0 {
			continue
		}
		to := r.byDefault(units[0], s.Path)
		err := r.try(ctx, job.UnreadableFile, to, func() error { return r.setting(s, to) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) setting(s migxml.TakenSetting, to string) error {
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
	text, err := setINI(old, s.Section, s.Key, s.Value)
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

// setINI sets one key of an INI file. A text in UTF-16, which some programs
// write, keeps its form; all else is taken as bytes.
func setINI(old []byte, section, key, value string) ([]byte, error) {
	if strings.ContainsAny(section+key+value, "\r\n") {
		return nil, errors.New("an INI setting of several lines")
	}
	wide := bytes.HasPrefix(old, []byte{0xFF, 0xFE})
	text := string(old)
	if wide {
		var units []uint16
		for rest := old[2:]; len(rest) >= 2; rest = rest[2:] {
			units = append(units, le.Uint16(rest))
		}
		text = winname.FromUTF16(units)
	}
	end := "\r\n"
	if strings.Contains(text, "\n") && !strings.Contains(text, "\r\n") {
		end = "\n"
	}
	var lines []string
	if text != "" {
		lines = strings.Split(strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
	}
	at := -1 // behind the last line of the section that says something
	inside, done := false, false
	for i, line := range lines {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "[") {
			name, _, _ := strings.Cut(trimmed[1:], "]")
			inside = winname.Equal(strings.TrimSpace(name), section)
			if inside {
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
			lines[i], done = name+"="+value, true
			break
		}
	}
	if !done {
		if at < 0 {
			lines = append(lines, "["+section+"]")
			at = len(lines)
		}
		lines = append(lines[:at], append([]string{key + "=" + value}, lines[at:]...)...)
	}
	text = strings.Join(lines, end) + end
	if !wide {
		return []byte(text), nil
	}
	out := []byte{0xFF, 0xFE}
	for _, u := range winname.ToUTF16(text) {
		out = le.AppendUint16(out, u)
	}
	return out, nil
}
