package report

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lifeboat/engine/job"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func sample() *Report {
	start := time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)
	r := &Report{
		Computer: "PC-0412", Product: "Windows 11 Pro 23H2, build 22631.4460, x64", Source: "/mnt/c",
		Notes:   []string{"the volume is marked as not in order"},
		Started: start, Finished: start.Add(12*time.Minute + 33*time.Second),
		StorePath: `E:\PC-0412`, StoreID: "0123abcd", CaptureID: "k77", Protected: true,
		Files: 42894, Bytes: 39 << 30, Values: 1204,
		Users: []User{
			{ID: "S-1-5-21-1-2-3-1001", Name: "anna", Account: `CORP\anna`, Profile: `C:\Users\anna`, Included: true, Files: 42000, Bytes: 38 << 30, Values: 1204,
				Components: []Component{{Name: "Documents", Files: 42000, Bytes: 38 << 30}}},
			{ID: "System", Name: "Shared by all users", Profile: `C:\Users\Public`, Included: true, Files: 894, Bytes: 1 << 30},
			{ID: "S-1-5-21-1-2-3-1002", Name: "localadmin", Why: "not chosen"},
		},
		Left:         []Left{{User: "anna", Reason: "only in the cloud, will sync again", Files: 212, Bytes: 3 << 30, Examples: []string{`C:\Users\anna\OneDrive\a.docx`}}},
		Problems:     []job.Problem{{Kind: job.Unreadable, Path: "C:\\Users\\anna\\bad\x1b[2J<script>.xlsx", User: "anna", Text: "read at 12582912: input/output error"}},
		Rules:        []string{"custom.xml:7: warning: component \"Ledger\": <script> is not known inside <rules>, ignored\x1b"},
		ProblemCount: 3, Outcome: Missing, ReturnCode: 3,
		Verified: &Verdict{Files: 42894, Bytes: 39 << 30, Duration: 9 * time.Minute, CatalogOK: true},
	}
	r.Judge()
	return r
}

func TestGolden(t *testing.T) {
	for _, c := range []struct {
		file  string
		write func(*strings.Builder, *Report) error
	}{
		{"report.txt", func(b *strings.Builder, r *Report) error { return WriteText(b, r) }},
		{"report.html", func(b *strings.Builder, r *Report) error { return WriteHTML(b, r) }},
	} {
		var got strings.Builder
		if err := c.write(&got, sample()); err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", c.file)
		if *update {
			if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s differs from testdata; run with -update and look at the difference", c.file)
		}
	}
}

func TestForeignNamesAreHarmless(t *testing.T) {
	var text, html strings.Builder
	if err := WriteText(&text, sample()); err != nil {
		t.Fatal(err)
	}
	if err := WriteHTML(&html, sample()); err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{text.String(), html.String()} {
		if strings.ContainsRune(page, 0x1b) {
			t.Error("an escape character from a file name got through")
		}
	}
	if strings.Contains(html.String(), "<script>") {
		t.Error("a file name became markup")
	}
	for _, outside := range []string{"http://", "https://", "src="} {
		if strings.Contains(html.String(), outside) {
			t.Errorf("the page refers to something outside itself: %s", outside)
		}
	}
}

func TestJudge(t *testing.T) {
	good := func() *Report {
		return &Report{Outcome: Saved, Files: 7, Users: []User{{Name: "anna", Profile: `C:\Users\anna`, Included: true, Files: 7}}, Verified: &Verdict{CatalogOK: true}}
	}
	for name, c := range map[string]struct {
		spoil func(*Report)
		safe  bool
	}{
		"everything saved and read back": {func(*Report) {}, true},
		"excluded caches":                {func(r *Report) { r.Left = []Left{{Reason: "excluded by a rule"}} }, true},
		"not read back":                  {func(r *Report) { r.Verified = nil }, false},
		"corrupt on reading back":        {func(r *Report) { r.Verified.Corrupt = []string{"a"} }, false},
		"catalog unreadable":             {func(r *Report) { r.Verified.CatalogOK = false }, false},
		"nothing at all":                 {func(r *Report) { r.Files, r.Users[0].Files = 0, 0 }, false},
		"nothing for one user":           {func(r *Report) { r.Users[0].Files = 0 }, false},
		"one problem":                    {func(r *Report) { r.ProblemCount = 1 }, false},
		"user left out":                  {func(r *Report) { r.Users[0].Included = false }, false},
		"encrypted files left":           {func(r *Report) { r.Left = []Left{{Reason: "encrypted", Matters: true}} }, false},
		"stopped":                        {func(r *Report) { r.Outcome = Stopped }, false},
		"failed":                         {func(r *Report) { r.Outcome = Failed }, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := good()
			c.spoil(r)
			r.Judge()
			if r.SafeToWipe != c.safe || c.safe != (len(r.WipeReasons) == 0) {
				t.Errorf("safe %v, reasons %q", r.SafeToWipe, r.WipeReasons)
			}
		})
	}
}
