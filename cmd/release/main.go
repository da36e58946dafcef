// Command release builds the program for every system: bare, into one folder a
// target, or as what is published: a zip and a list of components (CycloneDX)
// for each, and the checksums of all. The same source, version and time give the
// same bytes, wherever it is run.
//
//	go run ./cmd/release -bare -out bin
//	go run ./cmd/release -out dist
//
// A program for Windows gets a version that Explorer shows, and a manifest: it
// runs with the rights it was started with, because a command line that asks for
// more opens another window and loses its output; and paths may be long.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// target is a system to build for.
type target struct{ os, arch string }

func (t target) String() string { return t.os + "-" + t.arch }

// program is what the built file is called.
func (t target) program() string {
	if t.os == "windows" {
		return "lifeboat.exe"
	}
	return "lifeboat"
}

var targets = []target{{"linux", "amd64"}, {"linux", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"}, {"windows", "386"}}

// maxProgram is the most that a program for Windows may have, in bytes: it is
// copied into the memory of a PC.
const maxProgram = 25_000_000

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	r := release{}
	var only string
	var bare bool
	flag.StringVar(&r.out, "out", "dist", "folder for the result")
	flag.StringVar(&r.version, "version", "", "version; that of git, if empty")
	flag.StringVar(&only, "only", "", "systems, as windows/amd64,linux/arm64; all, if empty")
	flag.BoolVar(&bare, "bare", false, "only the programs")
	flag.Parse()
	err := r.describe()
	if err == nil {
		r.targets, err = parseTargets(only)
	}
	if err == nil {
		err = r.build(ctx)
	}
	if err == nil && !bare {
		err = r.pack()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release is one run.
type release struct {
	out     string
	version string
	time    time.Time // of every file in the zips
	targets []target
}

func parseTargets(list string) ([]target, error) {
	if list == "" {
		return targets, nil
	}
	var all []target
	for _, name := range strings.Split(list, ",") {
		i := -1
		for k, t := range targets {
			if t.os+"/"+t.arch == name {
				i = k
			}
		}
		if i < 0 {
			return nil, fmt.Errorf("%s is no system to build for", name)
		}
		all = append(all, targets[i])
	}
	return all, nil
}

// describe asks git for the version, and for the time: that of the commit, or
// what SOURCE_DATE_EPOCH says.
func (r *release) describe() error {
	if r.version == "" {
		r.version = "devel"
		if out, err := exec.Command("git", "describe", "--tags", "--always", "--dirty").Output(); err == nil {
			r.version = strings.TrimSpace(string(out))
		}
	}
	epoch := os.Getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		out, err := exec.Command("git", "log", "-1", "--format=%ct").Output()
		if err != nil {
			return fmt.Errorf("ask git for the time of the commit; SOURCE_DATE_EPOCH can say it: %w", err)
		}
		epoch = strings.TrimSpace(string(out))
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	r.time = time.Unix(seconds, 0).UTC()
	return nil
}

func (r *release) file(t target) string { return filepath.Join(r.out, t.String(), t.program()) }

// build makes the programs.
func (r *release) build(ctx context.Context) error {
	for _, t := range r.targets {
		if err := os.MkdirAll(filepath.Dir(r.file(t)), 0o755); err != nil {
			return err
		}
		// grpcnotrace leaves out a page for debugging that would keep half of
		// the unused code (see WriteHTML in engine/report). What git says of the
		// folder is in the version already.
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "grpcnotrace",
			"-ldflags", "-s -w -X main.version="+r.version, "-o", r.file(t), "lifeboat/cmd/lifeboat")
		cmd.Env = append(os.Environ(), "GOOS="+t.os, "GOARCH="+t.arch, "CGO_ENABLED=0", "GOFLAGS=")
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("build for %s: %w", t, err)
		}
		if t.os == "windows" {
			if err := dress(r.file(t), r.version); err != nil {
				return fmt.Errorf("build for %s: %w", t, err)
			}
		}
		info, err := os.Stat(r.file(t))
		if err != nil {
			return err
		}
		fmt.Printf("%-14s %5.1f MB  %s\n", t, float64(info.Size())/1e6, r.file(t))
		if t.os == "windows" && info.Size() > maxProgram {
			return fmt.Errorf("the program for %s has %d bytes, and may have %d", t, info.Size(), maxProgram)
		}
	}
	return nil
}
