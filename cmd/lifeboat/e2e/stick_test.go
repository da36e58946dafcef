//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lifeboat/engine/bitlocker"
	"lifeboat/engine/sample"
)

// The whole way on a machine of its own: the stick is made from Debian's
// packages, Secure Boot firmware starts it, the wizard is answered over the serial
// line, a Windows behind BitLocker is saved to a FAT32 stick, the machine is
// switched off by the wizard, and the store is looked at from outside.
func TestStickRescuesAPC(t *testing.T) {
	need(t, "qemu-system-x86_64", "mkfs.vfat", "mcopy", "fsck.vfat", "ckbcomp", "loadkeys")
	dir := t.TempDir()
	boot, pcDisk, rescue := filepath.Join(dir, "boot.img"), filepath.Join(dir, "pc.img"), filepath.Join(dir, "rescue.img")
	makeStick(t, boot)
	waitLonger(t, boot)
	volume := brokenBitLockerPC(t, pcDisk)
	before := sum(t, pcDisk)
	blank(t, rescue, 300)
	sh(t, "mkfs.vfat", "-F", "32", "-n", "RESCUE", rescue)

	m := startMachine(t, boot, pcDisk, rescue)
	m.await("executed automatically")
	m.send("s")
	for _, turn := range []struct{ hear, say string }{
		{"Step 1 of 8", ""},
		{"Step 2 of 8", "1"}, {asksText, sample.RecoveryPassword}, {"Group 8: ok", ""},
		{"Step 4 of 8", ""}, {"Step 5 of 8", ""}, {"Step 6 of 8", ""}, {"Step 7 of 8", ""}, {"Step 8 of 8", ""},
		{"SAFE TO WIPE?  YES", "3"}, // leave the wizard
	} {
		m.await(turn.hear)
		if turn.hear != asksText {
			m.await(":\n") // the prompt
		}
		m.send(turn.say + "\n")
	}
	// Below the wizard there is a menu, and a prompt. A wizard that dies leads to
	// the menu again; whatever is asked to die, process 1 does not.
	for _, turn := range []struct{ hear, say string }{
		{"return code 0", ""}, {"Number [1]: ", "2"},
		{"Type exit", "grep -c /dev/sda /proc/mounts; (trap '' HUP; until pidof init | grep -q ' '; do sleep 1; done; sleep 3; killall -9 init) &"},
		{"\n0\n", "exit"}, {"Number [1]: ", "1"}, {"ended by a signal: killed", ""}, {"Number [1]: ", "4"},
	} {
		m.await(turn.hear)
		if turn.say != "" {
			m.send(turn.say + "\n")
		}
	}
	m.await("Switching off")
	m.end()
	if sum(t, pcDisk) != before {
		t.Error("the PC's disk was written to")
	}
	sh(t, "fsck.vfat", "-n", rescue) // clean: it was unmounted

	copied := t.TempDir()
	sh(t, "mcopy", "-s", "-m", "-i", rescue, "::*", copied)
	stores, err := filepath.Glob(filepath.Join(copied, "*", "USMT", "USMT.MIG"))
	if err != nil || len(stores) != 1 {
		t.Fatalf("stores %v, %v", stores, err)
	}
	store := filepath.Dir(filepath.Dir(stores[0]))
	out, code := lifeboat(t, "usmtutils", "/verify", store)
	want(t, 0, out, code)
	back := t.TempDir()
	out, code = lifeboat(t, "usmtutils", "/extract", store, back)
	want(t, 0, out, code)
	if files := sameTree(t, volume, filepath.Join(back, "C$")); files < 100 {
		t.Errorf("only %d files came back", files)
	}
	logs := t.TempDir()
	sh(t, "mcopy", "-s", "-i", boot+"@@1M", "::lifeboat/logs", logs)
	found, err := filepath.Glob(filepath.Join(logs, "logs", "start_*.txt"))
	if err != nil || len(found) != 1 {
		t.Fatalf("logs %v, %v", found, err)
	}
	text, err := os.ReadFile(found[0])
	for _, line := range []string{"--answers /media/LIFEBOAT/lifeboat.yaml", "the keyboard layout is de", "Switching off", "Linux version"} {
		if err != nil || !strings.Contains(string(text), line) {
			t.Errorf("the log on the stick does not say %q: %v\n%s", line, err, text)
		}
	}
}

// asksText is the question for a text, which has no line of its own.
const asksText = "Group 1: "

// makeStick makes the image of a stick, twice: both have the same bytes.
func makeStick(t *testing.T, image string) {
	t.Helper()
	packages := []string{}
	if dir := os.Getenv("LIFEBOAT_DEBIAN"); dir != "" {
		packages = append(packages, dir)
	} else if _, err := os.Stat("/usr/lib/shim/shimx64.efi.signed"); err != nil {
		missing(t, "LIFEBOAT_DEBIAN names no folder with Debian's packages for a stick, and they are not installed")
	}
	answers := filepath.Join(t.TempDir(), "answers.yaml")
	if err := os.WriteFile(answers, []byte("keyboard: de\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{image, image + ".again.img"} {
		text, code := lifeboat(t, append([]string{"media", "--linux", "--out", out, "--config", answers}, packages...)...)
		want(t, 0, text, code)
	}
	if sum(t, image) != sum(t, image+".again.img") {
		t.Error("the same parts made two sticks")
	}
	sh(t, "sh", "-c", "dd if='"+image+"' of='"+image+".volume' bs=1M skip=1 status=none && fsck.vfat -n '"+image+".volume'")
}

// waitLonger has the menu of a stick wait for a key as long as a slow machine needs.
func waitLonger(t *testing.T, image string) {
	t.Helper()
	menu := filepath.Join(t.TempDir(), "grub.cfg")
	sh(t, "mcopy", "-i", image+"@@1M", "::EFI/debian/grub.cfg", menu)
	text, err := os.ReadFile(menu)
	if err != nil {
		t.Fatal(err)
	}
	longer := bytes.Replace(text, []byte("set timeout=3\n"), []byte("set timeout=600\n"), 1)
	if bytes.Equal(longer, text) {
		t.Fatalf("the menu has no time to wait:\n%s", text)
	}
	if err := os.WriteFile(menu, longer, 0o644); err != nil {
		t.Fatal(err)
	}
	sh(t, "mcopy", "-o", "-i", image+"@@1M", menu, "::EFI/debian/grub.cfg")
}

// brokenBitLockerPC makes the disk of a PC with a locked Windows; the folder
// holds what is behind the lock.
func brokenBitLockerPC(t *testing.T, image string) (volume string) {
	t.Helper()
	pc, err := sample.Create(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	plain, err := sample.NTFS(pc.Volume, "Windows")
	if err != nil {
		t.Fatal(err)
	}
	locked, _, err := sample.Encrypt(plain, bitlocker.MethodXTS128, 7,
		bitlocker.NewProtector{Kind: bitlocker.KindTPM}, bitlocker.NewProtector{Kind: bitlocker.KindRecovery, Secret: sample.RecoveryPassword})
	if err != nil {
		t.Fatal(err)
	}
	disk, err := sample.Disk(sample.Partition{GUID: sample.PartitionGUID(), Name: "Basic data partition", Volume: locked})
	if err == nil {
		err = os.WriteFile(image, disk, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pc.Volume
}

// machine is a PC in software, and the serial line to it.
type machine struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.Writer
	ended chan error

	mu   sync.Mutex
	said []byte
	at   int // what was awaited ends here
}

// startMachine switches on a PC whose firmware trusts only what Microsoft has
// signed. The first image is the stick that it starts from, the second one its
// disk, the third a stick to save to.
func startMachine(t *testing.T, boot, disk, rescue string) *machine {
	t.Helper()
	const firmware = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"
	keys, err := os.ReadFile("/usr/share/OVMF/OVMF_VARS_4M.ms.fd")
	if err != nil {
		missing(t, "ovmf is not installed")
	}
	variables := filepath.Join(t.TempDir(), "variables.fd")
	if err := os.WriteFile(variables, keys, 0o644); err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, ended: make(chan error, 1), cmd: exec.Command("qemu-system-x86_64",
		"-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on", "-accel", "tcg,thread=multi",
		"-cpu", "max", "-smp", "2", "-m", "1024", "-display", "none", "-nodefaults", "-no-reboot", "-serial", "stdio", "-monitor", "none",
		"-drive", "if=pflash,format=raw,unit=0,readonly=on,file="+firmware, "-drive", "if=pflash,format=raw,unit=1,file="+variables,
		"-device", "qemu-xhci",
		"-drive", "if=none,id=boot,format=raw,file="+boot, "-device", "usb-storage,drive=boot,bootindex=1",
		"-drive", "if=none,id=disk,format=raw,file="+disk, "-device", "ide-hd,drive=disk",
		"-drive", "if=none,id=rescue,format=raw,file="+rescue, "-device", "usb-storage,drive=rescue,removable=on",
	)}
	if m.in, err = m.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	m.cmd.Stdout, m.cmd.Stderr = m, m
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { m.ended <- m.cmd.Wait() }()
	t.Cleanup(func() { m.cmd.Process.Kill() })
	return m
}

// Write hears what the machine says.
func (m *machine) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.said = append(m.said, bytes.ReplaceAll(p, []byte("\r"), nil)...)
	return len(p), nil
}

func (m *machine) await(text string) {
	m.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		m.mu.Lock()
		i := bytes.Index(m.said[m.at:], []byte(text))
		if i >= 0 {
			m.at += i + len(text)
		}
		m.mu.Unlock()
		if i >= 0 {
			return
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.t.Fatalf("it never said %q:\n%s", text, m.said[m.at:])
}

func (m *machine) send(text string) {
	m.t.Helper()
	if _, err := io.WriteString(m.in, text); err != nil {
		m.t.Fatal(err)
	}
}

// end waits until the machine has switched itself off.
func (m *machine) end() {
	m.t.Helper()
	select {
	case err := <-m.ended:
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			m.t.Fatalf("qemu: %v\n%s", err, m.said)
		}
	case <-time.After(patience):
		m.t.Fatalf("it was not switched off:\n%s", m.said[m.at:])
	}
}
