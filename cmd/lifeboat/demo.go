package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"lifeboat/engine/sample"
	"lifeboat/engine/usmt"
	"lifeboat/winpe"
)

func (p *program) demoCommand(code *usmt.Code) *cobra.Command {
	var yes bool
	var look wizardLook
	cmd := &cobra.Command{
		Use:   "demo [folder]",
		Short: "Build a small broken PC and save it",
		Long: `Builds a small broken PC, with an empty stick beside it, in a folder (a
temporary one when none is named), and opens the wizard on it. With --yes, or
without a terminal, it does the same job unattended.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			pc, err := p.buildDemo(args)
			if err != nil {
				return err
			}
			fmt.Fprintf(p.stderr, "a broken PC is in %s, an empty stick in %s\n", pc.Volume, pc.Stick)
			if yes || !p.terminal {
				*code = interruptible(cmd.Context(), p.scanState, []string{
					filepath.Join(pc.Stick, sample.Computer), "-offlineWinDir:" + filepath.Join(pc.Volume, "Windows"),
					"-c", "-l:" + filepath.Join(pc.Stick, "ScanState.log"),
				})
				return nil
			}
			b := &backend{program: p, engine: p.engine(), look: func(context.Context) ([]winpe.Volume, error) { return demoVolumes(pc), nil }}
			*code = p.runWizard(cmd.Context(), b, look)
			return nil
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask, use no wizard")
	cmd.Flags().BoolVar(&look.ascii, "ascii", false, "draw with letters only")
	cmd.Flags().BoolVar(&look.mono, "mono", false, "draw without colours")
	return cmd
}

func (p *program) buildDemo(args []string) (sample.PC, error) {
	if len(args) > 0 {
		return sample.Create(p.path(args[0]), p.clock())
	}
	dir, err := os.MkdirTemp("", "lifeboat-demo-")
	if err != nil {
		return sample.PC{}, err
	}
	return sample.Create(dir, p.clock())
}

// demoVolumes shows the folders of the demo as the disk and the stick they
// stand for.
func demoVolumes(pc sample.PC) []winpe.Volume {
	all := foldersAsVolumes([]string{pc.Volume, pc.Stick})
	disk, stick := &all[0], &all[1]
	disk.Label, disk.FileSystem = "Windows", "NTFS"
	disk.Disk = winpe.Disk{Name: "Disk 0", Model: "Example SSD 512 GB", Bus: "SATA"}
	stick.Label, stick.FileSystem, stick.Removable = "STICK", "exFAT", true
	stick.Disk = winpe.Disk{Name: "Disk 1", Model: "Example Stick", Bus: "USB"}
	return all
}
