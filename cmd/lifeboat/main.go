// Command lifeboat gets people's files, settings and accounts off a Windows PC
// that no longer boots.
//
// Without arguments, in a terminal, it opens the wizard. It is also USMT's
// command lines: `lifeboat scanstate …`, or started under the name scanstate,
// loadstate or usmtutils. The exit code is always one of USMT's return codes.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"lifeboat/engine"
	"lifeboat/engine/usmt"
	"lifeboat/winpe"
)

// version is set by the linker in releases.
var version = ""

func main() {
	// A rescue system has little memory and a third of the heap would be garbage
	// waiting to be collected; collecting it twice as often costs 2 % of a save.
	debug.SetGCPercent(50)
	// Near this it is collected more often yet: a folder of a million files shall not
	// push the rescue system over 256 MiB with garbage.
	debug.SetMemoryLimit(200 << 20)
	if code, ok := bootName(filepath.Base(os.Args[0]), os.Args[1:]); ok {
		os.Exit(code)
	}
	dir, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lifeboat:", err)
		os.Exit(int(usmt.EnvironmentFailed))
	}
	p := &program{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, clock: time.Now, dir: dir,
		freeSpace: winpe.FreeSpace,
		terminal:  term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd())),
	}
	os.Exit(int(p.run(context.Background(), os.Args)))
}

// program is the world a run of lifeboat sees.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	terminal       bool // both ends are one
	getenv         func(string) string
	clock          func() time.Time
	dir            string // current folder
	freeSpace      func(dir string) (int64, error)
}

// run executes one command line, its first word the name of the program.
func (p *program) run(ctx context.Context, args []string) usmt.Code {
	name := strings.ToLower(filepath.Base(args[0]))
	if tool := p.tool(strings.TrimSuffix(name, ".exe")); tool != nil {
		return interruptible(ctx, tool, args[1:])
	}
	if len(args) > 1 {
		if tool := p.tool(strings.ToLower(args[1])); tool != nil {
			return interruptible(ctx, tool, args[2:])
		}
	}
	return p.commands(ctx, args[1:])
}

// tool finds one of USMT's command lines by its name.
func (p *program) tool(name string) func(context.Context, []string) usmt.Code {
	switch name {
	case "scanstate":
		return p.scanState
	case "loadstate":
		return p.loadState
	case "usmtutils":
		return p.usmtUtils
	}
	return nil
}

// interruptible ends f's context at the first Ctrl+C; a second one ends the
// program at once.
func interruptible(ctx context.Context, f func(context.Context, []string) usmt.Code, args []string) usmt.Code {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return f(ctx, args)
}

// engine makes the engine that this run uses.
func (p *program) engine() *engine.Engine {
	return &engine.Engine{Clock: p.clock, TempDir: p.getenv("USMT_WORKING_DIR"), Version: versionText()}
}

// system is what the option grammar has to know.
func (p *program) system() usmt.System {
	return usmt.System{SlashPaths: runtime.GOOS != "windows", Dir: p.dir}
}

// path makes a path of the command line absolute.
func (p *program) path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(p.dir, name)
}

// fail prints an error for people and returns its code.
func (p *program) fail(program string, err error) usmt.Code {
	fmt.Fprint(p.stderr, usmt.Explain(program, err))
	return usmt.CodeOf(err)
}

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return "devel-" + s.Value[:12]
			}
		}
	}
	return "devel"
}
