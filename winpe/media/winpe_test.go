package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"lifeboat/engine/answers"
	"lifeboat/engine/regf"
	"lifeboat/engine/sample/tools"
	"lifeboat/engine/winname"
)

// pe describes a Windows PE to be made: there is no Microsoft's in the tests, so
// they make what the builder looks at, in the places where it is in a real one.
type pe struct {
	edition  string // WindowsPE if empty
	major    uint32 // 10 if zero
	build    string // 26100 if empty
	machine  uint16 // amd64's if zero
	files    map[string]string
	packages []string
	empty    bool // no hives, no programs
}

func sh(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// peFile is the least that says for which machine it is.
func peFile(machine uint16) string {
	b := make([]byte, 0x200)
	copy(b, "MZ")
	b[0x3C] = 0x80
	copy(b[0x80:], "PE\x00\x00")
	binary.LittleEndian.PutUint16(b[0x84:], machine)
	return string(b)
}

func keys(path string, values ...regf.Value) *regf.Node {
	root := &regf.Node{Name: "ROOT"}
	at := root
	for _, name := range strings.Split(path, `\`) {
		next := &regf.Node{Name: name}
		at.Subkeys = append(at.Subkeys, next)
		at = next
	}
	at.Values = values
	return root
}

func text(name, s string) regf.Value {
	var data []byte
	for _, u := range append(winname.ToUTF16(s), 0) {
		data = binary.LittleEndian.AppendUint16(data, u)
	}
	return regf.Value{Name: name, Type: regf.Sz, Data: data}
}

func number(name string, n uint32) regf.Value {
	return regf.Value{Name: name, Type: regf.Dword, Data: binary.LittleEndian.AppendUint32(nil, n)}
}

func hive(t *testing.T, root *regf.Node) string {
	t.Helper()
	data, err := regf.Marshal(root, regf.Options{LastWritten: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// tree writes the files of the image.
func (p pe) tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range p.files {
		write(t, filepath.Join(dir, name), content)
	}
	if p.empty {
		return dir
	}
	if p.edition == "" {
		p.edition = "WindowsPE"
	}
	if p.major == 0 {
		p.major = 10
	}
	if p.build == "" {
		p.build = "26100"
	}
	if p.machine == 0 {
		p.machine = 0x8664
	}
	version := []regf.Value{text("EditionID", p.edition), text("InstallationType", p.edition), text("CurrentBuildNumber", p.build), text("CurrentBuild", p.build), text("CurrentVersion", "6.3"), text("ProductName", "Windows")}
	if p.major >= 10 {
		version = append(version, number("CurrentMajorVersionNumber", p.major), number("CurrentMinorVersionNumber", 0))
	}
	software := keys(`Microsoft\Windows NT\CurrentVersion`, version...)
	for _, name := range p.packages {
		software.Subkeys[0].Subkeys = append(software.Subkeys[0].Subkeys, keys(`Windows\CurrentVersion\Component Based Servicing\Packages\`+name).Subkeys...)
	}
	system32 := filepath.Join(dir, "Windows", "System32")
	write(t, filepath.Join(system32, "config", "SOFTWARE"), hive(t, software))
	write(t, filepath.Join(system32, "config", "SYSTEM"), hive(t, keys(`Select`, number("Current", 1), number("Default", 1))))
	for _, name := range []string{"ntdll.dll", "kernel32.dll", "ntoskrnl.exe", "wpeinit.exe", "cmd.exe"} {
		write(t, filepath.Join(system32, name), peFile(p.machine))
	}
	write(t, filepath.Join(system32, "startnet.cmd"), "wpeinit\r\n")
	for name, content := range p.files {
		write(t, filepath.Join(dir, name), content)
	}
	return dir
}

// makeWim captures images into a file; the last boots.
func makeWim(t *testing.T, name string, images ...pe) string {
	t.Helper()
	tools.Need(t, "wimlib-imagex")
	for i, p := range images {
		verb := []string{"capture", p.tree(t), name, fmt.Sprintf("Image %d", i+1), "--compress=LZX", "--boot"}
		if i > 0 {
			verb = []string{"append", p.tree(t), name, fmt.Sprintf("Image %d", i+1), "--boot"}
		}
		sh(t, "wimlib-imagex", verb...)
	}
	return name
}

// bootable are the files with which an image boots a stick by itself.
func bootable() map[string]string {
	files := map[string]string{biosImage: strings.Repeat("BIOS", 1024), efiImage: fat(64)}
	for from := range bootFiles("") {
		files[from] = "content of " + from
	}
	return files
}

// fat is the head of a FAT volume of some sectors, and the rest of it.
func fat(sectors int) string {
	b := bytes.Repeat([]byte("EFI!"), sectors*128)
	binary.LittleEndian.PutUint16(b[11:], 512)
	binary.LittleEndian.PutUint16(b[19:], uint16(sectors))
	b[510], b[511] = 0x55, 0xAA
	return string(b)
}

// mediaFolder is what copype makes, as far as it matters.
func mediaFolder(t *testing.T, images ...pe) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "media")
	write(t, filepath.Join(dir, "bootmgr"), "bootmgr")
	write(t, filepath.Join(dir, "EFI", "Boot", "bootx64.efi"), "bootx64")
	write(t, filepath.Join(dir, "EFI", "Microsoft", "Boot", "BCD"), "BCD of EFI")
	write(t, filepath.Join(dir, "Boot", "BCD"), "BCD")
	write(t, filepath.Join(dir, "Boot", "boot.sdi"), "SDI")
	write(t, filepath.Join(dir, "setup.exe"), "SETUP")
	write(t, filepath.Join(dir, "sources", "install.wim"), "large")
	makeWim(t, filepath.Join(dir, "sources", "boot.wim"), images...)
	return dir
}

// exes are programs that say that they are Lifeboat's, built once.
var exes = struct {
	sync.Mutex
	dir string
}{}

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(exes.dir)
	os.Exit(code)
}

func exe(t *testing.T, goos, arch, module string) string {
	t.Helper()
	exes.Lock()
	defer exes.Unlock()
	if exes.dir == "" {
		dir, err := os.MkdirTemp("", "lifeboat-exe-")
		if err != nil {
			t.Fatal(err)
		}
		exes.dir = dir
	}
	dir := filepath.Join(exes.dir, goos+arch+module)
	file := filepath.Join(dir, "lifeboat.exe")
	if _, err := os.Stat(file); err == nil {
		return file
	}
	write(t, filepath.Join(dir, "go.mod"), "module "+module+"\n")
	write(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() {}\n")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", file)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+arch, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

func lifeboat(t *testing.T) string { return exe(t, "windows", "amd64", "lifeboat") }

// makeStick makes a stick and returns what was said.
func makeStick(t *testing.T, r Request) (said string, err error) {
	t.Helper()
	if r.Exe == "" {
		r.Exe = lifeboat(t)
	}
	var b strings.Builder
	r.Say = func(text string) { b.WriteString(text + "\n") }
	r.Version = "1.2.3"
	err = WinPE(context.Background(), r)
	return b.String(), err
}

// snapshot is every file below a folder with its content and time.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		all[rel] = info.ModTime().String() + string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func sameSnapshot(t *testing.T, before, after map[string]string) {
	t.Helper()
	if len(before) != len(after) {
		t.Errorf("%d files became %d", len(before), len(after))
	}
	for name, content := range before {
		if after[name] != content {
			t.Errorf("%s was changed", name)
		}
	}
}

// inWim reads a file of an image, with wimlib.
func inWim(t *testing.T, wim, path string) string {
	t.Helper()
	return sh(t, "wimlib-imagex", "extract", wim, "1", path, "--to-stdout")
}

func TestStickFromAMediaFolder(t *testing.T) {
	source := mediaFolder(t, pe{packages: []string{"WinPE-WiFi-Package~31bf3856ad364e35~amd64~~10.0.26100.1"}})
	before := snapshot(t, source)
	extra := t.TempDir()
	write(t, filepath.Join(extra, "answers.yaml"), "# ours\nlanguage: en\nrules: [rules\\ours]\n")
	write(t, filepath.Join(extra, "rules", "ours", "ours.xml"), "<migration/>")
	write(t, filepath.Join(extra, "office.xml"), "<WLANProfile/>")
	write(t, filepath.Join(extra, "net.cmd"), "net use S: \\\\server\\share\r\n")
	write(t, filepath.Join(extra, "vmd", "x64", "iaStorVD.inf"), "[Version]")
	write(t, filepath.Join(extra, "vmd", "x64", "iaStorVD.sys"), "driver")
	out := filepath.Join(t.TempDir(), "stick")
	said, err := makeStick(t, Request{
		Source: source, Out: out, Drivers: []string{filepath.Join(extra, "vmd")}, Wifi: []string{filepath.Join(extra, "office.xml")}, Network: filepath.Join(extra, "net.cmd"),
		Extras: Extras{Config: filepath.Join(extra, "answers.yaml")},
	})
	if err != nil {
		t.Fatal(err)
	}
	sameSnapshot(t, before, snapshot(t, source))
	stick := snapshot(t, out)
	for _, name := range []string{"bootmgr", "EFI/Boot/bootx64.efi", "EFI/Microsoft/Boot/BCD", "Boot/BCD", "Boot/boot.sdi", "sources/boot.wim", "rules/ours/ours.xml", "lifeboat/media.txt"} {
		if _, ok := stick[name]; !ok {
			t.Errorf("the stick has no %s", name)
		}
	}
	for _, name := range []string{"setup.exe", "sources/install.wim"} {
		if _, ok := stick[name]; ok {
			t.Errorf("%s is on the stick", name)
		}
	}
	if !strings.HasSuffix(stick["lifeboat.yaml"], "# ours\nlanguage: en\nrules: [rules\\ours]\n") {
		t.Errorf("the answers are %q", stick["lifeboat.yaml"])
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(out), ".lifeboat*")); left != nil {
		t.Errorf("left behind: %v", left)
	}

	// From outside: wimlib verifies the image and reads it.
	wim := filepath.Join(out, "sources", "boot.wim")
	sh(t, "wimlib-imagex", "verify", wim)
	if info := sh(t, "wimlib-imagex", "info", wim); !strings.Contains(info, "Boot Index:     1") || !strings.Contains(info, "Compression:    LZX") {
		t.Errorf("the image is\n%s", info)
	}
	program, err := os.ReadFile(lifeboat(t))
	if err != nil {
		t.Fatal(err)
	}
	if inWim(t, wim, "/Lifeboat/lifeboat.exe") != string(program) {
		t.Error("the program in the image is another one")
	}
	script := inWim(t, wim, "/Windows/System32/startnet.cmd")
	if !strings.Contains(script, "\r\nwpeinit\r\n") || strings.Count(script, "\n") != strings.Count(script, "\r\n") {
		t.Errorf("startnet.cmd is %q", script)
	}
	for path, want := range map[string]string{
		"/Lifeboat/network.cmd": "net use S: \\\\server\\share\r\n", "/Lifeboat/wifi/office.xml": "<WLANProfile/>",
		"/Lifeboat/drivers/vmd/x64/iaStorVD.sys": "driver", "/Windows/System32/ntdll.dll": peFile(0x8664),
	} {
		if got := inWim(t, wim, path); got != want {
			t.Errorf("%s is %q", path, got)
		}
	}
	for _, words := range []string{"Windows PE 10.0, build 26100, for amd64", "winpe-dot3svc"} {
		if !strings.Contains(said, words) {
			t.Errorf("it does not say %q:\n%s", words, said)
		}
	}
	if strings.Contains(said, "winpe-wifi") {
		t.Errorf("it says that a component which is there is not:\n%s", said)
	}
}

// On a mounted stick other things may lie already; what it needs may not.
func TestStickInPlace(t *testing.T) {
	source := mediaFolder(t, pe{})
	out := t.TempDir()
	write(t, filepath.Join(out, "photos", "a.jpg"), "keep me")
	rules := filepath.Join(t.TempDir(), "ours.xml")
	write(t, rules, "<migration/>")
	if _, err := makeStick(t, Request{Source: source, Out: out, Extras: Extras{Rules: []string{rules}}}); err != nil {
		t.Fatal(err)
	}
	given, err := answers.Load(filepath.Join(out, "lifeboat.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (answers.File{Logs: filepath.Join(out, "lifeboat", "logs"), Rules: []string{filepath.Join(out, "lifeboat", "rules")}}); !reflect.DeepEqual(*given, want) {
		t.Errorf("the answers are %+v", *given)
	}
	if s := snapshot(t, out); !strings.HasSuffix(s["lifeboat/rules/ours.xml"], "<migration/>") || s["sources/boot.wim"] == "" || !strings.HasSuffix(s["photos/a.jpg"], "keep me") {
		t.Errorf("the stick holds %d files", len(s))
	}
	before := snapshot(t, out)
	_, err = makeStick(t, Request{Source: source, Out: out})
	if refusal := (*Refusal)(nil); !errors.As(err, &refusal) || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second time: %v", err)
	}
	sameSnapshot(t, before, snapshot(t, out))
}

// An image alone has its boot files inside; what started Windows RE or Setup is
// gone from the copy.
func TestStickFromAnImage(t *testing.T) {
	files := bootable()
	files["Windows/System32/winpeshl.ini"] = "[LaunchApp]"
	files["setup.exe"] = "SETUP"
	source := makeWim(t, filepath.Join(t.TempDir(), "winre.wim"), pe{}, pe{files: files})
	out := filepath.Join(t.TempDir(), "stick")
	said, err := makeStick(t, Request{Source: source, Out: out})
	if err != nil {
		t.Fatal(err)
	}
	wim := filepath.Join(out, "sources", "boot.wim")
	list := sh(t, "wimlib-imagex", "dir", wim, "1")
	for _, gone := range []string{"/Windows/System32/winpeshl.ini", "/setup.exe"} {
		if strings.Contains(list, gone+"\n") {
			t.Errorf("%s is still there", gone)
		}
	}
	for _, words := range []string{"It starts Windows RE.", "It starts Windows Setup."} {
		if !strings.Contains(said, words) {
			t.Errorf("it does not say %q:\n%s", words, said)
		}
	}
	if s := snapshot(t, out); !strings.HasSuffix(s["EFI/Boot/bootx64.efi"], "content of Windows/Boot/EFI/bootmgfw.efi") || !strings.HasSuffix(s["Boot/boot.sdi"], "boot.sdi") {
		t.Errorf("boot files: %q", s["EFI/Boot/bootx64.efi"])
	}
}

// An ISO made from an image is read again: its boot images are the same, and so
// is what is made from it.
func TestISOs(t *testing.T) {
	tools.Need(t, "genisoimage", "7z")
	source := makeWim(t, filepath.Join(t.TempDir(), "boot.wim"), pe{files: bootable()})
	dir := t.TempDir()
	one, two, stick := filepath.Join(dir, "one.iso"), filepath.Join(dir, "two.iso"), filepath.Join(dir, "stick")
	if _, err := makeStick(t, Request{Source: source, Out: one}); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, dir)
	if _, err := makeStick(t, Request{Source: one, Out: two}); err != nil {
		t.Fatal(err)
	}
	if _, err := makeStick(t, Request{Source: two, Out: stick}); err != nil {
		t.Fatal(err)
	}
	sameSnapshot(t, before, map[string]string{"one.iso": snapshot(t, dir)["one.iso"]})
	for _, file := range []string{one, two} {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, _ := f.Stat()
		entries, err := readBootEntries(f, info.Size())
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) != 2 || entries[0].efi || !entries[1].efi || entries[0].load != 8 ||
			string(entries[0].data) != strings.Repeat("BIOS", 1024) || string(entries[1].data) != fat(64) {
			t.Errorf("%s boots with %d images", file, len(entries))
		}
		list := sh(t, "7z", "l", "-slt", file)
		if !strings.Contains(list, "Type = Udf") || !strings.Contains(list, "Path = sources/boot.wim") {
			t.Errorf("7-Zip does not see a UDF with sources/boot.wim:\n%s", list)
		}
	}
	if s := snapshot(t, stick); s["sources/boot.wim"] == "" || !strings.HasSuffix(s["EFI/Microsoft/Boot/BCD"], "BCD") {
		t.Errorf("the stick holds %d files", len(s))
	}
}

// bootSector says that it was booted, on the serial line: a loop over the bytes
// behind itself, in the code of a 8086.
var bootSector = "\xFA\x0E\x1F\xBA\xF8\x03\xE8\x00\x00\x5E\x83\xC6\x0F\xAC\x84\xC0\x74\x03\xEE\xEB\xF8\xF4\xEB\xFD" + "LIFEBOAT BOOTED\x00"

// A BIOS starts the ISO with the image that the source had.
func TestISOBoots(t *testing.T) {
	tools.Need(t, "genisoimage", "qemu-system-x86_64")
	files := bootable()
	files[biosImage] = bootSector + strings.Repeat("\x00", 4096-len(bootSector))
	iso := filepath.Join(t.TempDir(), "pe.iso")
	if _, err := makeStick(t, Request{Source: makeWim(t, filepath.Join(t.TempDir(), "boot.wim"), pe{files: files}), Out: iso}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	serial := filepath.Join(t.TempDir(), "serial")
	qemu := exec.CommandContext(ctx, "qemu-system-x86_64", "-accel", "tcg", "-m", "64", "-display", "none", "-nodefaults", "-vga", "std", "-cdrom", iso, "-boot", "d", "-serial", "file:"+serial)
	if err := qemu.Start(); err != nil {
		t.Fatal(err)
	}
	defer qemu.Wait()
	defer qemu.Process.Kill()
	for ctx.Err() == nil {
		if said, _ := os.ReadFile(serial); strings.Contains(string(said), "LIFEBOAT BOOTED") {
			return
		}
		time.Sleep(50 * time.Millisecond) // what another process does has no better signal
	}
	t.Error("the ISO did not start")
}

func TestRefusals(t *testing.T) {
	fine := makeWim(t, filepath.Join(t.TempDir(), "boot.wim"), pe{files: bootable()})
	file := func(name, content string) string {
		path := filepath.Join(t.TempDir(), name)
		write(t, path, content)
		return path
	}
	data, err := os.ReadFile(fine)
	if err != nil {
		t.Fatal(err)
	}
	esd := bytes.Clone(data)
	binary.LittleEndian.PutUint32(esd[12:], 0xE00)
	for name, c := range map[string]struct {
		r    Request
		want string
	}{
		"no file":             {Request{Source: filepath.Join(t.TempDir(), "no.wim")}, "no such file"},
		"no WIM":              {Request{Source: file("boot.wim", "hello")}, "is no WIM file"},
		"cut off":             {Request{Source: file("boot.wim", string(data[:len(data)/2]))}, "is damaged"},
		"an ESD":              {Request{Source: file("boot.esd", string(esd))}, "does not boot"},
		"an installed":        {Request{Source: makeWim(t, filepath.Join(t.TempDir(), "install.wim"), pe{edition: "Professional", files: bootable()})}, "holds Windows Professional"},
		"not a Windows":       {Request{Source: makeWim(t, filepath.Join(t.TempDir(), "data.wim"), pe{empty: true, files: map[string]string{"a": "b"}})}, "is no Windows PE: it holds no Windows/System32/config/SOFTWARE"},
		"too old":             {Request{Source: makeWim(t, filepath.Join(t.TempDir(), "boot.wim"), pe{major: 6, build: "9600", files: bootable()})}, "too old"},
		"a preview":           {Request{Source: makeWim(t, filepath.Join(t.TempDir(), "boot.wim"), pe{build: "9926", files: bootable()})}, "too old"},
		"another processor":   {Request{Source: makeWim(t, filepath.Join(t.TempDir(), "boot.wim"), pe{machine: 0xAA64, files: bootable()})}, "is for arm64, and"},
		"no boot files":       {Request{Source: makeWim(t, filepath.Join(t.TempDir(), "boot.wim"), pe{})}, "holds no EFI/Boot/bootx64.efi"},
		"no boot.wim":         {Request{Source: t.TempDir()}, "holds no sources/boot.wim"},
		"exe of Linux":        {Request{Source: fine, Exe: exe(t, "linux", "amd64", "lifeboat")}, "is Lifeboat for linux"},
		"another exe":         {Request{Source: fine, Exe: exe(t, "windows", "amd64", "other")}, "is not lifeboat.exe"},
		"no exe":              {Request{Source: fine, Exe: filepath.Join(t.TempDir(), "lifeboat.exe")}, "there is no"},
		"no answers":          {Request{Source: fine, Extras: Extras{Config: filepath.Join(t.TempDir(), "a.yaml")}}, "no such file"},
		"wrong answers":       {Request{Source: fine, Extras: Extras{Config: file("a.yaml", "colour: red\n")}}, "a.yaml"},
		"rules elsewhere":     {Request{Source: fine, Extras: Extras{Config: file("a.yaml", "rules: [../ours.xml]\n")}}, "will not be on the stick"},
		"rules twice":         {Request{Source: fine, Extras: Extras{Config: file("a.yaml", "rules: [a.yaml]\n"), Rules: []string{fine}}}, "names rules of its own"},
		"no driver":           {Request{Source: fine, Drivers: []string{t.TempDir()}}, "no driver (.inf)"},
		"into the source":     {Request{Source: filepath.Dir(fine), Out: filepath.Join(filepath.Dir(fine), "stick")}, "which is only read"},
		"an ISO that is":      {Request{Source: fine, Out: file("there.iso", "x")}, "exists already"},
		"a file for a folder": {Request{Source: fine, Out: file("there", "x")}, "is no folder"},
	} {
		t.Run(name, func(t *testing.T) {
			place := t.TempDir()
			if c.r.Out == "" {
				c.r.Out = filepath.Join(place, "stick")
			}
			if name == "into the source" {
				write(t, filepath.Join(c.r.Source, "sources", "boot.wim"), "x")
			}
			_, err := makeStick(t, c.r)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if left, _ := os.ReadDir(place); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
	if after, err := os.ReadFile(fine); err != nil || !bytes.Equal(after, data) {
		t.Errorf("the source was changed (%v)", err)
	}
}

func TestNotEnoughRoom(t *testing.T) {
	err := output{path: filepath.Join(t.TempDir(), "stick")}.room(1 << 60)
	if refusal := (*Refusal)(nil); !errors.As(err, &refusal) || !strings.Contains(err.Error(), "free") {
		t.Errorf("error %v", err)
	}
}

// FuzzWim makes sure that a foreign header or description is an error at worst.
func FuzzWim(f *testing.F) {
	good := make([]byte, wimHeader)
	copy(good, wimMagic)
	le := binary.LittleEndian
	le.PutUint32(good[8:], wimHeader)
	le.PutUint32(good[12:], wimVersion)
	le.PutUint32(good[44:], 1)
	xml := "\uFEFF<WIM><IMAGE INDEX=\"1\"><WINDOWS><ARCH>9</ARCH></WINDOWS></IMAGE></WIM>"
	units := winname.ToUTF16(xml)
	le.PutUint64(good[72:], uint64(2*len(units)))
	le.PutUint64(good[80:], wimHeader)
	for _, u := range units {
		good = le.AppendUint16(good, u)
	}
	if _, err := parseWim(bytes.NewReader(good), int64(len(good))); err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := parseWim(bytes.NewReader(data), int64(len(data)))
		if err == nil {
			_ = w.bootImage()
		}
	})
}

func FuzzBootEntries(f *testing.F) {
	iso := make([]byte, 24*isoSector)
	copy(iso[17*isoSector:], "\x00CD001\x01EL TORITO SPECIFICATION")
	iso[17*isoSector+71] = 19
	catalog := iso[19*isoSector:]
	catalog[0], catalog[30], catalog[31] = 1, 0x55, 0xAA
	catalog[32], catalog[38], catalog[40] = 0x88, 4, 20
	catalog[64], catalog[65] = 0x91, 0xEF
	catalog[96], catalog[102], catalog[104] = 0x88, 1, 21
	copy(iso[21*isoSector:], fat(4))
	if e, err := readBootEntries(bytes.NewReader(iso), int64(len(iso))); err != nil || len(e) != 2 || len(e[1].data) != 2048 {
		f.Fatal(e, err)
	}
	f.Add(iso)
	f.Fuzz(func(t *testing.T, data []byte) { readBootEntries(bytes.NewReader(data), int64(len(data))) })
}
