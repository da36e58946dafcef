package main

import (
	"encoding/json"
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
	var options wizardOptions
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
			if err := recordDemo(pc); err != nil {
				return err
			}
			if yes || !p.terminal {
				*code = interruptible(cmd.Context(), p.scanState, []string{
					filepath.Join(pc.Stick, sample.Computer), "-offlineWinDir:" + filepath.Join(pc.Volume, "Windows"),
					"-c", "-l:" + filepath.Join(pc.Stick, "ScanState.log"),
				})
				return nil
			}
			live := p.live()
			live.Recorded = demoMachine(pc)
			*code = p.runWizard(cmd.Context(), live, options)
			return nil
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask, use no wizard")
	options.flags(cmd)
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

// recordDemo writes machine.json beside the demo, to open the wizard on it again
// with --machine.
func recordDemo(pc sample.PC) error {
	m := demoMachine(pc)
	for i, v := range m.Volumes {
		m.Volumes[i].Mount = "./" + filepath.Base(v.Mount)
	}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(filepath.Dir(pc.Volume), "machine.json"), append(data, '\n'), 0o644)
}

// demoMachine shows the folders of the demo as the disk and the stick they
// stand for.
func demoMachine(pc sample.PC) *winpe.Machine {
	const gib = 1 << 30
	free, err := winpe.FreeSpace(pc.Stick)
	if err != nil {
		free = gib
	}
	return &winpe.Machine{System: winpe.Describe(), Volumes: []winpe.Volume{
		{Mount: pc.Stick, ID: "stick", Label: "STICK", FileSystem: "exFAT", Size: max(64*gib, free), Free: free, Removable: true,
			Disk: winpe.Disk{Name: "Disk 1", Model: "Example Stick", Bus: "USB"}},
		{Mount: pc.Volume, ID: "disk", Label: "Windows", FileSystem: "NTFS", Size: 476 * gib, Free: 200 * gib,
			Disk: winpe.Disk{Name: "Disk 0", Model: "Example SSD", Bus: "NVMe"}},
	}}
}
