package winpe

import (
	"os/exec"
	"strings"
	"testing"
)

func TestShell(t *testing.T) {
	cmd := Shell()
	cmd.Stdin = strings.NewReader("echo in the shell\nexit 3\n")
	cmd.Env = append(cmd.Environ(), "SHELL=/bin/sh")
	out, err := cmd.CombinedOutput()
	exit, ok := err.(*exec.ExitError)
	if !ok || exit.ExitCode() != 3 || !strings.Contains(string(out), "Type exit") || !strings.Contains(string(out), "in the shell") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestSetLayoutTakesNoPath(t *testing.T) {
	for _, id := range []string{"", "-v", "../../etc/x", "a b", "/x", "x\n"} {
		if err := SetLayout(t.Context(), id); err == nil || !strings.Contains(err.Error(), "no such one") {
			t.Errorf("%q: %v", id, err)
		}
	}
}
