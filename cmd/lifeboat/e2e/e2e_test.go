//go:build e2e

// Package e2e drives the built program against real parts, as its user meets
// them: an NTFS volume made by mkntfs and mounted with ntfs-3g, a FAT32 stick,
// stock kopia on the store, a terminal (tmux), and the Windows build under wine.
//
// A test whose parts are not installed skips and says which; with
// LIFEBOAT_E2E=all that is a failure, so that CI cannot pass by skipping.
package e2e

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lifeboat/engine/sample"
)

var now = time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)

// binaries are built once for all tests.
var binaries struct{ dir, linux, windows string }

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lifeboat-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binaries.dir = dir
	build := exec.Command("go", "run", "lifeboat/cmd/release", "-bare", "-version", "v0.0.1", "-out", dir, "-only", "linux/amd64,windows/amd64")
	if text, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, text)
		return 1
	}
	binaries.linux = filepath.Join(dir, "linux-amd64", "lifeboat")
	binaries.windows = filepath.Join(dir, "windows-amd64", "lifeboat.exe")
	return m.Run()
}

// need skips the test unless all the commands are installed.
func need(t testing.TB, commands ...string) {
	t.Helper()
	for _, c := range commands {
		if _, err := exec.LookPath(c); err != nil {
			missing(t, c+" is not installed")
		}
	}
}

func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("LIFEBOAT_E2E") == "all" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// sh runs a command that has to succeed and returns its output.
func sh(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// lifeboat runs the program and returns its output and return code.
func lifeboat(t testing.TB, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(binaries.linux, args...)
	cmd.Dir = t.TempDir() // ScanState.log and the like go to the current folder
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// want fails the test unless the run ended with the code.
func want(t testing.TB, code int, out string, got int) string {
	t.Helper()
	if got != code {
		t.Fatalf("return code %d, want %d\n%s", got, code, out)
	}
	return out
}

// ntfs makes an NTFS volume in a file and mounts it for writing; readOnly
// mounts it anew as a rescue would see it.
func ntfs(t testing.TB, megabytes int) (mount string, readOnly func()) {
	t.Helper()
	need(t, "mkntfs", "ntfs-3g", "fusermount")
	dir := t.TempDir()
	image, mount := filepath.Join(dir, "disk.img"), filepath.Join(dir, "disk")
	if err := os.Mkdir(mount, 0o755); err != nil {
		t.Fatal(err)
	}
	blank(t, image, megabytes)
	sh(t, "mkntfs", "-qFf", "-L", "Windows", image)
	options := "streams_interface=xattr"
	sh(t, "ntfs-3g", "-o", options, image, mount)
	t.Cleanup(func() { unmount(mount) })
	return mount, func() {
		t.Helper()
		unmount(mount)
		sh(t, "ntfs-3g", "-o", options+",ro", image, mount)
	}
}

// fat32 makes and mounts a stick.
func fat32(t testing.TB, megabytes int) string {
	t.Helper()
	need(t, "mkfs.vfat", "fusefat", "fusermount")
	dir := t.TempDir()
	image, mount := filepath.Join(dir, "stick.img"), filepath.Join(dir, "stick")
	if err := os.Mkdir(mount, 0o755); err != nil {
		t.Fatal(err)
	}
	blank(t, image, megabytes)
	sh(t, "mkfs.vfat", "-F", "32", "-n", "RESCUE", image)
	sh(t, "fusefat", "-o", "rw+", image, mount)
	t.Cleanup(func() { unmount(mount) })
	return mount
}

func blank(t testing.TB, path string, megabytes int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(int64(megabytes) << 20); err != nil {
		t.Fatal(err)
	}
}

func unmount(mount string) {
	for range 50 {
		if exec.Command("fusermount", "-u", mount).Run() == nil {
			return
		}
		time.Sleep(100 * time.Millisecond) // the daemon is still closing files
	}
}

// brokenPC builds the sample on a folder.
func brokenPC(t testing.TB, mount string) sample.PC {
	t.Helper()
	scratch := t.TempDir()
	pc, err := sample.Create(scratch, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(mount, os.DirFS(pc.Volume)); err != nil {
		t.Fatal(err)
	}
	for path, info := range walk(t, pc.Volume) {
		if !info.IsDir() {
			os.Chtimes(filepath.Join(mount, path), info.ModTime(), info.ModTime())
		}
	}
	pc.Volume = mount
	return pc
}

// walk lists everything below a folder by its relative path.
func walk(t testing.TB, dir string) map[string]fs.FileInfo {
	t.Helper()
	all := map[string]fs.FileInfo{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil || rel == "." {
			return err
		}
		all[rel], err = d.Info()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// sum is a file's content, for comparing.
func sum(t testing.TB, path string) [32]byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(data)
}

// sameTree compares every file below got with its original: byte for byte, and
// with its time to the second (FAT keeps no more than two).
func sameTree(t testing.TB, original, got string) (files int) {
	t.Helper()
	for path, info := range walk(t, got) {
		if info.IsDir() {
			continue
		}
		files++
		source := filepath.Join(original, path)
		old, err := os.Stat(source)
		if err != nil {
			t.Errorf("%s is not in the source: %v", path, err)
			continue
		}
		if sum(t, source) != sum(t, filepath.Join(got, path)) {
			t.Errorf("%s differs from the source", path)
		}
		if d := old.ModTime().Sub(info.ModTime()).Abs(); d > 2*time.Second {
			t.Errorf("%s: time is off by %v", path, d)
		}
	}
	return files
}
