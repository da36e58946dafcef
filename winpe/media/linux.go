package media

import (
	"context"
	"errors"
	"fmt"
	"os"

	"lifeboat/engine/winname"
	"lifeboat/winpe/media/linuxstick"
)

// LinuxRequest asks for a stick on Linux.
type LinuxRequest struct {
	Extras
	Packages []string // packages of Debian, or folders of them; none for the running system
	Out      string   // a folder, or a .img
	Exe      string   // the lifeboat for Linux on amd64 to put on it
	Version  string   // of Lifeboat
	Say      func(text string)
}

// Linux makes a stick that starts a PC into Lifeboat on Linux, without Windows
// PE: from Debian's packages, that it is given or that are installed. Package
// linuxstick knows what is on it.
func Linux(ctx context.Context, r LinuxRequest) error {
	out, err := newOutput(r.Out, imageFile)
	if err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	if err := linuxstick.CheckExe(r.Exe); err != nil {
		return &Refusal{err.Error(), "name with --exe the lifeboat for linux/amd64 of a release, or one that was built with CGO_ENABLED=0"}
	}
	if err := out.room(slack + sizes(append(r.files(), r.Exe)...)); err != nil {
		return err
	}
	var parts *linuxstick.Parts
	return out.publish(func(stick, _ string) (err error) {
		// What is unpacked is large, and the place may be a small stick.
		if parts, err = linuxstick.Find(ctx, r.Packages, os.TempDir()); err != nil {
			return missing(err)
		}
		defer func() { err = errors.Join(err, parts.Close()) }()
		r.Say("Linux " + parts.Version + " from " + from(r.Packages))
		for _, note := range parts.Notes {
			r.Say(note)
		}
		id, err := parts.Tree(ctx, stick, r.Exe)
		if err != nil {
			return missing(err)
		}
		return r.put(stick, fmt.Sprintf("Lifeboat %s on Linux %s\nstick %s\n", r.Version, parts.Version, id))
	}, func(stick, file string) error { return linuxstick.Image(file, stick, parts.Time) })
}

func from(packages []string) string {
	switch len(packages) {
	case 0:
		return "this system"
	case 1:
		return winname.Show(packages[0])
	}
	return fmt.Sprintf("%d packages", len(packages))
}

// missing tells how to get the part of Debian that was found nowhere.
func missing(err error) error {
	if m := (*linuxstick.Missing)(nil); errors.As(err, &m) {
		return refuse("put Debian's packages into a folder and name it: apt-get download shim-signed grub-efi-amd64-signed busybox-static "+
			"$(apt-cache depends linux-image-amd64 | awk '/Depends:/ {print $2}')", "%s; it is in the package %s", m.Error(), m.Package)
	}
	return err
}
