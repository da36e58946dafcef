package engine

import (
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"lifeboat/engine/disk"
	"lifeboat/engine/ntfs/ntfstest"
	"lifeboat/engine/sample"
	"lifeboat/engine/volume"
)

// way is how far the arm of a disk has to go for the reads of it.
type way struct {
	io.ReaderAt
	mu    sync.Mutex
	at    int64
	reads int
	back  int   // reads that lie before where the last one ended
	bytes int64 // that the arm went past without reading
}

func (w *way) ReadAt(p []byte, off int64) (int, error) {
	w.mu.Lock()
	w.reads++
	if off < w.at {
		w.back++
	}
	w.bytes += max(off-w.at, w.at-off)
	w.at = off + int64(len(p))
	w.mu.Unlock()
	return w.ReaderAt.ReadAt(p, off)
}

// scattered makes an NTFS volume of a folder on which nothing lies where its
// neighbour in the folder does, as on a disk that was in use for years.
func scattered(tb testing.TB, dir string) []byte {
	tb.Helper()
	var paths []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if path != dir {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	v := ntfstest.New(ntfstest.Options{Records: int(ntfstest.FirstFree) + len(paths)})
	data := map[string]ntfstest.Attribute{}
	for _, i := range rand.New(rand.NewPCG(1, 1)).Perm(len(paths)) {
		info, err := os.Stat(paths[i])
		if err != nil {
			tb.Fatal(err)
		}
		if info.IsDir() {
			continue
		}
		content, err := os.ReadFile(paths[i])
		if err != nil {
			tb.Fatal(err)
		}
		data[paths[i]] = v.Data("", content)
	}
	folders := map[string]uint32{dir: ntfstest.Root}
	for _, path := range paths {
		f := ntfstest.File{Names: []ntfstest.Name{{Parent: folders[filepath.Dir(path)], Name: filepath.Base(path), Space: 1}}}
		if a, ok := data[path]; ok {
			f.Attributes = []ntfstest.Attribute{a}
			v.Add(f)
			continue
		}
		f.Folder = true
		folders[path] = v.Add(f)
	}
	return v.Image()
}

// unordered is a volume that does not tell where its files lie.
type unordered struct{ onDisk }

func (u unordered) List(path string) (volume.Listing, error) {
	l, err := u.onDisk.List(path)
	return unorderedListing{l}, err
}

type unorderedListing struct{ volume.Listing }

func (l unorderedListing) Next() ([]volume.Info, error) {
	entries, err := l.Listing.Next()
	for i := range entries {
		entries[i].Cluster = 0
	}
	return entries, err
}

// seeks captures a scattered volume in the order of its folders and in that of the
// disk, and tells how far the arm went.
func seeks(tb testing.TB, files int, bytes int64) (folders, disks *way) {
	tb.Helper()
	pc, err := sample.Create(tb.TempDir(), clock())
	if err != nil {
		tb.Fatal(err)
	}
	if err := sample.Fill(filepath.Join(pc.Volume, "Users", "anna", "Documents", "More"), files, bytes, 1); err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "c.img")
	if err := os.WriteFile(path, scattered(tb, pc.Volume), 0o644); err != nil {
		tb.Fatal(err)
	}
	run := func(inOrder bool) *way {
		w := &way{}
		e := &Engine{Clock: clock, TempDir: tb.TempDir(), Version: "test"}
		e.images = func(path string) (*disk.Image, *disk.Careful, error) {
			image, err := disk.Open(path)
			if err != nil {
				return nil, nil, err
			}
			w.ReaderAt = image.ReaderAt
			image.ReaderAt = w
			return image, image.Careful(), nil
		}
		d, err := e.Detect(tb.Context(), []Place{{Path: path}}, DetectOptions{})
		if err != nil || len(d.Installations) != 1 {
			tb.Fatalf("%v, looked %+v", err, d.Looked)
		}
		defer d.Close()
		if !inOrder {
			d.sources[0].Volume = unordered{d.sources[0].Volume.(onDisk)}
		}
		plan, err := d.Plan(tb.Context(), d.Installations[0], PlanRequest{}, control())
		if err != nil {
			tb.Fatal(err)
		}
		defer plan.Close()
		w.at, w.reads, w.back, w.bytes = 0, 0, 0, 0
		r, err := e.Capture(tb.Context(), CaptureRequest{Plan: plan, StorePath: tb.TempDir(), SkipVerify: true}, control())
		if err != nil || r.ProblemCount > 0 || r.Files < int64(files) {
			tb.Fatalf("%v, %d files, problems %+v", err, r.Files, r.Problems)
		}
		return w
	}
	return run(false), run(true)
}

// Files are read in the order in which they lie on the disk.
func TestPhysicalOrder(t *testing.T) {
	folders, disks := seeks(t, 600, 6<<20)
	t.Logf("by folders %d reads, %d backwards, %d MiB; by the disk %d reads, %d backwards, %d MiB",
		folders.reads, folders.back, folders.bytes>>20, disks.reads, disks.back, disks.bytes>>20)
	if disks.bytes > folders.bytes/5 || disks.back > folders.back/2 || disks.reads > folders.reads*11/10 {
		t.Error("the arm is not spared")
	}
}

func BenchmarkSeeks(b *testing.B) {
	var folders, disks *way
	for b.Loop() {
		folders, disks = seeks(b, 10_000, 200<<20)
	}
	for name, w := range map[string]*way{"folders": folders, "disk": disks} {
		b.ReportMetric(float64(w.reads), name+"-reads")
		b.ReportMetric(float64(w.back), name+"-backwards")
		b.ReportMetric(float64(w.bytes)/(1<<20), name+"-MiB-seeked")
	}
	b.ReportMetric(float64(folders.bytes)/float64(disks.bytes), "less")
	b.ReportMetric(0, "ns/op") // it says nothing
}
