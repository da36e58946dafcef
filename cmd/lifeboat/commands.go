package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
	"lifeboat/winpe"
)

// commands are those that are Lifeboat's own. Errors of usage have USMT's code
// for a wrong command line.
func (p *program) commands(ctx context.Context, args []string) usmt.Code {
	code := usmt.Success
	root := &cobra.Command{
		Use:   "lifeboat",
		Short: "Get people's files and settings off a Windows PC that no longer boots",
		Long: `Lifeboat gets people's files, settings and accounts off a Windows PC that no
longer boots. Without a command it opens the wizard.

USMT's command lines are commands too, and work when the program is renamed:
  lifeboat scanstate /?
  lifeboat loadstate /?
  lifeboat usmtutils /?`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetArgs(args)
	var options wizardOptions
	options.flags(root)
	root.Flags().StringArrayVar(&options.at, "at", nil, "look for Windows in this folder instead of all mounted volumes")
	root.Flags().StringVar(&options.machine, "machine", "", "use the volumes of a recorded machine, as lifeboat machine prints one")
	root.RunE = func(cmd *cobra.Command, _ []string) error {
		if !p.terminal && options.answers == "" && !options.unattended {
			return cmd.Help()
		}
		code = p.wizard(cmd.Context(), options)
		return nil
	}
	root.AddCommand(p.detectCommand(&code), p.disksCommand(&code), p.demoCommand(&code), p.machineCommand(), p.mediaCommand(&code), p.explainCommand(&code), p.browseCommand(&code), p.undoCommand(&code), p.importEFSCommand(&code), p.passwordCommand(&code), p.versionCommand())
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(p.stderr, "lifeboat: %v\n", err)
		return usmt.InvalidParameters
	}
	return code
}

func (p *program) versionCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return p.json(struct {
					Version string `json:"version"`
				}{versionText()})
			}
			fmt.Fprintln(p.stdout, "lifeboat", versionText())
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// machineCommand prints what is known of this machine, to be played back.
func (p *program) machineCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "machine",
		Short: "Print this computer's volumes and disks as JSON",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := winpe.Look(cmd.Context())
			if err != nil {
				return err
			}
			return p.json(m)
		},
	}
}

// json prints a value as JSON for other programs, names escaped as in a catalog.
func (p *program) json(v any) error {
	e := json.NewEncoder(p.stdout)
	e.SetIndent("", "  ")
	return e.Encode(winname.ForJSON(v))
}

// jsonFailure prints a failure as JSON, for a run of which there is nothing else to
// tell.
func (p *program) jsonFailure(err error) error {
	code := usmt.CodeOf(err)
	return p.json(struct {
		ReturnCode int    `json:"returnCode"`
		Symbol     string `json:"symbol"`
		Failure    string `json:"failure"`
		Remedy     string `json:"remedy"`
	}{int(code), code.String(), err.Error(), usmt.RemedyOf(err)})
}
