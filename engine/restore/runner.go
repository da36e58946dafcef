package restore

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// Runner runs the commands of rules in the Windows that runs.
type Runner interface {
	// Run waits until the program of a command line ends. output is what it
	// printed, cut where that is long; code is its exit code. The error says why
	// it did not run, or not to its end.
	Run(ctx context.Context, line string) (output []byte, code int, err error)
}

// Programs is the Runner of real programs. They have the rights of this one,
// whoever the command is for.
type Programs struct {
	Dir   string        // in which they start
	Limit time.Duration // after which they are ended
}

// maxOutput bounds what is kept of a program's output.
const maxOutput = 64 << 10

// Run implements Runner.
func (p Programs) Run(ctx context.Context, line string) ([]byte, int, error) {
	ctx, cancel := context.WithTimeout(ctx, p.Limit)
	defer cancel()
	cmd, err := command(ctx, line)
	if err != nil {
		return nil, 0, err
	}
	var out output
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.Dir, &out, &out
	cmd.WaitDelay = 5 * time.Second // for what it started and left behind
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return out.kept, 0, fmt.Errorf("it did not end within %v and was ended", p.Limit)
	case errors.As(err, &exit) && exit.Exited():
		return out.kept, exit.ExitCode(), nil
	case errors.Is(err, exec.ErrWaitDelay):
		err = nil // something that it started goes on
	}
	return out.kept, 0, err
}

// output keeps the beginning of what is written to it.
type output struct{ kept []byte }

func (o *output) Write(p []byte) (int, error) {
	o.kept = append(o.kept, p[:min(len(p), maxOutput-len(o.kept))]...)
	return len(p), nil
}
