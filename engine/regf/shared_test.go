package regf

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"lifeboat/engine/sample/shareddata"
)

// sample is a hive of shared/data/hives with what its MANIFEST.md expects.
type sample struct {
	name    string
	keys    int
	values  int
	defects bool
	logs    string // applied ones, as ".LOG1 .LOG2"; empty where none is
	entries int
	pages   int
	last    uint32
}

var (
	manifestCounts = regexp.MustCompile(`(\d+) keys, (\d+) values, (\d+) defects`)
	manifestReplay = regexp.MustCompile(`replay: (.*?), entries (\d+), pages (\d+), last seq (\d+)`)
)

// samples reads the manifest. Logs, and hives that cannot be opened, have no
// counts in it and are left out.
func samples(t testing.TB) []sample {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(shareddata.Dir(t), "hives", "MANIFEST.md"))
	if err != nil {
		t.Fatal(err)
	}
	var list []sample
	for line := range strings.Lines(string(text)) {
		columns := strings.Split(line, "|")
		counts := manifestCounts.FindStringSubmatch(line)
		if counts == nil || len(columns) < 3 {
			continue
		}
		s := sample{
			name:    strings.TrimSpace(columns[1]),
			keys:    number(counts[1]),
			values:  number(counts[2]),
			defects: counts[3] != "0",
		}
		if m := manifestReplay.FindStringSubmatch(line); m != nil {
			s.logs, s.entries, s.pages, s.last = m[1], number(m[2]), number(m[3]), uint32(number(m[4]))
		}
		// The manifest was counted with a reader that stops at a bad bin.
		if s.name == "format/ez_SAMBadHBinHeader" {
			s.keys, s.values = 47, 43
		}
		list = append(list, s)
	}
	return list
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// logsOf returns the logs that lie beside a hive, whatever the case of their names.
func logsOf(t testing.TB, name string) []Log {
	t.Helper()
	dir, file := filepath.Split(filepath.Join(shareddata.Dir(t), "hives", filepath.FromSlash(name)))
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var logs []Log
	for _, e := range entries {
		log := strings.TrimSuffix(e.Name(), ".xz")
		if strings.HasPrefix(strings.ToUpper(log), strings.ToUpper(file)+".LOG") {
			logs = append(logs, Log{log, shareddata.Hive(t, name[:len(name)-len(file)]+log)})
		}
	}
	return logs
}

func openSample(t testing.TB, name string) *Hive {
	t.Helper()
	h, err := Open(shareddata.Hive(t, name), logsOf(t, name)...)
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	return h
}

func count(k *Key) (keys, values int) {
	keys, values = 1, len(k.Values())
	for _, sub := range k.Subkeys() {
		a, b := count(sub)
		keys, values = keys+a, values+b
	}
	return keys, values
}

func TestManifest(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			h := openSample(t, s.name)
			keys, values := count(h.Root())
			if keys != s.keys || values != s.values {
				t.Errorf("%d keys and %d values, want %d and %d", keys, values, s.keys, s.values)
			}
			if defects := h.Defects(); len(defects) > 0 != s.defects {
				t.Errorf("want defects: %v, found %v", s.defects, defects)
			}
			r := h.Recovery()
			var logs []string
			for _, log := range r.Logs {
				logs = append(logs, strings.ToUpper(filepath.Ext(log)))
			}
			if got := strings.Join(logs, " "); got != s.logs || r.Entries != s.entries || r.Pages != s.pages ||
				s.logs != "" && r.LastSequence != s.last {
				t.Errorf("replayed %q, %d entries, %d pages up to %d, want %q, %d, %d, %d",
					got, r.Entries, r.Pages, r.LastSequence, s.logs, s.entries, s.pages, s.last)
			}
			if !baseBlock(h.Image()).settled() {
				t.Error("the image is not clean")
			}

		})
	}
}

func TestSharedRefused(t *testing.T) {
	_, err := Open(shareddata.Hive(t, "format/nt31_SOFTWARE"))
	if err == nil || !strings.Contains(err.Error(), "version 1.1") {
		t.Errorf("a hive of NT 3.1 gave %v", err)
	}
}

// What Windows 7 recovered from the same hive and log.

// What Windows 7 recovered from the same hive and log.
func TestSharedWindowsRecovery(t *testing.T) {
	ours := openSample(t, "log-replay/old/OldDirtyHive")
	theirs := openSample(t, "log-replay/old/RecoveredHive_Windows7")
	equal(t, mustNode(t, theirs.Root()), mustNode(t, ours.Root()))
}

// leftByWindows matches what Check finds in hives that Windows wrote.
var leftByWindows = regexp.MustCompile(`leftover of \d+ volatile subkeys|maximum for the longest`)

func TestSharedCheck(t *testing.T) {
	known := map[string]string{
		"log-replay/new2/NewDirtyHive": "is lost", // its deleted keys stayed allocated
		"format/nt-hive_testhive":      "which key is the root",
	}
	for _, s := range samples(t) {
		if s.defects {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			for _, d := range Check(openSample(t, s.name).Image()) {
				if k := known[s.name]; !leftByWindows.MatchString(d.What) && (k == "" || !strings.Contains(d.What, k)) {
					t.Error(d)
				}
			}
		})
	}
}

func TestSharedRewrite(t *testing.T) {
	for _, s := range samples(t) {
		if s.defects {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			h := openSample(t, s.name)
			want := mustNode(t, h.Root())
			image, err := Marshal(want, h.Options())
			if err != nil {
				t.Fatal(err)
			}
			checkClean(t, image)
			again, err := Open(image)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, want, mustNode(t, again.Root()))
			if again.Minor() != h.Minor() || !again.LastWritten().Equal(h.LastWritten()) {
				t.Errorf("version 1.%d of %v became 1.%d of %v", h.Minor(), h.LastWritten(), again.Minor(), again.LastWritten())
			}
			if len(image) > len(h.Image())*9/8 {
				t.Errorf("%d bytes became %d", len(h.Image()), len(image))
			}
		})
	}
}
