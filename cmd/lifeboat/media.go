package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
	"lifeboat/winpe/media"
)

// mediaCommand makes sticks.
func (p *program) mediaCommand(code *usmt.Code) *cobra.Command {
	r := media.Request{Version: versionText(), Say: func(text string) { fmt.Fprintln(p.stdout, winname.Show(text)) }}
	linux := false
	cmd := &cobra.Command{
		Use: `media boot.wim|winpe.iso|folder --out folder|file.iso
  lifeboat media --linux [package.deb|folder]... --out folder|file.img`,
		Short: "Make a stick that starts a PC into the wizard",
		Long: `Takes a Windows PE of version 10 or later (a boot.wim, an ISO, or the media folder
that copype makes; amd64 or arm64), puts Lifeboat into a copy of it, and writes
what a stick has to hold: into a folder, which may be a mounted FAT32 stick, or
into an ISO. What it is given is only read.

With --linux it makes a stick without Windows PE, for amd64 and UEFI, from Debian's
packages shim-signed, grub-efi-amd64-signed, linux-image-amd64 and, for a command
prompt, busybox-static: from the .deb files or the folders that are named, else from
those that are installed. Its image is written to a stick with dd or Rufus.

The wizard starts by itself, and again when it has ended; below it is a prompt.
Logs go to the folder lifeboat on the stick.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if linux {
				return nil
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if linux {
				*code = interruptible(cmd.Context(), func(ctx context.Context, args []string) usmt.Code {
					return p.linuxMedia(ctx, media.LinuxRequest{
						Extras: r.Extras, Packages: args, Out: r.Out, Exe: r.Exe, Version: r.Version, Say: r.Say,
					})
				}, args)
				return nil
			}
			*code = interruptible(cmd.Context(), func(ctx context.Context, args []string) usmt.Code {
				r.Source = args[0]
				return p.media(ctx, r)
			}, args)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&r.Out, "out", "", "the folder, the .iso or (Linux) the .img to make")
	f.StringVar(&r.Exe, "exe", "", "the lifeboat.exe to put into it; without, the one beside this program (Linux: this program)")
	f.BoolVar(&linux, "linux", false, "make a stick on Linux instead")
	f.StringVar(&r.Config, "config", "", "answers for the wizard: becomes lifeboat.yaml on the stick; the rule files it names come along")
	f.StringArrayVar(&r.Rules, "rules", nil, "a rule file (MigXML) to use instead of Lifeboat's own")
	f.StringArrayVar(&r.Drivers, "drivers", nil, "a folder of drivers (.inf) to load at the start")
	f.StringArrayVar(&r.Wifi, "wifi", nil, "a Wi-Fi profile to connect with (.xml; Windows RE only)")
	f.StringVar(&r.Network, "network", "", "a batch file to run at the start: addresses, shares")
	cmd.MarkFlagRequired("out")
	for _, windowsOnly := range []string{"drivers", "wifi", "network"} {
		cmd.MarkFlagsMutuallyExclusive("linux", windowsOnly)
	}
	return cmd
}

func (p *program) media(ctx context.Context, r media.Request) usmt.Code {
	if r.Exe == "" {
		exe, err := os.Executable()
		if err != nil {
			return p.fail("media", usmt.Fail(usmt.InvalidParameters, err, "find lifeboat.exe; name it with --exe"))
		}
		if r.Exe = exe; runtime.GOOS != "windows" {
			r.Exe = filepath.Join(filepath.Dir(exe), "lifeboat.exe")
		}
	}
	for _, name := range []*string{&r.Source, &r.Out, &r.Exe, &r.Config, &r.Network} {
		*name = p.path(*name)
	}
	for _, list := range [][]string{r.Rules, r.Drivers, r.Wifi} {
		for i := range list {
			list[i] = p.path(list[i])
		}
	}
	return p.made(r.Out, media.WinPE(ctx, r))
}

// linuxMedia makes a stick on Linux.
func (p *program) linuxMedia(ctx context.Context, r media.LinuxRequest) usmt.Code {
	if r.Exe == "" {
		exe, err := os.Executable()
		if err != nil {
			return p.fail("media", usmt.Fail(usmt.InvalidParameters, err, "find this program; name it with --exe"))
		}
		if r.Exe = exe; runtime.GOOS == "windows" {
			r.Exe = filepath.Join(filepath.Dir(exe), "lifeboat")
		}
	}
	for _, name := range []*string{&r.Out, &r.Exe, &r.Config} {
		*name = p.path(*name)
	}
	for _, list := range [][]string{r.Packages, r.Rules} {
		for i := range list {
			list[i] = p.path(list[i])
		}
	}
	return p.made(r.Out, media.Linux(ctx, r))
}

// made tells how the making of a stick has ended.
func (p *program) made(out string, err error) usmt.Code {
	if refusal := (*media.Refusal)(nil); errors.As(err, &refusal) {
		return p.fail("media", usmt.Fail(usmt.InvalidParameters, nil, "%s", refusal.What).WithRemedy(refusal.Remedy))
	}
	if err != nil {
		return p.fail("media", err)
	}
	fmt.Fprintf(p.stdout, "Made %s.\n", winname.Show(out))
	return usmt.Success
}
