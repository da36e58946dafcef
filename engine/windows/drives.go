package windows

import (
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/engine/regf"
	"lifeboat/engine/volume"
	"lifeboat/engine/winname"
)

// GUID is a GUID as Windows stores it, its first three parts little-endian.
type GUID [16]byte

func (g GUID) String() string {
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", le.Uint32(g[:]), le.Uint16(g[4:]), le.Uint16(g[6:]), g[8:10], g[10:])
}

// MarshalText gives a GUID its usual form in JSON.
func (g GUID) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// ParseGUID reads the usual form, with or without braces.
func ParseGUID(s string) (g GUID, err error) {
	text := strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}")
	parts := strings.Split(text, "-")
	if len(parts) != 5 {
		return g, fmt.Errorf("%q is no GUID", s)
	}
	at := 0
	for i, size := range []int{4, 2, 2, 2, 6} {
		b, err := hex.DecodeString(parts[i])
		if err != nil || len(b) != size {
			return GUID{}, fmt.Errorf("%q is no GUID", s)
		}
		if i < 3 {
			slices.Reverse(b)
		}
		at += copy(g[at:], b)
	}
	return g, nil
}

// UnmarshalText is the reverse of MarshalText.
func (g *GUID) UnmarshalText(text []byte) (err error) {
	*g, err = ParseGUID(string(text))
	return err
}

// DiskID says which partition it is, as MountedDevices does: by signature of
// the disk and offset on a disk with an MBR, by the partition's own GUID on one
// with a GPT. The zero DiskID is no partition and matches nothing.
type DiskID struct {
	Signature uint32 `json:"signature,omitempty"`
	Offset    uint64 `json:"offset,omitempty"` // bytes
	Partition GUID   `json:"partition,omitzero"`
}

// Letter is a drive letter an installation remembers (9.6).
type Letter struct {
	Letter string `json:"letter"` // "C:"
	Disk   DiskID `json:"disk,omitzero"`
	Device string `json:"device,omitempty"` // of a drive with removable media, its device path
}

// readLetters decodes the key MountedDevices.
func readLetters(key *regf.Key) []Letter {
	var letters []Letter
	for _, v := range key.Values() {
		name, ok := strings.CutPrefix(strings.ToUpper(v.Name), `\DOSDEVICES\`)
		if !ok || !isLetter(name) {
			continue // a volume's GUID, or a mark that is not for us
		}
		l := Letter{Letter: name}
		switch partition, gpt := strings.CutPrefix(string(v.Data), "DMIO:ID:"); {
		case gpt && len(v.Data) == 24:
			copy(l.Disk.Partition[:], partition)
		case len(v.Data) == 12:
			l.Disk.Signature, l.Disk.Offset = le.Uint32(v.Data), le.Uint64(v.Data[4:])
		default:
			l.Device = utf16Text(v.Data, 0, uint32(len(v.Data)))
		}
		letters = append(letters, l)
	}
	slices.SortFunc(letters, func(a, b Letter) int { return strings.Compare(a.Letter, b.Letter) })
	return letters
}

// letterOf returns the letter that the installation gave to a partition; C: if it
// does not tell, which its own nearly always is (9.6).
func (i *Installation) letterOf(disk DiskID) string {
	for _, l := range i.Letters {
		if disk != (DiskID{}) && l.Disk == disk {
			return l.Letter
		}
	}
	return "C:"
}

// isLetter reports whether s is a drive letter with its colon.
func isLetter(s string) bool {
	return len(s) == 2 && s[1] == ':' && (s[0]|0x20) >= 'a' && (s[0]|0x20) <= 'z'
}

// Mapping is a drive letter given by hand: the volume mounted at From was To.
type Mapping struct {
	From string // as in Source.Where
	To   string // "D:", or the folder it was mounted in, `C:\Data`
}

// Drive is a letter of an installation whose volume is at hand, or a folder of
// one in which another volume was mounted.
type Drive struct {
	Letter    string `json:"letter"`          // "C:"
	Mount     string `json:"mount,omitempty"` // the folder it was mounted in, `\Data`; empty for the letter itself
	Source    int    `json:"source"`          // index
	Root      string `json:"root"`            // the folder that was its root: `\`, or `\Windows.old`
	How       string `json:"how"`             // "mapping", "system", "MountedDevices", "guess"
	Removable bool   `json:"removable,omitempty"`
}

// Path is what the installation called the top of the drive: `C:`, `C:\Data`.
func (d Drive) Path() string { return d.Letter + d.Mount }

// assignDrives finds which source had which letter. profiles are paths that
// users' profiles had: a volume without other mark is known by the profile on it.
func assignDrives(sources []Source, inst *Installation, mappings []Mapping, profiles []string) []Drive {
	var drives []Drive
	letterTaken := map[string]bool{}
	mapped := make([]bool, len(sources))
	add := func(path string, source int, how string) {
		letter, mount := strings.ToUpper(path[:2]), strings.TrimRight(path[2:], `\`)
		if taken := winname.Fold(letter + mount); letterTaken[taken] || mapped[source] {
			return
		}
		root := `\`
		if source == inst.Source {
			root = inst.Root
		}
		letterTaken[winname.Fold(letter+mount)], mapped[source] = true, true
		drives = append(drives, Drive{letter, mount, source, root, how, sources[source].Removable})
	}

	for _, m := range mappings {
		_, _, isPath := splitLetter(m.To)
		for i, s := range sources {
			if isPath && samePlace(s.Where, m.From) {
				add(m.To, i, "mapping")
			}
		}
	}
	add(inst.SystemDrive(), inst.Source, "system")
	for i, s := range sources {
		if s.Disk == (DiskID{}) {
			continue
		}
		for _, l := range inst.Letters {
			if l.Disk == s.Disk {
				add(l.Letter, i, "MountedDevices")
			}
		}
	}

	unmapped := func(fits func(Source) bool) (index int, one bool) {
		count := 0
		for i, s := range sources {
			if !mapped[i] && !s.Removable && s.Disk == (DiskID{}) && fits(s) {
				index, count = i, count+1
			}
		}
		return index, count == 1
	}
	for _, profile := range profiles {
		letter, path, ok := splitLetter(profile)
		if !ok || letterTaken[letter] {
			continue
		}
		if i, one := unmapped(func(s Source) bool { return isFolder(s.Volume, path) }); one {
			add(letter, i, "guess")
		}
	}
	var fixed []string
	for _, l := range inst.Letters {
		if l.Device == "" && !letterTaken[l.Letter] {
			fixed = append(fixed, l.Letter)
		}
	}
	if i, one := unmapped(func(Source) bool { return true }); one && len(fixed) == 1 {
		add(fixed[0], i, "guess")
	}
	slices.SortFunc(drives, func(a, b Drive) int { return strings.Compare(a.Path(), b.Path()) })
	return drives
}

// samePlace compares two mount folders as people write them.
func samePlace(a, b string) bool {
	clean := func(s string) string { return strings.TrimRight(filepath.Clean(s), `/\`) }
	return winname.Equal(clean(a), clean(b))
}

// splitLetter parts `C:\Users` into "C:" and `\Users`.
func splitLetter(path string) (letter, rest string, ok bool) {
	if len(path) < 2 || !isLetter(path[:2]) || len(path) > 2 && path[2] != '\\' {
		return "", "", false
	}
	rest = strings.TrimRight(path[2:], `\`)
	if rest == "" {
		rest = `\`
	}
	return strings.ToUpper(path[:2]), rest, true
}

// locate translates a path of the installation: the index of the source and
// the path on its volume.
func (i *Installation) locate(path string) (source int, at string, ok bool) {
	letter, rest, isPath := splitLetter(path)
	if !isPath {
		return 0, "", false
	}
	var drive Drive // the one mounted deepest
	for _, d := range i.Drives {
		if d.Letter == letter && isBelow(rest, d.Mount) && (!ok || len(d.Mount) >= len(drive.Mount)) {
			drive, ok = d, true
		}
	}
	rest = `\` + strings.TrimPrefix(rest[len(drive.Mount):], `\`)
	switch {
	case !ok:
		return 0, "", false
	case drive.Root == `\`:
		return drive.Source, rest, true
	case rest == `\`:
		return drive.Source, drive.Root, true
	default:
		return drive.Source, drive.Root + rest, true
	}
}

// long spells a path of the installation without the short names for DOS in it.
func (i *Installation) long(sources []Source, path string) string {
	return winname.Long(path, func(path string) (string, bool) {
		source, at, ok := i.locate(path)
		if !ok {
			return "", false
		}
		info, err := sources[source].Volume.Stat(at)
		return info.Name, err == nil
	})
}

// isBelow reports whether a path is a folder, or lies in it.
func isBelow(path, folder string) bool {
	return len(path) >= len(folder) && winname.Equal(path[:len(folder)], folder) &&
		(len(path) == len(folder) || folder == "" || path[len(folder)] == '\\')
}

// isFolder reports whether a path is a folder that is not a link.
func isFolder(v volume.Volume, path string) bool {
	info, err := v.Stat(path)
	return err == nil && info.IsDir() && info.Reparse != volume.TagMountPoint && info.Reparse != volume.TagSymlink
}
