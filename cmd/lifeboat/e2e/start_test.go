//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What a PC has to give before a save begins.
const (
	mostStart  = time.Second
	mostMemory = 64 << 20
)

// The first screen comes at once, and until a save begins little memory is
// used. What counts is the time that the program itself used, whatever else the
// machine does; that of a slow machine may be three times as long.
func TestStart(t *testing.T) {
	start, use := startUp(t, nil, binaries.linux, binaries.linux)
	t.Logf("Linux: first screen after %v, %v of work, %.1f MiB", start.Round(time.Millisecond), use.work, float64(use.memory)/(1<<20))
	if use.work > 3*mostStart || use.memory > mostMemory {
		t.Errorf("%v of work, with %d bytes", use.work, use.memory)
	}
}

func BenchmarkStart(b *testing.B) {
	var sum time.Duration
	var most int64
	for b.Loop() {
		start, use := startUp(b, nil, binaries.linux, binaries.linux)
		sum, most = sum+start, max(most, use.memory)
	}
	b.ReportMetric(float64(sum.Milliseconds())/float64(b.N), "ms/first-screen")
	b.ReportMetric(float64(most)/(1<<20), "MiB")
	b.ReportMetric(0, "ns/op")
}

// The same of the Windows build; most of the time and of the memory is wine's.
func BenchmarkStartUnderWine(b *testing.B) {
	env := winePrefix(b, nil)
	var sum time.Duration
	var most int64
	for b.Loop() {
		start, use := startUp(b, env, binaries.windows, "wine", binaries.windows)
		sum, most = sum+start, max(most, use.memory)
	}
	b.ReportMetric(float64(sum.Milliseconds())/float64(b.N), "ms/first-screen")
	b.ReportMetric(float64(most)/(1<<20), "MiB")
	b.ReportMetric(0, "ns/op")
}

// usage is what a process has used so far.
type usage struct {
	work   time.Duration // of processors
	memory int64         // at its peak
}

// startUp opens the wizard where there is no Windows to find, and returns how
// long its first screen took and what it has used when it asks.
func startUp(t testing.TB, env []string, program string, command ...string) (start time.Duration, use usage) {
	t.Helper()
	began := time.Now()
	place := t.TempDir()
	if command[0] == "wine" {
		place = windowsPath(place)
	}
	term := openTerminal(t, "220", "40", env, append(command, "--at", place)...)
	term.await("Lifeboat")
	start = time.Since(began)
	term.await("No Windows")
	use = usageOf(t, program)
	term.close()
	return start, use
}

// usageOf is what the process of a program has used.
func usageOf(t testing.TB, program string) usage {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range processes {
		// The program itself, not the shell or the terminal that started it.
		line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if first, _, _ := strings.Cut(string(line), "\x00"); err != nil || first != program && first != windowsPath(program) {
			continue
		}
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			continue
		}
		status, err := os.ReadFile(filepath.Join(dir, "status"))
		if err != nil {
			continue
		}
		// After the name in brackets come a letter and numbers; the 12th and 13th are
		// the hundredths of a second in the program and in the kernel (proc(5)).
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		_, peak, _ := strings.Cut(string(status), "VmHWM:")
		peak, _, _ = strings.Cut(peak, "kB")
		var hundredths [2]int64
		for i := range hundredths {
			if hundredths[i], err = strconv.ParseInt(fields[11+i], 10, 64); err != nil {
				t.Fatal(err)
			}
		}
		kb, err := strconv.ParseInt(strings.TrimSpace(peak), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return usage{time.Duration(hundredths[0]+hundredths[1]) * 10 * time.Millisecond, kb << 10}
	}
	t.Fatalf("no process of %s", program)
	return usage{}
}
