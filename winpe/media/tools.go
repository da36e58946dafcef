package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"lifeboat/winpe/media/copyfile"
)

// imager changes images in WIM files. Paths inside an image are slash-separated
// and begin at its root.
type imager interface {
	// export copies one image into a new WIM file, as the one that boots.
	export(ctx context.Context, wim string, index int, to string) error
	// read copies files of an image into a folder; one that is not there is left out.
	read(ctx context.Context, wim string, index int, dir string, files []string) error
	// change removes files from the only image of a WIM, where they are there, and
	// then adds the tree below a folder.
	change(ctx context.Context, wim, tree string, remove []string) error
}

// newImager takes wimlib where it is installed, and on Windows else DISM.
func newImager() (imager, error) {
	if path, err := exec.LookPath("wimlib-imagex"); err == nil {
		return wimlib(path), nil
	}
	if runtime.GOOS == "windows" {
		if path, err := exec.LookPath("dism.exe"); err == nil {
			return dism(path), nil
		}
	}
	return nil, refuse("install wimlib (Debian: apt install wimtools) and try again", "wimlib-imagex is not installed, and images cannot be changed without it")
}

// wimlib is the path of wimlib-imagex.
type wimlib string

func (w wimlib) run(ctx context.Context, input string, args ...string) error {
	cmd := exec.CommandContext(ctx, string(w), args...)
	cmd.Stdin = strings.NewReader(input)
	cmd.Env = append(os.Environ(), "WIMLIB_IMAGEX_IGNORE_CASE=1")
	return run(cmd)
}

func (w wimlib) export(ctx context.Context, wim string, index int, to string) error {
	return w.run(ctx, "", "export", wim, strconv.Itoa(index), to, "--boot")
}

func (w wimlib) read(ctx context.Context, wim string, index int, dir string, files []string) error {
	args := []string{"extract", wim, strconv.Itoa(index), "--dest-dir=" + dir, "--no-acls", "--no-attributes", "--preserve-dir-structure", "--nullglob"}
	for _, f := range files {
		args = append(args, "/"+f)
	}
	return w.run(ctx, "", args...)
}

func (w wimlib) change(ctx context.Context, wim, tree string, remove []string) error {
	var commands strings.Builder
	for _, f := range remove {
		fmt.Fprintf(&commands, "delete --force '/%s'\n", f)
	}
	fmt.Fprintf(&commands, "add --no-acls %s /\n", quoted(tree))
	return w.run(ctx, commands.String(), "update", wim, "1")
}

// quoted puts a path into the quotes of a command file; it has no escapes.
func quoted(path string) string {
	if strings.Contains(path, "'") {
		return `"` + path + `"`
	}
	return "'" + path + "'"
}

// dism is the path of DISM, which works on images that it mounts. It wants an
// administrator.
type dism string

func (d dism) run(ctx context.Context, args ...string) error {
	return run(exec.CommandContext(ctx, string(d), append([]string{"/English", "/Quiet"}, args...)...))
}

func (d dism) export(ctx context.Context, wim string, index int, to string) error {
	return d.run(ctx, "/Export-Image", "/SourceImageFile:"+wim, "/SourceIndex:"+strconv.Itoa(index), "/DestinationImageFile:"+to, "/Bootable")
}

// mounted has f work on a mounted image, and keeps what f did if it is writable
// and all went well.
func (d dism) mounted(ctx context.Context, wim string, index int, writable bool, f func(dir string) error) (err error) {
	dir, err := os.MkdirTemp("", "lifeboat-mount-") // must be on NTFS, which a stick is not
	if err != nil {
		return err
	}
	defer os.Remove(dir)
	args := []string{"/Mount-Image", "/ImageFile:" + wim, "/Index:" + strconv.Itoa(index), "/MountDir:" + dir}
	if !writable {
		args = append(args, "/ReadOnly")
	}
	if err = d.run(ctx, args...); err == nil {
		err = f(dir)
	}
	end := "/Discard"
	if writable && err == nil {
		end = "/Commit"
	}
	// Also after a mount that failed or was stopped, which may be half there, and
	// not with ctx: a mounted image outlives the program.
	unmount, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Minute)
	defer cancel()
	return errors.Join(err, d.run(unmount, "/Unmount-Image", "/MountDir:"+dir, end))
}

func (d dism) read(ctx context.Context, wim string, index int, dir string, files []string) error {
	return d.mounted(ctx, wim, index, false, func(mount string) error {
		for _, f := range files {
			err := copyfile.Copy(filepath.Join(dir, filepath.FromSlash(f)), filepath.Join(mount, filepath.FromSlash(f)))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	})
}

func (d dism) change(ctx context.Context, wim, tree string, remove []string) error {
	return d.mounted(ctx, wim, 1, true, func(mount string) error {
		for _, f := range remove {
			if err := os.Remove(filepath.Join(mount, filepath.FromSlash(f))); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return copyTree(mount, tree, nil)
	})
}

// isoTree copies what a stick needs out of an ISO: Microsoft's hold their files
// in UDF, which 7-Zip reads.
func isoTree(ctx context.Context, iso, to string) error {
	zip, err := sevenZip()
	if err != nil {
		return err
	}
	args := []string{"x", "-y", "-ssc-", "-o" + to, iso}
	for _, name := range notOnStick {
		args = append(args, "-x!"+name)
	}
	if err := run(exec.CommandContext(ctx, zip, append(args, "-x!sources", "-x![BOOT]")...)); err != nil {
		return err
	}
	return run(exec.CommandContext(ctx, zip, "x", "-y", "-ssc-", "-o"+to, iso, "sources/boot.wim"))
}

// isoSize is what [isoTree] will copy, in bytes.
func isoSize(ctx context.Context, iso string) (int64, error) {
	zip, err := sevenZip()
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, zip, "l", "-slt", "-ba", iso)
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := run(cmd); err != nil {
		return 0, err
	}
	var total int64
	path := ""
	for line := range strings.Lines(out.String()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " = ")
		switch name {
		case "Path":
			path = strings.ToLower(filepath.ToSlash(value))
		case "Size":
			n, err := strconv.ParseInt(value, 10, 64)
			if err == nil && (path == "sources/boot.wim" || !leftOut(path)) {
				total += n
			}
		}
	}
	return total, nil
}

func sevenZip() (string, error) {
	for _, name := range []string{"7z", "7zz"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	if runtime.GOOS == "windows" {
		return "", refuse("open the ISO with a double click, and give the drive that appears", "7-Zip is not installed, and an ISO cannot be read without it")
	}
	return "", refuse("install 7-Zip (Debian: apt install p7zip-full), or mount the ISO and give the folder", "7z is not installed, and an ISO cannot be read without it")
}

// isoTool finds the program that writes an ISO.
func isoTool() (string, error) {
	for _, name := range []string{"genisoimage", "mkisofs"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", refuse("install genisoimage (Debian: apt install genisoimage), or give a folder with --out", "genisoimage is not installed, and an ISO cannot be written without it")
}

// writeISO packs a tree into an ISO that boots with the entries, whose images
// are put under boot.
func writeISO(ctx context.Context, tool, tree, to, label string, entries []bootEntry) error {
	// UDF as well, because names in ISO 9660 are too narrow for Microsoft's loader.
	args := []string{"-quiet", "-udf", "-iso-level", "3", "-V", label, "-o", to}
	for i, e := range entries {
		name := fmt.Sprintf("boot/lifeboat%d.img", i)
		if err := os.MkdirAll(filepath.Join(tree, "boot"), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(tree, name), e.data, 0o644); err != nil {
			return err
		}
		if i > 0 {
			args = append(args, "-eltorito-alt-boot")
		}
		if e.efi {
			args = append(args, "-e", name, "-no-emul-boot")
		} else {
			args = append(args, "-b", name, "-no-emul-boot", "-boot-load-size", strconv.Itoa(e.load))
		}
	}
	if len(entries) > 0 {
		args = append(args, "-c", "boot/boot.cat")
	}
	return run(exec.CommandContext(ctx, tool, append(args, tree)...))
}

// run runs a tool; if it fails, the error holds the end of what it said.
func run(cmd *exec.Cmd) error {
	const most = 2000
	var said bytes.Buffer
	cmd.Stderr = &said
	if cmd.Stdout == nil {
		cmd.Stdout = &said
	}
	err := cmd.Run()
	if err == nil {
		return nil
	}
	text := strings.TrimSpace(said.String())
	if len(text) > most {
		text = text[len(text)-most:]
	}
	return fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, text)
}
