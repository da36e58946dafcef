package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"lifeboat/engine"
	"lifeboat/engine/answers"
	"lifeboat/engine/teamkey"
	"lifeboat/engine/usmt"
	"lifeboat/tui"
	"lifeboat/winpe"
)

// wizardOptions are what the wizard can be told on the command line.
type wizardOptions struct {
	ascii, mono, plain bool
	at                 []string
	machine            string
	answers            string
	unattended         bool
}

func (o *wizardOptions) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.ascii, "ascii", false, "draw with letters only")
	cmd.Flags().BoolVar(&o.mono, "mono", false, "draw without colours")
	cmd.Flags().StringVar(&o.answers, "answers", "", "a file with answers instead of the "+answers.Name+" in the root of the stick")
	cmd.Flags().BoolVar(&o.unattended, "unattended", false, "never ask: a question that the answers leave open ends the run")
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
		for i, v := range m.Volumes { // of an image that was copied with the file
			if strings.HasPrefix(v.Mount, "./") || strings.HasPrefix(v.Mount, `.\`) {
				m.Volumes[i].Mount = filepath.Join(filepath.Dir(p.path(o.machine)), filepath.FromSlash(strings.ReplaceAll(v.Mount, `\`, "/")))
			}
		}
		live.Recorded = &m
	}
	return p.runWizard(ctx, live, o)
}

// preset reads the answers that were given ahead of time, nil if there are none.
func (o wizardOptions) preset(ctx context.Context, p *program, live *tui.Live) (*tui.Preset, error) {
	path := p.path(o.answers)
	if path == "" {
		volumes, err := live.Volumes(ctx)
		if err != nil {
			volumes = nil // the wizard shows what is wrong with them
		}
		if path, err = stickAnswers(volumes); err != nil {
			return nil, usmt.Fail(usmt.InvalidParameters, err, "find the answers")
		}
	}
	if path == "" {
		if !o.unattended {
			return nil, nil
		}
		return &tui.Preset{File: answers.File{Unattended: true}}, nil
	}
	file, err := answers.Load(path)
	if err != nil {
		return nil, usmt.Fail(usmt.InvalidParameters, err, "").
			WithRemedy("mend the file: docs/lifeboat-yaml.md lists its keys")
	}
	preset := &tui.Preset{File: *file, At: path}
	preset.Unattended = preset.Unattended || o.unattended
	if len(file.Rules) > 0 {
		for _, rules := range file.Rules {
			files, err := live.ReadRules(ctx, rules)
			if err != nil {
				return nil, usmt.Fail(usmt.ScriptFiles, err, "read the rules that %s names", path)
			}
			preset.RuleFiles = append(preset.RuleFiles, files...)
		}
	}
	if file.PassphraseFile != "" {
		if preset.Passphrase, err = answers.ReadSecret(file.PassphraseFile); err != nil {
			return nil, usmt.Fail(usmt.InvalidKey, err, "read the passphrase that %s names", path)
		}
	}
	if file.Share.PasswordFile != "" {
		if preset.SharePassword, err = answers.ReadSecret(file.Share.PasswordFile); err != nil {
			return nil, usmt.Fail(usmt.InvalidParameters, err, "read the password of the share that %s names", path)
		}
	}
	if len(file.Recipients) > 0 {
		if preset.Team, err = teamkey.ParseRecipients(strings.Join(file.Recipients, "\n")); err != nil {
			return nil, usmt.Fail(usmt.InvalidKey, err, "read the recipients in %s", path)
		}
	}
	return preset, nil
}

// stickAnswers finds the answers in the root of the stick that the program was
// started from: beside the program's volume, or, where it runs from memory, on
// the one drive that was plugged in and has them.
func stickAnswers(volumes []winpe.Volume) (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", nil
	}
	home := ""
	for _, v := range volumes {
		if len(v.Mount) > len(home) && strings.HasPrefix(exe, v.Mount) {
			home = v.Mount
		}
	}
	var found []string
	for _, v := range volumes {
		ours := v.Mount == home && v.Removable
		if !ours && !(winpe.Describe().WinPE && v.Removable && v.Problem == "") {
			continue
		}
		path := filepath.Join(v.Mount, answers.Name)
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if ours {
			return path, nil
		}
		found = append(found, path)
	}
	if len(found) > 1 {
		return "", fmt.Errorf("there are %s: name one with --answers", strings.Join(found, " and "))
	}
	return strings.Join(found, ""), nil
}

func (p *program) live() *tui.Live {
	return &tui.Live{Engine: p.engine(), Options: engine.DetectOptions{Arch: p.getenv("MIG_OFFLINE_PLATFORM_ARCH")}}
}

// noTerminal is the failure of a wizard that nobody could answer.
func noTerminal() error {
	return usmt.Fail(usmt.InvalidParameters, nil, "there is no terminal to ask questions on").
		WithRemedy("run it in a terminal, or with --answers and --unattended")
}

// runWizard shows the wizard and does what the person wants after it.
func (p *program) runWizard(ctx context.Context, live *tui.Live, o wizardOptions) usmt.Code {
	defer live.Close()
	if err := winpe.EnablePrivileges(); err != nil {
		return p.fail("lifeboat", usmt.Fail(usmt.EnvironmentFailed, err, "read files of all users"))
	}
	defer winpe.StayAwake()()
	winpe.FillScreen()
	preset, err := o.preset(ctx, p, live)
	switch {
	case err != nil:
		return p.fail("lifeboat", err)
	case !p.terminal && (preset == nil || !preset.Unattended):
		return p.fail("lifeboat", noTerminal())
	case preset != nil:
		live.Logs = preset.Logs
	}
	out, err := tui.Run(ctx, tui.Options{
		Backend: live, In: p.stdin, Out: p.stdout, Clock: p.clock, ASCII: o.ascii, Mono: o.mono, Plain: o.plain, Preset: preset,
	})
	if err != nil {
		return p.fail("lifeboat", err)
	}
	if preset != nil && preset.Unattended && out.Err != nil {
		return p.fail("lifeboat", out.Err) // a person read it on the screen
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
