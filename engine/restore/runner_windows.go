package restore

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
)

// command starts the program that a line begins with, and leaves the line to it
// as it is: Windows has no other form of arguments.
func command(ctx context.Context, line string) (*exec.Cmd, error) {
	path, err := programOf(line)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: line, HideWindow: true}
	return cmd, nil
}

// programOf finds the program of a command line. One that is not quoted may have
// blanks in its path: the longest that there is is meant, so that nothing called
// C:\Program.exe comes before what lies in C:\Program Files.
func programOf(line string) (string, error) {
	if rest, quoted := strings.CutPrefix(line, `"`); quoted {
		name, _, _ := strings.Cut(rest, `"`)
		return exec.LookPath(name)
	}
	for end := len(line); end > 0; end = strings.LastIndexAny(line[:end], " \t") {
		if path, err := exec.LookPath(strings.TrimSpace(line[:end])); err == nil {
			return path, nil
		}
	}
	name, _, _ := strings.Cut(line, " ")
	return "", fmt.Errorf("there is no program %s", name)
}
