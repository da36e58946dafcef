package restore

import (
	"context"
	"os/exec"
)

// command has the shell run a line.
func command(ctx context.Context, line string) (*exec.Cmd, error) {
	return exec.CommandContext(ctx, "/bin/sh", "-c", line), nil
}
