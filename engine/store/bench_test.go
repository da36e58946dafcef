package store

import (
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// benchTree is a generated profile: documents, pictures, small settings, one
// mailbox; half of it compressible. LIFEBOAT_BENCH_TREE names a folder to use
// instead, LIFEBOAT_BENCH_FILES the number of files to generate.
func benchTree(b *testing.B) (dir string, bytes int64) {
	b.Helper()
	if dir = os.Getenv("LIFEBOAT_BENCH_TREE"); dir == "" {
		dir = b.TempDir()
		files := 1500
		if n, err := strconv.Atoi(os.Getenv("LIFEBOAT_BENCH_FILES")); err == nil {
			files = n
		}
		if err := generate(dir, files); err != nil {
			b.Fatal(err)
		}
	}
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, ierr := d.Info(); ierr == nil {
				bytes += info.Size()
			}
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return dir, bytes
}

// generate makes about 70 KB a file on average.
func generate(dir string, files int) error {
	rng := rand.New(rand.NewPCG(1, 2))
	noise := rand.NewChaCha8([32]byte{1})
	words := strings.Fields("the quick brown fox jumps over a lazy dog and reports quarterly figures to nobody in particular")
	kinds := []struct {
		ext  string
		size int
		text bool
	}{{".ini", 2 << 10, true}, {".txt", 20 << 10, true}, {".docx", 60 << 10, false}, {".log", 80 << 10, true}, {".jpg", 180 << 10, false}, {".dat", 100 << 10, true}}
	buf := make([]byte, 0, 64<<20)
	for i := range files {
		kind := kinds[rng.IntN(len(kinds))]
		size := int(float64(kind.size) * rng.ExpFloat64())
		if i%5000 == 4999 {
			size = 50 << 20
		}
		buf = buf[:0]
		if kind.text {
			for len(buf) < size {
				buf = append(buf, words[rng.IntN(len(words))]...)
				buf = strconv.AppendUint(append(buf, ' '), rng.Uint64N(1000), 10)
			}
		} else {
			buf = buf[:size]
			noise.Read(buf)
		}
		name := filepath.Join(dir, fmt.Sprintf("Users/anna/d%02d/e%02d/f%05d%s", i/1000, i/50%20, i, kind.ext))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(name, buf, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// addDir hands a folder on disk to a capture, as package capture does.
func addDir(b *testing.B, c *Capture, dir, path string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		if e.IsDir() {
			addDir(b, c, name, path+"/"+e.Name())
			continue
		}
		info, err := e.Info()
		if err != nil {
			b.Fatal(err)
		}
		err = c.Add(b.Context(), Item{
			Path:    path + "/" + e.Name(),
			Size:    info.Size(),
			ModTime: info.ModTime(),
			Open:    func() (io.ReadCloser, error) { return os.Open(name) },
		}, nil)
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCapture saves a profile to a store on the same disk, opening and
// closing included.
func BenchmarkCapture(b *testing.B) {
	dir, bytes := benchTree(b)
	b.SetBytes(bytes)
	for b.Loop() {
		out := b.TempDir()
		s := create(b, out, testOptions(b))
		c := begin(b, s)
		addDir(b, c, dir, "File/C$")
		writeCatalog(b, c)
		if _, err := c.Finish(b.Context(), Summary{}); err != nil {
			b.Fatal(err)
		}
		closeStore(b, s)
		b.StopTimer()
		os.RemoveAll(out)
		b.StartTimer()
	}
	reportPeak(b, "all")
}

// BenchmarkVerify reads a store back.
func BenchmarkVerify(b *testing.B) {
	dir, bytes := benchTree(b)
	s := create(b, b.TempDir(), testOptions(b))
	defer closeStore(b, s)
	c := begin(b, s)
	addDir(b, c, dir, "File/C$")
	writeCatalog(b, c)
	id, err := c.Finish(b.Context(), Summary{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(bytes)
	for b.Loop() {
		if report, err := s.Verify(b.Context(), id, nil); err != nil || !report.OK() {
			b.Fatal(report, err)
		}
	}
	reportPeak(b, "all")
}

// BenchmarkManyFiles stores small files by the hundred thousand, verifies them and
// opens each, as a restore does; what it reports as peaks must not grow with their
// number. LIFEBOAT_BENCH_FILES=1000000 is the bound of the design, and
// LIFEBOAT_BENCH_FOLDER how many of them lie in one folder.
func BenchmarkManyFiles(b *testing.B) {
	files, folder := envInt("LIFEBOAT_BENCH_FILES", 20000), envInt("LIFEBOAT_BENCH_FOLDER", 250)
	path := func(i int) string {
		return fmt.Sprintf("File/C$/Users/anna/d%03d/e%02d/file with a usual name %d.txt", i/folder/20, i/folder%20, i)
	}
	for b.Loop() {
		s := create(b, b.TempDir(), testOptions(b))
		b.StopTimer()
		resetPeak(b)
		b.StartTimer()
		c := begin(b, s)
		for i := range files {
			content := "content of file " + strconv.Itoa(i)
			err := c.Add(b.Context(), Item{
				Path:    path(i),
				Size:    int64(len(content)),
				ModTime: time.Unix(int64(1.5e9)+int64(i), 0),
				Open:    func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil },
			}, nil)
			if err != nil {
				b.Fatal(err)
			}
		}
		writeCatalog(b, c)
		id, err := c.Finish(b.Context(), Summary{})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		reportPeak(b, "save")
		if report, err := s.Verify(b.Context(), id, nil); err != nil || report.Files != int64(files)+1 {
			b.Fatal(report.Files, err)
		}
		reportPeak(b, "verify")
		tree, err := s.Tree(b.Context(), id)
		if err != nil {
			b.Fatal(err)
		}
		for i := range files {
			f, err := tree.Open(b.Context(), path(i))
			if err != nil {
				b.Fatal(err)
			}
			f.Close()
		}
		reportPeak(b, "restore")
		closeStore(b, s)
		b.StartTimer()
	}
	b.ReportMetric(float64(files)*float64(b.N)/b.Elapsed().Seconds(), "files/s")
}

func envInt(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// reportPeak reports the peak memory of the process since the last resetPeak, where
// the system tells, and resets it.
func reportPeak(b *testing.B, what string) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			if kb, err := strconv.Atoi(strings.Fields(rest)[0]); err == nil {
				b.ReportMetric(float64(kb)/1024, what+"-peak-MiB")
			}
		}
	}
	resetPeak(b)
}

// resetPeak gives back what is not in use and lets the system count anew.
func resetPeak(b *testing.B) {
	debug.FreeOSMemory()
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}
