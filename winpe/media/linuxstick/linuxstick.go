// Package linuxstick lays out a stick that starts a PC into Lifeboat on Linux:
// Debian's signed boot loaders and kernel, and an initramfs whose init is the
// lifeboat binary itself (package winpe/boot is what it does there). UEFI firmware
// starts it from any FAT32 volume, with Secure Boot too, since nothing that is
// signed is changed.
//
// [Parts] are what is taken of Debian: found in packages, in folders they were
// unpacked to, or in the running system. [Parts.Tree] makes the files of the
// stick. The same parts and binary give the same bytes. Nothing of Debian is in
// Lifeboat, and nothing is downloaded; a [Missing] part is named with the package
// that has it.
package linuxstick

import (
	"context"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"lifeboat/winpe/media/copyfile"
)

// Where things lie on the stick, below the folder lifeboat but for the files that
// firmware and GRUB look for.
const (
	shimPath   = "EFI/BOOT/BOOTX64.EFI"
	grubPath   = "EFI/BOOT/grubx64.efi" // where the shim looks for it
	configPath = "EFI/debian/grub.cfg"  // where Debian's signed GRUB looks for it
	kernelPath = "lifeboat/linux/vmlinuz"
	initrdPath = "lifeboat/linux/initrd.zst"
	noticesDir = "lifeboat/linux/copyright"
)

// Missing is an error: a part that was found nowhere.
type Missing struct {
	What    string
	Package string // that has it
}

func (m *Missing) Error() string { return m.What + " was not found" }

// Tree puts the boot files into the folder of a stick: boot loaders, kernel,
// initramfs with the lifeboat binary exe, and the copyright notices. It returns
// what identifies the stick to the system that was started from it.
func (p *Parts) Tree(ctx context.Context, stick, exe string) (id string, err error) {
	if err := CheckExe(exe); err != nil {
		return "", err
	}
	copies := map[string]string{shimPath: p.shim, grubPath: p.grub, kernelPath: p.kernel}
	for name, file := range p.notices {
		copies[noticesDir+"/"+name+".txt"] = file
	}
	for to, from := range copies {
		if err := copyfile.Copy(filepath.Join(stick, filepath.FromSlash(to)), from); err != nil {
			return "", err
		}
	}
	config := filepath.Join(stick, filepath.FromSlash(configPath))
	if err := os.MkdirAll(filepath.Dir(config), 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(config, []byte(grubConfig(sortedKeys(p.layouts))), 0o644); err != nil {
		return "", err
	}
	f, err := os.Create(filepath.Join(stick, filepath.FromSlash(initrdPath)))
	if err != nil {
		return "", err
	}
	id, err = p.initramfs(ctx, f, exe)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("make the initramfs: %w", err)
	}
	return id, nil
}

// CheckExe makes sure that a file can be the init of the stick.
func CheckExe(exe string) error {
	if err := checkStatic(exe); err != nil {
		return fmt.Errorf("%s cannot be put on the stick: %w", exe, err)
	}
	return nil
}

// checkStatic makes sure that a program runs where there is nothing beside it.
func checkStatic(file string) error {
	f, err := elf.Open(file)
	if err != nil {
		return fmt.Errorf("it is no program for Linux: %w", err)
	}
	defer f.Close()
	if f.Machine != elf.EM_X86_64 {
		return fmt.Errorf("it is for %v, not for x86-64", f.Machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("it needs libraries (lifeboat is to be built with CGO_ENABLED=0)")
		}
	}
	return nil
}

// fingerprint is what a stick is known by.
func fingerprint(sum []byte) string { return hex.EncodeToString(sum[:8]) }

// natural compares two versions: 6.1.0-9 comes before 6.1.0-56.
func natural(a, b string) int {
	for a != "" && b != "" {
		na, nb := digits(a), digits(b)
		if na > 0 && nb > 0 {
			x, y := strings.TrimLeft(a[:na], "0"), strings.TrimLeft(b[:nb], "0")
			if len(x) != len(y) {
				return len(x) - len(y)
			}
			if c := strings.Compare(x, y); c != 0 {
				return c
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

func digits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}
