//go:build e2e

package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// terminal is a real terminal with a program in it, driven as a person would:
// keys go in, the screen is read.
type terminal struct {
	t      testing.TB
	server string
}

// openTerminal starts the command in a terminal of the given size.
func openTerminal(t testing.TB, columns, rows string, env []string, command ...string) *terminal {
	t.Helper()
	need(t, "tmux")
	// A name of its own each time: the server before may not be gone yet.
	term := &terminal{t, fmt.Sprintf("lifeboat-%s-%d", strings.NewReplacer("/", "-", ".", "-").Replace(t.Name()), time.Now().UnixNano())}
	for i, word := range command {
		command[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	args := []string{"-L", term.server, "-f", "/dev/null", "new-session", "-d", "-s", "t", "-x", columns, "-y", rows}
	args = append(args, "env LC_ALL=C.UTF-8 "+strings.Join(env, " ")+" "+strings.Join(command, " ")+"; echo; echo PROGRAM ENDED $?; sleep 3600")
	cmd := exec.Command("tmux", args...)
	cmd.Env = append(cmd.Environ(), "LC_ALL=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v\n%s", err, out)
	}
	t.Cleanup(term.close)
	return term
}

func (m *terminal) close() { exec.Command("tmux", "-L", m.server, "kill-server").Run() }

func (m *terminal) press(keys ...string) {
	m.t.Helper()
	sh(m.t, "tmux", append([]string{"-L", m.server, "send-keys", "-t", "t"}, keys...)...)
}

func (m *terminal) screen() string {
	m.t.Helper()
	return sh(m.t, "tmux", "-L", m.server, "capture-pane", "-p", "-t", "t")
}

// await waits until the screen shows all of the texts, and returns the screen.
func (m *terminal) await(texts ...string) string {
	m.t.Helper()
	return m.settle(func(screen string) string {
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return fmt.Sprintf("does not say %q", text)
			}
		}
		return ""
	})
}

// settle waits until nothing is wrong with the screen, and returns it: what is
// being drawn, or resized, is seen half done.
func (m *terminal) settle(wrong func(screen string) string) string {
	m.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		screen := m.screen()
		what := wrong(screen)
		if what == "" {
			return screen
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("the screen %s; it is\n%s", what, screen)
		}
	}
}
