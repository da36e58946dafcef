//go:build e2e

package e2e

import (
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
// used. The time is that of the machine that runs the test, so it fails only
// when it is far off.
func TestStart(t *testing.T) {
	start, memory := startUp(t, nil, binaries.linux, binaries.linux)
	t.Logf("Linux: first screen after %v, %.1f MiB", start.Round(time.Millisecond), float64(memory)/(1<<20))
	if start > 3*mostStart || memory > mostMemory {
		t.Errorf("first screen after %v, with %d bytes", start, memory)
	}
}

func BenchmarkStart(b *testing.B) {
	var sum time.Duration
	var most int64
	for b.Loop() {
		start, memory := startUp(b, nil, binaries.linux, binaries.linux)
		sum, most = sum+start, max(most, memory)
	}
	b.ReportMetric(float64(sum.Milliseconds())/float64(b.N), "ms/first-screen")
	b.ReportMetric(float64(most)/(1<<20), "MiB")
	b.ReportMetric(0, "ns/op")
}

// The same of the Windows build; most of the time and of the memory is wine's.
func BenchmarkStartUnderWine(b *testing.B) {
	env := winePrefix(b)
	var sum time.Duration
	var most int64
	for b.Loop() {
		start, memory := startUp(b, env, binaries.windows, "wine", binaries.windows)
		sum, most = sum+start, max(most, memory)
	}
	b.ReportMetric(float64(sum.Milliseconds())/float64(b.N), "ms/first-screen")
	b.ReportMetric(float64(most)/(1<<20), "MiB")
	b.ReportMetric(0, "ns/op")
}

// startUp opens the wizard where there is no Windows to find, and returns how
// long its first screen took and how much memory it has used when it asks.
func startUp(t testing.TB, env []string, program string, command ...string) (start time.Duration, memory int64) {
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
	memory = peakMemory(t, program)
	term.close()
	return start, memory
}

// peakMemory is the most memory that the process of a program had so far.
func peakMemory(t testing.TB, program string) int64 {
	t.Helper()
	status, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range status {
		// The program itself, not the shell or the terminal that started it.
		line, err := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if first, _, _ := strings.Cut(string(line), "\x00"); err != nil || first != program && first != windowsPath(program) {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				return kb << 10
			}
		}
	}
	t.Fatalf("no process of %s", program)
	return 0
}
