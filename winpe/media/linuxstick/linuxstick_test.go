package linuxstick

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lifeboat/engine/sample/tools"
)

func TestNatural(t *testing.T) {
	for _, c := range []struct{ older, newer string }{
		{"6.1.0-9-amd64", "6.1.0-56-amd64"}, {"6.1.0-56-amd64", "6.12.0-1-amd64"}, {"5.10", "5.10.1"}, {"6.1.0-009", "6.1.0-10"}, {"6.1-a", "6.1-b"},
	} {
		if natural(c.older, c.newer) >= 0 || natural(c.newer, c.older) <= 0 || natural(c.older, c.older) != 0 {
			t.Errorf("%s, %s", c.older, c.newer)
		}
	}
}

// deb packs a package: data.tar.gz after one other member of odd length.
func deb(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var data bytes.Buffer
	z := gzip.NewWriter(&data)
	w := tar.NewWriter(z)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(text)), Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(text))
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	member := func(name string, content string) string {
		s := fmt.Sprintf("%-16s%-12d%-6d%-6d%-8s%-10d`\n%s", name, 0, 0, 0, "100644", len(content), content)
		return s + strings.Repeat("\n", len(content)%2)
	}
	return []byte("!<arch>\n" + member("debian-binary", "2.0") + member("data.tar.gz", data.String()))
}

func TestUnpack(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.deb")
	write := func(content []byte) {
		t.Helper()
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(deb(t, map[string]string{"./boot/vmlinuz-1": "kernel", "./etc/passwd": "no"}))
	into := filepath.Join(dir, "into")
	if err := unpack(context.Background(), file, into); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(into, "boot/vmlinuz-1")); err != nil || string(text) != "kernel" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(into, "etc")); err == nil {
		t.Error("what nobody wants was unpacked")
	}
	whole := deb(t, map[string]string{"boot/x": "y"})
	for what, content := range map[string][]byte{
		"another file":     []byte("hello, this is not an archive"),
		"nothing":          nil,
		"cut off":          whole[:len(whole)-20],
		"out of the place": deb(t, map[string]string{"boot/../../evil": "x"}),
		"no data":          []byte("!<arch>\n"),
	} {
		write(content)
		if err := unpack(context.Background(), file, into); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "evil")); err == nil {
		t.Error("it wrote outside")
	}
}

func FuzzDeb(f *testing.F) {
	f.Add([]byte("!<arch>\ndata.tar        0           0     0     100644  3         `\nabc"))
	f.Fuzz(func(t *testing.T, content []byte) {
		file := filepath.Join(t.TempDir(), "x.deb")
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
		unpack(context.Background(), file, t.TempDir())
	})
}

// What is missing is named, with the package that has it.
func TestMissing(t *testing.T) {
	root := t.TempDir()
	put := func(name string) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct{ pkg, file string }{
		{"shim-signed", "usr/lib/shim/shimx64.efi.signed"},
		{"grub-efi-amd64-signed", "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"},
		{"linux-image-amd64", "boot/vmlinuz-6.1.0-9-amd64"},
		{"linux-image-amd64", "usr/lib/modules/6.1.0-9-amd64/kernel/a.ko"},
	} {
		_, err := Find(context.Background(), []string{root}, t.TempDir())
		if m := (*Missing)(nil); !errors.As(err, &m) || m.Package != step.pkg {
			t.Errorf("before %s: %v", step.file, err)
		}
		put(step.file)
	}
	put("lib/modules/6.1.0-10-amd64/kernel/a.ko")
	put("boot/vmlinuz-6.1.0-10-amd64")
	put("boot/vmlinuz-6.1.0-11-amd64") // without modules
	p, err := Find(context.Background(), []string{root}, t.TempDir())
	if err != nil || p.Version != "6.1.0-10-amd64" || len(p.Notes) == 0 || !strings.Contains(p.Notes[0], "no command prompt") {
		t.Errorf("%+v, %v", p, err)
	}
	if err := os.WriteFile(filepath.Join(root, "boot/config-6.1.0-10-amd64"), []byte("CONFIG_BLK_DEV_INITRD=y\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(context.Background(), []string{root}, t.TempDir()); err == nil || !strings.Contains(err.Error(), "RD_ZSTD") {
		t.Error(err)
	}
}

// A module comes with all it needs, what has to be loaded first written last.
func TestIndex(t *testing.T) {
	chosen := map[string]*module{
		"uas":         {path: "kernel/uas.ko", depends: []string{"usb_storage", "scsi_mod"}, aliases: []string{"usb:v*ip62in*"}},
		"usb_storage": {path: "kernel/usb-storage.ko", depends: []string{"scsi_mod"}, before: []string{"soft"}},
		"scsi_mod":    {path: "kernel/scsi_mod.ko"},
		"soft":        {path: "kernel/soft.ko", depends: []string{"uas"}}, // a circle does no harm
	}
	lines := strings.Split(index(chosen), "\n")
	if !slices.Contains(lines, "kernel/scsi_mod.ko:") ||
		!slices.Contains(lines, "kernel/uas.ko: kernel/usb-storage.ko kernel/soft.ko kernel/scsi_mod.ko") && !slices.Contains(lines, "kernel/uas.ko: kernel/usb-storage.ko kernel/scsi_mod.ko kernel/soft.ko") {
		t.Errorf("%q", lines)
	}
	if text := aliases(chosen); text != "alias usb:v*ip62in* uas\n" {
		t.Errorf("%q", text)
	}
}

func TestCheckExe(t *testing.T) {
	text := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := CheckExe(text); err == nil || !strings.Contains(err.Error(), "no program for Linux") {
		t.Error(err)
	}
}

// Debian's tools make keyboard maps, and the Z of a German keyboard lies where
// others have the Y.
func TestLayout(t *testing.T) {
	tools.Need(t, "ckbcomp", "loadkeys")
	de, err := layout(context.Background(), "de")
	if err != nil {
		t.Fatal(err)
	}
	const tables, keyY = 256, 21
	if len(de) < 7+tables+256 || de[7+tables+2*keyY] != 'z' {
		t.Errorf("%d bytes", len(de))
	}
}

func TestGrubConfig(t *testing.T) {
	config := grubConfig([]string{"de"})
	if strings.Count(config, "{") != strings.Count(config, "}") || !strings.Contains(config, "lifeboat.keyboard=de") ||
		!strings.Contains(config, "console=ttyS0,115200 lifeboat.plain") {
		t.Error(config)
	}
}
