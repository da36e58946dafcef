package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf16"

	"lifeboat/engine"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
	"lifeboat/engine/winname"
	"lifeboat/winpe"
	"lifeboat/winpe/places"
)

// found is a Windows to save from.
type found struct {
	*engine.Detection
	inst   *engine.Installation
	places []string // the folders of its drives
	health string   // what speaks against its disk, empty if nothing
}

// thisMachine looks at this computer. That a disk cannot be looked at shows when it
// is read.
func thisMachine(ctx context.Context) (winpe.Machine, error) {
	volumes, err := winpe.Volumes(ctx)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return winpe.Machine{}, usmt.Fail(usmt.EnvironmentFailed, err, "look at this computer")
	}
	drives, _ := winpe.Drives(ctx, volumes)
	return winpe.Machine{Volumes: volumes, Drives: drives}, ctx.Err()
}

// source finds the Windows that a ScanState command line names.
func (p *program) source(ctx context.Context, e *engine.Engine, s *usmt.ScanState, note func(string)) (*found, error) {
	keys := opening{recovery: s.RecoveryPassword, passphrase: s.Passphrase, bek: s.StartupKey, reader: s.Reader}
	reader, err := keys.reading()
	if err != nil {
		return nil, err
	}
	secrets, err := p.secrets(keys)
	if err != nil {
		return nil, err
	}
	if s.HardLink {
		if reader == engine.ReadRaw {
			return nil, usmt.Fail(usmt.InvalidParameters, nil, "a hard link writes to the volume, which is not done past the system that has it mounted").
				WithRemedy("leave out /reader:raw, or /hardlink")
		}
		reader = engine.ReadMounted
	}
	opt := engine.DetectOptions{Arch: p.getenv("MIG_OFFLINE_PLATFORM_ARCH"), Reader: reader}
	var folders []string
	onlyOne := false
	switch {
	case s.OfflineWinDir != "":
		folders = []string{s.OfflineWinDir}
	case s.OfflineWinOld != "":
		folders = []string{s.OfflineWinOld}
	case s.Offline != "":
		data, err := os.ReadFile(p.path(s.Offline))
		if err != nil {
			return nil, usmt.Fail(usmt.InvalidParameters, err, "read the file of /offline")
		}
		file, notes, err := usmt.ParseOffline(s.Offline, data)
		if err != nil {
			return nil, err
		}
		for _, n := range notes {
			note(n)
		}
		for _, m := range file.Mappings {
			now := p.path(m.Now)
			if _, err := os.Stat(now); err != nil {
				note(fmt.Sprintf("%s: there is no volume at %s, which was mapped to %s", s.Offline, winname.Show(m.Now), winname.Show(m.Then)))
				continue
			}
			opt.Mappings = append(opt.Mappings, windows.Mapping{From: now, To: m.Then})
		}
		folders, onlyOne = file.WinDirs, file.FailOnMultiple
	default:
		return nil, usmt.Fail(usmt.UnsupportedPlatform, nil, "it was not said which Windows to save from")
	}
	here, err := thisMachine(ctx)
	if err != nil {
		return nil, err
	}
	var hits []*found
	var misses []error
	for _, folder := range folders {
		f, err := p.sourceAt(ctx, e, folder, here, opt, secrets)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			misses = append(misses, err)
			continue
		}
		hits = append(hits, f)
		if !onlyOne {
			break
		}
	}
	switch {
	case len(hits) == 0 && s.Offline != "":
		return nil, usmt.Fail(usmt.InitError, errors.Join(misses...), "%s names no Windows that is there", s.Offline).
			WithRemedy("correct the paths in it, or name the Windows folder with /offlineWinDir")
	case len(hits) == 0:
		return nil, misses[0]
	case !onlyOne:
		return hits[0], nil
	}
	var all []string
	for _, h := range hits {
		for _, inst := range h.Installations {
			if name := inst.Where + inst.WindowsDir; (inst == h.inst || !inst.IsOld()) && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	if len(all) < 2 {
		return hits[0], nil
	}
	for _, h := range hits {
		h.Close()
	}
	return nil, usmt.Fail(usmt.InitError, nil, "there is more than one Windows: %s", winname.Show(strings.Join(all, " and "))).
		WithRemedy("<failOnMultipleWinDir>0</failOnMultipleWinDir> in " + s.Offline + " takes the first that is named there")
}

// sourceAt finds the Windows in a folder: its Windows folder, the Windows.old it
// is in, or the volume it is on. In the place of a folder may be a disk or an
// image, and a path on it.
func (p *program) sourceAt(ctx context.Context, e *engine.Engine, folder string, here winpe.Machine, opt engine.DetectOptions, secrets []engine.Secret) (*found, error) {
	if image, rel, ok := imageOf(p.path(folder)); ok {
		return p.sourceOn(ctx, e, image, rel, here, opt, secrets)
	}
	dir := spelled(filepath.Clean(p.path(folder)))
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, usmt.Fail(usmt.InvalidParameters, err, "there is no folder %s", winname.Show(folder)).
			WithRemedy("name the Windows folder, for instance D:\\Windows or /mnt/windows/Windows")
	}
	top, rel := filepath.Dir(dir), `\`+filepath.Base(dir)
	if strings.HasPrefix(strings.ToLower(filepath.Base(top)), "windows.old") { // or windows.old.000
		top, rel = filepath.Dir(top), `\`+filepath.Base(top)+rel
	}
	var last *engine.Detection
	for _, try := range []struct{ place, rel string }{{top, rel}, {dir, ""}} {
		around := p.around(try.place, here, opt)
		d, err := e.Detect(ctx, around, opt)
		if err != nil {
			return nil, err
		}
		for _, inst := range d.Installations {
			if inst.Where == try.place && (try.rel == "" || isAt(inst, try.rel)) {
				return &found{d, inst, d.Folders(inst), around[0].Health}, nil
			}
		}
		d.Close()
		last = d
	}
	return nil, last.NoWindows()
}

// around are a place and, after it, those that may hold further drives of its Windows.
func (p *program) around(place string, here winpe.Machine, opt engine.DetectOptions) []engine.Place {
	all := append(places.Named([]string{place}, here.Volumes, here.Drives), places.Further(here.Volumes, here.Drives, place)...)
	for _, m := range opt.Mappings {
		if !slices.ContainsFunc(all, func(p engine.Place) bool { return places.Same(p.Path, m.From) }) {
			all = append(all, places.Named([]string{m.From}, here.Volumes, here.Drives)...)
		}
	}
	return all
}

// isAt reports whether an installation is what a path on its volume names.
func isAt(inst *engine.Installation, rel string) bool {
	return winname.Equal(inst.WindowsDir, rel) || winname.Equal(inst.Root, rel)
}

// sourceOn finds the Windows on a disk or an image. Without a path on it there
// must be only one.
func (p *program) sourceOn(ctx context.Context, e *engine.Engine, image, rel string, here winpe.Machine, opt engine.DetectOptions, secrets []engine.Secret) (*found, error) {
	around := p.around(image, here, opt)
	d, err := e.Detect(ctx, around, opt)
	if err != nil {
		return nil, err
	}
	if d, err = unlock(ctx, d, secrets); err != nil {
		d.Close()
		return nil, err
	}
	var hits []*engine.Installation
	var names []string
	for _, inst := range d.Installations {
		on := inst.Where == image || strings.HasPrefix(inst.Where, image+"#")
		if on && (rel == "" && !inst.IsOld() || rel != "" && isAt(inst, rel)) {
			hits = append(hits, inst)
			names = append(names, winname.Show(inst.Where+strings.ReplaceAll(inst.WindowsDir, `\`, "/")))
		}
	}
	switch len(hits) {
	case 0:
		d.Close()
		return nil, d.NoWindows()
	case 1:
		return &found{d, hits[0], d.Folders(hits[0]), around[0].Health}, nil
	}
	d.Close()
	return nil, usmt.Fail(usmt.InitError, nil, "there is more than one Windows: %s", strings.Join(names, " and ")).
		WithRemedy("name one of them, as it is written here")
}

// imageOf splits a path into a disk or an image, perhaps with the number of a
// partition, and a path on its volume; ok is false if no part of it is one.
func imageOf(path string) (image, rel string, ok bool) {
	path = strings.TrimRight(path, string(filepath.Separator))
	for image = path; ; {
		file, _ := engine.Partition(image)
		if info, err := os.Stat(file); winpe.IsDevice(file) || err == nil && !info.IsDir() {
			rel = strings.ReplaceAll(path[len(image):], string(filepath.Separator), `\`)
			return image, rel, true
		} else if err == nil {
			return "", "", false
		}
		up := strings.TrimRight(filepath.Dir(image), string(filepath.Separator))
		if up == "" || len(up) >= len(image) {
			return "", "", false
		}
		image = up
	}
}

// expand puts the name of the saved PC where cmd.exe would put this one's.
func expand(path, computer string) string {
	const name = "%computername%"
	if i := strings.Index(strings.ToLower(path), name); i >= 0 {
		return path[:i] + computer + path[i+len(name):]
	}
	return path
}

// folderOf makes a store path out of what people give: the folder, the USMT in
// it, or the USMT.MIG in that.
func folderOf(store string) string {
	if strings.EqualFold(filepath.Base(store), "USMT.MIG") {
		store = filepath.Dir(store)
	}
	if strings.EqualFold(filepath.Base(store), "USMT") {
		if _, err := os.Stat(filepath.Join(store, "USMT")); err != nil {
			store = filepath.Dir(store)
		}
	}
	return store
}

// windowsText is the content of a small text file, as Notepad and PowerShell write
// them: UTF-8 or UTF-16, with or without a mark at the beginning.
func windowsText(data []byte) string {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		order = binary.BigEndian
	default:
		return strings.TrimPrefix(string(data), "\uFEFF")
	}
	var units []uint16
	for data = data[2:]; len(data) >= 2; data = data[2:] {
		units = append(units, order.Uint16(data))
	}
	return string(utf16.Decode(units))
}

// readKey is the password that the options give, "" for none.
func (p *program) readKey(key, keyFile string) (string, error) {
	if keyFile == "" {
		return key, nil
	}
	f, err := os.Open(p.path(keyFile))
	if err != nil {
		return "", usmt.Fail(usmt.UnableReadKey, err, "read the key")
	}
	defer f.Close()
	data := make([]byte, 4096)
	n, err := io.ReadFull(f, data)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", usmt.Fail(usmt.UnableReadKey, err, "read the key from %s", keyFile)
	}
	text := windowsText(data[:n])
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	switch {
	case text == "":
		return "", usmt.Fail(usmt.UnableReadKey, nil, "the key in %s is empty", keyFile)
	case len([]rune(text)) > 256:
		return "", usmt.Fail(usmt.UnableReadKey, nil, "the key in %s has more than 256 characters", keyFile)
	}
	return text, nil
}
