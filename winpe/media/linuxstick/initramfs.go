package linuxstick

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/cavaliergopher/cpio"
	"github.com/klauspost/compress/zstd"
)

// archive is an initramfs that is written. The kernel makes a folder only where
// it is told to, before what lies in it.
type archive struct {
	to      *cpio.Writer
	sum     io.Writer // of all that is in it
	folders map[string]bool
	inode   int64
}

// initramfs writes the archive that the kernel unpacks and starts, and returns
// its fingerprint, which is the last file in it.
func (p *Parts) initramfs(ctx context.Context, w io.Writer, exe string) (id string, err error) {
	// One thread, so that the same input gives the same bytes.
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, z.Close()) }()
	sum := sha256.New()
	a := &archive{to: cpio.NewWriter(z), sum: sum, folders: map[string]bool{}}
	if err := p.fill(ctx, a, exe); err != nil {
		return "", err
	}
	id = fingerprint(sum.Sum(nil))
	if err := a.file("etc/lifeboat-stick", 0o644, []byte(id+"\n")); err != nil {
		return "", err
	}
	return id, a.to.Close()
}

func (p *Parts) fill(ctx context.Context, a *archive, exe string) error {
	for _, dir := range []string{"dev", "proc", "sys", "run", "tmp", "media", "root", "etc"} {
		if err := a.folder(dir); err != nil {
			return err
		}
	}
	program, err := os.ReadFile(exe)
	if err != nil {
		return err
	}
	if err := a.file("init", 0o755, program); err != nil {
		return err
	}
	release := fmt.Sprintf("ID=lifeboat\nNAME=Lifeboat\nPRETTY_NAME=\"Lifeboat stick, Debian kernel %s\"\n", p.Version)
	if err := a.file("etc/os-release", 0o644, []byte(release)); err != nil {
		return err
	}
	// The program under other names; the kernel asks modprobe for modules.
	for _, name := range []string{"bin/lifeboat", "bin/scanstate", "bin/loadstate", "bin/usmtutils", "sbin/modprobe"} {
		if err := a.link(name, "/init"); err != nil {
			return err
		}
	}
	if p.busybox != "" {
		busybox, err := os.ReadFile(p.busybox)
		if err != nil {
			return err
		}
		if err := a.file("bin/busybox", 0o755, busybox); err != nil {
			return err
		}
		if err := a.link("bin/sh", "busybox"); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(p.layouts) {
		if err := a.file("lib/keymaps/"+name+".bmap", 0o644, p.layouts[name]); err != nil {
			return err
		}
	}
	return p.fillModules(ctx, a)
}

func (p *Parts) fillModules(ctx context.Context, a *archive) error {
	l, err := openLibrary(p.modules)
	if err != nil {
		return err
	}
	chosen, err := l.choose(ctx)
	if err != nil {
		return err
	}
	dir := "lib/modules/" + p.Version + "/"
	modules := make([]*module, 0, len(chosen))
	for _, m := range chosen {
		modules = append(modules, m)
	}
	slices.SortFunc(modules, func(a, b *module) int { return strings.Compare(a.path, b.path) })
	for _, m := range modules {
		content, err := readPlain(m.file)
		if err != nil {
			return err
		}
		if err := a.file(dir+m.path, 0o644, content); err != nil {
			return err
		}
	}
	var first []string
	for _, name := range always {
		if chosen[name] != nil {
			first = append(first, name)
		}
	}
	return errors.Join(
		a.file(dir+"modules.dep", 0o644, []byte(index(chosen))),
		a.file(dir+"modules.alias", 0o644, []byte(aliases(chosen))),
		a.file(dir+"modules.first", 0o644, []byte(strings.Join(first, "\n")+"\n")),
	)
}

func (a *archive) folder(name string) error {
	if name == "." || a.folders[name] {
		return nil
	}
	if err := a.folder(path.Dir(name)); err != nil {
		return err
	}
	a.folders[name] = true
	return a.add(name, cpio.TypeDir|0o755, 2, nil)
}

func (a *archive) file(name string, mode cpio.FileMode, content []byte) error {
	if err := a.folder(path.Dir(name)); err != nil {
		return err
	}
	return a.add(name, cpio.TypeReg|mode, 1, content)
}

func (a *archive) link(name, to string) error {
	if err := a.folder(path.Dir(name)); err != nil {
		return err
	}
	return a.add(name, cpio.TypeSymlink|0o777, 1, []byte(to))
}

func (a *archive) add(name string, mode cpio.FileMode, links int, content []byte) error {
	a.inode++
	fmt.Fprintf(a.sum, "%s %o %d\n", name, mode, len(content))
	a.sum.Write(content)
	h := &cpio.Header{Name: name, Mode: mode, Inode: a.inode, Links: links, Size: int64(len(content))}
	if mode&^0o777 == cpio.TypeSymlink {
		h.Linkname = string(content)
	}
	if err := a.to.WriteHeader(h); err != nil {
		return err
	}
	_, err := a.to.Write(content)
	return err
}
