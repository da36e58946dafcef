package engine

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/engine/job"
	"lifeboat/engine/report"
	"lifeboat/engine/sample"
)

// What is wrong with a file system stands in the report: a volume that was not put in
// order once, and damage that may have cost a file as a problem, for no file tells.
func TestDamagedFileSystem(t *testing.T) {
	pc := samplePC(t)
	image, err := sample.NTFS(pc.Volume, "Windows")
	if err != nil {
		t.Fatal(err)
	}
	mark(t, image, "letter 03.txt")
	const dirty = 1
	volume := record(t, image, "$Volume")
	at := bytes.Index(volume, []byte{0, 0, 0, 0, 0, 0, 0, 0, 3, 1, 0, 0}) // $VOLUME_INFORMATION of NTFS 3.1
	volume[at+10] |= dirty
	d := detect(t, Place{Path: file(t, "c.img", image)})
	if len(d.Installations) != 1 {
		t.Fatalf("looked %+v", d.Looked)
	}
	plan, err := d.Plan(t.Context(), d.Installations[0], PlanRequest{}, control())
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Close()
	dest := t.TempDir()
	r, err := d.engine.Capture(t.Context(), CaptureRequest{Plan: plan, StorePath: dest}, control())
	if err != nil || r.Outcome != report.Missing || r.ProblemCount != 1 || r.SafeToWipe {
		t.Fatalf("%v, outcome %s, %d problems, safe %v", err, r.Outcome, r.ProblemCount, r.SafeToWipe)
	}
	if p := r.Problems[0]; p.Kind != job.Damaged || p.Path != `C:\` || !strings.Contains(p.Text, "a file may be missing") {
		t.Errorf("%+v", p)
	}
	text, err := os.ReadFile(filepath.Join(dest, ReportText))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"the volume is marked as not in order", "a file may be missing"} {
		if n := strings.Count(string(text), want); n != 1 {
			t.Errorf("the report says %d times %q:\n%s", n, want, text)
		}
	}
}

// record is the file record with a name.
func record(t *testing.T, image []byte, name string) []byte {
	t.Helper()
	var utf16 []byte
	for _, c := range name {
		utf16 = append(utf16, byte(c), 0)
	}
	for at := 0; at+1024 <= len(image); at += 1024 {
		if r := image[at : at+1024]; string(r[:4]) == "FILE" && bytes.Contains(r, utf16) {
			return r
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

// mark makes a file record one that cannot be read.
func mark(t *testing.T, image []byte, name string) { copy(record(t, image, name), "BAAD") }
