package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"lifeboat/engine/bitlocker"
	"lifeboat/engine/human"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
	"lifeboat/winpe"
)

func (p *program) disksCommand(code *usmt.Code) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "disks [disk or image…]",
		Short: "List disks, their partitions and what is in them",
		Long: `Lists the disks of this computer, or the disks and image files that are named,
with their partitions, file systems and the state of BitLocker. The paths it
prints can be given to detect and scanstate. Nothing is written.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			*code = interruptible(cmd.Context(), func(ctx context.Context, paths []string) usmt.Code {
				return p.disks(ctx, paths, asJSON)
			}, args)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) disks(ctx context.Context, paths []string, asJSON bool) usmt.Code {
	drives, err := p.drives(ctx, paths)
	if asJSON {
		err = errors.Join(err, p.json(append([]winpe.Drive{}, drives...)))
	} else {
		for i := range drives {
			if i > 0 {
				fmt.Fprintln(p.stdout)
			}
			fmt.Fprint(p.stdout, describeDrive(&drives[i]))
		}
	}
	if err != nil {
		return p.fail("disks", err)
	}
	return usmt.Success
}

// drives are those of this computer, or those that are named.
func (p *program) drives(ctx context.Context, paths []string) ([]winpe.Drive, error) {
	if len(paths) == 0 {
		volumes, err := winpe.Volumes(ctx)
		if err != nil {
			return nil, err
		}
		return winpe.Drives(ctx, volumes)
	}
	var drives []winpe.Drive
	var errs []error
	for _, path := range paths {
		d, err := winpe.DriveOf(ctx, p.path(path))
		if err != nil {
			errs = append(errs, usmt.Fail(usmt.InvalidParameters, err, "look at %s", winname.Show(path)).
				WithRemedy("name a disk or an image file; without one all disks are listed"))
			continue
		}
		drives = append(drives, d)
	}
	return drives, errors.Join(errs...)
}

// describeDrive writes a disk for people.
func describeDrive(d *winpe.Drive) string {
	var b strings.Builder
	about := []string{d.Device}
	for _, text := range []string{d.Model, d.Bus, human.Bytes(d.Size), string(d.Scheme)} {
		if text != "" && text != "none" {
			about = append(about, winname.Show(text))
		}
	}
	for _, is := range []struct {
		so   bool
		text string
	}{{d.Removable, "removable"}, {d.Rotational, "rotational"}, {d.ReadOnly, "write protected"}} {
		if is.so {
			about = append(about, is.text)
		}
	}
	fmt.Fprintln(&b, strings.Join(about, "  "))
	if d.Health != "" {
		fmt.Fprintf(&b, "  HEALTH: %s\n", winname.Show(d.Health))
	}
	if d.Problem != "" {
		fmt.Fprintf(&b, "  cannot be looked into: %s\n", winname.Show(d.Problem))
	}
	for _, n := range d.Notes {
		fmt.Fprintf(&b, "  note: %s\n", winname.Show(n))
	}
	if len(d.Parts) == 0 {
		return b.String()
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "  PARTITION\tSIZE\tTYPE\tHOLDS\tLABEL\tFREE\tMOUNTED\n")
	for i := range d.Parts {
		part := &d.Parts[i]
		mount := part.Mount
		if mount == "" && part.InUse != "" {
			mount = "in use by " + part.InUse
		}
		free := ""
		if part.IsOpen() {
			free = human.Bytes(part.Free)
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\n", winname.Show(part.Path), human.Bytes(part.Size), winname.Show(part.Type), part.FileSystem,
			winname.Show(part.Label), free, winname.Show(mount))
	}
	w.Flush()
	for i := range d.Parts {
		part := &d.Parts[i]
		if part.Problem != "" {
			fmt.Fprintf(&b, "  %s: %s\n", winname.Show(part.Path), winname.Show(part.Problem))
		}
		if part.BitLocker != nil {
			fmt.Fprintf(&b, "  %s: %s\n", winname.Show(part.Path), winname.Show(bitLockerState(*part.BitLocker)))
			for _, n := range part.BitLocker.Notes {
				fmt.Fprintf(&b, "  %s: %s\n", winname.Show(part.Path), winname.Show(n))
			}
		}
	}
	return b.String()
}

// bitLockerState is the state of a volume in a line.
func bitLockerState(info bitlocker.Info) string {
	text := "BitLocker " + string(info.State)
	if partly := info.State == bitlocker.StateEncrypting || info.State == bitlocker.StateDecrypting; partly && info.EncryptedSize > 0 && info.Size > 0 {
		text += fmt.Sprintf(" (%d %% is encrypted)", int64(float64(info.EncryptedSize)/float64(info.Size)*100))
	}
	if info.State == bitlocker.StateDecrypted {
		return text
	}
	text += ", " + string(info.Method)
	if info.ClearKey {
		return text + ", opens without a key"
	}
	if info.Description != "" {
		text += ", " + info.Description
	}
	var kinds []string
	for _, p := range info.Protectors {
		kinds = append(kinds, string(p.Kind))
	}
	text += "; opens with " + strings.Join(kinds, ", or ")
	for _, id := range info.RecoveryKeyIDs {
		text += "; recovery key ID " + id.String()
	}
	return text
}
