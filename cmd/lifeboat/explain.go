package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"lifeboat/engine"
	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
)

// explainCommand says what return codes mean, and why objects are saved or not.
func (p *program) explainCommand(code *usmt.Code) *cobra.Command {
	var asJSON bool
	var windowsDir, config string
	var rules []string
	cmd := &cobra.Command{
		Use:   "explain [code | path | key]…",
		Short: "Say what return codes mean, or why a file or setting is saved or not",
		Long: `With numbers, or with nothing, says what return codes mean and what to do about
them. With paths or registry keys of an offline Windows, says which rule of
which file takes each or leaves it behind, and which rules lose against it:

  lifeboat explain 27
  lifeboat explain --windows /mnt/c/Windows 'C:\Users\anna\Documents\a.txt'
  lifeboat explain --windows /mnt/c/Windows -i my.xml 'HKCU\Software\Ledger [Year]'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var objects []string
			for _, arg := range args {
				if file, ok := cutOption(arg, "i"); ok {
					rules = append(rules, file)
				} else if file, ok := cutOption(arg, "config"); ok {
					config = file
				} else {
					objects = append(objects, arg)
				}
			}
			codes, err := returnCodes(objects)
			switch {
			case windowsDir == "" && err != nil:
				return fmt.Errorf("%w; for a path or key, say which Windows with --windows", err)
			case windowsDir == "" || err == nil && len(objects) > 0:
				return p.explainCodes(codes, asJSON)
			case len(objects) == 0:
				return fmt.Errorf("name a path such as C:\\Users\\anna, or a key such as HKCU\\Software")
			}
			*code = interruptible(cmd.Context(), func(ctx context.Context, objects []string) usmt.Code {
				s := usmt.NewScanState()
				s.OfflineWinDir, s.Rules, s.Config = windowsDir, rules, config
				if err := p.explainObjects(ctx, s, objects, asJSON); err != nil {
					return p.fail("explain", err)
				}
				return usmt.Success
			}, objects)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&windowsDir, "windows", "", "the offline Windows folder that paths and keys are of")
	cmd.Flags().StringArrayVarP(&rules, "rules", "i", nil, "a rule file, instead of Lifeboat's own; also as /i:file")
	cmd.Flags().StringVar(&config, "config", "", "a Config.xml; also as /config:file")
	return cmd
}

// cutOption takes /name:argument apart.
func cutOption(word, name string) (string, bool) {
	prefix := "/" + name + ":"
	if len(word) <= len(prefix) || !strings.EqualFold(word[:len(prefix)], prefix) {
		return "", false
	}
	return word[len(prefix):], true
}

// returnCodes reads numbers; none means all there are.
func returnCodes(args []string) ([]usmt.Code, error) {
	if len(args) == 0 {
		return usmt.Codes(), nil
	}
	var codes []usmt.Code
	for _, arg := range args {
		n, err := strconv.Atoi(arg)
		if err != nil {
			return nil, fmt.Errorf("%q is no return code", winname.Show(arg))
		}
		codes = append(codes, usmt.Code(n))
	}
	return codes, nil
}

func (p *program) explainCodes(codes []usmt.Code, asJSON bool) error {
	type row struct {
		Code   int        `json:"code"`
		Symbol string     `json:"symbol"`
		Class  usmt.Class `json:"class"`
		Words  string     `json:"words"`
		Remedy string     `json:"remedy"`
	}
	var rows []row
	for _, c := range codes {
		rows = append(rows, row{int(c), c.String(), c.Class(), c.Words(), c.Remedy()})
	}
	if asJSON {
		return p.json(rows)
	}
	for _, r := range rows {
		fmt.Fprintf(p.stdout, "%d  %s (%s)\n    %s\n    %s\n", r.Code, r.Symbol, r.Class, r.Words, r.Remedy)
	}
	return nil
}

// explainObjects asks the rules of a command line about objects.
func (p *program) explainObjects(ctx context.Context, s *usmt.ScanState, objects []string, asJSON bool) error {
	run := &scanRun{program: p, ScanState: s, engine: p.engine(), logs: logs{on: p, log: usmt.NewLog(io.Discard, 0, p.clock)}}
	var err error
	if run.ruleSet, err = run.readRules(&s.Common); err != nil {
		return err
	}
	source, err := p.source(ctx, run.engine, s, run.note)
	if err != nil {
		return err
	}
	defer source.Close()
	req := engine.PlanRequest{Rules: run.rules, Config: run.config, RulesOnly: true}
	plan, err := source.Plan(ctx, source.inst, req, job.NewControl(p.clock, nil))
	if err != nil {
		return err
	}
	defer plan.Close()
	for _, d := range plan.Diagnostics {
		if d.Severity >= migxml.Warning {
			run.note(d.String())
		}
	}
	var all []engine.Explanation
	for _, object := range objects {
		some, err := plan.Explain(object)
		if err != nil {
			return usmt.Fail(usmt.InvalidParameters, err, "explain")
		}
		all = append(all, some...)
	}
	if asJSON {
		return p.json(all)
	}
	for _, e := range all {
		p.printExplanation(source.inst, e)
	}
	return nil
}

func (p *program) printExplanation(inst *engine.Installation, e engine.Explanation) {
	fmt.Fprintf(p.stdout, "%s\n  %s\n", winname.Show(e.Object), winname.Show(e.Why))
	for _, r := range e.Rules {
		mark := "loses"
		switch {
		case r.Wins:
			mark = "wins"
		case r.Idle:
			mark = "idle" // its component does not ask for the object
		}
		who := "the computer"
		if u, ok := userOf(inst, r.User); ok {
			who = engine.Account(u)
		}
		fmt.Fprintf(p.stdout, "    %-5s %-20s %s\n          %s:%d, %s for %s\n", mark, r.Kind, winname.Show(r.Pattern),
			winname.Show(r.File), r.Line, winname.Show(r.Component), winname.Show(who))
	}
}
