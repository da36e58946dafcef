package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"lifeboat/engine"
	"lifeboat/engine/usmt"
	"lifeboat/tui"
	"lifeboat/winpe"
)

// wizardOptions are what the wizard can be told on the command line.
type wizardOptions struct {
	ascii, mono, plain bool
	at                 []string
	machine            string
}

func (o *wizardOptions) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.ascii, "ascii", false, "draw with letters only")
	cmd.Flags().BoolVar(&o.mono, "mono", false, "draw without colours")
	cmd.Flags().BoolVar(&o.plain, "plain", false, "ask and answer line by line: for screen readers and serial lines")
}

// wizard runs the wizard on this machine, or on a recorded one.
func (p *program) wizard(ctx context.Context, o wizardOptions) usmt.Code {
	live := p.live()
	for _, folder := range o.at {
		live.Places = append(live.Places, p.path(folder))
	}
	if o.machine != "" {
		data, err := os.ReadFile(p.path(o.machine))
		if err != nil {
			return p.fail("lifeboat", usmt.Fail(usmt.InvalidParameters, err, "read the machine"))
		}
		m, err := winpe.ReadMachine(data)
		if err != nil {
			return p.fail("lifeboat", usmt.Fail(usmt.InvalidParameters, err, "%s", o.machine))
		}
		live.Recorded = &m
	}
	return p.runWizard(ctx, live, o)
}

func (p *program) live() *tui.Live {
	return &tui.Live{Engine: p.engine(), Options: engine.DetectOptions{Arch: p.getenv("MIG_OFFLINE_PLATFORM_ARCH")}}
}

// runWizard shows the wizard and does what the person wants after it.
func (p *program) runWizard(ctx context.Context, live *tui.Live, o wizardOptions) usmt.Code {
	defer live.Close()
	if err := winpe.EnablePrivileges(); err != nil {
		return p.fail("lifeboat", usmt.Fail(usmt.EnvironmentFailed, err, "read files of all users"))
	}
	out, err := tui.Run(ctx, tui.Options{Backend: live, In: p.stdin, Out: p.stdout, Clock: p.clock, ASCII: o.ascii, Mono: o.mono, Plain: o.plain})
	if err != nil {
		return p.fail("lifeboat", err)
	}
	if live.Recorded == nil { // a recorded machine has no switch
		if err := out.Ending.Do(); err != nil {
			return p.fail("lifeboat", err)
		}
	}
	switch {
	case out.Err != nil:
		return usmt.CodeOf(out.Err)
	case out.Restored != nil:
		return usmt.Code(out.Restored.ReturnCode)
	case out.Report != nil:
		return usmt.Code(out.Report.ReturnCode)
	case out.None:
		return usmt.InitError
	}
	return usmt.Success
}
