package boot

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lifeboat/winpe"
)

func TestSettings(t *testing.T) {
	for line, want := range map[string]settings{
		"":                              {console: "tty1"},
		"quiet console=tty0 loglevel=1": {console: "tty1"},
		"console=tty0 console=ttyS0,115200n8 lifeboat.plain\n": {console: "ttyS0", plain: true},
		"console=../../etc/passwd lifeboat.keyboard=de":        {console: "tty1", keyboard: "de"},
		"console= lifeboat.messages":                           {console: "tty1", messages: true},
	} {
		if got := parseSettings(line); got != want {
			t.Errorf("%q: %+v", line, got)
		}
	}
}

func quiet() *journal { return &journal{clock: func() time.Time { return time.Unix(0, 0) }} }

func TestModules(t *testing.T) {
	var loaded []string
	m := newModules("/m", []byte("kernel/uas.ko: kernel/usb-storage.ko kernel/scsi_mod.ko\nkernel/usb-storage.ko: kernel/scsi_mod.ko\nkernel/scsi_mod.ko:\nkernel/nls_iso8859-1.ko:\nkernel/bad.ko:\nnonsense\n"),
		[]byte("alias usb:v*p*d*ic08isc06ip62in* uas\nalias usb:v1234p* bad\nalias usb:[ bad\nalias usb:v* x y\n"), []byte("nls_iso8859_1\nnone\n"))
	m.insert = func(file string) error {
		loaded = append(loaded, strings.TrimPrefix(file, "/m/kernel/"))
		switch filepath.Base(file) {
		case "bad.ko":
			return unix.EINVAL
		case "scsi_mod.ko":
			return unix.EEXIST
		}
		return nil
	}
	log := quiet()
	m.loadFirst(log)
	if !m.loadFor("usb:v0001p0002d0100ic08isc06ip62in00", log) || m.loadFor("pci:v1", log) || !m.loadFor("usb:v1234p1", log) {
		t.Error("the wrong devices have modules")
	}
	if err := m.load("usb-storage", log); err != nil {
		t.Error(err)
	}
	if err := m.load("none", log); err == nil {
		t.Error("a module that is not there was loaded")
	}
	if want := []string{"nls_iso8859-1.ko", "scsi_mod.ko", "usb-storage.ko", "uas.ko", "bad.ko"}; !reflect.DeepEqual(loaded, want) {
		t.Errorf("%q", loaded)
	}
	if text := log.text.String(); !strings.Contains(text, "load bad: invalid argument") {
		t.Error(text)
	}
}

func TestEvent(t *testing.T) {
	e := parseEvent([]byte("add@/devices/x\x00ACTION=add\x00SUBSYSTEM=block\x00DEVNAME=sdb\x00MODALIAS=a=b\x00odd\x00"))
	if !reflect.DeepEqual(e, event{"ACTION": "add", "SUBSYSTEM": "block", "DEVNAME": "sdb", "MODALIAS": "a=b"}) {
		t.Errorf("%v", e)
	}
	if parseEvent([]byte("libudev\x00x")) != nil || parseEvent(nil) != nil {
		t.Error("what is no event of the kernel was taken for one")
	}
}

// Only sticks and cards are mounted, and only what cannot be a Windows.
func TestIsMedium(t *testing.T) {
	stick := winpe.Drive{Removable: true}
	good := winpe.Part{Path: "/dev/sdb1", FileSystem: "FAT32", Type: "basic data"}
	with := func(change func(*winpe.Drive, *winpe.Part)) bool {
		d, p := stick, good
		change(&d, &p)
		return isMedium(d, p)
	}
	if !with(func(*winpe.Drive, *winpe.Part) {}) || !with(func(_ *winpe.Drive, p *winpe.Part) { p.FileSystem = "exFAT" }) {
		t.Error("a stick is not mounted")
	}
	for what, change := range map[string]func(*winpe.Drive, *winpe.Part){
		"a disk inside":     func(d *winpe.Drive, _ *winpe.Part) { d.Removable = false },
		"NTFS":              func(_ *winpe.Drive, p *winpe.Part) { p.FileSystem = "NTFS" },
		"BitLocker":         func(_ *winpe.Drive, p *winpe.Part) { p.FileSystem = "BitLocker" },
		"firmware's":        func(_ *winpe.Drive, p *winpe.Part) { p.Type = "EFI system" },
		"mounted":           func(_ *winpe.Drive, p *winpe.Part) { p.Mount = "/media/x" },
		"in use":            func(_ *winpe.Drive, p *winpe.Part) { p.InUse = "dm-0" },
		"not to the kernel": func(_ *winpe.Drive, p *winpe.Part) { p.Path = "/dev/sdb#1"; p.InUse = "x" },
	} {
		if with(change) {
			t.Errorf("%s is mounted", what)
		}
	}
}

func TestIsStick(t *testing.T) {
	dir := t.TempDir()
	if isStick(dir, "1234") {
		t.Error("an empty folder is the stick")
	}
	if err := os.MkdirAll(filepath.Join(dir, "lifeboat"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, markerFile), []byte("Lifeboat 1\r\nstick 1234\r\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if !isStick(dir, "1234") || isStick(dir, "12345") || isStick(dir, "") {
		t.Error("the wrong stick")
	}
}

func TestLayout(t *testing.T) {
	data := []byte(mapMagic + strings.Repeat("\x00", 256))
	data[len(mapMagic)+2] = 1
	data = append(data, make([]byte, 256)...)
	data[len(mapMagic)+256+2*30] = 'q'
	data[len(mapMagic)+256+2*30+1] = 0xFB
	tables, err := parseLayout(data)
	if err != nil || len(tables) != 1 || tables[2][30] != 0xFB00|'q' {
		t.Errorf("%v, %v", tables, err)
	}
	for _, bad := range [][]byte{nil, []byte("bkeymap"), data[:len(data)-1], []byte("x" + string(data))} {
		if _, err := parseLayout(bad); err == nil {
			t.Errorf("%d bytes: no error", len(bad))
		}
	}
}

// What was noted before the stick was there goes to it, and nothing is lost when
// it is pulled.
func TestJournal(t *testing.T) {
	j := quiet()
	j.say("one %d", 1)
	dir := filepath.Join(t.TempDir(), "logs")
	if err := j.attach(dir); err != nil {
		t.Fatal(err)
	}
	j.say("two")
	j.detach()
	j.say("three")
	if err := j.attach(dir); err != nil {
		t.Fatal(err)
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "start_19700101-000000.txt"))
	if want := "1970-01-01 00:00:00 one 1\n1970-01-01 00:00:00 two\n1970-01-01 00:00:00 three\n"; err != nil || string(text) != want {
		t.Errorf("%q, %v", text, err)
	}
	(*journal)(nil).say("nobody hears it")
}

func TestEnded(t *testing.T) {
	s := &system{log: quiet(), media: &media{log: quiet()}}
	for want, got := range map[string]string{
		"return code 3":        s.ended(unix.WaitStatus(3<<8), "", nil),
		"error of its own":     s.ended(unix.WaitStatus(2<<8), "panic: x\n\ngoroutine 1 [running]:\n", nil),
		"return code 2":        s.ended(unix.WaitStatus(2<<8), "stopped\n", nil),
		"may have run out":     s.ended(unix.WaitStatus(9), "", nil),
		"could not be started": s.ended(0, "", errors.New("no memory")),
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
}

func TestTail(t *testing.T) {
	var w tail
	w.Write([]byte("head" + strings.Repeat("x", 3*tailSize)))
	w.Write([]byte("end"))
	if s := w.String(); len(s) != 2*tailSize || !strings.HasPrefix(s, "head") || !strings.HasSuffix(s, "end") {
		t.Errorf("%d bytes", len(s))
	}
}
