//go:build e2e && linux

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"lifeboat/engine/sample"
)

// BenchmarkPeers compares a capture with what else could save a profile, on
// the same generated one, in the same run: 2 GB in 30,000 files (LIFEBOAT_BENCH
// takes another number of megabytes). Each reports seconds, its ratio to
// tar|zstd -1, the processor's seconds, and the peak memory of its largest process;
// peers that are not installed are left out. Beside other work only cpu-s compares:
// scanstate also waits for the medium, to flush and to read back, and tar does not.
//
// The peers see a folder of files; scanstate also has the rest of a sample PC
// to look through, and reads everything back, which none of them does. All of
// them compress; kopia has to be told to.
func BenchmarkPeers(b *testing.B) {
	megabytes := 2048
	if v, err := strconv.Atoi(os.Getenv("LIFEBOAT_BENCH")); err == nil {
		megabytes = v
	}
	scratch := b.TempDir()
	pc, err := sample.Create(scratch, now)
	if err != nil {
		b.Fatal(err)
	}
	bulk := filepath.Join(pc.Volume, "Users", "anna", "Documents", "bulk")
	if err := sample.Fill(bulk, megabytes*30_000/2048, int64(megabytes)<<20, 1); err != nil {
		b.Fatal(err)
	}
	windows := "/offlineWinDir:" + filepath.Join(pc.Volume, "Windows")
	password := []string{"RESTIC_PASSWORD=x", "KOPIA_PASSWORD=x", "KOPIA_CHECK_FOR_UPDATES=false"}
	peers := []struct {
		name    string
		prepare []string // run before the clock starts; $OUT is a fresh folder
		command []string
	}{
		{"tar+zstd-1", nil, []string{"sh", "-c", "tar -C '" + bulk + "' -cf - . | zstd -q -1 -T0 > $OUT/a.tar.zst"}},
		{"lifeboat", nil, []string{binaries.linux, "scanstate", "$OUT/s", windows, "/c", "/l:$OUT/log"}},
		{"restic", []string{"restic", "-q", "-r", "$OUT/r", "init"}, []string{"restic", "-q", "-r", "$OUT/r", "backup", bulk}},
		{"kopia", []string{"sh", "-c", "kopia --config-file=$OUT/c repository create filesystem --path=$OUT/k &&" +
			"kopia --config-file=$OUT/c policy set --global --compression=zstd-fastest"},
			[]string{"kopia", "--config-file=$OUT/c", "snapshot", "create", "--no-progress", bulk}},
		{"wimcapture-xpress", nil, []string{"wimlib-imagex", "capture", bulk, "$OUT/a.wim", "--compress=XPRESS"}},
	}
	warm := exec.Command("sh", "-c", "cat $(find '"+bulk+"' -type d)/* >/dev/null 2>&1; find '"+pc.Volume+"' >/dev/null")
	warm.Run()
	var base float64
	for _, p := range peers {
		if _, err := exec.LookPath(p.command[0]); err != nil {
			b.Logf("%s is not installed", p.command[0])
			continue
		}
		b.Run(p.name, func(b *testing.B) {
			var seconds, processor float64
			var peak int64
			for b.Loop() {
				b.StopTimer()
				out := b.TempDir()
				run := func(words []string) *exec.Cmd {
					cmd := exec.Command(words[0])
					for _, w := range words[1:] {
						cmd.Args = append(cmd.Args, os.Expand(w, func(name string) string {
							if name == "OUT" {
								return out
							}
							return "$" + name
						}))
					}
					cmd.Env = append(append(os.Environ(), "HOME="+out), password...)
					if text, err := cmd.CombinedOutput(); err != nil {
						b.Fatalf("%s: %v\n%s", p.name, err, text)
					}
					return cmd
				}
				if p.prepare != nil {
					run(p.prepare)
				}
				b.StartTimer()
				began := time.Now()
				cmd := run(p.command)
				seconds += time.Since(began).Seconds()
				b.StopTimer()
				processor += (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
				peak = max(peak, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
				if err := os.RemoveAll(out); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			seconds /= float64(b.N)
			if base == 0 {
				base = seconds
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(seconds, "s")
			b.ReportMetric(seconds/base, "×tar")
			b.ReportMetric(processor/float64(b.N), "cpu-s")
			b.ReportMetric(float64(peak)/1024, "MiB-peak")
		})
	}
	if base == 0 {
		b.Fatal(fmt.Errorf("nothing was measured"))
	}
}
