package restore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"lifeboat/engine/regf"
	"lifeboat/engine/volume"
	"lifeboat/engine/winname"
)

// hive is a hive of the destination while it is edited: its whole tree in
// memory.
type hive struct {
	disk    *disk
	at      string // path on the disk
	shown   string // and for people
	root    *regf.Node
	opt     regf.Options
	fresh   bool // there was none
	changed bool
	meta    metadata // of a fresh one
	now     time.Time
	subs    map[*regf.Node]map[string]*regf.Node
}

// maxHive bounds what is read into memory.
const maxHive = 1 << 30

// readHive opens a hive of a volume with the logs beside it.
func readHive(v volume.Volume, at string) (*regf.Hive, error) {
	data, err := readWhole(v, at)
	if err != nil {
		return nil, err
	}
	_, name := winname.Split(at)
	var logs []regf.Log
	for _, suffix := range logSuffixes {
		if log, err := readWhole(v, at+suffix); err == nil {
			logs = append(logs, regf.Log{Name: name + suffix, Data: log})
		}
	}
	return regf.Open(data, logs...)
}

// logSuffixes follow the name of a hive in those of its logs (spec/registry.md 4.1).
var logSuffixes = []string{".LOG", ".LOG1", ".LOG2"}

func readWhole(v volume.Volume, at string) ([]byte, error) {
	info, err := v.Stat(at)
	if err != nil {
		return nil, err
	}
	if info.IsDir() || info.Size > maxHive {
		return nil, fmt.Errorf("%s is no hive", at)
	}
	f, err := v.Open(at)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, info.Size)
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("read %s: %w", at, err)
	}
	return data, nil
}

// openHive opens a hive of the destination for editing. One that has lost
// something is refused unless forced (6.4).
func openHive(d *disk, at, shown string, force bool, now time.Time) (*hive, error) {
	h, err := readHive(d.view, at)
	if err != nil {
		return nil, err
	}
	state := h.Recovery().State
	if defects := h.Defects(); !force && len(defects) > 0 {
		return nil, fmt.Errorf("the hive is damaged: %s", defects[0])
	}
	if state == "dirty" && !force {
		return nil, errors.New("the hive was not closed, and its logs do not tell what is missing")
	}
	root, err := h.Root().Node()
	if err != nil && !force {
		return nil, err
	}
	opt := h.Options()
	opt.LastWritten = now
	return &hive{disk: d, at: at, shown: shown, root: root, opt: opt, now: now, subs: map[*regf.Node]map[string]*regf.Node{}}, nil
}

// child finds a key below another.
func (h *hive) child(k *regf.Node, name string) *regf.Node {
	index := h.subs[k]
	if index == nil {
		index = make(map[string]*regf.Node, len(k.Subkeys))
		for _, sub := range k.Subkeys {
			index[winname.Fold(sub.Name)] = sub
		}
		h.subs[k] = index
	}
	return index[winname.Fold(name)]
}

// find returns a key by its path below the root, nil if it is not there.
func (h *hive) find(p string) *regf.Node {
	k := h.root
	for name := range segments(p) {
		if k = h.child(k, name); k == nil {
			return nil
		}
	}
	return k
}

// segments are the names in a path.
func segments(p string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range strings.SplitSeq(p, `\`) {
			if name != "" && !yield(name) {
				return
			}
		}
	}
}

// key finds or makes a key. A new one inherits the rights of the one above.
func (h *hive) key(p string) *regf.Node {
	k := h.root
	for name := range segments(p) {
		next := h.child(k, name)
		if next == nil {
			next = &regf.Node{Name: name, LastWrite: h.now}
			k.Subkeys = append(k.Subkeys, next)
			k.LastWrite = h.now
			h.subs[k][winname.Fold(name)] = next
			h.changed = true
		}
		k = next
	}
	return k
}

// value finds a value of a key, nil if it is not there.
func value(k *regf.Node, name string) *regf.Value {
	if k == nil {
		return nil
	}
	for i := range k.Values {
		if winname.Equal(k.Values[i].Name, name) {
			return &k.Values[i]
		}
	}
	return nil
}

// put gives a key a value; false if it had it already.
func (h *hive) put(k *regf.Node, v regf.Value) bool {
	if old := value(k, v.Name); old != nil {
		if old.Type == v.Type && bytes.Equal(old.Data, v.Data) {
			return false
		}
		v.Name = old.Name
		*old = v
	} else {
		k.Values = append(k.Values, v)
	}
	k.LastWrite, h.changed = h.now, true
	return true
}

func (h *hive) has(p string) bool { return h.find(p) != nil }

func (h *hive) value(p, name string) (regf.Value, bool) {
	if v := value(h.find(p), name); v != nil {
		return *v, true
	}
	return regf.Value{}, false
}

func (h *hive) create(p, class string) error {
	if h.find(p) == nil {
		h.key(p).Class = class
	}
	return nil
}

func (h *hive) set(p string, v regf.Value) (bool, error) { return h.put(h.key(p), v), nil }

func (h *hive) unset(p, name string) error {
	k := h.find(p)
	if k == nil {
		return nil
	}
	for i := range k.Values {
		if winname.Equal(k.Values[i].Name, name) {
			k.Values = slices.Delete(k.Values, i, i+1)
			k.LastWrite, h.changed = h.now, true
			break
		}
	}
	return nil
}

func (h *hive) drop(p string) error {
	dir, name := winname.Split(p)
	parent := h.find(dir)
	if parent == nil {
		return nil
	}
	for i, sub := range parent.Subkeys {
		if winname.Equal(sub.Name, name) {
			parent.Subkeys = slices.Delete(parent.Subkeys, i, i+1)
			delete(h.subs, parent)
			parent.LastWrite, h.changed = h.now, true
			break
		}
	}
	return nil
}

func (h *hive) values(p string) []string {
	var names []string
	if k := h.find(p); k != nil {
		for _, v := range k.Values {
			names = append(names, v.Name)
		}
	}
	return names
}

func (h *hive) subkeys(p string) []string {
	var names []string
	if k := h.find(p); k != nil {
		for _, sub := range k.Subkeys {
			names = append(names, sub.Name)
		}
	}
	return names
}

// commit writes the hive (6.4): marshalled, read back, compared and checked, put
// beside the old one and on the medium, then renamed over it, the old one kept;
// and last the logs emptied, which hold nothing for the new one.
func (h *hive) commit() error {
	if !h.changed {
		return nil
	}
	if err := h.replace(); err != nil {
		return fmt.Errorf("write %s: %w", h.shown, err)
	}
	return nil
}

func (h *hive) replace() error {
	image, err := regf.Marshal(h.root, h.opt)
	if err != nil {
		return err
	}
	if err := proof(h.root, image); err != nil {
		return err
	}
	h.changed = false
	if err := h.disk.journal.sync(); err != nil {
		return err
	}
	meta := h.meta
	if !h.fresh {
		meta = cloned(h.disk, h.at)
	}
	meta.sync = true
	if h.fresh {
		meta.attr = hiveAttributes
	}
	if err := h.disk.put(h.at, true, meta, func(w io.Writer) error {
		_, err := w.Write(image)
		return err
	}); err != nil {
		return err
	}
	if h.disk.dry() {
		return nil
	}
	dir, name := winname.Split(h.at)
	folder, err := h.disk.folder(dir)
	if err != nil {
		return err
	}
	if err := syncFolder(h.disk.root, folder.native); err != nil {
		return err
	}
	for _, suffix := range logSuffixes {
		log := winname.Join(dir, name+suffix)
		_, info, err := h.disk.find(log)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
			continue
		}
		if err != nil {
			return err
		}
		meta := cloned(h.disk, log)
		meta.sync = true
		if err := h.disk.put(log, true, meta, func(io.Writer) error { return nil }); err != nil {
			return fmt.Errorf("empty %s: %w", path.Base(log), err)
		}
	}
	return syncFolder(h.disk.root, folder.native)
}

// cloned is the metadata of a file for the one in its place; its times are new.
func cloned(d *disk, at string) metadata {
	info, err := d.view.Stat(at)
	if err != nil {
		return metadata{}
	}
	m := metadata{attr: info.Attr & settable}
	if extras, err := d.view.Extras(at, info); err == nil {
		m.security = extras.Security
	}
	return m
}

// hiveAttributes are those that Windows gives the hives of users.
const hiveAttributes = volume.Hidden | volume.System | volume.Archive

// proof reads a marshalled hive back and says what is not as it should be.
func proof(want *regf.Node, image []byte) error {
	if defects := regf.Check(image); len(defects) > 0 {
		return fmt.Errorf("the new hive does not pass its check: %s", defects[0])
	}
	h, err := regf.Open(bytes.Clone(image))
	if err != nil {
		return fmt.Errorf("the new hive cannot be read back: %w", err)
	}
	if defects := h.Defects(); len(defects) > 0 {
		return fmt.Errorf("the new hive is damaged: %s", defects[0])
	}
	if at := differs(want, h.Root()); at != "" {
		return fmt.Errorf("the new hive does not read back as it was written: %s", at)
	}
	return nil
}

// differs returns the path of the first difference between a tree and a hive.
func differs(want *regf.Node, got *regf.Key) string {
	values := got.Values()
	subkeys := got.Subkeys()
	if len(values) != len(want.Values) || len(subkeys) != len(want.Subkeys) || got.Class() != want.Class {
		return winname.Show(want.Name)
	}
	for i, v := range values {
		w := want.Values[i]
		if v.Name != w.Name || v.Type != w.Type || !bytes.Equal(v.Data, w.Data) {
			return winname.Show(want.Name + ", value " + w.Name)
		}
	}
	names := make(map[string]*regf.Key, len(subkeys))
	for _, k := range subkeys {
		names[k.Name()] = k
	}
	for _, w := range want.Subkeys {
		k := names[w.Name]
		if k == nil {
			return winname.Show(want.Name + `\` + w.Name)
		}
		if at := differs(w, k); at != "" {
			return winname.Show(want.Name) + `\` + at
		}
	}
	return ""
}
