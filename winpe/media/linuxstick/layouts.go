package linuxstick

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
)

// layoutNames are the keyboard layouts that a stick gets, as X calls them: those
// with Latin letters that many have.
var layoutNames = []string{
	"be", "br", "ch", "cz", "de", "dk", "ee", "es", "fi", "fr", "gb", "hr", "hu", "it", "latam", "lt", "lv", "nl", "no", "pl", "pt", "ro", "se", "si", "sk", "tr", "us",
}

// findLayouts has the keyboard layouts made by Debian's own tools, ckbcomp and
// loadkeys, in the form that loadkeys -b writes. Without the tools, or where one
// of them fails, there are none: the kernel's own is US.
func (p *Parts) findLayouts(ctx context.Context) {
	for _, tool := range []string{"ckbcomp", "loadkeys"} {
		if _, err := exec.LookPath(tool); err != nil {
			p.Notes = append(p.Notes, "The stick will know the US keyboard only: the packages console-setup, xkb-data and kbd are not installed here.")
			return
		}
	}
	maps := map[string][]byte{}
	for _, name := range layoutNames {
		binary, err := layout(ctx, name)
		if err != nil {
			p.Notes = append(p.Notes, fmt.Sprintf("The stick will know the US keyboard only: %v.", err))
			return
		}
		maps[name] = binary
	}
	p.layouts = maps
}

// layout makes one keyboard map.
func layout(ctx context.Context, name string) ([]byte, error) {
	text, err := run(ctx, nil, "ckbcomp", name)
	if err != nil {
		return nil, err
	}
	binary, err := run(ctx, text, "loadkeys", "--unicode", "--bkeymap")
	if err == nil && !bytes.HasPrefix(binary, []byte("bkeymap")) {
		err = fmt.Errorf("loadkeys made no keyboard map of the layout %s", name)
	}
	return binary, err
}

func run(ctx context.Context, input []byte, tool string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cmd, err)
	}
	return out, nil
}
