package linuxstick

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Parts are the files of Debian that go on a stick. Close them when it is made.
type Parts struct {
	Version string    // of the kernel
	Time    time.Time // of the kernel: the stick is dated by it
	Notes   []string  // what is not there, and what that means

	shim, grub, kernel string // files
	modules            string // folder
	busybox            string // a file, or empty
	notices            map[string]string
	layouts            map[string][]byte // keyboard maps by name
	temp               string
}

// Close removes what was unpacked.
func (p *Parts) Close() error {
	if p.temp == "" {
		return nil
	}
	return os.RemoveAll(p.temp)
}

// Find looks for the parts. Each of from is a package (.deb), a folder with
// packages, or a folder that packages were unpacked to; without any it is the
// running system. Packages are unpacked below the folder temp.
func Find(ctx context.Context, from []string, temp string) (_ *Parts, err error) {
	p := &Parts{notices: map[string]string{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	roots, debs, err := sources(from)
	if err != nil {
		return nil, err
	}
	if len(debs) > 0 {
		if p.temp, err = os.MkdirTemp(temp, "lifeboat-debian-"); err != nil {
			return nil, err
		}
		for _, deb := range debs {
			if err := unpack(ctx, deb, p.temp); err != nil {
				return nil, fmt.Errorf("unpack %s: %w", deb, err)
			}
		}
		roots = append([]string{p.temp}, roots...)
	}
	if err := p.find(roots); err != nil {
		return nil, err
	}
	p.findLayouts(ctx)
	return p, ctx.Err()
}

// sources parts what was named into folders that are systems and packages.
func sources(from []string) (roots, debs []string, err error) {
	if len(from) == 0 {
		return []string{"/"}, nil, nil
	}
	for _, name := range from {
		info, err := os.Stat(name)
		switch {
		case err != nil:
			return nil, nil, err
		case !info.IsDir():
			debs = append(debs, name)
			continue
		}
		inside, err := filepath.Glob(filepath.Join(escape(name), "*.deb"))
		if err != nil {
			return nil, nil, err
		}
		if debs = append(debs, inside...); len(inside) == 0 {
			roots = append(roots, name)
		}
	}
	return roots, debs, nil
}

// escape makes a path a pattern that matches only it.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

func (p *Parts) find(roots []string) error {
	file := func(what, pkg string, paths ...string) (string, error) {
		for _, root := range roots {
			for _, path := range paths {
				name := filepath.Join(root, filepath.FromSlash(path))
				if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
					p.notice(root, pkg)
					return name, nil
				}
			}
		}
		return "", &Missing{what, pkg}
	}
	var err error
	if p.shim, err = file("the signed shim", "shim-signed", "usr/lib/shim/shimx64.efi.signed"); err != nil {
		return err
	}
	if p.grub, err = file("the signed GRUB", "grub-efi-amd64-signed", "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"); err != nil {
		return err
	}
	if err := p.findKernel(roots); err != nil {
		return err
	}
	p.busybox, err = file("BusyBox", "busybox-static", "bin/busybox", "usr/bin/busybox")
	if err == nil {
		err = checkStatic(p.busybox)
	}
	if err != nil {
		p.busybox = ""
		p.Notes = append(p.Notes, "The stick will have no command prompt: the package busybox-static is not there.")
	}
	return nil
}

// findKernel takes the newest kernel that has its modules with it.
func (p *Parts) findKernel(roots []string) error {
	type found struct{ root, version, modules string }
	var all []found
	for _, root := range roots {
		kernels, err := filepath.Glob(filepath.Join(escape(root), "boot", "vmlinuz-*"))
		if err != nil {
			return err
		}
		for _, k := range kernels {
			version := strings.TrimPrefix(filepath.Base(k), "vmlinuz-")
			for _, lib := range []string{"lib", "usr/lib"} {
				modules := filepath.Join(root, lib, "modules", version)
				if info, err := os.Stat(filepath.Join(modules, "kernel")); err == nil && info.IsDir() {
					all = append(all, found{root, version, modules})
					break
				}
			}
		}
	}
	if len(all) == 0 {
		return &Missing{"a kernel with its modules", "linux-image-amd64"}
	}
	newest := slices.MaxFunc(all, func(a, b found) int { return natural(a.version, b.version) })
	p.Version, p.modules = newest.version, newest.modules
	p.kernel = filepath.Join(newest.root, "boot", "vmlinuz-"+newest.version)
	info, err := os.Stat(p.kernel)
	if err != nil {
		return err
	}
	p.Time = info.ModTime().UTC()
	p.notice(newest.root, "linux-image-"+newest.version)
	return p.checkConfig(newest.root)
}

// checkConfig makes sure that the kernel can do what the stick asks of it. A
// kernel that does not tell is tried.
func (p *Parts) checkConfig(root string) error {
	data, err := os.ReadFile(filepath.Join(root, "boot", "config-"+p.Version))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	config := "\n" + string(data)
	for _, option := range []string{"BLK_DEV_INITRD=y", "RD_ZSTD=y", "DEVTMPFS=y", "EFI=y"} {
		if !strings.Contains(config, "\nCONFIG_"+option+"\n") {
			return fmt.Errorf("the kernel %s was built without CONFIG_%s", p.Version, option)
		}
	}
	return nil
}

// notice remembers the copyright notice of a package, if it is there.
func (p *Parts) notice(root, pkg string) {
	file := filepath.Join(root, "usr/share/doc", pkg, "copyright")
	if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
		p.notices[pkg] = file
	}
}
