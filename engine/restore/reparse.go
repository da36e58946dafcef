package restore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"lifeboat/engine/job"
	"lifeboat/engine/store"
	"lifeboat/engine/volume"
	"lifeboat/engine/winname"
)

// A linkData is the content of a junction or a symbolic link (REPARSE_DATA_BUFFER:
// tag, u16 length, u16 0, then u16 offset and length of the target and of how it is
// shown, for a symbolic link u32 flags, and both texts).
type linkData struct {
	tag      uint32
	flags    uint32
	target   string // `\??\C:\Users\anna`, or a path relative to the folder of the link
	relative bool
}

// maxReparse is the largest reparse point that Windows takes.
const maxReparse = 16 << 10

const (
	reparseHead = 8
	wslLink     = 0xA000001D // a symbolic link that Linux on Windows has made; its target is Linux's
)

// parseLink reads what a link of the source has.
func parseLink(b []byte) (linkData, error) {
	cut := errors.New("the data of the link are cut off")
	if len(b) < reparseHead+8 || len(b) > maxReparse || int(le.Uint16(b[4:])) != len(b)-reparseHead {
		return linkData{}, cut
	}
	l := linkData{tag: le.Uint32(b)}
	body := b[reparseHead:]
	texts := body[8:]
	if l.tag == volume.TagSymlink {
		if len(texts) < 4 {
			return linkData{}, cut
		}
		l.flags, texts = le.Uint32(texts), texts[4:]
		l.relative = l.flags&1 != 0
	}
	at, size := int(le.Uint16(body)), int(le.Uint16(body[2:]))
	if at+size > len(texts) {
		return linkData{}, cut
	}
	l.target = utf16Text(texts[at : at+size])
	if l.target == "" {
		return linkData{}, errors.New("the link has no target")
	}
	return l, nil
}

// utf16Text is UTF-16 without an end as a name.
func utf16Text(b []byte) string {
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, le.Uint16(b))
	}
	return winname.FromUTF16(units)
}

// bytes is the link as Windows keeps it.
func (l linkData) bytes() ([]byte, error) {
	shown := strings.TrimPrefix(l.target, `\??\`)
	target, print := text(l.target), text(shown)
	var body []byte
	for _, n := range []int{0, len(target), len(target) + 2, len(print)} {
		body = le.AppendUint16(body, uint16(n))
	}
	if l.tag == volume.TagSymlink {
		body = le.AppendUint32(body, l.flags)
	}
	for _, t := range [][]byte{target, print} {
		body = append(append(body, t...), 0, 0)
	}
	if len(body) > maxReparse-reparseHead {
		return nil, errors.New("the target of the link is too long")
	}
	head := le.AppendUint16(le.AppendUint32(nil, l.tag), uint16(len(body)))
	return append(append(head, 0, 0), body...), nil
}

// link makes a junction or a symbolic link again, where the mount can. They come
// when everything else is there, so that nothing is written through one.
func (r *run) link(o store.Object, t target) error {
	d, at, path, err := r.onDrive(t.path)
	if err != nil {
		return err
	}
	if d.exists(at) {
		r.count(t.unit, func(c *Counts) { c.Kept++ })
		return nil
	}
	data, shown, err := r.linkHere(o, t)
	if err != nil {
		r.notice(path, "is a link, left out: %v", err)
		return nil
	}
	if !d.sys.keepsAll() {
		r.notice(path, "is a link%s, left out: this file system, or the way it is mounted, cannot hold it", shown)
		return nil
	}
	dir, _ := winname.Split(at)
	made, err := d.mkdirs(dir)
	if err != nil {
		return err
	}
	r.finishLater(path, made)
	meta, err := r.metadata(o, t)
	if err != nil {
		return err
	}
	meta.reparse, meta.folder = data, o.Dir
	if err := d.put(at, false, meta, func(io.Writer) error { return nil }); err != nil {
		return err
	}
	r.count(t.unit, func(c *Counts) { c.Links++ })
	return nil
}

// linkHere is what a link has on the destination, and where it leads, for people.
func (r *run) linkHere(o store.Object, t target) (data []byte, shown string, err error) {
	switch {
	case len(o.Reparse) == 0:
		return nil, "", errors.New("where it leads is not in the store")
	case o.Tag == wslLink && len(o.Reparse) <= maxReparse && len(o.Reparse) >= reparseHead && le.Uint32(o.Reparse) == o.Tag:
		return o.Reparse, "", nil
	case o.Tag != volume.TagSymlink && o.Tag != volume.TagMountPoint:
		return nil, "", fmt.Errorf("of an unknown kind (%08X)", o.Tag)
	}
	l, err := parseLink(o.Reparse)
	if err != nil {
		return nil, "", err
	}
	if l.tag != o.Tag {
		return nil, "", errors.New("its data are those of another kind")
	}
	path, full := strings.CutPrefix(l.target, `\??\`)
	switch {
	case l.relative:
	case full && isPath(path):
		l.target = `\??\` + r.linkTarget(path, o.Dir, t)
	case full && strings.HasPrefix(strings.ToUpper(path), `UNC\`):
	default: // a volume by its number, which is another here
		return nil, "", fmt.Errorf("it leads to %s", winname.Show(l.target))
	}
	data, err = l.bytes()
	return data, " to " + winname.Show(strings.TrimPrefix(l.target, `\??\`)), err
}

// linkTarget is where that what a link leads to is on the destination.
func (r *run) linkTarget(path string, isDir bool, t target) string {
	path = strings.TrimRight(path, `\`)
	object := objectOf(store.Object{Path: store.Text(path), Dir: isDir})
	to, moved, err := t.unit.locate(t.unit.matching(object), object)
	there := joined(to)
	if !moved || err != nil {
		there = r.byDefault(t.unit, path)
	}
	if _, _, ok := r.resolve(there); !ok {
		there = r.machine.SystemDrive() + there[2:] // as onDrive puts it
	}
	if len(there) == 2 {
		there += `\`
	}
	return there
}

// applyReparse puts back the links that applyFiles has met.
func (r *run) applyReparse(ctx context.Context) error {
	for _, l := range r.reparse {
		err := r.try(ctx, job.UnreadableFile, string(l.object.Path), func() error { return r.link(l.object, l.to) })
		if err != nil {
			return err
		}
	}
	return nil
}
