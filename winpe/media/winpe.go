package media

import (
	"context"
	"debug/buildinfo"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"lifeboat/engine/regf"
	"lifeboat/engine/winname"
	"lifeboat/winpe"
	"lifeboat/winpe/media/copyfile"
)

// Request is what [WinPE] makes a stick from.
type Request struct {
	Source  string // a boot.wim, an ISO, or a folder that holds sources/boot.wim
	Out     string // a folder, or a file that ends in .iso
	Exe     string // lifeboat.exe for the image's architecture
	Drivers []string
	Wifi    []string // profiles as "netsh wlan export profile key=clear" writes them
	Network string   // a batch file to run when the network is up
	Extras
	Version string            // of Lifeboat
	Say     func(text string) // what a person should know; not escaped
}

// startnet is run by Windows PE's own shell. A winpeshl.ini would do without a
// prompt, but restarts the PC when its program ends (spec/tui.md B1).
//
//go:embed startnet.cmd
var startnet string

const (
	oldestBuild = 10240 // Windows 10, the first
	fat32Most   = 1<<32 - 1
	slack       = 64 << 20 // for folders, and what the change of an image needs
)

// What starts instead of startnet.cmd in Windows RE and in Windows Setup
// (winpeshl.exe looks for the two in this order).
var otherShells = []string{"Windows/System32/winpeshl.ini", "setup.exe"}

// Files of an image by which it is judged, and with which it boots when there is
// nothing else to boot with.
const (
	softwareHive = "Windows/System32/config/SOFTWARE"
	ntdll        = "Windows/System32/ntdll.dll"
	wpeinit      = "Windows/System32/wpeinit.exe"
	prompt       = "Windows/System32/cmd.exe"
	biosImage    = "Windows/Boot/DVD/PCAT/etfsboot.com"
	efiImage     = "Windows/Boot/DVD/EFI/en-US/efisys.bin"
)

// bootFiles says which file of an image becomes which file of a stick.
func bootFiles(efiName string) map[string]string {
	return map[string]string{
		"Windows/Boot/EFI/bootmgfw.efi":       "EFI/Boot/" + efiName,
		"Windows/Boot/EFI/bootmgr.efi":        "bootmgr.efi",
		"Windows/Boot/DVD/EFI/BCD":            "EFI/Microsoft/Boot/BCD",
		"Windows/Boot/DVD/EFI/boot.sdi":       "Boot/boot.sdi",
		"Windows/Boot/PCAT/bootmgr":           "bootmgr",
		"Windows/Boot/DVD/PCAT/BCD":           "Boot/BCD",
		"Windows/Boot/Fonts/wgl4_boot.ttf":    "Boot/Fonts/wgl4_boot.ttf",
		"Windows/Boot/Fonts/segoe_slboot.ttf": "Boot/Fonts/segoe_slboot.ttf",
	}
}

// notOnStick are things on installation media that a stick does not need.
var notOnStick = []string{"support", "upgrade", "setup.exe", "autorun.inf"}

// leftOut reports whether a file of a source's tree does not go on the stick; its
// boot.wim goes there changed.
func leftOut(path string) bool {
	top, _, _ := strings.Cut(path, "/")
	return strings.EqualFold(top, "sources") || top == "[BOOT]" ||
		slices.ContainsFunc(notOnStick, func(n string) bool { return strings.EqualFold(n, top) })
}

// WinPE makes a stick or an ISO from a Windows PE. Its source is not changed, and
// when it fails nothing is left at the place of the result. A [Refusal] says what
// is wrong with the source, the place or the things to add.
func WinPE(ctx context.Context, r Request) error {
	out, err := newOutput(r.Out, isoFile)
	if err != nil {
		return err
	}
	b := builder{Request: r, out: out}
	if err := b.look(ctx); err != nil {
		return err
	}
	if err := out.room(b.need); err != nil {
		return err
	}
	return out.publish(func(stick, work string) error { return b.tree(ctx, stick, work) },
		func(stick, file string) error {
			return writeISO(ctx, b.isoTool, stick, file, "LIFEBOAT", b.entries)
		})
}

// builder is the making of one stick.
type builder struct {
	Request
	out     output
	imager  imager
	isoTool string
	kind    sourceKind
	arch    string // of lifeboat.exe
	need    int64  // bytes
	base    string // what the source is, for people
	entries []bootEntry
}

type sourceKind int

const (
	fromImage sourceKind = iota
	fromISO
	fromFolder
)

// look judges everything that can be judged without unpacking the source.
func (b *builder) look(ctx context.Context) (err error) {
	if err := errors.Join(b.check(), areFiles(append([]string{b.Network}, b.Wifi...)), areDrivers(b.Drivers)); err != nil {
		return err
	}
	if b.arch, err = lifeboatArch(b.Exe); err != nil {
		return err
	}
	if b.imager, err = newImager(); err != nil {
		return err
	}
	if b.out.packed {
		if b.isoTool, err = isoTool(); err != nil {
			return err
		}
	}
	info, err := os.Stat(b.Source)
	if err != nil {
		return err
	}
	if info.IsDir() {
		if inside, err := winpe.LiesOn(b.Out, b.Source); err != nil {
			return err
		} else if inside {
			return refuse("name a place outside", "%s lies in %s, which is only read", winname.Show(b.Out), winname.Show(b.Source))
		}
	}
	b.need = slack + sizes(append(append(append(b.files(), b.Exe, b.Network), b.Wifi...), b.Drivers...)...)
	switch {
	case info.IsDir():
		b.kind = fromFolder
		file, err := find(b.Source, "sources/boot.wim")
		if err != nil {
			return refuse("give the media folder that copype made, the drive of an ISO, or a boot.wim", "%s holds no sources/boot.wim", winname.Show(b.Source))
		}
		b.need += sizes(file)
		err = filepath.WalkDir(b.Source, func(path string, d fs.DirEntry, err error) error {
			if rel, _ := filepath.Rel(b.Source, path); err == nil && d.Type().IsRegular() && !leftOut(filepath.ToSlash(rel)) {
				b.need += sizes(path)
			}
			return err
		})
		if err != nil {
			return err
		}
		return b.judge(file)
	case isISO(b.Source):
		b.kind = fromISO
		n, err := isoSize(ctx, b.Source)
		b.need += n
		return err
	}
	b.kind = fromImage
	b.need += info.Size()
	return b.judge(b.Source)
}

// isISO reports whether a file has a volume descriptor where an ISO has one.
func isISO(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	var id [5]byte
	_, err = f.ReadAt(id[:], 16*isoSector+1)
	return err == nil && (string(id[:]) == "CD001" || string(id[:]) == "BEA01")
}

// judge decides by its header whether an image can be used.
func (b *builder) judge(file string) error {
	w, err := readWim(file)
	if err != nil {
		return &Refusal{err.Error(), "give the boot.wim of a Windows PE: from the ADK's copype, or from sources on an installation ISO"}
	}
	i := w.bootImage()
	if i.Edition != "" && !strings.EqualFold(i.Edition, "WindowsPE") {
		return b.notPE(file, i.Edition)
	}
	if i.Major != 0 && i.Major < 10 || i.Build != 0 && i.Build < oldestBuild {
		return tooOld(file, fmt.Sprintf("%d, build %d", i.Major, i.Build))
	}
	if i.Arch == nil {
		return nil
	}
	arch := fmt.Sprintf("processor %d", *i.Arch)
	for _, m := range machines {
		if m.wim == *i.Arch {
			arch = m.name
		}
	}
	return b.sameArch(file, arch)
}

func (b *builder) notPE(file, edition string) error {
	return refuse("give the boot.wim from the same folder; an install.wim holds a Windows to be installed", "%s is no Windows PE: it holds Windows %s", winname.Show(file), winname.Show(edition))
}

func tooOld(file, version string) error {
	return refuse("use a Windows PE of Windows 10 or later", "%s is a Windows PE of version %s, which is too old", winname.Show(file), version)
}

func (b *builder) sameArch(file, arch string) error {
	if arch == b.arch {
		return nil
	}
	return refuse("give the lifeboat.exe for "+arch+" with --exe", "%s is for %s, and %s for %s", winname.Show(file), arch, winname.Show(b.Exe), b.arch)
}

// tree makes the tree of the stick, in stick; work is for temporary files.
func (b *builder) tree(ctx context.Context, stick, work string) error {
	source := b.Source
	switch b.kind {
	case fromISO:
		b.Say("Reading " + b.Source)
		iso := filepath.Join(work, "iso")
		if err := isoTree(ctx, b.Source, iso); err != nil {
			return err
		}
		file, err := find(iso, "sources/boot.wim")
		if err != nil {
			return refuse("give the ISO of a Windows PE or of a Windows installation", "%s holds no sources/boot.wim", winname.Show(b.Source))
		}
		if err := b.judge(file); err != nil {
			return err
		}
		if err := copyTree(stick, iso, leftOut); err != nil { // files only: an ISO may hold links to anywhere
			return err
		}
		source = file
	case fromFolder:
		b.Say("Copying " + b.Source)
		source, _ = find(b.Source, "sources/boot.wim")
		if err := copyTree(stick, b.Source, leftOut); err != nil {
			return err
		}
	}
	w, err := readWim(source)
	if err != nil {
		return err
	}
	boot := filepath.Join(work, "boot.wim")
	b.Say("Copying the image")
	if err := b.imager.export(ctx, source, w.bootImage().Index, boot); err != nil {
		return err
	}
	parts := filepath.Join(work, "parts")
	if err := b.inspect(ctx, boot, parts); err != nil {
		return err
	}
	if b.kind == fromImage {
		if err := b.bootFromImage(stick, parts); err != nil {
			return err
		}
	}
	if err := b.boots(stick, parts); err != nil {
		return err
	}
	b.Say("Adding Lifeboat to the image")
	room := filepath.Join(work, "room")
	if err := b.imageTree(room); err != nil {
		return err
	}
	if err := b.imager.change(ctx, boot, room, otherShells); err != nil {
		return err
	}
	if n := sizes(boot); n > fat32Most && !b.out.packed {
		return refuse("use a smaller Windows PE, as copype makes it", "the image has grown to %d bytes, too large for a FAT32 stick", n)
	}
	sources := filepath.Join(stick, "sources")
	if err := os.MkdirAll(sources, 0o755); err != nil {
		return err
	}
	if err := os.Rename(boot, filepath.Join(sources, "boot.wim")); err != nil {
		return err
	}
	return b.put(stick, fmt.Sprintf("A stick that starts a PC into Lifeboat %s (%s).\r\nMade from %s: %s.\r\nThe started system knows its stick by this file.\r\n",
		b.Version, b.arch, filepath.Base(b.Source), b.base))
}

// inspect judges the image by what it holds, and takes out what it boots with.
func (b *builder) inspect(ctx context.Context, boot, parts string) error {
	wanted := []string{softwareHive, ntdll, wpeinit, prompt, biosImage, efiImage}
	for from := range bootFiles("") {
		wanted = append(wanted, from)
	}
	wanted = append(wanted, otherShells...)
	slices.Sort(wanted)
	if err := b.imager.read(ctx, boot, 1, parts, wanted); err != nil {
		return err
	}
	name := winname.Show(b.Source)
	for _, must := range []string{softwareHive, ntdll, wpeinit, prompt} {
		if _, err := find(parts, must); err != nil {
			return refuse("give the boot.wim of a Windows PE: from the ADK's copype, or from sources on an installation ISO",
				"%s is no Windows PE: it holds no %s", name, must)
		}
	}
	file, _ := find(parts, ntdll)
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := b.sameArch(b.Source, peMachine(data)); err != nil {
		return err
	}
	file, _ = find(parts, softwareHive)
	if data, err = os.ReadFile(file); err != nil {
		return err
	}
	hive, err := regf.Open(data)
	if err != nil {
		return refuse("take another copy of it", "the registry of %s does not open: %v", name, err)
	}
	const current = `Microsoft\Windows NT\CurrentVersion`
	version := hive.Find(current)
	if version == nil {
		return refuse("take another copy of it", "the registry of %s does not tell what Windows it is", name)
	}
	edition := version.Str("EditionID")
	if !strings.EqualFold(edition, "WindowsPE") && version.Subkey("WinPE") == nil {
		return b.notPE(b.Source, edition)
	}
	major, ok := version.Uint("CurrentMajorVersionNumber")
	build := version.Str("CurrentBuildNumber")
	if n, err := strconv.Atoi(build); !ok || major < 10 || err != nil || n < oldestBuild {
		return tooOld(b.Source, version.Str("CurrentVersion")+", build "+winname.Show(build))
	}
	b.base = fmt.Sprintf("Windows PE %d.0, build %s", major, winname.Show(build))
	b.Say(fmt.Sprintf("It is %s, for %s.", b.base, b.arch))
	for i, what := range []string{"Windows RE", "Windows Setup"} {
		if _, err := find(parts, otherShells[i]); err == nil {
			b.Say(fmt.Sprintf("It starts %s. The copy starts Lifeboat instead.", what))
		}
	}
	b.components(hive)
	return nil
}

// components tells what optional components would add. None is needed.
func (b *builder) components(software *regf.Hive) {
	have := ""
	if packages := software.Find(`Microsoft\Windows\CurrentVersion\Component Based Servicing\Packages`); packages != nil {
		for _, k := range packages.Subkeys() {
			have += strings.ToLower(k.Name()) + "\n"
		}
	}
	for _, c := range []struct{ name, adds string }{
		{"winpe-dot3svc", "wired networks that ask who you are (802.1X)"},
		{"winpe-wifi", "Wi-Fi; the Windows RE of a PC has it"},
		{"winpe-fontsupport", "Chinese, Japanese and Korean names on the screen"},
	} {
		if !strings.Contains(have, c.name) {
			b.Say(fmt.Sprintf("Not in it, and not needed: %s, for %s.", c.name, c.adds))
		}
	}
}

// bootFromImage takes the files that boot a stick out of the image itself.
func (b *builder) bootFromImage(stick, parts string) error {
	for from, to := range bootFiles(efiName(b.arch)) {
		file, err := find(parts, from)
		if err != nil {
			continue // boots says what is missing
		}
		if err := copyfile.Copy(filepath.Join(stick, to), file); err != nil {
			return err
		}
	}
	return nil
}

func efiName(arch string) string {
	for _, m := range machines {
		if m.name == arch {
			return m.efi
		}
	}
	return ""
}

// boots makes sure that the stick has what boots it, and finds what boots an ISO.
func (b *builder) boots(stick, parts string) error {
	for _, must := range []string{"EFI/Boot/" + efiName(b.arch), "EFI/Microsoft/Boot/BCD", "Boot/boot.sdi"} {
		if _, err := find(stick, must); err != nil {
			return refuse("give the ISO that the image comes from, or the media folder that copype makes", "there is nothing to start the image with: %s holds no %s", winname.Show(b.Source), must)
		}
	}
	if _, err := find(stick, "bootmgr"); err != nil && b.arch != "arm64" {
		b.Say("It starts PCs with UEFI only: there is no bootmgr for a BIOS.")
	}
	if !b.out.packed {
		return nil
	}
	if b.kind == fromISO {
		f, err := os.Open(b.Source)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if b.entries, err = readBootEntries(f, info.Size()); err != nil {
			return refuse("give a folder with --out, or another ISO", "%s %v", winname.Show(b.Source), err)
		}
		return nil
	}
	// Installation media have them in their tree, copype's media folder has them
	// beside it, and the image may have them too.
	beside := filepath.Dir(b.Source)
	for _, e := range []struct {
		efi    bool
		places [][2]string
	}{
		{false, [][2]string{{stick, "boot/etfsboot.com"}, {beside, "fwfiles/etfsboot.com"}, {beside, "bootbins/etfsboot.com"}, {parts, biosImage}}},
		{true, [][2]string{{stick, "efi/microsoft/boot/efisys.bin"}, {beside, "fwfiles/efisys.bin"}, {beside, "bootbins/efisys.bin"}, {parts, efiImage}}},
	} {
		for _, place := range e.places {
			file, err := find(place[0], place[1])
			if err != nil {
				continue
			}
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			const biosSectors = 8 // as oscdimg's documentation has it for etfsboot.com
			b.entries = append(b.entries, bootEntry{efi: e.efi, load: biosSectors, data: data})
			break
		}
	}
	if !slices.ContainsFunc(b.entries, func(e bootEntry) bool { return e.efi }) {
		return refuse("give a folder with --out, or the ISO that the image comes from", "there is nothing to start an ISO with: neither the source nor the image holds efisys.bin")
	}
	return nil
}

// imageTree makes what is added to the image.
func (b *builder) imageTree(room string) error {
	home := filepath.Join(room, "Lifeboat")
	script := filepath.Join(room, "Windows", "System32", "startnet.cmd")
	if err := os.MkdirAll(filepath.Dir(script), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(script, []byte(strings.ReplaceAll(startnet, "\n", "\r\n")), 0o644); err != nil {
		return err
	}
	if err := copyfile.Copy(filepath.Join(home, "lifeboat.exe"), b.Exe); err != nil {
		return err
	}
	if b.Network != "" {
		if err := copyfile.Copy(filepath.Join(home, "network.cmd"), b.Network); err != nil {
			return err
		}
	}
	if err := copyFiles(filepath.Join(home, "wifi"), b.Wifi); err != nil {
		return err
	}
	for _, dir := range b.Drivers {
		// In the image: without them the stick may not be seen.
		if err := copyTree(filepath.Join(home, "drivers", filepath.Base(dir)), dir, nil); err != nil {
			return err
		}
	}
	return nil
}

// lifeboatArch makes sure that a file is Lifeboat for Windows and returns its
// architecture.
func lifeboatArch(exe string) (string, error) {
	info, err := buildinfo.ReadFile(exe)
	if errors.Is(err, fs.ErrNotExist) {
		return "", refuse("give it with --exe; task build makes one for each architecture", "there is no %s to put on the stick", winname.Show(exe))
	}
	if err != nil || info.Main.Path != "lifeboat" {
		return "", refuse("give Lifeboat's Windows program with --exe", "%s is not lifeboat.exe", winname.Show(exe))
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if settings["GOOS"] != "windows" {
		return "", refuse("give Lifeboat's Windows program with --exe", "%s is Lifeboat for %s", winname.Show(exe), settings["GOOS"])
	}
	return settings["GOARCH"], nil
}

// areDrivers makes sure that folders hold drivers.
func areDrivers(dirs []string) error {
	for _, dir := range dirs {
		found := false
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			found = found || err == nil && d.Type().IsRegular() && strings.EqualFold(filepath.Ext(path), ".inf")
			return err
		})
		if err != nil {
			return err
		}
		if !found {
			return refuse("give folders that hold .inf files; unpack what comes as an .exe or .cab", "no driver (.inf) in %s", winname.Show(dir))
		}
	}
	return nil
}

// find returns the file at a slash-separated path below a folder, whatever the
// case of its names. It follows no links.
func find(dir, path string) (string, error) {
	at := dir
	for _, name := range strings.Split(path, "/") {
		entries, err := os.ReadDir(at)
		if err != nil {
			return "", err
		}
		i := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return e.Type()&fs.ModeSymlink == 0 && strings.EqualFold(e.Name(), name) })
		if i < 0 {
			return "", &fs.PathError{Op: "find", Path: filepath.Join(dir, path), Err: fs.ErrNotExist}
		}
		at = filepath.Join(at, entries[i].Name())
	}
	return at, nil
}
